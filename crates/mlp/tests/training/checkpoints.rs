//! Checkpoints: a training that goes on from one has the bits of a training that was not stopped.

use mlp::files::Archive;
use mlp::{Error, Optimizer, Scalar, Training};

use crate::pieces::{ended, trainings};
use crate::support::{bits, examples, network};

fn goes_on_with_the_same_bits<T: Scalar>() {
    let (x, y) = examples::<T>(23, 1);
    for (name, training) in trainings::<T>() {
        let begin = || training.begin(&network::<T>(4), &x, &y).unwrap();
        let expected = ended(begin());
        for epochs in [0, 1, 5, 11] {
            let mut killed = begin();
            killed.run_for(epochs).unwrap();
            let archive = killed.to_archive().unwrap();
            // The first weights are others: what counts is what was kept.
            let mut resumed = training.begin(&network::<T>(5), &x, &y).unwrap();
            resumed.restore(&archive).unwrap();
            assert_eq!(resumed.to_archive().unwrap(), archive, "{name} after {epochs}");
            assert_eq!(ended(resumed), expected, "{name} after {epochs}");
        }
    }
}

#[test]
fn a_resumed_training_has_the_same_bits() {
    goes_on_with_the_same_bits::<f64>();
    goes_on_with_the_same_bits::<f32>();
}

#[test]
fn checkpoints_are_of_this_training() {
    let (x, y) = examples::<f64>(23, 1);
    let training = Training::new(Optimizer::adam(0.05).unwrap()).epochs(8).batches(4, 3).unwrap();
    let mut trainer = training.begin(&network(4), &x, &y).unwrap();
    trainer.run_for(3).unwrap();
    let archive = trainer.to_archive().unwrap();
    let refused = |training: &Training<f64>, archive: &Archive| {
        let mut other = training.begin(&network(4), &x, &y).unwrap();
        let before = other.to_archive().unwrap();
        let error = other.restore(archive).unwrap_err();
        assert_eq!(other.to_archive().unwrap(), before, "{error} left something behind");
        error.to_string()
    };
    let with = |optimizer: Optimizer| Training::new(optimizer).batches(4, 3).unwrap();
    let text = refused(&with(Optimizer::momentum(0.1, 0.9).unwrap()), &archive);
    assert!(text.contains("0.v") || text.contains("remembers more"), "{text}");
    assert!(refused(&with(Optimizer::gradient_descent(0.1).unwrap()), &archive).contains("remembers more"));
    let text = refused(&with(Optimizer::rms_prop(0.1).unwrap()), &archive);
    assert!(text.contains("optimizer.0.s"), "{text}");
    let another_seed = Training::new(Optimizer::adam(0.05).unwrap()).batches(4, 4).unwrap();
    assert!(refused(&another_seed, &archive).contains("another seed"));
    let (fewer_x, fewer_y) = examples::<f64>(22, 1);
    let error = training.begin(&network(4), &fewer_x, &fewer_y).unwrap().restore(&archive).unwrap_err();
    assert_eq!(error, Error::Length { list: "order of the examples", expected: 22, found: 23 });
    let mut single = Training::new(Optimizer::adam(0.05).unwrap()).batches(4, 3).unwrap();
    single = single.epochs(8);
    let (single_x, single_y) = examples::<f32>(23, 1);
    let error = single.begin(&network(4), &single_x, &single_y).unwrap().restore(&archive).unwrap_err();
    assert!(error.to_string().contains("f64") || error.to_string().contains("F64"), "{error}");
    // A training that has begun does not become another, and one in an epoch's middle is none yet.
    assert!(matches!(trainer.restore(&archive), Err(Error::Checkpoint { .. })));
    trainer.batch().unwrap();
    assert!(matches!(trainer.to_archive(), Err(Error::Checkpoint { .. })));
    trainer.run().unwrap();
    assert!(matches!(trainer.to_archive(), Err(Error::Checkpoint { .. })));
}

/// Each part of a checkpoint, left out or made longer, is missed by its name, and nothing changes.
#[test]
fn every_part_is_looked_at() {
    let (x, y) = examples::<f64>(23, 1);
    for (name, training) in trainings::<f64>() {
        let mut trainer = training.begin(&network(4), &x, &y).unwrap();
        trainer.run_for(4).unwrap();
        let archive = trainer.to_archive().unwrap();
        for part in archive.names().filter(|part| !part.starts_with("best.loss")) {
            let mut without = Archive::new();
            archive.texts().for_each(|(key, value)| without.set_text(key, value));
            let mut longer = without.clone();
            for other in archive.names() {
                for (to, is_changed) in [(&mut without, false), (&mut longer, true)] {
                    if other == part && !is_changed {
                        continue;
                    }
                    match archive.whole(other) {
                        Ok(mut values) => {
                            if other == part {
                                values.push(1);
                            }
                            to.insert_whole(other, &values);
                        }
                        Err(_) => match archive.vector_of_any_values::<f64>(other) {
                            Ok(mut values) => {
                                if other == part {
                                    values.push(0.5);
                                }
                                to.insert_vector(other, &values);
                            }
                            Err(_) => {
                                let matrix = archive.matrix::<f64>(other).unwrap();
                                let matrix = if other == part {
                                    matrix.transposed().select_columns(&[0])
                                } else {
                                    matrix
                                };
                                to.insert(other, &matrix);
                            }
                        },
                    }
                }
            }
            for (what, wrong) in [("without", without), ("changed", longer)] {
                if wrong == archive || (what == "changed" && part.starts_with("history.")) {
                    continue;
                }
                let mut other = training.begin(&network(4), &x, &y).unwrap();
                let before = other.to_archive().unwrap();
                assert!(other.restore(&wrong).is_err(), "{name} {what} {part}");
                assert_eq!(other.to_archive().unwrap(), before, "{name} {what} {part}");
            }
        }
    }
}

/// What version 1 wrote, read for ever.
#[cfg(feature = "safetensors")]
mod golden {
    use super::*;

    const F64: &[u8] = include_bytes!("../golden/checkpoint_1_f64.safetensors");
    const F32: &[u8] = include_bytes!("../golden/checkpoint_1_f32.safetensors");

    fn is_read<T: Scalar>(bytes: &[u8], of: &str, epochs: usize) {
        let (x, y) = examples::<T>(23, 1);
        let all = trainings::<T>();
        let (_, training) = all.iter().find(|(name, _)| *name == of).unwrap();
        let archive = Archive::from_bytes(bytes).unwrap();
        let mut resumed = training.begin(&network::<T>(5), &x, &y).unwrap();
        resumed.restore(&archive).unwrap();
        assert_eq!(resumed.history().len(), epochs);
        assert_eq!(resumed.to_archive().unwrap(), archive);
        resumed.run_for(1).unwrap();
        assert_eq!(resumed.history().len(), epochs + 1);
    }

    #[test]
    fn version_1_is_read() {
        is_read::<f64>(F64, "averaged and stopped", 3);
        is_read::<f32>(F32, "plateau", 5);
    }

    /// How they were made; they are not to be made again.
    #[test]
    #[ignore = "writes into the folder GOLDEN"]
    fn write() {
        fn written<T: Scalar>(file: &str, of: &str, epochs: usize) {
            let folder = std::path::PathBuf::from(std::env::var_os("GOLDEN").unwrap());
            let (x, y) = examples::<T>(23, 1);
            let (_, training) = trainings::<T>().into_iter().find(|(name, _)| *name == of).unwrap();
            let mut trainer = training.begin(&network::<T>(4), &x, &y).unwrap();
            trainer.run_for(epochs).unwrap();
            trainer.save(folder.join(file)).unwrap();
        }
        written::<f64>("checkpoint_1_f64.safetensors", "averaged and stopped", 3);
        written::<f32>("checkpoint_1_f32.safetensors", "plateau", 5);
    }
}

#[cfg(feature = "safetensors")]
mod files {
    use std::path::PathBuf;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("mlp-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn training(epochs: usize) -> Training<f64> {
        Training::new(Optimizer::adam(0.02).unwrap()).epochs(epochs).batches(4, 3).unwrap()
    }

    #[test]
    fn checkpoints_are_written_and_resumed() {
        let folder = folder("checkpoints");
        let file = folder.join("training.safetensors");
        let (x, y) = examples::<f64>(23, 1);
        let mut in_one = network(4);
        let history = training(30).fit(&mut in_one, &x, &y).unwrap();
        let mut broken_off = network(4);
        training(30)
            .checkpoints(&file, 7)
            .unwrap()
            .fit_with(&mut broken_off, &x, &y, |epoch| match epoch.number {
                25 => std::ops::ControlFlow::Break(()),
                _ => std::ops::ControlFlow::Continue(()),
            })
            .unwrap();
        // The last checkpoint is after 21 epochs.
        let mut resumed = network(9);
        let found = training(30).resuming(&file).fit(&mut resumed, &x, &y).unwrap();
        assert_eq!((bits(&resumed), found), (bits(&in_one), history));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "no temporary file is left");
        let missing = training(30).resuming(folder.join("none")).fit(&mut resumed, &x, &y).unwrap_err();
        assert!(matches!(missing, Error::File(_)) && missing.to_string().contains("none"), "{missing}");
        let nowhere = training(3).checkpoints(folder.join("no").join("where"), 1).unwrap();
        let before = bits(&resumed);
        assert!(matches!(nowhere.fit(&mut resumed, &x, &y), Err(Error::File(_))));
        assert_eq!(bits(&resumed), before);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    const CHILD: &str = "MLP_TEST_CHECKPOINT";

    /// In a process of its own: trains on and on, with a checkpoint after every epoch, until it is killed.
    #[test]
    fn is_killed() {
        let Some(file) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
        let (x, y) = examples::<f64>(23, 1);
        let mut training = training(1_000_000).checkpoints(&file, 1).unwrap();
        if file.exists() {
            training = training.resuming(&file);
        }
        training.fit(&mut network(4), &x, &y).unwrap();
    }

    /// Killed at random moments, mostly while a checkpoint is written: what is there can be gone on from, with the
    /// bits of a training that was never stopped.
    #[test]
    fn a_killed_training_goes_on() {
        let folder = folder("killed");
        let file = folder.join("training.safetensors");
        let (x, y) = examples::<f64>(23, 1);
        let mut epochs = 0;
        for round in 0..8_u64 {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "checkpoints::files::is_killed", "--quiet"])
                .env(CHILD, &file)
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            // Long enough to begin, and at another place of the loop each time.
            while !file.exists() {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_micros(3_000 + 7_919 * round));
            child.kill().unwrap();
            child.wait().unwrap();
            let archive = Archive::read(&file).unwrap();
            let now = archive.vector::<f64>("history.training").unwrap().len();
            assert!(now >= epochs, "{now} after {epochs}");
            epochs = now;
            let mut in_one = training(now).begin(&network(4), &x, &y).unwrap();
            in_one.run_for(now).unwrap();
            assert_eq!(in_one.to_archive().unwrap(), archive, "round {round}, after {now} epochs");
        }
        assert!(epochs > 0);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

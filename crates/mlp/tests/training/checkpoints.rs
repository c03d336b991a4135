//! Checkpoints: a training that goes on from one has the bits of a training that was not stopped.

use mlp::files::Archive;
use mlp::{
    Activation, EarlyStopping, Error, Mlp, Model, Optimizer, ParameterGroup, Scalar, Schedule, Trainer,
    Training,
};
use tape::{Matrix, Tape, matrix};

use crate::pieces::{ended, trainings};
use crate::support::{examples, network};

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
    // A parameter that was trained would have the value of another training.
    let descent = || Training::new(Optimizer::gradient_descent(0.1).unwrap()).batches(4, 3).unwrap();
    let frozen = descent().group(ParameterGroup::of(["W[1]"]).frozen()).unwrap();
    let of_all = descent().begin(&network(4), &x, &y).unwrap().to_archive().unwrap();
    assert!(refused(&frozen, &of_all).contains("W[1] is not trained here"));
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

/// The square of a gradient of 10²⁵ is ∞ in f32: nothing is written that could not be read.
#[test]
fn a_checkpoint_that_could_not_be_read_is_not_written() {
    let (x, y) = (matrix![[1e10_f32, 2e10]], matrix![[1e15_f32, 2e15]]);
    let of = |optimizer: Optimizer| {
        let network = Mlp::<f32>::new(1).layer(1, Activation::Identity).build().unwrap();
        let mut trainer = Training::new(optimizer).epochs(4).begin(&network, &x, &y).unwrap();
        trainer.run_for(2).unwrap();
        trainer.to_archive()
    };
    for (optimizer, name) in [(Optimizer::adam(0.01), "v"), (Optimizer::rms_prop(0.01), "s")] {
        assert_eq!(
            of(optimizer.unwrap()).unwrap_err().to_string(),
            format!(
                "checkpoint: the optimiser remembers inf in 0.{name}: a gradient's square is larger than f32 can hold"
            )
        );
    }
    assert!(of(Optimizer::gradient_descent(1e-30).unwrap()).is_ok());
}

/// What decides has to stay: losses of the training and of a validation part are not to be
/// compared, and early stopping keeps the parameters that they are of.
fn what_decides_stays<T: Scalar>() {
    let (x, y) = examples::<T>(23, 1);
    let training = Training::<T>::new(Optimizer::adam(0.05).unwrap()).epochs(6);
    let validated = |of: &Training<T>| of.clone().validation(x.clone(), y.clone());
    let after = |epochs: usize, of: &Training<T>| {
        let mut trainer = of.begin(&network(4), &x, &y).unwrap();
        trainer.run_for(epochs).unwrap();
        trainer.to_archive().unwrap()
    };
    let resumed = |archive: &Archive, to: &Training<T>| {
        let mut trainer = to.begin(&network(4), &x, &y).unwrap();
        trainer.restore(archive).and_then(|()| trainer.run()).map(|()| trainer.history().clone())
    };
    let stopped = training.clone().early_stopping(EarlyStopping::new(3, 0.0).unwrap());
    let lowered = training.clone().schedule(Schedule::on_plateau(0.5, 2).unwrap());
    let batches = |of: &Training<T>| of.clone().batches(5, 0).unwrap();
    for decides in [&stopped, &lowered] {
        for plain in [decides.clone(), batches(decides)] {
            let pairs = [(plain.clone(), validated(&plain)), (validated(&plain), plain.clone())];
            for (from, to) in pairs {
                let error = resumed(&after(3, &from), &to).unwrap_err();
                assert!(error.to_string().contains("have decided"), "{error}");
                assert_eq!(resumed(&after(0, &from), &to).unwrap().len(), 6, "nothing has decided yet");
            }
        }
    }
    let error = resumed(&after(3, &stopped), &batches(&stopped)).unwrap_err();
    assert!(error.to_string().contains("other batches"), "{error}");
    // Where the losses decide nothing, a validation part comes and goes, and comes again.
    let mut trainer = validated(&training).begin(&network(4), &x, &y).unwrap();
    trainer.restore(&after(2, &training)).unwrap();
    trainer.run_for(2).unwrap();
    let archive = trainer.to_archive().unwrap();
    for to in [&training, &validated(&training)] {
        let history = resumed(&archive, to).unwrap();
        assert_eq!(history.epochs()[..4], trainer.history().epochs()[..4]);
        assert_eq!((history.epochs()[1].validation, history.epochs()[3].validation.is_some()), (None, true));
    }
}

#[test]
fn what_decides() {
    what_decides_stays::<f64>();
    what_decides_stays::<f32>();
}

/// What early stopping has ended goes on with more patience, as if it had been there from the
/// beginning.
#[test]
fn more_patience_goes_on() {
    let (x, y) = examples::<f64>(23, 1);
    let training = Training::<f64>::new(Optimizer::gradient_descent(1e-9).unwrap()).epochs(20);
    let patient = |epochs: usize| training.clone().early_stopping(EarlyStopping::new(epochs, 1e-3).unwrap());
    let history = |training: &Training<f64>, from: Option<&Archive>| {
        let mut trainer = training.begin(&network(4), &x, &y).unwrap();
        from.map_or(Ok(()), |archive| trainer.restore(archive)).unwrap();
        trainer.run_for(usize::MAX).unwrap();
        (trainer.history().clone(), trainer.to_archive().unwrap())
    };
    let (stopped, archive) = history(&patient(2), None);
    assert_eq!(stopped.len(), 3);
    assert_eq!(history(&patient(2), Some(&archive)).0.len(), 3);
    for other in [patient(5), training.clone()] {
        let (gone_on, in_one) = (history(&other, Some(&archive)).0, history(&other, None).0);
        assert!(gone_on.len() > 3);
        assert_eq!(gone_on, in_one);
    }
}

/// A batch whose gradient waits for others, and an end, are beginnings too: what they leave behind
/// would go into the training that is restored.
#[test]
fn what_has_begun_without_a_step_is_no_new_trainer() {
    let (x, y) = examples::<f64>(23, 1);
    let training = Training::<f64>::new(Optimizer::adam(0.05).unwrap()).epochs(6);
    let training = training.batches(4, 3).unwrap().accumulate(3).unwrap();
    let begin = || training.begin(&network(4), &x, &y).unwrap();
    let mut trainer = begin();
    trainer.run_for(2).unwrap();
    let archive = trainer.to_archive().unwrap();
    let mut in_an_epoch = begin();
    in_an_epoch.batch().unwrap();
    assert_eq!(in_an_epoch.steps(), 0);
    let mut ended = begin();
    ended.finish().unwrap();
    for mut other in [in_an_epoch, ended] {
        let error = other.restore(&archive).unwrap_err();
        assert!(error.to_string().contains("make a new trainer"), "{error}");
    }
}

#[test]
fn counts_that_could_not_grow_are_refused() {
    let (x, y) = examples::<f64>(23, 1);
    let training = Training::<f64>::new(Optimizer::adam(0.05).unwrap())
        .epochs(6)
        .schedule(Schedule::on_plateau(0.5, 2).unwrap())
        .early_stopping(EarlyStopping::new(3, 0.0).unwrap());
    let begin = || training.begin(&network(4), &x, &y).unwrap();
    let mut trainer = begin();
    trainer.run_for(3).unwrap();
    let archive = trainer.to_archive().unwrap();
    for (name, values) in [
        ("steps", &[u64::MAX, 3][..]),
        ("steps", &[3, u64::MAX]),
        ("plateau.waited", &[u64::MAX]),
        ("stopping", &[u64::MAX, 0]),
    ] {
        let mut hostile = archive.clone();
        hostile.insert_whole(name, values);
        let mut other = begin();
        let before = other.to_archive().unwrap();
        let error = other.restore(&hostile).unwrap_err();
        let expected = format!("checkpoint: {name} is 18446744073709551615, more than a training can have");
        assert_eq!(error.to_string(), expected);
        assert_eq!(other.to_archive().unwrap(), before);
    }
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
                // A validation part may come.
                let may_come = part == "examples.validation" && archive.whole(part) == Ok(vec![]);
                if wrong == archive || (what == "changed" && (part.starts_with("history.") || may_come)) {
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

/// Other examples of the same size are noticed, wherever they differ.
fn other_examples_are_refused<T: Scalar>() {
    let (x, y) = examples::<T>(23, 1);
    let (other_x, other_y) = examples::<T>(23, 2);
    let training = Training::new(Optimizer::adam(0.05).unwrap()).epochs(8).batches(4, 3).unwrap();
    let begin = |training: &Training<T>, x: &Matrix<T>, y: &Matrix<T>| {
        let mut trainer = training.begin(&network(4), x, y).unwrap();
        trainer.run_for(2).unwrap();
        trainer.to_archive().unwrap()
    };
    let refused = |training: &Training<T>, (x, y): (&Matrix<T>, &Matrix<T>), archive: &Archive| {
        let mut trainer = training.begin(&network(4), x, y).unwrap();
        let before = trainer.to_archive().unwrap();
        let error = trainer.restore(archive).unwrap_err();
        assert_eq!(trainer.to_archive().unwrap(), before);
        error
    };
    let of = |part, leaf: &str| Error::OtherExamples { part, leaf: leaf.to_owned() };
    let archive = begin(&training, &x, &y);
    assert_eq!(refused(&training, (&other_x, &y), &archive), of("training", "X"));
    assert_eq!(refused(&training, (&x, &other_y), &archive), of("training", "Y"));
    let mut next = x.clone();
    let value = next[(2, 22)];
    next[(2, 22)] = T::of_bits(value.bits() ^ 1);
    let error = refused(&training, (&next, &y), &archive);
    assert_eq!(
        error.to_string(),
        "checkpoint: the training examples of X are not those that it was begun with"
    );
    // Weights are what a leaf has, or another leaf has it.
    let weighted = |k: usize| {
        let weights = Matrix::from_fn(1, 23, |_, i| if i == k { T::from_f64(3.0) } else { T::ONE });
        training.clone().example_weights(weights)
    };
    let archive_1 = begin(&weighted(1), &x, &y);
    assert_eq!(refused(&weighted(2), (&x, &y), &archive_1), of("training", "w"));
    assert!(matches!(refused(&training, (&x, &y), &archive_1), Error::Checkpoint { .. }));
    assert!(matches!(refused(&weighted(1), (&x, &y), &archive), Error::Checkpoint { .. }));
    // A validation part may come and go, but not become another.
    let validated = |x: &Matrix<T>, y: &Matrix<T>| training.clone().validation(x.clone(), y.clone());
    let archive_2 = begin(&validated(&x, &y), &x, &y);
    assert_eq!(refused(&validated(&other_x, &y), (&x, &y), &archive_2), of("validation", "X"));
    assert_eq!(refused(&validated(&x, &other_y), (&x, &y), &archive_2), of("validation", "Y"));
    for (training, archive) in [(&training, &archive_2), (&validated(&other_x, &y), &archive)] {
        training.begin(&network(4), &x, &y).unwrap().restore(archive).unwrap();
    }
}

#[test]
fn other_examples_of_the_same_size() {
    other_examples_are_refused::<f64>();
    other_examples_are_refused::<f32>();
}

/// What is frozen is not in a checkpoint: a training does not go on with another network's.
fn other_frozen_parameters_are_refused<T: Scalar>() {
    let (x, y) = examples::<T>(23, 1);
    let frozen = ParameterGroup::of(["W[1]", "b[1]"]).frozen();
    let training = Training::new(Optimizer::adam(0.05).unwrap()).epochs(8).group(frozen).unwrap();
    let mut trainer = training.begin(&network(4), &x, &y).unwrap();
    trainer.run_for(2).unwrap();
    let archive = trainer.to_archive().unwrap();
    let mut other = network::<T>(4);
    let mut w = other.parameters()["W[1]"].clone();
    w[(0, 0)] = T::of_bits(w[(0, 0)].bits() ^ 1);
    other.set_parameter("W[1]", w).unwrap();
    let mut resumed = training.begin(&other, &x, &y).unwrap();
    assert_eq!(
        resumed.restore(&archive).unwrap_err().to_string(),
        "checkpoint: W[1], which is not trained, has other values than it was begun with"
    );
    let mut same = training.begin(&network(4), &x, &y).unwrap();
    same.restore(&archive).unwrap();
    trainer.run().unwrap();
    same.run().unwrap();
    assert_eq!(same.parameters().unwrap(), trainer.parameters().unwrap());
}

#[test]
fn other_frozen_parameters() {
    other_frozen_parameters_are_refused::<f64>();
    other_frozen_parameters_are_refused::<f32>();
}

/// What the tape itself has bound are examples too; blocks that are yet to come are none.
#[test]
fn examples_of_the_tape_and_blocks() {
    let training = Training::new(Optimizer::adam(0.05).unwrap()).epochs(8);
    let of_tape = |value: f64| {
        let tape = Tape::<f64>::new();
        let x = tape.examples("x", &matrix![[1.0, value]]);
        let a = tape.parameter("a", &matrix![[0.5]]);
        Trainer::new(Model::new((a * x - 1.0).square().mean(), [a]), &training).unwrap()
    };
    let mut trainer = of_tape(2.0);
    trainer.run_for(3).unwrap();
    let archive = trainer.to_archive().unwrap();
    let error = of_tape(2.5).restore(&archive).unwrap_err();
    assert_eq!(error, Error::OtherExamples { part: "training", leaf: "x".into() });
    of_tape(2.0).restore(&archive).unwrap();
    let tape = Tape::<f64>::new();
    let x = tape.examples_unbound("x", 1);
    let a = tape.parameter("a", &matrix![[0.5]]);
    let of_blocks = || Trainer::new(Model::new((a * x - 1.0).square().mean(), [a]), &training).unwrap();
    let mut trainer = of_blocks();
    trainer.epoch_over(&[x], [Ok(vec![matrix![[1.0, 2.0]]])]).unwrap();
    let archive = trainer.to_archive().unwrap();
    let mut resumed = of_blocks();
    resumed.restore(&archive).unwrap();
    resumed.epoch_over(&[x], [Ok(vec![matrix![[7.0]]])]).unwrap();
    assert_eq!(resumed.history().len(), 2);
    // An epoch that a block has broken off is none that could be gone on from.
    let broken = || Error::Told { text: "the disk is full".into() };
    let blocks = [Ok(vec![matrix![[1.0]]]), Err(broken())];
    assert_eq!(resumed.epoch_over(&[x], blocks), Err(broken()));
    let error = resumed.to_archive().unwrap_err().to_string();
    assert_eq!(error, "checkpoint: the training is in the middle of an epoch");
    resumed.epoch_over(&[x], [Ok(vec![matrix![[7.0]]])]).unwrap();
    assert_eq!(resumed.to_archive().unwrap().vector::<f64>("history.training").unwrap().len(), 3);
}

/// What each version wrote, read for ever.
#[cfg(feature = "safetensors")]
mod golden {
    use super::*;

    const F64_1: &[u8] = include_bytes!("../golden/checkpoint_1_f64.safetensors");
    const F32_1: &[u8] = include_bytes!("../golden/checkpoint_1_f32.safetensors");
    const F64_2: &[u8] = include_bytes!("../golden/checkpoint_2_f64.safetensors");
    const F32_2: &[u8] = include_bytes!("../golden/checkpoint_2_f32.safetensors");
    const F64_3: &[u8] = include_bytes!("../golden/checkpoint_3_f64.safetensors");
    const F32_3: &[u8] = include_bytes!("../golden/checkpoint_3_f32.safetensors");

    fn is_read<T: Scalar>(version: u64, bytes: &[u8], of: &str, epochs: usize) {
        let (x, y) = examples::<T>(23, 1);
        let all = trainings::<T>();
        let (_, training) = all.iter().find(|(name, _)| *name == of).unwrap();
        let archive = Archive::from_bytes(bytes).unwrap();
        let mut resumed = training.begin(&network::<T>(5), &x, &y).unwrap();
        resumed.restore(&archive).unwrap();
        assert_eq!(resumed.history().len(), epochs);
        let again = resumed.to_archive().unwrap();
        assert_eq!(again.text("format_version"), Some("3"));
        for name in again.names() {
            let is_new = version < 2 && name.starts_with("examples.") || version < 3 && name == "frozen";
            assert_eq!(archive.contains(name), !is_new, "{name}");
            let bits = |of: &Archive| {
                of.vector_of_any_values::<T>(name)
                    .map(|values| values.iter().map(|value| value.bits()).collect::<Vec<_>>())
            };
            if !is_new && let (Ok(kept), Ok(found)) = (bits(&archive), bits(&again)) {
                assert_eq!(kept, found, "{name}");
            }
        }
        if version == 3 {
            assert_eq!(again, archive);
        }
        resumed.run_for(1).unwrap();
        assert_eq!(resumed.history().len(), epochs + 1);
        // Of version 1 nobody can tell.
        let (other, _) = examples::<T>(23, 2);
        let mut on_others = training.begin(&network::<T>(5), &other, &y).unwrap();
        assert_eq!(on_others.restore(&archive).is_ok(), version == 1);
    }

    #[test]
    fn every_version_is_read() {
        is_read::<f64>(1, F64_1, "averaged and stopped", 3);
        is_read::<f32>(1, F32_1, "plateau", 5);
        is_read::<f64>(2, F64_2, "averaged and stopped", 3);
        is_read::<f32>(2, F32_2, "plateau", 5);
        is_read::<f64>(3, F64_3, "averaged and stopped", 3);
        is_read::<f32>(3, F32_3, "plateau", 5);
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
        written::<f64>("checkpoint_3_f64.safetensors", "averaged and stopped", 3);
        written::<f32>("checkpoint_3_f32.safetensors", "plateau", 5);
    }
}

#[cfg(feature = "safetensors")]
mod files {
    use std::path::PathBuf;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use super::*;
    use crate::support::bits;

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

//! Settings together, and at their ends: what each does alone is tested elsewhere.

use mlp::files::Archive;
use mlp::{
    Activation, EarlyStopping, Error, Mlp, Model, Optimizer, ParameterGroup, Purpose, Random, Scalar,
    Schedule, Trainer, Training,
};
use tape::{Matrix, Tape, Var, matrix};

use crate::pieces::ended;
use crate::support::{bits, examples, network};

/// Nearly all that there is, at a time.
fn everything<T: Scalar>(threads: usize) -> Training<T> {
    let (vx, vy) = examples::<T>(9, 8);
    Training::new(Optimizer::adam(0.05).unwrap().with_weight_decay(1e-3).unwrap())
        .epochs(14)
        .batches(4, 3)
        .unwrap()
        .threads(threads)
        .accumulate(2)
        .unwrap()
        .example_weights(Matrix::from_fn(1, 23, |_, i| T::from_f64([0.0, 1.0, 2.5][i % 3])))
        .class_weights([1.0, 3.0])
        .label_smoothing(0.1)
        .unwrap()
        .clip_value(0.2)
        .unwrap()
        .clip_norm(0.3)
        .unwrap()
        .l1(1e-3)
        .unwrap()
        .group(ParameterGroup::of(["b[1]"]).frozen())
        .unwrap()
        .group(ParameterGroup::of(["W[2]"]).rate_factor(0.3).unwrap().l2(1e-2).unwrap())
        .unwrap()
        .schedule(Schedule::on_plateau(0.5, 1).unwrap().warm_up(2.5).unwrap())
        .average(0.8)
        .unwrap()
        .validation(vx, vy)
        .early_stopping(EarlyStopping::new(6, 1e-4).unwrap())
}

/// In one, in pieces, on any number of threads, from a checkpoint after each epoch: the same bits.
fn everything_is_the_same<T: Scalar>() {
    let (x, y) = examples::<T>(23, 1);
    let training = everything::<T>(1);
    let begin = |training: &Training<T>| training.begin(&network::<T>(4), &x, &y).unwrap();
    let mut in_one = network::<T>(4);
    let history = training.fit(&mut in_one, &x, &y).unwrap();
    let expected = (bits(&in_one), history);
    assert_eq!(in_one.parameters()["b[1]"], network::<T>(4).parameters()["b[1]"], "it is frozen");
    for threads in [2, 3] {
        assert_eq!(ended(begin(&everything::<T>(threads))), expected);
    }
    let mut on_the_way = begin(&training);
    loop {
        let mut resumed = training.begin(&network::<T>(4), &x, &y).unwrap();
        resumed.restore(&on_the_way.to_archive().unwrap()).unwrap();
        assert_eq!(ended(resumed), expected, "after {} epochs", on_the_way.history().len());
        if on_the_way.epoch().unwrap().is_none() {
            break;
        }
    }
    assert_eq!(ended(on_the_way), expected);
}

#[test]
fn everything_together() {
    everything_is_the_same::<f64>();
    everything_is_the_same::<f32>();
}

/// The gradient of accumulated batches is that of all their examples, weights, smoothing and all.
fn accumulated_batches_are_one<T: Scalar>(tolerance: f64) {
    let (x, y) = examples::<T>(12, 1);
    let with = |training: Training<T>| {
        let training = training.class_weights([1.0, 2.0]).label_smoothing(0.2).unwrap();
        let training = training.clip_norm(0.05).unwrap().average(0.5).unwrap();
        let mut trained = network::<T>(4);
        training.fit(&mut trained, &x, &y).unwrap();
        trained
    };
    let descent = || Training::new(Optimizer::gradient_descent(0.5).unwrap()).epochs(5);
    let whole = with(descent());
    for (size, accumulated) in [(4, 3), (1, 12), (5, 3), (5, 100), (12, 1), (100, 7)] {
        let pieces = with(descent().batches(size, 1).unwrap().accumulate(accumulated).unwrap());
        for (name, value) in whole.parameters() {
            for (a, b) in value.iter().zip(pieces.parameters()[name].iter()) {
                assert!((a.to_f64() - b.to_f64()).abs() < tolerance, "{size} {accumulated} {name}");
            }
        }
    }
}

#[test]
fn accumulated_batches() {
    accumulated_batches_are_one::<f64>(1e-13);
    accumulated_batches_are_one::<f32>(1e-5);
}

fn line<T: Scalar>(tape: &Tape<T>) -> [Var<'_, T>; 5] {
    let (x, y) = (tape.examples_unbound("x", 1), tape.examples_unbound("y", 1));
    let (a, b) = (tape.parameter("a", &Matrix::zeros(1, 1)), tape.parameter("b", &Matrix::zeros(1, 1)));
    [(a * x + b - y).square().mean(), a, b, x, y]
}

/// Blocks with a plateau, accumulation, an average, a validation part, early stopping, a frozen
/// parameter and checkpoints: resumed after any epoch they have the bits of a training in one.
fn blocks_go_on_with_the_same_bits<T: Scalar>() {
    let tape = Tape::<T>::new();
    let [j, a, b, x, y] = line(&tape);
    let c = tape.parameter("c", &matrix![[T::from_f64(0.25)]]);
    let j = j + c.square().sum();
    let mut random = Random::new(5, Purpose::Split);
    let data: Vec<Vec<Matrix<T>>> = (1..6)
        .map(|m| {
            let x = Matrix::from_fn(1, m, |_, _| T::from_f64(random.symmetric(1.0)));
            let y = x.map(|x| x * T::from_f64(3.0) - T::ONE);
            vec![x, y]
        })
        .collect();
    let training = |validated: bool| {
        let training = Training::new(Optimizer::momentum(0.2, 0.5).unwrap())
            .epochs(9)
            .accumulate(2)
            .unwrap()
            .group(ParameterGroup::of(["c"]).frozen())
            .unwrap()
            .schedule(Schedule::on_plateau(0.5, 1).unwrap())
            .early_stopping(EarlyStopping::new(3, 1e-3).unwrap());
        if validated { training.average(0.6).unwrap() } else { training }
    };
    for validated in [true, false] {
        let begin = || {
            let model = Model::new(j, [a, b, c]);
            let model = match validated {
                true => model.validation(x, data[4][0].clone()).validation(y, data[4][1].clone()),
                false => model,
            };
            Trainer::new(model, &training(validated)).unwrap()
        };
        let epoch = |trainer: &mut Trainer<T>| {
            let blocks = data.iter().cloned().map(Ok);
            trainer.epoch_over(&[x, y], blocks).unwrap()
        };
        let ended = |mut trainer: Trainer<T>| {
            while epoch(&mut trainer).is_some() {}
            trainer.finish().unwrap();
            let values = [a, b].map(|of| trainer.value(of).unwrap()[(0, 0)].bits());
            (values, trainer.history().clone())
        };
        let expected = ended(begin());
        let mut on_the_way = begin();
        loop {
            let mut resumed = begin();
            resumed.restore(&on_the_way.to_archive().unwrap()).unwrap();
            assert_eq!(ended(resumed), expected, "{validated}, after {}", on_the_way.history().len());
            if epoch(&mut on_the_way).is_none() {
                break;
            }
        }
    }
}

#[test]
fn blocks_with_everything() {
    blocks_go_on_with_the_same_bits::<f64>();
    blocks_go_on_with_the_same_bits::<f32>();
}

/// One epoch over a long file, with early stopping: what it has learned is kept.
#[test]
fn an_epoch_over_blocks_is_not_lost_to_early_stopping() {
    let tape = Tape::<f64>::new();
    let [j, a, b, x, y] = line(&tape);
    let training = Training::new(Optimizer::gradient_descent(0.3).unwrap()).epochs(1);
    let training = training.early_stopping(EarlyStopping::new(1, 0.0).unwrap());
    let mut trainer = Trainer::new(Model::new(j, [a, b]), &training).unwrap();
    let block = |k: usize| {
        let x = Matrix::from_fn(1, 4, |_, i| ((3 * k + i) % 7) as f64 / 7.0);
        let y = x.map(|x| 2.0 * x);
        Ok(vec![x, y])
    };
    trainer.epoch_over(&[x, y], (0..200).map(block)).unwrap().unwrap();
    trainer.finish().unwrap();
    assert!((trainer.value(a).unwrap()[(0, 0)] - 2.0).abs() < 0.1, "{}", trainer.value(a).unwrap());
}

/// What was bound last is no training set.
#[test]
fn after_blocks_there_are_blocks_or_the_end() {
    let tape = Tape::<f64>::new();
    let [j, a, b, x, y] = line(&tape);
    let training = Training::new(Optimizer::gradient_descent(0.3).unwrap()).epochs(3);
    let mut trainer = Trainer::new(Model::new(j, [a, b]), &training).unwrap();
    let block = || [Ok(vec![matrix![[1.0, 2.0]], matrix![[1.0, 2.0]]])];
    trainer.epoch_over(&[x, y], block()).unwrap();
    let before = trainer.value(a).unwrap();
    for refused in [trainer.run(), trainer.run_for(1), trainer.epoch().map(drop), trainer.batch().map(drop)] {
        assert!(matches!(refused, Err(Error::Setting { setting: "epoch", .. })), "{refused:?}");
    }
    assert_eq!(trainer.value(a).unwrap(), before);
    trainer.epoch_over(&[x, y], block()).unwrap().unwrap();
    trainer.epoch_over(&[x, y], block()).unwrap().unwrap();
    assert_eq!(trainer.epoch_over(&[x, y], block()).unwrap(), None);
    trainer.run().unwrap(); // nothing is left: the end
    assert_eq!(trainer.history().len(), 3);
}

/// Rates that fall for ever come to rest, and do not end a training in an error.
fn vanishing_rates_come_to_rest<T: Scalar>() {
    let tape = Tape::<T>::new();
    let w = tape.parameter("w", &matrix![[T::ONE]]);
    let adam = Optimizer::adam(0.1).unwrap();
    let wrong = tape.examples_unbound("wrong", 1);
    let j = w.square().sum() + wrong.mean() * T::from_f64(0.0);
    // A validation part that does not get better: the plateau is for ever.
    let judged = wrong.mean();
    let begin = |training: &Training<T>| {
        let model = Model::new(j, [w]).examples(wrong, matrix![[T::ONE]]).judged_by(judged);
        Trainer::new(model.validation(wrong, matrix![[T::ONE]]), training).unwrap()
    };
    for schedule in [
        Schedule::exponential(1e-3).unwrap(),
        Schedule::exponential(1e-300).unwrap(),
        Schedule::step(1, 1e-200).unwrap(),
        Schedule::cosine_restarts(1.0, 1.0, 0.0).unwrap(),
        Schedule::constant().warm_up(1e300).unwrap(),
        Schedule::on_plateau(1e-200, 1).unwrap(),
    ] {
        let training = Training::new(adam).epochs(400).schedule(schedule.clone());
        let group = ParameterGroup::of(["w"]).rate_factor(1e-3).unwrap();
        for training in [training.clone(), training.group(group).unwrap()] {
            let mut trainer = begin(&training);
            trainer.run().unwrap_or_else(|error| panic!("{schedule}: {error}"));
            assert_eq!(trainer.history().len(), 400);
            assert!(trainer.rate() > 0.0 && trainer.value(w).unwrap()[(0, 0)].is_finite(), "{schedule}");
            let mut whole = begin(&training);
            whole.run_for(400).unwrap();
            begin(&training).restore(&whole.to_archive().unwrap()).unwrap();
        }
    }
    // A factor of one's own is taken at its word.
    for factor in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-320] {
        let training = Training::new(adam).epochs(3).schedule(Schedule::own(move |_| factor));
        let mut trainer = Trainer::new(Model::new(w.square().sum(), [w]), &training).unwrap();
        assert!(matches!(trainer.run(), Err(Error::Hyperparameter { .. })), "{factor}");
        assert_eq!(trainer.value(w).unwrap()[(0, 0)], T::ONE);
    }
}

#[test]
fn vanishing_rates() {
    vanishing_rates_come_to_rest::<f64>();
    vanishing_rates_come_to_rest::<f32>();
}

/// No epochs, one example, one class, batches larger than the data, weights that are 0 but one.
fn ends_of_settings<T: Scalar>() {
    let adam = || Training::<T>::new(Optimizer::adam(0.1).unwrap()).epochs(3);
    let stopping = || EarlyStopping::new(1, 0.0).unwrap();
    let (vx, vy) = examples::<T>(1, 2);
    let all = |m: usize| {
        let only = |at: usize| Matrix::from_fn(1, m, |_, i| if i == at { T::ONE } else { T::ZERO });
        vec![
            adam().epochs(0),
            adam().epochs(0).early_stopping(stopping()),
            adam().epochs(0).average(0.5).unwrap().batches(1, 1).unwrap(),
            adam().epochs(1).early_stopping(stopping()).batches(1, 1).unwrap(),
            adam().batches(usize::MAX, 1).unwrap().accumulate(usize::MAX).unwrap(),
            adam().balanced_classes(),
            adam().example_weights(only(0)).balanced_classes(),
            adam().example_weights(only(m - 1)).batches(1, 1).unwrap(),
            adam().average(0.0).unwrap(),
            adam().average(0.5).unwrap().validation(vx.clone(), vy.clone()).early_stopping(stopping()),
            adam().clip_norm(1e-3).unwrap(),
            adam().seed(u64::MAX).threads(usize::MAX),
        ]
    };
    for m in [1, 2] {
        let (x, y) = examples::<T>(m, 1);
        for (k, training) in all(m).into_iter().enumerate() {
            let mut trained = network::<T>(4);
            let history = training.fit(&mut trained, &x, &y).unwrap_or_else(|error| panic!("{k}: {error}"));
            assert!(trained.parameters().values().all(|p| p.iter().all(|p| p.is_finite())), "{k}");
            assert_eq!(history.is_empty(), k < 3, "{k}");
            // J of one batch is that of the parameters before its step: they are the best of one epoch.
            let is_kept = k < 3 || (k, m) == (3, 1);
            assert_eq!(bits(&trained) == bits(&network::<T>(4)), is_kept, "{k} of {m}");
        }
    }
    let (x, y) = examples::<T>(3, 1);
    let refused = |training: Training<T>, x: &Matrix<T>, y: &Matrix<T>| {
        let mut trained = network::<T>(4);
        let error = training.fit(&mut trained, x, y).unwrap_err();
        assert_eq!(bits(&trained), bits(&network::<T>(4)));
        error
    };
    let zeros = || Matrix::<T>::zeros(1, 3);
    assert_eq!(refused(adam().example_weights(zeros()), &x, &y), Error::WeightSum { sum: 0.0 });
    assert!(matches!(refused(adam().class_weights([0.0, 0.0]), &x, &y), Error::WeightSum { .. }));
    for hostile in [f64::NAN, f64::INFINITY, -1.0] {
        let weights = Matrix::from_fn(1, 3, |_, i| T::from_f64(if i == 1 { hostile } else { 1.0 }));
        let error = refused(adam().example_weights(weights), &x, &y);
        assert!(
            matches!(error, Error::Weight { example: 1, .. } | Error::NonFinite { column: 1, .. }),
            "{error}"
        );
        assert!(matches!(refused(adam().class_weights([hostile, hostile]), &x, &y), Error::Setting { .. }));
    }
    // No examples, with all that could divide by their number.
    let none = (Matrix::<T>::zeros(3, 0), Matrix::<T>::zeros(1, 0));
    for training in [
        adam(),
        adam().balanced_classes(),
        adam().example_weights(Matrix::zeros(1, 0)),
        adam().batches(4, 1).unwrap().early_stopping(stopping()),
        adam().label_smoothing(0.1).unwrap().average(0.5).unwrap(),
    ] {
        let error = refused(training, &none.0, &none.1);
        assert!(
            matches!(error, Error::Tape(_) | Error::NoExamples { .. } | Error::WeightSum { .. }),
            "{error}"
        );
    }
}

#[test]
fn ends() {
    ends_of_settings::<f64>();
    ends_of_settings::<f32>();
}

/// Names as users spell them: each is kept and found again, or refused as it was written.
#[test]
fn odd_spellings() {
    let hostile = [
        "",
        " ",
        "w",
        "W ",
        "a.b",
        "optimizer.0.m",
        "∂J/∂W",
        "a\nb",
        "\u{1b}[31m",
        "__metadata__",
        "\"",
        "W[1]",
    ];
    let tape = Tape::<f64>::new();
    let parameters: Vec<_> = hostile.iter().map(|name| tape.parameter(name, &matrix![[1.0]])).collect();
    let j = parameters.iter().map(|p| p.square().sum()).reduce(|a, b| a + b).unwrap();
    let labels: Vec<String> = parameters.iter().map(|p| p.label()).collect();
    let training = Training::new(Optimizer::adam(0.1).unwrap()).epochs(4);
    for label in &labels {
        let training = training.clone().group(ParameterGroup::of([label]).frozen()).unwrap();
        let begin = || Trainer::new(Model::new(j, parameters.clone()), &training).unwrap();
        let mut trainer = begin();
        trainer.run_for(2).unwrap();
        #[cfg(feature = "safetensors")]
        let archive = Archive::from_bytes(&trainer.to_archive().unwrap().to_bytes().unwrap()).unwrap();
        #[cfg(not(feature = "safetensors"))]
        let archive: Archive = trainer.to_archive().unwrap();
        let mut resumed = begin();
        resumed.restore(&archive).unwrap();
        resumed.run().unwrap();
        trainer.run().unwrap();
        for (parameter, name) in parameters.iter().zip(&labels) {
            let value = trainer.value(*parameter).unwrap();
            assert_eq!(resumed.value(*parameter).unwrap(), value);
            assert_eq!(value[(0, 0)] == 1.0, name == label, "{name:?} beside {label:?}");
        }
    }
    let (x, y) = examples::<f64>(6, 1);
    for name in ["w[1]", "W[01]", " W[1]", "W[1] ", "W1", "layers.0.weight", "", "b[3]", "W[1]\n"] {
        let training = training.clone().group(ParameterGroup::of([name])).unwrap();
        let error = training.fit(&mut network::<f64>(1), &x, &y).unwrap_err();
        assert_eq!(error, Error::UnknownParameter { name: name.to_owned() });
        assert!(error.to_string().contains(&format!("{name:?}")) && !error.to_string().contains('\n'));
    }
    // A group of nobody changes nothing.
    let mut alone = network::<f64>(1);
    let mut with_nobody = network::<f64>(1);
    training.fit(&mut alone, &x, &y).unwrap();
    let nobody = ParameterGroup::of(Vec::<String>::new()).frozen();
    training.clone().group(nobody).unwrap().fit(&mut with_nobody, &x, &y).unwrap();
    assert_eq!(alone, with_nobody);
}

/// A trainer at its end stays there, whatever it is asked for.
#[test]
fn after_the_end() {
    let (x, y) = examples::<f64>(7, 1);
    let training = Training::new(Optimizer::adam(0.1).unwrap()).epochs(3).batches(2, 1).unwrap();
    let training = training.early_stopping(EarlyStopping::new(2, 0.0).unwrap());
    let mut trainer = training.begin(&network(1), &x, &y).unwrap();
    assert!(trainer.gradient_norm().is_err(), "before the first batch");
    trainer.batch().unwrap();
    trainer.finish().unwrap(); // in the middle of an epoch
    let values = trainer.parameters().unwrap();
    for _ in 0..2 {
        trainer.run().unwrap();
        trainer.run_for(5).unwrap();
        trainer.finish().unwrap();
        assert_eq!(trainer.epoch().unwrap(), None);
        assert_eq!(trainer.batch().unwrap(), None);
    }
    assert_eq!(trainer.parameters().unwrap(), values);
    assert!(trainer.to_archive().is_err());
    // Another network does not get what it has no place for.
    let mut other =
        Mlp::<f64>::new(3).layer(2, Activation::Tanh).layer(1, Activation::Sigmoid).build().unwrap();
    let before = other.clone();
    assert!(matches!(trainer.give(&mut other), Err(Error::Shape { .. })));
    assert_eq!(other, before);
}

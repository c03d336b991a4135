//! A training in pieces has the bits of one in one.

use mlp::{EarlyStopping, History, Moment, Optimizer, ParameterGroup, Scalar, Schedule, Trainer, Training};

use crate::support::{bits, examples, network};

const EPOCHS: usize = 12;

/// Trainings that differ in what they have to keep from epoch to epoch.
pub(crate) fn trainings<T: Scalar>() -> Vec<(&'static str, Training<T>)> {
    let adam = || Training::new(Optimizer::adam(0.05).unwrap()).epochs(EPOCHS);
    let batches = |training: Training<T>| training.batches(4, 3).unwrap();
    let (vx, vy) = examples::<T>(9, 8);
    let stopping = EarlyStopping::new(3, 1e-3).unwrap();
    let inverse = Schedule::own(|moment: &Moment| 1.0 / (1.0 + moment.time()));
    let slow = ParameterGroup::of(["W[1]"]).rate_factor(0.1).unwrap().l1(1e-2).unwrap();
    vec![
        ("full batch", adam()),
        ("batches", batches(adam())),
        ("momentum", batches(Training::new(Optimizer::momentum(0.1, 0.9).unwrap()).epochs(EPOCHS))),
        ("lion", batches(Training::new(Optimizer::lion(0.01).unwrap()).epochs(EPOCHS))),
        ("cosine", batches(adam()).schedule(Schedule::cosine(0.1).unwrap().warm_up(1.5).unwrap())),
        ("restarts", batches(adam()).schedule(Schedule::cosine_restarts(2.0, 1.5, 0.0).unwrap())),
        ("one-cycle", batches(adam()).schedule(Schedule::one_cycle(0.3).unwrap())),
        ("steps", batches(adam()).schedule(Schedule::step(4, 0.3).unwrap())),
        ("exponential", adam().schedule(Schedule::exponential(0.8).unwrap())),
        ("own schedule", batches(adam()).schedule(inverse)),
        (
            "plateau",
            batches(adam())
                .validation(vx.clone(), vy.clone())
                .schedule(Schedule::on_plateau(0.1, 1).unwrap()),
        ),
        ("clipped", batches(adam()).clip_norm(0.1).unwrap().clip_value(0.05).unwrap()),
        ("accumulated", batches(adam()).accumulate(3).unwrap()),
        ("averaged", batches(adam()).average(0.9).unwrap().validation(vx.clone(), vy.clone())),
        ("groups", batches(adam()).group(slow).unwrap().l1(1e-3).unwrap()),
        ("weighted", batches(adam()).balanced_classes().label_smoothing(0.1).unwrap()),
        ("stopped on a full batch", adam().early_stopping(stopping.clone())),
        ("stopped on batches", batches(adam()).early_stopping(stopping.clone())),
        (
            "stopped by validation",
            batches(adam()).validation(vx.clone(), vy.clone()).early_stopping(stopping.clone()),
        ),
        (
            "averaged and stopped",
            batches(adam()).average(0.5).unwrap().validation(vx, vy).early_stopping(stopping),
        ),
    ]
}

/// What a training of the network ends with.
pub(crate) fn ended<T: Scalar>(mut trainer: Trainer<T>) -> (Vec<u64>, History) {
    trainer.run().unwrap();
    let mut trained = network::<T>(4);
    trainer.give(&mut trained).unwrap();
    (bits(&trained), trainer.history().clone())
}

fn pieces_are_one<T: Scalar>() {
    let (x, y) = examples::<T>(23, 1);
    for (name, training) in trainings::<T>() {
        let mut in_one = network::<T>(4);
        let history = training.fit(&mut in_one, &x, &y).unwrap();
        let expected = (bits(&in_one), history);
        assert_ne!(expected.0, bits(&network::<T>(4)), "{name}");
        let begin = || training.begin(&network::<T>(4), &x, &y).unwrap();
        for pieces in [vec![1; EPOCHS], vec![6, 6], vec![5, 0, 2, 100]] {
            let mut trainer = begin();
            pieces.iter().for_each(|&epochs| trainer.run_for(epochs).unwrap());
            assert_eq!(ended(trainer), expected, "{name} in {pieces:?}");
        }
        let mut by_batches = begin();
        let mut epochs = Vec::new();
        while let Some(batch) = by_batches.batch().unwrap() {
            assert!(batch.j.is_finite());
            epochs.extend(batch.epoch);
        }
        assert_eq!(epochs.len(), expected.1.len(), "{name}");
        assert_eq!(ended(by_batches), expected, "{name}, batch by batch");
    }
}

#[test]
fn a_training_in_pieces_is_one_in_one() {
    pieces_are_one::<f64>();
    pieces_are_one::<f32>();
}

/// The rates that a schedule gave are those of its factors.
#[test]
fn a_schedule_sets_the_rate_of_every_step() {
    let (x, y) = examples::<f64>(20, 2);
    let cosine = Schedule::cosine(0.25).unwrap().warm_up(1.0).unwrap();
    let training = Training::new(Optimizer::gradient_descent(0.4).unwrap()).epochs(5);
    let training = training.batches(5, 1).unwrap().schedule(cosine.clone());
    let mut trainer = training.begin(&network(1), &x, &y).unwrap();
    for epoch in 0..5 {
        for step in 0..4 {
            trainer.batch().unwrap().unwrap();
            let moment = Moment { epoch, step, steps: Some(4), epochs: 5 };
            assert_eq!(trainer.rate(), 0.4 * cosine.factor(&moment), "{moment:?}");
        }
    }
    assert_eq!((trainer.batch().unwrap(), trainer.steps()), (None, 20));
    assert!(trainer.rate() < 0.15);
}

/// Labels that cannot be learned: the validation loss rises, and the rate falls.
#[test]
fn a_plateau_lowers_the_rate() {
    let ((x, y), (vx, vy)) = (examples::<f64>(12, 1), examples::<f64>(12, 2));
    let wrong = vy.map(|label| 1.0 - label);
    let training = Training::new(Optimizer::adam(0.05).unwrap()).epochs(30).validation(vx, wrong);
    let mut trainer =
        training.schedule(Schedule::on_plateau(0.5, 3).unwrap()).begin(&network(1), &x, &y).unwrap();
    let mut rates = Vec::new();
    trainer
        .run_with(|epoch, trainer| {
            assert_eq!(epoch.rate, trainer.rate());
            rates.push(epoch.rate);
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    let losses: Vec<f64> =
        trainer.history().epochs().iter().map(|losses| losses.validation.unwrap()).collect();
    // By hand: the rate of an epoch follows from the losses of those before.
    let (mut lowest, mut waited, mut rate) = (f64::INFINITY, 0, 0.05);
    for (epoch, loss) in losses.iter().enumerate() {
        assert_eq!(rates[epoch], rate, "{epoch}");
        if *loss < lowest {
            (lowest, waited) = (*loss, 0);
        } else {
            waited += 1;
            if waited == 3 {
                (waited, rate) = (0, rate * 0.5);
            }
        }
    }
    assert!(rate < 0.01);
}

/// The error has the rate that a factor of one's own has made.
#[test]
fn a_factor_that_makes_no_rate_is_told() {
    let (x, y) = examples::<f64>(5, 1);
    for (factor, rate) in [(-2.0, "-0.1"), (0.0, "0"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        let training = Training::new(Optimizer::adam(0.05).unwrap()).schedule(Schedule::own(move |_| factor));
        let error = training.fit(&mut network(4), &x, &y).unwrap_err();
        assert_eq!(error.to_string(), format!("rate is {rate}, it must be a finite number greater than 0"));
    }
}

//! Models that are no networks: lines, tables, tokens, noise, blocks of a file.

use std::ops::ControlFlow;

use mlp::{Error, Model, Optimizer, Purpose, Random, Scalar, Trainer, Training};
use tape::{Dim, Matrix, Noise, Over, Shape, Tape, Var, matrix};

fn line<T: Scalar>(tape: &Tape<T>) -> [Var<'_, T>; 5] {
    let (x, y) = (tape.examples_unbound("x", 1), tape.examples_unbound("y", 1));
    let (a, b) = (tape.parameter("a", &Matrix::zeros(1, 1)), tape.parameter("b", &Matrix::zeros(1, 1)));
    [(a * x + b - y).square().mean(), a, b, x, y]
}

fn points<T: Scalar>(m: usize) -> (Matrix<T>, Matrix<T>) {
    let x = Matrix::from_fn(1, m, |_, i| T::from_f64(i as f64 / m as f64 - 0.5));
    let y = x.map(|x| x * T::from_f64(3.0) - T::ONE);
    (x, y)
}

fn a_line_is_found<T: Scalar>(tolerance: f64) {
    let tape = Tape::<T>::new();
    let [j, a, b, x, y] = line(&tape);
    let (px, py) = points(37);
    let training = Training::new(Optimizer::adam(0.05).unwrap()).epochs(200).batches(8, 1).unwrap();
    let model = Model::new(j, [a, b]).examples(x, px.clone()).examples(y, py.clone()).reading([j]);
    let model = model.validation(x, px).validation(y, py);
    let mut trainer = Trainer::new(model, &training).unwrap();
    trainer.run().unwrap();
    assert!((trainer.value(a).unwrap()[(0, 0)].to_f64() - 3.0).abs() < tolerance);
    assert!((trainer.value(b).unwrap()[(0, 0)].to_f64() + 1.0).abs() < tolerance);
    assert!(trainer.history().last().unwrap().validation.unwrap() < tolerance);
    // What is learned is at hand for a program of one's own.
    let prediction = a * x + b;
    let mut program = tape.compile([prediction]).unwrap();
    assert_eq!(program.copy_parameters_from(trainer.program()).unwrap(), 2);
    program.bind(x, &matrix![[T::ZERO]]).unwrap();
    program.run().unwrap();
    assert!((program.scalar(prediction).unwrap().to_f64() + 1.0).abs() < tolerance);
}

/// What a trainer hands over is what its values are: of a step, of a prediction, by name.
fn what_is_learned_is_handed_over<T: Scalar>() {
    let tape = Tape::<T>::new();
    let [j, a, b, x, y] = line(&tape);
    let (px, py) = points(37);
    let noise = tape.noise("ε", Shape::new(1, Dim::M), Noise::Normal);
    let (prediction, fixed) = (a * x + b + noise, tape.parameter("fixed", &matrix![[T::ONE]]));
    let training = Training::new(Optimizer::adam(0.05).unwrap()).epochs(20).batches(8, 1).unwrap();
    let training = training.average(0.9).unwrap();
    let model = Model::new(j, [a, b]).examples(x, px.clone()).examples(y, py.clone());
    let mut trainer = Trainer::new(model, &training).unwrap();
    trainer.run_for(7).unwrap();
    let on_the_way = trainer.compile([prediction]).unwrap();
    assert_eq!(on_the_way.view(a).unwrap().to_matrix(), trainer.value(a).unwrap());
    trainer.run().unwrap();
    let by_name = trainer.parameters().unwrap();
    assert_eq!(by_name.keys().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(by_name["b"], trainer.value(b).unwrap());
    assert_ne!(on_the_way.view(a).unwrap().to_matrix(), by_name["a"]);
    let mut program = trainer.compile([prediction, fixed]).unwrap();
    program.bind(x, &px).unwrap();
    program.run().unwrap();
    let found = program.view(prediction).unwrap().to_matrix();
    for (found, &x) in found.iter().zip(px.as_slice()) {
        let expected = by_name["a"][(0, 0)] * x + by_name["b"][(0, 0)]; // noise at its expectation
        assert!((*found - expected).abs().to_f64() < 1e-6, "{found} {expected}");
    }
    assert!(matches!(trainer.compile([]), Err(Error::Setting { .. })));
    let other = Tape::<T>::new();
    assert!(trainer.compile([other.parameter("a", &matrix![[T::ONE]])]).is_err());
    let mut step = trainer.into_program().unwrap();
    assert_eq!(step.view(a).unwrap().to_matrix(), by_name["a"]);
    step.bind(x, &matrix![[T::ZERO]]).unwrap();
    step.bind(y, &matrix![[T::ZERO]]).unwrap();
    step.run().unwrap();
    let b = by_name["b"][(0, 0)];
    assert!((step.scalar(j).unwrap() - b * b).abs().to_f64() < 1e-6);
}

#[test]
fn what_is_learned() {
    what_is_learned_is_handed_over::<f64>();
    what_is_learned_is_handed_over::<f32>();
}

/// A trainer that is not at its end ends first: what it hands over is what was learned.
#[test]
fn what_is_handed_over_is_finished() {
    let tape = Tape::<f64>::new();
    let w = tape.parameter("w", &matrix![[1.0]]);
    let training = Training::new(Optimizer::gradient_descent(0.25).unwrap()).epochs(3).average(0.5).unwrap();
    let begin = || Trainer::new(Model::new(w.square().sum(), [w]), &training).unwrap();
    let mut trainer = begin();
    trainer.run().unwrap();
    let learned = trainer.value(w).unwrap();
    let mut trainer = begin();
    trainer.run_for(3).unwrap();
    assert_ne!(trainer.value(w).unwrap(), learned);
    assert_eq!(trainer.into_program().unwrap().view(w).unwrap().to_matrix(), learned);
}

#[test]
fn lines() {
    a_line_is_found::<f64>(1e-6);
    a_line_is_found::<f32>(1e-4);
}

/// A model without examples: an epoch is a step.
#[test]
fn no_examples_are_one_step_an_epoch() {
    let tape = Tape::<f64>::new();
    let w = tape.parameter_unbound("w", Shape::new(2, 1));
    let j = w.square().sum();
    let training = Training::new(Optimizer::gradient_descent(0.25).unwrap()).epochs(3);
    let model = Model::new(j, [w]).first(w, matrix![[8.0], [-4.0]]);
    let mut trainer = Trainer::new(model, &training).unwrap();
    trainer.run().unwrap();
    assert_eq!(trainer.value(w).unwrap(), matrix![[1.0], [-0.5]]);
    assert_eq!(trainer.history().epochs().iter().map(|l| l.training).collect::<Vec<_>>(), [80.0, 20.0, 5.0]);
    assert_eq!(trainer.steps(), 3);
    // Without a first value it is told which one is missing.
    let mut unbound = Trainer::new(Model::new(j, [w]), &training);
    let error = unbound.as_mut().err().cloned().or_else(|| unbound.unwrap().run().err()).unwrap();
    assert!(error.to_string().contains('w'), "{error}");
}

/// A sum over no examples has a value, and the mean of an epoch has none.
fn no_examples_are_refused<T: Scalar>() {
    let tape = Tape::<T>::new();
    let (x, a) = (tape.examples_unbound("x", 1), tape.parameter("a", &matrix![[T::ONE]]));
    let none = || Matrix::zeros(1, 0);
    let training = Training::new(Optimizer::gradient_descent(0.1).unwrap());
    for j in [(a * x).square().sum(), (a * x).square().sum() + a.square(), (a * x).square().mean()] {
        for training in [training.clone(), training.clone().accumulate(2).unwrap()] {
            let mut own = Trainer::new(Model::new(j, [a]).examples(x, none()), &training).unwrap();
            let mut blocks = Trainer::new(Model::new(j, [a]), &training).unwrap();
            let told = [own.run(), blocks.epoch_over(&[x], [Ok(vec![none()])]).map(drop)];
            for (told, trainer) in told.into_iter().zip([own, blocks]) {
                let is_told = matches!(told, Err(Error::NoExamples { what: "J" } | Error::Tape(_)));
                assert!(is_told, "{told:?}"); // a mean says so itself
                assert!(trainer.history().is_empty() && trainer.value(a).unwrap() == matrix![[T::ONE]]);
            }
        }
    }
}

#[test]
fn no_examples() {
    no_examples_are_refused::<f64>();
    no_examples_are_refused::<f32>();
}

/// Blocks of a file in their order are batches in that order.
#[test]
fn blocks_are_batches() {
    let tape = Tape::<f64>::new();
    let [j, a, b, x, y] = line(&tape);
    let (px, py) = points(22);
    let training = Training::new(Optimizer::momentum(0.2, 0.5).unwrap()).epochs(7);
    let mut trainer = Trainer::new(Model::new(j, [a, b]), &training).unwrap();
    let (mut by_hand, mut velocity) = ([0.0, 0.0], [0.0, 0.0]);
    for epoch in 0..7 {
        let blocks: Vec<Vec<usize>> = (0..22).collect::<Vec<_>>().chunks(5).map(<[usize]>::to_vec).collect();
        let of = |block: &Vec<usize>| Ok(vec![px.select_columns(block), py.select_columns(block)]);
        let done = trainer.epoch_over(&[x, y], blocks.iter().map(of)).unwrap().unwrap();
        assert_eq!(done.number, epoch);
        let mut mean = 0.0;
        for block in &blocks {
            let errors: Vec<f64> =
                block.iter().map(|&i| by_hand[0] * px[(0, i)] + by_hand[1] - py[(0, i)]).collect();
            let m = block.len() as f64;
            mean += errors.iter().map(|e| e * e).sum::<f64>() / 22.0;
            let slopes = [
                2.0 * errors.iter().zip(block).map(|(e, &i)| e * px[(0, i)]).sum::<f64>() / m,
                2.0 * errors.iter().sum::<f64>() / m,
            ];
            for k in 0..2 {
                velocity[k] = 0.5 * velocity[k] + slopes[k];
                by_hand[k] -= 0.2 * velocity[k];
            }
        }
        assert!((done.losses.training - mean).abs() < 1e-13);
    }
    assert!((trainer.value(a).unwrap()[(0, 0)] - by_hand[0]).abs() < 1e-13);
    assert!((trainer.value(b).unwrap()[(0, 0)] - by_hand[1]).abs() < 1e-13);
    assert_eq!(trainer.epoch_over(&[x, y], [Ok(vec![px, py])]).unwrap(), None, "the epochs are over");
}

/// Blocks of any sizes, on any number of threads, from an iterator that is bound to its thread: the
/// same bits, and those of batches of the same columns.
fn blocks_have_the_same_bits<T: Scalar>() {
    let tape = Tape::<T>::new();
    let (x, y) = (tape.examples_unbound("x", 20), tape.examples_unbound("y", 1));
    let mut random = Random::new(3, Purpose::Split);
    let mut of = |rows, columns| Matrix::from_fn(rows, columns, |_, _| T::from_f64(random.symmetric(0.3)));
    let (w1, w2) = (tape.parameter("w1", &of(16, 20)), tape.parameter("w2", &of(1, 16)));
    let j = (w2.matmul(w1.matmul(x).tanh()) - y).square().mean();
    let data: Vec<_> = [3, 300, 1, 900, 300].into_iter().map(|m| vec![of(20, m), of(1, m)]).collect();
    let trained = |threads: usize, accumulated: usize| {
        let training = Training::new(Optimizer::adam(0.01).unwrap()).epochs(3).threads(threads);
        let training = training.accumulate(accumulated).unwrap().average(0.5).unwrap();
        let mut trainer = Trainer::new(Model::new(j, [w1, w2]), &training).unwrap();
        let held = std::rc::Rc::new(data.clone()); // not Send
        for _ in 0..3 {
            let held = held.clone();
            let blocks = (0..held.len()).map(move |k| Ok(held[k].clone()));
            trainer.epoch_over(&[x, y], blocks).unwrap().unwrap();
        }
        trainer.finish().unwrap();
        let values = trainer.parameters().unwrap();
        let bits: Vec<u64> =
            values.values().flat_map(|v| v.iter().map(|v| v.bits()).collect::<Vec<_>>()).collect();
        assert_eq!(trainer.program().threads(900) > 1, threads > 1, "a block is worth several");
        (bits, trainer.history().clone(), trainer.steps())
    };
    for accumulated in [1, 2] {
        let alone = trained(1, accumulated);
        assert_eq!(alone.2, 3 * 5_usize.div_ceil(accumulated));
        for threads in [2, 3] {
            assert_eq!(trained(threads, accumulated), alone, "{threads} threads");
        }
    }
}

#[test]
fn blocks_on_threads() {
    blocks_have_the_same_bits::<f64>();
    blocks_have_the_same_bits::<f32>();
}

/// A block's last step may be the one that is too long: the end tells, or the next epoch.
fn blocks_that_diverge_keep_the_last_good_parameters<T: Scalar>(rates: [f64; 2]) {
    let (one, two) = (T::ONE, T::from_f64(2.0));
    let tape = Tape::<T>::new();
    let (x, a) = (tape.examples_unbound("x", 1), tape.parameter("a", &matrix![[two]]));
    let j = (a * x).square().mean();
    // The parameter is ∞, or J is of a parameter that is not.
    for rate in rates {
        let training = Training::new(Optimizer::gradient_descent(rate).unwrap());
        for epochs in [1, 2] {
            let mut trainer = Trainer::new(Model::new(j, [a]), &training).unwrap();
            let mut told = Ok(());
            for _ in 0..epochs {
                told = trainer.epoch_over(&[x], [Ok(vec![matrix![[one]]])]).map(drop);
            }
            told = if epochs == 1 { trainer.finish() } else { told };
            assert!(matches!(told, Err(Error::Diverged { .. })), "{rate}, {epochs} epochs: {told:?}");
            assert_eq!(trainer.value(a).unwrap(), matrix![[two]], "{rate}, {epochs} epochs");
        }
    }
}

#[test]
fn blocks_that_diverge() {
    blocks_that_diverge_keep_the_last_good_parameters::<f64>([1e308, 1e200]);
    blocks_that_diverge_keep_the_last_good_parameters::<f32>([1e38, 1e30]);
}

#[test]
fn blocks_are_refused_with_their_fault() {
    let tape = Tape::<f64>::new();
    let [j, a, b, x, y] = line(&tape);
    let (px, py) = points(4);
    let training = Training::new(Optimizer::adam(0.1).unwrap());
    let begin = || Trainer::new(Model::new(j, [a, b]), &training).unwrap();
    assert_eq!(begin().epoch_over(&[x, y], []).unwrap_err(), Error::NoExamples { what: "epoch over blocks" });
    let error = begin().epoch_over(&[x, y], [Ok(vec![px.clone()])]).unwrap_err();
    assert_eq!(error, Error::Length { list: "matrices of a block", expected: 2, found: 1 });
    let of_the_user = Error::Checkpoint { reason: "line 7".into() };
    assert_eq!(begin().epoch_over(&[x, y], [Err(of_the_user.clone())]).unwrap_err(), of_the_user);
    // The labels of the epoch before are none of this one.
    let mut without_labels = begin();
    without_labels.epoch_over(&[y, x], [Ok(vec![py.clone(), px.clone()])]).unwrap();
    without_labels.epoch_over(&[x, y], [Ok(vec![px.clone(), py.clone()])]).unwrap();
    let error = without_labels.epoch_over(&[x], [Ok(vec![px.clone()])]).unwrap_err();
    assert!(matches!(error, Error::Setting { setting: "epoch over blocks", .. }), "{error}");
    // Of another tape, with the number that x has on this one.
    let other = Tape::<f64>::new();
    let all = line(&other);
    assert_eq!(all[3].index(), x.index());
    let error = begin().epoch_over(&[x, all[3]], [Ok(vec![px.clone(), py.clone()])]).unwrap_err();
    assert!(error.to_string().contains("%0 of another tape"), "{error}");
    let nan = [Ok(vec![px.clone(), py.clone()]), Ok(vec![px.map(|_| f64::NAN), py.clone()])];
    let mut diverging = begin();
    assert!(matches!(diverging.epoch_over(&[x, y], nan).unwrap_err(), Error::Diverged { .. }));
    assert!(diverging.value(a).unwrap()[(0, 0)].is_finite());
    let own = Model::new(j, [a, b]).examples(x, px.clone()).examples(y, py.clone());
    let error = Trainer::new(own, &training).unwrap().epoch_over(&[x, y], [Ok(vec![px, py])]).unwrap_err();
    assert!(matches!(error, Error::Setting { .. }), "{error}");
}

/// Three tokens an example: a batch takes all of them along.
fn tokens_go_with_their_examples<T: Scalar>() {
    let tape = Tape::<T>::new();
    let (x, y) = (tape.examples_unbound("x", 6), tape.examples_unbound("y", 1));
    let w = tape.parameter("w", &matrix![[T::ZERO, T::ZERO]]);
    let sums = w.matmul(x.unfold(3)).fold(3).mean_over(Over::Rows);
    let j = (sums - y).square().mean();
    let mut random = Random::new(1, Purpose::Split);
    let px = Matrix::from_fn(6, 10, |_, _| T::from_f64(random.symmetric(1.0)));
    let py = Matrix::from_fn(1, 10, |_, i| {
        (0..3).map(|k| px[(2 * k, i)] - px[(2 * k + 1, i)]).sum::<T>() / T::from_f64(3.0)
    });
    let model = Model::new(j, [w]).examples(x, px).examples(y, py);
    let training = Training::new(Optimizer::adam(0.05).unwrap()).epochs(300).batches(4, 2).unwrap();
    let mut trainer = Trainer::new(model, &training).unwrap();
    trainer.run().unwrap();
    let w = trainer.value(w).unwrap();
    assert!((w[(0, 0)].to_f64() - 1.0).abs() < 1e-3 && (w[(0, 1)].to_f64() + 1.0).abs() < 1e-3, "{w}");
}

#[test]
fn tokens() {
    tokens_go_with_their_examples::<f64>();
    tokens_go_with_their_examples::<f32>();
}

/// A table of which each batch names some columns.
#[test]
fn tables_follow_the_columns_that_a_batch_names() {
    let tape = Tape::<f64>::new();
    let (item, y) = (tape.indices_unbound("item", 1), tape.examples_unbound("y", 1));
    let table = tape.parameter("E", &Matrix::zeros(1, 6));
    let j = (table.gather(item) - y).square().mean();
    let items = Matrix::from_fn(1, 20, |_, i| (i % 5) as f64);
    let values = items.map(|item| item * item);
    let model = || {
        let model = Model::new(j, [table]).table(table, item);
        model.examples(item, items.clone()).examples(y, values.clone())
    };
    let training = Training::new(Optimizer::adam(0.5).unwrap()).epochs(200).batches(4, 1).unwrap();
    let mut trainer = Trainer::new(model(), &training).unwrap();
    trainer.run().unwrap();
    let learned = trainer.value(table).unwrap();
    for k in 0..5 {
        assert!((learned[(0, k)] - (k * k) as f64).abs() < 1e-2, "{learned}");
    }
    assert_eq!(learned[(0, 5)], 0.0, "nobody named it");
    for refused in [training.clone().clip_norm(1.0), training.clone().accumulate(2), training.clone().l1(0.1)]
    {
        let error = Trainer::new(model(), &refused.unwrap()).err().unwrap();
        assert!(matches!(error, Error::Setting { .. }) && error.to_string().contains('E'), "{error}");
    }
}

/// Noise is drawn anew for every step, the same for the same seed, and not at all for validation.
#[test]
fn noise_depends_on_the_seed_alone() {
    let tape = Tape::<f64>::new();
    let (x, y) = (tape.examples_unbound("x", 1), tape.examples_unbound("y", 1));
    let a = tape.parameter("a", &matrix![[0.0]]);
    let noisy = x + tape.noise("ε", Shape::new(1, Dim::M), Noise::Normal) * 0.3;
    let j = (a * noisy - y).square().mean();
    let (px, py) = points(16);
    let run = |seed: u64, pieces: &[usize]| {
        let training =
            Training::new(Optimizer::adam(0.05).unwrap()).epochs(9).batches(5, 1).unwrap().seed(seed);
        let model = Model::new(j, [a]).examples(x, px.clone()).examples(y, py.clone());
        let model = model.validation(x, px.clone()).validation(y, py.clone());
        let mut trainer = Trainer::new(model, &training).unwrap();
        pieces.iter().for_each(|&epochs| trainer.run_for(epochs).unwrap());
        trainer.run().unwrap();
        (trainer.value(a).unwrap()[(0, 0)], trainer.history().clone())
    };
    assert_eq!(run(1, &[]), run(1, &[3, 1]));
    assert_ne!(run(1, &[]).1, run(2, &[]).1);
    let (a, history) = run(3, &[]);
    // By hand, with ε at 0.
    let expected = px.iter().zip(py.iter()).map(|(x, y)| (a * x - y).powi(2)).sum::<f64>() / 16.0;
    assert!((history.last().unwrap().validation.unwrap() - expected).abs() < 1e-14);
}

#[test]
fn a_callback_sees_norms_and_stops() {
    let tape = Tape::<f64>::new();
    let [j, a, b, x, y] = line(&tape);
    let (px, py) = points(10);
    let model = Model::new(j, [a, b]).examples(x, px).examples(y, py);
    let training = Training::new(Optimizer::gradient_descent(0.5).unwrap()).epochs(1000);
    let mut trainer = Trainer::new(model, &training).unwrap();
    assert!(trainer.gradient_norm().is_err(), "there was no batch yet");
    let mut norms = Vec::new();
    trainer
        .run_with(|_, trainer| {
            norms.push(trainer.gradient_norm().unwrap());
            if norms.last().unwrap() < &1e-3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert!(norms.len() > 5 && norms.len() < 1000 && trainer.history().len() == norms.len());
    // Of the last batch: by differences of J at the parameters before the step, which are 0 at first.
    let (px, py) = points::<f64>(10);
    let slope =
        |of: fn(f64) -> f64| px.iter().zip(py.iter()).map(|(x, y)| -2.0 * y * of(*x)).sum::<f64>() / 10.0;
    let first = (slope(|x| x).powi(2) + slope(|_| 1.0).powi(2)).sqrt();
    assert!((norms[0] - first).abs() < 1e-14);
}

/// What diverges ends with the last parameters that had a finite J, and says so ever after.
#[test]
fn a_model_that_diverges_keeps_its_last_good_parameters() {
    for (rate, average) in [(2.5, None), (1e3, None), (2.5, Some(0.5))] {
        let tape = Tape::<f64>::new();
        let w = tape.parameter("w", &matrix![[1.0]]);
        let j = w.square().sum(); // w ← (1 − 2 η) w
        let mut training = Training::new(Optimizer::gradient_descent(rate).unwrap()).epochs(5000);
        if let Some(beta) = average {
            training = training.average(beta).unwrap();
        }
        let mut trainer = Trainer::new(Model::new(j, [w]), &training).unwrap();
        let error = trainer.run().unwrap_err();
        assert!(matches!(error, Error::Diverged { .. }), "{error}");
        let (mut last, mut mean) = (1.0_f64, 1.0);
        loop {
            let next = (1.0 - 2.0 * rate) * last;
            if !(next * next).is_finite() {
                break;
            }
            (last, mean) = (next, 0.5 * mean + 0.5 * next);
        }
        let found = trainer.value(w).unwrap()[(0, 0)];
        let expected = if average.is_some() { mean } else { last };
        assert!((found / expected - 1.0).abs() < 1e-9, "{rate}: {found:e} {expected:e}");
        assert_eq!(trainer.epoch().unwrap(), None);
        let one_more = Trainer::new(Model::new((w * found).square().sum(), [w]), &training);
        assert!(one_more.is_ok());
    }
}

/// Steps that are taken once more, to find what was good, have the noise that they had.
#[test]
fn a_noisy_model_that_diverges_keeps_its_last_good_parameters() {
    let tape = Tape::<f64>::new();
    let w = tape.parameter("w", &matrix![[1.0]]);
    let noise = tape.noise("ε", Shape::new(1, 1), Noise::Uniform);
    let j = (w * (noise + 1.0)).square().sum();
    let training = Training::new(Optimizer::gradient_descent(0.6).unwrap()).epochs(5000).seed(3);
    let mut trainer = Trainer::new(Model::new(j, [w]), &training).unwrap();
    let mut values = vec![1.0];
    let error = loop {
        match trainer.batch() {
            Ok(batch) => assert!(batch.is_some()),
            Err(error) => break error,
        }
        values.push(trainer.value(w).unwrap()[(0, 0)]);
    };
    assert!(matches!(error, Error::Diverged { .. }), "{error}");
    assert!(values.len() > 300, "from a copy on the way, and not from the beginning: {}", values.len());
    assert_eq!(trainer.value(w).unwrap()[(0, 0)], values[values.len() - 2]);
}

/// A weight that is used twice is one parameter, and its gradient has both terms.
#[test]
fn tied_weights_are_one_leaf() {
    let tape = Tape::<f64>::new();
    let x = tape.examples_unbound("x", 3);
    let w = tape.parameter("w", &matrix![[0.3, -0.2, 0.1]]);
    let code = w.matmul(x);
    let j = (w.t().matmul(code) - x).square().sum_over(Over::Rows).mean();
    let px = Matrix::from_fn(3, 12, |i, k| [2.0, -1.0, 2.0][i] / 3.0 * (k as f64 - 5.5));
    let model = Model::new(j, [w]).examples(x, px);
    let training = Training::new(Optimizer::adam(0.02).unwrap()).epochs(600);
    let mut trainer = Trainer::new(model, &training).unwrap();
    trainer.run().unwrap();
    // All examples are on one line, whose direction is found.
    let w = trainer.value(w).unwrap();
    for (found, expected) in w.iter().zip([2.0 / 3.0, -1.0 / 3.0, 2.0 / 3.0]) {
        assert!((found.abs() - f64::abs(expected)).abs() < 1e-4, "{w}");
    }
}

//! Training: the same bits from the same seed, batches, stopping, errors, and what small networks learn.

use std::ops::ControlFlow;

use mlp::{
    Activation, EarlyStopping, Error, History, Loss, Mlp, Optimizer, ParameterKind, Purpose, Random, Scalar,
    Training, classes, metrics, one_hot,
};
use tape::{Matrix, matrix};

use crate::support::networks::difference;

/// A scattered data set with labels 0 and 1, m columns.
fn examples<T: Scalar>(m: usize, seed: u64) -> (Matrix<T>, Matrix<T>) {
    let mut random = Random::new(seed, Purpose::Split);
    let x = Matrix::from_fn(3, m, |_, _| T::from_f64(random.symmetric(1.5)));
    let y = Matrix::from_fn(1, m, |_, i| {
        let inside = x.column(i).iter().map(|&x| x * x).sum::<T>() < T::from_f64(2.0);
        if inside { T::ONE } else { T::ZERO }
    });
    (x, y)
}

fn network<T: Scalar>(seed: u64) -> Mlp<T> {
    let builder = Mlp::new(3).layer(6, Activation::Tanh).layer(4, Activation::Silu);
    builder.layer(1, Activation::Sigmoid).seed(seed).build().unwrap()
}

fn optimizers() -> [Optimizer; 4] {
    [
        Optimizer::gradient_descent(0.5).unwrap(),
        Optimizer::momentum(0.1, 0.9).unwrap(),
        Optimizer::adam(0.02).unwrap(),
        Optimizer::adam(0.02).unwrap().with_l2(0.01).unwrap(),
    ]
}

/// All parameters' bits, one after the other.
fn bits<T: Scalar>(network: &Mlp<T>) -> Vec<u64> {
    network.parameters().values().flat_map(|p| p.as_slice().iter().map(|p| p.bits())).collect()
}

/// The greatest norm-wise difference between two networks' parameters.
fn apart<T: Scalar>(a: &Mlp<T>, b: &Mlp<T>) -> f64 {
    let pairs = a.parameters().values().zip(b.parameters().values());
    pairs.map(|(a, b)| difference(a, b)).fold(0.0, f64::max)
}

fn same_bits<T: Scalar>() {
    let (x, y) = examples::<T>(23, 1);
    for optimizer in optimizers() {
        for batch in [None, Some(1), Some(5), Some(23), Some(100)] {
            let run = |shuffle: u64| {
                let mut training = Training::new(optimizer).epochs(6).validation(x.clone(), y.clone());
                if let Some(size) = batch {
                    training = training.batches(size, shuffle).unwrap();
                }
                let mut trained = network::<T>(4);
                let history = training.fit(&mut trained, &x, &y).unwrap();
                (bits(&trained), history)
            };
            assert_eq!(run(7), run(7), "{optimizer:?}, {batch:?}");
            let another_order = run(8).0 != run(7).0;
            assert_eq!(another_order, batch.is_some_and(|size| size < 23), "{optimizer:?}, {batch:?}");
        }
    }
    assert_eq!(bits(&network::<T>(4)), bits(&network::<T>(4)));
    assert_ne!(bits(&network::<T>(4)), bits(&network::<T>(5)));
}

#[test]
fn the_same_seed_and_data_give_the_same_bits() {
    same_bits::<f64>();
    same_bits::<f32>();
}

/// A network so wide that its steps are worth two threads, its first parameter's update too, and its batches' gathering.
fn wide_training<T: Scalar>(optimizer: Optimizer, threads: usize) -> (Vec<u64>, History) {
    let mut random = Random::new(7, Purpose::Split);
    let x = Matrix::from_fn(410, 150, |_, _| T::from_f64(random.symmetric(1.0)));
    let y = Matrix::from_fn(1, 150, |_, i| if i % 3 == 0 { T::ONE } else { T::ZERO });
    let builder = Mlp::new(410).layer(101, Activation::Tanh).layer(1, Activation::Sigmoid);
    let mut network = builder.seed(1).build().unwrap();
    let training = Training::new(optimizer).epochs(3).batches(64, 2).unwrap().threads(threads);
    let history = training.validation(x.clone(), y.clone()).fit(&mut network, &x, &y).unwrap();
    (bits(&network), history)
}

#[test]
fn threads_change_no_bit_of_a_training() {
    for optimizer in optimizers() {
        let (single, double) = (wide_training::<f32>(optimizer, 1), wide_training::<f64>(optimizer, 1));
        for threads in [2, 3, 7] {
            assert_eq!(wide_training::<f32>(optimizer, threads), single, "{optimizer:?}, {threads} threads");
            assert_eq!(wide_training::<f64>(optimizer, threads), double, "{optimizer:?}, {threads} threads");
        }
    }
}

/// Training as its documentation tells it, with the closed form in the place of the tape.
fn by_closed_form(
    network: &mut Mlp<f64>,
    (x, y): (&Matrix<f64>, &Matrix<f64>),
    optimizer: Optimizer,
    epochs: usize,
    (size, seed): (usize, u64),
) -> Vec<f64> {
    let kinds = [ParameterKind::Weight, ParameterKind::Bias].into_iter().cycle();
    let sizes: Vec<_> = network.parameters().values().map(|p| p.as_slice().len()).zip(kinds).collect();
    let mut state = optimizer.state::<f64>(&sizes);
    let mut random = Random::new(seed, Purpose::Shuffle);
    let mut order: Vec<usize> = (0..x.columns()).collect();
    let mut losses = Vec::new();
    for _ in 0..epochs {
        if size < x.columns() {
            random.shuffle(&mut order);
        }
        let mut sum = 0.0;
        for batch in order.chunks(size) {
            let found = network.closed_form(&x.select_columns(batch), &y.select_columns(batch)).unwrap();
            sum += found.j * batch.len() as f64;
            for l in 1..=network.layers() {
                let both = [("W", found.dw(l)), ("b", found.db(l))];
                for (k, (letter, gradient)) in both.into_iter().enumerate() {
                    let name = format!("{letter}[{l}]");
                    let mut value = network.parameters()[&name].clone();
                    state.step(2 * l - 2 + k, value.as_mut_slice(), gradient.as_slice()).unwrap();
                    network.set_parameter(&name, value).unwrap();
                }
            }
        }
        losses.push(sum / x.columns() as f64);
    }
    losses
}

/// Steps, batches, the last short one and the losses of the history, all against the closed form.
#[test]
fn training_is_the_closed_form_followed_step_by_step() {
    let (x, y) = examples::<f64>(23, 2);
    for optimizer in optimizers() {
        // 23 is 5 · 4 + 3, 7 · 3 + 2, 22 + 1, and no more than a full batch.
        for size in [1, 5, 7, 22, 23, 50] {
            let (mut trained, mut expected) = (network(1), network(1));
            let training = Training::new(optimizer).epochs(8).batches(size, 3).unwrap();
            let history = training.fit(&mut trained, &x, &y).unwrap();
            let losses = by_closed_form(&mut expected, (&x, &y), optimizer, 8, (size, 3));
            // Every step rounds once more, and Adam divides by small roots.
            assert!(
                apart(&trained, &expected) < 1e-10,
                "{optimizer:?}, {size}: {}",
                apart(&trained, &expected)
            );
            for (found, expected) in history.epochs().iter().zip(&losses) {
                assert!((found.training / expected - 1.0).abs() < 1e-10, "{optimizer:?}, {size}");
                assert_eq!(found.validation, None);
            }
            assert_eq!(history.len(), 8);
        }
    }
}

/// With X = 1 and no bias to speak of, weight i sees example i alone: by how much it moved tells how often it was seen, and in a
/// batch of which size.
#[test]
fn an_epoch_sees_every_example_once() {
    let (m, size, rate) = (23, 5, 1e-6);
    let x = Matrix::identity(m);
    let y = Matrix::filled(1, m, 1.0);
    let mut once = Mlp::<f64>::new(m).layer(1, Activation::Identity).build().unwrap();
    once.set_parameter("W[1]", Matrix::zeros(1, m)).unwrap();
    let training = Training::new(Optimizer::gradient_descent(rate).unwrap()).epochs(1);
    training.batches(size, 9).unwrap().fit(&mut once, &x, &y).unwrap();
    // ∂J/∂w_i = 2/size · (w_i + b − 1), where w_i + b has not yet moved by more than m · 2 · rate.
    let seen = |batch: usize| {
        let moved = 2.0 * rate / batch as f64;
        let near = |w: &&f64| (**w / moved - 1.0).abs() < 1e-4;
        once.parameters()["W[1]"].as_slice().iter().filter(near).count()
    };
    assert_eq!((seen(5), seen(3)), (20, 3), "{}", once.parameters()["W[1]"]);
}

/// The order of the examples does not matter for the whole batch, but for rounding.
#[test]
fn a_batch_as_large_as_the_data_is_the_full_batch() {
    let (x, y) = examples::<f64>(23, 3);
    let order = Random::new(5, Purpose::Shuffle).permutation(23);
    let (permuted_x, permuted_y) = (x.select_columns(&order), y.select_columns(&order));
    for optimizer in optimizers() {
        let training = Training::new(optimizer).epochs(20);
        let (mut full, mut permuted) = (network(2), network(2));
        training.fit(&mut full, &x, &y).unwrap();
        training.fit(&mut permuted, &permuted_x, &permuted_y).unwrap();
        assert!(apart(&full, &permuted) < 1e-10, "{}", apart(&full, &permuted));
        for size in [23, 24, usize::MAX] {
            let mut in_one = network(2);
            training.clone().batches(size, 1).unwrap().fit(&mut in_one, &x, &y).unwrap();
            assert!(apart(&full, &in_one) < 1e-10, "{}", apart(&full, &in_one));
        }
    }
}

#[test]
fn l2_pulls_the_weights_and_not_the_biases() {
    let (x, y) = examples::<f64>(12, 4);
    let (rate, lambda) = (0.3, 0.05);
    let mut start = network::<f64>(3);
    for l in 1..=3 {
        let name = format!("b[{l}]");
        let b = start.parameters()[&name].map(|_| 0.5);
        start.set_parameter(&name, b).unwrap();
    }
    let gradients = start.gradients(&x, &y).unwrap();
    let mut trained = start.clone();
    let optimizer = Optimizer::gradient_descent(rate).unwrap().with_l2(lambda).unwrap();
    let history = Training::new(optimizer).epochs(1).fit(&mut trained, &x, &y).unwrap();
    for (name, before) in start.parameters() {
        let pull = if name.starts_with('W') { lambda } else { 0.0 };
        let g = &gradients[name];
        let expected = Matrix::from_fn(before.rows(), before.columns(), |i, j| {
            before[(i, j)] - rate * (g[(i, j)] + pull * before[(i, j)])
        });
        assert!(difference(&trained.parameters()[name], &expected) < 1e-14, "{name}");
    }
    // The history tells J alone, without the term of L2.
    assert!((history.epochs()[0].training - start.loss(&x, &y).unwrap()).abs() < 1e-14);
    // Pulled for long, the weights are smaller.
    let norm = |network: &Mlp<f64>| network.parameters()["W[1]"].norm();
    let (mut free, mut held) = (start.clone(), start);
    Training::new(Optimizer::adam(0.02).unwrap()).epochs(200).fit(&mut free, &x, &y).unwrap();
    let adam = Optimizer::adam(0.02).unwrap().with_l2(0.1).unwrap();
    Training::new(adam).epochs(200).fit(&mut held, &x, &y).unwrap();
    assert!(norm(&held) < 0.5 * norm(&free));
}

fn losses_are_those_of_the_network<T: Scalar>() {
    let ((x, y), (vx, vy)) = (examples::<T>(20, 5), examples::<T>(9, 6));
    let training = Training::new(Optimizer::adam(0.05).unwrap()).validation(vx.clone(), vy.clone());
    let of = |epochs: usize| {
        let mut trained = network::<T>(6);
        let history = training.clone().epochs(epochs).fit(&mut trained, &x, &y).unwrap();
        (trained, history)
    };
    let (_, all) = of(8);
    for epochs in 1..=8 {
        let (trained, history) = of(epochs);
        assert_eq!(history.epochs(), &all.epochs()[..epochs]);
        // Validation looks at the epoch's last parameters, and does not learn from what it sees.
        let j = trained.loss(&vx, &vy).unwrap().to_f64();
        assert!((history.last().unwrap().validation.unwrap() / j - 1.0).abs() < 4.0 * T::EPSILON.to_f64());
        // A full batch's loss is that before its step: of the parameters one epoch ago.
        let before = of(epochs - 1).0.loss(&x, &y).unwrap().to_f64();
        assert!((history.last().unwrap().training / before - 1.0).abs() < 4.0 * T::EPSILON.to_f64());
    }
    let mut without = network::<T>(6);
    Training::new(Optimizer::adam(0.05).unwrap()).epochs(8).fit(&mut without, &x, &y).unwrap();
    assert_eq!(bits(&without), bits(&of(8).0), "validation changes nothing");
}

#[test]
fn the_history_holds_the_losses_of_the_network() {
    losses_are_those_of_the_network::<f64>();
    losses_are_those_of_the_network::<f32>();
}

/// Labels that have nothing to do with the features: what is learned makes the validation loss worse.
fn noise(m: usize, seed: u64) -> (Matrix<f64>, Matrix<f64>) {
    let mut random = Random::new(seed, Purpose::Split);
    let x = Matrix::from_fn(3, m, |_, _| random.symmetric(1.0));
    (x, Matrix::from_fn(1, m, |_, _| random.below(2) as f64))
}

#[test]
fn early_stopping_gives_back_the_best_parameters() {
    let ((x, y), (vx, vy)) = (noise(12, 1), noise(12, 2));
    let patience = 7;
    for batch in [12, 5] {
        let training = Training::new(Optimizer::adam(0.05).unwrap()).batches(batch, 2).unwrap();
        let training = training.validation(vx.clone(), vy.clone());
        let mut stopped = network::<f64>(8);
        let stopping = EarlyStopping::new(patience, 0.0).unwrap();
        let history =
            training.clone().epochs(1000).early_stopping(stopping).fit(&mut stopped, &x, &y).unwrap();
        let best = history.best().unwrap();
        assert_eq!(history.len(), best + patience + 1, "{history:?}");
        assert!(best > 0 && history.len() < 1000);
        let j = stopped.loss(&vx, &vy).unwrap();
        assert!((j / history.epochs()[best].validation.unwrap() - 1.0).abs() < 1e-14);
        // They are those of a training that ended there.
        let mut ended = network::<f64>(8);
        let shorter = training.clone().epochs(best + 1).fit(&mut ended, &x, &y).unwrap();
        assert_eq!(bits(&stopped), bits(&ended));
        assert_eq!(shorter.epochs(), &history.epochs()[..=best]);
        // Without it the last parameters stay.
        let mut on = network::<f64>(8);
        let to_the_end = training.epochs(history.len()).fit(&mut on, &x, &y).unwrap();
        assert_eq!(to_the_end, history);
        let j = on.loss(&vx, &vy).unwrap();
        assert!((j / history.last().unwrap().validation.unwrap() - 1.0).abs() < 1e-14);
    }
}

/// The epochs run out before the patience: the best parameters come back then too.
#[test]
fn early_stopping_also_at_the_last_epoch() {
    let ((x, y), (vx, vy)) = (noise(12, 1), noise(12, 2));
    let training = Training::new(Optimizer::adam(0.05).unwrap()).validation(vx.clone(), vy.clone());
    let training = training.early_stopping(EarlyStopping::new(1000, 0.0).unwrap()).epochs(60);
    let mut trained = network::<f64>(8);
    let history = training.fit(&mut trained, &x, &y).unwrap();
    let best = history.epochs()[history.best().unwrap()].validation.unwrap();
    assert!(history.len() == 60 && best < history.last().unwrap().validation.unwrap());
    assert!((trained.loss(&vx, &vy).unwrap() / best - 1.0).abs() < 1e-14);
    // One training can be used again, and begins anew.
    let mut again = network::<f64>(8);
    assert_eq!(training.fit(&mut again, &x, &y).unwrap(), history);
    assert_eq!(bits(&again), bits(&trained));
}

#[test]
fn a_callback_sees_every_epoch_and_can_end_the_training() {
    let (x, y) = examples::<f64>(10, 7);
    let training = Training::new(Optimizer::momentum(0.1, 0.9).unwrap()).epochs(20);
    let mut seen = Vec::new();
    let mut broken = network::<f64>(9);
    let history = training
        .fit_with(&mut broken, &x, &y, |epoch| {
            seen.push(*epoch);
            if epoch.number == 4 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!(seen.iter().map(|epoch| epoch.number).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    assert!(seen.iter().all(|epoch| epoch.of == 20));
    assert_eq!(seen.iter().map(|epoch| epoch.losses).collect::<Vec<_>>(), history.epochs());
    let mut five = network::<f64>(9);
    assert_eq!(training.epochs(5).fit(&mut five, &x, &y).unwrap(), history);
    assert_eq!(bits(&five), bits(&broken));

    // With early stopping, a break gives the best parameters too.
    let ((x, y), (vx, vy)) = (noise(12, 1), noise(12, 2));
    let training = Training::new(Optimizer::adam(0.05).unwrap()).validation(vx.clone(), vy.clone());
    let training = training.early_stopping(EarlyStopping::new(1000, 0.0).unwrap()).epochs(1000);
    let mut trained = network::<f64>(8);
    let until = |epoch: &mlp::Epoch| {
        if epoch.number < 50 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let history = training.fit_with(&mut trained, &x, &y, until).unwrap();
    let best = history.epochs()[history.best().unwrap()].validation.unwrap();
    assert_eq!(history.len(), 51);
    assert!((trained.loss(&vx, &vy).unwrap() / best - 1.0).abs() < 1e-14);
}

#[test]
fn no_epochs_change_nothing() {
    let (x, y) = examples::<f64>(10, 7);
    let mut trained = network::<f64>(9);
    let history = Training::new(Optimizer::adam(0.1).unwrap()).epochs(0).fit(&mut trained, &x, &y).unwrap();
    assert_eq!(history, History::new());
    assert_eq!(bits(&trained), bits(&network::<f64>(9)));
}

/// The message, and that the network stayed as it was.
fn refused(training: &Training<f64>, x: &Matrix<f64>, y: &Matrix<f64>) -> String {
    let mut trained = network::<f64>(1);
    let error = training.fit(&mut trained, x, y).unwrap_err();
    assert_eq!(bits(&trained), bits(&network::<f64>(1)), "{error}");
    error.to_string()
}

/// Without the place where the loss was recorded.
fn without_place(message: &str) -> &str {
    message.split_once(" recorded at ").map_or(message, |(message, _)| message)
}

#[test]
fn what_cannot_be_trained_on_is_told() {
    let (x, y) = examples::<f64>(10, 1);
    let training = Training::new(Optimizer::adam(0.1).unwrap()).epochs(3);
    assert_eq!(refused(&training, &Matrix::zeros(4, 10), &y), "X is 4×10, 3×10 is needed");
    assert_eq!(refused(&training, &x, &Matrix::zeros(2, 10)), "Y is 2×10, 1×10 is needed");
    assert_eq!(refused(&training, &x, &Matrix::zeros(1, 9)), "Y is 1×9, 1×10 is needed");
    let (no_x, no_y) = (Matrix::zeros(3, 0), Matrix::zeros(1, 0));
    for training in [training.clone(), training.clone().batches(4, 0).unwrap()] {
        let message = refused(&training, &no_x, &no_y);
        assert!(without_place(&message).starts_with("mean: J is a mean over m = 0 examples"), "{message}");
    }
    for wrong in [1.5, -0.25, f64::NAN] {
        let mut labels = y.clone();
        labels[(0, 7)] = wrong;
        let expected = format!("label {wrong} at row 0, column 7 is not in [0, 1]");
        assert_eq!(refused(&training, &x, &labels), expected);
        // The column is that of the data, not of a shuffled batch.
        assert_eq!(refused(&training.clone().batches(4, 0).unwrap(), &x, &labels), expected);
    }
    let validated = |x: Matrix<f64>, y: Matrix<f64>| training.clone().validation(x, y);
    assert_eq!(
        refused(&validated(Matrix::zeros(2, 4), Matrix::zeros(1, 4)), &x, &y),
        "validation part: X is 2×4, 3×4 is needed"
    );
    assert_eq!(
        refused(&validated(Matrix::zeros(3, 4), Matrix::zeros(1, 5)), &x, &y),
        "validation part: Y is 1×5, 1×4 is needed"
    );
    assert_eq!(
        refused(&validated(Matrix::zeros(3, 4), Matrix::filled(1, 4, 2.0)), &x, &y),
        "validation part: label 2 at row 0, column 0 is not in [0, 1]"
    );
    assert_eq!(
        refused(&validated(no_x, no_y), &x, &y),
        "validation part: J: at least one example is needed, m is 0"
    );
    let error = training.clone().batches(0, 1).unwrap_err();
    assert_eq!(error.to_string(), "batch size is 0, it must be at least 1");
    assert!(matches!(error, Error::Hyperparameter { .. }));
}

#[test]
fn an_activation_without_derivative_cannot_be_trained() {
    let g = Activation::Custom(tape::Function::new("step", |z: f64| f64::from(z > 0.0)));
    let mut trained = Mlp::new(3).layer(2, g).layer(1, Activation::Sigmoid).build().unwrap();
    let (x, y) = examples::<f64>(5, 1);
    let training = Training::new(Optimizer::adam(0.1).unwrap());
    let message = training.fit(&mut trained, &x, &y).unwrap_err().to_string();
    assert!(message.starts_with("gradients: step gives no derivative"), "{message}");
    assert!(message.contains(file!()), "{message} is not about the user's line");
    assert_eq!(trained.closed_form(&x, &y).unwrap_err().to_string(), "activation step gives no derivative");
    trained.predict(&x).unwrap();
}

#[test]
fn xor_is_learned_from_every_seed() {
    let x = matrix![[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]];
    let y = matrix![[0.0, 1.0, 1.0, 0.0]];
    for seed in 0..10 {
        let builder = Mlp::<f64>::new(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid);
        let mut xor = builder.seed(seed).build().unwrap();
        let history =
            Training::new(Optimizer::adam(0.05).unwrap()).epochs(500).fit(&mut xor, &x, &y).unwrap();
        assert!(history.last().unwrap().training < 0.02, "seed {seed}: {:?}", history.last());
        assert_eq!(metrics::accuracy(&xor.predict(&x).unwrap(), &y).unwrap(), 1.0);
    }
}

#[test]
fn a_curve_is_learned_with_squared_error() {
    let x = Matrix::from_fn(1, 60, |_, i| -3.0 + 0.1 * i as f64);
    let y = x.map(f64::sin);
    let builder = Mlp::<f64>::new(1).layer(12, Activation::Tanh).layer(1, Activation::Identity);
    let mut curve = builder.loss(Loss::SquaredError).seed(1).build().unwrap();
    let training = Training::new(Optimizer::adam(0.02).unwrap()).epochs(600).batches(20, 1).unwrap();
    training.fit(&mut curve, &x, &y).unwrap();
    assert!(curve.loss(&x, &y).unwrap() < 1e-3, "{}", curve.loss(&x, &y).unwrap());
    // Between the points too.
    let between = x.map(|x| x + 0.05);
    assert!(curve.loss(&between, &between.map(f64::sin)).unwrap() < 1e-3);
}

#[test]
fn three_classes_are_learned_with_softmax() {
    let mut random = Random::new(3, Purpose::Split);
    let labels: Vec<usize> = (0..90).map(|i| i % 3).collect();
    // Three rings, each around the other.
    let x = Matrix::from_columns(
        &labels
            .iter()
            .map(|&class| {
                let (angle, radius) = (random.symmetric(std::f64::consts::PI), class as f64 + 0.5);
                let radius = radius + random.symmetric(0.2);
                [radius * angle.cos(), radius * angle.sin()]
            })
            .collect::<Vec<_>>(),
    )
    .unwrap();
    let y = one_hot::<f64>(&labels, 3).unwrap();
    let builder = Mlp::new(2).layer(12, Activation::Tanh).layer(3, Activation::Identity);
    let mut rings = builder.loss(Loss::SoftmaxCrossEntropy).seed(2).build().unwrap();
    let training = Training::new(Optimizer::adam(0.03).unwrap()).epochs(300).batches(30, 1).unwrap();
    training.fit(&mut rings, &x, &y).unwrap();
    assert_eq!(classes(&rings.predict(&x).unwrap()).unwrap(), labels);
}

/// Without hidden layers and with squared error: the line of least squares.
#[test]
fn no_hidden_layer_is_linear_regression() {
    let x = matrix![[0.0, 1.0, 2.0, 3.0]];
    let y = matrix![[1.0, 2.0, 2.0, 4.0]];
    let mut line = Mlp::<f64>::new(1).layer(1, Activation::Identity).build().unwrap();
    Training::new(Optimizer::gradient_descent(0.1).unwrap()).epochs(2000).fit(&mut line, &x, &y).unwrap();
    // Slope Σ(x − x̄)(y − ȳ) / Σ(x − x̄)² = 4.5 / 5, through (1.5, 2.25).
    assert!((line.parameters()["W[1]"][(0, 0)] - 0.9).abs() < 1e-12);
    assert!((line.parameters()["b[1]"][(0, 0)] - 0.9).abs() < 1e-12);
    assert_eq!(line.layers(), 1);
}

/// Without hidden layers and with log-loss: at the minimum, the probabilities add up to the number of ones (∂J/∂b = 0).
#[test]
fn no_hidden_layer_is_logistic_regression() {
    let (x, y) = noise(40, 3);
    let mut logistic = Mlp::<f64>::new(3).layer(1, Activation::Sigmoid).build().unwrap();
    Training::new(Optimizer::gradient_descent(1.0).unwrap()).epochs(5000).fit(&mut logistic, &x, &y).unwrap();
    let a = logistic.predict(&x).unwrap();
    let sum = |a: &Matrix<f64>| a.iter().sum::<f64>();
    assert!((sum(&a) - sum(&y)).abs() < 1e-10, "{} {}", sum(&a), sum(&y));
    for gradient in logistic.gradients(&x, &y).unwrap().values() {
        assert!(gradient.max_abs() < 1e-10);
    }
}

#[test]
fn one_example_can_be_trained_on() {
    let (x, y) = (matrix![[0.5], [-1.0], [2.0]], matrix![[1.0]]);
    for optimizer in optimizers() {
        for batch in [1, 8] {
            let mut trained = network::<f64>(2);
            let before = trained.loss(&x, &y).unwrap();
            let training = Training::new(optimizer).epochs(20).batches(batch, 0).unwrap();
            let history = training.fit(&mut trained, &x, &y).unwrap();
            assert!(trained.loss(&x, &y).unwrap() < before, "{optimizer:?}");
            assert!((history.epochs()[0].training / before - 1.0).abs() < 1e-14);
            let mut expected = network::<f64>(2);
            by_closed_form(&mut expected, (&x, &y), optimizer, 20, (1, 0));
            assert!(apart(&trained, &expected) < 1e-10);
        }
    }
}

/// A network that is sure and right has nothing to learn, and one that is sure and wrong learns at full speed; neither is NaN.
#[test]
fn certainty_is_a_number() {
    let x = matrix![[-1000.0, 1000.0]];
    let builder = Mlp::<f64>::new(1).layer(2, Activation::Identity).layer(1, Activation::Sigmoid);
    let mut sure = builder.build().unwrap();
    sure.set_parameter("W[1]", Matrix::filled(2, 1, 1.0)).unwrap();
    sure.set_parameter("W[2]", Matrix::filled(1, 2, 1.0)).unwrap();
    for optimizer in &optimizers()[..3] {
        let training = Training::new(*optimizer).epochs(10);
        let mut right = sure.clone();
        let history = training.fit(&mut right, &x, &matrix![[0.0, 1.0]]).unwrap();
        assert!(history.epochs().iter().all(|losses| losses.training == 0.0));
        assert_eq!(bits(&right), bits(&sure));
        let mut wrong = sure.clone();
        let history = training.clone().epochs(1).fit(&mut wrong, &x, &matrix![[1.0, 0.0]]).unwrap();
        assert_eq!(history.epochs()[0].training, 2000.0);
        assert!(wrong.parameters().values().all(|p| p.norm().is_finite()) && bits(&wrong) != bits(&sure));
    }
    let gradients = sure.gradients(&x, &matrix![[1.0, 0.0]]).unwrap();
    assert_eq!(gradients["W[1]"], Matrix::filled(2, 1, 1000.0));
}

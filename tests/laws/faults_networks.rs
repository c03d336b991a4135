//! Faults of networks, their training and their data that were found from outside, each with its neighbours.

use mlp::{
    Activation, ConfusionMatrix, EarlyStopping, Error, Init, Loss, Mlp, Optimizer, ParameterKind, Purpose,
    Random, Scalar, Split, Standardizer, Training, metrics, one_hot,
};
use tape::{Matrix, Tape, matrix};

fn is_finite<T: Scalar>(network: &Mlp<T>) -> bool {
    network.parameters().values().all(|p| p.iter().all(|p| p.is_finite()))
}

fn descent(rate: f64) -> Optimizer {
    Optimizer::gradient_descent(rate).unwrap()
}

/// One weight of 1 and no bias: J = (w + b − y)² at x = 1.
fn line<T: Scalar>() -> Mlp<T> {
    let mut line = Mlp::new(1).layer(1, Activation::Identity).build().unwrap();
    line.set_parameter("W[1]", Matrix::scalar(T::ONE)).unwrap();
    line
}

fn xor() -> (Matrix<f64>, Matrix<f64>, Mlp<f64>) {
    let x = matrix![[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]];
    let network =
        Mlp::new(2).layer(3, Activation::Tanh).layer(1, Activation::Sigmoid).seed(1).build().unwrap();
    (x, matrix![[0.0, 1.0, 1.0, 0.0]], network)
}

// Early stopping

#[test]
fn the_network_given_back_has_the_best_loss() {
    let (x, y) = (matrix![[1.0]], matrix![[0.0]]);
    let mut net = line::<f64>();
    let training = Training::new(descent(2.0)).epochs(6);
    let history = training.early_stopping(EarlyStopping::new(2, 0.0).unwrap()).fit(&mut net, &x, &y).unwrap();
    let best = history.epochs()[history.best().unwrap()].training;
    assert_eq!((best, net.loss(&x, &y).unwrap()), (1.0, 1.0));
}

/// Whether it gets better, worse or goes up and down, and however little counts as better.
fn best_of_full_batches<T: Scalar>() {
    let x = Matrix::from_fn(2, 20, |i, j| T::from_usize(i + j));
    let y = Matrix::from_fn(1, 20, |_, j| T::from_usize(3 * j));
    for rate in [1e-4, 0.002, 0.004, 0.00405, 0.02] {
        for (patience, min_delta) in [(1, 0.0), (3, 0.0), (3, 1e3), (50, 0.0)] {
            let mut net = Mlp::<T>::new(2).layer(1, Activation::Identity).seed(1).build().unwrap();
            let stopping = EarlyStopping::new(patience, min_delta).unwrap();
            for optimizer in [descent(rate), Optimizer::adam(rate).unwrap()] {
                let training = Training::new(optimizer).epochs(40).early_stopping(stopping.clone());
                // 20 in a batch, shuffled: the same single step.
                for training in [training.clone(), training.batches(20, 3).unwrap()] {
                    let before = net.loss(&x, &y).unwrap().to_f64();
                    let best = match training.fit(&mut net, &x, &y) {
                        Ok(history) => history.epochs()[history.best().unwrap()].training,
                        // Too fast for f32, from the first step on.
                        Err(Error::Diverged { .. }) => before,
                        Err(error) => panic!("{error}"),
                    };
                    let found = net.loss(&x, &y).unwrap().to_f64();
                    let apart = (found / best - 1.0).abs();
                    assert!(apart < 40.0 * T::EPSILON.to_f64(), "{rate}, {patience}: {found}, {best}");
                }
            }
        }
    }
}

#[test]
fn early_stopping_gives_back_what_the_best_epoch_was_about() {
    best_of_full_batches::<f64>();
    best_of_full_batches::<f32>();
}

/// Of mini-batches it is the better end of the best epoch: never one that is worse than where this epoch began.
#[test]
fn early_stopping_of_mini_batches_is_never_worse_than_the_beginning() {
    let x = Matrix::from_fn(2, 20, |i, j| (i + j) as f64);
    let y = Matrix::from_fn(1, 20, |_, j| 3.0 * j as f64);
    let fresh = Mlp::<f64>::new(2).layer(1, Activation::Identity).seed(1).build().unwrap();
    let before = fresh.loss(&x, &y).unwrap();
    for (rate, learns) in [(1e-3, true), (0.02, false)] {
        let mut net = fresh.clone();
        let training = Training::new(descent(rate)).epochs(30).batches(7, 2).unwrap();
        let training = training.early_stopping(EarlyStopping::new(3, 0.0).unwrap());
        let history = training.fit(&mut net, &x, &y).unwrap();
        let after = net.loss(&x, &y).unwrap();
        assert!(
            after <= before && (after < 0.1 * before) == learns,
            "{rate}: {before}, {after}, {history:?}"
        );
        // What it began or ended with, of a training without early stopping.
        let epochs = |epochs: usize| {
            let mut plain = fresh.clone();
            let training = Training::new(descent(rate)).epochs(epochs).batches(7, 2).unwrap();
            training.fit(&mut plain, &x, &y).unwrap();
            plain
        };
        let best = history.best().unwrap();
        let ends = [epochs(best), epochs(best + 1)];
        let lower = if ends[1].loss(&x, &y).unwrap() < ends[0].loss(&x, &y).unwrap() { 1 } else { 0 };
        assert_eq!(net.parameters(), ends[lower].parameters(), "{rate}");
    }
    // A single epoch is kept, if it helped.
    let mut once = fresh.clone();
    let training = Training::new(descent(1e-3)).epochs(1).batches(7, 2).unwrap();
    training.early_stopping(EarlyStopping::new(3, 0.0).unwrap()).fit(&mut once, &x, &y).unwrap();
    assert!(once.loss(&x, &y).unwrap() < before);
}

// Labels

#[test]
fn gradients_alone_refuse_a_wrong_label() {
    let net = Mlp::<f64>::new(1).layer(1, Activation::Sigmoid).build().unwrap();
    assert!(net.gradients(&matrix![[1.0]], &matrix![[2.0]]).is_err());
}

#[test]
fn softmax_refuses_a_label_that_is_no_share() {
    let builder = Mlp::<f64>::new(1).layer(2, Activation::Identity);
    let net = builder.loss(Loss::SoftmaxCrossEntropy).build().unwrap();
    assert!(net.loss(&matrix![[1.0]], &matrix![[-1.0], [f64::NAN]]).is_err());
}

fn wrong_labels<T: Scalar>(outputs: usize, g: Activation<T>, loss: Loss, wrong: &[&[f64]]) {
    let mut network = Mlp::<T>::new(1).layer(outputs, g).loss(loss).build().unwrap();
    let as_given = network.clone();
    let right = if loss == Loss::SoftmaxCrossEntropy { 1.0 / outputs as f64 } else { 1.0 };
    let x = Matrix::from_fn(1, 5, |_, i| T::from_usize(i));
    for labels in wrong {
        let at = |k: usize, i: usize| T::from_f64(if i == 3 { labels[k] } else { right });
        let y = Matrix::from_fn(outputs, 5, at);
        let good = Matrix::from_fn(outputs, 5, |_, _| T::from_f64(right));
        let tape = Tape::new();
        let training = Training::new(descent(0.1)).epochs(2);
        let errors = [
            network.loss(&x, &y).map(|_| ()),
            network.gradients(&x, &y).map(|_| ()),
            network.accuracy(&x, &y).map(|_| ()),
            network.closed_form(&x, &y).map(|_| ()),
            network.record(&tape, &x, &y).map(|_| ()),
            training.fit(&mut network, &x, &y).map(|_| ()),
            training.clone().batches(2, 1).unwrap().fit(&mut network, &x, &y).map(|_| ()),
        ];
        for error in errors {
            let text = error.unwrap_err().to_string();
            assert!(text.contains("column 3") && !text.contains("validation"), "{loss}, {labels:?}: {text}");
        }
        for training in [training.clone(), training.batches(2, 1).unwrap()] {
            let training = training.validation(x.clone(), y.clone());
            let error = training.fit(&mut network, &x, &good).unwrap_err();
            let text = error.to_string();
            assert!(text.starts_with("validation part: ") && text.contains("column 3"), "{text}");
            assert!(matches!(error, Error::Validation(_)));
        }
        assert_eq!(network, as_given);
    }
}

#[test]
fn labels_are_looked_at_wherever_they_are_used() {
    let nan = f64::NAN;
    let of_one: [&[f64]; 5] = [&[2.0], &[-0.001], &[nan], &[f64::INFINITY], &[1.0 + 1e-6]];
    wrong_labels::<f64>(1, Activation::Sigmoid, Loss::LogLoss, &of_one);
    wrong_labels::<f32>(1, Activation::Sigmoid, Loss::LogLoss, &of_one);
    let of_two: [&[f64]; 3] = [&[0.0, 1.5], &[nan, 0.0], &[1.0, -1.0]];
    wrong_labels::<f64>(2, Activation::Sigmoid, Loss::LogLoss, &of_two);
    let shares: [&[f64]; 9] = [
        &[1.0, 1.0, 0.0],
        &[0.0, 0.0, 0.0],
        &[5.0, -2.0, -2.0],
        &[0.5, 0.5, -1e-9],
        &[1.0, nan, 0.0],
        &[f64::INFINITY, 0.0, 0.0],
        &[100.0, 0.0, 0.0],
        &[0.5, 0.49, 0.0],
        &[1e300, 1e300, 0.0],
    ];
    wrong_labels::<f64>(3, Activation::Identity, Loss::SoftmaxCrossEntropy, &shares);
    wrong_labels::<f32>(3, Activation::Identity, Loss::SoftmaxCrossEntropy, &shares);
    let no_numbers: [&[f64]; 2] = [&[nan], &[f64::NEG_INFINITY]];
    wrong_labels::<f64>(1, Activation::Identity, Loss::SquaredError, &no_numbers);
}

/// Column 555 of 700, not that of the shuffled batch it would come in.
#[test]
fn a_wrong_label_is_told_by_its_place_in_the_data() {
    let mut random = Random::new(1, Purpose::Split);
    let x = Matrix::from_fn(2, 700, |_, _| random.symmetric(1.0));
    let mut y = Matrix::from_fn(1, 700, |_, i| (i % 2) as f64);
    y[(0, 555)] = 7.0;
    let (_, _, mut network) = xor();
    let training = Training::new(Optimizer::adam(0.1).unwrap()).epochs(1).batches(32, 3).unwrap();
    let error = training.fit(&mut network, &x, &y).unwrap_err();
    let expected = Error::Label { value: 7.0, row: 0, column: 555, expected: "in [0, 1]" };
    assert_eq!(error, expected);
    y[(0, 555)] = 0.0;
    let wrong = Matrix::from_fn(1, 700, |_, i| if i == 600 { -1.0 } else { 0.0 });
    let training = training.validation(x.clone(), wrong);
    let text = training.fit(&mut network, &x, &y).unwrap_err().to_string();
    assert_eq!(text, "validation part: label -1 at row 0, column 600 is not in [0, 1]");
}

#[test]
fn labels_that_are_right_are_taken() {
    let soft = matrix![[0.0, 1.0, 0.333], [1.0, -0.0, 0.333], [0.0, 0.0, 0.334]];
    let builder = Mlp::<f64>::new(1).layer(3, Activation::Identity);
    let net = builder.loss(Loss::SoftmaxCrossEntropy).build().unwrap();
    net.gradients(&Matrix::zeros(1, 3), &soft).unwrap();
    let single = Mlp::<f32>::new(1).layer(3, Activation::Identity).loss(Loss::SoftmaxCrossEntropy);
    single.build().unwrap().gradients(&Matrix::zeros(1, 3), &soft.cast()).unwrap();
}

// Numbers

#[test]
fn the_penalty_of_many_weights() {
    let o = descent(0.1).with_l2(2.0).unwrap();
    assert_eq!(o.penalty(&vec![1.0_f32; 1 << 25]), 33554432.0);
}

#[test]
fn adams_epsilon_in_single_precision() {
    let optimizer = Optimizer::adam_with(0.1, 0.9, 0.999, 1e-46).unwrap();
    let mut s = optimizer.state::<f32>(&[(1, ParameterKind::Weight)]);
    let mut w = [1.0_f32];
    s.step(0, &mut w, &[0.0]).unwrap();
    assert_eq!(w, [1.0]);
}

/// What f64 holds and f32 does not is refused before the first step, by its name.
#[test]
fn hyperparameters_are_those_of_the_type_that_computes() {
    let adam = |rate: f64, beta: (f64, f64), epsilon: f64| {
        Optimizer::adam_with(rate, beta.0, beta.1, epsilon).unwrap()
    };
    let rest = 1.0 - 1e-10;
    let mut cases = vec![
        (adam(0.1, (0.9, 0.999), 1e-50), "Adam's ε is 1e-50"),
        (adam(0.1, (0.9, 0.999), 1e40), "Adam's ε is 1e40"),
        (adam(0.1, (rest, 0.999), 1e-8), "Adam's β₁ is 0.9999999999"),
        (adam(0.1, (0.9, rest), 1e-8), "Adam's β₂ is 0.9999999999"),
        (adam(3e38, (0.9, 0.999), 1e-8), "rate is 3e38"),
        (Optimizer::momentum(0.1, rest).unwrap(), "momentum β is 0.9999999999"),
    ];
    for (number, text) in [(1e-60, "1e-60"), (1e300, "1e300"), (4e38, "4e38"), (1e-39, "1e-39")] {
        let text: &'static str = format!("rate is {text}").leak();
        cases.push((descent(number), text));
        cases.push((Optimizer::momentum(number, 0.9).unwrap(), text));
        cases.push((Optimizer::adam(number).unwrap(), text));
        let text: &'static str = text.replace("rate", "L2 λ").leak();
        cases.push((descent(0.1).with_l2(number).unwrap(), text));
    }
    let (x, y) = (matrix![[1.0_f32, 2.0]], matrix![[0.5_f32, 1.0]]);
    for (optimizer, text) in cases {
        let mut net = line::<f32>();
        let error = Training::new(optimizer).epochs(3).fit(&mut net, &x, &y).unwrap_err();
        assert!(matches!(error, Error::Hyperparameter { .. }), "{error}");
        assert!(error.to_string().starts_with(&format!("{text}, it must be ")), "{error}");
        assert_eq!(net, line());
        let state = optimizer.try_state::<f32>(&[(1, ParameterKind::Weight)]);
        assert_eq!(state.unwrap_err(), error);
        optimizer.try_state::<f64>(&[(1, ParameterKind::Weight)]).unwrap();
    }
    for delta in [1e-60, 1e300] {
        let stopping = EarlyStopping::new(3, delta).unwrap();
        let training = Training::new(descent(0.1)).early_stopping(stopping);
        let error = training.fit(&mut line::<f32>(), &x, &y).unwrap_err().to_string();
        assert!(error.starts_with(&format!("min_delta is {delta:e}, it must be ")), "{error}");
    }
}

#[test]
fn standardised_numbers_are_numbers() {
    let fitted = Standardizer::fit(&matrix![[0.0, 1e-300]]).unwrap();
    let error = fitted.transform(&matrix![[1.0, 1e300]]).unwrap_err();
    assert!(matches!(
        error,
        Error::FeatureOverflow { value: 1e300, feature: 0, column: 1, number: "f64", what: "standardizer" }
    ));
    assert_eq!(fitted.transform(&matrix![[0.0, 1e-300]]).unwrap(), matrix![[-1.0, 1.0]]);
    // A thousand examples around a million, whose mean is between two numbers of f32: it comes out as 0 all the same.
    let x = Matrix::from_fn(1, 1000, |_, i| 1e6 + 0.0625 * (i % 7) as f32);
    let z = Standardizer::fit(&x).unwrap().transform(&x).unwrap();
    let mean = z.iter().map(|&z| f64::from(z)).sum::<f64>() / 1000.0;
    assert!(mean.abs() < 1e-7, "{mean:e}");
}

// Training on what is no number, and away from it

#[test]
fn fit_does_not_leave_a_network_of_nan_silently() {
    let builder = Mlp::<f64>::new(1).layer(2, Activation::Tanh).layer(1, Activation::Sigmoid);
    let mut net = builder.build().unwrap();
    let x = matrix![[1.0, f64::NAN]];
    let fit = Training::new(Optimizer::adam(0.1).unwrap()).epochs(2).fit(&mut net, &x, &matrix![[0.0, 1.0]]);
    let finite = is_finite(&net);
    assert!(fit.is_err() && finite, "fit {:?}, finite {finite}", fit.map(|h| h.len()));
}

#[test]
fn data_that_are_no_numbers_are_refused_with_their_place() {
    let (x, y, mut network) = xor();
    let as_given = network.clone();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut wrong = x.clone();
        wrong[(1, 3)] = value;
        let training = Training::new(Optimizer::adam(0.1).unwrap()).epochs(5);
        for training in [training.clone(), training.clone().batches(2, 0).unwrap()] {
            let text = training.fit(&mut network, &wrong, &y).unwrap_err().to_string();
            assert_eq!(text, format!("X: {value} at row 1, column 3 is not a finite number"));
        }
        let stopping = training.clone().early_stopping(EarlyStopping::new(2, 0.0).unwrap());
        for training in [training.clone(), stopping] {
            let validated = training.validation(wrong.clone(), y.clone());
            let text = validated.fit(&mut network, &x, &y).unwrap_err().to_string();
            assert_eq!(
                text,
                format!("validation part: X: {value} at row 1, column 3 is not a finite number")
            );
        }
        assert_eq!(network, as_given);
        let mut broken = network.clone();
        broken.set_parameter("b[1]", matrix![[0.0], [value], [0.0]]).unwrap();
        let text = training.fit(&mut broken, &x, &y).unwrap_err().to_string();
        assert_eq!(text, format!("b[1]: {value} at row 1, column 0 is not a finite number to start from"));
    }
}

/// w + b becomes −1.5 times itself with every step, J is its square: ∞ after some 875 steps in f64, and some 110 in f32.
fn diverges<T: Scalar>(batch: Option<usize>) {
    let (x, y) = (Matrix::filled(1, 3, T::ONE), Matrix::zeros(1, 3));
    let rate = 0.625;
    let training = |epochs: usize| {
        let training = Training::new(descent(rate)).epochs(epochs);
        batch.map_or(training.clone(), |size| training.batches(size, 1).unwrap())
    };
    let mut net = line::<T>();
    let mut epochs = 0;
    let fit = training(2000).fit_with(&mut net, &x, &y, |_| {
        epochs += 1;
        std::ops::ControlFlow::Continue(())
    });
    let Err(Error::Diverged { epoch, j, rate: named }) = fit else { panic!("{fit:?}") };
    assert_eq!((epoch, j, named), (epochs, f64::INFINITY, rate));
    let text = Error::Diverged { epoch, j, rate }.to_string();
    assert!(text.starts_with(&format!("training: J is inf in epoch {epoch} with rate 0.625: try")), "{text}");
    // Of one example, since a sum over several may overflow where their batches did not.
    let last = net.loss(&Matrix::scalar(T::ONE), &Matrix::scalar(T::ZERO)).unwrap();
    let greatest = if T::NAME == "f32" { f64::from(f32::MAX) } else { f64::MAX };
    assert!(is_finite(&net) && last.is_finite() && last.to_f64() > greatest / 100.0, "{last}");
    // The very last: they are those of a training that ended there.
    if batch.is_none() {
        let mut ended = line::<T>();
        training(epoch - 1).fit(&mut ended, &x, &y).unwrap();
        assert_eq!(net, ended);
    }
    // With early stopping those of the best epoch: the first one.
    let mut net = line::<T>();
    let stopping = EarlyStopping::new(5000, 0.0).unwrap();
    let fit = training(2000).early_stopping(stopping).fit(&mut net, &x, &y);
    assert!(matches!(fit, Err(Error::Diverged { .. })));
    assert_eq!(net, line());
}

#[test]
fn divergence_ends_the_training_and_keeps_the_last_good_parameters() {
    for batch in [None, Some(1), Some(2), Some(7)] {
        diverges::<f64>(batch);
        diverges::<f32>(batch);
    }
}

/// A single step too far: the network stays as it was.
#[test]
fn a_step_beyond_all_numbers_is_not_taken() {
    let (x, y) = (matrix![[1.0]], matrix![[3.0]]);
    let mut tanh = Mlp::<f64>::new(1).layer(1, Activation::Tanh).seed(1).build().unwrap();
    let as_given = tanh.clone();
    // The weight becomes ∞, and J stays a number: tanh ∞ is 1.
    for epochs in [1, 2, 5, 400] {
        let fit = Training::new(descent(1.5e308)).epochs(epochs).fit(&mut tanh, &x, &y);
        let Err(Error::Diverged { rate: 1.5e308, .. }) = fit else { panic!("{fit:?}") };
        assert_eq!(tanh, as_given, "{epochs}");
    }
    let stopping = EarlyStopping::new(2, 0.0).unwrap();
    let training = Training::new(descent(1.5e308)).epochs(5).early_stopping(stopping);
    training.clone().validation(x.clone(), y.clone()).fit(&mut tanh, &x, &y).unwrap_err();
    assert_eq!(tanh, as_given);
    // Without a validation part, the best epoch is the first, whose loss is that of the network as it was.
    let history = training.fit(&mut tanh, &x, &y);
    assert!(is_finite(&tanh), "{history:?}");
    let mut line = line::<f64>();
    let fit = Training::new(descent(1e200)).epochs(5).fit(&mut line, &x, &y);
    assert!(matches!(fit, Err(Error::Diverged { epoch: 1, j: f64::INFINITY, .. })), "{fit:?}");
    assert_eq!(line.parameters()["W[1]"], matrix![[1.0]]);
}

/// The step of the last epoch is looked at too, though no epoch comes that would compute its J.
#[test]
fn the_last_step_can_be_the_one_too_far() {
    let (x, y) = (matrix![[1.0, 1.0]], matrix![[0.0, 0.0]]);
    for training in [Training::new(descent(1e200)), Training::new(descent(1e200)).batches(2, 0).unwrap()] {
        let mut net = line::<f64>();
        let fit = training.epochs(1).fit(&mut net, &x, &y);
        assert!(matches!(fit, Err(Error::Diverged { epoch: 0, j: f64::INFINITY, rate: 1e200 })), "{fit:?}");
        assert_eq!(net, line());
    }
    // Large numbers alone are no fault.
    let mut net = line::<f64>();
    Training::new(descent(1e50)).epochs(1).fit(&mut net, &x, &y).unwrap();
    assert!(net.loss(&x, &y).unwrap() > 1e100);
}

/// J of the validation part is ∞, that of the training is not.
#[test]
fn divergence_on_the_validation_part_says_so() {
    let (x, y) = (matrix![[1.0]], matrix![[0.0]]);
    let training = Training::new(descent(0.1)).epochs(5).validation(matrix![[1e200]], matrix![[0.0]]);
    let mut net = line::<f64>();
    let error = training.fit(&mut net, &x, &y).unwrap_err();
    assert!(
        error.to_string().starts_with("validation part: training: J is inf in epoch 0 with rate 0.1"),
        "{error}"
    );
    assert_eq!(net, line());
}

// Networks that cannot learn what they are asked

#[test]
fn softmax_of_one_output_is_refused() {
    let builder = Mlp::<f64>::new(1).layer(1, Activation::Identity);
    assert!(builder.loss(Loss::SoftmaxCrossEntropy).build().is_err());
}

#[test]
fn a_loss_that_cannot_follow_the_last_layer_is_refused() {
    for g in Activation::<f32>::all() {
        for loss in Loss::ALL {
            for outputs in [0, 1, 2, 10] {
                let built = Mlp::new(3).layer(4, g.clone()).layer(outputs, g.clone()).loss(loss).build();
                let fits = match loss {
                    Loss::SquaredError => true,
                    Loss::LogLoss => g == Activation::Sigmoid,
                    Loss::SoftmaxCrossEntropy => g == Activation::Identity && outputs > 1,
                };
                assert_eq!(built.is_ok(), fits, "{g}, {loss}, {outputs}");
                if let Err(error) = built {
                    assert!(matches!(error, Error::Output { .. }), "{error}");
                }
            }
        }
    }
    let text = |g, n, loss| Mlp::<f64>::new(3).layer(n, g).loss(loss).build().unwrap_err().to_string();
    assert_eq!(
        text(Activation::Tanh, 1, Loss::LogLoss),
        "network: log_loss takes probabilities in [0, 1], and tanh gives others: let the last activation be sigmoid, or take \
         squared_error"
    );
    let softmax = text(Activation::Sigmoid, 3, Loss::SoftmaxCrossEntropy);
    assert!(softmax.contains("let the last activation be identity"), "{softmax}");
    let one = text(Activation::Identity, 1, Loss::SoftmaxCrossEntropy);
    assert!(one.contains("over 1 outputs is 0 whatever they are") && one.contains("sigmoid"), "{one}");
}

/// The same functions under the tape's names; those of the user are taken at their word.
#[test]
fn functions_of_the_user_are_taken_at_their_word() {
    use tape::Function;
    let built = |g: Function<f64>, loss| Mlp::new(3).layer(2, Activation::Custom(g)).loss(loss).build();
    let own = Function::new("own", |z: f64| z);
    for loss in Loss::ALL {
        assert!(built(own.clone(), loss).is_ok());
    }
    for fits in [Function::Sigmoid, Function::Clamp(0.0, 1.0)] {
        assert!(built(fits.clone(), Loss::LogLoss).is_ok());
        assert!(built(fits, Loss::SoftmaxCrossEntropy).is_err());
    }
    for refused in
        [Function::Tanh, Function::Relu, Function::Exp, Function::Clamp(-1.0, 1.0), Function::Identity]
    {
        assert!(built(refused, Loss::LogLoss).is_err());
    }
    assert!(built(Function::Identity, Loss::SoftmaxCrossEntropy).is_ok());
}

#[test]
fn a_forgotten_loss_for_classes_is_told() {
    let classes = [3, 1, 4, 1, 5, 9, 2, 6];
    let (x, y) = (Matrix::filled(64, 8, 0.5), one_hot::<f64>(&classes, 10).unwrap());
    let builder = || Mlp::<f64>::new(64).layer(10, Activation::Identity);
    let mut forgotten = builder().build().unwrap();
    let training = Training::new(descent(0.1)).epochs(1);
    let error = training.fit(&mut forgotten, &x, &y).unwrap_err();
    assert_eq!(error, Error::ForgottenLoss { outputs: 10 });
    assert!(error.to_string().contains(".loss(Loss::SoftmaxCrossEntropy)"), "{error}");
    assert!(forgotten.loss(&x, &y).is_err() && forgotten.gradients(&x, &y).is_err());
    assert!(forgotten.closed_form(&x, &y).is_err());
    for loss in [Loss::SquaredError, Loss::SoftmaxCrossEntropy] {
        training.fit(&mut builder().loss(loss).build().unwrap(), &x, &y).unwrap();
    }
    // A quantity is none of these, nor is a question for each output.
    forgotten.loss(&x, &y.map(|y| 0.9 * y)).unwrap();
    let questions = Mlp::<f64>::new(64).layer(10, Activation::Sigmoid).build().unwrap();
    questions.loss(&x, &y).unwrap();
    Mlp::<f64>::new(64)
        .layer(1, Activation::Identity)
        .build()
        .unwrap()
        .loss(&x, &Matrix::filled(1, 8, 1.0))
        .unwrap();
}

#[test]
fn several_outputs_with_sigmoid_answer_their_own_questions() {
    let mut network = Mlp::<f64>::new(2).layer(2, Activation::Sigmoid).build().unwrap();
    network.set_parameter("W[1]", matrix![[1.0, 0.0], [0.0, 1.0]]).unwrap();
    let x = matrix![[1.0, 1.0, -1.0, -1.0], [1.0, -1.0, 2.0, -1.0]];
    let y = matrix![[1.0, 1.0, 0.0, 1.0], [1.0, 0.0, 1.0, 1.0]];
    assert_eq!(network.accuracy(&x, &y).unwrap(), 6.0 / 8.0);
    assert_eq!(metrics::accuracy(&network.predict(&x).unwrap(), &y).unwrap(), 6.0 / 8.0);
    // Where every example has one class, only the network knows.
    let (x, y) = (matrix![[2.0], [1.0]], matrix![[1.0], [0.0]]);
    assert_eq!(network.accuracy(&x, &y).unwrap(), 0.5);
    let builder = Mlp::<f64>::new(2).layer(2, Activation::Identity).loss(Loss::SoftmaxCrossEntropy);
    let mut classes = builder.build().unwrap();
    classes.set_parameter("W[1]", matrix![[1.0, 0.0], [0.0, 1.0]]).unwrap();
    assert_eq!(classes.accuracy(&x, &y).unwrap(), 1.0);
}

// Sizes and memory

#[test]
fn sizes_beyond_memory_are_errors() {
    for n in [1 << 62, 1 << 61, usize::MAX] {
        assert!(matches!(one_hot::<f32>(&[0, 0], n), Err(Error::Tape(_))));
        assert!(Mlp::<f64>::new(n).layer(2, Activation::Identity).build().is_err());
        assert!(Mlp::<f64>::new(0).layer(n, Activation::Identity).build().is_err());
        assert!(Init::He.parameters::<f64>(&[2, n], 0).is_err());
        assert!(ConfusionMatrix::from_classes(&[0], &[0], n).is_err());
        assert!(Split::every(n, 2).is_err() && Split::random(n, 0.5, 1).is_err());
        let adam = Optimizer::adam(0.1).unwrap();
        assert!(matches!(adam.try_state::<f32>(&[(n, ParameterKind::Weight)]), Err(Error::Memory { .. })));
    }
    assert!(ConfusionMatrix::from_classes(&[0], &[0], 1 << 32).is_err());
    assert!(Mlp::<f64>::new(1 << 25).layer(1 << 25, Activation::Identity).build().is_err());
    assert!(Mlp::<f64>::new(4).layer(1_000_000_000_000_000, Activation::Tanh).build().is_err());
}

// Words

#[test]
fn an_activation_without_derivative_is_told_at_the_users_line() {
    let g = Activation::Custom(tape::Function::new("step\n\u{1b}[31m", |z: f64| f64::from(z > 0.0)));
    let mut network = Mlp::new(2).layer(2, g).layer(1, Activation::Sigmoid).build().unwrap();
    let (x, y, _) = xor();
    let training = Training::new(descent(0.1));
    let line = line!() + 1;
    let told = training.fit(&mut network, &x, &y).unwrap_err().to_string();
    assert!(told.contains(&format!("{}:{line}:", file!())), "{told}");
    let line = line!() + 1;
    let told = training.fit_with(&mut network, &x, &y, |_| std::ops::ControlFlow::Break(())).unwrap_err();
    assert!(told.to_string().contains(&format!("{}:{line}:", file!())), "{told}");
    let told = network.closed_form(&x, &y).unwrap_err().to_string();
    assert_eq!(told, r"activation step\n\u{1b}[31m gives no derivative");
}

#[test]
fn the_closed_form_knows_that_x_is_wrong() {
    let (_, y, network) = xor();
    let told = network.closed_form(&Matrix::zeros(3, 4), &y).unwrap_err().to_string();
    assert_eq!(told, "X is 3×4, 2×4 is needed");
    let (w, b) = (Matrix::<f64>::zeros(4, 2), Matrix::zeros(4, 1));
    let layer = mlp::closed_form::Layer::new(&w, &b, &Activation::Tanh);
    let told = mlp::closed_form::forward(&[layer], &Matrix::zeros(3, 4)).unwrap_err().to_string();
    assert_eq!(told, "X is 3×4, 2×4 is needed");
}

#[test]
fn the_validation_part_is_named() {
    let (x, y, mut network) = xor();
    let training = Training::new(descent(0.1)).epochs(1);
    let mut told = |vx: Matrix<f64>, vy: Matrix<f64>| {
        training.clone().validation(vx, vy).fit(&mut network, &x, &y).unwrap_err().to_string()
    };
    assert_eq!(told(Matrix::zeros(3, 2), Matrix::zeros(1, 2)), "validation part: X is 3×2, 2×2 is needed");
    assert_eq!(told(Matrix::zeros(2, 2), Matrix::zeros(1, 3)), "validation part: Y is 1×3, 1×2 is needed");
    assert!(
        told(Matrix::zeros(2, 0), Matrix::zeros(1, 0))
            .starts_with("validation part: J: at least one example")
    );
    let told = told(Matrix::zeros(2, 2), matrix![[0.0, 5.0]]);
    assert_eq!(told, "validation part: label 5 at row 0, column 1 is not in [0, 1]");
}

#[test]
fn names_and_numbers_stay_on_their_line() {
    let confusion = ConfusionMatrix::from_classes(&[0, 1, 1], &[0, 1, 0], 2).unwrap();
    let table = confusion.with_names(&["a\nb", "\u{1b}[2Jc\u{202e}"]).unwrap().to_string();
    assert_eq!(table.lines().count(), 3);
    assert!(table.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{table:?}");
    assert!(table.contains(r"a\nb") && table.contains(r"\u{1b}[2Jc\u{202e}"));
    let told = Optimizer::gradient_descent(-1e300).unwrap_err().to_string();
    assert_eq!(told, "rate is -1e300, it must be a finite number greater than 0");
    assert_eq!(Activation::Elu(1e300).to_string(), "elu(1e300)");
    assert_eq!("elu(1e300)".parse(), Ok(Activation::Elu(1e300)));
    assert!("elu(1e300)".parse::<Activation<f32>>().is_err());
    assert!("leaky_relu(1e-60)".parse::<Activation<f32>>().is_err());
}

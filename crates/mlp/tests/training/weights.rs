//! What counts how much.

use mlp::{Activation, Error, Loss, Mlp, Optimizer, Training, one_hot};
use tape::Matrix;

use crate::support::{apart, bits, examples, network};

fn descent() -> Training<f64> {
    Training::new(Optimizer::gradient_descent(0.5).unwrap()).epochs(6)
}

/// An example of weight 2 is two examples, and one of weight 0 is none.
#[test]
fn weights_are_copies() {
    let (x, y) = examples(8, 1);
    let weights = Matrix::from_fn(1, 8, |_, i| [1.0, 2.0, 0.0, 3.0][i % 4]);
    let copies: Vec<usize> = (0..8).flat_map(|i| vec![i; weights[(0, i)] as usize]).collect();
    let (mut weighted, mut copied) = (network(1), network(1));
    let history = descent().example_weights(weights.clone()).fit(&mut weighted, &x, &y).unwrap();
    let expected =
        descent().fit(&mut copied, &x.select_columns(&copies), &y.select_columns(&copies)).unwrap();
    assert!(apart(&weighted, &copied) < 1e-14, "{}", apart(&weighted, &copied));
    for (found, expected) in history.epochs().iter().zip(expected.epochs()) {
        assert!((found.training - expected.training).abs() < 1e-14);
    }
    // The scale of the weights says nothing, not even an extreme one.
    for scale in [1e-300, 7.0, 1e300] {
        let mut scaled = network(1);
        descent().example_weights(weights.map(|w| w * scale)).fit(&mut scaled, &x, &y).unwrap();
        assert!(apart(&scaled, &weighted) < 1e-13, "{scale}");
    }
}

/// Weights of batches: each batch sees those of its own examples.
#[test]
fn weights_go_with_their_examples_into_batches() {
    let (x, y) = examples(11, 2);
    let weights = Matrix::from_fn(1, 11, |_, i| 0.5 + i as f64);
    let training = descent().batches(3, 5).unwrap();
    let mut weighted = network(1);
    training.clone().example_weights(weights.clone()).fit(&mut weighted, &x, &y).unwrap();
    // The same by hand: of each batch, J = 1/m Σ w ℒ with a mean weight of 1 over all examples.
    let mut by_hand = network::<f64>(1);
    let mut random = mlp::Random::new(5, mlp::Purpose::Shuffle);
    let mut order: Vec<usize> = (0..11).collect();
    let mean = weights.iter().sum::<f64>() / 11.0;
    for _ in 0..6 {
        random.shuffle(&mut order);
        for batch in order.chunks(3) {
            let of_each: Vec<_> = batch
                .iter()
                .map(|&i| {
                    let found =
                        by_hand.closed_form(&x.select_columns(&[i]), &y.select_columns(&[i])).unwrap();
                    (weights[(0, i)] / mean, found)
                })
                .collect();
            for l in 1..=2 {
                for letter in ["W", "b"] {
                    let name = format!("{letter}[{l}]");
                    let old = by_hand.parameters()[&name].clone();
                    let new = Matrix::from_fn(old.rows(), old.columns(), |r, c| {
                        let gradient = |found: &mlp::closed_form::ClosedForm<f64>| match letter {
                            "W" => found.dw(l)[(r, c)],
                            _ => found.db(l)[(r, c)],
                        };
                        let sum: f64 = of_each.iter().map(|(w, found)| w * gradient(found)).sum();
                        old[(r, c)] - 0.5 * sum / batch.len() as f64
                    });
                    by_hand.set_parameter(&name, new).unwrap();
                }
            }
        }
    }
    assert!(apart(&weighted, &by_hand) < 1e-12, "{}", apart(&weighted, &by_hand));
}

#[test]
fn classes_weigh_what_they_are_given() {
    let (x, y) = examples(20, 3);
    let ones = y.iter().sum::<f64>();
    assert!(ones > 0.0 && ones != 10.0 && ones < 20.0);
    let of = |label: f64| if label == 1.0 { 20.0 / (2.0 * ones) } else { 20.0 / (2.0 * (20.0 - ones)) };
    let by_examples = y.map(of);
    let trained = |training: Training<f64>| {
        let mut trained = network(1);
        training.fit(&mut trained, &x, &y).unwrap();
        trained
    };
    let expected = trained(descent().example_weights(by_examples.clone()));
    assert!(apart(&trained(descent().balanced_classes()), &expected) < 1e-14);
    assert!(apart(&trained(descent().class_weights([of(0.0), of(1.0)])), &expected) < 1e-14);
    assert!(apart(&trained(descent()), &expected) > 1e-3);
    // Together with weights of the examples.
    let each = Matrix::from_fn(1, 20, |_, i| 1.0 + i as f64);
    let both = Matrix::from_fn(1, 20, |_, i| each[(0, i)] * by_examples[(0, i)]);
    let expected = trained(descent().example_weights(both));
    assert!(apart(&trained(descent().balanced_classes().example_weights(each)), &expected) < 1e-14);
}

#[test]
fn three_classes_are_balanced() {
    let labels = [0, 0, 0, 1, 2, 2];
    let y = one_hot::<f64>(&labels, 3).unwrap();
    let x = Matrix::from_fn(2, 6, |i, k| ((3 * k + 5 * i) % 7) as f64 / 3.0 - 1.0);
    let trained = |training: Training<f64>| {
        let builder = Mlp::new(2).layer(3, Activation::Identity).loss(Loss::SoftmaxCrossEntropy);
        let mut trained = builder.build().unwrap();
        training.fit(&mut trained, &x, &y).unwrap();
        trained
    };
    let of = [6.0 / 9.0, 6.0 / 3.0, 6.0 / 6.0];
    let by_hand = Matrix::from_fn(1, 6, |_, i| of[labels[i]]);
    let expected = trained(descent().example_weights(by_hand));
    assert!(apart(&trained(descent().balanced_classes()), &expected) < 1e-14);
    let smoothed = descent().label_smoothing(0.3).unwrap();
    let mut on_smoothed =
        Mlp::new(2).layer(3, Activation::Identity).loss(Loss::SoftmaxCrossEntropy).build().unwrap();
    descent().fit(&mut on_smoothed, &x, &y.map(|y| 0.7 * y + 0.1)).unwrap();
    assert!(apart(&trained(smoothed), &on_smoothed) < 1e-14);
}

#[test]
fn smoothed_labels_are_labels() {
    let (x, y) = examples(12, 4);
    let (mut smoothed, mut by_hand) = (network(1), network(1));
    let training = descent().label_smoothing(0.2).unwrap().validation(x.clone(), y.clone());
    let history = training.fit(&mut smoothed, &x, &y).unwrap();
    descent().fit(&mut by_hand, &x, &y.map(|y| 0.8 * y + 0.1)).unwrap();
    assert!(apart(&smoothed, &by_hand) < 1e-14);
    // The validation part keeps its labels.
    let j = smoothed.loss(&x, &y).unwrap();
    assert!((history.last().unwrap().validation.unwrap() - j).abs() < 1e-14);
}

#[test]
fn what_cannot_count_is_refused() {
    let (x, y) = examples(6, 1);
    let refused = |training: Training<f64>| {
        let mut trained = network(1);
        let error = training.fit(&mut trained, &x, &y).unwrap_err();
        assert_eq!(bits(&trained), bits(&network::<f64>(1)));
        error
    };
    let weights = |value: f64| Matrix::from_fn(1, 6, |_, i| if i == 4 { value } else { 1.0 });
    assert_eq!(refused(descent().example_weights(weights(-1.0))), Error::Weight { value: -1.0, example: 4 });
    let text = refused(descent().example_weights(weights(f64::NAN))).to_string();
    assert_eq!(text, "weights of the examples: NaN at row 0, column 4 is not a finite number");
    let text = refused(descent().example_weights(Matrix::zeros(1, 5))).to_string();
    assert_eq!(text, "weights of the examples is 1×5, 1×6 is needed");
    assert_eq!(refused(descent().example_weights(Matrix::zeros(1, 6))), Error::WeightSum { sum: 0.0 });
    let text = refused(descent().class_weights([1.0, 2.0, 3.0])).to_string();
    assert_eq!(text, "weights of the classes: 2 values are needed, 3 were given");
    let text = refused(descent().class_weights([1.0, f64::INFINITY])).to_string();
    assert_eq!(text, "training: weights of the classes: that of class 1 is inf, not finite and at least 0");
    // Two that are negative are refused as well, although their product is a weight.
    let training = descent().example_weights(weights(-1.0)).class_weights([-1.0, -1.0]);
    assert_eq!(refused(training), Error::Weight { value: -1.0, example: 4 });
    let training = descent().example_weights(weights(-1.0)).class_weights([0.0, 0.0]);
    assert_eq!(refused(training), Error::Weight { value: -1.0, example: 4 });
    // A class without examples has a weight too.
    for nothing in [f64::NAN, -1.0, f64::INFINITY] {
        let mut one_class = network(1);
        let training = descent().class_weights([1.0, nothing]);
        let error = training.fit(&mut one_class, &x, &Matrix::zeros(1, 6)).unwrap_err();
        assert!(matches!(error, Error::Setting { setting: "weights of the classes", .. }), "{error}");
    }
    // Labels between the classes have none.
    let error = descent().balanced_classes().fit(&mut network(1), &x, &y.map(|y| 0.5 * y)).unwrap_err();
    assert!(error.to_string().contains("has no single class"), "{error}");
    let mut curve = Mlp::<f64>::new(3).layer(1, Activation::Identity).build().unwrap();
    for training in [descent().balanced_classes(), descent().label_smoothing(0.1).unwrap()] {
        let error = training.fit(&mut curve, &x, &y).unwrap_err();
        assert!(
            matches!(error, Error::Setting { .. }) && error.to_string().contains("squared_error"),
            "{error}"
        );
    }
}

//! A network at work gives what its layers give, as a new program would, whoever asks how often.

use mlp::{
    Activation, Error, Loss, Mlp, Pipeline, Preparation, Purpose, Random, Scalar, Standardizer, Unseen,
    closed_form,
};
use tape::{Matrix, Tape, matrix};

fn network<T: Scalar>(seed: u64) -> Mlp<T> {
    let builder = Mlp::new(5).layer(7, Activation::Tanh).layer(4, Activation::Silu);
    builder.layer(3, Activation::Identity).loss(Loss::SoftmaxCrossEntropy).seed(seed).build().unwrap()
}

fn examples<T: Scalar>(m: usize) -> Matrix<T> {
    let mut random = Random::new(3, Purpose::Split);
    Matrix::from_fn(5, m, |_, _| T::from_f64(random.symmetric(2.0)))
}

/// A\[L\] by the layers in plain code.
fn by_hand<T: Scalar>(network: &Mlp<T>, x: &Matrix<T>) -> Matrix<T> {
    let layers: Vec<_> = (1..=network.layers())
        .map(|l| {
            let [w, b] = ["W", "b"].map(|letter| &network.parameters()[&format!("{letter}[{l}]")]);
            closed_form::Layer::new(w, b, &network.activations()[l - 1])
        })
        .collect();
    let forward = closed_form::forward(&layers, x).unwrap();
    forward.a(network.layers()).clone()
}

fn bits<T: Scalar>(a: &Matrix<T>) -> Vec<u64> {
    a.iter().map(|a| a.bits()).collect()
}

/// A program made for this one prediction.
fn anew<T: Scalar>(network: &Mlp<T>, x: &Matrix<T>) -> Matrix<T> {
    let tape = Tape::new();
    let y = Matrix::from_fn(3, x.columns(), |i, _| if i == 0 { T::ONE } else { T::ZERO });
    network.record(&tape, x, &y).unwrap().a[network.layers()].value().unwrap()
}

fn predictions_are_those_of_the_layers<T: Scalar>(tolerance: f64) {
    let mut network = network::<T>(1);
    let mut predictor = network.predictor().unwrap();
    for m in [1, 2, 0, 3, 64, 1, 257, 20_000, 5] {
        let x = examples::<T>(m);
        let found = network.predict(&x).unwrap();
        assert_eq!(found.shape(), (3, m));
        if m > 0 {
            assert_eq!(bits(&found), bits(&anew(&network, &x)), "m = {m}");
            let expected = by_hand(&network, &x);
            let apart =
                found.iter().zip(expected.iter()).map(|(a, b)| (*a - *b).abs().to_f64()).fold(0.0, f64::max);
            assert!(apart < tolerance, "m = {m}: {apart}");
        }
        assert_eq!(bits(&predictor.predict(&x).unwrap().to_matrix()), bits(&found));
        for i in (0..m).take(3) {
            let one = predictor.predict_one(x.column(i)).unwrap();
            let alone = network.predict(&x.select_columns(&[i])).unwrap();
            assert_eq!(one, alone.as_slice());
        }
    }
    // Another parameter is another answer, of the network and of a copy, but not of a predictor that was made before.
    let x = examples::<T>(4);
    let before = network.predict(&x).unwrap();
    let copy = network.clone();
    network.set_parameter("b[3]", matrix![[T::ONE], [T::ZERO], [T::ZERO]]).unwrap();
    let after = network.predict(&x).unwrap();
    assert_ne!(bits(&after), bits(&before));
    assert_eq!(bits(&after), bits(&anew(&network, &x)));
    assert_eq!(bits(&copy.predict(&x).unwrap()), bits(&before));
    assert_eq!(bits(&predictor.predict(&x).unwrap().to_matrix()), bits(&before));
    assert_ne!(copy, network);
    assert_eq!(network, network.clone());
}

#[test]
fn predictions() {
    predictions_are_those_of_the_layers::<f64>(1e-13);
    predictions_are_those_of_the_layers::<f32>(1e-5);
}

#[test]
fn several_threads_predict_with_one_network() {
    let network = network::<f64>(2);
    let inputs: Vec<_> = (1..9).map(examples::<f64>).collect();
    let expected: Vec<_> = inputs.iter().map(|x| bits(&anew(&network, x))).collect();
    let first = network.predictor().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let mut predictor = first.clone();
            let (network, inputs, expected) = (&network, &inputs, &expected);
            scope.spawn(move || {
                for (x, expected) in inputs.iter().zip(expected).cycle().take(400) {
                    assert_eq!(&bits(&network.predict(x).unwrap()), expected);
                    assert_eq!(&bits(&predictor.predict(x).unwrap().to_matrix()), expected);
                }
            });
        }
    });
}

#[test]
fn what_stands_before_and_behind() {
    let network = network::<f64>(3);
    let x = examples::<f64>(6).map(|x| 40.0 + 5.0 * x);
    let standardizer = Standardizer::fit(&x).unwrap();
    let mut predictor = network.export().standardizer(&standardizer).probabilities(true).predictor().unwrap();
    let found = predictor.predict(&x).unwrap().to_matrix();
    let expected = network.predict_probabilities(&standardizer.transform(&x).unwrap()).unwrap();
    for (found, expected) in found.iter().zip(expected.iter()) {
        assert!((found - expected).abs() < 1e-14, "{found} {expected}");
    }
    let text = format!("{predictor:?}");
    assert!(text.contains("[5, 7, 4, 3]") && text.contains("probabilities: true"), "{text}");
    assert_eq!(predictor.network(), &network);
}

/// A predictor with a pipeline gives what the network gives for what the pipeline makes, for any m.
fn examples_are_prepared<T: Scalar>() {
    let raw = |m: usize| {
        Matrix::from_fn(3, m, |i, j| match i {
            0 if j % 4 == 1 => T::from_f64(f64::NAN),
            1 => T::from_f64([3.0, 8.0, 9.0][(j / 2) % 3]),
            _ => T::from_f64((1.7 * (i + 2 * j) as f64).sin() * 30.0),
        })
    };
    let categories = Preparation::OneHot { features: vec![1], unseen: Unseen::Refuse };
    let steps = [Preparation::Impute, categories, Preparation::Standardize];
    let pipeline = Pipeline::fit(&steps, &raw(50)).unwrap();
    let network = network::<T>(5);
    let mut predictor = network.predictor_with(&pipeline).unwrap();
    for m in [4, 1, 0, 300, 2] {
        let expected = network.predict(&pipeline.transform(&raw(m)).unwrap()).unwrap();
        assert_eq!(bits(&predictor.predict(&raw(m)).unwrap().to_matrix()), bits(&expected), "m = {m}");
        let mut copy = predictor.clone();
        assert_eq!(bits(&copy.predict(&raw(m)).unwrap().to_matrix()), bits(&expected), "m = {m}");
    }
    assert_eq!(predictor.pipeline(), Some(&pipeline));
    for (one, is_refused) in
        [([1.0, 3.0, 1.0], false), ([1.0, 4.0, 1.0], true), ([1.0, 3.0, f64::NAN], false)]
    {
        let one = one.map(T::from_f64);
        assert_eq!(predictor.predict_one(&one).is_err(), is_refused, "{one:?}");
    }
    assert!(matches!(predictor.predict_one(&[T::ONE; 5]), Err(Error::Shape { .. })));
    assert!(matches!(predictor.predict_one(&[T::ONE, T::INFINITY, T::ONE]), Err(Error::NonFinite { .. })));
    // Probabilities behind it; nothing before it but a step of its own.
    let mut shares = network.export().pipeline(&pipeline).probabilities(true).predictor().unwrap();
    let found = shares.predict(&raw(6)).unwrap().to_matrix();
    let expected = network.predict_probabilities(&pipeline.transform(&raw(6)).unwrap()).unwrap();
    let apart = found.iter().zip(expected.iter()).map(|(a, b)| (*a - *b).abs().to_f64());
    assert!(apart.fold(0.0, f64::max) < 8.0 * T::EPSILON.to_f64());
    let standardizer = Standardizer::fit(&pipeline.transform(&raw(9)).unwrap()).unwrap();
    let both = network.export().standardizer(&standardizer).pipeline(&pipeline).predictor();
    assert!(matches!(both, Err(Error::Setting { setting: "pipeline", .. })));
    // Of no steps it is none.
    let plain = network.predictor_with(&Pipeline::default()).unwrap();
    assert_eq!(plain.pipeline(), None);
    assert_eq!(
        bits(&plain.clone().predict(&examples(3)).unwrap().to_matrix()),
        bits(&network.predict(&examples(3)).unwrap())
    );
}

#[test]
fn pipelines() {
    examples_are_prepared::<f64>();
    examples_are_prepared::<f32>();
}

#[test]
fn what_cannot_be_predicted_is_refused() {
    let network = network::<f64>(4);
    let mut predictor = network.predictor().unwrap();
    let wrong = Matrix::<f64>::zeros(4, 2);
    let expected = Error::Shape { matrix: "X".into(), expected: (5, 2), found: (4, 2) };
    assert_eq!(predictor.predict(&wrong).unwrap_err(), expected);
    assert_eq!(network.predict(&wrong).unwrap_err(), expected);
    assert!(matches!(predictor.predict_one(&[1.0; 6]), Err(Error::Shape { .. })));
    assert!(predictor.predict_one(&[1.0; 5]).is_ok(), "it works on after an error");
    assert!(matches!(network.export().step().predictor(), Err(Error::Setting { .. })));
    let other = Standardizer::fit(&Matrix::<f64>::from_fn(3, 2, |i, j| (i + j) as f64)).unwrap();
    assert!(matches!(network.export().standardizer(&other).predictor(), Err(Error::Shape { .. })));
    assert!(predictor.predict_one(&[f64::NAN; 5]).unwrap().iter().all(|a| a.is_nan()));
}

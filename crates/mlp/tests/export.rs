//! Networks that are carried over: what is asked for is what is written. What others compute of it is compared in
//! tests/interchange and in tape's tests/rust_source.

use mlp::{Activation, Error, Loss, Mlp, Standardizer};
use tape::{Matrix, OnnxOptions, RustSource, matrix};

fn classifier() -> Mlp<f64> {
    let mlp = Mlp::new(2).layer(3, Activation::Tanh).layer(4, Activation::Identity);
    mlp.loss(Loss::SoftmaxCrossEntropy).build().unwrap()
}

#[test]
fn a_prediction_is_of_logits_or_of_probabilities() {
    let mlp = classifier();
    let logits = mlp.export().to_rust(RustSource::new("logits")).unwrap();
    assert!(logits.contains("pub fn logits(x: &[f64; 2], a_2: &mut [f64; 4]) {"), "{logits}");
    assert!(!logits.contains("softmax"), "{logits}");
    let shares = mlp.export().probabilities(true).to_rust(RustSource::new("shares")).unwrap();
    assert!(shares.contains("pub fn shares(x: &[f64; 2], probabilities: &mut [f64; 4]) {"), "{shares}");
    assert!(shares.contains("softmax::<4>("), "{shares}");
    let xor = Mlp::<f64>::new(2).layer(1, Activation::Sigmoid).build().unwrap();
    let text = |export: mlp::Export<'_, f64>| export.to_rust(RustSource::new("f")).unwrap();
    assert_eq!(
        text(xor.export()),
        text(xor.export().probabilities(true)),
        "it gives probabilities by itself"
    );
}

#[test]
fn a_step_has_all_gradients_and_the_equations() {
    let source = RustSource::new("step").examples(5).parameters_as_arguments(true);
    let text = classifier().export().step().to_rust(source).unwrap();
    for argument in [
        "x: &[f64; 10]",
        "y: &[f64; 20]",
        "w_1: &[f64; 6]",
        "j_value: &mut [f64; 1]",
        "dj_dw_2: &mut [f64; 12]",
    ] {
        assert!(text.contains(argument), "{argument}: {text}");
    }
    assert!(text.contains(" Z[2] = W[2] * A[1] + b[2]"), "{text}");
    assert!(text.contains("/// ∂J/∂b[2] = 1/m · Σᵢ δ[2]"), "{text}");
}

#[test]
fn a_standardizer_comes_first() {
    let mlp = classifier();
    let standardizer = Standardizer::fit(&matrix![[1.0, 3.0], [10.0, 30.0]]).unwrap();
    let text = mlp.export().standardizer(&standardizer).to_rust(RustSource::new("f")).unwrap();
    assert!(text.contains("static MEAN: [f64; 2] = [2.0, 20.0];"), "{text}");
    assert!(text.contains("static SCALE: [f64; 2] = [1.0, 10.0];"), "{text}");
    let other = Standardizer::fit(&Matrix::<f64>::filled(3, 2, 1.0)).unwrap();
    let error = mlp.export().standardizer(&other).to_onnx(&OnnxOptions::default()).unwrap_err();
    assert!(matches!(error, Error::Shape { expected: (2, 1), found: (3, 1), .. }), "{error}");
}

#[test]
fn an_activation_that_cannot_be_written_is_an_error() {
    let own = tape::Function::new("own", |x: f64| x);
    let mlp = Mlp::new(1).layer(1, Activation::Custom(own)).loss(Loss::SquaredError).build().unwrap();
    let error = mlp.export().to_onnx(&OnnxOptions::default()).unwrap_err();
    assert!(matches!(error, Error::Tape(tape::Error::NotExportable(_))), "{error}");
    let error = mlp.export().to_rust(RustSource::new("f")).unwrap_err();
    assert!(error.to_string().contains("a function of the user's"), "{error}");
}

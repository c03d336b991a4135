//! The ten models of examples/models: J and its gradients are those of JAX, in both types, fused and literal, by blocks of
//! examples too. The files are made by tests/reference/models_jax.py.

// Of each, the recorder alone is used; each brings what the models share.
#![allow(dead_code, clippy::duplicate_mod)]

use mlp::Scalar;
use serde_json::Value;
use tape::{Image, Matrix, Options, Tape, Var, Window};

#[path = "../../examples/models/convolution_digits.rs"]
mod convolution_digits;
#[path = "../../examples/models/factorisation.rs"]
mod factorisation;
#[path = "../../examples/models/gaussian_process.rs"]
mod gaussian_process;
#[path = "../../examples/models/gru_adding.rs"]
mod gru_adding;
#[path = "../../examples/models/mixture_density.rs"]
mod mixture_density;
#[path = "../../examples/models/oscillator.rs"]
mod oscillator;
#[path = "../../examples/models/robust_regression.rs"]
mod robust_regression;
#[path = "../../examples/models/softmax_digits.rs"]
mod softmax_digits;
#[path = "../../examples/models/transformer_block.rs"]
mod transformer_block;
#[path = "../../examples/models/variational_autoencoder.rs"]
mod variational_autoencoder;

fn matrix<T: Scalar>(rows: &Value) -> Matrix<T> {
    let rows: Vec<Vec<f64>> = serde_json::from_value(rows.clone()).expect("rows of numbers");
    Matrix::from_fn(rows.len(), rows[0].len(), |i, j| T::from_f64(rows[i][j]))
}

/// The greatest difference, relative to the greatest element of what is expected.
fn off<T: Scalar>(found: &[T], expected: &Matrix<f64>) -> f64 {
    let size = expected.as_slice().iter().fold(0.0, |size: f64, x| size.max(x.abs()));
    let pairs = found.iter().zip(expected.as_slice());
    let difference =
        pairs.fold(0.0, |most: f64, (found, expected)| most.max((found.to_f64() - expected).abs()));
    assert_eq!(found.len(), expected.as_slice().len());
    if size == 0.0 { difference } else { difference / size }
}

fn check<T: Scalar>(golden: &str, record: impl for<'t> Fn(&'t Tape<T>) -> Var<'t, T>, tolerance: f64) {
    let golden: Value = serde_json::from_str(golden).expect("JSON");
    let tape = Tape::<T>::new();
    let j = record(&tape);
    let object = |name: &str| golden[name].as_object().expect("an object").clone();
    let gradients = object("gradients");
    let parameters: Vec<Var<'_, T>> = gradients.keys().map(|name| tape.named(name).unwrap()).collect();
    let derivatives = j.gradients(&parameters);
    for options in [Options::default(), Options::literal()] {
        let outputs = [j].into_iter().chain(derivatives.iter().copied());
        let mut program = tape.compile_with(outputs, options).unwrap();
        for (name, value) in object("leaves") {
            assert!(
                program.bind_if_needed(tape.named(&name).unwrap(), &matrix::<T>(&value)).unwrap(),
                "{name}"
            );
        }
        program.run().unwrap();
        let expected = Matrix::scalar(golden["J"].as_f64().expect("J"));
        let worst = off(&[program.scalar(j).unwrap()], &expected);
        assert!(worst <= tolerance, "J is {}, not {expected}", program.scalar(j).unwrap());
        for ((name, expected), &derivative) in gradients.iter().zip(&derivatives) {
            let worst = off(program.view(derivative).unwrap().as_slice(), &matrix(expected));
            assert!(worst <= tolerance, "∂J/∂{name} is {worst:.1e} off");
        }
    }
}

/// Convolution and pooling with padding and stride, and their VJPs, are those of PyTorch.
fn images<T: Scalar>(tolerance: f64) {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../data/images.json")).expect("JSON");
    for case in &cases {
        let sizes: Vec<usize> = serde_json::from_value(case["sizes"].clone()).expect("sizes");
        let &[channels, height, width, down, right, stride, padding] = sizes.as_slice() else {
            panic!("7 sizes")
        };
        let image = Image { channels, height, width };
        let window = Window::new(down, right).stride(stride).padding(padding);
        let tape = Tape::<T>::new();
        let x = tape.examples("X", &matrix(&case["X"]));
        let (k, b) = (tape.parameter("K", &matrix(&case["K"])), tape.parameter("b", &matrix(&case["b"])));
        let found = [
            ("conv2d", x.conv2d(image, k, b, window), vec![x, k, b]),
            ("max_pool2d", x.max_pool2d(image, window), vec![x]),
            ("avg_pool2d", x.avg_pool2d(image, window), vec![x]),
        ];
        for (name, y, leaves) in found {
            let golden = &case[name];
            if golden.is_null() {
                continue; // PyTorch refuses so much padding for pools
            }
            let close = |v: Var<'_, T>, golden: &Value, what: &str| {
                let worst = off(v.value().unwrap().as_slice(), &matrix(golden));
                assert!(worst <= tolerance, "{name} {sizes:?}, {what}: {worst:.1e} off");
            };
            close(y, &golden["value"], "the value");
            let u = tape.examples("u", &matrix(&golden["cotangent"]));
            for (at, gradient) in y.vjp(&leaves, u).into_iter().enumerate() {
                close(gradient, &golden["gradients"][at], "a gradient");
            }
        }
    }
    assert!(!cases.is_empty());
}

#[test]
fn images_are_those_of_pytorch() {
    images::<f64>(1e-13);
    images::<f32>(1e-5);
}

macro_rules! golden {
    ($($model:ident: $record:expr;)*) => {$(
        #[test]
        fn $model() {
            let golden = include_str!(concat!("../data/models/", stringify!($model), ".json"));
            // The rounding of JAX's own sums, of some hundred terms; in f32 that of the inputs too.
            check::<f64>(golden, $record, 1e-12);
            check::<f32>(golden, $record, 2e-4);
        }
    )*};
}

golden! {
    softmax_digits: |tape| softmax_digits::record(tape, 6, 5)[0];
    robust_regression: |tape| robust_regression::record(tape, 4)[0];
    gru_adding: |tape| gru_adding::record(tape, 5, 3)[0];
    transformer_block: |tape| transformer_block::record(tape, 5, 6, 4)[0];
    oscillator: |tape| oscillator::record(tape, 4)[0];
    variational_autoencoder: |tape| {
        variational_autoencoder::record(tape, 6, 5, tape.examples_unbound("ε", 2))[0]
    };
    factorisation: |tape| factorisation::record(tape, [5, 4, 6], 3, 2)[0];
    gaussian_process: gaussian_process::record;
    convolution_digits: |tape| convolution_digits::record(tape, 8, [2, 3])[0];
    mixture_density: |tape| mixture_density::record(tape, 4, 3)[0];
}

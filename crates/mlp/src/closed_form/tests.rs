//! The oracle against golden networks, differences, and values worked out by hand.

use std::path::Path;

use serde_json::Value;
use tape::Matrix;

use super::*;
use crate::Init;

type M = Matrix<f64>;

struct Golden {
    x: M,
    y: M,
    w: Vec<M>,
    b: Vec<M>,
    g: Vec<Activation<f64>>,
    file: Value,
}

/// A golden matrix is a list of rows.
fn matrix(rows: &Value) -> M {
    let rows = rows.as_array().unwrap();
    let entry = |i: usize, j: usize| rows[i][j].as_f64().unwrap();
    Matrix::from_fn(rows.len(), rows[0].as_array().unwrap().len(), entry)
}

fn matrices(list: &Value) -> Vec<M> {
    list.as_array().unwrap().iter().map(matrix).collect()
}

fn golden() -> Vec<Golden> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/golden");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with("net"));
    paths.sort();
    assert!(paths.len() >= 7);
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Golden {
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let (w, b) = (matrices(&file["W"]), matrices(&file["b"]));
    let mut g = vec![file["activation"].as_str().unwrap().parse().unwrap(); w.len() - 1];
    g.push(Activation::Sigmoid);
    Golden { x: matrix(&file["X"]), y: matrix(&file["Y"]), w, b, g, file }
}

fn layers<'a>(w: &'a [M], b: &'a [M], g: &'a [Activation<f64>]) -> Vec<Layer<'a, f64>> {
    w.iter().zip(b).zip(g).map(|((w, b), g)| Layer::new(w, b, g)).collect()
}

#[track_caller]
fn assert_close(what: &str, found: &M, expected: &M, tolerance: f64) {
    assert_eq!(found.shape(), expected.shape(), "{what}");
    let difference = zip(found, expected, |a, b| a - b).norm() / expected.norm();
    assert!(difference <= tolerance, "{what}: norm-wise difference {difference:e}");
}

#[test]
fn golden_networks_are_reproduced() {
    for Golden { x, y, w, b, g, file } in golden() {
        let found = backward(&layers(&w, &b, &g), &x, &y, Loss::LogLoss).unwrap();
        let last = w.len();
        let close = |what: &str, found: &M, expected: &M| {
            assert_close(&format!("{} {what}", file["name"]), found, expected, 1e-12);
        };
        close("Z[L]", found.forward.z(last), &matrix(&file["Z_last"]));
        close("A[L]", found.forward.a(last), &matrix(&file["A_last"]));
        close("J", &Matrix::scalar(found.j), &Matrix::scalar(file["J"].as_f64().unwrap()));
        for (l, (dw, db)) in (1..).zip(matrices(&file["dW"]).iter().zip(&matrices(&file["db"]))) {
            close(&format!("dW[{l}]"), found.dw(l), dw);
            close(&format!("db[{l}]"), found.db(l), db);
        }
        // The files hold ∂J/∂X, where eq. 28 is about ℒ.
        let m = x.columns() as f64;
        close("dX", &map(found.da(0), |d| d / m), &matrix(&file["dX"]));
    }
}

/// Some numbers in (−1, 1), the same every time.
fn scattered(rows: usize, columns: usize, phase: f64) -> M {
    Matrix::from_fn(rows, columns, |i, j| (phase + 1.7 * i as f64 + 0.9 * j as f64).sin())
}

/// ∂J/∂W\[1\] and ∂J/∂X against central differences, for every activation in both places and every loss.
#[test]
fn gradients_agree_with_differences() {
    for g in Activation::all() {
        for loss in Loss::ALL {
            let sigmoid = Activation::Sigmoid;
            // Log-loss wants its a in (0, 1); the other losses take the same g at the output.
            let output = if loss == Loss::LogLoss { &sigmoid } else { &g };
            check_differences(&g, output, loss);
        }
    }
}

fn check_differences(g: &Activation<f64>, output: &Activation<f64>, loss: Loss) {
    let (w1, b1) = (scattered(4, 3, 0.3), scattered(4, 1, 1.0));
    let (w2, b2) = (scattered(2, 4, 0.7), scattered(2, 1, 2.0));
    let x = scattered(3, 5, 0.1);
    // Its columns add up to 1.1: softmax cross-entropy is right for those too.
    let y = Matrix::from_fn(2, 5, |k, i| if (i + k) % 2 == 0 { 0.8 } else { 0.3 });
    let at = |w1: &M, x: &M| {
        let layers = [Layer::new(w1, &b1, g), Layer::new(&w2, &b2, output)];
        backward(&layers, x, &y, loss).unwrap()
    };
    let h = 1e-6;
    let slope = |at: &dyn Fn(f64) -> f64| (at(h) - at(-h)) / (2.0 * h);
    let found = at(&w1, &x);
    let moved = |a: &M, at: (usize, usize), d: f64| {
        Matrix::from_fn(a.rows(), a.columns(), |i, j| a[(i, j)] + if (i, j) == at { d } else { 0.0 })
    };
    let dw1 = Matrix::from_fn(4, 3, |i, j| slope(&|d| at(&moved(&w1, (i, j), d), &x).j));
    let dx = Matrix::from_fn(3, 5, |i, j| 5.0 * slope(&|d| at(&w1, &moved(&x, (i, j), d)).j));
    let name = format!("{g}, {output}, {loss}");
    assert_close(&format!("{name}: dW[1]"), found.dw(1), &dw1, 1e-7);
    assert_close(&format!("{name}: dA[0]"), found.da(0), &dx, 1e-7);
}

/// Eq. 5 and 8 as they stand, on an output that is no sigmoid.
#[test]
fn log_loss_on_another_output_is_equation_8() {
    let (w, b) = (Matrix::scalar(0.5), Matrix::scalar(0.0));
    let layer = Layer::new(&w, &b, &Activation::Identity);
    let x = Matrix::from_vec(1, 3, vec![0.5, 0.0, 2.0]).unwrap();
    let y = Matrix::from_vec(1, 3, vec![1.0, 0.0, 1.0]).unwrap();
    let found = backward(&[layer], &x, &y, Loss::LogLoss).unwrap();
    // a = 0.25, 0, 1: −1/0.25, 1/(1 − 0), −1/1, and no NaN from 0/0.
    assert_eq!(found.da(1).as_slice(), [-4.0, 1.0, -1.0]);
    assert_eq!(found.dz(1).as_slice(), [-4.0, 1.0, -1.0]);
    assert_eq!(found.j, -(0.25_f64.ln()) / 3.0);
}

#[test]
fn saturated_logits_give_the_right_loss_and_gradient() {
    let (w, b) = (Matrix::scalar(1.0), Matrix::scalar(0.0));
    let layer = Layer::new(&w, &b, &Activation::Sigmoid);
    // σ(−40) and ln(1 + e⁻⁴⁰) are both e⁻⁴⁰ to the last digit.
    let tiny = 4.248354255291589e-18;
    for (z, y, loss, gradient) in [
        (40.0, 1.0, tiny, -tiny),
        (40.0, 0.0, 40.0, 1.0),
        (-40.0, 0.0, tiny, tiny),
        (-40.0, 1.0, 40.0, -1.0),
        (1e4, 0.0, 1e4, 1.0),
        (1e4, 1.0, 0.0, 0.0),
        (-1e4, 1.0, 1e4, -1.0),
    ] {
        let found = backward(&[layer], &Matrix::scalar(z), &Matrix::scalar(y), Loss::LogLoss).unwrap();
        assert_eq!((found.j, found.db(1)[(0, 0)]), (loss, gradient), "z = {z}, y = {y}");
    }
}

#[test]
fn functions_keep_their_digits_far_from_zero() {
    let g = |name: &str, z: f64| function::g(&name.parse().unwrap(), z);
    let d = |name: &str, z: f64| function::g_derivative(&name.parse().unwrap(), z);
    let close = |found: f64, expected: f64| {
        assert!((found / expected - 1.0).abs() < 1e-14, "{found:e} is not {expected:e}");
    };
    close(d("sigmoid", 40.0), 4.248354255291589e-18);
    close(d("sigmoid", -40.0), 4.248354255291589e-18);
    close(d("tanh", 40.0), 4.0 * 1.8048513878454153e-35);
    close(g("softplus", -40.0), 4.248354255291589e-18);
    close(g("log_sigmoid", 40.0), -4.248354255291589e-18);
    close(d("log_sigmoid", 40.0), 4.248354255291589e-18);
    close(g("log_sigmoid", -1e4), -1e4);
    close(g("gelu_erf", -10.0), -10.0 * 7.619853024160525e-24);
    close(d("silu", 1000.0), 1.0);
    for g in Activation::all() {
        for z in [-1e200, -1e4, 0.0, 1e4, 1e200] {
            let (value, derivative) = (function::g(&g, z), function::g_derivative(&g, z));
            assert!(value.is_finite() && derivative.is_finite(), "{g} at {z}: {value}, {derivative}");
        }
        assert!(function::g(&g, f64::NAN).is_nan() && function::g_derivative(&g, f64::NAN).is_nan(), "{g}");
    }
}

#[test]
fn kinks_have_the_derivative_that_is_documented() {
    let at_zero = |g: Activation<f64>| function::g_derivative(&g, 0.0);
    assert_eq!(at_zero(Activation::Relu), 0.0);
    assert_eq!(at_zero(Activation::LeakyRelu(0.1)), 0.1);
    assert_eq!(at_zero(Activation::Elu(0.7)), 0.7);
    assert_eq!(at_zero(Activation::Abs), 0.0);
}

/// Softmax of (0, ln 3) is (¼, ¾).
#[test]
fn softmax_cross_entropy_by_hand() {
    let (w, b) = (Matrix::from_vec(2, 1, vec![0.0, 1.0]).unwrap(), Matrix::zeros(2, 1));
    let layer = Layer::new(&w, &b, &Activation::Identity);
    let y = Matrix::from_vec(2, 1, vec![1.0, 0.0]).unwrap();
    let found = backward(&[layer], &Matrix::scalar(3.0_f64.ln()), &y, Loss::SoftmaxCrossEntropy).unwrap();
    assert!((found.j - 4.0_f64.ln()).abs() < 1e-15);
    let expected = Matrix::from_vec(2, 1, vec![-0.75, 0.75]).unwrap();
    assert_close("dZ[1]", found.dz(1), &expected, 1e-15);
}

#[test]
fn single_precision_follows_double_precision() {
    let parameters = Init::He.parameters::<f64>(&[3, 8, 2], 1).unwrap();
    let single = Init::He.parameters::<f32>(&[3, 8, 2], 1).unwrap();
    let g = [Activation::Tanh, Activation::Sigmoid];
    let g32 = [Activation::Tanh, Activation::Sigmoid];
    let (x, y) = (scattered(3, 6, 0.0), map(&scattered(2, 6, 0.0), |y| f64::from(y > 0.0)));
    let narrow = |a: &M| Matrix::from_fn(a.rows(), a.columns(), |i, j| a[(i, j)] as f32);
    let wide = |a: &Matrix<f32>| Matrix::from_fn(a.rows(), a.columns(), |i, j| f64::from(a[(i, j)]));
    let layers: Vec<_> = parameters.iter().zip(&g).map(|((w, b), g)| Layer::new(w, b, g)).collect();
    let layers32: Vec<_> = single.iter().zip(&g32).map(|((w, b), g)| Layer::new(w, b, g)).collect();
    let found = backward(&layers, &x, &y, Loss::LogLoss).unwrap();
    let found32 = backward(&layers32, &narrow(&x), &narrow(&y), Loss::LogLoss).unwrap();
    for l in 1..=2 {
        assert_close("dW", &wide(found32.dw(l)), found.dw(l), 1e-5);
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let (w, b, x, y) = (M::zeros(4, 3), M::zeros(4, 1), M::zeros(3, 5), M::zeros(4, 5));
    let g = Activation::Sigmoid;
    let run = |w: &M, b: &M, x: &M, y: &M| {
        backward(&[Layer::new(w, b, &g)], x, y, Loss::LogLoss).unwrap_err().to_string()
    };
    assert_eq!(run(&w, &b, &M::zeros(2, 5), &y), "W[1] is 4×3, 4×2 is needed");
    assert_eq!(run(&w, &M::zeros(1, 4), &x, &y), "b[1] is 1×4, 4×1 is needed");
    assert_eq!(run(&w, &b, &x, &M::zeros(4, 6)), "Y is 4×6, 4×5 is needed");
    assert_eq!(run(&w, &b, &M::zeros(3, 0), &M::zeros(4, 0)), "J: at least one example is needed, m is 0");
    assert_eq!(run(&w, &b, &x, &M::filled(4, 5, 1.5)), "label 1.5 at row 0, column 0 is not in [0, 1]");
    assert_eq!(run(&w, &b, &x, &M::filled(4, 5, f64::NAN)), "label NaN at row 0, column 0 is not in [0, 1]");
    assert_eq!(forward::<f64>(&[], &x), Err(Error::NoLayers));
}

#[test]
#[should_panic(expected = "layers are numbered from 1")]
fn layer_zero_has_no_pre_activation() {
    let (w, b) = (M::zeros(1, 1), M::zeros(1, 1));
    let layer = Layer::new(&w, &b, &Activation::Tanh);
    forward(&[layer], &M::zeros(1, 1)).unwrap().z(0);
}

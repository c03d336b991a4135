//! The oracle against golden networks, differences, and values worked out by hand.

use std::path::Path;

use serde_json::Value;
use tape::{Matrix, Scalar as _};

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

/// ∂J/∂W\[1\] and ∂J/∂X against central differences, for every activation in both places and every
/// loss.
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
    let y = Matrix::from_fn(2, 5, |k, i| if (i + k) % 2 == 0 { 0.75 } else { 0.25 });
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
    assert_eq!(run(&w, &b, &M::zeros(2, 5), &y), "X is 2×5, 3×5 is needed");
    assert_eq!(run(&w, &M::zeros(1, 4), &x, &y), "b[1] is 1×4, 4×1 is needed");
    assert_eq!(run(&w, &b, &x, &M::zeros(4, 6)), "Y is 4×6, 4×5 is needed");
    assert_eq!(run(&w, &b, &M::zeros(3, 0), &M::zeros(4, 0)), "J: at least one example is needed, m is 0");
    assert_eq!(run(&w, &b, &x, &M::filled(4, 5, 1.5)), "label 1.5 at row 0, column 0 is not in [0, 1]");
    assert_eq!(run(&w, &b, &x, &M::filled(4, 5, f64::NAN)), "label NaN at row 0, column 0 is not in [0, 1]");
    assert_eq!(forward::<f64>(&[], &x), Err(Error::NoLayers));
    // Layers that do not fit each other are at fault themselves, and before X.
    let second = M::zeros(2, 5);
    let layers = [Layer::new(&w, &b, &g), Layer::new(&second, &b, &g)];
    assert_eq!(forward(&layers, &M::zeros(2, 5)).unwrap_err().to_string(), "W[2] is 2×5, 2×4 is needed");
    let of = |loss: Loss, y: &M| backward(&[Layer::new(&w, &b, &g)], &x, y, loss).unwrap_err();
    assert!(matches!(of(Loss::SoftmaxCrossEntropy, &y), Error::LabelSum { sum: 0.0, column: 0 }));
    assert!(matches!(
        of(Loss::SquaredError, &M::filled(4, 5, f64::NAN)),
        Error::NonFinite { matrix: "Y", .. }
    ));
    let (twice, zeros) = (M::filled(4, 3, 2.0), M::zeros(4, 1));
    let layer = Layer::new(&twice, &zeros, &Activation::Identity);
    let error = backward(&[layer], &M::filled(3, 5, 1.0), &y, Loss::LogLoss).unwrap_err();
    assert_eq!(error.to_string(), "probability 6 at row 0, column 0 is not in [0, 1]");
}

/// J and ∂J/∂Z of one example whose logits are z.
fn of_logits(z: &[f64], y: &[f64], g: &Activation<f64>, loss: Loss) -> (f64, Vec<f64>) {
    let (w, b) = (M::column_vector(z), M::zeros(z.len(), 1));
    let found = backward(&[Layer::new(&w, &b, g)], &M::scalar(1.0), &M::column_vector(y), loss).unwrap();
    (found.j, found.dz(1).as_slice().to_vec())
}

#[track_caller]
fn assert_digits(found: &[f64], expected: &[f64]) {
    for (found, expected) in found.iter().zip(expected) {
        // Some ten roundings; a subnormal number has fewer digits.
        let close = (found - expected).abs() <= 2e-15 * expected.abs() + 1e-323;
        assert!(close, "{found:e} is not {expected:e}");
    }
}

/// The references were computed with 400 digits from ln Σ eᶻ − Σ y z and (Σ y) eᶻ/Σ eᶻ − y.
#[test]
fn softmax_keeps_its_digits_where_a_class_leads() {
    #[rustfmt::skip]
    let cases = [
        ([18.85, 5.02, -1.15], [1.0, 0.0, 0.0], 9.876756906363098e-7,
            [-9.876752028848353e-7, 9.85614051298147e-7, 2.061151586688233e-9]),
        ([98.87, 6.86, -0.51], [1.0, 0.0, 0.0], 1.0985964270629038e-40,
            [-1.0985964270629038e-40, 1.0979048917079415e-40, 6.915353549624e-44]),
        ([1000.0, 999.5, 999.0], [0.0, 1.0, 0.0], 1.1802696706417346,
            [0.506480391055654, -0.6928041142815016, 0.1863237232258476]),
        ([1e8, 1e8, 0.0], [1.0, 0.0, 0.0], std::f64::consts::LN_2, [-0.5, 0.5, 0.0]),
        ([40.0, -40.0, -700.0], [1.0, 0.0, 0.0], 1.8048513878454153e-35,
            [-1.8048513878454153e-35, 1.8048513878454153e-35, 4.2e-322]),
        ([50.0, 0.0, -3.0], [0.75, 0.25, 0.0], 12.5, [0.25, -0.25, 9.602680054508676e-24]),
    ];
    for (z, y, loss, gradient) in cases {
        let (j, dz) = of_logits(&z, &y, &Activation::Identity, Loss::SoftmaxCrossEntropy);
        assert_digits(&[j], &[loss]);
        assert_digits(&dz, &gradient);
        // The classes have no order.
        let (z, y) = ([z[2], z[0], z[1]], [y[2], y[0], y[1]]);
        let (j, dz) = of_logits(&z, &y, &Activation::Identity, Loss::SoftmaxCrossEntropy);
        assert_digits(&[j], &[loss]);
        assert_digits(&[dz[1], dz[2], dz[0]], &gradient);
    }
}

/// Where a share is near its soft label, their difference has the digits that roundings of the
/// share leave it.
#[test]
fn softmax_near_soft_labels() {
    let (j, dz) =
        of_logits(&[3.0, 1.0, 2.0], &[0.5, 0.25, 0.25], &Activation::Identity, Loss::SoftmaxCrossEntropy);
    assert_digits(&[j], &[1.1576059644443804]);
    let expected = [0.1652409557748219, -0.15996942682961954, -0.005271528945202347];
    assert!(dz.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 2e-16), "{dz:?}");
}

/// A logit of −∞ masks a class, and a right and sure prediction costs 0 and not −0.
#[test]
fn softmax_takes_masked_classes_and_sure_predictions() {
    let of = |z: &[f64], y: &[f64]| of_logits(z, y, &Activation::Identity, Loss::SoftmaxCrossEntropy);
    let (j, dz) = of(&[1.0, f64::NEG_INFINITY, 0.0], &[1.0, 0.0, 0.0]);
    assert_digits(&[j], &[0.31326168751822286]); // ln(1 + e⁻¹)
    assert_digits(&dz, &[-0.2689414213699951, 0.0, 0.2689414213699951]);
    let (j, dz) = of(&[1e4, 0.0], &[1.0, 0.0]);
    assert!(j == 0.0 && j.is_sign_positive() && dz == [0.0, 0.0]);
    assert_eq!(of(&[0.0, 1e4], &[1.0, 0.0]), (1e4, vec![-1.0, 1.0]));
    assert_eq!(of(&[f64::NEG_INFINITY, 0.0], &[1.0, 0.0]).0, f64::INFINITY);
    assert!(of(&[f64::NAN, 0.0], &[0.0, 1.0]).0.is_nan());
}

/// σ(z) − y with 400 digits.
#[test]
fn soft_labels_keep_their_digits() {
    for (z, y, expected) in [
        (-1e-8, 0.5, -2.5e-9),
        (4e-244, 0.5, 1e-244),
        (1e-3, 0.5, 0.00024999997916666874),
        (0.3, 0.4375, 0.13694251681165898),
        (40.0, 0.5, 0.5),
        (-30.0, 0.25, -0.24999999999990644),
        (2.0, 0.25, 0.6307970779778824),
        (1e-9, 0.5000000001, 1.4999999172596292e-10),
        (-700.0, 0.0, 9.85967654375977e-305),
        (700.0, 1.0, -9.85967654375977e-305),
    ] {
        let (_, dz) = of_logits(&[z], &[y], &Activation::Sigmoid, Loss::LogLoss);
        assert_digits(&dz, &[expected]);
        // The other class's question.
        let (_, mirrored) = of_logits(&[-z], &[1.0 - y], &Activation::Sigmoid, Loss::LogLoss);
        // 1 − 0.5000000001 is itself rounded.
        assert!(
            (mirrored[0] + expected).abs()
                <= 2e-15 * expected.abs() + 1.2e-16 * f64::from(y != 0.5 && y != 1.0)
        );
    }
    // Near the label, the difference has the digits that a rounding of z leaves it: ε/2 of terms of
    // the size of y.
    for (z, y, expected) in [
        (-0.3, 0.4375, -0.011942516811658985),
        (0.75, 0.6875, -0.008321300824607027),
        (0.81, 0.692, 0.00010950430178822337),
    ] {
        let (_, dz) = of_logits(&[z], &[y], &Activation::Sigmoid, Loss::LogLoss);
        assert!((dz[0] - expected).abs() < 4e-16, "{:e} is not {expected:e}", dz[0]);
    }
}

/// Eq. 8 for a soft label, where its two quotients are nearly equal: (a − y)/(a (1 − a)).
#[test]
fn equation_8_near_a_soft_label() {
    let (w, b) = (M::scalar(1.0), M::scalar(0.0));
    let layer = Layer::new(&w, &b, &Activation::Identity);
    let near = 0.25 + 2.0_f64.powi(-50);
    let found = backward(&[layer], &M::scalar(near), &M::scalar(0.25), Loss::LogLoss).unwrap();
    assert_digits(found.da(1).as_slice(), &[2.0_f64.powi(-50) / (near * (1.0 - near))]);
    // ln(1 − 10⁻²⁰).
    let tiny = backward(&[layer], &M::scalar(1e-20), &M::scalar(0.0), Loss::LogLoss).unwrap();
    assert_eq!(tiny.j, 1e-20);
}

/// Sums over many examples, features and classes; from left to right those in `f32` stop at 2²⁴.
#[test]
fn long_sums_keep_their_digits() {
    let m = 17_000_000;
    let (w, b) = (Matrix::<f32>::scalar(0.0), Matrix::scalar(1.0));
    let layer = Layer::new(&w, &b, &Activation::Identity);
    let found = backward(&[layer], &Matrix::zeros(1, m), &Matrix::zeros(1, m), Loss::SquaredError).unwrap();
    assert_eq!((found.j, found.db(1)[(0, 0)]), (1.0, 2.0));

    let n = 17_000_000;
    let (w, b) = (Matrix::<f32>::filled(1, n, 1.0), Matrix::scalar(0.0));
    let layer = Layer::new(&w, &b, &Activation::Identity);
    assert_eq!(forward(&[layer], &Matrix::filled(n, 1, 1.0)).unwrap().z(1)[(0, 0)], n as f32);

    let (w, b) = (Matrix::<f32>::zeros(n, 1), Matrix::<f32>::zeros(n, 1));
    let y = Matrix::from_fn(n, 1, |k, _| f32::from(k == 0));
    let layer = Layer::new(&w, &b, &Activation::Identity);
    let found = backward(&[layer], &Matrix::scalar(1.0), &y, Loss::SoftmaxCrossEntropy).unwrap();
    assert!((found.j / 1.7e7_f32.ln() - 1.0).abs() < 1e-6, "{}", found.j);
}

#[test]
#[should_panic(expected = "layers are numbered from 1")]
fn layer_zero_has_no_pre_activation() {
    let (w, b) = (M::zeros(1, 1), M::zeros(1, 1));
    let layer = Layer::new(&w, &b, &Activation::Tanh);
    forward(&[layer], &M::zeros(1, 1)).unwrap().z(0);
}

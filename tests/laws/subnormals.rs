//! Subnormal numbers as zeros, where a program is asked for it.

use tape::{Matrix, Options, Scalar, Tape};

fn subnormal_numbers_are_zeros_if_asked<T: Scalar>() {
    let least = if T::NAME == "f32" { f32::MIN_POSITIVE.into() } else { f64::MIN_POSITIVE };
    let n = T::from_f64;
    let tape = Tape::<T>::new();
    let root = least.sqrt();
    let values = [root, -root, 0.5 * root, -0.5 * root, 1.0, f64::INFINITY, f64::NAN];
    let x = tape.parameter("x", &Matrix::row(&values.map(n)));
    let other = tape.parameter("other", &Matrix::row(&values.map(|v| n(v.abs()))));
    let column = tape.parameter("c", &Matrix::scalar(n(root)));
    let products = [x * other, column.matmul(x), column * x];
    for flush in [false, true] {
        let mut program = tape.compile_with(products, Options::default().flush_subnormals(flush)).unwrap();
        program.run().unwrap();
        for (k, product) in products.into_iter().enumerate() {
            let found: Vec<f64> =
                program.view(product).unwrap().to_matrix().cast::<f64>().as_slice().to_vec();
            let is_subnormal = |x: &&f64| **x != 0.0 && x.abs() < 0.99 * least;
            assert_eq!(found.iter().filter(is_subnormal).count(), if flush { 0 } else { 2 }, "{k} {found:?}");
            assert!((found[0] / least - 1.0).abs() < 1e-6 && found[6].is_nan(), "{k} {found:?}");
            assert!(found[5] == f64::INFINITY && found[4] >= root);
        }
    }
}

#[test]
fn subnormal_numbers_are_zeros_if_asked_in_both_types() {
    subnormal_numbers_are_zeros_if_asked::<f64>();
    subnormal_numbers_are_zeros_if_asked::<f32>();
}

/// h ← tanh(U h + W x): of a long chain's gradients none is subnormal then, and what is left of them has the same bits.
#[test]
fn vanishing_gradients_are_zeros_if_asked() {
    let draw = |c: f32, s: f32| Matrix::from_fn(8, 8, move |i, j| c * ((i * 7 + j * 3) as f32 + s).sin());
    let tape = Tape::<f32>::new();
    let (u, w) = (tape.parameter("U", &draw(0.03, 1.0)), tape.parameter("W", &draw(0.3, 2.0)));
    let x = tape.examples("x", &draw(1.0, 3.0));
    let mut h = vec![tape.examples("h", &draw(1.0, 4.0))];
    for t in 0..60 {
        h.push((u.matmul(h[t]) + w.matmul(x)).tanh());
    }
    let j = h[60].square().sum();
    let mut outputs = j.gradients(&h[1..60]);
    outputs.extend(j.gradients([u, w]));
    let run = |options: Options| -> Vec<Matrix<f32>> {
        let mut program = tape.compile_with(outputs.iter().copied(), options).unwrap();
        program.run().unwrap();
        outputs.iter().map(|&v| program.view(v).unwrap().to_matrix()).collect()
    };
    let subnormals = |values: &[Matrix<f32>]| {
        values.iter().flat_map(Matrix::as_slice).filter(|x| x.is_subnormal()).count()
    };
    let (plain, flushed) = (run(Options::default()), run(Options::default().flush_subnormals(true)));
    assert!(subnormals(&plain) > 0);
    assert_eq!(subnormals(&flushed), 0);
    assert!(flushed[0].as_slice().iter().all(|&x| x == 0.0));
    for (plain, flushed) in plain.iter().zip(&flushed) {
        for (&a, &b) in plain.as_slice().iter().zip(flushed.as_slice()) {
            // 0 for a product below the least normal number moves a sum of eight by no more than eight of these.
            assert!((a - b).abs() <= 1e-6 * a.abs() + 8.0 * f32::MIN_POSITIVE, "{a:e} {b:e}");
        }
    }
    for options in [Options::literal(), Options::default().tile_columns(4).threads(2)] {
        let other = run(options.flush_subnormals(true));
        assert_eq!(subnormals(&other), 0);
        assert_eq!(other, flushed);
    }
}

use mlp::Scalar;
use mlp::minimize::{Curvature, NewtonCg, Objective, RecordedCurvature, Stop, Tolerances};
use tape::{Matrix, Tape, Var, matrix};

use crate::functions::rosen;
use crate::golden::{list, numbers};

/// Rosenbrock's function of n numbers on a tape.
fn recorded_rosen<'t, T: Scalar>(tape: &'t Tape<T>, start: &[f64]) -> (Var<'t, T>, Var<'t, T>) {
    let n = start.len();
    let x = tape.parameter("x", &Matrix::from_fn(n, 1, |i, _| T::from_f64(start[i])));
    let shift = |by: usize| Matrix::from_fn(n - 1, n, |i, k| if k == i + by { T::ONE } else { T::ZERO });
    let (here, next) = (tape.constant("S", &shift(0)).matmul(x), tape.constant("S′", &shift(1)).matmul(x));
    let valley = (next - here.square()).square().sum();
    (valley * T::from_f64(100.0) + (here - T::ONE).square().sum(), x)
}

#[test]
fn rosenbrock_costs_no_more_than_scipys_newton_cg() {
    let cases = list("newton");
    assert_eq!(cases.len(), 3);
    for case in cases {
        let start = numbers(&case["start"]);
        let tape = Tape::<f64>::new();
        let (j, x) = recorded_rosen(&tape, &start);
        let mut objective = RecordedCurvature::new(j, [x]).unwrap();
        let mut theta = objective.theta().unwrap();
        assert_eq!(theta, start);
        let exact = Tolerances { gradient: 1e-9, decrease: 0.0, step: 0.0 };
        let minimum = NewtonCg::new().tolerances(exact).minimize(&mut objective, &mut theta).unwrap();
        assert_eq!(minimum.stop, Stop::Gradient, "{minimum:?}");
        assert!(theta.iter().all(|x| (x - 1.0).abs() < 1e-8), "{theta:?}");
        let most = |name: &str| case[name].as_u64().unwrap() as usize;
        assert!(minimum.evaluations <= most("evaluations"), "{minimum:?}, {case}");
        assert!(minimum.products <= most("products"), "{minimum:?}, {case}");
        // The value and the gradient are those of plain code.
        let mut gradient = vec![0.0; start.len()];
        assert!((rosen(&theta, &mut gradient) - minimum.j).abs() < 1e-15);
        assert_eq!(objective.program().view(x).unwrap().as_slice(), &theta[..]);
    }
}

#[test]
fn products_are_those_of_the_hessian() {
    fn check<T: Scalar>(tolerance: f64) {
        let tape = Tape::<T>::new();
        let (j, x) = recorded_rosen(&tape, &[-1.2, 1.0]);
        let mut objective = RecordedCurvature::new(j, [x]).unwrap();
        let t = T::from_f64;
        let (theta, mut product) = ([t(0.5), t(2.0)], [t(0.0); 2]);
        objective.evaluate(&theta, &mut [t(0.0); 2]).unwrap();
        // ∇² = [[1200 x₀² − 400 x₁ + 2, −400 x₀], [−400 x₀, 200]].
        for (v, expected) in [([1.0, 0.0], [-498.0, -200.0]), ([0.5, -2.0], [151.0, -500.0])] {
            objective.hessian_product(&theta, &v.map(t), &mut product).unwrap();
            for (found, expected) in product.iter().zip(expected) {
                assert!((found.to_f64() - expected).abs() < tolerance, "{product:?}");
            }
        }
    }
    check::<f64>(1e-12);
    check::<f32>(1e-3);
}

#[test]
fn in_f32_it_comes_as_near_as_f32_can() {
    let tape = Tape::<f32>::new();
    let (j, x) = recorded_rosen(&tape, &[-1.2, 1.0, 0.5]);
    let mut objective = RecordedCurvature::new(j, [x]).unwrap();
    let mut theta = objective.theta().unwrap();
    let minimum = NewtonCg::new().minimize(&mut objective, &mut theta).unwrap();
    assert!(theta.iter().all(|x| (x - 1.0).abs() < 1e-3), "{theta:?}, {minimum:?}");
    assert!(minimum.evaluations < 300, "{minimum:?}");
}

/// A quadratic J needs one direction, of which conjugate gradients know all once the forcing term is small. Its Hessian
/// does not depend on θ, so that the second program has no parameter.
#[test]
fn a_quadratic_and_a_linear_part() {
    let tape = Tape::<f64>::new();
    let (x, y) = (tape.parameter("x", &matrix![[5.0], [1.0]]), tape.parameter("y", &matrix![[2.0]]));
    let j = (x.square() * tape.constant("a", &matrix![[1.0], [10.0]])).sum() + (y * y - y).sum() + x.sum();
    let mut objective = RecordedCurvature::new(j, [x, y]).unwrap();
    let mut theta = objective.theta().unwrap();
    let minimum = NewtonCg::new().minimize(&mut objective, &mut theta).unwrap();
    for (found, expected) in theta.iter().zip([-0.5, -0.05, 0.5]) {
        assert!((found - expected).abs() < 1e-7, "{theta:?}, {minimum:?}");
    }
    assert!(minimum.iterations < 10, "{minimum:?}");
}

/// J = x⁴/4 − x²/2 + y² begins where it is curved downwards along x.
#[test]
fn negative_curvature_leads_away_from_a_saddle() {
    let tape = Tape::<f64>::new();
    let (x, y) = (tape.parameter("x", &matrix![[0.01]]), tape.parameter("y", &matrix![[1.0]]));
    let j = x.powi(4) * 0.25 - x.square() * 0.5 + y.square();
    for y_start in [1.0, 0.0] {
        let mut objective = RecordedCurvature::new(j, [x, y]).unwrap();
        let mut theta = vec![0.01, y_start];
        let minimum = NewtonCg::new().minimize(&mut objective, &mut theta).unwrap();
        assert!(minimum.stop.is_converged() && (minimum.j + 0.25).abs() < 1e-10, "{theta:?}, {minimum:?}");
        assert!((theta[0].abs() - 1.0).abs() < 1e-6 && theta[1].abs() < 1e-6, "{theta:?}");
    }
}

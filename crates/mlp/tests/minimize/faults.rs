//! Where minimisers must stop, and what they refuse.

use std::ops::ControlFlow;

use mlp::minimize::{
    Budget, Iteration, Lbfgs, LevenbergMarquardt, NewtonCg, Recorded, RecordedCurvature, RecordedResiduals,
    Stop, Tolerances,
};
use mlp::{Error, Scalar};
use tape::{Shape, Tape, matrix};

use crate::functions::{in_type, rosen};

/// J = ½ x² with the gradient of another function.
fn with_slope(slope: f64) -> impl FnMut(&[f64], &mut [f64]) -> f64 {
    move |x, gradient| {
        gradient[0] = slope * x[0];
        0.5 * x[0] * x[0]
    }
}

#[test]
fn budgets_are_kept() {
    for most in [0, 1, 2, 7] {
        let budget = Budget { iterations: most, ..Budget::default() };
        let mut x = [-1.2, 1.0];
        let minimum = Lbfgs::new().budget(budget).minimize(&mut rosen, &mut x).unwrap();
        assert_eq!((minimum.iterations, minimum.stop), (most, Stop::Iterations));
        assert_eq!(rosen(&x, &mut [0.0; 2]), minimum.j);
    }
    for most in [0, 1, 2, 3, 4, 5, 10, 20] {
        let budget = Budget { evaluations: most, ..Budget::default() };
        let mut x = [-1.2, 1.0];
        let minimum = Lbfgs::new().budget(budget).minimize(&mut rosen, &mut x).unwrap();
        assert_eq!(minimum.stop, Stop::Evaluations);
        assert!((1..=most.max(1) + 1).contains(&minimum.evaluations), "{most}: {minimum:?}");
        assert_eq!(rosen(&x, &mut [0.0; 2]), minimum.j);
        assert!(minimum.j <= 24.3);
    }
}

#[test]
fn budgets_of_products_are_kept() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &matrix![[-1.2], [1.0], [2.0]]);
    let j = (x.square() * x.square() - x).sum();
    for most in [1, 2, 3, 4, 6, 9] {
        let budget = Budget { evaluations: most, ..Budget::default() };
        let mut objective = RecordedCurvature::new(j, [x]).unwrap();
        let mut theta = objective.theta().unwrap();
        let minimum = NewtonCg::new().budget(budget).minimize(&mut objective, &mut theta).unwrap();
        assert_eq!(minimum.stop, Stop::Evaluations);
        assert!(minimum.evaluations + minimum.products <= most + 1, "{most}: {minimum:?}");
        // The program has what is returned, also where the last evaluation was elsewhere.
        assert_eq!(objective.program().view(x).unwrap().as_slice(), &theta[..]);

        let mut residuals = RecordedResiduals::new(x.square() - 1.0, [x]).unwrap();
        let mut theta = residuals.theta().unwrap();
        let budget = Budget { evaluations: most + 4, ..Budget::default() };
        let minimum = LevenbergMarquardt::new().budget(budget).minimize(&mut residuals, &mut theta).unwrap();
        assert_eq!(minimum.stop, Stop::Evaluations);
        assert!(minimum.evaluations + minimum.products < most + 4 + 4, "{most}: {minimum:?}");
        assert_eq!(residuals.program().view(x).unwrap().as_slice(), &theta[..]);
    }
}

#[test]
fn the_caller_sees_every_iteration_and_may_stop() {
    let mut seen = Vec::new();
    let mut x = [-1.2, 1.0];
    let look = |iteration: &Iteration<'_, f64>| {
        let theta = [iteration.theta[0], iteration.theta[1]];
        assert_eq!(rosen(&theta, &mut [0.0; 2]), iteration.j);
        seen.push((iteration.number, iteration.j));
        if seen.len() == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let minimum = Lbfgs::new().minimize_with(&mut rosen, &mut x, look).unwrap();
    assert_eq!((minimum.stop, minimum.iterations), (Stop::Caller, 5));
    assert!(!minimum.stop.is_converged());
    assert_eq!(seen.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert!(seen.windows(2).all(|pair| pair[1].1 < pair[0].1), "{seen:?}");
    assert_eq!(seen[4].1, minimum.j);
}

#[test]
fn a_gradient_of_the_wrong_sign_is_told() {
    let mut x = [3.0];
    let minimum = Lbfgs::new().minimize(&mut with_slope(-1.0), &mut x).unwrap();
    assert_eq!((minimum.stop, minimum.iterations, x), (Stop::LineSearch, 0, [3.0]));
    assert_eq!(minimum.stop.to_string(), "no step makes J smaller");
}

#[test]
fn a_line_search_backs_off_from_what_is_no_number() {
    fn check<T: Scalar>(start: f64, tolerance: f64) {
        let t = T::from_f64;
        // x − ln x is NaN where x < 0, and has its minimum at 1.
        let mut barrier = |x: &[T], gradient: &mut [T]| {
            gradient[0] = T::ONE - T::ONE / x[0];
            if x[0] > T::ZERO { x[0] - x[0].ln() } else { t(f64::NAN) }
        };
        let mut x = [t(start)];
        let minimum = Lbfgs::new().minimize(&mut barrier, &mut x).unwrap();
        assert!(minimum.stop.is_converged() && (x[0].to_f64() - 1.0).abs() < tolerance, "{x:?}, {minimum:?}");
        // eˣ − x overflows, and has its minimum at 0.
        let mut steep = |x: &[T], gradient: &mut [T]| {
            gradient[0] = x[0].exp() - T::ONE;
            x[0].exp() - x[0]
        };
        let mut x = [t(-80.0 * start)];
        let minimum = Lbfgs::new().minimize(&mut steep, &mut x).unwrap();
        assert!(minimum.stop.is_converged() && x[0].to_f64().abs() < 10.0 * tolerance, "{x:?}, {minimum:?}");
    }
    for start in [1e-3, 0.1, 30.0] {
        check::<f64>(start, 1e-5);
        check::<f32>(start, 1e-3);
    }
}

/// −x has no minimum; a J that is −∞ there is not taken.
#[test]
fn without_a_minimum_the_budget_ends_it() {
    let mut linear = |_: &[f64], gradient: &mut [f64]| {
        gradient[0] = -1.0;
        0.0
    };
    let mut x = [0.0];
    let minimum = Lbfgs::new().minimize(&mut linear, &mut x).unwrap();
    assert_eq!(minimum.stop, Stop::LineSearch); // of a constant with a slope
    let mut falling = |x: &[f64], gradient: &mut [f64]| {
        gradient[0] = -3.0 * x[0] * x[0];
        -x[0] * x[0] * x[0]
    };
    let mut x = [1.0];
    let budget = Budget { iterations: 100, ..Budget::default() };
    let minimum = Lbfgs::new().budget(budget).minimize(&mut falling, &mut x).unwrap();
    assert!(!minimum.stop.is_converged() && x[0].is_finite() && minimum.j.is_finite(), "{minimum:?}");
    assert!(minimum.j < -1e30, "{minimum:?}");
}

#[test]
fn where_it_starts_must_be_finite() {
    let refused = |x: f64, j: f64, gradient: f64| {
        let mut constant = |_: &[f64], g: &mut [f64]| {
            g.fill(gradient);
            j
        };
        let error = Lbfgs::new().minimize(&mut constant, &mut [0.0, x]).unwrap_err();
        let Error::NonFinite { matrix, row, .. } = error else { panic!("{error}") };
        (matrix, row)
    };
    for nothing in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(refused(nothing, 1.0, 1.0), ("θ at the start", 1));
        assert_eq!(refused(0.0, nothing, 1.0), ("J at the start", 0));
        assert_eq!(refused(0.0, 1.0, nothing), ("∇J at the start", 0));
    }
}

#[test]
fn of_no_numbers_the_minimum_is_there() {
    let mut constant = |_: &[f32], _: &mut [f32]| 2.0;
    let minimum = Lbfgs::new().minimize(&mut constant, &mut []).unwrap();
    assert_eq!((minimum.j, minimum.stop, minimum.evaluations), (2.0, Stop::Gradient, 1));
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    for nonsense in [f64::NAN, -1.0, f64::INFINITY] {
        let each = [
            (Tolerances { gradient: nonsense, ..Tolerances::default() }, "gradient tolerance"),
            (Tolerances { decrease: nonsense, ..Tolerances::default() }, "decrease tolerance"),
            (Tolerances { step: nonsense, ..Tolerances::default() }, "step tolerance"),
        ];
        for (tolerances, name) in each {
            let error = Lbfgs::new().tolerances(tolerances).minimize(&mut rosen, &mut [0.0, 0.0]);
            assert!(matches!(error, Err(Error::Hyperparameter { name: found, .. }) if found == name));
        }
    }
    assert!(Lbfgs::new().memory(0).is_err());
}

#[test]
fn tolerances_stop_it() {
    let run =
        |tolerances| Lbfgs::new().tolerances(tolerances).minimize(&mut rosen, &mut [-1.2, 1.0]).unwrap().stop;
    let none = Tolerances { gradient: 0.0, decrease: 0.0, step: 0.0 };
    assert_eq!(run(Tolerances { gradient: 1e-3, ..none }), Stop::Gradient);
    assert_eq!(run(Tolerances { decrease: 0.2, ..none }), Stop::Decrease);
    assert_eq!(run(Tolerances { step: 0.1, ..none }), Stop::Step);
    // In f32 nothing is left at some point.
    let mut x = [-1.2, 1.0];
    let minimum = Lbfgs::new().tolerances(none).minimize(&mut in_type::<f32>(rosen), &mut x).unwrap();
    assert!(minimum.stop != Stop::Iterations && minimum.stop != Stop::Evaluations, "{minimum:?}");
}

#[test]
fn what_is_no_function_of_parameters_is_refused() {
    let tape = Tape::<f64>::new();
    let (w, x) = (tape.parameter("W", &matrix![[1.0, 2.0]]), tape.examples("X", &matrix![[1.0], [2.0]]));
    let j = w.matmul(x).square().sum();
    let refused = |result: Result<Recorded<f64>, Error>| result.unwrap_err();
    let error = refused(Recorded::new(j, [x]));
    assert_eq!(error, Error::Parameter { name: "X".into(), fault: "is no parameter of the tape" });
    assert_eq!(error.to_string(), "minimize: X is no parameter of the tape");
    let error = refused(Recorded::new(j, [w, w]));
    assert_eq!(error, Error::Parameter { name: "W".into(), fault: "stands there twice" });
    let error = refused(Recorded::new(j, [w.square()]));
    assert!(matches!(error, Error::Tape(tape::Error::Unreached { .. })), "{error}");
    let error = refused(Recorded::new(w.matmul(x) * 2.0, [w]));
    assert!(matches!(error, Error::Tape(tape::Error::NonScalarGradient { .. })), "{error}");
    let other = tape.parameter("b", &matrix![[1.0]]);
    assert!(matches!(refused(Recorded::new(j, [w, other])), Error::Tape(tape::Error::Unreached { .. })));
    assert!(RecordedCurvature::new(j, [w, other]).is_err());
    assert!(RecordedResiduals::new(j, [w, other]).is_err());
    let s = tape.parameter_unbound("S", Shape::new(1, tape::Dim::M));
    let error = refused(Recorded::new((s * x).sum(), [s]));
    assert_eq!(error, Error::Parameter { name: "S".into(), fault: "has a size that depends on m" });
    let mut good = Recorded::new(j, [w]).unwrap();
    let error = Lbfgs::new().minimize(&mut good, &mut [1.0]).unwrap_err();
    assert_eq!(error, Error::Length { list: "θ", expected: 2, found: 1 });
}

/// Each direction has a leaf, whose names the second model on the same tape has again.
#[test]
fn a_tape_may_serve_several() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("a", &matrix![[3.0]]);
    for shift in [1.0, 2.0] {
        let j = (a - shift).square() + (a - shift).powi(4);
        let mut objective = RecordedCurvature::new(j, [a]).unwrap();
        let mut theta = objective.theta().unwrap();
        NewtonCg::new().minimize(&mut objective, &mut theta).unwrap();
        assert!((theta[0] - shift).abs() < 1e-6);
        let mut residuals = RecordedResiduals::new(a - shift, [a]).unwrap();
        let mut theta = residuals.theta().unwrap();
        LevenbergMarquardt::new().minimize(&mut residuals, &mut theta).unwrap();
        assert!((theta[0] - shift).abs() < 1e-6);
    }
}

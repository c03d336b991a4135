use mlp::minimize::{LevenbergMarquardt, RecordedResiduals, Residuals, Stop, Tolerances};
use mlp::{Error, Result, Scalar};
use tape::{Matrix, Tape, Var, matrix};

use crate::golden::{list, numbers};

/// A problem of NIST on a tape: the residuals and the parameters.
fn recorded<'t>(tape: &'t Tape<f64>, case: &serde_json::Value) -> (Var<'t, f64>, Vec<Var<'t, f64>>) {
    let row = |name: &str| {
        let list = numbers(&case[name]);
        tape.examples(name, &Matrix::from_fn(1, list.len(), |_, k| list[k]))
    };
    let (x, y) = (row("x"), row("y"));
    let start = numbers(&case["start"]);
    let b: Vec<Var<'_, f64>> =
        (0..start.len()).map(|k| tape.parameter(&format!("b{}", k + 1), &matrix![[start[k]]])).collect();
    let model = match case["problem"].as_str().unwrap() {
        "Misra1a" | "BoxBOD" => b[0] * (1.0 - (-b[1] * x).exp()),
        "Rat42" => b[0] / (1.0 + (b[1] - b[2] * x).exp()),
        "MGH09" => b[0] * (x.square() + x * b[1]) / (x.square() + x * b[2] + b[3]),
        other => panic!("no problem {other:?}"),
    };
    (model - y, b)
}

#[test]
fn fits_are_certified_and_scipys() {
    let cases = list("fits");
    assert_eq!(cases.len(), 6);
    for case in cases {
        let tape = Tape::new();
        let (r, b) = recorded(&tape, &case);
        let mut residuals = RecordedResiduals::new(r, &b).unwrap();
        let mut theta = residuals.theta().unwrap();
        let exact = Tolerances { gradient: 0.0, decrease: 0.0, step: 1e-14 };
        let minimum =
            LevenbergMarquardt::new().tolerances(exact).minimize(&mut residuals, &mut theta).unwrap();
        let squares = case["squares"].as_f64().unwrap();
        assert!((2.0 * minimum.j / squares - 1.0).abs() < 1e-10, "{case}: {minimum:?}");
        // scipy's own distance from what is certified is up to 2e-8.
        for (name, tolerance) in [("certified", 1e-8), ("found", 5e-8)] {
            for (ours, theirs) in theta.iter().zip(numbers(&case[name])) {
                let error = (ours / theirs - 1.0).abs();
                assert!(
                    error < tolerance,
                    "{}: {theta:?}, {name} {}: {error:e}",
                    case["problem"],
                    case[name]
                );
            }
        }
        assert!(minimum.stop.is_converged(), "{minimum:?}");
        let shown: Vec<f64> = b.iter().map(|&b| residuals.program().scalar(b).unwrap()).collect();
        assert_eq!(shown, theta);
    }
}

#[test]
fn the_defaults_are_enough_for_five_digits() {
    for case in list("fits") {
        let tape = Tape::new();
        let (r, b) = recorded(&tape, &case);
        let mut residuals = RecordedResiduals::new(r, &b).unwrap();
        let mut theta = residuals.theta().unwrap();
        let minimum = LevenbergMarquardt::new().minimize(&mut residuals, &mut theta).unwrap();
        for (ours, theirs) in theta.iter().zip(numbers(&case["certified"])) {
            assert!((ours / theirs - 1.0).abs() < 1e-5, "{}: {theta:?}, {minimum:?}", case["problem"]);
        }
        assert!(minimum.evaluations < 100, "{minimum:?}");
    }
}

/// r = (10 (x₁ − x₀²), 1 − x₀): Rosenbrock's function as least squares, by plain code.
struct Rosenbrock;

impl<T: Scalar> Residuals<T> for Rosenbrock {
    fn count(&self) -> usize {
        2
    }

    fn residuals(&mut self, x: &[T], r: &mut [T]) -> Result<()> {
        r[0] = T::from_f64(10.0) * (x[1] - x[0] * x[0]);
        r[1] = T::ONE - x[0];
        Ok(())
    }

    fn jacobian(&mut self, x: &[T], jacobian: &mut [T]) -> Result<()> {
        jacobian.copy_from_slice(&[T::from_f64(-20.0) * x[0], -T::ONE, T::from_f64(10.0), T::ZERO]);
        Ok(())
    }
}

#[test]
fn rosenbrock_of_plain_code_in_both_types() {
    fn check<T: Scalar>(tolerance: f64) {
        let mut x = [-1.2, 1.0].map(T::from_f64);
        let minimum = LevenbergMarquardt::new().minimize(&mut Rosenbrock, &mut x).unwrap();
        assert!(x.iter().all(|x| (x.to_f64() - 1.0).abs() < tolerance), "{x:?}, {minimum:?}");
        assert!(minimum.evaluations < 40 && minimum.products == 2 * (minimum.iterations + 1), "{minimum:?}");
    }
    check::<f64>(1e-9);
    check::<f32>(1e-4);
}

/// Two parameters of which only the sum counts: AᵀA is singular at every θ, and damping makes up for it.
#[test]
fn a_parameter_too_many_is_no_obstacle() {
    let tape = Tape::<f64>::new();
    let (a, b) = (tape.parameter("a", &matrix![[1.0]]), tape.parameter("b", &matrix![[0.0]]));
    let r = (a + b) * tape.constant("x", &matrix![[1.0], [2.0]]) - tape.constant("y", &matrix![[3.0], [6.0]]);
    let mut residuals = RecordedResiduals::new(r, [a, b]).unwrap();
    assert_eq!(residuals.count(), 2);
    let mut theta = residuals.theta().unwrap();
    let minimum = LevenbergMarquardt::new().minimize(&mut residuals, &mut theta).unwrap();
    assert!(
        minimum.stop.is_converged() && (theta[0] + theta[1] - 3.0).abs() < 1e-6,
        "{theta:?}, {minimum:?}"
    );
}

#[test]
fn what_it_starts_from_must_be_finite_and_fit() {
    let mut nowhere = [f64::NAN, 1.0];
    let error = LevenbergMarquardt::new().minimize(&mut Rosenbrock, &mut nowhere).unwrap_err();
    assert!(matches!(error, Error::NonFinite { matrix: "θ at the start", row: 0, .. }), "{error}");
    let mut far = [1e200, 1.0];
    let error = LevenbergMarquardt::new().minimize(&mut Rosenbrock, &mut far).unwrap_err();
    assert!(matches!(error, Error::NonFinite { matrix: "r at the start", row: 0, .. }), "{error}");

    let tape = Tape::<f64>::new();
    let a = tape.parameter("a", &matrix![[4.0]]);
    let r = a.sqrt() - 1.0; // NaN where a step goes too far
    let mut residuals = RecordedResiduals::new(r, [a]).unwrap();
    let error = LevenbergMarquardt::new().minimize(&mut residuals, &mut [1.0, 2.0]).unwrap_err();
    assert_eq!(error, Error::Length { list: "θ", expected: 1, found: 2 });
    let error = LevenbergMarquardt::new().minimize(&mut residuals, &mut [0.0]).unwrap_err();
    assert!(matches!(error, Error::NonFinite { matrix: "∂r/∂θ at the start", .. }), "{error}");
    let mut theta = [1e6];
    let minimum = LevenbergMarquardt::new().minimize(&mut residuals, &mut theta).unwrap();
    assert!((theta[0] - 1.0).abs() < 1e-6, "{theta:?}, {minimum:?}");
}

/// Numbers whose squares are none in f64, and a Jacobian that is none after the first step: no angle
/// is a right one there.
#[test]
fn what_is_no_number_is_no_minimum() {
    for (theta, factor, matrix) in [
        (1e200, 1.0, "J at the start"),
        (1e-150, 1e200, "‖∂r/∂θ‖² at the start"),
        (1.0, 1e200, "J at the start"),
    ] {
        let tape = Tape::<f64>::new();
        let a = tape.parameter("a", &matrix![[theta]]);
        let mut residuals = RecordedResiduals::new(a * factor, [a]).unwrap();
        let error = LevenbergMarquardt::new().minimize(&mut residuals, &mut [theta]).unwrap_err();
        assert!(error.to_string().contains(matrix), "{theta} · {factor}: {error}");
    }

    struct Once(usize);
    impl Residuals<f64> for Once {
        fn count(&self) -> usize {
            1
        }
        fn residuals(&mut self, theta: &[f64], r: &mut [f64]) -> Result<()> {
            r[0] = theta[0] - 1.0;
            Ok(())
        }
        fn jacobian(&mut self, _: &[f64], jacobian: &mut [f64]) -> Result<()> {
            jacobian[0] = if self.0 == 0 { 1.0 } else { f64::NAN };
            self.0 += 1;
            Ok(())
        }
    }
    let mut theta = [3.0];
    let minimum = LevenbergMarquardt::new().minimize(&mut Once(0), &mut theta).unwrap();
    assert_eq!(minimum.stop, Stop::LineSearch, "{minimum:?}");
    assert!((theta[0] - 1.0).abs() < 0.01);
}

/// A Jacobian of another function, or residuals that are numbers at the start alone: θ stays, and
/// no tolerance is met, however short the steps become.
#[test]
fn a_step_that_is_damped_away_is_no_minimum() {
    struct Line(f64, f64);
    impl Residuals<f64> for Line {
        fn count(&self) -> usize {
            2
        }
        fn residuals(&mut self, theta: &[f64], r: &mut [f64]) -> Result<()> {
            let beyond = if theta == [self.1, 2.0] { 1.0 } else { self.0 };
            r.copy_from_slice(&[(theta[0] - 3.0) * beyond, theta[1] + 1.0]);
            Ok(())
        }
        fn jacobian(&mut self, _: &[f64], jacobian: &mut [f64]) -> Result<()> {
            let sign = if self.0.is_nan() { 1.0 } else { -1.0 };
            jacobian.copy_from_slice(&[sign, 0.0, 0.0, sign]);
            Ok(())
        }
    }
    for beyond in [1.0, f64::NAN] {
        for start in [1.0, 0.0] {
            let mut theta = [start, 2.0];
            let minimum = LevenbergMarquardt::new().minimize(&mut Line(beyond, start), &mut theta).unwrap();
            assert_eq!((minimum.stop, theta), (Stop::LineSearch, [start, 2.0]), "{minimum:?}");
        }
    }
}

#[test]
fn nothing_to_fit() {
    struct Nothing;
    impl Residuals<f64> for Nothing {
        fn count(&self) -> usize {
            0
        }
        fn residuals(&mut self, _: &[f64], _: &mut [f64]) -> Result<()> {
            Ok(())
        }
        fn jacobian(&mut self, _: &[f64], _: &mut [f64]) -> Result<()> {
            Ok(())
        }
    }
    for theta in [&mut [][..], &mut [1.0], &mut [1.0, 2.0]] {
        let minimum = LevenbergMarquardt::new().minimize(&mut Nothing, theta).unwrap();
        assert_eq!((minimum.j, minimum.stop), (0.0, Stop::Gradient));
    }
}

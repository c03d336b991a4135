//! A shrunk case is as loud as a wrong formula, and not as quiet as rounding.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use tape::Matrix;
use tape::check::strategies::{Loud, Regime, Side, matrix};

/// What is granted: 1e-12 of the size.
const TOLERANCE: f64 = 1e-12;

/// A rule with a term too much, c·x⁶, in the place of x²: its error in tolerances.
fn error_of_the_wrong_rule(c: f64, x: &Matrix<f64>) -> f64 {
    let wrong = |x: f64| x * x + c * x.powi(6);
    let errors = x.iter().map(|&x| (wrong(x) - x * x).abs() / (TOLERANCE * (1.0 + x * x)));
    errors.fold(0.0, f64::max)
}

/// A row of multiples of 1/1024, as proptest draws and shrinks them.
fn plain() -> impl Strategy<Value = Matrix<f64>> {
    let row = proptest::collection::vec(-2048..=2048_i32, 1..64);
    row.prop_map(|row| Matrix::from_fn(1, row.len(), |_, j| f64::from(row[j]) / 1024.0))
}

/// What proptest's own runner makes of a property that says yes or no: the first error and the last.
fn by_yes_or_no(strategy: &impl Strategy<Value = Matrix<f64>>, c: f64, seed: u8) -> (f64, f64) {
    let config = Config { failure_persistence: None, max_shrink_iters: 4096, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let first = Cell::new(None);
    let result = TestRunner::new_with_rng(config, rng).run(strategy, |x| {
        let error = error_of_the_wrong_rule(c, &x);
        first.set(first.get().or((error > 1.0).then_some(error)));
        if error > 1.0 { Err(TestCaseError::fail("")) } else { Ok(()) }
    });
    let Err(TestError::Fail(_, x)) = result else { panic!("the wrong rule was not found") };
    (first.get().unwrap(), error_of_the_wrong_rule(c, &x))
}

#[test]
fn plain_shrinking_ends_near_the_tolerance_and_ours_stays_loud() {
    let ours = matrix(1..=1, 1..64, Regime::Normal);
    for seed in 0..10 {
        // 1e11 tolerances at first: a term that nobody takes for rounding.
        let plain = by_yes_or_no(&plain(), 0.01, seed);
        assert!(plain.0 > 1e8 && plain.1 < 2.0, "proptest goes from {} to {}", plain.0, plain.1);
        let loud = Loud::new().seed(seed.into()).run(&ours, |x| Ok(error_of_the_wrong_rule(0.01, x)));
        let loud = loud.unwrap_err();
        println!(
            "proptest: {:.1e} → {:.1e} tolerances; loud: {:.1e} → {:.1e}",
            plain.0, plain.1, loud.first_error, loud.error
        );
        assert!(loud.error >= loud.first_error / 8.0);
        assert_eq!(loud.value.shape(), (1, 1));
        assert!([1.0, 2.0].contains(&loud.value[(0, 0)].abs()), "{loud}");
    }
}

#[test]
fn the_ladder_alone_is_not_enough() {
    // Up to 700 tolerances: at 1 it would look like an unlucky sum.
    let (ours, c) = (matrix(1..=1, 1..64, Regime::Normal), 5.5e-11);
    for seed in 0..10 {
        let (first, last) = by_yes_or_no(&ours, c, seed);
        let loud =
            Loud::new().seed(seed.into()).run(&ours, |x| Ok(error_of_the_wrong_rule(c, x))).unwrap_err();
        println!("{first:.0} → {last:.0}; loud: {:.0} → {:.0}", loud.first_error, loud.error);
        assert!(last < 30.0);
        assert!(loud.error >= (loud.first_error / 8.0).max(100.0) || loud.error == loud.first_error);
    }
}

#[test]
fn a_quiet_failure_does_not_get_quieter() {
    let all = matrix::<f64>(1..9, Side::COLUMNS, Regime::Normal);
    // Fails with as many tolerances as there are columns.
    let quiet = Loud::new().run(&all, |x| Ok(x.columns().min(90) as f64)).unwrap_err();
    assert_eq!((quiet.error, quiet.first_error), (quiet.value.columns().min(90) as f64, quiet.error));
    let loud = Loud::new().run(&all, |x| Ok(x.columns() as f64 * 50.0)).unwrap_err();
    let least = (loud.first_error / 8.0).max(100.0);
    assert!(loud.error >= least && loud.error < least + 50.0 * 8.0, "{} of {}", loud.error, loud.first_error);
    let less = Loud::new().loudness(0.0, 150.0).run(&all, |x| Ok(x.columns() as f64 * 50.0)).unwrap_err();
    assert_eq!((less.error, less.value.shape()), (150.0, (1, 3)));
}

#[test]
fn what_is_not_finite_and_what_panics_shrink_to_their_like() {
    let all = matrix::<f64>(Side::ROWS, 0..=30, Regime::ALL);
    let found = Loud::new()
        .run(&all, |x| Ok(x.iter().map(|x| x * 0.0).sum::<f64>() + 50.0 * x.columns() as f64))
        .unwrap_err();
    assert!(found.error.is_finite(), "the first failure is one of columns");
    let found = Loud::new().run(&all, |x| Ok(x.iter().map(|x| x * 0.0).sum::<f64>())).unwrap_err();
    assert_eq!((found.value.shape(), found.error), ((1, 1), f64::INFINITY));
    assert_eq!(found.reason.as_deref(), Some("the error is NaN"));
    let found = Loud::new()
        .run(&all, |x| match x.columns() {
            0..3 => Ok(0.0),
            columns => panic!("{columns} columns"),
        })
        .unwrap_err();
    assert_eq!(found.reason.as_deref(), Some("panicked: 3 columns"));
    assert_eq!(found.value.shape(), (0, 3));
    let found =
        Loud::new().run(&all, |x| if x.rows() < 2 { Ok(0.5) } else { Err(TestCaseError::fail("two")) });
    let found = found.unwrap_err();
    assert_eq!((found.value.shape(), found.reason.as_deref()), ((2, 0), Some("two")));
}

#[test]
fn a_run_can_be_repeated_and_cases_refused() {
    let all = matrix::<f32>(Side::ROWS, 0..=30, Regime::ALL);
    let run = |seed| {
        let found = Loud::new().seed(seed).run(&all, |x| {
            prop_assume!(x.rows() > 1);
            Ok(x.columns() as f64 * 101.0)
        });
        let found = found.unwrap_err();
        assert!(found.value.rows() > 1);
        (found.case, found.first_error, format!("{:?}", found.value))
    };
    assert_eq!(run(3), run(3));
    assert!((0..5).any(|seed| run(seed) != run(seed + 1)));
    assert!(Loud::new().run(&all, |_| Ok(1.0)).is_ok(), "1 tolerance is tolerated");
}

#[test]
#[should_panic(expected = "no more cases")]
fn to_refuse_all_is_no_pass() {
    let _ = Loud::new().run(&matrix::<f64>(1, 1, Regime::Normal), |_| {
        prop_assume!(false);
        Ok(0.0)
    });
}

#[test]
fn the_report_tells_how_to_see_it_again() {
    let found =
        Loud::new().seed(4).run(&matrix::<f64>(1..4, 1..4, Regime::Normal), |x| Ok(x[(0, 0)].abs() * 1e4));
    let text = found.unwrap_err().to_string();
    let expected = "case 1 of seed 4 has an error of ";
    assert!(text.starts_with(expected) && text.contains("tolerances; a simpler one, of "), "{text}");
    assert!(text.contains("2.0") || text.contains("1.0") || text.contains("0.5"), "{text}");
}

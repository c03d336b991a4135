//! What shrinking keeps, and where it ends.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use tape::check::Random;
use tape::check::strategies::{Elements, Functions, Matrices, Regime, Side, matrix};
use tape::{Function, FunctionKind, Matrix, Scalar, matrix};

/// A runner whose cases are those of a seed.
pub(crate) fn runner(seed: u8, cases: u32) -> TestRunner {
    let config = Config { failure_persistence: None, cases, max_shrink_iters: 20_000, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]))
}

/// The simplest case for which `holds` is false.
pub(crate) fn simplest<S: Strategy>(strategy: &S, seed: u8, holds: impl Fn(&S::Value) -> bool) -> S::Value {
    let result = runner(seed, 512).run(strategy, |case| match holds(&case) {
        true => Ok(()),
        false => Err(TestCaseError::fail("")),
    });
    match result {
        Err(TestError::Fail(_, case)) => case,
        other => panic!("no case was found: {other:?}"),
    }
}

fn each_fault_has_its_simplest_case<T: Scalar>() {
    let number = T::from_f64;
    let any = matrix::<T>(Side::ROWS, Side::COLUMNS, Regime::ALL);
    let normal = matrix::<T>(0..=20, 0..=300, Regime::Normal);
    for seed in 0..8 {
        // From so many columns on, whatever is in them.
        for columns in [1, 3, 7, 255, 257, 400] {
            let case = simplest(&any, seed, |x| x.columns() < columns);
            assert_eq!(case.shape(), (0, columns), "seed {seed}");
        }
        let case = simplest(&any, seed, |x| x.columns() < 3 || x.rows() < 2);
        assert_eq!(case, Matrix::zeros(2, 3), "seed {seed}");
        // Odd numbers of rows alone.
        let case = simplest(&any, seed, |x| x.rows() % 2 == 0 || x.columns() == 0);
        assert_eq!(case, matrix![[T::ZERO]], "seed {seed}");
        // For one element, wherever it was drawn.
        let case = simplest(&normal, seed, |x| x.iter().all(|&x| x >= T::ZERO));
        assert_eq!(case, matrix![[number(-0.5)]], "seed {seed}");
        let case = simplest(&normal, seed, |x| x.iter().all(|&x| x <= number(0.75)));
        assert_eq!(case, matrix![[T::ONE]], "seed {seed}");
        let case = simplest(&any, seed, |x| x.iter().all(|x| !x.is_nan()));
        assert_eq!((case.shape(), case[(0, 0)].is_nan()), ((1, 1), true), "seed {seed}");
        let case = simplest(&any, seed, |x| x.iter().all(|&x| x != T::ZERO || !x.is_sign_negative()));
        assert_eq!(case[(0, 0)].bits(), (-T::ZERO).bits(), "seed {seed}");
        assert_eq!(case.shape(), (1, 1), "seed {seed}");
        // For two of opposite signs in one column.
        let opposite = |x: &Matrix<T>| {
            x.iter_columns().all(|x| !(x.iter().any(|&x| x < T::ZERO) && x.iter().any(|&x| x > T::ZERO)))
        };
        let case = simplest(&normal, seed, opposite);
        assert_eq!(case.shape(), (2, 1), "seed {seed}");
        let mut signs = [case[(0, 0)], case[(1, 0)]].map(|x| x.to_f64());
        signs.sort_by(f64::total_cmp);
        assert_eq!(signs, [-0.5, 0.5], "seed {seed}");
    }
}

#[test]
fn each_fault_has_its_simplest_case_in_f64() {
    each_fault_has_its_simplest_case::<f64>();
}

#[test]
fn each_fault_has_its_simplest_case_in_f32() {
    each_fault_has_its_simplest_case::<f32>();
}

/// Zeros let a column go, and once it is gone only the elements as they were drawn let a row go.
#[test]
fn what_became_too_simple_is_drawn_again() {
    let normal = matrix::<f64>(2..=20, 2..=20, Regime::Normal);
    let (rows, columns) = (1..=20, 1..=20);
    let wider = matrix::<f64>(rows, columns, Regime::Normal);
    let holds = |x: &Matrix<f64>| {
        let is_zero = x.iter().all(|&x| x == 0.0);
        !match x.shape() {
            (2.., 3..) => true,
            (2.., 2) => is_zero,
            (1, 2) => !is_zero,
            _ => false,
        }
    };
    for seed in 0..8 {
        assert_eq!(simplest(&normal, seed, holds), Matrix::zeros(2, 2), "a row is needed");
        let case = simplest(&wider, seed, holds);
        assert_eq!(case.shape(), (1, 2), "seed {seed}");
        let rest: Vec<f64> = case.iter().copied().filter(|&x| x != 0.0).collect();
        assert!(matches!(rest[..], [x] if x.abs() == 0.5), "seed {seed}: {case:?}");
    }
}

#[test]
fn shared_sides_shrink_together() {
    let mut matrices = Matrices::<f64>::new();
    let [n, k, m] = [(2..=17).into(), Side::ROWS, Side::COLUMNS].map(|side| matrices.side(side));
    let strategy = matrices
        .matrix(n, k, Regime::MODERATE)
        .matrix(k, m, Elements::Between(0.25, 1.0))
        .classes(n, m)
        .one_hot(n, m)
        .shares(n, m);
    for seed in 0..8 {
        let case = simplest(&strategy, seed, |all| all[1].columns() < 2 || all[0].columns() < 3);
        let expected = [
            Matrix::zeros(2, 3),
            Matrix::filled(3, 2, 0.5),
            Matrix::zeros(1, 2),
            matrix![[1.0, 1.0], [0.0, 0.0]],
            matrix![[1.0, 1.0], [0.0, 0.0]],
        ];
        assert_eq!(case, expected, "seed {seed}");
        // A class that is not the first, of an example that stays with its features.
        let case = simplest(&strategy, seed, |all| all[2].iter().all(|&class| class == 0.0));
        assert_eq!(
            (&case[2], case[1].shape(), case[3].shape()),
            (&matrix![[1.0]], (0, 1), (2, 1)),
            "seed {seed}"
        );
        let case =
            simplest(&strategy, seed, |all| all[3].rows() < 3 || all[3].iter().step_by(3).all(|&y| y == 1.0));
        assert!(
            [matrix![[0.0], [1.0], [0.0]], matrix![[0.0], [0.0], [1.0]]].contains(&case[3]),
            "seed {seed}: {:?}",
            case[3]
        );
    }
}

/// What a case may be.
fn is_inside<T: Scalar>(all: &[Matrix<T>]) -> Result<(), String> {
    let [w, x, classes, one_hot, shares, labels] = all else { return Err("six matrices".into()) };
    let (n, k, m) = (w.rows(), w.columns(), x.columns());
    let shapes = [(n, k), (k, m), (1, m), (n, m), (n, m), (1, m)];
    if all.iter().map(Matrix::shape).ne(shapes) {
        return Err(format!("shapes {shapes:?}"));
    }
    let bounds = (2..=17).contains(&n) && (0..=40).contains(&k) && (1..=257).contains(&m);
    let x_bounds = x.iter().all(|x| (-3.0..=-0.25).contains(&x.to_f64()));
    let of_classes = classes.iter().all(|&class| (0..n).any(|k| class == T::from_usize(k)));
    let of_one_hot = (0..m).all(|j| {
        let class = classes[(0, j)];
        one_hot[(0, j)].is_finite() && {
            let ones = one_hot.column(j).iter().filter(|&&y| y == T::ONE).count();
            let zeros = one_hot.column(j).iter().filter(|&&y| y == T::ZERO).count();
            ones == 1 && zeros == n - 1 && class.is_finite()
        }
    });
    // The shares are rounded each, so their sum is off by no more than n roundings.
    let of_shares = shares.iter_columns().all(|column| {
        let sum: f64 = column.iter().map(|y| y.to_f64()).sum();
        column.iter().all(|y| (0.0..=1.0).contains(&y.to_f64()))
            && (sum - 1.0).abs() <= n as f64 * T::EPSILON.to_f64()
    });
    let of_labels = labels.iter().all(|&y| y == T::ZERO || y == T::ONE);
    match bounds && x_bounds && of_classes && of_one_hot && of_shares && of_labels {
        true => Ok(()),
        false => Err(format!("{bounds} {x_bounds} {of_classes} {of_one_hot} {of_shares} {of_labels}")),
    }
}

fn bounded<T: Scalar>() -> Matrices<T> {
    let mut matrices = Matrices::new();
    let [n, k, m] = [(2..=17).into(), Side::ROWS, (1..258).into()].map(|side: Side| matrices.side(side));
    let one = matrices.side(1);
    matrices
        .matrix(n, k, Regime::ALL)
        .matrix(k, m, Elements::Between(-3.0, -0.25))
        .classes(n, m)
        .one_hot(n, m)
        .shares(n, m)
        .matrix(one, m, Elements::Binary)
}

/// Calls of `simplify` and `complicate` in any order leave a case inside of its bounds, and come to an end.
fn any_walk_ends_inside<T: Scalar>() {
    let mut runner = runner(1, 1);
    for walk in 0..24 {
        let mut tree = bounded::<T>().new_tree(&mut runner).unwrap();
        let mut random = Random::new(walk);
        // From always to never a success.
        let (mut calls, mut goes_on) = (0, true);
        while goes_on {
            let case = tree.current();
            if calls < 2000 {
                is_inside(&case).unwrap();
            }
            goes_on = if random.below(24) < walk as usize { tree.complicate() } else { tree.simplify() };
            calls += 1;
            assert!(calls < 200_000, "walk {walk} does not end");
        }
        is_inside(&tree.current()).unwrap();
    }
}

#[test]
fn any_walk_ends_inside_in_f64() {
    any_walk_ends_inside::<f64>();
}

#[test]
fn any_walk_ends_inside_in_f32() {
    any_walk_ends_inside::<f32>();
}

#[test]
fn what_passes_is_taken_back() {
    let mut runner = runner(2, 1);
    for _ in 0..20 {
        let mut tree = bounded::<f64>().new_tree(&mut runner).unwrap();
        let drawn = tree.current();
        assert!(!tree.complicate(), "there is nothing to take back");
        if tree.simplify() {
            while tree.complicate() {}
        }
        // NaN is equal to itself here.
        assert_eq!(format!("{:?}", tree.current()), format!("{drawn:?}"));
        assert!(!tree.simplify() && !tree.complicate(), "the search is over");
    }
}

#[test]
fn shape_shrinks_before_elements_and_what_stays_keeps_its_elements() {
    let mut runner = runner(3, 1);
    for _ in 0..40 {
        let mut tree =
            matrix::<f64>(Side::ROWS, Side::COLUMNS, Regime::Normal).new_tree(&mut runner).unwrap();
        let drawn = tree.current();
        let is_needed =
            |x: &Matrix<f64>| x.rows() >= 2.min(drawn.rows()) && x.columns() >= 3.min(drawn.columns());
        let (mut least, mut elements_changed) = (drawn.clone(), false);
        let mut goes_on = tree.simplify();
        while goes_on {
            let case = tree.current();
            let is_cut = case.iter_columns().all(|column| {
                drawn.iter_columns().any(|all| {
                    let mut rest = all.iter();
                    column.iter().all(|x| rest.any(|y| x == y)) // a subsequence
                })
            });
            elements_changed |= !is_cut;
            if is_needed(&case) {
                if !elements_changed {
                    assert!(is_cut);
                    assert!(case.rows() <= least.rows() && case.columns() <= least.columns());
                } else {
                    let shape = (2.min(drawn.rows()), 3.min(drawn.columns()));
                    assert_eq!(case.shape(), shape, "elements change when no row or column can go");
                }
                least = case;
                goes_on = tree.simplify();
            } else {
                goes_on = tree.complicate();
            }
        }
    }
}

#[test]
fn a_seed_has_its_cases() {
    let drawn = |seed| {
        let mut runner = runner(seed, 1);
        let strategy = bounded::<f32>();
        let case = |_| format!("{:?}", strategy.new_tree(&mut runner).unwrap().current());
        (0..8).map(case).collect::<Vec<_>>()
    };
    assert_eq!(drawn(5), drawn(5));
    assert_ne!(drawn(5), drawn(6));
}

#[test]
fn boundaries_are_drawn() {
    let mut runner = runner(4, 1);
    let strategy = matrix::<f64>(Side::ROWS, Side::COLUMNS, Regime::ALL);
    let shapes: Vec<_> =
        (0..1500).map(|_| strategy.new_tree(&mut runner).unwrap().current().shape()).collect();
    for rows in [0, 1, 2, 7, 31, 33, 40] {
        assert!(shapes.iter().any(|shape| shape.0 == rows), "{rows} rows");
    }
    for columns in [0, 1, 2, 255, 256, 257, 513] {
        assert!(shapes.iter().any(|shape| shape.1 == columns), "{columns} columns");
    }
}

#[test]
fn functions_shrink_to_simpler_ones_and_parameters_down_the_ladder() {
    let is_smooth = |g: &Function<f64>| !matches!(g.kind(), FunctionKind::Relu | FunctionKind::LeakyRelu);
    for seed in 0..6 {
        let g = simplest(&Functions::new(), seed, |g: &Function<f64>| g.kind() < FunctionKind::Sin);
        assert_eq!(g.kind(), FunctionKind::Sin);
        let kinds = [FunctionKind::LeakyRelu, FunctionKind::Relu];
        let g = simplest(&Functions::of(&kinds), seed, is_smooth);
        assert!(matches!(g, Function::LeakyRelu(0.5)), "{g:?}");
        let steep = |g: &Function<f64>| !matches!(g, Function::Elu(alpha) if *alpha > 0.8);
        let g = simplest(&Functions::new(), seed, steep);
        assert!(matches!(g, Function::Elu(1.0)), "{g:?}");
        let mine = Function::new("mine", |x: f32| x);
        let g = simplest(&Functions::of(&[]).with(mine.clone()).with(Function::Tanh), seed, |_| false);
        assert_eq!(g, mine);
    }
    let mut runner = runner(1, 1);
    assert!(Functions::<f32>::of(&[FunctionKind::User]).new_tree(&mut runner).is_err());
    let drawn: std::collections::BTreeSet<FunctionKind> =
        (0..1000).map(|_| Functions::<f32>::new().new_tree(&mut runner).unwrap().current().kind()).collect();
    assert_eq!(drawn.len(), FunctionKind::ALL.len() - 1, "all but the user's");
}

/// How many cases are looked at from the first that fails on: proptest gives up after 1024, where nothing else is said.
#[test]
fn few_attempts_are_enough() {
    type Holds = fn(&Matrix<f64>) -> bool;
    let faults: [(&str, Holds, u32); 4] = [
        ("all", |_| false, 6),
        ("a negative element", |x| x.iter().all(|&x| x >= 0.0), 60),
        ("257 columns", |x| x.columns() < 257, 150),
        // Each element is tried on each rung, and the halves on the way to it.
        ("17 elements of 1 at least", |x| x.iter().filter(|x| x.abs() >= 1.0).count() < 17, 800),
    ];
    let strategy = matrix::<f64>(Side::ROWS, Side::COLUMNS, Regime::Normal);
    for (name, holds, most) in faults {
        let mut worst = 0;
        for seed in 0..20 {
            let attempts = std::cell::Cell::new(0);
            simplest(&strategy, seed, |x| {
                let holds = holds(x);
                attempts.set(attempts.get() + u32::from(!holds || attempts.get() > 0));
                holds
            });
            worst = worst.max(attempts.get());
        }
        println!("{name}: {worst} attempts at most");
        assert!(worst <= most, "{name}: {worst} attempts");
    }
}

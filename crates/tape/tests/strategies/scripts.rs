//! Whole tapes: what they are drawn of, what they shrink to, and how they are written down.

use std::borrow::Cow;
use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use tape::check::Random;
use tape::check::strategies::{BuiltIn, Elements, Loud, Regime, Script, ScriptLeaf, Scripts, Step, Steps};
use tape::{
    Dim, Fault, LeafKind, Matrix, MatrixMut, Mismatch, Operands, Operation, OperationKind, Options, Scalar,
    Shape, Tape, Var, Vjp, num, step,
};

use crate::shrinking::{runner, simplest};

/// 2a, with a derivative that is wrong from 3 columns on.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Doubled;

impl<T: Scalar> Operation<T> for Doubled {
    fn name(&self) -> Cow<'_, str> {
        "doubled".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0])
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let pairs = out.as_mut_slice().iter_mut().zip(x.get(0).as_slice());
        pairs.for_each(|(out, &a)| *out = a + a);
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let is_wrong = at.operands::<1>()[0].shape().is_ok_and(|shape| shape.columns.at(0) >= 3);
        let factor = if is_wrong { 4.0 } else { 2.0 };
        at.contribute(0, |g| g * num(factor));
    }
}

/// Smooth steps, and one of the user's own that is wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
struct WithAFault;

impl Steps for WithAFault {
    fn list<T: Scalar>() -> Vec<Step<T>> {
        vec![
            step!("tanh", |tape, a| a.tanh()),
            step!("sin", |tape, a| a.sin()),
            step!("add", |tape, a, b| a + b),
            step!("matmul", |tape, a, b| a.matmul(b) * num(0.1)),
            step!("mean", |t, a| a.mean() + t.scalar(T::ONE)),
            step!("doubled", |tape, a| tape.apply(Doubled, [a])),
        ]
    }
}

/// Σ of all steps' sums of squares, for the leaves as they are moved by `h` along directions.
fn objective<'t>(vars: &[Var<'t, f64>]) -> Option<Var<'t, f64>> {
    vars.iter().map(|a| a.square().sum()).reduce(|a, b| a + b)
}

/// How far derivatives are from differences, in tolerances of 1e-6.
fn error_of_the_gradients<S: Steps>(script: &Script<S>) -> f64 {
    let tape = Tape::<f64>::new();
    let recorded = script.record(&tape);
    let Some(j) = objective(&recorded.steps) else { return 0.0 };
    let gradients = j.gradients_or_zeros(&recorded.leaves);
    let mut program = tape.compile([j].into_iter().chain(gradients.iter().copied())).unwrap();
    program.run().unwrap();
    let mut random = Random::new(3);
    let values: Vec<Matrix<f64>> = script.leaves().iter().map(|leaf| leaf.value()).collect();
    // A constant does not move.
    let size = |leaf: &ScriptLeaf| if leaf.kind() == LeafKind::Constant { 0.0 } else { 1.0 };
    let sizes = script.leaves().iter().map(size);
    let directions: Vec<Matrix<f64>> =
        values.iter().zip(sizes).map(|(x, size)| random.matrix(x.rows(), x.columns(), -size, size)).collect();
    let slope: f64 = gradients
        .iter()
        .zip(&directions)
        .map(|(&g, v)| {
            program.view(g).unwrap().to_matrix().iter().zip(v.iter()).map(|(g, v)| g * v).sum::<f64>()
        })
        .sum();
    let value = program.scalar(j).unwrap().abs();
    let mut at = |h: f64| {
        for ((&leaf, x), v) in recorded.leaves.iter().zip(&values).zip(&directions) {
            let moved = Matrix::from_fn(x.rows(), x.columns(), |i, j| x[(i, j)] + h * v[(i, j)]);
            if leaf.entry().unwrap().leaf_kind() != Some(LeafKind::Constant) {
                program.bind(leaf, &moved).unwrap();
            }
        }
        program.run().unwrap();
        program.scalar(j).unwrap()
    };
    // Errors of order h⁴ and ε/h: 1e-6 leaves both room.
    let [near, far] = [1e-3, 2e-3].map(|h| (at(h) - at(-h)) / (2.0 * h));
    let differences = (4.0 * near - far) / 3.0;
    // Rounding of the value is 1e-16/1e-3 of it: a tenth of a tolerance.
    (differences - slope).abs() / (1e-6 * (slope.abs() + differences.abs() + 1e-6 * value)).max(1e-300)
}

#[test]
fn a_wrong_derivative_shrinks_to_one_step_on_three_columns() {
    let scripts = Scripts::new(WithAFault).rows(1..=9).examples(1..=9).elements(Regime::Normal);
    for seed in 0..6 {
        let found = Loud::new().seed(seed).run(&scripts, |script| Ok(error_of_the_gradients(script)));
        let script = found.unwrap_err().value;
        assert_eq!(script.steps(), ["doubled"], "{script:?}");
        assert_eq!(script.leaves()[0].value::<f64>().columns(), 3, "{script:?}");
        // Every element is needed no more than a single one, which is on the ladder.
        let rest: Vec<f64> = script.leaves()[0].value().iter().copied().filter(|&x| x != 0.0).collect();
        assert!(matches!(rest[..], [x] if [0.5, 1.0, 2.0].contains(&x.abs())), "{script:?}");
    }
    let right = Scripts::new(BuiltInButOne).rows(1..=5).examples(1..=5).steps(1..=8);
    assert!(Loud::new().cases(64).run(&right, |script| Ok(error_of_the_gradients(script))).is_ok());
}

/// The list without what is wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
struct BuiltInButOne;

impl Steps for BuiltInButOne {
    fn list<T: Scalar>() -> Vec<Step<T>> {
        WithAFault::list().into_iter().filter(|step| step.name() != "doubled").collect()
    }
}

/// Everything that can be computed of a tape is, in either type.
fn values<T: Scalar>(script: &Script<impl Steps>) -> Vec<Matrix<T>> {
    let tape = Tape::<T>::new();
    let recorded = script.record(&tape);
    tape.check().unwrap();
    let all: Vec<Var<'_, T>> = recorded.leaves.iter().chain(&recorded.steps).copied().collect();
    let mut program = tape.compile(all.iter().copied()).unwrap();
    program.run().unwrap();
    all.iter().map(|&var| program.view(var).unwrap().to_matrix()).collect()
}

#[test]
fn every_step_is_drawn_and_stays_of_moderate_size() {
    let scripts = Scripts::new(BuiltIn).examples(0..=40);
    let mut runner = runner(1, 1);
    let mut drawn = BTreeSet::new();
    for _ in 0..1200 {
        let script = scripts.new_tree(&mut runner).unwrap().current();
        assert!((1..=24).contains(&script.steps().len()), "{script:?}");
        drawn.extend(script.steps());
        if script.m() > 0 {
            for (single, double) in values::<f32>(&script).iter().zip(values::<f64>(&script)) {
                assert_eq!(single.shape(), double.shape());
                // None of the steps gives more than 4 on operands of 2, on one that gives 2; only
                // sums of a product of unlike sizes do.
                assert!(double.iter().all(|x| x.abs() < 1e4), "{script:?}");
            }
        }
    }
    let all: BTreeSet<String> = BuiltIn::list::<f64>().iter().map(|step| step.name().to_owned()).collect();
    assert_eq!(all.difference(&drawn).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(all.len(), BuiltIn::list::<f64>().len(), "a name is of one step");
}

#[test]
fn each_step_alone_is_the_simplest_tape_that_has_it() {
    let scripts = Scripts::new(BuiltIn).examples(1..=9).rows(1..=5);
    for wanted in ["softmax_over_rows", "tokens", "solve", "over_examples", "select"] {
        let script = simplest(&scripts, 3, |script| !script.steps().contains(&wanted.to_owned()));
        assert_eq!(script.steps(), [wanted], "{script:?}");
        for leaf in script.leaves() {
            assert!(leaf.value::<f64>().shape() <= (2, 2), "{wanted}: {script:?}");
            assert!(leaf.value::<f64>().iter().all(|&x| x == 0.0), "{wanted}: {script:?}");
        }
    }
    // A chain of two on each other, whatever else was drawn.
    let chained = |script: &Script<BuiltIn>| {
        let tape = Tape::<f64>::new();
        script.record(&tape);
        let is_chain = |entry: tape::Entry<'_, f64>| {
            entry.operation() == "tanh" && entry.operands().any(|on| on.operation() == "cos")
        };
        !tape.entries().any(is_chain)
    };
    let script = simplest(&scripts, 4, chained);
    assert_eq!((script.steps().len(), &*script.steps()[0]), (2, "cos"), "{script:?}");
}

#[test]
fn any_walk_stays_inside_of_the_bounds() {
    let scripts = Scripts::new(BuiltIn)
        .steps(3..=9)
        .leaves(2..=3)
        .rows(1..=6)
        .examples(2..=300)
        .elements(Elements::Between(-1.0, -0.25))
        .most_elements(4000);
    let mut runner = runner(2, 1);
    for walk in 0..12 {
        let mut tree = scripts.new_tree(&mut runner).unwrap();
        let mut random = Random::new(walk);
        let mut goes_on = true;
        while goes_on {
            let script = tree.current();
            assert!((3..=9).contains(&script.steps().len()) && (2..=300).contains(&script.m()), "{script:?}");
            let tape = Tape::<f32>::new();
            script.record(&tape);
            tape.check().unwrap();
            for entry in tape.entries() {
                let (rows, columns) = entry.shape().at(script.m());
                assert!(rows * columns <= 4000, "{script:?}");
            }
            for leaf in script.leaves() {
                let value = leaf.value::<f32>();
                let (rows, columns) = value.shape();
                let of_examples = leaf.kind() == LeafKind::Examples;
                assert!((1..=6).contains(&rows));
                assert!(of_examples && columns == script.m() || (1..=6).contains(&columns));
                let are_indices = value.iter().all(|x| [0.0, 1.0, 2.0].contains(x));
                assert!(are_indices || value.iter().all(|x| (-1.0..=-0.25).contains(x)));
            }
            goes_on = if random.below(12) < walk as usize { tree.complicate() } else { tree.simplify() };
        }
    }
}

/// Steps of which each needs two rows.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Tails;

impl Steps for Tails {
    fn list<T: Scalar>() -> Vec<Step<T>> {
        vec![
            step!("tail", |tape, a| {
                let rows = a.shape().map_or(0, |shape| shape.rows.at(0));
                a.rows(1..rows).tanh()
            })
            .demanding(|shapes| matches!(shapes[0].rows, Dim::Fixed(2..))),
        ]
    }
}

#[test]
fn rows_stay_while_steps_that_may_not_go_need_them() {
    let mut runner = runner(6, 1);
    for _ in 0..20 {
        let mut tree = Scripts::new(Tails).steps(3..=6).rows(4..=9).new_tree(&mut runner).unwrap();
        while tree.simplify() {
            assert!((3..=6).contains(&tree.current().steps().len()));
        }
        assert_eq!(tree.current().steps().len(), 3);
        let mut tree = Scripts::new(Tails).steps(3..=6).rows(1..=9).new_tree(&mut runner).unwrap();
        let drawn = tree.current().steps().len();
        while tree.simplify() {
            assert!(tree.current().steps().len() >= drawn.min(3));
        }
    }
}

#[test]
fn steps_go_before_rows_and_rows_before_values() {
    let scripts = Scripts::new(BuiltIn).steps(2..=12).rows(1..=9).examples(1..=9);
    let mut runner = runner(5, 1);
    for _ in 0..12 {
        let mut tree = scripts.new_tree(&mut runner).unwrap();
        let extent = |script: &Script<BuiltIn>| {
            let sizes = script.leaves().iter().map(|leaf| leaf.value::<f64>().shape());
            sizes.map(|(rows, columns)| rows * columns).sum::<usize>()
        };
        // As if every case failed.
        let (mut stage, mut before) = (0, tree.current());
        while tree.simplify() {
            let now = tree.current();
            let now_stage = match () {
                () if now.steps().len() < before.steps().len() => 0,
                () if extent(&now) < extent(&before) => 1,
                () => 2,
            };
            assert!(now_stage >= stage, "{before:?} to {now:?}");
            (stage, before) = (now_stage, now);
        }
        assert_eq!(before.steps().len(), 2);
    }
}

#[test]
fn a_tape_without_values_has_its_error() {
    assert!(std::panic::catch_unwind(|| Scripts::new(BuiltIn).leaves(0..=3)).is_err());
    let nothing = Script::<BuiltIn>::empty();
    assert_eq!((nothing.leaves().len(), nothing.steps().len(), nothing.m()), (0, 0, 0));
    let regimes = Scripts::new(BuiltIn).elements(Regime::ALL);
    let script = regimes.new_tree(&mut runner(9, 1)).unwrap().current();
    assert_eq!(script.record(&Tape::<f32>::new()).leaves.len(), script.leaves().len());
}

/// The worst difference between a program and the list entry by entry, in tolerances: values, and derivatives with
/// respect to all leaves.
fn error_of_programs<T: Scalar>(script: &Script<BuiltIn>) -> f64 {
    let tape = Tape::<T>::new();
    let recorded = script.record(&tape);
    let j = recorded.steps.iter().map(|&a| (a * a.sin()).mean()).reduce(|a, b| a + b);
    let Some(j) = j else { return 0.0 };
    let mut outputs = j.gradients_or_zeros(&recorded.leaves);
    outputs.extend(recorded.steps);
    let values = |options: Options| {
        let mut program = tape.compile_with(outputs.iter().copied(), options).unwrap();
        program.run().unwrap();
        outputs.iter().map(|&var| program.view(var).unwrap().to_matrix()).collect::<Vec<Matrix<T>>>()
    };
    let (fast, literal) = (values(Options::default()), values(Options::literal()));
    let mut worst = 0.0_f64;
    for (a, b) in fast.iter().zip(&literal) {
        // Of 1500 tapes in each type the worst was 2 roundings of the size.
        let tolerance = 64.0 * T::EPSILON.to_f64() * (1.0 + b.max_abs().to_f64());
        let apart = a.iter().zip(b.iter()).map(|(a, b)| (a.to_f64() - b.to_f64()).abs());
        worst = apart.map(|apart| apart / tolerance).fold(worst, f64::max);
    }
    worst
}

#[test]
fn programs_of_any_steps_compute_what_the_tape_says() {
    let scripts = Scripts::new(BuiltIn).examples(1..=300).steps(1..=16);
    let run = Loud::new().cases(60);
    run.run(&scripts, |script| Ok(error_of_programs::<f64>(script))).unwrap();
    run.seed(1).run(&scripts, |script| Ok(error_of_programs::<f32>(script))).unwrap();
}

#[test]
fn a_seed_has_its_tapes() {
    let drawn = |seed| {
        let mut runner = runner(seed, 1);
        let scripts = Scripts::new(BuiltIn).elements(Regime::ALL);
        let case = |_| scripts.new_tree(&mut runner).unwrap().current();
        (0..8).map(case).collect::<Vec<_>>()
    };
    assert_eq!(format!("{:?}", drawn(5)), format!("{:?}", drawn(5)));
    assert_ne!(format!("{:?}", drawn(5)), format!("{:?}", drawn(6)));
}

/// Indices are drawn where steps take them, repeat, and stay indices whatever becomes simpler.
#[test]
fn indices_are_whole_numbers_of_what_they_name() {
    let scripts = Scripts::new(BuiltIn).steps(12).examples(1..=9).rows(1..=5).elements(Regime::ALL);
    let mut runner = runner(8, 1);
    let (mut indexed, mut repeated) = (0, 0);
    for _ in 0..60 {
        let mut tree = scripts.new_tree(&mut runner).unwrap();
        for _ in 0..40 {
            let tape = Tape::<f64>::new();
            tree.current().record(&tape);
            for gather in tape.entries().filter(|entry| entry.kind() == OperationKind::Gather) {
                let [indices, table] = gather.operands().collect::<Vec<_>>()[..] else { unreachable!() };
                if indices.leaf_kind().is_none() {
                    continue;
                }
                let value = indices.var().value().unwrap();
                indexed += 1;
                let columns = table.shape().columns.at(0) as f64;
                assert!(value.iter().all(|&x| x.fract() == 0.0 && (0.0..columns).contains(&x)), "{value}");
                let known: BTreeSet<u64> = value.iter().map(|x| x.to_bits()).collect();
                repeated += usize::from(known.len() < value.as_slice().len());
            }
            if !tree.simplify() {
                break;
            }
        }
    }
    assert!(indexed > 40 && repeated > 8, "{indexed} gathers by leaves, {repeated} with one twice");
}

/// An operation that is in no step, and is not named here, is drawn on no tape: give it a step in `built_in.rs`.
#[test]
fn steps_have_all_operations_among_them() {
    // The user's own.
    const OTHERS: [OperationKind; 1] = [OperationKind::Custom];
    let scripts = Scripts::new(BuiltIn).steps(24);
    let mut runner = runner(11, 1);
    let mut kinds = BTreeSet::from(OTHERS);
    for _ in 0..200 {
        let tape = Tape::<f64>::new();
        let recorded = scripts.new_tree(&mut runner).unwrap().current().record(&tape);
        // Some operations are only in derivatives.
        if let Some(j) = objective(&recorded.steps) {
            let gradients = j.gradients_or_zeros(&recorded.leaves);
            assert!(gradients.iter().all(|gradient| gradient.sound().is_ok()));
        }
        kinds.extend(tape.entries().map(|entry| entry.kind()));
    }
    let missing: Vec<&str> =
        OperationKind::ALL.iter().filter(|kind| !kinds.contains(kind)).map(|kind| kind.name()).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

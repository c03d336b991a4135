//! Programs of drawn tapes, in all ways to run, against an interpreter that shares nothing with them.
//!
//! Values and derivatives are within the bounds that the interpreter carries along, each of which is one of rounding, of the formula
//! as it is written. A derivative along a direction is that of dual numbers. Where leaves hold NaN and ±∞, each element is of
//! the class that the interpreter finds. There is an error where the interpreter has one, and nowhere else.

use tape::check::Random;
use tape::check::oracle::{self, Bounded, Grid, Number, Oracle};
use tape::check::strategies::{BuiltIn, Noisy, Regime, Script, Scripts};
use tape::{Error, LeafKind, Matrix, Options, Program, Scalar, Tape, Var};

use crate::cases::{Counts, fuzz};
use crate::mine::{Computed, Mine};

/// All that is drawn.
type All = (BuiltIn, (Noisy, Mine));

/// Whether the elements of a case of this seed are any finite numbers; half of the cases have elements of the size of 1.
fn may_overflow(seed: u64) -> bool {
    seed % 4 == 2
}

/// Whether NaN and ±∞ are among them.
fn has_non_finite(seed: u64) -> bool {
    seed % 4 == 3
}

fn drawn(seed: u64) -> Scripts<All> {
    let scripts = Scripts::new((BuiltIn, (Noisy, Mine)));
    // A few of more than one chunk of examples.
    let sized = match seed % 97 {
        0 => scripts.steps(1..=10).leaves(1..=3).rows(1..=7).examples(250..=600).most_elements(1 << 13),
        1..=9 => scripts.steps(4..=16).leaves(1..=5).rows(1..=9).examples(0..=40).most_elements(1 << 9),
        _ => scripts.steps(1..=6).leaves(1..=3).rows(1..=4).examples(0..=5).most_elements(1 << 7),
    };
    match seed % 4 {
        0 | 1 => sized.elements(Regime::MODERATE),
        2 => sized.elements(Regime::FINITE),
        _ => sized.elements([Regime::NonFinite, Regime::Normal, Regime::Zeros]),
    }
}

/// One of the ways to compile and to run.
fn options(seed: u64) -> Options {
    let options = Options::default().threads(1);
    match seed / 4 % 8 {
        0 => Options::literal().threads(1),
        1 => options.fusion(false),
        2 => options.rewrites(false),
        3 => options.tile_columns(1),
        4 => options.threads(2).tile_columns(1),
        _ => options,
    }
}

/// What is asked of a tape: J, its gradients, sometimes the gradient of one of them, and all steps.
struct Asked<'t, T: Scalar> {
    j: Var<'t, T>,
    outputs: Vec<Var<'t, T>>,
    leaves: Vec<Var<'t, T>>,
    noise: Vec<Var<'t, T>>,
}

fn asked<'t, T: Scalar>(seed: u64, tape: &'t Tape<T>, script: &Script<All>) -> Option<Asked<'t, T>> {
    let recorded = script.record(tape);
    let (last, middle) = (recorded.steps.last()?, recorded.steps[recorded.steps.len() / 2]);
    let j = ((*last * last.sin()).sum() + middle.tanh().sum()).named("J");
    let gradients = j.gradients_or_zeros(&recorded.leaves);
    let mut outputs = vec![j];
    outputs.extend(&gradients);
    if seed % 5 == 1 {
        let slope = gradients.iter().map(|g| g.sin().sum()).reduce(|a, b| a + b)?;
        outputs.extend(slope.gradients_or_zeros(&recorded.leaves));
    }
    outputs.extend(&recorded.steps);
    let noise = tape.entries().filter(|entry| matches!(entry.leaf_kind(), Some(LeafKind::Noise(_))));
    Some(Asked { j, noise: noise.map(|entry| entry.var()).collect(), outputs, leaves: recorded.leaves })
}

fn shown<T: Scalar>(tape: &Tape<T>, at: usize) -> String {
    format!("output {at} in {} of\n{tape}", T::NAME)
}

/// NaN, −∞, ∞ and what is finite.
fn class(x: f64) -> &'static str {
    match x {
        x if x.is_nan() => "NaN",
        f64::INFINITY => "∞",
        f64::NEG_INFINITY => "−∞",
        _ => "finite",
    }
}

/// The values of all outputs, of noise too.
fn values<T: Scalar>(program: &Program<T>, of: &[Var<'_, T>]) -> Vec<Matrix<T>> {
    of.iter().map(|&output| program.view(output).expect("it has run").to_matrix()).collect()
}

/// An oracle that knows what a run has drawn, and what leaves are bound to.
fn told<'d, T: Scalar>(
    computed: &'d Computed,
    m: usize,
    bound: &[(Var<'_, T>, Matrix<T>)],
) -> Oracle<T, &'d Computed> {
    let mut oracle = Oracle::new().definitions(computed).examples(m);
    for (leaf, value) in bound {
        oracle = oracle.bind(*leaf, value).expect("it is a leaf");
    }
    oracle
}

#[derive(Default)]
struct Seen {
    compared: u64,
    unbounded: u64,
    classes: u64,
    saved: u64,
    open: u64,
    errors: u64,
    derivatives: u64,
    runs: u64,
}

impl Seen {
    fn counts(self) -> Counts {
        vec![
            ("programs", 1),
            ("runs", self.runs),
            ("elements", self.compared),
            ("without a bound", self.unbounded),
            ("classes", self.classes),
            ("finite where the formula is not", self.saved),
            ("classes that rounding decides", self.open),
            ("errors", self.errors),
            ("derivatives by dual numbers", self.derivatives),
        ]
    }
}

fn within<T: Scalar>(
    seen: &mut Seen,
    found: &Matrix<T>,
    (plain, expected): (&Matrix<f64>, &Grid<Bounded<T>>),
    what: &dyn Fn() -> String,
) -> Result<(), String> {
    if found.shape() != expected.shape() {
        return Err(format!("shape: {:?}, not {:?}: {}", found.shape(), expected.shape(), what()));
    }
    for (((place, found), plain), expected) in found.iter_indexed().zip(plain.iter()).zip(expected.as_slice())
    {
        let (found, bound) = (found.to_f64(), expected.bound());
        seen.compared += 1;
        if bound.is_infinite() || !plain.is_finite() {
            seen.unbounded += 1;
        } else if (found - expected.value()).abs() > 2.0 * bound || found.is_nan() {
            return Err(format!("value: {found:e}, not {expected:?}, at {place:?} of {}", what()));
        }
    }
    Ok(())
}

fn of_one_class<T: Scalar>(
    seen: &mut Seen,
    is_literal: bool,
    (found, expected): (&Matrix<T>, &Matrix<f64>),
    rounding_decides: &dyn Fn() -> bool,
    what: &dyn Fn() -> String,
) -> Result<(), String> {
    for ((place, found), &expected) in found.iter_indexed().zip(expected.iter()) {
        let (found, expected) = (class(found.to_f64()), class(expected));
        seen.classes += 1;
        if found == expected {
            continue;
        }
        // The naive formula is safe: a program has the value that the formula has not.
        if !is_literal && expected == "NaN" {
            seen.saved += 1;
            continue;
        }
        if rounding_decides() {
            seen.open += 1;
            continue;
        }
        return Err(format!("class {found} for {expected}: at {place:?} of {}", what()));
    }
    Ok(())
}

/// Whether rounding decides of what class something is. What cancels is 0 in one evaluation and not in another, and 0·∞ is NaN; x⁰
/// and 1ᵖ are 1, also where x or p is NaN.
fn rounding_decides<T: Scalar>(oracle: &Oracle<T, &Computed>, tape: &Tape<T>) -> bool {
    let least_of_roundings = T::EPSILON.to_f64().powi(3);
    let is_near = |x: Var<'_, T>, number: f64| {
        let is_element_near = |x: &Bounded<T>| {
            let bound = x.bound();
            bound > least_of_roundings && bound.is_finite() && (x.value() - number).abs() <= bound
        };
        // What no output needs may have an error.
        oracle.value::<Bounded<T>>(x).is_ok_and(|x| x.as_slice().iter().any(is_element_near))
    };
    let has_base_near_one = |entry: tape::Entry<'_, T>| match &*entry.operation() {
        "power" => entry.operands().next().is_some_and(|base| is_near(base.var(), 1.0)),
        _ => false,
    };
    tape.entries().any(|entry| is_near(entry.var(), 0.0) || has_base_near_one(entry))
}

/// A run and what the interpreter says of it. The leaves are those of the tape, or what is bound to them.
fn judged<T: Scalar>(
    seed: u64,
    seen: &mut Seen,
    (asked, tape, m): (&Asked<'_, T>, &Tape<T>, usize),
    program: &mut Program<T>,
    bound: &[(Var<'_, T>, Matrix<T>)],
) -> Result<bool, String> {
    seen.runs += 1;
    program.seed(seed);
    let run = program.run();
    let mut bound = bound.to_vec();
    if run.is_err() && !asked.noise.is_empty() {
        return Ok(false); // what it has drawn cannot be seen
    }
    bound.extend(asked.noise.iter().copied().zip(values(program, &asked.noise)));
    let (of_plain, of_bounds) = (Computed::default(), Computed::default());
    let oracle = told(&of_plain, m, &bound);
    let plain = match T::NAME {
        "f32" => plain::<T, f32>(&oracle, asked),
        _ => plain::<T, f64>(&oracle, asked),
    };
    let bounds = told(&of_bounds, m, &bound).values::<Bounded<T>>(&asked.outputs);
    let has_error = plain.is_err() || of_plain.has_fault.get();
    if run.is_err() && has_error {
        seen.errors += 1;
        return Ok(false);
    }
    // The interpreter does not look at what labels are, which may be NaN.
    let is_label = matches!(run, Err(Error::Label { .. } | Error::Probability { .. }));
    let has_nan = plain.iter().flatten().any(|output| output.iter().any(|x| x.is_nan()));
    // What is near the end of a domain may be on either side of it, and what overflows in one order may not in another.
    let is_open = of_bounds.has_fault.get() != of_plain.has_fault.get()
        || of_bounds.may_have.get()
        || plain.is_err() != bounds.is_err();
    match run {
        Err(_) if is_open || is_label && has_nan || may_overflow(seed) => return Ok(false),
        Err(error) => return Err(format!("error: {error}, where the interpreter has none, of\n{tape}")),
        Ok(()) if is_open || has_error && may_overflow(seed) => return Ok(false),
        Ok(()) if has_error => return Err(format!("no error: {:?}\n{tape}", plain.err())),
        Ok(()) => {}
    }
    let (plain, bounds) = (plain.expect("as seen"), bounds.expect("as seen"));
    for (at, found) in values(program, &asked.outputs).iter().enumerate() {
        let what = || shown(tape, at);
        within(seen, found, (&plain[at], &bounds[at]), &what)?;
        if has_non_finite(seed) {
            let is_open = || rounding_decides(&told(&of_bounds, m, &bound), tape);
            of_one_class(seen, (seed / 4).is_multiple_of(8), (found, &plain[at]), &is_open, &what)?;
        }
    }
    Ok(true)
}

fn plain<T: Scalar, N: Number>(
    oracle: &Oracle<T, &Computed>,
    asked: &Asked<'_, T>,
) -> Result<Vec<Matrix<f64>>, oracle::Error> {
    Ok(oracle.values::<N>(&asked.outputs)?.iter().map(Grid::values).collect())
}

/// The gradients along a direction are what dual numbers say.
fn derivatives_are_right<T: Scalar>(
    seed: u64,
    seen: &mut Seen,
    (asked, tape, m): (&Asked<'_, T>, &Tape<T>, usize),
    program: &Program<T>,
) -> Result<(), String> {
    let mut random = Random::new(seed);
    let computed = Computed::default();
    let bound: Vec<_> = asked.noise.iter().copied().zip(values(program, &asked.noise)).collect();
    let oracle = told(&computed, m, &bound);
    let leaf = random.below(asked.leaves.len());
    let (x, gradient) = (asked.leaves[leaf], asked.outputs[1 + leaf]);
    let (rows, columns) = x.shape().expect("it is a leaf").at(m);
    let direction: Matrix<T> = random.matrix(rows, columns, -1.0, 1.0);
    let Ok(slope) = oracle.derivative::<Bounded<T>>(asked.j, &[(x, &direction)]) else { return Ok(()) };
    let Ok(recorded) = oracle.value::<Bounded<T>>(gradient) else { return Ok(()) };
    let pairs =
        recorded.as_slice().iter().copied().zip(direction.iter().map(|v| Bounded::new(v.to_f64(), 0.0)));
    let (recorded, slope) = (Bounded::dot(&pairs.collect::<Vec<_>>()), slope[(0, 0)]);
    let bound = 2.0 * (recorded.bound() + slope.bound());
    if bound.is_finite() {
        seen.derivatives += 1;
        let off = (recorded.value() - slope.value()).abs();
        if off > bound || off.is_nan() {
            return Err(format!(
                "derivative: {recorded:?}, by dual numbers {slope:?}: leaf {leaf} in {} of\n{tape}",
                T::NAME
            ));
        }
    }
    Ok(())
}

fn holds<T: Scalar>(seed: u64, script: &Script<All>) -> Result<Counts, String> {
    let tape = Tape::<T>::new();
    let mut seen = Seen::default();
    let Some(asked) = asked(seed, &tape, script) else { return Ok(seen.counts()) };
    let m = script.m();
    let compiled = tape.compile_with(asked.outputs.iter().chain(&asked.noise).copied(), options(seed));
    let mut program = compiled.map_err(|error| format!("compile: {error}\n{tape}"))?;
    let case = (&asked, &tape, m);
    let has_run = judged(seed, &mut seen, case, &mut program, &[])?;
    if has_run && !has_non_finite(seed) {
        derivatives_are_right(seed, &mut seen, case, &program)?;
    }
    if has_run {
        // The same bits once more.
        let before = values(&program, &asked.outputs);
        program.seed(seed);
        program.run().map_err(|error| format!("second run: {error}\n{tape}"))?;
        seen.runs += 1;
        for (at, (a, b)) in before.iter().zip(&values(&program, &asked.outputs)).enumerate() {
            if !a.iter().zip(b.iter()).all(|(a, b)| a.bits() == b.bits() || a.is_nan() && b.is_nan()) {
                return Err(format!("second run: other bits in {}", shown(&tape, at)));
            }
        }
        // The same program on other numbers of examples.
        for other in [m + 1, m / 2] {
            let rebound: Vec<(Var<'_, T>, Matrix<T>)> = (asked.leaves.iter().zip(script.leaves()))
                .filter(|(_, leaf)| leaf.kind() == LeafKind::Examples)
                .map(|(&var, leaf)| {
                    let value = leaf.value::<T>();
                    let of = |i, j: usize| if m == 0 { T::ONE } else { value[(i, j % m)] };
                    (var, Matrix::from_fn(value.rows(), other, of))
                })
                .collect();
            if rebound.is_empty() || !seed.is_multiple_of(3) {
                break;
            }
            program
                .bind_all(rebound.iter().map(|(var, value)| (*var, value)))
                .map_err(|error| format!("bind: {error}\n{tape}"))?;
            judged(seed, &mut seen, (&asked, &tape, other), &mut program, &rebound)?;
        }
    }
    Ok(seen.counts())
}

#[test]
fn programs_compute_what_the_interpreter_does() {
    fuzz("programs", 400, drawn, |seed, script| match seed % 3 {
        2 => holds::<f32>(seed, script),
        _ => holds::<f64>(seed, script),
    });
}

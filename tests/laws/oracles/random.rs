//! On random tapes the oracles judge each other, and the tape's derivatives.
//!
//! `TAPES=10000 cargo test --release --test laws oracles::random -- --nocapture` for more of them, `SEED=17` for one alone.

use tape::check::Random;
use tape::check::oracle::{Bounded, Error, Grid, Number, Oracle, Refusal};
use tape::{Matrix, Tape, Var};

use super::long::Long;
use crate::support::cases::given;
use crate::support::plain::draw::Draw;
use crate::support::plain::program::Op;
use crate::support::plain::record::{Real, record};

/// How many tapes, if `TAPES` does not say.
const TAPES: u64 = 400;

#[derive(Debug, Default)]
struct Seen {
    compared: u64,
    /// Complex steps that were taken, and refused.
    steps: u64,
    refused: u64,
    /// Elements of which no finite bound is known.
    unbounded: u64,
    tapes: u64,
}

/// Asserts that all are within their bounds of what numbers of 256 bits say; these have no rounding to speak of.
fn within<T: Real>(
    seen: &mut Seen,
    found: &Matrix<f64>,
    bounds: &Grid<Bounded<T>>,
    truth: &Grid<Long>,
    what: &str,
) {
    for (at, (found, truth)) in found.iter().zip(truth.as_slice()).enumerate() {
        let bound = bounds.as_slice()[at].bound();
        seen.compared += 1;
        seen.unbounded += u64::from(bound.is_infinite());
        // The difference of the long numbers: the truth is no f64.
        let off = (Long::of(*found) - truth.clone()).value().abs();
        let truth = truth.value();
        assert!(
            off <= bound * (1.0 + 1e-9) || *found == truth,
            "{what}: {found:e}, not {truth:e} ± {bound:.1e}"
        );
    }
}

fn drawn(random: &mut Random, shape: (usize, usize)) -> Matrix<f64> {
    // Exact in single precision.
    Matrix::from_fn(shape.0, shape.1, |_, _| (random.between(-1.0, 1.0) * 1024.0).round() / 1024.0)
}

fn judged<T: Real>(seed: u64, seen: &mut Seen) -> Option<()> {
    let mut draw = Draw::new(seed);
    draw.fill(14);
    let j = (0..8).find_map(|_| draw.output())?;
    let tape = Tape::<T>::new();
    let recorded = record(&tape, &draw.script).ok()?;
    let needed = draw.script.needed(&[j]);
    let leaf = (0..draw.script.nodes.len())
        .find(|&i| needed[i] && matches!(draw.script.nodes[i].op, Op::Leaf(..)))?;
    let (j, x) = (recorded.vars[j], recorded.vars[leaf]);
    let mut random = Random::new(!seed);
    let shape = x.shape().unwrap().at(draw.script.m);
    let (v, w) = (drawn(&mut random, shape).cast::<T>(), drawn(&mut random, shape).cast::<T>());
    let [dx] = j.gradients_or_zeros([x]);
    let direction = tape.parameter_unbound("v", x.shape().unwrap());
    let along = (dx * direction).sum();
    let [second] = along.gradients_or_zeros([x]);
    let asked = [("J", j), ("∂J/∂x", dx), ("⟨∂J/∂x, v⟩", along), ("H·v", second)];
    let mut program = tape.compile(asked.iter().map(|(_, y)| *y).chain([direction])).ok()?;
    program.bind(direction, &v).unwrap();
    program.run().unwrap();
    seen.tapes += 1;
    let what = |name: &str| format!("SEED {seed}, {} of a tape in {}\n{tape}", name, T::NAME);

    // The program, the interpreter in f64 and in T, all against 256 bits, entry by entry.
    let oracle = Oracle::new().examples(draw.script.m).bind(direction, &v).unwrap();
    let entries = asked.map(|(_, y)| y);
    let bounds = oracle.values::<Bounded<T>>(&entries).unwrap();
    let of_double = oracle.values::<Bounded<f64>>(&entries).unwrap();
    let truth = oracle.values::<Long>(&entries).unwrap();
    let double = oracle.values::<f64>(&entries).unwrap();
    for (at, (name, y)) in asked.iter().enumerate() {
        let found: Matrix<f64> = program.view(*y).unwrap().to_matrix().cast();
        within(seen, &found, &bounds[at], &truth[at], &what(name));
        within::<f64>(
            seen,
            &double[at].values(),
            &of_double[at],
            &truth[at],
            &what(&format!("{name} by the oracle")),
        );
    }
    if T::NAME == "f32" {
        for (single, (at, (name, _))) in
            oracle.values::<f32>(&entries).unwrap().iter().zip(asked.iter().enumerate())
        {
            within(seen, &single.values(), &bounds[at], &truth[at], &what(&format!("{name} in f32")));
        }
    }

    // Derivatives by dual numbers are those that the tape recorded.
    let slope = oracle.derivative::<Long>(j, &[(x, &v)]).unwrap();
    same(&slope, &truth[2], &what("the derivative by dual numbers"));
    same(&oracle.gradient::<Long>(j, x).unwrap(), &truth[1], &what("the gradient by dual numbers"));
    let curvature = oracle.second::<Long>(j, &[(x, &v)], &[(x, &w)]).unwrap();
    let pairs: Vec<(Long, Long)> =
        truth[3].as_slice().iter().cloned().zip(w.iter().map(|w| Long::of((*w).to_f64()))).collect();
    let size = pairs.iter().map(|(h, w)| (h.value() * w.value()).abs()).sum::<f64>();
    let expected = Long::dot(&pairs);
    let off = (curvature[(0, 0)].clone() - expected).value().abs();
    assert!(off <= 1e-40 * (size + 1.0), "{}: {off:e}", what("order 2 by hyper-dual numbers"));
    complex_step(seen, &oracle, (j, x, &v), (&of_double[2], &slope), &what("the complex step"));
    Some(())
}

/// A complex step, where nothing branches on what moves.
fn complex_step<T: Real>(
    seen: &mut Seen,
    oracle: &Oracle<T>,
    (j, x, v): (Var<'_, T>, Var<'_, T>, &Matrix<T>),
    (bound, slope): (&Grid<Bounded<f64>>, &Grid<Long>),
    what: &str,
) {
    match oracle.complex_step(j, &[(x, v)]) {
        Ok(found) => {
            seen.steps += 1;
            let of_duals = oracle.derivative::<Bounded<f64>>(j, &[(x, v)]).unwrap()[(0, 0)].bound();
            // Other formulas, of another size of rounding: some times the greater bound.
            let bound = 16.0 * bound[(0, 0)].bound().max(of_duals) + 1e-13;
            let (found, slope) = (found[(0, 0)], slope[(0, 0)].value());
            assert!((found - slope).abs() <= bound, "{what}: {found:e}, not {slope:e} ± {bound:.1e}");
        }
        Err(Error::Refused { reason: Refusal::NotAnalytic, .. }) => seen.refused += 1,
        Err(error) => panic!("{what}: {error}"),
    }
}

/// Asserts that both are one number, to 40 digits of the greatest element.
fn same(found: &Grid<Long>, expected: &Grid<Long>, what: &str) {
    assert_eq!(found.shape(), expected.shape(), "{what}");
    let size = expected.as_slice().iter().map(|x| x.value().abs()).fold(1.0, f64::max);
    for (found, expected) in found.as_slice().iter().zip(expected.as_slice()) {
        let off = (found.clone() - expected.clone()).value().abs();
        assert!(off <= 1e-40 * size, "{what}: {found:?}, not {expected:?}");
    }
}

#[test]
fn oracles_judge_each_other_and_the_tape() {
    let only = given("SEED");
    let tapes = given("TAPES").unwrap_or(TAPES);
    let mut seen = Seen::default();
    for seed in only.map_or(0..tapes, |seed| seed..seed + 1) {
        let _ = if seed % 3 == 2 { judged::<f32>(seed, &mut seen) } else { judged::<f64>(seed, &mut seen) };
    }
    println!("{seen:?}");
    if only.is_none() {
        assert!(seen.tapes > tapes / 2 && seen.compared > 10 * tapes, "{seen:?}");
        assert!(seen.steps > tapes / 20 && seen.refused > tapes / 100, "{seen:?}");
        assert!(seen.unbounded * 50 < seen.compared, "{seen:?}");
    }
}

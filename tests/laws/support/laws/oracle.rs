//! The oracles that are public judge every operation too, and with that are judged: what a program computes is
//! what the interpreter of `tape::check::oracle` computes, and recorded derivatives are those of dual numbers, all within the
//! rounding bounds that it gives.

use tape::check::oracle::{Bounded, Definitions, Elementary, Grid, Number, Oracle};
use tape::{Matrix, Options, Scalar, Tape, Var};

use super::{Bench, Case, Recorded, draw};
use tape::check::Random;

/// How many rows `gathered` weighs.
const TAPS: usize = 2;

/// What the table's own operations and function compute.
#[derive(Clone)]
pub(super) struct Own;

impl Definitions for Own {
    fn operation<N: Number>(&self, name: &str, x: &[&Grid<N>]) -> Option<Grid<N>> {
        let a = x[0];
        let at = |i: usize, j: usize| a[(i, j)].clone();
        let (rows, columns) = a.shape();
        let tap = |k: usize, x: N| (N::of((k + 1) as f64), x);
        Some(match name {
            "weighted" => {
                Grid::new(rows, columns, |i, j| N::of(3.0) * (at(i, j) * at(i, j) * x[1][(i, j)].clone()))
            }
            // 3 times the next column, or the one before, around the end.
            "around" => Grid::new(rows, columns, |i, j| N::of(3.0) * at(i, (j + 1) % columns)),
            "aroundᵀ" => Grid::new(rows, columns, |i, j| N::of(3.0) * at(i, (j + columns - 1) % columns)),
            // Σₖ (k + 1)·a[i + k], and its transpose.
            "gathered" => Grid::new(rows + 1 - TAPS, columns, |i, j| {
                N::dot(&(0..TAPS).map(|k| tap(k, at(i + k, j))).collect::<Vec<_>>())
            }),
            "gatheredᵀ" => Grid::new(rows + TAPS - 1, columns, |i, j| {
                let reached = (0..TAPS).filter(|&k| k <= i && i - k < rows);
                N::dot(&reached.map(|k| tap(k, at(i - k, j))).collect::<Vec<_>>())
            }),
            // √(x² + y²), and below it the angle.
            "polar" => Grid::new(2 * rows, columns, |i, j| match i.checked_sub(rows) {
                None => {
                    let (x, y) = (at(i, j), x[1][(i, j)].clone());
                    (x.clone() * x + y.clone() * y).elementary(Elementary::Sqrt)
                }
                Some(i) => x[1][(i, j)].atan2(&at(i, j)),
            }),
            // The sum of each row, and below them that of all squares.
            "sums" => Grid::new(rows + 1, 1, |i, _| match i < rows {
                true => N::sum(&(0..columns).map(|j| at(i, j)).collect::<Vec<_>>()),
                false => N::dot(&a.as_slice().iter().map(|a| (a.clone(), a.clone())).collect::<Vec<_>>()),
            }),
            _ => return None,
        })
    }
    fn function<N: Number>(&self, name: &str, x: &N) -> Option<N> {
        let x = || x.clone();
        match name {
            "x³" => Some(x() * x() * x()),
            "3x²" => Some(N::of(3.0) * x() * x()),
            "6x" => Some(N::of(6.0) * x()),
            "6" => Some(N::of(6.0)),
            _ => None,
        }
    }
}

/// Asserts of a case, for m examples, that programs with and without rewrites compute what the oracles say. The answer
/// is for how many elements they told a bound, and for how many they know none.
pub(crate) fn check<T: Scalar>(case: &Case<T>, m: usize, random: &mut Random) -> [usize; 2] {
    if case.depends_on_m() && m < case.least_m {
        return [0, 0];
    }
    let values: Vec<Matrix<T>> = draw(case, m, random);
    let tape = Tape::<T>::new();
    let recorded = Recorded::new(case, &tape, &values);
    let mut told = [0, 0];
    for (options, rewrites) in [(Options::default(), true), (Options::literal(), false)] {
        let program = recorded.compile(options);
        let mut bench = Bench { case, recorded: &recorded, program, rewrites };
        let [bounded, unbounded] = bench.is_what_the_oracles_say(&values, m, random);
        told = [told[0] + bounded, told[1] + unbounded];
    }
    told
}

/// Asserts that a program's value is an oracle's within the bound, and that the bound is one.
#[track_caller]
fn within<T: Scalar>(found: &Matrix<f64>, oracle: &Grid<Bounded<T>>, what: &str) {
    assert_eq!(found.shape(), oracle.shape(), "{what}");
    let size = oracle.as_slice().iter().map(|known| known.value().abs()).fold(1.0, f64::max);
    for ((place, found), known) in found.iter_indexed().zip(oracle.as_slice()) {
        // The oracle's own value is an evaluation too, if in `f64`.
        let (value, bound) = (known.value(), known.bound());
        // A bound that is none would let everything pass.
        assert!(bound <= 1e5 * T::EPSILON.to_f64() * size, "{what}: {value:e} ± {bound:.1e} of {size:e}");
        let close =
            (found - value).abs() <= 2.0 * bound || found == value || found.is_nan() && value.is_nan();
        assert!(close, "{what}: {found:e} at {place:?} ought to be {value:e} ± {bound:.1e}");
    }
}

impl<T: Scalar> Bench<'_, '_, T> {
    /// Value, J·v, Jᵀ·u and the gradient of ⟨Jᵀu, v⟩.
    fn is_what_the_oracles_say(&mut self, values: &[Matrix<T>], m: usize, random: &mut Random) -> [usize; 2] {
        let case = self.case;
        self.bind_inputs(values, m);
        let mut oracle = Oracle::new().examples(m).definitions(Own);
        let mut bind = |leaf: Var<'_, T>, value: &Matrix<T>| {
            oracle = oracle.clone().bind(leaf, value).unwrap_or_else(|e| panic!("{case}: {e}"));
        };
        for (&x, value) in self.recorded.inputs.iter().zip(values) {
            bind(x, value);
        }
        let mut directions = Vec::new();
        if let Some(d) = &self.recorded.derivatives {
            for &leaf in d.v.iter().chain([&d.u]) {
                let (rows, columns) = leaf.shape().unwrap().at(m);
                let value = random.matrix::<T>(rows, columns, -1.0, 1.0);
                bind(leaf, &value);
                self.bind(leaf, &value);
                directions.push(value);
            }
        }
        self.run();
        let mut asked = vec![("the value", self.recorded.output)];
        if let Some(d) = &self.recorded.derivatives {
            asked.push(("J·v", d.pushed));
            asked.extend(d.pulled.iter().map(|&g| ("Jᵀ·u", g)));
            asked.extend(d.second.iter().map(|&g| ("order 2", g)));
        }
        let entries: Vec<Var<'_, T>> = asked.iter().map(|&(_, entry)| entry).collect();
        let known = oracle.values::<Bounded<T>>(&entries).unwrap_or_else(|e| panic!("{case}: {e}"));
        for ((what, entry), known) in asked.iter().zip(&known) {
            within(&self.view(*entry), known, &self.what(&format!("{what} by the oracle")));
        }
        let elements = || known.iter().flat_map(Grid::as_slice);
        let unbounded = elements().filter(|known| known.bound().is_infinite()).count();
        let told = [elements().count() - unbounded, unbounded];
        let Some(d) = &self.recorded.derivatives else { return told };
        let wanted = case.inputs.iter().zip(&self.recorded.inputs).filter(|(input, _)| input.wanted);
        let along: Vec<(Var<'_, T>, &Matrix<T>)> = wanted.map(|(_, &x)| x).zip(&directions).collect();
        let slope = oracle.derivative::<Bounded<T>>(self.recorded.output, &along).unwrap();
        let found = self.view(d.pushed);
        within_both(&found, &known[1], &slope, &self.what("J·v by dual numbers"));
        told
    }
}

/// As [`within`], of two formulas with a bound each.
#[track_caller]
fn within_both<T: Scalar>(found: &Matrix<f64>, one: &Grid<Bounded<T>>, other: &Grid<Bounded<T>>, what: &str) {
    for (at, &found) in found.as_slice().iter().enumerate() {
        let (one, other) = (&one.as_slice()[at], &other.as_slice()[at]);
        let bound = one.bound() + 2.0 * other.bound();
        let close = (found - other.value()).abs() <= bound || found == other.value();
        assert!(close, "{what}: {found:e}, by the oracle {other:?}, off by more than {bound:.1e}");
    }
}

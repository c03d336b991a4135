//! What central differences say of the derivatives on a list.
//!
//! A differentiation notes the cotangent ±mᵏ · G of every entry v that it goes through. So G is
//! compared with differences of what was differentiated at v itself, leaf or not, divided by ±mᵏ:
//! the part of the list after v is recorded once more with v as a leaf, and what `stop_gradient`
//! holds keeps its value. A derivative that was handed out is compared with the differences
//! themselves.

use std::collections::HashMap;

use super::quotient::{Found, Quotient, Reason, allowed, quotient};
use super::values::Number;
use crate::tape::Propagated;
use crate::tape::ids::Id;
use crate::{Entry, LeafKind, Matrix, OperationKind, Options, Program, Result, Scalar, Tape, Var};

/// What all differences of a page may take: floating-point operations of runs, and entries that are
/// recorded once more.
const MOST_FLOPS: u64 = 100_000_000;
const MOST_ENTRIES: usize = 60_000;
/// A run takes as long as so many floating-point operations, whatever it computes.
const FLOPS_OF_A_RUN: u64 = 2_000;
/// The most elements of one derivative that are looked at.
const MOST_CELLS: usize = 256;

#[derive(Debug, Clone, serde::Serialize)]
#[serde(bound = "")]
pub(super) struct Difference<T: Scalar> {
    of: usize,
    with_respect_to: usize,
    front: (f64, i32),
    rows: usize,
    columns: usize,
    data: Vec<Option<Number<T>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relative: Option<f64>,
    allowed: f64,
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    Agrees,
    Differs,
    Unchecked,
}

/// A derivative on the list.
#[derive(Debug, Clone, Copy)]
struct Derivative {
    entry: usize,
    of: usize,
    with_respect_to: usize,
    negative: bool,
    /// The power of m that stands in front of the entry.
    m: i32,
}

/// What differences say, by the entry that is the derivative.
pub(super) fn of_list<T: Scalar>(
    program: &Program<T>,
    tape: &Tape<T>,
    values: &[Option<Matrix<T>>],
    (side, is_worth_it): (usize, bool),
) -> Result<HashMap<usize, Difference<T>>> {
    let mut found = HashMap::new();
    let (mut flops, mut recorded) = (MOST_FLOPS, MOST_ENTRIES);
    for derivatives in derivatives(tape, values.len()) {
        let Some(Derivative { of, with_respect_to, .. }) = derivatives.first().copied() else { continue };
        let (Some(root), Some(at)) = (&values[of], &values[with_respect_to]) else { continue };
        let (&[y], Some(m)) = (root.as_slice(), program.m().or(Some(1))) else { continue };
        recorded = recorded.saturating_sub(of + 1 - with_respect_to);
        let cells = Cells::of(at, side);
        let quotients = if cells.count() == 0 {
            Err(Reason::Empty)
        } else if !y.is_finite() {
            Err(Reason::Domain)
        } else if !is_worth_it || recorded == 0 {
            Err(Reason::Cost)
        } else {
            let mut probe = Probe::new(program, tape, values, of, with_respect_to)?;
            let cost = probe.program.flops(m) + FLOPS_OF_A_RUN;
            match flops.checked_sub((cells.count() as u64 * 4 + 1) * cost) {
                None => Err(Reason::Cost),
                Some(left) => {
                    flops = left;
                    Ok(probe.quotients(at, cells, cost, &mut flops)?)
                }
            }
        };
        for derivative in derivatives {
            if let Some(value) = &values[derivative.entry] {
                let judged = judged(derivative, value, m, cells, &quotients);
                found.entry(derivative.entry).or_insert(judged);
            }
        }
    }
    Ok(found)
}

/// The derivatives on the list, those with respect to one entry together: leaves first.
fn derivatives<T: Scalar>(tape: &Tape<T>, entries: usize) -> Vec<Vec<Derivative>> {
    let of_one = |(with_respect_to, propagated): (usize, Propagated)| {
        let Propagated { of, g, negative, m, whole } = propagated;
        let (of, g) = (of?.index(), g.index());
        if g >= entries || of == with_respect_to || tape.at(g).kind() == OperationKind::Number {
            return None;
        }
        let mut all = vec![Derivative { entry: g, of, with_respect_to, negative, m }];
        let whole = whole.map(Id::index).filter(|&whole| whole < entries && whole != g);
        all.extend(whole.map(|entry| Derivative { entry, of, with_respect_to, negative: false, m: 0 }));
        Some(all)
    };
    let mut all: Vec<Vec<Derivative>> = tape.propagated(entries).into_iter().filter_map(of_one).collect();
    // Leaves first, then what has a name.
    all.sort_by_key(|derivatives| {
        let with_respect_to = tape.at(derivatives[0].with_respect_to);
        (with_respect_to.operands().len() > 0, with_respect_to.given_name().is_none())
    });
    all
}

/// The elements that are looked at: the first rows and columns.
#[derive(Debug, Clone, Copy)]
struct Cells {
    rows: usize,
    columns: usize,
}

impl Cells {
    fn of<T: Scalar>(value: &Matrix<T>, side: usize) -> Self {
        let rows = value.rows().min(side);
        let columns = value.columns().min(side).min((MOST_CELLS / rows.max(1)).max(1));
        Cells { rows, columns }
    }

    fn count(self) -> usize {
        self.rows * self.columns
    }
}

/// What is differentiated, as a function of one entry.
struct Probe<T: Scalar> {
    program: Program<T>,
    of: crate::EntryId,
    with_respect_to: crate::EntryId,
}

impl<T: Scalar> Probe<T> {
    fn new(
        program: &Program<T>,
        tape: &Tape<T>,
        values: &[Option<Matrix<T>>],
        of: usize,
        with_respect_to: usize,
    ) -> Result<Self> {
        let copy = Tape::new();
        let mut copies: HashMap<usize, Var<'_, T>> = HashMap::new();
        for index in cone(tape, of, with_respect_to) {
            let entry = tape.at(index);
            let is_leaf = index == with_respect_to || stands_still(entry);
            let var = if is_leaf {
                let kind =
                    if entry.shape().depends_on_m() { LeafKind::Examples } else { LeafKind::Parameter };
                copy.leaf_here(&entry.label(), kind, entry.shape(), values[index].as_ref())
            } else {
                let operands: Vec<Var<'_, T>> =
                    entry.operands().map(|operand| copies[&operand.index()]).collect();
                copy.push_here(None, entry.operation_itself(), &operands)
            };
            copies.insert(index, var);
        }
        let (of, with_respect_to) = (copies[&of], copies[&with_respect_to]);
        let options: Options = program.options().threads(1);
        let mut of_copy = copy.compile_with([of], options)?;
        if let Some(m) = program.m() {
            of_copy.examples_if_none(m);
        }
        Ok(Probe { program: of_copy, of: of.id()?, with_respect_to: with_respect_to.id()? })
    }

    fn value_at(&mut self, at: &Matrix<T>) -> Result<f64> {
        self.program.bind(self.with_respect_to, at)?;
        self.program.run()?;
        Ok(self.program.scalar(self.of)?.to_f64())
    }

    /// The quotients at the elements, each from four runs or, of what is left of `flops`, more.
    fn quotients(&mut self, at: &Matrix<T>, cells: Cells, cost: u64, flops: &mut u64) -> Result<Vec<Found>> {
        let here = self.value_at(at)?;
        let mut moved = at.try_clone()?;
        let mut quotients = Vec::with_capacity(cells.count());
        let mut scale = 0.0_f64;
        for j in 0..cells.columns {
            for i in 0..cells.rows {
                let function = |x: T| {
                    moved[(i, j)] = x;
                    self.value_at(&moved)
                };
                let may_go_on = || match flops.checked_sub(4 * cost) {
                    Some(left) => {
                        *flops = left;
                        true
                    }
                    None => false,
                };
                let found = quotient(at[(i, j)], here, scale, function, may_go_on);
                scale = found.map_or(scale, |found| scale.max(found.value.abs()));
                quotients.push(found);
                moved[(i, j)] = at[(i, j)];
            }
        }
        Ok(quotients)
    }
}

/// Whether no difference moves an entry: a leaf, or what no derivative flows through.
fn stands_still<T: Scalar>(entry: Entry<'_, T>) -> bool {
    entry.leaf_kind().is_some() || entry.kind() == OperationKind::Stop
}

/// The entries from which `of` is computed, where `leaf` stands as a leaf; in the list's order.
fn cone<T: Scalar>(tape: &Tape<T>, of: usize, leaf: usize) -> Vec<usize> {
    let mut needed = vec![false; of + 1];
    needed[of] = true;
    needed[leaf] = true;
    for index in (0..=of).rev() {
        if needed[index] && index != leaf && !stands_still(tape.at(index)) {
            tape.at(index).operands().for_each(|operand| needed[operand.index()] = true);
        }
    }
    (0..=of).filter(|&index| needed[index]).collect()
}

fn judged<T: Scalar>(
    derivative: Derivative,
    value: &Matrix<T>,
    m: usize,
    cells: Cells,
    quotients: &Result<Vec<Found>, Reason>,
) -> Difference<T> {
    let Derivative { of, with_respect_to, negative, m: power, .. } = derivative;
    let sign = if negative { -1.0 } else { 1.0 };
    let front = sign * (m as f64).powi(power);
    // Of no examples m is 0, and nothing can be told of what it stands before.
    let quotients =
        if m == 0 && power != 0 { Err(Reason::Empty) } else { quotients.as_deref().map_err(|&why| why) };
    // What repeats to the shape of the other is read so.
    let recorded = |i: usize, j: usize| value[(i.min(value.rows() - 1), j.min(value.columns() - 1))].to_f64();
    let (mut worst, mut scale) = (0.0_f64, 0.0_f64);
    // How far the worst is apart beyond rounding, and whether rounding is all that is seen.
    let (mut beyond, mut is_too_small) = (0.0_f64, true);
    let mut reason = None;
    let mut data = vec![None; cells.count()];
    for (k, quotient) in quotients.unwrap_or_default().iter().enumerate() {
        let Quotient { value, noise } = match *quotient {
            Ok(quotient) => quotient,
            Err(why) => {
                reason = Some(why);
                continue;
            }
        };
        let (found, expected) = (value / front, recorded(k % cells.rows, k / cells.rows));
        data[k] = Some(Number(T::from_f64(found)));
        let (apart, noise) = ((found - expected).abs(), noise / front.abs());
        worst = largest(worst, apart);
        beyond = largest(beyond, apart - noise);
        scale = scale.max(found.abs()).max(expected.abs());
        is_too_small &= found.abs().max(expected.abs()) <= 10.0 * noise;
    }
    let allowed = allowed::<T>();
    let is_any = data.iter().any(Option::is_some);
    let verdict = match quotients {
        Err(why) => {
            reason = Some(why);
            Verdict::Unchecked
        }
        Ok(_) if !is_any => Verdict::Unchecked,
        Ok(_) if beyond <= 0.0 && is_too_small => {
            reason = Some(Reason::TooSmall);
            Verdict::Unchecked
        }
        // Not where both are infinite.
        Ok(_) if worst.is_finite() && beyond <= allowed * scale => Verdict::Agrees,
        Ok(_) => Verdict::Differs,
    };
    let relative = is_any.then_some(if worst == 0.0 { 0.0 } else { worst / scale });
    let (rows, columns) = (cells.rows, cells.columns);
    Difference {
        of,
        with_respect_to,
        front: (sign, power),
        rows,
        columns,
        data,
        relative,
        allowed,
        verdict,
        reason,
    }
}

/// The larger of two, NaN above all.
fn largest(a: f64, b: f64) -> f64 {
    if b > a || b.is_nan() { b } else { a }
}

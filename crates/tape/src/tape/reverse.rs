//! The reverse walk over the list.

use std::rc::Rc;
use std::sync::Arc;

use crate::ops::Op;
use crate::ops::scale::Factor;
use crate::tape::ids::{EntryIndex, Id};
use crate::tape::vjp::{Cotangent, Front, Vjp};
use crate::tape::{Derived, Ids, Propagated, RecordedBy};
use crate::{Error, Scalar, Tape, Var};

/// Walks from the outputs back to the variables, and records with the tape's own operations what is
/// on the way.
///
/// `seeds` are outputs with their cotangents. The answer has, for each variable, its cotangent,
/// which repeats to the variable's shape, or `None` where no path leads to it or every path has
/// derivative zero.
pub(crate) fn walk<'t, T: Scalar>(
    seeds: &[(Var<'t, T>, Var<'t, T>)],
    with_respect_to: &[Var<'t, T>],
    names: Option<&Naming>,
) -> Result<Vec<Option<Cotangent<'t, T>>>, Error> {
    let Some(tape) = seeds.first().map(|(output, _)| output.tape) else {
        return Ok(vec![None; with_respect_to.len()]);
    };
    let of = differentiated(seeds);
    let end = seeds.iter().map(|(output, _)| output.id.index() + 1).max().unwrap_or(0);
    let start = with_respect_to.iter().map(|v| v.id.index()).min().unwrap_or(end).min(end);
    let on_the_way = reaches(tape, with_respect_to, start, end);
    let mut cotangents: Vec<Option<Cotangent<'t, T>>> = vec![None; end - start];
    for &(output, cotangent) in seeds {
        if output.id.index() >= start {
            accumulate(&mut cotangents[output.id.index() - start], Cotangent::new(cotangent));
        }
    }
    for at in (0..end - start).rev() {
        let id = EntryIndex::from_index(start + at);
        let Some(cotangent) = cotangents[at].filter(|_| on_the_way[at]) else { continue };
        cotangent.g.sound()?;
        if let Some(names) = names {
            names.propagated(cotangent, id);
        }
        note_cotangent(cotangent, id, of);
        let (op, operands): (Op<T>, Ids) = {
            let list = tape.list.borrow();
            let entry = list.entry(id);
            (entry.op.clone(), entry.operands.clone())
        };
        let wanted = |operand: EntryIndex| operand.index() >= start && on_the_way[operand.index() - start];
        if !operands.iter().any(|&operand| wanted(operand)) {
            continue;
        }
        tape.list.borrow_mut().origin = Some(RecordedBy::Rule(id));
        let contributions = {
            let _multiplied_away = tape.while_unit_is(cotangent.g);
            let mut entry = Vjp::new(cotangent, id, &operands, wanted);
            op.rule().vjp(&mut entry);
            entry.finish()
        };
        for (operand, contribution) in contributions {
            tape.list.borrow_mut().origin = Some(RecordedBy::Sum(operand));
            accumulate(&mut cotangents[operand.index() - start], contribution);
        }
    }
    Ok(with_respect_to.iter().map(|v| cotangents.get(v.id.index() - start).copied().flatten()).collect())
}

/// Of what the cotangents are derivatives: of the one output whose seed is the number 1.
pub(crate) fn differentiated<T: Scalar>(seeds: &[(Var<'_, T>, Var<'_, T>)]) -> Option<EntryIndex> {
    match *seeds {
        [(output, seed)] if seed.as_number().is_some_and(Factor::is_one) => Some(output.id),
        _ => None,
    }
}

/// Notes what the cotangent of an entry is, for whoever shows the list. That of a derivative taken
/// again is left out where there was one before.
fn note_cotangent<T: Scalar>(cotangent: Cotangent<'_, T>, id: EntryIndex, of: Option<EntryIndex>) {
    let Front { negative, m, per_m } = cotangent.front;
    let propagated = Propagated { of, g: cotangent.g.id, negative, m: m - per_m, whole: None };
    cotangent.g.tape.list.borrow_mut().cotangents.entry((id, of)).or_insert(propagated);
}

/// Notes the derivative of `of` that is handed out.
pub(crate) fn note_whole<T: Scalar>(whole: Var<'_, T>, of: EntryIndex, with_respect_to: EntryIndex) {
    if let Some(propagated) = whole.tape.list.borrow_mut().cotangents.get_mut(&(with_respect_to, Some(of))) {
        propagated.whole.get_or_insert(whole.id);
    }
}

fn accumulate<'t, T: Scalar>(sum: &mut Option<Cotangent<'t, T>>, contribution: Cotangent<'t, T>) {
    *sum = Some(match *sum {
        None => contribution,
        Some(sum) => sum.plus(contribution),
    });
}

/// For the entries `start..end`: whether one of the variables is reached from it.
fn reaches<T: Scalar>(tape: &Tape<T>, variables: &[Var<'_, T>], start: usize, end: usize) -> Vec<bool> {
    let mut reaches = vec![false; end - start];
    for variable in variables.iter().filter(|v| v.id.index() < end) {
        reaches[variable.id.index() - start] = true;
    }
    let list = tape.list.borrow();
    for at in 0..end - start {
        let through = |&operand: &EntryIndex| operand.index() >= start && reaches[operand.index() - start];
        let id = EntryIndex::from_index(start + at);
        reaches[at] = reaches[at] || list.entry(id).operands.iter().any(through);
    }
    reaches
}

/// Whether `output` depends on `variable`.
pub(crate) fn depends<T: Scalar>(output: Var<'_, T>, variable: Var<'_, T>) -> bool {
    variable.id <= output.id
        && reaches(output.tape, &[variable], variable.id.index(), output.id.index() + 1).last() == Some(&true)
}

/// How the derivatives of a scalar are named: ∂J/∂W[1], and ∂ℒ/∂A[1] where the factor 1/m is in
/// front.
pub(crate) struct Naming {
    /// J, or the output's own name.
    of: Arc<str>,
    /// Whether the output is a sum over the examples, without the factor 1/m.
    is_sum: bool,
}

impl Naming {
    pub(crate) fn of<T: Scalar>(output: Var<'_, T>) -> Self {
        let of = output.name().map_or_else(|| "J".into(), Into::into);
        Naming { of, is_sum: output.is_sum_over_examples() }
    }

    /// Names what is propagated to an entry that has a name: ∂ℒ/∂A\[l\] where 1/m is in front.
    pub(crate) fn propagated<T: Scalar>(&self, cotangent: Cotangent<'_, T>, with_respect_to: EntryIndex) {
        let Front { negative, m, per_m } = cotangent.front;
        let per_example = cotangent.g.tape.list.borrow().entry(with_respect_to).shape.depends_on_m();
        let is_mean = (m, per_m) == (0, 1);
        let is_sum = self.is_sum && (m, per_m) == (0, 0);
        if per_example && !negative && (is_mean || is_sum) {
            name(cotangent.g, with_respect_to, &"ℒ".into());
        } else if cotangent.front == Front::ONE {
            name(cotangent.g, with_respect_to, &self.of);
        }
    }

    /// Names a derivative that is handed out.
    pub(crate) fn gradient<T: Scalar>(&self, gradient: Var<'_, T>, with_respect_to: EntryIndex) {
        name(gradient, with_respect_to, &self.of);
    }
}

/// Names a derivative ∂of/∂v, if v has a name and the entry none.
fn name<T: Scalar>(derivative: Var<'_, T>, with_respect_to: EntryIndex, of: &Arc<str>) {
    let mut list = derivative.tape.list.borrow_mut();
    let is_leaf = list.entry(derivative.id).operands.is_empty();
    if list.notes[with_respect_to].name.is_none() || is_leaf {
        return;
    }
    let note = &mut list.notes[derivative.id];
    if note.derived.is_none() && note.walk != 0 {
        note.derived = Some(Rc::new(Derived { of: of.clone(), with_respect_to }));
    }
}

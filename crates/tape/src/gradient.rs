//! The reverse walk over the list.

use std::rc::Rc;
use std::sync::Arc;

use crate::op::Op;
use crate::ops::scale::Factor;
use crate::tape::{Derived, Ids};
use crate::vjp::Vjp;
use crate::{Error, Scalar, Tape, Var};

/// Walks from the outputs back to the variables, and records with the tape's own operations what is on the way.
///
/// `seeds` are outputs with their cotangents. The answer has, for each variable, its cotangent, which repeats to the
/// variable's shape, or `None` where no path leads to it or every path has derivative zero.
pub(crate) fn walk<'t, T: Scalar>(
    seeds: &[(Var<'t, T>, Var<'t, T>)],
    with_respect_to: &[Var<'t, T>],
    names: Option<&Naming>,
) -> Result<Vec<Option<Var<'t, T>>>, Error> {
    let Some(tape) = seeds.first().map(|(output, _)| output.tape) else {
        return Ok(vec![None; with_respect_to.len()]);
    };
    let end = seeds.iter().map(|(output, _)| output.id + 1).max().unwrap_or(0);
    let start = with_respect_to.iter().map(|v| v.id).min().unwrap_or(end).min(end);
    let on_the_way = reaches(tape, with_respect_to, start, end);
    let mut cotangents: Vec<Option<Var<'t, T>>> = vec![None; (end - start) as usize];
    for &(output, cotangent) in seeds {
        if output.id >= start {
            accumulate(&mut cotangents[(output.id - start) as usize], cotangent.settled());
        }
    }
    for id in (start..end).rev() {
        let at = (id - start) as usize;
        let Some(cotangent) = cotangents[at].filter(|_| on_the_way[at]) else { continue };
        cotangent.sound()?;
        if let Some(names) = names {
            names.name(cotangent, id);
        }
        let (op, operands): (Op<T>, Ids) = {
            let list = tape.list.borrow();
            let entry = list.entry(id);
            (entry.op.clone(), entry.operands.clone())
        };
        let wanted = |operand: u32| operand >= start && on_the_way[(operand - start) as usize];
        if !operands.iter().any(|&operand| wanted(operand)) {
            continue;
        }
        let mut entry = Vjp::new(cotangent, id, &operands, wanted);
        op.rule().vjp(&mut entry);
        for (operand, contribution) in entry.finish() {
            accumulate(&mut cotangents[(operand - start) as usize], contribution);
        }
    }
    Ok(with_respect_to.iter().map(|v| cotangents.get((v.id - start) as usize).copied().flatten()).collect())
}

fn accumulate<'t, T: Scalar>(sum: &mut Option<Var<'t, T>>, contribution: Var<'t, T>) {
    *sum = Some(match *sum {
        None => contribution,
        Some(sum) => sum + contribution,
    });
}

/// For the entries `start..end`: whether one of the variables is reached from it.
fn reaches<T: Scalar>(tape: &Tape<T>, variables: &[Var<'_, T>], start: u32, end: u32) -> Vec<bool> {
    let mut reaches = vec![false; (end - start) as usize];
    for variable in variables.iter().filter(|v| v.id < end) {
        reaches[(variable.id - start) as usize] = true;
    }
    let list = tape.list.borrow();
    for id in start..end {
        let at = (id - start) as usize;
        let through = |&operand: &u32| operand >= start && reaches[(operand - start) as usize];
        reaches[at] = reaches[at] || list.entry(id).operands.iter().any(through);
    }
    reaches
}

/// Whether `output` depends on `variable`.
pub(crate) fn depends<T: Scalar>(output: Var<'_, T>, variable: Var<'_, T>) -> bool {
    variable.id <= output.id
        && reaches(output.tape, &[variable], variable.id, output.id + 1).last() == Some(&true)
}

/// How the derivatives of a scalar are named: ∂J/∂W[1], and ∂ℒ/∂A[1] where the factor 1/m is in front.
pub(crate) struct Naming {
    /// J, or the output's own name.
    of: Arc<str>,
    /// Whether the output is a sum over the examples, without the factor 1/m.
    is_sum: bool,
}

impl Naming {
    pub(crate) fn of<T: Scalar>(output: Var<'_, T>) -> Self {
        let of = output.name().map_or_else(|| "J".into(), Into::into);
        Naming { of, is_sum: output.is_sum() }
    }

    /// Names the cotangent of the entry `of`, if that has a name.
    pub(crate) fn name<T: Scalar>(&self, cotangent: Var<'_, T>, with_respect_to: u32) {
        let mut list = cotangent.tape.list.borrow_mut();
        if list.notes[with_respect_to as usize].name.is_none() {
            return;
        }
        let per_example = list.entry(with_respect_to).shape.depends_on_m();
        drop(list);
        let (factor, rest) = cotangent.split_factor();
        let one_over_m = Factor { c: T::ONE, m: -1 };
        let of_one_example = per_example && (factor == one_over_m || factor == Factor::ONE && self.is_sum);
        list = cotangent.tape.list.borrow_mut();
        let mut set = |id: u32, of: &Arc<str>| {
            let is_leaf = list.entry(id).operands.is_empty();
            let note = &mut list.notes[id as usize];
            if note.derived.is_none() && note.walk != 0 && !is_leaf {
                note.derived = Some(Rc::new(Derived { of: of.clone(), with_respect_to }));
            }
        };
        if of_one_example {
            set(rest.id, &"ℒ".into());
        }
        set(cotangent.id, &self.of);
    }
}

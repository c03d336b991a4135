//! An entry's definition as a small tree, cut where a name says what is meant.

use std::collections::HashSet;
use std::ops::Range;

use super::label::Label;
use crate::ops::Op;
use crate::ops::zip::Zip;
use crate::tape::List;
use crate::tape::notation::Notation;
use crate::{Scalar, Shape};

/// An expression has at most this many operations and names; what is beyond is printed as `…`.
pub(crate) const LIMIT: usize = 600;

/// A definition, owned: nothing of the tape is borrowed.
///
/// The root is the first node and a node's operands come after it, so that going through the nodes backwards meets
/// operands first, without recursion.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Expression {
    pub(crate) nodes: Vec<Node>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Node {
    Label(Label),
    /// The right side of a leaf: what it ranges over.
    Space(Shape),
    Literal(String),
    /// Not shown, for the expression would be too long.
    Elided,
    Apply {
        notation: Notation,
        operands: Range<usize>,
    },
}

impl Expression {
    /// The definition of an entry; `called` says at which other entries to stop, and what to call them.
    ///
    /// Where the limit cuts, it cuts what is farthest from the root.
    pub(crate) fn of<T: Scalar>(
        list: &List<T>,
        root: u32,
        mut called: impl FnMut(u32) -> Option<Label>,
    ) -> Expression {
        let mut nodes = Vec::new();
        let mut ids = vec![root];
        while let Some(&id) = ids.get(nodes.len()) {
            let is_root = nodes.is_empty();
            if let Some(label) = if is_root { None } else { called(id) } {
                nodes.push(Node::Label(label));
                continue;
            }
            let entry = list.entry(id);
            if let Some((factor, scaled)) = scaling(list, id)
                && called(factor).is_none()
                && ids.len() < LIMIT
            {
                let text = Notation::Factor(list.label(factor));
                ids.push(without_repetition(list, scaled, &mut called));
                nodes.push(Node::Apply { notation: text, operands: ids.len() - 1..ids.len() });
                continue;
            }
            let notation = notation(&entry.op, entry.operands.len());
            nodes.push(match notation {
                Notation::Name if is_root => Node::Space(entry.shape),
                Notation::Name => Node::Label(Label::of(list, id)),
                Notation::Literal(number) => Node::Literal(number),
                _ if ids.len() + entry.operands.len() > LIMIT => Node::Elided,
                notation => {
                    let start = ids.len();
                    let shape_matters = matches!(notation, Notation::Product { .. });
                    let unrepeated = |&id: &u32| match shape_matters {
                        true => id,
                        false => without_repetition(list, id, &mut called),
                    };
                    ids.extend(entry.operands.iter().map(unrepeated));
                    Node::Apply { notation, operands: start..ids.len() }
                }
            });
        }
        Expression { nodes }
    }
}

/// The number and what it multiplies, if the entry is a product with a number.
pub(super) fn scaling<T: Scalar>(list: &List<T>, id: u32) -> Option<(u32, u32)> {
    let entry = list.entry(id);
    let (Op::Zip(Zip::Multiply), &[a, b]) = (&entry.op, entry.operands.as_slice()) else { return None };
    let is_number = |id: u32| matches!(list.entry(id).op, Op::Number(_));
    match (is_number(a), is_number(b)) {
        (true, _) => Some((a, b)),
        (false, true) => Some((b, a)),
        (false, false) => None,
    }
}

/// What a repetition repeats: the textbook leaves it out.
fn without_repetition<T: Scalar>(
    list: &List<T>,
    mut id: u32,
    called: &mut impl FnMut(u32) -> Option<Label>,
) -> u32 {
    while matches!(list.entry(id).op, Op::Broadcast(_)) && called(id).is_none() {
        id = list.entry(id).operands[0];
    }
    id
}

/// The operation's notation, or a call by its name where a user's operation asks for a notation that does not fit its
/// number of operands.
fn notation<T: Scalar>(op: &Op<T>, operands: usize) -> Notation {
    let notation = op.rule().notation();
    let fits = match &notation {
        Notation::Name | Notation::Literal(_) => operands == 0,
        Notation::Factor(_)
        | Notation::Minus
        | Notation::Transpose
        | Notation::PowerOf(_)
        | Notation::Root
        | Notation::Absolute
        | Notation::Exponential
        | Notation::Sum(_)
        | Notation::Repeat => operands == 1,
        Notation::Product { .. }
        | Notation::Plus
        | Notation::Difference
        | Notation::Hadamard
        | Notation::Quotient
        | Notation::Power
        | Notation::Indicator(_) => operands == 2,
        Notation::Activation { .. } | Notation::Call(_) => true,
    };
    if fits { notation } else { Notation::Call(op.rule().name().into_owned()) }
}

/// For the entries `0..end`: whether it has a derived name and depends on no other entry of the same differentiation that has
/// one, as ∂ℒ/∂A\[L\]: there the backward chain starts.
///
/// Where another entry had the same name before, it does not count: the name would not say which one is meant.
pub(crate) fn chain_starts<T: Scalar>(list: &List<T>, end: u32) -> Vec<bool> {
    let end = end as usize;
    let first = list.notes[..end].iter().position(|note| note.walk != 0).unwrap_or(end);
    // A path between entries of one differentiation stays in it, for it recorded them one after the other.
    let mut derived_below = vec![false; end];
    let mut starts = vec![false; end];
    let mut known = HashSet::new();
    for id in first..end {
        let note = &list.notes[id];
        derived_below[id] = list.entry(id as u32).operands.iter().any(|&operand| {
            let operand = operand as usize;
            let below = &list.notes[operand];
            below.walk == note.walk && (below.derived.is_some() || derived_below[operand])
        });
        let Some(derived) = &note.derived else { continue };
        let is_first = known.insert((&*derived.of, derived.with_respect_to));
        starts[id] = is_first && !derived_below[id];
    }
    starts
}

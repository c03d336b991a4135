//! An entry's definition as a small tree, cut where a name says what is meant.

use std::collections::HashSet;
use std::ops::Range;

use super::label::Label;
use crate::{Entry, Notation, OperationKind, Scalar, Shape, Tape};

/// An expression has at most this many operations and names; what is beyond is printed as `…`.
pub(crate) const LIMIT: usize = 600;

/// A definition, owned: nothing of the tape is borrowed.
///
/// The root is the first node and a node's operands come after it, so that going through the nodes
/// backwards meets operands first, without recursion.
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
    /// The definition of an entry; `called` says at which other entries to stop, and what to call
    /// them.
    ///
    /// Where the limit cuts, it cuts what is farthest from the root.
    pub(crate) fn of<'t, T: Scalar>(
        root: Entry<'t, T>,
        mut called: impl FnMut(Entry<'t, T>) -> Option<Label>,
    ) -> Expression {
        let mut nodes = Vec::new();
        let mut entries = vec![root];
        while let Some(&entry) = entries.get(nodes.len()) {
            let is_root = nodes.is_empty();
            if let Some(label) = if is_root { None } else { called(entry) } {
                nodes.push(Node::Label(label));
                continue;
            }
            if let Some((factor, scaled)) = scaling(entry)
                && called(factor).is_none()
                && entries.len() < LIMIT
            {
                let text = Notation::Factor(factor.label());
                entries.push(without_repetition(scaled, &mut called));
                nodes.push(Node::Apply { notation: text, operands: entries.len() - 1..entries.len() });
                continue;
            }
            let operands = entry.operands();
            nodes.push(match notation(entry, operands.len()) {
                Notation::Name if is_root => Node::Space(entry.shape()),
                Notation::Name => Node::Label(Label::of(entry)),
                Notation::Literal(number) => Node::Literal(number),
                _ if entries.len() + operands.len() > LIMIT => Node::Elided,
                Notation::Repeat if !is_root => {
                    // Shown where the shape matters, with the shape.
                    let start = entries.len();
                    entries.extend(operands);
                    let notation = Notation::Call(format!("repeat[{}]", entry.shape()));
                    Node::Apply { notation, operands: start..entries.len() }
                }
                notation => {
                    let start = entries.len();
                    let unrepeated = |operand: Entry<'t, T>| match repeats_by_itself(entry.kind()) {
                        true => without_repetition(operand, &mut called),
                        false => operand,
                    };
                    entries.extend(operands.map(unrepeated));
                    Node::Apply { notation, operands: start..entries.len() }
                }
            });
        }
        Expression { nodes }
    }
}

/// The number and what it multiplies, if the entry is a product with a number.
pub(super) fn scaling<T: Scalar>(entry: Entry<'_, T>) -> Option<(Entry<'_, T>, Entry<'_, T>)> {
    let [a, b] = entry.factors()?;
    match (a.kind(), b.kind()) {
        (OperationKind::Number, _) => Some((a, b)),
        (_, OperationKind::Number) => Some((b, a)),
        (_, _) => None,
    }
}

/// Whether the operation repeats rows, columns and numbers as needed: elsewhere a repetition is
/// shown, with its shape, as what it repeats would give another value.
fn repeats_by_itself(kind: OperationKind) -> bool {
    matches!(
        kind,
        OperationKind::Negate
            | OperationKind::Map
            | OperationKind::Zip
            | OperationKind::PowerDerivative
            | OperationKind::Select
    )
}

/// What a repetition repeats: the textbook leaves it out.
fn without_repetition<'t, T: Scalar>(
    mut entry: Entry<'t, T>,
    called: &mut impl FnMut(Entry<'t, T>) -> Option<Label>,
) -> Entry<'t, T> {
    while entry.kind() == OperationKind::Broadcast
        && called(entry).is_none()
        && let Some(repeated) = entry.operands().next()
    {
        entry = repeated;
    }
    entry
}

/// The operation's notation, or a call by its name where a user's operation asks for a notation
/// that does not fit its number of operands.
fn notation<T: Scalar>(entry: Entry<'_, T>, operands: usize) -> Notation {
    let notation = entry.notation();
    let fits = match &notation {
        Notation::Name | Notation::Literal(_) => operands == 0,
        Notation::Factor(_)
        | Notation::Minus
        | Notation::Transpose
        | Notation::BlockTranspose
        | Notation::PowerOf(_)
        | Notation::Root
        | Notation::Absolute
        | Notation::Exponential
        | Notation::Sum(_)
        | Notation::Repeat => operands == 1,
        Notation::Product { .. }
        | Notation::BlockProduct { .. }
        | Notation::Plus
        | Notation::Difference
        | Notation::Hadamard
        | Notation::Quotient
        | Notation::Power
        | Notation::Indicator(_) => operands == 2,
        Notation::Activation { .. } | Notation::Call(_) => true,
    };
    if fits { notation } else { Notation::Call(entry.operation()) }
}

/// For the first `end` entries: whether it has a derived name and depends on no other entry of the
/// same differentiation that has one, as ∂ℒ/∂A\[L\]: there the backward chain starts.
///
/// Where another entry had the same name before, it does not count: the name would not say which
/// one is meant.
pub(crate) fn chain_starts<T: Scalar>(tape: &Tape<T>, end: usize) -> Vec<bool> {
    // A path between entries of one differentiation stays in it, for it recorded them one after the
    // other.
    let mut derived_below = vec![false; end];
    let mut starts = vec![false; end];
    let mut known = HashSet::new();
    let entries = tape.entries_in(0..end).enumerate();
    for (i, entry) in entries.skip_while(|(_, entry)| entry.differentiation().is_none()) {
        let differentiation = entry.differentiation();
        derived_below[i] = entry.operands().any(|operand| {
            operand.differentiation() == differentiation
                && (operand.derivative_of().is_some() || derived_below[operand.index()])
        });
        let Some(of) = entry.derivative_of() else { continue };
        let is_first = known.insert((of.of, of.with_respect_to.index()));
        starts[i] = is_first && !derived_below[i];
    }
    starts
}

//! What was typed, as a tree, and how tightly its signs bind.

use crate::tape::notation::Over;

/// What is typed, operands before what they are operands of; the last node is the whole.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
}

#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) what: What,
    pub(super) operands: Vec<usize>,
    /// The place in the text, in characters.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Where the sign or name is that makes the node.
    pub(super) at: usize,
    /// Whether parentheses stand around it.
    pub(super) enclosed: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// The number of an entry.
    Entry(usize),
    Number(Number),
    Sign(Sign),
    Call {
        name: String,
        primes: usize,
    },
}

/// ± digits · mᵏ.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Number {
    pub(super) negative: bool,
    /// As Rust reads a number.
    pub(super) digits: String,
    pub(super) m: i32,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Sign {
    Plus,
    Difference,
    Negative,
    /// Of a number and what it scales.
    Times,
    Product,
    BlockProduct,
    Hadamard,
    Quotient,
    Power,
    PowerOf(String),
    Root,
    Absolute,
    Greater,
    Equal,
    Sum(Over),
    Transpose,
    BlockTranspose,
}

impl Sign {
    /// How tightly it binds.
    pub(super) fn level(&self) -> u8 {
        match self {
            Sign::Greater | Sign::Equal => 0,
            Sign::Plus | Sign::Difference => 1,
            Sign::Negative | Sign::Times | Sign::Sum(_) => 2,
            Sign::Product | Sign::BlockProduct | Sign::Hadamard | Sign::Quotient => 3,
            Sign::Root => 4,
            Sign::Power => 5,
            Sign::PowerOf(_) | Sign::Absolute | Sign::Transpose | Sign::BlockTranspose => 6,
        }
    }

    pub(super) fn is_prefix(&self) -> bool {
        matches!(self, Sign::Negative | Sign::Sum(_) | Sign::Root)
    }

    /// Whether what stands to its right is read first: a · (b · C).
    pub(super) fn is_right_associative(&self) -> bool {
        self.is_prefix() || matches!(self, Sign::Times | Sign::Power)
    }
}

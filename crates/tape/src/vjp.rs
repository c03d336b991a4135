//! What a rule sees of the reverse walk, and the one place where broadcasting is undone.

use smallvec::SmallVec;

use crate::op::Over;
use crate::ops::scale::Factor;
use crate::{Dim, Error, Scalar, Shape, Tape, Var};

/// One entry on the reverse walk, as its [`vjp`](crate::Operation::vjp) rule sees it.
///
/// The rule gives, for every operand, what the cotangent G of the result contributes to the operand's cotangent. The
/// closure that does so is called only if the operand is on the way to what was asked for.
#[derive(Debug)]
pub struct Vjp<'a, 't, T: Scalar> {
    tape: &'t Tape<T>,
    entry: u32,
    operands: &'a [u32],
    /// Broadcastable to the result's shape.
    cotangent: Var<'t, T>,
    wanted: SmallVec<[bool; 4]>,
    given: SmallVec<[Given<'t, T>; 4]>,
}

#[derive(Debug, Clone, Copy)]
enum Given<'t, T: Scalar> {
    Nothing,
    Zero,
    Contribution(Var<'t, T>),
}

/// Whether a contribution has the operand's shape, or repeats to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    Exactly,
    Repeated,
}

impl<'a, 't, T: Scalar> Vjp<'a, 't, T> {
    pub(crate) fn new(
        cotangent: Var<'t, T>,
        entry: u32,
        operands: &'a [u32],
        wanted: impl Fn(u32) -> bool,
    ) -> Self {
        Vjp {
            tape: cotangent.tape,
            entry,
            operands,
            cotangent,
            wanted: operands.iter().map(|&id| wanted(id)).collect(),
            given: operands.iter().map(|_| Given::Nothing).collect(),
        }
    }

    /// The tape.
    pub fn tape(&self) -> &'t Tape<T> {
        self.tape
    }

    /// Number of operands.
    pub fn len(&self) -> usize {
        self.operands.len()
    }

    /// Whether the entry has no operand.
    pub fn is_empty(&self) -> bool {
        self.operands.is_empty()
    }

    /// Operand `i`, from 0.
    ///
    /// # Panics
    /// If there is no such operand.
    pub fn operand(&self, i: usize) -> Var<'t, T> {
        Var { tape: self.tape, id: self.operands[i] }
    }

    /// All operands.
    ///
    /// # Panics
    /// If there are not `N`.
    pub fn operands<const N: usize>(&self) -> [Var<'t, T>; N] {
        assert_eq!(N, self.operands.len(), "the number of operands");
        std::array::from_fn(|i| self.operand(i))
    }

    /// The entry itself, for rules that use the result again.
    pub fn output(&self) -> Var<'t, T> {
        Var { tape: self.tape, id: self.entry }
    }

    /// Whether operand `i` is on the way to what was asked for.
    pub fn wants(&self, i: usize) -> bool {
        self.wanted[i]
    }

    /// Gives the contribution to operand `i`: `rule` gets the cotangent G in the shape of the result and returns a matrix of
    /// the shape of the operand.
    #[track_caller]
    pub fn contribute(&mut self, i: usize, rule: impl FnOnce(Var<'t, T>) -> Var<'t, T>) {
        if self.wanted[i] {
            let g = self.cotangent.broadcast_to(self.output().known_shape());
            self.give(i, rule(g), Fit::Exactly);
        }
    }

    /// Gives the contribution to operand `i` of an entrywise operation: `rule` gets a cotangent G that repeats to the shape
    /// of the result, and returns one that does; what the operation repeated of the operand is summed here.
    #[track_caller]
    pub fn contribute_entrywise(&mut self, i: usize, rule: impl FnOnce(Var<'t, T>) -> Var<'t, T>) {
        if self.wanted[i] {
            let (result, operand) = (self.output().known_shape(), self.operand(i).known_shape());
            let contribution = rule(self.cotangent);
            self.give(i, contribution.sum_to(operand, result), Fit::Repeated);
        }
    }

    /// Gives a contribution that repeats to the shape of the operand, from a G that repeats to the shape of the result.
    #[track_caller]
    pub(crate) fn contribute_lazily(&mut self, i: usize, rule: impl FnOnce(Var<'t, T>) -> Var<'t, T>) {
        if self.wanted[i] {
            let contribution = rule(self.cotangent);
            self.give(i, contribution, Fit::Repeated);
        }
    }

    /// Says that the derivative with respect to operand `i` is zero, as for a step function.
    pub fn zero(&mut self, i: usize) {
        self.given[i] = Given::Zero;
    }

    /// Says that the derivative with respect to operand `i` is not known; asking for it is a typed error that names
    /// `function`.
    pub fn missing(&mut self, i: usize, function: &str) {
        if self.wanted[i] {
            let at = self.tape.place();
            let mistake = Error::MissingDerivative { function: function.to_owned(), operand: i, at };
            self.given[i] = Given::Contribution(self.tape.mistake(mistake));
        }
    }

    #[track_caller]
    fn give(&mut self, i: usize, contribution: Var<'t, T>, fit: Fit) {
        let contribution = self.fitting(i, contribution.settled(), fit);
        self.given[i] = Given::Contribution(contribution);
    }

    /// A user's rule may give a matrix of another shape: that is a mistake, not a silent sum.
    fn fitting(&self, i: usize, contribution: Var<'t, T>, fit: Fit) -> Var<'t, T> {
        if contribution.is_void() {
            return contribution;
        }
        let (found, needed) = (contribution.known_shape(), self.operand(i).known_shape());
        if found == needed || fit == Fit::Repeated && found.broadcast(needed) == Some(needed) {
            return contribution;
        }
        let reason =
            format!("its vjp gives {found} for operand {i}, {} is {needed}", self.operand(i).label());
        let operation = self.tape.list.borrow().entry(self.entry).op.rule().name().into_owned();
        self.tape.mistake(Error::Shape { operation, reason, at: self.tape.place() })
    }

    /// What the rule gave, as pairs of an operand and a contribution; an operand that it forgot is a mistake.
    pub(crate) fn finish(mut self) -> SmallVec<[(u32, Var<'t, T>); 4]> {
        for i in 0..self.operands.len() {
            if self.wanted[i] && matches!(self.given[i], Given::Nothing) {
                let name = self.tape.list.borrow().entry(self.entry).op.rule().name().into_owned();
                self.missing(i, &name);
            }
        }
        let pairs = self.operands.iter().zip(&self.given);
        pairs
            .filter_map(|(&id, given)| match given {
                Given::Contribution(contribution) => Some((id, *contribution)),
                Given::Nothing | Given::Zero => None,
            })
            .collect()
    }
}

impl<T: Scalar> Var<'_, T> {
    /// Undoes the broadcasting of an operand to a result: sums over what was repeated. Where the cotangent is itself one row
    /// or column that stands for all, the sum is a factor.
    #[track_caller]
    fn sum_to(self, operand: Shape, result: Shape) -> Self {
        if self.is_void() {
            return self;
        }
        let repeated = |operand: Dim, result: Dim| operand == Dim::ONE && result != Dim::ONE;
        let rows = repeated(operand.rows, result.rows);
        let columns = repeated(operand.columns, result.columns);
        let shape = self.known_shape();
        let sum_rows = rows && shape.rows != Dim::ONE;
        let sum_columns = columns && shape.columns != Dim::ONE;
        let mut sum = match (sum_rows, sum_columns) {
            (false, false) => self,
            (true, false) => self.sum_over(Over::Rows),
            (false, true) => self.sum_over(Over::Columns),
            (true, true) => self.sum_over(Over::All),
        };
        if rows && !sum_rows {
            sum = sum.scaled(Factor::extent(result.rows));
        }
        if columns && !sum_columns {
            sum = sum.scaled(Factor::extent(result.columns));
        }
        sum
    }
}

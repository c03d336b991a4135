//! What a rule sees of the reverse walk, and the one place where broadcasting is undone.

use smallvec::SmallVec;

use crate::error::printable;
use crate::ops::scale::Factor;
use crate::tape::ids::EntryIndex;
use crate::tape::notation::Over;
use crate::{Dim, Error, Scalar, Shape, Tape, Var};

/// ±mᵏ, what all examples share of a cotangent: it travels beside the cotangent until a derivative
/// is handed out.
///
/// Powers of m and of 1/m are counted apart: what was divided by m stays an error where there are
/// no examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Front {
    pub(crate) negative: bool,
    /// The power of m.
    pub(crate) m: i32,
    /// The power of 1/m.
    pub(crate) per_m: i32,
}

impl Front {
    pub(crate) const ONE: Front = Front { negative: false, m: 0, per_m: 0 };
    const MINUS: Front = Front { negative: true, m: 0, per_m: 0 };

    /// ±mᵏ, where k may be negative.
    fn power(negative: bool, k: i32) -> Front {
        Front { negative, m: k.max(0), per_m: (-k).max(0) }
    }

    fn times(self, other: Front) -> Front {
        Front {
            negative: self.negative != other.negative,
            m: self.m + other.m,
            per_m: self.per_m + other.per_m,
        }
    }

    fn inverse(self) -> Front {
        Front { m: self.per_m, per_m: self.m, ..self }
    }
}

/// A cotangent, ±mᵏ · G.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cotangent<'t, T: Scalar> {
    pub(crate) front: Front,
    pub(crate) g: Var<'t, T>,
}

impl<'t, T: Scalar> Cotangent<'t, T> {
    pub(crate) fn new(g: Var<'t, T>) -> Self {
        Cotangent { front: Front::ONE, g }
    }

    /// The cotangent as an entry, with its front recorded: one factor m or 1/m for each power, so
    /// that the factors are the entries that were met on the way.
    #[track_caller]
    pub(crate) fn recorded(self) -> Var<'t, T> {
        let (tape, Front { negative, m, per_m }) = (self.g.tape, self.front);
        let factor = |k: i32| Factor { c: T::ONE, m: k };
        let mut factors = (0..m).map(|_| factor(1)).chain((0..per_m).map(|_| factor(-1)));
        let is_one = self.g.as_number().is_some_and(Factor::is_one);
        let (sign, g) = if is_one {
            let first = factors.next().unwrap_or(Factor::ONE);
            let c = if negative { -first.c } else { first.c };
            (false, tape.number(Factor { c, ..first }))
        } else {
            (negative, self.g)
        };
        let scaled = factors.fold(g, |g, factor| tape.number(factor) * g);
        if sign { -scaled } else { scaled }
    }

    /// The sum of two. What both have in front stays there, and where only the signs differ, the
    /// second is subtracted: so J and −J have the same G.
    #[track_caller]
    pub(crate) fn plus(self, other: Self) -> Self {
        let front = self.front;
        match other.front {
            same if same == front => Cotangent { front, g: self.g + other.g },
            opposite if opposite.times(Front::MINUS) == front => Cotangent { front, g: self.g - other.g },
            _ => Cotangent::new(self.recorded() + other.recorded()),
        }
    }
}

/// One entry on the reverse walk, as its [`vjp`](crate::Operation::vjp) rule sees it.
///
/// The rule gives, for every operand, what the cotangent G of the result contributes to the
/// operand's cotangent. The closure that does so is called only if the operand is on the way to
/// what was asked for. What is given for an operand twice adds up.
///
/// Signs and powers of m that all examples share are not in G: they travel beside it, and enter a
/// derivative once, when it is handed out. A G that is the number 1 is multiplied away: `g * b` is
/// then `b`.
#[derive(Debug)]
pub struct Vjp<'a, 't, T: Scalar> {
    tape: &'t Tape<T>,
    entry: EntryIndex,
    operands: &'a [EntryIndex],
    /// Broadcastable to the result's shape.
    cotangent: Cotangent<'t, T>,
    wanted: SmallVec<[bool; 4]>,
    answered: SmallVec<[bool; 4]>,
    contributions: SmallVec<[(EntryIndex, Cotangent<'t, T>); 4]>,
}

/// Whether a contribution has the operand's shape, or repeats to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    Exactly,
    Repeated,
}

impl<'a, 't, T: Scalar> Vjp<'a, 't, T> {
    pub(crate) fn new(
        cotangent: Cotangent<'t, T>,
        entry: EntryIndex,
        operands: &'a [EntryIndex],
        wanted: impl Fn(EntryIndex) -> bool,
    ) -> Self {
        Vjp {
            tape: cotangent.g.tape,
            entry,
            operands,
            cotangent,
            wanted: operands.iter().map(|&id| wanted(id)).collect(),
            answered: operands.iter().map(|_| false).collect(),
            contributions: SmallVec::new(),
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
    #[track_caller]
    pub fn operand(&self, i: usize) -> Var<'t, T> {
        self.assert_operand(i);
        Var { tape: self.tape, id: self.operands[i], of_run: false }
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
        Var { tape: self.tape, id: self.entry, of_run: false }
    }

    /// Whether operand `i` is on the way to what was asked for.
    ///
    /// # Panics
    /// If there is no such operand.
    #[track_caller]
    pub fn wants(&self, i: usize) -> bool {
        self.assert_operand(i);
        self.wanted[i]
    }

    #[track_caller]
    fn assert_operand(&self, i: usize) {
        let count = self.operands.len();
        assert!(i < count, "{} has no operand {i}, but {count} from 0 on", printable(&self.name()));
    }

    /// Gives the contribution to operand `i`: `rule` gets the cotangent G in the shape of the
    /// result and returns a matrix of the shape of the operand.
    ///
    /// # Panics
    /// If there is no such operand.
    #[track_caller]
    pub fn contribute(&mut self, i: usize, rule: impl FnOnce(Var<'t, T>) -> Var<'t, T>) {
        if self.wants(i) {
            let g = T::vjp_cotangent(self);
            T::vjp_give(self, i, rule(g));
        }
    }

    /// The cotangent in the shape of the result.
    #[track_caller]
    pub(crate) fn cotangent_here(&self) -> Var<'t, T> {
        self.cotangent.g.repeated_to(self.output().known_shape())
    }

    pub(crate) fn give_here(&mut self, i: usize, contribution: Var<'t, T>) {
        self.give(i, Front::ONE, contribution, Fit::Exactly);
    }

    /// Gives the contribution to operand `i` of an elementwise operation: `rule` gets a cotangent G
    /// that repeats to the shape of the result, and returns one that does; what the operation
    /// repeated of the operand is summed here.
    ///
    /// # Panics
    /// If there is no such operand.
    #[track_caller]
    pub fn contribute_elementwise(&mut self, i: usize, rule: impl FnOnce(Var<'t, T>) -> Var<'t, T>) {
        if self.wants(i) {
            let contribution = rule(self.cotangent.g);
            T::vjp_give_summed(self, i, contribution);
        }
    }

    #[track_caller]
    pub(crate) fn give_summed_here(&mut self, i: usize, contribution: Var<'t, T>) {
        self.give_summed(i, Front::ONE, contribution);
    }

    /// Gives −G to operand `i` of an elementwise operation; the sign goes to the front.
    #[track_caller]
    pub(crate) fn contribute_negated(&mut self, i: usize) {
        if self.wanted[i] {
            self.give_summed(i, Front::MINUS, self.cotangent.g);
        }
    }

    /// Gives G ⊙ B to operand `i`, where B is operand `by` of an elementwise operation. Of a number
    /// ±c·mᵏ sign and mᵏ go to the front, and c multiplies G.
    #[track_caller]
    pub(crate) fn contribute_product(&mut self, i: usize, by: usize) {
        if self.wanted[i] {
            let (b, g) = (self.operand(by), self.cotangent.g);
            match self.number(by) {
                Some((front, None)) => self.give_summed(i, front, g),
                Some((front, Some(c))) => self.give_summed(i, front, g * c),
                None => self.give_summed(i, Front::ONE, g * b),
            }
        }
    }

    /// Gives G ⊘ B to operand `i`, likewise.
    #[track_caller]
    pub(crate) fn contribute_quotient(&mut self, i: usize, by: usize) {
        if self.wanted[i] {
            let (b, g) = (self.operand(by), self.cotangent.g);
            match self.number(by) {
                Some((front, c)) => {
                    self.give_summed(i, front.inverse(), c.map_or(g, |c| g / c));
                }
                None => self.give_summed(i, Front::ONE, g / b),
            }
        }
    }

    /// What goes to the front of the number that operand `i` is, and the rest, if it is not 1. A
    /// number that is itself on the way to what was asked for, and would be taken apart or vanish,
    /// stays as it is, so that second derivatives see it.
    #[track_caller]
    fn number(&self, i: usize) -> Option<(Front, Option<Var<'t, T>>)> {
        let Factor { c, m } = self.operand(i).as_number()?;
        let negative = c < T::ZERO;
        if self.wanted[i] && (negative || c == T::ONE && m == 0) {
            return None;
        }
        let c = if negative { -c } else { c };
        let rest = (c != T::ONE).then(|| self.tape.scalar(c));
        Some((Front::power(negative, m), rest))
    }

    /// Gives a contribution that repeats to the shape of the operand, from a G that repeats to the
    /// shape of the result.
    #[track_caller]
    pub(crate) fn contribute_lazily(&mut self, i: usize, rule: impl FnOnce(Var<'t, T>) -> Var<'t, T>) {
        if self.wanted[i] {
            let contribution = rule(self.cotangent.g);
            self.give(i, Front::ONE, contribution, Fit::Repeated);
        }
    }

    /// Says that the derivative with respect to operand `i` is zero, as for a step function.
    ///
    /// # Panics
    /// If there is no such operand.
    #[track_caller]
    pub fn zero(&mut self, i: usize) {
        self.assert_operand(i);
        self.answered[i] = true;
    }

    /// Says that the derivative with respect to operand `i` is not known; asking for it is a typed
    /// error that names `function`.
    ///
    /// # Panics
    /// If there is no such operand.
    #[track_caller]
    pub fn missing(&mut self, i: usize, function: &str) {
        if self.wants(i) {
            T::vjp_missing(self, i, function);
        }
    }

    #[track_caller]
    pub(crate) fn missing_here(&mut self, i: usize, function: &str) {
        let at = self.tape.place();
        let mistake = Error::MissingDerivative { function: function.to_owned(), operand: i, at };
        self.give(i, Front::ONE, self.tape.mistake(mistake), Fit::Exactly);
    }

    /// Gives what repeats to the shape of the result, summed over what the operation repeated of
    /// the operand.
    #[track_caller]
    fn give_summed(&mut self, i: usize, front: Front, contribution: Var<'t, T>) {
        let (result, operand) = (self.output().known_shape(), self.operand(i).known_shape());
        let (m, sum) = match std::ptr::eq(contribution.tape, self.tape) {
            true => contribution.sum_to(operand, result),
            false => (0, contribution), // which is refused
        };
        self.give(i, front.times(Front::power(false, m)), sum, Fit::Repeated);
    }

    fn give(&mut self, i: usize, front: Front, contribution: Var<'t, T>, fit: Fit) {
        let g = self.fitting(i, contribution, fit);
        let front = self.cotangent.front.times(front);
        self.answered[i] = true;
        self.contributions.push((self.operands[i], Cotangent { front, g }));
    }

    /// A user's rule may give a matrix of another shape, or of another tape: that is an error, not a
    /// silent sum.
    fn fitting(&self, i: usize, contribution: Var<'t, T>, fit: Fit) -> Var<'t, T> {
        if !std::ptr::eq(contribution.tape, self.tape) {
            let mistake = contribution.sound().err().unwrap_or_else(|| Error::ForeignVariable {
                operation: self.name(),
                variable: contribution.label(),
                at: self.tape.place(),
            });
            return self.tape.mistake(mistake);
        }
        if contribution.is_void() {
            return contribution;
        }
        let (found, needed) = (contribution.known_shape(), self.operand(i).known_shape());
        if found == needed || fit == Fit::Repeated && found.broadcast(needed) == Some(needed) {
            return contribution;
        }
        let reason =
            format!("its vjp gives {found} for operand {i}, {} is {needed}", self.operand(i).label());
        self.tape.mistake(Error::Shape { operation: self.name(), reason, at: self.tape.place() })
    }

    /// The operation's name.
    fn name(&self) -> String {
        T::vjp_name(self)
    }

    pub(crate) fn name_here(&self) -> String {
        self.tape.list.borrow().entry(self.entry).op.rule().name().into_owned()
    }

    /// Gives what another rule would, changed on the way: the rule sees `output` in the place of this
    /// entry, the cotangent as `cotangent` changes it, if it does, and what it gives to operand i is what
    /// `contribution` makes of it, if anything. For tests of rules.
    #[track_caller]
    pub(crate) fn give_changed(
        &mut self,
        output: Var<'t, T>,
        all_wanted: bool,
        cotangent: impl Fn(Var<'t, T>) -> Option<Var<'t, T>>,
        rule: impl FnOnce(&mut Vjp<'_, 't, T>),
        contribution: impl Fn(Given<'t, T>) -> Option<Var<'t, T>>,
    ) {
        let g = self.cotangent.g.repeated_to(output.known_shape());
        let changed = cotangent(g).map_or(self.cotangent, |g| Cotangent { g, ..self.cotangent });
        let wanted = |id| all_wanted || (0..self.len()).any(|i| self.operands[i] == id && self.wanted[i]);
        let mut inner = Vjp::new(changed, output.id, self.operands, wanted);
        rule(&mut inner);
        let (operands, answered) = (self.operands, inner.answered);
        let given = inner.contributions;
        let of = |i: usize| given.iter().filter(move |(id, _)| *id == operands[i]);
        for i in (0..self.len()).filter(|&i| answered[i]) {
            let shape = self.operand(i).known_shape();
            // What is said to be zero stays so.
            self.answered[i] |= of(i).count() == 0;
            // Of an operand that is there twice, both are given together.
            if !self.wanted[i] || operands[..i].contains(&operands[i]) {
                continue;
            }
            let mut next = of((i + 1) % operands.len()).map(|(_, next)| next.recorded());
            let next = next.find(|next| next.shape().is_ok_and(|found| found == shape));
            for &(id, given) in of(i) {
                let repeated = given.g.repeated_to(shape);
                let Some(new) = contribution(Given { i, g, contribution: repeated, next }) else { continue };
                let kept = if new == repeated { given.g } else { self.fitting(i, new, Fit::Exactly) };
                self.answered[i] = true;
                self.contributions.push((id, Cotangent { g: kept, ..given }));
            }
        }
    }

    /// What the rule gave, as pairs of an operand and a contribution; an operand that it forgot is
    /// a mistake.
    pub(crate) fn finish(mut self) -> SmallVec<[(EntryIndex, Cotangent<'t, T>); 4]> {
        for i in 0..self.operands.len() {
            if self.wanted[i] && !self.answered[i] {
                self.missing(i, &self.name());
            }
        }
        self.contributions
    }
}

/// What a rule gives to an operand, see [`Vjp::give_changed`].
pub(crate) struct Given<'t, T: Scalar> {
    /// The operand.
    pub(crate) i: usize,
    /// The cotangent, in the shape of the result.
    pub(crate) g: Var<'t, T>,
    /// In the shape of the operand.
    pub(crate) contribution: Var<'t, T>,
    /// What the next operand is given, if it has the same shape.
    pub(crate) next: Option<Var<'t, T>>,
}

impl<T: Scalar> Var<'_, T> {
    /// Undoes the broadcasting of an operand to a result: sums over what was repeated. Where the
    /// cotangent is itself one row or column that stands for all, the sum is a factor; of that the
    /// power of m is for the front.
    #[track_caller]
    fn sum_to(self, operand: Shape, result: Shape) -> (i32, Self) {
        if self.is_void() {
            return (0, self);
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
        let mut power = 0;
        for extent in [(rows && !sum_rows, result.rows), (columns && !sum_columns, result.columns)] {
            let (true, repeats) = extent else { continue };
            let (n, of_m) = repeats.monomial();
            if of_m == 0 || n != 1 {
                sum = sum * T::from_usize(n);
            }
            power += i32::from(of_m);
        }
        (power, sum)
    }
}

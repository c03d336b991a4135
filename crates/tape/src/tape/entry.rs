//! What can be read of an entry: the view on which all that shows a list or writes it down is
//! built.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use crate::ops::leaf::LeafKind;
use crate::ops::scale::Factor;
use crate::ops::zip::Zip;
use crate::ops::{Op, OperationKind};
#[cfg(feature = "html")]
use crate::tape::Propagated;
use crate::tape::ids::{EntryIndex, Id};
use crate::tape::notation::Notation;
use crate::tape::{Derived, Ids, List, Recorded, RecordedBy};
use crate::{EntryId, Parameter, Place, Scalar, Shape, Tape, Var};

/// What can be read of an entry of a [`Tape`]: names, operation, operands, shape, place, of what it
/// is a derivative.
///
/// Equations, `println!("{tape}")` and [`Tape::dot`] show no more than what can be read here.
///
/// It is a handle as [`Var`] is, cheap to copy, and never void. Each method looks at the list and
/// lets go of it, so that recording goes on while views are held. What was recorded of an entry
/// never changes, other than its name.
///
/// ```
/// use tape::{OperationKind, Shape, Tape, matrix};
/// let tape = Tape::<f64>::new();
/// let w = tape.parameter("W", &matrix![[1.0, 2.0]]);
/// let j = w.square().sum().named("J");
/// let [dw] = j.gradients([w]);
///
/// let entry = dw.entry()?;
/// assert_eq!(entry.label(), "∂J/∂W");
/// assert_eq!((entry.kind(), entry.operation().as_str()), (OperationKind::Zip, "multiply"));
/// assert_eq!(entry.operands().map(|operand| operand.label()).collect::<Vec<_>>(), ["W", "2"]);
/// assert_eq!(entry.shape(), Shape::new(1, 2));
/// assert_eq!(entry.place().line(), line!() - 7); // where the gradient was asked for
/// assert_eq!(entry.derivative_of().map(|of| of.with_respect_to), Some(w.entry()?));
/// # Ok::<(), tape::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Entry<'t, T: Scalar> {
    /// Not void.
    var: Var<'t, T>,
}

/// Of what an entry is a derivative, as the differentiation that recorded it noted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DerivativeOf<'t, T: Scalar> {
    /// The scalar's name, J if it had none; ℒ where the factor 1/m of a mean over the examples
    /// stands in front.
    pub of: Arc<str>,
    /// The entry with respect to which it is the derivative.
    pub with_respect_to: Entry<'t, T>,
}

/// What of a differentiation recorded an entry first, and at which entry.
///
/// Equal expressions are one entry: what later rules record again does not change this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin<'t, T: Scalar> {
    /// The vector–Jacobian product of this entry's operation.
    Rule(Entry<'t, T>),
    /// The sum of what several uses of this entry contribute to its cotangent.
    Sum(Entry<'t, T>),
    /// The derivative with respect to this entry was handed out: the sign and the powers of m that
    /// all examples share are recorded, and what has to be repeated is.
    HandingOut(Entry<'t, T>),
}

/// A place in the user's source, shown as `file:line:column`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SourcePlace {
    pub(crate) file: Arc<str>,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl SourcePlace {
    /// The file, as the compiler was given it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line, from 1.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// The column in characters, from 1.
    pub fn column(&self) -> u32 {
        self.column
    }
}

impl From<Place> for SourcePlace {
    fn from(place: Place) -> Self {
        SourcePlace { file: place.file().into(), line: place.line(), column: place.column() }
    }
}

impl fmt::Display for SourcePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Two are equal if they are of the same entry of the same tape.
impl<T: Scalar> PartialEq for Entry<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.var == other.var
    }
}

impl<T: Scalar> Eq for Entry<'_, T> {}

/// As [equality](PartialEq): entries can be keys of a map.
impl<T: Scalar> Hash for Entry<'_, T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.var.hash(state);
    }
}

impl<T: Scalar> fmt::Debug for Entry<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry(%{}, {:?})", self.index(), self.var)
    }
}

/// # Reading the list
impl<T: Scalar> Tape<T> {
    /// What can be read of the entries that are there now, in their order, which is one of
    /// evaluation.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.parameter("x", &matrix![[2.0]]);
    /// let y = (x + 1.0).named("y");
    /// let labels: Vec<String> = tape.entries().map(|entry| entry.label()).collect();
    /// assert_eq!(labels, ["x", "1", "y"]);
    /// # let _ = y;
    /// ```
    pub fn entries(&self) -> impl ExactSizeIterator<Item = Entry<'_, T>> + DoubleEndedIterator {
        self.entries_in(0..self.len())
    }

    /// The entries of a range that is there. To skip entries of [`entries`](Tape::entries) takes a
    /// time for each of them.
    pub(crate) fn entries_in(
        &self,
        range: Range<usize>,
    ) -> impl ExactSizeIterator<Item = Entry<'_, T>> + DoubleEndedIterator {
        range.map(|index| self.at(index))
    }

    /// The cotangents of the first entries in order, each with the entry whose cotangent it is.
    #[cfg(feature = "html")]
    pub(crate) fn propagated(&self, entries: usize) -> Vec<(usize, Propagated)> {
        let list = self.list.borrow();
        let of = list.cotangents.iter().map(|(&(entry, _), &propagated)| (entry.index(), propagated));
        let mut all: Vec<_> = of.filter(|&(entry, _)| entry < entries).collect();
        all.sort_by_key(|&(entry, propagated)| (entry, propagated.of));
        all
    }

    /// What can be read of an entry, by its number; `None` if there are not so many.
    pub fn entry(&self, index: usize) -> Option<Entry<'_, T>> {
        (index < self.len()).then(|| self.at(index))
    }

    /// How many differentiations there were.
    #[cfg(feature = "json")]
    pub(crate) fn differentiations(&self) -> u32 {
        self.list.borrow().walks
    }

    /// The number of examples that the leaves hold, once there are examples.
    #[cfg(feature = "json")]
    pub(crate) fn examples_of_leaves(&self) -> Option<usize> {
        self.list.borrow().m.map(|(m, _)| m)
    }

    /// What went wrong while recording, in words.
    #[cfg(feature = "json")]
    pub(crate) fn mistakes(&self) -> Vec<String> {
        self.list.borrow().mistakes.iter().map(ToString::to_string).collect()
    }

    /// An entry that is there.
    pub(crate) fn at(&self, index: usize) -> Entry<'_, T> {
        Entry { var: Var { tape: self, id: EntryIndex::from_index(index), of_run: false } }
    }
}

impl<'t, T: Scalar> Entry<'t, T> {
    /// Of a variable that is not void.
    pub(crate) fn of(var: Var<'t, T>) -> Self {
        debug_assert!(!var.is_void(), "a void variable has no entry");
        Entry { var }
    }

    /// The handle that records.
    pub fn var(self) -> Var<'t, T> {
        self.var
    }

    /// The tape.
    pub fn tape(self) -> &'t Tape<T> {
        self.var.tape
    }

    /// The entry's number in its tape, from 0.
    pub fn index(self) -> usize {
        self.number().index()
    }

    /// What names the entry without the tape.
    pub fn id(self) -> EntryId {
        EntryId { tape: self.tape().id, entry: self.number(), of_run: self.var.of_run }
    }

    /// What the entry is called, as [`Var::label`] tells.
    pub fn label(self) -> String {
        self.var.label()
    }

    /// The name that the user gave it.
    pub fn name(self) -> Option<String> {
        self.var.name()
    }

    /// Which operation it is.
    pub fn kind(self) -> OperationKind {
        T::entry_kind(self)
    }

    pub(crate) fn kind_here(self) -> OperationKind {
        self.recorded(|recorded| recorded.op.kind()).expect("a tape has only what can be recorded")
    }

    /// The operation's name, as listings and error messages show it: `matmul`, `tanh′`,
    /// `rows[0..2]`.
    pub fn operation(self) -> String {
        T::entry_operation(self)
    }

    pub(crate) fn operation_here(self) -> String {
        self.op().rule().name().into_owned()
    }

    /// The operation's parameters by name; with [`kind`](Entry::kind), what makes the operation. A
    /// leaf has none, and of an operation of the user's they are not known.
    ///
    /// ```
    /// use tape::{Parameter, Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.parameter("x", &matrix![[1.0], [2.0], [3.0]]);
    /// let expected =
    ///     [("along", Parameter::Word("rows".into())), ("start", Parameter::Whole(0)), ("end", Parameter::Whole(2))];
    /// assert_eq!(x.rows(0..2).entry()?.parameters(), expected);
    /// let expected = [("function", Parameter::Word("LeakyRelu".into())), ("slope", Parameter::Number(0.1))];
    /// assert_eq!(x.leaky_relu(0.1).entry()?.parameters(), expected);
    /// # Ok::<(), tape::Error>(())
    /// ```
    pub fn parameters(self) -> Vec<(&'static str, Parameter<T>)> {
        T::entry_parameters(self)
    }

    pub(crate) fn parameters_here(self) -> Vec<(&'static str, Parameter<T>)> {
        self.op().parameters()
    }

    /// How an equation shows the operation.
    pub fn notation(self) -> Notation {
        T::entry_notation(self)
    }

    pub(crate) fn notation_here(self) -> Notation {
        self.output_called().map_or_else(|| self.op().rule().notation(), Notation::Call)
    }

    /// What an output of an operation with several is called.
    fn output_called(self) -> Option<String> {
        self.look(|list| {
            let recorded = list.entry(self.number());
            let Op::Slice(slice) = &recorded.op else { return None };
            let rows = slice.rows()?;
            let Op::Custom(of) = &list.entry(recorded.operands[0]).op else { return None };
            of.output_called(&rows).map(Into::into)
        })
    }

    /// What the operation is on; all of them are earlier entries.
    pub fn operands(self) -> impl ExactSizeIterator<Item = Entry<'t, T>> + DoubleEndedIterator {
        let tape = self.tape();
        T::entry_operands(self).into_iter().map(|id| tape.at(id.index()))
    }

    pub(crate) fn operands_here(self) -> Ids {
        self.recorded(|recorded| recorded.operands.clone())
    }

    /// Whether the operation has the same value with its operands in another order: then equal ones
    /// in either order are one entry.
    pub fn commutes(self) -> bool {
        T::entry_commutes(self)
    }

    pub(crate) fn commutes_here(self) -> bool {
        self.recorded(|recorded| recorded.op.zip().is_some_and(Zip::commutes))
    }

    /// Its shape.
    pub fn shape(self) -> Shape {
        self.var.known_shape()
    }

    /// What it is for, if it is a leaf.
    pub fn leaf_kind(self) -> Option<LeafKind> {
        T::entry_leaf_kind(self)
    }

    pub(crate) fn leaf_kind_here(self) -> Option<LeafKind> {
        self.look(|list| list.entry(self.number()).op.leaf().map(|leaf| list.leaves[leaf.index].kind))
    }

    /// c and k, if the entry is the number c·mᵏ.
    ///
    /// ```
    /// # let tape = tape::Tape::<f64>::new();
    /// assert_eq!(tape.one_over_m().entry()?.as_number(), Some((1.0, -1)));
    /// # Ok::<(), tape::Error>(())
    /// ```
    pub fn as_number(self) -> Option<(T, i32)> {
        self.factor().map(|Factor { c, m }| (c, m))
    }

    pub(crate) fn factor(self) -> Option<Factor<T>> {
        self.var.as_number()
    }

    /// Where it was first recorded; of what a differentiation recorded, where that was asked for.
    pub fn place(self) -> SourcePlace {
        T::entry_place(self)
    }

    pub(crate) fn place_here(self) -> SourcePlace {
        self.look(|list| match list.read_places.get(self.index()) {
            Some(read) => read.clone(),
            None => SourcePlace::from(list.notes[self.number()].place),
        })
    }

    /// Of what it is a derivative, if a differentiation noted that: of entries that have a name.
    pub fn derivative_of(self) -> Option<DerivativeOf<'t, T>> {
        T::entry_derivative_of(self)
    }

    pub(crate) fn derivative_of_here(self) -> Option<DerivativeOf<'t, T>> {
        let derived = self.derived()?;
        let with_respect_to = self.tape().at(derived.with_respect_to.index());
        Some(DerivativeOf { of: derived.of.clone(), with_respect_to })
    }

    pub(crate) fn derived(self) -> Option<Rc<Derived>> {
        self.look(|list| list.notes[self.number()].derived.clone())
    }

    /// Which of the differentiations of this tape recorded it, counted from 1; `None` for the
    /// user's own entries.
    pub fn differentiation(self) -> Option<usize> {
        T::entry_differentiation(self)
    }

    pub(crate) fn differentiation_here(self) -> Option<usize> {
        let walk = self.look(|list| list.notes[self.number()].walk);
        (walk != 0).then_some(walk as usize)
    }

    /// What of a differentiation recorded it; `None` for the user's own entries, and for those of a
    /// list that was read.
    ///
    /// ```
    /// use tape::{Origin, Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let w = tape.parameter("W", &matrix![[1.0, 2.0]]);
    /// let z = w.tanh();
    /// let [dw] = z.square().sum().gradients([w]);
    /// assert_eq!(dw.entry()?.origin(), Some(Origin::Rule(z.entry()?))); // ∂J/∂Z ⊙ tanh′(W)
    /// # Ok::<(), tape::Error>(())
    /// ```
    pub fn origin(self) -> Option<Origin<'t, T>> {
        T::entry_origin(self)
    }

    pub(crate) fn origin_here(self) -> Option<Origin<'t, T>> {
        let at = |id: EntryIndex| self.tape().at(id.index());
        self.look(|list| list.notes[self.number()].origin).map(|origin| match origin {
            RecordedBy::Rule(id) => Origin::Rule(at(id)),
            RecordedBy::Sum(id) => Origin::Sum(at(id)),
            RecordedBy::HandingOut(id) => Origin::HandingOut(at(id)),
        })
    }

    /// The value that a leaf was made with.
    pub(crate) fn leaf_value(self) -> Option<Arc<crate::Matrix<T>>> {
        self.look(|list| {
            let leaf = list.entry(self.number()).op.leaf()?;
            list.leaves[leaf.index].value.clone()
        })
    }

    /// The name that the user gave it, shared.
    pub(crate) fn given_name(self) -> Option<Arc<str>> {
        self.look(|list| list.notes[self.number()].name.clone())
    }

    /// A and B, if the entry is A ⊙ B, and no operation of the user's that is written so.
    pub(crate) fn factors(self) -> Option<[Self; 2]> {
        let factors = self.recorded(|recorded| match (&recorded.op, recorded.operands.as_slice()) {
            (Op::Zip(Zip::Multiply), &[a, b]) => Some([a, b]),
            _ => None,
        })?;
        Some(factors.map(|id| self.tape().at(id.index())))
    }

    /// The operation, to record it again.
    pub(crate) fn operation_itself(self) -> Op<T> {
        self.op()
    }

    /// The operation, for what calls its rule: a user's rule may look at its own tape.
    fn op(self) -> Op<T> {
        self.recorded(|recorded| recorded.op.clone())
    }

    fn number(self) -> EntryIndex {
        self.var.id
    }

    fn recorded<R>(self, look: impl FnOnce(&Recorded<T>) -> R) -> R {
        self.look(|list| look(list.entry(self.number())))
    }

    fn look<R>(self, look: impl FnOnce(&List<T>) -> R) -> R {
        look(&self.tape().list.borrow())
    }
}

//! The Wengert list, what is recorded on it, and its differentiation. A rule is given a
//! [`Vjp`](crate::Vjp), which records on the tape, whose entries hold rules: these files and `ops/`
//! know each other, and nothing above them.

pub(crate) mod describe;
pub(crate) mod entry;
pub(crate) mod entry_id;
pub(crate) mod var;

pub(crate) mod dag;
pub(crate) mod derivatives;
pub(crate) mod ids;
pub(crate) mod lookup;
pub(crate) mod notation;
pub(crate) mod operation;
mod reverse;
pub(crate) mod shape;
pub(crate) mod variables;
pub(crate) mod vjp;

use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::error::Place;
use crate::error::is_name;
use crate::ops::Op;
use crate::ops::custom::Custom;
use crate::ops::leaf::{Leaf, LeafKind, Number};
use crate::ops::noise::Noise;
use crate::ops::scale::Factor;
use crate::ops::zip::Zip;
use crate::tape::dag::Dag;
use crate::tape::ids::{EntryIndex, Id, IdVec, LeafIndex, ids_up_to};
use crate::tape::operation::{Mismatch, Operation};
use crate::{Dim, Error, Function, Matrix, Result, Scalar, Shape, SourcePlace, Var};

/// An entry as it is recorded.
pub(crate) type Recorded<T> = dag::Node<T, EntryIndex>;

/// The operands of an entry.
pub(crate) type Ids = dag::Ids<EntryIndex>;

/// What is known of an entry beside its operation: nothing of it takes part in the entry's
/// identity.
#[derive(Debug, Clone)]
pub(crate) struct Note {
    /// The name that the user gave.
    pub(crate) name: Option<Arc<str>>,
    /// The name that follows from the gradient which recorded the entry, as in ∂J/∂W[1].
    pub(crate) derived: Option<Rc<Derived>>,
    /// Where the entry was first recorded.
    pub(crate) place: Place,
    /// Which call of `gradients`, `vjp`, … recorded the entry, counted from 1; 0 for the user's own
    /// entries.
    pub(crate) walk: u32,
    /// What of that call recorded the entry.
    pub(crate) origin: Option<RecordedBy>,
}

/// What of a differentiation recorded an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordedBy {
    /// The rule of this entry's operation.
    Rule(EntryIndex),
    /// The sum of what several uses of this entry contribute to its cotangent.
    Sum(EntryIndex),
    /// Handing out the derivative with respect to this entry, with what stood in front.
    HandingOut(EntryIndex),
}

/// The cotangent ±mᵏ · G of an entry, as the first walk of its kind met it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "html"), allow(dead_code))] // read by pages alone
pub(crate) struct Propagated {
    /// What is differentiated. With other seeds than one number 1 a cotangent is no derivative of an
    /// entry.
    pub(crate) of: Option<EntryIndex>,
    /// G.
    pub(crate) g: EntryIndex,
    /// Whether a minus stands in front.
    pub(crate) negative: bool,
    /// k.
    pub(crate) m: i32,
    /// The whole derivative, where it was handed out.
    pub(crate) whole: Option<EntryIndex>,
}

/// Of what and with respect to what an entry is a derivative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Derived {
    /// J, ℒ or the output's name.
    pub(crate) of: Arc<str>,
    /// The entry with respect to which it is the derivative.
    pub(crate) with_respect_to: EntryIndex,
}

/// The value that a leaf was made with, if it was made with one.
#[derive(Debug, Clone)]
pub(crate) struct LeafValue<T: Scalar> {
    pub(crate) kind: LeafKind,
    pub(crate) value: Option<Arc<Matrix<T>>>,
}

impl<T: Scalar> LeafValue<T> {
    /// Whether this is a constant, and nothing but ones.
    pub(crate) fn is_constant_one(&self) -> bool {
        let ones = |value: &Matrix<T>| value.as_slice().iter().all(|&x| x == T::ONE);
        self.kind == LeafKind::Constant && self.value.as_deref().is_some_and(ones)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct List<T: Scalar> {
    pub(crate) entries: Dag<T, EntryIndex>,
    pub(crate) notes: IdVec<EntryIndex, Note>,
    pub(crate) leaves: IdVec<LeafIndex, LeafValue<T>>,
    /// Of a list that was read, where its entries were recorded before: those of the first entries,
    /// one for each.
    pub(crate) read_places: Vec<SourcePlace>,
    pub(crate) mistakes: Vec<Error>,
    /// The numbers of the mistakes that have a text, so that thousands of them are found again in a
    /// short time.
    mistakes_by_text: FxHashMap<String, SmallVec<[usize; 1]>>,
    /// The number of examples of the leaves, with the entry that said so first.
    pub(crate) m: Option<(usize, EntryIndex)>,
    /// How many walks there were.
    pub(crate) walks: u32,
    /// The walk that records now; 0 while the user does.
    pub(crate) walk: u32,
    /// What of that walk records now.
    pub(crate) origin: Option<RecordedBy>,
    /// By an entry that a walk has gone through and what was differentiated: the first cotangent that
    /// it had.
    pub(crate) cotangents: FxHashMap<(EntryIndex, Option<EntryIndex>), Propagated>,
}

/// A Wengert list of matrix operations.
///
/// Recording checks shapes and appends an entry; nothing is computed. An entry refers only to
/// earlier entries, and nothing is ever removed or changed, so the list's order is an order of
/// evaluation. Equal expressions are the same entry. Differentiation appends to the same list.
///
/// A tape belongs to one thread: it is neither `Send` nor `Sync`, and so is no [`Var`]. What goes
/// to other threads is a [`Program`](crate::Program), with an [`EntryId`](crate::EntryId) for each
/// variable that is read or bound there.
///
/// What depends on Rust control flow is frozen when it is recorded: a branch taken while recording
/// is replayed by every run of a program. To choose by value, use [`Var::select`].
///
/// ```
/// use tape::{Matrix, Tape};
/// let tape = Tape::<f64>::new();
/// let x = tape.parameter("x", &Matrix::scalar(3.0));
/// let y = x.sin() * x;
/// let [dy] = y.gradients([x]);
/// assert_eq!(dy.equation().to_string(), "∂J/∂x = sin(x) + x ⊙ cos(x)");
/// assert_eq!(dy.value()?[(0, 0)], 3f64.cos() * 3.0 + 3f64.sin());
/// # Ok::<(), tape::Error>(())
/// ```
#[derive(Debug)]
pub struct Tape<T: Scalar> {
    pub(crate) list: RefCell<List<T>>,
    pub(crate) id: u64,
    /// Where the user asked for a derivative or an equation, while its entries are recorded.
    asked_at: Cell<Option<Place>>,
    /// Derivatives of the user's functions that are made when they are asked for.
    pub(crate) made: RefCell<FxHashMap<Function<T>, Function<T>>>,
    /// Leaves that derivatives have recorded for unit vectors, to be used again.
    pub(crate) probes: RefCell<Vec<EntryIndex>>,
    /// The number 1 while it is the cotangent of a rule that records: products with it are not
    /// recorded.
    unit: Cell<Option<EntryIndex>>,
}

/// Marks a handle as void; the other bits are the number of the mistake.
pub(crate) const VOID: usize = 1 << 31;

impl<T: Scalar> Default for Tape<T> {
    fn default() -> Self {
        Tape::new()
    }
}

/// # Recording
impl<T: Scalar> Tape<T> {
    /// An empty list. Its number type follows from the numbers that it is given: f64 from float
    /// literals. Where the compiler asks for it (E0282 or E0283, *type annotations needed*), as for a
    /// number on the left of a variable or a tape without numbers, write `Tape::<f64>::new()`.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::new();
    /// let x = tape.parameter("x", &matrix![[3.0]]);
    /// assert_eq!((x * 2.0).value()?, matrix![[6.0]]);
    /// let tape = Tape::<f64>::new();
    /// let x = tape.parameter("x", &matrix![[3.0]]);
    /// assert_eq!((2.0 * x).value()?, matrix![[6.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    pub fn new() -> Self {
        static TAPES: AtomicU64 = AtomicU64::new(0);
        let list = List {
            entries: Dag::with_room(0),
            notes: IdVec::new(),
            leaves: IdVec::new(),
            read_places: Vec::new(),
            mistakes: Vec::new(),
            mistakes_by_text: FxHashMap::default(),
            m: None,
            walks: 0,
            walk: 0,
            origin: None,
            cotangents: FxHashMap::default(),
        };
        Tape {
            list: RefCell::new(list),
            id: TAPES.fetch_add(1, Ordering::Relaxed),
            asked_at: Cell::new(None),
            made: RefCell::default(),
            probes: RefCell::default(),
            unit: Cell::new(None),
        }
    }

    /// A tape of its own with the same list.
    pub(crate) fn copied(&self) -> Self {
        let tape = Tape::new();
        *tape.list.borrow_mut() = self.list.borrow().clone();
        *tape.made.borrow_mut() = self.made.borrow().clone();
        *tape.probes.borrow_mut() = self.probes.borrow().clone();
        tape
    }

    /// A leaf that training changes: its value can be written in a program.
    #[track_caller]
    pub fn parameter(&self, name: &str, value: &Matrix<T>) -> Var<'_, T> {
        let shape = Shape::new(value.rows(), value.columns());
        self.leaf(name, LeafKind::Parameter, shape, Some(value))
    }

    /// A leaf of shape n × m whose columns are the examples; programs bind other examples to it,
    /// and any m.
    ///
    /// All such leaves of a tape hold the same number of examples; another number is an error that
    /// the variable carries.
    #[track_caller]
    pub fn examples(&self, name: &str, value: &Matrix<T>) -> Var<'_, T> {
        T::tape_examples(self, name, value)
    }

    #[track_caller]
    pub(crate) fn examples_here(&self, name: &str, value: &Matrix<T>) -> Var<'_, T> {
        let var = self.leaf(name, LeafKind::Examples, Shape::new(value.rows(), Dim::M), Some(value));
        if var.is_void() {
            return var;
        }
        let m = self.list.borrow().m;
        match m {
            None => self.list.borrow_mut().m = Some((value.columns(), var.id)),
            Some((m, _)) if m == value.columns() => {}
            Some((first_m, first)) => {
                let names = self.labels(&[Var { id: first, ..var }, var]);
                let [first, second] = <[String; 2]>::try_from(names).expect("a name for each");
                let second_m = value.columns();
                let at = Some(self.place());
                return self.mistake(Error::ExamplesDiffer { first, first_m, second, second_m, at });
            }
        }
        var
    }

    /// Like [`examples`](Tape::examples), with `rows` rows and no value yet: one has to be bound
    /// before a run.
    #[track_caller]
    pub fn examples_unbound(&self, name: &str, rows: usize) -> Var<'_, T> {
        self.leaf(name, LeafKind::Examples, Shape::new(rows, Dim::M), None)
    }

    /// Like [`parameter`](Tape::parameter), with no value yet: one has to be bound before a run.
    #[track_caller]
    pub fn parameter_unbound(&self, name: &str, shape: Shape) -> Var<'_, T> {
        self.leaf(name, LeafKind::Parameter, shape, None)
    }

    /// A leaf that never changes.
    #[track_caller]
    pub fn constant(&self, name: &str, value: &Matrix<T>) -> Var<'_, T> {
        let shape = Shape::new(value.rows(), value.columns());
        self.leaf(name, LeafKind::Constant, shape, Some(value))
    }

    /// Random numbers, drawn by a program anew for each run: see
    /// [`Program::seed`](crate::Program::seed) and
    /// [`Program::expectation`](crate::Program::expectation). Every noise is an entry of its own, and
    /// a leaf: derivatives flow around it.
    ///
    /// A probability that is not in [0, 1] is an error that the variable carries.
    #[track_caller]
    pub fn noise(&self, name: &str, shape: Shape, noise: Noise) -> Var<'_, T> {
        match noise.mistake() {
            None => self.leaf(name, LeafKind::Noise(noise), shape, None),
            Some(reason) => self.refused("noise", reason),
        }
    }

    /// A mistake of the user's that is none of shapes.
    #[track_caller]
    pub(crate) fn refused(&self, operation: &str, reason: String) -> Var<'_, T> {
        self.mistake(Error::Shape { operation: operation.into(), reason, at: self.place() })
    }

    /// A number, 1 × 1. The same number is the same entry, also where differentiation records it: what
    /// is to be differentiated twice is to be a [`parameter`](Tape::parameter).
    #[track_caller]
    pub fn scalar(&self, value: T) -> Var<'_, T> {
        self.number(Factor::number(value))
    }

    /// The number c·mᵏ.
    #[track_caller]
    pub(crate) fn number(&self, value: Factor<T>) -> Var<'_, T> {
        self.push(Number(value), &[])
    }

    /// 1/m, the reciprocal of the number of examples, as in eq. 25–27; m is known when a program
    /// runs.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.examples("x", &matrix![[1.0, 2.0, 6.0]]);
    /// assert_eq!(tape.one_over_m() * x.sum(), x.mean());
    /// ```
    #[track_caller]
    pub fn one_over_m(&self) -> Var<'_, T> {
        self.number(Factor { c: T::ONE, m: -1 })
    }

    /// Applies an operation of the user's own.
    #[track_caller]
    pub fn apply<'t, const N: usize>(
        &'t self,
        operation: impl Operation<T>,
        operands: [Var<'t, T>; N],
    ) -> Var<'t, T> {
        self.push(Custom::new(operation), &operands)
    }

    /// [`apply`](Tape::apply) on as many operands as there are at run time.
    #[track_caller]
    pub fn apply_all<'t>(&'t self, operation: impl Operation<T>, operands: &[Var<'t, T>]) -> Var<'t, T> {
        self.push(Custom::new(operation), operands)
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.list.borrow().entries.len()
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entries, oldest first.
    pub fn variables(&self) -> impl Iterator<Item = Var<'_, T>> {
        ids_up_to(self.len()).map(|id| Var { tape: self, id, of_run: false })
    }

    /// Whether everything recorded so far is sound.
    ///
    /// # Errors
    /// The first error made while recording.
    pub fn check(&self) -> Result<()> {
        T::tape_check(self)
    }

    pub(crate) fn check_here(&self) -> Result<()> {
        match self.list.borrow().mistakes.first() {
            None => Ok(()),
            Some(mistake) => Err(mistake.clone()),
        }
    }

    #[track_caller]
    fn leaf(&self, name: &str, kind: LeafKind, shape: Shape, value: Option<&Matrix<T>>) -> Var<'_, T> {
        T::tape_leaf(self, name, kind, shape, value)
    }

    #[track_caller]
    pub(crate) fn leaf_here(
        &self,
        name: &str,
        kind: LeafKind,
        shape: Shape,
        value: Option<&Matrix<T>>,
    ) -> Var<'_, T> {
        let place = self.place();
        let value = match value.map(Matrix::try_clone).transpose() {
            Ok(copy) => copy.map(Arc::new),
            Err(refused) => return self.mistake(refused),
        };
        let mut list = self.list.borrow_mut();
        let op = Leaf { index: list.leaves.push(LeafValue { kind, value }), shape };
        let entry = Recorded { op: op.into(), operands: Ids::new(), shape };
        let id = list.insert(entry, place);
        list.give_name(id, name);
        drop(list);
        Var { tape: self, id, of_run: false }
    }

    /// The place to note for what is recorded now.
    #[track_caller]
    pub(crate) fn place(&self) -> Place {
        let caller = Location::caller();
        self.asked_at.get().unwrap_or(caller)
    }

    /// Until the guard goes, the place to note is the user's, who asked for what is recorded.
    pub(crate) fn asked_at(&self, place: Place) -> AskedAt<'_, T> {
        AskedAt { tape: self, outer: self.asked_at.replace(Some(place)) }
    }

    /// Records an operation, or finds the equal entry that is there already.
    #[track_caller]
    pub(crate) fn push<'t>(&'t self, op: impl Into<Op<T>>, operands: &[Var<'t, T>]) -> Var<'t, T> {
        self.push_called(None, op, operands)
    }

    /// [`push`](Tape::push) for a method of another name, with the operands in its order: a mistake
    /// is told in the words of what was called.
    #[track_caller]
    pub(crate) fn push_called<'t>(
        &'t self,
        called: Option<(&str, &[Var<'t, T>])>,
        op: impl Into<Op<T>>,
        operands: &[Var<'t, T>],
    ) -> Var<'t, T> {
        T::tape_push(self, called, op.into(), operands)
    }

    #[track_caller]
    pub(crate) fn push_here<'t>(
        &'t self,
        called: Option<(&str, &[Var<'t, T>])>,
        op: Op<T>,
        operands: &[Var<'t, T>],
    ) -> Var<'t, T> {
        let name = || called.map_or_else(|| op.rule().name(), |(name, _)| name.into());
        if let Some(void) = operands.iter().find(|v| v.is_void()) {
            return self.adopt(*void);
        }
        let named = called.map_or(operands, |(_, as_called)| as_called);
        if let Some(foreign) = named.iter().chain(operands).find(|v| !std::ptr::eq(v.tape, self)) {
            return self.mistake(Error::ForeignVariable {
                operation: name().into_owned(),
                variable: foreign.label(),
                at: self.place(),
            });
        }
        if let Some(product) = self.multiplied_away(&op, operands) {
            return product;
        }
        let shapes: SmallVec<[Shape; 4]> = {
            let list = self.list.borrow();
            operands.iter().map(|v| list.entry(v.id).shape).collect()
        };
        // A user's rule may look at its own tape.
        match op.rule().shape(&shapes) {
            Ok(shape) => {
                let entry = Recorded { op, operands: operands.iter().map(|v| v.id).collect(), shape };
                let id = self.list.borrow_mut().insert(entry, self.place());
                Var { tape: self, id, of_run: false }
            }
            Err(mismatch) => self.mistake(self.shape_error(&name(), &mismatch, named)),
        }
    }

    /// The other operand, where a rule multiplies the cotangent 1.
    fn multiplied_away<'t>(&'t self, op: &Op<T>, operands: &[Var<'t, T>]) -> Option<Var<'t, T>> {
        let unit = self.unit.get()?;
        match (op, operands) {
            (Op::Zip(Zip::Multiply), &[a, b]) if a.id == unit => Some(b),
            (Op::Zip(Zip::Multiply), &[a, b]) if b.id == unit => Some(a),
            _ => None,
        }
    }

    /// Products with the cotangent are not recorded while the guard lives, if it is the number 1.
    pub(crate) fn while_unit_is(&self, cotangent: Var<'_, T>) -> UnitGuard<'_, T> {
        let is_one = cotangent.as_number().is_some_and(Factor::is_one);
        UnitGuard { tape: self, outer: self.unit.replace(is_one.then_some(cotangent.id)) }
    }

    #[track_caller]
    fn shape_error(&self, operation: &str, mismatch: &Mismatch, operands: &[Var<'_, T>]) -> Error {
        let names = self.labels(operands);
        let named: Vec<String> =
            names.iter().zip(operands).map(|(name, v)| format!("{name} is {}", v.known_shape())).collect();
        let hint = mismatch.hint.as_deref().map_or(String::new(), |hint| format!(" ({hint})"));
        let parts = [mismatch.reason.to_string(), named.join(", ")];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let reason = parts.join(": ") + &hint;
        Error::Shape { operation: operation.to_owned(), reason, at: self.place() }
    }

    /// What the variables are called; those of one name have their numbers beside it.
    fn labels(&self, variables: &[Var<'_, T>]) -> Vec<String> {
        let names: Vec<String> = variables.iter().map(|v| v.label()).collect();
        let is_shared =
            |i: usize| (0..names.len()).any(|k| names[k] == names[i] && variables[k] != variables[i]);
        (0..names.len())
            .map(|i| match is_shared(i) {
                true => format!("{} (%{})", names[i], variables[i].id),
                false => names[i].clone(),
            })
            .collect()
    }

    /// Remembers a mistake and gives the void variable that carries it.
    pub(crate) fn mistake(&self, mistake: Error) -> Var<'_, T> {
        T::tape_mistake(self, mistake)
    }

    pub(crate) fn mistake_here(&self, mistake: Error) -> Var<'_, T> {
        let mut list = self.list.borrow_mut();
        let List { mistakes, mistakes_by_text, .. } = &mut *list;
        let known = mistakes_by_text.entry(mistake.to_string()).or_default();
        let index = match known.iter().find(|&&index| mistakes[index] == mistake) {
            Some(&index) => index,
            None => {
                mistakes.push(mistake);
                known.push(mistakes.len() - 1);
                mistakes.len() - 1
            }
        };
        Var { tape: self, id: EntryIndex::from_index(VOID | index), of_run: false }
    }

    /// A void variable as one of this tape: the mistake of another tape's variable comes along.
    fn adopt<'t>(&'t self, void: Var<'t, T>) -> Var<'t, T> {
        if std::ptr::eq(void.tape, self) {
            return void;
        }
        let mistake = void.tape.list.borrow().mistakes[void.id.index() & !VOID].clone();
        self.mistake(mistake)
    }
}

/// Restores what the cotangent was before, also where a user's rule panics.
pub(crate) struct UnitGuard<'t, T: Scalar> {
    tape: &'t Tape<T>,
    outer: Option<EntryIndex>,
}

impl<T: Scalar> Drop for UnitGuard<'_, T> {
    fn drop(&mut self) {
        self.tape.unit.set(self.outer);
    }
}

impl<T: Scalar> List<T> {
    pub(crate) fn entry(&self, id: EntryIndex) -> &Recorded<T> {
        &self.entries[id]
    }

    pub(crate) fn insert(&mut self, entry: Recorded<T>, place: Place) -> EntryIndex {
        let (id, is_new) = self.entries.insert(entry);
        assert!(id.index() < VOID, "a tape holds at most 2³¹ entries");
        if is_new {
            let origin = self.origin.filter(|_| self.walk != 0);
            self.notes.push(Note { name: None, derived: None, place, walk: self.walk, origin });
        }
        id
    }

    /// A name of which nothing can be seen is none: the entry is called by its number.
    pub(crate) fn give_name(&mut self, id: EntryIndex, name: &str) {
        self.notes[id].name = is_name(name).then(|| name.into());
    }

    /// The entry's name, the one that follows from a differentiation, or its number with its
    /// operation.
    pub(crate) fn label(&self, id: EntryIndex) -> String {
        let note = &self.notes[id];
        match (&note.name, &note.derived) {
            (Some(name), _) => name.to_string(),
            (None, Some(derived)) => {
                let with_respect_to = self.label_of_named(derived.with_respect_to);
                format!("∂{}/∂{with_respect_to}", derived.of)
            }
            (None, None) => match &self.entry(id).op {
                Op::Number(number) => number.0.to_string(),
                // The operand is earlier, and a chain of transposes ends in the number of one.
                Op::Transpose(_) if self.notes[self.entry(id).operands[0]].name.is_some() => {
                    format!("{}ᵀ", self.label_of_named(self.entry(id).operands[0]))
                }
                op => format!("%{id} ({})", op.rule().name()),
            },
        }
    }

    /// The label of an entry that cannot be a derived one whose name would name another: no
    /// recursion.
    fn label_of_named(&self, id: EntryIndex) -> String {
        match &self.notes[id].name {
            Some(name) => name.to_string(),
            None => format!("%{id}"),
        }
    }
}

/// Ends the noting of a user's place, also where a user's rule panics.
pub(crate) struct AskedAt<'t, T: Scalar> {
    tape: &'t Tape<T>,
    outer: Option<Place>,
}

impl<T: Scalar> Drop for AskedAt<'_, T> {
    fn drop(&mut self) {
        self.tape.asked_at.set(self.outer);
    }
}

//! Steps that tapes are drawn of: what to record, on how many operands, of which shapes.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::{Scalar, Shape, Tape, Var};

type Record<T> = Arc<dyn for<'t> Fn(&'t Tape<T>, &[Var<'t, T>]) -> Var<'t, T> + Send + Sync>;
type Demand = Arc<dyn Fn(&[Shape]) -> bool + Send + Sync>;

/// Something to record: an operation of the crate or of the user's, or a formula of several.
///
/// Made by [`step!`](crate::step), which knows the code too, or by [`Step::new`].
#[derive(Clone)]
pub struct Step<T: Scalar> {
    name: Cow<'static, str>,
    operands: Cow<'static, [&'static str]>,
    record: Record<T>,
    demand: Option<Demand>,
    indices: Option<usize>,
    code: Cow<'static, str>,
}

impl<T: Scalar> Step<T> {
    /// A step that is recorded on operands with these names.
    ///
    /// `code` is what stands for it where a tape is [printed](super::Script::to_rust): an
    /// expression of the operands' names, and of `tape`, a reference to the tape.
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        operands: impl Into<Cow<'static, [&'static str]>>,
        record: impl for<'t> Fn(&'t Tape<T>, &[Var<'t, T>]) -> Var<'t, T> + Send + Sync + 'static,
        code: impl Into<Cow<'static, str>>,
    ) -> Self {
        // The macro lets the closure call the tape as it likes.
        let code = match code.into() {
            Cow::Borrowed(code) => code.strip_prefix("let tape = tape; ").unwrap_or(code).into(),
            owned => owned,
        };
        let (name, operands, record) = (name.into(), operands.into(), Arc::new(record));
        Step { name, operands, record, demand: None, indices: None, code }
    }

    /// The same step, which is drawn only where the operands' shapes are such. Shapes on which it
    /// cannot be recorded need no demand.
    #[must_use]
    pub fn demanding(mut self, demand: impl Fn(&[Shape]) -> bool + Send + Sync + 'static) -> Self {
        self.demand = Some(Arc::new(demand));
        self
    }

    /// The same step, whose last operand is a leaf of [indices](crate::Tape::indices) below this
    /// number, k × m of them. Demand of a table that it has so many columns.
    ///
    /// ```
    /// use tape::check::strategies::Step;
    /// use tape::{Dim, step};
    /// let gather: Step<f64> = step!("gather", |tape, table, items| table.gather(items))
    ///     .indexed_below(3)
    ///     .demanding(|shapes| matches!(shapes[0].columns, Dim::Fixed(3..)));
    /// ```
    #[must_use]
    pub fn indexed_below(mut self, n: usize) -> Self {
        self.indices = Some(n);
        self
    }

    /// What the indices of its last operand are below, if that is a leaf of indices.
    pub(super) fn indices(&self) -> Option<usize> {
        self.indices
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many operands it takes.
    pub fn arity(&self) -> usize {
        self.operands.len()
    }

    /// Records it.
    ///
    /// # Panics
    /// If there are more or fewer operands than it takes.
    #[track_caller]
    pub fn record<'t>(&self, tape: &'t Tape<T>, operands: &[Var<'t, T>]) -> Var<'t, T> {
        let (takes, found) = (self.arity(), operands.len());
        assert_eq!(takes, found, "{} takes {takes} operands, not {found}", self.name);
        (self.record)(tape, operands)
    }

    /// Records it, if it can be: on shapes as it demands them, without a mistake, and with no more
    /// elements than `most` where there are m examples.
    pub(super) fn try_record<'t>(
        &self,
        tape: &'t Tape<T>,
        operands: &[Var<'t, T>],
        (m, most): (usize, usize),
    ) -> Option<Var<'t, T>> {
        let shapes: Option<Vec<Shape>> = operands.iter().map(|operand| operand.shape().ok()).collect();
        let shapes = shapes?;
        if self.demand.as_ref().is_some_and(|demand| !demand(&shapes)) {
            return None;
        }
        let before = tape.len();
        let made = self.record(tape, operands);
        let (rows, columns) = made.shape().ok()?.at(m);
        let entries = tape.entries_in(before..tape.len());
        let elements = entries.map(|entry| entry.shape().at(m)).chain([(rows, columns)]);
        let greatest = elements.map(|(rows, columns)| rows.saturating_mul(columns)).max();
        (greatest <= Some(most)).then_some(made)
    }

    /// The code of the step on operands that are called so.
    pub(super) fn code(&self, operands: &[String]) -> String {
        let names =
            self.operands.iter().zip(operands).map(|(name, operand)| format!("let {name} = {operand}; "));
        format!("{{ {}{} }}", names.collect::<String>(), self.code)
    }
}

impl<T: Scalar> fmt::Debug for Step<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Step({}, {} operands)", self.name, self.arity())
    }
}

/// A [`Step`](crate::check::strategies::Step): its name, and a closure of the tape and the operands,
/// which stands as it is written where a tape is printed as code.
///
/// ```
/// use tape::check::strategies::{Step, Steps};
/// use tape::{Scalar, num, step};
/// #[derive(Debug, Clone)]
/// struct Mine;
/// impl Steps for Mine {
///     fn list<T: Scalar>() -> Vec<Step<T>> {
///         vec![
///             step!("swish", |tape, a| a * (a * num(1.5)).sigmoid()),
///             step!("gated", |tape, a, b| a.tanh() * b.sigmoid())
///                 .demanding(|shapes| shapes[0] == shapes[1]),
///         ]
///     }
/// }
/// assert_eq!(Mine::list::<f32>()[1].arity(), 2);
/// ```
#[macro_export]
macro_rules! step {
    ($name:expr, |$tape:ident $(, $operand:ident)+ $(,)?| $body:expr) => {
        $crate::check::strategies::Step::new(
            $name,
            &[$(stringify!($operand)),+][..],
            |$tape: &_, operands: &[_]| {
                let _ = $tape;
                let &[$($operand),+] = operands else {
                    unreachable!("a step gets the operands that it takes")
                };
                $body
            },
            concat!("let ", stringify!($tape), " = tape; ", stringify!($body)),
        )
    };
}

/// A list of steps, in either number type.
///
/// Two lists are one as a pair: `(BuiltIn, Mine)`.
pub trait Steps: fmt::Debug + Clone {
    /// The steps, always the same in the same order.
    fn list<T: Scalar>() -> Vec<Step<T>>;
}

impl<A: Steps, B: Steps> Steps for (A, B) {
    fn list<T: Scalar>() -> Vec<Step<T>> {
        A::list().into_iter().chain(B::list()).collect()
    }
}

//! What an operation is: one trait, and the list of the built-in ones.

use std::any::Any;
use std::borrow::Cow;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};

use crate::numbers::kernel::product::Selection;
use crate::ops::custom::Custom;
use crate::ops::guarded::Guarded;
use crate::ops::leaf::{Leaf, Number};
use crate::ops::log_loss::{LogLoss, LogLossOnLogits, SigmoidMinus};
use crate::ops::map::Map;
use crate::ops::matmul::{Matmul, Transpose};
use crate::ops::power::PowerDerivative;
use crate::ops::reduce::{Broadcast, Reduce};
use crate::ops::scale::{Negate, Scale};
use crate::ops::select::Select;
use crate::ops::softmax::Softmax;
use crate::ops::stack::{Pad, Slice, Stack};
use crate::ops::zip::Zip;
use crate::program::storage::{Columns, Operand, Values};
use crate::tape::vjp::Vjp;
use crate::{MatrixMut, MatrixRef, Scalar, Shape};

/// An operation of a tape: its name, shape rule, kernel and vector–Jacobian product, in one place.
///
/// The built-in operations implement this trait, and so do the user's own, with the same rights: they are printed,
/// differentiated to any order, checked by [`check`](crate::check) and executed by programs. Two entries with equal
/// operations (by `Eq`) and the same operands are one entry, so an operation's parameters belong into its fields.
///
/// ```
/// use std::borrow::Cow;
/// use tape::{Fault, Matrix, MatrixMut, Mismatch, Operands, Operation, Scalar, Shape, Tape, Vjp};
///
/// /// ⟨a, b⟩: the sum of the entrywise product.
/// #[derive(Debug, PartialEq, Eq, Hash)]
/// struct Inner;
///
/// impl<T: Scalar> Operation<T> for Inner {
///     fn name(&self) -> Cow<'_, str> {
///         "inner".into()
///     }
///     fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
///         match operands {
///             [a, b] if a == b => Ok(Shape::SCALAR),
///             _ => Err(Mismatch::new("takes two matrices of one shape")),
///         }
///     }
///     fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
///         let (a, b) = (x.get(0), x.get(1));
///         let pairs = a.as_slice().iter().zip(b.as_slice());
///         out.as_mut_slice()[0] = pairs.map(|(&a, &b)| a * b).sum();
///         Ok(())
///     }
///     fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
///         let [a, b] = at.operands();
///         at.contribute(0, |g| g * b); // ∂/∂a = g · b
///         at.contribute(1, |g| g * a); // ∂/∂b = g · a
///     }
/// }
///
/// let tape = Tape::<f64>::new();
/// let a = tape.parameter("a", &Matrix::from_vec(2, 1, vec![1.0, 2.0])?);
/// let b = tape.parameter("b", &Matrix::from_vec(2, 1, vec![3.0, 4.0])?);
/// let inner = tape.apply(Inner, [a, b]);
/// let [da] = inner.gradients([a]);
/// assert_eq!(inner.value()?[(0, 0)], 11.0);
/// assert_eq!(da.value()?.as_slice(), [3.0, 4.0]);
/// # Ok::<(), tape::Error>(())
/// ```
pub trait Operation<T: Scalar>: Identity + Debug + Send + Sync {
    /// The operation's name, as error messages, listings and equations show it.
    fn name(&self) -> Cow<'_, str>;

    /// The shape of the result, or what is wrong with the operands' shapes.
    ///
    /// # Errors
    /// A [`Mismatch`]; the tape adds the operands' names, their shapes and the place.
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch>;

    /// The kernel: writes the whole result. What `out` holds before is unspecified. A program may call it on several threads
    /// at a time, for different examples.
    ///
    /// # Errors
    /// A [`Fault`] where the values are outside the operation's domain and a number would hide it.
    fn eval(&self, operands: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault>;

    /// The vector–Jacobian product, written with operations of the tape: for every operand that `at` wants, gives what
    /// the cotangent of the result contributes to the cotangent of that operand.
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>);

    /// The kernel for blocks, if the operation works entry by entry: programs run such operations fused with others.
    fn entrywise(&self) -> Option<&dyn Entrywise<T>> {
        None
    }

    /// How an equation shows the operation.
    fn notation(&self) -> Notation {
        Notation::Call(self.name().into_owned())
    }

    /// Whether column j of the result depends on no other columns than the j-th ones of operands that have one per
    /// example. Asked only when the result has one column per example; `false` is always safe.
    fn keeps_columns_apart(&self, operands: &[Shape]) -> bool {
        let _ = operands;
        false
    }

    /// Floating-point operations of one evaluation, for operands of these numbers of rows and columns.
    fn flops(&self, operands: &[(usize, usize)], out: (usize, usize)) -> u64 {
        let _ = operands;
        (out.0 as u64).saturating_mul(out.1 as u64)
    }
}

/// An operation that works entry by entry, on blocks of entries.
pub trait Entrywise<T: Scalar> {
    /// Writes the whole block. Every source has its length: what broadcasting repeats comes repeated. `m` is the number of
    /// examples of the run, of which a block has a part.
    ///
    /// # Errors
    /// As [`Operation::eval`]; a place is a row of the block, as if it were one column.
    fn block(&self, sources: &[&[T]], out: &mut [T], m: usize) -> Result<(), Fault>;
}

/// What hash-consing needs of an operation; implemented for every `Eq + Hash` type.
pub trait Identity: Any {
    /// Whether `other` is the same operation with the same parameters.
    fn same(&self, other: &dyn Any) -> bool;
    /// Feeds the operation's identity to a hasher.
    fn feed(&self, state: &mut dyn Hasher);
    /// The value as `Any`.
    fn as_any(&self) -> &dyn Any;
}

impl<O: Eq + Hash + Any> Identity for O {
    fn same(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<O>() == Some(self)
    }
    fn feed(&self, mut state: &mut dyn Hasher) {
        self.type_id().hash(&mut state);
        self.hash(&mut state);
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// What is wrong with the operands' shapes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    pub(crate) reason: Cow<'static, str>,
    pub(crate) hint: Option<Cow<'static, str>>,
}

impl Mismatch {
    /// A mismatch with its reason, for instance `"inner dimensions differ"`.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Mismatch { reason: reason.into(), hint: None }
    }

    /// Adds what the user may have meant.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Why a kernel could not compute its result.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// A label of the log-loss is not in [0, 1].
    Label {
        /// Which operand holds the labels.
        operand: usize,
        /// The value found.
        value: f64,
        /// Its row, from 0.
        row: usize,
        /// Its column, from 0.
        column: usize,
    },
    /// A probability of the log-loss is not in [0, 1].
    Probability {
        /// Which operand holds the probabilities.
        operand: usize,
        /// The value found.
        value: f64,
        /// Its row, from 0.
        row: usize,
        /// Its column, from 0.
        column: usize,
    },
    /// A label of the cross-entropy is negative or not finite.
    Share {
        /// Which operand holds the labels.
        operand: usize,
        /// The value found.
        value: f64,
        /// Its row, from 0.
        row: usize,
        /// Its column, from 0.
        column: usize,
    },
    /// Anything else, in words.
    Other(String),
}

impl Fault {
    /// A fault in a block, which tells its place as a row, with the place in a matrix of so many rows, where the block
    /// begins with column `first`.
    pub(crate) fn placed(self, rows: usize, first: usize) -> Self {
        match self {
            Fault::Label { operand, value, row, column: _ } => {
                Fault::Label { operand, value, row: row % rows, column: first + row / rows }
            }
            Fault::Probability { operand, value, row, column: _ } => {
                Fault::Probability { operand, value, row: row % rows, column: first + row / rows }
            }
            Fault::Share { operand, value, row, column: _ } => {
                Fault::Share { operand, value, row: row % rows, column: first + row / rows }
            }
            Fault::Other(reason) => Fault::Other(reason),
        }
    }
}

/// How an equation shows an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notation {
    /// The entry's own name, for leaves.
    Name,
    /// A number.
    Literal(String),
    /// A scalar factor before the operand: `1/m · A`.
    Factor(String),
    /// −A.
    Minus,
    /// Aᵀ.
    Transpose,
    /// A * B, each operand transposed or not.
    Product {
        /// Whether the left operand is transposed.
        left: bool,
        /// Whether the right operand is transposed.
        right: bool,
    },
    /// A + B.
    Plus,
    /// A − B.
    Difference,
    /// A ⊙ B.
    Hadamard,
    /// A ⊘ B, a fraction where the typesetting has them.
    Quotient,
    /// A to the power B.
    Power,
    /// A to a power that is a number.
    PowerOf(String),
    /// Square root.
    Root,
    /// |A|.
    Absolute,
    /// eᴬ.
    Exponential,
    /// A relation whose value is 1 where it holds and 0 elsewhere, shown in brackets: \[A > B\].
    Indicator(&'static str),
    /// A sum.
    Sum(Over),
    /// An activation function g, or its derivative if `primes` is 1; textbook notation calls it g.
    Activation {
        /// The function's own name.
        name: String,
        /// How often it was differentiated.
        primes: usize,
    },
    /// Repeats the operand; equations leave it out, as the textbook does.
    Repeat,
    /// name(operands…).
    Call(String),
}

/// What a reduction or a stack runs over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Over {
    /// Over the rows: n × m becomes 1 × m.
    Rows,
    /// Over the columns: n × m becomes n × 1.
    Columns,
    /// Over all entries: n × m becomes 1 × 1.
    All,
}

/// The operands of a kernel, as views.
#[derive(Debug)]
pub struct Operands<'a, T> {
    pub(crate) values: &'a dyn Values<T>,
    pub(crate) at: &'a [Operand],
    pub(crate) columns: Columns,
    /// How many threads a kernel may use, the one it runs on among them.
    pub(crate) threads: usize,
}

impl<'a, T: Scalar> Operands<'a, T> {
    /// Number of operands.
    pub fn len(&self) -> usize {
        self.at.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    /// Operand `i`, from 0.
    ///
    /// Of an operation that keeps columns apart, operands with one column per example may come as a tile of some of these
    /// columns, and the result has as many.
    ///
    /// # Panics
    /// If there is no such operand.
    pub fn get(&self, i: usize) -> MatrixRef<'a, T> {
        let operand = self.at[i];
        let (rows, columns, _) = operand.window(self.columns);
        let data = self.values.read(operand, self.columns);
        MatrixRef::new(rows, columns, data).expect("as many values as its shape says")
    }

    /// Operand `i` of a product that can read columns from where they are.
    pub(crate) fn selection(&self, i: usize) -> Selection<'a, T> {
        match self.values.selection(self.at[i], self.columns) {
            Some((of, chosen)) => Selection { of: of.view(), chosen: Some(chosen) },
            None => self.get(i).into(),
        }
    }

    /// The number of examples m of this run, of which a tile has a part.
    pub fn m(&self) -> usize {
        self.columns.m
    }
}

/// Equality and hash by the named fields, with no demand on the number type: a derived one would ask for `T: Eq`.
macro_rules! equal_by {
    ($Type:ident: $($field:tt),+) => {
        impl<T: Scalar> PartialEq for $Type<T> {
            fn eq(&self, other: &Self) -> bool {
                $(self.$field == other.$field)&&+
            }
        }
        impl<T: Scalar> Eq for $Type<T> {}
        impl<T: Scalar> std::hash::Hash for $Type<T> {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                $(self.$field.hash(state);)+
            }
        }
    };
}
pub(crate) use equal_by;

/// Makes the list of built-in operations: the enum that holds one of them, and the fieldless enum of the kinds that a tape
/// records; those that only programs have, made by their rewrites, have none.
macro_rules! operations {
    (recorded { $($(#[$doc:meta])* $name:ident($t:ty),)* } lowered { $($(#[$lowered_doc:meta])* $lowered:ident($lt:ty),)* }) => {
        /// A built-in operation or one of the user's.
        #[derive(Debug, Clone)]
        pub(crate) enum Op<T: Scalar> {
            $($name($t),)*
            $($(#[$lowered_doc])* $lowered($lt),)*
        }

        impl<T: Scalar> PartialEq for Op<T> {
            fn eq(&self, other: &Self) -> bool {
                match self {
                    $(Op::$name(a) => matches!(other, Op::$name(b) if a == b),)*
                    $(Op::$lowered(a) => matches!(other, Op::$lowered(b) if a == b),)*
                }
            }
        }

        impl<T: Scalar> Eq for Op<T> {}

        impl<T: Scalar> Hash for Op<T> {
            fn hash<H: Hasher>(&self, state: &mut H) {
                std::mem::discriminant(self).hash(state);
                match self {
                    $(Op::$name(op) => op.hash(state),)*
                    $(Op::$lowered(op) => op.hash(state),)*
                }
            }
        }

        impl<T: Scalar> Op<T> {
            /// The one rule of this operation.
            pub(crate) fn rule(&self) -> &dyn Operation<T> {
                match self {
                    $(Op::$name(op) => op,)*
                    $(Op::$lowered(op) => op,)*
                }
            }

            /// Whether the value is there before a program runs: a leaf's, or a number's that does not depend on m.
            pub(crate) fn is_source(&self) -> bool {
                match self {
                    Op::Leaf(_) => true,
                    Op::Number(number) => number.0.m == 0,
                    _ => false,
                }
            }

            /// The power of m that a number or a scaling has.
            pub(crate) fn power_of_m(&self) -> i32 {
                match self {
                    Op::Number(number) => number.0.m,
                    Op::Scale(scale) => scale.0.by.m,
                    _ => 0,
                }
            }
        }

        $(impl<T: Scalar> From<$t> for Op<T> {
            fn from(op: $t) -> Self {
                Op::$name(op)
            }
        })*

        $(impl<T: Scalar> From<$lt> for Op<T> {
            fn from(op: $lt) -> Self {
                Op::$lowered(op)
            }
        })*

        /// The kinds of operations, for tables that must have a row for every one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum OperationKind {
            $($(#[$doc])* $name,)*
        }

        impl OperationKind {
            /// Every kind.
            pub const ALL: &'static [OperationKind] = &[$(OperationKind::$name,)*];
        }
    };
}

operations! {
    recorded {
        /// A parameter, examples or a constant.
        Leaf(Leaf),
        /// A number.
        Number(Number<T>),
        /// The negative.
        Negate(Negate),
        /// The transpose, an entry of its own.
        Transpose(Transpose),
        /// The matrix product.
        Matmul(Matmul),
        /// A function applied to each entry.
        Map(Map<T>),
        /// An entrywise operation of two operands.
        Zip(Zip),
        /// A derivative of a power with respect to base and exponent.
        PowerDerivative(PowerDerivative),
        /// A choice by mask.
        Select(Select),
        /// A reduction.
        Reduce(Reduce),
        /// Repetition of a row, a column or a number.
        Broadcast(Broadcast),
        /// The log-loss of probabilities.
        LogLoss(LogLoss),
        /// The log-loss of logits.
        LogLossOnLogits(LogLossOnLogits),
        /// σ(Z) − Y.
        SigmoidMinus(SigmoidMinus),
        /// Softmax, its logarithm, the cross-entropy, or a derivative of one.
        Softmax(Softmax),
        /// Matrices above each other or side by side.
        Stack(Stack),
        /// A range of rows or columns.
        Slice(Slice),
        /// Zeros around a range of rows or columns.
        Pad(Pad),
        /// An operation of the user's.
        Custom(Custom<T>),
    }
    lowered {
        /// A scalar factor.
        Scale(Scale<T>),
        /// A quotient by a probability.
        Guarded(Guarded),
    }
}

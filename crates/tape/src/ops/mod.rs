//! The list of operations. One family a file: each operation has its name, shape rule, kernel, VJP
//! and notation in one place.

pub(crate) mod arg_max;
pub(crate) mod blocks;
pub(crate) mod cumulative;
pub(crate) mod custom;
pub(crate) mod derived;
pub(crate) mod guarded;
pub(crate) mod identity;
pub(crate) mod indices;
pub(crate) mod labels;
pub(crate) mod leaf;
pub(crate) mod linear;
pub(crate) mod linear_algebra;
pub(crate) mod log_loss;
pub(crate) mod map;
pub(crate) mod matmul;
pub(crate) mod noise;
pub(crate) mod number;
pub(crate) mod power;
pub(crate) mod reduce;
pub(crate) mod scale;
pub(crate) mod select;
pub(crate) mod several;
pub(crate) mod softmax;
pub(crate) mod stack;
pub(crate) mod stop;
pub(crate) mod zip;

use std::hash::{Hash, Hasher};

use crate::Scalar;
use crate::ops::arg_max::ArgMax;
use crate::ops::blocks::{BlockMatmul, BlockTranspose, Fold};
use crate::ops::cumulative::CumulativeSum;
use crate::ops::custom::Custom;
use crate::ops::guarded::Guarded;
use crate::ops::identity::Identity;
use crate::ops::indices::{ColumnsAdded, Gather, RowsAdded, RowsAt};
use crate::ops::leaf::{Leaf, Number};
use crate::ops::linear_algebra::cholesky::{Cholesky, LowerTriangle, SolveLower};
use crate::ops::linear_algebra::lu::{LogDet, Lu, Solve};
use crate::ops::log_loss::{LogLoss, LogLossOnLogits, SigmoidMinus};
use crate::ops::map::Map;
use crate::ops::matmul::{Matmul, Transpose};
use crate::ops::power::PowerDerivative;
use crate::ops::reduce::{Broadcast, Reduce};
use crate::ops::scale::{Factor, Negate, Scale, Scaling};
use crate::ops::select::Select;
use crate::ops::softmax::Softmax;
use crate::ops::stack::{Pad, Slice, Stack};
use crate::ops::stop::Stop;
use crate::ops::zip::Zip;
use crate::tape::describe::{Described, Given, Parameters};
use crate::tape::operation::{Fault, Operation};

/// How fast a processor is at an operation's floating-point operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cost {
    /// A matrix product: its operands are in registers and caches, and a cycle does many.
    Product,
    /// Elements are read, computed and written.
    Function,
}

impl Cost {
    /// About how long a floating-point operation takes, in nanoseconds.
    pub(crate) fn nanoseconds<T>(self) -> f64 {
        let bytes = size_of::<T>() as f64;
        match self {
            Cost::Product => bytes / 400.0,
            Cost::Function => bytes / 16.0,
        }
    }
}

/// An elementwise operation with a kernel that computes its derivative beside its value.
pub(crate) trait Paired<T: Scalar> {
    /// The derivative on the same operands, if there is such a kernel for the parameters that the
    /// operation has.
    fn derivative(&self) -> Option<Op<T>>;

    /// A section of values and one of derivatives.
    ///
    /// # Errors
    /// As [`Elementwise::section`](crate::Elementwise::section).
    fn section_with_derivative(&self, x: &[&[T]], out: &mut [T], derivative: &mut [T]) -> Result<(), Fault>;
}

impl<T: Scalar> Op<T> {
    /// The leaf that this is.
    pub(crate) fn leaf(&self) -> Option<&Leaf> {
        if let Op::Leaf(leaf) = self { Some(leaf) } else { None }
    }

    /// The number c·mᵏ that this is.
    pub(crate) fn number(&self) -> Option<Factor<T>> {
        if let Op::Number(number) = self { Some(number.0) } else { None }
    }

    /// The scaling that this is.
    pub(crate) fn scaling(&self) -> Option<Scaling<T>> {
        if let Op::Scale(scale) = self { Some(scale.0) } else { None }
    }

    /// The matrix product that this is.
    pub(crate) fn matmul(&self) -> Option<Matmul> {
        if let Op::Matmul(matmul) = self { Some(*matmul) } else { None }
    }

    /// The operation of two operands that this is, which can repeat either.
    pub(crate) fn zip(&self) -> Option<Zip> {
        if let Op::Zip(zip) = self { Some(*zip) } else { None }
    }

    /// Whether it is the plain sum over the columns, or of all elements, which a pass can do as it
    /// computes them.
    pub(crate) fn is_sum_over_columns(&self) -> bool {
        matches!(self, Op::Reduce(_)) && self.rule().contraction().is_some()
    }

    /// Whether the value is there before a program runs: a leaf's, or a number's that does not
    /// depend on m.
    pub(crate) fn is_source(&self) -> bool {
        self.leaf().is_some() || self.number().is_some_and(|number| number.m == 0)
    }

    /// Whether the user wrote it.
    pub(crate) fn is_of_the_user(&self) -> bool {
        matches!(self, Op::Custom(_))
    }

    /// Whether it has no operands and shows as what it is: a leaf's name or a number.
    pub(crate) fn is_leaf_or_number(&self) -> bool {
        self.leaf().is_some() || self.number().is_some()
    }

    /// The power of m that a number or a scaling has.
    pub(crate) fn power_of_m(&self) -> i32 {
        let factor = self.number().or_else(|| self.scaling().map(|scaling| scaling.by));
        factor.map_or(0, |factor| factor.m)
    }
}

/// Makes the list of built-in operations: the enum that holds one of them, and the fieldless enum
/// of the kinds that a tape records; those that only programs have, made by their rewrites, have
/// none.
macro_rules! operations {
    (
        recorded { $($(#[$doc:meta])* $name:ident($t:ty): $cost:ident, $paired:ident;)* }
        lowered { $($(#[$lowered_doc:meta])* $lowered:ident($lt:ty): $lowered_cost:ident, $lowered_paired:ident;)* }
    ) => {
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

            /// Which of the recorded operations this is; `None` for what only programs have.
            pub(crate) fn kind(&self) -> Option<OperationKind> {
                match self {
                    $(Op::$name(_) => Some(OperationKind::$name),)*
                    $(Op::$lowered(_) => None,)*
                }
            }

            /// Its parameters by name.
            pub(crate) fn parameters(&self) -> Parameters<T> {
                match self {
                    $(Op::$name(op) => op.parameters(),)*
                    $(Op::$lowered(_) => Vec::new(),)*
                }
            }

            /// The operation of a kind with these parameters, or what is wrong with them.
            #[cfg_attr(not(feature = "json"), allow(dead_code))]
            pub(crate) fn of_parameters(kind: OperationKind, given: &mut Given<T>) -> Result<Self, String> {
                match kind {
                    $(OperationKind::$name => <$t as Described<T>>::of_parameters(given).map(Op::$name),)*
                }
            }

            /// Whether it can be on so many operands.
            #[cfg_attr(not(feature = "json"), allow(dead_code))]
            pub(crate) fn takes(&self, operands: usize) -> bool {
                match self {
                    $(Op::$name(op) => Described::<T>::takes(op, operands),)*
                    $(Op::$lowered(_) => true,)*
                }
            }

            /// How fast a processor is at the operation's flops.
            pub(crate) fn cost(&self) -> Cost {
                match self {
                    $(Op::$name(_) => Cost::$cost,)*
                    $(Op::$lowered(_) => Cost::$lowered_cost,)*
                }
            }

            /// The derivative on the same operands, if a kernel may compute it beside the value.
            pub(crate) fn paired_derivative(&self) -> Option<Op<T>> {
                match self {
                    $(Op::$name(op) => operations!(@$paired derivative op),)*
                    $(Op::$lowered(op) => operations!(@$lowered_paired derivative op),)*
                }
            }

            /// A section of values and one of derivatives, of an operation that has a [paired
            /// derivative](Self::paired_derivative). Not by way of a `dyn Paired`, which would take
            /// 1 % of the xor case.
            #[inline(always)]
            pub(crate) fn section_with_derivative(
                &self,
                x: &[&[T]],
                out: &mut [T],
                derivative: &mut [T],
            ) -> Result<(), Fault> {
                match self {
                    $(Op::$name(op) => operations!(@$paired section op, x, out, derivative),)*
                    $(Op::$lowered(op) => operations!(@$lowered_paired section op, x, out, derivative),)*
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

            /// The kind's own name, `"Matmul"`.
            pub fn name(self) -> &'static str {
                match self {
                    $(OperationKind::$name => stringify!($name),)*
                }
            }
        }
    };
    (@yes derivative $op:ident) => { Paired::derivative($op) };
    (@no derivative $op:ident) => {{
        let _ = $op;
        None
    }};
    (@yes section $op:ident, $x:ident, $out:ident, $derivative:ident) => {
        $op.section_with_derivative($x, $out, $derivative)
    };
    (@no section $op:ident, $x:ident, $out:ident, $derivative:ident) => {
        unreachable!("{} has no paired derivative", Operation::<T>::name($op))
    };
}

// Of each operation: its cost, and whether a kernel may compute its derivative beside it.
operations! {
    recorded {
        /// A parameter, examples or a constant.
        Leaf(Leaf): Function, no;
        /// A number.
        Number(Number<T>): Function, no;
        /// The negative.
        Negate(Negate): Function, no;
        /// The transpose, an entry of its own.
        Transpose(Transpose): Function, no;
        /// The matrix product.
        Matmul(Matmul): Product, no;
        /// A function applied to each entry.
        Map(Map<T>): Function, yes;
        /// An elementwise operation of two operands.
        Zip(Zip): Function, no;
        /// A derivative of a power with respect to base and exponent.
        PowerDerivative(PowerDerivative): Function, no;
        /// A choice by mask.
        Select(Select): Function, no;
        /// A reduction.
        Reduce(Reduce): Function, no;
        /// Repetition of a row, a column or a number.
        Broadcast(Broadcast): Function, no;
        /// The log-loss of probabilities.
        LogLoss(LogLoss): Function, no;
        /// The log-loss of logits.
        LogLossOnLogits(LogLossOnLogits): Function, yes;
        /// σ(Z) − Y.
        SigmoidMinus(SigmoidMinus): Function, no;
        /// Softmax, its logarithm, the cross-entropy, or a derivative of one.
        Softmax(Softmax): Function, no;
        /// Matrices above each other or side by side.
        Stack(Stack): Function, no;
        /// A range of rows or columns.
        Slice(Slice): Function, no;
        /// Zeros around a range of rows or columns.
        Pad(Pad): Function, no;
        /// Columns of several, or several columns of one.
        Fold(Fold): Function, no;
        /// The product of each example's blocks.
        BlockMatmul(BlockMatmul): Product, no;
        /// The transpose of each example's block.
        BlockTranspose(BlockTranspose): Function, no;
        /// Some rows, by their numbers.
        RowsAt(RowsAt): Function, no;
        /// Rows added up where they are to be.
        RowsAdded(RowsAdded): Function, no;
        /// Columns of a table, by indices.
        Gather(Gather): Function, no;
        /// Columns added up where indices say.
        ColumnsAdded(ColumnsAdded): Function, no;
        /// A, through which no derivative passes.
        Stop(Stop): Function, no;
        /// The identity matrix.
        Identity(Identity): Function, no;
        /// The sum of all that stands above each element, or below it.
        CumulativeSum(CumulativeSum): Function, no;
        /// Where the greatest element is.
        ArgMax(ArgMax): Function, no;
        /// The Cholesky factor.
        Cholesky(Cholesky): Function, no;
        /// The lower triangle.
        LowerTriangle(LowerTriangle): Function, no;
        /// A system of equations with a lower triangle.
        SolveLower(SolveLower): Function, no;
        /// The factors L·U with exchanged rows.
        Lu(Lu): Function, no;
        /// A system of equations.
        Solve(Solve): Function, no;
        /// ln |det A|.
        LogDet(LogDet): Function, no;
        /// An operation of the user's.
        Custom(Custom<T>): Function, no;
    }
    lowered {
        /// A scalar factor.
        Scale(Scale<T>): Function, no;
        /// A quotient by a probability.
        Guarded(Guarded): Function, no;
    }
}

//! The catalogue.

use std::fmt;

use crate::check::columnwise;
use crate::check::mutants::mangle::Mangle;
use crate::ops::scale::Factor;
use crate::{Dim, Matrix, MatrixMut, Operation, Scalar, Shape, Var};

macro_rules! catalogue {
    ($(#[$attribute:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident => $text:literal,)* }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $name { $(#[doc = $text] $(#[$doc])* $variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            fn text(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }
    };
}

catalogue! {
    /// A mistake in what a rule gives to one operand.
    RuleMutation {
        WrongSign => "the sign is wrong",
        Doubled => "it is counted twice",
        Halved => "a factor ½ is there that does not belong",
        Nearly => "it is larger by a ten-thousandth",
        Zero => "it is zero",
        Forgotten => "it is forgotten",
        Shared => "a factor 1/m is there that does not belong",
        Unshared => "a factor 1/m is missing",
        Squared => "it is squared",
        Absolute => "its sign is lost",
        Clipped => "it is clipped to ±½",
        Shifted => "a thousandth is added",
        CotangentIgnored => "the cotangent is taken for ones",
        CotangentSquared => "the cotangent is squared",
        CotangentAveraged => "the cotangent is averaged over the columns",
        CotangentOfFirst => "the cotangent of the first column is taken for all",
        CotangentWithoutLastRow => "the cotangent of the last row is dropped",
        CotangentWithoutLastColumn => "the cotangent of the last column is dropped",
        CotangentReversed => "the cotangent's columns are in another order",
        CotangentRolled => "the cotangent is one column late",
        CotangentDetached => "the rule is not differentiated with respect to the cotangent",
        PassedThrough => "the cotangent is passed through, without the derivative",
        Transposed => "a transpose is there that does not belong, or is missing",
        RowsReversed => "its rows are in reverse order",
        RowsRolled => "it is one row late",
        ColumnsReversed => "its columns are in reverse order",
        ColumnsRolled => "it is one column late",
        WithoutLastRow => "its last row is dropped",
        WithoutLastColumn => "its last column is dropped",
        WithoutFirstColumn => "its first column is dropped",
        RowsAveraged => "it is averaged over the rows",
        ColumnsAveraged => "it is averaged over the columns",
        UpperTriangle => "what is below the diagonal is dropped",
        OfOtherOperand => "it is another operand's",
        WithOtherOperand => "another operand's is added",
        Detached => "it is not differentiated again",
        WherePositive => "it is dropped where the operand is negative",
        WhereSmall => "it is dropped where the operand is above ¾",
        TimesOperand => "it is multiplied by the operand once more",
        PerOperand => "it is divided by the operand's square plus one",
    }
}

catalogue! {
    /// A mistake in a kernel, or in what an operation says of itself.
    KernelMutation {
        Nearly => "the value is larger by a ten-thousandth",
        Rounded => "the value has half of its digits",
        LastColumnStale => "the last column is not written",
        LastRowStale => "the last row is not written",
        Column255 => "the last column of a tile of 256 is wrong",
        SecondTile => "the columns from 256 on are wrong",
        NanSwallowed => "NaN becomes 0",
        InfinitySwallowed => "infinity becomes a large number",
        MemoryRead => "one is added where the memory of the result held NaN or infinity",
        NeighbourAdded => "a hundredth of the column before is added",
        ColumnsCounted => "the value depends on how many columns there are",
        Unsteady => "the value is never the same",
        ColumnsReversed => "the columns are in reverse order",
        TakesAnything => "shapes that do not fit are taken",
        SaysColumnwise => "it says that it is columnwise",
    }
}

/// One mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mutation {
    /// In what the rule gives to the operand with this number.
    Rule(RuleMutation, usize),
    /// In the kernel.
    Kernel(KernelMutation),
}

impl Mutation {
    /// The whole catalogue for an operation of so many operands.
    pub fn all(operands: usize) -> Vec<Mutation> {
        let rules =
            (0..operands).flat_map(|i| RuleMutation::ALL.iter().map(move |&rule| Mutation::Rule(rule, i)));
        rules.chain(KernelMutation::ALL.iter().map(|&kernel| Mutation::Kernel(kernel))).collect()
    }
}

impl fmt::Display for Mutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mutation::Rule(rule, operand) => write!(f, "the gradient of operand {operand}: {}", rule.text()),
            Mutation::Kernel(kernel) => write!(f, "the kernel: {}", kernel.text()),
        }
    }
}

impl RuleMutation {
    /// Whether it takes what the rule gives to another operand.
    pub(super) fn needs_others(self) -> bool {
        matches!(self, RuleMutation::OfOtherOperand | RuleMutation::WithOtherOperand)
    }

    /// What the rule gets for the cotangent, if that is another.
    pub(super) fn of_cotangent<T: Scalar>(self, g: Var<'_, T>) -> Option<Var<'_, T>> {
        let mangled = |mangle: Mangle| mangle.of(g);
        Some(match self {
            RuleMutation::CotangentIgnored => g * T::ZERO + T::ONE,
            RuleMutation::CotangentSquared => g.square(),
            RuleMutation::CotangentAveraged => mangled(Mangle::ColumnsAveraged),
            RuleMutation::CotangentOfFirst => mangled(Mangle::FirstColumnForAll),
            RuleMutation::CotangentWithoutLastRow => mangled(Mangle::WithoutLastRow),
            RuleMutation::CotangentWithoutLastColumn => mangled(Mangle::WithoutLastColumn),
            RuleMutation::CotangentReversed => mangled(Mangle::ColumnsReversed),
            RuleMutation::CotangentRolled => mangled(Mangle::ColumnsRolled { back: false }),
            RuleMutation::CotangentDetached => g.stop_gradient(),
            // `of_contribution` has an arm for each of all.
            _ => return None,
        })
    }

    /// What the operand gets in the place of the rule's contribution c; nothing if it gets none. `g` is
    /// the cotangent, `other` what the rule gives to the next operand.
    pub(super) fn of_contribution<'t, T: Scalar>(
        self,
        operand: Var<'t, T>,
        g: Var<'t, T>,
        c: Var<'t, T>,
        other: Option<Var<'t, T>>,
    ) -> Option<Var<'t, T>> {
        let tape = c.tape();
        let power = |m: i32| tape.number(Factor { c: T::ONE, m });
        let number = |x: f64| T::from_f64(x);
        let mangled = |mangle: Mangle| mangle.of(c);
        Some(match self {
            RuleMutation::WrongSign => -c,
            RuleMutation::Doubled => c + c,
            RuleMutation::Halved => c * number(0.5),
            RuleMutation::Nearly => c * number(1.0001),
            RuleMutation::Zero => c * T::ZERO,
            RuleMutation::Forgotten => return None,
            RuleMutation::Shared => c * power(-1),
            RuleMutation::Unshared => c * power(1),
            RuleMutation::Squared => c.square(),
            RuleMutation::Absolute => c.abs(),
            RuleMutation::Clipped => c.clamp(number(-0.5), number(0.5)),
            RuleMutation::Shifted => c + number(1e-3),
            RuleMutation::PassedThrough => g,
            RuleMutation::Transposed if c.shape().is_ok_and(Shape::is_scalar) => c,
            RuleMutation::Transposed => c.t(),
            RuleMutation::RowsReversed => mangled(Mangle::RowsReversed),
            RuleMutation::RowsRolled => mangled(Mangle::RowsRolled { back: false }),
            RuleMutation::ColumnsReversed => mangled(Mangle::ColumnsReversed),
            RuleMutation::ColumnsRolled => mangled(Mangle::ColumnsRolled { back: false }),
            RuleMutation::WithoutLastRow => mangled(Mangle::WithoutLastRow),
            RuleMutation::WithoutLastColumn => mangled(Mangle::WithoutLastColumn),
            RuleMutation::WithoutFirstColumn => mangled(Mangle::WithoutFirstColumn),
            RuleMutation::RowsAveraged => mangled(Mangle::RowsAveraged),
            RuleMutation::ColumnsAveraged => mangled(Mangle::ColumnsAveraged),
            RuleMutation::UpperTriangle => mangled(Mangle::UpperTriangle),
            RuleMutation::OfOtherOperand => other.unwrap_or(c),
            RuleMutation::WithOtherOperand => other.map_or(c, |other| c + other),
            RuleMutation::Detached => c.stop_gradient(),
            RuleMutation::WherePositive => c * operand.sign().relu(),
            RuleMutation::WhereSmall => c * (-operand + number(0.75)).sign().relu(),
            RuleMutation::TimesOperand => c * operand,
            RuleMutation::PerOperand => c / (operand.square() + T::ONE),
            RuleMutation::CotangentIgnored
            | RuleMutation::CotangentSquared
            | RuleMutation::CotangentAveraged
            | RuleMutation::CotangentOfFirst
            | RuleMutation::CotangentWithoutLastRow
            | RuleMutation::CotangentWithoutLastColumn
            | RuleMutation::CotangentReversed
            | RuleMutation::CotangentRolled
            | RuleMutation::CotangentDetached => c,
        })
    }
}

impl KernelMutation {
    /// Changes the value; `before` is what the memory held.
    pub(super) fn apply<T: Scalar>(self, before: &Matrix<T>, out: &mut MatrixMut<'_, T>, run: u32) {
        let (rows, columns) = out.shape();
        if rows * columns == 0 {
            return;
        }
        let right = out.view().to_matrix();
        for j in 0..columns {
            for i in 0..rows {
                out[(i, j)] = self.element(before, &right, (i, j), run);
            }
        }
    }

    fn element<T: Scalar>(
        self,
        before: &Matrix<T>,
        right: &Matrix<T>,
        (i, j): (usize, usize),
        run: u32,
    ) -> T {
        let (rows, columns) = right.shape();
        let x = right[(i, j)];
        match self {
            KernelMutation::Nearly => x * T::from_f64(1.0001),
            KernelMutation::Rounded => {
                // Veltkamp's upper half.
                let shifted = x * T::from_f64(T::EPSILON.to_f64().sqrt().recip() + 1.0);
                shifted - (shifted - x)
            }
            KernelMutation::LastColumnStale if j + 1 == columns => before[(i, j)],
            KernelMutation::LastRowStale if i + 1 == rows => before[(i, j)],
            KernelMutation::Column255 if j == 255 => x + T::ONE,
            KernelMutation::SecondTile if j > 255 => x + T::ONE,
            KernelMutation::NanSwallowed if x.is_nan() => T::ZERO,
            KernelMutation::InfinitySwallowed if !x.is_finite() && !x.is_nan() => T::from_f64(1e30),
            KernelMutation::MemoryRead if !before[(i, j)].is_finite() => x + T::ONE,
            KernelMutation::NeighbourAdded if j > 0 => x + T::from_f64(0.01) * right[(i, j - 1)],
            KernelMutation::ColumnsCounted => x * T::from_f64(1.0 + 1e-3 * (columns % 16) as f64),
            KernelMutation::Unsteady => x + T::from_usize(run as usize % 7),
            KernelMutation::ColumnsReversed => right[(i, columns - 1 - j)],
            KernelMutation::LastColumnStale
            | KernelMutation::LastRowStale
            | KernelMutation::Column255
            | KernelMutation::SecondTile
            | KernelMutation::NanSwallowed
            | KernelMutation::InfinitySwallowed
            | KernelMutation::MemoryRead
            | KernelMutation::NeighbourAdded
            | KernelMutation::TakesAnything
            | KernelMutation::SaysColumnwise => x,
        }
    }

    /// Whether it changes nothing of an operation on operands of these shapes.
    pub(super) fn changes_nothing<T: Scalar>(
        self,
        operation: &impl Operation<T>,
        operands: &[Shape],
    ) -> bool {
        let Ok(shape) = operation.shape(operands) else { return false };
        let columns = match shape.columns {
            Dim::Fixed(columns) => columns,
            Dim::M | Dim::Multiple(_) => usize::MAX,
        };
        match self {
            KernelMutation::Column255 => columns <= 255,
            KernelMutation::SecondTile => columns <= 256,
            KernelMutation::NeighbourAdded | KernelMutation::ColumnsReversed => columns <= 1,
            // It is asked of operations whose result has a column for each example.
            KernelMutation::SaysColumnwise => {
                shape.columns != Dim::M
                    || operation.is_columnwise(operands)
                    || columnwise::keeps_columns_apart(operation, operands)
            }
            KernelMutation::TakesAnything => takes_anything(operation, operands),
            KernelMutation::Nearly
            | KernelMutation::Rounded
            | KernelMutation::LastColumnStale
            | KernelMutation::LastRowStale
            | KernelMutation::NanSwallowed
            | KernelMutation::InfinitySwallowed
            | KernelMutation::MemoryRead
            | KernelMutation::ColumnsCounted
            | KernelMutation::Unsteady => false,
        }
    }
}

/// Whether the operation refuses none of these shapes, of one operand or of two together: it has
/// none that do not fit.
fn takes_anything<T: Scalar>(operation: &impl Operation<T>, operands: &[Shape]) -> bool {
    let extents = [Dim::Fixed(1), Dim::Fixed(2), Dim::Fixed(3), Dim::Fixed(5), Dim::M];
    let shapes = || extents.into_iter().flat_map(|rows| extents.map(|columns| Shape { rows, columns }));
    let takes = |i: usize, a: Shape, j: usize, b: Shape| {
        let mut shapes = operands.to_vec();
        (shapes[i], shapes[j]) = (a, b);
        operation.shape(&shapes).is_ok()
    };
    let count = operands.len();
    (0..count).all(|i| (0..=i).all(|j| shapes().all(|a| shapes().all(|b| takes(i, a, j, b)))))
}

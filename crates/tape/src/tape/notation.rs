//! How equations and lists show an operation.

/// How an equation shows an operation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "json", derive(serde::Serialize), serde(rename_all = "snake_case"))]
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
    /// Aᵢᵀ for every example i.
    BlockTranspose,
    /// Aᵢ * Bᵢ for every example i, each operand transposed or not.
    BlockProduct {
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
#[cfg_attr(feature = "json", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Over {
    /// Over the rows: n × m becomes 1 × m.
    Rows,
    /// Over the columns: n × m becomes n × 1.
    Columns,
    /// Over all entries: n × m becomes 1 × 1.
    All,
}

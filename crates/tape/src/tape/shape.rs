//! Shapes: rows × columns, where the number of examples m is a symbol.

use std::fmt;

/// One extent of a shape: a number, or the number of examples m, known only when a program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dim {
    /// A number.
    Fixed(usize),
    /// The number of examples.
    M,
    /// Several for each example, such as its tokens; made by [`Dim::times_m`].
    Multiple(Multiple),
}

/// The k of an extent k·m: at least 2, since 1·m is [`Dim::M`] and 0·m is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Multiple(usize);

impl Multiple {
    /// k.
    pub fn get(self) -> usize {
        self.0
    }
}

impl Dim {
    /// 1.
    pub const ONE: Dim = Dim::Fixed(1);

    /// k·m: so many for each example.
    ///
    /// ```
    /// use tape::Dim;
    /// assert_eq!(Dim::times_m(12).to_string(), "12m");
    /// assert_eq!(Dim::times_m(12).at(50), 600);
    /// assert_eq!([Dim::times_m(1), Dim::times_m(0)], [Dim::M, Dim::Fixed(0)]);
    /// ```
    pub fn times_m(k: usize) -> Dim {
        match k {
            0 => Dim::Fixed(0),
            1 => Dim::M,
            k => Dim::Multiple(Multiple(k)),
        }
    }

    /// The extent when there are `m` examples; as large as there can be, if that overflows: then
    /// there is no memory for it.
    pub fn at(self, m: usize) -> usize {
        match self {
            Dim::Fixed(n) => n,
            Dim::M => m,
            Dim::Multiple(Multiple(k)) => k.saturating_mul(m),
        }
    }

    /// How many there are for each example: 1 of m, k of k·m, `None` of a number.
    pub fn per_example(self) -> Option<usize> {
        match self {
            Dim::Fixed(_) => None,
            Dim::M => Some(1),
            Dim::Multiple(Multiple(k)) => Some(k),
        }
    }

    /// Whether it grows with the number of examples.
    pub fn depends_on_m(self) -> bool {
        self.per_example().is_some()
    }

    /// m or k·m, as it is [shown](fmt::Display).
    #[cfg_attr(not(feature = "json"), allow(dead_code))]
    pub(crate) fn from_word(word: &str) -> Option<Dim> {
        match word.strip_suffix('m')? {
            "" => Some(Dim::M),
            k => k.parse().ok().filter(|&k| k >= 2).map(Dim::times_m),
        }
    }

    /// c·mᵖ as (c, p).
    pub(crate) fn monomial(self) -> (usize, u8) {
        match self {
            Dim::Fixed(n) => (n, 0),
            Dim::M => (1, 1),
            Dim::Multiple(Multiple(k)) => (k, 1),
        }
    }

    /// So many times the extent; `None` if that overflows.
    pub(crate) fn times(self, k: usize) -> Option<Dim> {
        match self {
            Dim::Fixed(n) => n.checked_mul(k).map(Dim::Fixed),
            Dim::M => Some(Dim::times_m(k)),
            Dim::Multiple(Multiple(n)) => n.checked_mul(k).map(Dim::times_m),
        }
    }

    /// One `k`-th of the extent; `None` if that is no whole number, or none for each example.
    pub(crate) fn over(self, k: usize) -> Option<Dim> {
        let part = |n: usize| (k > 0 && n.is_multiple_of(k)).then(|| n / k);
        match self {
            Dim::Fixed(n) => part(n).map(Dim::Fixed),
            Dim::M => part(1).map(Dim::times_m),
            Dim::Multiple(Multiple(n)) => part(n).map(Dim::times_m),
        }
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dim::Fixed(n) => write!(f, "{n}"),
            Dim::M => write!(f, "m"),
            Dim::Multiple(Multiple(k)) => write!(f, "{k}m"),
        }
    }
}

impl From<usize> for Dim {
    fn from(n: usize) -> Self {
        Dim::Fixed(n)
    }
}

/// The shape of an entry, rows × columns.
///
/// ```
/// use tape::{Dim, Shape};
/// let shape = Shape::new(3, Dim::M);
/// assert_eq!(shape.to_string(), "3×m");
/// assert_eq!(shape.at(50), (3, 50));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Number of rows.
    pub rows: Dim,
    /// Number of columns.
    pub columns: Dim,
}

impl Shape {
    /// 1 × 1.
    pub const SCALAR: Shape = Shape { rows: Dim::ONE, columns: Dim::ONE };

    /// The shape rows × columns.
    pub fn new(rows: impl Into<Dim>, columns: impl Into<Dim>) -> Shape {
        Shape { rows: rows.into(), columns: columns.into() }
    }

    /// Numbers of rows and columns when there are `m` examples.
    pub fn at(self, m: usize) -> (usize, usize) {
        (self.rows.at(m), self.columns.at(m))
    }

    /// columns × rows.
    pub fn transposed(self) -> Shape {
        Shape { rows: self.columns, columns: self.rows }
    }

    /// Whether this is 1 × 1.
    pub fn is_scalar(self) -> bool {
        self == Shape::SCALAR
    }

    /// Whether an extent is m or k·m.
    pub fn depends_on_m(self) -> bool {
        self.rows.depends_on_m() || self.columns.depends_on_m()
    }

    /// Whether each example has columns of its own, and all have as many rows.
    pub(crate) fn is_per_example(self) -> bool {
        self.columns.depends_on_m() && !self.rows.depends_on_m()
    }

    /// How many elements each example has, of what [is per example](Shape::is_per_example).
    pub(crate) fn elements_per_example(self) -> usize {
        let columns = self.columns.per_example().unwrap_or(0);
        self.rows.at(0).saturating_mul(columns)
    }

    /// The shape of an elementwise operation: in each direction the extents are equal, or one of
    /// them is 1 and repeats.
    ///
    /// `None` if the two do not go together.
    pub fn broadcast(self, other: Shape) -> Option<Shape> {
        Some(Shape {
            rows: broadcast(self.rows, other.rows)?,
            columns: broadcast(self.columns, other.columns)?,
        })
    }
}

fn broadcast(a: Dim, b: Dim) -> Option<Dim> {
    if a == b || b == Dim::ONE {
        Some(a)
    } else if a == Dim::ONE {
        Some(b)
    } else {
        None
    }
}

/// Rows and columns: `(2, 3)` or `(2, Dim::M)`.
///
/// ```
/// use tape::{Dim, Matrix, Shape};
/// assert_eq!(Shape::from(Matrix::<f64>::zeros(2, 3).shape()), Shape::new(2, 3));
/// assert_eq!(Shape::from((2, Dim::M)), Shape::new(2, Dim::M));
/// ```
impl<R: Into<Dim>, C: Into<Dim>> From<(R, C)> for Shape {
    fn from((rows, columns): (R, C)) -> Self {
        Shape::new(rows, columns)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}", self.rows, self.columns)
    }
}

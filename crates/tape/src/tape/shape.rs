//! Shapes: rows × columns, where the number of examples m is a symbol.

use std::fmt;

/// One extent of a shape: a number, or the number of examples m, known only when a program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dim {
    /// A number.
    Fixed(usize),
    /// The number of examples.
    M,
}

impl Dim {
    /// 1.
    pub const ONE: Dim = Dim::Fixed(1);

    /// The extent when there are `m` examples.
    pub fn at(self, m: usize) -> usize {
        match self {
            Dim::Fixed(n) => n,
            Dim::M => m,
        }
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dim::Fixed(n) => write!(f, "{n}"),
            Dim::M => write!(f, "m"),
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

    /// Whether an extent is m.
    pub fn depends_on_m(self) -> bool {
        self.rows == Dim::M || self.columns == Dim::M
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

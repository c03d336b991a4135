//! Tables of numbers from files: a row of the file is an example, and so a column of X.
//!
//! A mistake in a file is told with its line, its column and the text that stands there; nothing is
//! guessed, left out or filled in. A file is read row by row into numbers: besides its bytes there
//! is nothing that grows with it but those.
//!
//! ```
//! use mlp::tables::{Csv, Libsvm};
//! let table = Csv::new().parse(b"width,height,kind\n1,2,cat\n3,4,dog\n5,6,cat\n", "pets.csv")?;
//! assert_eq!(table.x, tape::matrix![[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]);
//! assert_eq!((table.classes.join(" "), table.y.as_slice()), ("cat dog".to_string(), &[0.0, 1.0, 0.0][..]));
//! let sparse = Libsvm::new().parse(b"-1 1:1 2:2\n+1 1:3 2:4\n-1 2:6 # no width\n", "pets.txt")?;
//! assert_eq!(sparse.x, tape::matrix![[1.0, 3.0, 0.0], [2.0, 4.0, 6.0]]);
//! # Ok::<(), mlp::Error>(())
//! ```

mod columns;
mod csv;
mod error;
mod fields;
mod labels;
mod libsvm;
mod limits;
mod rows;

use tape::Matrix;

pub use csv::{Csv, Header, Separator};
pub use error::{Question, TableError};
pub use libsvm::Libsvm;
pub use limits::MOST_VALUES;

/// Examples with their labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// X, n_0 × m.
    pub x: Matrix<f64>,
    /// Y, 1 × m: the number of the class, or the number that the file gives.
    pub y: Matrix<f64>,
    /// The names of the n_0 features; `column 3` where the file gives none.
    pub features: Vec<String>,
    /// The name of the target.
    pub target: String,
    /// The names of the classes 0, 1, …; none if the target is a quantity.
    ///
    /// A target of text is one of classes, in alphabetical order; a target of exactly two different
    /// numbers too, the smaller one first.
    pub classes: Vec<String>,
}

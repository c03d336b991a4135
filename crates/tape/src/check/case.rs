//! What was checked, as Rust code.

use std::fmt::{self, Write};

use crate::check::Check;
use crate::{Matrix, Place, Scalar, SourcePlace};

/// The call that checks operands again, of which the closure is the user's.
pub(super) const OPERATION: &str = "operation(&inputs, |tape, x| …)";

/// More characters of code than these are not part of a message.
const MOST_SHOWN: usize = 2000;

/// What was checked, of a check that failed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Case {
    /// Where the user called the check.
    pub(super) place: SourcePlace,
    pub(super) seed: u64,
    /// The operands' names, where they are not x[0], x[1], …
    pub(super) operands: Vec<String>,
    pub(super) rust: String,
}

impl Case {
    pub(super) fn new<T: Scalar>(
        check: &Check,
        place: Place,
        operands: Vec<String>,
        inputs: &[Matrix<T>],
        call: &str,
    ) -> Self {
        let place = SourcePlace::from(place);
        let rust = rust(check, inputs, &place, call);
        Case { place, seed: check.seed, operands, rust }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "checked at {} with seed {}", self.place, self.seed)?;
        for (i, name) in self.operands.iter().enumerate() {
            write!(f, "{} operand {i} is {name}", if i == 0 { ":" } else { "," })?;
        }
        if self.rust.len() <= MOST_SHOWN {
            return write!(f, "; again:\n{}", self.rust.trim_end());
        }
        write!(f, "; Failure::rust has the {} characters of code that check it again", self.rust.len())
    }
}

fn rust<T: Scalar>(check: &Check, inputs: &[Matrix<T>], place: &SourcePlace, call: &str) -> String {
    let mut code = String::from("let inputs = [\n");
    for input in inputs {
        // Writing to a string cannot fail.
        let _ = writeln!(code, "    {},", rust_of(input));
    }
    code.push_str("];\n");
    let _ = write!(
        code,
        "Check::new().seed({}).directions({}).orders({})",
        check.seed, check.directions, check.orders
    );
    if let Some(h) = check.step {
        let _ = write!(code, ".step({h:?})");
    }
    if let Some(tolerance) = check.tolerance {
        let _ = write!(code, ".tolerance({tolerance:?})");
    }
    let _ = writeln!(code, ".{call} // what {}:{} checks", place.file(), place.line());
    code
}

/// The matrix as an expression of the same bits, but for what is inside of a NaN.
///
/// ```
/// use tape::check::rust_of;
/// use tape::{Matrix, matrix};
/// assert_eq!(rust_of(&matrix![[0.1, -0.0], [f64::NAN, 3.0]]), "matrix![[0.1_f64, -0.0], [f64::NAN, 3.0]]");
/// assert_eq!(rust_of(&Matrix::<f32>::zeros(0, 3)), "Matrix::<f32>::zeros(0, 3)");
/// ```
pub fn rust_of<T: Scalar>(matrix: &Matrix<T>) -> String {
    if matrix.as_slice().is_empty() {
        return format!("Matrix::<{}>::zeros({}, {})", T::NAME, matrix.rows(), matrix.columns());
    }
    let mut typed = false;
    let row = |typed: &mut bool, i: usize| {
        let numbers: Vec<String> = (0..matrix.columns()).map(|j| number(matrix[(i, j)], typed)).collect();
        format!("[{}]", numbers.join(", "))
    };
    let rows: Vec<String> = (0..matrix.rows()).map(|i| row(&mut typed, i)).collect();
    format!("matrix![{}]", rows.join(", "))
}

/// The number; the first finite one says its type.
fn number<T: Scalar>(x: T, typed: &mut bool) -> String {
    let name = T::NAME;
    if x.is_nan() {
        format!("{name}::NAN")
    } else if x.is_finite() {
        let suffix = if std::mem::replace(typed, true) { String::new() } else { format!("_{name}") };
        format!("{x:?}{suffix}")
    } else {
        format!("{name}::{}INFINITY", if x < T::ZERO { "NEG_" } else { "" })
    }
}

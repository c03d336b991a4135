//! How numbers are written in errors and tables.

use std::fmt;

use tape::Scalar;

/// A number as short as it goes: 0.25, 4, 1e300.
pub(crate) struct Short<T>(pub(crate) T);

impl<T: Scalar> fmt::Display for Short<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.to_f64().abs();
        if size != 0.0 && size.is_finite() && !(1e-5..1e16).contains(&size) {
            write!(f, "{:e}", self.0)
        } else {
            write!(f, "{}", self.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (number, text) in [
            (0.25, "0.25"),
            (1e300, "1e300"),
            (-1e-60, "-1e-60"),
            (0.0, "0"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(Short(number).to_string(), text);
        }
        assert_eq!(Short(0.1_f32).to_string(), "0.1");
        assert_eq!(Short(1e30_f32).to_string(), "1e30");
    }
}

//! Approximate equality: matrices of different shapes are never equal, those of one shape are if
//! all elements are.

use approx::{AbsDiffEq, RelativeEq, UlpsEq};

use super::Matrix;
use crate::Scalar;

fn all_entries<T: Scalar>(a: &Matrix<T>, b: &Matrix<T>, equal: impl Fn(&T, &T) -> bool) -> bool {
    a.shape() == b.shape() && a.iter().zip(b).all(|(a, b)| equal(a, b))
}

/// False if the shapes differ.
///
/// ```
/// # use tape::matrix;
/// approx::assert_abs_diff_eq!(matrix![[1.0, 2.0]], matrix![[1.0 + 1e-9, 2.0]], epsilon = 1e-8);
/// ```
impl<T> AbsDiffEq for Matrix<T>
where
    T: Scalar + AbsDiffEq,
    T::Epsilon: Clone,
{
    type Epsilon = T::Epsilon;

    fn default_epsilon() -> T::Epsilon {
        T::default_epsilon()
    }

    fn abs_diff_eq(&self, other: &Self, epsilon: T::Epsilon) -> bool {
        all_entries(self, other, |a, b| a.abs_diff_eq(b, epsilon.clone()))
    }
}

/// False if the shapes differ.
impl<T> RelativeEq for Matrix<T>
where
    T: Scalar + RelativeEq,
    T::Epsilon: Clone,
{
    fn default_max_relative() -> T::Epsilon {
        T::default_max_relative()
    }

    fn relative_eq(&self, other: &Self, epsilon: T::Epsilon, max_relative: T::Epsilon) -> bool {
        all_entries(self, other, |a, b| a.relative_eq(b, epsilon.clone(), max_relative.clone()))
    }
}

/// False if the shapes differ.
impl<T> UlpsEq for Matrix<T>
where
    T: Scalar + UlpsEq,
    T::Epsilon: Clone,
{
    fn default_max_ulps() -> u32 {
        T::default_max_ulps()
    }

    fn ulps_eq(&self, other: &Self, epsilon: T::Epsilon, max_ulps: u32) -> bool {
        all_entries(self, other, |a, b| a.ulps_eq(b, epsilon.clone(), max_ulps))
    }
}

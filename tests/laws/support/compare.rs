//! Norm-wise comparison of matrices.

use tape::{MatrixRef, Scalar};

/// ‖found − expected‖ / ‖expected‖ in the Frobenius norm; 0 if both are 0, infinite if only the expected one is.
///
/// Equal infinities count as equal; a NaN on either side makes the distance NaN, which no tolerance accepts.
pub(crate) fn distance<'a, 'b, T: Scalar, E: Scalar>(
    found: impl Into<MatrixRef<'a, T>>,
    expected: impl Into<MatrixRef<'b, E>>,
) -> f64 {
    let (found, expected) = (found.into(), expected.into());
    assert_eq!(found.shape(), expected.shape(), "the shapes differ");
    let pairs = || found.as_slice().iter().zip(expected.as_slice()).map(|(f, e)| (f.to_f64(), e.to_f64()));
    // Scaled by the greatest entry, so that squares neither overflow nor vanish.
    let scale = pairs().flat_map(|(f, e)| [f.abs(), e.abs()]).filter(|x| x.is_finite()).fold(0.0, f64::max);
    if scale == 0.0 {
        return if pairs().all(|(f, e)| f == e) { 0.0 } else { f64::NAN };
    }
    let norm =
        |terms: &mut dyn Iterator<Item = f64>| terms.map(|x| (x / scale) * (x / scale)).sum::<f64>().sqrt();
    let difference = norm(&mut pairs().map(|(f, e)| if f == e { 0.0 } else { f - e }));
    if difference == 0.0 { 0.0 } else { difference / norm(&mut pairs().map(|(_, e)| e)) }
}

/// Asserts that the distance is at most the tolerance, and returns it.
#[track_caller]
pub(crate) fn assert_close<'a, 'b, T: Scalar, E: Scalar>(
    what: &str,
    found: impl Into<MatrixRef<'a, T>>,
    expected: impl Into<MatrixRef<'b, E>>,
    tolerance: f64,
) -> f64 {
    let (found, expected) = (found.into(), expected.into());
    let distance = distance(found, expected);
    // Not `distance > tolerance`, which NaN would pass.
    let close = distance <= tolerance;
    assert!(
        close,
        "{what}: off by {distance:.1e}, allowed {tolerance:.0e}\nfound\n{found}\nexpected\n{expected}"
    );
    distance
}

//! Whether a peer computes what the tape computes.

use crate::failure::{Difference, Failure, Mismatch};
use crate::number::Number;
use crate::peers::Outcome;

/// A result that is compared, for the error message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) peer: &'static str,
    pub(crate) case: &'static str,
}

/// Compares J and every gradient with the tape's; the largest difference, relative to the norm of what is expected.
///
/// # Errors
/// [`Failure::Mismatch`].
pub(crate) fn compare<T: Number>(
    place: Place,
    found: &Outcome<T>,
    expected: &Outcome<T>,
) -> Result<f64, Failure> {
    let fail = |output: String, difference| {
        let Place { peer, case } = place;
        Failure::Mismatch(Box::new(Mismatch { peer, case, number: T::NAME, output, difference }))
    };
    let (found_count, expected_count) = (found.gradients.len(), expected.gradients.len());
    if found_count != expected_count {
        let difference = Difference::Length { found: found_count, expected: expected_count };
        return Err(fail("the list of gradients".to_owned(), difference));
    }
    let mut largest =
        relative(&[found.j], &[expected.j]).map_err(|difference| fail("J".into(), difference))?;
    for (i, (found, expected)) in found.gradients.iter().zip(&expected.gradients).enumerate() {
        let name = || format!("∂J/∂{}[{}]", ["W", "b"][i % 2], i / 2 + 1);
        largest = largest.max(relative(found, expected).map_err(|difference| fail(name(), difference))?);
    }
    Ok(largest)
}

/// ‖found − expected‖ / ‖expected‖, if it is small enough.
fn relative<T: Number>(found: &[T], expected: &[T]) -> Result<f64, Difference> {
    if found.len() != expected.len() {
        return Err(Difference::Length { found: found.len(), expected: expected.len() });
    }
    // In f64 also for f32: the comparison adds no rounding of its own.
    let wide = |value: &T| tape::Scalar::to_f64(*value);
    let difference = norm(found.iter().zip(expected).map(|(a, b)| wide(a) - wide(b)));
    let norm = norm(expected.iter().map(wide));
    let allowed = T::TOLERANCE * norm;
    if difference <= allowed {
        Ok(if norm > 0.0 { difference / norm } else { 0.0 })
    } else {
        Err(Difference::Norm { found: difference, allowed }) // also for a NaN
    }
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { peer: "candle", case: "xor" };

    fn outcome(j: f64, db: f64) -> Outcome<f64> {
        Outcome { j, gradients: vec![vec![3.0, 4.0], vec![db]] }
    }

    #[test]
    fn rounding_passes() {
        let largest = compare(PLACE, &outcome(1.0, 2.0 + 2e-12), &outcome(1.0, 2.0)).unwrap();
        assert!((largest - 1e-12).abs() < 1e-15, "{largest}");
    }

    #[test]
    fn a_mismatch_names_peer_case_and_gradient() {
        let message =
            |found: Outcome<f64>| compare(PLACE, &found, &outcome(1.0, 2.0)).unwrap_err().to_string();
        let of_b = message(outcome(1.0, 2.001));
        assert!(of_b.starts_with("candle, case xor in f64: ∂J/∂b[1] is not the tape's"), "{of_b}");
        let of_j = message(outcome(f64::NAN, 2.0));
        assert!(of_j.starts_with("candle, case xor in f64: J is not the tape's"), "{of_j}");
        let mut short = outcome(1.0, 2.0);
        short.gradients[0].pop();
        assert!(message(short).ends_with("∂J/∂W[1] is not the tape's: 1 numbers instead of 2"));
    }
}

//! The area under the receiver operating characteristic.

use tape::Matrix;

use super::check;
use crate::{Error, Result, Scalar};

/// The area under the ROC curve: how likely an example with label 1 gets a higher score than one
/// with label 0, where a tie counts one half.
///
/// `a` holds scores (probabilities or logits) and `y` labels 0 and 1, both 1 × m. From the ranks of
/// the scores, 1 for the lowest and the mean rank for equal ones: AUC = (R₁ − m₁(m₁ + 1)/2) / (m₀
/// m₁), where R₁ is the sum of the ranks of the m₁ examples with label 1 (Mann, Whitney 1947;
/// Hanley, McNeil 1982).
///
/// ```
/// use tape::Matrix;
/// let a = Matrix::from_vec(1, 4, vec![0.1, 0.4, 0.35, 0.8])?;
/// let y = Matrix::from_vec(1, 4, vec![0.0, 0.0, 1.0, 1.0])?;
/// assert_eq!(mlp::metrics::roc_auc(&a, &y)?, 0.75);
/// # Ok::<(), mlp::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] if the shapes differ or have several rows; [`Error::NoExamples`] if m is 0;
/// [`Error::NonFinite`] where a score is NaN; [`Error::Label`] where a label is neither 0 nor 1;
/// [`Error::OneClass`] if all labels are equal.
pub fn roc_auc<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>) -> Result<f64> {
    T::metrics_roc_auc(a, y)
}

pub(crate) fn roc_auc_here<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>) -> Result<f64> {
    check_one_row(a)?;
    check(a, y, "ROC AUC")?;
    let mut examples = scored(a, y)?;
    let ones = examples.iter().filter(|(_, is_one)| *is_one).count();
    let zeros = examples.len() - ones;
    if ones == 0 || zeros == 0 {
        return Err(Error::OneClass { what: "ROC AUC", label: u8::from(zeros == 0) });
    }
    // The scores are not NaN; −0 and 0 are equal here, where `total_cmp` would rank them.
    examples.sort_by(|(a, _), (b, _)| a.partial_cmp(b).expect("scores are numbers"));
    // Twice everything, in whole numbers: the difference of two large numbers is exact.
    let (ones, zeros) = (ones as u128, zeros as u128);
    Ok((twice_the_rank_sum_of_ones(&examples) - ones * (ones + 1)) as f64 / (2 * ones * zeros) as f64)
}

fn check_one_row<T: Scalar>(a: &Matrix<T>) -> Result<()> {
    let found = a.shape();
    if found.0 != 1 {
        return Err(Error::Shape { matrix: "A".to_string(), expected: (1, found.1), found });
    }
    Ok(())
}

/// Every example's score, and whether its label is 1.
fn scored<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>) -> Result<Vec<(T, bool)>> {
    let pair = |(column, (&a, &y)): (usize, (&T, &T))| {
        if a.is_nan() {
            return Err(Error::NonFinite { matrix: "A", value: f64::NAN, row: 0, column });
        }
        if y != T::ZERO && y != T::ONE {
            return Err(Error::Label { value: y.to_f64(), row: 0, column, expected: "0 or 1" });
        }
        Ok((a, y == T::ONE))
    };
    a.as_slice().iter().zip(y.as_slice()).enumerate().map(pair).collect()
}

/// The ranks of the ones, added up, in a list that ascends; twice that, as a mean rank may be half
/// a number.
fn twice_the_rank_sum_of_ones<T: Scalar>(examples: &[(T, bool)]) -> u128 {
    let (mut sum, mut before) = (0, 0);
    for tied in examples.chunk_by(|(a, _), (b, _)| a == b) {
        let ones = tied.iter().filter(|(_, is_one)| *is_one).count() as u128;
        let tied = tied.len() as u128;
        // The mean of the ranks before + 1, …, before + tied.
        sum += (2 * before + tied + 1) * ones;
        before += tied;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[f64]) -> Matrix<f64> {
        Matrix::from_vec(1, values.len(), values.to_vec()).unwrap()
    }

    #[test]
    fn the_extremes_are_right_wrong_and_undecided() {
        let y = row(&[0.0, 1.0, 0.0, 1.0]);
        assert_eq!(roc_auc(&row(&[-2.0, 3.0, -1.0, 9.0]), &y), Ok(1.0));
        assert_eq!(roc_auc(&row(&[2.0, -3.0, 1.0, -9.0]), &y), Ok(0.0));
        assert_eq!(roc_auc(&row(&[0.5; 4]), &y), Ok(0.5));
        assert_eq!(roc_auc(&row(&[0.0, -0.0, 0.0, -0.0]), &y), Ok(0.5));
        assert_eq!(roc_auc(&row(&[f64::NEG_INFINITY, f64::INFINITY, 0.0, 1.0]), &y), Ok(1.0));
    }

    /// Against the definition: all pairs are counted.
    #[test]
    fn ranks_agree_with_counting_pairs() {
        let a = Matrix::from_fn(1, 60, |_, i| ((i * i) % 23) as f64);
        let y = Matrix::from_fn(1, 60, |_, i| f64::from((i * 7) % 5 < 2));
        let (mut won, mut pairs) = (0.0, 0.0);
        for i in (0..60).filter(|&i| y[(0, i)] == 1.0) {
            for j in (0..60).filter(|&j| y[(0, j)] == 0.0) {
                pairs += 1.0;
                won += match a[(0, i)].total_cmp(&a[(0, j)]) {
                    std::cmp::Ordering::Greater => 1.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Less => 0.0,
                };
            }
        }
        assert!((roc_auc(&a, &y).unwrap() - won / pairs).abs() < 1e-15);
    }

    #[test]
    fn one_class_has_no_area() {
        let a = row(&[0.1, 0.2]);
        assert_eq!(
            roc_auc(&a, &row(&[1.0, 1.0])).unwrap_err().to_string(),
            "ROC AUC: every example has label 1, both 0 and 1 are needed"
        );
        assert!(matches!(roc_auc(&a, &row(&[0.0, 0.0])), Err(Error::OneClass { label: 0, .. })));
        assert!(matches!(roc_auc(&a, &row(&[0.0, 0.5])), Err(Error::Label { column: 1, .. })));
        let error = roc_auc(&row(&[0.0, f64::NAN]), &row(&[0.0, 1.0]));
        assert!(matches!(error, Err(Error::NonFinite { column: 1, .. })));
        let two = Matrix::<f64>::zeros(2, 2);
        assert!(matches!(roc_auc(&two, &two), Err(Error::Shape { .. })));
    }
}

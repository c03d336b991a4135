//! What a loss can take for labels.

use tape::Matrix;

use crate::sum::sum;
use crate::{Error, Loss, Result, Scalar, check_finite};

/// Looks at every label, with its place in the user's Y.
pub(crate) fn check_labels<T: Scalar>(y: &Matrix<T>, loss: Loss) -> Result<()> {
    match loss {
        Loss::LogLoss => check_each(y, "in [0, 1]", |y| T::ZERO <= y && y <= T::ONE),
        Loss::SquaredError => check_finite("Y", y),
        Loss::SoftmaxCrossEntropy => {
            check_each(y, "finite and at least 0", |y| y >= T::ZERO && y.is_finite())?;
            check_sums(y)
        }
    }
}

fn check_each<T: Scalar>(y: &Matrix<T>, expected: &'static str, fits: impl Fn(T) -> bool) -> Result<()> {
    match y.as_slice().iter().position(|&y| !fits(y)) {
        None => Ok(()),
        Some(at) => {
            let (row, column) = (at % y.rows(), at / y.rows());
            Err(Error::Label { value: y.as_slice()[at].to_f64(), row, column, expected })
        }
    }
}

/// The labels of an example are its shares of the classes.
fn check_sums<T: Scalar>(y: &Matrix<T>) -> Result<()> {
    for (column, labels) in y.iter_columns().enumerate() {
        let total = sum(0..labels.len(), &|k| labels[k].to_f64());
        // The sum of large labels may be ∞: that is no 1 either.
        if (total - 1.0).abs() > Loss::LABEL_SUM_TOLERANCE {
            return Err(Error::LabelSum { sum: total, column });
        }
    }
    Ok(())
}

/// Whether every column holds a single 1 and nothing but 0 beside it, in two rows at least: the
/// labels of classes.
pub(crate) fn is_one_hot<T: Scalar>(y: &Matrix<T>) -> bool {
    y.rows() > 1 && y.columns() > 0 && is_zero_or_one(y) && y.iter_columns().all(|column| ones(column) == 1)
}

/// The class of an example whose labels are a single 1 and nothing but 0 beside it.
pub(crate) fn one_hot_class<T: Scalar>(column: &[T]) -> Option<usize> {
    let is_class = ones(column) == 1 && column.iter().all(|&y| y == T::ZERO || y == T::ONE);
    column.iter().position(|&y| y == T::ONE).filter(|_| is_class)
}

/// Whether the rows are questions that are answered one by one: labels 0 and 1, and a column with
/// several ones or with none.
pub(crate) fn is_several_questions<T: Scalar>(y: &Matrix<T>) -> bool {
    y.rows() > 1 && is_zero_or_one(y) && y.iter_columns().any(|column| ones(column) != 1)
}

fn is_zero_or_one<T: Scalar>(y: &Matrix<T>) -> bool {
    y.as_slice().iter().all(|&y| y == T::ZERO || y == T::ONE)
}

fn ones<T: Scalar>(column: &[T]) -> usize {
    column.iter().filter(|&&y| y == T::ONE).count()
}

#[cfg(test)]
mod tests {
    use tape::matrix;

    use super::*;

    #[test]
    fn labels_are_refused_with_their_place() {
        let text = |y: Matrix<f64>, loss: Loss| check_labels(&y, loss).map_err(|error| error.to_string());
        let labels = matrix![[0.0, 1.0, 0.5], [1.0, -1e-9, 0.5]];
        let refused = "label -1e-9 at row 1, column 1 is not in [0, 1]";
        assert_eq!(text(labels.clone(), Loss::LogLoss), Err(refused.into()));
        let refused = "label -1e-9 at row 1, column 1 is not finite and at least 0";
        assert_eq!(text(labels.clone(), Loss::SoftmaxCrossEntropy), Err(refused.into()));
        assert_eq!(text(labels, Loss::SquaredError), Ok(()));
        let refused = "Y: inf at row 0, column 1 is not a finite number";
        assert_eq!(text(matrix![[0.0, f64::INFINITY]], Loss::SquaredError), Err(refused.into()));
        let refused = "the labels in column 2 add up to 2, not to 1 (within 0.001): they are the example's shares of the classes";
        let labels = matrix![[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]];
        assert_eq!(text(labels, Loss::SoftmaxCrossEntropy), Err(refused.into()));
        for sum in [0.0, 0.998, 1.002, 1e308] {
            let labels = Matrix::filled(2, 1, sum / 2.0);
            let error = check_labels(&labels, Loss::SoftmaxCrossEntropy).unwrap_err();
            assert_eq!(error, Error::LabelSum { sum, column: 0 });
        }
        for sum in [0.9995, 1.0, 1.0005] {
            check_labels(&Matrix::filled(2, 1, sum / 2.0), Loss::SoftmaxCrossEntropy).unwrap();
        }
    }

    #[test]
    fn shares_of_many_classes_in_single_precision_add_up() {
        let y = Matrix::from_fn(50_000, 1, |_, _| 1.0_f32 / 50_000.0);
        check_labels(&y, Loss::SoftmaxCrossEntropy).unwrap();
    }

    #[test]
    fn classes_are_told_from_questions() {
        let classes = matrix![[1.0, 0.0], [0.0, 1.0]];
        assert!(is_one_hot(&classes) && !is_several_questions(&classes));
        for questions in [matrix![[1.0, 0.0], [1.0, 1.0]], matrix![[0.0], [0.0]]] {
            assert!(!is_one_hot(&questions) && is_several_questions(&questions));
        }
        for neither in
            [matrix![[1.0, 0.0]], matrix![[0.5], [0.5]], Matrix::zeros(2, 0), matrix![[2.0], [-1.0]]]
        {
            assert!(!is_one_hot(&neither) && !is_several_questions(&neither));
        }
    }
}

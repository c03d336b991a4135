//! Which class is taken for which.

#[cfg(feature = "serde")]
mod serialised;

use std::fmt;

use tape::{Matrix, printable};

use super::{check_answers, weights};
use crate::labels::is_several_questions;
use crate::shuffle::with_room;
use crate::sum::RunningSum;
use crate::{Error, Result, Scalar, classes};

/// How many examples of each class were predicted to be of each class, and what their weights add
/// up to.
///
/// Shares are those of weights, which are 1 if none are given. Where a share is 0/0, it is `None`.
///
/// ```
/// use mlp::ConfusionMatrix;
/// use tape::Matrix;
/// let a = Matrix::from_vec(1, 5, vec![0.9, 0.2, 0.6, 0.4, 0.8])?;
/// let y = Matrix::from_vec(1, 5, vec![1.0, 0.0, 0.0, 0.0, 1.0])?;
/// let confusion = ConfusionMatrix::new(&a, &y)?.with_names(&["malignant", "benign"])?;
/// assert_eq!(confusion.count(0, 1), 1); // one that is malignant was taken for benign
/// assert_eq!(confusion.precision(1), Some(2.0 / 3.0));
/// assert_eq!(confusion.recall(1), Some(1.0));
/// assert_eq!(confusion.to_string(), "\
/// actual \\ predicted  malignant  benign
/// malignant                   2       1
/// benign                      0       2
/// ");
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "serialised::Form", into = "serialised::Form")
)]
pub struct ConfusionMatrix {
    names: Vec<String>,
    /// Row by row: the count of (actual, predicted) is at actual · n + predicted.
    counts: Vec<usize>,
    /// The weights, in the same order; the counts themselves if there are none.
    weights: Vec<f64>,
}

impl ConfusionMatrix {
    /// Counts the classes of the outputs `a` against those of the labels `y`, both n_L × m, with
    /// classes as in [`classes`].
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ; [`Error::NoExamples`] if m is 0; [`Error::NonFinite`]
    /// where an element is NaN; [`Error::Label`] if the labels are 0 and 1 and an example has
    /// several ones, or none: it has no one class.
    pub fn new<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>) -> Result<Self> {
        T::metrics_confusion(a, y)
    }

    pub(crate) fn new_here<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>) -> Result<Self> {
        let (actual, predicted) = of_each_example(a, y)?;
        Self::from_classes(&actual, &predicted, a.rows().max(2))
    }

    /// As [`new`](Self::new), where example i counts `weights[i]`.
    ///
    /// ```
    /// use mlp::ConfusionMatrix;
    /// use tape::matrix;
    /// let (a, y) = (matrix![[0.9, 0.2, 0.6]], matrix![[1.0, 0.0, 0.0]]);
    /// let confusion = ConfusionMatrix::weighted(&a, &y, &[1.0, 1.0, 6.0])?;
    /// assert_eq!(confusion.accuracy(), Some(0.25));
    /// assert_eq!((confusion.count(0, 1), confusion.weight(0, 1)), (1, 6.0));
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`new`](Self::new); [`Error::Length`] if there are not m weights; [`Error::Weight`] if
    /// one is negative, NaN or ∞; [`Error::WeightSum`] if all are 0, or their sum is ∞.
    pub fn weighted<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>, weights: &[f64]) -> Result<Self> {
        let (actual, predicted) = of_each_example(a, y)?;
        Self::from_weighted_classes(&actual, &predicted, weights, a.rows().max(2))
    }

    /// Counts pairs of classes below `n`.
    ///
    /// # Errors
    /// [`Error::Length`] if there are not as many predictions as examples; [`Error::Class`] if a
    /// class is not below `n`; [`Error::Memory`] if there is no memory for n² counts and n names.
    pub fn from_classes(actual: &[usize], predicted: &[usize], n: usize) -> Result<Self> {
        if predicted.len() != actual.len() {
            let (expected, found) = (actual.len(), predicted.len());
            return Err(Error::Length { list: "predicted classes", expected, found });
        }
        let (mut counts, mut names) =
            (with_room("confusion matrix", n.saturating_mul(n))?, with_room("confusion matrix", n)?);
        counts.resize(n * n, 0);
        names.extend((0..n).map(|class| class.to_string()));
        for (example, (&y, &p)) in actual.iter().zip(predicted).enumerate() {
            if let Some(class) = [y, p].into_iter().find(|&class| class >= n) {
                return Err(Error::Class { class, classes: n, example });
            }
            counts[y * n + p] += 1;
        }
        let mut weights = with_room("confusion matrix", n * n)?;
        weights.extend(counts.iter().map(|&count: &usize| count as f64));
        Ok(ConfusionMatrix { names, counts, weights })
    }

    /// As [`from_classes`](Self::from_classes), where example i counts `weights[i]`.
    ///
    /// # Errors
    /// As [`from_classes`](Self::from_classes) and [`weighted`](Self::weighted).
    pub fn from_weighted_classes(
        actual: &[usize],
        predicted: &[usize],
        weights: &[f64],
        n: usize,
    ) -> Result<Self> {
        let mut confusion = Self::from_classes(actual, predicted, n)?;
        weights::check(weights, actual.len())?;
        let mut sums = with_room("confusion matrix", n * n)?;
        sums.resize(n * n, RunningSum::default());
        for ((&y, &p), &weight) in actual.iter().zip(predicted).zip(weights) {
            sums[y * n + p].add(weight);
        }
        for (weight, sum) in confusion.weights.iter_mut().zip(sums) {
            *weight = sum.value();
        }
        Ok(confusion)
    }

    /// The same counts with names for the classes. The table shows what would break it, or steer a
    /// terminal, as escapes.
    ///
    /// # Errors
    /// [`Error::Length`] if there are not as many names as classes.
    pub fn with_names<S: AsRef<str>>(mut self, names: &[S]) -> Result<Self> {
        if names.len() != self.names.len() {
            let (expected, found) = (self.names.len(), names.len());
            return Err(Error::Length { list: "names of the classes", expected, found });
        }
        self.names = names.iter().map(|name| name.as_ref().to_string()).collect();
        Ok(self)
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.names.len()
    }

    /// How many examples of class `actual` were predicted to be of class `predicted`.
    ///
    /// # Panics
    /// If one of them is not below the number of classes.
    pub fn count(&self, actual: usize, predicted: usize) -> usize {
        let n = self.classes();
        assert!(actual < n && predicted < n, "count: classes {actual} and {predicted} of {n}");
        self.counts[actual * n + predicted]
    }

    /// What the weights of the examples of class `actual` that were predicted to be of class
    /// `predicted` add up to; their count if there are no weights.
    ///
    /// # Panics
    /// If one of them is not below the number of classes.
    pub fn weight(&self, actual: usize, predicted: usize) -> f64 {
        let n = self.classes();
        assert!(actual < n && predicted < n, "weight: classes {actual} and {predicted} of {n}");
        self.weights[actual * n + predicted]
    }

    /// The number of examples.
    pub fn total(&self) -> usize {
        self.counts.iter().sum()
    }

    /// The names of the classes: their numbers, if none were given.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

/// The classes of the labels and of the outputs.
fn of_each_example<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>) -> Result<(Vec<usize>, Vec<usize>)> {
    check_answers(a, y, "confusion matrix")?;
    check_one_class(y)?;
    Ok((classes(y)?, classes(a)?))
}

/// The first example with several ones, or none, is at fault.
fn check_one_class<T: Scalar>(y: &Matrix<T>) -> Result<()> {
    if !is_several_questions(y) {
        return Ok(());
    }
    for (column, labels) in y.iter_columns().enumerate() {
        let ones: Vec<usize> = (0..labels.len()).filter(|&row| labels[row] == T::ONE).collect();
        let (row, expected) = match ones[..] {
            [] => (0, "right for an example of one class: another of its labels has to be 1"),
            [_] => continue,
            [_, second, ..] => (second, "right for an example of one class: another of its labels is 1 too"),
        };
        return Err(Error::Label { value: labels[row].to_f64(), row, column, expected });
    }
    Ok(())
}

impl fmt::Display for ConfusionMatrix {
    /// An aligned table of the counts, a row for every actual class.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CORNER: &str = "actual \\ predicted";
        let width = |text: &str| text.chars().count();
        let names: Vec<_> = self.names.iter().map(|name| printable(name)).collect();
        let first = names.iter().map(|name| width(name)).fold(width(CORNER), usize::max);
        // A column is as wide as its name, or as its largest count.
        let column_width = |predicted: usize| {
            let counts = (0..self.classes()).map(|actual| self.count(actual, predicted).to_string().len());
            counts.fold(width(&names[predicted]), usize::max)
        };
        let widths: Vec<usize> = (0..self.classes()).map(column_width).collect();
        write!(f, "{CORNER:<first$}")?;
        for (name, width) in names.iter().zip(&widths) {
            write!(f, "  {name:>width$}")?;
        }
        writeln!(f)?;
        for (actual, name) in names.iter().enumerate() {
            write!(f, "{name:<first$}")?;
            for (predicted, width) in widths.iter().enumerate() {
                write!(f, "  {:>width$}", self.count(actual, predicted))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_shares_and_names() {
        let confusion = ConfusionMatrix::from_classes(&[0, 0, 1, 1, 1, 2], &[0, 1, 1, 1, 0, 1], 4).unwrap();
        assert_eq!((confusion.classes(), confusion.total()), (4, 6));
        assert_eq!(confusion.count(1, 0), 1);
        assert_eq!(confusion.accuracy(), Some(0.5));
        assert_eq!(confusion.precision(1), Some(0.5));
        assert_eq!(confusion.recall(1), Some(2.0 / 3.0));
        assert_eq!((confusion.precision(2), confusion.recall(2)), (None, Some(0.0)));
        assert_eq!(confusion.recall(3), None);
    }

    #[test]
    fn a_wide_table_stays_aligned() {
        let actual = vec![0; 12_345];
        let confusion = ConfusionMatrix::from_classes(&actual, &actual, 2).unwrap();
        assert_eq!(
            confusion.with_names(&["größer als zwanzig", "≤ 20"]).unwrap().to_string(),
            "actual \\ predicted  größer als zwanzig  ≤ 20\n\
             größer als zwanzig               12345     0\n\
             ≤ 20                                 0     0\n"
        );
    }

    #[test]
    fn a_name_cannot_break_the_table() {
        let confusion = ConfusionMatrix::from_classes(&[0, 1], &[0, 1], 2).unwrap();
        let confusion = confusion.with_names(&["two\nlines", "\u{1b}[31mred"]).unwrap();
        let table = "actual \\ predicted  two\\nlines  \\u{1b}[31mred\n\
                     two\\nlines                   1              0\n\
                     \\u{1b}[31mred                0              1\n";
        assert_eq!(confusion.to_string(), table);
    }

    #[test]
    fn more_classes_than_memory_are_an_error() {
        for n in [1 << 32, usize::MAX, 1 << 31] {
            let error = ConfusionMatrix::from_classes(&[0], &[0], n).unwrap_err();
            assert!(matches!(error, Error::Memory { .. }), "{error}");
        }
        let error = ConfusionMatrix::from_classes(&[0], &[0], 1 << 31).unwrap_err();
        assert_eq!(error.to_string(), "confusion matrix: no memory for 36893488147419103232 bytes");
    }

    #[test]
    fn an_example_of_two_classes_has_no_row() {
        let a = Matrix::filled(2, 3, 0.5);
        let text = |y| ConfusionMatrix::new(&a, &y).unwrap_err().to_string();
        assert_eq!(
            text(Matrix::from([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])),
            "label 1 at row 1, column 2 is not right for an example of one class: another of its labels is 1 too"
        );
        assert_eq!(
            text(Matrix::from([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]])),
            "label 0 at row 0, column 1 is not right for an example of one class: another of its labels has to be 1"
        );
        // Shares of classes have a largest one.
        assert_eq!(ConfusionMatrix::new(&a, &Matrix::filled(2, 3, 0.5)).unwrap().count(0, 0), 3);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        assert!(matches!(ConfusionMatrix::from_classes(&[0], &[], 2), Err(Error::Length { .. })));
        assert!(matches!(
            ConfusionMatrix::from_classes(&[0, 1], &[0, 2], 2),
            Err(Error::Class { class: 2, classes: 2, example: 1 })
        ));
        let confusion = ConfusionMatrix::from_classes(&[], &[], 2).unwrap();
        assert_eq!(confusion.accuracy(), None);
        assert!(confusion.with_names(&["one"]).is_err());
    }
}

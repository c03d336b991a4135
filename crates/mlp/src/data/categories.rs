//! Features whose numbers name categories.

use tape::{Matrix, MatrixRef};

use super::check_finite;
use super::features::check_rows;
use super::finite::check_finite_view;
use super::parts::{self, Parts};
use crate::shuffle::with_room;
use crate::{Error, Result, Scalar};

/// Puts rows of 0 and 1 in the place of each feature (row of X) whose numbers name categories: a
/// row for every category that it had in the examples that it was fitted to, in ascending order, with
/// a 1 where the example is of it. All other features stay as they are. In `f32`, a category that
/// was found in `f64` is the number that is nearest to it.
///
/// ```
/// use mlp::{OneHot, Unseen};
/// use tape::matrix;
/// let x = matrix![[0.5, 0.6, 0.7], [3.0, 8.0, 3.0]];
/// let one_hot = OneHot::fit(&x, &[1], Unseen::Zeros)?;
/// assert_eq!(one_hot.categories(), [(1, vec![3.0, 8.0])]);
/// assert_eq!(one_hot.transform(&x)?, matrix![[0.5, 0.6, 0.7], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]);
/// assert_eq!(one_hot.transform(&matrix![[0.1], [5.0]])?, matrix![[0.1], [0.0], [0.0]]);
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct OneHot {
    /// n_0.
    inputs: usize,
    /// The features, in ascending order, and what categories each has, in ascending order.
    categories: Vec<(usize, Vec<f64>)>,
    unseen: Unseen,
}

/// What becomes of a category that was not in the training part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unseen {
    /// It is an error.
    Refuse,
    /// It has no row: the example gets a 0 for every category.
    Zeros,
}

impl OneHot {
    /// Fits to X, n_0 × m, of which the rows `features` name categories.
    ///
    /// # Errors
    /// [`Error::NoExamples`] if m is 0; [`Error::UnknownFeature`] if X has no such row;
    /// [`Error::NonFinite`] if an element of these rows is NaN or ±∞; [`Error::Memory`].
    pub fn fit<T: Scalar>(x: &Matrix<T>, features: &[usize], unseen: Unseen) -> Result<Self> {
        let (inputs, m) = x.shape();
        if m == 0 {
            return Err(Error::NoExamples { what: "one-hot" });
        }
        let mut features = features.to_vec();
        features.sort_unstable();
        features.dedup();
        if let Some(&feature) = features.iter().find(|&&feature| feature >= inputs) {
            return Err(Error::UnknownFeature { feature, features: inputs });
        }
        check_finite("X", x)?;
        let mut categories = Vec::new();
        for feature in features {
            let mut values: Vec<f64> = with_room("one-hot", m)?;
            // Added to 0, −0 is 0: they are one category.
            values.extend((0..m).map(|i| x[(feature, i)].to_f64() + 0.0));
            values.sort_unstable_by(f64::total_cmp);
            values.dedup();
            values.shrink_to_fit();
            categories.push((feature, values));
        }
        Ok(OneHot { inputs, categories, unseen })
    }

    /// The features that name categories, with the categories of each, both in ascending order.
    pub fn categories(&self) -> &[(usize, Vec<f64>)] {
        &self.categories
    }

    /// How many rows X has after it: n_0, and for each of its features one less than categories
    /// more.
    pub fn outputs(&self) -> usize {
        let rows: usize = self.categories.iter().map(|(_, categories)| categories.len()).sum();
        self.inputs - self.categories.len() + rows
    }

    /// X, n_0 × any number of examples, with rows of 0 and 1.
    ///
    /// # Errors
    /// [`Error::Shape`] if X has another number of features; [`Error::NonFinite`] if an element is
    /// NaN or ±∞; [`Error::UnknownCategory`] unless these become [`Unseen::Zeros`];
    /// [`Error::Tape`] if there is no memory for it.
    pub fn transform<T: Scalar>(&self, x: &Matrix<T>) -> Result<Matrix<T>> {
        check_rows(x.view(), self.inputs)?;
        let mut result = Matrix::try_zeros(self.outputs(), x.columns())?;
        self.transform_to(x.view(), result.as_mut_slice())?;
        Ok(result)
    }

    pub(super) fn unseen(&self) -> Unseen {
        self.unseen
    }

    /// n_0.
    pub(super) fn inputs(&self) -> usize {
        self.inputs
    }

    /// The same into memory for so many rows.
    pub(super) fn transform_to<T: Scalar>(&self, x: MatrixRef<'_, T>, to: &mut [T]) -> Result<()> {
        check_rows(x, self.inputs)?;
        check_finite_view("X", x)?;
        to.fill(T::ZERO);
        let of_column = self.outputs();
        for column in 0..x.columns() {
            let (values, into) = (x.column(column), &mut to[column * of_column..][..of_column]);
            let (mut row, mut next) = (0, self.categories.iter().peekable());
            for (feature, &value) in values.iter().enumerate() {
                let Some((_, categories)) = next.next_if(|(of, _)| *of == feature) else {
                    into[row] = value;
                    row += 1;
                    continue;
                };
                let value = value.to_f64() + 0.0;
                match (place::<T>(categories, value), self.unseen) {
                    (Some(at), Unseen::Refuse | Unseen::Zeros) => into[row + at] = T::ONE,
                    (None, Unseen::Zeros) => {}
                    (None, Unseen::Refuse) => {
                        return Err(Error::UnknownCategory { value, feature, column });
                    }
                }
                row += categories.len();
            }
        }
        Ok(())
    }

    /// Its numbers by name: `inputs` (n_0), `features`, `counts` (of the categories of each),
    /// `categories` (one after the other), and `zeros`, 1 for [`Unseen::Zeros`].
    pub fn parts(&self) -> Parts {
        let (features, counts) =
            self.categories.iter().map(|(feature, of)| (*feature as f64, of.len() as f64)).unzip();
        parts::named([
            ("inputs", vec![self.inputs as f64]),
            ("features", features),
            ("counts", counts),
            ("categories", self.categories.iter().flat_map(|(_, categories)| categories.clone()).collect()),
            (
                "zeros",
                vec![match self.unseen {
                    Unseen::Refuse => 0.0,
                    Unseen::Zeros => 1.0,
                }],
            ),
        ])
    }

    /// The one with these [`parts`](Self::parts).
    ///
    /// # Errors
    /// [`Error::Part`] if one is missing, unknown, of another length, or holds what none gives out.
    pub fn from_parts(parts: &Parts) -> Result<Self> {
        let names = ["inputs", "features", "counts", "categories", "zeros"];
        let [inputs, features, counts, values, zeros] = parts::take(parts, names)?;
        parts::check_length("inputs", inputs, 1)?;
        parts::check_length("counts", counts, features.len())?;
        parts::check_length("zeros", zeros, 1)?;
        parts::check_each("zeros", zeros, "0 or 1", |x| x == 0.0 || x == 1.0)?;
        parts::check_each("categories", values, "finite", f64::is_finite)?;
        let inputs = parts::whole("inputs", inputs)?[0];
        let (features, counts) = (parts::whole("features", features)?, parts::whole("counts", counts)?);
        if !features.is_sorted_by(|a, b| a < b) || features.last().is_some_and(|last| *last >= inputs) {
            return Err(parts::wrong("features", format!("they must ascend, and stay below {inputs}")));
        }
        let total = counts.iter().fold(0_usize, |sum, &count| sum.saturating_add(count));
        parts::check_length("categories", values, total)?;
        let (mut categories, mut rest) = (Vec::new(), values);
        for (feature, count) in features.into_iter().zip(counts) {
            let (of_it, others) = rest.split_at(count);
            if of_it.is_empty() || !of_it.is_sorted_by(|a, b| a < b) {
                let reason = format!("those of feature {feature} must be one at least, and ascend");
                return Err(parts::wrong("categories", reason));
            }
            categories.push((feature, of_it.iter().map(|x| x + 0.0).collect()));
            rest = others;
        }
        let unseen = if zeros[0] == 1.0 { Unseen::Zeros } else { Unseen::Refuse };
        Ok(OneHot { inputs, categories, unseen })
    }
}

/// Which category a value of type T is: itself, or the first that is this value in T. An f64 of the
/// training part such as 0.1 is another number in f32, and no other category.
fn place<T: Scalar>(categories: &[f64], value: f64) -> Option<usize> {
    let in_t = |category: f64| T::from_f64(category).to_f64();
    match categories.binary_search_by(|category| category.total_cmp(&value)) {
        Ok(at) => Some(at),
        Err(_) => {
            let at = categories.partition_point(|&category| in_t(category) < value);
            categories.get(at).filter(|&&category| in_t(category) == value).map(|_| at)
        }
    }
}

#[cfg(test)]
mod tests {
    use tape::matrix;

    use super::*;

    #[test]
    fn each_category_has_a_row_in_its_features_place() {
        fn check<T: Scalar>() {
            let of = |rows: &[[f64; 4]]| Matrix::from_fn(rows.len(), 4, |i, j| T::from_f64(rows[i][j]));
            let x = of(&[[2.0, -1.0, 2.0, 0.0], [9.0, 8.0, 7.0, 6.0], [0.0, -0.0, 1.0, 1.0]]);
            let one_hot = OneHot::fit(&x, &[2, 0, 2], Unseen::Refuse).unwrap();
            assert_eq!(one_hot.categories(), [(0, vec![-1.0, 0.0, 2.0]), (2, vec![0.0, 1.0])]);
            let expected = of(&[
                [0.0, 1.0, 0.0, 0.0],
                [0.0, 0.0, 0.0, 1.0],
                [1.0, 0.0, 1.0, 0.0],
                [9.0, 8.0, 7.0, 6.0],
                [1.0, 1.0, 0.0, 0.0],
                [0.0, 0.0, 1.0, 1.0],
            ]);
            assert_eq!(one_hot.transform(&x).unwrap(), expected);
            assert_eq!(one_hot.outputs(), 6);
            assert_eq!(OneHot::from_parts(&one_hot.parts()), Ok(one_hot));
            let none = OneHot::fit(&x, &[], Unseen::Zeros).unwrap();
            assert_eq!(none.transform(&x).unwrap(), x);
            assert_eq!(OneHot::from_parts(&none.parts()), Ok(none));
        }
        check::<f32>();
        check::<f64>();
    }

    /// As a pipeline that is fitted in one type and loaded in the other.
    #[test]
    fn categories_of_f64_are_found_in_f32() {
        let x = matrix![[0.1, 0.3, -1e300, 2.0, 0.1]];
        for unseen in [Unseen::Refuse, Unseen::Zeros] {
            let one_hot = OneHot::fit(&x, &[0], unseen).unwrap();
            let single = Matrix::from([[0.1_f32, 2.0, 0.3]]);
            let expected = one_hot.transform(&matrix![[0.1, 2.0, 0.3]]).unwrap();
            let found = one_hot.transform(&single).unwrap();
            assert!(found.iter().zip(expected.iter()).all(|(a, b)| f64::from(*a) == *b), "{found}");
            let other = one_hot.transform(&Matrix::from([[0.1_f32.next_up()]]));
            match unseen {
                Unseen::Refuse => assert!(matches!(other, Err(Error::UnknownCategory { .. }))),
                Unseen::Zeros => assert_eq!(other, Ok(Matrix::zeros(4, 1))),
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let x = matrix![[1.0, 2.0]];
        let fit = |x: &Matrix<f64>, features: &[usize]| OneHot::fit(x, features, Unseen::Refuse);
        let error = fit(&x, &[0, 1]).unwrap_err();
        assert_eq!(error.to_string(), "feature 1 is not below 1, the number of rows of X");
        assert!(matches!(fit(&Matrix::zeros(1, 0), &[0]), Err(Error::NoExamples { .. })));
        assert!(matches!(fit(&matrix![[f64::NAN]], &[0]), Err(Error::NonFinite { .. })));
        let one_hot = fit(&x, &[0]).unwrap();
        assert_eq!(
            one_hot.transform(&matrix![[1.0, 1.5]]).unwrap_err().to_string(),
            "one-hot: 1.5 at row 0, column 1 of X is a category that was not in the training part"
        );
        assert!(matches!(one_hot.transform(&matrix![[1.0], [1.0]]), Err(Error::Shape { .. })));
        let broken = |name: &str, values: Vec<f64>| {
            let mut parts = one_hot.parts();
            parts.insert(name.to_string(), values);
            OneHot::from_parts(&parts).unwrap_err().to_string()
        };
        assert_eq!(broken("inputs", vec![0.0]), "features: they must ascend, and stay below 0");
        assert_eq!(
            broken("inputs", vec![1.5]),
            "inputs: value 0 is 1.5, it must be a whole number from 0 on"
        );
        assert_eq!(broken("counts", vec![3.0]), "categories: 3 values are needed, there are 2");
        assert_eq!(
            broken("counts", vec![9e15]),
            "categories: 9000000000000000 values are needed, there are 2"
        );
        assert_eq!(
            broken("categories", vec![2.0, 1.0]),
            "categories: those of feature 0 must be one at least, and ascend"
        );
        assert!(broken("categories", vec![1.0, f64::NAN]).starts_with("categories: value 1 is NaN"));
        assert!(broken("zeros", vec![0.5]).starts_with("zeros: value 0 is 0.5"));
        assert!(broken("features", vec![]).starts_with("counts: 0 values"));
    }
}

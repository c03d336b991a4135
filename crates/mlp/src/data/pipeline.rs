//! Several steps of preparation, one after the other.

use indexmap::IndexMap;
use tape::{Matrix, MatrixRef};

use super::features::check_rows;
use super::parts::{Parts, wrong};
use super::{Imputer, MinMax, OneHot, Standardizer, Unseen};
use crate::{Error, Result, Scalar};

/// A step of preparation that is not fitted yet.
#[derive(Debug, Clone, PartialEq)]
pub enum Preparation {
    /// The mean in the place of missing values: an [`Imputer`].
    Impute,
    /// Rows of 0 and 1 in the place of features that name categories: a [`OneHot`].
    OneHot {
        /// The features, as the step before leaves them.
        features: Vec<usize>,
        /// What becomes of other categories than the training part has.
        unseen: Unseen,
    },
    /// Mean 0 and standard deviation 1: a [`Standardizer`].
    Standardize,
    /// Between two ends: a [`MinMax`].
    MinMax {
        /// What the smallest value becomes.
        low: f64,
        /// What the largest value becomes.
        high: f64,
    },
}

/// Steps of preparation that were fitted to the training part, each to what the one before made of
/// it; they are applied to every part.
///
/// ```
/// use mlp::{Pipeline, Preparation, Unseen};
/// use tape::matrix;
/// let training = matrix![[1.0, f64::NAN, 5.0], [7.0, 8.0, 7.0]];
/// let categories = Preparation::OneHot { features: vec![1], unseen: Unseen::Refuse };
/// let steps = [Preparation::Impute, categories, Preparation::MinMax { low: 0.0, high: 1.0 }];
/// let pipeline = Pipeline::fit(&steps, &training)?;
/// let prepared = matrix![[0.0, 0.5, 1.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]];
/// assert_eq!(pipeline.transform(&training)?, prepared);
/// assert_eq!(pipeline.transform(&matrix![[9.0], [8.0]])?, matrix![[2.0], [0.0], [1.0]]);
///
/// let saved = pipeline.parts();
/// assert_eq!(saved["preprocessing.0.fill"], [3.0, 7.333333333333333]);
/// assert_eq!(Pipeline::from_parts(&saved)?, pipeline);
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline<T> {
    steps: Vec<Step<T>>,
}

/// A step that is fitted.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step<T> {
    Imputer(Imputer),
    OneHot(OneHot),
    Standardizer(Standardizer<T>),
    MinMax(MinMax),
}

impl<T: Scalar> Pipeline<T> {
    /// What the names of all [`parts`](Self::parts) begin with.
    pub const PREFIX: &'static str = "preprocessing.";

    /// Fits the steps to X, n_0 × m; none at all are possible.
    ///
    /// # Errors
    /// The errors of the steps' `fit` and `transform`.
    pub fn fit(steps: &[Preparation], x: &Matrix<T>) -> Result<Self> {
        T::pipeline_fit(steps, x)
    }

    pub(crate) fn fit_here(steps: &[Preparation], x: &Matrix<T>) -> Result<Self> {
        let (mut fitted, mut made) = (Vec::new(), None);
        for (k, step) in steps.iter().enumerate() {
            let x = made.as_ref().unwrap_or(x);
            let step = Step::fit(step, x)?;
            // Of what the last step makes, nobody learns.
            if k + 1 < steps.len() {
                made = Some(step.transform(x)?);
            }
            fitted.push(step);
        }
        Ok(Pipeline { steps: fitted })
    }

    /// What the steps make of X, n_0 × any number of examples.
    ///
    /// # Errors
    /// The errors of the steps' `transform`.
    pub fn transform(&self, x: &Matrix<T>) -> Result<Matrix<T>> {
        T::pipeline_transform(self, x)
    }

    pub(crate) fn transform_here(&self, x: &Matrix<T>) -> Result<Matrix<T>> {
        let mut made = None;
        for step in &self.steps {
            made = Some(step.transform(made.as_ref().unwrap_or(x))?);
        }
        match made {
            Some(made) => Ok(made),
            None => Ok(x.try_clone()?),
        }
    }

    /// The same in memory that is kept from one time to the next.
    pub(crate) fn transform_in<'a>(
        &self,
        x: MatrixRef<'a, T>,
        room: &'a mut Room<T>,
    ) -> Result<MatrixRef<'a, T>> {
        let columns = x.columns();
        let Some((first, others)) = self.steps.split_first() else { return Ok(x) };
        let mut rows = first.outputs();
        first.transform_to(x, room.first.of_size(rows, columns)?)?;
        for step in others {
            let made = MatrixRef::new(rows, columns, &room.first.0)?;
            step.transform_to(made, room.second.of_size(step.outputs(), columns)?)?;
            rows = step.outputs();
            std::mem::swap(&mut room.first, &mut room.second);
        }
        Ok(MatrixRef::new(rows, columns, &room.first.0)?)
    }

    /// How many features the first step takes, and how many the last one gives; `None` if there are
    /// no steps.
    pub fn features(&self) -> Option<(usize, usize)> {
        Some((self.steps.first()?.inputs(), self.steps.last()?.outputs()))
    }

    pub(super) fn steps(&self) -> &[Step<T>] {
        &self.steps
    }

    /// Whether the last step gives as many features as are asked for.
    pub(crate) fn check_outputs(&self, expected: usize) -> Result<()> {
        match self.features() {
            Some((_, found)) if found != expected => {
                let matrix = "what the pipeline gives".to_owned();
                Err(Error::Shape { matrix, expected: (expected, 1), found: (found, 1) })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The number of steps.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there are no steps.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The numbers of all steps by name, to be saved with a model: those of step k begin with
    /// `preprocessing.k.`, and end as the step's own, for instance `preprocessing.0.mean`.
    pub fn parts(&self) -> Parts {
        let mut all = IndexMap::new();
        for (k, step) in self.steps.iter().enumerate() {
            for (name, values) in step.parts() {
                all.insert(format!("{}{k}.{name}", Self::PREFIX), values);
            }
        }
        all
    }

    /// The pipeline with these [`parts`](Self::parts), in any order; none at all are no steps.
    ///
    /// # Errors
    /// [`Error::Part`] if a name is none of a part, a step or one of its parts is missing, or it
    /// holds what no such step gives out.
    pub fn from_parts(parts: &Parts) -> Result<Self> {
        // As many steps at most as there are parts: a large number in a name allocates nothing.
        let mut of_steps = vec![IndexMap::new(); parts.len()];
        let mut last = None;
        for (name, values) in parts {
            let (k, rest) = place(name, Self::PREFIX)
                .filter(|(k, _)| *k < parts.len())
                .ok_or_else(|| wrong(name, "is no part of these steps".to_string()))?;
            of_steps[k].insert(rest.to_string(), values.clone());
            last = last.max(Some(k));
        }
        of_steps.truncate(last.map_or(0, |last| last + 1));
        let step = |(k, parts): (usize, &Parts)| {
            Step::from_parts(parts).map_err(|error| match error {
                Error::Part { name, reason } => wrong(&format!("{}{k}.{name}", Self::PREFIX), reason),
                error => error,
            })
        };
        let steps = of_steps.iter().enumerate().map(step).collect::<Result<Vec<Step<T>>>>()?;
        for (k, pair) in steps.windows(2).enumerate() {
            let (given, taken) = (pair[0].outputs(), pair[1].inputs());
            if given != taken {
                let reason = format!("takes {taken} features, and the step before gives {given}");
                return Err(wrong(&format!("{}{}", Self::PREFIX, k + 1), reason));
            }
        }
        Ok(Pipeline { steps })
    }
}

/// No steps.
impl<T> Default for Pipeline<T> {
    fn default() -> Self {
        Pipeline { steps: Vec::new() }
    }
}

/// One step.
impl<T> From<Standardizer<T>> for Pipeline<T> {
    fn from(standardizer: Standardizer<T>) -> Self {
        Pipeline { steps: vec![Step::Standardizer(standardizer)] }
    }
}

/// Memory for what two steps make, which is kept.
#[derive(Debug, Clone)]
pub(crate) struct Room<T> {
    first: Values<T>,
    second: Values<T>,
}

/// The elements of a matrix.
#[derive(Debug, Clone)]
struct Values<T>(Vec<T>);

impl<T: Scalar> Room<T> {
    pub(crate) fn new() -> Self {
        Room { first: Values(Vec::new()), second: Values(Vec::new()) }
    }
}

impl<T: Scalar> Values<T> {
    /// So many, whatever they are.
    fn of_size(&mut self, rows: usize, columns: usize) -> Result<&mut [T]> {
        let size = rows.checked_mul(columns);
        let more = size.map(|size| size.saturating_sub(self.0.len()));
        match (size, more) {
            (Some(size), Some(more)) if self.0.try_reserve(more).is_ok() => {
                self.0.resize(size, T::ZERO);
                Ok(&mut self.0)
            }
            _ => {
                let bytes = rows as u128 * columns as u128 * size_of::<T>() as u128;
                Err(Error::Memory { what: "prepared examples".to_owned(), bytes })
            }
        }
    }
}

/// The step's number and what stands behind it, as it is written: no +1 and no 01.
fn place<'a>(name: &'a str, prefix: &str) -> Option<(usize, &'a str)> {
    let (number, rest) = name.strip_prefix(prefix)?.split_once('.')?;
    let k: usize = number.parse().ok()?;
    (k.to_string() == number).then_some((k, rest))
}

impl<T: Scalar> Step<T> {
    fn fit(step: &Preparation, x: &Matrix<T>) -> Result<Self> {
        Ok(match step {
            Preparation::Impute => Step::Imputer(Imputer::fit(x)?),
            Preparation::OneHot { features, unseen } => Step::OneHot(OneHot::fit(x, features, *unseen)?),
            Preparation::Standardize => Step::Standardizer(Standardizer::fit(x)?),
            Preparation::MinMax { low, high } => Step::MinMax(MinMax::fit(x, *low, *high)?),
        })
    }

    fn transform(&self, x: &Matrix<T>) -> Result<Matrix<T>> {
        // First: a file can claim any number of outputs.
        check_rows(x.view(), self.inputs())?;
        let mut made = Matrix::try_zeros(self.outputs(), x.columns())?;
        self.transform_to(x.view(), made.as_mut_slice())?;
        Ok(made)
    }

    fn transform_to(&self, x: MatrixRef<'_, T>, to: &mut [T]) -> Result<()> {
        match self {
            Step::Imputer(imputer) => imputer.transform_to(x, to),
            Step::OneHot(one_hot) => one_hot.transform_to(x, to),
            Step::Standardizer(standardizer) => standardizer.transform_to(x, to),
            Step::MinMax(min_max) => min_max.transform_to(x, to),
        }
    }

    /// The features that it takes.
    fn inputs(&self) -> usize {
        match self {
            Step::Imputer(imputer) => imputer.means().len(),
            Step::OneHot(one_hot) => one_hot.inputs(),
            Step::Standardizer(standardizer) => standardizer.mean().len(),
            Step::MinMax(min_max) => min_max.minimum().len(),
        }
    }

    /// The features that it gives.
    fn outputs(&self) -> usize {
        match self {
            Step::OneHot(one_hot) => one_hot.outputs(),
            Step::Imputer(_) | Step::Standardizer(_) | Step::MinMax(_) => self.inputs(),
        }
    }

    fn parts(&self) -> Parts {
        match self {
            Step::Imputer(imputer) => imputer.parts(),
            Step::OneHot(one_hot) => one_hot.parts(),
            Step::Standardizer(standardizer) => standardizer.parts(),
            Step::MinMax(min_max) => min_max.parts(),
        }
    }

    /// The kind of step is told by a part that no other kind has.
    fn from_parts(parts: &Parts) -> Result<Self> {
        let has = |name: &str| parts.contains_key(name);
        if has("fill") {
            Imputer::from_parts(parts).map(Step::Imputer)
        } else if has("categories") {
            OneHot::from_parts(parts).map(Step::OneHot)
        } else if has("minimum") {
            MinMax::from_parts(parts).map(Step::MinMax)
        } else if has("mean") {
            Standardizer::from_parts(parts).map(Step::Standardizer)
        } else {
            Err(wrong("mean", "is missing, and so are fill, categories and minimum".to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use tape::matrix;

    use super::*;

    fn all_steps() -> [Preparation; 4] {
        [
            Preparation::Impute,
            Preparation::OneHot { features: vec![1], unseen: Unseen::Zeros },
            Preparation::Standardize,
            Preparation::MinMax { low: -1.0, high: 1.0 },
        ]
    }

    #[test]
    fn steps_are_done_one_after_the_other() {
        fn check<T: Scalar>() {
            let x = Matrix::from_fn(2, 9, |i, j| {
                T::from_f64(if i == 0 && j % 4 == 1 { f64::NAN } else { (j * j % 3) as f64 + 0.1 })
            });
            let pipeline = Pipeline::fit(&all_steps(), &x).unwrap();
            let imputer = Imputer::fit(&x).unwrap();
            let filled = imputer.transform(&x).unwrap();
            let encoded = OneHot::fit(&filled, &[1], Unseen::Zeros).unwrap().transform(&filled).unwrap();
            let standard = Standardizer::fit(&encoded).unwrap().transform(&encoded).unwrap();
            let expected = MinMax::fit(&standard, -1.0, 1.0).unwrap().transform(&standard).unwrap();
            assert_eq!(pipeline.transform(&x).unwrap(), expected);
            assert_eq!(expected.rows(), 3);
            let mut parts = pipeline.parts();
            parts.reverse();
            let again = Pipeline::<T>::from_parts(&parts).unwrap();
            assert_eq!(again, pipeline);
            let bits = |x: &Matrix<T>| x.iter().map(|x| x.bits()).collect::<Vec<_>>();
            assert_eq!(bits(&again.transform(&x).unwrap()), bits(&expected));
            for k in 0..=4 {
                let some = Pipeline::fit(&all_steps()[..k], &x).unwrap();
                assert_eq!((some.len(), some.is_empty()), (k, k == 0));
                assert_eq!(Pipeline::from_parts(&some.parts()), Ok(some));
            }
        }
        check::<f32>();
        check::<f64>();
        let nothing = Pipeline::fit(&[], &matrix![[1.0]]).unwrap();
        assert_eq!(nothing.transform(&matrix![[2.0]]).unwrap(), matrix![[2.0]]);
    }

    /// A test example has no say in how it is seen.
    #[test]
    fn nothing_is_learned_from_other_parts() {
        let pipeline = Pipeline::fit(&all_steps(), &matrix![[1.0, 3.0], [0.0, 1.0]]).unwrap();
        let (one, other) = (matrix![[2.0], [0.0]], matrix![[1e6], [7.0]]);
        let both = Matrix::from_fn(2, 2, |i, j| if j == 0 { one[(i, 0)] } else { other[(i, 0)] });
        assert_eq!(pipeline.transform(&both).unwrap().column(0), pipeline.transform(&one).unwrap().column(0));
    }

    #[test]
    fn parts_that_do_not_fit_are_refused_by_name() {
        let pipeline = Pipeline::fit(&all_steps(), &matrix![[1.0, 3.0], [0.0, 1.0]]).unwrap();
        let after = |change: &dyn Fn(&mut Parts)| {
            let mut parts = pipeline.parts();
            change(&mut parts);
            Pipeline::<f64>::from_parts(&parts).unwrap_err().to_string()
        };
        let with = |name: &str, values: Vec<f64>| {
            after(&|parts| drop(parts.insert(name.to_string(), values.clone())))
        };
        let scale = "preprocessing.2.scale";
        let expected = "value 1 is 0, it must be finite and greater than 0";
        assert_eq!(with(scale, vec![1.0, 0.0, 1.0]), format!("{scale}: {expected}"));
        assert!(
            with(scale, vec![1.0, f64::INFINITY, 1.0]).starts_with("preprocessing.2.scale: value 1 is inf")
        );
        assert_eq!(with(scale, vec![1.0]), "preprocessing.2.scale: 3 values are needed, there are 1");
        assert_eq!(
            with("preprocessing.2.size", vec![]),
            "preprocessing.2.size: is not known, known are mean, scale"
        );
        for name in [
            "preprocessing.4294967296.mean",
            "preprocessing.99999999999999999999.mean",
            "preprocessing.-1.mean",
            "preprocessing.+1.mean",
            "preprocessing.01.mean",
            "preprocessing.mean",
            "layers.0.weight",
            "",
        ] {
            assert_eq!(with(name, vec![]), format!("{name}: is no part of these steps"));
        }
        let without = |name: &str| after(&|parts| drop(parts.shift_remove(name)));
        assert_eq!(without("preprocessing.3.ends"), "preprocessing.3.ends: is missing");
        for (name, k) in [("preprocessing.0.fill", 0), ("preprocessing.2.mean", 2)] {
            let missing = "is missing, and so are fill, categories and minimum";
            assert_eq!(without(name), format!("preprocessing.{k}.mean: {missing}"));
        }
    }

    /// Each step alone, of no examples, one and several, and of another number of features.
    #[test]
    fn a_step_of_a_pipeline_is_that_step() {
        let x = matrix![[1.0_f32, 3.0, 2.0], [0.0, 1.0, 1.0]];
        for step in all_steps() {
            let pipeline = Pipeline::fit(std::slice::from_ref(&step), &x).unwrap();
            let alone = |x: &Matrix<f32>| match Step::fit(&step, &matrix![[1.0, 3.0, 2.0], [0.0, 1.0, 1.0]])
                .unwrap()
            {
                Step::Imputer(imputer) => imputer.transform(x),
                Step::OneHot(one_hot) => one_hot.transform(x),
                Step::Standardizer(standardizer) => standardizer.transform(x),
                Step::MinMax(min_max) => min_max.transform(x),
            };
            for m in [0, 1, 3] {
                let some = x.select_columns(&[0, 1, 2][..m]);
                assert_eq!(pipeline.transform(&some), alone(&some));
                assert_eq!(pipeline.transform(&some).unwrap().columns(), m);
            }
            for hostile in [matrix![[f32::INFINITY], [1.0]], matrix![[f32::NAN], [1.0]], Matrix::zeros(3, 2)]
            {
                // NaN is missing, and not equal to itself.
                let text = |made: Result<Matrix<f32>>| format!("{made:?}");
                assert_eq!(text(pipeline.transform(&hostile)), text(alone(&hostile)));
            }
        }
        // Nothing is allocated for features that a file claims.
        let parts = OneHot::fit(&x, &[1], Unseen::Zeros).unwrap().parts();
        let mut claimed: Parts =
            parts.into_iter().map(|(name, of)| (format!("preprocessing.0.{name}"), of)).collect();
        claimed.insert("preprocessing.0.inputs".to_string(), vec![9e15]);
        let error = Pipeline::from_parts(&claimed).unwrap().transform(&x).unwrap_err();
        assert_eq!(error.to_string(), "X is 2×3, 9000000000000000×3 is needed");
    }

    #[test]
    fn what_fits_f64_may_not_fit_f32() {
        let pipeline = Pipeline::fit(&[Preparation::Standardize], &matrix![[1e300, 0.0]]).unwrap();
        assert!(matches!(Pipeline::<f32>::from_parts(&pipeline.parts()), Err(Error::Part { .. })));
    }
}

//! A pipeline as entries of a tape: for whoever has the program alone, and no pipeline beside it.

use tape::{Matrix, Tape, Var};

use super::pipeline::Step;
use super::{Imputer, MinMax, OneHot, Pipeline, Standardizer, Unseen};
use crate::{Error, Result, Scalar};

impl<T: Scalar> Pipeline<T> {
    /// What the steps make of X, n_0 × m, in type T. A program has no errors to give: what `transform`
    /// refuses, and what is beyond the numbers of T on the way, becomes NaN in its column.
    #[cfg_attr(not(any(feature = "onnx", feature = "rust-source")), allow(dead_code))]
    pub(crate) fn record<'t>(&self, x: Var<'t, T>) -> Result<Var<'t, T>> {
        let Some((first, others)) = self.steps().split_first() else { return Ok(x) };
        let made = others.iter().try_fold(first.record(x)?, |x, step| match step {
            // Behind another step nothing is missing: NaN is there what that one refuses.
            Step::Imputer(_) => Ok(x),
            Step::OneHot(_) | Step::Standardizer(_) | Step::MinMax(_) => step.record(x),
        })?;
        // No step makes a number of ∞ or NaN again. −0 less 0 is −0: what is finite keeps its bits.
        Ok(made - zero_or_nan(made))
    }
}

impl<T: Scalar> Step<T> {
    fn record<'t>(&self, x: Var<'t, T>) -> Result<Var<'t, T>> {
        match self {
            Step::Imputer(imputer) => imputer.record(x),
            Step::OneHot(one_hot) => one_hot.record(x),
            Step::Standardizer(standardizer) => standardizer.record(x),
            Step::MinMax(min_max) => min_max.record(x),
        }
    }
}

/// A column of numbers that type T has to hold.
fn column<'t, T: Scalar>(tape: &'t Tape<T>, name: &str, values: &[f64]) -> Result<Var<'t, T>> {
    let values: Vec<T> = values.iter().map(|&value| T::from_f64(value)).collect();
    if let Some(feature) = values.iter().position(|value| !value.is_finite()) {
        let reason = format!("{name} of feature {feature} is too large for {}", T::NAME);
        return Err(Error::Setting { setting: "pipeline", reason });
    }
    Ok(tape.constant(name, &Matrix::from_vec(values.len(), 1, values)?))
}

/// 0 where x is finite, else NaN, which a mask takes for a 1.
#[allow(clippy::eq_op)] // ∞ − ∞ is NaN
fn zero_or_nan<T: Scalar>(x: Var<'_, T>) -> Var<'_, T> {
    x - x
}

impl<T: Scalar> Standardizer<T> {
    /// (x − mean) / scale.
    pub(crate) fn record<'t>(&self, x: Var<'t, T>) -> Result<Var<'t, T>> {
        let (mean, scale): (Vec<f64>, Vec<f64>) = self.moments().iter().copied().unzip();
        let (mean, scale) = (column(x.tape(), "mean", &mean)?, column(x.tape(), "scale", &scale)?);
        Ok((x - mean) / scale)
    }
}

impl MinMax {
    /// (1 − share) · low + share · high with share = (x − minimum) / (maximum − minimum).
    fn record<'t, T: Scalar>(&self, x: Var<'t, T>) -> Result<Var<'t, T>> {
        let spans = self.minimum().iter().zip(self.maximum()).map(|(minimum, maximum)| maximum - minimum);
        // A feature that is always the same is moved, and not stretched.
        let spans: Vec<f64> = spans.map(|span| if span == 0.0 { 1.0 } else { span }).collect();
        if let Some(feature) = spans.iter().position(|&span| T::from_f64(span) == T::ZERO) {
            let reason = format!("span of feature {feature} is too small for {}", T::NAME);
            return Err(Error::Setting { setting: "pipeline", reason });
        }
        let minimum = column(x.tape(), "minimum", self.minimum())?;
        let span = column(x.tape(), "span", &spans)?;
        let (low, high) = self.ends();
        let (low, high, one) = (end::<T>("low", low)?, end::<T>("high", high)?, x.tape().scalar(T::ONE));
        let share = (x - minimum) / span;
        Ok((one - share) * low + share * high)
    }
}

/// An end that type T has to hold.
fn end<T: Scalar>(name: &str, value: f64) -> Result<T> {
    let end = T::from_f64(value);
    if !end.is_finite() {
        let reason = format!("{name} end is too large for {}", T::NAME);
        return Err(Error::Setting { setting: "pipeline", reason });
    }
    Ok(end)
}

impl Imputer {
    /// x where it is a number, else the mean. tanh makes infinite numbers finite, so that NaN alone is
    /// missing.
    fn record<'t, T: Scalar>(&self, x: Var<'t, T>) -> Result<Var<'t, T>> {
        let fill = column(x.tape(), "fill", self.means())?;
        Ok(zero_or_nan(x.tanh()).select(fill, x))
    }
}

impl OneHot {
    /// Every feature's own row, or a row for each of its categories.
    fn record<'t, T: Scalar>(&self, x: Var<'t, T>) -> Result<Var<'t, T>> {
        let mut rows = Vec::new();
        let mut next = self.categories().iter().peekable();
        for feature in 0..self.inputs() {
            let row = x.rows(feature..feature + 1);
            match next.next_if(|(of, _)| *of == feature) {
                Some((_, categories)) => rows.push(self.record_feature(row, categories)?),
                None => rows.push(row),
            }
        }
        Ok(x.tape().stack_rows(&rows))
    }

    /// 1 where x is the category, else 0. Where x is none of them and that is refused, 0/0.
    fn record_feature<'t, T: Scalar>(&self, x: Var<'t, T>, categories: &[f64]) -> Result<Var<'t, T>> {
        if let Some(category) = categories.iter().find(|&&value| T::from_f64(value).to_f64() != value) {
            let reason = format!("{} does not hold category {category}", T::NAME);
            return Err(Error::Setting { setting: "pipeline", reason });
        }
        let is = x.equal(column(x.tape(), "categories", categories)?);
        match self.unseen() {
            Unseen::Refuse => Ok(is / is.sum_over(tape::Over::Rows)),
            Unseen::Zeros => Ok(is + zero_or_nan(x)),
        }
    }
}

#[cfg(test)]
mod tests {
    use tape::{Matrix, Tape, matrix};

    use super::{Error, Pipeline, Result, Scalar, Unseen};
    use crate::{Preparation, Purpose, Random};

    fn recorded<T: Scalar>(pipeline: &Pipeline<T>, x: &Matrix<T>) -> Result<Matrix<T>> {
        let tape = Tape::new();
        let made = pipeline.record(tape.examples("X", x))?;
        let mut program = tape.compile([made])?;
        program.run()?;
        Ok(program.view(made)?.to_matrix())
    }

    /// Features 1 and 3 name three and two categories; of the others some are missing.
    fn examples<T: Scalar>(m: usize, seed: u64) -> Matrix<T> {
        let mut random = Random::new(seed, Purpose::Init);
        Matrix::from_fn(5, m, |i, j| match i {
            1 => T::from_f64([-2.5, 0.0, 7.0][j % 3]),
            3 => T::from_f64([1.0, 2.0][j % 2]),
            4 => T::from_f64(3.0), // always the same
            _ if j > 1 && random.unit() < 0.2 => T::from_f64(f64::NAN),
            _ => T::from_f64(100.0 + random.symmetric(30.0)),
        })
    }

    fn all_steps(unseen: Unseen) -> [Preparation; 4] {
        let one_hot = Preparation::OneHot { features: vec![1, 3], unseen };
        [Preparation::Impute, one_hot, Preparation::MinMax { low: -1.0, high: 2.0 }, Preparation::Standardize]
    }

    /// What is recorded is computed in T, `transform` in f64: a few roundings of T apart.
    fn is_what_transform_makes<T: Scalar>() {
        for unseen in [Unseen::Refuse, Unseen::Zeros] {
            for steps in 0..=4 {
                let pipeline =
                    Pipeline::<T>::fit(&all_steps(unseen)[..steps], &examples(40, 1)).expect("a pipeline");
                for m in [0, 1, 2, 7] {
                    let x = examples(m, 2);
                    let (expected, found) =
                        (pipeline.transform(&x).unwrap(), recorded(&pipeline, &x).unwrap());
                    assert_eq!(found.shape(), expected.shape());
                    for (a, b) in found.iter().zip(expected.iter()) {
                        let (a, b) = (a.to_f64(), b.to_f64());
                        let apart = (a - b).abs() / b.abs().max(1.0);
                        assert!(
                            apart <= 64.0 * T::EPSILON.to_f64() || (a.is_nan() && b.is_nan()),
                            "{steps}: {a} and {b}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn it_is_what_transform_makes_in_f64() {
        is_what_transform_makes::<f64>();
    }

    #[test]
    fn it_is_what_transform_makes_in_f32() {
        is_what_transform_makes::<f32>();
    }

    /// Each kind of step alone, and what an imputer must not fill: what the step before it has refused.
    fn pipelines() -> Vec<Vec<Preparation>> {
        let one_hot = |unseen| Preparation::OneHot { features: vec![1, 3], unseen };
        let range = Preparation::MinMax { low: 0.0, high: 2.0 };
        let mut pipelines = vec![
            vec![Preparation::Impute],
            vec![Preparation::Standardize],
            vec![range.clone()],
            vec![Preparation::MinMax { low: -2.0, high: 0.0 }],
            vec![one_hot(Unseen::Refuse)],
            vec![one_hot(Unseen::Zeros)],
            vec![Preparation::Impute, Preparation::Impute],
            vec![Preparation::Standardize, Preparation::Impute],
            vec![range.clone(), Preparation::Standardize, Preparation::Impute, range],
            vec![one_hot(Unseen::Refuse), Preparation::Impute],
            vec![one_hot(Unseen::Zeros), Preparation::Impute],
        ];
        pipelines.extend([Unseen::Refuse, Unseen::Zeros].map(|unseen| all_steps(unseen).to_vec()));
        pipelines
    }

    /// A column has a NaN just where `transform` refuses it.
    fn has_a_nan_where_transform_refuses<T: Scalar>(largest: f64) {
        // None is missing.
        let training = examples::<T>(40, 1).map(|x| if x.is_nan() { T::from_f64(100.0) } else { x });
        for steps in pipelines() {
            let pipeline = Pipeline::<T>::fit(&steps, &training).unwrap();
            let hostile = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1.5, largest, -largest];
            for value in hostile {
                // Column j has it as its feature j, and the last one as none.
                let x =
                    Matrix::from_fn(5, 6, |i, j| if i == j { T::from_f64(value) } else { training[(i, 7)] });
                let found = recorded(&pipeline, &x).unwrap();
                for j in 0..6 {
                    let is_refused = pipeline.transform(&x.select_columns(&[j])).is_err();
                    let has_nan = found.column(j).iter().any(|x| x.is_nan());
                    assert_eq!(has_nan, is_refused, "{steps:?}: {value} as feature {j}");
                    assert!(
                        found.column(j).iter().all(|x| x.is_finite() || x.is_nan()),
                        "{steps:?}: {value}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_transform_refuses_is_nan() {
        has_a_nan_where_transform_refuses::<f64>(f64::MAX);
        has_a_nan_where_transform_refuses::<f32>(f32::MAX.into());
    }

    #[test]
    fn categories_that_are_refused_are_nan() {
        let x = matrix![[1.0, 2.0, 2.0], [5.0, 6.0, 7.0]];
        let fit = |unseen| Pipeline::fit(&[Preparation::OneHot { features: vec![0], unseen }], &x).unwrap();
        let other = matrix![[1.0, 1.5, f64::NAN, f64::INFINITY], [0.0, 0.0, 0.0, 0.0]];
        for (unseen, expected) in
            [(Unseen::Refuse, [false, true, true, true]), (Unseen::Zeros, [false, false, true, true])]
        {
            let found = recorded(&fit(unseen), &other).unwrap();
            for (j, is_nan) in expected.into_iter().enumerate() {
                assert_eq!([0, 1].map(|i| found[(i, j)].is_nan()), [is_nan; 2], "{unseen:?}, column {j}");
            }
        }
        assert_eq!(
            recorded(&fit(Unseen::Zeros), &matrix![[1.5], [4.0]]).unwrap(),
            matrix![[0.0], [0.0], [4.0]]
        );
    }

    #[test]
    fn what_the_type_does_not_hold_is_refused() {
        let of = |x: &Matrix<f64>, step: Preparation| {
            let parts = Pipeline::fit(&[step], x).unwrap().parts();
            recorded(&Pipeline::<f32>::from_parts(&parts).unwrap(), &Matrix::zeros(x.rows(), 1))
        };
        let category =
            of(&matrix![[0.1, 0.2]], Preparation::OneHot { features: vec![0], unseen: Unseen::Refuse });
        assert!(matches!(category, Err(Error::Setting { setting: "pipeline", .. })), "{category:?}");
        let large = of(&matrix![[0.0, 1e300]], Preparation::MinMax { low: 0.0, high: 1.0 });
        assert!(matches!(large, Err(Error::Setting { setting: "pipeline", .. })), "{large:?}");
        let told = |x: &Matrix<f64>, low: f64, high: f64| match of(x, Preparation::MinMax { low, high }) {
            Err(Error::Setting { setting: "pipeline", reason }) => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            told(&matrix![[0.0, 1.0], [0.0, 1e-50]], 0.0, 1.0),
            "span of feature 1 is too small for f32"
        );
        assert_eq!(told(&matrix![[0.0, 1.0]], 0.0, 1e300), "high end is too large for f32");
        assert_eq!(told(&matrix![[0.0, 1.0]], -1e300, 0.0), "low end is too large for f32");
        // The smallest number of f32 is 1.4e-45; a feature that is always the same has no span to hold.
        for largest in [1e-44, 0.0] {
            let narrow = of(&matrix![[0.0, largest]], Preparation::MinMax { low: -1.0, high: 1.0 });
            assert_eq!(narrow, Ok(matrix![[-1.0_f32]]), "{largest}");
        }
    }
}

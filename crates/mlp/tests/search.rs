//! Searches give the same table whatever runs them, and leave nobody out.

use std::error::Error as _;

use mlp::metrics::{accuracy, r_squared};
use mlp::search::{
    Candidate, Draw, FoldScores, Goal, GridSearch, RandomSearch, Value, cross_validate, validate,
};
use mlp::{Activation, Error, Folds, Loss, Mlp, Optimizer, Pipeline, Preparation, Scalar, Split, Training};
use proptest::prelude::*;
use tape::{Matrix, matrix};

fn line<T: Scalar>(m: usize) -> (Matrix<T>, Matrix<T>) {
    let x = Matrix::from_fn(2, m, |k, i| T::from_f64(((i * (k + 2)) % 13) as f64));
    let y = Matrix::from_fn(1, m, |_, i| T::from_f64(x[(0, i)].to_f64() - 0.5 * x[(1, i)].to_f64()));
    (x, y)
}

#[test]
fn a_cross_validation_is_its_folds_trained_by_hand() {
    fn check<T: Scalar>() {
        let (x, y) = line::<T>(31);
        let training = Training::<T>::new(Optimizer::adam(0.1).unwrap()).epochs(30).batches(8, 3).unwrap();
        let network = Mlp::new(2).layer(3, Activation::Tanh).layer(1, Activation::Identity).seed(2);
        let folds = Folds::new(4, 7).unwrap().repeated(2).unwrap().of(31).unwrap();
        let steps = [Preparation::Standardize];
        let by_hand: Vec<f64> = folds
            .iter()
            .map(|split| {
                let (train, test) = (x.select_columns(&split.train), x.select_columns(&split.test));
                let pipeline = Pipeline::fit(&steps, &train).unwrap();
                let mut network = network.clone().build().unwrap();
                let train = pipeline.transform(&train).unwrap();
                training.fit(&mut network, &train, &y.select_columns(&split.train)).unwrap();
                let a = network.predict(&pipeline.transform(&test).unwrap()).unwrap();
                r_squared(&a, &y.select_columns(&split.test)).unwrap()
            })
            .collect();
        let r2 = |network: &Mlp<T>, x: &Matrix<T>, y: &Matrix<T>| r_squared(&network.predict(x)?, y);
        for threads in [1, 2, 3, 0] {
            let training = training.clone().threads(threads);
            let scores = cross_validate(&training, &network, &steps, &x, &y, &folds, r2).unwrap();
            assert_eq!(scores.values(), by_hand, "{threads} threads");
        }
        assert_eq!(validate(&training, &network, &steps, &x, &y, &folds[5], r2), Ok(by_hand[5]));
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn what_is_wrong_in_a_fold_is_said_with_its_number() {
    let (x, y) = line::<f64>(12);
    let training = Training::new(Optimizer::gradient_descent(1e6).unwrap());
    let network = Mlp::new(2).layer(1, Activation::Identity);
    let folds = Folds::new(3, 0).unwrap().of(12).unwrap();
    let loss = |network: &Mlp<f64>, x: &Matrix<f64>, y: &Matrix<f64>| network.loss(x, y);
    let run = |training: &_, x: &_, y: &_, folds: &[Split]| {
        cross_validate(training, &network, &[], x, y, folds, loss).unwrap_err()
    };
    let error = run(&training, &x, &y, &folds);
    assert!(matches!(&error, Error::Fold { fold: 0, error } if matches!(**error, Error::Diverged { .. })));
    assert!(error.to_string().starts_with("fold 0: training: J is "));
    assert!(error.source().is_some());
    let training = Training::new(Optimizer::adam(0.1).unwrap()).epochs(1);
    assert_eq!(run(&training, &x, &y, &[]), Error::NoExamples { what: "scores of folds" });
    let inner = |error: Error| match error {
        Error::Fold { error, .. } => *error,
        error => error,
    };
    let other = Split { train: vec![0, 1], test: vec![12] };
    let split = inner(run(&training, &x, &y, &[other]));
    assert_eq!(split.to_string(), "split: example 12 is not below 12, their number");
    let empty = Split { train: vec![], test: vec![1] };
    assert!(matches!(inner(run(&training, &x, &y, &[empty])), Error::Split { .. }));
    let few = inner(run(&training, &x, &y.select_columns(&[0, 1]), &folds));
    assert!(matches!(few, Error::Shape { .. }));
    let nan = cross_validate(&training, &network, &[], &x, &y, &folds, |_, _, _| Ok(f64::NAN));
    assert!(matches!(nan, Err(Error::Fold { fold: 0, .. })));
}

/// A number of its own for every candidate and fold, an error, a NaN, and two that are equal.
fn some_value(candidate: &Candidate, fold: usize) -> mlp::Result<f64> {
    let (a, b) = (candidate.number("a")?, candidate.count("b")?);
    match (a, b) {
        (2.0, 3) if fold == 1 => Err(Error::NoLayers),
        (3.0, 3) if fold == 0 => Ok(f64::NAN),
        (1.0, _) => Ok(5.0),
        _ => Ok(10.0 * a + b as f64 + 0.25 * fold as f64),
    }
}

#[test]
fn a_table_is_sorted_and_lists_what_fails() {
    let search = GridSearch::new().over("a", [1.0, 2.0, 3.0]).over("b", [3, 4]);
    let table = search.clone().threads(1).run(Goal::Largest, 3, some_value).unwrap();
    for threads in [0, 2, 5, 64] {
        let again = search.clone().threads(threads).run(Goal::Largest, 3, some_value).unwrap();
        assert_eq!(again, table);
        assert_eq!(again.to_string(), table.to_string());
    }
    assert_eq!(
        table.to_string(),
        "a  b     mean   spread\n\
         3  4  34.2500  0.25000\n\
         2  4  24.2500  0.25000\n\
         1  3  5.00000  0.00000\n\
         1  4  5.00000  0.00000\n\
         2  3  fold 1: network: at least one layer is needed\n\
         3  3  fold 0: the metric is undefined: it is NaN\n"
    );
    assert_eq!(table.best().unwrap().to_string(), "a = 3, b = 4");
    let smallest = search.run(Goal::Smallest, 3, some_value).unwrap();
    assert_eq!(smallest.best().unwrap().to_string(), "a = 1, b = 3");
    assert_eq!(smallest.rows()[2].candidate.to_string(), "a = 2, b = 4");
    let failing = GridSearch::new().over("a", [1.0]).run(Goal::Smallest, 1, |_, _| Err(Error::NoLayers));
    assert_eq!(failing.unwrap().best(), None);
}

#[test]
fn what_cannot_be_searched_is_an_error() {
    let run = |search: GridSearch| search.run(Goal::Smallest, 1, |_, _| Ok(0.0));
    let empty = run(GridSearch::new().over("rate", Vec::<f64>::new())).unwrap_err();
    assert_eq!(empty.to_string(), "search: rate has no values");
    let twice = run(GridSearch::new().over("rate", [0.1]).over("rate", [0.2])).unwrap_err();
    assert_eq!(twice.to_string(), "search: rate stands twice");
    assert!(matches!(run(GridSearch::new().over("rate", [f64::NAN])), Err(Error::Space { .. })));
    let many = (0..80).fold(GridSearch::new(), |search, k| search.over(format!("{k}"), ["a", "b"]));
    assert!(matches!(many.candidates(), Err(Error::Memory { .. })));
    let no_folds = GridSearch::new().run(Goal::Smallest, 0, |_, _| Ok(0.0));
    assert!(matches!(no_folds, Err(Error::Hyperparameter { name: "folds", .. })));
    // Nothing to choose is one candidate, and no candidates are an empty table.
    assert_eq!(run(GridSearch::new()).unwrap().rows().len(), 1);
    let none = RandomSearch::new(0, 0).run(Goal::Smallest, 2, |_, _| Ok(0.0)).unwrap();
    assert_eq!((none.rows().len(), none.best()), (0, None));
    assert_eq!(none.to_string(), "   mean   spread\n");
    assert!(FoldScores::new(vec![]).is_err());
}

/// Their mean is NaN, which has no place in an order: it came first or last, as its sign was.
#[test]
fn values_without_a_mean_are_an_error() {
    let limits = [f64::INFINITY, f64::NEG_INFINITY];
    let search = GridSearch::new().over("limit", limits).over("second", [1.0, f64::INFINITY]);
    for (goal, best) in
        [(Goal::Smallest, "limit = -inf, second = 1"), (Goal::Largest, "limit = inf, second = 1")]
    {
        let table = search
            .run(goal, 2, |candidate, fold| candidate.number(if fold == 0 { "limit" } else { "second" }))
            .unwrap();
        assert_eq!(table.best().unwrap().to_string(), best, "{table}");
        let last = table.rows().last().unwrap();
        assert_eq!(last.candidate.to_string(), "limit = -inf, second = inf");
        assert_eq!(
            last.scores.as_ref().unwrap_err().to_string(),
            "the mean of the folds is undefined: it is NaN"
        );
        assert!(table.rows()[..3].iter().all(|row| row.scores.is_ok()), "{table}");
    }
    for values in [limits.to_vec(), vec![f64::NEG_INFINITY, 0.0, f64::INFINITY]] {
        assert!(matches!(FoldScores::new(values), Err(Error::Undefined { .. })));
    }
    for limit in limits {
        assert_eq!(FoldScores::new(vec![limit, 0.0, limit]).unwrap().mean(), limit);
    }
}

#[test]
fn a_value_is_of_one_kind() {
    let values = [("rate", Value::from(0.5)), ("n", Value::from(3)), ("g", Value::from("tanh"))];
    let candidate = Candidate::from_iter(values);
    assert_eq!((candidate.number("rate"), candidate.number("n")), (Ok(0.5), Ok(3.0)));
    assert_eq!(candidate.text("g"), Ok("tanh"));
    assert_eq!(candidate.count("rate").unwrap_err().to_string(), "rate is 0.5, and no count");
    assert_eq!(candidate.number("g").unwrap_err().to_string(), "g is tanh, and no number");
    assert_eq!(candidate.text("n").unwrap_err().to_string(), "n is 3, and no text");
    let unknown = candidate.count("m").unwrap_err().to_string();
    assert_eq!(unknown, "hyperparameter: \"m\" is not known, known are rate, n, g");
}

#[test]
fn a_table_cannot_be_broken_by_a_name() {
    let search = GridSearch::new().over("a\nb", ["\u{1b}[31m"]);
    let table = search.run(Goal::Smallest, 1, |_, _| Ok(-1e-9)).unwrap();
    assert_eq!(table.to_string(), "      a\\nb     mean   spread\n\\u{1b}[31m  -1.0e-9        –\n");
}

/// Classes are found again with settings of one's own, drawn at random.
#[test]
fn a_random_search_finds_a_rate_that_learns() {
    let x = matrix![[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0]];
    let classes: Vec<usize> = (0..12).map(|i| i / 4).collect();
    let y = mlp::one_hot::<f64>(&classes, 3).unwrap();
    let folds = Folds::new(4, 1).unwrap().stratified(&classes).unwrap();
    let search = RandomSearch::new(6, 2)
        .over("rate", Draw::LogUniform { low: 1e-6, high: 1.0 })
        .over("g", Draw::OneOf(vec!["tanh".into(), "relu".into()]));
    let run = |threads| {
        search.clone().threads(threads).run(Goal::Largest, 4, |candidate, fold| {
            let rate = candidate.number("rate")?;
            let training = Training::new(Optimizer::adam(rate)?).epochs(60).threads(1);
            let network = Mlp::<f64>::new(1)
                .layer(6, candidate.text("g")?.parse()?)
                .layer(3, Activation::Identity)
                .loss(Loss::SoftmaxCrossEntropy);
            let right = |network: &Mlp<f64>, x: &_, y: &_| accuracy(&network.predict_probabilities(x)?, y);
            validate(&training, &network, &[Preparation::Standardize], &x, &y, &folds[fold], right)
        })
    };
    let table = run(1).unwrap();
    assert_eq!(run(2).unwrap(), table);
    assert!(table.best().unwrap().number("rate").unwrap() > 1e-3, "{table}");
    assert!(table.rows()[0].scores.as_ref().unwrap().mean() > 0.8, "{table}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_grid_has_every_combination_once(sizes in prop::collection::vec(1..4_usize, 0..5)) {
        let search = sizes
            .iter()
            .enumerate()
            .fold(GridSearch::new(), |search, (k, &n)| search.over(format!("{k}"), 0..n));
        let candidates = search.candidates().unwrap();
        prop_assert_eq!(candidates.len(), sizes.iter().product::<usize>());
        for (k, candidate) in candidates.iter().enumerate() {
            prop_assert!(candidates[..k].iter().all(|before| before != candidate));
        }
    }
}

/// Losses of trainings that nearly diverged, and what is left of small ones.
#[test]
fn a_spread_neither_overflows_nor_vanishes() {
    for unit in [1.0, 2.0_f64.powi(900), 2.0_f64.powi(-900)] {
        let scores = FoldScores::new([2.0, 4.0, 9.0].map(|value| value * unit).to_vec()).unwrap();
        assert_eq!(scores.mean(), 5.0 * unit);
        assert!((scores.spread().unwrap() / unit - 13.0_f64.sqrt()).abs() < 1e-15, "{scores:?}");
        assert_eq!(FoldScores::new(vec![unit; 3]).unwrap().spread(), Some(0.0));
    }
    assert!(FoldScores::new(vec![1.0, f64::INFINITY]).unwrap().spread().unwrap().is_nan());
    // A sum that overflows has a mean that does not.
    let huge = FoldScores::new(vec![1.5e308; 3]).unwrap();
    assert!((huge.mean() / 1.5e308 - 1.0).abs() < 1e-15);
    let apart = FoldScores::new(vec![1.5e308, 1.5e308, -1.5e308, -1.5e308]).unwrap();
    assert_eq!(apart.mean(), 0.0);
    assert!((apart.spread().unwrap() / 1.5e308 - (4.0_f64 / 3.0).sqrt()).abs() < 1e-15);
    assert_eq!(FoldScores::new(vec![1.5e308, 1.5e308, f64::INFINITY]).unwrap().mean(), f64::INFINITY);
}

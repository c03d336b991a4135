//! What holds of the metrics whatever the numbers.

use mlp::metrics::{Average, ClassProbabilities, Disagreement, Quantities, Questions, Scores};
use mlp::{ConfusionMatrix, Purpose, Random, Scalar};
use proptest::prelude::*;
use tape::Matrix;

/// Scores, labels and weights; few scores, so that some are equal. Both labels occur.
fn scored() -> impl Strategy<Value = Vec<(f64, f64, f64)>> {
    let example = (0..12_u8, any::<bool>(), 0..5_u8);
    prop::collection::vec(example, 2..40).prop_map(|examples| {
        let number = |(score, label, weight): (u8, bool, u8)| {
            (f64::from(score) / 11.0, f64::from(u8::from(label)), f64::from(weight) / 4.0)
        };
        let mut examples: Vec<_> = examples.into_iter().map(number).collect();
        (examples[0].1, examples[1].1) = (0.0, 1.0);
        (examples[0].2, examples[1].2) = (1.0, 0.5);
        examples
    })
}

fn row<T: Scalar>(values: impl Iterator<Item = f64>) -> Matrix<T> {
    Matrix::row(&values.map(T::from_f64).collect::<Vec<T>>())
}

fn scores_of<T: Scalar>(examples: &[(f64, f64, f64)]) -> Scores {
    let a = row::<T>(examples.iter().map(|example| example.0));
    let y = row(examples.iter().map(|example| example.1));
    let weights: Vec<f64> = examples.iter().map(|example| example.2).collect();
    Scores::weighted(&a, &y, &weights).unwrap()
}

/// By all pairs: what the area is defined to be.
fn area_by_pairs(examples: &[(f64, f64, f64)]) -> f64 {
    let (mut won, mut all) = (0.0, 0.0);
    for &(a, _, v) in examples.iter().filter(|example| example.1 == 1.0) {
        for &(b, _, w) in examples.iter().filter(|example| example.1 == 0.0) {
            all += v * w;
            won += v * w * if a > b { 1.0 } else { 0.5 * f64::from(u8::from(a == b)) };
        }
    }
    won / all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_area_is_the_share_of_pairs_that_are_in_order(examples in scored()) {
        let expected = area_by_pairs(&examples);
        let area = scores_of::<f64>(&examples).roc_auc().unwrap();
        prop_assert!((area - expected).abs() < 1e-13, "{area} {expected}");
        prop_assert_eq!(scores_of::<f32>(&examples).roc_auc().unwrap(), area);
    }

    #[test]
    fn the_area_is_that_under_the_curve(examples in scored()) {
        let scores = scores_of::<f64>(&examples);
        let curve = scores.roc_curve().unwrap();
        let trapezoids: f64 = curve
            .windows(2)
            .map(|two| {
                let width = two[1].false_positive_rate - two[0].false_positive_rate;
                width * 0.5 * (two[0].true_positive_rate + two[1].true_positive_rate)
            })
            .sum();
        prop_assert!((trapezoids - scores.roc_auc().unwrap()).abs() < 1e-13);
        let last = curve[curve.len() - 1];
        prop_assert_eq!((last.false_positive_rate, last.true_positive_rate), (1.0, 1.0));
        prop_assert!(curve.is_sorted_by(|a, b| a.threshold > b.threshold));
        let steps: f64 = scores
            .precision_recall_curve()
            .unwrap()
            .windows(2)
            .map(|two| (two[1].recall - two[0].recall) * two[1].precision)
            .sum();
        prop_assert!((steps - scores.average_precision().unwrap()).abs() < 1e-13);
    }

    #[test]
    fn another_order_of_the_examples_changes_no_bit_of_the_curves(examples in scored(), seed: u64) {
        let mut shuffled = examples.clone();
        Random::new(seed, Purpose::Shuffle).shuffle(&mut shuffled);
        prop_assert_eq!(scores_of::<f64>(&examples), scores_of::<f64>(&shuffled));
    }

    #[test]
    fn another_order_of_the_examples_changes_no_metric(
        drawn in prop::collection::vec((1..9_u8, 1..9_u8, 1..9_u8, 0..3_usize, 1..5_u8), 3..20),
        seed: u64,
    ) {
        let m = drawn.len();
        let order = Random::new(seed, Purpose::Shuffle).permutation(m);
        let a = Matrix::from_fn(3, m, |k, i| {
            let of = [drawn[i].0, drawn[i].1, drawn[i].2].map(f64::from);
            of[k] / of.iter().sum::<f64>()
        });
        let classes: Vec<usize> = (0..m).map(|i| if i < 3 { i } else { drawn[i].3 }).collect();
        let y = mlp::one_hot::<f64>(&classes, 3).unwrap();
        let weights: Vec<f64> = drawn.iter().map(|example| f64::from(example.4) / 7.0).collect();
        let all = |order: &[usize], factor: f64| {
            let weights: Vec<f64> = order.iter().map(|&i| factor * weights[i]).collect();
            all_metrics(&a.select_columns(order), &y.select_columns(order), &weights)
        };
        let as_drawn: Vec<usize> = (0..m).collect();
        let one = all(&as_drawn, 1.0);
        // A common factor of the weights changes nothing either, however large it is.
        for other in [all(&order, 1.0), all(&as_drawn, 1e306), all(&as_drawn, 1e-300)] {
            for (k, (one, other)) in one.iter().zip(&other).enumerate() {
                prop_assert!((one - other).abs() < 1e-13, "{k}: {one} {other}");
            }
        }
    }

    /// An example of weight k is k examples.
    #[test]
    fn weights_are_repetitions(examples in scored(), classes in prop::collection::vec((0..4_usize, 0..4_usize), 40)) {
        let counts: Vec<usize> = examples.iter().map(|example| (example.2 * 4.0) as usize).collect();
        let repeated: Vec<usize> =
            counts.iter().enumerate().flat_map(|(i, &count)| std::iter::repeat_n(i, count)).collect();
        let each: Vec<_> = repeated.iter().map(|&i| (examples[i].0, examples[i].1, 1.0)).collect();
        let close = |a: f64, b: f64| (a - b).abs() < 1e-13;
        let (once, often) = (scores_of::<f64>(&examples), scores_of::<f64>(&each));
        prop_assert!(close(once.roc_auc().unwrap(), often.roc_auc().unwrap()));
        prop_assert!(close(once.average_precision().unwrap(), often.average_precision().unwrap()));

        let weights: Vec<f64> = examples.iter().map(|example| example.2).collect();
        let a = row::<f64>(examples.iter().map(|example| example.0));
        let y = row(examples.iter().map(|example| example.1));
        let (more_a, more_y) = (a.select_columns(&repeated), y.select_columns(&repeated));
        let once = ClassProbabilities::weighted(&a.map(|a| 0.1 + 0.8 * a), &y, &weights).unwrap();
        let often = ClassProbabilities::new(&more_a.map(|a| 0.1 + 0.8 * a), &more_y).unwrap();
        prop_assert!(close(once.cross_entropy(), often.cross_entropy()));
        prop_assert!(close(once.brier(), often.brier()));
        let error = |of: &ClassProbabilities| of.calibration(5).unwrap().expected_error();
        prop_assert!(close(error(&once), error(&often)));

        let once = Quantities::weighted(&a, &y, &weights).unwrap();
        let often = Quantities::new(&more_a, &more_y).unwrap();
        prop_assert!(close(once.r_squared().unwrap(), often.r_squared().unwrap()));
        prop_assert!(close(once.mean_absolute_error(), often.mean_absolute_error()));
        prop_assert!(close(once.root_mean_squared_error(), often.root_mean_squared_error()));
        prop_assert!(close(once.quantile_loss(0.3).unwrap(), often.quantile_loss(0.3).unwrap()));

        let (actual, predicted): (Vec<usize>, Vec<usize>) = classes[..examples.len()].iter().copied().unzip();
        let at = |of: &[usize]| repeated.iter().map(|&i| of[i]).collect::<Vec<usize>>();
        let once = ConfusionMatrix::from_weighted_classes(&actual, &predicted, &weights, 4).unwrap();
        let often = ConfusionMatrix::from_classes(&at(&actual), &at(&predicted), 4).unwrap();
        for (once, often) in of_a_confusion(&once).into_iter().zip(of_a_confusion(&often)) {
            match (once, often) {
                (Some(once), Some(often)) => prop_assert!(close(once, often), "{once} {often}"),
                (once, often) => prop_assert_eq!(once, often),
            }
        }
    }

    #[test]
    fn scores_of_a_confusion_matrix_stay_in_their_ranges(classes in prop::collection::vec((0..3_usize, 0..3_usize), 0..30)) {
        let (actual, predicted): (Vec<usize>, Vec<usize>) = classes.into_iter().unzip();
        let confusion = ConfusionMatrix::from_classes(&actual, &predicted, 3).unwrap();
        for value in of_a_confusion(&confusion).into_iter().flatten() {
            prop_assert!((-1.0..=1.0).contains(&value), "{value}");
        }
        // The correlation and κ do not ask which of the two is the truth.
        let swapped = ConfusionMatrix::from_classes(&predicted, &actual, 3).unwrap();
        let (one, other) = (confusion.matthews_correlation(), swapped.matthews_correlation());
        prop_assert_eq!(one.map(|x| (x * 1e12).round()), other.map(|x| (x * 1e12).round()));
        prop_assert_eq!(confusion.precision(1), swapped.recall(1));
    }

    /// With weights too, where scikit-learn takes none: one-vs-one is the mean over pairs, by pairs of
    /// examples.
    #[test]
    fn one_vs_one_is_the_mean_over_pairs_of_classes(
        logits in prop::collection::vec((0..5_i8, 0..5_i8, 0..5_i8, 1..4_u8), 3..25),
    ) {
        let m = logits.len();
        let actual: Vec<usize> = (0..m).map(|i| if i < 3 { i } else { (i * i + 1) % 3 }).collect();
        let a = Matrix::from_fn(3, m, |k, i| {
            let of = [logits[i].0, logits[i].1, logits[i].2].map(|z| f64::from(z).exp());
            of[k] / (of[0] + of[1] + of[2])
        });
        let weights: Vec<f64> = logits.iter().map(|example| f64::from(example.3)).collect();
        let y = mlp::one_hot::<f64>(&actual, 3).unwrap();
        let found = ClassProbabilities::weighted(&a, &y, &weights).unwrap();
        let pair = |j: usize, k: usize| {
            let of = |class: usize| {
                let members = (0..m).filter(|&i| [j, k].contains(&actual[i]));
                let is_one = |i: usize| f64::from(u8::from(actual[i] == class));
                area_by_pairs(&members.map(|i| (a[(class, i)], is_one(i), weights[i])).collect::<Vec<_>>())
            };
            (of(j) + of(k)) / 2.0
        };
        let weight = |class: usize| (0..m).filter(|&i| actual[i] == class).map(|i| weights[i]).sum::<f64>();
        let pairs = [(0, 1), (0, 2), (1, 2)];
        let mean = pairs.iter().map(|&(j, k)| pair(j, k)).sum::<f64>() / 3.0;
        prop_assert!((found.roc_auc_one_vs_one(Average::Macro).unwrap() - mean).abs() < 1e-13);
        let of_weights = pairs.iter().map(|&(j, k)| (weight(j) + weight(k)) * pair(j, k)).sum::<f64>();
        let mean = of_weights / (2.0 * weights.iter().sum::<f64>());
        prop_assert!((found.roc_auc_one_vs_one(Average::Weighted).unwrap() - mean).abs() < 1e-13);
    }
}

/// All metrics of probabilities of three classes.
fn all_metrics<T: Scalar>(a: &Matrix<T>, y: &Matrix<T>, weights: &[f64]) -> Vec<f64> {
    let found = ClassProbabilities::weighted(a, y, weights).unwrap();
    let mut values = vec![found.cross_entropy(), found.brier()];
    values.extend((1..=3).map(|k| found.top_k_accuracy(k).unwrap()));
    for average in [Average::Macro, Average::Micro, Average::Weighted] {
        values.push(found.roc_auc_one_vs_rest(average).unwrap());
    }
    values.push(found.roc_auc_one_vs_one(Average::Weighted).unwrap());
    values.push(found.calibration(4).unwrap().expected_error());
    values.push(found.calibration_of(1, 4).unwrap().largest_error());
    let found = Questions::weighted(a, y, weights).unwrap();
    values.extend([found.accuracy(), found.all_right(), found.log_loss()]);
    values.push(found.mean_f1(Average::Weighted).unwrap().unwrap());
    values.push(found.average_precision(Average::Micro).unwrap());
    let found = Quantities::weighted(a, y, weights).unwrap();
    values.extend([found.r_squared().unwrap(), found.mean_absolute_error(), found.mean_squared_error()]);
    values.extend([found.root_mean_squared_error(), found.quantile_loss(0.2).unwrap()]);
    let found = ConfusionMatrix::weighted(a, y, weights).unwrap();
    values.extend(of_a_confusion(&found).into_iter().map(|value| value.unwrap_or(-2.0)));
    values
}

/// Of `f32` they are what they are of the same numbers in `f64`: nothing is rounded on the way.
#[test]
fn single_precision_is_measured_in_double() {
    let a = Matrix::from_fn(3, 10, |k, i| {
        let of = |k: usize| ((k + 1) * (i + 1) % 7 + 1) as f32;
        of(k) / (of(0) + of(1) + of(2))
    });
    let y = mlp::one_hot::<f32>(&[0, 1, 2, 2, 1, 0, 1, 1, 2, 0], 3).unwrap();
    let weights: Vec<f64> = (1..11).map(f64::from).collect();
    let double = all_metrics(&a.cast::<f64>(), &y.cast(), &weights);
    assert_eq!(all_metrics(&a, &y, &weights), double);
}

fn of_a_confusion(confusion: &ConfusionMatrix) -> Vec<Option<f64>> {
    let averages = [Average::Macro, Average::Micro, Average::Weighted];
    let mut all = vec![confusion.accuracy(), confusion.balanced_accuracy(), confusion.matthews_correlation()];
    all.push(confusion.kappa(Disagreement::Quadratic).map(|kappa| kappa.max(-1.0)));
    for average in averages {
        all.push(confusion.mean_precision(average));
        all.push(confusion.mean_recall(average));
        all.push(confusion.mean_f1(average));
    }
    all
}

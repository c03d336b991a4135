//! `golden/metrics.json`, which `golden/metrics.py` made, is met to 1e-12.

use mlp::metrics::{
    Average, Calibration, ClassProbabilities, Disagreement, Quantities, Questions, Scores, accuracy,
    average_precision, log_loss, mean_absolute_error, quantile_loss, r_squared, roc_auc,
    root_mean_squared_error,
};
use mlp::{ConfusionMatrix, one_hot};
use serde_json::Value;
use tape::Matrix;

fn cases(name: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../golden/metrics.json")).unwrap();
    all[name].as_array().unwrap().clone()
}

/// The numbers of a list, of lists of lists too.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        value => vec![value.as_f64().unwrap()],
    }
}

/// Examples are columns here, and the elements of one stand together either way.
fn matrix(rows: usize, value: &Value) -> Matrix<f64> {
    let elements = numbers(value);
    Matrix::from_vec(rows, elements.len() / rows, elements).unwrap()
}

/// Weights, ones if there are none.
fn weights(case: &Value, m: usize) -> Vec<f64> {
    if case["weights"].is_null() { vec![1.0; m] } else { numbers(&case["weights"]) }
}

#[track_caller]
fn assert_close(found: f64, expected: &Value) {
    let expected = expected.as_f64().unwrap();
    let error = (found - expected).abs() / expected.abs().max(1.0);
    assert!(error < 1e-12, "{found} is {error:e} off {expected}");
}

#[track_caller]
fn assert_all_close(found: impl IntoIterator<Item = f64>, expected: &Value) {
    let found: Vec<f64> = found.into_iter().collect();
    let expected = expected.as_array().unwrap();
    assert_eq!(found.len(), expected.len());
    found.into_iter().zip(expected).for_each(|(found, expected)| assert_close(found, expected));
}

#[test]
fn two_classes() {
    for case in cases("binary") {
        let (a, y) = (matrix(1, &case["a"]), matrix(1, &case["y"]));
        let weights = weights(&case, a.columns());
        let scores = Scores::weighted(&a, &y, &weights).unwrap();
        assert_close(scores.roc_auc().unwrap(), &case["roc_auc"]);
        assert_close(scores.average_precision().unwrap(), &case["average_precision"]);
        curves(&scores, &case);
        let probabilities = ClassProbabilities::weighted(&a, &y, &weights).unwrap();
        assert_close(probabilities.cross_entropy(), &case["log_loss"]);
        assert_close(probabilities.brier(), &case["brier"]);
        let confusion = ConfusionMatrix::weighted(&a, &y, &weights).unwrap();
        assert_close(confusion.accuracy().unwrap(), &case["accuracy"]);
        assert_close(probabilities.top_k_accuracy(1).unwrap(), &case["accuracy"]);
        assert_close(confusion.balanced_accuracy().unwrap(), &case["balanced_accuracy"]);
        // What is 0/0 is 0 there.
        assert_close(confusion.precision(1).unwrap_or(0.0), &case["precision"]);
        assert_close(confusion.recall(1).unwrap(), &case["recall"]);
        assert_close(confusion.f1(1).unwrap(), &case["f1"]);
        assert_close(confusion.matthews_correlation().unwrap_or(0.0), &case["matthews"]);
        assert_close(confusion.kappa(Disagreement::Equal).unwrap(), &case["kappa"]);
        if case["weights"].is_null() {
            assert_close(roc_auc(&a, &y).unwrap(), &case["roc_auc"]);
            assert_close(average_precision(&a, &y).unwrap(), &case["average_precision"]);
            assert_close(log_loss(&a, &y).unwrap(), &case["log_loss"]);
            assert_close(accuracy(&a, &y).unwrap(), &case["accuracy"]);
            assert_eq!(Scores::new(&a, &y).unwrap().roc_curve(), scores.roc_curve());
        }
    }
}

fn curves(scores: &Scores, case: &Value) {
    let roc = scores.roc_curve().unwrap();
    let expected = &case["roc"];
    assert_eq!(roc[0].threshold, f64::INFINITY);
    assert_all_close(roc[1..].iter().map(|point| point.threshold), &expected["thresholds"]);
    assert_all_close(roc.iter().map(|point| point.false_positive_rate), &expected["fpr"]);
    assert_all_close(roc.iter().map(|point| point.true_positive_rate), &expected["tpr"]);
    let curve = scores.precision_recall_curve().unwrap();
    let expected = &case["precision_recall"];
    // scikit-learn keeps the scores of examples of weight 0 as thresholds here, at which nothing
    // changes.
    let thresholds = numbers(&expected["thresholds"]);
    let (precision, recall) = (numbers(&expected["precision"]), numbers(&expected["recall"]));
    assert_eq!((precision[0], recall[0]), (1.0, 0.0));
    assert_eq!((curve[0].precision, curve[0].recall), (1.0, 0.0));
    for point in &curve[1..] {
        let at = thresholds.iter().position(|&threshold| threshold == point.threshold).unwrap();
        assert!((point.precision - precision[at + 1]).abs() < 1e-12);
        assert!((point.recall - recall[at + 1]).abs() < 1e-12);
    }
}

#[test]
fn several_classes() {
    for case in cases("several") {
        let n = case["n"].as_u64().unwrap() as usize;
        let a = matrix(n, &case["a"]);
        let classes: Vec<usize> = numbers(&case["classes"]).iter().map(|&class| class as usize).collect();
        let y = one_hot(&classes, n).unwrap();
        let weights = weights(&case, a.columns());
        confusion(&ConfusionMatrix::weighted(&a, &y, &weights).unwrap(), &case);
        let probabilities = ClassProbabilities::weighted(&a, &y, &weights).unwrap();
        assert_close(probabilities.cross_entropy(), &case["cross_entropy"]);
        assert_close(probabilities.brier(), &case["brier"]);
        if !case["top_k"].is_null() {
            assert_all_close((1..n).map(|k| probabilities.top_k_accuracy(k).unwrap()), &case["top_k"]);
        }
        assert_close(probabilities.top_k_accuracy(n).unwrap(), &Value::from(1.0));
        for (average, name) in AVERAGES {
            let area = probabilities.roc_auc_one_vs_rest(average).unwrap();
            assert_close(area, &case["one_vs_rest"][name]);
        }
        let unweighted = ClassProbabilities::new(&a, &y).unwrap();
        for (average, name) in [AVERAGES[0], AVERAGES[2]] {
            assert_close(unweighted.roc_auc_one_vs_one(average).unwrap(), &case["one_vs_one"][name]);
        }
    }
}

const AVERAGES: [(Average, &str); 3] =
    [(Average::Macro, "macro"), (Average::Micro, "micro"), (Average::Weighted, "weighted")];

fn confusion(confusion: &ConfusionMatrix, case: &Value) {
    let n = confusion.classes();
    let found = (0..n * n).map(|at| confusion.weight(at / n, at % n));
    assert_all_close(found, &Value::from(numbers(&case["confusion"])));
    assert_close(confusion.accuracy().unwrap(), &case["accuracy"]);
    assert_close(confusion.balanced_accuracy().unwrap(), &case["balanced_accuracy"]);
    assert_close(confusion.matthews_correlation().unwrap_or(0.0), &case["matthews"]);
    for (average, name) in AVERAGES {
        let found = [
            confusion.mean_precision(average).unwrap(),
            confusion.mean_recall(average).unwrap(),
            confusion.mean_f1(average).unwrap(),
        ];
        assert_all_close(found, &case["averages"][name]);
    }
    for (disagreement, name) in [
        (Disagreement::Equal, "none"),
        (Disagreement::Linear, "linear"),
        (Disagreement::Quadratic, "quadratic"),
    ] {
        assert_close(confusion.kappa(disagreement).unwrap(), &case["kappa"][name]);
    }
}

#[test]
fn labels_that_are_shares() {
    for case in cases("soft") {
        let n = case["n"].as_u64().unwrap() as usize;
        let (a, y) = (matrix(n, &case["a"]), matrix(n, &case["y"]));
        let found = ClassProbabilities::weighted(&a, &y, &numbers(&case["weights"])).unwrap();
        assert_close(found.cross_entropy(), &case["cross_entropy"]);
        assert_close(found.brier(), &case["brier"]);
    }
}

#[test]
fn calibration() {
    for case in cases("calibration") {
        let (a, y) = (matrix(1, &case["a"]), matrix(1, &case["y"]));
        let bins = case["bins"].as_u64().unwrap() as usize;
        let found: Calibration = ClassProbabilities::new(&a, &y).unwrap().calibration(bins).unwrap();
        assert_eq!(found.bins().len(), bins);
        let filled: Vec<_> = found.bins().iter().filter(|bin| bin.examples > 0).collect();
        assert_all_close(filled.iter().map(|bin| bin.examples as f64), &case["counts"]);
        assert_all_close(filled.iter().filter_map(|bin| bin.predicted), &case["predicted"]);
        assert_all_close(filled.iter().filter_map(|bin| bin.observed), &case["observed"]);
        assert_close(found.expected_error(), &case["expected_error"]);
    }
}

#[test]
fn quantities() {
    for case in cases("quantities") {
        let rows = case["rows"].as_u64().unwrap() as usize;
        let (a, y) = (matrix(rows, &case["a"]), matrix(rows, &case["y"]));
        let found = Quantities::weighted(&a, &y, &weights(&case, a.columns())).unwrap();
        assert_close(found.r_squared().unwrap(), &case["r_squared"]);
        assert_all_close(found.r_squared_of_each().unwrap(), &case["r_squared_of_each"]);
        assert_close(found.mean_absolute_error(), &case["mean_absolute_error"]);
        assert_close(found.mean_squared_error(), &case["mean_squared_error"]);
        assert_close(found.root_mean_squared_error(), &case["root_mean_squared_error"]);
        for row in case["quantile_loss"].as_array().unwrap() {
            let alpha = row[0].as_f64().unwrap();
            assert_close(found.quantile_loss(alpha).unwrap(), &row[1]);
            if case["weights"].is_null() {
                assert_close(quantile_loss(&a, &y, alpha).unwrap(), &row[1]);
            }
        }
        if case["weights"].is_null() {
            assert_close(r_squared(&a, &y).unwrap(), &case["r_squared"]);
            assert_close(mean_absolute_error(&a, &y).unwrap(), &case["mean_absolute_error"]);
            assert_close(root_mean_squared_error(&a, &y).unwrap(), &case["root_mean_squared_error"]);
        }
    }
}

#[test]
fn several_questions() {
    for case in cases("questions") {
        let n = case["n"].as_u64().unwrap() as usize;
        let (a, y) = (matrix(n, &case["a"]), matrix(n, &case["y"]));
        let found = Questions::weighted(&a, &y, &weights(&case, a.columns())).unwrap();
        assert_close(found.accuracy(), &case["accuracy"]);
        assert_close(found.all_right(), &case["all_right"]);
        assert_close(found.log_loss(), &case["log_loss"]);
        for (average, name) in AVERAGES {
            let shares = [
                found.mean_precision(average).unwrap().unwrap(),
                found.mean_recall(average).unwrap().unwrap(),
                found.mean_f1(average).unwrap().unwrap(),
            ];
            assert_all_close(shares, &case["averages"][name]);
            assert_close(found.roc_auc(average).unwrap(), &case["roc_auc"][name]);
            assert_close(found.average_precision(average).unwrap(), &case["average_precision"][name]);
        }
    }
}

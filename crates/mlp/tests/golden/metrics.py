"""Makes metrics.json: what scikit-learn, numpy and scipy give for the cases in it.

    pip install scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
    python crates/mlp/tests/golden/metrics.py

An example is a row here, and a column there.
"""

import json
import pathlib
import warnings

import numpy as np
import scipy.stats
import sklearn
from sklearn import metrics as sk

warnings.filterwarnings("error")
rng = np.random.default_rng(20240607)


def numbers(values):
    return np.asarray(values, dtype=np.float64).tolist()


def binary(m, ties, weighted):
    """Scores and labels of two classes; with ties, scores are few."""
    y = (rng.random(m) < 0.4).astype(int)
    y[:2] = [0, 1]
    a = np.clip(0.25 * y + 0.75 * rng.random(m), 0.001, 0.999)
    if ties:
        a = np.round(a * 8) / 8
    # Scores at 0 or 1 are another matter for the log-loss, which is clipped there by scikit-learn.
    a = np.clip(a, 0.0625, 0.9375)
    w = np.round(rng.random(m) * 3, 2) if weighted else np.ones(m)
    p = (a > 0.5).astype(int)
    fpr, tpr, roc_at = sk.roc_curve(y, a, sample_weight=w, drop_intermediate=False)
    precision, recall, pr_at = sk.precision_recall_curve(y, a, sample_weight=w)
    keep = w > 0
    return {
        "a": numbers(a), "y": numbers(y), "weights": numbers(w) if weighted else None,
        "roc_auc": sk.roc_auc_score(y, a, sample_weight=w),
        "average_precision": sk.average_precision_score(y, a, sample_weight=w),
        # The first threshold is ∞, which JSON has no word for.
        "roc": {"fpr": numbers(fpr), "tpr": numbers(tpr), "thresholds": numbers(roc_at[1:])},
        "precision_recall": {"precision": numbers(precision[::-1]), "recall": numbers(recall[::-1]),
                             "thresholds": numbers(pr_at[::-1])},
        "log_loss": sk.log_loss(y, a, sample_weight=w),
        "brier": sk.brier_score_loss(y, a, sample_weight=w),
        "accuracy": sk.accuracy_score(y, p, sample_weight=w),
        "balanced_accuracy": sk.balanced_accuracy_score(y, p, sample_weight=w),
        "precision": sk.precision_score(y, p, sample_weight=w, zero_division=0),
        "recall": sk.recall_score(y, p, sample_weight=w, zero_division=0),
        "f1": sk.f1_score(y, p, sample_weight=w, zero_division=0),
        "matthews": sk.matthews_corrcoef(y, p, sample_weight=w),
        "kappa": sk.cohen_kappa_score(y, p, sample_weight=w),
        "kept": int(keep.sum()),
    }


def several(m, n, weighted, grid):
    """Probabilities of n classes, all of which occur; on a grid, some are equal."""
    y = rng.integers(0, n, m)
    y[:n] = range(n)
    logits = rng.normal(size=(m, n)) + 1.5 * np.eye(n)[y] * rng.random((m, 1))
    if grid:
        logits = np.round(logits)
    a = np.exp(logits)
    a /= a.sum(axis=1, keepdims=True)
    w = np.round(rng.random(m) * 3 + 0.01, 2) if weighted else np.ones(m)
    p = a.argmax(axis=1)
    labels = list(range(n))
    averages = {}
    for average in ["macro", "micro", "weighted"]:
        precision, recall, f1, _ = sk.precision_recall_fscore_support(
            y, p, labels=labels, average=average, sample_weight=w, zero_division=0)
        averages[average] = [precision, recall, f1]
    case = {
        "n": n, "a": numbers(a), "classes": y.tolist(), "weights": numbers(w) if weighted else None,
        "confusion": numbers(sk.confusion_matrix(y, p, labels=labels, sample_weight=w)),
        "accuracy": sk.accuracy_score(y, p, sample_weight=w),
        "balanced_accuracy": sk.balanced_accuracy_score(y, p, sample_weight=w),
        "averages": averages,
        "kappa": {str(weights).lower(): sk.cohen_kappa_score(y, p, labels=labels, weights=weights, sample_weight=w)
                  for weights in [None, "linear", "quadratic"]},
        "matthews": sk.matthews_corrcoef(y, p, sample_weight=w),
        "cross_entropy": sk.log_loss(y, a, labels=labels, sample_weight=w),
        "brier": sk.brier_score_loss(y, a, labels=labels, sample_weight=w),
        # Equal probabilities are taken from behind there, and from the front here.
        "top_k": None if grid else
                 [sk.top_k_accuracy_score(y, a, k=k, labels=labels, sample_weight=w) for k in range(1, n)],
        "one_vs_rest": {average: sk.roc_auc_score(y, a, multi_class="ovr", average=average, labels=labels,
                                                  sample_weight=w)
                        for average in ["macro", "micro", "weighted"]},
        # Without weights of examples: scikit-learn takes none.
        "one_vs_one": {average: sk.roc_auc_score(y, a, multi_class="ovo", average=average, labels=labels)
                       for average in ["macro", "weighted"]},
    }
    return case


def soft(m, n):
    """Labels that are shares: the formulas, written out."""
    y = rng.dirichlet(np.ones(n), m)
    a = rng.dirichlet(np.ones(n) * 2, m)
    w = rng.random(m)
    return {
        "n": n, "a": numbers(a), "y": numbers(y), "weights": numbers(w),
        "cross_entropy": float(np.average(-(y * np.log(a)).sum(axis=1), weights=w)),
        "brier": float(np.average(((a - y) ** 2).sum(axis=1), weights=w)),
    }


def questions(m, n, weighted):
    """Several labels of an example; the last question is never answered with yes."""
    y = (rng.random((m, n)) < 0.4).astype(int)
    y[:2] = [[0] * n, [1] * n]
    a = np.clip(0.25 * y + 0.7 * rng.random((m, n)), 0.01, 0.99)
    a[:, -1] *= 0.5
    w = np.round(rng.random(m) * 3 + 0.01, 2) if weighted else np.ones(m)
    p = (a > 0.5).astype(int)
    averages = {}
    for average in ["macro", "micro", "weighted"]:
        precision, recall, f1, _ = sk.precision_recall_fscore_support(
            y, p, average=average, sample_weight=w, zero_division=0)
        averages[average] = [precision, recall, f1]
    return {
        "n": n, "a": numbers(a), "y": numbers(y), "weights": numbers(w) if weighted else None,
        "all_right": sk.accuracy_score(y, p, sample_weight=w),
        "accuracy": float(np.average((y == p).mean(axis=1), weights=w)),
        "log_loss": sum(sk.log_loss(y[:, k], a[:, k], sample_weight=w) for k in range(n)),
        "averages": averages,
        "roc_auc": {average: sk.roc_auc_score(y, a, average=average, sample_weight=w) for average in averages},
        "average_precision": {average: sk.average_precision_score(y, a, average=average, sample_weight=w)
                              for average in averages},
    }


def calibration(m, bins):
    """scikit-learn's curve, and the error that follows from its bins."""
    from sklearn.calibration import calibration_curve
    a = rng.random(m)
    y = (rng.random(m) < a ** 1.5).astype(int)
    true, predicted = calibration_curve(y, a, n_bins=bins, strategy="uniform")
    counts, _ = np.histogram(a, bins=np.linspace(0, 1, bins + 1))
    counts = counts[counts > 0]
    return {
        "a": numbers(a), "y": numbers(y), "bins": bins,
        "observed": numbers(true), "predicted": numbers(predicted), "counts": counts.tolist(),
        "expected_error": float(np.average(np.abs(true - predicted), weights=counts)),
    }


def quantities(m, rows, weighted, far):
    y = rng.normal(size=(m, rows)) * 3 + far
    a = y + rng.normal(size=(m, rows))
    w = np.round(rng.random(m) * 3 + 0.01, 2) if weighted else np.ones(m)
    return {
        "rows": rows, "a": numbers(a), "y": numbers(y), "weights": numbers(w) if weighted else None,
        "r_squared": sk.r2_score(y, a, sample_weight=w),
        "r_squared_of_each": numbers(sk.r2_score(y, a, sample_weight=w, multioutput="raw_values")),
        "mean_absolute_error": sk.mean_absolute_error(y, a, sample_weight=w),
        "mean_squared_error": sk.mean_squared_error(y, a, sample_weight=w),
        "root_mean_squared_error": sk.root_mean_squared_error(y, a, sample_weight=w),
        "quantile_loss": [[alpha, sk.mean_pinball_loss(y, a, sample_weight=w, alpha=alpha)]
                          for alpha in [0.0, 0.1, 0.5, 0.9, 1.0]],
    }


def bootstrap(m, replicates, level):
    """scipy's intervals of the mean, of its own resamples' means."""
    data = rng.exponential(size=m)
    found = {}
    for method in ["percentile", "BCa"]:
        result = scipy.stats.bootstrap((data,), np.mean, n_resamples=replicates, confidence_level=level,
                                       method=method, rng=np.random.default_rng(7))
        found[method.lower()] = numbers(result.confidence_interval)
        distribution = result.bootstrap_distribution
    return {
        "data": numbers(data), "level": level, "replicates": numbers(distribution),
        "standard_error": float(result.standard_error),
        "jackknife": numbers([np.delete(data, i).mean() for i in range(m)]), **found,
    }


cases = {
    "made_by": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, scipy {scipy.__version__}",
    "binary": [binary(m, ties, weighted) for m in [2, 3, 37] for ties in [False, True] for weighted in [False, True]
               if m > 3 or not weighted],
    "several": [several(m, n, weighted, grid)
                for m, n in [(3, 3), (40, 3), (61, 5)] for weighted in [False, True] for grid in [False, True]],
    "soft": [soft(m, n) for m, n in [(1, 2), (20, 4)]],
    "calibration": [calibration(m, bins) for m, bins in [(1, 10), (50, 5), (200, 10)]],
    "quantities": [quantities(m, rows, weighted, far)
                   for m, rows, far in [(2, 1, 0), (30, 1, 0), (31, 3, 1000)] for weighted in [False, True]],
    "questions": [questions(m, n, weighted) for m, n in [(2, 2), (33, 4)] for weighted in [False, True]],
    "bootstrap": [bootstrap(m, replicates, level) for m, replicates, level in [(12, 99, 0.95), (25, 200, 0.9)]],
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(cases, allow_nan=False, indent=None) + "\n")

//! Curves: losses, norms, ROC, precision–recall, calibration.

use super::axis::{Axis, number, share};
use super::html::{details, note, paragraph, table};
use super::plot::{Format, Look, Plot, Series};
use crate::metrics::{Calibration, Scores};
use crate::{Error, History};

/// The losses of every epoch.
pub(super) fn training(history: &History) -> String {
    let Some(last) = history.last() else { return paragraph("No epoch was run.") };
    let epochs = history.epochs();
    let training: Vec<f64> = epochs.iter().map(|losses| losses.training).collect();
    let validation: Vec<f64> = epochs.iter().map(|losses| losses.validation.unwrap_or(f64::NAN)).collect();
    let has_validation = epochs.iter().any(|losses| losses.validation.is_some());

    let mut description = format!(
        "Training J is {} after epoch 0 and {} after epoch {}",
        number(training[0]),
        number(last.training),
        epochs.len() - 1
    );
    if let Some(validation) = last.validation {
        description += &format!("; validation J is {} in the end", number(validation));
    }
    if let Some(best) = history.best() {
        description +=
            &format!("; the lowest deciding loss is {}, of epoch {best}", number(epochs[best].deciding()));
    }
    let mut series = vec![curve("training", &training)];
    if has_validation {
        series.push(curve("validation", &validation));
    }
    let mut html = over_time("Loss by epoch", &(description + "."), ("epoch", "J"), series);
    html += &left_out("training", training.into_iter().enumerate());
    let given = epochs.iter().enumerate().filter_map(|(k, losses)| Some((k, losses.validation?)));
    html += &left_out("validation", given);
    html + &details("The losses as numbers", &losses_table(history))
}

/// Some of the epochs: the first, the last, the best, and those between them evenly.
fn losses_table(history: &History) -> String {
    const ABOUT: usize = 12;
    let last = history.len() - 1;
    let mut shown: Vec<usize> = (0..=ABOUT).map(|k| last / ABOUT * k + last % ABOUT * k / ABOUT).collect();
    shown.extend(history.best());
    shown.sort_unstable();
    shown.dedup();
    let row = |&epoch: &usize| {
        let losses = history.epochs()[epoch];
        let validation = losses.validation.map_or_else(|| share(None), number);
        vec![epoch.to_string(), number(losses.training), validation]
    };
    let rows: Vec<_> = shown.iter().map(row).collect();
    let caption = format!("J after {} of {} epochs", shown.len(), history.len());
    table(&caption, &["epoch", "training", "validation"], &rows)
}

fn curve(name: &str, values: &[f64]) -> Series {
    let points = values.iter().enumerate().map(|(k, value)| (k as f64, *value)).collect();
    Series { name: name.to_owned(), points, look: Look::Line }
}

/// Values one after the other, from number 0.
fn over_time(title: &str, description: &str, (x, y): (&str, &str), series: Vec<Series>) -> String {
    let longest = series.iter().map(|series| series.points.len()).max().unwrap_or(0);
    let values = series.iter().flat_map(|series| series.points.iter().map(|point| point.1));
    let plot = Plot {
        title: title.to_owned(),
        description: description.to_owned(),
        format: Format::Wide,
        x: Axis::counting(x, longest),
        y: Axis::over(y, values),
        series,
        diagonal: None,
    };
    plot.to_html()
}

/// A note on values that have no place in the figure.
fn left_out(what: &str, values: impl Iterator<Item = (usize, f64)>) -> String {
    const MOST: usize = 10;
    let (mut all, mut bad, mut shown) = (0, 0, Vec::new());
    for (k, _) in values.inspect(|_| all += 1).filter(|(_, value)| !value.is_finite()) {
        bad += 1;
        if shown.len() < MOST {
            shown.push(k.to_string());
        }
    }
    if bad == 0 {
        return String::new();
    }
    let (shown, more) = (shown.join(", "), if bad > MOST { ", …" } else { "" });
    note(&format!("{bad} of {all} values of {what} are NaN or ∞, and left out: number {shown}{more}."))
}

/// Norms of gradients.
pub(super) fn gradient_norms(after: &str, norms: &[(String, Vec<f64>)]) -> String {
    if norms.iter().all(|(_, values)| values.is_empty()) {
        return paragraph("No norm was given.");
    }
    let ends = norms.iter().map(|(name, values)| {
        let of = |value: Option<&f64>| value.map_or_else(|| share(None), |value| number(*value));
        let largest = values.iter().copied().filter(|value| value.is_finite()).max_by(f64::total_cmp);
        vec![name.clone(), of(values.first()), of(values.last()), of(largest.as_ref())]
    });
    let ends: Vec<_> = ends.collect();
    let description = format!("‖∂J/∂·‖ of {} parameters, after each {after}.", norms.len());
    let series = norms.iter().map(|(name, values)| curve(name, values)).collect();
    let mut html = over_time("Norms of the gradients", &description, (after, "‖∂J/∂·‖"), series);
    for (name, values) in norms {
        html += &left_out(name, values.iter().copied().enumerate());
    }
    html + &details("The norms as numbers", &table("Norms", &["of", "first", "last", "largest"], &ends))
}

/// ROC and precision–recall.
pub(super) fn scores(scores: &Scores) -> String {
    let roc = scores.roc_curve().and_then(|points| Ok((points, scores.roc_auc()?)));
    let precision_recall =
        scores.precision_recall_curve().and_then(|points| Ok((points, scores.average_precision()?)));
    let mut figures = String::new();
    let mut notes = String::new();
    match roc {
        Ok((points, area)) => {
            let points = points.iter().map(|p| (p.false_positive_rate, p.true_positive_rate)).collect();
            let description =
                format!("The area below it is {area:.4}; of chance it is 0.5, along the dotted line.");
            let labels = ("share of zeros taken for ones", "share of ones taken for ones");
            let mut plot = unit_square("ROC", &description, labels, points);
            plot.diagonal = Some("chance");
            figures += &plot.to_html();
        }
        Err(error) => notes += &undefined("ROC curve", &error),
    }
    match precision_recall {
        Ok((points, area)) => {
            let points = points.iter().map(|p| (p.recall, p.precision)).collect();
            let description = format!("The average precision is {area:.4}.");
            figures +=
                &unit_square("Precision–recall", &description, ("recall", "precision"), points).to_html();
        }
        Err(error) => notes += &undefined("precision–recall curve", &error),
    }
    format!("<div class=\"pair\">\n{figures}</div>\n{notes}")
}

fn undefined(what: &str, error: &Error) -> String {
    note(&format!("there is no {what}: {error}."))
}

fn unit_square(title: &str, description: &str, (x, y): (&str, &str), points: Vec<(f64, f64)>) -> Plot {
    Plot {
        title: title.to_owned(),
        description: description.to_owned(),
        format: Format::Square,
        x: Axis::between(x, 0.0, 1.0),
        y: Axis::between(y, 0.0, 1.0),
        series: vec![Series { name: title.to_owned(), points, look: Look::Line }],
        diagonal: None,
    }
}

/// The reliability diagram, with a table of its bins.
pub(super) fn calibration(calibration: &Calibration) -> String {
    let bins = calibration.bins().iter();
    let known = bins.filter_map(|bin| Some((bin.predicted?, bin.observed?, bin.share, bin)));
    let known: Vec<_> = known.collect();
    let radii = known.iter().map(|(.., share, _)| 2.5 + 7.0 * share.sqrt()).collect();
    let description = format!(
        "Expected calibration error {:.4}, largest {:.4}. A mark is a bin, larger with more examples; on the dotted \
         line what is said to be likely is as likely.",
        calibration.expected_error(),
        calibration.largest_error()
    );
    let points = known.iter().map(|(predicted, observed, ..)| (*predicted, *observed)).collect();
    let labels = ("mean predicted probability", "share that came true");
    let mut plot = unit_square("Calibration", &description, labels, points);
    plot.series[0].look = Look::Marks(radii);
    plot.diagonal = Some("perfect calibration");
    let rows = known.iter().map(|(predicted, observed, _, bin)| {
        let bounds = format!("{:.3} – {:.3}", bin.low, bin.high);
        vec![bounds, bin.examples.to_string(), format!("{predicted:.4}"), format!("{observed:.4}")]
    });
    let columns = ["predicted", "examples", "mean", "came true"];
    let table = table("Bins with examples", &columns, &rows.collect::<Vec<_>>());
    plot.to_html() + &table
}

//! The confusion matrix as a table, with what follows from it.

use super::axis::{number, share};
use super::html::{escape, escape_short, paragraph, table};
use crate::ConfusionMatrix;
use crate::metrics::Average;

/// Up to so many classes the whole matrix is shown.
const MOST_CLASSES: usize = 30;
const MOST_PAIRS: usize = 20;

pub(super) fn classes(confusion: &ConfusionMatrix) -> String {
    if confusion.total() == 0 {
        return paragraph("There are no examples.");
    }
    let mut html = summary(confusion);
    if confusion.classes() <= MOST_CLASSES {
        html += &matrix(confusion);
        html += &each_class(confusion);
    } else {
        html += &largest_confusions(confusion);
    }
    html
}

fn summary(confusion: &ConfusionMatrix) -> String {
    let rows = [
        ("examples", confusion.total().to_string()),
        ("accuracy", share(confusion.accuracy())),
        ("balanced accuracy", share(confusion.balanced_accuracy())),
        ("F1, mean of the classes", share(confusion.mean_f1(Average::Macro))),
        ("Matthews correlation", share(confusion.matthews_correlation())),
    ];
    let rows: Vec<_> = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    table("All classes together", &["metric", "value"], &rows)
}

/// Counts and shares of the actual class; the shade is the share, and what is right has a frame.
fn matrix(confusion: &ConfusionMatrix) -> String {
    let names = confusion.names();
    let mut html = "<div class=\"wide\"><table class=\"matrix\">\n<caption>Examples by actual class (rows) and \
                    predicted class (columns), with the share of the row; what is right has a frame</caption>\n\
                    <thead><tr><th scope=\"col\">actual \\ predicted</th>"
        .to_owned();
    for name in names {
        html += &format!("<th scope=\"col\" class=\"number\">{}</th>", escape_short(name, 24));
    }
    html += "</tr></thead>\n<tbody>\n";
    for (actual, name) in names.iter().enumerate() {
        html += &format!("<tr><th scope=\"row\">{}</th>", escape(name));
        let of_class: f64 = (0..names.len()).map(|predicted| confusion.weight(actual, predicted)).sum();
        for predicted in 0..names.len() {
            let (weight, count) = (confusion.weight(actual, predicted), confusion.count(actual, predicted));
            let share = if of_class > 0.0 { weight / of_class } else { 0.0 };
            let class = if actual == predicted { " class=\"right\"" } else { "" };
            // Of weighted examples, both: how many, and what they weigh.
            let weighs =
                if weight == count as f64 { String::new() } else { format!(", weight {}", number(weight)) };
            if count == 0 {
                html += &format!("<td{class}>0</td>");
                continue;
            }
            let text = format!("{count}<small>{:.1} %{weighs}</small>", 100.0 * share);
            html += &format!("<td{class} style=\"--share:{share:.3}\">{text}</td>");
        }
        html += "</tr>\n";
    }
    html + "</tbody>\n</table></div>\n"
}

fn each_class(confusion: &ConfusionMatrix) -> String {
    let row = |class: usize| {
        let examples: usize = (0..confusion.classes()).map(|k| confusion.count(class, k)).sum();
        let [precision, recall, f1] =
            [confusion.precision(class), confusion.recall(class), confusion.f1(class)].map(share);
        vec![confusion.names()[class].clone(), examples.to_string(), precision, recall, f1]
    };
    let rows: Vec<_> = (0..confusion.classes()).map(row).collect();
    table("Each class", &["class", "examples", "precision", "recall", "F1"], &rows)
}

fn largest_confusions(confusion: &ConfusionMatrix) -> String {
    let n = confusion.classes();
    let pairs = (0..n).flat_map(|actual| (0..n).map(move |predicted| (actual, predicted)));
    let mut wrong: Vec<(usize, usize, usize)> = pairs
        .filter(|(actual, predicted)| actual != predicted)
        .map(|(actual, predicted)| (confusion.count(actual, predicted), actual, predicted))
        .filter(|(count, ..)| *count > 0)
        .collect();
    wrong.sort_by_key(|&(count, actual, predicted)| (std::cmp::Reverse(count), actual, predicted));
    wrong.truncate(MOST_PAIRS);
    let name = |class: usize| confusion.names()[class].clone();
    let row = |&(count, actual, predicted): &(usize, usize, usize)| {
        vec![name(actual), name(predicted), count.to_string()]
    };
    let rows: Vec<_> = wrong.iter().map(row).collect();
    let caption = format!("The {} largest confusions of {n} classes", rows.len());
    table(&caption, &["actual", "taken for", "examples"], &rows)
}

//! Weights as images.

use tape::Matrix;

use super::axis::number;
use super::cells::{Sign, cells, largest};
use super::html::{escape, note, table};
use super::plot::figure;
use crate::Scalar;
use crate::sum::sum;

/// W and b of a layer.
pub(super) struct Weights {
    layer: usize,
    rows: usize,
    columns: usize,
    /// Column by column.
    w: Vec<f64>,
    b: Vec<f64>,
}

/// An image has at most so many cells, and a page so many pictures.
const MOST_CELLS: usize = 40_000;
const MOST_PICTURES: usize = 64;
/// Pictures of fewer pixels a side show nothing.
const LEAST_SIDE: usize = 4;
/// The width of the cells of an image.
const WIDTH: f64 = 600.0;

impl Weights {
    pub(super) fn new<T: Scalar>(layer: usize, w: &Matrix<T>, b: &Matrix<T>) -> Weights {
        let in_f64 = |matrix: &Matrix<T>| matrix.iter().map(|value| value.to_f64()).collect();
        Weights { layer, rows: w.rows(), columns: w.columns(), w: in_f64(w), b: in_f64(b) }
    }

    fn at(&self, neuron: usize, input: usize) -> f64 {
        self.w[input * self.rows + neuron]
    }

    /// How many pixels a side has, if the inputs can be those of a square picture.
    fn side(&self) -> Option<usize> {
        let side = self.columns.isqrt();
        (side >= LEAST_SIDE && side * side == self.columns && self.columns <= MOST_CELLS).then_some(side)
    }
}

pub(super) fn weights(layers: &[Weights]) -> String {
    let mut html = summary(layers);
    for layer in layers {
        let largest = largest(&layer.w);
        html += &match layer.side() {
            Some(side) if layer.layer == 1 => pictures(layer, side, largest),
            Some(_) | None => heat_map(layer, largest),
        };
        let bad = layer.w.iter().filter(|value| !value.is_finite()).count();
        if bad > 0 {
            let (all, l) = (layer.w.len(), layer.layer);
            html += &note(&format!("{bad} of {all} elements of W[{l}] are NaN or ∞, and left out."));
        }
    }
    html
}

fn summary(layers: &[Weights]) -> String {
    let norm = |values: &[f64]| {
        if values.iter().any(|value| !value.is_finite()) {
            return f64::NAN;
        }
        // Of quotients, so that no square is ∞ or 0.
        let most = largest(values);
        let scaled = |k: usize| (values[k] / most).powi(2);
        if most == 0.0 { 0.0 } else { most * sum(0..values.len(), &scaled).sqrt() }
    };
    let row = |layer: &Weights| {
        let end = |of: fn(f64, f64) -> f64| {
            layer.w.iter().copied().reduce(of).map_or_else(|| super::html::NOTHING.to_owned(), number)
        };
        let (l, shape) = (layer.layer, format!("{} × {}", layer.rows, layer.columns));
        vec![
            format!("W[{l}]"),
            shape,
            end(f64::min),
            end(f64::max),
            number(norm(&layer.w)),
            number(norm(&layer.b)),
        ]
    };
    let columns = ["weights", "shape", "smallest", "largest", "‖W‖", "‖b‖"];
    table("Weights and biases of each layer", &columns, &layers.iter().map(row).collect::<Vec<_>>())
}

const SIGNS: &str = "Full cells are above 0, striped ones below; the stronger the colour, the larger";

/// A row for each neuron, a column for each input.
fn heat_map(layer: &Weights, largest: f64) -> String {
    let Weights { layer: l, rows, columns, .. } = *layer;
    // Of a matrix with too many cells, the first ones.
    let shown_columns = columns.min(MOST_CELLS / 40);
    let shown_rows = rows.min((MOST_CELLS / shown_columns.max(1)).max(1)).min(400);
    let side = (WIDTH / shown_columns.max(1) as f64).min(if shown_columns <= 10 { 52.0 } else { 26.0 });
    let tall = side.min(28.0);
    // Where the values are written, the cells are pale.
    let (sign, opacity) = if side >= 48.0 { (Sign::Written, 0.5) } else { (Sign::Stripes, 1.0) };
    let title = format!("W[{l}], {rows} × {columns}");
    let signs = match sign {
        Sign::Stripes => SIGNS,
        Sign::Written => "The stronger the colour, the larger",
    };
    let mut description =
        format!("A row is a neuron, a column an input. {signs}; the largest size is {}.", number(largest));
    if (shown_rows, shown_columns) != (rows, columns) {
        description += &format!(" The first {shown_rows} rows and {shown_columns} columns are shown.");
    }
    let (left, top) = (44.0, 22.0);
    let (width, height) = (side * shown_columns as f64, tall * shown_rows as f64);
    let mut inside = format!(
        "<g opacity=\"{opacity}\" transform=\"translate({left} {top}) scale({side:.4} {tall:.4})\">\n"
    );
    inside += &cells((shown_rows, shown_columns), largest, sign, |row, column| layer.at(row, column));
    inside += "</g>\n";
    inside += &format!(
        "<rect class=\"frame\" x=\"{left}\" y=\"{top}\" width=\"{width:.1}\" height=\"{height:.1}\"/>\n"
    );
    inside += &numbers_beside(shown_columns, side, |place, text| {
        format!("<text x=\"{:.1}\" y=\"{}\" class=\"middle\">{text}</text>", left + place, top - 7.0)
    });
    inside += &numbers_beside(shown_rows, tall, |place, text| {
        format!("<text x=\"{}\" y=\"{:.1}\" class=\"end\">{text}</text>", left - 7.0, top + place + 4.0)
    });
    if sign == Sign::Written {
        for (row, column) in (0..shown_rows).flat_map(|row| (0..shown_columns).map(move |k| (row, k))) {
            let (x, y) = (left + side * (column as f64 + 0.5), top + tall * (row as f64 + 0.5) + 4.0);
            let text = written(layer.at(row, column), largest);
            inside += &format!("<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"middle\">{text}</text>");
        }
    }
    figure(&title, &description, (left + width + 12.0, top + height + 8.0), &inside)
}

/// A value as it fits into a cell, beside others of this size.
fn written(value: f64, largest: f64) -> String {
    match value.is_finite() {
        true if (0.1..1000.0).contains(&largest) => format!("{value:.2}"),
        true => format!("{value:.0e}"),
        false => number(value),
    }
}

/// The numbers of rows or columns, as many as there is room for.
fn numbers_beside(n: usize, side: f64, write: impl Fn(f64, usize) -> String) -> String {
    let room = if side >= 22.0 { 1 } else { (24.0 / side).ceil() as usize };
    // Every 1, 2, 5, 10, ….
    let steps = [1, 2, 5, 10, 20, 50, 100, 200, 500];
    let every = steps.into_iter().find(|step| *step >= room).unwrap_or(1000);
    (0..n).step_by(every).map(|k| write(side * (k as f64 + 0.5), k)).collect::<String>() + "\n"
}

/// A picture for each neuron, all with the same shades.
fn pictures(layer: &Weights, side: usize, largest: f64) -> String {
    let shown = layer.rows.min(MOST_PICTURES).min((4 * MOST_CELLS / (side * side)).max(1));
    let mut about = format!(
        "W[1] as pictures of {side} × {side}, one for each neuron, feature k at row k div {side} and column k mod {side}. \
         {SIGNS}; the largest size of all is {}.",
        number(largest)
    );
    if shown < layer.rows {
        about += &format!(" The first {shown} of {} neurons are shown.", layer.rows);
    }
    let mut html = format!("<p>{}</p>\n<div class=\"pictures\">\n", escape(&about));
    for neuron in 0..shown {
        let inside =
            cells((side, side), largest, Sign::Stripes, |row, column| layer.at(neuron, row * side + column));
        html += &format!(
            "<figure><svg viewBox=\"-.5 -.5 {0} {0}\" role=\"img\" aria-label=\"Weights of neuron {neuron}\">\
             <title>Weights of neuron {neuron}</title>\n{inside}\
             <rect class=\"frame\" x=\"0\" y=\"0\" width=\"{side}\" height=\"{side}\" stroke-width=\"{1:.2}\"/></svg>\
             <figcaption>neuron {neuron}</figcaption></figure>\n",
            side + 1,
            side as f64 / 100.0
        );
    }
    html + "</div>\n"
}

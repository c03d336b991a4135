//! Where a network of two features decides for which class.

use tape::Matrix;

use super::axis::Axis;
use super::html::{escape, paragraph};
use super::plot::{COLOURS, figure};
use crate::{Error, Mlp, Result, Scalar, check_finite, classes};

/// Points a side at which the network is asked.
const SIDE: usize = 200;
/// More examples than this hide each other.
const MOST_EXAMPLES: usize = 2000;
/// The sides of the frame.
const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 60.0;
const TOP: f64 = 12.0;
const MOST_NAMED: usize = 12;

pub(super) fn boundary<T: Scalar>(network: &Mlp<T>, x: &Matrix<T>, y: &Matrix<T>) -> Result<String> {
    let m = x.columns();
    if x.rows() != 2 {
        return Err(Error::Shape { matrix: "X".to_owned(), expected: (2, m), found: x.shape() });
    }
    network.check_x(x)?;
    network.check_y(y, m)?;
    if m == 0 {
        return Err(Error::NoExamples { what: "decision boundary" });
    }
    check_finite("X", x)?;
    let feature = |k: usize| (0..m).map(move |column| x[(k, column)].to_f64());
    let axes = [Axis::around("feature 0", feature(0)), Axis::around("feature 1", feature(1))];
    // The middles of the cells, row by row from the top.
    let middle = |k: usize| (k as f64 + 0.5) / SIDE as f64;
    let asked = Matrix::from_fn(2, SIDE * SIDE, |row, k| {
        let place = if row == 0 { middle(k % SIDE) } else { 1.0 - middle(k / SIDE) };
        T::from_f64(axes[row].value(place))
    });
    let region = network.predict_classes(&asked)?;
    let predicted = network.predict_classes(x)?;
    let actual = classes(y)?;
    let examples = (0..m).map(|column| {
        let [across, up] = [0, 1].map(|k| axes[k].place(x[(k, column)].to_f64()));
        Example { across, up, class: actual[column], is_right: predicted[column] == actual[column] }
    });
    let n = y.rows().max(2);
    Ok(draw(&axes, &region, &examples.collect::<Vec<_>>(), n))
}

/// An example in the unit square.
struct Example {
    across: f64,
    up: f64,
    class: usize,
    is_right: bool,
}

fn draw(axes: &[Axis; 2], region: &[usize], examples: &[Example], n: usize) -> String {
    let cell = (WIDTH / SIDE as f64, HEIGHT / SIDE as f64);
    let mut inside = format!("<g transform=\"translate({LEFT} {TOP}) scale({} {})\">\n", cell.0, cell.1);
    for class in 0..n {
        let path = region_of(region, class);
        if !path.is_empty() {
            inside += &format!("<path class=\"region c{}\" d=\"{path}\"/>\n", class % COLOURS);
        }
    }
    inside += "</g>\n";
    inside += &format!("<path class=\"edge\" d=\"{}\"/>\n", edges(region, cell));
    inside += &frame(axes);
    let every = examples.len().div_ceil(MOST_EXAMPLES);
    for example in examples.iter().step_by(every) {
        let (x, y) = (LEFT + WIDTH * example.across, TOP + HEIGHT * (1.0 - example.up));
        inside += &mark(example.class, x, y);
        if !example.is_right {
            inside += &format!("<circle class=\"edge\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"7\"/>\n");
        }
    }
    inside += &legend(examples, n);
    let wrong = examples.iter().filter(|example| !example.is_right).count();
    let m = examples.len();
    let description = format!(
        "The line parts the classes; {wrong} of {m} examples are on the wrong side, and have a ring."
    );
    let html =
        figure("Decision boundary", &description, (LEFT + WIDTH + 150.0, TOP + HEIGHT + 48.0), &inside);
    match every {
        1 => html,
        every => html + &paragraph(&format!("One of {every} examples is drawn.")),
    }
}

/// The cells of a class, equal neighbours of a row as one rectangle.
fn region_of(region: &[usize], class: usize) -> String {
    let mut path = String::new();
    for (row, cells) in region.chunks(SIDE).enumerate() {
        let mut column = 0;
        for equal in cells.chunk_by(|a, b| a == b) {
            let width = equal.len();
            if equal[0] == class {
                path += &format!("M{column} {row}h{width}v1h-{width}z");
            }
            column += width;
        }
    }
    path
}

/// A line between the points of different classes: of each four neighbours, it goes through the
/// middles of the sides whose ends differ.
fn edges(region: &[usize], (wide, high): (f64, f64)) -> String {
    let mut path = String::new();
    for (row, column) in (1..SIDE).flat_map(|row| (1..SIDE).map(move |column| (row, column))) {
        let at = row * SIDE + column;
        let [a, b, c, d] = [at - SIDE - 1, at - SIDE, at - 1, at].map(|k| region[k]);
        let (x, y) = (LEFT + wide * column as f64, TOP + high * row as f64);
        let sides = [
            (a != b, (x, y - high / 2.0)),
            (c != d, (x, y + high / 2.0)),
            (a != c, (x - wide / 2.0, y)),
            (b != d, (x + wide / 2.0, y)),
        ];
        let crossed: Vec<(f64, f64)> = sides.into_iter().filter(|(is, _)| *is).map(|(_, at)| at).collect();
        path += &match crossed[..] {
            [] => continue,
            [(x0, y0), (x1, y1)] => format!("M{x0:.2} {y0:.2}L{x1:.2} {y1:.2}"),
            // Three or four classes or corners meet in the middle.
            ref several => several.iter().map(|(x0, y0)| format!("M{x0:.2} {y0:.2}L{x:.2} {y:.2}")).collect(),
        };
    }
    path
}

fn frame([across, up]: &[Axis; 2]) -> String {
    let (right, bottom) = (LEFT + WIDTH, TOP + HEIGHT);
    let mut svg =
        format!("<rect class=\"frame\" x=\"{LEFT}\" y=\"{TOP}\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>\n");
    for (tick, text) in across.ticks() {
        let x = LEFT + WIDTH * across.place(tick);
        svg += &format!("<text x=\"{x:.1}\" y=\"{}\" class=\"middle\">{text}</text>", bottom + 17.0);
    }
    for (tick, text) in up.ticks() {
        let y = bottom - HEIGHT * up.place(tick) + 4.0;
        svg += &format!("<text x=\"{}\" y=\"{y:.1}\" class=\"end\">{text}</text>", LEFT - 7.0);
    }
    let (middle, below) = ((LEFT + right) / 2.0, bottom + 38.0);
    svg += &format!(
        "\n<text x=\"{middle}\" y=\"{below}\" class=\"middle label\">{}</text>",
        escape(&across.label)
    );
    let turned = format!("transform=\"translate(13 {}) rotate(-90)\"", (TOP + bottom) / 2.0);
    svg + &format!("<text {turned} class=\"middle label\">{}</text>\n", escape(&up.label))
}

fn legend(examples: &[Example], n: usize) -> String {
    let left = LEFT + WIDTH + 22.0;
    let of_class = |class: usize| examples.iter().filter(|example| example.class == class).count();
    let row = |class: usize| {
        let y = TOP + 10.0 + 20.0 * class as f64;
        let (text, count) = (left + 13.0, of_class(class));
        mark(class, left, y)
            + &format!("<text x=\"{text}\" y=\"{}\">class {class}: {count}</text>\n", y + 4.0)
    };
    let mut svg: String = (0..n.min(MOST_NAMED)).map(row).collect();
    if n > MOST_NAMED {
        let y = TOP + 14.0 + 20.0 * MOST_NAMED as f64;
        svg += &format!("<text x=\"{left}\" y=\"{y}\">and {} more</text>\n", n - MOST_NAMED);
    }
    svg
}

/// Each class has a mark of its own beside its colour.
fn mark(class: usize, x: f64, y: f64) -> String {
    const MARKS: [&str; 8] = [
        "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
        "m-3.5-3.5h7v7h-7z",
        "m0-5l4.6 8h-9.2z",
        "m0-5l5 5l-5 5l-5-5z",
        "m-1.5-5h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5v-3h3.5z",
        "m0 5l4.6-8h-9.2z",
        "m-5-1.5h10v3h-10z",
        "m-1.5-5h3v10h-3z",
    ];
    let (colour, shape) = (class % COLOURS, MARKS[class % MARKS.len()]);
    format!("<path class=\"mark c{colour}\" d=\"M{x:.1} {y:.1}{shape}\"/>\n")
}

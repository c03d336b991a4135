//! Lines and marks in a frame, as SVG.
//!
//! Colours are classes of the page's style, so that one figure serves light, dark and paper. Every
//! series has strokes or marks of its own beside its colour.

use super::axis::Axis;
use super::html::{escape, escape_short};

/// Some values over others, in one colour.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    pub(super) name: String,
    /// From left to right; a place that is not finite interrupts the line.
    pub(super) points: Vec<(f64, f64)>,
    pub(super) look: Look,
}

/// How a series is drawn.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Look {
    /// A line through the points.
    Line,
    /// A line with a mark at each point, of these radii.
    Marks(Vec<f64>),
}

/// What the plot is next to: it decides the shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// As wide as the page.
    Wide,
    /// One of two beside each other, with axes of the same length.
    Square,
}

/// A figure with two axes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plot {
    pub(super) title: String,
    /// What the figure shows, in words.
    pub(super) description: String,
    pub(super) format: Format,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) series: Vec<Series>,
    /// A line from corner to corner, for comparison.
    pub(super) diagonal: Option<&'static str>,
}

/// How many colours the page has.
pub(super) const COLOURS: usize = 6;
/// How many kinds of strokes; 4 and 6 make 12 looks.
const STROKES: usize = 4;
const MOST_NAMED: usize = 12;

/// The frame in which values stand.
#[derive(Debug, Clone, Copy)]
struct Frame {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

const LEFT: f64 = 68.0;
const TOP: f64 = 14.0;
const BELOW: f64 = 50.0;

impl Plot {
    /// The figure, with its title below.
    pub(super) fn to_html(&self) -> String {
        let (total, frame) = self.sizes();
        let mut inside = self.grid(frame);
        if let Some(text) = self.diagonal {
            inside += &diagonal(frame, text);
        }
        for (k, series) in self.series.iter().enumerate() {
            inside += &self.line(frame, k, series);
        }
        if self.series.len() > 1 {
            inside += &self.legend(frame);
        }
        figure(&self.title, &self.description, total, &inside)
    }

    fn sizes(&self) -> ((f64, f64), Frame) {
        let (width, height) = match self.format {
            Format::Wide if self.series.len() > 1 => (470.0, 280.0),
            Format::Wide => (630.0, 280.0),
            Format::Square => (300.0, 300.0),
        };
        let right = match self.format {
            Format::Wide if self.series.len() > 1 => 182.0,
            Format::Wide => 22.0,
            Format::Square => 16.0,
        };
        let frame = Frame { left: LEFT, top: TOP, width, height };
        ((LEFT + width + right, TOP + height + BELOW), frame)
    }

    /// The frame, the lines at the ticks, and what is written beside the axes.
    fn grid(&self, frame: Frame) -> String {
        let Frame { left, top, width, height } = frame;
        let (right, bottom) = (left + width, top + height);
        let mut svg = String::new();
        for (tick, text) in self.x.ticks() {
            let x = left + width * self.x.place(tick);
            svg += &format!("<path class=\"grid\" d=\"M{x:.1} {top}V{bottom}\"/>");
            svg += &format!("<text x=\"{x:.1}\" y=\"{}\" class=\"middle\">{text}</text>\n", bottom + 18.0);
        }
        for (tick, text) in self.y.ticks() {
            let y = bottom - height * self.y.place(tick);
            svg += &format!("<path class=\"grid\" d=\"M{left} {y:.1}H{right}\"/>");
            svg += &format!("<text x=\"{}\" y=\"{:.1}\" class=\"end\">{text}</text>\n", left - 8.0, y + 4.0);
        }
        svg += &format!("<path class=\"axis\" d=\"M{left} {top}V{bottom}H{right}\"/>\n");
        let (middle, below) = (left + width / 2.0, bottom + 40.0);
        let label = escape(&self.x.label);
        svg += &format!("<text x=\"{middle}\" y=\"{below}\" class=\"middle label\">{label}</text>\n");
        let (middle, label) = (top + height / 2.0, escape(&self.y.label));
        let turned = format!("transform=\"translate(14 {middle}) rotate(-90)\"");
        svg + &format!("<text {turned} class=\"middle label\">{label}</text>\n")
    }

    fn line(&self, frame: Frame, k: usize, series: &Series) -> String {
        let places: Vec<Option<(f64, f64)>> =
            series.points.iter().map(|point| self.place(frame, *point)).collect();
        let mut svg = format!("<g class=\"{}\"><title>{}</title>", look_of(k), escape(&series.name));
        let path = path_through(&thinned(&places));
        if !path.is_empty() {
            svg += &format!("<path d=\"{path}\"/>");
        }
        let radii: &[f64] = match &series.look {
            Look::Line => &[],
            Look::Marks(radii) => radii,
        };
        for (radius, (x, y)) in radii.iter().zip(&places).filter_map(|(r, place)| place.map(|p| (r, p))) {
            svg += &format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\"/>");
        }
        // A line through one point would not be seen.
        for (x, y) in alone(&places).filter(|_| series.look == Look::Line) {
            svg += &format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>");
        }
        svg + "</g>\n"
    }

    fn place(&self, frame: Frame, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        let (across, up) = (self.x.place(x), self.y.place(y));
        let is_inside = x.is_finite() && y.is_finite() && across.is_finite() && up.is_finite();
        let place = (frame.left + frame.width * across, frame.top + frame.height * (1.0 - up));
        is_inside.then_some(place)
    }

    fn legend(&self, frame: Frame) -> String {
        let left = frame.left + frame.width + 14.0;
        let mut svg = String::new();
        for (k, series) in self.series.iter().enumerate().take(MOST_NAMED) {
            let y = frame.top + 10.0 + 20.0 * k as f64;
            let name = escape_short(&series.name, 20);
            svg += &format!(
                "<g class=\"{}\"><path d=\"M{left} {y}h30\"/></g><text x=\"{}\" y=\"{}\">{name}</text>\n",
                look_of(k),
                left + 36.0,
                y + 4.0
            );
        }
        if self.series.len() > MOST_NAMED {
            let (y, more) = (frame.top + 14.0 + 20.0 * MOST_NAMED as f64, self.series.len() - MOST_NAMED);
            svg += &format!("<text x=\"{left}\" y=\"{y}\">and {more} more</text>\n");
        }
        svg
    }
}

/// A figure of this width and height.
pub(super) fn figure(title: &str, description: &str, (width, height): (f64, f64), inside: &str) -> String {
    let (title, description) = (escape(title), escape(description));
    format!(
        "<figure>\n<svg viewBox=\"0 0 {width} {height}\" style=\"max-width:{width}px\" role=\"img\" \
         aria-label=\"{title}\"><title>{title}</title><desc>{description}</desc>\n{inside}</svg>\n\
         <figcaption><b>{title}.</b> {description}</figcaption>\n</figure>\n"
    )
}

/// The classes of the kth series.
fn look_of(k: usize) -> String {
    format!("series c{} s{}", k % COLOURS, k % STROKES)
}

fn diagonal(frame: Frame, text: &str) -> String {
    let Frame { left, top, width, height } = frame;
    format!(
        "<path class=\"compare\" d=\"M{left} {}L{} {top}\"><title>{}</title></path>\n",
        top + height,
        left + width,
        escape(text)
    )
}

/// A line through the places, interrupted where there is none.
fn path_through(places: &[Option<(f64, f64)>]) -> String {
    let (mut path, mut is_drawing) = (String::new(), false);
    for place in places {
        if let Some((x, y)) = place {
            path += &format!("{}{x:.1} {y:.1}", if is_drawing { 'L' } else { 'M' });
        }
        is_drawing = place.is_some();
    }
    path
}

/// The places that no line leads to.
fn alone(places: &[Option<(f64, f64)>]) -> impl Iterator<Item = (f64, f64)> {
    let is_there = |k: Option<usize>| k.and_then(|k| places.get(k)).is_some_and(Option::is_some);
    let has_neighbour = move |k: usize| is_there(k.checked_sub(1)) || is_there(Some(k + 1));
    places.iter().enumerate().filter(move |(k, _)| !has_neighbour(*k)).filter_map(|(_, place)| *place)
}

/// Of many places, those that can be told apart: of each column of pixels the first, the lowest,
/// the highest and the last.
fn thinned(places: &[Option<(f64, f64)>]) -> Vec<Option<(f64, f64)>> {
    const MANY: usize = 1500;
    if places.len() <= MANY {
        return places.to_vec();
    }
    let column = |place: &Option<(f64, f64)>| place.map(|(x, _)| x.floor() as i64);
    let mut kept = Vec::new();
    for same in places.chunk_by(|a, b| column(a) == column(b)) {
        let height = |k: &usize| same[*k].map_or(0.0, |(_, y)| y);
        let by_height = |a: &usize, b: &usize| height(a).total_cmp(&height(b));
        let lowest = (0..same.len()).min_by(by_height).unwrap_or(0);
        let highest = (0..same.len()).max_by(by_height).unwrap_or(0);
        let mut of_column = vec![0, lowest, highest, same.len() - 1];
        of_column.sort_unstable();
        of_column.dedup();
        kept.extend(of_column.into_iter().map(|k| same[k]));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_interrupted_where_there_is_no_number() {
        let places = [Some((0.0, 1.0)), Some((1.0, 2.0)), None, Some((3.0, 4.0)), None];
        assert_eq!(path_through(&places), "M0.0 1.0L1.0 2.0M3.0 4.0");
        assert_eq!(alone(&places).collect::<Vec<_>>(), [(3.0, 4.0)]);
        assert_eq!(path_through(&[]), "");
    }

    #[test]
    fn many_points_keep_their_extremes_and_their_gaps() {
        let mut places: Vec<_> = (0..1_000_000).map(|k| Some((f64::from(k) / 2000.0, 50.0))).collect();
        (places[1234], places[777_777], places[500_000]) = (Some((0.6, 1.0)), Some((388.9, 99.0)), None);
        let kept = thinned(&places);
        assert!(kept.len() < 2100, "{}", kept.len());
        for place in [places[1234], places[777_777], None, places[0], places[999_999]] {
            assert!(kept.contains(&place), "{place:?}");
        }
    }
}

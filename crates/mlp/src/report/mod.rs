//! What was trained and how good it is, as one page that opens in any browser.
//!
//! A [`Report`] is one file of HTML: figures are SVG in it, and it needs no script, no network and
//! no other file. It has the light or the dark colours of whoever looks, and prints. Colour is never
//! the only sign: lines have strokes, classes have marks, negative weights are striped, and below
//! each figure stands in words what it shows.
//!
//! ```
//! use mlp::{Activation, ConfusionMatrix, Mlp, Optimizer, Training, report::Report};
//! use tape::matrix;
//! let (x, y) = (matrix![[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]], matrix![[0.0, 1.0, 1.0, 0.0]]);
//! let mut xor = Mlp::<f64>::new(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).build()?;
//! let history = Training::new(Optimizer::adam(0.05)?).epochs(100).fit(&mut xor, &x, &y)?;
//! let report = Report::new("XOR")
//!     .settings(&[("network", "2-4-1"), ("optimiser", "Adam, η = 0.05"), ("seed", "0")])
//!     .training(&history)
//!     .confusion_matrix(&ConfusionMatrix::new(&xor.predict(&x)?, &y)?)
//!     .boundary(&xor, &x, &y)?
//!     .weights(&xor);
//! let page = report.to_html();
//! assert!(page.starts_with("<!DOCTYPE html>") && page.contains("<svg ") && !page.contains("<script"));
//! # let folder = std::env::temp_dir().join(format!("mlp-doc-report-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder).unwrap();
//! # let path = folder.join("xor.html");
//! report.write(&path)?; // whole or not at all
//! # assert_eq!(std::fs::read_to_string(&path).unwrap(), page);
//! # std::fs::remove_dir_all(&folder).unwrap();
//! # Ok::<(), mlp::Error>(())
//! ```

mod axis;
mod boundary;
mod cells;
mod classes;
mod curves;
mod html;
mod page;
mod plot;
mod weights;

use std::path::Path;

use tape::Matrix;

use self::page::Section;
use crate::files::write_whole;
use crate::metrics::{Calibration, Scores};
use crate::{ConfusionMatrix, Error, History, Mlp, Result, Scalar};

/// A page that is put together section by section, in the order of the calls.
///
/// The same calls give the same bytes. Texts of the user's, as titles, names and settings, may hold
/// any characters: none of them becomes a tag. What is no finite number is left out of a figure, and
/// a note says how many there were.
#[must_use = "a report is written by write"]
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    title: String,
    part: Option<String>,
    sections: Vec<Section>,
}

/// # Beginning and ending
impl Report {
    /// A page with this title and nothing below it.
    pub fn new(title: impl Into<String>) -> Self {
        Report { title: title.into(), part: None, sections: Vec::new() }
    }

    /// The page.
    pub fn to_html(&self) -> String {
        page::page(&self.title, &self.sections)
    }

    /// Writes the page to a file, whole or not at all, as [`write_whole`] does.
    ///
    /// # Errors
    /// [`Error::File`] with the path and what the system refused.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        write_whole(path, self.to_html().as_bytes())
    }
}

/// # What was done
impl Report {
    /// The headings of the sections that follow name these examples, for instance `"test part"`; no
    /// more after `""`.
    pub fn part(mut self, name: impl Into<String>) -> Self {
        self.part = Some(name.into()).filter(|name| !name.is_empty());
        self
    }

    /// What was trained how, on what, with which seeds, and the command: a name and a value each,
    /// as they are.
    pub fn settings<N: AsRef<str>, V: AsRef<str>>(self, settings: &[(N, V)]) -> Self {
        let rows: Vec<_> = settings
            .iter()
            .map(|(name, value)| vec![name.as_ref().to_owned(), value.as_ref().to_owned()])
            .collect();
        let table = html::table("What was trained how, and on what", &["setting", "value"], &rows);
        self.section("Settings", format!("<div class=\"settings\">{table}</div>\n"))
    }

    /// A table of the user's own, with a caption and the names of its columns; a row's first cell
    /// names it.
    ///
    /// ```
    /// use mlp::report::Report;
    /// let rows = [vec!["network", "0.979"], vec!["linear", "0.965"]];
    /// let page = Report::new("ten seeds").table("Test part", &["model", "accuracy"], &rows)?.to_html();
    /// assert!(page.contains("<caption>Test part</caption>"));
    /// assert!(Report::new("").table("Test part", &["model"], &rows).is_err());
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] if a row does not have a cell for each column.
    pub fn table<C: AsRef<str>, S: AsRef<str>>(
        self,
        caption: &str,
        columns: &[C],
        rows: &[Vec<S>],
    ) -> Result<Self> {
        if let Some(row) = rows.iter().find(|row| row.len() != columns.len()) {
            let (expected, found) = (columns.len(), row.len());
            return Err(Error::Length { list: "row of a table", expected, found });
        }
        let table = html::table(caption, columns, rows);
        Ok(self.section(caption, table))
    }

    /// The losses of every epoch, as curves and as a table. The axis of J is logarithmic where the
    /// losses are positive and the largest is more than 50 times the smallest.
    pub fn training(self, history: &History) -> Self {
        self.section("Training", curves::training(history))
    }

    /// The norms of gradients, a curve for each name; `after` tells what each value was taken after,
    /// `"epoch"` or `"step"`.
    ///
    /// ```
    /// use mlp::report::Report;
    /// let norms = [("W[1]".to_string(), vec![0.5, 0.2]), ("W[2]".to_string(), vec![1.5, 0.1])];
    /// let page = Report::new("norms").gradient_norms("epoch", &norms).to_html();
    /// assert!(page.contains("<title>W[2]</title>"));
    /// ```
    pub fn gradient_norms(self, after: &str, norms: &[(String, Vec<f64>)]) -> Self {
        self.section("Norms of the gradients", curves::gradient_norms(after, norms))
    }

    fn section(mut self, heading: &str, body: String) -> Self {
        let heading = match &self.part {
            None => heading.to_owned(),
            Some(part) => format!("{heading}, {part}"),
        };
        self.sections.push(Section { heading, body });
        self
    }
}

/// # How good it is
impl Report {
    /// Which class is taken for which, with precision, recall and F1 of each and accuracy. The names
    /// of the classes are those of the matrix. Of more than 30 classes, the largest confusions.
    pub fn confusion_matrix(self, confusion: &ConfusionMatrix) -> Self {
        self.section("Classes", classes::classes(confusion))
    }

    /// The ROC curve and the precision–recall curve, with their areas. Where all labels are equal
    /// there are none, which a note says.
    pub fn scores(self, scores: &Scores) -> Self {
        self.section("Ranking by score", curves::scores(scores))
    }

    /// Predicted probabilities beside the shares that came true.
    pub fn calibration(self, calibration: &Calibration) -> Self {
        self.section("Calibration", curves::calibration(calibration))
    }

    /// Where a network of two features decides for which class, with the examples X, 2 × m, and
    /// their labels Y, n_L × m. Of more than 2000 examples, every kth is drawn.
    ///
    /// # Errors
    /// [`Error::Shape`] if X does not have two rows, or X or Y does not fit the network;
    /// [`Error::NoExamples`] if m is 0; [`Error::NonFinite`] where an element of X is NaN or ∞; the
    /// errors of [`Mlp::predict_classes`] and, for Y, of [`Mlp::record`].
    #[track_caller]
    pub fn boundary<T: Scalar>(self, network: &Mlp<T>, x: &Matrix<T>, y: &Matrix<T>) -> Result<Self> {
        let body = boundary::boundary(network, x, y)?;
        Ok(self.section("Decision boundary", body))
    }

    /// The weights of every layer as images. Where the n_0 features are a square, as the pixels of a
    /// picture row by row are, each neuron of layer 1 has its picture.
    pub fn weights<T: Scalar>(self, network: &Mlp<T>) -> Self {
        let layers: Vec<weights::Weights> = (1..=network.layers())
            .map(|l| {
                let (w, b) = network.layer_parameters(l);
                weights::Weights::new(l, w, b)
            })
            .collect();
        self.section("Weights", weights::weights(&layers))
    }
}

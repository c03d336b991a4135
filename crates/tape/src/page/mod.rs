//! A tape as one page of HTML: a list that one can step through.
//!
//! A page is one object of JSON, the *document*, and one front end, the files of `front/`, which
//! know nothing but the document. What has to be known of the list is worked out here: equations,
//! values, layers, the places of the graph's nodes, differences. The front end shows it, and asks
//! nobody.
//!
//! # The document
//!
//! | name | what it is |
//! |---|---|
//! | `format`, `version` | `"tape-page"`, 1 |
//! | `title` | the page's heading, or null |
//! | `scalar`, `m` | `"f32"` or `"f64"`; the number of examples of the values, or null |
//! | `entries` | the entries in their order, see below |
//! | `lines` | the equations as a system ([`Tape::equations`] of all entries that have a name): `entry`, `text`, `mathml` |
//! | `differentiations` | of each: `first` entry, what it is `of` and `with_respect_to` (labels), `place` |
//! | `bands` | the layers, from the first: `label`, the index in the names, or `""` after the last; `height` of the band in the graph |
//! | `graph` | `width`, and `nodes`: `entry`, `band`, `side` (`leaf`, `forward`, `helper`, `cotangent`, `gradient`), `x`, and `y` from the top of the band; `node` is the size of a node |
//! | `marks` | the equations of a book that entries are: `entry`, `equation`, `note`; where it was recorded by hand `proof`: the entries `before` and `after`, whether it is the `same`, and `steps`, each with `text` and `entry` |
//! | `naive` | whether entries have `literal`, the value of the formulas as they stand, because some are not finite and the program's are |
//!
//! Of an entry:
//!
//! | name | what it is |
//! |---|---|
//! | `id`, `name` | its number; what an equation calls it |
//! | `is_named` | whether the name is the user's or a derivative's, and no number |
//! | `operation`, `sign`, `kind`, `notation`, `parameters` | the operation, as [`Tape::to_json`] has it, and as a graph shows it |
//! | `operands`, `used_by` | entries |
//! | `shape`, `rows`, `columns` | with `m` for the examples; as numbers, null where m is not known |
//! | `leaf` | what a leaf is for |
//! | `differentiation`, `derivative_of`, `origin` | which one recorded it; of what it is a derivative; why it was recorded: `by` is `rule`, `sum` or `handing_out`, `at` an entry |
//! | `place` | where it was recorded |
//! | `equation`, `step` | its equation, down to named entries, null if it is very long; its operation on its operands: `text` and `mathml`, in which a symbol has its entry as `data-entry` |
//! | `line`, `band` | the first of the `lines` that it leads to; its layer |
//! | `value`, `literal` | `rows` and `columns` that are there, `data` column by column, `whole` if nothing was cut off, `largest` finite size, `not_finite`: the row and column of the first; null if it cannot be computed |
//! | `difference` | what central differences say of a derivative: `of` and `with_respect_to` (entries), `front` (c and k of c·mᵏ that stands before it), `data` as of a value, with null for what was not looked at, `relative`, the largest difference relative to the largest element, `allowed`, and `verdict`: `agrees`, `differs` or `unchecked` with a `reason` (`corner`, `too_small`, `domain`, `steep`, `empty`, `cost`) |
//!
//! The front end's `window.page.show(document)` shows another document in the place of the one that the
//! file has; the place stays. If there is a `window.engine`, the keys E and C call its `edit(place)`
//! and `check(place)`, with the `entry` and the `cell` that are looked at: a page from a file has
//! none.
//!
//! Numbers are the shortest decimals that are read back as the same number of the type; others are
//! `"inf"`, `"-inf"`, `"NaN"`.

mod assemble;
mod difference;
mod document;
mod graph;
mod layers;
mod quotient;
mod values;

use crate::{Program, Result, Scalar, Tape, Var};

/// # A page
///
/// With the feature `html`.
impl<T: Scalar> Tape<T> {
    /// The list as one file of HTML that one can step through, forwards and backwards, with the
    /// keyboard, a mouse or a finger: every equation with its numbers, the graph, and what
    /// differences say.
    ///
    /// The values are those of the program's leaves, as they are bound now, and of all entries that
    /// follow from them, computed with the program's [options](crate::Options). The file needs no
    /// network and keeps nothing.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.examples("X", &matrix![[0.0, 1.0, 2.0]]);
    /// let y = tape.examples("Y", &matrix![[0.0, 1.0, 1.0]]);
    /// let w = tape.parameter("W", &matrix![[0.5]]);
    /// let j = w.matmul(x).named("Z").sigmoid().named("A").log_loss(y).mean().named("J");
    /// let [dw] = j.gradients([w]);
    /// let program = tape.compile([j, dw])?;
    /// let html = tape.to_html(&program)?;
    /// assert!(html.starts_with("<!DOCTYPE html>"));
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::ForeignVariable`](crate::Error::ForeignVariable) if the program is of another tape;
    /// the errors of [`Program::run`].
    pub fn to_html(&self, program: &Program<T>) -> Result<String> {
        Page::new(self, program).to_html()
    }
}

/// A tape as a page: what [`Tape::to_html`] makes, with a title and marks.
///
/// It shows the entries that were there when it was made.
#[derive(Debug)]
#[must_use = "a page is written by to_html"]
pub struct Page<'t, T: Scalar> {
    pub(crate) tape: &'t Tape<T>,
    pub(crate) program: &'t Program<T>,
    /// The entries that are shown.
    pub(crate) entries: usize,
    pub(crate) title: Option<String>,
    pub(crate) marks: Vec<Mark>,
    pub(crate) has_differences: bool,
}

/// An equation of a book that an entry is.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    pub(crate) entry: usize,
    pub(crate) equation: String,
    pub(crate) note: Option<String>,
    pub(crate) proof: Option<Proof>,
}

/// The entries that recording a formula by hand gave.
#[derive(Debug, Clone)]
pub(crate) struct Proof {
    /// Entries of the tape after it.
    pub(crate) after: usize,
    /// Each operation as it was written down.
    pub(crate) steps: Vec<usize>,
}

impl<'t, T: Scalar> Page<'t, T> {
    /// A page of a tape, with the values of a program's leaves.
    pub fn new(tape: &'t Tape<T>, program: &'t Program<T>) -> Self {
        Page { tape, program, entries: tape.len(), title: None, marks: Vec::new(), has_differences: true }
    }

    /// The heading.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Leaves out what differences say, which takes most of the time: derivatives are unchecked then. For
    /// a page that is derived anew while somebody types.
    pub fn without_differences(mut self) -> Self {
        self.has_differences = false;
        self
    }

    /// Marks an entry with the number of the equation of a book, as `"eq. 23"`, and a note to it; an
    /// empty one is none.
    ///
    /// # Errors
    /// The error that poisoned the variable.
    pub fn mark(mut self, entry: Var<'t, T>, equation: &str, note: &str) -> Result<Self> {
        let entry = entry.entry()?.index();
        let note = Some(note.to_owned()).filter(|note| !note.is_empty());
        self.marks.push(Mark { entry, equation: equation.to_owned(), note, proof: None });
        Ok(self)
    }

    /// Marks an entry, and shows that it is that equation: `by_hand` are what was recorded by hand,
    /// operation by operation, after the page was [made](Page::new), the last the whole formula. If
    /// that is the entry itself, and the list has not grown, the page says so.
    ///
    /// ```
    /// use tape::{Page, Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.parameter("x", &matrix![[2.0, 3.0]]);
    /// let [dx] = x.square().sum().named("J").gradients([x]);
    /// let program = tape.compile([dx])?;
    /// let page = Page::new(&tape, &program);
    /// let html = page.prove(dx, "power rule", "", &[x * 2.0])?.to_html()?;
    /// assert!(html.contains(r#""same":true"#));
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// # Errors
    /// The error that poisoned one of the variables.
    pub fn prove(
        self,
        entry: Var<'t, T>,
        equation: &str,
        note: &str,
        by_hand: &[Var<'t, T>],
    ) -> Result<Self> {
        let steps = by_hand.iter().map(|step| Ok(step.entry()?.index())).collect::<Result<Vec<usize>>>()?;
        let after = self.tape.len();
        let mut page = self.mark(entry, equation, note)?;
        if let Some(mark) = page.marks.last_mut() {
            mark.proof = Some(Proof { after, steps });
        }
        Ok(page)
    }

    /// The page, one file of HTML.
    ///
    /// # Errors
    /// As [`Tape::to_html`].
    pub fn to_html(&self) -> Result<String> {
        Ok(assemble::html(self.title.as_deref(), &self.to_json()?))
    }

    /// The document that the page shows, as JSON.
    ///
    /// # Errors
    /// As [`Tape::to_html`].
    pub fn to_json(&self) -> Result<String> {
        T::page_to_json(self)
    }

    pub(crate) fn to_json_here(&self) -> Result<String> {
        document::of_page(self)
    }
}

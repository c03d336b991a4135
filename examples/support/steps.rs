//! The trained network as a page that one can step through.

use std::path::Path;

use mlp::files::write_whole;
use mlp::{Mlp, Result, Scalar};
use tape::Tape;

use super::data::Data;

/// So many examples of the test part are on the page: each is a column that one can read.
const EXAMPLES: usize = 8;

/// Writes the page whole or not at all; how many bytes it has.
pub(crate) fn write<T: Scalar>(network: &Mlp<T>, data: &Data<T>, path: &Path) -> Result<usize> {
    let few: Vec<usize> = (0..data.test.x.columns().min(EXAMPLES)).collect();
    let (x, y) = (data.test.x.try_select_columns(&few)?, data.test.y.try_select_columns(&few)?);
    let tape = Tape::new();
    let recorded = network.record(&tape, &x, &y)?;
    let program = tape.compile([recorded.j].into_iter().chain(recorded.gradients()))?;
    let html = network.page(&recorded, &program)?.to_html()?;
    write_whole(path, html.as_bytes())?;
    Ok(html.len())
}

//! How a program is compiled.

use std::num::NonZeroUsize;

/// How a program is compiled. What is not set is left to the library.
///
/// ```
/// use tape::{Options, Tape, matrix};
/// let tape = Tape::<f64>::new();
/// let x = tape.examples("X", &matrix![[1.0, 2.0]]);
/// let j = x.square().mean();
/// let mut program = tape.compile_with([j], Options::default().threads(2).tile_columns(512))?;
/// program.run()?;
/// assert_eq!(program.scalar(j)?, 2.5);
/// # Ok::<(), tape::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "options have an effect where a program is compiled with them"]
pub struct Options {
    pub(super) rewrites: bool,
    pub(super) fusion: bool,
    pub(super) threads: Option<NonZeroUsize>,
    pub(super) tile_columns: Option<NonZeroUsize>,
    pub(super) flush_subnormals: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { rewrites: true, fusion: true, threads: None, tile_columns: None, flush_subnormals: false }
    }
}

impl Options {
    /// Number of examples whose contributions are summed first and then added to a total.
    ///
    /// It makes results independent of the number of threads and the size of a tile.
    pub const CHUNK: usize = crate::numbers::kernel::product::UNIT;

    /// Neither rewrites nor fusion: the program computes entry by entry what the tape says.
    pub fn literal() -> Self {
        Options::default().rewrites(false).fusion(false)
    }

    /// Whether local rewrites replace naive formulas by stable ones; they do by default. Without
    /// them the program computes the formulas as they stand on the tape, for comparisons.
    pub fn rewrites(mut self, rewrites: bool) -> Self {
        self.rewrites = rewrites;
        self
    }

    /// Whether elementwise operations run fused, and what has a column per example runs tile by
    /// tile; both by default.
    pub fn fusion(mut self, fusion: bool) -> Self {
        self.fusion = fusion;
        self
    }

    /// How many threads a run may use at most; 0, the default, for as many as the processor runs at
    /// a time.
    ///
    /// More than 128 are used only if the processor runs more at a time. A run uses fewer where its
    /// work is not worth more. It uses one if it comes long after the last and is not worth waking
    /// the others, which [`Threads::install`](crate::Threads::install) avoids. The results have the
    /// same bits whatever their number.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = NonZeroUsize::new(threads);
        self
    }

    /// How many examples go through a loop at a time, rounded up to a multiple of
    /// [`Options::CHUNK`]; 0, the default, for what suits the caches, with a shorter way for few
    /// examples, which does without loops.
    ///
    /// The results have the same bits whatever their number.
    pub fn tile_columns(mut self, columns: usize) -> Self {
        self.tile_columns = NonZeroUsize::new(columns);
        self
    }

    /// Whether every product (of elements or of matrices) and quotient that is a subnormal number,
    /// below 1.2e-38 in f32 and 2.2e-308 in f64, is 0; not by default.
    ///
    /// Many processors are slow at such numbers, and others are not. Where gradients vanish by and
    /// by, as in a recurrent chain of some hundred steps, a run may take several times as long for
    /// them. Where it does not, this costs up to a tenth of its time, as what it does to a product
    /// is a step of its own.
    ///
    /// ```
    /// use tape::{Options, Tape, matrix};
    /// let tape = Tape::<f32>::new();
    /// let x = tape.parameter("x", &matrix![[1e-20, 3.0]]);
    /// let square = x * x; // 1e-40 is subnormal in f32
    /// let mut program = tape.compile_with([square], Options::default().flush_subnormals(true))?;
    /// program.run()?;
    /// assert_eq!(program.view(square)?.as_slice(), [0.0, 9.0]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    pub fn flush_subnormals(mut self, flush: bool) -> Self {
        self.flush_subnormals = flush;
        self
    }
}

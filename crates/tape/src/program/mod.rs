//! Programs: what is executed.

// The order of the first three is that of the blocks on the page of Program.
mod bind;

mod run;

mod describe;

mod code;
mod compile;
mod ids;
pub(crate) mod numeric;
mod operand;
mod pass;

use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::{Scalar, Tape, Var};
use bind::leaves::{LeafState, Leaves};
use code::Code;
use compile::graph::Graph;
use compile::place::Plan;
use compile::{emit, fuse, lower, place, schedule};
use ids::NodeId;
use operand::Operand;
use run::Machine;

pub(crate) use bind::named::Name;
pub use bind::named::{EntryId, Named};
pub use compile::graph::Rewrite;
pub use describe::Step;

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
    rewrites: bool,
    fusion: bool,
    threads: Option<NonZeroUsize>,
    tile_columns: Option<NonZeroUsize>,
    flush_subnormals: bool,
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

    /// Whether local rewrites replace naive formulas by stable ones; they do by default. Without them the program computes
    /// the formulas as they stand on the tape, for comparisons.
    pub fn rewrites(mut self, rewrites: bool) -> Self {
        self.rewrites = rewrites;
        self
    }

    /// Whether elementwise operations run fused, and what has a column per example runs tile by tile; both by default.
    pub fn fusion(mut self, fusion: bool) -> Self {
        self.fusion = fusion;
        self
    }

    /// How many threads a run may use at most; 0, the default, for as many as the processor runs at a time.
    ///
    /// More than 128 are used only if the processor runs more at a time. A run uses fewer where its work is not worth
    /// more. It uses one if it comes long after the last and is not worth waking the others, which
    /// [`Threads::install`](crate::Threads::install) avoids. The results have the same bits whatever their number.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = NonZeroUsize::new(threads);
        self
    }

    /// How many examples go through a loop at a time, rounded up to a multiple of [`Options::CHUNK`]; 0, the default, for
    /// what suits the caches, with a shorter way for few examples, which does without loops.
    ///
    /// The results have the same bits whatever their number.
    pub fn tile_columns(mut self, columns: usize) -> Self {
        self.tile_columns = NonZeroUsize::new(columns);
        self
    }

    /// Whether every product (of elements or of matrices) and quotient that is a subnormal number, below 1.2e-38 in f32 and
    /// 2.2e-308 in f64, is 0; not by default.
    ///
    /// Many processors are slow at such numbers, and others are not. Where gradients vanish by and by, as in a recurrent
    /// chain of some hundred steps, a run may take several times as long for them. Where it does not, this costs up to a
    /// tenth of its time, as what it does to a product is a step of its own.
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

/// A compiled program: computes its outputs again and again, for any values of its leaves and any number of examples m.
///
/// It borrows nothing from the tape and is `Send` and `Sync`: it can be run on another thread. From the second run on at an m that it has seen it
/// allocates nothing.
///
/// A program replays what was recorded: a branch that Rust took while recording is frozen in it.
///
/// ```
/// use tape::{Tape, matrix};
/// let tape = Tape::<f64>::new();
/// let w = tape.parameter("w", &matrix![[2.0]]);
/// let x = tape.examples("x", &matrix![[1.0, 2.0, 3.0]]);
/// let j = (w * x).square().mean();
/// let [dw] = j.gradients([w]);
/// let mut step = tape.compile([j, dw])?;
/// for _ in 0..100 {
///     step.run()?;
///     let slope = step.scalar(dw)?;
///     step.parameter_mut(w)?.as_mut_slice()[0] -= 0.01 * slope;
/// }
/// step.bind(x, &matrix![[5.0]])?; // another m
/// step.run()?;
/// assert!(step.scalar(j)? < 1.0);
/// # Ok::<(), tape::Error>(())
/// ```
#[derive(Debug)]
pub struct Program<T: Scalar> {
    /// What is computed: fixed, as are the next two.
    graph: Graph<T>,
    /// Which buffer holds what.
    plan: Plan,
    /// What is run.
    code: Arc<Code<T>>,
    /// What is given, and where it and the outputs are found.
    leaves: Leaves<T>,
    /// What runs, and what the last run has left.
    machine: Machine<T>,
}

impl<T: Scalar> Program<T> {
    /// A program that computes sound outputs of the tape.
    pub(crate) fn compile(tape: &Tape<T>, outputs: &[Var<'_, T>], options: Options) -> Self {
        let graph = lower(tape, outputs, options); // stage 1, and stage 2 node by node
        let mut program = Program::of_graph(graph, options);
        program.take_from_tape(&tape.list.borrow(), outputs);
        program
    }

    /// A program of a graph, whose leaves have no values yet.
    fn of_graph(graph: Graph<T>, options: Options) -> Self {
        let schedule = schedule(&graph, options.fusion); // stage 3
        let steps = fuse(&graph, &schedule); // stage 4
        let plan = place(&graph, &steps); // stage 5
        let code = Arc::new(Code { fused: options.fusion, ..emit(&graph, steps, &plan) }); // stage 6
        let leaves = Leaves::new(&graph, &plan, &code);
        let machine = Machine::new(&graph, &plan, &code, options);
        Program { graph, plan, code, leaves, machine }
    }

    fn operand(&self, node: NodeId) -> Option<Operand> {
        self.plan.operand(&self.graph, node)
    }

    fn stored(&self, node: NodeId) -> Operand {
        self.operand(node).expect("a value that is stored")
    }

    fn label_of(&self, leaf: &LeafState<T>) -> String {
        self.label_of_leaf(leaf.node)
    }
}

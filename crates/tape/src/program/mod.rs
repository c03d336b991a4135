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
use std::time::Instant;

use rustc_hash::FxHashMap;

use crate::numbers::aligned::Aligned;
use crate::program::operand::Operand;
use crate::tape::ids::IdVec;
use crate::{Error, Scalar, Tape, Var};
use bind::examples::{Unneeded, depends_on_m};
use bind::labels::Unseen;
use bind::leaves::LeafState;
use bind::named::Found;
use code::Code;
use compile::graph::Graph;
use compile::place::Plan;
use describe::about::About;
use ids::{LeafId, NodeId};
use run::tiled::{Execution, Handover, Shares};

pub(crate) use bind::named::Name;
pub use bind::named::{EntryId, Named};
pub use compile::graph::Rewrite;
pub use describe::Step;

/// How a program is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Whether local rewrites replace naive formulas by stable ones. Without them the program computes the tape entry by
    /// entry, as it stands there: for comparisons.
    pub rewrites: bool,
    /// Whether entrywise operations run fused, and what has a column per example runs tile by tile.
    pub fusion: bool,
    /// How many threads a run may use; `None` for as many as the processor runs at a time. More than 128 are used only if
    /// the processor runs more at a time. A run uses fewer where its work
    /// is not worth more, and one if it comes long after the last and is not worth waking the others, which
    /// [`Threads::install`](crate::Threads::install) avoids. The results have the same bits whatever their number.
    pub threads: Option<NonZeroUsize>,
    /// How many examples go through a loop at a time, in multiples of [`Options::CHUNK`]; `None` for what suits the caches,
    /// with a shorter way for few examples, which does without loops.
    /// The results have the same bits whatever their number.
    pub tile_columns: Option<NonZeroUsize>,
    /// Whether products give 0 for a subnormal number, which processors are slow at.
    pub flush_subnormals: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { rewrites: true, fusion: true, threads: None, tile_columns: None, flush_subnormals: false }
    }
}

impl Options {
    /// The examples whose sum is added to others as a whole.
    pub const CHUNK: usize = crate::numbers::kernel::product::UNIT;

    /// Neither rewrites nor fusion: entry by entry.
    pub fn literal() -> Self {
        Options { rewrites: false, fusion: false, ..Options::default() }
    }

    /// With at most so many threads; 0 for the default.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = NonZeroUsize::new(threads);
        self
    }

    /// With tiles of so many examples, rounded up to a multiple of [`Options::CHUNK`]; 0 for the default.
    #[must_use]
    pub fn tile_columns(mut self, columns: usize) -> Self {
        self.tile_columns = NonZeroUsize::new(columns);
        self
    }

    /// With 0 for every product (of entries or of matrices) and quotient that is a subnormal number, below 1.2e-38 in f32 and 2.2e-308
    /// in f64.
    ///
    /// Many processors are slow at such numbers, and others are not. Where gradients vanish by and by, as in a recurrent chain of some
    /// hundred steps, a run may take several times as long for them. Where it does not, this costs up to a tenth of its time, as
    /// what it does to a product is a step of its own.
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
    #[must_use]
    pub fn flush_subnormals(mut self, flush: bool) -> Self {
        self.flush_subnormals = flush;
        self
    }
}

/// A compiled program: computes its outputs again and again, for any values of its leaves and any number of examples m.
///
/// It borrows nothing from the tape and can be sent to another thread. From the second run on at an m that it has seen it
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
    tape: u64,
    graph: Graph<T>,
    /// For every node what to say of it.
    about: IdVec<NodeId, About>,
    leaves: IdVec<LeafId, LeafState<T>>,
    /// Of outputs and leaves, by the tape's entry.
    found: FxHashMap<u32, Found>,
    plan: Plan,
    execution: Execution<T>,
    /// Carries the execution to a team and back.
    handover: Option<Box<Handover<T>>>,
    /// Number of registers of every thread.
    register_count: usize,
    /// Whether steps are fused and tiled.
    fusion: bool,
    /// How many threads a run may use.
    threads: usize,
    /// Whether nobody has asked for tiles of a certain width.
    tiles_are_free: bool,
    /// For every m that was run how its runs are shared out: to reckon it goes through the graph, and may allocate.
    known_shares: FxHashMap<(usize, bool), Shares>,
    /// The first node that depends on the number of examples.
    needs_m: Option<NodeId>,
    /// The number of examples where no leaf says it, for those who run a program on others' behalf.
    default_m: Option<usize>,
    /// The tape's examples, where the program reads none and needs to know how many they are.
    unneeded: Vec<Unneeded>,
    /// The number of examples that all leaves agree on, each having a value. Forgotten when one gets another: a run of a small
    /// network has no time to ask each leaf.
    agreed_m: Option<usize>,
    /// The number of examples that the buffers are sized for.
    m: Option<usize>,
    /// Whether the last run has left results.
    ran: bool,
    /// What the last run failed with.
    failed_with: Option<Box<Error>>,
    /// Whether an output is a leaf that has changed since the last run.
    has_kept: bool,
    /// When the last run that was worth several threads ended.
    last_run: Option<Instant>,
    /// The same graph without fusion, made when a run is to be checked step by step.
    unfused: Option<Box<Program<T>>>,
    /// Labels that no kernel looks at.
    labels: Vec<Unseen>,
}

impl<T: Scalar> Program<T> {
    /// A program of a graph that was lowered from the tape, with the values that leaves have there.
    fn of_tape(tape: &Tape<T>, outputs: &[Var<'_, T>], graph: Graph<T>, options: Options) -> Self {
        let list = tape.list.borrow();
        let about = graph.nodes.ids().map(|node| About::new(&list, &graph, node)).collect();
        let mut program = Program::assemble(tape.id, graph, about, options);
        for leaf in program.leaves.ids() {
            let Some(op) = program.graph.node(program.leaves[leaf].node).op.leaf() else { continue };
            let known = &list.leaves[op.index as usize];
            program.leaves[leaf].kind = known.kind;
            if let Some(value) = &known.value {
                program.share_leaf(leaf, value);
            }
        }
        program.find_labels(&list);
        for (output, node) in outputs.iter().zip(program.graph.outputs.clone()) {
            let leaf = program.found.get(&program.graph.origins[node].0).and_then(|found| found.leaf);
            let is_leaf = program.found.get(&output.id).is_some_and(|found| found.is_leaf);
            let at = program.operand(node).expect("outputs have buffers");
            program.found.insert(output.id, Found { at, node, leaf, is_leaf, is_output: true });
            if let Some(leaf) = leaf {
                program.leaves[leaf].is_output();
            }
        }
        program.find_unneeded_examples(&list);
        program
    }

    /// A program of a graph; leaves have no value yet.
    fn assemble(tape: u64, graph: Graph<T>, about: IdVec<NodeId, About>, options: Options) -> Self {
        let (plan, Code { segments, instructions, registers }) = compile::code(&graph, options.fusion);
        let mut execution = Execution::new(segments, instructions);
        execution.memory.whole = IdVec::filled(Aligned::default(), plan.whole.len());
        execution.tile_rows.clone_from(&plan.tile);
        execution.tile = match options.tile_columns {
            Some(columns) => run::chunks::in_units(columns.get()),
            None => run::chunks::tile_columns(plan.tile.as_slice(), size_of::<T>()),
        };
        let needs_m = graph.nodes.enumerated().find(|(_, node)| depends_on_m(node)).map(|(id, _)| id);
        let mut program = Program {
            tape,
            graph,
            about,
            leaves: IdVec::new(),
            found: FxHashMap::default(),
            plan,
            execution,
            handover: None,
            register_count: registers,
            known_shares: FxHashMap::default(),
            fusion: options.fusion,
            threads: match options.threads {
                Some(threads) => threads.get().min(crate::numbers::kernel::threads::most_of_a_run()),
                None => crate::numbers::kernel::threads::available(),
            },
            tiles_are_free: options.tile_columns.is_none(),
            needs_m,
            default_m: None,
            unneeded: Vec::new(),
            agreed_m: None,
            m: None,
            ran: false,
            failed_with: None,
            has_kept: false,
            last_run: None,
            unfused: None,
            labels: Vec::new(),
        };
        program.add_sources();
        program.find_leaves_that_may_be_apart();
        program
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

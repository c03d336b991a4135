//! Programs: what is executed.

mod about;
mod compile;
mod examples;
mod labels;
mod leaves;
mod named;
pub(crate) mod per_example;
mod report;
mod run;
mod values;

use std::num::NonZeroUsize;
use std::time::Instant;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::aligned::Aligned;
use crate::op::Op;
use crate::ops::matmul::Matmul;
use crate::ops::scale::Scaling;
use crate::storage::{Buffer, Operand, SumAt};
use crate::{Error, Result, Scalar, Tape, Var};
use about::About;
use compile::epilogue::Next;
use compile::lower::{Graph, Node};
use compile::place::Plan;
use compile::schedule::{Epilogued, Planned, Schedule};
use examples::{Unneeded, depends_on_m};
use leaves::LeafState;
use named::Found;
use run::pass::Fused;
use run::tiled::{Execution, Parcel, Shares};

pub use compile::rewrite::Rewrite;
pub use named::{EntryId, Named};
pub use report::Step;

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
    /// How many examples go through a loop at a time, in multiples of [`Options::UNIT`]; `None` for what suits the caches,
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
    pub const UNIT: usize = crate::kernel::product::UNIT;

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

    /// With tiles of so many examples, rounded up to a multiple of [`Options::UNIT`]; 0 for the default.
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
    about: Vec<About>,
    leaves: Vec<LeafState<T>>,
    /// Of outputs and leaves, by the tape's entry.
    found: FxHashMap<u32, Found>,
    plan: Plan,
    execution: Execution<T>,
    /// Carries the execution to a team and back.
    parcel: Option<Box<Parcel<T>>>,
    /// Number of registers of every thread.
    register_count: usize,
    /// How many threads a run may use.
    threads: usize,
    /// Whether nobody has asked for tiles of a certain width.
    tiles_are_free: bool,
    /// For every m that was run how its runs are shared out: to reckon it goes through the graph, and may allocate.
    known_shares: FxHashMap<(usize, bool), Shares>,
    /// The first node that depends on the number of examples.
    needs_m: Option<u32>,
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
    labels: Vec<labels::Labels>,
}

/// Instructions that run once on all columns, or again for every tile of columns.
#[derive(Debug, Clone)]
struct Segment<T: Scalar> {
    tiled: bool,
    code: std::ops::Range<usize>,
    /// The sums over the examples that a loop computes, and how many numbers they have together.
    sums: Vec<SumAt>,
    numbers: usize,
    /// Sums that are scaled.
    scaled: Vec<(Operand, Scaling<T>)>,
    /// The whole buffers of which a loop writes columns, with their rows.
    windows: Vec<(u32, usize)>,
}

/// The sums of a loop, placed one after the other.
struct Sums<T: Scalar> {
    sums: Vec<SumAt>,
    numbers: usize,
    scaled: Vec<(Operand, Scaling<T>)>,
}

impl<T: Scalar> Sums<T> {
    fn new() -> Self {
        Sums { sums: Vec::new(), numbers: 0, scaled: Vec::new() }
    }

    fn place(&mut self, out: Operand, scaling: Scaling<T>) -> SumAt {
        let at = SumAt { out, offset: self.numbers };
        self.numbers = self.numbers.saturating_add(at.len());
        self.sums.push(at);
        if scaling != Scaling::ONE {
            self.scaled.push((out, scaling));
        }
        at
    }
}

/// One step.
#[derive(Debug)]
enum Instruction<T: Scalar> {
    /// A node by its own kernel.
    Single { node: u32, op: Op<T>, operands: SmallVec<[Operand; 3]>, out: Operand },
    /// A product and, as it stores its entries, the node that follows it; the last operand is the other one of that.
    Product { product: u32, node: u32, matmul: Matmul, next: Next, operands: [Operand; 3], out: Operand },
    /// Entrywise nodes in one pass; the last of them.
    Fused { node: u32, pass: Fused<T> },
    /// A contraction over the examples, added up tile by tile.
    Accumulate { node: u32, op: Op<T>, operands: SmallVec<[Operand; 2]>, at: SumAt, scaling: Scaling<T> },
}

impl<T: Scalar> Program<T> {
    pub(crate) fn compile(tape: &Tape<T>, outputs: &[Var<'_, T>], options: Options) -> Result<Self> {
        let mut graph = Graph::lower(tape, outputs, options.rewrites);
        if options.flush_subnormals {
            graph = compile::flush::flushed(graph);
        }
        let list = tape.list.borrow();
        let about = (0..graph.nodes.len() as u32).map(|node| About::new(&list, &graph, node)).collect();
        let mut program = Program::assemble(tape.id, graph, about, options);
        for leaf in 0..program.leaves.len() {
            let Op::Leaf(op) = &program.graph.node(program.leaves[leaf].node).op else { continue };
            let known = &list.leaves[op.index as usize];
            program.leaves[leaf].kind = known.kind;
            if let Some(value) = &known.value {
                program.share_leaf(leaf, value);
            }
        }
        program.find_labels(&list);
        for (output, node) in outputs.iter().zip(program.graph.outputs.clone()) {
            let leaf =
                program.found.get(&program.graph.origins[node as usize].0).and_then(|found| found.leaf);
            let is_leaf = program.found.get(&output.id).is_some_and(|found| found.is_leaf);
            let at = program.operand(node).expect("outputs have buffers");
            program.found.insert(output.id, Found { at, node, leaf, is_leaf, is_output: true });
            if let Some(leaf) = leaf {
                program.leaves[leaf as usize].is_output();
            }
        }
        program.find_unneeded_examples(&list);
        Ok(program)
    }

    /// Schedules a graph and plans its memory; leaves have no value yet.
    fn assemble(tape: u64, graph: Graph<T>, about: Vec<About>, options: Options) -> Self {
        let schedule = if options.fusion { Schedule::fused(&graph) } else { Schedule::literal(&graph) };
        let plan = Plan::new(&graph, &schedule);
        let mut execution = Execution::new();
        execution.memory.whole = vec![Aligned::default(); plan.whole.len()];
        execution.tile_rows.clone_from(&plan.tile);
        execution.tile = match options.tile_columns {
            Some(columns) => run::chunks::in_units(columns.get()),
            None => run::chunks::tile_columns(&plan.tile, size_of::<T>()),
        };
        let needs_m = (0..).zip(&graph.nodes).find(|(_, node)| depends_on_m(node)).map(|(node, _)| node);
        let mut program = Program {
            tape,
            graph,
            about,
            leaves: Vec::new(),
            found: FxHashMap::default(),
            plan,
            execution,
            parcel: None,
            register_count: 0,
            known_shares: FxHashMap::default(),
            threads: match options.threads {
                Some(threads) => threads.get().min(crate::kernel::threads::most_of_a_run()),
                None => crate::kernel::threads::available(),
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
        program.emit(&schedule);
        program.find_leaves_that_may_be_apart();
        program
    }

    fn operand(&self, node: u32) -> Option<Operand> {
        let at = self.plan.buffer_of[node as usize]?;
        Some(Operand { at, shape: self.graph.node(node).shape })
    }

    fn stored(&self, node: u32) -> Operand {
        self.operand(node).expect("a value that is stored")
    }

    /// Turns planned steps into instructions.
    fn emit(&mut self, schedule: &Schedule<T>) {
        for segment in &schedule.segments {
            let start = self.execution.code.len();
            let mut sums = Sums::new();
            let mut windows = Vec::new();
            for planned in &segment.steps {
                let instruction = self.instruction(schedule, planned, &mut sums);
                if let Instruction::Fused { pass, .. } = &instruction {
                    self.register_count = self.register_count.max(pass.registers());
                }
                self.execution.code.push(instruction);
                windows.extend(self.windows_of(planned));
            }
            if start < self.execution.code.len() {
                let (tiled, code) = (segment.tiled, start..self.execution.code.len());
                let windows = if tiled { windows } else { Vec::new() };
                let Sums { sums, numbers, scaled } = sums;
                self.execution.segments.push(Segment { tiled, code, sums, numbers, scaled, windows });
            }
        }
    }

    /// The whole buffers of which a step of a loop writes columns.
    fn windows_of(&self, planned: &Planned) -> impl Iterator<Item = (u32, usize)> {
        let nodes: &[u32] = match planned {
            Planned::Single(node) | Planned::Product(Epilogued { node, .. }) => std::slice::from_ref(node),
            Planned::Fused { nodes, .. } => nodes,
            Planned::Accumulate(_) => &[],
        };
        nodes.iter().filter_map(|&node| match self.operand(node)? {
            Operand { at: Buffer::Whole(buffer), shape } => Some((buffer, shape.rows.at(0))),
            Operand { at: Buffer::Tile(_), .. } => None,
        })
    }

    fn instruction(&self, schedule: &Schedule<T>, planned: &Planned, sums: &mut Sums<T>) -> Instruction<T> {
        let parts = |node: u32| {
            let Node { op, operands, .. } = self.graph.node(node);
            (op.clone(), operands.iter().map(|&operand| self.stored(operand)))
        };
        match planned {
            Planned::Single(node) => {
                let (op, operands) = parts(*node);
                let (operands, out) = (operands.collect(), self.stored(*node));
                Instruction::Single { node: *node, op, operands, out }
            }
            Planned::Product(Epilogued { product, next, node, other }) => {
                let Node { op: Op::Matmul(matmul), operands, .. } = self.graph.node(*product) else {
                    unreachable!("it was planned as a product")
                };
                let operands = [operands[0], operands[1], *other].map(|operand| self.stored(operand));
                let (product, node, out) = (*product, *node, self.stored(*node));
                Instruction::Product { product, node, matmul: *matmul, next: *next, operands, out }
            }
            Planned::Accumulate(node) => {
                let (op, operands) = parts(*node);
                let operands = operands.collect();
                let (result, scaling) = schedule.folded[*node as usize].unwrap_or((*node, Scaling::ONE));
                let at = sums.place(self.stored(result), scaling);
                Instruction::Accumulate { node: result, op, operands, at, scaling }
            }
            Planned::Fused { nodes, sums: of_pass } => {
                let operand = |node| self.operand(node);
                let place = |node, scaling| sums.place(self.stored(node), scaling);
                let pass = Fused::assemble(&self.graph, schedule, operand, place, nodes, of_pass);
                Instruction::Fused { node: *nodes.last().expect("a pass has nodes"), pass }
            }
        }
    }

    fn label_of(&self, leaf: &LeafState<T>) -> String {
        self.label_of_leaf(leaf.node)
    }
}

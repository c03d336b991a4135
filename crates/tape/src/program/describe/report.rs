//! What a program says of itself before it runs.

use std::fmt;

use crate::error::printable;
use crate::ops::scale::Scaling;
use crate::program::Program;
use crate::program::Rewrite;
use crate::program::code::{Instruction, OnBuffers};
use crate::program::ids::NodeId;
use crate::program::operand::Buffer;
use crate::program::run::cost::{PartialSums, Shares};
use crate::program::run::small::Small;
use crate::{Scalar, Shape};

/// One step of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProgramStep {
    /// The operation, or the operations that are fused into one pass; those last that only say
    /// which shape an output has.
    pub operations: Vec<String>,
    /// The name or number of the tape's entry that the step computes; of a fused pass, the last
    /// one.
    pub entry: String,
    /// The names or numbers of the operands of a step that is not fused.
    pub operands: Vec<String>,
    /// The shape of the result.
    pub shape: Shape,
    /// The buffer that holds the result, `None` for a pass with several; it is used again after the
    /// result's last use.
    pub buffer: Option<String>,
    /// Whether the step runs again for every tile of examples.
    pub tiled: bool,
    /// Whether its result is a sum that is added up tile by tile.
    pub accumulates: bool,
}

/// # Steps and costs
impl<T: Scalar> Program<T> {
    /// The rewrites that made this program of what the tape has recorded, each once, with the
    /// number of times that it fired.
    ///
    /// ```
    /// use tape::{Options, Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let z = tape.parameter("z", &matrix![[-800.0]]);
    /// let j = -z.sigmoid().ln();
    /// let program = tape.compile([j])?;
    /// assert_eq!(program.rewrites().map(|rule| rule.name).collect::<Vec<_>>(), ["logarithm of a sigmoid"]);
    /// assert_eq!(tape.compile_with([j], Options::literal())?.rewrites().count(), 0);
    /// # Ok::<(), tape::Error>(())
    /// ```
    pub fn rewrites(&self) -> impl Iterator<Item = Rewrite> + '_ {
        self.graph.fired.iter().copied()
    }

    /// The steps of one run, in order.
    pub fn steps(&self) -> impl Iterator<Item = ProgramStep> + '_ {
        T::program_steps(self).into_iter()
    }

    pub(crate) fn steps_here(&self) -> Vec<ProgramStep> {
        let of_segment = |segment: &crate::program::code::Segment<T>| {
            segment.code.clone().map(|at| (segment.tiled, at)).collect::<Vec<_>>()
        };
        self.code
            .segments
            .iter()
            .flat_map(of_segment)
            .map(|(tiled, at)| self.step(&self.code.instructions[at], tiled))
            .collect()
    }

    fn step(&self, instruction: &Instruction<T, OnBuffers>, tiled: bool) -> ProgramStep {
        let name = |node: NodeId| self.graph.node(node).op.rule().name().into_owned();
        let (mut operations, out) = match instruction {
            Instruction::Single { node, out, .. } => (vec![name(*node)], Some(*out)),
            Instruction::Product { product, node, out, .. } => {
                ([*product, *node].map(name).into(), Some(*out))
            }
            Instruction::Accumulate { contraction, sum, scaling, .. } => {
                let name = name(*contraction);
                let name = if *scaling == Scaling::ONE { name } else { format!("{scaling} · {name}") };
                (vec![name], Some(sum.out))
            }
            Instruction::Pass { pass, .. } => (pass.operations().collect(), None),
        };
        let node = instruction.node();
        let operands = match instruction {
            Instruction::Pass { .. } => Vec::new(),
            Instruction::Single { .. } => self.operands_of(node),
            Instruction::Product { product, .. } => {
                let mut operands = self.operands_of(*product);
                let others = self.graph.node(node).operands.iter().filter(|operand| *operand != product);
                operands.extend(others.map(|&other| self.graph.about[other].to_string()));
                operands
            }
            Instruction::Accumulate { contraction, .. } => self.operands_of(*contraction),
        };
        let folds = self.graph.folds_to_output(node);
        operations.extend(folds.iter().copied().map(name));
        let made = folds.last().copied().unwrap_or(node);
        ProgramStep {
            operations,
            entry: self.graph.about[made].to_string(),
            operands,
            shape: self.graph.node(made).shape,
            buffer: out.map(|out| buffer_name(out.at)),
            tiled,
            accumulates: matches!(instruction, Instruction::Accumulate { .. }),
        }
    }

    fn operands_of(&self, node: NodeId) -> Vec<String> {
        self.graph.node(node).operands.iter().map(|&operand| self.graph.about[operand].to_string()).collect()
    }

    /// Floating-point operations of one run on `m` examples; a function of one number counts as
    /// one.
    pub fn flops(&self, m: usize) -> u64 {
        T::program_flops(self, m)
    }

    pub(crate) fn flops_here(&self, m: usize) -> u64 {
        let flops = self.graph.nodes.iter().map(|node| self.graph.flops(node, m));
        flops.fold(0, u64::saturating_add)
    }

    /// Bytes of all buffers for runs on `m` examples, leaves and outputs included, with as many
    /// [threads](Program::threads) as they can make use of.
    pub fn peak_bytes(&self, m: usize) -> usize {
        T::program_peak_bytes(self, m)
    }

    pub(crate) fn peak_bytes_here(&self, m: usize) -> usize {
        let shares = self.shares(m, true);
        let Shares { threads, partial_sums: PartialSums { parts, numbers }, .. } = shares;
        let whole = self.plan.whole.ids().map(|buffer| self.plan.whole_len(buffer, m).unwrap_or(usize::MAX));
        let rows = self.plan.tile.iter().fold(0, |rows: usize, &more| rows.saturating_add(more));
        let tiles = rows.saturating_mul(self.machine.execution.tile.min(m)).saturating_mul(shares.workers());
        let registers = self.code.registers.saturating_mul(self.register_len(m)).saturating_mul(threads);
        let (code, memory) = (&self.code.instructions, &self.machine.execution.memory);
        let small = match self.may_be_small(shares) {
            true => Small::numbers(code, &self.plan, memory.leaves.len(), m),
            false => 0,
        };
        let sums = parts.saturating_mul(numbers);
        let kept =
            self.leaves.states.iter().filter(|leaf| leaf.kept.is_some()).map(|leaf| leaf.at.shape.at(m));
        let kept = kept.map(|(rows, columns)| rows.saturating_mul(columns)).fold(0, usize::saturating_add);
        let rest =
            tiles.saturating_add(registers).saturating_add(sums).saturating_add(small).saturating_add(kept);
        whole.fold(rest, usize::saturating_add).saturating_mul(size_of::<T>())
    }

    /// How many threads a run on `m` examples can make use of: at most what
    /// [`Options`](crate::Options) allow, and no more than its work is worth. That is less outside
    /// of [`Threads::install`](crate::Threads::install): a short run stays on one thread there if
    /// it would have to wake others, or takes no longer than to hand it over.
    pub fn threads(&self, m: usize) -> usize {
        T::program_threads(self, m)
    }

    pub(crate) fn threads_here(&self, m: usize) -> usize {
        self.shares(m, true).threads
    }

    /// Number of buffers.
    pub fn buffers(&self) -> usize {
        self.plan.whole.len() + self.plan.tile.len()
    }

    /// Most columns of a tile.
    pub fn tile_columns(&self) -> usize {
        self.machine.execution.tile
    }
}

fn buffer_name(buffer: Buffer) -> String {
    match buffer {
        Buffer::Whole(buffer) => format!("b{buffer}"),
        Buffer::Tile(buffer) => format!("t{buffer}"),
    }
}

/// The steps with their operands, shapes and buffers: b0, b1, … hold whole values, t0, t1, … those
/// of one tile.
impl<T: Scalar> fmt::Display for Program<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::program_display(self, f)
    }
}

impl<T: Scalar> Program<T> {
    pub(crate) fn display_here(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (steps, leaves) = (self.code.instructions.len(), self.leaves.states.len());
        let (whole, tile) = (self.plan.whole.len(), self.plan.tile.len());
        writeln!(
            f,
            "program in {}: {leaves} leaves, {steps} steps, {whole} buffers, {tile} of a tile",
            T::NAME
        )?;
        for leaf in &self.leaves.states {
            let kind = leaf.kind.name();
            let (at, name) = (buffer_name(leaf.at.at), &self.graph.about[leaf.node]);
            writeln!(f, "  {at:>4}  {kind} {name}: {}", leaf.at.shape)?;
        }
        let mut loops = 0;
        for segment in &self.code.segments {
            if segment.tiled {
                loops += 1;
                let again =
                    if loops > 1 { ", which needs sums over all examples of the one before" } else { "" };
                writeln!(f, "  for every tile of at most {} examples{again}:", self.machine.execution.tile)?;
            }
            for at in segment.code.clone() {
                let step = self.step(&self.code.instructions[at], segment.tiled);
                let indent = if segment.tiled { "    " } else { "  " };
                let buffer = step.buffer.as_deref().unwrap_or("");
                let arrow = if step.accumulates { "+=" } else { "= " };
                let operations = step.operations.join("; ");
                let operations = printable(&operations);
                let operands = match step.operands.is_empty() {
                    true => String::new(),
                    false => format!("({})", step.operands.join(", ")),
                };
                let entry = if step.entry.starts_with('%') { "" } else { &step.entry };
                writeln!(
                    f,
                    "{indent}{at:>3}  {buffer:>4} {arrow} {operations}{operands}: {}  {entry}",
                    step.shape
                )?;
            }
        }
        Ok(())
    }
}

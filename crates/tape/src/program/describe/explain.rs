//! How a program was made, stage by stage, and how it is run.

use std::fmt::{self, Write};

use crate::Scalar;
use crate::error::printable;
use crate::program::Program;
use crate::program::code::{Instruction, SumNodes};
use crate::program::compile::fuse::Steps;
use crate::program::compile::graph::Node;
use crate::program::compile::schedule::Schedule;
use crate::program::compile::{fuse, schedule};
use crate::program::ids::NodeId;
use crate::program::operand::Buffer;
use crate::program::run::way::{SegmentWay, Way};
use crate::tape::notation::Notation;

/// Columns of a line that lists nodes.
const WIDTH: usize = 96;

/// # Explaining
impl<T: Scalar> Program<T> {
    /// How the program was made, stage by stage, and how a run on `m` examples goes: what was
    /// lowered, which rewrites fired, what runs in loops over tiles, what was fused, which buffers
    /// are used again, the steps, and the threads that a run is worth.
    ///
    /// Nodes are called n0, n1, …; `docs/ARCHITECTURE.md` reads such a text line by line.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let w = tape.parameter("w", &matrix![[2.0, 1.0]]);
    /// let x = tape.examples_unbound("x", 2);
    /// let a = w.matmul(x).sigmoid();
    /// let program = tape.compile([1.0 - a])?;
    /// let text = program.explain(100);
    /// assert!(text.contains("complement: 1 − σ(Z) = σ(−Z)"), "{text}");
    /// assert!(text.contains("m = 100: the small way, on one thread"), "{text}");
    /// # Ok::<(), tape::Error>(())
    /// ```
    pub fn explain(&self, m: usize) -> String {
        T::program_explain(self, m)
    }

    pub(crate) fn explain_here(&self, m: usize) -> String {
        let mut text = String::new();
        self.write_explanation(m, &mut text).expect("a string takes what is written");
        text
    }

    fn write_explanation(&self, m: usize, f: &mut String) -> fmt::Result {
        self.write_graph(f)?;
        self.write_rewrites(f)?;
        let schedule = schedule(&self.graph, self.code.fused);
        let segments = fuse(&self.graph, &schedule);
        self.write_schedule(&schedule, f)?;
        self.write_steps(&segments, f)?;
        self.write_buffers(f)?;
        write!(f, "\n6 emit: {self}")?;
        self.write_run(m, f)
    }

    fn write_graph(&self, f: &mut String) -> fmt::Result {
        writeln!(f, "1 lower: {} nodes, which the outputs need", self.graph.nodes.len())?;
        for (id, node) in self.graph.nodes.enumerated() {
            let about = &self.graph.about[id];
            let name = if about.is_named() { about.to_string() } else { String::new() };
            let line = format!("  {:<5} {:<44} {:<9} {name}", format!("n{id}"), operation(node), node.shape);
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }

    fn write_rewrites(&self, f: &mut String) -> fmt::Result {
        let fired = &self.graph.fired;
        writeln!(f, "\n2 rewrite: {}", if fired.is_empty() { "nothing" } else { "as the nodes were added" })?;
        for rule in fired {
            writeln!(f, "  {} × {}: {} ({})", rule.times, rule.name, rule.identity, rule.condition)?;
        }
        Ok(())
    }

    fn write_schedule(&self, schedule: &Schedule<T>, f: &mut String) -> fmt::Result {
        writeln!(f, "\n3 schedule: what runs whole, and what in loops over tiles of examples")?;
        for segment in schedule.segments.iter().filter(|segment| !segment.nodes.is_empty()) {
            let nodes = segment.nodes.iter().map(|id| format!("n{id}")).collect::<Vec<_>>();
            write_list(if segment.tiled { "loop" } else { "whole" }, &nodes, f)?;
        }
        let scaled = schedule.folded.enumerated();
        for (id, (by, scaling)) in scaled.filter_map(|(id, folded)| Some((id, (*folded)?))) {
            writeln!(f, "  n{by} = {scaling} · n{id} is the last step of the sum n{id}")?;
        }
        Ok(())
    }

    fn write_steps(&self, segments: &[Steps<T>], f: &mut String) -> fmt::Result {
        let count: usize = segments.iter().map(|segment| segment.steps.len()).sum();
        writeln!(f, "\n4 fuse: {count} steps")?;
        let name = |id: NodeId| self.graph.node(id).op.rule().name().into_owned();
        let with_name = |id: &NodeId| format!("n{id} {}", printable(&name(*id)));
        for Steps { tiled, steps } in segments {
            let place = if *tiled { "loop" } else { "whole" };
            for step in steps {
                let what = match step {
                    Instruction::Single { node, .. } => with_name(node),
                    Instruction::Product { product, node, .. } => {
                        format!("{}, which does {} as it stores", with_name(product), with_name(node))
                    }
                    Instruction::Pass { pass, .. } => {
                        let nodes = pass.nodes.iter().map(with_name).collect::<Vec<_>>().join(", ");
                        let sum = |sum: &SumNodes<T>| format!(", summed by n{}", sum.contraction);
                        let sums = pass.sums.iter().map(sum).collect::<String>();
                        format!("a pass: {nodes}{sums}")
                    }
                    Instruction::Accumulate { contraction, node, .. } => {
                        let scaled = match node == contraction {
                            true => String::new(),
                            false => format!(", scaled: n{node}"),
                        };
                        format!("{}, added up tile by tile{scaled}", with_name(contraction))
                    }
                };
                writeln!(f, "  {place:<6} {what}")?;
            }
        }
        Ok(())
    }

    fn write_buffers(&self, f: &mut String) -> fmt::Result {
        let (whole, tile) = (self.plan.whole.len(), self.plan.tile.len());
        writeln!(f, "\n5 place: {whole} buffers b0, b1, … of whole values, {tile} t0, t1, … of a tile")?;
        let place = |id: NodeId| self.operand(id).map(|operand| operand.at);
        let holds = |buffer: Buffer| {
            let here = self.graph.nodes.ids().filter(|&id| place(id) == Some(buffer));
            here.map(|id| format!("n{id}")).collect::<Vec<_>>()
        };
        for buffer in self.plan.whole.ids() {
            write_list(&format!("b{buffer}"), &holds(Buffer::Whole(buffer)), f)?;
        }
        for buffer in self.plan.tile.ids() {
            write_list(&format!("t{buffer}"), &holds(Buffer::Tile(buffer)), f)?;
        }
        let inside = self.graph.nodes.ids().filter(|&id| place(id).is_none()).count();
        writeln!(f, "  {inside} values exist inside of a step alone")
    }

    fn write_run(&self, m: usize, f: &mut String) -> fmt::Result {
        let threads = match self.threads(m) {
            1 => "on one thread".to_owned(),
            threads => format!("on {threads} threads"),
        };
        let way = match self.way(m) {
            Way::Small => "the small way".to_owned(),
            Way::Segments(ways) => self.describe_ways(&ways, m),
        };
        write!(f, "\nrun on m = {m}: {way}, {threads}; ")?;
        writeln!(f, "{} floating-point operations, {} bytes", self.flops(m), self.peak_bytes(m))
    }

    /// How the segments run on m examples; whole steps are not worth a word beside loops.
    fn describe_ways(&self, ways: &[SegmentWay], m: usize) -> String {
        let describe = |way: &SegmentWay| match way {
            SegmentWay::Whole => None,
            SegmentWay::Tiled(spans) => {
                let tiles = format!("tiles of at most {} of the examples", self.tile_columns().min(m));
                Some(match spans.count {
                    0 | 1 => tiles,
                    parts => format!("{tiles}, in {parts} parts with sums of their own"),
                })
            }
            SegmentWay::ColumnParallel => Some("some columns of every step on each thread".to_owned()),
        };
        let loops: Vec<String> = ways.iter().filter_map(describe).collect();
        if loops.is_empty() { "whole steps".to_owned() } else { loops.join("; then ") }
    }
}

/// `matmul n0ᵀ, n2`, `1/m · n3`.
fn operation<T: Scalar>(node: &Node<T>) -> String {
    let (is_transposed, sign) = match node.op.rule().notation() {
        Notation::Factor(factor) => return format!("{factor} · n{}", node.operands[0]),
        Notation::Literal(number) => return number,
        Notation::Product { left, right } => ([left, right], "ᵀ"),
        Notation::BlockProduct { left, right } => ([left, right], "ᵀᵢ"),
        _ => ([false; 2], ""),
    };
    let operand = |(i, operand): (usize, &NodeId)| match is_transposed.get(i) {
        Some(true) => format!("n{operand}{sign}"),
        Some(false) | None => format!("n{operand}"),
    };
    let operands: Vec<String> = node.operands.iter().enumerate().map(operand).collect();
    format!("{} {}", printable(&node.op.rule().name()), operands.join(", ")).trim_end().to_owned()
}

/// A list behind its head, on as many lines as it needs.
fn write_list(head: &str, items: &[String], f: &mut String) -> fmt::Result {
    let mut line = format!("  {head:<6}");
    for item in items {
        if line.chars().count() + 1 + item.chars().count() > WIDTH {
            writeln!(f, "{line}")?;
            line = format!("  {:<6}", "");
        }
        write!(line, " {item}")?;
    }
    writeln!(f, "{line}")
}

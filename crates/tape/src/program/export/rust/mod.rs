//! A program as source text in Rust.

mod elements;
mod library;
mod names;
mod products;
mod steps;
mod structure;
#[cfg(test)]
mod tests;

use std::fmt::{Display, Write};

use crate::error::printable;
use crate::numbers::kernel::simd;
use crate::numbers::matrix::size;
use crate::ops::Op;
use crate::ops::leaf::LeafKind;
use crate::program::Program;
use crate::program::bind::leaves::LeafState;
use crate::program::compile::about::Origin;
use crate::program::compile::{fuse, schedule};
use crate::program::ids::NodeId;
use crate::tape::ids::IdVec;
use crate::{Error, Result, Scalar};
use library::Numbers;
use names::Names;

/// What messages call the format.
const FORMAT: &str = "Rust source";

/// How x·y + z is written.
///
/// Kernels of processors that multiply and add in one instruction round once, and their bits come
/// of it. Rust has that operation in `std` alone. A prediction of a network 30-16-1 in f64, on a
/// Xeon: 66 ns by `Std` with the instruction, 109 ns by `Twice`, 16 µs by `Software`; by a program
/// 179 ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum MultiplyAdd {
    /// Rounded once, in whole numbers: the bits of the program on this machine, without the
    /// standard library, and slow. The function `fused` of the text may be replaced by what the
    /// target has for it.
    #[default]
    Software,
    /// Rounded once, by `mul_add` of the standard library: the same bits, an instruction where the
    /// target has one (`-C target-feature=+fma` on x86-64).
    Std,
    /// Rounded twice, which is quick everywhere: the bits of programs under `TAPE_SIMD=baseline`.
    Twice,
}

/// How [`Program::to_rust`] writes a program.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "options have an effect where a program is written with them"]
pub struct RustSource {
    name: String,
    examples: usize,
    parameters_as_arguments: bool,
    multiply_add: MultiplyAdd,
    equations: String,
}

impl RustSource {
    /// A function of this name, for one example, with the parameters as constants.
    pub fn new(name: impl Into<String>) -> Self {
        RustSource {
            name: name.into(),
            examples: 1,
            parameters_as_arguments: false,
            multiply_add: MultiplyAdd::default(),
            equations: String::new(),
        }
    }

    /// For how many examples the function is: m.
    pub fn examples(mut self, m: usize) -> Self {
        self.examples = m;
        self
    }

    /// Whether parameters are arguments, as a step of training needs them; by default they are
    /// constants with the values that they have now. Those whose shape depends on m are arguments
    /// always.
    pub fn parameters_as_arguments(mut self, arguments: bool) -> Self {
        self.parameters_as_arguments = arguments;
        self
    }

    /// How x·y + z is written.
    pub fn multiply_add(mut self, by: MultiplyAdd) -> Self {
        self.multiply_add = by;
        self
    }

    /// Equations for the comment of the function, as [`Tape::equations`](crate::Tape::equations)
    /// has them.
    pub fn equations(mut self, equations: impl Display) -> Self {
        self.equations = equations.to_string();
        self
    }
}

/// The kernels whose bits are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kernels {
    /// Bytes of a vector; 0 where a vector is one number.
    bytes: usize,
    /// Whether x·y + z is rounded once.
    fused: bool,
}

impl Kernels {
    fn of(source: &RustSource) -> Option<Self> {
        let set = match source.multiply_add {
            MultiplyAdd::Twice => "baseline",
            MultiplyAdd::Software | MultiplyAdd::Std => simd::instruction_set().ok()?,
        };
        match set {
            "avx512" => Some(Kernels { bytes: 64, fused: true }),
            "avx2" => Some(Kernels { bytes: 32, fused: true }),
            "neon" => Some(Kernels { bytes: 16, fused: true }),
            "baseline" => Some(Kernels { bytes: 0, fused: false }),
            _ => None,
        }
    }

    /// Numbers in a vector.
    fn lanes(self, single: bool) -> usize {
        (self.bytes / if single { 4 } else { 8 }).max(1)
    }
}

/// # Writing it as source
impl<T: Scalar> Program<T> {
    /// The program as source text of one Rust function and what it calls, to be compiled elsewhere:
    /// it needs neither this crate nor another one nor `std`, allocates nothing, has no `unsafe`,
    /// and gives the bits that the program gives on this machine.
    ///
    /// Arguments are arrays, column by column: what is given, by reference, then the outputs, of
    /// which those that are one value come once, by the name of the first. Each
    /// step has its formula as a comment. The functions exp, tanh, … are those of the kernels.
    ///
    /// ```
    /// use tape::{RustSource, Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let w = tape.parameter("W", &matrix![[0.5, -0.25]]);
    /// let x = tape.examples_unbound("X", 2);
    /// let a = w.matmul(x).sigmoid().named("A");
    /// let source = tape.compile([a])?.to_rust(&RustSource::new("predict"))?;
    /// assert!(source.contains("pub fn predict(x: &[f64; 2], a: &mut [f64; 1]) {"), "{source}");
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// What differs: the derivative of a log-loss whose label is neither 0 nor 1, or of a cross-entropy
    /// whose labels are not of one class, may do so in its last digits, and so may ln Σ exp where
    /// it is near 0; sin and cos beyond 10⁶ are NaN, and so is what an index names that there is not;
    /// labels are not looked at. Arrays are on the stack.
    ///
    /// # Errors
    /// [`Error::NotExportable`] for an operation that cannot be written: the user's own, noise,
    /// linear algebra, softmax of rows and its second derivatives, functions that
    /// the program takes from the standard library (unless by [`MultiplyAdd::Std`]); for sums over
    /// more than [`Options::CHUNK`](crate::Options::CHUNK) columns, and arrays beyond the address
    /// space; for a name that
    /// is no identifier, or one of what the function calls. [`Error::Unbound`] for a parameter or constant without a value;
    /// [`Error::InstructionSet`] as [`compile`](crate::Tape::compile).
    pub fn to_rust(&self, source: &RustSource) -> Result<String> {
        T::program_to_rust(self, source)
    }

    pub(crate) fn to_rust_here(&self, source: &RustSource) -> Result<String> {
        simd::instruction_set()?;
        let output = *self.graph.outputs.first().ok_or(Error::NotRun)?;
        if source.examples == 0 {
            return Err(self.not_exportable(FORMAT, output, "a function of no examples"));
        }
        let is_too_long = |&node: &NodeId| {
            let (rows, columns) = self.graph.node(node).shape.at(source.examples);
            size::<T>(rows, columns).is_err()
        };
        if let Some(node) = self.graph.nodes.ids().find(is_too_long) {
            return Err(self.not_exportable(FORMAT, node, "an array of so many elements there cannot be"));
        }
        let Some(kernels) = Kernels::of(source) else {
            return Err(self.not_exportable(
                FORMAT,
                output,
                "the order of this instruction set's sums is not written down",
            ));
        };
        let numbers = Numbers { is_single: T::NAME == "f32", kernels, multiply_add: source.multiply_add };
        let library = library::names(numbers);
        if !names::is_of_a_function(&source.name, &library) {
            let reason = format!("{} is no name of a function", printable(&source.name));
            return Err(self.not_exportable(FORMAT, output, reason));
        }
        let mut names = Names::new(&library);
        names.take(&source.name);
        let mut writer = Writer {
            program: self,
            source,
            numbers,
            names,
            places: IdVec::filled(None, self.graph.nodes.len()),
            constants: String::new(),
            arguments: Vec::new(),
            copied: Vec::new(),
            body: String::new(),
            depth: 1,
        };
        writer.leaves()?;
        writer.outputs();
        writer.steps()?;
        writer.copies();
        Ok(writer.text())
    }
}

/// Where a value of the graph is in the text.
#[derive(Debug, Clone)]
enum Place {
    /// An array, by an expression that is indexed.
    Array(String),
    /// A variable of the loop that is being written.
    Variable(String),
    /// A number.
    Number(String),
}

/// A program on its way into a text.
struct Writer<'p, T: Scalar> {
    program: &'p Program<T>,
    source: &'p RustSource,
    numbers: Numbers,
    names: Names,
    places: IdVec<NodeId, Option<Place>>,
    /// Those that are parameters.
    constants: String,
    arguments: Vec<String>,
    /// Outputs that no step computes, with their arguments.
    copied: Vec<(NodeId, String)>,
    body: String,
    depth: usize,
}

impl<T: Scalar> Writer<'_, T> {
    /// The shape of a value for the examples that the function is for.
    fn shape(&self, node: NodeId) -> (usize, usize) {
        self.program.graph.node(node).shape.at(self.source.examples)
    }

    fn len(&self, node: NodeId) -> usize {
        let (rows, columns) = self.shape(node);
        rows * columns
    }

    fn refused<R>(&self, node: NodeId, reason: impl Into<String>) -> Result<R> {
        Err(self.program.not_exportable(FORMAT, node, reason))
    }

    /// Writes a line of the body.
    fn line(&mut self, text: &str) {
        if text.starts_with('}') {
            self.depth -= 1;
        }
        writeln!(self.body, "{:width$}{text}", "", width = 4 * self.depth).expect("a string takes it");
        if text.ends_with('{') {
            self.depth += 1;
        }
    }

    /// What a comment calls a value.
    fn label(&self, node: NodeId) -> String {
        let is_whole = self.program.graph.origins[node].1 == Origin::Whole;
        let of = self.program.graph.node(node);
        match of.op.number() {
            Some(number) => number.to_string(),
            None if is_whole || of.op.leaf().is_some() => {
                printable(&self.program.graph.about[node].to_string()).to_string()
            }
            None => format!("n{node}"),
        }
    }

    /// An identifier for a value.
    fn identifier(&mut self, node: NodeId) -> String {
        let label = self.label(node);
        self.names.identifier(&label)
    }

    /// Whether a leaf is given with each call.
    fn is_argument(&self, leaf: &LeafState<T>) -> bool {
        match leaf.kind {
            LeafKind::Examples | LeafKind::Noise(_) => true,
            // What has columns of examples now has those of other examples then.
            _ if leaf.at.shape.depends_on_m() => true,
            LeafKind::Parameter => self.source.parameters_as_arguments,
            LeafKind::Constant => false,
        }
    }

    fn leaves(&mut self) -> Result<()> {
        for leaf in self.program.exported_leaves() {
            if let LeafKind::Noise(_) = leaf.kind {
                return self.refused(leaf.node, "noise is drawn by the program itself");
            }
            let is_argument = self.is_argument(leaf);
            let identifier = self.identifier(leaf.node);
            let identifier = if is_argument { identifier } else { self.constant(leaf, &identifier)? };
            if is_argument {
                let (of, len) = (self.numbers.name(), self.len(leaf.node));
                self.arguments.push(format!("{identifier}: &[{of}; {len}]"));
            }
            self.places[leaf.node] = Some(Place::Array(identifier));
        }
        Ok(())
    }

    /// A parameter as a constant; its name.
    fn constant(&mut self, leaf: &LeafState<T>, identifier: &str) -> Result<String> {
        let values = self.program.value_of(leaf)?;
        let name = self.names.free(&identifier.to_uppercase());
        let (rows, columns) = values.shape();
        let list = self.numbers.list(values.as_slice().iter().map(|x| x.to_f64()));
        let label = self.label(leaf.node);
        writeln!(
            self.constants,
            "/// {label}, {rows} × {columns}, column by column.\nstatic {name}: [{}; {}] = {list};\n",
            self.numbers.name(),
            rows * columns
        )
        .expect("a string takes it");
        Ok(name)
    }

    /// The arguments that take outputs: steps write what they compute there. What no step computes
    /// is copied in the end.
    fn outputs(&mut self) {
        let graph = &self.program.graph;
        let mut seen = rustc_hash::FxHashSet::default();
        for (&node, asked) in graph.outputs.iter().zip(&graph.asked) {
            if !seen.insert(node) {
                continue;
            }
            let holder = graph.holder(node);
            let is_copied = self.places[holder].is_some() || graph.node(node).op.number().is_some();
            let name = if is_copied { format!("{asked} out") } else { asked.to_string() };
            let (identifier, of, len) = (self.names.identifier(&name), self.numbers.name(), self.len(node));
            self.arguments.push(format!("{identifier}: &mut [{of}; {len}]"));
            match is_copied {
                true => self.copied.push((node, identifier)),
                false => self.places[holder] = Some(Place::Array(identifier)),
            }
        }
    }

    /// Outputs that no step computes: leaves and numbers.
    fn copies(&mut self) {
        for (node, identifier) in std::mem::take(&mut self.copied) {
            let number = self.program.graph.node(node).op.number();
            let leaf = self.program.exported_leaves().find(|leaf| leaf.node == node);
            let value = match (number, leaf, &self.places[node]) {
                (Some(number), ..) => format!("[{}]", self.literal(number.at(self.source.examples))),
                (None, Some(leaf), Some(Place::Array(array))) if self.is_argument(leaf) => {
                    format!("*{array}")
                }
                (None, Some(_), Some(Place::Array(array))) => array.clone(),
                (None, ..) => unreachable!("leaves are arrays"),
            };
            self.line(&format!("*{identifier} = {value};"));
        }
    }

    fn literal(&self, x: T) -> String {
        self.numbers.literal(x.to_f64())
    }

    fn steps(&mut self) -> Result<()> {
        let fused = self.program.code.fused;
        let schedule = schedule(&self.program.graph, fused);
        for segment in fuse(&self.program.graph, &schedule) {
            for step in segment.steps {
                self.step(&step)?;
            }
        }
        Ok(())
    }

    /// Where a value is that is read.
    fn place(&self, node: NodeId) -> Place {
        let graph = &self.program.graph;
        if let Op::Number(number) = &graph.node(node).op {
            return Place::Number(self.literal(number.0.at(self.source.examples)));
        }
        let held = self.places[node].as_ref().or(self.places[graph.holder(node)].as_ref());
        held.expect("what is read has been computed").clone()
    }

    /// An array that holds a value.
    fn array(&mut self, node: NodeId) -> String {
        match self.place(node) {
            Place::Array(array) => array,
            Place::Number(number) => format!("[{number}]"),
            Place::Variable(_) => unreachable!("variables stay inside of their loop"),
        }
    }

    /// The array that a step writes, declared if it is no output.
    fn target(&mut self, node: NodeId) -> String {
        if let Some(Place::Array(array)) = &self.places[node] {
            return array.clone();
        }
        let identifier = self.identifier(node);
        let (of, len) = (self.numbers.name(), self.len(node));
        self.line(&format!("let mut {identifier}: [{of}; {len}] = [0.0; {len}];"));
        self.places[node] = Some(Place::Array(identifier.clone()));
        identifier
    }

    fn text(self) -> String {
        let Writer { source, numbers, constants, arguments, body, .. } = self;
        let mut text = String::from(
            "// Made by `tape`: what a program computes, in the same order and with the same rounding.\n\n",
        );
        let examples = if source.examples == 1 {
            "one example".to_owned()
        } else {
            format!("m = {} examples", source.examples)
        };
        let mut head = format!("/// Of {examples}; matrices are stored column by column.\n");
        if !source.equations.is_empty() {
            head.push_str("///\n/// ```text\n");
            for line in source.equations.lines() {
                head.push_str(&format!("/// {}\n", printable(line)));
            }
            head.push_str("/// ```\n");
        }
        head.push_str("#[allow(clippy::all, unused)]\n");
        let one_line = format!("pub fn {}({}) {{", source.name, arguments.join(", "));
        let signature = match one_line.len() <= 100 {
            true => one_line,
            false => format!("pub fn {}(\n    {},\n) {{", source.name, arguments.join(",\n    ")),
        };
        let function = format!("{head}{signature}\n{body}}}\n");
        let library = library::needed_by(&function, numbers);
        text.push_str(&constants);
        text.push_str(&function);
        if !library.is_empty() {
            text.push('\n');
            text.push_str(&library);
        }
        text
    }
}

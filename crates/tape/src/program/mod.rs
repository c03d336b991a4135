//! Programs: what is executed.

mod lower;
mod memory;
pub(crate) mod per_example;
mod report;
mod rewrite;
mod run;

use std::rc::Rc;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::error::Place;
use crate::op::{Op, Operand};
use crate::ops::leaf::LeafKind;
use crate::{Dim, Error, Matrix, MatrixMut, MatrixRef, Result, Scalar, Shape, Tape, Var};
use lower::{Graph, Origin};
use memory::Plan;

pub use report::Step;

/// How a program is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Whether local rewrites replace naive formulas by stable ones. Without them the program computes the tape entry by
    /// entry, as it stands there: for comparisons.
    pub rewrites: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { rewrites: true }
    }
}

impl Options {
    /// No rewrites: entry by entry.
    pub fn literal() -> Self {
        Options { rewrites: false }
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
    code: Vec<Instruction<T>>,
    leaves: Vec<LeafState>,
    /// Of outputs and leaves, by the tape's entry.
    found: FxHashMap<u32, Found>,
    plan: Plan,
    buffers: Vec<Vec<T>>,
    /// The tape's number of examples, for programs without a leaf that says it.
    default_m: Option<usize>,
    /// The number of examples that the buffers are sized for.
    m: Option<usize>,
    ran: bool,
}

/// One step: an operation from buffers to a buffer.
#[derive(Debug)]
struct Instruction<T: Scalar> {
    op: Op<T>,
    operands: SmallVec<[Operand; 3]>,
    out: Operand,
    about: About,
}

/// What error messages and reports say of a step.
#[derive(Debug, Clone)]
struct About {
    label: Box<str>,
    operands: SmallVec<[Box<str>; 3]>,
    place: Place,
}

#[derive(Debug)]
struct LeafState {
    label: Box<str>,
    kind: LeafKind,
    at: Operand,
    /// For leaves with one column (or row) per example: how many they hold now.
    m: Option<usize>,
    bound: bool,
}

/// Where a program keeps an output or a leaf.
#[derive(Debug, Clone, Copy)]
struct Found {
    at: Operand,
    leaf: Option<u32>,
}

impl<T: Scalar> Program<T> {
    pub(crate) fn compile(tape: &Tape<T>, outputs: &[Var<'_, T>], options: Options) -> Result<Self> {
        let graph = Graph::lower(tape, outputs, options.rewrites);
        let plan = Plan::new(&graph);
        let mut program = Program {
            tape: tape.id,
            code: Vec::with_capacity(graph.nodes.len()),
            leaves: Vec::new(),
            found: FxHashMap::default(),
            buffers: (0..plan.holds.len()).map(|_| Vec::new()).collect(),
            plan,
            default_m: tape.list.borrow().m.map(|(m, _)| m),
            m: None,
            ran: false,
        };
        program.emit(tape, &graph)?;
        for (output, &node) in outputs.iter().zip(&graph.outputs) {
            let at = program.operand(&graph, node);
            let leaf = program.found.get(&graph.origins[node as usize].0).and_then(|found| found.leaf);
            let leaf = leaf.filter(|_| matches!(graph.node(node).op, Op::Leaf(_)));
            program.found.insert(output.id, Found { at, leaf });
        }
        Ok(program)
    }

    fn operand(&self, graph: &Graph<T>, node: u32) -> Operand {
        Operand { buffer: self.plan.buffer_of[node as usize], shape: graph.node(node).shape }
    }

    /// Turns nodes into instructions, and puts the values of leaves and numbers into their buffers.
    fn emit(&mut self, tape: &Tape<T>, graph: &Graph<T>) -> Result<()> {
        let list = tape.list.borrow();
        for (id, node) in graph.nodes.iter().enumerate() {
            let origin = graph.origins[id].0;
            let out = self.operand(graph, id as u32);
            match &node.op {
                Op::Leaf(leaf) => {
                    let leaf = &list.leaves[leaf.index as usize];
                    self.add_leaf(origin, list.label(origin), leaf.kind, out, leaf.value.as_ref())?;
                }
                Op::Number(number) => self.buffers[out.buffer as usize] = vec![number.0],
                op => {
                    let label_of = |node: u32| -> Box<str> {
                        match graph.origins[node as usize] {
                            (entry, Origin::Whole) => list.label(entry).into(),
                            (entry, Origin::Part) => format!("part of {}", list.label(entry)).into(),
                        }
                    };
                    let about = About {
                        label: label_of(id as u32),
                        operands: node.operands.iter().map(|&operand| label_of(operand)).collect(),
                        place: list.notes[origin as usize].place,
                    };
                    let operands =
                        node.operands.iter().map(|&operand| self.operand(graph, operand)).collect();
                    self.code.push(Instruction { op: op.clone(), operands, out, about });
                }
            }
        }
        Ok(())
    }

    fn add_leaf(
        &mut self,
        origin: u32,
        label: String,
        kind: LeafKind,
        at: Operand,
        value: Option<&Rc<Matrix<T>>>,
    ) -> Result<()> {
        let leaf = self.leaves.len() as u32;
        self.found.insert(origin, Found { at, leaf: Some(leaf) });
        self.leaves.push(LeafState { label: label.into(), kind, at, m: None, bound: false });
        match value {
            Some(value) => self.fill_leaf(leaf, value.view()),
            None => Ok(()),
        }
    }

    /// Copies a matrix of the leaf's shape into its buffer.
    fn fill_leaf(&mut self, leaf: u32, value: MatrixRef<'_, T>) -> Result<()> {
        self.reserve_leaf(leaf, value.rows(), value.columns())?.copy_from_slice(value.as_slice());
        Ok(())
    }

    /// Makes room for a matrix of the leaf's shape, to be filled.
    fn reserve_leaf(&mut self, leaf: u32, rows: usize, columns: usize) -> Result<&mut [T]> {
        let state = &mut self.leaves[leaf as usize];
        let m = m_of(state.at.shape, (rows, columns)).ok_or_else(|| Error::BindShape {
            variable: state.label.to_string(),
            expected: state.at.shape.to_string(),
            found: format!("{rows}×{columns}"),
        })?;
        let buffer = &mut self.buffers[state.at.buffer as usize];
        run::resize(buffer, rows, columns)?;
        state.m = m;
        state.bound = true;
        Ok(&mut buffer[..rows * columns])
    }

    fn find(&self, variable: Var<'_, T>) -> Result<Found> {
        variable.sound()?;
        let variable = variable.settled();
        if variable.tape.id != self.tape {
            return Err(Error::ForeignVariable {
                operation: "program".into(),
                variable: variable.label(),
                at: variable.tape.list.borrow().notes[variable.id as usize].place,
            });
        }
        self.found
            .get(&variable.id)
            .copied()
            .ok_or_else(|| Error::NotInProgram { variable: variable.label() })
    }

    fn find_leaf(&self, variable: Var<'_, T>) -> Result<u32> {
        let found = self.find(variable)?;
        let reason = match found.leaf.map(|leaf| (leaf, self.leaves[leaf as usize].kind)) {
            Some((leaf, LeafKind::Parameter | LeafKind::Examples)) => return Ok(leaf),
            Some((_, LeafKind::Constant)) => {
                "is a constant: record it as a parameter or as examples to bind it"
            }
            None => "is not a leaf: only parameters and examples can be bound",
        };
        Err(Error::NotBindable { variable: variable.label(), reason })
    }

    /// Gives a parameter or examples another value; of examples, any number of columns.
    ///
    /// The results of the last run stay readable until the next one.
    ///
    /// # Errors
    /// [`Error::BindShape`], [`Error::NotBindable`], [`Error::NotInProgram`], [`Error::ForeignVariable`],
    /// [`Error::Allocation`].
    pub fn bind<'m>(&mut self, variable: Var<'_, T>, value: impl Into<MatrixRef<'m, T>>) -> Result<()> {
        let leaf = self.find_leaf(variable)?;
        self.fill_leaf(leaf, value.into())
    }

    /// Binds the columns of `value` that `examples` names, in that order, without a copy of the whole set first.
    ///
    /// # Errors
    /// As [`bind`](Program::bind).
    ///
    /// # Panics
    /// If `value` has no such column.
    pub fn bind_columns<'m>(
        &mut self,
        variable: Var<'_, T>,
        value: impl Into<MatrixRef<'m, T>>,
        examples: &[usize],
    ) -> Result<()> {
        let (leaf, value) = (self.find_leaf(variable)?, value.into());
        let data = self.reserve_leaf(leaf, value.rows(), examples.len())?;
        for (i, &example) in examples.iter().enumerate() {
            data[i * value.rows()..(i + 1) * value.rows()].copy_from_slice(value.column(example));
        }
        Ok(())
    }

    /// Changes a parameter in place, with an output at hand: `change` gets the parameter's values and the output's, both
    /// column-major.
    ///
    /// # Errors
    /// As [`view`](Program::view) and [`parameter_mut`](Program::parameter_mut).
    pub fn update(
        &mut self,
        parameter: Var<'_, T>,
        output: Var<'_, T>,
        change: impl FnOnce(&mut [T], &[T]),
    ) -> Result<()> {
        let length = self.parameter_mut(parameter)?.as_slice().len();
        let buffer = self.find(parameter)?.at.buffer as usize;
        if self.find(output)?.at.buffer as usize == buffer {
            return Err(Error::NotBindable { variable: parameter.label(), reason: "is the output itself" });
        }
        let mut data = std::mem::take(&mut self.buffers[buffer]);
        let changed = self.view(output).map(|output| change(&mut data[..length], output.as_slice()));
        self.buffers[buffer] = data;
        changed
    }

    /// The value of a leaf, to be written in place: an optimiser updates parameters here.
    ///
    /// # Errors
    /// [`Error::NotBindable`], [`Error::NotInProgram`], [`Error::ForeignVariable`], [`Error::Unbound`].
    pub fn parameter_mut(&mut self, variable: Var<'_, T>) -> Result<MatrixMut<'_, T>> {
        let leaf = &self.leaves[self.find_leaf(variable)? as usize];
        if !leaf.bound {
            return Err(Error::Unbound { variable: leaf.label.to_string() });
        }
        let (rows, columns) = leaf.at.shape.at(leaf.m.unwrap_or(0));
        MatrixMut::new(rows, columns, &mut self.buffers[leaf.at.buffer as usize][..rows * columns])
    }

    /// A view of an output's value after a run, or of a leaf's value.
    ///
    /// # Errors
    /// [`Error::NotRun`], [`Error::NotInProgram`], [`Error::ForeignVariable`], [`Error::Unbound`].
    pub fn view(&self, variable: Var<'_, T>) -> Result<MatrixRef<'_, T>> {
        let found = self.find(variable)?;
        let m = match found.leaf.map(|leaf| &self.leaves[leaf as usize]) {
            Some(leaf) if !leaf.bound => return Err(Error::Unbound { variable: leaf.label.to_string() }),
            Some(leaf) => leaf.m.unwrap_or(0),
            None if !self.ran => return Err(Error::NotRun),
            None => self.m.unwrap_or(0),
        };
        let (rows, columns) = found.at.shape.at(m);
        MatrixRef::new(rows, columns, &self.buffers[found.at.buffer as usize][..rows * columns])
    }

    /// The value of a 1 × 1 output after a run.
    ///
    /// # Errors
    /// As [`view`](Program::view), and [`Error::NotScalar`].
    pub fn scalar(&self, variable: Var<'_, T>) -> Result<T> {
        let view = self.view(variable)?;
        match view.as_slice() {
            [value] => Ok(*value),
            _ => Err(Error::NotScalar {
                variable: variable.label(),
                shape: format!("{}×{}", view.rows(), view.columns()),
            }),
        }
    }

    /// The number of examples that the next run works on, as far as the leaves agree on it.
    pub fn m(&self) -> Option<usize> {
        self.common_m().ok().flatten()
    }

    /// The number of examples of the leaves.
    fn common_m(&self) -> Result<Option<usize>> {
        let mut first: Option<(&LeafState, usize)> = None;
        for leaf in &self.leaves {
            match (leaf.m, first) {
                (Some(m), None) => first = Some((leaf, m)),
                (Some(second_m), Some((known, first_m))) if second_m != first_m => {
                    let (first, second) = (known.label.to_string(), leaf.label.to_string());
                    return Err(Error::ExamplesDiffer { first, first_m, second, second_m });
                }
                (Some(_) | None, _) => {}
            }
        }
        Ok(first.map(|(_, m)| m).or(self.default_m))
    }
}

/// The number of examples that a matrix of these numbers of rows and columns holds for a leaf of this shape: `Some(None)` if the
/// shape has no m, `None` if the matrix does not fit.
fn m_of(shape: Shape, (rows, columns): (usize, usize)) -> Option<Option<usize>> {
    let mut m = None;
    for (dim, found) in [(shape.rows, rows), (shape.columns, columns)] {
        match dim {
            Dim::Fixed(n) if n == found => {}
            Dim::M if m.is_none_or(|m| m == found) => m = Some(found),
            Dim::Fixed(_) | Dim::M => return None,
        }
    }
    Some(m)
}

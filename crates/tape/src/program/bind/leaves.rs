//! The leaves of a program, and what they hold.

use std::sync::{Arc, OnceLock};

use rustc_hash::FxHashMap;

use crate::numbers::aligned::Aligned;
use crate::ops::leaf::LeafKind;
use crate::program::Program;
use crate::program::bind::examples::{Unneeded, depends_on_m};
use crate::program::bind::indices::Table;
use crate::program::bind::labels::Unseen;
use crate::program::bind::named::Found;
use crate::program::bind::noise::NoiseState;
use crate::program::code::{Code, Instruction, OnBuffers};
use crate::program::compile::graph::Graph;
use crate::program::compile::place::Plan;
use crate::program::ids::{LeafId, NodeId, WholeId};
use crate::program::operand::{Accesses, Buffer, Few, Operand};
use crate::program::run::memory::{LeafValue, resize};
use crate::tape::List;
use crate::tape::ids::{EntryIndex, Id, IdVec};
use crate::{Dim, Error, Matrix, MatrixRef, Result, Scalar, Shape, Var};

/// What a program is given, and where its values are found.
#[derive(Debug)]
pub(in crate::program) struct Leaves<T: Scalar> {
    pub(in crate::program) states: IdVec<LeafId, LeafState<T>>,
    /// Outputs and leaves, by the tape's entry.
    pub(in crate::program) found: FxHashMap<EntryIndex, Found>,
    /// The first node that depends on the number of examples.
    pub(in crate::program) needs_m: Option<NodeId>,
    /// The number of examples where no leaf says it, for those who run a program on others' behalf.
    pub(in crate::program) default_m: Option<usize>,
    /// The tape's examples, where the program reads none and needs to know how many they are.
    pub(in crate::program) unneeded: Vec<Unneeded>,
    /// The number of examples that all leaves agree on, each having a value. Forgotten when one
    /// gets another: a run of a small network has no time to ask each leaf.
    pub(in crate::program) agreed_m: Option<usize>,
    /// Whether an output is a leaf that has changed since the last run.
    pub(in crate::program) has_kept: bool,
    /// Labels that no kernel looks at.
    pub(in crate::program) labels: Vec<Unseen>,
    pub(in crate::program) noise: NoiseState,
}

impl<T: Scalar> Leaves<T> {
    /// The leaves of a graph, without values yet.
    pub(in crate::program) fn new(graph: &Graph<T>, plan: &Plan, code: &Code<T>) -> Self {
        let (mut states, mut found) = (IdVec::new(), FxHashMap::default());
        let gatherable = gatherable(plan, code);
        for (node, _) in graph.nodes.enumerated().filter(|(_, node)| node.op.leaf().is_some()) {
            let at = plan.operand(graph, node).expect("a leaf is stored");
            let leaf = Some(states.push(LeafState::new(node, at, &gatherable)));
            let is_leaf = Found { at, node, leaf, is_leaf: true, is_output: false };
            found.insert(graph.origins[node].0, is_leaf);
        }
        Leaves {
            states,
            found,
            needs_m: graph.nodes.enumerated().find(|(_, node)| depends_on_m(node)).map(|(id, _)| id),
            default_m: None,
            unneeded: Vec::new(),
            agreed_m: None,
            has_kept: false,
            labels: Vec::new(),
            noise: NoiseState::default(),
        }
    }

    /// The same, with memory of their own for what they were in the last run.
    pub(in crate::program) fn try_clone(&self) -> Result<Self> {
        let mut states = IdVec::new();
        for state in &self.states {
            states.push(state.try_clone()?);
        }
        Ok(Leaves {
            states,
            found: self.found.clone(),
            needs_m: self.needs_m,
            default_m: self.default_m,
            unneeded: self.unneeded.clone(),
            agreed_m: self.agreed_m,
            has_kept: self.has_kept,
            labels: self.labels.clone(),
            noise: self.noise.clone(),
        })
    }

    /// Makes room for the leaves that are outputs too, of a run on m examples.
    pub(in crate::program) fn make_room(&mut self, m: usize) -> Result<()> {
        for LeafState { at, kept, .. } in &mut self.states {
            if let Some(Kept { values, .. }) = kept {
                let (rows, columns) = at.shape.at(m);
                resize(values, rows, columns)?;
            }
        }
        Ok(())
    }
}

/// What a program knows of a leaf.
#[derive(Debug)]
pub(in crate::program) struct LeafState<T: Scalar> {
    pub(in crate::program) node: NodeId,
    pub(in crate::program) kind: LeafKind,
    pub(in crate::program) at: Operand,
    /// For leaves with one column (or row) per example: how many they hold now.
    pub(in crate::program) m: Option<usize>,
    pub(in crate::program) bound: bool,
    /// The value that it has on the tape, until it is bound to another; for leaves with a column
    /// per example.
    pub(in crate::program) of_tape: Option<Arc<Matrix<T>>>,
    /// Whether all that read it can do so where its columns are not side by side.
    pub(in crate::program) is_gatherable: bool,
    /// The columns side by side, for those who look at a leaf whose columns are apart.
    pub(in crate::program) side_by_side: OnceLock<Matrix<T>>,
    /// The table whose columns it names.
    pub(in crate::program) table: Option<Table>,
    /// For a leaf that is an output too.
    pub(in crate::program) kept: Option<Kept<T>>,
    /// The number of the run after which it changed last.
    changed_after: Option<u64>,
}

/// What a leaf was in the last run: an output is a value of that run, also if the leaf has changed
/// since.
#[derive(Debug)]
pub(in crate::program) struct Kept<T> {
    pub(in crate::program) values: Aligned<T>,
    /// Whether the leaf has changed, and the values are here.
    pub(in crate::program) has_values: bool,
}

impl<T: Scalar> LeafState<T> {
    fn new(node: NodeId, at: Operand, gatherable: &IdVec<WholeId, bool>) -> Self {
        let Shape { rows, columns } = at.shape;
        LeafState {
            node,
            kind: LeafKind::Constant,
            at,
            m: None,
            bound: false,
            of_tape: None,
            is_gatherable: columns == Dim::M && rows != Dim::M && gatherable[at.at.whole()],
            side_by_side: OnceLock::new(),
            table: None,
            kept: None,
            changed_after: None,
        }
    }

    fn try_clone(&self) -> Result<Self> {
        let kept = match &self.kept {
            Some(Kept { values, has_values }) => {
                Some(Kept { values: values.try_clone()?, has_values: *has_values })
            }
            None => None,
        };
        Ok(LeafState {
            node: self.node,
            kind: self.kind,
            at: self.at,
            m: self.m,
            bound: self.bound,
            of_tape: self.of_tape.clone(),
            is_gatherable: self.is_gatherable,
            side_by_side: OnceLock::new(),
            table: self.table.clone(),
            kept,
            changed_after: self.changed_after,
        })
    }

    /// Whether the program draws it.
    pub(in crate::program) fn is_noise(&self) -> bool {
        matches!(self.kind, LeafKind::Noise(_))
    }

    /// Notes that the leaf is an output.
    pub(in crate::program) fn is_output(&mut self) {
        if self.kind != LeafKind::Constant {
            self.kept.get_or_insert_with(|| Kept { values: Aligned::empty(), has_values: false });
        }
    }
}

impl<T: Scalar> Program<T> {
    /// Takes the values that leaves have on the tape, and finds the outputs.
    pub(in crate::program) fn take_from_tape(&mut self, list: &List<T>, outputs: &[Var<'_, T>]) {
        for leaf in self.leaves.states.ids() {
            let Some(op) = self.graph.node(self.leaves.states[leaf].node).op.leaf() else { continue };
            let known = &list.leaves[op.index];
            let number = op.index.index();
            self.leaves.states[leaf].kind = known.kind;
            self.note_noise(leaf, number);
            if let Some(value) = &known.value {
                self.share_leaf(leaf, value);
            }
        }
        self.find_labels(list);
        self.find_tables(list);
        for (output, node) in outputs.iter().zip(self.graph.outputs.clone()) {
            let leaf = self.leaves.found.get(&self.graph.origins[node].0).and_then(|found| found.leaf);
            let is_leaf = self.leaves.found.get(&output.id).is_some_and(|found| found.is_leaf);
            let at = self.stored(node);
            self.leaves.found.insert(output.id, Found { at, node, leaf, is_leaf, is_output: true });
            if let Some(leaf) = leaf {
                self.leaves.states[leaf].is_output();
            }
        }
        self.find_unneeded_examples(list);
    }

    /// Lets a leaf use the tape's value, which has its shape.
    pub(in crate::program) fn share_leaf(&mut self, leaf: LeafId, value: &Arc<Matrix<T>>) {
        self.set_m_of_leaf(leaf, m_of(self.leaves.states[leaf].at.shape, value.shape()).flatten());
        let state = &mut self.leaves.states[leaf];
        // Of no use to parameters, which would keep it alive.
        state.of_tape = (state.at.shape.columns == Dim::M).then(|| value.clone());
        let buffer = state.at.at.whole();
        self.machine.execution.memory.set_leaf(buffer, LeafValue::Shared(value.clone()));
    }

    /// Notes that a leaf has a value, and how many examples that holds.
    pub(in crate::program) fn set_m_of_leaf(&mut self, leaf: LeafId, m: Option<usize>) {
        let state = &mut self.leaves.states[leaf];
        (state.m, state.bound) = (m, true);
        self.leaves.agreed_m = None;
    }

    /// The value of a leaf.
    pub(in crate::program) fn value_of<'a>(&'a self, leaf: &'a LeafState<T>) -> Result<MatrixRef<'a, T>> {
        if !leaf.bound {
            return Err(Error::Unbound { variable: self.label_of(leaf) });
        }
        let (rows, columns) = leaf.at.shape.at(leaf.m.unwrap_or(0));
        let memory = &self.machine.execution.memory;
        match memory.selection(leaf.at.at.whole()) {
            None => MatrixRef::new(rows, columns, &memory.whole(leaf.at.at.whole())[..rows * columns]),
            Some((of, chosen)) => match leaf.side_by_side.get() {
                Some(columns) => Ok(columns.view()),
                None => {
                    let columns = of.try_select_columns(chosen)?;
                    Ok(leaf.side_by_side.get_or_init(|| columns).view())
                }
            },
        }
    }

    /// The value that a leaf had in the last run.
    pub(in crate::program) fn value_in_run(&self, leaf: LeafId) -> Result<MatrixRef<'_, T>> {
        let leaf = &self.leaves.states[leaf];
        match &leaf.kept {
            Some(kept) if kept.has_values => {
                let (rows, columns) = leaf.at.shape.at(self.machine.m.unwrap_or(0));
                MatrixRef::new(rows, columns, &kept.values[..rows * columns])
            }
            Some(_) | None => self.value_of(leaf),
        }
    }

    /// Whether a leaf has changed since the last run.
    pub(in crate::program) fn has_changed(&self, leaf: LeafId) -> bool {
        self.leaves.states[leaf].changed_after == Some(self.machine.runs)
    }

    /// Notes that a leaf changes, and keeps what it was in the last run, if it is an output. The
    /// memory was made ready by the run.
    pub(in crate::program) fn keep(&mut self, leaf: LeafId) {
        let LeafState { at, kept, changed_after, .. } = &mut self.leaves.states[leaf];
        *changed_after = Some(self.machine.runs);
        let Some(kept) = kept.as_mut().filter(|kept| self.machine.ran && !kept.has_values) else { return };
        let (rows, columns) = at.shape.at(self.machine.m.unwrap_or(0));
        self.machine.execution.memory.copy_leaf(at.at.whole(), &mut kept.values[..rows * columns]);
        (kept.has_values, self.leaves.has_kept) = (true, true);
    }

    /// Forgets it when the outputs are those of another run.
    pub(in crate::program) fn forget_kept(&mut self) {
        if std::mem::take(&mut self.leaves.has_kept) {
            self.leaves
                .states
                .iter_mut()
                .filter_map(|leaf| leaf.kept.as_mut())
                .for_each(|kept| kept.has_values = false);
        }
    }

    /// What messages call a leaf: of several with one name also its number and where it was
    /// recorded.
    pub(in crate::program) fn label_of_leaf(&self, node: NodeId) -> String {
        let name = |node: NodeId| self.graph.about[node].to_string();
        let (label, place) = (name(node), self.graph.about[node].place);
        let is_other = |leaf: &LeafState<T>| leaf.node != node && name(leaf.node) == label;
        match self.leaves.states.iter().any(is_other) {
            true => format!("{label} (%{} of {place})", self.graph.origins[node].0),
            false => label,
        }
    }
}

/// For every buffer whether all that read it can do so where its columns are apart: products, on
/// the right.
fn gatherable<T: Scalar>(plan: &Plan, code: &Code<T>) -> IdVec<WholeId, bool> {
    let mut gatherable = IdVec::filled(true, plan.whole.len());
    for instruction in &code.instructions {
        for operand in instruction.reads_side_by_side() {
            if let Buffer::Whole(buffer) = operand.at {
                gatherable[buffer] = false;
            }
        }
    }
    gatherable
}

impl<T: Scalar> Instruction<T, OnBuffers> {
    /// The operands that it cannot read where their columns are apart: all but the right one of a
    /// product, unless that has several columns of each example, which are parts of one that may be
    /// apart.
    fn reads_side_by_side(&self) -> Few<Operand> {
        let mut reads = self.reads();
        let matmul = match self {
            Instruction::Product { matmul, .. } => Some(*matmul),
            Instruction::Single { op, .. } | Instruction::Accumulate { op, .. } => op.matmul(),
            Instruction::Pass { .. } => None,
        };
        let reads_selections = matmul.is_some_and(|matmul| matmul.reads_selections(reads[0].shape));
        if reads_selections && reads[1].shape.columns == Dim::M {
            reads.remove(1);
        }
        reads
    }
}

/// The number of examples that a matrix of these numbers of rows and columns holds for a leaf of
/// this shape: `Some(None)` if the shape has no m, `None` if the matrix does not fit.
pub(in crate::program) fn m_of(shape: Shape, (rows, columns): (usize, usize)) -> Option<Option<usize>> {
    let mut m = None;
    for (dim, found) in [(shape.rows, rows), (shape.columns, columns)] {
        match dim {
            Dim::Fixed(n) if n == found => {}
            Dim::Fixed(_) => return None,
            Dim::M | Dim::Multiple(_) => {
                let k = dim.at(1);
                let examples = found.is_multiple_of(k).then(|| found / k)?;
                if m.is_some_and(|m| m != examples) {
                    return None;
                }
                m = Some(examples);
            }
        }
    }
    Some(m)
}

#[cfg(test)]
mod tests {
    use crate::{Matrix, Options, Tape, Var};

    /// Whether so many columns of X are read where they are by what the outputs need.
    fn is_apart<'t>(outputs: impl IntoIterator<Item = Var<'t, f64>>, x: Var<'t, f64>, count: usize) -> bool {
        let mut program = x.tape().compile(outputs).unwrap();
        program.select_columns(x, &vec![3; count]).unwrap();
        program.run().unwrap();
        program.machine.execution.memory.has_selection()
    }

    #[test]
    fn products_read_columns_where_they_are() {
        let tape = Tape::new();
        let x = tape.examples("X", &Matrix::filled(64, 200, 0.25));
        let [w, b] =
            [(5, 64), (5, 1)].map(|(rows, columns)| tape.parameter("", &Matrix::filled(rows, columns, 0.5)));
        let j = (w.matmul(x) + b).tanh().mean();
        let gradients = || j.gradients([w, b]).into_iter().chain([j]);
        assert!(is_apart(gradients(), x, 128));
        assert!(!is_apart(gradients(), x, 127), "few numbers are copied");
        assert!(is_apart(gradients().chain([x]), x, 128), "to be an output is no use");
        assert!(!is_apart(j.gradients([w, x]).into_iter().chain([x.sum()]), x, 128));
        assert!(is_apart([w.matmul(x)], x, 128));
        let four = tape.parameter("four", &Matrix::filled(64, 4, 0.5));
        assert!(!is_apart([four.t().matmul(x)], x, 128), "few rows are other products");
        for left in [x.matmul(x.t()), x.t().matmul(w.t())] {
            assert!(!is_apart([left], x, 128), "a left operand");
        }
        let mut literal = tape.compile_with([w.matmul(x)], Options::literal()).unwrap();
        literal.select_columns(x, &[7; 128]).unwrap();
        assert!(literal.machine.execution.memory.has_selection());
        literal.parameter_mut(x).unwrap();
        assert!(!literal.machine.execution.memory.has_selection());
    }
}

//! How many examples a program works on, and who says so.

use crate::ops::leaf::LeafKind;
use crate::program::bind::leaves::{LeafState, m_of};
use crate::program::compile::graph::Node;
use crate::program::ids::NodeId;
use crate::tape::List;
use crate::tape::ids::EntryIndex;
use crate::{Dim, Error, Program, Result, Scalar, Shape};

/// Why columns of a variable cannot be selected.
pub(in crate::program) const NOT_OF_TAPE: &str =
    "has no value of the tape's now: columns are selected of that alone";

/// Of m examples there are no others to select.
pub(in crate::program) fn refuse_beyond(
    m: usize,
    examples: &[usize],
    variable: impl FnOnce() -> String,
) -> Result<()> {
    match examples.iter().find(|&&example| example >= m) {
        Some(&example) => Err(Error::NoExample { variable: variable(), example, m }),
        None => Ok(()),
    }
}

/// Examples of the tape that no output needs. Where the program reads no others they say m: ∂/∂b of
/// Σ(x + b) is m, whatever x is.
#[derive(Debug, Clone)]
pub(in crate::program) struct Unneeded {
    pub(in crate::program) entry: EntryIndex,
    name: String,
    pub(in crate::program) shape: Shape,
    m: Option<usize>,
    /// How many the tape has of them, until others are bound.
    of_tape: Option<usize>,
}

/// Whether a node's shape or value depends on the number of examples itself, and not only on what
/// its operands hold.
pub(in crate::program) fn depends_on_m<T: Scalar>(node: &Node<T>) -> bool {
    node.shape.depends_on_m() || node.op.power_of_m() != 0
}

/// # The number of examples
impl<T: Scalar> Program<T> {
    /// The number of examples that the next run works on, as far as the leaves agree on it. Where
    /// the program reads no examples, but depends on how many there are, those of the tape say it:
    /// they can be bound as ever, and only their number counts.
    pub fn m(&self) -> Option<usize> {
        T::program_m(self)
    }

    pub(crate) fn m_here(&self) -> Option<usize> {
        self.common_m().ok().flatten()
    }

    /// The number of examples of the leaves.
    pub(in crate::program) fn common_m(&self) -> Result<Option<usize>> {
        let says_m = |leaf: &&LeafState<T>| !leaf.is_noise();
        let leaves =
            self.leaves.states.iter().filter(says_m).filter_map(|leaf| Some((leaf.m?, Some(leaf), "")));
        if let Some(m) = self.agreed(leaves)?.or(self.leaves.default_m) {
            return Ok(Some(m));
        }
        self.agreed(self.leaves.unneeded.iter().filter_map(|x| Some((x.m?, None, x.name.as_str()))))
    }

    /// The one number that all say, each a leaf or a name.
    fn agreed<'a>(
        &self,
        mut said: impl Iterator<Item = (usize, Option<&'a LeafState<T>>, &'a str)>,
    ) -> Result<Option<usize>> {
        let Some(first) = said.next() else { return Ok(None) };
        let name = |leaf: Option<&LeafState<T>>, name: &str| {
            leaf.map_or_else(|| name.to_owned(), |leaf| self.label_of(leaf))
        };
        match said.find(|other| other.0 != first.0) {
            None => Ok(Some(first.0)),
            Some(other) => Err(Error::ExamplesDiffer {
                first: name(first.1, first.2),
                first_m: first.0,
                second: name(other.1, other.2),
                second_m: other.0,
                at: None,
            }),
        }
    }

    /// The number of examples, 0 if nothing depends on it.
    pub(crate) fn known_m(&self) -> Result<usize> {
        if let Some(m) = self.common_m()? {
            return Ok(m);
        }
        let Some(node) = self.leaves.needs_m else { return Ok(0) };
        let is_unbound = |leaf: &&LeafState<T>| leaf.kind == LeafKind::Examples && !leaf.bound;
        let of_leaves = || self.leaves.states.iter().find(is_unbound).map(|leaf| self.label_of(leaf));
        match of_leaves().or_else(|| self.leaves.unneeded.first().map(|examples| examples.name.clone())) {
            Some(variable) => Err(Error::Unbound { variable }),
            None => {
                let at = self.graph.about[node].place;
                Err(Error::UnknownExamples { entry: self.describe(node), at })
            }
        }
    }

    /// Sets the number of examples where no leaf says it.
    pub(in crate::program) fn set_default_m(&mut self, m: usize) {
        (self.leaves.default_m, self.leaves.agreed_m) = (Some(m), None);
    }

    /// The number of examples of the next run, if every leaf has a value and that number can be
    /// run.
    pub(in crate::program) fn m_of_run(&mut self) -> Result<usize> {
        if let Some(m) = self.leaves.agreed_m {
            return Ok(m);
        }
        if let Some(leaf) = self.leaves.states.iter().find(|leaf| !leaf.bound && !leaf.is_noise()) {
            return Err(Error::Unbound { variable: self.label_of(leaf) });
        }
        let m = self.known_m()?;
        if m == 0 {
            self.refuse_empty_mean()?;
        }
        self.leaves.agreed_m = Some(m);
        Ok(m)
    }

    /// Notes the tape's examples if the program depends on how many there are, and reads none.
    pub(in crate::program) fn find_unneeded_examples(&mut self, list: &List<T>) {
        let reads_examples = self.leaves.states.iter().any(|leaf| leaf.kind == LeafKind::Examples);
        if self.leaves.needs_m.is_none() || reads_examples {
            return;
        }
        for (entry, recorded) in list.entries.enumerated() {
            let Some(leaf) = recorded.op.leaf() else { continue };
            let known = &list.leaves[leaf.index];
            if known.kind == LeafKind::Examples && recorded.shape.columns == Dim::M {
                let m = known.value.as_ref().map(|value| value.columns());
                let name = list.label(entry);
                self.leaves.unneeded.push(Unneeded { entry, name, shape: recorded.shape, m, of_tape: m });
            }
        }
    }

    /// Takes the number of examples from a matrix that is bound to examples which no output needs.
    pub(in crate::program) fn bind_unneeded(
        &mut self,
        at: usize,
        method: &'static str,
        shape: (usize, usize),
    ) -> Result<()> {
        let examples = &mut self.leaves.unneeded[at];
        match m_of(examples.shape, shape) {
            Some(m) => {
                (examples.m, examples.of_tape) = (m, None);
                self.leaves.agreed_m = None;
                Ok(())
            }
            None => Err(Error::BindShape {
                method,
                variable: examples.name.clone(),
                expected: examples.shape.to_string(),
                found: format!("{}×{}", shape.0, shape.1),
            }),
        }
    }

    /// Takes the number of examples from columns that are selected of examples which no output needs.
    pub(in crate::program) fn select_unneeded(
        &mut self,
        at: usize,
        method: &'static str,
        columns: &[usize],
    ) -> Result<()> {
        let examples = &mut self.leaves.unneeded[at];
        let variable = || examples.name.clone();
        let Some(m) = examples.of_tape else {
            return Err(Error::NotBindable { method, variable: variable(), reason: NOT_OF_TAPE });
        };
        refuse_beyond(m, columns, variable)?;
        examples.m = Some(columns.len());
        self.leaves.agreed_m = None;
        Ok(())
    }

    /// 1/m over no examples is not a number to go on with.
    fn refuse_empty_mean(&self) -> Result<()> {
        let divides = |node: NodeId| self.graph.node(node).op.power_of_m() < 0;
        // Of a number 1/m it is what was made with it that the user knows.
        let empty = |&node: &NodeId| {
            let operation = self.graph.node(node);
            operation.op.number().is_none() && divides(node)
                || operation.operands.iter().any(|&operand| divides(operand))
        };
        let nodes = || self.graph.nodes.ids();
        match nodes().find(empty).or_else(|| nodes().find(|&node| divides(node))) {
            Some(node) => {
                Err(Error::EmptyBatch { entry: self.describe(node), at: self.graph.about[node].place })
            }
            None => Ok(()),
        }
    }
}

//! What a program is given, and what is read off it.

use std::sync::Arc;

use crate::kernel::threads;
use crate::ops::leaf::LeafKind;
use crate::program::{Named, Program, run};
use crate::{Dim, Error, Matrix, MatrixMut, MatrixRef, Result, Scalar, Shape};

impl<T: Scalar> Program<T> {
    /// Gives a parameter or examples another value; of examples, any number of columns.
    ///
    /// The results of the last run stay readable until the next one.
    ///
    /// # Errors
    /// [`Error::BindShape`], [`Error::NotBindable`], [`Error::NotInProgram`], [`Error::ForeignVariable`],
    /// [`Error::Allocation`].
    pub fn bind<'m>(&mut self, variable: impl Named<T>, value: impl Into<MatrixRef<'m, T>>) -> Result<()> {
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
        variable: impl Named<T>,
        value: impl Into<MatrixRef<'m, T>>,
        examples: &[usize],
    ) -> Result<()> {
        let (leaf, value) = (self.find_leaf(variable)?, value.into());
        let threads = self.threads.min(threads::here());
        let data = self.reserve_leaf(leaf, value.rows(), examples.len())?;
        gather(value, examples, data, threads);
        Ok(())
    }

    /// Changes a parameter in place, with an output at hand: `change` gets the parameter's values and the output's, both
    /// column-major.
    ///
    /// # Errors
    /// As [`view`](Program::view) and [`parameter_mut`](Program::parameter_mut).
    pub fn update(
        &mut self,
        parameter: impl Named<T>,
        output: impl Named<T>,
        change: impl FnOnce(&mut [T], &[T]),
    ) -> Result<()> {
        let length = self.parameter_mut(parameter)?.as_slice().len();
        let buffer = parameter.find(self)?.at.at.index();
        let from = output.find(self)?.at.at.index();
        if from == buffer {
            return Err(Error::NotBindable {
                variable: parameter.label(self),
                reason: "is the output itself",
            });
        }
        let read = self.view(output)?.as_slice().len();
        let (values, output) = self.execution.pair(buffer, from);
        change(&mut values[..length], &output[..read]);
        Ok(())
    }

    /// The value of a leaf, to be written in place: an optimiser updates parameters here.
    ///
    /// # Errors
    /// [`Error::NotBindable`], [`Error::NotInProgram`], [`Error::ForeignVariable`], [`Error::Unbound`].
    pub fn parameter_mut(&mut self, variable: impl Named<T>) -> Result<MatrixMut<'_, T>> {
        let leaf = &self.leaves[self.find_leaf(variable)? as usize];
        if !leaf.bound {
            return Err(Error::Unbound { variable: self.label_of(leaf) });
        }
        let (rows, columns) = leaf.at.shape.at(leaf.m.unwrap_or(0));
        let buffer = leaf.at.at.index();
        self.execution.memory.own(buffer);
        MatrixMut::new(rows, columns, &mut self.execution.memory.whole_mut(buffer)[..rows * columns])
    }

    /// A view of an output's value after a run, or of a leaf's value.
    ///
    /// # Errors
    /// [`Error::NotRun`], [`Error::NotInProgram`], [`Error::ForeignVariable`], [`Error::Unbound`].
    pub fn view(&self, variable: impl Named<T>) -> Result<MatrixRef<'_, T>> {
        let found = variable.find(self)?;
        let m = match found.leaf.map(|leaf| &self.leaves[leaf as usize]) {
            Some(leaf) if !leaf.bound => return Err(Error::Unbound { variable: self.label_of(leaf) }),
            Some(leaf) => leaf.m.unwrap_or(0),
            None if !self.ran => return Err(Error::NotRun),
            None => self.m.unwrap_or(0),
        };
        let (rows, columns) = found.at.shape.at(m);
        MatrixRef::new(rows, columns, &self.execution.whole(found.at.at.index())[..rows * columns])
    }

    /// The value of a 1 × 1 output after a run.
    ///
    /// # Errors
    /// As [`view`](Program::view), and [`Error::NotScalar`].
    pub fn scalar(&self, variable: impl Named<T>) -> Result<T> {
        let view = self.view(variable)?;
        match view.as_slice() {
            [value] => Ok(*value),
            _ => Err(Error::NotScalar {
                variable: variable.label(self),
                shape: format!("{}×{}", view.rows(), view.columns()),
            }),
        }
    }

    /// Lets a leaf use the tape's value, which has its shape.
    pub(super) fn share_leaf(&mut self, leaf: usize, value: &Arc<Matrix<T>>) {
        let state = &mut self.leaves[leaf];
        (state.m, state.bound) = (m_of(state.at.shape, value.shape()).flatten(), true);
        self.execution.memory.shared[state.at.at.index() as usize] = Some(value.clone());
    }

    /// Copies a matrix of the leaf's shape into its buffer.
    pub(super) fn fill_leaf(&mut self, leaf: u32, value: MatrixRef<'_, T>) -> Result<()> {
        self.reserve_leaf(leaf, value.rows(), value.columns())?.copy_from_slice(value.as_slice());
        Ok(())
    }

    fn find_leaf(&self, variable: impl Named<T>) -> Result<u32> {
        let found = variable.find(self)?;
        let reason = match found.leaf.map(|leaf| (leaf, self.leaves[leaf as usize].kind)) {
            Some((leaf, LeafKind::Parameter | LeafKind::Examples)) => return Ok(leaf),
            Some((_, LeafKind::Constant)) => {
                "is a constant: record it as a parameter or as examples to bind it"
            }
            None => "is not a leaf: only parameters and examples can be bound",
        };
        Err(Error::NotBindable { variable: variable.label(self), reason })
    }

    /// Makes room for a matrix of the leaf's shape, to be filled.
    fn reserve_leaf(&mut self, leaf: u32, rows: usize, columns: usize) -> Result<&mut [T]> {
        let state = &mut self.leaves[leaf as usize];
        let m = m_of(state.at.shape, (rows, columns)).ok_or_else(|| Error::BindShape {
            variable: self.about[state.node as usize].to_string(),
            expected: state.at.shape.to_string(),
            found: format!("{rows}×{columns}"),
        })?;
        let buffer = state.at.at.index();
        self.execution.memory.shared[buffer as usize] = None;
        let buffer = self.execution.memory.whole_mut(buffer);
        run::resize(buffer, rows, columns)?;
        state.m = m;
        state.bound = true;
        Ok(&mut buffer[..rows * columns])
    }
}

/// Copies columns side by side, each thread some of them.
fn gather<T: Scalar>(from: MatrixRef<'_, T>, columns: &[usize], to: &mut [T], threads: usize) {
    /// Fewer numbers are not worth a thread.
    const LEAST: usize = 16384;
    let rows = from.rows();
    if threads == 1 || to.len() < LEAST {
        for (i, &column) in columns.iter().enumerate() {
            to[i * rows..(i + 1) * rows].copy_from_slice(from.column(column));
        }
        return;
    }
    let mine = threads::cut(columns.len(), threads, 1);
    let ((first, second), (to, others)) = (columns.split_at(mine), to.split_at_mut(mine * rows));
    threads::join(
        || gather(from, first, to, threads / 2),
        || gather(from, second, others, threads - threads / 2),
    );
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

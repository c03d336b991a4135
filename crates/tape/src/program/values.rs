//! What a program is given, and what is read off it.

use crate::kernel::threads;
use crate::ops::leaf::LeafKind;
use crate::program::leaves::{LeafState, m_of};
use crate::program::{Named, Program, run};
use crate::storage::LeafValue;
use crate::{Dim, Error, MatrixMut, MatrixRef, Result, Scalar};

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
        self.fill_leaf(leaf, value.into())?;
        self.leaves[leaf as usize].of_tape = None;
        Ok(())
    }

    /// Binds the columns of `value` that `examples` names, in that order, without a copy of the whole set first.
    /// [`select_columns`](Program::select_columns) binds columns of the tape's own value, and may copy none.
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
        self.leaves[leaf as usize].of_tape = None;
        Ok(())
    }

    /// Binds columns of the value that the variable has on the tape: a mini-batch, in any order, each example any number of
    /// times.
    ///
    /// Where the variable is read by nothing but matrix products, on their right and with at least five rows, and the columns are
    /// not few, they are not copied: the products read them where they are, and the copy's time is saved. Otherwise they are copied.
    /// The results have the same bits as with [`bind_columns`](Program::bind_columns).
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.examples("x", &matrix![[1.0, 2.0, 3.0, 4.0]]);
    /// let sum = x.sum();
    /// let mut program = tape.compile([sum])?;
    /// let mut sums = Vec::new();
    /// for batch in [[3, 0], [2, 1]] {
    ///     program.select_columns(x, &batch)?;
    ///     program.run()?;
    ///     sums.push(program.scalar(sum)?);
    /// }
    /// assert_eq!(sums, [5.0, 5.0]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NoExample`] if the tape's value has no such column; [`Error::NotBindable`] if the variable has no columns that are
    /// examples, or no value of the tape's, as after [`bind`](Program::bind); [`Error::BindShape`] if it is m × m;
    /// [`Error::NotInProgram`], [`Error::ForeignVariable`], [`Error::Allocation`].
    pub fn select_columns(&mut self, variable: impl Named<T>, examples: &[usize]) -> Result<()> {
        let leaf = self.find_leaf(variable)?;
        let LeafState { at, of_tape, may_be_apart, .. } = &self.leaves[leaf as usize];
        let not_bindable = |reason| Error::NotBindable { variable: variable.label(self), reason };
        if at.shape.columns != Dim::M {
            return Err(not_bindable("has no columns that are examples to select"));
        }
        let of = of_tape.clone().ok_or_else(|| {
            not_bindable("has no value of the tape's now: columns are selected of that alone")
        })?;
        if let Some(&example) = examples.iter().find(|&&example| example >= of.columns()) {
            return Err(Error::NoExample { variable: variable.label(self), example, m: of.columns() });
        }
        if *may_be_apart && of.rows().saturating_mul(examples.len()) >= LEAST_APART {
            self.execution.memory.select(at.at.index(), of, examples);
            let state = &mut self.leaves[leaf as usize];
            state.m = Some(examples.len());
            state.side_by_side.take();
        } else {
            let threads = self.threads.min(threads::here());
            let data = self.reserve_leaf(leaf, of.rows(), examples.len())?;
            gather(of.view(), examples, data, threads);
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
        if self.execution.memory.selection(from).is_some() {
            self.execution.memory.own(from);
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
        if let Some(leaf) = found.leaf {
            return self.value_of(&self.leaves[leaf as usize]);
        }
        if !self.ran {
            return Err(Error::NotRun);
        }
        let (rows, columns) = found.at.shape.at(self.m.unwrap_or(0));
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
        self.execution.memory.set_leaf(buffer, LeafValue::Own);
        let buffer = self.execution.memory.whole_mut(buffer);
        run::resize(buffer, rows, columns)?;
        state.m = m;
        state.bound = true;
        Ok(&mut buffer[..rows * columns])
    }
}

/// To copy fewer numbers takes less time than to find columns that are apart, and the way for few examples reads copies.
const LEAST_APART: usize = 8192;

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

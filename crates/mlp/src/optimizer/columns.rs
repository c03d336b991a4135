//! Steps of the columns of a table that a batch names, and of no others.

use std::ops::Range;

use tape::{Named, Program};

use crate::optimizer::OptimizerState;
use crate::optimizer::elements::{Elements, Following};
use crate::optimizer::state::{Memory, check_length};
use crate::{Result, Scalar};

/// A step of some columns of a parameter.
pub(crate) struct ColumnStep<'a, T> {
    memory: &'a mut Memory<T>,
    rows: usize,
    by: Following<T>,
    powers: [f64; 2],
}

/// # Touched columns
impl<T: Scalar> OptimizerState<T> {
    /// One step of those columns of a table that indices name, along the gradient with respect to
    /// `table.gather(indices)`, d × (k·m): parameter `k` is the table, in the program that has run.
    /// Its time does not depend on how many columns the table has.
    ///
    /// A column that is named several times follows the sum of its gradients. The columns that are
    /// not named keep their values and what is remembered of them, while t counts every step: the
    /// *lazy* Adam, PyTorch's `SparseAdam`. With J the set of named columns, at step t:
    ///
    /// | | j ∈ J | j ∉ J |
    /// |---|---|---|
    /// | momentum | v_j ← β v_j + g_j; θ_j ← θ_j − η v_j | as they were |
    /// | Adam | m_j ← β₁ m_j + (1 − β₁) g_j; v_j ← β₂ v_j + (1 − β₂) g_j²; θ_j ← θ_j − η m̂_j / (√v̂_j + ε), m̂_j = m_j / (1 − β₁ᵗ), v̂_j = v_j / (1 − β₂ᵗ) | as they were |
    ///
    /// and so with the other rules: the formula of [`Optimizer`](crate::Optimizer) for j ∈ J.
    ///
    /// With gradient descent and Adagrad it is [`step`](Self::step) on the whole gradient, and with
    /// every rule where all columns are named, bit for bit. Otherwise it is not: under a dense step
    /// a column whose gradient is 0 goes on along v or m, and s fades. (`SparseAdam` adds ε to
    /// √v_j, not to √v̂_j: its ε is ours times √(1 − β₂ᵗ).) The term of
    /// [`with_l2`](crate::Optimizer::with_l2) and the decay of
    /// [`with_weight_decay`](crate::Optimizer::with_weight_decay) pull at the named columns alone.
    ///
    /// A table that is gathered by several indices has several such gradients: stack the indices
    /// and gather once, or the columns follow one gradient after the other, and t counts each.
    ///
    /// ```
    /// use mlp::{Optimizer, ParameterKind};
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let table = tape.parameter("E", &matrix![[1.0, 2.0, 3.0]]);
    /// let items = tape.indices("item", 1, &[2, 0, 2]);
    /// let columns = table.gather(items);
    /// let [gradient] = columns.sum().gradients([columns]);
    /// let mut program = tape.compile([columns, gradient])?;
    /// let mut adam = Optimizer::adam(0.5)?.state(&[(3, ParameterKind::Weight)]);
    /// program.run()?;
    /// adam.step_columns(0, &mut program, table, items, gradient)?;
    /// let moved = program.view(table)?.to_matrix().map(|x| (x * 1e6).round() / 1e6);
    /// assert_eq!(moved, matrix![[0.5, 2.0, 2.5]]);
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Tape`](crate::Error::Tape) as
    /// [`Program::update_columns`](tape::Program::update_columns);
    /// [`Error::Length`](crate::Error::Length) if the table has not the size that was announced;
    /// [`Error::Hyperparameter`](crate::Error::Hyperparameter) if type T cannot hold one of them.
    /// All is then as it was.
    ///
    /// # Panics
    /// If there is no parameter `k`.
    pub fn step_columns(
        &mut self,
        k: usize,
        program: &mut Program<T>,
        table: impl Named<T>,
        indices: impl Named<T>,
        gradient: impl Named<T>,
    ) -> Result<()> {
        let shape = program.view(table)?.shape();
        let mut step = T::state_columns(self, k, shape)?;
        program.update_columns(table, indices, gradient, |column, values, gradient| {
            T::state_column(&mut step, column, values, gradient);
        })?;
        step.memory.powers = step.powers;
        Ok(())
    }

    pub(crate) fn columns_here(
        &mut self,
        k: usize,
        (rows, columns): (usize, usize),
    ) -> Result<ColumnStep<'_, T>> {
        self.suits()?;
        let memory = &mut self.memories[k];
        check_length("parameter", memory.size, rows * columns)?;
        let (by, powers) = memory.next_step(&self.optimizer);
        Ok(ColumnStep { memory, rows, by, powers })
    }
}

impl<T: Scalar> ColumnStep<'_, T> {
    pub(crate) fn column_here(&mut self, column: usize, parameter: &mut [T], gradient: &[T]) {
        let places = column * self.rows..(column + 1) * self.rows;
        let remembered = self.memory.vectors.each_mut().map(|vector| at(vector, &places));
        Elements { parameter, gradient, remembered }.follow(self.by);
    }
}

/// What is remembered of some elements: nothing, if a rule does not remember it.
fn at<'a, T>(of: &'a mut [T], places: &Range<usize>) -> &'a mut [T] {
    if of.is_empty() { of } else { &mut of[places.clone()] }
}

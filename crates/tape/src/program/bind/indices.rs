//! Indices: leaves that name columns of tables, looked at where they are bound.

use crate::error::Place;
use crate::ops::Op;
use crate::ops::indices::{
    IndexNumber, Indices, OfIndices, column_number, exact_index, examples_of, table_label,
};
use crate::program::Name;
use crate::program::bind::leaves::LeafState;
use crate::program::ids::LeafId;
use crate::tape::List;
use crate::tape::ids::EntryIndex;
use crate::{Dim, Error, Named, Program, Result, Scalar};

/// The table whose columns a leaf names; of several the one with the fewest columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::program) struct Table {
    count: usize,
    name: Option<String>,
    /// Where its columns were gathered.
    at: Place,
}

/// # Binding indices
impl<T: Scalar> Program<T> {
    /// Binds [indices](crate::Tape::indices), example by example.
    ///
    /// ```
    /// use tape::{Error, Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let table = tape.parameter("E", &matrix![[1.0, 2.0, 3.0]]);
    /// let items = tape.indices_unbound("item", 2);
    /// let sums = table.gather(items).sum_of_blocks();
    /// let mut program = tape.compile([sums])?;
    /// program.bind_indices(items, &[0, 2, 1, 1])?; // two examples
    /// let refused = program.bind_indices(items, &[0_usize, 3]).unwrap_err();
    /// assert!(matches!(refused, Error::Index { row: 1, column: 0, count: 3, .. }));
    /// program.run()?; // on what was bound before
    /// assert_eq!(program.view(sums)?.to_matrix(), matrix![[4.0, 4.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`bind`](Program::bind), [`Error::IndexCount`] if they are not k for each example, and
    /// [`Error::InexactIndex`] if the number type does not hold one exactly.
    pub fn bind_indices(&mut self, variable: impl Named<T>, indices: &[impl IndexNumber]) -> Result<()> {
        Indices::with(indices, |indices| T::program_bind_indices(self, variable.name(), indices))
    }

    pub(crate) fn bind_indices_here(&mut self, variable: Name<'_, T>, indices: Indices<'_>) -> Result<()> {
        const METHOD: &str = "bind_indices";
        let Indices { count, get } = indices;
        let of = || OfIndices { method: METHOD, indices: || variable.label(self), at: None };
        if let Some(at) = self.find_unneeded(variable) {
            let k = self.leaves.unneeded[at].shape.rows.at(0);
            let m = examples_of(k, count).ok_or_else(|| of().count(k, count))?;
            return self.bind_unneeded(at, METHOD, (k, m));
        }
        let leaf = self.find_leaf(METHOD, variable)?;
        let state = &self.leaves.states[leaf];
        let Dim::Fixed(k) = state.at.shape.rows else {
            let reason = "has no fixed number of rows: bind a matrix";
            return Err(Error::NotBindable { method: METHOD, variable: variable.label(self), reason });
        };
        let shape = (k, examples_of(k, count).ok_or_else(|| of().count(k, count))?);
        self.m_of_fitting(METHOD, leaf, shape)?;
        for at in 0..count {
            let index = get(at);
            let beyond = |table: &&Table| usize::try_from(index).is_ok_and(|index| index >= table.count);
            if let Some(table) = state.table.as_ref().filter(|table| index < 0 || beyond(table)) {
                return Err(self.no_column(METHOD, state, table, index as f64, (at % k, at / k)));
            }
            if exact_index::<T>(index).is_none() {
                return Err(of().inexact::<T>(index, (at % k, at / k)));
            }
        }
        let values = self.reserve_leaf(METHOD, leaf, shape)?;
        values.iter_mut().zip(0..).for_each(|(value, at)| *value = T::from_f64(get(at) as f64));
        self.leaves.states[leaf].of_tape = None;
        Ok(())
    }

    /// Finds the leaves that name columns of tables.
    pub(in crate::program) fn find_tables(&mut self, list: &List<T>) {
        for node in self.graph.nodes.ids() {
            let entry = self.graph.node(node);
            let count = match entry.op {
                Op::Gather(_) => self.graph.node(entry.operands[1]).shape.columns,
                Op::ColumnsAdded(added) => Dim::Fixed(added.of),
                _ => continue,
            };
            let (Dim::Fixed(count), indices) = (count, entry.operands[0]) else { continue };
            let Some(leaf) = self.leaves.states.enumerated().find(|(_, leaf)| leaf.node == indices) else {
                continue;
            };
            let (leaf, known) = (leaf.0, &leaf.1.table);
            if known.as_ref().is_none_or(|known| known.count > count) {
                let at = self.graph.about[node].place;
                let name = gathered_from(list, self.graph.origins[indices].0, count);
                self.leaves.states[leaf].table = Some(Table { count, name, at });
            }
        }
    }

    /// Refuses columns for a leaf that names columns of a table, if there is no such column.
    pub(super) fn check_indices<'v>(
        &self,
        method: &'static str,
        leaf: LeafId,
        columns: impl Iterator<Item = &'v [T]>,
    ) -> Result<()> {
        let state = &self.leaves.states[leaf];
        let Some(table) = &state.table else { return Ok(()) };
        for (column, values) in columns.enumerate() {
            let unfit = values.iter().position(|&index| column_number(index, table.count).is_none());
            if let Some(row) = unfit {
                return Err(self.no_column(method, state, table, values[row].to_f64(), (row, column)));
            }
        }
        Ok(())
    }

    fn no_column(
        &self,
        method: &'static str,
        indices: &LeafState<T>,
        table: &Table,
        value: f64,
        (row, column): (usize, usize),
    ) -> Error {
        let Table { count, name, at } = table.clone();
        Error::Index { method, value, row, column, indices: self.label_of(indices), count, table: name, at }
    }
}

/// The name of a table of so many columns that are gathered by these indices.
fn gathered_from<T: Scalar>(list: &List<T>, indices: EntryIndex, count: usize) -> Option<String> {
    let gathers = list.entries.iter().filter(|entry| matches!(entry.op, Op::Gather(_)));
    let mut tables = gathers.filter(|entry| entry.operands[0] == indices).map(|entry| entry.operands[1]);
    let table = tables.find(|&table| list.entry(table).shape.columns == Dim::Fixed(count))?;
    Some(table_label(&list.entry(table).op, list.label(table)))
}

//! Changing the columns of a table that indices name, and no others.

use crate::ops::indices::column_number;
use crate::program::Name;
use crate::{Error, Named, Program, Result, Scalar, Shape};

const METHOD: &str = "update_columns";

/// # Updating the columns that were named
impl<T: Scalar> Program<T> {
    /// Changes those columns of a table that indices name: `change` gets each once, its number, its
    /// values, and the sum of the gradient's columns that belong to it. Its time does not depend on
    /// how many columns the table has, nor does its memory.
    ///
    /// The gradient is that with respect to `table.gather(indices)`, d × (k·m): nothing of the
    /// table's size is computed for it. It is of the last run, and so are the indices to be: the
    /// next ones are bound after the update.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let table = tape.parameter("E", &matrix![[1.0, 2.0, 3.0]]);
    /// let items = tape.indices("item", 1, &[2, 0, 2]);
    /// let rows = table.gather(items);
    /// let [d_rows] = rows.square().sum().gradients([rows]);
    /// let mut step = tape.compile([d_rows])?;
    /// step.run()?;
    /// step.update_columns(table, items, d_rows, |_, values, gradient| values[0] -= 0.25 * gradient[0])?;
    /// assert_eq!(step.view(table)?.to_matrix(), matrix![[0.5, 2.0, 0.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`update`](Program::update); [`Error::BindShape`] if the gradient has no column of the
    /// table's rows for each index; [`Error::Index`] if there is no such column;
    /// [`Error::NotBindable`] if the indices have changed since the run that computed the gradient.
    pub fn update_columns(
        &mut self,
        table: impl Named<T>,
        indices: impl Named<T>,
        gradient: impl Named<T>,
        mut change: impl FnMut(usize, &mut [T], &[T]),
    ) -> Result<()> {
        let (rows, count) = T::program_view(self, table.name())?.shape();
        let found = T::program_view(self, gradient.name())?.shape();
        let mut order = self.places_by_column(table.name(), indices.name(), count)?;
        if found != (rows, order.len()) {
            let [table, indices, gradient] =
                [table.name(), indices.name(), gradient.name()].map(|name| name.label(self));
            return Err(Error::BindShape {
                method: METHOD,
                variable: format!("the gradient with respect to {table}.gather({indices})"),
                expected: format!("{rows}×{}", order.len()),
                found: format!("{} ({gradient})", Shape::from(found)),
            });
        }
        self.refuse_other_indices(indices.name(), gradient.name())?;
        let (table, gradient) = T::program_update(self, table.name(), gradient.name())?;
        order.sort_unstable();
        let mut sum = vec![T::ZERO; rows];
        for of_column in order.chunk_by(|a, b| a.0 == b.0) {
            sum.fill(T::ZERO);
            for &(_, place) in of_column {
                let column = &gradient[place * rows..(place + 1) * rows];
                sum.iter_mut().zip(column).for_each(|(sum, &g)| *sum += g);
            }
            let column = of_column[0].0;
            change(column, &mut table[column * rows..(column + 1) * rows], &sum);
        }
        Ok(())
    }

    /// Refuses indices that are not those of the run which computed a gradient.
    fn refuse_other_indices(&self, indices: Name<'_, T>, gradient: Name<'_, T>) -> Result<()> {
        let (of_indices, of_gradient) = (indices.find(self)?, gradient.find(self)?);
        let is_leaf_now = of_indices.is_leaf && !indices.is_derivative();
        match of_indices.leaf.filter(|&leaf| is_leaf_now && self.has_changed(leaf)) {
            Some(_) if of_gradient.is_output => {
                let (method, variable) = (METHOD, indices.label(self));
                let reason = "has changed since the run that computed the gradient: bind it after the update";
                Err(Error::NotBindable { method, variable, reason })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The columns that indices name, each with its place among them.
    fn places_by_column(
        &self,
        table: Name<'_, T>,
        indices: Name<'_, T>,
        count: usize,
    ) -> Result<Vec<(usize, usize)>> {
        let at = self.graph.about[table.find(self)?.node].place;
        let values = T::program_view(self, indices)?;
        let column = |(place, &index): (usize, &T)| {
            column_number(index, count).map(|column| (column, place)).ok_or_else(|| Error::Index {
                method: METHOD,
                value: index.to_f64(),
                row: place % values.rows(),
                column: place / values.rows(),
                indices: indices.label(self),
                count,
                table: Some(table.label(self)),
                at,
            })
        };
        values.as_slice().iter().enumerate().map(column).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::{Error, Matrix, Tape, matrix};

    #[test]
    fn indices_are_those_of_the_run_that_computed_the_gradient() {
        let tape = Tape::<f64>::new();
        let table = tape.parameter("E", &matrix![[1.0, 2.0, 3.0]]);
        let items = tape.indices("item", 1, &[0, 1]);
        let rows = table.gather(items);
        let [d_rows] = rows.square().sum().gradients([rows]);
        let mut program = tape.compile([d_rows]).unwrap();
        let update = |program: &mut crate::Program<f64>| {
            program.update_columns(table, items, d_rows, |_, values, gradient| values[0] -= gradient[0])
        };
        program.run().unwrap();
        program.bind_indices(items, &[1, 2]).unwrap();
        let mut copy = program.clone();
        for program in [&mut program, &mut copy] {
            assert_eq!(
                update(program).unwrap_err().to_string(),
                "update_columns: item has changed since the run that computed the gradient: bind it after the update"
            );
            assert_eq!(program.view(table).unwrap().to_matrix(), matrix![[1.0, 2.0, 3.0]]);
            program.run().unwrap();
            update(program).unwrap();
            update(program).unwrap(); // as often as one likes
            assert_eq!(program.view(table).unwrap().to_matrix(), matrix![[1.0, -6.0, -9.0]]);
        }
        program.select_columns(items, &[0]).unwrap_err();
        update(&mut program).unwrap(); // what was refused has changed nothing
        program.bind(items, &Matrix::zeros(1, 2)).unwrap();
        assert!(matches!(update(&mut program), Err(Error::NotBindable { .. })));
    }
}

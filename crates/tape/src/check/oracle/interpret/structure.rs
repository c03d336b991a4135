//! Parts of matrices, matrices put together, and rows and columns by their numbers.

use super::At;
use crate::Dim;
use crate::check::oracle::error::Error;
use crate::check::oracle::grid::Grid;
use crate::check::oracle::number::Number;
use crate::ops::stack::Along;

impl<N: Number> At<'_, N> {
    pub(super) fn stack(&mut self) -> Result<Grid<N>, Error> {
        let along: Along = self.take("along")?;
        Ok(self.made(|i, j| {
            let mut at = match along {
                Along::Rows => i,
                Along::Columns => j,
            };
            for x in self.x {
                let extent = match along {
                    Along::Rows => x.rows(),
                    Along::Columns => x.columns(),
                };
                if at < extent {
                    return match along {
                        Along::Rows => x[(at, j)].clone(),
                        Along::Columns => x[(i, at)].clone(),
                    };
                }
                at -= extent;
            }
            unreachable!("the extents add up to that of the stack")
        }))
    }

    pub(super) fn slice(&mut self) -> Result<Grid<N>, Error> {
        let along: Along = self.take("along")?;
        let (start, end): (usize, usize) = (self.take("start")?, self.take("end")?);
        let x = self.x[0];
        self.within(along, end, x)?;
        Ok(self.made(|i, j| match along {
            Along::Rows => x[(i + start, j)].clone(),
            Along::Columns => x[(i, j + start)].clone(),
        }))
    }

    pub(super) fn pad(&mut self) -> Result<Grid<N>, Error> {
        let along: Along = self.take("along")?;
        let (start, _total): (usize, Dim) = (self.take("start")?, self.take("total")?);
        let x = self.x[0];
        let extent = match along {
            Along::Rows => x.rows(),
            Along::Columns => x.columns(),
        };
        let whole = Grid::new(self.rows, self.columns, |_, _| ());
        self.within(along, start + extent, &whole)?;
        let range = start..start + extent;
        Ok(self.made(|i, j| match along {
            Along::Rows if range.contains(&i) => x[(i - start, j)].clone(),
            Along::Columns if range.contains(&j) => x[(i, j - start)].clone(),
            Along::Rows | Along::Columns => N::of(0.0),
        }))
    }

    /// Whether a range ends within a matrix, of which the examples were not known when it was recorded.
    fn within<M>(&self, along: Along, end: usize, x: &Grid<M>) -> Result<(), Error> {
        let extent = match along {
            Along::Rows => x.rows(),
            Along::Columns => x.columns(),
        };
        match end <= extent {
            true => Ok(()),
            false => Err(self.outside(format!("the range ends at {end}, there are {extent} examples"))),
        }
    }

    /// The numbers of rows; a row of zeros has the greatest number that there is.
    fn row_numbers(&mut self) -> Result<Vec<usize>, Error> {
        let word = self.word("rows")?;
        let rows: Result<Vec<usize>, _> = word.split_whitespace().map(str::parse).collect();
        rows.map_err(|error| self.unknown(format!("its rows are no numbers: {error}")))
    }

    pub(super) fn rows_at(&mut self) -> Result<Grid<N>, Error> {
        let numbers = self.row_numbers()?;
        let x = self.x[0];
        Ok(self.made(|i, j| if numbers[i] < x.rows() { x[(numbers[i], j)].clone() } else { N::of(0.0) }))
    }

    pub(super) fn rows_added(&mut self) -> Result<Grid<N>, Error> {
        let numbers = self.row_numbers()?;
        let x = self.x[0];
        Ok(self.made(|i, j| {
            let those = (0..numbers.len()).filter(|&k| numbers[k] == i);
            N::sum(&those.map(|k| x[(k, j)].clone()).collect::<Vec<N>>())
        }))
    }

    /// The columns of the table that indices name.
    pub(super) fn gather(&mut self) -> Result<Grid<N>, Error> {
        let table = self.x[1];
        let numbers = self.column_numbers(table.columns())?;
        Ok(self.made(|i, j| table[(i, numbers[j])].clone()))
    }

    pub(super) fn columns_added(&mut self) -> Result<Grid<N>, Error> {
        let count: usize = self.take("of")?;
        let numbers = self.column_numbers(count)?;
        let x = self.x[1];
        Ok(self.made(|i, j| {
            let those = (0..numbers.len()).filter(|&k| numbers[k] == j);
            N::sum(&those.map(|k| x[(i, k)].clone()).collect::<Vec<N>>())
        }))
    }

    fn column_numbers(&self, count: usize) -> Result<Vec<usize>, Error> {
        let number = |index: &N| {
            let index = index.value();
            let is_one = index >= 0.0 && index < count as f64 && index.fract() == 0.0;
            let beyond = || self.outside(format!("the index {index} names none of {count} columns"));
            if is_one { Ok(index as usize) } else { Err(beyond()) }
        };
        self.x[0].as_slice().iter().map(number).collect()
    }
}

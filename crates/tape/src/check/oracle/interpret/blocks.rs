//! Blocks: the columns of each example.

use super::{At, dot};
use crate::check::oracle::error::Error;
use crate::check::oracle::grid::Grid;
use crate::check::oracle::number::Number;

impl<N: Number> At<'_, N> {
    /// Of a matrix with the blocks of m examples side by side, how many columns each has.
    fn columns_of_block(&self, columns: usize) -> Result<usize, Error> {
        Ok(columns.checked_div(self.m()?).unwrap_or(0))
    }

    /// Aᵢᵀ.
    pub(super) fn block_transpose(&self) -> Result<Grid<N>, Error> {
        let x = self.x[0];
        let (of_x, own) = (self.columns_of_block(x.columns())?, self.columns_of_block(self.columns)?);
        Ok(self.made(|i, j| {
            let (example, column) = (j / own, j % own);
            x[(column, example * of_x + i)].clone()
        }))
    }

    /// Aᵢ * Bᵢ.
    pub(super) fn block_product(&self) -> Result<Grid<N>, Error> {
        let (a, b) = (self.x[0], self.x[1]);
        let (of_a, own) = (self.columns_of_block(a.columns())?, self.columns_of_block(self.columns)?);
        Ok(self.made(|i, j| {
            let first = j / own * of_a;
            dot(of_a, |k| (a[(i, first + k)].clone(), b[(k, j)].clone()))
        }))
    }
}

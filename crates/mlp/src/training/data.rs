//! The examples of a training, batch by batch.

use tape::{EntryId, Matrix, Program};

use crate::training::batches::Batches;
use crate::{Result, Scalar};

/// The examples of one leaf.
#[derive(Debug)]
pub(super) struct Held<T: Scalar> {
    pub(super) leaf: EntryId,
    /// Those that the tape has bound, if it is `None`.
    pub(super) own: Option<Matrix<T>>,
}

/// The examples of a training, batch by batch.
#[derive(Debug)]
pub(super) struct Data<T: Scalar> {
    held: Vec<Held<T>>,
    pub(super) batches: Batches,
}

impl<T: Scalar> Data<T> {
    pub(super) fn new(held: Vec<Held<T>>, batches: Batches) -> Self {
        Data { held, batches }
    }

    /// Whether there are any, rather than what the tape has bound.
    pub(super) fn is_own(&self) -> bool {
        !self.held.is_empty()
    }

    /// Binds a batch; all at once are bound already.
    pub(super) fn select(&mut self, program: &mut Program<T>, number: usize) -> Result<()> {
        let batch = self.batches.batch(number);
        if batch.len() == self.batches.m() {
            return Ok(());
        }
        for Held { leaf, own } in &self.held {
            match own {
                None => program.select_columns(*leaf, batch)?,
                Some(values) => program.bind_columns(*leaf, values, batch)?,
            }
        }
        Ok(())
    }

    /// What is wrong in a column of a batch is wrong in a column of the user's data.
    pub(super) fn in_the_users_columns(&self, mut error: tape::Error, number: usize) -> crate::Error {
        let batch = self.batches.batch(number);
        if let tape::Error::Label { column, .. } = &mut error
            && batch.len() < self.batches.m()
            && let Some(&of_the_user) = batch.get(*column)
        {
            *column = of_the_user;
        }
        error.into()
    }
}

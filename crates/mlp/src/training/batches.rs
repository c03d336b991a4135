//! The order of the examples, cut into batches.

use crate::shuffle::with_room;
use crate::{Error, Purpose, Random, Result};

/// The order of the examples, cut into batches.
#[derive(Debug)]
pub(super) struct Batches {
    order: Vec<usize>,
    /// `None` for one batch of all, in the order of the data.
    size: Option<usize>,
    seed: u64,
    random: Random,
}

impl Batches {
    pub(super) fn new(m: usize, size: Option<usize>, seed: u64) -> Result<Self> {
        let mut order = with_room("an order of the examples", m)?;
        order.extend(0..m);
        Ok(Batches { order, size, seed, random: Random::new(seed, Purpose::Shuffle) })
    }

    pub(super) fn try_clone(&self) -> Result<Self> {
        let mut copy = Batches::new(self.order.len(), self.size, self.seed)?;
        copy.copy_from(self);
        Ok(copy)
    }

    /// Becomes the other, in the memory that it has.
    pub(super) fn copy_from(&mut self, other: &Batches) {
        self.order.copy_from_slice(&other.order);
        self.random.clone_from(&other.random);
    }

    pub(super) fn shuffle(&mut self) {
        if self.size.is_some() {
            self.random.shuffle(&mut self.order);
        }
    }

    /// The number of examples.
    pub(super) fn m(&self) -> usize {
        self.order.len()
    }

    /// The number of examples of all batches but the last.
    pub(super) fn largest(&self) -> usize {
        self.size.unwrap_or(self.order.len()).min(self.order.len())
    }

    /// How many batches an epoch has. Of no examples, the one empty batch lets the program say what
    /// is wrong.
    pub(super) fn count(&self) -> usize {
        self.order.len().div_ceil(self.largest().max(1)).max(1)
    }

    /// A batch of the epoch, by its number.
    pub(super) fn batch(&self, number: usize) -> &[usize] {
        let size = self.largest().max(1);
        let from = number.saturating_mul(size).min(self.order.len());
        &self.order[from..(from + size).min(self.order.len())]
    }

    /// The order of the epoch on its way, and where its random numbers stand.
    pub(super) fn order(&self) -> (&[usize], &Random) {
        (&self.order, &self.random)
    }

    /// Goes on from another order of the same examples.
    pub(super) fn set_order(&mut self, order: &[u64], random: Random) -> Result<()> {
        let m = self.order.len();
        let mut seen = with_room("an order of the examples", m)?;
        seen.resize(m, false);
        if order.len() != m {
            return Err(Error::Length { list: "order of the examples", expected: m, found: order.len() });
        }
        for (at, &example) in order.iter().enumerate() {
            match usize::try_from(example).ok().and_then(|example| seen.get_mut(example)) {
                Some(seen) if !*seen => *seen = true,
                Some(_) | None => {
                    let reason = format!(
                        "example {example} at place {at} of their order is there twice, or not at all"
                    );
                    return Err(Error::Checkpoint { reason });
                }
            }
        }
        // Each is below m, which is a usize.
        self.order.iter_mut().zip(order).for_each(|(to, &from)| *to = from as usize);
        self.random = random;
        Ok(())
    }
}

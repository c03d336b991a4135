//! Numbers in memory where vectors like them.

use std::collections::TryReserveError;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{Error, Result};

/// A cache line.
const LINE: usize = 64;
/// A page: two addresses with the same place in their pages have the same place in the first-level
/// cache.
const PAGE: usize = 4096;
/// How far apart in their pages long lists begin.
const STEP: usize = 512;

/// A list of numbers that begins at a cache line.
///
/// A vector of 64 bytes that does not lie in one line costs two accesses, and one that is read
/// after its neighbour was written waits: without the alignment an optimiser's pass over its
/// parameters takes up to three times as long. Long lists begin at different places of their pages,
/// because several that are walked together would else compete for the same lines of the cache.
/// Large allocations all have the same place, 16 bytes behind the beginning of a page.
///
/// ```
/// # #[cfg(feature = "kernels")] {
/// use tape::kernels::Aligned;
/// let mut list = Aligned::new(1000, 1.0_f32);
/// list[3] = 2.0;
/// assert_eq!(list.iter().sum::<f32>(), 1001.0);
/// assert_eq!(list.as_ptr() as usize % 64, 0);
/// # }
/// ```
#[derive(Debug)]
#[allow(unreachable_pub)] // public with the feature `kernels`
pub struct Aligned<T> {
    /// First numbers that are not used, then the list.
    values: Vec<T>,
    start: usize,
}

impl<T> Aligned<T> {
    /// An empty list.
    pub(crate) const fn empty() -> Self {
        Aligned { values: Vec::new(), start: 0 }
    }
}

impl<T: Clone> Aligned<T> {
    /// A list of `len` times x.
    ///
    /// # Panics
    /// If there is not so much memory. See [`try_new`](Aligned::try_new).
    #[track_caller]
    pub fn new(len: usize, x: T) -> Self {
        match Aligned::try_new(len, x) {
            Ok(list) => list,
            Err(error) => panic!("{error}"),
        }
    }

    /// A list of `len` times x.
    ///
    /// # Errors
    /// [`Error::Allocation`] if there is not so much memory.
    pub fn try_new(len: usize, x: T) -> Result<Self> {
        let mut list = Aligned::default();
        match list.grow(len, x) {
            Ok(()) => Ok(list),
            Err(_) => {
                let bytes = len.saturating_mul(size_of::<T>());
                Err(Error::Allocation { rows: len, columns: 1, bytes })
            }
        }
    }

    /// The same list in memory of its own.
    pub(crate) fn try_clone(&self) -> Result<Self> {
        let Some(first) = self.first() else { return Ok(Aligned::default()) };
        let mut copy = Aligned::try_new(self.len(), first.clone())?;
        copy.clone_from_slice(self);
        Ok(copy)
    }

    /// Fills up with x, if the list is shorter than `len`.
    pub(crate) fn grow(&mut self, len: usize, x: T) -> std::result::Result<(), TryReserveError> {
        if len <= self.len() {
            return Ok(());
        }
        let unused = unused_bytes(len.saturating_mul(size_of::<T>()));
        let mut values: Vec<T> = Vec::new();
        values.try_reserve_exact(len.saturating_add(unused / size_of::<T>().max(1)))?;
        // The allocation stays where it is: there is room for all.
        let start = values.as_ptr().align_offset(LINE) + (unused - LINE) / size_of::<T>().max(1);
        let start = if start <= values.capacity() - len { start } else { 0 };
        values.resize(start, x.clone());
        values.extend_from_slice(self);
        values.resize(start + len, x);
        *self = Aligned { values, start };
        Ok(())
    }
}

/// How many bytes a list of so many bytes leaves unused: up to a line, and what puts long ones to
/// different places.
fn unused_bytes(bytes: usize) -> usize {
    static LISTS: AtomicUsize = AtomicUsize::new(0);
    if bytes < PAGE { LINE } else { LINE + LISTS.fetch_add(1, Ordering::Relaxed) % (PAGE / STEP) * STEP }
}

impl<T> Default for Aligned<T> {
    fn default() -> Self {
        Aligned::empty()
    }
}

impl<T: Clone> From<&[T]> for Aligned<T> {
    fn from(list: &[T]) -> Self {
        let Some(first) = list.first() else { return Aligned::default() };
        let mut copy = Aligned::new(list.len(), first.clone());
        copy.clone_from_slice(list);
        copy
    }
}

impl<T: Clone> Clone for Aligned<T> {
    fn clone(&self) -> Self {
        Aligned::from(&self[..])
    }
}

impl<T: PartialEq> PartialEq for Aligned<T> {
    fn eq(&self, other: &Self) -> bool {
        self[..] == other[..]
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.values[self.start..]
    }
}

impl<T> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.values[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_aligned<T>(list: &Aligned<T>) {
        assert_eq!(list.as_ptr().addr() % LINE, 0);
    }

    #[test]
    fn a_list_begins_at_a_line_and_keeps_its_numbers_when_it_grows() {
        let mut list = Aligned::default();
        for len in [0, 1, 3, 15, 16, 17, 1000, 1023, 1024, 5000, 70_000] {
            let before = list.to_vec();
            list.grow(len, len as f32).unwrap();
            assert_eq!(list.len(), len);
            assert_eq!(list[..before.len()], before);
            assert!(list[before.len()..].iter().all(|&x| x == len as f32));
            if len > 0 {
                assert_aligned(&list);
                assert_aligned(&list.clone());
                assert_aligned(&Aligned::new(len, 1_f64));
            }
            assert_eq!(list.clone(), list);
        }
        list.grow(10, 0.0).unwrap();
        assert_eq!(list.len(), 70_000);
    }

    #[test]
    fn long_lists_begin_at_different_places_of_their_pages() {
        let lists: Vec<Aligned<f32>> = (0..4).map(|_| Aligned::new(100_000, 0.0)).collect();
        let mut places: Vec<usize> = lists.iter().map(|list| list.as_ptr().addr() % PAGE / LINE).collect();
        places.sort_unstable();
        places.dedup();
        assert!(places.len() > 1);
    }

    #[test]
    fn too_much_memory_is_an_error() {
        let mut list = Aligned::from(&[1.0][..]);
        assert!(list.grow(usize::MAX, 0.0).is_err());
        assert!(list.grow(isize::MAX as usize / 8, 0.0).is_err());
        assert_eq!(*list, [1.0]);
        let (len, bytes) = (isize::MAX as usize / 8, isize::MAX as usize / 8 * 8);
        assert_eq!(Aligned::try_new(len, 0.0), Err(Error::Allocation { rows: len, columns: 1, bytes }));
        assert!(std::panic::catch_unwind(|| Aligned::new(usize::MAX, 0.0)).is_err());
    }
}

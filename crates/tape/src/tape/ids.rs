//! Typed numbers: what is the number of one kind of thing is not that of another, which a bare
//! `u32` would let pass.

use std::fmt::Debug;
use std::hash::Hash;
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// The number of a thing in a list of such things, from 0.
pub(crate) trait Id: Copy + Debug + Eq + Ord + Hash {
    /// # Panics
    /// If a list is longer than 2³² things.
    fn from_index(index: usize) -> Self;
    fn index(self) -> usize;
}

/// Declares numbers of one kind each; shown as the bare number.
macro_rules! ids {
    ($($(#[$doc:meta])* $Id:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $Id(u32);

        impl $crate::tape::ids::Id for $Id {
            fn from_index(index: usize) -> Self {
                $Id(u32::try_from(index).expect("a list of fewer than 2³² things"))
            }
            fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl std::fmt::Display for $Id {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl std::fmt::Debug for $Id {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }
    )*};
}
pub(crate) use ids;

ids! {
    /// An entry of the list.
    EntryIndex;
    /// A leaf among the leaves of the list.
    LeafIndex;
}

/// The numbers of so many things.
pub(crate) fn ids_up_to<I: Id>(
    count: usize,
) -> impl DoubleEndedIterator<Item = I> + ExactSizeIterator + Clone {
    (0..count).map(I::from_index)
}

/// A list that is indexed by the numbers of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdVec<I, X> {
    items: Vec<X>,
    of: PhantomData<fn(I)>,
}

impl<I: Id, X> IdVec<I, X> {
    pub(crate) fn new() -> Self {
        Vec::new().into()
    }

    /// So many times the same.
    pub(crate) fn filled(item: X, count: usize) -> Self
    where
        X: Clone,
    {
        vec![item; count].into()
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// Appends a thing, and gives its number.
    pub(crate) fn push(&mut self, item: X) -> I {
        self.items.push(item);
        I::from_index(self.items.len() - 1)
    }

    pub(crate) fn get(&self, id: I) -> Option<&X> {
        self.items.get(id.index())
    }

    pub(crate) fn ids(&self) -> impl DoubleEndedIterator<Item = I> + ExactSizeIterator + Clone + use<I, X> {
        ids_up_to(self.items.len())
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, X> {
        self.items.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> std::slice::IterMut<'_, X> {
        self.items.iter_mut()
    }

    /// The things with their numbers.
    pub(crate) fn enumerated(&self) -> impl DoubleEndedIterator<Item = (I, &X)> + ExactSizeIterator {
        self.ids().zip(&self.items)
    }

    pub(crate) fn as_slice(&self) -> &[X] {
        &self.items
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [X] {
        &mut self.items
    }
}

impl<I, X> From<Vec<X>> for IdVec<I, X> {
    fn from(items: Vec<X>) -> Self {
        IdVec { items, of: PhantomData }
    }
}

impl<I, X> Default for IdVec<I, X> {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl<I, X> FromIterator<X> for IdVec<I, X> {
    fn from_iter<F: IntoIterator<Item = X>>(items: F) -> Self {
        Vec::from_iter(items).into()
    }
}

impl<I: Id, X> Index<I> for IdVec<I, X> {
    type Output = X;
    #[inline]
    fn index(&self, id: I) -> &X {
        &self.items[id.index()]
    }
}

impl<I: Id, X> IndexMut<I> for IdVec<I, X> {
    #[inline]
    fn index_mut(&mut self, id: I) -> &mut X {
        &mut self.items[id.index()]
    }
}

impl<'a, I, X> IntoIterator for &'a IdVec<I, X> {
    type Item = &'a X;
    type IntoIter = std::slice::Iter<'a, X>;
    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

impl<'a, I, X> IntoIterator for &'a mut IdVec<I, X> {
    type Item = &'a mut X;
    type IntoIter = std::slice::IterMut<'a, X>;
    fn into_iter(self) -> Self::IntoIter {
        self.items.iter_mut()
    }
}

impl<I, X> IntoIterator for IdVec<I, X> {
    type Item = X;
    type IntoIter = std::vec::IntoIter<X>;
    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

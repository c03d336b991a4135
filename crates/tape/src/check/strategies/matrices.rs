//! Matrices, alone and with sides that they share.

use std::fmt;
use std::marker::PhantomData;

use proptest::strategy::{NewTree, Strategy};
use proptest::test_runner::TestRunner;

use super::grid::{Fill, Grid};
use super::parts::{ListId, Parts, Stage};
use super::regime::Elements;
use super::seed_of;
use super::side::Side;
use super::tree::{Draft, Tree};
use crate::check::Random;
use crate::{Matrix, Scalar};

/// Matrices of so many rows and columns.
///
/// ```
/// use proptest::prelude::*;
/// use tape::Scalar;
/// use tape::check::strategies::{Regime, Side, matrix};
/// proptest!(|(x in matrix::<f32>(1..=40, Side::COLUMNS, Regime::ALL))| {
///     let negated = x.map(|x| -x);
///     prop_assert!(x.iter().zip(negated.iter()).all(|(a, b)| a.bits() != b.bits() || a.is_nan()));
/// });
/// ```
///
/// # Panics
/// If there is no such element.
#[track_caller]
pub fn matrix<T: Scalar>(
    rows: impl Into<Side>,
    columns: impl Into<Side>,
    elements: impl Into<Elements>,
) -> impl Strategy<Value = Matrix<T>> + Clone {
    let mut matrices = Matrices::new();
    let (rows, columns) = (matrices.side(rows), matrices.side(columns));
    matrices.matrix(rows, columns, elements).prop_map(|mut one| one.swap_remove(0))
}

/// A side that matrices of [`Matrices`] have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shared(usize);

/// Several matrices, some of whose sides are the same: a strategy of a vector of them, in the order
/// in which they were added.
///
/// A row or column that is dropped while shrinking is dropped from all that have the side.
///
/// ```
/// use proptest::prelude::*;
/// use tape::check::strategies::{Elements, Matrices, Regime, Side};
/// // W, n × k, X, k × m, and a class for each of the m columns.
/// let mut matrices = Matrices::<f64>::new();
/// let [n, k, m] = [(2..=17).into(), Side::ROWS, Side::COLUMNS].map(|side| matrices.side(side));
/// let (w, x) = (Regime::MODERATE, Elements::Between(-1.0, 1.0));
/// let strategy = matrices.matrix(n, k, w).matrix(k, m, x).classes(n, m);
/// proptest!(|(all in strategy)| {
///     let [w, x, classes] = &all[..] else { unreachable!() };
///     prop_assert_eq!((w.columns(), x.columns()), (x.rows(), classes.columns()));
///     prop_assert!(classes.iter().all(|&k| k < w.rows() as f64));
/// });
/// ```
#[derive(Clone, PartialEq)]
#[must_use = "strategies do nothing unless used"]
pub struct Matrices<T> {
    sides: Vec<Side>,
    matrices: Vec<(Filling, Shared, Shared)>,
    of: PhantomData<T>,
}

#[derive(Debug, Clone, PartialEq)]
enum Filling {
    Elements(Elements),
    Classes,
    OneHot,
    Shares,
}

impl<T: Scalar> Default for Matrices<T> {
    fn default() -> Self {
        Matrices::new()
    }
}

impl<T: Scalar> Matrices<T> {
    /// None yet.
    pub fn new() -> Self {
        Matrices { sides: Vec::new(), matrices: Vec::new(), of: PhantomData }
    }

    /// A side for the matrices to share.
    #[track_caller]
    pub fn side(&mut self, side: impl Into<Side>) -> Shared {
        self.sides.push(side.into());
        Shared(self.sides.len() - 1)
    }

    /// Adds a matrix of such elements.
    ///
    /// # Panics
    /// If there is no such element, or a side is one of other matrices.
    #[track_caller]
    pub fn matrix(self, rows: Shared, columns: Shared, elements: impl Into<Elements>) -> Self {
        self.add(Filling::Elements(elements.into().checked()), rows, columns)
    }

    /// Adds the class of each column by its number: 1 × columns, each a whole number below the
    /// extent of `classes`.
    ///
    /// # Panics
    /// If there may be no class, or a side is one of other matrices.
    #[track_caller]
    pub fn classes(self, classes: Shared, columns: Shared) -> Self {
        self.of_classes(Filling::Classes, classes, columns)
    }

    /// Adds the class of each column as a 1 among zeros: classes × columns.
    ///
    /// # Panics
    /// If there may be no class, or a side is one of other matrices.
    #[track_caller]
    pub fn one_hot(self, classes: Shared, columns: Shared) -> Self {
        self.of_classes(Filling::OneHot, classes, columns)
    }

    /// Adds shares of the classes, which add up to 1 in each column within rounding: classes ×
    /// columns.
    ///
    /// # Panics
    /// If there may be no class, or a side is one of other matrices.
    #[track_caller]
    pub fn shares(self, classes: Shared, columns: Shared) -> Self {
        self.of_classes(Filling::Shares, classes, columns)
    }

    #[track_caller]
    fn of_classes(self, filling: Filling, classes: Shared, columns: Shared) -> Self {
        assert!(self.sides[classes.0].least() > 0, "a column cannot tell one of 0 classes");
        self.add(filling, classes, columns)
    }

    #[track_caller]
    fn add(mut self, filling: Filling, rows: Shared, columns: Shared) -> Self {
        let is_ours = rows.0 < self.sides.len() && columns.0 < self.sides.len();
        assert!(is_ours, "the side is one of other matrices");
        self.matrices.push((filling, rows, columns));
        self
    }

    fn draw(&self, seed: u64) -> Tree<MatricesDraft<T>> {
        let (mut random, mut parts) = (Random::new(seed), Parts::new());
        let sides: Vec<ListId> = self
            .sides
            .iter()
            .map(|side| parts.list(Stage::Shape, side.draw(&mut random), side.least()))
            .collect();
        let fills = self.matrices.iter().enumerate().map(|(i, (filling, rows, columns))| {
            let fill = match filling {
                Filling::Elements(elements) => Fill::elements(elements, i, &mut random),
                Filling::Classes => Fill::classes(i, &mut random),
                Filling::OneHot => Fill::one_hot(i, &mut random),
                Filling::Shares => Fill::shares(i, &mut random),
            };
            (fill, sides[rows.0], sides[columns.0])
        });
        let fills = fills.collect();
        Tree::new(MatricesDraft { fills, of: PhantomData }, parts)
    }
}

impl<T> fmt::Debug for Matrices<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Matrices").field("sides", &self.sides).field("matrices", &self.matrices).finish()
    }
}

impl<T: Scalar> Strategy for Matrices<T> {
    type Tree = Tree<MatricesDraft<T>>;
    type Value = Vec<Matrix<T>>;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        Ok(self.draw(seed_of(runner)))
    }
}

/// What [`Matrices`] have drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct MatricesDraft<T> {
    fills: Vec<(Fill, ListId, ListId)>,
    of: PhantomData<T>,
}

impl<T: Scalar> Draft for MatricesDraft<T> {
    type Value = Vec<Matrix<T>>;

    fn value(&self, parts: &Parts) -> Vec<Matrix<T>> {
        self.grids(parts).iter().map(Grid::matrix).collect()
    }

    fn grids(&self, parts: &Parts) -> Vec<Grid> {
        let grid = |&(fill, rows, columns): &(Fill, ListId, ListId)| {
            fill.grid(parts, parts.kept(rows), parts.kept(columns))
        };
        self.fills.iter().map(grid).collect()
    }
}

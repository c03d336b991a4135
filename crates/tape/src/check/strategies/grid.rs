//! A matrix without end, of which the rows and columns that are left are looked at.

use std::fmt;

use super::parts::Parts;
use super::regime::{Elements, RUNGS, Source, at_rung};
use crate::check::Random;
use crate::{Matrix, Scalar};

/// Where an element is: in which matrix of a value, in which of its rows and columns, by the numbers
/// that these have had from the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) matrix: u32,
    /// After `matrix`, `column`: elements are in column-major order.
    pub(super) column: u32,
    pub(super) row: u32,
}

impl Place {
    /// 64 bits that tell places apart.
    pub(super) fn mixed(self) -> u64 {
        let inside = u64::from(self.row) << 32 | u64::from(self.column);
        Random::new(Random::new(u64::from(self.matrix)).bits() ^ inside).bits()
    }
}

/// What a matrix is filled with: each element is a function of a seed and of its place, so that
/// what is cut out of it keeps its values whatever is cut away.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fill {
    kind: Kind,
    /// Which matrix of the value it is: their elements differ.
    matrix: u32,
    seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Elements(Source),
    /// The rows are classes, and a column tells one of them.
    Classes(Told),
    /// The columns are shares that add up to 1.
    Shares,
}

/// Shares are made of these, column by column.
const WEIGHTS: Source = Source::Soft;

/// How a column tells its class.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Told {
    /// By its number: a matrix of one row.
    Number,
    /// By a 1 among zeros.
    OneHot,
}

impl Fill {
    /// Elements of the kind that is asked for; of which regime, `random` decides. `matrix` is the
    /// number of the matrix in its value.
    ///
    /// # Panics
    /// If there is no such element: no regime, or nothing between two bounds.
    #[track_caller]
    pub fn elements(elements: &Elements, matrix: usize, random: &mut Random) -> Self {
        let source = elements.clone().checked().drawn(random);
        Fill::new(Kind::Elements(source), matrix, random)
    }

    /// The class of every column by its number, 1 × m: the rows of the grid are the classes.
    pub fn classes(matrix: usize, random: &mut Random) -> Self {
        Fill::new(Kind::Classes(Told::Number), matrix, random)
    }

    /// The class of every column by a 1 in its row.
    pub fn one_hot(matrix: usize, random: &mut Random) -> Self {
        Fill::new(Kind::Classes(Told::OneHot), matrix, random)
    }

    /// Shares of the rows, which add up to 1 in every column, within rounding.
    pub fn shares(matrix: usize, random: &mut Random) -> Self {
        Fill::new(Kind::Shares, matrix, random)
    }

    fn new(kind: Kind, matrix: usize, random: &mut Random) -> Self {
        let matrix = u32::try_from(matrix).expect("a value has less than 2³² matrices");
        Fill { kind, matrix, seed: random.bits() }
    }

    /// What is left of a matrix that is filled so, where these rows and columns are left.
    ///
    /// # Panics
    /// If columns tell a class, or shares, of no row.
    #[track_caller]
    pub fn grid(self, parts: &Parts, rows: &[u32], columns: &[u32]) -> Grid {
        let needs_rows = !matches!(self.kind, Kind::Elements(_));
        assert!(!needs_rows || !rows.is_empty() || columns.is_empty(), "there is no class to tell");
        let mut grid = Grid { fill: self, rows: rows.into(), columns: columns.into(), rungs: Vec::new() };
        grid.rungs = grid.places().map(|place| parts.rung(place)).collect();
        grid
    }
}

/// What is left of a matrix: the rows and columns that are left of [`Fill`], with the elements that
/// became simpler.
///
/// It says nothing of the number type: one grid is a [`matrix`](Grid::matrix) of `f32` and one of
/// `f64`. Its `Debug` shows that of `f64`.
#[derive(Clone, PartialEq)]
pub struct Grid {
    fill: Fill,
    rows: Vec<u32>,
    columns: Vec<u32>,
    /// Those of [`places`](Grid::places), in the same order.
    rungs: Vec<Option<u8>>,
}

impl Grid {
    /// Rows and columns of the matrix.
    pub fn shape(&self) -> (usize, usize) {
        match self.fill.kind {
            Kind::Classes(Told::Number) => (1, self.columns.len()),
            Kind::Classes(Told::OneHot) | Kind::Elements(_) | Kind::Shares => {
                (self.rows.len(), self.columns.len())
            }
        }
    }

    /// The matrix, in the number type that is asked for.
    ///
    /// # Panics
    /// If there is no memory for it.
    pub fn matrix<T: Scalar>(&self) -> Matrix<T> {
        let (rows, columns) = self.shape();
        match self.fill.kind {
            Kind::Elements(source) => Matrix::from_fn(rows, columns, |i, j| self.element(source, i, j)),
            Kind::Classes(told) => {
                let classes: Vec<usize> = (0..columns).map(|j| self.class(j)).collect();
                Matrix::from_fn(rows, columns, |i, j| match told {
                    Told::Number => T::from_usize(classes[j]),
                    Told::OneHot => T::from_usize(usize::from(classes[j] == i)),
                })
            }
            Kind::Shares => {
                let weights: Matrix<f64> = Matrix::from_fn(rows, columns, |i, j| self.element(WEIGHTS, i, j));
                let sums: Vec<f64> = weights.iter_columns().map(|column| column.iter().sum()).collect();
                Matrix::from_fn(rows, columns, |i, j| match sums[j] {
                    0.0 => T::from_usize(usize::from(i == 0)),
                    sum => T::from_f64(weights[(i, j)] / sum),
                })
            }
        }
    }

    /// An element, or the weight of a share.
    fn element<T: Scalar>(&self, source: Source, i: usize, j: usize) -> T {
        let place = self.place(i, j);
        let drawn: T = source.element(self.fill.seed, place);
        match self.rungs[j * self.rows.len() + i] {
            None => drawn,
            Some(rung) => T::from_f64(at_rung(rung, drawn.to_f64())),
        }
    }

    /// The class of a column: the one that was drawn, as far as it is left.
    fn class(&self, j: usize) -> usize {
        let drawn = self.drawn_class(self.columns[j]);
        match self.rungs[j] {
            Some(_) => 0,
            None => drawn,
        }
    }

    /// A number for each row, and the class is the row of the greatest: it stays while its row does.
    fn drawn_class(&self, column: u32) -> usize {
        let of = |&row: &u32| Place { matrix: self.fill.matrix, row, column }.mixed() ^ self.fill.seed;
        let numbers = self.rows.iter().map(|row| Random::new(of(row)).bits());
        numbers.enumerate().max_by_key(|&(_, number)| number).map_or(0, |(class, _)| class)
    }

    fn place(&self, i: usize, j: usize) -> Place {
        Place { matrix: self.fill.matrix, row: self.rows[i], column: self.columns[j] }
    }

    /// The places of what can become simpler, in column-major order: a column that tells a class has
    /// one.
    fn places(&self) -> impl Iterator<Item = Place> {
        let matrix = self.fill.matrix;
        let rows: &[u32] = match self.fill.kind {
            Kind::Classes(_) => &[u32::MAX],
            Kind::Elements(_) | Kind::Shares => &self.rows,
        };
        self.columns
            .iter()
            .flat_map(move |&column| rows.iter().map(move |&row| Place { matrix, row, column }))
    }

    /// The places of the elements that have `rung` below them.
    pub(super) fn above(&self, rung: u8) -> Vec<Place> {
        let is_above = |(place, at): &(Place, &Option<u8>)| {
            let below = at.map_or(RUNGS.len() as u8, |at| at);
            rung < below && self.rungs_of(*place) & 1 << rung != 0
        };
        self.places().zip(&self.rungs).filter(is_above).map(|(place, _)| place).collect()
    }

    fn rungs_of(&self, place: Place) -> u8 {
        match self.fill.kind {
            Kind::Elements(source) => source.rungs(self.fill.seed, place),
            Kind::Shares => WEIGHTS.rungs(self.fill.seed, place),
            Kind::Classes(_) => u8::from(self.drawn_class(place.column) != 0),
        }
    }
}

impl fmt::Debug for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.matrix::<f64>().fmt(f)
    }
}

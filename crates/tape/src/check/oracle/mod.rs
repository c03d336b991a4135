//! Independent oracles: an interpreter of its own over the list, in numbers of one's choice.
//!
//! An [`Oracle`] goes through the entries of a tape one by one, with plain loops, and computes each from
//! its definition. It shares no kernel, no vector–Jacobian product and no program with the tape; all that
//! it reads is what an [`Entry`] tells. What it computes with is a [`Number`]:
//!
//! | I want to … | numbers | call |
//! |---|---|---|
//! | know the value of an entry | `f64`, `f32` | [`value`](Oracle::value) |
//! | judge a gradient, without a step to choose | [`Dual`] | [`gradient`](Oracle::gradient), [`derivative`](Oracle::derivative) |
//! | judge second derivatives | [`HyperDual`] | [`second`](Oracle::second) |
//! | judge an analytic function by another principle | [`Complex`] | [`complex_step`](Oracle::complex_step) |
//! | compare with `==` | `Rational`, with the feature `rational` | [`value`](Oracle::value), [`gradient`](Oracle::gradient) |
//! | know how far rounding may move an entry | [`Bounded`] | [`bound`](Oracle::bound) |
//! | have more digits | a type of one's own | any of them |
//!
//! A recorded gradient is an entry, and so is judged as any other:
//!
//! ```
//! use tape::check::oracle::Oracle;
//! use tape::{Tape, matrix};
//! let tape = Tape::<f64>::new();
//! let w = tape.parameter("w", &matrix![[0.5, -1.0], [2.0, 0.25]]);
//! let x = tape.examples("x", &matrix![[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]]);
//! let j = w.matmul(x).tanh().square().mean();
//! let [dw] = j.gradients([w]);
//!
//! let oracle = Oracle::new();
//! let by_dual_numbers = oracle.gradient::<f64>(j, w)?;
//! let (recorded, bound) = (dw.value()?, oracle.bound(dw)?);
//! for ((place, found), &bound) in recorded.iter_indexed().zip(bound.as_slice()) {
//!     assert!((found - by_dual_numbers[place]).abs() <= 2.0 * bound && bound < 1e-13);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A rounding bound in the place of a tolerance
//! [`Oracle::bound`] tells of every element how far any evaluation of the formula may be from what the formula
//! is: a test compares two evaluations within twice that, whatever the sizes of the numbers and however much
//! cancels. See [`Bounded`] for what is counted.
//!
//! # What it does not do
//! It computes formulas as they are written: where a program keeps digits that a formula loses, an oracle in
//! `f64` loses them; longer numbers tell. It does not look at what labels are. Where a function has a kink, its
//! derivative is the one that the tape documents.

mod bounded;
mod complex;
mod definitions;
mod dual;
mod error;
mod grid;
mod interpret;
mod number;
#[cfg(feature = "rational")]
mod rational;
mod special;

use std::collections::HashMap;

pub use bounded::Bounded;
pub use complex::Complex;
pub use definitions::{Definitions, NoDefinitions};
pub use dual::{Dual, HyperDual};
pub use error::Error;
pub use grid::Grid;
pub use number::{Elementary, Number, Refusal};
#[cfg(feature = "rational")]
pub use rational::Rational;

use crate::{Dim, Entry, EntryId, LeafKind, Matrix, OperationKind, Scalar, Shape, Var};
use interpret::evaluate;

/// Where the entries of a tape are evaluated: with the values that leaves were made with, or others
/// that are bound to them.
///
/// See the [module](self) for what it can be asked.
#[derive(Debug, Clone)]
pub struct Oracle<T: Scalar, D = NoDefinitions> {
    bound: HashMap<EntryId, Matrix<T>>,
    examples: Option<usize>,
    definitions: D,
}

impl<T: Scalar> Default for Oracle<T> {
    fn default() -> Self {
        Oracle::new()
    }
}

/// A value for every entry that was needed, by its number.
type Values<N> = Vec<Option<Grid<N>>>;

/// Directions: an entry and how it moves. Of one that stands there twice the directions add up.
type Along<'a, 't, T> = &'a [(Var<'t, T>, &'a Matrix<T>)];

/// The imaginary step. Its square vanishes beside any number, and it is a power of two, so that no digit
/// is lost.
const STEP: f64 = f64::from_bits((1023 - 333) << 52);

impl<T: Scalar> Oracle<T> {
    /// All leaves as they were made.
    pub fn new() -> Self {
        Oracle { bound: HashMap::new(), examples: None, definitions: NoDefinitions }
    }
}

impl<T: Scalar, D: Definitions> Oracle<T, D> {
    /// With another value for a leaf: a parameter, examples, a constant, or the noise that a run had.
    ///
    /// ```
    /// use tape::check::oracle::Oracle;
    /// use tape::{Dim, Noise, Shape, Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.examples("x", &matrix![[1.0, 2.0]]);
    /// let e = tape.noise("ε", Shape::new(1, Dim::M), Noise::Normal);
    /// let y = x + e;
    /// assert!(Oracle::new().value::<f64>(y).unwrap_err().to_string().contains("drawn for each run"));
    ///
    /// let mut program = tape.compile([y, e])?;
    /// program.run()?;
    /// let oracle = Oracle::new().bind(e, &program.view(e)?.to_matrix())?;
    /// assert_eq!(oracle.value::<f64>(y)?.values(), program.view(y)?.to_matrix());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotLeaf`]; [`Error::Shape`] if the matrix has another number of rows, or of columns where
    /// these are not the examples; [`Error::Tape`] if the variable is void.
    pub fn bind(mut self, leaf: Var<'_, T>, value: &Matrix<T>) -> Result<Self, Error> {
        let entry = leaf.entry()?;
        if entry.leaf_kind().is_none() {
            return Err(Error::NotLeaf { entry: entry.label() });
        }
        let expected = entry.shape().at(examples_in(entry.shape(), value.shape()).unwrap_or(0));
        if value.shape() != expected {
            return Err(Error::Shape { entry: entry.label(), expected, found: value.shape() });
        }
        self.bound.insert(entry.id(), value.clone());
        Ok(self)
    }

    /// With this number of examples, where no leaf tells it.
    pub fn examples(mut self, m: usize) -> Self {
        self.examples = Some(m);
        self
    }

    /// With what the user's own operations and functions compute.
    pub fn definitions<E: Definitions>(self, definitions: E) -> Oracle<T, E> {
        Oracle { bound: self.bound, examples: self.examples, definitions }
    }

    /// The value of an entry.
    ///
    /// ```
    /// use tape::check::oracle::Oracle;
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.parameter("x", &matrix![[1.0, 2.0], [3.0, 4.0]]);
    /// let y = x.matmul(x.t()) - 1.0;
    /// assert_eq!(Oracle::new().value::<f64>(y)?.values(), matrix![[4.0, 10.0], [10.0, 24.0]]);
    /// let at = Oracle::new().bind(x, &matrix![[0.0, 1.0], [1.0, 0.0]])?;
    /// assert_eq!(at.value::<f64>(y)?.values(), matrix![[0.0, -1.0], [-1.0, 0.0]]);
    /// # Ok::<(), tape::check::oracle::Error>(())
    /// ```
    ///
    /// # Errors
    /// See [`Error`].
    pub fn value<N: Number>(&self, y: Var<'_, T>) -> Result<Grid<N>, Error> {
        Ok(self.values::<N>(&[y])?.remove(0))
    }

    /// The values of several entries, each computed once.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn values<N: Number>(&self, y: &[Var<'_, T>]) -> Result<Vec<Grid<N>>, Error> {
        let entries = y.iter().map(|y| y.entry()).collect::<crate::Result<Vec<_>>>()?;
        let values = self.evaluated(&entries)?;
        Ok(entries.iter().map(|entry| values[entry.index()].clone().expect("it is needed")).collect())
    }

    /// The derivative of an entry where others move along directions, by [dual numbers](Dual): leaves, or any
    /// entries, whose own operands then are taken not to matter for them.
    ///
    /// ```
    /// use tape::check::oracle::Oracle;
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.parameter("x", &matrix![[3.0]]);
    /// let y = x.square();
    /// let z = y * x;
    /// let one = matrix![[1.0]];
    /// let oracle = Oracle::new();
    /// assert_eq!(oracle.derivative::<f64>(z, &[(x, &one)])?[(0, 0)], 27.0); // of x³
    /// assert_eq!(oracle.derivative::<f64>(z, &[(y, &one)])?[(0, 0)], 3.0); // of y·x
    /// # Ok::<(), tape::check::oracle::Error>(())
    /// ```
    ///
    /// # Errors
    /// See [`Error`].
    pub fn derivative<N: Number>(&self, y: Var<'_, T>, along: Along<'_, '_, T>) -> Result<Grid<N>, Error> {
        let base = self.base::<N>(y, &[along])?;
        let seeds = self.seeds(y, along, &base, |v, d| Dual { v: v.clone(), d })?;
        self.moved(&base, seeds, |v: &N| Dual::still(v.clone()), |x| x.d.clone())
    }

    /// The gradient of a 1 × 1 entry with respect to another, by [dual numbers](Dual), a direction for each
    /// element.
    ///
    /// The time is that of a [`derivative`](Oracle::derivative) for each.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn gradient<N: Number>(&self, j: Var<'_, T>, x: Var<'_, T>) -> Result<Grid<N>, Error> {
        let base = self.base::<N>(j, &[&[(x, &Matrix::scalar(T::ZERO))]])?;
        let shape = base.value().shape();
        if shape != (1, 1) {
            return Err(Error::NotScalar { entry: base.target.label(), shape });
        }
        let at = self.place(j, x)?;
        let value = base.values[at].clone().expect("it is needed");
        let mut derivatives = Vec::with_capacity(value.as_slice().len());
        for k in 0..value.as_slice().len() {
            let mut data: Vec<Dual<N>> = value.as_slice().iter().cloned().map(Dual::still).collect();
            data[k].d = N::of(1.0);
            let seed = Grid::of_data(value.rows(), value.columns(), data);
            let seeds = HashMap::from([(at, seed)]);
            let slope = self.moved(&base, seeds, |v: &N| Dual::still(v.clone()), |x| x.d.clone())?;
            derivatives.push(slope[(0, 0)].clone());
        }
        Ok(Grid::of_data(value.rows(), value.columns(), derivatives))
    }

    /// The second derivative of an entry along two directions, which may be of the same entries, by
    /// [hyper-dual numbers](HyperDual).
    ///
    /// ```
    /// use tape::check::oracle::Oracle;
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let (x, y) = (tape.parameter("x", &matrix![[3.0]]), tape.parameter("y", &matrix![[5.0]]));
    /// let z = x.square() * y;
    /// let one = matrix![[1.0]];
    /// let oracle = Oracle::new();
    /// assert_eq!(oracle.second::<f64>(z, &[(x, &one)], &[(y, &one)])?[(0, 0)], 6.0); // 2x
    /// assert_eq!(oracle.second::<f64>(z, &[(x, &one)], &[(x, &one)])?[(0, 0)], 10.0); // 2y
    /// # Ok::<(), tape::check::oracle::Error>(())
    /// ```
    ///
    /// # Errors
    /// See [`Error`].
    pub fn second<N: Number>(
        &self,
        y: Var<'_, T>,
        along: Along<'_, '_, T>,
        and: Along<'_, '_, T>,
    ) -> Result<Grid<N>, Error> {
        let base = self.base::<N>(y, &[along, and])?;
        let still = |v: &N| Dual::still(Dual::still(v.clone()));
        let mut seeds = self.seeds(y, along, &base, |v, d| Dual {
            v: Dual { v: v.clone(), d },
            d: Dual::still(N::of(0.0)),
        })?;
        for (at, seed) in
            self.seeds(y, and, &base, |v, d| Dual { v: Dual::still(v.clone()), d: Dual::still(d) })?
        {
            let first = seeds.remove(&at);
            let both = match first {
                None => seed,
                Some(first) => Grid::new(seed.rows(), seed.columns(), |i, j| Dual {
                    v: first[(i, j)].v.clone(),
                    d: seed[(i, j)].d.clone(),
                }),
            };
            seeds.insert(at, both);
        }
        self.moved(&base, seeds, still, |x| x.d.d.clone())
    }

    /// The derivative of an entry along directions by a [complex](Complex) step: for functions that are
    /// analytic; others are refused.
    ///
    /// ```
    /// use tape::check::oracle::Oracle;
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.parameter("x", &matrix![[0.5]]);
    /// let one = matrix![[1.0]];
    /// let slope = Oracle::new().complex_step(x.sin(), &[(x, &one)])?;
    /// assert_eq!(slope[(0, 0)], 0.5_f64.cos());
    /// let refused = Oracle::new().complex_step(x.relu(), &[(x, &one)]).unwrap_err();
    /// assert!(refused.to_string().contains("not analytic"));
    /// # Ok::<(), tape::check::oracle::Error>(())
    /// ```
    ///
    /// # Errors
    /// See [`Error`].
    pub fn complex_step(&self, y: Var<'_, T>, along: Along<'_, '_, T>) -> Result<Grid<f64>, Error> {
        let base = self.base::<f64>(y, &[along])?;
        let seeds = self.seeds(y, along, &base, |&v, d| Complex::new(v, STEP * d))?;
        self.moved(&base, seeds, |&v: &f64| Complex::new(v, 0.0), |x| x.im / STEP)
    }

    /// For each element of an entry a bound on how far an evaluation in `T` may be from what the formula is. See
    /// [`Bounded`] for what is counted; ∞ where the formula tells nothing.
    ///
    /// ```
    /// use tape::check::oracle::Oracle;
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f32>::new();
    /// let x = tape.parameter("x", &matrix![[1.0, 1e6, -1e6]]);
    /// let bound = Oracle::new().bound(x.sum())?[(0, 0)];
    /// assert!(bound > 0.1 && bound < 1.0); // of 1, as 1 + 10⁶ is rounded
    /// # Ok::<(), tape::check::oracle::Error>(())
    /// ```
    ///
    /// # Errors
    /// See [`Error`].
    pub fn bound(&self, y: Var<'_, T>) -> Result<Grid<f64>, Error> {
        Ok(self.bounds(&[y])?.remove(0))
    }

    /// The [bounds](Oracle::bound) of several entries, each computed once.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn bounds(&self, y: &[Var<'_, T>]) -> Result<Vec<Grid<f64>>, Error> {
        Ok(self.values::<Bounded<T>>(y)?.iter().map(|y| y.map(Bounded::bound)).collect())
    }
}

/// The values around an entry that is differentiated.
struct Base<'t, T: Scalar, N> {
    target: Entry<'t, T>,
    values: Values<N>,
    m: Option<usize>,
}

impl<T: Scalar, N> Base<'_, T, N> {
    fn value(&self) -> &Grid<N> {
        self.values[self.target.index()].as_ref().expect("it is needed")
    }
}

impl<T: Scalar, D: Definitions> Oracle<T, D> {
    /// The values of these entries and of all that they need.
    fn evaluated<N: Number>(&self, targets: &[Entry<'_, T>]) -> Result<Values<N>, Error> {
        let mut values: Values<N> = Vec::new();
        // Of several tapes each is looked at alone.
        let Some(&first) = targets.first() else { return Ok(values) };
        if let Some(foreign) = targets.iter().find(|entry| !std::ptr::eq(entry.tape(), first.tape())) {
            return Err(Error::Foreign { entry: foreign.label() });
        }
        let m = self.m_of(first);
        let needed = needed(targets);
        for (entry, needed) in first.tape().entries().zip(needed) {
            let value = needed.then(|| self.entry_value(entry, m, &values)).transpose()?;
            values.push(value);
        }
        Ok(values)
    }

    fn entry_value<N: Number>(
        &self,
        entry: Entry<'_, T>,
        m: Option<usize>,
        values: &Values<N>,
    ) -> Result<Grid<N>, Error> {
        if entry.kind() == OperationKind::Leaf {
            return Ok(Grid::of_matrix(&*self.leaf(entry, m)?));
        }
        let operands: Vec<&Grid<N>> =
            entry.operands().map(|operand| values[operand.index()].as_ref().expect("it is needed")).collect();
        evaluate(entry, m, &operands, &self.definitions)
    }

    /// A leaf's value: the one bound, or the one that it was made with.
    fn leaf(&self, entry: Entry<'_, T>, m: Option<usize>) -> Result<std::borrow::Cow<'_, Matrix<T>>, Error> {
        let value = match (self.bound.get(&entry.id()), entry.leaf_value(), entry.leaf_kind()) {
            (Some(bound), ..) => std::borrow::Cow::Borrowed(bound),
            (None, Some(made_with), _) => std::borrow::Cow::Owned(Matrix::clone(&made_with)),
            (None, None, Some(LeafKind::Noise(_))) => return Err(Error::Noise { leaf: entry.label() }),
            (None, None, _) => return Err(Error::Unbound { leaf: entry.label() }),
        };
        let expected = interpret::extents(entry, m)?;
        if value.shape() != expected {
            return Err(Error::Shape { entry: entry.label(), expected, found: value.shape() });
        }
        Ok(value)
    }

    /// The number of examples: as it was given, or of what is bound, or of what leaves were made with.
    fn m_of(&self, of: Entry<'_, T>) -> Option<usize> {
        if self.examples.is_some() {
            return self.examples;
        }
        let mut made_with = None;
        for entry in of.tape().entries().filter(|entry| entry.kind() == OperationKind::Leaf) {
            let of = |value: &Matrix<T>| examples_in(entry.shape(), value.shape());
            if let Some(m) = self.bound.get(&entry.id()).and_then(of) {
                return Some(m);
            }
            made_with = made_with.or_else(|| entry.leaf_value().and_then(|value| of(&value)));
        }
        made_with
    }

    /// What a derivative of y along directions starts from.
    fn base<'t, N: Number>(
        &self,
        y: Var<'t, T>,
        along: &[Along<'_, '_, T>],
    ) -> Result<Base<'t, T, N>, Error> {
        let target = y.entry()?;
        let mut targets = vec![target];
        for (x, _) in along.iter().flat_map(|along| along.iter()) {
            targets.push(target.tape().entry(self.place(y, *x)?).expect("it is of this tape"));
        }
        Ok(Base { target, values: self.evaluated(&targets)?, m: self.m_of(target) })
    }

    /// The number of x in the tape of y.
    fn place(&self, y: Var<'_, T>, x: Var<'_, T>) -> Result<usize, Error> {
        let (y, x) = (y.entry()?, x.entry()?);
        match y.id().tape == x.id().tape {
            true => Ok(x.index()),
            false => Err(Error::Foreign { entry: x.label() }),
        }
    }

    /// The entries that move, made of their values and directions.
    fn seeds<N: Number, M>(
        &self,
        y: Var<'_, T>,
        along: Along<'_, '_, T>,
        base: &Base<'_, T, N>,
        make: impl Fn(&N, N) -> M,
    ) -> Result<HashMap<usize, Grid<M>>, Error> {
        let mut directions: HashMap<usize, Grid<N>> = HashMap::new();
        for (x, direction) in along {
            let at = self.place(y, *x)?;
            let value = base.values[at].as_ref().expect("it is needed");
            if value.shape() != direction.shape() {
                let (expected, found) = (value.shape(), direction.shape());
                return Err(Error::Shape { entry: x.label(), expected, found });
            }
            let before = directions.remove(&at);
            let of = |i, j| {
                let d = N::of(direction[(i, j)].to_f64());
                match &before {
                    None => d,
                    Some(before) => before[(i, j)].clone() + d,
                }
            };
            directions.insert(at, Grid::new(value.rows(), value.columns(), of));
        }
        let seed = |(at, directions): (usize, Grid<N>)| {
            let value = base.values[at].as_ref().expect("it is needed");
            let of = |i, j| make(&value[(i, j)], directions[(i, j)].clone());
            (at, Grid::new(value.rows(), value.columns(), of))
        };
        Ok(directions.into_iter().map(seed).collect())
    }

    /// A part of what the target is where some entries have other values. What does not depend on them stays.
    fn moved<N: Number, M: Number, P>(
        &self,
        base: &Base<'_, T, N>,
        seeds: HashMap<usize, Grid<M>>,
        lift: impl Fn(&N) -> M,
        part: impl Fn(&M) -> P,
    ) -> Result<Grid<P>, Error> {
        let tape = base.target.tape();
        let wanted = needed(&[base.target]);
        let mut moved: Values<M> = Vec::with_capacity(wanted.len());
        for (index, &wanted) in wanted.iter().enumerate() {
            let entry = tape.entry(index).expect("it is needed");
            let value = match seeds.get(&index) {
                Some(seed) => Some(seed.clone()),
                None if wanted && entry.operands().any(|on| moved[on.index()].is_some()) => {
                    let lifted = |on: Entry<'_, T>| {
                        let stays = moved[on.index()].is_none();
                        stays.then(|| base.values[on.index()].as_ref().expect("it is needed").map(&lift))
                    };
                    let still: Vec<Option<Grid<M>>> = entry.operands().map(lifted).collect();
                    let operands: Vec<&Grid<M>> = entry
                        .operands()
                        .zip(&still)
                        .map(|(on, still)| {
                            still.as_ref().or(moved[on.index()].as_ref()).expect("one of both")
                        })
                        .collect();
                    Some(evaluate(entry, base.m, &operands, &self.definitions)?)
                }
                None => None,
            };
            moved.push(value);
        }
        Ok(match &moved[base.target.index()] {
            Some(moved) => moved.map(part),
            None => base.value().map(|still| part(&lift(still))),
        })
    }
}

/// How many examples a matrix has that is of this shape, if it tells.
fn examples_in(shape: Shape, (rows, columns): (usize, usize)) -> Option<usize> {
    let of = |extent: Dim, found: usize| Some(found / extent.per_example()?);
    of(shape.columns, columns).or_else(|| of(shape.rows, rows))
}

/// Which entries these need, up to the last of them.
fn needed<T: Scalar>(targets: &[Entry<'_, T>]) -> Vec<bool> {
    let count = targets.iter().map(|entry| entry.index() + 1).max().unwrap_or(0);
    let mut needed = vec![false; count];
    targets.iter().for_each(|entry| needed[entry.index()] = true);
    let Some(tape) = targets.first().map(|entry| entry.tape()) else { return needed };
    for index in (0..count).rev() {
        if needed[index] {
            let entry = tape.entry(index).expect("its number is below the count");
            entry.operands().for_each(|operand| needed[operand.index()] = true);
        }
    }
    needed
}

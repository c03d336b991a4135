//! Rows and columns by their numbers: fixed ones, and such that come with the examples.

use std::borrow::Cow;
use std::sync::Arc;

use crate::error::{Place, is_name};
use crate::ops::Op;
use crate::tape::describe::{Described, Given, Parameters, described};
use crate::tape::operation::{Fault, Mismatch, Operands, Operation};
use crate::tape::vjp::Vjp;
use crate::{Dim, Error, Matrix, MatrixMut, MatrixRef, Result, Scalar, Shape, Tape, Var};

/// The numbers of rows, in the place of one that is all zeros [`ZEROS`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RowNumbers(Arc<[u32]>);

/// A row of zeros, as around an image.
pub(crate) const ZEROS: u32 = u32::MAX;

impl RowNumbers {
    pub(crate) fn new(rows: impl IntoIterator<Item = u32>) -> Self {
        RowNumbers(rows.into_iter().collect())
    }

    #[cfg(any(feature = "onnx", feature = "rust-source"))]
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter().copied()
    }

    fn greatest(&self) -> Option<u32> {
        self.0.iter().copied().filter(|&row| row != ZEROS).max()
    }

    /// In short: the first few.
    fn shown(&self) -> String {
        const MOST: usize = 4;
        let number = |&row: &u32| if row == ZEROS { "–".to_owned() } else { row.to_string() };
        let mut shown: Vec<String> = self.0.iter().take(MOST).map(number).collect();
        if self.0.len() > MOST {
            shown.push(format!("… {} in all", self.0.len()));
        }
        shown.join(", ")
    }

    fn to_word(&self) -> Cow<'static, str> {
        let words: Vec<String> = self.0.iter().map(u32::to_string).collect();
        words.join(" ").into()
    }

    fn of_word(word: &str) -> std::result::Result<Self, String> {
        let rows: std::result::Result<Vec<u32>, _> = word.split_whitespace().map(str::parse).collect();
        rows.map(Self::new).map_err(|error| format!("its rows are no numbers: {error}"))
    }
}

/// Some rows, each any number of times.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RowsAt {
    pub(crate) rows: RowNumbers,
}

impl<T: Scalar> Operation<T> for RowsAt {
    fn name(&self) -> Cow<'_, str> {
        format!("rows_at[{}]", self.rows.shown()).into()
    }
    fn shape(&self, operands: &[Shape]) -> std::result::Result<Shape, Mismatch> {
        let Dim::Fixed(count) = operands[0].rows else {
            return Err(Mismatch::new(format!("{} rows have no fixed numbers", operands[0].rows)));
        };
        match self.rows.greatest() {
            Some(row) if row as usize >= count => Err(Mismatch::new(format!("there is no row {row}"))),
            _ => Ok(Shape { rows: self.rows.0.len().into(), ..operands[0] }),
        }
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> std::result::Result<(), Fault> {
        let a = x.get(0);
        for j in 0..a.columns() {
            let column = a.column(j);
            for (out, &row) in out.column_mut(j).iter_mut().zip(&*self.rows.0) {
                *out = column.get(row as usize).copied().unwrap_or(T::ZERO);
            }
        }
        Ok(())
    }
    /// ∂/∂A: each row of G added to the one that it was.
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let of = at.operand(0).known_shape().rows.at(0);
        at.contribute(0, |g| g.tape.push(RowsAdded { rows: self.rows.clone(), of }, &[g]));
    }
    fn is_columnwise(&self, _: &[Shape]) -> bool {
        true
    }
    fn flops(&self, _: &[(usize, usize)], _: (usize, usize)) -> u64 {
        0
    }
}

/// Rows added up where they are to be: what [`RowsAt`] undoes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RowsAdded {
    pub(crate) rows: RowNumbers,
    /// How many rows there are in all.
    pub(crate) of: usize,
}

impl<T: Scalar> Operation<T> for RowsAdded {
    fn name(&self) -> Cow<'_, str> {
        format!("rows_added[{} of {}]", self.rows.shown(), self.of).into()
    }
    fn shape(&self, operands: &[Shape]) -> std::result::Result<Shape, Mismatch> {
        if operands[0].rows != Dim::Fixed(self.rows.0.len()) {
            return Err(Mismatch::new(format!("takes {} rows", self.rows.0.len())));
        }
        match self.rows.greatest() {
            Some(row) if row as usize >= self.of => Err(Mismatch::new(format!("there is no row {row}"))),
            _ => Ok(Shape { rows: self.of.into(), ..operands[0] }),
        }
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> std::result::Result<(), Fault> {
        let a = x.get(0);
        out.as_mut_slice().fill(T::ZERO);
        for j in 0..a.columns() {
            let out = out.column_mut(j);
            for (&x, &row) in a.column(j).iter().zip(&*self.rows.0) {
                if let Some(sum) = out.get_mut(row as usize) {
                    *sum += x;
                }
            }
        }
        Ok(())
    }
    /// ∂/∂A: the rows of G.
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        at.contribute(0, |g| g.tape.push(RowsAt { rows: self.rows.clone() }, &[g]));
    }
    fn is_columnwise(&self, _: &[Shape]) -> bool {
        true
    }
    fn flops(&self, operands: &[(usize, usize)], _: (usize, usize)) -> u64 {
        (operands[0].0 as u64).saturating_mul(operands[0].1 as u64)
    }
}

impl<T: Scalar> Described<T> for RowsAt {
    fn parameters(&self) -> Parameters<T> {
        vec![("rows", crate::tape::describe::Parameter::Word(self.rows.to_word()))]
    }
    fn of_parameters(given: &mut Given<T>) -> std::result::Result<Self, String> {
        let word: Cow<'static, str> = given.take("rows")?;
        Ok(RowsAt { rows: RowNumbers::of_word(&word)? })
    }
    fn takes(&self, operands: usize) -> bool {
        operands == 1
    }
}

impl<T: Scalar> Described<T> for RowsAdded {
    fn parameters(&self) -> Parameters<T> {
        let rows = crate::tape::describe::Parameter::Word(self.rows.to_word());
        vec![("rows", rows), ("of", crate::tape::describe::InWords::to_parameter(&self.of))]
    }
    fn of_parameters(given: &mut Given<T>) -> std::result::Result<Self, String> {
        let word: Cow<'static, str> = given.take("rows")?;
        Ok(RowsAdded { rows: RowNumbers::of_word(&word)?, of: given.take("of")? })
    }
    fn takes(&self, operands: usize) -> bool {
        operands == 1
    }
}

/// What messages call a table, of which they know the operation and the label.
pub(crate) fn table_label<T: Scalar>(table: &Op<T>, label: String) -> String {
    match table {
        Op::Identity(_) => "one_hot".into(),
        _ => label,
    }
}

/// A type that [indices](Tape::indices) are given in: `u8`, `u16`, `u32`, `u64`, `usize`, `i32` or
/// `i64`. It is sealed.
pub trait IndexNumber: sealed::Whole {}

mod sealed {
    pub trait Whole: Copy {
        fn whole(self) -> i128;
    }
}

macro_rules! index_numbers {
    ($($t:ty)*) => {$(
        impl IndexNumber for $t {}
        impl sealed::Whole for $t {
            fn whole(self) -> i128 {
                self as i128
            }
        }
    )*};
}

index_numbers!(u8 u16 u32 u64 usize i32 i64);

/// Indices of any type, so that what reads them is compiled once.
pub(crate) struct Indices<'a> {
    pub(crate) count: usize,
    pub(crate) get: &'a dyn Fn(usize) -> i128,
}

/// The number of a column that an index is, of so many columns.
pub(crate) fn column_number<T: Scalar>(index: T, count: usize) -> Option<usize> {
    let index = index.to_f64();
    let is_one = index >= 0.0 && index < count as f64 && index.fract() == 0.0;
    is_one.then_some(index as usize)
}

/// The column of a table that an index names, or what is wrong with it.
fn index_of<T: Scalar>(
    indices: MatrixRef<'_, T>,
    at: usize,
    count: usize,
) -> std::result::Result<usize, Fault> {
    let value = indices.as_slice()[at];
    column_number(value, count).ok_or_else(|| {
        let (row, column) = (at % indices.rows(), at / indices.rows());
        Fault::Index { operand: 0, value: value.to_f64(), row, column, count }
    })
}

/// The shape of one column for each index; the table's columns are numbered exactly in T.
fn gathered<T: Scalar>(rows: Dim, table: Dim, indices: Shape) -> std::result::Result<Shape, Mismatch> {
    let (Dim::Fixed(count), Dim::Fixed(k)) = (table, indices.rows) else {
        return Err(Mismatch::new("takes k×m indices and a table of a fixed number of columns"));
    };
    let exact = 1.0 / T::EPSILON.to_f64() * 2.0;
    if count as f64 > exact {
        return Err(Mismatch::new(format!("{} numbers no more than {exact} columns", T::NAME)));
    }
    let columns = indices.columns.times(k).ok_or_else(|| Mismatch::new("too many columns"))?;
    Ok(Shape { rows, columns })
}

/// The columns of a table that indices name. The operands are indices, k × m, and table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Gather;

impl<T: Scalar> Operation<T> for Gather {
    fn name(&self) -> Cow<'_, str> {
        "gather".into()
    }
    fn shape(&self, operands: &[Shape]) -> std::result::Result<Shape, Mismatch> {
        gathered::<T>(operands[1].rows, operands[1].columns, operands[0])
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> std::result::Result<(), Fault> {
        let (indices, table) = (x.get(0), x.get(1));
        for at in 0..indices.as_slice().len() {
            let column = index_of(indices, at, table.columns())?;
            out.column_mut(at).copy_from_slice(table.column(column));
        }
        Ok(())
    }
    /// ∂/∂table: the columns of G, each added to the one that it was.
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let [indices, table] = at.operands();
        at.zero(0); // a number of a column does not move by a little
        let of = table.known_shape().columns.at(0);
        at.contribute(1, |g| g.tape.push(ColumnsAdded { of }, &[indices, g]));
    }
    /// Where the table has nothing of the examples.
    fn is_columnwise(&self, operands: &[Shape]) -> bool {
        !operands[1].depends_on_m()
    }
    fn flops(&self, _: &[(usize, usize)], out: (usize, usize)) -> u64 {
        (out.0 as u64).saturating_mul(out.1 as u64)
    }
}

/// Columns added up where indices say: what [`Gather`] undoes. The operands are indices and columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ColumnsAdded {
    /// How many columns there are in all.
    pub(crate) of: usize,
}

impl<T: Scalar> Operation<T> for ColumnsAdded {
    fn name(&self) -> Cow<'_, str> {
        format!("columns_added[{}]", self.of).into()
    }
    fn shape(&self, operands: &[Shape]) -> std::result::Result<Shape, Mismatch> {
        let columns = gathered::<T>(operands[1].rows, self.of.into(), operands[0])?;
        match columns == operands[1] {
            true => Ok(Shape { columns: self.of.into(), ..columns }),
            false => Err(Mismatch::new("takes a column for each index")),
        }
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> std::result::Result<(), Fault> {
        let (indices, columns) = (x.get(0), x.get(1));
        out.as_mut_slice().fill(T::ZERO);
        for at in 0..indices.as_slice().len() {
            let sum = out.column_mut(index_of(indices, at, self.of)?);
            sum.iter_mut().zip(columns.column(at)).for_each(|(sum, &x)| *sum += x);
        }
        Ok(())
    }
    /// ∂/∂columns: those of G.
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let [indices, _] = at.operands();
        at.zero(0);
        at.contribute(1, |g| g.tape.push(Gather, &[indices, g]));
    }
    fn flops(&self, operands: &[(usize, usize)], out: (usize, usize)) -> u64 {
        let product = |(rows, columns): (usize, usize)| (rows as u64).saturating_mul(columns as u64);
        product(operands[1]).saturating_add(product(out))
    }
}

described! {
    Gather [2] {}
    ColumnsAdded [2] { of: "of" }
}

/// # Indices
impl<T: Scalar> Tape<T> {
    /// Examples that are numbers of columns of a table, from 0: k for each example, given example by
    /// example, of any of the types of whole numbers. They are k × m numbers of the tape's type, and
    /// are looked at where a program is given others: see [`gather`](Var::gather).
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let table = tape.parameter("E", &matrix![[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]]); // 3 items
    /// let items = tape.indices("item", 2, &[0, 2, 2, 2]); // two of each of two examples
    /// let bags = table.gather(items).sum_of_blocks();
    /// assert_eq!(bags.value()?, matrix![[4.0, 6.0], [40.0, 60.0]]);
    /// let [de] = bags.sum().gradients([table]);
    /// assert_eq!(de.value()?, matrix![[1.0, 0.0, 3.0], [1.0, 0.0, 3.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// A number of indices that k does not divide, or an index that is negative or that the type
    /// does not hold exactly, is an error that the variable carries.
    #[track_caller]
    pub fn indices(&self, name: &str, k: usize, indices: &[impl IndexNumber]) -> Var<'_, T> {
        let of = OfIndices {
            method: "indices",
            indices: || if is_name(name) { name.to_owned() } else { "a leaf without a name".into() },
            at: Some(self.place()),
        };
        match index_matrix(of, k, indices) {
            Ok(value) => self.examples(name, &value),
            Err(mistake) => self.mistake(mistake),
        }
    }

    /// As [`indices`](Tape::indices), without a value yet: a program is given them by
    /// [`bind_indices`](crate::Program::bind_indices).
    #[track_caller]
    pub fn indices_unbound(&self, name: &str, k: usize) -> Var<'_, T> {
        self.examples_unbound(name, k)
    }
}

/// Indices as a matrix of k rows.
fn index_matrix<T: Scalar>(
    of: OfIndices<impl FnOnce() -> String>,
    k: usize,
    indices: &[impl IndexNumber],
) -> Result<Matrix<T>> {
    let Some(columns) = examples_of(k, indices.len()) else { return Err(of.count(k, indices.len())) };
    let mut values = Matrix::try_zeros(k, columns)?;
    for (at, (value, index)) in values.as_mut_slice().iter_mut().zip(indices).enumerate() {
        match exact_index(index.whole()) {
            Some(index) => *value = index,
            None => return Err(of.inexact::<T>(index.whole(), (at % k, at / k))),
        }
    }
    Ok(values)
}

/// How many examples have so many indices, k each.
pub(crate) fn examples_of(k: usize, count: usize) -> Option<usize> {
    let columns = count.checked_div(k).unwrap_or(0);
    (columns * k == count).then_some(columns)
}

/// An index as a number of type T, if that holds it exactly.
pub(crate) fn exact_index<T: Scalar>(index: i128) -> Option<T> {
    let value = T::from_f64(index as f64);
    (index >= 0 && value.to_f64() as i128 == index).then_some(value)
}

/// What messages tell of indices that are refused.
pub(crate) struct OfIndices<F: FnOnce() -> String> {
    pub(crate) method: &'static str,
    /// What they are called.
    pub(crate) indices: F,
    /// Where they are recorded, if that is where they are given.
    pub(crate) at: Option<Place>,
}

impl<F: FnOnce() -> String> OfIndices<F> {
    pub(crate) fn count(self, k: usize, found: usize) -> Error {
        let OfIndices { method, indices, at } = self;
        Error::IndexCount { method, indices: indices(), k, found, at }
    }

    pub(crate) fn inexact<T: Scalar>(self, index: i128, (row, column): (usize, usize)) -> Error {
        let OfIndices { method, indices, at } = self;
        Error::InexactIndex { method, index, row, column, indices: indices(), number: T::NAME, at }
    }
}

impl Indices<'_> {
    /// Calls with a slice's, whatever their type.
    pub(crate) fn with<R>(indices: &[impl IndexNumber], call: impl FnOnce(Indices<'_>) -> R) -> R {
        call(Indices { count: indices.len(), get: &|at| indices[at].whole() })
    }
}

/// # Rows and columns by their numbers
impl<'t, T: Scalar> Var<'t, T> {
    /// The rows of these numbers, from 0, in this order, each any number of times.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let a = tape.parameter("A", &matrix![[1.0, 2.0], [3.0, 4.0]]);
    /// let rows = a.rows_at(&[1, 0, 1]);
    /// assert_eq!(rows.value()?, matrix![[3.0, 4.0], [1.0, 2.0], [3.0, 4.0]]);
    /// let [da] = rows.sum().gradients([a]);
    /// assert_eq!(da.value()?, matrix![[1.0, 1.0], [2.0, 2.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn rows_at(self, rows: &[usize]) -> Self {
        let number = |row: usize| u32::try_from(row).ok().filter(|&row| row != ZEROS);
        if let Some(beyond) = rows.iter().find(|&&row| number(row).is_none())
            && !self.is_void()
        {
            let reason = format!("there is no row {beyond}: {} is {}", self.label(), self.known_shape());
            return self.tape.refused("rows_at", reason);
        }
        self.rows_of(RowNumbers::new(rows.iter().filter_map(|&row| number(row))))
    }

    #[track_caller]
    pub(crate) fn rows_of(self, rows: RowNumbers) -> Self {
        self.tape.push(RowsAt { rows }, &[self])
    }

    /// The columns of this table, d × V, that [indices](Tape::indices), k × m, name: d × (k·m), an
    /// example's columns side by side.
    ///
    /// An index that is no whole number in [0, V) is refused where it is bound, by
    /// [`bind`](crate::Program::bind) and the like, with its place; where the indices are computed, or
    /// are those of the tape, it is an error of the run. The tape's type has to number all columns
    /// exactly: f32 numbers 2²⁴.
    ///
    /// The gradient with respect to the table is d × V, of zeros but for the columns that were named.
    /// Where V is large, ask for the gradient with respect to the gathered columns instead, and give
    /// it to [`update_columns`](crate::Program::update_columns): its time does not depend on V.
    #[track_caller]
    pub fn gather(self, indices: Self) -> Self {
        self.tape.push(Gather, &[indices, self])
    }

    /// Class numbers, 1 × m, as columns of zeros with a 1 in the row of the class, n × m.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let classes = tape.indices("class", 1, &[2, 0]);
    /// assert_eq!(classes.one_hot(3).value()?, matrix![[0.0, 1.0], [0.0, 0.0], [1.0, 0.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn one_hot(self, n: usize) -> Self {
        self.tape.identity(n).gather(self)
    }

    /// [`softmax_cross_entropy`](Var::softmax_cross_entropy) of logits, n × m, with class numbers,
    /// 1 × m, from 0.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let z = tape.examples("Z", &matrix![[0.0, 1000.0], [0.0, 0.0]]);
    /// let classes = tape.indices("class", 1, &[1, 1]);
    /// assert_eq!(z.softmax_cross_entropy_of(classes).value()?, matrix![[2f64.ln(), 1000.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn softmax_cross_entropy_of(self, classes: Self) -> Self {
        if self.is_void() {
            return self;
        }
        match self.known_shape().rows {
            Dim::Fixed(n) => self.softmax_cross_entropy(classes.one_hot(n)),
            _ => self.softmax_cross_entropy(classes),
        }
    }
}

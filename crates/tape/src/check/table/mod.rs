//! A row for each function of one's own, and all laws of it.

mod columns;
mod plain;
mod recorded;
mod report;
mod runs;

pub use report::{RowFailure, RowLaw};

use std::fmt;
use std::panic::Location;

use recorded::Evaluator;

use crate::check::case::{self, Case};
use crate::check::{Broken, Check, Failure, Law, Random, Summary, laws};
use crate::{Dim, Error, Function, Matrix, Place, Scalar, Shape, Tape, Var};

/// How a function is recorded.
type Recorder<T> = Box<dyn for<'t> Fn(&'t Tape<T>, &[Var<'t, T>]) -> Var<'t, T>>;
/// What it ought to give, by plain code; nothing where it refuses.
type Plain = Box<dyn Fn(&[Matrix<f64>]) -> Option<Matrix<f64>>>;
/// The shapes of the operands for n rows.
type Shapes = Box<dyn Fn(usize) -> Vec<Shape>>;

/// A function of one's own, an operation, an activation or a model, with plain code that computes
/// the same: what a table of [`laws!`](crate::laws) has a row for.
///
/// ```
/// use tape::check::Row;
/// use tape::{Dim, Matrix, Shape};
/// let softsign = |x: f64| x / (1.0 + x.abs());
/// Row::<f32>::new(|_, x| x[0] / (x[0].abs() + 1.0), move |x| Some(x[0].map(softsign)))
///     .operands(|n| vec![Shape::new(n, Dim::M)])
///     .avoiding(&[0.0]) // its third derivative jumps
///     .check()?;
/// # Ok::<(), tape::check::RowFailure>(())
/// ```
///
/// # The laws
/// For n = 1, 2, 3, 7 [rows](Row::rows) and examples m = 0, 1, 2, 5, and 255, 256, 257 and 600 where only values
/// are compared (256 columns are a tile and a chunk of a sum):
/// - **value**: shape and value of the recorded function are those of the plain one, norm-wise
///   within 2⁻⁴⁰ in `f64` and 2⁻¹⁶ in `f32`, 4096 and 128 roundings of its largest element and of
///   what its elements are sums of, Σ |∂y/∂x · x| in the mean, as terms that cancel lose digits;
/// - **derivative of the plain function**: ⟨u, (g(x + hv) − g(x − hv))/2h⟩ of the plain g in `f64`
///   is what the recorded rule gives, in either type: a kernel and a rule that are wrong alike do
///   not agree with it. h is 2⁻¹⁰, and is halved near a pole and for what bends much;
/// - all laws of [`Check`] to the row's [order](Row::orders), differences
///   [converging](Check::converging) in `f64`; for no operand is anything unchecked at all of the
///   sizes;
/// - **non-finite**: with one element ±∞, NaN, ±0, ±1000 or the smallest normal `f32`, the result is
///   NaN, infinite or finite just where the plain function's is;
/// - **errors**: shapes that the plain function refuses ([`refuses`](Row::refuses)) are typed errors,
///   others are none;
/// - **broadcast**, for [rows that broadcast](Row::broadcasts): a row, a column or a number in the
///   place of an operand gives what its repetition gives, and its gradient is the sum;
/// - **columns**, where the result has a column for each example: each column alone is what it is
///   among the others; a batch in two parts, twice the same, and in another order give the same
///   columns, and gradients of shared operands that are sums over the parts;
/// - **runs**: the same bits twice, after a run with other numbers and another m, for 1, 2 and 3
///   threads, and for tiles of 256, 512 and 768 columns, of 1100.
pub struct Row<T: Scalar> {
    recorder: Recorder<T>,
    plain: Plain,
    shapes: Shapes,
    low: f64,
    high: f64,
    avoided: Vec<f64>,
    orders: u8,
    broadcasts: bool,
    mixes_columns: bool,
    refused: Vec<Vec<(usize, usize)>>,
    seeds: u64,
    rows: Vec<usize>,
}

impl<T: Scalar> fmt::Debug for Row<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row").field("orders", &self.orders).finish_non_exhaustive()
    }
}

/// # What is checked
impl<T: Scalar> Row<T> {
    /// A function of one n × m operand, until [`operands`](Row::operands) says something else;
    /// values in [−1, 1), orders 1 and 2. `plain` gives nothing where it refuses its operands.
    ///
    /// One seed, or as many as the environment variable `TAPE_CHECK_SEEDS` says: few where every
    /// change is tested, many at night.
    pub fn new(
        record: impl for<'t> Fn(&'t Tape<T>, &[Var<'t, T>]) -> Var<'t, T> + 'static,
        plain: impl Fn(&[Matrix<f64>]) -> Option<Matrix<f64>> + 'static,
    ) -> Self {
        let seeds = std::env::var("TAPE_CHECK_SEEDS").ok().and_then(|seeds| seeds.parse().ok());
        Row {
            recorder: Box::new(record),
            plain: Box::new(plain),
            shapes: Box::new(|n| vec![Shape::new(n, crate::Dim::M)]),
            low: -1.0,
            high: 1.0,
            avoided: Vec::new(),
            orders: 2,
            broadcasts: false,
            mixes_columns: false,
            refused: Vec::new(),
            seeds: seeds.unwrap_or(1).max(1),
            rows: ROWS.to_vec(),
        }
    }

    /// A function g of each element, with plain code for it.
    ///
    /// ```
    /// use tape::Function;
    /// use tape::check::Row;
    /// Row::<f64>::function(Function::Softplus, |x| if x > 30.0 { x } else { x.exp().ln_1p() }).check()?;
    /// # Ok::<(), tape::check::RowFailure>(())
    /// ```
    pub fn function(function: Function<T>, plain: impl Fn(f64) -> f64 + 'static) -> Self {
        Row::new(move |_, x| x[0].map(&function), move |x| Some(x[0].map(&plain)))
    }

    /// The shapes of the operands for n rows; columns that are [`Dim::M`](crate::Dim::M) are
    /// examples.
    pub fn operands(mut self, shapes: impl Fn(usize) -> Vec<Shape> + 'static) -> Self {
        self.shapes = Box::new(shapes);
        self
    }

    /// The elements of the operands are drawn from [low, high).
    ///
    /// # Panics
    /// If low is not below high.
    pub fn between(mut self, low: f64, high: f64) -> Self {
        assert!(low < high, "there is no number from {low} to below {high}");
        (self.low, self.high) = (low, high);
        self
    }

    /// No element is drawn within 1/32 of these: corners and jumps of the function or of its
    /// derivatives.
    pub fn avoiding(mut self, points: &[f64]) -> Self {
        self.avoided = points.to_vec();
        self
    }

    /// The orders of derivatives that are checked, 1 to 3.
    ///
    /// # Panics
    /// If it is none of these.
    pub fn orders(mut self, orders: u8) -> Self {
        assert!((1..=3).contains(&orders), "orders are 1, 2 or 3, not {orders}");
        self.orders = orders;
        self
    }

    /// The function is elementwise and repeats operands of one row or column.
    pub fn broadcasts(mut self) -> Self {
        self.broadcasts = true;
        self
    }

    /// The n that are tried, in the place of 1, 2, 3 and 7.
    ///
    /// # Panics
    /// If there are none.
    pub fn rows(mut self, rows: &[usize]) -> Self {
        assert!(!rows.is_empty(), "at least one n");
        self.rows = rows.to_vec();
        self
    }

    /// A column of the result depends on other examples too: the laws of columns are not its.
    pub fn mixes_columns(mut self) -> Self {
        self.mixes_columns = true;
        self
    }

    /// Operands of these shapes are refused, with a typed error.
    pub fn refuses(mut self, shapes: &[(usize, usize)]) -> Self {
        self.refused.push(shapes.to_vec());
        self
    }

    /// How many seeds, in the place of `TAPE_CHECK_SEEDS`.
    ///
    /// # Panics
    /// If none.
    pub fn seeds(mut self, seeds: u64) -> Self {
        assert!(seeds > 0, "at least one seed");
        self.seeds = seeds;
        self
    }

    /// Checks all laws.
    ///
    /// # Errors
    /// The broken laws of the smallest n that breaks any, one message for each: of the first case that
    /// breaks it.
    #[track_caller]
    pub fn check(&self) -> Result<(), RowFailure> {
        let place = Location::caller();
        let mut bench = RowBench { row: self, place, failure: RowFailure::default() };
        (0..self.seeds).take_while(|&seed| bench.all_laws(seed)).for_each(drop);
        if bench.failure.is_empty() { Ok(()) } else { Err(bench.failure) }
    }
}

/// The n for which every law is checked.
const ROWS: [usize; 4] = [1, 2, 3, 7];
/// Examples for which every law is checked.
const EXAMPLES: [usize; 4] = [0, 1, 2, 5];
/// Examples for which values alone are compared: around a tile and a chunk, and of several.
const MANY: [usize; 4] = [255, 256, 257, 600];

/// With more rows than these there are no values for many examples.
const MOST_ROWS_OF_MANY: usize = 3;

/// What is checked of a row, and what was found so far.
struct RowBench<'r, T: Scalar> {
    row: &'r Row<T>,
    /// Where the user called the check.
    place: Place,
    failure: RowFailure,
}

/// Operands of one size.
struct Sample<T> {
    n: usize,
    m: usize,
    seed: u64,
    inputs: Vec<Matrix<T>>,
}

impl<T> fmt::Display for Sample<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n = {}, m = {}, seed {}", self.n, self.m, self.seed)
    }
}

impl<T: Scalar> Row<T> {
    /// Operands for n rows and m examples.
    fn sample(&self, n: usize, m: usize, seed: u64) -> Sample<T> {
        let mut random = Random::new(seed ^ ((n as u64) << 32) ^ m as u64);
        let shapes = (self.shapes)(n);
        let mut drawn = n;
        let inputs = shapes.iter().map(|shape| {
            let (rows, columns) = shape.at(m);
            Matrix::from_fn(rows, columns, |_, _| {
                drawn += 5;
                T::from_f64(self.number(drawn % 8, &mut random))
            })
        });
        Sample { n, m, seed, inputs: inputs.collect() }
    }

    /// A number of one of eight parts of the domain: few elements have no room for chance.
    fn number(&self, part: usize, random: &mut Random) -> f64 {
        let width = (self.high - self.low) / 8.0;
        let low = self.low + width * part as f64;
        let mut x = random.between(low, low + width);
        // A domain that is all avoided would draw forever.
        for _ in 0..1000 {
            if self.avoided.iter().all(|point| (x - point).abs() > 1.0 / 32.0) {
                break;
            }
            x = random.between(self.low, self.high);
        }
        x
    }

    /// Whether the operands have examples at all.
    fn has_examples(&self, n: usize) -> bool {
        (self.shapes)(n).iter().any(|shape| shape.depends_on_m())
    }

    fn plain(&self, inputs: &[Matrix<T>]) -> Option<Matrix<f64>> {
        (self.plain)(&inputs.iter().map(Matrix::cast).collect::<Vec<_>>())
    }
}

impl<T: Scalar> RowBench<'_, T> {
    fn broken(&mut self, law: RowLaw, sample: &Sample<T>, what: impl fmt::Display) {
        self.failure.note(law, format!("at {sample}: {what}"));
    }

    /// Whether all hold.
    fn all_laws(&mut self, seed: u64) -> bool {
        self.refusals();
        let mut summary: Option<Summary> = None;
        for &n in &self.row.rows {
            let examples: &[usize] = if self.row.has_examples(n) { &EXAMPLES } else { &EXAMPLES[1..2] };
            self.of_rows(n, examples, seed, &mut summary);
            if !self.failure.is_empty() {
                break;
            }
        }
        // One fault, one message: what is broken is not unchecked as well.
        if self.failure.is_empty() {
            self.unchecked(summary);
        }
        self.failure.is_empty()
    }

    fn of_rows(&mut self, n: usize, examples: &[usize], seed: u64, summary: &mut Option<Summary>) {
        let tape = Tape::new();
        let evaluator = match Evaluator::new(self.row, &tape, n) {
            Ok(evaluator) => evaluator,
            Err(error) => {
                let sample = self.row.sample(n, examples[0], seed);
                return self.broken(RowLaw::Error, &sample, error);
            }
        };
        for &m in examples {
            let sample = self.row.sample(n, m, seed);
            let has_value = self.value(&evaluator, &sample);
            if self.failure.has(RowLaw::Value) || self.failure.has(RowLaw::Error) {
                return; // of a wrong value all else is wrong as well
            }
            if !has_value {
                continue;
            }
            self.derivative_of_plain(&evaluator, &sample);
            self.check_laws(&sample, summary);
            self.non_finite(&evaluator, &sample);
            self.broadcast(&sample);
        }
        if self.row.has_examples(n) && n <= MOST_ROWS_OF_MANY {
            for m in MANY {
                self.value(&evaluator, &self.row.sample(n, m, seed));
            }
            self.columns(&evaluator, n, seed);
        }
        self.runs(&tape, n, examples, seed);
    }

    /// The laws of [`Check`].
    fn check_laws(&mut self, sample: &Sample<T>, summary: &mut Option<Summary>) {
        let check = Check::new().seed(sample.seed).orders(self.row.orders);
        let check = if T::NAME == "f64" { check.converging() } else { check };
        let laws_of =
            |tape: &Tape<T>, variables: &[Var<'_, T>]| self.laws_of(&check, sample, tape, variables);
        let tape = Tape::new();
        let mut found = laws_of(&tape, &laws::parameters(&tape, &sample.inputs));
        let needs_m = |broken: &Broken| matches!(broken, Broken::Tape(Error::UnknownExamples { .. }));
        if found.as_ref().is_err_and(|failure| failure.broken().iter().any(needs_m)) {
            // What has a factor of m has to have examples.
            let tape = Tape::new();
            let shapes = (self.row.shapes)(sample.n);
            let pairs = shapes.into_iter().zip(&sample.inputs).enumerate();
            let variables = pairs.map(|(i, (shape, value))| match shape.columns {
                Dim::M => tape.examples(&format!("x[{i}]"), value),
                _ => tape.parameter_unbound(&format!("x[{i}]"), shape),
            });
            found = laws_of(&tape, &variables.collect::<Vec<_>>());
        }
        match found {
            Err(failure) => {
                let what = || Case::new(&check, self.place, Vec::new(), &sample.inputs, case::OPERATION);
                self.broken(RowLaw::Derivative, sample, failure.of(what));
            }
            Ok(found) => match summary {
                None => *summary = Some(found),
                Some(summary) => summary.merge(&found),
            },
        }
    }

    fn laws_of<'t>(
        &self,
        check: &Check,
        sample: &Sample<T>,
        tape: &'t Tape<T>,
        variables: &[Var<'t, T>],
    ) -> Result<Summary, Failure> {
        let result = (self.row.recorder)(tape, variables);
        T::check_laws(check, tape, &sample.inputs, variables, result)
    }

    /// For no operand is a law unchecked at all of the sizes.
    fn unchecked(&mut self, summary: Option<Summary>) {
        let summary = summary.unwrap_or_default();
        // A constant has no derivative to check.
        if self.row.rows.iter().all(|&n| (self.row.shapes)(n).is_empty()) {
            return;
        }
        for what in summary.unchecked() {
            self.failure.note(RowLaw::Unchecked, format!("at every size: {what}"));
        }
        if summary.largest(Law::Additivity).is_none() {
            self.failure.note(RowLaw::Unchecked, "there was nothing to check".into());
        }
    }
}

/// A test for each row of a table, and a table that does not compile without a row for each variant.
///
/// The rows of an enum of operations: a name of a test, a pattern, and a [`Row`](crate::check::Row)
/// for each of the number types, by the name that is given for it. A variant that no pattern has is
/// an error of the compiler, as in a `match`. Without an enum, the rows alone.
///
/// ```
/// use tape::check::Row;
/// use tape::{Dim, Function, Shape};
///
/// # #[allow(dead_code)]
/// enum Activation {
///     Tanh,
///     Cube,
/// }
///
/// tape::laws! {
///     Activation, T = f32, f64:
///     tanh: Activation::Tanh => Row::<T>::function(Function::Tanh, f64::tanh),
///     cube: Activation::Cube => Row::<T>::new(|_, x| x[0] * x[0].square(), |x| Some(x[0].map(|x| x * x * x))),
/// }
///
/// mod others {
///     use tape::check::Row;
///     tape::laws! {
///         T = f64:
///         product: Row::<T>::new(|_, x| x[0] * x[1], |x| {
///             let (rows, columns) = x[0].shape();
///             Some(tape::Matrix::from_fn(rows, columns, |i, j| x[0][(i, j)] * x[1][(i, j)]))
///         })
///         .operands(|n| vec![tape::Shape::new(n, tape::Dim::M); 2]),
///     }
/// }
/// # fn main() {}
/// ```
///
/// Without the second row of `Activation` this does not compile:
///
/// ```compile_fail,E0004
/// # use tape::check::Row;
/// # use tape::Function;
/// # enum Activation { Tanh, Cube }
/// tape::laws! {
///     Activation, T = f64:
///     tanh: Activation::Tanh => Row::<T>::function(Function::Tanh, f64::tanh),
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! laws {
    ($table:ty, $t:ident = $($number:ty),+ ; $($rest:tt)*) => {
        compile_error!("laws!: a colon after the number types")
    };
    ($table:ty, $t:ident = $($number:ty),+ : $($name:ident: $pattern:pat => $row:expr),* $(,)?) => {
        /// A variant without a row does not compile.
        #[allow(dead_code)]
        const _: fn(&$table) = |variant| match variant { $($pattern => {}),* };
        $crate::laws! { @rows $t, [$($number),+], $($name: $row),* }
    };
    ($t:ident = $($number:ty),+ : $($name:ident: $row:expr),* $(,)?) => {
        $crate::laws! { @rows $t, [$($number),+], $($name: $row),* }
    };
    (@rows $t:ident, $numbers:tt, $($name:ident: $row:expr),*) => {
        $($crate::laws! { @row $t, $numbers, $name: $row })*
    };
    (@row $t:ident, [$($number:ty),+], $name:ident: $row:expr) => {
        #[test]
        fn $name() {
            $({
                type $t = $number;
                let row: $crate::check::Row<$t> = $row;
                if let Err(failure) = row.check() {
                    panic!("{} in {}: {failure}", stringify!($name), stringify!($number));
                }
            })+
        }
    };
}

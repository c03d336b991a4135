//! The table of the operations: one row for each, and the laws that each keeps.
//!
//! The rows are the arms of matches without a default, so that a new operation does not compile without its row. What is
//! checked of a row is in `support/laws.rs`.

mod blocks;
mod elementwise;
mod equations;
mod functions;
mod indices;
mod json;
mod linear_algebra;
mod literals;
mod own;
mod reductions;
mod rows;

use std::panic::Location;

use tape::{Dim, FunctionKind, Matrix, OperationKind, Reduction, Scalar, Shape, Tape, Var, Zip};

use crate::support::laws::{Case, Domain, Worst, check, oracle};
use crate::support::message::assert_message_from;
use elementwise::zip_row;
use functions::function_row;
pub(crate) use own::Polar;
use reductions::reduction_row;
use rows::row;
use tape::check::Random;

/// A shape that the cases of a row are made for: n × m, with m a number or the number of examples.
#[derive(Debug, Clone, Copy)]
struct Size {
    n: usize,
    m: usize,
    columns: Dim,
}

impl Size {
    fn matrix(self) -> Shape {
        Shape::new(self.n, self.columns)
    }
    fn column(self) -> Shape {
        Shape::new(self.n, 1)
    }
    fn row(self) -> Shape {
        Shape::new(1, self.columns)
    }
    /// The four shapes that repeat to n × m.
    fn repeating(self) -> [Shape; 4] {
        [self.matrix(), self.column(), self.row(), Shape::SCALAR]
    }
}

/// 0, 1, odd numbers, the lengths around the widths that kernels are unrolled by, and more than a section and a tile of a
/// program hold.
const SIZES: [(usize, usize); 19] = [
    (0, 0),
    (0, 3),
    (3, 0),
    (1, 1),
    (2, 3),
    (1, 17),
    (7, 1),
    (2, 9),
    (9, 8),
    (8, 7),
    (15, 16),
    (16, 15),
    (17, 1),
    (63, 3),
    (3, 64),
    (65, 2),
    (2, 65),
    (65, 40),
    (3, 600),
];

/// Where a row's cases are as many as their sizes are small.
const SMALL_SIZES: [(usize, usize); 6] = [(0, 2), (2, 0), (1, 1), (2, 3), (9, 8), (3, 17)];

/// For oracles, which do not go through a matrix in parts.
const SIZES_OF_ORACLES: [(usize, usize); 5] = [(0, 2), (2, 0), (1, 1), (2, 3), (5, 4)];

fn sizes(of: &[(usize, usize)]) -> impl Iterator<Item = Size> + '_ {
    of.iter().flat_map(|&(n, m)| [Dim::Fixed(m), Dim::M].map(|columns| Size { n, m, columns }))
}

type BadRecord<T> = Box<dyn for<'t> Fn(&'t Tape<T>) -> Var<'t, T>>;

/// Recording that has to fail, and the message.
struct Bad<T: Scalar> {
    record: BadRecord<T>,
    message: &'static str,
    /// Where `record` is written, which stands for `{place}` in the message.
    file: &'static str,
}

#[track_caller]
fn bad<T: Scalar>(
    message: &'static str,
    record: impl for<'t> Fn(&'t Tape<T>) -> Var<'t, T> + 'static,
) -> Bad<T> {
    Bad { record: Box::new(record), message, file: Location::caller().file() }
}

fn zeros<'t, T: Scalar>(tape: &'t Tape<T>, name: &str, rows: usize, columns: usize) -> Var<'t, T> {
    tape.parameter(name, &Matrix::zeros(rows, columns))
}

fn batch<'t, T: Scalar>(tape: &'t Tape<T>, name: &str, rows: usize) -> Var<'t, T> {
    tape.examples_unbound(name, rows)
}

/// One row of the table.
struct Row<T: Scalar> {
    sizes: &'static [(usize, usize)],
    cases: Box<dyn Fn(Size) -> Vec<Case<T>>>,
    /// What cannot be recorded, with the error's text. Empty where every operand will do.
    bad: Vec<Bad<T>>,
}

impl<T: Scalar> Row<T> {
    fn new(sizes: &'static [(usize, usize)], cases: impl Fn(Size) -> Vec<Case<T>> + 'static) -> Self {
        Row { sizes, cases: Box::new(cases), bad: Vec::new() }
    }

    fn rejects(mut self, bad: Vec<Bad<T>>) -> Self {
        self.bad = bad;
        self
    }

    /// What programs compute is what the oracles say, within their bounds.
    fn check_oracles(&self, random: &mut Random) -> [usize; 2] {
        let mut told = [0, 0];
        for size in sizes(&SIZES_OF_ORACLES) {
            for case in (self.cases)(size) {
                let [bounded, unbounded] = oracle::check(&case, size.m, random);
                told = [told[0] + bounded, told[1] + unbounded];
            }
        }
        told
    }

    fn check(&self, random: &mut Random) -> Worst {
        let mut worst = Worst::default();
        for size in sizes(self.sizes) {
            for case in (self.cases)(size) {
                worst = worst.and(check(&case, size.m, random));
            }
        }
        assert!(worst.cases > 0, "a row without cases");
        for Bad { record, message, file } in &self.bad {
            let tape = Tape::new();
            let recorded = record(&tape);
            let Err(mistake) = recorded.sound() else { panic!("recorded without the mistake {message:?}") };
            assert_message_from(file, &mistake, message);
            // The tape, and whatever depends on it, tell the same.
            assert_eq!(tape.check().unwrap_err(), mistake);
            assert_eq!((recorded + T::ONE).tanh().value().unwrap_err(), mistake);
        }
        worst
    }
}

const REAL: Domain = Domain::Between(-2.0, 2.0);

/// Runs a table in both number types and tells the worst differences. `KIND=Gather` in the environment is for who works on
/// one row: the others are left out.
fn check_table<K: Copy + std::fmt::Debug>(
    kinds: &[K],
    in_f64: fn(K, &mut Random) -> Worst,
    in_f32: fn(K, &mut Random) -> Worst,
) {
    let asked = std::env::var("KIND").ok();
    let is_asked = |kind: &K| asked.as_ref().is_none_or(|asked| *asked == format!("{kind:?}"));
    let kinds: Vec<K> = kinds.iter().copied().filter(is_asked).collect();
    assert!(!kinds.is_empty(), "no row of this table is called {asked:?}");
    let (mut double, mut single) = (Worst::default(), Worst::default());
    for kind in kinds {
        // The row's name comes first if the test fails.
        println!("{kind:?}");
        double = double.and(in_f64(kind, &mut Random::new(1)));
        single = single.and(in_f32(kind, &mut Random::new(2)));
    }
    println!("f64: {double}\nf32: {single}");
}

#[test]
fn every_operation_keeps_the_laws() {
    check_table(OperationKind::ALL, |k, r| row::<f64>(k).check(r), |k, r| row::<f32>(k).check(r));
}

#[test]
fn every_elementwise_operation_keeps_the_laws() {
    check_table(Zip::ALL, |k, r| zip_row::<f64>(k).check(r), |k, r| zip_row::<f32>(k).check(r));
}

#[test]
fn every_reduction_keeps_the_laws() {
    check_table(
        Reduction::ALL,
        |k, r| reduction_row::<f64>(k).check(r),
        |k, r| reduction_row::<f32>(k).check(r),
    );
}

#[test]
fn every_function_keeps_the_laws() {
    check_table(
        FunctionKind::ALL,
        |k, r| function_row::<f64>(k).check(r),
        |k, r| function_row::<f32>(k).check(r),
    );
}

/// Every row of every table, as the oracles see it.
fn check_oracles<K: Copy + std::fmt::Debug>(
    kinds: &[K],
    in_f64: fn(K) -> Row<f64>,
    in_f32: fn(K) -> Row<f32>,
) {
    let (mut all, mut without) = (0, 0);
    for &kind in kinds {
        println!("{kind:?}");
        let told = [
            in_f64(kind).check_oracles(&mut Random::new(3)),
            in_f32(kind).check_oracles(&mut Random::new(4)),
        ];
        let [bounded, unbounded] = [0, 1].map(|which| told.iter().map(|told| told[which]).sum::<usize>());
        assert!(bounded > unbounded, "{kind:?}: {bounded} with a bound, {unbounded} without");
        (all, without) = (all + bounded, without + unbounded);
    }
    println!("{all} elements within a bound, {without} without one");
}

#[test]
fn every_operation_is_what_the_oracles_say() {
    check_oracles(OperationKind::ALL, row::<f64>, row::<f32>);
}

#[test]
fn every_elementwise_operation_is_what_the_oracles_say() {
    check_oracles(Zip::ALL, zip_row::<f64>, zip_row::<f32>);
}

#[test]
fn every_reduction_is_what_the_oracles_say() {
    check_oracles(Reduction::ALL, reduction_row::<f64>, reduction_row::<f32>);
}

#[test]
fn every_function_is_what_the_oracles_say() {
    check_oracles(FunctionKind::ALL, function_of::<f64>, function_of::<f32>);
}

/// The row of a function.
fn function_of<T: Scalar>(kind: FunctionKind) -> Row<T> {
    function_row::<T>(kind).row()
}

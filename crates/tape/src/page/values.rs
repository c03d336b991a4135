//! The values of the entries, and how much of them a page has.

use serde::ser::{Serialize, Serializer};

use crate::{Matrix, Options, Program, Result, Scalar, Tape, Var};

/// The most numbers that a page has of one kind.
const MOST_NUMBERS: usize = 40_000;
/// The rows and columns of a matrix that a page has, the first that do not give too many numbers.
const SIDES: [usize; 6] = [64, 32, 16, 8, 4, 2];

/// A number as the document has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number<T>(pub(super) T);

impl<T: Scalar> Serialize for Number<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let x = self.0.to_f64();
        match (self.0.is_finite(), T::NAME) {
            (true, "f32") => serializer.serialize_f32(x as f32), // exact
            (true, _) => serializer.serialize_f64(x),
            (false, _) => serializer.serialize_str(&x.to_string()),
        }
    }
}

/// The value of an entry, as much as the page has of it.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(bound = "")]
pub(super) struct Value<T: Scalar> {
    rows: usize,
    columns: usize,
    data: Vec<Number<T>>,
    whole: bool,
    largest: Number<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) not_finite: Option<[usize; 2]>,
}

/// How many rows and columns of each matrix are shown.
pub(super) fn side<T>(values: &[Option<Matrix<T>>]) -> usize
where
    T: Scalar,
{
    let numbers = |side: usize| {
        let of = |value: &Matrix<T>| value.rows().min(side) * value.columns().min(side);
        values.iter().flatten().map(of).sum::<usize>()
    };
    SIDES.into_iter().find(|&side| numbers(side) <= MOST_NUMBERS).unwrap_or(1)
}

impl<T: Scalar> Value<T> {
    pub(super) fn new(value: &Matrix<T>, side: usize) -> Self {
        let (rows, columns) = (value.rows().min(side), value.columns().min(side));
        let data = (0..columns).flat_map(|j| value.column(j)[..rows].iter().copied().map(Number)).collect();
        let finite = || value.iter().copied().filter(|x| x.is_finite());
        let size = |x: T| if x < T::ZERO { -x } else { x };
        let largest = finite().map(size).fold(T::ZERO, |a, b| if b > a { b } else { a });
        let place = value.as_slice().iter().position(|x| !x.is_finite());
        Value {
            rows,
            columns,
            data,
            whole: (rows, columns) == value.shape(),
            largest: Number(largest),
            not_finite: place.map(|place| [place % value.rows(), place / value.rows()]),
        }
    }
}

/// The values of all entries that the program's leaves give.
pub(super) fn values<T: Scalar>(
    program: &Program<T>,
    tape: &Tape<T>,
    computable: &[bool],
    options: Options,
) -> Result<Vec<Option<Matrix<T>>>> {
    let outputs: Vec<Var<'_, T>> =
        tape.entries().filter(|entry| computable[entry.index()]).map(|entry| entry.var()).collect();
    let mut whole = program.of_outputs(tape, &outputs, options)?;
    whole.run()?;
    let value = |(var, &is_known): (Var<'_, T>, &bool)| match is_known {
        true => whole.view(var)?.try_to_matrix().map(Some),
        false => Ok(None),
    };
    tape.variables().zip(computable).map(value).collect()
}

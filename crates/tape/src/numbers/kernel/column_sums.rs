//! Sums of the columns of a matrix.

#![allow(clippy::needless_range_loop)] // indices that are known while compiling keep arrays of vectors in registers

use super::simd::{Lanes, dispatch, load, store};
use pulp::{Simd, WithSimd};

/// Columns that are added to each other before they are added to the sums: the additions to the
/// sums wait for each other.
pub(crate) const GROUP: usize = 4;
/// With more rows than this the columns are added one by one. So columns can be added in parts
/// whose lengths are multiples of [`GROUP`], as passes do it with few rows; and with so many rows
/// the additions of a column do not wait for each other.
pub(crate) const MOST_ROWS_IN_GROUPS: usize = 256;
/// Vectors of rows that are added up at a time.
const VECTORS: usize = 4;

/// A number type with sums of columns.
#[allow(unreachable_pub)] // a supertrait of a public trait
pub trait ColumnSums: Lanes {
    /// Adds some rows of every column to `sums`, from `first` on as many as there are sums. The
    /// columns have so many rows and are added in fours, each ((a + b) + (c + d)) to what is there;
    /// the last ones, and all if there are many rows, one by one.
    fn add_columns(values: &[Self], rows: usize, first: usize, sums: &mut [Self]);
}

/// Compiled here and not, as generic functions would be, in the crate that uses them, with its
/// optimisation.
macro_rules! column_sums {
    ($($t:ident),*) => {
        $(impl ColumnSums for $t {
            fn add_columns(values: &[Self], rows: usize, first: usize, sums: &mut [Self]) {
                assert!(first + sums.len() <= rows, "add_columns: there are {rows} rows");
                if rows > 0 {
                    dispatch(AddColumns { values: &values[..values.len() / rows * rows], rows, first, sums });
                }
            }
        })*
    };
}

column_sums!(f32, f64);

struct AddColumns<'a, T> {
    values: &'a [T],
    rows: usize,
    first: usize,
    sums: &'a mut [T],
}

impl<T: Lanes> WithSimd for AddColumns<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let AddColumns { values, rows, first, sums } = self;
        let (lanes, count) = (T::lanes::<S>(), sums.len());
        let mut i = 0;
        while i + VECTORS * lanes <= count {
            add::<T, S, VECTORS, false>(simd, values, rows, first + i, &mut sums[i..][..VECTORS * lanes]);
            i += VECTORS * lanes;
        }
        while i + lanes <= count {
            add::<T, S, 1, false>(simd, values, rows, first + i, &mut sums[i..][..lanes]);
            i += lanes;
        }
        if i < count {
            add::<T, S, 1, true>(simd, values, rows, first + i, &mut sums[i..]);
        }
    }
}

/// The rows of V vectors, the last of which is not full if there is a PART.
#[inline(always)]
fn add<T: Lanes, S: Simd, const V: usize, const PART: bool>(
    simd: S,
    values: &[T],
    rows: usize,
    first: usize,
    sums: &mut [T],
) {
    let lanes = T::lanes::<S>();
    let mut totals = [T::splat(simd, T::default()); V];
    for i in 0..V {
        totals[i] = load::<T, S, PART>(simd, &sums[i * lanes..]);
    }
    let grouped = if rows <= MOST_ROWS_IN_GROUPS { values.len() / (GROUP * rows) * GROUP * rows } else { 0 };
    let (groups, rest) = values.split_at(grouped);
    for group in groups.chunks_exact(GROUP * rows) {
        let mut columns = [&group[..0]; GROUP];
        for j in 0..GROUP {
            columns[j] = &group[j * rows + first..][..sums.len()];
        }
        for i in 0..V {
            let mut x = [totals[i]; GROUP];
            for j in 0..GROUP {
                x[j] = load::<T, S, PART>(simd, &columns[j][i * lanes..]);
            }
            let (first, second) = (T::add_vectors(simd, x[0], x[1]), T::add_vectors(simd, x[2], x[3]));
            totals[i] = T::add_vectors(simd, totals[i], T::add_vectors(simd, first, second));
        }
    }
    for column in rest.chunks_exact(rows) {
        let column = &column[first..][..sums.len()];
        for i in 0..V {
            totals[i] = T::add_vectors(simd, totals[i], load::<T, S, PART>(simd, &column[i * lanes..]));
        }
    }
    for i in 0..V {
        store::<T, S, PART>(simd, totals[i], &mut sums[i * lanes..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize) -> Vec<f64> {
        (0..count).map(|i| ((i * 37 + 11) as f64).sin()).collect()
    }

    /// The definition, in the order that is promised.
    fn one_by_one(values: &[f64], rows: usize, first: usize, sums: &mut [f64]) {
        let columns: Vec<&[f64]> = values.chunks_exact(rows).collect();
        let whole = if rows <= MOST_ROWS_IN_GROUPS { columns.len() / GROUP * GROUP } else { 0 };
        for (i, sum) in sums.iter_mut().enumerate() {
            let entry = |j: usize| columns[j][first + i];
            for j in (0..whole).step_by(GROUP) {
                *sum += (entry(j) + entry(j + 1)) + (entry(j + 2) + entry(j + 3));
            }
            (whole..columns.len()).for_each(|j| *sum += entry(j));
        }
    }

    #[test]
    fn the_order_is_as_promised() {
        for rows in [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 100, 255, 256, 257] {
            for columns in [0, 1, 3, 4, 5, 8, 17] {
                let values = numbers(rows * columns);
                for (first, count) in [(0, rows), (rows / 3, rows / 2), (rows - 1, 1), (0, 0)] {
                    let (mut sums, mut expected) = (numbers(count), numbers(count));
                    f64::add_columns(&values, rows, first, &mut sums);
                    one_by_one(&values, rows, first, &mut expected);
                    assert_eq!(sums, expected, "{columns} columns of {rows} rows, {count} from {first}");
                    let narrow = |x: &[f64]| x.iter().map(|&x| x.round() as f32).collect::<Vec<_>>();
                    let (values, mut sums) = (narrow(&values), vec![0.0; count]);
                    f32::add_columns(&values, rows, first, &mut sums);
                    for (i, sum) in sums.iter().enumerate() {
                        let of_row: f32 = values.iter().skip(first + i).step_by(rows).sum();
                        assert_eq!(*sum, of_row, "small integers are added exactly");
                    }
                }
            }
        }
    }

    #[test]
    fn parts_of_whole_groups_have_the_bits_of_the_whole() {
        for rows in [1, 5, 16, 100, 256] {
            let values = numbers(rows * 22);
            let (mut whole, mut parts) = (vec![0.0; rows], vec![0.0; rows]);
            f64::add_columns(&values, rows, 0, &mut whole);
            for part in values.chunks(2 * GROUP * rows) {
                f64::add_columns(part, rows, 0, &mut parts);
            }
            assert_eq!(parts, whole, "{rows} rows");
        }
    }

    #[test]
    fn a_matrix_without_rows_has_no_sums() {
        f32::add_columns(&[], 0, 0, &mut []);
    }

    #[test]
    #[should_panic(expected = "there are 3 rows")]
    fn there_are_no_sums_of_rows_that_there_are_not() {
        f64::add_columns(&[1.0; 6], 3, 2, &mut [0.0; 2]);
    }
}

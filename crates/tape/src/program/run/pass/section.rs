//! What is done to one section.

use smallvec::SmallVec;

use crate::Scalar;
use crate::ops::Op;
use crate::program::pass::{INPUTS, Spread};
use crate::tape::operation::Fault;

/// Repeats an input of a pass until it has an element for each of the pass.
pub(in crate::program) fn repeat<T: Copy>(value: &[T], spread: Spread, rows: usize, out: &mut [T]) {
    match spread {
        Spread::Full => {}
        Spread::Number(_) => out.fill(value[0]),
        Spread::Row(_) => match rows {
            // What is known while compiling is stored at once.
            2 => fill_columns::<T, 2>(value, out),
            3 => fill_columns::<T, 3>(value, out),
            4 => fill_columns::<T, 4>(value, out),
            8 => fill_columns::<T, 8>(value, out),
            9 => fill_columns::<T, 9>(value, out),
            _ => value.iter().zip(out.chunks_exact_mut(rows.max(1))).for_each(|(&x, column)| column.fill(x)),
        },
        Spread::Column(_) => {
            let mut done = rows.min(out.len());
            out[..done].copy_from_slice(&value[..done]);
            while done < out.len() {
                let (from, to) = out.split_at_mut(done);
                let more = done.min(to.len());
                to[..more].copy_from_slice(&from[..more]);
                done += more;
            }
        }
    }
}

/// Repeats a row to columns of so many rows.
fn fill_columns<T: Copy, const ROWS: usize>(row: &[T], out: &mut [T]) {
    row.iter().zip(out.as_chunks_mut().0).for_each(|(&x, column)| *column = [x; ROWS]);
}

/// One operation on a section; every source has the section's length.
pub(in crate::program) fn apply<'a, T: Scalar, S: Copy>(
    op: &Op<T>,
    sources: &[S],
    read: impl Fn(S) -> &'a [T],
    out: &mut [T],
    m: usize,
) -> Result<(), Fault> {
    let kernel = op.rule().elementwise().expect("only elementwise operations are fused");
    match *sources {
        [x] => kernel.section(&[read(x)], out, m),
        [x, y] => kernel.section(&[read(x), read(y)], out, m),
        ref sources => {
            let sources: SmallVec<[&[T]; INPUTS]> = sources.iter().map(|&source| read(source)).collect();
            kernel.section(&sources, out, m)
        }
    }
}

/// A function and its derivative.
pub(in crate::program) fn apply_with_derivative<'a, T: Scalar, S: Copy>(
    op: &Op<T>,
    sources: &[S],
    read: impl Fn(S) -> &'a [T],
    out: &mut [T],
    derivative: &mut [T],
) -> Result<(), Fault> {
    match *sources {
        [x] => op.section_with_derivative(&[read(x)], out, derivative),
        [x, y] => op.section_with_derivative(&[read(x), read(y)], out, derivative),
        ref sources => {
            let sources: SmallVec<[&[T]; INPUTS]> = sources.iter().map(|&source| read(source)).collect();
            op.section_with_derivative(&sources, out, derivative)
        }
    }
}

/// Adds the columns of a section to the sums of the rows, or everything to the only sum.
pub(in crate::program) fn add_columns<T: Scalar>(section: &[T], rows: usize, sums: &mut [T]) {
    if let [sum] = sums {
        *sum += crate::numbers::kernel::functions::sum(section);
        return;
    }
    T::add_columns(section, rows, 0, sums);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::ids::RegisterId;
    use crate::tape::ids::Id;

    #[test]
    fn a_row_is_repeated_to_columns_of_any_number_of_rows() {
        let row = [1.5, -2.0, 3.0, 0.5, 7.0];
        for rows in 1..=20 {
            let mut out = vec![0.0; rows * row.len()];
            repeat(&row, Spread::Row(RegisterId::from_index(0)), rows, &mut out);
            let expected: Vec<f64> = row.iter().flat_map(|&x| std::iter::repeat_n(x, rows)).collect();
            assert_eq!(out, expected, "{rows} rows");
        }
    }
}

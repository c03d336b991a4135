//! Each operation has its row, and the rows notice every mistake of the catalogue.

use stranger::Own;
use tape::check::{Mutant, Row, mutation_score};
use tape::{Operation, Scalar, Shape};

/// The row of an operation, or of a mutant in its place.
fn row<T: Scalar>(own: Own, operation: impl Operation<T> + Clone) -> Row<T> {
    let row = Row::new(move |tape, x| tape.apply_all(operation.clone(), x), move |x| own.plain(x))
        .operands(move |n| own.operands(n));
    match own {
        Own::Dense => row.refuses(&[(2, 3), (2, 4), (2, 1)]).refuses(&[(2, 3), (3, 4), (3, 1)]),
        Own::Swish | Own::RmsNorm => row.refuses(&[(2, 3), (3, 1)]),
        // Of one class it is 0, and all that is left is rounding.
        Own::CrossEntropy => row.rows(&[2, 3, 7]).refuses(&[(2, 3), (3, 3)]),
        Own::RowDots => row.refuses(&[(2, 3), (2, 4)]),
        Own::Outer => row.refuses(&[(2, 3), (2, 1)]),
    }
}

tape::laws! {
    Own, T = f64, f32:
    dense: Own::Dense => row::<T>(Own::Dense, Own::Dense),
    swish: Own::Swish => row::<T>(Own::Swish, Own::Swish),
    rms_norm: Own::RmsNorm => row::<T>(Own::RmsNorm, Own::RmsNorm),
    cross_entropy: Own::CrossEntropy => row::<T>(Own::CrossEntropy, Own::CrossEntropy),
    row_dots: Own::RowDots => row::<T>(Own::RowDots, Own::RowDots),
    outer: Own::Outer => row::<T>(Own::Outer, Own::Outer),
}

fn every_mistake_is_noticed<T: Scalar>() {
    let (mut killed, mut equivalent) = (0, 0);
    for own in Own::ALL {
        let shapes: Vec<Shape> = own.operands(3);
        let suite = |mutant: Mutant<Own>| row::<T>(own, mutant).check();
        let score = mutation_score::<T, _, _>(&own, &shapes, suite)
            .unwrap_or_else(|failure| panic!("{own:?}: {failure}"));
        println!("{own:?} in {}: {score}", T::NAME);
        assert_eq!(score.ratio(), 1.0, "{own:?} in {}: {score}", T::NAME);
        killed += score.killed.len();
        equivalent += score.equivalent.len();
    }
    println!("{killed} of {killed} mistakes noticed in {}, {equivalent} are none", T::NAME);
    assert!(killed >= 40 * 6);
}

#[test]
fn every_mistake_is_noticed_in_f64() {
    every_mistake_is_noticed::<f64>();
}

#[test]
fn every_mistake_is_noticed_in_f32() {
    every_mistake_is_noticed::<f32>();
}

//! Indices name columns of tables, and are looked at where they are bound: what is no column is refused with its place, and
//! what was bound before stays.

use tape::{Error, Matrix, Program, Result, Scalar, Shape, Tape, Var, matrix};

use crate::support::message::assert_message;

/// Numbers that are no column of five.
const WRONG: [f64; 5] = [5.0, -1.0, 0.5, f64::NAN, f64::INFINITY];

/// Binds, and says by what method.
type Refusal<T> = fn(&mut Program<T>, Var<'_, T>, &Matrix<T>) -> (Result<()>, &'static str);

/// Asserts an error's place and value, and the leaf's and the table's name and size.
#[track_caller]
fn assert_refused(found: Result<()>, how: &str, (row, column): (usize, usize), wrong: f64) {
    match found {
        Err(Error::Index { method, value, row: r, column: c, indices, count, table, at }) => {
            let told = (method, r, c, indices.as_str(), count, table.as_deref());
            assert_eq!(told, (how, row, column, "item", 5, Some("E")));
            assert!(value == wrong || value.is_nan() && wrong.is_nan(), "{value} is not {wrong}");
            assert_eq!(at.file(), file!());
        }
        other => panic!("{other:?}"),
    }
}

/// Whatever binds, refuses; and what was bound before stays.
#[test]
fn no_binding_takes_what_is_no_column() {
    fn check<T: Scalar>() {
        let tape = Tape::<T>::new();
        let table = tape.parameter("E", &Matrix::from_fn(1, 5, |_, j| T::from_usize(j)));
        for (m, place) in [(1, (1, 0)), (3, (0, 2)), (700, (1, 600))] {
            for wrong in WRONG {
                let mut data: Matrix<T> = Matrix::filled(2, m, T::ONE);
                data[place] = T::from_f64(wrong);
                let tape_of_m = Tape::<T>::new();
                let own = tape_of_m.examples("item", &data);
                let table_of_m = tape_of_m.parameter("E", &Matrix::zeros(1, 5));
                let mut selecting = tape_of_m.compile([table_of_m.gather(own)]).unwrap();
                let chosen: Vec<usize> = (0..m).rev().collect();
                let found = selecting.select_columns(own, &chosen);
                assert_refused(found, "select_columns", (place.0, m - 1 - place.1), wrong);

                let items = tape.indices_unbound("item", 2);
                let sum = table.gather(items).sum();
                let mut program = tape.compile([sum]).unwrap();
                program.bind_indices(items, &[1, 4, 2, 2]).unwrap();
                let refusals: [Refusal<T>; 4] = [
                    |p, v, data| (p.bind(v, data), "bind"),
                    |p, v, data| (p.bind_if_needed(v, data).map(|_| ()), "bind_if_needed"),
                    |p, v, data| (p.bind_all([(v, data)]), "bind_if_needed"),
                    |p, v, data| {
                        let all: Vec<usize> = (0..data.columns()).collect();
                        (p.bind_columns(v, data, &all), "bind_columns")
                    },
                ];
                for refuse in refusals {
                    let (found, how) = refuse(&mut program, items, &data);
                    assert_refused(found, how, place, wrong);
                    program.run().unwrap();
                    assert_eq!(program.scalar(sum).unwrap().to_f64(), 9.0, "what was bound before");
                }
            }
        }
    }
    check::<f64>();
    check::<f32>();
}

#[test]
fn indices_of_every_type_are_bound_and_looked_at() {
    fn check<T: Scalar>() {
        let tape = Tape::<T>::new();
        let table = tape.parameter("E", &Matrix::from_fn(1, 5, |_, j| T::from_usize(j)));
        let items = tape.indices_unbound("item", 2);
        let sum = table.gather(items).sum();
        let mut program = tape.compile([sum]).unwrap();
        macro_rules! bound {
            ($($t:ty)*) => {$(
                program.bind_indices(items, &[0 as $t, 4, 3, 3]).unwrap();
                assert_refused(program.bind_indices(items, &[0 as $t, 4, 3, 5]), "bind_indices", (1, 1), 5.0);
                assert!(matches!(
                    program.bind_indices(items, &[1 as $t; 3]),
                    Err(Error::IndexCount { method: "bind_indices", k: 2, found: 3, at: None, .. })
                ));
                program.run().unwrap();
                assert_eq!((program.scalar(sum).unwrap().to_f64(), program.m()), (10.0, Some(2)));
            )*};
        }
        bound!(u8 u16 u32 u64 usize i32 i64);
        assert_refused(program.bind_indices(items, &[0, -1]), "bind_indices", (1, 0), -1.0);
        assert_refused(program.bind_indices(items, &[u64::MAX, 0]), "bind_indices", (0, 0), u64::MAX as f64);
        // Of any number of examples, none among them.
        program.bind_indices(items, &[0_u32; 0]).unwrap();
        program.run().unwrap();
        assert_eq!((program.scalar(sum).unwrap().to_f64(), program.m()), (0.0, Some(0)));
    }
    check::<f64>();
    check::<f32>();
}

#[test]
fn the_smallest_table_of_the_program_counts() {
    let tape = Tape::<f64>::new();
    let [small, large] =
        [("S", 3), ("L", 7)].map(|(name, count)| tape.parameter(name, &Matrix::zeros(1, count)));
    let items = tape.indices_unbound("item", 1);
    let [of_small, of_large] = [small, large].map(|table| table.gather(items).sum());
    let mut both = tape.compile([of_large, of_small]).unwrap();
    assert!(matches!(
        both.bind_indices(items, &[3]),
        Err(Error::Index { count: 3, table: Some(table), .. }) if table == "S"
    ));
    let mut large_alone = tape.compile([of_large]).unwrap();
    large_alone.bind_indices(items, &[6]).unwrap();
    assert!(large_alone.bind_indices(items, &[7]).is_err());
    // A gradient alone names the table too.
    let [ds] = (of_small * of_small).gradients([small]);
    let mut gradient = tape.compile([ds]).unwrap();
    assert!(matches!(
        gradient.bind_indices(items, &[4]),
        Err(Error::Index { count: 3, table: Some(table), .. }) if table == "S"
    ));
    // Not gathered by, it is examples as any other.
    let mut other = tape.compile([items * 2.0]).unwrap();
    other.bind(items, &matrix![[0.5, -9.0]]).unwrap();
    // Nor are columns changed that a table has not.
    let columns = large.gather(items);
    let mut program = tape.compile([columns, small]).unwrap();
    program.bind_indices(items, &[1, 6]).unwrap();
    program.run().unwrap();
    assert_message(
        program.update_columns(small, items, columns, |_, _, _| ()).unwrap_err(),
        "update_columns: index 6 at row 0, column 1 of item is no whole number from 0 on and below 3, the columns of S, recorded at {place}",
    );
}

#[test]
fn class_numbers_are_looked_at() {
    let tape = Tape::<f64>::new();
    let z = tape.examples_unbound("Z", 3);
    let classes = tape.indices_unbound("class", 1);
    let j = z.softmax_cross_entropy_of(classes).sum();
    let mut program = tape.compile([j]).unwrap();
    let refused = program.bind_indices(classes, &[0, 3]).unwrap_err();
    assert_message(
        refused,
        "bind_indices: index 3 at row 0, column 1 of class is no whole number from 0 on and below 3, the columns of one_hot, recorded at {place}",
    );
}

/// Where they are computed, a run tells the place.
#[test]
fn computed_indices_are_told_with_their_place() {
    fn check<T: Scalar>() {
        let tape = Tape::<T>::new();
        let table = tape.parameter("E", &Matrix::zeros(2, 5));
        let items = tape.examples_unbound("item", 2);
        let same = items.rows(0..2).named("same");
        let rows = table.gather(same).tanh();
        let j = rows.sum();
        let [drows, dtable] = j.gradients([table.gather(same), table]);
        let mut program = tape.compile([j, drows, dtable, same]).unwrap();
        for (m, place) in [(1, (1, 0)), (3, (0, 2)), (700, (1, 600)), (5000, (0, 4999))] {
            let mut data: Matrix<T> = Matrix::filled(2, m, T::ONE);
            for wrong in WRONG {
                data[place] = T::from_f64(wrong);
                program.bind(items, &data).unwrap();
                match program.run().unwrap_err() {
                    Error::Index { method, value, row, column, indices, count, table, .. } => {
                        assert_eq!((row, column), place);
                        let names = (method, indices.as_str(), count, table.as_deref());
                        assert_eq!(names, ("gather", "same", 5, Some("E")));
                        assert!(value == wrong || wrong.is_nan());
                    }
                    other => panic!("{other}"),
                }
            }
        }
        program.bind_indices(items, &[0, 4, 4, 4]).unwrap();
        program.run().unwrap();
        let mut touched = Vec::new();
        program
            .update_columns(table, same, drows, |_, column, g| {
                touched.push(g[0].to_f64());
                column[0] -= g[0];
            })
            .unwrap();
        assert_eq!(touched, [1.0, 3.0]);
        let updated: Vec<f64> = program.view(table).unwrap().as_slice().iter().map(|x| x.to_f64()).collect();
        assert_eq!(updated, [-1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -3.0, 0.0]);
        assert!(matches!(program.update_columns(table, same, j, |_, _, _| ()), Err(Error::BindShape { .. })));
        // That of the whole table is no gradient with respect to the columns that were named.
        let whole = dtable.named("the whole");
        assert_eq!(
            program.update_columns(table, same, whole, |_, _, _| ()).unwrap_err().to_string(),
            "update_columns: the gradient with respect to E.gather(same) is 2×4, the matrix given is 2×5 (the whole)"
        );
    }
    check::<f64>();
    check::<f32>();
}

/// f32 holds whole numbers exactly up to 2²⁴: that many columns are numbered, and one more is refused when it is recorded.
#[test]
fn tables_that_a_type_cannot_number_are_refused() {
    const MOST: usize = 1 << 24;
    let tape = Tape::<f32>::new();
    let items = tape.indices_unbound("item", 1);
    let table = |count: usize| tape.parameter_unbound("E", Shape::new(1, count));
    assert_message(
        table(MOST + 1).gather(items).sound().unwrap_err(),
        "gather: f32 numbers no more than 16777216 columns: item is 1×m, E is 1×16777217, at {place}",
    );
    let mut program = tape.compile([table(MOST).gather(items)]).unwrap();
    program.bind_indices(items, &[MOST - 1]).unwrap();
    assert_eq!(program.view(items).unwrap().as_slice(), [16_777_215.0]);
    for beyond in [MOST, MOST + 1, MOST + 2, usize::MAX] {
        assert!(matches!(
            program.bind_indices(items, &[beyond]),
            Err(Error::Index { count: MOST, value, .. }) if value == beyond as f64
        ));
    }
    let in_f64 = Tape::<f64>::new();
    let items = in_f64.indices_unbound("item", 1);
    let table = in_f64.parameter_unbound("E", Shape::new(1, MOST + 2));
    let mut program = in_f64.compile([table.gather(items)]).unwrap();
    program.bind_indices(items, &[MOST + 1]).unwrap();
    assert_eq!(program.view(items).unwrap().as_slice(), [16_777_217.0]);

    // Where no table is known, what the type does not hold is refused all the same.
    let items = tape.indices_unbound("item", 1);
    let mut program = tape.compile([items + 0.0]).unwrap();
    assert_eq!(
        program.bind_indices(items, &[0, 16_777_217]).unwrap_err().to_string(),
        "bind_indices: 16777217 at row 0, column 1 of item is no f32: the type does not hold it exactly"
    );
    assert!(matches!(
        tape.indices("item", 1, &[16_777_217_u64]).sound(),
        Err(Error::InexactIndex { index: 16_777_217, number: "f32", row: 0, column: 0, .. })
    ));
    let negative = tape.indices("item", 1, &[0, -3]).sound().unwrap_err();
    assert_message(
        negative,
        "indices: -3 at row 0, column 1 of item is no index: columns are numbered from 0, at {place}",
    );
    let negative = in_f64.indices("", 2, &[0_i64, 1, 2, i64::MIN]).sound().unwrap_err();
    assert_message(
        negative,
        "indices: -9223372036854775808 at row 1, column 1 of a leaf without a name is no index: columns are numbered from 0, at {place}",
    );
}

#[test]
fn indices_that_are_not_k_for_each_example_are_told_with_their_name() {
    let tape = Tape::<f64>::new();
    for (k, text) in [
        (2, "indices: item has 3 indices, and takes 2 for each example, at {place}"),
        (0, "indices: item has 3 indices, and takes 0 for each example, at {place}"),
    ] {
        assert_message(tape.indices("item", k, &[0, 1, 2]).sound().unwrap_err(), text);
    }
    let items = tape.indices_unbound("items", 2);
    let table = tape.parameter("E", &Matrix::zeros(1, 5));
    let mut program = tape.compile([table.gather(items)]).unwrap();
    let text = "bind_indices: items has 3 indices, and takes 2 for each example";
    assert_eq!(program.bind_indices(items, &[0, 1, 2]).unwrap_err().to_string(), text);
    // Where only their number counts, too.
    let j = table.mean() * tape.one_over_m();
    let mut program = tape.compile([j]).unwrap();
    assert_eq!(program.bind_indices(items, &[0, 1, 2]).unwrap_err().to_string(), text);
}

/// Derivatives with respect to what chooses are 0: of gathered columns, and of the sums over them that a gradient is.
#[test]
fn what_chooses_has_a_derivative_of_zero() {
    let tape = Tape::<f64>::new();
    let table = tape.parameter("E", &matrix![[0.5, -1.0, 2.0]]);
    let items = tape.indices("item", 1, &[2, 0, 2, 1]);
    let j = table.gather(items).square().sum();
    let [of_items, of_table] = j.gradients_or_zeros([items, table]);
    let [of_both] = of_table.square().sum().gradients_or_zeros([items]);
    for zero in [of_items, of_both] {
        assert_eq!(zero.value().unwrap(), Matrix::zeros(1, 4));
    }
    assert_eq!(of_table.value().unwrap(), matrix![[1.0, -2.0, 8.0]]);
}

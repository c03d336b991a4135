//! What programs are given that they cannot use, and what they hand out: nothing is silently wrong, and nothing ends the process.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tape::{
    Dim, Error, Fault, Function, Matrix, MatrixMut, Mismatch, Operands, Operation, Options, Over, Program,
    Result, Scalar, Shape, Tape, Threads, Var, Vjp, matrix,
};

use crate::support::message::assert_message;

#[track_caller]
fn assert_error<T: std::fmt::Debug>(found: Result<T>, text: &str) {
    assert_message(found.expect_err("an error"), text);
}

fn numbers<T: Scalar>(values: &[f64]) -> Vec<T> {
    values.iter().map(|&x| T::from_f64(x)).collect()
}

fn row<T: Scalar>(values: &[f64]) -> Matrix<T> {
    Matrix::row(&numbers(values))
}

/// Entry by entry, by the short way, in tiles, and on several threads.
fn ways() -> [Options; 5] {
    let tiles = Options::default().tile_columns(256);
    [Options::literal(), Options::default(), tiles, tiles.threads(3), Options::literal().threads(2)]
}

// ---- An output is a value of its run --------------------------------------------------------------------------

/// J = Σ w ⊙ v: the gradients are leaves, and each step is by what they were in the run.
fn bilinear<T: Scalar>(columns: usize) {
    let value =
        |s: f64| Matrix::from_fn(2, columns, |i, j| T::from_f64(s + i as f64 - 0.25 * (j % 7) as f64));
    let (w0, v0): (Matrix<T>, Matrix<T>) = (value(3.0), value(1.0));
    let tape = Tape::<T>::new();
    let (w, v) = (tape.parameter("w", &w0), tape.parameter("v", &v0));
    let j = (w * v).sum();
    let [dw, dv] = j.gradients([w, v]);
    for options in ways() {
        let mut program = tape.compile_with([j, dw, dv], options).unwrap();
        let (mut w_now, mut v_now) = (w0.clone(), v0.clone());
        for _ in 0..3 {
            program.run().unwrap();
            let down = |p: &mut [T], g: &[T]| p.iter_mut().zip(g).for_each(|(p, &g)| *p -= g);
            program.update(w, dw, down).unwrap();
            program.update(v, dv, down).unwrap();
            let minus =
                |a: &Matrix<T>, b: &Matrix<T>| Matrix::from_fn(2, columns, |i, j| a[(i, j)] - b[(i, j)]);
            (w_now, v_now) = (minus(&w_now, &v_now), minus(&v_now, &w_now));
            assert_eq!(program.view(w).unwrap().to_matrix(), w_now);
            assert_eq!(program.view(v).unwrap().to_matrix(), v_now);
        }
    }
}

#[test]
fn a_gradient_that_is_a_leaf_is_that_of_the_run() {
    for columns in [0, 1, 2, 900] {
        bilinear::<f64>(columns);
        bilinear::<f32>(columns);
    }
}

/// By hand: the derivatives' own variables have the values of the run, and the leaves' those of now.
#[test]
fn a_gradient_that_is_a_leaf_is_seen_as_in_the_run() {
    let tape = Tape::<f64>::new();
    let (w, v) = (tape.parameter("w", &matrix![[3.0]]), tape.parameter("v", &matrix![[1.0]]));
    let [dw, dv] = (w * v).gradients([w, v]);
    assert_eq!((dw, dv), (v, w));
    assert_eq!((dw.id(), dv.id()), (v.id(), w.id()));
    for options in ways() {
        let mut program = tape.compile_with([dw, dv], options).unwrap();
        assert_eq!((program.scalar(dw), program.scalar(v)), (Err(Error::NotRun), Ok(1.0)));
        program.run().unwrap();
        for (leaf, derivative) in [(w, dw), (v, dv)] {
            let g = program.scalar(derivative.id().unwrap()).unwrap();
            program.parameter_mut(leaf).unwrap()[(0, 0)] -= g;
        }
        assert_eq!((program.scalar(w), program.scalar(v)), (Ok(2.0), Ok(-2.0)));
        assert_eq!((program.scalar(dw), program.scalar(dv)), (Ok(1.0), Ok(3.0)));
        let mut without = tape.compile_with([w * v], options).unwrap();
        without.run().unwrap();
        let text = "program: the derivative is the leaf v, and no output of this program: compile it as one";
        assert_error(without.view(dw), text);
        assert_error(without.update(w, dw, |_, _| ()), text);
    }
}

/// ½‖w‖², whose gradient is w.
#[test]
fn half_the_squared_norm_can_be_stepped() {
    let tape = Tape::<f64>::new();
    let w = tape.parameter("w", &matrix![[8.0, -4.0]]);
    let j = w.square().sum() * 0.5;
    let [dw] = j.gradients([w]);
    for options in ways() {
        let mut program = tape.compile_with([j, dw], options).unwrap();
        for (before, after) in [(8.0, 6.0), (6.0, 4.5)] {
            program.run().unwrap();
            program.update(w, dw, |w, g| w.iter_mut().zip(g).for_each(|(w, g)| *w -= 0.25 * g)).unwrap();
            // Again: the output is what it was in the run.
            program.update(w, dw, |_, g| assert_eq!(g, [before, -before / 2.0])).unwrap();
            assert_eq!(program.view(w).unwrap().as_slice(), [after, -after / 2.0]);
        }
    }
}

/// Entries that have a leaf's value keep it through every way to change the leaf, until the next run.
#[test]
fn an_output_that_shares_a_leafs_value_keeps_it() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("x", &matrix![[1.0, 2.0, 3.0]]);
    let same = x.identity();
    let t = x.t();
    let wide = x.broadcast_to(Shape::new(2, Dim::M));
    type Change = fn(&mut Program<f64>, Var<'_, f64>);
    let changes: [Change; 5] = [
        |p, x| p.bind(x, &matrix![[9.0]]).unwrap(),
        |p, x| p.bind_columns(x, &matrix![[7.0, 9.0]], &[1]).unwrap(),
        |p, x| p.parameter_mut(x).unwrap().as_mut_slice().fill(9.0),
        |p, x| p.update(x, x, |x, _| x.fill(9.0)).unwrap(),
        |p, x| p.select_columns(x, &[2, 2, 2, 2]).unwrap(),
    ];
    for options in ways() {
        for change in changes {
            let mut program = tape.compile_with([same, t, wide, x], options).unwrap();
            assert_eq!(program.view(same).unwrap_err(), Error::NotRun);
            program.run().unwrap();
            for _ in 0..2 {
                change(&mut program, x);
                assert_eq!(program.view(same).unwrap().to_matrix(), matrix![[1.0, 2.0, 3.0]]);
                assert_eq!(program.view(t).unwrap().as_slice(), [1.0, 2.0, 3.0]);
                assert_eq!(program.view(wide).unwrap().as_slice(), [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]);
                assert!(program.view(x).unwrap().as_slice().iter().all(|&x| x == 9.0 || x == 3.0));
            }
            program.run().unwrap();
            assert_eq!(program.view(same).unwrap(), program.view(x).unwrap(), "of the next run");
        }
    }
}

/// Columns that are read where they are, of a variable that is an output.
#[test]
fn a_selected_output_is_that_of_the_run() {
    let tape = Tape::<f64>::new();
    let set = Matrix::from_fn(64, 300, |i, j| (i * 300 + j) as f64);
    let x = tape.examples("X", &set);
    let w = tape.parameter("W", &Matrix::filled(64, 200, 1.0));
    let (z, same) = (tape.parameter("V", &Matrix::filled(8, 64, 0.5)).matmul(x), x.identity());
    let mut program = tape.compile([z, same]).unwrap();
    let batches = [0, 100].map(|first| (first..first + 200).collect::<Vec<usize>>());
    program.select_columns(x, &batches[0]).unwrap();
    program.run().unwrap();
    program.select_columns(x, &batches[1]).unwrap();
    assert_eq!(program.view(same).unwrap().to_matrix(), set.select_columns(&batches[0]));
    assert_eq!(program.view(x).unwrap().to_matrix(), set.select_columns(&batches[1]));
    program.run().unwrap();
    assert_eq!(program.view(same).unwrap().to_matrix(), set.select_columns(&batches[1]));
    let mut program = tape.compile([z, same, w.square()]).unwrap();
    program.select_columns(x, &batches[0]).unwrap();
    program.run().unwrap();
    program.update(w, same, |w, x| w.copy_from_slice(x)).unwrap();
    assert_eq!(program.view(w).unwrap().to_matrix(), set.select_columns(&batches[0]));
}

/// After a failed run the outputs are gone, those that are leaves too, and the leaves are there.
#[test]
fn after_a_failed_run_there_are_no_outputs() {
    let tape = Tape::<f64>::new();
    let (z, y) = (tape.examples("z", &matrix![[0.5]]), tape.examples("y", &matrix![[1.0]]));
    let (j, same) = (z.log_loss_on_logits(y).sum(), y.identity());
    let mut program = tape.compile([j, same]).unwrap();
    assert_eq!(program.last_error(), None);
    program.run().unwrap();
    program.bind(y, &matrix![[7.0]]).unwrap();
    let failed = program.run().unwrap_err();
    assert!(matches!(failed, Error::Label { value: 7.0, .. }), "{failed}");
    for output in [j, same] {
        assert_error(
            program.view(output),
            "program: no results: the program was not run yet, or its last run failed (last_error tells why)",
        );
        assert_eq!(program.update(z, output, |_, _| ()), Err(Error::NotRun));
    }
    assert_eq!(program.last_error(), Some(&failed));
    assert_eq!(program.scalar(y), Ok(7.0));
    program.bind(y, &matrix![[0.0]]).unwrap();
    assert_eq!(program.scalar(same), Err(Error::NotRun), "a bound value is no run");
    program.run().unwrap();
    assert_eq!((program.scalar(same), program.last_error()), (Ok(0.0), None));
}

// ---- The number of examples -----------------------------------------------------------------------------------

/// What depends on m says which examples are missing, and takes their number from them.
#[test]
fn what_depends_on_m_needs_to_know_it() {
    let tape = Tape::<f64>::new();
    let x = tape.examples_unbound("X", 2);
    let b = tape.parameter("b", &matrix![[1.0], [2.0]]);
    let w = tape.parameter("w", &Matrix::filled(3, 2, 0.5));
    let ones = tape.scalar(1.0).broadcast_to(Shape::new(1, Dim::M)).sum();
    let text = "run: X has no value: bind one first";
    let [db] = (x + b).sum().gradients([b]);
    for unknown in [db, ones, db.sum().exp(), tape.one_over_m() * b] {
        assert_error(unknown.value(), text);
        let mut program = tape.compile([unknown]).unwrap();
        assert_eq!(program.m(), None);
        assert_error(program.run(), text);
        assert_error(program.run_checked(), text);
    }
    assert_error(x.exp().sum().hessian([x]), text);
    assert_error((x * 3.0).sum().hessian([x]), text);
    assert_error(w.matmul(x).jacobian([w]), text);
    assert_error(w.matmul(x).jacobian([x]), text);
    assert_error(x.exp().jvp([x], [x]).value(), text);
    assert_error(w.matmul(x).sum_over(Over::Rows).per_example_gradients([w]), text);
    assert_error((b.sum() - x.sum_over(Over::Rows)).per_example_gradients([b]), text);

    // Only their number counts, but a matrix has to fit all the same.
    for options in ways() {
        let mut program = tape.compile_with([db], options).unwrap();
        assert_error(program.bind(x, &matrix![[1.0]]), "bind: X is 2×m, the matrix given is 1×1");
        for m in [3, 0, 1, 700] {
            program.bind(x, &Matrix::zeros(2, m)).unwrap();
            program.run().unwrap();
            assert_eq!(program.view(db).unwrap().as_slice(), [m as f64; 2]);
        }
        program.bind_columns(x, &Matrix::zeros(2, 5), &[4, 4]).unwrap();
        assert_eq!((program.m(), program.bind_if_needed(x, &Matrix::zeros(2, 4))), (Some(2), Ok(true)));
        program.run().unwrap();
        assert_eq!(program.view(db).unwrap().as_slice(), [4.0; 2]);
    }
    // Nothing here depends on m.
    assert_eq!((b * 2.0).value(), Ok(matrix![[2.0], [4.0]]));
}

/// The tape's examples say m where the program reads none, and others can be bound.
#[test]
fn examples_that_are_not_read_say_m() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("X", &matrix![[1.0, 2.0, 3.0]]);
    let b = tape.parameter("b", &matrix![[1.0]]);
    let [db] = (x + b).sum().gradients([b]);
    assert_eq!(db.value(), Ok(matrix![[3.0]]));
    let mut program = tape.compile([db]).unwrap();
    program.bind(x, &matrix![[1.0]]).unwrap();
    program.run().unwrap();
    assert_eq!((program.m(), program.scalar(db)), (Some(1), Ok(1.0)));
}

/// And columns of them can be selected, as from examples that are read.
#[test]
fn columns_of_examples_that_are_not_read_are_selected() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("X", &Matrix::zeros(2, 4));
    let y = tape.examples_unbound("Y", 1);
    let b = tape.parameter("b", &matrix![[1.0], [2.0]]);
    let [db] = (x + b).sum().gradients([b]);
    for options in ways() {
        let mut program = tape.compile_with([db], options).unwrap();
        for batch in [&[3, 0, 3, 3, 1][..], &[2], &[]] {
            program.select_columns(x, batch).unwrap();
            program.run().unwrap();
            assert_eq!(program.m(), Some(batch.len()));
            assert_eq!(program.view(db).unwrap().as_slice(), [batch.len() as f64; 2]);
        }
        program.select_columns(x.id().unwrap(), &[1, 2]).unwrap();
        assert_error(
            program.select_columns(x, &[0, 4]),
            "select_columns: X has 4 examples (columns), from 0, and no column 4",
        );
        assert_eq!(program.m(), Some(2));
        let none = |name: &str| {
            format!(
                "select_columns: {name} has no value of the tape's now: columns are selected of that alone"
            )
        };
        assert_error(program.select_columns(y, &[]), &none("Y"));
        program.bind(x, &Matrix::zeros(2, 1)).unwrap();
        assert_error(program.select_columns(x, &[0]), &none("X"));
        let mut other = tape.compile_with([db], options).unwrap();
        other.bind_columns(x, &Matrix::zeros(2, 3), &[0, 2]).unwrap();
        assert_error(other.select_columns(x, &[0]), &none("X"));
    }
}

/// A tape without examples, and an operation whose result has m columns.
#[test]
fn without_examples_m_is_told_to_be_unknown() {
    let tape = Tape::<f64>::new();
    let w = tape.parameter("w", &matrix![[1.0]]);
    let wide = tape.apply(Source { rows: 2, columns: Dim::M, apart: false }, []);
    let text = "run: %1 (source) depends on the number of examples m, which no examples say: record some with examples or examples_unbound, recorded at {place}";
    for output in [wide, w * wide.sum()] {
        assert_error(output.value(), text);
    }
    assert!(matches!(tape.one_over_m().value(), Err(Error::UnknownExamples { .. })));
}

#[test]
fn a_gradient_of_a_mean_of_nothing() {
    fn of<T: Scalar>() {
        let tape = Tape::<T>::new();
        let w = tape.parameter("w", &row(&[1.0]));
        let x = tape.examples("X", &Matrix::zeros(1, 0));
        let j = (x * w).mean();
        let [dw] = j.gradients([w]);
        for options in ways() {
            for output in [j, dw] {
                let mut program = tape.compile_with([output], options).unwrap();
                assert!(matches!(program.run(), Err(Error::EmptyBatch { .. })), "{output:?}");
            }
        }
        // A sum over nothing is 0, and its gradient too.
        let [dw] = (x * w).sum().gradients([w]);
        assert_eq!(dw.value(), Ok(row(&[0.0])));
    }
    of::<f64>();
    of::<f32>();
}

// ---- Binding --------------------------------------------------------------------------------------------------

#[test]
fn columns_are_looked_at_before_they_are_bound() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("X", &matrix![[1.0, 2.0, 3.0, 4.0]]);
    let sum = x.sum();
    let mut program = tape.compile([sum]).unwrap();
    for bad in [&[1, 9][..], &[9, 1], &[usize::MAX]] {
        let bind = AssertUnwindSafe(|| program.bind_columns(x, &matrix![[10.0, 20.0]], bad));
        assert!(!matches!(catch_unwind(bind), Ok(Ok(()))));
        assert_error(
            program.select_columns(x, bad),
            &format!(
                "select_columns: X has 4 examples (columns), from 0, and no column {}",
                bad.iter().find(|&&i| i > 3).unwrap()
            ),
        );
        program.run().unwrap();
        assert_eq!((program.m(), program.scalar(sum)), (Some(4), Ok(10.0)));
    }
    program.select_columns(x, &[0]).unwrap();
    program.run().unwrap();
    assert_eq!(program.scalar(sum), Ok(1.0), "the tape's value is still there to be selected of");
}

#[test]
fn two_leaves_of_one_name_are_told_apart() {
    let tape = Tape::<f64>::new();
    let (first, second) =
        (tape.parameter("W", &Matrix::zeros(2, 3)), tape.parameter("W", &Matrix::zeros(3, 1)));
    let mut program = tape.compile([first.matmul(second)]).unwrap();
    assert_error(
        program.bind(second, &Matrix::zeros(2, 3)),
        "bind: W (%1 of {place}) is 3×1, the matrix given is 2×3",
    );
}

// ---- Values that are not finite -------------------------------------------------------------------------------

#[test]
fn a_checked_run_looks_at_leaves_and_numbers() {
    fn of<T: Scalar>() {
        let tape = Tape::<T>::new();
        let x = tape.examples("X", &Matrix::from_rows(&[numbers::<T>(&[1.0, f64::NAN])]).unwrap());
        let w = tape.parameter("w", &row(&[f64::NEG_INFINITY]));
        let c = tape.constant("c", &row(&[2.0, f64::INFINITY]));
        for options in ways() {
            let check = |output: Var<'_, T>| tape.compile_with([output], options).unwrap().run_checked();
            assert_error(check(x), "X: NaN at row 0, column 1; recorded at {place}");
            assert!(matches!(check(x.identity()), Err(Error::NonFinite(_))));
            assert_error(check(w), "w: -inf at row 0, column 0; recorded at {place}");
            assert_error(check(c), "c: inf at row 0, column 1; recorded at {place}");
            // Needed, and hidden by a mask.
            let zero = tape.scalar(T::ZERO);
            assert_error(
                check(zero.select(w, zero.exp() * T::ONE)),
                "w: -inf at row 0, column 0; recorded at {place}",
            );
            assert!(matches!(check(tape.scalar(T::NAN)), Err(Error::NonFinite(_))));
            assert!(matches!(check(zero.select(T::INFINITY, zero.exp())), Err(Error::NonFinite(_))));
        }
    }
    of::<f64>();
    of::<f32>();
}

// ---- Operations without operands ------------------------------------------------------------------------------

/// Entry (i, j) is 1 + i + 10·j.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Source {
    rows: usize,
    columns: Dim,
    apart: bool,
}

impl<T: Scalar> Operation<T> for Source {
    fn name(&self) -> Cow<'_, str> {
        "source".into()
    }
    fn shape(&self, _: &[Shape]) -> std::result::Result<Shape, Mismatch> {
        Ok(Shape::new(self.rows, self.columns))
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> std::result::Result<(), Fault> {
        assert!(x.is_empty());
        for j in 0..out.columns() {
            for (i, entry) in out.column_mut(j).iter_mut().enumerate() {
                *entry = T::from_f64((1 + i + 10 * j) as f64);
            }
        }
        Ok(())
    }
    fn vjp<'t>(&self, _: &mut Vjp<'_, 't, T>) {}
    fn is_columnwise(&self, _: &[Shape]) -> bool {
        self.apart
    }
}

fn sources<T: Scalar>(m: usize, apart: bool) {
    let tape = Tape::<T>::new();
    let source =
        |rows, columns: usize| Matrix::from_fn(rows, columns, |i, j| T::from_f64((1 + i + 10 * j) as f64));
    let w = tape.parameter("w", &Matrix::from_fn(2, 3, |i, j| T::from_f64(0.5 - i as f64 + j as f64)));
    let x = tape.examples("X", &Matrix::from_fn(2, m, |i, j| T::from_f64((i + 2 * j) as f64 / 64.0)));
    let fixed = tape.apply(Source { rows: 2, columns: Dim::Fixed(3), apart }, []);
    let number = tape.apply(Source { rows: 1, columns: Dim::ONE, apart }, []);
    let nothing = tape.apply(Source { rows: 0, columns: Dim::Fixed(3), apart }, []);
    let wide = tape.apply(Source { rows: 2, columns: Dim::M, apart }, []);
    assert_eq!(wide, tape.apply(Source { rows: 2, columns: Dim::M, apart }, []), "equal entries are one");
    // As outputs, in products and sums, and around derivatives of orders 1 and 2.
    let (product, shifted) = (w * fixed, x + wide);
    let j = (w * fixed * number).square().sum();
    let [dw] = j.gradients([w]);
    let [ddw] = dw.sum().gradients([w]);
    let [dx] = (x * wide).square().sum().gradients([x]);
    let outputs = [fixed, number, nothing, wide, product, shifted, dw, ddw, dx, wide.sum()];
    for options in ways() {
        let mut program = tape.compile_with(outputs, options).unwrap();
        for _ in 0..2 {
            program.run().unwrap();
            let view = |v: Var<'_, T>| program.view(v).unwrap().to_matrix();
            let (s, wide_s) = (source(2, 3), source(2, m));
            assert_eq!(
                (view(fixed), view(number), view(nothing)),
                (s.clone(), source(1, 1), Matrix::zeros(0, 3))
            );
            assert_eq!(view(wide), wide_s);
            let with = |f: &dyn Fn(T, T, T) -> T| {
                let w = w.value().unwrap();
                Matrix::from_fn(2, 3, |i, j| f(w[(i, j)], s[(i, j)], T::from_f64(2.0)))
            };
            assert_eq!(view(product), with(&|w, s, _| w * s));
            // Small whole numbers and halves: exact.
            assert_eq!(view(dw), with(&|w, s, two| two * w * s * s));
            assert_eq!(view(ddw), with(&|_, s, two| two * s * s));
            let x = x.value().unwrap();
            assert_eq!(view(shifted), Matrix::from_fn(2, m, |i, j| x[(i, j)] + wide_s[(i, j)]));
            let two = T::from_f64(2.0);
            let slope = |i: usize, j: usize| two * (x[(i, j)] * wide_s[(i, j)]) * wide_s[(i, j)];
            for ((at, found), expected) in view(dx).iter_indexed().zip(Matrix::from_fn(2, m, slope).iter()) {
                let off = (found.to_f64() - expected.to_f64()).abs();
                // The factors may come in another order: three roundings.
                assert!(
                    off <= 3.0 * T::EPSILON.to_f64() * expected.to_f64().abs(),
                    "{at:?}: {found} {expected}"
                );
            }
        }
    }
    // The source of all examples, though each is differentiated by itself.
    let v = tape.parameter("v", &row(&[2.0, 3.0]));
    let each = v.matmul(wide + x * T::ZERO).per_example_gradients([v]).unwrap();
    assert_eq!(each, [source(2, m)]);
}

#[test]
fn an_operation_without_operands_is_a_source() {
    for m in [1, 2, 700] {
        for apart in [false, true] {
            sources::<f64>(m, apart);
            sources::<f32>(m, apart);
        }
    }
}

// ---- Examples one by one --------------------------------------------------------------------------------------

/// No gradient needs an examples leaf.
#[test]
fn gradients_of_each_example_alone() {
    fn of<T: Scalar>(m: usize) {
        let tape = Tape::<T>::new();
        let x = tape.examples("x", &Matrix::from_fn(1, m, |_, j| T::from_f64(j as f64 + 1.0)));
        let w = tape.parameter("w", &row(&[0.5]));
        let of = |losses: Var<'_, T>| {
            let [each] = losses.per_example_gradients([w]).unwrap();
            each
        };
        assert_eq!(of(x - w), Matrix::filled(1, m, -T::ONE));
        assert_eq!(of((x - w) * T::from_f64(3.0)), Matrix::filled(1, m, T::from_f64(-3.0)));
        assert_eq!(of(w * x), x.value().unwrap());
        assert_eq!(of(w.square() + x), Matrix::filled(1, m, T::ONE));
        assert_eq!(of(w.broadcast_to(Shape::new(1, Dim::M))), Matrix::filled(1, m, T::ONE));
        // A row that is the transpose of a column.
        let losses = x.t().matmul(w).square().t().named("ℒ");
        assert_eq!(of(losses), x.value().unwrap().map(|x| x * x));
        // 1/m is that of the whole batch.
        let each = of((x - w) * tape.one_over_m());
        assert!(
            each.iter().all(|g| (g.to_f64() * m as f64 + 1.0).abs() <= 2.0 * T::EPSILON.to_f64()),
            "{each}"
        );
    }
    for m in [1, 2, 3, 300] {
        of::<f64>(m);
        of::<f32>(m);
    }
    let tape = Tape::<f64>::new();
    let (x, w) = (tape.examples("x", &Matrix::zeros(1, 0)), tape.parameter("w", &matrix![[0.5]]));
    assert_eq!((x - w).per_example_gradients([w]), Ok([Matrix::zeros(1, 0)]));
}

// ---- Sizes, memory and threads --------------------------------------------------------------------------------

#[test]
fn sides_that_no_matrix_has_are_refused() {
    for (rows, columns) in [(usize::MAX, 0), (0, usize::MAX), (0, isize::MAX as usize), (1 << 62, 0)] {
        let refused = Error::SizeOverflow { rows, columns };
        assert_eq!(Matrix::<f32>::try_zeros(rows, columns), Err(refused.clone()));
        assert_eq!(Matrix::<f64>::try_filled(rows, columns, 1.0), Err(refused.clone()));
        assert_eq!(Matrix::<f64>::try_from_fn(rows, columns, |_, _| 1.0), Err(refused.clone()));
        assert_eq!(Matrix::<f64>::from_vec(rows, columns, Vec::new()), Err(refused.clone()));
        assert_eq!(Matrix::<f64>::from_slice(rows, columns, &[]), Err(refused.clone()));
        assert_eq!(tape::MatrixRef::<f64>::new(rows, columns, &[]).map(|_| ()), Err(refused.clone()));
        assert_eq!(MatrixMut::<f64>::new(rows, columns, &mut []).map(|_| ()), Err(refused));
        assert!(catch_unwind(|| Matrix::<f64>::zeros(rows, columns)).is_err(), "as documented");
    }
    assert!(Matrix::<f64>::from_columns(&[[0.0; 0]; 3]).is_ok());
    let nothing: &[[f64; 0]] = &[[]; usize::MAX];
    assert!(matches!(Matrix::from_columns(nothing), Err(Error::SizeOverflow { .. })));
    assert!(matches!(Matrix::from_rows(nothing), Err(Error::SizeOverflow { .. })));
    // What is allowed ends at once, however many columns of nothing there are.
    let wide = Matrix::<f64>::zeros(0, 1 << 59);
    let tall = wide.transposed();
    assert_eq!((tall.shape(), tall.transposed()), ((1 << 59, 0), wide.clone()));
    assert_eq!(Matrix::<f64>::try_from_fn(0, 1 << 59, |_, _| 1.0), Ok(wide.clone()));
    assert_eq!(wide.map(|x| x + 1.0), wide);
    assert_eq!(wide.to_string(), "(0×576460752303423488)");
    assert_eq!(format!("{wide:?}"), "Matrix 0×576460752303423488 []");
    assert_eq!(format!("{tall:?}"), "Matrix 576460752303423488×0 [[], [], [], [], …, [], [], []]");
    assert_eq!(wide.select_columns(&[7, 1]), Matrix::zeros(0, 2));
}

#[test]
fn a_value_for_which_there_is_no_room_is_told_with_its_place() {
    let tape = Tape::<f64>::new();
    let x = tape.examples_unbound("X", 3_000_000);
    let square = x.matmul(x.t()).named("S");
    let wide = tape.parameter("w", &Matrix::filled(1, 2, 1.0)).broadcast_to(Shape::new(1 << 59, 2));
    let text = "run: no memory for S (matmul), 3000000×3000000 (72000000000000 bytes), recorded at {place}";
    for options in ways() {
        let mut program = tape.compile_with([square.sum()], options).unwrap();
        program.bind(x, &Matrix::zeros(3_000_000, 0)).unwrap();
        assert_error(program.run(), text);
        let mut program = tape.compile_with([wide.sum()], options).unwrap();
        let error = program.run().unwrap_err().to_string();
        assert!(
            error.contains(
                "is 576460752303423488×2, more than fits the address space, recorded at tests/laws/abuse.rs:"
            ),
            "{error}"
        );
        assert!(program.peak_bytes(1) >= 1 << 62);
    }
    // Without an example: the extents of the rows alone are too many.
    let huge = tape.examples_unbound("H", 1 << 40);
    let mut program = tape.compile([huge.matmul(huge.t())]).unwrap();
    program.bind(huge, &Matrix::zeros(1 << 40, 0)).unwrap();
    assert!(
        matches!(program.run(), Err(Error::TooLarge(value)) if value.bytes.is_none() && value.rows == 1 << 40)
    );
}

#[test]
fn more_threads_than_work_together_are_refused() {
    for threads in [Threads::MOST + 1, 65_536, 1_000_000, usize::MAX] {
        let begin = std::time::Instant::now();
        let error = Threads::new(threads).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("threads: {threads} are not to be had: at most 1024 work together")
        );
        assert!(begin.elapsed().as_secs() < 5, "refused at once");
    }
}

/// An operation that says that it is more work than there is.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Endless;

impl Operation<f64> for Endless {
    fn name(&self) -> Cow<'_, str> {
        "endless".into()
    }
    fn shape(&self, operands: &[Shape]) -> std::result::Result<Shape, Mismatch> {
        Ok(operands[0])
    }
    fn eval(&self, x: &Operands<'_, f64>, out: &mut MatrixMut<'_, f64>) -> std::result::Result<(), Fault> {
        out.as_mut_slice().copy_from_slice(x.get(0).as_slice());
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, f64>) {
        at.contribute(0, |g| g);
    }
    fn is_columnwise(&self, _: &[Shape]) -> bool {
        true
    }
    fn flops(&self, _: &[(usize, usize)], _: (usize, usize)) -> u64 {
        u64::MAX
    }
}

#[test]
fn a_run_does_not_use_all_threads_that_it_may() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("X", &Matrix::from_fn(2, 3000, |i, j| (i + j) as f64));
    let y = tape.apply(Endless, [x]) * 2.0;
    let mut program = tape.compile_with([y], Options::default().threads(usize::MAX)).unwrap();
    assert!(program.threads(3000) <= Threads::MOST);
    match program.run() {
        Ok(()) => assert_eq!(program.view(y).unwrap().to_matrix(), x.value().unwrap().map(|x| 2.0 * x)),
        // Where the system has no more of them.
        Err(error) => assert!(matches!(error, Error::Threads { .. }), "{error}"),
    }
    assert_eq!(program.flops(usize::MAX), u64::MAX);
}

/// Functions of the user's that panic leave everything as it was.
#[test]
fn a_panic_of_the_users_leaves_no_results() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("x", &matrix![[1.0]]);
    let wary = Function::new("wary", |x: f64| if x > 5.0 { panic!("too much") } else { x });
    let (y, same) = (x.map(&wary), x.identity());
    let mut program = tape.compile([y, same]).unwrap();
    program.run().unwrap();
    program.bind(x, &matrix![[6.0]]).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| program.run())).is_err());
    assert_eq!((program.scalar(same), program.scalar(y)), (Err(Error::NotRun), Err(Error::NotRun)));
    program.bind(x, &matrix![[2.0]]).unwrap();
    program.run().unwrap();
    assert_eq!((program.scalar(same), program.scalar(y)), (Ok(2.0), Ok(2.0)));
}

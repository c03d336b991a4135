//! What becomes of nothing: no rows, no columns, no examples. Each method gives the right value and gradients of no
//! elements, or an error that names the method itself, when it is recorded or when it runs.

use tape::{Error, Matrix, Over, Scalar, Shape, Tape, Var};

/// What a method gives of nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Gives {
    /// These numbers, all the same.
    All(f64),
    /// An error that begins with this.
    Error(&'static str),
}

use Gives::{All, Error as Refused};

type Method<T> = (&'static str, for<'t> fn(Var<'t, T>) -> Var<'t, T>, Gives);

/// Methods over the rows; over the columns; over all elements.
fn methods<T: Scalar>(over: Over) -> Vec<Method<T>> {
    macro_rules! over {
        ($rows:expr, $columns:expr, $all:expr) => {
            match over {
                Over::Rows => $rows,
                Over::Columns => $columns,
                Over::All => $all,
            }
        };
    }
    macro_rules! method {
        ($name:ident) => {
            over!(|a| a.$name(Over::Rows), |a| a.$name(Over::Columns), |a| a.$name(Over::All))
        };
    }
    let mut methods: Vec<Method<T>> = vec![
        ("sum", method!(sum_over), All(0.0)),
        ("mean", method!(mean_over), Refused("mean: ")),
        ("max", method!(max_over), Refused(over!("max_rows: ", "max_columns: ", "max"))),
        ("min", method!(min_over), Refused(over!("min_rows: ", "min_columns: ", "min"))),
        ("max_norm", method!(max_norm_over), All(0.0)),
        ("norm", method!(norm_over), All(0.0)),
        ("log_sum_exp", method!(log_sum_exp_over), All(f64::NEG_INFINITY)),
        // Of no elements each is some number.
        ("softmax", method!(softmax_over), All(0.0)),
        ("log_softmax", method!(log_softmax_over), All(0.0)),
    ];
    let argmax: Method<T> = match over {
        Over::Rows => ("argmax", |a| a.argmax_over(Over::Rows), Refused("argmax_rows: ")),
        Over::Columns => ("argmax", |a| a.argmax_over(Over::Columns), Refused("argmax_columns: ")),
        Over::All => return methods,
    };
    methods.push(argmax);
    methods
}

/// Asserts what a method gives, with its derivatives of orders 1 and 2, of an operand that has no elements.
fn check<T: Scalar>((name, method, gives): Method<T>, tape: &Tape<T>, a: Var<'_, T>) {
    let what = || format!("{name} of {} ({})", a.shape().unwrap(), T::NAME);
    let y = method(a);
    let first = |y: Var<'_, T>| -> Result<Matrix<T>, Error> {
        let a = tape.var(a.id()?)?;
        let d = y.sin().sum().gradients_or_zeros([a])[0];
        let dd = (d.square().sum() + d.sum()).gradients_or_zeros([a])[0];
        dd.value()?;
        d.value()
    };
    match (gives, y.value()) {
        (All(expected), value) => {
            let value = value.unwrap_or_else(|error| panic!("{}: {error}", what()));
            assert!(value.iter().all(|y| y.to_f64() == expected), "{}: {value}", what());
            // What depends on nothing does not move.
            let derivative = first(y).unwrap_or_else(|error| panic!("{}: {error}", what()));
            assert!(derivative.as_slice().is_empty(), "{}: {derivative}", what());
        }
        (Refused(_), Ok(value)) => assert!(value.as_slice().is_empty(), "{}: {value}", what()),
        (Refused(begins), Err(error)) => {
            // 1/m that the user wrote and 1/m of a mean are the same entry.
            let of_no_examples = matches!(error, Error::EmptyBatch { .. });
            assert!(of_no_examples || error.to_string().starts_with(begins), "{}: {error}", what());
        }
    }
}

#[test]
fn reductions_of_nothing() {
    fn check_all<T: Scalar>() {
        for over in [Over::Rows, Over::Columns, Over::All] {
            for method in methods::<T>(over) {
                for (rows, columns) in [(0, 3), (3, 0), (0, 0), (0, 1), (1, 0)] {
                    let tape = Tape::new();
                    let fixed = tape.parameter("A", &Matrix::zeros(rows, columns));
                    check(method, &tape, fixed);
                    let tape = Tape::new();
                    check(method, &tape, tape.examples("A", &Matrix::zeros(rows, columns)));
                }
            }
        }
    }
    check_all::<f64>();
    check_all::<f32>();
}

/// The same program on some examples, on none, and on some again.
#[test]
fn norms_of_no_examples() {
    fn check<T: Scalar>() {
        let tape = Tape::<T>::new();
        let x = tape.examples_unbound("X", 2);
        let w = tape.parameter("w", &Matrix::filled(2, 1, T::ONE));
        let norms = (x * w).norm_over(Over::Columns);
        let j = norms.sum();
        let [dw] = j.gradients([w]);
        let [second] = dw.sum().gradients([w]);
        let mut program = tape.compile([norms, dw, second]).unwrap();
        let some = Matrix::from_vec(2, 2, [3.0, -1.0, 4.0, 0.0].map(T::from_f64).to_vec()).unwrap();
        for (value, expected) in
            [(&some, [5.0, 1.0]), (&Matrix::zeros(2, 0), [0.0, 0.0]), (&some, [5.0, 1.0])]
        {
            program.bind(x, value).unwrap();
            program.run().unwrap();
            let read = |v| {
                program.view(v).unwrap().as_slice().iter().map(|&x| Scalar::to_f64(x)).collect::<Vec<f64>>()
            };
            for (found, expected) in [(norms, expected), (dw, expected), (second, [0.0; 2])] {
                let off =
                    read(found).into_iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(off <= 8.0 * Scalar::to_f64(T::EPSILON), "{found:?}: {:?}", read(found));
            }
        }
    }
    check::<f64>();
    check::<f32>();
}

/// What is made of other methods names itself, whatever has nothing.
#[test]
fn derived_methods_of_nothing() {
    let tape = Tape::<f64>::new();
    let none = |rows: usize, columns: usize| tape.parameter_unbound("A", Shape::new(rows, columns));
    let values = |v: Var<'_, f64>| v.value().unwrap().as_slice().to_vec();
    let nothing = tape.parameter("A", &Matrix::zeros(0, 0));
    assert_eq!(values(nothing.trace()), [0.0]);
    assert_eq!(values(nothing.log_det()), [0.0], "the determinant of nothing is 1");
    assert!(values(nothing.inverse()).is_empty() && values(nothing.cholesky()).is_empty());
    let column = tape.parameter("a", &Matrix::zeros(0, 1));
    assert_eq!(values(column.dot(column)), [0.0]);
    let told = |v: Var<'_, f64>| v.sound().unwrap_err().to_string();
    for (v, begins) in [
        (none(0, 3).mean_of_blocks(), "mean_of_blocks: "),
        (none(0, 3).max_of_blocks(), "max_of_blocks: "),
        (none(0, 3).softmax_of_blocks(), "softmax_of_blocks: "),
        (none(0, 3).sum_of_blocks(), "sum_of_blocks: "),
        (none(0, 3).repeat_columns(0), "repeat_columns: "),
    ] {
        assert!(told(v).starts_with(begins), "{}", told(v));
    }
}

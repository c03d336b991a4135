//! What an oracle cannot tell, it says, with the place.

use tape::check::oracle::{Definitions, Error, Grid, Number, Oracle, Refusal};
use tape::{Dim, Function, Matrix, Over, Shape, Tape, matrix};

fn message<V>(result: Result<V, Error>) -> String {
    match result {
        Ok(_) => panic!("it is told"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn complex_steps_refuse_what_branches() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &matrix![[0.5, -2.0]]);
    let one = matrix![[1.0, 1.0]];
    let step = |y| Oracle::new().complex_step(y, &[(x, &one)]);
    for y in [
        x.abs(),
        x.relu(),
        x.leaky_relu(0.1),
        x.elu(1.0),
        x.sign(),
        x.clamp(-1.0, 1.0),
        x.max(),
        x.maximum(0.0),
        x.minimum(0.0),
        x.greater(0.0),
        x.equal(0.5),
        x.argmax_over(Over::Columns),
    ] {
        match step(y) {
            Err(Error::Refused { reason: Refusal::NotAnalytic, .. }) => {}
            other => panic!("{}: {other:?}", y.label()),
        }
    }
    // What does not move may be compared.
    let mask = tape.constant("mask", &matrix![[1.0, 0.0]]);
    let found = step(mask.greater(0.5).select(x.sin(), x.exp())).unwrap();
    assert_eq!(found[(0, 0)], 0.5_f64.cos());
    assert!((found[(0, 1)] - (-2.0_f64).exp()).abs() < 1e-16);
    assert_eq!(step(x.stop_gradient()).unwrap().as_slice(), [0.0, 0.0]);
}

#[test]
fn directions_and_bindings_have_to_fit() {
    let (tape, other) = (Tape::<f64>::new(), Tape::<f64>::new());
    let x = tape.examples("x", &matrix![[1.0, 2.0, 3.0]]);
    let y = tape.examples_unbound("y", 2);
    let foreign = other.parameter("f", &matrix![[1.0]]);
    let j = x.square().sum();
    let oracle = Oracle::new();
    let wide = Matrix::filled(1, 2, 1.0);
    assert_eq!(
        message(oracle.derivative::<f64>(j, &[(x, &wide)])),
        "oracle: x is 1×3, the matrix given for it 1×2"
    );
    assert_eq!(message(oracle.gradient::<f64>(j, foreign)), "oracle: f belongs to another tape");
    assert!(
        message(oracle.gradient::<f64>(x, x))
            .starts_with("oracle: x is 1×3, and a gradient is of a 1×1 entry")
    );
    assert_eq!(
        message(oracle.clone().bind(j, &wide)),
        "oracle: %3 (sum_columns) is no leaf, and cannot be bound"
    );
    assert_eq!(message(oracle.clone().bind(y, &wide)), "oracle: y is 2×2, the matrix given for it 1×2");
    // Two leaves with different numbers of examples.
    let two = oracle.clone().bind(y, &Matrix::filled(2, 2, 1.0)).unwrap();
    assert_eq!(
        message(two.value::<f64>(x + y.sum_over(Over::Rows))),
        "oracle: x is 1×2, the matrix given for it 1×3"
    );
    assert_eq!(message(oracle.value::<f64>(y)), "oracle: y has no value");
    assert!(message(oracle.value::<f64>(x.matmul(x))).contains("inner dimensions differ"));
    assert!(message(oracle.values::<f64>(&[x, foreign])).contains("another tape"));
}

#[test]
fn an_operation_without_a_value_says_so() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("A", &matrix![[1.0, 2.0], [2.0, 4.0]]);
    let x = tape.examples("x", &matrix![[1.0, 2.0]]);
    let i = tape.indices("i", 1, &[0, 5]);
    let oracle = Oracle::new();
    assert!(message(oracle.value::<f64>(a.solve(a))).ends_with("the matrix is singular: pivot 1"));
    assert!(message(oracle.value::<f64>(a.log_det())).ends_with("the matrix is singular: pivot 1"));
    assert!(
        message(oracle.value::<f64>((a - 2.0).cholesky()))
            .ends_with("the matrix is not positive definite: pivot 0")
    );
    assert!(message(oracle.value::<f64>(a.gather(i))).ends_with("the index 5 names none of 2 columns"));
    assert!(
        message(oracle.value::<f64>(x.columns(1..4))).ends_with("the range ends at 4, there are 2 examples")
    );
    let none = oracle.bind(x, &Matrix::zeros(1, 0)).unwrap();
    assert!(message(none.value::<f64>(x.max())).ends_with("nothing has no maximum"));
    assert!(message(none.value::<f64>(x.mean())).ends_with("1/m of m = 0 examples"));
}

#[test]
fn what_is_not_defined_is_named() {
    struct Wide;
    impl Definitions for Wide {
        fn operation<N: Number>(&self, _: &str, _: &[&Grid<N>]) -> Option<Grid<N>> {
            Some(Grid::new(1, 1, |_, _| N::of(0.0)))
        }
    }
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &matrix![[1.0, 2.0]]);
    let own = x.map(&Function::new("own", |x: f64| x));
    assert_eq!(message(Oracle::new().value::<f64>(own)), "oracle: %1 (own) needs own, which is not defined");
    let reversed = tape.apply(crate::support::graphs::Reversed, [x]);
    assert_eq!(
        message(Oracle::new().value::<f64>(reversed)),
        "oracle: %2 (reversed) needs reversed, which is not defined"
    );
    assert_eq!(
        message(Oracle::new().definitions(Wide).value::<f64>(reversed)),
        "oracle: %2 (reversed) is 1×2, its definition gave 1×1"
    );
    let square = tape.parameter_unbound("s", Shape::new(Dim::M, Dim::M));
    let bound = Oracle::new().bind(square, &matrix![[1.0, 2.0], [3.0, 4.0]]).unwrap();
    assert_eq!(bound.value::<f64>(square.t()).unwrap().values(), matrix![[1.0, 3.0], [2.0, 4.0]]);
}

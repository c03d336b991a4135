//! Gradients of what is closed under rational arithmetic, compared with `==`.

use std::borrow::Cow;

use tape::check::Random;
use tape::check::oracle::{Definitions, Grid, Number, Oracle, Rational};
use tape::{
    Dim, Error, Fault, Matrix, MatrixMut, Mismatch, Operands, Operation, Over, Scalar, Shape, Tape, Var, Vjp,
};

/// Whole numbers and halves: exact, and no kink is far.
fn values(random: &mut Random, rows: usize, columns: usize) -> Matrix<f64> {
    Matrix::from_fn(rows, columns, |_, _| random.below(17) as f64 * 0.5 - 4.0)
}

/// Records a random list of exact operations on the leaves; the last is 1 × 1.
fn recorded<'t>(tape: &'t Tape<f64>, random: &mut Random) -> (Vec<Var<'t, f64>>, Var<'t, f64>) {
    let (n, m) = (1 + random.below(3), 1 + random.below(3));
    let x = tape.examples("X", &values(random, n, m));
    let w = tape.parameter("W", &values(random, n, n));
    let b = tape.parameter("b", &values(random, n, 1));
    let leaves = vec![x, w, b];
    let mut pool = vec![x, w.matmul(x) + b];
    for _ in 0..2 + random.below(8) {
        let a = pool[random.below(pool.len())];
        let c = pool[random.below(pool.len())];
        let overs = [Over::Rows, Over::Columns, Over::All];
        let over = overs[random.below(3)];
        let shape = a.shape().unwrap();
        let made = match random.below(19) {
            0 => a + c,
            1 => a - c * 0.5,
            2 => a * c,
            3 => a / (c.square() + 1.0),
            4 => a.square() - a,
            5 => a.relu() * c,
            6 => a.leaky_relu(0.25) + a.abs(),
            7 => a.maximum(c) - a.minimum(b),
            8 => (a.max_over(over) - a) * a,
            9 => a.mean_over(over) * a,
            10 => a.greater(c).select(a * a, c),
            11 => w.matmul(a),
            12 => a.matmul(a.t().matmul(a)) * 0.125,
            13 => tape.stack_rows(&[a, c]).rows(n / 2..n / 2 + n),
            14 => a.clamp(-1.5, 2.0) * a,
            15 => a.powi(3) + a.powi(-2) * 0.0,
            16 => a.cumulative_sum() - a.rows_at(&vec![0; n]),
            17 => (w + tape.identity(n) * 20.0).solve(a),
            _ => a.stop_gradient() * a,
        };
        // What a power of 0 has no value for is not kept.
        pool.push(if made.shape().unwrap() == shape { made } else { made.broadcast_to(shape) });
    }
    let last = pool[pool.len() - 1];
    (leaves, (last * pool[pool.len() / 2]).mean() + (w * w).sum())
}

#[test]
fn recorded_gradients_are_the_derivatives_digit_for_digit() {
    let (mut compared, mut second_orders, mut without) = (0, 0, 0);
    for seed in 0..150 {
        let mut random = Random::new(seed);
        let tape = Tape::new();
        let (leaves, j) = recorded(&tape, &mut random);
        let oracle = Oracle::new();
        if oracle.value::<Rational>(j).is_err() {
            without += 1; // a quotient by 0
            continue;
        }
        for &leaf in &leaves {
            let [gradient] = j.gradients_or_zeros([leaf]);
            let (found, expected) = match oracle.value::<Rational>(gradient) {
                Ok(found) => (found, oracle.gradient::<Rational>(j, leaf).unwrap()),
                Err(_) => continue,
            };
            assert_eq!(found, expected, "seed {seed}: ∂J/∂{}\n{tape}", leaf.label());
            compared += found.as_slice().len();
            // The derivative of the gradient along a direction, recorded and by hyper-dual numbers.
            let direction = values(&mut random, found.rows(), found.columns());
            let v = tape.parameter_unbound("v", leaf.shape().unwrap());
            let along = (gradient * v).sum();
            let [second] = along.gradients_or_zeros([leaf]);
            let [one, column] = [(0, 0), (found.rows() - 1, found.columns() - 1)].map(|place| {
                let unit = Matrix::from_fn(found.rows(), found.columns(), |i, j| f64::from((i, j) == place));
                oracle.second::<Rational>(j, &[(leaf, &direction)], &[(leaf, &unit)]).unwrap()[(0, 0)].clone()
            });
            let bound = oracle.clone().bind(v, &direction).unwrap();
            let second = bound.value::<Rational>(second).unwrap();
            let last = (found.rows() - 1, found.columns() - 1);
            assert_eq!(
                (&second[(0, 0)], &second[last]),
                (&one, &column),
                "seed {seed}: order 2 of {}",
                leaf.label()
            );
            second_orders += 2;
        }
    }
    println!(
        "{compared} derivatives and {second_orders} second ones are equal; {without} tapes have a quotient by 0"
    );
    assert!(compared > 1000 && second_orders > 400 && without < 40);
}

/// a³ elementwise, with a derivative that is right or not.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Cube {
    factor: u8,
}

impl<T: Scalar> Operation<T> for Cube {
    fn name(&self) -> Cow<'_, str> {
        "cube".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0])
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        out.as_mut_slice().iter_mut().zip(x.get(0).as_slice()).for_each(|(out, &a)| *out = a * a * a);
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let [a] = at.operands();
        at.contribute(0, |g| g * a.square() * T::from_f64(self.factor.into()));
    }
}

struct Defined;

impl Definitions for Defined {
    fn operation<N: Number>(&self, name: &str, x: &[&Grid<N>]) -> Option<Grid<N>> {
        (name == "cube").then(|| x[0].map(|a| a.clone() * a.clone() * a.clone()))
    }
}

#[test]
fn a_wrong_rule_of_the_user_is_told_from_a_right_one() -> Result<(), Error> {
    for (factor, is_right) in [(3, true), (2, false), (4, false)] {
        let tape = Tape::<f64>::new();
        let x = tape.parameter("x", &tape::matrix![[0.5, -1.25], [3.0, 0.1]]);
        let j = tape.apply(Cube { factor }, [x.square() - 1.0]).sum();
        let [dx] = j.gradients([x]);
        let oracle = Oracle::new().definitions(Defined);
        let exact = oracle.value::<Rational>(dx).unwrap() == oracle.gradient::<Rational>(j, x).unwrap();
        assert_eq!(exact, is_right, "factor {factor}");
        let by_dual_numbers = oracle.gradient::<f64>(j, x).unwrap().values();
        let recorded = dx.value()?;
        let off = recorded.iter().zip(by_dual_numbers.iter()).map(|(a, b)| (a - b).abs() / b.abs());
        let off = off.fold(0.0, f64::max);
        assert!(if is_right { off < 1e-12 } else { off > 0.1 }, "factor {factor}: {off:e}");
    }
    Ok(())
}

#[test]
fn rationals_refuse_what_is_not_rational() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &tape::matrix![[0.0, 2.0]]);
    let y = tape.parameter_unbound("y", Shape::new(1, 2));
    let oracle = Oracle::new();
    let message = |v: Var<'_, f64>| oracle.value::<Rational>(v).unwrap_err().to_string();
    assert!(message(x.sqrt()).ends_with(
        "sqrt, has no value in these numbers at row 0, column 0: its value is no rational number"
    ));
    assert!(
        message(x.reciprocal())
            .ends_with("divide, has no value in these numbers at row 0, column 0: it divides by 0")
    );
    assert!(message(x * f64::INFINITY).ends_with("its value is not finite"));
    assert_eq!(message(x + y), "oracle: y has no value");
    assert_eq!(oracle.value::<Rational>(x.powf(2.0)).unwrap()[(0, 1)], Rational::new(4, 1));
    assert!(message(x.powf(0.5)).contains("no rational number"));
    let by_m = tape.examples_unbound("e", 1) * tape.one_over_m();
    assert!(message(by_m).starts_with("oracle: e has no value"), "{}", message(by_m));
    assert!(
        message(tape.identity(Dim::M)).ends_with("depends on the number of examples, which is not known")
    );
}

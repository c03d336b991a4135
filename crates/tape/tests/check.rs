//! The gradient checker: right derivatives pass with room to spare, and each kind of wrong one breaks its law.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};

use tape::check::{Broken, Check, Failure};
use tape::{
    Error, Fault, Function, Matrix, MatrixMut, Mismatch, Operands, Operation, Scalar, Shape, Var, Vjp, matrix,
};

/// How the product's rule is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Wrong {
    Nothing,
    Sign,
    Transpose,
    Factor,
    Forgotten,
    Nonlinear,
    Offset,
    Shape,
    Second,
    Unsteady,
}

/// A * B with a rule of one's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Product(Wrong);

static CALLS: AtomicU64 = AtomicU64::new(0);

impl<T: Scalar> Operation<T> for Product {
    fn name(&self) -> Cow<'_, str> {
        "product".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        match operands {
            [a, b] if a.columns == b.rows => Ok(Shape { rows: a.rows, columns: b.columns }),
            _ => Err(Mismatch::new("inner dimensions differ")),
        }
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let (a, b) = (x.get(0), x.get(1));
        let noise =
            if self.0 == Wrong::Unsteady { CALLS.fetch_add(1, Ordering::Relaxed) as f64 } else { 0.0 };
        for j in 0..b.columns() {
            for i in 0..a.rows() {
                let sum: T = (0..b.rows()).map(|k| a.column(k)[i] * b.column(j)[k]).sum();
                out.column_mut(j)[i] = sum + T::from_f64(noise);
            }
        }
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let [a, b] = at.operands();
        at.contribute(0, |g| {
            let right = g.matmul(b.t());
            match self.0 {
                Wrong::Sign => -right,
                Wrong::Transpose => g.matmul(b),
                Wrong::Factor => right * T::from_f64(0.5),
                Wrong::Nonlinear => (g * g.abs()).matmul(b.t()),
                Wrong::Offset => right + T::ONE,
                Wrong::Shape => right.sum_over(tape::Over::Rows).t(),
                // The value of the first derivative is right, but it does not move with B.
                Wrong::Second => g.matmul(at_rest(b).t()),
                Wrong::Nothing | Wrong::Forgotten | Wrong::Unsteady => right,
            }
        });
        if self.0 != Wrong::Forgotten {
            at.contribute(1, |g| a.t().matmul(g));
        }
    }
}

/// x, with derivative zero: 0 · [x > x] + x would still move, so it is rounded through a step function.
fn at_rest<'t, T: Scalar>(x: Var<'t, T>) -> Var<'t, T> {
    x.map(&Function::new("at_rest", |x| x).with_derivative(Function::new("nothing", |_| T::ZERO)))
}

fn check<T: Scalar>(wrong: Wrong) -> Result<tape::check::Summary, Failure> {
    let number = T::from_f64;
    let a = Matrix::from_fn(3, 3, |i, j| number(0.3 * i as f64 - 0.2 * j as f64 + 0.1));
    let b = Matrix::from_fn(3, 3, |i, j| number(0.5 - 0.4 * i as f64 + 0.3 * j as f64));
    Check::new().operation(&[a, b], |tape, x| tape.apply(Product(wrong), [x[0], x[1]]))
}

#[test]
fn a_right_operation_passes() {
    let summary = check::<f64>(Wrong::Nothing).unwrap();
    // The product is of second degree, so the quotient has no error but rounding: ε / h is 3e-13.
    assert!(summary.first_order < 1e-11 && summary.second_order < 1e-11, "{summary}");
    let summary = check::<f32>(Wrong::Nothing).unwrap();
    assert!(summary.first_order < 1e-4 && summary.second_order < 1e-4, "{summary}");
}

#[track_caller]
fn broken(wrong: Wrong) -> (Vec<Broken>, String) {
    let failure = check::<f64>(wrong).expect_err("the rule is wrong");
    let text = failure.to_string();
    (failure.broken, text)
}

#[test]
fn wrong_first_derivatives_differ_from_the_quotient() {
    for wrong in [Wrong::Sign, Wrong::Transpose, Wrong::Factor] {
        let (broken, text) = broken(wrong);
        let first = |b: &Broken| matches!(b, Broken::Derivative { order: 1, operand: 0, .. });
        assert!(broken.iter().any(first), "{wrong:?}: {text}");
        assert!(text.contains("the derivative with respect to operand 0 is "), "{text}");
        assert!(text.contains("differs from the difference quotient"), "{text}");
        assert!(
            !broken.iter().any(|b| matches!(b, Broken::Derivative { order: 1, operand: 1, .. })),
            "{text}"
        );
    }
}

#[test]
fn a_forgotten_operand_is_told() {
    let (_, text) = broken(Wrong::Forgotten);
    assert!(
        text.starts_with("gradients: product gives no derivative with respect to its operand 1"),
        "{text}"
    );
}

#[test]
fn a_gradient_of_another_shape_is_told() {
    let (_, text) = broken(Wrong::Shape);
    assert!(
        text.starts_with("product: its vjp gives 3×1 for operand 0, x0 is 3×3") || text.contains("vjp"),
        "{text}"
    );
}

#[test]
fn cotangents_have_to_enter_linearly() {
    let (found, text) = broken(Wrong::Nonlinear);
    assert!(found.contains(&Broken::NotHomogeneous { operand: 0 }), "{text}");
    assert!(found.iter().any(|b| matches!(b, Broken::NotAdditive { operand: 0, .. })), "{text}");
    let (found, text) = broken(Wrong::Offset);
    assert!(found.contains(&Broken::NotZero { operand: 0 }), "{text}");
    assert!(text.contains("a cotangent of zeros does not give zeros for operand 0"), "{text}");
}

#[test]
fn wrong_second_derivatives_differ_from_the_quotient() {
    let (found, text) = broken(Wrong::Second);
    assert!(found.iter().all(|b| matches!(b, Broken::Derivative { order: 2, .. })), "{text}");
    assert!(text.contains("the second derivative with respect to operand 1"), "{text}");
}

#[test]
fn an_unsteady_kernel_is_told() {
    let (found, text) = broken(Wrong::Unsteady);
    assert!(found.contains(&Broken::NotRepeatable), "{text}");
}

#[test]
fn ignored_broadcasting_is_a_mistake() {
    /// a + b, where b is a column that repeats, with a rule that forgets it.
    #[derive(Debug, PartialEq, Eq, Hash)]
    struct AddColumn;
    impl<T: Scalar> Operation<T> for AddColumn {
        fn name(&self) -> Cow<'_, str> {
            "add_column".into()
        }
        fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
            Ok(operands[0])
        }
        fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
            let (a, b) = (x.get(0), x.get(1));
            for j in 0..a.columns() {
                for (i, out) in out.column_mut(j).iter_mut().enumerate() {
                    *out = a.column(j)[i] + b.column(0)[i];
                }
            }
            Ok(())
        }
        fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
            at.contribute(0, |g| g);
            at.contribute(1, |g| g);
        }
    }
    let inputs = [matrix![[1.0, 2.0], [3.0, 4.0]], matrix![[0.5], [0.25]]];
    let failure = Check::new().operation(&inputs, |tape, x| tape.apply(AddColumn, [x[0], x[1]])).unwrap_err();
    let text = failure.to_string();
    assert!(text.starts_with("add_column: its vjp gives 2×2 for operand 1, x1 is 2×1, at "), "{text}");
}

#[test]
fn functions_of_ones_own() {
    let sine = Function::new("sine", f64::sin).with_derivative(
        Function::new("cosine", f64::cos).with_derivative(Function::new("minus sine", |x: f64| -x.sin())),
    );
    let summary = Check::new().function(&sine, &[-2.0, 0.0, 0.3, 5.0]).unwrap();
    assert!(summary.first_order < 1e-10 && summary.second_order < 1e-10, "{summary}");
    let without = Function::new("cosh", f64::cosh);
    let failure = Check::new().function(&without, &[0.5]).unwrap_err();
    assert!(matches!(failure.broken[..], [Broken::Failed(Error::MissingDerivative { .. })]), "{failure}");
}

#[test]
fn a_kink_is_told() {
    let failure = Check::new().order(1).function(&Function::<f64>::Relu, &[1e-5]).unwrap_err();
    assert!(failure.to_string().ends_with("it looks like a kink near the input"), "{failure}");
}

#[test]
fn whole_models_have_symmetric_hessians() {
    let inputs = [
        matrix![[0.2, -0.4], [0.3, 0.7]],
        matrix![[0.1], [0.2]],
        matrix![[1.0, 0.5, -2.0], [2.0, -1.0, 0.4]],
    ];
    let summary = Check::new()
        .seed(7)
        .directions(5)
        .scalar(&inputs, |_, x| (x[0].matmul(x[2]) + x[1]).tanh().square().sum())
        .unwrap();
    assert!(summary.symmetric < 1e-14 && summary.second_order < 1e-9, "{summary}");
    assert!(summary.to_string().contains("second derivative"));
}

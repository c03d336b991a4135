//! Values and derivatives where a random value says nothing.

use tape::{Matrix, Over, Scalar, Tape, Var};

use super::zeros;
use crate::support::message::assert_message;

fn value<T: Scalar>(variable: Var<'_, T>) -> Vec<f64> {
    variable.value().unwrap().cast::<f64>().as_slice().to_vec()
}

#[test]
fn the_greatest_entries_share_the_gradient() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("A", &tape::matrix![[2.0, 1.0, 2.0], [0.0, 2.0, -1.0]]);
    let [da] = a.max().gradients([a]);
    let third = 1.0 / 3.0;
    assert_eq!(value(da), [third, 0.0, 0.0, third, third, 0.0]);
    let [da] = a.max_over(Over::Columns).sum().gradients([a]);
    assert_eq!(value(da), [0.5, 0.0, 0.0, 1.0, 0.5, 0.0]);
    let [da] = a.max_over(Over::Rows).sum().gradients([a]);
    assert_eq!(value(da), [1.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
}

#[test]
fn the_greatest_of_no_examples_is_an_error() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("X", &Matrix::zeros(2, 0));
    for (over, name) in [(Over::Columns, "max_columns"), (Over::All, "max")] {
        assert_message(
            x.max_over(over).value().unwrap_err(),
            &format!("{name}: the maximum over m = 0 examples does not exist, recorded at {{place}}"),
        );
    }
    assert_eq!(x.max_over(Over::Rows).value().unwrap().shape(), (1, 0));
}

#[test]
fn sums_over_nothing() {
    let tape = Tape::<f64>::new();
    let (flat, thin) = (zeros(&tape, "flat", 0, 3), zeros(&tape, "thin", 3, 0));
    assert_eq!(value(flat.sum()), [0.0]);
    assert_eq!(value(flat.sum_over(Over::Rows)), [0.0; 3]);
    assert_eq!(value(thin.sum_over(Over::Columns)), [0.0; 3]);
    assert_eq!(value(thin.sum_over(Over::Rows)), [0.0; 0]);
    // ln 0
    assert_eq!(value(flat.log_sum_exp_over(Over::Rows)), [f64::NEG_INFINITY; 3]);
    assert_eq!(value(thin.log_sum_exp_over(Over::Columns)), [f64::NEG_INFINITY; 3]);
    assert_eq!(value(thin.log_sum_exp()), [f64::NEG_INFINITY]);
    assert_message(flat.mean().sound().unwrap_err(), "mean: a mean over nothing: flat is 0×3, at {place}");
    // An inner dimension of 0 makes a sum of nothing.
    assert_eq!(value(thin.matmul(flat)), [0.0; 9]);
}

#[test]
fn log_sum_exp_neither_overflows_nor_vanishes() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("A", &tape::matrix![[1000.0, -1000.0], [1000.0, -1000.0]]);
    let y = a.log_sum_exp_over(Over::Rows);
    assert_eq!(value(y), [1000.0 + std::f64::consts::LN_2, -1000.0 + std::f64::consts::LN_2]);
    let [da] = y.sum().gradients([a]);
    // exp(A − ln Σ exp A): the difference is ln 2, rounded at 1000.
    for slope in value(da) {
        assert!((slope - 0.5).abs() < 1e-13, "{slope}");
    }
}

/// 0 · ln 0 = 0 where the label says so, ∞ where the prediction is certain and wrong.
#[test]
fn log_loss_of_certain_predictions() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("A", &tape::matrix![[0.0, 1.0, 0.0, 1.0, 0.5]]);
    let y = tape.parameter("Y", &tape::matrix![[0.0, 1.0, 1.0, 0.0, 0.5]]);
    let expected = [0.0, 0.0, f64::INFINITY, f64::INFINITY, std::f64::consts::LN_2];
    assert_eq!(value(a.log_loss(y)), expected);
    let z = tape.parameter("Z", &tape::matrix![[-1e4, 1e4, -1e4, 1e4, 0.0]]);
    assert_eq!(value(z.log_loss_on_logits(y)), [0.0, 0.0, 1e4, 1e4, std::f64::consts::LN_2]);
    assert_eq!(value(z.sigmoid().log_loss(y)), [0.0, 0.0, 1e4, 1e4, std::f64::consts::LN_2]);
}

/// What is not chosen has no part in the value, and the gradient with respect to it is 0, even if it is NaN.
#[test]
fn what_a_mask_does_not_choose_takes_no_part() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &tape::matrix![[4.0, -4.0]]);
    let root = x.sqrt();
    let y = x.greater(0.0).select(root, x);
    assert_eq!(value(y), [2.0, -4.0]);
    let [droot] = y.sum().gradients([root]);
    assert_eq!(value(droot), [1.0, 0.0]);
    let [dx] = y.sum().gradients([x]);
    assert_eq!(value(dx)[0], 0.25);
}

/// Further down 0 · (1/√−4) is NaN, which no rewrite may hide: choosing before the function as well keeps it out.
#[test]
fn a_choice_before_the_function_keeps_nan_out_of_its_gradient() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &tape::matrix![[4.0, -4.0, 0.0]]);
    let positive = x.greater(0.0);
    let [dx] = positive.select(positive.select(x, 1.0).sqrt(), x).sum().gradients([x]);
    assert_eq!(value(dx), [0.25, 1.0, 1.0]);
    let [dx] = positive.select(x.sqrt(), x).sum().gradients([x]);
    assert!(value(dx)[1].is_nan());
}

/// A finite difference sees nothing of a jump: the derivative of a relation is the number 0, at the jump too.
#[test]
fn relations_have_derivative_zero_on_their_jumps() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &tape::matrix![[1.0, 2.0]]);
    let y = tape.parameter("y", &tape::matrix![[1.0, 3.0]]);
    assert_eq!(value(x.greater(y)), [0.0, 0.0]);
    assert_eq!(value(x.less(y)), [0.0, 1.0]);
    assert_eq!(value(x.equal(y)), [1.0, 0.0]);
    for relation in [x.greater(y), x.less(y), x.equal(y)] {
        let [dx, dy] = relation.sum().gradients([x, y]);
        assert_eq!((value(dx), value(dy)), (vec![0.0; 2], vec![0.0; 2]));
    }
}

/// Leaves of every kind are differentiated alike, and constants cannot be bound.
#[test]
fn leaves_of_every_kind() {
    use tape::LeafKind;
    for kind in [LeafKind::Parameter, LeafKind::Examples, LeafKind::Constant] {
        let tape = Tape::<f32>::new();
        let data = tape::matrix![[1.0, -2.0]];
        let leaf = match kind {
            LeafKind::Parameter => tape.parameter("L", &data),
            LeafKind::Examples => tape.examples("L", &data),
            LeafKind::Constant => tape.constant("L", &data),
            LeafKind::Noise(_) => unreachable!("see noise.rs"),
        };
        let [d] = leaf.square().sum().gradients([leaf]);
        assert_eq!(value(d), [2.0, -4.0]);
        let mut program = tape.compile([d]).unwrap();
        let bound = program.bind(leaf, &tape::matrix![[5.0, 6.0]]);
        assert_eq!(bound.is_ok(), matches!(kind, LeafKind::Parameter | LeafKind::Examples), "{kind:?}");
    }
}

/// Signed zeros keep their signs where IEEE 754 says so.
#[test]
fn signed_zeros() {
    let tape = Tape::<f64>::new();
    let zero = tape.parameter("zero", &tape::matrix![[-0.0]]);
    let sign = |v: Var<'_, f64>| value(v)[0].is_sign_negative();
    for odd in
        [zero.identity(), zero.sin(), zero.tanh(), zero.erf(), zero.sqrt(), zero.sign(), zero.leaky_relu(0.5)]
    {
        assert!(sign(odd), "{odd:?} of −0");
        assert_eq!(value(odd), [0.0]);
    }
    for positive in [zero.abs(), -zero, zero.square(), zero + 0.0, zero * -1.0] {
        assert!(!sign(positive), "{positive:?} of −0");
    }
    assert_eq!(value(zero.reciprocal()), [f64::NEG_INFINITY]);
    assert!(tape.scalar(0.0) != tape.scalar(-0.0), "0 and −0 are two numbers");
}

//! Operations with several outputs: one entry whose rows they are. Their laws are rows of the table in `operations/own.rs`.

use std::borrow::Cow;

use tape::check::Check;
use tape::{
    Dim, Error, Fault, Matrix, Mismatch, Operands, Output, Outputs, Over, Scalar, SeveralOutputs, SeveralVjp,
    Shape, Tape, Var, matrix,
};

use crate::operations::Polar;
use crate::support::message::assert_message;

#[test]
fn outputs_are_parts_of_one_entry() {
    let tape = Tape::<f64>::new();
    let (x, y) = (tape.examples_unbound("x", 2), tape.examples_unbound("y", 2));
    let [r, theta] = tape.apply_several(Polar, &[x, y]);
    assert_eq!(tape.len(), 5, "two leaves, the entry, its two parts");
    assert_eq!(tape.apply_several::<2>(Polar, &[x, y]), [r, theta], "the same entries");
    assert_eq!(tape.len(), 5);
    let of = r.entry().unwrap().operands().next().unwrap();
    assert_eq!(theta.entry().unwrap().operands().next().unwrap(), of);
    assert_eq!(of.shape(), Shape::new(4, Dim::M));
    assert_eq!(of.var().rows(0..2), r);
}

#[test]
fn equations_call_outputs_by_their_names() {
    let tape = Tape::<f64>::new();
    let (x, y) = (tape.examples_unbound("x", 1), tape.examples_unbound("y", 1));
    let [r, theta] = tape.apply_several(Polar, &[x, y]);
    let p = (r * theta.cos()).named("p");
    assert_eq!(p.equation().to_string(), "p = r(polar(x, y)) ⊙ cos(θ(polar(x, y)))");
    let c = tape.examples_unbound("c", 1);
    let [dx] = (c * p).sum().gradients([x]);
    // The cotangents of r and θ are found again in what the walk has padded.
    let equation = dx.equation().to_string();
    assert!(!equation.contains("pad") && !equation.contains("rows"), "{equation}");
    assert_eq!(
        equation,
        "∂ℒ/∂x = (c ⊙ cos(θ(polar(x, y))) ⊙ x) ⊘ r(polar(x, y)) − (c ⊙ r(polar(x, y)) ⊙ (−sin(θ(polar(x, y)))) ⊙ y) ⊘ (x ⊙ x + y ⊙ y)"
    );
    assert!(p.equation().latex().contains("polar"), "{}", p.equation().latex());
    // Other rows than an output's are shown as what they are.
    let entry = r.entry().unwrap().operands().next().unwrap().var();
    let rows = entry.rows(0..0).named("none");
    assert_eq!(rows.equation().to_string(), "none = rows[0..0](polar(x, y))");
}

/// A derivative that comes by other rows than the outputs' is the same.
#[test]
fn rows_across_outputs_have_their_derivatives() {
    let tape = Tape::<f64>::new();
    let (x, y) = (matrix![[1.0, 0.5], [2.0, 0.25]], matrix![[0.5, -1.0], [0.25, 3.0]]);
    let (x, y) = (tape.parameter("x", &x), tape.parameter("y", &y));
    let [r, theta] = tape.apply_several(Polar, &[x, y]);
    let entry = r.entry().unwrap().operands().next().unwrap().var();
    let across = entry.rows(1..3).sin();
    let apart = tape.stack_rows(&[r.rows(1..2), theta.rows(0..1)]).sin();
    let gradients = |v: Var<'_, f64>| {
        let [dx, dy] = v.sum().gradients([x, y]);
        let [ddx] = (dx.square() * dy).sum().gradients([x]);
        [dx, dy, ddx].map(|g| g.value().unwrap())
    };
    for (found, expected) in gradients(across).iter().zip(&gradients(apart)) {
        for (found, expected) in found.iter().zip(expected.iter()) {
            assert!((found - expected).abs() <= 1e-14, "{found} is not {expected}");
        }
    }
}

/// What is wrong with outputs, an operation a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Wrong {
    None,
    OtherColumns,
    RowsOfExamples,
    TooManyRows,
    Silent,
    Lies,
}

impl<T: Scalar> SeveralOutputs<T> for Wrong {
    fn name(&self) -> Cow<'_, str> {
        format!("wrong_{self:?}").to_lowercase().into()
    }
    fn outputs(&self, operands: &[Shape]) -> Result<Vec<Output>, Mismatch> {
        let (a, same) = (operands[0], Output::new("a", operands[0]));
        Ok(match self {
            Wrong::None => vec![],
            Wrong::OtherColumns => vec![same, Output::new("b", Shape::SCALAR)],
            Wrong::RowsOfExamples => vec![same, Output::new("b", a.transposed())],
            Wrong::TooManyRows => vec![same, Output::new("b", Shape { rows: usize::MAX.into(), ..a })],
            Wrong::Silent | Wrong::Lies => vec![same.clone(), same],
        })
    }
    /// Two times the column and, though it says that it is columnwise, the sum of all columns.
    fn eval(&self, operands: &Operands<'_, T>, out: &mut Outputs<'_, '_, T>) -> Result<(), Fault> {
        let a = operands.get(0);
        for j in 0..out.columns() {
            let [first, second] = out.column_mut(j);
            for i in 0..a.rows() {
                first[i] = a[(i, j)] + a[(i, j)];
                second[i] = (0..a.columns()).map(|k| a[(i, k)]).sum();
            }
        }
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut SeveralVjp<'_, '_, 't, T>) {
        if *self != Wrong::Silent {
            let shape = at.operand(0).shape().expect("a sound operand");
            at.contribute(0, |[of_first, of_second]| {
                of_first + of_first + of_second.sum_over(Over::Columns).broadcast_to(shape)
            });
        }
    }
    fn is_columnwise(&self, _: &[Shape]) -> bool {
        true
    }
}

#[test]
fn what_is_wrong_with_outputs_is_told() {
    let tape = Tape::<f64>::new();
    let x = tape.examples_unbound("x", 2);
    let told = |wrong: Wrong| tape.apply_several::<2>(wrong, &[x])[1].sound().unwrap_err();
    assert_message(told(Wrong::None), "wrong_none: has no outputs: x is 2×m, at {place}");
    assert_message(
        told(Wrong::OtherColumns),
        "wrong_othercolumns: output b has 1 columns, the first one m: outputs are rows of one entry: x is 2×m, at {place}",
    );
    assert_message(
        told(Wrong::RowsOfExamples),
        "wrong_rowsofexamples: output b has m rows, and no fixed number: x is 2×m, at {place}",
    );
    assert_message(told(Wrong::TooManyRows), "wrong_toomanyrows: has too many rows: x is 2×m, at {place}");
    let [.., third] = tape.apply_several::<3>(Wrong::Lies, &[x]);
    assert_message(third.sound().unwrap_err(), "wrong_lies: has 2 outputs, not 3, at {place}");
    // A void operand and one of another tape.
    let void = x.rows(1..9);
    assert_eq!(tape.apply_several::<2>(Wrong::Lies, &[void])[0].sound(), void.sound());
    let other = Tape::<f64>::new();
    let foreign = other.apply_several::<2>(Wrong::Lies, &[x])[1].sound().unwrap_err();
    assert_message(foreign, "wrong_lies: x belongs to another tape, at {place}");
    // A derivative that is not given.
    let [first, _] = tape.apply_several(Wrong::Silent, &[x]);
    let missing = first.sum().gradients([x])[0].sound().unwrap_err();
    assert!(matches!(missing, Error::MissingDerivative { operand: 0, .. }), "{missing}");
}

#[test]
fn outputs_that_deny_that_they_mix_columns_are_found() {
    let inputs = [Matrix::from_fn(2, 3, |i, j| (i + 2 * j + 1) as f64)];
    let failure = Check::new()
        .operation(&inputs, |tape, x| tape.apply_several::<2>(Wrong::Lies, x)[1])
        .unwrap_err()
        .to_string();
    assert!(failure.contains("columnwise: wrong_lies gives "), "{failure}");
}

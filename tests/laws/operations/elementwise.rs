//! A row for each elementwise operation of two operands.

use tape::{Scalar, Tape, Var, Zip};

use super::{Bad, REAL, Row, SIZES, bad, batch, zeros};
use crate::support::laws::{Domain, case};
use crate::support::reference;

pub(super) fn zip_row<T: Scalar>(kind: Zip) -> Row<T> {
    let elementwise = |name: &'static str,
                       [a, b]: [Domain; 2],
                       record: for<'t> fn(Var<'t, T>, Var<'t, T>) -> Var<'t, T>,
                       value: fn(f64, f64) -> f64| {
        Row::new(&SIZES, move |size| {
            let mut pairs = Vec::new();
            for left in size.repeating() {
                for right in size.repeating() {
                    pairs.push((left, right));
                }
            }
            pairs
                .into_iter()
                .map(|(left, right)| {
                    case(name)
                        .input("A", left, a)
                        .input("B", right, b)
                        .records(name, move |_, x| record(x[0], x[1]))
                        .gives(left.broadcast(right).expect("shapes that repeat"), move |x| {
                            reference::zip(&x[0], &x[1], value)
                        })
                        .with_special_values()
                })
                .collect()
        })
        .rejects(wrong_pairs(name, record))
    };
    match kind {
        Zip::Add => elementwise("add", [REAL, REAL], |a, b| a + b, |a, b| a + b),
        Zip::Subtract => elementwise("subtract", [REAL, REAL], |a, b| a - b, |a, b| a - b),
        Zip::Multiply => elementwise("multiply", [REAL, REAL], |a, b| a * b, |a, b| a * b),
        Zip::Divide => elementwise("divide", [REAL, Domain::Between(0.5, 2.0)], |a, b| a / b, |a, b| a / b),
        Zip::Power => elementwise("power", [Domain::Between(0.5, 2.0), REAL], |a, b| a.pow(b), f64::powf),
        Zip::Greater => elementwise(
            "greater",
            [Domain::Grid(0.0), Domain::Grid(0.125)],
            |a, b| a.greater(b),
            |a, b| relation(a, b, a > b),
        ),
        Zip::Equal => elementwise(
            "equal",
            [Domain::Grid(0.0), Domain::Grid(0.125)],
            |a, b| a.equal(b),
            |a, b| relation(a, b, a == b),
        ),
        Zip::Maximum => elementwise(
            "maximum",
            [Domain::Grid(0.0), Domain::Grid(0.125)],
            |a, b| a.maximum(b),
            |a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) },
        ),
        Zip::Minimum => elementwise(
            "minimum",
            [Domain::Grid(0.0), Domain::Grid(0.125)],
            |a, b| a.minimum(b),
            |a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) },
        ),
        Zip::Atan2 => elementwise("atan2", [REAL, Domain::Between(0.5, 2.0)], |a, b| a.atan2(b), f64::atan2),
    }
}

/// 1 or 0, and NaN where an operand is.
fn relation(a: f64, b: f64, holds: bool) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { f64::from(u8::from(holds)) }
}

fn wrong_pairs<T: Scalar>(
    name: &'static str,
    record: for<'t> fn(Var<'t, T>, Var<'t, T>) -> Var<'t, T>,
) -> Vec<Bad<T>> {
    type Leaves<T> = fn(&Tape<T>) -> [Var<'_, T>; 2];
    let pairs: [(&str, Leaves<T>); 3] = [
        ("A is 2×3, B is 2×4", |tape| [zeros(tape, "A", 2, 3), zeros(tape, "B", 2, 4)]),
        ("A is 2×m, B is 3×m", |tape| [batch(tape, "A", 2), batch(tape, "B", 3)]),
        ("A is 2×m, B is 2×3", |tape| [batch(tape, "A", 2), zeros(tape, "B", 2, 3)]),
    ];
    pairs
        .into_iter()
        .map(|(shapes, leaves)| {
            let text = format!("{name}: shapes do not go together elementwise: {shapes}, at {{place}}");
            bad(text.leak(), move |tape| {
                let [a, b] = leaves(tape);
                record(a, b)
            })
        })
        .collect()
}

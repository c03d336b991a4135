//! Steps of a user's own operations, one of which has faults of its own; and what they compute, for the interpreter.

use std::borrow::Cow;
use std::cell::Cell;
use std::cmp::Ordering;

use tape::check::oracle::{Definitions, Grid, Number};
use tape::check::strategies::{Step, Steps};
use tape::{
    Contraction, Fault, Function, MatrixMut, Mismatch, Operands, Operation, Options, Output, Outputs, Scalar,
    SeveralOutputs, SeveralVjp, Shape, Vjp, num, step,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mine;

impl Steps for Mine {
    fn list<T: Scalar>() -> Vec<Step<T>> {
        vec![
            step!("bump", |tape, a| a.map(&bump())),
            step!("reversed", |tape, a| tape.apply(Reversed, [a])),
            step!("shifted", |tape, a| tape.apply(Shifted { back: false }, [a])),
            step!("row_dots", |tape, a, b| tape.apply(RowDots, [a.tanh(), b.tanh()]).tanh()),
            step!("picky", |tape, a| tape.apply(Picky, [a])),
            step!("picky_of_a_sum", |tape, a, b| tape.apply(Picky, [(a.tanh() + b.sigmoid()) * num(1.125)])),
            step!("both", |tape, a, b| {
                let [sum, product] = tape.apply_several(SumAndProduct, &[a.tanh(), b.tanh()]);
                sum.sin() - product
            }),
        ]
    }
}

/// x/(1 + x²), and its derivatives as far as second ones need them.
pub(crate) fn bump<T: Scalar>() -> Function<T> {
    let q = |x: T| T::ONE + x * x;
    let slope = move |x: T| (T::ONE - x * x) / (q(x) * q(x));
    let second = move |x: T| T::from_f64(2.0) * x * (x * x - T::from_f64(3.0)) / (q(x) * q(x) * q(x));
    let second = Function::new("bump″", second);
    Function::new("bump", move |x: T| x / q(x))
        .with_derivative(Function::new("bump′", slope).with_derivative(second))
}

/// The rows in reverse order, column by column.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Reversed;

impl<T: Scalar> Operation<T> for Reversed {
    fn name(&self) -> Cow<'_, str> {
        "reversed".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        match operands[0].rows.depends_on_m() {
            true => Err(Mismatch::new("the rows depend on m")),
            false => Ok(operands[0]),
        }
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let a = x.get(0);
        for j in 0..a.columns() {
            out.column_mut(j).iter_mut().zip(a.column(j).iter().rev()).for_each(|(out, &a)| *out = a);
        }
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        at.contribute(0, |g| g.tape().apply(Reversed, [g]));
    }
    fn is_columnwise(&self, _: &[Shape]) -> bool {
        true
    }
}

/// Every column at the next place, the last one at the first: what needs all columns at once.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Shifted {
    back: bool,
}

impl<T: Scalar> Operation<T> for Shifted {
    fn name(&self) -> Cow<'_, str> {
        if self.back { "shifted back" } else { "shifted" }.into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0])
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let (a, columns) = (x.get(0), x.get(0).columns());
        for j in 0..columns {
            let from = if self.back { j + 1 } else { j + columns - 1 };
            out.column_mut(j).copy_from_slice(a.column(from % columns));
        }
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        at.contribute(0, |g| g.tape().apply(Shifted { back: !self.back }, [g]));
    }
}

/// Σᵢ a⁽ⁱ⁾ ⊙ b⁽ⁱ⁾, n × 1.
#[derive(Debug, PartialEq, Eq, Hash)]
struct RowDots;

impl<T: Scalar> Operation<T> for RowDots {
    fn name(&self) -> Cow<'_, str> {
        "row_dots".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        match operands {
            [a, b] if a == b && !a.rows.depends_on_m() => Ok(Shape { columns: 1.into(), ..*a }),
            _ => Err(Mismatch::new("takes two matrices of one shape")),
        }
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        self.accumulate(x, T::ONE, true, out);
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let [a, b] = at.operands();
        at.contribute(0, |g| g * b);
        at.contribute(1, |g| g * a);
    }
    fn contraction(&self) -> Option<&dyn Contraction<T>> {
        Some(self)
    }
}

impl<T: Scalar> Contraction<T> for RowDots {
    fn accumulate(&self, x: &Operands<'_, T>, alpha: T, begins: bool, out: &mut MatrixMut<'_, T>) {
        let (a, b) = (x.get(0), x.get(1));
        if begins {
            out.as_mut_slice().fill(T::ZERO);
        }
        for first in (0..a.columns()).step_by(Options::CHUNK) {
            for (i, out) in out.as_mut_slice().iter_mut().enumerate() {
                let chunk = first..a.columns().min(first + Options::CHUNK);
                let sum: T = chunk.map(|j| a[(i, j)] * b[(i, j)]).sum();
                *out += alpha * sum;
            }
        }
    }
}

/// What [`Picky`] takes at most.
const MOST: f64 = 1.875;

/// The matrix itself; an element above [`MOST`] is a fault, and so is NaN.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Picky;

impl<T: Scalar> Operation<T> for Picky {
    fn name(&self) -> Cow<'_, str> {
        "picky".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0])
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let a = x.get(0);
        for j in 0..a.columns() {
            for (out, &a) in out.column_mut(j).iter_mut().zip(a.column(j)) {
                // NaN too.
                if !matches!(a.partial_cmp(&T::from_f64(MOST)), Some(Ordering::Less | Ordering::Equal)) {
                    return Err(Fault::Other(format!("{a} is above {MOST}")));
                }
                *out = a;
            }
        }
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        at.contribute(0, |g| g);
    }
    fn is_columnwise(&self, operands: &[Shape]) -> bool {
        !operands[0].rows.depends_on_m()
    }
}

/// a + b and a ⊙ b, of one shape.
#[derive(Debug, PartialEq, Eq, Hash)]
struct SumAndProduct;

impl<T: Scalar> SeveralOutputs<T> for SumAndProduct {
    fn name(&self) -> Cow<'_, str> {
        "sum_and_product".into()
    }
    fn outputs(&self, operands: &[Shape]) -> Result<Vec<Output>, Mismatch> {
        match operands {
            [a, b] if a == b && !a.rows.depends_on_m() => {
                Ok(vec![Output::new("sum", *a), Output::new("product", *a)])
            }
            _ => Err(Mismatch::new("takes two matrices of one shape")),
        }
    }
    fn eval(&self, operands: &Operands<'_, T>, out: &mut Outputs<'_, '_, T>) -> Result<(), Fault> {
        let (a, b) = (operands.get(0), operands.get(1));
        for j in 0..out.columns() {
            let [sum, product] = out.column_mut(j);
            for (i, (&a, &b)) in a.column(j).iter().zip(b.column(j)).enumerate() {
                (sum[i], product[i]) = (a + b, a * b);
            }
        }
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut SeveralVjp<'_, '_, 't, T>) {
        let [a, b] = at.operands();
        at.contribute(0, |[of_sum, of_product]| of_sum + of_product * b);
        at.contribute(1, |[of_sum, of_product]| of_sum + of_product * a);
    }
    fn is_columnwise(&self, _: &[Shape]) -> bool {
        true
    }
}

/// What the operations compute, in any numbers; and whether [`Picky`] had a fault.
#[derive(Debug, Default)]
pub(crate) struct Computed {
    /// An element is above what it takes.
    pub(crate) has_fault: Cell<bool>,
    /// An element may be, for all that is known of rounding.
    pub(crate) may_have: Cell<bool>,
}

impl Definitions for &Computed {
    fn operation<N: Number>(&self, name: &str, x: &[&Grid<N>]) -> Option<Grid<N>> {
        let (rows, columns) = x[0].shape();
        let made = |f: &dyn Fn(usize, usize) -> N| Some(Grid::new(rows, columns, f));
        match name {
            "reversed" => made(&|i, j| x[0][(rows - 1 - i, j)].clone()),
            "shifted" => made(&|i, j| x[0][(i, (j + columns - 1) % columns)].clone()),
            "shifted back" => made(&|i, j| x[0][(i, (j + 1) % columns)].clone()),
            "row_dots" => Some(Grid::new(rows, 1, |i, _| {
                N::dot(
                    &(0..columns).map(|j| (x[0][(i, j)].clone(), x[1][(i, j)].clone())).collect::<Vec<_>>(),
                )
            })),
            "picky" => {
                for a in x[0].as_slice() {
                    match a.compare(&N::of(MOST)) {
                        Some(Ordering::Less | Ordering::Equal) => {}
                        Some(Ordering::Greater) => self.has_fault.set(true),
                        None if a.value().is_nan() => self.has_fault.set(true),
                        None => self.may_have.set(true),
                    }
                }
                made(&|i, j| x[0][(i, j)].clone())
            }
            "sum_and_product" => Some(Grid::new(2 * rows, columns, |i, j| match i.checked_sub(rows) {
                None => x[0][(i, j)].clone() + x[1][(i, j)].clone(),
                Some(i) => x[0][(i, j)].clone() * x[1][(i, j)].clone(),
            })),
            _ => None,
        }
    }

    fn function<N: Number>(&self, name: &str, x: &N) -> Option<N> {
        let (x, square) = (|| x.clone(), || x.clone() * x.clone());
        let q = || N::of(1.0) + square();
        Some(match name {
            "bump" => x() / q(),
            "bump′" => (N::of(1.0) - square()) / (q() * q()),
            "bump″" => N::of(2.0) * x() * (square() - N::of(3.0)) / (q() * q() * q()),
            _ => return None,
        })
    }
}

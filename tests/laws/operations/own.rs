//! The row for operations of the user's own: with a rule of their own, linear ones, whose rule follows, and such of several
//! outputs.

use std::borrow::Cow;

use tape::{
    Fault, LinearOperation, Matrix, MatrixMut, MatrixRef, Mismatch, Operands, Operation, Output, Outputs,
    Scalar, SeveralOutputs, SeveralVjp, Shape, Vjp,
};

use super::{REAL, Row, SMALL_SIZES, Size, bad, zeros};
use crate::support::laws::{Case, Domain, case};
use crate::support::reference;

pub(super) fn own_row<T: Scalar>() -> Row<T> {
    Row::new(&SMALL_SIZES, |size| {
        let mut cases = linear_cases(size);
        cases.extend(several_cases(size));
        cases.push(
            case("weighted product of one's own")
                .input("A", size.matrix(), REAL)
                .input("B", size.matrix(), REAL)
                .records("weighted", |tape, x| tape.apply(Weighted { weight: 3 }, [x[0], x[1]]))
                .gives(size.matrix(), |x| reference::zip(&x[0], &x[1], |a, b| 3.0 * a * a * b)),
        );
        cases
    })
    .rejects(vec![
        bad("weighted: takes two matrices of one shape: A is 2×3, B is 3×2, at {place}", |tape| {
            let (a, b) = (zeros(tape, "A", 2, 3), zeros(tape, "B", 3, 2));
            tape.apply(Weighted { weight: 3 }, [a, b])
        }),
        bad(
            "gradients: silent gives no derivative with respect to its operand 0, needed at {place}",
            |tape| {
                let a = zeros(tape, "A", 2, 3);
                let [da] = tape.apply(Silent, [a]).sum().gradients([a]);
                da
            },
        ),
        bad("talkative: its vjp gives 1×2 for operand 0, A is 2×3, at {place}", |tape| {
            let a = zeros(tape, "A", 2, 3);
            let [da] = tape.apply(Talkative, [a]).sum().gradients([a]);
            da
        }),
        bad("polar: takes two matrices of one shape: A is 2×3, B is 3×2, at {place}", |tape| {
            let (a, b) = (zeros(tape, "A", 2, 3), zeros(tape, "B", 3, 2));
            let [r, _] = tape.apply_several(Polar, &[a, b]);
            r
        }),
        bad("polar: has 2 outputs, not 3, at {place}", |tape| {
            let a = zeros(tape, "A", 2, 3);
            let [.., last] = tape.apply_several::<3>(Polar, &[a, a]);
            last
        }),
        bad("gathered: takes three rows or more: A is 2×3, at {place}", |tape| {
            tape.apply_linear(Gathered { taps: 3 }, zeros(tape, "A", 2, 3))
        }),
    ])
}

/// Linear operations: one that is columnwise and changes the rows, its transpose, and one that mixes the columns.
fn linear_cases<T: Scalar>(size: Size) -> Vec<Case<T>> {
    const TAPS: usize = 2;
    let mixed = case("columns that move around")
        .input("A", size.matrix(), REAL)
        .records("around", |tape, x| tape.apply_linear(Around, x[0].sin()))
        .gives(size.matrix(), |x| {
            let (n, c) = x[0].shape();
            Matrix::from_fn(n, c, |i, j| 3.0 * x[0][(i, (j + 1) % c)].sin())
        });
    if size.n < TAPS {
        return vec![mixed];
    }
    let fewer = Shape { rows: (size.n + 1 - TAPS).into(), ..size.matrix() };
    let gathered = |x: &Matrix<f64>| {
        let tap = |i: usize, j: usize| (0..TAPS).map(|k| (k + 1) as f64 * x[(i + k, j)]).sum();
        Matrix::from_fn(x.rows() + 1 - TAPS, x.columns(), tap)
    };
    vec![
        mixed,
        case("a linear operation of one's own")
            .input("A", size.matrix(), REAL)
            .records("gathered", |tape, x| tape.apply_linear(Gathered { taps: TAPS }, x[0]))
            .gives(fewer, move |x| gathered(&x[0])),
        case("and what follows it")
            .input("A", size.matrix(), REAL)
            .records("gathered", |tape, x| tape.apply_linear(Gathered { taps: TAPS }, x[0].sin()).sin())
            .gives(fewer, move |x| gathered(&x[0].map(f64::sin)).map(f64::sin)),
        case("its transpose")
            .fixed("A", size.matrix(), REAL)
            .input("G", fewer, REAL)
            .records("gatheredᵀ", |tape, x| {
                tape.apply_linear(Gathered { taps: TAPS }, x[0]).vjp([x[0]], x[1].sin())[0]
            })
            .gives(size.matrix(), move |x| {
                let g = x[1].map(f64::sin);
                // Row i is read by the rows i, i − 1, … of the result.
                let scattered = |i: usize, j: usize| {
                    (0..TAPS)
                        .filter(|&k| k <= i && i - k < g.rows())
                        .map(|k| (k + 1) as f64 * g[(i - k, j)])
                        .sum()
                };
                Matrix::from_fn(x[0].rows(), x[0].columns(), scattered)
            }),
    ]
}

/// Operations of several outputs: one that is columnwise, with both outputs and with either alone, and one that is not, whose
/// outputs have different numbers of rows.
fn several_cases<T: Scalar>(size: Size) -> Vec<Case<T>> {
    // Away from the origin, and from the jump of the angle.
    let polar = |what: &str| {
        case(what).input("x", size.matrix(), Domain::Between(0.5, 2.0)).input("y", size.matrix(), REAL)
    };
    let r = |x: f64, y: f64| x.hypot(y);
    let angle = |x: f64, y: f64| 2.0 * (y / (x.hypot(y) + x)).atan();
    vec![
        polar("both outputs")
            .records("polar", |tape, x| {
                let [r, theta] = tape.apply_several(Polar, &[x[0], x[1]]);
                r * theta.sin() - theta
            })
            .gives(size.matrix(), move |x| {
                reference::zip(&x[0], &x[1], |x, y| r(x, y) * angle(x, y).sin() - angle(x, y))
            }),
        polar("one output less the other")
            .records("polar", |tape, x| {
                let [r, theta] = tape.apply_several(Polar, &[x[0], x[1]]);
                r - theta
            })
            .gives(size.matrix(), move |x| reference::zip(&x[0], &x[1], |x, y| r(x, y) - angle(x, y))),
        polar("the first output alone")
            .records("polar", |tape, x| tape.apply_several::<2>(Polar, &[x[0], x[1]])[0])
            .gives(size.matrix(), move |x| reference::zip(&x[0], &x[1], r)),
        polar("the second output, used twice")
            .records("polar", |tape, x| {
                let [_, theta] = tape.apply_several(Polar, &[x[0], x[1]]);
                theta.square() - theta
            })
            .gives(size.matrix(), move |x| {
                reference::zip(&x[0], &x[1], |x, y| angle(x, y).powi(2) - angle(x, y))
            }),
        polar("its rows, not by output")
            .records("polar", move |tape, x| {
                let [r, theta] = tape.apply_several(Polar, &[x[0], x[1]]);
                tape.stack_rows(&[theta, r]).sin()
            })
            .gives(Shape { rows: (2 * size.n).into(), ..size.matrix() }, move |x| {
                let n = x[0].rows();
                let of = |i: usize, j: usize| match i < n {
                    true => angle(x[0][(i, j)], x[1][(i, j)]).sin(),
                    false => r(x[0][(i - n, j)], x[1][(i - n, j)]).sin(),
                };
                Matrix::from_fn(2 * n, x[0].columns(), of)
            }),
        case("outputs of different numbers of rows, not columnwise")
            .input("A", size.matrix(), REAL)
            .records("sums", |tape, x| {
                let [of_rows, of_squares] = tape.apply_several(Sums, &[x[0]]);
                of_rows.sin() * of_squares
            })
            .gives(size.column(), |x| {
                let squares: f64 = x[0].as_slice().iter().map(|a| a * a).sum();
                let of_row = |i: usize| (0..x[0].columns()).map(|j| x[0][(i, j)]).sum::<f64>();
                Matrix::from_fn(x[0].rows(), 1, |i, _| of_row(i).sin() * squares)
            }),
    ]
}

/// r = √(x² + y²) and θ = atan2(y, x), elementwise.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Polar;

impl<T: Scalar> SeveralOutputs<T> for Polar {
    fn name(&self) -> Cow<'_, str> {
        "polar".into()
    }
    fn outputs(&self, operands: &[Shape]) -> Result<Vec<Output>, Mismatch> {
        match operands {
            [x, y] if x == y => Ok(vec![Output::new("r", *x), Output::new("θ", *x)]),
            _ => Err(Mismatch::new("takes two matrices of one shape")),
        }
    }
    fn eval(&self, operands: &Operands<'_, T>, out: &mut Outputs<'_, '_, T>) -> Result<(), Fault> {
        let (x, y) = (operands.get(0), operands.get(1));
        for j in 0..out.columns() {
            let [r, theta] = out.column_mut(j);
            for (i, (&x, &y)) in x.column(j).iter().zip(y.column(j)).enumerate() {
                (r[i], theta[i]) = ((x * x + y * y).sqrt(), y.atan2(x));
            }
        }
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut SeveralVjp<'_, '_, 't, T>) {
        let ([x, y], [r, _]) = (at.operands(), at.outputs());
        let square = x * x + y * y;
        at.contribute(0, |[of_r, of_theta]| of_r * x / r - of_theta * y / square);
        at.contribute(1, |[of_r, of_theta]| of_r * y / r + of_theta * x / square);
    }
    fn is_columnwise(&self, _: &[Shape]) -> bool {
        true
    }
}

/// The sum of each row, n × 1, and the sum of all squares, 1 × 1.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Sums;

impl<T: Scalar> SeveralOutputs<T> for Sums {
    fn name(&self) -> Cow<'_, str> {
        "sums".into()
    }
    fn outputs(&self, operands: &[Shape]) -> Result<Vec<Output>, Mismatch> {
        let of_rows = Shape { columns: 1.into(), ..operands[0] };
        Ok(vec![Output::new("of rows", of_rows), Output::new("of squares", Shape::SCALAR)])
    }
    fn eval(&self, operands: &Operands<'_, T>, out: &mut Outputs<'_, '_, T>) -> Result<(), Fault> {
        let a = operands.get(0);
        let [of_rows, of_squares] = out.column_mut(0);
        of_rows.fill(T::ZERO);
        for j in 0..a.columns() {
            of_rows.iter_mut().zip(a.column(j)).for_each(|(sum, &a)| *sum += a);
        }
        of_squares[0] = a.as_slice().iter().map(|&a| a * a).sum();
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut SeveralVjp<'_, '_, 't, T>) {
        let [a] = at.operands();
        let shape = a.shape().expect("a sound operand");
        at.contribute(0, |[of_rows, of_squares]| of_rows.broadcast_to(shape) + of_squares * (a + a));
    }
}

/// Σₖ (k + 1) · a[i + k] over some taps, column by column.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Gathered {
    taps: usize,
}

impl<T: Scalar> LinearOperation<T> for Gathered {
    fn name(&self) -> Cow<'_, str> {
        "gathered".into()
    }
    fn shape(&self, operand: Shape) -> Result<Shape, Mismatch> {
        match operand.rows.at(0).checked_sub(self.taps) {
            Some(rest) => Ok(Shape { rows: (rest + 1).into(), ..operand }),
            None => Err(Mismatch::new("takes three rows or more")),
        }
    }
    fn forward(&self, x: MatrixRef<'_, T>, out: &mut MatrixMut<'_, T>) {
        for j in 0..x.columns() {
            for (out, taps) in out.column_mut(j).iter_mut().zip(x.column(j).windows(self.taps)) {
                *out = taps.iter().zip(1..).map(|(&x, k)| T::from_usize(k) * x).sum();
            }
        }
    }
    fn transpose(&self, g: MatrixRef<'_, T>, out: &mut MatrixMut<'_, T>) {
        for j in 0..g.columns() {
            let out = out.column_mut(j);
            out.fill(T::ZERO);
            for (i, &g) in g.column(j).iter().enumerate() {
                out[i..i + self.taps].iter_mut().zip(1..).for_each(|(out, k)| *out += T::from_usize(k) * g);
            }
        }
    }
    fn is_columnwise(&self) -> bool {
        true
    }
}

/// Three times the next column; after the last the first. It is not columnwise.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Around;

impl Around {
    fn moved<T: Scalar>(x: MatrixRef<'_, T>, by: usize, out: &mut MatrixMut<'_, T>) {
        for j in 0..x.columns() {
            let from = x.column((j + by) % x.columns());
            out.column_mut(j).iter_mut().zip(from).for_each(|(out, &x)| *out = T::from_f64(3.0) * x);
        }
    }
}

impl<T: Scalar> LinearOperation<T> for Around {
    fn name(&self) -> Cow<'_, str> {
        "around".into()
    }
    fn shape(&self, operand: Shape) -> Result<Shape, Mismatch> {
        Ok(operand)
    }
    fn forward(&self, x: MatrixRef<'_, T>, out: &mut MatrixMut<'_, T>) {
        Around::moved(x, 1, out);
    }
    fn transpose(&self, g: MatrixRef<'_, T>, out: &mut MatrixMut<'_, T>) {
        Around::moved(g, g.columns().saturating_sub(1), out);
    }
}

/// weight · a² · b, entry by entry.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Weighted {
    weight: u32,
}

impl<T: Scalar> Operation<T> for Weighted {
    fn name(&self) -> Cow<'_, str> {
        "weighted".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        match operands {
            [a, b] if a == b => Ok(*a),
            _ => Err(Mismatch::new("takes two matrices of one shape")),
        }
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let weight = T::from_usize(self.weight as usize);
        let pairs = x.get(0).as_slice().iter().zip(x.get(1).as_slice());
        for (out, (&a, &b)) in out.as_mut_slice().iter_mut().zip(pairs) {
            *out = weight * a * a * b;
        }
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let [a, b] = at.operands();
        let weight = T::from_usize(self.weight as usize);
        at.contribute(0, |g| g * a * b * (weight + weight));
        at.contribute(1, |g| g * a.square() * weight);
    }
}

/// Forgets its derivative.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Silent;

impl<T: Scalar> Operation<T> for Silent {
    fn name(&self) -> Cow<'_, str> {
        "silent".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0])
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        out.as_mut_slice().copy_from_slice(x.get(0).as_slice());
        Ok(())
    }
    fn vjp<'t>(&self, _: &mut Vjp<'_, 't, T>) {}
}

/// Gives a derivative of another shape than its operand's.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Talkative;

impl<T: Scalar> Operation<T> for Talkative {
    fn name(&self) -> Cow<'_, str> {
        "talkative".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Silent.shape_of(operands)
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        Silent.eval(x, out)
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        at.contribute(0, |g| g.tape().constant("wrong", &Matrix::zeros(1, 2)));
    }
}

impl Silent {
    fn shape_of(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0])
    }
}

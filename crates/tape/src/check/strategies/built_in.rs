//! Steps of the crate's own operations.

use super::step::{Step, Steps};
use crate as tape; // as the user's code calls it, for what is printed
use crate::{Dim, Scalar, Shape, num, step};

/// Operations of the crate, in formulas whose values stay of the size of 1 where those of the
/// operands are: all operations but noise, which [`Noisy`] has. What jumps with a last digit is of
/// masks, which do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct BuiltIn;

impl Steps for BuiltIn {
    fn list<T: Scalar>() -> Vec<Step<T>> {
        let of_columns = [parts(), indices(), examples_blocks(), blocks(), factors()].concat();
        [functions(), more_functions(), pairs(), products(), reductions(), of_columns].concat()
    }
}

/// Noise, of each kind: a program draws it anew for each run.
///
/// Programs of one [seed](crate::Program::seed) draw the same numbers in the same run. What compares
/// the values of several runs of one program seeds it again before each.
///
/// ```
/// use proptest::prelude::*;
/// use tape::check::strategies::{BuiltIn, Noisy, Scripts};
/// proptest!(ProptestConfig::with_cases(4), |(script in Scripts::new((BuiltIn, Noisy)).examples(1..=9))| {
///     let tape = tape::Tape::<f64>::new();
///     let recorded = script.record(&tape);
///     let mut program = tape.compile(recorded.steps.iter().copied()).unwrap();
///     prop_assert!(program.run().is_ok());
/// });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Noisy;

impl Steps for Noisy {
    fn list<T: Scalar>() -> Vec<Step<T>> {
        vec![
            step!("normal_noise", |tape, a| match a.shape() {
                Ok(shape) => a + tape.noise("normal", shape, tape::Noise::Normal).tanh(),
                Err(_) => a,
            }),
            step!("uniform_noise", |tape, a| match a.shape() {
                Ok(shape) => a.tanh() * tape.noise("uniform", shape, tape::Noise::Uniform),
                Err(_) => a,
            }),
            step!("dropout", |tape, a| match a.shape() {
                Ok(shape) => a * tape.noise("kept", shape, tape::Noise::Bernoulli(0.75)),
                Err(_) => a,
            }),
        ]
    }
}

/// Columns are examples, or several of each.
fn of_examples(shapes: &[Shape]) -> bool {
    shapes[0].columns.depends_on_m() && !shapes[0].rows.depends_on_m()
}

/// Rows are a number, and there is one.
fn has_rows(shapes: &[Shape]) -> bool {
    matches!(shapes[0].rows, Dim::Fixed(1..))
}

/// Rows and columns are numbers, and the elements not very many.
fn is_small(shapes: &[Shape]) -> bool {
    matches!((shapes[0].rows, shapes[0].columns), (Dim::Fixed(1..=16), Dim::Fixed(_)))
}

fn functions<T: Scalar>() -> Vec<Step<T>> {
    vec![
        step!("negate", |tape, a| -a),
        step!("scale", |tape, a| a * num(0.75)),
        step!("shift", |tape, a| num(1.0) - a),
        step!("tanh", |tape, a| a.tanh()),
        step!("sigmoid", |tape, a| a.sigmoid()),
        step!("relu", |tape, a| a.relu()),
        step!("softplus", |tape, a| (a * num(0.5)).softplus()),
        step!("sin", |tape, a| a.sin() * a),
        step!("cos", |tape, a| a.cos()),
        step!("gelu", |tape, a| a.gelu().tanh()),
        step!("gelu_tanh", |tape, a| a.map(&tape::Function::GeluTanh) * num(0.5)),
        step!("silu", |tape, a| a.silu() * num(0.5)),
        step!("leaky_relu", |tape, a| a.leaky_relu(T::from_f64(0.1))),
        step!("elu", |tape, a| a.elu(T::from_f64(0.5)).tanh()),
        step!("clamp", |tape, a| a.clamp(T::from_f64(-0.9), T::from_f64(0.8))),
        step!("abs", |tape, a| a.abs().tanh()),
        step!("softsign", |tape, a| a.softsign()),
        step!("huber_loss", |tape, a| a.huber_loss(num(0.25), T::from_f64(0.75)).tanh()),
    ]
}

fn more_functions<T: Scalar>() -> Vec<Step<T>> {
    vec![
        step!("exp", |tape, a| (-a.square()).exp()),
        step!("exp_m1", |tape, a| a.tanh().exp_m1()),
        step!("ln", |tape, a| a.sigmoid().ln().tanh()),
        step!("ln_1p", |tape, a| a.square().ln_1p().tanh()),
        step!("sqrt", |tape, a| (a * a + num(1.0)).sqrt().reciprocal()),
        step!("powi", |tape, a| a.tanh().powi(3)),
        step!("powf", |tape, a| (a.tanh() + num(2.0)).powf(T::from_f64(1.5)) * num(0.25)),
        step!("erf", |tape, a| a.map(&tape::Function::Erf)),
        step!("log_loss", |tape, a| a.sigmoid().log_loss(num(0.25)).tanh()),
        step!("one_over_m", |tape, a| a * tape.one_over_m()).demanding(|shapes| shapes[0].depends_on_m()),
        step!("stop_gradient", |tape, a| a.stop_gradient() * a.sin()),
    ]
}

fn pairs<T: Scalar>() -> Vec<Step<T>> {
    vec![
        step!("add", |tape, a, b| (a + b) * num(0.5)),
        step!("subtract", |tape, a, b| (a - b).tanh()),
        step!("multiply", |tape, a, b| a.tanh() * b.cos()),
        step!("divide", |tape, a, b| a.tanh() / (b.tanh() + num(2.0))),
        step!("pow", |tape, a, b| (a.tanh() + num(2.0)).pow(b.tanh()) * num(0.5)),
        step!("atan2", |tape, a, b| a.atan2(b.tanh() + num(2.0))),
        step!("maximum", |tape, a, b| a.maximum(b).tanh()),
        step!("minimum", |tape, a, b| a.minimum(b).tanh()),
        step!("xlogy", |tape, a, b| a.sigmoid().xlogy(b.sigmoid()).tanh()),
        // Sums and products of round numbers are not 0.3: a last digit does not change the choice.
        step!("select", |tape, a, b, c| a.greater(num(0.3)).select(b, c)),
        step!("log_loss_on_logits", |tape, a, b| a.log_loss_on_logits(b.sigmoid()).tanh()),
        step!("log_loss_of", |tape, a, b| a.sigmoid().log_loss(b.sigmoid()).tanh()),
        step!("quantile_loss", |tape, a, b| a.quantile_loss(b, T::from_f64(0.3)).tanh()),
        step!("sigmoid_minus", |tape, a, b| a.sigmoid_minus(b.sigmoid())),
        step!("squared_error", |tape, a, b| a.tanh().squared_error(b.tanh()).tanh()),
    ]
}

fn products<T: Scalar>() -> Vec<Step<T>> {
    vec![
        step!("transpose", |tape, a| a.t()),
        step!("matmul", |tape, a, b| a.matmul(b).tanh()),
        step!("linear", |tape, a, b, c| (a.matmul(b) + c).tanh())
            .demanding(|shapes| shapes[2].columns == Dim::ONE && shapes[2].rows == shapes[0].rows),
        step!("over_examples", |tape, a, b| (a.tanh().matmul(b.t()) * tape.one_over_m()).tanh())
            .demanding(|shapes| of_examples(shapes) && of_examples(&shapes[1..])),
        step!("attention", |tape, a| a.matmul(a.t().matmul(a).tanh().softmax_over(tape::Over::Rows)).tanh())
            .demanding(has_rows),
        step!("outer", |tape, a, b| a.outer(b).tanh()),
        step!("dot", |tape, a, b| a.tanh().dot(b.tanh()).tanh()),
    ]
}

fn reductions<T: Scalar>() -> Vec<Step<T>> {
    let has_elements =
        |shapes: &[Shape]| shapes[0].rows != Dim::Fixed(0) && shapes[0].columns != Dim::Fixed(0);
    vec![
        step!("sum_over_rows", |tape, a| a.sum_over(tape::Over::Rows).tanh()),
        step!("sum_over_columns", |tape, a| a.sum_over(tape::Over::Columns).tanh()),
        step!("mean", |tape, a| a.mean()).demanding(has_elements),
        step!("mean_over_rows", |tape, a| a.mean_over(tape::Over::Rows)).demanding(has_elements),
        step!("mean_over_columns", |tape, a| a.mean_over(tape::Over::Columns)).demanding(has_elements),
        step!("max_over_rows", |tape, a| a.max_over(tape::Over::Rows).tanh()).demanding(has_elements),
        step!("max_over_columns", |tape, a| a.max_over(tape::Over::Columns).tanh()).demanding(has_elements),
        step!("min_over_rows", |tape, a| a.min_over(tape::Over::Rows).tanh()).demanding(has_elements),
        step!("log_sum_exp_over_rows", |tape, a| a.log_sum_exp_over(tape::Over::Rows).sin())
            .demanding(has_elements),
        step!("log_sum_exp_over_columns", |tape, a| (a.log_sum_exp_over(tape::Over::Columns) * num(0.5))
            .sin())
        .demanding(has_elements),
        step!("softmax_over_rows", |tape, a| a.softmax_over(tape::Over::Rows)).demanding(has_elements),
        step!("softmax_over_columns", |tape, a| a.softmax_over(tape::Over::Columns) * a)
            .demanding(has_elements),
        step!("norm", |tape, a| (a.square() + num(1.0)).norm().reciprocal()).demanding(has_elements),
        step!("norm_over_rows", |tape, a| (a.tanh() + num(2.0)).norm_over(tape::Over::Rows).reciprocal())
            .demanding(has_rows),
        step!("max_norm", |tape, a| a.max_norm_over(tape::Over::Rows).tanh()).demanding(has_rows),
        step!("cumulative_sum", |tape, a| (a.cumulative_sum() * num(0.25)).sin()),
    ]
}

fn parts<T: Scalar>() -> Vec<Step<T>> {
    vec![
        step!("first_row", |tape, a| a.rows(0..1)),
        step!("without_first_row", |tape, a| {
            let rows = a.shape().map_or(0, |shape| shape.rows.at(0));
            a.rows(1..rows)
        })
        .demanding(|shapes| matches!(shapes[0].rows, Dim::Fixed(2..))),
        step!("last_column", |tape, a| {
            let columns = a.shape().map_or(0, |shape| shape.columns.at(0));
            a.columns(columns - 1..columns)
        })
        .demanding(|shapes| matches!(shapes[0].columns, Dim::Fixed(2..))),
        step!("first_column", |tape, a| a.columns(0..1))
            .demanding(|shapes| shapes[0].columns != Dim::Fixed(0)),
        step!("stack_rows", |tape, a, b| tape.stack_rows(&[a, b, a])).demanding(|shapes| {
            let rows = [shapes[0].rows, shapes[1].rows];
            shapes[0].columns == shapes[1].columns
                && rows.iter().all(|rows| matches!(rows, Dim::Fixed(0..=40)))
        }),
        step!("stack_columns", |tape, a, b| tape.stack_columns(&[a, b])).demanding(|shapes| {
            let columns = [shapes[0].columns, shapes[1].columns];
            columns.iter().all(|columns| matches!(columns, Dim::Fixed(0..=40)))
        }),
        step!("rows_at", |tape, a| a.rows_at(&[0, 0])).demanding(has_rows),
        step!("broadcast_to", |tape, a, b| match b.shape() {
            Ok(shape) => a.broadcast_to(shape),
            Err(_) => b,
        }),
    ]
}

/// How many columns of a table, or classes, indices tell apart.
const INDICES: usize = 3;

/// Columns by number, where numbers repeat.
fn indices<T: Scalar>() -> Vec<Step<T>> {
    let is_table = |shapes: &[Shape]| matches!(shapes[0].columns, Dim::Fixed(INDICES..));
    vec![
        step!("gather", |tape, a, items| a.gather(items)).indexed_below(INDICES).demanding(is_table),
        step!("bag", |tape, a, items| a.gather(items).sum_of_blocks().tanh())
            .indexed_below(INDICES)
            .demanding(is_table),
        step!("one_hot", |tape, classes| classes.one_hot(3)).indexed_below(INDICES),
        step!("softmax_cross_entropy_of", |tape, a, classes| a.softmax_cross_entropy_of(classes).tanh())
            .indexed_below(INDICES)
            .demanding(|shapes| matches!(shapes[0].rows, Dim::Fixed(INDICES..))),
        // Computed numbers, of a mask that no rounding changes, and so with ties.
        step!("arg_max", |tape, a, b| b.gather(a.greater(num(0.3)).argmax_over(tape::Over::Rows))).demanding(
            |shapes| match (shapes[0].rows, shapes[1].columns) {
                (Dim::Fixed(rows), Dim::Fixed(columns)) => (1..=columns).contains(&rows),
                _ => false,
            },
        ),
    ]
}

/// The columns of each example: k·m of them, for the steps that follow.
fn examples_blocks<T: Scalar>() -> Vec<Step<T>> {
    vec![
        step!("unfold_2", |tape, a| a.unfold(2)),
        step!("unfold_3", |tape, a| a.unfold(3)),
        step!("fold_2", |tape, a| a.fold(2)).demanding(of_examples),
        step!("fold_3", |tape, a| a.fold(3)).demanding(of_examples),
        step!("repeat_columns", |tape, a| a.repeat_columns(2)).demanding(of_examples),
        step!("block_transpose", |tape, a| a.block_t()).demanding(of_examples),
        step!("block_matmul", |tape, a, b| a.block_matmul(b).tanh()),
        step!("block_matmul_t", |tape, a, b| a.block_matmul(b.block_t()).tanh()),
        step!("sum_of_blocks", |tape, a| a.sum_of_blocks().tanh()),
        step!("mean_of_blocks", |tape, a| a.mean_of_blocks()).demanding(of_examples),
        step!("softmax_of_blocks", |tape, a| a.softmax_of_blocks()).demanding(of_examples),
    ]
}

/// The columns of each example, there and back.
fn blocks<T: Scalar>() -> Vec<Step<T>> {
    let has_examples = |shapes: &[Shape]| of_examples(shapes) && has_rows(shapes);
    vec![
        step!("unfold_fold", |tape, a| {
            let tokens = tape.stack_rows(&[a, a.cos()]).unfold(2);
            tokens.sigmoid().fold(2)
        })
        .demanding(has_examples),
        step!("tokens", |tape, a| {
            let tokens = tape.stack_rows(&[a, a.tanh(), a * num(0.5)]).unfold(3);
            let weights = (tokens.block_t().block_matmul(tokens) * num(0.5)).softmax_over(tape::Over::Rows);
            let mixed = tokens.block_matmul(weights) + tokens.mean_of_blocks().repeat_columns(3);
            mixed.sin().sum_of_blocks()
        })
        .demanding(has_examples),
        step!("max_of_blocks", |tape, a| tape.stack_rows(&[a, a.sin()]).unfold(2).max_of_blocks())
            .demanding(has_examples),
    ]
}

/// Of A·Aᵀ + I, which is positive definite.
fn factors<T: Scalar>() -> Vec<Step<T>> {
    vec![
        step!("cholesky", |tape, a| {
            let a = a.tanh();
            let square = a.matmul(a.t());
            let n = a.shape().map_or(tape::Dim::ONE, |shape| shape.rows);
            (square + tape.identity(n)).cholesky().solve_lower(a).tanh()
        })
        .demanding(is_small),
        step!("lower_triangle", |tape, a| a.lower_triangle()).demanding(is_small),
        step!("solve", |tape, a| {
            let a = a.tanh();
            let square = a.matmul(a.t());
            let n = a.shape().map_or(tape::Dim::ONE, |shape| shape.rows);
            (square + tape.identity(n)).solve(a)
        })
        .demanding(is_small),
        step!("log_det", |tape, a| {
            let a = a.tanh();
            let square = a.matmul(a.t());
            let n = a.shape().map_or(tape::Dim::ONE, |shape| shape.rows);
            (square + tape.identity(n)).log_det().sin()
        })
        .demanding(is_small),
    ]
}

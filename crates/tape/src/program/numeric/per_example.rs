//! The gradient of each example's own loss.

use crate::error::Error;
use crate::tape::List;
use crate::tape::ids::{EntryIndex, Id, IdVec};
use crate::{Dim, Matrix, MatrixRef, Program, Result, Scalar, Shape, Var};

/// How the values of an entry depend on the examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Examples {
    /// Not at all.
    Free,
    /// Column i on example i alone.
    Columnwise,
    /// In some other way.
    Mixed,
}

/// For each variable a matrix whose column i is the gradient of `losses[i]`, column-major; `of_sum`
/// are the gradients of the sum of the losses.
#[track_caller]
pub(crate) fn gradients<'t, T: Scalar>(
    losses: Var<'t, T>,
    with_respect_to: &[Var<'t, T>],
    of_sum: &[Var<'t, T>],
) -> Result<Vec<Matrix<T>>> {
    losses.sound()?;
    let shape = losses.known_shape();
    if shape != Shape::new(1, Dim::M) {
        let reason = format!("{} is {shape}, a row of losses is 1×m", losses.label());
        let operation = "per_example_gradients".to_owned();
        return Err(Error::Shape { operation, reason, at: losses.tape.place() });
    }
    let batched = with_respect_to.iter().find(|v| v.known_shape().depends_on_m());
    if let Some(variable) = batched {
        let reason = format!("{} is {}: a parameter has no m", variable.label(), variable.known_shape());
        let operation = "per_example_gradients".to_owned();
        return Err(Error::Shape { operation, reason, at: losses.tape.place() });
    }
    let columnwise = examples_of(&losses.tape.list.borrow(), losses.id) == Examples::Columnwise;
    if columnwise { one_by_one(losses, of_sum) } else { by_cotangents(losses, with_respect_to) }
}

/// Runs the gradients on batches of one.
fn one_by_one<'t, T: Scalar>(losses: Var<'t, T>, of_sum: &[Var<'t, T>]) -> Result<Vec<Matrix<T>>> {
    let tape = losses.tape;
    let mut whole = tape.compile(of_sum.iter().copied())?;
    let mut single = tape.compile(of_sum.iter().copied())?;
    // Also where no gradient reads a leaf that would say so.
    single.set_default_m(1);
    let m = m_of(&whole, losses)?;
    // An example has the noise that it has in the batch: below it is copied with the other leaves.
    whole.draw_noise(m)?;
    single.draw_noise(1)?;
    single.keep_noise();
    collect(m, of_sum, |i, columns| {
        for leaf in whole.leaves.states.ids() {
            if whole.leaves.states[leaf].m.is_some() {
                let at = whole.leaves.states[leaf].at;
                let (rows, columns) = at.shape.at(1);
                let len = rows * columns;
                let own = &whole.machine.execution.memory.whole(at.at.whole())[i * len..(i + 1) * len];
                single.fill_leaf(leaf, MatrixRef::new(rows, columns, own)?)?;
            }
        }
        // The batch tells the place among all examples.
        single.run().map_err(|error| whole.run().err().unwrap_or(error))?;
        copy(&single, of_sum, (i, columns))
    })
}

/// Pulls back the unit cotangents, each through the whole batch.
fn by_cotangents<'t, T: Scalar>(
    losses: Var<'t, T>,
    with_respect_to: &[Var<'t, T>],
) -> Result<Vec<Matrix<T>>> {
    let tape = losses.tape;
    let u = tape.probes("u", &[losses.known_shape()], losses)[0];
    let pulled = losses.vjp(with_respect_to, u);
    let mut program = tape.compile(pulled.iter().copied().chain([u]))?;
    let m = m_of(&program, losses)?;
    program.bind(u, &Matrix::try_zeros(1, m)?)?;
    collect(m, &pulled, |i, columns| {
        program.parameter_mut(u)?.as_mut_slice()[i] = T::ONE;
        program.seed(0); // every example has the noise that it has in the batch
        program.run()?;
        program.parameter_mut(u)?.as_mut_slice()[i] = T::ZERO;
        copy(&program, &pulled, (i, columns))
    })
}

/// The number of losses: that of the examples which the gradients read, or else of those which the
/// losses read.
fn m_of<T: Scalar>(gradients: &Program<T>, losses: Var<'_, T>) -> Result<usize> {
    match gradients.common_m()? {
        Some(m) => Ok(m),
        None => losses.tape.compile([losses])?.known_m(),
    }
}

/// A matrix for each output, whose columns `fill` gives one by one, of all outputs at a time.
fn collect<T: Scalar>(
    m: usize,
    outputs: &[Var<'_, T>],
    mut fill: impl FnMut(usize, &mut [Matrix<T>]) -> Result<()>,
) -> Result<Vec<Matrix<T>>> {
    let room = |output: &Var<'_, T>| {
        let (rows, columns) = output.known_shape().at(0);
        Matrix::try_zeros(rows * columns, m)
    };
    let mut columns: Vec<Matrix<T>> = outputs.iter().map(room).collect::<Result<_>>()?;
    (0..m).try_for_each(|i| fill(i, &mut columns))?;
    Ok(columns)
}

/// Copies the outputs into column i of their matrices.
fn copy<T: Scalar>(
    program: &Program<T>,
    outputs: &[Var<'_, T>],
    (i, columns): (usize, &mut [Matrix<T>]),
) -> Result<()> {
    for (&output, columns) in outputs.iter().zip(columns) {
        columns.column_mut(i).copy_from_slice(program.view(output)?.as_slice());
    }
    Ok(())
}

/// How the entry depends on the examples, from the leaves up.
fn examples_of<T: Scalar>(list: &List<T>, id: EntryIndex) -> Examples {
    let mut known: IdVec<EntryIndex, Examples> = Vec::with_capacity(id.index() + 1).into();
    for entry in list.entries.iter().take(id.index() + 1) {
        let per_column = entry.shape.is_per_example();
        let of_operands = entry.operands.iter().map(|&operand| known[operand]);
        let is_leaf = entry.op.leaf().is_some();
        // A source of the user's may have any columns, and counts them itself.
        let is_source = entry.operands.is_empty() && !is_leaf && entry.shape.depends_on_m();
        let examples = match of_operands.fold(Examples::Free, worse) {
            _ if is_source || entry.op.power_of_m() != 0 => Examples::Mixed,
            Examples::Mixed => Examples::Mixed,
            Examples::Free if is_leaf && per_column => Examples::Columnwise,
            Examples::Free if entry.shape.depends_on_m() && !is_leaf && per_column => Examples::Columnwise,
            Examples::Free if entry.shape.depends_on_m() => Examples::Mixed,
            Examples::Free => Examples::Free,
            Examples::Columnwise => {
                let shapes: Vec<Shape> =
                    entry.operands.iter().map(|&operand| list.entry(operand).shape).collect();
                let columnwise = per_column && entry.op.rule().is_columnwise(&shapes);
                if columnwise { Examples::Columnwise } else { Examples::Mixed }
            }
        };
        known.push(examples);
    }
    known[id]
}

fn worse(a: Examples, b: Examples) -> Examples {
    match (a, b) {
        (Examples::Mixed, _) | (_, Examples::Mixed) => Examples::Mixed,
        (Examples::Columnwise, _) | (_, Examples::Columnwise) => Examples::Columnwise,
        (Examples::Free, Examples::Free) => Examples::Free,
    }
}

//! Which laws are checked of an entry, and in which order.

use crate::check::bench::Bench;
use crate::check::columnwise;
use crate::check::random::Random;
use crate::check::subject::{Recorded, Subject};
use crate::check::values::Function;
use crate::check::{Check, Failure, Law, Reason, Summary};
use crate::{Matrix, Result, Scalar, Tape, Var};

/// The inputs as parameters of a tape.
pub(super) fn parameters<'t, T: Scalar>(tape: &'t Tape<T>, inputs: &[Matrix<T>]) -> Vec<Var<'t, T>> {
    inputs.iter().enumerate().map(|(i, value)| tape.parameter(&format!("x[{i}]"), value)).collect()
}

/// Checks all laws of `result` as a function of `variables` at `inputs`.
pub(crate) fn run<'t, T: Scalar>(
    check: &Check,
    tape: &'t Tape<T>,
    inputs: &[Matrix<T>],
    variables: &[Var<'t, T>],
    result: Var<'t, T>,
) -> Result<Summary, Failure> {
    let recorded = Recorded::new(tape, variables, result)?;
    let shape = recorded.shape();
    let mut bench = Bench::new(check, inputs, recorded, shape)?;
    bench.same_bits()?;
    of_columns(&mut bench)?;
    bench.cotangent_laws()?;
    pushed(&mut bench, inputs)?;
    for order in (1..=check.orders).filter(|_| check.differences) {
        bench.derivative(order)?;
        // Of what is not finite, nothing can be compared.
        if order == 2 && bench.broken.is_empty() {
            bench.symmetry()?;
        }
        bench.stop()?;
    }
    check.demand(bench.summary)
}

/// Checks the laws of a value and a rule that know no tape.
pub(super) fn run_rule<T: Scalar>(
    check: &Check,
    inputs: &[Matrix<T>],
    subject: impl Subject<T>,
    shape: (usize, usize),
) -> Result<Summary, Failure> {
    let mut bench = Bench::new(check, inputs, subject, shape)?;
    bench.same_bits()?;
    bench.cotangent_laws()?;
    bench.derivative(1)?;
    bench.stop()?;
    if inputs.is_empty() {
        bench.summary.miss(Law::Derivative, None, Reason::Empty);
    }
    check.demand(bench.summary)
}

/// The law of columns: before those that compare what the kernels compute.
fn of_columns<T: Scalar>(bench: &mut Bench<'_, Recorded<'_, T>, T>) -> Result<(), Failure> {
    let values = bench.inputs_and_cotangent();
    let Recorded { tape, leaves, outputs, .. } = &bench.subject;
    bench.broken = columnwise::broken(tape, (leaves, &values), outputs, bench.rounding())?;
    bench.stop()
}

/// The law of the transpose, with J·v from the tape.
fn pushed<T: Scalar>(bench: &mut Bench<'_, Recorded<'_, T>, T>, inputs: &[Matrix<T>]) -> Result<(), Failure> {
    let Recorded { tape, variables, result, .. } = &bench.subject;
    let directions = bench.subject.directions();
    let pushed = result.jvp(variables, &directions);
    let leaves: Vec<_> = variables.iter().chain(&directions).copied().collect();
    let mut forward = Function::compile(tape, &leaves, &[pushed])?;
    bench.transpose(|v| Ok(forward.at(inputs.iter().chain(v))?.swap_remove(0)))
}

/// f(x), Jᵀ·u and, where there are directions w, H·w for each operand.
pub(crate) fn derivatives<'t, T: Scalar>(
    tape: &'t Tape<T>,
    inputs: &[Matrix<T>],
    variables: &[Var<'t, T>],
    result: Var<'t, T>,
    seed: u64,
    orders: u8,
) -> Result<Derivatives<T>, Failure> {
    let mut recorded = Recorded::new(tape, variables, result)?;
    let mut random = Random::new(seed);
    let u = random.direction(recorded.shape());
    let mut gradients = recorded.first(inputs, &u)?;
    let value = gradients.remove(0);
    let w = random.directions(inputs);
    let second = if orders > 1 { recorded.higher(inputs, &u, std::slice::from_ref(&w))? } else { Vec::new() };
    Ok(Derivatives { u, w, value, gradients, second })
}

/// A function and its derivatives along what was drawn for them.
pub(crate) struct Derivatives<T> {
    pub(super) u: Matrix<T>,
    pub(super) w: Vec<Matrix<T>>,
    pub(super) value: Matrix<T>,
    pub(super) gradients: Vec<Matrix<T>>,
    pub(super) second: Vec<Matrix<T>>,
}

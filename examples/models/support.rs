//! What the models share: a start for the parameters, and Adam on all of them.

use mlp::{Optimizer, OptimizerState, ParameterKind, Scalar};
use tape::check::Random;
use tape::{EntryId, LeafKind, Matrix, Program, Tape, Var};

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// All parameters of a tape, in the order in which they were recorded.
pub(crate) fn parameters<T: Scalar>(tape: &Tape<T>) -> Vec<Var<'_, T>> {
    let is_parameter =
        |v: &Var<'_, T>| v.entry().is_ok_and(|entry| entry.leaf_kind() == Some(LeafKind::Parameter));
    tape.variables().filter(is_parameter).collect()
}

/// A program that learns: J, its gradients, and an optimiser for all parameters.
pub(crate) struct Learner<T: Scalar> {
    pub(crate) program: Program<T>,
    j: EntryId,
    /// Each with its gradient.
    parameters: Vec<(EntryId, EntryId)>,
    optimizer: OptimizerState<T>,
}

impl<T: Scalar> Learner<T> {
    /// Of a J, with what else is to be read; weights begin at random, biases, of one column, at 0.
    pub(crate) fn new(j: Var<'_, T>, others: &[Var<'_, T>], rate: f64, seed: u64) -> Outcome<Self> {
        let parameters = parameters(j.tape());
        let gradients = j.gradients(&parameters);
        let outputs = [j].into_iter().chain(others.iter().copied()).chain(gradients.iter().copied());
        let mut program = j.tape().compile(outputs)?;
        let mut random = Random::new(seed);
        let mut sizes = Vec::new();
        for &parameter in &parameters {
            let (rows, columns) = parameter.shape()?.at(0);
            let limit = if columns == 1 { 0.0 } else { (6.0 / (rows + columns) as f64).sqrt() };
            program.bind(parameter, &random.matrix::<T>(rows, columns, -limit, limit))?;
            sizes.push((rows * columns, ParameterKind::Weight));
        }
        let ids = |v: &Var<'_, T>| v.id();
        let pairs = parameters.iter().map(ids).zip(gradients.iter().map(ids));
        let pairs = pairs.map(|(p, g)| Ok((p?, g?))).collect::<tape::Result<_>>()?;
        Ok(Learner {
            program,
            j: j.id()?,
            parameters: pairs,
            optimizer: Optimizer::adam(rate)?.state(&sizes),
        })
    }

    /// One step on what is bound; gives J before it.
    pub(crate) fn step(&mut self) -> Outcome<f64> {
        self.program.run()?;
        let j = self.program.scalar(self.j)?.to_f64();
        for (k, &(parameter, gradient)) in self.parameters.iter().enumerate() {
            let mut done = Ok(());
            self.program.update(parameter, gradient, |p, g| done = self.optimizer.step(k, p, g))?;
            done?;
        }
        Ok(j)
    }

    /// Steps on random columns of some leaves; prints J now and then.
    #[allow(dead_code)] // one model takes all examples in every step
    pub(crate) fn train<'t>(
        &mut self,
        data: &[(Var<'t, T>, &Matrix<T>)],
        steps: usize,
        batch: usize,
    ) -> Outcome {
        let mut random = Random::new(1);
        let m = data[0].1.columns();
        for step in 0..steps {
            let chosen: Vec<usize> = (0..batch).map(|_| random.below(m)).collect();
            for &(leaf, value) in data {
                self.program.bind_columns(leaf, value, &chosen)?;
            }
            let j = self.step()?;
            if (step + 1).is_multiple_of(steps.div_ceil(5)) {
                println!("  step {:>5}: J = {j:.4}", step + 1);
            }
        }
        Ok(())
    }
}

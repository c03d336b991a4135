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
    /// Each with its gradient, and indices where that is one of the columns that they name.
    parameters: Vec<(EntryId, EntryId, Option<EntryId>)>,
    optimizer: OptimizerState<T>,
}

impl<T: Scalar> Learner<T> {
    /// Of a J, with what else is to be read; weights begin at random, biases, of one column, at 0.
    #[allow(dead_code)] // one model has tables
    pub(crate) fn new(j: Var<'_, T>, others: &[Var<'_, T>], rate: f64, seed: u64) -> Outcome<Self> {
        Learner::with_tables(j, others, &[], rate, seed)
    }

    /// With tables, each with its indices, of which J knows nothing but what it gathers by these: a step
    /// changes the columns that are named.
    pub(crate) fn with_tables<'t>(
        j: Var<'t, T>,
        others: &[Var<'t, T>],
        tables: &[(Var<'t, T>, Var<'t, T>)],
        rate: f64,
        seed: u64,
    ) -> Outcome<Self> {
        let parameters = parameters(j.tape());
        let indices = |p: &Var<'t, T>| tables.iter().find(|table| table.0 == *p).map(|table| table.1);
        let moved = |p: &Var<'t, T>| indices(p).map_or(*p, |indices| p.gather(indices));
        let gradients = j.gradients(&parameters.iter().map(moved).collect::<Vec<_>>());
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
        let ids = |(p, g): (&Var<'t, T>, &Var<'t, T>)| {
            Ok((p.id()?, g.id()?, indices(p).map(|indices| indices.id()).transpose()?))
        };
        let followed = parameters.iter().zip(&gradients).map(ids).collect::<tape::Result<_>>()?;
        Ok(Learner {
            program,
            j: j.id()?,
            parameters: followed,
            optimizer: Optimizer::adam(rate)?.state(&sizes),
        })
    }

    /// One step on what is bound; gives J before it.
    pub(crate) fn step(&mut self) -> Outcome<f64> {
        self.program.run()?;
        let j = self.program.scalar(self.j)?.to_f64();
        for (k, &(parameter, gradient, indices)) in self.parameters.iter().enumerate() {
            if let Some(indices) = indices {
                self.optimizer.step_columns(k, &mut self.program, parameter, indices, gradient)?;
                continue;
            }
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

//! What the models share: a start for the parameters, and Adam on all of them.

use std::ops::ControlFlow;

use mlp::{Model, Optimizer, Scalar, Schedule, Trainer, Training};
use tape::check::Random;
use tape::{LeafKind, Matrix, Program, Tape, Var};

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// All parameters of a tape, in the order in which they were recorded.
pub(crate) fn parameters<T: Scalar>(tape: &Tape<T>) -> Vec<Var<'_, T>> {
    let is_parameter =
        |v: &Var<'_, T>| v.entry().is_ok_and(|entry| entry.leaf_kind() == Some(LeafKind::Parameter));
    tape.variables().filter(is_parameter).collect()
}

/// A model that learns.
pub(crate) struct Learner<'t, T: Scalar> {
    /// J and what else is to be read, with the parameters as they are now.
    pub(crate) program: Program<T>,
    j: Var<'t, T>,
    tables: Vec<(Var<'t, T>, Var<'t, T>)>,
    rate: f64,
}

impl<'t, T: Scalar> Learner<'t, T> {
    /// Of a J, with what else is to be read; weights begin at random, biases, of one column, at 0.
    #[allow(dead_code)] // one model has tables
    pub(crate) fn new(j: Var<'t, T>, others: &[Var<'t, T>], rate: f64, seed: u64) -> Outcome<Self> {
        Learner::with_tables(j, others, &[], rate, seed)
    }

    /// With tables, each with its indices, of which J knows nothing but what it gathers by these: a step
    /// changes the columns that are named.
    pub(crate) fn with_tables(
        j: Var<'t, T>,
        others: &[Var<'t, T>],
        tables: &[(Var<'t, T>, Var<'t, T>)],
        rate: f64,
        seed: u64,
    ) -> Outcome<Self> {
        let mut program = j.tape().compile([j].into_iter().chain(others.iter().copied()))?;
        let mut random = Random::new(seed);
        for parameter in parameters(j.tape()) {
            let (rows, columns) = parameter.shape()?.at(0);
            let limit = if columns == 1 { 0.0 } else { (6.0 / (rows + columns) as f64).sqrt() };
            program.bind(parameter, &random.matrix::<T>(rows, columns, -limit, limit))?;
        }
        Ok(Learner { program, j, tables: tables.to_vec(), rate })
    }

    /// At least so many steps on batches of the examples; prints J now and then.
    pub(crate) fn train(&mut self, data: &[(Var<'t, T>, &Matrix<T>)], steps: usize, batch: usize) -> Outcome {
        let parameters = parameters(self.j.tape());
        let mut model = Model::new(self.j, parameters.iter().copied());
        for &(table, indices) in &self.tables {
            model = model.table(table, indices);
        }
        for parameter in parameters {
            model = model.first(parameter, self.program.view(parameter)?.to_matrix());
        }
        for &(leaf, values) in data {
            model = model.examples(leaf, values.clone());
        }
        let epochs = steps.div_ceil(data[0].1.columns().div_ceil(batch));
        let training = Training::new(Optimizer::adam(self.rate)?)
            .epochs(epochs)
            .batches(batch, 1)?
            .schedule(Schedule::cosine(0.05)?);
        let mut trainer = Trainer::new(model, &training)?;
        trainer.run_with(|epoch, trainer| {
            if (epoch.number + 1).is_multiple_of(epochs.div_ceil(5)) {
                println!("  step {:>5}: J = {:.4}", trainer.steps(), epoch.losses.training);
            }
            ControlFlow::Continue(())
        })?;
        self.program.copy_parameters_from(trainer.program())?;
        Ok(())
    }
}

//! The program of a gradient step, and what the optimiser remembers.

use tape::{EntryId, Options, Program, Var};

use crate::training::average::Average;
use crate::training::gradients::Gradients;
use crate::training::model::Model;
use crate::training::parameters::Parameters;
use crate::training::schedule::{Moment, Plateau, Schedule};
use crate::vectors::{norm, norm_of_all};
use crate::{Error, OptimizerState, ParameterKind, Result, Scalar, Training};

/// A parameter with its gradient in the program.
#[derive(Debug, Clone)]
pub(super) struct Followed {
    pub(super) name: String,
    pub(super) parameter: EntryId,
    pub(super) gradient: EntryId,
    /// Where the gradient is of the columns of a table that indices name.
    pub(super) indices: Option<EntryId>,
    pub(super) shape: (usize, usize),
    /// λ of L1.
    pub(super) l1: f64,
}

impl Followed {
    pub(super) fn size(&self) -> usize {
        self.shape.0 * self.shape.1
    }
}

/// The program of a gradient step, and what the optimiser remembers.
pub(super) struct Step<T: Scalar> {
    pub(super) program: Program<T>,
    pub(super) j: EntryId,
    pub(super) followed: Vec<Followed>,
    pub(super) optimizer: OptimizerState<T>,
    /// Gradients in memory of their own, if the optimiser cannot have them where the program does.
    gradients: Option<Gradients<T>>,
    pub(super) average: Option<Average<T>>,
    /// η before the schedule changes it.
    base_rate: f64,
    schedule: Schedule,
    pub(super) plateau: Option<Plateau>,
    /// How many steps were taken.
    pub(super) taken: usize,
    /// How many runs there were, each with noise of its own.
    pub(super) runs: u64,
    seed: u64,
}

impl<T: Scalar> Step<T> {
    #[track_caller]
    pub(super) fn new(model: &Model<'_, T>, training: &Training<T>, options: Options) -> Result<Self> {
        let trained = model.trained(training)?;
        let moved: Vec<Var<'_, T>> = trained.iter().map(|parameter| parameter.moved()).collect();
        let gradients = model.j.gradients(moved);
        let read = model.read.iter().copied();
        let outputs = gradients.iter().copied().chain([model.j]).chain(read);
        let mut program = model.j.tape().compile_with(outputs, options)?;
        model.bind(&mut program)?;
        let mut followed = Vec::new();
        for (parameter, gradient) in trained.iter().zip(&gradients) {
            followed.push(parameter.followed(*gradient, training)?);
        }
        let kinds = trained.iter().map(|parameter| parameter.kind);
        let sizes: Vec<(usize, ParameterKind)> = followed.iter().map(Followed::size).zip(kinds).collect();
        let mut optimizer = training.optimizer.try_state(&sizes)?;
        for (k, followed) in followed.iter().enumerate() {
            let Some(group) = training.group_of(&followed.name) else { continue };
            group.rate.map_or(Ok(()), |factor| optimizer.set_rate_factor(k, factor))?;
            group.l2.map_or(Ok(()), |lambda| optimizer.set_l2(k, lambda))?;
            group.weight_decay.map_or(Ok(()), |lambda| optimizer.set_weight_decay(k, lambda))?;
        }
        let rules = training.gradients;
        let needs_own = rules.named().is_some() || followed.iter().any(|followed| followed.l1 != 0.0);
        let gradients = match needs_own {
            true => Some(Gradients::new(rules, followed.iter().map(Followed::size))?),
            false => None,
        };
        let plateau = training.schedule.plateau().map(Plateau::new);
        let mut step = Step {
            program,
            j: model.j.id()?,
            followed,
            optimizer,
            gradients,
            average: None,
            base_rate: training.optimizer.rate(),
            schedule: training.schedule.clone(),
            plateau,
            taken: 0,
            runs: 0,
            seed: training.seed,
        };
        if let Some(beta) = training.average {
            step.average = Some(Average::new(beta, Parameters::of(&step)?));
        }
        Ok(step)
    }

    /// J of what is bound, and its gradients in the program. Every run has noise of its own, which
    /// depends on the training's seed and the number of the run.
    pub(super) fn run(&mut self) -> tape::Result<f64> {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15; // a multiple of it for each run: no seed is met again
        self.program.seed(self.seed.wrapping_add(self.runs.wrapping_mul(ODD)));
        self.program.run()?;
        self.runs += 1;
        Ok(self.program.scalar(self.j)?.to_f64())
    }

    /// Takes the gradients of the last run, of m examples: a step, if it is due or has to be.
    /// Says whether one was taken.
    pub(super) fn follow(&mut self, moment: &Moment, m: usize, is_last: bool) -> Result<bool> {
        if let Some(gradients) = &mut self.gradients
            && !gradients.collect(&self.program, &self.followed, m)?
            && !is_last
        {
            return Ok(false);
        }
        self.set_rate(moment)?;
        match self.gradients.take() {
            None => self.descend()?,
            Some(mut gradients) => {
                let stepped = self.descend_along(gradients.take());
                self.gradients = Some(gradients);
                stepped?;
            }
        }
        self.taken += 1;
        if let Some(average) = &mut self.average {
            average.follow(&self.program, &self.followed)?;
        }
        Ok(true)
    }

    pub(super) fn has_schedule(&self) -> bool {
        !self.schedule.is_constant()
    }

    /// Lets the schedule decide.
    fn set_rate(&mut self, moment: &Moment) -> Result<()> {
        if self.schedule.is_constant() {
            return Ok(());
        }
        let factor = self.schedule.factor(moment) * self.plateau.map_or(1.0, |plateau| plateau.product);
        // What T no longer holds would change nothing; a factor of one's own is taken at its word.
        let rate = self.base_rate * factor;
        let least = self.optimizer.least_rate();
        let rate = if rate < least && !self.schedule.is_own() { least } else { rate };
        if rate != self.optimizer.optimizer().rate() {
            self.optimizer.set_rate(rate)?;
        }
        Ok(())
    }

    fn descend(&mut self) -> Result<()> {
        let Step { program, followed, optimizer, .. } = self;
        for (k, Followed { parameter, gradient, indices, .. }) in followed.iter().enumerate() {
            if let Some(indices) = *indices {
                optimizer.step_columns(k, program, *parameter, indices, *gradient)?;
                continue;
            }
            let mut stepped = Ok(());
            program.update(*parameter, *gradient, |values, gradient| {
                stepped = optimizer.step(k, values, gradient);
            })?;
            stepped?;
        }
        Ok(())
    }

    /// A step along gradients that are not the program's.
    fn descend_along(&mut self, gradients: &mut [Vec<T>]) -> Result<()> {
        for ((k, followed), gradient) in self.followed.iter().enumerate().zip(gradients) {
            let mut values = self.program.parameter_mut(followed.parameter)?;
            let values = values.as_mut_slice();
            if followed.l1 != 0.0 {
                let l1 = T::from_f64(followed.l1);
                for (g, &value) in gradient.iter_mut().zip(&*values) {
                    *g += l1 * sign(value);
                }
            }
            self.optimizer.step(k, values, gradient)?;
        }
        Ok(())
    }

    /// Forgets batches whose step is not taken.
    pub(super) fn begin_epoch(&mut self) {
        if let Some(gradients) = &mut self.gradients {
            gradients.clear();
        }
    }

    /// The rate of the last step, or of the first before it.
    pub(super) fn rate(&self) -> f64 {
        self.optimizer.optimizer().rate()
    }

    /// What has been learned: the parameters, or their average.
    pub(super) fn learned(&self, to: &mut Parameters<T>) -> Result<()> {
        match &self.average {
            None => to.copy(self),
            Some(average) => to.copy_from(average.values()),
        }
    }

    /// The greatest of all parameters' |θ|.
    pub(super) fn largest(&self) -> Result<f64> {
        let mut largest = 0.0_f64;
        for followed in &self.followed {
            let values = self.program.view(followed.parameter)?.as_slice();
            largest = values.iter().fold(largest, |largest, value| largest.max(value.to_f64().abs()));
        }
        Ok(largest)
    }

    /// Whether every parameter is a finite number.
    pub(super) fn is_finite(&self) -> Result<bool> {
        for followed in &self.followed {
            if !self.program.view(followed.parameter)?.as_slice().iter().all(|value| value.is_finite()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The gradient norm √Σ‖∂J/∂θ‖² of the last batch, before clipping.
    pub(super) fn gradient_norm(&self) -> Result<f64> {
        let views: Vec<_> = self
            .followed
            .iter()
            .map(|followed| self.program.view(followed.gradient))
            .collect::<tape::Result<_>>()?;
        Ok(norm_of_all(views.iter().map(|view| view.as_slice())))
    }

    /// The same of each parameter, with its name.
    pub(super) fn gradient_norms(&self) -> Result<Vec<(String, f64)>> {
        let of = |followed: &Followed| {
            let gradient = self.program.view(followed.gradient)?;
            Ok((followed.name.clone(), norm(gradient.as_slice())))
        };
        self.followed.iter().map(of).collect()
    }
}

/// 0 at 0, the least of all subgradients there.
fn sign<T: Scalar>(value: T) -> T {
    if value > T::ZERO {
        T::ONE
    } else if value < T::ZERO {
        -T::ONE
    } else {
        value
    }
}

/// A step made a parameter overflow.
pub(super) fn overflow<T: Scalar>(epoch: usize, j: f64, step: &Step<T>) -> Error {
    Error::Diverged { epoch, j, rate: step.rate() }
}

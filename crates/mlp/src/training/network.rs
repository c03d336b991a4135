//! Training of networks.

use std::ops::ControlFlow;

use tape::{Matrix, Tape};

use crate::closed_form::check_shape;
use crate::data::check_parameter;
use crate::training::run::{is_divergence, of_validation};
use crate::{Epoch, Error, History, Mlp, Model, Result, Scalar, Trainer, Training, check_finite};

/// # Training
impl<T: Scalar> Training<T> {
    /// Trains the network on the examples (X, Y).
    ///
    /// The training loss of an epoch is the mean of J over its batches, each before its step; L2's
    /// term is not in it. The same network, data and settings give the same bits.
    ///
    /// All data are looked at before the first step. An error leaves the network as it was, but for
    /// [`Error::Diverged`]: it then has the last parameters that were finite numbers with a finite
    /// J, or, with early stopping, those of the best epoch before.
    ///
    /// # Errors
    /// [`Error::Shape`] if X or Y does not fit; [`Error::NonFinite`] or
    /// [`Error::NonFiniteParameter`] if X, Y or the network holds NaN or ±∞; the errors of
    /// [`Mlp::record`] for labels, with their place in Y; [`Error::Hyperparameter`] if type T
    /// cannot hold one of them; [`Error::Tape`] if there are no examples, or an activation has no
    /// derivative; [`Error::Memory`]; [`Error::Diverged`] if J or a parameter is no longer a finite
    /// number. What the validation part is at fault for is an [`Error::Validation`] of these.
    #[track_caller]
    pub fn fit(&self, network: &mut Mlp<T>, x: &Matrix<T>, y: &Matrix<T>) -> Result<History> {
        T::training_fit(self, network, x, y)
    }

    #[track_caller]
    pub(crate) fn fit_here(&self, network: &mut Mlp<T>, x: &Matrix<T>, y: &Matrix<T>) -> Result<History> {
        let mut trainer = self.begin_here(network, x, y)?;
        let trained = trainer.run_here(usize::MAX);
        end(trainer, network, trained)
    }

    /// Like [`fit`](Training::fit), and calls `after_epoch` after every epoch, on the caller's
    /// thread; `ControlFlow::Break` ends the training there.
    ///
    /// # Errors
    /// As [`fit`](Training::fit).
    #[track_caller]
    pub fn fit_with(
        &self,
        network: &mut Mlp<T>,
        x: &Matrix<T>,
        y: &Matrix<T>,
        mut after_epoch: impl FnMut(&Epoch) -> ControlFlow<()>,
    ) -> Result<History> {
        T::training_fit_with(self, network, x, y, &mut after_epoch)
    }

    #[track_caller]
    pub(crate) fn fit_with_here(
        &self,
        network: &mut Mlp<T>,
        x: &Matrix<T>,
        y: &Matrix<T>,
        after_epoch: &mut dyn FnMut(&Epoch) -> ControlFlow<()>,
    ) -> Result<History> {
        let mut trainer = self.begin_here(network, x, y)?;
        let trained = loop {
            match trainer.epoch_here() {
                Ok(Some(epoch)) if after_epoch(&epoch).is_continue() => {}
                Ok(_) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        end(trainer, network, trained)
    }

    /// Begins a training of the network that can be run in pieces. The network has what is learned
    /// when the trainer [gives](Trainer::give) it.
    ///
    /// ```
    /// use mlp::{Activation, Mlp, Optimizer, Training};
    /// use tape::matrix;
    /// let mut xor = Mlp::<f64>::new(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).build()?;
    /// let mut in_one = xor.clone();
    /// let x = matrix![[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]];
    /// let y = matrix![[0.0, 1.0, 1.0, 0.0]];
    /// let training = Training::new(Optimizer::adam(0.05)?).epochs(100);
    /// let mut trainer = training.begin(&xor, &x, &y)?;
    /// trainer.run_for(50)?;
    /// trainer.run_for(50)?;
    /// trainer.finish()?;
    /// trainer.give(&mut xor)?;
    /// training.fit(&mut in_one, &x, &y)?;
    /// assert_eq!(xor, in_one);
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`fit`](Training::fit), before the first step.
    #[track_caller]
    pub fn begin(&self, network: &Mlp<T>, x: &Matrix<T>, y: &Matrix<T>) -> Result<Trainer<T>> {
        T::training_begin(self, network, x, y)
    }

    #[track_caller]
    pub(crate) fn begin_here(&self, network: &Mlp<T>, x: &Matrix<T>, y: &Matrix<T>) -> Result<Trainer<T>> {
        self.check(network, (x, y))?;
        let tape = Tape::new();
        let smoothed = self.smoothed(network, y)?;
        let recorded = network.record(&tape, x, smoothed.as_ref().unwrap_or(y))?;
        let m = x.columns();
        let weights = self.weights.of_examples(network, y)?;
        let (j, w) = match &weights {
            None => (recorded.j, None),
            Some(weights) => {
                let w = tape.examples("w", weights);
                ((recorded.losses * w).mean(), Some(w))
            }
        };
        let mut model = Model::new(j, recorded.parameters())
            .biases(recorded.b.iter().copied())
            .judged_by(recorded.j)
            .of_tape(recorded.x(), m)
            .of_tape(recorded.y, m);
        if let Some(w) = w {
            model = model.of_tape(w, m);
        }
        if let Some((x, y)) = &self.validation {
            model = model.validation(recorded.x(), x.clone()).validation(recorded.y, y.clone());
        }
        Trainer::new_here(model, self)
    }
}

/// Gives the network what was learned, or, of a training that diverged, what was good.
fn end<T: Scalar>(mut trainer: Trainer<T>, network: &mut Mlp<T>, trained: Result<()>) -> Result<History> {
    let ended = trained.and_then(|()| trainer.finish_here());
    if ended.as_ref().err().is_none_or(is_divergence) {
        trainer.give(network)?;
    }
    ended.map(|()| trainer.history().clone())
}

impl<T: Scalar> Training<T> {
    /// Whether the settings suit type T, and the network, the examples and the validation part each
    /// other.
    fn check(&self, network: &Mlp<T>, (x, y): (&Matrix<T>, &Matrix<T>)) -> Result<()> {
        self.check_settings(self.validation.is_some())?;
        check_examples(network, (x, y))?;
        if let Some((x, y)) = &self.validation {
            let examples = if x.columns() == 0 { Err(Error::NoExamples { what: "J" }) } else { Ok(()) };
            // Shapes first: no examples of the right shape are another error.
            check_examples(network, (x, y)).and(examples).map_err(of_validation)?;
        }
        for (name, value) in network.parameters() {
            check_parameter(name, value.view())?;
        }
        Ok(())
    }
}

fn check_examples<T: Scalar>(network: &Mlp<T>, (x, y): (&Matrix<T>, &Matrix<T>)) -> Result<()> {
    network.check_x(x)?;
    check_shape("Y", y, (network.sizes()[network.layers()], x.columns()))?;
    check_finite("X", x)?;
    network.check_y(y, x.columns())
}

//! How the rate changes in the course of a training.

use std::fmt;
use std::sync::Arc;

use crate::optimizer::{check_decay, check_positive};
use crate::{Error, Result};

/// How the rate η changes in the course of a training: η at a time t is the optimiser's rate times a
/// factor.
///
/// t counts epochs: in epoch e = 0, 1, … it is e + k/n before the k-th of its n steps. E is the
/// number of epochs of the training. (Where an epoch's number of steps is not known, as for
/// [`epoch_over`](crate::Trainer::epoch_over), t is e.)
///
/// | schedule | factor at t |
/// |---|---|
/// | [constant](Self::constant) | 1 |
/// | [step](Self::step) | γ^⌊t / s⌋ |
/// | [exponential](Self::exponential) | γ^⌊t⌋ |
/// | [cosine](Self::cosine) (Loshchilov, Hutter 2017) | f + (1 − f) · (1 + cos(π t/E)) / 2 |
/// | [restarts](Self::cosine_restarts) of it | the same over periods p, p·k, p·k², … |
/// | [one-cycle](Self::one_cycle) (Smith, Topin 2018) | from 1/25 along a cosine to 1 at t = a E, then along a cosine to 1/250 000 at E |
/// | [on plateau](Self::on_plateau) | γ to the number of times that the deciding loss has not improved for `patience` epochs |
/// | [own](Self::own) | of one's own |
///
/// A rate that falls below what the number type holds stays at the least that it holds, where a step
/// changes nothing any more.
///
/// A [warm-up](Self::warm_up) multiplies each of them by (t + 1/n) / w while t < w, and lets the
/// rest of the schedule see t − w, at least 0, and E − w. A factor of one's own sees t and E.
///
/// ```
/// use mlp::{Schedule, Moment};
/// let cosine = Schedule::cosine(0.1)?.warm_up(2.0)?;
/// let at = |epoch| cosine.factor(&Moment { epoch, step: 0, steps: Some(1), epochs: 10 });
/// assert_eq!([at(0), at(1), at(2)], [0.5, 1.0, 1.0]);
/// assert!((at(6) - 0.55).abs() < 1e-15); // half of the way
/// # Ok::<(), mlp::Error>(())
/// ```
#[must_use = "a schedule belongs to a training"]
#[derive(Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "Form", into = "Form", rename = "Schedule")
)]
pub struct Schedule {
    shape: Shape,
    warm_up: f64,
}

/// Where a training is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The epoch, from 0.
    pub epoch: usize,
    /// The step in it, from 0.
    pub step: usize,
    /// How many steps the epoch has, if that is known.
    pub steps: Option<usize>,
    /// How many epochs there are at most.
    pub epochs: usize,
}

impl Moment {
    /// t in epochs.
    pub fn time(&self) -> f64 {
        self.epoch as f64 + self.steps.map_or(0.0, |steps| self.step as f64 / steps.max(1) as f64)
    }

    /// t at the end of the step.
    fn end(&self) -> f64 {
        self.epoch as f64 + self.steps.map_or(1.0, |steps| (self.step + 1) as f64 / steps.max(1) as f64)
    }
}

#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(tag = "name", rename_all = "snake_case", deny_unknown_fields))]
enum Shape {
    Constant,
    Step {
        every: usize,
        factor: f64,
    },
    Exponential {
        factor: f64,
    },
    Cosine {
        least: f64,
    },
    Restarts {
        period: f64,
        growth: f64,
        least: f64,
    },
    OneCycle {
        rise: f64,
    },
    OnPlateau {
        factor: f64,
        patience: usize,
    },
    /// A function of the user's own, which is not written down.
    #[cfg_attr(feature = "serde", serde(skip))]
    Own(Own),
}

/// A function of the user's, equal to itself alone.
#[derive(Clone)]
struct Own(Arc<dyn Fn(&Moment) -> f64 + Send + Sync>);

impl PartialEq for Own {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// A schedule as serde has it.
#[cfg(feature = "serde")]
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    shape: Shape,
    warm_up: f64,
}

#[cfg(feature = "serde")]
impl From<Schedule> for Form {
    fn from(Schedule { shape, warm_up }: Schedule) -> Self {
        Form { shape, warm_up }
    }
}

/// By the constructors, which look at every number.
#[cfg(feature = "serde")]
impl TryFrom<Form> for Schedule {
    type Error = Error;

    fn try_from(Form { shape, warm_up }: Form) -> Result<Self> {
        let schedule = match shape {
            Shape::Constant => Ok(Schedule::constant()),
            Shape::Step { every, factor } => Schedule::step(every, factor),
            Shape::Exponential { factor } => Schedule::exponential(factor),
            Shape::Cosine { least } => Schedule::cosine(least),
            Shape::Restarts { period, growth, least } => Schedule::cosine_restarts(period, growth, least),
            Shape::OneCycle { rise } => Schedule::one_cycle(rise),
            Shape::OnPlateau { factor, patience } => Schedule::on_plateau(factor, patience),
            Shape::Own(_) => Ok(Schedule::new(shape)),
        };
        schedule?.warm_up(warm_up)
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self::constant()
    }
}

/// # Schedules
impl Schedule {
    const fn new(shape: Shape) -> Self {
        Schedule { shape, warm_up: 0.0 }
    }

    /// The rate stays.
    pub fn constant() -> Self {
        Self::new(Shape::Constant)
    }

    /// The rate is multiplied by γ every s epochs.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if s is 0, or γ not a finite number greater than 0.
    pub fn step(every: usize, factor: f64) -> Result<Self> {
        check_count("schedule's s", every)?;
        check_positive("schedule's γ", factor)?;
        Ok(Self::new(Shape::Step { every, factor }))
    }

    /// The rate is multiplied by γ after every epoch.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if γ is not a finite number greater than 0.
    pub fn exponential(factor: f64) -> Result<Self> {
        check_positive("schedule's γ", factor)?;
        Ok(Self::new(Shape::Exponential { factor }))
    }

    /// Half a cosine down to the share f of the rate at the last epoch's end.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if f is not in [0, 1].
    pub fn cosine(least: f64) -> Result<Self> {
        check_share("schedule's f", least)?;
        Ok(Self::new(Shape::Cosine { least }))
    }

    /// Cosines down to the share f, the first over `period` epochs, and each `growth` times as long
    /// as the one before.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the period or `growth` is not a finite number from 1 on, or f not
    /// in [0, 1].
    pub fn cosine_restarts(period: f64, growth: f64, least: f64) -> Result<Self> {
        check(
            period >= 1.0 && period.is_finite(),
            "schedule's period",
            period,
            "a finite number, at least 1",
        )?;
        check(
            growth >= 1.0 && growth.is_finite(),
            "schedule's growth",
            growth,
            "a finite number, at least 1",
        )?;
        check_share("schedule's f", least)?;
        Ok(Self::new(Shape::Restarts { period, growth, least }))
    }

    /// One rise to the rate, over the share `rise` of all epochs, and one long fall.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the share is not in (0, 1).
    pub fn one_cycle(rise: f64) -> Result<Self> {
        check(rise > 0.0 && rise < 1.0, "schedule's rise", rise, "in (0, 1)")?;
        Ok(Self::new(Shape::OneCycle { rise }))
    }

    /// The rate is multiplied by γ whenever the deciding loss, that of the validation part if there
    /// is one, has not been lower than the lowest before for `patience` epochs in a row; they are
    /// counted anew then.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if γ is not in (0, 1), or the patience is 0.
    pub fn on_plateau(factor: f64, patience: usize) -> Result<Self> {
        check(factor > 0.0 && factor < 1.0, "schedule's γ", factor, "in (0, 1)")?;
        check_count("schedule's patience", patience)?;
        Ok(Self::new(Shape::OnPlateau { factor, patience }))
    }

    /// A factor of one's own, a finite number greater than 0, for each step. A training that is to
    /// be resumed with the same bits needs one that depends on nothing but the moment.
    ///
    /// ```
    /// use mlp::{Moment, Optimizer, Schedule, Training};
    /// let inverse = Schedule::own(|moment: &Moment| 1.0 / (1.0 + moment.time()));
    /// let training = Training::<f64>::new(Optimizer::adam(0.1)?).schedule(inverse);
    /// # Ok::<(), mlp::Error>(())
    /// ```
    pub fn own(factor: impl Fn(&Moment) -> f64 + Send + Sync + 'static) -> Self {
        Self::new(Shape::Own(Own(Arc::new(factor))))
    }

    /// The same after a rise from 0 over the first w epochs, which need be no whole number.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if w is not a finite number from 0 on.
    pub fn warm_up(mut self, epochs: f64) -> Result<Self> {
        check_decay("warm-up", epochs)?;
        self.warm_up = epochs;
        Ok(self)
    }
}

/// # Factors
impl Schedule {
    /// The factor of a step; what [`on_plateau`](Self::on_plateau) makes of the losses is not in it.
    pub fn factor(&self, moment: &Moment) -> f64 {
        let is_warm = moment.time() >= self.warm_up;
        let rise = if is_warm { 1.0 } else { (moment.end() / self.warm_up).min(1.0) };
        rise * self.warm_factor(moment)
    }

    /// The factor but for the warm-up, during which it is that of t = 0.
    fn warm_factor(&self, moment: &Moment) -> f64 {
        let t = (moment.time() - self.warm_up).max(0.0);
        let of = (moment.epochs as f64 - self.warm_up).max(f64::MIN_POSITIVE);
        match &self.shape {
            Shape::Constant | Shape::OnPlateau { .. } => 1.0,
            Shape::Step { every, factor } => factor.powf((t / *every as f64).floor()),
            Shape::Exponential { factor } => factor.powf(t.floor()),
            Shape::Cosine { least } => half_cosine(1.0, *least, t / of),
            Shape::Restarts { period, growth, least } => {
                half_cosine(1.0, *least, since_restart(t, *period, *growth))
            }
            Shape::OneCycle { rise } => {
                let share = t / of;
                if share < *rise {
                    half_cosine(1.0 / 25.0, 1.0, share / rise)
                } else {
                    half_cosine(1.0, 1.0 / 250_000.0, (share - rise) / (1.0 - rise))
                }
            }
            Shape::Own(own) => (own.0)(moment),
        }
    }

    /// Whether every factor is 1, so that nothing has to be done for it.
    pub(super) fn is_constant(&self) -> bool {
        self.shape == Shape::Constant && self.warm_up == 0.0
    }

    /// Whether the user gives the factors.
    pub(super) fn is_own(&self) -> bool {
        matches!(self.shape, Shape::Own(_))
    }

    /// γ and the patience, if the losses decide.
    pub(super) fn plateau(&self) -> Option<(f64, usize)> {
        match self.shape {
            Shape::OnPlateau { factor, patience } => Some((factor, patience)),
            Shape::Constant
            | Shape::Step { .. }
            | Shape::Exponential { .. }
            | Shape::Cosine { .. }
            | Shape::Restarts { .. }
            | Shape::OneCycle { .. }
            | Shape::Own(_) => None,
        }
    }
}

/// From one number to another along half a cosine; all of the way at a share of 1.
fn half_cosine(from: f64, to: f64, share: f64) -> f64 {
    to + (from - to) * (1.0 + (std::f64::consts::PI * share.min(1.0)).cos()) / 2.0
}

/// The share of its period that has passed at t since the last restart.
fn since_restart(t: f64, period: f64, growth: f64) -> f64 {
    if growth == 1.0 {
        return (t / period).fract();
    }
    let (mut begun, mut length) = (0.0, period);
    while t >= begun + length {
        (begun, length) = (begun + length, length * growth);
    }
    (t - begun) / length
}

fn check(holds: bool, name: &'static str, value: f64, expected: &'static str) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::Hyperparameter { name, value, expected }) }
}

fn check_count(name: &'static str, count: usize) -> Result<()> {
    check(count > 0, name, count as f64, "at least 1")
}

fn check_share(name: &'static str, share: f64) -> Result<()> {
    check((0.0..=1.0).contains(&share), name, share, "in [0, 1]")
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schedule").field("shape", &self.shape).field("warm_up", &self.warm_up).finish()
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_string())
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shape::Constant => f.write_str("constant"),
            Shape::Step { every, factor } => write!(f, "step by {factor} every {every} epochs"),
            Shape::Exponential { factor } => write!(f, "exponential by {factor}"),
            Shape::Cosine { least } => write!(f, "cosine to {least}"),
            Shape::Restarts { period, growth, least } => {
                write!(f, "cosine to {least} with restarts after {period} epochs, times {growth}")
            }
            Shape::OneCycle { rise } => write!(f, "one-cycle with a rise of {rise}"),
            Shape::OnPlateau { factor, patience } => {
                write!(f, "by {factor} on a plateau of {patience} epochs")
            }
            Shape::Own(_) => f.write_str("own"),
        }
    }
}

/// Names the schedule, for reports.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shape.fmt(f)?;
        if self.warm_up == 0.0 { Ok(()) } else { write!(f, " after a warm-up of {} epochs", self.warm_up) }
    }
}

/// Lowers the rate where the losses improve no more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Plateau {
    pub(super) factor: f64,
    pub(super) patience: usize,
    pub(super) lowest: f64,
    pub(super) waited: usize,
    /// γ to the number of times so far.
    pub(super) product: f64,
}

impl Plateau {
    pub(super) fn new((factor, patience): (f64, usize)) -> Self {
        Plateau { factor, patience, lowest: f64::INFINITY, waited: 0, product: 1.0 }
    }

    /// Takes the loss of an epoch; says whether the rate changes.
    pub(super) fn observe(&mut self, loss: f64) -> bool {
        if loss < self.lowest {
            (self.lowest, self.waited) = (loss, 0);
            return false;
        }
        self.waited += 1;
        if self.waited < self.patience {
            return false;
        }
        (self.waited, self.product) = (0, (self.product * self.factor).max(f64::MIN_POSITIVE));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(schedule: &Schedule, epoch: usize, step: usize) -> f64 {
        schedule.factor(&Moment { epoch, step, steps: Some(4), epochs: 8 })
    }

    #[test]
    fn steps_and_powers() {
        let step = Schedule::step(3, 0.1).unwrap();
        let factors = [(0, 0), (2, 3), (3, 0), (5, 3), (6, 0)].map(|(e, k)| at(&step, e, k));
        assert_eq!(factors, [1.0, 1.0, 0.1, 0.1, 0.1_f64.powi(2)]);
        let exponential = Schedule::exponential(0.5).unwrap();
        assert_eq!([at(&exponential, 0, 3), at(&exponential, 3, 0)], [1.0, 0.125]);
    }

    #[test]
    fn cosines_by_hand() {
        let cosine = Schedule::cosine(0.2).unwrap();
        // A quarter of the way: (1 + √½)/2 of the 0.8 above 0.2.
        let quarter = 0.2 + 0.8 * (1.0 + 0.5_f64.sqrt()) / 2.0;
        assert!((at(&cosine, 2, 0) - quarter).abs() < 1e-15);
        assert!((at(&cosine, 4, 0) - 0.6).abs() < 1e-15);
        let restarts = Schedule::cosine_restarts(1.0, 2.0, 0.0).unwrap();
        // Periods [0, 1), [1, 3), [3, 7).
        for (epoch, step, expected) in
            [(0, 0, 1.0), (0, 2, 0.5), (1, 0, 1.0), (2, 0, 0.5), (3, 0, 1.0), (5, 0, 0.5)]
        {
            assert!((at(&restarts, epoch, step) - expected).abs() < 1e-12, "{epoch}, {step}");
        }
        let even = Schedule::cosine_restarts(2.0, 1.0, 0.0).unwrap();
        assert!((at(&even, 5, 0) - 0.5).abs() < 1e-15 && at(&even, 6, 0) == 1.0);
    }

    #[test]
    fn one_cycle_rises_once() {
        let cycle = Schedule::one_cycle(0.25).unwrap();
        assert!((at(&cycle, 0, 0) - 0.04).abs() < 1e-15);
        assert_eq!(at(&cycle, 2, 0), 1.0);
        assert!((at(&cycle, 5, 0) - (1.0 + 4e-6) / 2.0).abs() < 1e-12);
        assert!(at(&cycle, 7, 3) < 0.01);
    }

    #[test]
    fn a_warm_up_is_linear_in_the_steps() {
        let warm = Schedule::constant().warm_up(1.5).unwrap();
        let factors: Vec<f64> = (0..7).map(|k| at(&warm, k / 4, k % 4)).collect();
        for (k, factor) in factors.iter().enumerate() {
            assert!((factor - ((k + 1) as f64 / 6.0).min(1.0)).abs() < 1e-15, "{factors:?}");
        }
        assert!(!warm.is_constant() && Schedule::default().is_constant());
    }

    /// It rises to what follows it, and a factor of one's own counts from the first step on.
    #[test]
    fn a_warm_up_multiplies() {
        let of_time = Schedule::own(|moment| 0.25 / (1.0 + moment.time()));
        let warm = of_time.warm_up(2.0).unwrap();
        for k in 0..12 {
            let rise = ((k + 1) as f64 / 8.0).min(1.0);
            let expected = rise * 0.25 / (1.0 + k as f64 / 4.0);
            assert!((at(&warm, k / 4, k % 4) - expected).abs() < 1e-15, "{k}");
        }
        let cycle = Schedule::one_cycle(0.25).unwrap().warm_up(1.0).unwrap();
        let factors = [0, 1, 2, 3, 4].map(|k| at(&cycle, k / 4, k % 4));
        for (k, factor) in factors.iter().enumerate() {
            assert!((factor - 0.04 * ((k + 1) as f64 / 4.0).min(1.0)).abs() < 1e-15, "{factors:?}");
        }
    }

    #[test]
    fn a_plateau_lowers_the_rate_after_its_patience() {
        let mut plateau = Plateau::new(Schedule::on_plateau(0.5, 2).unwrap().plateau().unwrap());
        let losses = [1.0, 1.0, 0.5, 0.6, 0.7, 0.8, f64::NAN, 0.4];
        let changed = losses.map(|loss| plateau.observe(loss));
        assert_eq!(changed, [false, false, false, false, true, false, true, false]);
        assert_eq!(plateau.product, 0.25);
    }

    #[test]
    fn nonsense_is_refused() {
        for refused in [
            Schedule::step(0, 0.5),
            Schedule::step(1, 0.0),
            Schedule::exponential(f64::NAN),
            Schedule::cosine(1.5),
            Schedule::cosine_restarts(0.0, 1.0, 0.0),
            Schedule::cosine_restarts(1.0, 0.5, 0.0),
            Schedule::one_cycle(1.0),
            Schedule::on_plateau(1.0, 1),
            Schedule::on_plateau(0.5, 0),
            Schedule::constant().warm_up(-1.0),
        ] {
            assert!(matches!(refused, Err(Error::Hyperparameter { .. })), "{refused:?}");
        }
    }
}

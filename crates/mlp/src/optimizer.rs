//! How the parameters follow their gradients.

use tape::kernels::{self, Aligned};

use crate::sum::sum;
use crate::{Error, Result, Scalar};

/// A rule that changes parameters by their gradients, with its hyperparameters.
///
/// | rule | with gradient g and rate η, at step t = 1, 2, … |
/// |---|---|
/// | gradient descent | θ ← θ − η g |
/// | momentum (Polyak 1964) | v ← β v + g; θ ← θ − η v |
/// | Adam (Kingma, Ba 2015, algorithm 1) | m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; θ ← θ − η m̂ / (√v̂ + ε) with m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ) |
///
/// With [`l2`](Self::with_l2), J has the additional term λ/2 · Σ_l ‖W\[l\]‖²: the gradient of a
/// *weight* is g + λ W before the rule sees it. Biases have no such term.
///
/// ```
/// use mlp::{ParameterKind, Optimizer};
/// let mut state = Optimizer::gradient_descent(0.1)?.state::<f64>(&[(2, ParameterKind::Weight)]);
/// let mut w = [1.0, -2.0];
/// state.step(0, &mut w, &[5.0, 0.0])?;
/// assert_eq!(w, [0.5, -2.0]);
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Optimizer {
    rule: Rule,
    rate: f64,
    l2: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Rule {
    GradientDescent,
    Momentum { beta: f64 },
    Adam { beta_1: f64, beta_2: f64, epsilon: f64 },
}

/// What a parameter is, since L2 is about weights only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParameterKind {
    /// A W, to which L2 applies.
    Weight,
    /// A b, to which it does not.
    Bias,
}

/// # Rules
impl Optimizer {
    /// Gradient descent with rate η.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the rate is not a finite number greater than 0.
    pub fn gradient_descent(rate: f64) -> Result<Self> {
        Self::new(Rule::GradientDescent, rate)
    }

    /// Momentum with rate η and decay β.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the rate is not a finite number greater than 0, or β not in [0,
    /// 1).
    pub fn momentum(rate: f64, beta: f64) -> Result<Self> {
        check_beta("momentum β", beta)?;
        Self::new(Rule::Momentum { beta }, rate)
    }

    /// Adam with rate η, and β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸ as its authors propose.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the rate is not a finite number greater than 0.
    pub fn adam(rate: f64) -> Result<Self> {
        Self::adam_with(rate, 0.9, 0.999, 1e-8)
    }

    /// Adam with all its hyperparameters.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the rate or ε is not a finite number greater than 0, or a β not
    /// in [0, 1).
    pub fn adam_with(rate: f64, beta_1: f64, beta_2: f64, epsilon: f64) -> Result<Self> {
        check_beta("Adam's β₁", beta_1)?;
        check_beta("Adam's β₂", beta_2)?;
        check_positive("Adam's ε", epsilon)?;
        Self::new(Rule::Adam { beta_1, beta_2, epsilon }, rate)
    }

    /// The same rule with the term λ/2 · Σ_l ‖W\[l\]‖² in J.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if λ is not a finite number from 0 on.
    pub fn with_l2(mut self, lambda: f64) -> Result<Self> {
        if !(lambda >= 0.0 && lambda.is_finite()) {
            let expected = "a finite number, at least 0";
            return Err(Error::Hyperparameter { name: "L2 λ", value: lambda, expected });
        }
        self.l2 = lambda;
        Ok(self)
    }

    fn new(rule: Rule, rate: f64) -> Result<Self> {
        check_positive("rate", rate)?;
        Ok(Optimizer { rule, rate, l2: 0.0 })
    }
}

/// # Hyperparameters
impl Optimizer {
    /// η.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// λ of L2, 0 if there is none.
    pub fn l2(&self) -> f64 {
        self.l2
    }

    /// λ/2 · ‖W‖², what one weight matrix adds to J. It is computed in `f64`, where it errs by some
    /// roundings however many weights there are, and then rounded.
    pub fn penalty<T: Scalar>(&self, w: &[T]) -> T {
        T::optimizer_penalty(self, w)
    }

    pub(crate) fn penalty_here<T: Scalar>(&self, w: &[T]) -> T {
        let largest = w.iter().fold(0.0, |largest: f64, w| largest.max(w.to_f64().abs()));
        // Squares of the weights themselves could overflow, or vanish.
        let unit = if (1e-140..1e140).contains(&largest) || largest == 0.0 || largest.is_infinite() {
            1.0
        } else {
            largest
        };
        let squares = sum(0..w.len(), &|i| (w[i].to_f64() / unit).powi(2));
        T::from_f64(self.l2 / 2.0 * unit * squares * unit)
    }
}

/// # At work
impl Optimizer {
    /// Begins: what the rule remembers, for parameters of the given sizes and kinds.
    ///
    /// The hyperparameters are those of type T from here on. What T cannot hold is an
    /// [`Error::Hyperparameter`] of the first [`step`](OptimizerState::step), but for an ε of Adam
    /// that would round to 0: it is there to keep 0/0 away, and is the least positive normal number
    /// then. [`try_state`](Self::try_state) refuses either.
    ///
    /// # Panics
    /// If there is no memory for what is remembered. See [`try_state`](Self::try_state).
    #[track_caller]
    pub fn state<T: Scalar>(self, parameters: &[(usize, ParameterKind)]) -> OptimizerState<T> {
        match self.begin(parameters) {
            Ok(state) => state,
            Err(error) => panic!("{error}"),
        }
    }

    /// Like [`state`](Self::state), for hyperparameters that are not yet known to suit the type,
    /// and parameters of any size.
    ///
    /// ```
    /// use mlp::{Error, ParameterKind, Optimizer};
    /// let tiny = Optimizer::gradient_descent(1e-60)?;
    /// assert!(tiny.try_state::<f64>(&[(2, ParameterKind::Weight)]).is_ok());
    /// let error = tiny.try_state::<f32>(&[(2, ParameterKind::Weight)]).unwrap_err();
    /// assert_eq!(error.to_string(), "rate is 1e-60, it must be a number that f32 holds, from 1.2e-38 to 3.4e38");
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if T rounds one of them to 0 or ∞, or a β to 1; [`Error::Memory`]
    /// if there is no memory for what is remembered.
    pub fn try_state<T: Scalar>(self, parameters: &[(usize, ParameterKind)]) -> Result<OptimizerState<T>> {
        self.check::<T>()?;
        self.begin(parameters)
    }

    fn begin<T: Scalar>(self, parameters: &[(usize, ParameterKind)]) -> Result<OptimizerState<T>> {
        T::optimizer_begin(self, parameters)
    }

    pub(crate) fn begin_here<T: Scalar>(
        self,
        parameters: &[(usize, ParameterKind)],
    ) -> Result<OptimizerState<T>> {
        let remembered = match self.rule {
            Rule::GradientDescent => 0,
            Rule::Momentum { .. } => 1,
            Rule::Adam { .. } => 2,
        };
        let memory = |(k, &(size, kind)): (usize, &(usize, ParameterKind))| {
            let no_memory = |_| Error::Memory {
                what: format!("what the optimizer remembers of parameter {k}"),
                bytes: size as u128 * size_of::<T>() as u128,
            };
            let vector = |of: usize| {
                Aligned::try_new(if of < remembered { size } else { 0 }, T::ZERO).map_err(no_memory)
            };
            let l2 = match kind {
                ParameterKind::Weight => self.l2,
                ParameterKind::Bias => 0.0,
            };
            Ok(Memory { size, l2, first: vector(0)?, second: vector(1)?, powers: (1.0, 1.0) })
        };
        let memories = parameters.iter().enumerate().map(memory).collect::<Result<_>>()?;
        Ok(OptimizerState { optimizer: self, unsuited: self.without_epsilon().check::<T>().err(), memories })
    }

    /// Whether type T can compute with every hyperparameter.
    pub(crate) fn check<T: Scalar>(&self) -> Result<()> {
        T::optimizer_check(self)
    }

    pub(crate) fn check_here<T: Scalar>(&self) -> Result<()> {
        check_rate::<T>(self.rule, self.rate)?;
        if self.l2 != 0.0 {
            check_held::<T>("L2 λ", self.l2, self.l2)?;
        }
        match self.rule {
            Rule::GradientDescent => Ok(()),
            Rule::Momentum { beta } => check_beta_in::<T>("momentum β", beta),
            Rule::Adam { beta_1, beta_2, epsilon } => {
                check_beta_in::<T>("Adam's β₁", beta_1)?;
                check_beta_in::<T>("Adam's β₂", beta_2)?;
                check_held::<T>("Adam's ε", epsilon, epsilon)
            }
        }
    }

    /// The same, with an ε that every type holds.
    fn without_epsilon(mut self) -> Self {
        if let Rule::Adam { epsilon, .. } = &mut self.rule {
            // One that is too large is refused all the same.
            *epsilon = epsilon.max(1.0);
        }
        self
    }
}

/// The greatest factor that a rule takes: of Adam that of the first step, η / (1 − β₁).
fn check_rate<T: Scalar>(rule: Rule, rate: f64) -> Result<()> {
    let greatest = match rule {
        Rule::Adam { beta_1, .. } => rate / (1.0 - beta_1),
        Rule::GradientDescent | Rule::Momentum { .. } => rate,
    };
    check_held::<T>("rate", rate, rate)?;
    check_held::<T>("rate", rate, greatest)
}

/// The least positive normal number of T.
fn least<T: Scalar>() -> f64 {
    if T::NAME == "f32" { f32::MIN_POSITIVE.into() } else { f64::MIN_POSITIVE }
}

/// Whether a number that is made of the hyperparameter is neither 0, nor has lost digits, nor ∞ in
/// type T.
pub(crate) fn check_held<T: Scalar>(name: &'static str, value: f64, made: f64) -> Result<()> {
    if made.abs() >= least::<T>() && T::from_f64(made).is_finite() {
        return Ok(());
    }
    let expected = match T::NAME {
        "f32" => "a number that f32 holds, from 1.2e-38 to 3.4e38",
        _ => "a number that f64 holds, from 2.3e-308 to 1.7e308",
    };
    Err(Error::Hyperparameter { name, value, expected })
}

fn check_beta_in<T: Scalar>(name: &'static str, beta: f64) -> Result<()> {
    if T::from_f64(beta) < T::ONE {
        return Ok(());
    }
    let expected = match T::NAME {
        "f32" => "in [0, 1) after it is rounded to f32",
        _ => "in [0, 1)",
    };
    Err(Error::Hyperparameter { name, value: beta, expected })
}

fn check_positive(name: &'static str, value: f64) -> Result<()> {
    if value > 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(Error::Hyperparameter { name, value, expected: "a finite number greater than 0" })
}

fn check_beta(name: &'static str, value: f64) -> Result<()> {
    if (0.0..1.0).contains(&value) {
        return Ok(());
    }
    Err(Error::Hyperparameter { name, value, expected: "in [0, 1)" })
}

/// An optimizer at work: what it remembers of every parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct OptimizerState<T> {
    optimizer: Optimizer,
    /// What is wrong with the hyperparameters in type T.
    unsuited: Option<Error>,
    memories: Vec<Memory<T>>,
}

/// What is remembered of one parameter.
#[derive(Debug, Clone, PartialEq)]
struct Memory<T> {
    size: usize,
    /// λ, 0 for a bias.
    l2: f64,
    /// v of momentum or m of Adam.
    first: Aligned<T>,
    /// v of Adam.
    second: Aligned<T>,
    /// β₁ᵗ and β₂ᵗ.
    powers: (f64, f64),
}

impl<T: Scalar> OptimizerState<T> {
    /// The rule and its hyperparameters.
    pub fn optimizer(&self) -> &Optimizer {
        &self.optimizer
    }

    /// Changes η from the next step on; what is remembered stays.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the rate is not a finite number greater than 0, in type T too.
    /// It is then as it was.
    pub fn set_rate(&mut self, rate: f64) -> Result<()> {
        T::state_set_rate(self, rate)
    }

    pub(crate) fn set_rate_here(&mut self, rate: f64) -> Result<()> {
        check_positive("rate", rate)?;
        check_rate::<T>(self.optimizer.rule, rate)?;
        self.optimizer.rate = rate;
        self.unsuited = self.optimizer.without_epsilon().check::<T>().err();
        Ok(())
    }

    /// As it was before the first step, with memory of its own.
    pub(crate) fn try_anew(&self) -> Result<Self> {
        let kind =
            |memory: &Memory<T>| if memory.l2 == 0.0 { ParameterKind::Bias } else { ParameterKind::Weight };
        let sizes: Vec<_> = self.memories.iter().map(|memory| (memory.size, kind(memory))).collect();
        self.optimizer.begin(&sizes)
    }

    /// Becomes the other, of as many parameters of the same sizes.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        (self.optimizer, self.unsuited) = (other.optimizer, other.unsuited.clone());
        for (memory, other) in self.memories.iter_mut().zip(&other.memories) {
            memory.first.copy_from_slice(&other.first);
            memory.second.copy_from_slice(&other.second);
            memory.powers = other.powers;
        }
    }

    /// One step of parameter `k`, numbered as in [`Optimizer::state`], along its gradient.
    /// Allocates nothing.
    ///
    /// Each parameter counts its own steps t. Inside [`Threads::install`](tape::Threads::install)
    /// all threads have a part of a large parameter, with the same bits.
    ///
    /// # Errors
    /// [`Error::Length`] if a slice has not the size that was announced; [`Error::Hyperparameter`]
    /// if type T cannot hold one of them. The parameter is then as it was.
    ///
    /// # Panics
    /// If there is no parameter `k`.
    pub fn step(&mut self, k: usize, parameter: &mut [T], gradient: &[T]) -> Result<()> {
        T::state_step(self, k, parameter, gradient)
    }

    pub(crate) fn step_here(&mut self, k: usize, parameter: &mut [T], gradient: &[T]) -> Result<()> {
        if let Some(error) = &self.unsuited {
            return Err(error.clone());
        }
        let memory = &mut self.memories[k];
        check_length("parameter", memory.size, parameter.len())?;
        check_length("gradient", memory.size, gradient.len())?;
        let optimizer = self.optimizer;
        let l2 = T::from_f64(memory.l2);
        let number = T::from_f64;
        match optimizer.rule {
            Rule::GradientDescent => {
                let rate = number(optimizer.rate);
                memory.elements(parameter, gradient).share(&|part| part.descend(rate, l2));
            }
            Rule::Momentum { beta } => {
                let (rate, beta) = (number(optimizer.rate), number(beta));
                memory.elements(parameter, gradient).share(&|part| part.momentum(rate, beta, l2));
            }
            Rule::Adam { beta_1, beta_2, epsilon } => {
                let adam = memory.adam(optimizer.rate, (beta_1, beta_2), epsilon);
                memory.elements(parameter, gradient).share(&|part| part.adam(adam, l2));
            }
        }
        Ok(())
    }
}

fn check_length(list: &'static str, expected: usize, found: usize) -> Result<()> {
    if found == expected { Ok(()) } else { Err(Error::Length { list, expected, found }) }
}

impl<T: Scalar> Memory<T> {
    fn elements<'a>(&'a mut self, parameter: &'a mut [T], gradient: &'a [T]) -> Elements<'a, T> {
        Elements { parameter, gradient, first: &mut self.first, second: &mut self.second }
    }

    /// Counts a step, and takes what depends on t alone out of the loop over the elements, in f64
    /// since 1 − β₂ᵗ is small at first.
    fn adam(&mut self, rate: f64, beta: (f64, f64), epsilon: f64) -> Adam<T> {
        self.powers.0 *= beta.0;
        self.powers.1 *= beta.1;
        Adam {
            rate: T::from_f64(rate / (1.0 - self.powers.0)),
            second_scale: T::from_f64(1.0 / (1.0 - self.powers.1)),
            beta_1: T::from_f64(beta.0),
            rest_1: T::from_f64(1.0 - beta.0),
            beta_2: T::from_f64(beta.1),
            rest_2: T::from_f64(1.0 - beta.1),
            epsilon: T::from_f64(epsilon.max(least::<T>())),
        }
    }
}

/// The factors of a step of Adam.
#[derive(Clone, Copy)]
struct Adam<T> {
    /// η / (1 − β₁ᵗ).
    rate: T,
    /// 1 / (1 − β₂ᵗ).
    second_scale: T,
    beta_1: T,
    rest_1: T,
    beta_2: T,
    rest_2: T,
    epsilon: T,
}

/// Some elements of a parameter, each with its gradient and what is remembered of it.
struct Elements<'a, T> {
    parameter: &'a mut [T],
    gradient: &'a [T],
    first: &'a mut [T],
    second: &'a mut [T],
}

/// Elements that a rule changes.
struct Changed<'a, T, F> {
    elements: Elements<'a, T>,
    rule: &'a F,
}

impl<T: Scalar, F: Fn(Elements<'_, T>) + Sync> kernels::Divide for Changed<'_, T, F> {
    type Done = ();

    fn count(&self) -> usize {
        self.elements.parameter.len()
    }
    fn step(&self) -> usize {
        /// Elements of a cache line, at least.
        const LINE: usize = 16;
        LINE
    }
    fn is_worth_sharing(&self) -> bool {
        /// Fewer elements are not worth a second thread.
        const LEAST: usize = 16384;
        self.count() >= LEAST
    }
    fn cut(self, count: usize, _: usize) -> (Self, Self) {
        let (first, second) = self.elements.split_at(count);
        (Changed { elements: first, rule: self.rule }, Changed { elements: second, rule: self.rule })
    }
    fn run(self) {
        (self.rule)(self.elements);
    }
    fn both((): (), (): ()) {}
}

impl<'a, T: Scalar> Elements<'a, T> {
    /// Lets every thread change some of them by the rule.
    fn share(self, rule: &(impl Fn(Elements<'_, T>) + Sync)) {
        kernels::among(Changed { elements: self, rule }, kernels::threads());
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        // What a rule does not remember is an empty list.
        let cut = |list: &'a mut [T]| list.split_at_mut(at.min(list.len()));
        let (parameter, parameters) = cut(self.parameter);
        let (gradient, gradients) = self.gradient.split_at(at);
        let (first, firsts) = cut(self.first);
        let (second, seconds) = cut(self.second);
        let left = Elements { parameter, gradient, first, second };
        (left, Elements { parameter: parameters, gradient: gradients, first: firsts, second: seconds })
    }

    fn descend(self, rate: T, l2: T) {
        kernels::vectorised(
            #[inline(always)]
            move || {
                for (theta, &g) in self.parameter.iter_mut().zip(self.gradient) {
                    *theta -= rate * (g + l2 * *theta);
                }
            },
        );
    }

    fn momentum(self, rate: T, beta: T, l2: T) {
        kernels::vectorised(
            #[inline(always)]
            move || {
                let Elements { parameter, gradient, first, .. } = self;
                for ((theta, &g), v) in parameter.iter_mut().zip(gradient).zip(first) {
                    *v = beta * *v + (g + l2 * *theta);
                    *theta -= rate * *v;
                }
            },
        );
    }

    fn adam(self, by: Adam<T>, l2: T) {
        kernels::vectorised(
            #[inline(always)]
            move || {
                let Elements { parameter, gradient, first, second } = self;
                let moments = first.iter_mut().zip(second);
                for ((theta, &g), (m, v)) in parameter.iter_mut().zip(gradient).zip(moments) {
                    let g = g + l2 * *theta;
                    *m = by.beta_1 * *m + by.rest_1 * g;
                    *v = by.beta_2 * *v + by.rest_2 * g * g;
                    *theta -= by.rate * *m / ((by.second_scale * *v).sqrt() + by.epsilon);
                }
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use tape::Scalar as _;

    use super::*;

    /// The parameter after each of the gradients.
    fn path(optimizer: Optimizer, kind: ParameterKind, start: f64, gradients: &[f64]) -> Vec<f64> {
        let mut state = optimizer.state(&[(1, kind)]);
        let mut theta = [start];
        let step = |&g: &f64| {
            state.step(0, &mut theta, &[g]).unwrap();
            theta[0]
        };
        gradients.iter().map(step).collect()
    }

    #[track_caller]
    fn assert_close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() < 1e-15, "{found:?} is not {expected:?}");
        }
    }

    #[test]
    fn gradient_descent_by_hand() {
        let descent = Optimizer::gradient_descent(0.5).unwrap();
        assert_eq!(path(descent, ParameterKind::Weight, 1.0, &[1.0, -4.0]), [0.5, 2.5]);
    }

    #[test]
    fn momentum_by_hand() {
        // v = 1, 0.5 · 1 + 2 = 2.5, 0.5 · 2.5 + 0 = 1.25.
        let momentum = Optimizer::momentum(0.1, 0.5).unwrap();
        assert_close(&path(momentum, ParameterKind::Weight, 0.0, &[1.0, 2.0, 0.0]), &[-0.1, -0.35, -0.475]);
    }

    #[test]
    fn adam_by_hand() {
        // Whatever its size, a first gradient moves the parameter by η.
        let adam = Optimizer::adam_with(0.1, 0.5, 0.75, 1e-300).unwrap();
        // g = 4: m̂ = 4, v̂ = 16. g = 0: m = 1, m̂ = 1/0.75; v = 3, v̂ = 3/0.4375.
        let second = -0.1 - 0.1 * (1.0 / 0.75) / (3.0_f64 / 0.4375).sqrt();
        assert_close(&path(adam, ParameterKind::Weight, 0.0, &[4.0, 0.0]), &[-0.1, second]);
        // ε stands outside the root: 0.1 · 4 / (4 + 4).
        let adam = Optimizer::adam_with(0.1, 0.9, 0.999, 4.0).unwrap();
        assert_close(&path(adam, ParameterKind::Weight, 0.0, &[4.0]), &[-0.05]);
    }

    #[test]
    fn l2_pulls_at_weights_only() {
        let descent = Optimizer::gradient_descent(0.5).unwrap().with_l2(0.1).unwrap();
        assert_close(&path(descent, ParameterKind::Weight, 2.0, &[1.0]), &[2.0 - 0.5 * 1.2]);
        assert_close(&path(descent, ParameterKind::Bias, 2.0, &[1.0]), &[1.5]);
        let momentum = Optimizer::momentum(0.5, 0.9).unwrap().with_l2(0.1).unwrap();
        assert_close(&path(momentum, ParameterKind::Weight, 2.0, &[1.0]), &[2.0 - 0.5 * 1.2]);
        let adam = Optimizer::adam_with(0.5, 0.9, 0.999, 1.2).unwrap().with_l2(0.1).unwrap();
        assert_close(&path(adam, ParameterKind::Weight, 2.0, &[1.0]), &[2.0 - 0.5 * 1.2 / 2.4]);
        assert!((descent.penalty(&[3.0, 4.0]) - 1.25).abs() < 1e-15);
    }

    /// J = ½(x² + 25 y²), whose minimum is at 0.
    #[test]
    fn a_quadratic_bowl_is_descended() {
        for (optimizer, steps) in [
            (Optimizer::gradient_descent(0.03), 700),
            (Optimizer::momentum(0.03, 0.8), 300),
            (Optimizer::adam(0.02), 3000),
        ] {
            let optimizer = optimizer.unwrap();
            let mut state = optimizer.state(&[(2, ParameterKind::Weight)]);
            let mut at = [5.0_f32, -3.0];
            for _ in 0..steps {
                let gradient = [at[0], 25.0 * at[1]];
                state.step(0, &mut at, &gradient).unwrap();
            }
            assert!(at[0].abs() < 1e-4 && at[1].abs() < 1e-4, "{optimizer:?} ends at {at:?}");
        }
    }

    #[test]
    fn parameters_are_remembered_apart() {
        let mut state =
            Optimizer::adam(0.1).unwrap().state(&[(1, ParameterKind::Weight), (2, ParameterKind::Bias)]);
        let (mut w, mut b) = ([0.0], [0.0; 2]);
        for _ in 0..5 {
            state.step(0, &mut w, &[1.0]).unwrap();
        }
        state.step(1, &mut b, &[1.0, -1.0]).unwrap();
        assert!((b[0] + 0.1_f64).abs() < 1e-8 && (b[1] - 0.1).abs() < 1e-8);
    }

    #[test]
    fn the_rate_can_change_on_the_way() {
        let mut state = Optimizer::gradient_descent(1.0).unwrap().state(&[(1, ParameterKind::Weight)]);
        let mut w = [0.0];
        state.step(0, &mut w, &[1.0]).unwrap();
        state.set_rate(0.25).unwrap();
        state.step(0, &mut w, &[1.0]).unwrap();
        assert_eq!(w, [-1.25]);
        assert!(state.set_rate(0.0).is_err());
        assert_eq!(state.optimizer().rate(), 0.25);
    }

    #[test]
    fn the_type_that_computes_has_its_say() {
        let weight = [(1, ParameterKind::Weight)];
        let refused = |optimizer: Optimizer| {
            assert!(optimizer.try_state::<f64>(&weight).is_ok(), "{optimizer:?}");
            let error = optimizer.try_state::<f32>(&weight).unwrap_err();
            assert!(matches!(error, Error::Hyperparameter { .. }), "{error}");
            error.to_string()
        };
        // Not to be had later either.
        let refused_late = |optimizer: Optimizer| {
            let (mut state, mut w) = (optimizer.state::<f32>(&weight), [1.0]);
            assert_eq!(state.step(0, &mut w, &[1.0]).unwrap_err().to_string(), refused(optimizer));
            assert_eq!(w, [1.0]);
        };
        for rate in [1e-60, 1e-40, 1e39, 1e300] {
            refused_late(Optimizer::gradient_descent(rate).unwrap());
            refused_late(Optimizer::momentum(rate, 0.9).unwrap());
            refused_late(Optimizer::adam(rate).unwrap());
            refused_late(Optimizer::adam(0.1).unwrap().with_l2(rate).unwrap());
        }
        // η / (1 − β₁) is 10 η.
        refused_late(Optimizer::adam(1e38).unwrap());
        let rest = 1.0 - 1e-9;
        refused_late(Optimizer::momentum(0.1, rest).unwrap());
        refused_late(Optimizer::adam_with(0.1, rest, 0.9, 1e-8).unwrap());
        refused_late(Optimizer::adam_with(0.1, 0.9, rest, 1e-8).unwrap());
        refused_late(Optimizer::adam_with(0.1, 0.9, 0.9, 1e300).unwrap());
        for epsilon in [1e-46, 1e-50, 1e-39] {
            let text = refused(Optimizer::adam_with(0.1, 0.9, 0.9, epsilon).unwrap());
            assert!(text.starts_with(&format!("Adam's ε is {epsilon:e}, it must be")), "{text}");
        }
        assert!(Optimizer::adam(1e308).unwrap().try_state::<f64>(&weight).is_err());
        let mut state = Optimizer::adam(0.1).unwrap().state::<f32>(&weight);
        assert!(state.set_rate(1e-50).is_err() && state.set_rate(1e38).is_err());
        assert_eq!(state.optimizer().rate(), 0.1);
        let mut late = Optimizer::gradient_descent(1e300).unwrap().state::<f32>(&weight);
        late.set_rate(0.5).unwrap();
        let mut w = [1.0];
        late.step(0, &mut w, &[1.0]).unwrap();
        assert_eq!(w, [0.5]);
    }

    #[test]
    fn an_epsilon_that_vanishes_still_keeps_0_over_0_away() {
        for epsilon in [1e-46, 1e-300] {
            let mut state = Optimizer::adam_with(0.1, 0.9, 0.999, epsilon)
                .unwrap()
                .state::<f32>(&[(2, ParameterKind::Weight)]);
            let mut w = [1.0_f32, 1.0];
            state.step(0, &mut w, &[0.0, 1.0]).unwrap();
            assert_eq!(w[0], 1.0);
            assert!((w[1] - 0.9).abs() < 1e-6);
        }
    }

    #[test]
    fn memory_that_there_is_not_is_an_error() {
        for size in [usize::MAX, isize::MAX as usize, 1 << 60] {
            assert!(
                Optimizer::gradient_descent(0.1)
                    .unwrap()
                    .try_state::<f32>(&[(size, ParameterKind::Bias)])
                    .is_ok()
            );
            for optimizer in [Optimizer::momentum(0.1, 0.9), Optimizer::adam(0.1)] {
                let error = optimizer
                    .unwrap()
                    .try_state::<f64>(&[(2, ParameterKind::Bias), (size, ParameterKind::Weight)])
                    .unwrap_err();
                let text = format!(
                    "what the optimizer remembers of parameter 1: no memory for {} bytes",
                    8 * size as u128
                );
                assert_eq!(error.to_string(), text);
            }
        }
    }

    #[test]
    #[should_panic(expected = "no memory for")]
    fn state_panics_where_try_state_refuses() {
        Optimizer::adam(0.1).unwrap().state::<f32>(&[(usize::MAX, ParameterKind::Weight)]);
    }

    #[test]
    fn penalties_of_many_and_of_extreme_weights() {
        let l2 = |lambda: f64| Optimizer::gradient_descent(0.1).unwrap().with_l2(lambda).unwrap();
        assert_eq!(l2(2.0).penalty(&vec![1.0_f32; 1 << 25]), 33_554_432.0);
        assert_eq!(l2(2.0).penalty(&vec![0.5_f64; 3 << 20]), f64::from(3 << 18));
        // 1e-10/2 · (1e20)², whose square is ∞ in f32, and 1e-300/2 · (1e200)², whose square is ∞
        // in f64.
        assert!((l2(1e-10).penalty(&[1e20_f32]) / 5e29 - 1.0).abs() < 1e-6);
        assert!((l2(1e-300).penalty(&[1e200, -1e200]) / 1e100 - 1.0).abs() < 1e-15);
        assert!((l2(1e300).penalty(&[1e-200, 1e-200]) / 1e-100 - 1.0).abs() < 1e-15);
        assert_eq!(l2(2.0).penalty::<f64>(&[]), 0.0);
        assert_eq!(l2(2.0).penalty(&[0.0, f64::INFINITY]), f64::INFINITY);
        assert!(l2(2.0).penalty(&[1.0, f64::NAN]).is_nan());
    }

    #[test]
    fn nonsense_is_refused() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Optimizer::gradient_descent(rate).is_err());
            assert!(Optimizer::momentum(rate, 0.9).is_err());
            assert!(Optimizer::adam(rate).is_err());
            assert!(Optimizer::adam_with(0.1, 0.9, 0.9, rate).is_err());
        }
        for beta in [1.0, -0.1, f64::NAN] {
            assert!(Optimizer::momentum(0.1, beta).is_err());
            assert!(Optimizer::adam_with(0.1, beta, 0.9, 1e-8).is_err());
            assert!(Optimizer::adam_with(0.1, 0.9, beta, 1e-8).is_err());
        }
        for lambda in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(Optimizer::adam(0.1).unwrap().with_l2(lambda).is_err());
        }
        assert_eq!(
            Optimizer::momentum(0.1, 1.5).unwrap_err().to_string(),
            "momentum β is 1.5, it must be in [0, 1)"
        );
        let mut state = Optimizer::gradient_descent(0.1).unwrap().state(&[(2, ParameterKind::Weight)]);
        assert_eq!(
            state.step(0, &mut [0.0; 2], &[0.0; 3]).unwrap_err().to_string(),
            "gradient: 2 values are needed, 3 were given"
        );
        assert!(state.step(0, &mut [0.0; 1], &[0.0; 2]).is_err());
    }
}

//! The rules, on some elements of a parameter.

use tape::kernels;

use crate::Scalar;

/// The factors of a step of Adam.
#[derive(Clone, Copy)]
pub(super) struct Adam<T> {
    /// η / (1 − β₁ᵗ).
    pub(super) rate: T,
    /// 1 / (1 − β₂ᵗ).
    pub(super) second_scale: T,
    pub(super) beta_1: T,
    pub(super) rest_1: T,
    pub(super) beta_2: T,
    pub(super) rest_2: T,
    pub(super) epsilon: T,
}

/// A rule, with the factors of a step.
#[derive(Clone, Copy)]
pub(super) enum Following<T> {
    Descent { rate: T, l2: T },
    Momentum { rate: T, beta: T, l2: T },
    Adam { by: Adam<T>, l2: T },
}

/// Some elements of a parameter, each with its gradient and what is remembered of it.
pub(super) struct Elements<'a, T> {
    pub(super) parameter: &'a mut [T],
    pub(super) gradient: &'a [T],
    pub(super) first: &'a mut [T],
    pub(super) second: &'a mut [T],
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
    pub(super) fn share(self, rule: &(impl Fn(Elements<'_, T>) + Sync)) {
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

    /// Changes them by the rule.
    pub(super) fn follow(self, by: Following<T>) {
        match by {
            Following::Descent { rate, l2 } => self.descend(rate, l2),
            Following::Momentum { rate, beta, l2 } => self.momentum(rate, beta, l2),
            Following::Adam { by, l2 } => self.adam(by, l2),
        }
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

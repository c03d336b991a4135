//! The rules, on some elements of a parameter.

use tape::kernels;

use crate::Scalar;
use crate::optimizer::rule::MOST;

/// A rule, with the factors of a step.
#[derive(Clone, Copy)]
pub(super) struct Following<T> {
    pub(super) rule: Factors<T>,
    /// λ of L2.
    pub(super) l2: T,
    /// η λ, by which the decoupled decay makes a weight smaller.
    pub(super) shrink: T,
}

/// The factors that a rule's formula has.
#[derive(Clone, Copy)]
pub(super) enum Factors<T> {
    Descent { rate: T },
    Momentum { rate: T, beta: T },
    Nesterov { rate: T, beta: T },
    RmsProp(RmsProp<T>),
    Adagrad { rate: T, epsilon: T },
    Adam(Adam<T>),
    Lion { rate: T, one: Mean<T>, two: Mean<T> },
}

/// The factors of a running mean a ← β a + (1 − β) g.
#[derive(Clone, Copy)]
pub(super) struct Mean<T> {
    beta: T,
    rest: T,
}

#[derive(Clone, Copy)]
pub(super) struct RmsProp<T> {
    pub(super) rate: T,
    pub(super) mean: Mean<T>,
    pub(super) beta: T,
    pub(super) epsilon: T,
    pub(super) is_centred: bool,
}

#[derive(Clone, Copy)]
pub(super) struct Adam<T> {
    /// η / (1 − β₁ᵗ).
    pub(super) rate: T,
    /// 1 / (1 − β₂ᵗ).
    pub(super) second_scale: T,
    pub(super) one: Mean<T>,
    pub(super) two: Mean<T>,
    pub(super) epsilon: T,
}

impl<T: Scalar> Mean<T> {
    pub(super) fn new(beta: f64) -> Self {
        Mean { beta: T::from_f64(beta), rest: T::from_f64(1.0 - beta) }
    }

    #[inline(always)]
    fn of(self, a: T, g: T) -> T {
        self.beta * a + self.rest * g
    }

    #[inline(always)]
    fn of_square(self, a: T, g: T) -> T {
        self.beta * a + self.rest * g * g
    }
}

/// Some elements of a parameter, each with its gradient and what is remembered of it.
pub(super) struct Elements<'a, T> {
    pub(super) parameter: &'a mut [T],
    pub(super) gradient: &'a [T],
    /// What the rule does not remember is an empty list.
    pub(super) remembered: [&'a mut [T]; MOST],
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
        let cut = |list: &'a mut [T]| list.split_at_mut(at.min(list.len()));
        let (parameter, parameters) = cut(self.parameter);
        let (gradient, gradients) = self.gradient.split_at(at);
        let [(a, a_s), (b, b_s), (c, c_s)] = self.remembered.map(cut);
        let left = Elements { parameter, gradient, remembered: [a, b, c] };
        (left, Elements { parameter: parameters, gradient: gradients, remembered: [a_s, b_s, c_s] })
    }

    /// Changes them by the rule.
    pub(super) fn follow(self, by: Following<T>) {
        match by.rule {
            Factors::Descent { rate } => self.by_none(
                by,
                #[inline(always)]
                |g| rate * g,
            ),
            Factors::Momentum { rate, beta } => self.by_one(
                by,
                #[inline(always)]
                |g, v| {
                    *v = beta * *v + g;
                    rate * *v
                },
            ),
            Factors::Nesterov { rate, beta } => self.by_one(
                by,
                #[inline(always)]
                |g, v| {
                    *v = beta * *v + g;
                    rate * (g + beta * *v)
                },
            ),
            Factors::RmsProp(factors) => self.rms_prop(by, factors),
            Factors::Adagrad { rate, epsilon } => self.by_one(
                by,
                #[inline(always)]
                |g, s| {
                    *s += g * g;
                    rate * g / (s.sqrt() + epsilon)
                },
            ),
            Factors::Adam(Adam { rate, second_scale, one, two, epsilon }) => self.by_two(
                by,
                #[inline(always)]
                |g, m, v| {
                    *m = one.of(*m, g);
                    *v = two.of_square(*v, g);
                    rate * *m / ((second_scale * *v).sqrt() + epsilon)
                },
            ),
            Factors::Lion { rate, one, two } => self.by_one(
                by,
                #[inline(always)]
                |g, m| {
                    let c = one.of(*m, g);
                    *m = two.of(*m, g);
                    rate * sign(c)
                },
            ),
        }
    }

    fn rms_prop(self, by: Following<T>, factors: RmsProp<T>) {
        let RmsProp { rate, mean, beta, epsilon, is_centred } = factors;
        match (is_centred, beta != T::ZERO) {
            (false, false) => self.by_one(
                by,
                #[inline(always)]
                |g, s| {
                    *s = mean.of_square(*s, g);
                    rate * g / (s.sqrt() + epsilon)
                },
            ),
            (false, true) => self.by_two(
                by,
                #[inline(always)]
                |g, s, v| {
                    *s = mean.of_square(*s, g);
                    *v = beta * *v + g / (s.sqrt() + epsilon);
                    rate * *v
                },
            ),
            (true, false) => self.third_as_second().by_two(
                by,
                #[inline(always)]
                |g, s, m| {
                    *s = mean.of_square(*s, g);
                    *m = mean.of(*m, g);
                    rate * g / (spread(*s, *m).sqrt() + epsilon)
                },
            ),
            (true, true) => self.by_three(
                by,
                #[inline(always)]
                |g, s, v, m| {
                    *s = mean.of_square(*s, g);
                    *m = mean.of(*m, g);
                    *v = beta * *v + g / (spread(*s, *m).sqrt() + epsilon);
                    rate * *v
                },
            ),
        }
    }

    fn third_as_second(self) -> Self {
        let [a, b, c] = self.remembered;
        Elements { remembered: [a, c, b], ..self }
    }

    // One pass over what each kind of rule remembers: `change` is what its formula takes away from
    // θ, of g with the term of L2.

    fn by_none(self, by: Following<T>, change: impl Fn(T) -> T) {
        kernels::vectorised(
            #[inline(always)]
            move || {
                for (theta, &g) in self.parameter.iter_mut().zip(self.gradient) {
                    *theta -= by.shrink * *theta + change(g + by.l2 * *theta);
                }
            },
        );
    }

    fn by_one(self, by: Following<T>, change: impl Fn(T, &mut T) -> T) {
        kernels::vectorised(
            #[inline(always)]
            move || {
                let Elements { parameter, gradient, remembered: [a, _, _] } = self;
                for ((theta, &g), a) in parameter.iter_mut().zip(gradient).zip(a) {
                    *theta -= by.shrink * *theta + change(g + by.l2 * *theta, a);
                }
            },
        );
    }

    fn by_two(self, by: Following<T>, change: impl Fn(T, &mut T, &mut T) -> T) {
        kernels::vectorised(
            #[inline(always)]
            move || {
                let Elements { parameter, gradient, remembered: [a, b, _] } = self;
                for ((theta, &g), (a, b)) in parameter.iter_mut().zip(gradient).zip(a.iter_mut().zip(b)) {
                    *theta -= by.shrink * *theta + change(g + by.l2 * *theta, a, b);
                }
            },
        );
    }

    fn by_three(self, by: Following<T>, change: impl Fn(T, &mut T, &mut T, &mut T) -> T) {
        kernels::vectorised(
            #[inline(always)]
            move || {
                let Elements { parameter, gradient, remembered: [a, b, c] } = self;
                let remembered = a.iter_mut().zip(b).zip(c);
                for ((theta, &g), ((a, b), c)) in parameter.iter_mut().zip(gradient).zip(remembered) {
                    *theta -= by.shrink * *theta + change(g + by.l2 * *theta, a, b, c);
                }
            },
        );
    }
}

/// s − m², which rounding must not make negative.
#[inline(always)]
fn spread<T: Scalar>(s: T, m: T) -> T {
    let spread = s - m * m;
    if spread < T::ZERO { T::ZERO } else { spread } // a NaN stays one
}

/// 1, −1, 0 of 0, and NaN of NaN.
#[inline(always)]
fn sign<T: Scalar>(c: T) -> T {
    let negative_or_none = if c < T::ZERO { -T::ONE } else { c };
    if c > T::ZERO { T::ONE } else { negative_or_none }
}

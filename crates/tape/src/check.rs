//! A gradient checker, for functions g, operations and whole models of one's own.
//!
//! What was recorded is held against laws that every derivative obeys, at the inputs given and along random directions:
//!
//! 1. ⟨u, (f(x + hv) − f(x − hv)) / 2h⟩ = ⟨Jᵀu, v⟩ for each operand, with a random cotangent u and direction v;
//! 2. the same for the recorded gradient x ↦ Jᵀu, so that second derivatives are right;
//! 3. ⟨u, J·v⟩ = ⟨Jᵀu, v⟩ through [`jvp`](crate::Var::jvp);
//! 4. Jᵀ(2u) = 2·Jᵀu bit by bit, and Jᵀ(u + u′) = Jᵀu + Jᵀu′ within rounding;
//! 5. Jᵀ0 = 0 exactly;
//! 6. the same inputs give the same bits;
//! 7. of a 1 × 1 function the Hessian is symmetric, ⟨v, H·w⟩ = ⟨w, H·v⟩.
//!
//! **Step and tolerance.** The difference quotient is extrapolated from h and h/2 (Richardson), which leaves an error of order
//! h⁴ from the function's bends and ε/h from rounding; both are small at h = ε^(1/5), about 7·10⁻⁴ in f64 and 0.04 in f32,
//! times the size of the input. On smooth functions that leaves about 10⁻¹⁰ in f64; the tolerance, relative to
//! ‖Jᵀu‖·‖v‖, is 10⁻⁶. In f32 it is 2·10⁻²: there ε^(4/5) is 3·10⁻⁶, times a constant that grows with the function's bends.
//!
//! **Kinks.** Where g has a kink closer than h to an input, no difference quotient is the derivative. Draw the inputs away from
//! kinks; a message says so where the two one-sided quotients do not come together.
//!
//! ```
//! use tape::check::Check;
//! use tape::{Function, matrix};
//! let cube = Function::new("cube", |x: f64| x * x * x).with_derivative(Function::new("cube′", |x| 3.0 * x * x));
//! Check::new().order(1).function(&cube, &[-1.5, 0.1, 2.0]).unwrap();
//!
//! let wrong = Function::new("cube", |x: f64| x * x * x).with_derivative(Function::new("cube′", |x| 2.0 * x * x));
//! let failure = Check::new().order(1).function(&wrong, &[-1.5, 0.1, 2.0]).unwrap_err();
//! assert!(failure.to_string().contains("differs from the difference quotient"));
//!
//! Check::new()
//!     .scalar(&[matrix![[0.2, -0.4], [0.3, 0.7]], matrix![[1.0], [2.0]]], |_, x| x[0].matmul(x[1]).tanh().sum())
//!     .unwrap();
//! ```

use std::fmt;

use crate::{Error, Function, Matrix, Program, Scalar, Tape, Var};

/// The settings of a check; [`Check::new`] has the defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    seed: u64,
    order: usize,
    directions: usize,
    step: Option<f64>,
    tolerance: Option<f64>,
}

/// A law that does not hold.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Broken {
    /// Recording or running failed, for instance because a derivative is missing.
    Failed(Error),
    /// Law 1 or 2: a derivative differs from the difference quotient.
    Derivative {
        /// 1, or 2 for the derivative of the gradient.
        order: usize,
        /// The operand, from 0.
        operand: usize,
        /// ⟨Jᵀu, v⟩.
        recorded: f64,
        /// The difference quotient.
        quotient: f64,
        /// The difference relative to ‖Jᵀu‖·‖v‖.
        relative: f64,
        /// What is allowed.
        tolerance: f64,
        /// Whether the one-sided quotients disagree.
        kink: bool,
    },
    /// Law 3: ⟨u, J·v⟩ and ⟨Jᵀu, v⟩ differ.
    Forward {
        /// ⟨u, J·v⟩.
        forward: f64,
        /// ⟨Jᵀu, v⟩.
        reverse: f64,
    },
    /// Law 4: Jᵀ(2u) is not 2·Jᵀu.
    NotHomogeneous {
        /// The operand, from 0.
        operand: usize,
    },
    /// Law 4: Jᵀ(u + u′) is not Jᵀu + Jᵀu′.
    NotAdditive {
        /// The operand, from 0.
        operand: usize,
        /// The difference relative to the terms.
        relative: f64,
    },
    /// Law 5: Jᵀ0 is not 0.
    NotZero {
        /// The operand, from 0.
        operand: usize,
    },
    /// Law 6: the same inputs gave other bits.
    NotRepeatable,
    /// Law 7: the Hessian is not symmetric.
    NotSymmetric {
        /// ⟨v, H·w⟩.
        one_way: f64,
        /// ⟨w, H·v⟩.
        other_way: f64,
    },
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Failed(error) => write!(f, "{error}"),
            Broken::Derivative { order, operand, recorded, quotient, relative, tolerance, kink } => {
                let of = if *order == 1 { "the derivative" } else { "the second derivative" };
                write!(f, "{of} with respect to operand {operand} is {recorded:.6e} along a direction and ")?;
                write!(f, "differs from the difference quotient {quotient:.6e}: ")?;
                write!(f, "{relative:.1e} relative to the gradient, {tolerance:.0e} is allowed")?;
                if *kink { write!(f, "; it looks like a kink near the input") } else { Ok(()) }
            }
            Broken::Forward { forward, reverse } => {
                write!(f, "⟨u, J·v⟩ is {forward:.6e} and ⟨Jᵀu, v⟩ is {reverse:.6e}")
            }
            Broken::NotHomogeneous { operand } => {
                write!(f, "twice the cotangent does not give twice the gradient of operand {operand}")
            }
            Broken::NotAdditive { operand, relative } => write!(
                f,
                "the gradient of operand {operand} is not additive in the cotangent: {relative:.1e} relative to the terms"
            ),
            Broken::NotZero { operand } => {
                write!(f, "a cotangent of zeros does not give zeros for operand {operand}")
            }
            Broken::NotRepeatable => write!(f, "the same inputs give other values when run again"),
            Broken::NotSymmetric { one_way, other_way } => {
                write!(
                    f,
                    "the Hessian is not symmetric: ⟨v, H·w⟩ is {one_way:.6e}, ⟨w, H·v⟩ is {other_way:.6e}"
                )
            }
        }
    }
}

/// All laws that do not hold, each once for an operand.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// At least one.
    pub broken: Vec<Broken>,
}

impl std::error::Error for Failure {}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, broken) in self.broken.iter().enumerate() {
            let separator = if i == 0 { "" } else { "\n" };
            write!(f, "{separator}{broken}")?;
        }
        Ok(())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure { broken: vec![Broken::Failed(error)] }
    }
}

/// How far the laws were from breaking: the largest relative differences.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Summary {
    /// Of law 1.
    pub first_order: f64,
    /// Of law 2.
    pub second_order: f64,
    /// Of law 3.
    pub forward: f64,
    /// Of the second half of law 4.
    pub additive: f64,
    /// Of law 7.
    pub symmetric: f64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { first_order, second_order, forward, additive, symmetric } = self;
        writeln!(f, "first derivative   {first_order:.1e}")?;
        writeln!(f, "second derivative  {second_order:.1e}")?;
        writeln!(f, "forward = reverse  {forward:.1e}")?;
        writeln!(f, "additive           {additive:.1e}")?;
        write!(f, "symmetric          {symmetric:.1e}")
    }
}

impl Default for Check {
    fn default() -> Self {
        Check::new()
    }
}

impl Check {
    /// Orders 1 and 2, three directions, seed 0, step and tolerance by the number type.
    pub fn new() -> Self {
        Check { seed: 0, order: 2, directions: 3, step: None, tolerance: None }
    }

    /// The seed of the directions and cotangents.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Check { seed, ..self }
    }

    /// The highest order of derivatives that is checked: 1 or 2.
    #[must_use]
    pub fn order(self, order: usize) -> Self {
        Check { order, ..self }
    }

    /// How many random directions each law is tried along.
    #[must_use]
    pub fn directions(self, directions: usize) -> Self {
        Check { directions, ..self }
    }

    /// The step h of the difference quotient, times 1 + the largest input.
    #[must_use]
    pub fn step(self, step: f64) -> Self {
        Check { step: Some(step), ..self }
    }

    /// The difference allowed, relative to ‖Jᵀu‖·‖v‖.
    #[must_use]
    pub fn tolerance(self, tolerance: f64) -> Self {
        Check { tolerance: Some(tolerance), ..self }
    }

    /// Checks a function whose value is 1 × 1: `record` gets the inputs as parameters.
    ///
    /// # Errors
    /// The laws that do not hold.
    pub fn scalar<T: Scalar>(
        &self,
        inputs: &[Matrix<T>],
        record: impl for<'t> Fn(&'t Tape<T>, &[Var<'t, T>]) -> Var<'t, T>,
    ) -> Result<Summary, Failure> {
        self.run(inputs, &record, true)
    }

    /// Checks an operation, or any function, by random cotangents of its result's shape.
    ///
    /// # Errors
    /// The laws that do not hold.
    pub fn operation<T: Scalar>(
        &self,
        inputs: &[Matrix<T>],
        record: impl for<'t> Fn(&'t Tape<T>, &[Var<'t, T>]) -> Var<'t, T>,
    ) -> Result<Summary, Failure> {
        self.run(inputs, &record, false)
    }

    /// Checks a function g at some points. One without a second derivative is checked with [`order(1)`](Check::order).
    ///
    /// # Errors
    /// The laws that do not hold.
    pub fn function<T: Scalar>(&self, g: &Function<T>, points: &[T]) -> Result<Summary, Failure> {
        self.run(&[Matrix::row(points)], &|_, x| x[0].map(g), false)
    }

    fn run<T: Scalar>(
        &self,
        inputs: &[Matrix<T>],
        record: &Record<'_, T>,
        is_scalar: bool,
    ) -> Result<Summary, Failure> {
        let tape = Tape::new();
        let mut trial = Trial::new(self, &tape, inputs, record)?;
        trial.repeatable()?;
        for _ in 0..self.directions.max(1) {
            trial.draw();
            trial.cotangents()?;
            trial.first_order()?;
            if self.order >= 2 {
                trial.second_order(is_scalar)?;
            }
        }
        let Trial { broken, summary, .. } = trial;
        if broken.is_empty() { Ok(summary) } else { Err(Failure { broken }) }
    }
}

type Record<'r, T> = dyn for<'t> Fn(&'t Tape<T>, &[Var<'t, T>]) -> Var<'t, T> + 'r;

/// A recorded function with its derivatives, and what was found of it.
struct Trial<'t, 'i, T: Scalar> {
    inputs: &'i [Matrix<T>],
    x: Vec<Var<'t, T>>,
    u: Var<'t, T>,
    /// Tangents v for the inputs, and weights w of their gradients.
    v: Vec<Var<'t, T>>,
    w: Vec<Var<'t, T>>,
    value: Var<'t, T>,
    gradients: Vec<Var<'t, T>>,
    forward: Var<'t, T>,
    /// The derivatives of Σ⟨Jᵀu, w⟩, if order 2 was asked for.
    seconds: Vec<Var<'t, T>>,
    values: Program<T>,
    firsts: Program<T>,
    forwards: Program<T>,
    second: Option<Program<T>>,
    random: SplitMix,
    drawn: Drawn<T>,
    step: f64,
    tolerance: f64,
    broken: Vec<Broken>,
    summary: Summary,
}

/// The random matrices of a round.
struct Drawn<T: Scalar> {
    u: Matrix<T>,
    other_u: Matrix<T>,
    v: Vec<Matrix<T>>,
    w: Vec<Matrix<T>>,
}

impl<'t, 'i, T: Scalar> Trial<'t, 'i, T> {
    fn new(
        check: &Check,
        tape: &'t Tape<T>,
        inputs: &'i [Matrix<T>],
        record: &Record<'_, T>,
    ) -> Result<Self, Failure> {
        let named = |(i, input): (usize, &Matrix<T>)| tape.parameter(&format!("x{i}"), input);
        let x: Vec<Var<'t, T>> = inputs.iter().enumerate().map(named).collect();
        let value = record(tape, &x);
        let shape = value.shape()?;
        let u = tape.parameter_unbound("u", shape);
        let like = |name: &str| -> Vec<Var<'t, T>> {
            x.iter().map(|x| tape.parameter_unbound(name, x.known_shape())).collect()
        };
        let (v, w) = (like("v"), like("w"));
        let gradients = value.vjp_vec(&x, u);
        let forward = value.jvp_vec(&x, &v);
        let values = tape.compile(x.iter().copied().chain([value]))?;
        let firsts = tape.compile(gradients.iter().chain(&x).copied().chain([u]))?;
        let forwards = tape.compile(v.iter().copied().chain([forward]))?;
        let (seconds, second) = match check.order {
            0 | 1 => (Vec::new(), None),
            _ => {
                let products = gradients.iter().zip(&w).map(|(&g, &w)| (g * w).sum());
                let sum = products.reduce(|a, b| a + b).expect("a gradient for each of some inputs");
                let seconds = sum.gradients_or_zeros_vec(&x);
                let outputs = seconds.iter().chain(&x).chain(&w).copied().chain([u]);
                let program = tape.compile(outputs)?;
                (seconds, Some(program))
            }
        };
        let single = T::NAME == "f32";
        let (rows, columns) = shape.at(0);
        let nothing = Drawn {
            u: Matrix::zeros(rows, columns),
            other_u: Matrix::zeros(rows, columns),
            v: vec![],
            w: vec![],
        };
        Ok(Trial {
            inputs,
            x,
            u,
            v,
            w,
            value,
            gradients,
            forward,
            seconds,
            values,
            firsts,
            forwards,
            second,
            random: SplitMix(check.seed),
            drawn: nothing,
            step: check.step.unwrap_or(if single { 0.04 } else { 7e-4 }),
            tolerance: check.tolerance.unwrap_or(if single { 2e-2 } else { 1e-6 }),
            broken: Vec::new(),
            summary: Summary::default(),
        })
    }

    fn draw(&mut self) {
        let (rows, columns) = self.drawn.u.shape();
        let random = &mut self.random;
        let mut like = |rows, columns| Matrix::from_fn(rows, columns, |_, _| T::from_f64(random.symmetric()));
        let (u, other_u) = (like(rows, columns), like(rows, columns));
        let mut all = || self.inputs.iter().map(|x| like(x.rows(), x.columns())).collect::<Vec<_>>();
        let (v, w) = (all(), all());
        self.drawn = Drawn { u, other_u, v, w };
    }

    /// Each kind of break once for an operand: more directions tell nothing more.
    fn report(&mut self, broken: Broken) {
        let key = |b: &Broken| match b {
            Broken::Derivative { order, operand, .. } => (*order, *operand),
            Broken::NotHomogeneous { operand } | Broken::NotZero { operand } => (0, *operand),
            Broken::NotAdditive { operand, .. } => (0, *operand),
            Broken::Failed(_)
            | Broken::Forward { .. }
            | Broken::NotRepeatable
            | Broken::NotSymmetric { .. } => (0, 0),
        };
        let same = |b: &Broken| {
            std::mem::discriminant(b) == std::mem::discriminant(&broken) && key(b) == key(&broken)
        };
        if !self.broken.iter().any(same) {
            self.broken.push(broken);
        }
    }

    /// Law 6.
    fn repeatable(&mut self) -> Result<(), Error> {
        self.values.run()?;
        let first = self.values.view(self.value)?.to_matrix();
        self.values.run()?;
        let again = self.values.view(self.value)?;
        let same = first.as_slice().iter().zip(again.as_slice()).all(|(a, b)| a.bits() == b.bits());
        if !same {
            self.report(Broken::NotRepeatable);
        }
        Ok(())
    }

    /// Jᵀu at the inputs.
    fn pull(&mut self, u: &Matrix<T>) -> Result<Vec<Matrix<T>>, Error> {
        self.firsts.bind(self.u, u)?;
        self.firsts.run()?;
        self.gradients.iter().map(|&g| Ok(self.firsts.view(g)?.to_matrix())).collect()
    }

    /// Laws 3, 4 and 5.
    fn cotangents(&mut self) -> Result<(), Error> {
        let (u, other) = (self.drawn.u.clone(), self.drawn.other_u.clone());
        let two = T::from_f64(2.0);
        let zeros = self.pull(&u.map(|_| T::ZERO))?;
        let twice = self.pull(&u.map(|u| two * u))?;
        let of_other = self.pull(&other)?;
        let sum = Matrix::from_fn(u.rows(), u.columns(), |i, j| u[(i, j)] + other[(i, j)]);
        let of_sum = self.pull(&sum)?;
        let once = self.pull(&u)?;
        for operand in 0..once.len() {
            if zeros[operand].iter().any(|&g| g != T::ZERO) {
                self.report(Broken::NotZero { operand });
            }
            if twice[operand].iter().zip(&once[operand]).any(|(&a, &b)| a.bits() != (two * b).bits()) {
                self.report(Broken::NotHomogeneous { operand });
            }
            let terms = once[operand].iter().zip(&of_other[operand]);
            let difference =
                of_sum[operand].iter().zip(terms).map(|(&s, (&a, &b))| (s - (a + b)).to_f64().powi(2));
            let size = norm(&once[operand]) + norm(&of_other[operand]);
            let relative = ratio(difference.sum::<f64>().sqrt(), size);
            self.summary.additive = self.summary.additive.max(relative);
            if is_more(relative, 1e4 * T::EPSILON.to_f64()) {
                self.report(Broken::NotAdditive { operand, relative });
            }
        }
        self.forward(&u, &once)
    }

    /// Law 3.
    fn forward(&mut self, u: &Matrix<T>, once: &[Matrix<T>]) -> Result<(), Error> {
        for (&v, value) in self.v.iter().zip(&self.drawn.v) {
            self.forwards.bind(v, value)?;
        }
        match self.forwards.run() {
            // A rule that is not linear in the cotangent leaves it in J·v; law 4 tells.
            Err(Error::Unbound { .. }) => return Ok(()),
            done => done?,
        }
        let forward = dot(self.forwards.view(self.forward)?.as_slice(), u.as_slice());
        let reverse: f64 = once.iter().zip(&self.drawn.v).map(|(g, v)| dot(g.as_slice(), v.as_slice())).sum();
        let scale: f64 = once.iter().zip(&self.drawn.v).map(|(g, v)| norm(g) * norm(v)).sum();
        let relative = ratio((forward - reverse).abs(), scale);
        self.summary.forward = self.summary.forward.max(relative);
        if is_more(relative, 1e4 * T::EPSILON.to_f64()) {
            self.report(Broken::Forward { forward, reverse });
        }
        Ok(())
    }

    /// Law 1: the derivative along a direction of one operand against quotients of ⟨u, f⟩.
    fn first_order(&mut self) -> Result<(), Error> {
        let u = self.drawn.u.clone();
        let gradients = self.pull(&u)?;
        for operand in 0..self.inputs.len() {
            let (x, value) = (self.x[operand], self.value);
            let direction = self.drawn.v[operand].clone();
            let values = &mut self.values;
            let quotient = Quotient::of(&self.inputs[operand], &direction, self.step, |moved| {
                values.bind(x, moved)?;
                values.run()?;
                Ok(dot(values.view(value)?.as_slice(), u.as_slice()))
            })?;
            let recorded = dot(gradients[operand].as_slice(), direction.as_slice());
            let scale = norm(&gradients[operand]) * norm(&direction);
            let relative = self.compare(1, operand, recorded, &quotient, scale);
            self.summary.first_order = self.summary.first_order.max(relative);
        }
        Ok(())
    }

    /// Laws 2 and 7: the derivative of Σ⟨Jᵀu, w⟩ along a direction against quotients of it.
    fn second_order(&mut self, is_scalar: bool) -> Result<(), Error> {
        let (u, w) = (self.drawn.u.clone(), self.drawn.w.clone());
        let along_w = self.pull_second(&u, &w)?;
        for operand in 0..self.inputs.len() {
            let x = self.x[operand];
            let direction = self.drawn.v[operand].clone();
            let (firsts, gradients) = (&mut self.firsts, &self.gradients);
            let quotient = Quotient::of(&self.inputs[operand], &direction, self.step, |moved| {
                firsts.bind(x, moved)?;
                firsts.run()?;
                let mut sum = 0.0;
                for (&gradient, w) in gradients.iter().zip(&w) {
                    sum += dot(firsts.view(gradient)?.as_slice(), w.as_slice());
                }
                Ok(sum)
            })?;
            let recorded = dot(along_w[operand].as_slice(), direction.as_slice());
            let scale = norm(&along_w[operand]) * norm(&direction);
            let relative = self.compare(2, operand, recorded, &quotient, scale);
            self.summary.second_order = self.summary.second_order.max(relative);
        }
        if is_scalar {
            let v = self.drawn.v.clone();
            let along_v = self.pull_second(&u, &v)?;
            let product = |h: &[Matrix<T>], v: &[Matrix<T>]| -> f64 {
                h.iter().zip(v).map(|(h, v)| dot(h.as_slice(), v.as_slice())).sum()
            };
            let (one_way, other_way) = (product(&along_w, &v), product(&along_v, &w));
            let scale: f64 = along_w.iter().zip(&v).map(|(h, v)| norm(h) * norm(v)).sum();
            let relative = ratio((one_way - other_way).abs(), scale);
            self.summary.symmetric = self.summary.symmetric.max(relative);
            if is_more(relative, 1e5 * T::EPSILON.to_f64()) {
                self.report(Broken::NotSymmetric { one_way, other_way });
            }
        }
        Ok(())
    }

    /// The derivatives of Σ⟨Jᵀu, w⟩ at the inputs.
    fn pull_second(&mut self, u: &Matrix<T>, w: &[Matrix<T>]) -> Result<Vec<Matrix<T>>, Error> {
        let program = self.second.as_mut().expect("order 2 was asked for");
        program.bind(self.u, u)?;
        for (&var, value) in self.w.iter().zip(w) {
            program.bind(var, value)?;
        }
        program.run()?;
        self.seconds.iter().map(|&h| Ok(program.view(h)?.to_matrix())).collect()
    }

    /// The relative difference, which is reported if it is too large.
    fn compare(&mut self, order: usize, operand: usize, recorded: f64, found: &Quotient, scale: f64) -> f64 {
        let scale = scale.max(found.value.abs());
        // Rounding of the function's values is not the derivative's fault.
        let difference = ((recorded - found.value).abs() - found.rounding * T::EPSILON.to_f64()).max(0.0);
        let relative = ratio(difference, scale);
        let relative = if recorded.is_nan() || found.value.is_nan() { f64::NAN } else { relative };
        if is_more(relative, self.tolerance) {
            let (quotient, tolerance, kink) = (found.value, self.tolerance, found.kink);
            self.report(Broken::Derivative { order, operand, recorded, quotient, relative, tolerance, kink });
        }
        relative
    }
}

/// A difference quotient along a direction.
struct Quotient {
    value: f64,
    /// How much one rounding of the function's values changes it.
    rounding: f64,
    kink: bool,
}

impl Quotient {
    /// Richardson's extrapolation from h and h/2; leaves the function at the unmoved input.
    fn of<T: Scalar>(
        x: &Matrix<T>,
        direction: &Matrix<T>,
        step: f64,
        mut f: impl FnMut(&Matrix<T>) -> Result<f64, Error>,
    ) -> Result<Self, Error> {
        let h = step * (1.0 + x.max_abs().to_f64());
        let mut at = |t: f64| {
            f(&Matrix::from_fn(x.rows(), x.columns(), |i, j| x[(i, j)] + T::from_f64(t) * direction[(i, j)]))
        };
        let (far_up, far_down) = (at(h)?, at(-h)?);
        let (up, down) = (at(h / 2.0)?, at(-h / 2.0)?);
        let middle = at(0.0)?;
        let (wide, narrow) = ((far_up - far_down) / (2.0 * h), (up - down) / h);
        // What the two sides disagree by is halved with the step where f is smooth, and stays where it has a kink.
        let gap = (far_up - 2.0 * middle + far_down).abs() / h;
        let near_gap = (up - 2.0 * middle + down).abs() / (h / 2.0);
        let kink = near_gap > 0.7 * gap && near_gap > 1e-3 * narrow.abs().max(wide.abs());
        let largest = [far_up, far_down, up, down].into_iter().fold(0.0_f64, |a, b| a.max(b.abs()));
        Ok(Quotient { value: (4.0 * narrow - wide) / 3.0, rounding: 16.0 * largest / h, kink })
    }
}

fn dot<T: Scalar>(a: &[T], b: &[T]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| a.to_f64() * b.to_f64()).sum()
}

fn norm<T: Scalar>(a: &Matrix<T>) -> f64 {
    a.norm().to_f64()
}

/// A difference relative to a size; 0 / 0 is no difference.
fn ratio(difference: f64, size: f64) -> f64 {
    if difference == 0.0 { 0.0 } else { difference / size }
}

/// Whether a difference is too large; NaN is.
fn is_more(relative: f64, tolerance: f64) -> bool {
    relative.is_nan() || relative > tolerance
}

/// The generator SplitMix64 (Steele, Lea, Flood 2014): small, and good enough for directions.
struct SplitMix(u64);

impl SplitMix {
    /// A number in [−1, 1).
    fn symmetric(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        (z >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

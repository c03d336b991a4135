//! The laws that every operation keeps, one function a law, each with its own message.
//!
//! A [`Case`] is a recorder with inputs, their domains, the shape of the result, and a reference: plain code on `f64`
//! matrices that shares nothing with the tape. Derivatives are compared with differences of the *reference*, so that a
//! wrong kernel and a wrong rule cannot agree with each other, and so that `f32` is compared with differences of `f64`.
//!
//! Where the tolerances come from:
//! - values: ≤ 1e-12 in f64, some thousand times its precision, for sums of up to 65 terms and functions within a few ulp;
//!   1e-4 in f32;
//! - differences: the stencil of order 4 at h = 1e-3 has the error h⁴·|f⁗′|/30 ≈ 3e-14·|f⁗′| and noise ε·|f|/h ≈
//!   2e-13·|f|; the mixed second difference at 2e-3 has noise ε·|f|/h² ≈ 6e-11·|f|. 1e-8 and 1e-6 leave room for fifth
//!   derivatives of some thousand; 1e-4 in f32, whose own rounding dominates;
//! - ⟨u, Jv⟩ = ⟨Jᵀu, v⟩ and additivity: rounding of the sums alone, as for values.

use tape::{Dim, Matrix, Options, Program, Scalar, Shape, Tape, Var};

use tape::check::Random;

pub(crate) mod oracle;

/// What an input's values are drawn from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Domain {
    Between(f64, f64),
    /// Like `Between`, and no closer to these points than [`GAP`]: kinks and jumps.
    Avoiding(f64, f64, &'static [f64]),
    /// Whole multiples of 0.25 plus the offset: equal to others of the same offset, never close to those of another.
    Grid(f64),
    /// All of a matrix's values at least 0.1 apart.
    Distinct,
    /// And their sizes at least 0.05.
    DistinctSizes,
    /// 0 or 1.
    Mask,
}

/// Differences move a value by at most 8e-3, four steps of 2e-3.
const GAP: f64 = 0.05;

impl Domain {
    fn draw<T: Scalar>(self, rows: usize, columns: usize, random: &mut Random) -> Matrix<T> {
        let order = random.permutation(rows * columns);
        let mut at = 0;
        Matrix::from_fn(rows, columns, |_, _| {
            at += 1;
            T::from_f64(match self {
                Domain::Between(low, high) => random.between(low, high),
                Domain::Avoiding(low, high, points) => loop {
                    let x = random.between(low, high);
                    if points.iter().all(|point| (x - point).abs() > GAP) {
                        break x;
                    }
                },
                Domain::Grid(offset) => random.below(9) as f64 * 0.25 - 1.0 + offset,
                Domain::Distinct => order[at - 1] as f64 * 0.1 - 1.0,
                Domain::DistinctSizes => order[at - 1] as f64 * 0.1 - 0.975,
                Domain::Mask => random.below(2) as f64,
            })
        })
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Input {
    name: &'static str,
    shape: Shape,
    domain: Domain,
    /// Whether the operation is differentiated with respect to it.
    wanted: bool,
}

type Record<T> = Box<dyn for<'t> Fn(&'t Tape<T>, &[Var<'t, T>]) -> Var<'t, T>>;
type Reference = Box<dyn Fn(&[Matrix<f64>]) -> Matrix<f64>>;

/// An operation on inputs of given shapes, and what it ought to give.
pub(crate) struct Case<T: Scalar> {
    what: String,
    inputs: Vec<Input>,
    shape: Shape,
    record: Record<T>,
    reference: Reference,
    /// The name of the operation that the recorder has to record.
    operation: Option<&'static str>,
    special: Special,
    least_m: usize,
}

/// Whether special values are tried: ±0, subnormal, ±40, ±1000, ±∞ and NaN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Special {
    Not,
    /// And each entry of the result is compared relative to itself.
    Elementwise,
    /// And each entry of the result is compared relative to all that may have been summed for it.
    Sums,
}

/// Starts a case; `what` is its formula.
pub(crate) fn case<T: Scalar>(what: impl Into<String>) -> Case<T> {
    Case {
        what: what.into(),
        inputs: Vec::new(),
        shape: Shape::SCALAR,
        record: Box::new(|_, _| panic!("a case needs a recorder")),
        reference: Box::new(|_| panic!("a case needs a reference")),
        operation: None,
        special: Special::Not,
        least_m: 0,
    }
}

impl<T: Scalar> Case<T> {
    pub(crate) fn input(mut self, name: &'static str, shape: Shape, domain: Domain) -> Self {
        self.inputs.push(Input { name, shape, domain, wanted: true });
        self
    }

    /// An input with respect to which nothing is differentiated.
    pub(crate) fn fixed(mut self, name: &'static str, shape: Shape, domain: Domain) -> Self {
        self.inputs.push(Input { name, shape, domain, wanted: false });
        self
    }

    pub(crate) fn records(
        mut self,
        operation: &'static str,
        record: impl for<'t> Fn(&'t Tape<T>, &[Var<'t, T>]) -> Var<'t, T> + 'static,
    ) -> Self {
        self.operation = Some(operation);
        self.record = Box::new(record);
        self
    }

    /// A recorder of what is no step of its own, as a leaf alone, or one that is folded.
    pub(crate) fn records_no_step(
        mut self,
        record: impl for<'t> Fn(&'t Tape<T>, &[Var<'t, T>]) -> Var<'t, T> + 'static,
    ) -> Self {
        self.record = Box::new(record);
        self
    }

    pub(crate) fn gives(
        mut self,
        shape: Shape,
        reference: impl Fn(&[Matrix<f64>]) -> Matrix<f64> + 'static,
    ) -> Self {
        self.shape = shape;
        self.reference = Box::new(reference);
        self
    }

    pub(crate) fn with_special_values(mut self) -> Self {
        self.special = Special::Elementwise;
        self
    }

    pub(crate) fn with_special_values_summed(mut self) -> Self {
        self.special = Special::Sums;
        self
    }

    fn depends_on_m(&self) -> bool {
        self.inputs.iter().any(|input| input.shape.depends_on_m())
    }

    /// The case makes sense for this many examples at least.
    pub(crate) fn with_m_from(mut self, m: usize) -> Self {
        self.least_m = m;
        self
    }
}

/// The greatest differences seen, relative to what they are compared with.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Worst {
    pub(crate) cases: usize,
    pub(crate) value: f64,
    pub(crate) first: f64,
    pub(crate) second: f64,
    pub(crate) adjoint: f64,
}

impl Worst {
    pub(crate) fn and(self, other: Worst) -> Worst {
        Worst {
            cases: self.cases + other.cases,
            value: self.value.max(other.value),
            first: self.first.max(other.first),
            second: self.second.max(other.second),
            adjoint: self.adjoint.max(other.adjoint),
        }
    }
}

impl std::fmt::Display for Worst {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Worst { cases, value, first, second, adjoint } = self;
        write!(f, "{cases} cases; worst: value {value:.1e}, order 1 {first:.1e}, order 2 {second:.1e}, ")?;
        write!(f, "⟨u, Jv⟩ − ⟨Jᵀu, v⟩ {adjoint:.1e}")
    }
}

struct Tolerances {
    value: f64,
    first: f64,
    second: f64,
    rounding: f64,
}

fn tolerances<T: Scalar>() -> Tolerances {
    match T::NAME {
        "f64" => Tolerances { value: 1e-12, first: 1e-8, second: 1e-6, rounding: 1e-12 },
        _ => Tolerances { value: 1e-4, first: 1e-4, second: 1e-4, rounding: 1e-4 },
    }
}

/// Checks every law on a case, for m examples.
pub(crate) fn check<T: Scalar>(case: &Case<T>, m: usize, random: &mut Random) -> Worst {
    let depends_on_m = case.depends_on_m();
    if depends_on_m && m < case.least_m {
        return Worst::default();
    }
    let values: Vec<Matrix<T>> = draw(case, m, random);
    let tape = Tape::<T>::new();
    let recorded = Recorded::new(case, &tape, &values);
    let mut worst = Worst { cases: 1, ..Worst::default() };
    for (options, rewrites) in [(Options::default(), true), (Options::literal(), false)] {
        let program = recorded.compile(options);
        let mut bench = Bench { case, recorded: &recorded, program, rewrites };
        bench.records_the_operation();
        worst = worst.and(bench.value_is_the_reference(&values, m));
        if recorded.derivatives.is_some() {
            worst = worst.and(bench.derivatives_are_differences(&values, m, random));
            bench.linear_in_the_cotangent(m, random);
        }
        if depends_on_m {
            let other = case.least_m.max([5, 1, 7, 16][random.below(4)]);
            let values = draw(case, other, random);
            worst = worst.and(bench.value_is_the_reference(&values, other));
            if recorded.derivatives.is_some() {
                worst = worst.and(bench.derivatives_are_differences(&values, other, random));
            }
        }
        if case.special != Special::Not {
            bench.special_values(m, random);
        }
    }
    worst
}

/// Records a case with its derivatives, for m examples; `None` where the case makes no sense for so many.
pub(crate) fn record<T: Scalar>(
    case: &Case<T>,
    tape: &Tape<T>,
    m: usize,
    random: &mut Random,
) -> Option<WhereRecorded> {
    if case.depends_on_m() && m < case.least_m {
        return None;
    }
    let values: Vec<Matrix<T>> = draw(case, m, random);
    let recorded = Recorded::new(case, tape, &values);
    let index = |v: &Var<'_, T>| v.index().expect("a sound case");
    Some(WhereRecorded {
        inputs: recorded.inputs.iter().map(index).collect(),
        output: index(&recorded.output),
    })
}

/// The numbers of a case's entries.
pub(crate) struct WhereRecorded {
    inputs: Vec<usize>,
    output: usize,
}

impl WhereRecorded {
    /// Asserts that on a tape with the same entries, the case is found when it is recorded again.
    pub(crate) fn is_found_on<T: Scalar>(&self, case: &Case<T>, tape: &Tape<T>) {
        let var = |index: usize| tape.entry(index).expect("as many entries").var();
        let inputs: Vec<Var<'_, T>> = self.inputs.iter().map(|&index| var(index)).collect();
        let length = tape.len();
        let again = (case.record)(tape, &inputs);
        assert!(again == var(self.output) && tape.len() == length, "{case}: it is not found");
    }
}

impl<T: Scalar> std::fmt::Display for Case<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

fn draw<T: Scalar>(case: &Case<T>, m: usize, random: &mut Random) -> Vec<Matrix<T>> {
    case.inputs
        .iter()
        .map(|input| {
            let (rows, columns) = input.shape.at(m);
            input.domain.draw(rows, columns, random)
        })
        .collect()
}

/// The result with its derivatives, all on one tape.
struct Recorded<'t, T: Scalar> {
    inputs: Vec<Var<'t, T>>,
    output: Var<'t, T>,
    derivatives: Option<Derivatives<'t, T>>,
}

/// With respect to the wanted inputs.
struct Derivatives<'t, T: Scalar> {
    /// The cotangent u, of the shape of the result, and the tangents v.
    u: Var<'t, T>,
    v: Vec<Var<'t, T>>,
    /// Jᵀu.
    pulled: Vec<Var<'t, T>>,
    /// Jv.
    pushed: Var<'t, T>,
    /// ⟨Jᵀu, v⟩, its gradients, and its gradient with respect to u, which is Jv again.
    product: Var<'t, T>,
    second: Vec<Var<'t, T>>,
    of_u: Var<'t, T>,
}

impl<'t, T: Scalar> Recorded<'t, T> {
    fn new(case: &Case<T>, tape: &'t Tape<T>, values: &[Matrix<T>]) -> Self {
        let leaf = |(input, value): (&Input, &Matrix<T>)| match (input.shape.rows, input.shape.columns) {
            (Dim::Fixed(_), Dim::M) => tape.examples(input.name, value),
            (Dim::M | Dim::Multiple(_), _) | (_, Dim::Multiple(_)) => {
                tape.parameter_unbound(input.name, input.shape)
            }
            (Dim::Fixed(_), Dim::Fixed(_)) => tape.parameter(input.name, value),
        };
        let inputs: Vec<Var<'t, T>> = case.inputs.iter().zip(values).map(leaf).collect();
        let output = (case.record)(tape, &inputs);
        let sound = output.sound();
        assert!(sound.is_ok(), "{}: recording fails: {}", case.what, sound.unwrap_err());
        assert_eq!(output.shape().unwrap(), case.shape, "{}: the shape of the result", case.what);
        let again = (case.record)(tape, &inputs);
        assert!(again == output, "{}: recorded again, it is another entry", case.what);
        let wanted: Vec<Var<'t, T>> =
            case.inputs.iter().zip(&inputs).filter(|(input, _)| input.wanted).map(|(_, &x)| x).collect();
        let derivatives = (!wanted.is_empty()).then(|| Derivatives::new(case, output, &wanted));
        Recorded { inputs, output, derivatives }
    }

    fn compile(&self, options: Options) -> Program<T> {
        // The leaves are outputs too, so that they can be bound even where a derivative does not depend on them.
        let mut outputs = vec![self.output];
        outputs.extend(&self.inputs);
        if let Some(d) = &self.derivatives {
            outputs.extend([d.u, d.pushed, d.product, d.of_u]);
            outputs.extend(d.v.iter().chain(&d.pulled).chain(&d.second));
        }
        self.output.tape().compile_with(outputs, options).expect("a sound case compiles")
    }
}

impl<'t, T: Scalar> Derivatives<'t, T> {
    fn new(case: &Case<T>, output: Var<'t, T>, wanted: &[Var<'t, T>]) -> Self {
        let tape = output.tape();
        let u = tape.parameter_unbound("u", case.shape);
        let v: Vec<Var<'t, T>> =
            wanted.iter().map(|x| tape.parameter_unbound("v", x.shape().unwrap())).collect();
        let pulled = output.vjp(wanted, u);
        let pushed = output.jvp(wanted, &v);
        let products = pulled.iter().zip(&v).map(|(&g, &v)| (g * v).sum());
        let product = products.reduce(|a, b| a + b).expect("a wanted input");
        let second: Vec<Var<'t, T>> = wanted.iter().map(|&x| product.gradients_or_zeros([x])[0]).collect();
        let [of_u] = product.gradients_or_zeros([u]);
        for (g, x) in pulled.iter().chain(&second).zip(wanted.iter().chain(wanted)) {
            assert_eq!(g.shape(), x.shape(), "{}: a gradient has its variable's shape", case.what);
        }
        let length = tape.len();
        assert!(output.vjp(wanted, u) == pulled, "{}: asked again, other entries", case.what);
        assert_eq!(tape.len(), length, "{}: asked again, the tape grows", case.what);
        Derivatives { u, v, pulled, pushed, product, second, of_u }
    }
}

/// A program of a case, to be run on values.
struct Bench<'a, 't, T: Scalar> {
    case: &'a Case<T>,
    recorded: &'a Recorded<'t, T>,
    program: Program<T>,
    /// Whether rewrites are on.
    rewrites: bool,
}

impl<'t, T: Scalar> Bench<'_, 't, T> {
    fn what(&self, law: &str) -> String {
        let rewrites = if self.rewrites { "" } else { ", literal" };
        let shapes: Vec<String> =
            self.case.inputs.iter().map(|i| format!("{} is {}", i.name, i.shape)).collect();
        format!("{} ({}{rewrites}; {}): {law}", self.case.what, T::NAME, shapes.join(", "))
    }

    fn bind(&mut self, variable: Var<'t, T>, value: &Matrix<T>) {
        let bound = self.program.bind(variable, value);
        bound.unwrap_or_else(|e| panic!("{}", self.what(&e.to_string())));
    }

    fn run(&mut self) {
        let ran = self.program.run();
        ran.unwrap_or_else(|e| panic!("{}", self.what(&e.to_string())));
    }

    fn view(&self, variable: Var<'t, T>) -> Matrix<f64> {
        self.program
            .view(variable)
            .unwrap_or_else(|e| panic!("{}", self.what(&e.to_string())))
            .to_matrix()
            .cast()
    }

    /// Where nothing is bound to the derivatives' leaves, they are bound to ones.
    fn bind_inputs(&mut self, values: &[Matrix<T>], m: usize) {
        for (&x, value) in self.recorded.inputs.iter().zip(values) {
            self.bind(x, value);
        }
        let Some(d) = &self.recorded.derivatives else { return };
        for &leaf in d.v.iter().chain([&d.u]) {
            let (rows, columns) = leaf.shape().unwrap().at(m);
            self.bind(leaf, &Matrix::filled(rows, columns, T::ONE));
        }
    }

    fn records_the_operation(&self) {
        if self.rewrites {
            return; // A rewrite may replace it.
        }
        let Some(operation) = self.case.operation else { return };
        let steps: Vec<String> = self.program.steps().flat_map(|step| step.operations).collect();
        assert!(
            steps.iter().any(|step| step == operation),
            "{}: {steps:?}",
            self.what(&format!("no step {operation}"))
        );
    }

    fn value_is_the_reference(&mut self, values: &[Matrix<T>], m: usize) -> Worst {
        self.bind_inputs(values, m);
        self.run();
        let expected = (self.case.reference)(&cast(values));
        assert_eq!(expected.shape(), self.case.shape.at(m), "{}", self.what("the reference's shape"));
        let found = self.view(self.recorded.output);
        let value = relative(&found, &expected, norm(&expected));
        let close = value <= tolerances::<T>().value;
        assert!(
            close,
            "{}: off by {value:.1e}\nfound\n{found}\nexpected\n{expected}",
            self.what("the value")
        );
        Worst { value, ..Worst::default() }
    }

    fn derivatives_are_differences(&mut self, values: &[Matrix<T>], m: usize, random: &mut Random) -> Worst {
        let d = self.recorded.derivatives.as_ref().expect("wanted inputs");
        let allowed = tolerances::<T>();
        self.bind_inputs(values, m);
        let mut drawn = |var: Var<'t, T>| {
            let (rows, columns) = var.shape().unwrap().at(m);
            random.matrix::<T>(rows, columns, -1.0, 1.0)
        };
        let u = drawn(d.u);
        let v: Vec<Matrix<T>> = d.v.iter().map(|&v| drawn(v)).collect();
        let w: Vec<Matrix<T>> = d.v.iter().map(|&v| drawn(v)).collect();
        self.bind(d.u, &u);
        for (&leaf, value) in d.v.iter().zip(&v) {
            self.bind(leaf, value);
        }
        self.run();
        let (u, v, w) = (u.cast::<f64>(), cast(&v), cast(&w));
        let at = cast(values);
        let y = (self.case.reference)(&at);
        let mut worst = Worst::default();

        // J·v is the difference of the reference along v.
        let expected = difference(1e-3, |t| (self.case.reference)(&self.moved(&at, &[(t, &v)])));
        let pushed = self.view(d.pushed);
        let scale = norm(&expected).max(1e-3 * norm(&y));
        worst.first = relative(&pushed, &expected, scale);
        let close = worst.first <= allowed.first;
        assert!(
            close,
            "{}: off by {:.1e}\nfound\n{pushed}\nexpected\n{expected}",
            self.what("J·v"),
            worst.first
        );

        // ⟨u, Jv⟩ = ⟨Jᵀu, v⟩, the latter also as an entry.
        let pulled: Vec<Matrix<f64>> = d.pulled.iter().map(|&g| self.view(g)).collect();
        let left = dot(&u, &pushed);
        let right: f64 = pulled.iter().zip(&v).map(|(g, v)| dot(g, v)).sum();
        let size: f64 =
            dot_of_sizes(&u, &pushed) + pulled.iter().zip(&v).map(|(g, v)| dot_of_sizes(g, v)).sum::<f64>();
        let product = self.view(d.product)[(0, 0)];
        worst.adjoint = over((left - right).abs().max((product - right).abs()), size);
        let close = worst.adjoint <= allowed.rounding;
        assert!(close, "{}: {left} is not {right} or {product}", self.what("⟨u, Jv⟩ = ⟨Jᵀu, v⟩"));

        // Jᵀ·u entry by entry, where there are few enough.
        let entries: usize = pulled.iter().map(|g| g.as_slice().len()).sum();
        if entries <= 12 {
            for (i, g) in pulled.iter().enumerate() {
                let mut unit: Vec<Matrix<f64>> =
                    pulled.iter().map(|g| Matrix::zeros(g.rows(), g.columns())).collect();
                let expected = Matrix::from_fn(g.rows(), g.columns(), |row, column| {
                    unit[i][(row, column)] = 1.0;
                    let along = difference(1e-3, |t| (self.case.reference)(&self.moved(&at, &[(t, &unit)])));
                    unit[i][(row, column)] = 0.0;
                    dot(&u, &along)
                });
                let off = relative(g, &expected, norm(&expected).max(1e-3 * norm(&u) * norm(&y)));
                worst.first = worst.first.max(off);
                let law = format!("Jᵀ·u for wanted input {i}");
                assert!(
                    off <= allowed.first,
                    "{}: {off:.1e}\nfound\n{g}\nexpected\n{expected}",
                    self.what(&law)
                );
            }
        }

        // The gradient of ⟨Jᵀu, v⟩ along w is the mixed difference of ⟨u, f⟩ along v and w.
        let second: f64 = d.second.iter().zip(&w).map(|(&h, w)| dot(&self.view(h), w)).sum();
        let expected = difference(2e-3, |s| {
            difference(2e-3, |t| {
                let y = (self.case.reference)(&self.moved(&at, &[(s, &w), (t, &v)]));
                Matrix::scalar(dot(&u, &y))
            })
        })[(0, 0)];
        let sizes: f64 = d.second.iter().zip(&w).map(|(&h, w)| norm(&self.view(h)) * norm(w)).sum();
        worst.second = over((second - expected).abs(), sizes + norm(&u) * norm(&y));
        let close = worst.second <= allowed.second;
        assert!(close, "{}: {second} is not {expected}: {:.1e}", self.what("order 2"), worst.second);

        // The derivative of ⟨Jᵀu, v⟩ with respect to u is J·v.
        let of_u = self.view(d.of_u);
        let off = relative(&of_u, &pushed, norm(&pushed));
        assert!(off <= allowed.rounding, "{}: {off:.1e}", self.what("∂⟨Jᵀu, v⟩/∂u = J·v"));
        worst
    }

    /// The inputs moved by steps along directions, which the wanted ones have.
    fn moved(&self, at: &[Matrix<f64>], steps: &[(f64, &Vec<Matrix<f64>>)]) -> Vec<Matrix<f64>> {
        let mut moved = at.to_vec();
        for (step, direction) in steps {
            let wanted = moved.iter_mut().zip(&self.case.inputs).filter(|(_, input)| input.wanted);
            for ((x, _), direction) in wanted.zip(*direction) {
                for (x, d) in x.as_mut_slice().iter_mut().zip(direction.as_slice()) {
                    *x += step * d;
                }
            }
        }
        moved
    }

    fn linear_in_the_cotangent(&mut self, m: usize, random: &mut Random) {
        let d = self.recorded.derivatives.as_ref().expect("wanted inputs");
        let (rows, columns) = self.case.shape.at(m);
        let (u1, u2): (Matrix<T>, Matrix<T>) =
            (random.matrix(rows, columns, -1.0, 1.0), random.matrix(rows, columns, -1.0, 1.0));
        let mut pull = |u: &Matrix<T>| -> Vec<Matrix<f64>> {
            self.bind(d.u, u);
            self.run();
            d.pulled.iter().map(|&g| self.view(g)).collect()
        };
        let first = pull(&u1);
        let powers: Vec<(f64, Vec<Matrix<f64>>)> =
            [8.0, -0.25, -1.0].into_iter().map(|c| (c, pull(&u1.map(|x| x * T::from_f64(c))))).collect();
        let zero = pull(&Matrix::zeros(rows, columns));
        let other = pull(&u2);
        let sum = pull(&Matrix::from_fn(rows, columns, |i, j| u1[(i, j)] + u2[(i, j)]));
        for (c, scaled) in powers {
            for (g, scaled) in first.iter().zip(&scaled) {
                let exact = g.as_slice().iter().zip(scaled.as_slice()).all(|(g, s)| c * g == *s);
                assert!(exact, "{}\n{g}\n{scaled}", self.what(&format!("Jᵀ({c}·u) = {c}·Jᵀu, exactly")));
            }
        }
        for g in &zero {
            assert!(g.as_slice().iter().all(|&g| g == 0.0), "{}\n{g}", self.what("Jᵀ·0 = 0, exactly"));
        }
        for ((a, b), sum) in first.iter().zip(&other).zip(&sum) {
            let expected = Matrix::from_fn(a.rows(), a.columns(), |i, j| a[(i, j)] + b[(i, j)]);
            let off = relative(sum, &expected, norm(a) + norm(b));
            assert!(off <= tolerances::<T>().rounding, "{}: {off:.1e}", self.what("Jᵀ(u + w) = Jᵀu + Jᵀw"));
        }
    }

    /// Special values give what the reference gives, NaN for NaN, each entry within the tolerance for values.
    fn special_values(&mut self, m: usize, random: &mut Random) {
        let subnormal = if T::NAME == "f64" { 5e-310 } else { 1e-40 };
        let special = [
            0.0,
            -0.0,
            subnormal,
            -subnormal,
            1.0,
            40.0,
            -40.0,
            1000.0,
            -1000.0,
            f64::INFINITY,
            -f64::INFINITY,
            f64::NAN,
        ];
        for round in 0..4 {
            let values: Vec<Matrix<T>> = self
                .case
                .inputs
                .iter()
                .map(|input| {
                    let (rows, columns) = input.shape.at(m);
                    // Where they are summed, among usual values first, then alone.
                    let usual = input.domain.draw::<T>(rows, columns, random);
                    let alone = round >= 2 || self.case.special != Special::Sums;
                    let rare = |random: &mut Random| alone || random.below(4) == 0;
                    Matrix::from_fn(rows, columns, |i, j| match rare(random) {
                        true => T::from_f64(special[random.below(special.len())]),
                        false => usual[(i, j)],
                    })
                })
                .collect();
            self.bind_inputs(&values, m);
            self.run();
            let found = self.view(self.recorded.output);
            let expected = (self.case.reference)(&cast(&values)).cast::<T>().cast::<f64>();
            let summed: f64 = values
                .iter()
                .flat_map(Matrix::as_slice)
                .map(|x| x.to_f64().abs())
                .filter(|x| x.is_finite())
                .sum();
            let slack = if self.case.special == Special::Sums { summed } else { 0.0 };
            for (index, (&f, &e)) in found.as_slice().iter().zip(expected.as_slice()).enumerate() {
                let close = (f - e).abs() <= tolerances::<T>().value * (e.abs() + slack) + subnormal;
                assert!(
                    f.is_nan() && e.is_nan() || f == e || close,
                    "{}: {f} at {index} ought to be {e}\ninputs {values:?}",
                    self.what("special values")
                );
            }
        }
    }
}

fn cast<T: Scalar>(values: &[Matrix<T>]) -> Vec<Matrix<f64>> {
    values.iter().map(Matrix::cast).collect()
}

/// f′(0) by the central difference of order 4.
fn difference(h: f64, f: impl Fn(f64) -> Matrix<f64>) -> Matrix<f64> {
    let (a, b, c, d) = (f(-2.0 * h), f(-h), f(h), f(2.0 * h));
    Matrix::from_fn(a.rows(), a.columns(), |i, j| {
        let at = (i, j);
        (8.0 * (c[at] - b[at]) - (d[at] - a[at])) / (12.0 * h)
    })
}

fn norm(a: &Matrix<f64>) -> f64 {
    a.norm()
}

fn dot(a: &Matrix<f64>, b: &Matrix<f64>) -> f64 {
    assert_eq!(a.shape(), b.shape());
    a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| a * b).sum()
}

fn dot_of_sizes(a: &Matrix<f64>, b: &Matrix<f64>) -> f64 {
    a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| (a * b).abs()).sum()
}

/// ‖found − expected‖ / scale.
fn relative(found: &Matrix<f64>, expected: &Matrix<f64>, scale: f64) -> f64 {
    assert_eq!(found.shape(), expected.shape());
    // −∞ of an empty sum of exponentials, say, is equal to itself.
    let difference =
        |i, j| if found[(i, j)] == expected[(i, j)] { 0.0 } else { found[(i, j)] - expected[(i, j)] };
    over(norm(&Matrix::from_fn(found.rows(), found.columns(), difference)), scale)
}

/// difference / scale, where nothing is 0 of nothing.
fn over(difference: f64, scale: f64) -> f64 {
    if difference == 0.0 { 0.0 } else { difference / scale }
}

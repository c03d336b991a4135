//! Compiled programs against entry-by-entry evaluation, on random graphs.
//!
//! Three programs of the same variables are compared: the compiled one, the literal one, and the literal one with *every*
//! entry as an output, in which no buffer is used twice. The latter two run the same kernels, so they agree to the bit; the
//! first one may round differently: it fuses, sums tile by tile, and rewrites.

#[path = "support/compare.rs"]
mod compare;
#[path = "support/message.rs"]
mod message;
#[path = "support/random.rs"]
mod random;

use compare::assert_close;
use message::assert_message;
use proptest::prelude::*;
use random::Random;
use tape::{Dim, Error, Matrix, Options, Over, Program, Scalar, Shape, Tape, Var, matrix};

// ---- Random graphs --------------------------------------------------------------------------------------------

/// What is recorded next: an operation, with numbers that choose among the operands there are.
#[derive(Debug, Clone)]
struct Instruction {
    operation: u8,
    operands: [u16; 3],
}

#[derive(Debug, Clone)]
struct Description {
    instructions: Vec<Instruction>,
    seed: u64,
    m: usize,
}

fn descriptions() -> impl Strategy<Value = Description> {
    let instruction = (0..OPERATIONS, any::<[u16; 3]>())
        .prop_map(|(operation, operands)| Instruction { operation, operands });
    let m = prop_oneof![4 => 1..10usize, 2 => 10..70usize, 1 => 255..600usize];
    (prop::collection::vec(instruction, 1..40), any::<u64>(), m)
        .prop_map(|(instructions, seed, m)| Description { instructions, seed, m })
}

/// How many arms `record` has.
const OPERATIONS: u8 = 30;

/// Rows of the leaves with examples, of the matrices, and of the vectors.
const ROWS: [usize; 3] = [1, 3, 5];

/// The values of a graph's leaves.
struct Values<T: Scalar> {
    fixed: Vec<Matrix<T>>,
    examples: Vec<Matrix<T>>,
}

impl<T: Scalar> Values<T> {
    fn new(seed: u64, m: usize) -> Self {
        let mut random = Random::new(seed);
        let mut fixed = Vec::new();
        for rows in ROWS {
            for columns in ROWS {
                fixed.push(random.matrix(rows, columns, -1.0, 1.0));
            }
        }
        let examples = ROWS.iter().map(|&rows| random.matrix(rows, m, -1.0, 1.0)).collect();
        Values { fixed, examples }
    }

    fn bind(&self, program: &mut Program<T>, graph: &Graph<'_, T>) {
        for (leaf, value) in
            graph.fixed.iter().zip(&self.fixed).chain(graph.examples.iter().zip(&self.examples))
        {
            program.bind(*leaf, value).unwrap();
        }
    }
}

/// A recorded graph, every entry of which is bounded and smooth enough to be compared.
struct Graph<'t, T: Scalar> {
    fixed: Vec<Var<'t, T>>,
    examples: Vec<Var<'t, T>>,
    /// The leaves, and what was recorded.
    variables: Vec<Var<'t, T>>,
}

impl<'t, T: Scalar> Graph<'t, T> {
    fn new(tape: &'t Tape<T>, description: &Description) -> Self {
        let values = Values::new(description.seed, description.m);
        let fixed: Vec<Var<'t, T>> =
            values.fixed.iter().enumerate().map(|(i, w)| tape.parameter(&format!("W[{i}]"), w)).collect();
        let examples: Vec<Var<'t, T>> =
            values.examples.iter().enumerate().map(|(i, x)| tape.examples(&format!("X[{i}]"), x)).collect();
        Graph::on(fixed, examples, &description.instructions)
    }

    fn on(fixed: Vec<Var<'t, T>>, examples: Vec<Var<'t, T>>, instructions: &[Instruction]) -> Self {
        let variables = fixed.iter().chain(&examples).copied().collect();
        let mut graph = Graph { fixed, examples, variables };
        for instruction in instructions {
            if let Some(variable) = graph.record(instruction) {
                assert_eq!(variable.sound(), Ok(()), "{instruction:?}");
                graph.variables.push(variable);
            }
        }
        graph
    }

    fn recorded(&self) -> &[Var<'t, T>] {
        &self.variables[self.fixed.len() + self.examples.len()..]
    }

    /// One of the variables that fit, if there is one.
    fn pick(&self, choice: u16, fits: impl Fn(Shape) -> bool) -> Option<Var<'t, T>> {
        let fitting: Vec<Var<'t, T>> =
            self.variables.iter().copied().filter(|v| fits(v.shape().unwrap())).collect();
        // Later ones are preferred, for graphs that are deep.
        let index = (choice as usize % (2 * fitting.len().max(1))).min(fitting.len().checked_sub(1)?);
        Some(fitting[index])
    }

    fn record(&self, Instruction { operation, operands: [i, j, k] }: &Instruction) -> Option<Var<'t, T>> {
        let (i, j, k) = (*i, *j, *k);
        let number = T::from_f64;
        let a = self.pick(i, |_| true)?;
        let shape = a.shape().unwrap();
        let other = || self.pick(j, |s| s.broadcast(shape).is_some());
        let safe = |v: Var<'t, T>| v.square() + number(0.5); // ≥ 0.5
        let over = [Over::Rows, Over::Columns, Over::All][k as usize % 3];
        // What grows is put through tanh, so that values stay of order 1 and rounding is not amplified.
        Some(match operation {
            0 => (a + other()?).tanh(),
            1 => (a - other()?).tanh(),
            2 => a * other()?.tanh(),
            3 => (a / safe(other()?)).tanh(),
            4 => safe(a).pow(other()?.tanh()).tanh(),
            5 => a.greater(other()?).select(a, other()?),
            6 => a.tanh(),
            7 => a.sigmoid(),
            8 => a.softplus().tanh(),
            9 => a.silu().tanh(),
            10 => a.gelu().tanh(),
            11 => a.relu(),
            12 => a.sin(),
            13 => a.tanh().exp().tanh(),
            14 => safe(a).ln().tanh(),
            15 => safe(a).sqrt().tanh(),
            16 => -a,
            17 => a * number([0.5, -0.25, 1.0, -1.0][k as usize % 4]),
            18 => a.t(),
            19 => {
                let b = self.pick(j, |s| s.rows == shape.columns)?;
                (a.matmul(b) * number(0.25)).tanh()
            }
            20 => {
                let b = self.pick(j, |s| s.columns == shape.columns)?;
                (a.matmul(b.t()) * number(0.25)).tanh()
            }
            21 => {
                let b = self.pick(j, |s| s.rows == shape.rows)?;
                (a.t().matmul(b) * number(0.25)).tanh()
            }
            22 => a.mean_over(over),
            23 => (a.sum_over(over) * number(0.125)).tanh(),
            24 => a.log_sum_exp_over(over).tanh(),
            25 => a.softmax_over(over),
            26 => {
                let b = self.pick(j, |s| s == shape)?;
                // A label in (0, 1), and the two ways to write the loss.
                let (label, z) = (b.sigmoid(), a);
                let loss = if k % 2 == 0 { z.sigmoid().log_loss(label) } else { z.log_loss_on_logits(label) };
                (loss * number(0.125)).tanh()
            }
            27 => {
                let b = self.pick(j, |s| s.columns == shape.columns)?;
                let Dim::Fixed(_) = shape.rows else { return None };
                let Dim::Fixed(_) = b.shape().unwrap().rows else { return None };
                a.tape().stack_rows(&[a, b])
            }
            28 => {
                let Dim::Fixed(rows) = shape.rows else { return None };
                let start = k as usize % (rows + 1);
                a.rows(start..rows.min(start + 2))
            }
            29 => {
                // The spelled-out loss, which a rewrite makes safe.
                let b = self.pick(j, |s| s == shape)?.sigmoid();
                let one = a.tape().scalar(T::ONE);
                let p = a.sigmoid();
                (-(b * p.ln() + (one - b) * (one - p).ln()) * number(0.125)).tanh()
            }
            OPERATIONS.. => unreachable!(),
        })
        .filter(|v| {
            // Nothing empty, and no m × m beyond what a test wants to compute.
            let Shape { rows, columns } = v.shape().unwrap();
            let fits = |dim| matches!(dim, Dim::Fixed(1..=12));
            (fits(rows) || rows == Dim::M)
                && (fits(columns) || columns == Dim::M)
                && (fits(rows) || fits(columns))
        })
    }

    /// A scalar that depends on what was recorded last, for gradients.
    fn scalar(&self) -> Option<Var<'t, T>> {
        let last = *self.recorded().last()?;
        Some((last.sin() * last).mean())
    }

    /// What was recorded, a scalar, and its first and second derivatives.
    fn outputs(&self) -> Vec<Var<'t, T>> {
        let mut outputs: Vec<Var<'t, T>> = self.recorded().to_vec();
        let Some(j) = self.scalar() else { return outputs };
        outputs.push(j);
        for &leaf in self.fixed.iter().chain(&self.examples) {
            let [d] = j.gradients_or_zeros([leaf]);
            let [dd] = d.square().sum().gradients_or_zeros([leaf]);
            outputs.extend([d, dd]);
        }
        outputs
    }
}

/// The usual ones: of 12 000 such graphs, each at five m, the worst matrix was off by 5e-15 in f64 and 5e-6 in f32.
fn tolerance<T: Scalar>() -> f64 {
    if T::NAME == "f64" { 1e-12 } else { 1e-4 }
}

/// ‖found − expected‖ relative to ‖expected‖, or to 1 where that is less: a sum that cancels has no digits of its own.
fn assert_near<T: Scalar>(what: &str, found: &Matrix<T>, expected: &Matrix<T>) {
    let finite = expected.as_slice().iter().all(|x| x.is_finite());
    assert!(finite, "{what}: the graph ought to be tame\n{expected}");
    let difference = Matrix::from_fn(found.rows(), found.columns(), |i, j| found[(i, j)] - expected[(i, j)]);
    let off = difference.norm().to_f64() / expected.norm().to_f64().max(1.0);
    assert!(off <= tolerance::<T>(), "{what}: {off:.1e}\nfound\n{found}\nexpected\n{expected}");
}

fn view<T: Scalar>(program: &Program<T>, variable: Var<'_, T>) -> Matrix<T> {
    program.view(variable).unwrap().to_matrix()
}

fn bits<T: Scalar>(matrix: &Matrix<T>) -> Vec<u64> {
    matrix.as_slice().iter().map(|x| x.bits()).collect()
}

/// Compares the three programs, on the values of the description and then on others with other m.
fn compare_programs<T: Scalar>(description: &Description) {
    let tape = Tape::<T>::new();
    let graph = Graph::new(&tape, description);
    let outputs = graph.outputs();
    let leaves: Vec<Var<'_, T>> = graph.fixed.iter().chain(&graph.examples).copied().collect();
    let with_leaves = || outputs.iter().chain(&leaves).copied();
    let mut compiled = tape.compile(with_leaves()).unwrap();
    let mut literal = tape.compile_with(with_leaves(), Options::literal()).unwrap();
    let everything: Vec<Var<'_, T>> = tape.variables().collect();
    let mut separate = tape.compile_with(everything.iter().copied(), Options::literal()).unwrap();
    let mut unfused_options = Options::default();
    unfused_options.fusion = false;
    let mut unfused = tape.compile_with(with_leaves(), unfused_options).unwrap();
    for (round, m) in [description.m, 5, 1, 7, 5].into_iter().enumerate() {
        if round > 0 {
            let values = Values::new(description.seed.wrapping_add(m as u64), m);
            for program in [&mut compiled, &mut literal, &mut separate, &mut unfused] {
                values.bind(program, &graph);
            }
        }
        for program in [&mut compiled, &mut literal, &mut separate, &mut unfused] {
            program.run().unwrap();
        }
        for &output in &outputs {
            let what = format!("{} {output:?} at m = {m}", T::NAME);
            let expected = view(&separate, output);
            let entry_by_entry = view(&literal, output);
            assert_eq!(bits(&entry_by_entry), bits(&expected), "{what}: a buffer was used again too early");
            assert_near(&what, &view(&compiled, output), &expected);
            assert_near(&format!("{what}, rewritten, not fused"), &view(&unfused, output), &expected);
        }
        // Run again, a program gives the same bits.
        let before: Vec<Vec<u64>> = outputs.iter().map(|&output| bits(&view(&compiled, output))).collect();
        compiled.run().unwrap();
        let after: Vec<Vec<u64>> = outputs.iter().map(|&output| bits(&view(&compiled, output))).collect();
        assert_eq!(before, after, "{}: run again, other bits", T::NAME);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn compiled_programs_compute_what_the_tape_says(description in descriptions()) {
        compare_programs::<f64>(&description);
    }

    #[test]
    fn compiled_programs_compute_what_the_tape_says_in_f32(description in descriptions()) {
        compare_programs::<f32>(&description);
    }

    /// Each output alone needs other memory than all of them together, and gives the same.
    #[test]
    fn one_output_at_a_time_gives_the_same(description in descriptions()) {
        let tape = Tape::<f64>::new();
        let graph = Graph::new(&tape, &description);
        let mut together = tape.compile(graph.recorded().iter().copied()).unwrap();
        together.run().unwrap();
        for &output in graph.recorded() {
            assert_near("alone", &output.value().unwrap(), &view(&together, output));
        }
    }

    /// Asking again, for gradients of any order, adds nothing to the tape and gives the same entries.
    #[test]
    fn asked_again_the_tape_does_not_grow(description in descriptions()) {
        let tape = Tape::<f64>::new();
        let graph = Graph::new(&tape, &description);
        let outputs = graph.outputs();
        let length = tape.len();
        prop_assert!(graph.outputs() == outputs);
        prop_assert_eq!(tape.len(), length);
        // Recorded again on the same leaves, everything is there already.
        let again = Graph::on(graph.fixed.clone(), graph.examples.clone(), &description.instructions);
        prop_assert!(again.variables == graph.variables);
        prop_assert!(again.outputs() == outputs);
        prop_assert_eq!(tape.len(), length);
    }
}

// ---- One program ----------------------------------------------------------------------------------------------

/// A network of two layers with its gradients, and what a program of it gives for some examples.
struct Net<'t> {
    x: Var<'t, f64>,
    y: Var<'t, f64>,
    w: [Var<'t, f64>; 4],
    j: Var<'t, f64>,
    dw: [Var<'t, f64>; 4],
}

fn network(tape: &Tape<f64>) -> Net<'_> {
    let mut random = Random::new(7);
    let x = tape.examples("X", &random.matrix(3, 5, -1.0, 1.0));
    let y = tape.examples("Y", &Matrix::from_fn(1, 5, |_, j| (j % 2) as f64));
    let w = [
        tape.parameter("W[1]", &random.matrix(4, 3, -1.0, 1.0)),
        tape.parameter("b[1]", &random.matrix(4, 1, -1.0, 1.0)),
        tape.parameter("W[2]", &random.matrix(1, 4, -1.0, 1.0)),
        tape.parameter("b[2]", &random.matrix(1, 1, -1.0, 1.0)),
    ];
    let a = (w[0].matmul(x) + w[1]).tanh();
    let j = (w[2].matmul(a) + w[3]).sigmoid().log_loss(y).mean().named("J");
    let dw = j.gradients(w);
    Net { x, y, w, j, dw }
}

fn program<'t>(tape: &'t Tape<f64>, net: &Net<'t>) -> Program<f64> {
    tape.compile(net.dw.into_iter().chain([net.j])).unwrap()
}

#[test]
fn a_program_serves_any_number_of_examples() {
    let tape = Tape::new();
    let net = network(&tape);
    let mut program = program(&tape, &net);
    let length = tape.len();
    // 1000 is more than a tile.
    for m in [5, 1, 7, 5, 1000, 257, 256, 255, 2] {
        let mut random = Random::new(m as u64);
        let x = random.matrix::<f64>(3, m, -2.0, 2.0);
        let y = random.matrix::<f64>(1, m, 0.0, 1.0);
        program.bind(net.x, &x).unwrap();
        program.bind(net.y, &y).unwrap();
        assert_eq!(program.m(), Some(m));
        program.run().unwrap();
        // The same on a tape of its own, recorded with these examples, entry by entry.
        let other = Tape::new();
        let (x, y) = (other.examples("X", &x), other.examples("Y", &y));
        let w = net.w.map(|w| other.parameter("w", &w.value().unwrap()));
        let j = (w[2].matmul((w[0].matmul(x) + w[1]).tanh()) + w[3]).sigmoid().log_loss(y).mean();
        let mut literal =
            other.compile_with(j.gradients(w).into_iter().chain([j]), Options::literal()).unwrap();
        literal.run().unwrap();
        // Sums of 1000 terms, in another order.
        for (found, expected) in net.dw.into_iter().chain([net.j]).zip(j.gradients(w).into_iter().chain([j]))
        {
            let what = format!("{found:?} at m = {m}");
            assert_close(&what, program.view(found).unwrap(), literal.view(expected).unwrap(), 1e-12);
        }
    }
    assert_eq!(tape.len(), length, "running adds nothing to the tape");
}

#[test]
fn a_program_goes_to_another_thread() {
    fn is_send<T: Send>(_: &T) {}
    let tape = Tape::new();
    let net = network(&tape);
    let mut here = program(&tape, &net);
    let mut there = program(&tape, &net);
    is_send(&there);
    here.run().unwrap();
    let back = std::thread::spawn(move || {
        there.run().unwrap();
        there
    });
    let back = back.join().unwrap();
    for output in net.dw.into_iter().chain([net.j]) {
        assert_eq!(bits(&view(&here, output)), bits(&view(&back, output)));
    }
}

/// A program borrows nothing from its tape.
#[test]
fn a_program_outlives_its_tape() {
    let mut program = {
        let tape = Tape::<f64>::new();
        let x = tape.parameter("x", &matrix![[3.0]]);
        tape.compile([x.square()]).unwrap()
    };
    program.run().unwrap();
    assert_eq!(program.steps().count(), 1);
}

#[test]
fn values_are_seen_and_written_in_place() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("X", &matrix![[1.0, 2.0], [3.0, 4.0]]);
    let w = tape.parameter("w", &matrix![[10.0], [100.0]]);
    let y = (w * x).named("Y");
    let mut program = tape.compile([y, y.sum()]).unwrap();
    // Leaves can be seen before a run, results only after it.
    assert_eq!(view(&program, w), matrix![[10.0], [100.0]]);
    assert_eq!(program.view(y).unwrap_err(), Error::NotRun);
    program.run().unwrap();
    assert_eq!(view(&program, y), matrix![[10.0, 20.0], [300.0, 400.0]]);
    assert_eq!(program.scalar(y.sum()).unwrap(), 730.0);
    program.parameter_mut(w).unwrap()[(0, 0)] = 1.0;
    program.parameter_mut(x).unwrap().as_mut_slice()[3] = 5.0;
    // What was computed stays until the next run.
    assert_eq!(view(&program, y), matrix![[10.0, 20.0], [300.0, 400.0]]);
    program.run().unwrap();
    assert_eq!(view(&program, y), matrix![[1.0, 2.0], [300.0, 500.0]]);
    // The tape's own values are as they were.
    assert_eq!(y.value().unwrap(), matrix![[10.0, 20.0], [300.0, 400.0]]);
    // A parameter with an output at hand.
    program
        .update(w, y, |w, y| {
            assert_eq!(y, [1.0, 300.0, 2.0, 500.0]);
            w[1] = y[2];
        })
        .unwrap();
    program.run().unwrap();
    assert_eq!(view(&program, y), matrix![[1.0, 2.0], [6.0, 10.0]]);
    // Another m: the columns that are named, twice and in any order.
    program.bind_columns(x, &matrix![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], &[2, 0, 2, 1]).unwrap();
    program.run().unwrap();
    assert_eq!(view(&program, y), matrix![[3.0, 1.0, 3.0, 2.0], [12.0, 8.0, 12.0, 10.0]]);
}

/// An output that is a leaf, the same output twice, one that another one needs, a number.
#[test]
fn outputs_of_every_sort() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &matrix![[2.0, -3.0]]);
    let y = x.square();
    let (z, t, n) = (y.sum(), y.t(), tape.scalar(2.5));
    for options in [Options::default(), Options::literal()] {
        let mut program = tape.compile_with([x, y, y, z, t, n, x], options).unwrap();
        program.run().unwrap();
        assert_eq!(view(&program, x), matrix![[2.0, -3.0]]);
        assert_eq!(view(&program, y), matrix![[4.0, 9.0]]);
        assert_eq!(view(&program, t), matrix![[4.0], [9.0]]);
        assert_eq!((program.scalar(z), program.scalar(n)), (Ok(13.0), Ok(2.5)));
        program.bind(x, &matrix![[1.0, 1.0]]).unwrap();
        program.run().unwrap();
        assert_eq!(program.scalar(z), Ok(2.0));
    }
    let mut nothing = tape.compile([]).unwrap();
    nothing.run().unwrap();
    assert_eq!(nothing.steps().count(), 0);
}

#[test]
fn what_cannot_be_bound_or_seen_is_said() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("X", &Matrix::zeros(3, 5));
    let w = tape.parameter("W", &Matrix::zeros(2, 3));
    let c = tape.constant("c", &Matrix::zeros(2, 1));
    let unused = tape.parameter("unused", &Matrix::zeros(2, 3));
    let y = (w.matmul(x) + c).named("Y");
    let mut program = tape.compile([y]).unwrap();
    let wrong = Matrix::zeros(2, 5);
    let mut bind = |variable, value| program.bind(variable, value).unwrap_err();

    assert_message(bind(x, &wrong), "bind: X is 3×m, the matrix given is 2×5");
    assert_message(bind(w, &wrong), "bind: W is 2×3, the matrix given is 2×5");
    assert_message(
        bind(c, &wrong),
        "bind: c is a constant: record it as a parameter or as examples to bind it",
    );
    assert_message(bind(y, &wrong), "bind: Y is not a leaf: only parameters and examples can be bound");
    assert_message(bind(unused, &wrong), "program: unused is neither an output nor a leaf of this program");
    let other = Tape::new();
    let foreign = other.parameter("foreign", &wrong);
    assert_message(bind(foreign, &wrong), "program: foreign belongs to another tape, at {place}");
    let void = w.matmul(c);
    assert_message(
        bind(void, &wrong),
        "matmul: inner dimensions differ: W is 2×3, c is 2×1 (did you mean a transpose?), at {place}",
    );

    assert_message(
        program.bind_columns(x, &wrong, &[0]).unwrap_err(),
        "bind: X is 3×m, the matrix given is 2×1",
    );
    assert_message(
        program.parameter_mut(c).unwrap_err(),
        "bind: c is a constant: record it as a parameter or as examples to bind it",
    );
    assert_message(
        program.update(y, y, |_, _| ()).unwrap_err(),
        "bind: Y is not a leaf: only parameters and examples can be bound",
    );
    assert_message(
        program.view(y).unwrap_err(),
        "program: no results yet: the program was not run since it was made or last bound",
    );
    program.run().unwrap();
    assert_message(program.scalar(y).unwrap_err(), "scalar: Y is 2×5, not 1×1");
    assert_message(
        program.view(unused).unwrap_err(),
        "program: unused is neither an output nor a leaf of this program",
    );
    assert_message(
        tape.compile([foreign]).unwrap_err(),
        "compile: foreign belongs to another tape, at {place}",
    );
}

#[test]
fn leaves_without_a_value_and_leaves_that_disagree_are_said() {
    let tape = Tape::<f64>::new();
    let x = tape.examples_unbound("X", 2);
    let y = tape.examples_unbound("Y", 2);
    let w = tape.parameter_unbound("W", Shape::new(2, 1));
    let mut program = tape.compile([x * y * w]).unwrap();
    assert_message(program.view(x).unwrap_err(), "run: X has no value: bind one first");
    assert_message(program.parameter_mut(w).unwrap_err(), "run: W has no value: bind one first");
    assert_message(program.run().unwrap_err(), "run: X has no value: bind one first");
    program.bind(x, &Matrix::zeros(2, 3)).unwrap();
    assert_message(program.run().unwrap_err(), "run: Y has no value: bind one first");
    program.bind(y, &Matrix::zeros(2, 4)).unwrap();
    program.bind(w, &Matrix::zeros(2, 1)).unwrap();
    assert_message(program.run().unwrap_err(), "run: X holds 3 examples (columns), Y holds 4");
    assert_eq!(program.m(), None);
    program.bind(x, &Matrix::zeros(2, 4)).unwrap();
    assert_eq!(program.run(), Ok(()));
    assert_eq!(program.m(), Some(4));
}

/// A run that fails leaves no results, and the next one is as if nothing had happened.
#[test]
fn a_failed_run_leaves_a_program_that_works() {
    let tape = Tape::<f64>::new();
    let a = tape.examples("A", &matrix![[0.25, 0.5]]);
    let y = tape.examples("Y", &matrix![[0.0, 2.0]]);
    let j = a.log_loss(y).mean();
    for options in [Options::default(), Options::literal()] {
        let mut program = tape.compile_with([j], options).unwrap();
        let failed = program.run().unwrap_err();
        assert_message(
            failed,
            "log_loss: label 2 at row 0, column 1 of Y is not in [0, 1], loss recorded at {place}",
        );
        assert_eq!(program.scalar(j), Err(Error::NotRun));
        program.bind(y, &matrix![[0.0, 1.0]]).unwrap();
        program.run().unwrap();
        assert!((program.scalar(j).unwrap() - (-(0.75f64.ln() + 0.5f64.ln()) / 2.0)).abs() < 1e-15);
        program.bind(y, &matrix![[0.0, f64::NAN]]).unwrap();
        assert!(matches!(program.run(), Err(Error::Label { column: 1, .. })));
        assert_eq!(program.scalar(j), Err(Error::NotRun));
    }
}

/// A label in a later tile is told with its place among all examples.
#[test]
fn a_wrong_label_is_found_wherever_it_is() {
    let tape = Tape::<f64>::new();
    for (rows, m) in [(1, 3000), (3, 700), (20, 300)] {
        let a = tape.examples_unbound("A", rows);
        let y = tape.examples_unbound("Y", rows);
        let j = a.sigmoid().log_loss(y).mean();
        let mut program = tape.compile([j]).unwrap();
        program.bind(a, &Matrix::zeros(rows, m)).unwrap();
        for (row, column) in [(0, 0), (rows - 1, m - 1), (rows / 2, m / 2), (0, 256), (rows - 1, 257)] {
            let mut labels = Matrix::zeros(rows, m);
            labels[(row, column)] = -0.5;
            program.bind(y, &labels).unwrap();
            let text = format!(
                "log_loss: label -0.5 at row {row}, column {column} of Y is not in [0, 1], loss recorded at {{place}}"
            );
            assert_message(program.run().unwrap_err(), &text);
        }
    }
}

#[test]
fn a_program_tells_what_it_will_cost() {
    let tape = Tape::<f64>::new();
    let x = tape.examples_unbound("X", 30);
    let w = tape.parameter("W", &Matrix::zeros(16, 30));
    let y = w.matmul(x).tanh().named("Y");
    let program = tape.compile([y]).unwrap();
    // 2·16·30 for each example, and 16 functions.
    assert_eq!(program.flops(100), 100 * (2 * 16 * 30 + 16));
    assert_eq!(program.flops(0), 0);
    // W, X and Y at least, and not much more than W, X and twice Y.
    let values = |m: usize, of_y: usize| (16 * 30 + m * (30 + of_y * 16)) * size_of::<f64>();
    for m in [1, 100, 10_000] {
        let bytes = program.peak_bytes(m);
        assert!(values(m, 1) <= bytes && bytes <= values(m, 2) + 100_000, "{bytes} at m = {m}");
    }
    let text = program.to_string();
    assert!(["W", "X", "Y", "matmul", "tanh"].iter().all(|word| text.contains(word)), "{text}");
    // Costs too great to count are not counted wrongly.
    assert_eq!(program.flops(usize::MAX), u64::MAX);
    assert_eq!(program.peak_bytes(usize::MAX), usize::MAX);
}

/// 10 000 forgotten and unneeded entries cost a program nothing.
#[test]
fn a_program_computes_only_what_its_outputs_need() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &matrix![[0.5]]);
    let y = x.sin();
    let mut z = x;
    for _ in 0..10_000 {
        z = z.cos() + 1.0;
    }
    let program = tape.compile([y]).unwrap();
    assert_eq!(program.steps().count(), 1);
}

/// Buffers are used again: a chain of any length takes a few.
#[test]
fn a_long_chain_takes_few_buffers() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &Matrix::filled(10, 10, 0.5));
    let chain = (0..1000).fold(x, |z, _| z.sin().matmul(x));
    for options in [Options::default(), Options::literal()] {
        let program = tape.compile_with([chain], options).unwrap();
        assert!(program.buffers() <= 4, "{}", program.buffers());
    }
}

/// Nothing recurses over the list: neither recording nor differentiating, compiling, running, printing or dropping.
#[test]
fn a_million_entries_need_no_deep_stack() {
    let work = || {
        let tape = Tape::<f64>::new();
        let x = tape.parameter("x", &matrix![[0.5]]);
        let mut y = x;
        while tape.len() < 400_000 {
            y = y.sin() + x;
        }
        let [dx] = y.gradients([x]);
        assert!(tape.len() > 1_000_000, "{}", tape.len());
        let mut slope = 1.0;
        let mut value = 0.5f64;
        for _ in 0..200_000 {
            (value, slope) = (value.sin() + 0.5, value.cos() * slope + 1.0);
        }
        for options in [Options::default(), Options::literal()] {
            let mut program = tape.compile_with([y, dx], options).unwrap();
            program.run().unwrap();
            assert!((program.scalar(y).unwrap() - value).abs() < 1e-12);
            // Contractions by cos y < 1: rounding does not pile up.
            assert!((program.scalar(dx).unwrap() - slope).abs() < 1e-12 * slope);
        }
        assert!(tape.to_string().lines().count() > 1_000_000);
    };
    let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(work).unwrap();
    thread.join().unwrap();
}

//! Programs: what is fused, tiled and rewritten computes what the tape says, for any examples and any number of them.

use proptest::prelude::*;
use tape::{
    Elementwise, Error, Fault, Matrix, MatrixMut, Mismatch, Operands, Operation, Options, Over, Program,
    Scalar, Shape, Tape, Var, Vjp, matrix,
};

use crate::support::cases::runner;
use crate::support::graphs::{Description, descriptions, run};
use tape::check::Random;

/// Every way to compile; the first one is the reference.
fn ways() -> [Options; 4] {
    [(false, false), (false, true), (true, false), (true, true)]
        .map(|(rewrites, fusion)| Options::default().rewrites(rewrites).fusion(fusion))
}

/// ‖found − expected‖ over ‖expected‖, or over the norm of a matrix of ones where that is more: what is compared was
/// computed from terms of the size of 1, which may cancel.
fn difference<T: Scalar>(found: &Matrix<T>, expected: &Matrix<T>) -> f64 {
    assert_eq!(found.shape(), expected.shape());
    let (found, expected): (Matrix<f64>, Matrix<f64>) = (found.cast(), expected.cast());
    assert!(expected.as_slice().iter().all(|x| x.is_finite()), "the reference is not finite");
    let pairs = found.as_slice().iter().zip(expected.as_slice());
    let difference = pairs.map(|(f, e)| (f - e) * (f - e)).sum::<f64>().sqrt();
    difference / expected.norm().max((expected.as_slice().len() as f64).sqrt()).max(1.0)
}

/// f64 is held to 1e-12: some 30 operations of a rounding error of 1e-16 each, on sums of up to 1025 terms, twice
/// differentiated; f32 to 1e-4 with the same reasoning.
fn tolerance<T: Scalar>() -> f64 {
    if T::NAME == "f64" { 1e-12 } else { 1e-4 }
}

/// Every way to compile gives the same on the examples that the tape was made with, on other ones, and on other numbers of
/// them; returns the worst difference.
fn every_way_is_equal<T: Scalar>(description: &Description) -> Result<f64, TestCaseError> {
    let tape = Tape::<T>::new();
    let graph = description.record(&tape);
    tape.check().map_err(|e| TestCaseError::fail(e.to_string()))?;
    let length = tape.len();
    let mut programs: Vec<Program<T>> =
        ways().map(|way| tape.compile_with(graph.outputs.iter().copied(), way).unwrap()).into();
    let mut worst: f64 = 0.0;
    let mut of_five: Vec<Vec<Matrix<T>>> = Vec::new();
    for (at, m) in [description.m, 5, 1, 700, 5].into_iter().enumerate() {
        // 5 comes twice with the same examples; the first ones are the tape's own.
        let seed = if m == 5 { 5 } else { description.seed.wrapping_add(at as u64) };
        let examples = description.examples(m, seed);
        let found: Vec<Vec<Matrix<T>>> =
            programs.iter_mut().map(|program| run(program, &graph, &examples)).collect();
        let outputs = || graph.outputs.iter().enumerate();
        for (way, of_way) in ways().iter().zip(&found) {
            for (i, output) in outputs() {
                let off = difference(&of_way[i], &found[0][i]);
                worst = worst.max(off);
                let close = off <= tolerance::<T>();
                prop_assert!(close, "{output:?} at m = {m} is off by {off:.1e} with {way:?}");
            }
        }
        if m == 5 && of_five.is_empty() {
            of_five = found;
        } else if m == 5 {
            // The same program on the same inputs gives the same bits, whatever it ran on in between.
            let bits = |found: &Vec<Vec<Matrix<T>>>| -> Vec<u64> {
                found.iter().flatten().flat_map(Matrix::as_slice).map(|x| x.bits()).collect()
            };
            prop_assert_eq!(bits(&of_five), bits(&found));
        }
    }
    prop_assert_eq!(tape.len(), length, "compiling and running records nothing");
    Ok(worst)
}

fn every_way_is_equal_at<T: Scalar>(cases: u32, m: &'static [usize]) {
    let worst = std::cell::Cell::new(0.0_f64);
    let result = runner(cases).run(&descriptions(m), |description| {
        worst.set(worst.get().max(every_way_is_equal::<T>(&description)?));
        Ok(())
    });
    println!("{}: worst difference {:.1e}", T::NAME, worst.get());
    result.unwrap_or_else(|e| panic!("{e}"));
}

/// Small and odd numbers of examples, and those around the widths that kernels are unrolled by.
const SMALL: &[usize] = &[1, 2, 3, 7, 8, 9, 15, 16, 17, 63, 64, 65];

/// Around one tile of 256 columns and several.
const EDGES: &[usize] = &[255, 256, 257, 511, 513, 768, 1023, 1024, 1025];

#[test]
fn random_graphs_of_few_examples() {
    every_way_is_equal_at::<f64>(50, SMALL);
}

#[test]
fn random_graphs_at_the_edges_of_tiles() {
    every_way_is_equal_at::<f64>(30, EDGES);
}

#[test]
fn random_graphs_in_single_precision() {
    every_way_is_equal_at::<f32>(20, SMALL);
    every_way_is_equal_at::<f32>(10, EDGES);
}

// ---- A program of one's own hands -----------------------------------------------------------------------------

/// The network 3-4-1 with its loss and gradients.
struct Network<'t> {
    x: Var<'t, f64>,
    y: Var<'t, f64>,
    parameters: [Var<'t, f64>; 4],
    j: Var<'t, f64>,
    gradients: [Var<'t, f64>; 4],
}

impl<'t> Network<'t> {
    fn record(tape: &'t Tape<f64>) -> Self {
        let mut random = Random::new(11);
        let (x, y) = (tape.examples_unbound("X", 3), tape.examples_unbound("Y", 1));
        let mut parameter = |name: &str, rows: usize, columns: usize| {
            tape.parameter(name, &random.matrix(rows, columns, -1.0, 1.0))
        };
        let parameters = [
            parameter("W[1]", 4, 3),
            parameter("b[1]", 4, 1),
            parameter("W[2]", 1, 4),
            parameter("b[2]", 1, 1),
        ];
        let [w1, b1, w2, b2] = parameters;
        let a = (w1.matmul(x) + b1).tanh();
        let j = (w2.matmul(a) + b2).sigmoid().log_loss(y).mean().named("J");
        Network { x, y, parameters, j, gradients: j.gradients(parameters) }
    }

    fn outputs(&self) -> impl Iterator<Item = Var<'t, f64>> + use<'t> {
        self.gradients.into_iter().chain([self.j])
    }

    fn bind(&self, program: &mut Program<f64>, m: usize, seed: u64) {
        let mut random = Random::new(seed);
        program.bind(self.x, &random.matrix(3, m, -2.0, 2.0)).unwrap();
        program.bind(self.y, &random.matrix(1, m, 0.0, 1.0)).unwrap();
    }

    fn bits(&self, program: &Program<f64>) -> Vec<u64> {
        let values = self.outputs().map(|output| program.view(output).unwrap().to_matrix());
        values.flat_map(Matrix::into_vec).map(f64::to_bits).collect()
    }
}

#[test]
fn a_program_works_in_another_thread_and_without_its_tape() {
    fn sent<T: Send>(value: T) -> T {
        value
    }
    let tape = Tape::new();
    let network = Network::record(&tape);
    let mut here = tape.compile(network.outputs()).unwrap();
    let mut there = sent(tape.compile(network.outputs()).unwrap());
    network.bind(&mut here, 700, 1);
    network.bind(&mut there, 700, 1);
    here.run().unwrap();
    let there = std::thread::spawn(move || there.run().map(|()| there)).join().unwrap().unwrap();
    assert_eq!(network.bits(&here), network.bits(&there));
    let mut orphan = {
        let tape = Tape::<f64>::new();
        tape.compile([tape.parameter("x", &matrix![[3.0]]).square()]).unwrap()
    };
    orphan.run().unwrap();
}

/// An entry without its tape names the same values, and what it does not name is told.
#[test]
fn entries_name_what_their_variables_name() {
    let (tape, other) = (Tape::<f64>::new(), Tape::<f64>::new());
    let w = tape.parameter("w", &matrix![[2.0]]);
    let x = tape.examples("x", &matrix![[1.0, 2.0]]);
    let product = w * x;
    let j = product.sum();
    let mut program = tape.compile([j]).unwrap();
    let [w_at, x_at, j_at] = [w, x, j].map(|variable| variable.id().unwrap());
    let mut sum = || -> tape::Result<f64> {
        program.bind(x_at, &matrix![[3.0, 4.0]])?;
        program.parameter_mut(w_at)?.as_mut_slice()[0] = 10.0;
        program.run()?;
        program.update(w_at, j_at, |w, j| w[0] += j[0])?;
        program.scalar(j_at)
    };
    assert_eq!(sum().unwrap(), 70.0);
    assert_eq!(program.view(w_at).unwrap().as_slice(), [80.0]);
    assert_eq!(program.view(w).unwrap().as_slice(), [80.0]);
    // The transpose of a product's value is an entry of its own, and the same each time.
    assert_eq!(product.t().id().unwrap(), product.t().id().unwrap());
    assert_ne!(product.t().id().unwrap(), product.id().unwrap());

    let told = |error: tape::Result<f64>| error.unwrap_err().to_string();
    let inner = product.id().unwrap();
    assert_eq!(
        told(program.scalar(inner)),
        format!("program: %{} is neither an output nor a leaf of this program", product.index().unwrap())
    );
    let foreign = other.parameter("v", &matrix![[1.0]]).id().unwrap();
    assert_eq!(
        told(program.scalar(foreign)),
        "program: %0 of another tape is neither an output nor a leaf of this program"
    );
    assert_eq!(told(program.scalar(x_at)), "scalar: x is 1×2, not 1×1");
    let error = program.bind(j_at, &matrix![[1.0]]).unwrap_err().to_string();
    let number = j.index().unwrap();
    assert_eq!(error, format!("bind: %{number} is not a leaf: only parameters and examples can be bound"));
    let void = (w + other.parameter("v", &matrix![[1.0]])).id();
    assert!(void.unwrap_err().to_string().contains("another tape"));
}

#[test]
fn values_are_seen_and_changed_in_place() {
    let tape = Tape::<f64>::new();
    let w = tape.parameter("w", &matrix![[2.0], [3.0]]);
    let x = tape.examples("X", &matrix![[1.0, 10.0]]);
    let y = (w * x).named("Y");
    let total = y.sum();
    let mut program = tape.compile([y, total]).unwrap();
    assert_eq!(program.view(w).unwrap().to_matrix(), matrix![[2.0], [3.0]]);
    assert_eq!(program.view(y).unwrap_err(), Error::NotRun);
    program.run().unwrap();
    assert_eq!(program.view(y).unwrap().to_matrix(), matrix![[2.0, 20.0], [3.0, 30.0]]);
    assert_eq!(program.scalar(total), Ok(55.0));

    program.parameter_mut(w).unwrap()[(1, 0)] = -2.0;
    program.bind(x, &matrix![[1.0]]).unwrap();
    // The last results stay as they are until the next run.
    assert_eq!(program.view(y).unwrap().to_matrix(), matrix![[2.0, 20.0], [3.0, 30.0]]);
    program.run().unwrap();
    assert_eq!(program.view(y).unwrap().to_matrix(), matrix![[2.0], [-2.0]]);

    let change = |w: &mut [f64], y: &[f64]| w.iter_mut().zip(y).for_each(|(w, y)| *w -= 0.5 * y);
    program.update(w, y, change).unwrap();
    assert_eq!(program.view(w).unwrap().to_matrix(), matrix![[1.0], [-1.0]]);
    let data = matrix![[1.0, 2.0, 3.0]];
    program.bind_columns(x, &data, &[2, 0, 2, 1]).unwrap();
    assert_eq!(program.m(), Some(4));
    program.run().unwrap();
    assert_eq!(program.view(y).unwrap().to_matrix(), matrix![[3.0, 1.0, 3.0, 2.0], [-3.0, -1.0, -3.0, -2.0]]);
    program.bind_columns(x, &data, &[]).unwrap();
    program.run().unwrap();
    assert_eq!((program.view(y).unwrap().shape(), program.scalar(total)), ((2, 0), Ok(0.0)));

    // What a program changed is its own: the tape, and programs compiled later, have the first values.
    assert_eq!(y.value().unwrap(), matrix![[2.0, 20.0], [3.0, 30.0]]);
}

/// An update takes the parameter itself, as it was in the run, if that is an output, by its own name or that of an equal entry.
#[test]
fn a_parameter_is_updated_by_itself() {
    let tape = Tape::<f64>::new();
    let w = tape.parameter("w", &matrix![[2.0]]);
    let same = w.identity();
    let mut program = tape.compile([w, same]).unwrap();
    let by = |w: &mut [f64], output: &[f64]| w[0] = 10.0 * w[0] + output[0];
    assert_eq!(program.update(w, same, by), Err(Error::NotRun));
    assert_eq!(program.update(w, w, by), Err(Error::NotRun));
    program.run().unwrap();
    program.update(w, w, by).unwrap();
    program.update(w, same, by).unwrap();
    assert_eq!((program.scalar(w), program.scalar(same)), (Ok(222.0), Ok(2.0)));
    program.run().unwrap();
    assert_eq!(program.scalar(same), Ok(222.0));
    // What is no output has no value of the run.
    let mut program = tape.compile([w.square()]).unwrap();
    let refused = program.update(w, w, by).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "update: w is the output itself, and no output of this program: compile it as one"
    );
    assert_eq!(program.scalar(w), Ok(2.0));
}

/// An update that panics leaves the parameter with the values that it has written so far.
#[test]
fn a_parameter_survives_a_panic_of_its_update() {
    let tape = Tape::<f64>::new();
    let w = tape.parameter("w", &matrix![[2.0], [3.0]]);
    let (x, y) = (tape.examples("X", &matrix![[1.0, 4.0]]), w.square());
    let mut program = tape.compile([y, x]).unwrap();
    program.run().unwrap();
    // With what the program computed, and with a value that it still shares with the tape.
    for output in [y, x] {
        let change = |w: &mut [f64], output: &[f64]| {
            w[0] += output[0];
            std::panic::resume_unwind(Box::new("no more"));
        };
        let update = std::panic::AssertUnwindSafe(|| program.update(w, output, change));
        assert!(std::panic::catch_unwind(update).is_err());
    }
    assert_eq!(program.view(w).unwrap().to_matrix(), matrix![[2.0 + 4.0 + 1.0], [3.0]]);
    program.run().unwrap();
    assert_eq!(program.view(y).unwrap().to_matrix(), matrix![[49.0], [9.0]]);
}

#[test]
fn ten_thousand_steps_add_nothing() {
    let tape = Tape::new();
    let network = Network::record(&tape);
    let mut program = tape.compile(network.outputs()).unwrap();
    let before = (tape.len(), program.steps().count(), program.buffers(), program.peak_bytes(32));
    for step in 0..10_000 {
        if step % 100 == 0 {
            network.bind(&mut program, [32, 7, 1][step / 100 % 3], step as u64);
        }
        program.run().unwrap();
        for (w, dw) in network.parameters.into_iter().zip(network.gradients) {
            let down = |w: &mut [f64], dw: &[f64]| w.iter_mut().zip(dw).for_each(|(w, dw)| *w -= 0.01 * dw);
            program.update(w, dw, down).unwrap();
        }
    }
    assert!(program.scalar(network.j).unwrap().is_finite());
    let after = (tape.len(), program.steps().count(), program.buffers(), program.peak_bytes(32));
    assert_eq!(before, after);
}

#[test]
fn asked_again_a_gradient_adds_nothing() {
    let result = runner(100).run(&descriptions(SMALL), |description| {
        let tape = Tape::<f64>::new();
        let graph = description.record(&tape);
        let leaves = [graph.x, graph.parameters[0]];
        let ask = || {
            let first = graph.outputs[2].gradients_or_zeros(leaves);
            let second = first[0].square().sum().gradients_or_zeros(leaves);
            (first, second)
        };
        let once = ask();
        let length = tape.len();
        prop_assert!(ask() == once, "other entries");
        prop_assert_eq!(tape.len(), length);
        Ok(())
    });
    result.unwrap_or_else(|e| panic!("{e}"));
}

/// Recording, differentiating, compiling, running and dropping a million entries, none of it by recursion.
#[test]
fn a_million_entries_in_a_small_stack() {
    let work = || {
        let tape = Tape::<f64>::new();
        let x = tape.examples("x", &matrix![[0.5, -0.25, 0.125]]);
        let mut y = x;
        let (mut value, mut slope) = (vec![0.5_f64, -0.25, 0.125], vec![1.0_f64; 3]);
        while tape.len() < 400_000 {
            y = y.sin() + x;
            for ((value, slope), x) in value.iter_mut().zip(&mut slope).zip([0.5, -0.25, 0.125]) {
                (*value, *slope) = (value.sin() + x, value.cos() * *slope + 1.0);
            }
        }
        let [dx] = y.sum().gradients([x]);
        assert!(tape.len() > 1_000_000, "{}", tape.len());
        let mut program = tape.compile([y, dx]).unwrap();
        program.run().unwrap();
        // sin contracts, so rounding does not pile up; near 0 it does so slowly, hence not closer than 1e-9.
        assert!(difference(&program.view(y).unwrap().to_matrix(), &Matrix::row(&value)) < 1e-9);
        assert!(difference(&program.view(dx).unwrap().to_matrix(), &Matrix::row(&slope)) < 1e-9);
    };
    std::thread::Builder::new().stack_size(256 << 10).spawn(work).unwrap().join().unwrap();
}

/// A network wide enough that its tiles are wider than the least, at the edges of these tiles.
#[test]
fn wide_networks_at_the_edges_of_their_tiles() {
    let mut worst: f64 = 0.0;
    for rows in [1, 9, 300, 600] {
        let tape = Tape::<f64>::new();
        let mut random = Random::new(rows as u64);
        let (x, y) = (tape.examples_unbound("X", 3), tape.examples_unbound("Y", 1));
        let w1 = tape.parameter("W[1]", &random.matrix(rows, 3, -1.0, 1.0));
        let b1 = tape.parameter("b[1]", &random.matrix(rows, 1, -1.0, 1.0));
        let bound = 1.0 / (rows as f64).sqrt();
        let w2 = tape.parameter("W[2]", &random.matrix(1, rows, -bound, bound));
        let a = w2.matmul((w1.matmul(x) + b1).tanh()).sigmoid();
        // Softmax over the examples: its sum exists only after a loop over all tiles.
        let j = (a.log_loss(y).mean() + (a.softmax_over(Over::Columns) * y).sum()).named("J");
        let [dw1, db1, dw2, dx] = j.gradients([w1, b1, w2, x]);
        let outputs = [j, dw1, db1, dw2, dx];
        let mut literal = tape.compile_with(outputs, Options::literal()).unwrap();
        let mut fused = tape.compile(outputs).unwrap();
        let tile = fused.tile_columns();
        for m in [tile - 1, tile, tile + 1, 2 * tile, 2 * tile + 1] {
            let (x_value, y_value) = (random.matrix(3, m, -2.0, 2.0), random.matrix(1, m, 0.0, 1.0));
            for program in [&mut literal, &mut fused] {
                program.bind(x, &x_value).unwrap();
                program.bind(y, &y_value).unwrap();
                program.run().unwrap();
            }
            for output in outputs {
                let of = |program: &Program<f64>| program.view(output).unwrap().to_matrix();
                let (found, expected) = (of(&fused), of(&literal));
                let difference =
                    Matrix::from_fn(found.rows(), found.columns(), |i, j| found[(i, j)] - expected[(i, j)]);
                let off = difference.norm() / expected.norm();
                worst = worst.max(off);
                // Sums of 2049 terms of a rounding error of 1e-16 each, in another order.
                assert!(off <= 1e-12, "{output:?} at m = {m}: {off:.1e}");
            }
        }
    }
    println!("wide networks: worst difference {worst:.1e}");
}

/// a³, an operation that says that it works entry by entry.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Cube;

impl<T: Scalar> Operation<T> for Cube {
    fn name(&self) -> std::borrow::Cow<'_, str> {
        "cube".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0])
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        self.section(&[x.get(0).as_slice()], out.as_mut_slice(), x.m())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let [a] = at.operands();
        at.contribute_elementwise(0, |g| g * a.square() * T::from_f64(3.0));
    }
    fn is_columnwise(&self, _: &[Shape]) -> bool {
        true
    }
    fn elementwise(&self) -> Option<&dyn Elementwise<T>> {
        Some(self)
    }
}

impl<T: Scalar> Elementwise<T> for Cube {
    fn section(&self, x: &[&[T]], out: &mut [T], _: usize) -> Result<(), Fault> {
        out.iter_mut().zip(x[0]).for_each(|(out, &a)| *out = a * a * a);
        Ok(())
    }
}

/// An operation of the user's has the rights of the built-in ones: its entries run in one pass with theirs.
#[test]
fn an_elementwise_operation_of_the_users_is_fused() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("X", &Matrix::from_fn(3, 700, |i, j| ((7 * i + j) % 13) as f64 / 13.0));
    let y = (tape.apply(Cube, [x]).tanh() + x).sum();
    let [dx] = y.gradients([x]);
    let mut program = tape.compile([y, dx]).unwrap();
    let together =
        |step: tape::ProgramStep| step.operations.iter().any(|o| o == "cube") && step.operations.len() > 1;
    assert!(program.steps().any(together), "{program}");
    let mut literal = tape.compile_with([y, dx], Options::literal()).unwrap();
    program.run().unwrap();
    literal.run().unwrap();
    for output in [y, dx] {
        let (found, expected) = (program.view(output).unwrap(), literal.view(output).unwrap());
        assert!(difference(&found.to_matrix(), &expected.to_matrix()) < 1e-12);
    }
}

/// A fold is read where its operand is: also where that is in an open pass, is an output, or is summed; fused or not, with and without
/// the rewrites that would take folds away.
#[test]
fn folds_are_read_where_their_operands_are() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("X", &Random::new(1).matrix(6, 700, -1.0, 1.0));
    let h = x.tanh();
    let wide = h.unfold(3);
    let outputs = [
        h.fold(1).sin() + h,
        (h.unfold(3).fold(3).sin() * h).sum_over(Over::Columns),
        h.unfold(2).fold(2).sum_over(Over::Columns),
        wide,
        wide.fold(3).exp().sum(),
        (wide.exp() + wide).fold(3) * h,
    ];
    let run = |options: Options| {
        let mut program = tape.compile_with(outputs, options).unwrap();
        program.run().unwrap();
        outputs.map(|output| program.view(output).unwrap().to_matrix())
    };
    let literal = run(Options::literal());
    // The formulas themselves, without a fold.
    let plain = x.value().unwrap().map(f64::tanh);
    assert_eq!(literal[3].as_slice(), h.value().unwrap().as_slice());
    let first = plain.map(|h| h.sin() + h);
    assert!(first.as_slice().iter().zip(literal[0].as_slice()).all(|(a, b)| (a - b).abs() < 1e-14));
    let last = plain.map(|h| (h.exp() + h) * h);
    assert!(last.as_slice().iter().zip(literal[5].as_slice()).all(|(a, b)| (a - b).abs() < 1e-14));
    for options in [Options::default(), Options::default().rewrites(false), Options::default().fusion(false)]
    {
        for tile in [0, 1, 300] {
            for (found, literal) in run(options.tile_columns(tile)).iter().zip(&literal) {
                let pairs = found.as_slice().iter().zip(literal.as_slice());
                let worst = pairs.fold(0.0, |most: f64, (a, b)| most.max((a - b).abs() / (1.0 + b.abs())));
                assert!(worst < 1e-13, "{options:?}: {worst:e} off");
            }
        }
    }
}

/// Outputs that are folds of one value, of one another, of outputs and of leaves, at any number of examples; the leaf's is
/// what it was in the last run.
#[test]
fn folds_that_are_outputs_hold_what_their_operands_are() {
    let tape = Tape::<f64>::new();
    let x = tape.examples_unbound("X", 6);
    let w = tape.parameter("W", &Matrix::from_fn(2, 2, |i, j| (i + 2 * j) as f64 - 1.5));
    let (h, g) = (x.tanh(), x.unfold(3) * 2.0);
    let by_two = h.unfold(2);
    // The same numbers as tanh(X), as X, as 2·X and as W·unfold(X).
    let of_h = [h, by_two, h.unfold(3), by_two.fold(2).unfold(6)];
    let of_x = [x.unfold(3), x.unfold(2)];
    let of_g = [g.fold(3)];
    let product = w.matmul(x.unfold(3));
    let of_product = [product.fold(3), product];
    let outputs: Vec<Var<'_, f64>> =
        of_h.into_iter().chain(of_x).chain(of_g).chain(of_product).chain([product.sum()]).collect();
    for options in ways().into_iter().chain([Options::literal(), Options::default().tile_columns(1)]) {
        let mut program = tape.compile_with(outputs.iter().copied(), options).unwrap();
        for m in [1, 2, 255, 700, 0, 3] {
            let values = Random::new(m as u64).matrix::<f64>(6, m, -1.0, 1.0);
            program.bind(x, &values).unwrap();
            program.run().unwrap();
            // Unseen until the next run.
            program.bind(x, &values.map(|x| x + 1.0)).unwrap();
            let is = |of: &[Var<'_, f64>], expected: &dyn Fn(usize) -> f64| {
                for output in of {
                    let found = program.view(*output).unwrap();
                    assert_eq!(found.shape(), output.shape().unwrap().at(m), "{output:?}");
                    let numbers = found.as_slice().iter().enumerate();
                    let worst =
                        numbers.fold(0.0, |most: f64, (at, found)| most.max((found - expected(at)).abs()));
                    assert!(worst < 1e-14, "{options:?}, m = {m}: {output:?} is {worst:e} off");
                }
            };
            let x_at = |at: usize| values.as_slice()[at];
            is(&of_h, &|at| x_at(at).tanh());
            is(&of_x, &x_at);
            is(&of_g, &|at| 2.0 * x_at(at));
            let w_at = |i: usize, j: usize| (i + 2 * j) as f64 - 1.5;
            is(&of_product, &|at| (0..2).map(|j| w_at(at % 2, j) * x_at(at / 2 * 2 + j)).sum());
        }
    }
}

/// A step that writes an output's numbers says which output that is, and how it is folded.
#[test]
fn a_step_is_named_by_the_output_that_is_folded_of_it() {
    let tape = Tape::<f64>::new();
    let [q, k] = ["Q", "K"].map(|name| tape.parameter_unbound(name, Shape::new(6, tape::Dim::M)));
    let j = k.unfold(3).block_t().block_matmul(q.unfold(3)).tanh().sum().named("J");
    let gradients = j.gradients([q, k]);
    let program = tape.compile([j].into_iter().chain(gradients)).unwrap();
    let step = program.steps().find(|step| step.entry == "∂J/∂Q").expect("a step makes the gradient");
    assert_eq!(step.operations.last().unwrap(), "fold[3]");
    assert_eq!(step.shape, Shape::new(6, tape::Dim::M));
    assert!(program.to_string().contains("∂J/∂Q"), "{program}");
    assert!(!program.steps().any(|step| step.operations == ["fold[3]"]), "nothing is copied: {program}");
}

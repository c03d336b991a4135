//! The same program on the same inputs gives the same bits, whatever the number of threads and the width of a tile; and what
//! goes wrong on one thread goes wrong in the same way on several.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::thread::{self, ThreadId};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tape::{
    Entrywise, Error, Fault, Matrix, MatrixMut, MatrixRef, Mismatch, Operands, Operation, Options, Over,
    Program, Scalar, Shape, Tape, Threads, Var, Vjp,
};

use crate::support::networks::G;
use crate::support::random::Random;
use crate::support::{compare, graphs, networks};

/// A number of threads and a width of the tiles; 0 for the default.
type Way = (usize, usize);

const THREADS: [usize; 4] = [1, 2, 3, 7];
/// 1 becomes a unit, 300 two of them.
const TILES: [usize; 5] = [1, 300, 1024, 1 << 14, 0];

/// With what the others are compared.
const REFERENCE: Way = (1, 1);

fn all_ways() -> Vec<Way> {
    THREADS.iter().flat_map(|&threads| TILES.map(|tile| (threads, tile))).collect()
}

/// A quarter of them, with every number of threads and every width.
fn some_ways(seed: u64) -> Vec<Way> {
    all_ways().into_iter().skip(seed as usize % 4).step_by(4).collect()
}

fn options((threads, tile): Way) -> Options {
    Options::default().threads(threads).tile_columns(tile)
}

/// For every number of threads how many runs were allowed it, and how many used it.
#[derive(Debug, Default)]
struct Used(BTreeMap<usize, (u32, u32)>);

impl Used {
    fn note(&mut self, allowed: usize, used: usize) {
        let (runs, full) = self.0.entry(allowed).or_default();
        *runs += 1;
        *full += u32::from(used == allowed);
    }

    /// Of the runs that were allowed several threads at least this part used all of them.
    fn assert_share(&self, least: f64) {
        println!("threads allowed: (runs, runs that used them all): {:?}", self.0);
        for threads in &THREADS[1..] {
            let (runs, full) = self.0[threads];
            assert!(f64::from(full) >= least * f64::from(runs), "{threads} threads: {full} of {runs} runs");
        }
    }
}

/// Values for the leaves that have some for each example.
type Batch<'t, T> = Vec<(Var<'t, T>, Matrix<T>)>;

fn run<T: Scalar>(program: &mut Program<T>, batch: &Batch<'_, T>) -> usize {
    for (leaf, value) in batch {
        program.bind(*leaf, value).unwrap();
    }
    program.run().unwrap();
    program.m().expect("a batch has examples")
}

/// All bits of the outputs in one number.
fn fingerprint<T: Scalar>(program: &Program<T>, outputs: &[Var<'_, T>]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for &output in outputs {
        program.view(output).unwrap().as_slice().iter().for_each(|x| x.bits().hash(&mut hasher));
    }
    hasher.finish()
}

/// Does the work on one of so many threads, kept for all tests.
fn installed<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    static KEPT: [OnceLock<Threads>; 8] = [const { OnceLock::new() }; 8];
    KEPT[threads].get_or_init(|| Threads::new(threads).unwrap()).install(work)
}

/// Whether two programs have found the same bits.
fn is_equal<T: Scalar>(
    found: &Program<T>,
    reference: &Program<T>,
    outputs: &[Var<'_, T>],
    way: Way,
    m: usize,
) -> Result<(), TestCaseError> {
    for &output in outputs {
        let values = |program: &Program<T>| program.view(output).unwrap().to_matrix().into_vec();
        let (found, expected) = (values(found), values(reference));
        let differ = |(found, expected): (&T, &T)| found.bits() != expected.bits();
        if let Some(at) = found.iter().zip(&expected).position(differ) {
            let reason = format!(
                "{output:?} at m = {m} with (threads, tile) = {way:?}: entry {at} is {:?}, not {:?}",
                found[at], expected[at]
            );
            return Err(TestCaseError::fail(reason));
        }
    }
    Ok(())
}

/// Compiles the outputs in all these ways and runs them on all batches; says where they differ.
fn differences<'t, T: Scalar>(
    outputs: &[Var<'t, T>],
    batches: &[Batch<'t, T>],
    ways: &[Way],
    used: &mut Used,
) -> Result<(), TestCaseError> {
    let tape = outputs[0].tape();
    let compile = |way| tape.compile_with(outputs.iter().copied(), options(way)).unwrap();
    let mut reference = compile(REFERENCE);
    let mut programs: Vec<(Way, Program<T>)> = ways.iter().map(|&way| (way, compile(way))).collect();
    let mut seen: Vec<(usize, u64)> = Vec::new();
    for (at, batch) in batches.iter().enumerate() {
        let m = run(&mut reference, batch);
        for (way, program) in &mut programs {
            run(program, batch);
            is_equal(program, &reference, outputs, *way, m)?;
            // Even a short run shares its work with threads that are there, and awake since the one before.
            if way.0 > 1 {
                installed(way.0, || program.run().and_then(|()| program.run())).unwrap();
                is_equal(program, &reference, outputs, *way, m)?;
            }
            // The first batch is what the case is about.
            if at == 0 {
                used.note(way.0, program.threads(m));
            }
        }
        // The same m comes again with the same examples.
        let bits = (m, fingerprint(&reference, outputs));
        prop_assert!(seen.iter().all(|&before| before.0 != m || before == bits), "another time at m = {m}");
        seen.push(bits);
    }
    Ok(())
}

/// Cases that are the same in every run.
fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// Gives its operand back and says that this is a lot of work: a program with it uses all threads that it may.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Costly;

impl<T: Scalar> Operation<T> for Costly {
    fn name(&self) -> Cow<'_, str> {
        "costly".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0])
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        out.as_mut_slice().copy_from_slice(x.get(0).as_slice());
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        at.contribute(0, |g| g);
    }
    fn keeps_columns_apart(&self, _: &[Shape]) -> bool {
        true
    }
    fn flops(&self, _: &[(usize, usize)], _: (usize, usize)) -> u64 {
        1 << 40
    }
}

// ---- Random graphs --------------------------------------------------------------------------------------------

/// Around a unit of 256, and around 8 and 16 of them, from where on a loop has several spans, of more than one.
const M: &[usize] = &[255, 256, 257, 700, 1025, 2047, 2048, 2049, 4095, 5000, 20_000];

fn random_graphs<T: Scalar>(cases: u32) {
    let (as_it_is, forced) = (RefCell::new(Used::default()), RefCell::new(Used::default()));
    let result = runner(cases).run(&graphs::descriptions(M), |description| {
        let tape = Tape::<T>::new();
        let graph = description.record(&tape);
        let mut outputs = graph.outputs.clone();
        let used = if description.seed & 8 == 0 { &as_it_is } else { &forced };
        if std::ptr::eq(used, &forced) {
            outputs.push(tape.apply(Costly, [graph.x]));
        }
        let other = [1, 5, 300][description.choices.len() % 3];
        let batches = [description.m, other, description.m].map(|m| {
            let (x, y) = description.examples(m, description.seed);
            vec![(graph.x, x), (graph.y, y)]
        });
        differences(&outputs, &batches, &some_ways(description.seed), &mut used.borrow_mut())
    });
    result.unwrap_or_else(|e| panic!("{}: {e}", T::NAME));
    as_it_is.borrow().assert_share(0.2);
    forced.borrow().assert_share(1.0);
}

#[test]
fn random_graphs_in_double_precision() {
    random_graphs::<f64>(45);
}

#[test]
fn random_graphs_in_single_precision() {
    random_graphs::<f32>(45);
}

/// Up to a unit; and what comes after more or fewer.
const FEW: &[usize] = &[1, 2, 3, 4, 5, 7, 8, 16, 17, 31, 64, 100, 128, 255, 256];

/// Few examples go without loops, unless somebody has asked for tiles.
fn few_examples<T: Scalar>(cases: u32) {
    let used = RefCell::new(Used::default());
    let graphs = runner(cases).run(&graphs::descriptions(FEW), |description| {
        let tape = Tape::<T>::new();
        let graph = description.record(&tape);
        let batches = [description.m, 300, 1, 6, description.m].map(|m| {
            let (x, y) = description.examples(m, description.seed);
            vec![(graph.x, x), (graph.y, y)]
        });
        differences(&graph.outputs, &batches, &[(1, 0), (7, 0)], &mut used.borrow_mut())
    });
    graphs.unwrap_or_else(|e| panic!("{}: {e}", T::NAME));
    let networks = runner(cases).run(&descriptions(), |description| {
        let tape = Tape::<T>::new();
        let description =
            networks::Description { m: FEW[description.seed as usize % FEW.len()], ..description };
        let (x, y) = description.examples();
        let network = description.network::<T>().record(&tape, &x, &y).unwrap();
        let outputs = match description.seed & 1 {
            0 => outputs_of(&network, false),
            _ => [network.j].into_iter().chain(network.gradients()).collect(),
        };
        let batches = [description.m, 3, description.m].map(|m| {
            let (x, y) = networks::Description { m, ..description.clone() }.examples();
            vec![(network.x(), x), (network.y, y)]
        });
        differences(&outputs, &batches, &[(1, 0), (7, 0)], &mut used.borrow_mut())
    });
    networks.unwrap_or_else(|e| panic!("{}: {e}", T::NAME));
}

#[test]
fn few_examples_in_both_precisions() {
    few_examples::<f64>(100);
    few_examples::<f32>(100);
}

// ---- Networks -------------------------------------------------------------------------------------------------

/// Odd widths, those around vectors and blocks of a kernel, and layers wide enough that threads share one product.
const WIDTHS: &[usize] = &[1, 2, 5, 31, 33, 64, 100, 300];

/// Few examples, and those of [`M`].
const MORE_M: &[usize] = &[1, 2, 40, 255, 256, 257, 700, 1025, 2047, 2048, 2049, 4095, 5000, 20_000];

/// So many multiplications a run at most, or a test takes long.
const MOST_WORK: usize = 100_000_000;

/// Networks of up to 4 layers, with no more examples than are little work.
fn descriptions() -> impl Strategy<Value = networks::Description> {
    let width = || prop::sample::select(WIDTHS);
    let layers = prop::collection::vec((width(), prop::sample::select(G::tame())), 1..=4);
    (width(), layers, networks::outputs(), any::<prop::sample::Index>(), any::<u64>()).prop_map(
        |(features, layers, (loss, output), m, seed)| {
            let (mut widths, mut g): (Vec<usize>, Vec<G>) = layers.into_iter().unzip();
            let last = g.len() - 1;
            g[last] = output.unwrap_or(g[last]);
            widths[last] = widths[last].max(networks::fewest_outputs(loss));
            let sizes: Vec<usize> = [features].into_iter().chain(widths).collect();
            // A third of it forwards, and so much again for each of two derivatives. A function is worth some products.
            let work = 3 * sizes.windows(2).map(|n| (n[0] + 20) * n[1]).sum::<usize>();
            let affordable: Vec<usize> =
                MORE_M.iter().copied().filter(|m| m * work <= MOST_WORK || *m <= 2).collect();
            // With small networks the fewest examples would be too little work for a second thread.
            let larger = &affordable[affordable.len() / 3..];
            let m = *m.get(larger);
            networks::Description { sizes, g, loss, m, scale: 1.0, seed }
        },
    )
}

/// J, its first derivatives with respect to the parameters and what has a column per example, all of these values
/// themselves, and now and then second derivatives.
fn outputs_of<'t, T: Scalar>(network: &mlp::RecordedMlp<'t, T>, second: bool) -> Vec<Var<'t, T>> {
    let (parameters, gradients) = (network.parameters(), network.gradients());
    let of_columns: Vec<Var<'t, T>> = network.z.iter().chain(&network.a[1..]).copied().collect();
    let mut outputs = vec![network.j, network.losses];
    if second {
        let squares = gradients.iter().map(|gradient| gradient.square().sum());
        let h = squares.reduce(|a, b| a + b).expect("a network has parameters");
        let leaves: Vec<Var<'t, T>> = parameters.iter().copied().chain([network.x()]).collect();
        let of_h = h.gradients_or_zeros_vec(&leaves);
        // Not every function of the user's has a second derivative.
        if of_h.iter().all(|gradient| gradient.sound().is_ok()) {
            outputs.extend(of_h);
        }
    }
    outputs.extend(gradients);
    outputs.extend(network.j.gradients_vec(&of_columns));
    outputs.extend(of_columns);
    outputs
}

fn random_networks<T: Scalar>(cases: u32) {
    let (as_it_is, forced) = (RefCell::new(Used::default()), RefCell::new(Used::default()));
    let result = runner(cases).run(&descriptions(), |description| {
        let tape = Tape::<T>::new();
        let (x, y) = description.examples();
        let network = description.network::<T>().record(&tape, &x, &y).unwrap();
        let mut outputs = match description.seed & 0x10 {
            0 => outputs_of(&network, description.seed & 0x60 == 0),
            // As in training: nothing outlives a tile.
            _ => [network.j].into_iter().chain(network.gradients()).collect(),
        };
        let used = if description.seed & 8 == 0 { &as_it_is } else { &forced };
        if std::ptr::eq(used, &forced) {
            outputs.push(tape.apply(Costly, [network.x()]).sum());
        }
        let other = [1, 5, 300][description.sizes.len() % 3];
        let other = if description.m <= 2 { 2 } else { other };
        let batches = [description.m, other, description.m].map(|m| {
            let (x, y) = networks::Description { m, ..description.clone() }.examples();
            vec![(network.x(), x), (network.y, y)]
        });
        differences(&outputs, &batches, &some_ways(description.seed), &mut used.borrow_mut())
    });
    result.unwrap_or_else(|e| panic!("{}: {e}", T::NAME));
    as_it_is.borrow().assert_share(0.2);
    forced.borrow().assert_share(1.0);
}

#[test]
fn random_networks_in_double_precision() {
    random_networks::<f64>(60);
}

#[test]
fn random_networks_in_single_precision() {
    random_networks::<f32>(60);
}

// ---- Loops of all kinds ---------------------------------------------------------------------------------------

fn same_in_all_ways<'t, T: Scalar>(outputs: &[Var<'t, T>], batches: &[Batch<'t, T>], ways: &[Way]) {
    let mut used = Used::default();
    differences(outputs, batches, ways, &mut used).unwrap_or_else(|e| panic!("{}: {e}", T::NAME));
    used.assert_share(1.0);
}

/// Values with a column for each example that outlive their loop: threads write parts of as many as a list without an
/// allocation holds, and of more one thread after the other.
#[test]
fn loops_with_many_outputs() {
    for results in [1, 15, 16, 17, 40] {
        let tape = Tape::<f32>::new();
        let x = tape.examples_unbound("X", 3);
        let w = tape.parameter("W", &Random::new(1).matrix(5, 3, -1.0, 1.0));
        let columns = (0..results).map(|i| match i % 2 {
            0 => (x * (1.5 + i as f32)).sin(),
            _ => w.matmul(x * (0.5 + i as f32)).tanh(),
        });
        let mut outputs: Vec<Var<'_, f32>> = columns.collect();
        // What one step of the loop writes for all examples another one reads.
        let sums: Vec<Var<'_, f32>> = outputs.iter().map(|a| (*a * *a + *a).mean()).collect();
        outputs.extend(sums);
        outputs.push(tape.apply(Costly, [x]).mean());
        let batches = [5000, 5, 2048, 5000].map(|m| vec![(x, Random::new(m as u64).matrix(3, m, -2.0, 2.0))]);
        same_in_all_ways(&outputs, &batches, &all_ways());
    }
}

/// Every row less its mean over the examples, by its standard deviation.
fn standardised<'t, T: Scalar>(a: Var<'t, T>) -> Var<'t, T> {
    let centred = a - a.mean_over(Over::Columns);
    centred / (centred.square().mean_over(Over::Columns) + T::from_f64(1e-3)).sqrt()
}

/// Sums over all examples between loops, and the same buffers in one loop after the other.
fn several_loops<T: Scalar>() {
    let tape = Tape::<T>::new();
    let mut random = Random::new(3);
    let (x, y) = (tape.examples_unbound("X", 4), tape.examples_unbound("Y", 1));
    let w1 = tape.parameter("W[1]", &random.matrix(6, 4, -0.5, 0.5));
    let b1 = tape.parameter("b[1]", &random.matrix(6, 1, -0.5, 0.5));
    let w2 = tape.parameter("W[2]", &random.matrix(1, 6, -0.5, 0.5));
    let a1 = standardised(w1.matmul(standardised(x)) + b1).tanh();
    let a2 = w2.matmul(a1);
    let attention = a2.softmax_over(Over::Columns);
    let j = a2.sigmoid().log_loss(y).mean() + (attention * (y - a2)).sum().square();
    let leaves = [w1, b1, w2, x];
    let gradients = j.gradients(leaves);
    let h = gradients.iter().map(|g| g.square().sum()).reduce(|a, b| a + b).expect("there are four");
    let costly = tape.apply(Costly, [x]).sum();
    let outputs: Vec<Var<'_, T>> =
        [j, h, costly, attention].into_iter().chain(gradients).chain(h.gradients(leaves)).collect();
    let loops = tape.compile(outputs.iter().copied()).unwrap().to_string().matches("for every tile").count();
    assert!(loops >= 5, "{loops} loops");
    let batches = [4095, 1, 5000, 300, 4095].map(|m| {
        let mut random = Random::new(m as u64);
        vec![(x, random.matrix(4, m, -2.0, 2.0)), (y, random.matrix(1, m, 0.0, 1.0))]
    });
    same_in_all_ways(&outputs, &batches, &all_ways());
}

#[test]
fn several_loops_with_sums_between_them() {
    several_loops::<f64>();
    several_loops::<f32>();
}

/// Sums so large that there are fewer spans than threads, down to one.
#[test]
fn few_spans() {
    for (rows, m) in [(130, 4096), (300, 2048), (750, 2048)] {
        let tape = Tape::<f32>::new();
        let (x, y) = (tape.examples_unbound("X", rows), tape.examples_unbound("Y", 700));
        let outputs = [x.matmul(y.t()), tape.apply(Costly, [x]).sum_over(Over::Columns)];
        let batches = [m, 5].map(|m| {
            let mut random = Random::new(m as u64);
            vec![(x, random.matrix(rows, m, -2.0, 2.0)), (y, random.matrix(700, m, -2.0, 2.0))]
        });
        same_in_all_ways(&outputs, &batches, &[(2, 1024), (3, 0), (7, 1)]);
    }
}

/// No examples, no rows, nothing to compute, and as many threads and columns as a number can say.
#[test]
fn nothing_and_everything() {
    let tape = Tape::<f64>::new();
    let w = tape.parameter("W", &Random::new(1).matrix(3, 2, -1.0, 1.0));
    let (x, empty) = (tape.examples_unbound("X", 2), tape.examples_unbound("E", 0));
    let a = w.matmul(x).tanh();
    let outputs = [a, a.sum(), a.sum_over(Over::Columns), empty.sin(), empty.square().sum(), w.square(), x]
        .map(|output| [output, tape.apply(Costly, [output])]);
    let batches = [0, 5000, 0, 300]
        .map(|m| vec![(x, Random::new(m as u64).matrix(2, m, -2.0, 2.0)), (empty, Matrix::zeros(0, m))]);
    let ways: Vec<Way> = all_ways().into_iter().chain([(2, usize::MAX), (3, usize::MAX - 256)]).collect();
    same_in_all_ways(outputs.as_flattened(), &batches, &ways);
    let mut used = Used::default();
    differences(outputs.as_flattened(), &batches, &[(0, 0)], &mut used).unwrap();
    for way in [(2, 1), (7, 0)] {
        let mut program = tape.compile_with([], options(way)).unwrap();
        program.run().unwrap();
        assert_eq!(program.threads(1 << 40), 1);
    }
}

// ---- Faults ---------------------------------------------------------------------------------------------------

/// Labels of which some are no probabilities.
fn labels(rows: usize, m: usize, wrong: &[(usize, usize, f64)]) -> Matrix<f64> {
    let mut labels = Matrix::from_fn(rows, m, |i, j| ((i + j) % 2) as f64);
    // Of two in one place the first one counts.
    wrong.iter().rev().for_each(|&(row, column, value)| labels[(row, column)] = value);
    labels
}

/// The one that is told: that of the first column, and there of the first row.
fn first(wrong: &[(usize, usize, f64)]) -> (usize, usize, f64) {
    *wrong.iter().min_by_key(|&&(row, column, _)| (column, row)).expect("some are wrong")
}

/// Runs into the first of the wrong labels in every way to compile, and then does its work all the same.
fn assert_told(
    rows: usize,
    m: usize,
    losses: impl for<'t> Fn(Var<'t, f64>, Var<'t, f64>) -> Vec<Var<'t, f64>>,
) {
    let tape = Tape::<f64>::new();
    let (z, y) = (tape.examples_unbound("Z", rows), tape.examples_unbound("Y", rows));
    let mut outputs = losses(z, y);
    outputs.push(tape.apply(Costly, [z]).sum());
    let (middle, last) = (m / 2, m - 1);
    let cases: [&[(usize, usize, f64)]; 6] = [
        &[(0, 0, -0.5)],
        &[(rows - 1, last, 1.5)],
        &[(rows / 2, middle, f64::NAN)],
        &[(0, last, 2.0), (rows - 1, middle, 3.0), (0, middle + 1, 4.0)],
        &[(rows - 1, 255.min(last), -1.0), (0, 256.min(last), -2.0)],
        &[(0, last, 5.0), (rows - 1, last / 3, 6.0), (rows / 2, last / 3, 7.0), (0, last / 3 + 1, 8.0)],
    ];
    let logits = Random::new(1).matrix(rows, m, -2.0, 2.0);
    let mut bits = None;
    for way in all_ways() {
        let mut program = tape.compile_with(outputs.iter().copied(), options(way)).unwrap();
        assert_eq!(program.threads(m), way.0);
        program.bind(z, &logits).unwrap();
        for wrong in cases {
            program.bind(y, &labels(rows, m, wrong)).unwrap();
            let error = program.run().unwrap_err();
            let Error::Label { value, row, column, .. } = error else { panic!("{error}") };
            let told = (row, column, value.to_bits());
            let (row, column, value) = first(wrong);
            assert_eq!(told, (row, column, value.to_bits()), "{wrong:?}, (threads, tile) = {way:?}");
            assert_eq!(program.view(outputs[0]).map(|_| ()), Err(Error::NotRun));
        }
        program.bind(y, &labels(rows, m, &[])).unwrap();
        program.run().unwrap();
        let found = fingerprint(&program, &outputs);
        assert_eq!(*bits.get_or_insert(found), found, "(threads, tile) = {way:?}");
    }
}

#[test]
fn a_wrong_label_is_told_by_its_place() {
    for (rows, m) in [(1, 5000), (3, 4096), (5, 700)] {
        assert_told(rows, m, |z, y| vec![z.log_loss_on_logits(y).mean()]);
    }
    // Few examples with many rows, where threads share a pass.
    assert_told(300, 200, |z, y| {
        let losses = z.sigmoid().log_loss(y);
        vec![losses, losses.sum().gradients([z])[0]]
    });
    assert_told(300, 200, |z, y| vec![(z * z).log_loss_on_logits(y)]);
}

/// Two operations find a fault, in different examples: with wide tiles the one would come first, with narrow ones the other.
#[test]
fn the_first_of_two_faults_is_told() {
    let tape = Tape::<f64>::new();
    let (z, m) = (tape.examples_unbound("Z", 1), 5000);
    let [y, other] = ["Y", "other"].map(|name| tape.examples_unbound(name, 1));
    // Each loss is a pass of its own: between them is a product.
    let w = tape.parameter("W", &Matrix::filled(1, 1, 2.0));
    let later = w.matmul(z.log_loss_on_logits(y)).log_loss_on_logits(other).mean();
    let outputs = [later, tape.apply(Costly, [z]).sum()];
    for (of_y, of_other) in [(10, 300), (300, 10), (2000, 100), (100, 2000), (4999, 0), (700, 700)] {
        let mut told = None;
        for way in all_ways() {
            let mut program = tape.compile_with(outputs, options(way)).unwrap();
            program.bind(z, &Matrix::zeros(1, m)).unwrap();
            program.bind(y, &labels(1, m, &[(0, of_y, 3.0)])).unwrap();
            program.bind(other, &labels(1, m, &[(0, of_other, 4.0)])).unwrap();
            let error = program.run().unwrap_err();
            assert_eq!(*told.get_or_insert_with(|| error.clone()), error, "(threads, tile) = {way:?}");
        }
    }
}

// ---- Panics ---------------------------------------------------------------------------------------------------

/// A panic's payload: the value that an operation does not take.
#[derive(Debug, PartialEq)]
struct Refused(f64);

/// Beyond this a [`Guarded`] operation panics.
const LIMIT: f64 = 100.0;

/// Lets the threads that come wait until so many are there, so that each of them does a part of the work.
#[derive(Debug, Default)]
struct Meeting {
    expected: usize,
    there: Mutex<Vec<ThreadId>>,
    changed: Condvar,
}

impl Meeting {
    fn of(expected: usize) -> Arc<Self> {
        Arc::new(Meeting { expected, ..Meeting::default() })
    }

    fn come(&self) {
        let mut there = self.there.lock().unwrap();
        let me = thread::current().id();
        if !there.contains(&me) {
            there.push(me);
            self.changed.notify_all();
        }
        // A time after which the test fails, if they do not meet.
        let patience = Duration::from_secs(60);
        let too_few = |there: &mut Vec<ThreadId>| there.len() < self.expected;
        let (there, out) = self.changed.wait_timeout_while(there, patience, too_few).unwrap();
        assert!(!out.timed_out(), "{there:?} instead of {} threads", self.expected);
    }

    fn leave(&self) -> usize {
        std::mem::take(&mut *self.there.lock().unwrap()).len()
    }
}

/// How a guarded operation runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    /// Entry by entry, together with others.
    Fused,
    /// Tile by tile.
    Columns,
    /// On all examples.
    Whole,
}

/// a², which panics beyond the limit and finds a fault where a is NaN.
#[derive(Debug)]
struct Guarded {
    kind: Kind,
    meeting: Arc<Meeting>,
}

impl PartialEq for Guarded {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && Arc::ptr_eq(&self.meeting, &other.meeting)
    }
}

impl Eq for Guarded {}

impl Hash for Guarded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.kind.hash(state);
    }
}

impl Operation<f64> for Guarded {
    fn name(&self) -> Cow<'_, str> {
        "guarded".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0])
    }
    fn eval(&self, x: &Operands<'_, f64>, out: &mut MatrixMut<'_, f64>) -> Result<(), Fault> {
        self.block(&[x.get(0).as_slice()], out.as_mut_slice(), x.m())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, f64>) {
        let [a] = at.operands();
        at.contribute_entrywise(0, |g| g * a * 2.0);
    }
    fn keeps_columns_apart(&self, _: &[Shape]) -> bool {
        self.kind != Kind::Whole
    }
    fn entrywise(&self) -> Option<&dyn Entrywise<f64>> {
        (self.kind == Kind::Fused).then_some(self)
    }
}

impl Entrywise<f64> for Guarded {
    fn block(&self, x: &[&[f64]], out: &mut [f64], _: usize) -> Result<(), Fault> {
        self.meeting.come();
        for (out, &a) in out.iter_mut().zip(x[0]) {
            if a > LIMIT {
                // As `panic!`, but without a message among those of the tests.
                resume_unwind(Box::new(Refused(a)));
            }
            if a.is_nan() {
                return Err(Fault::Other("takes numbers".into()));
            }
            *out = a * a;
        }
        Ok(())
    }
}

/// A program of the mean of a guarded operation's values, its gradients and a value for each example.
struct Subject<'t> {
    x: Var<'t, f64>,
    w: Var<'t, f64>,
    outputs: Vec<Var<'t, f64>>,
}

impl<'t> Subject<'t> {
    fn record(tape: &'t Tape<f64>, rows: usize, kind: Kind, meeting: Arc<Meeting>) -> Self {
        let (x, w) = (tape.examples_unbound("X", rows), tape.parameter_unbound("W", Shape::new(2, rows)));
        let guarded = tape.apply(Guarded { kind, meeting }, [x]);
        let a = w.matmul(guarded.sin()).tanh();
        let j = a.mean();
        let [dw, dx] = j.gradients([w, x]);
        let costly = tape.apply(Costly, [x]).sum();
        Subject { x, w, outputs: vec![j, a, dw, dx, costly] }
    }

    fn program(&self, options: Options, x: &Matrix<f64>, w: &Matrix<f64>) -> Program<f64> {
        let mut program = self.x.tape().compile_with(self.outputs.iter().copied(), options).unwrap();
        program.bind(self.x, x).unwrap();
        program.bind(self.w, w).unwrap();
        program
    }
}

fn same(found: MatrixRef<'_, f64>, expected: &Matrix<f64>) -> bool {
    let mut pairs = found.as_slice().iter().zip(expected.as_slice());
    found.shape() == expected.shape() && pairs.all(|(a, b)| a.to_bits() == b.to_bits())
}

/// A run meets a value that a guarded operation does not take.
fn assert_refused(program: &mut Program<f64>, wrong: f64) {
    if wrong.is_nan() {
        let error = program.run().unwrap_err();
        let Error::Kernel { operation, reason, at } = error else { panic!("{error}") };
        assert_eq!((&*operation, &*reason, at.file()), ("guarded", "takes numbers", file!()));
    } else {
        let panic = catch_unwind(AssertUnwindSafe(|| program.run())).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&Refused(wrong)));
    }
}

/// A kernel that panics or finds a fault leaves the program as it was: with the value mended it computes what it should.
fn survives(rows: usize, m: usize, kind: Kind, threads: usize, meeting: usize) {
    let mut random = Random::new(5);
    let (x, w) = (random.matrix(rows, m, -2.0, 2.0), random.matrix(2, rows, -1.0, 1.0));
    let tape = Tape::<f64>::new();
    let meeting = Meeting::of(meeting);
    let subject = Subject::record(&tape, rows, kind, meeting.clone());
    let expected = {
        let tape = Tape::<f64>::new();
        let subject = Subject::record(&tape, rows, kind, Meeting::of(1));
        let mut program = subject.program(options(REFERENCE), &x, &w);
        program.run().unwrap();
        fingerprint(&program, &subject.outputs)
    };
    let mut program = subject.program(options((threads, 300)), &x, &w);
    assert_eq!(program.threads(m), threads);
    for column in [0, m - 1, m / 2, 0, m / 3, m - 1] {
        for wrong in [LIMIT + column as f64 + 1.0, f64::NAN] {
            let mut bad = x.clone();
            bad[(rows - 1, column)] = wrong;
            program.bind(subject.x, &bad).unwrap();
            for _ in 0..2 {
                meeting.leave();
                assert_refused(&mut program, wrong);
                assert!(same(program.view(subject.x).unwrap(), &bad), "the examples have changed");
                assert!(same(program.view(subject.w).unwrap(), &w), "the parameter has changed");
                assert_eq!(program.view(subject.outputs[0]).map(|_| ()), Err(Error::NotRun));
            }
        }
        program.bind(subject.x, &x).unwrap();
        for _ in 0..2 {
            meeting.leave();
            program.run().unwrap();
            assert_eq!(fingerprint(&program, &subject.outputs), expected);
        }
        assert_eq!(meeting.leave(), meeting.expected, "threads that ran the operation");
    }
}

#[test]
fn a_program_survives_panics_and_faults_of_its_kernels() {
    for kind in [Kind::Fused, Kind::Columns, Kind::Whole] {
        survives(3, 4096, kind, 1, 1);
        // Of whole steps a thread does all.
        survives(3, 4096, kind, 2, if kind == Kind::Whole { 1 } else { 2 });
        survives(3, 4096, kind, 3, if kind == Kind::Whole { 1 } else { 3 });
    }
    // So few examples that the threads share a pass.
    survives(200, 300, Kind::Fused, 2, 2);
    survives(200, 300, Kind::Fused, 3, 3);
}

// ---- Several programs -----------------------------------------------------------------------------------------

/// A batch, and the fingerprint of what comes of it.
type Known<'t> = (Batch<'t, f32>, u64);

/// The outputs of a network, and two batches for it.
fn network_and_bits<'t>(tape: &'t Tape<f32>, seed: u64) -> (Vec<Var<'t, f32>>, [Known<'t>; 2]) {
    let g = vec![G::named("tanh"), G::named("relu"), G::named("sigmoid")];
    let (sizes, loss) = (vec![7, 40, 9, 1], mlp::Loss::LogLoss);
    let description = networks::Description { sizes, g, loss, m: 1, scale: 1.0, seed };
    let of = |m: usize| networks::Description { m, ..description.clone() }.examples::<f32>();
    let (x, y) = of(1);
    let network = description.network::<f32>().record(tape, &x, &y).unwrap();
    let outputs = outputs_of(&network, false);
    let mut program = tape.compile_with(outputs.iter().copied(), options(REFERENCE)).unwrap();
    let batches = [4096, 300].map(|m| {
        let (x, y) = of(m);
        let batch = vec![(network.x(), x), (network.y, y)];
        run(&mut program, &batch);
        let bits = fingerprint(&program, &outputs);
        (batch, bits)
    });
    (outputs, batches)
}

/// A short run has two threads where each of them gets about half of the units of 256 examples, and gives the same bits.
#[test]
fn short_runs_are_shared_by_units() {
    let g = vec![G::named("sigmoid"), G::named("sigmoid")];
    let (sizes, loss) = (vec![30, 16, 1], mlp::Loss::LogLoss);
    for (m, threads) in [(256, 1), (300, 1), (569, 2), (1025, 2)] {
        let description =
            networks::Description { sizes: sizes.clone(), g: g.clone(), loss, m, scale: 1.0, seed: 7 };
        let (tape, (x, y)) = (Tape::<f32>::new(), description.examples());
        let network = description.network().record(&tape, &x, &y).unwrap();
        let outputs: Vec<_> = [network.j].into_iter().chain(network.gradients()).collect();
        let compile = |way| tape.compile_with(outputs.iter().copied(), options(way)).unwrap();
        let (mut reference, mut program) = (compile(REFERENCE), compile((2, 0)));
        assert_eq!(program.threads(m), threads, "m = {m}");
        reference.run().unwrap();
        for _ in 0..20 {
            installed(2, || program.run().and_then(|()| program.run())).unwrap();
            assert_eq!(fingerprint(&program, &outputs), fingerprint(&reference, &outputs), "m = {m}");
        }
    }
}

#[test]
fn several_callers_at_a_time() {
    thread::scope(|scope| {
        for caller in 0..4 {
            scope.spawn(move || {
                let tape = Tape::new();
                let (outputs, batches) = network_and_bits(&tape, caller);
                let threads = 2 + caller as usize % 2;
                let mut program = tape.compile_with(outputs.iter().copied(), options((threads, 0))).unwrap();
                for round in 0..20 {
                    let (batch, bits) = &batches[round % 2];
                    let m = run(&mut program, batch);
                    assert!(m < 4096 || program.threads(m) == threads);
                    assert_eq!(fingerprint(&program, &outputs), *bits, "caller {caller}, round {round}");
                }
            });
        }
    });
}

/// Every run on another thread.
#[test]
fn a_program_wanders() {
    let tape = Tape::new();
    let (outputs, batches) = network_and_bits(&tape, 9);
    for threads in [1, 2, 3] {
        let mut program = tape.compile_with(outputs.iter().copied(), options((threads, 0))).unwrap();
        for round in 0..8 {
            let (batch, bits) = &batches[round % 2];
            for (leaf, value) in batch {
                program.bind(*leaf, value).unwrap();
            }
            program = thread::spawn(move || program.run().map(|()| program)).join().unwrap().unwrap();
            assert_eq!(fingerprint(&program, &outputs), *bits, "{threads} threads, round {round}");
        }
    }
}

/// Columns chosen and bound where several threads work are those that one thread binds, and the threads stay after a panic.
#[test]
fn columns_are_gathered_by_all_threads() {
    let x = Matrix::<f32>::from_fn(37, 900, |i, j| (i * 1000 + j) as f32);
    let tape = Tape::new();
    let (leaf, threads) = (tape.examples("X", &x), Threads::new(3).unwrap());
    let outputs = [leaf.square().sum()];
    let mut program = tape.compile_with(outputs, options((3, 0))).unwrap();
    let at = leaf.entry().unwrap();
    for count in [0, 1, 440, 450, 1801] {
        let columns: Vec<usize> = (0..count).map(|i| (i * 7919 + 13) % 900).collect();
        threads.install(|| program.bind_columns(at, &x, &columns)).unwrap();
        let bound = program.view(leaf).unwrap();
        assert_eq!(bound.columns(), count);
        for (i, &column) in columns.iter().enumerate() {
            assert_eq!(bound.column(i), x.column(column), "{i} of {count}");
        }
        let beyond = [&columns[..], &[900]].concat();
        let bind = AssertUnwindSafe(|| threads.install(|| program.bind_columns(at, &x, &beyond)));
        assert!(catch_unwind(bind).is_err());
    }
}

/// Multiplies with a number that programs inside of its kernel compute, with threads of their own.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Nested {
    /// How many programs deep.
    depth: usize,
    threads: usize,
    kind: Kind,
}

impl Nested {
    /// Σᵢ sin²(i), i < 4096, to the power of one more than the depth.
    fn number(&self) -> f64 {
        let tape = Tape::<f64>::new();
        let x = tape.examples("X", &Matrix::from_fn(1, 4096, |_, j| j as f64));
        let mut y = tape.apply(Costly, [x.sin().square()]);
        if let Some(depth) = self.depth.checked_sub(1) {
            y = tape.apply(Nested { depth, ..*self }, [y]);
        }
        let sum = y.sum();
        let mut program = tape.compile_with([sum], options((self.threads, 0))).unwrap();
        assert_eq!(program.threads(4096), self.threads);
        program.run().unwrap();
        program.scalar(sum).unwrap()
    }
}

impl Operation<f64> for Nested {
    fn name(&self) -> Cow<'_, str> {
        "nested".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0])
    }
    fn eval(&self, x: &Operands<'_, f64>, out: &mut MatrixMut<'_, f64>) -> Result<(), Fault> {
        let number = self.number();
        out.as_mut_slice().iter_mut().zip(x.get(0).as_slice()).for_each(|(out, a)| *out = number * a);
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, f64>) {
        at.missing(0, "nested");
    }
    fn keeps_columns_apart(&self, _: &[Shape]) -> bool {
        self.kind != Kind::Whole
    }
}

/// A kernel may run programs, on the threads of the one that it belongs to.
#[test]
fn programs_inside_of_programs() {
    let number: f64 = (0..4096).map(|j| f64::from(j).sin().powi(2)).sum();
    for (depth, kind) in [(0, Kind::Columns), (0, Kind::Whole), (2, Kind::Whole), (1, Kind::Columns)] {
        let tape = Tape::<f64>::new();
        let x = tape.examples("X", &Matrix::filled(1, 2048, 1.0));
        let outputs = [tape.apply(Nested { depth, threads: 2, kind }, [x]), tape.apply(Costly, [x]).sum()];
        for threads in [1, 2, 3] {
            let mut program = tape.compile_with(outputs, options((threads, 0))).unwrap();
            assert_eq!(program.threads(2048), threads);
            program.run().unwrap();
            let found = program.view(outputs[0]).unwrap();
            let expected = number.powi(1 + depth as i32);
            // 4096 terms, and the power.
            let close = |x: &f64| (x / expected - 1.0).abs() < 1e-12;
            assert!(found.as_slice().iter().all(close), "{} instead of {expected}", found.as_slice()[0]);
        }
    }
}

// ---- Rounding -------------------------------------------------------------------------------------------------

/// f32 gradients of many examples are as close to those of f64 as the gradients of a few are: sums are added unit by unit
/// and span by span, so that the error hardly grows with the number of examples.
#[test]
fn sums_over_many_examples_are_close() {
    let g = vec![G::named("tanh"), G::named("silu"), G::named("sigmoid")];
    let (sizes, loss) = (vec![6, 12, 5, 1], mlp::Loss::LogLoss);
    let description = networks::Description { sizes, g, loss, m: 100_000, scale: 1.0, seed: 3 };
    // The same numbers in both, those that f32 has.
    let single = description.network::<f32>();
    let mut double = description.network::<f64>();
    for (name, value) in single.parameters() {
        double.set_parameter(name, value.cast()).unwrap();
    }
    let (x, y) = description.examples::<f32>();
    let (tape, exact_tape) = (Tape::new(), Tape::new());
    let network = single.record(&tape, &x, &y).unwrap();
    let exact = double.record(&exact_tape, &x.cast(), &y.cast()).unwrap();
    let outputs: Vec<_> = [network.j].into_iter().chain(network.gradients()).collect();
    let exact_outputs: Vec<_> = [exact.j].into_iter().chain(exact.gradients()).collect();
    let mut expected = exact_tape.compile(exact_outputs.iter().copied()).unwrap();
    expected.run().unwrap();
    let mut worst: f64 = 0.0;
    for threads in [1, 2] {
        let mut program = tape.compile_with(outputs.iter().copied(), options((threads, 0))).unwrap();
        program.run().unwrap();
        for (&output, &exact) in outputs.iter().zip(&exact_outputs) {
            let (found, exact) = (program.view(output).unwrap(), expected.view(exact).unwrap());
            // Three layers there and back are some ten roundings of 6e-8, which a sum over examples averages out.
            worst = worst.max(compare::assert_close(&format!("{output:?}"), found, exact, 1e-6));
        }
    }
    println!("gradients of 100 000 examples: worst difference {worst:.1e}");
}

//! The same program on the same inputs gives the same bits, whatever the number of threads and the width of a tile; and what
//! goes wrong on one thread goes wrong in the same way on several.

mod callers;
mod faults;
mod loops;
mod several;
mod tokens;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::OnceLock;

use mlp::Scalar;
use proptest::prelude::*;
use tape::{
    Fault, Matrix, MatrixMut, Mismatch, Operands, Operation, Options, Program, Shape, Tape, Threads, Var, Vjp,
};

use crate::support::cases::runner;
use crate::support::networks::G;
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
    fn is_columnwise(&self, _: &[Shape]) -> bool {
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
    random_graphs::<f64>(15);
}

#[test]
fn random_graphs_in_single_precision() {
    random_graphs::<f32>(15);
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
    few_examples::<f64>(40);
    few_examples::<f32>(40);
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
        let of_h = h.gradients_or_zeros(&leaves);
        // Not every function of the user's has a second derivative.
        if of_h.iter().all(|gradient| gradient.sound().is_ok()) {
            outputs.extend(of_h);
        }
    }
    outputs.extend(gradients);
    outputs.extend(network.j.gradients(&of_columns));
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
    random_networks::<f64>(30);
}

#[test]
fn random_networks_in_single_precision() {
    random_networks::<f32>(30);
}

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

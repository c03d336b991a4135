//! A program allocates nothing from its second run on at a number of examples that it has seen.
#![allow(unsafe_code)] // the allocator that counts

#[path = "laws/support/graphs.rs"]
mod graphs;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use graphs::descriptions;
use mlp::minimize::{
    Iteration, Lbfgs, LevenbergMarquardt, NewtonCg, Recorded, RecordedCurvature, RecordedResiduals,
};
use mlp::{Optimizer, ParameterKind, RmsProp};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tape::check::Random;
use tape::{Dim, Matrix, Noise, Options, Over, Program, Shape, Tape, Var};

/// Counts what its thread asks of the system's allocator.
struct Counting;

thread_local! {
    static ASKED: Cell<u64> = const { Cell::new(0) };
    static HELD: Cell<i64> = const { Cell::new(0) };
}

fn note(bytes: i64) {
    // While a thread ends its counters may be gone; nothing is measured then.
    let _ = HELD.try_with(|held| held.set(held.get() + bytes));
    if bytes > 0 {
        let _ = ASKED.try_with(|asked| asked.set(asked.get() + 1));
    }
}

// SAFETY: every call is passed on as it is to the system's allocator, which keeps the contract; counting touches only
// numbers of the thread, which are initialised without an allocation.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size() as i64);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size() as i64);
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(-(layout.size() as i64));
        note(size as i64);
        // SAFETY: the caller keeps the contract of `realloc`; `at` came from the system's allocator.
        unsafe { System.realloc(at, layout, size) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        note(-(layout.size() as i64));
        // SAFETY: the caller keeps the contract of `dealloc`; `at` came from the system's allocator.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often `work` asks for memory.
fn allocations(work: impl FnOnce()) -> u64 {
    let before = ASKED.get();
    work();
    ASKED.get() - before
}

fn bytes_held() -> i64 {
    HELD.get()
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![1.0_f64; 10]))), 1);
    assert_eq!(allocations(|| assert_eq!(std::hint::black_box(1.0) + 1.0, 2.0)), 0);
}

/// The network 30-16-1, with its loss, gradients and an update of every parameter.
struct Training<'t> {
    program: Program<f64>,
    x: Var<'t, f64>,
    y: Var<'t, f64>,
    j: Var<'t, f64>,
    pairs: [(Var<'t, f64>, Var<'t, f64>); 4],
}

impl<'t> Training<'t> {
    fn new(tape: &'t Tape<f64>, hidden: usize, options: Options) -> Self {
        let mut random = Random::new(3);
        let (x, y) = (tape.examples_unbound("X", 30), tape.examples_unbound("Y", 1));
        let mut parameter = |name: &str, rows: usize, columns: usize| {
            tape.parameter(name, &random.matrix(rows, columns, -0.3, 0.3))
        };
        let [w1, b1] = [parameter("W[1]", hidden, 30), parameter("b[1]", hidden, 1)];
        let [w2, b2] = [parameter("W[2]", 1, hidden), parameter("b[2]", 1, 1)];
        let a = (w1.matmul(x) + b1).tanh();
        let j = (w2.matmul(a) + b2).sigmoid().log_loss(y).mean();
        let [dw1, db1, dw2, db2] = j.gradients([w1, b1, w2, b2]);
        let program = tape.compile_with([j, dw1, db1, dw2, db2], options).unwrap();
        Training { program, x, y, j, pairs: [(w1, dw1), (b1, db1), (w2, dw2), (b2, db2)] }
    }

    /// Binds a batch, runs, updates the parameters and looks at the loss, as training does.
    fn step(&mut self, x: &Matrix<f64>, y: &Matrix<f64>, batch: &[usize]) {
        self.program.bind_columns(self.x, x, batch).unwrap();
        self.program.bind_columns(self.y, y, batch).unwrap();
        self.program.run().unwrap();
        for (w, dw) in self.pairs {
            let down = |w: &mut [f64], dw: &[f64]| w.iter_mut().zip(dw).for_each(|(w, dw)| *w -= 0.1 * dw);
            self.program.update(w, dw, down).unwrap();
        }
        assert!(self.program.scalar(self.j).unwrap().is_finite());
    }
}

#[test]
fn training_allocates_nothing_at_a_size_of_batch_already_seen() {
    let _alone = only_caller();
    let mut random = Random::new(5);
    let (x, y) = (random.matrix(30, 1500, -2.0, 2.0), random.matrix(1, 1500, 0.0, 1.0));
    let order = random.permutation(1500);
    for options in [Options::default(), Options::literal()] {
        for hidden in [1, 16, 65] {
            for sizes in [[1, 1], [7, 32], [64, 5], [255, 257], [1025, 700], [1500, 1]] {
                let tape = Tape::new();
                let mut training = Training::new(&tape, hidden, options);
                for m in sizes {
                    training.step(&x, &y, &order[..m]);
                }
                let asked = allocations(|| {
                    for step in 0..20 {
                        training.step(&x, &y, &order[..sizes[step % 2]]);
                    }
                });
                assert_eq!(asked, 0, "m = {sizes:?}, {hidden} hidden units, {options:?}");
            }
        }
    }
}

/// Columns that are copied, and columns that are read where they are.
#[test]
fn selecting_allocates_nothing_at_a_size_of_batch_already_seen() {
    let _alone = only_caller();
    let mut random = Random::new(9);
    let tape = Tape::<f64>::new();
    let x = tape.examples("X", &random.matrix(50, 900, -2.0, 2.0));
    let w = tape.parameter("W", &random.matrix(8, 50, -0.3, 0.3));
    let j = w.matmul(x).tanh().square().mean();
    let [dw] = j.gradients([w]);
    let mut program = tape.compile([j, dw]).unwrap();
    let order = random.permutation(900);
    for sizes in [[7, 32], [300, 200], [5, 900], [900, 901]] {
        let mut step = |start: usize, m: usize| {
            let batch = &order[start.min(order.len().saturating_sub(m))..];
            program.select_columns(x, &batch[..m.min(batch.len())]).unwrap();
            program.run().unwrap();
            assert!(program.scalar(j).unwrap().is_finite());
        };
        sizes.iter().for_each(|&m| step(0, m));
        let asked = allocations(|| (0..20).for_each(|i| step(i, sizes[i % 2])));
        assert_eq!(asked, 0, "m = {sizes:?}");
    }
}

/// Gradients that are leaves: what these were in the run is kept while they are stepped, bound and selected.
#[test]
fn outputs_that_are_leaves_allocate_nothing() {
    let _alone = only_caller();
    let mut random = Random::new(13);
    let tape = Tape::<f64>::new();
    let (w, v) = (
        tape.parameter("w", &random.matrix(20, 3, -1.0, 1.0)),
        tape.parameter("v", &random.matrix(20, 3, -1.0, 1.0)),
    );
    let x = tape.examples("X", &random.matrix(20, 600, -1.0, 1.0));
    let j = (w * v).sum() + w.square().sum() * 0.5 + w.t().matmul(x).mean();
    let [dv] = (w * v).sum().gradients([v]);
    let [dw] = (w.square().sum() * 0.5).gradients([w]);
    let batch = random.matrix(20, 500, -1.0, 1.0);
    let chosen: Vec<usize> = (0..500).collect();
    for options in [Options::default(), Options::literal()] {
        let mut program = tape.compile_with([j, dv, dw, x.identity()], options).unwrap();
        let step = |program: &mut Program<f64>| {
            program.select_columns(x, &chosen).unwrap();
            program.run().unwrap();
            let down = |w: &mut [f64], dw: &[f64]| w.iter_mut().zip(dw).for_each(|(w, dw)| *w -= 0.1 * dw);
            program.update(v, dv, down).unwrap();
            program.update(w, dw, down).unwrap();
            program.update(x, x.identity(), |_, _| ()).unwrap();
        };
        step(&mut program);
        step(&mut program);
        // Recording `identity` again looks only: the list does not grow.
        assert_eq!(allocations(|| (0..20).for_each(|_| step(&mut program))), 0, "{options:?}");
        program.bind(x, &batch).unwrap();
        program.run().unwrap();
        assert_eq!(allocations(|| program.bind(x, &batch).unwrap()), 0);
    }
}

#[test]
fn ten_thousand_steps_hold_no_more_memory() {
    let mut random = Random::new(7);
    let (x, y) = (random.matrix(30, 64, -2.0, 2.0), random.matrix(1, 64, 0.0, 1.0));
    let order = random.permutation(64);
    let tape = Tape::new();
    let mut training = Training::new(&tape, 8, Options::default());
    for m in [16, 4] {
        training.step(&x, &y, &order[..m]);
    }
    let (held, asked) = (bytes_held(), ASKED.get());
    for step in 0..10_000 {
        let start = step % 48;
        training.step(&x, &y, &order[start..start + if step % 4 == 3 { 4 } else { 16 }]);
    }
    assert_eq!((bytes_held() - held, ASKED.get() - asked), (0, 0));
}

/// A pass with many results, each of which is looked at.
#[test]
fn a_pass_with_many_results_allocates_nothing() {
    for results in [1, 4, 5, 8, 9, 16, 17, 60] {
        let tape = Tape::<f64>::new();
        let x = tape.examples("X", &Random::new(1).matrix(3, 300, -1.0, 1.0));
        let outputs: Vec<Var<'_, f64>> = (0..results).map(|i| (x * (1.5 + i as f64)).sin()).collect();
        let mut program = tape.compile(outputs).unwrap();
        program.run().unwrap();
        assert_eq!(allocations(|| program.run().unwrap()), 0, "{results} results");
    }
}

/// Keeps the tests apart whose programs may have several threads: more callers at a time than ever before have to start some.
fn only_caller() -> MutexGuard<'static, ()> {
    static CALLER: Mutex<()> = Mutex::new(());
    CALLER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Graphs of all operations, with their first and second derivatives, in every way to run them.
#[test]
fn random_graphs_allocate_nothing_in_their_second_run() {
    let _alone = only_caller();
    // The same cases in every run.
    let config = Config { cases: 60, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let result = runner.run(&descriptions(&[1, 9, 64, 257]), |description| {
        let tape = Tape::<f64>::new();
        let graph = description.record(&tape);
        for options in [Options::default(), Options::literal()] {
            let mut program = tape.compile_with(graph.outputs.iter().copied(), options).unwrap();
            let examples = [description.m, 300].map(|m| description.examples::<f64>(m, description.seed));
            let mut step = |(x, y): &(Matrix<f64>, Matrix<f64>)| {
                program.bind(graph.x, x).unwrap();
                program.bind(graph.y, y).unwrap();
                program.run().unwrap();
            };
            examples.iter().for_each(&mut step);
            let asked = allocations(|| examples.iter().cycle().take(6).for_each(&mut step));
            prop_assert_eq!(asked, 0, "{:?}", options);
        }
        Ok(())
    });
    result.unwrap_or_else(|e| panic!("{e}"));
}

/// Matrices of many operands, and two numbers of examples in turn, as in a training whose last batch is short.
#[test]
fn many_operands_allocate_nothing_at_a_size_of_batch_already_seen() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("X", &Random::new(1).matrix(2, 64, -1.0, 1.0));
    let parts: Vec<Var<'_, f64>> = (0..9).map(|i| (x * (1.5 + f64::from(i))).sin()).collect();
    let j = tape.stack_rows(&parts).square().mean();
    let mut program = tape.compile_with([j], Options::default().threads(2)).unwrap();
    let batches = [64, 17].map(|m| Random::new(2).matrix(2, m, -1.0, 1.0));
    let mut step = |batch: &Matrix<f64>| {
        program.bind(x, batch).unwrap();
        program.run().unwrap();
    };
    batches.iter().for_each(&mut step);
    assert_eq!(allocations(|| batches.iter().cycle().take(8).for_each(&mut step)), 0);
}

/// What has several columns for each example, what is gathered, noise, and factors.
#[test]
fn tokens_gathers_noise_and_factors_allocate_nothing() {
    let _alone = only_caller();
    for options in [Options::default(), Options::default().tile_columns(1), Options::literal()] {
        let tape = Tape::<f64>::new();
        let mut random = Random::new(9);
        let items = tape.indices_unbound("item", 3);
        let table = tape.parameter("E", &random.matrix(4, 10, -1.0, 1.0));
        let w = tape.parameter("W", &random.matrix(4, 4, -1.0, 1.0));
        let tokens = w.matmul(table.gather(items));
        let weights = tokens.block_t().block_matmul(tokens).softmax_over(Over::Rows);
        let pooled = tokens.block_matmul(weights).mean_of_blocks().rows_at(&[3, 0, 0, 1]);
        let noisy = pooled * tape.noise("ε", Shape::new(4, Dim::M), Noise::Normal).abs();
        let factor = (w.matmul(w.t()) + tape.identity(4)).cholesky();
        let j = factor.solve_lower(noisy).square().mean() + (w + tape.identity(4) * 9.0).log_det();
        let gradients = j.gradients([table, w]);
        let outputs = [j].into_iter().chain(gradients);
        let mut program = tape.compile_with(outputs, options.threads(1)).unwrap();
        let batches = [5, 300, 1].map(|m| Matrix::from_fn(3, m, |i, j| ((3 * i + 7 * j) % 10) as f64));
        let mut run = |batch: &Matrix<f64>| {
            program.bind(items, batch).unwrap();
            program.run().unwrap();
        };
        batches.iter().for_each(&mut run);
        for batch in &batches {
            assert_eq!(allocations(|| run(batch)), 0, "{} examples", batch.columns());
        }
    }
}

#[test]
fn a_step_of_an_optimizer_allocates_nothing() {
    let centred = RmsProp { momentum: 0.5, is_centred: true, ..RmsProp::default() };
    let optimizers = [
        Optimizer::gradient_descent(0.1),
        Optimizer::momentum(0.1, 0.9),
        Optimizer::nesterov(0.1, 0.9),
        Optimizer::rms_prop_with(0.1, centred),
        Optimizer::adagrad(0.1),
        Optimizer::adam_w(0.1, 0.1),
        Optimizer::lion(0.1),
    ];
    for optimizer in optimizers {
        let mut state = optimizer.unwrap().state::<f32>(&[(100, ParameterKind::Weight)]);
        let (mut theta, gradient) = ([1.0; 100], [0.5; 100]);
        state.step(0, &mut theta, &gradient).unwrap(); // the first asks for the processor's name
        let asked = allocations(|| {
            state.set_rate(0.01).unwrap();
            state.set_rate_factor(0, 0.5).unwrap();
            state.step(0, &mut theta, &gradient).unwrap();
        });
        assert_eq!(asked, 0, "{:?}", state.optimizer());
    }
}

/// After as many iterations as L-BFGS remembers, and from the second on elsewhere.
#[test]
fn an_iteration_of_a_minimiser_allocates_nothing() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &Matrix::from_fn(12, 1, |i, _| (i as f64).sin() * 2.0));
    let a = tape.constant("A", &Matrix::from_fn(20, 12, |i, k| ((i * k) as f64).cos()));
    let r = a.matmul(x).tanh() + a.matmul(x.square()) - 1.0;
    let j = r.square().sum();
    let most = |number: usize| {
        let mut before = 0;
        move |iteration: &Iteration<'_, f64>| {
            let since = ASKED.get() - before;
            assert!(iteration.number <= number || since == 0, "{since} in iteration {}", iteration.number);
            before = ASKED.get();
            ControlFlow::Continue(())
        }
    };
    let mut objective = Recorded::new(j, [x]).unwrap();
    let mut theta = objective.theta().unwrap();
    let minimum = Lbfgs::new().memory(3).unwrap().minimize_with(&mut objective, &mut theta, most(5)).unwrap();
    assert!(minimum.iterations > 8, "{minimum:?}");
    let mut objective = RecordedCurvature::new(j, [x]).unwrap();
    let mut theta = objective.theta().unwrap();
    let minimum = NewtonCg::new().minimize_with(&mut objective, &mut theta, most(1)).unwrap();
    assert!(minimum.iterations > 3, "{minimum:?}");
    let mut residuals = RecordedResiduals::new(r, [x]).unwrap();
    let mut theta = residuals.theta().unwrap();
    let minimum = LevenbergMarquardt::new().minimize_with(&mut residuals, &mut theta, most(1)).unwrap();
    assert!(minimum.iterations > 3, "{minimum:?}");
}

//! A run that several threads share allocates nothing on any of them. The only test of its file: what others ask for
//! would be counted too.
#![allow(unsafe_code)] // the allocator that counts

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tape::check::Random;
use tape::{Matrix, Options, Over, Program, Tape, Threads, Var};

/// Counts what all threads ask of the system's allocator.
struct Counting;

static ASKED: AtomicU64 = AtomicU64::new(0);

fn note() {
    ASKED.fetch_add(1, Ordering::SeqCst);
}

// SAFETY: every call is passed on as it is to the system's allocator, which keeps the contract; counting touches only a
// number that is there from the beginning.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note();
        // SAFETY: the caller keeps the contract of `realloc`; `at` came from the system's allocator.
        unsafe { System.realloc(at, layout, size) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`; `at` came from the system's allocator.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A network with one hidden layer, its loss and its gradients.
struct Network<'t> {
    x: Var<'t, f32>,
    y: Var<'t, f32>,
    outputs: Vec<Var<'t, f32>>,
}

/// What outlives a tile.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Outputs {
    /// Only sums over the examples.
    Sums,
    /// A value for each example too.
    Columns,
    /// More of these than threads can share.
    ManyColumns,
}

impl<'t> Network<'t> {
    fn record(tape: &'t Tape<f32>, [features, hidden]: [usize; 2], kept: Outputs) -> Self {
        let mut random = Random::new(3);
        let (x, y) = (tape.examples_unbound("X", features), tape.examples_unbound("Y", 1));
        let mut parameter = |name: &str, rows: usize, columns: usize| {
            tape.parameter(name, &random.matrix(rows, columns, -0.1, 0.1))
        };
        let [w1, b1] = [parameter("W[1]", hidden, features), parameter("b[1]", hidden, 1)];
        let [w2, b2] = [parameter("W[2]", 1, hidden), parameter("b[2]", 1, 1)];
        let z1 = w1.matmul(x) + b1;
        let a1 = z1.tanh();
        let z2 = w2.matmul(a1) + b2;
        // Softmax over the examples: between two loops is a sum.
        let j = z2.sigmoid().log_loss(y).mean() + (z2.softmax_over(Over::Columns) * y).sum();
        let mut outputs = vec![j];
        outputs.extend(j.gradients([w1, b1, w2, b2]));
        if kept != Outputs::Sums {
            outputs.extend([a1, z2]);
            outputs.extend(j.gradients([z1, x]));
        }
        if kept == Outputs::ManyColumns {
            outputs.extend((0..20).map(|i| (z2 * (1.5 + i as f32)).sin()));
        }
        Network { x, y, outputs }
    }

    /// Binds a batch and runs, as training does.
    fn step(&self, program: &mut Program<f32>, (x, y): &(Matrix<f32>, Matrix<f32>)) {
        program.bind(self.x, x).unwrap();
        program.bind(self.y, y).unwrap();
        program.run().unwrap();
        assert!(program.scalar(self.outputs[0]).unwrap().is_finite());
    }
}

/// Who has the threads of a run.
#[derive(Debug, Clone, Copy)]
enum Home {
    /// The runs, which are given to them one by one.
    Runs,
    /// The caller, who works on one of them.
    Caller,
}

/// What 200 runs after the first ones ask for.
fn allocations(threads: usize, sizes: [usize; 2], m: [usize; 2], kept: Outputs, home: Home) -> u64 {
    let measured = move || allocations_here(threads, sizes, m, kept);
    match home {
        Home::Runs => measured(),
        Home::Caller => Threads::new(threads).unwrap().install(measured),
    }
}

fn allocations_here(threads: usize, sizes: [usize; 2], m: [usize; 2], kept: Outputs) -> u64 {
    let tape = Tape::new();
    let network = Network::record(&tape, sizes, kept);
    let options = Options::default().threads(threads);
    let mut program = tape.compile_with(network.outputs.iter().copied(), options).unwrap();
    let batches = m.map(|m| {
        assert_eq!(program.threads(m), threads, "{sizes:?}, m = {m}");
        let mut random = Random::new(m as u64);
        (random.matrix(sizes[0], m, -2.0, 2.0), random.matrix(1, m, 0.0, 1.0))
    });
    let mut run = |times: usize| {
        for (at, batch) in batches.iter().cycle().take(2 * times).enumerate() {
            // Now and then so late that the threads sleep, and may not be woken.
            if at % 10 == 9 {
                thread::sleep(Duration::from_micros(300));
            }
            network.step(&mut program, batch);
        }
    };
    run(2);
    let before = ASKED.load(Ordering::SeqCst);
    run(100);
    ASKED.load(Ordering::SeqCst) - before
}

#[test]
fn no_thread_of_a_run_allocates() {
    for threads in [2, 3] {
        for kept in [Outputs::Sums, Outputs::Columns, Outputs::ManyColumns] {
            // Spans of examples for every thread, and so few examples that threads share products and passes.
            for (sizes, m) in [([30, 64], [4096, 2500]), ([210, 200], [200, 170])] {
                for home in [Home::Runs, Home::Caller] {
                    // On a busy machine a thread may get its first share of the work late, and what it sets up then is
                    // no allocation of a run: that does not come again, one of a run does.
                    let mut asked = allocations(threads, sizes, m, kept, home);
                    for _ in 0..2 {
                        if asked > 0 {
                            asked = allocations(threads, sizes, m, kept, home);
                        }
                    }
                    assert_eq!(asked, 0, "{threads} threads, {sizes:?}, m = {m:?}, {kept:?}, {home:?}");
                }
            }
        }
    }
}

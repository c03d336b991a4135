//! A program that runs again allocates nothing, and does not grow.
//!
//! The allocator counts for the whole process, so this file is one test: another one beside it would be counted too.

#![allow(unsafe_code)] // an allocator is an unsafe trait

#[path = "support/random.rs"]
mod random;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};

use random::Random;
use tape::{Matrix, Options, Over, Program, Scalar, Tape, Var};

/// The system's allocator, which counts calls and bytes in use.
struct Counting;

static CALLS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicIsize = AtomicIsize::new(0);

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: the caller's promise for the same call.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: the caller's promise for the same call; the pointer came from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(size as isize - layout.size() as isize, Ordering::Relaxed);
        // SAFETY: the caller's promise for the same call; the pointer came from the system's allocator.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What `work` gives, and how often it asked for memory.
fn counted<R>(work: impl FnOnce() -> R) -> (R, usize) {
    let before = CALLS.load(Ordering::Relaxed);
    let result = work();
    (result, CALLS.load(Ordering::Relaxed) - before)
}

/// A network of three layers with something of everything in it.
struct Net<'t, T: Scalar> {
    x: Var<'t, T>,
    y: Var<'t, T>,
    parameters: Vec<Var<'t, T>>,
    j: Var<'t, T>,
    gradients: Vec<Var<'t, T>>,
    second: Vec<Var<'t, T>>,
}

fn network<'t, T: Scalar>(tape: &'t Tape<T>, rows: usize) -> Net<'t, T> {
    let mut random = Random::new(3);
    let x = tape.examples_unbound("X", rows);
    let y = tape.examples_unbound("Y", 2);
    let mut parameters = Vec::new();
    let mut layer = |a: Var<'t, T>, from: usize, to: usize| {
        let w = tape.parameter("W", &random.matrix(to, from, -0.5, 0.5));
        let b = tape.parameter("b", &random.matrix(to, 1, -0.5, 0.5));
        parameters.extend([w, b]);
        // Through the transpose, so that one is there.
        a.t().matmul(w.t()).t() + b
    };
    let a1 = layer(x, rows, 17).tanh();
    let a2 = tape.stack_rows(&[layer(a1, 17, 9).silu(), a1.rows(3..6)]);
    let z = layer(a2.softmax_over(Over::Rows) - a2.max_over(Over::Rows), 12, 2);
    let masked = z.greater(T::ZERO).select(z, z * T::from_f64(0.5));
    let j = masked.sigmoid().log_loss(y).mean()
        + (masked.log_sum_exp_over(Over::Columns).sum() / (a2.square() + T::ONE)).abs().mean();
    let gradients = j.gradients_vec(&parameters);
    let squares = gradients.iter().map(|g| g.square().sum()).reduce(|a, b| a + b).expect("a gradient");
    let second = squares.gradients_vec(&parameters);
    Net { x, y, parameters, j, gradients, second }
}

/// One step of training: new examples, a run, every result looked at, every parameter changed.
fn step<T: Scalar>(program: &mut Program<T>, net: &Net<'_, T>, x: &Matrix<T>, y: &Matrix<T>) -> T {
    program.bind(net.x, x).unwrap();
    program.bind(net.y, y).unwrap();
    program.run().unwrap();
    for (&parameter, &gradient) in net.parameters.iter().zip(&net.gradients) {
        program
            .update(parameter, gradient, |w, g| {
                w.iter_mut().zip(g).for_each(|(w, g)| *w -= T::from_f64(1e-3) * *g)
            })
            .unwrap();
    }
    for &output in net.gradients.iter().chain(&net.second) {
        assert!(program.view(output).unwrap().as_slice().iter().all(|g| g.is_finite()));
    }
    let mut first = program.parameter_mut(net.parameters[0]).unwrap();
    first.as_mut_slice()[0] += T::EPSILON;
    program.scalar(net.j).unwrap()
}

fn check<T: Scalar>(rows: usize, numbers_of_examples: &[usize], options: Options) {
    let tape = Tape::<T>::new();
    let net = network(&tape, rows);
    let outputs = net.gradients.iter().chain(&net.second).copied().chain([net.j]);
    let mut program = tape.compile_with(outputs, options).unwrap();
    let length = tape.len();
    let mut random = Random::new(rows as u64);
    let batches: Vec<(Matrix<T>, Matrix<T>)> = numbers_of_examples
        .iter()
        .map(|&m| (random.matrix(rows, m, -1.0, 1.0), random.matrix(2, m, 0.0, 1.0)))
        .collect();
    for (x, y) in &batches {
        step(&mut program, &net, x, y); // The first time at this m.
        let (_, calls) = counted(|| step(&mut program, &net, x, y));
        assert_eq!(calls, 0, "{}, {rows} rows: the second run at m = {}", T::NAME, x.columns());
    }
    // All m were seen; in any order nothing is allocated any more.
    let bytes = BYTES.load(Ordering::Relaxed);
    let (_, calls) = counted(|| {
        for round in 0..20 {
            let (x, y) = &batches[round * 7 % batches.len()];
            step(&mut program, &net, x, y);
            program.bind_columns(net.x, x, &[0, x.columns() - 1]).unwrap();
            program.bind_columns(net.y, y, &[0, y.columns() - 1]).unwrap();
            // Two examples are fewer than were seen already: there is room for them.
            program.run().unwrap();
        }
    });
    assert_eq!(calls, 0, "{}, {rows} rows: m seen before", T::NAME);
    assert_eq!(BYTES.load(Ordering::Relaxed), bytes);
    assert_eq!(tape.len(), length, "the tape grows");
}

/// As a training loop does it for hours.
fn ten_thousand_steps() {
    let tape = Tape::<f64>::new();
    let net = network(&tape, 3);
    let mut program = tape.compile(net.gradients.iter().chain(&net.second).copied().chain([net.j])).unwrap();
    let mut random = Random::new(1);
    let (x, y) = (random.matrix(3, 4, -1.0, 1.0), random.matrix(2, 4, 0.0, 1.0));
    step(&mut program, &net, &x, &y);
    let (bytes, length) = (BYTES.load(Ordering::Relaxed), tape.len());
    let (last, calls) = counted(|| (0..10_000).map(|_| step(&mut program, &net, &x, &y)).last());
    assert_eq!(calls, 0);
    assert_eq!(BYTES.load(Ordering::Relaxed), bytes);
    assert_eq!(tape.len(), length);
    assert!(last.is_some_and(f64::is_finite));
}

/// Recording, differentiating, compiling and dropping give everything back.
fn nothing_leaks() {
    let once = || {
        let tape = Tape::<f32>::new();
        let net = network(&tape, 5);
        let mut program = tape.compile(net.gradients.iter().copied().chain([net.j])).unwrap();
        let mut random = Random::new(1);
        let (x, y) = (random.matrix(5, 300, -1.0, 1.0), random.matrix(2, 300, 0.0, 1.0));
        program.bind(net.x, &x).unwrap();
        program.bind(net.y, &y).unwrap();
        program.run().unwrap();
        let void = net.x.matmul(net.x);
        assert!(tape.check().is_err() && void.value().is_err());
    };
    once(); // What is made once for the process is made now.
    let bytes = BYTES.load(Ordering::Relaxed);
    for _ in 0..10 {
        once();
    }
    assert_eq!(BYTES.load(Ordering::Relaxed), bytes, "bytes in use");
}

#[test]
#[ignore = "a fused pass with more than four outputs allocates"]
fn a_program_that_runs_again_allocates_nothing() {
    let (_, calls) = counted(|| std::hint::black_box(vec![1u8; 100]));
    assert!(calls >= 1, "the allocator counts");
    for options in [Options::default(), Options::literal()] {
        // 600 and 1100 are more than a tile holds.
        check::<f64>(4, &[5, 1, 7, 600, 5, 4, 1100], options);
        check::<f32>(4, &[5, 1, 7, 600, 5, 4, 1100], options);
        check::<f64>(65, &[1, 300, 2, 64, 300], options);
    }
    ten_thousand_steps();
    nothing_leaks();
}

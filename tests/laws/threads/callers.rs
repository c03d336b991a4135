//! Several programs, callers and threads of their own.

use std::borrow::Cow;
use std::hash::Hash;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use tape::{Fault, Matrix, MatrixMut, Mismatch, Operands, Operation, Shape, Tape, Threads, Var, Vjp};

use super::faults::Kind;
use super::{Batch, Costly, REFERENCE, fingerprint, installed, options, outputs_of, run};
use crate::support::networks::{self, G};

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
    let at = leaf.id().unwrap();
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
    fn is_columnwise(&self, _: &[Shape]) -> bool {
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

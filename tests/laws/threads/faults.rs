//! Kernels that find a fault, or panic.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use tape::{
    Elementwise, Error, Fault, Matrix, MatrixMut, MatrixRef, Mismatch, Operands, Operation, Options, Program,
    Shape, Tape, Var, Vjp,
};

use super::{Costly, REFERENCE, all_ways, fingerprint, options};
use tape::check::Random;

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
pub(super) enum Kind {
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
        self.section(&[x.get(0).as_slice()], out.as_mut_slice(), x.m())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, f64>) {
        let [a] = at.operands();
        at.contribute_elementwise(0, |g| g * a * 2.0);
    }
    fn is_columnwise(&self, _: &[Shape]) -> bool {
        self.kind != Kind::Whole
    }
    fn elementwise(&self) -> Option<&dyn Elementwise<f64>> {
        (self.kind == Kind::Fused).then_some(self)
    }
}

impl Elementwise<f64> for Guarded {
    fn section(&self, x: &[&[f64]], out: &mut [f64], _: usize) -> Result<(), Fault> {
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

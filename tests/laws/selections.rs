//! Columns that are selected of the tape's value have the results of columns that are bound, bit by bit, and are seen and
//! changed like them.

use mlp::{Loss, RecordedMlp, Scalar};
use proptest::prelude::*;
use tape::{EntryId, Error, Matrix, Options, Program, Tape, Threads, Var, matrix};

use crate::support::cases::runner;
use crate::support::networks::{Description, G};
use tape::check::Random;

/// Of so many features products read some hundred columns where they are: fewer numbers are copied.
const FEATURES: usize = 50;
/// Numbers of columns, around that border and those of tiles and units.
const COUNTS: [usize; 9] = [1, 163, 164, 165, 255, 256, 257, 600, 1];

/// Examples in any order, some of them more than once.
fn batch(random: &mut Random, count: usize, m: usize) -> Vec<usize> {
    (0..count).map(|_| random.below(m)).collect()
}

/// Networks whose first layer has few neurons or many.
fn descriptions() -> impl Strategy<Value = Description> {
    let neurons = prop::sample::select(vec![1_usize, 3, 4, 5, 8, 17, 33, 70]);
    let hidden = prop::collection::vec((neurons.clone(), prop::sample::select(G::tame())), 0..=2);
    (hidden, neurons, 300_usize..700, any::<u64>()).prop_map(|(hidden, outputs, m, seed)| {
        let (mut sizes, mut g): (Vec<usize>, Vec<G>) = hidden.into_iter().unzip();
        sizes.insert(0, FEATURES);
        sizes.push(outputs);
        g.push(G::named("sigmoid"));
        Description { sizes, g, loss: Loss::LogLoss, m, scale: 1.0, seed }
    })
}

/// A program that is run on batches of columns, which are selected or bound.
struct Batches<T: Scalar> {
    program: Program<T>,
    x: EntryId,
    y: EntryId,
    /// J and all gradients.
    outputs: Vec<EntryId>,
}

impl<T: Scalar> Batches<T> {
    fn new(recorded: &RecordedMlp<'_, T>, options: Options) -> Self {
        let outputs: Vec<_> = recorded.gradients().into_iter().chain([recorded.j]).collect();
        let program = recorded.j.tape().compile_with(outputs.iter().copied(), options).unwrap();
        let entry = |variable: Var<'_, T>| variable.id().unwrap();
        let (x, y) = (entry(recorded.x()), entry(recorded.y));
        Batches { program, x, y, outputs: outputs.into_iter().map(entry).collect() }
    }

    fn bound(&mut self, (x, y): (&Matrix<T>, &Matrix<T>), batch: &[usize]) -> Vec<u64> {
        self.program.bind_columns(self.x, x, batch).unwrap();
        self.program.bind_columns(self.y, y, batch).unwrap();
        self.bits()
    }

    fn selected(&mut self, batch: &[usize]) -> Vec<u64> {
        self.program.select_columns(self.x, batch).unwrap();
        self.program.select_columns(self.y, batch).unwrap();
        assert_eq!(self.program.m(), Some(batch.len()));
        self.bits()
    }

    /// Those of all outputs of a run.
    fn bits(&mut self) -> Vec<u64> {
        self.program.run().unwrap();
        let values = self.outputs.iter().map(|&output| self.program.view(output).unwrap());
        values.flat_map(|value| value.as_slice()).map(|x| x.bits()).collect()
    }
}

fn selected_as_bound<T: Scalar>(description: &Description, threads: &[Threads]) -> Result<(), TestCaseError> {
    let (x, y) = description.examples::<T>();
    let (tape, network) = (Tape::new(), description.network::<T>());
    let recorded = network.record(&tape, &x, &y).unwrap();
    let mut random = Random::new(description.seed);
    let batches = COUNTS.map(|count| batch(&mut random, count, x.columns()));
    for fusion in [true, false] {
        let with = |threads: usize, tile: usize| {
            Options::default().threads(threads).tile_columns(tile).fusion(fusion)
        };
        let mut reference = Batches::new(&recorded, with(1, 256));
        let expected: Vec<_> = batches.iter().map(|batch| reference.bound((&x, &y), batch)).collect();
        for (count, pool) in [1, 2, 3, 7].into_iter().zip(threads) {
            let mut programs = [0, 256, 1].map(|tile| Batches::new(&recorded, with(count, tile)));
            for (batch, expected) in batches.iter().zip(&expected) {
                for program in &mut programs {
                    let found = pool.install(|| program.selected(batch));
                    prop_assert!(found == *expected, "{} columns, {count} threads, {fusion}", batch.len());
                }
            }
        }
    }
    Ok(())
}

fn random_networks<T: Scalar>() {
    let threads = [1, 2, 3, 7].map(|count| Threads::new(count).unwrap());
    let result =
        runner(12).run(&descriptions(), |description| selected_as_bound::<T>(&description, &threads));
    result.unwrap_or_else(|e| panic!("{}: {e}", T::NAME));
}

#[test]
fn networks_in_double_precision() {
    random_networks::<f64>();
}

#[test]
fn networks_in_single_precision() {
    random_networks::<f32>();
}

/// W * X with enough of both that columns of X are read where they are; all of X, and some of its columns.
fn product(tape: &Tape<f64>) -> ([Var<'_, f64>; 2], Matrix<f64>, Vec<usize>) {
    let mut random = Random::new(11);
    let (w, set) = (random.matrix(8, FEATURES, -1.0, 1.0), random.matrix(FEATURES, 900, -1.0, 1.0));
    let leaves = [tape.parameter("W", &w), tape.examples("X", &set)];
    (leaves, set, batch(&mut random, 400, 900))
}

#[test]
fn a_selected_variable_is_seen_as_its_columns() {
    let tape = Tape::new();
    let ([w, x], set, batch) = product(&tape);
    let z = w.matmul(x);
    let mut program = tape.compile([z, x]).unwrap();
    program.select_columns(x, &batch).unwrap();
    assert_eq!(program.view(x).unwrap().to_matrix(), set.select_columns(&batch));
    program.select_columns(x, &batch[..300]).unwrap();
    program.run_checked().unwrap();
    assert_eq!(program.view(x).unwrap().to_matrix(), set.select_columns(&batch[..300]), "another view");
    let expected = program.view(z).unwrap().to_matrix();
    program.bind_columns(x, &set, &batch[..300]).unwrap();
    program.run().unwrap();
    assert_eq!(program.view(z).unwrap().to_matrix(), expected);
}

#[test]
fn a_selected_variable_can_be_changed() {
    let tape = Tape::new();
    let ([w, x], set, batch) = product(&tape);
    let z = w.matmul(x);
    let mut program = tape.compile([z]).unwrap();
    program.select_columns(x, &batch).unwrap();
    program.parameter_mut(x).unwrap()[(1, 2)] = 100.0;
    let mut changed = set.select_columns(&batch);
    changed[(1, 2)] = 100.0;
    assert_eq!(program.view(x).unwrap().to_matrix(), changed);
    program.run().unwrap();
    let found = program.view(z).unwrap().to_matrix();
    program.bind(x, &changed).unwrap();
    program.run().unwrap();
    assert_eq!(program.view(z).unwrap().to_matrix(), found);
    assert_eq!(x.value().unwrap(), set, "the tape's value stays");
}

#[test]
fn a_parameter_is_updated_by_selected_columns() {
    let tape = Tape::new();
    let ([w, x], set, batch) = product(&tape);
    let mut program = tape.compile([w.matmul(x), x]).unwrap();
    program.select_columns(x, &batch).unwrap();
    program.run().unwrap();
    program.update(w, x, |w, x| w[0] = x[x.len() - 1]).unwrap();
    let last = set[(FEATURES - 1, batch[399])];
    assert_eq!(program.view(w).unwrap().as_slice()[0], last);
    assert_eq!(program.view(x).unwrap().to_matrix(), set.select_columns(&batch));
}

/// What reads more of a variable than columns one by one, or few rows at a time, reads a copy.
#[test]
fn other_uses_read_a_copy() {
    let tape = Tape::new();
    let ([w, x], set, batch) = product(&tape);
    let row = tape.parameter("r", &Matrix::filled(1, FEATURES, 0.5));
    let narrow = tape.parameter("U", &Matrix::from_fn(8, FEATURES / 2, |i, j| (i as f64 - j as f64) / 20.0));
    let outputs = [
        narrow.matmul(x.unfold(2)),
        narrow.matmul(x.unfold(2)).fold(2) + w.matmul(x).sum(),
        x.unfold(5).block_t().block_matmul(x.unfold(5)),
        x.unfold(5),
        w.matmul(x.tanh()),
        w.matmul(x) + x.sum(),
        x.t().matmul(x),
        row.matmul(x),
        x.matmul(x.t()),
        x.matmul(x.t()).matmul(x),
    ];
    for output in outputs {
        let compile = || tape.compile([output]).unwrap();
        let (mut selected, mut bound) = (compile(), compile());
        selected.select_columns(x, &batch).unwrap();
        bound.bind_columns(x, &set, &batch).unwrap();
        selected.run().unwrap();
        bound.run().unwrap();
        assert_eq!(selected.view(output).unwrap(), bound.view(output).unwrap(), "{output:?}");
    }
}

/// Of another program, a batch that is bound, no examples at all.
#[test]
fn selections_take_turns() {
    let tape = Tape::new();
    let ([w, x], set, batch) = product(&tape);
    let z = w.matmul(x);
    let sum = z.sum();
    let mut program = tape.compile([sum, z]).unwrap();
    program.select_columns(x, &[]).unwrap();
    program.run().unwrap();
    assert_eq!((program.scalar(sum), program.view(z).unwrap().shape()), (Ok(0.0), (8, 0)));
    for _ in 0..2 {
        program.select_columns(x, &batch).unwrap();
        program.run().unwrap();
        assert_eq!(program.view(z).unwrap().columns(), 400);
        program.select_columns(x, &batch[..2]).unwrap();
        program.run().unwrap();
        let two = tape.constant("two", &set.select_columns(&batch[..2]));
        assert_eq!(program.view(z).unwrap().to_matrix(), w.matmul(two).value().unwrap());
    }
    program.bind(x, &set).unwrap();
    let refused = program.select_columns(x, &batch).unwrap_err();
    assert!(matches!(refused, Error::NotBindable { .. }), "{refused}");
    program.run().unwrap();
    assert_eq!(program.view(z).unwrap().columns(), 900, "what was bound stays");
}

/// A failed selection leaves the variable with what it has.
#[test]
fn an_example_that_there_is_not_changes_nothing() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("X", &matrix![[1.0, 2.0, 3.0]]);
    let sum = x.sum();
    let mut program = tape.compile([sum]).unwrap();
    program.select_columns(x, &[2, 0]).unwrap();
    assert!(program.select_columns(x, &[1, 3]).is_err());
    program.run().unwrap();
    assert_eq!(program.scalar(sum), Ok(4.0));
}

//! Optimisers on the columns of a table that a batch names.
//!
//! Where all columns are named, a step is the dense one, bit for bit. Where some are not, the oracle is PyTorch's
//! `SparseAdam`, in the order of its own operations (`torch/optim/_functional.py`, `sparse_adam`).

use mlp::{Optimizer, OptimizerState, ParameterKind, RmsProp};
use tape::check::Random;
use tape::{Matrix, Over, Program, Tape, Var, matrix};

type Outcome<T = ()> = Result<T, mlp::Error>;

fn optimizers() -> Vec<Optimizer> {
    let plain = [
        Optimizer::gradient_descent(0.1),
        Optimizer::momentum(0.1, 0.9),
        Optimizer::adam_with(0.1, 0.8, 0.95, 1e-6),
        Optimizer::nesterov(0.1, 0.9),
        Optimizer::rms_prop(0.1),
        Optimizer::rms_prop_with(0.1, RmsProp { momentum: 0.8, is_centred: true, ..RmsProp::default() }),
        Optimizer::adagrad(0.1),
        Optimizer::adam_w(0.1, 0.5),
        Optimizer::lion(0.1),
    ];
    let plain: Vec<Optimizer> = plain.into_iter().map(|optimizer| optimizer.unwrap()).collect();
    let with_l2 = plain.iter().map(|optimizer| optimizer.with_l2(0.01).unwrap());
    with_l2.chain(plain.iter().copied()).collect()
}

/// J of a table's gathered columns, with its gradients with respect to these and to the table.
struct Embedding<'t, T: mlp::Scalar> {
    table: Var<'t, T>,
    items: Var<'t, T>,
    of_columns: Var<'t, T>,
    of_table: Var<'t, T>,
    program: Program<T>,
}

impl<'t, T: mlp::Scalar> Embedding<'t, T> {
    fn new(tape: &'t Tape<T>, start: &Matrix<T>, k: usize) -> Self {
        let (table, items) = (tape.parameter("E", start), tape.indices_unbound("item", k));
        let columns = table.gather(items);
        let j = (columns.sin().sum_over(Over::Rows) + columns.square().sum_over(Over::Rows)).sum();
        let [of_columns, of_table] = j.gradients([columns, table]);
        let program = tape.compile([of_columns, of_table]).unwrap();
        Embedding { table, items, of_columns, of_table, program }
    }

    fn step(&mut self, state: &mut OptimizerState<T>, batch: &[u32]) -> Outcome {
        self.program.bind_indices(self.items, batch)?;
        self.program.run()?;
        state.step_columns(0, &mut self.program, self.table, self.items, self.of_columns)
    }

    fn dense_step(&mut self, state: &mut OptimizerState<T>, batch: &[u32]) -> Outcome {
        self.program.bind_indices(self.items, batch)?;
        self.program.run()?;
        let mut done = Ok(());
        self.program.update(self.table, self.of_table, |table, g| done = state.step(0, table, g))?;
        done
    }

    fn values(&self) -> Matrix<T> {
        self.program.view(self.table).unwrap().to_matrix()
    }
}

#[test]
fn a_step_of_all_columns_is_the_dense_step() {
    fn check<T: mlp::Scalar>() {
        let mut random = Random::new(3);
        for (d, count) in [(1, 1), (3, 5), (17, 8), (0, 3)] {
            let start: Matrix<T> = random.matrix(d, count, -1.0, 1.0);
            for optimizer in optimizers() {
                let tape = Tape::new();
                let [mut dense, mut touched] = [(); 2].map(|()| Embedding::new(&tape, &start, 1));
                let [mut of_dense, mut of_touched] =
                    [(); 2].map(|()| optimizer.state::<T>(&[(d * count, ParameterKind::Weight)]));
                for _ in 0..6 {
                    // Every column once, and some again.
                    let again = (0..4).map(|_| random.below(count) as u32).collect::<Vec<u32>>();
                    let mut batch: Vec<u32> = (0..count as u32).chain(again).collect();
                    batch.rotate_left(random.below(count));
                    dense.dense_step(&mut of_dense, &batch).unwrap();
                    touched.step(&mut of_touched, &batch).unwrap();
                    assert_eq!(dense.values(), touched.values(), "{optimizer:?}");
                    assert_eq!(of_dense, of_touched, "{optimizer:?}");
                }
            }
        }
    }
    check::<f64>();
    check::<f32>();
}

/// Gradient descent and Adagrad without L2 move nothing that has no gradient: any batch is the dense step.
#[test]
fn descent_and_adagrad_of_some_columns_are_the_dense_step() {
    for optimizer in [Optimizer::gradient_descent(0.25), Optimizer::adagrad(0.25)] {
        some_columns_are_the_dense_step(optimizer.unwrap());
    }
}

fn some_columns_are_the_dense_step(optimizer: Optimizer) {
    let tape = Tape::<f64>::new();
    let mut random = Random::new(4);
    let start = random.matrix(3, 9, -1.0, 1.0);
    let [mut dense, mut touched] = [(); 2].map(|()| Embedding::new(&tape, &start, 2));
    let [mut of_dense, mut of_touched] =
        [(); 2].map(|()| optimizer.state::<f64>(&[(27, ParameterKind::Weight)]));
    for _ in 0..10 {
        let batch: Vec<u32> = (0..6).map(|_| random.below(9) as u32).collect();
        dense.dense_step(&mut of_dense, &batch).unwrap();
        touched.step(&mut of_touched, &batch).unwrap();
        assert_eq!(dense.values(), touched.values(), "{optimizer:?}");
        assert_eq!(of_dense, of_touched, "{optimizer:?}");
    }
}

/// What PyTorch's `SparseAdam` remembers of a table, with its steps.
struct SparseAdam {
    rate: f64,
    betas: (f64, f64),
    epsilon: f64,
    step: i32,
    exp_avg: Matrix<f64>,
    exp_avg_sq: Matrix<f64>,
}

impl SparseAdam {
    /// `gradient` has the coalesced gradient of the columns that are named.
    fn step(&mut self, param: &mut Matrix<f64>, gradient: &[(usize, Vec<f64>)]) {
        self.step += 1;
        let (beta1, beta2) = self.betas;
        let bias_correction1 = 1.0 - beta1.powi(self.step);
        let bias_correction2 = 1.0 - beta2.powi(self.step);
        let step_size = self.rate * bias_correction2.sqrt() / bias_correction1;
        for (column, values) in gradient {
            for (row, &g) in values.iter().enumerate() {
                let at = (row, *column);
                self.exp_avg[at] += (g - self.exp_avg[at]) * (1.0 - beta1);
                self.exp_avg_sq[at] += (g * g - self.exp_avg_sq[at]) * (1.0 - beta2);
                let denominator = self.exp_avg_sq[at].sqrt() + self.epsilon;
                param[at] -= step_size * (self.exp_avg[at] / denominator);
            }
        }
    }
}

#[test]
fn columns_that_are_not_named_keep_what_is_remembered_of_them() {
    let (d, count, k) = (2, 6, 2);
    let tape = Tape::<f64>::new();
    let mut random = Random::new(5);
    let start = random.matrix(d, count, -1.0, 1.0);
    let mut embedding = Embedding::new(&tape, &start, k);
    // An ε that is nothing beside √v: PyTorch adds it in another place.
    let (rate, betas, epsilon) = (0.05, (0.9, 0.99), 1e-30);
    let mut state = Optimizer::adam_with(rate, betas.0, betas.1, epsilon)
        .unwrap()
        .state(&[(d * count, ParameterKind::Weight)]);
    let zeros = || Matrix::zeros(d, count);
    let mut oracle = SparseAdam { rate, betas, epsilon, step: 0, exp_avg: zeros(), exp_avg_sq: zeros() };
    let mut expected = start;
    // Column 5 in the last step alone, in which t is 5; an empty batch is a step too.
    let batches: [&[u32]; 5] = [&[0, 1, 1, 1], &[0, 0], &[], &[2, 4, 0, 3], &[5, 1]];
    for batch in batches {
        let before = embedding.values();
        let slope = |x: f64| x.cos() + 2.0 * x;
        let coalesced: Vec<(usize, Vec<f64>)> = (0..count)
            .filter_map(|column| {
                let times = batch.iter().filter(|&&item| item as usize == column).count();
                let gradient = |row: usize| times as f64 * slope(expected[(row, column)]);
                (times > 0).then(|| (column, (0..d).map(gradient).collect()))
            })
            .collect();
        embedding.step(&mut state, batch).unwrap();
        oracle.step(&mut expected, &coalesced);
        let found = embedding.values();
        for column in 0..count {
            let is_named = batch.contains(&(column as u32));
            assert!(
                is_named || found.column(column) == before.column(column),
                "column {column} stands still"
            );
            for row in 0..d {
                let off = (found[(row, column)] - expected[(row, column)]).abs();
                assert!(off < 1e-12, "{off:e} at {row}, {column}"); // some roundings of steps of 0.05
            }
        }
    }
}

#[test]
fn momentum_of_a_column_stands_still_while_it_is_not_named() {
    let tape = Tape::<f64>::new();
    let (table, items) = (tape.parameter("E", &matrix![[0.0, 0.0]]), tape.indices_unbound("item", 1));
    let columns = table.gather(items);
    let [gradient] = columns.sum().gradients([columns]);
    let mut program = tape.compile([columns, gradient]).unwrap();
    let mut state = Optimizer::momentum(1.0, 0.5).unwrap().state(&[(2, ParameterKind::Weight)]);
    // v of column 0: 1, 1, 1.5; of column 1: 0, 1, 1.
    for (item, expected) in [(0, [-1.0, 0.0]), (1, [-1.0, -1.0]), (0, [-2.5, -1.0])] {
        program.bind_indices(items, &[item]).unwrap();
        program.run().unwrap();
        state.step_columns(0, &mut program, table, items, gradient).unwrap();
        assert_eq!(program.view(table).unwrap().as_slice(), expected);
    }
}

#[test]
fn what_is_refused_changes_nothing() {
    let tape = Tape::<f64>::new();
    let mut embedding = Embedding::new(&tape, &matrix![[1.0, 2.0, 3.0]], 1);
    let adam = Optimizer::adam(0.1).unwrap();
    let mut state = adam.state::<f64>(&[(3, ParameterKind::Weight)]);
    let fresh = state.clone();
    let (table, items, gradient) = (embedding.table, embedding.items, embedding.of_columns);
    embedding.program.bind_indices(items, &[2, 0]).unwrap();
    let refused = |state: &mut OptimizerState<f64>, program: &mut Program<f64>, gradient: Var<'_, f64>| {
        let error = state.step_columns(0, program, table, items, gradient).unwrap_err();
        assert_eq!(program.view(table).unwrap().to_matrix(), matrix![[1.0, 2.0, 3.0]]);
        error
    };
    let not_run = refused(&mut state, &mut embedding.program, gradient);
    assert_eq!(not_run, mlp::Error::Tape(tape::Error::NotRun));
    embedding.program.run().unwrap();
    let other = refused(&mut state, &mut embedding.program, embedding.of_table);
    assert!(matches!(other, mlp::Error::Tape(tape::Error::BindShape { .. })), "{other}");
    assert!(state == fresh, "t is not counted");
    let mut of_another_size = adam.state::<f64>(&[(4, ParameterKind::Weight)]);
    let length = refused(&mut of_another_size, &mut embedding.program, gradient);
    assert_eq!(length, mlp::Error::Length { list: "parameter", expected: 4, found: 3 });
}

#[test]
fn a_type_that_cannot_hold_a_hyperparameter_refuses_columns_too() {
    let tape = Tape::<f32>::new();
    let mut embedding = Embedding::new(&tape, &matrix![[1.0_f32]], 1);
    let mut state = Optimizer::gradient_descent(1e-60).unwrap().state::<f32>(&[(1, ParameterKind::Weight)]);
    let error = embedding.step(&mut state, &[0]).unwrap_err();
    assert!(matches!(error, mlp::Error::Hyperparameter { name: "rate", .. }), "{error}");
    assert_eq!(embedding.values(), matrix![[1.0_f32]]);
}

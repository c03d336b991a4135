//! Loops of all kinds.

use std::borrow::Cow;

use mlp::Scalar;
use tape::{
    Contraction, Fault, Matrix, MatrixMut, Mismatch, Operands, Operation, Options, Over, Shape, Tape, Var,
    Vjp,
};

use super::{Batch, Costly, Used, Way, all_ways, differences, options};
use tape::check::Random;

pub(super) fn same_in_all_ways<'t, T: Scalar>(
    outputs: &[Var<'t, T>],
    batches: &[Batch<'t, T>],
    ways: &[Way],
) {
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

/// Σᵢ a⁽ⁱ⁾ ⊙ b⁽ⁱ⁾, n × 1: a sum over the examples of the user's own.
#[derive(Debug, PartialEq, Eq, Hash)]
struct RowDots;

impl<T: Scalar> Operation<T> for RowDots {
    fn name(&self) -> Cow<'_, str> {
        "row_dots".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        match operands {
            [a, b] if a == b => Ok(Shape { columns: 1.into(), ..*a }),
            _ => Err(Mismatch::new("takes two matrices of one shape")),
        }
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        self.accumulate(x, T::ONE, true, out);
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let [a, b] = at.operands();
        at.contribute(0, |g| g * b);
        at.contribute(1, |g| g * a);
    }
    fn contraction(&self) -> Option<&dyn Contraction<T>> {
        Some(self)
    }
}

impl<T: Scalar> Contraction<T> for RowDots {
    fn accumulate(&self, x: &Operands<'_, T>, alpha: T, begins: bool, out: &mut MatrixMut<'_, T>) {
        let (a, b) = (x.get(0), x.get(1));
        if begins {
            out.as_mut_slice().fill(T::ZERO);
        }
        for first in (0..a.columns()).step_by(Options::CHUNK) {
            for (i, out) in out.as_mut_slice().iter_mut().enumerate() {
                let chunk = first..a.columns().min(first + Options::CHUNK);
                let sum: T = chunk.map(|j| a[(i, j)] * b[(i, j)]).sum();
                *out += alpha * sum;
            }
        }
    }
}

/// Contractions of the user's run in loops as the built-in ones do: scaled or not, summed of what the loop computes, with the
/// same bits in all ways, and with the values of the list as it stands.
fn contractions_of_the_users<T: Scalar>(tolerance: f64) {
    let tape = Tape::<T>::new();
    let x = tape.examples_unbound("X", 3);
    let w = tape.parameter("W", &Random::new(1).matrix(3, 3, -1.0, 1.0));
    let a = w.matmul(x).tanh();
    let variance = tape.apply(RowDots, [a, a]) * tape.one_over_m();
    let j = (variance + tape.apply(RowDots, [x, a])).square().sum();
    let [dw] = j.gradients([w]);
    let [d2w] = dw.square().sum().gradients([w]);
    let outputs = [j, variance, dw, d2w];

    let mut program = tape.compile(outputs).unwrap();
    let dots = |step: &tape::ProgramStep| step.operations.iter().any(|name| name.contains("row_dots"));
    assert!(program.steps().filter(dots).all(|step| step.tiled && step.accumulates), "{program}");
    let mut literal = tape.compile_with(outputs, Options::literal()).unwrap();
    for m in [1, 2, 255, 256, 257, 3000, 0] {
        let batch = Random::new(m as u64).matrix(3, m, -1.0, 1.0);
        let runs = [&mut program, &mut literal].map(|program| {
            program.bind(x, &batch).unwrap();
            program.run()
        });
        if m == 0 {
            assert!(runs.iter().all(Result::is_err), "1/m over no examples");
            continue;
        }
        for output in outputs {
            let [found, expected] = [&program, &literal].map(|p| p.view(output).unwrap().to_matrix());
            let pairs = found.as_slice().iter().zip(expected.as_slice());
            let off = pairs.map(|(&found, &expected)| (found - expected).to_f64().powi(2));
            assert!(off.sum::<f64>().sqrt() <= tolerance * expected.norm().to_f64(), "m = {m}: {output:?}");
        }
    }
    let batches = [5000, 1, 300, 4097].map(|m| vec![(x, Random::new(m as u64).matrix(3, m, -1.0, 1.0))]);
    let costly = tape.apply(Costly, [x]).sum();
    same_in_all_ways(&[j, variance, dw, d2w, costly], &batches, &all_ways());
}

/// Sums of up to 3000 terms in another order, at orders 1 and 2: the root of 3000 roundings, a few times.
#[test]
fn contractions_of_the_users_run_in_loops() {
    contractions_of_the_users::<f64>(1e-13);
    contractions_of_the_users::<f32>(1e-4);
}

//! Random graphs of operations, whose values stay of the size of 1.

use std::borrow::Cow;

use proptest::prelude::*;
use tape::{
    Dim, Fault, Function, Matrix, MatrixMut, Mismatch, Operands, Operation, Over, Program, Scalar, Shape,
    Tape, Var, Vjp,
};

use tape::check::Random;

/// One step: what to record, and the numbers that choose operands among what is there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice {
    pub(crate) operation: u8,
    pub(crate) a: u8,
    pub(crate) b: u8,
}

/// A graph to be recorded.
#[derive(Debug, Clone)]
pub(crate) struct Description {
    pub(crate) rows: usize,
    pub(crate) m: usize,
    pub(crate) choices: Vec<Choice>,
    pub(crate) seed: u64,
}

/// With more examples there is no matrix of m × m numbers.
const MOST_SQUARED: usize = 1100;

/// Graphs of up to 24 steps; `m` says for which numbers of examples.
pub(crate) fn descriptions(m: &'static [usize]) -> impl Strategy<Value = Description> {
    let choice =
        (any::<u8>(), any::<u8>(), any::<u8>()).prop_map(|(operation, a, b)| Choice { operation, a, b });
    let choices = proptest::collection::vec(choice, 1..24);
    let rows = prop_oneof![4 => 1..10_usize, 1 => 15..18_usize, 1 => 31..34_usize];
    (rows, prop::sample::select(m), choices, any::<u64>()).prop_map(|(rows, m, choices, seed)| Description {
        rows,
        m,
        choices,
        seed,
    })
}

/// A recorded graph.
pub(crate) struct Graph<'t, T: Scalar> {
    /// Examples: reals of `rows` rows.
    pub(crate) x: Var<'t, T>,
    /// Examples: labels, one row.
    pub(crate) y: Var<'t, T>,
    /// The parameters, the first of `rows` rows and one column.
    #[allow(dead_code)] // not every test needs them
    pub(crate) parameters: Vec<Var<'t, T>>,
    /// X, Y, a scalar of all that was recorded last, its first and second derivatives, and some of what they need.
    pub(crate) outputs: Vec<Var<'t, T>>,
}

impl Description {
    /// Values for the examples X and Y.
    pub(crate) fn examples<T: Scalar>(&self, m: usize, seed: u64) -> (Matrix<T>, Matrix<T>) {
        let mut random = Random::new(seed);
        (random.matrix(self.rows, m, -2.0, 2.0), random.matrix(1, m, 0.0, 1.0))
    }

    pub(crate) fn record<'t, T: Scalar>(&self, tape: &'t Tape<T>) -> Graph<'t, T> {
        let (x, y) = self.examples(self.m, self.seed);
        let (x, y) = (tape.examples("X", &x), tape.examples("Y", &y));
        let mut random = Random::new(self.seed ^ 1);
        let b = tape.parameter("b", &random.matrix(self.rows, 1, -1.0, 1.0));
        let mixed = usize::from(self.m > MOST_SQUARED);
        let mut recording =
            Recording { tape, x, y, random, parameters: vec![b], pool: vec![x, b, (x + b).tanh()], mixed };
        for choice in &self.choices {
            recording.step(*choice);
        }
        recording.finish()
    }
}

struct Recording<'t, T: Scalar> {
    tape: &'t Tape<T>,
    x: Var<'t, T>,
    y: Var<'t, T>,
    random: Random,
    parameters: Vec<Var<'t, T>>,
    pool: Vec<Var<'t, T>>,
    /// How many m × m matrices there are, of which one is enough.
    mixed: usize,
}

impl<'t, T: Scalar> Recording<'t, T> {
    fn picked(&self, number: u8) -> Var<'t, T> {
        self.pool[usize::from(number) % self.pool.len()]
    }

    /// A parameter of this shape whose product with values of size 1 is of size 1.
    fn parameter(&mut self, rows: usize, columns: usize) -> Var<'t, T> {
        let bound = 1.0 / (columns.max(1) as f64).sqrt();
        let value = self.random.matrix(rows, columns, -bound, bound);
        let parameter = self.tape.parameter(&format!("W[{}]", self.parameters.len()), &value);
        self.parameters.push(parameter);
        parameter
    }

    /// An operand that goes with `a` entry by entry.
    fn partner(&mut self, a: Var<'t, T>, number: u8) -> Var<'t, T> {
        let (b, shape) = (self.picked(number), a.shape().unwrap());
        let together = b.shape().unwrap().broadcast(shape);
        if together.is_some_and(|s| s == shape || s.rows == shape.rows) {
            return b;
        }
        match shape.rows {
            Dim::Fixed(rows) => self.parameter(rows, 1),
            Dim::M | Dim::Multiple(_) => self.tape.scalar(T::from_f64(0.75)),
        }
    }

    fn step(&mut self, Choice { operation, a: number, b: other }: Choice) {
        let half = T::from_f64(0.5);
        let two = T::from_f64(2.0);
        let a = self.picked(number);
        let shape = a.shape().unwrap();
        let per_column = shape.columns == Dim::M && shape.rows != Dim::M;
        let rows = shape.rows.at(0);
        let made = match operation % 42 {
            0 => a.tanh(),
            1 => a.sigmoid(),
            2 => a.sin() * a,
            3 => (a * half).softplus() - a.relu(),
            4 => a.gelu().tanh(),
            5 => a.silu() * half,
            6 => a.sigmoid().ln().tanh(),
            7 => self.tape.scalar(T::ONE) - a.sigmoid(),
            8 => (-a.square()).exp(),
            9 => a.map(&own_function()),
            10 => a.clamp(T::from_f64(-0.9), T::from_f64(0.8)).elu(half),
            11 => (a * a + T::ONE).sqrt().reciprocal(),
            12 => a.leaky_relu(T::from_f64(0.1)).abs().tanh(),
            13 | 14 => (a + self.partner(a, other)) * half,
            15 => (a - self.partner(a, other)).tanh(),
            16 => a.tanh() * self.partner(a, other).cos(),
            17 => a.tanh() / (self.partner(a, other).tanh() + two),
            18 => (a.tanh() + two).pow(self.partner(a, other).tanh()) * half,
            // Products: with a parameter, over the examples, and back from there.
            19..=22 if shape.rows != Dim::M => {
                let w = self.parameter(1 + usize::from(other) % 9, rows);
                w.matmul(a).tanh()
            }
            23 | 24 if per_column => {
                let b = self.picked(other);
                let b = if b.shape().unwrap().columns == Dim::M { b } else { self.x };
                let b = if b.shape().unwrap().rows == Dim::M { self.x } else { b };
                (a.tanh().matmul(b.t()) * self.tape.one_over_m()).tanh()
            }
            25 if per_column => a.mean_over(Over::Columns),
            26 => a.mean(),
            27 if shape.rows != Dim::M => a.mean_over(Over::Rows),
            28 if per_column => a.max_over(Over::Columns).tanh(),
            29 if per_column => a.softmax_over(Over::Columns) * a,
            30 if shape.rows != Dim::M => a.softmax_over(Over::Rows),
            31 if per_column => (a.log_sum_exp_over(Over::Columns) * half).sin(),
            // Whole: attention, a part of the examples.
            32 if per_column && self.mixed < 1 => {
                self.mixed += 1;
                a.matmul(a.t().matmul(a).tanh().softmax_over(Over::Rows)).tanh()
            }
            33 if per_column => {
                self.tape.stack_columns(&[a.columns(0..1), a.columns(0..1)]).mean_over(Over::Columns)
            }
            // By a mask that no rounding changes.
            34 => {
                let row = usize::from(other) % self.x.shape().unwrap().rows.at(0);
                let b = self.partner(a, other);
                match shape.rows {
                    Dim::Fixed(_) if per_column => self.x.rows(row..row + 1).greater(T::ZERO).select(a, b),
                    Dim::Fixed(_) | Dim::M | Dim::Multiple(_) => a,
                }
            }
            35 if shape.rows != Dim::M => {
                let b = self.picked(other);
                let b = if b.shape().unwrap().columns == shape.columns { b } else { a.sin() };
                let b = if b.shape().unwrap().rows == Dim::M { a.sin() } else { b };
                let stack = self.tape.stack_rows(&[a, b]);
                stack.rows(rows / 2..rows + 1)
            }
            36 if shape.rows != Dim::M => self.tape.apply(Reversed, [a]),
            37 if per_column => self.tape.apply(Shifted { back: false }, [a]),
            // The columns of each example, there and back.
            39 if per_column && shape.rows != Dim::Fixed(0) => {
                let tokens = self.tape.stack_rows(&[a, a.tanh(), a * half]).unfold(3);
                let weights = (tokens.block_t().block_matmul(tokens) * half).softmax_over(Over::Rows);
                let mixed = (tokens.block_matmul(weights) + tokens.mean_of_blocks().repeat_columns(3)).sin();
                mixed.sum_of_blocks()
            }
            40 if per_column && shape.rows != Dim::Fixed(0) => {
                let tokens = self.tape.stack_rows(&[a, a.cos()]).unfold(2);
                let w = self.parameter(rows, rows);
                let bias = self.parameter(rows, 1);
                let shared = (w.matmul(tokens) + bias).sigmoid();
                shared.fold(2).rows(0..rows) + self.tape.one_over_m() * shared.sum_over(Over::Columns)
            }
            38 if per_column => a.rows(0..1).sigmoid().log_loss(self.y) * half,
            39 if per_column => a.rows(0..1).broadcast_to(self.x.shape().unwrap()) * self.x.sigmoid(),
            _ => -(a * T::from_f64(0.7)),
        };
        // Stacks grow: no matrix gets more than 40 rows.
        let made = match made.shape().unwrap().rows {
            Dim::Fixed(rows) if rows > 40 => made.rows(0..40),
            _ => made,
        };
        self.pool.push(made);
    }

    fn finish(self) -> Graph<'t, T> {
        let Recording { x, y, parameters, pool, tape, .. } = self;
        let last = &pool[pool.len().saturating_sub(6)..];
        let j = last.iter().map(|a| (a.tanh() * *a).mean()).reduce(|a, b| a + b).unwrap().named("J");
        let middle = pool[pool.len() / 2];
        let [dx, db, dw, dmiddle] =
            j.gradients_or_zeros([x, parameters[0], parameters[parameters.len() - 1], middle]);
        let second = (dx.square().sum() * tape.one_over_m() + db.square().sum()).named("H");
        let [ddx, ddb] = second.gradients_or_zeros([x, parameters[0]]);
        let mut outputs = vec![x, y, j, dx, db, dw, dmiddle, ddx, ddb];
        outputs.extend(pool.iter().copied().step_by(3));
        outputs.extend(last);
        Graph { x, y, parameters, outputs }
    }
}

/// x/(1 + x²), with derivatives of every order that a test asks for.
fn own_function<T: Scalar>() -> Function<T> {
    let f = |x: T| x / (T::ONE + x * x);
    let slope = |x: T| (T::ONE - x * x) / ((T::ONE + x * x) * (T::ONE + x * x));
    let second = |x: T| {
        let q = T::ONE + x * x;
        T::from_f64(2.0) * x * (x * x - T::from_f64(3.0)) / (q * q * q)
    };
    Function::new("own", f)
        .with_derivative(Function::new("own′", slope).with_derivative(Function::new("own″", second)))
}

/// The rows in reverse order: an operation of the user's whose columns stay apart.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Reversed;

impl<T: Scalar> Operation<T> for Reversed {
    fn name(&self) -> Cow<'_, str> {
        "reversed".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0])
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let a = x.get(0);
        for j in 0..a.columns() {
            let pairs = out.column_mut(j).iter_mut().zip(a.column(j).iter().rev());
            pairs.for_each(|(out, &a)| *out = a);
        }
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        at.contribute(0, |g| g.tape().apply(Reversed, [g]));
    }
    fn is_columnwise(&self, _: &[Shape]) -> bool {
        true
    }
}

/// Every column moved to the next place, the last one to the first: an operation of the user's that needs all columns.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Shifted {
    pub(crate) back: bool,
}

impl<T: Scalar> Operation<T> for Shifted {
    fn name(&self) -> Cow<'_, str> {
        "shifted".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0])
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let a = x.get(0);
        let m = a.columns();
        for j in 0..m {
            let from = if self.back { (j + 1) % m } else { (j + m - 1) % m };
            out.column_mut(j).copy_from_slice(a.column(from));
        }
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        at.contribute(0, |g| g.tape().apply(Shifted { back: !self.back }, [g]));
    }
}

/// What the outputs hold after a run on these examples.
#[allow(dead_code)] // not every test needs it
pub(crate) fn run<T: Scalar>(
    program: &mut Program<T>,
    graph: &Graph<'_, T>,
    (x, y): &(Matrix<T>, Matrix<T>),
) -> Vec<Matrix<T>> {
    program.bind(graph.x, x).unwrap();
    program.bind(graph.y, y).unwrap();
    program.run().unwrap();
    graph.outputs.iter().map(|&output| program.view(output).unwrap().to_matrix()).collect()
}

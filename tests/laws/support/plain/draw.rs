//! Draws plain programs whose values are of moderate size and keep away from kinks, jumps and poles.

use tape::{Dim, Over, Shape};

use super::interpret::{Grid, evaluate};
use super::number::{Ball, Number};
use super::program::{Fun, Kind, Method, Node, Op, Pair, Reduction, Script, together};
use super::record::{MeanForm, MeanStep, cross_entropy_is_composed, mean_form, softmax_is_composed};
use tape::check::Random;

/// Numbers that users write; all are exact in single precision.
const NUMBERS: [f64; 14] = [2.0, 0.5, 1.0, -1.0, 0.0, -1.5, 3.0, 49.0, 0.75, -2.0, 10.0, 0.25, -3.0, 1.25];

/// No value is greater, in single precision and with two derivatives.
const MOST: f64 = 40.0;

/// Values next to kinks, jumps and poles are not drawn: rounding in single precision must not cross one.
const GAP: f64 = 0.02;

pub(crate) struct Draw {
    pub(crate) random: Random,
    /// Whether values may be anything: extreme ones are drawn, and nothing is kept away from.
    pub(crate) wild: bool,
    pub(crate) single: bool,
    pub(crate) script: Script,
    pub(crate) values: Vec<Grid<Ball>>,
}

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let m = [1, 2, 3, 5, 2, 3][random.below(6)];
        Draw {
            random,
            wild: false,
            single: seed % 5 == 4,
            script: Script { m, nodes: Vec::new() },
            values: Vec::new(),
        }
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.random.below(one_in) == 0
    }

    pub(crate) fn shape(&self, i: usize) -> Shape {
        self.script.nodes[i].shape
    }

    /// Appends a node, if its value is what may be drawn.
    pub(crate) fn push(&mut self, op: Op, on: &[usize], shape: Shape) -> Option<usize> {
        let node = Node { op, on: on.to_vec(), shape, written: None, hidden: false, named: false };
        let operands: Vec<&Grid<Ball>> = node.on.iter().map(|&on| &self.values[on]).collect();
        let value = evaluate(&node, self.script.m, &operands);
        let (rows, columns) = shape.at(self.script.m);
        if rows * columns > 30 || !self.wild && !value.data.iter().all(|x| x.v.abs() <= MOST) {
            return None;
        }
        self.script.nodes.push(node);
        self.values.push(value);
        Some(self.script.nodes.len() - 1)
    }

    /// Nodes that one method records: all but the last are hidden. Nothing is left of them if one cannot be drawn.
    pub(crate) fn method(
        &mut self,
        method: Method,
        on: &[usize],
        record: impl FnOnce(&mut Self) -> Option<usize>,
    ) -> Option<usize> {
        let before = self.script.nodes.len();
        let made = record(self);
        if made.is_none() {
            self.script.nodes.truncate(before);
            self.values.truncate(before);
        }
        let last = made?;
        if last < before {
            return None;
        }
        self.script.nodes[before..last].iter_mut().for_each(|node| node.hidden = true);
        self.script.nodes[last].written = Some((method, on.to_vec()));
        Some(last)
    }

    fn number(&mut self, c: f64) -> Option<usize> {
        self.push(Op::Number(c), &[], Shape::SCALAR)
    }

    pub(crate) fn leaf(&mut self, kind: Kind, shape: Shape, low: f64, high: f64) -> Option<usize> {
        let (rows, columns) = shape.at(self.script.m);
        let values = (0..rows * columns).map(|_| self.element(low, high)).collect();
        self.push(Op::Leaf(kind, values), &[], shape)
    }

    /// A multiple of 2⁻¹⁰, which is exact in single precision; of a wild program now and then something extreme.
    fn element(&mut self, low: f64, high: f64) -> f64 {
        const EXTREMES: [f64; 20] = [
            0.0,
            -0.0,
            5e-324,
            1e-310,
            1e-160,
            -1e-160,
            1e160,
            1e-300,
            1e300,
            -1e300,
            17.0,
            -17.0,
            40.0,
            -40.0,
            800.0,
            -800.0,
            1e4,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
        ];
        const EXTREMES_OF_SINGLE: [f64; 20] = [
            0.0,
            -0.0,
            1e-45,
            1e-40,
            1e-20,
            -1e-20,
            1e20,
            1e-37,
            1e37,
            -1e37,
            9.0,
            -9.0,
            18.0,
            -18.0,
            110.0,
            -110.0,
            1e4,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
        ];
        let extremes = if self.single { EXTREMES_OF_SINGLE } else { EXTREMES };
        let is_label = (low, high) == (0.0, 1.0);
        let x = (self.random.between(low, high) * 1024.0).round() / 1024.0;
        match (self.wild, is_label) {
            (true, true) => [0.0, 1.0, 0.0, 1.0, 0.5, x][self.random.below(6)],
            (true, false) if self.chance(3) => {
                // What is not finite spreads: it is drawn rarely.
                let most = if self.chance(8) { 20 } else { 17 };
                let x = extremes[self.random.below(most)];
                if self.single { f64::from(x as f32) } else { x }
            }
            _ => x,
        }
    }

    fn extent(&mut self) -> usize {
        match self.random.below(40) {
            0 => 0,
            1..=9 => 1,
            10..=22 => 2,
            23..=34 => 3,
            _ => 4,
        }
    }

    pub(crate) fn leaves(&mut self) {
        let rows = self.extent().max(1);
        self.leaf(Kind::Examples, Shape::new(rows, Dim::M), -2.0, 2.0);
        for _ in 0..1 + self.random.below(3) {
            let (rows, columns) = (self.extent(), self.extent());
            let shape = match self.random.below(4) {
                0 => Shape::SCALAR,
                1 => Shape::new(rows, Dim::M),
                _ => Shape::new(rows, columns),
            };
            match (shape.columns, self.random.below(4)) {
                (Dim::M, _) => self.leaf(Kind::Examples, shape, -2.0, 2.0),
                (_, 0) => self.leaf(Kind::Constant, shape, -2.0, 2.0),
                (_, 1) => self.leaf(Kind::Parameter, shape, 0.1, 2.0),
                _ => self.leaf(Kind::Parameter, shape, -2.0, 2.0),
            };
        }
    }

    /// A node that is there, most often a late one.
    pub(crate) fn pick(&mut self) -> usize {
        let n = self.script.nodes.len();
        loop {
            let i = if self.chance(2) { self.random.below(n) } else { n - 1 - self.random.below(n.min(4)) };
            if !self.script.nodes[i].hidden || self.chance(4) {
                return i;
            }
        }
    }

    fn pick_where(&mut self, wanted: impl Fn(&Self, usize) -> bool) -> Option<usize> {
        let all: Vec<usize> = (0..self.script.nodes.len()).filter(|&i| wanted(self, i)).collect();
        (!all.is_empty()).then(|| all[self.random.below(all.len())])
    }

    /// A node that goes with `a` element by element.
    fn partner(&mut self, a: usize) -> Option<usize> {
        let shape = self.shape(a);
        if self.chance(6) {
            return Some(a);
        }
        self.pick_where(|draw, i| together(draw.shape(i), shape).is_some())
    }

    fn all(&self, i: usize, holds: impl Fn(f64) -> bool) -> bool {
        self.wild || self.values[i].data.iter().all(|x| holds(x.v))
    }

    /// A node whose value is in reach of `fun` and of two of its derivatives.
    fn in_domain(&self, fun: Fun, i: usize) -> bool {
        match fun {
            Fun::Exp => self.all(i, |x| x < 3.0),
            Fun::Ln | Fun::Sqrt | Fun::Power(_) => self.all(i, |x| x > 0.1),
            Fun::Abs | Fun::Sign | Fun::Relu | Fun::LeakyRelu(_) | Fun::Elu(_) => {
                self.all(i, |x| x.abs() > GAP)
            }
            Fun::Clamp(low, high) => self.all(i, |x| (x - low).abs() > GAP && (x - high).abs() > GAP),
            Fun::Gelu | Fun::GeluTanh | Fun::Silu | Fun::Erf => self.all(i, |x| x.abs() < 6.0),
            _ => true,
        }
    }

    fn fun(&mut self) -> Fun {
        const FUNS: [Fun; 22] = [
            Fun::Identity,
            Fun::Exp,
            Fun::Ln,
            Fun::Sqrt,
            Fun::Square,
            Fun::Sin,
            Fun::Cos,
            Fun::Abs,
            Fun::Sign,
            Fun::Erf,
            Fun::Relu,
            Fun::Sigmoid,
            Fun::SigmoidDerivative,
            Fun::LogSigmoid,
            Fun::Tanh,
            Fun::Softplus,
            Fun::Silu,
            Fun::Gelu,
            Fun::GeluTanh,
            Fun::Clamp(-0.75, 1.0),
            Fun::LeakyRelu(0.25),
            Fun::Elu(1.5),
        ];
        FUNS[self.random.below(FUNS.len())]
    }

    /// Tries to append one entry, or the entries of one method.
    pub(crate) fn step(&mut self) -> Option<usize> {
        let a = self.pick();
        let shape = self.shape(a);
        match self.random.below(36) {
            0..=4 => self.with_number(a),
            5 | 6 => self.push(Op::Negate, &[a], shape),
            7 | 8 => self.push(Op::Transpose, &[a], shape.transposed()),
            9..=12 => self.zip(a),
            13..=15 => {
                let fun = self.fun();
                if !self.in_domain(fun, a) {
                    return None;
                }
                self.push(Op::Map(fun), &[a], shape)
            }
            16..=18 => self.product(a),
            19 | 20 => self.reduce(a),
            21 | 22 => self.mean(a),
            23 => {
                let b = self.pick_where(|draw, i| together(shape, draw.shape(i)) == Some(draw.shape(i)))?;
                let shape = self.shape(b);
                self.push(Op::Repeat, &[a], shape)
            }
            24 | 25 => self.slice(a),
            26 => self.stack(a),
            27 | 28 => self.select(a),
            29 => self.mask(a),
            30 => self.loss(a),
            31 => self.softmax(a),
            32 => self.power(a),
            33 => {
                let one_over_m = self.push(Op::OneOverM, &[], Shape::SCALAR)?;
                self.push(Op::Zip(Pair::Multiply), &[a, one_over_m], shape)
            }
            34 => {
                let c = NUMBERS[self.random.below(NUMBERS.len())];
                self.number(c)
            }
            _ => match self.random.below(3) {
                // −(−x) and (xᵀ)ᵀ as they are written.
                0 => {
                    let minus = self.push(Op::Negate, &[a], shape)?;
                    self.push(Op::Negate, &[minus], shape)
                }
                1 => {
                    let t = self.push(Op::Transpose, &[a], shape.transposed())?;
                    self.push(Op::Transpose, &[t], shape)
                }
                _ if self.all(a, |x| x.abs() > 0.2) => self.method(Method::Reciprocal, &[a], |draw| {
                    let one = draw.number(1.0)?;
                    draw.push(Op::Zip(Pair::Divide), &[one, a], shape)
                }),
                _ => None,
            },
        }
    }

    pub(crate) fn with_number(&mut self, a: usize) -> Option<usize> {
        let c = NUMBERS[self.random.below(NUMBERS.len())];
        let pair =
            [Pair::Add, Pair::Subtract, Pair::Multiply, Pair::Multiply, Pair::Divide][self.random.below(5)];
        let left = self.chance(2);
        let shape = self.shape(a);
        let divisor_is_small = !self.wild && if left { !self.all(a, |x| x.abs() > 0.2) } else { c == 0.0 };
        if pair == Pair::Divide && divisor_is_small {
            return None;
        }
        let method = if left { Method::Left(c) } else { Method::Right(c) };
        self.method(method, &[a], |draw| {
            let number = draw.number(c)?;
            draw.push(Op::Zip(pair), &if left { [number, a] } else { [a, number] }, shape)
        })
    }

    fn zip(&mut self, a: usize) -> Option<usize> {
        let b = self.partner(a)?;
        let pair = [Pair::Add, Pair::Subtract, Pair::Multiply, Pair::Divide][self.random.below(4)];
        let (a, b) = if self.chance(2) { (a, b) } else { (b, a) };
        if pair == Pair::Divide && !self.all(b, |x| x.abs() > 0.2) {
            return None;
        }
        let shape = together(self.shape(a), self.shape(b))?;
        self.push(Op::Zip(pair), &[a, b], shape)
    }

    fn product(&mut self, a: usize) -> Option<usize> {
        let shape = self.shape(a);
        let right = self.pick_where(|draw, i| draw.shape(i).rows == shape.columns);
        let b = match right {
            Some(b) if !self.chance(4) => b,
            _ => {
                // W * a, with a parameter of its own.
                let Dim::Fixed(inner) = shape.rows else { return None };
                let rows = self.extent();
                let w = self.leaf(Kind::Parameter, Shape::new(rows, inner), -1.0, 1.0)?;
                return self.push(Op::Product, &[w, a], Shape::new(rows, shape.columns));
            }
        };
        let columns = self.shape(b).columns;
        self.push(Op::Product, &[a, b], Shape { rows: shape.rows, columns })
    }

    fn over(&mut self) -> Over {
        [Over::Rows, Over::Columns, Over::All, Over::All][self.random.below(4)]
    }

    fn reduced_shape(shape: Shape, over: Over) -> Shape {
        match over {
            Over::Rows => Shape { rows: Dim::ONE, ..shape },
            Over::Columns => Shape { columns: Dim::ONE, ..shape },
            Over::All => Shape::SCALAR,
        }
    }

    pub(crate) fn reduce(&mut self, a: usize) -> Option<usize> {
        let over = self.over();
        let reduction = match self.random.below(8) {
            0..4 => Reduction::Sum,
            4 => [Reduction::Max, Reduction::Min][self.random.below(2)],
            5 => Reduction::MaxNorm,
            _ => Reduction::LogSumExp,
        };
        let is_empty = self.values[a].data.is_empty();
        let is_clear = match reduction {
            Reduction::Sum => true,
            Reduction::LogSumExp => !is_empty,
            Reduction::Max | Reduction::Min => !is_empty && self.has_gaps(a, |x| x),
            // And is not next to 0, where |a| has its kink.
            Reduction::MaxNorm => self.has_gaps(a, f64::abs) && self.is_apart_from_0(a),
        };
        if !is_clear {
            return None;
        }
        self.push(Op::Reduce(reduction, over), &[a], Self::reduced_shape(self.shape(a), over))
    }

    fn is_apart_from_0(&self, a: usize) -> bool {
        self.wild || self.values[a].data.iter().all(|x| x.v.abs() > GAP)
    }

    /// Whether no two of what is made of the values are close, so that the greatest is clear.
    fn has_gaps(&self, a: usize, of: fn(f64) -> f64) -> bool {
        if self.wild {
            return true;
        }
        let mut sorted: Vec<f64> = self.values[a].data.iter().map(|x| of(x.v)).collect();
        sorted.sort_by(f64::total_cmp);
        sorted.windows(2).all(|pair| pair[1] - pair[0] > GAP)
    }

    pub(crate) fn mean(&mut self, a: usize) -> Option<usize> {
        let over = self.over();
        self.mean_over(a, over)
    }

    pub(crate) fn mean_over(&mut self, a: usize, over: Over) -> Option<usize> {
        if self.values[a].data.is_empty() {
            return None;
        }
        let form = mean_form(self.shape(a), over);
        let shape = Self::reduced_shape(self.shape(a), over);
        self.method(Method::Mean(over), &[a], |draw| {
            let MeanForm::Steps(steps) = form else { return draw.push(Op::Mean(over), &[a], shape) };
            let mut s = draw.push(Op::Reduce(Reduction::Sum, over), &[a], shape)?;
            for step in steps {
                let (pair, number) = match step {
                    MeanStep::Over(n) => (Pair::Divide, draw.push(Op::Number(n), &[], Shape::SCALAR)?),
                    MeanStep::Times(c) => (Pair::Multiply, draw.push(Op::Number(c), &[], Shape::SCALAR)?),
                    MeanStep::TimesOneOverM => (Pair::Multiply, draw.push(Op::OneOverM, &[], Shape::SCALAR)?),
                };
                s = draw.push(Op::Zip(pair), &[s, number], shape)?;
            }
            Some(s)
        })
    }

    fn slice(&mut self, a: usize) -> Option<usize> {
        let shape = self.shape(a);
        let of_rows = self.chance(2);
        let extent = (if of_rows { shape.rows } else { shape.columns }).at(self.script.m);
        let is_fixed = of_rows && shape.rows != Dim::M;
        if of_rows && !is_fixed || extent == 0 {
            return None;
        }
        let start = self.random.below(extent);
        let end = start + 1 + self.random.below(extent - start);
        let (op, shape) = match of_rows {
            true => (Op::Rows(start, end), Shape { rows: (end - start).into(), ..shape }),
            false => (Op::Columns(start, end), Shape { columns: (end - start).into(), ..shape }),
        };
        self.push(op, &[a], shape)
    }

    fn stack(&mut self, a: usize) -> Option<usize> {
        let shape = self.shape(a);
        let of_rows = self.chance(2);
        let (along, across) = if of_rows { (shape.rows, shape.columns) } else { (shape.columns, shape.rows) };
        if along == Dim::M {
            return None;
        }
        let mut parts = vec![a];
        for _ in 0..1 + self.random.below(2) {
            let part = self.pick_where(|draw, i| {
                let shape = draw.shape(i);
                let (other, same) =
                    if of_rows { (shape.rows, shape.columns) } else { (shape.columns, shape.rows) };
                other != Dim::M && same == across
            });
            parts.push(part?);
        }
        let total: usize = parts
            .iter()
            .map(|&p| if of_rows { self.shape(p).rows } else { self.shape(p).columns }.at(0))
            .sum();
        match of_rows {
            true => self.push(Op::StackRows, &parts, Shape { rows: total.into(), ..shape }),
            false => self.push(Op::StackColumns, &parts, Shape { columns: total.into(), ..shape }),
        }
    }

    fn is_mask(&self, i: usize) -> bool {
        matches!(self.script.nodes[i].op, Op::Zip(Pair::Greater | Pair::Equal))
    }

    fn mask(&mut self, a: usize) -> Option<usize> {
        let b = self.partner(a)?;
        let shape = together(self.shape(a), self.shape(b))?;
        let (rows, columns) = shape.at(self.script.m);
        let differences =
            Grid::new(rows, columns, |i, j| Ball::of((self.values[a].at(i, j) - self.values[b].at(i, j)).v));
        let leaf = |draw: &Self, i: usize| draw.script.nodes[i].on.is_empty();
        let exact = self.wild || a == b || leaf(self, a) && leaf(self, b);
        if !differences.data.iter().all(|d| d.v.abs() > GAP || exact && (self.wild || d.v == 0.0)) {
            return None;
        }
        match self.random.below(3) {
            0 => self.push(Op::Zip(Pair::Equal), &[a, b], shape),
            1 => self.push(Op::Zip(Pair::Greater), &[a, b], shape),
            _ => self.method(Method::Less, &[b, a], |draw| draw.push(Op::Zip(Pair::Greater), &[a, b], shape)),
        }
    }

    fn select(&mut self, a: usize) -> Option<usize> {
        let shape = self.shape(a);
        let fits = |draw: &Self, i: usize| together(draw.shape(i), shape).is_some();
        let mask = match self.pick_where(|draw, i| draw.is_mask(i) && fits(draw, i)) {
            Some(mask) => mask,
            None => {
                let x = self.pick_where(fits)?;
                self.mask(x)?
            }
        };
        let b = self.partner(a)?;
        let both = together(self.shape(a), self.shape(b))?;
        let shape = together(both, self.shape(mask))?;
        let [a, b] = if self.chance(2) { [a, b] } else { [b, a] };
        self.push(Op::Select, &[mask, a, b], shape)
    }

    fn loss(&mut self, a: usize) -> Option<usize> {
        let shape = self.shape(a);
        let row = Shape { rows: Dim::ONE, ..shape };
        let kind = match (shape.rows, shape.columns) {
            (Dim::M, _) => return None,
            (_, Dim::M) => Kind::Examples,
            _ => Kind::Constant,
        };
        match self.random.below(5) {
            0 => {
                let a = match !self.wild && self.all(a, |a| a > 0.05 && a < 0.95) {
                    true => a,
                    false => self.push(Op::Map(Fun::Sigmoid), &[a], shape)?,
                };
                if !self.all(a, |a| a > 0.01 && a < 0.99) {
                    return None;
                }
                let y = self.leaf(kind, shape, 0.0, 1.0)?;
                self.push(Op::LogLoss, &[y, a], row)
            }
            1 => {
                let y = self.leaf(kind, shape, 0.0, 1.0)?;
                self.push(Op::LogLossOnLogits, &[y, a], row)
            }
            2 => {
                let y = self.leaf(kind, shape, 0.0, 1.0)?;
                self.push(Op::SigmoidMinus, &[y, a], shape)
            }
            3 => {
                let y = self.partner(a)?;
                let both = together(shape, self.shape(y))?;
                self.method(Method::SquaredError, &[a, y], |draw| {
                    let error = draw.push(Op::Zip(Pair::Subtract), &[a, y], both)?;
                    let square = draw.push(Op::Map(Fun::Square), &[error], both)?;
                    draw.sum_of_rows(square)
                })
            }
            _ => self.cross_entropy(a, kind),
        }
    }

    fn cross_entropy(&mut self, z: usize, kind: Kind) -> Option<usize> {
        let shape = self.shape(z);
        let row = Shape { rows: Dim::ONE, ..shape };
        if self.values[z].data.is_empty() {
            return None;
        }
        let y = self.targets(kind, shape)?;
        if !cross_entropy_is_composed() {
            return self.push(Op::CrossEntropy, &[y, z], row);
        }
        self.method(Method::CrossEntropy, &[y, z], |draw| {
            let whole = draw.push(Op::Reduce(Reduction::LogSumExp, Over::Rows), &[z], row)?;
            let log = draw.push(Op::Zip(Pair::Subtract), &[z, whole], shape)?;
            let weighted = draw.push(Op::Zip(Pair::Multiply), &[y, log], shape)?;
            let sum = draw.sum_of_rows(weighted)?;
            draw.push(Op::Negate, &[sum], row)
        })
    }

    /// What a loss makes of the elements' losses: of a single row it is that row.
    fn sum_of_rows(&mut self, a: usize) -> Option<usize> {
        let shape = self.shape(a);
        match shape.rows == Dim::ONE {
            true => Some(a),
            false => {
                self.push(Op::Reduce(Reduction::Sum, Over::Rows), &[a], Shape { rows: Dim::ONE, ..shape })
            }
        }
    }

    /// Shares that add up to 1 in every column: multiples of 2⁻⁸.
    fn targets(&mut self, kind: Kind, shape: Shape) -> Option<usize> {
        let (rows, columns) = shape.at(self.script.m);
        let mut values = Vec::new();
        for _ in 0..columns {
            let mut left = 256;
            for i in 0..rows {
                let share = if i + 1 == rows { left } else { self.random.below(left + 1) };
                left -= share;
                values.push(share as f64 / 256.0);
            }
        }
        self.push(Op::Leaf(kind, values), &[], shape)
    }

    fn softmax(&mut self, a: usize) -> Option<usize> {
        let (over, shape) = (self.over(), self.shape(a));
        if self.values[a].data.is_empty() {
            return None;
        }
        if !softmax_is_composed() {
            return self.push(Op::Softmax(over), &[a], shape);
        }
        self.method(Method::Softmax(over), &[a], |draw| {
            let whole = Op::Reduce(Reduction::LogSumExp, over);
            let whole = draw.push(whole, &[a], Self::reduced_shape(shape, over))?;
            let log = draw.push(Op::Zip(Pair::Subtract), &[a, whole], shape)?;
            draw.push(Op::Map(Fun::Exp), &[log], shape)
        })
    }

    fn power(&mut self, a: usize) -> Option<usize> {
        let shape = self.shape(a);
        if self.wild || !self.all(a, |x| x > 0.1 && x < 5.0) {
            return None;
        }
        match self.random.below(5) {
            0 => {
                let p = [3, 4, -2, 0][self.random.below(4)];
                self.method(Method::Powi(p), &[a], |draw| {
                    draw.push(Op::Map(Fun::Power(p.into())), &[a], shape)
                })
            }
            1 => {
                let p = [0.5, -1.5, 2.5][self.random.below(3)];
                self.method(Method::Powf(p), &[a], |draw| draw.push(Op::Map(Fun::Power(p)), &[a], shape))
            }
            2 => {
                self.method(Method::Powf(2.0), &[a], |draw| draw.push(Op::Map(Fun::Power(2.0)), &[a], shape))
            }
            _ => {
                let b = self.partner(a)?;
                let both = together(shape, self.shape(b))?;
                if !self.all(b, |x| x.abs() < 3.0) || matches!(self.script.nodes[b].op, Op::Number(_)) {
                    return None;
                }
                self.push(Op::Zip(Pair::Power), &[a, b], both)
            }
        }
    }

    /// One number of a node.
    pub(crate) fn scalar_of(&mut self, a: usize) -> Option<usize> {
        if self.shape(a).is_scalar() {
            return Some(a);
        }
        match self.random.below(4) {
            0 | 1 => self.mean_over(a, Over::All),
            2 => self.push(Op::Reduce(Reduction::Sum, Over::All), &[a], Shape::SCALAR),
            _ if self.values[a].data.is_empty() => None,
            _ => self.push(Op::Reduce(Reduction::LogSumExp, Over::All), &[a], Shape::SCALAR),
        }
    }

    /// A 1 × 1 entry J of what was drawn late: with a sign, a number before it, or of two parts.
    pub(crate) fn output(&mut self) -> Option<usize> {
        let a = self.pick();
        let mut j = self.scalar_of(a)?;
        for _ in 0..self.random.below(3) {
            j = match self.random.below(5) {
                0 => self.push(Op::Negate, &[j], Shape::SCALAR)?,
                1 | 2 => self.with_number(j)?,
                _ => {
                    let b = self.pick();
                    let b = self.scalar_of(b)?;
                    let pair = [Pair::Add, Pair::Subtract, Pair::Multiply][self.random.below(3)];
                    self.push(Op::Zip(pair), &[j, b], Shape::SCALAR)?
                }
            };
        }
        Some(j)
    }

    /// Leaves and up to `most` steps on them.
    pub(crate) fn fill(&mut self, most: usize) {
        self.leaves();
        let steps = 3 + self.random.below(most - 2);
        for _ in 0..2 * steps {
            if self.script.nodes.iter().filter(|n| !n.hidden).count() >= steps + 3 {
                break;
            }
            self.step();
        }
        for i in 0..self.script.nodes.len() {
            self.script.nodes[i].named = !self.script.nodes[i].hidden && self.chance(4);
        }
    }
}

//! From a tree to entries. First every node is looked for on the tape, and its shape is checked; only if all of them
//! fit, what is not there is recorded. So a text with a mistake leaves the tape as it was.

use super::calls::{self, function_of, number};
use super::error::{EquationError, EquationMistake, nearest};
use super::tree::{Node, Number, Sign, Tree, What};
use super::{EquationReader, Known};
use crate::error::{Place, printable};
use crate::ops::Op;
use crate::ops::blocks::{BlockMatmul, BlockTranspose};
use crate::ops::leaf::Number as NumberOp;
use crate::ops::linear_algebra::lu::has_its_factors;
use crate::ops::map::Map;
use crate::ops::matmul::{Matmul, Transpose};
use crate::ops::reduce::{Broadcast, Reduce};
use crate::ops::scale::{Factor, Negate};
use crate::ops::zip::Zip;
use crate::tape::ids::{EntryIndex, Id};
use crate::tape::notation::{Notation, Over};
use crate::{Dim, Entry, Error, Function, Reduction, Scalar, Shape, Tape, Var};

type Result<V> = std::result::Result<V, EquationError>;

/// What a node is on the tape.
#[derive(Debug, Clone)]
enum Standing<T: Scalar> {
    /// An entry that is there.
    There(EntryIndex, Shape),
    /// An operation to be recorded, on nodes.
    New(Op<T>, Vec<usize>, Shape),
    /// A function that is to be differentiated so often, at a node.
    Derivative(Function<T>, usize, usize, Shape),
}

impl<T: Scalar> Standing<T> {
    fn shape(&self) -> Shape {
        match self {
            Standing::There(_, shape) | Standing::New(_, _, shape) | Standing::Derivative(_, _, _, shape) => {
                *shape
            }
        }
    }
}

pub(super) struct Resolver<'r, 't, T: Scalar> {
    reader: &'r EquationReader<'t, T>,
    text: &'r [char],
    tree: Tree,
    places: Vec<Standing<T>>,
    /// Where the user reads.
    caller: Place,
}

impl<'r, 't, T: Scalar> Resolver<'r, 't, T> {
    pub(super) fn new(
        reader: &'r EquationReader<'t, T>,
        text: &'r [char],
        tree: Tree,
        caller: Place,
    ) -> Self {
        Resolver { reader, text, tree, places: Vec::new(), caller }
    }

    /// The entry of the whole tree.
    pub(super) fn entry(mut self) -> Result<Var<'t, T>> {
        for at in 0..self.tree.nodes.len() {
            let place = self.place(at)?;
            self.places.push(place);
        }
        self.record()
    }

    fn record(self) -> Result<Var<'t, T>> {
        let tape = self.reader.tape;
        let _asked_here = tape.asked_at(self.caller);
        let mut recorded: Vec<Var<'t, T>> = Vec::with_capacity(self.places.len());
        for (place, node) in self.places.iter().zip(&self.tree.nodes) {
            let var = match place {
                Standing::There(id, _) => tape.at(id.index()).var(),
                Standing::New(op, operands, _) => {
                    let operands: Vec<_> = operands.iter().map(|&operand| recorded[operand]).collect();
                    tape.push(op.clone(), &operands)
                }
                Standing::Derivative(function, times, operand, _) => {
                    derivative(recorded[*operand], function, *times)
                }
            };
            var.sound()
                .map_err(|error| EquationError::new(node.at, EquationMistake::Operation(Box::new(error))))?;
            recorded.push(var);
        }
        let root = root(&self.tree);
        Ok(recorded[root])
    }

    fn node(&self, at: usize) -> &Node {
        &self.tree.nodes[at]
    }

    fn place(&self, at: usize) -> Result<Standing<T>> {
        let node = self.node(at);
        match &node.what {
            &What::Entry(index) => {
                let entry = self.reader.tape.at(index);
                Ok(Standing::There(EntryIndex::from_index(index), entry.shape()))
            }
            What::Number(number) => self.number(node, number),
            What::Sign(sign) => self.sign(node, sign),
            What::Call { name, primes } => self.call(node, name, *primes),
        }
    }

    fn number(&self, node: &Node, literal: &Number) -> Result<Standing<T>> {
        let digits = number::<T>(&literal.digits);
        let Some(c) = digits else {
            let found = self.snippet(node);
            let what = "a number that the type holds";
            return Err(EquationError::new(node.at, EquationMistake::Expected { what, found }));
        };
        // NaN is printed without its sign.
        let c = if literal.negative && !c.is_nan() { -c } else { c };
        let op: Op<T> = NumberOp(Factor { c, m: literal.m }).into();
        Ok(match self.reader.tape.list.borrow().entries.find(op.clone(), &[]) {
            Some(id) => Standing::There(id, Shape::SCALAR),
            None => Standing::New(op, Vec::new(), Shape::SCALAR),
        })
    }

    fn sign(&self, node: &Node, sign: &Sign) -> Result<Standing<T>> {
        let single: Op<T> = match sign {
            Sign::Plus => Zip::Add.into(),
            Sign::Difference => Zip::Subtract.into(),
            Sign::Hadamard => Zip::Multiply.into(),
            Sign::Times => self.scaling(node)?,
            Sign::Quotient => Zip::Divide.into(),
            Sign::Power => Zip::Power.into(),
            Sign::Greater => Zip::Greater.into(),
            Sign::Equal => Zip::Equal.into(),
            Sign::Negative => Negate.into(),
            Sign::Product => Matmul { left: false, right: false }.into(),
            Sign::BlockProduct => BlockMatmul::PLAIN.into(),
            Sign::Transpose => Transpose.into(),
            Sign::BlockTranspose => BlockTranspose.into(),
            Sign::Root => Map(Function::Sqrt).into(),
            Sign::Absolute => Map(Function::Abs).into(),
            Sign::Sum(over) => self.sum(node, *over),
            Sign::PowerOf(exponent) => return self.power_of(node, exponent),
        };
        self.first_of(node, vec![single])
    }

    /// c · A needs a number on one side.
    fn scaling(&self, node: &Node) -> Result<Op<T>> {
        let is_scalar = |&operand: &usize| self.places[operand].shape() == Shape::SCALAR;
        if node.operands.iter().any(is_scalar) {
            return Ok(Zip::Multiply.into());
        }
        let reason = format!(
            "· is for a number and a matrix: {} (* is the product of matrices, and ⊙ the elementwise one)",
            self.shapes(node)
        );
        Err(self.operation(node, "·", reason))
    }

    /// Over a single row or column, all is the other direction alone, as for what is recorded by
    /// [`Var::sum`].
    fn sum(&self, node: &Node, over: Over) -> Op<T> {
        let shape = self.places[node.operands[0]].shape();
        let over = match (over, shape.rows == Dim::ONE, shape.columns == Dim::ONE) {
            (Over::All, true, _) => Over::Columns,
            (Over::All, false, true) => Over::Rows,
            (over, _, _) => over,
        };
        Reduce { reduction: Reduction::Sum, over }.into()
    }

    /// x², x³, x^2.5: `2.0` is a power of the number type, `2` a whole one.
    fn power_of(&self, node: &Node, exponent: &str) -> Result<Standing<T>> {
        let real = || number::<T>(exponent).map(Function::Power);
        let whole = || exponent.parse::<i64>().ok().map(Function::WholePower);
        let functions = match exponent {
            "2" => vec![Some(Function::Square), whole()],
            _ if exponent.contains('.') => vec![real()],
            _ => vec![whole().or_else(real)],
        };
        let ops: Vec<Op<T>> = functions.into_iter().flatten().map(|function| Map(function).into()).collect();
        self.first_of(node, ops)
    }

    /// The first of some operations that is on the tape already, else the first one.
    fn first_of(&self, node: &Node, ops: Vec<Op<T>>) -> Result<Standing<T>> {
        if let Some(there) = ops.iter().find_map(|op| self.there(op, &node.operands)) {
            return Ok(there);
        }
        let Some(op) = ops.into_iter().next() else {
            let (name, found) = (self.snippet(node), node.operands.len());
            return Err(EquationError::new(node.at, EquationMistake::Operands { name, found }));
        };
        if !self.has_its_factors(&op, &node.operands) {
            let reason = format!("the second operand has to be lu of the first one: {}", self.shapes(node));
            return Err(self.operation(node, &op.rule().name(), reason));
        }
        let shapes: Vec<Shape> = node.operands.iter().map(|&operand| self.places[operand].shape()).collect();
        match op.rule().shape(&shapes) {
            Ok(shape) => Ok(Standing::New(op, node.operands.clone(), shape)),
            Err(mismatch) => {
                let hint = mismatch.hint.as_deref().map_or(String::new(), |hint| format!(" ({hint})"));
                let reason = match &*mismatch.reason {
                    "" => self.shapes(node),
                    reason => format!("{reason}: {}", self.shapes(node)),
                };
                Err(self.operation(node, &op.rule().name(), reason + &hint))
            }
        }
    }

    /// As [`has_its_factors`], of operands that may be new; what is typed alike is the same.
    fn has_its_factors(&self, op: &Op<T>, operands: &[usize]) -> bool {
        let &[a, factors, ..] = operands else { return true };
        match &self.places[factors] {
            Standing::There(factors, _) => {
                // Of no entry that is there the factors are: a new one has another number.
                let a = self.id(a).unwrap_or(*factors);
                has_its_factors(op, &[a, *factors], &self.reader.tape.list.borrow())
            }
            Standing::New(Op::Lu(_), of, _) => {
                let told = |node: usize| self.snippet(self.node(node));
                self.id(a).map_or(told(a) == told(of[0]), |a| self.id(of[0]) == Some(a))
            }
            Standing::New(..) | Standing::Derivative(..) => !matches!(op, Op::Solve(_) | Op::LogDet(_)),
        }
    }

    /// The entry of an operation on entries that are there. Equations leave repetition out, so an
    /// operand may also be repeated to the shape of another one.
    fn there(&self, op: &Op<T>, operands: &[usize]) -> Option<Standing<T>> {
        let ids: Option<Vec<EntryIndex>> = operands.iter().map(|&operand| self.id(operand)).collect();
        let (ids, list) = (ids?, self.reader.tape.list.borrow());
        let found = |ids: &[EntryIndex]| list.entries.find(op.clone(), ids);
        let repeated = || {
            let shapes: Vec<Shape> = ids.iter().map(|&id| list.entries[id].shape).collect();
            let at = |i: usize, shape: Shape| {
                let mut ids = ids.clone();
                ids[i] = list.entries.find(Broadcast(shape).into(), &[ids[i]])?;
                found(&ids)
            };
            let pairs = (0..ids.len()).flat_map(|i| shapes.iter().map(move |&shape| (i, shape)));
            pairs.filter_map(|(i, shape)| at(i, shape)).next()
        };
        let id = found(&ids).or_else(repeated)?;
        Some(Standing::There(id, list.entries[id].shape))
    }

    fn id(&self, node: usize) -> Option<EntryIndex> {
        if let Standing::There(id, _) = self.places[node] { Some(id) } else { None }
    }

    /// name(…): g and g′ are what the tape applies there; other names are first those of the tape.
    fn call(&self, node: &Node, name: &str, primes: usize) -> Result<Standing<T>> {
        if let &[operand] = node.operands.as_slice() {
            if let Some(function) = self.reader.functions.get(name) {
                return self.applied(node, function.clone(), primes);
            }
            if name == "g" {
                return self.activation(node, operand, primes);
            }
        }
        let ops = calls::called(name, primes, node.operands.len());
        if let Some(there) = ops.iter().find_map(|op| self.there(op, &node.operands)) {
            return Ok(there);
        }
        if let Some(place) = self.as_on_the_tape(node, name, primes)? {
            return Ok(place);
        }
        if ops.is_empty() {
            return self.derived_or_unknown(node, name, primes);
        }
        self.first_of(node, ops)
    }

    /// What the tape calls so: of the same operands, else with parameters that the name leaves out.
    fn as_on_the_tape(&self, node: &Node, name: &str, primes: usize) -> Result<Option<Standing<T>>> {
        let ids: Option<Vec<EntryIndex>> = node.operands.iter().map(|&operand| self.id(operand)).collect();
        let (mut same, mut others): (Vec<Op<T>>, Vec<Op<T>>) = (Vec::new(), Vec::new());
        let called = |entry: &Entry<'t, T>| is_called(entry.notation(), name, primes);
        for entry in self.reader.tape.entries().filter(called) {
            if entry.operands().len() != node.operands.len() {
                continue;
            }
            let on_these = ids.as_ref().is_some_and(|ids| {
                entry.operands().map(|operand| operand.index()).eq(ids.iter().map(|id| id.index()))
            });
            let list = if on_these { &mut same } else { &mut others };
            let op = entry.operation_itself();
            if !list.contains(&op) {
                list.push(op);
            }
        }
        let ops = if same.is_empty() { others } else { same };
        match ops.len() {
            0 => Ok(None),
            1 => self.first_of(node, ops).map(Some),
            _ => Err(self.which(node, name, primes, ops.iter().map(described).collect())),
        }
    }

    /// g′(Z): of the functions that are applied to Z the one whose name equations leave out.
    fn activation(&self, node: &Node, operand: usize, primes: usize) -> Result<Standing<T>> {
        if let Some(id) = self.id(operand)
            && let Some(function) = self.reader.activations.get(&id.index())
        {
            return self.applied(node, function.clone(), primes);
        }
        let known = self.reader.known();
        let at = self.id(operand);
        let applied = |wanted: usize, there: bool| -> Vec<&Known<T>> {
            let fits = |known: &&Known<T>| known.primes == wanted && (!there || Some(known.operand) == at);
            known.iter().filter(fits).collect()
        };
        if primes > 0 {
            let mut ops: Vec<Op<T>> = Vec::new();
            applied(primes, true).iter().for_each(|known| add(&mut ops, Map(known.function.clone()).into()));
            match ops.len() {
                0 => {}
                1 => return self.first_of(node, ops),
                _ => return Err(self.which(node, "g", primes, ops.iter().map(described).collect())),
            }
        }
        for there in [true, false] {
            let mut functions: Vec<Function<T>> = Vec::new();
            let of_the_user = applied(0, there);
            for known in of_the_user.iter().filter(|known| known.is_of_the_user) {
                if !functions.contains(&known.function) {
                    functions.push(known.function.clone());
                }
            }
            match functions.as_slice() {
                [] => {}
                [function] => return self.applied(node, function.clone(), primes),
                several => {
                    let candidates = several.iter().map(|f| described(&Map(f.clone()).into())).collect();
                    return Err(self.which(node, "g", primes, candidates));
                }
            }
        }
        let name = primed("g", primes);
        Err(EquationError::new(node.at, EquationMistake::UnknownFunction { name, nearest: None }))
    }

    /// A function at the operand, differentiated so often.
    fn applied(&self, node: &Node, function: Function<T>, primes: usize) -> Result<Standing<T>> {
        if primes == 0 {
            return self.first_of(node, vec![Map(function).into()]);
        }
        let operand = node.operands[0];
        // A derivative that there is not is a mistake that a tape remembers: it is asked for on another one first.
        let elsewhere = Tape::new();
        let _asked_here = elsewhere.asked_at(self.caller);
        derivative(elsewhere.scalar(T::ZERO), &function, primes)
            .sound()
            .map_err(|error| EquationError::new(node.at, EquationMistake::Operation(Box::new(error))))?;
        let shape = match function {
            Function::Identity | Function::NormalOrZero => Shape::SCALAR, // the number 1
            _ => self.places[operand].shape(),
        };
        Ok(Standing::Derivative(function, primes, operand, shape))
    }

    /// tanh‴ and others that are no functions of their own, but what differentiation makes of one.
    fn derived_or_unknown(&self, node: &Node, name: &str, primes: usize) -> Result<Standing<T>> {
        for fewer in (0..primes).rev() {
            let ops = calls::called::<T>(name, fewer, node.operands.len());
            if let Some(function) = ops.first().and_then(function_of) {
                return self.applied(node, function.clone(), primes - fewer);
            }
        }
        let name = primed(name, primes);
        let nearest = nearest(&name, calls::NAMES.iter().copied());
        // What has a name has another number of operands, or lacks what stands in its brackets.
        if nearest.as_deref() == Some(&*name) || (0..8).any(|n| !calls::called::<T>(&name, 0, n).is_empty()) {
            let found = node.operands.len();
            return Err(EquationError::new(node.at, EquationMistake::Operands { name, found }));
        }
        Err(EquationError::new(node.at, EquationMistake::UnknownFunction { name, nearest }))
    }

    // Mistakes.

    fn which(&self, node: &Node, name: &str, primes: usize, candidates: Vec<String>) -> EquationError {
        let name = format!("{} of {}", primed(name, primes), self.operands(node).join(", "));
        EquationError::new(node.at, EquationMistake::WhichFunction { name, candidates })
    }

    fn operation(&self, node: &Node, operation: &str, reason: String) -> EquationError {
        let error = Error::Shape { operation: operation.to_owned(), reason, at: self.caller };
        EquationError::new(node.at, EquationMistake::Operation(Box::new(error)))
    }

    /// `δ[1] is 4×m, A[0] is 2×m`.
    fn shapes(&self, node: &Node) -> String {
        let shapes = node.operands.iter().map(|&operand| self.places[operand].shape());
        let named =
            self.operands(node).into_iter().zip(shapes).map(|(name, shape)| format!("{name} is {shape}"));
        named.collect::<Vec<_>>().join(", ")
    }

    fn operands(&self, node: &Node) -> Vec<String> {
        node.operands.iter().map(|&operand| self.snippet(self.node(operand))).collect()
    }

    /// As it was typed.
    fn snippet(&self, node: &Node) -> String {
        self.text[node.start.min(node.end)..node.end.min(self.text.len())]
            .iter()
            .collect::<String>()
            .trim()
            .into()
    }
}

/// The whole is the one node that is no operand.
fn root(tree: &Tree) -> usize {
    let mut is_operand = vec![false; tree.nodes.len()];
    tree.nodes.iter().flat_map(|node| &node.operands).for_each(|&operand| is_operand[operand] = true);
    is_operand.iter().position(|is_operand| !is_operand).unwrap_or(0)
}

fn derivative<'t, T: Scalar>(x: Var<'t, T>, function: &Function<T>, times: usize) -> Var<'t, T> {
    let mut y = x.map_derivative(function);
    for _ in 1..times {
        let Ok(entry) = y.entry() else { return y };
        // Of g′(x) that is an operation on x, the next one; else what differentiation makes of it.
        let next = function_of(&entry.operation_itself()).cloned();
        y = match next {
            Some(next) if entry.operands().next().is_some_and(|operand| operand.var() == x) => {
                x.map_derivative(&next)
            }
            _ => {
                return x
                    .tape()
                    .refused("′", format!("{} has no further derivative by name", function.name()));
            }
        };
    }
    y
}

fn add<T: Scalar>(ops: &mut Vec<Op<T>>, op: Op<T>) {
    if !ops.contains(&op) {
        ops.push(op);
    }
}

fn is_called(notation: Notation, name: &str, primes: usize) -> bool {
    match notation {
        Notation::Activation { name: called, primes: times } => printable(&called) == name && times == primes,
        Notation::Call(called) => primes == 0 && printable(&called).replace(' ', "") == name.replace(' ', ""),
        _ => false,
    }
}

/// A function with its parameters, as an equation can have it: `leaky_relu[0.1]`.
fn described<T: Scalar>(op: &Op<T>) -> String {
    let parameters = op.parameters().into_iter().filter(|(name, _)| *name != "function");
    let parameters: Vec<String> = parameters.map(|(_, value)| value.to_string()).collect();
    let name = op.rule().name().into_owned();
    match (function_of(op), parameters.as_slice()) {
        (Some(Function::User(_)), _) | (_, []) => name,
        (_, parameters) => {
            let at = name.find('′').unwrap_or(name.len());
            format!("{}[{}]{}", &name[..at], parameters.join(", "), &name[at..])
        }
    }
}

fn primed(name: &str, primes: usize) -> String {
    name.to_owned() + &super::super::unicode::primes_of(primes)
}

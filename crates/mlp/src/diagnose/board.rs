//! The equations of a network on a tape, right and wrong, by the names of the textbook.

use std::collections::{HashMap, HashSet};

use tape::{EquationError, EquationReader, Function, Matrix, Over, Shape, Tape, Var};

use super::catalogue::{self, Mistake, ROWS, Row};
use super::{Finding, Quantity};
use crate::{Loss, Scalar};

/// What a network is, without its parameters.
#[derive(Debug, Clone)]
pub(super) struct Architecture<T: Scalar> {
    /// n_0, …, n_L.
    pub(super) sizes: Vec<usize>,
    /// g of every layer.
    pub(super) g: Vec<Function<T>>,
    pub(super) loss: Loss,
}

impl<T: Scalar> Architecture<T> {
    pub(super) fn layers(&self) -> usize {
        self.g.len()
    }
}

/// The values of the leaves.
#[derive(Debug, Clone)]
pub(super) struct Leaves<T: Scalar> {
    pub(super) x: Matrix<T>,
    pub(super) y: Matrix<T>,
    pub(super) w: Vec<Matrix<T>>,
    pub(super) b: Vec<Matrix<T>>,
}

impl<T: Scalar> Leaves<T> {
    /// X, Y, W\[1\], b\[1\], …, by name.
    pub(super) fn named(&self) -> Vec<(String, Matrix<T>)> {
        let mut named = vec![("X".to_owned(), self.x.clone()), ("Y".to_owned(), self.y.clone())];
        for ((w, b), l) in self.w.iter().zip(&self.b).zip(1..) {
            named.extend([(format!("W[{l}]"), w.clone()), (format!("b[{l}]"), b.clone())]);
        }
        named
    }
}

/// A quantity that somebody else has computed, in the place of what its equation gives.
pub(super) type Given<T> = HashMap<Quantity, Matrix<T>>;

/// A tape with a network and the right side of each of its equations.
#[derive(Debug)]
pub(super) struct Board<'t, T: Scalar> {
    architecture: Architecture<T>,
    reader: EquationReader<'t, T>,
    right: HashMap<Quantity, Var<'t, T>>,
    /// W\[l\] at l − 1.
    w: Vec<Var<'t, T>>,
    /// A\[l\] at l, from X on.
    a: Vec<Var<'t, T>>,
    /// g′(Z\[l\]) at l − 1.
    slopes: Vec<Var<'t, T>>,
}

impl<'t, T: Scalar> Board<'t, T> {
    /// With symbols alone: every matrix is square and of one size, so that whatever is typed fits, and
    /// an entry says what was meant.
    pub(super) fn of_symbols(tape: &'t Tape<T>, architecture: &Architecture<T>) -> Self {
        const N: usize = 2;
        let square = |name: &str| tape.parameter_unbound(name, Shape::new(N, N));
        let (x, y) = (square("X"), square("Y"));
        let layers = 1..=architecture.layers();
        let w = layers.clone().map(|l| square(&format!("W[{l}]"))).collect();
        let b = layers.map(|l| tape.parameter_unbound(&format!("b[{l}]"), Shape::new(N, 1))).collect();
        let board = Board::of_leaves(tape, architecture, [x, y], w, b, &Given::new());
        for (quantity, entry) in &board.right {
            let _ = entry.named(quantity.to_string()); // so that equations stop there
        }
        board
    }

    /// With numbers; what was given stands in the place of what its equation would give.
    pub(super) fn of_numbers(
        tape: &'t Tape<T>,
        architecture: &Architecture<T>,
        leaves: &Leaves<T>,
        given: &Given<T>,
    ) -> Self {
        let (x, y) = (tape.examples("X", &leaves.x), tape.examples("Y", &leaves.y));
        let parameters = |name: &str, values: &[Matrix<T>]| {
            values.iter().zip(1..).map(|(value, l)| tape.parameter(&format!("{name}[{l}]"), value)).collect()
        };
        let (w, b) = (parameters("W", &leaves.w), parameters("b", &leaves.b));
        Board::of_leaves(tape, architecture, [x, y], w, b, given)
    }

    fn of_leaves(
        tape: &'t Tape<T>,
        architecture: &Architecture<T>,
        [x, _]: [Var<'t, T>; 2],
        w: Vec<Var<'t, T>>,
        b: Vec<Var<'t, T>>,
        given: &Given<T>,
    ) -> Self {
        debug_assert_eq!(w.len(), b.len());
        let reader = tape.reader().alias("A[0]", x);
        let architecture = architecture.clone();
        let mut board = Board { architecture, reader, right: HashMap::new(), w, a: vec![x], slopes: vec![] };
        for quantity in Quantity::all(board.architecture.layers()) {
            let right = board.right_side(quantity).expect("the equations of a network fit each other");
            board.right.insert(quantity, right);
            let known = match given.get(&quantity) {
                Some(value) if matches!(right.shape(), Ok(Shape { columns, .. }) if columns.depends_on_m()) => {
                    tape.examples("", value)
                }
                Some(value) => tape.constant("", value),
                None => right,
            };
            match quantity {
                Quantity::Z(l) => board.slopes.push(known.map_derivative(&board.architecture.g[l - 1])),
                Quantity::A(_) => board.a.push(known),
                _ => {}
            }
            board.reader = named(board.reader, quantity, known, &board.architecture.g);
        }
        board
    }

    /// The entry of the right equation, from what was given or computed before.
    pub(super) fn right(&self, quantity: Quantity) -> Var<'t, T> {
        self.right[&quantity]
    }

    /// The quantity that an entry is, by its number.
    pub(super) fn quantity_at(&self, index: usize) -> Option<Quantity> {
        let all = Quantity::all(self.architecture.layers());
        all.into_iter().find(|quantity| self.right[quantity].index() == Some(index))
    }

    pub(super) fn read(&self, text: &str) -> Result<Var<'t, T>, EquationError> {
        Ok(self.reader.read(text)?.right)
    }

    /// Whether what is read depends on the quantity by one of its names.
    pub(super) fn names_itself(&self, quantity: Quantity, text: &str) -> bool {
        let shape = self.right[&quantity].shape().expect("what is right has a shape");
        let itself = self.right[&quantity].tape().parameter_unbound("", shape);
        let mut reader = self.reader.clone();
        for (name, _) in quantity.names() {
            reader = reader.alias(&name, itself);
        }
        if let Quantity::Z(l) | Quantity::A(l) = quantity {
            reader = reader.activation(itself, &self.architecture.g[l - 1]);
        }
        let read = reader.read(text).ok().and_then(|read| read.right.entry().ok());
        let mut open: Vec<_> = read.into_iter().collect();
        let mut seen = HashSet::new();
        while let Some(entry) = open.pop() {
            if Some(entry.index()) == itself.index() {
                return true;
            }
            if seen.insert(entry.index()) {
                open.extend(entry.operands());
            }
        }
        false
    }

    fn right_side(&self, quantity: Quantity) -> Result<Var<'t, T>, EquationError> {
        let kind = quantity.kind(self.architecture.layers());
        self.read(&self.template(catalogue::right(kind, self.architecture.loss), quantity.layer()))
    }

    /// The size of the terms that the right side adds up.
    pub(super) fn terms(&self, quantity: Quantity) -> Result<Var<'t, T>, EquationError> {
        let kind = quantity.kind(self.architecture.layers());
        self.read(&self.template(catalogue::terms(kind, self.architecture.loss), quantity.layer()))
    }

    fn template(&self, template: &str, l: usize) -> String {
        catalogue::of_layer(template, l, self.architecture.layers())
    }

    /// Every wrong form of an equation that can be recorded here, the target's own first, then what
    /// follows from wrong forms of the quantities before it, those that were `given` left out.
    pub(super) fn wrong(
        &self,
        target: Quantity,
        given: &Given<T>,
        forms: Forms,
    ) -> Vec<(Finding, Var<'t, T>)> {
        let layers = self.architecture.layers();
        let mut before: Vec<Quantity> = Quantity::all(layers);
        before.retain(|&quantity| quantity == target || self.is_open(quantity, target, given));
        before.reverse(); // the nearest first
        before.sort_by_key(|&quantity| quantity != target);
        let mut found = Vec::new();
        for made_in in before {
            for row in self.rows(made_in) {
                let count = if forms == Forms::First { 1 } else { row.forms.len() };
                for form in &row.forms[..count] {
                    let Ok(wrong) = self.read(&self.template(form, made_in.layer())) else { continue };
                    let is_wrong = wrong != self.right[&made_in];
                    if is_wrong && let Some(entry) = self.follow(made_in, wrong, target) {
                        found.push((Finding { mistake: row.mistake, made_in, target, layers }, entry));
                    }
                }
            }
        }
        found
    }

    /// The wrong forms of an equation that can be recorded here, as text.
    pub(super) fn forms(&self, of: Quantity) -> Vec<(Mistake, String)> {
        let is_wrong = |text: &String| self.read(text).is_ok_and(|entry| entry != self.right[&of]);
        let texts = |row: &'static Row| row.forms.iter().map(move |form| (row.mistake, *form));
        let all = self.rows(of).flat_map(texts);
        let filled = all.map(|(mistake, form)| (mistake, self.template(form, of.layer())));
        filled.filter(|(_, text)| is_wrong(text)).collect()
    }

    /// Whether a mistake in the quantity shows in the target: nothing on the way was given.
    fn is_open(&self, quantity: Quantity, target: Quantity, given: &Given<T>) -> bool {
        let mut at = quantity;
        while quantity.leads_to(target) && !given.contains_key(&at) {
            match at.next_toward(target) {
                Some(next) if next == target => return true,
                Some(next) => at = next,
                None => return false,
            }
        }
        false
    }

    fn rows(&self, of: Quantity) -> impl Iterator<Item = &'static Row> {
        let (kind, loss) = (of.kind(self.architecture.layers()), self.architecture.loss);
        ROWS.iter().filter(move |row| row.of == kind && row.loss.is_none_or(|of| of == loss))
    }

    /// The target by right equations from something else in the place of a quantity before it; `None` where the
    /// shapes do not fit.
    fn follow(&self, from: Quantity, instead: Var<'t, T>, target: Quantity) -> Option<Var<'t, T>> {
        let (mut at, mut entry) = (from, instead);
        while at != target {
            let next = at.next_toward(target)?;
            let (tape, l) = (entry.tape(), next.layer());
            entry = match next {
                Quantity::ActivationDerivative(_) => product(self.w[l].t(), entry)?, // W[l+1] is at l
                Quantity::Delta(_) => elementwise(entry, self.slopes[l - 1])?,
                Quantity::Weights(_) => tape.one_over_m() * product(entry, self.a[l - 1].t())?,
                Quantity::Bias(_) => tape.one_over_m() * entry.sum_over(Over::Columns),
                Quantity::Z(_) | Quantity::A(_) => return None,
            };
            at = next;
        }
        Some(entry)
    }
}

fn product<'t, T: Scalar>(a: Var<'t, T>, b: Var<'t, T>) -> Option<Var<'t, T>> {
    (a.shape().ok()?.columns == b.shape().ok()?.rows).then(|| a.matmul(b))
}

/// g′ of an identity is the number 1.
fn elementwise<'t, T: Scalar>(a: Var<'t, T>, b: Var<'t, T>) -> Option<Var<'t, T>> {
    let (of_a, of_b) = (a.shape().ok()?, b.shape().ok()?);
    (of_a == of_b || of_b == Shape::SCALAR).then(|| a * b)
}

/// How many of the ways to write a mistake are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Forms {
    All,
    First,
}

/// Gives a quantity its names.
fn named<'t, T: Scalar>(
    reader: EquationReader<'t, T>,
    quantity: Quantity,
    entry: Var<'t, T>,
    g: &[Function<T>],
) -> EquationReader<'t, T> {
    let l = quantity.layer();
    let one_over_m = || entry.tape().one_over_m() * entry;
    match quantity {
        Quantity::Z(_) => reader.alias(&quantity.to_string(), entry).activation(entry, &g[l - 1]),
        Quantity::A(_) => {
            let reader = reader.alias(&quantity.to_string(), entry);
            // Of an identity A[l] is an entry of its own, but of W * X + b it may be Z[l].
            reader.activation(entry, &g[l - 1])
        }
        Quantity::ActivationDerivative(_) => {
            reader.alias(&quantity.to_string(), entry).alias(&format!("∂J/∂A[{l}]"), one_over_m())
        }
        Quantity::Delta(_) => reader
            .alias(&quantity.to_string(), entry)
            .alias(&format!("δ[{l}]"), entry)
            .alias(&format!("∂J/∂Z[{l}]"), one_over_m()),
        Quantity::Weights(_) | Quantity::Bias(_) => reader.alias(&quantity.to_string(), entry),
    }
}

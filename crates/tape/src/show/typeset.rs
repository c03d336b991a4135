//! From a tree to a line: where parentheses go, for every style of writing.

use std::ops::Range;

use super::expression::{Expression, Node};
use super::label::{Label, as_derivative};
use crate::Shape;
use crate::tape::notation::{Notation, Over};

/// How a line of mathematics is written: Unicode text, LaTeX or MathML.
pub(crate) trait Style {
    /// Whether fractions, roots and powers enclose what they hold, so that it needs no parentheses.
    const TWO_DIMENSIONAL: bool;

    fn label(label: &Label) -> String;
    fn number(number: &Number) -> String;
    fn factor(factor: &Factor) -> String;
    fn space(shape: Shape) -> String;
    fn elided() -> String;
    fn parenthesised(inner: String) -> String;
    fn infix(operator: Infix, left: &str, right: &str) -> String;
    fn negative(operand: &str) -> String;
    fn transposed(operand: &str) -> String;
    /// Of every example's block.
    fn transposed_block(operand: &str) -> String;
    fn power(base: &str, exponent: &str) -> String;
    fn root(operand: &str) -> String;
    fn absolute(operand: &str) -> String;
    fn indicator(relation: &str, left: &str, right: &str) -> String;
    fn sum(over: Over, operand: &str) -> String;
    fn call(function: &str, primes: usize, arguments: &[&str]) -> String;
}

/// An operator between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Infix {
    Plus,
    Minus,
    /// Of a scalar factor and what it scales.
    Times,
    /// Of matrices.
    Product,
    /// Of every example's blocks.
    BlockProduct,
    Hadamard,
    Quotient,
}

/// How tightly what is written holds together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tightness {
    Sum,
    /// Begins with a minus sign.
    Negative,
    /// c · A
    Scaled,
    /// A product in which each operator could take another factor on its right.
    Product(Chain),
    /// Σ A
    Reduction,
    /// ∂J/∂W
    Fraction,
    Power,
    Atom,
}

/// The operator of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Chain {
    Matrix,
    Blocks,
    Elementwise,
    Quotient,
}

#[derive(Debug, Clone)]
struct Written {
    text: String,
    tightness: Tightness,
    /// Whether it is a number.
    is_number: bool,
}

impl Written {
    fn new(text: String, tightness: Tightness) -> Self {
        Written { text, tightness, is_number: false }
    }
}

/// Writes an expression; where `function_names` is false, derivatives of activations are all called
/// g′, as in the textbook.
pub(crate) fn typeset<S: Style>(expression: &Expression, function_names: bool) -> String {
    let mut done: Vec<Option<Written>> = expression.nodes.iter().map(|_| None).collect();
    for (i, node) in expression.nodes.iter().enumerate().rev() {
        let written = match node {
            Node::Label(label) => Written::new(S::label(label), tightness_of(label)),
            Node::Space(shape) => atom(S::space(*shape)),
            Node::Literal(text) => literal::<S>(text),
            Node::Elided => atom(S::elided()),
            Node::Apply { notation: Notation::Repeat, operands } if i == 0 => {
                take(&mut done, operands).remove(0)
            }
            Node::Apply { notation, operands } => {
                apply::<S>(notation, &take(&mut done, operands), function_names)
            }
        };
        done[i] = Some(written);
    }
    done[0].take().map(|written| written.text).unwrap_or_default()
}

/// A node's operands, which come after it and belong to it alone.
fn take(done: &mut [Option<Written>], operands: &Range<usize>) -> Vec<Written> {
    done[operands.clone()].iter_mut().filter_map(Option::take).collect()
}

fn atom(text: String) -> Written {
    Written::new(text, Tightness::Atom)
}

fn literal<S: Style>(text: &str) -> Written {
    if text.contains('m') {
        let factor = Factor::parse(text);
        let tightness = if factor.negative { Tightness::Negative } else { Tightness::Fraction };
        return Written { text: S::factor(&factor), tightness, is_number: true };
    }
    let number = Number::parse(text);
    let tightness = match (number.negative, &number.exponent) {
        (true, _) => Tightness::Negative,
        (false, Some(_)) => Tightness::Scaled,
        (false, None) => Tightness::Atom,
    };
    Written { text: S::number(&number), tightness, is_number: true }
}

fn tightness_of(label: &Label) -> Tightness {
    match label {
        Label::Name(name) => tightness_of_name(name),
        Label::Derivative { .. } => Tightness::Fraction,
        Label::Delta(_) | Label::Number(_) => Tightness::Atom,
        Label::Marked(_, label) => tightness_of(label),
    }
}

/// A name that looks like an expression is put into parentheses like one.
fn tightness_of_name(name: &str) -> Tightness {
    let mut depth = 0i32;
    let outside = name.chars().filter(|&c| match c {
        '(' | '[' | '{' => {
            depth += 1;
            false
        }
        ')' | ']' | '}' => {
            depth -= 1;
            false
        }
        _ => depth == 0,
    });
    let mut tightness = Tightness::Atom;
    for c in outside {
        tightness = tightness.min(match c {
            '/' | '∂' => Tightness::Fraction,
            'ᵀ' | '²' | '³' | '^' => Tightness::Power,
            _ if c.is_whitespace() || "+-−*·⊙⊘×=<>≤≥,;|&√".contains(c) => Tightness::Sum,
            _ => Tightness::Atom,
        });
    }
    match as_derivative(name) {
        Some(_) => Tightness::Fraction,
        None => tightness,
    }
}

fn apply<S: Style>(notation: &Notation, operands: &[Written], function_names: bool) -> Written {
    use Tightness::{Atom, Fraction, Negative, Power, Reduction, Scaled, Sum};
    match (notation, operands) {
        (Notation::Factor(text), [a]) => {
            let factor = Factor::parse(text);
            let tightness = if factor.negative { Negative } else { Scaled };
            let operand = within::<S>(a, a.tightness > Scaled);
            Written::new(S::infix(Infix::Times, &S::factor(&factor), &operand), tightness)
        }
        (Notation::Minus, [a]) => {
            // −2 is a number, and −(2) the negative of one.
            let operand = within::<S>(a, a.tightness > Scaled && !a.is_number);
            Written::new(S::negative(&operand), Negative)
        }
        (Notation::Transpose, [a]) => postfix::<S>(a, true, S::transposed),
        (Notation::BlockTranspose, [a]) => postfix::<S>(a, true, S::transposed_block),
        (Notation::Product { left, right }, [a, b]) => {
            let oriented = |a, transposed| postfix::<S>(a, transposed, S::transposed);
            product::<S>(Chain::Matrix, &oriented(a, *left), &oriented(b, *right))
        }
        (Notation::BlockProduct { left, right }, [a, b]) => {
            let oriented = |a, transposed| postfix::<S>(a, transposed, S::transposed_block);
            product::<S>(Chain::Blocks, &oriented(a, *left), &oriented(b, *right))
        }
        (Notation::Hadamard, [a, b]) => product::<S>(Chain::Elementwise, a, b),
        (Notation::Quotient, [a, b]) if S::TWO_DIMENSIONAL => {
            Written::new(S::infix(Infix::Quotient, &a.text, &b.text), Fraction)
        }
        (Notation::Quotient, [a, b]) => product::<S>(Chain::Quotient, a, b),
        (Notation::Plus, [a, b]) => {
            let right = within::<S>(b, b.tightness > Negative);
            Written::new(S::infix(Infix::Plus, &a.text, &right), Sum)
        }
        (Notation::Difference, [a, b]) => {
            let right = within::<S>(b, b.tightness > Negative);
            Written::new(S::infix(Infix::Minus, &a.text, &right), Sum)
        }
        // A² is a function of A alone.
        (Notation::Power, [_, b]) if b.is_number => atom(S::call("power", 0, &texts(operands))),
        (Notation::Power, [a, b]) => {
            let exponent = within::<S>(b, S::TWO_DIMENSIONAL || b.tightness == Atom);
            power::<S>(a, &exponent)
        }
        (Notation::PowerOf(p), [a]) => power::<S>(a, &S::number(&Number::parse(p))),
        (Notation::Root, [a]) => {
            let operand = within::<S>(a, S::TWO_DIMENSIONAL || a.tightness == Atom);
            Written::new(S::root(&operand), if S::TWO_DIMENSIONAL { Atom } else { Power })
        }
        (Notation::Sum(over), [a]) => {
            let operand = within::<S>(a, a.tightness >= Reduction);
            Written::new(S::sum(*over, &operand), Reduction)
        }
        (Notation::Absolute, [a]) => atom(S::absolute(&a.text)),
        (Notation::Indicator(relation), [a, b]) => atom(S::indicator(relation, &a.text, &b.text)),
        (Notation::Exponential, [a]) if S::TWO_DIMENSIONAL => {
            Written::new(S::power(&S::number(&Number::parse("e")), &a.text), Power)
        }
        (Notation::Exponential, [a]) => atom(S::call("exp", 0, &[&a.text])),
        (Notation::Repeat, [a]) => atom(S::call("repeat", 0, &[&a.text])),
        (Notation::Activation { name, primes }, _) => {
            let shown = if *primes > 0 && !function_names { "g" } else { name };
            atom(S::call(shown, *primes, &texts(operands)))
        }
        (Notation::Call(name), _) => atom(S::call(name, 0, &texts(operands))),
        // No tree has these: what does not fit its operands is a call in it.
        (other, _) => atom(S::call(&format!("{other:?}"), 0, &texts(operands))),
    }
}

fn texts(operands: &[Written]) -> Vec<&str> {
    operands.iter().map(|operand| operand.text.as_str()).collect()
}

fn within<S: Style>(operand: &Written, bare: bool) -> String {
    if bare { operand.text.clone() } else { S::parenthesised(operand.text.clone()) }
}

fn postfix<S: Style>(a: &Written, transposed: bool, sign: impl Fn(&str) -> String) -> Written {
    if !transposed {
        return a.clone();
    }
    let operand = within::<S>(a, a.tightness == Tightness::Atom);
    Written::new(sign(&operand), Tightness::Power)
}

fn power<S: Style>(base: &Written, exponent: &str) -> Written {
    let base = within::<S>(base, base.tightness == Tightness::Atom);
    Written::new(S::power(&base, exponent), Tightness::Power)
}

/// The operators of products bind alike, to the left: a product on the right has parentheses, and
/// one on the left, unless it is of the same kind and could as well be read from the right.
fn product<S: Style>(chain: Chain, a: &Written, b: &Written) -> Written {
    let infix = match chain {
        Chain::Matrix => Infix::Product,
        Chain::Blocks => Infix::BlockProduct,
        Chain::Elementwise => Infix::Hadamard,
        Chain::Quotient => Infix::Quotient,
    };
    let continues = a.tightness == Tightness::Product(chain) && chain != Chain::Quotient;
    // In a product of matrices, a number is one: without parentheses it could be read as a factor.
    let is_matrix = |a: &Written| !a.is_number || matches!(chain, Chain::Elementwise | Chain::Quotient);
    let left = within::<S>(a, (continues || a.tightness > Tightness::Reduction) && is_matrix(a));
    let right = within::<S>(b, b.tightness > Tightness::Reduction && is_matrix(b));
    Written::new(S::infix(infix, &left, &right), Tightness::Product(chain))
}

/// A number as it is written: sign, digits, and a power of ten where the digits would be too many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Number {
    pub(crate) negative: bool,
    pub(crate) digits: String,
    pub(crate) exponent: Option<i32>,
}

impl Number {
    /// Beyond this many characters, a number is written with a power of ten.
    const LONG: usize = 18;

    pub(crate) fn parse(text: &str) -> Number {
        let (negative, digits) = match text.strip_prefix(['-', '−']) {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let scientific = match digits.parse::<f64>() {
            Ok(value) if digits.len() > Number::LONG && value.is_finite() => format!("{value:e}"),
            Ok(_) | Err(_) => digits.to_owned(),
        };
        let parts = scientific.split_once('e').and_then(|(digits, exponent)| {
            digits.parse::<f64>().ok()?; // else it is a word with an e in it
            Some((digits.to_owned(), exponent.parse().ok()?))
        });
        let (digits, exponent) = match parts {
            Some((digits, exponent)) => (digits, Some(exponent)),
            None if digits == "inf" => ("∞".to_owned(), None),
            None => (digits.to_owned(), None),
        };
        Number { negative, digits, exponent }
    }
}

/// A scalar factor as it is written: sign, numerator and denominator, each a product of symbols.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Factor {
    pub(crate) negative: bool,
    pub(crate) numerator: Vec<Symbol>,
    pub(crate) denominator: Vec<Symbol>,
}

/// A number or a letter, to a power.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Symbol {
    pub(crate) base: String,
    pub(crate) power: Option<String>,
}

impl Factor {
    /// Reads `1/m`, `1/(3·m)`, `1/2·m`, `m^2`.
    pub(crate) fn parse(text: &str) -> Factor {
        let (negative, text) = match text.strip_prefix(['-', '−']) {
            Some(text) => (true, text),
            None => (false, text),
        };
        let (numerator, rest) = text.split_once('/').unwrap_or((text, ""));
        let (mut numerator, denominator) = match rest.strip_prefix('(').and_then(|r| r.strip_suffix(')')) {
            Some(enclosed) => (symbols(numerator), symbols(enclosed)),
            None => {
                let (below, beside) = rest.split_once('·').unwrap_or((rest, ""));
                let above = symbols(numerator).into_iter().chain(symbols(beside));
                (above.collect(), symbols(below))
            }
        };
        if numerator.len() > 1 {
            numerator.retain(|symbol| symbol.base != "1");
        }
        Factor { negative, numerator, denominator }
    }
}

fn symbols(product: &str) -> Vec<Symbol> {
    let one = |text: &str| match text.split_once('^') {
        Some((base, power)) => Symbol { base: base.to_owned(), power: Some(power.to_owned()) },
        None => Symbol { base: text.to_owned(), power: None },
    };
    product.split('·').map(str::trim).filter(|text| !text.is_empty()).map(one).collect()
}

/// What stands between the sides of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    Is,
    In,
}

/// A style that writes whole equations.
pub(crate) trait Sides: Style {
    fn relation(relation: Relation) -> String;
    /// A text that is no mathematics.
    fn words(text: &str) -> String;
}

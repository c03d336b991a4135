//! Equations in presentation MathML.

use super::label::{Label, as_derivative, indexed};
use super::typeset::{Factor, Infix, Number, Relation, Sides, Style, Symbol};
use crate::error::printable;
use crate::show::unicode::primes_of;
use crate::tape::notation::Over;
use crate::{Dim, Shape};

pub(crate) struct MathMl;

impl Style for MathMl {
    const TWO_DIMENSIONAL: bool = true;

    fn label(label: &Label) -> String {
        match label {
            Label::Name(name) => match as_derivative(name) {
                Some((of, with_respect_to)) => derivative(of, with_respect_to),
                None => name_of(name),
            },
            Label::Derivative { of, with_respect_to } => derivative(of, with_respect_to),
            Label::Delta(index) => with_index(&element("mi", "δ"), index),
            Label::Number(id) => element("mi", &format!("%{id}")),
            Label::Marked(entry, label) => marked(*entry, &MathMl::label(label)),
        }
    }
    fn number(number: &Number) -> String {
        let tag = if number.digits.starts_with(|c: char| c.is_ascii_digit()) { "mn" } else { "mi" };
        let mut parts = Vec::new();
        if number.negative {
            parts.push(operator("−"));
        }
        parts.push(element(tag, &number.digits));
        if let Some(exponent) = number.exponent {
            let exponent = MathMl::number(&Number::parse(&exponent.to_string()));
            parts.push(operator("·"));
            parts.push(format!("<msup>{}{exponent}</msup>", element("mn", "10")));
        }
        match parts.as_slice() {
            [one] => one.clone(),
            many => format!("<mrow>{}</mrow>", many.concat()),
        }
    }
    fn factor(factor: &Factor) -> String {
        let above = monomial(&factor.numerator);
        let value = match factor.denominator.as_slice() {
            [] => above,
            below => format!("<mfrac>{above}{}</mfrac>", monomial(below)),
        };
        if factor.negative { row(&[&operator("−"), &value]) } else { value }
    }
    fn space(shape: Shape) -> String {
        let extent = |dim: Dim| match dim {
            Dim::Fixed(n) => element("mn", &n.to_string()),
            Dim::M => element("mi", "m"),
            Dim::Multiple(k) => element("mrow", &(element("mn", &k.get().to_string()) + &element("mi", "m"))),
        };
        let extents = row(&[&extent(shape.rows), &operator("×"), &extent(shape.columns)]);
        format!("<msup>{}{extents}</msup>", element("mi", "ℝ"))
    }
    fn elided() -> String {
        operator("…")
    }
    fn parenthesised(inner: String) -> String {
        row(&[&operator("("), &inner, &operator(")")])
    }
    fn infix(sign: Infix, left: &str, right: &str) -> String {
        let sign = match sign {
            Infix::Plus => "+",
            Infix::Minus => "−",
            Infix::Times => "·",
            Infix::Product => "*",
            Infix::Hadamard => "⊙",
            Infix::BlockProduct => {
                let sign = format!("<msub>{}{}</msub>", operator("*"), element("mi", "i"));
                return row(&[left, &sign, right]);
            }
            Infix::Quotient => return format!("<mfrac>{left}{right}</mfrac>"),
        };
        row(&[left, &operator(sign), right])
    }
    fn negative(operand: &str) -> String {
        row(&[&operator("−"), operand])
    }
    fn transposed(operand: &str) -> String {
        format!("<msup>{operand}{}</msup>", operator("⊤"))
    }
    fn transposed_block(operand: &str) -> String {
        let sign = format!("<msub>{}{}</msub>", operator("⊤"), element("mi", "i"));
        format!("<msup>{operand}{sign}</msup>")
    }
    fn power(base: &str, exponent: &str) -> String {
        format!("<msup>{base}{exponent}</msup>")
    }
    fn root(operand: &str) -> String {
        format!("<msqrt>{operand}</msqrt>")
    }
    fn absolute(operand: &str) -> String {
        row(&[&operator("|"), operand, &operator("|")])
    }
    fn indicator(relation: &str, left: &str, right: &str) -> String {
        row(&[&operator("["), left, &operator(relation), right, &operator("]")])
    }
    fn sum(over: Over, operand: &str) -> String {
        let sign = operator("∑");
        let sign = match over {
            Over::Columns => format!("<munder>{sign}{}</munder>", element("mi", "i")),
            Over::Rows => format!("<munder>{sign}{}</munder>", element("mi", "j")),
            Over::All => sign,
        };
        row(&[&sign, operand])
    }
    fn call(function: &str, primes: usize, arguments: &[&str]) -> String {
        let mut name = element("mi", function);
        if primes > 0 {
            name = format!("<msup>{name}{}</msup>", operator(&primes_of(primes)));
        }
        let arguments = arguments.join(&operator(","));
        row(&[&name, APPLICATION, &row(&[&operator("("), &arguments, &operator(")")])])
    }
}

impl Sides for MathMl {
    fn relation(relation: Relation) -> String {
        operator(match relation {
            Relation::Is => "=",
            Relation::In => "∈",
        })
    }
    fn words(text: &str) -> String {
        element("mtext", text)
    }
}

/// The whole element.
pub(crate) fn math(inner: &str) -> String {
    format!("<math display=\"block\">{inner}</math>")
}

/// Parts side by side.
pub(crate) fn row(parts: &[&str]) -> String {
    format!("<mrow>{}</mrow>", parts.concat())
}

/// The element with the number of its entry.
fn marked(entry: usize, element: &str) -> String {
    let tag_ends = element.find('>').unwrap_or(0);
    let (tag, rest) = element.split_at(tag_ends);
    format!("{tag} data-entry=\"{entry}\"{rest}")
}

/// The sign without width between a function and its arguments, by its number: a text of ours has no
/// character that cannot be seen.
const APPLICATION: &str = "<mo>&#x2061;</mo>";

fn operator(sign: &str) -> String {
    element("mo", sign)
}

fn element(tag: &str, text: &str) -> String {
    format!("<{tag}>{}</{tag}>", escaped(text))
}

/// A text between tags.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in printable(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

fn derivative(of: &str, with_respect_to: &str) -> String {
    let part = |name: &str| row(&[&operator("∂"), &name_of(name)]);
    format!("<mfrac>{}{}</mfrac>", part(of), part(with_respect_to))
}

/// `W[1]` is W to the \[1\], as in the textbook.
fn name_of(name: &str) -> String {
    match indexed(name) {
        Some((base, index)) => with_index(&element("mi", base), index),
        None => element("mi", name),
    }
}

fn with_index(base: &str, index: &str) -> String {
    let tag = if index.chars().all(|c| c.is_ascii_digit()) { "mn" } else { "mi" };
    let brackets = row(&[&operator("["), &element(tag, index), &operator("]")]);
    format!("<msup>{base}{brackets}</msup>")
}

fn monomial(symbols: &[Symbol]) -> String {
    let one = |symbol: &Symbol| {
        let base = MathMl::number(&Number::parse(&symbol.base));
        match &symbol.power {
            Some(power) => MathMl::power(&base, &MathMl::number(&Number::parse(power))),
            None => base,
        }
    };
    let parts: Vec<String> = symbols.iter().map(one).collect();
    match parts.as_slice() {
        [one] => one.clone(),
        many => format!("<mrow>{}</mrow>", many.join(&operator("·"))),
    }
}

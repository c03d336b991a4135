//! Equations as Unicode text.

use super::label::Label;
use super::typeset::{Factor, Infix, Number, Relation, Sides, Style, Symbol};
use crate::error::printable;
use crate::tape::notation::Over;
use crate::{Dim, Shape};

pub(crate) struct Unicode;

impl Style for Unicode {
    const TWO_DIMENSIONAL: bool = false;

    fn label(label: &Label) -> String {
        match label {
            Label::Name(name) => name.clone(),
            Label::Derivative { of, with_respect_to } => format!("∂{of}/∂{with_respect_to}"),
            Label::Delta(index) => format!("δ[{index}]"),
            Label::Number(id) => format!("%{id}"),
            Label::Marked(_, label) => Unicode::label(label),
        }
    }
    fn number(number: &Number) -> String {
        let sign = if number.negative { "−" } else { "" };
        let power = number.exponent.map_or(String::new(), |e| format!("·{}", ten_to(e)));
        format!("{sign}{}{power}", printable(&number.digits))
    }
    fn factor(factor: &Factor) -> String {
        let sign = if factor.negative { "−" } else { "" };
        match factor.denominator.as_slice() {
            [] => format!("{sign}{}", monomial(&factor.numerator)),
            [symbol] => format!("{sign}{}/{}", monomial(&factor.numerator), power_of(symbol)),
            many => format!("{sign}{}/({})", monomial(&factor.numerator), monomial(many)),
        }
    }
    fn space(shape: Shape) -> String {
        format!("ℝ{}ˣ{}", extent(shape.rows), extent(shape.columns))
    }
    fn elided() -> String {
        "…".into()
    }
    fn parenthesised(inner: String) -> String {
        format!("({inner})")
    }
    fn infix(operator: Infix, left: &str, right: &str) -> String {
        let sign = match operator {
            Infix::Plus => "+",
            Infix::Minus => "−",
            Infix::Times => "·",
            Infix::Product => "*",
            Infix::BlockProduct => "*ᵢ",
            Infix::Hadamard => "⊙",
            Infix::Quotient => "⊘",
        };
        format!("{left} {sign} {right}")
    }
    fn negative(operand: &str) -> String {
        format!("−{operand}")
    }
    fn transposed(operand: &str) -> String {
        format!("{operand}ᵀ")
    }
    fn transposed_block(operand: &str) -> String {
        format!("{operand}ᵀᵢ")
    }
    fn power(base: &str, exponent: &str) -> String {
        let exponent = printable(exponent);
        match superscript(&exponent) {
            Some(raised) => format!("{base}{raised}"),
            // A number with a power of ten is a product.
            None if exponent.starts_with('−')
                || exponent.starts_with(|c: char| c.is_ascii_digit()) && exponent.contains("·10") =>
            {
                format!("{base}^({exponent})")
            }
            None => format!("{base}^{exponent}"),
        }
    }
    fn root(operand: &str) -> String {
        format!("√{operand}")
    }
    fn absolute(operand: &str) -> String {
        if operand.starts_with('|') { format!("|({operand})|") } else { format!("|{operand}|") }
    }
    fn indicator(relation: &str, left: &str, right: &str) -> String {
        format!("[{left} {} {right}]", printable(relation))
    }
    fn sum(over: Over, operand: &str) -> String {
        let sign = match over {
            Over::Columns => "Σᵢ",
            Over::Rows => "Σⱼ",
            Over::All => "Σ",
        };
        format!("{sign} {operand}")
    }
    fn call(function: &str, primes: usize, arguments: &[&str]) -> String {
        format!("{}{}({})", printable(function), primes_of(primes), arguments.join(", "))
    }
}

fn monomial(symbols: &[Symbol]) -> String {
    symbols.iter().map(power_of).collect::<Vec<_>>().join("·")
}

fn power_of(symbol: &Symbol) -> String {
    let base = Unicode::number(&Number::parse(&symbol.base));
    match &symbol.power {
        Some(power) => Unicode::power(&base, power),
        None => base,
    }
}

fn extent(dim: Dim) -> String {
    match dim {
        Dim::Fixed(n) => superscript(&n.to_string()).unwrap_or_default(),
        Dim::M => "ᵐ".into(),
        Dim::Multiple(k) => extent(Dim::Fixed(k.get())) + "ᵐ",
    }
}

fn ten_to(exponent: i32) -> String {
    format!("10{}", superscript(&exponent.to_string()).unwrap_or_default())
}

/// Digits and a minus sign, raised; there are no such signs for anything else.
fn superscript(text: &str) -> Option<String> {
    text.chars()
        .map(|c| match c {
            '-' | '−' => Some('⁻'),
            _ => "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(c.to_digit(10)? as usize),
        })
        .collect()
}

pub(crate) fn primes_of(primes: usize) -> String {
    match primes {
        0 => String::new(),
        1 => "′".into(),
        2 => "″".into(),
        3 => "‴".into(),
        many => format!("⁽{}⁾", superscript(&many.to_string()).unwrap_or_default()),
    }
}

impl Sides for Unicode {
    fn relation(relation: Relation) -> String {
        match relation {
            Relation::Is => " = ".into(),
            Relation::In => " ∈ ".into(),
        }
    }
    fn words(text: &str) -> String {
        format!("({text})")
    }
}

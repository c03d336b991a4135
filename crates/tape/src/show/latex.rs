//! Equations in LaTeX.

use super::label::{Label, as_derivative, indexed};
use super::typeset::{Factor, Infix, Number, Relation, Sides, Style, Symbol};
use crate::error::{is_unprintable, printable};
use crate::tape::notation::Over;
use crate::{Dim, Shape};

pub(crate) struct Latex;

impl Style for Latex {
    const TWO_DIMENSIONAL: bool = true;

    fn label(label: &Label) -> String {
        match label {
            Label::Name(name) => match as_derivative(name) {
                Some((of, with_respect_to)) => derivative(of, with_respect_to),
                None => name_of(name),
            },
            Label::Derivative { of, with_respect_to } => derivative(of, with_respect_to),
            Label::Delta(index) => format!(r"\delta^{{[{}]}}", inside_brackets(index)),
            Label::Number(id) => format!(r"\%{id}"),
            Label::Marked(_, label) => Latex::label(label),
        }
    }
    fn number(number: &Number) -> String {
        let sign = if number.negative { "-" } else { "" };
        let power = number.exponent.map_or(String::new(), |e| format!(r" \cdot 10^{{{e}}}"));
        let digits = match number.digits.as_str() {
            "∞" => r"\infty".to_owned(),
            digits if is_decimal(digits) => digits.to_owned(),
            other => name_of(other),
        };
        format!("{sign}{digits}{power}")
    }
    fn factor(factor: &Factor) -> String {
        let sign = if factor.negative { "-" } else { "" };
        match factor.denominator.as_slice() {
            [] => format!("{sign}{}", monomial(&factor.numerator)),
            below => format!(r"{sign}\frac{{{}}}{{{}}}", monomial(&factor.numerator), monomial(below)),
        }
    }
    fn space(shape: Shape) -> String {
        let extent = |dim: Dim| dim.to_string();
        format!(r"\mathbb{{R}}^{{{} \times {}}}", extent(shape.rows), extent(shape.columns))
    }
    fn elided() -> String {
        r"\dots".into()
    }
    fn parenthesised(inner: String) -> String {
        enclosed("(", &inner, ")")
    }
    fn infix(operator: Infix, left: &str, right: &str) -> String {
        let sign = match operator {
            Infix::Plus => "+",
            Infix::Minus => "-",
            Infix::Times => r"\cdot",
            Infix::Product => "*",
            Infix::BlockProduct => "*_{i}",
            Infix::Hadamard => r"\odot",
            Infix::Quotient => return format!(r"\frac{{{left}}}{{{right}}}"),
        };
        format!("{left} {sign} {right}")
    }
    fn negative(operand: &str) -> String {
        format!("-{operand}")
    }
    fn transposed(operand: &str) -> String {
        Latex::power(operand, r"\top")
    }
    fn transposed_block(operand: &str) -> String {
        Latex::power(operand, r"\top_{i}")
    }
    fn power(base: &str, exponent: &str) -> String {
        // A second superscript on the same base is an error in TeX.
        let has_superscript = base.ends_with('}') && base.contains('^') || base.ends_with('\'');
        if has_superscript { format!("{{{base}}}^{{{exponent}}}") } else { format!("{base}^{{{exponent}}}") }
    }
    fn root(operand: &str) -> String {
        format!(r"\sqrt{{{operand}}}")
    }
    fn absolute(operand: &str) -> String {
        enclosed(r"\lvert", &format!(" {operand} "), r"\rvert")
    }
    fn indicator(relation: &str, left: &str, right: &str) -> String {
        let sign = match relation {
            ">" | "<" | "=" => relation.to_owned(),
            other => name_of(other),
        };
        enclosed("[", &format!("{left} {sign} {right}"), "]")
    }
    fn sum(over: Over, operand: &str) -> String {
        let sign = match over {
            Over::Columns => r"\sum_{i}",
            Over::Rows => r"\sum_{j}",
            Over::All => r"\sum",
        };
        format!("{sign} {operand}")
    }
    fn call(function: &str, primes: usize, arguments: &[&str]) -> String {
        let primes = match primes {
            0..=3 => "'".repeat(primes),
            many => format!("^{{({many})}}"),
        };
        format!("{}{primes}{}", function_name(function), enclosed("(", &arguments.join(", "), ")"))
    }
}

impl Sides for Latex {
    fn relation(relation: Relation) -> String {
        match relation {
            Relation::Is => " = ".into(),
            Relation::In => r" \in ".into(),
        }
    }
    fn words(text: &str) -> String {
        format!(r"\text{{{}}}", text_escaped(text))
    }
}

fn derivative(of: &str, with_respect_to: &str) -> String {
    format!(r"\frac{{\partial {}}}{{\partial {}}}", name_of(of), name_of(with_respect_to))
}

/// Delimiters, which grow with what they enclose where that is higher than a line.
fn enclosed(open: &str, inner: &str, close: &str) -> String {
    if inner.contains(r"\frac") || inner.contains(r"\sum") {
        format!(r"\left{open}{inner}\right{close}")
    } else {
        format!("{open}{inner}{close}")
    }
}

fn is_decimal(digits: &str) -> bool {
    digits.starts_with(|c: char| c.is_ascii_digit()) && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
}

fn monomial(symbols: &[Symbol]) -> String {
    let one = |symbol: &Symbol| {
        let base = Latex::number(&Number::parse(&symbol.base));
        match &symbol.power {
            Some(power) => Latex::power(&base, &Latex::number(&Number::parse(power))),
            None => base,
        }
    };
    symbols.iter().map(one).collect::<Vec<_>>().join(r" \, ")
}

/// `W[1]` is W to the \[1\], as in the textbook; primes stay; a name of several letters is upright
/// text.
fn name_of(name: &str) -> String {
    if let Some((base, index)) = indexed(name) {
        return Latex::power(&name_of(base), &format!("[{}]", inside_brackets(index)));
    }
    let base = name.trim_end_matches('′');
    let primes = name[base.len()..].chars().count();
    let mut characters = base.chars();
    match (characters.next(), characters.next()) {
        (Some(letter), None) => letter_of(letter) + &"'".repeat(primes),
        (_, _) => format!(r"\text{{{}}}", text_escaped(name)),
    }
}

/// An index keeps its letters in italics, `l+1`; anything else is text.
fn inside_brackets(index: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "+-,.".contains(c);
    if index.chars().all(plain) { index.to_owned() } else { format!(r"\text{{{}}}", text_escaped(index)) }
}

fn function_name(name: &str) -> String {
    const KNOWN: [&str; 8] = ["sin", "cos", "tan", "tanh", "exp", "ln", "log", "max"];
    if KNOWN.contains(&name) {
        return format!(r"\{name}");
    }
    let mut characters = name.chars();
    match (characters.next(), characters.next()) {
        (Some(letter), None) => letter_of(letter),
        (_, _) if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') => {
            format!(r"\operatorname{{{}}}", text_escaped(name))
        }
        (_, _) => format!(r"\text{{{}}}", text_escaped(name)),
    }
}

/// One letter or sign in math mode.
fn letter_of(letter: char) -> String {
    match command(letter) {
        Some(command) => command.to_owned(),
        None if r"\^~<>".contains(letter) || is_unprintable(letter) => {
            format!(r"\text{{{}}}", text_escaped(&letter.to_string()))
        }
        None => text_escaped(&letter.to_string()),
    }
}

/// The command for a sign that TeX has no ASCII for.
fn command(sign: char) -> Option<&'static str> {
    const COMMANDS: [(char, &str); 42] = [
        ('α', r"\alpha"),
        ('β', r"\beta"),
        ('γ', r"\gamma"),
        ('δ', r"\delta"),
        ('ε', r"\varepsilon"),
        ('ζ', r"\zeta"),
        ('η', r"\eta"),
        ('θ', r"\theta"),
        ('κ', r"\kappa"),
        ('λ', r"\lambda"),
        ('μ', r"\mu"),
        ('ν', r"\nu"),
        ('ξ', r"\xi"),
        ('π', r"\pi"),
        ('ρ', r"\rho"),
        ('σ', r"\sigma"),
        ('τ', r"\tau"),
        ('φ', r"\varphi"),
        ('χ', r"\chi"),
        ('ψ', r"\psi"),
        ('ω', r"\omega"),
        ('Γ', r"\Gamma"),
        ('Δ', r"\Delta"),
        ('Θ', r"\Theta"),
        ('Λ', r"\Lambda"),
        ('Ξ', r"\Xi"),
        ('Π', r"\Pi"),
        ('Σ', r"\Sigma"),
        ('Φ', r"\Phi"),
        ('Ψ', r"\Psi"),
        ('Ω', r"\Omega"),
        ('ℒ', r"\mathcal{L}"),
        ('ℓ', r"\ell"),
        ('∂', r"\partial"),
        ('∇', r"\nabla"),
        ('′', "'"),
        ('″', "''"),
        ('−', "-"),
        ('·', r"\cdot"),
        ('⊙', r"\odot"),
        ('×', r"\times"),
        ('∞', r"\infty"),
    ];
    COMMANDS.iter().find(|(known, _)| *known == sign).map(|(_, command)| *command)
}

/// Text with what is special to TeX escaped.
fn text_escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in printable(text).chars() {
        match c {
            '_' | '%' | '&' | '#' | '$' | '{' | '}' => escaped.extend(['\\', c]),
            '\\' => escaped.push_str(r"\textbackslash{}"),
            '^' => escaped.push_str(r"\textasciicircum{}"),
            '~' => escaped.push_str(r"\textasciitilde{}"),
            '<' => escaped.push_str(r"\textless{}"),
            '>' => escaped.push_str(r"\textgreater{}"),
            _ => match command(c) {
                Some(command) => escaped.push_str(&format!("${command}$")),
                None => escaped.push(c),
            },
        }
    }
    escaped
}

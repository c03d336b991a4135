//! From a text to a tree, without recursion: nothing is recorded, and what is nested is on a stack
//! of its own.

use super::error::{EquationError, EquationMistake};
use super::names::{Found, Names, is_prime};
use super::tree::{Node, Number, Sign, Tree, What};
use crate::tape::notation::Over;

type Result<V> = std::result::Result<V, EquationError>;

/// What is open.
#[derive(Debug)]
enum Open {
    Text,
    Parenthesis,
    Absolute,
    Indicator,
    Call { name: String, primes: usize, arguments: Vec<usize> },
}

#[derive(Debug)]
struct Frame {
    open: Open,
    /// Where it was opened.
    at: usize,
    signs: Vec<(Sign, usize)>,
    operands: Vec<usize>,
}

pub(super) struct Parser<'n> {
    text: &'n [char],
    /// Where in the whole text this part begins.
    offset: usize,
    names: &'n Names,
    entries: usize,
    deepest: usize,
    at: usize,
    frames: Vec<Frame>,
    tree: Tree,
}

impl<'n> Parser<'n> {
    pub(super) fn new(
        text: &'n [char],
        offset: usize,
        names: &'n Names,
        entries: usize,
        deepest: usize,
    ) -> Self {
        let frames = vec![Frame { open: Open::Text, at: 0, signs: Vec::new(), operands: Vec::new() }];
        Parser { text, offset, names, entries, deepest, at: 0, frames, tree: Tree::default() }
    }

    /// Reads the whole text.
    pub(super) fn tree(mut self) -> Result<Tree> {
        loop {
            self.operand()?;
            if !self.after_operand()? {
                return Ok(self.tree);
            }
        }
    }

    fn frame(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("the text's own frame is closed last")
    }

    fn push(&mut self, what: What, operands: Vec<usize>, at: usize, start: usize) -> usize {
        let end = self.offset + self.at;
        self.tree.nodes.push(Node { what, operands, start, end, at, enclosed: false });
        self.tree.nodes.len() - 1
    }

    fn leaf(&mut self, what: What, from: usize) {
        let start = self.offset + from;
        let node = self.push(what, Vec::new(), start, start);
        self.frame().operands.push(node);
    }

    // What begins here.

    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn rest(&self) -> &'n [char] {
        &self.text[self.at.min(self.text.len())..]
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    /// Takes the first of some spellings that stands here.
    fn take(&mut self, spellings: &[&str]) -> bool {
        let found = spellings.iter().find(|spelling| {
            let length = spelling.chars().count();
            self.rest().len() >= length
                && self.rest().iter().copied().zip(spelling.chars()).all(|(a, b)| a == b)
        });
        if let Some(spelling) = found {
            self.at += spelling.chars().count();
        }
        found.is_some()
    }

    fn error<V>(&self, at: usize, mistake: EquationMistake) -> Result<V> {
        Err(EquationError::new(self.offset + at, mistake))
    }

    fn expected<V>(&self, what: &'static str) -> Result<V> {
        let word = |c: &&char| c.is_alphanumeric() || **c == '_';
        let mut found: String = self.rest().iter().take(20).take_while(word).collect();
        if found.is_empty() {
            found.extend(self.peek());
        }
        self.error(self.at, EquationMistake::Expected { what, found })
    }

    // An operand, with what stands before it.

    fn operand(&mut self) -> Result<()> {
        loop {
            self.skip_space();
            let from = self.at;
            if self.named()? || self.number()? || self.call()? {
                if !matches!(self.frames.last(), Some(Frame { open: Open::Call { .. }, at, .. }) if *at == from)
                {
                    return Ok(());
                }
                self.skip_space();
                if self.take(&[")"]) {
                    self.close_call(); // without operands
                    return Ok(());
                }
                continue;
            }
            if let Some(sign) = self.prefix() {
                self.frame().signs.push((sign, from));
            } else if self.take(&["("]) {
                self.open(Open::Parenthesis, from)?;
            } else if self.take(&["|"]) {
                self.open(Open::Absolute, from)?;
            } else if self.take(&["["]) {
                self.open(Open::Indicator, from)?;
            } else if self.take(&["…", "..."]) {
                return self.error(from, EquationMistake::Cut);
            } else {
                return self.unknown();
            }
        }
    }

    fn open(&mut self, open: Open, at: usize) -> Result<()> {
        if self.frames.len() > self.deepest {
            return self.error(at, EquationMistake::TooDeep);
        }
        self.frames.push(Frame { open, at, signs: Vec::new(), operands: Vec::new() });
        Ok(())
    }

    fn prefix(&mut self) -> Option<Sign> {
        const WORDS: [(&[&str], Over); 3] =
            [(&["Σᵢ", "sum_i"], Over::Columns), (&["Σⱼ", "sum_j"], Over::Rows), (&["Σ"], Over::All)];
        if self.take(&["−", "-"]) {
            return Some(Sign::Negative);
        }
        if self.take(&["√"]) {
            return Some(Sign::Root);
        }
        WORDS.into_iter().find(|(spellings, _)| self.take(spellings)).map(|(_, over)| Sign::Sum(over))
    }

    /// A name of the tape, or %12.
    fn named(&mut self) -> Result<bool> {
        let (from, text, rest) = (self.at, self.text, self.rest());
        let ends = |length: usize| ends_name(rest, length);
        match self.names.longest(rest, ends) {
            Some(Found::Entry(index, length)) => {
                self.at += length;
                self.leaf(What::Entry(index), from);
                return Ok(true);
            }
            Some(Found::Mistake(mistake)) => return self.error(from, mistake),
            None => {}
        }
        let digits = text[from..].iter().skip(1).take_while(|c| c.is_ascii_digit()).count();
        if self.peek() != Some('%') || digits == 0 {
            return Ok(false);
        }
        self.at += 1 + digits;
        let name: String = text[from..self.at].iter().collect();
        match name[1..].parse() {
            Ok(index) if index < self.entries => {
                self.leaf(What::Entry(index), from);
                Ok(true)
            }
            _ => self.error(from, self.names.unknown(name)),
        }
    }

    /// `2.5`, `1·10⁻³⁰`, `1/m`, `2·m²`, `m`, `∞`, `NaN`.
    fn number(&mut self) -> Result<bool> {
        let from = self.at;
        let Some(digits) = self.digits() else {
            if self.m_stands_here() {
                self.at += 1;
                let m = self.exponent_of_m(1);
                self.leaf(What::Number(Number { negative: false, digits: "1".into(), m }), from);
                return Ok(true);
            }
            return Ok(false);
        };
        let after_digits = self.at;
        self.skip_space();
        let over = self.take(&["/"]);
        let beside = !over && self.at == after_digits && self.take(&["·"]);
        if over {
            self.skip_space();
        }
        let m = if (over || beside) && self.m_stands_here() {
            self.at += 1;
            self.exponent_of_m(if over { -1 } else { 1 })
        } else {
            self.at = after_digits;
            0
        };
        self.leaf(What::Number(Number { negative: false, digits, m }), from);
        Ok(true)
    }

    /// m, as the number of examples.
    fn m_stands_here(&self) -> bool {
        self.peek() == Some('m') && ends_name(self.rest(), 1)
    }

    /// What stands behind m: m², m^2.
    fn exponent_of_m(&mut self, sign: i32) -> i32 {
        let from = self.at;
        let raised = self.superscript().or_else(|| {
            let digits = self.take(&["^"]).then(|| self.run(|c| c.is_ascii_digit()));
            digits.filter(|digits| !digits.is_empty())
        });
        match raised.and_then(|digits| digits.parse::<i32>().ok()).filter(|k| k.unsigned_abs() <= 4096) {
            Some(k) => sign * k,
            None => {
                self.at = from;
                sign
            }
        }
    }

    fn run(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let taken: String = self.rest().iter().take_while(|c| wanted(**c)).collect();
        self.at += taken.chars().count();
        taken
    }

    /// The digits of a number without its sign, as Rust reads them.
    fn digits(&mut self) -> Option<String> {
        let from = self.at;
        if self.take(&["∞"]) {
            return Some("inf".into());
        }
        for (word, digits) in [("NaN", "NaN"), ("inf", "inf")] {
            if self.take(&[word]) {
                if !self.peek().is_some_and(|c| continues_name(c) || c == '(') {
                    return Some(digits.into());
                }
                self.at = from;
            }
        }
        let mut digits = self.run(|c| c.is_ascii_digit());
        if self.peek() == Some('.') && self.text.get(self.at + 1).is_some_and(char::is_ascii_digit) {
            self.at += 1;
            digits = digits + "." + &self.run(|c| c.is_ascii_digit());
        }
        if digits.is_empty() {
            return None;
        }
        Some(digits + &self.power_of_ten())
    }

    /// `e-3` or `·10⁻³` right behind the digits.
    fn power_of_ten(&mut self) -> String {
        let from = self.at;
        if self.take(&["e", "E"]) {
            let sign = if self.take(&["-", "−"]) { "-" } else { "" };
            let _ = sign.is_empty() && self.take(&["+"]);
            let digits = self.run(|c| c.is_ascii_digit());
            if !digits.is_empty() {
                return format!("e{sign}{digits}");
            }
        } else if self.take(&["·10"])
            && let Some(exponent) = self.superscript()
        {
            return format!("e{exponent}");
        }
        self.at = from;
        String::new()
    }

    /// Raised digits with or without a raised minus sign.
    fn superscript(&mut self) -> Option<String> {
        let from = self.at;
        let sign = if self.take(&["⁻"]) { "-" } else { "" };
        let raised = self.run(|c| raised_digit(c).is_some());
        if raised.is_empty() {
            self.at = from;
            return None;
        }
        Some(sign.chars().chain(raised.chars().filter_map(raised_digit)).collect())
    }

    /// `tanh(`, `g′(`, `rows[0..2](`: opens a call.
    fn call(&mut self) -> Result<bool> {
        let from = self.at;
        let Some((name, primes)) = self.head_of_call() else {
            self.at = from;
            return Ok(false);
        };
        self.open(Open::Call { name, primes, arguments: Vec::new() }, from)?;
        Ok(true)
    }

    fn head_of_call(&mut self) -> Option<(String, usize)> {
        let name = self.name_of_call()?;
        let mut primes = self.run(|c| c == '\'' || c == '′').chars().count();
        if primes == 0 {
            primes = match self.peek() {
                Some('″') => 2,
                Some('‴') => 3,
                _ => 0,
            };
            self.at += usize::from(primes > 0);
        }
        if primes == 0 && self.take(&["⁽"]) {
            primes = self.superscript()?.parse().ok().filter(|&primes| primes <= 4096)?;
            self.take(&["⁾"]).then_some(())?;
        }
        self.take(&["("]).then_some((name, primes))
    }

    /// A name that the tape has, or one of letters with brackets behind them.
    fn name_of_call(&mut self) -> Option<String> {
        if let Some(length) = self.names.called(self.rest()).filter(|&length| length > 0) {
            let name = self.rest()[..length].iter().collect();
            self.at += length;
            return Some(name);
        }
        let mut name = self.run(continues_name);
        if name.is_empty() {
            return None;
        }
        if self.peek() == Some('[') {
            let brackets = self.rest().iter().position(|&c| c == ']')?;
            name.extend(&self.rest()[..=brackets]);
            self.at += brackets + 1;
        }
        Some(name)
    }

    fn unknown<V>(&self) -> Result<V> {
        let rest = self.rest();
        let first = rest.first().copied();
        if !first.is_some_and(|c| continues_name(c) || "∂ℒδ%".contains(c)) {
            return self.expected("a name, a number, a function or a parenthesis");
        }
        let mut length = 0;
        let mut depth = 0_usize;
        for &c in rest.iter().take(60) {
            match c {
                '[' => depth += 1,
                ']' if depth > 0 => depth -= 1,
                '/' if depth == 0 && matches!(rest.get(length + 1), Some('∂' | 'd')) => {}
                c if depth > 0 && !c.is_control() => {}
                c if continues_name(c) || "∂ℒδ%".contains(c) => {}
                _ => break,
            }
            length += 1;
        }
        self.error(self.at, self.names.unknown(rest[..length].iter().collect()))
    }

    // What stands behind an operand.

    /// Reads signs and closing parentheses up to the next operand; `false` at the end.
    fn after_operand(&mut self) -> Result<bool> {
        loop {
            let from = self.at;
            self.skip_space();
            let Some(next) = self.peek() else { return self.finish() };
            if self.postfix(from)? {
                continue;
            }
            let at = self.at;
            if let Some(sign) = self.infix() {
                let sign = self.as_scaling(sign);
                self.reduce(sign.level(), sign.is_right_associative());
                self.frame().signs.push((sign, at));
                return Ok(true);
            }
            match next {
                ')' | '|' | ']' => {
                    self.at += 1;
                    self.close(next, at)?;
                }
                ',' => {
                    self.at += 1;
                    self.next_argument(at)?;
                    return Ok(true);
                }
                _ => return self.expected("an operator or the end"),
            }
        }
    }

    fn postfix(&mut self, behind: usize) -> Result<bool> {
        let at = self.at;
        if self.take(&["ᵀᵢ", "'ᵢ"]) {
            self.apply(Sign::BlockTranspose, at);
            return Ok(true);
        }
        if self.take(&["ᵀ", "'"]) || self.take_ascii_transpose() {
            self.apply(Sign::Transpose, at);
            return Ok(true);
        }
        if at == behind
            && let Some(exponent) = self.superscript()
        {
            self.apply(Sign::PowerOf(exponent), at);
            return Ok(true);
        }
        if self.take(&["^"]) {
            match self.number_as_exponent() {
                Some(exponent) if !self.is_raised_again() => self.apply(Sign::PowerOf(exponent), at),
                Some(_) | None => self.at = at,
            }
            return Ok(self.at > at);
        }
        Ok(false)
    }

    /// `^T`, unless an entry is called so, or by a longer name.
    fn take_ascii_transpose(&mut self) -> bool {
        let from = self.at;
        if !self.take(&["^T"]) {
            return false;
        }
        let rest = &self.text[from + 1..];
        let is_name = self.names.longest(rest, |length| ends_name(rest, length)).is_some();
        if is_name || !ends_name(rest, 1) {
            self.at = from;
        }
        self.at > from
    }

    /// Whether an exponent that was read has one itself: a^2^3 is a^(2^3), as a^b^c is.
    fn is_raised_again(&mut self) -> bool {
        let from = self.at;
        let mut is_raised = self.superscript().is_some();
        if !is_raised {
            self.skip_space();
            is_raised = !self.take_ascii_transpose() && self.peek() == Some('^');
        }
        self.at = from;
        is_raised
    }

    /// `3`, `0.5`, `(−0.5)`, behind ^.
    fn number_as_exponent(&mut self) -> Option<String> {
        let parenthesis = self.take(&["("]);
        let negative = parenthesis && self.take(&["−", "-"]);
        let digits = self.digits()?;
        if parenthesis && !self.take(&[")"]) {
            return None;
        }
        Some(if negative { format!("-{digits}") } else { digits })
    }

    /// Applies a sign to the operand before it.
    fn apply(&mut self, sign: Sign, at: usize) {
        let at = self.offset + at;
        if let Some(operand) = self.frame().operands.pop() {
            let start = self.tree.nodes[operand].start;
            let node = self.push(What::Sign(sign), vec![operand], at, start);
            self.frame().operands.push(node);
        }
    }

    fn infix(&mut self) -> Option<Sign> {
        const INFIX: [(&[&str], Sign); 10] = [
            (&["*ᵢ"], Sign::BlockProduct),
            (&[".*", "⊙", "∘"], Sign::Hadamard),
            (&["./", "⊘", "/"], Sign::Quotient),
            (&["*"], Sign::Product),
            (&["·", "⋅"], Sign::Times),
            (&["+"], Sign::Plus),
            (&["−", "-"], Sign::Difference),
            (&["^"], Sign::Power),
            (&[">"], Sign::Greater),
            (&["="], Sign::Equal),
        ];
        let from = self.at;
        let (_, sign) = INFIX.into_iter().find(|(spellings, _)| self.take(spellings))?;
        let is_relation = matches!(sign, Sign::Greater | Sign::Equal);
        if is_relation && !matches!(self.frame().open, Open::Indicator) {
            self.at = from;
            return None;
        }
        Some(sign)
    }

    /// A number before `*` is a factor, `1/m * A` is 1/m · A, if it is not in a product already.
    fn as_scaling(&mut self, sign: Sign) -> Sign {
        let left = self.frame().operands.last().copied();
        let is_number = left.is_some_and(|left| self.is_bare_number(left));
        let waits = self.frame().signs.last().is_some_and(|(sign, _)| sign.level() >= Sign::Product.level());
        if sign == Sign::Product && is_number && !waits { Sign::Times } else { sign }
    }

    fn is_bare_number(&self, node: usize) -> bool {
        let node = &self.tree.nodes[node];
        matches!(node.what, What::Number(_)) && !node.enclosed
    }

    /// Makes nodes of the signs that bind as tightly as this or tighter.
    fn reduce(&mut self, level: u8, right_associative: bool) {
        while let Some((sign, at)) = self.frame().signs.last().cloned() {
            let waiting = if self.is_of_a_factor() { Sign::Product.level() } else { sign.level() };
            let binds = waiting > level || waiting == level && !right_associative;
            let is_folded = level == Sign::Times.level() && self.negative_number_waits();
            if !binds && !is_folded {
                return;
            }
            self.frame().signs.pop();
            self.make(sign, at);
        }
    }

    /// Whether − stands before a factor that is not the first, as in a ⊘ −b ⊙ c, or before an exponent: it is of
    /// that one alone, and not of the products behind it.
    fn is_of_a_factor(&mut self) -> bool {
        let mut before = self.frame().signs.iter().map(|(sign, _)| sign).rev();
        before.next() == Some(&Sign::Negative)
            && before
                .find(|sign| **sign != Sign::Negative)
                .is_some_and(|sign| sign.level() >= Sign::Product.level())
    }

    /// Whether − stands before a number, which becomes a negative one before it scales.
    fn negative_number_waits(&mut self) -> bool {
        let is_negative = matches!(self.frame().signs.last(), Some((Sign::Negative, _)));
        let operand = self.frame().operands.last().copied();
        is_negative && operand.is_some_and(|operand| self.is_bare_number(operand))
    }

    fn make(&mut self, sign: Sign, at: usize) {
        let at_in_all = self.offset + at;
        if sign.is_prefix() {
            let Some(operand) = self.frame().operands.pop() else { return };
            let node = &mut self.tree.nodes[operand];
            if let (Sign::Negative, What::Number(number), false) = (&sign, &mut node.what, node.enclosed)
                && !number.negative
            {
                number.negative = true;
                node.start = at_in_all;
                self.frame().operands.push(operand);
                return;
            }
            let end = node.end;
            let made = self.push(What::Sign(sign), vec![operand], at_in_all, at_in_all);
            self.tree.nodes[made].end = end;
            self.frame().operands.push(made);
            return;
        }
        let (Some(right), Some(left)) = (self.frame().operands.pop(), self.frame().operands.pop()) else {
            return;
        };
        let scales = sign == Sign::Product && self.is_bare_number(right);
        let sign = if scales { Sign::Times } else { sign };
        let (start, end) = (self.tree.nodes[left].start, self.tree.nodes[right].end);
        let made = self.push(What::Sign(sign), vec![left, right], at_in_all, start);
        self.tree.nodes[made].end = end;
        self.frame().operands.push(made);
    }

    // Ends.

    fn finish(&mut self) -> Result<bool> {
        if self.frames.len() > 1 {
            let what = self.end_of_frame();
            return self.expected(what);
        }
        self.reduce(0, false);
        Ok(false)
    }

    /// What ends what is open.
    fn end_of_frame(&mut self) -> &'static str {
        match self.frame().open {
            Open::Text => "an operator or the end",
            Open::Parenthesis | Open::Call { .. } => ")",
            Open::Absolute => "|",
            Open::Indicator => "]",
        }
    }

    fn close(&mut self, sign: char, at: usize) -> Result<()> {
        self.reduce(0, false);
        let fits = match self.frame().open {
            Open::Text => false,
            Open::Parenthesis | Open::Call { .. } => sign == ')',
            Open::Absolute => sign == '|',
            Open::Indicator => sign == ']',
        };
        if !fits {
            self.at = at;
            let what = self.end_of_frame();
            return self.expected(what);
        }
        if matches!(self.frame().open, Open::Call { .. }) {
            let argument = self.frame().operands.pop();
            if let Open::Call { arguments, .. } = &mut self.frame().open {
                arguments.extend(argument);
            }
            self.close_call();
            return Ok(());
        }
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        let start = self.offset + frame.at;
        let Some(&inner) = frame.operands.last() else { return Ok(()) };
        let node = match frame.open {
            Open::Absolute => self.push(What::Sign(Sign::Absolute), vec![inner], start, start),
            Open::Indicator if !self.is_relation(inner) => {
                self.at = at;
                return self.expected("> or =");
            }
            Open::Parenthesis | Open::Indicator | Open::Text | Open::Call { .. } => {
                let end = self.offset + self.at;
                let node = &mut self.tree.nodes[inner];
                (node.enclosed, node.start, node.end) = (true, start, end);
                inner
            }
        };
        self.frame().operands.push(node);
        Ok(())
    }

    fn is_relation(&self, node: usize) -> bool {
        matches!(self.tree.nodes[node].what, What::Sign(Sign::Greater | Sign::Equal))
    }

    fn next_argument(&mut self, at: usize) -> Result<()> {
        self.reduce(0, false);
        let argument = self.frame().operands.pop();
        match &mut self.frame().open {
            Open::Call { arguments, .. } => arguments.extend(argument),
            Open::Text | Open::Parenthesis | Open::Absolute | Open::Indicator => {
                self.at = at;
                return self.expected("an operator or the end");
            }
        }
        Ok(())
    }

    fn close_call(&mut self) {
        if let Some(Frame { open: Open::Call { name, primes, arguments }, at, .. }) = self.frames.pop() {
            let start = self.offset + at;
            let node = self.push(What::Call { name, primes }, arguments, start, start);
            self.frame().operands.push(node);
        }
    }
}

/// Whether a character can be in a name and go on with it.
fn continues_name(c: char) -> bool {
    (c.is_alphanumeric() && raised_digit(c).is_none() && !"ᵀᵢⱼΣ".contains(c)) || c == '_'
}

/// Whether a name of so many characters ends there: no letter, bracket or call follows.
fn ends_name(text: &[char], length: usize) -> bool {
    let last = text[length - 1];
    let rest = &text[length..];
    match rest.first() {
        None => true,
        Some('[' | '(') => false,
        Some(&c) if continues_name(last) && continues_name(c) => false,
        Some('\'' | '′' | '″' | '‴' | '⁽') => {
            let primes = rest.iter().take_while(|c| is_prime(**c)).count();
            rest.get(primes) != Some(&'(')
        }
        Some(_) => true,
    }
}

fn raised_digit(c: char) -> Option<char> {
    let at = "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().position(|digit| digit == c)?;
    char::from_digit(u32::try_from(at).ok()?, 10)
}

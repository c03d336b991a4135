//! What a user reads: names that are empty or hold what a terminal obeys, and texts that say what was written.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};

use tape::{
    Error, Fault, Function, Matrix, MatrixMut, Mismatch, NonFinite, Notation, OperandRange, Operands,
    Operation, Options, Shape, Tape, Var, Vjp, matrix, printable,
};

use crate::support::message::assert_message;

/// Ends the line, steers the terminal, ends a DOT file, turns the direction of writing.
const ODD: &str = "a\n\u{1b}[31m\0\r\u{9b}\u{202e}\u{2028}b";

/// An operation of the user's with a name and a notation of its own.
#[derive(Debug, PartialEq, Eq, Clone)]
struct Own {
    name: String,
    notation: Option<Notation>,
    fault: Option<String>,
    mismatch: Option<String>,
}

impl Hash for Own {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl Own {
    fn named(name: &str) -> Self {
        Own { name: name.to_string(), notation: None, fault: None, mismatch: None }
    }
    fn shown(notation: Notation) -> Self {
        Own { notation: Some(notation), ..Own::named("own") }
    }
}

impl Operation<f64> for Own {
    fn name(&self) -> Cow<'_, str> {
        self.name.as_str().into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        match &self.mismatch {
            Some(reason) => Err(Mismatch::new(reason.clone())),
            None => Ok(operands[0]),
        }
    }
    fn eval(&self, x: &Operands<'_, f64>, out: &mut MatrixMut<'_, f64>) -> Result<(), Fault> {
        if let Some(reason) = &self.fault {
            return Err(Fault::Other(reason.clone()));
        }
        out.as_mut_slice().copy_from_slice(x.get(0).as_slice());
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, f64>) {
        at.contribute(0, |g| g);
    }
    fn notation(&self) -> Notation {
        self.notation.clone().unwrap_or(Notation::Call(self.name.clone()))
    }
}

fn is_plain(c: char) -> bool {
    let text = c.to_string();
    printable(&text) == text
}

/// Asserts that a text has so many lines, and in them nothing but what can be shown.
#[track_caller]
fn assert_lines(text: &str, lines: usize) {
    assert_eq!(text.trim_end_matches('\n').split('\n').count(), lines, "{text:?}");
    let odd: Vec<char> = text.chars().filter(|&c| c != '\n' && !is_plain(c)).collect();
    assert!(odd.is_empty(), "{odd:?} in {text:?}");
}

/// Everything that a tape with such names shows of itself, each with its lines.
fn shown(name: &str) -> Vec<(&'static str, String)> {
    let tape = Tape::<f64>::new();
    let named = |more: &str| format!("{name}{more}");
    let x = tape.examples(&named("x"), &matrix![[0.5, 0.25]]);
    let w = tape.parameter(&named("W[1]"), &matrix![[0.5]]);
    let g =
        Function::new(named("g"), f64::tanh).with_derivative(Function::new(named("g′"), |x| 1.0 - x * x));
    let z = (w.matmul(x)).named(named("Z[1]"));
    let a = tape.apply(Own::named(&named("own")), [z.map(&g)]).named(named("A[1]"));
    let j = a.square().mean().named(named("J"));
    let [dw] = j.gradients([w]);
    let mut notations = vec![j];
    for notation in [
        Notation::Factor(named("c/m")),
        Notation::PowerOf(named("p")),
        Notation::Call(named("call")),
        Notation::Activation { name: named("act"), primes: 1 },
    ] {
        notations.push(tape.apply(Own::shown(notation), [x]));
    }
    let all: Vec<Var<'_, f64>> = notations.iter().copied().chain([z, a, dw]).collect();
    let program = tape.compile_with([j, dw], Options::literal()).unwrap();
    let mut texts = vec![
        ("list", tape.to_string()),
        ("system", tape.equations(all.clone()).to_string()),
        ("system in LaTeX", tape.equations(all.clone()).latex()),
        ("system in MathML", tape.equations(all.clone()).mathml()),
        ("graph", tape.dot()),
        ("program", program.to_string()),
        ("debug", format!("{w:?} {dw:?}")),
        ("void", tape.equations([x.matmul(x)]).to_string()),
        ("graph of a mistake", tape.dot_of([x.matmul(x)])),
    ];
    for var in all {
        let equation = var.equation().with_function_names();
        texts.push(("equation", equation.to_string()));
        texts.push(("LaTeX", equation.latex()));
        texts.push(("MathML", equation.mathml()));
    }
    texts
}

#[test]
fn names_that_a_terminal_obeys_change_no_line_of_what_is_shown() {
    for ((what, odd), (_, plain)) in shown(ODD).into_iter().zip(shown("plain")) {
        println!("{what}: {odd:?}");
        assert_lines(&odd, plain.trim_end_matches('\n').split('\n').count());
    }
}

#[test]
fn the_texts_of_all_errors_are_one_line() {
    let at = std::panic::Location::caller();
    let odd = || ODD.to_string();
    let errors = [
        Error::Threads { threads: 2, reason: odd() },
        Error::InstructionSet { asked: odd(), there: odd() },
        Error::Shape { operation: odd(), reason: odd(), at },
        Error::ForeignVariable { operation: odd(), variable: odd(), at },
        Error::NonScalarGradient { output: odd(), shape: odd(), at },
        Error::Unreached { method: "jvp", output: odd(), variable: odd(), at },
        Error::MissingDerivative { function: odd(), operand: 0, at },
        Error::EmptyBatch { entry: odd(), at },
        Error::Label {
            operation: "log_loss",
            value: 7.0,
            row: 0,
            column: 0,
            labels: odd(),
            expected: "in [0, 1]",
            at,
        },
        Error::NonFinite(Box::new(NonFinite {
            entry: odd(),
            value: f64::NAN,
            row: 0,
            column: 0,
            operands: vec![OperandRange { name: odd(), range: None, nans: 1 }],
            at,
        })),
        Error::IndexCount { method: "indices", indices: odd(), k: 2, found: 3, at: Some(at) },
        Error::InexactIndex {
            method: "indices",
            index: -1,
            row: 0,
            column: 0,
            indices: odd(),
            number: "f64",
            at: Some(at),
        },
        Error::NotBindable { method: "bind", variable: odd(), reason: "is odd" },
        Error::NoExample { variable: odd(), example: 1, m: 1 },
        Error::BindShape { method: "bind", variable: odd(), expected: odd(), found: odd() },
        Error::Unbound { variable: odd() },
        Error::NotInProgram { variable: odd() },
        Error::NotScalar { variable: odd(), shape: odd() },
        Error::Kernel { operation: odd(), reason: odd(), at },
    ];
    for error in errors {
        let text = error.to_string();
        assert_lines(&text, 1);
        assert!(text.contains(r"a\n\u{1b}[31m\u{0}\r\u{9b}\u{202e}\u{2028}b"), "{text}");
    }
}

#[test]
fn a_mistake_with_such_names_is_one_line() {
    let tape = Tape::<f64>::new();
    let [a, b] = ["line\nfeed", "\u{1b}[2Jclear"].map(|name| tape.parameter(name, &Matrix::zeros(2, 3)));
    assert_message(
        a.matmul(b).sound().unwrap_err(),
        r"matmul: inner dimensions differ: line\nfeed is 2×3, \u{1b}[2Jclear is 2×3 (did you mean a transpose?), at {place}",
    );
}

#[test]
fn zero_characters_do_not_end_a_graph() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x\0y", &Matrix::zeros(1, 1));
    let _ = tape.apply(Own::named("op\0eration"), [x]).named("");
    let dot = tape.dot();
    assert!(!dot.contains('\0') && dot.ends_with("}\n"), "{dot:?}");
    assert!(dot.contains(r#"[label="op\\u{0}eration\n1×1"]"#), "{dot}");
}

#[test]
fn a_notation_of_the_users_is_escaped_in_latex() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &Matrix::zeros(2, 2));
    let right = |notation: Notation| {
        let latex = tape.apply(Own::shown(notation), [x]).equation().latex();
        latex.split_once(" = ").unwrap().1.to_string()
    };
    let factor = |text: &str| right(Notation::Factor(text.into()));
    let power = |text: &str| right(Notation::PowerOf(text.into()));
    // As before: numbers, letters, products and quotients of them.
    assert_eq!(factor("1/(2·m)"), r"\frac{1}{2 \, m} \cdot x");
    assert_eq!(factor("m^2"), r"m^{2} \cdot x");
    assert_eq!(factor("λ"), r"\lambda \cdot x");
    assert_eq!(factor("1e-30"), r"1 \cdot 10^{-30} \cdot x");
    assert_eq!(power("2"), "x^{2}");
    assert_eq!(power("-0.5"), "x^{-0.5}");
    // What TeX would take for something else.
    assert_eq!(factor("50%"), r"\text{50\%} \cdot x");
    assert_eq!(factor("2_000"), r"\text{2\_000} \cdot x");
    assert_eq!(factor("1/n_0"), r"\frac{1}{\text{n\_0}} \cdot x");
    assert_eq!(factor("c^{k}"), r"c^{\text{\{k\}}} \cdot x");
    assert_eq!(factor(r"\input{x}"), r"\text{\textbackslash{}input\{x\}} \cdot x");
    assert_eq!(factor("le3"), r"\text{le3} \cdot x"); // no power of ten
    assert_eq!(power("p_1"), r"x^{\text{p\_1}}");
    assert_eq!(power("2}^{3"), r"x^{\text{2\}\textasciicircum{}\{3}}");
    assert_eq!(power("\\"), r"x^{\text{\textbackslash{}}}");
    assert_eq!(power("3&4"), r"x^{\text{3\&4}}");
}

#[test]
fn an_empty_name_is_none() {
    for empty in ["", "  ", "\n\t", "\0\u{200b}"] {
        let tape = Tape::<f64>::new();
        let [a, b] = [(2, 3), (4, 5)].map(|(r, c)| tape.parameter(empty, &Matrix::zeros(r, c)));
        assert_eq!((a.name(), format!("{a:?}")), (None, "Var(%0 (leaf), 2×3)".into()));
        assert_message(
            a.matmul(b).sound().unwrap_err(),
            "matmul: inner dimensions differ: %0 (leaf) is 2×3, %1 (leaf) is 4×5, at {place}",
        );
        let j = a.tanh().named(empty).sum().named(empty);
        let [da] = j.gradients([a]);
        let list = tape.to_string();
        assert!(list.contains("\n%2    tanh(%0)   2×3\n%3    Σ %2"), "{list}");
        assert_eq!(da.equation().to_string(), format!("%{} = g′(%0)", da.index().unwrap()));
        let mut program = tape.compile([b.square()]).unwrap();
        assert_eq!(
            program.bind(b, &Matrix::zeros(1, 1)).unwrap_err().to_string(),
            "bind: %1 is 4×5, the matrix given is 1×1"
        );
        assert!(program.to_string().contains("parameter %1: 4×5"), "{program}");
        assert_eq!(a.named("A").named(empty).name(), None, "a later name takes the place of an earlier one");
    }
}

#[test]
fn an_operation_without_a_name_or_a_reason_is_told_as_such() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &Matrix::zeros(2, 3));
    let fails = Own { fault: Some(String::new()), ..Own::named("bad") };
    assert_message(
        tape.apply(fails, [x]).value().unwrap_err(),
        "bad: its kernel failed and gives no reason, recorded at {place}",
    );
    let fails = Own { fault: Some("two\nlines".into()), ..Own::named("") };
    assert_message(
        tape.apply(fails, [x]).value().unwrap_err(),
        r"an operation without a name: two\nlines, recorded at {place}",
    );
    let refuses = Own { mismatch: Some(String::new()), ..Own::named("refuses") };
    assert_message(tape.apply(refuses, [x]).sound().unwrap_err(), "refuses: x is 2×3, at {place}");
    let step = Function::new("", |x: f64| x);
    assert_message(
        x.map(&step).sum().gradients([x])[0].sound().unwrap_err(),
        "gradients: an operation without a name gives no derivative with respect to its operand 0, needed at {place}",
    );
}

#[test]
fn variables_of_one_name_are_told_apart() {
    let tape = Tape::<f64>::new();
    let [a, b] = [(2, 3), (4, 5)].map(|(r, c)| tape.parameter("W", &Matrix::zeros(r, c)));
    assert_message(
        (a + b).sound().unwrap_err(),
        "add: shapes do not go together elementwise: W (%0) is 2×3, W (%1) is 4×5, at {place}",
    );
    // One of them twice needs no number.
    assert_message(
        a.matmul(a).sound().unwrap_err(),
        "matmul: inner dimensions differ: W is 2×3, W is 2×3 (did you mean a transpose?), at {place}",
    );
}

#[test]
fn a_range_beyond_the_examples_is_told_as_it_was_written() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("X", &Matrix::zeros(2, 3));
    let w = tape.parameter("W", &Matrix::zeros(2, 2));
    let y = w.matmul(x);
    let text = "columns[1..9]: the range ends at 9, there are 3 examples (columns), recorded at {place}";
    assert_message(y.columns(1..9).value().unwrap_err(), text);
    assert_message(y.columns(1..9).sum().gradients([w])[0].value().unwrap_err(), text);
    let text = "rows[1..9]: the range ends at 9, there are 3 examples (rows), recorded at {place}";
    assert_message(y.t().rows(1..9).value().unwrap_err(), text);
    assert_message(y.t().rows(1..9).sum().gradients([w])[0].value().unwrap_err(), text);
}

#[test]
fn another_number_of_examples_names_the_line_and_no_run() {
    let tape = Tape::<f64>::new();
    let _x = tape.examples("X", &Matrix::zeros(2, 3));
    let y = tape.examples("Y", &Matrix::zeros(1, 4));
    assert_message(y.sound().unwrap_err(), "examples: X holds 3 examples (columns), Y holds 4, at {place}");
    // Two of one name are told apart.
    let again = tape.examples("X", &Matrix::zeros(1, 4));
    assert_message(
        again.sound().unwrap_err(),
        "examples: X (%0) holds 3 examples (columns), X (%2) holds 4, at {place}",
    );
}

#[test]
fn less_is_told_as_less_with_its_operands_in_order() {
    let tape = Tape::<f64>::new();
    let [a, b] = [("A", 2, 3), ("B", 4, 5)].map(|(n, r, c)| tape.parameter(n, &Matrix::zeros(r, c)));
    let why = "shapes do not go together elementwise";
    assert_message(a.less(b).sound().unwrap_err(), &format!("less: {why}: A is 2×3, B is 4×5, at {{place}}"));
    assert_message(b.less(a).sound().unwrap_err(), &format!("less: {why}: B is 4×5, A is 2×3, at {{place}}"));
    assert_message(
        a.greater(b).sound().unwrap_err(),
        &format!("greater: {why}: A is 2×3, B is 4×5, at {{place}}"),
    );
    let other = Tape::<f64>::new();
    let foreign = other.parameter("F", &Matrix::zeros(2, 3));
    assert_message(a.less(foreign).sound().unwrap_err(), "less: F belongs to another tape, at {place}");
}

#[test]
fn compositions_are_told_by_the_name_of_what_was_called() {
    let tape = Tape::<f64>::new();
    let [a, b] = [("A", 2, 3), ("B", 4, 5)].map(|(n, r, c)| tape.parameter(n, &Matrix::zeros(r, c)));
    let why = "shapes do not go together elementwise: A is 2×3, B is 4×5, at {place}";
    assert_message(a.squared_error(b).sound().unwrap_err(), &format!("squared_error: {why}"));
    assert_message(
        a.softmax_cross_entropy(b).sound().unwrap_err(),
        "softmax_cross_entropy: labels and logits differ in shape: B is 4×5, A is 2×3, at {place}",
    );
    let other = Tape::<f64>::new();
    let foreign = other.parameter("F", &Matrix::zeros(2, 3));
    for (name, void) in [
        ("squared_error", a.squared_error(foreign)),
        ("softmax_cross_entropy", a.softmax_cross_entropy(foreign)),
    ] {
        assert_message(
            void.sound().unwrap_err(),
            &format!("{name}: F belongs to another tape, at {{place}}"),
        );
    }
}

#[test]
fn a_factor_of_no_examples_is_told_as_what_was_written() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("X", &Matrix::zeros(1, 0));
    // The user wrote no mean: the text must not speak of one.
    let text = (tape.one_over_m() * x.sum()).value().unwrap_err().to_string();
    assert!(text.contains("1/m") && text.contains("m = 0") && !text.starts_with("mean:"), "{text}");
    let text = x.mean().value().unwrap_err().to_string();
    assert!(text.contains("m = 0") && text.contains("1/m"), "{text}");
    let text = x.mean().named("J").value().unwrap_err().to_string();
    assert!(text.contains("J is a mean over m = 0 examples"), "{text}");
}

#[test]
fn columns_of_a_parameter_are_not_bound_but_selected() {
    let tape = Tape::<f64>::new();
    let w = tape.parameter("W", &Matrix::zeros(2, 3));
    let mut program = tape.compile([w.sum()]).unwrap();
    let text = program.select_columns(w, &[0]).unwrap_err().to_string();
    assert!(text.starts_with("select_columns: W has no columns that are examples"), "{text}");
}

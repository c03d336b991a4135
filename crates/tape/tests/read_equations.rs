//! What is printed is read back as the entry that it was printed of; what is typed with a mistake is told where it is, and leaves
//! the tape as it was. The table of all operations is in `tests/laws/operations/equations.rs`.

use proptest::prelude::*;
use tape::{EquationMistake, EquationReader, Function, Matrix, Over, Shape, Tape, Var};

#[track_caller]
fn round_trip(var: Var<'_, f64>) {
    let tape = var.tape();
    let text = var.equation().to_string();
    let length = tape.len();
    match tape.reader().read(&text) {
        Ok(read) => assert!(read.right == var, "{text}\nread {}\n{tape}", read.right.equation()),
        Err(error) => panic!("{text}\n{error}"),
    }
    assert_eq!(tape.len(), length, "{text}");
}

/// A network 2-4-1 with its gradients.
struct Net<'t> {
    x: Var<'t, f64>,
    forward: Vec<Var<'t, f64>>,
    gradients: [Var<'t, f64>; 4],
}

fn net(tape: &Tape<f64>) -> Net<'_> {
    let x = tape.examples("X", &Matrix::zeros(2, 3));
    let y = tape.examples("Y", &Matrix::zeros(1, 3));
    let parameter = |name: &str, rows, columns| tape.parameter(name, &Matrix::zeros(rows, columns));
    let (w1, b1) = (parameter("W[1]", 4, 2), parameter("b[1]", 4, 1));
    let (w2, b2) = (parameter("W[2]", 1, 4), parameter("b[2]", 1, 1));
    let z1 = (w1.matmul(x) + b1).named("Z[1]");
    let a1 = z1.tanh().named("A[1]");
    let z2 = (w2.matmul(a1) + b2).named("Z[2]");
    let a2 = z2.sigmoid().named("A[2]");
    let j = a2.log_loss(y).mean().named("J");
    Net { x, forward: vec![z1, a1, z2, a2, j], gradients: j.gradients([w1, b1, w2, b2]) }
}

#[test]
fn a_small_network_is_read_back_and_typed_in_many_ways() {
    let tape = Tape::<f64>::new();
    let net = net(&tape);
    for &var in net.forward.iter().chain(&net.gradients) {
        round_trip(var);
    }
    let reader = tape.reader().alias("A[0]", net.x);
    for text in [
        "1/m * d[1] * A[0]'",
        "dJ/dW[1] = 1/m * d[1] * A[0]'",
        "∂J/∂W[1] = 1/m · δ[1] * Xᵀ",
        "δ = d[1] = 1/m*d[1]*A[0]'",
        "1/m * (dL/dA[1] .* g'(Z[1])) * X'",
        "1 / m · ((W[2]ᵀ * d[2]) ⊙ tanh′(Z[1])) * A[0]ᵀ",
        "1/m * ((W[2]' * (dL/dA[2] .* sigmoid'(Z[2]))) .* tanh'(W[1]*X + b[1])) * X'",
        "d[1] * A[0]' * 1/m",
        "(((1/m · ((δ[1]) * (A[0]ᵀ)))))",
        "∂J/∂W[1]",
        &format!("%{}", net.gradients[0].index().unwrap()),
    ] {
        let read = reader.read(text).map_err(|error| format!("{text}: {error}")).unwrap();
        assert!(read.right == net.gradients[0], "{text}: {}", read.right.equation());
    }
    let read = reader.read("dJ/dW[1] = δ[1] * X'").unwrap();
    assert_eq!(read.left, ["dJ/dW[1]"]);
    assert!(read.right != net.gradients[0]);
}

#[test]
fn two_entries_that_printed_alike_print_apart() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("A", &Matrix::zeros(2, 2));
    let row = tape.parameter("r", &Matrix::zeros(1, 2));
    let two = tape.scalar(2.0);
    let pairs = [
        (-two + a, tape.scalar(-2.0) + a),
        (-(two * a), tape.scalar(-2.0) * a),
        (-tape.one_over_m() * a, (-tape.one_over_m()) * a),
        (two.matmul(row), two * row),
        (row.t().matmul(two), two * row.t()),
        (a.powf(3.0), a.powi(3)),
        (a.powf(2.0), a.square()),
        (a.pow(2.0), a.square()),
        (a.pow(0.5), a.powf(0.5)),
        (row.broadcast_to(Shape::new(2, 2)).sum_over(Over::Rows), row.sum_over(Over::Rows)),
    ];
    for (i, (one, other)) in pairs.into_iter().enumerate() {
        assert!(
            one == other || one.equation().to_string() != other.equation().to_string(),
            "{i}: {}",
            one.equation()
        );
        round_trip(one);
        round_trip(other);
    }
}

#[test]
fn signs_bind_as_they_are_printed() {
    let tape = Tape::<f64>::new();
    let [a, b, c] = ["A", "B", "C"].map(|name| tape.parameter(name, &Matrix::zeros(3, 3)));
    let two = tape.scalar(2.0);
    for (text, expected) in [
        ("A + B * C", a + b.matmul(c)),
        ("A − B − C", (a - b) - c),
        ("A - (B - C)", a - (b - c)),
        ("A * B ⊙ C", a.matmul(b) * c),
        ("A ⊙ B * C", (a * b).matmul(c)),
        ("A / B / C", (a / b) / c),
        ("-A * B", -a.matmul(b)),
        ("A * -B", a.matmul(-b)),
        ("2 · A * B", two * a.matmul(b)),
        ("-2 · A * B", tape.scalar(-2.0) * a.matmul(b)),
        ("-(2 · A)", -(two * a)),
        ("2 * A + B", two * a + b),
        ("A * 2 * B", (two * a).matmul(b)),
        ("-2 + A", tape.scalar(-2.0) + a),
        ("−(2) + A", -two + a),
        ("Σᵢ A ⊙ B", (a * b).sum_over(Over::Columns)),
        ("(Σᵢ A) ⊙ B", a.sum_over(Over::Columns) * b),
        ("Σᵢ A + B", a.sum_over(Over::Columns) + b),
        ("sum_i A", a.sum_over(Over::Columns)),
        ("sum(A)", a.sum()),
        ("Σ Σⱼ A", a.sum_over(Over::Rows).sum()),
        ("A^B^C", a.pow(b.pow(c))),
        ("A^2'", a.square().t()),
        ("A^2^T", a.square().t()),
        ("A^2^B", a.pow(two.pow(b))),
        ("A^2^3", a.pow(two.powi(3))),
        ("A^(0.5) ^ B", a.pow(tape.scalar(0.5).pow(b))),
        ("A^2³", a.pow(two.powi(3))),
        ("A²^3", a.square().powi(3)),
        ("(A^2)^3", a.square().powi(3)),
        ("A''", a.t().t()),
        ("A ⊘ −B ⊙ C", (a / -b) * c),
        ("A ./ --B ./ C", (a / -(-b)) / c),
        ("A * -B .* C", a.matmul(-b) * c),
        ("A / -2 .* C", (a / -2.0) * c),
        ("A / -B^C * C", (a / -b.pow(c)).matmul(c)),
        ("A + -B ⊙ C", a + -(b * c)),
        ("A^-B ⊙ C", a.pow(-b) * c),
        ("A^-2 ⊙ C", a.pow(-2.0) * c),
        ("A^−B^C", a.pow(-b.pow(c))),
        ("√−A ⊙ B", (-a).sqrt() * b),
        ("A ⊘ Σᵢ −B ⊙ C", a / (-(b * c)).sum_over(Over::Columns)),
        ("√A + |B − |C||", a.sqrt() + (b - c.abs()).abs()),
        ("[A > B + C] ⊙ [A = 0]", a.greater(b + c) * a.equal(0.0)),
        ("exp(-A) ./ ln(B)", (-a).exp() / b.ln()),
        ("select([A > 0], A, -B)", a.greater(0.0).select(a, -b)),
        ("1e-3 * A", tape.scalar(1e-3) * a),
        ("1·10⁻³ · A", tape.scalar(1e-3) * a),
        ("A + ∞", a + f64::INFINITY),
        ("leaky_relu[0.1](A)", a.leaky_relu(0.1)),
        ("clamp[-1, 2](A)", a.clamp(-1.0, 2.0)),
        ("rows[0..2](A)", a.rows(0..2)),
    ] {
        let read = tape.reader().read(text).map_err(|error| format!("{text}: {error}")).unwrap();
        assert!(read.right == expected, "{text}: {} and not {}", read.right.equation(), expected.equation());
    }
}

#[test]
fn a_number_beyond_the_type_is_told() {
    let (double, single) = (Tape::<f64>::new(), Tape::<f32>::new());
    let a = double.parameter("A", &Matrix::zeros(2, 2));
    let _ = single.parameter("A", &Matrix::zeros(2, 2));
    let long = "9".repeat(400);
    for (text, message) in [
        ("1e400 * A".to_owned(), "character 1: a number that the type holds is expected, not 1e400"),
        ("A + 1·10⁴⁰⁰".to_owned(), "character 5: a number that the type holds is expected, not 1·10⁴⁰⁰"),
        (format!("{long} + A"), "character 1: a number that the type holds is expected"),
        ("A^1e400".to_owned(), "character 2: A^1e400 is not for 1 operands"),
    ] {
        let told = double.reader().read(&text).unwrap_err().to_string();
        assert!(told.starts_with(message), "{told}");
        assert_eq!((double.len(), double.check()), (1, Ok(())), "{text}");
    }
    let told = single.reader().read("1e39 * A").unwrap_err().to_string();
    assert_eq!(told, "character 1: a number that the type holds is expected, not 1e39");
    let reader = double.reader();
    assert!(reader.read("1e39 * A").unwrap().right == double.scalar(1e39) * a);
    assert!(reader.read("−∞ * A").unwrap().right == double.scalar(f64::NEG_INFINITY) * a);
    assert!(reader.read("clamp[-inf, 1e308](A)").unwrap().right == a.clamp(f64::NEG_INFINITY, 1e308));
}

#[test]
fn an_exponent_with_a_power_of_ten_is_in_parentheses() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("A", &Matrix::zeros(2, 2));
    for (power, printed) in
        [(1e-20, "A^(1·10⁻²⁰)"), (2.5e300, "A^(2.5·10³⁰⁰)"), (-1e-20, "A^(−1·10⁻²⁰)"), (0.5, "A^0.5")]
    {
        let var = a.powf(power);
        assert!(var.equation().to_string().ends_with(&format!(" = {printed}")), "{}", var.equation());
        round_trip(var);
    }
}

#[test]
fn a_power_of_what_is_called_t_is_no_transpose() {
    let tape = Tape::<f64>::new();
    let [a, t, theta, t1] =
        ["A", "T", "Theta", "T[1]"].map(|name| tape.parameter(name, &Matrix::zeros(3, 3)));
    for power in [a.pow(t), a.pow(theta), a.pow(t1), a.pow(t).t(), a.pow(t.pow(t1))] {
        round_trip(power);
    }
    let other = Tape::<f64>::new();
    let a = other.parameter("A", &Matrix::zeros(3, 3));
    assert!(other.reader().read("A^T * A").unwrap().right == a.t().matmul(a));
    let error = other.reader().read("A^Theta").unwrap_err();
    assert_eq!(error.to_string(), "character 3: nothing is called Theta");
}

#[test]
fn what_the_notation_leaves_out_is_taken_from_the_tape() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("A", &Matrix::zeros(2, 2));
    let leaky = a.leaky_relu(0.1);
    assert!(tape.reader().read("leaky_relu(A)").unwrap().right == leaky);
    assert!(tape.reader().read("g(A)").unwrap().right == leaky);
    assert!(tape.reader().read("g'(A)").unwrap().right == a.map_derivative(&Function::LeakyRelu(0.1)));
    let _ = a.leaky_relu(0.2);
    for text in ["leaky_relu(A)", "g(A)", "g'(A)"] {
        let error = tape.reader().read(text);
        // g′ of the first slope is an entry, and so is what g′ means.
        match error {
            Ok(read) => assert!(text == "g'(A)" && read.right == a.map_derivative(&Function::LeakyRelu(0.1))),
            Err(error) => {
                assert!(matches!(error.mistake(), EquationMistake::WhichFunction { .. }), "{text}: {error}")
            }
        }
    }
    let error = tape.reader().read("leaky_relu(A)").unwrap_err();
    let expected = "character 1: leaky_relu of A could be leaky_relu[0.1] or leaky_relu[0.2]: write which";
    assert_eq!(error.to_string(), expected);
    let cube =
        Function::new("cube", |x: f64| x * x * x).with_derivative(Function::new("cube′", |x| 3.0 * x * x));
    let reader = tape.reader().function("h", &cube);
    assert!(reader.read("h'(A)").unwrap().right == a.map_derivative(&cube));
    // A repetition alone prints as what it repeats: that is a limit.
    let r = tape.parameter("r", &Matrix::zeros(1, 2));
    let repeated = r.broadcast_to(Shape::new(2, 2)).named("R");
    assert!(tape.reader().read(&repeated.equation().to_string()).unwrap().right == r);
    assert!(tape.reader().read("repeat[2×2](r)").unwrap().right == repeated);
    // x² is of square() where both are there.
    let (whole, square) = (a.powi(2), a.square());
    assert_eq!(tape.reader().read("A²").unwrap().right, square);
    assert_eq!(whole.equation().to_string().split_once(" = ").unwrap().1, "A²");
}

#[test]
fn a_mistake_is_told_with_its_place_and_records_nothing() {
    let tape = Tape::<f64>::new();
    let net = net(&tape);
    let reader = tape.reader().alias("A[0]", net.x);
    let length = tape.len();
    for (text, message) in [
        ("", "character 1: the text ends where a name, a number, a function or a parenthesis is expected"),
        (
            "1/m *",
            "character 6: the text ends where a name, a number, a function or a parenthesis is expected",
        ),
        ("d[1] * (A[0]'", "character 14: the text ends where ) is expected"),
        ("d[1]) * A[0]", "character 5: an operator or the end is expected, not )"),
        ("d[1] A[0]", "character 6: an operator or the end is expected, not A"),
        ("d[1] * A[9]", "character 8: nothing is called A[9] (did you mean A[0]?)"),
        ("W[1] * Q", "character 8: nothing is called Q"),
        ("tanj(Z[1])", "character 1: no function is called tanj (did you mean tanh?)"),
        ("tanh(Z[1], Z[1])", "character 1: tanh is not for 2 operands, or has other parameters"),
        ("clamp(Z[1])", "character 1: clamp is not for 1 operands, or has other parameters"),
        ("W[1] + leaky_relu(Z[1])", "character 8: leaky_relu is not for 1 operands, or has other parameters"),
        (
            "W[1] · X",
            "character 6: ·: · is for a number and a matrix: W[1] is 4×2, X is 2×m (* is the product of matrices, and ⊙ the elementwise one), at",
        ),
        ("1/m * d[1] * A[0]", "character 12: matmul: inner dimensions differ: d[1] is 4×m, A[0] is 2×m"),
        ("Z[1] + Z[2] * X", "character 13: matmul: inner dimensions differ: Z[2] is 1×m, X is 2×m"),
        ("[A[1]]", "character 6: > or = is expected, not ]"),
        ("Z[1] > 0", "character 6: an operator or the end is expected, not >"),
        ("1 + …", "character 5: this was left out of a printed equation that was too long"),
        ("W[1] ∈ ℝ⁴ˣ²", "character 6: an operator or the end is expected, not ∈"),
        ("%99999", "character 1: nothing is called %99999"),
    ] {
        let error = reader.read(text).expect_err(text);
        assert!(error.to_string().starts_with(message), "{text}\n{error}\n{message}");
        assert_eq!((tape.len(), tape.check()), (length, Ok(())), "{text}");
    }
    let _ = tape.parameter("W[1]", &Matrix::zeros(1, 1));
    let error = tape.reader().read("W[1]").unwrap_err();
    assert!(
        error.to_string().starts_with("character 1: several entries are called W[1]: write %"),
        "{error}"
    );
}

#[test]
fn extremes_are_read_where_the_tape_has_none_yet() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("A", &Matrix::zeros(3, 3));
    let read =
        |text: &str| tape.reader().read(text).map_err(|error| format!("{text}: {error}")).unwrap().right;
    for (over, letters) in [(Over::All, ""), (Over::Rows, "_rows"), (Over::Columns, "_columns")] {
        assert!(read(&format!("max{letters}(A)")) == a.max_over(over));
        assert!(read(&format!("min{letters}(A)")) == a.min_over(over));
        assert!(read(&format!("max_norm{letters}(A)")) == a.max_norm_over(over));
        assert!(read(&format!("log_sum_exp{letters}(A)")) == a.log_sum_exp_over(over));
    }
}

#[test]
fn a_derivative_that_there_is_not_records_nothing() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("A", &Matrix::zeros(2, 2));
    let reader = tape.reader().function("h", &Function::new("h", |x| x));
    for (text, message) in [
        ("(A + A) ⊙ h′(A)", "character 11: gradients: h gives no derivative with respect to its operand 0"),
        ("(A + A) ⊙ sin'''(A)", "character 11: ′: sin has no further derivative by name"),
    ] {
        let (error, line) = (reader.read(text).unwrap_err().to_string(), line!());
        let here = format!("at {}:{line}:", file!());
        assert!(error.starts_with(message) && error.contains(&here), "{error}");
        assert_eq!((tape.len(), tape.check()), (1, Ok(())), "{text}");
    }
    assert!(reader.read("h(A)").is_ok());
    assert!(reader.read("sin''(A)").unwrap().right == -a.sin());
}

#[test]
fn what_is_read_is_recorded_where_it_was_read() {
    let tape = Tape::<f64>::new();
    let _ = tape.parameter("A", &Matrix::zeros(2, 2));
    let (_, line) = (tape.reader().read("(A * A + 2) ⊙ tanh″(A)").unwrap(), line!());
    for entry in tape.entries().skip(1) {
        assert_eq!((entry.place().file(), entry.place().line()), (file!(), line), "{}", entry.label());
    }
}

#[test]
fn long_and_deep_texts_end_in_an_error_or_an_entry() {
    let tape = Tape::<f64>::new();
    let _ = tape.parameter("A", &Matrix::zeros(2, 2));
    let reader = tape.reader();
    let too_long = "A + ".repeat(EquationReader::<f64>::LONGEST);
    assert!(matches!(reader.read(&too_long).unwrap_err().mistake(), EquationMistake::TooLong { .. }));
    for open in ["(", "|A + ", "tanh(", "[A > "] {
        let deep = open.repeat(EquationReader::<f64>::DEEPEST + 5);
        assert!(matches!(reader.read(&deep).unwrap_err().mistake(), EquationMistake::TooDeep), "{open}");
    }
    let nested = "tanh(".repeat(900) + "A" + &")".repeat(900);
    assert!(reader.read(&nested).is_ok());
    for prefix in ["-", "√", "Σᵢ ", "2 · "] {
        assert!(reader.read(&(prefix.repeat(9000) + "A")).is_ok(), "{prefix}");
    }
    assert!(reader.read(&("A".to_owned() + &"'".repeat(60_000))).is_ok());
    assert!(reader.read(&("A^".repeat(3000) + "A")).is_ok());
    // The longest equation that is printed.
    let mut deep = tape.named("A").unwrap();
    for _ in 0..599 {
        deep = deep.tanh();
    }
    round_trip(deep);
}

/// Pieces of equations, and what is none.
const PIECES: &[&str] = &[
    "A",
    "W[1]",
    "Z[1]",
    "d[1]",
    "∂J/∂W[1]",
    "1/m",
    "2",
    "1·10⁻³",
    "m",
    "%3",
    "(",
    ")",
    "[",
    "]",
    "|",
    ",",
    "+",
    "−",
    "-",
    "*",
    "*ᵢ",
    "⊙",
    "⊘",
    "·",
    "^",
    "²",
    "⁻",
    "ᵀ",
    "'",
    "ᵢ",
    "Σᵢ ",
    "Σ",
    "√",
    "tanh(",
    "g′(",
    "g⁽⁹⁾(",
    "rows[0..9](",
    "select(",
    "repeat[2×m](",
    "I[99999999999](",
    "softmax_rows(",
    "ℒ(",
    "=",
    ">",
    "…",
    "∞",
    "NaN",
    "e",
    ".",
    " ",
    "\u{0}",
    "\n",
    "é",
    "🧪",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    /// Whatever the text is: an entry or an error with a place in it.
    #[test]
    fn nothing_panics(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40), any in ".{0,20}") {
        let tape = Tape::<f64>::new();
        let _ = net(&tape);
        let length = tape.len();
        for text in [pieces.concat(), any.clone(), pieces.concat() + &any] {
            match tape.reader().read(&text) {
                Ok(read) => prop_assert!(read.right.sound().is_ok()),
                Err(error) => {
                    prop_assert!(error.at() <= text.chars().count(), "{}", error);
                    let _ = error.to_string();
                    prop_assert!(tape.len() == length, "{} left something on the tape", text);
                }
            }
            if tape.len() > length { return Ok(()); }
        }
    }

    /// A printed equation of which some characters were changed.
    #[test]
    fn nothing_panics_near_an_equation(
        at in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(PIECES), 0..3_usize), 1..4),
        which in 0..4_usize,
    ) {
        let tape = Tape::<f64>::new();
        let mut text: Vec<char> = net(&tape).gradients[which].equation().to_string().chars().collect();
        for (index, piece, removed) in at {
            let at = index.index(text.len() + 1);
            let end = (at + removed).min(text.len());
            text.splice(at..end, piece.chars());
        }
        let text: String = text.into_iter().collect();
        if let Ok(read) = tape.reader().read(&text) {
            // What was read prints as something that is read as the same.
            let again = tape.reader().read(&read.right.equation().to_string());
            let is_leaf = read.right.entry().unwrap().leaf_kind().is_some();
            prop_assert!(is_leaf || again.as_ref().is_ok_and(|again| again.right == read.right), "{}: {:?}", text, again);
        }
    }
}

/// It is printed without its sign, and so has none when it is read.
#[test]
fn nan_has_no_sign() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &Matrix::zeros(1, 1));
    for text in ["−NaN", "-NaN/m", "-NaN · x", "x + -NaN"] {
        let read = tape.reader().read(text).unwrap().right;
        let printed = read.equation().to_string();
        assert_eq!(tape.reader().read(&printed).unwrap().right, read, "{text} is printed as {printed}");
    }
    assert!(tape.reader().read("x").unwrap().right == x);
}

//! What is printed of a tape, against literal texts.

use tape::{Function, Matrix, Over, Tape, Var};

/// A network of fully connected layers over X with the log-loss, as the textbook writes it.
struct Net<'t> {
    w: Vec<Var<'t, f64>>,
    b: Vec<Var<'t, f64>>,
    z: Vec<Var<'t, f64>>,
    a: Vec<Var<'t, f64>>,
    j: Var<'t, f64>,
    dw: Vec<Var<'t, f64>>,
    db: Vec<Var<'t, f64>>,
}

fn net<'t>(tape: &'t Tape<f64>, sizes: &[usize]) -> Net<'t> {
    let x = tape.examples("X", &Matrix::zeros(sizes[0], 5));
    let y = tape.examples("Y", &Matrix::zeros(*sizes.last().unwrap(), 5));
    let (mut w, mut b, mut z, mut a) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut below = x;
    let layers = sizes.len() - 1;
    for l in 1..=layers {
        w.push(tape.parameter(&format!("W[{l}]"), &Matrix::zeros(sizes[l], sizes[l - 1])));
        b.push(tape.parameter(&format!("b[{l}]"), &Matrix::zeros(sizes[l], 1)));
        z.push((w[l - 1].matmul(below) + b[l - 1]).named(format!("Z[{l}]")));
        let activation = if l == layers { z[l - 1].sigmoid() } else { z[l - 1].tanh() };
        a.push(activation.named(format!("A[{l}]")));
        below = a[l - 1];
    }
    let j = below.log_loss(y).mean().named("J");
    let gradients = j.gradients(w.iter().chain(&b).copied().collect::<Vec<_>>());
    let (dw, db) = gradients.split_at(layers);
    Net { w, b, z, a, j, dw: dw.to_vec(), db: db.to_vec() }
}

#[track_caller]
fn prints(var: Var<'_, f64>, expected: &str) {
    assert_eq!(var.equation().to_string(), expected);
}

#[test]
fn depth_1_is_eq_26_and_27() {
    let tape = Tape::new();
    let net = net(&tape, &[3, 1]);
    prints(net.dw[0], "∂J/∂W[1] = 1/m · (∂ℒ/∂A[1] ⊙ g′(Z[1])) * Xᵀ");
    prints(net.db[0], "∂J/∂b[1] = 1/m · Σᵢ (∂ℒ/∂A[1] ⊙ g′(Z[1]))");
    prints(net.z[0], "Z[1] = W[1] * X + b[1]");
    prints(net.a[0], "A[1] = σ(Z[1])");
    prints(net.j, "J = 1/m · Σᵢ ℒ(Y, A[1])");
}

#[test]
fn depth_2_is_eq_26_to_28_and_eq_8() {
    let tape = Tape::new();
    let net = net(&tape, &[2, 4, 1]);
    prints(net.dw[0], "∂J/∂W[1] = 1/m · ((W[2]ᵀ * (∂ℒ/∂A[2] ⊙ g′(Z[2]))) ⊙ g′(Z[1])) * Xᵀ");
    prints(net.db[0], "∂J/∂b[1] = 1/m · Σᵢ ((W[2]ᵀ * (∂ℒ/∂A[2] ⊙ g′(Z[2]))) ⊙ g′(Z[1]))");
    prints(net.dw[1], "∂J/∂W[2] = 1/m · (∂ℒ/∂A[2] ⊙ g′(Z[2])) * A[1]ᵀ");
    prints(net.db[1], "∂J/∂b[2] = 1/m · Σᵢ (∂ℒ/∂A[2] ⊙ g′(Z[2]))");
    let [da1, da2] = net.j.gradients([net.a[0], net.a[1]]);
    prints(da2, "∂J/∂A[2] = 1/m · ∂ℒ/∂A[2]");
    prints(da1, "∂J/∂A[1] = 1/m · W[2]ᵀ * (∂ℒ/∂A[2] ⊙ g′(Z[2]))");
    let y = tape.variables().find(|v| v.name().as_deref() == Some("Y")).unwrap();
    let [da2] = net.a[1].log_loss(y).sum().gradients([net.a[1]]);
    prints(da2, "∂ℒ/∂A[2] = −(Y ⊘ A[2] − (1 − Y) ⊘ (1 − A[2]))");
    let named = net.dw[0].equation().with_function_names().to_string();
    assert_eq!(named, "∂J/∂W[1] = 1/m · ((W[2]ᵀ * (∂ℒ/∂A[2] ⊙ σ′(Z[2]))) ⊙ tanh′(Z[1])) * Xᵀ");
}

#[test]
fn depth_3_as_a_system_names_each_delta_once() {
    let tape = Tape::new();
    let net = net(&tape, &[2, 4, 3, 1]);
    prints(
        net.dw[0],
        "∂J/∂W[1] = 1/m · ((W[2]ᵀ * ((W[3]ᵀ * (∂ℒ/∂A[3] ⊙ g′(Z[3]))) ⊙ g′(Z[2]))) ⊙ g′(Z[1])) * Xᵀ",
    );
    let gradients = net.dw.iter().zip(&net.db).flat_map(|(&dw, &db)| [dw, db]);
    assert_eq!(
        tape.equations(gradients).to_string(),
        "\
∂ℒ/∂A[3] = −(Y ⊘ A[3] − (1 − Y) ⊘ (1 − A[3]))
    δ[3] = ∂ℒ/∂Z[3] = ∂ℒ/∂A[3] ⊙ g′(Z[3])
∂J/∂W[3] = 1/m · δ[3] * A[2]ᵀ
∂J/∂b[3] = 1/m · Σᵢ δ[3]
∂ℒ/∂A[2] = W[3]ᵀ * δ[3]
    δ[2] = ∂ℒ/∂Z[2] = ∂ℒ/∂A[2] ⊙ g′(Z[2])
∂J/∂W[2] = 1/m · δ[2] * A[1]ᵀ
∂J/∂b[2] = 1/m · Σᵢ δ[2]
∂ℒ/∂A[1] = W[2]ᵀ * δ[2]
    δ[1] = ∂ℒ/∂Z[1] = ∂ℒ/∂A[1] ⊙ g′(Z[1])
∂J/∂W[1] = 1/m · δ[1] * Xᵀ
∂J/∂b[1] = 1/m · Σᵢ δ[1]"
    );
}

#[test]
fn the_forward_part_is_a_system_too() {
    let tape = Tape::new();
    let net = net(&tape, &[2, 4, 1]);
    let forward = [net.j, net.a[1], net.z[1], net.a[0], net.z[0]];
    let expected = "\
Z[1] = W[1] * X + b[1]
A[1] = tanh(Z[1])
Z[2] = W[2] * A[1] + b[2]
A[2] = σ(Z[2])
   J = 1/m · Σᵢ ℒ(Y, A[2])";
    assert_eq!(tape.equations(forward).to_string(), expected);
    let with_leaf = tape.equations([net.w[0], net.b[0]]).to_string();
    assert_eq!(with_leaf, "W[1] ∈ ℝ⁴ˣ²\nb[1] ∈ ℝ⁴ˣ¹");
    assert_eq!(tape.equations([]).to_string(), "");
}

#[test]
fn a_renamed_entry_is_renamed_everywhere() {
    let tape = Tape::new();
    let net = net(&tape, &[2, 4, 1]);
    let _ = net.z[0].named("P");
    let _ = net.a[0].named("H");
    let _ = net.w[1].named("V");
    prints(net.dw[0], "∂J/∂W[1] = 1/m · ((Vᵀ * (∂ℒ/∂A[2] ⊙ g′(Z[2]))) ⊙ g′(P)) * Xᵀ");
    prints(net.dw[1], "∂J/∂V = 1/m · (∂ℒ/∂A[2] ⊙ g′(Z[2])) * Hᵀ");
    let expected = "\
∂ℒ/∂A[2] = −(Y ⊘ A[2] − (1 − Y) ⊘ (1 − A[2]))
    δ[2] = ∂ℒ/∂Z[2] = ∂ℒ/∂A[2] ⊙ g′(Z[2])
   ∂J/∂V = 1/m · δ[2] * Hᵀ
   ∂ℒ/∂H = Vᵀ * δ[2]
   ∂ℒ/∂P = ∂ℒ/∂H ⊙ g′(P)
∂J/∂W[1] = 1/m · ∂ℒ/∂P * Xᵀ
∂J/∂b[1] = 1/m · Σᵢ ∂ℒ/∂P";
    assert_eq!(tape.equations([net.dw[0], net.db[0], net.dw[1]]).to_string(), expected);
    // A name given to a derivative is used as any other.
    let _ = net.dw[0].named("G");
    prints(net.dw[0].square().sum().named("N"), "N = Σ G²");
}

#[test]
fn a_residual_connection_shows_in_the_equation() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("X", &Matrix::zeros(3, 5));
    let y = tape.examples("Y", &Matrix::zeros(3, 5));
    let [w1, w2] = ["W[1]", "W[2]"].map(|name| tape.parameter(name, &Matrix::zeros(3, 3)));
    let a1 = w1.matmul(x).named("Z[1]").tanh().named("A[1]");
    let a2 = (w2.matmul(a1).named("Z[2]").tanh() + a1).named("A[2]");
    let j = a2.sigmoid().named("P").log_loss(y).mean().named("J");
    let [dw1, dw2] = j.gradients([w1, w2]);
    prints(a2, "A[2] = tanh(Z[2]) + A[1]");
    let expected = "
   ∂ℒ/∂P = −(Y ⊘ P − (1 − Y) ⊘ (1 − P))
∂ℒ/∂A[2] = ∂ℒ/∂P ⊙ g′(A[2])
    δ[2] = ∂ℒ/∂Z[2] = ∂ℒ/∂A[2] ⊙ g′(Z[2])
∂J/∂W[2] = 1/m · δ[2] * A[1]ᵀ
∂ℒ/∂A[1] = ∂ℒ/∂A[2] + W[2]ᵀ * δ[2]
    δ[1] = ∂ℒ/∂Z[1] = ∂ℒ/∂A[1] ⊙ g′(Z[1])
∂J/∂W[1] = 1/m · δ[1] * Xᵀ";
    assert_eq!(format!("\n{}", tape.equations([dw1, dw2])), expected);
    prints(
        dw1,
        "∂J/∂W[1] = 1/m · ((∂ℒ/∂P ⊙ g′(A[2]) + W[2]ᵀ * (∂ℒ/∂P ⊙ g′(A[2]) ⊙ g′(Z[2]))) ⊙ g′(Z[1])) * Xᵀ",
    );
}

#[test]
fn a_multiple_of_a_derivative_tells_its_factor() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("X", &Matrix::zeros(3, 5));
    let y = tape.examples("Y", &Matrix::zeros(1, 5));
    let w = tape.parameter("W[1]", &Matrix::zeros(1, 3));
    let b = tape.parameter("b[1]", &Matrix::zeros(1, 1));
    let a = (w.matmul(x) + b).named("Z[1]").tanh().named("A[1]");
    let [dw, db] = a.squared_error(y).mean().gradients([w, b]);
    prints(dw, "∂J/∂W[1] = 1/m · (∂ℒ/∂A[1] ⊙ g′(Z[1])) * Xᵀ");
    let expected = "
∂ℒ/∂A[1] = 2 · (A[1] − Y)
    δ[1] = ∂ℒ/∂Z[1] = ∂ℒ/∂A[1] ⊙ g′(Z[1])
∂J/∂W[1] = 1/m · δ[1] * Xᵀ
∂J/∂b[1] = 1/m · Σᵢ δ[1]";
    assert_eq!(format!("\n{}", tape.equations([dw, db])), expected);
    let latex = r"\begin{align*}
\frac{\partial \mathcal{L}}{\partial A^{[1]}} &= 2 \cdot (A^{[1]} - Y) \\
\delta^{[1]} &= \frac{\partial \mathcal{L}}{\partial Z^{[1]}} = \frac{\partial \mathcal{L}}{\partial A^{[1]}} \odot g'(Z^{[1]}) \\
\frac{\partial J}{\partial W^{[1]}} &= \frac{1}{m} \cdot \delta^{[1]} * X^{\top} \\
\frac{\partial J}{\partial b^{[1]}} &= \frac{1}{m} \cdot \sum_{i} \delta^{[1]}
\end{align*}";
    assert_eq!(tape.equations([dw, db]).latex(), latex);
}

#[test]
fn functions_of_the_users_own_have_their_names_and_primes() {
    let swish = Function::new("swish", |x: f64| x).with_derivative(
        Function::new("s1", |x| x).with_derivative(
            Function::new("s2", |x| x)
                .with_derivative(Function::new("s3", |x| x).with_derivative(Function::new("s4", |x| x))),
        ),
    );
    let tape = Tape::new();
    let x = tape.parameter("x", &Matrix::scalar(1.0));
    let mut y = x.map(&swish).named("y");
    prints(y, "y = swish(x)");
    for (textbook, named) in [("g′", "swish′"), ("g″", "swish″"), ("g‴", "swish‴"), ("g⁽⁴⁾", "swish⁽⁴⁾")]
    {
        [y] = y.gradients([x]);
        assert!(y.equation().to_string().ends_with(&format!(" = {textbook}(x)")), "{}", y.equation());
        let shown = y.equation().with_function_names().to_string();
        assert!(shown.ends_with(&format!(" = {named}(x)")), "{shown}");
    }
    assert!(y.equation().latex().ends_with(r"= g^{(4)}(x)"), "{}", y.equation().latex());
    assert!(y.equation().with_function_names().latex().ends_with(r"\operatorname{swish}^{(4)}(x)"));
}

#[test]
fn second_order_goes_through_the_first() {
    let tape = Tape::<f64>::new();
    let x = tape.constant("x", &Matrix::zeros(2, 1));
    let w = tape.parameter("w", &Matrix::zeros(1, 2));
    let j = w.matmul(x).named("z").tanh().named("J");
    let [dw] = j.gradients([w]);
    prints(dw, "∂J/∂w = ∂J/∂z * xᵀ");
    let n = dw.square().sum().named("N");
    let [ddw] = n.gradients([w]);
    prints(n, "N = Σᵢ (∂J/∂z * xᵀ)²");
    let expected = "\
∂J/∂z = g′(z)
∂J/∂w = ∂J/∂z * xᵀ
∂N/∂z = ((2 · ∂J/∂w) * (xᵀ)ᵀ) ⊙ (−2 · J ⊙ ∂J/∂z)
∂N/∂w = ∂N/∂z * xᵀ";
    assert_eq!(tape.equations([ddw]).to_string(), expected);
}

#[test]
fn two_derivatives_of_one_name_are_not_confused() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &Matrix::zeros(2, 1));
    let a = x.tanh().named("a");
    let [d1] = a.sin().sum_over(Over::Rows).named("J").gradients([x]);
    let [d2] = a.cos().sum_over(Over::Rows).named("J").gradients([x]);
    prints(d1, "∂J/∂x = ∂J/∂a ⊙ g′(x)");
    prints(d2, "∂J/∂x = (−sin(a)) ⊙ g′(x)");
    let expected = "\
∂J/∂a = cos(a)
∂J/∂x = ∂J/∂a ⊙ g′(x)
∂J/∂x = (−sin(a)) ⊙ g′(x)";
    assert_eq!(tape.equations([d1, d2]).to_string(), expected);
}

/// A row for each notation: Unicode, LaTeX.
#[test]
fn every_notation_is_shown() {
    let tape = Tape::<f64>::new();
    let [a, b] = ["A", "B"].map(|name| tape.parameter(name, &Matrix::zeros(2, 2)));
    let x = tape.examples("X", &Matrix::zeros(2, 3));
    let c = tape.parameter("c", &Matrix::zeros(2, 1));
    let rows = [
        (a.matmul(b.t()), "A * Bᵀ", r"A * B^{\top}"),
        (a.matmul(b).matmul(a), "A * B * A", "A * B * A"),
        (a.matmul(b.matmul(a)), "A * (B * A)", "A * (B * A)"),
        (a.matmul(b) * a, "(A * B) ⊙ A", r"(A * B) \odot A"),
        (a * b * a, "A ⊙ B ⊙ A", r"A \odot B \odot A"),
        (a * (b / a), "A ⊙ (B ⊘ A)", r"A \odot \frac{B}{A}"),
        (a / b / a, "(A ⊘ B) ⊘ A", r"\frac{\frac{A}{B}}{A}"),
        ((a / b).t() + a, "(A ⊘ B)ᵀ + A", r"\left(\frac{A}{B}\right)^{\top} + A"),
        (a + b - (a - b), "A + B − (A − B)", "A + B - (A - B)"),
        (a - 2.0 * b, "A − 2 · B", r"A - 2 \cdot B"),
        (a + -3.0 * b, "A + (−3 · B)", r"A + (-3 \cdot B)"),
        (-(a + b), "−(A + B)", "-(A + B)"),
        (-a * b, "(−A) ⊙ B", r"(-A) \odot B"),
        (-(a * b), "−A ⊙ B", r"-A \odot B"),
        (2.0 * (a + b), "2 · (A + B)", r"2 \cdot (A + B)"),
        (a / (a * 0.5), "A ⊘ (0.5 · A)", r"\frac{A}{0.5 \cdot A}"),
        (a / 49.0, "A ⊘ 49", r"\frac{A}{49}"),
        (1.0 * a, "1 · A", r"1 \cdot A"),
        (a + 0.0, "A + 0", "A + 0"),
        (-(-a), "−(−A)", "-(-A)"),
        (a.t().t(), "(Aᵀ)ᵀ", r"(A^{\top})^{\top}"),
        (tape.one_over_m(), "1/m", r"\frac{1}{m}"),
        (c * tape.one_over_m() * 2.0, "2 · (1/m · c)", r"2 \cdot \left(\frac{1}{m} \cdot c\right)"),
        (x.mean(), "1/m · (Σ X) ⊘ 2", r"\frac{1}{m} \cdot \frac{\sum X}{2}"),
        (x.mean_over(Over::Columns), "1/m · Σᵢ X", r"\frac{1}{m} \cdot \sum_{i} X"),
        (x.sum_over(Over::Rows) * x, "(Σⱼ X) ⊙ X", r"\left(\sum_{j} X\right) \odot X"),
        ((a * b).sum_over(Over::Columns), "Σᵢ (A ⊙ B)", r"\sum_{i} (A \odot B)"),
        (x.block_t().block_matmul(x), "Xᵀᵢ *ᵢ X", r"X^{\top_{i}} *_{i} X"),
        (x.unfold(2), "unfold[2](X)", r"\text{unfold[2]}(X)"),
        (a.pow(b + 1.0), "A^(B + 1)", "A^{B + 1}"),
        ((a + 1.0).pow(b), "(A + 1)^B", "(A + 1)^{B}"),
        (a.square().powi(3), "(A²)³", "(A^{2})^{3}"),
        (a.powi(-2), "A⁻²", "A^{-2}"),
        (a.powf(0.5), "A^0.5", "A^{0.5}"),
        (a.powf(-0.5), "A^(−0.5)", "A^{-0.5}"),
        (a.sqrt(), "√A", r"\sqrt{A}"),
        ((a + b).sqrt().square(), "(√(A + B))²", r"\sqrt{A + B}^{2}"),
        (a.abs(), "|A|", r"\lvert A \rvert"),
        (a.abs().abs(), "|(|A|)|", r"\lvert \lvert A \rvert \rvert"),
        (a.exp(), "exp(A)", "e^{A}"),
        ((-a).exp() * b, "exp(−A) ⊙ B", r"e^{-A} \odot B"),
        (a.ln(), "ln(A)", r"\ln(A)"),
        (a.greater(b), "[A > B]", r"[A > B]"),
        (a.equal(0.0), "[A = 0]", "[A = 0]"),
        (a.sigmoid(), "σ(A)", r"\sigma(A)"),
        (a.leaky_relu(0.1), "leaky_relu(A)", r"\operatorname{leaky\_relu}(A)"),
        (c.broadcast_to(a.shape().unwrap()), "c", "c"),
        (c.broadcast_to(a.shape().unwrap()) + a, "c + A", "c + A"),
        (
            c.broadcast_to(a.shape().unwrap()).matmul(a),
            "repeat[2×2](c) * A",
            r"\text{repeat[2$\times$2]}(c) * A",
        ),
        (a.greater(0.0).select(a, b), "select([A > 0], A, B)", r"\operatorname{select}([A > 0], A, B)"),
        (a.rows(0..1), "rows[0..1](A)", r"\text{rows[0..1]}(A)"),
        (tape.stack_rows(&[a, b]), "stack_rows(A, B)", r"\operatorname{stack\_rows}(A, B)"),
        (a.max(), "max(A)", r"\max(A)"),
        (tape.scalar(-2.5), "−2.5", "-2.5"),
        (tape.scalar(1e-30), "1·10⁻³⁰", r"1 \cdot 10^{-30}"),
        (a + f64::INFINITY, "A + ∞", r"A + \infty"),
        (a.t().tanh(), "tanh(Aᵀ)", r"\tanh(A^{\top})"),
    ];
    for (var, unicode, latex) in rows {
        let (left, right) =
            var.equation().to_string().split_once(" = ").map(|(l, r)| (l.to_owned(), r.to_owned())).unwrap();
        assert!(left.starts_with('%'), "{left}");
        assert_eq!(right, unicode);
        assert_eq!(var.equation().latex().split_once(" = ").unwrap().1, latex);
        well_formed(&var.equation().mathml());
    }
}

/// Tags are closed in their order, and nothing else looks like one.
#[track_caller]
fn well_formed(mathml: &str) {
    let mut open = Vec::new();
    for part in mathml.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap();
        match tag.strip_prefix('/') {
            Some(tag) => assert_eq!(open.pop(), Some(tag), "{mathml}"),
            None => open.push(tag.split(' ').next().unwrap()),
        }
        assert!(!text.contains('>'), "{mathml}");
        let entities = ["amp;", "lt;", "gt;", "quot;", "#x2061;"];
        assert!(text.split('&').skip(1).all(|t| entities.iter().any(|e| t.starts_with(e))), "{mathml}");
    }
    assert!(open.is_empty() && mathml.starts_with("<math display=\"block\">"), "{mathml}");
}

#[test]
fn odd_names_stay_unambiguous_and_are_escaped() {
    let tape = Tape::<f64>::new();
    let leaf = |name: &str| tape.parameter(name, &Matrix::zeros(2, 2));
    let w = leaf("W");
    let rows = [
        ("x_1", "x_1", r"\text{x\_1}", "<mi>x_1</mi>"),
        ("50% & more", "(50% & more)", r"(\text{50\% \& more})", "<mi>50% &amp; more</mi>"),
        ("a<b>", "(a<b>)", r"(\text{a\textless{}b\textgreater{}})", "<mi>a&lt;b&gt;</mi>"),
        (r"\input{x}", r"\input{x}", r"\text{\textbackslash{}input\{x\}}", r"<mi>\input{x}</mi>"),
        ("$#~^", "$#~^", r"\text{\$\#\textasciitilde{}\textasciicircum{}}", "<mi>$#~^</mi>"),
        ("a\nb", "(a b)", r"(\text{a b})", "<mi>a b</mi>"),
        ("a + b", "(a + b)", r"(\text{a + b})", "<mi>a + b</mi>"),
        ("W[l+1]", "W[l+1]", "W^{[l+1]}", "<mi>l+1</mi>"),
        ("x′", "x′", "x'", "<mi>x′</mi>"),
        ("θ", "θ", r"\theta", "<mi>θ</mi>"),
        ("∇loss_θ", "∇loss_θ", r"\text{$\nabla$loss\_$\theta$}", "<mi>∇loss_θ</mi>"),
        ("∂J/∂V[2]", "∂J/∂V[2]", r"\frac{\partial J}{\partial V^{[2]}}", "<mfrac>"),
        ("\"q\"", "\"q\"", r#"\text{"q"}"#, "<mi>&quot;q&quot;</mi>"),
    ];
    for (name, unicode, latex, mathml) in rows {
        let equation = (w * leaf(name)).named("P").equation();
        assert_eq!(equation.to_string(), format!("P = W ⊙ {unicode}"));
        assert_eq!(equation.latex(), format!(r"P = W \odot {latex}"));
        assert!(equation.mathml().contains(mathml), "{}", equation.mathml());
        well_formed(&equation.mathml());
    }
    let transposed = leaf("∂J/∂V").matmul(leaf("W[1]").t());
    prints(leaf("∂J/∂V").t().matmul(w).named("Q"), "Q = (∂J/∂V)ᵀ * W");
    assert_eq!(
        transposed.named("R").equation().latex(),
        r"R = \frac{\partial J}{\partial V} * {W^{[1]}}^{\top}"
    );
    prints((w + leaf("  ")).named(""), &format!("%{} = W + %{}", tape.len() - 1, tape.len() - 2));
}

#[test]
fn a_void_variable_shows_its_mistake() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("A", &Matrix::zeros(2, 3));
    let void = a.matmul(a);
    prints(void, &format!("void = ({})", void.sound().unwrap_err()));
    let other = Tape::<f64>::new();
    let foreign = tape.equations([other.scalar(1.0)]).to_string();
    assert!(foreign.contains("another tape"), "{foreign}");
    assert!(tape.dot_of([void]).contains("shape=note"));
}

#[test]
fn a_long_chain_is_cut_and_nothing_overflows() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &Matrix::zeros(2, 1));
    let mut y = x;
    for _ in 0..50_000 {
        y = y.sin() + x;
    }
    let equation = y.equation();
    let shown = equation.to_string();
    assert!(
        shown.starts_with("%100000 = sin(sin(") && shown.contains('…') && shown.len() < 10_000,
        "{shown}"
    );
    assert!(equation.latex().contains(r"\dots"));
    well_formed(&equation.mathml());
    let [dx] = y.sum().named("J").gradients([x]);
    assert!(dx.equation().to_string().len() < 20_000);
    assert!(tape.equations([dx]).to_string().starts_with("∂J/∂x = "));
    assert_eq!(tape.dot_of([y]).lines().count(), 4 + 100_001 + 150_000 + 1);
    assert_eq!(tape.to_string().lines().count(), tape.len() + 1);
}

#[test]
fn a_long_network_is_cut_into_many_lines() {
    let tape = Tape::<f64>::new();
    let mut y = tape.parameter("x", &Matrix::zeros(2, 1));
    let all: Vec<_> = (0..5_000)
        .map(|i| {
            y = y.sin().named(format!("y{i}"));
            y
        })
        .collect();
    let system = tape.equations(all);
    let shown = system.to_string();
    assert!(shown.starts_with("   y0 = sin(x)\n   y1 = sin(y0)\n"));
    assert_eq!(shown.lines().count(), 2001);
    assert!(shown.ends_with("\n    ⋮ (3000 more)"), "{}", &shown[shown.len() - 80..]);
    assert!(system.latex().ends_with("&\\vdots\n\\end{align*}"));
    well_formed(&system.mathml());
}

#[test]
fn mathml_of_a_system_is_a_table() {
    let tape = Tape::new();
    let net = net(&tape, &[2, 1]);
    let mathml = tape.equations([net.z[0], net.dw[0]]).mathml();
    well_formed(&mathml);
    let first = "<mtr><mtd style=\"text-align: right\"><msup><mi>Z</mi><mrow><mo>[</mo><mn>1</mn><mo>]</mo></mrow></msup></mtd>\
        <mtd style=\"text-align: left\"><mrow><mo>=</mo>";
    assert!(mathml.contains(first), "{mathml}");
    assert_eq!(mathml.matches("<mtr>").count(), 4); // Z[1], ∂ℒ/∂A[1], δ[1] and ∂J/∂W[1]
}

#[test]
fn the_graph_has_leaves_frames_and_places() {
    let tape = Tape::<f64>::new();
    let w = tape.parameter("W \"1\"", &Matrix::zeros(2, 2));
    let x = tape.constant("x\\y", &Matrix::zeros(2, 1));
    let j = w.matmul(x).named("z").tanh().sum().named("J");
    let [dw] = j.gradients([w]);
    let expected = r##"digraph tape {
  rankdir=BT; fontname="Helvetica";
  node [shape=ellipse, style=filled, fillcolor=white, fontname="Helvetica"];
  edge [fontname="Helvetica", fontsize=10];
  0 [label="W \"1\"\nparameter\n2×2", shape=box, fillcolor="#f2f2f2"];
  1 [label="x\\y\nconstant\n2×1", shape=box, fillcolor="#f2f2f2"];
  2 [label="z\n*\n2×1"];
  subgraph cluster_1 {
    label="derivatives of J with respect to z, W \"1\""; style="rounded,filled"; color="#e8f1fa";
    6 [label="∂J/∂z\ntanh′\n2×1", penwidth=2];
    7 [label="ᵀ\n1×2"];
    8 [label="∂J/∂W \"1\"\n*\n2×2", penwidth=2];
  }
  0 -> 2 [label="1"];
  1 -> 2 [label="2"];
  2 -> 6;
  1 -> 7;
  6 -> 8 [label="1"];
  7 -> 8 [label="2"];
}
"##;
    assert_eq!(tape.dot_of([dw]), expected);
    assert_eq!(tape.dot().matches("label=").count(), 9 + 1 + 4, "{}", tape.dot()); // entries, a frame, places
}

#[test]
fn the_list_calls_operands_by_name() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &Matrix::zeros(2, 1));
    let y = (x.tanh().named("y") * 2.0 + 1.0).named("y");
    let v = tape.constant("v", &Matrix::zeros(2, 1));
    let [dx] = y.vjp([x], v);
    let _ = dx + x;
    let list = tape.to_string();
    let (mut lines, mut places) = (Vec::new(), 0);
    for line in list.lines() {
        let (line, place) = line.split_once(", recorded at ").unwrap_or((line, ""));
        places += place.contains("equations.rs:") as usize;
        lines.push(line);
    }
    let expected = [
        " %0  x  parameter  2×1",
        " %1  y  tanh(x)    2×1",
        " %2     2          1×1",
        " %3     2 · %1     2×1",
        " %4     1          1×1",
        " %5  y  %3 + 1     2×1",
        " %6  v  constant   2×1",
        "── derivatives",
        " %7     2 · v      2×1",
        " %8     tanh′(x)   2×1",
        " %9     %7 ⊙ %8    2×1",
        "── recorded by hand",
        "%10     %9 + x     2×1",
    ];
    assert_eq!(lines, expected);
    assert_eq!(places, 1);
}

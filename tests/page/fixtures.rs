//! The pages that are looked at.

use std::path::PathBuf;

use mlp::{Activation, Mlp};
use serde_json::Value;
use tape::{Dim, Matrix, Noise, Over, Program, Scalar, Shape, Tape, Var, matrix};

/// Numbers that are no round ones.
pub(crate) fn numbers<T: Scalar>(rows: usize, columns: usize, seed: usize) -> Matrix<T> {
    Matrix::from_fn(rows, columns, |i, j| T::from_f64(((seed + 7 * i + 31 * j) as f64).sin()))
}

/// A network with the data for it.
pub(crate) fn network<T: mlp::Scalar>(sizes: &[usize], m: usize) -> (Mlp<T>, Matrix<T>, Matrix<T>) {
    let mut builder = Mlp::new(sizes[0]);
    for &neurons in &sizes[1..sizes.len() - 1] {
        builder = builder.layer(neurons, Activation::Tanh);
    }
    let outputs = sizes[sizes.len() - 1];
    let mut network = builder.layer(outputs, Activation::Sigmoid).seed(3).build().expect("a network");
    let names: Vec<String> = network.parameters().keys().cloned().collect();
    for (seed, name) in names.iter().enumerate().filter(|(_, name)| name.starts_with('b')) {
        let rows = network.parameters()[name].rows();
        network.set_parameter(name, numbers(rows, 1, seed)).expect("a bias of this shape");
    }
    let y = Matrix::from_fn(outputs, m, |i, j| T::from_usize((i + j) % 2));
    (network, numbers(sizes[0], m, 1), y)
}

/// XOR for 2-4-1, else data of six examples.
pub(crate) fn examples_of(sizes: &[usize]) -> usize {
    if sizes[0] == 2 { 4 } else { 6 }
}

/// Records a network, and gives its page to `look`, with a program of all entries that the page shows.
pub(crate) fn with_page<T: mlp::Scalar, R>(
    sizes: &[usize],
    look: impl FnOnce(&Tape<T>, &Program<T>, tape::Page<'_, T>) -> R,
) -> R {
    let (network, x, y) = network::<T>(sizes, examples_of(sizes));
    let tape = Tape::new();
    let recorded = network.record(&tape, &x, &y).expect("it fits");
    let step = tape.compile([recorded.j].into_iter().chain(recorded.gradients())).expect("a sound tape");
    let page = network.page(&recorded, &step).expect("a page");
    let all: Vec<Var<'_, T>> = tape.variables().collect();
    let mut program = tape.compile(all).expect("a sound tape");
    program.run().expect("it runs");
    look(&tape, &program, page)
}

pub(crate) fn parsed(json: &str) -> Value {
    serde_json::from_str(json).expect("the document is JSON")
}

/// The log-loss by its formula, where a logit is 1000.
pub(crate) fn naive() -> String {
    let tape = Tape::<f64>::new();
    let z = tape.examples("Z", &matrix![[-2.0, 1000.0, 0.5]]);
    let y = tape.examples("Y", &matrix![[0.0, 1.0, 1.0]]);
    let a = z.sigmoid().named("A");
    let j = (-(y * a.ln() + (1.0 - y) * (1.0 - a).ln())).named("ℒ").mean().named("J");
    let [_] = j.gradients([z]);
    let program = tape.compile([j]).expect("a sound tape");
    tape.to_html(&program).expect("a page")
}

/// Names that would do harm as anything but text.
pub(crate) const HOSTILE: [&str; 8] = [
    "</script><script>window.harmed = 1</script>",
    "<img src=x onerror=\"window.harmed = 2\">",
    "<math><mi>W</mi></math>",
    "two\nlines\r\u{2028}three",
    "nul\u{0}\u{1b}[31m",
    "<!-- <script>",
    "'\"&amp;`${window.harmed = 3}",
    "\u{202e}turned",
];

/// A tape whose entries have such names.
pub(crate) fn hostile() -> String {
    let tape = Tape::<f64>::new();
    let mut x = tape.parameter(HOSTILE[0], &matrix![[0.5, -0.25]]);
    let first = x;
    for name in &HOSTILE[1..] {
        x = x.tanh().named(name);
    }
    let j = x.sum().named("<b>J</b>");
    let [dx] = j.gradients([first]);
    let program = tape.compile([dx]).expect("a sound tape");
    let page = tape::Page::new(&tape, &program).title(HOSTILE[0]);
    page.mark(j, HOSTILE[1], HOSTILE[0]).and_then(|page| page.to_html()).expect("a page")
}

/// A tape with operations of many kinds, differentiated twice, and with noise; with a leaf that has no value.
pub(crate) fn zoo(look: impl FnOnce(&Tape<f64>, &Program<f64>)) {
    let tape = Tape::<f64>::new();
    let x = tape.examples("X", &numbers(4, 5, 2));
    let classes = tape.indices("classes", 1, &[2_u32, 0, 1, 2, 0]);
    let w = tape.parameter("W", &numbers(3, 4, 3));
    let k = tape.constant("K", &numbers(3, 3, 4));
    let noisy = x + tape.noise("ε", Shape::new(4, Dim::M), Noise::Normal) * 0.1;
    let h = w.matmul(noisy.dropout(0.25)).named("H");
    let spd = (k.matmul(k.t()) + tape.constant("I", &Matrix::identity(3))).named("S");
    let mixed = spd.cholesky().solve_lower(h.gelu()).cumulative_sum();
    let chosen = mixed.greater(0.0).select(mixed, mixed.abs().sqrt() * 0.5);
    let logits = (chosen + h.softmax_over(Over::Rows).ln() - h.max_over(Over::Rows)).named("logits");
    let j = logits.softmax_cross_entropy_of(classes).mean() + w.powi(3).sum() / 7.0 + h.pow(2.0).mean();
    let j = j.named("J");
    let [dw] = j.gradients([w]);
    let [hw] = j.hvp([w], [tape.constant("V", &numbers(3, 4, 6))]);
    let _ = tape.parameter_unbound("unused", Shape::new(2, 2)) * 2.0;
    let mut program = tape.compile([j, dw, hw]).expect("a sound tape");
    program.seed(5);
    program.run().expect("it runs");
    look(&tape, &program);
}

/// A folder for the files of a test, which stays until the machine is cleaned up.
pub(crate) fn written(name: &str, html: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("tape-pages-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join(name);
    std::fs::write(&path, html).expect("a file");
    path
}

/// What stands between the tags, as text.
pub(crate) fn text_of(mathml: &str) -> String {
    let mut text = String::new();
    let mut is_tag = false;
    for c in mathml.chars() {
        match c {
            '<' => is_tag = true,
            '>' => is_tag = false,
            _ if !is_tag => text.push(c),
            _ => {}
        }
    }
    text.replace("&#x2061;", "\u{2061}")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

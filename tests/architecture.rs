//! `docs/ARCHITECTURE.md` shows what the stages give for one small network: the text is what the program says of itself.

use tape::{Matrix, Options, Tape};

/// The step of a 2-4-1 network, as the page describes it.
fn explained() -> String {
    let tape = Tape::<f64>::new();
    let matrix = |rows, columns| Matrix::from_fn(rows, columns, |i, j| f64::from((i + 2 * j) as u32).sin());
    let x = tape.examples("X", &matrix(2, 4));
    let y = tape.examples("Y", &Matrix::from_fn(1, 4, |_, j| f64::from((j % 2) as u32)));
    let [w1, b1] = [("W[1]", 2), ("b[1]", 1)].map(|(name, n)| tape.parameter(name, &matrix(4, n)));
    let [w2, b2] = [("W[2]", 4), ("b[2]", 1)].map(|(name, n)| tape.parameter(name, &matrix(1, n)));
    let a1 = (w1.matmul(x) + b1).named("Z[1]").tanh().named("A[1]");
    let a2 = (w2.matmul(a1) + b2).named("Z[2]").sigmoid().named("A[2]");
    let j = a2.log_loss(y).mean().named("J");
    let outputs: Vec<_> = [j].into_iter().chain(j.gradients([w1, b1, w2, b2])).collect();
    let options = Options::default().threads(1).tile_columns(256);
    tape.compile_with(outputs, options).expect("a sound tape").explain(1000)
}

#[test]
fn the_page_shows_what_the_stages_give() {
    let page = include_str!("../docs/ARCHITECTURE.md");
    let shown = page.split("```text\n").find_map(|part| part.strip_prefix("1 lower")).expect("the stages");
    let shown = format!("1 lower{}", shown.split("```").next().expect("its end"));
    let explained = explained();
    let trimmed = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    assert!(
        trimmed(&explained) == trimmed(&shown),
        "the page has other stages than the program, which says\n{explained}"
    );
}

//! Tapes that are no networks, and the places in them: what is shown, and where the keys go.

use serde_json::json;
use tape::{Matrix, Tape, Var};

use crate::browser::{Browser, Look};
use crate::fixtures::written;

fn row<'t>(tape: &'t Tape<f64>, name: &str, at: &[f64]) -> Var<'t, f64> {
    tape.parameter(name, &Matrix::from_fn(1, at.len(), |_, j| at[j]))
}

/// Opens the page of a tape.
fn opened(name: &str, tape: &Tape<f64>, outputs: &[Var<'_, f64>], fragment: &str) -> Browser {
    let program = tape.compile(outputs.to_vec()).expect("a sound tape");
    let mut browser = Browser::start(Look::DESK);
    browser.open(&written(&format!("{name}.html"), &tape.to_html(&program).expect("a page")), fragment);
    browser
}

fn assert_nothing_wrong(mut browser: Browser) {
    let complaints = browser.complaints();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
#[ignore = "needs Chromium: bash .ci/page"]
fn parts_of_the_list_are_called_by_what_is_differentiated() {
    let tape = Tape::new();
    let w = row(&tape, "w", &[0.5, -0.25]);
    let outputs = [("J", w.square()), ("K", w.sin()), ("L", w.tanh())].map(|(name, v)| v.sum().named(name));
    let _ = outputs[0].gradients([w]);
    let again = outputs[0].gradients([w]); // adds nothing
    let [dk] = outputs[1].gradients([w]);
    let [dl] = outputs[2].gradients([w]);
    let mut browser = opened("parts", &tape, &[again[0], dk, dl], "#lang=en");
    let titles =
        "[...document.querySelectorAll('#list .group')].map((group) => group.textContent.split(' ')[1])";
    assert_eq!(browser.eval(titles), json!(["forward", "∂J", "∂K", "∂L"]));
    assert_nothing_wrong(browser);
}

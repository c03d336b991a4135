//! Tapes that are no networks, and the places in them: what is shown, and where the keys go.

use serde_json::json;
use tape::{Function, Matrix, Tape, Var};

use crate::browser::{Browser, Look};
use crate::fixtures::{numbers, written};

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

/// Goes to a place by its address.
fn go(browser: &mut Browser, entry: Var<'_, f64>, level: &str) {
    let address = format!("#step={}&level={level}&cell=0,2&lang=en", entry.index().expect("an entry"));
    // When the keys rest, the page writes its own.
    browser.eval("new Promise((done) => setTimeout(done, 250))");
    browser.eval(&format!("location.hash = '{address}'"));
    browser.eval("new Promise((done) => setTimeout(done, 50))");
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

#[test]
#[ignore = "needs Chromium: bash .ci/page"]
fn arrows_move_in_the_matrix_that_is_shown() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("X", &numbers(1, 3, 1));
    let w = tape.parameter("w", &Matrix::scalar(2.0));
    let z = (x * w).named("Z");
    let s = z.sum().named("S");
    let v = row(&tape, "v", &[0.5, 1.5, 2.5]);
    let t = v.square().sum().named("T");
    // From the leaf w, which is 1 × 1 and stands in the equation of Z.
    let fragment = format!("#step={}&level=equation&cell=0,0&lang=en", w.index().unwrap());
    let mut browser = opened("arrows", &tape, &[s, t], &fragment);
    let chosen = "document.querySelector('#card td[tabindex=\"0\"]').dataset.column";
    let spoken = |browser: &mut Browser, column: usize| {
        let text = browser.text("#spoken");
        assert!(text.contains(&format!("column {column}")) && !text.contains('·'), "{text}");
    };
    browser.eval("document.querySelector('#card td[tabindex=\"0\"]').focus()");
    for (key, column) in [("ArrowRight", 1), ("ArrowRight", 2), ("ArrowRight", 2), ("ArrowLeft", 1)] {
        browser.key(key);
        assert_eq!(browser.eval(chosen), column.to_string(), "{key}");
        spoken(&mut browser, column + 1);
    }
    // The third element of v, whose equation is that of T, which has one.
    browser.eval("document.querySelector('#card td[tabindex=\"0\"]').focus()");
    go(&mut browser, v, "equation");
    assert_eq!(browser.eval(chosen), "0");
    spoken(&mut browser, 1);
    assert_nothing_wrong(browser);
}

#[test]
#[ignore = "needs Chromium: bash .ci/page"]
fn a_page_of_nothing_is_there() {
    let tape = Tape::<f64>::new();
    let program = tape.compile([]).expect("an empty program");
    let path = written("nothing.html", &tape.to_html(&program).expect("a page"));
    let mut browser = Browser::start(Look::DESK);
    browser.open_until(&path, "#lang=en", "document.getElementById('about').textContent !== ''");
    assert!(browser.text("#about").starts_with("0 entries"));
    let keys = [
        "1",
        "2",
        "3",
        "ArrowLeft",
        "ArrowRight",
        "ArrowUp",
        "ArrowDown",
        "Home",
        "End",
        "PageUp",
        "PageDown",
        " ",
        " ",
        "Backspace",
        "=",
        "n",
        "t",
        "e",
        "c",
        "Escape",
    ];
    keys.into_iter().for_each(|key| browser.key(key));
    browser.key("l");
    assert!(browser.text("#about").starts_with("0 entradas"), "{}", browser.text("#about"));
    browser.eval("location.hash = '#step=3&level=number&cell=1,1&lang=en'");
    browser.eval("new Promise((done) => setTimeout(done, 50))");
    assert!(browser.text("#about").starts_with("0 entries"));
    browser.eval("dispatchEvent(new Event('beforeprint'))");
    assert_nothing_wrong(browser);
}

#[test]
#[ignore = "needs Chromium: bash .ci/page"]
fn an_entry_that_no_equation_needs_is_shown_itself() {
    let tape = Tape::new();
    let x = row(&tape, "x", &[0.5, 2.0]);
    let first = x.square().named("A");
    let unused = row(&tape, "unused", &[7.0]);
    let second = x.exp().named("B");
    let at = unused.index().unwrap();
    let mut browser =
        opened("unused", &tape, &[first, second], &format!("#step={at}&level=equation&lang=en"));
    let shown =
        |browser: &mut Browser| browser.eval("document.querySelector('#list tr.here .entry').textContent");
    let chosen = |browser: &mut Browser| browser.text("#card .equations");
    assert_eq!(shown(&mut browser), "unused");
    assert!(chosen(&mut browser).contains("unused"), "{}", chosen(&mut browser));
    // Before it the equation of A, after it that of B.
    for (key, back, name) in [("PageDown", "PageUp", "B"), ("PageUp", "PageDown", "A")] {
        browser.key(key);
        assert_eq!(shown(&mut browser), name, "{key}");
        browser.key(back);
        assert_ne!(shown(&mut browser), "unused", "equations follow each other");
        go(&mut browser, unused, "equation");
    }
    browser.key("ArrowRight");
    assert_eq!(shown(&mut browser), "B");
    assert_nothing_wrong(browser);
}

#[test]
#[ignore = "needs Chromium: bash .ci/page"]
fn powers_and_ones_are_written_out() {
    let tape = Tape::new();
    let x = row(&tape, "x", &[0.5]);
    let powers = [-3, 3, -1].map(|n| x.powi(n));
    let real = [x.pow(-2.5), x.map(&Function::Power(-2.5)), x.map(&Function::Power(2.5))];
    let one = tape.identity(1);
    let all: Vec<Var<'_, f64>> = powers.into_iter().chain(real).chain([one]).collect();
    let mut browser = opened("written", &tape, &all, "#level=number&lang=en");
    let mut line = |entry: Var<'_, f64>| {
        go(&mut browser, entry, "number");
        browser.text("#card .written").split_once(" = ").map(|(_, parts)| parts.trim().to_owned())
    };
    let expected = ["0.5 ^ (−3)", "0.5 ^ 3", "0.5 ^ (−1)", "0.5 ^ (−2.5)", "0.5 ^ (−2.5)", "0.5 ^ 2.5"];
    for (entry, expected) in all.iter().zip(expected) {
        assert_eq!(line(*entry).as_deref(), Some(expected));
    }
    assert_eq!(line(one), None, "the identity matrix is made of nothing");
    assert_nothing_wrong(browser);
}

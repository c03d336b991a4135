//! A person at the playground, in Chromium, by keys: `bash .ci/playground` builds the page and runs this.

#[allow(dead_code)]
#[path = "../../../../tests/page/browser.rs"]
mod browser;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use browser::{Browser, Look};
use mlp::diagnose::{Exercise, Quantity};
use mlp::{Activation, Mlp};
use serde_json::{Value, json};

/// The page that the variable `PLAYGROUND` names.
fn page() -> PathBuf {
    let path = std::env::var_os("PLAYGROUND").expect("PLAYGROUND names the page: bash .ci/playground");
    PathBuf::from(path).canonicalize().expect("the page")
}

fn opened(look: Look, fragment: &str) -> Browser {
    let mut browser = Browser::start(look);
    browser.open(&page(), fragment);
    let began = Instant::now();
    while browser.eval("document.documentElement.dataset.engine ?? null").is_null() {
        assert!(began.elapsed() < Duration::from_secs(20), "the engine does not start");
    }
    println!("opened, and the engine ready after {} ms more", began.elapsed().as_millis());
    browser
}

/// Goes to a control with Tab alone.
fn tab_to(browser: &mut Browser, id: &str) {
    for _ in 0..400 {
        if browser.eval("document.activeElement.id") == id {
            return;
        }
        browser.key("Tab");
    }
    panic!("Tab does not come to #{id}");
}

/// Types over what a field holds.
fn type_over(browser: &mut Browser, id: &str, text: &str) {
    let part = match id {
        "equation-typed" => "check",
        _ => "network",
    };
    open_part(browser, part);
    tab_to(browser, id);
    browser.eval("document.activeElement.select?.()");
    browser.call("Input.insertText", json!({ "text": text }));
}

fn press(browser: &mut Browser, id: &str) {
    open_part(browser, if ["hide", "break"].contains(&id) { "exercises" } else { "train" });
    tab_to(browser, id);
    browser.key("Enter");
}

fn open_part(browser: &mut Browser, name: &str) {
    browser.eval(&format!("document.getElementById('part-{name}').open = true"));
}

fn j(browser: &mut Browser) -> f64 {
    let text = browser.text("#j");
    let number = text.split_whitespace().nth(2).expect("J = …");
    number.replace('−', "-").parse().unwrap_or_else(|_| panic!("{text}"))
}

fn complaints(browser: &mut Browser) -> Vec<String> {
    let of = "[...document.querySelectorAll('#playground .complaint')].map((one) => one.textContent).filter(Boolean)";
    let all = browser.eval(of);
    all.as_array().expect("a list").iter().map(|one| one.as_str().unwrap_or_default().to_owned()).collect()
}

/// The shape that the list has for an entry of this name.
fn shape(browser: &mut Browser, name: &str) -> String {
    let of = format!(
        "[...document.querySelectorAll('#list tr')].find((row) => row.textContent.includes({name:?}))?.textContent ?? ''"
    );
    browser.eval(&of).as_str().unwrap_or_default().to_owned()
}

fn assert_nothing_wrong(browser: &mut Browser) {
    let wrong = browser.complaints();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
#[ignore = "needs Chromium and the page: bash .ci/playground"]
fn sizes_activations_and_cells_are_edited_by_keys() {
    let mut browser = opened(Look::DESK, "");
    assert!(shape(&mut browser, "W[1]").contains("4×2"));
    type_over(&mut browser, "sizes", "2-3-2-1");
    assert!(shape(&mut browser, "W[1]").contains("3×2"), "{}", shape(&mut browser, "W[1]"));
    assert!(shape(&mut browser, "W[3]").contains("1×2"));
    assert!(complaints(&mut browser).is_empty());
    // While it is no network, the last one stays, and the reason is said.
    type_over(&mut browser, "sizes", "2-0-1");
    assert!(complaints(&mut browser)[0].contains("units"), "{:?}", complaints(&mut browser));
    assert!(shape(&mut browser, "W[1]").contains("3×2"));
    type_over(&mut browser, "sizes", "2-4-1");
    assert!(complaints(&mut browser).is_empty());
    let before = j(&mut browser);
    type_over(&mut browser, "g-1", "z * sigmoid(z)");
    assert!(complaints(&mut browser).is_empty(), "{:?}", complaints(&mut browser));
    assert_ne!(j(&mut browser), before);
    type_over(&mut browser, "g-1", "tnah");
    assert!(complaints(&mut browser)[0].contains("g[1]"));
    type_over(&mut browser, "g-1", "tanh");
    assert_eq!(j(&mut browser), before);
    edit_a_cell(&mut browser);
    browser.shot("playground-edited");
    assert_nothing_wrong(&mut browser);
}

/// E at a parameter opens its cells; what is typed is derived at once.
fn edit_a_cell(browser: &mut Browser) {
    browser.key("Escape");
    browser.eval("document.getElementById('card').focus()");
    browser.key("2");
    browser.key("Home");
    while !browser
        .eval("document.querySelector('#list tr[aria-current]').textContent")
        .as_str()
        .unwrap_or_default()
        .contains("W[2]")
    {
        browser.key("ArrowRight");
    }
    browser.key("e");
    assert_eq!(browser.eval("document.activeElement.dataset.cell"), "0,0");
    let before = j(browser);
    let mut slowest = Duration::ZERO;
    for text in ["3", "3.", "3.2", "3.25"] {
        browser.eval("document.activeElement.select()");
        let began = Instant::now();
        browser.call("Input.insertText", json!({ "text": text }));
        browser
            .eval("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))");
        slowest = slowest.max(began.elapsed());
    }
    println!("from a key to the screen: at most {} ms", slowest.as_millis());
    assert_ne!(j(browser), before);
    let began = Instant::now();
    while browser.eval("location.hash.includes('net=')") != true {
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "a link leads to it: {}",
            browser.eval("location.hash")
        );
    }
    browser.eval("document.activeElement.select()");
    browser.call("Input.insertText", json!({"text": "abc"}));
    assert!(complaints(browser)[0].contains("abc"));
}

#[test]
#[ignore = "needs Chromium and the page: bash .ci/playground"]
fn training_undo_and_rewind() {
    let mut browser = opened(Look::DESK, "");
    let first = j(&mut browser);
    press(&mut browser, "train-10");
    let trained = j(&mut browser);
    assert!(trained < first, "{trained} < {first}");
    assert!(browser.eval("!!document.querySelector('.curve .line')") == true);
    press(&mut browser, "train-1");
    let once_more = j(&mut browser);
    press(&mut browser, "undo");
    assert_eq!(j(&mut browser), trained);
    assert_ne!(once_more, trained);
    press(&mut browser, "rewind");
    assert_eq!(j(&mut browser), first);
    for set in ["moons", "spirals"] {
        browser.eval(&format!("(() => {{ const at = document.getElementById('set'); at.value = '{set}'; at.dispatchEvent(new Event('change')); }})()"));
        press(&mut browser, "train-10");
        browser.shot(&format!("playground-{set}"));
        assert!(complaints(&mut browser).is_empty());
    }
    points_by_key(&mut browser);
    assert_nothing_wrong(&mut browser);
}

fn points_by_key(browser: &mut Browser) {
    let count = |browser: &mut Browser| {
        browser.eval("document.querySelectorAll('#plane .class0, #plane .class1').length")
    };
    open_part(browser, "train");
    tab_to(browser, "plane");
    assert_eq!(count(browser), 32);
    browser.key("ArrowLeft");
    browser.key("1");
    browser.key("ArrowUp");
    browser.key("0");
    assert_eq!(count(browser), 34);
    browser.key("Delete");
    assert_eq!(count(browser), 33);
    let at = browser.eval("(() => { const at = document.getElementById('plane'); at.scrollIntoView(); const box = at.getBoundingClientRect(); return [box.x + box.width / 4, box.y + box.height / 4]; })()");
    for kind in ["mousePressed", "mouseReleased"] {
        browser.call(
            "Input.dispatchMouseEvent",
            json!({"type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1}),
        );
    }
    assert_eq!(count(browser), 34, "a click puts a point");
    assert_eq!(browser.eval("document.getElementById('set').value"), "own");
}

#[test]
#[ignore = "needs Chromium and the page: bash .ci/playground"]
fn ten_typed_equations_get_their_ten_answers() {
    let mut browser = opened(Look::DESK, "");
    browser.eval("document.getElementById('card').focus()");
    browser.key("c");
    assert_eq!(browser.eval("document.activeElement.id"), "equation-typed");
    for (text, part) in [
        ("dJ/dW[1] = 1/m * d[1] * A[0]'", "the same entry"),
        ("∂J/∂W[1] = 1/m · ∂ℒ/∂A[1] * Xᵀ", "eq. 26 without g′(Z[1])"),
        ("dJ/dW[2] = 1/m * d[2] * A[1]", "without ᵀ"),
        ("dJ/dW[1] = d[1] * X'", "1/m"),
        ("dJ/db[1] = 1/m * d[1]", "4×1"),
        ("dJ/dW[1] = 1/m * d[1] * X' + 0 * W[1]", "equal in value, not in form"),
        ("dJ/dW[1] = 1/m * tanh(d[1]) * X'", "another one"),
        ("dL/dZ[1] = W[2]' * d[2]", "without g′"),
        ("dJ/db[2] = 1/m * sum_i d[2]", "the same entry"),
        ("dJ/dW[1] = 1/m * (", "Cannot be read"),
    ] {
        type_over(&mut browser, "equation-typed", text);
        browser.key("Enter");
        let said = browser.text("#verdict");
        assert!(said.contains(part), "{text}: {said}");
        assert_eq!(browser.text("#play-spoken"), said, "it is spoken");
    }
    browser.shot("playground-check");
    assert_nothing_wrong(&mut browser);
}

/// Every mistake that has a name, in each way that it is known to be written, told in Spanish: no word of English is left.
#[test]
#[ignore = "needs Chromium and the page: bash .ci/playground"]
fn verdicts_are_told_in_spanish() {
    let mut browser = opened(Look::DESK, "#lang=es");
    open_part(&mut browser, "check");
    let network = Mlp::<f64>::new(2)
        .layer(4, Activation::Tanh)
        .layer(1, Activation::Sigmoid)
        .build()
        .expect("a network");
    let exercise = Exercise::new(&network);
    let quantities = [1, 2].into_iter().flat_map(|l| {
        [
            Quantity::Z(l),
            Quantity::A(l),
            Quantity::ActivationDerivative(l),
            Quantity::Delta(l),
            Quantity::Weights(l),
            Quantity::Bias(l),
        ]
    });
    let wrong = quantities.flat_map(|quantity| exercise.wrong(quantity).expect("a quantity of the network"));
    let others = [
        "dJ/dW[1] = 1/m * tanh(d[1]) * X'",
        "dJ/dW[1] = 1/m * d[1] * X' + 0 * W[1]",
        "dJ/dW[1] = 1/m * (",
        "dJ/dW[9] = X",
        "dJ/dW[1] = 1/m * d[1] * X'",
    ];
    let mut seen = 0;
    for text in wrong.map(|(_, text)| text).chain(others.map(str::to_owned)) {
        let typed = format!(
            "const at = document.getElementById('equation-typed'); at.value = {text:?}; at.form.requestSubmit(); document.getElementById('verdict').textContent"
        );
        let said = browser.eval(&format!(
            "(() => {{ {} }})()",
            typed.replace("document.getElementById('verdict')", "return document.getElementById('verdict')")
        ));
        let said = said.as_str().unwrap_or_default().to_lowercase();
        assert!(said.starts_with("✓ correcto") || said.starts_with("✗ "), "{text}: {said}");
        for english in [
            "the", "with", "without", "where", "belongs", "is", "it", "which", "would", "must", "of", "eq",
            "twice", "wrong", "and", "for",
        ] {
            let is_there = said.split(|c: char| !c.is_alphabetic()).any(|word| word == english);
            assert!(!is_there, "{english:?} in: {said}");
        }
        seen += 1;
    }
    assert!(seen > 60, "{seen}");
    assert_nothing_wrong(&mut browser);
}

#[test]
#[ignore = "needs Chromium and the page: bash .ci/playground"]
fn a_broken_rule_is_found_and_a_hidden_equation_typed() {
    let mut browser = opened(Look::DESK, "");
    open_part(&mut browser, "exercises");
    press(&mut browser, "break");
    browser.shot("playground-broken");
    let mut guesses = 0;
    while browser.eval("!!document.querySelector('.broken')") == true {
        assert!(guesses < 8, "one of eight is wrong");
        browser.eval(&format!("document.querySelectorAll('.broken tr button')[{guesses}].focus()"));
        browser.key("Enter");
        guesses += 1;
    }
    assert!(browser.text("#told").contains("eq. "), "{}", browser.text("#told"));
    press(&mut browser, "hide");
    assert_eq!(browser.eval("document.activeElement.id"), "equation-typed");
    let asked = browser.eval("document.activeElement.value").as_str().unwrap_or_default().to_owned();
    assert!(asked.ends_with("= "), "{asked}");
    assert_nothing_wrong(&mut browser);
}

#[test]
#[ignore = "needs Chromium and the page: bash .ci/playground"]
fn a_link_leads_to_a_state_and_a_step() {
    let mut browser = opened(Look::DESK, "");
    type_over(&mut browser, "sizes", "2-2-1");
    press(&mut browser, "train-10");
    std::thread::sleep(Duration::from_millis(500)); // the address is written when the keys rest
    let (link, at) = (browser.eval("location.hash"), j(&mut browser));
    drop(browser);
    let mut again = opened(Look::DESK, link.as_str().expect("a fragment"));
    assert_eq!(j(&mut again), at);
    assert!(shape(&mut again, "W[1]").contains("2×2"));
    drop(again);
    for nonsense in ["#net=@@@", "#net=e30", "#net=eyJzaXplcyI6WzJdfQ"] {
        let mut browser = opened(Look::DESK, nonsense);
        assert!(shape(&mut browser, "W[1]").contains("4×2"), "{nonsense}");
        assert_nothing_wrong(&mut browser);
    }
}

#[test]
#[ignore = "needs Chromium and the page: bash .ci/playground"]
fn every_control_has_a_name_on_every_screen_in_every_language() {
    for (look, name) in [(Look::DESK, "desk"), (Look::PHONE, "phone")] {
        for language in ["en", "es"] {
            let mut browser = opened(look, &format!("#lang={language}"));
            let summary = browser.text("#part-check summary");
            assert_eq!(summary, if language == "en" { "Check mine" } else { "Comprobar la mía" });
            for part in ["network", "train", "edit", "check", "exercises"] {
                open_part(&mut browser, part);
                every_control_has_a_name(&mut browser, &format!("{part} on a {name} in {language}"));
                if part == "train" {
                    let height = browser.eval("document.getElementById('plane').offsetHeight");
                    assert!(height.as_u64() > Some(150), "the plane is seen on a {name}: {height} pixels");
                }
                browser.shot(&format!("playground-{name}-{language}-{part}"));
            }
            assert_nothing_wrong(&mut browser);
        }
    }
}

fn every_control_has_a_name(browser: &mut Browser, place: &str) {
    let controls = browser.controls();
    assert!(controls.len() > 30, "{place}: {}", controls.len());
    let nameless = controls.iter().filter(|(role, name)| name.trim().is_empty() && role != "generic");
    let nameless: Vec<_> = nameless.collect();
    assert!(nameless.is_empty(), "{place}: {nameless:?}");
    let wide: Value = browser.eval("document.documentElement.scrollWidth - innerWidth");
    assert!(wide.as_i64().is_some_and(|wide| wide <= 0), "{place}: {wide} pixels too wide");
}

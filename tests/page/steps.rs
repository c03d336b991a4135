//! A person at the page: by keys alone, through every step, in both schemes, widths and languages.

use std::time::Instant;

use serde_json::{Value, json};
use tape::{Program, Tape};

use crate::browser::{Browser, Look, base64};
use crate::fixtures::{HOSTILE, hostile, naive, text_of, with_page, written, zoo};

/// The matrices that stand on the card: entry, and of each element row, column, number and text.
const TABLES: &str = "[...document.querySelectorAll('#card table')].map((table) => [Number(table.dataset.entry), \
     [...table.querySelectorAll('td[data-row]')].map((td) => [Number(td.dataset.row), Number(td.dataset.column), td.dataset.value, td.textContent])])";

/// The formulas that stand on the card, as text.
const FORMULAS: &str =
    "[...document.querySelectorAll('#card .equations .math')].map((math) => math.textContent)";

fn strings(value: &Value) -> Vec<String> {
    value.as_array().expect("a list").iter().map(|one| one.as_str().expect("a text").to_owned()).collect()
}

/// Every number that is shown is the program's; how many there were.
fn assert_numbers(browser: &mut Browser, tape: &Tape<f64>, program: &Program<f64>) -> usize {
    let mut seen = 0;
    for table in browser.eval(TABLES).as_array().expect("tables") {
        let entry = tape.entry(table[0].as_u64().expect("an entry") as usize).expect("an entry");
        let view = program.view(entry.var()).expect("an output");
        for cell in table[1].as_array().expect("elements") {
            let at = |k: usize| cell[k].as_u64().expect("a place") as usize;
            let found: f64 = cell[2].as_str().expect("a number").parse().expect("a number");
            assert_eq!(found.to_bits(), view[(at(0), at(1))].to_bits(), "{} {cell}", entry.label());
            let text = cell[3].as_str().expect("a text").replace('−', "-");
            let read: f64 = text.parse().expect("what is shown is a number");
            // Three digits, or four.
            assert!((read - found).abs() <= 6e-3 * found.abs(), "{found} is shown as {text}");
            seen += 1;
        }
    }
    seen
}

fn assert_nothing_wrong(browser: &mut Browser) {
    let complaints = browser.complaints();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

/// By the arrow keys through the entries, forwards and back, then through the equations.
fn walk(sizes: &[usize]) {
    let name = sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("-");
    with_page::<f64, _>(sizes, |tape, program, page| {
        let path = written(&format!("{name}.html"), &page.to_html().expect("a page"));
        let mut browser = Browser::start(Look::DESK);
        browser.open(&path, "");
        browser.key("2");
        browser.key("Home");
        let count =
            browser.eval("document.querySelectorAll('#list .entry').length").as_u64().unwrap() as usize;
        assert_eq!(count, program_entries(&mut browser), "all entries are in the list");
        let mut numbers = 0;
        for (at, entry) in tape.entries().take(count).enumerate() {
            assert!(browser.text("#card h2").starts_with(&format!("Step {} of {count} ", at + 1)));
            let here = browser.eval("document.querySelector('#list tr[aria-current] .entry').dataset.entry");
            assert_eq!(here, at.to_string());
            assert_eq!(browser.eval("document.querySelectorAll('[aria-current=step]').length <= 2"), true);
            numbers += assert_numbers(&mut browser, tape, program);
            let formulas = strings(&browser.eval(FORMULAS));
            let equation = text_of(&entry.var().equation().mathml());
            assert_eq!(formulas.last(), Some(&equation), "{}", entry.label());
            assert!(
                browser.text("#spoken").contains(&format!("{} of {count}", at + 1)),
                "the step is spoken"
            );
            browser.key("ArrowRight");
        }
        assert!(browser.text("#card h2").starts_with(&format!("Step {count} of")), "it stays at the end");
        for _ in 1..count {
            browser.key("ArrowLeft");
        }
        assert!(browser.text("#card h2").starts_with("Step 1 of"), "and comes back");
        walk_equations(&mut browser, tape, program);
        assert_nothing_wrong(&mut browser);
        println!("{name}: {count} entries, {numbers} numbers");
    });
}

fn program_entries(browser: &mut Browser) -> usize {
    let count = browser.eval("JSON.parse(document.getElementById('document').textContent).entries.length");
    count.as_u64().expect("a number") as usize
}

/// By PgDn through the lines of the system, each as the tape writes it.
fn walk_equations(browser: &mut Browser, tape: &Tape<f64>, program: &Program<f64>) {
    let count = browser.eval("JSON.parse(document.getElementById('document').textContent).lines.length");
    let count = count.as_u64().expect("a number");
    let entries =
        "JSON.parse(document.getElementById('document').textContent).lines.map((line) => line.entry)";
    let entries: Vec<usize> =
        browser.eval(entries).as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as usize).collect();
    let asked = entries.iter().map(|&id| tape.entry(id).expect("an entry").var());
    let expected = tape.equations(asked).mathml();
    let expected: Vec<String> = expected.split("<mtr>").skip(1).map(text_of).collect();
    browser.key("1");
    browser.key("Home");
    for (k, line) in expected.iter().enumerate() {
        assert!(browser.text("#card h2").starts_with(&format!("Step {} of {count} ", k + 1)));
        let formulas = strings(&browser.eval(FORMULAS));
        assert_eq!(formulas, [line.as_str()]);
        assert_numbers(browser, tape, program);
        browser.key("PageDown");
    }
    browser.key("PageUp");
    assert!(browser.text("#card h2").starts_with(&format!("Step {} of", count - 1)));
}

#[test]
#[ignore = "needs Chromium: bash .ci/page"]
fn every_step_of_2_4_1_by_keys() {
    walk(&[2, 4, 1]);
}

#[test]
#[ignore = "needs Chromium: bash .ci/page"]
fn every_step_of_30_16_1_by_keys() {
    walk(&[30, 16, 1]);
}

#[test]
#[ignore = "needs Chromium: bash .ci/page"]
fn every_number_of_2_4_1_is_written_out() {
    with_page::<f64, _>(&[2, 4, 1], |tape, program, page| {
        let path = written("numbers.html", &page.to_html().expect("a page"));
        let mut browser = Browser::start(Look::DESK);
        browser.open(&path, "");
        browser.key("3");
        browser.key("Home");
        let count = program_entries(&mut browser);
        let mut products = 0;
        for entry in tape.entries().take(count) {
            let view = program.view(entry.var()).expect("an output");
            for (k, &x) in view.as_slice().iter().enumerate() {
                let line = browser.text("#card .written").replace('−', "-");
                let (result, terms) = line.split_once(" = ").unwrap_or((&line, ""));
                assert_eq!(
                    result.parse::<f64>().map(f64::to_bits),
                    Ok(x.to_bits()),
                    "{} {k}: {line}",
                    entry.label()
                );
                if entry.operation() == "matmul" {
                    // The numbers of the dot product, as they are written, give the number.
                    let sum: f64 = terms.split(" + ").map(product).sum();
                    assert!((sum - x).abs() <= 1e-15 * 16.0 * (1.0 + x.abs()), "{line}");
                    products += 1;
                }
                browser.key("ArrowRight");
            }
        }
        assert!(products > 20, "{products}");
        assert_nothing_wrong(&mut browser);
    });
}

/// `(-0.3) · 2` as a number.
fn product(term: &str) -> f64 {
    let number = |text: &str| text.trim().trim_matches(['(', ')']).parse::<f64>().expect("a number");
    term.split('·').map(number).product()
}

#[test]
#[ignore = "needs Chromium: bash .ci/page"]
fn any_tape_can_be_stepped_through() {
    zoo(|tape, program| {
        let path = written("zoo.html", &tape.to_html(program).expect("a page"));
        let mut browser = Browser::start(Look::DESK);
        browser.open(&path, "#lang=en");
        for level in ["2", "1"] {
            browser.key(level);
            browser.key("Home");
            let count =
                browser.text("#card h2").split_whitespace().nth(3).expect("a number").parse::<usize>();
            for at in 1..=count.expect("how many steps there are") {
                assert!(browser.text("#card h2").starts_with(&format!("Step {at} of")), "{level} {at}");
                if level == "2" {
                    browser.key("3"); // the number of the same place, and back
                    assert!(browser.text("#card h2").starts_with(&format!("Step {at} of")));
                    browser.key("2");
                }
                browser.key("ArrowRight");
            }
        }
        browser.shot("zoo");
        assert_nothing_wrong(&mut browser);
    });
}

#[test]
#[ignore = "needs Chromium: bash .ci/page"]
fn the_keyboard_reaches_everything() {
    let html = with_page::<f64, _>(&[2, 4, 1], |_, _, page| page.to_html().expect("a page"));
    let mut browser = Browser::start(Look::DESK);
    browser.open(&written("keys.html", &html), "#step=24&level=entry&cell=0,1&lang=en");
    assert!(browser.text("#card h2").contains("eq. 16"), "the address leads to a step");
    // A symbol by Tab, and its entry by Enter; back by Backspace.
    browser.eval("document.getElementById('card').focus()");
    let mut symbol = Value::Null;
    for _ in 0..20 {
        browser.key("Tab");
        symbol = browser.eval(
            "document.activeElement.matches('.symbol') && document.activeElement.getAttribute('aria-label')",
        );
        if symbol == "∂ℒ/∂A[2]" {
            break;
        }
    }
    assert_eq!(symbol, "∂ℒ/∂A[2]");
    browser.key("Enter");
    assert!(browser.text("#card h2").contains("eq. 8"), "{}", browser.text("#card h2"));
    browser.key("Backspace");
    assert!(browser.text("#card h2").contains("eq. 16"));
    // The formula by hand.
    browser.key("=");
    let proof = browser.text("#card .verdict-line");
    assert!(proof.contains("nothing was added") && proof.contains("eq. 16"), "{proof}");
    // Elements in the table, entries in the list and in the graph.
    browser.eval("document.querySelector('#card td[tabindex=\"0\"]').focus()");
    browser.key("ArrowRight");
    assert_eq!(browser.eval("document.activeElement.dataset.column"), "2");
    for part in ["#list tr.here .entry", "#graph .node.here"] {
        browser.eval(&format!("document.querySelector({part:?}).focus()"));
        let before = browser.text("#card h2");
        browser.key("ArrowDown");
        let after = browser.text("#card h2");
        assert_ne!(before, after, "{part}");
        let kept = browser.eval(&format!("document.activeElement.matches({part:?})"));
        assert_eq!(kept, true, "the keyboard stays in {part}");
        browser.key("ArrowUp");
    }
    // Equations, language, scheme, help, play.
    browser.key("Escape");
    browser.key("g");
    assert_eq!(browser.eval("document.activeElement.id"), "equation");
    browser.key("Escape");
    browser.key("l");
    assert!(browser.text("#card h2").starts_with("Paso ") && browser.text("#card h2").contains("ec. 16"));
    assert_eq!(browser.eval("document.documentElement.lang"), "es");
    browser.eval("new Promise((done) => setTimeout(done, 400))"); // written when the keys rest
    assert!(browser.eval("location.hash").as_str().unwrap().contains("lang=es"));
    browser.key("t");
    assert_eq!(browser.eval("document.documentElement.dataset.theme"), "dark");
    browser.key("?");
    assert_eq!(browser.eval("document.getElementById('help').open"), true);
    browser.key("Escape");
    assert_eq!(browser.eval("document.getElementById('help').open"), false);
    let before = browser.text("#card h2");
    browser.eval("document.getElementById('card').focus()");
    browser.key(" ");
    browser.eval("new Promise((done) => setTimeout(done, 1800))");
    assert_ne!(browser.text("#card h2"), before, "it plays");
    browser.key(" ");
    let stopped = browser.text("#card h2");
    browser.eval("new Promise((done) => setTimeout(done, 1800))");
    assert_eq!(browser.text("#card h2"), stopped, "and stops");
    assert_nothing_wrong(&mut browser);
}

/// What can be pressed and is smaller than 44 pixels; buttons inside of a line of text reach beyond what is drawn.
const SMALL: &str = "[...document.querySelectorAll('button, select, summary, #graph [role=button], .levels label, .matrix.chosen td')]\
     .filter((one) => !one.matches('.link, .symbol') && one.checkVisibility())\
     .map((one) => [one, (one.querySelector('.target') ?? one).getBoundingClientRect()])\
     .filter(([, box]) => Math.min(box.width, box.height) < 43.9).map(([one, box]) => `${one.outerHTML.slice(0, 90)} ${box.width}×${box.height}`)";

#[test]
#[ignore = "needs Chromium: bash .ci/page"]
fn both_schemes_widths_and_languages() {
    let html = with_page::<f64, _>(&[30, 16, 1], |_, _, page| page.to_html().expect("a page"));
    let path = written("looks.html", &html);
    let mut browser = Browser::start(Look::DESK);
    for (size, shape) in [("wide", Look::DESK), ("narrow", Look::PHONE)] {
        for dark in [false, true] {
            for language in ["en", "es"] {
                browser.look(Look { dark, ..shape });
                for level in ["equation", "entry", "number"] {
                    browser.open(&path, &format!("#step=24&level={level}&cell=0,1&lang={language}"));
                    let name = format!("{size}-{}-{language}-{level}", if dark { "dark" } else { "light" });
                    let wider = browser.eval("document.documentElement.scrollWidth - innerWidth");
                    assert_eq!(wider, 0, "{name}: the page scrolls sideways");
                    let small = strings(&browser.eval(SMALL));
                    assert!(small.is_empty(), "{name}: {small:#?}");
                    let unnamed: Vec<_> =
                        browser.controls().into_iter().filter(|(_, name)| name.trim().is_empty()).collect();
                    assert!(unnamed.is_empty(), "{name}: {unnamed:?}");
                    let background = browser.eval("getComputedStyle(document.body).backgroundColor");
                    assert_eq!(background == "rgb(255, 255, 255)", !dark, "{name}: {background}");
                    let heading = browser.text("#card h2");
                    assert!(heading.starts_with(if language == "en" { "Step" } else { "Paso" }), "{heading}");
                    browser.shot(&name);
                }
            }
        }
    }
    assert_nothing_wrong(&mut browser);
}

#[test]
#[ignore = "needs Chromium: bash .ci/page"]
fn nothing_moves_for_who_wants_none() {
    let html = with_page::<f64, _>(&[2, 4, 1], |_, _, page| page.to_html().expect("a page"));
    let path = written("motion.html", &html);
    let mut browser = Browser::start(Look { reduced_motion: true, ..Look::DESK });
    browser.open(&path, "#step=24&level=entry");
    browser.key("=");
    assert_eq!(browser.eval("document.getAnimations().length"), 0);
    browser.look(Look::DESK);
    assert_ne!(browser.eval("document.getAnimations().length"), 0, "for others the edges move");
    assert_nothing_wrong(&mut browser);
}

#[test]
#[ignore = "needs Chromium: bash .ci/page"]
fn hostile_names_show_as_text() {
    let mut browser = Browser::start(Look::DESK);
    let path = written("hostile.html", &hostile());
    for level in ["equation", "entry", "number"] {
        browser.open(&path, &format!("#step=2&level={level}"));
        for _ in 0..8 {
            browser.key("ArrowRight");
        }
    }
    browser.key("Home");
    browser.key("p");
    browser.call("Page.printToPDF", json!({}));
    assert_eq!(browser.eval("window.harmed ?? null"), Value::Null);
    assert_eq!(browser.eval("document.querySelectorAll('img, b, iframe').length"), 0);
    assert_eq!(browser.eval("document.scripts.length"), 2);
    let list = browser.text("#list");
    for name in [HOSTILE[0], HOSTILE[1], HOSTILE[2], HOSTILE[5], "<b>J</b>"] {
        assert!(list.contains(name), "{name} is not shown in {list}");
    }
    assert!(list.contains("nul") && !list.contains('\u{0}'));
    assert_eq!(browser.text("#title"), HOSTILE[0]);
    assert_nothing_wrong(&mut browser);
}

#[test]
#[ignore = "needs Chromium: bash .ci/page"]
fn where_a_nan_begins_is_told() {
    let mut browser = Browser::start(Look::DESK);
    browser.open(&written("naive.html", &naive()), "#level=entry&lang=en");
    assert!(browser.text("#protection").ends_with("on"));
    browser.key("n");
    assert!(browser.text("#protection").ends_with("off"));
    let story = browser.text("#card .story");
    assert!(story.contains("ln(0) is −∞") && story.contains("column 2"), "{story}");
    let marked = browser.eval(
        "[...document.querySelectorAll('#list tr.bad .entry')].every((one) => one.textContent.includes('⚠'))",
    );
    assert_eq!(marked, true, "red is not the only sign");
    browser.shot("naive");
    browser.key("End");
    assert!(browser.text("#card .story").contains("follows from"));
    browser.key("n");
    assert!(browser.text("#protection").ends_with("on"));
    browser.key("Home");
    assert_eq!(browser.text("#card .story"), "");
    assert_nothing_wrong(&mut browser);
}

#[test]
#[ignore = "needs Chromium: bash .ci/page"]
fn on_paper_all_steps_stand_one_below_the_other() {
    let html = with_page::<f64, _>(&[2, 4, 1], |_, _, page| page.to_html().expect("a page"));
    let mut browser = Browser::start(Look::DESK);
    browser.open(&written("paper.html", &html), "#lang=en");
    let pdf =
        base64(browser.call("Page.printToPDF", json!({"printBackground": true}))["data"].as_str().unwrap());
    assert!(pdf.starts_with(b"%PDF-") && pdf.len() > 20_000, "{}", pdf.len());
    if let Ok(folder) = std::env::var("PAGE_SHOTS") {
        std::fs::write(std::path::Path::new(&folder).join("paper.pdf"), pdf).expect("a file");
    }
    let steps = browser.eval("document.querySelectorAll('#handout .step').length");
    let lines = browser.eval("JSON.parse(document.getElementById('document').textContent).lines.length");
    assert_eq!(steps, lines);
    assert_nothing_wrong(&mut browser);
}

/// Time and size, for whoever runs it with `--nocapture`; the bounds are loose, as machines differ.
#[test]
#[ignore = "needs Chromium: bash .ci/page"]
fn it_is_quick() {
    let deep: Vec<usize> = std::iter::repeat_n(8, 20).chain([1]).collect();
    let deeper: Vec<usize> = std::iter::repeat_n(4, 200).chain([1]).collect();
    for (name, sizes, most) in [
        ("2-4-1", &[2, 4, 1][..], 5.0),
        ("30-16-1", &[30, 16, 1], 5.0),
        ("20 layers", &deep, 10.0),
        ("200 layers", &deeper, 20.0),
    ] {
        with_page::<f64, _>(sizes, |tape, _, page| {
            let began = Instant::now();
            let html = page.to_html().expect("a page");
            let making = began.elapsed();
            let path = written("quick.html", &html);
            let mut browser = Browser::start(Look::DESK);
            let opening = browser.open(&path, "#level=entry");
            // From the key to the frame after it.
            browser.eval("window.frames_ = []; addEventListener('keydown', () => { const t = performance.now(); requestAnimationFrame(() => requestAnimationFrame(() => frames_.push(performance.now() - t))); }, true)");
            for _ in 0..10 {
                browser.key("ArrowRight");
                browser
                    .eval("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
            }
            let mut times: Vec<f64> =
                browser.eval("frames_").as_array().unwrap().iter().map(|t| t.as_f64().unwrap()).collect();
            times.sort_by(f64::total_cmp);
            let median = times[times.len() / 2];
            println!(
                "{name}: {} entries, {} kB, made in {:.0} ms, first step after {:.0} ms, a key to the screen {median:.0} ms",
                tape.len(),
                html.len() / 1000,
                making.as_secs_f64() * 1e3,
                opening.as_secs_f64() * 1e3
            );
            assert!(opening.as_secs_f64() < most && median < 1e3 * most, "{name}");
            assert_nothing_wrong(&mut browser);
        });
    }
}

//! `examples/proof`: eq. 1–28 are there in order, each with entries that are what was recorded by hand, for any network.

use std::collections::BTreeSet;

use mlp::Activation;
use tape::{Tape, matrix};

#[path = "support/built.rs"]
mod built;
#[path = "../examples/proof/derivation/mod.rs"]
mod derivation;

use derivation::{Derivation, Finding, Request};

fn of(sizes: &str, activation: Activation<f64>, seed: u64) -> Derivation {
    let sizes = sizes.split('-').map(|size| size.parse().expect("a size")).collect();
    Derivation::of(&Request { sizes, activation, seed }).unwrap()
}

/// How many layers an equation is about, of L.
fn places(number: u8, layers: usize) -> usize {
    match number {
        5 | 8 | 25 => 1,
        1..=4 | 6 | 7 | 9..=24 | 26..=28 => layers,
        0 | 29.. => unreachable!(),
    }
}

#[track_caller]
fn assert_whole(derivation: &Derivation, layers: usize) {
    let numbers: Vec<u8> = derivation.equations.iter().map(|proven| proven.stated.number).collect();
    assert_eq!(numbers, (1..=28).collect::<Vec<u8>>());
    for proven in &derivation.equations {
        assert_eq!(proven.claims.len(), places(proven.stated.number, layers), "eq. {}", proven.stated.number);
        let places_named: BTreeSet<&str> = proven.claims.iter().map(|claim| claim.place.as_str()).collect();
        assert_eq!(places_named.len(), proven.claims.len(), "each place once");
        assert!(proven.holds(), "eq. {}: {derivation}", proven.stated.number);
        let by_hand = proven.claims.iter().all(|claim| {
            claim.findings.iter().any(|finding| match finding {
                Finding::SameEntry { index, found, .. } => *index == claim.entry.index && index == found,
                Finding::OperandOf { .. }
                | Finding::Recorded { .. }
                | Finding::Numbers { .. }
                | Finding::SameBits { .. } => false,
            })
        });
        let matrix_equation = matches!(proven.stated.number, 3 | 4 | 5 | 8 | 14 | 15 | 16 | 20 | 23..=28);
        assert_eq!(by_hand, matrix_equation, "eq. {}", proven.stated.number);
    }
    for list in &derivation.lists {
        assert!(!list.grew() && list.after_differentiation > 4 * layers, "{}", list.summary());
    }
    assert!(derivation.holds());
}

#[test]
fn every_equation_is_its_entry_in_any_architecture() {
    for sizes in ["1-1", "7-1", "1-1-1", "2-4-1", "5-4-3-1", "3-5", "4-6-3", "2-1-3-2", "3-2-2-2-2-2-2-2-2-1"]
    {
        for seed in 0..2 {
            assert_whole(&of(sizes, Activation::Tanh, seed), sizes.matches('-').count());
        }
    }
}

#[test]
fn every_equation_is_its_entry_for_any_activation() {
    for g in Activation::all() {
        assert_whole(&of("3-4-2-2", g, 1), 3);
    }
}

#[test]
fn documents_hold_every_equation_once_and_in_order() {
    let derivation = of("2-3-2", Activation::LeakyRelu(0.1), 0);
    let (html, latex) = (derivation.to_html(), derivation.to_latex());
    let in_order = |text: &str, part: &dyn Fn(u8) -> String| {
        let places: Vec<usize> = (1..=28)
            .map(|number| {
                let part = part(number);
                assert_eq!(text.matches(&part).count(), 1, "{part}");
                text.find(&part).unwrap()
            })
            .collect();
        assert!(places.is_sorted());
    };
    in_order(&html, &|number| format!("<section id=\"eq-{number}\""));
    in_order(&latex, &|number| format!("\\stated{{{number}}}{{"));
    for proven in &derivation.equations {
        assert!(latex.contains(proven.stated.latex), "eq. {}", proven.stated.number);
        for claim in &proven.claims {
            assert!(html.contains(&claim.entry.mathml) && latex.contains(&claim.entry.latex), "{claim}");
        }
    }
    for outside in ["http:", "https:", "src=", "<script", "@import"] {
        assert!(!html.contains(outside), "{outside}");
    }
    // MathML, and no formula left as text.
    assert!(html.matches("<math").count() >= 28 + derivation.equations.len());
    assert!(!html.contains("\\frac") && !html.contains("merror"), "{html}");
}

#[test]
fn a_verdict_can_fail() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("A", &matrix![[1.0, 2.0]]);
    let (b, c) = (a.tanh(), a.sigmoid());
    let product = b * c;
    for (finding, holds) in [
        (Finding::by_hand(b, a.tanh()), true),
        (Finding::by_hand(b, c), false),
        (Finding::operand_of(b, product).unwrap(), true),
        (Finding::operand_of(a, product).unwrap(), false),
        (Finding::recorded(product, "multiply", [b, c]).unwrap(), true),
        (Finding::recorded(product, "multiply", [c, b]).unwrap(), false),
        (Finding::recorded(product, "matmul", [b, c]).unwrap(), false),
        (Finding::Numbers { by: "a loop", compared: 2, largest: 1e-16, bound: 1e-15 }, true),
        (Finding::Numbers { by: "a loop", compared: 2, largest: 1e-14, bound: 1e-15 }, false),
        (Finding::Numbers { by: "a loop", compared: 2, largest: f64::NAN, bound: 1e-15 }, false),
        (Finding::Numbers { by: "a loop", compared: 0, largest: 0.0, bound: 1e-15 }, false),
        (Finding::SameBits { compared: 2, different: 0 }, true),
        (Finding::SameBits { compared: 2, different: 1 }, false),
    ] {
        assert_eq!(finding.holds(), holds, "{finding}");
    }

    let mut derivation = of("2-2-1", Activation::Tanh, 0);
    let claim = &mut derivation.equations[25].claims[0];
    claim.findings.push(Finding::SameBits { compared: 1, different: 1 });
    assert!(!derivation.holds() && !derivation.equations[25].holds());
    assert!(derivation.to_html().contains("✗") && derivation.to_string().contains("27 of 28 equations hold"));
    let mut derivation = of("2-2-1", Activation::Tanh, 0);
    derivation.lists[1].after_recording_by_hand += 1;
    assert!(!derivation.holds());
}

#[test]
fn the_program_writes_both_documents_or_says_why_not() {
    let folder = std::env::temp_dir().join(format!("{}-proof", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let prefix = folder.join("of.4-2");
    let output = built::run(
        "proof",
        &["--sizes", "4-2", "--activation", "relu", "--seed", "3", "--out", prefix.to_str().unwrap()],
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let expected = of("4-2", Activation::Relu, 3);
    // The list names the places of the source, which this test calls by another path.
    let same = |ending: &str, expected: String| {
        let written = std::fs::read_to_string(folder.join(format!("of.4-2.{ending}"))).unwrap();
        assert!(written == expected.replace("tests/../", ""), "of.4-2.{ending}");
    };
    same("html", expected.to_html());
    same("tex", expected.to_latex());
    std::fs::remove_dir_all(&folder).unwrap();

    for (arguments, reason) in [
        (&["--sizes", "4"][..], "proof: --sizes \"4\": two sizes or more"),
        (&["--sizes", "4-0-1"], "proof: --sizes \"4-0-1\": two sizes or more"),
        (&["--activation", "tanhh"], "proof: --activation \"tanhh\": "),
        (&["--seed", "-1"], "proof: --seed \"-1\": "),
        (&["--seed"], "proof: --seed: "),
        (&["--out", "/no/such/folder/proof"], "proof: --out: "),
        (&["--no"], "proof: "),
    ] {
        let output = built::run("proof", arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.starts_with(reason) && text.matches('\n').count() == 1, "{text:?}");
    }
}

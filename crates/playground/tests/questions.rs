//! Questions as the page asks them.

use serde_json::{Value, json};

fn ask(question: Value) -> Value {
    let answer: Value = serde_json::from_str(&playground::answer(&question.to_string())).expect("JSON");
    answer.get("ok").cloned().unwrap_or_else(|| panic!("{answer}"))
}

fn error(question: Value) -> (String, String) {
    let answer: Value = serde_json::from_str(&playground::answer(&question.to_string())).expect("JSON");
    let error = answer.get("error").unwrap_or_else(|| panic!("no error: {answer}"));
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    (text("at"), text("message"))
}

fn xor() -> Value {
    json!({"sizes": [2, 4, 1], "g": ["tanh", "sigmoid"]})
}

/// The value of the document's entry of a name.
fn value<'a>(derived: &'a Value, name: &str) -> &'a Value {
    let entries = derived["document"]["entries"].as_array().expect("entries");
    let entry = entries.iter().find(|entry| entry["name"] == name).unwrap_or_else(|| panic!("no {name}"));
    &entry["value"]
}

#[test]
fn a_network_is_derived_with_its_proofs() {
    let derived = ask(json!({"do": "derive", "state": xor()}));
    assert_eq!(derived["document"]["format"], "tape-page");
    let marks = derived["document"]["marks"].as_array().expect("marks");
    let proven: Vec<_> = marks.iter().filter(|mark| mark["proof"]["same"] == true).collect();
    assert_eq!(proven.len(), 8, "four equations in each of two layers");
    assert!(marks.iter().all(|mark| mark["proof"].is_null() || mark["proof"]["same"] == true));
    assert_eq!(value(&derived, "J")["data"][0], derived["j"]);
    assert_eq!(derived["state"]["x"], json!([[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]]));
    assert_eq!(derived["boundary"]["values"].as_array().map(Vec::len), Some(1600));
}

#[test]
fn differences_can_wait() {
    let verdicts = |quickly: bool| -> Vec<String> {
        let derived = ask(json!({"do": "derive", "state": xor(), "quickly": quickly}));
        let entries = derived["document"]["entries"].as_array().expect("entries").clone();
        entries
            .iter()
            .filter_map(|entry| entry["difference"]["verdict"].as_str().map(str::to_owned))
            .collect()
    };
    let (all, none) = (verdicts(false), verdicts(true));
    assert!(all.len() >= 8 && all.iter().all(|verdict| verdict == "agrees"), "{all:?}");
    assert!(none.len() == all.len() && none.iter().all(|verdict| verdict == "unchecked"), "{none:?}");
}

#[test]
fn what_was_drawn_can_be_asked_for_again() {
    let derived = ask(json!({"do": "derive", "state": xor()}));
    let again = ask(json!({"do": "derive", "state": derived["state"]}));
    assert_eq!(derived["document"], again["document"]);
    let other =
        ask(json!({"do": "derive", "state": {"sizes": [2, 4, 1], "g": ["tanh", "sigmoid"], "seed": 1}}));
    assert_ne!(value(&derived, "W[1]"), value(&other, "W[1]"));
}

#[test]
fn an_edited_cell_changes_what_follows() {
    let mut state = ask(json!({"do": "derive", "state": xor()}))["state"].clone();
    state["parameters"] = json!({"W[2]": [[1.0, 0.0, 0.0, 0.0]], "b[2]": [[0.0]], "W[1]": [[1.0, 1.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]], "b[1]": [[-1.0], [0.0], [0.0], [0.0]]});
    let derived = ask(json!({"do": "derive", "state": state}));
    // z[2] = tanh(x₁ + x₂ − 1), by hand.
    let expected = [(-1.0_f64).tanh(), 0.0, 0.0, 1.0_f64.tanh()];
    for (found, expected) in value(&derived, "Z[2]")["data"].as_array().expect("data").iter().zip(expected) {
        assert!((found.as_f64().expect("a number") - expected).abs() < 1e-15);
    }
    state["x"] = json!([[0.0], [1.0]]);
    state["y"] = json!([[1.0]]);
    let one = ask(json!({"do": "derive", "state": state}));
    assert_eq!(one["document"]["m"], 1);
}

#[test]
fn a_formula_is_an_activation_with_its_derivative() {
    let by_name =
        ask(json!({"do": "derive", "state": {"sizes": [2, 3, 1], "g": ["silu", "sigmoid"], "set": "moons"}}));
    for text in ["z * sigmoid(z)", "z ⊙ σ(z)", "z / (1 + exp(-z))"] {
        let state = json!({"sizes": [2, 3, 1], "g": [text, "sigmoid"], "set": "moons"});
        let by_formula = ask(json!({"do": "derive", "state": state}));
        for name in ["A[1]", "∂J/∂W[1]", "∂J/∂b[1]"] {
            let of = |derived: &Value| -> Vec<f64> {
                value(derived, name)["data"]
                    .as_array()
                    .expect("data")
                    .iter()
                    .filter_map(Value::as_f64)
                    .collect()
            };
            let (expected, found) = (of(&by_name), of(&by_formula));
            assert_eq!(expected.len(), found.len());
            let largest = expected.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
            for (a, b) in expected.iter().zip(&found) {
                assert!((a - b).abs() <= 1e-12 * largest, "{text}: {name}: {a} and {b}");
            }
        }
        let same = by_formula["document"]["marks"].as_array().expect("marks").iter();
        assert_eq!(same.filter(|mark| mark["proof"]["same"] == true).count(), 8, "{text}");
    }
}

#[test]
fn formulas_of_all_kinds() {
    for text in ["2 * z", "z^2", "-z", "tanh(z) + 0.1 * z", "|z|", "relu(z) - relu(-z)", "1 / (1 + z^2)", "z"]
    {
        let state = json!({"sizes": [2, 2, 1], "g": [text, "sigmoid"]});
        let derived = ask(json!({"do": "derive", "state": state}));
        assert!(derived["j"].is_number(), "{text}");
    }
    for (text, part) in [
        ("softmax_columns(z)", "every z"),
        ("sum(z) + z", "every z"),
        ("sum(z)", "one number"),
        ("z +", "g[1]"),
        ("z * q", "q"),
        ("tnah", "formula in z"),
        ("", "formula in z"),
    ] {
        let (at, message) =
            error(json!({"do": "derive", "state": {"sizes": [2, 2, 1], "g": [text, "sigmoid"]}}));
        assert_eq!(at, "g[1]", "{text}: {message}");
        assert!(message.contains(part) || at.contains(part), "{text}: {message}");
    }
}

#[test]
fn training_goes_down_and_in_pieces() {
    let state = json!({"sizes": [2, 4, 1], "g": ["tanh", "sigmoid"], "seed": 3});
    let ten = ask(json!({"do": "train", "state": state, "steps": 10, "rate": 0.5}));
    assert_eq!(ten["before"].as_array().map(Vec::len), Some(10));
    let j = |derived: &Value| derived["j"].as_f64().expect("J");
    assert!(j(&ten) < ten["before"][0].as_f64().expect("J"));
    let mut one = json!({"state": state});
    for _ in 0..10 {
        one = ask(json!({"do": "train", "state": one["state"], "steps": 1, "rate": 0.5}));
    }
    assert_eq!(one["state"], ten["state"]);
    let none = ask(json!({"do": "train", "state": state, "steps": 0, "rate": 0.5}));
    assert_eq!(none["document"], ask(json!({"do": "derive", "state": state, "quickly": true}))["document"]);
}

#[test]
fn ten_equations_get_their_ten_answers() {
    for (text, verdict, part) in [
        ("dJ/dW[1] = 1/m * d[1] * A[0]'", "same", "the same entry"),
        ("∂J/∂W[1] = 1/m · ∂ℒ/∂Z[1] * Xᵀ", "same", "the same entry"),
        ("dJ/dW[1] = 1/m * dL/dA[1] * X'", "mistake", "eq. 26 without g′(Z[1])"),
        ("dJ/dW[2] = 1/m * d[2] * A[1]", "shape", "without ᵀ"),
        ("dJ/dW[1] = d[1] * X'", "mistake", "1/m"),
        ("dJ/db[1] = 1/m * d[1]", "shape", "4×1"),
        ("dJ/dW[1] = 1/m * d[1] * X' + 0 * W[1]", "equal_in_value", "not in form"),
        ("dJ/dW[1] = 1/m * tanh(d[1]) * X'", "different", "is another one"),
        ("dL/dZ[1] = W[2]' * d[2]", "mistake", "without g′"),
        ("dJ/db[2] = 1/m * sum_i d[2]", "same", "the same entry"),
    ] {
        let judged = ask(json!({"do": "check", "state": xor(), "text": text}));
        let sentence = judged["sentence"].as_str().expect("a sentence");
        assert_eq!(judged["verdict"], verdict, "{text}: {sentence}");
        assert!(sentence.contains(part), "{text}: {sentence}");
    }
    for text in ["dJ/dW[1] = 1/m * d[1", "dJ/dW[3] = W[1]", "hello", "", "dJ/dW[1] = q"] {
        let (at, message) = error(json!({"do": "check", "state": xor(), "text": text}));
        assert!(at == "text" && !message.is_empty(), "{text}: {at}: {message}");
    }
}

#[test]
fn numbers_are_judged() {
    let derived = ask(json!({"do": "derive", "state": xor()}));
    let data = value(&derived, "∂J/∂b[2]")["data"][0].as_f64().expect("a number");
    let numbers =
        |x: f64| json!({"do": "check_numbers", "state": xor(), "quantity": "dJ/db[2]", "rows": [[x]]});
    assert_eq!(ask(numbers(data))["verdict"], "agrees");
    let wrong = ask(numbers(4.0 * data));
    assert_eq!((wrong["verdict"].as_str(), wrong["is_right"].as_bool()), (Some("mistake"), Some(false)));
    assert!(wrong["sentence"].as_str().expect("a sentence").contains("1/m"), "{wrong}");
    let shape = json!({"do": "check_numbers", "state": xor(), "quantity": "dJ/db[1]", "rows": [[1.0, 2.0]]});
    assert_eq!(ask(shape)["verdict"], "shape");
    let (at, _) =
        error(json!({"do": "check_numbers", "state": xor(), "quantity": "dJ/db[7]", "rows": [[1.0]]}));
    assert_eq!(at, "quantity");
}

#[test]
fn a_broken_equation_can_be_found_and_no_other() {
    let mut broken_quantities = std::collections::HashSet::new();
    for seed in 0..12 {
        let right = ask(json!({"do": "derive", "state": xor()}));
        let broken = ask(json!({"do": "break", "state": xor(), "seed": seed}));
        let lines = broken["lines"].as_array().expect("lines");
        assert_eq!(lines.len(), 8);
        let mut found = 0;
        for line in lines {
            let quantity = line["quantity"].as_str().expect("a name");
            let answer = ask(json!({"do": "find", "state": xor(), "seed": seed, "quantity": quantity}));
            if answer["is_found"] == true {
                found += 1;
                broken_quantities.insert(quantity.to_owned());
                assert!(
                    answer["sentence"].as_str().is_some_and(|sentence| sentence.contains("eq. ")),
                    "{answer}"
                );
                // What it got is not what is right.
                let data = value(&right, quantity)["data"].as_array().expect("data");
                let flat: Vec<f64> = line["rows"]
                    .as_array()
                    .expect("rows")
                    .iter()
                    .flat_map(|row| row.as_array().expect("a row"))
                    .filter_map(Value::as_f64)
                    .collect();
                let mut sorted: Vec<f64> = data.iter().filter_map(Value::as_f64).collect();
                let mut theirs = flat.clone();
                sorted.sort_by(f64::total_cmp);
                theirs.sort_by(f64::total_cmp);
                assert!(
                    sorted.iter().zip(&theirs).any(|(a, b)| (a - b).abs() > 1e-9),
                    "{quantity} of seed {seed}"
                );
            }
        }
        assert_eq!(found, 1, "seed {seed}");
    }
    assert!(broken_quantities.len() >= 3, "{broken_quantities:?}");
}

#[test]
fn an_equation_is_hidden() {
    let hidden = ask(json!({"do": "hide", "state": xor(), "seed": 5}));
    let right = hidden["right"].as_str().expect("an equation");
    assert_eq!(ask(json!({"do": "check", "state": xor(), "text": right}))["is_right"], true);
}

#[test]
fn what_cannot_be_is_said_with_its_place() {
    for (state, at) in [
        (json!({"sizes": [2], "g": []}), "sizes"),
        (json!({"sizes": [2, 0, 1], "g": ["tanh", "sigmoid"]}), "sizes"),
        (json!({"sizes": [2, 1000, 1], "g": ["tanh", "sigmoid"]}), "sizes"),
        (json!({"sizes": [2, 1], "g": ["tanh", "sigmoid"]}), "g"),
        (json!({"sizes": [2, 1], "g": ["sigmoid"], "loss": "hinge"}), "loss"),
        (json!({"sizes": [3, 1], "g": ["sigmoid"]}), "set"),
        (json!({"sizes": [3, 1], "g": ["sigmoid"], "set": "own"}), "X"),
        (json!({"sizes": [2, 1], "g": ["sigmoid"], "x": [[1.0], [1.0, 2.0]]}), "X"),
        (json!({"sizes": [2, 1], "g": ["sigmoid"], "x": [[1.0], [2.0]], "y": [[1.0, 0.0]]}), "Y"),
        (json!({"sizes": [2, 1], "g": ["sigmoid"], "parameters": {"W[1]": [[1.0]]}}), "W[1]"),
        (json!({"sizes": [2, 1], "g": ["sigmoid"], "parameters": {"W[9]": [[1.0]]}}), "W[9]"),
    ] {
        let (found, message) = error(json!({"do": "derive", "state": state}));
        assert_eq!(found, at, "{state}: {message}");
        assert!(!message.is_empty());
    }
    let nonsense = ["", "{", "[]", r#"{"do": "dance"}"#, "\u{0}", r#"{"do": "derive"}"#];
    for text in nonsense {
        assert!(playground::answer(text).contains(r#""at":"question""#), "{text:?}");
    }
}

#[test]
fn numbers_that_are_not_finite_come_back_as_they_went() {
    let state = json!({"sizes": [1, 1], "g": ["identity"], "loss": "squared_error", "set": "own", "x": [["inf"]], "y": [[0.0]], "parameters": {"W[1]": [[1.0]]}});
    let answer = playground::answer(&json!({"do": "derive", "state": state}).to_string());
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    // Either is fine for whoever reads it: numbers beyond all numbers, or a sentence that says where.
    match answer.get("ok") {
        Some(derived) => assert_eq!(derived["state"]["x"], json!([["inf"]])),
        None => assert!(answer["error"]["message"].as_str().is_some_and(|message| !message.is_empty())),
    }
}

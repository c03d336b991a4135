//! What a page of a network can ask for: to derive it anew, to train it, to judge what somebody has written down, to set an
//! exercise.
//!
//! [`answer`] takes a question as JSON and gives the answer as JSON. It keeps nothing: a question holds the whole
//! [`State`], and so going back is to ask the old question again, and a link can hold a question. The derivation, the
//! proofs and the diagnosis are those of `tape` and `mlp`; there is none of them here.
//!
//! ```
//! let xor = r#"{"do": "derive", "state": {"sizes": [2, 4, 1], "g": ["tanh", "sigmoid"]}}"#;
//! let answer = playground::answer(xor);
//! assert!(answer.starts_with(r#"{"ok":"#));
//! let unknown = playground::answer(r#"{"do": "derive", "state": {"sizes": [2, 1], "g": ["tnah"]}}"#);
//! assert!(unknown.contains(r#"{"error":{"at":"g[1]""#));
//! ```
//!
//! # Questions
//!
//! | `do` | with | the answer is |
//! |---|---|---|
//! | `derive` | `state`, `quickly` or not | [`Derived`]: the state with all that was drawn, the page's document (`quickly` without differences), J, outputs |
//! | `train` | `state`, `steps`, `rate` | the same after so many steps of gradient descent, with J before each, without differences |
//! | `check` | `state`, `text` | [`Judged`]: what an equation is beside the right one |
//! | `check_numbers` | `state`, `quantity`, `rows` | what numbers are beside the right ones |
//! | `hide` | `state`, `seed` | [`Hidden`]: a quantity whose equation is to be typed |
//! | `break` | `state`, `seed` | [`Broken`]: all quantities, computed with one wrong equation |
//! | `find` | `state`, `seed`, `quantity` | whether that is the quantity, and what was wrong |

mod boundary;
mod data;
mod derive;
mod error;
mod exercise;
#[cfg(target_family = "wasm")]
mod exports;
mod formula;
mod judge;
mod rows;
mod state;

use serde::{Deserialize, Serialize};

pub use boundary::Boundary;
pub use data::Set;
pub use derive::Derived;
pub use error::{Error, Result};
pub use exercise::{Broken, Found, Hidden, Line};
pub use judge::Judged;
pub use rows::Rows;
pub use state::{Given, State};

/// A question.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
enum Question {
    Derive {
        state: State,
        #[serde(default)]
        quickly: bool,
    },
    Train {
        state: State,
        steps: usize,
        rate: f64,
    },
    Check {
        state: State,
        text: String,
    },
    CheckNumbers {
        state: State,
        quantity: String,
        rows: Rows,
    },
    Hide {
        state: State,
        seed: u64,
    },
    Break {
        state: State,
        seed: u64,
    },
    Find {
        state: State,
        seed: u64,
        quantity: String,
    },
}

/// An answer to a question that could be answered.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Answer {
    Derived(Box<Derived>),
    Judged(Judged),
    Hidden(Hidden),
    Broken(Broken),
    Found(Found),
}

/// The page of the first state, without an engine in it: XOR, learned by a network 2-4-1.
///
/// # Errors
/// None that a user could cause.
pub fn first_page() -> Result<String> {
    let state = State {
        sizes: vec![2, 4, 1],
        g: vec!["tanh".to_owned(), "sigmoid".to_owned()],
        loss: "log_loss".to_owned(),
        seed: 0,
        set: Set::Xor,
        x: None,
        y: None,
        parameters: std::collections::BTreeMap::new(),
    };
    derive::html(&state)
}

/// Answers a question: `{"ok": …}`, or `{"error": {"at": …, "message": …}}`, where `at` says what is wrong of the state,
/// if it is one part of it.
pub fn answer(question: &str) -> String {
    let answered = match ask(question) {
        Ok(answer) => serde_json::to_string(&Envelope::Ok(answer)),
        Err(error) => serde_json::to_string(&Envelope::Error(error)),
    };
    answered.expect("every map of an answer has strings as its keys")
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Envelope {
    Ok(Answer),
    Error(Error),
}

fn ask(question: &str) -> Result<Answer> {
    let question = serde_json::from_str(question).map_err(|error| Error::of("question", error))?;
    Ok(match question {
        Question::Derive { state, quickly } => Answer::Derived(Box::new(derive::derive(&state, quickly)?)),
        Question::Train { state, steps, rate } => {
            Answer::Derived(Box::new(derive::train(&state, steps, rate)?))
        }
        Question::Check { state, text } => Answer::Judged(judge::text(&state, &text)?),
        Question::CheckNumbers { state, quantity, rows } => {
            Answer::Judged(judge::numbers(&state, &quantity, &rows)?)
        }
        Question::Hide { state, seed } => Answer::Hidden(exercise::hide(&state, seed)?),
        Question::Break { state, seed } => Answer::Broken(exercise::break_one(&state, seed)?),
        Question::Find { state, seed, quantity } => Answer::Found(exercise::find(&state, seed, &quantity)?),
    })
}

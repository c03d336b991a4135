//! Exercises: an equation that is hidden, and one that is wrong in secret.

use indexmap::IndexMap;
use mlp::diagnose::{Exercise, NotJudged, Numbers, Quantity};
use serde::Serialize;
use tape::Matrix;
use tape::check::Random;

use crate::state::Given;
use crate::{Error, Result, Rows, State};

/// A quantity whose equation is to be typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hidden {
    /// As the textbook calls it.
    pub quantity: String,
    /// The right equation, to be shown when it was found, or given up.
    pub right: String,
}

/// A derivation with one wrong equation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Broken {
    /// The quantities from the output on, each as the right equation has it, with the numbers that it got.
    pub lines: Vec<Line>,
}

/// A quantity and its numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// As the textbook calls it.
    pub quantity: String,
    /// The right equation.
    pub equation: String,
    /// What was computed, perhaps by a wrong one, from what stands above.
    pub rows: Rows,
}

/// Whether the wrong equation was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Whether that is the one.
    pub is_found: bool,
    /// The wrong equation and what is wrong with it, once it was found.
    pub wrong: Option<String>,
    /// The sentence of the diagnosis.
    pub sentence: Option<String>,
}

/// The quantities of a derivation and the numbers that they got, from the output on.
type Numbered = IndexMap<Quantity, Matrix<f64>>;

/// Hides an equation that a seed draws.
pub(crate) fn hide(state: &State, seed: u64) -> Result<Hidden> {
    let given = state.given()?;
    let all = derivation(&given, None)?.unwrap_or_default();
    let drawn = Random::new(seed).below(all.len());
    let (&quantity, _) = all.get_index(drawn).expect("one of them");
    let right = Exercise::new(&given.network).right(quantity).map_err(of_exercise)?;
    Ok(Hidden { quantity: quantity.to_string(), right })
}

/// Breaks an equation that a seed draws: its numbers, and all that follow from them.
pub(crate) fn break_one(state: &State, seed: u64) -> Result<Broken> {
    let given = state.given()?;
    let exercise = Exercise::new(&given.network);
    let line = |(quantity, value): (Quantity, Matrix<f64>)| {
        let equation = exercise.right(quantity).map_err(of_exercise)?;
        Ok(Line { quantity: quantity.to_string(), equation, rows: Rows::of(&value) })
    };
    let lines = Wrong::draw(&given, seed)?.numbers.into_iter().map(line).collect::<Result<_>>()?;
    Ok(Broken { lines })
}

/// Whether a quantity is the one that was broken.
pub(crate) fn find(state: &State, seed: u64, quantity: &str) -> Result<Found> {
    let given = state.given()?;
    let guess: Quantity = quantity.parse().map_err(|error| Error::of("quantity", error))?;
    let wrong = Wrong::draw(&given, seed)?;
    if guess != wrong.quantity {
        return Ok(Found { is_found: false, wrong: None, sentence: None });
    }
    let verdict = Exercise::new(&given.network).judge(&wrong.text).map_err(of_exercise)?;
    Ok(Found { is_found: true, wrong: Some(wrong.text), sentence: Some(verdict.to_string()) })
}

/// A wrong equation, and the numbers that follow from it.
struct Wrong {
    quantity: Quantity,
    text: String,
    numbers: Numbered,
}

impl Wrong {
    /// One that can be computed and gives other numbers than the right one, among those that the diagnosis knows.
    fn draw(given: &Given, seed: u64) -> Result<Self> {
        let exercise = Exercise::new(&given.network);
        let right = derivation(given, None)?.unwrap_or_default();
        let mut candidates = Vec::new();
        for (quantity, value) in &right {
            let wrong = exercise.wrong(*quantity).map_err(of_exercise)?;
            candidates.extend(wrong.into_iter().map(|(_, text)| (*quantity, value, text)));
        }
        let mut random = Random::new(seed);
        while !candidates.is_empty() {
            let (quantity, value, text) = candidates.swap_remove(random.below(candidates.len()));
            let Some(numbers) = derivation(given, Some((quantity, &text)))? else { continue };
            if numbers[&quantity] != *value {
                return Ok(Wrong { quantity, text, numbers });
            }
        }
        Err(Error::of("seed", "no equation of this network can be wrong and still be computed"))
    }
}

/// What the equations give, from the output's derivative on. `None` if the wrong one does not fit.
fn derivation(given: &Given, wrong: Option<(Quantity, &str)>) -> Result<Option<Numbered>> {
    let Given { network, x, y } = given;
    let mut all = Numbers::new(network, x, y)?.computed(wrong)?;
    if let Some(all) = &mut all {
        all.retain(|quantity, _| !matches!(quantity, Quantity::Z(_) | Quantity::A(_)));
    }
    Ok(all)
}

fn of_exercise(error: NotJudged) -> Error {
    Error::of("seed", error)
}

//! Exercises: an equation that is hidden, and one that is wrong in secret.

use mlp::diagnose::{Exercise, Mistake, Quantity};
use mlp::{Purpose, Random};
use serde::Serialize;
use tape::{Tape, Var};

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

/// The quantities of a derivation, from the output on.
fn quantities(layers: usize) -> Vec<Quantity> {
    let of =
        |l| [Quantity::ActivationDerivative(l), Quantity::Delta(l), Quantity::Weights(l), Quantity::Bias(l)];
    (1..=layers).rev().flat_map(of).collect()
}

/// Whole numbers below a limit that a seed draws.
fn below(random: &mut Random, limit: usize) -> usize {
    ((random.unit() * limit as f64) as usize).min(limit - 1)
}

/// Hides an equation that a seed draws.
pub(crate) fn hide(state: &State, seed: u64) -> Result<Hidden> {
    let Given { network, .. } = state.given()?;
    let all = quantities(network.layers());
    let quantity = all[below(&mut Random::new(seed, Purpose::Shuffle), all.len())];
    let right = Exercise::new(&network).right(quantity).map_err(|error| Error::of("seed", error))?;
    Ok(Hidden { quantity: quantity.to_string(), right })
}

/// Breaks an equation that a seed draws: its numbers, and all that follow from them.
pub(crate) fn break_one(state: &State, seed: u64) -> Result<Broken> {
    let given = state.given()?;
    let wrong = Wrong::draw(&given, seed)?;
    let lines = derivation(&given, Some(&wrong))?.ok_or_else(|| Error::of("seed", "cannot be computed"))?;
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
    let verdict =
        Exercise::new(&given.network).judge(&wrong.text).map_err(|error| Error::of("seed", error))?;
    Ok(Found { is_found: true, wrong: Some(wrong.text), sentence: Some(verdict.to_string()) })
}

/// A wrong equation.
struct Wrong {
    quantity: Quantity,
    text: String,
}

impl Wrong {
    /// One that can be computed and gives other numbers than the right one, among those that the diagnosis knows.
    fn draw(given: &Given, seed: u64) -> Result<Self> {
        let exercise = Exercise::new(&given.network);
        let mut candidates: Vec<(Quantity, Mistake, String)> = Vec::new();
        for quantity in quantities(given.network.layers()) {
            let wrong = exercise.wrong(quantity).map_err(|error| Error::of("seed", error))?;
            candidates.extend(wrong.into_iter().map(|(mistake, text)| (quantity, mistake, text)));
        }
        let right = derivation(given, None)?;
        let mut random = Random::new(seed, Purpose::Shuffle);
        while !candidates.is_empty() {
            let (quantity, _, text) = candidates.swap_remove(below(&mut random, candidates.len()));
            let wrong = Wrong { quantity, text };
            let broken = derivation(given, Some(&wrong))?;
            let differs = |a: &[Line], b: &[Line]| {
                a.iter().zip(b).any(|(a, b)| a.quantity == quantity.to_string() && a.rows != b.rows)
            };
            if let (Some(right), Some(broken)) = (&right, &broken)
                && differs(right, broken)
            {
                return Ok(wrong);
            }
        }
        Err(Error::of("seed", "no equation of this network can be wrong and still be computed"))
    }
}

/// All quantities, each from those above it. `None` if the wrong equation does not fit.
fn derivation(given: &Given, wrong: Option<&Wrong>) -> Result<Option<Vec<Line>>> {
    let Given { network, x, y } = given;
    let exercise = Exercise::new(network);
    let tape = Tape::new();
    let recorded = network.record(&tape, x, y)?;
    let mut reader = tape.reader().alias("A[0]", recorded.x());
    for ((z, g), l) in recorded.z.iter().zip(network.activations()).zip(1..) {
        reader = reader.activation(*z, &g.function()).alias(&format!("Z[{l}]"), *z);
    }
    let mut known: Vec<(Quantity, String, Var<'_, f64>)> = Vec::new();
    for quantity in quantities(network.layers()) {
        let right = exercise.right(quantity).map_err(|error| Error::of("seed", error))?;
        let text = match wrong {
            Some(wrong) if wrong.quantity == quantity => &wrong.text,
            _ => &right,
        };
        let Ok(read) = reader.read(text) else { return Ok(None) };
        let var = read.right;
        let must_be = shape(given, quantity);
        if var.shape().ok().map(|shape| shape.at(x.columns())) != Some(must_be) {
            return Ok(None);
        }
        reader = reader.alias(&quantity.to_string(), var);
        if let Quantity::Delta(l) = quantity {
            reader = reader.alias(&format!("δ[{l}]"), var);
        }
        known.push((quantity, right, var));
    }
    let mut program = tape.compile(known.iter().map(|(_, _, var)| *var))?;
    program.run()?;
    let line = |(quantity, equation, var): (Quantity, String, Var<'_, f64>)| {
        let rows = Rows::of(&program.view(var)?.to_matrix());
        Ok(Line { quantity: quantity.to_string(), equation, rows })
    };
    known.into_iter().map(line).collect::<Result<_>>().map(Some)
}

/// The shape of a quantity.
fn shape(given: &Given, quantity: Quantity) -> (usize, usize) {
    let (sizes, m, l) = (given.network.sizes(), given.x.columns(), quantity.layer());
    match quantity {
        Quantity::Weights(_) => (sizes[l], sizes[l - 1]),
        Quantity::Bias(_) => (sizes[l], 1),
        _ => (sizes[l], m),
    }
}

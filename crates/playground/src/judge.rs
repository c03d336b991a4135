//! What somebody has written down, judged by the diagnosis of `mlp`.

use mlp::diagnose::{ByNumbers, Exercise, Numbers, Quantity, Verdict};
use serde::Serialize;

use crate::state::Given;
use crate::{Error, Result, Rows, State};

/// A verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// Which kind it is: `same`, `equal_in_value`, `mistake`, `shape`, `different`; of numbers `agrees` as well.
    pub verdict: &'static str,
    /// Whether it is right.
    pub is_right: bool,
    /// The sentence.
    pub sentence: String,
    /// What was judged, as the textbook calls it.
    pub quantity: Option<String>,
    /// The number of the equation that was not followed, where the mistake has a name.
    pub equation: Option<u8>,
}

/// Judges an equation with both sides.
pub(crate) fn text(state: &State, text: &str) -> Result<Judged> {
    let Given { network, .. } = state.given()?;
    let verdict = Exercise::new(&network).judge(text).map_err(|error| Error::of("text", error))?;
    let kind = match &verdict {
        Verdict::Same => "same",
        Verdict::EqualInValue { .. } => "equal_in_value",
        Verdict::Mistake { .. } => "mistake",
        Verdict::Shape { .. } => "shape",
        _ => "different",
    };
    let left = text.split('=').next().unwrap_or("");
    Ok(Judged {
        verdict: kind,
        is_right: verdict.is_right(),
        sentence: verdict.to_string(),
        quantity: left.parse::<Quantity>().ok().map(|quantity| quantity.to_string()),
        equation: verdict.finding().and_then(|finding| finding.equation(network.loss_function())),
    })
}

/// Judges the numbers of a quantity.
pub(crate) fn numbers(state: &State, quantity: &str, rows: &Rows) -> Result<Judged> {
    let Given { network, x, y } = state.given()?;
    let quantity: Quantity = quantity.parse().map_err(|error| Error::of("quantity", error))?;
    if !(1..=network.layers()).contains(&quantity.layer()) {
        let message = format!("there is no {quantity}: the network has {} layers", network.layers());
        return Err(Error::of("quantity", message));
    }
    let height = rows.0.len();
    let theirs = rows.matrix("numbers", height, None)?;
    let name = quantity.to_string();
    let judged = Numbers::new(&network, &x, &y)?.judge(|asked| (asked == name).then(|| theirs.clone()))?;
    let verdict = match &judged {
        ByNumbers::Shape { .. } => "shape",
        other if other.is_right() => "agrees",
        _ => "mistake",
    };
    Ok(Judged {
        verdict,
        is_right: judged.is_right(),
        sentence: judged.to_string(),
        quantity: Some(name),
        equation: None,
    })
}

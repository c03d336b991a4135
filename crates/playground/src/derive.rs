//! A network derived anew, and trained.

use mlp::{Optimizer, Training};
use serde::Serialize;
use serde_json::value::RawValue;
use tape::Tape;

use crate::rows::{Number, Rows};
use crate::state::Given;
use crate::{Boundary, Error, Result, State};

/// More steps are several questions.
const MOST_STEPS: usize = 1000;

/// A network as its page shows it.
#[derive(Debug, Serialize)]
pub struct Derived {
    /// The state that was given, with all that was drawn: X, Y, W and b.
    pub state: State,
    /// The document of [`tape::Page`].
    pub document: Box<RawValue>,
    /// J of the state.
    pub j: Number,
    /// J before each step that was taken.
    pub before: Vec<Number>,
    /// Outputs over the plane, where X has two features.
    pub boundary: Option<Boundary>,
}

/// Records the network on its data and differentiates it.
pub(crate) fn derive(state: &State, quickly: bool) -> Result<Derived> {
    of(state, &state.given()?, Vec::new(), quickly)
}

/// The page of a state as a file, without an engine.
pub(crate) fn html(state: &State) -> Result<String> {
    let Given { network, x, y } = state.given()?;
    let tape = Tape::new();
    let recorded = network.record(&tape, &x, &y)?;
    let program = tape.compile(recorded.gradients())?;
    Ok(network.page(&recorded, &program)?.to_html()?)
}

/// The same after some steps of gradient descent on all examples.
pub(crate) fn train(state: &State, steps: usize, rate: f64) -> Result<Derived> {
    if steps > MOST_STEPS {
        return Err(Error::of("steps", format!("at most {MOST_STEPS} at a time")));
    }
    let mut given = state.given()?;
    let descent = Optimizer::gradient_descent(rate).map_err(|error| Error::of("rate", error))?;
    let Given { network, x, y } = &mut given;
    let history = Training::new(descent).epochs(steps).threads(1).fit(network, x, y)?;
    let before = history.epochs().iter().map(|losses| Number(losses.training)).collect();
    of(state, &given, before, true)
}

fn of(state: &State, given: &Given, before: Vec<Number>, quickly: bool) -> Result<Derived> {
    let Given { network, x, y } = given;
    let tape = Tape::new();
    let recorded = network.record(&tape, x, y)?;
    let outputs: Vec<_> = recorded.gradients().into_iter().chain([recorded.j]).collect();
    let mut program = tape.compile(outputs)?;
    program.run()?;
    let j = Number(program.scalar(recorded.j)?);
    let page = network.page(&recorded, &program)?;
    let document = if quickly { page.without_differences() } else { page }.to_json()?;
    let document = RawValue::from_string(document).map_err(|error| Error::of("document", error))?;
    let parameters = network.parameters().iter().map(|(name, value)| (name.clone(), Rows::of(value)));
    let state = State {
        x: Some(Rows::of(x)),
        y: Some(Rows::of(y)),
        parameters: parameters.collect(),
        ..state.clone()
    };
    let boundary = Boundary::of(network, x)?;
    Ok(Derived { state, document, j, before, boundary })
}

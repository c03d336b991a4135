//! The one list as a picture: the forward entries, and behind them the derivatives that were recorded on the same list.
//!
//! It prints the graph in the DOT language. With Graphviz installed,
//! `cargo run --release --example 09_picture | dot -Tsvg > docs/one-list.svg` makes the picture of the README.

use mlp::{Activation, Error, Mlp};
use tape::{Tape, matrix};

fn main() -> Result<(), Error> {
    let network = Mlp::<f64>::new(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).build()?;
    let x = matrix![[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]];
    let y = matrix![[0.0, 1.0, 1.0, 0.0]];
    let tape = Tape::new();
    let recorded = network.record(&tape, &x, &y)?;
    let gradients = recorded.gradients();
    let picture = tape.dot_of(gradients.into_iter().chain([recorded.j]));
    for name in ["W[1]", "Z[2]", "J", "∂ℒ/∂Z[2]", "∂J/∂W[1]"] {
        assert!(picture.contains(name), "{name} is missing in the picture");
    }
    print!("{picture}");
    Ok(())
}

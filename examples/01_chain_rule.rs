//! The chain rule, on numbers.
//!
//! Everything that follows in this course is the chain rule, applied to a list. This first example shows the list: what is
//! recorded on a tape, what differentiation appends to it, and that the numbers that come out are those of eq. 6 (one
//! variable) and eq. 7 (several variables), worked out by hand.
//!
//! Run it with `cargo run --release --example 01_chain_rule`.

use tape::{Error, Matrix, Tape};

fn main() -> Result<(), Error> {
    one_variable()?;
    several_variables()?;
    derivatives_of_derivatives()
}

/// Eq. 6: with u = x² and y = sin u, dy/dx = dy/du · du/dx.
fn one_variable() -> Result<(), Error> {
    println!("Eq. 6, one variable: y = sin u, u = x², at x = 1.5\n");
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &Matrix::scalar(1.5));
    let u = x.square().named("u");
    let y = u.sin().named("y");
    let forward = tape.len();
    // Nothing was computed so far: the tape is a list of what is to be done. Differentiation appends to it.
    let [dy_du, dy_dx] = y.gradients([u, x]);
    println!("The tape, from the leaf x to the derivatives:\n{tape}");

    let by_hand_du = 2.25_f64.cos();
    let by_hand_dx = by_hand_du * 2.0 * 1.5;
    show("dy/du = cos u", dy_du.value()?[(0, 0)], by_hand_du);
    show("dy/dx = dy/du · du/dx", dy_dx.value()?[(0, 0)], by_hand_dx);

    // Equal expressions are one entry: what is asked for twice is there already.
    let length = tape.len();
    assert_eq!(y.gradients([x]), [dy_dx]);
    assert_eq!(tape.len(), length);
    println!("\n{forward} entries forward, {} for the derivatives; asking again adds none.\n", length - forward);
    Ok(())
}

/// Eq. 7: x reaches f along two ways, u and v, and so ∂f/∂x = ∂f/∂u · ∂u/∂x + ∂f/∂v · ∂v/∂x.
fn several_variables() -> Result<(), Error> {
    println!("Eq. 7, several variables: f = u · v, u = x · y, v = x + y, at x = 3, y = −2\n");
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &Matrix::scalar(3.0));
    let y = tape.parameter("y", &Matrix::scalar(-2.0));
    let u = (x * y).named("u");
    let v = (x + y).named("v");
    let f = (u * v).named("f");
    let [df_dx, df_dy] = f.gradients([x, y]);

    // By hand: ∂f/∂u = v = 1, ∂f/∂v = u = −6.
    let (df_du, df_dv) = (1.0, -6.0);
    show("∂f/∂x = ∂f/∂u · y + ∂f/∂v · 1", df_dx.value()?[(0, 0)], df_du * -2.0 + df_dv * 1.0);
    show("∂f/∂y = ∂f/∂u · x + ∂f/∂v · 1", df_dy.value()?[(0, 0)], df_du * 3.0 + df_dv * 1.0);

    // And without any rule: f at two points beside x.
    let h = 1e-5;
    let f = |x: f64, y: f64| (x * y) * (x + y);
    let slope = (f(3.0 + h, -2.0) - f(3.0 - h, -2.0)) / (2.0 * h);
    println!("  (f(x + h) − f(x − h)) / 2h = {slope:.6}: the same, as far as differences can tell\n");
    assert!((slope - df_dx.value()?[(0, 0)]).abs() < 1e-8);
    Ok(())
}

/// A derivative is an entry like any other, so it has derivatives.
fn derivatives_of_derivatives() -> Result<(), Error> {
    println!("Derivatives of derivatives: y = x⁴, at x = 2\n");
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &Matrix::scalar(2.0));
    let mut derivative = x.powi(4).named("y");
    for (name, by_hand) in [("y′ = 4x³", 32.0), ("y″ = 12x²", 48.0), ("y‴ = 24x", 48.0), ("y⁗ = 24", 24.0)] {
        [derivative] = derivative.gradients([x]);
        show(name, derivative.value()?[(0, 0)], by_hand);
    }
    Ok(())
}

fn show(what: &str, tape: f64, by_hand: f64) {
    println!("  {what:<32} tape {tape:>10.6}   by hand {by_hand:>10.6}");
    assert!((tape - by_hand).abs() <= 1e-14 * by_hand.abs(), "{what}: the tape says {tape}, not {by_hand}");
}

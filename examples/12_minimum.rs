//! To a minimum, and there in few steps: L-BFGS, Newton–CG and Levenberg–Marquardt.
//!
//! An optimiser follows gradients, of batches too, with a rate that somebody has to choose. A minimiser is given J itself: it measures how far a
//! step may go, and learns or asks for J's curvature. J is an entry of a tape, and what a minimiser needs of it is derived: gradients, products of
//! the Hessian with a vector, products of a Jacobian with a vector.
//!
//! Run it with `cargo run --release --example 12_minimum`.

#[path = "support/data_sets.rs"]
mod data_sets;

use std::error::Error;
use std::ops::ControlFlow;

use mlp::Standardizer;
use mlp::minimize::{
    Lbfgs, LevenbergMarquardt, NewtonCg, Recorded, RecordedCurvature, RecordedResiduals, Tolerances,
};
use tape::{Tape, matrix};

fn main() -> Result<(), Box<dyn Error>> {
    logistic_regression()?;
    growth()
}

/// J = 1/m · Σ ℒ + λ/2 · ‖w‖² of 569 real examples: convex, with one minimum.
fn logistic_regression() -> Result<(), Box<dyn Error>> {
    let table = data_sets::breast_cancer(include_bytes!("data/breast_cancer.csv"))?;
    let x = Standardizer::fit(&table.x)?.transform(&table.x)?;
    let tape = Tape::<f64>::new();
    let (x, y) = (tape.examples("X", &x), tape.examples("Y", &table.y));
    let w = tape.parameter("w", &tape::Matrix::zeros(1, 30));
    let b = tape.parameter("b", &matrix![[0.0]]);
    let loss = (w.matmul(x) + b).sigmoid().log_loss(y).mean();
    let j = (loss + w.square().sum() * 1e-3).named("J");

    let exact = Tolerances { gradient: 1e-9, ..Tolerances::default() };
    let mut first = Recorded::new(j, [w, b])?;
    let mut by_lbfgs = first.theta()?;
    let lbfgs = Lbfgs::new().tolerances(exact).minimize(&mut first, &mut by_lbfgs)?;
    let mut second = RecordedCurvature::new(j, [w, b])?;
    let mut by_newton = second.theta()?;
    let newton = NewtonCg::new().tolerances(exact).minimize(&mut second, &mut by_newton)?;

    println!("Logistic regression: {}\n", j.equation());
    println!("{:<12}{:>12}{:>14}{:>10}{:>20}{:>12}", "", "iterations", "J with ∇J", "H · v", "J", "max |∇J|");
    for (name, found) in [("L-BFGS", lbfgs), ("Newton–CG", newton)] {
        let (iterations, evaluations, products) = (found.iterations, found.evaluations, found.products);
        let (j, norm) = (found.j, found.gradient_norm);
        println!("{name:<12}{iterations:>12}{evaluations:>14}{products:>10}{j:>20.15}{norm:>12.1e}");
        assert!(found.stop.is_converged(), "{name}: {}", found.stop);
    }
    let apart = by_lbfgs.iter().zip(&by_newton).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    println!("\nTheir weights are at most {apart:.0e} apart.\n");
    assert!(apart < 1e-5 && (lbfgs.j - newton.j).abs() < 1e-12);
    Ok(())
}

/// A pasture's yield over time, b₁ / (1 + exp(b₂ − b₃ x)): the problem Rat42 of NIST's reference data sets (public domain), which has certified values.
fn growth() -> Result<(), Box<dyn Error>> {
    let tape = Tape::<f64>::new();
    let x = tape.examples("x", &matrix![[9.0, 14.0, 21.0, 28.0, 42.0, 57.0, 63.0, 70.0, 79.0]]);
    let y = tape.examples("y", &matrix![[8.93, 10.8, 18.59, 22.33, 39.35, 56.11, 61.73, 64.62, 67.08]]);
    let b = [100.0, 1.0, 0.1];
    let b = [1, 2, 3].map(|k| tape.parameter(&format!("b{k}"), &matrix![[b[k - 1]]]));
    let r = (b[0] / (1.0 + (b[1] - b[2] * x).exp()) - y).named("r");

    println!("Growth, ½ ‖r‖² with {}\n", r.equation());
    let mut residuals = RecordedResiduals::new(r, b)?;
    let mut theta = residuals.theta()?;
    println!("{:>10}{:>16}{:>12}{:>12}{:>12}", "iteration", "½ ‖r‖²", "b1", "b2", "b3");
    let found = LevenbergMarquardt::new().minimize_with(&mut residuals, &mut theta, |at| {
        let &[b1, b2, b3] = at.theta else { return ControlFlow::Break(()) };
        println!("{:>10}{:>16.9}{b1:>12.6}{b2:>12.6}{b3:>12.6}", at.number, at.j);
        ControlFlow::Continue(())
    })?;
    println!("\nDone, since {}.", found.stop);
    let certified = [72.462237576, 2.6180768402, 0.067359200066];
    let error = theta.iter().zip(certified).map(|(a, b)| (a / b - 1.0).abs()).fold(0.0, f64::max);
    println!("The certified values are {certified:?}; the relative error is {error:.0e}.");
    assert!(error < 1e-6);
    Ok(())
}

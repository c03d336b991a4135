//! XOR: the smallest problem that needs a hidden layer.
//!
//! y is 1 where exactly one of two inputs is 1. No straight line has the ones on one side and the zeros on the other, so a network
//! without a hidden layer learns nothing at all; a network 2-4-1 learns it, and a picture shows what it made of the plane.
//! The networks come from the crate `mlp`, which records them on a tape as the examples before did by hand.
//!
//! Run it with `cargo run --release --example 04_xor`.

use mlp::{Activation, Mlp, Optimizer, Result, Training};
use tape::{Matrix, matrix};

const EPOCHS: usize = 400;

fn main() -> Result<()> {
    let x = matrix![[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]];
    let y = matrix![[0.0, 1.0, 1.0, 0.0]];
    without_hidden_layer(&x, &y)?;
    let network = with_hidden_layer(&x, &y)?;
    table(&network, &x, &y)?;
    picture(&network)?;
    ten_seeds(&x, &y)
}

fn train(mut network: Mlp<f64>, x: &Matrix<f64>, y: &Matrix<f64>) -> Result<Mlp<f64>> {
    let history = Training::new(Optimizer::adam(0.05)?).epochs(EPOCHS).fit(&mut network, x, y)?;
    print!("  epoch: J  ");
    for epoch in [1, 10, 50, 100, 200, EPOCHS] {
        print!("  {epoch}: {:.4}", history.epochs()[epoch - 1].training);
    }
    println!("\n");
    Ok(network)
}

/// J is convex here, and at W = 0, b = 0 its gradient is 0: no weights are better than a probability of ½ for everything.
fn without_hidden_layer(x: &Matrix<f64>, y: &Matrix<f64>) -> Result<()> {
    println!("A network 2-1: one straight line");
    let network = train(Mlp::new(2).layer(1, Activation::Sigmoid).build()?, x, y)?;
    let j = network.loss(x, y)?;
    println!("  J is never below ln 2 = {:.6}, what guessing costs; here {j:.6}\n", 2_f64.ln());
    assert!(j >= 2_f64.ln() - 1e-12 && j < 0.70);
    Ok(())
}

fn two_four_one(seed: u64) -> Result<Mlp<f64>> {
    Mlp::new(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).seed(seed).build()
}

fn with_hidden_layer(x: &Matrix<f64>, y: &Matrix<f64>) -> Result<Mlp<f64>> {
    println!("A network 2-4-1, with tanh in the hidden layer");
    train(two_four_one(0)?, x, y)
}

fn table(network: &Mlp<f64>, x: &Matrix<f64>, y: &Matrix<f64>) -> Result<()> {
    let a = network.predict(x)?;
    println!("  x_1  x_2    y  network");
    for i in 0..4 {
        let (y, a) = (y[(0, i)], a[(0, i)]);
        println!("  {:>3}  {:>3}  {y:>3}  {a:.4}", x[(0, i)], x[(1, i)]);
        assert!((a - y).abs() < 0.1, "example {}: {a}, not {y}", i + 1);
    }
    println!();
    Ok(())
}

/// The network's output on a grid, x_1 to the right and x_2 upwards.
fn picture(network: &Mlp<f64>) -> Result<()> {
    const WIDTH: usize = 45;
    const HEIGHT: usize = 19;
    let at = |k: usize, n: usize| -0.4 + 1.8 * k as f64 / (n - 1) as f64;
    println!("  The plane as the network sees it, x_1 to the right, x_2 upwards; # is 1, blank is 0.");
    println!("  The digits are the examples.\n");
    for row in (0..HEIGHT).rev() {
        let points = Matrix::from_fn(2, WIDTH, |i, k| if i == 0 { at(k, WIDTH) } else { at(row, HEIGHT) });
        let shade = |a: f64| [' ', '.', ':', '+', '#'][((a * 5.0) as usize).min(4)];
        let mut line: Vec<char> = network.predict(&points)?.iter().map(|&a| shade(a)).collect();
        for (x_2, marks) in [(0, ['0', '1']), (1, ['1', '0'])] {
            if row == nearest(x_2, HEIGHT) {
                line[nearest(0, WIDTH)] = marks[0];
                line[nearest(1, WIDTH)] = marks[1];
            }
        }
        println!("  |{}|", line.into_iter().collect::<String>());
    }
    println!();
    Ok(())
}

/// The place of the coordinate 0 or 1 on an axis of n places from −0.4 to 1.4.
fn nearest(coordinate: u8, n: usize) -> usize {
    ((f64::from(coordinate) + 0.4) / 1.8 * (n - 1) as f64).round() as usize
}

/// The first weights are drawn, so one success is no proof.
fn ten_seeds(x: &Matrix<f64>, y: &Matrix<f64>) -> Result<()> {
    print!("Ten seeds, J after {EPOCHS} epochs:");
    for seed in 0..10 {
        let mut network = two_four_one(seed)?;
        Training::new(Optimizer::adam(0.05)?).epochs(EPOCHS).fit(&mut network, x, y)?;
        let j = network.loss(x, y)?;
        print!(" {j:.3}");
        assert!(j < 0.1, "seed {seed}: J = {j}");
    }
    println!();
    Ok(())
}

//! Handwritten digits: is it 5 or more?
//!
//! The digits ≥ 5 look like nothing in particular, so a linear model, which adds up pixels, does poorly; a hidden layer does not.
//! The results stand beside those of scikit-learn on the same 360 test examples, and the test is passed only if the network is at
//! least 9 points above the linear model, for each of three seeds.
//!
//! Run it with `cargo run --release --example 08_digits`.

#[path = "support/data_sets.rs"]
mod data_sets;

use std::error::Error;
use std::time::Instant;

use mlp::{Activation, ConfusionMatrix, Mlp, Optimizer, Split, Training, metrics};
use tape::Matrix;

/// Of scikit-learn 1.9.1, on the same split: accuracy and log-loss.
const REFERENCE: [(&str, f64, f64); 2] =
    [("LogisticRegression", 0.8806, 0.2926), ("MLPClassifier((16,))", 0.9769, 0.0862)];
/// Points of accuracy above the linear model.
const ABOVE: f64 = 0.09;

fn main() -> Result<(), Box<dyn Error>> {
    let table = data_sets::digits(include_bytes!("data/digits.csv.gz"))?;
    let x = table.x.map(|pixel| pixel / 16.0);
    let y = table.y.map(|digit| f64::from(digit >= 5.0));
    let split = Split::every(x.columns(), 5)?;
    let part = |of: &[usize]| Part { x: x.select_columns(of), y: y.select_columns(of) };
    let (train, test) = (part(&split.train), part(&split.test));
    println!("{} examples of 8 × 8 pixels to train on, {} to test on\n", split.train.len(), split.test.len());
    println!("{:<34}{:>10}{:>10}", "", "accuracy", "log-loss");
    for (name, accuracy, log_loss) in REFERENCE {
        println!("scikit-learn, {name:<20}{accuracy:>10.4}{log_loss:>10.4}");
    }

    let began = Instant::now();
    fit(Mlp::new(64).layer(1, Activation::Sigmoid).build()?, "linear: 64-1", &train, &test)?;
    let mut first = None;
    for seed in 0..3 {
        let network = Mlp::new(64).layer(32, Activation::Relu).layer(1, Activation::Sigmoid).seed(seed);
        let (network, accuracy) = fit(network.build()?, &format!("64-32-1, seed {seed}"), &train, &test)?;
        let linear = REFERENCE[0].1;
        assert!(accuracy >= linear + ABOVE, "seed {seed}: {accuracy} is not {ABOVE} above {linear}");
        first.get_or_insert(network);
    }
    println!(
        "\nFour networks in {:.2} s; each 64-32-1 is at least 9 points above the linear model.",
        began.elapsed().as_secs_f64()
    );
    println!("One test example is 0.3 points.\n");
    let network = first.expect("three networks");
    let a = network.predict(&test.x)?;
    println!("{}", ConfusionMatrix::new(&a, &test.y)?.with_names(&["0 to 4", "5 to 9"])?);
    worst(&a, &test, &table.y.select_columns(&split.test));
    Ok(())
}

struct Part {
    x: Matrix<f64>,
    y: Matrix<f64>,
}

/// Trains a network, prints its line of the table, and returns it with its accuracy.
fn fit(
    mut network: Mlp<f64>,
    name: &str,
    train: &Part,
    test: &Part,
) -> Result<(Mlp<f64>, f64), Box<dyn Error>> {
    let training = Training::new(Optimizer::adam(0.01)?.with_l2(1e-3)?).epochs(100).batches(64, 0)?;
    training.fit(&mut network, &train.x, &train.y)?;
    let accuracy = metrics::accuracy(&network.predict(&test.x)?, &test.y)?;
    let log_loss = network.loss(&test.x, &test.y)?;
    println!("{name:<34}{accuracy:>10.4}{log_loss:>10.4}");
    Ok((network, accuracy))
}

/// The test examples that the network is most wrong about, side by side.
fn worst(a: &Matrix<f64>, test: &Part, digits: &Matrix<f64>) {
    const SHOWN: usize = 4;
    let wrong = |i: usize| (a[(0, i)] - test.y[(0, i)]).abs();
    let mut order: Vec<usize> = (0..a.columns()).collect();
    order.sort_by(|&i, &k| wrong(k).total_cmp(&wrong(i)));
    let order = &order[..SHOWN];
    println!("What it is most wrong about:\n");
    for row in 0..8 {
        let line: String = order.iter().map(|&i| picture_row(test.x.column(i), row)).collect();
        println!("{}", line.trim_end());
    }
    let told = order.iter().map(|&i| format!("a {}; P(≥ 5) = {:.3}", digits[(0, i)], a[(0, i)]));
    let told: String = told.map(|told| format!("  {told:<22}")).collect();
    println!("{}", told.trim_end());
}

/// Two characters a pixel.
fn picture_row(pixels: &[f64], row: usize) -> String {
    let shade = |pixel: f64| ["  ", "··", "++", "##"][((pixel * 4.0) as usize).min(3)];
    let line: String = (0..8).map(|column| shade(pixels[8 * row + column])).collect();
    format!("  {line:<22}")
}

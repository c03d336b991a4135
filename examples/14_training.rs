//! One trainer for every model: in pieces, with a schedule, clipping and early stopping, and resumed after a stop.
//!
//! A model is an entry J of a tape, with its parameters and its examples; a training says how it is made small. A network is one model
//! among others.
//!
//! Run it with `cargo run --release --example 14_training`.

use std::error::Error;

use mlp::{
    Activation, EarlyStopping, Mlp, Model, Optimizer, ParameterGroup, Progress, Purpose, Random, Schedule,
    Trainer, Training,
};
use tape::{Matrix, Shape, Tape, matrix};

fn main() -> Result<(), Box<dyn Error>> {
    a_model_of_ones_own()?;
    a_network()
}

/// y = 2 x₁ − x₂ + ½, with one label in ten far off: Huber's loss does not mind.
fn a_model_of_ones_own() -> Result<(), Box<dyn Error>> {
    let mut random = Random::new(1, Purpose::Split);
    let x_data = Matrix::from_fn(2, 400, |_, _| random.symmetric(1.0));
    let y_data = Matrix::from_fn(1, 400, |_, i| {
        let far_off = if i % 10 == 0 { 20.0 } else { 0.0 };
        2.0 * x_data[(0, i)] - x_data[(1, i)] + 0.5 + random.symmetric(0.05) + far_off
    });

    let tape = Tape::<f64>::new();
    let (x, y) = (tape.examples_unbound("x", 2), tape.examples_unbound("y", 1));
    let w = tape.parameter("w", &Matrix::zeros(1, 2));
    let b = tape.parameter_unbound("b", Shape::new(1, 1));
    let j = (w.matmul(x) + b).huber_loss(y, 0.1).mean().named("J");

    let model = Model::new(j, [w, b])
        .biases([b])
        .first(b, Matrix::zeros(1, 1))
        .examples(x, x_data)
        .examples(y, y_data);
    let training = Training::new(Optimizer::adam(0.1)?)
        .epochs(60)
        .batches(50, 1)?
        .clip_norm(1.0)?
        .schedule(Schedule::cosine(0.01)?.warm_up(3.0)?);
    let mut trainer = Trainer::new(model, &training)?;
    let progress = Progress::new("a line"); // seen if it takes more than a second
    while let Some(epoch) = trainer.epoch()? {
        let _ = progress.epoch(&epoch);
        if epoch.number % 20 == 19 {
            let norm = trainer.gradient_norm()?;
            println!(
                "epoch {:>2}: J = {:.5}, rate {:.4}, ‖∇J‖ = {norm:.4}",
                epoch.number, epoch.losses.training, epoch.rate
            );
        }
    }
    trainer.finish()?;
    let prediction = w.matmul(x) + b;
    let mut predict = trainer.compile([prediction])?; // with what was learned, and without labels
    predict.bind(x, &matrix![[1.0], [1.0]])?;
    predict.run()?;
    println!("at (1, 1) y is {:.3}", predict.scalar(prediction)?);
    let (w, b) = (trainer.value(w)?, trainer.value(b)?);
    println!("J  {}", trainer.history().curve(60));
    println!("y ≈ {:.3} x₁ + {:.3} x₂ + {:.3}\n", w[(0, 0)], w[(0, 1)], b[(0, 0)]);
    for (found, expected) in [(w[(0, 0)], 2.0), (w[(0, 1)], -1.0), (b[(0, 0)], 0.5)] {
        assert!((found - expected).abs() < 0.05, "{found}");
    }
    Ok(())
}

/// A network stopped after 20 epochs, and gone on with by another trainer: the same bits as in one.
fn a_network() -> Result<(), Box<dyn Error>> {
    let mut random = Random::new(2, Purpose::Split);
    let mut points = |m: usize| {
        let x = Matrix::from_fn(2, m, |_, _| random.symmetric(2.0));
        let y = Matrix::from_fn(1, m, |_, i| f64::from(x[(0, i)].hypot(x[(1, i)]) < 1.5));
        (x, y)
    };
    let ((x, y), (x_held, y_held)) = (points(600), points(200));
    let build =
        || Mlp::<f64>::new(2).layer(16, Activation::Tanh).layer(1, Activation::Sigmoid).seed(3).build();
    let training = Training::new(Optimizer::adam_w(0.02, 1e-3)?)
        .epochs(80)
        .batches(32, 5)?
        .balanced_classes()
        .group(ParameterGroup::of(["W[2]", "b[2]"]).rate_factor(0.5)?)?
        .average(0.98)?
        .validation(x_held.clone(), y_held.clone())
        .early_stopping(EarlyStopping::new(10, 1e-4)?);

    let folder = std::env::temp_dir().join(format!("mlp-14-training-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let file = folder.join("checkpoint.safetensors");
    let mut network = build()?;
    let mut stopped = training.begin(&network, &x, &y)?;
    stopped.run_for(20)?;
    stopped.save(&file)?; // `Training::checkpoints` does so after every so many epochs
    drop(stopped);

    let mut resumed = training.begin(&network, &x, &y)?;
    resumed.resume(&file)?;
    resumed.run()?;
    resumed.give(&mut network)?;
    std::fs::remove_dir_all(&folder)?;

    let mut in_one = build()?;
    let history = training.fit(&mut in_one, &x, &y)?;
    println!(
        "J of the validation part, {} epochs, the best is {}:",
        history.len(),
        history.best().unwrap_or(0)
    );
    println!("J  {}", history.curve(60));
    println!("{:.1} % of new points are right", 100.0 * network.accuracy(&x_held, &y_held)?);
    assert_eq!(network, in_one, "stopped and resumed, it has the bits of a training in one");
    assert_eq!(resumed.history(), &history);
    assert!(network.accuracy(&x_held, &y_held)? > 0.95);

    let mut predictor = network.predictor()?; // for one example after the other, without allocating
    let (inside, outside) = (predictor.predict_one(&[0.1, 0.2])?[0], predictor.predict_one(&[1.8, 1.7])?[0]);
    println!("the middle is inside with probability {inside:.3}, a corner with {outside:.3}");
    assert!(inside > 0.9 && outside < 0.1);
    Ok(())
}

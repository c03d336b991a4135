//! A model of one's own: a residual network with a loss of one's own, without the crate `mlp`.
//!
//! A model is Rust code that records entries; a loop there is as good as a formula. Each block of this network adds something to
//! what it gets, H ← H + V * tanh(W * H + b), and it learns a curve from measurements of which some are grossly wrong. Squared error
//! follows them; 1/5 · ln cosh 5e, which grows like |e| far from 0 and like 5/2 · e² near it, does not.
//!
//! The compiled program is all that the training loop needs: bind a batch, run, and change the parameters where they lie with
//! `Program::update`.
//!
//! Run it with `cargo run --release --example 05_own_model`.

use tape::check::Random;
use tape::{Error, Matrix, Program, Tape, Var};

const WIDTH: usize = 12;
const BLOCKS: usize = 3;
const EPOCHS: usize = 150;
const BATCH: usize = 32;

fn main() -> Result<(), Error> {
    let (x, y) = measurements(320, 40);
    println!("320 measurements of sin 3x + x/2, 40 of them grossly wrong\n");
    let robust = learn("1/5 · ln cosh 5e, a loss of our own", log_cosh, &x, &y)?;
    let squared = learn("e², for comparison", |e| e.square(), &x, &y)?;
    println!("Distance to the true curve, root mean square: {robust:.4}; with squared error {squared:.4}");
    assert!(robust < 0.12, "the robust loss should find the curve: {robust}");
    assert!(robust < 0.5 * squared, "it should be much better than squared error: {robust}, {squared}");
    Ok(())
}

/// 1/5 · ln cosh 5e; and ln cosh u = u + ln(1 + exp(−2u)) − ln 2, where softplus stays finite when cosh overflows.
fn log_cosh(e: Var<'_, f64>) -> Var<'_, f64> {
    let u = 5.0 * e;
    0.2 * (u + (-2.0 * u).softplus() - 2_f64.ln())
}

fn curve(x: f64) -> f64 {
    (3.0 * x).sin() + 0.5 * x
}

/// m points of the curve, of which `wrong` are 4 too high.
fn measurements(m: usize, wrong: usize) -> (Matrix<f64>, Matrix<f64>) {
    let mut random = Random::new(7);
    let x = Matrix::from_fn(1, m, |_, _| 2.0 * random.between(-1.0, 1.0));
    let y = Matrix::from_fn(1, m, |_, i| {
        let noise = 0.05 * random.between(-1.0, 1.0);
        curve(x[(0, i)]) + noise + if i < wrong { 4.0 } else { 0.0 }
    });
    (x, y)
}

/// Trains the network with a loss; returns how far it is from the true curve.
fn learn(
    name: &str,
    loss: impl for<'t> Fn(Var<'t, f64>) -> Var<'t, f64>,
    x: &Matrix<f64>,
    y: &Matrix<f64>,
) -> Result<f64, Error> {
    let tape = Tape::new();
    let model = Model::record(&tape, x, y, loss);
    let gradients = model.j.gradients(&model.parameters);
    println!("{name}: {} parameters on a tape of {} entries", model.parameters.len(), tape.len());
    let equations = tape.equations([model.prediction, model.j, gradients[gradients.len() - 2]]);
    equations.to_string().lines().for_each(|line| println!("  {line}"));
    let mut program =
        tape.compile([model.j, model.prediction].into_iter().chain(gradients.iter().copied()))?;
    check_gradients(&model, &gradients, &mut program)?;
    train(&model, &gradients, &mut program, x.columns())?;

    // The same program, other examples: points between the measurements, on the true curve.
    let grid = Matrix::from_fn(1, 201, |_, i| -2.0 + 0.02 * i as f64);
    let truth = grid.map(curve);
    program.bind(model.x, &grid)?;
    program.bind(model.y, &truth)?;
    program.run()?;
    let found = program.view(model.prediction)?;
    picture(found.as_slice(), truth.as_slice());
    let squares = found.as_slice().iter().zip(truth.as_slice()).map(|(found, truth)| (found - truth).powi(2));
    Ok((squares.sum::<f64>() / 201.0).sqrt())
}

struct Model<'t> {
    x: Var<'t, f64>,
    y: Var<'t, f64>,
    parameters: Vec<Var<'t, f64>>,
    prediction: Var<'t, f64>,
    j: Var<'t, f64>,
}

impl<'t> Model<'t> {
    fn record(
        tape: &'t Tape<f64>,
        x: &Matrix<f64>,
        y: &Matrix<f64>,
        loss: impl Fn(Var<'t, f64>) -> Var<'t, f64>,
    ) -> Self {
        let mut random = Random::new(3);
        let mut parameters = Vec::new();
        let mut parameter = |name: String, rows: usize, columns: usize, size: f64| {
            let value = Matrix::from_fn(rows, columns, |_, _| size * random.between(-1.0, 1.0));
            let parameter = tape.parameter(&name, &value);
            parameters.push(parameter);
            parameter
        };
        let (x, y) = (tape.examples("X", x), tape.examples("Y", y));
        let (w, b) = (parameter("W_in".into(), WIDTH, 1, 2.0), parameter("b_in".into(), WIDTH, 1, 2.0));
        let mut h = (w.matmul(x) + b).tanh().named("H[0]");
        for block in 1..=BLOCKS {
            let w = parameter(format!("W[{block}]"), WIDTH, WIDTH, 0.5);
            let b = parameter(format!("b[{block}]"), WIDTH, 1, 0.0);
            let v = parameter(format!("V[{block}]"), WIDTH, WIDTH, 0.2);
            h = (h + v.matmul((w.matmul(h) + b).tanh())).named(format!("H[{block}]"));
        }
        let (w, b) = (parameter("w_out".into(), 1, WIDTH, 0.5), parameter("b_out".into(), 1, 1, 0.0));
        let prediction = (w.matmul(h) + b).named("P");
        let j = loss(prediction - y).mean().named("J");
        Model { x, y, parameters, prediction, j }
    }
}

/// The slope of J along a random direction, from the gradients and from J at two points.
fn check_gradients(
    model: &Model<'_>,
    gradients: &[Var<'_, f64>],
    program: &mut Program<f64>,
) -> Result<(), Error> {
    const H: f64 = 1e-5;
    program.run()?;
    let mut random = Random::new(11);
    let mut slope = 0.0;
    let mut directions = Vec::new();
    for &gradient in gradients {
        let gradient = program.view(gradient)?.to_matrix();
        let direction = gradient.map(|_| random.between(-1.0, 1.0));
        slope += gradient.iter().zip(direction.iter()).map(|(g, d)| g * d).sum::<f64>();
        directions.push(direction);
    }
    let mut j_at = |step: f64| {
        for (&parameter, direction) in model.parameters.iter().zip(&directions) {
            let mut value = program.parameter_mut(parameter)?;
            value.as_mut_slice().iter_mut().zip(direction.iter()).for_each(|(p, d)| *p += step * d);
        }
        program.run()?;
        program.scalar(model.j)
    };
    let (above, below) = (j_at(H)?, j_at(-2.0 * H)?);
    j_at(H)?; // back to where it began
    let differences = (above - below) / (2.0 * H);
    println!("  slope of J along a random direction: {slope:.9}; by differences {differences:.9}");
    assert!((slope - differences).abs() < 1e-7 * (1.0 + slope.abs()), "the gradients are wrong");
    Ok(())
}

/// Mini-batches and Nesterov's momentum, with a rate that falls to zero.
fn train(
    model: &Model<'_>,
    gradients: &[Var<'_, f64>],
    program: &mut Program<f64>,
    m: usize,
) -> Result<(), Error> {
    const BETA: f64 = 0.9;
    let mut random = Random::new(5);
    let mut velocities: Vec<Vec<f64>> = Vec::new();
    for &parameter in &model.parameters {
        velocities.push(vec![0.0; program.parameter_mut(parameter)?.as_slice().len()]);
    }
    print!("  epoch: J ");
    for epoch in 0..EPOCHS {
        let rate = 0.01 * (1.0 - epoch as f64 / EPOCHS as f64);
        let mut j = 0.0;
        for batch in random.permutation(m).chunks(BATCH) {
            program.select_columns(model.x, batch)?;
            program.select_columns(model.y, batch)?;
            program.run()?;
            j += program.scalar(model.j)? * batch.len() as f64 / m as f64;
            for ((&parameter, &gradient), velocity) in
                model.parameters.iter().zip(gradients).zip(&mut velocities)
            {
                program.update(parameter, gradient, |parameter, gradient| {
                    for ((p, g), v) in parameter.iter_mut().zip(gradient).zip(velocity.iter_mut()) {
                        *v = BETA * *v - rate * g;
                        *p += BETA * *v - rate * g;
                    }
                })?;
            }
        }
        if [1, 10, 30, EPOCHS].contains(&(epoch + 1)) {
            print!("  {}: {j:.4}", epoch + 1);
        }
    }
    println!("\n");
    Ok(())
}

/// The curve (·) and what the network says (o), from −2 to 2.
fn picture(found: &[f64], truth: &[f64]) {
    const HEIGHT: usize = 15;
    let row =
        |y: f64| (((2.5 - y) / 5.0) * (HEIGHT - 1) as f64).round().clamp(0.0, (HEIGHT - 1) as f64) as usize;
    let mut lines = vec![vec![' '; 67]; HEIGHT];
    for (k, i) in (0..201).step_by(3).enumerate() {
        lines[row(truth[i])][k] = '·';
        lines[row(found[i])][k] = 'o';
    }
    for line in lines {
        println!("  |{}|", line.into_iter().collect::<String>());
    }
    println!();
}

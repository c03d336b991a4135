//! Noise: its moments, and that its numbers depend on seed, run and place alone.

use mlp::Scalar;
use tape::check::Check;
use tape::{Dim, Error, Matrix, Noise, Options, Program, Shape, Tape, Threads, Var, matrix};

const KINDS: [(Noise, f64, f64); 4] = [
    (Noise::Normal, 0.0, 1.0),
    (Noise::Uniform, 0.5, 1.0 / 12.0),
    (Noise::Bernoulli(0.25), 0.25, 0.1875),
    (Noise::Bernoulli(1.0), 1.0, 0.0),
];

fn drawn<T: Scalar>(program: &mut Program<T>, output: Var<'_, T>) -> Matrix<T> {
    program.run().unwrap();
    program.view(output).unwrap().to_matrix()
}

/// Means, variances and the correlation of neighbours of 10⁶ numbers are within five standard errors.
#[test]
fn moments_are_those_of_the_distributions() {
    const COUNT: usize = 1_000_000;
    for (noise, mean, variance) in KINDS {
        let tape = Tape::<f64>::new();
        let x = tape.noise("ε", Shape::new(1000, COUNT / 1000), noise);
        let values = drawn(&mut tape.compile([x]).unwrap(), x).into_vec();
        let average = |f: &dyn Fn(usize) -> f64, count: usize| (0..count).map(f).sum::<f64>() / count as f64;
        let error = 5.0 / (COUNT as f64).sqrt();
        assert!((average(&|i| values[i], COUNT) - mean).abs() <= error, "{noise:?}: the mean");
        let found = average(&|i| (values[i] - mean).powi(2), COUNT);
        assert!((found - variance).abs() <= 2.0 * error, "{noise:?}: variance {found}");
        for apart in [1, 2, 1000] {
            let product = |i: usize| (values[i] - mean) * (values[i + apart] - mean);
            let found = average(&product, COUNT - apart);
            assert!(found.abs() <= error, "{noise:?}: neighbours {apart} apart: {found}");
        }
        if noise == Noise::Normal {
            let fourth = average(&|i| values[i].powi(4), COUNT);
            assert!((fourth - 3.0).abs() <= 10.0 * error, "the fourth moment {fourth}");
            let beyond = average(&|i| f64::from(u8::from(values[i].abs() > 1.959963984540054)), COUNT);
            assert!((beyond - 0.05).abs() <= error, "{beyond} beyond 1.96");
        }
    }
}

/// The numbers of `f32` are those of `f64`, rounded; a uniform one stays below 1.
#[test]
fn both_types_draw_the_same_numbers() {
    for (noise, ..) in KINDS {
        let (double, single) = (Tape::<f64>::new(), Tape::<f32>::new());
        let (x, y) =
            (double.noise("ε", Shape::new(30, 40), noise), single.noise("ε", Shape::new(30, 40), noise));
        let double = drawn(&mut double.compile([x]).unwrap(), x);
        let single = drawn(&mut single.compile([y]).unwrap(), y);
        for (&x, &y) in double.as_slice().iter().zip(single.as_slice()) {
            assert_eq!(x as f32, y);
            assert!(noise != Noise::Uniform || (0.0..1.0).contains(&y));
        }
    }
}

/// A run draws the same bits for any tile and number of threads, and the first columns do not depend on how many follow.
#[test]
fn numbers_depend_on_seed_run_and_place_alone() {
    let tape = Tape::<f32>::new();
    let x = tape.examples_unbound("X", 3);
    let (a, b) = (
        tape.noise("a", Shape::new(3, Dim::M), Noise::Normal),
        tape.noise("b", Shape::new(3, Dim::M), Noise::Normal),
    );
    let square = tape.noise("c", Shape::new(Dim::M, Dim::M), Noise::Uniform);
    let outputs = [x.tanh() * a + b, (x * b).sum(), a, square.sum()];
    let compile = |options: Options| tape.compile_with(outputs, options.threads(3)).unwrap();
    let mut reference = compile(Options::literal());
    for options in
        [Options::default(), Options::default().tile_columns(1), Options::default().tile_columns(300)]
    {
        let mut program = compile(options);
        for m in [1, 5, 700, 5, 1] {
            let data = Matrix::from_fn(3, m, |i, j| (i + 3 * j) as f32 / 100.0);
            for program in [&mut reference, &mut program] {
                program.bind(x, &data).unwrap();
                program.seed(m as u64);
            }
            for run in 0..3 {
                reference.run().unwrap();
                match run {
                    0 => program.run().unwrap(),
                    1 => program.run_checked().unwrap(),
                    _ => Threads::new(3).unwrap().install(|| program.run()).unwrap(),
                }
                for output in [outputs[0], outputs[2]] {
                    assert_eq!(
                        program.view(output).unwrap(),
                        reference.view(output).unwrap(),
                        "m = {m}, run {run}"
                    );
                }
            }
        }
    }
    let columns = |program: &mut Program<f32>, m: usize| {
        program.bind(x, &Matrix::zeros(3, m)).unwrap();
        program.seed(9);
        program.run().unwrap();
        program.view(outputs[2]).unwrap().to_matrix()
    };
    let (few, many) = (columns(&mut reference, 5), columns(&mut reference, 50));
    assert_eq!(few.as_slice(), &many.as_slice()[..15]);
    assert_ne!(reference.view(outputs[2]).unwrap(), reference.view(b_of(&reference, b)).unwrap());
}

/// A leaf is read as it was in the last run.
fn b_of<'t>(program: &Program<f32>, b: Var<'t, f32>) -> Var<'t, f32> {
    assert_eq!(program.view(b).unwrap().shape(), (3, 50));
    b
}

/// ∂/∂μ and ∂/∂σ of μ + σ ⊙ ε, and by the chain, as if ε were given.
#[test]
fn derivatives_flow_around_it() {
    let tape = Tape::<f64>::new();
    let (mu, sigma) =
        (tape.parameter("μ", &matrix![[0.5], [1.0]]), tape.parameter("σ", &matrix![[2.0], [0.1]]));
    let eps = tape.noise("ε", Shape::new(2, 4), Noise::Normal);
    let z = mu + sigma * eps;
    let [dmu, dsigma] = z.square().sum().gradients([mu, sigma]);
    let mut program = tape.compile([z, dmu, dsigma]).unwrap();
    program.run().unwrap();
    let (eps, z) = (program.view(eps).unwrap(), program.view(z).unwrap());
    for i in 0..2 {
        let sum = |f: &dyn Fn(usize) -> f64| (0..4).map(f).sum::<f64>();
        let expected = [sum(&|j| 2.0 * z[(i, j)]), sum(&|j| 2.0 * z[(i, j)] * eps[(i, j)])];
        for (derivative, expected) in [dmu, dsigma].into_iter().zip(expected) {
            assert!((program.view(derivative).unwrap()[(i, 0)] - expected).abs() < 1e-13);
        }
    }
}

#[test]
fn what_cannot_be_asked_of_it_is_told() {
    let tape = Tape::<f64>::new();
    for p in [-0.1, 1.5, f64::NAN, f64::INFINITY] {
        let mistake = tape.noise("ε", Shape::SCALAR, Noise::Bernoulli(p)).sound().unwrap_err();
        assert!(mistake.to_string().contains("no probability"), "{mistake}");
        let mistake = tape.scalar(1.0).dropout(p).sound().unwrap_err();
        assert!(mistake.to_string().contains("dropout: the probability"), "{mistake}");
    }
    let tape = Tape::<f64>::new();
    let eps = tape.noise("ε", Shape::new(2, Dim::M), Noise::Normal);
    let mut program = tape.compile([eps.square()]).unwrap();
    assert!(matches!(program.bind(eps, &matrix![[1.0], [2.0]]), Err(Error::NotBindable { .. })));
    // Nobody says how many examples there are.
    assert!(matches!(program.run(), Err(Error::UnknownExamples { .. })), "{:?}", program.run());
    assert!(matches!(program.view(eps), Err(Error::Unbound { .. })));
}

/// Seeds, also after another program's runs; a clone of the list by JSON draws the same.
#[test]
fn a_list_that_is_read_again_draws_the_same() {
    let tape = Tape::<f64>::new();
    let sum: Vec<Var<'_, f64>> =
        KINDS.iter().map(|&(noise, ..)| tape.noise("ε", Shape::new(2, 3), noise)).collect();
    let sum = sum.into_iter().reduce(|a, b| a + b).unwrap().named("sum");
    let again = Tape::<f64>::from_json(&tape.to_json()).unwrap();
    let found = again.variables().find(|v| v.name().as_deref() == Some("sum")).unwrap();
    assert_eq!(
        drawn(&mut again.compile([found]).unwrap(), found),
        drawn(&mut tape.compile([sum]).unwrap(), sum)
    );
}

/// Derivatives that take several runs are those of one function: all runs have the same noise.
#[test]
fn derivatives_by_several_runs_have_the_noise_of_one() {
    let tape = Tape::<f64>::new();
    let (w, x) =
        (tape.parameter("w", &matrix![[0.5], [-1.0]]), tape.examples("X", &matrix![[1.0, 2.0, 3.0]]));
    let noise = tape.noise("ε", Shape::new(2, Dim::M), Noise::Normal);
    let fixed = tape.noise("φ", Shape::new(2, 1), Noise::Uniform);
    let losses = ((w * x + noise).tanh() * fixed).sum_over(tape::Over::Rows);
    let [gradient] = losses.sum().gradients([w]);
    let expected = gradient.value().unwrap();
    let near =
        |found: f64, expected: f64| assert!((found - expected).abs() < 1e-13, "{found}, not {expected}");
    // Each example's own, by batches of one; and through the batch, where the mean is of all examples.
    for losses in [losses, losses - losses.mean() * 0.0] {
        let [own] = losses.per_example_gradients([w]).unwrap();
        (0..2).for_each(|i| near((0..3).map(|j| own[(i, j)]).sum(), expected[(i, 0)]));
    }
    let jacobian = losses.jacobian([w]).unwrap();
    (0..2).for_each(|i| near((0..3).map(|j| jacobian[(j, i)]).sum(), expected[(i, 0)]));
    let hessian = losses.sum().hessian([w]).unwrap();
    near(hessian[(0, 1)], hessian[(1, 0)]);
    let [second] = gradient.rows(0..1).gradients([w]);
    (0..2).for_each(|i| near(hessian[(0, i)], second.value().unwrap()[(i, 0)]));
    // The checker's differences move the leaf between runs.
    let checked = Check::new().scalar(&[matrix![[0.5], [-1.0]]], |_, w: &[Var<'_, f64>]| {
        let noise = w[0].tape().noise("ε", Shape::new(2, 1), Noise::Normal);
        (w[0] + noise).tanh().sum()
    });
    checked.unwrap_or_else(|failure| panic!("{failure}"));
}

/// Each run draws other numbers, until the seed is set again.
#[test]
fn runs_differ() {
    let tape = Tape::<f64>::new();
    let x = tape.noise("ε", Shape::new(3, 5), Noise::Uniform);
    let mut program = tape.compile([x]).unwrap();
    let drawn: Vec<Matrix<f64>> = (0..4).map(|_| drawn(&mut program, x)).collect();
    for (i, first) in drawn.iter().enumerate() {
        assert!(drawn[i + 1..].iter().all(|second| first != second), "run {i} comes again");
    }
    program.seed(0);
    assert!(drawn[..2].iter().all(|before| {
        program.run().unwrap();
        program.view(x).unwrap() == before.view()
    }));
}

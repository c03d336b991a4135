//! What the tape derives against eq. 8 and 26–28 in plain code, and both against differences.
//!
//! `Mlp::closed_form` shares no operation, kernel or derivative with the tape. The bounds are relative to a matrix's norm,
//! ‖tape − closed form‖ / ‖closed form‖: 1e-12 in `f64` and 1e-4 in `f32`. Of 10 000 networks drawn as here, 1 matrix in `f64` and 28
//! in `f32` were further off, and of as many with saturated outputs 271 and 1795. Each of those is held to what its own sums can
//! know: see `by_an_ulp` and `by_rounding_softmax`.

use mlp::closed_form::ClosedForm;
use mlp::{Activation, Loss, Mlp, Purpose, Random, Scalar};
use proptest::prelude::*;
use tape::{Matrix, Program, Tape, Var, matrix};

use crate::support::networks::{Description, G, descriptions, difference, fewest_outputs, fitting};

/// J and every derivative, each with its name, in one order for the tape and for the closed form.
type Named<T> = Vec<(String, Matrix<T>)>;

fn derived<T: Scalar>(network: &Mlp<T>, x: &Matrix<T>, y: &Matrix<T>) -> Named<T> {
    let tape = Tape::new();
    let recorded = network.record(&tape, x, y).unwrap();
    let total = recorded.losses.sum();
    let of_parameters = recorded.gradients();
    let mut named = vec![("J".to_owned(), recorded.j)];
    named.extend((0..).zip(total.gradients(&recorded.a)).map(|(l, v)| (format!("∂ℒ/∂A[{l}]"), v)));
    named.extend((1..).zip(total.gradients(&recorded.z)).map(|(l, v)| (format!("∂ℒ/∂Z[{l}]"), v)));
    for (l, pair) in (1..).zip(of_parameters.chunks(2)) {
        named.push((format!("∂J/∂W[{l}]"), pair[0]));
        named.push((format!("∂J/∂b[{l}]"), pair[1]));
    }
    let mut program = tape.compile(named.iter().map(|(_, v)| *v)).unwrap();
    program.run().unwrap();
    named.into_iter().map(|(name, v)| (name, program.view(v).unwrap().to_matrix())).collect()
}

fn by_closed_form<T: Scalar>(network: &Mlp<T>, x: &Matrix<T>, y: &Matrix<T>) -> Named<T> {
    let found: ClosedForm<T> = network.closed_form(x, y).unwrap();
    let layers = network.layers();
    let mut named = vec![("J".to_owned(), Matrix::scalar(found.j))];
    named.extend((0..=layers).map(|l| (format!("∂ℒ/∂A[{l}]"), found.da(l).clone())));
    named.extend((1..=layers).map(|l| (format!("∂ℒ/∂Z[{l}]"), found.dz(l).clone())));
    for l in 1..=layers {
        named.push((format!("∂J/∂W[{l}]"), found.dw(l).clone()));
        named.push((format!("∂J/∂b[{l}]"), found.db(l).clone()));
    }
    named
}

/// Compares all of them, each within `bound`.
#[track_caller]
fn compare<T: Scalar>(description: &Description, network: &Mlp<T>, bound: f64) {
    let (x, y) = description.examples::<T>();
    let (tape, closed) = (derived(network, &x, &y), by_closed_form(network, &x, &y));
    let sure = is_sure(description, network, &x);
    for ((name, found), (expected_name, expected)) in tape.iter().zip(&closed) {
        assert_eq!(name, expected_name);
        // Eq. 8 divides by σ(±z), which rounds to 0 where σ is this sure: a wrong prediction has the quotient ∞, a right one has
        // none. What is propagated is ∂ℒ/∂Z[L], finite and compared below.
        if sure && *name == format!("∂ℒ/∂A[{}]", description.layers()) {
            assert!(found.iter().all(|d| !d.is_nan()), "{name}: {found}\n{description:?}");
            continue;
        }
        assert!(expected.norm().is_finite(), "{name} overflows: {description:?}");
        let apart = difference(found, expected);
        let allowed = || {
            let inputs = by_an_ulp(network, &x, &y, name, expected);
            bound.max(2.0 * inputs + by_rounding_the_loss(network, &x, &y, name, expected))
        };
        // Below the least normal number there are no digits to be relative to; what has been there is multiplied with a few
        // weights afterwards.
        let least = if T::NAME == "f32" { f64::from(f32::MIN_POSITIVE) } else { f64::MIN_POSITIVE };
        let nothing = found.norm().to_f64().max(expected.norm().to_f64()) < 1e6 * least;
        assert!(
            apart <= bound || nothing || apart <= allowed(),
            "{name}: {apart:e}, {:e} allowed, ‖{name}‖ = {:e}\n{description:?}",
            allowed(),
            expected.norm()
        );
    }
}

/// Whether the output is a sigmoid with a logit beyond which 1/σ(−|z|) overflows.
fn is_sure<T: Scalar>(description: &Description, network: &Mlp<T>, x: &Matrix<T>) -> bool {
    let last = description.layers();
    if description.loss != Loss::LogLoss || description.g[last - 1] != G::named("sigmoid") {
        return false;
    }
    let (_, y) = description.examples();
    let z = network.closed_form(x, &y).unwrap().forward.z(last).max_abs().to_f64();
    z > if T::NAME == "f32" { 80.0 } else { 700.0 }
}

/// How much the closed form itself moves, norm-wise, when each weight, bias and feature moves by one to four ulps: no computation
/// that rounds can be held to less. A gradient that cancels, or one through e^(−z²) far out, loses digits in this way, and a z that is
/// 0 but for rounding is on either side of a kink.
fn by_an_ulp<T: Scalar>(
    network: &Mlp<T>,
    x: &Matrix<T>,
    y: &Matrix<T>,
    name: &str,
    expected: &Matrix<T>,
) -> f64 {
    let mut moved_most = 0.0_f64;
    for seed in 0..32 {
        let mut random = Random::new(seed, Purpose::Init);
        let ulps = T::EPSILON * T::from_usize(1 + seed as usize % 4);
        let mut by_ulp = |v: T| if random.below(2) == 0 { v + v * ulps } else { v - v * ulps };
        let mut nearby = network.clone();
        for (name, value) in network.parameters() {
            nearby.set_parameter(name, value.map(&mut by_ulp)).unwrap();
        }
        let x = x.map(&mut by_ulp);
        let all = by_closed_form(&nearby, &x, y);
        let (_, moved) = all.into_iter().find(|(other, _)| other == name).unwrap();
        moved_most = moved_most.max(difference(&moved, expected));
    }
    moved_most
}

/// How much a derivative moves when each entry of what is propagated from the loss moves by what it is rounded by; 0 for squared
/// error. It shows where large entries cancel: in a sum over the examples, or because a softmax is nearly right.
///
/// - Softmax: ∂ℒ/∂A\[L\] = S − Y. S is e^(a − ln Σ eᵃ), on the tape as in the closed form. The logarithm is rounded to ε times the
///   largest |a|, and so S is, of which 1 is then taken off.
/// - Log-loss: ∂ℒ/∂Z\[L\] = σ(z) − y, rounded to some ε of itself: two wrong predictions of opposite sign, each off by nearly 1, leave a
///   sum with few digits.
///
/// Eq. 26–28 are linear in that, so it is the rounding times what they make of entries of this size and random signs. Squared
/// error to a ∓ s/2 has ±s for its ∂ℒ/∂A\[L\]; with the identity for the last g, for its ∂ℒ/∂Z\[L\].
fn by_rounding_the_loss<T: Scalar>(
    network: &Mlp<T>,
    x: &Matrix<T>,
    y: &Matrix<T>,
    name: &str,
    expected: &Matrix<T>,
) -> f64 {
    let last = network.sizes().len() - 1;
    let on_logits = match network.loss_function() {
        _ if name == "J" => return 0.0,
        Loss::SquaredError => return 0.0,
        Loss::LogLoss => true,
        Loss::SoftmaxCrossEntropy => false,
    };
    let mut builder = Mlp::new(network.sizes()[0]).loss(Loss::SquaredError);
    for (l, (&n, g)) in (1..).zip(network.sizes()[1..].iter().zip(network.activations())) {
        builder = builder.layer(n, if on_logits && l == last { Activation::Identity } else { g.clone() });
    }
    let mut squared = builder.build().unwrap();
    for (name, value) in network.parameters() {
        squared.set_parameter(name, value.clone()).unwrap();
    }
    let a = squared.predict(x).unwrap();
    let (sizes, roundings) = if on_logits {
        let errors = network.closed_form(x, y).unwrap().dz(last).map(|d| if d < T::ZERO { -d } else { d });
        (errors, 4.0)
    } else {
        (Matrix::filled(a.rows(), a.columns(), T::ONE), 4.0 + a.max_abs().to_f64())
    };
    let mut random = Random::new(0, Purpose::Init);
    let moved = |random: &mut Random| {
        let y = Matrix::from_fn(a.rows(), a.columns(), |i, j| {
            let half = T::from_f64(0.5) * sizes[(i, j)];
            if random.below(2) == 0 { a[(i, j)] - half } else { a[(i, j)] + half }
        });
        let (_, moved) =
            by_closed_form(&squared, x, &y).into_iter().find(|(other, _)| other == name).unwrap();
        moved.norm().to_f64()
    };
    let most = (0..8).map(|_| moved(&mut random)).fold(0.0, f64::max);
    T::EPSILON.to_f64() * roundings * most / expected.norm().to_f64()
}

#[track_caller]
fn compare_both(description: &Description) {
    compare(description, &description.network::<f64>(), 1e-12);
    compare(description, &description.network::<f32>(), 1e-4);
}

/// The same network with the last layer's weights and bias times 30: logits of some hundreds.
fn saturated<T: Scalar>(description: &Description) -> Mlp<T> {
    let mut network = description.network::<T>();
    for letter in ["W", "b"] {
        let name = format!("{letter}[{}]", description.layers());
        let value = network.parameters()[&name].map(|w| T::from_f64(30.0) * w);
        network.set_parameter(&name, value).unwrap();
    }
    network
}

/// J along a line through the parameters, from the program of J alone.
struct Line<'t> {
    program: Program<f64>,
    j: Var<'t, f64>,
    /// Each parameter with its value and its part of the direction.
    parameters: Vec<(Var<'t, f64>, Matrix<f64>, Matrix<f64>)>,
    /// Z\[l\] of the layers whose g′ jumps.
    kinked: Vec<Var<'t, f64>>,
}

impl Line<'_> {
    /// J at t times the direction, and on which side of the kinks each z is.
    fn at(&mut self, t: f64) -> (f64, Vec<bool>) {
        for (parameter, value, direction) in &self.parameters {
            let mut view = self.program.parameter_mut(*parameter).unwrap();
            let moved = value.as_slice().iter().zip(direction.as_slice()).map(|(v, d)| v + t * d);
            view.as_mut_slice().iter_mut().zip(moved).for_each(|(to, v)| *to = v);
        }
        self.program.run().unwrap();
        let z = self.kinked.iter().flat_map(|&z| self.program.view(z).unwrap().as_slice());
        (self.program.scalar(self.j).unwrap(), z.map(|&z| z > 0.0).collect())
    }
}

/// The slope of J along a direction by the derived gradients, against (J(h) − J(−h)) / 2h for h = 1e-5 and 1e-6.
///
/// A quotient differs from the slope in two ways. By h² times a third of a third derivative: two quotients tell how much that is, and it
/// is taken off (Richardson). And by the rounding of J over h: J is a long sum of rounded numbers, off by some ε·|J|, and of softmax
/// cross-entropy, ln Σ eᵃ − a, by some ε·|a|; ten of them are allowed. This is why no smaller h is better. What is left is below 1e-7 of the gradient's norm.
///
/// Where g′ or g″ jumps at 0, h is made smaller until every z stays on its side: J is smooth between both ends then.
#[track_caller]
fn compare_with_differences(description: &Description, only: Option<usize>) {
    let network = description.network::<f64>();
    let (x, y) = description.examples();
    let tape = Tape::new();
    let recorded = network.record(&tape, &x, &y).unwrap();
    let mut variables = recorded.parameters();
    if let Some(one) = only {
        variables = vec![variables[one % variables.len()]];
    }
    let derived: Vec<Matrix<f64>> =
        recorded.j.gradients(&variables).into_iter().map(|v| v.value().unwrap()).collect();
    let norm = |all: &[Matrix<f64>]| all.iter().map(|a| a.norm() * a.norm()).sum::<f64>().sqrt();
    let length = norm(&derived);
    if length < 1e-100 {
        return; // what underflows has no slope that a difference could show
    }
    // Half random, and half along the gradient, so that the slope is not lost among many parameters.
    let mut random = Random::new(description.seed, Purpose::Init);
    let random: Vec<_> = derived.iter().map(|g| g.map(|_| random.symmetric(1.0))).collect();
    let random_length = norm(&random);
    let mix = |(g, r): (&Matrix<f64>, &Matrix<f64>)| {
        Matrix::from_fn(g.rows(), g.columns(), |i, j| g[(i, j)] / length + r[(i, j)] / random_length)
    };
    let direction: Vec<Matrix<f64>> = derived.iter().zip(&random).map(mix).collect();
    let dot = |(g, d): (&Matrix<f64>, &Matrix<f64>)| -> f64 { g.iter().zip(d).map(|(g, d)| g * d).sum() };
    let slope: f64 = derived.iter().zip(&direction).map(dot).sum();

    let kinked =
        recorded.z.iter().zip(&description.g).filter(|(_, g)| g.has_kink() || g.bends()).map(|(&z, _)| z);
    let kinked: Vec<Var<'_, f64>> = kinked.collect();
    let outputs = kinked.iter().copied().chain([recorded.j]);
    let program = tape.compile(outputs).unwrap();
    let values = variables.iter().map(|v| network.parameters()[&v.name().unwrap()].clone());
    let parameters =
        variables.iter().zip(values).zip(direction).map(|((&v, value), direction)| (v, value, direction));
    let mut line = Line { program, j: recorded.j, parameters: parameters.collect(), kinked };

    let at_0 = line.at(0.0);
    let mut h = 1e-5;
    while line.at(h).1 != at_0.1 || line.at(-h).1 != at_0.1 {
        h /= 4.0;
        assert!(h > 1e-10, "a z is at a kink: {description:?}");
    }
    let mut quotient = |h: f64| (line.at(h).0 - line.at(-h).0) / (2.0 * h);
    let (coarse, fine) = (quotient(h), quotient(h / 10.0));
    let extrapolated = fine + (fine - coarse) / 99.0;
    let apart = (extrapolated - slope).abs() / length;
    let logits = match description.loss {
        Loss::SoftmaxCrossEntropy => network.predict(&x).unwrap().max_abs(),
        Loss::LogLoss | Loss::SquaredError => 0.0,
    };
    let rounding = 10.0 * f64::EPSILON * (at_0.0.abs() + logits) / (h / 10.0) / length;
    assert!(
        apart <= 1e-7 + rounding,
        "{apart:e}, {rounding:e} is rounding, h = {h:e}, ‖∇J‖ = {length:e}\n{description:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn derived_values_are_those_of_the_closed_form(description in descriptions(1..=70, G::tame())) {
        compare_both(&description);
    }

    #[test]
    fn saturated_outputs_lose_no_digits(description in descriptions(1..=70, G::tame())) {
        compare(&description, &saturated::<f64>(&description), 1e-12);
        compare(&description, &saturated::<f32>(&description), 1e-4);
    }

    #[test]
    fn slopes_are_those_of_differences(description in descriptions(1..=70, G::tame()), one in 0_usize..12) {
        compare_with_differences(&description, None);
        compare_with_differences(&description, Some(one));
    }
}

/// Two classes, told with logits of hundreds, and right but for 1e-4: where S − Y is off by a last digit of S, it is by 4e-12 of itself.
#[test]
fn a_softmax_that_is_nearly_right_has_few_digits() {
    let g = ["relu", "sin", "identity"].map(G::named).to_vec();
    let (sizes, loss) = (vec![39, 34, 24, 2], Loss::SoftmaxCrossEntropy);
    let (scale, seed) = (1.0748473020087081, 5993561332411127580);
    for m in [4, 8] {
        let description = Description { sizes: sizes.clone(), g: g.clone(), loss, m, scale, seed };
        compare(&description, &saturated::<f64>(&description), 1e-12);
        compare(&description, &saturated::<f32>(&description), 1e-4);
    }
}

/// Two wrong predictions of opposite sign, each off by 1 but for 1e-7: their sum in ∂J/∂b[L] has lost half of its digits.
#[test]
fn wrong_predictions_that_cancel_leave_few_digits() {
    let g = ["sigmoid", "cos", "sigmoid"].map(G::named).to_vec();
    let (scale, seed) = (1.73526388508699, 11107609773728231042);
    let description = Description { sizes: vec![22, 12, 25, 1], g, loss: Loss::LogLoss, m: 3, scale, seed };
    compare(&description, &saturated::<f64>(&description), 1e-12);
    compare(&description, &saturated::<f32>(&description), 1e-4);
}

/// Every activation in the hidden layers, for every depth, and in front of every loss that takes it.
#[test]
fn every_activation_and_every_loss() {
    for (g, depth) in G::tame().into_iter().flat_map(|g| (1..=6).map(move |depth| (g, depth))) {
        for loss in Loss::ALL {
            let mut sizes = [5, 4, 7, 1, 3, 6, 2][..=depth].to_vec();
            sizes[depth] = sizes[depth].max(fewest_outputs(loss));
            let mut description = Description {
                sizes,
                g: vec![g; depth],
                loss,
                m: 1 + 4 * depth,
                scale: 1.0,
                seed: depth as u64,
            };
            description.g[depth - 1] = match loss {
                Loss::LogLoss => G::named("sigmoid"),
                Loss::SquaredError | Loss::SoftmaxCrossEntropy => fitting(loss, g),
            };
            compare_both(&description);
            compare_with_differences(&description, None);
        }
    }
}

/// Those that are too steep for six layers, in two.
#[test]
fn steep_functions_of_the_user() {
    for g in ["half_square", "growth"].map(G::named) {
        for loss in Loss::ALL {
            let g = vec![g, if loss == Loss::LogLoss { G::named("hedged") } else { g }];
            let description = Description { sizes: vec![4, 3, 2], g, loss, m: 9, scale: 0.7, seed: 1 };
            compare_both(&description);
            compare_with_differences(&description, None);
        }
    }
}

/// Slopes and α other than those of [`mlp::Activation::all`].
#[test]
fn parameters_of_activations() {
    let (x, y) = (Matrix::from_fn(3, 8, |i, j| (1.3 * (i * 8 + j) as f64).sin()), Matrix::filled(2, 8, 0.25));
    for slope in [0.0, 0.3, 1.0, 1.5, -0.5] {
        for g in [Activation::LeakyRelu(slope), Activation::Elu(slope)] {
            let builder = Mlp::new(3).layer(5, g.clone()).layer(4, g.clone()).layer(2, g.clone());
            let network = builder.loss(Loss::SquaredError).seed(3).build().unwrap();
            for ((name, found), (_, expected)) in
                derived(&network, &x, &y).iter().zip(&by_closed_form(&network, &x, &y))
            {
                let apart = difference(found, expected);
                assert!(apart < 1e-12, "{g}: {name}: {apart:e}");
            }
        }
    }
}

/// Gradients of plain sums: the cotangent that comes in is one number, which stands for a whole matrix, and what an operation repeats
/// turns it into a count, n or m.
#[test]
fn sums_by_hand() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("X", &matrix![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let w = tape.parameter("W", &matrix![[1.0, -1.0], [2.0, 0.5], [0.0, 3.0]]);
    let column = tape.parameter("b", &matrix![[0.1], [0.2]]);
    let row = tape.examples("r", &matrix![[1.0, 2.0, 3.0]]);
    let number = tape.parameter("s", &Matrix::scalar(0.5));
    let mask = tape.constant("mask", &matrix![[1.0], [0.0]]);
    let value = |v: Var<'_, f64>| v.value().unwrap();
    let of = |j: Var<'_, f64>, v| value(j.gradients([v])[0]);

    // Σ W * X: every row of ∂/∂W is the sums of X's rows, every column of ∂/∂X those of W's columns.
    let j = w.matmul(x).sum();
    assert_eq!(of(j, w), matrix![[6.0, 15.0], [6.0, 15.0], [6.0, 15.0]]);
    assert_eq!(of(j, x), matrix![[3.0, 3.0, 3.0], [2.5, 2.5, 2.5]]);
    let transposed = x.t().matmul(w.t()).sum();
    assert_eq!(of(transposed, w), of(j, w));
    assert_eq!(of(transposed, x), of(j, x));
    // 1/m · (Σ / 3) divides twice, and each of the two rounds.
    approx::assert_relative_eq!(of(w.matmul(x).mean(), x), of(j, x).map(|d| d / 9.0), max_relative = 1e-15);

    // Σ (X + …): as often as it is repeated.
    assert_eq!(of((x + column).sum(), column), matrix![[3.0], [3.0]]);
    assert_eq!(of((x - row).sum(), row), matrix![[-2.0, -2.0, -2.0]]);
    assert_eq!(of((x + number).sum(), number), Matrix::scalar(6.0));
    assert_eq!(of((column + row).sum(), column), matrix![[3.0], [3.0]]);
    assert_eq!(of((column + row).sum(), row), matrix![[2.0, 2.0, 2.0]]);
    assert_eq!(of((x + column).mean_over(tape::Over::Columns).sum(), column), matrix![[1.0], [1.0]]);
    assert_eq!(of((x + row).mean_over(tape::Over::Rows).sum(), row), matrix![[1.0, 1.0, 1.0]]);

    // The factor 1/m of a mean goes through choices, parts and stacks: times m they are those of the sum.
    let of_mean = |a: Var<'_, f64>, v| {
        let (of_mean, of_sum) = (of(a.mean_over(tape::Over::Columns).sum(), v), of(a.sum(), v));
        assert!(difference(&of_mean.map(|d| 3.0 * d), &of_sum) < 1e-15, "{of_mean}");
        of_sum
    };
    let chosen = mask.select(x, row);
    assert_eq!(of_mean(chosen, x), matrix![[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]);
    assert_eq!(of_mean(chosen, row), matrix![[1.0, 1.0, 1.0]]);
    let chosen = mask.select(row, x);
    assert_eq!(of_mean(chosen, x), matrix![[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]);
    assert_eq!(of_mean(mask.select(column, row), column), matrix![[3.0], [0.0]]);
    assert_eq!(of_mean(x.rows(1..2), x), matrix![[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]);
    let stacked = tape.stack_rows(&[row, x]).rows(0..2);
    assert_eq!(of_mean(stacked, row), matrix![[1.0, 1.0, 1.0]]);
    assert_eq!(of_mean(stacked, x), matrix![[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]);
    let j = (x.columns(1..3) * tape.one_over_m()).sum();
    assert!(difference(&of(j, x).map(|d| 3.0 * d), &matrix![[0.0, 1.0, 1.0], [0.0, 1.0, 1.0]]) < 1e-15);
    // A repeated column, in an entry of its own.
    let repeated = column.broadcast_to(x.shape().unwrap());
    assert_eq!(of_mean(repeated, column), matrix![[3.0], [3.0]]);
}

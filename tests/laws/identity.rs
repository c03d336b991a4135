//! Derived gradients are the entries of the closed form: eq. 26, 27 and 28, for every depth, width, activation and loss.
//!
//! Nothing is computed here. Two variables are equal if they are the same entry of the same tape, so what is shown holds for all
//! values of X, Y, W and b, and for every m.

use mlp::{Activation, Loss, Mlp, RecordedMlp, Scalar};
use proptest::prelude::*;
use tape::{Function, Matrix, Over, Tape, Var};

use crate::support::networks::{Description, G, descriptions, fewest_outputs, fitting};

/// Eq. 26, 27 and 28, written by hand on the tape that holds the network.
struct ByHand<'t, T: Scalar> {
    /// ∂ℒ/∂A\[l\] at index l.
    da: Vec<Var<'t, T>>,
    /// ∂ℒ/∂Z\[l\], ∂J/∂W\[l\] and ∂J/∂b\[l\] at index l − 1.
    dz: Vec<Var<'t, T>>,
    dw: Vec<Var<'t, T>>,
    db: Vec<Var<'t, T>>,
}

/// ∂ℒ/∂A\[L\]; for log-loss eq. 8.
fn of_the_output<'t, T: Scalar>(network: &RecordedMlp<'t, T>, loss: Loss) -> Var<'t, T> {
    let (y, a) = (network.y, network.a[network.a.len() - 1]);
    let one = a.tape().scalar(T::ONE);
    match loss {
        Loss::LogLoss => -(y / a - (one - y) / (one - a)),
        Loss::SquaredError => (a - y) * T::from_f64(2.0),
        // softmax(A) − Y; the columns of Y need not add up to 1.
        Loss::SoftmaxCrossEntropy => a.softmax_minus(y),
    }
}

/// The textbook's algorithm: ∂ℒ/∂A\[L\], then for l = L … 1 eq. 26, 27 and, to go on, 28.
fn by_hand<'t, T: Scalar>(network: &RecordedMlp<'t, T>, loss: Loss, g: &[Function<T>]) -> ByHand<'t, T> {
    let one_over_m = network.j.tape().one_over_m();
    let mut da = of_the_output(network, loss);
    let mut hand = ByHand { da: vec![da], dz: vec![], dw: vec![], db: vec![] };
    for l in (1..=g.len()).rev() {
        let dz = da * network.z[l - 1].map_derivative(&g[l - 1]);
        hand.dw.push(one_over_m * dz.matmul(network.a[l - 1].t())); // eq. 26
        hand.db.push(one_over_m * dz.sum_over(Over::Columns)); //      eq. 27
        da = network.w[l - 1].t().matmul(dz); //                       eq. 28
        hand.dz.push(dz);
        hand.da.push(da);
    }
    // They were written from the last layer on.
    for list in [&mut hand.da, &mut hand.dz, &mut hand.dw, &mut hand.db] {
        list.reverse();
    }
    hand
}

impl<'t, T: Scalar> ByHand<'t, T> {
    /// In the order of [`RecordedMlp::parameters`].
    fn of_parameters(&self) -> Vec<Var<'t, T>> {
        self.dw.iter().zip(&self.db).flat_map(|(&dw, &db)| [dw, db]).collect()
    }
}

/// Calls `f` with the network on a tape and g of its layers.
fn with_recorded<T: Scalar>(
    description: &Description,
    f: impl for<'t> FnOnce(&'t Tape<T>, RecordedMlp<'t, T>, &[Function<T>]),
) {
    let tape = Tape::new();
    let network = description.network::<T>();
    let (x, y) = description.examples();
    let recorded = network.record(&tape, &x, &y).unwrap();
    let g: Vec<Function<T>> = network.activations().iter().map(|g| g.function()).collect();
    f(&tape, recorded, &g);
    tape.check().unwrap();
}

/// Gradients first: the closed form adds nothing to the list.
fn derived_then_by_hand<T: Scalar>(description: &Description) {
    with_recorded::<T>(description, |tape, network, g| {
        let derived = network.gradients();
        // ∂ℒ/∂A[l] and ∂ℒ/∂Z[l] are on the way, but for ∂ℒ/∂X, and the number in front of the others.
        let total = network.losses.sum();
        let da = total.gradients(&network.a);
        let dz = total.gradients(&network.z);
        let length = tape.len();
        let hand = by_hand(&network, description.loss, g);
        assert_eq!(tape.len(), length, "the closed form grew the list:\n{tape}");
        assert!(derived == hand.of_parameters(), "{derived:?}\n{:?}\n{tape}", hand.of_parameters());
        assert!(da == hand.da, "{da:?}\n{:?}\n{tape}", hand.da);
        assert!(dz == hand.dz, "{dz:?}\n{:?}\n{tape}", hand.dz);
    });
}

/// The closed form first: the derivation finds all of it, and adds nothing but the number 1 that it begins with.
fn by_hand_then_derived<T: Scalar>(description: &Description) {
    with_recorded::<T>(description, |tape, network, g| {
        let hand = by_hand(&network, description.loss, g);
        let _begins_with = tape.scalar(T::ONE);
        let length = tape.len();
        let derived = network.gradients();
        assert!(derived == hand.of_parameters(), "{derived:?}\n{:?}\n{tape}", hand.of_parameters());
        assert_eq!(tape.len(), length, "{tape}");
    });
}

/// Intermediates are as easy to ask for as parameters: eq. 28's ∂ℒ/∂A\[l\] for every l, and ∂ℒ/∂Z\[l\] (eq. 16), alone or
/// together, without the gradients of any parameter.
fn intermediates<T: Scalar>(description: &Description) {
    with_recorded::<T>(description, |tape, network, g| {
        let total = network.losses.sum();
        let da: Vec<_> = network.a.iter().map(|&a| total.gradients([a])[0]).collect();
        let dz: Vec<_> = network.z.iter().map(|&z| total.gradients([z])[0]).collect();
        assert!(da == total.gradients(&network.a) && dz == total.gradients(&network.z));
        let hand = by_hand(&network, description.loss, g);
        assert!(da == hand.da, "{da:?}\n{:?}\n{tape}", hand.da);
        assert!(dz == hand.dz, "{dz:?}\n{:?}\n{tape}", hand.dz);
        // ∂J is 1/m · ∂ℒ.
        let of_j = network.j.gradients(&network.a);
        assert!(of_j.iter().zip(&hand.da).all(|(&of_j, &da)| of_j == tape.one_over_m() * da), "{tape}");
        let of_j = network.j.gradients(&network.z);
        assert!(of_j.iter().zip(&hand.dz).all(|(&of_j, &dz)| of_j == tape.one_over_m() * dz), "{tape}");
    });
}

/// What is asked for together or apart, once or twice, by J or by the losses' cotangent, is the same.
fn asked_in_parts<T: Scalar>(description: &Description) {
    with_recorded::<T>(description, |tape, network, g| {
        let parameters = network.parameters();
        let apart: Vec<_> = parameters.iter().map(|&p| network.j.gradients([p])[0]).collect();
        let length = tape.len();
        assert!(network.gradients() == apart && network.gradients() == apart);
        let hand = by_hand(&network, description.loss, g).of_parameters();
        assert!(hand == apart, "{apart:?}\n{hand:?}\n{tape}");
        assert!(hand.iter().all(|v| v.index().unwrap() < length), "{tape}");
    });
}

/// Whatever the loss, and wherever its ∂ℒ/∂A\[L\] comes from: from there on it is eq. 26–28, and so it is for −J, where the sign is in
/// front beside 1/m.
fn from_the_output_on<T: Scalar>(description: &Description) {
    with_recorded::<T>(description, |tape, network, g| {
        let derived = network.gradients();
        let minus = (-network.j).gradients(network.parameters());
        let total = network.losses.sum();
        let of_a = total.gradients(&network.a);
        let of_z = total.gradients(&network.z);
        let length = tape.len();
        let mut da = of_a[g.len()];
        for l in (1..=g.len()).rev() {
            let dz = da * network.z[l - 1].map_derivative(&g[l - 1]);
            da = network.w[l - 1].t().matmul(dz);
            assert!(of_z[l - 1] == dz && of_a[l - 1] == da, "{l}\n{tape}");
            let one_over_m = tape.one_over_m();
            let dw = one_over_m * dz.matmul(network.a[l - 1].t());
            let db = one_over_m * dz.sum_over(Over::Columns);
            assert!(derived[2 * l - 2] == dw && minus[2 * l - 2] == -dw, "{l}\n{tape}");
            assert!(derived[2 * l - 1] == db && minus[2 * l - 1] == -db, "{l}\n{tape}");
        }
        assert_eq!(tape.len(), length, "{tape}");
    });
}

fn everything<T: Scalar>(description: &Description) {
    from_the_output_on::<T>(description);
    derived_then_by_hand::<T>(description);
    by_hand_then_derived::<T>(description);
    intermediates::<T>(description);
    asked_in_parts::<T>(description);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn derived_gradients_are_the_closed_form(description in descriptions(1..=5, G::all())) {
        everything::<f64>(&description);
        everything::<f32>(&description);
    }
}

/// Every activation in every place, for every depth, and every loss behind it.
#[test]
fn every_activation_at_every_depth() {
    for g in G::all() {
        for depth in 1..=6 {
            for loss in Loss::ALL {
                let mut sizes = [3, 4, 1, 2, 5, 1, 2][..=depth].to_vec();
                sizes[depth] = sizes[depth].max(fewest_outputs(loss));
                let mut description =
                    Description { sizes, g: vec![g; depth], loss, m: 3, scale: 1.0, seed: depth as u64 };
                description.g[depth - 1] = fitting(loss, g);
                everything::<f64>(&description);
                description.g[depth - 1] = fitting(loss, G::named("sigmoid"));
                everything::<f32>(&description);
            }
        }
    }
}

/// Other functions of the tape.
#[test]
fn any_function_of_the_tape_is_an_activation() {
    let others: Vec<Function<f64>> = vec![
        Function::Exp,
        Function::Ln,
        Function::Sqrt,
        Function::Square,
        Function::Power(3.0),
        Function::Power(0.5),
        Function::Erf,
        Function::Clamp(-1.0, 1.0),
        Function::NormalPdf,
        Function::TanhDerivative,
        Function::SiluDerivative,
        Function::GeluTanhDerivative,
        Function::GeluTanhSecondDerivative,
    ];
    for g in others {
        let hidden = Activation::Custom(g.clone());
        let builder = Mlp::new(2).layer(3, hidden.clone()).layer(2, hidden).layer(2, Activation::Sigmoid);
        let network = builder.build().unwrap();
        let tape = Tape::new();
        let (x, y) = (Matrix::filled(2, 4, 0.5), Matrix::filled(2, 4, 1.0));
        let recorded = network.record(&tape, &x, &y).unwrap();
        let functions = [g.clone(), g, Function::Sigmoid];
        let derived = recorded.gradients();
        let length = tape.len();
        let hand = by_hand(&recorded, Loss::LogLoss, &functions);
        assert!(derived == hand.of_parameters(), "{tape}");
        // ∂ℒ/∂X alone is new, with W[1]ᵀ.
        assert!(tape.len() <= length + 2, "{tape}");
    }
}

/// The user's own g′ is the derived one, whether it was given as a value, made when it was asked for, or taken from g again.
#[test]
fn the_users_own_derivative_is_the_derived_entry() {
    let slope = Function::new("cube′", |x: f64| 3.0 * x * x);
    let cube = Function::new("cube", |x: f64| x * x * x).with_derivative(slope.clone());
    let tape = Tape::new();
    let z = tape.parameter("Z", &Matrix::filled(3, 2, 0.5));
    let derived = z.map(&cube).sum().gradients([z]);
    let length = tape.len();
    assert!(derived == [z.map(&slope)]);
    assert!(derived == [z.map(&cube.given_derivative().unwrap())]);
    assert!(derived == [z.map_derivative(&cube)]);
    assert_eq!(tape.len(), length);

    let power = Function::new("two_to_the", f64::exp2).with_derivative_of_itself(|power| {
        let power = power.clone();
        Function::new("two_to_the′", move |x| {
            let mut value = [0.0];
            power.apply(&[x], &mut value);
            value[0] * std::f64::consts::LN_2
        })
    });
    let j = z.map(&power).sum();
    let derived = j.gradients([z]);
    let length = tape.len();
    assert!(derived == j.gradients([z]));
    assert!(derived == [z.map_derivative(&power)]);
    assert_eq!(tape.len(), length);
    // Another function is another entry, whatever its name.
    assert!(z.map(&Function::new("cube", |x: f64| x * x * x)) != z.map(&cube));
}

/// The network of the crate's documentation, without `mlp`: eq. 8 and 26–28 written out for two layers.
#[test]
fn two_layers_in_the_letters_of_the_textbook() {
    let tape = Tape::<f64>::new();
    let w1 = tape.parameter("W[1]", &Matrix::filled(4, 3, 0.1));
    let b1 = tape.parameter("b[1]", &Matrix::zeros(4, 1));
    let w2 = tape.parameter("W[2]", &Matrix::filled(1, 4, 0.2));
    let b2 = tape.parameter("b[2]", &Matrix::zeros(1, 1));
    let x = tape.examples("X", &Matrix::filled(3, 5, 0.3));
    let y = tape.examples("Y", &Matrix::filled(1, 5, 1.0));
    let z1 = w1.matmul(x) + b1;
    let a1 = z1.tanh();
    let z2 = w2.matmul(a1) + b2;
    let a2 = z2.sigmoid();
    let j = a2.log_loss(y).mean();
    let [dw1, db1, dw2, db2] = j.gradients([w1, b1, w2, b2]);
    let length = tape.len();

    let da2 = -(y / a2 - (1.0 - y) / (1.0 - a2)); // eq. 8
    let dz2 = da2 * z2.map(&Function::SigmoidDerivative);
    let da1 = w2.t().matmul(dz2); // eq. 28
    let dz1 = da1 * z1.map(&Function::TanhDerivative);
    assert!(dw2 == tape.one_over_m() * dz2.matmul(a1.t())); // eq. 26
    assert!(dw1 == tape.one_over_m() * dz1.matmul(x.t()));
    assert!(db2 == dz2.mean_over(Over::Columns)); // eq. 27
    assert!(db1 == dz1.mean_over(Over::Columns));
    assert!(dw1 == dz1.matmul(x.t()) * tape.one_over_m());
    assert_eq!(tape.len(), length, "{tape}");
    // What is written otherwise is recorded as it is written, and is another entry.
    assert!(dw1 != (tape.one_over_m() * dz1).matmul(x.t()));
    tape.check().unwrap();
}

/// Factors and signs of the user's: eq. 8 keeps its form, since the sign and 1/m are in front, and a number multiplies it.
#[test]
fn signs_and_numbers_keep_equation_8() {
    let tape = Tape::<f64>::new();
    let w = tape.parameter("W", &Matrix::filled(2, 3, 0.1));
    let x = tape.examples("X", &Matrix::filled(3, 5, 0.3));
    let y = tape.examples("Y", &Matrix::filled(2, 5, 1.0));
    let z = w.matmul(x);
    let a = z.sigmoid();
    let losses = a.log_loss(y);
    let eq_8 = -(y / a - (1.0 - y) / (1.0 - a));
    let slope = z.map(&Function::SigmoidDerivative);
    fn product<'t>(da: Var<'t, f64>, slope: Var<'t, f64>, x: Var<'t, f64>) -> Var<'t, f64> {
        (da * slope).matmul(x.t())
    }
    let dw = |da| product(da, slope, x);
    let one_over_m = tape.one_over_m();
    let cases = [
        (losses.sum(), dw(eq_8)),
        (-losses.sum(), -dw(eq_8)),
        (losses.mean(), one_over_m * dw(eq_8)),
        (1.0 - losses.mean(), -(one_over_m * dw(eq_8))),
        (1.0 - losses.sum(), -dw(eq_8)),
        (-1.5 * losses.mean(), -(one_over_m * dw(1.5 * eq_8))),
        (losses.mean() * 1.5, one_over_m * dw(eq_8 * 1.5)),
        // A number below a fraction bar divides: 1 ⊘ 4, not a rounded inverse.
        (losses.mean() / -4.0, -(one_over_m * dw(tape.scalar(1.0) / 4.0 * eq_8))),
        (-(-losses.mean()), one_over_m * dw(eq_8)),
        ((2.0 * losses).mean(), one_over_m * dw(2.0 * eq_8)),
        (one_over_m * losses.sum(), one_over_m * dw(eq_8)),
        (losses.sum() * one_over_m, one_over_m * dw(eq_8)),
        ((1.0 * losses).sum(), dw(eq_8)),
        ((losses / 1.0).sum(), dw(eq_8)),
    ];
    for (i, (j, by_hand)) in cases.into_iter().enumerate() {
        let [derived] = j.gradients([w]);
        assert!(derived == by_hand, "{i}: {}\n{}", derived.equation(), by_hand.equation());
    }
}

/// Eq. 5 spelled out, −(Y ⊙ ln A + (1 − Y) ⊙ ln(1 − A)): eq. 8 comes out with the terms in the other order, and no minus sign.
#[test]
fn log_loss_spelled_out() {
    for depth in 1..=4 {
        let g = vec![G::named("tanh"); depth - 1].into_iter().chain([G::named("sigmoid")]).collect();
        let sizes = [3, 4, 1, 2, 5][..=depth].to_vec();
        let description = Description { sizes, g, loss: Loss::LogLoss, m: 3, scale: 1.0, seed: 0 };
        with_recorded::<f64>(&description, |tape, network, g| {
            let (y, a) = (network.y, network.a[depth]);
            let j = (-(y * a.ln() + (1.0 - y) * (1.0 - a).ln())).sum_over(Over::Rows).mean();
            let derived = j.gradients(network.parameters());
            let length = tape.len();
            let mut da = (1.0 - y) * (1.0 / (1.0 - a)) - y * (1.0 / a);
            for l in (1..=depth).rev() {
                let dz = da * network.z[l - 1].map_derivative(&g[l - 1]);
                assert!(derived[2 * l - 2] == tape.one_over_m() * dz.matmul(network.a[l - 1].t()), "{tape}");
                assert!(derived[2 * l - 1] == dz.mean_over(Over::Columns), "{tape}");
                da = network.w[l - 1].t().matmul(dz);
            }
            assert!(tape.len() <= length + 2, "∂ℒ/∂X alone is new, with W[1]ᵀ\n{tape}");
        });
    }
}

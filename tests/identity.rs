//! Derived gradients are the entries of the closed form: eq. 26, 27 and 28, for every depth, width, activation and loss.
//!
//! Nothing is computed here. Two variables are equal if they are the same entry of the same tape, so what is shown holds for all
//! values of X, Y, W and b, and for every m.

#[path = "support/networks.rs"]
mod networks;

use mlp::{Activation, Loss, Mlp, Recorded};
use networks::{Description, G, descriptions};
use proptest::prelude::*;
use tape::{Function, Matrix, Over, Scalar, Tape, Var};

/// Eq. 26, 27 and 28, written by hand on the tape that holds the network.
struct ByHand<'t, T: Scalar> {
    /// ∂ℒ/∂A\[l\] at index l.
    da: Vec<Var<'t, T>>,
    /// ∂ℒ/∂Z\[l\], ∂J/∂W\[l\] and ∂J/∂b\[l\] at index l − 1.
    dz: Vec<Var<'t, T>>,
    dw: Vec<Var<'t, T>>,
    db: Vec<Var<'t, T>>,
}

/// Whether [`of_the_output`] writes ∂ℒ/∂A\[L\] by hand: the softmax of a single output is no softmax, it is 1.
fn is_written_by_hand(description: &Description) -> bool {
    description.loss != Loss::SoftmaxCrossEntropy || description.sizes[description.layers()] > 1
}

/// ∂ℒ/∂A\[L\]; for log-loss eq. 8, for squared error half of it.
fn of_the_output<'t, T: Scalar>(network: &Recorded<'t, T>, loss: Loss) -> Var<'t, T> {
    let (y, a) = (network.y, network.a[network.a.len() - 1]);
    let one = a.tape().scalar(T::ONE);
    match loss {
        Loss::LogLoss => -(y / a - (one - y) / (one - a)),
        Loss::SquaredError => a - y,
        // The columns of Y need not add up to 1, so their sums stay.
        Loss::SoftmaxCrossEntropy => y.sum_over(Over::Rows) * a.softmax_over(Over::Rows) - y,
    }
}

/// The number in front of ∂ℒ/∂A\[L\]: of squared error 2. Like 1/m it enters once, in the results.
fn in_front<T: Scalar>(loss: Loss) -> T {
    if loss == Loss::SquaredError { T::from_f64(2.0) } else { T::ONE }
}

/// The textbook's algorithm: ∂ℒ/∂A\[L\], then for l = L … 1 eq. 26, 27 and, to go on, 28. `factor` is 1/m, times the number
/// [`in_front`].
fn by_hand<'t, T: Scalar>(
    network: &Recorded<'t, T>,
    loss: Loss,
    g: &[Function<T>],
    factor: Var<'t, T>,
) -> ByHand<'t, T> {
    let number: T = in_front(loss);
    let mut da = of_the_output(network, loss);
    let mut hand = ByHand { da: vec![da * number], dz: vec![], dw: vec![], db: vec![] };
    for l in (1..=g.len()).rev() {
        let dz = da * network.z[l - 1].map_derivative(&g[l - 1]);
        hand.dw.push(factor * dz.matmul(network.a[l - 1].t())); // eq. 26
        hand.db.push(factor * dz.sum_over(Over::Columns)); //      eq. 27
        da = network.w[l - 1].t().matmul(dz); //                   eq. 28
        hand.dz.push(dz * number);
        hand.da.push(da * number);
    }
    // They were written from the last layer on.
    for list in [&mut hand.da, &mut hand.dz, &mut hand.dw, &mut hand.db] {
        list.reverse();
    }
    hand
}

impl<'t, T: Scalar> ByHand<'t, T> {
    /// In the order of [`Recorded::parameters`].
    fn of_parameters(&self) -> Vec<Var<'t, T>> {
        self.dw.iter().zip(&self.db).flat_map(|(&dw, &db)| [dw, db]).collect()
    }
}

/// Calls `f` with the network on a tape, g of its layers, and the factor that [`by_hand`] takes.
fn with_recorded<T: Scalar>(
    description: &Description,
    f: impl for<'t> FnOnce(&'t Tape<T>, Recorded<'t, T>, &[Function<T>], Var<'t, T>),
) {
    let tape = Tape::new();
    let network = description.network::<T>();
    let (x, y) = description.examples();
    let recorded = network.record(&tape, &x, &y).unwrap();
    let g: Vec<Function<T>> = network.activations().iter().map(|g| g.function()).collect();
    let factor = tape.one_over_m() * in_front::<T>(description.loss);
    f(&tape, recorded, &g, factor);
    tape.check().unwrap();
}

/// Gradients first: the closed form adds nothing to the list.
fn derived_then_by_hand<T: Scalar>(description: &Description) {
    with_recorded::<T>(description, |tape, network, g, factor| {
        let derived = network.gradients();
        // ∂ℒ/∂A[l] and ∂ℒ/∂Z[l] are on the way, but for ∂ℒ/∂X, and the number in front of the others.
        let total = network.losses.sum();
        let da = total.gradients_vec(&network.a);
        let dz = total.gradients_vec(&network.z);
        let length = tape.len();
        let hand = by_hand(&network, description.loss, g, factor);
        assert_eq!(tape.len(), length, "the closed form grew the list:\n{tape}");
        assert!(derived == hand.of_parameters(), "{derived:?}\n{:?}\n{tape}", hand.of_parameters());
        assert!(da == hand.da, "{da:?}\n{:?}\n{tape}", hand.da);
        assert!(dz == hand.dz, "{dz:?}\n{:?}\n{tape}", hand.dz);
    });
}

/// The closed form first: the gradients are there already, and with 1/m times what is propagated, the whole walk is.
fn by_hand_then_derived<T: Scalar>(description: &Description) {
    with_recorded::<T>(description, |tape, network, g, factor| {
        let hand = by_hand(&network, description.loss, g, factor);
        let length = tape.len();
        let derived = network.gradients();
        assert!(derived == hand.of_parameters(), "{derived:?}\n{:?}\n{tape}", hand.of_parameters());
        assert!(derived.iter().all(|v| v.index().unwrap() < length), "{tape}");
    });
    with_recorded::<T>(description, |tape, network, g, factor| {
        let hand = by_hand(&network, description.loss, g, factor);
        for &propagated in hand.da[1..].iter().chain(&hand.dz) {
            let _ = tape.one_over_m() * propagated;
        }
        let length = tape.len();
        network.gradients();
        let new = match description.loss {
            Loss::LogLoss => 0,
            // 1/m · (A − Y) before it becomes 2/m · (A − Y).
            Loss::SquaredError => 1,
            // Made of many operations: what each of them propagates, with 1/m in front.
            Loss::SoftmaxCrossEntropy => 8,
        };
        assert!(tape.len() <= length + new, "{length}\n{tape}");
    });
}

/// Intermediates are as easy to ask for as parameters: eq. 28's ∂ℒ/∂A\[l\] for every l, and ∂ℒ/∂Z\[l\] (eq. 16), alone or
/// together, without the gradients of any parameter.
fn intermediates<T: Scalar>(description: &Description) {
    with_recorded::<T>(description, |tape, network, g, factor| {
        let total = network.losses.sum();
        let da: Vec<_> = network.a.iter().map(|&a| total.gradients([a])[0]).collect();
        let dz: Vec<_> = network.z.iter().map(|&z| total.gradients([z])[0]).collect();
        assert!(da == total.gradients_vec(&network.a) && dz == total.gradients_vec(&network.z));
        let hand = by_hand(&network, description.loss, g, factor);
        assert!(da == hand.da, "{da:?}\n{:?}\n{tape}", hand.da);
        assert!(dz == hand.dz, "{dz:?}\n{:?}\n{tape}", hand.dz);
        // ∂J is 1/m · ∂ℒ.
        let of_j = network.j.gradients_vec(&network.a);
        assert!(of_j.iter().zip(&hand.da).all(|(&of_j, &da)| of_j == tape.one_over_m() * da), "{tape}");
        let of_j = network.j.gradients_vec(&network.z);
        assert!(of_j.iter().zip(&hand.dz).all(|(&of_j, &dz)| of_j == tape.one_over_m() * dz), "{tape}");
    });
}

/// What is asked for together or apart, once or twice, by J or by the losses' cotangent, is the same.
fn asked_in_parts<T: Scalar>(description: &Description) {
    with_recorded::<T>(description, |tape, network, g, factor| {
        let parameters = network.parameters();
        let apart: Vec<_> = parameters.iter().map(|&p| network.j.gradients([p])[0]).collect();
        let length = tape.len();
        assert!(network.gradients() == apart && network.gradients() == apart);
        let hand = by_hand(&network, description.loss, g, factor).of_parameters();
        assert!(hand == apart, "{apart:?}\n{hand:?}\n{tape}");
        assert!(hand.iter().all(|v| v.index().unwrap() < length), "{tape}");
    });
}

/// Whatever the loss, and wherever its ∂J/∂A\[L\] comes from: from there on it is eq. 26–28, where 1/m is in front of what is
/// propagated until it enters a result.
fn from_the_output_on<T: Scalar>(description: &Description) {
    with_recorded::<T>(description, |tape, network, g, _| {
        let derived = network.gradients();
        let of_a = network.j.gradients_vec(&network.a);
        let of_z = network.j.gradients_vec(&network.z);
        let length = tape.len();
        let mut da = of_a[g.len()];
        for l in (1..=g.len()).rev() {
            let dz = da * network.z[l - 1].map_derivative(&g[l - 1]);
            da = network.w[l - 1].t().matmul(dz);
            assert!(of_z[l - 1] == dz && of_a[l - 1] == da, "{l}\n{tape}");
            assert!(derived[2 * l - 2] == dz.matmul(network.a[l - 1].t()), "{l}\n{tape}");
            assert!(derived[2 * l - 1] == dz.sum_over(Over::Columns), "{l}\n{tape}");
        }
        assert_eq!(tape.len(), length, "{tape}");
    });
}

fn everything<T: Scalar>(description: &Description) {
    from_the_output_on::<T>(description);
    if is_written_by_hand(description) {
        derived_then_by_hand::<T>(description);
        by_hand_then_derived::<T>(description);
        intermediates::<T>(description);
        asked_in_parts::<T>(description);
    }
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
                let sizes = [3, 4, 1, 2, 5, 1, 2][..=depth].to_vec();
                let mut description =
                    Description { sizes, g: vec![g; depth], loss, m: 3, scale: 1.0, seed: depth as u64 };
                everything::<f64>(&description);
                description.g[depth - 1] = G::named("sigmoid");
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
        // Some of these g′ have a number in front, 2x for instance. It is hoisted as 1/m is, and the closed form is written with
        // one before the other, so that entries come up with one of both alone. Its results are the derived ones.
        let hand = by_hand(&recorded, Loss::LogLoss, &functions, tape.one_over_m());
        assert!(derived == hand.of_parameters(), "{tape}");
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
    // However the factor is written.
    assert!(dw1 == (tape.one_over_m() * dz1).matmul(x.t()));
    assert!(dw1 == dz1.matmul((tape.one_over_m() * x).t()));
    assert!(dw1 == x.matmul(dz1.t()).t() * tape.one_over_m());
    assert!(db1 == (dz1 * tape.one_over_m()).sum_over(Over::Columns));
    // 1/m · X, 1/m · Xᵀ and the product the other way round are not of the closed form.
    assert!(tape.len() <= length + 4, "{tape}");
    tape.check().unwrap();
}

/// Eq. 5 spelled out, −(Y ⊙ ln A + (1 − Y) ⊙ ln(1 − A)): eq. 8 comes out with the terms in the other order, and no minus sign.
#[test]
fn log_loss_spelled_out() {
    for depth in 1..=4 {
        let g = vec![G::named("tanh"); depth - 1].into_iter().chain([G::named("sigmoid")]).collect();
        let sizes = [3, 4, 1, 2, 5][..=depth].to_vec();
        let description = Description { sizes, g, loss: Loss::LogLoss, m: 3, scale: 1.0, seed: 0 };
        with_recorded::<f64>(&description, |tape, network, g, _| {
            let (y, a) = (network.y, network.a[depth]);
            let j = (-(y * a.ln() + (1.0 - y) * (1.0 - a).ln())).sum_over(Over::Rows).mean();
            let derived = j.gradients_vec(&network.parameters());
            let length = tape.len();
            let mut da = (1.0 - y) / (1.0 - a) - y / a;
            for l in (1..=depth).rev() {
                let dz = da * network.z[l - 1].map_derivative(&g[l - 1]);
                assert!(derived[2 * l - 2] == tape.one_over_m() * dz.matmul(network.a[l - 1].t()), "{tape}");
                assert!(derived[2 * l - 1] == dz.mean_over(Over::Columns), "{tape}");
                da = network.w[l - 1].t().matmul(dz);
            }
            assert_eq!(tape.len(), length + 1, "∂ℒ/∂X alone is new\n{tape}");
        });
    }
}

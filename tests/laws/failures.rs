//! Thirty faults that were found from outside, each as the right behaviour; their neighbours are in the tests of their subjects.
use mlp::{Activation, EarlyStopping, Loss, Mlp, Optimizer, ParameterKind, Scalar, Training};
use tape::{Function, Matrix, Over, Tape, Var, matrix};

fn value<T: Scalar>(v: Var<'_, T>) -> Vec<f64> {
    v.value().unwrap().as_slice().iter().map(|x| x.to_f64()).collect()
}

fn assert_near(got: &[f64], want: &[f64], relative: f64) {
    let near = |(g, w): (&f64, &f64)| g == w || (g - w).abs() <= relative * w.abs();
    assert!(got.len() == want.len() && got.iter().zip(want).all(near), "got {got:?}, want {want:?}");
}

// 1 — gradients with respect to entries in the middle
#[test]
fn f01_a_scaled_entry_in_the_middle_has_its_gradient() {
    let tape = Tape::<f64>::new();
    let u = tape.parameter("u", &matrix![[3.0]]);
    let h = u * 2.0;
    let [dh] = (h * h + h).gradients([h]);
    assert_near(&value(dh), &[13.0], 1e-15); // 2h + 1 at 6
}

#[test]
fn f01_scaled_logits_have_the_gradient_of_the_cross_entropy() {
    let tape = Tape::<f64>::new();
    let z = tape.parameter("z", &matrix![[7.0], [10.0]]);
    let y = tape.constant("y", &matrix![[1.0], [0.0]]);
    let logits = z / 2.0;
    let j = logits.log_sum_exp() - (logits * y).sum();
    let [d] = j.gradients([logits]);
    let s = 1.0 / (1.0 + 1.5f64.exp());
    assert_near(&value(d), &[s - 1.0, 1.0 - s], 1e-14); // softmax − y
}

// 2 — a select of the user's in a product with σ′
#[test]
fn f02_a_mask_is_not_rewritten_away() {
    let tape = Tape::<f64>::new();
    let z = tape.parameter("z", &matrix![[0.0, 0.0]]);
    let mask = tape.constant("mask", &matrix![[1.0, 0.0]]);
    let a = z.sigmoid();
    let odds = mask.select(a, 0.0) / (1.0 - a);
    let [dz] = odds.sum().gradients([z]);
    assert_near(&value(dz), &[1.0, 0.0], 1e-15); // odds′ = eᶻ where the mask is 1, else 0
}

#[test]
fn f02_a_masked_equation_8_by_hand() {
    let tape = Tape::<f64>::new();
    let z = tape.parameter("z", &matrix![[0.0, 0.0]]);
    let y = tape.constant("y", &matrix![[1.0, 1.0]]);
    let mask = tape.constant("mask", &matrix![[1.0, 0.0]]);
    let a = z.sigmoid();
    let da = -(y / a - (1.0 - y) / (1.0 - a));
    let dz = mask.select(da, 0.0) * z.map_derivative(&Function::Sigmoid);
    assert_near(&value(dz), &[-0.5, 0.0], 1e-15);
}

// 3 — early stopping by the training loss
#[test]
fn f03_the_network_given_back_has_the_best_loss() {
    let (x, y) = (matrix![[1.0]], matrix![[0.0]]);
    let mut net = Mlp::<f64>::new(1).layer(1, Activation::Identity).build().unwrap();
    net.set_parameter("W[1]", matrix![[1.0]]).unwrap();
    let training = Training::new(Optimizer::gradient_descent(2.0).unwrap()).epochs(6);
    let history = training.early_stopping(EarlyStopping::new(2, 0.0).unwrap()).fit(&mut net, &x, &y).unwrap();
    let best = history.epochs()[history.best().unwrap()].training;
    assert_eq!((best, net.loss(&x, &y).unwrap()), (1.0, 1.0));
}

// 4 — softmax of large logits
#[test]
fn f04_equal_logits_are_even_odds_at_any_size() {
    let tape = Tape::<f32>::new();
    let z = tape.parameter("z", &matrix![[1e8], [1e8]]);
    let y = tape.constant("y", &matrix![[1.0], [0.0]]);
    let j = z.softmax_cross_entropy(y);
    let [dz] = j.gradients([z]);
    assert_near(&value(z.softmax_over(Over::Rows)), &[0.5, 0.5], 1e-6);
    assert_near(&value(j), &[std::f64::consts::LN_2], 1e-6);
    assert_near(&value(dz), &[-0.5, 0.5], 1e-6);
}

#[test]
fn f04_the_digits_at_1e4() {
    let tape = Tape::<f32>::new();
    let z = tape.parameter("z", &matrix![[1e4], [1e4]]);
    assert_near(&value(z.softmax_over(Over::Rows)), &[0.5, 0.5], 1e-6); // 2.1e-4 off
}

// 5 — factors move across sums and products
#[test]
fn f05_a_mean_of_two_great_numbers() {
    let tape = Tape::<f64>::new();
    let (a, b) = (tape.parameter("a", &matrix![[1.5e308]]), tape.parameter("b", &matrix![[1.4e308]]));
    assert_near(&value(a / 2.0 + b / 2.0), &[1.45e308], 1e-15);
}

#[test]
fn f05_a_scaled_product_of_small_numbers() {
    let tape = Tape::<f32>::new();
    let u = tape.parameter("u", &matrix![[1e-30]]);
    let v = tape.parameter("v", &matrix![[1e-30]]);
    assert_near(&value((u * 1e30).matmul(v * 1e30)), &[1.0], 1e-6);
}

#[test]
fn f05_queries_scaled_before_the_product() {
    let tape = Tape::<f32>::new();
    let q = tape.parameter("q", &matrix![[1e25]]);
    let k = tape.parameter("k", &matrix![[1e20]]);
    assert_near(&value((q * 1e-10).matmul(k)), &[1e35], 1e-6);
}

#[test]
fn f05_a_scaled_loss_keeps_small_gradients() {
    let tape = Tape::<f32>::new();
    let w = tape.parameter("w", &matrix![[1.0]]);
    let c = tape.constant("c", &matrix![[1e-30]]);
    let d = tape.constant("d", &matrix![[1e-30]]);
    let j = (w * c * d).sum() * 1e30;
    let [dw] = j.gradients([w]);
    assert_near(&value(dw), &[1e-30], 1e-6);
}

#[test]
fn f05_a_factor_of_zero() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("a", &matrix![[1e308, 1e308]]);
    assert_near(&value((a * 0.0).sum()), &[0.0], 0.0);
}

// 6 — powers of 0
#[test]
fn f06_the_exponents_gradient_at_base_zero() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("a", &matrix![[0.0, 2.0]]);
    let b = tape.parameter("b", &matrix![[1.0, 1.0]]);
    let [db] = a.pow(b).sum().gradients([b]);
    assert_near(&value(db), &[0.0, 2.0 * std::f64::consts::LN_2], 1e-15);
}

#[test]
fn f06_the_bases_gradient_at_exponent_zero() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("a", &matrix![[0.0]]);
    let b = tape.constant("b", &matrix![[0.0]]);
    let [da] = a.pow(b).gradients([a]);
    assert_near(&value(da), &[0.0], 0.0);
}

// 7 — log-loss of probabilities that are 0 or 1
#[test]
fn f07_a_likelihood_to_maximise() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("a", &matrix![[0.0, 1.0, 0.5]]);
    let y = tape.constant("y", &matrix![[0.0, 1.0, 1.0]]);
    let [da] = (-a.log_loss(y).sum()).gradients([a]);
    assert_near(&value(da), &[-1.0, 1.0, 2.0], 1e-15);
}

#[test]
fn f07_second_derivatives_of_the_log_loss() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("a", &matrix![[0.0, 1.0, 0.5]]);
    let y = tape.constant("y", &matrix![[0.0, 1.0, 1.0]]);
    let v = tape.constant("v", &matrix![[1.0, 1.0, 1.0]]);
    let [h] = a.log_loss(y).sum().hvp([a], [v]);
    assert_near(&value(h), &[1.0, 1.0, 4.0], 1e-15);
}

// 8 — labels that nobody looks at
#[test]
fn f08_gradients_alone_refuse_a_wrong_label() {
    let net = Mlp::<f64>::new(1).layer(1, Activation::Sigmoid).build().unwrap();
    assert!(net.gradients(&matrix![[1.0]], &matrix![[2.0]]).is_err()); // «as loss»
}

#[test]
fn f08_softmax_refuses_a_label_that_is_no_share() {
    let net =
        Mlp::<f64>::new(1).layer(2, Activation::Identity).loss(Loss::SoftmaxCrossEntropy).build().unwrap();
    assert!(net.loss(&matrix![[1.0]], &matrix![[-1.0], [f64::NAN]]).is_err());
}

// 9 — sums of many numbers, other way round
#[test]
fn f09_log_sum_exp_of_a_long_row() {
    let tape = Tape::<f32>::new();
    let z = tape.parameter("z", &Matrix::zeros(1, 1 << 25));
    assert_near(&value(z.log_sum_exp()), &[25.0 * std::f64::consts::LN_2], 1e-6);
}

#[test]
fn f09_log_sum_exp_of_a_row_keeps_small_terms() {
    let tape = Tape::<f64>::new();
    let z = tape.parameter("z", &matrix![[0.0, -40.0]]);
    assert_near(&value(z.log_sum_exp()), &[4.248354255291589e-18], 1e-15); // as over rows
}

#[test]
fn f09_the_penalty_of_many_weights() {
    let o = Optimizer::gradient_descent(0.1).unwrap().with_l2(2.0).unwrap();
    assert_near(&[o.penalty(&vec![1.0f32; 1 << 25]).into()], &[33554432.0], 1e-6);
}

// 10 — hyperparameters that vanish or overflow in f32
#[test]
fn f10_adams_epsilon_in_single_precision() {
    let mut s =
        Optimizer::adam_with(0.1, 0.9, 0.999, 1e-46).unwrap().state::<f32>(&[(1, ParameterKind::Weight)]);
    let mut w = [1.0f32];
    s.step(0, &mut w, &[0.0]).unwrap();
    assert_eq!(w, [1.0]);
}

// 11 — second derivatives far out
#[test]
fn f11_the_second_derivative_of_gelu_far_out() {
    let tape = Tape::<f32>::new();
    let x = tape.parameter("x", &matrix![[2e19, -2e19]]);
    let [d] = x.gelu().sum().gradients([x]);
    let [dd] = d.sum().gradients([x]);
    assert_near(&value(dd), &[0.0, 0.0], 0.0);
}

// 12 — training data that are no numbers
#[test]
fn f12_fit_does_not_leave_a_network_of_nan_silently() {
    let mut net =
        Mlp::<f64>::new(1).layer(2, Activation::Tanh).layer(1, Activation::Sigmoid).build().unwrap();
    let x = matrix![[1.0, f64::NAN]];
    let fit = Training::new(Optimizer::adam(0.1).unwrap()).epochs(2).fit(&mut net, &x, &matrix![[0.0, 1.0]]);
    let finite = net.parameters().values().all(|p| p.as_slice().iter().all(|x| x.is_finite()));
    assert!(fit.is_err() && finite, "fit {:?}, finite {finite}", fit.map(|h| h.len()));
}

// 13 — a loss that a label of 0 rules out
#[test]
fn f13_an_impossible_class_that_is_not_asked_for() {
    let tape = Tape::<f64>::new();
    let z = tape.parameter("z", &matrix![[f64::NEG_INFINITY], [0.0]]);
    let y = tape.constant("y", &matrix![[0.0], [1.0]]);
    assert_near(&value(z.softmax_cross_entropy(y)), &[0.0], 0.0);
}

// 14 — no examples
#[test]
fn f14_a_gradient_of_a_mean_of_nothing() {
    let tape = Tape::<f64>::new();
    let b = tape.parameter("b", &matrix![[1.0]]);
    let x = tape.examples("X", &Matrix::zeros(1, 0));
    let [db] = (x + b).mean().gradients([b]);
    assert!(db.value().is_err()); // J itself is EmptyBatch
}

// 15 — whole powers in f32
#[test]
fn f15_an_odd_power_of_minus_one() {
    let tape = Tape::<f32>::new();
    let x = tape.parameter("x", &matrix![[-1.0]]);
    assert_near(&value(x.powi(16_777_217)), &[-1.0], 0.0);
}

// 16 — exact quotients
#[test]
fn f16_a_number_by_itself_is_one() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &matrix![[49.0]]);
    let ones = tape.examples("o", &Matrix::filled(1, 49, 1.0));
    assert_eq!((value(x / 49.0), value(ones.mean())), (vec![1.0], vec![1.0]));
}

// 17 — limits that are none
#[test]
fn f17_a_clamp_without_limits() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &matrix![[-2.0]]);
    assert!(x.clamp(1.0, -1.0).value().is_err() && x.clamp(f64::NAN, 1.0).value().is_err());
}

// 18 — softmax of one logit learns nothing
#[test]
fn f18_softmax_of_one_output_is_refused() {
    assert!(
        Mlp::<f64>::new(1).layer(1, Activation::Identity).loss(Loss::SoftmaxCrossEntropy).build().is_err()
    );
}

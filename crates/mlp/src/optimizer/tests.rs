use tape::Scalar as _;

use super::*;

/// The parameter after each of the gradients.
fn path(optimizer: Optimizer, kind: ParameterKind, start: f64, gradients: &[f64]) -> Vec<f64> {
    let mut state = optimizer.state(&[(1, kind)]);
    let mut theta = [start];
    let step = |&g: &f64| {
        state.step(0, &mut theta, &[g]).unwrap();
        theta[0]
    };
    gradients.iter().map(step).collect()
}

#[track_caller]
fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() < 1e-15, "{found:?} is not {expected:?}");
    }
}

#[test]
fn gradient_descent_by_hand() {
    let descent = Optimizer::gradient_descent(0.5).unwrap();
    assert_eq!(path(descent, ParameterKind::Weight, 1.0, &[1.0, -4.0]), [0.5, 2.5]);
}

#[test]
fn momentum_by_hand() {
    // v = 1, 0.5 · 1 + 2 = 2.5, 0.5 · 2.5 + 0 = 1.25.
    let momentum = Optimizer::momentum(0.1, 0.5).unwrap();
    assert_close(&path(momentum, ParameterKind::Weight, 0.0, &[1.0, 2.0, 0.0]), &[-0.1, -0.35, -0.475]);
}

#[test]
fn adam_by_hand() {
    // Whatever its size, a first gradient moves the parameter by η.
    let adam = Optimizer::adam_with(0.1, 0.5, 0.75, 1e-300).unwrap();
    // g = 4: m̂ = 4, v̂ = 16. g = 0: m = 1, m̂ = 1/0.75; v = 3, v̂ = 3/0.4375.
    let second = -0.1 - 0.1 * (1.0 / 0.75) / (3.0_f64 / 0.4375).sqrt();
    assert_close(&path(adam, ParameterKind::Weight, 0.0, &[4.0, 0.0]), &[-0.1, second]);
    // ε stands outside the root: 0.1 · 4 / (4 + 4).
    let adam = Optimizer::adam_with(0.1, 0.9, 0.999, 4.0).unwrap();
    assert_close(&path(adam, ParameterKind::Weight, 0.0, &[4.0]), &[-0.05]);
}

#[test]
fn nesterov_by_hand() {
    // v = 1, 0.5 · 1 + 2 = 2.5; g + β v = 1.5, 3.25.
    let nesterov = Optimizer::nesterov(0.1, 0.5).unwrap();
    assert_close(&path(nesterov, ParameterKind::Weight, 0.0, &[1.0, 2.0]), &[-0.15, -0.475]);
}

#[test]
fn rms_prop_by_hand() {
    let with = RmsProp { alpha: 0.75, epsilon: 1.0, momentum: 0.0, is_centred: false };
    let run = |with| {
        let optimizer = Optimizer::rms_prop_with(0.1, with).unwrap();
        path(optimizer, ParameterKind::Weight, 0.0, &[4.0, 0.0])
    };
    // s = 0.25 · 16 = 4; ε stands outside the root: 0.1 · 4 / (2 + 1).
    assert_close(&run(with), &[-0.4 / 3.0, -0.4 / 3.0]);
    // v = 4/3, 2/3.
    assert_close(&run(RmsProp { momentum: 0.5, ..with }), &[-0.4 / 3.0, -0.2]);
    // m = 1, s − m² = 3.
    let centred = -0.4 / (3.0_f64.sqrt() + 1.0);
    assert_close(&run(RmsProp { is_centred: true, ..with }), &[centred, centred]);
    let both = RmsProp { is_centred: true, momentum: 0.5, ..with };
    assert_close(&run(both), &[centred, 1.5 * centred]);
}

/// A gradient that does not change has s = m² within rounding, whose root must not be NaN.
#[test]
fn rms_prop_of_a_constant_gradient_stays_a_number() {
    let with = RmsProp { alpha: 0.1, is_centred: true, ..RmsProp::default() };
    for g in [0.1, 0.3, 0.7, 1e-3, 1e8] {
        let mut state =
            Optimizer::rms_prop_with(1e-9, with).unwrap().state::<f32>(&[(1, ParameterKind::Weight)]);
        let mut theta = [0.0];
        for _ in 0..100 {
            state.step(0, &mut theta, &[g]).unwrap();
            assert!(theta[0].is_finite());
        }
    }
    let mut state = Optimizer::rms_prop_with(0.1, with).unwrap().state(&[(1, ParameterKind::Weight)]);
    let mut theta = [0.0];
    state.step(0, &mut theta, &[f64::NAN]).unwrap();
    assert!(theta[0].is_nan());
}

#[test]
fn adagrad_by_hand() {
    // s = 9, 25.
    let adagrad = Optimizer::adagrad_with(0.1, 1.0).unwrap();
    assert_close(&path(adagrad, ParameterKind::Weight, 0.0, &[3.0, 4.0]), &[-0.075, -0.075 - 0.4 / 6.0]);
    let adagrad = Optimizer::adagrad(0.1).unwrap();
    assert_close(&path(adagrad, ParameterKind::Weight, 0.0, &[0.0]), &[0.0]);
}

#[test]
fn lion_by_hand() {
    // c = 0.5 · 0 + 0.5 · 4 > 0; m = 1; c = 0.5 · 1 − 0.5 · 1 = 0; m = 0.5; c = 0.25 − 0.5 < 0.
    let lion = Optimizer::lion_with(0.25, 0.5, 0.75).unwrap();
    let walk = path(lion, ParameterKind::Weight, 1.0, &[4.0, -1.0, -1.0]);
    assert_eq!(walk, [0.75, 0.75, 1.0]);
    let decaying = lion.with_weight_decay(0.5).unwrap();
    assert_eq!(path(decaying, ParameterKind::Weight, 1.0, &[4.0]), [1.0 - 0.25 * 1.5]);
    assert!(path(lion, ParameterKind::Weight, 1.0, &[f64::NAN])[0].is_nan());
}

#[test]
fn l2_pulls_at_weights_only() {
    let descent = Optimizer::gradient_descent(0.5).unwrap().with_l2(0.1).unwrap();
    assert_close(&path(descent, ParameterKind::Weight, 2.0, &[1.0]), &[2.0 - 0.5 * 1.2]);
    assert_close(&path(descent, ParameterKind::Bias, 2.0, &[1.0]), &[1.5]);
    let momentum = Optimizer::momentum(0.5, 0.9).unwrap().with_l2(0.1).unwrap();
    assert_close(&path(momentum, ParameterKind::Weight, 2.0, &[1.0]), &[2.0 - 0.5 * 1.2]);
    let adam = Optimizer::adam_with(0.5, 0.9, 0.999, 1.2).unwrap().with_l2(0.1).unwrap();
    assert_close(&path(adam, ParameterKind::Weight, 2.0, &[1.0]), &[2.0 - 0.5 * 1.2 / 2.4]);
    assert!((descent.penalty(&[3.0, 4.0]) - 1.25).abs() < 1e-15);
}

/// J = ½(x² + 25 y²), whose minimum is at 0.
#[test]
fn a_quadratic_bowl_is_descended() {
    for (optimizer, steps) in [
        (Optimizer::gradient_descent(0.03), 700),
        (Optimizer::momentum(0.03, 0.8), 300),
        (Optimizer::nesterov(0.03, 0.8), 300),
        (Optimizer::rms_prop_with(0.01, RmsProp { epsilon: 1.0, ..RmsProp::default() }), 3000),
        (Optimizer::adagrad(1.0), 300),
        (Optimizer::adam(0.02), 3000),
    ] {
        let optimizer = optimizer.unwrap();
        let mut state = optimizer.state(&[(2, ParameterKind::Weight)]);
        let mut at = [5.0_f32, -3.0];
        for _ in 0..steps {
            let gradient = [at[0], 25.0 * at[1]];
            state.step(0, &mut at, &gradient).unwrap();
        }
        assert!(at[0].abs() < 1e-4 && at[1].abs() < 1e-4, "{optimizer:?} ends at {at:?}");
    }
}

#[test]
fn parameters_are_remembered_apart() {
    let mut state =
        Optimizer::adam(0.1).unwrap().state(&[(1, ParameterKind::Weight), (2, ParameterKind::Bias)]);
    let (mut w, mut b) = ([0.0], [0.0; 2]);
    for _ in 0..5 {
        state.step(0, &mut w, &[1.0]).unwrap();
    }
    state.step(1, &mut b, &[1.0, -1.0]).unwrap();
    assert!((b[0] + 0.1_f64).abs() < 1e-8 && (b[1] - 0.1).abs() < 1e-8);
}

#[test]
fn the_rate_can_change_on_the_way() {
    let mut state = Optimizer::gradient_descent(1.0).unwrap().state(&[(1, ParameterKind::Weight)]);
    let mut w = [0.0];
    state.step(0, &mut w, &[1.0]).unwrap();
    state.set_rate(0.25).unwrap();
    state.step(0, &mut w, &[1.0]).unwrap();
    assert_eq!(w, [-1.25]);
    assert!(state.set_rate(0.0).is_err());
    assert_eq!(state.optimizer().rate(), 0.25);
}

#[test]
fn the_type_that_computes_has_its_say() {
    let weight = [(1, ParameterKind::Weight)];
    let refused = |optimizer: Optimizer| {
        assert!(optimizer.try_state::<f64>(&weight).is_ok(), "{optimizer:?}");
        let error = optimizer.try_state::<f32>(&weight).unwrap_err();
        assert!(matches!(error, Error::Hyperparameter { .. }), "{error}");
        error.to_string()
    };
    // Not to be had later either.
    let refused_late = |optimizer: Optimizer| {
        let (mut state, mut w) = (optimizer.state::<f32>(&weight), [1.0]);
        assert_eq!(state.step(0, &mut w, &[1.0]).unwrap_err().to_string(), refused(optimizer));
        assert_eq!(w, [1.0]);
    };
    for rate in [1e-60, 1e-40, 1e39, 1e300] {
        refused_late(Optimizer::gradient_descent(rate).unwrap());
        refused_late(Optimizer::momentum(rate, 0.9).unwrap());
        refused_late(Optimizer::adam(rate).unwrap());
        refused_late(Optimizer::nesterov(rate, 0.9).unwrap());
        refused_late(Optimizer::rms_prop(rate).unwrap());
        refused_late(Optimizer::adagrad(rate).unwrap());
        refused_late(Optimizer::lion(rate).unwrap());
        refused_late(Optimizer::adam(0.1).unwrap().with_l2(rate).unwrap());
        refused_late(Optimizer::adam_w(0.1, rate).unwrap());
    }
    // η / (1 − β₁) is 10 η.
    refused_late(Optimizer::adam(1e38).unwrap());
    let rest = 1.0 - 1e-9;
    refused_late(Optimizer::momentum(0.1, rest).unwrap());
    refused_late(Optimizer::adam_with(0.1, rest, 0.9, 1e-8).unwrap());
    refused_late(Optimizer::adam_with(0.1, 0.9, rest, 1e-8).unwrap());
    refused_late(Optimizer::adam_with(0.1, 0.9, 0.9, 1e300).unwrap());
    refused_late(Optimizer::adagrad_with(0.1, 1e300).unwrap());
    let rms_prop = |with| Optimizer::rms_prop_with(0.1, with).unwrap();
    refused_late(rms_prop(RmsProp { epsilon: 1e300, ..RmsProp::default() }));
    refused_late(rms_prop(RmsProp { alpha: rest, ..RmsProp::default() }));
    refused_late(rms_prop(RmsProp { momentum: rest, ..RmsProp::default() }));
    refused_late(Optimizer::nesterov(0.1, rest).unwrap());
    refused_late(Optimizer::lion_with(0.1, rest, 0.9).unwrap());
    refused_late(Optimizer::lion_with(0.1, 0.9, rest).unwrap());
    for epsilon in [1e-46, 1e-50, 1e-39] {
        let text = refused(Optimizer::adam_with(0.1, 0.9, 0.9, epsilon).unwrap());
        assert!(text.starts_with(&format!("Adam's ε is {epsilon:e}, it must be")), "{text}");
    }
    assert!(Optimizer::adam(1e308).unwrap().try_state::<f64>(&weight).is_err());
    let mut state = Optimizer::adam(0.1).unwrap().state::<f32>(&weight);
    assert!(state.set_rate(1e-50).is_err() && state.set_rate(1e38).is_err());
    assert_eq!(state.optimizer().rate(), 0.1);
    let mut late = Optimizer::gradient_descent(1e300).unwrap().state::<f32>(&weight);
    late.set_rate(0.5).unwrap();
    let mut w = [1.0];
    late.step(0, &mut w, &[1.0]).unwrap();
    assert_eq!(w, [0.5]);
}

#[test]
fn an_epsilon_that_vanishes_still_keeps_0_over_0_away() {
    for epsilon in [1e-46, 1e-300] {
        let with = RmsProp { alpha: 0.0, epsilon, momentum: 0.0, is_centred: false };
        for optimizer in [
            Optimizer::adam_with(0.1, 0.9, 0.999, epsilon),
            Optimizer::rms_prop_with(0.1, with),
            Optimizer::adagrad_with(0.1, epsilon),
        ] {
            let mut state = optimizer.unwrap().state::<f32>(&[(2, ParameterKind::Weight)]);
            let mut w = [1.0_f32, 1.0];
            state.step(0, &mut w, &[0.0, 1.0]).unwrap();
            assert_eq!(w[0], 1.0);
            assert!((w[1] - 0.9).abs() < 1e-6);
        }
    }
}

#[test]
fn memory_that_there_is_not_is_an_error() {
    for size in [usize::MAX, isize::MAX as usize, 1 << 60] {
        assert!(
            Optimizer::gradient_descent(0.1)
                .unwrap()
                .try_state::<f32>(&[(size, ParameterKind::Bias)])
                .is_ok()
        );
        for optimizer in [Optimizer::momentum(0.1, 0.9), Optimizer::adam(0.1)] {
            let error = optimizer
                .unwrap()
                .try_state::<f64>(&[(2, ParameterKind::Bias), (size, ParameterKind::Weight)])
                .unwrap_err();
            let text = format!(
                "what the optimizer remembers of parameter 1: no memory for {} bytes",
                8 * size as u128
            );
            assert_eq!(error.to_string(), text);
        }
    }
}

#[test]
#[should_panic(expected = "no memory for")]
fn state_panics_where_try_state_refuses() {
    Optimizer::adam(0.1).unwrap().state::<f32>(&[(usize::MAX, ParameterKind::Weight)]);
}

#[test]
fn penalties_of_many_and_of_extreme_weights() {
    let l2 = |lambda: f64| Optimizer::gradient_descent(0.1).unwrap().with_l2(lambda).unwrap();
    assert_eq!(l2(2.0).penalty(&vec![1.0_f32; 1 << 25]), 33_554_432.0);
    assert_eq!(l2(2.0).penalty(&vec![0.5_f64; 3 << 20]), f64::from(3 << 18));
    // 1e-10/2 · (1e20)², whose square is ∞ in f32, and 1e-300/2 · (1e200)², whose square is ∞
    // in f64.
    assert!((l2(1e-10).penalty(&[1e20_f32]) / 5e29 - 1.0).abs() < 1e-6);
    assert!((l2(1e-300).penalty(&[1e200, -1e200]) / 1e100 - 1.0).abs() < 1e-15);
    assert!((l2(1e300).penalty(&[1e-200, 1e-200]) / 1e-100 - 1.0).abs() < 1e-15);
    assert_eq!(l2(2.0).penalty::<f64>(&[]), 0.0);
    assert_eq!(l2(2.0).penalty(&[0.0, f64::INFINITY]), f64::INFINITY);
    assert!(l2(2.0).penalty(&[1.0, f64::NAN]).is_nan());
}

#[test]
fn an_optimizer_in_words() {
    let centred = RmsProp { alpha: 0.5, epsilon: 1e-6, momentum: 0.25, is_centred: true };
    for (optimizer, text) in [
        (Optimizer::gradient_descent(0.1), "gradient descent: η = 0.1"),
        (Optimizer::momentum(0.1, 0.9), "momentum: η = 0.1, β = 0.9"),
        (Optimizer::nesterov(0.1, 0.9), "Nesterov: η = 0.1, β = 0.9"),
        (Optimizer::rms_prop(0.1), "RMSProp: η = 0.1, α = 0.99, ε = 1e-8"),
        (Optimizer::rms_prop_with(0.1, centred), "RMSProp, centred: η = 0.1, α = 0.5, ε = 1e-6, β = 0.25"),
        (Optimizer::adagrad(0.1), "Adagrad: η = 0.1, ε = 1e-10"),
        (
            Optimizer::adam(1e-3).and_then(|adam| adam.with_l2(0.5)),
            "Adam: η = 0.001, β₁ = 0.9, β₂ = 0.999, ε = 1e-8, λ = 0.5 of L2",
        ),
        (
            Optimizer::adam_w(1.0 / 3.0, 0.01),
            "Adam: η = 0.3333333333333333, β₁ = 0.9, β₂ = 0.999, ε = 1e-8, λ = 0.01 decoupled",
        ),
        (Optimizer::lion(1e-300), "Lion: η = 1e-300, β₁ = 0.9, β₂ = 0.99"),
    ] {
        assert_eq!(optimizer.unwrap().to_string(), text);
    }
}

#[test]
fn nonsense_is_refused() {
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(Optimizer::gradient_descent(rate).is_err());
        assert!(Optimizer::momentum(rate, 0.9).is_err());
        assert!(Optimizer::adam(rate).is_err());
        assert!(Optimizer::adam_with(0.1, 0.9, 0.9, rate).is_err());
        assert!(Optimizer::nesterov(rate, 0.9).is_err());
        assert!(Optimizer::rms_prop(rate).is_err());
        let with = RmsProp { epsilon: rate, ..RmsProp::default() };
        assert!(Optimizer::rms_prop_with(0.1, with).is_err());
        assert!(Optimizer::adagrad(rate).is_err());
        assert!(Optimizer::adagrad_with(0.1, rate).is_err());
        assert!(Optimizer::adam_w(rate, 0.1).is_err());
        assert!(Optimizer::lion(rate).is_err());
    }
    for beta in [1.0, -0.1, f64::NAN] {
        assert!(Optimizer::momentum(0.1, beta).is_err());
        assert!(Optimizer::adam_with(0.1, beta, 0.9, 1e-8).is_err());
        assert!(Optimizer::adam_with(0.1, 0.9, beta, 1e-8).is_err());
        assert!(Optimizer::nesterov(0.1, beta).is_err());
        let default = RmsProp::default();
        assert!(Optimizer::rms_prop_with(0.1, RmsProp { alpha: beta, ..default }).is_err());
        assert!(Optimizer::rms_prop_with(0.1, RmsProp { momentum: beta, ..default }).is_err());
        assert!(Optimizer::lion_with(0.1, beta, 0.9).is_err());
        assert!(Optimizer::lion_with(0.1, 0.9, beta).is_err());
    }
    for lambda in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(Optimizer::adam(0.1).unwrap().with_l2(lambda).is_err());
        assert!(Optimizer::adam_w(0.1, lambda).is_err());
    }
    assert_eq!(
        Optimizer::momentum(0.1, 1.5).unwrap_err().to_string(),
        "momentum β is 1.5, it must be in [0, 1)"
    );
    let mut state = Optimizer::gradient_descent(0.1).unwrap().state(&[(2, ParameterKind::Weight)]);
    assert_eq!(
        state.step(0, &mut [0.0; 2], &[0.0; 3]).unwrap_err().to_string(),
        "gradient: 2 values are needed, 3 were given"
    );
    assert!(state.step(0, &mut [0.0; 1], &[0.0; 2]).is_err());
}

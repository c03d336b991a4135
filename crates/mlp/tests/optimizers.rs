//! Optimizers beside PyTorch's, written down and read back, with parameters of their own rates, and on threads.

use mlp::{Error, Optimizer, OptimizerState, ParameterKind, Remembered, RestoreFault, RmsProp, Scalar};
use serde_json::Value;
use tape::Threads;

const SHAPE: [(usize, ParameterKind); 2] = [(6, ParameterKind::Weight), (2, ParameterKind::Bias)];

/// J of `golden/optimizers.py`, and its gradients by hand.
mod problem {
    const X: [[f64; 5]; 3] =
        [[1.0, -0.5, 0.25, 2.0, -1.5], [0.5, 1.5, -1.0, 0.0, 0.75], [-2.0, 0.125, 1.0, 0.5, -0.25]];
    const Y: [[f64; 5]; 2] = [[0.5, -1.0, 2.0, 1.0, 0.0], [1.5, 0.25, -0.5, -2.0, 1.0]];

    /// W, column by column, and b.
    pub(super) const START: ([f64; 6], [f64; 2]) = ([-1.0, 0.1, 0.8, -0.6, 0.3, 1.2], [0.2, -0.4]);

    pub(super) fn gradients(w: &[f64], b: &[f64]) -> ([f64; 6], [f64; 2]) {
        let (mut dw, mut db) = ([0.0; 6], [0.0; 2]);
        for k in 0..5 {
            for i in 0..2 {
                let z: f64 = (0..3).map(|j| w[2 * j + i] * X[j][k]).sum::<f64>() + b[i];
                let error = (z - Y[i][k]) / 5.0;
                (0..3).for_each(|j| dw[2 * j + i] += error * X[j][k]);
                db[i] += error;
            }
        }
        let valley = w[2] - w[0] * w[0];
        dw[0] += -0.2 * (1.0 - w[0]) - 2.0 * valley * w[0];
        dw[2] += valley;
        (dw, db)
    }
}

/// W and b on their way, in type T, with gradients that are computed in f64.
#[derive(Debug, Clone, PartialEq)]
struct Walk<T> {
    state: OptimizerState<T>,
    w: Vec<T>,
    b: Vec<T>,
}

impl<T: Scalar> Walk<T> {
    fn new(optimizer: Optimizer) -> Self {
        let in_t = |values: &[f64]| values.iter().map(|&x| T::from_f64(x)).collect();
        let (w, b) = (in_t(&problem::START.0), in_t(&problem::START.1));
        Walk { state: optimizer.try_state(&SHAPE).unwrap(), w, b }
    }

    fn step(&mut self) {
        let [w, b] = [&self.w, &self.b].map(|values| values.iter().map(|x| x.to_f64()).collect::<Vec<f64>>());
        let (dw, db) = problem::gradients(&w, &b);
        self.state.step(0, &mut self.w, &dw.map(T::from_f64)).unwrap();
        self.state.step(1, &mut self.b, &db.map(T::from_f64)).unwrap();
    }
}

/// Each rule, with PyTorch's name of the case, and its decay.
fn optimizer(case: &str) -> Optimizer {
    let rms_prop = |rate, momentum, is_centred| {
        Optimizer::rms_prop_with(rate, RmsProp { momentum, is_centred, ..RmsProp::default() })
    };
    let optimizer = match case {
        "gradient descent" => Optimizer::gradient_descent(0.05),
        "gradient descent, L2" => Optimizer::gradient_descent(0.05).and_then(|o| o.with_l2(0.125)),
        "momentum" => Optimizer::momentum(0.02, 0.9),
        "momentum, L2, rate drops" => Optimizer::momentum(0.02, 0.9).and_then(|o| o.with_l2(0.01)),
        "nesterov" => Optimizer::nesterov(0.02, 0.9),
        "nesterov, L2" => Optimizer::nesterov(0.02, 0.9).and_then(|o| o.with_l2(0.01)),
        "rms_prop" => Optimizer::rms_prop(0.01),
        "rms_prop, momentum, L2" => rms_prop(0.005, 0.8, false).and_then(|o| o.with_l2(0.01)),
        "rms_prop, centred" => rms_prop(0.005, 0.0, true),
        "rms_prop, centred, momentum, L2" => {
            let with = RmsProp { alpha: 0.95, epsilon: 1e-6, momentum: 0.7, is_centred: true };
            Optimizer::rms_prop_with(0.002, with).and_then(|o| o.with_l2(0.01))
        }
        "adagrad" => Optimizer::adagrad(0.1),
        "adagrad, L2" => Optimizer::adagrad_with(0.1, 1e-6).and_then(|o| o.with_l2(0.01)),
        "adam" | "adam, rate of b" => Optimizer::adam(0.01),
        "adam, L2, rate drops" => Optimizer::adam_with(0.02, 0.8, 0.95, 1e-6).and_then(|o| o.with_l2(0.01)),
        "adam_w" => Optimizer::adam_w(0.01, 0.01),
        "adam_w, much decay, rate drops" => Optimizer::adam_w(0.02, 0.5),
        "lion" => Optimizer::lion(0.003),
        "lion, decay" => Optimizer::lion_with(0.002, 0.95, 0.98).and_then(|o| o.with_weight_decay(0.5)),
        other => panic!("no optimizer for the case {other:?}"),
    };
    optimizer.unwrap()
}

fn golden() -> Vec<(String, Value)> {
    let file: Value = serde_json::from_str(include_str!("golden/optimizers.json")).unwrap();
    let cases = file["cases"].as_object().unwrap().iter();
    cases.map(|(name, steps)| (name.clone(), steps.clone())).collect()
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

#[test]
fn trajectories_are_those_of_pytorch() {
    let cases = golden();
    assert_eq!(cases.len(), 19);
    for (name, steps) in cases {
        let mut walk = Walk::<f64>::new(optimizer(&name));
        if name == "adam, rate of b" {
            walk.state.set_rate_factor(1, 0.25).unwrap();
        }
        let mut taken = 0;
        for shown in steps.as_array().unwrap() {
            while taken < shown[0].as_u64().unwrap() {
                walk.step();
                taken += 1;
                if taken == 100 && name.ends_with("rate drops") {
                    walk.state.set_rate(walk.state.optimizer().rate() / 4.0).unwrap();
                }
            }
            for (ours, theirs) in [(&walk.w, numbers(&shown[1])), (&walk.b, numbers(&shown[2]))] {
                for (a, b) in ours.iter().zip(&theirs) {
                    let error = (a - b).abs() / b.abs();
                    assert!(error < 1e-10, "{name}, step {taken}: {ours:?}, PyTorch has {theirs:?}");
                }
            }
        }
        assert_eq!(taken, 200);
    }
}

/// What a file would hold: the names, and the bits as numbers.
type Kept = Vec<(String, Vec<u64>)>;

fn kept<T: Scalar>(state: &OptimizerState<T>) -> Kept {
    let bits = |remembered: Remembered<'_, T>| match remembered {
        Remembered::Elements(list) => list.iter().map(|x| x.to_f64().to_bits()).collect(),
        Remembered::Numbers(list) => list.iter().map(|x| x.to_bits()).collect(),
    };
    state.remembered().map(|(name, remembered)| (name, bits(remembered))).collect()
}

fn give_back<T: Scalar>(kept: &Kept, state: &mut OptimizerState<T>) {
    let numbers = |bits: &Vec<u64>| bits.iter().map(|&x| f64::from_bits(x)).collect::<Vec<f64>>();
    let lists = kept.iter().map(|(name, bits)| (name.clone(), numbers(bits)));
    let lists: Vec<(String, Vec<f64>, Vec<T>)> = lists
        .map(|(name, list)| (name, list.clone(), list.iter().map(|&x| T::from_f64(x)).collect()))
        .collect();
    let remembered = lists.iter().rev().map(|(name, numbers, elements)| match name.ends_with("powers") {
        true => (name.clone(), Remembered::Numbers(&numbers[..])),
        false => (name.clone(), Remembered::Elements(&elements[..])),
    });
    state.restore(remembered).unwrap();
}

#[test]
fn fifty_steps_and_fifty_are_a_hundred() {
    fn check<T: Scalar>(name: &str) {
        let mut whole = Walk::<T>::new(optimizer(name));
        (0..100).for_each(|_| whole.step());

        let mut first = Walk::<T>::new(optimizer(name));
        (0..50).for_each(|_| first.step());
        let written = kept(&first.state);
        let mut second = Walk { state: optimizer(name).try_state(&SHAPE).unwrap(), ..first };
        give_back(&written, &mut second.state);
        (0..50).for_each(|_| second.step());
        assert_eq!(second, whole, "{name}");
    }
    for (name, _) in golden() {
        check::<f64>(&name);
        check::<f32>(&name);
    }
}

#[test]
fn what_is_remembered_has_names() {
    let names = |case: &str| -> Vec<String> {
        Walk::<f32>::new(optimizer(case)).state.remembered().map(|(name, _)| name).collect()
    };
    assert!(names("gradient descent").is_empty());
    assert_eq!(names("momentum"), ["0.v", "1.v"]);
    assert_eq!(names("nesterov"), ["0.v", "1.v"]);
    assert_eq!(names("rms_prop"), ["0.s", "1.s"]);
    assert_eq!(names("rms_prop, momentum, L2"), ["0.s", "0.v", "1.s", "1.v"]);
    assert_eq!(names("rms_prop, centred"), ["0.s", "0.m", "1.s", "1.m"]);
    assert_eq!(names("rms_prop, centred, momentum, L2"), ["0.s", "0.v", "0.m", "1.s", "1.v", "1.m"]);
    assert_eq!(names("adagrad"), ["0.s", "1.s"]);
    assert_eq!(names("adam_w"), ["0.m", "0.v", "0.powers", "1.m", "1.v", "1.powers"]);
    assert_eq!(names("lion"), ["0.m", "1.m"]);
}

#[test]
fn what_cannot_be_remembered_is_refused_and_nothing_changes() {
    use Remembered::{Elements, Numbers};
    let one = [(2, ParameterKind::Weight)];
    let mut state = Optimizer::adam(0.1).unwrap().try_state::<f64>(&one).unwrap();
    state.step(0, &mut [1.0, 2.0], &[0.5, -0.5]).unwrap();
    let before = state.clone();
    let good = |name: &str| match name {
        "0.powers" => Numbers(&[0.5, 0.25]),
        _ => Elements(&[1.0, 2.0]),
    };
    let three = || ["0.m", "0.v", "0.powers"].map(|name| (name.to_owned(), good(name))).to_vec();
    let nan = [1.0, f64::NAN];
    let cases: [(&str, Remembered<'_, f64>, RestoreFault, &str); 10] = [
        (
            "0.m",
            Elements(&[1.0]),
            RestoreFault::Length { expected: 2, found: 1 },
            "0.m needs 2 values, 1 were given",
        ),
        (
            "0.v",
            Elements(&[]),
            RestoreFault::Length { expected: 2, found: 0 },
            "0.v needs 2 values, 0 were given",
        ),
        (
            "0.powers",
            Numbers(&[0.5]),
            RestoreFault::Length { expected: 2, found: 1 },
            "0.powers needs 2 values, 1 were given",
        ),
        (
            "0.m",
            Elements(&[f64::INFINITY, 0.0]),
            RestoreFault::Value { value: f64::INFINITY, at: 0, expected: "a finite number" },
            "0.m is inf at place 0, it must be a finite number",
        ),
        (
            "0.v",
            Elements(&[0.0, -1.0]),
            RestoreFault::Value { value: -1.0, at: 1, expected: "a finite number, at least 0" },
            "0.v is -1 at place 1, it must be a finite number, at least 0",
        ),
        (
            "0.powers",
            Numbers(&[0.5, 1.5]),
            RestoreFault::Value { value: 1.5, at: 1, expected: "in [0, 1]" },
            "0.powers is 1.5 at place 1, it must be in [0, 1]",
        ),
        (
            "0.powers",
            Elements(&[0.5, 0.5]),
            RestoreFault::Kind { expected: "numbers in f64" },
            "0.powers must be numbers in f64",
        ),
        (
            "0.m",
            Numbers(&[0.5, 0.5]),
            RestoreFault::Kind { expected: "a number for each element" },
            "0.m must be a number for each element",
        ),
        ("1.m", Elements(&[0.5, 0.5]), RestoreFault::Unknown, "1.m is nothing that the rule remembers"),
        ("0.s", Elements(&[0.5, 0.5]), RestoreFault::Unknown, "0.s is nothing that the rule remembers"),
    ];
    for (name, remembered, fault, text) in cases {
        let mut given = three();
        match given.iter_mut().find(|(known, _)| known == name) {
            Some(place) => place.1 = remembered,
            None => given.push((name.to_owned(), remembered)),
        }
        let error = state.restore(given).unwrap_err();
        assert_eq!(error, Error::Restore { name: name.to_owned(), fault });
        assert_eq!(error.to_string(), format!("optimizer: {text}"));
        assert_eq!(state, before);
    }
    for (given, name) in [(Elements(&nan), "0.m"), (Elements(&nan), "0.v"), (Numbers(&nan), "0.powers")] {
        let mut all = three();
        all.iter_mut().find(|(known, _)| known == name).unwrap().1 = given;
        assert!(matches!(
            state.restore(all),
            Err(Error::Restore { fault: RestoreFault::Value { at: 1, .. }, .. })
        ));
    }
    for left_out in 0..3 {
        let mut given = three();
        let (name, _) = given.remove(left_out);
        assert_eq!(state.restore(given), Err(Error::Restore { name, fault: RestoreFault::Missing }));
    }
    let mut given = three();
    given.push(given[1].clone());
    let twice = Error::Restore { name: "0.v".to_owned(), fault: RestoreFault::Twice };
    assert_eq!(state.restore(given), Err(twice));
    assert_eq!(state, before);
    state.restore(three()).unwrap();
    assert_eq!(state.remembered().collect::<Vec<_>>(), three());
}

/// Gradient descent tells λ and η apart by hand: θ − f η (g + λ θ).
#[test]
fn parameters_have_rates_and_decays_of_their_own() {
    fn check<T: Scalar>() {
        let t = T::from_f64;
        let three = [(1, ParameterKind::Weight), (1, ParameterKind::Bias), (1, ParameterKind::Weight)];
        let descent = Optimizer::gradient_descent(0.5).unwrap().with_l2(0.25).unwrap();
        let mut state = descent.with_weight_decay(0.125).unwrap().try_state::<T>(&three).unwrap();
        let settings = |state: &OptimizerState<T>| {
            [0, 1, 2].map(|k| (state.rate_factor(k), state.l2(k), state.weight_decay(k)))
        };
        assert_eq!(settings(&state), [(1.0, 0.25, 0.125), (1.0, 0.0, 0.0), (1.0, 0.25, 0.125)]);
        state.set_rate_factor(1, 0.5).unwrap();
        state.set_l2(1, 0.5).unwrap();
        state.set_l2(2, 0.0).unwrap();
        state.set_weight_decay(2, 0.75).unwrap();
        let own = [(1.0, 0.25, 0.125), (0.5, 0.5, 0.0), (1.0, 0.0, 0.75)];
        assert_eq!(settings(&state), own);
        // Of θ = 2, g = 1: 2 − 0.5 · (1 + 0.25 · 2 + 0.125 · 2); 2 − 0.25 · (1 + 0.5 · 2); 2 − 0.5 · (1 + 0.75 · 2).
        for (k, expected) in [(0, 1.125), (1, 1.5), (2, 0.75)] {
            let mut theta = [t(2.0)];
            state.step(k, &mut theta, &[t(1.0)]).unwrap();
            assert_eq!(theta, [t(expected)]);
        }
        // The factors stay when η changes.
        state.set_rate(0.25).unwrap();
        assert_eq!(settings(&state), own);
        let mut theta = [t(2.0)];
        state.step(1, &mut theta, &[t(1.0)]).unwrap();
        assert_eq!(theta, [t(1.75)]);

        let before = state.clone();
        for factor in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-320] {
            assert!(matches!(
                state.set_rate_factor(0, factor),
                Err(Error::Hyperparameter { name: "rate factor", .. })
            ));
        }
        for lambda in [-1.0, f64::NAN, f64::INFINITY, 1e-320] {
            assert!(matches!(state.set_l2(0, lambda), Err(Error::Hyperparameter { name: "L2 λ", .. })));
            let error = state.set_weight_decay(0, lambda);
            assert!(matches!(error, Err(Error::Hyperparameter { name: "weight decay λ", .. })));
        }
        assert_eq!(state, before);
    }
    check::<f64>();
    check::<f32>();
}

#[test]
fn a_rate_must_suit_the_factors_too() {
    let two = [(1, ParameterKind::Weight), (1, ParameterKind::Weight)];
    let mut state = Optimizer::adam(0.1).unwrap().try_state::<f32>(&two).unwrap();
    state.set_rate_factor(0, 1e-30).unwrap();
    state.set_rate_factor(1, 1e30).unwrap();
    for rate in [1e-10, 1e8] {
        assert!(state.set_rate(rate).is_err(), "{rate}");
    }
    state.set_rate(1e7).unwrap();
    // η f / (1 − β₁) is 1e39.
    assert!(state.set_rate_factor(0, 1e31).is_err());
    state.set_rate_factor(0, 1.0).unwrap();
    state.set_rate_factor(1, 1.0).unwrap();
    state.set_rate(1e-10).unwrap();
    assert_eq!(state.optimizer().rate(), 1e-10);
}

#[test]
fn threads_have_the_same_bits() {
    fn check<T: Scalar>(name: &str) {
        let size = 3 * 16384 + 5;
        let number = |i: usize, scale: usize| T::from_f64((i * scale % 1013) as f64 / 506.0 - 1.0);
        let walk = |threads: usize| {
            let walk = || {
                let mut state = optimizer(name).try_state::<T>(&[(size, ParameterKind::Weight)]).unwrap();
                let mut theta: Vec<T> = (0..size).map(|i| number(i, 17)).collect();
                for step in 1..4 {
                    let gradient: Vec<T> = (0..size).map(|i| number(i, 31 * step)).collect();
                    state.step(0, &mut theta, &gradient).unwrap();
                }
                (state, theta)
            };
            Threads::new(threads).unwrap().install(walk)
        };
        let alone = walk(1);
        for threads in [2, 3] {
            assert!(walk(threads) == alone, "{name}, {threads} threads");
        }
    }
    for (name, _) in golden() {
        check::<f32>(&name);
    }
    check::<f64>("rms_prop, centred, momentum, L2");
}

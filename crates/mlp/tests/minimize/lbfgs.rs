use mlp::minimize::{Lbfgs, Recorded, Stop, Tolerances};
use mlp::{Activation, Mlp, Scalar};
use tape::{Matrix, Tape, Threads};

use crate::functions::{by_name, in_type, rosen};
use crate::golden::{list, numbers};

/// Only the gradient counts, as in the golden file.
fn exact(gradient: f64) -> Tolerances {
    Tolerances { gradient, decrease: 0.0, step: 0.0 }
}

#[test]
fn minima_are_scipys_with_no_more_evaluations_than_half_as_many_again() {
    let cases = list("minima");
    assert_eq!(cases.len(), 14);
    for case in cases {
        let (name, start) = (case["function"].as_str().unwrap(), numbers(&case["start"]));
        let mut x = start.clone();
        let lbfgs = Lbfgs::new().tolerances(exact(1e-8));
        let minimum = lbfgs.minimize(&mut by_name(name), &mut x).unwrap();
        let told = format!("{name} of {} numbers: {minimum:?}, scipy has {case}", x.len());
        assert!(minimum.stop.is_converged(), "{told}");
        let theirs = case["f"].as_f64().unwrap();
        assert!((minimum.j - theirs).abs() < 1e-8 * theirs.abs().max(1.0), "{told}");
        // Powell's minimum is flat.
        if name != "powell" {
            let error = x.iter().zip(numbers(&case["x"])).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(error < 1e-7, "{told}");
        }
        let most = 1.5 * case["evaluations"].as_f64().unwrap();
        assert!(minimum.evaluations as f64 <= most, "{told}");
        // What is told is so.
        let mut gradient = vec![0.0; x.len()];
        assert_eq!(by_name(name)(&x, &mut gradient), minimum.j);
        assert_eq!(gradient.iter().fold(0.0, |most: f64, g| most.max(g.abs())), minimum.gradient_norm);
    }
}

#[test]
fn in_f32_it_comes_as_near_as_f32_can() {
    for case in list("minima") {
        let (name, start) = (case["function"].as_str().unwrap(), numbers(&case["start"]));
        // Wood's function has a plateau on the way, on which f32 sees no decrease.
        if name == "wood" {
            continue;
        }
        let mut x: Vec<f32> = start.iter().map(|&x| x as f32).collect();
        let minimum = Lbfgs::new().minimize(&mut in_type(by_name(name)), &mut x).unwrap();
        let exact: Vec<f64> = x.iter().map(|&x| x.into()).collect();
        let j = by_name(name)(&exact, &mut vec![0.0; x.len()]);
        let theirs = case["f"].as_f64().unwrap();
        assert!((j - theirs).abs() < 1e-4 * theirs.abs().max(1.0), "{name}: {minimum:?}, {theirs}");
        assert!(minimum.evaluations < 2000, "{name}: {minimum:?}");
    }
}

#[test]
fn a_memory_of_any_length_comes_to_the_minimum() {
    for memory in [1, 2, 3, 20, 100, usize::MAX] {
        let mut x = [0.5, -0.25, 2.0, 0.0, 1.5, -1.0];
        let lbfgs = Lbfgs::new().memory(memory).unwrap().tolerances(exact(1e-9));
        let minimum = lbfgs.minimize(&mut rosen, &mut x).unwrap();
        assert_eq!(minimum.stop, Stop::Gradient, "memory {memory}");
        assert!(x.iter().all(|x| (x - 1.0).abs() < 1e-8), "memory {memory}: {x:?}");
    }
}

fn data<T: Scalar>() -> (Matrix<T>, Matrix<T>) {
    let x = Matrix::from_fn(2, 40, |i, k| T::from_f64(((3 * i + 1) as f64 * k as f64 * 0.7).sin()));
    let y = Matrix::from_fn(1, 40, |_, k| {
        let inside = x[(0, k)] * x[(0, k)] + x[(1, k)] * x[(1, k)] < T::from_f64(0.9);
        if inside { T::ONE } else { T::ZERO }
    });
    (x, y)
}

/// Where it ends, the gradients are 0 by the equations of the textbook, which share no code with the tape.
#[test]
fn a_network_is_fitted_with_the_same_bits_for_any_number_of_threads() {
    fn check<T: Scalar>(tolerance: f64) {
        let (x, y) = data::<T>();
        let net = Mlp::<T>::new(2).layer(5, Activation::Tanh).layer(1, Activation::Sigmoid);
        let mut net = net.seed(3).build().unwrap();
        let before = net.loss(&x, &y).unwrap().to_f64();
        let fit = |threads: usize, net: &Mlp<T>| {
            let fit = || {
                let tape = Tape::new();
                let network = net.record(&tape, &x, &y).unwrap();
                let mut objective = Recorded::new(network.j, network.parameters()).unwrap();
                let mut theta = objective.theta().unwrap();
                let minimum = Lbfgs::new().minimize(&mut objective, &mut theta).unwrap();
                let shown = network.parameters().into_iter();
                let shown: Vec<Matrix<T>> =
                    shown.map(|parameter| objective.program().view(parameter).unwrap().to_matrix()).collect();
                assert_eq!(shown.iter().flat_map(|p| p.as_slice().to_vec()).collect::<Vec<T>>(), theta);
                (shown, minimum)
            };
            Threads::new(threads).unwrap().install(fit)
        };
        let (parameters, minimum) = fit(1, &net);
        assert_eq!(fit(2, &net), (parameters.clone(), minimum));
        let names: Vec<String> = net.parameters().keys().cloned().collect();
        for (name, value) in names.iter().zip(parameters) {
            net.set_parameter(name, value).unwrap();
        }
        assert!(minimum.stop.is_converged() && minimum.j < 0.5 * before, "{before}: {minimum:?}");
        let plain = net.closed_form(&x, &y).unwrap();
        let largest = [plain.dw(1), plain.db(1), plain.dw(2), plain.db(2)];
        let largest =
            largest.iter().flat_map(|g| g.as_slice()).fold(0.0, |most: f64, g| most.max(g.to_f64().abs()));
        assert!(largest < tolerance, "{largest}: {minimum:?}");
    }
    check::<f64>(1.1e-6);
    check::<f32>(1e-3);
}

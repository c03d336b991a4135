//! What differences say of correct derivatives, and of wrong ones.

use serde_json::Value;
use tape::{Matrix, Page, Tape, Var};

use crate::document::Square;
use crate::fixtures::{numbers, parsed};

/// The document of what follows from the leaves of an entry.
fn document<T: mlp::Scalar>(tape: &Tape<T>, of: Var<'_, T>) -> Value {
    let program = tape.compile([of]).expect("a sound tape");
    parsed(&Page::new(tape, &program).to_json().expect("a page"))
}

/// What differences say of an entry, null if nothing.
fn said<T: mlp::Scalar>(tape: &Tape<T>, of: Var<'_, T>) -> Value {
    document(tape, of)["entries"][of.index().expect("an entry")]["difference"].clone()
}

/// Of what, with respect to what, and the verdict.
fn verdict<T: mlp::Scalar>(tape: &Tape<T>, entry: Var<'_, T>) -> (usize, usize, String) {
    let said = said(tape, entry);
    let index = |name: &str| said[name].as_u64().unwrap_or_else(|| panic!("{said} has no {name}")) as usize;
    (index("of"), index("with_respect_to"), said["verdict"].as_str().expect("a verdict").to_owned())
}

/// A derivative agrees, as that of `of` with respect to `v`.
#[track_caller]
fn assert_agrees<T: mlp::Scalar>(tape: &Tape<T>, derivative: Var<'_, T>, of: Var<'_, T>, v: Var<'_, T>) {
    let expected = (of.index().unwrap(), v.index().unwrap(), "agrees".to_owned());
    assert_eq!(verdict(tape, derivative), expected, "{}: {}", derivative.label(), said(tape, derivative));
}

fn two_outputs<T: mlp::Scalar>() {
    let tape = Tape::<T>::new();
    let x = tape.examples("X", &numbers(2, 3, 1));
    let w = tape.parameter("W", &numbers(2, 2, 2));
    let z = w.matmul(x).named("Z");
    let (j, k) = (z.square().mean().named("J"), (-z.powi(3)).mean().named("K"));
    let [dj] = j.gradients([w]);
    let [dk] = k.gradients([w]);
    assert_agrees(&tape, dj, j, w);
    assert_agrees(&tape, dk, k, w);
    // Again, the other way round, and of what lies between: nothing changes.
    let [dj_z] = j.gradients([z]);
    let [dk_z, _] = k.gradients([z, w]);
    for (derivative, of, v) in [(dj, j, w), (dk, k, w), (dj_z, j, z), (dk_z, k, z)] {
        assert_agrees(&tape, derivative, of, v);
    }
}

#[test]
fn two_outputs_on_a_tape_agree() {
    two_outputs::<f64>();
    two_outputs::<f32>();
}

fn order_two<T: mlp::Scalar>() {
    let tape = Tape::<T>::new();
    let x = tape.examples("X", &numbers(2, 3, 1));
    let w = tape.parameter("W", &numbers(2, 2, 2));
    let j = w.matmul(x).tanh().square().mean().named("J");
    let [dj] = j.gradients([w]);
    let s = dj.square().sum().named("S");
    let [ds] = s.gradients([w]);
    assert_agrees(&tape, dj, j, w);
    assert_agrees(&tape, ds, s, w);
}

#[test]
fn a_gradient_of_gradients_agrees() {
    order_two::<f64>();
    order_two::<f32>();
}

fn other_seeds<T: mlp::Scalar>() {
    let tape = Tape::<T>::new();
    let x = tape.parameter("x", &Matrix::scalar(T::from_f64(0.7)));
    let v = tape.parameter("v", &Matrix::scalar(T::from_f64(3.0)));
    let (y, z) = (x.sin().named("y"), x.tanh().named("z"));
    let [product] = y.vjp([x], v + v);
    let [number] = z.vjp([x], tape.scalar(T::from_f64(3.0)));
    let [negative] = x.exp().vjp([x], tape.scalar(-T::ONE));
    let [second] = x.powi(3).hvp([x], [v]);
    let along = (x.square() * x).square().jvp([x], [v]);
    for (entry, name) in [product, number, negative, second, along].into_iter().zip('a'..) {
        assert_eq!(said(&tape, entry), Value::Null, "{name}: {}", entry.label());
    }
    // The seed 1 gives derivatives, also where another was there before.
    let [dy] = y.gradients([x]);
    let [dz] = z.vjp([x], tape.scalar(T::ONE));
    assert_agrees(&tape, dy, y, x);
    assert_agrees(&tape, dz, z, x);
}

#[test]
fn products_with_other_seeds_are_no_derivatives() {
    other_seeds::<f64>();
    other_seeds::<f32>();
}

/// Two seeds at once: a Hessian–vector product with two variables.
#[test]
fn two_seeds_are_no_derivative_of_one_output() {
    let tape = Tape::<f64>::new();
    let [x, y] = [("x", 0.7), ("y", -0.4)].map(|(name, at)| tape.parameter(name, &Matrix::scalar(at)));
    let j = (x * y).sin().named("J");
    let one = tape.scalar(1.0);
    let products = j.hvp([x, y], [one, one]);
    let gradients = j.gradients([x, y]);
    for (product, (gradient, v)) in products.into_iter().zip(gradients.into_iter().zip([x, y])) {
        assert_eq!(said(&tape, product), Value::Null);
        assert_agrees(&tape, gradient, j, v);
    }
}

fn stopped<T: mlp::Scalar>() {
    let tape = Tape::<T>::new();
    let x = tape.examples("X", &numbers(2, 3, 1));
    let w = tape.parameter("W", &numbers(2, 2, 2));
    let j = (w * w.stop_gradient()).sum().named("J");
    let [dj] = j.gradients([w]);
    assert_agrees(&tape, dj, j, w);
    // Through one of two paths, of what depends on the examples, and of what stands still itself.
    let z = w.matmul(x).named("Z");
    let still = z.tanh().stop_gradient().named("S");
    let k = (z.sin() * still).mean().named("K");
    let [dk, dz, dstill] = k.gradients([w, z, still]);
    for (derivative, v) in [(dk, w), (dz, z), (dstill, still)] {
        assert_agrees(&tape, derivative, k, v);
    }
    // Order 2: of a gradient that holds what stands still, and of one that is held.
    let l = (dk.square().sum() + (dj.stop_gradient() * w).sum()).named("L");
    let [dl] = l.gradients([w]);
    assert_agrees(&tape, dl, l, w);
}

#[test]
fn what_stop_gradient_holds_stands_still() {
    stopped::<f64>();
    stopped::<f32>();
}

/// A function of one leaf.
type OfLeaf<T> = for<'t> fn(Var<'t, T>) -> Var<'t, T>;

fn verdict_at<T: mlp::Scalar>(function: OfLeaf<T>, at: &[f64]) -> Value {
    let tape = Tape::<T>::new();
    let x = tape.parameter("x", &Matrix::from_fn(1, at.len(), |_, j| T::from_f64(at[j])));
    let [dx] = function(x).sum().gradients([x]);
    said(&tape, dx)
}

fn steep<T: mlp::Scalar>() {
    let log_loss: OfLeaf<T> = |a| {
        let (rows, columns) = a.shape().expect("a sound one").at(1);
        a.log_loss(a.tape().constant("Y", &Matrix::from_fn(rows, columns, |_, _| T::ONE)))
    };
    for (name, function) in
        [("ln", (|x| x.ln()) as OfLeaf<T>), ("1/x", |x| x.reciprocal()), ("log-loss", log_loss)]
    {
        for at in [&[1e-3][..], &[5e-3], &[2e-4], &[0.3, 5e-3], &[1e-3, 0.9, 2e-2, 0.7]] {
            let said = verdict_at(function, at);
            assert_eq!(said["verdict"], "agrees", "{name} at {at:?}: {said}");
        }
    }
}

/// The loss of a prediction that is sure and wrong, and other poles.
#[test]
fn derivatives_near_a_pole_agree() {
    steep::<f64>();
    steep::<f32>();
    // Nearer than the smallest step of f32.
    for (at, expected) in [(2e-6, ["agrees", "unchecked"]), (1e-9, ["unchecked"; 2])] {
        let verdicts = [verdict_at::<f64>(|x| x.ln(), &[at]), verdict_at::<f32>(|x| x.ln(), &[at])];
        assert_eq!(verdicts.map(|said| said["verdict"].clone()), expected, "{at}");
    }
}

#[test]
fn derivatives_beside_a_corner_agree() {
    for at in [3e-4, -3e-4, 1e-4, 5e-6] {
        let said = verdict_at::<f64>(|x| x.relu(), &[at, 1.0]);
        assert_eq!(said["verdict"], "agrees", "{at}: {said}");
        let said = verdict_at::<f32>(|x| x.relu(), &[at, 1.0]);
        assert_eq!(said["verdict"], "agrees", "{at}: {said}");
    }
}

#[test]
fn what_changes_within_every_step_is_unchecked() {
    let said = verdict_at::<f64>(|x| (x * 1e9).sin(), &[0.3]);
    assert_eq!((&said["verdict"], &said["reason"]), (&"unchecked".into(), &"steep".into()), "{said}");
}

/// A wrong rule stays wrong where steps become small, and so does a derivative that is not finite.
#[test]
fn a_wrong_rule_near_a_pole_differs() {
    let verdict = |factor: f64, at: f64| {
        let tape = Tape::<f64>::new();
        let x = tape.parameter("x", &Matrix::from_fn(1, 2, |_, j| if j == 0 { at } else { 0.4 }));
        let [dx] = tape.apply(Square(factor), [x]).reciprocal().sum().gradients([x]);
        said(&tape, dx)["verdict"].clone()
    };
    for at in [1e-3, -5e-3, 0.03, 2.0] {
        assert_eq!(verdict(2.0, at), "agrees", "{at}");
        for factor in [2.0 + 2e-5, 1.9, 0.0, -2.0, f64::INFINITY, f64::NAN] {
            assert_eq!(verdict(factor, at), "differs", "{factor} at {at}");
        }
    }
}

#[test]
fn a_loss_that_is_not_finite_is_unchecked() {
    for bad in [f64::NAN, f64::INFINITY] {
        let tape = Tape::<f64>::new();
        let x = tape.parameter("x", &Matrix::from_fn(1, 2, |_, j| if j == 0 { bad } else { 1.0 }));
        let [dx] = x.square().sum().gradients([x]);
        let said = said(&tape, dx);
        assert_eq!((&said["verdict"], &said["reason"]), (&"unchecked".into(), &"domain".into()), "{said}");
    }
}

fn no_examples<T: mlp::Scalar>() {
    let tape = Tape::<T>::new();
    let x = tape.examples("X", &Matrix::zeros(2, 0));
    let w = tape.parameter("W", &numbers(2, 2, 2));
    let b = tape.parameter("b", &numbers(1, 1, 3));
    let c = tape.parameter("c", &numbers(2, 1, 4));
    let j = w.matmul(x).sum() - x.sin().sum();
    let k = (x.exp() - c * b).sum(); // −m stands before both derivatives
    let [dw, dx] = j.gradients([w, x]);
    let [db, dc] = k.gradients([b, c]);
    let reason = |said: &Value| {
        assert_eq!(said["verdict"], "unchecked", "{said}");
        said["reason"].as_str().expect("a reason").to_owned()
    };
    let handed_out = [dw, dx, db, dc].map(|derivative| reason(&said(&tape, derivative)));
    assert_eq!(handed_out, ["too_small", "empty", "too_small", "too_small"]);
    let document = document(&tape, dc);
    let behind_m = document["entries"].as_array().unwrap().iter().map(|entry| &entry["difference"]);
    let behind_m: Vec<&Value> = behind_m.filter(|said| said["front"][1] == 1).collect();
    assert!(!behind_m.is_empty());
    assert!(behind_m.iter().all(|said| reason(said) == "empty"), "{behind_m:?}");
}

#[test]
fn derivatives_for_no_examples_are_unchecked() {
    no_examples::<f64>();
    no_examples::<f32>();
}

#[test]
fn derivatives_where_the_second_derivative_jumps_agree() {
    let functions: [OfLeaf<f64>; 2] = [|x| x.elu(1.0), |x| x.relu().square() + x];
    for function in functions {
        let said = verdict_at(function, &[0.0, 1.0]);
        assert_eq!(said["verdict"], "agrees", "{said}");
    }
    let said = verdict_at::<f32>(|x| x.elu(1.0), &[0.0, 1.0]);
    assert_eq!(said["verdict"], "agrees", "{said}");
}

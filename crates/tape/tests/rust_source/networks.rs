//! Predictions and whole steps of networks.

use tape::{MultiplyAdd, Scalar, Shape, Tape, Var};

use crate::compiled::{Functions, drawn};

type Activation<T> = for<'t> fn(Var<'t, T>) -> Var<'t, T>;

/// Layers of a network with σ at its end: A and J of the log-loss, and the parameters.
fn network<'t, T: Scalar>(
    tape: &'t Tape<T>,
    sizes: &[usize],
    g: Activation<T>,
) -> (Vec<Var<'t, T>>, Vec<Var<'t, T>>) {
    let mut a = tape.examples_unbound("X", sizes[0]);
    let mut parameters = Vec::new();
    for (l, (&n, &before)) in (1..).zip(sizes[1..].iter().zip(sizes)) {
        let w = tape.parameter_unbound(&format!("W[{l}]"), Shape::new(n, before));
        let b = tape.parameter_unbound(&format!("b[{l}]"), Shape::new(n, 1));
        let z = (w.matmul(a) + b).named(format!("Z[{l}]"));
        a = if l + 1 == sizes.len() { z.sigmoid() } else { g(z) }.named(format!("A[{l}]"));
        parameters.extend([w, b]);
    }
    let j = a.log_loss(tape.examples_unbound("Y", sizes[sizes.len() - 1])).mean().named("J");
    (vec![a, j], parameters)
}

fn networks<T: Scalar>(functions: &mut Functions) {
    let cases: [(&[usize], Activation<T>); 5] = [
        (&[2, 4, 1], |z| z.tanh()),
        (&[30, 16, 1], |z| z.relu()),
        (&[3, 5, 7, 2], |z| z.softplus()),
        (&[1, 1], |z| z),
        (&[40, 1, 3], |z| z.silu()),
    ];
    for (sizes, g) in cases {
        let tape = Tape::<T>::new();
        let (values, parameters) = network(&tape, sizes, g);
        let j = values[1];
        let step: Vec<Var<'_, T>> = [j].into_iter().chain(j.gradients(&parameters)).collect();
        functions.add(&values[..1], 1, false, drawn);
        functions.add(&values[..1], 9, false, drawn);
        functions.add(&step, 5, true, drawn);
        functions.add(&step, 33, false, drawn);
    }
    let tape = Tape::<T>::new();
    let (values, parameters) = network(&tape, &[2, 4, 1], |z| z.tanh());
    let step: Vec<Var<'_, T>> = [values[1]].into_iter().chain(values[1].gradients(&parameters)).collect();
    functions.add(&step, 256, false, drawn);
}

fn check(multiply_add: MultiplyAdd, name: &str) {
    let mut functions = Functions::new(multiply_add);
    networks::<f64>(&mut functions);
    networks::<f32>(&mut functions);
    functions.check(name);
}

#[test]
fn networks_without_std() {
    check(MultiplyAdd::Software, "networks");
}

#[test]
fn networks_with_std() {
    check(MultiplyAdd::Std, "networks_std");
}

//! Predictions and whole steps of networks.

use tape::{MultiplyAdd, Options, Scalar, Shape, Tape, Var};

use crate::compiled::{Functions, drawn, instruction_set};

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

fn step<'t, T: Scalar>(tape: &'t Tape<T>, sizes: &[usize], g: Activation<T>) -> Vec<Var<'t, T>> {
    let (values, parameters) = network(tape, sizes, g);
    [values[1]].into_iter().chain(values[1].gradients(&parameters)).collect()
}

/// Predictions and steps: of one example, of some, of a whole chunk; with one neuron in each place.
fn networks<T: Scalar>(functions: &mut Functions) {
    let tape = Tape::<T>::new();
    let (values, _) = network(&tape, &[30, 16, 1], |z| z.relu());
    functions.add(&values[..1], 1, false, drawn);
    let tape = Tape::<T>::new();
    functions.add(&step(&tape, &[30, 16, 1], |z| z.relu()), 9, true, drawn);
    let tape = Tape::<T>::new();
    functions.add(&step(&tape, &[2, 4, 1], |z| z.tanh()), 256, false, drawn);
    let tape = Tape::<T>::new();
    functions.add(&step(&tape, &[40, 1, 3], |z| z.silu()), 33, false, drawn);
    functions.options = Options::literal().rewrites(true);
    let tape = Tape::<T>::new();
    functions.add(&step(&tape, &[3, 4, 1], |z| z.tanh()), 5, false, drawn);
    functions.options = Options::default();
}

fn check(multiply_add: MultiplyAdd, name: &str) {
    let mut functions = Functions::new(multiply_add);
    networks::<f64>(&mut functions);
    networks::<f32>(&mut functions);
    functions.check(name);
}

#[test]
fn networks_without_std() {
    // Rounded twice, the bits are those of an instruction set without multiply-add.
    let rounded_twice = instruction_set() == "baseline";
    check(if rounded_twice { MultiplyAdd::Twice } else { MultiplyAdd::Software }, "networks");
}

#[test]
fn networks_with_std() {
    check(MultiplyAdd::Std, "networks_std");
}

/// This process runs the test again on another instruction set, whose sums are in another order.
#[cfg(target_arch = "x86_64")]
#[test]
fn networks_of_other_instruction_sets() {
    for set in ["avx2", "baseline"].into_iter().filter(|&set| set != instruction_set()) {
        let this = std::env::current_exe().expect("the tests know where they are");
        let mut again = std::process::Command::new(this);
        again.args(["--exact", "networks::networks_without_std"]).env("TAPE_SIMD", set);
        let output = again.output().expect("the test runs again");
        let told = String::from_utf8_lossy(&output.stdout);
        let is_there = !told.contains("this processor has no such instruction set");
        assert!(!is_there || output.status.success() && told.contains("1 passed"), "{set}:\n{told}");
    }
}

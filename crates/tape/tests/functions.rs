//! Functions of the user's own: long chains of derivatives, and derivatives that are made when they are asked for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use tape::{Function, Tape, matrix};

/// A function with so many derivatives, each half of the one before.
fn chain(derivatives: usize) -> Function<f64> {
    let mut function = Function::new("last", |_| 0.0);
    for i in (0..derivatives).rev() {
        let slope = 0.5f64.powi(i as i32);
        function = Function::new("f", move |x| slope * x).with_derivative(function);
    }
    function
}

#[test]
fn a_chain_of_derivatives_takes_as_long_as_it_is() {
    let began = Instant::now();
    let function = chain(50_000);
    let mut last = function.clone();
    let mut count = 0;
    while let Some(derivative) = last.given_derivative() {
        last = derivative;
        count += 1;
    }
    assert_eq!((count, &*last.name()), (50_000, "last"));
    drop(function);
    drop(last);
    // To copy the chain at every step took minutes; this is a thousandth of a second or a few of them.
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}

#[test]
fn a_chain_is_dropped_on_a_small_stack() {
    let small = std::thread::Builder::new().stack_size(64 << 10);
    let dropped = small.spawn(|| {
        let function = chain(100_000);
        let second = function.given_derivative().and_then(|first| first.given_derivative());
        drop(function);
        // What is still held lives on.
        let next = second.as_ref().and_then(Function::given_derivative);
        let mut out = [0.0];
        next.expect("the third derivative").apply(&[8.0], &mut out);
        (out[0], second.is_some())
    });
    assert_eq!(dropped.unwrap().join().unwrap(), (1.0, true));
}

#[test]
fn a_chain_is_dropped_by_whoever_holds_it_last() {
    let function = chain(20_000);
    let holders: Vec<_> = (0..4)
        .map(|_| {
            let held = function.clone();
            std::thread::Builder::new().stack_size(64 << 10).spawn(move || drop(held)).unwrap()
        })
        .collect();
    drop(function);
    assert!(holders.into_iter().all(|holder| holder.join().is_ok()));
}

#[test]
fn a_derivative_is_printed_with_the_primes_of_its_place() {
    let tape = Tape::new();
    let x = tape.parameter("x", &matrix![[2.0]]);
    let y = x.map(&chain(4));
    let mut derivatives = vec![y];
    for _ in 0..4 {
        let [next] = derivatives[derivatives.len() - 1].gradients([x]);
        derivatives.push(next);
    }
    let shown = |i: usize| derivatives[i].equation().with_function_names().to_string();
    let shown: Vec<String> = (0..5).map(|i| shown(i).split_once(" = ").unwrap().1.to_string()).collect();
    assert_eq!(shown, ["f(x)", "f′(x)", "f″(x)", "f‴(x)", "f⁽⁴⁾(x)"]);
    // By itself a derivative keeps its own name, and is the same entry.
    let own = chain(1);
    let slope = own.given_derivative().unwrap();
    assert_eq!(slope.name(), "last");
    assert!(x.map(&own).gradients([x]) == [x.map(&slope)]);
}

#[test]
fn a_function_that_is_given_another_derivative_is_another_function() {
    let f = chain(1);
    assert!(f == f.clone());
    assert!(f.clone().with_derivative(Function::Exp) != f);
    assert!(f.given_derivative() == f.given_derivative());
}

/// What a closure panics with.
fn message<R: std::fmt::Debug>(panics: impl FnOnce() -> R) -> String {
    let panic = catch_unwind(AssertUnwindSafe(panics)).unwrap_err();
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

const WITHOUT_END: &str =
    "which is made when it is asked for, needs itself or other such derivatives without end";

#[test]
fn a_derivative_made_of_itself_is_a_panic_with_its_name() {
    let made = Function::<f64>::new("ouro\nboros", |x| x)
        .with_derivative_of_itself(|f| f.given_derivative().expect("there is one"));
    assert_eq!(message(|| made.given_derivative()), format!(r"the derivative of ouro\nboros, {WITHOUT_END}"));

    let tape = Tape::new();
    let x = tape.parameter("x", &matrix![[1.0]]);
    assert!(message(|| x.map(&made).gradients([x])[0].value()).contains(WITHOUT_END));
}

#[test]
fn two_derivatives_made_of_each_other_are_a_panic() {
    let other: Arc<OnceLock<Function<f64>>> = Arc::default();
    let known = other.clone();
    let f = Function::new("f", |x| x)
        .with_derivative_of_itself(move |_| known.get().unwrap().given_derivative().unwrap());
    let first = f.clone();
    let g = Function::new("g", |x| x)
        .with_derivative_of_itself(move |_| first.given_derivative().expect("there is one"));
    other.set(g).unwrap();
    assert!(message(|| f.given_derivative()).contains(WITHOUT_END));
}

#[test]
fn a_derivative_may_be_made_with_another_that_is_made_and_again_after_a_panic() {
    // sin′ = cos, cos′ = −sin, each made anew; and a derivative of a derivative, two deep.
    fn wave(phase: f64) -> Function<f64> {
        Function::new("wave", move |x: f64| (x + phase).sin())
            .with_derivative_of_itself(move |_| wave(phase + std::f64::consts::FRAC_PI_2))
    }
    let second = Function::new("second", |x: f64| x)
        .with_derivative_of_itself(|_| wave(0.0).given_derivative().unwrap().given_derivative().unwrap());
    for _ in 0..200 {
        let endless = Function::<f64>::new("e", |x| x)
            .with_derivative_of_itself(|f| f.given_derivative().expect("there is one"));
        assert!(message(|| endless.given_derivative()).contains(WITHOUT_END));
        let mut out = [0.0];
        second.given_derivative().unwrap().apply(&[1.0], &mut out);
        assert!((out[0] + 1f64.sin()).abs() < 1e-15, "{out:?}"); // rounding of x + π
    }
}

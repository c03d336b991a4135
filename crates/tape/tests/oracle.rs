//! What the interpreter of `check::oracle` says at ties, limits and where nothing is known: each case was found by random programs
//! (`tests/fuzz`).

use tape::check::oracle::{Bounded, Number, Oracle};
use tape::{Function, Matrix, Over, Scalar, Tape, Var, matrix, num};

fn value(y: Var<'_, f64>) -> Matrix<f64> {
    Oracle::new().value::<f64>(y).unwrap().values()
}

fn bounds(y: Var<'_, f64>) -> Vec<f64> {
    let found = Oracle::new().value::<Bounded<f64>>(y).unwrap();
    found.as_slice().iter().map(|x| x.bound()).collect()
}

/// (0.1 + 0.1 + 0.1)/3 is not 0.1, and the sum of two of the greatest numbers overflows.
#[test]
fn the_greatest_of_equal_numbers_is_one_of_them_to_the_last_digit() {
    let tape = Tape::new();
    let x = tape.parameter("x", &matrix![[0.1, 0.1, 0.1]]);
    let greatest = x.max();
    assert_eq!(value(greatest), matrix![[0.1]]);
    let third = Oracle::new().gradient::<f64>(greatest, x).unwrap();
    assert!(third.as_slice().iter().all(|&d| (d - 1.0 / 3.0).abs() < 1e-15), "{third:?}");
    for most in [f64::MAX, f64::INFINITY] {
        let (a, b) = (tape.parameter("a", &matrix![[most]]), tape.parameter("b", &matrix![[most]]));
        assert_eq!(value(a.maximum(b)), matrix![[most]]);
        assert_eq!(value((-a).minimum(-b)), matrix![[-most]]);
    }
}

#[test]
fn a_place_or_a_share_of_what_is_no_number_is_none() {
    let tape = Tape::new();
    let x = tape.parameter("x", &matrix![[f64::NAN]]);
    assert!(value(x.argmax_over(Over::Rows))[(0, 0)].is_nan());
    let z = tape.parameter("z", &matrix![[0.5], [f64::INFINITY]]);
    let y = tape.parameter("y", &matrix![[0.5], [0.5]]);
    let all = [z.softmax_over(Over::Rows), z.log_softmax_over(Over::Rows), z.softmax_cross_entropy(y)];
    for shares in all {
        let (found, program) = (value(shares), shares.value().unwrap());
        assert!(found.iter().chain(program.iter()).all(|x| x.is_nan()), "{found}\n{program}");
    }
}

/// x·σ(x) and its like have limits where the factors are ∞ and 0, as the kernels have.
#[test]
fn functions_have_their_limits() {
    let tape = Tape::new();
    let x = tape.parameter("x", &matrix![[f64::NEG_INFINITY, f64::INFINITY]]);
    for y in [x.silu(), x.gelu(), x.map(&tape::Function::GeluTanh)] {
        assert_eq!(value(y), matrix![[0.0, f64::INFINITY]], "{}", y.equation());
        assert_eq!(value(y), y.value().unwrap());
        let [first] = y.sum().gradients([x]);
        assert_eq!(value(first), matrix![[0.0, 1.0]], "{}", first.equation());
        let [second] = first.sum().gradients([x]);
        assert_eq!(value(second), matrix![[0.0, 0.0]], "{}", second.equation());
        assert_eq!((value(first), value(second)), (first.value().unwrap(), second.value().unwrap()));
    }
}

/// Of what is NaN, or may be, no bound is known.
#[test]
fn nothing_is_known_of_what_may_overflow() {
    let tape = Tape::new();
    let parameter = |x: f64| tape.parameter("x", &matrix![[x]]);
    let (zero, half, most) = (parameter(0.0), parameter(0.5), parameter(f64::MAX));
    let overflown = most * num(4.0);
    // 0·NaN and 0·∞ are NaN.
    assert_eq!(bounds(zero * parameter(f64::NAN)), [f64::INFINITY]);
    assert_eq!(bounds(zero * overflown), [f64::INFINITY]);
    // In another order this is ∞ or −∞.
    let terms = tape.stack_rows(&[most, most, -most]);
    assert_eq!(bounds(terms.sum()), [f64::INFINITY]);
    assert_eq!(bounds(terms.t().matmul(tape.stack_rows(&[half, half, half]))), [f64::INFINITY]);
    assert_eq!(bounds(zero * terms.sum()), [f64::INFINITY]);
    // Whether ∞ is above ∞ chooses nothing: another evaluation may not have overflowed.
    let mask = overflown.greater(overflown * half);
    assert_eq!(bounds(mask.select(zero, half)), [f64::INFINITY]);
    // Of any number this is between 0 and π, but of NaN it is not.
    assert_eq!(bounds(half.atan2(terms.sum())), [f64::INFINITY]);
    assert_eq!(bounds((half * terms.sum().tanh()).pow(half)), [f64::INFINITY]);
    // What is known stays so.
    assert!(bounds(half.atan2(most))[0] < 1e-300 && bounds(zero * most) == [0.0]);
}

/// A number that rounding leaves on either side of 0 may be as near to it as one likes.
#[test]
fn a_pole_or_a_jump_between_the_ends_is_in_the_bound() {
    let tape = Tape::new();
    let x = tape.parameter("x", &matrix![[0.26]]);
    let large = num(2f64.powi(51)); // numbers beside it are multiples of ½
    let rounded = (x + large) - large;
    // The first is 10⁻⁴ and the second −0.01, and there are 0.24 and 0.23.
    let (above, below) = (rounded - num(0.2599), rounded - num(0.27));
    let power = |p: f64| tape.parameter("p", &matrix![[p]]);
    for p in [-1.0, -2.0, -3.0] {
        assert_eq!(bounds(above.pow(power(p))), [f64::INFINITY], "{p}");
        assert_eq!(bounds(above.powf(p)), [f64::INFINITY], "{p}");
    }
    assert!(bounds(above.pow(power(2.0)))[0] < 2.0);
    for (x, formula) in [(-1.0, -3.1315), (-0.1, -3.0419), (0.1, -0.0996)] {
        let angle = below.atan2(tape.parameter("x", &matrix![[x]]));
        let found = Oracle::new().value::<Bounded<f64>>(angle).unwrap()[(0, 0)];
        assert!((found.value() - formula).abs() <= found.bound() && found.bound() < 7.0, "{found:?}");
    }
    // Of what is known to be on one side nothing is lost.
    assert!(bounds(x.atan2(power(-1.0)))[0] < 1e-14 && bounds(x.pow(power(-2.0)))[0] < 1e-13);
}

/// As J·v of the tape: x moves along the sum of both.
#[test]
fn directions_of_one_entry_add_up() {
    let tape = Tape::new();
    let x = tape.parameter("x", &matrix![[3.0]]);
    let (one, two) = (matrix![[1.0]], matrix![[2.0]]);
    let (oracle, along) = (Oracle::new(), [(x, &one), (x, &two)]);
    let pushed = x.square().jvp([x, x], [tape.constant("1", &one), tape.constant("2", &two)]);
    assert_eq!(pushed.value().unwrap(), matrix![[18.0]]);
    assert_eq!(oracle.derivative::<f64>(x.square(), &along).unwrap()[(0, 0)], 18.0);
    assert_eq!(oracle.complex_step(x.square(), &along).unwrap()[(0, 0)], 18.0);
    assert_eq!(oracle.second::<f64>(x.square(), &along, &[(x, &one)]).unwrap()[(0, 0)], 6.0);
}

type F = for<'t> fn(Var<'t, f64>) -> Var<'t, f64>;

#[test]
fn a_complex_step_tells_nothing_outside_of_the_domain_or_at_its_end() {
    let tape = Tape::new();
    let one = matrix![[1.0]];
    let step = |f: F, at: f64| {
        let x = tape.parameter("x", &matrix![[at]]);
        Oracle::new().complex_step(f(x), &[(x, &one)]).map(|slope| slope[(0, 0)])
    };
    let outside: [(F, f64); 3] = [(|x| x.ln(), -1.5), (|x| x.sqrt(), -1.5), (|x| x.ln_1p(), -2.0)];
    for (f, at) in outside {
        assert!(step(f, at).unwrap().is_nan());
    }
    let at_the_end: [(F, f64); 5] = [
        (|x| x.ln(), 0.0),
        (|x| x.ln(), 1e-300),
        (|x| x.sqrt(), 1e-95),
        (|x| x.ln_1p(), -1.0),
        (|x| x.reciprocal(), 1e-99),
    ];
    for (f, at) in at_the_end {
        let refused = step(f, at).unwrap_err().to_string();
        assert!(refused.contains("it is too near to a singularity for a complex step"), "{refused}");
    }
    assert!((step(|x| x.ln(), 1e-90).unwrap() / 1e90 - 1.0).abs() < 1e-15);
    assert!((step(|x| x.reciprocal(), 1e-90).unwrap() / -1e180 - 1.0).abs() < 1e-15);
    assert!(step(|x| x.powf(0.5), 0.0).is_err() && step(|x| x.powf(1.5), 0.0).unwrap() < 1e-49);
}

#[cfg(feature = "rational")]
#[test]
fn what_is_too_long_for_an_exact_number_is_refused_and_not_awaited() {
    use tape::check::oracle::Rational;
    let tape = Tape::new();
    let x = tape.parameter("x", &matrix![[0.3]]);
    let oracle = Oracle::new();
    assert!(oracle.value::<Rational>(x.powi(100)).is_ok());
    for power in [1 << 20, i32::MAX, i32::MIN] {
        let refused = oracle.value::<Rational>(x.powi(power)).unwrap_err().to_string();
        assert!(refused.contains("it is too long to be written down"), "{refused}");
    }
    let one = tape.parameter("1", &matrix![[-1.0]]);
    assert_eq!(oracle.value::<Rational>(one.powi(i32::MAX)).unwrap()[(0, 0)].value(), -1.0);
}

/// What rounding may move across the least normal number is 0 or that.
#[test]
fn nothing_is_known_beside_the_least_normal_number() {
    let tape = Tape::<f32>::new();
    let x = tape.parameter("x", &matrix![[f32::MIN_POSITIVE, 2.5 * f32::MIN_POSITIVE, 0.0]]);
    let rounded = (x * num(3.0)) * num(1.0 / 3.0);
    let bound = Oracle::new().bound(rounded.map(&Function::NormalOrZero)).unwrap();
    assert_eq!(bound[(0, 0)], f64::INFINITY);
    assert!(bound[(0, 1)] < 1e-42 && bound[(0, 2)] == 0.0, "{bound:?}");
    let exact = Oracle::new().bound(x.map(&Function::NormalOrZero)).unwrap();
    assert!(exact.as_slice().iter().all(|&bound| bound == 0.0), "{exact:?}");
}

/// Partial sums of both signs overflow in some orders, and ∞ − ∞ is NaN: so is 0 times its tanh.
fn what_may_overflow_on_the_way_has_no_bound<T: Scalar>() {
    let tape = Tape::<T>::new();
    let greatest = T::of_bits(T::INFINITY.bits() - 1);
    let x = tape.examples("x", &Matrix::row(&[greatest, greatest, -greatest, -greatest]));
    let zero = tape.examples("zero", &Matrix::row(&[T::ZERO; 4]));
    let (oracle, nothing) = (Oracle::new(), x * T::ZERO);
    for y in [x.sum().tanh(), x.sum().tanh() * zero, (x.sum().sigmoid() * zero).sin(), zero.exp() / nothing] {
        assert!(oracle.bound(y).unwrap().as_slice().iter().all(|bound| bound.is_infinite()), "{tape}");
    }
    // What no order makes ∞ is known.
    let small = x * T::from_f64(0.125);
    assert!(oracle.bound(small.sum().tanh() * zero).unwrap().as_slice().iter().all(|bound| *bound < 1e-30));
}

#[test]
fn sums_that_may_overflow() {
    what_may_overflow_on_the_way_has_no_bound::<f64>();
    what_may_overflow_on_the_way_has_no_bound::<f32>();
}

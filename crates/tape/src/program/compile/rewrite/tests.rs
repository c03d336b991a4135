//! Rules at the edge of their conditions, where random tapes seldom are: zeros with a sign,
//! subnormal numbers, powers of m.

use crate::{Error, Matrix, Options, Tape, Var};

/// Values at which a rule that is not exact shows it.
const VALUES: [f64; 12] = [
    0.0,
    -0.0,
    1.5,
    -2.25,
    5e-324,
    -5e-324,
    1e-310,
    1e308,
    -1e308,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
];

/// x, and σ(x) and σ(x + x) on the same tape.
type Three<'t> = [Var<'t, f64>; 3];

/// Whether the rule fires for an expression, whose program has the bits of the literal one.
#[track_caller]
fn fires(rule: &str, expression: impl for<'t> Fn(Three<'t>) -> Var<'t, f64>) -> bool {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &Matrix::from_vec(1, VALUES.len(), VALUES.to_vec()).unwrap());
    let v = expression([x, x.sigmoid(), (x + x).sigmoid()]);
    let bits = |options: Options| {
        let mut program = tape.compile_with([v], options).unwrap();
        program.run().unwrap();
        let values = program.view(v).unwrap().as_slice().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        (values, program.rewrites().any(|fired| fired.name == rule))
    };
    let ((found, fired), (literal, _)) = (bits(Options::default()), bits(Options::literal()));
    for ((found, literal), x) in found.iter().zip(&literal).zip(VALUES) {
        let (found, literal) = (f64::from_bits(*found), f64::from_bits(*literal));
        let same = found.to_bits() == literal.to_bits() || found.is_nan() && literal.is_nan();
        assert!(same, "{rule} at {x:?}: {found:?} instead of {literal:?}");
    }
    fired
}

#[test]
fn zeros_are_added_with_their_sign() {
    const RULE: &str = "zero added";
    assert!(fires(RULE, |[x, ..]| x - 0.0));
    assert!(fires(RULE, |[x, ..]| x + -0.0));
    assert!(fires(RULE, |[x, ..]| -0.0 + x));
    assert!(fires(RULE, |[_, s, _]| s + 0.0));
    assert!(fires(RULE, |[_, s, _]| 0.0 + s));
    assert!(fires(RULE, |[_, s, _]| s - -0.0));
    assert!(!fires(RULE, |[x, ..]| x + 0.0));
    assert!(!fires(RULE, |[x, ..]| 0.0 + x));
    assert!(!fires(RULE, |[x, ..]| x - -0.0));
    assert!(!fires(RULE, |[x, ..]| 0.0 - x));
    assert!(!fires(RULE, |[_, s, _]| 0.0 - s));
}

#[test]
fn halves_make_a_whole_sigmoid() {
    const RULE: &str = "two halves";
    assert!(fires(RULE, |[_, s, _]| 0.5 * s + s * 0.5));
    assert!(fires(RULE, |[_, s, _]| s / 2.0 + 0.5 * s));
    assert!(!fires(RULE, |[x, ..]| 0.5 * x + x * 0.5));
    assert!(!fires(RULE, |[_, s, r]| 0.5 * s + 0.5 * r));
    assert!(!fires(RULE, |[_, s, _]| 0.25 * s + 0.5 * s));
    assert!(!fires(RULE, |[_, s, _]| 0.5 * s - 0.5 * s));
}

#[test]
fn factors_cancel_around_a_sigmoid() {
    const RULE: &str = "factors that cancel";
    assert!(fires(RULE, |[_, s, _]| 2.0 * (0.5 * s)));
    assert!(fires(RULE, |[_, s, _]| (s * 4.0) / 4.0));
    assert!(!fires(RULE, |[x, ..]| 2.0 * (0.5 * x)));
    assert!(!fires(RULE, |[_, s, _]| 2.0 * (0.25 * s)));
    assert!(!fires(RULE, |[_, s, _]| 3.0 * (s / 3.0)));
}

#[test]
fn powers_that_are_numbers() {
    const RULE: &str = "power of a number";
    for power in [1.0, 2.0, 3.0, 0.5, -1.0, 0.0, f64::INFINITY] {
        assert!(fires(RULE, |[x, ..]| x.pow(power)), "{power}");
    }
    assert!(!fires(RULE, |[x, ..]| x.pow(f64::NAN)));
    assert!(!fires(RULE, |[x, s, _]| x.pow(s)));
    const FIRST: &str = "first power";
    assert!(fires(FIRST, |[x, ..]| x.powi(1)) && fires(FIRST, |[x, ..]| x.powf(1.0)));
    for power in [0, 2, 3, -1] {
        assert!(!fires(FIRST, |[x, ..]| x.powi(power)) && !fires(FIRST, |[x, ..]| x.powf(f64::from(power))));
    }
}

/// m¹ · m⁻¹ is no m⁰: without examples it is an error, as it is in the list.
#[test]
fn powers_of_m_do_not_cancel() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("x", &Matrix::zeros(1, 0));
    let over_m = tape.one_over_m();
    for number in [over_m / over_m, over_m * (1.0 / over_m)] {
        for options in [Options::default(), Options::literal()] {
            let mut program = tape.compile_with([number * x.sum()], options).unwrap();
            assert!(matches!(program.run(), Err(Error::EmptyBatch { .. })), "{number:?}, {options:?}");
        }
    }
}

/// c/m · d/m with c·d beyond the largest number: each is divided by m first, as the tape has it.
#[test]
fn numbers_merge_only_where_none_overflows() {
    let tape = Tape::<f32>::new();
    let x = tape.examples("x", &Matrix::filled(1, 1000, 1.0));
    let [c, d] = [1e22, 1e20].map(|c| tape.one_over_m() * c);
    let product = c * d * x.mean();
    assert!((product.value().unwrap()[(0, 0)] / 1e36 - 1.0).abs() < 1e-6);
}

/// (A * B)ᵀ is Bᵀ * Aᵀ only where nothing else needs A * B: else both would be computed.
#[test]
fn a_product_that_is_needed_is_computed_once() {
    let tape = Tape::<f64>::new();
    let [a, b] =
        [(3, 4), (4, 2)].map(|(rows, columns)| tape.parameter("", &Matrix::filled(rows, columns, 0.5)));
    let product = a.matmul(b);
    let products = |outputs: &[crate::Var<'_, f64>]| {
        let program = tape.compile(outputs.iter().copied()).unwrap();
        program.steps().filter(|step| step.operations == ["matmul"]).count()
    };
    assert_eq!(products(&[product.t()]), 1);
    assert_eq!(products(&[product, product.t()]), 1);
    assert_eq!(products(&[product.t().exp(), product.sin()]), 1);
}

#[test]
fn clamps_around_a_sigmoid() {
    const RULE: &str = "clamped sigmoid";
    assert!(fires(RULE, |[_, s, _]| s.clamp(0.0, 1.0)));
    assert!(fires(RULE, |[_, s, _]| s.clamp(-1.0, 7.0)));
    assert!(!fires(RULE, |[_, s, _]| s.clamp(0.1, 1.0)));
    assert!(!fires(RULE, |[_, s, _]| s.clamp(0.0, 0.9)));
    assert!(!fires(RULE, |[x, ..]| x.clamp(0.0, 1.0)));
}

#[test]
fn a_label_is_subtracted_from_one_sigmoid_alone() {
    const RULE: &str = "sigmoid minus label";
    assert!(!fires(RULE, |[x, s, r]| (1.0 - x) * s - x * r));
    assert!(!fires(RULE, |[x, s, _]| (1.0 - x) * s - x * s));
    assert!(!fires(RULE, |[x, s, _]| (2.0 - x) * s - x * (-x).sigmoid()));
}

/// y/a² and (1 − y)/(1 − a)² where label and probability are 0: each quotient by a is guarded.
#[test]
fn second_derivatives_of_the_log_loss_are_guarded() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("a", &Matrix::from_vec(1, 4, vec![0.0, 0.25, 0.5, 1.0]).unwrap());
    let y = tape.constant("y", &Matrix::from_vec(1, 4, vec![0.0, 1.0, 0.0, 1.0]).unwrap());
    let [da] = a.log_loss(y).sum().gradients([a]);
    let [dda] = da.sum().gradients([a]);
    let [ddda] = dda.sum().gradients([a]);
    assert_eq!(da.value().unwrap().as_slice(), [1.0, -4.0, 2.0, -1.0]);
    assert_eq!(dda.value().unwrap().as_slice(), [1.0, 16.0, 4.0, 1.0]);
    assert_eq!(ddda.value().unwrap().as_slice(), [2.0, -128.0, 16.0, -2.0]);
}

/// (C ⊘ σ(z) + D) ⊙ σ′(z): the side of the sum that does not cancel is multiplied all the same.
#[test]
fn one_side_of_a_sum_cancels() {
    let tape = Tape::<f64>::new();
    let logits = vec![-3.0, -0.5, 0.0, 0.25, 4.0];
    let z = tape.parameter("z", &Matrix::from_vec(1, logits.len(), logits.clone()).unwrap());
    let s = z.sigmoid();
    let [slope] = s.sum().gradients([z]);
    for (sum, sign) in [(2.0 / s + z.cos(), 1.0), (2.0 / s - z.cos(), -1.0), (z.cos() + 2.0 / s, 1.0)] {
        let v = sum * slope;
        let mut program = tape.compile([v]).unwrap();
        program.run().unwrap();
        assert!(program.rewrites().any(|fired| fired.name == "cancelled sigmoid"));
        for (&found, &z) in program.view(v).unwrap().as_slice().iter().zip(&logits) {
            let (other, e) = (1.0 / (1.0 + z.exp()), (-z.abs()).exp());
            let right = 2.0 * other + sign * z.cos() * e / ((1.0 + e) * (1.0 + e));
            assert!((found - right).abs() < 1e-14, "z = {z}: {found} instead of {right}");
        }
    }
}

/// What [`curvature`](super::curvature) takes out of sums of products with σ(±z) and tanh(z/2), and
/// what it leaves.
mod curvature {
    use super::*;

    const LOGITS: [f64; 7] = [-40.0, -3.0, -0.5, 0.0, 1.0, 25.0, 40.0];

    /// σ′(z), σ(z), σ(−z), tanh(z/2) and z.
    type Functions<'t> = [Var<'t, f64>; 5];

    /// The values of a program, and whether the rule fired.
    fn run(
        expression: &impl for<'t> Fn(Functions<'t>) -> Var<'t, f64>,
        options: Options,
    ) -> (Vec<f64>, bool) {
        let tape = Tape::<f64>::new();
        let z = tape.parameter("z", &Matrix::from_vec(1, LOGITS.len(), LOGITS.to_vec()).unwrap());
        let s = z.sigmoid();
        let [slope] = s.sum().gradients([z]);
        let v = expression([slope, s, (-z).sigmoid(), (z / 2.0).tanh(), z]);
        let mut program = tape.compile_with([v], options).unwrap();
        program.run().unwrap();
        let values = program.view(v).unwrap().as_slice().to_vec();
        (values, program.rewrites().any(|fired| fired.name == "cancelled curvature"))
    }

    fn slope(z: f64) -> f64 {
        let e = (-z.abs()).exp();
        e / ((1.0 + e) * (1.0 + e))
    }

    #[track_caller]
    fn cancels(expression: impl for<'t> Fn(Functions<'t>) -> Var<'t, f64>, right: impl Fn(f64) -> f64) {
        let (values, fired) = run(&expression, Options::default());
        let errors = values.iter().zip(LOGITS).map(|(&found, z)| ((found - right(z)) / right(z)).abs());
        let error = errors.fold(0.0, f64::max);
        assert!(fired && error < 1e-14, "fired: {fired}, {error:e} off");
    }

    #[track_caller]
    fn is_left(expression: impl for<'t> Fn(Functions<'t>) -> Var<'t, f64>) {
        let (values, fired) = run(&expression, Options::default());
        assert!(!fired && values == run(&expression, Options::literal()).0, "fired: {fired}, {values:?}");
    }

    #[test]
    fn pairs_cancel() {
        cancels(|[f, _, r, t, _]| f * r * r + f * r * t, |z| slope(z) * slope(z));
        cancels(|[f, s, _, t, _]| f * s * s - f * s * t, |z| slope(z) * slope(z));
        cancels(|[f, s, _, t, _]| f * s * t - f * s * s, |z| -slope(z) * slope(z));
        // The rest of the sum keeps its sign.
        cancels(|[f, _, r, t, z]| (f * r * r - f * z.exp()) + f * r * t, |z| slope(z) * (slope(z) - z.exp()));
        cancels(|[f, _, r, t, z]| (f * r * r + f * z.exp()) + f * r * t, |z| slope(z) * (slope(z) + z.exp()));
    }

    #[test]
    fn other_signs_and_factors_are_left() {
        is_left(|[f, _, r, t, _]| f * r * r - f * r * t);
        is_left(|[f, s, _, t, _]| f * s * s + f * s * t);
        is_left(|[f, s, r, t, _]| f * r * r + f * s * t);
        is_left(|[f, _, r, t, z]| f * r * r + f * z.exp() * r * t);
        // tanh of another argument.
        is_left(|[f, _, r, _, z]| f * r * r + f * r * (z / 4.0).tanh());
        is_left(|[f, _, r, _, z]| f * r * r + f * r * z.tanh());
    }
}

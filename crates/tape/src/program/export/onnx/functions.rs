//! Functions of one number, of operators that runtimes have for f32 and f64, in forms that neither
//! overflow nor lose what is small: with t = e^−|x|, σ′(x) is t/(1 + t)².

use super::builder::{Builder, Value};
use super::proto::{Attribute, Elements};
use crate::Scalar;
use crate::numbers::kernel::vector_math::real::constants;
use crate::ops::map::Function;

/// g(x); `None` if there are no operators for it.
pub(super) fn of<T: Scalar>(b: &mut Builder, function: &Function<T>, x: Value) -> Option<Value> {
    Some(match function {
        Function::Identity => x,
        Function::NormalOrZero => normal_or_zero(b, x),
        Function::Exp => b.node("Exp", &[x]),
        Function::Ln => b.node("Log", &[x]),
        Function::Ln1p => ln_1p(b, x),
        Function::ExpM1 => exp_m1(b, x),
        Function::Sqrt => b.node("Sqrt", &[x]),
        Function::Square => b.node("Mul", &[x, x]),
        Function::Power(p) => power(b, x, p.to_f64()),
        Function::WholePower(n) => power(b, x, *n as f64),
        Function::Sin => b.node("Sin", &[x]),
        Function::Cos => b.node("Cos", &[x]),
        Function::Abs => b.node("Abs", &[x]),
        Function::Sign => b.node("Sign", &[x]),
        Function::Erf => erf(b, x),
        Function::ErfDerivative => gaussian(b, x, std::f64::consts::FRAC_2_SQRT_PI, 1.0),
        Function::ErfHigher(0) => {
            let slope = gaussian(b, x, -2.0 * std::f64::consts::FRAC_2_SQRT_PI, 1.0);
            b.node("Mul", &[x, slope])
        }
        Function::Clamp(low, high) => {
            let (low, high) = (b.number(low.to_f64()), b.number(high.to_f64()));
            let raised = b.node("Max", &[x, low]);
            b.node("Min", &[raised, high])
        }
        Function::ClampDerivative(low, high) => {
            let (low, high) = (b.number(low.to_f64()), b.number(high.to_f64()));
            let (from, to) = (b.node("GreaterOrEqual", &[x, low]), b.node("LessOrEqual", &[x, high]));
            let is_inside = b.node("And", &[from, to]);
            b.indicator(is_inside)
        }
        Function::Relu => b.node("Relu", &[x]),
        Function::ReluDerivative => {
            let right = is_positive(b, x);
            b.indicator(right)
        }
        // The attribute is a single.
        Function::LeakyRelu(slope) if f64::from(slope.to_f64() as f32) == slope.to_f64() => {
            let alpha = Attribute::Single("alpha", (slope.to_f64() as f32).to_bits());
            b.node_with("LeakyRelu", &[x], vec![alpha])
        }
        Function::LeakyRelu(slope) => {
            let slope = b.number(slope.to_f64());
            let left = b.node("Mul", &[x, slope]);
            let right = is_positive(b, x);
            b.node("Where", &[right, x, left])
        }
        Function::LeakyReluDerivative(slope) => {
            let (one, slope) = (b.number(1.0), b.number(slope.to_f64()));
            let right = is_positive(b, x);
            b.node("Where", &[right, one, slope])
        }
        Function::Elu(alpha) => elu(b, x, alpha.to_f64()),
        Function::EluDerivative(alpha) => elu_slope(b, x, alpha.to_f64(), 1.0),
        Function::EluSecondDerivative(alpha) => elu_slope(b, x, alpha.to_f64(), 0.0),
        Function::Sigmoid => b.node("Sigmoid", &[x]),
        Function::SigmoidDerivative => {
            let t = fading(b, x, -1.0);
            hump(b, t)
        }
        Function::LogSigmoid => {
            let negative = b.node("Neg", &[x]);
            let softplus = softplus(b, negative);
            b.node("Neg", &[softplus])
        }
        Function::Tanh => b.node("Tanh", &[x]),
        Function::TanhDerivative => {
            let t = fading(b, x, -2.0);
            let (hump, four) = (hump(b, t), b.number(4.0));
            b.node("Mul", &[four, hump])
        }
        Function::Softplus => softplus(b, x),
        Function::Silu => {
            let sigmoid = b.node("Sigmoid", &[x]);
            b.node("Mul", &[x, sigmoid])
        }
        Function::SiluDerivative => {
            // σ + x·σ′
            let (sigmoid, t) = (b.node("Sigmoid", &[x]), fading(b, x, -1.0));
            let slope = hump(b, t);
            let tilt = b.node("Mul", &[x, slope]);
            b.node("Add", &[sigmoid, tilt])
        }
        Function::SiluSecondDerivative => {
            // σ′·(2 − x·tanh(x/2))
            let (two, half) = (b.number(2.0), b.number(0.5));
            let t = fading(b, x, -1.0);
            let slope = hump(b, t);
            let halved = b.node("Mul", &[x, half]);
            let tanh = b.node("Tanh", &[halved]);
            let product = b.node("Mul", &[x, tanh]);
            let bracket = b.node("Sub", &[two, product]);
            b.node("Mul", &[slope, bracket])
        }
        Function::GeluTanh => {
            let (z, _) = gelu_exponent(b, x);
            let sigmoid = b.node("Sigmoid", &[z]);
            b.node("Mul", &[x, sigmoid])
        }
        Function::GeluTanhDerivative => {
            // σ(z) + x·z′·σ′(z)
            let (z, slope_of_z) = gelu_exponent(b, x);
            let (sigmoid, t) = (b.node("Sigmoid", &[z]), fading(b, z, -1.0));
            let slope = hump(b, t);
            let outer = b.node("Mul", &[slope, slope_of_z]);
            let tilt = b.node("Mul", &[x, outer]);
            b.node("Add", &[sigmoid, tilt])
        }
        Function::Gelu => {
            let share = normal_share(b, x);
            b.node("Mul", &[x, share])
        }
        Function::GeluDerivative => {
            let (share, density) = (normal_share(b, x), normal_pdf(b, x, 1.0));
            let tilt = b.node("Mul", &[x, density]);
            b.node("Add", &[share, tilt])
        }
        Function::GeluHigher(0) => {
            // (2 − x²)·φ
            let (density, square) = (normal_pdf(b, x, 1.0), b.node("Mul", &[x, x]));
            let two = b.number(2.0);
            let bracket = b.node("Sub", &[two, square]);
            b.node("Mul", &[bracket, density])
        }
        Function::NormalPdf => normal_pdf(b, x, 1.0),
        Function::NormalPdfHigher(0) => {
            let negative = normal_pdf(b, x, -1.0);
            b.node("Mul", &[x, negative])
        }
        Function::ErfHigher(_)
        | Function::GeluTanhSecondDerivative
        | Function::GeluHigher(_)
        | Function::NormalPdfHigher(_)
        | Function::User(_) => return None,
    })
}

fn is_positive(b: &mut Builder, x: Value) -> Value {
    let zero = b.number(0.0);
    b.node("Greater", &[x, zero])
}

/// e^(−c·|x|), for a negative −c.
fn fading(b: &mut Builder, x: Value, by: f64) -> Value {
    let size = b.node("Abs", &[x]);
    let exponent = match by == -1.0 {
        true => b.node("Neg", &[size]),
        false => {
            let by = b.number(by);
            b.node("Mul", &[size, by])
        }
    };
    b.node("Exp", &[exponent])
}

/// t/(1 + t)².
fn hump(b: &mut Builder, t: Value) -> Value {
    let one = b.number(1.0);
    let sum = b.node("Add", &[one, t]);
    let square = b.node("Mul", &[sum, sum]);
    b.node("Div", &[t, square])
}

/// ln(1 + t), accurate for small t: with the rounded sum u, ln(u)·t/(u − 1) (Kahan).
pub(super) fn ln_1p(b: &mut Builder, t: Value) -> Value {
    let one = b.number(1.0);
    let sum = b.node("Add", &[one, t]);
    let (log, added) = (b.node("Log", &[sum]), b.node("Sub", &[sum, one]));
    let (is_lost, ratio) = (b.node("Equal", &[sum, one]), b.node("Div", &[t, added]));
    let product = b.node("Mul", &[log, ratio]);
    b.node("Where", &[is_lost, t, product])
}

/// eˣ − 1, accurate for small x: with u = eˣ, (u − 1)·x/ln(u) (Kahan), near 0.
fn exp_m1(b: &mut Builder, x: Value) -> Value {
    let (one, half) = (b.number(1.0), b.number(0.5));
    let e = b.node("Exp", &[x]);
    let (added, log) = (b.node("Sub", &[e, one]), b.node("Log", &[e]));
    let ratio = b.node("Div", &[x, log]);
    let near = b.node("Mul", &[added, ratio]);
    let is_lost = b.node("Equal", &[e, one]);
    let near = b.node("Where", &[is_lost, x, near]);
    let size = b.node("Abs", &[x]);
    let is_far = b.node("Greater", &[size, half]);
    b.node("Where", &[is_far, added, near])
}

/// ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|).
pub(super) fn softplus(b: &mut Builder, x: Value) -> Value {
    let t = fading(b, x, -1.0);
    let (log, positive) = (ln_1p(b, t), b.node("Relu", &[x]));
    b.node("Add", &[positive, log])
}

fn elu(b: &mut Builder, x: Value, alpha: f64) -> Value {
    // The attribute is a single.
    if f64::from(alpha as f32) == alpha {
        let alpha = Attribute::Single("alpha", (alpha as f32).to_bits());
        return b.node_with("Elu", &[x], vec![alpha]);
    }
    let (zero, alpha) = (b.number(0.0), b.number(alpha));
    let left = b.node("Min", &[x, zero]);
    let e = exp_m1(b, left);
    let left = b.node("Mul", &[alpha, e]);
    let right = is_positive(b, x);
    b.node("Where", &[right, x, left])
}

/// α·eˣ on the left of 0, a number on the right.
fn elu_slope(b: &mut Builder, x: Value, alpha: f64, of_right: f64) -> Value {
    let (zero, alpha, of_right) = (b.number(0.0), b.number(alpha), b.number(of_right));
    let left = b.node("Min", &[x, zero]);
    let e = b.node("Exp", &[left]);
    let left = b.node("Mul", &[alpha, e]);
    let right = is_positive(b, x);
    b.node("Where", &[right, of_right, left])
}

fn normal_or_zero(b: &mut Builder, x: Value) -> Value {
    let least = if b.elements == Elements::Single { f32::MIN_POSITIVE.into() } else { f64::MIN_POSITIVE };
    let (least, zero, size) = (b.number(least), b.number(0.0), b.node("Abs", &[x]));
    let is_small = b.node("Less", &[size, least]);
    b.node("Where", &[is_small, zero, x])
}

fn power(b: &mut Builder, x: Value, p: f64) -> Value {
    let number = |b: &mut Builder, x: f64| b.number(x);
    match p {
        1.0 => x,
        2.0 => b.node("Mul", &[x, x]),
        -1.0 => b.node("Reciprocal", &[x]),
        _ => {
            let p = number(b, p);
            b.node("Pow", &[x, p])
        }
    }
}

/// c·e^(−a·x²), for x within what is not 0: x² does not overflow then.
fn gaussian(b: &mut Builder, x: Value, c: f64, a: f64) -> Value {
    let (low, high) = (b.number(-64.0), b.number(64.0));
    let raised = b.node("Max", &[x, low]);
    let x = b.node("Min", &[raised, high]);
    let (square, a) = (b.node("Mul", &[x, x]), b.number(-a));
    let exponent = b.node("Mul", &[square, a]);
    let (e, c) = (b.node("Exp", &[exponent]), b.number(c));
    b.node("Mul", &[e, c])
}

/// ±φ(x).
fn normal_pdf(b: &mut Builder, x: Value, sign: f64) -> Value {
    gaussian(b, x, sign * 0.398_942_280_401_432_7, 0.5)
}

/// erf x. ONNX Runtime has it for single precision alone; in double precision it is the program's
/// own polynomials, x + x·P(x²) up to 1 and 1 − e^Q(x) beyond.
fn erf(b: &mut Builder, x: Value) -> Value {
    if b.elements == Elements::Single {
        return b.node("Erf", &[x]);
    }
    let constants = constants(false);
    let of_name = |name: &str| constants.iter().find(|(other, _)| *other == name).map(|(_, list)| list);
    let list = |name: &str| of_name(name).expect("a constant of that name").as_slice();
    let one = b.number(1.0);
    let (sign, size) = (b.node("Sign", &[x]), b.node("Abs", &[x]));
    let most = b.number(list("ERF_IS_ONE")[0]);
    let size = b.node("Min", &[size, most]);
    let square = b.node("Mul", &[size, size]);
    let series = horner(b, square, list("ERF"));
    let rest = b.node("Mul", &[size, series]);
    let near = b.node("Add", &[size, rest]);
    let log = horner(b, size, list("LOG_ERFC"));
    let rest = b.node("Exp", &[log]);
    let far = b.node("Sub", &[one, rest]);
    let is_far = b.node("Greater", &[size, one]);
    let value = b.node("Where", &[is_far, far, near]);
    b.node("Mul", &[sign, value])
}

/// c₀ + c₁x + c₂x² + …
fn horner(b: &mut Builder, x: Value, c: &[f64]) -> Value {
    let mut sum = b.number(c[c.len() - 1]);
    for &c in c[..c.len() - 1].iter().rev() {
        let (product, c) = (b.node("Mul", &[sum, x]), b.number(c));
        sum = b.node("Add", &[product, c]);
    }
    sum
}

/// Φ(x) = ½·(1 + erf(x/√2)).
fn normal_share(b: &mut Builder, x: Value) -> Value {
    let (root, one, half) = (b.number(std::f64::consts::FRAC_1_SQRT_2), b.number(1.0), b.number(0.5));
    let scaled = b.node("Mul", &[x, root]);
    let erf = erf(b, scaled);
    let sum = b.node("Add", &[one, erf]);
    b.node("Mul", &[half, sum])
}

/// z = 2·√(2/π)·(x + 0.044715·x³) and z′, within |x| ≤ 64, beyond which σ(z) is 0 or 1.
fn gelu_exponent(b: &mut Builder, x: Value) -> (Value, Value) {
    let (low, high) = (b.number(-64.0), b.number(64.0));
    let raised = b.node("Max", &[x, low]);
    let x = b.node("Min", &[raised, high]);
    let c = 2.0 * (2.0 / std::f64::consts::PI).sqrt();
    let (linear, cubic, thrice) = (b.number(c), b.number(c * 0.044715), b.number(3.0 * c * 0.044715));
    let square = b.node("Mul", &[x, x]);
    let (of_cubic, of_slope) = (b.node("Mul", &[cubic, square]), b.node("Mul", &[thrice, square]));
    let (factor, slope) = (b.node("Add", &[linear, of_cubic]), b.node("Add", &[linear, of_slope]));
    (b.node("Mul", &[x, factor]), slope)
}

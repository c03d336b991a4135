//! A row for each function of one number.

use tape::{Function, FunctionKind, Matrix, Scalar, Tape};

use super::{REAL, Row, SIZES};
use crate::support::laws::{Domain, Worst, case};
use crate::support::reference;
use tape::check::Random;

/// One row of the table of functions.
pub(super) struct FunctionRow<T: Scalar> {
    function: Function<T>,
    name: &'static str,
    domain: Domain,
    value: fn(f64) -> f64,
    /// Slopes at kinks, on jumps, and far out, exact to a few ulp: (x, g′(x)).
    slopes: Vec<(f64, f64)>,
}

pub(super) fn function_row<T: Scalar>(kind: FunctionKind) -> FunctionRow<T> {
    use reference as r;
    let row = |function: Function<T>, name, domain, value: fn(f64) -> f64| {
        assert_eq!(function.kind(), kind, "a row of its own");
        FunctionRow { function, name, domain, value, slopes: Vec::new() }
    };
    let wide = Domain::Between(-5.0, 5.0);
    let positive = Domain::Between(0.3, 3.0);
    let without_0 = Domain::Avoiding(-3.0, 3.0, &[0.0]);
    let limits = Domain::Avoiding(-2.0, 2.0, &[-1.0, 0.75]);
    let number = T::from_f64;
    // σ(−40) = 1/(1 + e⁴⁰), and σ(−40)·σ(40), which rounds to the same number.
    let tail = 4.248354255291589e-18;
    match kind {
        FunctionKind::Identity => row(Function::Identity, "identity", wide, |x| x).slopes(&[(1000.0, 1.0)]),
        FunctionKind::NormalOrZero => {
            row(Function::NormalOrZero, "normal_or_zero", wide, |x| x).slopes(&[(0.0, 1.0), (1e-45, 1.0)])
        }
        FunctionKind::Exp => {
            row(Function::Exp, "exp", REAL, f64::exp).slopes(&[(-40.0, 4.248354255291589e-18)])
        }
        FunctionKind::Ln => {
            row(Function::Ln, "ln", positive, f64::ln).slopes(&[(1000.0, 0.001), (0.0, f64::INFINITY)])
        }
        FunctionKind::Ln1p => row(Function::Ln1p, "ln_1p", Domain::Between(-0.5, 3.0), f64::ln_1p).slopes(&[
            (0.0, 1.0),
            (-1.0, f64::INFINITY),
            (999.0, 0.001),
        ]),
        FunctionKind::ExpM1 => row(Function::ExpM1, "exp_m1", REAL, f64::exp_m1)
            .slopes(&[(0.0, 1.0), (-40.0, 4.248354255291589e-18)]),
        FunctionKind::Sqrt => {
            row(Function::Sqrt, "sqrt", positive, f64::sqrt).slopes(&[(0.0, f64::INFINITY)])
        }
        FunctionKind::Square => row(Function::Square, "square", wide, |x| x * x).slopes(&[(0.0, 0.0)]),
        FunctionKind::Power => {
            row(Function::Power(number(2.5)), "power", positive, |x| x.powf(2.5)).slopes(&[(4.0, 20.0)])
        }
        FunctionKind::WholePower => {
            row(Function::WholePower(3), "power", wide, |x| x * x * x).slopes(&[(0.0, 0.0), (-2.0, 12.0)])
        }
        FunctionKind::Sin => row(Function::Sin, "sin", wide, f64::sin).slopes(&[(0.0, 1.0)]),
        FunctionKind::Cos => row(Function::Cos, "cos", wide, f64::cos).slopes(&[(0.0, 0.0)]),
        FunctionKind::Abs => row(Function::Abs, "abs", without_0, f64::abs).slopes(&[
            (0.0, 0.0),
            (-0.0, 0.0),
            (1e-30, 1.0),
            (-1e-30, -1.0),
        ]),
        FunctionKind::Sign => {
            row(Function::Sign, "sign", without_0, |x| if x == 0.0 || x.is_nan() { x } else { x.signum() })
                .slopes(&[(0.0, 0.0)])
        }
        FunctionKind::Erf => {
            row(Function::Erf, "erf", REAL, r::erf).slopes(&[(0.0, std::f64::consts::FRAC_2_SQRT_PI)])
        }
        FunctionKind::ErfDerivative => row(Function::ErfDerivative, "erf′", REAL, |x| {
            std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp()
        })
        .slopes(&[(0.0, 0.0)]),
        FunctionKind::ErfHigher => row(Function::ErfHigher(1), "erf‴", wide, |x| {
            r::damped(4.0 * x * x - 2.0, std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp())
        })
        .slopes(&[(0.0, 0.0), (1000.0, 0.0)]),
        FunctionKind::Clamp => {
            row(Function::Clamp(number(-1.0), number(0.75)), "clamp", limits, |x| x.clamp(-1.0, 0.75))
                .slopes(&[(-1.0, 1.0), (0.75, 1.0), (-1.5, 0.0), (0.8125, 0.0)])
        }
        FunctionKind::ClampDerivative => {
            row(Function::ClampDerivative(number(-1.0), number(0.75)), "clamp′", limits, |x| {
                if x.is_nan() { x } else { f64::from(u8::from((-1.0..=0.75).contains(&x))) }
            })
            .slopes(&[(-1.0, 0.0), (0.5, 0.0)])
        }
        FunctionKind::Relu => row(Function::Relu, "relu", without_0, |x| r::positive_part(x, |x| x))
            .slopes(&[(0.0, 0.0), (-0.0, 0.0), (1e-30, 1.0), (-1e-30, 0.0), (f64::INFINITY, 1.0)]),
        FunctionKind::ReluDerivative => row(Function::ReluDerivative, "relu′", without_0, |x| {
            r::positive_part(x, |x| if x.is_nan() { x } else { 1.0 })
        })
        .slopes(&[(0.0, 0.0), (1.0, 0.0)]),
        FunctionKind::LeakyRelu => row(Function::LeakyRelu(number(0.125)), "leaky_relu", without_0, |x| {
            if x > 0.0 { x } else { 0.125 * x }
        })
        .slopes(&[(0.0, 0.125), (-1000.0, 0.125), (1000.0, 1.0)]),
        FunctionKind::LeakyReluDerivative => {
            row(Function::LeakyReluDerivative(number(0.125)), "leaky_relu′", without_0, |x| {
                if x.is_nan() {
                    x
                } else if x > 0.0 {
                    1.0
                } else {
                    0.125
                }
            })
            .slopes(&[(-1.0, 0.0)])
        }
        FunctionKind::Elu => {
            row(Function::Elu(number(1.5)), "elu", without_0, |x| if x > 0.0 { x } else { 1.5 * x.exp_m1() })
                .slopes(&[(0.0, 1.5), (-40.0, 1.5 * 4.248354255291589e-18), (3.0, 1.0)])
        }
        FunctionKind::EluDerivative => row(Function::EluDerivative(number(1.5)), "elu′", without_0, |x| {
            if x > 0.0 { 1.0 } else { 1.5 * x.exp() }
        })
        .slopes(&[(0.0, 1.5), (3.0, 0.0)]),
        FunctionKind::EluSecondDerivative => {
            row(Function::EluSecondDerivative(number(1.5)), "elu″", without_0, |x| {
                if x > 0.0 { 0.0 } else { 1.5 * x.exp() }
            })
            .slopes(&[(0.0, 1.5), (3.0, 0.0)])
        }
        FunctionKind::Sigmoid => row(Function::Sigmoid, "σ", wide, r::sigmoid).slopes(&[
            (0.0, 0.25),
            (40.0, tail),
            (-40.0, tail),
            (1000.0, 0.0),
        ]),
        FunctionKind::SigmoidDerivative => {
            row(Function::SigmoidDerivative, "σ′", wide, |x| r::sigmoid(x) * r::sigmoid(-x)).slopes(&[
                (0.0, 0.0),
                (40.0, -tail),
                (-40.0, tail),
            ])
        }
        FunctionKind::LogSigmoid => row(Function::LogSigmoid, "log_sigmoid", wide, |x| -r::softplus(-x))
            .slopes(&[(0.0, 0.5), (40.0, tail), (-40.0, 1.0), (-1e4, 1.0), (1e4, 0.0)]),
        FunctionKind::Tanh => row(Function::Tanh, "tanh", wide, f64::tanh)
            // 1/cosh²(20) = 4·e⁻⁴⁰/(1 + e⁻⁴⁰)²
            .slopes(&[(0.0, 1.0), (20.0, 4.0 * tail), (-20.0, 4.0 * tail), (1000.0, 0.0)]),
        FunctionKind::TanhDerivative => row(Function::TanhDerivative, "tanh′", wide, |x| {
            4.0 * r::sigmoid(2.0 * x) * r::sigmoid(-2.0 * x)
        })
        .slopes(&[(0.0, 0.0), (20.0, -8.0 * tail), (-20.0, 8.0 * tail)]),
        FunctionKind::Softplus => row(Function::Softplus, "softplus", wide, r::softplus).slopes(&[
            (0.0, 0.5),
            (-40.0, tail),
            (40.0, 1.0),
            (1e4, 1.0),
        ]),
        FunctionKind::Silu => row(Function::Silu, "silu", wide, |x| r::damped(x, r::sigmoid(x)))
            // σ(x) + x·σ′(x)
            .slopes(&[(0.0, 0.5), (-40.0, -39.0 * tail), (1000.0, 1.0), (-1000.0, 0.0)]),
        FunctionKind::SiluDerivative => row(Function::SiluDerivative, "silu′", wide, |x| {
            r::sigmoid(x) + r::damped(x, r::sigmoid(x) * r::sigmoid(-x))
        })
        // σ′(x)·(2 − x·tanh(x/2))
        .slopes(&[(0.0, 0.5), (40.0, -38.0 * tail), (-40.0, -38.0 * tail)]),
        FunctionKind::SiluSecondDerivative => row(Function::SiluSecondDerivative, "silu″", wide, |x| {
            let slope = r::sigmoid(x) * r::sigmoid(-x);
            r::damped(2.0, slope) - r::damped(x * (0.5 * x).tanh(), slope)
        })
        // −2xσ′(x) next to 0; σ′(x)·(x − 3) where tanh(x/2) is 1.
        .slopes(&[
            (0.0, 0.0),
            (1e-10, -5e-11),
            (40.0, 37.0 * tail),
            (-40.0, -37.0 * tail),
            (1e5, 0.0),
        ]),
        FunctionKind::GeluTanh => {
            row(Function::GeluTanh, "gelu_tanh", wide, |x| r::damped(x, r::sigmoid(r::gelu_argument(x).0)))
                .slopes(&[(0.0, 0.5), (1000.0, 1.0), (-1000.0, 0.0)])
        }
        FunctionKind::GeluTanhDerivative => row(Function::GeluTanhDerivative, "gelu_tanh′", wide, |x| {
            let (v, v1, _) = r::gelu_argument(x);
            r::sigmoid(v) + r::damped(x * v1, r::sigmoid(v) * r::sigmoid(-v))
        })
        .slopes(&[(1000.0, 0.0), (-1000.0, 0.0)]),
        FunctionKind::GeluTanhSecondDerivative => {
            row(Function::GeluTanhSecondDerivative, "gelu_tanh″", wide, |x| {
                let (v, v1, v2) = r::gelu_argument(x);
                let slope = r::sigmoid(v) * r::sigmoid(-v);
                let bend =
                    r::damped(v1 * v1, slope) * (r::sigmoid(-v) - r::sigmoid(v)) + r::damped(v2, slope);
                2.0 * r::damped(v1, slope) + r::damped(x, bend)
            })
            .slopes(&[(0.0, 0.0), (1000.0, 0.0), (-1000.0, 0.0)])
        }
        FunctionKind::Gelu => row(Function::Gelu, "gelu", wide, |x| r::damped(x, r::normal_cdf(x)))
            .slopes(&[(0.0, 0.5), (1000.0, 1.0), (-1000.0, 0.0)]),
        FunctionKind::GeluDerivative => row(Function::GeluDerivative, "gelu′", wide, |x| {
            r::normal_cdf(x) + r::damped(x, r::normal_pdf(x))
        })
        .slopes(&[(0.0, 2.0 * 0.3989422804014327), (1000.0, 0.0)]),
        FunctionKind::GeluHigher => {
            row(Function::GeluHigher(0), "gelu″", wide, |x| r::damped(2.0 - x * x, r::normal_pdf(x)))
                .slopes(&[(0.0, 0.0), (2.0, 0.0), (-2.0, 0.0), (1e5, 0.0)])
        }
        FunctionKind::NormalPdfHigher => {
            row(Function::NormalPdfHigher(0), "φ′", wide, |x| r::damped(-x, r::normal_pdf(x))).slopes(&[
                (0.0, -0.3989422804014327),
                (1.0, 0.0),
                (-1.0, 0.0),
                (1e5, 0.0),
            ])
        }
        FunctionKind::NormalPdf => {
            row(Function::NormalPdf, "φ", wide, r::normal_pdf).slopes(&[(0.0, 0.0), (1000.0, 0.0)])
        }
        FunctionKind::User => row(users_own(), "x³", wide, |x| x * x * x).slopes(&[(3.0, 27.0)]),
    }
}

/// x³ with its derivatives.
fn users_own<T: Scalar>() -> Function<T> {
    let number = T::from_f64;
    let third = Function::new("6", move |x: T| if x.is_nan() { x } else { number(6.0) });
    let second = Function::new("6x", move |x| number(6.0) * x).with_derivative(third);
    let first = Function::new("3x²", move |x| number(3.0) * x * x).with_derivative(second);
    Function::new("x³", |x: T| x * x * x).with_derivative(first)
}

impl<T: Scalar> FunctionRow<T> {
    fn slopes(mut self, slopes: &[(f64, f64)]) -> Self {
        self.slopes = slopes.to_vec();
        self
    }

    /// The function as an operation.
    pub(super) fn row(&self) -> Row<T> {
        let (function, name, domain, value) = (self.function.clone(), self.name, self.domain, self.value);
        Row::new(&SIZES, move |size| {
            let function = function.clone();
            let case = case::<T>(format!("{name}(A)"))
                .input("A", size.matrix(), domain)
                .records(name, move |_, x| x[0].map(&function))
                .gives(size.matrix(), move |x| x[0].map(value))
                .with_special_values();
            vec![case]
        })
    }

    pub(super) fn check(&self, random: &mut Random) -> Worst {
        let worst = self.row().check(random);
        self.check_slopes();
        worst
    }

    /// To a few ulp, and relative to the slope itself: this is where 1 − (nearly 1) would show.
    fn check_slopes(&self) {
        assert!(!self.slopes.is_empty(), "{}: slopes at special places", self.name);
        let points: Vec<T> = self.slopes.iter().map(|&(x, _)| T::from_f64(x)).collect();
        let tape = Tape::new();
        let x = tape.parameter("x", &Matrix::row(&points));
        let [slopes] = x.map(&self.function).sum().gradients([x]);
        let found = slopes.value().unwrap();
        for (&(x, expected), &found) in self.slopes.iter().zip(found.as_slice()) {
            let (expected, found) = (T::from_f64(expected), found);
            let close = found == expected
                || (found - expected).abs() <= T::from_f64(8.0) * T::EPSILON * expected.abs();
            assert!(close, "{} ({}): the slope at {x} is {found:e}, not {expected:e}", self.name, T::NAME);
        }
    }
}

//! Functions of one number.

use std::cmp::Ordering::{Equal, Greater, Less};

use super::{At, by_order, by_sign};
use crate::check::oracle::definitions::Definitions;
use crate::check::oracle::dual::{Dual, HyperDual};
use crate::check::oracle::error::Error;
use crate::check::oracle::grid::Grid;
use crate::check::oracle::number::{Elementary, Number, normal_density, pi, ratio, whole_power};
use crate::check::values::least_normal;
use crate::{FunctionKind, Scalar};

impl<T: Scalar, N: Number> At<'_, '_, T, N> {
    /// g(A), elementwise.
    pub(super) fn function<D: Definitions>(&mut self, definitions: &D) -> Result<Grid<N>, Error> {
        let name = self.word("function")?;
        let known = FunctionKind::ALL.iter().copied().find(|kind| format!("{kind:?}") == name);
        let kind = known.ok_or_else(|| self.unknown(format!("no function is called {name}")))?;
        let x = self.x[0];
        let g: Box<dyn Fn(&N) -> N> = match kind {
            FunctionKind::User => return self.defined_function(definitions),
            FunctionKind::Power => {
                let p: T = self.take("p")?;
                Box::new(move |x| x.power(&N::of(p.to_f64())))
            }
            FunctionKind::WholePower => {
                let n: i64 = self.take("n")?;
                Box::new(move |x| whole_power(x, n))
            }
            FunctionKind::Clamp => {
                let (low, high) = self.limits()?;
                Box::new(move |x| clamped(x.clone(), &N::of(low), &N::of(high)))
            }
            FunctionKind::ClampDerivative => {
                let (low, high) = self.limits()?;
                Box::new(move |x| inside(x.clone(), &N::of(low), &N::of(high)))
            }
            FunctionKind::LeakyRelu => {
                let slope: T = self.take("slope")?;
                Box::new(move |x| Curve::Halves(slope.to_f64()).at(x.clone()))
            }
            FunctionKind::LeakyReluDerivative => {
                let slope: T = self.take("slope")?;
                Box::new(move |x| first(Curve::Halves(slope.to_f64()), x))
            }
            FunctionKind::Elu => {
                let alpha: T = self.take("alpha")?;
                Box::new(move |x| Curve::Elu(alpha.to_f64()).at(x.clone()))
            }
            FunctionKind::EluDerivative => {
                let alpha: T = self.take("alpha")?;
                Box::new(move |x| first(Curve::Elu(alpha.to_f64()), x))
            }
            FunctionKind::EluSecondDerivative => {
                let alpha: T = self.take("alpha")?;
                Box::new(move |x| second(Curve::Elu(alpha.to_f64()), x))
            }
            FunctionKind::ErfHigher => {
                let k: u32 = self.take("k")?;
                Box::new(move |x| erf_derivative(x, k as usize + 2))
            }
            FunctionKind::GeluHigher => {
                let k: u32 = self.take("k")?;
                Box::new(move |x| gelu_derivative(x, k as usize + 2))
            }
            FunctionKind::NormalPdfHigher => {
                let k: u32 = self.take("k")?;
                Box::new(move |x| density_derivative(x, k as usize + 1))
            }
            FunctionKind::NormalOrZero => Box::new(normal_or_zero::<T, N>),
            FunctionKind::Identity => Box::new(N::clone),
            FunctionKind::Exp => of(Elementary::Exp),
            FunctionKind::Ln => of(Elementary::Ln),
            FunctionKind::Ln1p => of(Elementary::Ln1p),
            FunctionKind::ExpM1 => of(Elementary::ExpM1),
            FunctionKind::Sqrt => of(Elementary::Sqrt),
            FunctionKind::Square => Box::new(|x| x.clone() * x.clone()),
            FunctionKind::Sin => of(Elementary::Sin),
            FunctionKind::Cos => of(Elementary::Cos),
            FunctionKind::Abs => Box::new(|x| absolute(x.clone())),
            FunctionKind::Sign => Box::new(|x| by_sign(x.clone(), |sign, _| N::of(f64::from(sign as i8)))),
            FunctionKind::Erf => of(Elementary::Erf),
            FunctionKind::ErfDerivative => Box::new(|x| first(Curve::Elementary(Elementary::Erf), x)),
            FunctionKind::Relu => Box::new(|x| Curve::Halves(0.0).at(x.clone())),
            FunctionKind::ReluDerivative => Box::new(|x| first(Curve::Halves(0.0), x)),
            FunctionKind::Sigmoid => of(Elementary::Sigmoid),
            FunctionKind::SigmoidDerivative => Box::new(|x| first(Curve::Elementary(Elementary::Sigmoid), x)),
            FunctionKind::LogSigmoid => Box::new(|x| -(-x.clone()).elementary(Elementary::Softplus)),
            FunctionKind::Tanh => of(Elementary::Tanh),
            FunctionKind::TanhDerivative => Box::new(|x| first(Curve::Elementary(Elementary::Tanh), x)),
            FunctionKind::Softplus => of(Elementary::Softplus),
            FunctionKind::Silu => Box::new(|x| Curve::Silu.at(x.clone())),
            FunctionKind::SiluDerivative => Box::new(|x| first(Curve::Silu, x)),
            FunctionKind::SiluSecondDerivative => Box::new(|x| second(Curve::Silu, x)),
            FunctionKind::GeluTanh => Box::new(|x| Curve::GeluTanh.at(x.clone())),
            FunctionKind::GeluTanhDerivative => Box::new(|x| first(Curve::GeluTanh, x)),
            FunctionKind::GeluTanhSecondDerivative => Box::new(|x| second(Curve::GeluTanh, x)),
            FunctionKind::Gelu => Box::new(|x| Curve::Gelu.at(x.clone())),
            FunctionKind::GeluDerivative => Box::new(|x| first(Curve::Gelu, x)),
            FunctionKind::NormalPdf => Box::new(normal_density),
        };
        Ok(x.map(g))
    }

    fn limits(&mut self) -> Result<(f64, f64), Error> {
        let (low, high): (T, T) = (self.take("low")?, self.take("high")?);
        Ok((low.to_f64(), high.to_f64()))
    }

    fn defined_function<D: Definitions>(&mut self, definitions: &D) -> Result<Grid<N>, Error> {
        let name = self.word("name")?;
        let values: Option<Vec<N>> =
            self.x[0].as_slice().iter().map(|x| definitions.function(&name, x)).collect();
        match values {
            Some(values) => Ok(Grid::of_data(self.rows, self.columns, values)),
            None => Err(Error::NotDefined { entry: self.entry.label(), name: name.into_owned() }),
        }
    }
}

fn of<N: Number>(f: Elementary) -> Box<dyn Fn(&N) -> N> {
    Box::new(move |x| x.elementary(f))
}

/// Functions whose derivatives are functions of the tape too; these are taken by dual numbers.
#[derive(Debug, Clone, Copy)]
enum Curve {
    Elementary(Elementary),
    /// x where x > 0, else slope · x; the derivative at 0 is the slope.
    Halves(f64),
    /// x where x > 0, else α(eˣ − 1).
    Elu(f64),
    /// x·σ(x).
    Silu,
    /// x·Φ(x).
    Gelu,
    /// x·σ(2u), u = √(2/π)·(x + 0.044715x³).
    GeluTanh,
}

impl Curve {
    fn at<N: Number>(self, x: N) -> N {
        match self {
            // The limits, where the factors are ∞ and 0.
            Curve::Silu | Curve::Gelu | Curve::GeluTanh if x.value().is_infinite() => {
                Curve::Halves(0.0).at(x)
            }
            Curve::Elementary(f) => x.elementary(f),
            Curve::Halves(slope) => by_sign(x, |sign, x| match sign {
                Greater => x,
                // Not 0·x, which makes NaN of −∞.
                Less | Equal if slope == 0.0 => N::of(0.0),
                Less | Equal => N::of(slope) * x,
            }),
            Curve::Elu(alpha) => by_sign(x, |sign, x| match sign {
                Greater => x,
                Less | Equal => N::of(alpha) * x.elementary(Elementary::ExpM1),
            }),
            Curve::Silu => x.clone() * x.elementary(Elementary::Sigmoid),
            Curve::Gelu => x.clone() * x.elementary(Elementary::NormalCdf),
            Curve::GeluTanh => {
                let cubic = ratio::<N>(44_715.0, 1_000_000.0) * x.clone() * x.clone() * x.clone();
                let root = (N::of(8.0) / pi()).elementary(Elementary::Sqrt);
                x.clone() * (root * (x + cubic)).elementary(Elementary::Sigmoid)
            }
        }
    }
}

/// g′(x).
fn first<N: Number>(g: Curve, x: &N) -> N {
    g.at(Dual::variable(x.clone())).d
}

/// g″(x).
fn second<N: Number>(g: Curve, x: &N) -> N {
    let x: HyperDual<N> = Dual { v: Dual::variable(x.clone()), d: Dual::still(N::of(1.0)) };
    g.at(x).d.d
}

/// |x|; the derivative at 0 is 0.
pub(super) fn absolute<N: Number>(x: N) -> N {
    by_sign(x, |sign, x| match sign {
        Greater => x,
        Equal => N::of(0.0),
        Less => -x,
    })
}

/// x limited to [low, high]; the derivative on the limits is 1.
fn clamped<N: Number>(x: N, low: &N, high: &N) -> N {
    by_order(x, low.clone(), |below, x, low| match below {
        Less => low,
        Equal | Greater => {
            by_order(x, high.clone(), |above, x, high| if above == Greater { high } else { x })
        }
    })
}

/// 1 in [low, high], else 0.
fn inside<N: Number>(x: N, low: &N, high: &N) -> N {
    by_order(x, low.clone(), |below, x, _| match below {
        Less => N::of(0.0),
        Equal | Greater => {
            by_order(x, high.clone(), |above, _, _| N::of(if above == Greater { 0.0 } else { 1.0 }))
        }
    })
}

/// x, and 0 where it is subnormal in T; the derivative is 1.
fn normal_or_zero<T: Scalar, N: Number>(x: &N) -> N {
    let least = least_normal::<T>().to_f64();
    if x.value().abs() < least { x.clone() - x.constant() } else { x.clone() }
}

/// The derivatives of f = e^(−c·x²), divided by n!: as f′ = −2c·x·f, it is (n + 1)·fₙ₊₁ = −2c·(x·fₙ + fₙ₋₁).
fn bell_series<N: Number>(x: &N, twice_c: f64, order: usize) -> Vec<N> {
    if x.value().is_infinite() {
        return vec![N::of(0.0); order + 1]; // the limit
    }
    let square = x.clone() * x.clone();
    let mut series = vec![(-(square * N::of(0.5 * twice_c))).elementary(Elementary::Exp)];
    for n in 0..order {
        let before = if n == 0 { N::of(0.0) } else { series[n - 1].clone() };
        let sum = N::dot(&[(x.clone(), series[n].clone()), (before, N::of(1.0))]);
        series.push(-(N::of(twice_c) * sum) / N::of((n + 1) as f64));
    }
    series
}

/// n!·fₙ.
fn derivative_of_series<N: Number>(series: &[N], n: usize) -> N {
    (1..=n).fold(series[n].clone(), |product, i| product * N::of(i as f64))
}

/// The n-th derivative of erf, n ≥ 1: of 2/√π·e^(−x²) the one before.
fn erf_derivative<N: Number>(x: &N, n: usize) -> N {
    let bell = derivative_of_series(&bell_series(x, 2.0, n - 1), n - 1);
    N::of(2.0) * bell / pi::<N>().elementary(Elementary::Sqrt)
}

/// The n-th derivative of φ.
fn density_derivative<N: Number>(x: &N, n: usize) -> N {
    let bell = derivative_of_series(&bell_series(x, 1.0, n), n);
    bell / (pi::<N>() + pi()).elementary(Elementary::Sqrt)
}

/// The n-th derivative of x·Φ(x), n ≥ 2: x·φ⁽ⁿ⁻¹⁾ + n·φ⁽ⁿ⁻²⁾ (Leibniz).
fn gelu_derivative<N: Number>(x: &N, n: usize) -> N {
    if x.value().is_infinite() {
        return N::of(0.0); // the limit
    }
    let (last, before) = (density_derivative(x, n - 1), density_derivative(x, n - 2));
    N::dot(&[(x.clone(), last), (N::of(n as f64), before)])
}

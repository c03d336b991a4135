//! Functions of one number.

use std::cmp::Ordering::{Equal, Greater, Less};

use super::{At, by_order, by_sign};
use crate::FunctionKind;
use crate::check::oracle::definitions::Defined;
use crate::check::oracle::dual::{Dual, HyperDual};
use crate::check::oracle::error::Error;
use crate::check::oracle::grid::Grid;
use crate::check::oracle::number::{Elementary, Number, normal_density, pi, ratio, whole_power};

impl<N: Number> At<'_, N> {
    /// g(A), elementwise.
    pub(super) fn function(&mut self, definitions: &dyn Defined<N>) -> Result<Grid<N>, Error> {
        let name = self.word("function")?;
        let known = FunctionKind::ALL.iter().copied().find(|kind| format!("{kind:?}") == name);
        let kind = known.ok_or_else(|| self.unknown(format!("no function is called {name}")))?;
        if kind == FunctionKind::User {
            return self.defined_function(definitions);
        }
        let g = self.known_function(kind)?;
        Ok(self.x[0].map(|x| g.at(x)))
    }

    fn known_function(&mut self, kind: FunctionKind) -> Result<G, Error> {
        Ok(match kind {
            FunctionKind::User => unreachable!("it is known by its definition"),
            FunctionKind::Power => G::Power(self.take("p")?),
            FunctionKind::WholePower => G::WholePower(self.take("n")?),
            FunctionKind::Clamp => G::Clamp(self.take("low")?, self.take("high")?),
            FunctionKind::ClampDerivative => G::Inside(self.take("low")?, self.take("high")?),
            FunctionKind::LeakyRelu => G::Curve(Curve::Halves(self.take("slope")?)),
            FunctionKind::LeakyReluDerivative => G::First(Curve::Halves(self.take("slope")?)),
            FunctionKind::Elu => G::Curve(Curve::Elu(self.take("alpha")?)),
            FunctionKind::EluDerivative => G::First(Curve::Elu(self.take("alpha")?)),
            FunctionKind::EluSecondDerivative => G::Second(Curve::Elu(self.take("alpha")?)),
            FunctionKind::ErfHigher => G::ErfDerivative(self.order()? + 2),
            FunctionKind::GeluHigher => G::GeluDerivative(self.order()? + 2),
            FunctionKind::NormalPdfHigher => G::DensityDerivative(self.order()? + 1),
            FunctionKind::NormalOrZero => G::NormalOrZero { least: self.least_normal },
            FunctionKind::Identity => G::Identity,
            FunctionKind::Exp => G::Elementary(Elementary::Exp),
            FunctionKind::Ln => G::Elementary(Elementary::Ln),
            FunctionKind::Ln1p => G::Elementary(Elementary::Ln1p),
            FunctionKind::ExpM1 => G::Elementary(Elementary::ExpM1),
            FunctionKind::Sqrt => G::Elementary(Elementary::Sqrt),
            FunctionKind::Square => G::Square,
            FunctionKind::Sin => G::Elementary(Elementary::Sin),
            FunctionKind::Cos => G::Elementary(Elementary::Cos),
            FunctionKind::Abs => G::Abs,
            FunctionKind::Sign => G::Sign,
            FunctionKind::Erf => G::Elementary(Elementary::Erf),
            FunctionKind::ErfDerivative => G::First(Curve::Elementary(Elementary::Erf)),
            FunctionKind::Relu => G::Curve(Curve::Halves(0.0)),
            FunctionKind::ReluDerivative => G::First(Curve::Halves(0.0)),
            FunctionKind::Sigmoid => G::Elementary(Elementary::Sigmoid),
            FunctionKind::SigmoidDerivative => G::First(Curve::Elementary(Elementary::Sigmoid)),
            FunctionKind::LogSigmoid => G::LogSigmoid,
            FunctionKind::Tanh => G::Elementary(Elementary::Tanh),
            FunctionKind::TanhDerivative => G::First(Curve::Elementary(Elementary::Tanh)),
            FunctionKind::Softplus => G::Elementary(Elementary::Softplus),
            FunctionKind::Silu => G::Curve(Curve::Silu),
            FunctionKind::SiluDerivative => G::First(Curve::Silu),
            FunctionKind::SiluSecondDerivative => G::Second(Curve::Silu),
            FunctionKind::GeluTanh => G::Curve(Curve::GeluTanh),
            FunctionKind::GeluTanhDerivative => G::First(Curve::GeluTanh),
            FunctionKind::GeluTanhSecondDerivative => G::Second(Curve::GeluTanh),
            FunctionKind::Gelu => G::Curve(Curve::Gelu),
            FunctionKind::GeluDerivative => G::First(Curve::Gelu),
            FunctionKind::NormalPdf => G::Density,
        })
    }

    fn order(&mut self) -> Result<usize, Error> {
        let k: u32 = self.take("k")?;
        Ok(k as usize)
    }

    fn defined_function(&mut self, definitions: &dyn Defined<N>) -> Result<Grid<N>, Error> {
        let name = self.word("name")?;
        let values: Option<Vec<N>> =
            self.x[0].as_slice().iter().map(|x| definitions.function(&name, x)).collect();
        match values {
            Some(values) => Ok(Grid::of_data(self.rows, self.columns, values)),
            None => Err(Error::NotDefined { entry: self.entry.label(), name: name.into_owned() }),
        }
    }
}

/// A function with its parameters.
#[derive(Debug, Clone, Copy)]
enum G {
    Elementary(Elementary),
    Curve(Curve),
    /// The first derivative.
    First(Curve),
    /// The second derivative.
    Second(Curve),
    Power(f64),
    WholePower(i64),
    Clamp(f64, f64),
    /// 1 within the limits, else 0.
    Inside(f64, f64),
    /// The n-th derivative of erf.
    ErfDerivative(usize),
    /// The n-th derivative of x·Φ(x).
    GeluDerivative(usize),
    Density,
    /// The n-th derivative of φ.
    DensityDerivative(usize),
    NormalOrZero {
        least: f64,
    },
    Identity,
    Square,
    Abs,
    Sign,
    LogSigmoid,
}

impl G {
    fn at<N: Number>(self, x: &N) -> N {
        match self {
            G::Elementary(f) => x.elementary(f),
            G::Curve(g) => g.at(x.clone()),
            G::First(g) => first(g, x),
            G::Second(g) => second(g, x),
            G::Power(p) => x.power(&N::of(p)),
            G::WholePower(n) => whole_power(x, n),
            G::Clamp(low, high) => clamped(x.clone(), &N::of(low), &N::of(high)),
            G::Inside(low, high) => inside(x.clone(), &N::of(low), &N::of(high)),
            G::ErfDerivative(n) => erf_derivative(x, n),
            G::GeluDerivative(n) => gelu_derivative(x, n),
            G::Density => normal_density(x),
            G::DensityDerivative(n) => density_derivative(x, n),
            G::NormalOrZero { least } => normal_or_zero(x, least),
            G::Identity => x.clone(),
            G::Square => x.clone() * x.clone(),
            G::Abs => absolute(x.clone()),
            G::Sign => by_sign(x.clone(), |sign, _| N::of(f64::from(sign as i8))),
            G::LogSigmoid => -(-x.clone()).elementary(Elementary::Softplus),
        }
    }
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

/// x, and 0 where it is below the least normal number; the derivative is 1.
fn normal_or_zero<N: Number>(x: &N, least: f64) -> N {
    // Rounding may move it across.
    let is_near = x.value().abs() < 2.0 * least;
    if is_near && x.value() != 0.0 && x.compare(&N::of(least.copysign(x.value()))).is_none() {
        return x.clone().unordered();
    }
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

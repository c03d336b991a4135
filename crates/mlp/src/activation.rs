//! The activation functions g.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use tape::{Function, FunctionKind};

use crate::text::Short;
use crate::{Error, Init, Result, Scalar};

/// One row an activation: its name, the tape's function, the suited initialisation, and the
/// parameter with its default, where it has one.
macro_rules! activations {
    ($(
        $(#[$doc:meta])*
        $Name:ident $(($p:ident: $T:ident = $default:expr))? { $name:literal, $function:expr, $init:expr }
    )*) => {
        /// An activation function g, applied to each element of Z (eq. 24: A\[l\] = g(Z\[l\])).
        ///
        /// At a kink g′ is the derivative from the left: 0 for relu, the slope for leaky relu, α for elu.
        /// Only for |z| it is 0, the mean of both sides.
        ///
        /// A name, as [`Display`](fmt::Display) prints it, is parsed back; the parameter may be left out.
        ///
        /// ```
        /// use mlp::Activation;
        /// assert_eq!("tanh".parse(), Ok(Activation::<f64>::Tanh));
        /// assert_eq!("leaky_relu(0.2)".parse(), Ok(Activation::LeakyRelu(0.2)));
        /// assert_eq!("Leaky ReLU".parse(), Ok(Activation::LeakyRelu(0.01)));
        /// assert_eq!(Activation::Elu(1.5).to_string(), "elu(1.5)");
        /// assert!("tanhh".parse::<Activation<f64>>().is_err());
        /// ```
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum Activation<T: Scalar> {
            $($(#[$doc])* $Name $(($T))?,)*
            /// A function of the user's own, with its derivative.
            Custom(Function<T>),
        }

        impl<T: Scalar> Activation<T> {
            /// Every activation of this crate, those with a parameter at its default.
            ///
            /// ```
            /// # use mlp::Activation;
            /// for g in Activation::<f32>::all() {
            ///     assert_eq!(g.to_string().parse(), Ok(g));
            /// }
            /// ```
            pub fn all() -> Vec<Self> {
                T::activation_all()
            }

            pub(crate) fn all_here() -> Vec<Self> {
                vec![$(Activation::$Name $(({ let $p: f64 = $default; T::from_f64($p) }))?,)*]
            }

            /// The name without its parameter.
            pub fn name(&self) -> Cow<'_, str> {
                match self {
                    $(Activation::$Name $((activations!(@any $p)))? => $name.into(),)*
                    Activation::Custom(g) => g.name(),
                }
            }

            /// The slope or α, of those that have one.
            pub fn parameter(&self) -> Option<T> {
                match self {
                    $(Activation::$Name $(($p))? => activations!(@parameter $($p)?),)*
                    Activation::Custom(_) => None,
                }
            }

            /// The same function with another slope or α; itself where there is none.
            fn with_parameter(self, parameter: T) -> Self {
                match self {
                    $(Activation::$Name $((activations!(@any $p)))? => {
                        Activation::$Name $(({ let $p = parameter; $p }))?
                    })*
                    Activation::Custom(g) => Activation::Custom(g),
                }
            }

            /// g as the tape's function.
            pub fn function(&self) -> Function<T> {
                match self {
                    $(Activation::$Name $(($p))? => {
                        $(let $p = *$p;)?
                        $function
                    })*
                    Activation::Custom(g) => g.clone(),
                }
            }

            /// The initialisation that was made for it: He for the relu family, Glorot for the
            /// others.
            pub(crate) fn suited_init(&self) -> Init {
                match self {
                    $(Activation::$Name $((activations!(@any $p)))? => $init,)*
                    Activation::Custom(_) => Init::Glorot,
                }
            }
        }
    };
    (@any $p:ident) => { _ };
    (@parameter) => { None };
    (@parameter $p:ident) => { Some(*$p) };
}

activations! {
    /// z.
    Identity { "identity", Function::Identity, Init::Glorot }
    /// z where z > 0, else 0.
    Relu { "relu", Function::Relu, Init::He }
    /// z where z > 0, else slope · z; 0.01 where no slope is given.
    LeakyRelu(slope: T = 0.01) { "leaky_relu", Function::LeakyRelu(slope), Init::He }
    /// z where z > 0, else α · (eᶻ − 1) (Clevert, Unterthiner, Hochreiter 2016); 1 where no α is
    /// given.
    Elu(alpha: T = 1.0) { "elu", Function::Elu(alpha), Init::He }
    /// σ(z) = 1 / (1 + e⁻ᶻ).
    Sigmoid { "sigmoid", Function::Sigmoid, Init::Glorot }
    /// ln σ(z).
    LogSigmoid { "log_sigmoid", Function::LogSigmoid, Init::Glorot }
    /// tanh z.
    Tanh { "tanh", Function::Tanh, Init::Glorot }
    /// ln(1 + eᶻ).
    Softplus { "softplus", Function::Softplus, Init::Glorot }
    /// ½z · (1 + tanh(√(2/π) · (z + 0.044715 z³))), the approximation of [`GeluErf`](Self::GeluErf)
    /// by its authors.
    GeluTanh { "gelu_tanh", Function::GeluTanh, Init::He }
    /// z · Φ(z) with Φ(z) = ½ · (1 + erf(z / √2)) (Hendrycks, Gimpel 2016).
    GeluErf { "gelu_erf", Function::Gelu, Init::He }
    /// z · σ(z).
    Silu { "silu", Function::Silu, Init::He }
    /// sin z.
    Sin { "sin", Function::Sin, Init::Glorot }
    /// cos z.
    Cos { "cos", Function::Cos, Init::Glorot }
    /// |z|.
    Abs { "abs", Function::Abs, Init::Glorot }
}

impl<T: Scalar> Activation<T> {
    /// What an error calls the slope or α.
    fn parameter_name(&self) -> &'static str {
        if matches!(self, Activation::Elu(_)) { "elu" } else { "leaky_relu" }
    }

    /// Whether softmax can follow: a holds logits then, which nothing has limited. A function of
    /// the user's is taken at its word.
    pub(crate) fn gives_logits(&self) -> bool {
        matches!(self.function().kind(), FunctionKind::Identity | FunctionKind::User)
    }

    /// Whether a is in [0, 1] for every z, as log-loss needs it. A function of the user's is taken
    /// at its word.
    pub(crate) fn gives_probabilities(&self) -> bool {
        match self.function() {
            Function::Clamp(low, high) => T::ZERO <= low && high <= T::ONE,
            g => matches!(
                g.kind(),
                FunctionKind::Sigmoid
                    | FunctionKind::SigmoidDerivative
                    | FunctionKind::TanhDerivative
                    | FunctionKind::ReluDerivative
                    | FunctionKind::ClampDerivative
                    | FunctionKind::NormalPdf
                    | FunctionKind::User
            ),
        }
    }

    /// Checks that the slope or α is a finite number.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if it is not.
    pub fn check(&self) -> Result<()> {
        match self.parameter() {
            Some(value) if !value.is_finite() => Err(Error::Hyperparameter {
                name: self.parameter_name(),
                value: value.to_f64(),
                expected: "given a finite parameter",
            }),
            _ => Ok(()),
        }
    }
}

impl<T: Scalar> fmt::Display for Activation<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parameter() {
            Some(parameter) => f.pad(&format!("{}({})", self.name(), Short(parameter))),
            None => f.pad(&self.name()),
        }
    }
}

impl<T: Scalar> FromStr for Activation<T> {
    type Err = Error;

    /// Case does not matter, and a space or hyphen stands for the underscore.
    fn from_str(text: &str) -> Result<Self> {
        T::activation_parse(text)
    }
}

impl<T: Scalar> Activation<T> {
    pub(crate) fn parse_here(text: &str) -> Result<Self> {
        let (name, parameter) = match text.trim().strip_suffix(')').and_then(|rest| rest.split_once('(')) {
            Some((name, parameter)) => (name, Some(parameter.trim())),
            None => (text, None),
        };
        let name = name.trim().to_lowercase().replace([' ', '-'], "_");
        let known = Self::all();
        let unknown = || Error::UnknownName {
            what: "activation",
            name: text.to_string(),
            known: known.iter().map(Self::to_string).collect::<Vec<_>>().join(", "),
        };
        let found = known.iter().find(|g| g.name() == name).cloned().ok_or_else(unknown)?;
        let Some(parameter) = parameter else { return Ok(found) };
        let value: f64 = parameter.parse().map_err(|_| unknown())?;
        if found.parameter().is_none() {
            return Err(unknown());
        }
        let found = found.with_parameter(T::from_f64(value));
        // What rounds to 0 or ∞ would be another function without a word.
        let held = T::from_f64(value).is_finite() && (T::from_f64(value) != T::ZERO || value == 0.0);
        if !held && value.is_finite() {
            let expected = "a number that the network's number type can hold";
            return Err(Error::Hyperparameter { name: found.parameter_name(), value, expected });
        }
        found.check()?;
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_parsed_back() {
        for g in Activation::<f64>::all() {
            assert_eq!(g.to_string().parse(), Ok(g.clone()));
            assert_eq!(g.name().parse(), Ok(g));
        }
        for g in [Activation::LeakyRelu(0.3_f32), Activation::Elu(0.1)] {
            assert_eq!(g.to_string().parse(), Ok(g));
        }
    }

    #[test]
    fn names_are_forgiving_and_parameters_are_not() {
        assert_eq!(" GELU-erf ".parse(), Ok(Activation::<f64>::GeluErf));
        assert_eq!("leaky relu ( 0.5 )".parse(), Ok(Activation::LeakyRelu(0.5)));
        for wrong in ["", "relu(", "relu()", "relu(1)", "elu(a)", "elu(", "(1)", "reluu"] {
            let error = wrong.parse::<Activation<f64>>().unwrap_err();
            assert!(matches!(error, Error::UnknownName { .. }), "{wrong}: {error}");
        }
        assert_eq!(
            "elu(nan)".parse::<Activation<f64>>().unwrap_err().to_string(),
            "elu is NaN, it must be given a finite parameter"
        );
        for (wrong, text) in [("elu(1e300)", "elu is 1e300"), ("leaky_relu(-1e-60)", "leaky_relu is -1e-60")]
        {
            let error = wrong.parse::<Activation<f32>>().unwrap_err().to_string();
            assert_eq!(error, format!("{text}, it must be a number that the network's number type can hold"));
            let held: Activation<f64> = wrong.parse().unwrap();
            assert_eq!(held.to_string(), wrong);
        }
        assert_eq!("leaky_relu(-0.0)".parse(), Ok(Activation::LeakyRelu(0.0_f32)));
    }

    #[test]
    fn an_unknown_name_is_told_the_known_ones() {
        assert_eq!(
            "swish".parse::<Activation<f64>>().unwrap_err().to_string(),
            "activation: \"swish\" is not known, known are identity, relu, leaky_relu(0.01), elu(1), sigmoid, \
             log_sigmoid, tanh, softplus, gelu_tanh, gelu_erf, silu, sin, cos, abs"
        );
    }
}

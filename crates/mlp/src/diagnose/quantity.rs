//! What an equation of the textbook defines.

use std::fmt;
use std::str::FromStr;

/// A kind of equation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Eq. 23.
    Z,
    /// Eq. 24.
    A,
    /// ∂ℒ/∂A\[L\]: eq. 8 for the log-loss.
    OutputDerivative,
    /// ∂ℒ/∂A\[l\], l < L: eq. 28.
    ActivationDerivative,
    /// ∂ℒ/∂Z\[l\]: eq. 16.
    Delta,
    /// ∂J/∂W\[l\]: eq. 26.
    Weights,
    /// ∂J/∂b\[l\]: eq. 27.
    Bias,
}

/// A matrix that an equation defines, with its layer, from 1.
///
/// ```
/// use mlp::diagnose::Quantity;
/// assert_eq!("dJ/dW[2]".parse(), Ok(Quantity::Weights(2)));
/// assert_eq!(Quantity::Weights(2).to_string(), "∂J/∂W[2]");
/// assert_eq!("δ[1]".parse(), Ok(Quantity::Delta(1)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Quantity {
    /// Z\[l\], n_l × m (eq. 23).
    Z(usize),
    /// A\[l\], n_l × m (eq. 24).
    A(usize),
    /// ∂ℒ/∂A\[l\], n_l × m (eq. 28; of the last layer eq. 8 for the log-loss).
    ActivationDerivative(usize),
    /// ∂ℒ/∂Z\[l\] = δ\[l\], n_l × m (eq. 16).
    Delta(usize),
    /// ∂J/∂W\[l\], n_l × n_(l−1) (eq. 26).
    Weights(usize),
    /// ∂J/∂b\[l\], n_l × 1 (eq. 27).
    Bias(usize),
}

impl Quantity {
    /// The layer, from 1.
    pub fn layer(self) -> usize {
        match self {
            Quantity::Z(l)
            | Quantity::A(l)
            | Quantity::ActivationDerivative(l)
            | Quantity::Delta(l)
            | Quantity::Weights(l)
            | Quantity::Bias(l) => l,
        }
    }

    pub(super) fn kind(self, layers: usize) -> Kind {
        match self {
            Quantity::Z(_) => Kind::Z,
            Quantity::A(_) => Kind::A,
            Quantity::ActivationDerivative(l) if l == layers => Kind::OutputDerivative,
            Quantity::ActivationDerivative(_) => Kind::ActivationDerivative,
            Quantity::Delta(_) => Kind::Delta,
            Quantity::Weights(_) => Kind::Weights,
            Quantity::Bias(_) => Kind::Bias,
        }
    }

    /// All of a network in the order in which they are computed: forward, and backward from the last layer.
    pub(super) fn all(layers: usize) -> Vec<Quantity> {
        let forward = (1..=layers).flat_map(|l| [Quantity::Z(l), Quantity::A(l)]);
        let backward = (1..=layers).rev().flat_map(|l| {
            [Quantity::ActivationDerivative(l), Quantity::Delta(l), Quantity::Weights(l), Quantity::Bias(l)]
        });
        forward.chain(backward).collect()
    }

    /// What is computed from it directly, in the direction of a quantity.
    pub(super) fn next_toward(self, target: Quantity) -> Option<Quantity> {
        match (self, target) {
            (Quantity::ActivationDerivative(l), _) => Some(Quantity::Delta(l)),
            (Quantity::Delta(l), _) if l == target.layer() => {
                matches!(target, Quantity::Weights(_) | Quantity::Bias(_)).then_some(target)
            }
            (Quantity::Delta(l), _) if l > 1 => Some(Quantity::ActivationDerivative(l - 1)),
            _ => None,
        }
    }

    /// Whether what is computed from this one leads to the target.
    pub(super) fn leads_to(self, target: Quantity) -> bool {
        let is_propagated = matches!(self, Quantity::ActivationDerivative(_) | Quantity::Delta(_));
        let is_derivative = !matches!(target, Quantity::Z(_) | Quantity::A(_));
        match self.layer().cmp(&target.layer()) {
            std::cmp::Ordering::Greater => is_propagated && is_derivative,
            std::cmp::Ordering::Equal => match (self, target) {
                (Quantity::ActivationDerivative(_), Quantity::Delta(_)) => true,
                (_, Quantity::Weights(_) | Quantity::Bias(_)) => is_propagated,
                _ => false,
            },
            std::cmp::Ordering::Less => false,
        }
    }

    /// The names under which it can be given as numbers, and whether that is ∂J, which is 1/m · ∂ℒ.
    pub(super) fn names(self) -> Vec<(String, bool)> {
        let l = self.layer();
        match self {
            Quantity::Z(_) => vec![(format!("Z[{l}]"), false)],
            Quantity::A(_) => vec![(format!("A[{l}]"), false)],
            Quantity::ActivationDerivative(_) | Quantity::Delta(_) => {
                let of = if matches!(self, Quantity::Delta(_)) { 'Z' } else { 'A' };
                let mut names = vec![
                    (format!("∂ℒ/∂{of}[{l}]"), false),
                    (format!("dL/d{of}[{l}]"), false),
                    (format!("∂J/∂{of}[{l}]"), true),
                    (format!("dJ/d{of}[{l}]"), true),
                ];
                if of == 'Z' {
                    names.extend([(format!("δ[{l}]"), false), (format!("d[{l}]"), false)]);
                }
                names
            }
            Quantity::Weights(_) => vec![(format!("∂J/∂W[{l}]"), false), (format!("dJ/dW[{l}]"), false)],
            Quantity::Bias(_) => vec![(format!("∂J/∂b[{l}]"), false), (format!("dJ/db[{l}]"), false)],
        }
    }
}

/// As the tape calls it: `∂J/∂W[1]`, `∂ℒ/∂Z[1]`.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let l = self.layer();
        f.pad(&match self {
            Quantity::Z(_) => format!("Z[{l}]"),
            Quantity::A(_) => format!("A[{l}]"),
            Quantity::ActivationDerivative(_) => format!("∂ℒ/∂A[{l}]"),
            Quantity::Delta(_) => format!("∂ℒ/∂Z[{l}]"),
            Quantity::Weights(_) => format!("∂J/∂W[{l}]"),
            Quantity::Bias(_) => format!("∂J/∂b[{l}]"),
        })
    }
}

impl FromStr for Quantity {
    type Err = UnknownQuantity;

    fn from_str(text: &str) -> Result<Self, UnknownQuantity> {
        let unknown = || UnknownQuantity { name: text.to_owned() };
        let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let plain = plain.replace(['∂', 'δ'], "d").replace('ℒ', "L");
        let (name, layer) =
            plain.strip_suffix(']').and_then(|rest| rest.split_once('[')).ok_or_else(unknown)?;
        let l: usize = layer.parse().map_err(|_| unknown())?;
        if l == 0 {
            return Err(unknown());
        }
        match name {
            "Z" => Ok(Quantity::Z(l)),
            "A" => Ok(Quantity::A(l)),
            "dL/dA" => Ok(Quantity::ActivationDerivative(l)),
            "dL/dZ" | "d" => Ok(Quantity::Delta(l)),
            "dJ/dW" => Ok(Quantity::Weights(l)),
            "dJ/db" => Ok(Quantity::Bias(l)),
            _ => Err(unknown()),
        }
    }
}

/// No equation of the textbook defines this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownQuantity {
    /// What was written.
    pub name: String,
}

impl fmt::Display for UnknownQuantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = tape::printable(&self.name);
        write!(
            f,
            "\"{name}\" is none of Z[l], A[l], ∂ℒ/∂A[l], ∂ℒ/∂Z[l] (δ[l]), ∂J/∂W[l], ∂J/∂b[l], with l from 1"
        )
    }
}

impl std::error::Error for UnknownQuantity {}

//! Parameters that are trained in another way than the others.

use crate::Result;
use crate::optimizer::{check_decay, check_positive};

/// Parameters, by name, that are trained in another way than the others: at another rate, with
/// another decay, or not at all.
///
/// ```
/// use mlp::{Activation, Mlp, Optimizer, ParameterGroup, Training};
/// use tape::matrix;
/// let mut network = Mlp::<f64>::new(2).layer(3, Activation::Tanh).layer(1, Activation::Sigmoid).build()?;
/// let before = network.clone();
/// let first_layer = ParameterGroup::of(["W[1]", "b[1]"]).frozen();
/// let training = Training::new(Optimizer::adam(0.1)?).group(first_layer)?;
/// training.fit(&mut network, &matrix![[0.0, 1.0], [1.0, 0.0]], &matrix![[0.0, 1.0]])?;
/// assert_eq!(network.parameters()["W[1]"], before.parameters()["W[1]"]);
/// assert_ne!(network.parameters()["W[2]"], before.parameters()["W[2]"]);
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct ParameterGroup {
    pub(super) names: Vec<String>,
    pub(super) rate: Option<f64>,
    pub(super) l1: Option<f64>,
    pub(super) l2: Option<f64>,
    pub(super) weight_decay: Option<f64>,
    pub(super) is_frozen: bool,
}

impl ParameterGroup {
    /// The parameters of these names: `W[1]` of a network, or the name that the tape knows them by.
    pub fn of<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        ParameterGroup { names, rate: None, l1: None, l2: None, weight_decay: None, is_frozen: false }
    }

    /// Their rate is that of all times this factor.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`](crate::Error::Hyperparameter) if it is not a finite number greater than 0.
    pub fn rate_factor(mut self, factor: f64) -> Result<Self> {
        check_positive("rate factor", factor)?;
        self.rate = Some(factor);
        Ok(self)
    }

    /// Their λ of L1, weights or not.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`](crate::Error::Hyperparameter) if it is not a finite number from 0 on.
    pub fn l1(mut self, lambda: f64) -> Result<Self> {
        check_decay("L1 λ", lambda)?;
        self.l1 = Some(lambda);
        Ok(self)
    }

    /// Their λ of L2, weights or not.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`](crate::Error::Hyperparameter) if it is not a finite number from 0 on.
    pub fn l2(mut self, lambda: f64) -> Result<Self> {
        check_decay("L2 λ", lambda)?;
        self.l2 = Some(lambda);
        Ok(self)
    }

    /// Their λ of the decoupled [weight decay](crate::Optimizer::with_weight_decay), weights or not.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`](crate::Error::Hyperparameter) if it is not a finite number from 0 on.
    pub fn weight_decay(mut self, lambda: f64) -> Result<Self> {
        check_decay("weight decay λ", lambda)?;
        self.weight_decay = Some(lambda);
        Ok(self)
    }

    /// They keep their values: no gradient is computed for them.
    #[must_use = "a group belongs to a training"]
    pub fn frozen(mut self) -> Self {
        self.is_frozen = true;
        self
    }
}

#[cfg(feature = "serde")]
impl ParameterGroup {
    /// The same by the methods that look at what they are given.
    pub(super) fn checked(self) -> Result<Self> {
        let ParameterGroup { names, rate, l1, l2, weight_decay, is_frozen } = self;
        let mut group = ParameterGroup { is_frozen, ..ParameterGroup::of(names) };
        group = rate.map_or(Ok(group.clone()), |factor| group.rate_factor(factor))?;
        group = l1.map_or(Ok(group.clone()), |lambda| group.l1(lambda))?;
        group = l2.map_or(Ok(group.clone()), |lambda| group.l2(lambda))?;
        weight_decay.map_or(Ok(group.clone()), |lambda| group.weight_decay(lambda))
    }
}

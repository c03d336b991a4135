//! Whether hyperparameters make sense, and whether a number type can compute with them.

use crate::{Error, Result, Scalar};

/// The least positive normal number of T.
pub(super) fn least<T: Scalar>() -> f64 {
    if T::NAME == "f32" { f32::MIN_POSITIVE.into() } else { f64::MIN_POSITIVE }
}

/// Whether a number that is made of the hyperparameter is neither 0, nor has lost digits, nor ∞ in
/// type T.
pub(crate) fn check_held<T: Scalar>(name: &'static str, value: f64, made: f64) -> Result<()> {
    if made.abs() >= least::<T>() && T::from_f64(made).is_finite() {
        return Ok(());
    }
    let expected = match T::NAME {
        "f32" => "a number that f32 holds, from 1.2e-38 to 3.4e38",
        _ => "a number that f64 holds, from 2.3e-308 to 1.7e308",
    };
    Err(Error::Hyperparameter { name, value, expected })
}

pub(super) fn check_beta_in<T: Scalar>(name: &'static str, beta: f64) -> Result<()> {
    if T::from_f64(beta) < T::ONE {
        return Ok(());
    }
    let expected = match T::NAME {
        "f32" => "in [0, 1) after it is rounded to f32",
        _ => "in [0, 1)",
    };
    Err(Error::Hyperparameter { name, value: beta, expected })
}

pub(crate) fn check_positive(name: &'static str, value: f64) -> Result<()> {
    if value > 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(Error::Hyperparameter { name, value, expected: "a finite number greater than 0" })
}

pub(super) fn check_beta(name: &'static str, value: f64) -> Result<()> {
    if (0.0..1.0).contains(&value) {
        return Ok(());
    }
    Err(Error::Hyperparameter { name, value, expected: "in [0, 1)" })
}

pub(crate) fn check_decay(name: &'static str, value: f64) -> Result<()> {
    if value >= 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(Error::Hyperparameter { name, value, expected: "a finite number, at least 0" })
}

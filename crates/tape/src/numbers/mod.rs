//! Numbers, matrices of them, and what computes with them. Knows nothing of tapes.

pub(crate) mod aligned;
pub(crate) mod kernel;
#[cfg(feature = "kernels")]
pub mod kernels;
pub(crate) mod matrix;
pub(crate) mod scalar;

//! Numbers only: functions of one number and products of matrices. Knows nothing of tapes.

pub(crate) mod functions;
pub(crate) mod product;
pub(crate) mod simd;

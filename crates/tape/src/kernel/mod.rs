//! Numbers only: functions of one number and products of matrices. Knows nothing of tapes.

#[cfg_attr(not(test), allow(dead_code))]
pub(crate) mod functions;
#[cfg_attr(not(test), allow(dead_code))]
pub(crate) mod matmul;
#[cfg_attr(not(test), allow(dead_code))]
pub(crate) mod product;
#[cfg_attr(not(test), allow(dead_code))]
pub(crate) mod simd;
#[cfg_attr(not(test), allow(dead_code))]
pub(crate) mod vector_math;

//! Numbers only: functions of one number and products of matrices. Knows nothing of tapes.

pub(crate) mod blocks;
pub(crate) mod cache;
pub(crate) mod column_sums;
pub(crate) mod divide;
mod fixed;
pub(crate) mod functions;
pub(crate) mod linear_algebra;
pub(crate) mod log_loss;
pub(crate) mod product;
pub(crate) mod short_columns;
pub(crate) mod simd;
pub(crate) mod softmax;
pub(crate) mod threads;
pub(crate) mod transpose;
#[cfg_attr(not(test), allow(dead_code))]
pub(crate) mod vector_math;
pub(crate) mod wide;

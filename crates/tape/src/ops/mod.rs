//! The operations, one family a file: each has its name, shape rule, kernel, VJP and notation in one place.

pub(crate) mod custom;
pub(crate) mod guarded;
pub(crate) mod labels;
pub(crate) mod leaf;
pub(crate) mod log_loss;
pub(crate) mod map;
pub(crate) mod matmul;
pub(crate) mod power;
pub(crate) mod reduce;
pub(crate) mod scale;
pub(crate) mod select;
pub(crate) mod softmax;
pub(crate) mod stack;
pub(crate) mod zip;

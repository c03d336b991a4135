//! Numbers only: functions of one number and products of matrices. Knows nothing of tapes.

pub(crate) mod functions;
pub(crate) mod product;
pub(crate) mod simd;
#[cfg_attr(not(test), allow(dead_code))]
pub(crate) mod vector_math;

/// All that a number type needs for the kernels: to be a supertrait of the sealed trait behind `Scalar`.
#[cfg_attr(not(test), allow(dead_code))]
#[allow(unreachable_pub)] // a supertrait of a public trait
pub trait Kernels: product::Multiply + vector_math::VectorMath {}

impl Kernels for f32 {}
impl Kernels for f64 {}

//! The two number types that every peer knows.

use crate::cases::{Hidden, Start};
use crate::peers::Peer;
use crate::peers::dfdx::Step;

/// `f32` or `f64`, with what each peer asks of it.
pub(crate) trait Number:
    mlp::Scalar + candle_core::WithDType + burn::tensor::Element + dfdx::prelude::Dtype
{
    /// Most that a peer's J or gradient may differ from the tape's, relative to the norm of the tape's.
    ///
    /// Both round, each in its own order. At most 4.1e-6 and 9.9e-15 were seen, in `tall`, whose gradients are sums over 65 536
    /// examples; a Z[l] close to 0 may also have another sign, which turns an example on or off in a ReLU's gradient. The
    /// limits leave room for both, and are far below what a forgotten term or factor would make.
    const TOLERANCE: f64;

    /// dfdx's traits are implemented type by type, so the generic code cannot build its step.
    fn dfdx(start: &Start<Self>, hidden: Hidden) -> Box<dyn Peer<Self>>;
}

impl Number for f32 {
    const TOLERANCE: f64 = 1e-3;

    fn dfdx(start: &Start<Self>, hidden: Hidden) -> Box<dyn Peer<Self>> {
        Box::new(Step::new(start, hidden))
    }
}

impl Number for f64 {
    const TOLERANCE: f64 = 1e-9;

    fn dfdx(start: &Start<Self>, hidden: Hidden) -> Box<dyn Peer<Self>> {
        Box::new(Step::new(start, hidden))
    }
}

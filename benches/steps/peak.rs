//! What the processor can do at most: multiply-adds on vectors that never leave the registers.

use std::hint::black_box;
use std::time::Instant;

use tape::{Scalar, kernels};

/// GFLOP/s of one core, the best of some runs.
pub(crate) fn gflops<T: Scalar>() -> f64 {
    let (run, lanes): (fn(), usize) = match T::NAME {
        "f32" => (single, SINGLE_LANES),
        _ => (double, DOUBLE_LANES),
    };
    let once = || {
        let start = Instant::now();
        run();
        2.0 * (lanes * CHAINS * ROUNDS) as f64 / start.elapsed().as_secs_f64() / 1e9
    };
    (0..20).map(|_| once()).fold(0.0, f64::max)
}

/// Enough chains to hide the latency of an instruction, few enough for the registers.
const CHAINS: usize = 6;
const ROUNDS: usize = 200_000;
/// Numbers of a chain: a vector of AVX-512.
const SINGLE_LANES: usize = 16;
const DOUBLE_LANES: usize = 8;

/// A function for each type: as a generic one it would call the library's fused multiply-add.
macro_rules! multiply_adds {
    ($name:ident, $t:ty, $lanes:expr) => {
        fn $name() {
            let start: [$t; 2] = black_box([0.999_999, 1e-7]);
            let chains = kernels::vectorised(
                #[inline(always)]
                move || {
                    // In the closure, so that they are in registers.
                    let ([x, y], mut chains) = (start, [[1.0; $lanes]; CHAINS]);
                    for _ in 0..ROUNDS {
                        for chain in &mut chains {
                            for value in chain {
                                *value = <$t>::mul_add(*value, x, y);
                            }
                        }
                    }
                    chains
                },
            );
            black_box(&chains);
        }
    };
}

multiply_adds!(single, f32, SINGLE_LANES);
multiply_adds!(double, f64, DOUBLE_LANES);

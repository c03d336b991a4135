//! What the processor can do at most: multiply-adds on vectors that never leave the registers.

use std::hint::black_box;
use std::time::Instant;

use tape::{Scalar, kernels};

/// GFLOP/s of one core, the best of some runs.
pub(crate) fn gflops<T: Scalar>() -> f64 {
    let run = || {
        let start = Instant::now();
        match T::NAME {
            "f32" => black_box(multiply_adds::<f32, 16>(
                #[inline(always)]
                |x, y, z| x.mul_add(y, z),
            )) as f64,
            _ => black_box(multiply_adds::<f64, 8>(
                #[inline(always)]
                |x, y, z| x.mul_add(y, z),
            )),
        };
        let lanes = if T::NAME == "f32" { 16.0 } else { 8.0 };
        2.0 * lanes * CHAINS as f64 * ROUNDS as f64 / start.elapsed().as_secs_f64() / 1e9
    };
    (0..20).map(|_| run()).fold(0.0, f64::max)
}

/// Enough chains to hide the latency of an instruction, few enough for the registers.
const CHAINS: usize = 12;
const ROUNDS: usize = 200_000;

fn multiply_adds<T: Scalar, const LANES: usize>(mul_add: impl Fn(T, T, T) -> T) -> T {
    let (x, y) = (black_box(T::from_f64(0.999_999)), black_box(T::from_f64(1e-7)));
    let mut chains = [[T::ONE; LANES]; CHAINS];
    kernels::vectorised(
        #[inline(always)]
        || {
            for _ in 0..ROUNDS {
                for chain in &mut chains {
                    for value in chain {
                        *value = mul_add(*value, x, y);
                    }
                }
            }
        },
    );
    chains.iter().flatten().copied().sum()
}

//! What the processor can do at most: multiply-adds on vectors that never leave the registers.

use std::hint::black_box;
use std::sync::Mutex;
use std::time::Instant;

use mlp::Scalar;
use tape::kernels;

/// GFLOP/s of one core, an upper bound of what products reach: the best of many runs with each number of sums side by side, now and
/// at every earlier call, as a processor is not always as fast.
pub(crate) fn gflops<T: Scalar>() -> f64 {
    static BEST: Mutex<[f64; 2]> = Mutex::new([0.0; 2]);
    let fused = kernels::instruction_set().is_ok_and(|set| ["avx512", "avx2", "neon"].contains(&set));
    let (at, found) = match (T::NAME, fused) {
        ("f32", true) => (0, best_of(&single::ways::<true>())),
        ("f32", false) => (0, best_of(&single::ways::<false>())),
        (_, true) => (1, best_of(&double::ways::<true>())),
        (_, false) => (1, best_of(&double::ways::<false>())),
    };
    let mut best = BEST.lock().expect("no measurement panics");
    best[at] = best[at].max(found);
    best[at]
}

/// Computes, and says how many floating-point operations that were.
type Way = fn() -> usize;

fn best_of(ways: &[Way]) -> f64 {
    let once = |way: &Way| {
        let start = Instant::now();
        let operations = way();
        operations as f64 / start.elapsed().as_secs_f64() / 1e9
    };
    (0..20).flat_map(|_| ways.iter().map(once)).fold(0.0, f64::max)
}

const ROUNDS: usize = 20_000;

/// A module for each type: as a generic function it would call the library's fused multiply-add.
macro_rules! multiply_adds {
    ($name:ident, $t:ty) => {
        mod $name {
            use super::*;

            /// Numbers of a vector of 16, 32 and 64 bytes.
            const NARROW: usize = 16 / size_of::<$t>();
            const MIDDLE: usize = 32 / size_of::<$t>();
            const WIDE: usize = 64 / size_of::<$t>();

            /// A multiply-add takes some four cycles, and two to four of them begin in each: 8 to 16 sums side by side keep all
            /// multipliers busy, if they fit the 16 or 32 registers beside two operands. Too many leave the registers, and too few
            /// wait: either is slower, so the fastest is the processor's.
            pub(super) fn ways<const FUSED: bool>() -> [Way; 11] {
                [
                    run::<NARROW, 8, FUSED>,
                    run::<NARROW, 12, FUSED>,
                    run::<NARROW, 16, FUSED>,
                    run::<NARROW, 24, FUSED>,
                    run::<MIDDLE, 8, FUSED>,
                    run::<MIDDLE, 10, FUSED>,
                    run::<MIDDLE, 12, FUSED>,
                    run::<WIDE, 8, FUSED>,
                    run::<WIDE, 12, FUSED>,
                    run::<WIDE, 16, FUSED>,
                    run::<WIDE, 24, FUSED>,
                ]
            }

            fn run<const LANES: usize, const SUMS: usize, const FUSED: bool>() -> usize {
                // Each begins with another number: equal ones could be one to the compiler.
                let start: ([$t; 2], [$t; SUMS]) =
                    black_box(([0.999_999, 1e-7], std::array::from_fn(|i| 1.0 + i as $t)));
                let sums = kernels::vectorised(
                    #[inline(always)]
                    move || {
                        // In the closure, so that they are in registers.
                        let ([x, y], starts) = start;
                        let mut sums = [[0.0; LANES]; SUMS];
                        for i in 0..SUMS {
                            sums[i] = [starts[i]; LANES];
                        }
                        for _ in 0..ROUNDS {
                            for sum in &mut sums {
                                for value in sum {
                                    *value = if FUSED { <$t>::mul_add(*value, x, y) } else { *value * x + y };
                                }
                            }
                        }
                        sums
                    },
                );
                black_box(&sums);
                2 * LANES * SUMS * ROUNDS
            }
        }
    };
}

multiply_adds!(single, f32);
multiply_adds!(double, f64);

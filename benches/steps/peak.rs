//! What the processor can do at most: multiply-adds on vectors that never leave the registers.

use std::hint::black_box;
use std::sync::Mutex;
use std::time::Instant;

use mlp::Scalar;
use pulp::{Arch, Simd, WithSimd};
use tape::kernels;

/// GFLOP/s of one core, an upper bound of what products reach: the best of many runs with each number of sums side by side, now and
/// at every earlier call, as a processor is not always as fast.
pub(crate) fn gflops<T: Scalar>() -> f64 {
    static BEST: Mutex<[f64; 2]> = Mutex::new([0.0; 2]);
    let (at, found) = match T::NAME {
        "f32" => (0, best_of(&single::WAYS)),
        _ => (1, best_of(&double::WAYS)),
    };
    let mut best = BEST.lock().expect("no measurement panics");
    best[at] = best[at].max(found);
    best[at]
}

/// Computes on the vectors of an instruction set, and says how many floating-point operations that were.
type Way = fn(Arch) -> usize;

fn best_of(ways: &[Way]) -> f64 {
    let arch = arch();
    let once = |way: &Way| {
        let start = Instant::now();
        let operations = way(arch);
        operations as f64 / start.elapsed().as_secs_f64() / 1e9
    };
    (0..20).flat_map(|_| ways.iter().map(once)).fold(0.0, f64::max)
}

/// The instruction set that the tape's kernels run on.
fn arch() -> Arch {
    let set = kernels::instruction_set().expect("one that the processor has");
    #[cfg(target_arch = "x86_64")]
    let found = match set {
        "avx512" => pulp::x86::V4::try_new().map(Arch::V4),
        "avx2" => pulp::x86::V3::try_new().map(Arch::V3),
        _ => None,
    };
    #[cfg(target_arch = "aarch64")]
    let found = (set == "neon").then(pulp::aarch64::Neon::try_new).flatten().map(Arch::Neon);
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let found = None;
    found.unwrap_or_else(|| {
        assert_eq!(set, "baseline", "the peak of {set} is not measured");
        Arch::Scalar
    })
}

const ROUNDS: usize = 20_000;

/// A module for each type, whose vectors have names of their own.
macro_rules! multiply_adds {
    ($name:ident, $t:ty, $lanes:ident, $splat:ident, $multiply_add:ident) => {
        mod $name {
            use super::*;

            /// A multiply-add takes some four cycles, and two to four of them begin in each: 8 to 16 sums side by side keep all
            /// multipliers busy, if they fit the 16 or 32 registers beside two operands. Too many leave the registers, and too few
            /// wait: either is slower, so the fastest is the processor's.
            pub(super) const WAYS: [Way; 5] = [run::<8>, run::<10>, run::<12>, run::<16>, run::<24>];

            fn run<const SUMS: usize>(arch: Arch) -> usize {
                match arch {
                    Arch::Scalar => baseline::<SUMS>(),
                    _ => arch.dispatch(Sums::<SUMS>),
                }
            }

            struct Sums<const SUMS: usize>;

            impl<const SUMS: usize> WithSimd for Sums<SUMS> {
                type Output = usize;
                #[inline(always)]
                fn with_simd<S: Simd>(self, simd: S) -> usize {
                    let [x, y, start]: [$t; 3] = black_box([0.999_999, 1e-7, 1.0]);
                    let (x, y) = (simd.$splat(x), simd.$splat(y));
                    let mut sums = [simd.$splat(start); SUMS];
                    // Each begins with another number: equal ones could be one to the compiler.
                    for i in 0..SUMS {
                        sums[i] = simd.$splat(start + i as $t);
                    }
                    for _ in 0..ROUNDS {
                        for i in 0..SUMS {
                            sums[i] = simd.$multiply_add(sums[i], x, y);
                        }
                    }
                    black_box(&sums);
                    2 * S::$lanes * SUMS * ROUNDS
                }
            }

            /// Vectors of 16 bytes, as every processor has them; a multiplication and an addition are two instructions.
            fn baseline<const SUMS: usize>() -> usize {
                const LANES: usize = 16 / size_of::<$t>();
                let ([x, y], starts): ([$t; 2], [$t; SUMS]) =
                    black_box(([0.999_999, 1e-7], std::array::from_fn(|i| 1.0 + i as $t)));
                let mut sums = starts.map(|start| [start; LANES]);
                for _ in 0..ROUNDS {
                    for sum in &mut sums {
                        for value in sum {
                            *value = *value * x + y;
                        }
                    }
                }
                black_box(&sums);
                2 * LANES * SUMS * ROUNDS
            }
        }
    };
}

multiply_adds!(single, f32, F32_LANES, splat_f32s, mul_add_f32s);
multiply_adds!(double, f64, F64_LANES, splat_f64s, mul_add_f64s);

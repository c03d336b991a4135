//! Vectors of the best instruction set that the processor has, decided when the program runs.
//!
//! `pulp` brings the vectors behind safe functions; which of its instruction sets is used is
//! decided once, in [`choose`].

use crate::numbers::aligned::Aligned;
use crate::{Error, Result};
use pulp::{Arch, Simd, WithSimd};
use std::cell::Cell;
use std::sync::OnceLock;
use std::thread::LocalKey;

/// The environment variable that names the instruction set to be used, in place of the best one.
const VARIABLE: &str = "TAPE_SIMD";

/// The instruction sets that the processor has, with their names, the best one first.
pub(crate) fn instruction_sets() -> Vec<(&'static str, Arch)> {
    let mut sets = Vec::new();
    #[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
    {
        sets.extend(pulp::x86::V4::try_new().map(|simd| ("avx512", Arch::V4(simd))));
        sets.extend(pulp::x86::V3::try_new().map(|simd| ("avx2", Arch::V3(simd))));
    }
    #[cfg(target_arch = "aarch64")]
    sets.extend(pulp::aarch64::Neon::try_new().map(|simd| ("neon", Arch::Neon(simd))));
    #[cfg(target_arch = "wasm32")]
    sets.extend(pulp::wasm::Simd128::try_new().map(|simd| ("simd128", Arch::Simd128(simd))));
    sets.push(("baseline", Arch::Scalar));
    sets
}

/// What kernels run on, and whether it is what the environment asks for.
struct Choice {
    arch: Arch,
    name: Result<&'static str>,
}

static CHOICE: OnceLock<Choice> = OnceLock::new();

/// The instruction set that is asked for, or the best one if none is, or if the processor does not
/// have it.
fn choose(asked: Option<&str>) -> Choice {
    let sets = instruction_sets();
    let Some(asked) = asked.filter(|asked| !asked.is_empty()) else {
        return Choice { arch: sets[0].1, name: Ok(sets[0].0) };
    };
    match sets.iter().find(|(name, _)| *name == asked) {
        Some(&(name, arch)) => Choice { arch, name: Ok(name) },
        None => {
            let there = sets.iter().map(|&(name, _)| name).collect::<Vec<_>>().join(", ");
            Choice { arch: sets[0].1, name: Err(Error::InstructionSet { asked: asked.to_owned(), there }) }
        }
    }
}

#[cold]
fn chosen() -> &'static Choice {
    CHOICE.get_or_init(|| {
        let asked = std::env::var_os(VARIABLE);
        choose(asked.as_ref().map(|asked| asked.to_string_lossy()).as_deref())
    })
}

/// The name of the instruction set that kernels run on.
///
/// # Errors
/// [`Error::InstructionSet`] if it is not the one that the environment asks for.
pub(crate) fn instruction_set() -> Result<&'static str> {
    chosen().name.clone()
}

/// Runs an operation compiled for the chosen instruction set: AVX-512, AVX2 with FMA, NEON or the
/// baseline.
#[inline(always)]
pub(crate) fn dispatch<O: WithSimd>(operation: O) -> O::Output {
    let choice = CHOICE.get().unwrap_or_else(|| chosen());
    match choice.arch {
        #[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
        Arch::V4(simd) => Simd::vectorize(simd, operation),
        #[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
        Arch::V3(simd) => Simd::vectorize(simd, operation),
        #[cfg(target_arch = "aarch64")]
        Arch::Neon(simd) => Simd::vectorize(simd, operation),
        #[cfg(target_arch = "wasm32")]
        Arch::Simd128(simd) => Simd::vectorize(simd, operation),
        _ => baseline(operation),
    }
}

/// Never inlined, as the others cannot be: a kernel that calls kernels would hold the baseline's
/// code of all of them, for each instruction set and each place.
#[inline(never)]
fn baseline<O: WithSimd>(operation: O) -> O::Output {
    operation.with_simd(pulp::Scalar::new())
}

/// Runs a closure compiled for the best instruction set. It has to be `#[inline(always)] move || …`,
/// and so have closures in it that its loops call: what is not inlined is compiled for the baseline,
/// and a number that is borrowed is read again for each element, as what is written might be in its
/// place: then there are no vectors.
#[inline(always)]
pub(crate) fn vectorised<R>(f: impl FnOnce() -> R) -> R {
    dispatch(f)
}

/// A computation with [`Real`](super::vector_math::Real) numbers, to be compiled for several
/// instruction sets.
pub(crate) trait Loops {
    /// What it gives.
    type Output;
    /// The computation, to be `#[inline(always)]`. F says whether x·y + z is one instruction.
    fn run<const F: bool>(self) -> Self::Output;
}

/// Runs a computation compiled for the best instruction set.
#[inline(always)]
pub(crate) fn run<L: Loops>(loops: L) -> L::Output {
    struct Run<L>(L);
    impl<L: Loops> WithSimd for Run<L> {
        type Output = L::Output;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> L::Output {
            if const { is_fused::<S>() } { self.0.run::<true>() } else { self.0.run::<false>() }
        }
    }
    dispatch(Run(loops))
}

/// Whether multiply-add is one instruction that rounds once. Where it is not, `mul_add` would be a
/// library call.
#[inline(always)]
pub(crate) const fn is_fused<S: Simd>() -> bool {
    !S::IS_SCALAR && cfg!(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64"))
}

/// Asks the processor to bring a cache line near, and does not wait for it. Other architectures
/// than x86-64 have no safe way to ask.
#[inline(always)]
pub(crate) fn prefetch<T>(at: &T) {
    #[cfg(target_arch = "x86_64")]
    shuffles::sse()._mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(std::ptr::from_ref(at).cast());
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// A number type that fills vectors.
///
/// The functions stand for `pulp`'s, which have one name for each type.
#[allow(unreachable_pub)] // a supertrait of a public trait
pub trait Lanes:
    Copy + Default + PartialEq + std::ops::Add<Output = Self> + std::ops::Mul<Output = Self> + 'static
{
    /// A vector of an instruction set.
    type Vector<S: Simd>: Copy;
    /// How many numbers a vector holds.
    fn lanes<S: Simd>() -> usize;
    /// A vector with x in every lane.
    fn splat<S: Simd>(simd: S, x: Self) -> Self::Vector<S>;
    /// x + y.
    fn add_vectors<S: Simd>(simd: S, x: Self::Vector<S>, y: Self::Vector<S>) -> Self::Vector<S>;
    /// x·y.
    fn multiply<S: Simd>(simd: S, x: Self::Vector<S>, y: Self::Vector<S>) -> Self::Vector<S>;
    /// x/y.
    fn divide<S: Simd>(simd: S, x: Self::Vector<S>, y: Self::Vector<S>) -> Self::Vector<S>;
    /// x·y + z, rounded once where the instruction set can.
    fn multiply_add<S: Simd>(
        simd: S,
        x: Self::Vector<S>,
        y: Self::Vector<S>,
        z: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// The sum of the lanes.
    fn sum_lanes<S: Simd>(simd: S, x: Self::Vector<S>) -> Self;
    /// The vectors that a slice consists of, and the numbers left over.
    fn vectors<S: Simd>(x: &[Self]) -> (&[Self::Vector<S>], &[Self]);
    /// The vectors that a slice consists of, and the numbers left over.
    fn vectors_mut<S: Simd>(x: &mut [Self]) -> (&mut [Self::Vector<S>], &mut [Self]);
    /// A vector that begins with a slice shorter than it, and 0 in the lanes after that.
    fn load_part<S: Simd>(simd: S, x: &[Self]) -> Self::Vector<S>;
    /// The first lanes of a vector, as many as a slice shorter than it has numbers.
    fn store_part<S: Simd>(simd: S, x: Self::Vector<S>, out: &mut [Self]);
    /// The columns of a square, of its rows.
    fn transposed(rows: [[Self; SIDE]; SIDE]) -> [[Self; SIDE]; SIDE];
    /// Where the thread keeps its scratch memory from one use to the next. To be taken, and to be
    /// put back.
    ///
    /// Not lent to a closure, which would be compiled for the baseline unless it happens to be
    /// inlined.
    fn scratch() -> &'static LocalKey<Cell<Aligned<Self>>>;
}

macro_rules! lanes {
    ($t:ident, $vector:ident, $lanes:ident, $splat:ident, $add:ident, $multiply:ident, $divide:ident, $multiply_add:ident, $sum:ident,
     $vectors:ident, $vectors_mut:ident, $load_part:ident, $store_part:ident, $transposed:ident) => {
        impl Lanes for $t {
            type Vector<S: Simd> = S::$vector;

            #[inline(always)]
            fn lanes<S: Simd>() -> usize {
                S::$lanes
            }
            #[inline(always)]
            fn splat<S: Simd>(simd: S, x: Self) -> S::$vector {
                simd.$splat(x)
            }
            #[inline(always)]
            fn add_vectors<S: Simd>(simd: S, x: S::$vector, y: S::$vector) -> S::$vector {
                simd.$add(x, y)
            }
            #[inline(always)]
            fn multiply<S: Simd>(simd: S, x: S::$vector, y: S::$vector) -> S::$vector {
                simd.$multiply(x, y)
            }
            #[inline(always)]
            fn divide<S: Simd>(simd: S, x: S::$vector, y: S::$vector) -> S::$vector {
                simd.$divide(x, y)
            }
            #[inline(always)]
            fn multiply_add<S: Simd>(simd: S, x: S::$vector, y: S::$vector, z: S::$vector) -> S::$vector {
                simd.$multiply_add(x, y, z)
            }
            #[inline(always)]
            fn sum_lanes<S: Simd>(simd: S, x: S::$vector) -> Self {
                simd.$sum(x)
            }
            #[inline(always)]
            fn vectors<S: Simd>(x: &[Self]) -> (&[S::$vector], &[Self]) {
                S::$vectors(x)
            }
            #[inline(always)]
            fn vectors_mut<S: Simd>(x: &mut [Self]) -> (&mut [S::$vector], &mut [Self]) {
                S::$vectors_mut(x)
            }
            #[inline(always)]
            fn load_part<S: Simd>(simd: S, x: &[Self]) -> S::$vector {
                simd.$load_part(x)
            }
            #[inline(always)]
            fn store_part<S: Simd>(simd: S, x: S::$vector, out: &mut [Self]) {
                simd.$store_part(out, x);
            }
            #[inline(always)]
            fn transposed(rows: [[Self; SIDE]; SIDE]) -> [[Self; SIDE]; SIDE] {
                $transposed(rows)
            }
            #[inline(always)]
            fn scratch() -> &'static LocalKey<Cell<Aligned<Self>>> {
                thread_local!(static SCRATCH: Cell<Aligned<$t>> = const { Cell::new(Aligned::empty()) });
                &SCRATCH
            }
        }
    };
}

lanes!(
    f32,
    f32s,
    F32_LANES,
    splat_f32s,
    add_f32s,
    mul_f32s,
    div_f32s,
    mul_add_e_f32s,
    reduce_sum_f32s,
    as_simd_f32s,
    as_mut_simd_f32s,
    partial_load_f32s,
    partial_store_f32s,
    transposed_f32
);
lanes!(
    f64,
    f64s,
    F64_LANES,
    splat_f64s,
    add_f64s,
    mul_f64s,
    div_f64s,
    mul_add_e_f64s,
    reduce_sum_f64s,
    as_simd_f64s,
    as_mut_simd_f64s,
    partial_load_f64s,
    partial_store_f64s,
    transposed_f64
);

/// A vector that begins with some numbers: with all of them, and 0 in its other lanes, if they are
/// but a PART of one.
#[inline(always)]
pub(crate) fn load<T: Lanes, S: Simd, const PART: bool>(simd: S, x: &[T]) -> T::Vector<S> {
    if PART { T::load_part(simd, x) } else { T::vectors::<S>(&x[..T::lanes::<S>()]).0[0] }
}

/// Stores a vector, or the PART of it that there is room for.
#[inline(always)]
pub(crate) fn store<T: Lanes, S: Simd, const PART: bool>(simd: S, x: T::Vector<S>, out: &mut [T]) {
    if PART {
        T::store_part(simd, x, out);
    } else {
        T::vectors_mut::<S>(&mut out[..T::lanes::<S>()]).0[0] = x;
    }
}

/// Rows and columns of a square that is transposed at a time.
pub(crate) const SIDE: usize = 4;

/// The shuffles that a compiler does not find: it moves number by number, which made products with
/// a transposed left operand slower by up to a fifth.
#[cfg(target_arch = "x86_64")]
mod shuffles {
    use std::arch::x86_64::__m128;

    use pulp::bytemuck::cast;
    use pulp::core_arch::x86::Sse;

    /// Every processor of this architecture has these instructions.
    #[inline(always)]
    pub(super) fn sse() -> Sse {
        Sse::try_new().expect("SSE")
    }

    #[inline(always)]
    pub(super) fn transposed_f32(rows: [[f32; 4]; 4]) -> [[f32; 4]; 4] {
        let sse = sse();
        let [a, b, c, d] = rows;
        let (a, b, c, d): (__m128, __m128, __m128, __m128) = (cast(a), cast(b), cast(c), cast(d));
        let (ab, ab_high) = (sse._mm_unpacklo_ps(a, b), sse._mm_unpackhi_ps(a, b));
        let (cd, cd_high) = (sse._mm_unpacklo_ps(c, d), sse._mm_unpackhi_ps(c, d));
        [
            cast(sse._mm_movelh_ps(ab, cd)),
            cast(sse._mm_movehl_ps(cd, ab)),
            cast(sse._mm_movelh_ps(ab_high, cd_high)),
            cast(sse._mm_movehl_ps(cd_high, ab_high)),
        ]
    }

    /// Halves of a vector are numbers here.
    #[inline(always)]
    pub(super) fn transposed_f64(rows: [[f64; 4]; 4]) -> [[f64; 4]; 4] {
        let sse = sse();
        let [a, b, c, d] = rows;
        let (a, b, c, d): ([__m128; 2], [__m128; 2], [__m128; 2], [__m128; 2]) =
            (cast(a), cast(b), cast(c), cast(d));
        [
            cast([sse._mm_movelh_ps(a[0], b[0]), sse._mm_movelh_ps(c[0], d[0])]),
            cast([sse._mm_movehl_ps(b[0], a[0]), sse._mm_movehl_ps(d[0], c[0])]),
            cast([sse._mm_movelh_ps(a[1], b[1]), sse._mm_movelh_ps(c[1], d[1])]),
            cast([sse._mm_movehl_ps(b[1], a[1]), sse._mm_movehl_ps(d[1], c[1])]),
        ]
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod shuffles {
    use super::SIDE;

    pub(super) use transposed as transposed_f32;
    pub(super) use transposed as transposed_f64;

    #[inline(always)]
    pub(super) fn transposed<T: Copy>(rows: [[T; SIDE]; SIDE]) -> [[T; SIDE]; SIDE] {
        std::array::from_fn(
            #[inline(always)]
            |j| {
                rows.map(
                    #[inline(always)]
                    |row| row[j],
                )
            },
        )
    }
}

use shuffles::{transposed_f32, transposed_f64};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instruction_set_is_found_by_its_name() {
        let sets = instruction_sets();
        assert_eq!(sets.last().map(|set| set.0), Some("baseline"), "every processor has it");
        for &(name, _) in &sets {
            assert_eq!(choose(Some(name)).name, Ok(name));
        }
        for nothing in [None, Some("")] {
            assert_eq!(choose(nothing).name, Ok(sets[0].0), "the best one");
        }
    }

    #[test]
    fn what_the_processor_does_not_have_is_an_error() {
        for asked in
            ["AVX2", "sse9", " baseline", if cfg!(target_arch = "aarch64") { "avx2" } else { "neon" }]
        {
            let Err(Error::InstructionSet { asked: told, there }) = choose(Some(asked)).name else {
                panic!("{asked:?} was found")
            };
            assert_eq!(told, asked);
            assert!(there.ends_with("baseline"), "{there}");
        }
    }

    #[test]
    fn kernels_run_on_what_the_environment_asks_for() {
        /// How many numbers a vector holds.
        struct Width;
        impl WithSimd for Width {
            type Output = usize;
            fn with_simd<S: Simd>(self, _: S) -> usize {
                S::F64_LANES
            }
        }
        let name = instruction_set().expect("tests are run on what there is");
        if let Some(asked) = std::env::var_os(VARIABLE).filter(|asked| !asked.is_empty()) {
            assert_eq!(asked.to_str(), Some(name));
        }
        let width = match name {
            "avx512" => 8,
            "avx2" => 4,
            "neon" | "simd128" => 2,
            "baseline" => 1,
            other => panic!("an instruction set without a test: {other}"),
        };
        assert_eq!(dispatch(Width), width);
    }

    /// This process runs the tests of matrices and kernels again, on every other instruction set.
    #[test]
    fn kernels_are_right_on_every_instruction_set() {
        let here = instruction_set().expect("tests are run on what there is");
        for (set, _) in instruction_sets().into_iter().filter(|&(set, _)| set != here) {
            let this = std::env::current_exe().expect("the tests know where they are");
            let mut again = std::process::Command::new(this);
            again.args(["numbers::", "program::run::", "--skip", "kernels_are_right_on"]);
            let output = again.env(VARIABLE, set).output().expect("the tests run again");
            let told = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{set}:\n{told}{}", String::from_utf8_lossy(&output.stderr));
            assert!(told.contains("kernels_run_on_what_the_environment_asks_for ... ok"), "{set}:\n{told}");
        }
    }
}

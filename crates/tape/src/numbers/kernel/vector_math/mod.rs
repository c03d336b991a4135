//! Functions of all numbers of a slice, within 2.5 units in the last place of the true value.
//!
//! A number gives the same bits wherever it stands in a slice of any length, and in place as well
//! as not. The functions of one number that they are made of are in [`lane`], to be called in loops
//! that do more.
//!
//! The loops are plain: under AVX-512 the compiler makes vectors of 16, of 8 and of 4 of them and
//! leaves no more than three numbers to scalar instructions. Filling short slices up to a vector
//! was measured to be slower.

pub(crate) mod lane;
pub(crate) mod real;
#[cfg(test)]
mod tests;
pub(crate) mod zeros;

use super::simd::{Loops, run};
#[allow(unreachable_pub)] // a supertrait of a public trait
pub use real::Real;

/// The type of a parameter that a repetition is driven by.
macro_rules! replace {
    ($name:ident $t:ty) => {
        $t
    };
}

/// Defines, in [`VectorMath`] and for both types, functions of slices by functions of one number.
///
/// They are compiled here and not, as generic functions would be, in the crate that uses them, with
/// its optimisation.
macro_rules! functions {
    (
        functions { $($(#[$doc:meta])* $lane:ident: $into:ident, $in_place:ident $(($parameter:ident))?;)* }
        periodic { $($(#[$periodic_doc:meta])* $periodic:ident: $periodic_into:ident, $periodic_in_place:ident;)* }
        pairs { $($(#[$pair_doc:meta])* $pair:ident: $pair_into:ident, $pair_in_place:ident $(($pair_parameter:ident))?;)* }
    ) => {
        /// A number type with functions of all numbers of a slice.
        ///
        /// What ends in `into` writes the values to a second slice of the same length, what ends in
        /// `in_place` replaces the numbers by them. What is named for a derivative too writes it to
        /// a slice of its own.
        #[allow(unreachable_pub)] // a supertrait of a public trait
        pub trait VectorMath: Real {
            $(
                $(#[$doc])*
                fn $into(x: &[Self], $($parameter: Self,)? out: &mut [Self]);
                $(#[$doc])*
                fn $in_place(x: &mut [Self] $(, $parameter: Self)?);
            )*
            $(
                $(#[$periodic_doc])*
                fn $periodic_into(x: &[Self], out: &mut [Self]);
                $(#[$periodic_doc])*
                fn $periodic_in_place(x: &mut [Self]);
            )*
            $(
                $(#[$pair_doc])*
                fn $pair_into(x: &[Self], $($pair_parameter: Self,)? value: &mut [Self], slope: &mut [Self]);
                $(#[$pair_doc])*
                fn $pair_in_place(x: &mut [Self], $($pair_parameter: Self,)? slope: &mut [Self]);
            )*
        }

        $(over!($lane, $into, $in_place $(, $parameter)?);)*
        $(periodic_over!($periodic, $periodic_into, $periodic_in_place);)*
        $(pair_over!($pair, $pair_into, $pair_in_place $(, $pair_parameter)?);)*

        functions!(f32 $($into $in_place ($($parameter)?))* $($periodic_into $periodic_in_place ())*; $($pair_into $pair_in_place ($($pair_parameter)?))*);
        functions!(f64 $($into $in_place ($($parameter)?))* $($periodic_into $periodic_in_place ())*; $($pair_into $pair_in_place ($($pair_parameter)?))*);
    };
    (
        $t:ident $($into:ident $in_place:ident ($($parameter:ident)?))*
        ; $($pair_into:ident $pair_in_place:ident ($($pair_parameter:ident)?))*
    ) => {
        impl VectorMath for $t {
            $(
                fn $into(x: &[Self], $($parameter: Self,)? out: &mut [Self]) {
                    $into(x, $($parameter,)? out);
                }
                fn $in_place(x: &mut [Self] $(, $parameter: Self)?) {
                    $in_place(x $(, $parameter)?);
                }
            )*
            $(
                fn $pair_into(x: &[Self], $($pair_parameter: Self,)? value: &mut [Self], slope: &mut [Self]) {
                    $pair_into(x, $($pair_parameter,)? value, slope);
                }
                fn $pair_in_place(x: &mut [Self], $($pair_parameter: Self,)? slope: &mut [Self]) {
                    $pair_in_place(x, $($pair_parameter,)? slope);
                }
            )*
        }
    };
}

/// Two functions of slices, by a function of one number.
macro_rules! over {
    ($lane:ident, $into:ident, $in_place:ident $(, $parameter:ident)?) => {
        #[inline]
        fn $into<T: Real>(x: &[T], $($parameter: T,)? out: &mut [T]) {
            struct Over<'a, T>(&'a [T], &'a mut [T] $(, replace!($parameter T))?);
            impl<T: Real> Loops for Over<'_, T> {
                type Output = ();
                #[inline(always)]
                fn run<const F: bool>(self) {
                    let Over(x, out $(, $parameter)?) = self;
                    for (out, &x) in out.iter_mut().zip(x) {
                        *out = lane::$lane::<T, F>(x $(, $parameter)?);
                    }
                }
            }
            assert_eq!(x.len(), out.len(), concat!(stringify!($lane), ": the lengths differ"));
            run(Over(x, out $(, $parameter)?));
        }

        #[inline]
        fn $in_place<T: Real>(x: &mut [T] $(, $parameter: T)?) {
            struct Over<'a, T>(&'a mut [T] $(, replace!($parameter T))?);
            impl<T: Real> Loops for Over<'_, T> {
                type Output = ();
                #[inline(always)]
                fn run<const F: bool>(self) {
                    let Over(x $(, $parameter)?) = self;
                    for x in x {
                        *x = lane::$lane::<T, F>(*x $(, $parameter)?);
                    }
                }
            }
            run(Over(x $(, $parameter)?));
        }
    };
}

/// Two functions of slices, by a function of one number up to [`lane::TURNS_KNOWN`] and one for all
/// numbers.
macro_rules! periodic_over {
    ($lane:ident, $into:ident, $in_place:ident) => {
        #[inline]
        fn $into<T: Real>(x: &[T], out: &mut [T]) {
            struct Over<'a, T>(&'a [T], &'a mut [T]);
            impl<T: Real> Loops for Over<'_, T> {
                type Output = ();
                #[inline(always)]
                fn run<const F: bool>(self) {
                    let Over(x, out) = self;
                    if all_turns_known(x) {
                        for (out, &x) in out.iter_mut().zip(x) {
                            *out = lane::known::$lane::<T, F>(x);
                        }
                    } else {
                        for (out, &x) in out.iter_mut().zip(x) {
                            *out = lane::$lane::<T, F>(x);
                        }
                    }
                }
            }
            assert_eq!(x.len(), out.len(), concat!(stringify!($lane), ": the lengths differ"));
            run(Over(x, out));
        }

        #[inline]
        fn $in_place<T: Real>(x: &mut [T]) {
            struct Over<'a, T>(&'a mut [T]);
            impl<T: Real> Loops for Over<'_, T> {
                type Output = ();
                #[inline(always)]
                fn run<const F: bool>(self) {
                    let Over(x) = self;
                    if all_turns_known(x) {
                        for x in x {
                            *x = lane::known::$lane::<T, F>(*x);
                        }
                    } else {
                        for x in x {
                            *x = lane::$lane::<T, F>(*x);
                        }
                    }
                }
            }
            run(Over(x));
        }
    };
}

/// Whether all numbers are angles that can be reduced without branches.
#[inline(always)]
fn all_turns_known<T: Real>(x: &[T]) -> bool {
    !x.iter().fold(false, |far, &x| far | (x.magnitude() > T::of(lane::TURNS_KNOWN)))
}

/// Two functions of slices that give a value and a derivative, by a function of one number.
macro_rules! pair_over {
    ($lane:ident, $into:ident, $in_place:ident $(, $parameter:ident)?) => {
        #[inline]
        fn $into<T: Real>(x: &[T], $($parameter: T,)? value: &mut [T], slope: &mut [T]) {
            struct Over<'a, T>(&'a [T], &'a mut [T], &'a mut [T] $(, replace!($parameter T))?);
            impl<T: Real> Loops for Over<'_, T> {
                type Output = ();
                #[inline(always)]
                fn run<const F: bool>(self) {
                    let Over(x, value, slope $(, $parameter)?) = self;
                    for ((value, slope), &x) in value.iter_mut().zip(slope).zip(x) {
                        (*value, *slope) = lane::$lane::<T, F>(x $(, $parameter)?);
                    }
                }
            }
            let lengths = [x.len(), x.len()];
            assert_eq!([value.len(), slope.len()], lengths, concat!(stringify!($lane), ": the lengths differ"));
            run(Over(x, value, slope $(, $parameter)?));
        }

        #[inline]
        fn $in_place<T: Real>(x: &mut [T], $($parameter: T,)? slope: &mut [T]) {
            struct Over<'a, T>(&'a mut [T], &'a mut [T] $(, replace!($parameter T))?);
            impl<T: Real> Loops for Over<'_, T> {
                type Output = ();
                #[inline(always)]
                fn run<const F: bool>(self) {
                    let Over(x, slope $(, $parameter)?) = self;
                    for (x, slope) in x.iter_mut().zip(slope) {
                        (*x, *slope) = lane::$lane::<T, F>(*x $(, $parameter)?);
                    }
                }
            }
            assert_eq!(x.len(), slope.len(), concat!(stringify!($lane), ": the lengths differ"));
            run(Over(x, slope $(, $parameter)?));
        }
    };
}

functions! {
    functions {
        /// eˣ.
        exp: exp_into, exp_in_place;
        /// eˣ − 1.
        exp_m1: exp_m1_into, exp_m1_in_place;
        /// ln x.
        ln: ln_into, ln_in_place;
        /// ln(1 + x).
        ln_1p: ln_1p_into, ln_1p_in_place;
        /// erf x.
        erf: erf_into, erf_in_place;
        /// tanh x.
        tanh: tanh_into, tanh_in_place;
        /// tanh′(x) = sech²x.
        tanh_derivative: tanh_derivative_into, tanh_derivative_in_place;
        /// σ(x) = 1/(1 + e⁻ˣ).
        sigmoid: sigmoid_into, sigmoid_in_place;
        /// σ′(x) = σ(x)·σ(−x).
        sigmoid_derivative: sigmoid_derivative_into, sigmoid_derivative_in_place;
        /// ln σ(x).
        log_sigmoid: log_sigmoid_into, log_sigmoid_in_place;
        /// ln(1 + eˣ).
        softplus: softplus_into, softplus_in_place;
        /// x·σ(x).
        silu: silu_into, silu_in_place;
        /// silu′(x).
        silu_derivative: silu_derivative_into, silu_derivative_in_place;
        /// silu″(x).
        silu_second_derivative: silu_second_derivative_into, silu_second_derivative_in_place;
        /// x if x > 0, else α·(eˣ − 1).
        elu: elu_into, elu_in_place (alpha);
        /// 1 if x > 0, else α·eˣ.
        elu_derivative: elu_derivative_into, elu_derivative_in_place (alpha);
        /// 0 if x > 0, else α·eˣ.
        elu_second_derivative: elu_second_derivative_into, elu_second_derivative_in_place (alpha);
    }
    periodic {
        /// sin x.
        sin: sin_into, sin_in_place;
        /// cos x.
        cos: cos_into, cos_in_place;
    }
    pairs {
        /// tanh x and tanh′(x).
        tanh_and_derivative: tanh_and_derivative_into, tanh_and_derivative_in_place;
        /// σ(x) and σ′(x).
        sigmoid_and_derivative: sigmoid_and_derivative_into, sigmoid_and_derivative_in_place;
        /// ln(1 + eˣ) and its derivative σ(x).
        softplus_and_derivative: softplus_and_derivative_into, softplus_and_derivative_in_place;
        /// x·σ(x) and its derivative.
        silu_and_derivative: silu_and_derivative_into, silu_and_derivative_in_place;
        /// x if x > 0, else α·(eˣ − 1), and its derivative.
        elu_and_derivative: elu_and_derivative_into, elu_and_derivative_in_place (alpha);
    }
}

//! Lists of variables as arguments, and what comes back for them.

use crate::{Scalar, Var};

/// The variables that a derivative is asked for: an array, a `Vec` or a slice of [`Var`]s.
///
/// What comes back has the form of what was given. An array `[Var; N]`, or a reference to one,
/// brings an array of N results, so that the compiler checks their number; a `Vec` or a slice
/// brings a `Vec` of as many.
///
/// ```
/// use tape::{Tape, Var, matrix};
/// let tape = Tape::<f64>::new();
/// let w = tape.parameter("w", &matrix![[2.0]]);
/// let b = tape.parameter("b", &matrix![[1.0]]);
/// let j = (w * w + b).sum();
/// let [dw, db] = j.gradients([w, b]);
/// let all: Vec<Var<'_, f64>> = vec![w, b];
/// let gradients: Vec<Var<'_, f64>> = j.gradients(&all);
/// assert_eq!(gradients, [dw, db]);
/// ```
///
/// ```compile_fail,E0308
/// # use tape::{Tape, matrix};
/// # let tape = Tape::<f64>::new();
/// # let w = tape.parameter("w", &matrix![[2.0]]);
/// # let b = tape.parameter("b", &matrix![[1.0]]);
/// # let j = (w * w + b).sum();
/// let [dw] = j.gradients([w, b]); // two are asked for
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no list of variables",
    note = "an array `[Var; N]`, a `Vec<Var>`, or a reference to either or to a slice of `Var`s is needed"
)]
pub trait Variables<'t, T: Scalar>: AsRef<[Var<'t, T>]> + sealed::Sealed {
    /// As many results as there are variables: `[U; N]` for an array, `Vec<U>` for any other list.
    type Output<U>;

    /// The results in that form. With nothing asked for, an error has no variable to carry it and
    /// is dropped.
    #[doc(hidden)]
    fn output<U>(&self, results: Vec<U>) -> Self::Output<U>;
}

mod sealed {
    use crate::{Scalar, Var};

    pub trait Sealed {}

    impl<T: Scalar, const N: usize> Sealed for [Var<'_, T>; N] {}
    impl<T: Scalar> Sealed for [Var<'_, T>] {}
    impl<T: Scalar> Sealed for Vec<Var<'_, T>> {}
    impl<L: Sealed + ?Sized> Sealed for &L {}
}

impl<'t, T: Scalar, const N: usize> Variables<'t, T> for [Var<'t, T>; N] {
    type Output<U> = [U; N];

    fn output<U>(&self, results: Vec<U>) -> [U; N] {
        let mut results = results.into_iter();
        [(); N].map(|()| results.next().expect("a result for each variable"))
    }
}

impl<'t, T: Scalar> Variables<'t, T> for [Var<'t, T>] {
    type Output<U> = Vec<U>;

    fn output<U>(&self, mut results: Vec<U>) -> Vec<U> {
        results.truncate(self.len());
        results
    }
}

impl<'t, T: Scalar> Variables<'t, T> for Vec<Var<'t, T>> {
    type Output<U> = Vec<U>;

    fn output<U>(&self, results: Vec<U>) -> Vec<U> {
        self.as_slice().output(results)
    }
}

impl<'t, T: Scalar, L: Variables<'t, T> + ?Sized> Variables<'t, T> for &L {
    type Output<U> = L::Output<U>;

    fn output<U>(&self, results: Vec<U>) -> L::Output<U> {
        L::output(self, results)
    }
}

//! How many mistakes a suite notices.

use std::fmt;
use std::hash::Hash;

use crate::check::{Mutant, Mutation};
use crate::{Operation, Scalar, Shape, Tape, Var};

/// What a suite made of the mutants of an operation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "a score that nobody reads has measured nothing"]
pub struct Score {
    /// The mistakes that the suite noticed.
    pub killed: Vec<Mutation>,
    /// Those that passed it.
    pub survived: Vec<Mutation>,
    /// Those that are none for this operation: the mutant records the very entries of the right
    /// one, or its kernel does what the right one does.
    pub equivalent: Vec<Mutation>,
}

impl Score {
    /// Killed among those that are mistakes; 1 if there are none.
    pub fn ratio(&self) -> f64 {
        let all = self.killed.len() + self.survived.len();
        if all == 0 { 1.0 } else { self.killed.len() as f64 / all as f64 }
    }
}

/// A line with the numbers, and one for each mistake that survived.
impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (killed, survived, equivalent) = (self.killed.len(), self.survived.len(), self.equivalent.len());
        write!(f, "{killed} of {} mistakes noticed, {equivalent} are none", killed + survived)?;
        self.survived.iter().try_for_each(|mutation| write!(f, "\nsurvived: {mutation}"))
    }
}

/// Plugs every mistake of the catalogue into a suite, in turn. The suite gets the mutant in the place
/// of the operation and fails, as suites do; it has to pass the right operation first.
///
/// A mutant whose rule records the very same entries as the right one, for operands of these shapes,
/// is no mistake: identity is the judge, not a tolerance. Nor is it to say of a kernel that it is
/// columnwise, if it has the same bits for columns alone, or to take any shapes, if the operation
/// refuses none.
///
/// ```
/// use tape::check::{Mutant, Row, mutation_score};
/// use tape::{Dim, Matrix, Shape};
/// # use std::borrow::Cow;
/// # use tape::{Fault, MatrixMut, Mismatch, Operands, Operation, Scalar, Vjp};
/// # #[derive(Debug, Clone, PartialEq, Eq, Hash)]
/// # struct Cube;
/// # impl<T: Scalar> Operation<T> for Cube {
/// #     fn name(&self) -> Cow<'_, str> { "cube".into() }
/// #     fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> { Ok(operands[0]) }
/// #     fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
/// #         let pairs = out.as_mut_slice().iter_mut().zip(x.get(0).as_slice());
/// #         pairs.for_each(|(out, &x)| *out = x * x * x);
/// #         Ok(())
/// #     }
/// #     fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
/// #         let [x] = at.operands();
/// #         at.contribute(0, |g| g * x.square() * tape::num(3.0));
/// #     }
/// # }
/// // A suite of values alone notices no wrong rule.
/// let values = |mutant: Mutant<Cube>| {
///     let tape = tape::Tape::<f64>::new();
///     let x = tape.parameter("x", &tape::matrix![[0.5, -2.0]]);
///     let found = tape.apply(mutant, [x]).value().map_err(|error| error.to_string())?;
///     if found.as_slice() == [0.125, -8.0] { Ok(()) } else { Err("another value".to_string()) }
/// };
/// let score = mutation_score::<f64, _, _>(&Cube, &[Shape::new(3, 4)], values).unwrap();
/// assert!(score.ratio() < 0.3, "{score}");
/// ```
///
/// # Errors
/// What the suite says of the right operation.
pub fn mutation_score<T: Scalar, O: Operation<T> + Clone + Eq + Hash, E>(
    operation: &O,
    operands: &[Shape],
    mut suite: impl FnMut(Mutant<O>) -> Result<(), E>,
) -> Result<Score, E> {
    let mutant = |mutation| Mutant::new(operation.clone(), mutation);
    suite(Mutant::right(operation.clone()))?;
    let mut score = Score::default();
    for mutation in Mutation::all(operands.len()) {
        if is_equivalent::<T, O>(operation, mutation, operands) {
            score.equivalent.push(mutation);
        } else if suite(mutant(mutation)).is_err() {
            score.killed.push(mutation);
        } else {
            score.survived.push(mutation);
        }
    }
    Ok(score)
}

/// Whether the mutant's rule records the entries of the right one.
fn is_equivalent<T: Scalar, O: Operation<T> + Clone + Eq + Hash>(
    operation: &O,
    mutation: Mutation,
    operands: &[Shape],
) -> bool {
    if let Mutation::Kernel(kernel) = mutation {
        return kernel.changes_nothing::<T>(operation, operands);
    }
    let tape = Tape::<T>::new();
    let leaf = |(i, &shape): (usize, &Shape)| tape.parameter_unbound(&format!("x[{i}]"), shape);
    let leaves: Vec<Var<'_, T>> = operands.iter().enumerate().map(leaf).collect();
    let right = tape.apply_all(operation.clone(), &leaves);
    let Ok(shape) = right.shape() else { return false };
    let u = tape.parameter_unbound("u", shape);
    let gradients = |entry: Var<'_, T>| -> Option<Vec<usize>> {
        entry.vjp(&leaves, u).into_iter().map(Var::index).collect()
    };
    let (right, wrong) =
        (gradients(right), gradients(tape.apply_all(Mutant::new(operation.clone(), mutation), &leaves)));
    right.is_some() && right == wrong
}

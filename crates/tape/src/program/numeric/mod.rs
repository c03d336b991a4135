//! Values and derivatives as numbers, computed by a program that is made for the purpose.

mod per_example;
#[cfg(feature = "html")]
mod whole;

use crate::{Matrix, Result, Scalar, Shape, Tape, Var, Variables};

/// # Values, computed now
impl<'t, T: Scalar> Var<'t, T> {
    /// The value: compiles the entry and runs it once, with the values that the leaves were made
    /// with.
    ///
    /// # Errors
    /// The error that poisoned the variable, or what [`Program::run`](crate::Program::run)
    /// returns.
    #[track_caller]
    pub fn value(self) -> Result<Matrix<T>> {
        T::var_value(self)
    }

    #[track_caller]
    pub(crate) fn value_here(self) -> Result<Matrix<T>> {
        let mut program = self.tape.compile([self])?;
        program.run()?;
        program.view(self)?.try_to_matrix()
    }

    /// The whole Hessian of this 1 × 1 entry, over the elements of all variables one after the
    /// other, each column-major.
    ///
    /// One run of a Hessian–vector product for each column: for small functions.
    ///
    /// # Errors
    /// As [`value`](Var::value).
    #[track_caller]
    pub fn hessian<V: Variables<'t, T>>(self, with_respect_to: V) -> Result<Matrix<T>> {
        T::var_hessian(self, with_respect_to.as_ref())
    }

    #[track_caller]
    pub(crate) fn hessian_here(self, with_respect_to: &[Var<'t, T>]) -> Result<Matrix<T>> {
        let vectors = unbound_like("v", with_respect_to, self)?;
        let products = self.hvp_of("hessian", with_respect_to, &vectors);
        columns_by_basis(self.tape, &vectors, &products)
    }

    /// The whole Jacobian of this entry: a row for each of its elements, column-major, and a column
    /// for each element of the variables, one after the other.
    ///
    /// One run of a vector–Jacobian product for each row: for small functions.
    ///
    /// # Errors
    /// As [`value`](Var::value).
    #[track_caller]
    pub fn jacobian<V: Variables<'t, T>>(self, with_respect_to: V) -> Result<Matrix<T>> {
        T::var_jacobian(self, with_respect_to.as_ref())
    }

    #[track_caller]
    pub(crate) fn jacobian_here(self, with_respect_to: &[Var<'t, T>]) -> Result<Matrix<T>> {
        let cotangents = unbound_like("u", &[self], self)?;
        let products = self.vjp_of("jacobian", with_respect_to, cotangents[0]);
        columns_by_basis(self.tape, &cotangents, &products)?.try_transposed()
    }

    /// The gradients of each example's own loss: this entry is the 1 × m row of losses, and the
    /// answer has for each variable a matrix with a column per example, which is that example's
    /// gradient, column-major.
    ///
    /// Where no loss depends on other examples, each example is run alone, as a batch of one.
    ///
    /// # Errors
    /// As [`value`](Var::value); [`Error::Shape`](crate::Error::Shape) if this entry is not 1 × m.
    #[track_caller]
    pub fn per_example_gradients<V: Variables<'t, T>>(
        self,
        with_respect_to: V,
    ) -> Result<V::Output<Matrix<T>>> {
        let each = T::var_per_example_gradients(self, with_respect_to.as_ref())?;
        Ok(with_respect_to.output(each))
    }

    #[track_caller]
    pub(crate) fn per_example_gradients_here(self, with_respect_to: &[Var<'t, T>]) -> Result<Vec<Matrix<T>>> {
        let gradients = self.sum().gradients(with_respect_to);
        per_example::gradients(self, with_respect_to, &gradients)
    }
}

/// Unbound leaves of the shapes of the variables, on which `output` does not depend.
fn unbound_like<'t, T: Scalar>(
    name: &str,
    like: &[Var<'t, T>],
    output: Var<'t, T>,
) -> Result<Vec<Var<'t, T>>> {
    output.sound()?;
    like.iter().try_for_each(|v| v.sound())?;
    let shapes: Vec<Shape> = like.iter().map(|v| v.known_shape()).collect();
    Ok(output.tape.probes(name, &shapes, output))
}

/// A linear map as a matrix: column i holds `outputs`, one after the other, where `inputs` is the
/// i-th unit vector.
fn columns_by_basis<'t, T: Scalar>(
    tape: &'t Tape<T>,
    inputs: &[Var<'t, T>],
    outputs: &[Var<'t, T>],
) -> Result<Matrix<T>> {
    let mut program = tape.compile(outputs.iter().chain(inputs).copied())?;
    let m = program.known_m()?;
    let numbers = |vars: &[Var<'t, T>]| {
        let sizes =
            vars.iter().map(|v| v.known_shape().at(m)).map(|(rows, columns)| rows.saturating_mul(columns));
        sizes.fold(0, usize::saturating_add)
    };
    let mut result = Matrix::try_zeros(numbers(outputs), numbers(inputs))?;
    for &input in inputs {
        let (rows, columns) = input.known_shape().at(m);
        program.bind(input, &Matrix::try_zeros(rows, columns)?)?;
    }
    let mut column = result.iter_columns_mut();
    for &input in inputs {
        let (rows, columns) = input.known_shape().at(m);
        for i in 0..rows * columns {
            program.parameter_mut(input)?.as_mut_slice()[i] = T::ONE;
            program.seed(0); // of one map, with the same noise in every run
            program.run()?;
            let mut rest = column.next().expect("a column for each number of the inputs");
            for &output in outputs {
                let value = program.view(output)?;
                let (part, others) = rest.split_at_mut(value.as_slice().len());
                part.copy_from_slice(value.as_slice());
                rest = others;
            }
            program.parameter_mut(input)?.as_mut_slice()[i] = T::ZERO;
        }
    }
    drop(column);
    Ok(result)
}

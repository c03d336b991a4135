//! An activation as a formula in z, whose derivatives are derived.

use std::sync::{Arc, Mutex, PoisonError};

use tape::{Function, Matrix, Program, Tape, Var, matrix};

use crate::{Error, Result};

/// The most derivatives that a page asks for: those of a gradient's gradient.
const ORDERS: usize = 3;

/// g of a text such as `z * σ(z)` in the notation of [`EquationReader`](tape::EquationReader): z is an element, and so
/// `*` is ⊙. g′ and g″ are what the tape derives.
pub(crate) fn activation(at: &str, text: &str) -> Result<Function<f64>> {
    let tape = Tape::new();
    // Three numbers at once, so that a formula that mixes them shows.
    let z = tape.examples("z", &matrix![[0.3, -0.7, 1.9]]);
    let g = tape.reader().read(&elementwise(text)).map_err(|error| Error::of(at, error))?.right;
    if g.shape()? != z.shape()? {
        return Err(Error::of(at, "must give one number for each z"));
    }
    let mut orders = vec![g];
    for order in 1..ORDERS {
        let [next] = orders[order - 1].sum().gradients_or_zeros([z]);
        orders.push(next);
    }
    let programs =
        orders.into_iter().map(|order| Numbers::new(&tape, z, order)).collect::<Result<Vec<_>>>()?;
    if !programs[0].is_elementwise()? {
        return Err(Error::of(at, "must treat every z by itself"));
    }
    let mut derivative: Option<Function<f64>> = None;
    for (order, program) in programs.into_iter().enumerate().rev() {
        let name = format!("g{}", "′".repeat(order));
        let function = Function::new(name, move |z| program.at(z));
        derivative = Some(match derivative {
            Some(next) => function.with_derivative(next),
            None => function,
        });
    }
    derivative.ok_or_else(|| Error::of(at, "there is no formula"))
}

/// A product of elements, where the notation has a product of matrices.
fn elementwise(text: &str) -> String {
    text.replace(".*", "⊙").replace(['*', '·'], "⊙")
}

/// A formula, ready to be computed.
struct Numbers {
    program: Mutex<Program<f64>>,
    z: tape::EntryId,
    value: tape::EntryId,
}

impl Numbers {
    fn new(tape: &Tape<f64>, z: Var<'_, f64>, value: Var<'_, f64>) -> Result<Arc<Self>> {
        let program = tape.compile([value])?;
        Ok(Arc::new(Numbers { program: Mutex::new(program), z: z.id()?, value: value.id()? }))
    }

    /// The value at z; NaN where there is none.
    fn at(&self, z: f64) -> f64 {
        self.of(&Matrix::scalar(z)).map_or(f64::NAN, |values| values[0])
    }

    fn of(&self, z: &Matrix<f64>) -> Result<Vec<f64>> {
        let mut program = self.program.lock().unwrap_or_else(PoisonError::into_inner);
        program.bind_if_needed(self.z, z)?; // a formula without z, such as 1, is a program without it
        program.run()?;
        let value = program.view(self.value)?.as_slice().to_vec();
        Ok(if value.len() == 1 { vec![value[0]; z.columns()] } else { value })
    }

    fn is_elementwise(&self) -> Result<bool> {
        let at = [0.3, -0.7, 1.9, 0.0];
        let together = self.of(&Matrix::from_fn(1, at.len(), |_, j| at[j]))?;
        let same = |a: f64, b: f64| {
            a.to_bits() == b.to_bits()
                || (a - b).abs() <= 1e-12 * a.abs().max(1.0)
                || (a.is_nan() && b.is_nan())
        };
        Ok(at.iter().zip(together).all(|(&z, value)| same(self.at(z), value)))
    }
}

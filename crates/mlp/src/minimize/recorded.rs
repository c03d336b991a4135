//! Functions that a tape has recorded.

use std::collections::HashSet;

use tape::{EntryId, LeafKind, Matrix, Program, Tape, Var, Variables};

use crate::minimize::objective::zeros;
use crate::minimize::{Curvature, Objective, Residuals};
use crate::{Error, Result, Scalar};

/// J of a tape as a function of its parameters, for a minimiser: a program of J and its gradients.
///
/// θ has the elements of all parameters, in the order in which they are given, each column by
/// column. After a minimisation the program's parameters are the θ that was found.
///
/// J has to be a function of θ: noise that is drawn anew for each run makes it none, unless
/// [`Program::expectation`] takes it away.
///
/// ```
/// use mlp::minimize::{Lbfgs, Recorded};
/// use mlp::{Activation, Mlp};
/// use tape::{Tape, matrix};
/// let x = matrix![[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]];
/// let y = matrix![[0.0, 1.0, 1.0, 0.0]];
/// let xor = Mlp::<f64>::new(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).build()?;
/// let tape = Tape::new();
/// let network = xor.record(&tape, &x, &y)?;
/// let mut objective = Recorded::new(network.j, network.parameters())?;
/// let mut theta = objective.theta()?;
/// let minimum = Lbfgs::new().minimize(&mut objective, &mut theta)?;
/// assert!(minimum.j < 1e-4 && minimum.evaluations < 100);
/// let w = objective.program().view(network.parameters()[0])?.to_matrix(); // W[1]
/// assert_eq!(w.as_slice(), &theta[..8]);
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug)]
pub struct Recorded<T: Scalar> {
    program: Program<T>,
    j: EntryId,
    gradients: Vec<EntryId>,
    parameters: Vector,
}

impl<T: Scalar> Recorded<T> {
    /// Records the gradients of J with respect to the parameters, and compiles them.
    ///
    /// # Errors
    /// [`Error::Tape`] if J is not 1 × 1 or does not depend on a parameter, or if something was
    /// recorded wrongly; [`Error::Parameter`] if one of them is no parameter of the tape, or stands
    /// there twice.
    #[track_caller]
    pub fn new<'t>(j: Var<'t, T>, parameters: impl Variables<'t, T>) -> Result<Self> {
        let parameters = parameters.as_ref();
        let gradients = j.gradients(parameters);
        let program = j.tape().compile(gradients.iter().copied().chain([j]))?;
        let parameters = Vector::new(&program, parameters)?;
        Ok(Recorded { j: j.id()?, gradients: ids(&gradients)?, program, parameters })
    }

    /// θ as the program has it: at first the values that the parameters were recorded with.
    ///
    /// # Errors
    /// [`Error::Tape`] if a parameter has no value yet.
    pub fn theta(&self) -> Result<Vec<T>> {
        self.parameters.values(&self.program)
    }

    /// The program, for instance to see the parameters.
    pub fn program(&self) -> &Program<T> {
        &self.program
    }

    /// The program, to bind other examples.
    pub fn program_mut(&mut self) -> &mut Program<T> {
        &mut self.program
    }
}

impl<T: Scalar> Objective<T> for Recorded<T> {
    fn evaluate(&mut self, theta: &[T], gradient: &mut [T]) -> Result<T> {
        self.parameters.write(&mut self.program, theta)?;
        self.program.run()?;
        read(&self.program, &self.gradients, gradient)?;
        Ok(self.program.scalar(self.j)?)
    }

    fn dimension(&self) -> Option<usize> {
        Some(self.parameters.len())
    }

    fn finish(&mut self, theta: &[T]) -> Result<()> {
        self.parameters.write(&mut self.program, theta)
    }
}

/// J of a tape with products of its Hessian: a [`Recorded`], and a second program of the gradients
/// of ⟨∇J, v⟩, which are recorded by [`Var::hvp`].
///
/// A product costs some two gradients, and no memory of the Hessian's size.
#[derive(Debug)]
pub struct RecordedCurvature<T: Scalar> {
    objective: Recorded<T>,
    program: Program<T>,
    parameters: Vector,
    v: Vector,
    products: Vec<EntryId>,
}

impl<T: Scalar> RecordedCurvature<T> {
    /// Records the gradients and the products, and compiles them.
    ///
    /// # Errors
    /// As [`Recorded::new`].
    #[track_caller]
    pub fn new<'t>(j: Var<'t, T>, parameters: impl Variables<'t, T>) -> Result<Self> {
        let parameters = parameters.as_ref();
        let objective = Recorded::new(j, parameters)?;
        let v = directions(j.tape(), parameters)?;
        let products = j.hvp(parameters, &v[..]);
        let program = j.tape().compile(products.iter().copied())?;
        let parameters = Vector::new_if_there(&program, parameters)?;
        let v = Vector::new_if_there(&program, &v)?;
        Ok(RecordedCurvature { objective, products: ids(&products)?, program, parameters, v })
    }

    /// θ as the programs have it: at first the values that the parameters were recorded with.
    ///
    /// # Errors
    /// [`Error::Tape`] if a parameter has no value yet.
    pub fn theta(&self) -> Result<Vec<T>> {
        self.objective.theta()
    }

    /// The program of J and its gradients, for instance to see the parameters.
    pub fn program(&self) -> &Program<T> {
        self.objective.program()
    }

    /// Both programs, of J with its gradients and of the products, to bind other examples to both.
    pub fn programs_mut(&mut self) -> [&mut Program<T>; 2] {
        [&mut self.objective.program, &mut self.program]
    }
}

impl<T: Scalar> Objective<T> for RecordedCurvature<T> {
    fn evaluate(&mut self, theta: &[T], gradient: &mut [T]) -> Result<T> {
        self.objective.evaluate(theta, gradient)
    }

    fn dimension(&self) -> Option<usize> {
        self.objective.dimension()
    }

    fn finish(&mut self, theta: &[T]) -> Result<()> {
        self.objective.finish(theta)
    }
}

impl<T: Scalar> Curvature<T> for RecordedCurvature<T> {
    fn hessian_product(&mut self, theta: &[T], v: &[T], product: &mut [T]) -> Result<()> {
        self.parameters.write(&mut self.program, theta)?;
        self.v.write(&mut self.program, v)?;
        self.program.run()?;
        read(&self.program, &self.products, product)
    }
}

/// An entry r of a tape, of any shape, as residuals: a program of r, and one of its products
/// ∂r/∂θ · v with one direction, which are recorded by [`Var::jvp`].
///
/// A Jacobian takes as many runs of the second as θ has numbers.
#[derive(Debug)]
pub struct RecordedResiduals<T: Scalar> {
    program: Program<T>,
    r: EntryId,
    parameters: Vector,
    count: usize,
    products: Products<T>,
}

/// The program of ∂r/∂θ · v.
#[derive(Debug)]
struct Products<T: Scalar> {
    program: Program<T>,
    product: EntryId,
    parameters: Vector,
    v: Vector,
    direction: Vec<T>,
}

impl<T: Scalar> Products<T> {
    fn new(product: Var<'_, T>, parameters: &[Var<'_, T>], v: &[Var<'_, T>]) -> Result<Self> {
        let program = product.tape().compile([product])?;
        let parameters = Vector::new_if_there(&program, parameters)?;
        let v = Vector::new_if_there(&program, v)?;
        let direction = zeros(v.len())?;
        Ok(Products { product: product.id()?, program, parameters, v, direction })
    }
}

impl<T: Scalar> RecordedResiduals<T> {
    /// Records the products of r with respect to the parameters, compiles them, and computes r once
    /// for its number of elements.
    ///
    /// # Errors
    /// [`Error::Tape`] if r does not depend on a parameter, or if something was recorded wrongly or
    /// is not bound; [`Error::Parameter`] if one of them is no parameter of the tape, or stands
    /// there twice.
    #[track_caller]
    pub fn new<'t>(r: Var<'t, T>, parameters: impl Variables<'t, T>) -> Result<Self> {
        let vars = parameters.as_ref();
        let v = directions(r.tape(), vars)?;
        let product = r.jvp(vars, &v[..]);
        let mut program = r.tape().compile([r])?;
        let parameters = Vector::new(&program, vars)?;
        program.run()?;
        let r = r.id()?;
        let count = program.view(r)?.as_slice().len();
        let products = Products::new(product, vars, &v)?;
        Ok(RecordedResiduals { program, r, parameters, count, products })
    }

    /// θ as the program has it: at first the values that the parameters were recorded with.
    ///
    /// # Errors
    /// [`Error::Tape`] if a parameter has no value yet.
    pub fn theta(&self) -> Result<Vec<T>> {
        self.parameters.values(&self.program)
    }

    /// The program of r, for instance to see the parameters.
    pub fn program(&self) -> &Program<T> {
        &self.program
    }
}

impl<T: Scalar> Residuals<T> for RecordedResiduals<T> {
    fn count(&self) -> usize {
        self.count
    }

    fn dimension(&self) -> Option<usize> {
        Some(self.parameters.len())
    }

    fn residuals(&mut self, theta: &[T], residuals: &mut [T]) -> Result<()> {
        self.parameters.write(&mut self.program, theta)?;
        self.program.run()?;
        residuals.copy_from_slice(self.program.view(self.r)?.as_slice());
        Ok(())
    }

    fn jacobian(&mut self, theta: &[T], jacobian: &mut [T]) -> Result<()> {
        let Products { program, product, parameters, v, direction } = &mut self.products;
        parameters.write(program, theta)?;
        if self.count == 0 {
            return Ok(());
        }
        for (k, column) in jacobian.chunks_exact_mut(self.count).enumerate() {
            direction.fill(T::ZERO);
            direction[k] = T::ONE;
            v.write(program, direction)?;
            program.run()?;
            column.copy_from_slice(program.view(*product)?.as_slice());
        }
        Ok(())
    }

    fn finish(&mut self, theta: &[T]) -> Result<()> {
        self.parameters.write(&mut self.program, theta)
    }
}

/// Leaves of a program that make up one list of numbers.
#[derive(Debug)]
struct Vector {
    /// Their sizes; None for one that the program has no use for.
    leaves: Vec<(Option<EntryId>, usize)>,
}

impl Vector {
    fn new<T: Scalar>(program: &Program<T>, vars: &[Var<'_, T>]) -> Result<Self> {
        let mut seen = HashSet::new();
        for var in vars {
            let fault = if var.entry()?.leaf_kind() != Some(LeafKind::Parameter) {
                "is no parameter of the tape"
            } else if var.shape()?.depends_on_m() {
                "has a size that depends on m"
            } else if !seen.insert(var.index()) {
                "stands there twice"
            } else {
                continue;
            };
            return Err(Error::Parameter { name: var.label(), fault });
        }
        Vector::new_if_there(program, vars)
    }

    /// Of leaves, each of which the program may have no use for.
    fn new_if_there<T: Scalar>(program: &Program<T>, vars: &[Var<'_, T>]) -> Result<Self> {
        let leaf = |&var: &Var<'_, T>| {
            let (rows, columns) = var.shape()?.at(0);
            let size = rows * columns;
            match program.view(var) {
                Err(tape::Error::NotInProgram { .. }) => Ok((None, size)),
                Ok(_) | Err(_) => Ok((Some(var.id()?), size)),
            }
        };
        Ok(Vector { leaves: vars.iter().map(leaf).collect::<Result<_>>()? })
    }

    fn len(&self) -> usize {
        self.leaves.iter().map(|(_, size)| size).sum()
    }

    fn write<T: Scalar>(&self, program: &mut Program<T>, list: &[T]) -> Result<()> {
        let mut rest = list;
        for &(leaf, size) in &self.leaves {
            let (here, others) = rest.split_at(size);
            if let Some(leaf) = leaf {
                program.parameter_mut(leaf)?.as_mut_slice().copy_from_slice(here);
            }
            rest = others;
        }
        Ok(())
    }

    fn values<T: Scalar>(&self, program: &Program<T>) -> Result<Vec<T>> {
        let mut list = Vec::with_capacity(self.len());
        for &(leaf, _) in &self.leaves {
            if let Some(leaf) = leaf {
                list.extend_from_slice(program.view(leaf)?.as_slice());
            }
        }
        Ok(list)
    }
}

/// The outputs, one after the other.
fn read<T: Scalar>(program: &Program<T>, outputs: &[EntryId], list: &mut [T]) -> Result<()> {
    let mut rest = list;
    for &output in outputs {
        let values = program.view(output)?.as_slice();
        let (here, others) = rest.split_at_mut(values.len());
        here.copy_from_slice(values);
        rest = others;
    }
    Ok(())
}

fn ids<T: Scalar>(vars: &[Var<'_, T>]) -> Result<Vec<EntryId>> {
    Ok(vars.iter().map(|var| var.id()).collect::<tape::Result<_>>()?)
}

/// A leaf for a direction of each parameter.
#[track_caller]
fn directions<'t, T: Scalar>(tape: &'t Tape<T>, parameters: &[Var<'t, T>]) -> Result<Vec<Var<'t, T>>> {
    let direction = |var: &Var<'t, T>| {
        let (rows, columns) = var.shape()?.at(0);
        Ok(tape.parameter(&format!("v({})", var.label()), &Matrix::zeros(rows, columns)))
    };
    parameters.iter().map(direction).collect()
}

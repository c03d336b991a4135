//! Backpropagation as the textbook writes it: plain loops, no tape.
//!
//! This is the oracle that the tape's gradients are compared with. It shares no operation, no
//! kernel and no derivative with the tape: g and g′ are written once more here, from their
//! definitions.
//!
//! XOR, learned with the closed form alone:
//!
//! ```
//! use mlp::ParameterKind::{Bias, Weight};
//! use mlp::{Activation, Init, Loss, Optimizer, closed_form};
//! use tape::Matrix;
//!
//! let x = Matrix::from_vec(2, 4, vec![0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0])?;
//! let y = Matrix::from_vec(1, 4, vec![0.0, 1.0, 1.0, 0.0])?;
//! let g = [Activation::Tanh, Activation::Sigmoid];
//! let mut layers = Init::Glorot.parameters::<f64>(&[2, 4, 1], 0)?;
//! // W[1], b[1], W[2], b[2].
//! let sizes = [(8, Weight), (4, Bias), (4, Weight), (1, Bias)];
//! let mut optimizer = Optimizer::adam(0.1)?.state(&sizes);
//! let mut j = f64::INFINITY;
//! for _ in 0..200 {
//!     let network: Vec<_> =
//!         layers.iter().zip(&g).map(|((w, b), g)| closed_form::Layer::new(w, b, g)).collect();
//!     let found = closed_form::backward(&network, &x, &y, Loss::LogLoss)?;
//!     j = found.j;
//!     for (l, (w, b)) in (1..).zip(&mut layers) {
//!         optimizer.step(2 * l - 2, w.as_mut_slice(), found.dw(l).as_slice())?;
//!         optimizer.step(2 * l - 1, b.as_mut_slice(), found.db(l).as_slice())?;
//!     }
//! }
//! assert!(j < 0.02, "{j}");
//! # Ok::<(), mlp::Error>(())
//! ```

mod function;
mod loss;

use tape::Matrix;

use crate::labels::check_labels;
use crate::sum::sum;
use crate::{Activation, Error, Loss, Result, Scalar};

/// A layer of a network, as [`closed_form::backward`](backward) takes it.
#[derive(Debug, PartialEq)]
pub struct Layer<'a, T: Scalar> {
    /// W\[l\], n_l × n_(l−1).
    pub w: &'a Matrix<T>,
    /// b\[l\], n_l × 1.
    pub b: &'a Matrix<T>,
    /// g of this layer.
    pub g: &'a Activation<T>,
}

impl<T: Scalar> Clone for Layer<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Scalar> Copy for Layer<'_, T> {}

impl<'a, T: Scalar> Layer<'a, T> {
    /// A layer from its parts.
    pub fn new(w: &'a Matrix<T>, b: &'a Matrix<T>, g: &'a Activation<T>) -> Self {
        Layer { w, b, g }
    }
}

/// What goes forward through a network: Z\[l\] and A\[l\].
#[derive(Debug, Clone, PartialEq)]
pub struct Forward<T: Scalar> {
    z: Vec<Matrix<T>>,
    a: Vec<Matrix<T>>,
}

impl<T: Scalar> Forward<T> {
    /// L, the number of layers.
    pub fn layers(&self) -> usize {
        self.z.len()
    }

    /// Z\[l\] of eq. 23, n_l × m.
    ///
    /// # Panics
    /// If l is not in 1, …, L.
    pub fn z(&self, l: usize) -> &Matrix<T> {
        &self.z[below(l)]
    }

    /// A\[l\] of eq. 24, n_l × m; A\[0\] = X.
    ///
    /// # Panics
    /// If l is not in 0, …, L.
    pub fn a(&self, l: usize) -> &Matrix<T> {
        &self.a[l]
    }
}

/// J and its gradients by eq. 8 and 26–28.
#[derive(Debug, Clone, PartialEq)]
pub struct ClosedForm<T: Scalar> {
    /// J of eq. 25.
    pub j: T,
    /// Z\[l\] and A\[l\].
    pub forward: Forward<T>,
    // Position l − 1 holds layer l, but for `da`, whose position l holds layer l.
    dz: Vec<Matrix<T>>,
    da: Vec<Matrix<T>>,
    dw: Vec<Matrix<T>>,
    db: Vec<Matrix<T>>,
}

impl<T: Scalar> ClosedForm<T> {
    /// L, the number of layers.
    pub fn layers(&self) -> usize {
        self.dw.len()
    }

    /// ∂J/∂W\[l\] of eq. 26, n_l × n_(l−1).
    ///
    /// # Panics
    /// If l is not in 1, …, L.
    pub fn dw(&self, l: usize) -> &Matrix<T> {
        &self.dw[below(l)]
    }

    /// ∂J/∂b\[l\] of eq. 27, n_l × 1.
    ///
    /// # Panics
    /// If l is not in 1, …, L.
    pub fn db(&self, l: usize) -> &Matrix<T> {
        &self.db[below(l)]
    }

    /// ∂ℒ/∂A\[l\], n_l × m: for log-loss eq. 8 at l = L, and eq. 28 below it. ∂ℒ/∂A\[0\] = ∂ℒ/∂X.
    ///
    /// A column is the derivative of that example's own ℒ, without the factor 1/m.
    ///
    /// # Panics
    /// If l is not in 0, …, L.
    pub fn da(&self, l: usize) -> &Matrix<T> {
        &self.da[l]
    }

    /// ∂ℒ/∂Z\[l\] = ∂ℒ/∂A\[l\] ⊙ g′(Z\[l\]) (eq. 16), n_l × m, without the factor 1/m.
    ///
    /// # Panics
    /// If l is not in 1, …, L.
    pub fn dz(&self, l: usize) -> &Matrix<T> {
        &self.dz[below(l)]
    }
}

/// The position of layer l in a list that begins with layer 1.
fn below(l: usize) -> usize {
    l.checked_sub(1).expect("layers are numbered from 1: layer 0 is X, which has no parameters")
}

/// Z\[l\] and A\[l\] for l = 1, …, L (eq. 23, 24). `x` is n_0 × m, an example is a column; m may be
/// 0.
///
/// # Errors
/// [`Error::NoLayers`]; [`Error::Shape`] with the name of the first matrix that does not fit.
pub fn forward<T: Scalar>(layers: &[Layer<'_, T>], x: &Matrix<T>) -> Result<Forward<T>> {
    T::closed_form_forward(layers, x)
}

pub(crate) fn forward_here<T: Scalar>(layers: &[Layer<'_, T>], x: &Matrix<T>) -> Result<Forward<T>> {
    check_layers(layers, x)?;
    let mut z: Vec<Matrix<T>> = Vec::with_capacity(layers.len());
    let mut a = Vec::with_capacity(layers.len() + 1);
    a.push(x.clone());
    for (layer, l) in layers.iter().zip(1..) {
        let z_l = affine(layer.w, &a[l - 1], layer.b);
        a.push(map(&z_l, |z| function::g(layer.g, z)));
        z.push(z_l);
    }
    Ok(Forward { z, a })
}

/// J and all its gradients: eq. 23–25 forward, then eq. 8, and eq. 26–28 for l = L, …, 1.
///
/// `x` is n_0 × m and `y` is n_L × m; an example is a column.
///
/// ```
/// use mlp::{Activation, Loss, closed_form};
/// use tape::Matrix;
/// // One neuron, one example: z = 2 · 3 − 6 = 0, a = ½, y = 1.
/// let (w, b) = (Matrix::scalar(2.0), Matrix::scalar(-6.0));
/// let layer = closed_form::Layer::new(&w, &b, &Activation::Sigmoid);
/// let (x, y) = (Matrix::scalar(3.0), Matrix::scalar(1.0));
/// let found = closed_form::backward(&[layer], &x, &y, Loss::LogLoss)?;
/// assert_eq!(found.j, 2.0_f64.ln());
/// assert_eq!(found.da(1)[(0, 0)], -2.0); // eq. 8: −1 / ½
/// assert_eq!(found.dw(1)[(0, 0)], -1.5); // eq. 26: (½ − 1) · 3
/// assert_eq!(found.db(1)[(0, 0)], -0.5); // eq. 27
/// assert_eq!(found.da(0)[(0, 0)], -1.0); // eq. 28: 2 · (½ − 1)
/// # Ok::<(), mlp::Error>(())
/// ```
///
/// # Errors
/// [`Error::NoLayers`]; [`Error::Shape`] with the name of the first matrix that does not fit;
/// [`Error::NoExamples`] if m is 0; [`Error::Label`] or [`Error::LabelSum`] if Y holds what the
/// [loss](Loss) cannot take; [`Error::Probability`] if an output of log-loss is not in [0, 1];
/// [`Error::MissingDerivative`] if an activation of the user's gives none.
pub fn backward<T: Scalar>(
    layers: &[Layer<'_, T>],
    x: &Matrix<T>,
    y: &Matrix<T>,
    loss: Loss,
) -> Result<ClosedForm<T>> {
    T::closed_form_backward(layers, x, y, loss)
}

pub(crate) fn backward_here<T: Scalar>(
    layers: &[Layer<'_, T>],
    x: &Matrix<T>,
    y: &Matrix<T>,
    loss: Loss,
) -> Result<ClosedForm<T>> {
    let forward = forward(layers, x)?;
    let last = layers.len();
    check_shape("Y", y, forward.a(last).shape())?;
    if x.columns() == 0 {
        return Err(Error::NoExamples { what: "J" });
    }
    check_labels(y, loss)?;
    function::check_derivatives(layers)?;
    let output = loss::Output { loss, g: layers[last - 1].g, z: forward.z(last), a: forward.a(last), y };
    output.check()?;
    let (j, da, dz) = (output.j(), output.da(), output.dz());
    let mut found = ClosedForm { j, forward, dz: vec![dz], da: vec![da], dw: vec![], db: vec![] };
    for l in (1..=last).rev() {
        found.go_back_through(l, layers);
    }
    // They were filled from the last layer on.
    found.dz.reverse();
    found.da.reverse();
    found.dw.reverse();
    found.db.reverse();
    Ok(found)
}

impl<T: Scalar> ClosedForm<T> {
    /// Eq. 26, 27 and 28 for one layer, whose ∂ℒ/∂Z\[l\] is the one that was found last.
    fn go_back_through(&mut self, l: usize, layers: &[Layer<'_, T>]) {
        let dz = &self.dz[self.dz.len() - 1];
        let dw = mean_outer(dz, self.forward.a(l - 1));
        let db = row_means(dz);
        let da = transposed_product(layers[l - 1].w, dz);
        if l > 1 {
            let (z, g) = (self.forward.z(l - 1), layers[l - 2].g);
            let dz = zip(&da, z, |da, z| da * function::g_derivative(g, z));
            self.dz.push(dz);
        }
        self.dw.push(dw);
        self.db.push(db);
        self.da.push(da);
    }
}

/// Eq. 23: W * A + B, where B is the column b repeated.
fn affine<T: Scalar>(w: &Matrix<T>, a: &Matrix<T>, b: &Matrix<T>) -> Matrix<T> {
    Matrix::from_fn(w.rows(), a.columns(), |j, i| sum(0..w.columns(), &|k| w[(j, k)] * a[(k, i)]) + b[(j, 0)])
}

/// Eq. 26: 1/m · D * Aᵀ.
fn mean_outer<T: Scalar>(d: &Matrix<T>, a: &Matrix<T>) -> Matrix<T> {
    let m = d.columns();
    Matrix::from_fn(d.rows(), a.rows(), |j, k| sum(0..m, &|i| d[(j, i)] * a[(k, i)]) / T::from_usize(m))
}

/// Eq. 27: 1/m · Σ_i D(i).
fn row_means<T: Scalar>(d: &Matrix<T>) -> Matrix<T> {
    let m = d.columns();
    Matrix::from_fn(d.rows(), 1, |j, _| sum(0..m, &|i| d[(j, i)]) / T::from_usize(m))
}

/// Eq. 28: Wᵀ * D.
fn transposed_product<T: Scalar>(w: &Matrix<T>, d: &Matrix<T>) -> Matrix<T> {
    Matrix::from_fn(w.columns(), d.columns(), |k, i| sum(0..w.rows(), &|j| w[(j, k)] * d[(j, i)]))
}

fn map<T: Scalar>(a: &Matrix<T>, f: impl Fn(T) -> T) -> Matrix<T> {
    Matrix::from_fn(a.rows(), a.columns(), |i, j| f(a[(i, j)]))
}

fn zip<T: Scalar>(a: &Matrix<T>, b: &Matrix<T>, f: impl Fn(T, T) -> T) -> Matrix<T> {
    Matrix::from_fn(a.rows(), a.columns(), |i, j| f(a[(i, j)], b[(i, j)]))
}

/// The layers fit each other, then X fits the first one: where it does not, it is X that is wrong.
fn check_layers<T: Scalar>(layers: &[Layer<'_, T>], x: &Matrix<T>) -> Result<()> {
    let Some(first) = layers.first() else { return Err(Error::NoLayers) };
    let mut n_in = first.w.columns();
    for (layer, l) in layers.iter().zip(1..) {
        let n_out = layer.w.rows();
        check_shape(&format!("W[{l}]"), layer.w, (n_out, n_in))?;
        check_shape(&format!("b[{l}]"), layer.b, (n_out, 1))?;
        n_in = n_out;
    }
    check_shape("X", x, (first.w.columns(), x.columns()))
}

pub(crate) fn check_shape<T: Scalar>(
    matrix: &str,
    value: &Matrix<T>,
    expected: (usize, usize),
) -> Result<()> {
    if value.shape() == expected {
        return Ok(());
    }
    Err(Error::Shape { matrix: matrix.to_string(), expected, found: value.shape() })
}

#[cfg(test)]
mod tests;

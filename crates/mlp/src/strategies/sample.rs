//! A network with data, in either number type.

use std::fmt;
use std::fmt::Write as _;
use std::marker::PhantomData;

use tape::Matrix;
use tape::check::rust_of;
use tape::check::strategies::Grid;

use super::activations::Activations;
use crate::{Activation, Loss, Mlp, Scalar};

/// A network with its parameters, X and Y, as [`Networks`](super::Networks) draws them.
///
/// It says nothing of the number type: one sample gives the network in `f32` and in `f64`. Its
/// `Debug` is the [code](Sample::to_rust) that makes it in `f64`.
#[derive(Clone, PartialEq)]
pub struct Sample<A> {
    pub(super) layers: Vec<Layer>,
    pub(super) loss: Loss,
    pub(super) x: Grid,
    pub(super) y: Grid,
    pub(super) of: PhantomData<A>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layer {
    /// g by its number in the list, of the last layer in that of the loss.
    pub(super) g: usize,
    pub(super) w: Grid,
    pub(super) b: Grid,
}

impl<A: Activations> Sample<A> {
    /// n_0, …, n_L.
    pub fn sizes(&self) -> Vec<usize> {
        let units = self.layers.iter().map(|layer| layer.w.shape().0);
        [self.x.shape().0].into_iter().chain(units).collect()
    }

    /// g of every layer.
    pub fn activations<T: Scalar>(&self) -> Vec<Activation<T>> {
        let g = |(l, layer): (usize, &Layer)| {
            let mut options = if l + 1 == self.layers.len() { A::before(self.loss) } else { A::list() };
            options.swap_remove(layer.g)
        };
        self.layers.iter().enumerate().map(g).collect()
    }

    /// ℒ.
    pub fn loss(&self) -> Loss {
        self.loss
    }

    /// The number of examples.
    pub fn m(&self) -> usize {
        self.x.shape().1
    }

    /// X, n_0 × m.
    pub fn x<T: Scalar>(&self) -> Matrix<T> {
        self.x.matrix()
    }

    /// Y, n_L × m, which the loss takes.
    pub fn y<T: Scalar>(&self) -> Matrix<T> {
        self.y.matrix()
    }

    /// The network.
    ///
    /// # Panics
    /// If an activation of the user's list cannot stand before the loss.
    pub fn network<T: Scalar>(&self) -> Mlp<T> {
        let mut builder = Mlp::new(self.x.shape().0).loss(self.loss);
        for (layer, g) in self.layers.iter().zip(self.activations()) {
            builder = builder.layer(layer.w.shape().0, g);
        }
        let mut network = match builder.build() {
            Ok(network) => network,
            Err(error) => panic!("{error}"),
        };
        for (layer, l) in self.layers.iter().zip(1..) {
            for (name, grid) in [("W", &layer.w), ("b", &layer.b)] {
                let set = network.set_parameter(&format!("{name}[{l}]"), grid.matrix());
                set.expect("parameters have the shapes of the layers");
            }
        }
        network
    }

    /// Rust code that makes the same network and data in this number type: statements that leave
    /// `network`, `x` and `y`.
    ///
    /// An activation of the user's is taken out of the list, whose type has to be in scope.
    pub fn to_rust<T: Scalar>(&self) -> String {
        let mut code = String::from(
            "#[allow(unused_imports)]\nuse mlp::{Activation, Loss, Mlp, strategies::Activations};\n\
             #[allow(unused_imports)]\nuse tape::{Matrix, Scalar, matrix};\n",
        );
        // Writing to a string does not fail.
        let _ = writeln!(code, "type T = {};", T::NAME);
        let _ = writeln!(code, "let mut network = Mlp::<T>::new({})", self.x.shape().0);
        for (l, (layer, g)) in self.layers.iter().zip(self.activations::<T>()).enumerate() {
            let of_list = |list: &str| {
                let name = std::any::type_name::<A>().rsplit("::").next().unwrap_or_default();
                format!("<{name} as Activations>::{list}.swap_remove({})", layer.g)
            };
            let g = match g {
                Activation::Custom(_) if l + 1 == self.layers.len() => {
                    of_list(&format!("before::<T>(Loss::{:?})", self.loss))
                }
                Activation::Custom(_) => of_list("list::<T>()"),
                // With its digits, and with the name of the type before it.
                built_in => format!("Activation::{built_in:?}"),
            };
            let _ = writeln!(code, "    .layer({}, {g})", layer.w.shape().0);
        }
        let _ = writeln!(code, "    .loss(Loss::{:?})\n    .build()\n    .unwrap();", self.loss);
        for (layer, l) in self.layers.iter().zip(1..) {
            for (name, grid) in [("W", &layer.w), ("b", &layer.b)] {
                let value = rust_of(&grid.matrix::<T>());
                let _ = writeln!(code, "network.set_parameter(\"{name}[{l}]\", {value}).unwrap();");
            }
        }
        for (name, grid) in [("x", &self.x), ("y", &self.y)] {
            let _ = writeln!(code, "let {name}: Matrix<T> = {};", rust_of(&grid.matrix::<T>()));
        }
        code
    }
}

impl<A: Activations> fmt::Debug for Sample<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rust::<f64>())
    }
}

//! The first values of the parameters.

use std::fmt;
use std::str::FromStr;

use tape::Matrix;

use crate::{Activation, Error, Purpose, Random, Result, Scalar};

/// How the first weights are drawn: uniformly from [−limit, limit), so that the variance of what a
/// layer passes on stays about the same from layer to layer. The biases begin at 0.
///
/// With n_in = n_(l−1) and n_out = n_l:
///
/// | scheme | limit | made for |
/// |---|---|---|
/// | Glorot (Glorot, Bengio 2010, eq. 16) | √(6 / (n_in + n_out)) | tanh, sigmoid |
/// | He (He, Zhang, Ren, Sun 2015, eq. 10) | √(6 / n_in) | relu and its relatives |
/// | LeCun (LeCun, Bottou, Orr, Müller 1998, eq. 16) | √(3 / n_in) | scaled tanh, selu |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Init {
    /// Limit √(6 / (n_in + n_out)).
    #[default]
    Glorot,
    /// Limit √(6 / n_in).
    He,
    /// Limit √(3 / n_in).
    LeCun,
}

impl Init {
    /// Every scheme.
    pub const ALL: [Init; 3] = [Init::Glorot, Init::He, Init::LeCun];

    /// The scheme that was made for an activation: He for the relu family, Glorot for the others.
    pub fn suited_to<T: Scalar>(g: &Activation<T>) -> Init {
        g.suited_init()
    }

    /// Its name, which is parsed back.
    pub fn name(self) -> &'static str {
        match self {
            Init::Glorot => "glorot",
            Init::He => "he",
            Init::LeCun => "lecun",
        }
    }

    /// The bound of the weights of a layer with `n_in` inputs and `n_out` neurons.
    ///
    /// ```
    /// # use mlp::Init;
    /// assert_eq!(Init::Glorot.limit(30, 16), (6.0_f64 / 46.0).sqrt());
    /// assert_eq!(Init::He.limit(6, 1), 1.0);
    /// ```
    pub fn limit(self, n_in: usize, n_out: usize) -> f64 {
        let (n_in, n_out) = (n_in as f64, n_out as f64);
        match self {
            Init::Glorot => (6.0 / (n_in + n_out)).sqrt(),
            Init::He => (6.0 / n_in).sqrt(),
            Init::LeCun => (3.0 / n_in).sqrt(),
        }
    }

    /// Draws the weights of a layer, n_out × n_in, in column-major order.
    ///
    /// Every weight is drawn in `f64` and then rounded, so `f32` weights are the `f64` ones,
    /// rounded.
    ///
    /// # Errors
    /// [`Error::Tape`] if the matrix is larger than the memory or the address space.
    pub fn weights<T: Scalar>(self, n_out: usize, n_in: usize, random: &mut Random) -> Result<Matrix<T>> {
        T::init_weights(self, n_out, n_in, random)
    }

    pub(crate) fn weights_here<T: Scalar>(
        self,
        n_out: usize,
        n_in: usize,
        random: &mut Random,
    ) -> Result<Matrix<T>> {
        let limit = self.limit(n_in, n_out);
        Ok(Matrix::try_from_fn(n_out, n_in, |_, _| T::from_f64(random.symmetric(limit)))?)
    }

    /// W\[l\] and b\[l\] for l = 1, …, L, of a network with n_0, …, n_L neurons.
    ///
    /// The layers are drawn one after the other: those before a layer do not depend on it.
    ///
    /// ```
    /// # use mlp::Init;
    /// let layers = Init::Glorot.parameters::<f64>(&[30, 16, 1], 0)?;
    /// let [(w1, b1), (w2, b2)] = layers.as_slice() else { panic!() };
    /// assert_eq!((w1.shape(), b1.shape()), ((16, 30), (16, 1)));
    /// assert_eq!((w2.shape(), b2.shape()), ((1, 16), (1, 1)));
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NoLayers`] if there are fewer than two sizes; [`Error::Tape`] if a matrix is larger
    /// than the memory or the address space.
    pub fn parameters<T: Scalar>(self, sizes: &[usize], seed: u64) -> Result<Vec<(Matrix<T>, Matrix<T>)>> {
        if sizes.len() < 2 {
            return Err(Error::NoLayers);
        }
        T::init_parameters(&vec![self; sizes.len() - 1], sizes, seed)
    }

    /// Like [`parameters`](Init::parameters), with a scheme for each layer.
    pub(crate) fn parameters_of_each<T: Scalar>(
        schemes: &[Init],
        sizes: &[usize],
        seed: u64,
    ) -> Result<Vec<(Matrix<T>, Matrix<T>)>> {
        let mut random = Random::new(seed, Purpose::Init);
        let pairs = sizes.windows(2).zip(schemes);
        pairs
            .map(|(n, init)| Ok((init.weights(n[1], n[0], &mut random)?, Matrix::try_zeros(n[1], 1)?)))
            .collect()
    }
}

impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Init {
    type Err = Error;

    /// Case does not matter.
    fn from_str(text: &str) -> Result<Self> {
        let name = text.trim().to_lowercase();
        Init::ALL.into_iter().find(|init| init.name() == name).ok_or_else(|| Error::UnknownName {
            what: "initialisation",
            name: text.to_string(),
            known: Init::ALL.map(Init::name).join(", "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_weights_of_a_seed_stay() {
        let first = |init: Init| {
            let layers = init.parameters::<f64>(&[3, 4, 1], 42).unwrap();
            [layers[0].0[(0, 0)], layers[0].0[(1, 0)], layers[1].0[(0, 3)]]
        };
        assert_eq!(first(Init::Glorot), [-0.2809781261377177, -0.3968091402694496, -0.7776839691396928]);
        assert_eq!(first(Init::He), [-0.42920117721764717, -0.6061359739117008, -0.8694771100041009]);
        assert_eq!(first(Init::LeCun), [-0.3034910629038474, -0.4286028574740759, -0.6148131605703815]);
    }

    #[test]
    fn single_precision_weights_are_the_double_ones_rounded() {
        let double = Init::He.parameters::<f64>(&[30, 16, 2], 9).unwrap();
        let single = Init::He.parameters::<f32>(&[30, 16, 2], 9).unwrap();
        for ((w, b), (w32, b32)) in double.iter().zip(&single) {
            assert!(w.as_slice().iter().zip(w32.as_slice()).all(|(&x, &y)| x as f32 == y));
            assert!(b.as_slice().iter().all(|&x| x == 0.0) && b32.as_slice().iter().all(|&x| x == 0.0));
        }
    }

    #[test]
    fn weights_keep_to_their_limit_and_variance() {
        for init in Init::ALL {
            let limit = init.limit(200, 100);
            let w = init.weights::<f64>(100, 200, &mut Random::new(1, Purpose::Init)).unwrap();
            assert!(w.as_slice().iter().all(|w| w.abs() <= limit));
            let variance = w.as_slice().iter().map(|w| w * w).sum::<f64>() / 20_000.0;
            // That of a uniform distribution is limit² / 3; its estimate from 20 000 draws is
            // within 4 %.
            assert!((variance / (limit * limit / 3.0) - 1.0).abs() < 0.04, "{init}: {variance}");
        }
    }

    #[test]
    fn a_deeper_network_begins_with_the_same_layers() {
        let shallow = Init::Glorot.parameters::<f64>(&[5, 4, 3], 2).unwrap();
        let deep = Init::Glorot.parameters::<f64>(&[5, 4, 3, 2], 2).unwrap();
        assert_eq!(shallow, deep[..2]);
    }

    #[test]
    fn odd_sizes_are_errors_or_empty_matrices() {
        assert_eq!(Init::He.parameters::<f64>(&[3], 0), Err(Error::NoLayers));
        assert_eq!(Init::He.parameters::<f64>(&[0, 2], 0).unwrap()[0].0.shape(), (2, 0));
        let error = Init::He.parameters::<f32>(&[usize::MAX, 2], 0).unwrap_err();
        assert!(matches!(error, Error::Tape(tape::Error::SizeOverflow { .. })));
        for sizes in [[1 << 62, 2], [0, usize::MAX], [1 << 25, 1 << 25], [1, 1 << 50]] {
            assert!(matches!(Init::He.parameters::<f32>(&sizes, 0), Err(Error::Tape(_))), "{sizes:?}");
        }
        assert_eq!("LeCun".parse(), Ok(Init::LeCun));
        assert!("xavier".parse::<Init>().is_err());
    }
}

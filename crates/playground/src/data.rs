//! Data to play with.

use std::f64::consts::{PI, TAU};

use mlp::{Purpose, Random};
use serde::{Deserialize, Serialize};
use tape::Matrix;

/// A set of examples of two features and two classes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Set {
    /// The four examples of exclusive or.
    #[default]
    Xor,
    /// Two half-circles, each around the other's end.
    Moons,
    /// Two spirals.
    Spirals,
    /// One's own.
    Own,
}

/// Half of the points of a set that is drawn.
const EACH: usize = 16;
/// How far a point may be from its curve.
const NOISE: f64 = 0.1;

impl Set {
    /// X, 2 × m, and the class of each example, 0 or 1. Of one's own there are none.
    pub(crate) fn draw(self, seed: u64) -> Option<(Matrix<f64>, Vec<usize>)> {
        match self {
            Set::Xor => {
                let x = Matrix::from_fn(2, 4, |i, j| ((j >> (1 - i)) & 1) as f64);
                Some((x, vec![0, 1, 1, 0]))
            }
            Set::Moons => Some(two(seed, |class, t| {
                let (sin, cos) = (PI * t).sin_cos();
                if class == 0 { [cos, sin] } else { [1.0 - cos, 0.5 - sin] }
            })),
            Set::Spirals => Some(two(seed, |class, t| {
                let (sin, cos) = (TAU * (0.2 + t) + PI * class as f64).sin_cos();
                [(0.2 + t) * cos, (0.2 + t) * sin]
            })),
            Set::Own => None,
        }
    }
}

/// Points of two curves over t from 0 to 1, each a little beside its curve; the classes take turns.
fn two(seed: u64, curve: impl Fn(usize, f64) -> [f64; 2]) -> (Matrix<f64>, Vec<usize>) {
    let mut random = Random::new(seed, Purpose::Init);
    let m = 2 * EACH;
    let points: Vec<[f64; 2]> = (0..m)
        .map(|j| {
            let [a, b] = curve(j % 2, (j / 2) as f64 / (EACH - 1) as f64);
            // Three decimals are enough to look at, and short enough to edit.
            [a, b].map(|at| ((at + random.symmetric(NOISE)) * 1e3).round() / 1e3)
        })
        .collect();
    (Matrix::from_fn(2, m, |i, j| points[j][i]), (0..m).map(|j| j % 2).collect())
}

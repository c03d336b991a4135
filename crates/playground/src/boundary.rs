//! What a network says of every point of a plane.

use mlp::Mlp;
use serde::Serialize;
use tape::Matrix;

use crate::Result;
use crate::rows::Number;

/// Points of a side of the grid.
const SIDE: usize = 40;
/// The least part of the plane around the points, in their units.
const LEAST: f64 = 1.0;

/// Outputs on a square grid.
#[derive(Debug, Clone, Serialize)]
pub struct Boundary {
    /// The least and the greatest x_1.
    pub first: [f64; 2],
    /// The least and the greatest x_2.
    pub second: [f64; 2],
    /// Points of a side.
    pub side: usize,
    /// The first output, or the most likely class where there are several; row by row from the greatest x_2.
    pub values: Vec<Number>,
    /// How many classes there are, where there are several outputs.
    pub classes: Option<usize>,
}

impl Boundary {
    /// Of a network with two features; `None` of another, or where X is not finite.
    pub(crate) fn of(network: &Mlp<f64>, x: &Matrix<f64>) -> Result<Option<Self>> {
        if network.sizes()[0] != 2 || x.iter().any(|x| !x.is_finite()) {
            return Ok(None);
        }
        let (first, second) = (range(x, 0), range(x, 1));
        let at = |[low, high]: [f64; 2], i: usize| low + (high - low) * (i as f64 + 0.5) / SIDE as f64;
        let grid = Matrix::from_fn(2, SIDE * SIDE, |feature, k| match feature {
            0 => at(first, k % SIDE),
            _ => at(second, SIDE - 1 - k / SIDE),
        });
        let outputs = network.predict(&grid)?;
        let classes = (outputs.rows() > 1).then_some(outputs.rows());
        let values = match classes {
            None => outputs.iter().copied().map(Number).collect(),
            // Where an output is no number, no class is known.
            Some(_) => mlp::classes(&outputs).map_or_else(
                |_| vec![Number(f64::NAN); grid.columns()],
                |classes| classes.into_iter().map(|class| Number(class as f64)).collect(),
            ),
        };
        Ok(Some(Boundary { first, second, side: SIDE, values, classes }))
    }
}

/// The range of a feature, and a fifth of it on both sides.
fn range(x: &Matrix<f64>, feature: usize) -> [f64; 2] {
    let values = (0..x.columns()).map(|j| x[(feature, j)]);
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(x), h.max(x)));
    if low > high {
        return [-LEAST, LEAST];
    }
    let margin = ((high - low) / 5.0).max(LEAST / 4.0);
    [low - margin, high + margin]
}

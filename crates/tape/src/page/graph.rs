//! The graph, laid out in a mirror: forward up the left, cotangents down the right, an entry and
//! its cotangent in one row.

use std::collections::BTreeMap;

use super::layers::{Mirror, Side};
use crate::{OperationKind, Scalar, Tape};

/// Sizes in pixels.
const NODE: [usize; 2] = [108, 30];
const COLUMN: usize = 126;
const STEP: usize = 45;
const MARGIN: usize = 8;
/// On the left, the names of the layers.
const NAMES: usize = 52;

#[derive(Debug, serde::Serialize)]
pub(super) struct Graph {
    width: usize,
    node: [usize; 2],
    nodes: Vec<Node>,
}

#[derive(Debug, serde::Serialize)]
struct Node {
    entry: usize,
    band: usize,
    side: Side,
    x: usize,
    y: usize,
}

/// A layer of the graph.
#[derive(Debug, serde::Serialize)]
pub(super) struct Band {
    label: String,
    height: usize,
}

/// The graph with the heights of its bands. Numbers are no nodes: they stand in the operations.
pub(super) fn laid_out<T: Scalar>(tape: &Tape<T>, mirror: &Mirror) -> (Graph, Vec<Band>) {
    let mut cells: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
    for (index, place) in mirror.places.iter().enumerate() {
        if tape.at(index).kind() != OperationKind::Number {
            cells.entry((place.row, column(place.side))).or_default().push(index);
        }
    }
    let mut heights = vec![1; mirror.band_of_row.len()];
    for ((row, _), entries) in &cells {
        heights[*row] = heights[*row].max(entries.len());
    }
    let mut bands: Vec<Band> =
        mirror.bands.iter().map(|label| Band { label: label.clone(), height: 0 }).collect();
    // The last row of a band is its uppermost.
    let mut top_of_row = vec![0; heights.len()];
    for (row, &band) in mirror.band_of_row.iter().enumerate().rev() {
        top_of_row[row] = bands[band].height;
        bands[band].height += heights[row] * STEP;
    }
    let mut nodes = Vec::new();
    for ((row, column), entries) in cells {
        // Up the left, and down the right.
        let is_upward = column <= 1;
        let free = heights[row] - entries.len();
        for (k, &entry) in entries.iter().enumerate() {
            let place = if is_upward { entries.len() - 1 - k } else { k };
            let y = top_of_row[row] + place * STEP + free * STEP / 2 + (STEP - NODE[1]) / 2;
            let side = mirror.places[entry].side;
            nodes.push(Node { entry, band: mirror.band_of_row[row], side, x: NAMES + column * COLUMN, y });
        }
    }
    nodes.sort_by_key(|node| node.entry);
    let width = NAMES + MARGIN + column(Side::Gradient) * COLUMN + NODE[0];
    (Graph { width, node: NODE, nodes }, bands)
}

fn column(side: Side) -> usize {
    match side {
        Side::Leaf => 0,
        Side::Forward => 1,
        Side::Helper => 2,
        Side::Cotangent => 3,
        Side::Gradient => 4,
    }
}

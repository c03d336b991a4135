//! To which layer an entry belongs: the names tell it.

use crate::show::label::{Label, indexed};
use crate::tape::ids::Id;
use crate::{Entry, OperationKind, Origin, Scalar, Tape};

/// What part of the list an entry belongs to, for whoever looks for its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Side {
    Leaf,
    Forward,
    Helper,
    Cotangent,
    Gradient,
}

/// Where an entry stands in the mirror: in the row of a forward entry, on one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) row: usize,
    pub(super) side: Side,
}

/// The mirror: a row for each operation of the user's, from the first.
#[derive(Debug)]
pub(super) struct Mirror {
    /// Of each entry its place.
    pub(super) places: Vec<Place>,
    /// Of each row its layer.
    pub(super) band_of_row: Vec<usize>,
    /// The layers' indices, `""` for what belongs to none.
    pub(super) bands: Vec<String>,
}

impl Mirror {
    pub(super) fn of<T: Scalar>(tape: &Tape<T>, entries: usize) -> Mirror {
        let mut places = forward_rows(tape, entries);
        leaves(tape, &mut places);
        let cotangent_of = cotangents(tape, entries);
        for index in 0..entries {
            if places[index].is_none() {
                places[index] = derivative(tape.at(index), &places, cotangent_of[index]);
            }
        }
        helpers(tape, &mut places);
        let places: Vec<Place> = places.into_iter().flatten().collect();
        let rows = places.iter().map(|place| place.row + 1).max().unwrap_or(0);
        let (band_of_row, bands) = bands(tape, &places, rows);
        Mirror { places, band_of_row, bands }
    }

    pub(super) fn band(&self, entry: usize) -> usize {
        self.band_of_row[self.places[entry].row]
    }
}

fn is_source<T: Scalar>(entry: Entry<'_, T>) -> bool {
    matches!(entry.kind(), OperationKind::Leaf | OperationKind::Number)
}

/// The user's own operations, each in a row of its own.
fn forward_rows<T: Scalar>(tape: &Tape<T>, entries: usize) -> Vec<Option<Place>> {
    let mut row = 0;
    tape.entries_in(0..entries)
        .map(|entry| {
            let is_forward = entry.differentiation().is_none() && !is_source(entry);
            is_forward.then(|| {
                row += 1;
                Place { row: row - 1, side: Side::Forward }
            })
        })
        .collect()
}

/// Leaves and numbers stand in the row of the operation that uses them first.
fn leaves<T: Scalar>(tape: &Tape<T>, places: &mut [Option<Place>]) {
    for index in 0..places.len() {
        let Some(Place { row, side: Side::Forward }) = places[index] else { continue };
        for operand in tape.at(index).operands().filter(|&operand| is_source(operand)) {
            places[operand.index()].get_or_insert(Place { row, side: Side::Leaf });
        }
    }
}

/// For each entry: the forward entry whose cotangent it is, one that has a name if there is.
fn cotangents<T: Scalar>(tape: &Tape<T>, entries: usize) -> Vec<Option<usize>> {
    let mut of: Vec<Option<usize>> = vec![None; entries];
    for (index, propagated) in tape.propagated(entries) {
        let entry = tape.at(index);
        let Some(known) = of.get_mut(propagated.g.index()) else { continue };
        let is_better =
            known.is_none_or(|known| entry.given_name().is_some() && tape.at(known).given_name().is_none());
        if is_better {
            *known = Some(entry.index());
        }
    }
    of
}

/// The place of a derivative: in the row of what it is the derivative with respect to.
fn derivative<T: Scalar>(
    entry: Entry<'_, T>,
    places: &[Option<Place>],
    cotangent_of: Option<usize>,
) -> Option<Place> {
    if is_source(entry) {
        return None;
    }
    let with_respect_to = || Some(entry.derivative_of()?.with_respect_to.index());
    let handed_out = || match entry.origin()? {
        Origin::HandingOut(of) => Some(of.index()),
        Origin::Rule(_) | Origin::Sum(_) => None,
    };
    let place = |index: usize| places.get(index).copied().flatten();
    let of = [cotangent_of, with_respect_to(), handed_out()].into_iter().flatten().find_map(place)?;
    let side = if of.side == Side::Leaf { Side::Gradient } else { Side::Cotangent };
    Some(Place { row: of.row, side })
}

/// What else there is stands in the row of what uses it first, or else of what it uses last.
fn helpers<T: Scalar>(tape: &Tape<T>, places: &mut [Option<Place>]) {
    let mut row_of_user: Vec<Option<usize>> = vec![None; places.len()];
    for index in (0..places.len()).rev() {
        let entry = tape.at(index);
        let row = *places[index].get_or_insert_with(|| {
            let row = row_of_user[index].unwrap_or(usize::MAX); // found below
            Place { row, side: Side::Helper }
        });
        for operand in entry.operands().filter(|_| row.row != usize::MAX) {
            row_of_user[operand.index()] = Some(row.row);
        }
    }
    for index in 0..places.len() {
        let row = |place: Option<Place>| place.map(|place| place.row).filter(|&row| row != usize::MAX);
        if row(places[index]).is_none() {
            let used = tape.at(index).operands().filter_map(|operand| row(places[operand.index()])).max();
            places[index] = Some(Place { row: used.unwrap_or(0), side: Side::Helper });
        }
    }
}

/// The layer of each row: the index of the next name that has one.
fn bands<T: Scalar>(tape: &Tape<T>, places: &[Place], rows: usize) -> (Vec<usize>, Vec<String>) {
    let mut index_of_row: Vec<Option<String>> = vec![None; rows];
    for (place, entry) in places.iter().zip(tape.entries()) {
        if place.side == Side::Forward
            && let Some(Label::Name(name)) = Label::given(entry)
            && let Some((_, index)) = indexed(&name)
        {
            index_of_row[place.row] = Some(index.to_owned());
        }
    }
    let mut next = String::new();
    for index in index_of_row.iter_mut().rev() {
        match index {
            Some(index) => next.clone_from(index),
            None => *index = Some(next.clone()),
        }
    }
    let (mut band_of_row, mut bands) = (Vec::new(), Vec::<String>::new());
    for index in index_of_row.into_iter().flatten() {
        if bands.last() != Some(&index) {
            bands.push(index);
        }
        band_of_row.push(bands.len() - 1);
    }
    if bands.is_empty() {
        (band_of_row, bands) = (vec![0; rows.max(1)], vec![String::new()]);
    }
    (band_of_row, bands)
}

//! The column that is to be learned: numbers, or names of classes.

use std::collections::HashMap;

use crate::text::Short;

/// More classes than this are a sign of another column.
pub(super) const MOST_CLASSES: usize = 10_000;

/// Y and the names of the classes, if there are exactly two different numbers, else the numbers.
pub(super) fn with_two_classes(mut y: Vec<f64>) -> (Vec<f64>, Vec<String>) {
    let least = y.iter().copied().reduce(f64::min).unwrap_or(0.0);
    let most = y.iter().copied().reduce(f64::max).unwrap_or(0.0);
    if least == most || y.iter().any(|&value| value != least && value != most) {
        return (y, Vec::new());
    }
    for value in &mut y {
        *value = f64::from(*value == most);
    }
    (y, vec![Short(least).to_string(), Short(most).to_string()])
}

/// The targets of the rows that were read. They are numbers, or have classes that are numbers, if
/// the first one is a number.
pub(super) enum Labels {
    Numbers(Vec<f64>),
    Texts(Texts),
}

impl Labels {
    pub(super) fn beginning_with(first: &str) -> Self {
        if super::fields::is_number(first) {
            Labels::Numbers(Vec::new())
        } else {
            Labels::Texts(Texts::default())
        }
    }
}

/// Targets that are names of classes.
#[derive(Default)]
pub(super) struct Texts {
    /// For every row the class, numbered as they came.
    classes: Vec<usize>,
    /// The number of each class, and in how many rows it is.
    known: HashMap<String, (usize, usize)>,
}

impl Texts {
    /// Takes a label, unless it is one class too many.
    pub(super) fn add(&mut self, label: &str) -> bool {
        let next = self.known.len();
        let class = match self.known.get_mut(label) {
            Some((class, count)) => {
                *count += 1;
                *class
            }
            None if next == MOST_CLASSES => return false,
            None => {
                self.known.insert(label.to_string(), (next, 1));
                next
            }
        };
        self.classes.push(class);
        true
    }

    pub(super) fn counts(&self) -> impl Iterator<Item = (&str, usize)> {
        self.known.iter().map(|(label, (_, count))| (label.as_str(), *count))
    }

    pub(super) fn count(&self, label: &str) -> usize {
        self.known.get(label).map_or(0, |(_, count)| *count)
    }

    /// Y and the names of the classes, in alphabetical order.
    pub(super) fn in_order(self) -> (Vec<f64>, Vec<String>) {
        let mut names: Vec<(String, usize)> =
            self.known.into_iter().map(|(label, (class, _))| (label, class)).collect();
        names.sort_unstable();
        let mut place = vec![0.0; names.len()];
        for (i, (_, class)) in names.iter().enumerate() {
            place[*class] = i as f64;
        }
        let y = self.classes.into_iter().map(|class| place[class]).collect();
        (y, names.into_iter().map(|(label, _)| label).collect())
    }
}

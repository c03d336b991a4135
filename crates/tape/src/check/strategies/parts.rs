//! What is left of a drawn value: lists that lose items, choices that become simpler, elements that
//! come down the ladder.

use std::collections::BTreeMap;

use super::grid::Place;

/// The turns in which lists and choices become simpler. Elements come after all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// How much there is: layers, steps, which function.
    Structure,
    /// How large it is: rows, columns, units, m.
    Shape,
}

/// A list of [`Parts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListId(usize);

/// A choice of [`Parts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChoiceId(usize);

#[derive(Debug, Clone, PartialEq, Eq)]
struct List {
    stage: Stage,
    /// The numbers of the items that are left, in order.
    kept: Vec<u32>,
    least: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Choice {
    stage: Stage,
    at: usize,
}

/// What is left of what was drawn.
///
/// A *list* begins with the items 0, 1, …, and loses some of them: the rows of a matrix, the
/// examples, the layers of a network, the steps of a tape. What stays keeps its number, and so what
/// was drawn for it. A *choice* is a number that goes down, to the simplest option, 0. The *rung* of
/// an element says where it is on the [ladder](super#the-ladder).
///
/// A [`Draft`](super::Draft) makes these parts, and its values of them.
///
/// ```
/// use tape::check::strategies::{Parts, Stage};
/// let mut parts = Parts::new();
/// let columns = parts.list(Stage::Shape, 257, 1);
/// let function = parts.choice(Stage::Structure, 3);
/// assert_eq!((parts.kept(columns).len(), parts.chosen(function)), (257, 3));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parts {
    lists: Vec<List>,
    choices: Vec<Choice>,
    rungs: BTreeMap<Place, u8>,
}

impl Parts {
    /// None yet.
    pub fn new() -> Self {
        Parts::default()
    }

    /// A list of `count` items, of which at least `least` stay.
    ///
    /// # Panics
    /// If `count` is less than `least`, or not less than 2³².
    pub fn list(&mut self, stage: Stage, count: usize, least: usize) -> ListId {
        assert!(least <= count, "a list of {count} items cannot keep {least}");
        let count = u32::try_from(count).expect("a list has less than 2³² items");
        self.lists.push(List { stage, kept: (0..count).collect(), least });
        ListId(self.lists.len() - 1)
    }

    /// A choice of an option, by its number. Options before it are simpler, and 0 is the simplest.
    pub fn choice(&mut self, stage: Stage, drawn: usize) -> ChoiceId {
        self.choices.push(Choice { stage, at: drawn });
        ChoiceId(self.choices.len() - 1)
    }

    /// The numbers of the items that are left of a list, in order.
    ///
    /// # Panics
    /// If the list is one of other parts.
    pub fn kept(&self, list: ListId) -> &[u32] {
        &self.lists[list.0].kept
    }

    /// Which option is chosen.
    ///
    /// # Panics
    /// If the choice is one of other parts.
    pub fn chosen(&self, choice: ChoiceId) -> usize {
        self.choices[choice.0].at
    }

    /// The lists and choices of a stage.
    pub(super) fn of(&self, stage: Stage) -> (Vec<ListId>, Vec<ChoiceId>) {
        let lists = (0..self.lists.len()).map(ListId).filter(|id| self.lists[id.0].stage == stage);
        let choices = (0..self.choices.len()).map(ChoiceId).filter(|id| self.choices[id.0].stage == stage);
        (lists.collect(), choices.collect())
    }

    pub(super) fn least(&self, list: ListId) -> usize {
        self.lists[list.0].least
    }

    /// Only the items at these positions of what is left.
    pub(super) fn keep_if(&mut self, list: ListId, keeps: impl Fn(usize) -> bool) {
        let mut position = 0..;
        self.lists[list.0].kept.retain(|_| position.next().is_some_and(&keeps));
    }

    pub(super) fn choose(&mut self, choice: ChoiceId, option: usize) {
        self.choices[choice.0].at = option;
    }

    /// The rung of an element, `None` while it is as it was drawn.
    pub(super) fn rung(&self, place: Place) -> Option<u8> {
        self.rungs.get(&place).copied()
    }

    pub(super) fn has_simpler_elements(&self) -> bool {
        !self.rungs.is_empty()
    }

    /// All elements as they were drawn.
    pub(super) fn draw_again(&mut self) {
        self.rungs.clear();
    }

    pub(super) fn put(&mut self, place: Place, rung: u8) {
        self.rungs.insert(place, rung);
    }
}

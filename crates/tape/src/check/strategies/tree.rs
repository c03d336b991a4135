//! The search for the simplest case that still fails.

use std::collections::VecDeque;
use std::fmt::Debug;

use proptest::strategy::ValueTree;

use super::grid::{Grid, Place};
use super::parts::{ChoiceId, ListId, Parts, Stage};
use super::regime::RUNGS;
use super::side::BOUNDARIES;

/// What was drawn, and how a value is made of the [parts](Parts) that are left of it: the way to a
/// strategy of one's own that shrinks as those of this module do.
///
/// ```
/// use proptest::prelude::*;
/// use proptest::strategy::{NewTree, ValueTree};
/// use proptest::test_runner::TestRunner;
/// use tape::check::Random;
/// use tape::check::strategies::{Draft, Elements, Fill, Grid, ListId, Parts, Stage, Tree};
///
/// /// A square matrix: one list for its rows and its columns.
/// #[derive(Debug, Clone)]
/// struct Square {
///     side: ListId,
///     fill: Fill,
/// }
///
/// impl Draft for Square {
///     type Value = Grid;
///     fn value(&self, parts: &Parts) -> Grid {
///         let side = parts.kept(self.side);
///         self.fill.grid(parts, side, side)
///     }
///     fn grids(&self, parts: &Parts) -> Vec<Grid> {
///         vec![self.value(parts)]
///     }
/// }
///
/// #[derive(Debug)]
/// struct Squares;
///
/// impl Strategy for Squares {
///     type Tree = Tree<Square>;
///     type Value = Grid;
///     fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
///         let (mut random, mut parts) = (Random::new(runner.rng().next_u64()), Parts::new());
///         let side = parts.list(Stage::Shape, random.below(20), 0);
///         let fill = Fill::elements(&Elements::Between(-1.0, 1.0), 0, &mut random);
///         Ok(Tree::new(Square { side, fill }, parts))
///     }
/// }
///
/// let mut tree = Squares.new_tree(&mut TestRunner::deterministic()).unwrap();
/// while tree.simplify() {} // as if every case failed
/// assert_eq!(tree.current().shape(), (0, 0));
/// ```
pub trait Draft: Debug {
    /// What is drawn.
    type Value: Debug;

    /// The value of what is left.
    fn value(&self, parts: &Parts) -> Self::Value;

    /// The matrices of the value, whose elements can become simpler, each with a number of its own.
    fn grids(&self, parts: &Parts) -> Vec<Grid>;

    /// Whether the value depends on a list: the width of a layer that was dropped is of no use.
    fn uses(&self, parts: &Parts, list: ListId) -> bool {
        let _ = (parts, list);
        true
    }

    /// Whether these parts give a value that could have been drawn. Those that give none are not
    /// tried.
    fn allows(&self, parts: &Parts) -> bool {
        let _ = parts;
        true
    }
}

/// A drawn value, and the search for a simpler one that still fails: structure, then shape, then
/// elements, and again from the beginning, until nothing becomes simpler.
#[derive(Debug, Clone)]
pub struct Tree<D> {
    draft: D,
    /// The simplest parts that are known to fail.
    best: Parts,
    /// What is tried.
    tried: Option<(Parts, Move)>,
    search: Search,
}

/// Where the search is.
#[derive(Debug, Clone, Default)]
struct Search {
    /// What is to be simplified yet in this round.
    passes: VecDeque<Pass>,
    /// What is to be tried yet in this pass, the next one first.
    moves: VecDeque<Move>,
    /// The pass that the moves are of.
    pass: Option<Pass>,
    /// Whether this round has found something simpler.
    has_found: bool,
    is_over: bool,
}

/// A part to be simplified.
#[derive(Debug, Clone, Copy)]
enum Pass {
    /// The first items of a list; fewer than `floor` were tried without success.
    First {
        list: ListId,
        floor: usize,
    },
    /// Some of a list's items, wherever they are.
    Without(ListId),
    Choice(ChoiceId),
    Elements {
        rung: u8,
    },
}

#[derive(Debug, Clone)]
enum Move {
    First {
        list: ListId,
        count: usize,
    },
    Without {
        list: ListId,
        from: usize,
        count: usize,
    },
    Choose(ChoiceId, usize),
    Put(Vec<Place>, u8),
    /// One of the others, with the elements as they were drawn: some may have become so simple that
    /// what they are in can no longer go.
    Afresh(Box<Move>),
}

impl Move {
    fn apply(&self, parts: &mut Parts) {
        match self {
            &Move::First { list, count } => parts.keep_if(list, |at| at < count),
            &Move::Without { list, from, count } => parts.keep_if(list, |at| at < from || from + count <= at),
            &Move::Choose(choice, option) => parts.choose(choice, option),
            Move::Put(places, rung) => places.iter().for_each(|&place| parts.put(place, *rung)),
            Move::Afresh(of) => {
                of.apply(parts);
                parts.draw_again();
            }
        }
    }
}

impl<D: Draft> Tree<D> {
    /// The search that begins with all of what was drawn.
    pub fn new(draft: D, parts: Parts) -> Self {
        Tree { draft, best: parts, tried: None, search: Search::default() }
    }

    /// Goes on to the next thing to try; whether there is one.
    fn propose(&mut self) -> bool {
        loop {
            if let Some(next) = self.search.moves.pop_front() {
                let mut parts = self.best.clone();
                next.apply(&mut parts);
                if self.draft.allows(&parts) {
                    self.tried = Some((parts, next));
                    return true;
                }
                self.reject(next);
                continue;
            }
            if self.search.is_over {
                return false;
            }
            match self.search.passes.pop_front() {
                Some(pass) => self.enter(pass),
                // Nothing more to find, or a round in which nothing was found.
                None if self.search.pass.is_some() && !self.search.has_found => self.search.is_over = true,
                None => self.begin_round(),
            }
        }
    }

    fn begin_round(&mut self) {
        self.search.has_found = false;
        for stage in [Stage::Structure, Stage::Shape] {
            let (lists, choices) = self.best.of(stage);
            let of_lists = lists
                .into_iter()
                .flat_map(|list| [Pass::First { list, floor: self.best.least(list) }, Pass::Without(list)]);
            self.search.passes.extend(of_lists.chain(choices.into_iter().map(Pass::Choice)));
        }
        self.search.passes.extend((0..RUNGS.len() as u8).map(|rung| Pass::Elements { rung }));
        self.search.pass = Some(Pass::Elements { rung: 0 });
    }

    /// Lists what a pass tries.
    fn enter(&mut self, pass: Pass) {
        let uses = |list| self.draft.uses(&self.best, list);
        self.search.moves = match pass {
            Pass::First { list, floor } if uses(list) => {
                let counts = fewer(self.best.kept(list).len(), floor);
                counts.into_iter().map(|count| Move::First { list, count }).collect()
            }
            Pass::Without(list) if uses(list) => self.without(list),
            Pass::First { .. } | Pass::Without(_) => VecDeque::new(),
            Pass::Choice(choice) => {
                (0..self.best.chosen(choice)).map(|option| Move::Choose(choice, option)).collect()
            }
            Pass::Elements { rung } => {
                let grids = self.draft.grids(&self.best);
                let places: Vec<Place> = grids.iter().flat_map(|grid| grid.above(rung)).collect();
                if places.is_empty() { VecDeque::new() } else { [Move::Put(places, rung)].into() }
            }
        };
        self.search.pass = Some(pass);
    }

    /// Halves, quarters and eighths of a list; of a short one single items too, of a long one the
    /// first.
    fn without(&self, list: ListId) -> VecDeque<Move> {
        const SHORT: usize = 32;
        let (n, least) = (self.best.kept(list).len(), self.best.least(list));
        let mut moves = VecDeque::new();
        let mut count = n / 2;
        while count > 0 && (n <= SHORT || count >= n / 8) {
            let pieces = (0..n).step_by(count).filter(|from| from + count <= n);
            moves.extend(pieces.map(|from| Move::Without { list, from, count }));
            count /= 2;
        }
        moves.push_back(Move::Without { list, from: 0, count: 1 });
        moves.retain(|m| matches!(m, Move::Without { count, .. } if least + count <= n));
        moves
    }

    /// What was tried fails too: it is the best.
    fn accept(&mut self, parts: Parts, found: &Move) {
        self.best = parts;
        self.search.has_found = true;
        let found = if let Move::Afresh(of) = found { &**of } else { found };
        match (found, self.search.pass) {
            (&Move::First { list, count }, Some(Pass::First { floor, .. })) => {
                self.enter(Pass::First { list, floor: floor.min(count) });
            }
            (&Move::Without { list, .. }, _) => self.enter(Pass::Without(list)),
            // The others are more than this.
            (Move::Choose(..), _) => self.search.moves.clear(),
            (Move::Put(..) | Move::First { .. } | Move::Afresh(_), _) => {}
        }
    }

    /// What was tried passes.
    fn reject(&mut self, tried: Move) {
        // They are tried from the least: fewer than these pass too.
        if let (&Move::First { count, .. }, Some(Pass::First { floor, .. })) = (&tried, &mut self.search.pass)
        {
            *floor = count + 1;
        }
        match tried {
            Move::Put(places, rung) if places.len() > 1 => {
                let (first, second) = places.split_at(places.len() / 2);
                self.search.moves.push_front(Move::Put(second.to_vec(), rung));
                self.search.moves.push_front(Move::Put(first.to_vec(), rung));
            }
            Move::Put(..) | Move::Afresh(_) => {}
            Move::First { .. } | Move::Without { .. } | Move::Choose(..) => {
                if self.best.has_simpler_elements() {
                    self.search.moves.push_front(Move::Afresh(Box::new(tried)));
                }
            }
        }
    }
}

/// Numbers of items to try, from the least: small ones, those next to the ends of tiles, and the way
/// from n down in halves. Those from `floor` on; the ones below are known to pass.
fn fewer(n: usize, floor: usize) -> Vec<usize> {
    let small = floor..floor.saturating_add(4);
    let halves = (0..usize::BITS).map(|k| n - ((n - floor) >> k)).take_while(|&count| count < n);
    let mut counts: Vec<usize> = small.chain(BOUNDARIES).chain(halves).collect();
    counts.retain(|count| (floor..n).contains(count));
    counts.sort_unstable();
    counts.dedup();
    counts
}

impl<D: Draft> ValueTree for Tree<D> {
    type Value = D::Value;

    fn current(&self) -> D::Value {
        self.draft.value(self.tried.as_ref().map_or(&self.best, |(parts, _)| parts))
    }

    fn simplify(&mut self) -> bool {
        if let Some((parts, found)) = self.tried.take() {
            self.accept(parts, &found);
        }
        self.propose()
    }

    fn complicate(&mut self) -> bool {
        let Some((_, tried)) = self.tried.take() else { return false };
        self.reject(tried);
        // Where nothing is left to try, this goes back to the best, which changes the value too.
        self.propose();
        true
    }
}

//! Runs a law on many random cases, and makes a failure small.
//!
//! `TAPES=1000000` says on how many, `SEED=17` tries that one alone and prints it. A case depends on its seed only.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::interpret;
use super::number::Ball;
use super::program::{Kind, Op, Script};
use crate::support::cases::given;
use tape::Dim;

/// How many tapes a law is tried on, if `TAPES` does not say.
const TAPES: u64 = 20_000;

/// A program and what is asked about it.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) seed: u64,
    pub(crate) single: bool,
    pub(crate) script: Script,
    /// Nodes with a part of their own in the law.
    pub(crate) roles: Vec<usize>,
    /// Nodes of which one is enough to ask about.
    pub(crate) asked: Vec<usize>,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "let tape = Tape::<{}>::new();", if self.single { "f32" } else { "f64" })?;
        write!(f, "{}", self.script)?;
        let list = |nodes: &[usize]| nodes.iter().map(|i| format!("v{i}")).collect::<Vec<_>>().join(", ");
        write!(f, "// roles: {}; asked: {}", list(&self.roles), list(&self.asked))
    }
}

/// What was seen on the way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) tapes: u64,
    /// Numbers that were compared.
    pub(crate) compared: u64,
    /// Those of them with so much rounding in them that the comparison says little.
    pub(crate) blunt: u64,
    /// Tapes on which a rule records an expression that is equal to the entry asked about.
    pub(crate) met_again: u64,
    /// Counts of the law's own.
    pub(crate) counts: [u64; 4],
    /// The greatest distance, in parts of the tolerance.
    pub(crate) worst: f64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Tally) {
        self.tapes += other.tapes;
        self.compared += other.compared;
        self.blunt += other.blunt;
        self.met_again += other.met_again;
        self.counts.iter_mut().zip(other.counts).for_each(|(a, b)| *a += b);
        self.worst = self.worst.max(other.worst);
    }
}

/// Tries a law, which says on a failure in a few words before a colon what kind it is of, on every case that can be drawn.
pub(crate) fn law(
    name: &str,
    draw: impl Fn(u64) -> Option<Case> + Sync,
    holds: impl Fn(&Case) -> Result<Tally, String> + Sync,
) -> Tally {
    let tried = |case: &Case| -> Result<Tally, String> {
        catch_unwind(AssertUnwindSafe(|| holds(case))).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&s| s.to_owned()));
            Err(format!("panic: {}", text.unwrap_or_default()))
        })
    };
    if let Some(seed) = given("SEED") {
        let case = draw(seed).unwrap_or_else(|| panic!("{name}: SEED={seed} draws nothing"));
        println!("{name}, SEED={seed}\n{case}");
        match tried(&case) {
            Ok(tally) => return tally,
            Err(what) => panic!("{}", report(name, &case, &what, &tried)),
        }
    }
    let tapes = given("TAPES").unwrap_or(TAPES);
    let (next, found) = (AtomicU64::new(0), Mutex::new((Tally::default(), Vec::<(Case, String)>::new())));
    let work = || {
        let (mut tally, mut failures) = (Tally::default(), Vec::new());
        loop {
            let start = next.fetch_add(64, Ordering::Relaxed);
            if start >= tapes {
                break;
            }
            for seed in start..tapes.min(start + 64) {
                let Some(case) = draw(seed) else { continue };
                tally.tapes += 1;
                match tried(&case) {
                    Ok(seen) => tally.add(&seen),
                    Err(what) => failures.push((case, what)),
                }
            }
        }
        let mut found = found.lock().unwrap();
        found.0.add(&tally);
        found.1.extend(failures);
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
        (1..threads).for_each(|_| drop(scope.spawn(work)));
        work();
    });
    let (tally, mut failures) = found.into_inner().unwrap();
    println!("{name}: {tally:?}, {} failures", failures.len());
    if failures.is_empty() {
        return tally;
    }
    failures.sort_by_key(|(case, _)| case.seed);
    let mut kinds: Vec<(String, usize, String)> = Vec::new();
    for (case, what) in &failures {
        match kinds.iter_mut().find(|(known, ..)| *known == kind(what)) {
            Some((_, count, _)) => *count += 1,
            None => kinds.push((kind(what), 1, report(name, case, what, &tried))),
        }
    }
    let kinds: Vec<String> = kinds
        .iter()
        .map(|(kind, count, report)| format!("## {count} times «{kind}», such as\n{report}"))
        .collect();
    panic!("{name}: {} of {} tapes failed\n{}", failures.len(), tally.tapes, kinds.join("\n\n"));
}

/// The words before a colon or a comma.
fn kind(what: &str) -> String {
    what.split([':', ',']).next().unwrap_or_default().to_owned()
}

fn report(name: &str, case: &Case, what: &str, tried: &dyn Fn(&Case) -> Result<Tally, String>) -> String {
    let (small, small_what) = shrunk(case.clone(), what.to_owned(), tried);
    format!("{what}\n// SEED={} cargo test, {name}; made small:\n{small}\n// {small_what}", case.seed)
}

/// Greedily smaller cases, as long as the same kind of failure is there.
fn shrunk(
    mut case: Case,
    mut what: String,
    tried: &dyn Fn(&Case) -> Result<Tally, String>,
) -> (Case, String) {
    let of_this_kind = kind(&what);
    let mut attempts = 0;
    'smaller: loop {
        for candidate in candidates(&case) {
            attempts += 1;
            if attempts > 2000 {
                break 'smaller;
            }
            if let Err(found) = tried(&candidate)
                && kind(&found) == of_this_kind
            {
                (case, what) = (candidate, found);
                continue 'smaller;
            }
        }
        break;
    }
    (case, what)
}

/// Makes the node a leaf of these values, if there are leaves of its shape.
fn cut(script: &mut Script, i: usize, values: impl Iterator<Item = f64>) -> bool {
    let node = &mut script.nodes[i];
    let kind = match (node.shape.rows, node.shape.columns) {
        (Dim::M, _) => return false,
        (_, Dim::M) => Kind::Examples,
        _ => Kind::Parameter,
    };
    node.op = Op::Leaf(kind, values.map(|x| f64::from(x as f32)).collect());
    (node.on, node.written, node.hidden) = (Vec::new(), None, false);
    true
}

fn candidates(case: &Case) -> Vec<Case> {
    let mut all = Vec::new();
    for drop in 0..case.asked.len() {
        if case.asked.len() > 1 {
            let mut smaller = case.clone();
            smaller.asked.remove(drop);
            all.push(smaller);
        }
    }
    // Another node in the place of a role, as far as it has the same shape.
    let values = interpret::values::<Ball>(&case.script);
    for i in (0..case.script.nodes.len()).rev() {
        let node = &case.script.nodes[i];
        // A hidden node is what the method of the next one records, whatever stands here.
        if node.on.is_empty() || node.hidden {
            continue;
        }
        let mut smaller = case.clone();
        if cut(&mut smaller.script, i, values[i].data.iter().map(|x| x.v)) {
            all.push(smaller);
        }
        for &instead in node.on.iter().filter(|&&on| case.script.nodes[on].shape == node.shape) {
            let mut smaller = case.clone();
            let moved = |on: &mut usize| *on = if *on == i { instead } else { *on };
            for node in &mut smaller.script.nodes {
                node.on.iter_mut().for_each(moved);
                node.written.iter_mut().for_each(|(_, on)| on.iter_mut().for_each(moved));
            }
            smaller.roles.iter_mut().chain(&mut smaller.asked).for_each(moved);
            all.push(smaller);
        }
        if node.named {
            let mut smaller = case.clone();
            smaller.script.nodes[i].named = false;
            all.push(smaller);
        }
    }
    // What nothing needs goes, as the first thing to try; the others lose it as well.
    let pruned = |case: &Case| {
        let ends: Vec<usize> = case.roles.iter().chain(&case.asked).copied().collect();
        let keep = case.script.needed(&ends);
        let (script, place) = case.script.kept(&keep);
        let moved = |nodes: &[usize]| nodes.iter().map(|&i| place[i]).collect();
        Case { script, roles: moved(&case.roles), asked: moved(&case.asked), ..case.clone() }
    };
    let size = case.script.nodes.len();
    let mut smaller: Vec<Case> = all.iter().map(pruned).collect();
    let alone = pruned(case);
    if alone.script.nodes.len() < size {
        smaller.insert(0, alone);
    }
    smaller
}

//! What is written is what is recorded, and a derivative is the total one with respect to any entry: on random tapes.
//!
//! A plain program is drawn at random and recorded by the public methods and operators. Derivatives are compared with those
//! that a plain interpreter gets by overwriting the value of one entry with numbers that carry derivatives: it shares no
//! formula with the tape, and needs no step. Equal expressions are one entry: all nodes that the tape made one entry are
//! overwritten together.
//!
//! Tolerances: the interpreter carries a bound on rounding along, to first order and in units of the rounding unit of the
//! tape's type. [`MOST_UNITS`] times that bound is allowed: the tape adds up in another order, its functions are within a few
//! ulp, and its formulas of second derivatives have some operations more. Where so much rounding is in a number that the
//! comparison says little, it is counted as blunt, and the share of these is limited.
//!
//! The long run, a million tapes a law:
//! `TAPES=1000000 cargo test --release --test laws literal:: -- --nocapture`.
//! One tape again: `SEED=17 cargo test --test laws literal::NAME_OF_THE_TEST -- --nocapture`.

use std::collections::HashMap;

use tape::{Dim, Error, Matrix, Over, Tape, Var};

use crate::support::plain::draw::Draw;
use crate::support::plain::interpret::{Grid, overwritten, sum, values};
use crate::support::plain::number::{Ball, Dual, Number};
use crate::support::plain::program::{Fun, Op, Script};
use crate::support::plain::record::{Real, Recorded, record, record_and};
use crate::support::plain::run::{Case, Tally, law};
use tape::check::Random;

const MOST_UNITS: f64 = 64.0;

/// Two derivatives along any two directions.
type Second = Dual<Dual<Ball>>;

/// A tape with the roles J (1 × 1) and Y (any shape), and the entries with respect to which is differentiated.
fn drawn(seed: u64) -> Option<Case> {
    let mut draw = Draw::new(seed);
    draw.fill(20);
    let j = (0..8).find_map(|_| draw.output())?;
    let y = draw.pick();
    let below = draw.script.needed(&[j]);
    let below: Vec<usize> = (0..draw.script.nodes.len()).filter(|&i| below[i]).collect();
    let mut asked = vec![j];
    for _ in 0..3 {
        let any = draw.random.below(6) == 0;
        asked.push(if any { draw.pick() } else { below[draw.random.below(below.len())] });
    }
    let j_is_named = draw.random.below(2) == 0;
    draw.script.nodes[j].named |= j_is_named;
    Some(Case { seed, single: seed % 5 == 4, script: draw.script, roles: vec![j, y], asked })
}

// ---- Recording ----------------------------------------------------------------------------------------------------

/// What makes two entries equal: the operation and the entries that it is on.
fn key(script: &Script, groups: &[usize], i: usize) -> Option<(String, Vec<usize>)> {
    let node = &script.nodes[i];
    let mut on: Vec<usize> = node.on.iter().map(|&on| groups[on]).collect();
    let operation = match &node.op {
        Op::Leaf(..) => return None,
        Op::Zip(pair) => {
            if pair.commutes() {
                on.sort_unstable();
            }
            format!("{pair:?}")
        }
        Op::Repeat => format!("repeat {}", node.shape),
        // All of a single row is its columns: equal sums are one entry.
        Op::Reduce(reduction, over) => format!("{reduction:?} {:?}", over_alone(script, i, *over)),
        Op::Softmax(over) => format!("softmax {:?}", over_alone(script, i, *over)),
        op => format!("{op:?}"),
    };
    Some((operation, on))
}

/// What a reduction of the node's operand runs over, said in one way.
fn over_alone(script: &Script, i: usize, over: Over) -> Over {
    let shape = script.nodes[script.nodes[i].on[0]].shape;
    match (over, shape.rows == Dim::ONE, shape.columns == Dim::ONE) {
        (Over::All, true, _) => Over::Columns,
        (Over::All, false, true) => Over::Rows,
        (over, _, _) => over,
    }
}

/// Whether `name` stands in `text` and is not the beginning of another one.
fn names(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let rest = text[at + name.len()..].chars().next();
        !rest.is_some_and(|c| c.is_ascii_digit())
    })
}

/// The rows of a node's first operand.
fn rows(script: &Script, i: usize) -> Dim {
    script.nodes[script.nodes[i].on[0]].shape.rows
}

/// Every call adds the entries that it names, or finds the equal ones, and its entry names the operands that were given.
fn records_what_is_written<T: Real>(case: &Case) -> Result<Tally, String> {
    let script = &case.script;
    let tape = Tape::<T>::new();
    let mut known: HashMap<(String, Vec<usize>), usize> = HashMap::new();
    let recorded = record_and(&tape, script, |call, vars, groups| {
        let [before, after, then] = call.lengths;
        if after != then {
            return Err(format!("parts: v{} is not made of the entries that it stands for", call.node));
        }
        let mut new = 0;
        for &i in call.hidden.iter().chain([&call.node]) {
            let key = key(script, groups, i);
            // The loss of every element, and their sum over the rows.
            let entries = match script.nodes[i].op {
                Op::LogLoss | Op::LogLossOnLogits if rows(script, i) != Dim::ONE => 2,
                _ => 1,
            };
            match key.and_then(|key| known.insert(key, groups[i])) {
                Some(group) if group == groups[i] => {}
                Some(_) => return Err(format!("equal: v{i} is not the equal entry")),
                None => new += entries,
            }
        }
        if after - before != new {
            let text = vars[call.node].expect("it was recorded").equation();
            let (node, added) = (call.node, after - before);
            return Err(format!("length: v{node} adds {added} entries, not {new}: {text}"));
        }
        let node = &script.nodes[call.node];
        // A composition shows its last step, whose operand may be an entry that had a name before.
        if node.written.is_none() {
            let text = vars[call.node].expect("it was recorded").equation().to_string();
            let right = text.split_once('=').map_or(text.as_str(), |(_, right)| right);
            let operands = node.on.iter().filter_map(|&on| vars[on].expect("it was recorded").name());
            for name in operands {
                if !names(right, &name) {
                    return Err(format!("operands: v{} does not name {name}: {text}", call.node));
                }
            }
        }
        Ok(())
    })?;
    let mut tally = Tally { compared: recorded.vars.len() as u64, ..Tally::default() };
    tally.counts[0] = tape.len() as u64;
    Ok(tally)
}

// ---- Derivatives --------------------------------------------------------------------------------------------------

/// For every entry whether `from` depends on it.
fn reached(script: &Script, groups: &[usize], from: usize) -> Vec<bool> {
    let mut reached = vec![false; script.nodes.len()];
    let mut todo = vec![groups[from]];
    while let Some(group) = todo.pop() {
        for i in (0..script.nodes.len()).filter(|&i| groups[i] == group) {
            if !reached[i] {
                reached[i] = true;
                todo.extend(script.nodes[i].on.iter().map(|&on| groups[on]));
            }
        }
    }
    reached
}

/// Looks at a number that the tape gave, and counts it.
fn near(
    tally: &mut Tally,
    what: &str,
    found: f64,
    expected: Ball,
    (unit, size): (f64, f64),
) -> Result<(), String> {
    // The plain interpreter's own functions err by some 1e-13 far out, and lose what is below 1e-16 of a sum that cancels.
    const OWN: (f64, f64) = (1e-12, 1e-30);
    let own = OWN.0 * expected.v.abs() + OWN.1;
    let allowed = (MOST_UNITS * unit * expected.units).max(own);
    let distance = (found - expected.v).abs();
    tally.compared += 1;
    let is_near = distance <= allowed;
    if !is_near {
        return Err(format!("{what}: found {found:e}, expected {:e} ± {allowed:.1e}", expected.v));
    }
    if allowed > unit.sqrt() * size.max(1.0) {
        tally.blunt += 1;
    } else if distance > 0.0 {
        tally.worst = tally.worst.max(distance / allowed);
    }
    Ok(())
}

fn matrix_near<T: Real>(tally: &mut Tally, what: &str, found: &[T], expected: &[Ball]) -> Result<(), String> {
    if found.len() != expected.len() {
        return Err(format!("{what}: {} numbers, not {}", found.len(), expected.len()));
    }
    let size = expected.iter().map(|x| x.v.abs()).fold(0.0, f64::max);
    for (k, (found, &expected)) in found.iter().zip(expected).enumerate() {
        near(tally, &format!("{what}, number {k}"), found.to_f64(), expected, (T::UNIT, size))?;
    }
    Ok(())
}

/// What the interpreter finds for entries h, along a direction t.
struct Expected {
    /// ∂J/∂h, number by number, of all entries one after the other.
    gradient: Vec<Ball>,
    /// The Hessian of J times t.
    hessian_times: Vec<Ball>,
    /// ∂Y/∂h: a column for each number of h.
    jacobian: Vec<Vec<Ball>>,
    /// ∂Y/∂h times t.
    along: Vec<Ball>,
}

fn expected(case: &Case, base: &[Grid<Ball>], groups: &[usize], with: &[(usize, &[f64])]) -> Expected {
    let (script, [j, y]) = (&case.script, [case.roles[0], case.roles[1]]);
    let wanted = script.needed(&[j, y]);
    let zero = Ball::of(0.0);
    let y_size = base[y].data.len();
    let mut all = Expected {
        gradient: Vec::new(),
        hessian_times: Vec::new(),
        jacobian: Vec::new(),
        along: vec![zero; y_size],
    };
    let places = with.iter().flat_map(|&(h, _)| (0..base[h].data.len()).map(move |k| (h, k)));
    for (moved, k) in places {
        let second = |h: usize, at: usize, t: &[f64]| -> Second {
            let d = Ball::of(if (h, at) == (moved, k) { 1.0 } else { 0.0 });
            Dual { v: Dual { v: base[h].data[at], d }, d: Dual { v: Ball::of(t[at]), d: zero } }
        };
        let value = |h: usize, t: &[f64]| Grid {
            data: (0..base[h].data.len()).map(|at| second(h, at, t)).collect(),
            rows: base[h].rows,
            columns: base[h].columns,
        };
        let others: Vec<(usize, Grid<Second>)> =
            with.iter().map(|&(h, t)| (groups[h], value(h, t))).collect();
        let changed = overwritten(script, base, groups, &others, &wanted);
        let j_k = changed[j].as_ref().map(|j| j.data[0]);
        all.gradient.push(j_k.map_or(zero, |j| j.v.d));
        all.hessian_times.push(j_k.map_or(zero, |j| j.d.d));
        let of_y = |part: &dyn Fn(&Second) -> Ball| -> Vec<Ball> {
            changed[y].as_ref().map_or(vec![zero; y_size], |y| y.data.iter().map(part).collect())
        };
        all.jacobian.push(of_y(&|y| y.v.d));
        all.along = of_y(&|y| y.d.v);
    }
    all
}

fn is_unreached<T: Real>(var: Var<'_, T>) -> Result<bool, String> {
    match var.sound() {
        Ok(()) => Ok(false),
        Err(Error::Unreached { .. }) => Ok(true),
        Err(other) => Err(format!("mistake: {other}")),
    }
}

/// The rules of a second walk record numbers of their own; a number of the user's may be the same entry.
fn is_number(script: &Script, groups: &[usize], h: usize) -> bool {
    let number = |i: usize| matches!(script.nodes[i].op, Op::Number(_) | Op::OneOverM);
    (0..groups.len()).any(|i| groups[i] == groups[h] && number(i))
}

/// The values of the outputs, with the unbound leaves set to these numbers.
fn run<'t, T: Real>(
    tape: &'t Tape<T>,
    outputs: &[Var<'t, T>],
    set: &[(Var<'t, T>, Matrix<T>)],
) -> Result<Vec<Vec<T>>, String> {
    let failed = |error: Error| format!("run: {error}");
    let all = outputs.iter().chain(set.iter().map(|(leaf, _)| leaf)).copied();
    let mut program = tape.compile(all).map_err(failed)?;
    for (leaf, value) in set {
        program.bind(*leaf, value).map_err(failed)?;
    }
    program.run().map_err(failed)?;
    outputs.iter().map(|&o| Ok(program.view(o).map_err(failed)?.as_slice().to_vec())).collect()
}

fn numbers(random: &mut Random, count: usize) -> Vec<f64> {
    (0..count).map(|_| (random.between(-2.0, 2.0) * 1024.0).round() / 1024.0).collect()
}

fn vars_of<'t, T: Real>(vars: &[Var<'t, T>], nodes: &[usize]) -> Vec<Var<'t, T>> {
    nodes.iter().map(|&i| vars[i]).collect()
}

/// Whether the Hessian–vector product is right with respect to a copy of h that all the others are on in its place.
///
/// What a rule records may be equal to h, and is that entry then, where it does not come from h: of A * B with B = Aᵀ, the
/// derivative with respect to B is Aᵀ * G, whose Aᵀ is B. What comes from a copy, `h.identity()`, is equal to nothing else.
fn is_right_for_a_copy<T: Real>(
    case: &Case,
    groups: &[usize],
    (h, t): (usize, &[f64]),
    right: &[Ball],
) -> bool {
    let first = (0..groups.len()).find(|&i| groups[i] == groups[h]).expect("h is in its group");
    let (mut script, copy) = (case.script.clone(), first + 1);
    let moved = |on: &mut usize| match *on {
        i if groups[i] == groups[h] => *on = copy,
        i if i > first => *on += 1,
        _ => {}
    };
    for node in &mut script.nodes[first + 1..] {
        node.on.iter_mut().for_each(moved);
        // Methods record their parts by themselves, and know of no copy.
        (node.written, node.hidden) = (None, false);
    }
    let mut node = script.nodes[first].clone();
    (node.op, node.on) = (Op::Map(Fun::Identity), vec![first]);
    (node.written, node.hidden, node.named) = (None, false, false);
    script.nodes[first].hidden = false;
    script.nodes[first].written = None;
    script.nodes.insert(copy, node);
    let mut j = case.roles[0];
    moved(&mut j);
    let tape = Tape::<T>::new();
    let Ok(Recorded { vars, .. }) = record(&tape, &script) else { return false };
    let leaf = unbound_like(&tape, vars[copy]);
    let base = values::<Ball>(&case.script);
    let t = t.iter().map(|&t| T::from_f64(t)).collect();
    let t = Matrix::from_vec(base[h].rows, base[h].columns, t).expect("it has h's shape");
    let product = vars[j].hvp([vars[copy]], [leaf]);
    let found = run(&tape, &product, &[(leaf, t)]);
    found.is_ok_and(|found| matrix_near(&mut Tally::default(), "hvp", &found[0], right).is_ok())
}

fn derivatives_are_total<T: Real>(case: &Case) -> Result<Tally, String> {
    let (script, [j, y]) = (&case.script, [case.roles[0], case.roles[1]]);
    let tape = Tape::<T>::new();
    let Recorded { vars, groups } = record(&tape, script)?;
    let base = values::<Ball>(script);
    let mut tally = Tally::default();
    let (from_j, from_y) = (reached(script, &groups, j), reached(script, &groups, y));
    let mut random = Random::new(case.seed ^ 0x5eed);
    let matrix = |i: usize, v: &[f64]| {
        let v = v.iter().map(|&v| T::from_f64(v)).collect();
        Matrix::<T>::from_vec(base[i].rows, base[i].columns, v).unwrap()
    };

    let handles: Vec<Var<'_, T>> = case.asked.iter().map(|&h| vars[h]).collect();
    let gradients = vars[j].gradients_or_zeros(&handles);
    let mut again = Vec::new();
    for ((&h, &handle), gradient) in case.asked.iter().zip(&handles).zip(&gradients) {
        gradient.sound().map_err(|mistake| format!("mistake: {mistake}"))?;
        let [alone] = vars[j].gradients([handle]);
        match (is_unreached(alone)?, from_j[h]) {
            (true, true) => return Err(format!("unreached: J is said not to depend on v{h}")),
            (false, false) => {
                return Err(format!("unreached: J does not depend on v{h}, and it is not said"));
            }
            // With other entries asked for as well it may be another expression of the same value.
            (false, true) if alone != *gradient => again.push((h, alone)),
            _ => tally.counts[0] += u64::from(!from_j[h]),
        }
        if is_unreached(vars[y].vjp([handle], tape.scalar(T::ONE).broadcast_to(vars[y].shape().unwrap()))[0])?
            == from_y[h]
        {
            return Err(format!("unreached: whether Y depends on v{h} is told wrongly"));
        }
    }
    let mut set = Vec::new();
    let mut unbound = |i: usize, v: &[f64]| {
        let leaf = tape.parameter_unbound("t", vars[i].shape().unwrap());
        set.push((leaf, matrix(i, v)));
        leaf
    };
    let u = numbers(&mut random, base[y].data.len());
    let u_leaf = unbound(y, &u);
    let of_y: Vec<usize> = case.asked.iter().copied().filter(|&h| from_y[h]).collect();
    let t: Vec<Vec<f64>> = case.asked.iter().map(|&h| numbers(&mut random, base[h].data.len())).collect();
    let t_of = |h: usize| &t[case.asked.iter().position(|&asked| asked == h).expect("it is asked about")];
    let t_leaves: Vec<Var<'_, T>> = case.asked.iter().map(|&h| unbound(h, t_of(h))).collect();
    let leaf_of = |h: usize| t_leaves[case.asked.iter().position(|&asked| asked == h).unwrap()];
    let y_handles: Vec<Var<'_, T>> = of_y.iter().map(|&h| vars[h]).collect();
    let y_tangents: Vec<Var<'_, T>> = of_y.iter().map(|&h| leaf_of(h)).collect();
    // Second derivatives with respect to any entry alone, and to leaves together, which do not depend on each other.
    let of_j = case.asked.iter().copied().filter(|&h| from_j[h] && !is_number(script, &groups, h));
    let mut second: Vec<Vec<usize>> = of_j.take(2).map(|h| vec![h]).collect();
    let mut leaves: Vec<usize> = case
        .asked
        .iter()
        .copied()
        .filter(|&h| from_j[h] && matches!(script.nodes[h].op, Op::Leaf(..)))
        .collect();
    leaves.sort_unstable();
    leaves.dedup();
    if leaves.len() > 1 {
        second.push(leaves);
    }

    let mut outputs = gradients.clone();
    if !of_y.is_empty() {
        outputs.extend(vars[y].vjp(&y_handles, u_leaf));
        outputs.push(vars[y].jvp(&y_handles, &y_tangents));
    }
    for with in &second {
        let [of, along] = [vars_of(&vars, with), with.iter().map(|&h| leaf_of(h)).collect()];
        outputs.extend(vars[j].hvp(&of, &along));
    }
    outputs.extend(again.iter().map(|&(_, alone)| alone));
    outputs.extend([vars[j], vars[y]]);
    for output in &outputs {
        output.sound().map_err(|mistake| format!("mistake: {mistake}"))?;
    }
    let found = run(&tape, &outputs, &set)?;
    let mut found = found.iter();
    let mut next = || found.next().expect("one for each output");

    let of_these = |with: &[(usize, &[f64])]| expected(case, &base, &groups, with);
    let all: Vec<Expected> = case.asked.iter().map(|&h| of_these(&[(h, t_of(h))])).collect();
    let of = |h: usize| &all[case.asked.iter().position(|&asked| asked == h).unwrap()];
    for &h in &case.asked {
        matrix_near(&mut tally, "gradient", next(), &of(h).gradient)?;
    }
    if !of_y.is_empty() {
        for &h in &of_y {
            let pulled = |column: &Vec<Ball>| sum(column.iter().zip(&u).map(|(&d, &u)| d * Ball::of(u)));
            let pulled: Vec<Ball> = of(h).jacobian.iter().map(pulled).collect();
            matrix_near(&mut tally, "vjp", next(), &pulled)?;
        }
        let pushed: Vec<Ball> =
            (0..base[y].data.len()).map(|k| sum(of_y.iter().map(|&h| of(h).along[k]))).collect();
        matrix_near(&mut tally, "jvp", next(), &pushed)?;
    }
    let mut met_again = false;
    for with in &second {
        tally.counts[1] += 1;
        let together: Vec<(usize, &[f64])> = with.iter().map(|&h| (h, t_of(h).as_slice())).collect();
        let found = with.iter().flat_map(|_| next().iter().copied()).collect::<Vec<T>>();
        let right = of_these(&together).hessian_times;
        if let Err(what) = matrix_near(&mut tally, "hvp", &found, &right) {
            match with[..] {
                [h] if is_right_for_a_copy::<T>(case, &groups, (h, t_of(h)), &right) => met_again = true,
                _ => return Err(what),
            }
        }
    }
    tally.met_again += u64::from(met_again);
    for (h, _) in again {
        matrix_near(&mut tally, "gradient alone", next(), &of(h).gradient)?;
    }
    matrix_near(&mut tally, "value of J", next(), &base[j].data)?;
    matrix_near(&mut tally, "value of Y", next(), &base[y].data)?;

    // The whole matrices, on some tapes.
    let small = |i: usize| base[i].data.len() <= 6;
    if case.seed.is_multiple_of(4)
        && let Some(&h) = of_y.first()
        && small(y)
        && small(h)
    {
        tally.counts[2] += 1;
        let found = vars[y].jacobian([vars[h]]).map_err(|error| format!("Jacobian: {error}"))?;
        let columns: Vec<Ball> = of(h).jacobian.concat();
        if found.shape() != (base[y].data.len(), base[h].data.len()) {
            return Err("Jacobian: another shape".into());
        }
        matrix_near(&mut tally, "Jacobian", found.as_slice(), &columns)?;
    }
    if case.seed % 4 == 1
        && let Some(with) = second.last()
        && with.iter().all(|&h| small(h))
    {
        tally.counts[3] += 1;
        let found = vars[j].hessian(vars_of(&vars, with)).map_err(|error| format!("Hessian: {error}"))?;
        let places = with.iter().flat_map(|&h| (0..base[h].data.len()).map(move |k| (h, k)));
        let column = |(moved, k): (usize, usize)| {
            let unit = |h: usize| (0..base[h].data.len()).map(|i| f64::from((h, i) == (moved, k))).collect();
            let units: Vec<(usize, Vec<f64>)> = with.iter().map(|&h| (h, unit(h))).collect();
            let units: Vec<(usize, &[f64])> = units.iter().map(|(h, t)| (*h, t.as_slice())).collect();
            of_these(&units).hessian_times
        };
        let columns: Vec<Ball> = places.flat_map(column).collect();
        if !met_again {
            matrix_near(&mut tally, "Hessian", found.as_slice(), &columns)?;
        }
    }
    Ok(tally)
}

fn unbound_like<'t, T: Real>(tape: &'t Tape<T>, v: Var<'_, T>) -> Var<'t, T> {
    tape.parameter_unbound("t", v.shape().expect("it is sound"))
}

/// Asking again for the same derivative adds nothing to the tape and gives the same entries.
fn asking_twice_adds_nothing<T: Real>(case: &Case) -> Result<Tally, String> {
    let (script, [j, y]) = (&case.script, [case.roles[0], case.roles[1]]);
    let tape = Tape::<T>::new();
    let Recorded { vars, groups } = record(&tape, script)?;
    let from = |end: usize| {
        let reached = reached(script, &groups, end);
        let handles = case.asked.iter().filter(|&&h| reached[h]).map(|&h| vars[h]);
        handles.collect::<Vec<_>>()
    };
    let (of_j, of_y) = (from(j), from(y));
    let likes = |all: &[Var<'_, T>]| all.iter().map(|&v| unbound_like(&tape, v)).collect::<Vec<_>>();
    let (t_j, t_y, u) = (likes(&of_j), likes(&of_y), unbound_like(&tape, vars[y]));
    let small =
        |v: &Var<'_, T>| v.shape().is_ok_and(|s| s.rows.at(case.script.m) * s.columns.at(case.script.m) <= 4);
    let mut tally = Tally::default();
    let mut twice = |what: &str, ask: &dyn Fn() -> Vec<Option<usize>>| {
        let first = ask();
        let length = tape.len();
        let second = ask();
        tally.compared += 1;
        match (first == second, tape.len() - length) {
            (true, 0) => Ok(()),
            (same, added) => Err(format!("{what}: asked twice, {added} entries more, the same ones: {same}")),
        }
    };
    let indices = |vars: Vec<Var<'_, T>>| vars.into_iter().map(|v| v.index()).collect::<Vec<_>>();
    twice("gradients", &|| indices(vars[j].gradients(&of_j)))?;
    twice("gradients_or_zeros", &|| indices(vars[j].gradients_or_zeros(from(j))))?;
    twice("hvp", &|| indices(vars[j].hvp(&of_j, &t_j)))?;
    if !of_y.is_empty() {
        twice("vjp", &|| indices(vars[y].vjp(&of_y, u)))?;
        twice("jvp", &|| vec![vars[y].jvp(&of_y, &t_y).index()])?;
        if case.seed.is_multiple_of(8) && small(&vars[y]) {
            twice("Jacobian", &|| vec![vars[y].jacobian(&of_y[..1]).ok().map(|_| 0)])?;
        }
    }
    if case.seed % 8 == 1 && of_j.first().is_some_and(small) {
        twice("Hessian", &|| vec![vars[j].hessian(&of_j[..1]).ok().map(|_| 0)])?;
    }
    Ok(tally)
}

#[test]
fn every_call_records_the_entries_that_it_names() {
    let drawn = |seed| {
        let mut case = drawn(seed)?;
        case.script.nodes.iter_mut().for_each(|node| node.named = !node.hidden);
        Some(case)
    };
    let tally = law("every_call_records_the_entries_that_it_names", drawn, |case| match case.single {
        true => records_what_is_written::<f32>(case),
        false => records_what_is_written::<f64>(case),
    });
    assert!(tally.tapes > 0);
}

#[test]
fn a_derivative_is_the_total_one_with_respect_to_any_entry() {
    let name = "a_derivative_is_the_total_one_with_respect_to_any_entry";
    let tally = law(name, drawn, |case| match case.single {
        true => derivatives_are_total::<f32>(case),
        false => derivatives_are_total::<f64>(case),
    });
    let met_again = tally.met_again;
    assert!(met_again * 500 <= tally.tapes, "{met_again} of {} tapes meet an entry again", tally.tapes);
    assert!(tally.blunt * 50 <= tally.compared, "{} of {} say little", tally.blunt, tally.compared);
}

#[test]
fn asking_for_a_derivative_again_adds_nothing() {
    law("asking_for_a_derivative_again_adds_nothing", drawn, |case| match case.single {
        true => asking_twice_adds_nothing::<f32>(case),
        false => asking_twice_adds_nothing::<f64>(case),
    });
}

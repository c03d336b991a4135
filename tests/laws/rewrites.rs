//! A program computes what the tape says: on random tapes with extreme values.
//!
//! A compiled program is compared with the same one under `Options::literal()`, entry by entry as the tape stands. A plain
//! interpreter and a plain reverse pass say how much rounding is in a number of the literal program, and what the true value
//! is where that program overflows or cancels: their numbers have no limits of range, and know 1 − σ(z) to all digits.
//! Number by number:
//!
//! - where the literal program is finite, the compiled one is too, and they differ by no more than [`MOST_OFF`] times the
//!   rounding of the formula as it is written; or the formula overflowed on the way, and the compiled one is the true value;
//! - where the literal program is ±∞ or NaN, the compiled one is the same, or the formula overflowed or went through a
//!   sigmoid, and the compiled one is the true value to within the rounding of a formula that loses nothing;
//! - where the true value is NaN, the compiled program does not hide it. At infinite logits, where the formula has no value,
//!   it may have the limit.
//!
//! [`MOST_OFF`] leaves room for sums in another order and functions within a few ulp. A case is skipped, and counted, where
//! rounding alone decides a comparison or the side of a kink.
//!
//! The long run, a million tapes: `TAPES=1000000 cargo test --release --test laws rewrites:: -- --nocapture`.
//! One tape again: `SEED=17 cargo test --test laws rewrites:: -- --nocapture`.

use std::mem::discriminant;

use tape::{Dim, Error, Options, Shape, Tape, Var};

use crate::support::plain;
use crate::support::plain::draw::Draw;
use crate::support::plain::interpret::{Grid, values};
use crate::support::plain::program::{Fun, Kind, Op, Pair, Reduction, Script};
use crate::support::plain::record::{Real, Recorded, record};
use crate::support::plain::reverse::cotangents;
use crate::support::plain::run::{Case, Tally, law};
use crate::support::plain::watched::Watched;
use crate::support::plain::wide::Wide;

const MOST_OFF: f64 = 64.0;

/// a, written in another way.
fn disguised(draw: &mut Draw, a: usize) -> Option<usize> {
    let shape = draw.shape(a);
    let number = |draw: &mut Draw, c: f64| draw.push(Op::Number(c), &[], Shape::SCALAR);
    match draw.random.below(14) {
        0 => {
            let zero = number(draw, 0.0)?;
            draw.push(Op::Zip(Pair::Add), &[a, zero], shape)
        }
        1 => {
            let one = number(draw, 1.0)?;
            draw.push(Op::Zip(Pair::Multiply), &[one, a], shape)
        }
        2 => {
            let half = number(draw, 0.5)?;
            let half_a = draw.push(Op::Zip(Pair::Multiply), &[half, a], shape)?;
            draw.push(Op::Zip(Pair::Add), &[half_a, half_a], shape)
        }
        3 => {
            let minus = draw.push(Op::Negate, &[a], shape)?;
            draw.push(Op::Negate, &[minus], shape)
        }
        4 => {
            let one = number(draw, 1.0)?;
            let rest = draw.push(Op::Zip(Pair::Subtract), &[one, a], shape)?;
            draw.push(Op::Zip(Pair::Subtract), &[one, rest], shape)
        }
        5 => draw.push(Op::Map(Fun::Clamp(0.0, 1.0)), &[a], shape),
        6 => draw.push(Op::Map(Fun::Identity), &[a], shape),
        7 => {
            let t = draw.push(Op::Transpose, &[a], shape.transposed())?;
            draw.push(Op::Transpose, &[t], shape)
        }
        8 => {
            let mask = mask(draw)?;
            let half = number(draw, 0.5)?;
            draw.push(Op::Select, &[mask, a, half], shape)
        }
        _ => Some(a),
    }
}

/// A 1 × 1 mask, 0 or 1.
fn mask(draw: &mut Draw) -> Option<usize> {
    let keep = draw.random.below(2) as f64;
    draw.push(Op::Leaf(Kind::Constant, vec![keep]), &[], Shape::SCALAR)
}

/// A loss over a sigmoid, or a quotient by one, in one of many spellings.
fn over_a_sigmoid(draw: &mut Draw) -> Option<usize> {
    let z = match draw.random.below(3) {
        0 => draw.pick(),
        _ => {
            let rows = 1 + draw.random.below(2);
            draw.leaf(Kind::Examples, Shape::new(rows, Dim::M), -3.0, 3.0)?
        }
    };
    let shape = draw.shape(z);
    let kind = match (shape.rows, shape.columns) {
        (Dim::M, _) => return None,
        (_, Dim::M) => Kind::Examples,
        _ => Kind::Constant,
    };
    let sigmoid = draw.push(Op::Map(Fun::Sigmoid), &[z], shape)?;
    let a = disguised(draw, sigmoid)?;
    let y = draw.leaf(kind, shape, 0.0, 1.0)?;
    let one = draw.push(Op::Number(1.0), &[], Shape::SCALAR)?;
    let zip = |draw: &mut Draw, pair, a, b| draw.push(Op::Zip(pair), &[a, b], shape);
    let map = |draw: &mut Draw, fun, a| draw.push(Op::Map(fun), &[a], shape);
    let rest = |draw: &mut Draw, of| zip(draw, Pair::Subtract, one, of);
    let slope = |draw: &mut Draw| map(draw, Fun::SigmoidDerivative, z);
    match draw.random.below(9) {
        0 | 1 => draw.push(Op::LogLoss, &[y, a], Shape { rows: Dim::ONE, ..shape }),
        2 => {
            // −(y·ln a + (1 − y)·ln(1 − a))
            let (ln_a, rest_a, rest_y) = (map(draw, Fun::Ln, a)?, rest(draw, a)?, rest(draw, y)?);
            let ln_rest = map(draw, Fun::Ln, rest_a)?;
            let (first, second) =
                (zip(draw, Pair::Multiply, y, ln_a)?, zip(draw, Pair::Multiply, rest_y, ln_rest)?);
            let both = zip(draw, Pair::Add, first, second)?;
            draw.push(Op::Negate, &[both], shape)
        }
        3 => {
            let (ln_a, rest_a) = (map(draw, Fun::Ln, a)?, rest(draw, a)?);
            let ln_rest = map(draw, Fun::Ln, rest_a)?;
            let chosen = draw.push(Op::Select, &[y, ln_a, ln_rest], shape)?;
            draw.push(Op::Negate, &[chosen], shape)
        }
        4 => {
            let below = if draw.random.below(2) == 0 { a } else { rest(draw, a)? };
            let c = if draw.random.below(2) == 0 { y } else { draw.leaf(kind, shape, -2.0, 2.0)? };
            zip(draw, Pair::Divide, c, below)
        }
        5 => {
            // −(y ⊘ a − (1 − y) ⊘ (1 − a)) ⊙ σ′(z)
            let (rest_a, rest_y) = (rest(draw, a)?, rest(draw, y)?);
            let (first, second) = (zip(draw, Pair::Divide, y, a)?, zip(draw, Pair::Divide, rest_y, rest_a)?);
            let difference = zip(draw, Pair::Subtract, first, second)?;
            let minus = draw.push(Op::Negate, &[difference], shape)?;
            let slope = slope(draw)?;
            zip(draw, Pair::Multiply, minus, slope)
        }
        6 => {
            let c = draw.leaf(kind, shape, -2.0, 2.0)?;
            let quotient = zip(draw, Pair::Divide, c, a)?;
            let mask = mask(draw)?;
            let zero = draw.push(Op::Number(0.0), &[], Shape::SCALAR)?;
            let chosen = draw.push(Op::Select, &[mask, quotient, zero], shape)?;
            let slope = slope(draw)?;
            zip(draw, Pair::Multiply, slope, chosen)
        }
        7 => {
            let of = if draw.random.below(2) == 0 { a } else { rest(draw, a)? };
            map(draw, Fun::Ln, of)
        }
        _ => {
            let rest_a = rest(draw, a)?;
            zip(draw, Pair::Multiply, a, rest_a)
        }
    }
}

/// Scaled again and again, in products that leave the range for a while.
fn scaled(draw: &mut Draw) -> Option<usize> {
    const FACTORS: [f64; 8] = [1e160, 1e-160, 1e300, 1e-300, 0.0, 0.5, -1.0, 3.0];
    const FACTORS_OF_SINGLE: [f64; 8] = [1e20, 1e-20, 1e37, 1e-37, 0.0, 0.5, -1.0, 3.0];
    let factors = if draw.single { FACTORS_OF_SINGLE } else { FACTORS };
    let mut a = draw.pick();
    for _ in 0..1 + draw.random.below(3) {
        let c = factors[draw.random.below(8)];
        let c = if draw.single { f64::from(c as f32) } else { c };
        let number = draw.push(Op::Number(c), &[], Shape::SCALAR)?;
        let shape = draw.shape(a);
        let pair = if draw.random.below(4) == 0 { Pair::Divide } else { Pair::Multiply };
        a = draw.push(Op::Zip(pair), &[a, number], shape)?;
    }
    Some(a)
}

fn drawn(seed: u64) -> Option<Case> {
    let mut draw = Draw::new(seed);
    draw.wild = true;
    draw.leaves();
    for _ in 0..1 + draw.random.below(4) {
        draw.step();
    }
    if draw.random.below(4) > 0 {
        over_a_sigmoid(&mut draw);
    }
    if draw.random.below(3) == 0 {
        scaled(&mut draw);
    }
    for _ in 0..draw.random.below(4) {
        draw.step();
    }
    let j = (0..8).find_map(|_| draw.output())?;
    let below = draw.script.needed(&[j]);
    let below: Vec<usize> = (0..draw.script.nodes.len()).filter(|&i| below[i]).collect();
    let asked = (0..4).map(|_| below[draw.random.below(below.len())]).collect();
    Some(Case { seed, single: draw.single, script: draw.script, roles: vec![j], asked })
}

/// The same program where every node refers to the first of the nodes that are its operand's entry.
fn by_entries(script: &Script, groups: &[usize]) -> (Script, Vec<usize>) {
    let first: Vec<usize> =
        groups.iter().map(|group| groups.iter().position(|g| g == group).expect("it is there")).collect();
    let mut script = script.clone();
    script.nodes.iter_mut().for_each(|node| node.on.iter_mut().for_each(|on| *on = first[*on]));
    (script, first)
}

/// Quotients of a label of a log-loss, or of one minus it, are 0 where numerator and denominator are: as in eq. 8, the
/// derivative of y · ln a with 0 · ln 0 = 0.
fn with_guarded_quotients(mut script: Script) -> Script {
    let nodes = &script.nodes;
    let mut labels: Vec<usize> = nodes.iter().filter(|n| n.op == Op::LogLoss).map(|n| n.on[0]).collect();
    // Signs are taken in front of a quotient.
    for (i, node) in nodes.iter().enumerate() {
        if node.op == Op::Negate && labels.contains(&node.on[0]) {
            labels.push(i);
        }
    }
    let is_rest = |i: usize| {
        let node = &nodes[i];
        node.op == Op::Zip(Pair::Subtract)
            && nodes[node.on[0]].op == Op::Number(1.0)
            && labels.contains(&node.on[1])
    };
    let guarded = |i: &usize| {
        let node = &nodes[*i];
        node.op == Op::Zip(Pair::Divide) && (labels.contains(&node.on[0]) || is_rest(node.on[0]))
    };
    let guarded: Vec<usize> = (0..nodes.len()).filter(guarded).collect();
    guarded.into_iter().for_each(|i| script.nodes[i].op = Op::Zip(Pair::DivideOrZero));
    script
}

/// Whether rounding alone may decide what a node does.
fn is_unclear<const SINGLE: bool>(script: &Script, values: &[Grid<Watched<SINGLE>>], i: usize) -> bool {
    let node = &script.nodes[i];
    let moves = |x: Watched<SINGLE>, y: Watched<SINGLE>| {
        let off = (x.off + y.off) * Wide::new(MOST_OFF);
        let is_apart = (x.v - y.v).abs() > off;
        // A number that the type has no room for is 0 there.
        let least = Wide::new(if SINGLE { f32::from_bits(1).into() } else { f64::from_bits(1) });
        let vanishes = |x: Watched<SINGLE>| !x.v.is_zero() && x.v.abs() < least;
        !off.is_zero() && !is_apart || x.overflowed || y.overflowed || vanishes(x) || vanishes(y)
    };
    let of = |c: f64| <Watched<SINGLE> as plain::number::Number>::of(c);
    let near = |points: &[f64]| {
        values[node.on[0]].data.iter().any(|&x| points.iter().any(|&point| moves(x, of(point))))
    };
    match &node.op {
        Op::Map(Fun::Abs | Fun::Sign | Fun::Relu | Fun::LeakyRelu(_) | Fun::Elu(_)) => near(&[0.0]),
        Op::Map(Fun::Clamp(low, high)) => near(&[*low, *high]),
        Op::Select => near(&[0.0]),
        Op::Zip(Pair::Greater | Pair::Equal) => {
            let (rows, columns) = node.shape.at(script.m);
            let [a, b] = [&values[node.on[0]], &values[node.on[1]]];
            (0..columns).any(|j| (0..rows).any(|i| moves(a.at(i, j), b.at(i, j))))
        }
        Op::Reduce(Reduction::Max | Reduction::Min, _) => {
            let x = &values[node.on[0]].data;
            (0..x.len()).any(|i| (0..i).any(|k| moves(x[i], x[k])))
        }
        Op::Reduce(Reduction::MaxNorm, _) => {
            let x = &values[node.on[0]].data;
            near(&[0.0]) || (0..x.len()).any(|i| (0..i).any(|k| moves(x[i], x[k]) || moves(x[i], -x[k])))
        }
        _ => false,
    }
}

/// Compares what the literal and the compiled program have for one number.
fn agree<const SINGLE: bool>(
    tally: &mut Tally,
    literal: f64,
    compiled: f64,
    truth: Watched<SINGLE>,
) -> Result<(), &'static str> {
    let within = |a: Wide, b: Wide, bound: Wide| (a - b).abs() <= bound * Wide::new(MOST_OFF);
    let [l, c] = [literal, compiled].map(Wide::new);
    let unit = Wide::new(if SINGLE { f32::EPSILON.into() } else { f64::EPSILON });
    let is_true = truth.snug.is_finite()
        && truth.v.is_finite()
        && compiled.is_finite()
        && within(c, truth.v, truth.snug + unit * truth.v.abs())
        || !truth.v.is_nan() && Wide::new(compiled) == truth.v
        || compiled.is_infinite() && truth.overflowed && truth.v.abs() > Wide::new(f64::from(f32::MAX));
    tally.compared += 1;
    if literal.is_finite() {
        if !truth.off.is_finite() {
            tally.blunt += 1;
            return if compiled.is_finite() || is_true {
                Ok(())
            } else {
                Err("not finite, where the literal program is")
            };
        }
        if truth.v.is_finite() && !truth.overflowed && !within(l, truth.v, truth.off) {
            return Err("the literal program is off");
        }
        if compiled.is_finite() && within(l, c, truth.off) {
            if !truth.off.is_zero() && literal != compiled {
                tally.worst = tally.worst.max(((l - c).abs() / truth.off).to_f64() / MOST_OFF);
                tally.counts[0] += 1;
            }
            return Ok(());
        }
        return match truth.overflowed && is_true {
            true => {
                tally.counts[1] += 1;
                Ok(())
            }
            false if compiled.is_finite() => Err("another number"),
            false => Err("not finite, where the literal program is"),
        };
    }
    if literal.is_nan() && compiled.is_nan() || literal == compiled {
        tally.counts[2] += 1;
        return Ok(());
    }
    if truth.limit {
        tally.blunt += 1;
        return Ok(());
    }
    // Both are lost to an overflow, or the sign of a zero that is divided by is rounding's.
    if !literal.is_finite() && !compiled.is_finite() && (truth.overflowed || !truth.snug.is_finite()) {
        tally.blunt += 1;
        return Ok(());
    }
    if truth.v.is_nan() {
        // An infinity that the formula does not have made the NaN, and a rewrite saves from that.
        return if truth.overflowed && truth.promised { Ok(()) } else { Err("a NaN is hidden") };
    }
    match (truth.overflowed || truth.promised, is_true) {
        (true, true) => {
            tally.counts[1] += 1;
            Ok(())
        }
        (true, false) if !truth.snug.is_finite() => {
            tally.blunt += 1;
            Ok(())
        }
        (true, false) => Err("neither the literal value nor the true one"),
        (false, _) => Err("finite without a reason"),
    }
}

fn computes_what_the_tape_says<T: Real, const SINGLE: bool>(case: &Case) -> Result<Tally, String> {
    let tape = Tape::<T>::new();
    let Recorded { vars, groups } = record(&tape, &case.script)?;
    let mut tally = Tally::default();
    let (script, first) = by_entries(&case.script, &groups);
    let script = with_guarded_quotients(script);
    let truth = values::<Watched<SINGLE>>(&script);
    let j = first[case.roles[0]];
    let ends: Vec<usize> = case.roles.iter().chain(&case.asked).map(|&i| first[i]).collect();
    let needed = script.needed(&ends);
    if (0..script.nodes.len()).any(|i| needed[i] && is_unclear(&script, &truth, i)) {
        tally.counts[3] = 1;
        return Ok(tally);
    }
    let asked: Vec<Var<'_, T>> = case.asked.iter().map(|&i| vars[i]).collect();
    let mut outputs = vec![vars[j]];
    outputs.extend(&asked);
    outputs.extend(vars[j].gradients_or_zeros(&asked));
    for output in &outputs {
        output.sound().map_err(|mistake| format!("mistake: {mistake}"))?;
    }
    let run = |options: Options| -> Result<Vec<Vec<f64>>, Error> {
        let mut program = tape.compile_with(outputs.iter().copied(), options)?;
        program.run()?;
        let numbers = |v: &Var<'_, T>| {
            let view = program.view(*v)?;
            Ok(view.as_slice().iter().map(|x| x.to_f64()).collect())
        };
        outputs.iter().map(numbers).collect()
    };
    let (literal, compiled) = match (run(Options::literal()), run(Options::default())) {
        (Ok(literal), Ok(compiled)) => (literal, compiled),
        (Err(one), Err(other)) if discriminant(&one) == discriminant(&other) => return Ok(tally),
        // A sigmoid of NaN is no probability; the program that computes from the logits makes NaN of it.
        (Err(Error::Probability { value, .. }), Ok(_)) if value.is_nan() => return Ok(tally),
        (one, other) => {
            let text = |error: Option<Error>| error.map(|error| error.to_string());
            return Err(format!("run: literal {:?}, compiled {:?}", text(one.err()), text(other.err())));
        }
    };
    let cotangents = cotangents(&script, &truth, j);
    let mut expected: Vec<Grid<Watched<SINGLE>>> = vec![truth[j].clone()];
    expected.extend(case.asked.iter().map(|&i| truth[first[i]].clone()));
    for (output, &i) in case.asked.iter().enumerate() {
        let Some(cotangent) = &cotangents[first[i]] else {
            // Every path has derivative 0, or there is none.
            let zero = |x: &Vec<f64>| x.iter().all(|&x| x == 0.0);
            let at = 1 + case.asked.len() + output;
            if !(zero(&literal[at]) && zero(&compiled[at])) {
                return Err(format!("no path: the gradient with respect to v{i} is not 0"));
            }
            let shape = &truth[first[i]];
            let of = <Watched<SINGLE> as plain::number::Number>::of;
            expected.push(shape.map(|_| of(0.0)));
            continue;
        };
        expected.push(cotangent.clone());
    }
    for (output, expected) in expected.iter().enumerate() {
        let what = match output {
            0 => "J".to_owned(),
            k if k <= case.asked.len() => format!("v{}", case.asked[k - 1]),
            k => format!("∂J/∂v{}", case.asked[k - 1 - case.asked.len()]),
        };
        for (k, &truth) in expected.data.iter().enumerate() {
            let (l, c) = (literal[output][k], compiled[output][k]);
            agree(&mut tally, l, c, truth).map_err(|how| {
                let Watched { v, off, snug, overflowed, promised, .. } = truth;
                let [v, off, snug] = [v, off, snug].map(Wide::to_f64);
                format!(
                    "{how}: {what}, number {k}: literal {l:e}, compiled {c:e}, truly {v:e} ± {off:.1e} ({snug:.1e}), \
                     overflowed {overflowed}, promised {promised}"
                )
            })?;
        }
    }
    Ok(tally)
}

#[test]
fn a_program_computes_what_the_tape_says() {
    let tally = law("a_program_computes_what_the_tape_says", drawn, |case| match case.single {
        true => computes_what_the_tape_says::<f32, true>(case),
        false => computes_what_the_tape_says::<f64, false>(case),
    });
    let [rounded, better, not_finite, unclear] = tally.counts;
    println!(
        "{rounded} rounded otherwise, {better} better, {not_finite} not finite in both, {unclear} tapes unclear"
    );
    assert!(unclear * 4 <= tally.tapes, "{unclear} of {} tapes are unclear", tally.tapes);
    assert!(tally.blunt * 10 <= tally.compared, "{} of {} say little", tally.blunt, tally.compared);
}

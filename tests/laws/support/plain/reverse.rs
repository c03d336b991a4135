//! A plain reverse pass over a plain program, one textbook rule for each structure.

use super::interpret::{Grid, apply, evaluate, pair, parts, sum};
use super::number::{Dual, Number};
use super::program::{Fun, Op, Pair, Reduction, Script};

/// From the values of a part, its result and its cotangent, the derivative for each value.
type OfPart<'a, N> = &'a dyn Fn(&[N], N, N) -> Vec<N>;

/// The cotangent of every node that one comes to, from 1 at the 1 × 1 node `j`.
pub(crate) fn cotangents<N: Number>(script: &Script, values: &[Grid<N>], j: usize) -> Vec<Option<Grid<N>>> {
    let mut found: Vec<Option<Grid<N>>> = vec![None; script.nodes.len()];
    found[j] = Some(Grid { rows: 1, columns: 1, data: vec![N::of(1.0)] });
    for i in (0..=j).rev() {
        let Some(g) = found[i].clone() else { continue };
        let node = &script.nodes[i];
        let x: Vec<&Grid<N>> = node.on.iter().map(|&on| &values[on]).collect();
        for (k, contribution) in contributions(script, i, &x, &values[i], &g).into_iter().enumerate() {
            let Some(contribution) = contribution else { continue };
            let sum = &mut found[node.on[k]];
            *sum = Some(match sum.take() {
                None => contribution,
                // Contributions are added as they are: what cancels here is lost.
                Some(sum) => Grid {
                    data: (sum.data.iter().zip(&contribution.data))
                        .map(|(&a, &b)| a.without_parts() + b.without_parts())
                        .collect(),
                    ..contribution
                },
            });
        }
    }
    found
}

/// Sums over what was repeated of an operand of this shape.
fn gathered<N: Number>(like: &Grid<N>, g: &Grid<N>) -> Grid<N> {
    let all = |n: usize, of: usize, k: usize| if n == 1 { 0..of } else { k..k + 1 };
    Grid::new(like.rows, like.columns, |i, j| {
        let rows = all(like.rows, g.rows, i);
        sum(all(like.columns, g.columns, j)
            .flat_map(|j| rows.clone().map(move |i| (i, j)))
            .map(|(i, j)| g.at(i, j)))
    })
}

fn contributions<N: Number>(
    script: &Script,
    i: usize,
    x: &[&Grid<N>],
    y: &Grid<N>,
    g: &Grid<N>,
) -> Vec<Option<Grid<N>>> {
    let node = &script.nodes[i];
    let one = N::of(1.0);
    let at = |v: N| Dual { v, d: one };
    let still = |v: N| Dual { v, d: N::of(0.0) };
    let elementwise =
        |like: &Grid<N>, f: &dyn Fn(usize, usize) -> N| gathered(like, &Grid::new(y.rows, y.columns, f));
    // Reductions of a part at a time: the operand's derivative from the part's values, its result and its cotangent.
    let by_parts = |over, f: OfPart<'_, N>| {
        let mut out = x[0].clone();
        for (k, part) in parts(over, x[0].rows, x[0].columns).into_iter().enumerate() {
            let values: Vec<N> = part.iter().map(|&at| x[0].data[at]).collect();
            let derivative = f(&values, y.data[k], g.data[k]);
            part.iter().zip(derivative).for_each(|(&at, d)| out.data[at] = d);
        }
        out
    };
    match &node.op {
        Op::Leaf(..) | Op::Number(_) | Op::OneOverM => Vec::new(),
        Op::Zip(Pair::Greater | Pair::Equal) | Op::Map(Fun::Sign) => vec![None; x.len()],
        Op::Zip(zip) => {
            // Not by numbers with derivatives, which make 0 · ∞ of an operand that stands still.
            let [a, b] = [x[0], x[1]];
            let of_a = |i, j| match zip {
                Pair::Multiply => g.at(i, j) * b.at(i, j),
                Pair::Divide | Pair::DivideOrZero => g.at(i, j) / b.at(i, j),
                Pair::Power => g.at(i, j) * pair(*zip, at(a.at(i, j)), still(b.at(i, j))).d,
                _ => g.at(i, j),
            };
            let is_guarded =
                |i, j| *zip == Pair::DivideOrZero && a.at(i, j).value() == 0.0 && b.at(i, j).value() == 0.0;
            let of_b = |i, j| match zip {
                _ if is_guarded(i, j) => N::of(0.0).promised(),
                Pair::Subtract => -g.at(i, j),
                Pair::Multiply => g.at(i, j) * a.at(i, j),
                Pair::Divide | Pair::DivideOrZero => -(g.at(i, j) * y.at(i, j) / b.at(i, j)),
                Pair::Power => g.at(i, j) * pair(*zip, still(a.at(i, j)), at(b.at(i, j))).d,
                _ => g.at(i, j),
            };
            vec![Some(elementwise(a, &of_a)), Some(elementwise(b, &of_b))]
        }
        Op::Map(fun) => vec![Some(elementwise(x[0], &|i, j| g.at(i, j) * apply(*fun, at(x[0].at(i, j))).d))],
        Op::Negate => vec![Some(g.map(|g| -g))],
        Op::Transpose => vec![Some(Grid::new(g.columns, g.rows, |i, j| g.at(j, i)))],
        Op::Product => {
            let dot = |n: usize, f: &dyn Fn(usize) -> N| sum((0..n).map(f));
            let a = Grid::new(x[0].rows, x[0].columns, |i, k| {
                dot(g.columns, &|j| g.data[i + j * g.rows] * x[1].data[k + j * x[1].rows])
            });
            let b = Grid::new(x[1].rows, x[1].columns, |k, j| {
                dot(g.rows, &|i| x[0].data[i + k * x[0].rows] * g.data[i + j * g.rows])
            });
            vec![Some(a), Some(b)]
        }
        Op::Reduce(Reduction::Sum, over) => vec![Some(by_parts(*over, &|x, _, g| vec![g; x.len()]))],
        Op::Reduce(Reduction::Max | Reduction::Min, over) => vec![Some(by_parts(*over, &|x, y, g| {
            let ties = x.iter().filter(|x| x.value() == y.value()).count() as f64;
            let share = |x: &N| if x.value() == y.value() { g / N::of(ties) } else { N::of(0.0) * g };
            x.iter().map(share).collect()
        }))],
        Op::Reduce(Reduction::MaxNorm, over) => vec![Some(by_parts(*over, &|x, y, g| {
            let ties = x.iter().filter(|x| x.value().abs() == y.value()).count() as f64;
            let share = |x: &N| match x.value().abs() == y.value() {
                true => g * apply(Fun::Sign, *x) / N::of(ties),
                false => N::of(0.0) * g,
            };
            x.iter().map(share).collect()
        }))],
        Op::Reduce(Reduction::LogSumExp, over) => {
            vec![Some(by_parts(*over, &|x, y, g| x.iter().map(|&x| g * apply(Fun::Exp, x - y)).collect()))]
        }
        Op::Mean(over) => {
            vec![Some(by_parts(*over, &|x, _, g| vec![g / N::of(x.len() as f64); x.len()]))]
        }
        Op::Repeat => vec![Some(gathered(x[0], g))],
        Op::Rows(start, end) => vec![Some(Grid::new(x[0].rows, x[0].columns, |i, j| {
            if (*start..*end).contains(&i) { g.data[i - start + j * g.rows] } else { N::of(0.0) }
        }))],
        Op::Columns(start, end) => vec![Some(Grid::new(x[0].rows, x[0].columns, |i, j| {
            if (*start..*end).contains(&j) { g.data[i + (j - start) * g.rows] } else { N::of(0.0) }
        }))],
        Op::StackRows | Op::StackColumns => {
            let of_rows = node.op == Op::StackRows;
            let mut start = 0;
            let part = |x: &&Grid<N>| {
                let from = start;
                start += if of_rows { x.rows } else { x.columns };
                Some(Grid::new(x.rows, x.columns, |i, j| {
                    let (i, j) = if of_rows { (i + from, j) } else { (i, j + from) };
                    g.data[i + j * g.rows]
                }))
            };
            x.iter().map(part).collect()
        }
        Op::Select => {
            let chosen = |i, j| x[0].at(i, j).value() != 0.0;
            let a = |i, j| if chosen(i, j) { g.at(i, j) } else { N::of(0.0) };
            let b = |i, j| if chosen(i, j) { N::of(0.0) } else { g.at(i, j) };
            vec![None, Some(elementwise(x[1], &a)), Some(elementwise(x[2], &b))]
        }
        // Sums over rows of one loss each: by the interpreter's own formula of one element.
        Op::LogLoss | Op::LogLossOnLogits | Op::SigmoidMinus => {
            let single = |k: usize| {
                Grid::new(x[k].rows, x[k].columns, |i, j| {
                    let of = |operand: usize| {
                        let v = x[operand].at(i, j);
                        Grid { rows: 1, columns: 1, data: vec![if operand == k { at(v) } else { still(v) }] }
                    };
                    let mut node = node.clone();
                    node.shape = tape::Shape::SCALAR;
                    let derivative = evaluate(&node, script.m, &[&of(0), &of(1)]).data[0].d;
                    // Eq. 8 guards its quotients.
                    g.at(i, j) * if node.op == Op::LogLoss { derivative.promised() } else { derivative }
                })
            };
            vec![Some(single(0)), Some(single(1))]
        }
        // Dense within a part: by the interpreter, one direction at a time.
        Op::Softmax(_) | Op::CrossEntropy => {
            let operand = |k: usize| {
                let mut out = x[k].clone();
                for at_k in 0..out.data.len() {
                    let moved: Vec<Grid<Dual<N>>> =
                        (0..x.len())
                            .map(|o| Grid {
                                data: (0..x[o].data.len())
                                    .map(|p| {
                                        if (o, p) == (k, at_k) {
                                            at(x[o].data[p])
                                        } else {
                                            still(x[o].data[p])
                                        }
                                    })
                                    .collect(),
                                rows: x[o].rows,
                                columns: x[o].columns,
                            })
                            .collect();
                    let all = evaluate(node, script.m, &moved.iter().collect::<Vec<_>>());
                    out.data[at_k] = sum(all.data.iter().zip(&g.data).map(|(y, &g)| y.d * g));
                }
                Some(out)
            };
            (0..x.len()).map(operand).collect()
        }
    }
}

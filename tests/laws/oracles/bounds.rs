//! |tape − closed form| is no more than the bound of each: on random networks, without a tolerance.

use mlp::{Activation, Loss, Mlp, Scalar};
use tape::check::Random;
use tape::check::oracle::{Definitions, Elementary, Number, Oracle};
use tape::{Matrix, Tape};

use crate::support::cases::given;
use crate::support::networks::{Description, G, fewest_outputs, fitting};

/// How many networks, each in `f64` and in `f32`.
const NETWORKS: u64 = 400;

const LOSSES: [Loss; 3] = [Loss::LogLoss, Loss::SquaredError, Loss::SoftmaxCrossEntropy];

/// Activations of the user's own, as `of_the_user` has them.
struct Users;

impl Definitions for Users {
    fn function<N: Number>(&self, name: &str, x: &N) -> Option<N> {
        let (x, of) = (|| x.clone(), N::of);
        let size = || if x().value() < 0.0 { -x() } else { x() };
        let exp = |x: N| x.elementary(Elementary::Exp);
        let pi = || of(4.0) * of(1.0).atan2(&of(1.0));
        Some(match name {
            "softsign" => x() / (of(1.0) + size()),
            "softsign′" => of(1.0) / ((of(1.0) + size()) * (of(1.0) + size())),
            "bell" => exp(-(x() * x())),
            "bell′" => of(-2.0) * x() * exp(-(x() * x())),
            "log_cosh" => {
                size() + exp(of(-2.0) * size()).elementary(Elementary::Ln1p)
                    - of(2.0).elementary(Elementary::Ln)
            }
            "half_square" => of(0.5) * x() * x(),
            "growth" => exp(x()),
            "probit" => x().elementary(Elementary::NormalCdf),
            "probit′" => exp(of(-0.5) * x() * x()) / (of(2.0) * pi()).elementary(Elementary::Sqrt),
            "hedged" => of(0.5) + of(49.0) / of(100.0) * x().elementary(Elementary::Tanh),
            "hedged′" => {
                let e = exp(-size());
                let s = (e.clone() + e.clone()) / (of(1.0) + e.clone() * e);
                of(49.0) / of(100.0) * s.clone() * s
            }
            _ => return None,
        })
    }
}

fn drawn(seed: u64) -> Description {
    let mut random = Random::new(seed);
    let all = G::all();
    let layers = 1 + seed as usize % 4;
    let m = [1, 2, 17, 300][seed as usize / 4 % 4];
    let loss = LOSSES[random.below(3)];
    let most = if m == 300 { 6 } else { 20 };
    let mut sizes: Vec<usize> = (0..=layers).map(|_| 1 + random.below(most)).collect();
    let mut g: Vec<G> = (0..layers).map(|l| all[(seed as usize + 5 * l) % all.len()]).collect();
    g[layers - 1] = match loss {
        Loss::LogLoss if random.below(3) > 0 => G::named("sigmoid"),
        _ => fitting(loss, g[layers - 1]),
    };
    sizes[layers] = sizes[layers].max(fewest_outputs(loss));
    Description { sizes, g, loss, m, scale: random.between(0.3, 1.5), seed }
}

/// What the comparison has seen.
#[derive(Debug, Default)]
struct Seen {
    /// bound/actual of each element that is off at all, where actual is half of |tape − closed form|, for each loss.
    ratios: [Vec<f64>; 3],
    /// Elements in all, and those of which no finite bound is known.
    elements: usize,
    unbounded: usize,
    equal: usize,
}

fn compare<T: Scalar>(description: &Description, seen: &mut Seen) {
    let network: Mlp<T> = description.network();
    let (x, y) = description.examples::<T>();
    let tape = Tape::new();
    let recorded = network.record(&tape, &x, &y).unwrap();
    let closed = network.closed_form(&x, &y).unwrap();
    let mut asked = vec![recorded.j];
    asked.extend(recorded.gradients());
    let mut expected = vec![Matrix::scalar(closed.j)];
    for l in 1..=network.layers() {
        expected.extend([closed.dw(l).clone(), closed.db(l).clone()]);
    }
    let mut program = tape.compile(asked.iter().copied()).unwrap();
    program.run().unwrap();
    let loss = LOSSES.iter().position(|&loss| loss == description.loss).expect("one of them");
    let bounds =
        Oracle::new().definitions(Users).bounds(&asked).unwrap_or_else(|e| panic!("{e}\n{description:?}"));
    for ((entry, expected), bounds) in asked.iter().zip(&expected).zip(&bounds) {
        let found = program.view(*entry).unwrap().to_matrix();
        for ((place, found), expected) in found.iter_indexed().zip(expected.iter()) {
            let (found, expected, bound) = (found.to_f64(), expected.to_f64(), bounds[place]);
            let off = (found - expected).abs();
            seen.elements += 1;
            seen.unbounded += usize::from(bound.is_infinite());
            seen.equal += usize::from(off == 0.0);
            if bound.is_finite() && off > 0.0 {
                seen.ratios[loss].push(2.0 * bound / off);
            }
            assert!(
                off <= 2.0 * bound,
                "{} in {}: tape {found:e}, closed form {expected:e}: off by {off:.2e}, bound {bound:.2e}\n{description:?}",
                entry.label(),
                T::NAME
            );
        }
    }
}

/// The middle one.
fn median(mut ratios: Vec<f64>) -> f64 {
    ratios.sort_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Prints the figures of the documentation:
/// `cargo test --release --test laws oracles::bounds -- --nocapture`.
#[test]
fn the_tape_is_within_the_bounds_of_the_closed_form() {
    let only = given("SEED");
    let (mut double, mut single) = (Seen::default(), Seen::default());
    for seed in only.map_or(0..NETWORKS, |seed| seed..seed + 1) {
        let description = drawn(seed);
        compare::<f64>(&description, &mut double);
        compare::<f32>(&description, &mut single);
    }
    for (name, seen) in [("f64", double), ("f32", single)] {
        let Seen { ratios, elements, unbounded, equal } = seen;
        println!(
            "{name}: {elements} elements, {equal} equal, {unbounded} without a bound; median of bound/actual"
        );
        println!("  {:.0}", median(ratios.concat()));
        for (loss, ratios) in LOSSES.iter().zip(ratios) {
            println!("  {loss}: {:.0}", median(ratios));
        }
        assert!(only.is_some() || unbounded * 20 < elements, "{unbounded} of {elements} are without a bound");
    }
    let kinds = Activation::<f64>::all().len();
    assert!(NETWORKS as usize > 10 * kinds, "each activation is drawn");
}

//! What recording promises: it is literal, refuses what is foreign, survives the user's rules, and grows no tape twice.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tape::{
    Error, Fault, Function, Matrix, MatrixMut, Mismatch, Operands, Operation, Options, Over, Scalar, Shape,
    Tape, Var, Vjp, matrix,
};

fn value<T: Scalar>(v: Var<'_, T>) -> Vec<f64> {
    v.value().unwrap().as_slice().iter().map(|x| x.to_f64()).collect()
}

/// Relative to each number; 1e-15 is a few ulp of f64, 1e-6 of f32.
#[track_caller]
fn assert_near(found: &[f64], expected: &[f64], relative: f64) {
    let near = |(f, e): (&f64, &f64)| f == e || (f - e).abs() <= relative * e.abs();
    let all = found.len() == expected.len() && found.iter().zip(expected).all(near);
    assert!(all, "found {found:?}, expected {expected:?}");
}

#[test]
fn every_spelling_is_an_entry_of_its_own() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &matrix![[1.0, 2.0], [3.0, 4.0]]);
    let (zero, one) = (tape.scalar(0.0), tape.scalar(1.0));
    let spelled = |v: Var<'_, f64>| v.index().unwrap();
    let mut known = vec![spelled(x), spelled(zero), spelled(one)];
    for v in [
        2.0 * x,
        -x,
        x / 49.0,
        x.t(),
        1.0 * x,
        x + 0.0,
        -(-x),
        x.t().t(),
        x - 0.0,
        x / 1.0,
        x.powf(1.0),
        x.powi(1),
        x.pow(1.0),
        x.identity(),
        x.sum(),
        x.sum().sum(),
        x.sum_over(Over::Rows).sum_over(Over::Rows),
        x.mean(),
        x.mean().mean_over(Over::Columns),
        x.broadcast_to(Shape::new(2, 2)),
        x.rows(0..2),
        x.columns(0..2),
        tape.stack_rows(&[x]),
        x.sum().t(),
        x.max().max_over(Over::Rows),
        (2.0 * x) * 3.0,
        2.0 * (3.0 * x),
        (-x).t(),
        -(x.t()),
    ] {
        let index = spelled(v);
        assert!(
            !known.contains(&index),
            "{} is {}",
            v.equation(),
            tape.variables().nth(index).unwrap().equation()
        );
        known.push(index);
    }
    // The equal one is found, in either order where the operation commutes.
    let length = tape.len();
    assert!(x * 2.0 == 2.0 * x && 0.0 + x == x + 0.0 && x.t() == x.t() && x.pow(2.0) != x.square());
    assert!(tape.len() <= length + 3);
    let commutes = |v: Var<'_, f64>| v.entry().unwrap().commutes();
    let y = tape.constant("y", &matrix![[5.0, 7.0]]);
    assert!([x + y, x * y, x.maximum(y), x.minimum(y)].into_iter().all(commutes));
    assert!(![x - y, x / y, x.pow(y), x.atan2(y), x.matmul(y.t()), x.exp()].into_iter().any(commutes));
}

/// The derivative with respect to what is used is the total one, and what it was made of has its own.
#[test]
fn entries_in_the_middle_have_their_whole_derivative() {
    fn check<T: Scalar>(near: f64) {
        let n = |x: f64| T::from_f64(x);
        let tape = Tape::<T>::new();
        let x = tape.examples("x", &Matrix::from([[n(3.0), n(-2.0)]]));
        let v = tape.parameter("v", &Matrix::from([[n(5.0), n(7.0)]]));
        let double = n(2.0);
        let cases: Vec<(&str, Var<'_, T>, f64)> = vec![
            ("2·x", x * double, 2.0),
            ("−x", -x, -1.0),
            ("x/4", x / n(4.0), 0.25),
            ("1·x", x * T::ONE, 1.0),
            ("x + 0", x + T::ZERO, 1.0),
            ("−(−x)", -(-x), 1.0),
            ("xᵀᵀ", x.t().t(), 1.0),
            ("identity", x.identity(), 1.0),
        ];
        for (what, h, slope) in cases {
            let j = (h * h + h).sum();
            let [dh, dx] = j.gradients([h, x]);
            let at: Vec<f64> = value(h);
            let expected: Vec<f64> = at.iter().map(|h| 2.0 * h + 1.0).collect();
            assert_near(&value(dh), &expected, near);
            let through: Vec<f64> = expected.iter().map(|d| d * slope).collect();
            assert_near(&value(dx), &through, near);
            // Another use of what h was made of is no use of h.
            let [dh] = (j + (x * n(100.0)).sum()).gradients([h]);
            assert_near(&value(dh), &expected, near);
            let [second] = dh.sum().gradients([h]);
            assert_near(&value(second), &[2.0, 2.0], near);
            assert!(!what.is_empty());
        }
        let w = x.mean();
        let [dw] = (w * n(3.0)).gradients([w]);
        assert_near(&value(dw), &[3.0], near);
        let z = (v.t().matmul(x) * n(0.5)).sum_over(Over::Rows);
        let [dz] = (z * z).sum().gradients([z]);
        assert_near(&value(dz), &value(z).iter().map(|z| 2.0 * z).collect::<Vec<_>>(), near);
        tape.check().unwrap();
    }
    check::<f64>(1e-15);
    check::<f32>(1e-6);
}

#[test]
fn numbers_and_variables_of_another_tape_are_refused_in_every_form() {
    let (tape, other) = (Tape::<f64>::new(), Tape::<f64>::new());
    let a = tape.parameter("a", &matrix![[1.0]]);
    let number = tape.scalar(2.0);
    for foreign in
        [other.scalar(3.0), other.parameter("b", &matrix![[3.0]]), -other.scalar(3.0), other.one_over_m()]
    {
        let forms: Vec<(&str, Var<'_, f64>)> = vec![
            ("multiply", a * foreign),
            ("divide", a / foreign),
            ("multiply", number * foreign),
            ("divide", number / foreign),
            ("power", a.pow(foreign)),
            ("add", number + foreign),
            ("subtract", number - foreign),
            ("add", a + foreign),
            ("greater", a.greater(foreign)),
            ("less", a.less(foreign)),
            ("equal", a.equal(foreign)),
            ("select", a.select(foreign, a)),
            ("select", a.select(a, foreign)),
            ("log_loss", a.log_loss(foreign)),
            ("log_loss_on_logits", a.log_loss_on_logits(foreign)),
            ("sigmoid_minus", a.sigmoid_minus(foreign)),
            ("squared_error", a.squared_error(foreign)),
            ("matmul", a.matmul(foreign)),
            ("stack_rows", tape.stack_rows(&[a, foreign])),
            ("gradients", a.gradients([foreign])[0]),
            ("vjp", a.vjp([a], foreign)[0]),
            ("jvp", a.jvp([a], [foreign])),
        ];
        for (method, void) in forms {
            match void.value() {
                Err(Error::ForeignVariable { operation, .. }) => assert_eq!(operation, method),
                other => panic!("{method}: {other:?}"),
            }
        }
    }
}

/// An operation of the user's whose rule does as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Own {
    /// ∂/∂A = G ⊙ A + G ⊙ A, given in two parts.
    SquareInTwoParts,
    /// Its rule panics.
    Panics,
    /// Its rule asks for a derivative itself.
    AsksItself,
}

impl<T: Scalar> Operation<T> for Own {
    fn name(&self) -> Cow<'_, str> {
        "own".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0])
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let a = x.get(0);
        out.as_mut_slice().iter_mut().zip(a.as_slice()).for_each(|(out, &a)| *out = a * a);
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let [a] = at.operands();
        match self {
            Own::SquareInTwoParts => {
                at.contribute(0, |g| g * a);
                at.contribute_elementwise(0, |g| g * a);
            }
            Own::Panics => panic!("as told"),
            Own::AsksItself => {
                let [slope] = a.square().sum().gradients([a]);
                at.contribute(0, |g| g * slope);
            }
        }
    }
}

#[test]
fn what_a_rule_gives_twice_adds_up() {
    fn check<T: Scalar>() {
        let tape = Tape::<T>::new();
        let x = tape.examples("x", &Matrix::from([[T::from_f64(3.0), T::from_f64(-2.0)]]));
        for own in [Own::SquareInTwoParts, Own::AsksItself] {
            let y = tape.apply(own, [x]);
            assert_eq!(value(y.sum().gradients([x])[0]), [6.0, -4.0], "{own:?}");
            assert_eq!(value(y.mean().gradients([x])[0]), [3.0, -2.0]);
            assert_eq!(value((y * y).sum().gradients([x])[0]), [108.0, -32.0]); // (x⁴)′
        }
    }
    check::<f64>();
    check::<f32>();
}

#[test]
fn a_panic_in_a_rule_leaves_the_tape_as_before() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &matrix![[1.0, 2.0]]);
    let y = tape.apply(Own::Panics, [x]).sum();
    assert!(catch_unwind(AssertUnwindSafe(|| y.gradients([x]))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| y.jvp([x], [x]))).is_err());
    // A mistake is told with the user's own line, not that of the call which panicked.
    let line = line!() + 1;
    let error = x.matmul(x).value().unwrap_err().to_string();
    assert!(error.ends_with(&format!("recording.rs:{line}:19")), "{error}");
    let own = x.sin().named("own");
    let list = tape.to_string();
    let before = list.lines().take_while(|line| !line.contains("sin(x)"));
    let section = before.filter(|line| line.starts_with("──")).last().unwrap();
    assert_eq!(section, "── recorded by hand", "{list}");
    // Products with 1 are entries again, and derivatives are taken as ever.
    assert!(tape.scalar(1.0) * x != x);
    assert_eq!(value(own.sum().gradients([x])[0]), [1f64.cos(), 2f64.cos()]);
}

/// Its shape rule looks at the tape that it is recorded on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct LooksAtItsTape;

thread_local!(static ITS_TAPE: &'static Tape<f64> = Box::leak(Box::new(Tape::new())));

impl Operation<f64> for LooksAtItsTape {
    fn name(&self) -> Cow<'_, str> {
        "looks".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        let known = ITS_TAPE.with(|tape| (tape.len(), tape.to_string()));
        if known.0 > 0 && known.1.contains("%0") { Ok(operands[0]) } else { Err(Mismatch::new("nothing")) }
    }
    fn eval(&self, x: &Operands<'_, f64>, out: &mut MatrixMut<'_, f64>) -> Result<(), Fault> {
        out.as_mut_slice().copy_from_slice(x.get(0).as_slice());
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, f64>) {
        at.contribute(0, |g| g);
    }
}

#[test]
fn a_shape_rule_may_look_at_its_tape() {
    ITS_TAPE.with(|tape| {
        let x = tape.parameter("x", &matrix![[1.0, 2.0]]);
        let y = tape.apply(LooksAtItsTape, [x]);
        assert_eq!(value(y), [1.0, 2.0]);
        assert_eq!(value(y.sum().gradients([x])[0]), [1.0, 1.0]);
    });
}

#[test]
fn derivatives_asked_for_twice_add_nothing() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("x", &matrix![[0.5, -0.25]]);
    let w = tape.parameter("w", &matrix![[0.3], [0.7]]);
    let v = tape.constant("v", &matrix![[1.0], [2.0]]);
    let y = w.matmul(x).tanh();
    let j = y.square().sum();
    let ask = || {
        let jvp = y.jvp([w], [v]);
        let hessian = j.hessian([w, x]).unwrap();
        let jacobian = y.jacobian([w, x]).unwrap();
        let each = y.sum_over(Over::Rows).per_example_gradients([w]).unwrap();
        let by_cotangents = (y.sum_over(Over::Rows) * y.mean()).per_example_gradients([w]).unwrap();
        (jvp, hessian, jacobian, each, by_cotangents)
    };
    let first = ask();
    let length = tape.len();
    for _ in 0..3 {
        assert!(ask() == first);
    }
    assert_eq!(tape.len(), length);
    // A derivative along a direction that is itself made of one has leaves of its own.
    let nested = y.jvp([w], [v]).jvp([w], [v]);
    let [along] = j.hvp([w], [v]);
    let expected = 2.0 * (y.jvp([w], [v]).square() + y * nested).sum();
    assert_near(&value((along * v).sum()), &value(expected), 1e-14);
}

#[test]
fn losses_that_are_transposed_have_gradients_of_each_example() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("x", &matrix![[1.0, 2.0]]);
    let w = tape.parameter("w", &matrix![[0.5]]);
    let each = |losses: Var<'_, f64>| losses.per_example_gradients([w]).map(|[each]| each);
    assert_eq!(each(x.t().matmul(w).square().t()), Ok(matrix![[1.0, 4.0]]));
    assert_eq!(each((w * x).t().t()), Ok(matrix![[1.0, 2.0]]));
    assert_eq!(each(x - w), Ok(matrix![[-1.0, -1.0]]));
    assert_eq!(each(2.0 * (x - w)), Ok(matrix![[-2.0, -2.0]]));
    assert_eq!(each(-(w.broadcast_to(x.shape().unwrap()))), Ok(matrix![[-1.0, -1.0]]));
}

/// Factors stay where they were written: nothing overflows or vanishes that does not as it is written.
#[test]
fn factors_stay_where_they_were_written() {
    let tape = Tape::<f64>::new();
    let leaf = |x: f64| tape.parameter("", &matrix![[x]]);
    let (great, small) = (leaf(1e300), leaf(5e-324));
    assert_eq!(value((great * 0.0).matmul(great)), [0.0]);
    assert_eq!(value(leaf(2.0) * (0.0 / small)), [0.0]);
    assert_eq!(value((tape.parameter("", &matrix![[1.7e308, 1.7e308]]) * 0.25).sum()), [8.5e307]);
    assert_eq!(value((great * 1e-200).square()), [1e200]);
    assert_near(&value((great * 1e-200) * (great * 1e-200)), &[1e200], 1e-15);
    assert_near(&value((great * 1e-200) / (leaf(1e-300) * 1e200)), &[1e200], 1e-15);
    // A factor that is not finite is one as any other.
    let row = tape.parameter("", &matrix![[1.0, 0.0]]);
    assert!(value((row * f64::INFINITY).sum())[0].is_nan());
    let two = leaf(2.0);
    assert!(value(two * f64::INFINITY - leaf(1.0) * f64::INFINITY)[0].is_nan());
    let nothing = tape.examples("nothing", &Matrix::zeros(1, 0));
    assert_eq!(value((nothing * f64::INFINITY).sum()), [0.0]);

    let single = Tape::<f32>::new();
    let s = single.parameter("s", &matrix![[1e-23_f32]]) * 65536.0;
    assert_near(&value(s * s), &[(1e-23 * 65536.0_f64).powi(2)], 1e-6);
    let big = single.parameter("b", &matrix![[1e30_f32]]);
    let [db] = ((big * 1e-20).matmul(big * 1e-20)).gradients([big]);
    assert_near(&value(db), &[2e-10], 1e-6);
}

#[test]
fn division_is_division() {
    let tape = Tape::<f64>::new();
    let single = Tape::<f32>::new();
    for n in (1..200).chain([255, 256, 257, 569, 1000, 4096, 5000]) {
        let ones = tape.examples_unbound(&format!("ones{n}"), 1);
        let mut program = tape.compile([ones.mean()]).unwrap();
        program.bind(ones, &Matrix::filled(1, n, 1.0)).unwrap();
        program.run().unwrap();
        assert_eq!(program.view(ones.mean()).unwrap().as_slice(), [1.0], "m = {n}");
        let k = n as f64;
        let x = tape.parameter("x", &matrix![[k]]);
        assert_eq!(value(x / k), [1.0]);
        assert_near(&value((x / k).exp()), &[std::f64::consts::E], 1e-15);
        assert_eq!(value(tape.parameter("o", &Matrix::filled(n, 1, 1.0)).mean()), [1.0], "{n} rows");
        let x = single.parameter("x", &matrix![[n as f32]]);
        assert_eq!(value(x / n as f32), [1.0]);
    }
    // ∂/∂b of the mean of x + b is m/m.
    let x = tape.examples("x", &Matrix::filled(1, 49, 0.5));
    let b = tape.parameter("b", &matrix![[1.0]]);
    assert_eq!(value((x + b).mean().gradients([b])[0]), [1.0]);
    assert_eq!(value((x * b).mean().gradients([b])[0]), [0.5]);
}

/// Spellings of a sigmoid and of 1 behind which the naive loss is still safe.
#[test]
fn spellings_of_the_naive_loss_that_are_protected() {
    type Spelling = for<'t> fn(Var<'t, f64>) -> Var<'t, f64>;
    let spellings: &[(&str, Spelling)] = &[
        ("σ(z)", |z| z.sigmoid()),
        ("σ(z) + 0", |z| z.sigmoid() + 0.0),
        ("σ(z) − 0", |z| z.sigmoid() - 0.0),
        ("0 + σ(z)", |z| 0.0 + z.sigmoid()),
        ("½·σ(z)·2", |z| z.sigmoid() * 0.5 * 2.0),
        ("2·(σ(z)/2)", |z| 2.0 * (z.sigmoid() / 2.0)),
        ("½σ(z) + ½σ(z)", |z| z.sigmoid() * 0.5 + z.sigmoid() * 0.5),
        ("σ(z)/2 + σ(z)/2", |z| z.sigmoid() / 2.0 + z.sigmoid() / 2.0),
        ("1 ⊙ σ(z)", |z| 1.0 * z.sigmoid()),
        ("ones ⊙ σ(z)", |z| z.tape().constant("ones", &matrix![[1.0]]) * z.sigmoid()),
        ("σ(z) ⊘ ones", |z| z.sigmoid() / z.tape().constant("ones", &matrix![[1.0]])),
        ("−(−σ(z))", |z| -(-z.sigmoid())),
        ("σ(z)ᵀᵀ", |z| z.sigmoid().t().t()),
        ("clamp(σ(z), 0, 1)", |z| z.sigmoid().clamp(0.0, 1.0)),
        ("clamp(σ(z), −1, 2)", |z| z.sigmoid().clamp(-1.0, 2.0)),
        ("1 − (1 − σ(z))", |z| 1.0 - (1.0 - z.sigmoid())),
        ("identity(σ(z))", |z| z.sigmoid().identity()),
        ("σ(z)¹", |z| z.sigmoid().powi(1)),
        ("σ(−(−z))", |z| (-(-z)).sigmoid()),
        ("−(σ(−z) − 1)", |z| -((-z).sigmoid() - 1.0)),
    ];
    for &(what, spelling) in spellings {
        for (at, y) in [(800.0, 0.0), (-800.0, 1.0), (40.0, 0.0), (-40.0, 1.0), (800.0, 1.0), (1.5, 0.25)] {
            let tape = Tape::<f64>::new();
            let z = tape.parameter("z", &matrix![[at]]);
            let label = tape.constant("y", &matrix![[y]]);
            let one = tape.constant("one", &matrix![[1.0]]);
            let a = spelling(z);
            let spelled_out = -(label * a.ln() + (one - label) * (one - a).ln());
            let right = z.log_loss_on_logits(label);
            let slope = value(right.sum().gradients([z])[0]);
            for j in [a.log_loss(label).sum(), spelled_out.sum()] {
                let what = format!("{what}, z = {at}, y = {y}");
                assert!(j.value().unwrap()[(0, 0)].is_finite(), "{what}");
                assert_near(&value(j), &value(right), 1e-14);
                assert_near(&value(j.gradients([z])[0]), &slope, 1e-14);
            }
        }
    }
}

/// Eq. 8's quotients are 0 where label and probability are 0, and hide no NaN.
#[test]
fn guarded_quotients_hide_no_nan() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("a", &matrix![[0.0, 1.0, 0.5]]);
    let y = tape.constant("y", &matrix![[0.0, 1.0, 1.0]]);
    let j = a.log_loss(y).sum();
    let [da] = j.gradients([a]);
    assert_eq!(value(da), [1.0, -1.0, -2.0]);
    let program = tape.compile([da]).unwrap();
    assert!(program.rewrites().any(|rule| rule.name == "guarded quotient"));
    // The third derivative of −y·ln a − (1 − y)·ln(1 − a) is −2y/a³ + 2(1 − y)/(1 − a)³.
    let [dda] = da.sum().gradients([a]);
    let [ddda] = dda.sum().gradients([a]);
    assert_eq!(value(dda), [1.0, 1.0, 4.0]);
    assert_eq!(value(ddda), [2.0, -2.0, -16.0]);
    let nan = tape.parameter("nan", &matrix![[f64::NAN, 0.0, 2.0]]);
    let quotient = value(y / nan);
    assert!(quotient[0].is_nan() && quotient[1] == f64::INFINITY && quotient[2] == 0.5);
    // Entry by entry, as it stands on the tape, 0/0 is no number.
    let mut literal = tape.compile_with([da], Options::literal()).unwrap();
    literal.run().unwrap();
    assert!(literal.view(da).unwrap().as_slice()[0].is_nan());
}

#[test]
fn the_number_of_a_front_is_an_entry() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("x", &matrix![[2.0, 4.0]]);
    let c = tape.scalar(-2.0);
    let n = tape.one_over_m();
    let j = c * x.square().sum() * n * n;
    // A number that is asked for has its derivatives too, mixed ones among them.
    let [dx, dc, dn] = j.gradients([x, c, n]);
    assert_eq!((value(dx), value(dc), value(dn)), (vec![-2.0, -4.0], vec![5.0], vec![-40.0]));
    let hessian = j.hessian([x, c, n]).unwrap();
    let expected = matrix![
        [-1.0, 0.0, 1.0, -8.0],
        [0.0, -1.0, 2.0, -16.0],
        [1.0, 2.0, 0.0, 20.0],
        [-8.0, -16.0, 20.0, -80.0]
    ];
    assert_eq!(hessian, expected);
    assert!(x.map_derivative(&Function::Identity) == tape.scalar(1.0));
}

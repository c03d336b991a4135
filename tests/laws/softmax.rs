//! Softmax, its logarithm, the cross-entropy and ln Σ exp against values that were computed with 800 digits, up to the third
//! derivative; masks, ties and the size of the logits; labels that are refused; long sums.
//!
//! The references are in `reference/softmax.txt`, written by the script beside it with formulas of its own. Tolerances are goals, not
//! what happens to be reached: values within 4 ulp, derivatives of order 1, 2 and 3 within 1e-13, 1e-11 and 1e-9 of themselves, in
//! f32 within 2e-5, 2e-5 and 2e-4, wherever the true value is a normal number.

use std::collections::HashMap;

use tape::{Error, Matrix, Options, Over, Scalar, Tape, Var, matrix};

fn value<T: Scalar>(v: Var<'_, T>) -> Vec<f64> {
    v.value().unwrap().as_slice().iter().map(|x| x.to_f64()).collect()
}

fn assert_near(got: &[f64], want: &[f64], relative: f64) {
    let near = |(g, w): (&f64, &f64)| g == w || (g - w).abs() <= relative * w.abs();
    assert!(got.len() == want.len() && got.iter().zip(want).all(near), "got {got:?}, want {want:?}");
}

// ---- References -----------------------------------------------------------------------------------------------

struct Case {
    z: Vec<f64>,
    y: Vec<f64>,
    log_sum_exp: f64,
    shares: Vec<f64>,
    logarithms: Vec<f64>,
    /// 1 − s.
    rest: Vec<f64>,
    loss: f64,
    /// s·Σy − y.
    minus: Vec<f64>,
    /// The derivatives of ln Σ exp of order 2, 3 and 4, by indices in ascending order.
    derivatives: HashMap<Vec<usize>, f64>,
}

impl Case {
    fn derivative(&self, indices: &[usize]) -> f64 {
        let mut sorted = indices.to_vec();
        sorted.sort_unstable();
        self.derivatives[&sorted]
    }
}

/// All lists of so many indices below n in ascending order, in the order of the file.
fn ascending(n: usize, count: usize) -> Vec<Vec<usize>> {
    (0..count).fold(vec![vec![]], |lists, _| {
        let longer = |list: Vec<usize>| {
            let from = list.last().copied().unwrap_or(0);
            (from..n).map(move |i| [list.clone(), vec![i]].concat())
        };
        lists.into_iter().flat_map(longer).collect()
    })
}

fn cases(kind: &str) -> Vec<Case> {
    let of_line = |line: &str| {
        let lists: Vec<Vec<f64>> = line
            .split("; ")
            .skip(1)
            .map(|list| list.split(' ').map(|x| x.parse().expect("a number")).collect())
            .collect();
        let n = lists[0].len();
        let mut derivatives = HashMap::new();
        for (order, values) in [(2, &lists[8]), (3, &lists[9]), (4, &lists[10])] {
            derivatives.extend(ascending(n, order).into_iter().zip(values.iter().copied()));
        }
        Case {
            z: lists[0].clone(),
            y: lists[1].clone(),
            log_sum_exp: lists[2][0],
            shares: lists[3].clone(),
            logarithms: lists[4].clone(),
            rest: lists[5].clone(),
            loss: lists[6][0],
            minus: lists[7].clone(),
            derivatives,
        }
    };
    let lines = include_str!("../reference/softmax.txt").lines().filter(|line| line.starts_with(kind));
    lines.map(of_line).collect()
}

/// How a case lies in a matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Layout {
    /// n × 1, over the rows.
    Column,
    /// The second of three columns, over the rows.
    Columns,
    /// The second of three rows, over the columns.
    Rows,
    /// 1 × n, over the columns.
    Row,
    /// Two rows, filled up with masked entries, over all.
    All,
}

impl Layout {
    fn over(self) -> Over {
        match self {
            Layout::Column | Layout::Columns => Over::Rows,
            Layout::Rows | Layout::Row => Over::Columns,
            Layout::All => Over::All,
        }
    }

    fn size(self, n: usize) -> (usize, usize) {
        match self {
            Layout::Column => (n, 1),
            Layout::Columns => (n, 3),
            Layout::Rows => (3, n),
            Layout::Row => (1, n),
            Layout::All => (2, n.div_ceil(2)),
        }
    }

    fn place(self, i: usize) -> (usize, usize) {
        match self {
            Layout::Column => (i, 0),
            Layout::Columns => (i, 1),
            Layout::Rows => (1, i),
            Layout::Row => (0, i),
            Layout::All => (i % 2, i / 2),
        }
    }

    fn matrix<T: Scalar>(self, x: &[f64], other: impl Fn(usize, usize) -> f64) -> Matrix<T> {
        let (rows, columns) = self.size(x.len());
        let at = |i, j| (0..x.len()).find(|&k| self.place(k) == (i, j));
        Matrix::from_fn(rows, columns, |i, j| T::from_f64(at(i, j).map_or_else(|| other(i, j), |k| x[k])))
    }
}

/// What has to be right, once everything has been computed.
struct Expected<'t, T: Scalar> {
    what: String,
    order: usize,
    of: Var<'t, T>,
    place: (usize, usize),
    value: f64,
}

/// The goals of the header.
fn tolerance<T: Scalar>(order: usize, value: f64) -> f64 {
    let goals = if T::NAME == "f32" { [2e-5, 2e-5, 2e-4] } else { [1e-13, 1e-11, 1e-9] };
    match order {
        // An ulp is between ε/2 and ε of the value.
        0 => {
            let mantissa = value.abs() / 2f64.powf(value.abs().log2().floor());
            4.0 * T::EPSILON.to_f64() / mantissa * value.abs()
        }
        _ => goals[order - 1] * value.abs(),
    }
}

/// The derivative of one entry of v with respect to z.
fn slope<'t, T: Scalar>(v: Var<'t, T>, unit: Var<'t, T>, z: Var<'t, T>) -> Var<'t, T> {
    (v * unit).sum().gradients_or_zeros([z])[0]
}

fn check<T: Scalar>(case: &Case, layout: Layout) {
    let (n, over) = (case.z.len(), layout.over());
    let tape = Tape::<T>::new();
    let least = if T::NAME == "f32" { f64::from(f32::MIN_POSITIVE) } else { f64::MIN_POSITIVE };
    let beside = |i: usize, j: usize| match layout {
        Layout::All => f64::NEG_INFINITY,
        _ => (i as f64 - j as f64) * 0.7,
    };
    let z = tape.parameter("z", &layout.matrix(&case.z, beside));
    let unit = |i: usize| {
        let e: Vec<f64> = (0..n).map(|k| f64::from(u8::from(k == i))).collect();
        tape.constant("e", &layout.matrix::<T>(&e, |_, _| 0.0))
    };
    let units: Vec<Var<'_, T>> = (0..n).map(unit).collect();
    let mut expected = Vec::new();
    let mut expect = |what: String, order, of, place, value| {
        expected.push(Expected { what, order, of, place, value });
    };
    let reduced = |(i, j): (usize, usize)| match over {
        Over::Rows => (0, j),
        Over::Columns => (i, 0),
        Over::All => (0, 0),
    };

    let lse = z.log_sum_exp_over(over);
    let (s, logs) = (z.softmax_over(over), z.log_softmax_over(over));
    let [of_lse] = lse.sum().gradients([z]);
    expect("lse".into(), 0, lse, reduced(layout.place(0)), case.log_sum_exp);
    for i in 0..n {
        expect(format!("s[{i}]"), 0, s, layout.place(i), case.shares[i]);
        expect(format!("ln s[{i}]"), 0, logs, layout.place(i), case.logarithms[i]);
        expect(format!("∂lse[{i}]"), 1, of_lse, layout.place(i), case.shares[i]);
        let (ds, dlogs, dlse) = (slope(s, units[i], z), slope(logs, units[i], z), slope(of_lse, units[i], z));
        for j in 0..n {
            let place = layout.place(j);
            let of_log = if i == j { case.rest[i] } else { -case.shares[j] };
            expect(format!("∂s[{i}, {j}]"), 1, ds, place, case.derivative(&[i, j]));
            expect(format!("∂ ln s[{i}, {j}]"), 1, dlogs, place, of_log);
            expect(format!("∂²lse[{i}, {j}]"), 2, dlse, place, case.derivative(&[i, j]));
            let (d2s, d2logs, d2lse) =
                (slope(ds, units[j], z), slope(dlogs, units[j], z), slope(dlse, units[j], z));
            for (k, &unit) in units.iter().enumerate() {
                let third = case.derivative(&[i, j, k]);
                expect(format!("∂²s[{i}, {j}, {k}]"), 2, d2s, layout.place(k), third);
                expect(
                    format!("∂² ln s[{i}, {j}, {k}]"),
                    2,
                    d2logs,
                    layout.place(k),
                    -case.derivative(&[j, k]),
                );
                expect(format!("∂³lse[{i}, {j}, {k}]"), 3, d2lse, layout.place(k), third);
                if layout == Layout::Column && i <= j && j <= k {
                    let (d3s, d3logs) = (slope(d2s, unit, z), slope(d2logs, unit, z));
                    for l in 0..n {
                        let fourth = case.derivative(&[i, j, k, l]);
                        expect(format!("∂³s[{i}, {j}, {k}, {l}]"), 3, d3s, layout.place(l), fourth);
                        let third = case.derivative(&[j, k, l]);
                        expect(format!("∂³ ln s[{i}, {j}, {k}, {l}]"), 3, d3logs, layout.place(l), -third);
                    }
                }
            }
        }
    }
    if over == Over::Rows {
        let y = tape.parameter("y", &layout.matrix(&case.y, |i, _| f64::from(u8::from(i == 0))));
        let total: f64 = case.y.iter().sum();
        let losses = z.softmax_cross_entropy(y);
        let [dz, dy] = losses.sum().gradients([z, y]);
        expect("loss".into(), 0, losses, reduced(layout.place(0)), case.loss);
        for i in 0..n {
            expect(format!("∂ℒ/∂z[{i}]"), 1, dz, layout.place(i), case.minus[i]);
            expect(format!("∂ℒ/∂y[{i}]"), 1, dy, layout.place(i), -case.logarithms[i]);
            let (hessian, mixed) = (slope(dz, units[i], z), (dz * units[i]).sum().gradients([y])[0]);
            for (j, &unit) in units.iter().enumerate() {
                let of_label = if i == j { -case.rest[i] } else { case.shares[i] };
                expect(
                    format!("∂²ℒ[{i}, {j}]"),
                    2,
                    hessian,
                    layout.place(j),
                    total * case.derivative(&[i, j]),
                );
                expect(format!("∂²ℒ/∂z[{i}]∂y[{j}]"), 2, mixed, layout.place(j), of_label);
                let d3 = slope(hessian, unit, z);
                for k in 0..n {
                    let third = total * case.derivative(&[i, j, k]);
                    expect(format!("∂³ℒ[{i}, {j}, {k}]"), 3, d3, layout.place(k), third);
                }
            }
        }
    }

    let mut program = tape.compile(expected.iter().map(|e| e.of)).unwrap();
    program.run().unwrap();
    for Expected { what, order, of, place, value } in &expected {
        let got = program.view(*of).unwrap()[*place].to_f64();
        let near = if value.abs() < least {
            got.abs() <= 2.0 * least
        } else {
            got == *value || (got - value).abs() <= tolerance::<T>(*order, *value)
        };
        let off = (got - value).abs() / value.abs();
        assert!(
            near,
            "{} {layout:?}, z = {:?}, y = {:?}: {what} is {got:e}, {value:e} is right: {off:e} off",
            T::NAME,
            case.z,
            case.y
        );
    }
}

#[test]
fn values_and_derivatives_have_their_digits() {
    for case in cases("f64") {
        check::<f64>(&case, Layout::Column);
    }
}

#[test]
fn values_and_derivatives_have_their_digits_in_single_precision() {
    for case in cases("f32") {
        check::<f32>(&case, Layout::Column);
    }
}

#[test]
fn rows_columns_and_all_are_alike() {
    for layout in [Layout::Columns, Layout::Rows, Layout::Row, Layout::All] {
        cases("f64").iter().step_by(3).for_each(|case| check::<f64>(case, layout));
        cases("f32").iter().step_by(3).for_each(|case| check::<f32>(case, layout));
    }
}

// ---- The size of the logits -----------------------------------------------------------------------------------

#[test]
fn equal_logits_are_even_odds_at_any_size() {
    let tape = Tape::<f32>::new();
    let z = tape.parameter("z", &matrix![[1e8], [1e8]]);
    let y = tape.constant("y", &matrix![[1.0], [0.0]]);
    let j = z.softmax_cross_entropy(y);
    let [dz] = j.gradients([z]);
    assert_eq!(value(z.softmax_over(Over::Rows)), [0.5, 0.5]);
    assert_near(&value(j), &[std::f64::consts::LN_2], 1e-7);
    assert_eq!(value(dz), [-0.5, 0.5]);
    for size in [1e4_f32, 1e6, 1e30, -1e30] {
        let z = tape.parameter("z", &matrix![[size], [size]]);
        assert_eq!(value(z.softmax_over(Over::Rows)), [0.5, 0.5]);
        assert_eq!(value(z.log_sum_exp().gradients([z])[0]), [0.5, 0.5]);
    }
}

#[test]
fn a_constant_added_to_all_logits_changes_nothing() {
    let tape = Tape::<f64>::new();
    let z = [3.25, -1.5, 0.0, 7.75, -20.0];
    let at = |offset: f64| {
        let z = tape.parameter("z", &Matrix::from_fn(5, 1, |i, _| z[i] + offset));
        let y = tape.constant("y", &Matrix::from_fn(5, 1, |i, _| f64::from(u8::from(i == 1))));
        let j = z.softmax_cross_entropy(y);
        let [dz] = j.gradients([z]);
        let [ddz] = (dz * dz).sum().gradients([z]);
        [z.softmax_over(Over::Rows), z.log_softmax_over(Over::Rows), j, dz, ddz].map(value)
    };
    let bits = at(0.0);
    for offset in [1e6, -1e9, 2f64.powi(50)] {
        assert_eq!(at(offset), bits, "multiples of ¼ lose nothing: {offset}");
    }
}

// ---- Special values -------------------------------------------------------------------------------------------

const MASKED: f64 = f64::NEG_INFINITY;

#[test]
fn an_impossible_class_that_is_not_asked_for() {
    let tape = Tape::<f64>::new();
    let z = tape.parameter("z", &matrix![[MASKED], [0.0]]);
    let y = tape.constant("y", &matrix![[0.0], [1.0]]);
    let j = z.softmax_cross_entropy(y);
    let [dz] = j.gradients([z]);
    // Right and sure: 0, and not −0.
    assert!(value(j).iter().chain(&value(dz)).all(|x| x.to_bits() == 0), "{j:?} {dz:?}");
}

#[test]
fn masked_logits_take_no_part() {
    let tape = Tape::<f64>::new();
    let z = tape.parameter("z", &matrix![[1.0], [MASKED], [0.0]]);
    let y = tape.constant("y", &matrix![[1.0], [0.0], [0.0]]);
    let j = z.softmax_cross_entropy(y);
    let [dz] = j.gradients([z]);
    assert_near(&value(j), &[0.31326168751822286], 4e-16);
    assert_near(&value(dz), &[-0.2689414213699951, 0.0, 0.2689414213699951], 4e-16);
    let [second] = (dz * dz).sum().gradients([z]);
    assert_eq!(value(second)[1], 0.0);
    // A class that is asked for and impossible costs +∞; its gradient is −1, as close as any.
    let asked = tape.constant("asked", &matrix![[0.0], [1.0], [0.0]]);
    let j = z.softmax_cross_entropy(asked);
    assert_eq!(value(j), [f64::INFINITY]);
    assert_near(&value(j.gradients([z])[0]), &[0.7310585786300049, -1.0, 0.2689414213699951], 4e-16);
}

#[test]
fn what_has_no_value_is_nan() {
    let tape = Tape::<f64>::new();
    let inf = f64::INFINITY;
    for z in [[MASKED, MASKED], [inf, 0.0], [f64::NAN, 0.0], [inf, MASKED], [0.0, f64::NAN]] {
        let z = tape.parameter("z", &Matrix::from_fn(2, 1, |i, _| z[i]));
        let y = tape.constant("y", &matrix![[0.0], [1.0]]);
        let j = z.softmax_cross_entropy(y);
        let [dz] = j.gradients([z]);
        let [ddz] = dz.rows(0..1).gradients([z]);
        let [dddz] = ddz.rows(1..2).gradients([z]);
        let [ddddz] = dddz.rows(1..2).gradients([z]);
        for v in [z.softmax_over(Over::Rows), z.log_softmax_over(Over::Rows), j, dz, ddz, dddz, ddddz] {
            assert!(value(v).iter().all(|x| x.is_nan()), "{:?}: {:?}", value(z), value(v));
        }
    }
    let of = |z: Matrix<f64>| value(tape.parameter("z", &z).log_sum_exp());
    assert_eq!([of(matrix![[MASKED], [MASKED]]), of(matrix![[inf], [0.0]])], [[MASKED], [inf]]);
    assert!(of(matrix![[f64::NAN], [inf]])[0].is_nan());
}

#[test]
fn a_single_output_is_certain() {
    let tape = Tape::<f64>::new();
    let z = tape.parameter("z", &matrix![[3.0, -1e300, 0.0]]);
    let y = tape.constant("y", &matrix![[1.0, 0.0, 0.25]]);
    let j = z.softmax_cross_entropy(y);
    let [dz] = j.sum().gradients([z]);
    assert_eq!(value(z.softmax_over(Over::Rows)), [1.0; 3]);
    assert!([j, dz].iter().all(|&v| value(v).iter().all(|x| x.to_bits() == 0)));
}

#[test]
fn no_examples_and_no_outputs() {
    let tape = Tape::<f64>::new();
    let z = tape.examples("Z", &Matrix::zeros(3, 0));
    let y = tape.examples("Y", &Matrix::zeros(3, 0));
    let j = z.softmax_cross_entropy(y).sum();
    assert_eq!((value(j), value(j.gradients([z])[0])), (vec![0.0], vec![]));
    let of_nothing = tape.parameter("none", &Matrix::zeros(0, 2));
    assert_eq!(value(of_nothing.softmax_cross_entropy(of_nothing)), [0.0, 0.0]);
    assert_eq!(value(of_nothing.log_sum_exp_over(Over::Rows)), [MASKED, MASKED]);
    assert!(value(of_nothing.softmax_over(Over::All)).is_empty());
}

// ---- Labels ---------------------------------------------------------------------------------------------------

#[test]
fn labels_are_looked_at_wherever_they_are_used() {
    let bad = [-1.0, f64::NAN, f64::INFINITY, -f64::MIN_POSITIVE];
    for bad in bad {
        let tape = Tape::<f64>::new();
        let z = tape.examples("Z", &Matrix::zeros(2, 3));
        let y = tape.examples("Y", &Matrix::from_fn(2, 3, |i, j| if (i, j) == (1, 2) { bad } else { 0.5 }));
        let losses = z.softmax_cross_entropy(y);
        let [dz] = losses.sum().gradients([z]);
        for v in [losses, dz, z.softmax_minus(y), losses.mean(), dz.sum()] {
            let Err(Error::Label { row: 1, column: 2, labels, value, .. }) = v.value() else {
                panic!("{bad} is a label: {:?}", v.value())
            };
            assert!(labels == "Y" && value.to_bits() == bad.to_bits());
        }
        let message = losses.value().unwrap_err().to_string();
        let start = format!(
            "softmax_cross_entropy: label {bad} at row 1, column 2 of Y is not a finite number from 0 on, loss recorded at "
        );
        assert!(message.starts_with(&start), "{message}");
    }
}

/// Also of labels that are repeated, where no kernel of the loss is computed: in second derivatives.
#[test]
fn labels_that_are_repeated_are_looked_at() {
    let tape = Tape::<f64>::new();
    let z = tape.parameter("Z", &Matrix::zeros(2, 3));
    let y = tape.parameter("y", &matrix![[0.5], [-2.0]]);
    let [dz] = z.softmax_cross_entropy(y).sum().gradients([z]);
    let [ddz] = (dz * dz.sum()).sum().gradients([z]);
    let [of_one] = dz.vjp([z], tape.constant("G", &Matrix::from_fn(2, 3, |i, j| (i + j) as f64)));
    for v in [dz, ddz, of_one] {
        for options in [Options::default(), Options::literal()] {
            let refused = tape.compile_with([v], options).unwrap().run().unwrap_err();
            let Error::Label { row: 1, value, .. } = refused else { panic!("{refused}") };
            assert_eq!(value, -2.0);
        }
    }
}

/// A number that is no label is refused when it is recorded: no program has to look at it.
#[test]
fn numbers_that_are_no_labels() {
    let tape = Tape::<f32>::new();
    let z = tape.parameter("z", &matrix![[0.25]]);
    for (number, of_losses, of_shares) in [(7.0, true, false), (-0.5, true, true), (f32::NAN, true, true)] {
        let losses = [z.log_loss(number), z.log_loss_on_logits(number), z.sigmoid_minus(number)];
        let shares = [z.softmax_cross_entropy(number), z.softmax_minus(number)];
        for (v, refused) in losses.map(|v| (v, of_losses)).into_iter().chain(shares.map(|v| (v, of_shares))) {
            let found = v.sum().gradients([z])[0].value();
            assert_eq!(matches!(found, Err(Error::Label { .. })), refused, "{number}: {found:?}");
        }
    }
    let message = z.log_loss(7.0).value().unwrap_err().to_string();
    let start =
        "log_loss: label 7 at row 0, column 0 of 7 is not in [0, 1], loss recorded at tests/laws/softmax.rs:";
    assert!(message.starts_with(start), "{message}");
}

#[test]
fn a_bad_label_in_a_later_tile_has_its_place() {
    let m = 70_000;
    let tape = Tape::<f32>::new();
    let z = tape.examples("Z", &Matrix::zeros(2, m));
    let y = tape.examples("Y", &Matrix::from_fn(2, m, |i, j| if (i, j) == (0, 69_000) { -0.5 } else { 0.5 }));
    for threads in [1, 2] {
        let j = z.softmax_cross_entropy(y).mean();
        let mut program = tape.compile_with([j], Options::default().threads(threads)).unwrap();
        let Err(Error::Label { row: 0, column: 69_000, .. }) = program.run() else {
            panic!("a label of −½")
        };
    }
}

#[test]
fn labels_are_repeated() {
    let tape = Tape::<f64>::new();
    let z = tape.parameter("z", &matrix![[1.0, 2.0], [0.5, -1.0]]);
    let column = tape.parameter("y", &matrix![[1.0], [0.0]]);
    let whole = tape.constant("Y", &matrix![[1.0, 1.0], [0.0, 0.0]]);
    let (j, of_whole) = (z.softmax_cross_entropy(column), z.softmax_cross_entropy(whole));
    assert_eq!(value(j), value(of_whole));
    assert_eq!(value(j.sum().gradients([z])[0]), value(of_whole.sum().gradients([z])[0]));
    let logs = value(z.log_softmax_over(Over::Rows));
    assert_near(&value(j.sum().gradients([column])[0]), &[-logs[0] - logs[2], -logs[1] - logs[3]], 1e-15);
    let even = z.softmax_cross_entropy(0.5);
    assert_near(&value(even), &[-0.5 * (logs[0] + logs[1]), -0.5 * (logs[2] + logs[3])], 1e-15);
    let message =
        z.softmax_cross_entropy(tape.constant("y", &Matrix::zeros(3, 2))).value().unwrap_err().to_string();
    assert!(
        message.starts_with("softmax_cross_entropy: labels and logits differ in shape: y is 3×2, z is 2×2"),
        "{message}"
    );
}

// ---- Long sums ------------------------------------------------------------------------------------------------

#[test]
fn log_sum_exp_of_many() {
    let tape = Tape::<f32>::new();
    for (rows, columns) in [(1, 1 << 25), (1 << 25, 1), (2, 1 << 24)] {
        let z = tape.parameter("z", &Matrix::zeros(rows, columns));
        assert_near(&value(z.log_sum_exp()), &[25.0 * std::f64::consts::LN_2], 1e-7);
    }
    let across = tape.parameter("z", &Matrix::zeros(2, 1 << 22));
    let [d] = across.log_sum_exp_over(Over::Columns).sum().gradients([across]);
    assert_near(&value(across.log_sum_exp_over(Over::Columns)), &[22.0 * std::f64::consts::LN_2; 2], 1e-7);
    assert!(value(d).iter().all(|&share| share == 2f64.powi(-22)));
}

#[test]
fn log_sum_exp_of_a_row_keeps_small_terms() {
    let tape = Tape::<f64>::new();
    let z = tape.parameter("z", &matrix![[0.0, -40.0]]);
    assert_near(&value(z.log_sum_exp()), &[4.248354255291589e-18], 1e-15);
    assert_near(&value(z.t().log_sum_exp_over(Over::Rows)), &[4.248354255291589e-18], 1e-15);
}

/// Longer than what is worked on at a time: the parts belong together.
#[test]
fn long_series_are_those_of_plain_loops() {
    let n = 5000;
    let number = |i: usize| ((i * 37 + 11) as f64).sin() * 6.0;
    let greatest = (0..n).map(number).fold(f64::MIN, f64::max);
    let total: f64 = (0..n).map(|i| (number(i) - greatest).exp()).sum();
    let shares: Vec<f64> = (0..n).map(|i| (number(i) - greatest).exp() / total).collect();
    let label = |i: usize| if i.is_multiple_of(3) { 0.25 } else { 0.0 };
    let labels: f64 = (0..n).map(label).sum();
    let mean: f64 = (0..n).map(|i| shares[i] * number(i + 7)).sum();
    let log_total = greatest + total.ln();
    for over in [Over::Rows, Over::Columns, Over::All] {
        let tape = Tape::<f64>::new();
        // Three series side by side, of which the first is looked at; for all entries there is but one.
        let shape = |f: &dyn Fn(usize) -> f64| match over {
            Over::Rows => Matrix::from_fn(n, 3, |i, j| f(i + j * n)),
            Over::Columns => Matrix::from_fn(3, n, |i, j| f(j + i * n)),
            Over::All => Matrix::from_fn(2, n / 2, |i, j| f(i + 2 * j)),
        };
        let (z, g) = (tape.parameter("z", &shape(&number)), tape.constant("g", &shape(&|i| number(i + 7))));
        let s = z.softmax_over(over);
        let [ds] = (s * g).sum().gradients([z]);
        let [lse] = [z.log_sum_exp_over(over).value().unwrap()];
        assert!((lse[(0, 0)] - log_total).abs() < 1e-13 * log_total.abs());
        let (s, ds) = (s.value().unwrap(), ds.value().unwrap());
        let at = |m: &Matrix<f64>, i: usize| match over {
            Over::Rows => m[(i, 0)],
            Over::Columns => m[(0, i)],
            Over::All => m[(i % 2, i / 2)],
        };
        for (i, &share) in shares.iter().enumerate() {
            assert!((at(&s, i) - share).abs() < 1e-13 * share, "{over:?} {i}");
            // A mean of 5000 terms up to 6: its rounding, and the loop's.
            assert!(
                (at(&ds, i) - share * (number(i + 7) - mean)).abs() < 1e-13 * 6.0 * share,
                "{over:?} {i}"
            );
        }
        if over == Over::Rows {
            let y = tape.constant("y", &Matrix::from_fn(n, 3, |i, _| label(i)));
            let losses = z.softmax_cross_entropy(y);
            let [dz] = losses.sum().gradients([z]);
            let loss: f64 = (0..n).map(|i| label(i) * (log_total - number(i))).sum();
            assert!((value(losses)[0] - loss).abs() < 1e-13 * loss);
            let dz = dz.value().unwrap();
            for (i, &share) in shares.iter().enumerate() {
                let terms = share * labels + label(i);
                assert!((dz[(i, 0)] - (share * labels - label(i))).abs() < 1e-13 * terms, "{i}");
            }
        }
    }
}

/// s·Σy − y for soft labels of more than 16 classes, where an entry counts beside the column's greatest: label smoothing, and labels
/// that are all beside their shares. In f64 the plain formula has 29 binary digits more than f32, of which 2⁻¹² cancel here.
#[test]
fn soft_labels_of_many_classes() {
    for n in [17, 64, 100, 1000, 2500] {
        let logit = |i: usize| f64::from((((i * 37 + 11) as f64).sin() * 6.0) as f32);
        let greatest = (0..n).map(logit).fold(f64::MIN, f64::max);
        let total: f64 = (0..n).map(|i| (logit(i) - greatest).exp()).sum();
        let share = |i: usize| (logit(i) - greatest).exp() / total;
        let smoothed = |i: usize| if i == 3 { 0.9 + 0.1 / n as f64 } else { 0.1 / n as f64 };
        let beside = |i: usize| share(i) * (1.0 + 2f64.powi(-12) * ((i * i) as f64).cos());
        for (label, tolerance) in [(&smoothed as &dyn Fn(usize) -> f64, 1e-5), (&beside, 1e-6)] {
            let labels: Vec<f64> = (0..n).map(|i| f64::from(label(i) as f32)).collect();
            let sum: f64 = labels.iter().sum();
            let right: Vec<f64> = (0..n).map(|i| share(i) * sum - labels[i]).collect();
            let tape = Tape::<f32>::new();
            let column = |f: &dyn Fn(usize) -> f64| Matrix::from_fn(n, 2, |i, _| f(i) as f32);
            let z = tape.parameter("z", &column(&logit));
            let y = tape.constant("y", &column(&|i| labels[i]));
            let [dz] = z.softmax_cross_entropy(y).sum().gradients([z]);
            let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|x| x * x).sum::<f64>().sqrt();
            for found in value(dz).chunks(n) {
                let off = norm(&mut found.iter().zip(&right).map(|(a, b)| a - b));
                let size = norm(&mut right.iter().copied());
                assert!(off <= tolerance * size, "{n} classes: {:e} off", off / size);
            }
        }
    }
}

/// The same in f64, with shares that are powers of two: equal logits, and labels whose differences to them are numbers.
#[test]
fn soft_labels_beside_even_shares_of_many_classes() {
    for n in [32, 1024, 4096] {
        let even = 1.0 / n as f64;
        // Differences in pairs, so that the labels add up to 1.
        let difference = |i: usize| (if i.is_multiple_of(2) { 1.0 } else { -1.0 }) * even * 2f64.powi(-40);
        let tape = Tape::<f64>::new();
        let z = tape.parameter("z", &Matrix::filled(n, 1, 3.7));
        let y = tape.constant("y", &Matrix::from_fn(n, 1, |i, _| even + difference(i)));
        let [dz] = z.softmax_cross_entropy(y).sum().gradients([z]);
        assert_near(&value(dz), &(0..n).map(|i| -difference(i)).collect::<Vec<_>>(), 1e-13);
    }
}

/// 10⁷ times 0.1: added in pairs the sums are a few ulp off, where one after the other they are 4e-4 off and more.
#[test]
fn sums_of_many() {
    let n = 10_000_000;
    let exact = f64::from(0.1_f32) * n as f64;
    let tape = Tape::<f32>::new();
    let row = tape.parameter("row", &Matrix::filled(1, n, 0.1));
    let column = tape.parameter("column", &Matrix::filled(n, 1, 0.1));
    let rows = tape.parameter("rows", &Matrix::filled(2, n / 2, 0.1));
    for sum in [row.sum(), column.sum(), rows.sum(), row.sum_over(Over::Columns), column.sum_over(Over::Rows)]
    {
        assert_near(&value(sum), &[exact], 4e-7);
    }
    // In each of the 64 groups of a unit all roundings go the same way, as all terms are equal.
    assert_near(&value(rows.sum_over(Over::Columns)), &[exact / 2.0; 2], 1e-6);
    assert_near(&value(row.mean()), &[f64::from(0.1_f32)], 5e-7);
    // Over the examples unit by unit, in 16 spans.
    let examples = tape.examples("X", &Matrix::filled(1, n, 0.1));
    assert_near(&value(examples.sum()), &[exact], 5e-5);
}

/// Products over 10⁷ terms, in blocks: 6e-3 off and more where each is added to all before it.
#[test]
fn products_of_many() {
    let n = 10_000_000;
    let exact = f64::from(0.1_f32) * n as f64;
    let tape = Tape::<f32>::new();
    let tenths = tape.parameter("tenths", &Matrix::filled(1, n, 0.1));
    let (row, column) =
        (tape.parameter("r", &Matrix::filled(1, n, 1.0)), tape.parameter("c", &Matrix::filled(n, 1, 1.0)));
    let two = tape.parameter("two", &Matrix::filled(2, n, 1.0));
    for product in
        [tenths.matmul(column), tenths.matmul(row.t()), tenths.matmul(two.t()), two.matmul(tenths.t())]
    {
        let value = value(product);
        assert_near(&value, &vec![exact; value.len()], 3e-4);
    }
}

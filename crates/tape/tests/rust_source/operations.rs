//! Operations one by one, with gradients of theirs.

use tape::{Function, MultiplyAdd, Over, Scalar, Shape, Tape, Var, num};

use crate::compiled::{Functions, drawn};

type Make<T> = for<'t> fn(&'t Tape<T>) -> Vec<Var<'t, T>>;

/// X and U, 6 × m, W, 4 × 6, b, 6 × 1, and P, 6 × m and positive.
fn leaves<T: Scalar>(tape: &Tape<T>) -> [Var<'_, T>; 5] {
    [
        tape.examples_unbound("X", 6),
        tape.examples_unbound("U", 6),
        tape.parameter_unbound("W", Shape::new(4, 6)),
        tape.parameter_unbound("b", Shape::new(6, 1)),
        tape.examples_unbound("P", 6),
    ]
}

fn arithmetic<T: Scalar>(tape: &Tape<T>) -> Vec<Var<'_, T>> {
    let [x, u, _, b, p] = leaves(tape);
    let row = u.sum_over(Over::Rows);
    vec![
        x + u,
        x - b,
        x * row,
        x / p,
        -x,
        x.maximum(u),
        x.minimum(b),
        x.greater(u),
        x.equal(x),
        num(0.3) * x,
        x / num(3.0),
        x.greater(num(0.0)).select(u, b),
        x.stop_gradient() * x,
    ]
}

/// Numbers, negative ones and powers of m among them, in all places where elements are.
fn numbers<T: Scalar>(tape: &Tape<T>) -> Vec<Var<'_, T>> {
    let [x, ..] = leaves(tape);
    let [low, zero] = [-1.5, -0.0].map(|number| tape.scalar(T::from_f64(number)));
    let part = tape.one_over_m();
    vec![
        low.abs() * x,
        zero.abs() + x,
        -low + x,
        low.maximum(x),
        x.minimum(low),
        low.greater(x).select(low, zero),
        low.sin() - x,
        low.square() / x,
        part * x,
        part.abs() - x,
        part.t(),
        x.sum() * part,
        low.stop_gradient() + x,
    ]
}

/// What has no elements, and so uses none.
fn nothing<T: Scalar>(tape: &Tape<T>) -> Vec<Var<'_, T>> {
    let none = leaves(tape)[0].rows(2..2);
    let over = |over| [none.sum_over(over), none.max_norm_over(over)];
    let all = [Over::Rows, Over::Columns, Over::All].into_iter().flat_map(over);
    let extremes = [none.max_over(Over::Columns), none.min_over(Over::Columns)];
    [none.tanh().sum(), none.exp().sum_over(Over::Columns), none.matmul(none.t())]
        .into_iter()
        .chain(all)
        .chain(extremes)
        .collect()
}

fn functions<T: Scalar>(tape: &Tape<T>) -> Vec<Var<'_, T>> {
    let [x, _, _, _, p] = leaves(tape);
    let (wide, tenth) = (x * num(30.0), T::from_f64(0.1));
    vec![
        x.exp(),
        p.ln(),
        p.sqrt(),
        x.square(),
        x.powi(3),
        x.powi(4),
        p.powi(-2),
        wide.sin(),
        wide.cos(),
        x.abs(),
        x.sign(),
        x.clamp(-T::ONE, T::ONE),
        x.relu(),
        x.leaky_relu(tenth),
        wide.elu(tenth),
        wide.sigmoid(),
        wide.log_sigmoid(),
        wide.tanh(),
        wide.softplus(),
        wide.silu(),
        x.silu(),
    ]
}

fn reductions<T: Scalar>(tape: &Tape<T>) -> Vec<Var<'_, T>> {
    let [x, ..] = leaves(tape);
    let over = |over| [x.sum_over(over), x.max_over(over), x.min_over(over), x.max_norm_over(over)];
    let all = [Over::Rows, Over::Columns, Over::All].into_iter().flat_map(over);
    all.chain([x.square().sum(), x.tanh().mean_over(Over::Columns), x.log_sum_exp_over(Over::Rows), x.erf()])
        .collect()
}

fn products<T: Scalar>(tape: &Tape<T>) -> Vec<Var<'_, T>> {
    let [x, u, w, b, _] = leaves(tape);
    vec![
        w.matmul(x),
        x.matmul(u.t()),
        x.t().matmul(u),
        w.matmul(x).t().matmul(w),
        w.t(),
        b.t().matmul(x),
        x.t().matmul(b),
        b.matmul(b.t()),
        w.matmul(x) * w.matmul(u),
    ]
}

fn softmax<T: Scalar>(tape: &Tape<T>) -> Vec<Var<'_, T>> {
    let [x, ..] = leaves(tape);
    let (z, y) = (x * num(9.0), tape.examples_unbound("one-hot", 6));
    let entropy = z.softmax_cross_entropy(y);
    let [gradient] = entropy.mean().gradients([x]);
    let shares = z.softmax_over(Over::Rows);
    let [curved] = (shares * x).sum().gradients([z]);
    let [second] = gradient.square().sum().gradients([x]);
    vec![shares, curved, second, z.log_softmax_over(Over::Rows), z.softmax_over(Over::All), entropy, gradient]
}

fn parts<T: Scalar>(tape: &Tape<T>) -> Vec<Var<'_, T>> {
    let [x, u, w, b, _] = leaves(tape);
    vec![
        tape.stack_rows(&[x, u, x]),
        tape.stack_columns(&[w.t(), b]),
        x.rows(1..4),
        w.columns(2..5),
        x.columns(0..1),
        x.cumulative_sum(),
        x.rows_at(&[5, 0, 0, 3]),
        tape.identity(3) * num(2.0),
        x.unfold(3),
        x.unfold(3).exp().fold(3),
        x.sin().unfold(3),
        x.sin(),
        x.sin().unfold(2),
        x.cos().unfold(2),
        x.cos().unfold(3),
        w,
        u,
        tape.scalar(T::from_f64(3.5)),
        x.exp(),
    ]
}

/// What leaves a part of its result 0, as an output, whose numbers are the caller's before.
fn padded<T: Scalar>(tape: &Tape<T>) -> Vec<Var<'_, T>> {
    let [x, _, w, ..] = leaves(tape);
    let of_rows = x.rows(1..4).exp().sum().gradients([x]);
    let of_columns = w.columns(2..5).exp().sum().gradients([w]);
    let of_examples = x.columns(0..1).exp().sum().gradients([x]);
    [of_rows, of_columns, of_examples].into_iter().flatten().collect()
}

fn blocks<T: Scalar>(tape: &Tape<T>) -> Vec<Var<'_, T>> {
    let [x, u, ..] = leaves(tape);
    let (tokens, others) = (x.unfold(3), u.unfold(3)); // 2 × 3 of each example
    let products = tokens.block_t().block_matmul(others); // 3 × 3
    let row = x.unfold(6).block_matmul(u.unfold(6).block_t());
    vec![tokens.block_t(), products, tokens.block_matmul(products), row, tokens.sum_of_blocks()]
}

fn indices<T: Scalar>(tape: &Tape<T>) -> Vec<Var<'_, T>> {
    let [x, ..] = leaves(tape);
    let (table, at) = (tape.parameter_unbound("E", Shape::new(4, 3)), tape.indices_unbound("at", 1));
    let gathered = table.gather(at);
    let entropy = x.rows(0..3).softmax_cross_entropy_of(at);
    let j = gathered.square().sum() + x.rows_at(&[5, 0, 0, 3]).square().sum() + entropy.sum();
    let gradients = j.gradients([table, x]);
    [gathered, entropy].into_iter().chain(gradients).collect()
}

/// What the program takes from the standard library.
fn of_std<T: Scalar>(tape: &Tape<T>) -> Vec<Var<'_, T>> {
    let [x, u, _, _, p] = leaves(tape);
    let y = tape.examples_unbound("Y", 6);
    let [low, half] = [-2.0, -0.5].map(|number| tape.scalar(T::from_f64(number)));
    vec![
        low.atan2(x),
        half.ln_1p() * x,
        half.exp_m1() * x,
        low.pow(u.sign()) * x,
        low.powi(7) * x,
        low.abs().powf(T::from_f64(1.7)) * x,
        p.ln_1p(),
        x.exp_m1(),
        p.powf(T::from_f64(1.7)),
        x.powi(7),
        x.atan2(u),
        p.pow(u),
        x.map(&Function::GeluTanh),
        x.map(&Function::ErfDerivative),
        x.map(&Function::NormalPdf),
        (x * num(0.2) + num(0.5)).log_loss(y),
    ]
}

fn check(multiply_add: MultiplyAdd, name: &str) {
    fn add<T: Scalar>(functions_of: &mut Functions) {
        // Whether gradients are written too, and for how many examples.
        let makes: [(Make<T>, bool, &[usize]); 11] = [
            (arithmetic, true, &[7]),
            (numbers, true, &[1, 7]),
            (nothing, true, &[7]),
            (functions, true, &[7]),
            (reductions, false, &[7]),
            (products, true, &[1, 7]),
            (softmax, false, &[7]),
            (parts, false, &[7]),
            (padded, false, &[1, 7]),
            (blocks, true, &[7]),
            (indices, false, &[7]),
        ];
        for (make, with_gradients, ms) in makes {
            let tape = Tape::<T>::new();
            let values = make(&tape);
            let x = tape.named("X").unwrap();
            let mut gradients = Vec::new();
            for v in values.iter().filter(|_| with_gradients) {
                gradients.extend(v.sum().gradients_or_zeros([x]));
            }
            let all: Vec<Var<'_, T>> = values.into_iter().chain(gradients).collect();
            ms.iter().for_each(|&m| functions_of.add(&all, m, false, drawn));
        }
    }
    let mut functions = Functions::new(multiply_add);
    add::<f64>(&mut functions);
    add::<f32>(&mut functions);
    functions.check(name);
}

#[test]
fn operations_without_std() {
    check(MultiplyAdd::Software, "operations");
}

#[test]
fn functions_of_the_standard_library() {
    fn add<T: Scalar>(functions: &mut Functions) {
        let tape = Tape::<T>::new();
        let values = of_std(&tape);
        let gelu = values[12].sum().gradients([tape.named("X").unwrap()]);
        let all: Vec<Var<'_, T>> = values.into_iter().chain(gelu).collect();
        functions.add(&all, 7, false, drawn);
    }
    let mut functions = Functions::new(MultiplyAdd::Std);
    add::<f64>(&mut functions);
    add::<f32>(&mut functions);
    functions.check("standard_library");
}

/// Names that are no identifiers, or that others have.
#[test]
fn names_that_are_no_identifiers() {
    let names = [
        "x₁",
        "x²",
        "½",
        "①",
        "",
        "%1",
        "a\nb",
        "a\u{202e}b",
        "*/",
        "\"",
        "fn",
        "Self",
        "LN_2",
        "i",
        "W",
        "w",
    ];
    let mut functions = Functions::new(MultiplyAdd::Software);
    let tape = Tape::<f64>::new();
    let mut outputs = Vec::new();
    for (i, name) in names.iter().enumerate() {
        let x = match i % 2 {
            0 => tape.parameter_unbound(name, Shape::new(2, 1)),
            _ => tape.examples_unbound(name, 2),
        };
        outputs.extend([x * x + num(1.0), (x.square() - num(1.0)).sum().named(name), x]);
    }
    let nothing = tape.examples_unbound("none", 0);
    outputs.push(nothing.exp() + nothing);
    functions.add(&outputs, 3, false, drawn);
    functions.add(&outputs, 3, true, drawn);
    functions.check("names");
}

/// Where the program computes a difference of shares and labels with more digits, source may be off by an ulp or two of the
/// labels.
#[test]
fn labels_that_are_soft() {
    fn add<T: Scalar>(functions: &mut Functions) {
        let tape = Tape::<T>::new();
        let (z, y) = (tape.examples_unbound("Z", 5), tape.examples_unbound("soft", 5));
        let [loss, entropy] = [z.sigmoid().log_loss(y), z.softmax_cross_entropy(y)];
        let gradients = [loss, entropy].map(|of| of.sum().gradients([z])[0]);
        functions.add(&[loss, entropy], 40, false, drawn);
        functions.within = 4.0;
        functions.add(&gradients, 40, false, drawn);
        functions.within = 0.0;
    }
    let mut functions = Functions::new(MultiplyAdd::Software);
    add::<f64>(&mut functions);
    add::<f32>(&mut functions);
    functions.check("soft");
}

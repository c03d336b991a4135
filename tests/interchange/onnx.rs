//! Writes programs as ONNX files, each beside a JSON file with inputs and with what the program computes of them, for
//! tests/interchange/onnx_check.py:
//!
//!     INTERCHANGE=FOLDER cargo test --test interchange_onnx -- --ignored
//!     python tests/interchange/onnx_check.py FOLDER

// Of each model, the recorder alone is used; each brings what the models share.
#![allow(dead_code, clippy::duplicate_mod)]

use std::path::{Path, PathBuf};

use mlp::{Activation, Loss, Mlp, Pipeline, Preparation, Scalar, Standardizer, Unseen};
use serde_json::{Value, json};
use tape::check::Random;
use tape::{Dim, LeafKind, Matrix, OnnxOptions, Over, Program, Shape, Tape, Var, num};

#[path = "../../examples/models/convolution_digits.rs"]
mod convolution_digits;
#[path = "../../examples/models/factorisation.rs"]
mod factorisation;
#[path = "../../examples/models/gru_adding.rs"]
mod gru_adding;
#[path = "../../examples/models/mixture_density.rs"]
mod mixture_density;
#[path = "../../examples/models/oscillator.rs"]
mod oscillator;
#[path = "../../examples/models/robust_regression.rs"]
mod robust_regression;
#[path = "../../examples/models/softmax_digits.rs"]
mod softmax_digits;
#[path = "../../examples/models/transformer_block.rs"]
mod transformer_block;
#[path = "../../examples/models/variational_autoencoder.rs"]
mod variational_autoencoder;

const NUMBERS_OF_EXAMPLES: [usize; 4] = [1, 2, 5, 64];

/// A file that another library is to run.
struct Case<'t, T: Scalar> {
    name: String,
    outputs: Vec<Var<'t, T>>,
    options: OnnxOptions,
    /// Which runtimes have the operators; "onnxruntime" lacks some for f64.
    runtimes: &'static [&'static str],
}

const BOTH: &[&str] = &["onnxruntime", "reference"];

impl<'t, T: Scalar> Case<'t, T> {
    fn new(name: impl Into<String>, outputs: impl IntoIterator<Item = Var<'t, T>>) -> Self {
        let (name, outputs) = (format!("{}_{}", name.into(), T::NAME), outputs.into_iter().collect());
        Case { name, outputs, options: OnnxOptions::default(), runtimes: BOTH }
    }

    /// Writes the program, and its runs with the leaves that are drawn.
    fn write(self, folder: &Path, ms: &[usize], draw: impl Fn(&str, Shape, usize) -> Matrix<T>) {
        let tape = self.outputs[0].tape();
        let mut program = tape.compile(self.outputs.iter().copied()).unwrap();
        let bind = |program: &mut Program<T>, kind: LeafKind, m: usize| {
            let mut inputs = serde_json::Map::new();
            for leaf in tape.variables() {
                let entry = leaf.entry().unwrap();
                if entry.leaf_kind() != Some(kind) {
                    continue;
                }
                let name = leaf.name().unwrap();
                let value = draw(&name, leaf.shape().unwrap(), m);
                if program.bind_if_needed(leaf, &value).unwrap() {
                    inputs.insert(name, rows(value.view()));
                }
            }
            inputs
        };
        let parameters = bind(&mut program, LeafKind::Parameter, 0);
        let onnx = program.to_onnx(&self.options).unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let mut runs = Vec::new();
        for &m in ms {
            let mut inputs = bind(&mut program, LeafKind::Examples, m);
            if self.options == OnnxOptions::default().parameters_as_inputs(true) {
                inputs.extend(parameters.clone());
            }
            program.run().unwrap_or_else(|error| panic!("{}: {error}", self.name));
            let value = |&v: &Var<'_, T>| rows(program.view(v).unwrap());
            let outputs: Vec<Value> = self.outputs.iter().map(value).collect();
            runs.push(json!({ "m": m, "inputs": inputs, "outputs": outputs }));
        }
        let turned = self.options == OnnxOptions::default().examples_as_rows(true);
        let is_turned = |v: &Var<'_, T>| turned && v.shape().unwrap().columns.depends_on_m();
        let turned: Vec<bool> = self.outputs.iter().map(is_turned).collect();
        let about = json!({
            "numbers": T::NAME, "runtimes": self.runtimes, "outputs_turned": turned, "inputs_turned": turned.contains(&true), "runs": runs,
        });
        std::fs::write(folder.join(format!("{}.onnx", self.name)), onnx).unwrap();
        std::fs::write(folder.join(format!("{}.json", self.name)), about.to_string()).unwrap();
    }
}

fn rows<T: Scalar>(matrix: tape::MatrixRef<'_, T>) -> Value {
    let number = |x: f64| if x.is_finite() { json!(x) } else { json!(x.to_string()) };
    let row = |i: usize| (0..matrix.columns()).map(|j| number(matrix.column(j)[i].to_f64())).collect();
    Value::Array((0..matrix.rows()).map(row).collect())
}

/// Numbers between limits, the same for the same name and m.
fn between<T: Scalar>(low: f64, high: f64) -> impl Fn(&str, Shape, usize) -> Matrix<T> {
    move |name, shape, m| {
        let seed = name.bytes().fold(m as u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
        let (rows, columns) = shape.at(m);
        Random::new(seed).matrix(rows, columns, low, high)
    }
}

/// The prediction and the step of a network.
fn network<T: Scalar>(folder: &Path, name: &str, mlp: &Mlp<T>, ms: &[usize]) {
    let outputs = *mlp.sizes().last().unwrap();
    let labels = |shape: Shape, m: usize| {
        let (_, columns) = shape.at(m);
        let label = |i: usize, j: usize| match outputs {
            1 => j.is_multiple_of(3) as u8,
            _ => (j % outputs == i) as u8,
        };
        Matrix::from_fn(outputs, columns, |i, j| T::from_f64(label(i, j).into()))
    };
    let draw = |name: &str, shape: Shape, m: usize| match name {
        "Y" => labels(shape, m),
        "X" => between(-2.0, 2.0)(name, shape, m),
        parameter => mlp.parameters()[parameter].clone(),
    };
    let tape = Tape::new();
    let (x, y) = (Matrix::zeros(mlp.sizes()[0], 1), labels(Shape::new(1, 1), 1));
    let recorded = mlp.record(&tape, &x, &y).unwrap();
    let prediction = *recorded.a.last().unwrap();
    Case::new(format!("{name}_prediction"), [prediction]).write(folder, ms, draw);
    let mut turned = Case::new(format!("{name}_rows"), [prediction]);
    turned.options = OnnxOptions::default().examples_as_rows(true);
    turned.write(folder, ms, draw);
    let step = || [recorded.j].into_iter().chain(recorded.gradients());
    Case::new(format!("{name}_step"), step()).write(folder, ms, draw);
    let mut with_inputs = Case::new(format!("{name}_step_of_inputs"), step());
    with_inputs.options = OnnxOptions::default().parameters_as_inputs(true);
    with_inputs.write(folder, ms, draw);
}

fn networks<T: Scalar>(folder: &Path) {
    let xor = Mlp::<T>::new(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).seed(3).build();
    network(folder, "2-4-1", &xor.unwrap(), &NUMBERS_OF_EXAMPLES);
    let cancer = Mlp::<T>::new(30).layer(16, Activation::Relu).layer(1, Activation::Sigmoid).build();
    network(folder, "30-16-1", &cancer.unwrap(), &NUMBERS_OF_EXAMPLES);
    let classes = Mlp::<T>::new(5).layer(7, Activation::Tanh).layer(3, Activation::Identity);
    let classes = classes.loss(Loss::SoftmaxCrossEntropy).build().unwrap();
    network(folder, "classes", &classes, &NUMBERS_OF_EXAMPLES);
    for g in Activation::<T>::all() {
        let mlp = Mlp::<T>::new(3).layer(4, g.clone()).layer(2, Activation::Identity).build().unwrap();
        let tape = Tape::new();
        let recorded = mlp.record(&tape, &Matrix::zeros(3, 1), &Matrix::zeros(2, 1)).unwrap();
        let outputs = [*recorded.a.last().unwrap(), recorded.j].into_iter().chain(recorded.gradients());
        Case::new(format!("of_{}", g.name()), outputs).write(
            folder,
            &NUMBERS_OF_EXAMPLES,
            |name, shape, m| match mlp.parameters().get(name) {
                Some(value) => value.clone(),
                None => between(-2.0, 2.0)(name, shape, m),
            },
        );
    }
}

/// What [`Mlp::export`] writes: a standardiser in front, softmax behind, and rows of examples.
fn exported<T: Scalar>(folder: &Path) {
    let mlp = Mlp::<T>::new(3).layer(5, Activation::Silu).layer(4, Activation::Identity);
    let mlp = mlp.loss(Loss::SoftmaxCrossEntropy).seed(2).build().unwrap();
    let draw = between::<T>(-3.0, 8.0);
    let standardizer = Standardizer::fit(&draw("X", Shape::new(3, Dim::M), 40)).unwrap();
    let export = mlp.export().standardizer(&standardizer).probabilities(true);
    let onnx = export.to_onnx(&OnnxOptions::default()).unwrap();
    let run = |m: usize| {
        let x = draw("X", Shape::new(3, Dim::M), m);
        let logits = mlp.predict(&standardizer.transform(&x).unwrap()).unwrap();
        let mut shares = logits.map(|z| z.exp());
        for i in 0..m {
            let column = shares.column_mut(i);
            let sum: T = column.iter().copied().sum();
            column.iter_mut().for_each(|e| *e /= sum);
        }
        json!({ "m": m, "inputs": { "X": rows(x.view()) }, "outputs": [rows(shares.view())] })
    };
    let runs: Vec<Value> = NUMBERS_OF_EXAMPLES.into_iter().map(run).collect();
    let about = json!({
        "numbers": T::NAME, "runtimes": BOTH, "outputs_turned": [false], "inputs_turned": false, "runs": runs,
    });
    let name = format!("exported_{}", T::NAME);
    std::fs::write(folder.join(format!("{name}.onnx")), onnx).unwrap();
    std::fs::write(folder.join(format!("{name}.json")), about.to_string()).unwrap();
}

/// A pipeline in front: values that are missing, categories, a range, a mean and a deviation.
fn exported_pipeline<T: Scalar>(folder: &Path) {
    let draw = |m: usize| {
        Matrix::from_fn(3, m, |i, j| match i {
            1 => T::from_f64([-1.0, 4.0, 0.5][j % 3]),
            _ if j > 0 && (i + j) % 4 == 1 => T::from_f64(f64::NAN),
            _ => T::from_f64(((7 * j + 3 * i) % 11) as f64 - 2.5),
        })
    };
    let one_hot = Preparation::OneHot { features: vec![1], unseen: Unseen::Zeros };
    let range = Preparation::MinMax { low: -1.0, high: 1.0 };
    let steps = [Preparation::Impute, one_hot, range, Preparation::Standardize];
    let pipeline = Pipeline::fit(&steps, &draw(40)).unwrap();
    let mlp =
        Mlp::<T>::new(5).layer(4, Activation::Tanh).layer(2, Activation::Sigmoid).seed(6).build().unwrap();
    let onnx = mlp.export().pipeline(&pipeline).to_onnx(&OnnxOptions::default()).unwrap();
    let run = |x: Matrix<T>, refused: std::ops::Range<usize>| {
        let predicted = |j: usize| {
            let prepared = pipeline.transform(&x.select_columns(&[j]));
            assert_eq!(prepared.is_err(), refused.contains(&j));
            prepared.map_or(Matrix::filled(2, 1, T::from_f64(f64::NAN)), |a| mlp.predict(&a).unwrap())
        };
        let columns: Vec<Matrix<T>> = (0..x.columns()).map(predicted).collect();
        let outputs = Matrix::from_fn(2, x.columns(), |i, j| columns[j][(i, 0)]);
        json!({ "m": x.columns(), "inputs": { "X": rows(x.view()) }, "outputs": [rows(outputs.view())] })
    };
    // An infinite value in each of columns 1 to 3.
    let infinite = |sign: f64| {
        let mut x = draw(5);
        (0..3).for_each(|feature| x[(feature, 1 + feature)] = T::from_f64(sign * f64::INFINITY));
        run(x, 1..4)
    };
    let runs = NUMBERS_OF_EXAMPLES.into_iter().map(|m| run(draw(m), 0..0));
    let runs: Vec<Value> = runs.chain([infinite(1.0), infinite(-1.0)]).collect();
    let about = json!({
        "numbers": T::NAME, "runtimes": BOTH, "outputs_turned": [false], "inputs_turned": false, "runs": runs,
    });
    let name = format!("exported_pipeline_{}", T::NAME);
    std::fs::write(folder.join(format!("{name}.onnx")), onnx).unwrap();
    std::fs::write(folder.join(format!("{name}.json")), about.to_string()).unwrap();
}

/// Logits of ±1000 and numbers around them: the losses of both kinds, from probabilities as the textbook writes them.
fn saturated<T: Scalar>(folder: &Path) {
    let logits = [-1000.0, -745.0, -40.0, -1.0, 0.0, 1e-9, 0.5, 40.0, 90.0, 1000.0];
    let draw = |name: &str, _: Shape, m: usize| match name {
        "Z" => Matrix::from_fn(2, m, |i, j| T::from_f64(logits[(j + 3 * i) % 10])),
        _ => Matrix::from_fn(2, m, |i, j| T::from_f64((((j / 10) + i) % 2) as f64)),
    };
    let tape = Tape::<T>::new();
    let (z, y) = (tape.examples_unbound("Z", 2), tape.examples_unbound("Y", 2));
    let loss = z.sigmoid().log_loss(y);
    let spelled = -(y * z.sigmoid().ln() + (num(1.0) - y) * (num(1.0) - z.sigmoid()).ln());
    let softmax = z.softmax_cross_entropy(y);
    let outputs = [loss, spelled, softmax, z.log_softmax_over(Over::Rows)];
    let gradients = outputs.map(|of| of.sum().gradients([z])[0]);
    // σ itself is the operator of that name, which ONNX Runtime has 0 for below −37.
    let others = [
        z.softplus(),
        z.sigmoid().ln(),
        z.tanh(),
        z.softmax_over(Over::Rows),
        z.log_sum_exp_over(Over::Rows),
    ];
    let all = outputs.into_iter().chain(gradients).chain(others);
    let mut case = Case::new("saturated", all);
    case.name.push_str("_digits"); // element by element
    case.write(folder, &[20], draw);
}

/// Every other operation, on matrices of numbers from 0.25 to 2.
fn operations<T: Scalar>(folder: &Path) {
    let draw = |name: &str, shape: Shape, m: usize| match name {
        "at" => Matrix::from_fn(1, m, |_, j| T::from_f64((j % 3) as f64)),
        _ => between(0.25, 2.0)(name, shape, m),
    };
    let write = |name: &str, make: &dyn for<'t> Fn(&'t Tape<T>) -> Vec<Var<'t, T>>| {
        let tape = Tape::<T>::new();
        let values = make(&tape);
        let sums = values.iter().map(|v| v.square().sum());
        let j = sums.reduce(|a, b| a + b).unwrap();
        let leaves: Vec<Var<'_, T>> = tape
            .variables()
            .filter(|v| {
                v.entry().is_ok_and(|entry| entry.leaf_kind().is_some()) && v.name().as_deref() != Some("at")
            })
            .collect();
        let outputs = values.iter().copied().chain(j.gradients_or_zeros(&leaves));
        Case::new(format!("operation_{name}"), outputs).write(folder, &NUMBERS_OF_EXAMPLES, draw);
    };
    fn leaves<T: Scalar>(tape: &Tape<T>) -> [Var<'_, T>; 4] {
        let x = tape.examples_unbound("X", 6);
        let matrix = |rows, columns| Shape::new(rows, columns);
        [
            x,
            tape.examples_unbound("U", 6),
            tape.parameter_unbound("W", matrix(4, 6)),
            tape.parameter_unbound("b", matrix(6, 1)),
        ]
    }
    write("arithmetic", &|tape| {
        let [x, u, _, b] = leaves(tape);
        let row = u.sum_over(Over::Rows);
        vec![x + u, x - b, x * row, x / u, -x, x.pow(u), x.maximum(u), x.minimum(b), x.greater(u), x.equal(x)]
    });
    write("functions", &|tape| {
        let [x, ..] = leaves(tape);
        vec![
            x.exp(),
            x.ln(),
            x.ln_1p(),
            x.exp_m1(),
            x.sqrt(),
            x.square(),
            x.powf(T::from_f64(1.5)),
            x.powi(3),
            x.powi(-2),
            x.sin(),
            x.cos(),
            x.abs(),
            x.sign(),
            x.clamp(T::from_f64(0.5), T::ONE),
            (x - T::ONE).relu(),
            x.log_sigmoid(),
        ]
    });
    write("reductions", &|tape| {
        let [x, ..] = leaves(tape);
        [Over::Rows, Over::Columns, Over::All]
            .into_iter()
            .flat_map(|over| {
                [
                    x.sum_over(over),
                    x.max_over(over),
                    x.min_over(over),
                    x.max_norm_over(over),
                    x.log_sum_exp_over(over),
                    x.mean_over(over),
                ]
            })
            .collect()
    });
    write("products", &|tape| {
        let [x, u, w, _] = leaves(tape);
        vec![w.matmul(x), x.matmul(u.t()), x.t().matmul(u), w.matmul(x).t().matmul(w), w.t()]
    });
    write("softmax", &|tape| {
        let [x, u, ..] = leaves(tape);
        let over = |over| [x.softmax_over(over), x.log_softmax_over(over)];
        let all = [Over::Rows, Over::Columns, Over::All].into_iter().flat_map(over);
        let entropy = x.softmax_cross_entropy(u);
        let [gradient] = entropy.sum().gradients([x]);
        all.chain([entropy, gradient]).collect()
    });
    write("parts", &|tape| {
        let [x, u, w, b] = leaves(tape);
        vec![
            tape.stack_rows(&[x, u, x]),
            tape.stack_columns(&[w.t(), b]),
            x.rows(1..4),
            w.columns(2..5),
            x.columns(0..1),
            x.cumulative_sum(),
            x.argmax_over(Over::Rows).stop_gradient(),
            x.argmax_over(Over::Columns).stop_gradient(),
            x.greater(u).select(x, b),
            tape.identity(3) * T::from_f64(2.0),
            tape.identity(Dim::M),
            b.stop_gradient() * b,
        ]
    });
    write("blocks", &|tape| {
        let [x, u, w, _] = leaves(tape);
        let (tokens, others) = (x.unfold(3), u.unfold(3)); // 2 × 3 of each example
        let products = tokens.block_t().block_matmul(others); // 3 × 3
        vec![
            tokens,
            tokens.fold(3),
            tokens.block_t(),
            products,
            tokens.block_matmul(products),
            w.unfold(2),
            tokens.sum_of_blocks(),
        ]
    });
    write("indices", &|tape| {
        let [x, ..] = leaves(tape);
        let (table, at) = (tape.parameter_unbound("E", Shape::new(4, 3)), tape.indices_unbound("at", 1));
        vec![x.rows_at(&[5, 0, 0, 3]), table.gather(at), x.rows(0..3).softmax_cross_entropy_of(at)]
    });
}

fn models(folder: &Path) {
    fn model<T: Scalar>(
        folder: &Path,
        name: &str,
        golden: &str,
        record: &dyn for<'t> Fn(&'t Tape<T>) -> Var<'t, T>,
    ) {
        let golden: Value = serde_json::from_str(golden).expect("JSON");
        let tape = Tape::<T>::new();
        let j = record(&tape);
        let parameters: Vec<Var<'_, T>> =
            golden["gradients"].as_object().unwrap().keys().map(|name| tape.named(name).unwrap()).collect();
        let outputs = [j].into_iter().chain(j.gradients(&parameters));
        Case::new(format!("model_{name}"), outputs).write(folder, &[0], |name, _, _| {
            let rows: Vec<Vec<f64>> =
                serde_json::from_value(golden["leaves"][name].clone()).expect("rows of numbers");
            Matrix::from_fn(rows.len(), rows[0].len(), |i, j| T::from_f64(rows[i][j]))
        });
    }
    macro_rules! models {
        ($($model:ident: $record:expr;)*) => {$(
            let golden = include_str!(concat!("../data/models/", stringify!($model), ".json"));
            model::<f64>(folder, stringify!($model), golden, &$record);
            model::<f32>(folder, stringify!($model), golden, &$record);
        )*};
    }
    models! {
        softmax_digits: |tape| softmax_digits::record(tape, 6, 5)[0];
        robust_regression: |tape| robust_regression::record(tape, 4)[0];
        gru_adding: |tape| gru_adding::record(tape, 5, 3)[0];
        transformer_block: |tape| transformer_block::record(tape, 5, 6, 4)[0];
        oscillator: |tape| oscillator::record(tape, 4)[0];
        variational_autoencoder: |tape| {
            variational_autoencoder::record(tape, 6, 5, tape.examples_unbound("ε", 2))[0]
        };
        factorisation: |tape| factorisation::record(tape, [5, 4, 6], 3, 2)[0];
        convolution_digits: |tape| convolution_digits::record(tape, 8, [2, 3])[0];
        mixture_density: |tape| mixture_density::record(tape, 4, 3)[0];
    }
}

#[test]
#[ignore = "writes files for other libraries to the folder INTERCHANGE"]
fn write_files() {
    let folder = PathBuf::from(std::env::var_os("INTERCHANGE").expect("INTERCHANGE names a folder"));
    std::fs::create_dir_all(&folder).unwrap();
    networks::<f64>(&folder);
    networks::<f32>(&folder);
    exported::<f64>(&folder);
    exported::<f32>(&folder);
    exported_pipeline::<f64>(&folder);
    exported_pipeline::<f32>(&folder);
    saturated::<f64>(&folder);
    saturated::<f32>(&folder);
    operations::<f64>(&folder);
    operations::<f32>(&folder);
    models(&folder);
}

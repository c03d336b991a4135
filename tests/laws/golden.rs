//! The golden files: values and derivatives of first and second order that two other libraries agree on.
//!
//! Everything is recorded in the textbook's naive form, sigmoid and then log-loss, and reproduced norm-wise per matrix. A
//! file, or a field of a file, that no test here reads is an error.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value};
use tape::{Function, Matrix, Options, Over, Program, Scalar, Tape, Var};

use crate::support::compare::assert_close;

/// The files' own tolerance; the two libraries agree to 8e-15.
const F64: f64 = 1e-12;
/// f32 has 7 digits; a chain of some ten operations on sums of at most 40 terms keeps 4 of them and more.
const F32: f64 = 1e-4;

/// What files say beside numbers.
const COMMENTS: [&str; 7] = ["name", "kind", "op", "note", "definition", "m", "crosscheck_max_rel_err"];

/// One file, which remembers what was read of it.
struct File {
    name: String,
    fields: Map<String, Value>,
    read: RefCell<BTreeSet<String>>,
}

impl File {
    fn field(&self, name: &str) -> &Value {
        self.read.borrow_mut().insert(name.to_owned());
        self.fields.get(name).unwrap_or_else(|| panic!("{} has no field {name}", self.name))
    }

    fn text(&self, name: &str) -> &str {
        self.field(name).as_str().unwrap_or_else(|| panic!("{}: {name} is no text", self.name))
    }

    fn number(&self, name: &str) -> f64 {
        self.field(name).as_f64().unwrap_or_else(|| panic!("{}: {name} is no number", self.name))
    }

    fn matrix<T: Scalar>(&self, name: &str) -> Matrix<T> {
        matrix(self.field(name))
    }

    /// The matrices of a list, of one per layer.
    fn matrices<T: Scalar>(&self, name: &str) -> Vec<Matrix<T>> {
        self.field(name).as_array().expect("a list of matrices").iter().map(matrix).collect()
    }

    /// The matrices of an object, by their names.
    fn named<T: Scalar>(&self, name: &str) -> Vec<(String, Matrix<T>)> {
        let object = self.field(name).as_object().expect("named matrices");
        object.iter().map(|(name, value)| (name.clone(), matrix(value))).collect()
    }

    /// # Panics
    /// If a field with numbers was not read.
    fn assert_read(&self) {
        let read = self.read.borrow();
        let forgotten: Vec<&String> = self
            .fields
            .keys()
            .filter(|key| !read.contains(*key) && !COMMENTS.contains(&key.as_str()))
            .collect();
        assert!(forgotten.is_empty(), "{}: no test reads {forgotten:?}", self.name);
    }
}

/// A matrix from a list of rows.
fn matrix<T: Scalar>(value: &Value) -> Matrix<T> {
    let rows: Vec<Vec<T>> = value
        .as_array()
        .expect("a list of rows")
        .iter()
        .map(|row| {
            let row = row.as_array().expect("a row of numbers");
            row.iter().map(|x| T::from_f64(x.as_f64().expect("a number"))).collect()
        })
        .collect();
    Matrix::from_rows(&rows).expect("rows of one length")
}

fn files() -> Vec<File> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/golden");
    let mut paths: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder of the golden files")
        .map(|entry| entry.expect("a file of the folder").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    paths
        .into_iter()
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).expect("a readable file");
            let value: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
            let Value::Object(fields) = value else { panic!("{name} holds no object") };
            File { name, fields, read: RefCell::default() }
        })
        .collect()
}

fn activation<T: Scalar>(file: &File) -> Function<T> {
    let slope = T::from_f64(file.number("leaky_slope"));
    match file.text("activation") {
        "identity" => Function::Identity,
        "sigmoid" => Function::Sigmoid,
        "tanh" => Function::Tanh,
        "relu" => Function::Relu,
        "leaky_relu" => Function::LeakyRelu(slope),
        "elu" => Function::Elu(T::ONE),
        "softplus" => Function::Softplus,
        "silu" => Function::Silu,
        "gelu_tanh" => Function::GeluTanh,
        other => panic!("{}: no activation {other}", file.name),
    }
}

/// A network of a file, recorded with eq. 23–25.
struct Network<'t, T: Scalar> {
    x: Var<'t, T>,
    /// W[1], b[1], W[2], b[2], …
    parameters: Vec<Var<'t, T>>,
    z: Var<'t, T>,
    a: Var<'t, T>,
    j: Var<'t, T>,
}

fn record<'t, T: Scalar>(tape: &'t Tape<T>, file: &File) -> Network<'t, T> {
    let (weights, biases): (Vec<Matrix<T>>, Vec<Matrix<T>>) = (file.matrices("W"), file.matrices("b"));
    let g = activation(file);
    let x = tape.examples("X", &file.matrix("X"));
    let y = tape.examples("Y", &file.matrix("Y"));
    let sizes: Vec<u64> =
        file.field("sizes").as_array().expect("sizes").iter().filter_map(Value::as_u64).collect();
    let layers = weights.len();
    assert_eq!(sizes.len(), layers + 1, "{}: one size a layer", file.name);
    let (mut parameters, mut z, mut a) = (Vec::new(), x, x);
    for (i, (weight, bias)) in weights.iter().zip(&biases).enumerate() {
        let l = i + 1;
        assert_eq!(weight.shape(), (sizes[l] as usize, sizes[i] as usize), "{}: W[{l}]", file.name);
        let w = tape.parameter(&format!("W[{l}]"), weight);
        let b = tape.parameter(&format!("b[{l}]"), bias);
        parameters.extend([w, b]);
        z = (w.matmul(a) + b).named(format!("Z[{l}]"));
        a = if l == layers { z.sigmoid() } else { z.map(&g) }.named(format!("A[{l}]"));
    }
    let j = a.log_loss(y).mean().named("J");
    Network { x, parameters, z, a, j }
}

/// Takes the lists of W[l] and b[l] apart into W[1], b[1], W[2], b[2], …
fn interleaved<T: Scalar>(file: &File, weights: &str, biases: &str) -> Vec<Matrix<T>> {
    let pairs = file.matrices(weights).into_iter().zip(file.matrices(biases));
    pairs.flat_map(|(w, b)| [w, b]).collect()
}

/// Compares outputs of a program with what a file says.
struct Check<'f, T: Scalar> {
    file: &'f File,
    program: Program<T>,
    tolerance: f64,
    worst: f64,
}

impl<'f, T: Scalar> Check<'f, T> {
    fn new(file: &'f File, mut program: Program<T>, tolerance: f64) -> Self {
        program.run().unwrap_or_else(|e| panic!("{}: {e}", file.name));
        Check { file, program, tolerance, worst: 0.0 }
    }

    fn matrix(&mut self, what: &str, found: Var<'_, T>, expected: &Matrix<f64>) {
        let what = format!("{} ({}): {what}", self.file.name, T::NAME);
        let found = self.program.view(found).unwrap_or_else(|e| panic!("{what}: {e}"));
        self.worst = self.worst.max(assert_close(&what, found, expected, self.tolerance));
    }

    fn number(&mut self, what: &str, found: Var<'_, T>, expected: f64) {
        self.matrix(what, found, &Matrix::scalar(expected));
    }

    fn per_layer(&mut self, what: &str, found: &[Var<'_, T>], expected: &[Matrix<f64>]) {
        assert_eq!(found.len(), expected.len(), "{}: {what}", self.file.name);
        for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
            let parameter = if i % 2 == 0 { "W" } else { "b" };
            self.matrix(&format!("{what} {parameter}[{}]", i / 2 + 1), *found, expected);
        }
    }
}

fn network<T: Scalar>(file: &File, options: Options, tolerance: f64) -> f64 {
    let tape = Tape::<T>::new();
    let net = record(&tape, file);
    let gradients = net.j.gradients(&net.parameters);
    let [dx] = net.j.gradients([net.x]);
    let outputs = gradients.iter().copied().chain([dx, net.j, net.z, net.a]);
    let program = tape.compile_with(outputs, options).unwrap_or_else(|e| panic!("{}: {e}", file.name));
    let mut check = Check::new(file, program, tolerance);
    check.number("J", net.j, file.number("J"));
    check.matrix("Z[L]", net.z, &file.matrix("Z_last"));
    check.matrix("A[L]", net.a, &file.matrix("A_last"));
    check.per_layer("∂J/∂", &gradients, &interleaved(file, "dW", "db"));
    check.matrix("∂J/∂X", dx, &file.matrix("dX"));
    check.worst
}

/// The operation of a file, on the variables in the order of the file's `inputs`, which is alphabetic.
fn operation<'t, T: Scalar>(file: &File, tape: &'t Tape<T>, inputs: &[Var<'t, T>]) -> Var<'t, T> {
    match (file.text("op"), inputs) {
        ("A @ B", &[a, b]) => a.matmul(b),
        ("A + b, b n x 1", &[a, b]) => a + b,
        ("b - c, b n x 1, c 1 x m", &[b, c]) => b - c,
        ("A / B", &[a, b]) => a / b,
        ("log(A)", &[a]) => a.ln(),
        ("sqrt(A)", &[a]) => a.sqrt(),
        ("mean over columns, n x 1", &[a]) => a.mean_over(Over::Columns),
        ("log sum exp over rows, 1 x m", &[a]) => a.log_sum_exp_over(Over::Rows),
        ("A*A + A/(1+A*A): one input used many times", &[a]) => a * a + a / (tape.scalar(T::ONE) + a * a),
        ("relu(A)", &[a]) => a.relu(),
        ("silu(A)", &[a]) => a.silu(),
        ("softplus(A)", &[a]) => a.softplus(),
        ("tanh(A)", &[a]) => a.tanh(),
        ("-1/m sum(Y * log_softmax(A, per column)), Y one-hot constant", &[a]) => {
            let y = tape.examples("Y", &file.matrix("Y"));
            a.softmax_cross_entropy(y).mean()
        }
        (other, _) => panic!("{}: no operation {other:?} of {} inputs", file.name, inputs.len()),
    }
}

fn single_operation<T: Scalar>(file: &File, options: Options, tolerance: f64) -> f64 {
    let mut worst = 0.0;
    // With fixed numbers of columns, and with the columns as examples where the file's inputs allow it.
    for as_examples in [false, true] {
        let tape = Tape::<T>::new();
        let is_loss = file.fields.contains_key("Y");
        let named = file.named::<T>("inputs");
        let columnwise = file.text("op").contains("(A)") || file.text("op").contains("one input");
        if as_examples && !columnwise && !is_loss || !as_examples && is_loss {
            continue;
        }
        let inputs: Vec<Var<'_, T>> = named
            .iter()
            .map(
                |(name, value)| {
                    if as_examples { tape.examples(name, value) } else { tape.parameter(name, value) }
                },
            )
            .collect();
        let output = operation(file, &tape, &inputs);
        let j = if is_loss {
            output
        } else {
            let v = file.matrix("V");
            (output * if as_examples { tape.examples("V", &v) } else { tape.constant("V", &v) }).sum()
        };
        let gradients = j.gradients(&inputs);
        let outputs = gradients.iter().copied().chain([output, j]);
        let program = tape.compile_with(outputs, options).unwrap_or_else(|e| panic!("{}: {e}", file.name));
        let mut check = Check::new(file, program, tolerance);
        check.number("J", j, file.number("J"));
        match file.field("output") {
            Value::Number(_) => check.number("output", output, file.number("output")),
            value => check.matrix("output", output, &matrix(value)),
        }
        let expected = file.named::<f64>("grads");
        for ((gradient, (name, _)), (expected_name, expected)) in gradients.iter().zip(&named).zip(&expected)
        {
            assert_eq!(name, expected_name, "{}: the order of the gradients", file.name);
            check.matrix(&format!("∂J/∂{name}"), *gradient, expected);
        }
        worst = check.worst.max(worst);
        if is_loss || !as_examples {
            continue;
        }
        // The same gradient as a vector–Jacobian product is the same entry.
        let v = tape.examples("V", &file.matrix("V"));
        let pulled = output.vjp(&inputs, v);
        let again = tape.compile_with(pulled.iter().copied(), options).unwrap();
        let mut check = Check::new(file, again, tolerance);
        for ((found, (name, _)), (_, expected)) in pulled.iter().zip(&named).zip(&expected) {
            check.matrix(&format!("Jᵀ·V for {name}"), *found, expected);
        }
        worst = check.worst.max(worst);
    }
    worst
}

fn second_order<T: Scalar>(file: &File, options: Options, tolerance: f64) -> f64 {
    let tape = Tape::<T>::new();
    let net = record(&tape, file);
    let gradients = net.j.gradients(&net.parameters);
    let squares = |vars: &[Var<'_, T>]| -> Matrix<f64> {
        let values = vars.iter().map(|v| v.value().unwrap().cast::<f64>().norm());
        Matrix::scalar(values.map(|norm| norm * norm).sum())
    };
    let kind = file.text("op");
    let (value, products) = match kind {
        "hvp" => {
            let vectors: Vec<Var<'_, T>> =
                interleaved(file, "VW", "Vb").iter().map(|v| tape.constant("v", v)).collect();
            (None, net.j.hvp(&net.parameters, &vectors))
        }
        "grad_norm" => {
            let sum = gradients.iter().map(|g| g.square().sum()).reduce(|a, b| a + b).expect("a gradient");
            // The file says "or its square": the number itself tells which.
            let square = squares(&gradients)[(0, 0)];
            let is_square =
                (file.number("value") - square).abs() < (file.number("value") - square.sqrt()).abs();
            let value = if is_square { sum } else { sum.sqrt() };
            (Some(value), value.gradients(&net.parameters))
        }
        "input_gradient_penalty" => {
            let [dx] = net.j.gradients([net.x]);
            let value = dx.square().sum();
            // The bias of the output is reached too: through σ′(Z).
            (Some(value), value.gradients(&net.parameters))
        }
        "hessian" => return hessian(file, &net, tolerance),
        other => panic!("{}: no second-order case {other:?}", file.name),
    };
    let outputs = gradients.iter().chain(&products).copied().chain(value).chain([net.j]);
    let program = tape.compile_with(outputs, options).unwrap_or_else(|e| panic!("{}: {e}", file.name));
    let mut check = Check::new(file, program, tolerance);
    check.number("J", net.j, file.number("J"));
    check.per_layer("∂J/∂", &gradients, &interleaved(file, "dW", "db"));
    if let Some(value) = value {
        check.number("value", value, file.number("value"));
    }
    let (weights, biases) = if kind == "hvp" { ("HW", "Hb") } else { ("gW", "gb") };
    check.per_layer(kind, &products, &interleaved(file, weights, biases));
    check.worst
}

fn hessian<T: Scalar>(file: &File, net: &Network<'_, T>, tolerance: f64) -> f64 {
    let tape = net.j.tape();
    let gradients = net.j.gradients(&net.parameters);
    let program = tape.compile(gradients.iter().copied().chain([net.j])).unwrap();
    let mut check = Check::new(file, program, tolerance);
    check.number("J", net.j, file.number("J"));
    check.per_layer("∂J/∂", &gradients, &interleaved(file, "dW", "db"));
    // The tape flattens each parameter column-major, the file row-major.
    let mut column_major_of = Vec::new();
    let mut start = 0;
    for parameter in &net.parameters {
        let (rows, columns) = parameter.shape().unwrap().at(0);
        let places = (0..rows).flat_map(|i| (0..columns).map(move |j| j * rows + i));
        column_major_of.extend(places.map(|place| start + place));
        start += rows * columns;
    }
    let found = net.j.hessian(&net.parameters).unwrap_or_else(|e| panic!("{}: {e}", file.name));
    let reordered = Matrix::from_fn(start, start, |i, j| found[(column_major_of[i], column_major_of[j])]);
    let expected = file.matrix::<f64>("hessian");
    let what = format!("{} ({}): Hessian", file.name, T::NAME);
    check.worst.max(assert_close(&what, &reordered, &expected, tolerance))
}

fn reproduce<T: Scalar>(file: &File, options: Options, tolerance: f64) -> f64 {
    match file.text("kind") {
        "network" => network::<T>(file, options, tolerance),
        "op" => single_operation::<T>(file, options, tolerance),
        "second_order" => second_order::<T>(file, options, tolerance),
        other => panic!("{}: no kind {other:?}", file.name),
    }
}

/// Reproduces every file and tells the worst difference.
fn reproduce_all<T: Scalar>(options: Options, tolerance: f64, skip: fn(&File) -> bool) {
    let mut worst = (0.0, String::new());
    let mut count = 0;
    for file in files().into_iter().filter(|file| !skip(file)) {
        let distance = reproduce::<T>(&file, options, tolerance);
        file.assert_read();
        if distance >= worst.0 {
            worst = (distance, file.name);
        }
        count += 1;
    }
    println!("{count} files in {}, worst difference {:.1e} in {}", T::NAME, worst.0, worst.1);
}

#[test]
fn every_file_is_reproduced_in_f64() {
    reproduce_all::<f64>(Options::default(), F64, |_| false);
}

#[test]
fn every_file_is_reproduced_in_f32() {
    reproduce_all::<f32>(Options::default(), F32, |_| false);
}

/// Entry by entry, without rewrites, the textbook's formula is as good, as long as the sigmoid does not round to 0 or 1.
#[test]
fn every_file_but_the_saturated_one_is_reproduced_entry_by_entry() {
    reproduce_all::<f64>(Options::literal(), F64, |file| file.name.contains("saturated"));
}

#[test]
#[should_panic(expected = "no test reads [\"forgotten\"]")]
fn a_field_that_no_test_reads_is_an_error() {
    let mut fields = Map::new();
    fields.insert("forgotten".into(), Value::Null);
    File { name: "x".into(), fields, read: RefCell::default() }.assert_read();
}

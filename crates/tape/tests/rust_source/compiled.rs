//! Compiles functions with rustc, runs them, and compares bits.
//!
//! One binary of all functions of a test: rustc takes longer than all of them.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tape::check::Random;
use tape::{LeafKind, Matrix, MultiplyAdd, Options, Program, RustSource, Scalar, Var};

/// What calls the functions: their inputs are in a file, in the order of the calls.
const MAIN: &str = r#"
fn next<const N: usize>(input: &mut dyn Iterator<Item = u64>) -> [u64; N] {
    std::array::from_fn(|_| input.next().expect("an input"))
}
fn print(bits: Vec<u64>) {
    println!("{bits:?}");
}
fn main() {
    let bytes = std::fs::read("inputs").expect("inputs");
    let mut input = bytes.as_chunks::<8>().0.iter().map(|x| u64::from_le_bytes(*x));
    all(&mut input);
    assert!(input.next().is_none());
}
"#;

/// What the environment asks for.
pub(crate) fn instruction_set() -> String {
    std::env::var("TAPE_SIMD").unwrap_or_default()
}

/// A folder for what a test writes.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("rust_source_{name}_{}", instruction_set()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Compiles without a warning.
pub(crate) fn rustc(folder: &Path, arguments: &[&str]) {
    let rustc = std::env::var_os("RUSTC").unwrap_or("rustc".into());
    let output =
        Command::new(rustc).current_dir(folder).args(["--edition", "2024"]).args(arguments).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.is_empty(), "{told}");
}

/// Functions that are compiled together.
pub(crate) struct Functions {
    source: String,
    main: String,
    inputs: Vec<u64>,
    /// For each line that the binary prints, what is expected.
    expected: Vec<Expected>,
    count: usize,
    multiply_add: MultiplyAdd,
    /// How the programs are compiled.
    pub(crate) options: Options,
    /// By how many ulp of 1 results may differ.
    pub(crate) within: f64,
}

struct Expected {
    label: String,
    bits: Vec<u64>,
    /// By how much each may differ.
    within: f64,
    number: fn(u64) -> f64,
}

impl Expected {
    /// Whether the line has these numbers.
    fn is(&self, line: &str) -> bool {
        let found = line.trim_matches(['[', ']']).split(", ").map(|bits| bits.parse().unwrap());
        let is_near = |(found, &expected): (u64, &u64)| {
            let apart = (self.number)(found) - (self.number)(expected);
            found == expected || apart.abs() <= self.within
        };
        line == format!("{:?}", self.bits) || found.zip(&self.bits).all(is_near)
    }
}

/// How a leaf's values are drawn.
pub(crate) type Draw<T> = fn(name: &str, shape: (usize, usize), seed: u64) -> Matrix<T>;

impl Functions {
    pub(crate) fn new(multiply_add: MultiplyAdd) -> Self {
        Functions {
            source: String::new(),
            main: String::new(),
            inputs: Vec::new(),
            expected: Vec::new(),
            count: 0,
            multiply_add,
            options: Options::default(),
            within: 0.0,
        }
    }

    /// Adds the function of some outputs for m examples, with runs on inputs that are drawn.
    pub(crate) fn add<T: Scalar>(
        &mut self,
        outputs: &[Var<'_, T>],
        m: usize,
        as_arguments: bool,
        draw: Draw<T>,
    ) {
        let tape = outputs[0].tape();
        let mut program = tape.compile_with(outputs.iter().copied(), self.options).unwrap();
        let of_kind = |kind: LeafKind| -> Vec<Var<'_, T>> {
            let is_of = |v: &Var<'_, T>| v.entry().is_ok_and(|entry| entry.leaf_kind() == Some(kind));
            tape.variables().filter(is_of).collect()
        };
        let bind = |program: &mut Program<T>, leaf: &Var<'_, T>, seed: u64| -> Option<Matrix<T>> {
            let value = draw(&leaf.name().unwrap_or_default(), leaf.shape().unwrap().at(m), seed);
            program.bind_if_needed(*leaf, &value).unwrap().then_some(value)
        };
        for leaf in of_kind(LeafKind::Parameter) {
            bind(&mut program, &leaf, 7);
        }
        let name = format!("f{}", self.count);
        self.count += 1;
        let source = RustSource::new(&name).examples(m).parameters_as_arguments(as_arguments);
        let text = program.to_rust(&source.multiply_add(self.multiply_add)).unwrap();
        writeln!(self.source, "#[allow(dead_code)]\npub mod {name} {{\n{text}}}").unwrap();
        let mut distinct: Vec<Var<'_, T>> = Vec::new();
        for &output in outputs {
            let is_known = distinct.iter().any(|known| known.id().unwrap() == output.id().unwrap());
            if !is_known {
                distinct.push(output)
            }
        }
        for seed in 0..3 {
            let mut leaves = Vec::new();
            for leaf in tape.variables() {
                match leaf.entry().ok().and_then(|entry| entry.leaf_kind()) {
                    Some(LeafKind::Examples) => leaves.extend(bind(&mut program, &leaf, seed)),
                    Some(LeafKind::Parameter) if as_arguments => {
                        leaves.extend(bind(&mut program, &leaf, seed))
                    }
                    _ => {}
                }
            }
            program.run().unwrap();
            self.main.push_str("    {\n");
            let mut arguments = Vec::new();
            for leaf in &leaves {
                self.inputs.extend(leaf.as_slice().iter().map(|x| x.bits()));
                arguments.push(format!(
                    "&next::<{}>(input).map(|x| {}::from_bits(x as _))",
                    leaf.as_slice().len(),
                    T::NAME
                ));
            }
            for (i, output) in distinct.iter().enumerate() {
                let value = program.view(*output).unwrap();
                let len = value.as_slice().len();
                writeln!(self.main, "        let mut y{i} = [7.0_{}; {len}];", T::NAME).unwrap();
                arguments.push(format!("&mut y{i}"));
                let bits = value.as_slice().iter().map(|x| x.bits()).collect();
                let label = format!("{} for m = {m}, {}\n{text}", output.label(), T::NAME);
                let within = self.within * T::EPSILON.to_f64();
                self.expected.push(Expected {
                    label,
                    bits,
                    within,
                    number: |bits| T::of_bits(bits).to_f64(),
                });
            }
            writeln!(self.main, "        generated::{name}::{name}({});", arguments.join(", ")).unwrap();
            for i in 0..distinct.len() {
                writeln!(self.main, "        print(y{i}.iter().map(|x| u64::from(x.to_bits())).collect());")
                    .unwrap();
            }
            self.main.push_str("    }\n");
        }
    }

    /// Compiles and runs them all.
    pub(crate) fn check(self, name: &str) {
        let folder = folder(name);
        let (library, main) = (folder.join("generated.rs"), folder.join("main.rs"));
        let head = if self.multiply_add == MultiplyAdd::Std { "" } else { "#![no_std]\n" };
        std::fs::write(&library, format!("{head}#![forbid(unsafe_code)]\n{}", self.source)).unwrap();
        let body = format!("{MAIN}fn all(input: &mut dyn Iterator<Item = u64>) {{\n{}}}\n", self.main);
        std::fs::write(&main, body).unwrap();
        let inputs: Vec<u8> = self.inputs.iter().flat_map(|x| x.to_le_bytes()).collect();
        std::fs::write(folder.join("inputs"), inputs).unwrap();
        rustc(&folder, &["--crate-type", "rlib", "-C", "opt-level=0", "generated.rs"]);
        rustc(&folder, &["--extern", "generated=libgenerated.rlib", "-o", "main", "main.rs"]);
        let output = Command::new(folder.join("main")).current_dir(&folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let printed = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<&str> = printed.lines().collect();
        assert_eq!(lines.len(), self.expected.len());
        let mut wrong = Vec::new();
        for (line, expected) in lines.iter().zip(&self.expected) {
            if !expected.is(line) {
                let Expected { label, bits, .. } = expected;
                wrong.push(format!("{label}\nfound    {line}\nexpected {bits:?}"));
            }
        }
        assert!(
            wrong.is_empty(),
            "{} of {} outputs differ; the first one:\n{}",
            wrong.len(),
            lines.len(),
            wrong[0]
        );
    }
}

/// Numbers between −2 and 2, labels 0 and 1 of a leaf Y, and positive numbers of a P.
pub(crate) fn drawn<T: Scalar>(name: &str, (rows, columns): (usize, usize), seed: u64) -> Matrix<T> {
    let seed = name.bytes().fold(seed + 1, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    let mut random = Random::new(seed);
    match name {
        "Y" => {
            random.matrix::<T>(rows, columns, -1.0, 1.0).map(|x| if x > T::ZERO { T::ONE } else { T::ZERO })
        }
        "at" => Matrix::from_fn(rows, columns, |_, j| T::from_f64(((j + 1) % 3) as f64)),
        "soft" => random.matrix(rows, columns, 0.0, 1.0),
        "one-hot" => {
            Matrix::from_fn(rows, columns, |i, j| if (j + 2) % rows == i { T::ONE } else { T::ZERO })
        }
        "P" => random.matrix(rows, columns, 0.1, 3.0),
        _ => random.matrix(rows, columns, -2.0, 2.0),
    }
}

//! A list that was written and read is the same list.
//!
//! Of tapes drawn at random, with derivatives of orders 1 and 2, and in `operations/json.rs` of every operation of the table:
//! what is shown, what is written again, and the bits that programs compute are the same before and after, and what is asked
//! again adds nothing. Of texts that are no list: an error that tells the place, and no panic.

use std::mem::discriminant;

use tape::{
    Error, Fault, Function, LeafKind, Matrix, MatrixMut, Mismatch, Operands, Operation, Scalar, Shape, Tape,
    Unreadable, Var, Vjp, matrix,
};

use crate::support::plain::draw::Draw;
use crate::support::plain::record::{Real, record};
use crate::support::plain::run::{Case, Tally, law};
use tape::check::Random;

/// Reads what the tape writes, and says in a few words before a colon what is not the same; else gives the tape that was read, and
/// how many numbers were compared.
pub(crate) fn read_again<T: Scalar>(tape: &Tape<T>, m: usize) -> Result<(Tape<T>, u64), String> {
    let text = tape.to_json();
    let again = Tape::<T>::from_json(&text).map_err(|error| format!("unreadable: {error}\n{text}"))?;
    let same = |what: &str, before: String, after: String| match before == after {
        true => Ok(()),
        false => Err(format!("{what}: before\n{before}\nafter\n{after}")),
    };
    same("text", text, again.to_json())?;
    same("list", tape.to_string(), again.to_string())?;
    same("graph", tape.dot(), again.dot())?;
    same("system", tape.equations(tape.variables()).latex(), again.equations(again.variables()).latex())?;
    for (before, after) in tape.entries().zip(again.entries()) {
        let [before, after] = [before, after].map(|entry| entry.var().equation());
        same("equation", before.to_string(), after.to_string())?;
        same("MathML", before.mathml(), after.mathml())?;
    }
    let compared = match (run(tape, m), run(&again, m)) {
        (Ok(before), Ok(after)) if before == after => before.iter().map(Vec::len).sum::<usize>() as u64,
        (Ok(_), Ok(_)) => return Err("bits: a program computes others".into()),
        // Its text tells where the list was read, in the place of where the entry was recorded.
        (Err(before), Err(after)) if discriminant(&before) == discriminant(&after) => 0,
        (before, after) => return Err(format!("run: before {before:?}, after {after:?}")),
    };
    Ok((again, compared))
}

/// The bits of the values of all entries; leaves without a value are bound to some.
fn run<T: Scalar>(tape: &Tape<T>, m: usize) -> Result<Vec<Vec<u64>>, Error> {
    let mut program = tape.compile(tape.variables())?;
    for leaf in tape.entries().filter(|entry| entry.leaf_kind().is_some()) {
        if let Err(Error::Unbound { .. }) = leaf.var().value() {
            let (rows, columns) = leaf.shape().at(m);
            let number = |i, j| T::from_f64(((7 * i + 3 * j + leaf.index()) % 11) as f64 / 11.0);
            program.bind(leaf.var(), &Matrix::from_fn(rows, columns, number))?;
        }
    }
    program.run()?;
    tape.variables().map(|v| Ok(program.view(v)?.as_slice().iter().map(|x| x.bits()).collect())).collect()
}

/// The variable of the same number on another tape.
fn on<'a, T: Scalar>(tape: &'a Tape<T>, var: Var<'_, T>) -> Var<'a, T> {
    tape.entry(var.index().unwrap()).unwrap().var()
}

// ---- Tapes drawn at random ----------------------------------------------------------------------------------------

fn drawn(seed: u64) -> Option<Case> {
    if !seed.is_multiple_of(8) {
        return None; // all entries of a tape are compiled, and twice: an eighth of the tapes will do
    }
    let mut draw = Draw::new(seed);
    draw.wild = draw.random.below(4) == 0;
    draw.fill(16);
    let j = (0..8).find_map(|_| draw.output())?;
    let asked = vec![draw.pick()];
    let single = draw.random.below(2) == 0;
    Some(Case { seed, single, script: draw.script, roles: vec![j], asked })
}

fn is_read_again<T: Real>(case: &Case) -> Result<Tally, String> {
    let tape = Tape::<T>::new();
    let vars = record(&tape, &case.script)?.vars;
    let (j, h) = (vars[case.roles[0]], vars[case.asked[0]]);
    let [dh] = j.gradients_or_zeros([h]);
    let [ddh] = dh.sum().gradients_or_zeros([h]);
    let (again, compared) = read_again(&tape, case.script.m)?;
    // What is asked again is there.
    let length = again.len();
    let [dh_again] = on(&again, j).gradients_or_zeros([on(&again, h)]);
    let [ddh_again] = dh_again.sum().gradients_or_zeros([on(&again, h)]);
    if (dh_again, ddh_again) != (on(&again, dh), on(&again, ddh)) || again.len() != length {
        return Err("equal: a derivative that is asked again is recorded again".into());
    }
    // And what goes on goes on in the same way.
    for tape in [&tape, &again] {
        let entry = on(tape, dh).tanh().named("next").sum();
        let _ = entry.gradients_or_zeros([on(tape, h)]);
    }
    let lists = [&tape, &again].map(|tape| tape.to_string());
    if lists[0] != lists[1] {
        return Err(format!("next: {}\n{}", lists[0], lists[1]));
    }
    Ok(Tally { compared, ..Tally::default() })
}

#[test]
fn a_list_is_read_as_it_was_written() {
    let tally = law("json", drawn, |case| match case.single {
        true => is_read_again::<f32>(case),
        false => is_read_again::<f64>(case),
    });
    println!("{} tapes, {} numbers", tally.tapes, tally.compared);
    assert!(tally.tapes == 1 || tally.compared > 20 * tally.tapes, "most programs run");
}

// ---- What stands beside the entries -------------------------------------------------------------------------------

#[test]
fn numbers_keep_their_bits() {
    fn keeps<T: Scalar>(special: &[u64], random: &mut Random) {
        let drawn = |_, _| T::of_bits((random.below(1 << 32) as u64) << 32 | random.below(1 << 32) as u64);
        let mut values: Vec<T> = Matrix::from_fn(50, 20, drawn).as_slice().to_vec();
        values.extend(special.iter().map(|&bits| T::of_bits(bits)));
        values.extend([0.0, -0.0, 1.0, 0.1, f64::INFINITY, f64::NEG_INFINITY, f64::NAN].map(T::from_f64));
        values.extend([T::EPSILON, -T::NAN]);
        let tape = Tape::<T>::new();
        let numbers: Vec<Var<'_, T>> = values.iter().map(|&x| tape.scalar(x)).collect();
        let x = tape.constant("x", &Matrix::from_vec(values.len(), 1, values.clone()).unwrap());
        let again = Tape::<T>::from_json(&tape.to_json()).unwrap();
        for (i, (number, value)) in numbers.iter().zip(&values).enumerate() {
            let read = on(&again, *number).entry().unwrap().as_number().unwrap();
            assert_eq!((read.0.bits(), read.1), (value.bits(), 0), "number {i}");
        }
        let bits = |x: Var<'_, T>| x.value().unwrap().as_slice().iter().map(|x| x.bits()).collect::<Vec<_>>();
        assert_eq!(bits(on(&again, x)), values.iter().map(|x| x.bits()).collect::<Vec<_>>());
        assert_eq!(again.to_json(), tape.to_json());
        assert_eq!(again.scalar(values[3]), on(&again, numbers[3]), "the same number is the same entry");
    }
    let random = &mut Random::new(1);
    keeps::<f64>(&[1, 1 << 63, 0x7ff8_0000_0000_0001, 0xfff4_0000_0000_0000, f64::MAX.to_bits()], random);
    keeps::<f32>(&[1, 1 << 31, 0x7fc0_0001, 0xffa0_0000, u64::from(f32::MAX.to_bits())], random);
}

#[test]
fn names_places_examples_and_mistakes_stay() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("X\n\"\u{1b}∂", &matrix![[0.5, 0.25, -1.0]]);
    let w = tape.parameter("W", &matrix![[2.0]]);
    let unbound = tape.parameter_unbound("V", Shape::new(2, 2));
    let j = w.matmul(x).named("Z").square().mean();
    let [dw] = j.gradients([w]);
    let hessian = j.hessian([w]).unwrap();
    let _ = w.gradients([x]); // a mistake
    let _ = unbound;
    let (again, _) = read_again(&tape, 3).unwrap();

    let [before, after] = [dw, on(&again, dw)].map(|v| v.entry().unwrap());
    assert_eq!((before.label(), before.place()), (after.label(), after.place()));
    assert!(after.place().file().ends_with("json.rs"));
    let of = after.derivative_of().unwrap();
    assert_eq!((&*of.of, of.with_respect_to), ("J", on(&again, w).entry().unwrap()));
    assert_eq!(on(&again, x).name(), x.name());

    let [before, after] = [&tape, &again].map(|tape| tape.check().unwrap_err().to_string());
    assert_eq!(before, after);
    let length = again.len();
    assert_eq!(on(&again, j).hessian([on(&again, w)]).unwrap(), hessian);
    assert_eq!(again.len(), length, "the unit vectors are used again");
    let differ = again.examples("Y", &matrix![[1.0]]);
    assert!(matches!(differ.sound(), Err(Error::ExamplesDiffer { first_m: 3, second_m: 1, .. })));
}

#[test]
fn without_values_the_leaves_are_unbound() {
    let tape = Tape::<f32>::new();
    let x = tape.examples("X", &matrix![[0.5, 0.25]]);
    let w = tape.parameter("W", &matrix![[2.0]]);
    let c = tape.constant("c", &matrix![[3.0]]);
    let y = w.matmul(x) + c;
    let text = tape.to_json_unbound();
    let again = Tape::<f32>::from_json(&text).unwrap();
    assert_eq!((again.to_string(), again.to_json()), (tape.to_string(), text));
    let mut program = again.compile([on(&again, y)]).unwrap();
    assert!(matches!(program.run(), Err(Error::Unbound { .. })));
    program.bind(on(&again, x), &matrix![[1.0, 2.0, 3.0]]).unwrap();
    program.bind(on(&again, w), &matrix![[10.0]]).unwrap();
    program.run().unwrap();
    assert_eq!(program.view(on(&again, y)).unwrap().as_slice(), [13.0, 23.0, 33.0]);
}

// ---- Texts that are no list ---------------------------------------------------------------------------------------

const LIST: &str = r#"{
"format": "tape", "version": 1, "scalar": "f64", "m": 2, "differentiations": 1, "probes": [2], "mistakes": [],
"entries": [
{"id": 0, "name": "X", "operation": {"kind": "Leaf"}, "operands": [], "shape": [1, "m"], "place": {"file": "a.rs", "line": 1, "column": 2}, "leaf": {"kind": "examples", "value": {"rows": 1, "columns": 2, "data": [0.5, 0.25]}}},
{"id": 1, "name": "W", "operation": {"kind": "Leaf"}, "operands": [], "shape": [2, 1], "place": {"file": "a.rs", "line": 2, "column": 2}, "leaf": {"kind": "parameter", "value": {"rows": 2, "columns": 1, "data": [1, -2.5]}}},
{"id": 2, "operation": {"kind": "Leaf"}, "operands": [], "shape": [2, 1], "place": {"file": "a.rs", "line": 2, "column": 2}, "leaf": {"kind": "parameter"}},
{"id": 3, "name": "Z", "operation": {"kind": "Matmul", "name": "matmul"}, "operands": [1, 0], "shape": [2, "m"], "place": {"file": "b.rs", "line": 3, "column": 4}},
{"id": 4, "operation": {"kind": "Map", "parameters": {"function": "Clamp", "low": -1, "high": "inf"}}, "operands": [3], "shape": [2, "m"], "place": {"file": "b.rs", "line": 4, "column": 4}},
{"id": 5, "operation": {"kind": "Slice", "name": "rows[0..1]", "parameters": {"along": "rows", "start": 0, "end": 1}}, "operands": [4], "shape": [1, "m"], "place": {"file": "b.rs", "line": 5, "column": 4}},
{"id": 6, "operation": {"kind": "Zip", "parameters": {"of": "add"}}, "operands": [5, 5], "shape": [1, "m"], "place": {"file": "b.rs", "line": 6, "column": 4}, "differentiation": 1, "derivative_of": {"of": "J", "with_respect_to": 0}},
{"id": 7, "operation": {"kind": "PowerDerivative", "parameters": {"by_base": 1, "by_exponent": 0}}, "operands": [6, 5], "shape": [1, "m"], "place": {"file": "b.rs", "line": 7, "column": 4}},
{"id": 8, "operation": {"kind": "Reduce", "parameters": {"reduction": "sum", "over": "all"}}, "operands": [7], "shape": [1, 1], "place": {"file": "b.rs", "line": 8, "column": 4}},
{"id": 9, "operation": {"kind": "Pad", "parameters": {"along": "rows", "start": 1, "total": 3}}, "operands": [8], "shape": [3, 1], "place": {"file": "b.rs", "line": 9, "column": 4}},
{"id": 10, "operation": {"kind": "Number", "parameters": {"c": 2.5, "power_of_m": -1}}, "operands": [], "shape": [1, 1], "place": {"file": "b.rs", "line": 10, "column": 4}}
]
}"#;

fn refused(text: &str) -> Unreadable {
    match Tape::<f64>::from_json(text) {
        Err(Error::Unreadable(found)) => *found,
        other => panic!("{text}\nis read, or another error: {other:?}"),
    }
}

#[test]
fn a_text_by_hand_is_read() {
    let tape = Tape::<f64>::from_json(LIST).unwrap();
    let shown = "\
 %0  X      examples                1×m
 %1  W      parameter               2×1
 %2         parameter               2×1
 %3  Z      W * X                   2×m
 %4         clamp(Z)                2×m
 %5         rows[0..1](%4)          1×m
── derivatives of J with respect to X, recorded at b.rs:6:4
 %6  ∂J/∂X  %5 + %5                 1×m
── recorded by hand
 %7         power_a(∂J/∂X, %5)      1×m
 %8         Σ %7                    1×1
 %9         pad_rows[1 of 3](%8)    3×1
%10         2.5/m                   1×1
";
    let lines = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    };
    assert_eq!(lines(&tape.to_string()), lines(shown));
    assert_eq!(tape.entry(3).unwrap().var().value().unwrap(), matrix![[0.5, 0.25], [-1.25, -0.625]]);
    // In an object, the order does not matter.
    let (head, entries) = LIST.split_once("\"entries\":").unwrap();
    let head = head.trim_start_matches('{').trim_end().trim_end_matches(',');
    let entries = entries.trim_end().trim_end_matches('}');
    let turned = format!("{{\"entries\":{entries},{head}}}");
    assert_eq!(Tape::<f64>::from_json(&turned).unwrap().to_json(), tape.to_json());
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let cases = [
        (r#""tape", "version""#, r#""ape", "version""#, r#"the format is "ape", not "tape""#, 1),
        (r#""version": 1"#, r#""version": 2"#, "version 2 of the format is not known, 1 is", 1),
        (r#""version": 1, "#, "", "missing field `version`", 16),
        (r#""f64""#, r#""f32""#, r#"the list is of "f32", the tape of f64"#, 1),
        (r#""m": 2"#, r#""m": 3"#, "m is 3, the leaves say 2", 1),
        (r#""m": 2"#, r#""m": 2, "m": 2"#, "duplicate field `m`", 2),
        (r#""m": 2"#, r#""n": 2"#, "unknown field `n`", 2),
        (r#""probes": [2]"#, r#""probes": [3]"#, "the probe %3 is no parameter without a value", 1),
        (r#""differentiations": 1"#, r#""differentiations": 0"#, "there are 0 differentiations", 1),
        (r#""id": 3"#, r#""id": 4"#, "entry 3 says that it is 4", 7),
        (r#""name": "W""#, r#""name": "W", "name": "W""#, "duplicate field `name`", 5),
        (
            r#""operands": [1, 0]"#,
            r#""operands": [1, 3]"#,
            "entry %3 (matmul), recorded at b.rs:3:4: its operand %3 is no earlier entry",
            7,
        ),
        (
            r#""operands": [1, 0]"#,
            r#""operands": [1, 4294967296]"#,
            "its operand %4294967296 is no earlier entry",
            7,
        ),
        (r#""operands": [1, 0]"#, r#""operands": [1, -1]"#, "invalid value: integer `-1`", 7),
        (r#""operands": [1, 0]"#, r#""operands": [1e999]"#, "number out of range", 7),
        (r#""operands": [1, 0]"#, r#""operands": [1]"#, "it cannot be on 1 operands", 7),
        (r#""operands": [1, 0]"#, r#""operands": [0, 1]"#, "inner dimensions differ", 7),
        (
            r#""operands": [1, 0], "shape": [2, "m"]"#,
            r#""operands": [1, 0], "shape": [3, "m"]"#,
            "its shape is 2×m, not 3×m",
            7,
        ),
        (
            r#""operands": [1, 0], "shape": [2, "m"]"#,
            r#""operands": [1, 0], "shape": [2, "n"]"#,
            r#"invalid value: string "n""#,
            7,
        ),
        (
            r#""operands": [1, 0], "shape": [2, "m"]"#,
            r#""operands": [1, 0], "shape": [2]"#,
            "invalid length 1",
            7,
        ),
        (r#""Matmul""#, r#""Matmull""#, r#"no operation is called "Matmull""#, 7),
        (r#""Matmul""#, r#""Custom""#, "an operation of the user's own has no description", 7),
        (r#""Matmul""#, r#""Leaf""#, "a leaf has to have its leaf", 7),
        (
            r#""kind": "Leaf"}, "operands": [], "shape": [1"#,
            r#""kind": "Negate"}, "operands": [], "shape": [1"#,
            "what is no leaf has none",
            4,
        ),
        (r#""Clamp""#, r#""Clasp""#, "no function is called Clasp", 8),
        (
            r#""function": "Clamp""#,
            r#""function": "User", "name": "g""#,
            "the function g is of the user's own",
            8,
        ),
        (r#""low": -1"#, r#""low": "NaN 7ff8000000000000""#, "a parameter of the function is NaN", 8),
        (r#""low": -1"#, r#""low": "NaN""#, "its parameter low cannot be NaN", 8),
        (r#""low": -1"#, r#""low": [1, 1]"#, "its parameter low cannot be 1×1", 8),
        (r#""low": -1, "#, "", "it has no parameter low", 8),
        (r#""low": -1"#, r#""low": -1, "low": -1"#, "the parameter low is there twice", 8),
        (r#""low": -1"#, r#""low": -1, "lower": -1"#, "it knows no parameter lower", 8),
        (r#""low": -1"#, r#""low": 9007199254740993"#, "its parameter low cannot be 9007199254740993", 8),
        (r#""end": 1"#, r#""end": 3"#, "the range is not inside", 9),
        (r#""end": 1"#, r#""end": 1.5"#, "its parameter end cannot be 1.5", 9),
        (r#""end": 1"#, r#""end": -1"#, "its parameter end cannot be -1", 9),
        (r#""with_respect_to": 0"#, r#""with_respect_to": 11"#, "which is not there", 10),
        (r#""by_base": 1"#, r#""by_base": 4000000000"#, "its parameter by_base cannot be 4000000000", 11),
        (r#""start": 1, "total": 3"#, r#""start": 18446744073709551615, "total": 3"#, "there is no room", 13),
        (
            r#""start": 1, "total": 3}"#,
            r#""start": 18446744073709551615, "total": "m"}"#,
            "there is no room",
            13,
        ),
        (
            r#""power_of_m": -1"#,
            r#""power_of_m": -2147483648"#,
            "its parameter power_of_m cannot be -2147483648",
            14,
        ),
        (
            r#""kind": "Number", "parameters": {"c": 2.5, "power_of_m": -1}}, "operands": []"#,
            r#""kind": "Reduce", "parameters": {"reduction": "sum", "over": "all"}}, "operands": [7]"#,
            "it equals entry %8",
            14,
        ),
        (
            r#""by_base": 1, "by_exponent": 0"#,
            r#""by_base": 40, "by_exponent": 33"#,
            "40 derivatives by the base and 33 by the exponent are too many",
            11,
        ),
        ("[0.5, 0.25]", "[0.5]", "1×2 needs 2 values, 1 were given", 4),
        ("[0.5, 0.25]", r#"[0.5, "NaN 1"]"#, r#"invalid value: string "NaN 1""#, 4),
        ("[0.5, 0.25]", "[0.5, 0.25", "expected `,` or `]`", 4),
        (
            r#""rows": 1, "columns": 2"#,
            r#""rows": 18446744073709551615, "columns": 2"#,
            "its value is 18446744073709551615×2, the leaf 1×m",
            4,
        ),
        (r#""examples""#, r#""exams""#, r#"no leaf is called "exams""#, 4),
        (
            r#""shape": [1, "m"], "place": {"file": "a"#,
            r#""shape": [1, 2], "place": {"file": "a"#,
            "examples are n×m, not 1×2",
            4,
        ),
    ];
    for (from, to, reason, line) in cases {
        assert!(LIST.contains(from), "{from}");
        let found = refused(&LIST.replacen(from, to, 1));
        let is_said = found.reason.contains(reason) && found.line == line && found.column > 0;
        assert!(is_said, "{to}\nexpected at line {line}: {reason}\nfound {found:?}");
    }
    // A number that f32 would round is none of f32.
    let single = LIST.replace("\"f64\"", "\"f32\"");
    assert!(Tape::<f32>::from_json(&single).is_ok());
    let error = Tape::<f32>::from_json(&single.replace("0.25]", "0.1]")).unwrap_err();
    assert_eq!(error.to_string(), "from_json: 1e-1 is no number of f32, at line 4, column 221 of the text");
}

/// ⟨·⟩ of the user's own.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Own;

impl Operation<f64> for Own {
    fn name(&self) -> std::borrow::Cow<'_, str> {
        "own".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0])
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
fn an_operation_of_the_users_is_named() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &matrix![[1.0]]);
    let y = tape.apply(Own, [x]);
    let place = y.entry().unwrap().place().to_string();
    let found = refused(&tape.to_json());
    let reason =
        format!("entry %1 (own), recorded at {place}: an operation of the user's own has no description");
    assert_eq!((found.reason, found.line, found.column), (reason, 11, 1));

    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &matrix![[1.0]]);
    let y = x.map(&Function::new("g", |x| x));
    let place = y.entry().unwrap().place().to_string();
    let reason = format!(
        "entry %1 (g), recorded at {place}: the function g is of the user's own and has no description"
    );
    assert_eq!(refused(&tape.to_json()).reason, reason);
}

#[test]
fn factors_are_those_of_their_matrix() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("A", &matrix![[2.0, 1.0], [1.0, 3.0]]);
    let b = tape.parameter("B", &matrix![[1.0, 9.0, 7.0], [0.0, 1.0, -1.0]]); // as large as factors
    let _ = a.solve(b) + a.log_det();
    let text = tape.to_json();
    assert!(Tape::<f64>::from_json(&text).is_ok());
    for (from, to, reason) in [
        ("\"operands\":[0,2,1]", "\"operands\":[0,1,1]", "its operand %1 is not what lu makes of %0"),
        ("\"operands\":[0,2,1]", "\"operands\":[0,0,1]", "its operand %0 is not what lu makes of %0"),
        ("\"operands\":[0,2,1]", "\"operands\":[2,2,1]", "its operand %2 is not what lu makes of %2"),
        ("\"operands\":[0,2]", "\"operands\":[0,1]", "its operand %1 is not what lu makes of %0"),
    ] {
        assert!(text.contains(from), "{from} is not in\n{text}");
        let found = refused(&text.replacen(from, to, 1)).reason;
        assert!(found.contains(reason), "{found}");
    }
    let reader = tape.reader();
    for typed in
        ["solve(A, B, B)", "log_det(A, B)", "solve(2·A, lu(A), B)", "solve(A, lu(2·A), B)", "solve(A, A, B)"]
    {
        let told = reader.read(typed).unwrap_err().to_string();
        assert!(told.contains("the second operand has to be lu of the first one"), "{typed}: {told}");
    }
    for typed in ["solve(A, lu(A), B)", "solve(2·A, lu(2·A), B)", "log_det(A * A, lu(A * A))"] {
        assert!(reader.read(typed).is_ok(), "{typed}");
    }
}

#[test]
fn no_text_makes_it_panic() {
    for end in (0..LIST.len()).filter(|&end| LIST.is_char_boundary(end)) {
        refused(&LIST[..end]);
    }
    let many = 1_000_000;
    for (from, to) in [
        ("\"probes\": [2]", format!("\"probes\": {}", "[".repeat(many))),
        ("\"name\": \"Z\"", format!("\"label\": {}", "[".repeat(many))),
        ("\"name\": \"Z\"", format!("\"name\": {}", "{\"a\":".repeat(many))),
        ("\"operands\": [1, 0]", format!("\"operands\": [{}0]", "1, ".repeat(many))),
        ("\"operands\": [1, 0]", format!("\"operands\": [1{}]", "0".repeat(many))),
        ("\"high\": \"inf\"", format!("\"high\": {}", "[1, ".repeat(many))),
    ] {
        refused(&LIST.replacen(from, &to, 1));
    }
    let random = &mut Random::new(1);
    let pieces = [
        "0",
        "1",
        "9",
        "-",
        "\"",
        "m",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "e",
        "null",
        "4294967296",
        "18446744073709551615",
    ];
    let mut read = 0;
    for _ in 0..20_000 {
        let mut text = LIST.to_owned();
        for _ in 0..=random.below(3) {
            let at = random.below(text.len());
            let length = [0, 1, 1, 2, 5][random.below(5)].min(text.len() - at);
            let piece = if random.below(4) == 0 { "" } else { pieces[random.below(pieces.len())] };
            if text.is_char_boundary(at) && text.is_char_boundary(at + length) {
                text.replace_range(at..at + length, piece);
            }
        }
        match Tape::<f64>::from_json(&text) {
            Ok(tape) => {
                read += 1;
                let again = Tape::<f64>::from_json(&tape.to_json()).unwrap();
                assert_eq!((again.to_string(), again.dot()), (tape.to_string(), tape.dot()));
            }
            Err(Error::Unreadable(found)) => {
                assert!(found.line <= 16 && found.column > 0, "{found:?}\n{text}")
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!((500..10_000).contains(&read), "{read} of the texts are still lists");
}

#[test]
fn a_view_is_held_while_recording_goes_on() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &matrix![[1.0], [2.0]]);
    let _ = (x + 1.0).tanh();
    let mut entries = tape.entries();
    assert_eq!(entries.len(), 4);
    let held = entries.next().unwrap();
    for entry in entries {
        let operands: Vec<_> =
            entry.operands().inspect(|operand| _ = operand.var().sin().named("sine")).collect();
        let of = entry.derivative_of().map(|of| of.with_respect_to.var().cos());
        assert_eq!((operands.len(), of), (entry.operands().len(), None));
    }
    let _ = x.named("renamed");
    assert_eq!((held.label().as_str(), held.leaf_kind()), ("renamed", Some(LeafKind::Parameter)));
    assert_eq!(tape.entry(tape.len()), None);
    // A view of a rule's own tape, too: what a name or a notation looks at is not borrowed.
    let [entry] = [held.var().entry().unwrap()];
    assert_eq!((entry, entry.index(), entry.id()), (held, 0, x.id().unwrap()));
    let void = x.matmul(x);
    assert_eq!(
        (void.entry().unwrap_err(), void.label().as_str()),
        (void.sound().unwrap_err(), "a void variable")
    );
}

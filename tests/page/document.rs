//! The document of a page against the program and the library's own equations.

use serde_json::Value;
use tape::{Error, Matrix, Mismatch, Operands, Operation, Page, Program, Shape, Tape, Vjp, matrix};

use crate::fixtures::{HOSTILE, hostile, naive, network, numbers, parsed, with_page, zoo};

const SIZES: [&[usize]; 3] = [&[2, 4, 1], &[30, 16, 1], &[3, 4, 2, 2]];

/// A number of the document as the type has it.
fn number(x: &Value) -> f64 {
    match x {
        Value::Number(x) => x.as_f64().expect("a number"),
        Value::String(word) => word.parse().expect("inf, -inf or NaN"),
        other => panic!("{other} is no number"),
    }
}

fn each<'a>(of: &'a Value, name: &str) -> &'a Vec<Value> {
    of[name].as_array().unwrap_or_else(|| panic!("{name} is no list"))
}

fn index(x: &Value) -> usize {
    usize::try_from(x.as_u64().expect("a whole number")).expect("a small one")
}

fn assert_values<T: mlp::Scalar>(tape: &Tape<T>, program: &Program<T>, document: &Value) {
    for (entry, var) in each(document, "entries").iter().zip(tape.variables()) {
        let (value, view) = (&entry["value"], program.view(var).expect("an output"));
        let (rows, columns) = (index(&value["rows"]), index(&value["columns"]));
        assert_eq!((rows, columns), view.shape(), "{entry}");
        for (k, x) in each(value, "data").iter().enumerate() {
            // The shortest decimal of the type is read as the number, by way of f64 too.
            let found = T::from_f64(number(x));
            assert_eq!(found.bits(), view[(k % rows, k / rows)].bits(), "%{}: {x}", entry["id"]);
        }
    }
}

#[test]
fn every_number_is_the_programs() {
    for sizes in SIZES {
        with_page::<f64, _>(sizes, |tape, program, page| {
            assert_values(tape, program, &parsed(&page.to_json().unwrap()));
        });
        with_page::<f32, _>(sizes, |tape, program, page| {
            assert_values(tape, program, &parsed(&page.to_json().unwrap()));
        });
    }
}

#[test]
fn every_equation_is_the_librarys() {
    let unmarked = |mathml: &str| {
        let mut parts = mathml.split(" data-entry=\"");
        let first = parts.next().unwrap_or_default().to_owned();
        first + &parts.map(|part| part.split_once('"').expect("its end").1).collect::<String>()
    };
    for sizes in SIZES {
        with_page::<f64, _>(sizes, |tape, _, page| {
            let document = parsed(&page.to_json().unwrap());
            let entries = each(&document, "entries");
            assert!(!entries.is_empty());
            for (entry, var) in entries.iter().zip(tape.variables()) {
                let equation = var.equation();
                assert_eq!(entry["equation"]["text"], equation.to_string());
                let mathml = entry["equation"]["mathml"].as_str().unwrap();
                assert_eq!(unmarked(mathml), equation.mathml());
                let operands: Vec<usize> = each(entry, "operands").iter().map(index).collect();
                let known: Vec<usize> = var.entry().unwrap().operands().map(|o| o.index()).collect();
                assert_eq!(operands, known);
            }
            // The lines are a system of the same tape.
            let lines = each(&document, "lines");
            let asked = entries.iter().filter(|e| {
                let is_leaf = each(e, "operands").is_empty();
                !is_leaf && (e["is_named"] == true || each(e, "used_by").is_empty())
            });
            let asked: Vec<_> = asked.map(|e| tape.entry(index(&e["id"])).unwrap().var()).collect();
            let expected = tape.equations(asked).to_string();
            let expected: Vec<&str> = expected.lines().map(str::trim).collect();
            let found: Vec<&str> = lines.iter().map(|line| line["text"].as_str().unwrap()).collect();
            assert_eq!(found, expected);
        });
    }
}

#[test]
fn each_symbol_names_its_entry() {
    with_page::<f64, _>(&[2, 4, 1], |tape, _, page| {
        let document = parsed(&page.to_json().unwrap());
        let dw = tape.entries().find(|entry| entry.label() == "∂J/∂W[2]").unwrap();
        let mathml = document["entries"][dw.index()]["equation"]["mathml"].as_str().unwrap();
        for name in ["∂ℒ/∂A[2]", "Z[2]", "A[1]"] {
            let named = tape.entries().find(|entry| entry.label() == name).unwrap().index();
            assert!(mathml.contains(&format!(" data-entry=\"{named}\"")), "{name} in {mathml}");
        }
    });
}

#[test]
fn the_textbooks_equations_are_marked_and_proven() {
    for (sizes, of_each) in [(&[2, 4, 1][..], 2), (&[3, 4, 2, 2], 3), (&[2, 1], 1)] {
        with_page::<f64, _>(sizes, |_, _, page| {
            let document = parsed(&page.to_json().unwrap());
            let marks = each(&document, "marks");
            let count = |equation: &str| marks.iter().filter(|mark| mark["equation"] == equation).count();
            let forward = ["eq. 23", "eq. 24", "eq. 5", "eq. 25"].map(count);
            assert_eq!(forward, [of_each, of_each, 1, 1]);
            let backward = ["eq. 8", "eq. 16", "eq. 26", "eq. 27", "eq. 28"].map(count);
            assert_eq!(backward, [1, of_each, of_each, of_each, of_each - 1]);
            let proofs: Vec<&Value> = marks.iter().filter_map(|mark| mark.get("proof")).collect();
            assert_eq!(proofs.len(), 4 * of_each);
            for proof in proofs {
                assert_eq!(proof["same"], true, "{proof}");
                assert_eq!(proof["before"], proof["after"]);
            }
        });
    }
}

#[test]
fn another_formula_is_not_the_same() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &matrix![[2.0, 3.0]]);
    let [dx] = x.square().sum().gradients([x]);
    let program = tape.compile([dx]).unwrap();
    let page = Page::new(&tape, &program);
    let other = x + x;
    let document = parsed(&page.prove(dx, "eq. 1", "", &[other]).unwrap().to_json().unwrap());
    let proof = &document["marks"][0]["proof"];
    assert_eq!(proof["same"], false);
    assert_eq!(
        (index(&proof["before"]) + 1, each(&document, "entries").len() + 1),
        (index(&proof["after"]), tape.len())
    );
}

#[test]
fn differences_agree_with_every_derivative_of_a_network() {
    for sizes in SIZES {
        with_page::<f64, _>(sizes, |_, _, page| {
            let document = parsed(&page.to_json().unwrap());
            let checked: Vec<&Value> =
                each(&document, "entries").iter().filter(|entry| entry.get("difference").is_some()).collect();
            // Of every layer A, Z, W, b, and what is handed out of the last two.
            assert!(checked.len() >= 6 * (sizes.len() - 1), "{}", checked.len());
            for entry in checked {
                assert_eq!(entry["difference"]["verdict"], "agrees", "{}", entry["difference"]);
                assert!(entry["difference"]["relative"].as_f64().unwrap() < 1e-7);
            }
        });
    }
}

/// x², whose derivative is said to be c·x.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Square(pub(crate) f64);

impl Eq for Square {}

impl std::hash::Hash for Square {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl Operation<f64> for Square {
    fn name(&self) -> std::borrow::Cow<'_, str> {
        "square".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0])
    }
    fn eval(
        &self,
        operands: &Operands<'_, f64>,
        out: &mut tape::MatrixMut<'_, f64>,
    ) -> Result<(), tape::Fault> {
        let x = operands.get(0);
        for (out, &x) in out.as_mut_slice().iter_mut().zip(x.as_slice()) {
            *out = x * x;
        }
        Ok(())
    }
    fn vjp<'t>(&self, vjp: &mut Vjp<'_, 't, f64>) {
        let x = vjp.operand(0);
        let c = self.0;
        vjp.contribute(0, |g| g * (x * c));
    }
}

#[test]
fn a_wrong_rule_differs_and_a_corner_is_unchecked() {
    let verdict = |factor: f64| {
        let tape = Tape::<f64>::new();
        let x = tape.parameter("x", &matrix![[2.0, 3.0]]);
        let [dx] = tape.apply(Square(factor), [x]).sum().gradients([x]);
        let document = parsed(&Page::new(&tape, &tape.compile([dx]).unwrap()).to_json().unwrap());
        document["entries"][dx.index().unwrap()]["difference"].clone()
    };
    assert_eq!(verdict(2.0)["verdict"], "agrees");
    assert_eq!(verdict(2.001)["verdict"], "differs");
    assert!((number(&verdict(3.0)["data"][1]) - 6.0).abs() < 1e-8, "what differences say");

    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &matrix![[0.0]]);
    let [dx] = x.relu().sum().gradients([x]);
    let document = parsed(&Page::new(&tape, &tape.compile([dx]).unwrap()).to_json().unwrap());
    let difference = &document["entries"][dx.index().unwrap()]["difference"];
    assert_eq!((&difference["verdict"], &difference["reason"]), (&"unchecked".into(), &"corner".into()));
}

#[test]
fn where_a_nan_begins_is_told_without_protection_alone() {
    let html = naive();
    let document = parsed(document_of(&html));
    assert_eq!(document["naive"], true);
    let entries = each(&document, "entries");
    let is_bad = |value: &Value| value["not_finite"].is_array();
    // ∂ℒ/∂A is e^1000 itself; what is made of it is finite.
    for name in ["J", "∂ℒ/∂Z"] {
        let entry = entries.iter().find(|entry| entry["name"] == name).unwrap();
        assert!(!is_bad(&entry["value"]) && is_bad(&entry["literal"]), "{entry}");
    }
    let bad: Vec<&Value> = entries.iter().filter(|entry| is_bad(&entry["literal"])).collect();
    assert_eq!(bad[0]["operation"], "ln"); // of 1 − σ(1000) = 0
    assert_eq!(bad[0]["literal"]["not_finite"], serde_json::json!([0, 1]));
    assert_eq!(bad[0]["literal"]["data"][1], "-inf");
}

/// What stands between the tags of the document.
fn document_of(html: &str) -> &str {
    let (_, rest) = html.split_once("id=\"document\">").expect("the document");
    rest.split_once("</script>").expect("its end").0
}

#[test]
fn hostile_names_stay_inside_of_the_document() {
    let html = hostile();
    let inside = document_of(&html);
    for sign in ['<', '\u{2028}', '\u{0}', '\n'] {
        assert!(!inside.contains(sign), "{sign:?} is in the document");
    }
    assert_eq!(html.matches("<script").count(), 2, "the document and the scripts");
    assert_eq!(html.matches("</script").count(), 2);
    let document = parsed(inside);
    let names: Vec<&str> = each(&document, "entries").iter().map(|e| e["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"<img src=x onerror=\"window.harmed = 2\">"), "{names:?}");
    for name in HOSTILE {
        let shown = tape::printable(name).into_owned();
        let one_line: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let one_line = tape::printable(one_line.trim()).into_owned();
        assert!(names.contains(&shown.as_str()) || names.contains(&one_line.as_str()), "{name:?}: {names:?}");
    }
    for entry in each(&document, "entries") {
        for form in ["equation", "step"] {
            let Some(mathml) = entry[form]["mathml"].as_str() else { continue }; // too long
            assert!(!mathml.contains("<img") && !mathml.contains("<script"), "{mathml}");
            assert_eq!(mathml.matches("<math").count(), 1, "{mathml}");
        }
    }
}

#[test]
fn values_are_of_what_is_bound_now() {
    let (network, x, y) = network::<f64>(&[2, 3, 1], 4);
    let tape = Tape::new();
    let recorded = network.record(&tape, &x, &y).unwrap();
    let mut program = tape.compile([recorded.j]).unwrap();
    program.bind(recorded.x(), &numbers(2, 7, 9)).unwrap();
    program.bind(recorded.y, &Matrix::zeros(1, 7)).unwrap();
    program.bind(recorded.b[0], &matrix![[1.5], [2.5], [3.5]]).unwrap();
    program.run().unwrap();
    let document = parsed(&Page::new(&tape, &program).to_json().unwrap());
    assert_eq!(document["m"], 7);
    let value = |var: tape::Var<'_, f64>| document["entries"][var.index().unwrap()]["value"].clone();
    assert_eq!(value(recorded.b[0])["data"], serde_json::json!([1.5, 2.5, 3.5]));
    assert_eq!(number(&value(recorded.j)["data"][0]), program.scalar(recorded.j).unwrap());
}

#[test]
fn any_tape_is_a_page() {
    zoo(|tape, program| {
        let document = parsed(&Page::new(tape, program).to_json().unwrap());
        let entries = each(&document, "entries");
        assert_eq!(entries.len(), tape.len());
        for (entry, var) in entries.iter().zip(tape.variables()) {
            // What the program has is what the page has: its noise, too.
            if let Ok(view) = program.view(var) {
                let found: Vec<u64> =
                    each(&entry["value"], "data").iter().map(|x| number(x).to_bits()).collect();
                let expected: Vec<u64> = view.as_slice().iter().map(|x| x.to_bits()).collect();
                assert_eq!(found, expected, "{}", var.label());
            }
            if let Some(difference) = entry.get("difference") {
                assert_ne!(difference["verdict"], "differs", "{}: {difference}", var.label());
            }
            let is_known = entry["name"] != "unused"
                && !each(entry, "operands").iter().any(|id| entries[index(id)]["name"] == "unused");
            assert_eq!(entry["value"].is_object(), is_known, "{entry}");
        }
        let checked = entries.iter().filter(|e| e["difference"]["verdict"] == "agrees").count();
        assert!(checked >= 10, "{checked}");
        let nodes = each(&document["graph"], "nodes").len();
        let numbers = entries.iter().filter(|entry| entry["kind"] == "Number").count();
        assert_eq!(nodes + numbers, entries.len());
    });
}

#[test]
fn what_cannot_be_computed_has_no_value() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter("x", &matrix![[2.0]]);
    let v = tape.parameter_unbound("v", Shape::new(1, 1));
    let (y, z) = (x.square(), x * v);
    let program = tape.compile([y]).unwrap();
    let document = parsed(&Page::new(&tape, &program).to_json().unwrap());
    let value = |var: tape::Var<'_, f64>| document["entries"][var.index().unwrap()]["value"].clone();
    assert_eq!(number(&value(y)["data"][0]), 4.0);
    assert_eq!((value(v), value(z)), (Value::Null, Value::Null));
    let unbound = tape.compile([z]).unwrap();
    assert!(matches!(tape.to_html(&unbound), Err(Error::Unbound { .. })));
    let other = Tape::<f64>::new();
    let foreign = other.compile([other.scalar(1.0)]).unwrap();
    assert!(matches!(tape.to_html(&foreign), Err(Error::ForeignVariable { .. })));
}

#[test]
fn what_is_large_is_cut() {
    let tape = Tape::<f64>::new();
    let w = tape.parameter("W", &numbers(300, 400, 5));
    let program = tape.compile([w.sum()]).unwrap();
    let html = tape.to_html(&program).unwrap();
    assert!(html.len() < 300_000, "{}", html.len());
    let document = parsed(document_of(&html));
    let value = &document["entries"][0]["value"];
    assert_eq!((&value["rows"], &value["columns"], &value["whole"]), (&64.into(), &64.into(), &false.into()));
    assert_eq!(document["entries"][0]["columns"], 400);
    assert_eq!(number(&value["data"][65]), number(&serde_json::json!(((5 + 7 + 31) as f64).sin())));
}

#[test]
fn a_page_of_nothing_is_a_page() {
    let tape = Tape::<f64>::new();
    let program = tape.compile([]).unwrap();
    let document = parsed(document_of(&tape.to_html(&program).unwrap()));
    assert!(each(&document, "entries").is_empty() && each(&document, "lines").is_empty());
}

#[test]
fn a_page_asks_for_nothing() {
    let html = with_page::<f64, _>(&[2, 4, 1], |_, _, page| page.to_html().unwrap());
    for word in [
        "http://",
        "https://",
        "fetch(",
        "XMLHttpRequest",
        "localStorage",
        "sessionStorage",
        "cookie",
        "import(",
    ] {
        let known = html.matches("http://www.w3.org/").count(); // names of SVG and MathML, which nobody asks
        let found = html.matches(word).count() - if word == "http://" { known } else { 0 };
        assert_eq!(found, 0, "{word}");
    }
}

#[test]
fn the_picture_of_the_readme_has_the_pages_colours() {
    let read =
        |path: &str| std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (style, picture) = (read("crates/tape/src/page/front/style.css"), read("docs/mirror.svg"));
    let (_, backward) = style.split_once("--backward: light-dark(").expect("the colours of derivatives");
    let (light, dark) = backward.split_once(");").expect("their end").0.split_once(", ").expect("two");
    let [before_dark, in_dark] = picture.split("prefers-color-scheme: dark").collect::<Vec<_>>()[..] else {
        panic!("two schemes are expected");
    };
    for (part, colour) in [(before_dark, light), (in_dark, dark)] {
        let strokes = part.lines().filter(|line| line.contains(".cotangent .shape"));
        let strokes: Vec<&str> = strokes.filter(|line| line.contains(&format!("stroke: {colour}"))).collect();
        assert_eq!(strokes.len(), 1, "{colour}");
    }
}

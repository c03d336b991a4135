//! Every error that the tape gives: how it comes about, and its text to the letter, with the user's own line.

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};

use tape::{
    Dim, Error, Fault, Function, Image, Matrix, MatrixMut, Mismatch, Operands, Operation, Options, Over,
    Result, Shape, Tape, Var, Vjp, Window, matrix,
};

use crate::support::message::assert_message;

fn zeros<'t>(tape: &'t Tape<f64>, name: &str, rows: usize, columns: usize) -> Var<'t, f64> {
    tape.parameter(name, &Matrix::zeros(rows, columns))
}

#[track_caller]
fn assert_error<T: std::fmt::Debug>(found: Result<T>, text: &str) {
    assert_message(found.expect_err("an error"), text);
}

/// Asserts that a variable carries a mistake, that it stands in this file, and that the tape and what depends on the
/// variable tell the same.
#[track_caller]
fn assert_void(variable: Var<'_, f64>, text: &str) {
    let mistake = variable.sound().expect_err("a mistake");
    assert_message(&mistake, text);
    let tape = variable.tape();
    let (known, length) = (tape.len(), tape.variables().count());
    let later = (variable.tanh() * variable).named("later").sum();
    let [gradient] = later.gradients([variable]);
    let stacked = tape.stack_rows(&[variable, later]);
    for void in
        [variable, later, gradient, stacked, variable.t(), variable.select(later, later), variable.mean()]
    {
        assert_eq!(void.sound(), Err(mistake.clone()));
        assert_eq!(void.value().unwrap_err(), mistake);
        assert_eq!(void.shape().unwrap_err(), mistake);
        assert_eq!((void.index(), void.name()), (None, None));
    }
    assert_eq!(tape.compile([variable]).map(|_| ()), Err(mistake.clone()));
    assert_eq!(tape.compile_with([later], Options::literal()).map(|_| ()), Err(mistake.clone()));
    assert_eq!((tape.len(), tape.variables().count()), (known, length), "what is void is not recorded");
}

// ---- Matrices -------------------------------------------------------------------------------------------------

#[test]
fn matrices() {
    let huge = usize::MAX / 2;
    assert_error(
        Matrix::<f64>::try_zeros(huge, 3),
        &format!("matrix: {huge}×3 entries do not fit the address space"),
    );
    // 2⁵⁹ numbers of 8 bytes: within the address space of pointers, beyond any memory.
    let (rows, columns) = (1 << 30, 1 << 29);
    assert_error(
        Matrix::<f64>::try_zeros(rows, columns),
        "matrix: no memory for 1073741824×536870912 entries (4611686018427387904 bytes)",
    );
    assert_error(Matrix::from_vec(2, 3, vec![0.0; 5]), "matrix: 2×3 needs 6 values, 5 were given");
    assert_error(Matrix::from_slice(0, 3, &[1.0]), "matrix: 0×3 needs 0 values, 1 were given");
    assert_error(
        Matrix::from_rows(&[vec![1.0, 2.0], vec![3.0, 4.0], vec![5.0]]),
        "matrix: row 2 has 1 values, row 0 has 2",
    );
    assert_error(
        Matrix::from_columns(&[vec![1.0], vec![2.0, 3.0]]),
        "matrix: column 1 has 2 values, column 0 has 1",
    );
}

// ---- Recording ------------------------------------------------------------------------------------------------

#[test]
fn shapes() {
    let tape = Tape::new();
    let w = zeros(&tape, "W[2]", 3, 4);
    let x = tape.examples("X", &Matrix::zeros(30, 7));
    assert_void(
        w.matmul(x),
        "matmul: inner dimensions differ: W[2] is 3×4, X is 30×m (did you mean its transpose? examples are columns), at {place}",
    );
    assert_void(
        w.matmul(zeros(&tape, "A", 5, 2)),
        "matmul: inner dimensions differ: W[2] is 3×4, A is 5×2, at {place}",
    );
    assert_void(w + x, "add: shapes do not go together elementwise: W[2] is 3×4, X is 30×m, at {place}");
    assert_void(
        w - tape.constant("c", &Matrix::zeros(4, 1)),
        "subtract: shapes do not go together elementwise: W[2] is 3×4, c is 4×1, at {place}",
    );
    // An entry without a name is told by its number and operation.
    let number = tape.len();
    assert_void(
        w.tanh() * x,
        &format!(
            "multiply: shapes do not go together elementwise: %{number} (tanh) is 3×4, X is 30×m, at {{place}}"
        ),
    );
    assert_void(
        x.sigmoid().named("A").log_loss(zeros(&tape, "Y", 30, 7)),
        "log_loss: labels and predictions differ in shape: Y is 30×7, A is 30×m, at {place}",
    );
    assert_void(
        w.select(x, 1.0),
        "select: mask and choices do not go together elementwise: W[2] is 3×4, X is 30×m, 1 is 1×1, at {place}",
    );
    assert_void(tape.stack_rows(&[]), "stack_rows: nothing to stack, at {place}");
    assert_void(
        tape.stack_rows(&[w, x]),
        "stack_rows: the other extents differ: W[2] is 3×4, X is 30×m, at {place}",
    );
    assert_void(
        tape.stack_columns(&[x, x]),
        "stack_columns: an extent that is m cannot be stacked: X is 30×m, X is 30×m, at {place}",
    );
    assert_void(w.rows(2..5), "rows[2..5]: the range is not inside: W[2] is 3×4, at {place}");
    assert_void(
        x.broadcast_to(Shape::new(30, 2)),
        "repeat: cannot be repeated to 30×2: X is 30×m, at {place}",
    );
    let empty = zeros(&tape, "E", 0, 3);
    assert_void(empty.max(), "max: nothing has no maximum: E is 0×3, at {place}");
    assert_void(empty.mean(), "mean: a mean over nothing: E is 0×3, at {place}");
    let [vjp] = w.vjp([w], x);
    assert_void(vjp, "vjp: the cotangent X is 30×m, W[2] is 3×4, at {place}");
    assert_void(w.jvp([w], [x]), "jvp: the tangent X is 30×m, W[2] is 3×4, at {place}");
    let [hvp] = w.square().sum().hvp([w], [x]);
    assert_void(hvp, "hvp: the vector X is 30×m, W[2] is 3×4, at {place}");
    assert_error(
        w.per_example_gradients([w]),
        "per_example_gradients: W[2] is 3×4, a row of losses is 1×m, at {place}",
    );
}

/// The first mistake of a tape is the one it tells; others are told by what depends on them alone.
#[test]
fn the_first_mistake_and_the_others() {
    let tape = Tape::new();
    let (a, b, c) = (zeros(&tape, "a", 2, 3), zeros(&tape, "b", 3, 3), zeros(&tape, "c", 4, 1));
    assert_eq!(tape.check(), Ok(()));
    let (first, second) = (a + b, a + c);
    let of = |left: &str, right: &str| {
        format!("add: shapes do not go together elementwise: {left}, {right}, at {{place}}")
    };
    assert_error(tape.check(), &of("a is 2×3", "b is 3×3"));
    assert_error(second.value(), &of("a is 2×3", "c is 4×1"));
    // Of two void operands the first one tells.
    assert_error((second * first).value(), &of("a is 2×3", "c is 4×1"));
    assert_error((first * second).value(), &of("a is 2×3", "b is 3×3"));
    // What does not depend on a mistake is as sound as before.
    assert_eq!((a + 1.0).sum().value(), Ok(Matrix::scalar(6.0)));
}

/// The line is the user's, also where a method calls others, and where a gradient records.
#[test]
fn the_line_is_the_users() {
    let tape = Tape::new();
    let (a, b) = (zeros(&tape, "a", 2, 3), zeros(&tape, "b", 3, 3));
    let (here, void) = (line!(), a.squared_error(b));
    assert!(
        void.sound().unwrap_err().to_string().contains(&format!("tests/laws/errors.rs:{here}:")),
        "{void:?}"
    );
    let g = Function::new("g", |x: f64| x);
    let y = a.map(&g).sum();
    let (here, [void]) = (line!(), y.gradients([a]));
    assert!(
        void.sound().unwrap_err().to_string().ends_with(&format!("tests/laws/errors.rs:{here}:38")),
        "{void:?}"
    );
}

#[test]
fn foreign_variables() {
    let (tape, other) = (Tape::new(), Tape::new());
    let (a, b) = (zeros(&tape, "a", 1, 1), zeros(&other, "b", 1, 1));
    assert_void(a + b, "add: b belongs to another tape, at {place}");
    assert_void(a.matmul(b), "matmul: b belongs to another tape, at {place}");
    assert_void(tape.stack_rows(&[a, b]), "stack_rows: b belongs to another tape, at {place}");
    assert_void(tape.apply(Odd::Fails, [b]), "odd: b belongs to another tape, at {place}");
    assert_void(a.less(b), "less: b belongs to another tape, at {place}");
    assert_void(a.xlogy(b), "xlogy: b belongs to another tape, at {place}");
    assert_void(a.quantile_loss(b, 0.5), "subtract: b belongs to another tape, at {place}");
    let image = Image { channels: 1, height: 1, width: 1 };
    let convolved = a.conv2d(image, b, None, Window::new(1, 1));
    assert_void(convolved, "matmul: b belongs to another tape, at {place}");
    let [gradient] = a.gradients([b]);
    assert_void(gradient, "gradients: b belongs to another tape, at {place}");
    let [vjp] = a.vjp([a], b);
    assert_void(vjp, "vjp: b belongs to another tape, at {place}");
    assert_error(tape.compile([a, b]), "compile: b belongs to another tape, at {place}");
    // What is void stays so on another tape, with its own mistake.
    let void = b + zeros(&other, "c", 2, 2).matmul(b);
    let text = "matmul: inner dimensions differ: c is 2×2, b is 1×1, at {place}";
    assert_void(void, text);
    assert_void(a * void, text);
    let mut program = tape.compile([a]).unwrap();
    assert_error(program.bind(b, &Matrix::zeros(1, 1)), "program: b belongs to another tape, at {place}");
    assert_error(program.view(b), "program: b belongs to another tape, at {place}");
}

// ---- Derivatives ----------------------------------------------------------------------------------------------

#[test]
fn gradients_of_what_is_no_scalar() {
    let tape = Tape::new();
    let x = tape.examples("X", &Matrix::zeros(3, 5));
    let loss = x.squared_error(1.0).named("ℒ");
    let text = |shape: &str| {
        format!(
            "gradients: ℒ is {shape}, not 1×1: reduce it first (sum or mean), or give a cotangent to vjp, at {{place}}"
        )
    };
    let [dx] = loss.gradients([x]);
    assert_void(dx, &text("1×m"));
    // Also if there happens to be one example: the shape is 1×m.
    assert_void(loss.gradients_or_zeros([x])[0], &text("1×m"));
    let [dx] = loss.hvp([x], [x]);
    assert_void(dx, &text("1×m"));
    assert_error(loss.hessian([x]), &text("1×m"));
}

#[test]
fn what_the_output_does_not_depend_on() {
    let tape = Tape::new();
    let (w, b) = (zeros(&tape, "W", 2, 2), zeros(&tape, "b", 2, 1));
    let j = w.sum().named("J");
    let text = "gradients: J does not depend on b (gradients_or_zeros gives zeros), at {place}";
    let [dw, db] = j.gradients([w, b]);
    assert_void(db, text);
    // All that was asked for in one call is void: none is used by mistake.
    assert_void(dw, text);
    assert_void(j.gradients([b])[0], text);
    // There is no such method for the others.
    let of = |method: &str| {
        format!("{method}: J does not depend on b (its part is zero: leave it out), at {{place}}")
    };
    assert_void(j.vjp([b], tape.scalar(1.0))[0], &of("vjp"));
    assert_void(j.jvp([w, b], [w, b]), &of("jvp"));
    assert_void(j.hvp([b], [b])[0], &of("hvp"));
    assert_error(j.jacobian([b]), &of("jacobian"));
    assert_error(j.hessian([b]), &of("hessian"));
    // A later entry is none that the output depends on either.
    assert_void(
        j.gradients([(j * 2.0).named("K")])[0],
        "gradients: J does not depend on K (gradients_or_zeros gives zeros), at {place}",
    );
    let [dw, db] = j.gradients_or_zeros([w, b]);
    assert_eq!((dw.value(), db.value()), (Ok(Matrix::filled(2, 2, 1.0)), Ok(Matrix::zeros(2, 1))));
}

#[test]
fn variables_in_any_form_of_list() {
    let tape = Tape::new();
    let (w, b) = (zeros(&tape, "W", 2, 2), zeros(&tape, "b", 2, 1));
    let j = (w + b).sum().named("J");
    let (array, list) = ([w, b], vec![w, b]);
    let expected: [Var<'_, f64>; 2] = j.gradients(array);
    let by_reference: [Var<'_, f64>; 2] = j.gradients(&array);
    let of_slice: Vec<Var<'_, f64>> = j.gradients(&array[..]);
    assert!(by_reference == expected && of_slice == expected);
    assert!(j.gradients(&list) == expected && j.gradients(list) == expected);
    // An error notes the line that asked, whatever the list is, and each of the results carries it.
    let k = zeros(&tape, "K", 1, 1);
    let text = "gradients: J does not depend on K (gradients_or_zeros gives zeros), at {place}";
    assert_void(j.gradients([w, k])[1], text);
    let all = vec![w, k];
    let (borrowed, of_slice) = (j.gradients(&all), j.gradients(&all[..]));
    let of_list = j.gradients(all);
    for results in [borrowed, of_slice, of_list] {
        assert_eq!(results.len(), 2);
        assert_void(results[0], text);
        assert_void(results[1], text);
    }
    // With nothing asked for there is nothing to carry it.
    assert_eq!(w.gradients([]), []);
    assert_eq!(w.gradients(Vec::new()), []);
}

#[test]
#[should_panic(expected = "a tangent for each variable")]
fn as_many_tangents_as_variables() {
    let tape = Tape::new();
    let w = zeros(&tape, "W", 2, 2);
    let _ = w.sum().jvp(&[w, w][..], &[w][..]);
}

/// A tape that a rule has not been given.
fn another_tape() -> &'static Tape<f64> {
    Box::leak(Box::new(Tape::new()))
}

/// An operation of the user's that gives what the fields say.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Odd {
    NoShape,
    ShapeThatGrows,
    ForgetsARule,
    KnowsNoRule,
    WrongShape,
    OfAnotherTape,
    SummedOfAnotherTape,
    WrongOfAnotherTape,
    OneOperandMore,
    Fails,
}

impl Operation<f64> for Odd {
    fn name(&self) -> Cow<'_, str> {
        "odd".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        match self {
            Odd::ShapeThatGrows => {
                static ROWS: AtomicUsize = AtomicUsize::new(1);
                Ok(Shape { rows: ROWS.fetch_add(1, Ordering::Relaxed).into(), ..operands[0] })
            }
            Odd::NoShape => Err(Mismatch::new("takes nothing").hint("not even this")),
            _ => Ok(operands[0]),
        }
    }
    fn eval(&self, x: &Operands<'_, f64>, out: &mut MatrixMut<'_, f64>) -> Result<(), Fault> {
        if *self == Odd::Fails {
            return Err(Fault::Other("does not like these numbers".into()));
        }
        out.as_mut_slice().copy_from_slice(x.get(0).as_slice());
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, f64>) {
        match self {
            Odd::NoShape | Odd::ShapeThatGrows | Odd::ForgetsARule => {}
            Odd::KnowsNoRule => at.missing(0, "the inverse"),
            Odd::WrongShape => at.contribute(0, |g| g.sum_over(Over::Rows).t()),
            Odd::OfAnotherTape => at.contribute(0, |_| another_tape().parameter("far", &Matrix::zeros(2, 3))),
            Odd::SummedOfAnotherTape => {
                at.contribute_elementwise(0, |_| another_tape().parameter("far", &Matrix::zeros(2, 3)));
            }
            Odd::OneOperandMore => at.contribute(1, |g| g),
            Odd::WrongOfAnotherTape => at.contribute(0, |g| another_tape().scalar(2.0).matmul(g)),
            Odd::Fails => at.contribute(0, |g| g),
        }
    }
}

#[test]
fn missing_derivatives() {
    let tape = Tape::new();
    let x = tape.parameter("x", &Matrix::filled(2, 3, 0.5));
    let step = Function::new("step", |x: f64| if x > 0.0 { 1.0 } else { 0.0 });
    let text = |what: &str| {
        format!("gradients: {what} gives no derivative with respect to its operand 0, needed at {{place}}")
    };
    let y = x.map(&step).sum();
    assert_eq!(y.value(), Ok(Matrix::scalar(6.0)));
    assert_void(y.gradients([x])[0], &text("step"));
    // A derivative that is given, but has none of its own: the second order is missing.
    let once = Function::new("once", |x: f64| x).with_derivative(Function::new("slope", |_| 1.0));
    let [dx] = x.map(&once).sum().gradients([x]);
    assert_eq!(dx.value(), Ok(Matrix::filled(2, 3, 1.0)));
    assert_void(dx.sum().gradients([x])[0], &text("slope"));
    assert_void(tape.apply(Odd::ForgetsARule, [x]).sum().gradients([x])[0], &text("odd"));
    assert_void(tape.apply(Odd::KnowsNoRule, [x]).sum().gradients([x])[0], &text("the inverse"));
    // Where nothing has to pass through it, nothing is missing.
    let z = (x.map(&step) * x).sum();
    let constant = tape.constant("c", &Matrix::filled(2, 3, 0.5));
    assert!(z.gradients([x])[0].sound().is_err());
    assert_eq!((constant.map(&step) * x).sum().gradients([x])[0].value(), Ok(Matrix::filled(2, 3, 1.0)));
}

#[test]
fn operations_of_the_users() {
    let tape = Tape::new();
    let x = tape.parameter("x", &Matrix::filled(2, 3, 0.5));
    assert_void(tape.apply(Odd::NoShape, [x]), "odd: takes nothing: x is 2×3 (not even this), at {place}");
    assert_void(
        tape.apply(Odd::WrongShape, [x]).sum().gradients([x])[0],
        "odd: its vjp gives 3×1 for operand 0, x is 2×3, at {place}",
    );
    for odd in [Odd::OfAnotherTape, Odd::SummedOfAnotherTape] {
        assert_void(
            tape.apply(odd, [x]).sum().gradients([x])[0],
            "odd: far belongs to another tape, at {place}",
        );
    }
    let foreign = tape.apply(Odd::WrongOfAnotherTape, [x]);
    for [derivative] in [foreign.sum().gradients([x]), foreign.square().sum().hvp([x], [x])] {
        assert!(matches!(derivative.sound(), Err(Error::ForeignVariable { .. })), "{derivative:?}");
    }
    assert_error(
        tape.apply(Odd::Fails, [x]).value(),
        "odd: does not like these numbers, recorded at {place}",
    );
}

/// In debug builds, where the stages of the compiler are looked at.
#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build asks once")]
#[should_panic(expected = "a shape rule of one's own is to say the same whenever it is asked")]
fn a_shape_rule_that_changes_its_mind() {
    let tape = Tape::new();
    let x = zeros(&tape, "x", 2, 3);
    let _ = tape.apply(Odd::ShapeThatGrows, [x]).value();
}

#[test]
#[should_panic(expected = "odd has no operand 1, but 1 from 0 on")]
fn a_rule_for_an_operand_that_there_is_not() {
    let tape = Tape::new();
    let x = zeros(&tape, "x", 2, 3);
    let _ = tape.apply(Odd::OneOperandMore, [x]).sum().gradients([x]);
}

// ---- Running --------------------------------------------------------------------------------------------------

#[test]
fn a_mean_over_no_examples() {
    let tape = Tape::new();
    let x = tape.examples("X", &Matrix::zeros(2, 0));
    let w = zeros(&tape, "w", 2, 1);
    let j = (w * x).mean().named("J");
    let text = "mean: J is a mean over m = 0 examples, recorded at {place}";
    assert_error(j.value(), text);
    // Its gradient has the factor 1/m too.
    let [dw] = j.gradients([w]);
    assert_error(dw.value(), "mean: ∂J/∂w is a mean over m = 0 examples, recorded at {place}");
    assert_eq!((w * x).sum().value(), Ok(Matrix::scalar(0.0)));
    // Found when the batch is bound, and over with the next one.
    for options in [Options::default(), Options::literal()] {
        let mut program = tape.compile_with([j], options).unwrap();
        program.bind(x, &Matrix::filled(2, 3, 1.0)).unwrap();
        assert_eq!(program.run(), Ok(()));
        program.bind(x, &Matrix::zeros(2, 0)).unwrap();
        assert_error(program.run(), text);
        assert_error(program.run_checked(), text);
        assert_eq!(program.scalar(j), Err(Error::NotRun));
        program.bind(x, &Matrix::filled(2, 1, 1.0)).unwrap();
        assert_eq!(program.run(), Ok(()));
    }
    // Of what has no name it is not known that it was written as a mean.
    let error = (x.sum() * tape.one_over_m()).value().unwrap_err();
    assert!(matches!(error, Error::EmptyBatch { .. }));
    let text = error.to_string();
    assert!(text.starts_with("run: m = 0, there are no examples, and %"), "{text}");
    assert!(text.contains(" has the factor 1/m, recorded at tests/laws/errors.rs:"), "{text}");
    assert_error(
        x.max_over(Over::Columns).value(),
        "max_columns: the maximum over m = 0 examples does not exist, recorded at {place}",
    );
}

/// A label outside [0, 1] is told with its place among all examples, in the first tile and in later ones, by both losses.
#[test]
fn labels() {
    let tape = Tape::<f64>::new();
    for (rows, m) in [(1, 1), (1, 3000), (3, 1025), (40, 750)] {
        let z = tape.examples_unbound("Z", rows);
        let y = tape.examples_unbound("Y", rows);
        for loss in [z.sigmoid().log_loss(y), z.log_loss_on_logits(y)] {
            let j = loss.mean();
            for options in [Options::default(), Options::literal()] {
                let mut program = tape.compile_with([j], options).unwrap();
                program.bind(z, &Matrix::zeros(rows, m)).unwrap();
                for (row, column) in [(0, 0), (rows - 1, 255), (0, 256), (rows / 2, 700), (rows - 1, m - 1)] {
                    let column = column.min(m - 1);
                    for value in [-0.5, 1.0 + f64::EPSILON, f64::NAN, f64::INFINITY] {
                        let mut labels = Matrix::filled(rows, m, 1.0);
                        labels[(row, column)] = value;
                        // A second one further on is not the one that is told.
                        labels[(rows - 1, m - 1)] = value;
                        program.bind(y, &labels).unwrap();
                        let text = format!(
                            "log_loss: label {value} at row {row}, column {column} of Y is not in [0, 1], loss recorded at {{place}}"
                        );
                        assert_error(program.run(), &text);
                        assert_eq!(program.view(j).map(|_| ()), Err(Error::NotRun));
                    }
                }
                program.bind(y, &Matrix::filled(rows, m, 1.0)).unwrap();
                program.run().unwrap();
                // ln 2 for each row, of the logit 0.
                let off = (program.scalar(j).unwrap() - rows as f64 * std::f64::consts::LN_2).abs();
                // Sums of 40 · 750 terms.
                assert!(off < 1e-12 * rows as f64, "{off:.1e}");
            }
        }
    }
}

#[test]
fn what_is_selected() {
    let tape = Tape::<f64>::new();
    let known = tape.examples("K", &Matrix::zeros(2, 4));
    let mut of_known = tape.compile([known.sum()]).unwrap();
    assert_error(
        of_known.select_columns(known, &[3, 0, 4]),
        "select_columns: K has 4 examples (columns), from 0, and no column 4",
    );
    of_known.bind(known, &Matrix::zeros(2, 5)).unwrap();
    assert_error(
        of_known.select_columns(known, &[0]),
        "select_columns: K has no value of the tape's now: columns are selected of that alone",
    );
}

#[test]
fn what_is_bound() {
    let tape = Tape::new();
    let x = tape.examples_unbound("X", 3);
    let y = tape.examples_unbound("Y", 2);
    let w = tape.parameter_unbound("W", Shape::new(2, 3));
    let square = tape.parameter_unbound("S", Shape::new(Dim::M, Dim::M));
    let c = tape.constant("c", &Matrix::zeros(2, 1));
    let unused = zeros(&tape, "unused", 2, 3);
    let z = (w.matmul(x) + c + y).named("Z");
    let mut program = tape.compile([z]).unwrap();
    assert_eq!(program.m(), None);
    let other = Matrix::zeros(2, 5);
    assert_error(program.bind(x, &other), "bind: X is 3×m, the matrix given is 2×5");
    assert_error(program.bind(w, &other), "bind: W is 2×3, the matrix given is 2×5");
    assert_error(program.bind_columns(x, &other, &[4]), "bind_columns: X is 3×m, the matrix given is 2×1");
    assert_error(program.bind_if_needed(x, &other), "bind_if_needed: X is 3×m, the matrix given is 2×5");
    assert_error(
        program.select_columns(x, &[0]),
        "select_columns: X has no value of the tape's now: columns are selected of that alone",
    );
    assert_error(
        program.select_columns(w, &[0]),
        "select_columns: W has no columns that are examples to select",
    );
    assert_error(
        program.select_columns(c, &[0]),
        "select_columns: c is a constant: record it as a parameter or as examples to bind it",
    );
    assert_error(
        program.select_columns(unused, &[0]),
        "program: unused is neither an output nor a leaf of this program",
    );
    assert_error(
        program.bind(c, &Matrix::zeros(2, 1)),
        "bind: c is a constant: record it as a parameter or as examples to bind it",
    );
    assert_error(program.bind(z, &other), "bind: Z is not a leaf: only parameters and examples can be bound");
    assert_error(
        program.parameter_mut(z).map(|_| ()),
        "parameter_mut: Z is not a leaf: only parameters and examples can be bound",
    );
    assert_error(
        program.bind(unused, &other),
        "program: unused is neither an output nor a leaf of this program",
    );
    assert_error(
        program.update(z, z, |_, _| ()),
        "update: Z is not a leaf: only parameters and examples can be bound",
    );
    assert_eq!(program.bind_if_needed(unused, &other), Ok(false));
    assert_error(program.view(unused), "program: unused is neither an output nor a leaf of this program");

    // The first leaf of the tape that has none is told.
    assert_error(program.run(), "run: X has no value: bind one first");
    assert_error(program.run_checked(), "run: X has no value: bind one first");
    assert_error(program.view(w), "run: W has no value: bind one first");
    assert_error(program.parameter_mut(w).map(|_| ()), "run: W has no value: bind one first");
    program.bind(x, &Matrix::zeros(3, 4)).unwrap();
    assert_error(program.run(), "run: Y has no value: bind one first");
    program.bind(y, &other).unwrap();
    program.bind(w, &Matrix::zeros(2, 3)).unwrap();
    assert_error(program.run(), "run: X holds 4 examples (columns), Y holds 5");
    assert_eq!(program.m(), None);
    let none =
        "program: no results: the program was not run yet, or its last run failed (last_error tells why)";
    assert_error(program.view(z), none);
    assert!(matches!(program.last_error(), Some(Error::ExamplesDiffer { .. })));
    program.bind(x, &Matrix::zeros(3, 5)).unwrap();
    assert_eq!((program.m(), program.run()), (Some(5), Ok(())));
    assert_error(program.scalar(z), "scalar: Z is 2×5, not 1×1");

    // A leaf of m rows and m columns takes square matrices.
    let mut program = tape.compile([square.sum()]).unwrap();
    assert_error(program.bind(square, &other), "bind: S is m×m, the matrix given is 2×5");
    assert_error(z.value(), "run: X has no value: bind one first");
    let first = tape.examples("first", &Matrix::zeros(1, 2));
    assert!(first.sound().is_ok());
    assert_void(
        tape.examples("second", &Matrix::zeros(1, 3)),
        "examples: first holds 2 examples (columns), second holds 3, at {place}",
    );
}

/// More memory than there is, of one buffer: an error when the program runs, and the next batch is served as ever.
#[test]
fn too_many_examples_for_the_memory() {
    let tape = Tape::<f64>::new();
    // Examples without rows take no memory, however many they are; m × m numbers do.
    let x = tape.examples_unbound("X", 0);
    let y = x.t().matmul(x);
    let mut program = tape.compile([y]).unwrap();
    program.bind(x, &Matrix::zeros(0, 1 << 29)).unwrap();
    assert_error(
        program.run(),
        "run: no memory for %2 (matmul), 536870912×536870912 (2305843009213693952 bytes), recorded at {place}",
    );
    program.bind(x, &Matrix::zeros(0, 1 << 59)).unwrap();
    assert_error(
        program.run(),
        "run: %2 (matmul) is 576460752303423488×576460752303423488, more than fits the address space, recorded at {place}",
    );
    assert!(matches!(program.last_error(), Some(Error::TooLarge(_))));
    assert_eq!(program.view(y).map(|_| ()), Err(Error::NotRun));
    program.bind(x, &Matrix::zeros(0, 3)).unwrap();
    program.run().unwrap();
    assert_eq!(program.view(y).unwrap().to_matrix(), Matrix::zeros(3, 3));
}

/// A check that one asks for tells the first value that is not finite, and what it was made of.
#[test]
fn values_that_are_not_finite() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("X", &matrix![[1.0, 4.0], [2.0, -8.0]]);
    let shift = tape.parameter("b", &matrix![[0.0], [0.5]]);
    let root = (x + shift).named("Z").sqrt().named("R");
    let j = root.sum();
    for options in [Options::default(), Options::literal()] {
        let mut program = tape.compile_with([j], options).unwrap();
        assert_error(
            program.run_checked(),
            "R (sqrt): NaN at row 1, column 1; operands: Z in [-7.5, 4]; recorded at {place}",
        );
        // There is no result after a run that failed.
        assert_eq!(program.scalar(j), Err(Error::NotRun));
        program.run().unwrap();
        assert!(program.scalar(j).unwrap().is_nan(), "without the check a NaN is a number like others");
        assert!(program.run_checked().is_err());
        assert_eq!(program.scalar(j), Err(Error::NotRun), "a result of the run before the failed one");
        // NaN among the operands is counted, and where there is no number at all that is said.
        program.bind(x, &matrix![[f64::NAN, 4.0], [2.0, 8.0]]).unwrap();
        assert_error(
            program.run_checked(),
            "Z (add): NaN at row 0, column 0; operands: X in [2, 8] and 1 NaN, b in [0, 0.5]; recorded at {place}",
        );
        program.bind(x, &Matrix::filled(2, 1, f64::NAN)).unwrap();
        assert_error(
            program.run_checked(),
            "Z (add): NaN at row 0, column 0; operands: X (no number) and 2 NaN, b in [0, 0.5]; recorded at {place}",
        );
        program.bind(x, &Matrix::filled(2, 900, 4.0)).unwrap();
        program.run_checked().unwrap();
        let once = program.scalar(j).unwrap();
        program.run().unwrap();
        assert_eq!(program.scalar(j).unwrap(), once, "a checked run ends with the results of a usual one");
    }
    let big = tape.parameter("big", &matrix![[-1e200, 1e200]]);
    let mut program = tape.compile([big * big]).unwrap();
    let Err(Error::NonFinite(found)) = program.run_checked() else { panic!("nothing found") };
    assert_eq!((found.value, found.row, found.column), (f64::INFINITY, 0, 0));
    assert_eq!(found.operands.len(), 2);
    assert_eq!(found.operands[0].range, Some((-1e200, 1e200)));
    assert_eq!(found.at.file(), file!());
}

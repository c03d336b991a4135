//! What every public type can do: these tests are done when they are compiled.

use std::fmt::{Debug, Display};
use std::hash::Hash;

use mlp::closed_form::{ClosedForm, Forward, Layer};
use tape::check::{self, Check};
use tape::kernels::{self, Aligned};
use tape::{
    Dim, EntryId, Equation, Equations, Fault, Function, FunctionKind, LeafKind, Matrix, MatrixMut, MatrixRef,
    Mismatch, NonFinite, Notation, OperandRange, Operands, Options, Over, Program, ProgramStep, Reduction,
    Rewrite, Shape, Tape, Threads, TooLarge, UserFunction, Var, Zip,
};

/// What may be sent to another thread and looked at from there.
fn shared<T: Debug + Send + Sync>() {}
/// What may be copied and compared besides.
fn value<T: Debug + Send + Sync + Clone + PartialEq>() {}
/// What may be a key besides.
fn key<T: Debug + Send + Sync + Clone + Eq + Hash>() {}
/// What stays on its tape's thread.
fn handle<T: Debug + Clone + Eq>() {}
fn copied<T: Copy>() {}
fn debugged<T: Debug>() {}
fn shown<T: Display>() {}
fn with_a_default<T: Default>() {}
fn an_error<T: std::error::Error + Send + Sync + 'static>() {}

#[test]
fn types_of_the_tape() {
    fn of<T: mlp::Scalar>() {
        value::<Matrix<T>>();
        value::<MatrixRef<'_, T>>();
        copied::<MatrixRef<'_, T>>();
        shared::<MatrixMut<'_, T>>();
        shared::<Program<T>>();
        debugged::<Operands<'_, T>>(); // of one call of a kernel, on its thread
        key::<Function<T>>();
        key::<UserFunction<T>>();
        with_a_default::<Tape<T>>();
        shown::<Matrix<T>>();
        shown::<Program<T>>();
        shown::<Tape<T>>();
        value::<Aligned<T>>();
        value::<kernels::Epilogue<'_, T>>();
        shared::<kernels::Operand<'_, T>>();
        shared::<kernels::Product<'_, T>>();
        copied::<kernels::Product<'_, T>>();
        handle::<Var<'_, T>>();
        handle::<mlp::RecordedMlp<'_, T>>();
        copied::<Var<'_, T>>();
    }
    of::<f32>();
    of::<f64>();
    key::<Dim>();
    key::<Shape>();
    key::<EntryId>();
    key::<Equation>();
    key::<Equations>();
    key::<FunctionKind>();
    key::<LeafKind>();
    key::<Mismatch>();
    key::<Notation>();
    key::<Options>();
    key::<Over>();
    key::<Reduction>();
    key::<Zip>();
    value::<Fault>();
    value::<NonFinite>();
    value::<OperandRange>();
    value::<Rewrite>();
    value::<ProgramStep>();
    value::<TooLarge>();
    shared::<Threads>();
    with_a_default::<Options>();
    shown::<Equation>();
    shown::<Equations>();
    shown::<Shape>();
    an_error::<tape::Error>();
}

#[test]
fn types_of_the_checker() {
    value::<Check>();
    key::<check::Law>();
    value::<check::Broken>();
    value::<check::Failure>();
    value::<check::Summary>();
    with_a_default::<check::Summary>();
    an_error::<check::Failure>();
}

#[test]
fn types_of_networks() {
    fn of<T: mlp::Scalar>() {
        value::<mlp::Activation<T>>();
        value::<mlp::Mlp<T>>();
        value::<mlp::MlpBuilder<T>>();
        value::<mlp::OptimizerState<T>>();
        value::<mlp::Standardizer<T>>();
        value::<mlp::Training<T>>();
        shared::<mlp::Trainer<T>>();
        value::<Forward<T>>();
        value::<ClosedForm<T>>();
        value::<Layer<'_, T>>();
        copied::<Layer<'_, T>>();
    }
    of::<f32>();
    of::<f64>();
    value::<mlp::ConfusionMatrix>();
    value::<mlp::Schedule>();
    value::<mlp::ParameterGroup>();
    value::<mlp::Moment>();
    value::<mlp::files::Archive>();
    value::<mlp::report::Report>();
    shown::<mlp::Schedule>();
    with_a_default::<mlp::Schedule>();
    key::<mlp::Init>();
    key::<mlp::Loss>();
    key::<mlp::ParameterKind>();
    key::<mlp::Purpose>();
    key::<mlp::Split>();
    key::<mlp::Verdict>();
    value::<mlp::EarlyStopping>();
    value::<mlp::Epoch>();
    value::<mlp::History>();
    value::<mlp::Losses>();
    value::<mlp::Optimizer>();
    value::<mlp::Random>();
    with_a_default::<mlp::History>();
    shown::<mlp::Activation<f64>>();
    shown::<mlp::ConfusionMatrix>();
    shown::<mlp::Init>();
    shown::<mlp::Loss>();
    an_error::<mlp::Error>();
}

/// An error of the tape goes to the networks' and comes back as it was; what the tape has no word for stays where it is.
#[test]
fn errors_go_from_one_crate_to_the_other_and_back() {
    let tape = tape::Tape::<f64>::new();
    let [a, b] = [(1, 2), (3, 4)].map(|(rows, columns)| tape.parameter("A", &Matrix::zeros(rows, columns)));
    let of_the_tape = a.matmul(b).value().unwrap_err();
    let through = mlp::Error::from(of_the_tape.clone());
    assert_eq!(through.to_string(), of_the_tape.to_string());
    assert_eq!(tape::Error::try_from(through.clone()), Ok(of_the_tape));
    for other in [mlp::Error::NoLayers, mlp::Error::Validation(Box::new(through))] {
        assert_eq!(tape::Error::try_from(other.clone()), Err(other));
    }
}

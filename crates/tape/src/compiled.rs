//! What this crate compiles itself, for both number types.
//!
//! A generic function is compiled in the crate that uses it. So that no user compiles the list, the
//! compiler and the executor again, the public generic methods are shells: each calls a function of
//! [`Compiled`], which is there for `f32` and `f64` and calls the generic function that does the
//! work.

use std::borrow::Cow;
use std::fmt::{Formatter, Result as Written};

#[cfg(feature = "onnx")]
use crate::OnnxOptions;
#[cfg(feature = "html")]
use crate::Page;
#[cfg(feature = "rust-source")]
use crate::RustSource;
use crate::check::{Check, Failure, Summary, laws};
use crate::ops::Op;
use crate::ops::indices::Indices;
use crate::ops::leaf::LeafKind;
use crate::program::Name;
#[cfg(feature = "json")]
use crate::show::json::Values;
use crate::tape::Ids;
use crate::tape::derivatives::Unreached;
use crate::{
    DerivativeOf, Entry, Equation, EquationError, EquationReader, Equations, Error, Function, Matrix,
    MatrixMut, MatrixRef, Notation, OperationKind, Options, Origin, Over, Parameter, Place, Program,
    ProgramStep, ReadEquation, Reduction, Result, Scalar, Shape, SourcePlace, Tape, Var, Vjp,
};

/// Makes the trait, and implements it for both number types: each function calls the one that is
/// named after `=`.
macro_rules! compiled {
    ($(
        $(#[$attribute:meta])*
        fn $name:ident $(<$life:lifetime>)? ($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? = $here:expr;
    )*) => {
        /// What the shells call; no part of the interface.
        #[allow(unreachable_pub)] // a supertrait of a public trait, which nobody else can name
        #[allow(private_interfaces)] // for the same reason
        pub trait Compiled: Sized {
            $(
                $(#[$attribute])*
                fn $name $(<$life>)? ($($argument: $type),*) $(-> $result)?
                where
                    Self: Scalar;
            )*
        }

        #[allow(private_interfaces)]
        impl Compiled for f32 {
            $(
                $(#[$attribute])*
                fn $name $(<$life>)? ($($argument: $type),*) $(-> $result)? {
                    $here($($argument),*)
                }
            )*
        }

        #[allow(private_interfaces)]
        impl Compiled for f64 {
            $(
                $(#[$attribute])*
                fn $name $(<$life>)? ($($argument: $type),*) $(-> $result)? {
                    $here($($argument),*)
                }
            )*
        }
    };
}

compiled! {
    #[track_caller]
    fn tape_leaf<'t>(
        tape: &'t Tape<Self>,
        name: &str,
        kind: LeafKind,
        shape: Shape,
        value: Option<&Matrix<Self>>,
    ) -> Var<'t, Self> = Tape::leaf_here;
    #[track_caller]
    fn tape_examples<'t>(
        tape: &'t Tape<Self>,
        name: &str,
        value: &Matrix<Self>,
    ) -> Var<'t, Self> = Tape::examples_here;
    #[track_caller]
    fn tape_push<'t>(
        tape: &'t Tape<Self>,
        called: Option<(&str, &[Var<'t, Self>])>,
        op: Op<Self>,
        operands: &[Var<'t, Self>],
    ) -> Var<'t, Self> = Tape::push_here;
    fn tape_mistake<'t>(tape: &'t Tape<Self>, mistake: Error) -> Var<'t, Self> = Tape::mistake_here;
    fn tape_check(tape: &Tape<Self>) -> Result<()> = Tape::check_here;
    #[track_caller]
    fn tape_compile(
        tape: &Tape<Self>,
        outputs: &[Var<'_, Self>],
        options: Options,
    ) -> Result<Program<Self>> = Tape::compile_here;
    fn tape_display(tape: &Tape<Self>, f: &mut Formatter<'_>) -> Written = Tape::display_here;
    fn tape_dot(tape: &Tape<Self>) -> String = Tape::dot_here;
    #[track_caller]
    fn tape_dot_of(tape: &Tape<Self>, of: &[Var<'_, Self>]) -> String = Tape::dot_of_here;
    #[track_caller]
    fn tape_equations(tape: &Tape<Self>, of: &[Var<'_, Self>]) -> Equations = Tape::equations_here;

    fn tape_reader(tape: &Tape<Self>) -> EquationReader<'_, Self> = Tape::reader_here;
    fn reader_read<'t>(
        reader: &EquationReader<'t, Self>,
        text: &str,
        caller: Place,
    ) -> Result<ReadEquation<'t, Self>, EquationError> = EquationReader::read_here;

    #[cfg(feature = "json")]
    fn tape_to_json(tape: &Tape<Self>, values: Values) -> String = Tape::to_json_here;
    #[cfg(feature = "json")]
    #[track_caller]
    fn tape_from_json(json: &str) -> Result<Tape<Self>> = Tape::from_json_here;

    #[cfg(feature = "html")]
    fn page_to_json(page: &Page<'_, Self>) -> Result<String> = Page::to_json_here;

    fn var_debug(var: Var<'_, Self>, f: &mut Formatter<'_>) -> Written = Var::debug_here;
    fn var_give_name(var: Var<'_, Self>, name: &str) = Var::give_name_here;
    fn var_name(var: Var<'_, Self>) -> Option<String> = Var::name_here;
    fn var_label(var: Var<'_, Self>) -> String = Var::label_here;
    fn var_mistake(var: Var<'_, Self>) -> Error = Var::mistake_here;
    fn var_known_shape(var: Var<'_, Self>) -> Shape = Var::known_shape_here;
    #[track_caller]
    fn var_value(var: Var<'_, Self>) -> Result<Matrix<Self>> = Var::value_here;
    #[track_caller]
    fn var_equation(var: Var<'_, Self>) -> Equation = Var::equation_here;
    #[track_caller]
    fn var_reduce<'t>(
        var: Var<'t, Self>,
        reduction: Reduction,
        over: Over,
    ) -> Var<'t, Self> = Var::reduce_here;
    #[track_caller]
    fn var_mean<'t>(var: Var<'t, Self>, over: Over) -> Var<'t, Self> = Var::mean_here;
    #[track_caller]
    fn var_map<'t>(var: Var<'t, Self>, function: &Function<Self>) -> Var<'t, Self> = Var::map_here;
    #[track_caller]
    fn var_map_derivative<'t>(
        var: Var<'t, Self>,
        function: &Function<Self>,
    ) -> Var<'t, Self> = Var::map_derivative_here;
    #[track_caller]
    fn var_gradients<'t>(
        var: Var<'t, Self>,
        with_respect_to: &[Var<'t, Self>],
        unreached: Unreached,
    ) -> Vec<Var<'t, Self>> = Var::gradients_here;
    #[track_caller]
    fn var_vjp<'t>(
        var: Var<'t, Self>,
        with_respect_to: &[Var<'t, Self>],
        cotangent: Var<'t, Self>,
    ) -> Vec<Var<'t, Self>> = Var::vjp_here;
    #[track_caller]
    fn var_jvp<'t>(
        var: Var<'t, Self>,
        with_respect_to: &[Var<'t, Self>],
        tangents: &[Var<'t, Self>],
    ) -> Var<'t, Self> = Var::jvp_here;
    #[track_caller]
    fn var_hvp<'t>(
        var: Var<'t, Self>,
        with_respect_to: &[Var<'t, Self>],
        vectors: &[Var<'t, Self>],
    ) -> Vec<Var<'t, Self>> = Var::hvp_here;
    #[track_caller]
    fn var_hessian<'t>(
        var: Var<'t, Self>,
        with_respect_to: &[Var<'t, Self>],
    ) -> Result<Matrix<Self>> = Var::hessian_here;
    #[track_caller]
    fn var_jacobian<'t>(
        var: Var<'t, Self>,
        with_respect_to: &[Var<'t, Self>],
    ) -> Result<Matrix<Self>> = Var::jacobian_here;
    #[track_caller]
    fn var_per_example_gradients<'t>(
        var: Var<'t, Self>,
        with_respect_to: &[Var<'t, Self>],
    ) -> Result<Vec<Matrix<Self>>> = Var::per_example_gradients_here;

    fn vjp_name(at: &Vjp<'_, '_, Self>) -> String = Vjp::name_here;
    #[track_caller]
    fn vjp_cotangent<'t>(at: &Vjp<'_, 't, Self>) -> Var<'t, Self> = Vjp::cotangent_here;
    fn vjp_give<'t>(at: &mut Vjp<'_, 't, Self>, i: usize, contribution: Var<'t, Self>) = Vjp::give_here;
    #[track_caller]
    fn vjp_give_summed<'t>(
        at: &mut Vjp<'_, 't, Self>,
        i: usize,
        contribution: Var<'t, Self>,
    ) = Vjp::give_summed_here;
    #[track_caller]
    fn vjp_missing(at: &mut Vjp<'_, '_, Self>, i: usize, function: &str) = Vjp::missing_here;

    fn entry_kind(entry: Entry<'_, Self>) -> OperationKind = Entry::kind_here;
    fn entry_operation(entry: Entry<'_, Self>) -> String = Entry::operation_here;
    fn entry_parameters(
        entry: Entry<'_, Self>,
    ) -> Vec<(&'static str, Parameter<Self>)> = Entry::parameters_here;
    fn entry_notation(entry: Entry<'_, Self>) -> Notation = Entry::notation_here;
    fn entry_operands(entry: Entry<'_, Self>) -> Ids = Entry::operands_here;
    fn entry_commutes(entry: Entry<'_, Self>) -> bool = Entry::commutes_here;
    fn entry_leaf_kind(entry: Entry<'_, Self>) -> Option<LeafKind> = Entry::leaf_kind_here;
    fn entry_place(entry: Entry<'_, Self>) -> SourcePlace = Entry::place_here;
    fn entry_derivative_of<'t>(
        entry: Entry<'t, Self>,
    ) -> Option<DerivativeOf<'t, Self>> = Entry::derivative_of_here;
    fn entry_origin<'t>(entry: Entry<'t, Self>) -> Option<Origin<'t, Self>> = Entry::origin_here;
    fn entry_differentiation(entry: Entry<'_, Self>) -> Option<usize> = Entry::differentiation_here;

    fn function_apply(function: &Function<Self>, x: &[Self], out: &mut [Self]) = Function::apply_here;
    fn function_name<'f>(function: &'f Function<Self>) -> Cow<'f, str> = Function::name_here;
    fn function_given_derivative(
        function: &Function<Self>,
    ) -> Option<Function<Self>> = Function::given_derivative_here;

    fn matrix_display(
        matrix: MatrixRef<'_, Self>,
        f: &mut Formatter<'_>,
    ) -> Written = MatrixRef::display_here;

    fn program_clone(program: &Program<Self>) -> Result<Program<Self>> = Program::try_clone_here;
    fn program_run(program: &mut Program<Self>) -> Result<()> = Program::run_here;
    fn program_run_checked(program: &mut Program<Self>) -> Result<()> = Program::run_checked_here;
    fn program_bind(
        program: &mut Program<Self>,
        method: &'static str,
        variable: Name<'_, Self>,
        value: MatrixRef<'_, Self>,
    ) -> Result<()> = Program::bind_here;
    #[track_caller]
    fn program_bind_columns(
        program: &mut Program<Self>,
        variable: Name<'_, Self>,
        value: MatrixRef<'_, Self>,
        examples: &[usize],
    ) -> Result<()> = Program::bind_columns_here;
    fn program_copy_parameters(
        program: &mut Program<Self>,
        other: &Program<Self>,
    ) -> Result<usize> = Program::copy_parameters_here;
    fn program_bind_indices(
        program: &mut Program<Self>,
        variable: Name<'_, Self>,
        indices: Indices<'_>,
    ) -> Result<()> = Program::bind_indices_here;
    fn program_select_columns(
        program: &mut Program<Self>,
        variable: Name<'_, Self>,
        examples: &[usize],
    ) -> Result<()> = Program::select_columns_here;
    fn program_update<'p>(
        program: &'p mut Program<Self>,
        parameter: Name<'_, Self>,
        output: Name<'_, Self>,
    ) -> Result<(&'p mut [Self], &'p [Self])> = Program::update_here;
    fn program_parameter_mut<'p>(
        program: &'p mut Program<Self>,
        variable: Name<'_, Self>,
    ) -> Result<MatrixMut<'p, Self>> = Program::parameter_mut_here;
    fn program_view<'p>(
        program: &'p Program<Self>,
        variable: Name<'_, Self>,
    ) -> Result<MatrixRef<'p, Self>> = Program::view_here;
    fn program_scalar(
        program: &Program<Self>,
        variable: Name<'_, Self>,
    ) -> Result<Self> = Program::scalar_here;
    fn program_m(program: &Program<Self>) -> Option<usize> = Program::m_here;
    fn program_steps(program: &Program<Self>) -> Vec<ProgramStep> = Program::steps_here;
    fn program_flops(program: &Program<Self>, m: usize) -> u64 = Program::flops_here;
    fn program_peak_bytes(program: &Program<Self>, m: usize) -> usize = Program::peak_bytes_here;
    fn program_threads(program: &Program<Self>, m: usize) -> usize = Program::threads_here;
    fn program_explain(program: &Program<Self>, m: usize) -> String = Program::explain_here;
    #[cfg(feature = "onnx")]
    fn program_to_onnx(
        program: &Program<Self>,
        options: OnnxOptions,
    ) -> Result<Vec<u8>> = Program::to_onnx_here;
    #[cfg(feature = "rust-source")]
    fn program_to_rust(
        program: &Program<Self>,
        source: &RustSource,
    ) -> Result<String> = Program::to_rust_here;
    fn program_display(program: &Program<Self>, f: &mut Formatter<'_>) -> Written = Program::display_here;

    fn check_laws<'t>(
        check: &Check,
        tape: &'t Tape<Self>,
        inputs: &[Matrix<Self>],
        variables: &[Var<'t, Self>],
        result: Var<'t, Self>,
    ) -> Result<Summary, Failure> = laws::run;
    fn check_derivatives<'t>(
        tape: &'t Tape<Self>,
        inputs: &[Matrix<Self>],
        variables: &[Var<'t, Self>],
        result: Var<'t, Self>,
        seed: u64,
        orders: u8,
    ) -> Result<laws::Derivatives<Self>, Failure> = laws::derivatives;
    fn check_entry<'t>(
        check: &Check,
        entry: Var<'t, Self>,
        leaves: &[Var<'t, Self>],
        values: &[Matrix<Self>],
    ) -> Result<Summary, Failure> = Check::entry_here;
    fn check_function(
        check: &Check,
        function: &Function<Self>,
        points: &[Self],
    ) -> Result<Summary, Failure> = Check::function_here;
}

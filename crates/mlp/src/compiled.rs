//! What this crate compiles itself, for both number types, as `tape` does.
//!
//! A generic function is compiled in the crate that uses it. So that no user compiles the training
//! and the closed form again, the public generic functions are shells: each calls a function of
//! [`Compiled`], which is there for `f32` and `f64` and calls the generic function that does the
//! work.
//!
//! A shell gets from its type parameter to the table by a bound. [`tape::Scalar`] cannot be that
//! bound, since its supertraits are of `tape`, and a conversion at run time (`Any`) neither takes
//! slices nor what borrows from a tape. So networks have a [`Scalar`] of their own.

use std::fmt;
use std::ops::ControlFlow;

use indexmap::IndexMap;
use tape::{EntryId, Matrix, MatrixRef, Tape};
#[cfg(feature = "html")]
use tape::{Page, Program};

use crate::closed_form::{self, ClosedForm, Forward, Layer};
use crate::diagnose::{ByNumbers, Example, Exercise, NotJudged, Numbers, Quantity, Verdict};
use crate::export::Export;
use crate::files::{Archive, Loading, Npy};
use crate::minimize::{
    Curvature, Iteration, Lbfgs, LevenbergMarquardt, Minimum, NewtonCg, Objective, Residuals,
};
use crate::optimizer::ColumnStep;
use crate::search::{FoldScores, Metric};
use crate::{
    Activation, Batch, ConfusionMatrix, Epoch, History, Init, Mlp, MlpBuilder, Model, Optimizer,
    OptimizerState, ParameterKind, Pipeline, Predictor, Preparation, Random, RecordedMlp, Remembered, Result,
    Split, Standardizer, Trainer, Training, data, metrics, search,
};

/// The number types that networks compute in: `f32` and `f64`.
///
/// It has all of [`tape::Scalar`], and is a trait of its own so that this crate's code is compiled
/// once, and not again in every crate that uses it. Code that is generic over the number type of a
/// network takes it as the bound. It is sealed.
///
/// ```
/// use mlp::{Activation, Mlp, Scalar};
/// fn xor<T: Scalar>(seed: u64) -> Result<Mlp<T>, mlp::Error> {
///     Mlp::new(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).seed(seed).build()
/// }
/// assert_eq!(xor::<f32>(1)?.sizes(), xor::<f64>(1)?.sizes());
/// # Ok::<(), mlp::Error>(())
/// ```
pub trait Scalar: tape::Scalar + Compiled {}

impl Scalar for f32 {}
impl Scalar for f64 {}

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
    fn builder_build(builder: MlpBuilder<Self>) -> Result<Mlp<Self>> = MlpBuilder::build_here;
    #[track_caller]
    fn mlp_record<'t>(
        network: &Mlp<Self>,
        tape: &'t Tape<Self>,
        x: &Matrix<Self>,
        y: &Matrix<Self>,
    ) -> Result<RecordedMlp<'t, Self>> = Mlp::record_here;
    #[cfg(feature = "html")]
    fn mlp_page<'t>(
        network: &Mlp<Self>,
        recorded: &RecordedMlp<'t, Self>,
        program: &'t Program<Self>,
    ) -> Result<Page<'t, Self>> = Mlp::page_here;
    #[cfg(feature = "onnx")]
    fn mlp_from_onnx(file: &[u8]) -> Result<Mlp<Self>> = Mlp::from_onnx_here;
    #[cfg(any(feature = "onnx", feature = "rust-source"))]
    #[track_caller]
    fn export_program(
        export: &Export<'_, Self>,
    ) -> Result<(tape::Program<Self>, String)> = Export::program_here;
    #[track_caller]
    fn mlp_predict(network: &Mlp<Self>, x: &Matrix<Self>) -> Result<Matrix<Self>> = Mlp::predict_here;
    #[track_caller]
    fn mlp_probabilities(
        network: &Mlp<Self>,
        x: &Matrix<Self>,
    ) -> Result<Matrix<Self>> = Mlp::predict_probabilities_here;
    #[track_caller]
    fn mlp_loss(network: &Mlp<Self>, x: &Matrix<Self>, y: &Matrix<Self>) -> Result<Self> = Mlp::loss_here;
    #[track_caller]
    fn mlp_gradients(
        network: &Mlp<Self>,
        x: &Matrix<Self>,
        y: &Matrix<Self>,
    ) -> Result<IndexMap<String, Matrix<Self>>> = Mlp::gradients_here;
    fn mlp_closed_form(
        network: &Mlp<Self>,
        x: &Matrix<Self>,
        y: &Matrix<Self>,
    ) -> Result<ClosedForm<Self>> = Mlp::closed_form_here;
    #[track_caller]
    fn mlp_accuracy(
        network: &Mlp<Self>,
        x: &Matrix<Self>,
        y: &Matrix<Self>,
    ) -> Result<f64> = Mlp::accuracy_here;

    fn npy_read_examples(path: &std::path::Path) -> Result<Matrix<Self>> = Npy::read_examples_here;
    fn mlp_to_archive(network: &Mlp<Self>) -> Result<Archive> = Mlp::to_archive_here;
    fn mlp_from_archive(archive: &Archive, loading: &Loading<Self>) -> Result<Mlp<Self>> = Mlp::from_archive_here;

    #[track_caller]
    fn export_predictor(export: &Export<'_, Self>) -> Result<Predictor<Self>> = Export::predictor_here;
    fn predictor_predict<'a>(
        predictor: &'a mut Predictor<Self>,
        x: MatrixRef<'_, Self>,
    ) -> Result<MatrixRef<'a, Self>> = Predictor::predict_here;

    #[track_caller]
    fn training_fit(
        training: &Training<Self>,
        network: &mut Mlp<Self>,
        x: &Matrix<Self>,
        y: &Matrix<Self>,
    ) -> Result<History> = Training::fit_here;
    #[track_caller]
    fn training_fit_with(
        training: &Training<Self>,
        network: &mut Mlp<Self>,
        x: &Matrix<Self>,
        y: &Matrix<Self>,
        after_epoch: &mut dyn FnMut(&Epoch) -> ControlFlow<()>,
    ) -> Result<History> = Training::fit_with_here;

    #[track_caller]
    fn training_begin(
        training: &Training<Self>,
        network: &Mlp<Self>,
        x: &Matrix<Self>,
        y: &Matrix<Self>,
    ) -> Result<Trainer<Self>> = Training::begin_here;
    #[track_caller]
    fn trainer_new(
        model: Model<'_, Self>,
        training: &Training<Self>,
    ) -> Result<Trainer<Self>> = Trainer::of_model_here;
    fn trainer_run(trainer: &mut Trainer<Self>, epochs: usize) -> Result<()> = Trainer::run_here;
    fn trainer_epoch(trainer: &mut Trainer<Self>) -> Result<Option<Epoch>> = Trainer::epoch_here;
    fn trainer_batch(trainer: &mut Trainer<Self>) -> Result<Option<Batch>> = Trainer::batch_here;
    fn trainer_epoch_over(
        trainer: &mut Trainer<Self>,
        leaves: &[EntryId],
        blocks: &mut dyn Iterator<Item = Result<Vec<Matrix<Self>>>>,
    ) -> Result<Option<Epoch>> = Trainer::epoch_over_here;
    fn trainer_to_archive(trainer: &Trainer<Self>) -> Result<Archive> = Trainer::to_archive_here;
    fn trainer_restore(trainer: &mut Trainer<Self>, archive: &Archive) -> Result<()> = Trainer::restore_here;
    fn trainer_finish(trainer: &mut Trainer<Self>) -> Result<()> = Trainer::finish_here;

    fn optimizer_penalty(optimizer: &Optimizer, w: &[Self]) -> Self = Optimizer::penalty_here;
    fn optimizer_begin(
        optimizer: Optimizer,
        parameters: &[(usize, ParameterKind)],
    ) -> Result<OptimizerState<Self>> = Optimizer::begin_here;
    fn optimizer_check(optimizer: &Optimizer) -> Result<()> = Optimizer::check_here::<Self>;
    fn state_set_rate(state: &mut OptimizerState<Self>, rate: f64) -> Result<()> = OptimizerState::set_rate_here;
    fn state_step(
        state: &mut OptimizerState<Self>,
        k: usize,
        parameter: &mut [Self],
        gradient: &[Self],
    ) -> Result<()> = OptimizerState::step_here;

    fn state_restore(
        state: &mut OptimizerState<Self>,
        given: Vec<(String, Remembered<'_, Self>)>,
    ) -> Result<()> = OptimizerState::restore_here;

    fn state_columns<'a>(
        state: &'a mut OptimizerState<Self>,
        k: usize,
        shape: (usize, usize),
    ) -> Result<ColumnStep<'a, Self>> = OptimizerState::columns_here;
    fn state_column(
        step: &mut ColumnStep<'_, Self>,
        column: usize,
        values: &mut [Self],
        gradient: &[Self],
    ) = ColumnStep::column_here;

    fn lbfgs_minimize(
        lbfgs: &Lbfgs,
        objective: &mut dyn Objective<Self>,
        theta: &mut [Self],
        after_iteration: &mut dyn FnMut(&Iteration<'_, Self>) -> ControlFlow<()>,
    ) -> Result<Minimum> = Lbfgs::minimize_here;
    fn newton_minimize(
        newton: &NewtonCg,
        objective: &mut dyn Curvature<Self>,
        theta: &mut [Self],
        after_iteration: &mut dyn FnMut(&Iteration<'_, Self>) -> ControlFlow<()>,
    ) -> Result<Minimum> = NewtonCg::minimize_here;
    fn levenberg_minimize(
        levenberg: &LevenbergMarquardt,
        residuals: &mut dyn Residuals<Self>,
        theta: &mut [Self],
        after_iteration: &mut dyn FnMut(&Iteration<'_, Self>) -> ControlFlow<()>,
    ) -> Result<Minimum> = LevenbergMarquardt::minimize_here;

    fn closed_form_forward(
        layers: &[Layer<'_, Self>],
        x: &Matrix<Self>,
    ) -> Result<Forward<Self>> = closed_form::forward_here;
    fn closed_form_backward(
        layers: &[Layer<'_, Self>],
        x: &Matrix<Self>,
        y: &Matrix<Self>,
        loss: crate::Loss,
    ) -> Result<ClosedForm<Self>> = closed_form::backward_here;

    fn exercise_judge(
        exercise: &Exercise<Self>,
        quantity: Quantity,
        text: &str,
    ) -> Result<Verdict<Self>, NotJudged> = Exercise::judge_here;
    fn verdict_display(
        verdict: &Verdict<Self>,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result = Verdict::display_here;
    fn example_display(
        example: &Example<Self>,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result = Example::display_here;
    fn by_numbers_display(
        by_numbers: &ByNumbers<Self>,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result = ByNumbers::display_here;
    fn numbers_judge(
        numbers: &Numbers<Self>,
        theirs: Vec<(Quantity, Matrix<Self>)>,
    ) -> Result<ByNumbers<Self>> = Numbers::judge_here;
    fn numbers_computed(
        numbers: &Numbers<Self>,
        wrong: Option<(Quantity, &str)>,
    ) -> Result<Option<IndexMap<Quantity, Matrix<Self>>>> = Numbers::computed_here;

    fn init_weights(
        init: Init,
        n_out: usize,
        n_in: usize,
        random: &mut Random,
    ) -> Result<Matrix<Self>> = Init::weights_here;
    fn init_parameters(
        schemes: &[Init],
        sizes: &[usize],
        seed: u64,
    ) -> Result<Vec<(Matrix<Self>, Matrix<Self>)>> = Init::parameters_of_each;
    fn activation_all() -> Vec<Activation<Self>> = Activation::all_here;
    fn activation_parse(text: &str) -> Result<Activation<Self>> = Activation::parse_here;

    fn metrics_accuracy(a: &Matrix<Self>, y: &Matrix<Self>) -> Result<f64> = metrics::accuracy_here;
    fn metrics_log_loss(a: &Matrix<Self>, y: &Matrix<Self>) -> Result<f64> = metrics::log_loss_here;
    fn metrics_confusion(
        a: &Matrix<Self>,
        y: &Matrix<Self>,
    ) -> Result<ConfusionMatrix> = ConfusionMatrix::new_here;

    fn data_classes(a: &Matrix<Self>) -> Result<Vec<usize>> = data::classes_here;
    fn data_one_hot(classes: &[usize], n: usize) -> Result<Matrix<Self>> = data::one_hot_here;
    fn data_check_finite(name: &'static str, a: &Matrix<Self>) -> Result<()> = data::check_finite_here;
    fn standardizer_fit(x: &Matrix<Self>) -> Result<Standardizer<Self>> = Standardizer::fit_here;
    fn standardizer_transform(
        standardizer: &Standardizer<Self>,
        x: &Matrix<Self>,
    ) -> Result<Matrix<Self>> = Standardizer::transform_here;
    fn standardizer_inverse(
        standardizer: &Standardizer<Self>,
        x: &Matrix<Self>,
    ) -> Result<Matrix<Self>> = Standardizer::inverse_here;
    fn pipeline_fit(
        steps: &[Preparation],
        x: &Matrix<Self>,
    ) -> Result<Pipeline<Self>> = Pipeline::fit_here;
    fn pipeline_transform(
        pipeline: &Pipeline<Self>,
        x: &Matrix<Self>,
    ) -> Result<Matrix<Self>> = Pipeline::transform_here;

    fn search_validate(
        what: (&Training<Self>, &MlpBuilder<Self>, &[Preparation]),
        examples: (&Matrix<Self>, &Matrix<Self>),
        split: &Split,
        metric: Metric<'_, Self>,
    ) -> Result<f64> = search::validate_here;
    fn search_cross_validate(
        what: (&Training<Self>, &MlpBuilder<Self>, &[Preparation]),
        examples: (&Matrix<Self>, &Matrix<Self>),
        folds: &[Split],
        metric: Metric<'_, Self>,
    ) -> Result<FoldScores> = search::cross_validate_here;
}

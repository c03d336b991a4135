//! A network: its description, its parameters, and what is recorded of it on a tape.

use indexmap::IndexMap;
use tape::{Matrix, Over, Tape, Var};

use crate::closed_form::{self, ClosedForm, check_shape};
use crate::labels::{check_labels, is_one_hot};
use crate::predictor::KeptPrediction;
use crate::{Activation, Error, Init, Loss, Result, Scalar, classes, metrics};

/// A fully connected network of L layers: Z\[l\] = W\[l\] * A\[l−1\] + b\[l\], A\[l\] = g(Z\[l\])
/// (eq. 23, 24), with A\[0\] = X.
///
/// An example is a column of X and of Y. The parameters have names, `W[1]`, `b[1]`, `W[2]`, …, in
/// this order.
///
/// ```
/// use mlp::{Activation, Mlp};
/// use tape::matrix;
/// let network = Mlp::<f64>::new(2)
///     .layer(4, Activation::Tanh)
///     .layer(1, Activation::Sigmoid)
///     .seed(1)
///     .build()?;
/// let x = matrix![[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]];
/// let y = matrix![[0.0, 1.0, 1.0, 0.0]];
/// assert_eq!(network.predict(&x)?.shape(), (1, 4));
/// let gradients = network.gradients(&x, &y)?;
/// assert_eq!(gradients["W[1]"].shape(), (4, 2));
/// # Ok::<(), mlp::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Mlp<T: Scalar> {
    sizes: Vec<usize>,
    activations: Vec<Activation<T>>,
    loss: Loss,
    /// Whether the user asked for this loss.
    loss_is_chosen: bool,
    parameters: IndexMap<String, Matrix<T>>,
    kept: KeptPrediction<T>,
}

/// Describes a network layer by layer; made by [`Mlp::new`].
#[must_use = "a network is made by build"]
#[derive(Debug, Clone, PartialEq)]
pub struct MlpBuilder<T: Scalar> {
    sizes: Vec<usize>,
    activations: Vec<Activation<T>>,
    loss: Option<Loss>,
    init: Option<Init>,
    seed: u64,
}

/// # Describing
impl<T: Scalar> MlpBuilder<T> {
    /// Adds a layer of n_l neurons with activation g.
    pub fn layer(mut self, neurons: usize, g: Activation<T>) -> Self {
        self.sizes.push(neurons);
        self.activations.push(g);
        self
    }

    /// The loss ℒ. Left out, it is the one that the output activation is meant for: log-loss for a
    /// sigmoid, squared error for any other.
    ///
    /// For one class of several it must not be left out: softmax cross-entropy has to be asked for.
    /// Squared error on one-hot labels learns too, but not the probabilities of the classes, and so
    /// a network to which it was not given refuses such labels with [`Error::ForgottenLoss`].
    ///
    /// ```
    /// use mlp::{Activation, Error, Loss, Mlp, one_hot};
    /// use tape::Matrix;
    /// let (x, y) = (Matrix::filled(4, 2, 0.5), one_hot(&[2, 0], 3)?);
    /// let forgotten = Mlp::<f64>::new(4).layer(3, Activation::Identity);
    /// let refused = forgotten.clone().build()?.loss(&x, &y);
    /// assert_eq!(refused, Err(Error::ForgottenLoss { outputs: 3 }));
    /// forgotten.loss(Loss::SoftmaxCrossEntropy).build()?.loss(&x, &y)?;
    /// # Ok::<(), mlp::Error>(())
    /// ```
    pub fn loss(mut self, loss: Loss) -> Self {
        self.loss = Some(loss);
        self
    }

    /// How the weights are drawn. Left out, every layer takes the scheme that suits its activation.
    pub fn init(mut self, init: Init) -> Self {
        self.init = Some(init);
        self
    }

    /// The seed of the first weights; 0 if left out. The same seed gives the same numbers on every
    /// platform.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Draws the parameters.
    ///
    /// The last layer has to give what the loss takes. Log-loss takes probabilities: the last
    /// activation is a sigmoid, or a [custom](Activation::Custom) function with values in [0, 1].
    /// Softmax cross-entropy takes logits of two classes or more, which nothing has limited: the
    /// last activation is the identity, or a function of the user's. Squared error takes all.
    ///
    /// # Errors
    /// [`Error::NoLayers`]; [`Error::Hyperparameter`] for an activation whose parameter is not
    /// finite; [`Error::Output`] if the loss cannot follow the last layer; [`Error::Tape`] if a
    /// matrix is larger than the memory or the address space.
    pub fn build(self) -> Result<Mlp<T>> {
        T::builder_build(self)
    }

    pub(crate) fn build_here(self) -> Result<Mlp<T>> {
        let Some(output) = self.activations.last() else { return Err(Error::NoLayers) };
        self.activations.iter().try_for_each(Activation::check)?;
        let loss = self.loss.unwrap_or(match output {
            Activation::Sigmoid => Loss::LogLoss,
            _ => Loss::SquaredError,
        });
        check_output(loss, output, self.sizes[self.activations.len()])?;
        let schemes: Vec<Init> =
            self.activations.iter().map(|g| self.init.unwrap_or_else(|| Init::suited_to(g))).collect();
        let parameters = named(Init::parameters_of_each(&schemes, &self.sizes, self.seed)?);
        let loss_is_chosen = self.loss.is_some();
        Ok(Mlp {
            sizes: self.sizes,
            activations: self.activations,
            loss,
            loss_is_chosen,
            parameters,
            kept: KeptPrediction::none(),
        })
    }
}

/// W and b of every layer by their names.
fn named<T: Scalar>(layers: Vec<(Matrix<T>, Matrix<T>)>) -> IndexMap<String, Matrix<T>> {
    let of_layer = |((w, b), l): (_, usize)| [(format!("W[{l}]"), w), (format!("b[{l}]"), b)];
    layers.into_iter().zip(1..).flat_map(of_layer).collect()
}

/// Whether the loss can follow the last layer, with its g and n_L outputs.
fn check_output<T: Scalar>(loss: Loss, g: &Activation<T>, outputs: usize) -> Result<()> {
    let reason = match loss {
        Loss::LogLoss if !g.gives_probabilities() => format!(
            "takes probabilities in [0, 1], and {g} gives others: let the last activation be sigmoid, or take squared_error"
        ),
        Loss::SoftmaxCrossEntropy if outputs < 2 => format!(
            "over {outputs} outputs is 0 whatever they are: take an output for each class, or for two classes one output with \
             sigmoid and log_loss"
        ),
        Loss::SoftmaxCrossEntropy if !g.gives_logits() => format!(
            "takes logits and makes the probabilities itself, and {g} limits or bends them before: let the last activation be \
             identity, or take sigmoid with log_loss for questions that are answered one by one"
        ),
        Loss::LogLoss | Loss::SoftmaxCrossEntropy | Loss::SquaredError => return Ok(()),
    };
    Err(Error::Output { loss, reason })
}

/// A network on a tape: every entry by its letter.
///
/// `w`, `b`, `z` hold layer l at index l − 1, and `a` holds A\[l\] at index l, A\[0\] = X.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedMlp<'t, T: Scalar> {
    /// The labels Y, n_L × m.
    pub y: Var<'t, T>,
    /// W\[l\].
    pub w: Vec<Var<'t, T>>,
    /// b\[l\].
    pub b: Vec<Var<'t, T>>,
    /// Z\[l\].
    pub z: Vec<Var<'t, T>>,
    /// A\[l\], from A\[0\] = X.
    pub a: Vec<Var<'t, T>>,
    /// ℒ of every example, 1 × m.
    pub losses: Var<'t, T>,
    /// J, eq. 25.
    pub j: Var<'t, T>,
}

impl<T: Scalar> Eq for RecordedMlp<'_, T> {}

/// # In the order of the parameters
impl<'t, T: Scalar> RecordedMlp<'t, T> {
    /// X.
    pub fn x(&self) -> Var<'t, T> {
        self.a[0]
    }

    /// W\[1\], b\[1\], W\[2\], b\[2\], …: in the order of [`Mlp::parameters`].
    pub fn parameters(&self) -> Vec<Var<'t, T>> {
        self.w.iter().zip(&self.b).flat_map(|(&w, &b)| [w, b]).collect()
    }

    /// ∂J/∂W\[1\], ∂J/∂b\[1\], …: in the order of [`parameters`](RecordedMlp::parameters).
    #[track_caller]
    pub fn gradients(&self) -> Vec<Var<'t, T>> {
        self.j.gradients(self.parameters())
    }
}

/// # Beginning
impl<T: Scalar> Mlp<T> {
    /// Begins a network with n_0 input features.
    #[allow(clippy::new_ret_no_self)] // the builder is the only way in
    pub fn new(features: usize) -> MlpBuilder<T> {
        MlpBuilder { sizes: vec![features], activations: Vec::new(), loss: None, init: None, seed: 0 }
    }
}

/// # Its description and its parameters
impl<T: Scalar> Mlp<T> {
    /// n_0, n_1, …, n_L.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// L, the number of layers.
    pub fn layers(&self) -> usize {
        self.activations.len()
    }

    /// g of every layer.
    pub fn activations(&self) -> &[Activation<T>] {
        &self.activations
    }

    /// ℒ.
    pub fn loss_function(&self) -> Loss {
        self.loss
    }

    /// The parameters by name, in the order `W[1]`, `b[1]`, `W[2]`, ….
    pub fn parameters(&self) -> &IndexMap<String, Matrix<T>> {
        &self.parameters
    }

    /// Gives a parameter another value.
    ///
    /// # Errors
    /// [`Error::UnknownParameter`]; [`Error::Shape`] if the value has another shape.
    pub fn set_parameter(&mut self, name: &str, value: Matrix<T>) -> Result<()> {
        self.check_parameter(name, value.shape())?;
        self.kept.forget();
        self.parameters.insert(name.to_owned(), value);
        Ok(())
    }

    /// Whether there is a parameter of this name and shape.
    pub(crate) fn check_parameter(&self, name: &str, found: (usize, usize)) -> Result<()> {
        let known = self.parameters.get(name);
        let expected = known.ok_or_else(|| Error::UnknownParameter { name: name.to_owned() })?.shape();
        match expected == found {
            true => Ok(()),
            false => Err(Error::Shape { matrix: name.to_owned(), expected, found }),
        }
    }

    /// Number of single parameters, Σ n_l · (n_(l−1) + 1).
    pub fn parameter_count(&self) -> usize {
        self.parameters.values().map(|value| value.as_slice().len()).sum()
    }
}

/// # Recording
impl<T: Scalar> Mlp<T> {
    /// Records the network on a tape, as the textbook writes it (eq. 23–25), on the examples X and
    /// the labels Y.
    ///
    /// # Errors
    /// [`Error::Shape`] if X or Y does not fit the network or each other; [`Error::Label`],
    /// [`Error::LabelSum`] or [`Error::NonFinite`] if Y holds what the [loss](Loss) cannot take;
    /// [`Error::ForgottenLoss`] if Y is one-hot and the loss was left out.
    #[track_caller]
    pub fn record<'t>(&self, tape: &'t Tape<T>, x: &Matrix<T>, y: &Matrix<T>) -> Result<RecordedMlp<'t, T>> {
        T::mlp_record(self, tape, x, y)
    }

    #[track_caller]
    pub(crate) fn record_here<'t>(
        &self,
        tape: &'t Tape<T>,
        x: &Matrix<T>,
        y: &Matrix<T>,
    ) -> Result<RecordedMlp<'t, T>> {
        self.check_x(x)?;
        self.check_y(y, x.columns())?;
        Ok(self.record_on(tape.examples("X", x), tape.examples("Y", y)))
    }

    /// The network on examples and labels that are entries.
    #[track_caller]
    pub(crate) fn record_on<'t>(&self, x: Var<'t, T>, y: Var<'t, T>) -> RecordedMlp<'t, T> {
        let (w, b, z, a) = self.record_layers(x);
        let output = a[a.len() - 1];
        let losses = match self.loss {
            Loss::LogLoss => output.log_loss(y),
            Loss::SquaredError => output.squared_error(y),
            Loss::SoftmaxCrossEntropy => output.softmax_cross_entropy(y),
        };
        let losses = losses.named("ℒ");
        let j = losses.mean().named("J");
        RecordedMlp { y, w, b, z, a, losses, j }
    }

    /// Eq. 23 and 24.
    #[track_caller]
    #[allow(clippy::type_complexity)] // W, b, Z and A, each by layer
    pub(crate) fn record_layers<'t>(
        &self,
        x: Var<'t, T>,
    ) -> (Vec<Var<'t, T>>, Vec<Var<'t, T>>, Vec<Var<'t, T>>, Vec<Var<'t, T>>) {
        let (tape, mut a) = (x.tape(), vec![x]);
        let (mut w, mut b, mut z) = (Vec::new(), Vec::new(), Vec::new());
        for (g, l) in self.activations.iter().zip(1..) {
            let (w_name, b_name) = (format!("W[{l}]"), format!("b[{l}]"));
            let w_l = tape.parameter(&w_name, &self.parameters[&w_name]);
            let b_l = tape.parameter(&b_name, &self.parameters[&b_name]);
            let z_l = (w_l.matmul(a[l - 1]) + b_l).named(format!("Z[{l}]"));
            a.push(z_l.map(&g.function()).named(format!("A[{l}]")));
            w.push(w_l);
            b.push(b_l);
            z.push(z_l);
        }
        (w, b, z, a)
    }
}

/// # Answers, losses and gradients
impl<T: Scalar> Mlp<T> {
    /// A\[L\] for the examples X, n_L × m; of a network with softmax cross-entropy these are
    /// logits.
    ///
    /// # Errors
    /// [`Error::Shape`] if X does not have n_0 rows.
    #[track_caller]
    pub fn predict(&self, x: &Matrix<T>) -> Result<Matrix<T>> {
        T::mlp_predict(self, x)
    }

    #[track_caller]
    pub(crate) fn predict_here(&self, x: &Matrix<T>) -> Result<Matrix<T>> {
        self.check_x(x)?;
        self.kept.predict(self, x)
    }

    /// The probabilities of the classes for the examples X, n_L × m.
    ///
    /// With softmax cross-entropy this is the softmax of the logits: a column adds up to 1. With
    /// log-loss the outputs are probabilities as they are, each of a yes to its own question; one
    /// output is that of class 1. With squared error the outputs are quantities.
    ///
    /// ```
    /// use mlp::{Activation, Loss, Mlp};
    /// use tape::matrix;
    /// let mut network = Mlp::<f64>::new(1)
    ///     .layer(2, Activation::Identity)
    ///     .loss(Loss::SoftmaxCrossEntropy)
    ///     .build()?;
    /// network.set_parameter("W[1]", matrix![[0.0], [3.0_f64.ln()]])?;
    /// let p = network.predict_probabilities(&matrix![[0.0, 1.0]])?;
    /// assert_eq!(p.column(0), [0.5, 0.5]);
    /// assert!((p[(0, 1)] - 0.25).abs() < 1e-15 && (p[(1, 1)] - 0.75).abs() < 1e-15);
    /// assert_eq!(network.predict_classes(&matrix![[-1.0, 1.0]])?, [0, 1]);
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Answer`] with squared error; [`Error::Shape`] if X does not have n_0 rows;
    /// [`Error::NonFinite`] where logits leave a probability undefined; [`Error::Probability`] where an output of
    /// an activation of the user's own is not in [0, 1].
    #[track_caller]
    pub fn predict_probabilities(&self, x: &Matrix<T>) -> Result<Matrix<T>> {
        T::mlp_probabilities(self, x)
    }

    #[track_caller]
    pub(crate) fn predict_probabilities_here(&self, x: &Matrix<T>) -> Result<Matrix<T>> {
        match self.loss {
            Loss::SquaredError => Err(self.no_answer("probabilities")),
            Loss::LogLoss => {
                let a = self.predict(x)?;
                let outside = a.iter_indexed().find(|&(_, a)| !(T::ZERO <= a && a <= T::ONE));
                if let Some(((row, column), value)) = outside {
                    return Err(Error::Probability { value: value.to_f64(), row, column });
                }
                Ok(a)
            }
            Loss::SoftmaxCrossEntropy => {
                let (z, tape) = (self.predict(x)?, Tape::new());
                let p = tape.examples("Z", &z).softmax_over(Over::Rows).value()?;
                if let Some((at, _)) = p.iter_indexed().find(|(_, p)| p.is_nan()) {
                    let (value, (row, column)) = (z[at].to_f64(), at);
                    return Err(Error::NonFinite { matrix: "A", value, row, column });
                }
                Ok(p)
            }
        }
    }

    /// The class of each of the examples X: 1 or 0 of one output with log-loss, as it is greater
    /// than ½ or not, and the largest output's row with softmax cross-entropy, the first of equals.
    ///
    /// # Errors
    /// [`Error::Answer`] with squared error, whose outputs are quantities, and with log-loss and
    /// several outputs, which answer questions of their own; [`classes()`](crate::classes()) of
    /// [`predict`](Mlp::predict) takes the largest whatever the loss. [`Error::Shape`] if X does
    /// not have n_0 rows; [`Error::NonFinite`] where an output is NaN.
    #[track_caller]
    pub fn predict_classes(&self, x: &Matrix<T>) -> Result<Vec<usize>> {
        match self.loss {
            Loss::LogLoss if self.sizes[self.layers()] == 1 => classes(&self.predict(x)?),
            Loss::SoftmaxCrossEntropy => classes(&self.predict(x)?),
            Loss::LogLoss | Loss::SquaredError => Err(self.no_answer("classes")),
        }
    }

    fn no_answer(&self, asked: &'static str) -> Error {
        Error::Answer { asked, loss: self.loss, outputs: self.sizes[self.layers()] }
    }

    /// J on the examples (X, Y).
    ///
    /// # Errors
    /// As [`record`](Mlp::record); [`Error::Tape`] if there are no examples.
    #[track_caller]
    pub fn loss(&self, x: &Matrix<T>, y: &Matrix<T>) -> Result<T> {
        T::mlp_loss(self, x, y)
    }

    #[track_caller]
    pub(crate) fn loss_here(&self, x: &Matrix<T>, y: &Matrix<T>) -> Result<T> {
        let tape = Tape::new();
        let network = self.record(&tape, x, y)?;
        Ok(network.j.value()?[(0, 0)])
    }

    /// The gradients of J by the names of the parameters.
    ///
    /// # Errors
    /// As [`loss`](Mlp::loss).
    #[track_caller]
    pub fn gradients(&self, x: &Matrix<T>, y: &Matrix<T>) -> Result<IndexMap<String, Matrix<T>>> {
        T::mlp_gradients(self, x, y)
    }

    #[track_caller]
    pub(crate) fn gradients_here(&self, x: &Matrix<T>, y: &Matrix<T>) -> Result<IndexMap<String, Matrix<T>>> {
        let tape = Tape::new();
        let gradients = self.record(&tape, x, y)?.gradients();
        let mut program = tape.compile(gradients.iter().copied())?;
        program.run()?;
        let mut by_name = IndexMap::new();
        for (name, gradient) in self.parameters.keys().zip(gradients) {
            by_name.insert(name.clone(), program.view(gradient)?.to_matrix());
        }
        Ok(by_name)
    }

    /// J and all its gradients by the textbook's equations in plain code, which share nothing with
    /// the tape.
    ///
    /// # Errors
    /// As [`record`](Mlp::record) and [`closed_form::backward`].
    pub fn closed_form(&self, x: &Matrix<T>, y: &Matrix<T>) -> Result<ClosedForm<T>> {
        T::mlp_closed_form(self, x, y)
    }

    pub(crate) fn closed_form_here(&self, x: &Matrix<T>, y: &Matrix<T>) -> Result<ClosedForm<T>> {
        let layers: Vec<closed_form::Layer<'_, T>> = self
            .activations
            .iter()
            .zip(1..)
            .map(|(g, l)| {
                let (w, b) = (&self.parameters[&format!("W[{l}]")], &self.parameters[&format!("b[{l}]")]);
                closed_form::Layer::new(w, b, g)
            })
            .collect();
        self.check_x(x)?;
        self.check_y(y, x.columns())?;
        closed_form::backward(&layers, x, y, self.loss)
    }

    /// The share of right answers on the examples (X, Y).
    ///
    /// What an answer is, the loss tells. With log-loss each output answers its own question, 1
    /// where a > ½, so that two outputs of which one is wrong are half right. With softmax
    /// cross-entropy the answer is the class of the largest output. With squared error it is as in
    /// [`metrics::accuracy`].
    ///
    /// ```
    /// use mlp::{Activation, Mlp};
    /// use tape::matrix;
    /// let mut questions = Mlp::<f64>::new(1).layer(2, Activation::Sigmoid).build()?;
    /// questions.set_parameter("W[1]", matrix![[1.0], [2.0]])?;
    /// // Both say yes to 3, and one of them is right.
    /// assert_eq!(questions.accuracy(&matrix![[3.0]], &matrix![[1.0], [0.0]])?, 0.5);
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`]; the errors of [`record`](Mlp::record) for Y; [`Error::NoExamples`] if m is
    /// 0; [`Error::NonFinite`] where an output is NaN.
    #[track_caller]
    pub fn accuracy(&self, x: &Matrix<T>, y: &Matrix<T>) -> Result<f64> {
        T::mlp_accuracy(self, x, y)
    }

    #[track_caller]
    pub(crate) fn accuracy_here(&self, x: &Matrix<T>, y: &Matrix<T>) -> Result<f64> {
        self.check_y(y, x.columns())?;
        let a = self.predict(x)?;
        match self.loss {
            Loss::LogLoss => metrics::accuracy_of_each_output(&a, y),
            Loss::SoftmaxCrossEntropy => metrics::accuracy_of_classes(&a, y),
            Loss::SquaredError => metrics::accuracy(&a, y),
        }
    }
}

impl<T: Scalar> Mlp<T> {
    pub(crate) fn check_x(&self, x: &Matrix<T>) -> Result<()> {
        check_shape("X", x, (self.sizes[0], x.columns()))
    }

    /// Whether Y holds labels of this network, for m examples.
    pub(crate) fn check_y(&self, y: &Matrix<T>, m: usize) -> Result<()> {
        check_shape("Y", y, (self.sizes[self.layers()], m))?;
        check_labels(y, self.loss)?;
        if self.loss == Loss::SquaredError && !self.loss_is_chosen && is_one_hot(y) {
            return Err(Error::ForgottenLoss { outputs: y.rows() });
        }
        Ok(())
    }

    /// A network of its parts, of which the sizes and the shapes fit each other.
    ///
    /// # Errors
    /// As [`MlpBuilder::build`].
    pub(crate) fn of_parts(
        sizes: Vec<usize>,
        activations: Vec<Activation<T>>,
        (loss, loss_is_chosen): (Loss, bool),
        layers: Vec<(Matrix<T>, Matrix<T>)>,
    ) -> Result<Self> {
        let Some(output) = activations.last() else { return Err(Error::NoLayers) };
        activations.iter().try_for_each(Activation::check)?;
        check_output(loss, output, sizes[activations.len()])?;
        let parameters = named(layers);
        Ok(Mlp { sizes, activations, loss, loss_is_chosen, parameters, kept: KeptPrediction::none() })
    }

    /// Whether the user asked for the loss.
    pub(crate) fn loss_is_chosen(&self) -> bool {
        self.loss_is_chosen
    }

    /// W\[l\] and b\[l\].
    pub(crate) fn layer_parameters(&self, l: usize) -> (&Matrix<T>, &Matrix<T>) {
        (&self.parameters[2 * l - 2], &self.parameters[2 * l - 1])
    }

    /// Gives every parameter another value of its shape, in their order.
    pub(crate) fn replace_parameters(&mut self, parameters: Vec<Matrix<T>>) {
        self.kept.forget();
        self.parameters.values_mut().zip(parameters).for_each(|(known, new)| *known = new);
    }
}

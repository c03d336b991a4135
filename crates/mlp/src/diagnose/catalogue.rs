//! The catalogue: for each equation what is right, and what is written instead.

use super::Kind;
use crate::Loss;

/// A row: a mistake in an equation, in the notation of the tape. `l` is the layer, `L` the last one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) mistake: Mistake,
    pub(super) of: Kind,
    /// The loss that it is about; `None` for any.
    pub(super) loss: Option<Loss>,
    /// Ways to write it; the first one stands for it in numbers.
    pub(super) forms: &'static [&'static str],
}

/// What is right.
pub(super) fn right(of: Kind, loss: Loss) -> &'static str {
    match (of, loss) {
        (Kind::Z, _) => "W[l] * A[l−1] + b[l]",
        (Kind::A, _) => "g(Z[l])",
        (Kind::OutputDerivative, Loss::LogLoss) => "−(Y ⊘ A[L] − (1 − Y) ⊘ (1 − A[L]))",
        (Kind::OutputDerivative, Loss::SquaredError) => "2 · (A[L] − Y)",
        (Kind::OutputDerivative, Loss::SoftmaxCrossEntropy) => "softmax_minus(Y, A[L])",
        (Kind::ActivationDerivative, _) => "W[l+1]ᵀ * ∂ℒ/∂Z[l+1]",
        (Kind::Delta, _) => "∂ℒ/∂A[l] ⊙ g′(Z[l])",
        (Kind::Weights, _) => "1/m · ∂ℒ/∂Z[l] * A[l−1]ᵀ",
        (Kind::Bias, _) => "1/m · Σᵢ ∂ℒ/∂Z[l]",
    }
}

/// How large the terms are that the right side adds up: what rounding is beside, where they cancel.
pub(super) fn terms(of: Kind, loss: Loss) -> &'static str {
    match (of, loss) {
        (Kind::Z, _) => "|W[l]| * |A[l−1]| + |b[l]|",
        (Kind::A, _) => "|g(Z[l])|",
        (Kind::OutputDerivative, Loss::LogLoss) => "Y ⊘ A[L] + (1 − Y) ⊘ (1 − A[L])",
        (Kind::OutputDerivative, Loss::SquaredError) => "2 · (|A[L]| + |Y|)",
        (Kind::OutputDerivative, Loss::SoftmaxCrossEntropy) => "softmax_rows(A[L]) + Y",
        (Kind::ActivationDerivative, _) => "|W[l+1]|ᵀ * |∂ℒ/∂Z[l+1]|",
        (Kind::Delta, _) => "|∂ℒ/∂A[l] ⊙ g′(Z[l])|",
        (Kind::Weights, _) => "1/m · |∂ℒ/∂Z[l]| * |A[l−1]|ᵀ",
        (Kind::Bias, _) => "1/m · Σᵢ |∂ℒ/∂Z[l]|",
    }
}

macro_rules! mistakes {
    ($($(#[$doc:meta])* $name:ident: $words:literal;)*) => {
        /// A mistake that has a name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Mistake {
            $($(#[$doc])* $name,)*
        }

        impl Mistake {
            /// Every one of them.
            pub const ALL: &'static [Mistake] = &[$(Mistake::$name,)*];

            /// What is said of it after the number of the equation; `l` is the layer.
            pub fn words(self) -> &'static str {
                match self {
                    $(Mistake::$name => $words,)*
                }
            }
        }
    };
}

mistakes! {
    /// δ without g′.
    WithoutSlope: "without g′(Z[l])";
    /// g where g′ belongs.
    ValueForSlope: "with g(Z[l]) where g′(Z[l]) belongs";
    /// g′ at A\[l\].
    SlopeAtActivation: "with g′(A[l]) where g′(Z[l]) belongs";
    /// g′ of the layer before.
    SlopeOfLayerBelow: "with g′(Z[l−1]) where g′(Z[l]) belongs";
    /// g′ of the layer after.
    SlopeOfLayerAbove: "with g′(Z[l+1]) where g′(Z[l]) belongs";
    /// g′ twice.
    SlopeTwice: "with g′(Z[l]) twice";
    /// A product of matrices with g′.
    SlopeByMatrixProduct: "with * where ⊙ g′(Z[l]) belongs";
    /// The wrong sign.
    Sign: "with the other sign";
    /// 1/m in what is propagated.
    MeanTooEarly: "with 1/m, which enters in eq. 26 and 27 alone";
    /// No 1/m.
    WithoutMean: "without 1/m";
    /// 1/m twice.
    MeanTwice: "with 1/m twice";
    /// A transpose is missing.
    WithoutTranspose: "without ᵀ";
    /// A transpose too many.
    TransposeTooMany: "with one ᵀ too many";
    /// The factors are in the wrong order.
    FactorsSwapped: "with its factors in the wrong order";
    /// The transpose of what is right.
    Transposed: "transposed";
    /// An elementwise product where one of matrices belongs.
    Elementwise: "with ⊙ where * belongs";
    /// A\[l\] where A\[l−1\] belongs.
    OwnActivation: "with A[l] where A[l−1] belongs";
    /// Z\[l−1\] where A\[l−1\] belongs.
    PreActivation: "with Z[l−1] where A[l−1] belongs";
    /// X where A\[l−1\] belongs.
    InputForActivation: "with X where A[l−1] belongs";
    /// W\[l\] where W\[l+1\] belongs.
    WeightsOfThisLayer: "with W[l] where W[l+1] belongs";
    /// W\[l−1\] where W\[l\] belongs.
    WeightsOfLayerBelow: "with W[l−1] where W[l] belongs";
    /// W without δ.
    WithoutDelta: "without ∂ℒ/∂Z[l+1]";
    /// δ\[l\] where δ\[l+1\] belongs.
    OwnDelta: "with ∂ℒ/∂Z[l] where ∂ℒ/∂Z[l+1] belongs";
    /// δ\[l+1\] where δ\[l\] belongs.
    NextDelta: "with ∂ℒ/∂Z[l+1] where ∂ℒ/∂Z[l] belongs";
    /// δ\[l−1\] where δ\[l\] belongs.
    DeltaBelow: "with ∂ℒ/∂Z[l−1] where ∂ℒ/∂Z[l] belongs";
    /// The bias gradient is not summed.
    NotSummed: "without Σᵢ, the sum over the examples";
    /// Summed over the neurons.
    SummedOverRows: "with the sum over the neurons where Σᵢ, over the examples, belongs";
    /// Summed over everything.
    SummedOverAll: "with the sum over neurons and examples where Σᵢ belongs";
    /// The gradient of the weights as that of the bias.
    AsForWeights: "with * A[l−1]ᵀ, which is of eq. 26";
    /// Without the bias.
    WithoutBias: "without b[l]";
    /// − b.
    BiasSign: "with − b[l] where + b[l] belongs";
    /// b of the layer before.
    BiasOfLayerBelow: "with b[l−1] where b[l] belongs";
    /// Without g.
    WithoutActivation: "without g";
    /// g′ where g belongs.
    SlopeForValue: "with g′(Z[l]) where g(Z[l]) belongs";
    /// g of the layer before.
    ValueOfLayerBelow: "with Z[l−1] where Z[l] belongs";
    /// Y − A where A − Y belongs.
    LabelMinusOutput: "with Y − A[L] where A[L] − Y belongs";
    /// Y is not looked at.
    LabelIgnored: "without Y";
    /// The derivative of the squared error where another loss is meant.
    SquaresForLoss: "with the derivative of the squared error, which is not the loss";
    /// The derivative of the log-loss where another loss is meant.
    LogForLoss: "with the derivative of the log-loss, which is not the loss";
    /// A − Y, which is δ\[L\] for a sigmoid or softmax.
    DeltaForDerivative: "with A[L] − Y, which for a sigmoid is ∂ℒ/∂Z[L] already";
    /// The term of 1 − Y is missing.
    SecondTermMissing: "without the term of 1 − Y";
    /// + where − belongs, between the terms of Y and 1 − Y.
    SignBetweenTerms: "with + where − belongs before the term of 1 − Y";
    /// The 2 of the squared error is missing.
    FactorTwoMissing: "without the factor 2 of the squared error";
    /// A − Y without a softmax.
    SoftmaxMissing: "without softmax: A[L] are logits";
}

const fn row(mistake: Mistake, of: Kind, forms: &'static [&'static str]) -> Row {
    Row { mistake, of, loss: None, forms }
}

const fn of_loss(mistake: Mistake, loss: Loss, forms: &'static [&'static str]) -> Row {
    Row { mistake, of: Kind::OutputDerivative, loss: Some(loss), forms }
}

use Kind::{A, ActivationDerivative, Bias, Delta, Weights, Z};
use Loss::{LogLoss, SoftmaxCrossEntropy, SquaredError};

/// Every row. A mistake in δ\[l\] or ∂ℒ/∂A\[l\] is also found in all that follows from it.
pub(super) const ROWS: &[Row] = &[
    // eq. 26
    row(Mistake::OwnActivation, Weights, &["1/m · ∂ℒ/∂Z[l] * A[l]ᵀ"]),
    row(Mistake::PreActivation, Weights, &["1/m · ∂ℒ/∂Z[l] * Z[l−1]ᵀ"]),
    row(Mistake::InputForActivation, Weights, &["1/m · ∂ℒ/∂Z[l] * A[0]ᵀ"]),
    row(Mistake::WithoutMean, Weights, &["∂ℒ/∂Z[l] * A[l−1]ᵀ"]),
    row(
        Mistake::MeanTwice,
        Weights,
        &[
            "1/m · (1/m · ∂ℒ/∂Z[l] * A[l−1]ᵀ)",
            "1/m · (1/m · ∂ℒ/∂Z[l]) * A[l−1]ᵀ",
            "1/m² · ∂ℒ/∂Z[l] * A[l−1]ᵀ",
            "(1/m · 1/m) · ∂ℒ/∂Z[l] * A[l−1]ᵀ",
        ],
    ),
    row(Mistake::WithoutTranspose, Weights, &["1/m · ∂ℒ/∂Z[l] * A[l−1]"]),
    row(Mistake::TransposeTooMany, Weights, &["1/m · ∂ℒ/∂Z[l]ᵀ * A[l−1]ᵀ"]),
    row(Mistake::FactorsSwapped, Weights, &["1/m · A[l−1]ᵀ * ∂ℒ/∂Z[l]"]),
    row(Mistake::Transposed, Weights, &["1/m · A[l−1] * ∂ℒ/∂Z[l]ᵀ", "(1/m · ∂ℒ/∂Z[l] * A[l−1]ᵀ)ᵀ"]),
    row(Mistake::NextDelta, Weights, &["1/m · ∂ℒ/∂Z[l+1] * A[l−1]ᵀ"]),
    row(Mistake::DeltaBelow, Weights, &["1/m · ∂ℒ/∂Z[l−1] * A[l−1]ᵀ"]),
    row(Mistake::Elementwise, Weights, &["1/m · ∂ℒ/∂Z[l] ⊙ A[l−1]", "1/m · ∂ℒ/∂Z[l] ⊙ A[l−1]ᵀ"]),
    row(
        Mistake::Sign,
        Weights,
        &["−(1/m · ∂ℒ/∂Z[l] * A[l−1]ᵀ)", "−1/m · ∂ℒ/∂Z[l] * A[l−1]ᵀ", "1/m · (−∂ℒ/∂Z[l]) * A[l−1]ᵀ"],
    ),
    // eq. 27
    row(Mistake::NotSummed, Bias, &["1/m · ∂ℒ/∂Z[l]"]),
    row(Mistake::WithoutMean, Bias, &["Σᵢ ∂ℒ/∂Z[l]"]),
    row(
        Mistake::MeanTwice,
        Bias,
        &[
            "1/m · (1/m · Σᵢ ∂ℒ/∂Z[l])",
            "1/m · Σᵢ (1/m · ∂ℒ/∂Z[l])",
            "1/m² · Σᵢ ∂ℒ/∂Z[l]",
            "(1/m · 1/m) · Σᵢ ∂ℒ/∂Z[l]",
        ],
    ),
    row(Mistake::SummedOverRows, Bias, &["1/m · Σⱼ ∂ℒ/∂Z[l]"]),
    row(Mistake::SummedOverAll, Bias, &["1/m · Σ ∂ℒ/∂Z[l]"]),
    row(Mistake::NextDelta, Bias, &["1/m · Σᵢ ∂ℒ/∂Z[l+1]"]),
    row(Mistake::DeltaBelow, Bias, &["1/m · Σᵢ ∂ℒ/∂Z[l−1]"]),
    row(Mistake::AsForWeights, Bias, &["1/m · ∂ℒ/∂Z[l] * A[l−1]ᵀ"]),
    row(Mistake::Sign, Bias, &["−(1/m · Σᵢ ∂ℒ/∂Z[l])", "−1/m · Σᵢ ∂ℒ/∂Z[l]", "1/m · Σᵢ (−∂ℒ/∂Z[l])"]),
    // eq. 16
    row(Mistake::WithoutSlope, Delta, &["∂ℒ/∂A[l]"]),
    row(Mistake::ValueForSlope, Delta, &["∂ℒ/∂A[l] ⊙ g(Z[l])"]),
    row(Mistake::SlopeAtActivation, Delta, &["∂ℒ/∂A[l] ⊙ g′(A[l])"]),
    row(Mistake::SlopeOfLayerBelow, Delta, &["∂ℒ/∂A[l] ⊙ g′(Z[l−1])"]),
    row(Mistake::SlopeOfLayerAbove, Delta, &["∂ℒ/∂A[l] ⊙ g′(Z[l+1])"]),
    row(
        Mistake::SlopeTwice,
        Delta,
        &["(∂ℒ/∂A[l] ⊙ g′(Z[l])) ⊙ g′(Z[l])", "∂ℒ/∂A[l] ⊙ (g′(Z[l]) ⊙ g′(Z[l]))"],
    ),
    row(Mistake::SlopeByMatrixProduct, Delta, &["∂ℒ/∂A[l] * g′(Z[l])"]),
    row(
        Mistake::Sign,
        Delta,
        &["−(∂ℒ/∂A[l] ⊙ g′(Z[l]))", "(−∂ℒ/∂A[l]) ⊙ g′(Z[l])", "∂ℒ/∂A[l] ⊙ (−g′(Z[l]))"],
    ),
    row(Mistake::MeanTooEarly, Delta, &["1/m · (∂ℒ/∂A[l] ⊙ g′(Z[l]))", "(1/m · ∂ℒ/∂A[l]) ⊙ g′(Z[l])"]),
    // eq. 28
    row(Mistake::WeightsOfThisLayer, ActivationDerivative, &["W[l]ᵀ * ∂ℒ/∂Z[l+1]"]),
    row(Mistake::WithoutTranspose, ActivationDerivative, &["W[l+1] * ∂ℒ/∂Z[l+1]"]),
    row(Mistake::TransposeTooMany, ActivationDerivative, &["W[l+1]ᵀ * ∂ℒ/∂Z[l+1]ᵀ"]),
    row(Mistake::FactorsSwapped, ActivationDerivative, &["∂ℒ/∂Z[l+1] * W[l+1]ᵀ"]),
    row(Mistake::Transposed, ActivationDerivative, &["∂ℒ/∂Z[l+1]ᵀ * W[l+1]", "(W[l+1]ᵀ * ∂ℒ/∂Z[l+1])ᵀ"]),
    row(Mistake::Elementwise, ActivationDerivative, &["W[l+1]ᵀ ⊙ ∂ℒ/∂Z[l+1]", "W[l+1] ⊙ ∂ℒ/∂Z[l+1]"]),
    row(Mistake::OwnDelta, ActivationDerivative, &["W[l+1]ᵀ * ∂ℒ/∂Z[l]"]),
    row(Mistake::WithoutDelta, ActivationDerivative, &["W[l+1]ᵀ"]),
    row(
        Mistake::Sign,
        ActivationDerivative,
        &["−(W[l+1]ᵀ * ∂ℒ/∂Z[l+1])", "(−W[l+1]ᵀ) * ∂ℒ/∂Z[l+1]", "W[l+1]ᵀ * (−∂ℒ/∂Z[l+1])"],
    ),
    row(
        Mistake::MeanTooEarly,
        ActivationDerivative,
        &["1/m · W[l+1]ᵀ * ∂ℒ/∂Z[l+1]", "W[l+1]ᵀ * (1/m · ∂ℒ/∂Z[l+1])"],
    ),
    // eq. 8, and what stands in its place for other losses
    of_loss(Mistake::Sign, LogLoss, &["Y ⊘ A[L] − (1 − Y) ⊘ (1 − A[L])"]),
    of_loss(Mistake::LabelMinusOutput, LogLoss, &["Y − A[L]"]),
    of_loss(Mistake::LabelIgnored, LogLoss, &["A[L]"]),
    of_loss(Mistake::DeltaForDerivative, LogLoss, &["A[L] − Y"]),
    of_loss(Mistake::SquaresForLoss, LogLoss, &["2 · (A[L] − Y)"]),
    of_loss(Mistake::SecondTermMissing, LogLoss, &["−(Y ⊘ A[L])", "(−Y) ⊘ A[L]"]),
    of_loss(
        Mistake::SignBetweenTerms,
        LogLoss,
        &["−(Y ⊘ A[L] + (1 − Y) ⊘ (1 − A[L]))", "(−Y) ⊘ A[L] − (1 − Y) ⊘ (1 − A[L])"],
    ),
    of_loss(
        Mistake::LabelMinusOutput,
        SquaredError,
        &["2 · (Y − A[L])", "−(2 · (A[L] − Y))", "−2 · (A[L] − Y)"],
    ),
    of_loss(Mistake::LabelIgnored, SquaredError, &["2 · A[L]"]),
    of_loss(Mistake::FactorTwoMissing, SquaredError, &["A[L] − Y"]),
    of_loss(Mistake::LogForLoss, SquaredError, &["−(Y ⊘ A[L] − (1 − Y) ⊘ (1 − A[L]))"]),
    of_loss(
        Mistake::LabelMinusOutput,
        SoftmaxCrossEntropy,
        &["Y − softmax_rows(A[L])", "−softmax_minus(Y, A[L])"],
    ),
    of_loss(Mistake::LabelIgnored, SoftmaxCrossEntropy, &["softmax_rows(A[L])"]),
    of_loss(Mistake::SoftmaxMissing, SoftmaxCrossEntropy, &["A[L] − Y"]),
    of_loss(Mistake::SquaresForLoss, SoftmaxCrossEntropy, &["2 · (A[L] − Y)"]),
    of_loss(Mistake::LogForLoss, SoftmaxCrossEntropy, &["−(Y ⊘ A[L] − (1 − Y) ⊘ (1 − A[L]))"]),
    // eq. 23
    row(Mistake::WithoutBias, Z, &["W[l] * A[l−1]"]),
    row(Mistake::BiasSign, Z, &["W[l] * A[l−1] − b[l]"]),
    row(Mistake::BiasOfLayerBelow, Z, &["W[l] * A[l−1] + b[l−1]"]),
    row(Mistake::TransposeTooMany, Z, &["W[l]ᵀ * A[l−1] + b[l]"]),
    row(Mistake::FactorsSwapped, Z, &["A[l−1] * W[l] + b[l]"]),
    row(Mistake::Elementwise, Z, &["W[l] ⊙ A[l−1] + b[l]"]),
    row(Mistake::OwnActivation, Z, &["W[l] * A[l] + b[l]"]),
    row(Mistake::PreActivation, Z, &["W[l] * Z[l−1] + b[l]"]),
    row(Mistake::InputForActivation, Z, &["W[l] * A[0] + b[l]"]),
    row(Mistake::WeightsOfLayerBelow, Z, &["W[l−1] * A[l−1] + b[l]"]),
    // eq. 24
    row(Mistake::WithoutActivation, A, &["Z[l]"]),
    row(Mistake::SlopeForValue, A, &["g′(Z[l])"]),
    row(Mistake::ValueOfLayerBelow, A, &["g(Z[l−1])"]),
];

/// A template for a layer: `[l−1]` becomes `[1]` of layer 2. `None` if there is no such layer.
pub(super) fn of_layer(template: &str, l: usize, layers: usize) -> String {
    let before = l.wrapping_sub(1).to_string();
    template
        .replace("[l−1]", &format!("[{before}]"))
        .replace("[l+1]", &format!("[{}]", l + 1))
        .replace("[l]", &format!("[{l}]"))
        .replace("[L]", &format!("[{layers}]"))
}

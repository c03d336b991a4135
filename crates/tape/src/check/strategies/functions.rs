//! Functions of one number.

use proptest::strategy::{NewTree, Strategy};
use proptest::test_runner::TestRunner;

use super::grid::{Fill, Grid};
use super::parts::{ChoiceId, Parts, Stage};
use super::regime::Elements;
use super::seed_of;
use super::tree::{Draft, Tree};
use crate::check::Random;
use crate::{Function, FunctionKind, Scalar};

/// Functions that are applied to each element: the built-in ones and the user's.
///
/// They shrink to those that stand before them in the list, which is that of
/// [`FunctionKind::ALL`] where nothing else is said: to the identity first. A parameter is in
/// \[¼, 2\], and comes down the ladder to ½.
///
/// ```
/// use proptest::prelude::*;
/// use tape::check::Check;
/// use tape::check::strategies::Functions;
/// use tape::{Function, FunctionKind};
/// let cube = Function::new("cube", |x: f64| x * x * x)
///     .with_derivative(Function::new("cube′", |x| 3.0 * x * x));
/// let functions = Functions::of(&[FunctionKind::Tanh, FunctionKind::Elu, FunctionKind::Sigmoid]).with(cube);
/// proptest!(ProptestConfig::with_cases(8), |(g in functions)| {
///     prop_assert!(Check::new().function(&g, &[-0.5, 0.75]).is_ok());
/// });
/// ```
#[derive(Debug, Clone)]
#[must_use = "strategies do nothing unless used"]
pub struct Functions<T: Scalar> {
    options: Vec<Choice<T>>,
}

#[derive(Debug, Clone)]
enum Choice<T: Scalar> {
    Kind(FunctionKind),
    User(Function<T>),
}

impl<T: Scalar> Default for Functions<T> {
    fn default() -> Self {
        Functions::new()
    }
}

impl<T: Scalar> Functions<T> {
    /// All built-in functions, derivatives among them.
    pub fn new() -> Self {
        Functions::of(FunctionKind::ALL)
    }

    /// Built-in functions of these kinds, the simplest first; the kind of a
    /// [user's function](FunctionKind::User) is none of one.
    pub fn of(kinds: &[FunctionKind]) -> Self {
        let is_built_in = |kind: &&FunctionKind| built_in::<T>(**kind, 1.0).is_some();
        Functions { options: kinds.iter().filter(is_built_in).map(|&kind| Choice::Kind(kind)).collect() }
    }

    /// One more, after the others.
    pub fn with(mut self, function: Function<T>) -> Self {
        self.options.push(Choice::User(function));
        self
    }
}

impl<T: Scalar> Strategy for Functions<T> {
    type Tree = Tree<FunctionsDraft<T>>;
    type Value = Function<T>;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        if self.options.is_empty() {
            return Err("there is no function to draw".into());
        }
        let (mut random, mut parts) = (Random::new(seed_of(runner)), Parts::new());
        let chosen = parts.choice(Stage::Structure, random.below(self.options.len()));
        let parameter = Fill::elements(&Elements::Between(0.25, 2.0), 0, &mut random);
        Ok(Tree::new(FunctionsDraft { options: self.options.clone(), chosen, parameter }, parts))
    }
}

/// What [`Functions`] have drawn.
#[derive(Debug, Clone)]
pub struct FunctionsDraft<T: Scalar> {
    options: Vec<Choice<T>>,
    chosen: ChoiceId,
    parameter: Fill,
}

impl<T: Scalar> FunctionsDraft<T> {
    fn grid(&self, parts: &Parts) -> Grid {
        self.parameter.grid(parts, &[0], &[0])
    }
}

impl<T: Scalar> Draft for FunctionsDraft<T> {
    type Value = Function<T>;

    fn value(&self, parts: &Parts) -> Function<T> {
        match &self.options[parts.chosen(self.chosen)] {
            Choice::User(function) => function.clone(),
            Choice::Kind(kind) => {
                let parameter = self.grid(parts).matrix()[(0, 0)];
                built_in(*kind, parameter).expect("options are built in")
            }
        }
    }

    /// Functions without a parameter have nothing to be simplified.
    fn grids(&self, parts: &Parts) -> Vec<Grid> {
        match &self.options[parts.chosen(self.chosen)] {
            Choice::Kind(kind) if has_parameter(*kind) => vec![self.grid(parts)],
            Choice::Kind(_) | Choice::User(_) => Vec::new(),
        }
    }
}

fn has_parameter(kind: FunctionKind) -> bool {
    let keys = [0.5, 2.0].map(|p| built_in::<f64>(kind, p).map(|function| format!("{function:?}")));
    keys[0] != keys[1]
}

/// The function of a kind, with a parameter in [¼, 2] where it has one; `None` of the user's.
fn built_in<T: Scalar>(kind: FunctionKind, p: f64) -> Option<Function<T>> {
    use FunctionKind as Kind;
    let number = T::from_f64(p);
    let order = p as u32; // 0, 1 or 2
    Some(match kind {
        Kind::Identity => Function::Identity,
        Kind::NormalOrZero => Function::NormalOrZero,
        Kind::Exp => Function::Exp,
        Kind::Ln => Function::Ln,
        Kind::Ln1p => Function::Ln1p,
        Kind::ExpM1 => Function::ExpM1,
        Kind::Sqrt => Function::Sqrt,
        Kind::Square => Function::Square,
        Kind::Power => Function::Power(number),
        Kind::WholePower => Function::WholePower(i64::from(order) + 1),
        Kind::Sin => Function::Sin,
        Kind::Cos => Function::Cos,
        Kind::Abs => Function::Abs,
        Kind::Sign => Function::Sign,
        Kind::Erf => Function::Erf,
        Kind::ErfDerivative => Function::ErfDerivative,
        Kind::ErfHigher => Function::ErfHigher(order),
        Kind::Clamp => Function::Clamp(-number, number),
        Kind::ClampDerivative => Function::ClampDerivative(-number, number),
        Kind::Relu => Function::Relu,
        Kind::ReluDerivative => Function::ReluDerivative,
        Kind::LeakyRelu => Function::LeakyRelu(number),
        Kind::LeakyReluDerivative => Function::LeakyReluDerivative(number),
        Kind::Elu => Function::Elu(number),
        Kind::EluDerivative => Function::EluDerivative(number),
        Kind::EluSecondDerivative => Function::EluSecondDerivative(number),
        Kind::Sigmoid => Function::Sigmoid,
        Kind::SigmoidDerivative => Function::SigmoidDerivative,
        Kind::LogSigmoid => Function::LogSigmoid,
        Kind::Tanh => Function::Tanh,
        Kind::TanhDerivative => Function::TanhDerivative,
        Kind::Softplus => Function::Softplus,
        Kind::Silu => Function::Silu,
        Kind::SiluDerivative => Function::SiluDerivative,
        Kind::SiluSecondDerivative => Function::SiluSecondDerivative,
        Kind::GeluTanh => Function::GeluTanh,
        Kind::GeluTanhDerivative => Function::GeluTanhDerivative,
        Kind::GeluTanhSecondDerivative => Function::GeluTanhSecondDerivative,
        Kind::Gelu => Function::Gelu,
        Kind::GeluDerivative => Function::GeluDerivative,
        Kind::GeluHigher => Function::GeluHigher(order),
        Kind::NormalPdf => Function::NormalPdf,
        Kind::NormalPdfHigher => Function::NormalPdfHigher(order),
        Kind::User => return None,
    })
}

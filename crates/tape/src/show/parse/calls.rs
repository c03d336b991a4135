//! Operations by the names with which equations call them.

use std::borrow::Cow;

use crate::ops::Op;
use crate::tape::describe::Given;
use crate::tape::notation::Notation;
use crate::{Dim, Function, FunctionKind, OperationKind, Parameter, Scalar, Shape};

/// The operations that an equation writes as `name(…)` of so many operands, with so many ′: one, or
/// several where the notation does not tell them apart.
pub(super) fn called<T: Scalar>(name: &str, primes: usize, operands: usize) -> Vec<Op<T>> {
    let (name, primes) = spelled(name, primes);
    let (stem, brackets) = match name.split_once('[') {
        Some((stem, rest)) => (stem, rest.trim_end_matches(']')),
        None => (name, ""),
    };
    let call = Call { stem, brackets, primes, operands };
    let named = |op: &Op<T>| {
        op.takes(operands)
            && match op.rule().notation() {
                Notation::Activation { name, primes: p } => p == primes && name == stem,
                Notation::Call(called) => primes == 0 && called.replace(' ', "") == call.text(),
                Notation::Exponential => primes == 0 && stem == "exp",
                Notation::Root => primes == 0 && stem == "sqrt",
                Notation::Absolute => primes == 0 && stem == "abs",
                Notation::Power => primes == 0 && stem == "power",
                Notation::Sum(_) => primes == 0 && stem.starts_with("sum"),
                Notation::Repeat => primes == 0,
                _ => false,
            }
    };
    OperationKind::ALL.iter().flat_map(|&kind| call.of_kind(kind)).filter(named).collect()
}

/// Names that students write, as equations print them.
fn spelled(name: &str, primes: usize) -> (&str, usize) {
    match name {
        "log" => ("ln", primes),
        "sigmoid" | "sigma" => ("σ", primes),
        other => (other, primes),
    }
}

/// All names with which operations can be called, for what was mistyped.
pub(super) const NAMES: &[&str] = &[
    "exp",
    "ln",
    "ln_1p",
    "exp_m1",
    "sqrt",
    "abs",
    "sin",
    "cos",
    "sign",
    "erf",
    "clamp",
    "relu",
    "leaky_relu",
    "elu",
    "σ",
    "log_sigmoid",
    "tanh",
    "softplus",
    "silu",
    "gelu_tanh",
    "gelu",
    "φ",
    "identity",
    "maximum",
    "minimum",
    "atan2",
    "power",
    "select",
    "max",
    "max_rows",
    "max_columns",
    "min",
    "min_rows",
    "min_columns",
    "max_norm",
    "max_norm_rows",
    "max_norm_columns",
    "log_sum_exp",
    "log_sum_exp_rows",
    "log_sum_exp_columns",
    "ℒ",
    "log_loss_on_logits",
    "sigmoid_minus",
    "softmax",
    "softmax_rows",
    "softmax_columns",
    "log_softmax_rows",
    "softmax_cross_entropy",
    "softmax_minus",
    "stack_rows",
    "stack_columns",
    "gather",
    "stop_gradient",
    "cumulative_sum",
    "argmax_rows",
    "argmax_columns",
    "cholesky",
    "lower_triangle",
    "solve_lower",
    "solve",
    "lu",
    "log_det",
    "g",
    "sum",
    "sum_i",
    "sum_j",
];

struct Call<'c> {
    stem: &'c str,
    brackets: &'c str,
    primes: usize,
    operands: usize,
}

/// The parameters of an operation, as JSON has them too.
type Described<T> = Vec<(String, Parameter<T>)>;

/// Some of them.
type Named<'n, T> = Vec<(&'n str, Parameter<T>)>;

impl Call<'_> {
    /// The name with its brackets and without spaces.
    fn text(&self) -> String {
        match self.brackets {
            "" => self.stem.to_owned(),
            brackets => format!("{}[{}]", self.stem, brackets.replace(' ', "")),
        }
    }

    /// The operations of a kind that could be meant; the notation decides.
    fn of_kind<T: Scalar>(&self, kind: OperationKind) -> Vec<Op<T>> {
        let all: Vec<Described<T>> = match kind {
            // They have signs, or are the user's.
            OperationKind::Leaf
            | OperationKind::Number
            | OperationKind::Negate
            | OperationKind::Transpose
            | OperationKind::Matmul
            | OperationKind::BlockMatmul
            | OperationKind::BlockTranspose
            | OperationKind::Custom => return Vec::new(),
            OperationKind::Map => self.functions(),
            OperationKind::Zip => words("of", &["maximum", "minimum", "atan2", "power"]),
            OperationKind::PowerDerivative => self.power_derivative(),
            OperationKind::Reduce => self.reductions(),
            OperationKind::Broadcast => {
                self.shape().map(|shape| vec![("shape".into(), shape)]).into_iter().collect()
            }
            OperationKind::SigmoidMinus => words("weights", &["labels", "any"]),
            OperationKind::Softmax => self.softmax(),
            OperationKind::Stack => words("along", &["rows", "columns"]),
            OperationKind::Slice => self.slice().into_iter().collect(),
            OperationKind::Pad => self.pad().into_iter().collect(),
            OperationKind::Fold => self.fold().into_iter().collect(),
            OperationKind::RowsAt => self.rows_at().into_iter().collect(),
            OperationKind::RowsAdded => self.rows_added().into_iter().collect(),
            OperationKind::ColumnsAdded => self.whole("of").into_iter().collect(),
            OperationKind::Identity => self.identity().into_iter().collect(),
            OperationKind::CumulativeSum => words("from", &["first", "last"]),
            OperationKind::ArgMax => words("over", &["rows", "columns", "all"]),
            OperationKind::LowerTriangle => words("diagonal", &["whole", "half"]),
            OperationKind::SolveLower | OperationKind::Solve => words("transposed", &["no", "yes"]),
            OperationKind::Select
            | OperationKind::LogLoss
            | OperationKind::LogLossOnLogits
            | OperationKind::Gather
            | OperationKind::Stop
            | OperationKind::Cholesky
            | OperationKind::Lu
            | OperationKind::LogDet => vec![Vec::new()],
        };
        all.into_iter().filter_map(|given| Op::of_parameters(kind, &mut Given(given)).ok()).collect()
    }

    fn functions<T: Scalar>(&self) -> Vec<Described<T>> {
        let with = |kind: FunctionKind, parameters: Vec<(&str, Parameter<T>)>| {
            let function = [("function".to_owned(), Parameter::Word(format!("{kind:?}").into()))];
            let parameters = parameters.into_iter().map(|(name, value)| (name.to_owned(), value));
            function.into_iter().chain(parameters).collect::<Described<T>>()
        };
        let numbers: Vec<Option<T>> = self.brackets.split(',').map(|text| number(text.trim())).collect();
        let order = |least: usize| self.primes.checked_sub(least).map(|k| ("k", Parameter::Whole(k as i128)));
        let one = |name| match numbers.as_slice() {
            &[Some(x)] => Some(vec![(name, Parameter::Number(x))]),
            _ => None,
        };
        let limits = || match numbers.as_slice() {
            &[Some(low), Some(high)] => {
                Some(vec![("low", Parameter::Number(low)), ("high", Parameter::Number(high))])
            }
            _ => None,
        };
        let of = |&kind: &FunctionKind| {
            let parameters = match kind {
                FunctionKind::User | FunctionKind::Power | FunctionKind::WholePower => None,
                FunctionKind::ErfHigher | FunctionKind::GeluHigher => order(2).map(|k| vec![k]),
                FunctionKind::NormalPdfHigher => order(1).map(|k| vec![k]),
                FunctionKind::Clamp | FunctionKind::ClampDerivative => limits(),
                FunctionKind::LeakyRelu | FunctionKind::LeakyReluDerivative => one("slope"),
                FunctionKind::Elu | FunctionKind::EluDerivative | FunctionKind::EluSecondDerivative => {
                    one("alpha")
                }
                _ if !self.brackets.is_empty() => None,
                // They have no parameters: those that come to have one are refused by their description.
                _ => Some(Vec::new()),
            };
            parameters.map(|parameters| with(kind, parameters))
        };
        FunctionKind::ALL.iter().filter_map(of).collect()
    }

    fn power_derivative<T: Scalar>(&self) -> Vec<Described<T>> {
        let Some(letters) = self.stem.strip_prefix("power_") else { return Vec::new() };
        let count = |letter: char| letters.chars().filter(|&c| c == letter).count() as i128;
        let whole = |name: &str, count| (name.to_owned(), Parameter::Whole(count));
        vec![vec![whole("by_base", count('a')), whole("by_exponent", count('b'))]]
    }

    fn reductions<T: Scalar>(&self) -> Vec<Described<T>> {
        let over = |reduction: &'static str, over: &'static str| {
            [("reduction", reduction), ("over", over)]
                .map(|(name, value)| (name.to_owned(), word(value)))
                .to_vec()
        };
        let sums = [("sum_i", "columns"), ("sum_j", "rows"), ("sum", "all")];
        if let Some((_, along)) = sums.iter().find(|(name, _)| *name == self.stem) {
            return vec![over("sum", along)];
        }
        let all = ["rows", "columns", "all"];
        ["max", "min", "max_norm", "log_sum_exp"]
            .iter()
            .flat_map(|reduction| all.iter().map(move |along| over(reduction, along)))
            .collect()
    }

    fn softmax<T: Scalar>(&self) -> Vec<Described<T>> {
        let order = Parameter::Whole(self.operands.saturating_sub(1) as i128);
        let all: [(&str, Named<'_, T>); 6] = [
            ("derivative", vec![("order", order)]),
            ("logarithm", Vec::new()),
            ("cross_entropy", Vec::new()),
            ("minus", vec![("weights", word("labels"))]),
            ("minus", vec![("weights", word("any"))]),
            ("centred", Vec::new()),
        ];
        let mut described = Vec::new();
        for over in ["rows", "columns", "all"] {
            for (of, others) in &all {
                let mut parameters = vec![("of".to_owned(), word(of)), ("over".to_owned(), word(over))];
                parameters.extend(others.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
                described.push(parameters);
            }
        }
        described
    }

    /// `rows[0..2]`.
    fn slice<T: Scalar>(&self) -> Option<Described<T>> {
        let (start, end) = self.brackets.split_once("..")?;
        let whole = |text: &str| text.trim().parse().ok().map(Parameter::Whole);
        Some(vec![
            ("along".into(), along(self.stem)?),
            ("start".into(), whole(start)?),
            ("end".into(), whole(end)?),
        ])
    }

    /// `pad_rows[1 of 4]`.
    fn pad<T: Scalar>(&self) -> Option<Described<T>> {
        let (start, total) = self.brackets.split_once("of")?;
        Some(vec![
            ("along".into(), along(self.stem.strip_prefix("pad_")?)?),
            ("start".into(), Parameter::Whole(start.trim().parse().ok()?)),
            ("total".into(), extent(total)?),
        ])
    }

    /// `unfold[3]`, `fold[3]`.
    fn fold<T: Scalar>(&self) -> Option<Described<T>> {
        let way = ["unfold", "fold"].into_iter().find(|way| *way == self.stem)?;
        Some(vec![
            ("way".into(), word(way)),
            ("by".into(), Parameter::Whole(self.brackets.trim().parse().ok()?)),
        ])
    }

    /// `rows_at[2, 0, –]`, where – is a row of zeros.
    fn rows_at<T: Scalar>(&self) -> Option<Described<T>> {
        Some(vec![("rows".into(), rows(self.brackets)?)])
    }

    /// `rows_added[2, 0 of 5]`.
    fn rows_added<T: Scalar>(&self) -> Option<Described<T>> {
        let (numbers, of) = self.brackets.split_once("of")?;
        Some(vec![("rows".into(), rows(numbers)?), ("of".into(), Parameter::Whole(of.trim().parse().ok()?))])
    }

    fn whole<T: Scalar>(&self, name: &str) -> Option<Described<T>> {
        Some(vec![(name.into(), Parameter::Whole(self.brackets.trim().parse().ok()?))])
    }

    /// `I[3]`, `I[m]`.
    fn identity<T: Scalar>(&self) -> Option<Described<T>> {
        Some(vec![("extent".into(), extent(self.brackets)?)])
    }

    /// `repeat[4×m]`.
    fn shape<T: Scalar>(&self) -> Option<Parameter<T>> {
        let (rows, columns) = self.brackets.split_once(['×', 'x'])?;
        let rows = dim(rows)?;
        (self.stem == "repeat").then_some(Parameter::Shape(Shape { rows, columns: dim(columns)? }))
    }
}

fn word<T>(word: &str) -> Parameter<T> {
    Parameter::Word(Cow::Owned(word.to_owned()))
}

fn words<T>(name: &str, all: &[&str]) -> Vec<Described<T>> {
    all.iter().map(|value| vec![(name.to_owned(), word(value))]).collect()
}

fn along<T>(text: &str) -> Option<Parameter<T>> {
    matches!(text, "rows" | "columns").then(|| word(text))
}

fn dim(text: &str) -> Option<Dim> {
    let text = text.trim();
    Dim::from_word(text).or_else(|| text.parse().ok().map(Dim::Fixed))
}

fn extent<T>(text: &str) -> Option<Parameter<T>> {
    Some(match dim(text)? {
        Dim::Fixed(n) => Parameter::Whole(n as i128),
        of_m @ (Dim::M | Dim::Multiple(_)) => word(&of_m.to_string()),
    })
}

/// Row numbers as their description has them.
fn rows<T>(text: &str) -> Option<Parameter<T>> {
    let one = |row: &str| match row.trim() {
        "–" => Some(u32::MAX.to_string()),
        row => row.parse::<u32>().ok().map(|row| row.to_string()),
    };
    let all: Option<Vec<String>> = text.split(',').map(one).collect();
    Some(word(&all?.join(" ")))
}

/// A number of the type, rounded once; none is beyond its range, but ∞ where it is written.
pub(super) fn number<T: Scalar>(text: &str) -> Option<T> {
    let text = text.replace('−', "-");
    let number = match T::NAME {
        "f32" => text.parse::<f32>().ok().map(|x| T::from_f64(f64::from(x))),
        _ => text.parse::<f64>().ok().map(T::from_f64),
    }?;
    let is_beyond = !number.is_finite() && text.contains(|c: char| c.is_ascii_digit());
    (!is_beyond).then_some(number)
}

/// The function of an operation that applies one.
pub(super) fn function_of<T: Scalar>(op: &Op<T>) -> Option<&Function<T>> {
    if let Op::Map(map) = op { Some(&map.0) } else { None }
}

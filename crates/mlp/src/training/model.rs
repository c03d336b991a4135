//! What a training makes small: J, with its parameters and its data.

use tape::{Dim, EntryId, Matrix, Program, Var};

use crate::optimizer::check_held;
use crate::training::data::Held;
use crate::training::step::Followed;
use crate::{Error, ParameterKind, Result, Scalar, Training};

/// What a [`Trainer`](crate::Trainer) makes small: an entry J of a tape, with the parameters that it
/// follows and the examples that it sees.
///
/// ```
/// use mlp::{Model, Optimizer, Trainer, Training};
/// use tape::{Tape, matrix};
/// let tape = Tape::<f64>::new();
/// let (x, y) = (tape.examples_unbound("x", 1), tape.examples_unbound("y", 1));
/// let (a, b) = (tape.parameter("a", &matrix![[0.0]]), tape.parameter("b", &matrix![[0.0]]));
/// let j = (a * x + b - y).square().mean();
/// let line = Model::new(j, [a, b])
///     .examples(x, matrix![[0.0, 1.0, 2.0, 3.0]])
///     .examples(y, matrix![[1.0, 3.0, 5.0, 7.0]]);
/// let mut trainer = Trainer::new(line, &Training::new(Optimizer::momentum(0.05, 0.9)?).epochs(400))?;
/// trainer.run()?;
/// assert!((trainer.value(a)?[(0, 0)] - 2.0).abs() < 1e-6);
/// # Ok::<(), mlp::Error>(())
/// ```
#[must_use = "a trainer makes a model small"]
#[derive(Debug, Clone)]
pub struct Model<'t, T: Scalar> {
    pub(super) j: Var<'t, T>,
    pub(super) judged: Option<Var<'t, T>>,
    pub(super) parameters: Vec<Var<'t, T>>,
    pub(super) biases: Vec<Var<'t, T>>,
    /// Tables with their indices.
    pub(super) tables: Vec<(Var<'t, T>, Var<'t, T>)>,
    pub(super) read: Vec<Var<'t, T>>,
    pub(super) data: Vec<(Var<'t, T>, Option<Matrix<T>>)>,
    pub(super) validation: Vec<(Var<'t, T>, Matrix<T>)>,
    pub(super) first: Vec<(Var<'t, T>, Matrix<T>)>,
    /// The number of examples where the tape itself has them.
    of_tape: Option<usize>,
}

/// A parameter that is followed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trained<'t, T: Scalar> {
    variable: Var<'t, T>,
    indices: Option<Var<'t, T>>,
    pub(super) kind: ParameterKind,
}

impl<'t, T: Scalar> Trained<'t, T> {
    /// What the gradient is taken with respect to.
    #[track_caller]
    pub(super) fn moved(&self) -> Var<'t, T> {
        self.indices.map_or(self.variable, |indices| self.variable.gather(indices))
    }

    pub(super) fn followed(&self, gradient: Var<'t, T>, training: &Training<T>) -> Result<Followed> {
        let name = self.variable.label();
        let l1 = match (training.group_of(&name).and_then(|group| group.l1), self.kind) {
            (Some(l1), _) => l1,
            (None, ParameterKind::Weight) => training.l1,
            (None, ParameterKind::Bias) => 0.0,
        };
        if l1 != 0.0 {
            check_held::<T>("L1 λ", l1, l1)?;
        }
        if self.indices.is_some() {
            let setting = if l1 == 0.0 { training.gradients.named() } else { Some("L1") };
            if let Some(setting) = setting {
                let reason = format!("{name} is a table of which a step changes the columns that are named");
                return Err(Error::Setting { setting, reason });
            }
        }
        Ok(Followed {
            name,
            parameter: self.variable.id()?,
            gradient: gradient.id()?,
            indices: self.indices.map(Var::id).transpose()?,
            shape: self.variable.shape()?.at(0),
            l1,
        })
    }
}

/// # What is made small
impl<'t, T: Scalar> Model<'t, T> {
    /// J, 1 × 1, over these parameters. The term of L1 or L2 is of all of them, unless a
    /// [group](crate::ParameterGroup) says otherwise.
    pub fn new(j: Var<'t, T>, parameters: impl IntoIterator<Item = Var<'t, T>>) -> Self {
        Model {
            j,
            judged: None,
            parameters: parameters.into_iter().collect(),
            biases: Vec::new(),
            tables: Vec::new(),
            read: Vec::new(),
            data: Vec::new(),
            validation: Vec::new(),
            first: Vec::new(),
            of_tape: None,
        }
    }

    /// These of the parameters are biases: L1 and L2 do not pull at them. Whatever is none of the
    /// model's parameters is refused by [`Trainer::new`](crate::Trainer::new).
    pub fn biases(mut self, biases: impl IntoIterator<Item = Var<'t, T>>) -> Self {
        self.biases.extend(biases);
        self
    }

    /// Follows a table, of which J knows nothing but what it gathers by these indices, by the
    /// columns that each batch names: see [`OptimizerState::step_columns`](crate::OptimizerState::step_columns).
    /// It is a parameter, whether the model was given it as one or not. A table that J uses in
    /// another way too is refused by [`Trainer::new`](crate::Trainer::new), as its gradient would
    /// be a part of it.
    pub fn table(mut self, table: Var<'t, T>, indices: Var<'t, T>) -> Self {
        self.tables.push((table, indices));
        self
    }

    /// A parameter's first value, if the tape has none for it, or another one.
    pub fn first(mut self, parameter: Var<'t, T>, value: Matrix<T>) -> Self {
        self.first.push((parameter, value));
        self
    }

    /// Outputs that the program of a step computes as well, for
    /// [`value`](crate::Trainer::value) to read.
    pub fn reading(mut self, outputs: impl IntoIterator<Item = Var<'t, T>>) -> Self {
        self.read.extend(outputs);
        self
    }
}

/// # Examples
impl<'t, T: Scalar> Model<'t, T> {
    /// The examples of a leaf, in its columns. All leaves with examples have as many. Without any,
    /// an epoch is one step on what the tape has bound.
    pub fn examples(mut self, leaf: Var<'t, T>, values: Matrix<T>) -> Self {
        self.data.push((leaf, Some(values)));
        self
    }

    /// The examples of the validation part. J is computed on it after every epoch, with noise at
    /// its expectation.
    pub fn validation(mut self, leaf: Var<'t, T>, values: Matrix<T>) -> Self {
        self.validation.push((leaf, values));
        self
    }

    /// What is computed on the validation part, where it is not J: J without the weights of its
    /// examples, say.
    pub fn judged_by(mut self, judged: Var<'t, T>) -> Self {
        self.judged = Some(judged);
        self
    }

    /// The leaf's examples are those that the tape has bound, m of them.
    pub(super) fn of_tape(mut self, leaf: Var<'t, T>, m: usize) -> Self {
        self.data.push((leaf, None));
        self.of_tape = Some(m);
        self
    }
}

impl<'t, T: Scalar> Model<'t, T> {
    pub(super) fn judged(&self) -> Var<'t, T> {
        self.judged.unwrap_or(self.j)
    }

    /// All parameters, tables last.
    pub(super) fn all(&self) -> Vec<Trained<'t, T>> {
        let kind = |variable| match self.biases.contains(&variable) {
            true => ParameterKind::Bias,
            false => ParameterKind::Weight,
        };
        let is_table = |variable| self.tables.iter().any(|(table, _)| *table == variable);
        let others = self.parameters.iter().filter(|variable| !is_table(**variable));
        let others = others.map(|&variable| Trained { variable, indices: None, kind: kind(variable) });
        let tables = self.tables.iter().map(|&(variable, indices)| Trained {
            variable,
            indices: Some(indices),
            kind: kind(variable),
        });
        others.chain(tables).collect()
    }

    /// The parameters that no group has frozen.
    pub(super) fn trained(&self, training: &Training<T>) -> Result<Vec<Trained<'t, T>>> {
        let all = self.all();
        let labels: Vec<String> = all.iter().map(|trained| trained.variable.label()).collect();
        for (at, label) in labels.iter().enumerate() {
            if labels[..at].contains(label) {
                let reason = format!("{label} is there twice");
                return Err(Error::Setting { setting: "parameters", reason });
            }
        }
        training.check_groups(&labels)?;
        let is_frozen = |label: &str| training.group_of(label).is_some_and(|group| group.is_frozen);
        let trained = all.iter().zip(&labels).filter(|(_, label)| !is_frozen(label));
        let trained: Vec<_> = trained.map(|(trained, _)| *trained).collect();
        match trained.is_empty() {
            true => {
                let reason = "there are none to train, or all are frozen".to_owned();
                Err(Error::Setting { setting: "parameters", reason })
            }
            false => Ok(trained),
        }
    }

    /// Gives a program the first values of the parameters, and all examples.
    pub(super) fn bind(&self, program: &mut Program<T>) -> Result<()> {
        for (parameter, value) in &self.first {
            program.bind_if_needed(*parameter, value)?;
        }
        for (leaf, values) in &self.data {
            if let Some(values) = values {
                program.bind_if_needed(*leaf, values)?;
            }
        }
        Ok(())
    }

    /// The matrices that an evaluation on the training's examples, or on others, has bound.
    pub(super) fn bound(&self, on: On) -> Result<Vec<(EntryId, &Matrix<T>)>> {
        let first = self.first.iter().map(|(leaf, value)| (*leaf, value));
        let data = self.data.iter().filter_map(|(leaf, values)| Some((*leaf, values.as_ref()?)));
        let validation = self.validation.iter().map(|(leaf, values)| (*leaf, values));
        let examples: Vec<_> = match on {
            On::Training => data.collect(),
            On::Validation => validation.collect(),
        };
        first.chain(examples).map(|(leaf, value)| Ok((leaf.id()?, value))).collect()
    }

    pub(super) fn has_validation(&self) -> bool {
        !self.validation.is_empty()
    }

    /// The number of examples, if there are any.
    pub(super) fn m(&self) -> Option<usize> {
        self.data.iter().find_map(|(_, values)| Some(values.as_ref()?.columns())).or(self.of_tape)
    }

    /// The examples of the training; none, if blocks are to come from elsewhere.
    pub(super) fn held(self) -> Result<Vec<Held<T>>> {
        let m = self.m();
        let mut held = Vec::new();
        for (leaf, own) in self.data {
            if leaf.shape()?.columns != Dim::M {
                let reason = format!("{} has no columns that are examples", leaf.label());
                return Err(Error::Setting { setting: "examples", reason });
            }
            let found = own.as_ref().map(Matrix::columns).or(m).unwrap_or_default();
            if let Some(expected) = m.filter(|m| *m != found) {
                return Err(Error::Length { list: "examples of a leaf", expected, found });
            }
            let entry = leaf.id()?;
            if held.iter().any(|other: &Held<T>| other.leaf == entry) {
                let reason = format!("{} is there twice", leaf.label());
                return Err(Error::Setting { setting: "examples", reason });
            }
            held.push(Held { leaf: entry, own });
        }
        Ok(held)
    }
}

/// Which examples an evaluation sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    Training,
    Validation,
}

//! The arguments of the main example.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use lexopt::prelude::{Long, Short, ValueExt};
use mlp::tables::{Header, Separator};
use mlp::{Activation, Optimizer};

use super::text::{short, shown};

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Trains a network on real data, and shows that the tape derived the textbook's equations.

Usage: cargo run --release --example breast_cancer -- [OPTIONS]

Without options: the Breast Cancer Wisconsin (Diagnostic) data, a network 30-16-1 with tanh and
sigmoid, log-loss, gradient descent. The exit code is 0 only if every check holds: the bars on the
test rows, every derived gradient the very entry of its equation, and equal in value to equations
26-28 in plain code, before and after training.

Your own data:
  --csv FILE           a table of numbers, a row for each example; , ; or tab between them
  --separator NAME     which of them: comma, semicolon or tab               [most in the first row]
  --target COLUMN      the column to learn, by name or by number from 1     [the last column]
  --classes            the numbers of the target are names of classes       [two numbers are]
  --header yes|no      whether the first row holds the names of the columns [if none is a number]
  --test-share SHARE   share of the rows kept for the test, drawn by seed   [0.2]

  The target decides what is learned:
    two classes        sigmoid and log-loss                accuracy, log-loss, ROC AUC
    several classes    softmax cross-entropy               accuracy, cross-entropy
    a quantity         squared error, standardised target  root mean square error, R2

The network:
  --hidden SIZES       neurons of each hidden layer: 16, or 32,16, or none  [16]
  --activation NAME    of the hidden layers: tanh, sigmoid, relu, gelu_erf, silu, ... [tanh]
  --f32                single precision

The training:                                               [default; with --csv]
  --optimizer NAME     descent, momentum, nesterov, rmsprop, adagrad, adam, adamw or lion
                                                            [descent; adam]
  --rate NUMBER        learning rate         [of descent 0.3, of adam 0.01, of others their own]
  --l2 NUMBER          L2 regularisation of the weights     [0.01; 0.001]
  --epochs NUMBER                                           [400; 200]
  --batch SIZE         examples in a mini-batch             [all; 32]
  --seed NUMBER        of first weights, batches and split  [0]
  --seeds              seeds 0 to 9, and a table of them
  --compare            neurons and L2 chosen by cross-validation inside the training rows, with
                       and without a hidden layer; then both with ten seeds on the test rows

Files (networks as safetensors, which Python reads; each is written whole or not at all):
  --save FILE          the trained network, with what its features are standardised by
  --load FILE          tests a saved network, and trains none
  --checkpoint FILE    the training, after every ten epochs
  --report FILE        a page of figures (HTML): losses, curves, calibration, weights
  --page FILE          a page (HTML) on which one steps through the trained network, forward and backward
  --resume FILE        goes on from a checkpoint: the same options give the same bits as no stop

  -h, --help           this text
";

/// What was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Args {
    pub(crate) csv: Option<PathBuf>,
    pub(crate) target: Option<String>,
    pub(crate) classes: bool,
    pub(crate) header: Header,
    pub(crate) separator: Separator,
    pub(crate) test_share: f64,
    /// n_1, …, n_(L−1).
    pub(crate) hidden: Vec<usize>,
    /// A name that [`Activation`] reads.
    pub(crate) activation: String,
    pub(crate) single: bool,
    pub(crate) rule: Rule,
    pub(crate) optimizer: Optimizer,
    pub(crate) epochs: usize,
    pub(crate) batch: Option<usize>,
    pub(crate) seed: u64,
    pub(crate) seeds: bool,
    pub(crate) compare: bool,
    pub(crate) save: Option<PathBuf>,
    pub(crate) load: Option<PathBuf>,
    pub(crate) checkpoint: Option<PathBuf>,
    pub(crate) resume: Option<PathBuf>,
    pub(crate) report: Option<PathBuf>,
    pub(crate) page: Option<PathBuf>,
}

/// The rule of the optimizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    Descent,
    Momentum,
    Nesterov,
    RmsProp,
    Adagrad,
    Adam,
    AdamW,
    Lion,
}

impl Rule {
    const ALL: [Rule; 8] = [
        Rule::Descent,
        Rule::Momentum,
        Rule::Nesterov,
        Rule::RmsProp,
        Rule::Adagrad,
        Rule::Adam,
        Rule::AdamW,
        Rule::Lion,
    ];
    /// What momentum and Nesterov keep of the last step.
    const BETA: f64 = 0.9;
    /// The decoupled decay of AdamW, as in PyTorch.
    const DECAY: f64 = 0.01;

    /// As an option.
    fn name(self) -> &'static str {
        match self {
            Rule::Descent => "descent",
            Rule::Momentum => "momentum",
            Rule::Nesterov => "nesterov",
            Rule::RmsProp => "rmsprop",
            Rule::Adagrad => "adagrad",
            Rule::Adam => "adam",
            Rule::AdamW => "adamw",
            Rule::Lion => "lion",
        }
    }

    /// The rate if none is given.
    fn rate(self) -> f64 {
        match self {
            Rule::Descent => 0.3,
            Rule::Momentum | Rule::Nesterov | Rule::Adagrad => 0.05,
            Rule::Adam | Rule::AdamW => 0.01,
            Rule::RmsProp => 0.003,
            Rule::Lion => 0.001,
        }
    }

    fn optimizer(self, rate: f64) -> mlp::Result<Optimizer> {
        match self {
            Rule::Descent => Optimizer::gradient_descent(rate),
            Rule::Momentum => Optimizer::momentum(rate, Rule::BETA),
            Rule::Nesterov => Optimizer::nesterov(rate, Rule::BETA),
            Rule::RmsProp => Optimizer::rms_prop(rate),
            Rule::Adagrad => Optimizer::adagrad(rate),
            Rule::Adam => Optimizer::adam(rate),
            Rule::AdamW => Optimizer::adam_w(rate, Rule::DECAY),
            Rule::Lion => Optimizer::lion(rate),
        }
    }
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Rule::ALL.map(Rule::name).join(", ");
        let found = Rule::ALL.into_iter().find(|rule| rule.name() == text);
        found.ok_or_else(|| format!("known are {known}"))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::Descent => f.write_str("gradient descent"),
            Rule::Momentum => write!(f, "momentum {}", Rule::BETA),
            Rule::Nesterov => write!(f, "Nesterov's momentum {}", Rule::BETA),
            Rule::RmsProp => f.write_str("RMSProp"),
            Rule::Adagrad => f.write_str("Adagrad"),
            Rule::Adam => f.write_str("Adam"),
            Rule::AdamW => write!(f, "AdamW with decay {}", Rule::DECAY),
            Rule::Lion => f.write_str("Lion"),
        }
    }
}

/// The options as they were given, before the defaults.
#[derive(Debug, Default)]
struct Given {
    csv: Option<PathBuf>,
    target: Option<String>,
    classes: bool,
    header: Header,
    separator: Separator,
    test_share: Option<f64>,
    hidden: Option<Vec<usize>>,
    activation: Option<String>,
    single: bool,
    rule: Option<Rule>,
    rate: Option<f64>,
    l2: Option<f64>,
    epochs: Option<usize>,
    batch: Option<usize>,
    seed: Option<u64>,
    seeds: bool,
    compare: bool,
    save: Option<PathBuf>,
    load: Option<PathBuf>,
    checkpoint: Option<PathBuf>,
    resume: Option<PathBuf>,
    report: Option<PathBuf>,
    page: Option<PathBuf>,
}

impl Args {
    /// Reads the command line; `None` if it asks for help.
    pub(crate) fn from_command_line() -> Result<Option<Args>, String> {
        let mut parser = lexopt::Parser::from_env();
        let mut given = Given::default();
        while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
            match argument {
                Short('h') | Long("help") => return Ok(None),
                Long(name) => {
                    let name = name.to_string();
                    given.option(&name, &mut parser)?;
                }
                other => return Err(other.unexpected().to_string()),
            }
        }
        given.with_defaults().map(Some)
    }
}

impl Given {
    fn option(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<(), String> {
        match name {
            "csv" => self.csv = Some(path(parser)?),
            "target" => self.target = Some(value(parser, name)?),
            "classes" => self.classes = true,
            "header" => self.header = value::<Choice>(parser, name)?.0,
            "separator" => self.separator = value::<Named>(parser, name)?.0,
            "test-share" => self.test_share = Some(number(parser, name)?),
            "hidden" => self.hidden = Some(value::<Sizes>(parser, name)?.0),
            "activation" => self.activation = Some(value::<Activation<f64>>(parser, name)?.to_string()),
            "f32" => self.single = true,
            "optimizer" => self.rule = Some(value(parser, name)?),
            "rate" => self.rate = Some(number(parser, name)?),
            "l2" => self.l2 = Some(number(parser, name)?),
            "epochs" => self.epochs = Some(whole(parser, name)?),
            "batch" => self.batch = Some(whole(parser, name)?),
            "seed" => self.seed = Some(whole(parser, name)?),
            "seeds" => self.seeds = true,
            "compare" => self.compare = true,
            "save" => self.save = Some(path(parser)?),
            "load" => self.load = Some(path(parser)?),
            "checkpoint" => self.checkpoint = Some(path(parser)?),
            "report" => self.report = Some(path(parser)?),
            "page" => self.page = Some(path(parser)?),
            "resume" => self.resume = Some(path(parser)?),
            _ => return Err(format!("there is no option --{name}")),
        }
        Ok(())
    }

    fn with_defaults(self) -> Result<Args, String> {
        self.check()?;
        let own = self.csv.is_some();
        let rule = self.rule.unwrap_or(if own { Rule::Adam } else { Rule::Descent });
        let optimizer = rule.optimizer(self.rate.unwrap_or_else(|| rule.rate()));
        let l2 = self.l2.unwrap_or(if own { 0.001 } else { 0.01 });
        let optimizer = optimizer.and_then(|o| o.with_l2(l2)).map_err(told)?;
        Ok(Args {
            csv: self.csv,
            target: self.target,
            classes: self.classes,
            header: self.header,
            separator: self.separator,
            test_share: self.test_share.unwrap_or(0.2),
            hidden: self.hidden.unwrap_or_else(|| vec![16]),
            activation: self.activation.unwrap_or_else(|| "tanh".to_string()),
            single: self.single,
            rule,
            optimizer,
            epochs: self.epochs.unwrap_or(if own { 200 } else { 400 }),
            batch: self.batch.or(own.then_some(32)),
            seed: self.seed.unwrap_or(0),
            seeds: self.seeds,
            compare: self.compare,
            save: self.save,
            load: self.load,
            checkpoint: self.checkpoint,
            resume: self.resume,
            report: self.report,
            page: self.page,
        })
    }

    /// Finds options that say nothing together.
    fn check(&self) -> Result<(), String> {
        let data = [
            ("--target", self.target.is_some()),
            ("--classes", self.classes),
            ("--header", self.header != Header::Detect),
            ("--separator", self.separator != Separator::Detect),
            ("--test-share", self.test_share.is_some()),
        ];
        if let (None, Some((name, _))) = (&self.csv, data.iter().find(|(_, given)| *given)) {
            return Err(format!("{name} is about a file of your own: give it with --csv FILE"));
        }
        let training = [
            ("--save", self.save.is_some()),
            ("--checkpoint", self.checkpoint.is_some()),
            ("--resume", self.resume.is_some()),
            ("--hidden", self.hidden.is_some()),
            ("--activation", self.activation.is_some()),
            ("--epochs", self.epochs.is_some()),
        ];
        if let (Some(_), Some((name, _))) = (&self.load, training.iter().find(|(_, given)| *given)) {
            return Err(format!("{name} is about a training, and --load trains none"));
        }
        let files = training.iter().take(3).find(|(_, given)| *given).map(|(name, _)| *name);
        let others = [
            ("--load", self.load.is_some()),
            ("--report", self.report.is_some()),
            ("--page", self.page.is_some()),
        ];
        let others = others.iter().find(|(_, given)| *given).map(|(name, _)| *name);
        if let Some(name) = files.or(others)
            && (self.seeds || self.compare)
        {
            let many = if self.compare { "--compare trains several" } else { "--seeds trains ten" };
            return Err(format!("{many} networks, and {name} is about one"));
        }
        let chosen =
            [("--hidden", self.hidden.is_some()), ("--l2", self.l2.is_some()), ("--seeds", self.seeds)];
        let chosen = chosen.iter().find(|(_, given)| *given).map(|(name, _)| *name);
        if let (true, Some(name)) = (self.compare, chosen) {
            return Err(format!("--compare chooses neurons and L2, and runs ten seeds: leave {name} out"));
        }
        if self.seeds && self.seed.is_some() {
            return Err("--seeds runs seeds 0 to 9: leave --seed out".to_string());
        }
        if let Some(share) = self.test_share
            && !(0.0 < share && share < 1.0)
        {
            return Err(format!("--test-share {}: greater than 0 and less than 1 is needed", short(share)));
        }
        for (name, value) in [("--epochs", self.epochs), ("--batch", self.batch)] {
            if value == Some(0) {
                return Err(format!("{name}: at least 1 is needed"));
            }
        }
        Ok(())
    }
}

/// The value of an option, or what is wrong with it.
fn value<V: FromStr>(parser: &mut lexopt::Parser, name: &str) -> Result<V, String>
where
    V::Err: fmt::Display,
{
    let text = text(parser)?;
    text.parse().map_err(|error| format!("--{name} {}: {error}", shown(&text)))
}

fn path(parser: &mut lexopt::Parser) -> Result<PathBuf, String> {
    Ok(parser.value().map_err(|error| error.to_string())?.into())
}

fn number(parser: &mut lexopt::Parser, name: &str) -> Result<f64, String> {
    let text = text(parser)?;
    let expected = "a number is expected, as 0.3 or 1e-3";
    text.parse().map_err(|_| format!("--{name} {}: {expected}", shown(&text)))
}

fn whole<V: FromStr>(parser: &mut lexopt::Parser, name: &str) -> Result<V, String> {
    let text = text(parser)?;
    let expected = "a whole number is expected, from 0 and below 2^64";
    text.parse().map_err(|_| format!("--{name} {}: {expected}", shown(&text)))
}

fn text(parser: &mut lexopt::Parser) -> Result<String, String> {
    parser.value().and_then(|text| text.string()).map_err(|error| error.to_string())
}

/// What is wrong with a setting, with its value as short as it was written.
fn told(error: mlp::Error) -> String {
    match error {
        mlp::Error::Hyperparameter { name, value, expected } => {
            format!("{name} is {}, it must be {expected}", short(value))
        }
        other => other.to_string(),
    }
}

/// yes or no.
struct Choice(Header);

impl FromStr for Choice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "yes" => Ok(Choice(Header::Yes)),
            "no" => Ok(Choice(Header::No)),
            _ => Err("yes or no is expected"),
        }
    }
}

/// comma, semicolon or tab.
struct Named(Separator);

impl FromStr for Named {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Separator::Comma, Separator::Semicolon, Separator::Tab];
        let named = all.into_iter().find(|separator| separator.to_string() == text);
        named.map(Named).ok_or("comma, semicolon or tab is expected")
    }
}

/// `none`, or sizes with commas between them.
struct Sizes(Vec<usize>);

impl FromStr for Sizes {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Sizes(Vec::new()));
        }
        let sizes: Result<Vec<usize>, _> = text.split(',').map(|size| size.trim().parse()).collect();
        match sizes {
            Ok(sizes) if sizes.iter().all(|&size| size > 0) => Ok(Sizes(sizes)),
            _ => Err("sizes from 1 are expected, as 16 or 32,16, or none"),
        }
    }
}

//! What is claimed of an entry, and what was found.

use std::fmt;

use tape::{Scalar, Var};

/// An equation at one place of the network: the entry that it is, and how that was found out.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    /// As in `l = 2`; empty where the textbook's equation has no index.
    pub(crate) place: String,
    pub(crate) entry: Shown,
    pub(crate) findings: Vec<Finding>,
}

impl Claim {
    pub(crate) fn holds(&self) -> bool {
        !self.findings.is_empty() && self.findings.iter().all(Finding::holds)
    }
}

/// What is shown of an entry, read off the list.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) index: Option<usize>,
    pub(crate) shape: String,
    pub(crate) text: String,
    pub(crate) latex: String,
    pub(crate) mathml: String,
}

impl Shown {
    pub(crate) fn of<T: Scalar>(var: Var<'_, T>) -> Self {
        let equation = var.equation();
        Shown {
            index: var.index(),
            shape: var.shape().map_or_else(|error| error.to_string(), |shape| shape.to_string()),
            text: equation.to_string(),
            latex: equation.latex(),
            mathml: equation.mathml(),
        }
    }
}

/// What was found out about an entry.
#[derive(Debug, Clone)]
pub(crate) enum Finding {
    /// What should be the same entry: the entry's number, and that of the other.
    SameEntry { other: &'static str, index: Option<usize>, found: Option<usize> },
    /// The entry is an operand of another, which is a derivative.
    OperandOf { operand: Option<usize>, of: Option<usize>, operation: String, operands: Vec<usize> },
    /// What the rule of an operation recorded, and what it should be.
    Recorded { operation: String, expected: &'static str, operands: Vec<usize>, of: Vec<Option<usize>> },
    /// Numbers of the entry against those that are found in another way.
    Numbers { by: &'static str, compared: usize, largest: f64, bound: f64 },
    /// Numbers of the entry against those of each example alone.
    SameBits { compared: usize, different: usize },
}

impl Finding {
    /// The formula, recorded after differentiation.
    pub(crate) fn by_hand<'t, T: Scalar>(derived: Var<'t, T>, by_hand: Var<'t, T>) -> Self {
        Self::same(derived, by_hand, "recorded by hand after differentiation")
    }

    pub(crate) fn same<'t, T: Scalar>(entry: Var<'t, T>, other: Var<'t, T>, what: &'static str) -> Self {
        Finding::SameEntry { other: what, index: entry.index(), found: other.index() }
    }

    /// # Errors
    /// The error that poisoned `of`.
    pub(crate) fn operand_of<'t, T: Scalar>(entry: Var<'t, T>, of: Var<'t, T>) -> tape::Result<Self> {
        let view = of.entry()?;
        Ok(Finding::OperandOf {
            operand: entry.index(),
            of: of.index(),
            operation: view.operation(),
            operands: view.operands().map(|operand| operand.index()).collect(),
        })
    }

    /// # Errors
    /// The error that poisoned `entry`.
    pub(crate) fn recorded<'t, T: Scalar>(
        entry: Var<'t, T>,
        expected: &'static str,
        of: [Var<'t, T>; 2],
    ) -> tape::Result<Self> {
        let view = entry.entry()?;
        Ok(Finding::Recorded {
            operation: view.operation(),
            expected,
            operands: view.operands().map(|operand| operand.index()).collect(),
            of: of.map(|operand| operand.index()).to_vec(),
        })
    }

    pub(crate) fn holds(&self) -> bool {
        match self {
            Finding::SameEntry { index, found, .. } => index.is_some() && index == found,
            Finding::OperandOf { operand, operands, .. } => {
                operand.is_some_and(|index| operands.contains(&index))
            }
            Finding::Recorded { operation, expected, operands, of } => {
                operation == expected && of.iter().copied().eq(operands.iter().copied().map(Some))
            }
            // A NaN is no difference that is small enough.
            Finding::Numbers { compared, largest, bound, .. } => *compared > 0 && largest <= bound,
            Finding::SameBits { compared, different } => *compared > 0 && *different == 0,
        }
    }
}

/// Plain ASCII, so that it can stand in any document.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |index: &Option<usize>| index.map_or("void".to_owned(), |index| format!("%{index}"));
        let numbers = |indices: &[usize]| {
            indices.iter().map(|index| format!("%{index}")).collect::<Vec<_>>().join(", ")
        };
        let counted = |compared: &usize| match compared {
            1 => "1 number".to_owned(),
            many => format!("{many} numbers"),
        };
        match self {
            Finding::SameEntry { other, found, .. } => {
                write!(
                    f,
                    "{other}: {}, {}",
                    number(found),
                    if self.holds() { "this entry" } else { "ANOTHER" }
                )
            }
            Finding::OperandOf { of, operation, operands, .. } => {
                let is = if self.holds() { "an operand" } else { "NO OPERAND" };
                write!(f, "{is} of {} = {operation}({})", number(of), numbers(operands))
            }
            Finding::Recorded { operation, expected, operands, of } => {
                write!(f, "the rule recorded {operation}({})", numbers(operands))?;
                if self.holds() {
                    return Ok(());
                }
                let of: Vec<String> = of.iter().map(number).collect();
                write!(f, ", AND NOT {expected}({})", of.join(", "))
            }
            Finding::Numbers { by, compared, largest: 0.0, .. } => {
                write!(f, "{} by {by}: equal", counted(compared))
            }
            Finding::Numbers { by, compared, largest, bound } => {
                let within = if self.holds() { "within" } else { "NOT WITHIN" };
                write!(
                    f,
                    "{} by {by}: at most {largest:.1e} apart, relative, {within} {bound:.1e}",
                    counted(compared)
                )
            }
            Finding::SameBits { compared, different: 0 } => {
                write!(f, "{} of each example alone: the same bits", counted(compared))
            }
            Finding::SameBits { compared, different } => {
                write!(f, "{} of each example alone: {different} WITH OTHER BITS", counted(compared))
            }
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let index = self.entry.index.map_or("void".to_owned(), |index| format!("%{index}"));
        if !self.place.is_empty() {
            write!(f, "{}, ", self.place)?;
        }
        // What nobody has named is called by its number.
        match self.entry.text.starts_with(&format!("{index} =")) {
            true => write!(f, "{}", self.entry.text)?,
            false => write!(f, "{index}: {}", self.entry.text)?,
        }
        self.findings.iter().try_for_each(|finding| write!(f, "; {finding}"))
    }
}

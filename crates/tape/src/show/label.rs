//! What an entry is called in an equation.

use crate::error::printable;
use crate::{Entry, Scalar};

/// What an equation calls an entry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Label {
    /// The name that the user gave.
    Name(String),
    /// ∂of/∂of what, as in ∂J/∂W\[1\].
    Derivative {
        /// J, ℒ or the output's name.
        of: String,
        /// The name of the entry with respect to which it is the derivative.
        with_respect_to: String,
    },
    /// δ\[l\], the derivative with respect to Z\[l\]; holds what stands between the brackets.
    Delta(String),
    /// %12: an entry without a name.
    Number(usize),
    /// One of the above with the number of its entry, where the typesetting can tell it.
    #[cfg_attr(not(feature = "html"), allow(dead_code))] // made for pages alone
    Marked(usize, Box<Label>),
}

impl Label {
    /// The user's name, the derived one, or the number.
    pub(crate) fn of<T: Scalar>(entry: Entry<'_, T>) -> Label {
        Label::given(entry).or_else(|| Label::derived(entry)).unwrap_or(Label::Number(entry.index()))
    }

    /// The user's name.
    pub(crate) fn given<T: Scalar>(entry: Entry<'_, T>) -> Option<Label> {
        let name = entry.given_name()?;
        Some(Label::Name(one_line(&name)))
    }

    /// The name that follows from a differentiation.
    pub(crate) fn derived<T: Scalar>(entry: Entry<'_, T>) -> Option<Label> {
        let derivative = entry.derivative_of()?;
        let with_respect_to = match derivative.with_respect_to.given_name() {
            Some(name) => one_line(&name),
            None => format!("%{}", derivative.with_respect_to.index()),
        };
        Some(Label::Derivative { of: one_line(&derivative.of), with_respect_to })
    }

    /// The label that tells its entry.
    #[cfg(feature = "html")]
    pub(crate) fn marked(self, entry: usize) -> Label {
        Label::Marked(entry, Box::new(self))
    }

    /// δ\[l\], if this is a derivative with respect to Z\[l\].
    pub(crate) fn delta(&self) -> Option<Label> {
        let Label::Derivative { with_respect_to, .. } = self else { return None };
        let (base, index) = indexed(with_respect_to)?;
        (base == "Z").then(|| Label::Delta(index.to_owned()))
    }
}

/// One line, whatever the user's name holds.
fn one_line(name: &str) -> String {
    let spaced: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    printable(spaced.trim()).into_owned()
}

/// Takes `W[1]` apart into `W` and `1`.
pub(crate) fn indexed(name: &str) -> Option<(&str, &str)> {
    let (base, index) = name.strip_suffix(']')?.split_once('[')?;
    (!base.is_empty() && !index.is_empty() && !index.contains(['[', ']'])).then_some((base, index))
}

/// Takes a name that the user wrote as ∂a/∂b apart into a and b.
pub(crate) fn as_derivative(name: &str) -> Option<(&str, &str)> {
    let (of, with_respect_to) = name.strip_prefix('∂')?.split_once("/∂")?;
    (!of.is_empty() && !with_respect_to.is_empty() && !with_respect_to.contains('∂'))
        .then_some((of, with_respect_to))
}

//! What becomes of the gradients before the optimiser sees them: means over several batches,
//! clipping, and the term of L1.

use tape::Program;

use crate::shuffle::zeros;
use crate::training::step::Followed;
use crate::vectors::{SMALL, norm_of_all};
use crate::{Result, Scalar};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub(super) struct GradientRules {
    /// Batches of a step.
    pub(super) accumulated: usize,
    pub(super) most_norm: Option<f64>,
    pub(super) most_value: Option<f64>,
}

impl Default for GradientRules {
    fn default() -> Self {
        GradientRules { accumulated: 1, most_norm: None, most_value: None }
    }
}

impl GradientRules {
    /// What is asked for by name, if a gradient cannot be used where the program has it.
    pub(super) fn named(&self) -> Option<&'static str> {
        match self {
            GradientRules { accumulated: 2.., .. } => Some("accumulated gradients"),
            GradientRules { most_norm: Some(_), .. } | GradientRules { most_value: Some(_), .. } => {
                Some("clipping")
            }
            GradientRules { accumulated: _, most_norm: None, most_value: None } => None,
        }
    }
}

/// The gradients of a step, in memory of their own.
#[derive(Debug)]
pub(super) struct Gradients<T> {
    rules: GradientRules,
    /// Of every followed parameter: the sum of each batch's gradient times its examples.
    sums: Vec<Vec<T>>,
    examples: usize,
    batches: usize,
}

impl<T: Scalar> Gradients<T> {
    /// For parameters of these sizes.
    pub(super) fn new(rules: GradientRules, sizes: impl Iterator<Item = usize>) -> Result<Self> {
        let zeros = |size| zeros("the gradients of a step", size);
        Ok(Gradients { rules, sums: sizes.map(zeros).collect::<Result<_>>()?, examples: 0, batches: 0 })
    }

    /// Forgets what was collected.
    pub(super) fn clear(&mut self) {
        (self.examples, self.batches) = (0, 0);
    }

    /// Takes the gradients of a batch. Says whether the step is due.
    pub(super) fn collect(&mut self, program: &Program<T>, followed: &[Followed], m: usize) -> Result<bool> {
        let weight = T::from_usize(m);
        for (sum, followed) in self.sums.iter_mut().zip(followed) {
            let gradient = program.view(followed.gradient)?;
            let pairs = sum.iter_mut().zip(gradient.as_slice());
            match (self.rules.accumulated, self.batches) {
                (0 | 1, _) => pairs.for_each(|(sum, &g)| *sum = g),
                (_, 0) => pairs.for_each(|(sum, &g)| *sum = weight * g),
                (_, _) => pairs.for_each(|(sum, &g)| *sum += weight * g),
            }
        }
        (self.examples, self.batches) = (self.examples + m, self.batches + 1);
        Ok(self.batches >= self.rules.accumulated)
    }

    /// The gradient of every parameter, clipped, of a step that is due; the next step begins.
    pub(super) fn take(&mut self) -> &mut [Vec<T>] {
        if self.rules.accumulated > 1 {
            let m = T::from_usize(self.examples);
            self.sums.iter_mut().flatten().for_each(|sum| *sum /= m);
        }
        if let Some(most) = self.rules.most_value {
            let most = T::from_f64(most);
            // NaN stays.
            let clip = |g: T| {
                if g > most {
                    most
                } else if g < -most {
                    -most
                } else {
                    g
                }
            };
            self.sums.iter_mut().flatten().for_each(|g| *g = clip(*g));
        }
        if let Some(most) = self.rules.most_norm {
            let mut norm = norm_of_all(self.sums.iter().map(Vec::as_slice));
            if norm.is_infinite() {
                // That of finite numbers may be beyond f64, and c/∞ would leave nothing of them.
                self.sums.iter_mut().flatten().for_each(|g| *g = T::from_f64(g.to_f64() * SMALL));
                norm = norm_of_all(self.sums.iter().map(Vec::as_slice));
            }
            if norm > most {
                let factor = most / norm;
                self.sums.iter_mut().flatten().for_each(|g| *g = T::from_f64(g.to_f64() * factor));
            }
        }
        self.clear();
        &mut self.sums
    }
}

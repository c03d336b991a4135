//! A network as a page that one can step through, with the textbook's equations marked.

use tape::{Over, Page, Program, Var};

use crate::{Error, Loss, Mlp, RecordedMlp, Result, Scalar};

/// # A page
///
/// With the feature `html`.
impl<T: Scalar> Mlp<T> {
    /// The page of this network as it is recorded and differentiated on a tape, with the values of a
    /// program's leaves.
    ///
    /// Entries that are equations of the textbook are marked: Z\[l\] is eq. 23, A\[l\] eq. 24, J
    /// eq. 25; ∂ℒ/∂A\[L\] is eq. 8 for the log-loss, ∂ℒ/∂Z\[l\] eq. 16, ∂J/∂W\[l\] eq. 26,
    /// ∂J/∂b\[l\] eq. 27, ∂ℒ/∂A\[l\] eq. 28. The last five are proven: each is recorded by hand on the
    /// same tape, and found to be the very entry.
    ///
    /// ```
    /// use mlp::{Activation, Mlp};
    /// use tape::{Tape, matrix};
    /// let xor = Mlp::<f64>::new(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).build()?;
    /// let x = matrix![[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]];
    /// let tape = Tape::new();
    /// let recorded = xor.record(&tape, &x, &matrix![[0.0, 1.0, 1.0, 0.0]])?;
    /// let gradients = recorded.gradients();
    /// let program = tape.compile(gradients)?;
    /// let html = xor.page(&recorded, &program)?.to_html()?;
    /// assert!(html.contains("eq. 26"));
    /// # Ok::<(), mlp::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Tape`](crate::Error::Tape) if what was recorded is void;
    /// [`Error::Length`](crate::Error::Length) if it is of a network of more or fewer layers.
    pub fn page<'t>(&self, recorded: &RecordedMlp<'t, T>, program: &'t Program<T>) -> Result<Page<'t, T>> {
        T::mlp_page(self, recorded, program)
    }

    pub(crate) fn page_here<'t>(
        &self,
        recorded: &RecordedMlp<'t, T>,
        program: &'t Program<T>,
    ) -> Result<Page<'t, T>> {
        let RecordedMlp { w, b, z, a, .. } = recorded;
        for found in [w.len(), b.len(), z.len(), a.len().saturating_sub(1)] {
            let expected = self.layers();
            if found != expected {
                return Err(Error::Length { list: "layers of the recorded network", expected, found });
            }
        }
        let derived = Derived::of(recorded);
        let page = Page::new(recorded.j.tape(), program).title(self.title());
        let page = self.mark_forward(page, recorded)?;
        self.prove_backward(page, recorded, &derived)
    }

    /// `2-4-1 · tanh, sigmoid · log_loss`; of many layers, how many.
    fn title(&self) -> String {
        let sizes = match self.sizes() {
            sizes if sizes.len() <= 7 => sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("-"),
            sizes => format!("{}-…-{}, L = {}", sizes[0], sizes[self.layers()], self.layers()),
        };
        let mut g: Vec<String> = self.activations().iter().map(ToString::to_string).collect();
        g.dedup();
        format!("{sizes} · {} · {}", g.join(", "), self.loss_function())
    }

    fn mark_forward<'t>(&self, mut page: Page<'t, T>, recorded: &RecordedMlp<'t, T>) -> Result<Page<'t, T>> {
        for (&z, &a) in recorded.z.iter().zip(&recorded.a[1..]) {
            page = page.mark(z, "eq. 23", "m = 1: eq. 3")?.mark(a, "eq. 24", "m = 1: eq. 4")?;
        }
        if self.loss_function() == Loss::LogLoss {
            page = page.mark(recorded.losses, "eq. 5", "")?;
        }
        Ok(page.mark(recorded.j, "eq. 25", "")?)
    }

    /// The equations, from the last layer to the first, each as a student would write it down.
    fn prove_backward<'t>(
        &self,
        mut page: Page<'t, T>,
        recorded: &RecordedMlp<'t, T>,
        derived: &Derived<'t, T>,
    ) -> Result<Page<'t, T>> {
        let RecordedMlp { w, z, a, y, .. } = recorded;
        let (tape, last) = (recorded.j.tape(), self.layers());
        let mut da = derived.a[last - 1];
        if self.loss_function() == Loss::LogLoss {
            let (y, one) = (*y, tape.scalar(T::ONE));
            let (first, no, not_a) = (y / a[last], one - y, one - a[last]);
            let (second, apart) = (no / not_a, first - no / not_a);
            let by_hand = [first, no, not_a, second, apart, -apart];
            page = page.prove(da, "eq. 8", "", &by_hand)?;
            da = -apart;
        }
        let one_over_m = tape.one_over_m();
        for l in (1..=last).rev() {
            let slope = z[l - 1].map_derivative(&self.activations()[l - 1].function());
            let dz = da * slope;
            page = page.prove(derived.z[l - 1], "eq. 16", "", &[slope, dz])?;
            let (transposed, product) = (a[l - 1].t(), dz.matmul(a[l - 1].t()));
            let by_hand = [transposed, product, one_over_m * product];
            page = page.prove(derived.parameters[2 * l - 2], "eq. 26", "m = 1: eq. 15", &by_hand)?;
            let sum = dz.sum_over(Over::Columns);
            page = page.prove(
                derived.parameters[2 * l - 1],
                "eq. 27",
                "m = 1: eq. 16",
                &[sum, one_over_m * sum],
            )?;
            if l > 1 {
                let transposed = w[l - 1].t();
                da = transposed.matmul(dz);
                page = page.prove(derived.a[l - 2], "eq. 28", "m = 1: eq. 20", &[transposed, da])?;
            }
        }
        Ok(page)
    }
}

/// The derivatives that the tape has derived.
struct Derived<'t, T: Scalar> {
    /// ∂ℒ/∂A\[l\] at l − 1.
    a: Vec<Var<'t, T>>,
    /// ∂ℒ/∂Z\[l\] at l − 1.
    z: Vec<Var<'t, T>>,
    /// ∂J/∂W\[1\], ∂J/∂b\[1\], …
    parameters: Vec<Var<'t, T>>,
}

impl<'t, T: Scalar> Derived<'t, T> {
    fn of(recorded: &RecordedMlp<'t, T>) -> Self {
        let parameters = recorded.gradients();
        // Of Σ ℒ instead of its mean: what is propagated is ∂ℒ, and 1/m enters once, in the gradients.
        let total = recorded.losses.sum();
        Derived { a: total.gradients(&recorded.a[1..]), z: total.gradients(&recorded.z), parameters }
    }
}

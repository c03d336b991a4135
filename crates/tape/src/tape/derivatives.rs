//! What can be asked for: gradients, products with Jacobians and Hessians, and whole small ones.

use crate::error::Place;
use crate::tape::ids::{EntryIndex, Id};
use crate::tape::reverse::{Naming, depends, differentiated, note_whole, walk};
use crate::tape::vjp::Cotangent;
use crate::tape::{AskedAt, RecordedBy};
use crate::{Error, Result, Scalar, Shape, Tape, Var, Variables};

/// What to do about a variable that the output does not depend on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreached {
    /// Of this method.
    IsAMistake(&'static str),
    IsZero,
}

/// # Derivatives
impl<'t, T: Scalar> Var<'t, T> {
    /// The gradients of this 1 × 1 entry with respect to any entries, leaves or not: ∂J/∂W\[l\] has
    /// the shape of W\[l\].
    ///
    /// The derivative with respect to an entry is the total one: of all that was recorded with it.
    /// Equal expressions are one entry, so after `h1 = x * y; h2 = x * y` both handles name the
    /// same entry, and the gradient with respect to either counts all uses of both. To tell two
    /// uses apart, record them as two entries, for instance as `x * y` and `(x * y).identity()`.
    ///
    /// An array of variables brings an array of gradients, a `Vec` or a slice a `Vec`; see
    /// [`Variables`].
    ///
    /// They are entries of the same tape, recorded now and computed when a program runs: print
    /// them, compile them, or differentiate them again. Asking twice adds nothing to the tape.
    ///
    /// A variable that this entry does not depend on is an error, [`Error::Unreached`], which the
    /// result carries; see [`gradients_or_zeros`](Var::gradients_or_zeros).
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let w = tape.parameter("W", &matrix![[1.0, 2.0], [3.0, 4.0]]);
    /// let x = tape.examples("X", &matrix![[1.0], [-1.0]]);
    /// let j = w.matmul(x).square().sum();
    /// let [dw, dx] = j.gradients([w, x]);
    /// assert_eq!(dw.value()?, matrix![[-2.0, 2.0], [-2.0, 2.0]]);
    /// assert_eq!(dx.value()?, matrix![[-8.0], [-12.0]]);
    /// let h = w * 2.0; // an entry as any other
    /// let [dh] = (h * h + h).sum().gradients([h]);
    /// assert_eq!(dh.value()?, matrix![[5.0, 9.0], [13.0, 17.0]]); // 2h + 1
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn gradients<V: Variables<'t, T>>(self, with_respect_to: V) -> V::Output<Var<'t, T>> {
        with_respect_to
            .output(self.gradients_of(with_respect_to.as_ref(), Unreached::IsAMistake("gradients")))
    }

    /// Like [`gradients`](Var::gradients), with zeros for variables that this entry does not depend
    /// on.
    #[track_caller]
    pub fn gradients_or_zeros<V: Variables<'t, T>>(self, with_respect_to: V) -> V::Output<Var<'t, T>> {
        with_respect_to.output(self.gradients_of(with_respect_to.as_ref(), Unreached::IsZero))
    }

    /// The vector–Jacobian product Jᵀ·u with a cotangent u of the shape of this entry, for each
    /// variable in its shape.
    #[track_caller]
    pub fn vjp<V: Variables<'t, T>>(
        self,
        with_respect_to: V,
        cotangent: Var<'t, T>,
    ) -> V::Output<Var<'t, T>> {
        with_respect_to.output(T::var_vjp(self, with_respect_to.as_ref(), cotangent))
    }

    #[track_caller]
    pub(crate) fn vjp_here(self, with_respect_to: &[Var<'t, T>], cotangent: Var<'t, T>) -> Vec<Var<'t, T>> {
        self.vjp_of("vjp", with_respect_to, cotangent)
    }

    /// [`vjp`](Var::vjp), asked for by a method.
    #[track_caller]
    pub(crate) fn vjp_of(
        self,
        method: &'static str,
        with_respect_to: &[Var<'t, T>],
        cotangent: Var<'t, T>,
    ) -> Vec<Var<'t, T>> {
        self.recording(method, with_respect_to, &[cotangent], |output, with_respect_to, given| {
            same_shape(method, "cotangent", output, given[0])?;
            output.cotangents(given[0], with_respect_to, None, Unreached::IsAMistake(method))
        })
    }

    /// The Jacobian–vector product J·v: the derivative of this entry along the tangents v, one for
    /// each variable and of its shape.
    ///
    /// It is recorded as the derivative of Jᵀ·u with respect to u, so that no operation needs a
    /// second rule; u itself drops out. Where it does not, as the rule of an operation of the
    /// user's is not linear in the cotangent, this is [`Error::NotLinear`].
    ///
    /// # Panics
    /// If the numbers of variables and tangents differ, which two arrays cannot.
    #[track_caller]
    pub fn jvp<V: Variables<'t, T>>(self, with_respect_to: V, tangents: V) -> Var<'t, T> {
        T::var_jvp(self, with_respect_to.as_ref(), tangents.as_ref())
    }

    #[track_caller]
    pub(crate) fn jvp_here(self, with_respect_to: &[Var<'t, T>], tangents: &[Var<'t, T>]) -> Var<'t, T> {
        assert_eq!(with_respect_to.len(), tangents.len(), "a tangent for each variable");
        let result = self.recording("jvp", with_respect_to, tangents, |output, with_respect_to, tangents| {
            let mut along = Vec::new();
            for (&variable, &tangent) in with_respect_to.iter().zip(tangents) {
                same_shape("jvp", "tangent", variable, tangent)?;
                if !depends(output, variable) {
                    return Err(unreached("jvp", output, variable));
                }
            }
            let shape = output.known_shape();
            let u = output.tape.probes("u", &[shape], output)[0];
            let pulled = walk(&[(output, u)], with_respect_to, None)?;
            for (pulled, &tangent) in pulled.into_iter().zip(tangents) {
                along.extend(pulled.map(|p| (p.recorded().repeated_to(tangent.known_shape()), tangent)));
            }
            let pushed = shaped(output.tape, walk(&along, &[u], None)?, &[output]);
            if pushed.iter().any(|&pushed| depends(pushed, u)) {
                let operation = not_linear(output, with_respect_to)?.unwrap_or_else(|| output.label());
                return Err(Error::NotLinear { operation, at: output.tape.place() });
            }
            Ok(pushed)
        });
        result[0]
    }

    /// The Hessian–vector product: the gradients of ⟨∇J, v⟩, where ∇J are the gradients of this 1 ×
    /// 1 entry and v has a matrix for each variable, of its shape.
    ///
    /// # Panics
    /// If the numbers of variables and vectors differ, which two arrays cannot.
    #[track_caller]
    pub fn hvp<V: Variables<'t, T>>(self, with_respect_to: V, vectors: V) -> V::Output<Var<'t, T>> {
        with_respect_to.output(T::var_hvp(self, with_respect_to.as_ref(), vectors.as_ref()))
    }

    #[track_caller]
    pub(crate) fn hvp_here(self, with_respect_to: &[Var<'t, T>], vectors: &[Var<'t, T>]) -> Vec<Var<'t, T>> {
        assert_eq!(with_respect_to.len(), vectors.len(), "a vector for each variable");
        self.hvp_of("hvp", with_respect_to, vectors)
    }

    /// [`hvp`](Var::hvp), asked for by a method.
    #[track_caller]
    pub(crate) fn hvp_of(
        self,
        method: &'static str,
        with_respect_to: &[Var<'t, T>],
        vectors: &[Var<'t, T>],
    ) -> Vec<Var<'t, T>> {
        let gradients = self.gradients_of(with_respect_to, Unreached::IsAMistake(method));
        let given: Vec<Var<'t, T>> = gradients.iter().chain(vectors).copied().collect();
        self.recording(method, with_respect_to, &given, |output, with_respect_to, given| {
            let (gradients, vectors) = given.split_at(with_respect_to.len());
            let mut seeds = Vec::new();
            for ((&variable, &gradient), &vector) in with_respect_to.iter().zip(gradients).zip(vectors) {
                same_shape(method, "vector", variable, vector)?;
                seeds.push((gradient, vector));
            }
            // A gradient that does not depend on a variable contributes zeros: a linear function
            // has Hessian 0.
            let products = walk(&seeds, with_respect_to, None)?;
            Ok(shaped(output.tape, products, with_respect_to))
        })
    }

    #[track_caller]
    fn gradients_of(self, with_respect_to: &[Var<'t, T>], unreached: Unreached) -> Vec<Var<'t, T>> {
        T::var_gradients(self, with_respect_to, unreached)
    }

    #[track_caller]
    pub(crate) fn gradients_here(
        self,
        with_respect_to: &[Var<'t, T>],
        unreached: Unreached,
    ) -> Vec<Var<'t, T>> {
        self.recording("gradients", with_respect_to, &[], |output, with_respect_to, _| {
            let shape = output.known_shape();
            if !shape.is_scalar() {
                return Err(Error::NonScalarGradient {
                    output: output.label(),
                    shape: shape.to_string(),
                    at: output.tape.place(),
                });
            }
            let names = Naming::of(output);
            output.cotangents(output.tape.scalar(T::ONE), with_respect_to, Some(&names), unreached)
        })
    }

    /// The cotangents of the variables, in their shapes.
    fn cotangents(
        self,
        seed: Var<'t, T>,
        with_respect_to: &[Var<'t, T>],
        names: Option<&Naming>,
        if_unreached: Unreached,
    ) -> Result<Vec<Var<'t, T>>> {
        if let Unreached::IsAMistake(method) = if_unreached
            && let Some(&variable) = with_respect_to.iter().find(|&&v| !depends(self, v))
        {
            return Err(unreached(method, self, variable));
        }
        let seeds = [(self, seed)];
        let cotangents = walk(&seeds, with_respect_to, names)?;
        let gradients = shaped(self.tape, cotangents, with_respect_to);
        if let Some(of) = differentiated(&seeds) {
            for (&gradient, variable) in gradients.iter().zip(with_respect_to) {
                note_whole(gradient, of, variable.id);
            }
        }
        if let Some(names) = names {
            for (gradient, variable) in gradients.iter().zip(with_respect_to) {
                names.gradient(*gradient, variable.id);
            }
        }
        Ok(gradients)
    }

    /// Runs `record` as one numbered walk whose entries note the user's place; a mistake makes all
    /// results void.
    #[track_caller]
    fn recording(
        self,
        operation: &str,
        with_respect_to: &[Var<'t, T>],
        others: &[Var<'t, T>],
        record: impl FnOnce(Var<'t, T>, &[Var<'t, T>], &[Var<'t, T>]) -> Result<Vec<Var<'t, T>>>,
    ) -> Vec<Var<'t, T>> {
        let tape = self.tape;
        let place = tape.place();
        let all = || [self].into_iter().chain(with_respect_to.iter().copied()).chain(others.iter().copied());
        let results = with_respect_to.len().max(1);
        let void = |mistake: Error| vec![tape.mistake(mistake); results];
        if let Some(foreign) = all().find(|v| !std::ptr::eq(v.tape, tape)) {
            let variable = foreign.label();
            return void(Error::ForeignVariable { operation: operation.to_owned(), variable, at: place });
        }
        if let Some(mistake) = all().find_map(|v| v.sound().err()) {
            return void(mistake);
        }
        let _recording = tape.begin_walk(place);
        let derivative = |v: Var<'t, T>| Var { of_run: true, ..v };
        let recorded = record(self, with_respect_to, others);
        recorded.map_or_else(void, |vars| vars.into_iter().map(derivative).collect())
    }
}

fn unreached<T: Scalar>(method: &'static str, output: Var<'_, T>, variable: Var<'_, T>) -> Error {
    Error::Unreached { method, output: output.label(), variable: variable.label(), at: output.tape.place() }
}

/// The first operation of the user's between the variables and the output whose rule is not linear
/// in the cotangent.
fn not_linear<'t, T: Scalar>(output: Var<'t, T>, variables: &[Var<'t, T>]) -> Result<Option<String>> {
    let tape = output.tape;
    for index in 0..=output.id.index() {
        let id = EntryIndex::from_index(index);
        let (operands, name) = {
            let list = tape.list.borrow();
            let entry = list.entry(id);
            if !entry.op.is_of_the_user() {
                continue;
            }
            let operands: Vec<_> = entry.operands.iter().map(|&id| Var { tape, id, of_run: false }).collect();
            (operands, entry.op.rule().name().into_owned())
        };
        let entry = Var { tape, id, of_run: false };
        if !depends(output, entry) || !variables.iter().any(|&variable| depends(entry, variable)) {
            continue;
        }
        let u = tape.probes("u", &[entry.known_shape()], entry)[0];
        let pulled = walk(&[(entry, u)], &operands, None)?;
        let pulled: Vec<Var<'t, T>> = pulled.into_iter().flatten().map(Cotangent::recorded).collect();
        let shapes: Vec<Shape> = pulled.iter().map(|pulled| pulled.known_shape()).collect();
        let tangents = tape.probes("v", &shapes, entry);
        let along: Vec<_> = pulled.into_iter().zip(tangents).collect();
        let pushed = walk(&along, &[u], None)?;
        if pushed.into_iter().flatten().any(|pushed| depends(pushed.recorded(), u)) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

fn same_shape<T: Scalar>(operation: &str, what: &str, of: Var<'_, T>, given: Var<'_, T>) -> Result<()> {
    let (needed, found) = (of.known_shape(), given.known_shape());
    if needed == found {
        return Ok(());
    }
    let reason = format!("the {what} {} is {found}, {} is {needed}", given.label(), of.label());
    Err(Error::Shape { operation: operation.to_owned(), reason, at: of.tape.place() })
}

/// Cotangents in their variables' shapes; none is zero.
fn shaped<'t, T: Scalar>(
    tape: &'t Tape<T>,
    cotangents: Vec<Option<Cotangent<'t, T>>>,
    with_respect_to: &[Var<'t, T>],
) -> Vec<Var<'t, T>> {
    let pairs = cotangents.into_iter().zip(with_respect_to);
    let recorded = |cotangent: Option<Cotangent<'t, T>>, v: &Var<'t, T>| {
        tape.list.borrow_mut().origin = Some(RecordedBy::HandingOut(v.id));
        let cotangent = match cotangent {
            Some(cotangent) => cotangent.recorded(),
            None => tape.scalar(T::ZERO),
        };
        cotangent.repeated_to(v.known_shape())
    };
    pairs.map(|(cotangent, v)| recorded(cotangent, v)).collect()
}

impl<T: Scalar> Tape<T> {
    /// Unbound leaves for unit vectors and for what drops out, one for each shape: those of an
    /// earlier derivative, if the output does not depend on them, so that asking twice adds
    /// nothing.
    #[track_caller]
    pub(crate) fn probes<'t>(&'t self, name: &str, shapes: &[Shape], output: Var<'t, T>) -> Vec<Var<'t, T>> {
        let mut found: Vec<Var<'t, T>> = Vec::with_capacity(shapes.len());
        for &shape in shapes {
            let known =
                self.probes.borrow().iter().map(|&id| Var { tape: self, id, of_run: false }).find(|v| {
                    let fits = v.known_shape() == shape && v.name().as_deref() == Some(name);
                    fits && !found.contains(v) && !depends(output, *v)
                });
            found.push(known.unwrap_or_else(|| {
                let leaf = self.parameter_unbound(name, shape);
                self.probes.borrow_mut().push(leaf.id);
                leaf
            }));
        }
        found
    }

    /// Begins a numbered walk; what is recorded until the guard goes notes the user's place.
    fn begin_walk(&self, place: Place) -> WalkGuard<'_, T> {
        let mut list = self.list.borrow_mut();
        list.walks += 1;
        let walk = list.walks;
        let outer_walk = std::mem::replace(&mut list.walk, walk);
        WalkGuard { tape: self, outer_walk, _asked_at: self.asked_at(place) }
    }
}

/// Ends a walk, also where a user's rule panics.
struct WalkGuard<'t, T: Scalar> {
    tape: &'t Tape<T>,
    outer_walk: u32,
    _asked_at: AskedAt<'t, T>,
}

impl<T: Scalar> Drop for WalkGuard<'_, T> {
    fn drop(&mut self) {
        let mut list = self.tape.list.borrow_mut();
        (list.walk, list.origin) = (self.outer_walk, None);
    }
}

//! What a program is given, and what is read off it.

use crate::numbers::kernel::divide::{Divide, among};
use crate::numbers::kernel::threads;
use crate::ops::leaf::LeafKind;
use crate::program::bind::examples::{NOT_OF_TAPE, refuse_beyond};
use crate::program::bind::leaves::{LeafState, m_of};
use crate::program::bind::named::Found;
use crate::program::ids::{LeafId, WholeId};
use crate::program::run::memory::{LeafValue, resize};
use crate::program::{Name, Named, Program};
use crate::{Dim, Error, MatrixMut, MatrixRef, Result, Scalar};

/// # Binding and reading
impl<T: Scalar> Program<T> {
    /// Gives a parameter or examples another value; of examples, any number of columns.
    ///
    /// The results of the last run stay readable until the next one, and stay what they are: also
    /// those that are leaves themselves, see [`view`](Program::view).
    ///
    /// # Errors
    /// [`Error::BindShape`], [`Error::NotBindable`], [`Error::NotInProgram`],
    /// [`Error::ForeignVariable`], [`Error::Allocation`]; [`Error::Index`] if the variable names
    /// columns of a table, and there is no such column. The variable then keeps the value that it
    /// has.
    pub fn bind<'m>(&mut self, variable: impl Named<T>, value: impl Into<MatrixRef<'m, T>>) -> Result<()> {
        T::program_bind(self, "bind", variable.name(), value.into())
    }

    /// [`bind`](Program::bind), if the program has such a leaf; `false` if it has none, as where an
    /// evaluation does without the labels that the training needs. So one list of leaves serves
    /// several programs.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let (x, y) = (tape.examples_unbound("x", 1), tape.examples_unbound("y", 1));
    /// let a = x.sigmoid();
    /// let mut prediction = tape.compile([a])?;
    /// for (leaf, value) in [(x, matrix![[0.0, 3.0]]), (y, matrix![[0.0, 1.0]])] {
    ///     assert_eq!(prediction.bind_if_needed(leaf, &value)?, leaf == x);
    /// }
    /// prediction.run()?;
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`bind`](Program::bind), without [`Error::NotInProgram`].
    pub fn bind_if_needed<'m>(
        &mut self,
        variable: impl Named<T>,
        value: impl Into<MatrixRef<'m, T>>,
    ) -> Result<bool> {
        match T::program_bind(self, "bind_if_needed", variable.name(), value.into()) {
            Err(Error::NotInProgram { .. }) => Ok(false),
            bound => bound.map(|()| true),
        }
    }

    /// Binds several leaves; those that the program does not need are left out, as by
    /// [`bind_if_needed`](Program::bind_if_needed).
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let (x, y) = (tape.examples_unbound("x", 1), tape.examples_unbound("y", 1));
    /// let mut prediction = tape.compile([x.sigmoid()])?;
    /// let (of_x, of_y) = (matrix![[0.0, 3.0]], matrix![[0.0, 1.0]]);
    /// prediction.bind_all([(x, &of_x), (y, &of_y)])?;
    /// prediction.run()?;
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`bind`](Program::bind), without [`Error::NotInProgram`]; the leaves before have their new
    /// values.
    pub fn bind_all<'m, N: Named<T>, M: Into<MatrixRef<'m, T>>>(
        &mut self,
        leaves: impl IntoIterator<Item = (N, M)>,
    ) -> Result<()> {
        leaves.into_iter().try_for_each(|(leaf, value)| self.bind_if_needed(leaf, value).map(|_| ()))
    }

    /// Gives all parameters that this program shares with another one of the same tape the values
    /// that they have there: say, an evaluation those of the training. Gives their number.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let (w, x) = (tape.parameter("w", &matrix![[1.0]]), tape.examples("x", &matrix![[3.0]]));
    /// let p = w * x;
    /// let [dw] = p.square().mean().gradients([w]);
    /// let (mut train, mut predict) = (tape.compile([dw])?, tape.compile([p])?);
    /// train.run()?;
    /// train.update(w, dw, |w, g| w[0] -= g[0] / 36.0)?;
    /// assert_eq!(predict.copy_parameters_from(&train)?, 1);
    /// predict.run()?;
    /// assert_eq!(predict.scalar(p)?, 1.5);
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Unbound`] for a parameter that has no value there, [`Error::Allocation`];
    /// [`Error::ForeignVariable`] if the programs are of different tapes. The parameters before have
    /// their new values.
    pub fn copy_parameters_from(&mut self, other: &Program<T>) -> Result<usize> {
        T::program_copy_parameters(self, other)
    }

    pub(crate) fn copy_parameters_here(&mut self, other: &Program<T>) -> Result<usize> {
        let mut count = 0;
        for leaf in self.leaves.states.ids() {
            let LeafState { node, kind, .. } = self.leaves.states[leaf];
            if kind != LeafKind::Parameter {
                continue;
            }
            if self.graph.tape != other.graph.tape {
                return Err(Error::ForeignVariable {
                    operation: "copy_parameters_from".into(),
                    variable: self.label_of(&self.leaves.states[leaf]),
                    at: self.graph.about[node].place,
                });
            }
            let entry = self.graph.origins[node].0;
            let there =
                other.leaves.found.get(&entry).filter(|found| found.is_leaf).and_then(|found| found.leaf);
            if let Some(there) = there {
                self.fill_leaf(leaf, other.value_of(&other.leaves.states[there])?)?;
                count += 1;
            }
        }
        Ok(count)
    }

    pub(crate) fn bind_here(
        &mut self,
        method: &'static str,
        variable: Name<'_, T>,
        value: MatrixRef<'_, T>,
    ) -> Result<()> {
        if let Some(at) = self.find_unneeded(variable) {
            return self.bind_unneeded(at, method, value.shape());
        }
        let leaf = self.fitting(method, variable, value.shape())?;
        self.check_indices(method, leaf, (0..value.columns()).map(|j| value.column(j)))?;
        self.reserve_leaf(method, leaf, value.shape())?.copy_from_slice(value.as_slice());
        self.leaves.states[leaf].of_tape = None;
        Ok(())
    }

    /// Binds the columns of `value` that `examples` names, in that order, without a copy of the
    /// whole set first. [`select_columns`](Program::select_columns) binds columns of the tape's own
    /// value, and may copy none.
    ///
    /// # Errors
    /// As [`bind`](Program::bind).
    ///
    /// # Panics
    /// If `value` has no such column; the variable then keeps the value that it has.
    #[track_caller]
    pub fn bind_columns<'m>(
        &mut self,
        variable: impl Named<T>,
        value: impl Into<MatrixRef<'m, T>>,
        examples: &[usize],
    ) -> Result<()> {
        T::program_bind_columns(self, variable.name(), value.into(), examples)
    }

    #[track_caller]
    pub(crate) fn bind_columns_here(
        &mut self,
        variable: Name<'_, T>,
        value: MatrixRef<'_, T>,
        examples: &[usize],
    ) -> Result<()> {
        const METHOD: &str = "bind_columns";
        let shape = (value.rows(), examples.len());
        let unneeded = self.find_unneeded(variable);
        let leaf = match unneeded {
            Some(_) => None,
            None => Some(self.fitting(METHOD, variable, shape)?),
        };
        // Before anything is written: a panic leaves all as it was.
        if let Some(&beyond) = examples.iter().find(|&&example| example >= value.columns()) {
            value.column(beyond);
        }
        let Some(leaf) = leaf else {
            return match unneeded {
                Some(at) => self.bind_unneeded(at, METHOD, shape),
                None => Ok(()),
            };
        };
        self.check_indices(METHOD, leaf, examples.iter().map(|&example| value.column(example)))?;
        let threads = self.machine.most_threads.min(threads::here());
        gather(value, examples, self.reserve_leaf(METHOD, leaf, shape)?, threads);
        self.leaves.states[leaf].of_tape = None;
        Ok(())
    }

    /// Binds columns of the value that the variable has on the tape: a mini-batch, in any order,
    /// each example any number of times.
    ///
    /// Where the variable is read by nothing but matrix products, on their right and with at least
    /// five rows, and the columns are not few, they are not copied: the products read them where
    /// they are, and the copy's time is saved. Otherwise they are copied. The results have the same
    /// bits as with [`bind_columns`](Program::bind_columns).
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.examples("x", &matrix![[1.0, 2.0, 3.0, 4.0]]);
    /// let sum = x.sum();
    /// let mut program = tape.compile([sum])?;
    /// let mut sums = Vec::new();
    /// for batch in [[3, 0], [2, 1]] {
    ///     program.select_columns(x, &batch)?;
    ///     program.run()?;
    ///     sums.push(program.scalar(sum)?);
    /// }
    /// assert_eq!(sums, [5.0, 5.0]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NoExample`] if the tape's value has no such column; [`Error::NotBindable`] if the
    /// variable has no columns that are examples, or no value of the tape's, as after
    /// [`bind`](Program::bind); [`Error::BindShape`] if it is m × m; [`Error::NotInProgram`],
    /// [`Error::ForeignVariable`], [`Error::Allocation`], [`Error::Index`]. The variable then keeps
    /// the value that it has.
    pub fn select_columns(&mut self, variable: impl Named<T>, examples: &[usize]) -> Result<()> {
        T::program_select_columns(self, variable.name(), examples)
    }

    pub(crate) fn select_columns_here(&mut self, variable: Name<'_, T>, examples: &[usize]) -> Result<()> {
        const METHOD: &str = "select_columns";
        if let Some(at) = self.find_unneeded(variable) {
            return self.select_unneeded(at, METHOD, examples);
        }
        let leaf = self.find_leaf(METHOD, variable)?;
        let LeafState { at, of_tape, is_gatherable, .. } = &self.leaves.states[leaf];
        let (at, is_gatherable) = (*at, *is_gatherable);
        let not_bindable =
            |reason| Error::NotBindable { method: METHOD, variable: variable.label(self), reason };
        if at.shape.columns != Dim::M {
            return Err(not_bindable("has no columns that are examples to select"));
        }
        let of = of_tape.clone().ok_or_else(|| not_bindable(NOT_OF_TAPE))?;
        refuse_beyond(of.columns(), examples, || variable.label(self))?;
        self.check_indices(METHOD, leaf, examples.iter().map(|&example| of.column(example)))?;
        if is_gatherable && of.rows().saturating_mul(examples.len()) >= LEAST_GATHERED {
            self.keep(leaf);
            self.machine.execution.memory.select(at.at.whole(), of, examples)?;
            self.set_m_of_leaf(leaf, Some(examples.len()));
            self.leaves.states[leaf].side_by_side.take();
        } else {
            let threads = self.machine.most_threads.min(threads::here());
            let data = self.reserve_leaf(METHOD, leaf, (of.rows(), examples.len()))?;
            gather(of.view(), examples, data, threads);
        }
        Ok(())
    }

    /// Changes a parameter in place, with an output at hand: `change` gets the parameter's values
    /// and the output's, both column-major.
    ///
    /// The output is a value of the last run, also where it is a leaf that has changed since, such
    /// as ∂(w ⊙ v)/∂w, which is v; and it may be the parameter itself, such as the gradient of
    /// ½‖w‖², which is w.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let (w, v) = (tape.parameter("w", &matrix![[3.0]]), tape.parameter("v", &matrix![[1.0]]));
    /// let j = w * v;
    /// let [dw, dv] = j.gradients([w, v]); // v and w
    /// let mut step = tape.compile([j, dw, dv])?;
    /// step.run()?;
    /// for (parameter, gradient) in [(w, dw), (v, dv)] {
    ///     step.update(parameter, gradient, |values, gradient| values[0] -= gradient[0])?;
    /// }
    /// assert_eq!((step.scalar(w)?, step.scalar(v)?), (3.0 - 1.0, 1.0 - 3.0));
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`view`](Program::view) and [`parameter_mut`](Program::parameter_mut).
    pub fn update(
        &mut self,
        parameter: impl Named<T>,
        output: impl Named<T>,
        change: impl FnOnce(&mut [T], &[T]),
    ) -> Result<()> {
        let (values, output) = T::program_update(self, parameter.name(), output.name())?;
        change(values, output);
        Ok(())
    }

    /// A parameter's values, ready to be changed, and an output's.
    pub(crate) fn update_here(
        &mut self,
        parameter: Name<'_, T>,
        output: Name<'_, T>,
    ) -> Result<(&mut [T], &[T])> {
        const METHOD: &str = "update";
        let leaf = self.find_leaf(METHOD, parameter)?;
        let found = self.find_value(output)?;
        if found.is_output && !self.machine.ran {
            return Err(Error::NotRun);
        }
        if !found.is_output && found.leaf == Some(leaf) {
            let variable = parameter.label(self);
            let reason = "is the output itself, and no output of this program: compile it as one";
            return Err(Error::NotBindable { method: METHOD, variable, reason });
        }
        let (buffer, length) = self.own_leaf(leaf)?;
        let from = found.at.at.whole();
        let read = match found.leaf {
            Some(from) if !found.is_output => self.value_of(&self.leaves.states[from])?.as_slice().len(),
            Some(_) | None => {
                let (rows, columns) = found.at.shape.at(self.machine.m.unwrap_or(0));
                rows * columns
            }
        };
        if self.machine.execution.memory.selection(from).is_some() {
            match found.leaf {
                Some(from) if found.is_output => self.keep(from),
                Some(_) | None => self.machine.execution.memory.own(from)?,
            }
        }
        let kept =
            found.leaf.filter(|_| found.is_output).and_then(|leaf| self.leaves.states[leaf].kept.as_ref());
        match kept.filter(|kept| kept.has_values) {
            Some(kept) => {
                let values = self.machine.execution.memory.whole_mut(buffer);
                Ok((&mut values[..length], &kept.values[..read]))
            }
            None => {
                let (values, output) = self.machine.execution.pair(buffer, from);
                Ok((&mut values[..length], &output[..read]))
            }
        }
    }

    /// The value of a leaf, to be written in place: an optimiser updates parameters here.
    ///
    /// # Errors
    /// [`Error::NotBindable`], [`Error::NotInProgram`], [`Error::ForeignVariable`],
    /// [`Error::Unbound`], [`Error::Allocation`].
    pub fn parameter_mut(&mut self, variable: impl Named<T>) -> Result<MatrixMut<'_, T>> {
        T::program_parameter_mut(self, variable.name())
    }

    pub(crate) fn parameter_mut_here(&mut self, variable: Name<'_, T>) -> Result<MatrixMut<'_, T>> {
        let leaf = self.find_leaf("parameter_mut", variable)?;
        let (buffer, length) = self.own_leaf(leaf)?;
        let LeafState { at, m, .. } = &self.leaves.states[leaf];
        let (rows, columns) = at.shape.at(m.unwrap_or(0));
        MatrixMut::new(rows, columns, &mut self.machine.execution.memory.whole_mut(buffer)[..length])
    }

    /// A view of an output's value after a run, or of a leaf's value.
    ///
    /// An output is a value of the last run: it stays what it is when leaves are changed or bound
    /// after it, until the next run. A leaf, named by its own variable, is what it is now, whether
    /// it is an output too or not. A variable that [`gradients`](crate::Var::gradients) and the
    /// like have handed out is an output, also where it equals a leaf.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let (w, v) = (tape.parameter("w", &matrix![[3.0]]), tape.parameter("v", &matrix![[1.0]]));
    /// let [dw] = (w * v).gradients([w]);
    /// assert_eq!(dw, v);
    /// let mut program = tape.compile([dw])?;
    /// program.run()?;
    /// program.bind(v, &matrix![[5.0]])?;
    /// assert_eq!((program.scalar(v)?, program.scalar(dw)?), (5.0, 1.0));
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotRun`] for outputs before the first run, and after a run that failed;
    /// [`Error::NotInProgram`], [`Error::ForeignVariable`], [`Error::Unbound`].
    pub fn view(&self, variable: impl Named<T>) -> Result<MatrixRef<'_, T>> {
        T::program_view(self, variable.name())
    }

    pub(crate) fn view_here(&self, variable: Name<'_, T>) -> Result<MatrixRef<'_, T>> {
        let found = self.find_value(variable)?;
        match found.leaf {
            Some(leaf) if found.is_leaf && !variable.is_derivative() => {
                self.value_of(&self.leaves.states[leaf])
            }
            _ if !self.machine.ran => Err(Error::NotRun),
            Some(leaf) => self.value_in_run(leaf),
            None => {
                let (rows, columns) = found.at.shape.at(self.machine.m.unwrap_or(0));
                MatrixRef::new(
                    rows,
                    columns,
                    &self.machine.execution.whole(found.at.at.whole())[..rows * columns],
                )
            }
        }
    }

    /// The value of a 1 × 1 output after a run.
    ///
    /// # Errors
    /// As [`view`](Program::view), and [`Error::NotScalar`].
    pub fn scalar(&self, variable: impl Named<T>) -> Result<T> {
        T::program_scalar(self, variable.name())
    }

    pub(crate) fn scalar_here(&self, variable: Name<'_, T>) -> Result<T> {
        let view = self.view_here(variable)?;
        match view.as_slice() {
            [value] => Ok(*value),
            _ => Err(Error::NotScalar {
                variable: variable.label(self),
                shape: format!("{}×{}", view.rows(), view.columns()),
            }),
        }
    }

    /// What the last run failed with: while there is such an error, the outputs cannot be
    /// [viewed](Program::view).
    pub fn last_error(&self) -> Option<&Error> {
        self.machine.failed_with.as_deref()
    }

    /// Copies a matrix of the leaf's shape into its buffer.
    pub(in crate::program) fn fill_leaf(&mut self, leaf: LeafId, value: MatrixRef<'_, T>) -> Result<()> {
        self.reserve_leaf("bind", leaf, value.shape())?.copy_from_slice(value.as_slice());
        Ok(())
    }

    /// Finds what is to be read. A derivative has a value of the last run, or none.
    pub(super) fn find_value(&self, variable: Name<'_, T>) -> Result<Found> {
        let found = variable.find(self)?;
        match variable.is_derivative() && !found.is_output {
            true => Err(Error::NotOutput { variable: variable.label(self) }),
            false => Ok(found),
        }
    }

    pub(super) fn find_leaf(&self, method: &'static str, variable: Name<'_, T>) -> Result<LeafId> {
        let found = variable.find(self)?;
        let leaf = found.leaf.filter(|_| found.is_leaf);
        let reason = match leaf.map(|leaf| (leaf, self.leaves.states[leaf].kind)) {
            Some((leaf, LeafKind::Parameter | LeafKind::Examples)) => return Ok(leaf),
            Some((_, LeafKind::Constant)) => {
                "is a constant: record it as a parameter or as examples to bind it"
            }
            Some((_, LeafKind::Noise(_))) => {
                "is noise, which the program draws itself: see seed and expectation"
            }
            None => "is not a leaf: only parameters and examples can be bound",
        };
        Err(Error::NotBindable { method, variable: variable.label(self), reason })
    }

    /// Which of the tape's examples a variable is, if no output needs them but in their number.
    pub(super) fn find_unneeded(&self, variable: Name<'_, T>) -> Option<usize> {
        let id = variable.id().ok().filter(|id| id.tape == self.graph.tape)?;
        self.leaves.unneeded.iter().position(|examples| examples.entry == id.entry)
    }

    /// The leaf, if a matrix of this shape can be bound to it.
    pub(super) fn fitting(
        &self,
        method: &'static str,
        variable: Name<'_, T>,
        (rows, columns): (usize, usize),
    ) -> Result<LeafId> {
        let leaf = self.find_leaf(method, variable)?;
        self.m_of_fitting(method, leaf, (rows, columns))?;
        Ok(leaf)
    }

    /// The number of examples that a matrix of this shape holds for a leaf.
    pub(super) fn m_of_fitting(
        &self,
        method: &'static str,
        leaf: LeafId,
        (rows, columns): (usize, usize),
    ) -> Result<Option<usize>> {
        let state = &self.leaves.states[leaf];
        m_of(state.at.shape, (rows, columns)).ok_or_else(|| Error::BindShape {
            method,
            variable: self.label_of(state),
            expected: state.at.shape.to_string(),
            found: format!("{rows}×{columns}"),
        })
    }

    /// Makes room for a matrix of the leaf's shape, to be filled.
    pub(super) fn reserve_leaf(
        &mut self,
        method: &'static str,
        leaf: LeafId,
        (rows, columns): (usize, usize),
    ) -> Result<&mut [T]> {
        let m = self.m_of_fitting(method, leaf, (rows, columns))?;
        let buffer = self.leaves.states[leaf].at.at.whole();
        // The leaf keeps its value if there is no memory for another.
        resize(self.machine.execution.memory.whole_mut(buffer), rows, columns)?;
        self.keep(leaf);
        self.set_m_of_leaf(leaf, m);
        self.machine.execution.memory.set_leaf(buffer, LeafValue::Own);
        Ok(&mut self.machine.execution.memory.whole_mut(buffer)[..rows * columns])
    }

    /// Makes a leaf's value ready to be written: the buffer that it is in, and its length.
    fn own_leaf(&mut self, leaf: LeafId) -> Result<(WholeId, usize)> {
        let LeafState { at, m, bound, .. } = &self.leaves.states[leaf];
        if !bound {
            return Err(Error::Unbound { variable: self.label_of(&self.leaves.states[leaf]) });
        }
        let (rows, columns) = at.shape.at(m.unwrap_or(0));
        let buffer = at.at.whole();
        self.keep(leaf);
        self.machine.execution.memory.own(buffer)?;
        Ok((buffer, rows * columns))
    }
}

/// To copy fewer numbers takes less time than to find columns that are apart, and the way for few
/// examples reads copies.
const LEAST_GATHERED: usize = 8192;

/// Columns that are copied side by side.
struct Gather<'a, T> {
    from: MatrixRef<'a, T>,
    columns: &'a [usize],
    to: &'a mut [T],
}

impl<T: Scalar> Divide for Gather<'_, T> {
    type Done = ();

    fn count(&self) -> usize {
        self.columns.len()
    }
    fn is_worth_sharing(&self) -> bool {
        /// Fewer numbers are not worth a thread.
        const LEAST: usize = 16384;
        self.to.len() >= LEAST
    }
    fn cut(self, count: usize, _: usize) -> (Self, Self) {
        let (first, second) = self.columns.split_at(count);
        let (to, others) = self.to.split_at_mut(count * self.from.rows());
        (Gather { columns: first, to, ..self }, Gather { columns: second, to: others, ..self })
    }
    fn run(self) {
        let rows = self.from.rows();
        for (i, &column) in self.columns.iter().enumerate() {
            self.to[i * rows..(i + 1) * rows].copy_from_slice(self.from.column(column));
        }
    }
    fn both((): (), (): ()) {}
}

fn gather<T: Scalar>(from: MatrixRef<'_, T>, columns: &[usize], to: &mut [T], threads: usize) {
    among(Gather { from, columns, to }, threads);
}

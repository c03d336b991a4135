//! Operations of the user's own with several outputs: one entry that has them in its rows, and a part
//! of it for each.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::ops::Op;
use crate::ops::custom::Custom;
use crate::ops::zip::Zip;
use crate::tape::operation::{Fault, Identity, Mismatch, Operands, Operation};
use crate::tape::vjp::Vjp;
use crate::{Dim, MatrixMut, Scalar, Shape, Tape, Var};

/// An operation with several outputs, which [`Tape::apply_several`] records.
///
/// An entry has one value, and so there is one entry, whose rows are those of the first output, then
/// those of the second, and so on: all outputs have the same number of columns. What the user holds
/// are its parts, ranges of its rows. One kernel computes all outputs, and one rule gets the
/// cotangents of all; an output that nothing depends on has the cotangent 0.
///
/// Outputs of different numbers of columns are several operations: one for what they share, say a
/// factor, and one on it for each.
///
/// ```
/// use std::borrow::Cow;
/// use tape::{Fault, Mismatch, Operands, Output, Outputs, Scalar, SeveralOutputs, SeveralVjp, Shape, Tape, matrix};
///
/// /// r = √(x² + y²) and θ = atan2(y, x), elementwise.
/// #[derive(Debug, PartialEq, Eq, Hash)]
/// struct Polar;
///
/// impl<T: Scalar> SeveralOutputs<T> for Polar {
///     fn name(&self) -> Cow<'_, str> {
///         "polar".into()
///     }
///     fn outputs(&self, operands: &[Shape]) -> Result<Vec<Output>, Mismatch> {
///         match operands {
///             [x, y] if x == y => Ok(vec![Output::new("r", *x), Output::new("θ", *x)]),
///             _ => Err(Mismatch::new("takes two matrices of one shape")),
///         }
///     }
///     fn eval(&self, operands: &Operands<'_, T>, out: &mut Outputs<'_, '_, T>) -> Result<(), Fault> {
///         let (x, y) = (operands.get(0), operands.get(1));
///         for j in 0..out.columns() {
///             let [r, theta] = out.column_mut(j);
///             for (i, (&x, &y)) in x.column(j).iter().zip(y.column(j)).enumerate() {
///                 (r[i], theta[i]) = ((x * x + y * y).sqrt(), y.atan2(x));
///             }
///         }
///         Ok(())
///     }
///     fn vjp<'t>(&self, at: &mut SeveralVjp<'_, '_, 't, T>) {
///         let ([x, y], [r, _]) = (at.operands(), at.outputs());
///         let square = x * x + y * y;
///         at.contribute(0, |[of_r, of_theta]| of_r * x / r - of_theta * y / square);
///         at.contribute(1, |[of_r, of_theta]| of_r * y / r + of_theta * x / square);
///     }
///     fn is_columnwise(&self, _: &[Shape]) -> bool {
///         true
///     }
/// }
///
/// let tape = Tape::<f64>::new();
/// let (x, y) = (tape.parameter("x", &matrix![[3.0]]), tape.parameter("y", &matrix![[4.0]]));
/// let [r, theta] = tape.apply_several(Polar, &[x, y]);
/// assert_eq!(r.value()?, matrix![[5.0]]);
/// let again = (r * theta.sin()).named("again"); // y
/// assert_eq!(again.equation().to_string(), "again = r(polar(x, y)) ⊙ sin(θ(polar(x, y)))");
/// let [dx, dy] = r.gradients([x, y]);
/// assert_eq!((dx.value()?, dy.value()?), (matrix![[0.6]], matrix![[0.8]]));
/// # Ok::<(), tape::Error>(())
/// ```
pub trait SeveralOutputs<T: Scalar>: Identity + std::fmt::Debug + Send + Sync {
    /// The operation's name.
    fn name(&self) -> Cow<'_, str>;

    /// Name and shape of each output, or what is wrong with the operands' shapes. The shapes have the
    /// same columns, and numbers of rows that do not depend on m. For the same shapes it is the same,
    /// whenever it is asked.
    ///
    /// # Errors
    /// A [`Mismatch`]; the tape adds the operands' names, their shapes and the place.
    fn outputs(&self, operands: &[Shape]) -> Result<Vec<Output>, Mismatch>;

    /// The kernel: writes all outputs. What they hold before is unspecified.
    ///
    /// # Errors
    /// As [`Operation::eval`].
    fn eval(&self, operands: &Operands<'_, T>, out: &mut Outputs<'_, '_, T>) -> Result<(), Fault>;

    /// The vector–Jacobian product, written with operations of the tape: what the cotangents of the
    /// outputs contribute to the cotangent of each operand.
    fn vjp<'t>(&self, at: &mut SeveralVjp<'_, '_, 't, T>);

    /// As [`Operation::is_columnwise`], of every output.
    fn is_columnwise(&self, operands: &[Shape]) -> bool {
        let _ = operands;
        false
    }
}

/// What an output of [`SeveralOutputs`] is called, and its shape.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Output {
    name: Cow<'static, str>,
    shape: Shape,
}

impl Output {
    /// An output of this name and shape.
    pub fn new(name: impl Into<Cow<'static, str>>, shape: Shape) -> Self {
        Output { name: name.into(), shape }
    }
}

/// An output, and which rows of the entry it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Part {
    name: Cow<'static, str>,
    rows: Range<usize>,
}

/// The entry that has all outputs in its rows.
#[derive(Debug, Clone)]
struct Several<T: Scalar> {
    of: Arc<dyn SeveralOutputs<T>>,
    parts: Vec<Part>,
}

impl<T: Scalar> PartialEq for Several<T> {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts && (*self.of).same((*other.of).as_any())
    }
}

impl<T: Scalar> Eq for Several<T> {}

impl<T: Scalar> Hash for Several<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts.hash(state);
        (*self.of).feed(state);
    }
}

/// Where the outputs are in the rows of one entry, and the shape of that.
fn stacked(outputs: Vec<Output>) -> Result<(Vec<Part>, Shape), Mismatch> {
    let Some(columns) = outputs.first().map(|first| first.shape.columns) else {
        return Err(Mismatch::new("has no outputs"));
    };
    let (mut parts, mut end) = (Vec::with_capacity(outputs.len()), 0usize);
    for Output { name, shape } in outputs {
        let Dim::Fixed(rows) = shape.rows else {
            return Err(Mismatch::new(format!("output {name} has {} rows, and no fixed number", shape.rows)));
        };
        if shape.columns != columns {
            return Err(Mismatch::new(format!(
                "output {name} has {} columns, the first one {columns}: outputs are rows of one entry",
                shape.columns
            )));
        }
        let start = end;
        end = end.checked_add(rows).ok_or_else(|| Mismatch::new("has too many rows"))?;
        parts.push(Part { name, rows: start..end });
    }
    Ok((parts, Shape { rows: end.into(), columns }))
}

impl<T: Scalar> Operation<T> for Several<T> {
    fn name(&self) -> Cow<'_, str> {
        self.of.name()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        let (_, shape) = stacked(self.of.outputs(operands)?)?;
        Ok(shape)
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        self.of.eval(x, &mut Outputs { out, parts: &self.parts })
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        self.of.vjp(&mut SeveralVjp { at, parts: &self.parts });
    }
    fn is_columnwise(&self, operands: &[Shape]) -> bool {
        self.of.is_columnwise(operands)
    }
}

/// The outputs that a kernel writes, column by column.
#[derive(Debug)]
pub struct Outputs<'o, 'a, T> {
    out: &'o mut MatrixMut<'a, T>,
    parts: &'o [Part],
}

impl<T: Scalar> Outputs<'_, '_, T> {
    /// Number of columns, the same of every output. Of a columnwise operation it may be a tile of
    /// them.
    pub fn columns(&self) -> usize {
        self.out.columns()
    }

    /// Column `j`, from 0, of each output.
    ///
    /// # Panics
    /// If there is no such column, or there are not `N` outputs.
    pub fn column_mut<const N: usize>(&mut self, j: usize) -> [&mut [T]; N] {
        assert_eq!(N, self.parts.len(), "the number of outputs");
        let mut rest = self.out.column_mut(j);
        std::array::from_fn(|i| {
            let (part, others) = std::mem::take(&mut rest).split_at_mut(self.parts[i].rows.len());
            rest = others;
            part
        })
    }
}

/// One entry on the reverse walk, as the [rule](SeveralOutputs::vjp) of an operation with several
/// outputs sees it: a [`Vjp`] with the cotangents of the outputs.
#[derive(Debug)]
pub struct SeveralVjp<'v, 'a, 't, T: Scalar> {
    at: &'v mut Vjp<'a, 't, T>,
    parts: &'v [Part],
}

impl<'t, T: Scalar> SeveralVjp<'_, '_, 't, T> {
    /// The tape.
    pub fn tape(&self) -> &'t Tape<T> {
        self.at.tape()
    }

    /// All operands.
    ///
    /// # Panics
    /// If there are not `N`.
    pub fn operands<const N: usize>(&self) -> [Var<'t, T>; N] {
        self.at.operands()
    }

    /// Operand `i`, from 0, where their number is known at run time.
    ///
    /// # Panics
    /// If there is no such operand.
    #[track_caller]
    pub fn operand(&self, i: usize) -> Var<'t, T> {
        self.at.operand(i)
    }

    /// The outputs, for rules that use them again.
    ///
    /// # Panics
    /// If there are not `N`.
    #[track_caller]
    pub fn outputs<const N: usize>(&self) -> [Var<'t, T>; N] {
        assert_eq!(N, self.parts.len(), "the number of outputs");
        parts_of(self.at.output(), self.parts)
    }

    /// Whether operand `i` is on the way to what was asked for.
    ///
    /// # Panics
    /// If there is no such operand.
    #[track_caller]
    pub fn wants(&self, i: usize) -> bool {
        self.at.wants(i)
    }

    /// Gives the contribution to operand `i`: `rule` gets the cotangents of the outputs, each in the
    /// shape of its output, and returns a matrix of the shape of the operand.
    ///
    /// # Panics
    /// If there are not `N` outputs, or is no such operand.
    #[track_caller]
    pub fn contribute<const N: usize>(&mut self, i: usize, rule: impl FnOnce([Var<'t, T>; N]) -> Var<'t, T>) {
        assert_eq!(N, self.parts.len(), "the number of outputs");
        let parts = self.parts;
        self.at.contribute(i, |g| rule(std::array::from_fn(|part| g.cotangent_of(parts[part].rows.clone()))));
    }

    /// Says that the derivatives with respect to operand `i` are zero.
    ///
    /// # Panics
    /// If there is no such operand.
    #[track_caller]
    pub fn zero(&mut self, i: usize) {
        self.at.zero(i);
    }

    /// Says that the derivatives with respect to operand `i` are not known: see [`Vjp::missing`].
    ///
    /// # Panics
    /// If there is no such operand.
    #[track_caller]
    pub fn missing(&mut self, i: usize, function: &str) {
        self.at.missing(i, function);
    }
}

#[track_caller]
fn parts_of<'t, T: Scalar, const N: usize>(entry: Var<'t, T>, parts: &[Part]) -> [Var<'t, T>; N] {
    let mut outputs = [entry; N];
    // A closure would note its own line, not the user's.
    for (output, part) in outputs.iter_mut().zip(parts) {
        *output = entry.rows(part.rows.clone());
    }
    outputs
}

impl<T: Scalar> Var<'_, T> {
    /// The rows of a cotangent that are those of an output. It is a sum of what the outputs' own
    /// cotangents are with zeros around, as a slice's product makes them, and what was padded is
    /// found again; where it is anything else, it is sliced.
    #[track_caller]
    fn cotangent_of(self, rows: Range<usize>) -> Self {
        let Some(terms) = self.terms_of(&rows) else { return self.rows(rows) };
        let mut sum: Option<Self> = None;
        for (term, negative) in terms {
            sum = Some(match (sum, negative) {
                (None, false) => term,
                (None, true) => -term,
                (Some(sum), false) => sum + term,
                (Some(sum), true) => sum - term,
            });
        }
        let shape = Shape { rows: rows.len().into(), ..self.known_shape() };
        sum.unwrap_or_else(|| self.tape.scalar(T::ZERO).repeated_to(shape))
    }

    /// What is added up in these rows, each with whether it is subtracted, if all else is added up in
    /// other rows.
    fn terms_of(self, rows: &Range<usize>) -> Option<SmallVec<[(Self, bool); 4]>> {
        /// More are sliced: a sum may have each of its terms many times.
        const MOST: usize = 64;
        let mut open: SmallVec<[(Self, bool); 4]> = SmallVec::from_slice(&[(self, false)]);
        let (mut terms, mut seen) = (SmallVec::new(), 0);
        while let Some((of, negative)) = open.pop() {
            let var = |id| Var { tape: self.tape, id, of_run: false };
            let found = of.inspect(|op, operands| match op {
                Op::Zip(Zip::Add) => Some((None, var(operands[0]), Some((var(operands[1]), false)))),
                Op::Zip(Zip::Subtract) => Some((None, var(operands[0]), Some((var(operands[1]), true)))),
                Op::Pad(pad) => Some((Some(*pad), var(operands[0]), None)),
                _ => None,
            });
            let (pad, first, second) = found??;
            seen += 1;
            if of.known_shape() != self.known_shape() || seen > MOST {
                return None;
            }
            match pad {
                None => {
                    open.extend(second.map(|(second, is_subtracted)| (second, negative != is_subtracted)));
                    open.push((first, negative));
                }
                Some(pad) => {
                    let padded = pad.rows(first.known_shape())?;
                    if padded == *rows {
                        terms.push((first, negative));
                    } else if padded.start < rows.end && rows.start < padded.end {
                        return None;
                    }
                }
            }
        }
        Some(terms)
    }
}

impl<T: Scalar> Custom<T> {
    /// What an output is called that has these rows of the entry.
    pub(crate) fn output_called(&self, rows: &Range<usize>) -> Option<Cow<'static, str>> {
        let several = self.as_operation_any().downcast_ref::<Several<T>>()?;
        several.parts.iter().find(|part| part.rows == *rows).map(|part| part.name.clone())
    }
}

/// # Operations of the user's own with several outputs
impl<T: Scalar> Tape<T> {
    /// The outputs of an operation of the user's own that has `N` of them: see [`SeveralOutputs`].
    ///
    /// The outputs are ranges of the rows of one entry. Another number than the operation has is an
    /// error that the variables carry.
    #[track_caller]
    pub fn apply_several<'t, const N: usize>(
        &'t self,
        operation: impl SeveralOutputs<T>,
        operands: &[Var<'t, T>],
    ) -> [Var<'t, T>; N] {
        let of: Arc<dyn SeveralOutputs<T>> = Arc::new(operation);
        let shapes: SmallVec<[Shape; 4]> = operands.iter().filter_map(|v| v.shape().ok()).collect();
        // What is wrong with the operands, or with the outputs, is told where the entry is recorded.
        let outputs = (shapes.len() == operands.len()).then(|| of.outputs(&shapes).and_then(stacked));
        let parts = outputs.and_then(Result::ok).map(|(parts, _)| parts).unwrap_or_default();
        let entry = self.push(Custom::new(Several { of: of.clone(), parts: parts.clone() }), operands);
        if entry.is_void() {
            return [entry; N];
        }
        if parts.len() != N {
            let reason = format!("has {} outputs, not {N}", parts.len());
            return [self.refused(&of.name(), reason); N];
        }
        parts_of(entry, &parts)
    }
}

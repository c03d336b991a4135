//! Blocks of columns: an example's own matrix, such as its tokens, windows or patches.
//!
//! In n × (T·m) the T columns of an example stand side by side, and are its block. Matrices are
//! column-major, so that n × (T·m) and (n·T) × m are the same numbers in the same places.

use std::borrow::Cow;

use crate::numbers::kernel::blocks;
use crate::tape::describe::{Described, Given, Parameters, described, words};
use crate::tape::notation::Notation;
use crate::tape::operation::{Fault, Mismatch, Operands, Operation};
use crate::tape::vjp::Vjp;
use crate::{Dim, MatrixMut, Over, Scalar, Shape, Var};

/// Whether columns become several, or several become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Way {
    /// (n·k) × c becomes n × (k·c).
    Unfold,
    /// n × (k·c) becomes (n·k) × c.
    Fold,
}

words!(Way { Unfold "unfold", Fold "fold" });

/// The same numbers in the same places, in another shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fold {
    pub(crate) way: Way,
    pub(crate) by: usize,
}

impl<T: Scalar> Operation<T> for Fold {
    fn name(&self) -> Cow<'_, str> {
        match self.way {
            Way::Unfold => format!("unfold[{}]", self.by),
            Way::Fold => format!("fold[{}]", self.by),
        }
        .into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        let Shape { rows, columns } = operands[0];
        let k = self.by;
        let (parts, whole, what) = match self.way {
            Way::Unfold => (rows.over(k), columns.times(k), "rows"),
            Way::Fold => (columns.over(k), rows.times(k), "columns"),
        };
        if k == 0 {
            return Err(Mismatch::new("takes 1 or more columns at a time, not 0"));
        }
        if rows.depends_on_m() && self.way == Way::Unfold {
            return Err(Mismatch::new(format!("{rows} rows are no blocks of one number of rows")));
        }
        let parts =
            parts.ok_or_else(|| Mismatch::new(format!("{k} does not divide the number of {what}")))?;
        let whole = whole.ok_or_else(|| Mismatch::new("the extent is too large"))?;
        Ok(match self.way {
            Way::Unfold => Shape { rows: parts, columns: whole },
            Way::Fold => Shape { rows: whole, columns: parts },
        })
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        out.as_mut_slice().copy_from_slice(x.get(0).as_slice());
        Ok(())
    }
    /// ∂/∂A: G in the shape of A.
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        let by = self.by;
        at.contribute(0, |g| match self.way {
            Way::Unfold => g.fold(by),
            Way::Fold => g.unfold(by),
        });
    }
    fn is_columnwise(&self, _: &[Shape]) -> bool {
        true
    }
    fn flops(&self, _: &[(usize, usize)], _: (usize, usize)) -> u64 {
        0
    }
}

/// The columns of an example's block; a mismatch for what has none.
fn block(shape: Shape) -> Result<usize, Mismatch> {
    match shape.columns.per_example() {
        Some(columns) if !shape.rows.depends_on_m() => Ok(columns),
        _ => Err(Mismatch::new(format!("{shape} has no columns of each example"))
            .hint("blocks are the columns of an example, n×m or n×(k·m); matmul multiplies whole matrices")),
    }
}

/// The shape of blocks rows × columns, one for each example.
fn of_blocks(rows: usize, columns: usize) -> Shape {
    Shape::new(rows, Dim::times_m(columns))
}

/// Aᵢᵀ for every example i.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct BlockTranspose;

impl<T: Scalar> Operation<T> for BlockTranspose {
    fn name(&self) -> Cow<'_, str> {
        "block_transpose".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        let columns = block(operands[0])?;
        let rows = operands[0].rows.at(0);
        if rows == 0 {
            return Err(Mismatch::new("blocks of no rows have no transposes"));
        }
        Ok(of_blocks(columns, rows))
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        blocks::transpose(x.get(0), out);
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        at.contribute(0, |g| g.block_t()); // ∂/∂Aᵢ: Gᵢᵀ
    }
    fn notation(&self) -> Notation {
        Notation::BlockTranspose
    }
    fn is_columnwise(&self, _: &[Shape]) -> bool {
        true
    }
    fn flops(&self, _: &[(usize, usize)], _: (usize, usize)) -> u64 {
        0
    }
}

/// op(Aᵢ) * op(Bᵢ) for every example i, where op transposes or not; a tape has the plain product,
/// and programs turn transposed operands into flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct BlockMatmul {
    pub(crate) left: bool,
    pub(crate) right: bool,
}

impl BlockMatmul {
    /// As a tape records it.
    pub(crate) const PLAIN: BlockMatmul = BlockMatmul { left: false, right: false };
}

impl<T: Scalar> Operation<T> for BlockMatmul {
    fn name(&self) -> Cow<'_, str> {
        "block_matmul".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        let oriented = |shape: Shape, transposed: bool| {
            let (rows, columns) = (shape.rows.at(0), block(shape)?);
            Ok(if transposed { (columns, rows) } else { (rows, columns) })
        };
        let (rows, inner) = oriented(operands[0], self.left)?;
        let (of_right, columns) = oriented(operands[1], self.right)?;
        if inner != of_right {
            return Err(Mismatch::new(format!(
                "the blocks are {rows}×{inner} and {of_right}×{columns}: inner dimensions differ"
            ))
            .hint("did you mean a block_t()?"));
        }
        Ok(of_blocks(rows, columns))
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        blocks::product((x.get(0), self.left), (x.get(1), self.right), x.threads(), out);
        Ok(())
    }
    /// With Cᵢ = Aᵢ * Bᵢ: ∂/∂Aᵢ = Gᵢ * Bᵢᵀ and ∂/∂Bᵢ = Aᵢᵀ * Gᵢ.
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        debug_assert_eq!(*self, BlockMatmul::PLAIN, "only programs have flags");
        let [a, b] = at.operands();
        at.contribute(0, |g| g.block_matmul(b.block_t()));
        at.contribute(1, |g| a.block_t().block_matmul(g));
    }
    fn notation(&self) -> Notation {
        Notation::BlockProduct { left: self.left, right: self.right }
    }
    fn is_columnwise(&self, _: &[Shape]) -> bool {
        true
    }
    fn flops(&self, operands: &[(usize, usize)], out: (usize, usize)) -> u64 {
        let (rows, columns) = operands[0];
        // Of each example the left block has `rows` × T elements; T is the inner extent or out's rows.
        let inner = match (self.left, self.right) {
            (true, _) => rows,
            (false, false) => operands[1].0,
            (false, true) => columns.checked_div(out.1.checked_div(operands[1].0).unwrap_or(0)).unwrap_or(0),
        };
        2u64.saturating_mul(inner as u64).saturating_mul((out.0 as u64).saturating_mul(out.1 as u64))
    }
}

/// As a tape has it.
impl<T: Scalar> Described<T> for BlockMatmul {
    fn parameters(&self) -> Parameters<T> {
        Vec::new()
    }
    fn of_parameters(_: &mut Given<T>) -> Result<Self, String> {
        Ok(BlockMatmul::PLAIN)
    }
    fn takes(&self, operands: usize) -> bool {
        operands == 2
    }
}

described! {
    Fold [1] { way: "way", by: "by" }
    BlockTranspose [1] {}
}

/// # Blocks: the tokens, windows or patches of each example
///
/// Of n × (T·m), the T columns of an example stand side by side: they are its block Aᵢ, n × T.
/// Everything that works column by column works on them as it is: elementwise operations,
/// `w.matmul(x)`, sums and softmax over the rows.
impl<'t, T: Scalar> Var<'t, T> {
    /// (n·k) × c as n × (k·c): each column becomes k of them, the first n elements, the next n, and
    /// so on. The numbers stay where they are.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.examples("X", &matrix![[1.0, 5.0], [2.0, 6.0], [3.0, 7.0], [4.0, 8.0]]);
    /// let tokens = x.unfold(2); // two tokens of each of two examples
    /// assert_eq!(tokens.shape()?.to_string(), "2×2m");
    /// assert_eq!(tokens.value()?, matrix![[1.0, 3.0, 5.0, 7.0], [2.0, 4.0, 6.0, 8.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn unfold(self, k: usize) -> Self {
        self.tape.push(Fold { way: Way::Unfold, by: k }, &[self])
    }

    /// n × (k·c) as (n·k) × c: the inverse of [`unfold`](Var::unfold). Of a parameter n × k it makes
    /// a column, which can be added to what is folded: a mask, or positions that all examples share.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.examples("X", &matrix![[1.0, 5.0], [2.0, 6.0], [3.0, 7.0], [4.0, 8.0]]).unfold(2);
    /// let p = tape.parameter("P", &matrix![[10.0, 20.0], [30.0, 40.0]]);
    /// let placed = (x.fold(2) + p.fold(2)).unfold(2);
    /// assert_eq!(placed.value()?, matrix![[11.0, 23.0, 15.0, 27.0], [32.0, 44.0, 36.0, 48.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn fold(self, k: usize) -> Self {
        self.tape.push(Fold { way: Way::Fold, by: k }, &[self])
    }

    /// For every example the product of its blocks, Aᵢ * Bᵢ: p × (T·m) and T × (q·m) become
    /// p × (q·m). With [`block_t`](Var::block_t) on either side it is Aᵢᵀ * Bᵢ, and so on; programs
    /// read transposed blocks where they are.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let q = tape.examples("Q", &matrix![[1.0, 3.0], [2.0, 4.0]]); // a token of each of two examples
    /// let scores = q.block_t().block_matmul(q); // qᵢᵀqᵢ
    /// assert_eq!(scores.value()?, matrix![[5.0, 25.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn block_matmul(self, other: Self) -> Self {
        self.tape.push(BlockMatmul::PLAIN, &[self, other])
    }

    /// Aᵢᵀ for every example: n × (T·m) becomes T × (n·m).
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.examples("X", &matrix![[1.0, 5.0], [2.0, 6.0], [3.0, 7.0], [4.0, 8.0]]).unfold(2);
    /// assert_eq!(x.value()?, matrix![[1.0, 3.0, 5.0, 7.0], [2.0, 4.0, 6.0, 8.0]]);
    /// assert_eq!(x.block_t().value()?, matrix![[1.0, 2.0, 5.0, 6.0], [3.0, 4.0, 7.0, 8.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn block_t(self) -> Self {
        self.tape.push(BlockTranspose, &[self])
    }

    /// The sum over the columns of each example: n × (T·m) becomes n × m.
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.examples("X", &matrix![[1.0, 5.0], [2.0, 6.0], [3.0, 7.0], [4.0, 8.0]]).unfold(2);
    /// assert_eq!(x.sum_of_blocks().value()?, matrix![[4.0, 12.0], [6.0, 14.0]]);
    /// assert_eq!(x.max_of_blocks().value()?, matrix![[3.0, 7.0], [4.0, 8.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn sum_of_blocks(self) -> Self {
        let by_row = self.blocks_transposed("sum_of_blocks").sum_over(Over::Rows);
        self.rows_of_blocks(by_row)
    }

    /// The mean over the columns of each example.
    #[track_caller]
    pub fn mean_of_blocks(self) -> Self {
        let by_row = self.blocks_transposed("mean_of_blocks").mean_over(Over::Rows);
        self.rows_of_blocks(by_row)
    }

    /// The greatest of the columns of each example, row by row.
    #[track_caller]
    pub fn max_of_blocks(self) -> Self {
        let by_row = self.blocks_transposed("max_of_blocks").max_over(Over::Rows);
        self.rows_of_blocks(by_row)
    }

    /// Softmax over the columns of each example, row by row.
    #[track_caller]
    pub fn softmax_of_blocks(self) -> Self {
        self.blocks_transposed("softmax_of_blocks").softmax_over(Over::Rows).block_t()
    }

    /// Each column k times: n × (T·m) becomes n × (k·T·m).
    ///
    /// ```
    /// use tape::{Tape, matrix};
    /// let tape = Tape::<f64>::new();
    /// let x = tape.examples("X", &matrix![[1.0, 2.0], [3.0, 4.0]]);
    /// assert_eq!(x.repeat_columns(2).value()?, matrix![[1.0, 1.0, 2.0, 2.0], [3.0, 3.0, 4.0, 4.0]]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    pub fn repeat_columns(self, k: usize) -> Self {
        if k == 0 {
            return self.tape.refused("repeat_columns", "0 times leaves no columns".into());
        }
        let copies: Vec<Self> = vec![self; k];
        self.tape.stack_rows(&copies).unfold(k)
    }

    /// [`block_t`](Var::block_t), for a method of another name.
    #[track_caller]
    fn blocks_transposed(self, method: &str) -> Self {
        self.tape.push_called(Some((method, &[self])), BlockTranspose, &[self])
    }

    /// What a reduction has made of the rows of transposed blocks, 1 × (n·m), as n × m.
    #[track_caller]
    fn rows_of_blocks(self, by_row: Self) -> Self {
        if self.is_void() || by_row.is_void() { by_row } else { by_row.fold(self.known_shape().rows.at(0)) }
    }
}

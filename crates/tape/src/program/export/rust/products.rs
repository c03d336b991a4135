//! Products of matrices as loops, which add in the order of the kernels.

use super::Writer;
use crate::numbers::kernel::product::UNIT;
use crate::ops::blocks::BlockMatmul;
use crate::ops::matmul::Matmul;
use crate::ops::scale::Scaling;
use crate::program::ids::NodeId;
use crate::{Result, Scalar};

/// Slabs of the inner dimension in free order, at most; and where a row is multiplied by a
/// transposed matrix.
const DEPTH: usize = 512;
const SLAB: usize = 4096;
/// More vectors than these are summed in blocks.
const BLOCK: usize = 256;

/// A product that is to be written.
pub(super) struct Product<'a, T> {
    pub(super) node: NodeId,
    pub(super) matmul: Matmul,
    pub(super) operands: [NodeId; 2],
    /// A sum over the examples, with what it is scaled by.
    pub(super) contraction: Option<Scaling<T>>,
    /// What is done to an element as it is stored: an expression of it, with R for its row and E for
    /// its place.
    pub(super) epilogue: Option<&'a str>,
    pub(super) out: NodeId,
}

/// The array and the stored shape of an operand.
struct Operand {
    array: String,
    rows: usize,
    turned: bool,
}

impl Operand {
    /// The element in row i and column j of the operand as it is multiplied, as an index.
    fn at(&self, i: &str, j: &str) -> String {
        let (i, j) = if self.turned { (j, i) } else { (i, j) };
        index(&self.array, self.rows, i, j)
    }
}

/// An element of a matrix that is stored column by column.
pub(super) fn index(array: &str, rows: usize, i: &str, j: &str) -> String {
    match (rows, i, j) {
        (_, i, "0") => format!("{array}[{i}]"),
        (1, _, j) => format!("{array}[{j}]"),
        (rows, "0", j) => format!("{array}[{rows} * {j}]"),
        (rows, i, j) => format!("{array}[{rows} * {j} + {i}]"),
    }
}

impl<T: Scalar> Writer<'_, T> {
    pub(super) fn product(&mut self, product: &Product<'_, T>) -> Result<()> {
        let Product { node, matmul, operands, contraction, epilogue, out } = *product;
        let operand = |writer: &mut Self, node: NodeId, turned: bool| {
            let (rows, columns) = writer.shape(node);
            let (m, n) = if turned { (columns, rows) } else { (rows, columns) };
            (Operand { array: writer.array(node), rows, turned }, m, n)
        };
        let (a, rows, inner) = operand(self, operands[0], matmul.left);
        let (b, _, columns) = operand(self, operands[1], matmul.right);
        let target = self.target(out);
        self.loops(node, (a, b), (rows, columns, inner), (contraction, epilogue), &target)
    }

    /// The product of each example's blocks.
    pub(super) fn block_product(&mut self, node: NodeId, product: BlockMatmul) -> Result<()> {
        let examples = self.source.examples;
        let operands = self.program.graph.node(node).operands.clone();
        let block = |writer: &Self, node: NodeId| {
            let (rows, columns) = writer.shape(node);
            (rows, columns / examples)
        };
        let operand = |writer: &mut Self, i: usize, name: &'static str, turned: bool| {
            let ((rows, columns), array) = (block(writer, operands[i]), writer.array(operands[i]));
            let part = format!("let {name} = &{array}[{0} * block..][..{0}];", rows * columns);
            let (m, n) = if turned { (columns, rows) } else { (rows, columns) };
            (part, Operand { array: name.to_owned(), rows, turned }, m, n)
        };
        let (left, a, rows, inner) = operand(self, 0, "left", product.left);
        let (right, b, _, columns) = operand(self, 1, "right", product.right);
        let target = self.target(node);
        self.line(&format!("for block in 0..{examples} {{"));
        self.line(&left);
        self.line(&right);
        self.line(&format!("let out = &mut {target}[{0} * block..][..{0}];", rows * columns));
        self.loops(node, (a, b), (rows, columns, inner), (None, None), "out")?;
        self.line("}");
        Ok(())
    }

    /// The loops of a product of these rows, columns and products to be summed.
    fn loops(
        &mut self,
        node: NodeId,
        (a, b): (Operand, Operand),
        (rows, columns, inner): (usize, usize, usize),
        (contraction, epilogue): (Option<Scaling<T>>, Option<&str>),
        target: &str,
    ) -> Result<()> {
        let scaled = contraction.map(|scaling| scaling.at(self.source.examples));
        let alpha = scaled.map_or(T::ONE, |scaled| scaled.of_parts());
        if contraction.is_some() && inner > UNIT {
            return self.refused(node, format!("a sum over more than {UNIT} columns"));
        }
        if rows * columns == 0 {
            return Ok(());
        }
        let numbers = self.numbers;
        let literal = move |x: T| numbers.literal(x.to_f64());
        let finish = move |sum: &str, i: &str, j: &str| {
            let x = if alpha == T::ONE { sum.to_owned() } else { format!("{sum} * {}", literal(alpha)) };
            let place = index("", rows, i, j);
            let place = place.trim_matches(['[', ']']);
            let x = match epilogue {
                None => x,
                Some(epilogue) => epilogue.replace('$', &x).replace("#R", i).replace("#E", place),
            };
            match scaled.filter(|scaled| scaled.divides()) {
                None => x,
                Some(scaled) if scaled.times == T::ONE => format!("({x}) / {}", literal(scaled.over)),
                Some(scaled) => {
                    format!("{} * ({x}) / {}", literal(scaled.times), literal(scaled.over))
                }
            }
        };
        if inner == 0 {
            let zero = finish("0.0", "i", if columns == 1 { "0" } else { "j" });
            return self.each_element((rows, columns), target, &zero);
        }
        if rows == 1 {
            return self.row(node, (a, b), (columns, inner), target, finish);
        }
        let depth = match contraction {
            Some(_) => UNIT,
            None => inner.div_ceil(inner.div_ceil(DEPTH)),
        };
        if inner > depth {
            return self.slabs((a, b), (rows, columns, inner, depth), target, epilogue);
        }
        let j = self.open_columns(columns);
        self.line(&format!("let mut sums: [{}; {rows}] = [0.0; {rows}];", self.numbers.name()));
        let k = self.open("k", inner);
        self.line(&format!("for i in 0..{rows} {{"));
        self.line(&format!("sums[i] = fused({}, {}, sums[i]);", a.at("i", k), b.at(k, j)));
        self.line("}");
        self.line("}");
        self.line(&format!("for i in 0..{rows} {{"));
        self.line(&format!("{} = {};", index(target, rows, "i", j), finish("sums[i]", "i", j)));
        self.line("}");
        self.line("}");
        Ok(())
    }

    /// A long inner dimension is summed in slabs, which are added one after the other.
    fn slabs(
        &mut self,
        (a, b): (Operand, Operand),
        (rows, columns, inner, depth): (usize, usize, usize, usize),
        target: &str,
        epilogue: Option<&str>,
    ) -> Result<()> {
        let j = self.open_columns(columns);
        let of = self.numbers.name();
        self.line(&format!("let mut total: [{of}; {rows}] = [0.0; {rows}];"));
        self.line(&format!("for start in (0..{inner}).step_by({depth}) {{"));
        self.line(&format!("let mut sums: [{of}; {rows}] = [0.0; {rows}];"));
        self.line(&format!("for k in start..(start + {depth}).min({inner}) {{"));
        self.line(&format!("for i in 0..{rows} {{"));
        self.line(&format!("sums[i] = fused({}, {}, sums[i]);", a.at("i", "k"), b.at("k", j)));
        self.line("}");
        self.line("}");
        self.line(&format!("for i in 0..{rows} {{"));
        self.line("total[i] = if start == 0 { sums[i] } else { total[i] + sums[i] };");
        self.line("}");
        self.line("}");
        self.line(&format!("for i in 0..{rows} {{"));
        let place = index("", rows, "i", j);
        let value = match epilogue {
            None => "total[i]".to_owned(),
            Some(epilogue) => epilogue
                .replace('$', "total[i]")
                .replace("#R", "i")
                .replace("#E", place.trim_matches(['[', ']'])),
        };
        self.line(&format!("{} = {value};", index(target, rows, "i", j)));
        self.line("}");
        self.line("}");
        Ok(())
    }

    /// One row times a matrix: along its columns in lanes, or, if it is transposed, in four sums.
    fn row(
        &mut self,
        node: NodeId,
        (a, b): (Operand, Operand),
        (columns, inner): (usize, usize),
        target: &str,
        finish: impl Fn(&str, &str, &str) -> String,
    ) -> Result<()> {
        let lanes = self.numbers.kernels.lanes(self.numbers.is_single);
        if inner > SLAB || !b.turned && inner / lanes > BLOCK {
            return self.refused(node, format!("a row of {inner} numbers times a matrix"));
        }
        let j = self.open_columns(columns);
        let of = self.numbers.name();
        if b.turned && inner > 1 {
            self.line(&format!("let mut sums: [{of}; 4] = [0.0; 4];"));
            self.line(&format!("for k in 0..{inner} {{"));
            self.line(&format!("sums[k % 4] = fused({}[k], {}, sums[k % 4]);", a.array, b.at("k", j)));
            self.line("}");
            self.line("let total = (sums[0] + sums[1]) + (sums[2] + sums[3]);");
        } else if columns == 1 || b.turned {
            // A transposed column, or one column: as it is stored.
            let column =
                if inner == 1 { format!("&{0}[{j}..{j} + 1]", b.array) } else { format!("&{}[..]", b.array) };
            self.line(&format!("let total = dot(&{}[..], {column});", a.array));
        } else {
            self.line(&format!(
                "let total = dot(&{}[..], &{}[{inner} * {j}..][..{inner}]);",
                a.array, b.array
            ));
        }
        self.line(&format!("{} = {};", index(target, 1, "0", j), finish("total", "0", j)));
        self.line("}");
        Ok(())
    }

    /// Begins a loop over columns, if there are several; the index of a column.
    pub(super) fn open_columns(&mut self, columns: usize) -> &'static str {
        self.open("j", columns)
    }

    fn open(&mut self, name: &'static str, count: usize) -> &'static str {
        match count {
            1 => self.line("{"),
            _ => self.line(&format!("for {name} in 0..{count} {{")),
        }
        if count == 1 { "0" } else { name }
    }

    /// The same expression, of i and j, for each element.
    pub(super) fn each_element(
        &mut self,
        (rows, columns): (usize, usize),
        target: &str,
        value: &str,
    ) -> Result<()> {
        let j = self.open_columns(columns);
        self.line(&format!("for i in 0..{rows} {{"));
        self.line(&format!("{} = {value};", index(target, rows, "i", j)));
        self.line("}");
        self.line("}");
        Ok(())
    }
}

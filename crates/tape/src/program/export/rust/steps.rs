//! Steps as loops, in the order of the program.

use super::products::{Product, index};
use super::{Place, Writer};
use crate::numbers::kernel::product::UNIT;
use crate::ops::Op;
use crate::ops::reduce::{Reduce, Reduction};
use crate::program::code::{EpilogueKind, Instruction, OnNodes, PassNodes, SumNodes};
use crate::program::ids::NodeId;
use crate::program::pass;
use crate::tape::notation::{Notation, Over};
use crate::{Result, Scalar};

impl<T: Scalar> Writer<'_, T> {
    pub(super) fn step(&mut self, step: &Instruction<T, OnNodes>) -> Result<()> {
        match step {
            // Powers of m are computed for each run: here m is known, and they are literals.
            Instruction::Single { op: Op::Number(_), .. } => Ok(()),
            Instruction::Single { node, op, operands, out } => {
                self.comment(&[*node]);
                match op {
                    Op::Matmul(matmul) => self.product(&Product {
                        node: *node,
                        matmul: *matmul,
                        operands: [operands[0], operands[1]],
                        contraction: None,
                        epilogue: None,
                        out: *out,
                    }),
                    Op::Reduce(reduce) => self.reduction(*node, *reduce, operands[0]),
                    _ => self.structure(*node),
                }
            }
            Instruction::Product { product, node, matmul, epilogue, operands: [a, b, other], out } => {
                self.comment_of_product(*product, *node, *epilogue);
                let array = self.array(*other);
                let epilogue = match epilogue {
                    EpilogueKind::Bias => format!("$ + {array}[#R]"),
                    EpilogueKind::Multiply => format!("$ * {array}[#E]"),
                };
                self.product(&Product {
                    node: *product,
                    matmul: *matmul,
                    operands: [*a, *b],
                    contraction: None,
                    epilogue: Some(&epilogue),
                    out: *out,
                })
            }
            Instruction::Pass { pass, .. } => self.pass(pass),
            Instruction::Accumulate { contraction, node, op, operands, scaling, .. } => {
                let both = [*contraction, *node];
                self.comment(if contraction == node { &both[1..] } else { &both });
                match op {
                    Op::Matmul(matmul) => self.product(&Product {
                        node: *contraction,
                        matmul: *matmul,
                        operands: [operands[0], operands[1]],
                        contraction: Some(*scaling),
                        epilogue: None,
                        out: *node,
                    }),
                    Op::Reduce(_) => {
                        let sum = SumNodes { contraction: *contraction, result: *node, scaling: *scaling };
                        self.sum(&sum, None)
                    }
                    _ => self.refused(*contraction, "this sum over the examples is not written down"),
                }
            }
        }
    }

    /// Formulas as comments.
    fn comment(&mut self, nodes: &[NodeId]) {
        for &node in nodes {
            let text = format!("// {} = {}", self.label(node), self.formula(node));
            self.line(&text);
        }
    }

    /// A product and what is done to it, as one formula.
    fn comment_of_product(&mut self, product: NodeId, node: NodeId, epilogue: EpilogueKind) {
        let operands = &self.program.graph.node(node).operands;
        let formula = self.formula(product);
        let inner = if epilogue == EpilogueKind::Bias { formula } else { format!("({formula})") };
        let part = |operand: NodeId| if operand == product { inner.clone() } else { self.label(operand) };
        let sign = if epilogue == EpilogueKind::Bias { "+" } else { "⊙" };
        let text = format!("// {} = {} {sign} {}", self.label(node), part(operands[0]), part(operands[1]));
        self.line(&text);
    }

    /// What a node is, of the labels of its operands.
    fn formula(&self, node: NodeId) -> String {
        let of = self.program.graph.node(node);
        let x: Vec<String> = of.operands.iter().map(|&operand| self.label(operand)).collect();
        let turned = |x: &str, turned: bool| if turned { format!("{x}ᵀ") } else { x.to_owned() };
        match of.op.rule().notation() {
            Notation::Product { left, right } | Notation::BlockProduct { left, right } => {
                format!("{} * {}", turned(&x[0], left), turned(&x[1], right))
            }
            Notation::Factor(factor) => format!("{factor} · {}", x[0]),
            Notation::Literal(number) => number,
            Notation::Minus => format!("−{}", x[0]),
            Notation::Transpose | Notation::BlockTranspose => format!("{}ᵀ", x[0]),
            Notation::Plus => format!("{} + {}", x[0], x[1]),
            Notation::Difference => format!("{} − {}", x[0], x[1]),
            Notation::Hadamard => format!("{} ⊙ {}", x[0], x[1]),
            Notation::Quotient => format!("{} ⊘ {}", x[0], x[1]),
            Notation::Sum(Over::Rows) => format!("Σ over the rows of {}", x[0]),
            Notation::Sum(Over::Columns) => format!("Σ over the columns of {}", x[0]),
            Notation::Sum(Over::All) => format!("Σ over all of {}", x[0]),
            Notation::Activation { name, primes } => format!("{name}{}({})", "′".repeat(primes), x[0]),
            Notation::Name
            | Notation::Power
            | Notation::PowerOf(_)
            | Notation::Root
            | Notation::Absolute
            | Notation::Exponential
            | Notation::Indicator(_)
            | Notation::Repeat
            | Notation::Call(_) => format!("{}({})", of.op.rule().name(), x.join(", ")),
        }
    }

    /// Elementwise nodes in one loop; those that are needed after it are arrays.
    fn pass(&mut self, pass: &PassNodes<T>) -> Result<()> {
        self.comment(&pass.nodes);
        let is_summed = |node: &NodeId| {
            pass.sums.iter().any(|sum| self.program.graph.node(sum.contraction).operands[0] == *node)
        };
        let plan = &self.program.plan.buffer_of;
        let stored: Vec<NodeId> =
            pass.nodes.iter().copied().filter(|node| plan[*node].is_some() || is_summed(node)).collect();
        self.elements(&pass.nodes, &stored)?;
        for sum in &pass.sums {
            let both = [sum.contraction, sum.result];
            self.comment(if sum.contraction == sum.result { &both[1..] } else { &both });
            let rows = self.shape(pass.nodes[0]).0;
            self.sum(sum, Some(pass::section_columns(rows)))?;
        }
        Ok(())
    }

    /// A loop over the elements of nodes of one shape.
    pub(super) fn elements(&mut self, nodes: &[NodeId], stored: &[NodeId]) -> Result<()> {
        let (rows, columns) = self.shape(nodes[0]);
        let targets: Vec<(NodeId, String)> = stored.iter().map(|&node| (node, self.target(node))).collect();
        if rows * columns == 0 {
            return Ok(());
        }
        let is_plain = |&operand: &NodeId| {
            nodes.contains(&operand) || [(rows, columns), (1, 1)].contains(&self.shape(operand))
        };
        let flat = nodes.iter().all(|&node| self.program.graph.node(node).operands.iter().all(is_plain));
        let (i, j) = match (flat, rows * columns) {
            (_, 1) => ("0", "0"),
            (true, count) => {
                self.line(&format!("for i in 0..{count} {{"));
                ("i", "0")
            }
            (false, _) => {
                self.line(&format!("for j in 0..{columns} {{"));
                self.line(&format!("for i in 0..{rows} {{"));
                ("i", "j")
            }
        };
        for &node in nodes {
            let operands: Vec<NodeId> = self.program.graph.node(node).operands.to_vec();
            let x: Vec<String> =
                operands.iter().map(|&operand| self.element(operand, (rows, columns), (i, j))).collect();
            let value = self.expression(node, &x)?;
            match targets.iter().find(|(target, _)| *target == node) {
                Some((_, array)) => {
                    let element = index(array, rows, i, j);
                    self.line(&format!("{element} = {value};"));
                }
                None => {
                    let identifier = self.identifier(node);
                    let of = self.numbers.name();
                    self.line(&format!("let {identifier}: {of} = {value};"));
                    self.places[node] = Some(Place::Variable(identifier));
                }
            }
        }
        match (flat, rows * columns) {
            (_, 1) => {}
            (true, _) => self.line("}"),
            (false, _) => {
                self.line("}");
                self.line("}");
            }
        }
        Ok(())
    }

    /// An element of an operand, which is repeated if it has one row or one column.
    fn element(&self, operand: NodeId, shape: (usize, usize), (i, j): (&str, &str)) -> String {
        let (rows, columns) = self.shape(operand);
        match self.place(operand) {
            Place::Number(text) | Place::Variable(text) => text,
            Place::Array(array) if (rows, columns) == shape => index(&array, rows, i, j),
            Place::Array(array) => {
                let i = if rows == 1 { "0" } else { i };
                let j = if columns == 1 { "0" } else { j };
                index(&array, rows, i, j)
            }
        }
    }

    /// A sum over the columns of all examples, or of all elements: of a pass in sections of so many
    /// columns.
    fn sum(&mut self, sum: &SumNodes<T>, sections: Option<usize>) -> Result<()> {
        let &SumNodes { contraction, result, scaling } = sum;
        let of = self.program.graph.node(contraction).operands[0];
        let (rows, columns) = self.shape(of);
        if columns > UNIT {
            return self.refused(contraction, format!("a sum over more than {UNIT} columns"));
        }
        let (array, target) = (self.array(of), self.target(result));
        if self.len(result) == 0 {
            return Ok(());
        }
        let scaled = scaling.at(self.source.examples);
        let alpha = scaled.of_parts();
        let finished = |x: &str| {
            let x = if alpha == T::ONE {
                format!("0.0 + {x}")
            } else {
                format!("0.0 + {} * {x}", self.literal(alpha))
            };
            match (scaled.divides(), scaled.times == T::ONE) {
                (false, _) => x,
                (true, true) => format!("({x}) / {}", self.literal(scaled.over)),
                (true, false) => {
                    format!("{} * ({x}) / {}", self.literal(scaled.times), self.literal(scaled.over))
                }
            }
        };
        if self.len(result) == 1 {
            let sections = sections.filter(|&section| section < columns);
            let value = match sections {
                None => finished(&format!("sum(&{array}[..])")),
                Some(section) => {
                    let parts = format!(
                        "{array}.chunks({}).fold(0.0, |total, part| total + sum(part))",
                        section * rows
                    );
                    finished(&parts)
                }
            };
            self.line(&format!("{target}[0] = {value};"));
            return Ok(());
        }
        let value = finished("sums[i]");
        self.line("{");
        self.line(&format!("let sums = row_sums::<{rows}>(&{array}[..]);"));
        self.line(&format!("for i in 0..{rows} {{"));
        self.line(&format!("{target}[i] = {value};"));
        self.line("}");
        self.line("}");
        Ok(())
    }

    /// A reduction by its own kernel.
    fn reduction(&mut self, node: NodeId, Reduce { reduction, over }: Reduce, x: NodeId) -> Result<()> {
        let (rows, columns) = self.shape(x);
        let (array, target) = (self.array(x), self.target(node));
        if self.len(node) == 0 {
            return Ok(());
        }
        let (start, with) = match reduction {
            Reduction::Sum => (T::ZERO, ""),
            Reduction::Max => (-T::INFINITY, "the_greater"),
            Reduction::Min => (T::INFINITY, "the_smaller"),
            Reduction::MaxNorm => (T::ZERO, "the_greater_size"),
            Reduction::LogSumExp => return self.log_sum_exp(node, over, x),
        };
        let start = self.literal(start);
        let of = |numbers: &str| match with.is_empty() {
            true => format!("sum({numbers})"),
            false => format!("folded({numbers}, {start}, {with})"),
        };
        match over {
            Over::All => {
                let value = of(&format!("&{array}[..]"));
                self.line(&format!("{target}[0] = {value};"));
            }
            Over::Rows => {
                let value = of(&format!("&{array}[{rows} * j..][..{rows}]"));
                self.line(&format!("for j in 0..{columns} {{"));
                self.line(&format!("{target}[j] = {value};"));
                self.line("}");
            }
            Over::Columns if reduction == Reduction::Sum && rows == 1 => {
                self.line(&format!("{target}[0] = sum(&{array}[..]);"));
            }
            Over::Columns if reduction == Reduction::Sum => {
                if columns > UNIT {
                    return self.refused(node, format!("a sum over more than {UNIT} columns"));
                }
                self.line(&format!("{target}.copy_from_slice(&row_sums::<{rows}>(&{array}[..]));"));
            }
            Over::Columns => {
                self.line(&format!("{target}.fill({start});"));
                self.line(&format!("for column in {array}.chunks_exact({rows}) {{"));
                self.line(&format!("for i in 0..{rows} {{"));
                self.line(&format!("{target}[i] = {with}({target}[i], column[i]);"));
                self.line("}");
                self.line("}");
            }
        }
        Ok(())
    }
}

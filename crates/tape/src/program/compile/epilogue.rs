//! What a product does to its elements as it stores them, so that no pass has to read them again:
//! it adds a bias, z = W * a + b (eq. 23), or multiplies by a matrix of its shape, δ = (Wᵀ * δ) ⊙
//! g′(z) (eq. 28).

use crate::ops::zip::Zip;
use crate::program::code::EpilogueKind;
use crate::program::compile::graph::Graph;
use crate::program::ids::NodeId;
use crate::tape::ids::IdVec;
use crate::{Dim, Scalar};

/// For every node its only use: the node that reads it, once, while it is no output.
pub(crate) fn only_uses<T: Scalar>(graph: &Graph<T>) -> IdVec<NodeId, Option<NodeId>> {
    #[derive(Clone, Copy)]
    enum Uses {
        None,
        One(NodeId),
        More,
    }
    let mut uses: IdVec<NodeId, Uses> = IdVec::filled(Uses::None, graph.nodes.len());
    for (id, node) in graph.nodes.enumerated() {
        for &operand in &node.operands {
            let uses = &mut uses[operand];
            *uses = if let Uses::None = uses { Uses::One(id) } else { Uses::More };
        }
    }
    graph.outputs.iter().for_each(|&output| uses[output] = Uses::More);
    let only = |uses| if let Uses::One(id) = uses { Some(id) } else { None };
    uses.into_iter().map(only).collect()
}

/// What a product can take up in the node that uses it alone, and that node's other operand.
pub(crate) fn epilogue_of<T: Scalar>(
    graph: &Graph<T>,
    product: NodeId,
    user: NodeId,
) -> Option<(EpilogueKind, NodeId)> {
    let (made, node) = (graph.node(product).shape, graph.node(user));
    let (Some(zip), &[a, b]) = (node.op.zip(), node.operands.as_slice()) else { return None };
    let other = if a == product { b } else { a };
    let shape = graph.node(other).shape;
    match zip {
        _ if node.shape != made => None,
        Zip::Add if shape.rows == made.rows && shape.columns == Dim::ONE => Some((EpilogueKind::Bias, other)),
        Zip::Multiply if shape == made => Some((EpilogueKind::Multiply, other)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::{Matrix, Options, Program, Shape, Tape, Var};

    fn operations(program: &Program<f64>) -> Vec<String> {
        program.steps().map(|step| step.operations.join("; ")).collect()
    }

    fn leaves<'t>(tape: &'t Tape<f64>) -> [Var<'t, f64>; 4] {
        let matrix = |rows, columns| Matrix::from_fn(rows, columns, |i, j| (3 * i + 5 * j) as f64 / 7.0);
        let (w, b) = (tape.parameter("W", &matrix(2, 3)), tape.parameter("b", &matrix(2, 1)));
        [w, b, tape.examples("X", &matrix(3, 5)), tape.examples("S", &matrix(2, 5))]
    }

    /// The steps of outputs, which have the bits that they have without fusion.
    fn fused<'t>(tape: &'t Tape<f64>, outputs: &[Var<'t, f64>]) -> Vec<String> {
        let mut program = tape.compile(outputs.iter().copied()).unwrap();
        let mut literal = tape.compile_with(outputs.iter().copied(), Options::literal()).unwrap();
        program.run().unwrap();
        literal.run().unwrap();
        for &output in outputs {
            assert_eq!(program.view(output).unwrap(), literal.view(output).unwrap());
        }
        operations(&program)
    }

    #[test]
    fn a_bias_and_a_factor_are_taken_up() {
        let tape = Tape::new();
        let [w, b, x, s] = leaves(&tape);
        assert_eq!(fused(&tape, &[w.matmul(x) + b]), ["matmul; add"]);
        assert_eq!(fused(&tape, &[b + w.matmul(x)]), ["matmul; add"]);
        assert_eq!(fused(&tape, &[w.matmul(x) * s]), ["matmul; multiply"]);
        assert_eq!(fused(&tape, &[(s * w.matmul(x)).exp()]), ["matmul; multiply", "exp"]);
        let row = b.t().matmul(s) + tape.parameter("c", &Matrix::filled(1, 1, 2.0));
        assert_eq!(fused(&tape, &[row]), ["matmul; add"]);
    }

    #[test]
    fn backpropagation_has_no_pass_between_its_products() {
        let tape = Tape::new();
        let [w, b, x, _] = leaves(&tape);
        let a = (w.matmul(x) + b).sigmoid();
        let v = tape.parameter("V", &Matrix::filled(1, 2, 0.5));
        let j = v.matmul(a).square().mean();
        let gradients = j.gradients([w, b, v]);
        let mut program = tape.compile(gradients.into_iter().chain([j])).unwrap();
        let steps = operations(&program);
        assert_eq!(steps.iter().filter(|step| *step == "matmul; add").count(), 1, "{steps:?}");
        assert_eq!(steps.iter().filter(|step| *step == "matmul; multiply").count(), 1, "{steps:?}");
        program.run().unwrap();
        assert!(program.scalar(j).unwrap() > 0.0);
    }

    #[test]
    fn other_uses_of_a_product_keep_it() {
        let tape = Tape::new();
        let [w, b, x, s] = leaves(&tape);
        let product = w.matmul(x);
        // An output, another use, itself, what is not there yet, other operations, other shapes.
        assert_eq!(fused(&tape, &[product, product + b]), ["matmul", "add"]);
        assert_eq!(fused(&tape, &[product + b, product.exp()]).len(), 2);
        assert_eq!(fused(&tape, &[product * product]), ["matmul", "multiply"]);
        assert_eq!(fused(&tape, &[product * s.exp()]), ["matmul", "exp; multiply"]);
        assert_eq!(fused(&tape, &[product - b]), ["matmul", "subtract"]);
        assert_eq!(fused(&tape, &[product + s]), ["matmul", "add"]);
        assert_eq!(fused(&tape, &[product * b]), ["matmul", "multiply"]);
        let row = b.t().matmul(s);
        assert_eq!(fused(&tape, &[row + b]), ["matmul", "add"]);
        let square = x.t().matmul(x);
        let number = tape.parameter("c", &Matrix::filled(1, 1, 2.0));
        assert_eq!(square.known_shape(), Shape::new(crate::Dim::M, crate::Dim::M));
        assert_eq!(fused(&tape, &[square + number]), ["matmul", "add"]);
    }

    #[test]
    fn a_product_takes_up_what_an_open_pass_has() {
        let tape = Tape::new();
        let [w, _, x, s] = leaves(&tape);
        let e = s.exp();
        assert_eq!(fused(&tape, &[e, w.matmul(x) * e]), ["exp", "matmul; multiply"]);
    }
}

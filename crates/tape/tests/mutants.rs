//! The catalogue of mistakes: each is one, and what is none is known by identity.

use std::borrow::Cow;
use std::collections::HashSet;

use tape::check::{Check, KernelMutation, Mutant, Mutation, Row, RuleMutation, mutation_score};
use tape::{
    Dim, Elementwise, Error, Fault, Matrix, MatrixMut, Mismatch, Operands, Operation, Scalar, Shape, Tape,
    Vjp, matrix,
};

/// a ⊙ b.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Product;

impl Operation<f64> for Product {
    fn name(&self) -> Cow<'_, str> {
        "product".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        match operands {
            [a, b] if a == b => Ok(*a),
            _ => Err(Mismatch::new("takes two matrices of one shape")),
        }
    }
    fn eval(&self, x: &Operands<'_, f64>, out: &mut MatrixMut<'_, f64>) -> Result<(), Fault> {
        let (a, b) = (x.get(0), x.get(1));
        let pairs = a.as_slice().iter().zip(b.as_slice());
        out.as_mut_slice().iter_mut().zip(pairs).for_each(|(out, (a, b))| *out = a * b);
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, f64>) {
        let [a, b] = at.operands();
        at.contribute(0, |g| g * b);
        at.contribute(1, |g| g * a);
    }
}

fn inputs() -> [Matrix<f64>; 2] {
    [matrix![[0.5, -1.25], [0.75, 2.0]], matrix![[1.5, 0.25], [-0.5, 0.8]]]
}

#[test]
fn the_catalogue_has_fifty_five_kinds_each_with_its_sentence() {
    let kinds = RuleMutation::ALL.len() + KernelMutation::ALL.len();
    assert_eq!(kinds, 55);
    let all = Mutation::all(2);
    assert_eq!(all.len(), 2 * RuleMutation::ALL.len() + KernelMutation::ALL.len());
    let sentences: HashSet<String> = all.iter().map(Mutation::to_string).collect();
    assert_eq!(sentences.len(), all.len());
}

#[test]
fn a_mistake_of_a_rule_changes_no_value() {
    let [a, b] = inputs();
    let tape = Tape::<f64>::new();
    let (x, y) = (tape.parameter("x", &a), tape.parameter("y", &b));
    let right = tape.apply(Product, [x, y]).value().unwrap();
    for &rule in RuleMutation::ALL {
        for operand in 0..2 {
            let mutant = Mutant::new(Product, Mutation::Rule(rule, operand));
            assert_eq!(tape.apply(mutant, [x, y]).value().unwrap(), right, "{rule:?}");
        }
    }
}

#[test]
fn every_mistake_of_a_rule_is_noticed_by_a_check_or_records_the_same_entries() {
    let suite = |mutant: Mutant<Product>| {
        let check = Check::new().seed(3).converging();
        check.operation(&inputs(), |tape, x| tape.apply(mutant.clone(), [x[0], x[1]])).map(drop)
    };
    let score = mutation_score::<f64, _, _>(&Product, &[Shape::new(2, 2); 2], suite).unwrap();
    let of_rules: Vec<&Mutation> =
        score.survived.iter().filter(|m| matches!(m, Mutation::Rule(..))).collect();
    assert!(of_rules.is_empty(), "{score}");
    // Kernels are compared with nothing else here: a wrong value of a linear kind passes.
    assert!(score.survived.contains(&Mutation::Kernel(KernelMutation::TakesAnything)), "{score}");
    assert!(score.ratio() < 1.0 && score.to_string().contains("survived: the kernel: "), "{score}");
}

#[test]
fn what_is_no_mistake_records_the_same_entries() {
    let never = |_: Mutant<Product>| Ok::<(), ()>(());
    let of = |shape: Shape| mutation_score::<f64, _, _>(&Product, &[shape; 2], never).unwrap();
    let numbers = of(Shape::SCALAR);
    for rule in [RuleMutation::Transposed, RuleMutation::RowsReversed, RuleMutation::ColumnsRolled] {
        for operand in 0..2 {
            assert!(numbers.equivalent.contains(&Mutation::Rule(rule, operand)), "{rule:?}");
            assert!(!of(Shape::new(2, 2)).equivalent.contains(&Mutation::Rule(rule, operand)), "{rule:?}");
        }
    }
    assert!(numbers.equivalent.contains(&Mutation::Kernel(KernelMutation::Column255)));
    // A suite that looks at nothing notices nothing.
    assert_eq!((numbers.killed.len(), numbers.ratio()), (0, 0.0));
    // And one that refuses the right operation measures nothing.
    assert_eq!(mutation_score::<f64, _, _>(&Product, &[Shape::SCALAR; 2], |_| Err("no")), Err("no"));
}

#[test]
fn a_forgotten_operand_is_a_typed_error() {
    let [a, b] = inputs();
    let tape = Tape::<f64>::new();
    let (x, y) = (tape.parameter("x", &a), tape.parameter("y", &b));
    let mutant = Mutant::new(Product, Mutation::Rule(RuleMutation::Forgotten, 1));
    assert_eq!(mutant.mutation(), Some(Mutation::Rule(RuleMutation::Forgotten, 1)));
    let sum = tape.apply(mutant, [x, y]).sum();
    assert!(sum.gradients([x])[0].sound().is_ok());
    assert!(matches!(sum.gradients([y])[0].sound(), Err(Error::MissingDerivative { operand: 1, .. })));
}

/// 2a, with a kernel for sections that gives 3a.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Sections;

impl Operation<f64> for Sections {
    fn name(&self) -> Cow<'_, str> {
        "sections".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0])
    }
    fn eval(&self, x: &Operands<'_, f64>, out: &mut MatrixMut<'_, f64>) -> Result<(), Fault> {
        Operation::<f64>::eval(&Unary::Twice, x, out)
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, f64>) {
        at.contribute(0, |g| g + g);
    }
    fn elementwise(&self) -> Option<&dyn Elementwise<f64>> {
        Some(self)
    }
}

impl Elementwise<f64> for Sections {
    fn section(&self, sources: &[&[f64]], out: &mut [f64], _: usize) -> Result<(), Fault> {
        out.iter_mut().zip(sources[0]).for_each(|(out, x)| *out = 3.0 * x);
        Ok(())
    }
}

#[test]
fn a_suite_sees_all_kernels_of_the_right_operation() {
    let checked = |mutant: Mutant<Sections>| {
        Check::new().operation(&inputs()[..1], |tape, x| tape.apply(mutant.clone(), [x[0]])).map(drop)
    };
    let failure = mutation_score::<f64, _, _>(&Sections, &[Shape::new(2, 2)], checked).unwrap_err();
    assert!(failure.to_string().contains("its kernel for sections is wrong"), "{failure}");
}

/// 2a, which does not say that it is columnwise, or the running sum of the columns.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Unary {
    Twice,
    Sums,
}

impl<T: Scalar> Operation<T> for Unary {
    fn name(&self) -> Cow<'_, str> {
        "unary".into()
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, Mismatch> {
        Ok(operands[0])
    }
    fn eval(&self, x: &Operands<'_, T>, out: &mut MatrixMut<'_, T>) -> Result<(), Fault> {
        let a = x.get(0);
        for j in 0..a.columns() {
            for i in 0..a.rows() {
                out[(i, j)] = match self {
                    Unary::Twice => a[(i, j)] + a[(i, j)],
                    Unary::Sums => (0..=j).map(|j| a[(i, j)]).sum(),
                };
            }
        }
        Ok(())
    }
    fn vjp<'t>(&self, at: &mut Vjp<'_, 't, T>) {
        at.contribute(0, |g| g + g);
    }
}

#[test]
fn what_a_kernel_does_already_is_no_mistake() {
    let never = |_: Mutant<Unary>| Ok::<(), ()>(());
    let of = |operation: Unary| {
        mutation_score::<f32, _, _>(&operation, &[Shape::new(3, Dim::M)], never).unwrap().equivalent
    };
    let [columnwise, anything] =
        [KernelMutation::SaysColumnwise, KernelMutation::TakesAnything].map(Mutation::Kernel);
    assert!(of(Unary::Twice).contains(&columnwise) && of(Unary::Twice).contains(&anything));
    assert!(!of(Unary::Sums).contains(&columnwise) && of(Unary::Sums).contains(&anything));
    // So a table of laws notices all that are left.
    let row = |mutant: Mutant<Unary>| {
        Row::<f64>::new(move |tape, x| tape.apply(mutant.clone(), [x[0]]), |x| Some(x[0].map(|x| 2.0 * x)))
            .seeds(1)
            .check()
    };
    let score = mutation_score::<f64, _, _>(&Unary::Twice, &[Shape::new(3, Dim::M)], row).unwrap();
    assert_eq!(score.ratio(), 1.0, "{score}");
}

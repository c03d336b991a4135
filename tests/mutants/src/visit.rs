//! Goes through a file, and puts a choice in the place of what can be another.

use std::collections::HashSet;

use proc_macro2::Span;
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    BinOp, Block, Expr, ImplItemFn, ItemFn, Lit, ReturnType, Signature, Stmt, Type, UnOp, parse_quote,
};

/// All mutants, file by file.
pub(crate) struct Mutator {
    next: u32,
    without: HashSet<u32>,
    file: String,
    list: Vec<String>,
}

impl Mutator {
    pub(crate) fn new(without: HashSet<u32>) -> Self {
        Mutator { next: 0, without, file: String::new(), list: Vec::new() }
    }

    pub(crate) fn mutate(&mut self, file: &str, code: &mut syn::File) {
        self.file = file.to_owned();
        self.visit_file_mut(code);
    }

    pub(crate) fn count(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn listed(&self) -> String {
        self.list.iter().map(|line| format!("{line}\n")).collect()
    }

    /// The number of a further mutant, if it is wanted. Numbers do not depend on which are.
    fn number(&mut self, at: Span, was: &dyn ToTokens, is: &dyn ToTokens) -> Option<u32> {
        let number = self.next;
        self.next += 1;
        if self.without.contains(&number) {
            return None;
        }
        let [was, is] = [was, is].map(|tokens| tokens.to_token_stream().to_string());
        self.list.push(format!("{number}\t{}\t{}\t{was}\t{is}", self.file, at.start().line));
        Some(number)
    }

    /// The one or the other in the place of an expression.
    fn choose(
        &mut self,
        at: Span,
        expression: &mut Expr,
        other: Expr,
        shown: (&dyn ToTokens, &dyn ToTokens),
    ) {
        if let Some(number) = self.number(at, shown.0, shown.1) {
            let was = expression.clone();
            *expression = parse_quote!((if crate::is_mutant(#number) { #other } else { #was }));
        }
    }

    fn body(&mut self, signature: &Signature, block: &mut Block) {
        let at = signature.span();
        let values: Vec<Expr> = match &signature.output {
            ReturnType::Default => Vec::new(),
            ReturnType::Type(_, of) => values_of(of),
        };
        let name = &signature.ident;
        let body: String =
            block.stmts.iter().map(|statement| statement.to_token_stream().to_string()).collect();
        for value in values {
            if value.to_token_stream().to_string() == body {
                continue; // that is no other function
            }
            if let Some(number) = self.number(at, &quote!(fn #name), &value) {
                block.stmts.insert(0, parse_quote!(if crate::is_mutant(#number) { return #value; }));
            }
        }
        if matches!(signature.output, ReturnType::Default)
            && let Some(number) = self.number(at, &quote!(fn #name), &quote!(return))
        {
            block.stmts.insert(0, parse_quote!(if crate::is_mutant(#number) { return; }));
        }
    }
}

/// What a function of this type may return at once.
fn values_of(of: &Type) -> Vec<Expr> {
    match of.to_token_stream().to_string().as_str() {
        "bool" => vec![parse_quote!(true), parse_quote!(false)],
        "usize" | "u32" | "i32" | "u64" => vec![parse_quote!(0), parse_quote!(1)],
        text if text.starts_with("Option <") => vec![parse_quote!(None)],
        text if text.starts_with("Vec <") => vec![parse_quote!(Vec::new())],
        "Result < () >" | "Result < () , Fault >" => vec![parse_quote!(Ok(()))],
        _ => Vec::new(),
    }
}

/// Operators to take instead.
fn others(operator: &BinOp) -> Vec<BinOp> {
    match operator {
        BinOp::Add(_) => vec![parse_quote!(-)],
        BinOp::Sub(_) => vec![parse_quote!(+)],
        BinOp::Mul(_) => vec![parse_quote!(+), parse_quote!(/)],
        BinOp::Div(_) => vec![parse_quote!(*)],
        BinOp::Rem(_) => vec![parse_quote!(/)],
        BinOp::And(_) => vec![parse_quote!(||)],
        BinOp::Or(_) => vec![parse_quote!(&&)],
        BinOp::Eq(_) => vec![parse_quote!(!=)],
        BinOp::Ne(_) => vec![parse_quote!(==)],
        BinOp::Lt(_) => vec![parse_quote!(<=), parse_quote!(>=)],
        BinOp::Le(_) => vec![parse_quote!(<), parse_quote!(>)],
        BinOp::Gt(_) => vec![parse_quote!(>=), parse_quote!(<=)],
        BinOp::Ge(_) => vec![parse_quote!(>), parse_quote!(<)],
        BinOp::AddAssign(_) => vec![parse_quote!(-=)],
        BinOp::SubAssign(_) => vec![parse_quote!(+=)],
        BinOp::MulAssign(_) => vec![parse_quote!(+=)],
        BinOp::BitOrAssign(_) => vec![parse_quote!(&=)],
        BinOp::BitAndAssign(_) => vec![parse_quote!(|=)],
        _ => Vec::new(),
    }
}

/// Whether a `let` of a condition is in it, which stands for names after it.
fn has_let(expression: &Expr) -> bool {
    match expression {
        Expr::Let(_) => true,
        Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        Expr::Paren(inner) => has_let(&inner.expr),
        _ => false,
    }
}

fn is_of_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("cfg") || attribute.path().is_ident("test"))
}

impl VisitMut for Mutator {
    fn visit_item_mod_mut(&mut self, module: &mut syn::ItemMod) {
        if !is_of_tests(&module.attrs) {
            visit_mut::visit_item_mod_mut(self, module);
        }
    }

    // What is computed when it is compiled cannot ask.
    fn visit_item_const_mut(&mut self, _: &mut syn::ItemConst) {}
    fn visit_impl_item_const_mut(&mut self, _: &mut syn::ImplItemConst) {}
    fn visit_trait_item_const_mut(&mut self, _: &mut syn::TraitItemConst) {}
    fn visit_item_static_mut(&mut self, _: &mut syn::ItemStatic) {}
    fn visit_type_mut(&mut self, _: &mut Type) {}
    fn visit_pat_mut(&mut self, _: &mut syn::Pat) {}
    fn visit_item_macro_mut(&mut self, _: &mut syn::ItemMacro) {}
    fn visit_generic_argument_mut(&mut self, _: &mut syn::GenericArgument) {}
    fn visit_attribute_mut(&mut self, _: &mut syn::Attribute) {}
    fn visit_expr_repeat_mut(&mut self, _: &mut syn::ExprRepeat) {}

    fn visit_item_fn_mut(&mut self, function: &mut ItemFn) {
        if function.sig.constness.is_none() && !is_of_tests(&function.attrs) {
            visit_mut::visit_item_fn_mut(self, function);
            self.body(&function.sig, &mut function.block);
        }
    }

    fn visit_impl_item_fn_mut(&mut self, function: &mut ImplItemFn) {
        // What is shown is judged by tests of its own.
        let is_shown = ["fmt", "name", "label"].iter().any(|name| function.sig.ident == name);
        if function.sig.constness.is_none() && !is_shown && !is_of_tests(&function.attrs) {
            visit_mut::visit_impl_item_fn_mut(self, function);
            self.body(&function.sig, &mut function.block);
        }
    }

    fn visit_stmt_mut(&mut self, statement: &mut Stmt) {
        visit_mut::visit_stmt_mut(self, statement);
        let Stmt::Expr(call, Some(_)) = statement else { return };
        let (Expr::MethodCall(_) | Expr::Call(_)) = call else { return };
        let shown = call.clone();
        if let Some(number) = self.number(shown.span(), &shown, &quote!()) {
            *statement = parse_quote!(if !crate::is_mutant(#number) { #statement });
        }
    }

    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        let at = expression.span();
        let shown = expression.clone();
        visit_mut::visit_expr_mut(self, expression);
        match expression {
            Expr::Binary(binary) if !has_let(&binary.left) && !has_let(&binary.right) => {
                let visited = binary.clone();
                for other in others(&visited.op) {
                    let mut changed = visited.clone();
                    changed.op = other;
                    self.choose(at, expression, Expr::Binary(changed), (&shown, &other));
                }
            }
            Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_) | UnOp::Not(_)) => {
                let inner = (*unary.expr).clone();
                // A number with its sign is one mutant.
                if !matches!(inner, Expr::Paren(_))
                    || !matches!(unary.op, UnOp::Neg(_))
                    || !is_literal(&shown)
                {
                    self.choose(at, expression, inner, (&shown, &quote!()));
                }
            }
            Expr::MethodCall(call) if call.method == "t" && call.args.is_empty() => {
                let receiver = (*call.receiver).clone();
                self.choose(at, expression, receiver, (&shown, &quote!()));
            }
            Expr::Lit(literal) => {
                if let Lit::Float(_) = &literal.lit {
                    let other: Expr = parse_quote!((#literal + 1.0));
                    self.choose(at, expression, other, (&shown, &quote!(+1.0)));
                }
            }
            _ => {}
        }
    }
}

fn is_literal(expression: &Expr) -> bool {
    matches!(expression, Expr::Unary(unary) if matches!(*unary.expr, Expr::Lit(_)))
}

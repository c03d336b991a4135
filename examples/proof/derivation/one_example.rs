//! Eq. 1–20: one example, columns x and y.

use mlp::closed_form::ClosedForm;
use mlp::{Activation, Mlp, Result};
use tape::{Function, Matrix, Program, Tape, Var};

use super::claim::Shown;
use super::{Claim, Finding, List, plain};

/// The claims of eq. 1 to 20, in order, and the list that they are about.
///
/// # Errors
/// Those of recording and running the network.
pub(crate) fn claims(
    network: &Mlp<f64>,
    x: &Matrix<f64>,
    y: &Matrix<f64>,
) -> Result<(Vec<Vec<Claim>>, List)> {
    let tape = Tape::new();
    let entries = Entries::record(&tape, network, x, y);
    let after_differentiation = tape.len();
    let by_hand = ByHand::record(&entries, network);
    let list = List {
        equations: 1..=20,
        text: tape.to_string(),
        after_differentiation,
        after_recording_by_hand: tape.len(),
    };
    let program = entries.run(&by_hand)?;
    let proof = Proof { network, entries, by_hand, program, closed: network.closed_form(x, y)? };
    Ok((proof.claims()?, list))
}

/// The network and its derivatives; `a` and `da` begin with layer 0, the others with layer 1.
pub(super) struct Entries<'t> {
    pub(super) w: Vec<Var<'t, f64>>,
    pub(super) b: Vec<Var<'t, f64>>,
    pub(super) z: Vec<Var<'t, f64>>,
    pub(super) a: Vec<Var<'t, f64>>,
    y: Var<'t, f64>,
    loss: Var<'t, f64>,
    dw: Vec<Var<'t, f64>>,
    db: Vec<Var<'t, f64>>,
    dz: Vec<Var<'t, f64>>,
    da: Vec<Var<'t, f64>>,
}

impl<'t> Entries<'t> {
    pub(super) fn record(tape: &'t Tape<f64>, network: &Mlp<f64>, x: &Matrix<f64>, y: &Matrix<f64>) -> Self {
        let (mut w, mut b, mut z) = (Vec::new(), Vec::new(), Vec::new());
        let mut a = vec![tape.constant("x", x)];
        for (l, g) in (1..).zip(network.activations()) {
            let [w_l, b_l] = [format!("W[{l}]"), format!("b[{l}]")]
                .map(|name| tape.parameter(&name, &network.parameters()[&name]));
            let z_l = (w_l.matmul(a[l - 1]) + b_l).named(format!("z[{l}]")); // eq. 3
            a.push(z_l.map(&g.function()).named(format!("a[{l}]"))); // eq. 4
            w.push(w_l);
            b.push(b_l);
            z.push(z_l);
        }
        let y = tape.constant("y", y);
        let loss = a[a.len() - 1].log_loss(y).named("ℒ"); // eq. 5
        let all: Vec<Var<'t, f64>> = [&w, &b, &z, &a].into_iter().flatten().copied().collect();
        let mut derived = loss.gradients(all).into_iter();
        let [dw, db, dz] = [(); 3].map(|()| derived.by_ref().take(w.len()).collect());
        // An equation is written in named entries: of those of differentiation, in ∂ℒ/∂a[l], as the textbook writes them.
        let da = derived.map(|da| da.named(da.label())).collect();
        Entries { w, b, z, a, y, loss, dw, db, dz, da }
    }

    fn run(&self, by_hand: &ByHand<'t>) -> Result<Program<f64>> {
        let Entries { w, b, z, a, loss, dw, db, dz, da, .. } = self;
        let all = [w, b, z, a, dw, db, dz, da, &by_hand.slope].into_iter().flatten().copied();
        let mut program = self.loss.tape().compile(all.chain([*loss]))?;
        program.run()?;
        Ok(program)
    }
}

/// The equations, as a student would record them after differentiation; indices as in [`Entries`].
struct ByHand<'t> {
    z: Vec<Var<'t, f64>>,
    a: Vec<Var<'t, f64>>,
    loss: Var<'t, f64>,
    /// g′(z[l])
    slope: Vec<Var<'t, f64>>,
    a_transposed: Vec<Var<'t, f64>>,
    w_transposed: Vec<Var<'t, f64>>,
    dw: Vec<Var<'t, f64>>,
    dz: Vec<Var<'t, f64>>,
    da: Vec<Var<'t, f64>>,
}

impl<'t> ByHand<'t> {
    fn record(entries: &Entries<'t>, network: &Mlp<f64>) -> Self {
        let Entries { w, b, z, a, y, .. } = entries;
        let g: Vec<Function<f64>> = network.activations().iter().map(Activation::function).collect();
        let layers = 0..g.len(); // layer l at l − 1
        let (y, output) = (*y, a[g.len()]);
        let mut hand = ByHand {
            z: layers.clone().map(|l| w[l].matmul(a[l]) + b[l]).collect(), // eq. 3
            a: layers.clone().map(|l| z[l].map(&g[l])).collect(),          // eq. 4
            loss: output.log_loss(y),                                      // eq. 5
            slope: layers.clone().map(|l| z[l].map_derivative(&g[l])).collect(),
            a_transposed: a[..g.len()].iter().map(|a| a.t()).collect(),
            w_transposed: w.iter().map(|w| w.t()).collect(),
            dw: Vec::new(),
            dz: Vec::new(),
            da: vec![-(y / output - (1.0 - y) / (1.0 - output))], // eq. 8
        };
        for l in layers.rev() {
            let dz = hand.da[0] * hand.slope[l]; // eq. 16
            hand.dw.insert(0, dz.matmul(a[l].t())); // eq. 15
            hand.da.insert(0, w[l].t().matmul(dz)); // eq. 20
            hand.dz.insert(0, dz);
        }
        hand
    }
}

struct Proof<'a, 't> {
    network: &'a Mlp<f64>,
    entries: Entries<'t>,
    by_hand: ByHand<'t>,
    program: Program<f64>,
    closed: ClosedForm<f64>,
}

/// A claim of layer l, counted from 1.
pub(super) fn of_layer(l: usize, entry: Var<'_, f64>, findings: Vec<Finding>) -> Claim {
    Claim { place: format!("l = {l}"), entry: Shown::of(entry), findings }
}

impl<'t> Proof<'_, 't> {
    fn claims(&self) -> Result<Vec<Vec<Claim>>> {
        let Proof { entries: of, by_hand: hand, closed, network, .. } = self;
        let last = network.layers();
        let loss = vec![Claim {
            place: String::new(),
            entry: Shown::of(of.loss),
            findings: vec![
                Finding::by_hand(of.loss, hand.loss),
                plain::against(&self.value(of.loss)?, &Matrix::scalar(closed.j)),
            ],
        }];
        let eq_8 = vec![of_layer(
            last,
            of.da[last],
            vec![
                Finding::by_hand(of.da[last], hand.da[last]),
                plain::against(&self.value(of.da[last])?, closed.da(last)),
            ],
        )];
        Ok(vec![
            self.forward(|l| self.weighted_sum(l))?, // 1
            self.forward(|l| self.activation(l))?,   // 2
            self.forward(|l| self.same(of.z[l - 1], hand.z[l - 1], closed.forward.z(l)))?, // 3
            self.forward(|l| self.same(of.a[l], hand.a[l - 1], closed.forward.a(l)))?, // 4
            loss,                                    // 5
            self.backward(|l| self.product(l))?,     // 6
            self.below(|l| self.sum(l))?,            // 7
            eq_8,                                    // 8
            self.backward(|l| self.weights(l))?,     // 9
            self.backward(|l| self.slope(l))?,       // 10
            self.backward(|l| self.inputs(l))?,      // 11
            self.backward(|l| self.bias(l))?,        // 12
            self.backward(|l| self.slope(l))?,       // 13
            self.backward(|l| self.one(l))?,         // 14
            self.backward(|l| self.same(of.dw[l - 1], hand.dw[l - 1], closed.dw(l)))?, // 15
            self.backward(|l| self.biases(l))?,      // 16
            self.below(|l| self.sum_over_neurons(l))?, // 17
            self.below(|l| self.slope(l + 1))?,      // 18
            self.below(|l| self.weights_above(l))?,  // 19
            self.below(|l| self.same(of.da[l], hand.da[l], closed.da(l)))?, // 20
        ])
    }

    /// l = 1, …, L.
    fn forward(&self, claim: impl Fn(usize) -> Result<(Var<'t, f64>, Vec<Finding>)>) -> Result<Vec<Claim>> {
        (1..=self.network.layers())
            .map(|l| claim(l).map(|(entry, found)| of_layer(l, entry, found)))
            .collect()
    }

    /// l = L, …, 1.
    fn backward(&self, claim: impl Fn(usize) -> Result<(Var<'t, f64>, Vec<Finding>)>) -> Result<Vec<Claim>> {
        let mut claims = self.forward(claim)?;
        claims.reverse();
        Ok(claims)
    }

    /// l = L − 1, …, 0: the layers that feed another, a\[0\] = x among them.
    fn below(&self, claim: impl Fn(usize) -> Result<(Var<'t, f64>, Vec<Finding>)>) -> Result<Vec<Claim>> {
        let layers = (0..self.network.layers()).rev();
        layers.map(|l| claim(l).map(|(entry, found)| of_layer(l, entry, found))).collect()
    }

    fn value(&self, var: Var<'t, f64>) -> Result<Matrix<f64>> {
        Ok(self.program.view(var)?.to_matrix())
    }

    fn same(
        &self,
        derived: Var<'t, f64>,
        by_hand: Var<'t, f64>,
        closed: &Matrix<f64>,
    ) -> Result<(Var<'t, f64>, Vec<Finding>)> {
        let numbers = plain::against(&self.value(derived)?, closed);
        Ok((derived, vec![Finding::by_hand(derived, by_hand), numbers]))
    }

    /// Eq. 1 for every j.
    fn weighted_sum(&self, l: usize) -> Result<(Var<'t, f64>, Vec<Finding>)> {
        let Entries { w, b, z, a, .. } = &self.entries;
        let [w, a, b] = [w[l - 1], a[l - 1], b[l - 1]].map(|var| self.value(var));
        let (w, a, b) = (w?, a?, b?);
        let before = a.rows();
        let term = |j, _, k| if k < before { w[(j, k)] * a[(k, 0)] } else { b[(j, 0)] };
        let z = z[l - 1];
        Ok((z, vec![plain::against_sums(&self.value(z)?, before + 1, term)]))
    }

    /// Eq. 2 for every j.
    fn activation(&self, l: usize) -> Result<(Var<'t, f64>, Vec<Finding>)> {
        let (z, a) = (self.entries.z[l - 1], self.entries.a[l]);
        let expected = plain::g(&self.network.activations()[l - 1], &self.value(z)?)?;
        Ok((a, vec![plain::against(&self.value(a)?, &expected)]))
    }

    /// Eq. 6, the chain rule in one variable, as the rule of g at a\[l\] recorded it.
    fn product(&self, l: usize) -> Result<(Var<'t, f64>, Vec<Finding>)> {
        let dz = self.entries.dz[l - 1];
        let of = [self.entries.da[l], self.by_hand.slope[l - 1]];
        Ok((dz, vec![Finding::recorded(dz, "multiply", of)?]))
    }

    /// Eq. 7, the chain rule in several variables, as the rule of the product at z\[l + 1\] recorded it: it is a sum over c.
    fn sum(&self, l: usize) -> Result<(Var<'t, f64>, Vec<Finding>)> {
        let da = self.entries.da[l];
        let of = [self.by_hand.w_transposed[l], self.entries.dz[l]];
        Ok((da, vec![Finding::recorded(da, "matmul", of)?]))
    }

    /// Eq. 9 for every j and k.
    fn weights(&self, l: usize) -> Result<(Var<'t, f64>, Vec<Finding>)> {
        let dw = self.entries.dw[l - 1];
        let (da, slope) = (self.value(self.entries.da[l])?, self.value(self.by_hand.slope[l - 1])?);
        let a = self.value(self.entries.a[l - 1])?;
        let value = self.value(dw)?;
        let product = |j, k, _| da[(j, 0)] * plain::repeated(&slope, j, 0) * a[(k, 0)];
        Ok((dw, vec![plain::against_sums(&value, 1, product), plain::against(&value, self.closed.dw(l))]))
    }

    /// Eq. 10, 13 and 18: what multiplies ∂ℒ/∂a\[l\] in ∂ℒ/∂z\[l\].
    fn slope(&self, l: usize) -> Result<(Var<'t, f64>, Vec<Finding>)> {
        let slope = self.by_hand.slope[l - 1];
        let z = self.value(self.entries.z[l - 1])?;
        let value = self.value(slope)?;
        let every = Matrix::from_fn(z.rows(), 1, |j, _| plain::repeated(&value, j, 0));
        let expected = plain::g_prime(&self.network.activations()[l - 1], &z)?;
        let operand = Finding::operand_of(slope, self.entries.dz[l - 1])?;
        Ok((slope, vec![operand, plain::against(&every, &expected)]))
    }

    /// Eq. 11: what multiplies ∂ℒ/∂z\[l\] in ∂ℒ/∂W\[l\].
    fn inputs(&self, l: usize) -> Result<(Var<'t, f64>, Vec<Finding>)> {
        let transposed = self.by_hand.a_transposed[l - 1];
        Ok((transposed, vec![Finding::operand_of(transposed, self.entries.dw[l - 1])?]))
    }

    /// Eq. 12 for every j.
    fn bias(&self, l: usize) -> Result<(Var<'t, f64>, Vec<Finding>)> {
        let db = self.entries.db[l - 1];
        let (da, slope) = (self.value(self.entries.da[l])?, self.value(self.by_hand.slope[l - 1])?);
        let value = self.value(db)?;
        let product = |j, _, _| da[(j, 0)] * plain::repeated(&slope, j, 0);
        Ok((db, vec![plain::against_sums(&value, 1, product), plain::against(&value, self.closed.db(l))]))
    }

    /// Eq. 14: the factor is 1, so b\[l\] has the derivative of z\[l\].
    fn one(&self, l: usize) -> Result<(Var<'t, f64>, Vec<Finding>)> {
        let (db, dz) = (self.entries.db[l - 1], self.entries.dz[l - 1]);
        Ok((db, vec![Finding::same(db, dz, "the derivative with respect to z[l]")]))
    }

    /// Eq. 16, which has two equals signs.
    fn biases(&self, l: usize) -> Result<(Var<'t, f64>, Vec<Finding>)> {
        let (db, dz) = (self.entries.db[l - 1], self.entries.dz[l - 1]);
        let (_, mut findings) = self.same(db, self.by_hand.dz[l - 1], self.closed.db(l))?;
        findings.push(Finding::same(db, dz, "the derivative with respect to z[l]"));
        Ok((db, findings))
    }

    /// Eq. 17 for every j.
    fn sum_over_neurons(&self, l: usize) -> Result<(Var<'t, f64>, Vec<Finding>)> {
        let da = self.entries.da[l];
        let (above, slope) = (self.value(self.entries.da[l + 1])?, self.value(self.by_hand.slope[l])?);
        let (w, value) = (self.value(self.entries.w[l])?, self.value(da)?);
        let term = |j, _, c| above[(c, 0)] * plain::repeated(&slope, c, 0) * w[(c, j)];
        let sums = plain::against_sums(&value, above.rows(), term);
        Ok((da, vec![sums, plain::against(&value, self.closed.da(l))]))
    }

    /// Eq. 19: what multiplies ∂ℒ/∂z\[l + 1\] in ∂ℒ/∂a\[l\].
    fn weights_above(&self, l: usize) -> Result<(Var<'t, f64>, Vec<Finding>)> {
        let transposed = self.by_hand.w_transposed[l];
        Ok((transposed, vec![Finding::operand_of(transposed, self.entries.da[l])?]))
    }
}

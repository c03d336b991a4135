//! Test functions with their gradients, by plain code. The formulas are those of `golden/minimize.py`.

use mlp::Scalar;

/// A function that writes its gradient.
pub(crate) type Function = fn(&[f64], &mut [f64]) -> f64;

pub(crate) fn by_name(name: &str) -> Function {
    match name {
        "rosen" => rosen,
        "powell" => powell,
        "dixon_price" => dixon_price,
        "quadratic" => quadratic,
        "wood" => wood,
        "beale" => beale,
        "softplus" => softplus,
        other => panic!("no function {other:?}"),
    }
}

/// The same in type T, which rounds what goes in and comes out.
pub(crate) fn in_type<T: Scalar>(f: Function) -> impl FnMut(&[T], &mut [T]) -> T {
    move |x, gradient| {
        let x: Vec<f64> = x.iter().map(|x| x.to_f64()).collect();
        let mut exact = vec![0.0; x.len()];
        let value = f(&x, &mut exact);
        gradient.iter_mut().zip(exact).for_each(|(g, exact)| *g = T::from_f64(exact));
        T::from_f64(value)
    }
}

pub(crate) fn rosen(x: &[f64], g: &mut [f64]) -> f64 {
    g.fill(0.0);
    let mut sum = 0.0;
    for i in 0..x.len() - 1 {
        let (valley, rest) = (x[i + 1] - x[i] * x[i], 1.0 - x[i]);
        sum += 100.0 * valley * valley + rest * rest;
        g[i] += -400.0 * x[i] * valley - 2.0 * rest;
        g[i + 1] += 200.0 * valley;
    }
    sum
}

fn powell(x: &[f64], g: &mut [f64]) -> f64 {
    let mut sum = 0.0;
    for (x, g) in x.chunks_exact(4).zip(g.chunks_exact_mut(4)) {
        let (s, t, u, v) = (x[0] + 10.0 * x[1], x[2] - x[3], x[1] - 2.0 * x[2], x[0] - x[3]);
        sum += s * s + 5.0 * t * t + u.powi(4) + 10.0 * v.powi(4);
        g[0] = 2.0 * s + 40.0 * v.powi(3);
        g[1] = 20.0 * s + 4.0 * u.powi(3);
        g[2] = 10.0 * t - 8.0 * u.powi(3);
        g[3] = -10.0 * t - 40.0 * v.powi(3);
    }
    sum
}

fn dixon_price(x: &[f64], g: &mut [f64]) -> f64 {
    g.fill(0.0);
    g[0] = 2.0 * (x[0] - 1.0);
    let mut sum = (x[0] - 1.0).powi(2);
    for i in 1..x.len() {
        let (weight, s) = ((i + 1) as f64, 2.0 * x[i] * x[i] - x[i - 1]);
        sum += weight * s * s;
        g[i] += 8.0 * weight * s * x[i];
        g[i - 1] -= 2.0 * weight * s;
    }
    sum
}

fn quadratic(x: &[f64], g: &mut [f64]) -> f64 {
    let (mut sum, last) = (0.0, (x.len() - 1) as f64);
    for (i, (x, g)) in x.iter().zip(g).enumerate() {
        let a = 10.0_f64.powf(4.0 * i as f64 / last);
        *g = a * (x - 1.0);
        sum += 0.5 * a * (x - 1.0).powi(2);
    }
    sum
}

fn wood(x: &[f64], g: &mut [f64]) -> f64 {
    let [a, b, c, d] = *x else { panic!("four numbers") };
    let (s, t) = (b - a * a, d - c * c);
    g[0] = -400.0 * a * s - 2.0 * (1.0 - a);
    g[1] = 200.0 * s + 20.0 * (b + d - 2.0) + 0.2 * (b - d);
    g[2] = -360.0 * c * t - 2.0 * (1.0 - c);
    g[3] = 180.0 * t + 20.0 * (b + d - 2.0) - 0.2 * (b - d);
    100.0 * s * s
        + (1.0 - a).powi(2)
        + 90.0 * t * t
        + (1.0 - c).powi(2)
        + 10.0 * (b + d - 2.0).powi(2)
        + 0.1 * (b - d).powi(2)
}

fn beale(x: &[f64], g: &mut [f64]) -> f64 {
    g.fill(0.0);
    let (a, b) = (x[0], x[1]);
    let mut sum = 0.0;
    for (k, constant) in [(1, 1.5), (2, 2.25), (3, 2.625)] {
        let r = constant - a + a * b.powi(k);
        sum += r * r;
        g[0] += 2.0 * r * (b.powi(k) - 1.0);
        g[1] += 2.0 * r * a * f64::from(k) * b.powi(k - 1);
    }
    sum
}

fn softplus(x: &[f64], g: &mut [f64]) -> f64 {
    let n = x.len();
    let mut sum = 0.05 * x.iter().map(|x| x * x).sum::<f64>();
    g.iter_mut().zip(x).for_each(|(g, x)| *g = 0.1 * x);
    for i in 0..2 * n {
        let a = |j: usize| ((i + 2 * j) as f64 + (i * j) as f64 / 3.0).sin();
        let z: f64 = (0..n).map(|j| a(j) * x[j]).sum();
        sum += z.max(0.0) + (-z.abs()).exp().ln_1p();
        (0..n).for_each(|j| g[j] += a(j) / (1.0 + (-z).exp()));
    }
    sum
}

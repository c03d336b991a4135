//! How fast the kernels are by themselves: products in percent of the peak, functions in nanoseconds an entry.

use std::time::Instant;

use mlp::Scalar;
use tape::Matrix;
use tape::kernels::{self, Aligned, Operand, Product};

use crate::peak;

pub(crate) fn rows<T: Scalar>() {
    let shapes = [
        (16, 569, 30),
        (128, 64, 784),
        (256, 128, 256),
        (64, 65_536, 64),
        (512, 256, 512),
        (1024, 1024, 1024),
    ];
    let flags = [(false, false), (true, false), (false, true), (true, true)];
    // The peak before them and after them: the processor may have become faster meanwhile.
    peak::gflops::<T>();
    let rates = shapes.map(|(m, n, inner)| flags.map(|flags| product::<T>(m, n, inner, flags)));
    let peak = peak::gflops::<T>();
    println!(
        "\nproducts in {} on {}, percent of {peak:.1} GFLOP/s: as stored, left, right, both transposed",
        T::NAME,
        kernels::instruction_set().expect("one that there is"),
    );
    for ((m, n, inner), rates) in shapes.into_iter().zip(rates) {
        let rates = rates.map(|rate| format!("{:>4.0}", 100.0 * rate / peak));
        println!("{m:>5} × {n:<5} over {inner:<4} {}", rates.join(" "));
    }
    println!("functions in {}, ns an entry of a slice of 4096:", T::NAME);
    // As programs keep them: lists of the standard library may begin in the middle of a cache line.
    let mut x = Aligned::new(4096, T::ZERO);
    for (i, x) in x.iter_mut().enumerate() {
        *x = T::from_f64(i as f64 / 512.0 - 4.0);
    }
    let (mut value, mut slope) = (Aligned::new(4096, T::ZERO), Aligned::new(4096, T::ZERO));
    let rate = |f: &mut dyn FnMut()| fastest(f) / 4096.0 * 1e9;
    let exp = rate(&mut || kernels::exp(&x, &mut value));
    let tanh = rate(&mut || kernels::tanh(&x, &mut value));
    let sigmoid = rate(&mut || kernels::sigmoid(&x, &mut value));
    println!("  exp {exp:.2}, tanh {tanh:.2}, sigmoid {sigmoid:.2}");
    let tanh = rate(&mut || kernels::tanh_and_derivative(&x, &mut value, &mut slope));
    let sigmoid = rate(&mut || kernels::sigmoid_and_derivative(&x, &mut value, &mut slope));
    println!("  with derivatives: tanh {tanh:.2}, sigmoid {sigmoid:.2}");
}

/// GFLOP/s.
fn product<T: Scalar>(m: usize, n: usize, inner: usize, (left, right): (bool, bool)) -> f64 {
    let stored = |rows: usize, columns: usize, transposed: bool| {
        let (rows, columns) = if transposed { (columns, rows) } else { (rows, columns) };
        Matrix::from_fn(rows, columns, |i, j| T::from_f64(((i * 7 + j * 3) % 13) as f64))
    };
    let (a, b) = (stored(m, inner, left), stored(inner, n, right));
    let mut out = Matrix::zeros(m, n);
    let seconds = fastest(&mut || {
        let out = &mut out.view_mut();
        Product::new(operand(&a, left), operand(&b, right)).write_to(out);
    });
    2.0 * (m * n * inner) as f64 / seconds / 1e9
}

fn operand<T: Scalar>(stored: &Matrix<T>, transposed: bool) -> Operand<'_, T> {
    if transposed { Operand::transposed(stored.view()) } else { stored.view().into() }
}

/// Seconds of the fastest of some runs.
fn fastest(f: &mut dyn FnMut()) -> f64 {
    let begin = Instant::now();
    let (mut fastest, mut runs) = (f64::INFINITY, 0);
    while runs < 5 || begin.elapsed().as_secs_f64() < 0.05 {
        let start = Instant::now();
        f();
        fastest = fastest.min(start.elapsed().as_secs_f64());
        runs += 1;
    }
    fastest
}

use tape::*;
fn main() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("X", &matrix![[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]]);
    let y = tape.examples("Y", &matrix![[0.0, 1.0, 1.0, 0.0]]);
    let w1 = tape.parameter("W[1]", &Matrix::from_fn(4, 2, |i, j| 0.3 * (i as f64) - 0.4 * j as f64 - 0.2));
    let b1 = tape.parameter("b[1]", &Matrix::zeros(4, 1));
    let w2 = tape.parameter("W[2]", &Matrix::from_fn(1, 4, |_, j| 0.5 - 0.3 * j as f64));
    let b2 = tape.parameter("b[2]", &Matrix::zeros(1, 1));
    let z1 = (w1.matmul(x) + b1).named("Z[1]");
    let a1 = z1.tanh().named("A[1]");
    let z2 = (w2.matmul(a1) + b2).named("Z[2]");
    let a2 = z2.sigmoid().named("A[2]");
    let j = a2.log_loss(y).mean();
    let [dw1, db1, dw2, db2] = j.gradients([w1, b1, w2, b2]);
    println!("{tape}");
    let n = tape.len();
    let da2 = -(y / a2 - (1.0 - y) / (1.0 - a2));
    let inv = tape.scalar(1.0);
    let _ = inv;
    let d2 = da2 * z2.map_derivative(&Function::Sigmoid);
    let g2 = d2.matmul(a1.t());
    let d1 = w2.t().matmul(d2) * z1.map_derivative(&Function::Tanh);
    println!("{} -> {}", n, tape.len());
    let _ = (g2, d1);
    let mut p = tape.compile([j, dw1, db1, dw2, db2]).unwrap();
    println!("{p}");
    p.run().unwrap();
    println!("{:?} {:?}", p.scalar(j), p.view(dw1).unwrap().to_matrix());
    for _ in 0..2000 {
        p.run().unwrap();
        for (w, d) in [(w1, dw1), (b1, db1), (w2, dw2), (b2, db2)] {
            let g = p.view(d).unwrap().to_matrix();
            for (w, g) in p.parameter_mut(w).unwrap().as_mut_slice().iter_mut().zip(g.as_slice()) {
                *w -= 0.5 * g;
            }
        }
    }
    println!("{:?}", p.scalar(j));
}

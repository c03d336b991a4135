//! Residuals by plain loops in f64, within the bounds of Higham 2002, *Accuracy and stability of
//! numerical algorithms*: componentwise, for any condition. Loops of the oracle round as often as
//! the kernel, so bounds are taken thrice.

use super::*;
use crate::Scalar;
use crate::check::Random;

/// Around the blocks of every instruction set (4, 6, 8), [`NARROW`], and the wide ones of Cholesky
/// (64) and LU (64), and what users have.
const SIZES: [usize; 24] =
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 31, 33, 63, 64, 65, 127, 130, 300];

/// n × n, column by column.
struct Square {
    n: usize,
    of: Vec<f64>,
}

impl Square {
    fn new<T: Scalar>(n: usize, of: impl IntoIterator<Item = T>) -> Self {
        Square { n, of: of.into_iter().take(n * n).map(Scalar::to_f64).collect() }
    }
    fn at(&self, i: usize, j: usize) -> f64 {
        self.of[j * self.n + i]
    }
    /// Its lower triangle, or the upper one, with its own diagonal or ones.
    fn triangle(&self, lower: bool, ones: bool) -> Square {
        let element = |at: usize| {
            let (i, j) = (at % self.n, at / self.n);
            match () {
                () if i == j && ones => 1.0,
                () if i == j || (i > j) == lower => self.of[at],
                () => 0.0,
            }
        };
        Square { n: self.n, of: (0..self.of.len()).map(element).collect() }
    }
    fn transposed(&self) -> Square {
        let n = self.n;
        Square { n, of: (0..n * n).map(|at| self.at(at / n, at % n)).collect() }
    }
}

/// Random numbers, and on the diagonal `more`.
fn random<T: Scalar>(n: usize, more: f64, seed: u64) -> Vec<T> {
    let mut random = Random::new(seed);
    (0..n * n)
        .map(|at| T::from_f64(random.between(-1.0, 1.0) + if at % (n + 1) == 0 { more } else { 0.0 }))
        .collect()
}

/// The matrix 1/(i + j + 1) with a little on its diagonal: of condition 10⁵ in f32, 10¹¹ in f64.
fn nearly_singular<T: Scalar>(n: usize) -> Vec<T> {
    let little = if size_of::<T>() == 4 { 3e-5 } else { 3e-11 };
    let element = |i: usize, j: usize| 1.0 / (i + j + 1) as f64 + if i == j { little } else { 0.0 };
    (0..n * n).map(|at| T::from_f64(element(at % n, at / n))).collect()
}

fn unit_of<T: Scalar>() -> f64 {
    if size_of::<T>() == 4 { f64::from(f32::EPSILON) / 2.0 } else { f64::EPSILON / 2.0 }
}

/// |C − A·B| is within 3·(n + 2) units of |A|·|B|, for columns of B and C: all, or forty of many.
fn assert_near<T: Scalar>(a: &Square, b: &[f64], c: &[f64], about: &str) {
    let (n, bound) = (a.n, 3.0 * (a.n as f64 + 2.0) * unit_of::<T>());
    let columns = c.len().checked_div(n).unwrap_or(0);
    for j in (0..columns).rev().step_by(columns.div_ceil(40).max(1)) {
        for i in 0..n {
            let terms = (0..n).map(|k| a.at(i, k) * b[j * n + k]);
            let (sum, size) = terms.fold((0.0, 0.0), |(sum, size), x| (sum + x, size + x.abs()));
            let off = (c[j * n + i] - sum).abs();
            // Smaller numbers than normal ones have their own unit.
            assert!(off <= bound * size + 1e-37, "{about}, {n} at {i}, {j}: {off:e} of {size:e}");
        }
    }
}

fn doubles<T: Scalar>(x: &[T]) -> Vec<f64> {
    x.iter().map(|x| x.to_f64()).collect()
}

fn factors_give_the_matrix<T: Scalar>() {
    for n in SIZES {
        let regular = random::<T>(n, 2.0 * n as f64, 1);
        for a in [regular.clone(), nearly_singular(n)] {
            let mut l = vec![T::NAN; n * n];
            assert_eq!(cholesky(&a, n, &mut l), Ok(()), "{n}");
            let l = Square::new(n, l);
            assert!((0..n * n).all(|at| at % n.max(1) >= at / n.max(1) || l.of[at] == 0.0), "{n}");
            let a = Square::new(n, a);
            let halves = a.of.iter().zip(a.transposed().of);
            let symmetric: Vec<f64> = halves.map(|(x, y)| 0.5 * x + 0.5 * y).collect();
            // The halves of a symmetric part are rounded once more.
            assert_near::<T>(&l, &l.transposed().of, &symmetric, "cholesky");
        }
        for a in [regular, random(n, 0.0, 2), nearly_singular(n)] {
            let mut out = vec![T::NAN; n * (n + 1)];
            assert_eq!(lu(&a, n, &mut out), Ok(()), "{n}");
            let factors = Square::new(n, out[..n * n].iter().copied());
            let mut exchanged = doubles(&a);
            for column in exchanged.chunks_exact_mut(n.max(1)) {
                (0..n).for_each(|k| column.swap(k, out[n * n + k].to_f64() as usize));
            }
            let (l, u) = (factors.triangle(true, true), factors.triangle(false, false));
            assert!(l.of.iter().all(|x| x.abs() <= 1.0), "the greatest pivots");
            assert_near::<T>(&l, &u.of, &exchanged, "lu");
        }
    }
}

#[test]
fn factors_give_the_matrix_in_both_types() {
    factors_give_the_matrix::<f32>();
    factors_give_the_matrix::<f64>();
}

fn solutions_solve<T: Scalar>() {
    for n in SIZES {
        for columns in [1, 3, 17, 40] {
            let mut random_b = Random::new(3);
            let b: Vec<T> = (0..n * columns).map(|_| T::from_f64(random_b.between(-1.0, 1.0))).collect();
            let mut l = vec![T::ZERO; n * n];
            cholesky(&nearly_singular::<T>(n), n, &mut l).expect("positive definite");
            // What stands above the diagonal is not read.
            for (at, x) in l.iter_mut().enumerate() {
                if at % n < at / n {
                    *x = T::NAN;
                }
            }
            for transposed in [false, true] {
                let mut x = b.clone();
                assert_eq!(solve_lower(&l, n, transposed, &mut x), Ok(()));
                let l = Square::new(n, l.iter().copied()).triangle(true, false);
                let l = if transposed { l.transposed() } else { l };
                assert_near::<T>(&l, &doubles(&x), &doubles(&b), "solve_lower");
            }
            let a = random::<T>(n, n as f64, 4);
            let mut factors = vec![T::ZERO; n * (n + 1)];
            lu(&a, n, &mut factors).expect("regular");
            for transposed in [false, true] {
                let mut x = b.clone();
                solve_lu(&factors, n, transposed, &mut x);
                let a = Square::new(n, a.iter().copied());
                let a = if transposed { a.transposed() } else { a };
                // A is far from singular: |L|·|U| is not much larger than |A|.
                assert_near::<T>(&a, &doubles(&x), &doubles(&b), "solve_lu");
            }
        }
    }
}

#[test]
fn solutions_solve_in_both_types() {
    solutions_solve::<f32>();
    solutions_solve::<f64>();
}

/// A column of the right side has the bits that it has alone, whatever stands beside it.
fn columns_alone_are_columns_together<T: Scalar>() {
    for n in [1, 7, 8, 9, 17, 65] {
        let l = random::<T>(n, 4.0 * n as f64, 5);
        let mut factors = vec![T::ZERO; n * (n + 1)];
        lu(&l, n, &mut factors).expect("regular");
        for columns in [2, 8, 9, 16, 31, 32, 33, 65] {
            let mut numbers = Random::new(6);
            let mut b: Vec<T> = (0..n * columns).map(|_| T::from_f64(numbers.between(-1.0, 1.0))).collect();
            b[n * (columns - 1)] = T::NAN;
            for transposed in [false, true] {
                let (mut lower, mut general) = (b.clone(), b.clone());
                solve_lower(&l, n, transposed, &mut lower).expect("no zeros");
                solve_lu(&factors, n, transposed, &mut general);
                for j in 0..columns - 1 {
                    let column = j * n..(j + 1) * n;
                    let (mut one, mut other) = (b[column.clone()].to_vec(), b[column.clone()].to_vec());
                    solve_lower(&l, n, transposed, &mut one).expect("no zeros");
                    solve_lu(&factors, n, transposed, &mut other);
                    assert_eq!(
                        (&one[..], &other[..]),
                        (&lower[column.clone()], &general[column]),
                        "{n}, {j}"
                    );
                }
                assert!(lower[n * columns - 1].is_nan() || n > 1 && transposed, "NaN goes on");
            }
        }
    }
}

#[test]
fn columns_alone_are_columns_together_in_both_types() {
    columns_alone_are_columns_together::<f32>();
    columns_alone_are_columns_together::<f64>();
}

/// Errors name the pivot and its value, in whatever block it is.
#[test]
fn a_pivot_is_told_in_every_block() {
    let n = 131;
    for at in [0, 1, 7, 8, 9, 63, 64, 65, 71, 127, 128, 130] {
        for bad in [-1.0, 0.0, f64::NAN, f64::INFINITY] {
            let mut a: Vec<f64> = (0..n * n).map(|x| if x % (n + 1) == 0 { 1.0 } else { 0.0 }).collect();
            a[at * (n + 1)] = bad;
            let found = cholesky(&a, n, &mut vec![0.0; n * n]).expect_err("not positive definite");
            assert_eq!((found.at, found.value.to_bits()), (at, bad.to_bits()), "{bad}");
            let found = lu(&a, n, &mut vec![0.0; n * (n + 1)]);
            match bad {
                -1.0 => assert_eq!(found, Ok(())),
                _ => {
                    let found = found.expect_err("singular");
                    assert_eq!((found.at, found.value.to_bits()), (at, bad.to_bits()), "{bad}");
                }
            }
            let solved = solve_lower(&a, n, false, &mut vec![1.0; n]);
            let expected = if bad == 0.0 { Err(BadPivot { at, value: 0.0 }) } else { Ok(()) };
            assert_eq!(solved, expected);
        }
    }
}

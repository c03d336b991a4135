//! Systems of linear equations of a small symmetric matrix.

/// Solves (A + diag d) x = b by Cholesky, A n × n column by column, of which the lower triangle
/// counts. `factor` is overwritten. False if the matrix is not positive definite in f64.
pub(super) fn solve(a: &[f64], d: &[f64], b: &[f64], factor: &mut [f64], x: &mut [f64]) -> bool {
    let n = b.len();
    factor.copy_from_slice(a);
    for k in 0..n {
        factor[k * n + k] += d[k];
        // Column k, less what the columns before it account for.
        for j in 0..k {
            let l = factor[j * n + k];
            for i in k..n {
                factor[k * n + i] -= l * factor[j * n + i];
            }
        }
        let pivot = factor[k * n + k];
        // Rounding has left nothing of it.
        if !(pivot > f64::EPSILON * (a[k * n + k] + d[k]) && pivot.is_finite()) {
            return false;
        }
        let root = pivot.sqrt();
        factor[k * n + k..(k + 1) * n].iter_mut().for_each(|l| *l /= root);
    }
    x.copy_from_slice(b);
    for k in 0..n {
        x[k] /= factor[k * n + k];
        for i in k + 1..n {
            x[i] -= factor[k * n + i] * x[k];
        }
    }
    for k in (0..n).rev() {
        for i in k + 1..n {
            x[k] -= factor[k * n + i] * x[i];
        }
        x[k] /= factor[k * n + k];
    }
    x.iter().all(|x| x.is_finite())
}

#[cfg(test)]
mod tests {
    use super::solve;

    /// A = L Lᵀ with L = [[2, 0, 0], [1, 3, 0], [-1, 0.5, 1]], and A x for x = (1, -2, 3).
    #[test]
    fn a_system_by_hand() {
        let a = [4.0, 2.0, -2.0, f64::NAN, 10.0, 0.5, f64::NAN, f64::NAN, 2.25];
        let b = [4.0 - 4.0 - 6.0, 2.0 - 20.0 + 1.5, -2.0 - 1.0 + 6.75];
        let (mut factor, mut x) = ([0.0; 9], [0.0; 3]);
        assert!(solve(&a, &[0.0; 3], &b, &mut factor, &mut x));
        for (found, expected) in x.iter().zip([1.0, -2.0, 3.0]) {
            assert!((found - expected).abs() < 1e-14, "{x:?}");
        }
        // The same, with part of the diagonal beside it.
        let a = [3.0, 2.0, -2.0, 0.0, 8.0, 0.5, 0.0, 0.0, 2.0];
        assert!(solve(&a, &[1.0, 2.0, 0.25], &b, &mut factor, &mut x));
        for (found, expected) in x.iter().zip([1.0, -2.0, 3.0]) {
            assert!((found - expected).abs() < 1e-14, "{x:?}");
        }
    }

    #[test]
    fn what_is_not_positive_definite_is_told() {
        let (mut factor, mut x) = ([0.0; 4], [0.0; 2]);
        for a in [[1.0, 2.0, 2.0, 1.0], [1.0, 1.0, 1.0, 1.0], [0.0; 4], [f64::NAN, 0.0, 0.0, 1.0]] {
            assert!(!solve(&a, &[0.0; 2], &[1.0, 1.0], &mut factor, &mut x), "{a:?}");
        }
        assert!(solve(&[], &[], &[], &mut [], &mut []));
        assert!(solve(&[1.0, 1.0, 1.0, 1.0], &[1.0; 2], &[3.0, 3.0], &mut factor, &mut x));
        assert!((x[0] - 1.0).abs() < 1e-15 && (x[1] - 1.0).abs() < 1e-15);
    }
}

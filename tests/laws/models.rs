//! Functions that are a few lines of others, against plain code.

use std::borrow::Cow;

use mlp::Scalar;
use tape::check::Random;
use tape::{
    Dim, Error, Image, LinearOperation, Matrix, MatrixMut, MatrixRef, Mismatch, Over, Shape, Tape, Var,
    Window, matrix,
};

fn values<T: Scalar>(v: Var<'_, T>) -> Vec<f64> {
    v.value().unwrap().as_slice().iter().map(|x| x.to_f64()).collect()
}

fn close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let same = found == expected || (found.is_nan() && expected.is_nan());
        assert!(
            same || (found - expected).abs() <= tolerance * (1.0 + expected.abs()),
            "{what}, {i}: {found}, not {expected}"
        );
    }
}

/// Pixel (y, x) of channel c, 0 beside the image.
fn pixel(x: &[f64], image: Image, c: usize, y: isize, at: isize) -> Option<f64> {
    let inside = |i: isize, extent: usize| usize::try_from(i).ok().filter(|&i| i < extent);
    let (y, at) = (inside(y, image.height)?, inside(at, image.width)?);
    Some(x[(c * image.height + y) * image.width + at])
}

/// By loops over everything, for the second differences of a random cotangent too.
fn plain_conv2d(
    x: &[f64],
    image: Image,
    k: &Matrix<f64>,
    b: &[f64],
    (kh, kw, stride, pad): (usize, usize, usize, usize),
) -> Vec<f64> {
    let (down, right) =
        ((image.height + 2 * pad - kh) / stride + 1, (image.width + 2 * pad - kw) / stride + 1);
    let mut out = Vec::new();
    for o in 0..k.rows() {
        for oy in 0..down {
            for ox in 0..right {
                let mut sum = b[o];
                for c in 0..image.channels {
                    for y in 0..kh {
                        for at in 0..kw {
                            let (py, px) = (
                                (oy * stride + y) as isize - pad as isize,
                                (ox * stride + at) as isize - pad as isize,
                            );
                            sum += k[(o, (c * kh + y) * kw + at)] * pixel(x, image, c, py, px).unwrap_or(0.0);
                        }
                    }
                }
                out.push(sum);
            }
        }
    }
    out
}

fn plain_pool(
    x: &[f64],
    image: Image,
    (kh, kw, stride, pad): (usize, usize, usize, usize),
    max: bool,
) -> Vec<f64> {
    let (down, right) =
        ((image.height + 2 * pad - kh) / stride + 1, (image.width + 2 * pad - kw) / stride + 1);
    let mut out = Vec::new();
    for c in 0..image.channels {
        for oy in 0..down {
            for ox in 0..right {
                let mut seen = Vec::new();
                for y in 0..kh {
                    for at in 0..kw {
                        let (py, px) = (
                            (oy * stride + y) as isize - pad as isize,
                            (ox * stride + at) as isize - pad as isize,
                        );
                        seen.push(pixel(x, image, c, py, px));
                    }
                }
                out.push(match max {
                    true => seen.into_iter().flatten().fold(f64::NEG_INFINITY, f64::max),
                    false => seen.iter().map(|x| x.unwrap_or(0.0)).sum::<f64>() / (kh * kw) as f64,
                });
            }
        }
    }
    out
}

#[test]
fn convolutions_and_pools_are_those_of_plain_loops() {
    fn check<T: Scalar>(tolerance: f64) {
        let mut random = Random::new(3);
        for (image, out, window) in [
            ((1, 5, 4), 2, (3, 3, 1, 1)),
            ((2, 6, 5), 3, (2, 3, 2, 0)),
            ((3, 4, 4), 1, (1, 1, 1, 0)),
            ((1, 3, 3), 2, (3, 3, 3, 2)),
            ((2, 7, 7), 2, (5, 4, 2, 2)),
        ] {
            let image = Image { channels: image.0, height: image.1, width: image.2 };
            let (kh, kw, stride, pad) = window;
            let shape = Window::new(kh, kw).stride(stride).padding(pad);
            for m in [0, 1, 2, 3] {
                let tape = Tape::<T>::new();
                let data: Matrix<T> =
                    random.matrix(image.channels * image.height * image.width, m, -2.0, 2.0);
                let kernels: Matrix<T> = random.matrix(out, image.channels * kh * kw, -1.0, 1.0);
                let bias: Matrix<T> = random.matrix(out, 1, -1.0, 1.0);
                let (x, k, b) =
                    (tape.examples("X", &data), tape.parameter("K", &kernels), tape.parameter("b", &bias));
                let found = x.conv2d(image, k, b, shape);
                let columns = data.cast::<f64>();
                let by_column = |f: &dyn Fn(&[f64]) -> Vec<f64>| {
                    (0..m).flat_map(|j| f(columns.column(j))).collect::<Vec<f64>>()
                };
                let (kernels, bias) = (kernels.cast::<f64>(), bias.cast::<f64>());
                let expected = by_column(&|x| plain_conv2d(x, image, &kernels, bias.as_slice(), window));
                close(&values(found), &expected, tolerance, "conv2d");
                close(
                    &values(x.avg_pool2d(image, shape)),
                    &by_column(&|x| plain_pool(x, image, window, false)),
                    tolerance,
                    "avg_pool2d",
                );
                let max = x.max_pool2d(image, shape);
                close(
                    &values(max),
                    &by_column(&|x| plain_pool(x, image, window, true)),
                    tolerance,
                    "max_pool2d",
                );
                // ⟨u, conv(x)⟩ is linear in x and in K: its gradients are what differences of one step are, exactly.
                let [dx, dk, db] = found.sum().gradients([x, k, b]);
                let ones = by_column(&|_| {
                    plain_conv2d(&vec![1.0; data.rows()], image, &kernels, &vec![0.0; out], window)
                });
                let sum_of = |v: Var<'_, T>| values(v).iter().sum::<f64>();
                let total: f64 = ones.iter().sum();
                assert!(
                    (sum_of(dx) - total).abs() <= 100.0 * tolerance * (1.0 + total.abs()),
                    "∂/∂X: {} and {total}",
                    sum_of(dx)
                );
                let of_kernels: f64 = by_column(&|x| {
                    plain_conv2d(
                        x,
                        image,
                        &Matrix::filled(out, kernels.columns(), 1.0),
                        &vec![0.0; out],
                        window,
                    )
                })
                .iter()
                .sum();
                assert!(
                    (sum_of(dk) - of_kernels).abs() <= 100.0 * tolerance * (1.0 + of_kernels.abs()),
                    "∂/∂K"
                );
                let positions = shape.positions(image).unwrap();
                close(&values(db), &vec![(m * positions.0 * positions.1) as f64; out], tolerance, "∂/∂b");
                let pooled = max.sum().gradients([x])[0];
                assert_eq!(
                    sum_of(pooled).round(),
                    (max.value().unwrap().as_slice().len()) as f64,
                    "each maximum has one share"
                );
            }
        }
    }
    check::<f64>(1e-13);
    check::<f32>(1e-5);
}

#[test]
fn images_that_do_not_fit_are_told() {
    let tape = Tape::<f64>::new();
    let x = tape.examples_unbound("X", 12);
    let k = tape.parameter("K", &Matrix::zeros(1, 4));
    let image = Image { channels: 1, height: 3, width: 4 };
    let text = |v: Var<'_, f64>| v.sound().unwrap_err().to_string();
    let wrong = Image { height: 4, ..image };
    assert!(
        text(x.conv2d(wrong, k, None, Window::new(2, 2)))
            .starts_with("conv2d: X has 12 rows, and is no image of 1×4×4")
    );
    for window in
        [Window::new(4, 1), Window::new(0, 1), Window::new(1, 1).stride(0), Window::new(5, 9).padding(1)]
    {
        assert!(text(x.max_pool2d(image, window)).contains("does not move over 3×4"), "{window:?}");
    }
    assert!(text(x.conv2d(image, k, None, Window::new(3, 3))).starts_with("matmul: inner dimensions differ"));
    // The greatest of nothing is not 0.
    let beside = Window::new(2, 1).padding(2);
    assert!(text(x.max_pool2d(image, beside)).starts_with(
        "max_pool2d: a window of 2×1, stride 1, padding 2, comes to where it sees nothing of 3×4"
    ));
    assert!(x.avg_pool2d(image, beside).sound().is_ok());
}

/// A greatest pixel's gradient is shared by the pixels of the window that are as great, and by
/// nothing beside the image.
#[test]
fn pixels_that_tie_beside_padding_share_alike() {
    fn check<T: Scalar>(tolerance: f64) {
        for (image, window) in [
            ((1, 3, 3), (3, 3, 1, 1)),
            ((2, 4, 5), (3, 2, 2, 1)),
            ((1, 1, 1), (2, 2, 1, 1)),
            ((2, 5, 3), (4, 5, 3, 3)),
        ] {
            let image = Image { channels: image.0, height: image.1, width: image.2 };
            let (kh, kw, stride, pad) = window;
            let shape = Window::new(kh, kw).stride(stride).padding(pad);
            let pixels = image.channels * image.height * image.width;
            for (m, values_of) in [0, 1, 2].into_iter().flat_map(|m| {
                let ties: [fn(usize) -> f64; 4] = [
                    |_| 2.0,
                    |_| 0.0,
                    |_| f64::NEG_INFINITY,
                    |i| if i.is_multiple_of(2) { -1.0 } else { -3.0 },
                ];
                ties.map(|tie| (m, tie))
            }) {
                let data = Matrix::<T>::from_fn(pixels, m, |i, j| T::from_f64(values_of(i + j)));
                let tape = Tape::new();
                let x = tape.examples("X", &data);
                let max = x.max_pool2d(image, shape);
                let [dx] = max.sum().gradients([x]);
                let found = values(dx);
                let (down, right) = shape.positions(image).unwrap();
                for j in 0..m {
                    let column: Vec<f64> = data.column(j).iter().map(|x| x.to_f64()).collect();
                    let mut expected = vec![0.0; pixels];
                    let mut greatest = Vec::new();
                    for at in 0..image.channels * down * right {
                        let (c, oy, ox) = (at / (down * right), at / right % down, at % right);
                        let mut seen = Vec::new();
                        for (y, at) in (0..kh).flat_map(|y| (0..kw).map(move |at| (y, at))) {
                            let (y, at) = (oy * stride + y, ox * stride + at);
                            if y >= pad && at >= pad && y - pad < image.height && at - pad < image.width {
                                seen.push((c * image.height + y - pad) * image.width + at - pad);
                            }
                        }
                        let most = seen.iter().map(|&i| column[i]).fold(f64::NEG_INFINITY, f64::max);
                        let those: Vec<usize> = seen.into_iter().filter(|&i| column[i] == most).collect();
                        those.iter().for_each(|&i| expected[i] += 1.0 / those.len() as f64);
                        greatest.push(most);
                    }
                    close(&found[j * pixels..][..pixels], &expected, tolerance, "∂/∂X");
                    close(&values(max)[j * greatest.len()..][..greatest.len()], &greatest, 0.0, "max_pool2d");
                }
                assert_eq!(found.len(), pixels * m);
            }
        }
    }
    check::<f64>(1e-15);
    check::<f32>(1e-6);
}

#[test]
fn images_and_windows_too_large_are_refused_before_they_are_made() {
    const LARGE: usize = 1 << 40;
    let tape = Tape::<f64>::new();
    let x = tape.examples_unbound("X", 12);
    let k = tape.parameter("K", &Matrix::zeros(1, 4));
    let image = Image { channels: 1, height: 3, width: 4 };
    let refused = |x: Var<'_, f64>, image: Image, window: Window, reason: &str| {
        for found in
            [x.conv2d(image, k, None, window), x.max_pool2d(image, window), x.avg_pool2d(image, window)]
        {
            let told = found.sound().unwrap_err().to_string();
            assert!(told.contains(reason) && told.contains(&format!("at {}:", file!())), "{told}");
        }
    };
    let many = "sees more than 4294967294 pixels of 1×3×4, at ";
    refused(x, image, Window::new(2, 2).padding(LARGE), many);
    refused(x, image, Window::new(2, 2).padding(1 << 20), many);
    refused(x, image, Window::new(LARGE, LARGE).padding(LARGE), many);
    refused(x, image, Window::new(1 << 33, 1).padding(1 << 32), many);
    refused(x, image, Window::new(1, 1).padding(usize::MAX / 2 - 2), many);
    for window in [
        Window::new(2, 2).padding(usize::MAX),
        Window::new(2, 2).padding(usize::MAX / 2),
        Window::new(usize::MAX, usize::MAX),
        Window::new(usize::MAX, 1).padding(LARGE),
    ] {
        refused(x, image, window, "does not move over 3×4, at ");
    }
    // One position, however far the next one would be.
    for window in [Window::new(2, 2).stride(usize::MAX), Window::new(2, 2).stride(LARGE)] {
        assert_eq!(x.conv2d(image, k, None, window).shape(), Ok(Shape::new(1, Dim::M)), "{window:?}");
    }
    // Rows beyond 2³² have no numbers: they are not zeros.
    for rows in [u32::MAX as usize, (u32::MAX as usize) + 1, LARGE] {
        let image = Image { channels: 1, height: rows, width: 1 };
        let x = tape.examples_unbound("X", rows);
        refused(x, image, Window::new(1, 1).stride(1 << 39), "sees more than 4294967294 pixels of 1×");
    }
    let wrong = Image { channels: LARGE, height: LARGE, width: 2 };
    refused(
        x,
        wrong,
        Window::new(1, 1),
        "X has 12 rows, and is no image of 1099511627776×1099511627776×2, at ",
    );
}

#[test]
fn images_are_recorded_and_refused_where_the_user_asks() {
    let tape = Tape::<f64>::new();
    let x = tape.examples_unbound("X", 12);
    let [k, b] = [(2, 4), (2, 1)].map(|(rows, n)| tape.parameter("K", &Matrix::zeros(rows, n)));
    let image = Image { channels: 1, height: 3, width: 4 };
    let (fits, beyond) = (Window::new(2, 2), Window::new(4, 1));
    let _ = (x.conv2d(image, k, b, fits), x.max_pool2d(image, fits), x.avg_pool2d(image, fits));
    for entry in tape.entries() {
        assert_eq!(entry.place().file(), file!(), "{}", entry.label());
    }
    for refused in [
        x.conv2d(image, k, None, beyond),
        x.max_pool2d(image, beyond),
        x.avg_pool2d(image, beyond),
        x.conv2d(image, k, tape.parameter("b", &Matrix::zeros(3, 1)), fits),
    ] {
        let told = refused.sound().unwrap_err().to_string();
        assert!(told.contains(&format!("at {}:", file!())), "{told}");
    }
}

#[test]
fn losses_norms_and_the_like_have_their_values() {
    fn check<T: Scalar>(tolerance: f64) {
        let number = T::from_f64;
        let tape = Tape::<T>::new();
        let data = [-3.0, -1.0, -0.25, 0.0, 0.5, 1.0, 4.0];
        let a =
            tape.parameter("a", &Matrix::from_vec(1, 7, data.iter().map(|&x| number(x)).collect()).unwrap());
        let each = |v: Var<'_, T>, f: &dyn Fn(f64) -> f64, what: &str| {
            close(&values(v), &data.map(f), tolerance, what);
        };
        let slope = |v: Var<'_, T>| -> Vec<f64> { values(v.sum().gradients([a])[0]) };
        each(
            a.huber_loss(number(0.5), number(1.0)),
            &|x| {
                let r = (x - 0.5f64).abs();
                if r <= 1.0 { r * r / 2.0 } else { r - 0.5 }
            },
            "Huber",
        );
        close(
            &slope(a.huber_loss(T::ZERO, number(2.0))),
            &data.map(|x| x.clamp(-2.0, 2.0)),
            tolerance,
            "Huber′",
        );
        each(
            a.quantile_loss(T::ZERO, number(0.25)),
            &|x| {
                let r = -x;
                if r >= 0.0 { 0.25 * r } else { -0.75 * r }
            },
            "quantile",
        );
        each(a.softsign(), &|x| x / (1.0 + x.abs()), "softsign");
        close(&slope(a.softsign()), &data.map(|x| (1.0 + x.abs()).powi(-2)), tolerance, "softsign′");
        each(a.hard_tanh(), &|x| x.clamp(-1.0, 1.0), "hard_tanh");
        each(a.relu6(), &|x| x.clamp(0.0, 6.0), "relu6");
        each(a.hard_sigmoid(), &|x| ((x + 3.0) / 6.0).clamp(0.0, 1.0), "hard_sigmoid");
        each(a.hard_swish(), &|x| x * ((x + 3.0) / 6.0).clamp(0.0, 1.0), "hard_swish");
        each(a.square().xlogy(a.square()), &|x| if x == 0.0 { 0.0 } else { x * x * (x * x).ln() }, "xlogy");
        assert_eq!(values(a.min()), [-3.0]);
        let (norm, [dn]) = (a.norm(), a.norm().gradients([a]));
        let expected = data.iter().map(|x| x * x).sum::<f64>().sqrt();
        close(&values(norm), &[expected], tolerance, "norm");
        close(&values(dn), &data.map(|x| x / expected), tolerance, "norm′");
        tape.compile([norm, dn]).unwrap().run_checked().expect("all that is computed is finite");
        // Of order 2: (I − n·nᵀ)/‖a‖, by its sum over one direction.
        let [second] = (dn * dn).sum().gradients([a]);
        close(&values(second), &[0.0; 7], 1e2 * tolerance, "the norm's slope has length 1 everywhere");
        let b = tape.parameter("b", &Matrix::from_vec(7, 1, vec![number(2.0); 7]).unwrap());
        close(&values(a.t().dot(b)), &[2.0 * data.iter().sum::<f64>()], tolerance, "dot");
        assert_eq!(a.t().outer(b).shape().unwrap().at(0), (7, 7));
    }
    check::<f64>(1e-13);
    check::<f32>(1e-5);
}

#[test]
fn a_product_with_a_logarithm_hides_no_nan() {
    fn check<T: Scalar>() {
        let tape = Tape::<T>::new();
        let [nan, inf] = [f64::NAN, f64::INFINITY];
        // (a, b, a·ln b, ∂/∂a, ∂/∂b)
        let cases = [
            (2.0, nan, nan, nan, nan),
            (0.0, nan, nan, nan, nan),
            (nan, 0.0, nan, -inf, nan),
            (nan, 2.0, nan, 2f64.ln(), nan),
            (nan, nan, nan, nan, nan),
            (0.0, 0.0, 0.0, 0.0, 0.0),
            (-0.0, 0.0, 0.0, 0.0, 0.0),
            (1.0, 0.0, -inf, -inf, inf),
            (0.0, 2.0, 0.0, 2f64.ln(), 0.0),
            (inf, 2.0, inf, 2f64.ln(), inf),
            (3.0, inf, inf, inf, 0.0),
            (1e-30, 1e-30, 1e-30 * 1e-30f64.ln(), 1e-30f64.ln(), 1.0),
        ];
        let column =
            |number: &dyn Fn(usize) -> f64| Matrix::from_fn(cases.len(), 1, |i, _| T::from_f64(number(i)));
        let a = tape.parameter("a", &column(&|i| cases[i].0));
        let b = tape.parameter("b", &column(&|i| cases[i].1));
        let product = a.xlogy(b);
        let [da, db] = product.sum().gradients([a, b]);
        for (found, expected, what) in [
            (product, cases.map(|case| case.2), "value"),
            (da, cases.map(|case| case.3), "∂/∂a"),
            (db, cases.map(|case| case.4), "∂/∂b"),
        ] {
            close(&values(found), &expected, 1e-6, what);
        }
        let [dab] = da.sum().gradients([b]);
        assert!(values(dab)[0].is_nan() && values(dab)[5] == 0.0 && values(dab)[8] == 0.5, "order 2");
        let told = a.xlogy(tape.parameter("c", &Matrix::zeros(2, 1))).sound().unwrap_err().to_string();
        assert!(
            told.starts_with("xlogy: shapes do not go together elementwise: a is 12×1, c is 2×1"),
            "{told}"
        );
    }
    check::<f64>();
    check::<f32>();
}

#[test]
fn norms_of_extremes() {
    let tape = Tape::<f64>::new();
    for (x, expected) in [
        (matrix![[0.0, 0.0]], 0.0),
        (matrix![[1e-300, 0.0]], 1e-300),
        (matrix![[3e300, 4e300]], 5e300),
        (matrix![[f64::INFINITY, 1.0]], f64::INFINITY),
        (matrix![[5e-324, 0.0]], 5e-324),
    ] {
        let a = tape.parameter("a", &x);
        assert_eq!(a.norm().value().unwrap()[(0, 0)], expected, "{x}");
    }
    let nan = tape.parameter("a", &matrix![[f64::NAN, 1.0]]);
    assert!(nan.norm().value().unwrap()[(0, 0)].is_nan());
    let zeros = tape.parameter("a", &Matrix::zeros(3, 2));
    assert_eq!(values(zeros.norm_over(Over::Rows).sum().gradients([zeros])[0]), [0.0; 6]);
}

#[test]
fn factors_that_do_not_exist_are_told_with_their_pivot() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("A", &matrix![[4.0, 2.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
    let told = |v: Var<'_, f64>| v.value().unwrap_err().to_string();
    assert!(
        told(a.cholesky()).contains("cholesky: the matrix is not positive definite: pivot 1 is 0"),
        "{}",
        told(a.cholesky())
    );
    assert!(
        told(a.inverse()).contains("lu: the matrix is singular: pivot 2 is 0")
            || told(a.inverse()).contains("pivot 1 is 0"),
        "{}",
        told(a.inverse())
    );
    let nan = tape.parameter("B", &matrix![[f64::NAN]]);
    assert!(told(nan.cholesky()).contains("pivot 0 is NaN"));
    assert!(told(nan.log_det()).contains("pivot 0 is NaN"));
    let l = tape.parameter("L", &matrix![[1.0, 0.0], [1.0, 0.0]]);
    assert!(told(l.solve_lower(l)).contains("solve_lower: the triangle is singular: pivot 1 is 0"));
}

#[test]
fn a_place_has_no_derivative_and_what_stands_still_neither() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("A", &matrix![[1.0, 3.0], [3.0, f64::NAN]]);
    let first = tape.parameter("B", &matrix![[2.0], [2.0]]);
    let found = values(a.argmax_over(Over::Rows));
    assert!(found[0] == 1.0 && found[1].is_nan());
    assert_eq!(values(first.argmax_over(Over::Rows)), [0.0]);
    let asked = a.argmax_over(Over::Rows).sum().gradients([a])[0].sound().unwrap_err();
    assert!(matches!(asked, Error::MissingDerivative { .. }), "{asked}");
    let [none] = a.stop_gradient().sum().gradients_or_zeros([a]);
    assert_eq!(none.value().unwrap(), Matrix::zeros(2, 2));
}

/// Each row less the one above it: two kernels, from which the derivatives follow.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Differences;

impl<T: Scalar> LinearOperation<T> for Differences {
    fn name(&self) -> Cow<'_, str> {
        "differences".into()
    }
    fn shape(&self, operand: Shape) -> Result<Shape, Mismatch> {
        match operand.rows {
            Dim::Fixed(rows) if rows > 0 => Ok(Shape { rows: (rows - 1).into(), ..operand }),
            _ => Err(Mismatch::new("takes one row or more")),
        }
    }
    fn forward(&self, x: MatrixRef<'_, T>, out: &mut MatrixMut<'_, T>) {
        for j in 0..x.columns() {
            let pairs = x.column(j).windows(2);
            out.column_mut(j).iter_mut().zip(pairs).for_each(|(out, pair)| *out = pair[1] - pair[0]);
        }
    }
    fn transpose(&self, g: MatrixRef<'_, T>, out: &mut MatrixMut<'_, T>) {
        out.as_mut_slice().fill(T::ZERO);
        for j in 0..g.columns() {
            for (i, &g) in g.column(j).iter().enumerate() {
                out.column_mut(j)[i] -= g;
                out.column_mut(j)[i + 1] += g;
            }
        }
    }
    fn is_columnwise(&self) -> bool {
        true
    }
}

#[test]
fn a_linear_operation_of_the_users_has_its_derivatives() {
    fn check<T: Scalar>() {
        let tape = Tape::<T>::new();
        let x = tape.examples_unbound("X", 4);
        let steps = tape.apply_linear(Differences, x);
        assert!(tape.apply_linear(Differences, x) == steps, "the same entry");
        let slices = x.rows(1..4) - x.rows(0..3);
        let outputs: Vec<Var<'_, T>> = [steps, slices]
            .into_iter()
            .flat_map(|y| {
                let j = (y.square() * y).sum();
                let [dx] = j.gradients([x]);
                let [ddx] = dx.square().sum().gradients([x]);
                [y, dx, ddx]
            })
            .collect();
        let mut program = tape.compile(outputs.iter().copied()).unwrap();
        for m in [0, 1, 2, 700, 5000] {
            program.bind(x, &Matrix::from_fn(4, m, |i, j| T::from_usize((3 * i * i + j) % 7))).unwrap();
            program.run().unwrap();
            for (own, built_in) in outputs[..3].iter().zip(&outputs[3..]) {
                assert_eq!(program.view(*own).unwrap(), program.view(*built_in).unwrap(), "m = {m}");
            }
        }
        let none = tape.apply_linear(Differences, tape.parameter("none", &Matrix::zeros(0, 2)));
        assert!(none.sound().unwrap_err().to_string().contains("differences: takes one row or more"));
    }
    check::<f64>();
    check::<f32>();
}

/// What is repeated along k·m tokens has a gradient for each, also where the cotangent is one number for all of them.
#[test]
fn what_is_added_to_every_token_counts_them_all() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("X", &Matrix::zeros(6, 4));
    let tokens = x.unfold(3); // 2 × 3·m
    let (number, column) =
        (tape.parameter("a", &Matrix::scalar(0.0)), tape.parameter("b", &Matrix::zeros(2, 1)));
    let of_tokens = tokens.sum_over(Over::Rows) + number; // 1 × 3·m
    let outputs: Vec<_> = [tokens + number, tokens + column, of_tokens, (tokens + column) + of_tokens]
        .into_iter()
        .flat_map(|all| [all.sum(), all.mean(), 2.0 * all.sum_over(Over::Columns).sum()])
        .flat_map(|j| j.gradients_or_zeros([number, column]))
        .collect();
    let mut program = tape.compile(outputs.iter().copied()).unwrap();
    for m in [4, 1, 300] {
        program.bind(x, &Matrix::zeros(6, m)).unwrap();
        program.run().unwrap();
        let count = 3.0 * m as f64;
        let found: Vec<f64> =
            outputs.iter().map(|&output| program.view(output).unwrap().as_slice().iter().sum()).collect();
        // Of `number` and of both elements of `column` together: sum, mean, twice the sum.
        let both = 2.0 * count;
        let expected = [
            [both, 0.0, 1.0, 0.0, 2.0 * both, 0.0],
            [0.0, both, 0.0, 1.0, 0.0, 2.0 * both],
            [count, 0.0, 1.0, 0.0, 2.0 * count, 0.0],
            [both, both, 1.0, 1.0, 2.0 * both, 2.0 * both],
        ];
        close(&found, expected.as_flattened(), 1e-13, &format!("m = {m}"));
    }
}

/// Losses of examples that have tokens: each example's own gradient is that of its batch of one.
#[test]
fn examples_with_tokens_have_gradients_of_their_own() {
    let tape = Tape::<f64>::new();
    let mut random = Random::new(5);
    let (x, w) = (random.matrix::<f64>(6, 4, -1.0, 1.0), random.matrix::<f64>(2, 2, -1.0, 1.0));
    let (of_x, of_w) = (tape.examples("X", &x), tape.parameter("W", &w));
    let tokens = of_w.matmul(of_x.unfold(3));
    let weights = tokens.block_t().block_matmul(tokens).softmax_over(Over::Rows);
    let losses = tokens.block_matmul(weights).sum_of_blocks().square().sum_over(Over::Rows);
    let [per_example] = losses.per_example_gradients([of_w]).unwrap();
    let [dw] = losses.sum().gradients([of_w]);
    let mut program = tape.compile([dw]).unwrap();
    for i in 0..4 {
        program.bind(of_x, &x.select_columns(&[i])).unwrap();
        program.run().unwrap();
        close(
            per_example.column(i),
            program.view(dw).unwrap().as_slice(),
            1e-14,
            "an example's own gradient",
        );
    }
}

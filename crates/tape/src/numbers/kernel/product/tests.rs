use super::blocks::Room;
use super::*;
use crate::Matrix;
use crate::numbers::kernel::cache::Caches;

const SIDES: [usize; 15] = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33, 48, 65];
const FLAGS: [(bool, bool); 4] = [(false, false), (false, true), (true, false), (true, true)];

/// Small integers, so that every order of summation gives the same, exact result.
fn integers<T: Scalar>(rows: usize, columns: usize, seed: usize) -> Matrix<T> {
    Matrix::from_fn(rows, columns, |i, j| {
        T::from_f64(((i * 31 + j * 17 + i * j * 7 + seed) % 19) as f64 - 9.0)
    })
}

/// Numbers whose sums are rounded.
fn numbers<T: Scalar>(rows: usize, columns: usize) -> Matrix<T> {
    Matrix::from_fn(rows, columns, |i, j| T::from_f64(((i * 37 + j * 101) as f64).sin()))
}

fn stored<T: Scalar>(matrix: &Matrix<T>, transpose: bool) -> Matrix<T> {
    if transpose { matrix.transposed() } else { matrix.clone() }
}

fn multiply<T: Scalar + Multiply>(a: &Matrix<T>, b: &Matrix<T>, flags: (bool, bool)) -> Matrix<T> {
    let mut out = Matrix::filled(a.rows(), b.columns(), T::NAN);
    let (a, b) = (stored(a, flags.0), stored(b, flags.1));
    product(
        T::ONE,
        (a.view(), flags.0),
        (b.view(), flags.1),
        (Beta::Zero, Epilogue::None),
        (Order::Free, 1),
        &mut out.view_mut(),
    );
    out
}

fn naive<T: Scalar>(a: &Matrix<T>, b: &Matrix<T>) -> Matrix<T> {
    Matrix::from_fn(a.rows(), b.columns(), |i, j| (0..a.columns()).map(|k| a[(i, k)] * b[(k, j)]).sum())
}

fn agrees_with_the_definition<T: Scalar + Multiply>(m: usize, inner: usize, n: usize) {
    let (a, b) = (integers::<T>(m, inner, 1), integers::<T>(inner, n, 5));
    let expected = naive(&a, &b);
    for flags in FLAGS {
        assert_eq!(multiply(&a, &b, flags), expected, "{m}×{inner} * {inner}×{n}, {flags:?}");
        let mut out = integers::<T>(m, n, 3);
        let two = T::ONE + T::ONE;
        let (a, b) = (stored(&a, flags.0), stored(&b, flags.1));
        product(
            two,
            (a.view(), flags.0),
            (b.view(), flags.1),
            (Beta::One, Epilogue::None),
            (Order::Free, 1),
            &mut out.view_mut(),
        );
        let start = integers::<T>(m, n, 3);
        let accumulated = Matrix::from_fn(m, n, |i, j| start[(i, j)] + two * expected[(i, j)]);
        assert_eq!(out, accumulated, "{m}×{inner} * {inner}×{n}, {flags:?}, accumulated");
    }
}

#[test]
fn all_small_shapes_agree_with_the_definition() {
    for (m, inner) in SIDES.iter().flat_map(|&m| SIDES.iter().map(move |&inner| (m, inner))) {
        for n in SIDES {
            agrees_with_the_definition::<f32>(m, inner, n);
            agrees_with_the_definition::<f64>(m, inner, n);
        }
    }
}

#[test]
fn shapes_beyond_one_block_agree_with_the_definition() {
    for (m, inner, n) in
        [(1, 700, 40), (70, 321, 19), (10, 1000, 9), (700, 530, 5), (130, 40, 1), (3, 2, 900)]
    {
        agrees_with_the_definition::<f32>(m, inner, n);
        agrees_with_the_definition::<f64>(m, inner, n);
    }
}

/// Several blocks of rows and of columns, with operands that are read where they are and that are
/// packed.
#[test]
fn shapes_of_several_blocks_agree_with_the_definition() {
    for (m, inner, n) in [(200, 512, 520), (600, 200, 150)] {
        agrees_with_the_definition::<f32>(m, inner, n);
        agrees_with_the_definition::<f64>(m, inner, n);
    }
}

#[test]
fn the_room_of_packed_operands_follows_the_caches() {
    let kib = |bytes: usize| bytes << 10;
    let on = |second, third| Room::on(Caches { second: kib(second), third: kib(third) });
    // Zen 4, on which 384 KiB and 1 MiB were measured, alone on its third level and with 15 others;
    // and what is not told.
    let zen_4 = Room { left: kib(384), right: kib(1024) };
    assert_eq!([on(1024, 32 << 10), on(1024, 2048), on(1024, 4096)], [zen_4; 3]);
    assert_eq!(on(512, 16 << 10), Room { left: kib(384), right: kib(1024) }, "Zen 3");
    assert_eq!(
        on(2048, 2048),
        Room { left: kib(768), right: kib(1024) },
        "both in the second level, none in a slow third"
    );
    assert_eq!(on(256, 2048), Room { left: kib(192), right: kib(1024) });
    assert_eq!(on(256, 0), Room { left: kib(192), right: kib(128) }, "no third level");
    assert_eq!(on(16, 0), Room { left: kib(32), right: kib(32) }, "tiles have to fit");
    assert_eq!(
        on(64 << 10, 1 << 20),
        Room { left: kib(1024), right: kib(2048) },
        "a thread's memory has an end"
    );
}

/// Whatever the caches, the bits are the same.
fn caches_change_no_bit<T: Scalar + Multiply>() {
    for (m, inner, n) in [(150, 700, 90), (600, 40, 70), (33, 513, 260)] {
        let (a, b) = (numbers::<T>(m, inner), numbers::<T>(inner, n));
        for flags in FLAGS {
            let expected = multiply(&a, &b, flags);
            let (a, b) = (stored(&a, flags.0), stored(&b, flags.1));
            for (left, right) in [(1, 1), (32 << 10, 32 << 10), (96 << 10, 128 << 10), (1 << 20, 2 << 20)] {
                let mut out = Matrix::filled(m, n, T::NAN);
                let mut view = out.view_mut();
                let mut product = Product {
                    m,
                    n,
                    inner,
                    alpha: T::ONE,
                    a: Operand { data: a.as_slice(), transposed: flags.0 },
                    b: Operand { data: b.as_slice(), transposed: flags.1 },
                    chosen: None,
                    beta: Beta::Zero,
                    order: Order::Free,
                    panel: 0..n,
                    out: view.as_mut_slice(),
                    epilogue: Epilogue::None,
                };
                let room = Room { left, right };
                let mut scratch = vec![T::NAN; blocks::most_scratch::<T>(room)];
                let strides = blocks::Strides::of(&product);
                dispatch(blocks::Tiles { product: &mut product, strides, room, scratch: &mut scratch });
                assert_eq!(out, expected, "{m}×{inner} * {inner}×{n}, {flags:?}, {left} and {right} bytes");
            }
        }
    }
}

#[test]
fn caches_change_no_bit_in_both_types() {
    caches_change_no_bit::<f32>();
    caches_change_no_bit::<f64>();
}

#[test]
fn a_zero_does_not_hide_nan_or_infinity() {
    for bad in [f64::NAN, f64::INFINITY] {
        for side in [1, 3, 5, 16, 33] {
            let (zeros, full) = (Matrix::zeros(side, side), Matrix::filled(side, side, bad));
            for flags in FLAGS {
                for out in [multiply(&zeros, &full, flags), multiply(&full, &zeros, flags)] {
                    assert!(out.as_slice().iter().all(|x| x.is_nan()), "{side}, {flags:?}");
                }
            }
        }
    }
}

fn blocks_of_columns_have_the_bits_of_the_whole<T: Scalar + Multiply>(m: usize, inner: usize, n: usize) {
    let (a, b) = (numbers::<T>(m, inner), numbers::<T>(inner, n));
    for flags in FLAGS {
        let whole = multiply(&a, &b, flags);
        for width in [1, 2, 3, 5, 8, 16] {
            for begin in (0..n).step_by(width) {
                let width = width.min(n - begin);
                let part = Matrix::from_fn(inner, width, |i, j| b[(i, begin + j)]);
                let part = multiply(&a, &part, flags);
                assert_eq!(
                    part.as_slice(),
                    &whole.as_slice()[begin * m..][..width * m],
                    "{m}×{inner} * {inner}×{n}, {flags:?}, {width} columns from {begin}"
                );
            }
        }
    }
}

/// Threads may each take columns, and tiles of examples may have any width.
#[test]
fn a_column_does_not_depend_on_its_neighbours() {
    for (m, inner, n) in
        [(1, 5, 9), (1, 33, 9), (1, 700, 37), (4, 2, 4), (17, 33, 9), (64, 30, 37), (100, 700, 37)]
    {
        blocks_of_columns_have_the_bits_of_the_whole::<f32>(m, inner, n);
        blocks_of_columns_have_the_bits_of_the_whole::<f64>(m, inner, n);
    }
}

/// A transposed operand gives the bits of one that was transposed beforehand.
#[test]
fn the_bits_do_not_depend_on_how_the_operands_are_stored() {
    for (m, inner, n) in [(2, 5, 9), (17, 33, 9), (64, 400, 37), (100, 700, 3)] {
        let (a, b) = (numbers::<f32>(m, inner), numbers::<f32>(inner, n));
        let whole = multiply(&a, &b, FLAGS[0]);
        for flags in FLAGS {
            assert_eq!(multiply(&a, &b, flags), whole, "{m}×{inner} * {inner}×{n}, {flags:?}");
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    for (m, inner, n) in [(5, 700, 300), (64, 300, 301), (200, 64, 90)] {
        let (a, b) = (numbers::<f64>(m, inner), numbers::<f64>(inner, n));
        for flags in FLAGS {
            let (a, b) = (stored(&a, flags.0), stored(&b, flags.1));
            let compute = |threads: usize, order: Order| {
                let mut out = numbers::<f64>(m, n);
                let mut view = out.view_mut();
                product(
                    0.5,
                    (a.view(), flags.0),
                    (b.view(), flags.1),
                    (Beta::One, Epilogue::None),
                    (order, threads),
                    &mut view,
                );
                out
            };
            for order in [Order::Free, Order::Units] {
                let one = compute(1, order);
                for threads in [2, 3, 7] {
                    let pool = rayon_core::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                    assert_eq!(pool.install(|| compute(threads, order)), one, "{threads} threads, {flags:?}");
                }
            }
        }
    }
}

/// Examples may come in tiles of any number of units.
#[test]
fn units_of_the_inner_dimension_add_up_to_the_bits_of_the_whole() {
    for (m, n) in [(1, 1), (1, 40), (3, 20), (4, 1), (40, 30)] {
        for inner in [1, UNIT, UNIT + 1, 3 * UNIT, 3 * UNIT + 1, 3 * UNIT + 20, 3 * UNIT + 77] {
            let (a, b) = (numbers::<f32>(m, inner), numbers::<f32>(n, inner));
            let sum = |step: usize| {
                let mut out = Matrix::zeros(m, n);
                for start in (0..inner).step_by(step) {
                    let part = |x: &Matrix<f32>| {
                        Matrix::from_fn(x.rows(), step.min(inner - start), |i, j| x[(i, start + j)])
                    };
                    let beta = if start == 0 { Beta::Zero } else { Beta::One };
                    let (a, b) = (part(&a), part(&b));
                    let mut view = out.view_mut();
                    let beta = (beta, Epilogue::None);
                    product(0.25, (a.view(), false), (b.view(), true), beta, (Order::Units, 1), &mut view);
                }
                out
            };
            let whole = sum(inner);
            for units in [1, 2, 3] {
                assert_eq!(sum(units * UNIT), whole, "{m}×{inner} * {inner}×{n}, {units} units");
            }
        }
    }
}

fn epilogues_round_as_operations_of_their_own<T: Scalar + Multiply>(m: usize, inner: usize, n: usize) {
    let (a, b) = (numbers::<T>(m, inner), numbers::<T>(inner, n));
    let (bias, by) = (numbers::<T>(m, 1), numbers::<T>(n, m).transposed());
    let (bias, by) = (bias.as_slice(), by.as_slice());
    for (flags, beta) in FLAGS.iter().flat_map(|&flags| [(flags, Beta::Zero), (flags, Beta::One)]) {
        let (a, b) = (stored(&a, flags.0), stored(&b, flags.1));
        let compute = |epilogue: Epilogue<'_, T>, order: Order, threads: usize| {
            let mut out = numbers::<T>(m, n);
            let last = (beta, epilogue);
            let (a, b) = ((a.view(), flags.0), (b.view(), flags.1));
            product(T::from_f64(0.7), a, b, last, (order, threads), &mut out.view_mut());
            out
        };
        for order in [Order::Free, Order::Units] {
            let plain = compute(Epilogue::None, order, 1);
            let biased = Matrix::from_fn(m, n, |i, j| plain[(i, j)] + bias[i]);
            let multiplied = Matrix::from_fn(m, n, |i, j| plain[(i, j)] * by[i + j * m]);
            for (epilogue, expected) in
                [(Epilogue::Bias(bias), &biased), (Epilogue::Multiply(by), &multiplied)]
            {
                let case = format!("{m}×{inner} * {inner}×{n}, {flags:?}, {beta:?}, {order:?}");
                assert_eq!(&compute(epilogue, order, 1), expected, "{case}");
                let pool = rayon_core::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
                let on_threads = pool.install(|| compute(epilogue, order, 3));
                assert_eq!(&on_threads, expected, "{case}, 3 threads");
            }
        }
    }
}

/// Every way to compute a product, and edges of tiles, slabs and panels.
#[test]
fn epilogues_have_the_bits_of_another_operation() {
    let shapes = [
        (0, 3, 4),
        (3, 3, 0),
        (3, 0, 4),
        (1, 5, 9),
        (1, 700, 37),
        (3, 2, 7),
        (4, 16, 33),
        (4, 40, 9),
        (7, 1, 9),
        (70, 1, 3),
        (16, 30, 57),
        (17, 33, 9),
        (33, 700, 19),
        (129, 20, 200),
    ];
    for (m, inner, n) in shapes {
        epilogues_round_as_operations_of_their_own::<f32>(m, inner, n);
        epilogues_round_as_operations_of_their_own::<f64>(m, inner, n);
    }
}

#[test]
#[should_panic(expected = "the epilogue is for another shape")]
fn a_bias_has_a_number_for_each_row() {
    let (a, b, mut out) = (numbers::<f64>(3, 2), numbers(2, 4), Matrix::zeros(3, 4));
    let last = (Beta::Zero, Epilogue::Bias(&[0.0; 4]));
    product(1.0, (a.view(), false), (b.view(), false), last, (Order::Free, 1), &mut out.view_mut());
}

fn a_selection_is_a_copy_of_its_columns<T: Scalar + Multiply>(m: usize, rows: usize, count: usize) {
    const STORED: usize = 50;
    let set = numbers::<T>(rows, STORED);
    let chosen: Vec<usize> = (0..count).map(|i| (i * 37 + i / 7 + 11) % STORED).collect();
    let copy = set.select_columns(&chosen);
    for flags in FLAGS {
        let inner = if flags.1 { count } else { rows };
        let n = if flags.1 { rows } else { count };
        let a = stored(&numbers::<T>(m, inner), flags.0);
        let compute = |b: Selection<'_, T>, beta: Beta, order: Order, threads: usize| {
            let mut out = numbers::<T>(m, n);
            let last = (beta, Epilogue::None);
            product(
                T::from_f64(0.7),
                (a.view(), flags.0),
                (b, flags.1),
                last,
                (order, threads),
                &mut out.view_mut(),
            );
            out
        };
        for (beta, order) in [(Beta::Zero, Order::Free), (Beta::One, Order::Units)] {
            let of_copy = compute(copy.view().into(), beta, order, 1);
            let selection = Selection { of: set.view(), chosen: Some(&chosen) };
            let case = format!("{m} rows, {count} columns of {rows}, {flags:?}, {beta:?}");
            assert_eq!(compute(selection, beta, order, 1), of_copy, "{case}");
            let pool = rayon_core::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
            assert_eq!(pool.install(|| compute(selection, beta, order, 3)), of_copy, "{case}, 3 threads");
        }
    }
}

#[test]
fn selections_have_the_bits_of_copies() {
    for m in [ROWS_FOR_SELECTION, 16, 33, 70, 129] {
        for (rows, count) in [(1, 9), (3, 1), (30, 0), (0, 30), (17, 65), (130, 64), (700, 37), (40, 600)] {
            a_selection_is_a_copy_of_its_columns::<f32>(m, rows, count);
            a_selection_is_a_copy_of_its_columns::<f64>(m, rows, count);
        }
    }
}

#[test]
#[should_panic(expected = "4 rows with a selection")]
fn few_rows_take_no_selection() {
    let (a, b, mut out) = (numbers::<f64>(4, 2), numbers(2, 4), Matrix::zeros(4, 1));
    let b = Selection { of: b.view(), chosen: Some(&[2]) };
    let last = (Beta::Zero, Epilogue::None);
    product(1.0, (a.view(), false), (b, false), last, (Order::Free, 1), &mut out.view_mut());
}

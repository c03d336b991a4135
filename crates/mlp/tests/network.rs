//! What a network answers, and how its gradients change with its examples and its neurons.

use mlp::{Activation, Error, Init, Loss, Mlp, Purpose, Random, Scalar, classes};
use proptest::prelude::*;
use tape::{Matrix, Tape, matrix};

/// ‖a − b‖.
fn distance<T: Scalar>(a: &Matrix<T>, b: &Matrix<T>) -> f64 {
    assert_eq!(a.shape(), b.shape());
    let (a, b) = (a.cast::<f64>(), b.cast::<f64>());
    Matrix::from_fn(a.rows(), a.columns(), |i, j| a[(i, j)] - b[(i, j)]).norm()
}

/// ‖a − b‖ / ‖b‖; 0 where they are equal.
fn difference<T: Scalar>(a: &Matrix<T>, b: &Matrix<T>) -> f64 {
    let apart = distance(a, b);
    if apart == 0.0 { 0.0 } else { apart / b.norm().to_f64() }
}

/// How far a gradient may move when the terms of its sums change places, relative to the [`terms`].
fn bound<T: Scalar>() -> f64 {
    1e3 * T::EPSILON.to_f64()
}

/// The sizes, the activation of the hidden layers, the loss and m.
fn cases() -> impl Strategy<Value = (Vec<usize>, Activation<f64>, Loss, usize, u64)> {
    let sizes = prop::collection::vec(1_usize..=9, 2..=5);
    let g = prop::sample::select(Activation::<f64>::all());
    let drawn = (sizes, g, prop::sample::select(&Loss::ALL[..]), 1_usize..=12, any::<u64>());
    drawn.prop_map(|(mut sizes, g, loss, m, seed)| {
        let last = sizes.len() - 1;
        // The softmax of one output is 1 whatever it is.
        sizes[last] = sizes[last].max(if loss == Loss::SoftmaxCrossEntropy { 2 } else { 1 });
        (sizes, g, loss, m, seed)
    })
}

/// The same network in another number type, with its biases drawn too.
fn network<T: Scalar>(sizes: &[usize], g: &Activation<f64>, loss: Loss, seed: u64) -> Mlp<T> {
    let mut builder = Mlp::<T>::new(sizes[0]).loss(loss).init(Init::Glorot).seed(seed);
    for &n in &sizes[1..sizes.len() - 1] {
        builder = builder.layer(n, g.to_string().parse().unwrap());
    }
    let mut network = builder.layer(sizes[sizes.len() - 1], loss.output_activation()).build().unwrap();
    let mut random = Random::new(seed, Purpose::Shuffle);
    for (l, &n) in sizes.iter().enumerate().skip(1) {
        let b = Matrix::from_fn(n, 1, |_, _| T::from_f64(random.symmetric(1.0)));
        network.set_parameter(&format!("b[{l}]"), b).unwrap();
    }
    network
}

fn examples<T: Scalar>(sizes: &[usize], loss: Loss, m: usize, seed: u64) -> (Matrix<T>, Matrix<T>) {
    let mut random = Random::new(seed, Purpose::Split);
    let x = Matrix::from_fn(sizes[0], m, |_, _| T::from_f64(random.symmetric(2.0)));
    let n = sizes[sizes.len() - 1];
    let y = match loss {
        Loss::SoftmaxCrossEntropy => {
            let labels: Vec<usize> = (0..m).map(|_| random.below(n as u64) as usize).collect();
            mlp::one_hot(&labels, n).unwrap()
        }
        Loss::LogLoss | Loss::SquaredError => {
            Matrix::from_fn(n, m, |_, _| T::from_f64(random.below(2) as f64))
        }
    };
    (x, y)
}

/// For each parameter, how large the terms are that its gradient is the mean of, m examples each: ∂ℒ/∂W\[l\] and ∂ℒ/∂b\[l\] of one
/// example (eq. 15, 16). The mean itself can be as small as it likes, and has no more digits than its terms.
fn terms<T: Scalar>((network, x, y): (&Mlp<T>, &Matrix<T>, &Matrix<T>)) -> Vec<f64> {
    let found = network.closed_form(x, y).unwrap();
    let norm = |a: &Matrix<T>, i: usize| Matrix::column_vector(a.column(i)).norm().to_f64();
    let mean = |of: &dyn Fn(usize) -> f64| (0..x.columns()).map(of).sum::<f64>() / x.columns() as f64;
    (1..=network.layers())
        .flat_map(|l| {
            let (dz, a) = (found.dz(l), found.forward.a(l - 1));
            [mean(&|i| norm(dz, i) * norm(a, i)), mean(&|i| norm(dz, i))]
        })
        .collect()
}

/// Both networks' gradients, by their names, after `map` was applied to those of `a`.
#[track_caller]
fn compare<T: Scalar>(
    a: (&Mlp<T>, &Matrix<T>, &Matrix<T>),
    b: (&Mlp<T>, &Matrix<T>, &Matrix<T>),
    map: impl Fn(&str, &Matrix<T>) -> Matrix<T>,
) {
    let (of_a, of_b) = (a.0.gradients(a.1, a.2).unwrap(), b.0.gradients(b.1, b.2).unwrap());
    for ((name, gradient), terms) in of_a.iter().zip(terms(b)) {
        let apart = distance(&map(name, gradient), &of_b[name]);
        assert!(apart <= bound::<T>() * terms, "{name}: {apart:e} of {:e}", of_b[name].norm());
    }
    let (j_a, j_b) = (a.0.loss(a.1, a.2).unwrap().to_f64(), b.0.loss(b.1, b.2).unwrap().to_f64());
    assert!((j_a - j_b).abs() <= bound::<T>() * j_b.abs().max(1.0), "J: {j_a}, {j_b}");
}

/// The rows and columns of W, or the rows of b, in another order: `order` holds one for every layer, with layer 0 first.
fn permuted<T: Scalar>(name: &str, value: &Matrix<T>, order: &[Vec<usize>]) -> Matrix<T> {
    let l: usize = name[2..name.len() - 1].parse().unwrap();
    let columns = |k: usize| if name.starts_with('W') { order[l - 1][k] } else { k };
    Matrix::from_fn(value.rows(), value.columns(), |j, k| value[(order[l][j], columns(k))])
}

fn check_permuted_neurons<T: Scalar>(
    sizes: &[usize],
    g: &Activation<f64>,
    loss: Loss,
    (m, seed): (usize, u64),
) {
    let network = network::<T>(sizes, g, loss, seed);
    let (x, y) = examples::<T>(sizes, loss, m, seed);
    let mut random = Random::new(seed, Purpose::Shuffle);
    // Features, neurons and outputs: X and Y go along with the first and the last.
    let order: Vec<Vec<usize>> = sizes.iter().map(|&n| random.permutation(n)).collect();
    let mut other = network.clone();
    for (name, value) in network.parameters() {
        other.set_parameter(name, permuted(name, value, &order)).unwrap();
    }
    let rows = |a: &Matrix<T>, order: &[usize]| Matrix::from_fn(a.rows(), m, |i, j| a[(order[i], j)]);
    let (other_x, other_y) = (rows(&x, &order[0]), rows(&y, &order[order.len() - 1]));
    compare((&network, &x, &y), (&other, &other_x, &other_y), |name, d| permuted(name, d, &order));
}

fn check_batches<T: Scalar>(sizes: &[usize], g: &Activation<f64>, loss: Loss, (m, seed): (usize, u64)) {
    let network = network::<T>(sizes, g, loss, seed);
    let (x, y) = examples::<T>(sizes, loss, m, seed);
    let same = |_: &str, d: &Matrix<T>| d.clone();
    let order = Random::new(seed, Purpose::Shuffle).permutation(m);
    let (px, py) = (x.select_columns(&order), y.select_columns(&order));
    compare((&network, &x, &y), (&network, &px, &py), same);
    // Each example twice: J and its gradients are means.
    let twice: Vec<usize> = order.iter().flat_map(|&i| [i, i]).collect();
    let (dx, dy) = (x.select_columns(&twice), y.select_columns(&twice));
    compare((&network, &x, &y), (&network, &dx, &dy), same);
}

/// Columns of `losses.per_example_gradients` are the gradients of batches of one, and their mean is the gradient of J.
fn check_per_example<T: Scalar>(sizes: &[usize], g: &Activation<f64>, loss: Loss, (m, seed): (usize, u64)) {
    let network = network::<T>(sizes, g, loss, seed);
    let (x, y) = examples::<T>(sizes, loss, m, seed);
    let tape = Tape::new();
    let recorded = network.record(&tape, &x, &y).unwrap();
    let each = recorded.losses.per_example_gradients(recorded.parameters()).unwrap();
    let mean = network.gradients(&x, &y).unwrap();
    let terms = terms((&network, &x, &y));
    for ((each, (name, mean)), terms) in each.iter().zip(&mean).zip(terms) {
        assert_eq!(each.shape(), (mean.rows() * mean.columns(), m));
        let sum = Matrix::from_fn(mean.rows(), mean.columns(), |i, j| {
            let row = j * mean.rows() + i;
            let sum: f64 = (0..m).map(|example| each[(row, example)].to_f64()).sum();
            T::from_f64(sum / m as f64)
        });
        let apart = distance(&sum, mean);
        assert!(apart <= bound::<T>() * terms, "{name}: {apart:e} of {:e}", mean.norm());
    }
    for i in 0..m {
        let alone = network.gradients(&x.select_columns(&[i]), &y.select_columns(&[i])).unwrap();
        for (each, (name, alone)) in each.iter().zip(&alone) {
            let column = Matrix::from_slice(alone.rows(), alone.columns(), each.column(i)).unwrap();
            // The same sums in the same order, but for the factor 1/m = 1.
            assert!(difference(&column, alone) <= bound::<T>(), "{name} of example {i}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn permuted_neurons_have_permuted_gradients((sizes, g, loss, m, seed) in cases()) {
        check_permuted_neurons::<f64>(&sizes, &g, loss, (m, seed));
        check_permuted_neurons::<f32>(&sizes, &g, loss, (m, seed));
    }

    #[test]
    fn the_order_and_number_of_copies_of_the_examples_do_not_matter((sizes, g, loss, m, seed) in cases()) {
        check_batches::<f64>(&sizes, &g, loss, (m, seed));
        check_batches::<f32>(&sizes, &g, loss, (m, seed));
    }

    #[test]
    fn the_gradient_is_the_mean_of_the_examples_own((sizes, g, loss, m, seed) in cases()) {
        check_per_example::<f64>(&sizes, &g, loss, (m, seed));
        check_per_example::<f32>(&sizes, &g, loss, (m, seed));
    }

    /// What a network says of an example does not depend on those beside it.
    #[test]
    fn examples_are_answered_one_by_one((sizes, g, loss, m, seed) in cases()) {
        let network = network::<f64>(&sizes, &g, loss, seed);
        let (x, y) = examples::<f64>(&sizes, loss, m, seed);
        let a = network.predict(&x).unwrap();
        let forward = network.closed_form(&x, &y).unwrap().forward;
        prop_assert!(difference(&a, forward.a(sizes.len() - 1)) < bound::<f64>());
        let mut sum = 0.0;
        for i in 0..m {
            let (x, y) = (x.select_columns(&[i]), y.select_columns(&[i]));
            prop_assert!(difference(&network.predict(&x).unwrap(), &a.select_columns(&[i])) < bound::<f64>());
            sum += network.loss(&x, &y).unwrap();
        }
        let j = network.loss(&x, &y).unwrap();
        prop_assert!((sum / m as f64 - j).abs() <= bound::<f64>() * j.abs().max(1.0));
    }
}

#[test]
fn parameters_have_names_and_an_order() {
    let builder = Mlp::<f64>::new(3).layer(4, Activation::Relu).layer(5, Activation::Tanh);
    let network = builder.layer(2, Activation::Sigmoid).seed(1).build().unwrap();
    let names: Vec<&str> = network.parameters().keys().map(String::as_str).collect();
    assert_eq!(names, ["W[1]", "b[1]", "W[2]", "b[2]", "W[3]", "b[3]"]);
    let shapes: Vec<_> = network.parameters().values().map(Matrix::shape).collect();
    assert_eq!(shapes, [(4, 3), (4, 1), (5, 4), (5, 1), (2, 5), (2, 1)]);
    assert_eq!(network.parameter_count(), 4 * 4 + 5 * 5 + 2 * 6);
    assert_eq!((network.layers(), network.sizes()), (3, &[3, 4, 5, 2][..]));
    assert_eq!(network.activations(), [Activation::Relu, Activation::Tanh, Activation::Sigmoid]);
    let (x, y) = (Matrix::zeros(3, 2), Matrix::zeros(2, 2));
    assert!(network.gradients(&x, &y).unwrap().keys().eq(names));
}

#[test]
fn the_loss_follows_from_the_output() {
    let of = |g: Activation<f64>| Mlp::new(1).layer(1, g).build().unwrap().loss_function();
    assert_eq!(of(Activation::Sigmoid), Loss::LogLoss);
    assert_eq!(of(Activation::Identity), Loss::SquaredError);
    assert_eq!(of(Activation::Tanh), Loss::SquaredError);
    let builder = Mlp::<f64>::new(1).layer(2, Activation::Identity).loss(Loss::SoftmaxCrossEntropy);
    assert_eq!(builder.build().unwrap().loss_function(), Loss::SoftmaxCrossEntropy);
}

#[test]
fn the_first_weights_suit_each_layer() {
    let builder = Mlp::<f64>::new(50).layer(50, Activation::Relu).layer(50, Activation::Tanh);
    let network = builder.clone().seed(3).build().unwrap();
    let greatest = |network: &Mlp<f64>, name: &str| network.parameters()[name].max_abs();
    // He: √(6/50) = 0.346; Glorot: √(6/100) = 0.245. Of 2500 numbers the greatest is close to the limit.
    assert!((0.33..0.3465).contains(&greatest(&network, "W[1]")));
    assert!((0.235..0.245).contains(&greatest(&network, "W[2]")));
    assert_eq!(greatest(&network, "b[1]"), 0.0);
    let lecun = builder.init(Init::LeCun).seed(3).build().unwrap();
    assert!((0.235..0.245).contains(&greatest(&lecun, "W[1]")));
}

#[test]
fn single_precision_begins_with_the_same_numbers_rounded() {
    let sizes = [4, 7, 2];
    let double = Mlp::<f64>::new(4).layer(7, Activation::Silu).layer(2, Activation::Sigmoid).seed(8);
    let single = Mlp::<f32>::new(4).layer(7, Activation::Silu).layer(2, Activation::Sigmoid).seed(8);
    let (double, single) = (double.build().unwrap(), single.build().unwrap());
    for (a, b) in double.parameters().values().zip(single.parameters().values()) {
        assert_eq!(a.cast::<f32>(), *b);
    }
    let (x, _) = examples::<f64>(&sizes, Loss::LogLoss, 6, 1);
    let apart = difference(&single.predict(&x.cast()).unwrap().cast::<f64>(), &double.predict(&x).unwrap());
    assert!(apart < 1e-6, "{apart:e}");
}

#[test]
fn what_does_not_fit_is_named() {
    let network =
        Mlp::<f64>::new(3).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).build().unwrap();
    let (x, y) = (Matrix::zeros(3, 5), Matrix::zeros(1, 5));
    let text = |error: Error| error.to_string();
    let wrong_x = Matrix::zeros(5, 3);
    assert_eq!(text(network.predict(&wrong_x).unwrap_err()), "X is 5×3, 3×3 is needed");
    assert_eq!(text(network.loss(&wrong_x, &y).unwrap_err()), "X is 5×3, 3×3 is needed");
    assert_eq!(text(network.gradients(&wrong_x, &y).unwrap_err()), "X is 5×3, 3×3 is needed");
    let wrong_y = Matrix::zeros(2, 5);
    assert_eq!(text(network.loss(&x, &wrong_y).unwrap_err()), "Y is 2×5, 1×5 is needed");
    assert_eq!(text(network.closed_form(&x, &wrong_y).unwrap_err()), "Y is 2×5, 1×5 is needed");
    let tape = Tape::new();
    assert_eq!(
        network.record(&tape, &x, &Matrix::zeros(1, 4)).unwrap_err(),
        Error::Shape { matrix: "Y".into(), expected: (1, 5), found: (1, 4) }
    );
    let labels = matrix![[0.0, 1.0, 0.5, 1.001, 0.0]];
    let refused = "label 1.001 at row 0, column 3 is not in [0, 1]";
    assert_eq!(text(network.loss(&x, &labels).unwrap_err()), refused);
    assert_eq!(text(network.gradients(&x, &labels).unwrap_err()), refused);
    assert_eq!(text(network.closed_form(&x, &labels).unwrap_err()), refused);
    assert_eq!(text(network.accuracy(&x, &labels).unwrap_err()), refused);
    assert_eq!(text(network.record(&tape, &x, &labels).unwrap_err()), refused);
    let (no_x, no_y) = (Matrix::zeros(3, 0), Matrix::zeros(1, 0));
    assert!(
        text(network.loss(&no_x, &no_y).unwrap_err())
            .starts_with("mean: J is a mean over m = 0 examples, recorded at ")
    );
    assert!(network.gradients(&no_x, &no_y).is_err());
    assert_eq!(network.predict(&no_x).unwrap().shape(), (1, 0));
    let mut network = network;
    assert_eq!(
        text(network.set_parameter("W[3]", Matrix::zeros(1, 1)).unwrap_err()),
        "the network has no parameter \"W[3]\""
    );
    assert_eq!(
        text(network.set_parameter("W[2]", Matrix::zeros(4, 1)).unwrap_err()),
        "W[2] is 4×1, 1×4 is needed"
    );
    assert_eq!(text(Mlp::<f64>::new(3).build().unwrap_err()), "network: at least one layer is needed");
    assert_eq!(
        text(Mlp::new(3).layer(1, Activation::Elu(f64::INFINITY)).build().unwrap_err()),
        "elu is inf, it must be given a finite parameter"
    );
}

/// Softmax of (0, ln 3) is (¼, ¾): J = ln 4 for the first class.
#[test]
fn softmax_by_hand() {
    let mut network = Mlp::<f64>::new(1).layer(2, Activation::Identity).loss(Loss::SoftmaxCrossEntropy);
    network = network.seed(1);
    let mut network = network.build().unwrap();
    network.set_parameter("W[1]", matrix![[0.0], [1.0]]).unwrap();
    let (x, y) = (Matrix::scalar(3.0_f64.ln()), matrix![[1.0], [0.0]]);
    assert!((network.loss(&x, &y).unwrap() - 4.0_f64.ln()).abs() < 1e-15);
    let db = &network.gradients(&x, &y).unwrap()["b[1]"];
    assert!(difference(db, &matrix![[-0.75], [0.75]]) < 1e-15);
}

/// Eq. 5 with σ(ln 3) = ¾, by hand: −ln ¾ for label 1, −ln ¼ for label 0, and ∂J/∂b = a − y.
#[test]
fn log_loss_by_hand() {
    let mut network = Mlp::<f64>::new(1).layer(1, Activation::Sigmoid).build().unwrap();
    network.set_parameter("W[1]", matrix![[1.0]]).unwrap();
    let x = matrix![[3.0_f64.ln(), 3.0_f64.ln()]];
    let y = matrix![[1.0, 0.0]];
    assert!((network.loss(&x, &y).unwrap() + 0.5 * (0.75_f64.ln() + 0.25_f64.ln())).abs() < 1e-15);
    let gradients = network.gradients(&x, &y).unwrap();
    assert!((gradients["b[1]"][(0, 0)] - 0.5 * (-0.25 + 0.75)).abs() < 1e-15);
    assert!((gradients["W[1]"][(0, 0)] - 0.25 * 3.0_f64.ln()).abs() < 1e-15);
}

/// The softmax by its formula, without a shift: the logits are small.
#[test]
fn probabilities_and_classes_are_what_the_loss_says() {
    fn check<T: Scalar>(tolerance: f64) {
        let x = Matrix::from_fn(3, 7, |k, i| T::from_f64(((k + 1) * (i + 2)) as f64 % 5.0 / 4.0 - 0.5));
        let layer = |n, g| Mlp::<T>::new(3).layer(4, Activation::Tanh).layer(n, g).seed(3);
        let several = layer(3, Activation::Identity).loss(Loss::SoftmaxCrossEntropy).build().unwrap();
        let (z, p) = (several.predict(&x).unwrap(), several.predict_probabilities(&x).unwrap());
        for i in 0..7 {
            let exp: Vec<f64> = z.column(i).iter().map(|z| z.to_f64().exp()).collect();
            for k in 0..3 {
                let expected = exp[k] / exp.iter().sum::<f64>();
                assert!((p[(k, i)].to_f64() - expected).abs() < tolerance);
            }
        }
        assert_eq!(several.predict_classes(&x), classes(&p));
        let two = layer(1, Activation::Sigmoid).build().unwrap();
        assert_eq!(two.predict_probabilities(&x), two.predict(&x));
        let expected: Vec<usize> =
            two.predict(&x).unwrap().iter().map(|&a| usize::from(a.to_f64() > 0.5)).collect();
        assert_eq!(two.predict_classes(&x).unwrap(), expected);
        let questions = layer(2, Activation::Sigmoid).build().unwrap();
        assert_eq!(questions.predict_probabilities(&x), questions.predict(&x));
        assert_eq!(
            questions.predict_classes(&x).unwrap_err().to_string(),
            "network: its 2 outputs are no classes, with log_loss each answers a question of its own"
        );
        let quantity = layer(1, Activation::Identity).build().unwrap();
        let refused = "network: its outputs are no probabilities, with squared_error they are quantities";
        assert_eq!(quantity.predict_probabilities(&x).unwrap_err().to_string(), refused);
        assert!(matches!(quantity.predict_classes(&x), Err(Error::Answer { asked: "classes", .. })));
        assert_eq!(several.predict_classes(&Matrix::zeros(3, 0)).unwrap(), Vec::<usize>::new());
        for network in [&several, &two] {
            assert!(matches!(network.predict_probabilities(&Matrix::zeros(2, 7)), Err(Error::Shape { .. })));
            assert!(matches!(network.predict_classes(&Matrix::zeros(2, 7)), Err(Error::Shape { .. })));
            let mut broken = network.clone();
            let w = &broken.parameters()["W[2]"];
            broken.set_parameter("W[2]", Matrix::filled(w.rows(), w.columns(), T::NAN)).unwrap();
            assert!(broken.predict_probabilities(&x).is_err());
            assert!(matches!(broken.predict_classes(&x), Err(Error::NonFinite { .. })));
        }
    }
    check::<f32>(1e-6);
    check::<f64>(1e-15);
}

#[cfg(feature = "html")]
#[test]
fn the_page_of_another_network_is_an_error() {
    let of = |sizes: &[usize]| network::<f64>(sizes, &Activation::Tanh, Loss::SquaredError, 3);
    let tape = Tape::new();
    let recorded = of(&[2, 3, 1]).record(&tape, &Matrix::zeros(2, 4), &Matrix::zeros(1, 4)).unwrap();
    let program = tape.compile(recorded.gradients()).unwrap();
    for (sizes, layers) in [(&[2, 1][..], 1), (&[2, 3, 4, 1], 3)] {
        let error = of(sizes).page(&recorded, &program).unwrap_err();
        assert!(matches!(error, Error::Length { expected, found: 2, .. } if expected == layers), "{error}");
    }
    assert!(of(&[2, 3, 1]).page(&recorded, &program).unwrap().to_html().is_ok());
}

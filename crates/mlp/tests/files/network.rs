//! Networks that are saved are the same when they are loaded.

use mlp::files::{Archive, FileProblem, Loading};
use mlp::{Activation, Error, Loss, Mlp, Optimizer, Scalar, Standardizer, Training};
use tape::{Function, Matrix, matrix};

use crate::support::{Folder, file_error, problem};

fn xor<T: Scalar>() -> Mlp<T> {
    Mlp::new(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).seed(3).build().unwrap()
}

/// A trained network has the same parameters and answers, bit by bit, and is trained on in the same way.
fn is_the_same_after_loading<T: Scalar>() {
    let folder = Folder::new(&format!("network-{}", T::NAME));
    let of = |rows: &Matrix<f64>| rows.cast::<T>();
    let x = of(&matrix![[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]]);
    let y = of(&matrix![[0.0, 1.0, 1.0, 0.0]]);
    let mut network = xor::<T>();
    let training = Training::new(Optimizer::adam(0.05).unwrap()).epochs(20);
    training.fit(&mut network, &x, &y).unwrap();
    network.save(folder.path("xor.safetensors")).unwrap();
    let mut loaded = Mlp::<T>::load(folder.path("xor.safetensors")).unwrap();
    assert_eq!(loaded, network);
    assert_eq!(loaded.predict(&x).unwrap(), network.predict(&x).unwrap());
    training.fit(&mut network, &x, &y).unwrap();
    training.fit(&mut loaded, &x, &y).unwrap();
    assert_eq!(loaded, network);
    assert_eq!(folder.files(), ["xor.safetensors"]);
}

#[test]
fn it_is_the_same_after_loading() {
    is_the_same_after_loading::<f32>();
    is_the_same_after_loading::<f64>();
}

/// Every activation, parameters that no decimal fraction is, every loss, chosen and left out.
fn every_description<T: Scalar>() {
    let third = T::from_f64(1.0 / 3.0);
    let mut all = Activation::<T>::all();
    all.extend([Activation::LeakyRelu(third), Activation::Elu(T::from_f64(1e-30)), Activation::Elu(-third)]);
    let mut builder = Mlp::<T>::new(3);
    for (l, g) in all.into_iter().enumerate() {
        builder = builder.layer(1 + l % 3, g);
    }
    for network in [
        builder.clone().layer(2, Activation::Identity).build(),
        builder.clone().layer(2, Activation::Identity).loss(Loss::SquaredError).build(),
        builder.clone().layer(2, Activation::Identity).loss(Loss::SoftmaxCrossEntropy).build(),
        builder.layer(1, Activation::Sigmoid).build(),
        Mlp::new(0).layer(1, Activation::Identity).build(),
        Mlp::new(2).layer(0, Activation::Relu).layer(3, Activation::Identity).build(),
    ] {
        let network = network.unwrap();
        let bytes = network.to_archive().unwrap().to_bytes().unwrap();
        let archive = Archive::from_bytes(&bytes).unwrap();
        assert_eq!(Mlp::from_archive(&archive).unwrap(), network);
    }
}

#[test]
fn every_description_is_kept() {
    every_description::<f32>();
    every_description::<f64>();
}

#[test]
fn layers_have_the_layout_of_pytorch() {
    let mut network = Mlp::<f64>::new(3).layer(2, Activation::Identity).build().unwrap();
    let w = matrix![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    network.set_parameter("W[1]", w.clone()).unwrap();
    network.set_parameter("b[1]", matrix![[7.0], [8.0]]).unwrap();
    let archive = network.to_archive().unwrap();
    assert_eq!(archive.shape("layers.0.weight"), Some(&[2, 3][..]));
    assert_eq!(archive.shape("layers.0.bias"), Some(&[2][..]));
    assert_eq!(archive.matrix::<f64>("layers.0.weight").unwrap(), w);
    assert_eq!(archive.vector::<f64>("layers.0.bias").unwrap(), [7.0, 8.0]);
    let texts = [("sizes", "3,2"), ("loss", "squared_error"), ("loss_is_chosen", "false"), ("number", "f64")];
    for (key, value) in texts {
        assert_eq!(archive.text(key), Some(value));
    }
}

#[test]
fn the_other_number_type_has_to_be_asked_for() {
    let archive = xor::<f64>().to_archive().unwrap();
    let expected = FileProblem::NumberKind { expected: "F32", found: "F64".to_string() };
    assert_eq!(problem(Mlp::<f32>::from_archive(&archive)), expected);
    let rounded = Mlp::<f32>::from_archive_with(&archive, &Loading::new().rounded()).unwrap();
    for (name, value) in xor::<f64>().parameters() {
        assert_eq!(rounded.parameters()[name], value.cast());
    }
    // There and back nothing is lost, the slope of an activation neither.
    let slope = Mlp::<f32>::new(1).layer(1, Activation::LeakyRelu(0.1)).build().unwrap();
    let wide =
        Mlp::<f64>::from_archive_with(&slope.to_archive().unwrap(), &Loading::new().rounded()).unwrap();
    assert_eq!(wide.activations(), [Activation::LeakyRelu(f64::from(0.1_f32))]);
    let back = Mlp::<f32>::from_archive_with(&wide.to_archive().unwrap(), &Loading::new().rounded());
    assert_eq!(back.unwrap(), slope);
    let mut huge = xor::<f64>();
    huge.set_parameter("b[2]", matrix![[1e300]]).unwrap();
    let huge = Mlp::<f32>::from_archive_with(&huge.to_archive().unwrap(), &Loading::new().rounded());
    let text = "archive, layers.1.bias: 1e300 at [0] is larger than f32 can hold";
    assert_eq!(huge.unwrap_err().to_string(), text);
}

#[test]
fn a_function_of_ones_own_is_given_by_its_name() {
    let bell =
        || Function::new("bell", |z: f64| (-z * z).exp()).with_derivative(Function::new("b", |z: f64| z));
    let network =
        Mlp::new(2).layer(3, Activation::Custom(bell())).layer(1, Activation::Identity).build().unwrap();
    let folder = Folder::new("custom");
    let path = folder.path("bell.safetensors");
    network.save(&path).unwrap();
    let error = file_error(Mlp::<f64>::load(&path).unwrap_err());
    assert_eq!(error.name(), Some("layers.0.activation"));
    assert_eq!(error.path(), Some(path.as_path()));
    assert_eq!(error.problem(), &FileProblem::CustomActivation { function: "bell".to_string() });
    let other = Loading::new().function(Function::new("ball", |z: f64| z));
    assert_eq!(file_error(Mlp::load_with(&path, &other).unwrap_err()), error);
    let loaded = Mlp::load_with(&path, &other.function(bell())).unwrap();
    assert_eq!(loaded.parameters(), network.parameters());
    let x = matrix![[0.5, 1.0], [-0.5, 2.0]];
    assert_eq!(loaded.predict(&x).unwrap(), network.predict(&x).unwrap());
}

#[test]
fn a_parameter_that_is_no_number_is_not_saved() {
    let mut network = xor::<f64>();
    network.set_parameter("b[1]", matrix![[0.0], [0.0], [f64::NAN], [0.0]]).unwrap();
    let error = network.to_archive().unwrap_err();
    assert!(matches!(&error, Error::NonFiniteParameter { name, row: 2, column: 0, .. } if name == "b[1]"));
    let mut archive = xor::<f64>().to_archive().unwrap();
    archive.insert_vector("layers.1.bias", &[f64::INFINITY]);
    let text = "archive, layers.1.bias: inf at [0] is not a finite number";
    assert_eq!(Mlp::<f64>::from_archive(&archive).unwrap_err().to_string(), text);
}

/// One thing of an archive is wrong, and the error says which.
#[test]
fn what_does_not_fit_is_named() {
    type Spoil = fn(&mut Archive);
    let cases: [(Spoil, &str); 20] = [
        (|a| a.set_text("kind", "cnn"), "kind: is \"cnn\", it must be \"mlp\""),
        (
            |a| a.set_text("format_version", "2"),
            "format_version: is of format version 2, the newest that is known is 1",
        ),
        (
            |a| a.set_text("format_version", "one"),
            "format_version: is \"one\", it must be a number from 1 to 1",
        ),
        (|a| a.set_text("number", "f16"), "number: is \"f16\", it must be f32 or f64"),
        (|a| a.set_text("sizes", "2"), "sizes: is \"2\", it must be two or more numbers, as 2,4,1"),
        (|a| a.set_text("sizes", ""), "sizes: is \"\", it must be two or more numbers, as 2,4,1"),
        (|a| a.set_text("sizes", "2,+4,1"), "sizes: is \"2,+4,1\", it must be two or more numbers, as 2,4,1"),
        (|a| a.set_text("sizes", "2,-4,1"), "sizes: is \"2,-4,1\", it must be two or more numbers, as 2,4,1"),
        (|a| a.set_text("sizes", "2,4,1,1"), "layers.2.activation: is missing"),
        (|a| a.set_text("sizes", "2,4"), "layers.1.bias: nothing of this name is expected"),
        (
            |a| a.set_text("sizes", "2,18446744073709551615,1"),
            "layers.0.weight: has shape [4, 2], [18446744073709551615, 2] is needed",
        ),
        (|a| a.set_text("loss", "hinge"), "loss: is \"hinge\", it must be the name of a loss"),
        (|a| a.set_text("loss_is_chosen", "yes"), "loss_is_chosen: is \"yes\", it must be true or false"),
        (
            |a| a.set_text("layers.2.activation", "tanh"),
            "layers.2.activation: nothing of this name is expected",
        ),
        (|a| a.insert_whole("layers.00.bias", &[]), "layers.00.bias: nothing of this name is expected"),
        (|a| a.insert_whole("layers.0.gamma", &[]), "layers.0.gamma: nothing of this name is expected"),
        (
            |a| a.insert::<f64>("layers.0.weight", &Matrix::zeros(2, 4)),
            "layers.0.weight: has shape [2, 4], [4, 2] is needed",
        ),
        (
            |a| a.insert_vector("layers.0.weight", &[0.0; 8]),
            "layers.0.weight: has shape [8], 2 dimensions are needed",
        ),
        (
            |a| a.insert_vector("layers.0.bias", &[0.0_f32; 4]),
            "layers.0.bias: holds numbers of type F32, F64 is needed",
        ),
        (
            |a| a.insert_whole("layers.1.bias", &[1]),
            "layers.1.bias: holds numbers of type U64, F64 is needed",
        ),
    ];
    for (spoil, text) in cases {
        let mut archive = xor::<f64>().to_archive().unwrap();
        spoil(&mut archive);
        assert_eq!(Mlp::<f64>::from_archive(&archive).unwrap_err().to_string(), format!("archive, {text}"));
    }
    let spoiled = |key: &str, value: &str| {
        let mut archive = xor::<f64>().to_archive().unwrap();
        archive.set_text(key, value);
        Mlp::<f64>::from_archive(&archive).unwrap_err()
    };
    assert!(matches!(spoiled("layers.1.activation", "identity"), Error::Output { .. }));
    assert!(matches!(spoiled("layers.1.activation", "elu(nan)"), Error::Hyperparameter { .. }));
    let FileProblem::Text { value, expected } =
        file_error(spoiled("layers.0.activation", "tan")).problem().clone()
    else {
        panic!()
    };
    assert!(value == "tan" && expected.contains("tanh, softplus"), "{expected}");
}

#[test]
fn parameters_of_a_pytorch_module_are_set_all_or_none() {
    let mut archive = Archive::new();
    archive.insert("net.0.weight", &matrix![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]);
    archive.insert_vector("net.0.bias", &[1.0, 2.0, 3.0, 4.0]);
    archive.insert("net.2.weight", &matrix![[1.0, 2.0, 3.0, 4.0]]);
    let mut network = xor::<f64>();
    let prefix = |k: usize| format!("net.{}", 2 * k);
    let error = network.set_parameters_from(&archive, prefix).unwrap_err();
    assert_eq!(error.to_string(), "archive, net.2.bias: is missing");
    assert_eq!(network, xor());
    archive.insert_vector("net.2.bias", &[0.5]);
    network.set_parameters_from(&archive, prefix).unwrap();
    assert_eq!(network.parameters()["W[1]"][(3, 0)], 7.0);
    assert_eq!(network.parameters()["b[1]"].as_slice(), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(network.parameters()["b[2]"].as_slice(), [0.5]);
}

/// A mean between two numbers of f32 is kept: the standardiser computes with it in f64.
#[test]
fn the_standardiser_is_kept_with_the_network() {
    let x = Matrix::from_fn(2, 3, |i, j| 1e6 + 0.0625 * [0.0, 1.0, 1.0][j] as f32 * (i + 1) as f32);
    let standardizer = Standardizer::fit(&x).unwrap();
    let mut archive = xor::<f32>().to_archive().unwrap();
    archive.insert_standardizer(&standardizer);
    let archive = Archive::from_bytes(&archive.to_bytes().unwrap()).unwrap();
    let again = archive.standardizer::<f32>().unwrap().unwrap();
    assert_eq!(again, standardizer);
    assert_eq!(again.transform(&x).unwrap(), standardizer.transform(&x).unwrap());
    assert_eq!(Mlp::<f32>::from_archive(&archive).unwrap(), xor());

    let mut broken = archive.clone();
    broken.insert_vector("preprocessing.scale", &[1.0]);
    let shape = FileProblem::Shape { expected: vec![2], found: vec![1] };
    assert_eq!(problem(broken.standardizer::<f32>()), shape);
    for wrong in [0.0, -1.0, 1e300] {
        broken.insert_vector("preprocessing.scale", &[1.0, wrong]);
        let refused = broken.standardizer::<f32>().unwrap_err();
        assert_eq!(refused, Error::FeatureRange { feature: 1, number: "f32" });
    }
    let mut half = Archive::new();
    half.insert_vector("preprocessing.scale", &[1.0]);
    assert_eq!(problem(half.standardizer::<f64>()), FileProblem::Missing);
}

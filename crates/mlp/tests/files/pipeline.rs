//! A network and the pipeline that prepares its data go into one file, and come back with the same bits.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use mlp::files::{Archive, FileProblem};
use mlp::{
    Activation, Error, Loss, Mlp, Optimizer, Pipeline, Preparation, Scalar, Standardizer, Training, Unseen,
    one_hot,
};
use tape::{Matrix, matrix};

use crate::support::{Folder, problem};

/// Features of people: a height that may be missing, a category, a share.
fn people<T: Scalar>(m: usize) -> Matrix<T> {
    Matrix::from_fn(3, m, |i, j| {
        T::from_f64(match i {
            0 if j % 5 == 3 => f64::NAN,
            0 => 150.0 + (7 * j % 50) as f64,
            1 => [2.0, 7.0, 11.0][j % 3],
            _ => (j as f64 * 0.37).fract(),
        })
    })
}

fn all_steps() -> [Preparation; 4] {
    [
        Preparation::Impute,
        Preparation::OneHot { features: vec![1], unseen: Unseen::Zeros },
        Preparation::Standardize,
        Preparation::MinMax { low: -1.0, high: 1.0 },
    ]
}

fn prepared<T: Scalar>() -> (Mlp<T>, Pipeline<T>) {
    let x = people::<T>(30);
    let pipeline = Pipeline::fit(&all_steps(), &x).unwrap();
    let builder = Mlp::new(5).layer(4, Activation::Tanh).layer(3, Activation::Identity);
    let mut network = builder.loss(Loss::SoftmaxCrossEntropy).seed(2).build().unwrap();
    let y = one_hot(&(0..30).map(|j| j % 3).collect::<Vec<_>>(), 3).unwrap();
    let training = Training::new(Optimizer::adam(0.05).unwrap()).epochs(10);
    training.fit(&mut network, &pipeline.transform(&x).unwrap(), &y).unwrap();
    (network, pipeline)
}

fn bits<T: Scalar>(a: &[T]) -> String {
    a.iter().map(|a| format!("{:x} ", a.bits())).collect()
}

const CHILD: &str = "MLP_TEST_PIPELINE";

/// In a process of its own, which has nothing but the file: writes the predictions' bits beside it.
#[test]
fn predicts_in_a_process_of_its_own() {
    fn predict<T: Scalar>(file: &PathBuf) {
        let (network, pipeline) = Mlp::<T>::load_with_pipeline(file).unwrap();
        let mut predictor = network.predictor_with(&pipeline).unwrap();
        let found = bits(predictor.predict(&people::<T>(40)).unwrap().as_slice());
        std::fs::write(file.with_extension("bits"), found).unwrap();
    }
    let Some(file) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    match file.to_str().unwrap().contains("f32") {
        true => predict::<f32>(&file),
        false => predict::<f64>(&file),
    }
}

fn another_process_predicts_the_same<T: Scalar>() {
    let folder = Folder::new(&format!("pipeline-{}", T::NAME));
    let file = folder.path(&format!("{}.safetensors", T::NAME));
    let (network, pipeline) = prepared::<T>();
    network.save_with_pipeline(&file, &pipeline).unwrap();
    assert_eq!(Mlp::load_with_pipeline(&file).unwrap(), (network.clone(), pipeline.clone()));
    let done = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "pipeline::predicts_in_a_process_of_its_own", "--quiet"])
        .env(CHILD, &file)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(done.success());
    let expected = network.predict(&pipeline.transform(&people::<T>(40)).unwrap()).unwrap();
    let found = std::fs::read_to_string(file.with_extension("bits")).unwrap();
    assert_eq!(found, bits(expected.as_slice()));
}

#[test]
fn the_same_bits_in_another_process() {
    another_process_predicts_the_same::<f64>();
    another_process_predicts_the_same::<f32>();
}

/// Any steps, none among them, with one row of numbers that no decimal fraction is.
fn every_pipeline<T: Scalar>() {
    let x = people::<T>(7);
    let of = |steps: &[Preparation]| {
        let pipeline = Pipeline::fit(steps, &x).unwrap();
        let mut archive = Archive::new();
        archive.insert_pipeline(&pipeline);
        let again = Archive::from_bytes(&archive.to_bytes().unwrap()).unwrap();
        assert_eq!(again.pipeline().unwrap(), Some(pipeline.clone()), "{steps:?}");
        assert_eq!(again.standardizer::<T>().unwrap(), None);
        pipeline
    };
    for k in 0..=4 {
        let pipeline = of(&all_steps()[..k]);
        assert_eq!(pipeline.features(), (k > 0).then_some((3, if k > 1 { 5 } else { 3 })));
    }
    let none = Preparation::OneHot { features: vec![], unseen: Unseen::Refuse };
    let of_nothing = of(&[Preparation::Impute, none]);
    assert_eq!(of_nothing.features(), Some((3, 3)));
    let x = Matrix::<T>::zeros(0, 3);
    let no_features = Pipeline::fit(&[Preparation::Impute, Preparation::Standardize], &x).unwrap();
    let mut archive = Archive::new();
    archive.insert_pipeline(&no_features);
    assert_eq!(archive.pipeline().unwrap(), Some(no_features));
}

#[test]
fn pipelines_come_back() {
    every_pipeline::<f64>();
    every_pipeline::<f32>();
}

/// What an older program has written is read, and what is put in replaces what was there.
#[test]
fn standardizers_and_pipelines() {
    let (network, pipeline) = prepared::<f64>();
    let standardizer = Standardizer::fit(&Matrix::from_fn(5, 4, |i, j| (i * j) as f64)).unwrap();
    let mut archive = network.to_archive().unwrap();
    assert_eq!(archive.pipeline::<f64>().unwrap(), None);
    assert_eq!(Mlp::from_archive_with_pipeline(&archive).unwrap(), (network.clone(), Pipeline::default()));
    archive.insert_standardizer(&standardizer);
    let of_one = Pipeline::from(standardizer.clone());
    assert_eq!(Mlp::from_archive_with_pipeline(&archive).unwrap(), (network.clone(), of_one));
    archive.insert_pipeline(&pipeline);
    assert_eq!(archive, network.to_archive_with_pipeline(&pipeline).unwrap());
    archive.insert_pipeline(&Pipeline::<f64>::default());
    assert_eq!(archive.names().filter(|name| name.starts_with("preprocessing.")).count(), 0);
    assert_eq!(archive.pipeline::<f64>().unwrap(), Some(Pipeline::default()));
    archive.insert_pipeline(&pipeline);
    archive.insert_standardizer(&standardizer);
    assert_eq!(archive.text("preprocessing.steps"), None);
    assert_eq!(archive.standardizer().unwrap(), Some(standardizer));
    // A network alone is read from a file that has more.
    assert_eq!(Mlp::from_archive(&archive).unwrap(), network);
}

/// What does not fit is refused by its name, and nothing is taken for less than it was.
#[test]
fn what_does_not_fit_is_refused() {
    let (network, pipeline) = prepared::<f64>();
    let archive = network.to_archive_with_pipeline(&pipeline).unwrap();
    let refused = |change: &dyn Fn(&mut Archive)| {
        let mut changed = archive.clone();
        change(&mut changed);
        let error = Mlp::<f64>::from_archive_with_pipeline(&changed).unwrap_err();
        assert!(matches!(error, Error::File(_)), "{error}");
        error.to_string()
    };
    let vector = |name: &str, values: &[f64]| {
        refused(&|archive| archive.insert_vector(format!("preprocessing.{name}"), values))
    };
    let text =
        |key: &str, value: &str| refused(&|archive| archive.set_text(format!("preprocessing.{key}"), value));
    assert_eq!(
        vector("2.scale", &[1.0, 0.0, 1.0, 1.0, 1.0]),
        "archive, preprocessing.2.scale: value 1 is 0, it must be finite and greater than 0"
    );
    assert!(vector("2.scale", &[1.0]).contains("5 values are needed, there are 1"));
    assert!(vector("0.fill", &[f64::NAN, 1.0, 1.0]).contains("preprocessing.0.fill"));
    assert_eq!(
        vector("0.fill", &[1.0, 1.0]),
        "archive, preprocessing.1: takes 3 features, and the step before gives 2"
    );
    assert!(vector("1.counts", &[9e15]).contains("9000000000000000 values are needed, there are 3"));
    assert!(vector("1.features", &[3.0]).contains("stay below 3"));
    assert!(vector("4.fill", &[1.0; 5]).contains("preprocessing.steps"), "a step that nobody counted");
    assert!(vector("9.fill", &[1.0; 5]).contains("preprocessing.4"), "a step that is missing");
    for name in ["x", "4294967296.mean", "-1.mean", "01.mean", ".mean"] {
        assert!(vector(name, &[]).contains("is no part of these steps"), "{name}");
    }
    assert!(vector("mean", &[1.0]).contains("preprocessing.scale: is missing"));
    let both = refused(&|archive| {
        archive.insert_vector("preprocessing.mean", &[1.0; 5]);
        archive.insert_vector("preprocessing.scale", &[1.0; 5]);
    });
    assert!(both.contains("preprocessing.0.fill"), "{both}");
    for value in ["3", "5", "04", "+4", "4 ", "four", "", "18446744073709551616"] {
        assert!(text("steps", value).contains("preprocessing.steps"), "{value}");
    }
    assert!(text("format_version", "2").contains("version 2"));
    for value in ["0", "-1", "one", ""] {
        assert!(text("format_version", value).contains("preprocessing.format_version"), "{value}");
    }
    // A part of another number type, of another rank.
    assert!(refused(&|archive| archive.insert_vector("preprocessing.0.fill", &[1.0_f32; 3])).contains("F32"));
    assert!(
        refused(&|archive| archive.insert("preprocessing.0.fill", &matrix![[1.0, 1.0, 1.0]]))
            .contains("dimension")
    );
    // What is missing: each part, and the texts.
    for missing in archive.names().filter(|name| name.starts_with("preprocessing.")) {
        let mut without = Archive::new();
        archive.texts().for_each(|(key, value)| without.set_text(key, value));
        for name in archive.names().filter(|name| *name != missing) {
            match archive.shape(name).unwrap().len() {
                2 => without.insert(name, &archive.matrix::<f64>(name).unwrap()),
                _ => without.insert_vector(name, &archive.vector::<f64>(name).unwrap()),
            }
        }
        assert!(Mlp::<f64>::from_archive_with_pipeline(&without).is_err(), "{missing}");
    }
    let mut without = archive.clone();
    without.clear_texts();
    assert_eq!(problem(without.pipeline::<f64>()), FileProblem::Missing);
    // A pipeline of another network.
    let other = Mlp::<f64>::new(4).layer(1, Activation::Sigmoid).build().unwrap();
    let wrong = Error::Shape { matrix: "what the pipeline gives".into(), expected: (4, 1), found: (5, 1) };
    assert_eq!(other.to_archive_with_pipeline(&pipeline).unwrap_err(), wrong);
    let mut archive = other.to_archive().unwrap();
    archive.insert_pipeline(&pipeline);
    assert_eq!(Mlp::<f64>::from_archive_with_pipeline(&archive).unwrap_err(), wrong);
    assert_eq!(other.predictor_with(&pipeline).unwrap_err(), wrong);
    // What is of f64 may not fit f32.
    let wide = Pipeline::fit(&[Preparation::Standardize], &matrix![[1e300, 0.0]]).unwrap();
    let mut archive = Archive::new();
    archive.insert_pipeline(&wide);
    assert!(archive.pipeline::<f32>().is_err() && archive.pipeline::<f64>().is_ok());
}

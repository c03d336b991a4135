//! Settings and objectives that make no sense together.

use mlp::{EarlyStopping, Error, Model, Optimizer, ParameterGroup, Trainer, Training};
use tape::{Matrix, Tape, matrix};

use crate::support::{bits, examples, network};

fn adam() -> Training<f64> {
    Training::new(Optimizer::adam(0.1).unwrap())
}

#[test]
fn numbers_that_make_no_sense() {
    for refused in [
        adam().clip_norm(0.0),
        adam().clip_norm(f64::INFINITY),
        adam().clip_value(-1.0),
        adam().l1(f64::NAN),
        adam().average(1.0),
        adam().average(-0.1),
        adam().accumulate(0),
        adam().label_smoothing(1.0),
    ] {
        assert!(matches!(refused, Err(Error::Hyperparameter { .. })), "{refused:?}");
    }
    let single = Training::<f32>::new(Optimizer::adam(0.1).unwrap());
    assert!(matches!(single.clone().average(1.0 - 1e-12), Err(Error::Hyperparameter { .. })));
    assert!(matches!(single.clone().l1(1e-60), Err(Error::Hyperparameter { .. })));
    assert!(matches!(single.clip_value(1e-60), Err(Error::Hyperparameter { .. })));
    for refused in [
        ParameterGroup::of(["W[1]"]).rate_factor(0.0),
        ParameterGroup::of(["W[1]"]).l1(-1.0),
        ParameterGroup::of(["W[1]"]).l2(f64::INFINITY),
        ParameterGroup::of(["W[1]"]).weight_decay(f64::NAN),
    ] {
        assert!(matches!(refused, Err(Error::Hyperparameter { .. })), "{refused:?}");
    }
}

#[test]
fn settings_that_do_not_go_together() {
    let (x, y) = examples(6, 1);
    let refused = |training: Training<f64>| {
        let mut trained = network(1);
        let error = training.fit(&mut trained, &x, &y).unwrap_err();
        assert_eq!(bits(&trained), bits(&network::<f64>(1)));
        error.to_string()
    };
    let stopping = EarlyStopping::new(2, 0.0).unwrap();
    let text = refused(adam().average(0.9).unwrap().early_stopping(stopping));
    assert!(text.starts_with("training: early stopping: ") && text.contains("validation part"), "{text}");
    let text = refused(adam().group(ParameterGroup::of(["W[3]"])).unwrap());
    assert_eq!(text, "the network has no parameter \"W[3]\"");
    let all = ["W[1]", "b[1]", "W[2]", "b[2]"];
    let text = refused(adam().group(ParameterGroup::of(all).frozen()).unwrap());
    assert_eq!(text, "training: parameters: there are none to train, or all are frozen");
    let twice =
        adam().group(ParameterGroup::of(["W[1]"])).unwrap().group(ParameterGroup::of(["b[1]", "W[1]"]));
    assert_eq!(
        twice.unwrap_err().to_string(),
        "training: groups: \"W[1]\" is in two groups, or twice in one"
    );
    assert!(adam().group(ParameterGroup::of(["W[1]", "W[1]"])).is_err());
}

#[test]
fn objectives_that_make_no_sense() {
    let tape = Tape::<f64>::new();
    let (x, y) = (tape.examples_unbound("x", 1), tape.examples_unbound("y", 1));
    let a = tape.parameter("a", &matrix![[1.0]]);
    let j = (a * x - y).square().mean();
    let refused = |model: Model<'_, f64>, training: &Training<f64>| {
        Trainer::new(model, training).map(|_| ()).unwrap_err().to_string()
    };
    let (px, py) = (Matrix::zeros(1, 4), Matrix::zeros(1, 5));
    let text = refused(Model::new(j, [a]).examples(x, px.clone()).examples(y, py), &adam());
    assert!(text.contains('5') && text.contains('4'), "{text}");
    let text = refused(Model::new(j, [a]).examples(x, Matrix::zeros(2, 4)), &adam());
    assert!(text.contains("2×4"), "{text}");
    assert!(refused(Model::new(j, [a, a]), &adam()).contains("a is there twice"));
    assert!(refused(Model::new(j, []), &adam()).contains("there are none to train"));
    let text = refused(Model::new(j, [a]), &adam().batches(2, 1).unwrap());
    assert_eq!(text, "training: batches: the model has no examples to cut into batches");
    let text = refused(Model::new(a * x, [a]).examples(x, px.clone()), &adam());
    assert!(text.contains("1×m"), "{text}");
    let text = refused(Model::new(j, [a]).examples(a, px), &adam());
    assert!(text.contains("no columns that are examples") || text.contains("1×1"), "{text}");
    let twice = Model::new(j, [a]).examples(x, Matrix::zeros(1, 4)).examples(x, Matrix::zeros(1, 4));
    assert_eq!(refused(twice, &adam()), "training: examples: x is there twice");
    let other = Tape::<f64>::new();
    let foreign = other.parameter("f", &matrix![[1.0]]);
    assert!(refused(Model::new(j, [foreign]), &adam()).contains("tape"));
}

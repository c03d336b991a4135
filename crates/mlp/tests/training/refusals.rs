//! Settings and objectives that make no sense together.

use mlp::{EarlyStopping, Error, Model, Optimizer, ParameterGroup, Scalar, Trainer, Training};
use tape::{Matrix, Tape, Var, matrix};

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
    assert!(matches!(single.clone().clip_norm(1e-60), Err(Error::Hyperparameter { .. })));
    assert!(matches!(single.clone().clip_norm(1e60), Err(Error::Hyperparameter { .. })));
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
    assert_eq!(text, "model: examples: a is no leaf whose columns are examples");
    let twice = Model::new(j, [a]).examples(x, Matrix::zeros(1, 4)).examples(x, Matrix::zeros(1, 4));
    assert_eq!(refused(twice, &adam()), "training: examples: x is there twice");
    let other = Tape::<f64>::new();
    let foreign = other.parameter("f", &matrix![[1.0]]);
    assert!(refused(Model::new(j, [foreign]), &adam()).contains("tape"));
}

/// Each variable that a model is given is looked at, and named if it cannot be what it is given as.
fn variables_that_are_no_such_thing<T: Scalar>() {
    let (tape, other) = (Tape::<T>::new(), Tape::<T>::new());
    let (x, y) = (tape.examples_unbound("x", 1), tape.examples_unbound("y", 1));
    let unused = tape.examples_unbound("unused", 1);
    let one = matrix![[T::ONE]];
    let [a, b, c] = ["a", "b", "c"].map(|name| tape.parameter(name, &one));
    let constant = tape.constant("k", &one);
    let (f, fx) = (other.parameter("f", &one), other.examples_unbound("fx", 1));
    let j = (a * x + b - y).square().mean();
    let points = || Matrix::zeros(1, 4);
    let model = || Model::new(j, [a, b]).examples(x, points()).examples(y, points());
    let refused = |model: Model<'_, T>, role: &str, name: &str| {
        let training = Training::new(Optimizer::adam(0.1).unwrap());
        let error = Trainer::new(model, &training).unwrap_err();
        let error = if let Error::Validation(error) = error { *error } else { error };
        let Error::Variable { role: found, name: of, .. } = &error else { panic!("{error}") };
        assert_eq!((*found, &**of), (role, name));
        assert!(error.to_string().starts_with(&format!("model: {role}: {name} ")), "{error}");
    };
    for (variable, name) in [(f, "f"), (c, "c"), (x, "x"), (constant, "k"), (j, "")] {
        let name = if variable == j { j.label() } else { name.to_owned() };
        refused(model().biases([b, variable]), "biases", &name);
    }
    for (variable, name) in [(f, "f"), (x, "x"), (constant, "k")] {
        refused(Model::new(j, [a, variable]), "parameters", name);
        refused(model().first(variable, one.clone()), "first", name);
        refused(model().table(variable, x), "table", name);
    }
    refused(model().first(c, one.clone()), "first", "c");
    refused(model().first(a, one.clone()).first(a, one.clone()), "first", "a");
    for (leaf, name) in [(fx, "fx"), (a, "a"), (constant, "k"), (unused, "unused")] {
        refused(model().examples(leaf, points()), "examples", name);
        refused(model().validation(leaf, points()), "validation", name);
    }
    refused(model().validation(x, points()), "validation", "y");
    refused(model().validation(x, points()).validation(x, points()), "validation", "x");
    refused(model().judged_by(f), "judged_by", "f");
    refused(model().judged_by(a * x), "judged_by", &(a * x).label());
    refused(model().table(a, x), "table", "a");
    refused(model().table(b, fx), "indices of a table", "fx");
    let training = Training::new(Optimizer::adam(0.1).unwrap());
    let mut trainer = Trainer::new(Model::new(j, [a, b]), &training).unwrap();
    for leaves in [[x, a], [x, x], [constant, y]] {
        let error = trainer.epoch_over(&leaves, [Ok(vec![points(), points()])]).unwrap_err();
        assert!(matches!(error, Error::Variable { role: "leaves of blocks", .. }), "{error}");
    }
    assert!(trainer.epoch_over(&[fx, y], [Ok(vec![points(), points()])]).is_err());
    assert_eq!(trainer.steps(), 0);
    trainer.epoch_over(&[x, y], [Ok(vec![points(), points()])]).unwrap();
}

#[test]
fn variables_are_looked_at() {
    variables_that_are_no_such_thing::<f64>();
    variables_that_are_no_such_thing::<f32>();
}

/// The gradient of a table is that of what is gathered: all of it, or the table is refused.
#[test]
fn tables_that_are_used_in_two_ways() {
    let tape = Tape::<f64>::new();
    let (item, other) = (tape.indices_unbound("item", 1), tape.indices_unbound("other", 1));
    let table = tape.parameter("E", &Matrix::zeros(1, 3));
    let gathered = table.gather(item);
    let refused = |j: Var<'_, f64>, table: Var<'_, f64>, by: Var<'_, f64>| {
        let model = Model::new(j, []).table(table, by);
        let error = Trainer::new(model, &adam()).unwrap_err();
        assert!(matches!(error, Error::Variable { role: "table", .. }), "{error}");
        error.to_string()
    };
    let alone = gathered.square().mean();
    assert!(Trainer::new(Model::new(alone, []).table(table, item), &adam()).is_ok());
    assert_eq!(refused(alone, table, other), "model: table: E is none that J gathers by these indices");
    let twice = Trainer::new(Model::new(alone, []).table(table, item).table(table, item), &adam());
    assert_eq!(twice.unwrap_err().to_string(), "model: table: E stands there twice");
    for j in [alone + table.square().sum(), (gathered - table.gather(other)).square().mean()] {
        let text = refused(j, table, item);
        assert_eq!(text, "model: table: E is used by J in another way than by these indices too");
    }
    // A table can be a bias, whenever that is said.
    for model in [
        Model::new(alone, [table]).biases([table]).table(table, item),
        Model::new(alone, []).table(table, item).biases([table]),
    ] {
        let l1 = adam().l1(0.5).unwrap();
        assert!(Trainer::new(model, &l1).is_ok(), "L1 does not pull at biases");
    }
}

/// What a setting of networks would be ignored by is refused.
#[test]
fn settings_of_networks_alone() {
    let tape = Tape::<f64>::new();
    let a = tape.parameter("a", &matrix![[1.0]]);
    let one = || matrix![[1.0]];
    for (training, setting) in [
        (adam().validation(one(), one()), "validation"),
        (adam().example_weights(one()), "weights"),
        (adam().balanced_classes(), "weights"),
        (adam().class_weights([1.0, 2.0]), "weights"),
        (adam().label_smoothing(0.1).unwrap(), "label smoothing"),
    ] {
        let error = Trainer::new(Model::new(a.square().sum(), [a]), &training).unwrap_err();
        assert!(matches!(error, Error::Setting { setting: found, .. } if found == setting), "{error}");
    }
}

#[test]
fn numbers_that_the_type_does_not_hold_or_that_are_none() {
    let tape = Tape::<f32>::new();
    let a = tape.parameter("a", &matrix![[1.0]]);
    let group = ParameterGroup::of(["a"]).l1(1e-60).unwrap();
    let training = Training::new(Optimizer::adam(0.1).unwrap()).group(group).unwrap();
    let model = || Model::new(a.square().sum(), [a]);
    let error = Trainer::new(model(), &training).unwrap_err();
    assert!(matches!(error, Error::Hyperparameter { name: "L1 λ", .. }), "{error}");
    let training = Training::new(Optimizer::adam(0.1).unwrap());
    for hostile in [f32::NAN, f32::INFINITY] {
        let error = Trainer::new(model().first(a, matrix![[hostile]]), &training).unwrap_err();
        assert!(matches!(error, Error::NonFiniteParameter { row: 0, column: 0, .. }), "{error}");
        let recorded = tape.parameter("w", &matrix![[0.0], [hostile]]);
        let error = Trainer::new(Model::new(recorded.square().sum(), [recorded]), &training).unwrap_err();
        assert!(matches!(error, Error::NonFiniteParameter { row: 1, column: 0, .. }), "{error}");
    }
}

/// Validation parts whose leaves do not go together are refused before the first epoch.
#[test]
fn validation_parts_of_two_lengths() {
    let tape = Tape::<f64>::new();
    let (x, y) = (tape.examples_unbound("x", 1), tape.examples_unbound("y", 1));
    let a = tape.parameter("a", &matrix![[1.0]]);
    let j = (a * x - y).square().mean();
    let of = |m: usize| Matrix::zeros(1, m);
    let model = |m_x, m_y| {
        let model = Model::new(j, [a]).examples(x, of(4)).examples(y, of(4));
        Trainer::new(model.validation(x, of(m_x)).validation(y, of(m_y)), &adam())
    };
    let Error::Validation(error) = model(2, 3).unwrap_err() else { panic!("of the validation part") };
    assert_eq!(*error, Error::Length { list: "examples of a leaf", expected: 2, found: 3 });
    let Error::Validation(error) = model(0, 0).unwrap_err() else { panic!("of the validation part") };
    assert_eq!(*error, Error::NoExamples { what: "J" });
    assert!(model(1, 1).is_ok());
}

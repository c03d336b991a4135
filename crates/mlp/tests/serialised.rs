//! Settings and results come back from JSON, and nothing comes from it that a constructor would refuse.

use mlp::search::{FoldScores, Goal, GridSearch, SearchTable};
use mlp::{
    Activation, ConfusionMatrix, EarlyStopping, Error, History, Init, Loss, Losses, Mlp, Optimizer,
    ParameterGroup, ParameterKind, Schedule, Split, Standardizer, Training, Verdict,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tape::{Function, Matrix, matrix};

#[track_caller]
fn comes_back<V: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &V, json: &str) {
    let text = serde_json::to_string(value).unwrap();
    assert_eq!(text, json);
    assert_eq!(&serde_json::from_str::<V>(&text).unwrap(), value);
    // From what was read before, where texts cannot be borrowed.
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(&serde_json::from_value::<V>(read).unwrap(), value);
}

#[track_caller]
fn is_refused<V: DeserializeOwned>(json: &str, reason: &str) {
    let error = serde_json::from_str::<V>(json).err().expect("it is refused").to_string();
    assert!(error.contains(reason), "{error}");
}

#[test]
fn names_are_those_that_are_printed() {
    for loss in Loss::ALL {
        comes_back(&loss, &format!("{:?}", loss.name()));
    }
    for init in Init::ALL {
        comes_back(&init, &format!("{:?}", init.name()));
    }
    for g in Activation::<f64>::all() {
        comes_back(&g, &format!("\"{g}\""));
    }
    comes_back(&Activation::Elu(0.1_f32), "\"elu(0.10000000149011612)\"");
    comes_back(&ParameterKind::Bias, "\"bias\"");
    comes_back(&Verdict::Improved, "\"improved\"");
    is_refused::<Loss>("\"hinge\"", "loss: \"hinge\" is not known");
    is_refused::<Activation<f32>>("\"elu(1e300)\"", "elu is 1e300");
    is_refused::<Activation<f64>>("\"custom: swish\"", "is not known");
    let own = Activation::Custom(Function::new("swish", |z: f64| z));
    let error = serde_json::to_string(&own).unwrap_err().to_string();
    assert_eq!(error, "activation swish is a function of the user's own");
}

#[test]
fn optimizers_are_looked_at() {
    let descent = Optimizer::gradient_descent(0.1).unwrap();
    comes_back(&descent, r#"{"rule":{"name":"gradient_descent"},"rate":0.1,"l2":0.0}"#);
    let momentum = Optimizer::momentum(0.1, 0.9).unwrap().with_l2(1e-3).unwrap();
    comes_back(&momentum, r#"{"rule":{"name":"momentum","beta":0.9},"rate":0.1,"l2":0.001}"#);
    let adam = Optimizer::adam_with(0.01, 0.8, 0.99, 1e-7).unwrap();
    let json = r#"{"rule":{"name":"adam","beta_1":0.8,"beta_2":0.99,"epsilon":1e-7},"rate":0.01,"l2":0.0}"#;
    comes_back(&adam, json);
    for (from, to, reason) in [
        ("\"rate\":0.01", "\"rate\":0.0", "rate is 0"),
        ("\"beta_1\":0.8", "\"beta_1\":1.0", "β₁ is 1"),
        ("\"epsilon\":1e-7", "\"epsilon\":-1.0", "ε is -1"),
        ("\"l2\":0.0", "\"l2\":-1.0", "λ is -1"),
        ("\"l2\":0.0", "\"l2\":0.0,\"l1\":1.0", "unknown field"),
        ("\"adam\"", "\"adamax\"", "unknown variant"),
    ] {
        is_refused::<Optimizer>(&json.replace(from, to), reason);
    }
}

#[test]
fn a_stopping_is_kept_in_the_middle() {
    let mut stopping = EarlyStopping::new(2, 0.5).unwrap();
    comes_back(&stopping, r#"{"patience":2,"min_delta":0.5,"observed":0,"best":null}"#);
    for loss in [3.0, 2.0, 1.75] {
        stopping.observe(loss);
    }
    let json = r#"{"patience":2,"min_delta":0.5,"observed":3,"best":[1,2.0]}"#;
    comes_back(&stopping, json);
    let mut again: EarlyStopping = serde_json::from_str(json).unwrap();
    assert_eq!(again.observe(1.75), Verdict::Stop);
    for (from, to, reason) in [
        ("\"patience\":2", "\"patience\":0", "patience is 0"),
        ("0.5", "-0.5", "min_delta is -0.5"),
        ("[1,2.0]", "[3,2.0]", "the best epoch is 3"),
        (":3", ":18446744073709551615", "the number of epochs observed is"),
    ] {
        is_refused::<EarlyStopping>(&json.replace(from, to), reason);
    }
}

#[test]
fn trainings_and_histories_come_back() {
    let mut history = History::new();
    history.push(Losses { training: 0.1 + 0.2, validation: None });
    history.push(Losses { training: 1e-300, validation: Some(0.5) });
    let json = r#"[{"training":0.30000000000000004,"validation":null},{"training":1e-300,"validation":0.5}]"#;
    comes_back(&history, json);

    let training = Training::<f64>::new(Optimizer::adam(0.05).unwrap())
        .epochs(3)
        .batches(2, 7)
        .unwrap()
        .early_stopping(EarlyStopping::new(2, 0.0).unwrap())
        .validation(matrix![[0.5], [1.0]], matrix![[1.0]]);
    let json = serde_json::to_string(&training).unwrap();
    comes_back(&training, &json);
    let again: Training<f64> = serde_json::from_str(&json).unwrap();
    let build = || Mlp::new(2).layer(3, Activation::Tanh).layer(1, Activation::Sigmoid).build().unwrap();
    let (mut first, mut second) = (build(), build());
    let (x, y) = (matrix![[0.0, 0.0, 1.0], [0.0, 1.0, 0.0]], matrix![[0.0, 1.0, 1.0]]);
    assert_eq!(training.fit(&mut first, &x, &y), again.fit(&mut second, &x, &y));
    assert_eq!(first, second);
    is_refused::<Training<f64>>(&json.replace("\"batch\":2", "\"batch\":0"), "batch size is 0");
    is_refused::<Training<f64>>(&json.replace("\"rate\":0.05", "\"rate\":-0.05"), "rate is -0.05");
    let slow = ParameterGroup::of(["W[1]"]).rate_factor(0.1).unwrap().l2(0.5).unwrap();
    let all = training
        .schedule(Schedule::cosine(0.1).unwrap().warm_up(2.0).unwrap())
        .clip_norm(1.0)
        .and_then(|training| training.clip_value(0.5))
        .and_then(|training| training.accumulate(2))
        .and_then(|training| training.l1(0.25))
        .and_then(|training| training.average(0.75))
        .and_then(|training| training.group(slow))
        .and_then(|training| training.label_smoothing(0.125))
        .unwrap()
        .class_weights([1.0, 3.0])
        .example_weights(matrix![[1.0, 2.0, 3.0]]);
    let json = serde_json::to_string(&all).unwrap();
    comes_back(&all, &json);
    for (from, to, reason) in [
        ("\"least\":0.1", "\"least\":1.5", "schedule's f is 1.5"),
        ("\"warm_up\":2.0", "\"warm_up\":-2.0", "warm-up is -2"),
        ("\"most_norm\":1.0", "\"most_norm\":0.0", "greatest norm is 0"),
        ("\"accumulated\":2", "\"accumulated\":0", "accumulated batches is 0"),
        ("\"l1\":0.25", "\"l1\":-1.0", "L1 λ is -1"),
        ("\"average\":0.75", "\"average\":1.0", "average's β is 1"),
        ("\"rate\":0.1", "\"rate\":0.0", "rate factor is 0"),
        ("\"label_smoothing\":0.125", "\"label_smoothing\":1.0", "smoothing's ε is 1"),
    ] {
        assert!(json.contains(from), "{json}");
        is_refused::<Training<f64>>(&json.replace(from, to), reason);
    }
    let own = Training::<f64>::new(Optimizer::adam(0.05).unwrap()).schedule(Schedule::own(|_| 1.0));
    assert!(serde_json::to_string(&own).is_err(), "a function cannot be written down");
    for optimizer in [
        Optimizer::nesterov(0.1, 0.9).unwrap(),
        Optimizer::rms_prop(0.01).unwrap(),
        Optimizer::adagrad(0.1).unwrap(),
        Optimizer::adam_w(0.01, 0.1).unwrap(),
        Optimizer::lion(0.001).unwrap(),
    ] {
        comes_back(&optimizer, &serde_json::to_string(&optimizer).unwrap());
    }
    comes_back(&Split { train: vec![2, 0], test: vec![1] }, r#"{"train":[2,0],"test":[1]}"#);
}

#[test]
fn counts_have_a_place_for_every_class() {
    let confusion = ConfusionMatrix::from_classes(&[0, 1, 2, 0], &[0, 2, 2, 1], 3).unwrap();
    let confusion = confusion.with_names(&["a", "b", "c"]).unwrap();
    let json = r#"{"names":["a","b","c"],"counts":[[1,1,0],[0,0,1],[0,0,1]]}"#;
    comes_back(&confusion, json);
    comes_back(&ConfusionMatrix::from_classes(&[], &[], 0).unwrap(), r#"{"names":[],"counts":[]}"#);
    is_refused::<ConfusionMatrix>(&json.replace("[1,1,0],", ""), "3 values are needed, 2 were given");
    is_refused::<ConfusionMatrix>(&json.replace("[1,1,0]", "[1,1,0,0]"), "3 values are needed, 4 were given");
    is_refused::<ConfusionMatrix>(&json.replace("[1,1,0]", "[18446744073709551615,1,0]"), "confusion matrix");
    let weighted =
        |weights: &str| format!(r#"{{"names":["a","b"],"counts":[[1,1],[0,1]],"weights":{weights}}}"#);
    let sum = "add up to inf";
    is_refused::<ConfusionMatrix>(&weighted("[[1.7e308,1.7e308],[0,1]]"), sum);
}

#[test]
fn a_standardiser_keeps_what_it_computes_with() {
    let x = Matrix::from_fn(2, 3, |i, j| 1e6 + 0.0625 * [0.0, 1.0, 1.0][j] as f32 * (i + 1) as f32);
    let standardizer = Standardizer::fit(&x).unwrap();
    let json = serde_json::to_string(&standardizer).unwrap();
    comes_back(&standardizer, &json);
    let again: Standardizer<f32> = serde_json::from_str(&json).unwrap();
    assert_eq!(again.transform(&x).unwrap(), standardizer.transform(&x).unwrap());
    is_refused::<Standardizer<f64>>(r#"{"mean":[0.0],"scale":[]}"#, "scale: 1 values are needed");
    is_refused::<Standardizer<f64>>(r#"{"mean":[0.0],"scale":[0.0]}"#, "feature 0 does not fit f64");
    is_refused::<Standardizer<f32>>(r#"{"mean":[1e300],"scale":[1.0]}"#, "feature 0 does not fit f32");
}

/// A table with an error, as JSON; what is read prints as what was written.
#[test]
fn tables_of_a_search_are_looked_at() {
    let search = GridSearch::new().over("rate", [0.1, 10.0, 1.0]).over("neurons", [8]).over("g", ["tanh"]);
    let table = search
        .run(Goal::Smallest, 2, |candidate, fold| match candidate.number("rate")? {
            rate if rate > 5.0 => Err(Error::Diverged { epoch: 3, j: f64::INFINITY, rate }),
            rate => Ok(rate + fold as f64),
        })
        .unwrap();
    let json = serde_json::to_string(&table).unwrap();
    let row = |rate: &str, scores: &str| {
        format!(
            r#"{{"candidate":{{"rate":{{"number":{rate}}},"neurons":{{"count":8}},"g":{{"text":"tanh"}}}},"scores":{scores}}}"#
        )
    };
    let [first, second] = [row("0.1", r#"{"folds":[0.1,1.1]}"#), row("1.0", r#"{"folds":[1.0,2.0]}"#)];
    let text = "training: J is inf in epoch 3 with rate 10: try a smaller rate, or features and labels of a smaller scale";
    let last = row("10.0", &format!(r#"{{"error":{{"fold":0,"text":"{text}"}}}}"#));
    let of = |rows: &[&str]| format!(r#"{{"rows":[{}]}}"#, rows.join(","));
    assert_eq!(json, of(&[&first, &second, &last]));
    let again: SearchTable = serde_json::from_str(&json).unwrap();
    assert_eq!(again.to_string(), table.to_string());
    assert_eq!(again.rows()[..2], table.rows()[..2]);
    assert_eq!(again.best(), table.best());
    let told = Error::Told { text: text.into() };
    assert_eq!(again.rows()[2].scores, Err(Error::Fold { fold: 0, error: Box::new(told) }));
    comes_back(&again, &json);
    // The best is the largest where that was asked for; no rows at all are a table.
    comes_back(
        &serde_json::from_str::<SearchTable>(&of(&[&second, &first])).unwrap(),
        &of(&[&second, &first]),
    );
    comes_back(&serde_json::from_str::<SearchTable>(&of(&[])).unwrap(), &of(&[]));
    let refused = |rows: &[&str], reason: &str| is_refused::<SearchTable>(&of(rows), reason);
    refused(&[&last, &first], "stands before one without");
    refused(&[&first, &second, &first], "in no order");
    refused(&[&first, &second.replace("[1.0,2.0]", "[1.0]")], "on as many folds");
    refused(&[&first, &second.replace("neurons", "layers")], "other hyperparameters");
    refused(&[&first, &second.replace(r#","g":{"text":"tanh"}"#, "")], "other hyperparameters");
    refused(&[&first.replace("neurons", "rate")], "rate stands twice");
    refused(&[&first.replace("[0.1,1.1]", "[]")], "at least one example");
    refused(&[&first.replace("1.1", "null")], "null");
    refused(&[&first.replace(r#""number":0.1"#, r#""number":null"#)], "null");
    refused(&[&first.replace(r#""count":8"#, r#""count":-8"#)], "-8");
    refused(&[&first.replace("count", "whole")], "unknown variant");
    refused(&[&first.replace("folds", "fold")], "unknown variant");
    refused(&[&first.replace("scores", "score")], "unknown field");
    comes_back(&Goal::Largest, "\"largest\"");
}

/// JSON has no number for them: one such value once made the whole table unreadable.
#[test]
fn infinite_values_of_a_search_come_back() {
    let search = GridSearch::new().over("limit", [1.0, f64::INFINITY, f64::NEG_INFINITY]);
    let run = |goal| {
        search.run(goal, 2, |candidate, fold| Ok(if fold == 0 { candidate.number("limit")? } else { 2.0 }))
    };
    let row = |limit: &str| {
        format!(r#"{{"candidate":{{"limit":{{"number":{limit}}}}},"scores":{{"folds":[{limit},2.0]}}}}"#)
    };
    let [least, one, most] = [r#""-inf""#, "1.0", r#""inf""#].map(row);
    let table = |rows: [&str; 3]| format!(r#"{{"rows":[{}]}}"#, rows.join(","));
    comes_back(&run(Goal::Smallest).unwrap(), &table([&least, &one, &most]));
    comes_back(&run(Goal::Largest).unwrap(), &table([&most, &one, &least]));
    // As numbers may be written by hand.
    assert_eq!(
        serde_json::from_str::<FoldScores>("[-2, 3]").unwrap(),
        FoldScores::new(vec![-2.0, 3.0]).unwrap()
    );
    let whole = table([&least, &one, &most]).replace("1.0", "1").replace("2.0", "2");
    assert_eq!(serde_json::from_str::<SearchTable>(&whole).unwrap(), run(Goal::Smallest).unwrap());
    for (score, reason) in [
        (r#""NaN""#, "it is NaN"),
        ("null", "null"),
        (r#""infinity""#, r#"a number, "inf", "-inf" or "NaN""#),
        (r#""1""#, "expected a number"),
        ("[]", "expected a number"),
    ] {
        is_refused::<SearchTable>(
            &table([&least, &one.replace("[1.0", &format!("[{score}")), &most]),
            reason,
        );
    }
    is_refused::<SearchTable>(
        &table([&least, &one, &most]).replacen(r#""-inf""#, r#""NaN""#, 1),
        "limit has the value NaN",
    );
}

/// JSON has no number for them: J is one of them where a training goes wrong.
#[test]
fn losses_that_are_not_finite_come_back() {
    let mut history = History::new();
    history.push(Losses { training: f64::INFINITY, validation: Some(f64::NEG_INFINITY) });
    history.push(Losses { training: 0.5, validation: Some(f64::INFINITY) });
    history.push(Losses { training: f64::NEG_INFINITY, validation: None });
    let json = r#"[{"training":"inf","validation":"-inf"},{"training":0.5,"validation":"inf"},{"training":"-inf","validation":null}]"#;
    comes_back(&history, json);
    // A validation part that gives NaN is not one that is missing.
    let json = r#"{"training":"NaN","validation":"NaN"}"#;
    let losses: Losses = serde_json::from_str(json).unwrap();
    assert!(losses.training.is_nan() && losses.validation.is_some_and(f64::is_nan), "{losses:?}");
    assert_eq!(serde_json::to_string(&losses).unwrap(), json);
    let expected = Losses { training: 0.5, validation: None };
    assert_eq!(serde_json::from_str::<Losses>(r#"{"training":0.5}"#).unwrap(), expected);
    is_refused::<Losses>(r#"{"validation":0.5}"#, "missing field `training`");
    is_refused::<Losses>(r#"{"training":null,"validation":0.5}"#, "null");

    let mut stopping = EarlyStopping::new(2, 0.0).unwrap();
    stopping.observe(f64::INFINITY);
    comes_back(&stopping, r#"{"patience":2,"min_delta":0.0,"observed":1,"best":[0,"inf"]}"#);
    let json = r#"{"patience":2,"min_delta":0.0,"observed":1,"best":[0,"NaN"]}"#;
    is_refused::<EarlyStopping>(json, "the best loss is NaN");
    is_refused::<EarlyStopping>(&json.replace("0.0", r#""inf""#), "expected f64");
}

//! What scipy found: `golden/minimize.json`.

use serde_json::Value;

pub(crate) fn list(name: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("../golden/minimize.json")).unwrap();
    file[name].as_array().unwrap().clone()
}

pub(crate) fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

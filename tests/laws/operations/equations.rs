//! Every equation that the table of operations leads to, with derivatives of orders 1 and 2, is read back as the entry that it
//! was printed of.

use std::collections::{BTreeMap, BTreeSet};

use tape::{Entry, EquationMistake, FunctionKind, OperationKind, Reduction, Scalar, Tape, Zip};

use super::{Row, function_row, reduction_row, row, sizes, zip_row};
use crate::support::laws;
use tape::check::Random;

/// How many equations were read, and how many of them are of another entry that is printed alike.
#[derive(Debug, Clone, Default)]
struct Seen {
    same: usize,
    alike: BTreeMap<String, usize>,
}

/// The definition.
fn right_side<T: Scalar>(entry: Entry<'_, T>) -> String {
    let equation = entry.var().equation().with_function_names().to_string();
    equation.split_once(" = ").map_or(equation.clone(), |(_, right)| right.to_owned())
}

/// Whether what is read may be another entry: the limits that `EquationReader` tells of.
fn is_a_limit<T: Scalar>(entry: Entry<'_, T>) -> Option<&'static str> {
    let mut below = vec![entry];
    let mut seen = 0;
    while let Some(entry) = below.pop() {
        seen += 1;
        if seen > 2000 {
            return None;
        }
        let parameters = entry.parameters();
        let has = |word: &str| parameters.iter().any(|(_, value)| value.to_string() == word);
        match entry.kind() {
            OperationKind::Broadcast => return Some("a repetition"),
            OperationKind::SigmoidMinus => return Some("what labels may be"),
            OperationKind::Softmax if has("minus") => return Some("what labels may be"),
            OperationKind::Map if has("WholePower") && has("2") => return Some("x² as a whole power"),
            _ => below.extend(entry.operands()),
        }
    }
    None
}

/// The harness gives two leaves one name: a name that is shared says not which one is meant.
fn name_apart<T: Scalar>(tape: &Tape<T>) {
    let mut known = BTreeSet::new();
    for entry in tape.entries() {
        if let Some(name) = entry.name()
            && !known.insert(name.clone())
        {
            let _ = entry.var().named(format!("{name}[{}]", entry.index()));
        }
    }
}

fn read_row<T: Scalar>(row: &Row<T>, seen: &mut Seen) {
    let random = &mut Random::new(3);
    for size in sizes(row.sizes).filter(|size| size.n * size.m <= 6) {
        for case in (row.cases)(size) {
            let tape = Tape::<T>::new();
            if laws::record(&case, &tape, size.m, random).is_none() {
                continue;
            }
            name_apart(&tape);
            let length = tape.len();
            let reader = tape.reader();
            for entry in (0..length).filter_map(|index| tape.entry(index)) {
                if entry.leaf_kind().is_some() {
                    continue;
                }
                let text = entry.var().equation().with_function_names().to_string();
                let read = match reader.read(&text) {
                    Ok(read) => read.right.entry().unwrap(),
                    Err(error) if matches!(error.mistake(), EquationMistake::Cut) => continue,
                    Err(error) => panic!("{case}: {text}\n{error}\n{tape}"),
                };
                if read == entry {
                    seen.same += 1;
                    continue;
                }
                if entry.kind() == OperationKind::Broadcast {
                    *seen.alike.entry("a repetition alone".to_owned()).or_default() += 1;
                    continue;
                }
                let limit = is_a_limit(entry).or_else(|| is_a_limit(read));
                assert_eq!(right_side(read), right_side(entry), "{case}\n{tape}");
                let Some(limit) = limit else { panic!("{case}: {text}\nis read as {read:?}\n{tape}") };
                *seen.alike.entry(limit.to_owned()).or_default() += 1;
            }
        }
    }
}

#[test]
fn every_equation_is_read_back() {
    let mut seen = Seen::default();
    for &kind in OperationKind::ALL {
        let before = seen.same;
        read_row(&row::<f64>(kind), &mut seen);
        read_row(&row::<f32>(kind), &mut seen);
        assert!(seen.same > before || kind == OperationKind::Leaf, "{kind:?}");
    }
    for &zip in Zip::ALL {
        read_row(&zip_row::<f64>(zip), &mut seen);
    }
    for &reduction in Reduction::ALL {
        read_row(&reduction_row::<f64>(reduction), &mut seen);
    }
    println!("{seen:?}");
}

#[test]
fn every_function_in_an_equation_is_read_back() {
    let mut seen = Seen::default();
    for &kind in FunctionKind::ALL {
        let before = seen.same;
        read_row(&function_row::<f64>(kind).row(), &mut seen);
        read_row(&function_row::<f32>(kind).row(), &mut seen);
        assert!(seen.same > before, "{kind:?}");
    }
    println!("{seen:?}");
}

//! Every operation of the table is read as it was written, with its derivatives of orders 1 and 2.

use tape::{Error, FunctionKind, OperationKind, Reduction, Scalar, Tape, Zip};

use super::{Row, function_row, reduction_row, row, sizes, zip_row};
use crate::json::read_again;
use crate::support::laws;
use tape::check::Random;

/// How many cases there were, whether one of them had what the row is for, and how many numbers were compared.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    cases: usize,
    is_there: bool,
    compared: u64,
}

fn read_row<T: Scalar>(row: &Row<T>, is_it: impl Fn(tape::Entry<'_, T>) -> bool, is_own: bool) -> Seen {
    let random = &mut Random::new(3);
    let mut seen = Seen::default();
    for size in sizes(row.sizes).filter(|size| size.n * size.m <= 9) {
        for case in (row.cases)(size) {
            let tape = Tape::<T>::new();
            let Some(recorded) = laws::record(&case, &tape, size.m, random) else { continue };
            seen.cases += 1;
            seen.is_there |= tape.entries().any(&is_it);
            if is_own {
                let read = Tape::<T>::from_json(&tape.to_json());
                assert!(
                    matches!(read, Err(Error::Unreadable(found)) if found.reason.contains("of the user's own"))
                );
                continue;
            }
            let (again, compared) = read_again(&tape, size.m).unwrap_or_else(|what| panic!("{case}: {what}"));
            seen.compared += compared;
            recorded.is_found_on(&case, &again);
        }
    }
    seen
}

fn check<K: Copy + std::fmt::Debug>(kinds: &[K], read: impl Fn(K) -> [Seen; 2], is_own: impl Fn(K) -> bool) {
    for &kind in kinds {
        for seen in read(kind) {
            assert!(seen.cases > 0 && seen.is_there, "{kind:?}: {seen:?}");
            assert!(is_own(kind) || seen.compared > 0, "{kind:?}: no program ran");
        }
    }
}

#[test]
fn every_operation_is_read_again() {
    fn read<T: Scalar>(kind: OperationKind) -> Seen {
        read_row(&row::<T>(kind), |entry| entry.kind() == kind, kind == OperationKind::Custom)
    }
    check(OperationKind::ALL, |kind| [read::<f64>(kind), read::<f32>(kind)], |k| k == OperationKind::Custom);
}

#[test]
fn every_elementwise_operation_and_reduction_is_read_again() {
    fn zip<T: Scalar>(zip: Zip) -> Seen {
        read_row(&zip_row::<T>(zip), |entry| entry.kind() == OperationKind::Zip, false)
    }
    check(Zip::ALL, |kind| [zip::<f64>(kind), zip::<f32>(kind)], |_| false);
    fn reduction<T: Scalar>(reduction: Reduction) -> Seen {
        read_row(&reduction_row::<T>(reduction), |entry| entry.kind() == OperationKind::Reduce, false)
    }
    check(Reduction::ALL, |kind| [reduction::<f64>(kind), reduction::<f32>(kind)], |_| false);
}

#[test]
fn every_function_is_read_again() {
    fn read<T: Scalar>(kind: FunctionKind) -> Seen {
        let word = format!("{kind:?}");
        let is_it = |entry: tape::Entry<'_, T>| {
            let word = tape::Parameter::Word(word.clone().into());
            entry.parameters().first().is_some_and(|(_, function)| *function == word)
        };
        read_row(&function_row::<T>(kind).row(), is_it, kind == FunctionKind::User)
    }
    check(FunctionKind::ALL, |kind| [read::<f64>(kind), read::<f32>(kind)], |k| k == FunctionKind::User);
}

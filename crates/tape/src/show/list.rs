//! The numbered list.

use std::fmt;

use crate::op::Op;
use crate::ops::leaf::LeafKind;
use crate::{Scalar, Tape};

/// The list: number, name, operation with its operands, shape; a line tells where each derivative's entries begin.
impl<T: Scalar> fmt::Display for Tape<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = self.list.borrow();
        let mut walk = 0;
        for id in 0..list.entries.len() as u32 {
            let (entry, note) = (list.entry(id), &list.notes[id as usize]);
            if note.walk != walk && note.walk != 0 {
                writeln!(f, "      ── recorded by differentiation {} at {}", note.walk, note.place)?;
            } else if note.walk != walk {
                writeln!(f, "      ── recorded by hand")?;
            }
            walk = note.walk;
            let operands: Vec<String> = entry.operands.iter().map(|operand| format!("%{operand}")).collect();
            let what = match &entry.op {
                Op::Leaf(leaf) => match list.leaves[leaf.index as usize].kind {
                    LeafKind::Parameter => "parameter".to_owned(),
                    LeafKind::Examples => "examples".to_owned(),
                    LeafKind::Constant => "constant".to_owned(),
                },
                Op::Number(number) => format!("number {}", number.0),
                Op::Scale(scale) => format!("{} · {}", scale.0, operands[0]),
                op => format!("{}({})", op.rule().name(), operands.join(", ")),
            };
            let label = list.label(id);
            let label = if label.starts_with('%') || entry.operands.is_empty() && note.name.is_none() {
                ""
            } else {
                &label
            };
            writeln!(f, "{:>5}  {label:<12}  {what:<32}  {}", format!("%{id}"), entry.shape)?;
        }
        Ok(())
    }
}

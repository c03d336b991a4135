//! The functions that generated source calls, and their constants: those that a text names, and
//! those that these name.

use crate::numbers::kernel::vector_math::real::{constants, half_pi};
use crate::numbers::kernel::vector_math::zeros;

use super::{Kernels, MultiplyAdd};

const TEXT: &str = include_str!("library.txt");

/// A function or a constant.
struct Item {
    name: String,
    text: String,
}

/// The number type and how it is rounded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers {
    pub(super) is_single: bool,
    pub(super) kernels: Kernels,
    pub(super) multiply_add: MultiplyAdd,
}

impl Numbers {
    pub(super) fn name(self) -> &'static str {
        if self.is_single { "f32" } else { "f64" }
    }

    /// A number as source has it.
    pub(super) fn literal(self, x: f64) -> String {
        let name = self.name();
        match (x.is_nan(), x.is_infinite()) {
            (true, _) => format!("{name}::NAN"),
            (_, true) if x < 0.0 => format!("{name}::NEG_INFINITY"),
            (_, true) => format!("{name}::INFINITY"),
            _ if self.is_single => format!("{:?}", x as f32),
            _ => format!("{x:?}"),
        }
    }

    /// A list of numbers, on one line if it is short.
    pub(super) fn list(self, numbers: impl IntoIterator<Item = f64>) -> String {
        const WIDTH: usize = 94;
        let numbers: Vec<String> = numbers.into_iter().map(|x| self.literal(x)).collect();
        let one_line = numbers.join(", ");
        if one_line.len() <= WIDTH / 2 {
            return format!("[{one_line}]");
        }
        let mut text = String::from("[");
        let mut line = WIDTH;
        for number in numbers {
            if line + number.len() > WIDTH {
                text.push_str("\n    ");
                line = 4;
            } else {
                text.push(' ');
            }
            line += number.len() + 2;
            text.push_str(&number);
            text.push(',');
        }
        text + "\n]"
    }
}

/// What a text needs, in the order of the library.
pub(super) fn needed_by(text: &str, numbers: Numbers) -> String {
    let items = items(numbers);
    let mut is_needed = vec![false; items.len()];
    let mut open: Vec<&str> = vec![text];
    while let Some(text) = open.pop() {
        for word in words(text) {
            if let Some(at) = items.iter().position(|item| item.name == word)
                && !std::mem::replace(&mut is_needed[at], true)
            {
                open.push(&items[at].text);
            }
        }
    }
    let needed = items.iter().zip(is_needed).filter(|(_, is_needed)| *is_needed);
    needed.map(|(item, _)| item.text.as_str()).collect::<Vec<_>>().join("\n")
}

/// The words of a text outside of its comments, but for names of methods.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let code = text.lines().map(|line| line.split("//").next().unwrap_or(""));
    code.flat_map(|line| {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let words = line.split(move |c: char| !is_word(c)).filter(|word| !word.is_empty());
        words.filter(move |word| {
            let at = word.as_ptr().addr() - line.as_ptr().addr();
            !line[..at].ends_with('.') || line[..at].ends_with("..")
        })
    })
}

/// The names of all items.
pub(super) fn names(numbers: Numbers) -> String {
    items(numbers).into_iter().map(|item| item.name).collect::<Vec<_>>().join(" ")
}

fn items(numbers: Numbers) -> Vec<Item> {
    let mut items = vec![lanes(numbers)];
    items.extend(tables(numbers));
    items.extend(multiply_add(numbers));
    for part in TEXT.split("\n#### ").skip(1) {
        let (head, text) = part.split_once('\n').expect("an item has a head");
        let (name, of) = head.split_once(' ').unwrap_or((head, numbers.name()));
        if of == numbers.name() || of == "any" {
            items.push(Item { name: name.to_owned(), text: in_type(text, numbers) });
        }
    }
    items
}

/// The text for a number type.
fn in_type(text: &str, numbers: Numbers) -> String {
    let (bits, digits, bias) = if numbers.is_single { ("u32", "23", "127") } else { ("u64", "52", "1023") };
    let replaced = [("Num", numbers.name()), ("Bits", bits), ("DIGITS", digits), ("BIAS", bias)];
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars().chain([' ']) {
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
            continue;
        }
        let known = replaced.iter().find(|(name, _)| *name == word);
        out.push_str(known.map_or(word.as_str(), |(_, by)| by));
        word.clear();
        out.push(c);
    }
    out.truncate(out.len() - 1);
    out.trim_end().to_owned() + "\n"
}

fn lanes(numbers: Numbers) -> Item {
    let lanes = numbers.kernels.lanes(numbers.is_single);
    Item { name: "LANES".into(), text: format!("/// Sums side by side.\nconst LANES: usize = {lanes};\n") }
}

fn multiply_add(numbers: Numbers) -> Vec<Item> {
    let of_type = |name: &str, by: &str, of: &str| {
        let (about, body) = match numbers.multiply_add {
            _ if !numbers.kernels.fused => ("rounded twice", "x * y + z".to_owned()),
            MultiplyAdd::Twice => ("rounded twice", "x * y + z".to_owned()),
            MultiplyAdd::Std => ("rounded once", "x.mul_add(y, z)".to_owned()),
            MultiplyAdd::Software => ("rounded once", format!("{by}(x, y, z)")),
        };
        let text = format!(
            "/// x·y + z, {about}.\n#[inline(always)]\nfn {name}(x: {of}, y: {of}, z: {of}) -> {of} {{\n    {body}\n}}\n"
        );
        Item { name: name.to_owned(), text }
    };
    let by = if numbers.is_single { "fused_of_double" } else { "fused_of_bits" };
    vec![of_type("fused", by, numbers.name()), of_type("fused_f64", "fused_of_bits", "f64")]
}

/// The constants of the functions.
fn tables(numbers: Numbers) -> Vec<Item> {
    let of = numbers.name();
    let number = |name: &str, x: f64| {
        let text = format!("const {name}: {of} = {};\n", numbers.literal(x));
        Item { name: name.to_owned(), text }
    };
    let list = |name: &str, all: &[f64]| {
        let text = format!("const {name}: [{of}; {}] = {};\n", all.len(), numbers.list(all.iter().copied()));
        Item { name: name.to_owned(), text }
    };
    let mut items: Vec<Item> = constants(numbers.is_single)
        .iter()
        .map(|(name, values)| match values[..] {
            [x] => number(name, x),
            ref all => list(name, all),
        })
        .collect();
    let halves = half_pi().map(|x| format!("{x:?}")).join(", ");
    items.push(Item {
        name: "HALF_PI".into(),
        text: format!("/// π/2 in parts.\nconst HALF_PI: [f64; 3] = [{halves}];\n"),
    });
    let zeros = [
        ("SILU_DERIVATIVE", zeros::SILU_DERIVATIVE.parts(numbers.is_single)),
        ("SILU_SECOND_DERIVATIVE", zeros::SILU_SECOND_DERIVATIVE.parts(numbers.is_single)),
    ];
    // In double precision for either type.
    let double = Numbers { is_single: false, ..numbers };
    let (at, radius, slopes) = zeros::GELU_TANH_DERIVATIVE.parts(false);
    let gelu = [("AT", at.to_vec()), ("RADIUS", vec![radius]), ("SLOPES", slopes)];
    for (part, all) in gelu {
        let name = format!("GELU_TANH_DERIVATIVE_{part}");
        let (count, list) = (all.len(), double.list(all));
        items.push(Item { text: format!("const {name}: [f64; {count}] = {list};\n"), name });
    }
    for (name, (at, radius, slopes)) in zeros {
        items.push(list(name, &slopes));
        items.push(list(&format!("{name}_AT"), &at));
        items.push(number(&format!("{name}_RADIUS"), radius));
    }
    items
}

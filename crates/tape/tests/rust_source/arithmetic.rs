//! Multiply-add and roots in whole numbers are those of the processor.

use std::process::Command;

use tape::{Matrix, RustSource, Scalar, Tape};

use crate::compiled::{folder, rustc};

/// Numbers of all kinds: random bits, and random bits with exponents near each other, and the ends.
const NUMBERS: &str = "
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let ends = [0.0, 1.0, Num::MIN_POSITIVE, Num::from_bits(1), Num::MAX, Num::INFINITY, Num::NAN, Num::EPSILON, 1.5];
    let mut number = move || {
        let bits = next();
        let near = bits as Bits & !(EXPONENT << DIGITS) | ((MIDDLE + (bits >> 32) as Bits % 64) << DIGITS);
        match bits % 16 {
            0 => ends[(bits >> 8) as usize % ends.len()] * if bits & 128 == 0 { 1.0 } else { -1.0 },
            1..4 => Num::from_bits((bits >> 5) as Bits),
            4..6 => Num::from_bits((bits >> 5) as Bits & (Bits::MAX >> 3)),
            _ => Num::from_bits(near),
        }
    };
    let same = |x: Num, y: Num| x.to_bits() == y.to_bits() || x.is_nan() && y.is_nan();
    for _ in 0..400_000 {
        let (x, y, z) = (number(), number(), number());
        assert!(same(fused(x, y, z), x.mul_add(y, z)), \"{x:e}*{y:e}+{z:e}: {:e}, not {:e}\", fused(x, y, z), x.mul_add(y, z));
        // Nearly all of the product cancels.
        let z = -(x * y);
        assert!(same(fused(x, y, z), x.mul_add(y, z)), \"{x:e}*{y:e}+{z:e}: {:e}, not {:e}\", fused(x, y, z), x.mul_add(y, z));
        assert!(same(square_root(x), x.sqrt()), \"{x:e}: {:e}, not {:e}\", square_root(x), x.sqrt());
    }
";

fn source<T: Scalar>() -> String {
    let tape = Tape::<T>::new();
    let x = tape.examples("X", &Matrix::filled(1, 1, T::ONE));
    let text = tape.compile([x.exp(), x.sqrt()]).unwrap().to_rust(&RustSource::new("f")).unwrap();
    let (bits, digits, exponent, middle) = match T::NAME {
        "f32" => ("u32", "23", "255", "96"),
        _ => ("u64", "52", "2047", "992"),
    };
    let check = NUMBERS.replace("Num", T::NAME).replace("Bits", bits).replace("DIGITS", digits);
    let check = check.replace("EXPONENT", exponent).replace("MIDDLE", middle);
    format!("mod {} {{\n{text}\npub fn check() {{{check}}}\n}}\n", T::NAME)
}

#[test]
fn arithmetic_in_whole_numbers_is_the_processor_s() {
    let folder = folder("arithmetic");
    let main = "fn main() {\n    f64::check();\n    f32::check();\n}\n";
    std::fs::write(folder.join("main.rs"), format!("{}{}{main}", source::<f64>(), source::<f32>())).unwrap();
    rustc(&folder, &["-C", "opt-level=1", "-A", "dead_code", "-o", "main", "main.rs"]);
    let output = Command::new(folder.join("main")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

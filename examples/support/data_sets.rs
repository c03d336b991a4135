//! The data that come with the examples (examples/data/README.md).
#![allow(dead_code, reason = "every example uses a part of it")]

use std::io::Read;

use mlp::Result;
use mlp::tables::{Csv, Header, Table};

/// The breast cancer data: a line `569,30,malignant,benign`, then rows of 30 features and the number of the class.
pub(crate) fn breast_cancer(bytes: &[u8]) -> Result<Table> {
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let classes: Vec<String> =
        String::from_utf8_lossy(first).split(',').skip(2).map(str::to_string).collect();
    let csv = Csv::new().skip(1).header(Header::No).columns(31).numbered_classes(classes);
    let mut table = csv.parse(bytes, "breast_cancer.csv")?;
    table.features = breast_cancer_features();
    table.target = "diagnosis".to_string();
    Ok(table)
}

/// Ten measures of the cell nuclei in an image, each as mean, standard error and mean of the three largest.
fn breast_cancer_features() -> Vec<String> {
    const MEASURES: [&str; 10] = [
        "radius",
        "texture",
        "perimeter",
        "area",
        "smoothness",
        "compactness",
        "concavity",
        "concave points",
        "symmetry",
        "fractal dimension",
    ];
    let of = |kind| MEASURES.iter().map(move |measure| format!("{kind} {measure}"));
    ["mean", "error of", "worst"].into_iter().flat_map(of).collect()
}

/// The digits, gzipped: rows of 8 × 8 pixels from 0 to 16, and the digit.
pub(crate) fn digits(gzipped: &[u8]) -> Result<Table> {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(gzipped).read_to_end(&mut bytes).expect("the file is gzipped");
    let names: Vec<String> = (0..10).map(|digit| digit.to_string()).collect();
    let mut table =
        Csv::new().header(Header::No).columns(65).numbered_classes(names).parse(&bytes, "digits.csv")?;
    table.features = (0..64).map(|pixel| format!("pixel {},{}", pixel / 8, pixel % 8)).collect();
    table.target = "digit".to_string();
    Ok(table)
}

//! A network is saved, and another process takes it from the file alone.
//!
//! The file holds the parameters, what the network is, and the standardiser of its data. It is one of the format safetensors, which
//! Python's package of this name reads too: `safetensors.numpy.load_file("breast_cancer.safetensors")`.
//!
//! Run it with `cargo run --release --example 13_save_and_load`.

use std::path::Path;
use std::process::Command;

#[path = "support/data_sets.rs"]
mod data_sets;

use mlp::files::{Archive, Npy};
use mlp::tables::Table;
use mlp::{Activation, Mlp, Optimizer, Result, Split, Standardizer, Training};

/// Says to the second process which folder the first one wrote.
const FOLDER: &str = "SAVE_AND_LOAD_FOLDER";

fn main() -> Result<()> {
    let table = data_sets::breast_cancer(include_bytes!("data/breast_cancer.csv"))?;
    if let Some(folder) = std::env::var_os(FOLDER) {
        return predict(&table, Path::new(&folder));
    }
    let folder = std::env::temp_dir().join(format!("save-and-load-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for temporary files");
    let written = train_and_save(&table, &folder);
    let program = std::env::current_exe().expect("the path of this program");
    let second = Command::new(program).env(FOLDER, &folder).status().expect("a second process");
    std::fs::remove_dir_all(&folder).expect("the folder was made above");
    assert!(second.success(), "the second process found something else");
    written
}

fn train_and_save(table: &Table, folder: &Path) -> Result<()> {
    let split = Split::every(table.y.columns(), 5)?;
    let standardizer = Standardizer::fit(&table.x.select_columns(&split.train))?;
    let x = standardizer.transform(&table.x)?;
    let mut network = Mlp::new(x.rows()).layer(16, Activation::Tanh).layer(1, Activation::Sigmoid).build()?;
    let (x_train, y_train) = (x.select_columns(&split.train), table.y.select_columns(&split.train));
    Training::new(Optimizer::adam(0.01)?.with_l2(1e-3)?).epochs(100).fit(&mut network, &x_train, &y_train)?;

    let mut archive = network.to_archive()?;
    archive.insert_standardizer(&standardizer);
    archive.set_text("description", "benign or malignant, by 30 measures of cell nuclei");
    let path = folder.join("breast_cancer.safetensors");
    archive.write(&path)?; // all of it or nothing, even if the process is killed
    Npy::of_matrix(&network.predict(&x)?).write(folder.join("predictions.npy"))?;
    println!("The first process trained and wrote {} bytes:", archive.to_bytes()?.len());
    for name in archive.names() {
        println!("  {name:<22}{:?}", archive.shape(name).unwrap_or_default());
    }
    archive.texts().for_each(|(key, text)| println!("  {key:<22}{text}"));
    Ok(())
}

/// In another process, which knows the path and nothing of how the network was made.
fn predict(table: &Table, folder: &Path) -> Result<()> {
    let archive = Archive::read(folder.join("breast_cancer.safetensors"))?;
    let network = Mlp::<f64>::from_archive(&archive)?;
    let standardizer = archive.standardizer()?.expect("it was saved with the network");
    let x = standardizer.transform(&table.x)?;
    let predictions = Npy::read(folder.join("predictions.npy"))?.matrix()?;
    assert_eq!(network.predict(&x)?, predictions, "other bits than in the first process");
    println!("\nThe second process has the same {} predictions, bit by bit.", predictions.columns());
    println!("{:.1} % of all examples are right.", 100.0 * network.accuracy(&x, &table.y)?);

    // A file that was damaged is refused.
    let mut bytes = archive.to_bytes()?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let error = Archive::from_bytes(&bytes).expect_err("a bit was changed");
    println!("\nWith one bit changed: {error}");
    Ok(())
}

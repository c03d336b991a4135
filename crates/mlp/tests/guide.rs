//! The figures of the guide: what rustdoc holds is what a forge shows, and every chapter has its own.

use std::fs;
use std::path::PathBuf;

fn guide() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide")
}

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(guide().join(folder)).unwrap();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .collect();
    found.sort();
    found
}

/// What a percent-encoded text says.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            plain => plain,
        });
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_figure_is_the_same_as_a_file_and_as_a_uri() {
    let figures = files("figures", "svg");
    assert_eq!(figures.len(), 8);
    for figure in figures {
        let uri = fs::read_to_string(figure.with_extension("uri")).unwrap();
        let encoded = uri.strip_prefix("data:image/svg+xml,").unwrap();
        assert!(
            encoded.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>()\"#".contains(&byte)),
            "{figure:?}"
        );
        assert_eq!(decoded(encoded), fs::read_to_string(&figure).unwrap(), "run docs/guide/figures/draw.py");
    }
}

#[test]
fn every_chapter_has_a_figure_an_exercise_and_a_way_on() {
    let module = include_str!("../src/guide.rs");
    let contents = fs::read_to_string(guide().join("README.md")).unwrap();
    for (folder, exercise, chapters) in [("", "## Exercise", 8), ("es", "## Ejercicio", 4)] {
        let mut files = files(folder, "md");
        files.retain(|file| !file.ends_with("README.md"));
        assert_eq!(files.len(), chapters);
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            for part in [exercise, "<details>\n<summary>", "</details>", "][figure]", "[next]: ", "```rust"] {
                assert!(text.contains(part), "{file:?}: {part}");
            }
            for definition in ["[figure]: ", "[next]: "] {
                let line = text.lines().find_map(|line| line.strip_prefix(definition)).unwrap();
                assert!(file.parent().unwrap().join(line).is_file(), "{file:?}: {line}");
            }
            let name = file.strip_prefix(guide()).unwrap().with_extension("");
            assert!(module.contains(&format!("\"{}\"", name.display())), "{name:?} is not in the module");
            let title = text.lines().next().unwrap().strip_prefix("# ").unwrap();
            let line = format!("[{title}]({}.md)", name.display());
            assert!(contents.contains(&line), "{line} is not in the contents");
        }
    }
}

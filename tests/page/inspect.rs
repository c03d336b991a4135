//! `examples/inspect`, which writes a page.

#[path = "../support/built.rs"]
mod built;

#[test]
fn the_program_writes_a_page_or_says_why_not() {
    let path = std::env::temp_dir().join(format!("{}-inspect.html", std::process::id()));
    let output = built::run("inspect", &["--sizes", "3-2", "--seed", "3", "--out", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("<!DOCTYPE html>"));
    std::fs::remove_file(&path).unwrap();

    for (arguments, reason) in [
        (&["--sizes", "4"][..], "inspect: --sizes \"4\": two sizes or more"),
        (&["--sizes", "4-0-1"], "inspect: --sizes \"4-0-1\": two sizes or more"),
        (&["--sizes", "2-1001-1"], "inspect: --sizes \"2-1001-1\": two sizes or more from 1 to 1000"),
        (&["--activation", "tanhh"], "inspect: --activation \"tanhh\": "),
        (&["--seed", "-1"], "inspect: --seed \"-1\": "),
        (&["--seed"], "inspect: --seed: "),
        (&["--examples", "0"], "inspect: --examples: "),
        (&["--out", "/no/such/folder/tape.html"], "inspect: --out: "),
        (&["--no"], "inspect: "),
    ] {
        let output = built::run("inspect", arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.starts_with(reason) && text.matches('\n').count() == 1, "{text:?}");
    }
}

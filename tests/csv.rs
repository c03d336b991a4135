//! The readers of tables: CSV and libsvm, and the data of the examples.

#[path = "../examples/support/data_sets.rs"]
mod data_sets;

use mlp::tables::{Csv, Header, Libsvm, MOST_VALUES, Question, Separator, Table};
use mlp::{Error, Result};

/// With everything that may be said of a file.
fn parse_as(bytes: &[u8], file: &str, target: Option<&str>, header: Header) -> Result<Table> {
    let csv = Csv::new().header(header);
    let csv = if let Some(target) = target { csv.target(target) } else { csv };
    csv.parse(bytes, file)
}

fn parse(text: &str) -> Result<Table> {
    parse_as(text.as_bytes(), "t.csv", None, Header::Detect)
}

fn target(text: &str, target: &str) -> Result<Table> {
    parse_as(text.as_bytes(), "t.csv", Some(target), Header::Detect)
}

#[track_caller]
fn assert_error(found: Result<Table>, message: &str) {
    assert_eq!(found.unwrap_err().to_string(), message);
}

#[test]
fn a_row_of_the_file_becomes_a_column() {
    let table = parse("a,b,y\n1,2,10\n3,-4e2,20\n5,6,30\n").unwrap();
    assert_eq!(table.x.shape(), (2, 3));
    assert_eq!(table.x.as_slice(), [1.0, 2.0, 3.0, -400.0, 5.0, 6.0]);
    assert_eq!(table.y.as_slice(), [10.0, 20.0, 30.0]);
    assert_eq!((&table.features[..], &table.target[..]), (&["a".to_string(), "b".to_string()][..], "y"));
    assert!(table.classes.is_empty());
}

#[test]
fn the_target_has_a_name_or_a_number() {
    let text = "a,2,c\n1,2,3\n4,5,6\n7,8,9\n";
    // With a number among the names the header has to be announced.
    let with_header = |target| parse_as(text.as_bytes(), "t.csv", Some(target), Header::Yes).unwrap();
    assert_eq!(with_header("a").y.as_slice(), [1.0, 4.0, 7.0]);
    assert_eq!(with_header("3").y.as_slice(), [3.0, 6.0, 9.0]);
    assert_eq!(with_header("2").target, "2");
    assert_eq!(target("1,2\n3,4\n5,6\n", "1").unwrap().features, ["column 2"]);
    assert_error(target("a,b\n1,2\n", "c"), "t.csv: there is no column \"c\" among the 2: a, b");
    assert_error(target("1,2\n", "3"), "t.csv: there is no column \"3\" among the 2");
    assert_error(target("1,2\n", "0"), "t.csv: there is no column \"0\" among the 2");
    assert_error(target("a,a\n1,2\n", "a"), "t.csv: 2 columns have the name \"a\": give the number");
}

#[test]
fn a_header_is_detected() {
    assert_eq!(parse("1,2\n3,4\n5,6\n").unwrap().x.columns(), 3);
    assert_eq!(parse("\"a\",\"b\"\n1,2\n").unwrap().features, ["a"]);
    assert_eq!(parse(",b\n1,2\n").unwrap().features, ["column 1"]);
    // The class is text, but a feature is a number: this is a row.
    assert_eq!(parse("1,yes\n3,no\n").unwrap().x.columns(), 2);
    let forced = parse_as(b"a,b\n1,2\n", "t.csv", None, Header::No);
    assert_error(forced, "t.csv, line 1, column 1: \"a\" is not a number");
}

/// Some rows of two numbers and a target.
fn rows(m: usize, target: impl Fn(usize) -> String) -> String {
    (0..m).map(|i| format!("0.{i},{i},{}\n", target(i))).collect()
}

#[test]
fn a_header_with_numbers_in_it_is_not_read_as_a_row() {
    let alternatives =
        |text: &str| [Header::Yes, Header::No].map(|header| parse_as(text.as_bytes(), "t.csv", None, header));
    // The target's name would be a class of its own, whatever the targets are.
    for (targets, what) in [
        (rows(8, |i| (i % 2).to_string()), "text, and every other target is a number"),
        (rows(8, |i| format!("{i}.5")), "text, and every other target is a number"),
        (rows(20_000, |i| format!("{i}.5")), "text, and every other target is a number"),
        (rows(1, |_| "1".to_string()), "text, and every other target is a number"),
        (rows(8, |i| ["M", "B"][i % 2].to_string()), "the only label that is in no other row"),
    ] {
        for (first, quoted) in [("2019,2020,label", "\"label\""), ("1e3,-0.5,\u{1b}[1m", r#""\u{1b}[1m""#)] {
            let text = format!("{first}\n{targets}");
            let question = "is this row a header?";
            assert_error(parse(&text), &format!("t.csv, line 1, column 3: {quoted} is {what}: {question}"));
            let [yes, no] = alternatives(&text);
            assert_eq!(yes.unwrap().x.columns(), targets.lines().count());
            if targets.lines().count() < 10_000 {
                assert_eq!(no.unwrap().x.columns(), targets.lines().count() + 1);
            }
        }
    }
    // A name among the features, and names that can be read as numbers but are none.
    for (first, column, what) in [
        ("a,2,c", 1, r#""a" is not a number"#),
        ("1,b,2020", 2, r#""b" is not a number"#),
        ("inf,nan,label", 1, r#""inf" is not a finite number"#),
        ("a,NaN,label", 1, r#""a" is not a number"#),
        ("1,infinity,label", 2, r#""infinity" is not a finite number"#),
        ("2019,,label", 2, "the value is missing"),
        ("2019,NA,label", 2, r#"the value is missing: "NA""#),
    ] {
        let text = format!("{first}\n{}", rows(8, |i| (i % 2).to_string()));
        let question = "is this row a header?";
        assert_error(parse(&text), &format!("t.csv, line 1, column {column}: {what}: {question}"));
        assert_eq!(alternatives(&text)[0].as_ref().unwrap().x.columns(), 8, "{first}");
    }
    // The second row is no header, and neither is a first one that was said to be none.
    assert_error(parse("1,2,3\na,2,3\n"), "t.csv, line 2, column 1: \"a\" is not a number");
    assert_error(alternatives("a,2,3\n")[1].clone(), "t.csv, line 1, column 1: \"a\" is not a number");
}

#[test]
fn a_first_row_of_text_targets_is_a_row() {
    for targets in [["a", "b", "a", "b"], ["a", "b", "c", "d"], ["a", "1", "2", "a"], ["a", "b", "b", "c"]] {
        let table = parse(&rows(4, |i| targets[i].to_string())).unwrap();
        assert_eq!((table.x.columns(), table.target.as_str()), (4, "column 3"), "{targets:?}");
        assert!(table.classes.contains(&"a".to_string()));
    }
    assert_eq!(parse("1,yes\n").unwrap().classes, ["yes"]);
}

#[test]
fn a_first_row_with_missing_values_is_not_left_out_as_a_header() {
    let question = "is a name or a missing value: is this row a header?";
    for (first, column, quoted) in
        [("?,?,yes", 1, "\"?\""), ("a,NA,yes", 2, "\"NA\""), (",,yes", 1, "\"\""), ("a,-,b", 2, "\"-\"")]
    {
        let text = format!("{first}\n1,2,yes\n3,4,no\n");
        assert_error(parse(&text), &format!("t.csv, line 1, column {column}: {quoted} {question}"));
    }
}

#[test]
fn a_target_that_stands_in_the_first_row_asks_whether_that_is_a_header() {
    let text = "2019,b,c\n1,2,3\n";
    let question = "line 1 has it: is this row a header?";
    for name in ["2019", "b", "c"] {
        assert_error(
            target(text, name),
            &format!("t.csv: there is no column {name:?} among the 3; {question}"),
        );
    }
    assert_error(target(text, "d"), "t.csv: there is no column \"d\" among the 3");
}

#[test]
fn a_table_that_memory_would_not_hold_is_refused() {
    let mut text = b"1,2\n".to_vec();
    text.resize(MOST_VALUES + 10, b',');
    let error = parse_as(&text, "t.csv", None, Header::Detect).unwrap_err().to_string();
    assert_eq!(error, "t.csv: there are about 50000008 fields, 50000000 are the most that is read");

    let wide = format!("{}1\n", "1,".repeat(1_000_000));
    assert_error(parse(&wide), "t.csv, line 1: there are more than 1000000 columns, the most that is read");

    let labels = rows(10_001, |i| format!("c{i}"));
    let reason = "there are more than 10000 different labels: is this the column to learn?";
    assert_error(parse(&labels), &format!("t.csv, line 10001, column 3: {reason}"));
}

#[test]
fn an_error_is_one_line_that_no_terminal_obeys() {
    let text = "\"a\u{1b}[2J\nb\",c\n\u{1b}[31m,2\n";
    assert_error(parse(text), r#"t.csv, line 3, column 1 (a\u{1b}[2J\nb): "\u{1b}[31m" is not a number"#);
    let listed = r#"there is no column "\n" among the 2: a\u{1b}[2J\nb, c"#;
    assert_error(target(text, "\n"), &format!("t.csv: {listed}"));
    let long = format!("{},b\nx,2\n", "n".repeat(1000));
    assert_error(
        parse(&long),
        &format!("t.csv, line 2, column 1 ({}…): \"x\" is not a number", "n".repeat(40)),
    );
    let other = parse_as(b"", "\u{1b}[31m.csv", None, Header::Detect);
    assert_error(other, r"\u{1b}[31m.csv: the file is empty");
}

#[test]
fn great_numbers_that_are_classes_have_short_names() {
    let table = parse("1,1e300\n2,-2e-9\n3,1e300\n").unwrap();
    assert_eq!(
        (&table.classes[..], table.y.as_slice()),
        (&["-2e-9".into(), "1e300".into()][..], &[1.0, 0.0, 1.0][..])
    );
}

#[test]
fn two_numbers_or_any_texts_are_classes() {
    let table = parse("x,y\n1,2\n2,1\n3,2\n").unwrap();
    assert_eq!(
        (table.y.as_slice(), &table.classes[..]),
        (&[1.0, 0.0, 1.0][..], &["1".into(), "2".into()][..])
    );
    let table = parse("1,M\n2,B\n3,M\n4,C\n").unwrap();
    assert_eq!(table.y.as_slice(), [2.0, 0.0, 2.0, 1.0]);
    assert_eq!(table.classes, ["B", "C", "M"]);
    assert_error(parse("1,1\n2,0\n3,O\n"), "t.csv, line 3, column 2: \"O\" is not a number");
}

#[test]
fn what_is_no_number_is_told_with_its_place() {
    assert_error(parse("a,b,c\n1,2,3\n4,x y,6\n"), "t.csv, line 3, column 2 (b): \"x y\" is not a number");
    assert_error(parse("a,b\n1,2\n,4\n"), "t.csv, line 3, column 1 (a): the value is missing");
    assert_error(parse("a,b\n1,2\n3, \n"), "t.csv, line 3, column 2 (b): the value is missing");
    assert_error(parse("a,b\n?,2\n"), "t.csv, line 2, column 1 (a): the value is missing: \"?\"");
    assert_error(parse("a,b\nNaN,2\n"), "t.csv, line 2, column 1 (a): \"NaN\" is not a finite number");
    assert_error(parse("a,b\n1,2\n3,-inf\n"), "t.csv, line 3, column 2 (b): \"-inf\" is not a finite number");
    assert_error(parse("a,b\n1e400,2\n"), "t.csv, line 2, column 1 (a): \"1e400\" is not a finite number");
}

#[test]
fn ragged_rows_and_empty_files_are_errors() {
    assert_error(parse("a,b\n1,2\n3\n"), "t.csv, line 3: the row has 1 fields, 2 are expected");
    assert_error(parse("1,2\n3,4,5\n"), "t.csv, line 2: the row has 3 fields, 2 are expected");
    for empty in ["", "\n\n", "\r\n", "\u{feff}"] {
        assert_error(parse(empty), "t.csv: the file is empty");
    }
    assert_error(parse("a,b\n"), "t.csv: there is a header, but no row after it");
    assert_error(parse("a\n1\n"), "t.csv: at least one feature and a target are needed");
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    let wrong = |line| format!("t.csv, line {line}, column 1 (a): \"x\" is not a number");
    assert_error(parse("a,b\r\n1,2\r\nx,4\r\n"), &wrong(3));
    assert_error(parse("\r\na,b\r\n\r\n\r\n1,2\r\nx,4"), &wrong(6));
    assert_error(parse("a,b\r1,2\rx,4"), &wrong(3));
    assert_error(parse("\u{feff}\na,\"b\nb\"\n1,2\nx,4\n"), &wrong(5));
}

#[test]
fn other_conventions_are_understood() {
    let expected = parse("a,b\n1,2\n3,4\n").unwrap();
    for text in [
        "\u{feff}a,b\r\n1,2\r\n3,4\r\n",
        "a;b\n1;2\n3;4",
        "a\tb\n1\t2\n3\t4\n",
        " a , b \n 1, 2\n\n3 ,+4.0\n",
        "\"a\",b\n\"1\",\"2\"\n3,4\n",
    ] {
        assert_eq!(parse(text).as_ref(), Ok(&expected), "{text:?}");
    }
}

#[test]
fn text_that_is_not_text_is_an_error() {
    let latin_1 = parse_as(b"a,b\r\n1,2\r\n3,\xe9\r\n", "t.csv", None, Header::Detect);
    assert_error(latin_1, "t.csv, line 3: the text is not UTF-8");
    let open = format!("a,b\n1,2\n\"3,4\n{}", "5,6\n".repeat(100));
    let error = parse(&open).unwrap_err().to_string();
    assert_eq!(error, "t.csv, line 3: the row has 1 fields, 2 are expected");
}

/// It would take the rows after it for a part of its field.
#[test]
fn a_quotation_mark_that_is_never_closed_loses_no_rows() {
    let never = "a quotation mark that begins a field is never closed";
    assert_error(parse("a,b\n1,cat\n2,\"dog\n3,cat\n4,dog\n"), &format!("t.csv, line 3: {never}"));
    assert_error(parse("\u{feff}a;b\r\n1;\"c;\"\"\r\n\"\r\n2;\"dog"), &format!("t.csv, line 4: {never}"));
    assert_error(parse("1,\"cat\"\"\n"), &format!("t.csv, line 1: {never}"));
    let title = Csv::new().skip(1).parse(b"\"a title\n1,2\n3,4\n", "t.csv");
    assert_error(title, &format!("t.csv, line 1: {never}"));
    // These are closed, or open nothing.
    for text in ["1,\"ca\"\"t\"\n", "1,5\"\n", "1, \"\n", "1,\"\nx\"", "\"1\",\"c\"\"\""] {
        assert_eq!(parse(text).unwrap().x.as_slice(), [1.0], "{text:?}");
    }
}

/// `"1"2` would be 12, and ` "cat"` another class than `cat`.
#[test]
fn quotation_marks_are_around_a_whole_field() {
    let behind = "text stands behind the quotation mark that ends the field";
    let blank = "a blank stands before the quotation mark that begins the field";
    for (text, place, reason) in [
        ("\"1\"2,cat\n", "line 1, column 1", behind),
        ("1,cat\n2,\"dog\"s\n", "line 2, column 2", behind),
        ("1,cat\n2,\"dog\" \"s\"\n", "line 2, column 2", behind),
        ("a,b\n1,\"\n\"x", "line 3, column 2", behind),
        ("1,cat\n\n2, \"cat\"\n", "line 3, column 2", blank),
        ("1,cat\n2,\u{a0}\"cat\" \r\n3,dog", "line 2, column 2", blank),
        ("a;b;c\n1; \"2\";3\n", "line 2, column 2", blank),
        (" \"a\",b\n1,2\n", "line 1, column 1", blank),
        ("1\tcat\n2\t \"c\"\"t\"", "line 2, column 2", blank),
    ] {
        assert_error(parse(text), &format!("t.csv, {place}: {reason}"));
    }
    // A mark in a text is a part of it, and what is skipped is not looked at.
    let table = parse("1,5\" pipe\n2, \"\n3, 5\"\n4,\"a\" \n5, \"a\" b\n").unwrap();
    assert_eq!(table.classes, ["\"", "\"a\" b", "5\"", "5\" pipe", "a"]);
    let table = Csv::new().skip(1).parse(b"the \"title\", \"of\" it\n1,2\n3,4\n", "t.csv").unwrap();
    assert_eq!(table.x.as_slice(), [1.0, 3.0]);
}

/// Names with commas in them, and numbers with a decimal comma.
#[test]
fn a_separator_in_quotation_marks_separates_nothing() {
    let text = "\"width, \"\"cm, net\"\"\";\"height, cm\";kind\n1;2;cat\n2;3;dog\n";
    let table = parse(text).unwrap();
    assert_eq!(table.features, ["width, \"cm, net\"", "height, cm"]);
    assert_eq!((table.x.as_slice(), table.classes.len()), (&[1.0, 2.0, 2.0, 3.0][..], 2));
    assert_error(
        parse(&text.replace("1;2", "1,5;2")),
        "t.csv, line 2, column 1 (width, \"cm, net\"): \"1,5\" is not a number",
    );
}

/// With a decimal comma the numbers of one feature would become a part of the class.
#[test]
fn a_separator_in_doubt_is_asked_for() {
    for (text, line, both) in [
        ("1,5;cat\n2,5;dog\n", 1, "commas as semicolons"),
        ("\n\r\nwidth;kind\tor, none\n1;cat\n", 3, "commas as semicolons"),
        ("1;5\tcat\n", 1, "semicolons as tabs"),
        ("\"1,5\",x\tcat\n", 1, "commas as tabs"),
    ] {
        let which = ": which of them separates the fields?";
        assert_error(parse(text), &format!("t.csv, line {line}: the first row has as many {both}{which}"));
    }
    let skipped = Csv::new().skip(1).parse(b"a title; of 1998, and more; and more\n1,5;cat\n", "t.csv");
    let error = skipped.unwrap_err();
    let Error::Table(error) = error else { panic!("{error}") };
    assert_eq!((error.line(), error.question()), (Some(2), Some(Question::Separator)));

    let read = |separator, text: &str| Csv::new().separator(separator).parse(text.as_bytes(), "t.csv");
    let semicolons = read(Separator::Semicolon, "1;cat,tame\n2;dog,tame\n").unwrap();
    assert_eq!(
        (semicolons.classes.join(" "), semicolons.x.as_slice()),
        ("cat,tame dog,tame".into(), &[1.0, 2.0][..])
    );
    let commas = read(Separator::Comma, "1,cat;tame\n2,dog;tame\n").unwrap();
    assert_eq!(
        (commas.classes.join(" "), commas.x.as_slice()),
        ("cat;tame dog;tame".into(), &[1.0, 2.0][..])
    );
    // Also against the most: no other is then looked for.
    let tabs = read(Separator::Tab, "1\ta,b;c,d\n2\ta\n").unwrap();
    assert_eq!((tabs.classes.join(" "), tabs.x.as_slice()), ("a a,b;c,d".into(), &[1.0, 2.0][..]));
    let decimal = read(Separator::Semicolon, "1;cat\n1,5;dog\n");
    assert_error(decimal, "t.csv, line 2, column 1: \"1,5\" is not a number");
}

#[test]
fn nan_is_no_class() {
    for missing in ["NaN", "nan", "NAN"] {
        let reason = format!("t.csv, line 3, column 2 (b): the value is missing: \"{missing}\"");
        assert_error(parse(&format!("a,b\n1,cat\n2,{missing}\n3,dog\n")), &reason);
    }
    assert_eq!(parse("a,b\n1,Nana\n2,Nan\n").unwrap().classes, ["Nan", "Nana"]);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Csv::new().read("no/such.csv").unwrap_err().to_string();
    assert!(error.starts_with("no/such.csv: "), "{error}");
}

/// Rows before the table, its width and the names of its classes can be said.
#[test]
fn numbers_of_classes_are_looked_at() {
    let names = ["no", "yes"].map(String::from);
    let csv = Csv::new().skip(1).header(Header::No).columns(2).numbered_classes(names);
    let read = |text: &str| csv.parse(text.as_bytes(), "t.csv");
    let table = read("2,1,no,yes\n0.5,1\n0.25,1\n").unwrap();
    assert_eq!((table.y.as_slice(), &table.classes[..]), (&[1.0, 1.0][..], &["no".into(), "yes".into()][..]));
    for wrong in ["2", "-1", "0.5"] {
        assert_error(
            read(&format!("2,1,no,yes\n0.5,1\n0.5,{wrong}\n")),
            &format!("t.csv, line 3, column 2: \"{wrong}\" is not the number of a class, 0 to 1"),
        );
    }
    let nameless = Csv::new().numbered_classes(Vec::new()).parse(b"1,0\n", "t.csv");
    assert_error(nameless, "t.csv: no class has a name: there is none to have a number");
    assert_error(read("a\n0.5,yes\n"), "t.csv, line 2, column 2: \"yes\" is not a number");
    assert_error(read("1,2\n0.5,1,1\n"), "t.csv, line 2: the row has 3 fields, 2 are expected");
    assert_error(read("a\n"), "t.csv: the file is empty");
    let semicolons = Csv::new().skip(1).parse(b"of 1, 2 and 3\n1;2\n3;4\n5;6\n", "t.csv").unwrap();
    assert_eq!(semicolons.x.as_slice(), [1.0, 3.0, 5.0]);
    let named = Csv::new().columns(3).parse(b"a,b\n1,2\n", "t.csv");
    assert_error(named, "t.csv, line 1: the row has 2 fields, 3 are expected");
}

#[test]
fn the_breast_cancer_data_is_read() {
    let table = data_sets::breast_cancer(include_bytes!("../examples/data/breast_cancer.csv")).unwrap();
    assert_eq!((table.x.shape(), table.y.shape()), ((30, 569), (1, 569)));
    assert_eq!(table.classes, ["malignant", "benign"]);
    assert_eq!(table.y.as_slice().iter().sum::<f64>(), 357.0);
    assert_eq!((table.x[(0, 0)], table.x[(29, 0)], table.x[(1, 1)]), (17.99, 0.1189, 17.77));
    assert_eq!((&table.features[0][..], &table.features[29][..]), ("mean radius", "worst fractal dimension"));
}

#[test]
fn the_digits_are_read() {
    let table = data_sets::digits(include_bytes!("../examples/data/digits.csv.gz")).unwrap();
    assert_eq!((table.x.shape(), table.classes.len()), ((64, 1797), 10));
    assert_eq!(table.y.view().column(1), [1.0]);
    assert!(table.x.as_slice().iter().all(|pixel| (0.0..=16.0).contains(pixel)));
}

fn sparse(text: &str) -> Result<Table> {
    Libsvm::new().parse(text.as_bytes(), "t.txt")
}

#[test]
fn sparse_examples_become_columns() {
    let table =
        sparse("\u{feff}+1 1:0.5 3:-2e1\r\n\n# nothing\n-1 2:1 # a comment 9:9\n1\t 1:3  3:4 \n").unwrap();
    assert_eq!(table.x, tape::matrix![[0.5, 0.0, 3.0], [0.0, 1.0, 0.0], [-20.0, 0.0, 4.0]]);
    assert_eq!(
        (table.y.as_slice(), &table.classes[..]),
        (&[1.0, 0.0, 1.0][..], &["-1".into(), "1".into()][..])
    );
    assert_eq!(table.features, ["feature 1", "feature 2", "feature 3"]);
    let quantities = sparse("0.5 1:1\n1.5\n2.5 1:1").unwrap();
    assert_eq!((quantities.y.as_slice(), quantities.classes.len()), (&[0.5, 1.5, 2.5][..], 0));
    assert_eq!(quantities.x.as_slice(), [1.0, 0.0, 1.0]);
    let more = Libsvm::new().features(3).parse(b"1 1:1\n2 2:1\n", "t.txt").unwrap();
    assert_eq!(more.x.shape(), (3, 2));
}

#[test]
fn what_is_wrong_with_sparse_examples_is_told_with_its_place() {
    for (text, place, reason) in [
        ("1 1:2\n\n-1 1:2 x:3\n", "line 3, column 8", "\"x\" is not the number of a feature"),
        ("a 1:2\n", "line 1, column 1", "\"a\" is not a number"),
        ("1 1:2\r\n nan 1:2\n", "line 2, column 2", "\"nan\" is not a finite number"),
        ("1 1:inf", "line 1, column 5", "\"inf\" is not a finite number"),
        ("1 1:2 3:", "line 1, column 9", "\"\" is not a number"),
        ("1 12", "line 1, column 3", "\"12\" is not index:value"),
        ("1 0:1", "line 1, column 3", "feature 0 is not between 1 and 1000000"),
        ("1 1000001:1", "line 1, column 3", "feature 1000001 is not between 1 and 1000000"),
        ("1 2:1 2:1", "line 1, column 7", "feature 2 is not after feature 2"),
        ("1 3:1 2:1", "line 1, column 7", "feature 2 is not after feature 3"),
        ("1 +1:1", "line 1, column 3", "\"+1\" is not the number of a feature"),
        (
            "1 99999999999999999999:1",
            "line 1, column 3",
            "\"99999999999999999999\" is not the number of a feature",
        ),
        ("1 qid:3 1:1", "line 1, column 3", "\"qid\" is not the number of a feature"),
        ("1 ö:1", "line 1, column 3", "\"ö\" is not the number of a feature"),
        ("1 1:1 ö", "line 1, column 7", "\"ö\" is not index:value"),
    ] {
        assert_error(sparse(text), &format!("t.txt, {place}: {reason}"));
    }
    assert_error(sparse("# nothing\n"), "t.txt: there is no example");
    assert_error(sparse("1\n2\n"), "t.txt: there is no feature in any line");
    let latin_1 = Libsvm::new().parse(b"1 1:2\n\xe9", "t.txt");
    assert_error(latin_1, "t.txt, line 2: the text is not UTF-8");
    let wide = format!("1 1000000:1\n{}", "1\n".repeat(50));
    assert_error(
        sparse(&wide),
        "t.txt: 51 examples with 1000000 features are 51000000 numbers, 50000000 are the most",
    );
    let few = Libsvm::new().features(2).parse(b"1 3:1\n", "t.txt");
    assert_error(few, "t.txt, line 1, column 3: feature 3 is not between 1 and 2");
    assert!(Libsvm::new().read("no/such.txt").unwrap_err().to_string().starts_with("no/such.txt: "));
}

//! Reports: well-formed pages whatever is put in, and what the figures show.

use mlp::metrics::{ClassProbabilities, Scores};
use mlp::report::Report;
use mlp::{Activation, ConfusionMatrix, Error, History, Loss, Losses, Mlp, one_hot};
use tape::{Matrix, matrix};

/// Looks at every tag: attributes are quoted, each element is closed in its order, and what stands
/// between tags holds no bare `<`, `>` or `&`. Returns the names of the elements.
fn elements(page: &str) -> Vec<String> {
    let body = page.strip_prefix("<!DOCTYPE html>").expect("a page of HTML");
    let (mut open, mut seen): (Vec<&str>, Vec<String>) = (Vec::new(), Vec::new());
    let mut rest = body;
    while let Some(at) = rest.find('<') {
        check_text(&rest[..at], open.last() == Some(&"style"));
        let end = at + tag_end(&rest[at..]);
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closes in order");
            continue;
        }
        let name = tag.split([' ', '\n', '/']).next().unwrap();
        assert!(!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()), "<{tag}>");
        check_attributes(tag.strip_suffix('/').unwrap_or(tag).strip_prefix(name).unwrap());
        seen.push(name.to_string());
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?} {rest:?}");
    seen
}

/// Where the tag at the beginning ends: `>` outside of quotation marks.
fn tag_end(text: &str) -> usize {
    let mut is_quoted = false;
    let end = text.find(|c| {
        is_quoted ^= c == '"';
        c == '>' && !is_quoted
    });
    end.expect("a tag that ends")
}

fn check_text(text: &str, is_style: bool) {
    assert!(is_style || !text.contains('>'), "{text:?}");
    for after in text.split('&').skip(1) {
        let name = after.split(';').next().unwrap();
        assert!(["amp", "lt", "gt", "quot", "#39"].contains(&name), "&{name};");
    }
}

fn check_attributes(attributes: &str) {
    let parts: Vec<&str> = attributes.split('"').collect();
    assert!(parts.len() % 2 == 1, "quotation marks are in pairs: {attributes:?}");
    for (k, part) in parts.iter().enumerate() {
        if k % 2 == 1 {
            assert!(!part.contains('<'), "{part:?}");
            check_text(part, false);
        } else {
            let is_name = part.trim().strip_suffix('=').is_some_and(|name| !name.contains(['=', ' ']));
            assert!(is_name || (k + 1 == parts.len() && part.trim().is_empty()), "{attributes:?}");
        }
    }
}

/// No line goes to NaN or inf, and nothing is written there.
fn check_places(page: &str) {
    for name in [" d=\"", " x=\"", " y=\"", " cx=\"", " cy=\"", "transform=\""] {
        for value in page.split(name).skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(!value.contains("NaN") && !value.contains("inf"), "{name}{value}");
        }
    }
}

fn count(page: &str, part: &str) -> usize {
    page.matches(part).count()
}

fn history(losses: &[(f64, Option<f64>)]) -> History {
    let mut history = History::new();
    for &(training, validation) in losses {
        history.push(Losses { training, validation });
    }
    history
}

fn classifier(features: usize) -> Mlp<f64> {
    Mlp::new(features).layer(3, Activation::Tanh).layer(1, Activation::Sigmoid).seed(4).build().unwrap()
}

/// One of everything.
fn full() -> Report {
    let (a, y) = (matrix![[0.9, 0.2, 0.6, 0.4]], matrix![[1.0, 0.0, 0.0, 1.0]]);
    let x = matrix![[0.0, 1.0, 2.0, 3.0], [1.0, -1.0, 0.5, 0.0]];
    let calibration = ClassProbabilities::new(&a, &y).unwrap().calibration(4).unwrap();
    Report::new("everything")
        .settings(&[("network", "2-3-1"), ("command", "cargo run\n  --release")])
        .training(&history(&[(0.7, Some(0.8)), (0.4, Some(0.5)), (0.2, Some(0.6))]))
        .part("test part")
        .confusion_matrix(&ConfusionMatrix::new(&a, &y).unwrap())
        .scores(&Scores::new(&a, &y).unwrap())
        .calibration(&calibration)
        .boundary(&classifier(2), &x, &y)
        .unwrap()
        .weights(&classifier(2))
        .gradient_norms("epoch", &[("W[1]".into(), vec![0.5, 0.1]), ("W[2]".into(), vec![0.3, 0.2])])
        .part("")
        .table("Seeds", &["seed", "accuracy"], &[vec!["0", "0.97"]])
        .unwrap()
}

#[test]
fn the_page_is_well_formed_and_whole() {
    let page = full().to_html();
    let seen = elements(&page);
    let of = |name: &str| seen.iter().filter(|element| *element == name).count();
    assert_eq!(of("section"), 9);
    assert_eq!(of("svg"), count(&page, "role=\"img\" aria-label="), "each figure has a name");
    for figure in page.split("<svg ").skip(1) {
        assert!(figure[tag_end(figure) + 1..].starts_with("<title>"), "and a title: {figure}");
    }
    assert_eq!(of("table"), of("caption"));
    assert_eq!(of("table"), of("thead"));
    for name in ["script", "link", "img", "image", "iframe", "object"] {
        assert_eq!(of(name), 0, "{name}");
    }
    for part in ["http:", "https:", "url(", "@import", "NaN"] {
        assert!(!page.contains(part), "{part}");
    }
    assert!(page.contains("prefers-color-scheme: dark") && page.contains("@media print"));
    assert!(
        page.contains("<h2>Classes, test part</h2>")
            && page.contains("<h2>Seeds</h2>")
            && page.contains("<h2>Training</h2>")
    );
    assert!(page.contains("cargo run<br/>  --release"));
    elements(&Report::new("").to_html());
}

#[test]
fn the_same_calls_give_the_same_bytes() {
    assert_eq!(full().to_html(), full().to_html());
    assert_eq!(full(), full());
}

#[test]
fn hostile_names_stay_texts() {
    let hostile = "</title><script>alert('x')</script>\" onload=\"x\" & \u{202e}\u{0}";
    let confusion = ConfusionMatrix::from_classes(&[0, 1], &[0, 0], 2).unwrap();
    let many = vec![0; 40];
    let names: Vec<String> = (0..40).map(|k| format!("{hostile}{k}")).collect();
    let confusions = ConfusionMatrix::from_classes(&many, &(0..40).collect::<Vec<_>>(), 40).unwrap();
    let page = Report::new(hostile)
        .part(hostile)
        .settings(&[(hostile, hostile)])
        .confusion_matrix(&confusion.with_names(&[hostile, "b"]).unwrap())
        .confusion_matrix(&confusions.with_names(&names).unwrap())
        .gradient_norms(hostile, &[(hostile.into(), vec![1.0, f64::NAN]), (hostile.into(), vec![])])
        .table(hostile, &[hostile], &[vec![hostile]])
        .unwrap()
        .to_html();
    let seen = elements(&page);
    assert!(!seen.contains(&"script".to_string()));
    for part in ["onload=\"", "\u{202e}", "\u{0}"] {
        assert!(!page.contains(part), "{part:?}");
    }
    assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)"));
}

#[test]
fn losses_that_are_no_numbers_are_left_out_with_a_note() {
    let losses = [(0.5, None), (f64::NAN, None), (f64::INFINITY, Some(f64::NAN)), (0.25, Some(0.5))];
    let page = Report::new("bad").training(&history(&losses)).to_html();
    elements(&page);
    let note = "Note: 2 of 4 values of training are NaN or ∞, and left out: number 1, 2.";
    assert!(page.contains(note), "{page}");
    assert!(page.contains("1 of 2 values of validation are NaN"));
    assert!(page.contains("Training J is 0.5 after epoch 0 and 0.25 after epoch 3"));
    check_places(&page);
    // What is left are two marks that no line joins.
    assert_eq!(count(&page, "r=\"3\""), 3);

    let all_bad = [(f64::NAN, None), (f64::NEG_INFINITY, None)];
    let page = Report::new("bad").training(&history(&all_bad)).to_html();
    elements(&page);
    assert!(page.contains("2 of 2 values of training"));
}

#[test]
fn no_epoch_and_one_epoch() {
    let page = Report::new("none").training(&History::new()).to_html();
    elements(&page);
    assert!(page.contains("No epoch was run.") && !page.contains("<svg"));
    let page = Report::new("one").training(&history(&[(0.5, None)])).to_html();
    elements(&page);
    assert_eq!(count(&page, "r=\"3\""), 1, "a point, as a line would not be seen");
    let page = Report::new("extreme").training(&history(&[(f64::MAX, None), (-f64::MAX, None)])).to_html();
    elements(&page);
    check_places(&page);
    assert!(page.contains(">-1e308<") && page.contains(">1e308<"));
}

#[test]
fn a_long_history_is_a_small_page() {
    let losses: Vec<_> = (0..300_000).map(|k| (1.0 / f64::from(k + 1), None)).collect();
    let page = Report::new("long").training(&history(&losses)).to_html();
    assert!(page.len() < 100_000, "{}", page.len());
    assert!(page.contains("J (logarithmic)"));
}

#[test]
fn curves_have_their_areas_and_one_class_has_none() {
    let (a, y) = (matrix![[0.1, 0.4, 0.35, 0.8]], matrix![[0.0, 0.0, 1.0, 1.0]]);
    let page = Report::new("two").scores(&Scores::new(&a, &y).unwrap()).to_html();
    assert!(page.contains("The area below it is 0.7500") && page.contains("average precision is 0.8333"));
    // By hand, from (0, 0): up, right, up, right, in a frame of 300 from (68, 314).
    let roc = "M68.0 314.0L68.0 164.0L218.0 164.0L218.0 14.0L368.0 14.0";
    assert!(page.contains(roc), "{page}");

    let zeros = Scores::new(&a, &Matrix::zeros(1, 4)).unwrap();
    let page = Report::new("zeros").scores(&zeros).to_html();
    elements(&page);
    assert_eq!((count(&page, "<svg"), count(&page, "Note: there is no")), (0, 2));
    let ones = Scores::new(&a, &Matrix::filled(1, 4, 1.0)).unwrap();
    let page = Report::new("ones").scores(&ones).to_html();
    elements(&page);
    assert_eq!((count(&page, "<svg"), count(&page, "Note: there is no ROC curve")), (1, 1));

    let one_class = ConfusionMatrix::new(&matrix![[0.9, 0.8]], &matrix![[1.0, 1.0]]).unwrap();
    let page = Report::new("one class").confusion_matrix(&one_class).to_html();
    elements(&page);
    assert!(page.contains("2<small>100.0 %</small>"));
    let none = ConfusionMatrix::from_classes(&[], &[], 2).unwrap();
    assert!(Report::new("none").confusion_matrix(&none).to_html().contains("There are no examples."));
}

#[test]
fn weights_of_square_inputs_are_pictures() {
    let mut network = Mlp::<f32>::new(16)
        .layer(70, Activation::Relu)
        .layer(3, Activation::Identity)
        .loss(Loss::SoftmaxCrossEntropy)
        .build()
        .unwrap();
    network.set_parameter("b[2]", Matrix::filled(3, 1, 1.0)).unwrap();
    let page = Report::new("pixels").weights(&network).to_html();
    elements(&page);
    assert_eq!(count(&page, "<figcaption>neuron "), 64);
    assert!(page.contains("The first 64 of 70 neurons are shown."));
    assert!(page.contains("W[2], 3 × 70") && page.contains(">1.732<"));

    let mut w = Matrix::zeros(3, 70);
    (w[(0, 0)], w[(1, 1)]) = (f32::NAN, f32::INFINITY);
    network.set_parameter("W[2]", w).unwrap();
    let page = Report::new("bad").weights(&network).to_html();
    elements(&page);
    assert!(page.contains("2 of 210 elements of W[2] are NaN or ∞"));
}

#[test]
fn weights_of_any_size_have_images() {
    let mut network = Mlp::<f64>::new(2).layer(2, Activation::Identity).build().unwrap();
    for (size, text) in [(1.0, ">0.50<"), (1e-9, ">5e-10<"), (1e300, ">5e299<"), (f64::MAX, ">9e307<")] {
        let w = matrix![[0.5 * size, -size], [0.0, size]];
        network.set_parameter("W[1]", w).unwrap();
        let page = Report::new("sizes").weights(&network).to_html();
        elements(&page);
        check_places(&page);
        assert!(page.contains(text), "{page}");
    }
    network.set_parameter("W[1]", matrix![[f64::NAN, -1.0], [0.0, 1.0]]).unwrap();
    let page = Report::new("bad").weights(&network).to_html();
    elements(&page);
    check_places(&page);
    assert!(page.contains("1 of 4 elements of W[1] are NaN or ∞"));

    let wide =
        Mlp::<f32>::new(1500).layer(50, Activation::Relu).layer(1, Activation::Sigmoid).build().unwrap();
    let page = Report::new("wide").weights(&wide).to_html();
    elements(&page);
    assert!(page.contains("The first 40 rows and 1000 columns are shown.") && page.len() < 3_000_000);
}

#[test]
fn a_boundary_parts_the_plane() {
    // Class 1 where x₀ > 1: of 200 columns of cells from −0.16 to 2.16, the right 100.
    let mut network = Mlp::<f64>::new(2).layer(1, Activation::Sigmoid).build().unwrap();
    network.set_parameter("W[1]", matrix![[1.0, 0.0]]).unwrap();
    network.set_parameter("b[1]", matrix![[-1.0]]).unwrap();
    let (x, y) = (matrix![[0.0, 2.0, 2.0], [0.0, 1.0, 0.0]], matrix![[0.0, 1.0, 0.0]]);
    let page = Report::new("line").boundary(&network, &x, &y).unwrap().to_html();
    elements(&page);
    assert_eq!(count(&page, " 0h100v1h-100z"), 2, "the first row has 100 cells of each class");
    assert!(page.contains("M100 0h100v1h-100z") && page.contains("1 of 3 examples are on the wrong side"));
    assert!(page.contains("class 0: 2") && page.contains("class 1: 1"));
    assert_eq!(count(&page, "r=\"7\""), 1);

    let several = Mlp::<f32>::new(2).layer(3, Activation::Identity).loss(Loss::SoftmaxCrossEntropy);
    let (x, y) = (Matrix::from_fn(2, 2500, |r, c| (r * c % 7) as f32), one_hot(&[2; 2500], 3).unwrap());
    let page = Report::new("many").boundary(&several.build().unwrap(), &x, &y).unwrap().to_html();
    elements(&page);
    assert!(page.contains("One of 2 examples is drawn.") && page.contains("class 2: 2500"));
    // One example alone has a plane around it too.
    let (x, y) = (matrix![[3.0], [0.0]], matrix![[1.0]]);
    elements(&Report::new("one").boundary(&network, &x, &y).unwrap().to_html());
}

#[test]
fn a_boundary_that_cannot_be_is_an_error() {
    let report = || Report::new("no");
    let (x, y) = (Matrix::zeros(3, 2), Matrix::zeros(1, 2));
    let error = report().boundary(&classifier(3), &x, &y).unwrap_err();
    assert!(matches!(error, Error::Shape { expected: (2, 2), found: (3, 2), .. }), "{error}");
    let x = Matrix::zeros(2, 2);
    let error = report().boundary(&classifier(3), &x, &y).unwrap_err();
    assert!(matches!(error, Error::Shape { expected: (3, 2), .. }), "{error}");
    let error = report().boundary(&classifier(2), &x, &Matrix::zeros(1, 3)).unwrap_err();
    assert!(matches!(error, Error::Shape { found: (1, 3), .. }), "{error}");
    let error = report().boundary(&classifier(2), &matrix![[0.0, f64::NAN], [0.0, 0.0]], &y).unwrap_err();
    assert!(matches!(error, Error::NonFinite { matrix: "X", row: 0, column: 1, .. }), "{error}");
    let none = report().boundary(&classifier(2), &Matrix::zeros(2, 0), &Matrix::zeros(1, 0)).unwrap_err();
    assert!(matches!(none, Error::NoExamples { .. }), "{none}");
    let quantities = Mlp::<f64>::new(2).layer(1, Activation::Identity).build().unwrap();
    let error = report().boundary(&quantities, &x, &y).unwrap_err();
    assert!(matches!(error, Error::Answer { .. }), "{error}");
    let error = report().table("t", &["a", "b"], &[vec!["1", "2"], vec!["1"]]).unwrap_err();
    assert_eq!(error.to_string(), "row of a table: 2 values are needed, 1 were given");
}

#[test]
fn a_report_is_written_whole_or_not_at_all() {
    let folder = std::env::temp_dir().join(format!("mlp-report-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("report.html");
    full().write(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), full().to_html());
    assert!(matches!(full().write(&folder), Err(Error::File(_))));
    assert!(matches!(full().write(folder.join("no/such/folder.html")), Err(Error::File(_))));
    std::fs::remove_dir_all(&folder).unwrap();
}

//! The file: the front end with the document in it.

use crate::show::mathml::escaped;

const PAGE: &str = include_str!("front/page.html");
const STYLE: &str = include_str!("front/style.css");

/// The scripts, in the order in which they need each other. They share one scope.
const SCRIPTS: [&str; 9] = [
    include_str!("front/strings.js"),
    include_str!("front/data.js"),
    include_str!("front/numbers.js"),
    include_str!("front/written.js"),
    include_str!("front/card.js"),
    include_str!("front/list.js"),
    include_str!("front/graph.js"),
    include_str!("front/handout.js"),
    include_str!("front/main.js"),
];

/// The page of a document.
pub(super) fn html(title: Option<&str>, document: &str) -> String {
    let mut html = String::with_capacity(document.len() + 128 * 1024);
    for part in split(PAGE) {
        match part {
            Part::Text(text) => html.push_str(text),
            Part::Place("title") => html.push_str(&escaped(title.unwrap_or("tape"))),
            Part::Place("style") => html.push_str(STYLE),
            Part::Place("document") => push_script_safe(&mut html, document),
            Part::Place("script") => SCRIPTS.iter().for_each(|script| html.push_str(script)),
            Part::Place(other) => unreachable!("page.html has no place {other}"),
        }
    }
    html
}

#[derive(Debug, PartialEq)]
enum Part<'a> {
    Text(&'a str),
    /// `{{name}}`
    Place(&'a str),
}

/// Texts and places of the page, one after the other.
fn split(page: &str) -> impl Iterator<Item = Part<'_>> {
    page.split("{{").enumerate().flat_map(|(i, piece)| match piece.split_once("}}") {
        Some((name, text)) if i > 0 => [Part::Place(name), Part::Text(text)],
        Some(_) | None => [Part::Text(piece), Part::Text("")],
    })
}

/// JSON inside of a script element: nothing in it ends the element or begins a comment.
fn push_script_safe(html: &mut String, json: &str) {
    for c in json.chars() {
        match c {
            '<' | '\u{2028}' | '\u{2029}' => {
                html.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found() {
        let parts: Vec<Part<'_>> = split("a{{b}}c{{d}}").filter(|part| *part != Part::Text("")).collect();
        assert_eq!(parts, [Part::Text("a"), Part::Place("b"), Part::Text("c"), Part::Place("d")]);
    }

    #[test]
    fn json_cannot_leave_its_element() {
        let mut html = String::new();
        push_script_safe(&mut html, "\"</script><!-- \u{2028} & é\"");
        assert_eq!(html, r#""\u003c/script>\u003c!-- \u2028 & é""#);
        let read: String = serde_json::from_str(&html).unwrap();
        assert_eq!(read, "</script><!-- \u{2028} & é");
    }

    #[test]
    fn the_scripts_do_not_end_their_element() {
        let all = SCRIPTS.concat().to_lowercase();
        assert!(!all.contains("</script") && !all.contains("<!--") && !all.contains("{{"));
        assert!(!STYLE.to_lowercase().contains("</style"));
    }
}

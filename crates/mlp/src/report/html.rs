//! Texts and tables of a page.

use tape::printable;

/// A text as an element or an attribute holds it: what would be a tag, end a quotation or steer the
/// direction of writing is written out.
pub(super) fn escape(text: &str) -> String {
    let text = printable(text);
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'), // no characters of XML
            c => escaped.push(c),
        }
    }
    escaped
}

/// The same of a text that may have several lines.
pub(super) fn escape_lines(text: &str) -> String {
    text.lines().map(escape).collect::<Vec<_>>().join("<br/>")
}

/// The same of a name, shortened where it is longer than `most` characters.
pub(super) fn escape_short(name: &str, most: usize) -> String {
    if name.chars().count() <= most {
        return escape(name);
    }
    escape(&name.chars().take(most - 1).chain(['…']).collect::<String>())
}

/// A paragraph.
pub(super) fn paragraph(text: &str) -> String {
    format!("<p>{}</p>\n", escape(text))
}

/// A paragraph that tells what the figure leaves out.
pub(super) fn note(text: &str) -> String {
    format!("<p class=\"note\">Note: {}</p>\n", escape(text))
}

/// A table whose rows have a cell for each column; the first names the row. Cells that are numbers
/// stand at the right.
pub(super) fn table<C: AsRef<str>, S: AsRef<str>>(caption: &str, columns: &[C], rows: &[Vec<S>]) -> String {
    let is_number = |k: usize| {
        let mut cells = rows.iter().filter_map(|row| row.get(k)).map(AsRef::as_ref).filter(|c| *c != NOTHING);
        k > 0 && !rows.is_empty() && cells.all(looks_like_number)
    };
    let class = |k: usize| if is_number(k) { " class=\"number\"" } else { "" };
    let classes: Vec<&str> = (0..columns.len()).map(class).collect();
    let mut html =
        format!("<div class=\"wide\"><table>\n<caption>{}</caption>\n<thead><tr>", escape(caption));
    for (column, class) in columns.iter().zip(&classes) {
        html += &format!("<th scope=\"col\"{class}>{}</th>", escape(column.as_ref()));
    }
    html += "</tr></thead>\n<tbody>\n";
    for row in rows {
        html += "<tr>";
        for (k, (cell, class)) in row.iter().zip(&classes).enumerate() {
            let cell = escape_lines(cell.as_ref());
            html += &match k {
                0 => format!("<th scope=\"row\">{cell}</th>"),
                _ => format!("<td{class}>{cell}</td>"),
            };
        }
        html += "</tr>\n";
    }
    html + "</tbody>\n</table></div>\n"
}

/// What stands where there is no number.
pub(super) const NOTHING: &str = "–";

fn looks_like_number(cell: &str) -> bool {
    let digits = cell.trim_end_matches([' ', '%', '\u{a0}']);
    digits.parse::<f64>().is_ok()
}

/// What is shown when it is asked for.
pub(super) fn details(summary: &str, html: &str) -> String {
    format!("<details><summary>{}</summary>\n{html}</details>\n", escape(summary))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_texts_are_written_out() {
        assert_eq!(escape("<b a=\"1\" b='2'>&"), "&lt;b a=&quot;1&quot; b=&#39;2&#39;&gt;&amp;");
        assert_eq!(escape("\u{0}\u{202e}\u{ffff}"), "\\u{0}\\u{202e}\u{fffd}");
        assert_eq!(escape_lines("a\n<b"), "a<br/>&lt;b");
        assert_eq!((escape_short("abcd", 4), escape_short("a<bcd", 4)), ("abcd".into(), "a&lt;b…".into()));
    }

    #[test]
    fn columns_of_numbers_stand_at_the_right() {
        let html = table("<c>", &["name", "x", "of"], &[vec!["1", "2.5", "one"], vec!["b", NOTHING, "3"]]);
        assert!(html.contains("<caption>&lt;c&gt;</caption>"), "{html}");
        assert!(html.contains("<th scope=\"row\">1</th><td class=\"number\">2.5</td><td>one</td>"), "{html}");
        assert!(table("empty", &["a", "b"], &Vec::<Vec<&str>>::new()).contains("<tbody>\n</tbody>"));
    }
}

//! The page around the sections.

use super::html::escape;

/// A heading with what stands below it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Section {
    pub(super) heading: String,
    /// Finished HTML.
    pub(super) body: String,
}

/// Whether a list of the sections helps.
const MANY: usize = 3;

/// The whole page.
pub(super) fn page(title: &str, sections: &[Section]) -> String {
    let title = escape(title);
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n{HEAD}\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
    );
    if sections.len() > MANY {
        html += "<nav aria-label=\"Sections\"><ul>\n";
        for (k, section) in sections.iter().enumerate() {
            html += &format!("<li><a href=\"#section-{k}\">{}</a></li>\n", escape(&section.heading));
        }
        html += "</ul></nav>\n";
    }
    for (k, Section { heading, body }) in sections.iter().enumerate() {
        let heading = escape(heading);
        html += &format!("<section id=\"section-{k}\">\n<h2>{heading}</h2>\n{body}</section>\n");
    }
    html + "</main>\n</body>\n</html>\n"
}

/// Asks browsers for UTF-8, for no other files and no scripts, and for the width of the screen.
const HEAD: &str = include_str!("head.html");
const STYLE: &str = include_str!("style.css");

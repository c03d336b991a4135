//! A derivation as a page: one file, MathML, light and dark, made to be printed.

use pulldown_latex::config::DisplayMode;
use pulldown_latex::{Event, Parser, ParserError, RenderConfig, Storage, push_mathml};

use super::textbook::PARTS;
use super::{Claim, Derivation, Finding, Proven};

const STYLE: &str = include_str!("style.css");

impl Derivation {
    pub(crate) fn to_html(&self) -> String {
        let title = format!("Eq. 1–28 of {}", self.title);
        let mut page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{0}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{0}</h1>\n",
            escaped(&title)
        );
        page += &self.introduction();
        let mut from = 1;
        for (to, part) in PARTS {
            page += &format!("<h2>{}</h2>\n", escaped(part));
            let equations =
                self.equations.iter().filter(|proven| (from..=to).contains(&proven.stated.number));
            page.extend(equations.map(section));
            from = to + 1;
        }
        page += &self.lists();
        page + "</main>\n</body>\n</html>\n"
    }

    fn introduction(&self) -> String {
        let holding = self.equations.iter().filter(|proven| proven.holds()).count();
        let (compared, worst) = self.comparisons();
        let summaries: String =
            self.lists.iter().map(|list| format!("<li>{}</li>\n", list.summary())).collect();
        format!(
            "<p>Each equation of the textbook, and under it the entries of the list that it is: number, shape, and the equation that \
             the list itself gives. <em>Recorded by hand</em> means: after differentiation the textbook's formula was written down \
             on the same list. Equal expressions are one entry, so that the same number proves the formula for all values.</p>\n\
             <ul>\n<li>{} {holding} of {} equations hold.</li>\n{summaries}\
             <li>{compared} numbers were compared with loops, with the closed form, or with each example alone. The largest difference took {worst:.2} \
             of its bound.</li>\n<li>Seed {}.</li>\n</ul>\n",
            mark(self.holds()),
            self.equations.len(),
            self.seed
        )
    }

    fn lists(&self) -> String {
        let mut part = "<h2>The two lists</h2>\n".to_owned();
        for list in &self.lists {
            let name = format!("The list of eq. {} to {}", list.equations.start(), list.equations.end());
            part += &format!(
                "<details>\n<summary>{name}</summary>\n<pre tabindex=\"0\" role=\"region\" aria-label=\"{name}\">{}</pre>\n</details>\n",
                escaped(&list.text)
            );
        }
        part
    }
}

fn section(proven: &Proven) -> String {
    let Proven { stated, claims } = proven;
    let number = stated.number;
    let rows: String = claims.iter().map(row).collect();
    format!(
        "<section id=\"eq-{number}\" aria-labelledby=\"title-{number}\">\n\
         <h3 id=\"title-{number}\">({number}) <span>{}</span> {}</h3>\n\
         <div class=\"formula\" tabindex=\"0\" role=\"group\" aria-label=\"Equation {number}\">{}</div>\n\
         <div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Entries of equation {number}\">\n<table>\n\
         <thead><tr><th scope=\"col\">where</th><th scope=\"col\">entry</th><th scope=\"col\">shape</th>\
         <th scope=\"col\">its equation</th><th scope=\"col\">found</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n</div>\n\
         </section>\n",
        escaped(stated.title),
        mark(proven.holds()),
        of_textbook(stated.latex)
    )
}

fn row(claim: &Claim) -> String {
    let Claim { place, entry, findings } = claim;
    let number = entry.index.map_or("void".to_owned(), |index| format!("%{index}"));
    let found: String = findings.iter().map(finding).collect();
    format!(
        "<tr><td>{}</td><td>{number}</td><td>{}</td><td>{}</td><td><ul>{found}</ul></td></tr>\n",
        escaped(place),
        escaped(&entry.shape),
        entry.mathml
    )
}

fn finding(finding: &Finding) -> String {
    format!("<li>{} {}</li>", mark(finding.holds()), escaped(&finding.to_string()))
}

/// A sign and its name; colour says no more than they do.
fn mark(holds: bool) -> &'static str {
    if holds {
        "<b class=\"holds\" role=\"img\" aria-label=\"holds\">✓</b>"
    } else {
        "<b class=\"fails\" role=\"img\" aria-label=\"fails\">✗</b>"
    }
}

/// A formula of the textbook in MathML.
///
/// # Panics
/// If it is no LaTeX: the formulas are constants.
fn of_textbook(latex: &str) -> String {
    let storage = Storage::new();
    let events: Result<Vec<Event<'_>>, _> = Parser::new(latex, &storage).collect();
    let events = events.unwrap_or_else(|error| panic!("{latex}: {error}"));
    let config = RenderConfig { display_mode: DisplayMode::Block, ..RenderConfig::default() };
    let mut mathml = String::new();
    push_mathml(&mut mathml, events.into_iter().map(Ok::<_, ParserError>), config)
        .unwrap_or_else(|error| panic!("{latex}: {error}"));
    mathml
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

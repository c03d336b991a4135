//! A derivation as a LaTeX document, of `article` and `amsmath` alone.

use super::textbook::PARTS;
use super::{Claim, Derivation, List, Proven};

const HEAD: &str = r"\documentclass[a4paper,11pt]{article}
\usepackage[utf8]{inputenc}
\usepackage{textcomp}
\usepackage{amsmath}
\usepackage{amssymb}
\usepackage[margin=22mm]{geometry}
\setlength{\parindent}{0pt}
\setlength{\emergencystretch}{3em}
% An equation of the textbook: its number, what it says, the formula.
\newcommand{\stated}[3]{\medskip\textbf{(#1)} #2\begin{equation*}#3\tag{#1}\end{equation*}}
% An entry that it is: where, number, shape, the equation that the list gives, what was found.
\newcommand{\entry}[5]{\item[#1] #2, #3:\quad $\displaystyle #4$\\{\footnotesize #5}}
\begin{document}
";

impl Derivation {
    pub(crate) fn to_latex(&self) -> String {
        let mut text = HEAD.to_owned();
        text += &format!("\\section*{{Eq.~1--28 of {}}}\n", escaped(&self.title));
        text += &self.latex_introduction();
        let mut from = 1;
        for (to, part) in PARTS {
            text += &format!("\\subsection*{{{}}}\n", escaped(part));
            let equations =
                self.equations.iter().filter(|proven| (from..=to).contains(&proven.stated.number));
            text.extend(equations.map(section));
            from = to + 1;
        }
        text + "\\end{document}\n"
    }

    fn latex_introduction(&self) -> String {
        let holding = self.equations.iter().filter(|proven| proven.holds()).count();
        let (compared, worst) = self.comparisons();
        let summaries: Vec<String> = self.lists.iter().map(List::summary).collect();
        format!(
            "Each equation of the textbook, and under it the entries of the list that it is: number, shape, and the equation that\n\
             the list itself gives. \\emph{{Recorded by hand}} means: after differentiation the textbook's formula was written down\n\
             on the same list. Equal expressions are one entry, so that the same number proves the formula for all values.\n\n\
             {holding} of {} equations hold. {} {compared} numbers were compared with loops, with the closed form, or with each example alone. The\n\
             largest difference took {worst:.2} of its bound. Seed {}.\n\n",
            self.equations.len(),
            escaped(&summaries.join(" ")),
            self.seed
        )
    }
}

fn section(proven: &Proven) -> String {
    let Proven { stated, claims } = proven;
    let entries: String = claims.iter().map(entry).collect();
    format!(
        "\\stated{{{}}}{{{}}}{{{}}}\n\\begin{{description}}\n{entries}\\end{{description}}\n",
        stated.number,
        escaped(stated.title),
        stated.latex
    )
}

fn entry(claim: &Claim) -> String {
    let Claim { place, entry, findings } = claim;
    let place = if place.is_empty() { String::new() } else { format!("${place}$") };
    let number = entry.index.map_or("void".to_owned(), |index| format!("\\%{index}"));
    let found: Vec<String> = findings.iter().map(|finding| escaped(&finding.to_string())).collect();
    format!(
        "\\entry{{{place}}}{{{number}}}{{{}}}{{{}}}{{{}}}\n",
        escaped(&entry.shape),
        entry.latex,
        found.join("; ")
    )
}

/// Text with what is special to TeX escaped.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '_' | '%' | '&' | '#' | '$' | '{' | '}' => escaped.extend(['\\', c]),
            '\\' => escaped.push_str(r"\textbackslash{}"),
            '^' => escaped.push_str(r"\textasciicircum{}"),
            '~' => escaped.push_str(r"\textasciitilde{}"),
            '×' => escaped.push_str(r"$\times$"),
            '·' => escaped.push_str(r"$\cdot$"),
            '′' => escaped.push_str("$'$"),
            'σ' => escaped.push_str(r"$\sigma$"),
            c => escaped.push(c),
        }
    }
    escaped
}

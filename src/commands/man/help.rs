//! The sections that follow a command's options in its help: a heading with a
//! colon, then terms, each with its text behind two spaces or on the next,
//! deeper line.

use clap_mangen::roff::{Roff, bold, roman};

/// Where a heading stands.
#[derive(Clone, Copy)]
pub(super) enum Level {
    /// A section of the page, in capitals.
    Section,
    /// A part of a section, as it is written.
    Part,
}

pub(super) struct Section {
    pub level: Level,
    pub heading: String,
    pub lines: Vec<Line>,
}

#[derive(Clone)]
pub(super) enum Line {
    /// What is explained: an example, an exit status, a field.
    Term(String),
    Text(String),
    /// A sentence that belongs to no term.
    Paragraph(String),
    /// Lines that stay as they are.
    Verbatim(String),
}

/// The sections of a command's help.
pub(super) fn sections(help: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in help.lines().filter(|line| !line.is_empty()) {
        let text = line.trim_start();
        let depth = line.len() - text.len();
        if let (0, Some(heading)) = (depth, text.strip_suffix(':')) {
            sections.push(Section {
                level: Level::Section,
                heading: heading.to_owned(),
                lines: Vec::new(),
            });
            continue;
        }
        let Some(section) = sections.last_mut() else {
            continue;
        };
        match depth {
            0 => section.lines.push(Line::Paragraph(text.to_owned())),
            1..=2 => {
                let (term, text) = text.split_once("  ").unwrap_or((text, ""));
                section.lines.push(Line::Term(term.to_owned()));
                if !text.is_empty() {
                    section.lines.push(Line::Text(text.trim().to_owned()));
                }
            }
            _ => section.lines.push(Line::Text(text.to_owned())),
        }
    }
    sections
}

impl Section {
    pub fn of_terms(heading: &str, terms: &[(&str, &str)]) -> Section {
        let lines = terms.iter().flat_map(|(term, text)| {
            [
                Line::Term((*term).to_owned()),
                Line::Text((*text).to_owned()),
            ]
        });
        Section {
            level: Level::Section,
            heading: heading.to_owned(),
            lines: lines.collect(),
        }
    }

    pub fn of_text(heading: &str, text: &str) -> Section {
        Section {
            level: Level::Section,
            heading: heading.to_owned(),
            lines: vec![Line::Paragraph(text.to_owned())],
        }
    }

    /// The section in the language of man pages, in characters that every
    /// terminal has.
    pub fn to_roff(&self) -> String {
        let mut roff = Roff::new();
        match self.level {
            Level::Section => roff.control("SH", [self.heading.to_uppercase().as_str()]),
            Level::Part => roff.control("SS", [self.heading.as_str()]),
        };
        let mut is_first = true;
        for line in &self.lines {
            match line {
                Line::Term(term) => roff.control("TP", []).text([bold(term)]),
                Line::Text(text) => roff.text([roman(plain(text))]),
                Line::Paragraph(text) if is_first => roff.text([roman(plain(text))]),
                Line::Paragraph(text) => roff.control("PP", []).text([roman(plain(text))]),
                Line::Verbatim(text) => {
                    roff.control("nf", []);
                    for line in text.lines() {
                        roff.text([roman(line)]);
                    }
                    roff.control("fi", [])
                }
            };
            is_first = false;
        }
        roff.render()
    }
}

/// Text without the marks that comments in code have.
fn plain(text: &str) -> String {
    text.replace('`', "").replace('…', "...")
}

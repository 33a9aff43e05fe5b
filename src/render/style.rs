//! Colour, where it is wanted and nowhere else.

use crate::text::look::Colours;
use std::ffi::OsStr;
use std::io::{IsTerminal, stdout};

/// Whether escape sequences may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Text only.
    Plain,
    Colored,
}

/// What the output goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Terminal,
    /// A file, a pipe, anything else.
    Other,
}

/// What a piece of text is, rather than how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::render) enum Ink {
    Plain,
    Good,
    Bad,
    Doubt,
    Heading,
}

impl Style {
    /// Colours on a terminal, unless NO_COLOR has a value (no-color.org) or
    /// TERM says that the terminal knows none.
    pub fn decide(target: Target, no_color: Option<&OsStr>, term: Option<&OsStr>) -> Style {
        let refused = no_color.is_some_and(|value| !value.is_empty());
        let able = term.is_some_and(|term| !term.is_empty() && term != "dumb");
        match target {
            Target::Terminal if able && !refused => Style::Colored,
            _ => Style::Plain,
        }
    }

    /// What standard output and the environment of this process call for, where
    /// nobody has said it.
    pub fn of_stdout(wanted: Colours) -> Style {
        Style::on(&stdout(), wanted)
    }

    /// In a file only where they are asked for.
    pub fn of_file(wanted: Colours) -> Style {
        match wanted {
            Colours::Always => Style::Colored,
            Colours::Auto | Colours::Never => Style::Plain,
        }
    }

    /// What this stream and the environment of this process call for, where
    /// nobody has said it.
    pub fn on(stream: &impl IsTerminal, wanted: Colours) -> Style {
        match wanted {
            Colours::Always => return Style::Colored,
            Colours::Never => return Style::Plain,
            Colours::Auto => {}
        }
        let target = if stream.is_terminal() {
            Target::Terminal
        } else {
            Target::Other
        };
        let variable = |name| std::env::var_os(name);
        let (no_color, term) = (variable("NO_COLOR"), variable("TERM"));
        Style::decide(target, no_color.as_deref(), term.as_deref())
    }

    /// The text with the colour of its ink (ECMA-48, SGR).
    pub(in crate::render) fn paint(self, ink: Ink, text: &str) -> String {
        let code = match (self, ink) {
            (Style::Plain, _) | (_, Ink::Plain) => return text.to_owned(),
            (_, Ink::Good) => "1;32",
            (_, Ink::Bad) => "1;31",
            (_, Ink::Doubt) => "1;33",
            (_, Ink::Heading) => "1",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_needs_an_able_terminal_and_no_refusal() {
        let decide = |target, no_color: Option<&str>, term: Option<&str>| {
            Style::decide(target, no_color.map(OsStr::new), term.map(OsStr::new))
        };
        let xterm = Some("xterm-256color");
        assert_eq!(decide(Target::Terminal, None, xterm), Style::Colored);
        assert_eq!(decide(Target::Terminal, Some(""), xterm), Style::Colored);
        assert_eq!(decide(Target::Other, None, xterm), Style::Plain);
        assert_eq!(decide(Target::Terminal, Some("1"), xterm), Style::Plain);
        assert_eq!(decide(Target::Terminal, None, Some("dumb")), Style::Plain);
        assert_eq!(decide(Target::Terminal, None, None), Style::Plain);
    }
}

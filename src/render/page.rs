//! A page of at most 80 columns.
//!
//! Every text passes through here on its way to the terminal, so this is where
//! it is made safe and where it is wrapped.

use crate::render::style::{Ink, Style};
use crate::text::clean::{self, columns};

pub(in crate::render) const WIDTH: usize = 80;
/// Before what belongs to a heading.
pub(in crate::render) const INDENT: &str = "  ";

/// Lines that are ready to be shown.
pub(in crate::render) struct Page {
    style: Style,
    text: String,
}

impl Page {
    pub(in crate::render) fn new(style: Style) -> Page {
        Page {
            style,
            text: String::new(),
        }
    }

    pub(in crate::render) fn into_text(self) -> String {
        self.text
    }

    /// A section's title, set off by an empty line.
    pub(in crate::render) fn heading(&mut self, title: &str) {
        self.text.push('\n');
        self.title(title);
    }

    pub(in crate::render) fn title(&mut self, title: &str) {
        let title = clean::ascii(title);
        self.push_line(
            &self
                .style
                .paint(Ink::Heading, &clean::truncated(&title, WIDTH)),
        );
    }

    /// Text after a label in ink, its further lines below its first word.
    pub(in crate::render) fn labelled(&mut self, ink: Ink, label: &str, text: &str) {
        self.labelled_within(usize::MAX, ink, label, text);
    }

    /// The same in so many lines at most; what is cut is marked.
    pub(in crate::render) fn labelled_within(
        &mut self,
        lines: usize,
        ink: Ink,
        label: &str,
        text: &str,
    ) {
        let label = clean::ascii(label);
        let label = clean::truncated(&label, WIDTH / 2);
        self.hanging(ink, &label, &" ".repeat(columns(&label)), text, lines);
    }

    /// A word in ink at the left edge and text after it, its further lines
    /// indented.
    pub(in crate::render) fn outdented(&mut self, ink: Ink, word: &str, text: &str) {
        self.outdented_within(usize::MAX, ink, word, text);
    }

    /// The same in so many lines at most; what is cut is marked.
    pub(in crate::render) fn outdented_within(
        &mut self,
        lines: usize,
        ink: Ink,
        word: &str,
        text: &str,
    ) {
        let word = format!("{} ", clean::ascii(word));
        self.hanging(ink, &word, INDENT, text, lines);
    }

    /// All lines are as long as the first may be, so that none is too long.
    fn hanging(&mut self, ink: Ink, first: &str, further: &str, text: &str, most: usize) {
        let width = WIDTH - columns(first).max(columns(further));
        // Blanks are left out of the ink: a line must not end in them.
        let word = first.trim_end();
        let blanks = &first[word.len()..];
        let mut lead = format!("{}{blanks}", self.style.paint(ink, word));
        for line in within(wrapped(&clean::ascii(text), width), most, width) {
            self.push_line(&format!("{lead}{line}"));
            lead = further.to_owned();
        }
    }

    pub(in crate::render) fn paragraph(&mut self, text: &str) {
        self.labelled(Ink::Plain, INDENT, text);
    }

    pub(in crate::render) fn point(&mut self, text: &str) {
        self.labelled(Ink::Plain, "  - ", text);
    }

    /// A name in a column of `width`, and its value.
    pub(in crate::render) fn field(&mut self, width: usize, name: &str, text: &str) {
        self.labelled(Ink::Plain, &format!("{INDENT}{name:<width$}  "), text);
    }

    /// One line, cut where it is too long.
    pub(in crate::render) fn line(&mut self, text: &str) {
        let text = clean::ascii(text);
        self.push_line(&clean::truncated(&text, WIDTH));
    }

    fn push_line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }
}

/// The text in lines of at most `width` columns; at least one line. Words that
/// are longer are cut into pieces.
pub(in crate::render) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in glued(text) {
        for piece in pieces(&word, width) {
            let line = lines.last_mut().expect("there is always a line");
            if line.is_empty() {
                line.push_str(&piece);
            } else if columns(line) + 1 + columns(&piece) <= width {
                line.push(' ');
                line.push_str(&piece);
            } else {
                lines.push(piece);
            }
        }
    }
    lines
}

/// At most so many lines, at least one; the last one says where more would
/// follow.
fn within(mut lines: Vec<String>, most: usize, width: usize) -> Vec<String> {
    let most = most.max(1);
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = marked(last, width);
        }
    }
    lines
}

/// The words that fit before a mark of what is left out.
fn marked(line: &str, width: usize) -> String {
    const MARK: &str = " ...";
    let mut line = line.to_owned();
    while columns(&line) + MARK.len() > width {
        match line.rfind(' ') {
            Some(end) => line.truncate(end),
            None => return clean::truncated(&format!("{line}{MARK}"), width).into_owned(),
        }
    }
    line + MARK
}

/// The words, a number with the word behind it: "10 us" must not be parted.
pub(in crate::render) fn glued(text: &str) -> Vec<String> {
    let is_number = |word: &str| {
        word.ends_with(|c: char| c.is_ascii_digit())
            && word
                .bytes()
                .all(|b| b.is_ascii_digit() || b",.(".contains(&b))
    };
    let mut words: Vec<String> = Vec::new();
    let mut glue = false;
    for word in text.split_ascii_whitespace() {
        match words.last_mut() {
            Some(last) if glue => {
                last.push(' ');
                last.push_str(word);
                glue = false;
            }
            _ => {
                words.push(word.to_owned());
                glue = is_number(word);
            }
        }
    }
    words
}

/// A word in pieces of at most `width` columns.
fn pieces(word: &str, width: usize) -> impl Iterator<Item = String> {
    let characters: Vec<char> = word.chars().collect();
    let pieces: Vec<String> = (characters.chunks(width.max(1)))
        .map(|piece| piece.iter().collect())
        .collect();
    pieces.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_units() {
        assert_eq!(
            wrapped("no stall above 10 us seen", 17),
            ["no stall above", "10 us seen"]
        );
    }

    #[test]
    fn words_longer_than_a_line_are_cut() {
        assert_eq!(wrapped("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrapped("", 3), [""]);
    }

    #[test]
    fn what_is_cut_is_marked() {
        let lines = || wrapped("one two three four", 9);
        assert_eq!(within(lines(), 1, 9), ["one ..."]);
        assert_eq!(within(lines(), 9, 9), lines());
        assert_eq!(within(wrapped("abcdefghij kl", 8), 1, 8), ["abcde..."]);
    }

    #[test]
    fn further_lines_hang_below_the_first() {
        let mut page = Page::new(Style::Plain);
        page.field(10, "Kernel", &"release ".repeat(12));
        let text = page.into_text();
        let second = text.lines().nth(1).unwrap();
        assert!(
            second.starts_with(&format!("{}release", " ".repeat(14))),
            "{text}"
        );
    }

    #[test]
    fn only_the_page_itself_writes_escapes() {
        let mut page = Page::new(Style::Colored);
        page.outdented(Ink::Bad, "FAIL:", "\x1b[2Jgone");
        assert_eq!(page.into_text(), "\x1b[1;31mFAIL:\x1b[0m ?[2Jgone\n");
    }
}

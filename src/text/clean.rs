//! Strings that come from a machine or a file, made safe to show.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::text::characters::is_plain;

/// Characters that [`owned`] keeps.
const LONGEST_KEPT: usize = 400;

/// Whether the terminal shows letters beyond ASCII: decided once, by the
/// program and not by its library.
static LETTERS: AtomicBool = AtomicBool::new(false);

/// Shows letters of other alphabets from now on where the environment says
/// that the terminal can (locale(7)): the first of these that has a value.
pub fn adopt_locale() {
    let named = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(std::env::var_os)
        .find(|value| !value.is_empty());
    let named = named.unwrap_or_default().to_string_lossy().to_lowercase();
    let is_utf8 = named.contains("utf-8") || named.contains("utf8");
    LETTERS.store(is_utf8, Ordering::Relaxed);
}

/// Letters that take one column, of scripts that run from left to right.
fn is_plain_letter(c: char) -> bool {
    matches!(c, '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{2ff}' | '\u{370}'..='\u{482}'
        | '\u{48a}'..='\u{556}' | '\u{1e00}'..='\u{1fff}' | '\u{20ac}')
        && is_plain(c)
}

/// Printable characters only, each other one as `?`: what a DMI table or a
/// foreign report holds must not steer the terminal, and one character must be
/// one column. Letters beyond ASCII stay where the terminal shows them.
pub(crate) fn ascii(text: &str) -> Cow<'_, str> {
    shown(text, LETTERS.load(Ordering::Relaxed))
}

fn shown(text: &str, letters: bool) -> Cow<'_, str> {
    if text.bytes().all(is_printable) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| match c {
        '\t' | '\n' | '\r' => ' ',
        c if c.is_ascii() && is_printable(c as u8) => c,
        c if letters && is_plain_letter(c) => c,
        _ => '?',
    };
    Cow::Owned(text.chars().map(shown).collect())
}

/// The text without characters that steer or hide, each as `?`; letters of all
/// scripts stay.
pub(crate) fn without_controls(text: &str) -> Cow<'_, str> {
    if !text.contains(is_steering) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(is_steering, "?"))
}

/// A foreign text that is kept: without control characters, and not so long
/// that a fleet of such texts fills the memory.
pub fn owned(text: &str) -> String {
    let text = without_controls(text);
    match text.char_indices().nth(LONGEST_KEPT) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.into_owned(),
    }
}

/// Several lines of text for a terminal: what a message quotes of a file or an
/// argument steers nothing.
pub fn lines(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' => '\n',
        c if is_plain(c) => c,
        _ => '?',
    };
    text.chars().map(shown).collect()
}

fn is_steering(c: char) -> bool {
    !is_plain(c)
}

/// The columns that a text takes that is safe to show.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().count()
}

/// At most `width` columns of a text that is safe to show; a cut is marked.
pub(crate) fn truncated(text: &str, width: usize) -> Cow<'_, str> {
    if columns(text) <= width {
        return Cow::Borrowed(text);
    }
    let kept: String = text.chars().take(width.saturating_sub(3)).collect();
    Cow::Owned(format!("{}...", kept.trim_end()))
}

fn is_printable(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_lose_their_power() {
        assert_eq!(ascii("\x1b[31mred\u{9b}1m\x07"), "?[31mred?1m?");
        assert_eq!(ascii("two\nlines"), "two lines");
        assert_eq!(ascii("b\u{fc}ro"), "b?ro");
        assert_eq!(
            shown("n\u{e4}me \u{416} \u{1f600}\u{202e}\u{9b}1m\u{301}", true),
            "n\u{e4}me \u{416} ???1m?"
        );
        assert_eq!(without_controls("b\u{fc}ro\x1b\u{202e}"), "b\u{fc}ro??");
        assert_eq!(without_controls("a\u{61c}\u{feff}\u{e0041}"), "a???");
        assert_eq!(lines("one\ntwo\r\u{ad}"), "one\ntwo??");
    }

    #[test]
    fn long_texts_are_cut_with_a_mark() {
        assert_eq!(truncated("PowerEdge R740", 14), "PowerEdge R740");
        assert_eq!(truncated("PowerEdge R740", 12), "PowerEdge...");
    }
}

//! Cleaning of text that others wrote.
//!
//! DMI strings, kernel command lines and host names are set by firmware,
//! administrators or a hostile machine whose report is read elsewhere. They
//! end up on terminals and in report viewers, so what could steer those is
//! taken out where the text enters the program.

use crate::text::characters::is_plain;

/// Stands where a character was taken out, so that the loss can be seen.
const REPLACEMENT: char = '\u{fffd}';

/// Marks a text that was cut.
const ELLIPSIS: char = '…';

/// Makes `text` safe to show: trims white space at both ends, turns tabs and
/// line breaks into spaces, replaces every other control character (escape
/// sequences, bidirectional overrides, invisible characters) by U+FFFD, and
/// cuts what is longer than `longest` characters.
pub fn clean(text: &str, longest: usize) -> String {
    let mut rest = text.trim().chars();
    let mut kept: String = rest.by_ref().take(longest).map(harmless).collect();
    if rest.next().is_some() && kept.pop().is_some() {
        kept.push(ELLIPSIS);
    }
    kept
}

fn harmless(character: char) -> char {
    match character {
        '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' => ' ',
        c if is_plain(c) => c,
        _ => REPLACEMENT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_lose_their_escape() {
        assert_eq!(
            clean("\u{1b}[31mDell\u{7}\n", 64),
            "\u{fffd}[31mDell\u{fffd}"
        );
    }

    #[test]
    fn bidirectional_overrides_are_replaced() {
        assert_eq!(clean("a\u{202e}b\u{2069}c", 64), "a\u{fffd}b\u{fffd}c");
    }

    #[test]
    fn ordinary_text_stays_as_it_is() {
        let text = "Intel(R) Xeon(R) Gold 6338 — größer 東芝";
        assert_eq!(clean(text, 64), text);
    }

    #[test]
    fn the_limit_counts_characters_and_shows_the_cut() {
        assert_eq!(clean("äöüß", 4), "äöüß");
        assert_eq!(clean("äöüßx", 4), "äöü…");
        assert_eq!(clean("x", 0), "");
    }
}

//! Which characters of a foreign text may reach a screen: one answer for the
//! terminal, HTML, CSV, Markdown and JSON, by the Unicode general category.

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// Whether a character shows itself and nothing else. Not so are controls (Cc),
/// which steer a terminal; format characters (Cf), which reorder, join or hide
/// their neighbours, tags among them; line and paragraph separators (Zl, Zp);
/// and what no font knows: surrogates, private use and unassigned code points
/// (Cs, Co, Cn). See Unicode Technical Report 36, "Bidirectional Text Spoofing",
/// and Technical Standard 39, "Invisible Characters".
pub fn is_plain(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    let category = c.general_category();
    let separates = matches!(
        category,
        GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator
    );
    c.general_category_group() != GeneralCategoryGroup::Other && !separates && !is_blank(c)
}

/// Letters that show nothing: the fillers of Hangul, and the blank of Braille
/// (Technical Standard 39, "Default_Ignorable_Code_Point").
fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{2800}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_or_hides_is_not_plain() {
        let hidden = [
            '\u{0}',
            '\u{1b}',
            '\u{7f}',
            '\u{9b}',
            '\u{ad}',
            '\u{61c}',
            '\u{180e}',
            '\u{200b}',
            '\u{202e}',
            '\u{2028}',
            '\u{2029}',
            '\u{2060}',
            '\u{2069}',
            '\u{206a}',
            '\u{206f}',
            '\u{feff}',
            '\u{fff9}',
            '\u{fffe}',
            '\u{e000}',
            '\u{e0001}',
            '\u{e0041}',
            '\u{e007f}',
            '\u{3164}',
        ];
        for c in hidden {
            assert!(!is_plain(c), "{c:?}");
        }
    }

    #[test]
    fn letters_of_all_scripts_are_plain() {
        for c in "aZ0 ~äß東芝ЖאبहिΩ…—€\u{fffd}🙂".chars() {
            assert!(is_plain(c), "{c:?}");
        }
    }
}

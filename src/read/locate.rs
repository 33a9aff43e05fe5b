//! From a place in a JSON text to the name of the field that stands there.
//!
//! serde_json gives line and column; a report has its gaps a line each, and
//! "column 271" helps nobody.

/// Longer keys are cut: the text is hostile, an error message must stay short.
const LONGEST_KEY: usize = 40;
/// Deeper levels are left out for the same reason. A report has four.
const DEEPEST_LEVEL: usize = 8;

/// The byte at which a line (from 1) and column of serde_json ends.
pub(crate) fn offset(text: &[u8], line: usize, column: usize) -> usize {
    let line_start = match line {
        0 | 1 => 0,
        _ => text
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n')
            .nth(line - 2)
            .map_or(text.len(), |(at, _)| at + 1),
    };
    line_start.saturating_add(column).min(text.len())
}

enum Level {
    Object { key: String, key_follows: bool },
    List { index: usize },
}

/// The path of the field that `text` breaks off in, such as `gaps[17].cause`;
/// `None` at the top. Nothing is asked of the text, not even that it is JSON.
pub(crate) fn field_at_end(text: &[u8]) -> Option<String> {
    let mut levels: Vec<Level> = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'{' => levels.push(Level::Object {
                key: String::new(),
                key_follows: true,
            }),
            b'[' => levels.push(Level::List { index: 0 }),
            b'}' | b']' => {
                levels.pop();
            }
            b',' => match levels.last_mut() {
                Some(Level::Object { key_follows, .. }) => *key_follows = true,
                Some(Level::List { index }) => *index += 1,
                None => (),
            },
            b'"' => {
                let end = string_end(text, at);
                if let Some(Level::Object { key, key_follows }) = levels.last_mut()
                    && std::mem::take(key_follows)
                {
                    *key = shown(&text[at..end]);
                }
                at = end + 1;
            }
            _ => (),
        }
    }
    path(&levels)
}

/// Where the string that begins at `from` has its closing quote.
fn string_end(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

fn shown(key: &[u8]) -> String {
    let key = String::from_utf8_lossy(key);
    crate::text::clean::truncated(&crate::text::clean::ascii(&key), LONGEST_KEY).into_owned()
}

fn path(levels: &[Level]) -> Option<String> {
    let mut path = String::new();
    for level in levels.iter().take(DEEPEST_LEVEL) {
        match level {
            Level::Object { key, .. } if key.is_empty() => (),
            Level::Object { key, .. } if path.is_empty() => path.push_str(key),
            Level::Object { key, .. } => path.extend([".", key]),
            Level::List { index } => path.push_str(&format!("[{index}]")),
        }
    }
    (!path.is_empty()).then_some(path)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn field(text: &str) -> Option<String> {
        field_at_end(text.as_bytes())
    }

    #[test]
    fn fields_are_named_with_their_path() {
        assert_eq!(
            field(r#"{"a": 1, "gaps": [{"cpu": 1}, {"cpu": 2, "raw": {"smi": 3"#).unwrap(),
            "gaps[1].raw.smi"
        );
        assert_eq!(field(r#"{"host": {"a,\"{": 1}"#).unwrap(), "host");
        assert_eq!(field(r#"{"gaps": [{"cpu": 1}"#).unwrap(), "gaps[0]");
        assert_eq!(field(r#"{"a": 1}"#), None);
        assert_eq!(field(""), None);
    }

    #[test]
    fn offsets_follow_lines() {
        assert_eq!(offset(b"ab\ncd\n", 1, 2), 2);
        assert_eq!(offset(b"ab\ncd\n", 2, 1), 4);
        assert_eq!(offset(b"ab\ncd\n", 9, 9), 6);
        assert_eq!(offset(b"", 0, usize::MAX), 0);
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_short_answer(text in prop::collection::vec(
            prop_oneof![Just(b'"'), Just(b'\\'), Just(b'{'), Just(b'['), Just(b','), any::<u8>()],
            0..200,
        )) {
            let path = field_at_end(&text).unwrap_or_default();
            prop_assert!(path.len() <= DEEPEST_LEVEL * (LONGEST_KEY + 1));
            prop_assert!(path.bytes().all(|b| (b' '..=b'~').contains(&b)));
        }
    }
}

//! Names with `*` and `?`.

use std::fmt;

use serde::{Deserialize, Deserializer};
use wildmatch::WildMatch;

/// A name, in which `*` stands for any text and `?` for any character. Case is
/// ignored: vendors change it between BIOS releases.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    text: String,
    lowered: WildMatch,
}

impl Pattern {
    /// From the text as it was written.
    pub fn new(text: &str) -> Pattern {
        Pattern {
            text: text.to_owned(),
            lowered: WildMatch::new(&text.trim().to_lowercase()),
        }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a name fits. DMI texts often end in blanks; they do not count.
    pub fn fits(&self, name: &str) -> bool {
        self.lowered.matches(&name.trim().to_lowercase())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Pattern::new(&text))
    }
}

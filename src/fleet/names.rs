//! Names that many hosts share are kept once.

use std::collections::HashMap;
use std::sync::Arc;

use crate::text::clean_text;

pub type Name = Arc<str>;

/// A longer name is not looked for: it is cut, and likely shared by no one.
const LONGEST_SOUGHT: usize = 200;

/// The names seen so far, as they stand in reports and as they are kept.
#[derive(Debug, Default)]
pub struct Names(HashMap<Box<str>, Name>);

impl Names {
    /// The kept copy of a name, safe to print; `None` for one that is blank.
    pub fn keep(&mut self, name: &str) -> Option<Name> {
        if let Some(kept) = self.0.get(name) {
            return Some(kept.clone());
        }
        let kept = once(name)?;
        if name.len() <= LONGEST_SOUGHT {
            self.0.insert(name.into(), kept.clone());
        }
        Some(kept)
    }
}

/// A name that is likely no one else's, safe to print; `None` where it is blank.
pub fn once(name: &str) -> Option<Name> {
    let name = name.trim();
    (!name.is_empty()).then(|| Name::from(clean_text(name)))
}

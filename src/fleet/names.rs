//! Names that many hosts share are kept once.

use std::collections::HashSet;
use std::sync::Arc;

/// A name that may be shared.
pub type Name = Arc<str>;

/// All names seen so far.
#[derive(Debug, Default)]
pub struct Names(HashSet<Name>);

impl Names {
    /// The kept copy of a name.
    pub fn keep(&mut self, name: &str) -> Name {
        if let Some(kept) = self.0.get(name) {
            return kept.clone();
        }
        let kept = Name::from(name);
        self.0.insert(kept.clone());
        kept
    }
}

//! A host that may not be as it is by itself.

use crate::changes::Earlier;
use crate::model::{Finding, Severity};

/// What an earlier run, or one beside this one, means for a run that changes
/// nothing itself.
pub fn earlier_changes(earlier: &Earlier) -> Finding {
    let remedy = match earlier {
        Earlier::Unrestored { .. } => "put them back with 'hwgap restore', then measure again",
        Earlier::AtWork(_) => "measure again when that run has ended",
        Earlier::Unknown(_) => "see what 'hwgap restore --dry-run' says",
    };
    let what = earlier.to_string();
    let mut words = what.chars();
    let first = words.next().into_iter().flat_map(char::to_uppercase);
    let sentence: String = first.chain(words).collect();
    Finding::new(
        "host-left-changed",
        Severity::Warning,
        format!(
            "{sentence}. This run changed nothing, and measured the host as it found it: what it \
             saw need not be what the host does by itself."
        ),
        Some(remedy),
    )
}

//! Fields of `/proc/self/status` (Documentation/filesystems/proc.rst).

use super::root::{Known, Root};

/// The file, for errors about its fields.
pub(super) const STATUS: &str = "proc/self/status";

/// The value of the line that begins with `name` and a colon. `expected`
/// describes that line for the error.
pub(super) fn status_field(root: &Root, name: &str, expected: &'static str) -> Known<String> {
    let text = root.read_text(STATUS)?;
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.trim().to_owned())
        .ok_or_else(|| root.malformed(STATUS, expected, &text))
}

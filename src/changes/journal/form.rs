//! What stands in a journal.

use serde::{Deserialize, Serialize};

use super::super::change::Change;
use super::Standing;

const VERSION: u32 = 1;

/// The first line: whose changes these are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub hwgap_journal: u32,
    pub run: String,
    pub pid: u32,
    /// `/proc/sys/kernel/random/boot_id`: with another boot, all of it is past.
    pub boot_id: String,
    /// When it began, for people.
    pub started_utc: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Line {
    Change {
        n: usize,
        change: Change,
    },
    /// Read back as something else than was written.
    Became {
        n: usize,
        value: String,
    },
    /// Put back, or never made.
    Void {
        n: usize,
    },
}

pub(super) struct Content {
    pub(super) header: Header,
    /// What is not put back, oldest first.
    pub(super) standing: Vec<Standing>,
    pub(super) unreadable: usize,
    pub(super) next: usize,
    /// Length up to the end of the last whole line, in bytes.
    pub(super) length: usize,
}

/// Reads a journal. A last line without its end was being written when the run
/// died: what it announces was not done. `None` where that is the header.
pub(super) fn read(text: &str) -> Result<Option<Content>, String> {
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    let mut lines = whole.lines();
    let Some(first) = lines.next() else {
        return Ok(None);
    };
    let header: Header = serde_json::from_str(first).map_err(|error| error.to_string())?;
    if header.hwgap_journal != VERSION {
        let version = header.hwgap_journal;
        return Err(format!(
            "its form is {version}, this version of hwgap reads {VERSION}"
        ));
    }
    let mut standing: Vec<Standing> = Vec::new();
    let (mut unreadable, mut next) = (0, 0);
    for line in lines {
        match serde_json::from_str(line) {
            Ok(Line::Change { n, change }) if change.is_plausible() => {
                next = next.max(n.saturating_add(1));
                standing.push(Standing {
                    n,
                    change,
                    became: None,
                });
            }
            Ok(Line::Became { n, value }) => {
                if let Some(open) = standing.iter_mut().find(|open| open.n == n) {
                    open.became = Some(value);
                }
            }
            Ok(Line::Void { n }) => standing.retain(|open| open.n != n),
            Ok(Line::Change { .. }) | Err(_) => unreadable += 1,
        }
    }
    Ok(Some(Content {
        header,
        standing,
        unreadable,
        next,
        length: whole.len(),
    }))
}

impl Header {
    /// The header of a run that begins now.
    pub fn new(boot_id: String, started_utc: String) -> Header {
        let pid = std::process::id();
        let since_1970 = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |age| age.as_nanos());
        Header {
            hwgap_journal: VERSION,
            run: format!("{pid}-{since_1970:x}"),
            pid,
            boot_id,
            started_utc,
        }
    }
}

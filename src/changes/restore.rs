//! Everything that a run changed is put back here: at its end, by its guardian,
//! by `hwgap restore`, and by a later run that was told to.

use std::io;

use super::access::Access;
use super::change::{Change, Place};
use super::journal::{Journal, Left, Standing};
use super::undo::{Foreign, PutBack, look, put_back};

/// What became of a change at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    pub n: usize,
    pub change: Change,
    pub put_back: PutBack,
}

/// Puts changes back, the latest first, and notes each in the journal.
pub fn settle(
    journal: &mut Journal,
    standing: Vec<Standing>,
    access: &dyn Access,
    foreign: Foreign,
) -> Vec<Settled> {
    let mut settled = Vec::with_capacity(standing.len());
    for open in standing.into_iter().rev() {
        let put_back = put_back(&open.change, open.became.as_deref(), access, foreign);
        if put_back.is_settled() {
            // Putting it back once more would find it as before.
            let _ = journal.void(open.n);
        }
        settled.push(Settled {
            n: open.n,
            change: open.change,
            put_back,
        });
    }
    settled
}

/// What came of the changes that a dead run had left.
#[derive(Debug, PartialEq, Eq)]
pub enum Restored {
    /// The machine was booted since: all values are its own again.
    BootedSince,
    /// Each change, the latest first.
    Settled(Vec<Settled>),
}

/// Puts back what a dead run has left, and removes its journal where nothing
/// stays open.
///
/// # Errors
/// Those of removing the journal.
pub fn restore(left: Left, access: &dyn Access, foreign: Foreign) -> io::Result<Restored> {
    let Left {
        header,
        standing,
        unreadable,
        mut journal,
    } = left;
    if booted_since(&header.boot_id, access) {
        journal.close()?;
        return Ok(Restored::BootedSince);
    }
    let settled = settle(&mut journal, standing, access, foreign);
    if unreadable == 0 && settled.iter().all(|one| one.put_back.is_settled()) {
        journal.close()?;
    }
    Ok(Restored::Settled(settled))
}

/// Tells this boot from others; empty where the kernel does not say.
pub fn boot_id(access: &dyn Access) -> String {
    let place = Place::root("proc/sys/kernel/random/boot_id");
    let id = access.read(&place).unwrap_or_default();
    id.trim().to_owned()
}

/// Whether the machine was booted since a run of this boot. Where the kernel
/// does not say which boot this is, it is not known to be another one: each
/// value is then held against what the run had set, as on the same boot.
pub(super) fn booted_since(then: &str, access: &dyn Access) -> bool {
    let now = boot_id(access);
    !then.is_empty() && !now.is_empty() && then != now
}

/// What [`restore`] would meet, without doing it.
pub fn rehearse(left: &Left, access: &dyn Access, foreign: Foreign) -> Restored {
    if booted_since(&left.header.boot_id, access) {
        return Restored::BootedSince;
    }
    let looked = left.standing.iter().rev().map(|open| Settled {
        n: open.n,
        change: open.change.clone(),
        put_back: look(&open.change, open.became.as_deref(), access, foreign),
    });
    Restored::Settled(looked.collect())
}

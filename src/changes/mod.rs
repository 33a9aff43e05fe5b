//! What hwgap changes on a host, and how it is put back however the run ends.
//!
//! Whoever changes a setting does so through [`Changes`]. It writes the old
//! and the new value into a [`journal`], waits until that is on the disk, and
//! only then changes. A small [`guardian`] process puts everything back when
//! the run dies without doing so; `hwgap restore` does where that one died
//! too. All three use the same [`undo`], which overwrites no value that
//! somebody else has set meanwhile.
//!
//! A kind of change that is not here yet is a variant of [`Change`], with what
//! it takes to find out how things stand and to put them back in [`undo`].

mod access;
mod asked;
mod change;
mod format;
pub mod guardian;
pub mod journal;
mod ledger;
mod process;
mod restore;
mod shared;
pub mod undo;

pub use access::{Access, LiveAccess};
pub use asked::{Changed, Refusal};
pub use change::{Change, Place, Schedule, Tree};
pub use format::Format;
pub use guardian::Guard;
pub use journal::{Earlier, Found, Journal, JournalError, Left, Locked, Standing, peek};
pub use ledger::Changes;
pub use restore::{Restored, Settled, rehearse, restore};
pub use shared::SharedChanges;
pub use undo::{Foreign, PutBack};

//! The changes of a run, for all of its parts that make some: there is one
//! journal, one lock and one guardian.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::access::LiveAccess;
use super::ledger::Changes;

/// The changes of a run. Whoever has the last one of these puts all back.
#[derive(Clone)]
pub struct SharedChanges(Arc<Mutex<Changes<LiveAccess>>>);

impl SharedChanges {
    pub fn new(changes: Changes<LiveAccess>) -> SharedChanges {
        SharedChanges(Arc::new(Mutex::new(changes)))
    }

    /// The changes, for one part of the run at a time. One that panicked with
    /// them leaves none half noted: each is on the disk before it is made.
    pub fn lock(&self) -> MutexGuard<'_, Changes<LiveAccess>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! A way to end the samplers that does not need their engine, and so not the
//! collector that leads it.

use std::sync::Arc;

use super::shared::Shared;

/// Ends the samplers of an engine at once. One without samplers of its own has
/// nothing to stop handle.
#[derive(Clone, Debug, Default)]
pub struct StopHandle(Vec<Arc<Shared>>);

impl StopHandle {
    pub(super) fn of(shared: impl Iterator<Item = Arc<Shared>>) -> StopHandle {
        StopHandle(shared.collect())
    }

    /// Ends them, as the collector has stalled.
    pub fn pull(&self) {
        for shared in &self.0 {
            shared.stop_stalled();
        }
    }
}

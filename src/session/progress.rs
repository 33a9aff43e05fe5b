//! Who shows a run while it goes on.

use std::sync::Arc;

use crate::files::patient::tell;
use crate::units::{CpuId, Nanos, UtcNanos};

use super::observer::View;

/// A gap of the platform's as soon as it is judged. What is learnt of the
/// clocks later may still take it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveGap {
    /// The CPU it was seen on.
    pub cpu: CpuId,
    /// The last reading before it.
    pub start: UtcNanos,
    /// The platform's share of it.
    pub length: Nanos,
}

/// Shows a run while it goes on. It is told on the collector's thread and must
/// return at once.
pub trait Progress {
    /// How the run stands, a few times a second.
    fn look(&mut self, _view: &View) {}

    /// A platform gap has come in.
    fn found(&mut self, _gap: LiveGap) {}

    /// How other threads put a text on standard error beside what is shown.
    fn messages(&self) -> MessageSink {
        MessageSink::plain()
    }

    /// The run is over; the terminal is to be as before.
    fn end(&mut self) {}
}

/// Shows nothing.
pub struct Silent;

impl Progress for Silent {}

/// Puts texts of whole lines on standard error.
#[derive(Clone)]
pub struct MessageSink(Arc<dyn Fn(String) + Send + Sync>);

impl MessageSink {
    /// One that does it in this way.
    pub fn new(tell: impl Fn(String) + Send + Sync + 'static) -> MessageSink {
        MessageSink(Arc::new(tell))
    }

    /// One that simply writes.
    pub fn plain() -> MessageSink {
        MessageSink::new(|text| {
            tell(&text);
        })
    }

    /// Shows the text.
    pub fn tell(&self, text: String) {
        (self.0)(text);
    }
}

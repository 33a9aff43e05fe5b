//! The kernel's clocksource, looked at throughout a run: the kernel can change
//! its mind about the TSC at any time.

use crate::host::clocksource::Clocksource;
use crate::host::cpu_model::CpuFlags;
use crate::host::root::{Known, Root};
use crate::model::ClocksourceChange;
use crate::units::UtcNanos;

/// Changes kept; a clocksource that flaps is reported, not remembered for ever.
const MOST: usize = 1_000;

/// What has become of the clocksource.
#[derive(Clone, Debug)]
pub struct ClockWatch {
    root: Root,
    flags: Option<CpuFlags>,
    latest: Known<Clocksource>,
    start: Option<String>,
    changes: Vec<ClocksourceChange>,
    dropped_in_run: bool,
}

impl ClockWatch {
    /// Begins to watch.
    pub fn begin(root: Root, flags: Option<CpuFlags>) -> ClockWatch {
        let latest = Clocksource::read(&root);
        let start = latest.as_ref().ok().map(|source| source.current.clone());
        ClockWatch {
            root,
            flags,
            latest,
            start,
            changes: Vec::new(),
            dropped_in_run: false,
        }
    }

    /// Looks again; `now` is the time of the look.
    pub fn look(&mut self, now: UtcNanos) {
        let next = Clocksource::read(&self.root);
        if let (Ok(before), Ok(after)) = (&self.latest, &next) {
            if before.current != after.current && self.changes.len() < MOST {
                self.changes.push(ClocksourceChange {
                    seen_utc: now.rfc3339(),
                    from: before.current.clone(),
                    to: after.current.clone(),
                });
            }
            self.dropped_in_run |= self.is_dropped(after) && !self.is_dropped(before);
        }
        if next.is_ok() {
            self.latest = next;
        }
    }

    /// The clocksource when the run began.
    pub fn start(&self) -> Option<&str> {
        self.start.as_deref()
    }

    /// The clocksource at the latest look.
    pub fn end(&self) -> Option<&str> {
        self.latest
            .as_ref()
            .ok()
            .map(|source| source.current.as_str())
    }

    /// Each change seen.
    pub fn changes(&self) -> &[ClocksourceChange] {
        &self.changes
    }

    /// Whether the kernel gave the TSC up while the run went on. A switch by
    /// hand leaves the TSC in the list of available clocksources; marking it
    /// unstable does not.
    pub fn tsc_dropped_in_run(&self) -> bool {
        self.dropped_in_run
    }

    fn is_dropped(&self, source: &Clocksource) -> bool {
        self.flags
            .as_ref()
            .is_some_and(|flags| source.tsc_dropped(flags))
    }
}

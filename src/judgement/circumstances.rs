//! What `run`, `selftest` and `preflight` do alike to get a measurement going.

use std::time::Duration;

use super::tsc_given_up;
use crate::attribution::Throttling;
use crate::evidence::MachineFacts;
use crate::host::debugfs::Debugfs;
use crate::host::root::Root;
use crate::host::{Host, realtime};
use crate::model::{ClockTrust, Platform, Setting};
use crate::session::{Rate, Timeline};
use crate::units::Nanos;
use crate::units::cpulist::CpuList;

/// Shortest stretch over which the TSC's rate is fitted before a run; it is
/// fitted again over the whole run.
const FIRST_FIT: Nanos = Nanos(100_000_000);

/// The TSC's rate before the run: CPUID's, or a fit over a short stretch.
pub(crate) fn first_rate(machine: &MachineFacts, timeline: &mut Timeline) -> Rate {
    let by_cpuid = machine.tsc_rate();
    if by_cpuid.is_none() {
        let rest = FIRST_FIT.saturating_sub(timeline.age());
        std::thread::sleep(Duration::from_nanos(rest.0));
    }
    timeline.mark();
    match by_cpuid {
        Some(hz) if timeline.is_live() => Rate { hz, error_ppm: 0.0 },
        _ => timeline.rate(),
    }
}

/// The circumstances in which the first gaps are judged.
pub(crate) fn setting(machine: &MachineFacts, host: &Host) -> Setting {
    Setting {
        platform: machine.platform(),
        clock: match (machine.platform(), tsc_given_up(host)) {
            (Platform::BareMetal, true) => ClockTrust::Broken,
            _ => ClockTrust::Trusted,
        },
    }
}

/// The pause that real-time tasks must make in each period: RT throttling's,
/// or the fair server's, which has the same default.
pub(crate) fn throttling(host: &Host, cpus: &CpuList, root: &Root) -> Option<Throttling> {
    let debugfs = Debugfs::find(root);
    let fair = cpus
        .first()
        .and_then(|cpu| realtime::fair_server(&debugfs, cpu).ok());
    if let Some(realtime::Throttling::On { runtime, .. }) = fair {
        return Some(Throttling { pause: runtime });
    }
    match host.rt_throttling {
        Ok(realtime::Throttling::On { runtime, period }) => Some(Throttling {
            pause: period.saturating_sub(runtime),
        }),
        _ => None,
    }
}

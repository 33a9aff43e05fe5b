//! The count of SMIs, from whichever interface this host allows.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::sys::msr::MsrDevice;
use crate::sys::perf::CpuCounter;
use crate::units::CpuId;

/// Where a CPU's SMI count may come from, best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmiSource {
    /// MSR_SMI_COUNT through the msr driver.
    Msr(PathBuf),
    /// An event of perf_event_open(2): the `msr` PMU's `smi` on Intel, the
    /// core PMU's raw event 0x2B (`ls_smi_rx`) on AMD family 17h and later.
    Perf {
        /// PMU number.
        kind: u32,
        /// Event number.
        config: u64,
        /// What to call it.
        name: &'static str,
    },
}

impl fmt::Display for SmiSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SmiSource::Msr(path) => write!(f, "MSR_SMI_COUNT by {}", path.display()),
            SmiSource::Perf { name, .. } => write!(f, "perf event {name}"),
        }
    }
}

/// An open SMI counter of one CPU.
#[derive(Debug)]
pub enum SmiCounter {
    /// Through the msr driver.
    Msr(MsrDevice),
    /// Through perf.
    Perf(CpuCounter),
}

impl SmiCounter {
    /// Opens the first source that opens and reads, and says which; or says
    /// of each why not.
    pub fn open(sources: &[SmiSource], cpu: CpuId) -> Result<(SmiCounter, String), String> {
        let mut reasons = Vec::new();
        for source in sources {
            let opened = match source {
                SmiSource::Msr(path) => MsrDevice::open(path).map(SmiCounter::Msr),
                SmiSource::Perf { kind, config, .. } => {
                    CpuCounter::open(*kind, *config, cpu).map(SmiCounter::Perf)
                }
            };
            let verified = opened.and_then(|counter| counter.read().map(|_| counter));
            match verified {
                Ok(counter) => return Ok((counter, source.to_string())),
                Err(error) => reasons.push(explain(source, &error)),
            }
        }
        Err(reasons.join("; "))
    }

    /// The count's low 32 bits: what the hardware counts in.
    ///
    /// # Errors
    /// Those of the interface; after one, the counter is of no further use.
    pub fn read(&self) -> io::Result<u32> {
        match self {
            SmiCounter::Msr(device) => device.smi_count(),
            SmiCounter::Perf(counter) => counter.read(),
        }
        .map(|count| count as u32)
    }
}

fn explain(source: &SmiSource, error: &io::Error) -> String {
    let cause = match (source, error.raw_os_error()) {
        (SmiSource::Msr(_), Some(libc::ENOENT | libc::ENXIO)) => "the msr module is not loaded",
        (SmiSource::Msr(_), Some(libc::EACCES | libc::EPERM)) => "needs root or CAP_SYS_RAWIO",
        (SmiSource::Msr(_), Some(libc::EIO)) => "this CPU has no such register",
        (SmiSource::Perf { .. }, Some(libc::EACCES | libc::EPERM)) => {
            "needs CAP_PERFMON or kernel.perf_event_paranoid at 0 or below"
        }
        (SmiSource::Perf { .. }, Some(libc::ENOENT | libc::EINVAL | libc::EOPNOTSUPP)) => {
            "this CPU's PMU has no such event, or none is exposed"
        }
        _ => return format!("{source}: {error}"),
    };
    format!("{source}: {cause}")
}

//! How the kernel holds real-time tasks back.
//!
//! A sampler that spins at real-time priority is stopped now and then so that
//! others can run: by RT throttling (`sched_rt_runtime_us`,
//! Documentation/scheduler/sched-rt-group.rst), and from 6.12 by the fair
//! server instead (kernel/sched/debug.c). Both leave gaps of about 50 ms each
//! second that are never the hardware's.

use super::debugfs::Debugfs;
use super::root::{Known, Root};
use crate::units::{CpuId, Nanos};

/// A share of the CPU in every period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throttling {
    /// Real-time tasks are never held back by this.
    Off,
    On {
        /// For RT throttling what real-time tasks may use of each period; for
        /// the fair server what it may take from them.
        runtime: Nanos,
        period: Nanos,
    },
}

impl Throttling {
    /// RT throttling. Kernels from 6.12 with a fair server hold no task back
    /// by it.
    pub(super) fn read(root: &Root) -> Known<Throttling> {
        const RUNTIME: &str = "proc/sys/kernel/sched_rt_runtime_us";
        const PERIOD: &str = "proc/sys/kernel/sched_rt_period_us";
        // -1 means no limit.
        let runtime: i64 = root.read_number(RUNTIME)?;
        let period: u64 = root.read_number(PERIOD)?;
        if period == 0 {
            return Err(root.malformed(PERIOD, "a period above 0", "0"));
        }
        match u64::try_from(runtime) {
            Ok(runtime) if runtime < period => Ok(Throttling::On {
                runtime: micros(runtime),
                period: micros(period),
            }),
            Err(_) if runtime != -1 => {
                Err(root.malformed(RUNTIME, "-1 or a runtime", &runtime.to_string()))
            }
            _ => Ok(Throttling::Off),
        }
    }
}

fn micros(count: u64) -> Nanos {
    Nanos(count.saturating_mul(Nanos::MICROSECOND.0))
}

/// The fair server of a CPU: `On` when it may take `runtime` of each `period`
/// from real-time tasks while ordinary tasks wait.
///
/// # Errors
/// `Missing` before 6.12 or without debugfs, `Denied` for ordinary users,
/// `LockedDown` under lockdown.
pub fn fair_server(debugfs: &Debugfs, cpu: CpuId) -> Known<Throttling> {
    let file = |name: &str| format!("sched/fair_server/cpu{cpu}/{name}");
    let root = debugfs.root_for(&file("runtime"))?;
    let runtime: u64 = root.read_number(&file("runtime"))?;
    if runtime == 0 {
        return Ok(Throttling::Off);
    }
    let period: u64 = root.read_number(&file("period"))?;
    if period == 0 {
        return Err(root.malformed(&file("period"), "a period above 0", "0"));
    }
    Ok(Throttling::On {
        runtime: Nanos(runtime),
        period: Nanos(period),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::root::ReadError;

    fn throttling(runtime: &str, period: &str) -> Known<Throttling> {
        let folder = tempfile::tempdir().unwrap();
        let sysctl = folder.path().join("proc/sys/kernel");
        std::fs::create_dir_all(&sysctl).unwrap();
        std::fs::write(sysctl.join("sched_rt_runtime_us"), runtime).unwrap();
        std::fs::write(sysctl.join("sched_rt_period_us"), period).unwrap();
        Throttling::read(&Root::at(folder.path()))
    }

    #[test]
    fn the_default_is_on() {
        let on = Throttling::On {
            runtime: Nanos(950_000_000),
            period: Nanos::SECOND,
        };
        assert_eq!(throttling("950000\n", "1000000\n"), Ok(on));
    }

    #[test]
    fn no_limit_and_a_full_period_are_off() {
        assert_eq!(throttling("-1\n", "1000000\n"), Ok(Throttling::Off));
        assert_eq!(throttling("1000000\n", "1000000\n"), Ok(Throttling::Off));
    }

    #[test]
    fn nonsense_is_malformed() {
        for (runtime, period) in [("-2", "1000000"), ("0", "0"), ("x", "1"), ("1", "-1")] {
            let result = throttling(runtime, period);
            assert!(
                matches!(result, Err(ReadError::Malformed { .. })),
                "{runtime} {period}"
            );
        }
    }
}

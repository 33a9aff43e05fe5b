//! Steal time: how long a virtual CPU wanted to run and its hypervisor did not
//! let it, by the hypervisor's own account (proc(5), /proc/stat, 8th value).
//!
//! It counts in clock ticks, usually of 10 ms, and only where the hypervisor
//! keeps it. Zero says nothing: many hypervisors do not.

use crate::host::root::{Known, Root};
use crate::sys::clock::clock_tick;
use crate::units::{CpuId, Nanos};

use super::over_run::OverRun;

const FILE: &str = "proc/stat";

fn read(root: &Root, cpus: &[CpuId]) -> Known<Vec<Nanos>> {
    let text = root.read_text(FILE)?;
    let ticks = |cpu: &CpuId| -> Option<u64> {
        let name = format!("cpu{cpu}");
        let mut fields = text
            .lines()
            .map(str::split_ascii_whitespace)
            .find(|fields| fields.clone().next() == Some(&name))?;
        // After the name: user, nice, system, idle, iowait, irq, softirq.
        fields.nth(8)?.parse().ok()
    };
    cpus.iter()
        .map(|cpu| {
            ticks(cpu)
                .map(|ticks| Nanos(ticks.saturating_mul(clock_tick().0)))
                .ok_or_else(|| root.malformed(FILE, "steal time of each sampled CPU", &text))
        })
        .collect()
}

/// The steal time of the sampled CPUs.
#[derive(Clone, Debug)]
pub struct StealWatch(OverRun<Nanos>);

impl StealWatch {
    pub(super) fn begin(root: &Root, cpus: &[CpuId]) -> StealWatch {
        StealWatch(OverRun::begin(root, cpus, read))
    }

    pub(super) fn end(&mut self) {
        self.0.end();
    }

    /// Steal time of the CPU at this place during the run.
    ///
    /// # Errors
    /// Where the file could not be read at the start or the end.
    pub fn over_run(&self, index: usize) -> Known<Nanos> {
        let (first, last) = self.0.of(index)?;
        Ok(last.saturating_sub(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_rise_is_that_of_the_sampled_cpu() {
        let host = tempfile::tempdir().unwrap();
        fs::create_dir(host.path().join("proc")).unwrap();
        let stat = |one: u32, eleven: u32| {
            let text = format!(
                "cpu  9 9 9 9 9 9 9 99 0 0\ncpu1 1 2 3 4 5 6 7 {one} 0 0\n\
                 cpu11 1 2 3 4 5 6 7 {eleven} 0 0\nintr 5\n"
            );
            fs::write(host.path().join(FILE), text).unwrap();
        };
        stat(10, 20);
        let cpus = [CpuId(1), CpuId(11)];
        let mut watch = StealWatch::begin(&Root::at(host.path()), &cpus);
        stat(13, 20);
        watch.end();
        assert_eq!(watch.over_run(0), Ok(Nanos(3 * clock_tick().0)));
        assert_eq!(watch.over_run(1), Ok(Nanos(0)));
    }
}

//! When SMIs were counted on the CPUs of the host.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd};

use crate::evidence::{MachineFacts, SmiCounter};
use crate::host::Host;
use crate::host::cpuid;
use crate::host::root::Root;
use crate::model::absence::{SmiRise, SmisUnread};
use crate::sys::tsc;
use crate::units::{CpuId, Cycles};

/// The counters of all CPUs.
#[derive(Debug)]
pub(super) struct SmiWatch {
    counters: Result<Vec<(CpuId, SmiCounter)>, String>,
    latest: HashMap<CpuId, (u32, Cycles)>,
    rises: Vec<SmiRise>,
    unread: Vec<SmisUnread>,
}

impl SmiWatch {
    /// Opens what there is on the running machine.
    pub(super) fn open(root: &Root, cpus: &[CpuId]) -> SmiWatch {
        let mut watch = SmiWatch {
            counters: counters(root, cpus),
            latest: HashMap::new(),
            rises: Vec::new(),
            unread: Vec::new(),
        };
        watch.read();
        watch
    }

    /// The events that programs may read on their own CPU; `None` unless all
    /// counters are such.
    pub(super) fn events(&self) -> Option<Vec<(CpuId, BorrowedFd<'_>)>> {
        let counters = self.counters.as_ref().ok()?.iter();
        counters
            .map(|(cpu, counter)| match counter {
                SmiCounter::Perf(counter) => Some((*cpu, counter.as_fd())),
                SmiCounter::Msr(_) => None,
            })
            .collect()
    }

    /// Reads all counters from here. Each CPU is interrupted for it.
    pub(super) fn read(&mut self) {
        let Ok(counters) = &self.counters else { return };
        let readings: Vec<_> = (counters.iter())
            .map(|(cpu, counter)| (*cpu, counter.read(), Cycles(tsc::read())))
            .collect();
        for (cpu, count, at) in readings {
            match count {
                Ok(count) => self.note(cpu, count, at),
                Err(error) => self.fail(cpu, &error),
            }
        }
    }

    /// A reading failed: the count is unknown since the last one, for good.
    fn fail(&mut self, cpu: CpuId, error: &dyn std::fmt::Display) {
        if self.unread.iter().all(|unread| unread.cpu != cpu) {
            let latest = self.latest.get(&cpu);
            self.unread.push(SmisUnread {
                cpu,
                from_cycles: latest.map_or(Cycles(0), |(_, at)| *at),
                reason: error.to_string(),
            });
        }
    }

    /// Takes a reading. A count that cannot be, as one that went backward, was
    /// not read.
    pub(super) fn note(&mut self, cpu: CpuId, count: u32, at: Cycles) {
        if let Some(&(before, after)) = self.latest.get(&cpu)
            && before != count
        {
            let rise = SmiRise {
                cpu,
                after_cycles: after,
                by_cycles: at,
                count: count.wrapping_sub(before),
            };
            match rise.is_possible() {
                true => self.rises.push(rise),
                false => self.fail(cpu, &format!("it went from {before} to {count}")),
            }
        }
        self.latest.insert(cpu, (count, at));
    }

    pub(super) fn unread(&self) -> &[SmisUnread] {
        &self.unread
    }

    pub(super) fn rises(&self) -> Result<&[SmiRise], &str> {
        match &self.counters {
            Ok(_) => Ok(&self.rises),
            Err(reason) => Err(reason),
        }
    }
}

fn counters(root: &Root, cpus: &[CpuId]) -> Result<Vec<(CpuId, SmiCounter)>, String> {
    if !root.is_live() {
        return Err(String::from("the files are those of another machine"));
    }
    let host = Host::read(root);
    let machine = MachineFacts::new(cpuid::facts(), &host);
    cpus.iter()
        .map(|&cpu| {
            let sources = machine.smi_sources(root, &host, cpu)?;
            SmiCounter::open(&sources, cpu).map(|(counter, _)| (cpu, counter))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rise_lies_between_two_readings_of_its_cpu() {
        let mut watch = SmiWatch {
            counters: Ok(Vec::new()),
            latest: HashMap::new(),
            rises: Vec::new(),
            unread: Vec::new(),
        };
        let last = u32::MAX;
        for (cpu, count, at) in [
            (1, last, 10),
            (2, 7, 11),
            (1, last, 20),
            (2, 8, 21),
            (1, 2, 30),
        ] {
            watch.note(CpuId(cpu), count, Cycles(at));
        }
        let rise = |cpu, after, by, count| SmiRise {
            cpu: CpuId(cpu),
            after_cycles: Cycles(after),
            by_cycles: Cycles(by),
            count,
        };
        // The counter wraps.
        let expected = [rise(2, 11, 21, 1), rise(1, 20, 30, 3)];
        assert_eq!(watch.rises().unwrap(), expected);
        // One that cannot be read is unknown since it was.
        for (cpu, reason) in [(2, "gone"), (2, "still gone"), (3, "never there")] {
            watch.fail(CpuId(cpu), &reason);
        }
        let unread = |cpu, from, reason: &str| SmisUnread {
            cpu: CpuId(cpu),
            from_cycles: Cycles(from),
            reason: reason.to_owned(),
        };
        let expected = [unread(2, 21, "gone"), unread(3, 0, "never there")];
        assert_eq!(watch.unread(), expected);
    }

    #[test]
    fn a_count_that_goes_backward_is_not_read() {
        let mut watch = SmiWatch {
            counters: Ok(Vec::new()),
            latest: HashMap::new(),
            rises: Vec::new(),
            unread: Vec::new(),
        };
        // A second at 2 GHz between them.
        for (count, at) in [(5, 10), (4, 2_000_000_010), (6, 4_000_000_010)] {
            watch.note(CpuId(1), count, Cycles(at));
        }
        let counts: Vec<u32> = watch.rises().unwrap().iter().map(|one| one.count).collect();
        assert_eq!(counts, [2]);
        let unread = SmisUnread {
            cpu: CpuId(1),
            from_cycles: Cycles(10),
            reason: "it went from 5 to 4".to_owned(),
        };
        assert_eq!(watch.unread(), [unread]);
    }
}

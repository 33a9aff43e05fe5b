//! Scripts of events, and what they must be folded to. A cycle is a nanosecond;
//! times are in microseconds.

mod exits;
mod losses;
mod scheduling;

use std::ops::Range;

use super::Fold;
use crate::guests::event::{Activity, Event, Found, Left, What};
use crate::guests::kept::Gone;
use crate::model::absence::{HostCause, HostSource, Isa};
use crate::units::{CpuId, Cycles};

const VCPU: u32 = 100;
const OTHER: u32 = 101;
const HLT: u32 = 0x78;
const INTR: u32 = 0x60;
const IOIO: u32 = 0x7b;
const CPUID: u32 = 0x72;
const NPF: u32 = 0x400;

struct Script(Fold);

fn irq(name: &str) -> Activity {
    Activity::Interrupt(name.to_owned())
}

fn softirq(name: &str) -> Activity {
    Activity::Softirq(name.to_owned())
}

impl Script {
    fn new() -> Script {
        Script::of(HostSource::Tracepoints)
    }

    fn of(source: HostSource) -> Script {
        Script(Fold::new(source, Cycles(5_000), Cycles(0)))
    }

    /// As above, the vCPU having been entered on CPU 1 at 10 us.
    fn entered() -> Script {
        Script::new().entry(10, 1)
    }

    /// Left at 100 us.
    fn left(code: u32) -> Script {
        Script::entered().exit(100, code)
    }

    fn event(mut self, us: u64, cpu: u32, what: What) -> Script {
        self.0.take(Event {
            at: Cycles(us * 1_000),
            cpu: CpuId(cpu),
            what,
        });
        self
    }

    fn exit_of(self, us: u64, cpu: u32, isa: Isa, code: u32, info1: u64) -> Script {
        let what = What::Exit {
            tid: VCPU,
            vcpu: Some(0),
            isa,
            code,
            info1,
            info2: 0xfed0_0000,
        };
        self.event(us, cpu, what)
    }

    fn exit(self, us: u64, code: u32) -> Script {
        self.exit_of(us, 1, Isa::Svm, code, 0x70_0000)
    }

    fn entry(self, us: u64, cpu: u32) -> Script {
        let what = What::Entry {
            tid: VCPU,
            vcpu: Some(0),
        };
        self.event(us, cpu, what)
    }

    fn returns_to_vmm(self, us: u64, reason: u32) -> Script {
        self.event(us, 1, What::ToVmm { tid: VCPU, reason })
    }

    fn begin(self, us: u64, cpu: u32, activity: Activity) -> Script {
        self.event(us, cpu, What::Begin(activity))
    }

    fn finish(self, us: u64, cpu: u32, activity: Activity) -> Script {
        self.event(us, cpu, What::End(activity))
    }

    fn switch(self, us: u64, cpu: u32, from: (u32, Left), to: (u32, &str, i32)) -> Script {
        let what = What::Switch {
            from: from.0,
            from_name: format!("task{}", from.0),
            from_priority: 120,
            left: from.1,
            to: to.0,
            to_name: to.1.to_owned(),
            to_priority: to.2,
        };
        self.event(us, cpu, what)
    }

    /// A handler from its begin to its end.
    fn served(self, us: Range<u64>, cpu: u32, activity: Activity) -> Script {
        self.begin(us.start, cpu, activity.clone())
            .finish(us.end, cpu, activity)
    }

    /// The vCPU sleeps, and CPU 1 idles.
    fn sleeps(self, us: u64) -> Script {
        self.switch(us, 1, (VCPU, Left::Asleep), (0, "swapper/1", 120))
    }

    /// A task takes CPU 1 from the vCPU.
    fn preempted(self, us: u64, by: (u32, &str, i32)) -> Script {
        self.switch(us, 1, (VCPU, Left::Runnable), by)
    }

    /// From a task that would run on to the vCPU.
    fn back(self, us: u64, cpu: u32, from: u32) -> Script {
        self.switch(us, cpu, (from, Left::Asleep), (VCPU, "CPU 0/KVM", 120))
    }

    fn wake(self, us: u64, by: u32, on: u32) -> Script {
        let what = What::Waking {
            tid: VCPU,
            on: CpuId(on),
            by: None,
        };
        self.event(us, by, what)
    }

    fn moved(self, us: u64, to: u32) -> Script {
        let what = What::Moved {
            tid: VCPU,
            to: CpuId(to),
        };
        self.event(us, to, what)
    }

    fn lost(self, us: u64, cpu: u32) -> Script {
        self.event(us, cpu, What::Lost)
    }

    fn watched(self, us: u64, place: Found) -> Script {
        self.event(us, 1, What::Watched { tid: VCPU, place })
    }

    fn all(mut self) -> Vec<Gone> {
        let vcpu = self.0.vcpus().get_mut(&VCPU);
        vcpu.map_or_else(Vec::new, |vcpu| vcpu.kept.absences())
    }

    fn only(self) -> Gone {
        let mut all = self.all();
        assert_eq!(all.len(), 1, "{all:#?}");
        all.remove(0)
    }

    /// Its only absence, with these parts.
    #[track_caller]
    fn becomes<const N: usize>(self, expected: [&str; N]) -> Gone {
        let gone = self.only();
        assert_eq!(parts(&gone), expected);
        gone
    }

    fn lost_times(mut self) -> Vec<(u64, u64)> {
        let vcpu = &self.0.vcpus()[&VCPU];
        let us = |at: Cycles| at.0 / 1_000;
        let lost = vcpu.lost.iter();
        lost.map(|(from, to)| (us(*from), us(*to))).collect()
    }
}

/// The parts of an absence in words; they must add up.
fn parts(gone: &Gone) -> Vec<String> {
    let mut at = Cycles(0);
    let mut joined: Vec<(u64, String)> = Vec::new();
    for part in &gone.parts {
        assert_eq!(part.at, at, "{gone:#?}");
        at = at.saturating_add(part.length);
        let name = format!("{} {}", part.cause.name(), part.what);
        match joined.last_mut() {
            Some((length, last)) if *last == name => *length += part.length.0,
            _ => joined.push((part.length.0, name)),
        }
    }
    assert_eq!(at, gone.length(), "{gone:#?}");
    let words = joined.into_iter();
    words
        .map(|(length, name)| format!("{} {name}", length / 1_000))
        .collect()
}

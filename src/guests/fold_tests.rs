//! Scripts of events, and what they must be folded to. A cycle is a nanosecond;
//! times are in microseconds.

use super::event::{Activity, Event, Left, What};
use super::fold::Fold;
use super::kept::Gone;
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

    /// From a task that would run on to the vCPU.
    fn back(self, us: u64, cpu: u32, from: u32) -> Script {
        self.switch(us, cpu, (from, Left::Asleep), (VCPU, "CPU 0/KVM", 120))
    }

    fn wake(self, us: u64, by: u32, on: u32) -> Script {
        let what = What::Waking {
            tid: VCPU,
            on: CpuId(on),
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

    fn all(mut self) -> Vec<Gone> {
        let vcpu = self.0.vcpus().get_mut(&VCPU);
        vcpu.map_or_else(Vec::new, |vcpu| vcpu.kept.absences())
    }

    fn only(self) -> Gone {
        let mut all = self.all();
        assert_eq!(all.len(), 1, "{all:#?}");
        all.remove(0)
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

#[test]
fn an_exit_that_the_kernel_handles_is_its_own() {
    let gone = Script::entered().exit(100, CPUID).entry(110, 1).only();
    assert_eq!(parts(&gone), ["10 vm-exit cpuid"]);
    assert_eq!((gone.cpu, gone.entered_on), (CpuId(1), CpuId(1)));
    assert!(!gone.incomplete);
    // What is not above the threshold is no absence.
    let short = Script::entered().exit(100, CPUID).entry(105, 1);
    assert!(short.all().is_empty());
    // Of VMX by its own names, a port with it.
    let gone = Script::entered().exit_of(100, 1, Isa::Vmx, 30, 0x3f8_0000);
    assert_eq!(
        parts(&gone.entry(110, 1).only()),
        ["10 vm-exit IO_INSTRUCTION, port 0x3f8"]
    );
}

#[test]
fn the_handler_takes_the_way_in_and_out_of_an_exit_for_an_interrupt() {
    let script = |isa, code| {
        Script::entered()
            .exit_of(100, 1, isa, code, 0)
            .begin(101, 1, irq("local_timer"))
            .finish(104, 1, irq("local_timer"))
            .begin(104, 1, softirq("timer"))
            .finish(110, 1, softirq("timer"))
            .entry(112, 1)
            .only()
    };
    let expected = [
        "4 host-interrupt local_timer",
        "6 host-softirq timer",
        "2 host-interrupt local_timer",
    ];
    assert_eq!(parts(&script(Isa::Vmx, 1)), expected);
    assert_eq!(parts(&script(Isa::Svm, INTR)), expected);
    // In an exit for something else the rest is that exit's.
    assert_eq!(
        parts(&script(Isa::Svm, CPUID)),
        [
            "1 vm-exit cpuid",
            "3 host-interrupt local_timer",
            "6 host-softirq timer",
            "2 vm-exit cpuid"
        ]
    );
    // Without a record of the handler nobody knows which it was.
    let gone = Script::entered().exit(100, INTR).entry(120, 1).only();
    assert_eq!(parts(&gone), ["20 vm-exit intr"]);
}

#[test]
fn a_record_of_the_exit_that_comes_late_adds_the_reason() {
    let gone = Script::entered()
        .begin(100, 1, irq("local_timer"))
        .finish(104, 1, irq("local_timer"))
        .begin(104, 1, softirq("timer"))
        .finish(108, 1, softirq("timer"))
        .switch(109, 1, (VCPU, Left::Runnable), (7, "cyclic", 49))
        .back(159, 1, 7)
        .exit(160, INTR)
        .entry(161, 1)
        .only();
    assert_eq!(gone.start, Cycles(100_000));
    assert_eq!(gone.reason.unwrap().name(), "intr");
    assert_eq!(
        parts(&gone),
        [
            "4 host-interrupt local_timer",
            "4 host-softirq timer",
            "1 host-interrupt local_timer",
            "50 host-task cyclic (7, real-time 50)",
            "2 host-interrupt local_timer"
        ]
    );
    assert!(!gone.incomplete);
}

#[test]
fn nested_interrupts_take_their_time_from_the_outer() {
    let gone = Script::entered()
        .exit(100, INTR)
        .begin(100, 1, softirq("net_rx"))
        .begin(110, 1, irq("eth0"))
        .begin(112, 1, irq("nmi"))
        .finish(115, 1, irq("nmi"))
        .finish(120, 1, irq("eth0"))
        .finish(130, 1, softirq("net_rx"))
        // Of one whose begin is missing nothing is taken.
        .finish(131, 1, irq("eth1"))
        .entry(140, 1)
        .only();
    assert_eq!(
        parts(&gone),
        [
            "10 host-softirq net_rx",
            "2 host-interrupt eth0",
            "3 host-interrupt nmi",
            "5 host-interrupt eth0",
            "10 host-softirq net_rx",
            "10 host-interrupt eth0"
        ]
    );
}

#[test]
fn preemption_is_the_tasks_and_what_interrupts_them_the_interrupts() {
    let gone = Script::entered()
        .exit(100, INTR)
        .begin(100, 1, irq("reschedule"))
        .finish(101, 1, irq("reschedule"))
        .switch(102, 1, (VCPU, Left::Runnable), (7, "rt", 49))
        .begin(202, 1, irq("eth0"))
        .finish(232, 1, irq("eth0"))
        .switch(302, 1, (7, Left::Asleep), (8, "make", 125))
        .switch(502, 1, (8, Left::Runnable), (0, "swapper/1", 120))
        .back(512, 1, 0)
        .entry(514, 1)
        .only();
    assert_eq!(
        parts(&gone),
        [
            "2 host-interrupt reschedule",
            "100 host-task rt (7, real-time 50)",
            "30 host-interrupt eth0",
            "70 host-task rt (7, real-time 50)",
            "200 host-task make (8, nice 5)",
            "10 vcpu-migrated ready, and its CPU was idle",
            "2 host-interrupt reschedule"
        ]
    );
}

#[test]
fn a_halt_is_the_guests_up_to_its_waking() {
    let halted = || {
        Script::entered()
            .exit(100, HLT)
            .switch(150, 1, (VCPU, Left::Asleep), (0, "swapper/1", 120))
            .switch(200, 1, (0, Left::Runnable), (7, "make", 120))
    };
    let gone = halted()
        .begin(900, 1, irq("local_timer"))
        .wake(905, 1, 1)
        .finish(910, 1, irq("local_timer"))
        .back(960, 1, 7)
        .entry(963, 1)
        .only();
    assert_eq!(
        parts(&gone),
        [
            "50 vcpu-halted polled before it slept",
            "755 vcpu-halted hlt, woken by local_timer",
            "5 host-interrupt local_timer",
            "50 host-task make (7)",
            "3 vm-exit hlt"
        ]
    );
    assert_eq!(gone.weight(), Cycles(58_000));
    // Polled, and never slept.
    let gone = Script::entered().exit(100, HLT).entry(140, 1).only();
    assert_eq!(parts(&gone), ["40 vcpu-halted polled"]);
    // A VMM that has the interrupt controller waits by itself.
    let gone = Script::entered()
        .exit(100, HLT)
        .returns_to_vmm(102, 5)
        .switch(110, 1, (VCPU, Left::Asleep), (0, "swapper/1", 120))
        .wake(200, 3, 1)
        .back(201, 1, 0)
        .entry(203, 1)
        .only();
    assert_eq!(
        parts(&gone),
        [
            "2 vcpu-halted polled before it slept",
            "8 vmm hlt",
            "90 vcpu-halted hlt",
            "1 vcpu-migrated ready, and its CPU was idle",
            "2 vmm hlt"
        ]
    );
}

#[test]
fn the_vmm_is_named_by_what_it_is_asked_for() {
    let script = |code, reason| {
        Script::entered()
            .exit(100, code)
            .returns_to_vmm(103, reason)
            .begin(110, 1, irq("eth0"))
            .finish(115, 1, irq("eth0"))
            .entry(200, 1)
            .only()
    };
    assert_eq!(
        parts(&script(IOIO, 2)),
        [
            "3 vm-exit ioio, port 0x70",
            "7 vmm io, port 0x70",
            "5 host-interrupt eth0",
            "85 vmm io, port 0x70"
        ]
    );
    assert_eq!(parts(&script(NPF, 6))[1], "7 vmm mmio, address 0xfed00000");
    assert_eq!(parts(&script(CPUID, 77))[1], "7 vmm KVM_EXIT 77");
    // It waits for a disk.
    let gone = Script::entered()
        .exit(100, IOIO)
        .returns_to_vmm(103, 2)
        .switch(110, 1, (VCPU, Left::Asleep), (0, "swapper/1", 120))
        .wake(5_000, 2, 1)
        .back(5_001, 1, 0)
        .entry(5_010, 1)
        .only();
    assert_eq!(parts(&gone)[2], "4890 vmm io, port 0x70, asleep");
}

#[test]
fn a_stopped_thread_is_told_from_one_that_sleeps() {
    let script = |left| {
        Script::entered()
            .exit(100, INTR)
            .returns_to_vmm(102, 10)
            .switch(104, 1, (VCPU, left), (0, "swapper/1", 120))
            .wake(90_000, 0, 1)
            .back(90_001, 1, 0)
            .entry(90_010, 1)
            .only()
    };
    assert_eq!(
        parts(&script(Left::Stopped)),
        [
            "2 vm-exit intr",
            "2 vmm a signal",
            "89896 vcpu-stopped by a signal or a tracer",
            "1 vcpu-migrated ready, and its CPU was idle",
            "9 vmm a signal"
        ]
    );
    assert_eq!(
        parts(&script(Left::Asleep))[2],
        "89896 vcpu-stopped asleep in the VMM after a signal"
    );
    // A page of the guest that has to be fetched.
    let gone = Script::entered()
        .exit(100, NPF)
        .switch(104, 1, (VCPU, Left::Asleep), (0, "swapper/1", 120))
        .wake(200, 0, 1)
        .back(200, 1, 0)
        .entry(210, 1)
        .only();
    assert_eq!(
        parts(&gone)[1],
        "96 vcpu-stopped asleep in the kernel after npf"
    );
}

#[test]
fn a_move_to_another_cpu_is_told_and_who_runs_there_is_too() {
    // The kernel's own thread takes it away, and an idle CPU takes it up.
    let gone = Script::entered()
        .exit(100, INTR)
        .switch(102, 1, (VCPU, Left::Runnable), (15, "migration/1", 0))
        .moved(110, 2)
        .back(125, 2, 0)
        .entry(127, 2)
        .only();
    assert_eq!(
        parts(&gone),
        [
            "2 vm-exit intr",
            "23 vcpu-migrated CPU 1 to CPU 2",
            "2 vm-exit intr"
        ]
    );
    assert_eq!((gone.cpu, gone.entered_on), (CpuId(1), CpuId(2)));
    // There a task had the CPU: that kept it.
    let gone = Script::entered()
        .switch(50, 2, (0, Left::Runnable), (9, "hog", 49))
        .exit(100, HLT)
        .switch(102, 1, (VCPU, Left::Asleep), (0, "swapper/1", 120))
        .wake(200, 3, 2)
        .back(700, 2, 9)
        .entry(702, 2)
        .only();
    assert_eq!(
        parts(&gone),
        [
            "2 vcpu-halted polled before it slept",
            "98 vcpu-halted hlt",
            "500 host-task hog (9, real-time 50)",
            "2 vm-exit hlt"
        ]
    );
}

#[test]
fn programs_tell_who_ran_only_when_it_leaves() {
    let gone = Script::of(HostSource::Bpf)
        .exit(100, HLT)
        .switch(102, 1, (VCPU, Left::Asleep), (0, "swapper/1", 120))
        .wake(200, 3, 2)
        .begin(300, 2, irq("eth0"))
        .finish(310, 2, irq("eth0"))
        .back(700, 2, 9)
        .entry(702, 2)
        .only();
    assert_eq!(
        parts(&gone),
        [
            "2 vcpu-halted polled before it slept",
            "98 vcpu-halted hlt",
            "100 host-task task9 (9)",
            "10 host-interrupt eth0",
            "390 host-task task9 (9)",
            "2 vm-exit hlt"
        ]
    );
    assert!(!gone.incomplete);
}

#[test]
fn two_vcpus_on_one_cpu_wait_for_each_other() {
    let other_exit = |us: u64| Event {
        at: Cycles(us * 1_000),
        cpu: CpuId(1),
        what: What::Exit {
            tid: OTHER,
            vcpu: Some(1),
            isa: Isa::Svm,
            code: INTR,
            info1: 0,
            info2: 0,
        },
    };
    let script = Script::entered().exit(100, INTR).switch(
        101,
        1,
        (VCPU, Left::Runnable),
        (OTHER, "CPU 1/KVM", 120),
    );
    let mut script = script;
    script.0.take(other_exit(500));
    let gone = script
        .switch(1_000, 1, (OTHER, Left::Runnable), (VCPU, "CPU 0/KVM", 120))
        .entry(1_001, 1)
        .only();
    assert_eq!(
        parts(&gone),
        [
            "1 vm-exit intr",
            "899 host-task CPU 1/KVM (101)",
            "1 vm-exit intr"
        ]
    );
}

#[test]
fn lost_records_are_nobodys() {
    // In a long absence.
    let gone = Script::entered()
        .exit(100, INTR)
        .switch(102, 1, (VCPU, Left::Runnable), (7, "rt", 49))
        .lost(300, 1)
        .back(500, 1, 7)
        .entry(502, 1);
    let gone = gone.only();
    assert!(gone.incomplete);
    assert_eq!(
        parts(&gone),
        ["2 vm-exit intr", "398 not-observed ", "2 vm-exit intr"]
    );
    // A sleeper may have been woken by whoever's record is missing.
    let gone = Script::entered()
        .switch(20, 3, (0, Left::Runnable), (9, "waker", 120))
        .exit(100, HLT)
        .switch(102, 1, (VCPU, Left::Asleep), (0, "swapper/1", 120))
        .lost(400, 3)
        .back(500, 1, 0)
        .entry(502, 1)
        .only();
    assert_eq!(
        parts(&gone),
        [
            "2 vcpu-halted polled",
            "398 not-observed ",
            "2 vcpu-halted polled"
        ]
    );
}

#[test]
fn an_exit_without_an_entry_ends_what_was_certain() {
    let script = || {
        Script::entered()
            .exit(100, CPUID)
            .returns_to_vmm(150, 2)
            .begin(180, 1, irq("eth0"))
            .exit(400, CPUID)
            .entry(410, 1)
    };
    let all = script().all();
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].end, Cycles(180_000));
    assert!(all[0].incomplete && !all[1].incomplete);
    assert_eq!(parts(&all[1]), ["10 vm-exit cpuid"]);
    assert_eq!(script().lost_times(), [(0, 10), (180, 400)]);
}

#[test]
fn an_entry_without_an_exit_is_no_absence_of_known_length() {
    let script = || Script::entered().lost(100, 1).entry(300, 1);
    assert!(script().all().is_empty());
    assert_eq!(script().lost_times(), [(0, 300)]);
    // Without a loss it only means that nothing was seen of the vCPU before.
    assert_eq!(Script::entered().lost_times(), [(0, 10)]);
    assert!(Script::entered().entry(300, 1).all().is_empty());
}

#[test]
fn an_smi_is_kept_whatever_its_record_shows() {
    let gone = Script::entered().exit(100, 0x62).entry(101, 1).only();
    assert_eq!(parts(&gone), ["1 host-smi "]);
}

#[test]
fn what_goes_on_at_the_end_is_told_up_to_there() {
    let mut script = Script::entered().exit(100, HLT).switch(
        102,
        1,
        (VCPU, Left::Asleep),
        (0, "swapper/1", 120),
    );
    script.0.end(Cycles(1_000_000));
    let gone = script.only();
    assert!(gone.incomplete);
    assert_eq!(gone.length(), Cycles(900_000));
}

#[test]
fn long_absences_keep_their_sum_and_the_longest_are_kept() {
    let mut script = Script::entered().exit(100, INTR);
    let mut at = 101;
    script = script.switch(at, 1, (VCPU, Left::Runnable), (7, "a", 120));
    for turn in 0..1_000 {
        let (from, to) = if turn % 2 == 0 { (7, 8) } else { (8, 7) };
        at += 10;
        script = script.switch(at, 1, (from, Left::Runnable), (to, "t", 120));
    }
    let gone = script.back(at + 1, 1, 7).entry(at + 2, 1).only();
    assert!(gone.parts.len() < 300);
    parts(&gone);

    let mut script = Script::entered();
    for number in 0..150_000_u64 {
        let at = 1_000 + number * 100;
        script = script.exit(at, CPUID).entry(at + 6 + number % 50, 1);
    }
    let vcpu = &script.0.vcpus()[&VCPU];
    assert_eq!(vcpu.kept.seen, 150_000);
    assert_eq!(vcpu.entries, 150_001);
    let total = vcpu.kept.totals.values().next().unwrap();
    assert_eq!((total.absences, total.longest), (150_000, Cycles(55_000)));
    let left_out = vcpu.kept.left_out.unwrap();
    let kept = script.all();
    assert_eq!(kept.len(), 100_000);
    assert!(kept.is_sorted_by_key(|gone| gone.start));
    assert!(kept.iter().all(|gone| gone.length() >= left_out));
}

#[test]
fn any_order_of_events_adds_up() {
    // A small generator of its own: the same scripts each time.
    let mut state = 1_u64;
    let mut random = move |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % below
    };
    for source in [HostSource::Tracepoints, HostSource::Bpf] {
        for _ in 0..300 {
            let mut script = Script::of(source);
            let mut at = 0;
            for _ in 0..200 {
                at += random(20);
                let cpu = random(3) as u32;
                let left = [Left::Runnable, Left::Asleep, Left::Stopped][random(3) as usize];
                let other = [0, 7, OTHER][random(3) as usize];
                script = match random(10) {
                    0 | 1 => script.exit_of(
                        at,
                        cpu,
                        Isa::Svm,
                        [HLT, INTR, IOIO, 0x62][random(4) as usize],
                        0,
                    ),
                    2 | 3 => script.entry(at, cpu),
                    4 => script.returns_to_vmm(at, random(12) as u32),
                    5 => script.begin(at, cpu, irq("eth0")),
                    6 => script.finish(at, cpu, irq("eth0")),
                    7 => script.switch(at, cpu, (VCPU, left), (other, "x", 120)),
                    8 => script.back(at, cpu, other),
                    _ => match random(4) {
                        0 => script.lost(at, cpu),
                        1 => script.moved(at, cpu),
                        _ => script.wake(at, random(3) as u32, cpu),
                    },
                };
            }
            script.0.end(Cycles(at * 1_000 + 7));
            let mut last = Cycles(0);
            for gone in script.all() {
                assert!(gone.start >= last && gone.end >= gone.start);
                last = gone.end;
                parts(&gone);
                let halted = gone
                    .parts
                    .iter()
                    .any(|part| part.cause == HostCause::VcpuHalted);
                let can_halt = gone.reason.is_some_and(|reason| reason.name() == "hlt");
                assert!(
                    !halted
                        || can_halt
                        || gone.parts.iter().any(|part| part.what.starts_with("hlt"))
                );
            }
        }
    }
}

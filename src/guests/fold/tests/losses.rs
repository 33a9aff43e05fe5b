//! Records that are missing, and events in any number and order.

use super::*;

#[test]
fn lost_records_are_nobodys() {
    // In a long absence.
    let gone = Script::left(INTR)
        .preempted(102, (7, "rt", 49))
        .lost(300, 1)
        .back(500, 1, 7)
        .entry(502, 1);
    let gone = gone.becomes(["2 vm-exit intr", "398 not-observed ", "2 vm-exit intr"]);
    assert!(gone.incomplete);
    // A sleeper may have been woken by whoever's record is missing.
    Script::entered()
        .switch(20, 3, (0, Left::Runnable), (9, "waker", 120))
        .exit(100, HLT)
        .sleeps(102)
        .lost(400, 3)
        .back(500, 1, 0)
        .entry(502, 1)
        .becomes([
            "2 vcpu-halted polled",
            "398 not-observed ",
            "2 vcpu-halted polled",
        ]);
}

#[test]
fn an_exit_without_an_entry_ends_what_was_certain() {
    let script = || {
        Script::left(CPUID)
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
fn a_vcpu_of_which_nothing_is_told_is_unknown() {
    for source in [HostSource::Tracepoints, HostSource::Bpf] {
        // Never seen, or first where it enters, is switched to, or is in the VMM.
        let mut never = Script::of(source).watched(0, Found::Unknown);
        never.0.end(Cycles(1_000_000));
        assert_eq!(never.lost_times(), [(0, 1_000)]);
        let watched = || Script::of(source).watched(0, Found::Unknown);
        assert_eq!(watched().entry(700, 1).lost_times(), [(0, 700)]);
        assert_eq!(watched().back(700, 1, 0).lost_times(), [(0, 700)]);
        assert_eq!(watched().returns_to_vmm(700, 2).lost_times(), [(0, 700)]);
        // Who leaves its guest was in it, from when it is watched on.
        assert_eq!(watched().exit(700, CPUID).lost_times(), []);
        let late = Script::of(source).watched(300, Found::Unknown);
        assert_eq!(late.exit(700, CPUID).lost_times(), [(0, 300)]);
        // A loss hides no more than it hides, and what was unknown before it stays so.
        let lost = watched().lost(400, 1).exit(700, CPUID);
        assert_eq!(lost.lost_times(), [(0, 400)]);
    }
}

#[test]
fn a_vcpu_that_programs_follow_is_in_its_guest() {
    let mut script = Script::of(HostSource::Bpf)
        .watched(0, Found::Unknown)
        .watched(0, Found::InGuest);
    script.0.end(Cycles(1_000_000));
    assert!(script.0.vcpus()[&VCPU].kept.seen == 0);
    assert_eq!(script.lost_times(), []);
    // On older kernels handlers are told before the exit that they are served in.
    let gone = Script::of(HostSource::Bpf)
        .watched(0, Found::InGuest)
        .served(100..104, 1, irq("local_timer"))
        .preempted(109, (7, "cyclic", 49))
        .back(159, 1, 7)
        .exit(160, INTR)
        .entry(161, 1)
        .only();
    assert_eq!((gone.start, gone.incomplete), (Cycles(100_000), false));
}

#[test]
fn a_stopped_vcpu_is_out_of_its_guest_from_the_begin() {
    let stopped = || Script::of(HostSource::Bpf).watched(0, Found::Stopped);
    let mut script = stopped();
    script.0.end(Cycles(1_000_000));
    let gone = script.becomes(["1000 vcpu-stopped by a signal or a tracer"]);
    assert!(gone.incomplete);
    let continued = stopped().wake(400, 0, 1).back(410, 1, 0).entry(412, 1);
    let gone = continued.only();
    assert_eq!(parts(&gone)[0], "400 vcpu-stopped by a signal or a tracer");
    assert_eq!(gone.length(), Cycles(412_000));
}

#[test]
fn what_goes_on_at_the_end_is_told_up_to_there() {
    let mut script = Script::left(HLT).sleeps(102);
    script.0.end(Cycles(1_000_000));
    let gone = script.only();
    assert!(gone.incomplete);
    assert_eq!(gone.length(), Cycles(900_000));
}

#[test]
fn long_absences_keep_their_sum_and_the_longest_are_kept() {
    let mut script = Script::left(INTR);
    let mut at = 101;
    script = script.preempted(at, (7, "a", 120));
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
                    9 if random(5) == 0 => script.watched(
                        at,
                        [Found::Unknown, Found::InGuest, Found::Stopped][random(3) as usize],
                    ),
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

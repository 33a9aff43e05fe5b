//! What an exit, its handlers and the VMM take.

use super::*;

#[test]
fn an_exit_that_the_kernel_handles_is_its_own() {
    let gone = Script::left(CPUID)
        .entry(110, 1)
        .becomes(["10 vm-exit cpuid"]);
    assert_eq!((gone.cpu, gone.entered_on), (CpuId(1), CpuId(1)));
    assert!(!gone.incomplete);
    // What is not above the threshold is no absence.
    let short = Script::left(CPUID).entry(105, 1);
    assert!(short.all().is_empty());
    // Of VMX by its own names, a port with it.
    let gone = Script::entered().exit_of(100, 1, Isa::Vmx, 30, 0x3f8_0000);
    gone.entry(110, 1)
        .becomes(["10 vm-exit IO_INSTRUCTION, port 0x3f8"]);
}

#[test]
fn the_handler_takes_the_way_in_and_out_of_an_exit_for_an_interrupt() {
    let script = |isa, code| {
        Script::entered()
            .exit_of(100, 1, isa, code, 0)
            .served(101..104, 1, irq("local_timer"))
            .served(104..110, 1, softirq("timer"))
            .entry(112, 1)
    };
    let expected = [
        "4 host-interrupt local_timer",
        "6 host-softirq timer",
        "2 host-interrupt local_timer",
    ];
    script(Isa::Vmx, 1).becomes(expected);
    script(Isa::Svm, INTR).becomes(expected);
    // In an exit for something else the rest is that exit's.
    script(Isa::Svm, CPUID).becomes([
        "1 vm-exit cpuid",
        "3 host-interrupt local_timer",
        "6 host-softirq timer",
        "2 vm-exit cpuid",
    ]);
    // Without a record of the handler nobody knows which it was.
    Script::left(INTR)
        .entry(120, 1)
        .becomes(["20 vm-exit intr"]);
}

#[test]
fn a_record_of_the_exit_that_comes_late_adds_the_reason() {
    let gone = Script::entered()
        .served(100..104, 1, irq("local_timer"))
        .served(104..108, 1, softirq("timer"))
        .preempted(109, (7, "cyclic", 49))
        .back(159, 1, 7)
        .exit(160, INTR)
        .entry(161, 1)
        .becomes([
            "4 host-interrupt local_timer",
            "4 host-softirq timer",
            "1 host-interrupt local_timer",
            "50 host-task cyclic (7, real-time 50)",
            "2 host-interrupt local_timer",
        ]);
    assert_eq!(gone.start, Cycles(100_000));
    assert_eq!(gone.reason.unwrap().name(), "intr");
    assert!(!gone.incomplete);
}

#[test]
fn nested_interrupts_take_their_time_from_the_outer() {
    Script::left(INTR)
        .begin(100, 1, softirq("net_rx"))
        .begin(110, 1, irq("eth0"))
        .served(112..115, 1, irq("nmi"))
        .finish(120, 1, irq("eth0"))
        .finish(130, 1, softirq("net_rx"))
        // Of one whose begin is missing nothing is taken.
        .finish(131, 1, irq("eth1"))
        .entry(140, 1)
        .becomes([
            "10 host-softirq net_rx",
            "2 host-interrupt eth0",
            "3 host-interrupt nmi",
            "5 host-interrupt eth0",
            "10 host-softirq net_rx",
            "10 host-interrupt eth0",
        ]);
}

#[test]
fn the_vmm_is_named_by_what_it_is_asked_for() {
    let script = |code, reason| {
        Script::left(code)
            .returns_to_vmm(103, reason)
            .served(110..115, 1, irq("eth0"))
            .entry(200, 1)
    };
    script(IOIO, 2).becomes([
        "3 vm-exit ioio, port 0x70",
        "7 vmm io, port 0x70",
        "5 host-interrupt eth0",
        "85 vmm io, port 0x70",
    ]);
    assert_eq!(
        parts(&script(NPF, 6).only())[1],
        "7 vmm mmio, address 0xfed00000"
    );
    assert_eq!(parts(&script(CPUID, 77).only())[1], "7 vmm KVM_EXIT 77");
    // It waits for a disk.
    let gone = Script::left(IOIO)
        .returns_to_vmm(103, 2)
        .sleeps(110)
        .wake(5_000, 2, 1)
        .back(5_001, 1, 0)
        .entry(5_010, 1)
        .only();
    assert_eq!(parts(&gone)[2], "4890 vmm io, port 0x70, asleep");
}

#[test]
fn an_smi_is_kept_whatever_its_record_shows() {
    Script::left(0x62).entry(101, 1).becomes(["1 host-smi "]);
}

//! What is done while a vCPU's thread sleeps, waits or moves.

use super::*;

#[test]
fn preemption_is_the_tasks_and_what_interrupts_them_the_interrupts() {
    Script::left(INTR)
        .served(100..101, 1, irq("reschedule"))
        .preempted(102, (7, "rt", 49))
        .served(202..232, 1, irq("eth0"))
        .switch(302, 1, (7, Left::Asleep), (8, "make", 125))
        .switch(502, 1, (8, Left::Runnable), (0, "swapper/1", 120))
        .back(512, 1, 0)
        .entry(514, 1)
        .becomes([
            "2 host-interrupt reschedule",
            "100 host-task rt (7, real-time 50)",
            "30 host-interrupt eth0",
            "70 host-task rt (7, real-time 50)",
            "200 host-task make (8, nice 5)",
            "10 vcpu-migrated ready, and its CPU was idle",
            "2 host-interrupt reschedule",
        ]);
}

#[test]
fn a_halt_is_the_guests_up_to_its_waking() {
    let halted = || {
        Script::left(HLT)
            .sleeps(150)
            .switch(200, 1, (0, Left::Runnable), (7, "make", 120))
    };
    let gone = halted()
        .begin(900, 1, irq("local_timer"))
        .wake(905, 1, 1)
        .finish(910, 1, irq("local_timer"))
        .back(960, 1, 7)
        .entry(963, 1)
        .becomes([
            "50 vcpu-halted polled before it slept",
            "755 vcpu-halted hlt, woken by local_timer",
            "5 host-interrupt local_timer",
            "50 host-task make (7)",
            "3 vm-exit hlt",
        ]);
    assert_eq!(gone.weight(), Cycles(58_000));
    // Polled, and never slept.
    Script::left(HLT)
        .entry(140, 1)
        .becomes(["40 vcpu-halted polled"]);
    // A VMM that has the interrupt controller waits by itself.
    Script::left(HLT)
        .returns_to_vmm(102, 5)
        .sleeps(110)
        .wake(200, 3, 1)
        .back(201, 1, 0)
        .entry(203, 1)
        .becomes([
            "2 vcpu-halted polled before it slept",
            "8 vmm hlt",
            "90 vcpu-halted hlt",
            "1 vcpu-migrated ready, and its CPU was idle",
            "2 vmm hlt",
        ]);
}

#[test]
fn a_stopped_thread_is_told_from_one_that_sleeps() {
    let script = |left| {
        Script::left(INTR)
            .returns_to_vmm(102, 10)
            .switch(104, 1, (VCPU, left), (0, "swapper/1", 120))
            .wake(90_000, 0, 1)
            .back(90_001, 1, 0)
            .entry(90_010, 1)
    };
    script(Left::Stopped).becomes([
        "2 vm-exit intr",
        "2 vmm a signal",
        "89896 vcpu-stopped by a signal or a tracer",
        "1 vcpu-migrated ready, and its CPU was idle",
        "9 vmm a signal",
    ]);
    assert_eq!(
        parts(&script(Left::Asleep).only())[2],
        "89896 vcpu-stopped asleep in the VMM after a signal"
    );
    // A page of the guest that has to be fetched.
    let gone = Script::left(NPF)
        .sleeps(104)
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
    let gone = Script::left(INTR)
        .preempted(102, (15, "migration/1", 0))
        .moved(110, 2)
        .back(125, 2, 0)
        .entry(127, 2)
        .becomes([
            "2 vm-exit intr",
            "23 vcpu-migrated CPU 1 to CPU 2",
            "2 vm-exit intr",
        ]);
    assert_eq!((gone.cpu, gone.entered_on), (CpuId(1), CpuId(2)));
    // There a task had the CPU: that kept it.
    Script::entered()
        .switch(50, 2, (0, Left::Runnable), (9, "hog", 49))
        .exit(100, HLT)
        .sleeps(102)
        .wake(200, 3, 2)
        .back(700, 2, 9)
        .entry(702, 2)
        .becomes([
            "2 vcpu-halted polled before it slept",
            "98 vcpu-halted hlt",
            "500 host-task hog (9, real-time 50)",
            "2 vm-exit hlt",
        ]);
}

#[test]
fn programs_tell_who_ran_only_when_it_leaves() {
    let gone = Script::of(HostSource::Bpf)
        .exit(100, HLT)
        .sleeps(102)
        .wake(200, 3, 2)
        .served(300..310, 2, irq("eth0"))
        .back(700, 2, 9)
        .entry(702, 2)
        .becomes([
            "2 vcpu-halted polled before it slept",
            "98 vcpu-halted hlt",
            "100 host-task task9 (9)",
            "10 host-interrupt eth0",
            "390 host-task task9 (9)",
            "2 vm-exit hlt",
        ]);
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
    let script = Script::left(INTR).preempted(101, (OTHER, "CPU 1/KVM", 120));
    let mut script = script;
    script.0.take(other_exit(500));
    script
        .switch(1_000, 1, (OTHER, Left::Runnable), (VCPU, "CPU 0/KVM", 120))
        .entry(1_001, 1)
        .becomes([
            "1 vm-exit intr",
            "899 host-task CPU 1/KVM (101)",
            "1 vm-exit intr",
        ]);
}

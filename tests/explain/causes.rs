//! What of a gap goes to whom.

use hwgap::model::absence::{HostCause, Isa, LostTime, SmisUnread};
use hwgap::model::{Cause, Confidence, Outcome};
use hwgap::units::{CpuId, Cycles, Nanos};

use super::pair::{CYCLES, Pair, part};
use super::{explained, gap, has};

/// A pair whose clocks are verified.
fn usual() -> Pair {
    let mut pair = Pair::new(2);
    pair.usual(30);
    pair
}

#[test]
fn each_part_of_an_absence_is_a_part_of_the_gap() {
    let mut pair = usual();
    let fifo = "stress-ng (77, SCHED_FIFO 50)";
    let parts = [
        part(HostCause::HostTask, fifo, 500_000),
        part(HostCause::HostInterrupt, "local_timer", 9_000),
        part(HostCause::HostTask, fifo, 100_000),
        part(HostCause::VmExit, "EXTERNAL_INTERRUPT", 6_000),
    ];
    pair.stall(1, 5_000_000_000, &parts);
    let told = explained(&pair);
    let found = gap(&told, 615_000 + 1_200);
    assert_eq!(found.cause, HostCause::HostTask);
    assert_eq!(found.what, fifo);
    assert_eq!(found.confidence, Confidence::Proved);
    let lengths: Vec<u64> = found.parts.iter().map(|part| part.length_ns.0).collect();
    assert_eq!(lengths, [600_000, 9_000, 6_000]);
    assert_eq!(found.unexplained_ns, Nanos(1_200));
    assert_eq!(told.verdict.result, Outcome::Pass);
    assert!(
        told.verdict
            .text
            .starts_with("guest fit: worst 616 us, of it 600 us by host-task stress-ng")
    );
}

#[test]
fn the_names_of_vmx_stay() {
    let mut pair = usual();
    let at = 4_000_000_000;
    let parts = [
        part(HostCause::VmExit, "EPT_MISCONFIG", 4_000),
        part(HostCause::Vmm, "mmio 0xfed00000", 60_000),
    ];
    let length = pair.absence(0, at, ("EPT_MISCONFIG", Isa::Vmx), &parts);
    pair.gap(0, at - 600, at + length + 400);
    let told = explained(&pair);
    let found = gap(&told, 65_000);
    assert_eq!(
        (found.cause, found.what.as_str()),
        (HostCause::Vmm, "mmio 0xfed00000")
    );
    assert!(found.parts.iter().any(|part| part.what == "EPT_MISCONFIG"));
}

#[test]
fn two_absences_in_one_gap_add_up() {
    let mut pair = usual();
    let at = 6_000_000_000;
    let first = pair.absence(
        0,
        at,
        ("hlt", Isa::Svm),
        &[part(HostCause::VmExit, "npf", 30_000)],
    );
    let second = at + first + 2_000;
    pair.absence(
        0,
        second,
        ("ioio", Isa::Svm),
        &[part(HostCause::Vmm, "port 0x70", 20_000)],
    );
    pair.gap(0, at - 500, second + 20_500);
    let told = explained(&pair);
    let found = gap(&told, 53_000);
    let parts: Vec<_> = found
        .parts
        .iter()
        .map(|part| (part.cause, part.length_ns.0))
        .collect();
    assert_eq!(
        parts,
        [(HostCause::VmExit, 30_000), (HostCause::Vmm, 20_000)]
    );
}

#[test]
fn an_absence_in_the_guests_own_time_is_not_counted_twice() {
    let mut pair = usual();
    let at = 7_000_000_000;
    // 40 us of the guest's own kernel with an absence in it, then 41 us below.
    let own = [part(HostCause::VmExit, "MSR_WRITE", 12_000)];
    pair.absence(0, at + 10_000, ("MSR_WRITE", Isa::Vmx), &own);
    let below = [part(HostCause::HostInterrupt, "eth0", 40_000)];
    pair.absence(0, at + 40_500, ("EXTERNAL_INTERRUPT", Isa::Vmx), &below);
    let found = pair.gap(0, at, at + 81_000);
    found.cause = Cause::HypervisorOs;
    found.os_ns = Nanos(40_000);
    found.platform_ns = Nanos(41_000);
    found.platform_at_ns = Nanos(40_000);
    let told = explained(&pair);
    let found = gap(&told, 41_000);
    assert_eq!(found.guest_os_ns, Nanos(40_000));
    assert_eq!(found.parts.len(), 1, "{found:?}");
    assert_eq!(found.what, "eth0");
    assert_eq!(found.parts[0].length_ns, Nanos(40_000));
    let own: Vec<_> = found.os_parts.iter().map(|part| part.length_ns.0).collect();
    assert_eq!(own, [12_000]);
}

#[test]
fn a_device_that_a_task_of_the_guest_asks_for_stands_apart() {
    let mut pair = usual();
    let at = 7_000_000_000;
    let parts = [part(HostCause::Vmm, "io, port 0x70", 300_000)];
    pair.absence(0, at + 20_000, ("ioio", Isa::Svm), &parts);
    let found = pair.gap(0, at, at + 400_000);
    found.cause = Cause::Os;
    found.os_ns = Nanos(400_000);
    found.platform_ns = Nanos(0);
    // Another one without any absence is the guest's alone.
    let found = pair.gap(0, at + 10_000_000, at + 10_300_000);
    found.cause = Cause::Os;
    found.os_ns = Nanos(300_000);
    found.platform_ns = Nanos(0);
    let told = explained(&pair);
    let found = gap(&told, 0);
    assert_eq!(
        (found.cause, found.confidence),
        (HostCause::Vmm, Confidence::Proved)
    );
    assert_eq!(found.os_parts[0].length_ns, Nanos(300_000));
    assert_eq!((found.parts.len(), found.unexplained_ns), (0, Nanos(0)));
    assert!(
        told.totals
            .iter()
            .all(|total| total.cause != HostCause::Vmm)
    );
    assert!(
        told.cpus
            .iter()
            .all(|cpu| cpu.gaps == 30 && cpu.explained == 30)
    );
}

#[test]
fn an_smi_that_leads_to_an_exit_lies_before_the_absence() {
    let mut pair = usual();
    let at = 7_000_000_000;
    let parts = [part(HostCause::HostSmi, "", 1_500)];
    pair.absence(0, at, ("smi", Isa::Svm), &parts);
    let exit = pair
        .vcpu(0)
        .absences
        .iter_mut()
        .find(|one| one.duration_ns == Nanos(1_500));
    exit.unwrap().exit.as_mut().unwrap().code = 0x62;
    pair.gap(0, at - 200_000, at + 2_000);
    let told = explained(&pair);
    let found = gap(&told, 202_000);
    assert_eq!(found.cause, HostCause::HostSmi);
    // No record tells how long before the exit it came.
    assert_eq!(found.confidence, Confidence::Probable);
    assert_eq!(found.parts[0].length_ns, Nanos(201_500));
}

#[test]
fn what_the_guest_gives_to_nobody_is_explained_too() {
    let mut pair = usual();
    let at = 7_000_000_000;
    let parts = [part(
        HostCause::HostTask,
        "kworker/2:1 (9, SCHED_OTHER)",
        50_000,
    )];
    pair.absence(1, at, ("EXTERNAL_INTERRUPT", Isa::Vmx), &parts);
    let found = pair.gap(1, at - 30_000, at + 51_000);
    found.cause = Cause::Unknown;
    found.os_ns = Nanos(30_000);
    found.unknown_ns = Nanos(51_000);
    found.platform_ns = Nanos(0);
    let told = explained(&pair);
    assert_eq!(gap(&told, 51_000).parts[0].length_ns, Nanos(50_000));
}

#[test]
fn an_smi_leaves_no_absence_and_a_count() {
    let mut pair = usual();
    let at = 8_000_000_100;
    pair.gap(0, at, at + 150_000);
    pair.smi(0, at - 20_000_000, at + 30_000_000, 1);
    let told = explained(&pair);
    let found = gap(&told, 150_000);
    assert_eq!(found.cause, HostCause::HostSmi);
    assert_eq!(found.confidence, Confidence::Strong);
    assert_eq!(found.unexplained_ns, Nanos(0));
}

#[test]
fn one_smi_is_not_given_to_two_gaps() {
    let mut pair = usual();
    let at = 8_000_000_100;
    for (index, length) in [150_000, 151_000].into_iter().enumerate() {
        let at = at + 2_000_000 * index as u64;
        pair.gap(0, at, at + length);
    }
    pair.smi(0, at - 20_000_000, at + 30_000_000, 1);
    let told = explained(&pair);
    for length in [150_000, 151_000] {
        let found = gap(&told, length);
        assert_eq!(found.cause, HostCause::NotObserved, "{found:?}");
        assert_eq!(found.confidence, Confidence::None);
    }
}

#[test]
fn an_smi_within_an_absence_is_that_absences() {
    let mut pair = usual();
    let at = 8_000_000_100;
    pair.gap(0, at, at + 150_000);
    let parts = [part(HostCause::HostSmi, "", 90_000)];
    pair.stall(0, at + 1_000_000, &parts);
    let vcpu = pair.vcpu(0);
    let own = vcpu
        .absences
        .iter_mut()
        .find(|one| one.duration_ns == Nanos(90_000));
    own.unwrap().smi_delta = Some(1);
    pair.smi(0, at + 1_000_000, at + 1_090_000, 1);
    let told = explained(&pair);
    assert_eq!(gap(&told, 91_200).cause, HostCause::HostSmi);
    assert_eq!(gap(&told, 150_000).cause, HostCause::HostCpu);
    // What else is in the gap of that absence is not the same SMI.
    let found = pair.guest.gaps.last_mut().unwrap();
    found.end_cycles.0 += 100_000 * CYCLES;
    found.duration_ns.0 += 100_000;
    found.platform_ns.0 += 100_000;
    let told = explained(&pair);
    let found = gap(&told, 191_200);
    assert_eq!(found.parts.len(), 1, "{found:?}");
    assert_eq!(found.parts[0].length_ns, Nanos(90_000));
}

#[test]
fn no_absence_and_no_smi_is_the_cpu_where_both_can_be_seen() {
    let mut pair = usual();
    let at = 3_000_000_100;
    pair.gap(0, at, at + 150_000);
    let told = explained(&pair);
    let found = gap(&told, 150_000);
    assert_eq!(
        (found.cause, found.confidence),
        (HostCause::HostCpu, Confidence::Strong)
    );
    pair.host.smi_rises = None;
    let told = explained(&pair);
    let found = gap(&told, 150_000);
    assert_eq!(
        (found.cause, found.confidence),
        (HostCause::NotObserved, Confidence::None)
    );
    assert!(has(&told, "no-smi-count"));
}

/// vCPU 0 runs on CPU 2.
#[test]
fn no_rise_of_a_count_that_is_not_read_is_no_evidence() {
    let cause = |cpu, from: u64| {
        let mut pair = usual();
        pair.gap(0, 3_000_000_100, 3_000_150_100);
        pair.host.smis_unread.push(SmisUnread {
            cpu: CpuId(cpu),
            from_cycles: Cycles(from * CYCLES),
            reason: "CPU 2 is offline".to_owned(),
        });
        let told = explained(&pair);
        assert!(has(&told, "no-smi-count"));
        gap(&told, 150_000).cause
    };
    assert_eq!(cause(2, 2_900_000_000), HostCause::NotObserved);
    assert_eq!(cause(2, 3_500_000_000), HostCause::HostCpu);
    assert_eq!(cause(3, 0), HostCause::HostCpu);
}

#[test]
fn a_host_that_is_a_guest_proves_nothing() {
    let mut pair = usual();
    let at = 3_000_000_100;
    pair.gap(0, at, at + 150_000);
    pair.host.host.hypervisor = Some("VMware".to_owned());
    let told = explained(&pair);
    assert!(has(&told, "host-is-a-guest"));
    assert!(
        told.gaps
            .iter()
            .all(|gap| gap.confidence < Confidence::Proved)
    );
    assert_eq!(gap(&told, 150_000).confidence, Confidence::Probable);
}

#[test]
fn what_is_too_short_for_a_record_is_not_the_cpu() {
    let mut pair = usual();
    let at = 3_000_000_100;
    pair.gap(0, at, at + 9_000);
    let told = explained(&pair);
    assert_eq!(gap(&told, 9_000).cause, HostCause::NotObserved);
}

#[test]
fn lost_records_explain_nothing() {
    let mut pair = usual();
    let at = 3_000_000_100;
    pair.gap(0, at, at + 150_000);
    let parts = [part(HostCause::HostTask, "stress-ng", 70_000)];
    pair.stall(1, at + 5_000_000, &parts);
    for (cpu, from) in [(0, at), (1, at + 5_040_000)] {
        pair.vcpu(cpu).lost.push(LostTime {
            start_cycles: Cycles(from * 2),
            end_cycles: Cycles((from + 100_000) * 2),
        });
    }
    pair.host.run.lost_records = 17;
    let incomplete = pair.vcpu(1).absences.iter_mut();
    for absence in incomplete.filter(|one| one.duration_ns == Nanos(70_000)) {
        absence.incomplete = true;
    }
    let told = explained(&pair);
    assert!(has(&told, "host-records-lost"));
    let found = gap(&told, 150_000);
    assert_eq!(found.cause, HostCause::NotObserved);
    assert_eq!(found.parts[0].what, "records of the host were lost");
    // What is recorded still counts, but proves nothing.
    let found = gap(&told, 71_200);
    assert_eq!(
        (found.cause, found.confidence),
        (HostCause::HostTask, Confidence::Probable)
    );
}

#[test]
fn outside_of_the_observation_nothing_is_known() {
    let mut pair = usual();
    pair.host.run.start_cycles = Cycles(2 * 1_000_000_000);
    let at = 500_000_000;
    pair.gap(0, at, at + 150_000);
    let told = explained(&pair);
    assert_eq!(gap(&told, 150_000).cause, HostCause::NotObserved);
    // Nor after the last that is known of the vCPU.
    let mut pair = usual();
    let vcpu = pair.vcpu(0);
    vcpu.absences
        .retain(|absence| absence.start_cycles.0 < 2 * 5_000_000_000);
    pair.guest
        .gaps
        .retain(|gap| gap.cpu != CpuId(0) || gap.start_cycles.0 < 2 * 4_900_000_000);
    let at = 9_000_000_000;
    pair.gap(0, at, at + 150_000);
    let told = explained(&pair);
    assert_eq!(gap(&told, 150_000).cause, HostCause::NotObserved);
    // The worst is not explained, so that the run that passed proves nothing.
    assert_eq!(told.verdict.result, Outcome::Inconclusive);
}

#[test]
fn totals_are_sums_with_their_rhythm() {
    let mut pair = usual();
    for beat in 0..200 {
        let at = 200_000_000 + beat * 40_000_000 + 1_234;
        pair.stall(0, at, &[part(HostCause::HostInterrupt, "hrtimer", 15_000)]);
    }
    let told = explained(&pair);
    let total = told
        .totals
        .iter()
        .find(|total| total.what == "hrtimer")
        .unwrap();
    assert_eq!(total.gaps, 200);
    assert_eq!(total.total_ns, Nanos(200 * 15_000));
    assert_eq!(total.longest_ns, Nanos(15_000));
    let period = total.period_ns.expect("a rhythm").0;
    assert!(period.abs_diff(40_000_000) < 10_000, "{period}");
    let other = told
        .totals
        .iter()
        .find(|total| total.what == "local_timer")
        .unwrap();
    assert_eq!(other.period_ns, None);
}

/// A task of the guest asks a device, and below the guest's kernel lies less.
#[test]
fn a_gap_has_the_name_of_its_largest_part() {
    let mut pair = usual();
    let at = 7_000_000_000;
    let device = [part(HostCause::Vmm, "io, port 0x70", 300_000)];
    pair.absence(0, at + 20_000, ("ioio", Isa::Svm), &device);
    let task = [part(HostCause::HostTask, "rt-hog (77)", 24_000)];
    pair.absence(0, at + 400_500, ("intr", Isa::Svm), &task);
    let found = pair.gap(0, at, at + 425_000);
    found.cause = Cause::HypervisorOs;
    found.os_ns = Nanos(400_000);
    found.platform_ns = Nanos(25_000);
    found.platform_at_ns = Nanos(400_000);
    let told = explained(&pair);
    let found = gap(&told, 25_000);
    assert_eq!(found.cause, HostCause::Vmm, "{found:?}");
    assert!(
        found.detail.starts_with("vmm io, port 0x70 300"),
        "{}",
        found.detail
    );
}

/// The host counts no SMIs, and 20 of 400 us lie on an absence.
#[test]
fn a_gap_of_which_most_is_not_explained_has_no_cause() {
    let mut pair = usual();
    pair.host.smi_rises = None;
    let at = 7_000_000_000;
    let below = [part(HostCause::HostInterrupt, "eth0", 20_000)];
    pair.absence(0, at + 10_000, ("EXTERNAL_INTERRUPT", Isa::Vmx), &below);
    pair.gap(0, at, at + 400_000);
    let told = explained(&pair);
    let found = gap(&told, 400_000);
    assert_eq!(
        (found.cause, found.confidence),
        (HostCause::NotObserved, Confidence::None),
        "{found:?}"
    );
}

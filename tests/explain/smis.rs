//! Which gap an SMI was that the host counted, and when nobody can say so.

use hwgap::model::Confidence;
use hwgap::model::absence::{HostCause, Isa, LostTime, SmisUnread};
use hwgap::units::{CpuId, Cycles, Nanos};

use super::pair::{CYCLES, Pair, part};
use super::{explained, gap};

const AT: u64 = 8_000_000_100;
const LENGTH: u64 = 150_000;

/// A gap without an absence, and an SMI about then on the CPU of its vCPU.
fn with_smi() -> Pair {
    let mut pair = without_smi();
    pair.smi(0, AT - 20_000_000, AT + 30_000_000, 1);
    pair
}

fn without_smi() -> Pair {
    let mut pair = Pair::new(2);
    pair.usual(30);
    pair.gap(0, AT, AT + LENGTH);
    pair
}

fn told(pair: &Pair) -> (HostCause, Confidence) {
    let told = explained(pair);
    let found = gap(&told, LENGTH);
    (found.cause, found.confidence)
}

const STRONG: (HostCause, Confidence) = (HostCause::HostSmi, Confidence::Strong);
const PROBABLE: (HostCause, Confidence) = (HostCause::HostSmi, Confidence::Probable);
const NOBODY: (HostCause, Confidence) = (HostCause::NotObserved, Confidence::None);

#[test]
fn a_gap_whose_records_are_lost_may_have_been_the_smi() {
    let mut pair = with_smi();
    assert_eq!(told(&pair), STRONG);
    let at = AT + 2_000_000;
    pair.gap(0, at, at + LENGTH + 1);
    pair.vcpu(0).lost.push(LostTime {
        start_cycles: Cycles(at * CYCLES),
        end_cycles: Cycles((at + LENGTH) * CYCLES),
    });
    assert_eq!(told(&pair), NOBODY);
}

#[test]
fn a_gap_whose_moment_nobody_knows_may_have_been_the_smi() {
    let mut pair = with_smi();
    pair.gap(1, AT + 2_000_000, AT + 2_200_000);
    pair.vcpu(1).guest_tsc = None;
    assert_eq!(told(&pair), PROBABLE);
}

#[test]
fn an_smi_in_an_absence_of_another_guest_is_that_absences() {
    let mut pair = with_smi();
    let mut neighbour = Pair::new(1);
    let parts = [
        part(HostCause::VmExit, "HLT", 3_000),
        part(HostCause::HostSmi, "", 90_000),
    ];
    neighbour.absence(0, AT + 10_000_000, ("HLT", Isa::Vmx), &parts);
    neighbour.vcpu(0).absences[0].smi_delta = Some(1);
    pair.host.guests.extend(neighbour.host.guests);
    pair.host.guests[1].pid = 99;
    let of_first = |pair: &Pair| {
        let question = hwgap::explain::Question {
            guest: Some("4100".to_owned()),
            ..Default::default()
        };
        let told = super::by(pair, &question);
        let found = gap(&told, LENGTH);
        (found.cause, found.confidence)
    };
    assert_eq!(of_first(&pair), NOBODY);
    // It only looks like one.
    pair.host.guests[1].vcpus[0].absences[0].smi_delta = None;
    assert_eq!(of_first(&pair), NOBODY);
    // On another CPU.
    pair.host.guests[1].vcpus[0].absences[0].cpu = CpuId(9);
    assert_eq!(of_first(&pair), STRONG);
}

#[test]
fn a_gap_that_the_guest_does_not_list_may_have_been_the_smi() {
    let pair = with_smi();
    let mut guest = pair.settled();
    guest.cpus[0].gaps_seen += 500;
    guest.cpus[0].gaps_by_cause.hypervisor += 500;
    let mut half = pair.settled();
    half.cpus[0].paused_ns = Nanos(5_000_000_000);
    for guest in [guest, half] {
        let question = hwgap::explain::Question::default();
        let hosts = std::slice::from_ref(&pair.host);
        let told = hwgap::explain::explain(&guest, hosts, &question).unwrap();
        let found = gap(&told.explanation, LENGTH);
        assert_eq!((found.cause, found.confidence), PROBABLE);
    }
    // Nor does the host list all of its absences.
    let mut pair = pair;
    pair.host = pair.host();
    pair.vcpu(0).listed_above_ns = Some(Nanos(5_500));
    assert_eq!(told(&pair), PROBABLE);
}

#[test]
fn a_count_of_another_cpu_counts_where_the_vcpu_may_have_run_there() {
    let mut pair = without_smi();
    pair.smi(5, AT - 20_000_000, AT + 30_000_000, 1);
    assert_eq!(told(&pair), (HostCause::HostCpu, Confidence::Strong));
    for affinity in [Some("0-7".to_owned()), None] {
        pair.vcpu(0).affinity = affinity;
        let told = explained(&pair);
        let found = gap(&told, LENGTH);
        assert_eq!((found.cause, found.confidence), NOBODY);
        assert!(
            found.what.contains("1 SMI counted about then on CPU 7"),
            "{found:?}"
        );
    }
    // Or may have come there without being counted.
    pair.host.smi_rises = Some(Vec::new());
    assert_eq!(told(&pair), (HostCause::HostCpu, Confidence::Strong));
    pair.host.smis_unread.push(SmisUnread {
        cpu: CpuId(7),
        from_cycles: Cycles(0),
        reason: "CPU 7 is offline".to_owned(),
    });
    assert_eq!(told(&pair), (HostCause::HostCpu, Confidence::Probable));
}

#[test]
fn an_smi_may_have_come_before_the_run() {
    let counted_from = |from| {
        let mut pair = without_smi();
        let tick = [part(HostCause::HostInterrupt, "local_timer", 20_000)];
        pair.stall(0, 60_000_000, &tick);
        pair.guest
            .gaps
            .retain(|gap| gap.duration_ns != Nanos(LENGTH));
        pair.gap(0, 70_000_000, 70_000_000 + LENGTH);
        pair.smi(0, from, 85_000_000, 1);
        told(&pair)
    };
    assert_eq!(counted_from(55_000_000), STRONG);
    // It begins at 50 ms.
    assert_eq!(counted_from(45_000_000), PROBABLE);
}

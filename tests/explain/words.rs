//! What people read first: who took the worst, what helps, and what is in doubt.

use hwgap::explain::Question;
use hwgap::model::Outcome;
use hwgap::model::absence::HostCause;
use hwgap::render::explained;
use hwgap::render::style::Style;
use hwgap::text::look::Extent;
use hwgap::units::Nanos;

use super::pair::{Pair, part};
use super::{by, explained, has};

/// Most time goes to the tick, the worst gap to a task.
fn by_a_task() -> Pair {
    let mut pair = Pair::new(1);
    pair.usual(30);
    let task = part(HostCause::HostTask, "rt (77, SCHED_FIFO 80)", 300_000);
    pair.stall(0, 5_000_000_000, &[task]);
    pair
}

fn screen(pair: &Pair) -> String {
    let text = explained::text(&explained(pair), Style::Plain, Extent::Screen);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn what_helps_against_the_worst_comes_first() {
    let told = explained(&by_a_task());
    let text = &told.verdict.text;
    let end = "of it 300 us by host-task rt (77, SCHED_FIFO 80), proved";
    assert!(text.ends_with(end), "{text}");
    let remedies: Vec<&str> = (told.findings.iter())
        .filter_map(|finding| finding.remedy.as_deref())
        .collect();
    assert!(
        remedies[0].contains("keep other tasks away"),
        "{remedies:?}"
    );
    assert!(remedies[1].contains("the tick"), "{remedies:?}");
    let screen = screen(&by_a_task());
    let place = |text: &str| {
        screen
            .find(text)
            .unwrap_or_else(|| panic!("{text}: {screen}"))
    };
    assert!(place("-> on the host, give vCPUs") < place("-> on the host, take interrupts"));
}

#[test]
fn a_remedy_is_told_once() {
    let mut pair = Pair::new(1);
    pair.usual(30);
    let told = explained(&pair);
    let with_remedy = told.findings.iter().filter(|one| one.remedy.is_some());
    assert_eq!(with_remedy.count(), 1, "{:?}", told.findings);
}

#[test]
fn that_nothing_is_explained_is_on_the_screen() {
    let mut pair = by_a_task();
    pair.told(0, 0, super::pair::OFFSET + 400_000);
    let screen = screen(&pair);
    assert!(
        screen.contains("critical Nothing is explained by"),
        "{screen}"
    );
}

#[test]
fn lost_records_are_told_as_far_as_they_are_known() {
    let mut pair = by_a_task();
    pair.host.run.lost_records = 5_000;
    let told = explained(&pair);
    let found = told
        .findings
        .iter()
        .find(|one| one.id == "host-records-lost");
    let text = &found.unwrap().text;
    assert!(text.contains("5,000 records, by its report none"), "{text}");
}

#[test]
fn no_gap_is_not_only_0_gaps() {
    let mut pair = Pair::new(1);
    pair.guest.run.threshold_ns = Nanos(10_000);
    let told = explained(&pair);
    let found = told
        .findings
        .iter()
        .find(|one| one.id == "clock-unverified");
    let text = &found.unwrap().text;
    assert!(text.starts_with("No gap of the guest"), "{text}");
}

/// The host's own run, or a guest whose hypervisor hides.
#[test]
fn what_is_no_guest_is_not_fit() {
    let mut pair = by_a_task();
    pair.guest.host.hypervisor = None;
    let told = by(&pair, &Question::default());
    assert!(has(&told, "guest-is-none"));
    assert_eq!(told.verdict.result, Outcome::Inconclusive);
    let text = &told.verdict.text;
    assert!(text.contains("in no guest"), "{text}");
    pair.guest.run.hardlimit_ns = Nanos(100_000);
    assert_eq!(explained(&pair).verdict.result, Outcome::Fail);
}

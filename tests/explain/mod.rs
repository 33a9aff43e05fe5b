//! `hwgap explain`: causes, clocks and outputs, by scripted pairs of reports.

mod causes;
mod changes;
mod clocks;
mod doubts;
mod hostile;
mod outputs;
mod pair;
mod redacted;
mod smis;
mod unseen;
mod words;

use hwgap::explain::{Question, explain};
use hwgap::model::absence::HostReport;
use hwgap::model::explained::{ExplainedGap, Explanation};
use hwgap::units::Nanos;

use pair::Pair;

fn by(pair: &Pair, question: &Question) -> Explanation {
    by_hosts(pair, std::slice::from_ref(&pair.host), question)
}

fn by_hosts(pair: &Pair, hosts: &[HostReport], question: &Question) -> Explanation {
    let explained = explain(&pair.settled(), hosts, question).unwrap();
    let told = explained.explanation;
    for gap in &told.gaps {
        let parts = gap.parts.iter().map(|part| part.length_ns.0).sum::<u64>();
        assert_eq!(parts + gap.unexplained_ns.0, gap.below_ns.0, "{gap:?}");
    }
    told
}

fn explained(pair: &Pair) -> Explanation {
    by(pair, &Question::default())
}

/// The gap that is so long.
fn gap(told: &Explanation, below: u64) -> &ExplainedGap {
    let mut all = told.gaps.iter().filter(|gap| gap.below_ns == Nanos(below));
    let found = all.next().expect("no such gap");
    assert!(all.next().is_none(), "several of {below}");
    found
}

fn has(told: &Explanation, id: &str) -> bool {
    told.findings.iter().any(|finding| finding.id == id)
}

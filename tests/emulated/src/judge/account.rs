//! Each gap's account: its parts add up, and the platform's is what SMIs took.

use super::Outcome;
use super::complaints::Complaints;
use super::matching::{Span, Stall, Victim};
use crate::report::{Gap, Kernel, Report};
use crate::scenario::Expect;
use crate::units::display;

/// The platform's part of a gap in which the kernel ran too is what the kernel's
/// records leave, within this.
pub const TOLERANCE: u64 = 3_000;
/// Beside a stall of so many times as much an error does not count: what the sampler's
/// own calls take behind an interrupt is known to some microseconds only.
const ONE_IN: u64 = 10_000;

/// The SMIs' time in a gap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// What hwgap can tell from other tasks' time.
    pub least: u64,
    /// All of it.
    pub most: u64,
    /// What of `least` may have hit a switch to another task, without a counter.
    /// The kernel records a switch some time before it makes the other task its
    /// current one, by which the log goes.
    pub at_switch: u64,
}

impl Truth {
    /// A task runs as long as it likes. Without a counter nothing tells how much
    /// of its time an SMI took, or that there was one. Where the scheduler alone
    /// says how long tasks had the CPU, the kernel's ways between them are in
    /// that time too.
    pub fn of(gap: &Gap, span: Span, stalls: &[Stall], expect: &Expect) -> Self {
        let time = |of: &dyn Fn(&Stall) -> bool| -> u64 {
            let counted = stalls.iter().filter(|&stall| of(stall));
            counted.map(|&stall| span.share_of(stall)).sum()
        };
        let tells = |stall: &Stall| {
            expect.counts_smis()
                || match stall.victim {
                    Victim::OtherTask => false,
                    Victim::Kernel => stall.cycles() > gap.held_back(),
                    Victim::Sampler | Victim::Unknown => true,
                }
        };
        let has_tasks = gap.kernel.as_ref().is_some_and(Kernel::has_tasks);
        let at_switch = |stall: &Stall| {
            has_tasks && !expect.counts_smis() && tells(stall) && stall.victim == Victim::Kernel
        };
        Self {
            least: time(&tells),
            most: time(&|_| true),
            at_switch: time(&at_switch),
        }
    }

    /// What hwgap can tell wherever the switches were.
    pub fn surely(self) -> u64 {
        self.least - self.at_switch
    }
}

/// A gap's parts, as the report has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    pub os: u64,
    pub platform: u64,
    pub unknown: u64,
}

impl Parts {
    /// The parts; `None` where one is missing.
    pub fn of(gap: &Gap) -> Option<Self> {
        Some(Self {
            os: gap.os_ns?,
            platform: gap.platform_ns?,
            unknown: gap.unknown_ns?,
        })
    }

    /// Whether nothing of any length is left open.
    pub fn is_complete(self, tolerance: u64) -> bool {
        self.unknown <= tolerance
    }

    /// How much of the gap counts as covered.
    pub fn covered(self, truth: Truth, tolerance: u64) -> u64 {
        match self.is_complete(tolerance) {
            // Of a stall in another task's time hwgap need not know.
            true => self.platform.clamp(truth.surely(), truth.most),
            false => self.platform,
        }
    }
}

/// Judges the parts of one gap.
pub fn judge(
    outcome: &mut Outcome,
    complaints: &mut Complaints,
    gap: &Gap,
    truth: Truth,
    tolerance: u64,
) {
    let Some(parts) = Parts::of(gap) else {
        complaints.add("lack a part", gap, "os_ns, platform_ns or unknown_ns");
        return;
    };
    judge_form(complaints, gap, parts);
    let tolerance = tolerance.max(truth.most / ONE_IN);
    if truth.most > 0 && !parts.is_complete(tolerance) {
        outcome.unknown_shares += 1;
    }
    let told = format!(
        "platform {}, os {}, unknown {} ({}), SMIs {}",
        display(parts.platform),
        display(parts.os),
        display(parts.unknown),
        gap.unknown_reason.as_deref().unwrap_or("no reason"),
        match truth.least == truth.most {
            true => display(truth.most),
            false => format!("{} to {}", display(truth.least), display(truth.most)),
        },
    );
    if truth.most > 0 && parts.is_complete(tolerance) && gap.kernel_ran != Some(false) {
        let error = parts.platform.abs_diff(
            // The nearest that would be right.
            parts.platform.clamp(truth.surely(), truth.most),
        );
        outcome.share_error = outcome.share_error.max(Some(error));
    }
    if parts.platform > truth.most + tolerance {
        complaints.add("give the platform more than SMIs took", gap, &told);
    }
    let told_or_open = parts.platform + parts.unknown + tolerance;
    if told_or_open < truth.least && told_or_open >= truth.surely() {
        outcome.at_switches += 1;
    } else if told_or_open < truth.least {
        complaints.add("give the platform less than SMIs took", gap, &told);
    }
}

/// What must hold of the parts whatever happened.
fn judge_form(complaints: &mut Complaints, gap: &Gap, parts: Parts) {
    let sum = parts.os + parts.platform + parts.unknown;
    if sum != gap.duration_ns {
        let told = format!("{parts:?} of {}", gap.duration_ns);
        complaints.add("have parts that do not add up", gap, &told);
    }
    let residual = gap.residual_ns;
    if residual != Some(gap.duration_ns.saturating_sub(parts.os)) {
        let told = format!("residual {residual:?}, {parts:?}");
        complaints.add("leave a wrong remainder", gap, &told);
    }
    let confidence = gap.platform_confidence.as_deref();
    let is_sure = matches!(confidence, Some("proved" | "strong" | "probable"));
    if parts.platform > 0 && !is_sure {
        let told = format!("{parts:?}, confidence {confidence:?}");
        complaints.add("have a platform part without confidence", gap, &told);
    }
    if parts.unknown > 0 && gap.unknown_reason.as_deref().is_none_or(str::is_empty) {
        let told = format!("{parts:?}");
        complaints.add("have an unknown part without a reason", gap, &told);
    }
    let mixed = gap.cause.ends_with("+os");
    if gap.is_platform() && gap.kernel_ran.is_some_and(|ran| ran != mixed) {
        complaints.add(
            "contradict themselves",
            gap,
            "the cause, and whether the kernel ran",
        );
    }
    if gap.cause == "os" && parts.platform > 0 {
        complaints.add("contradict themselves", gap, "os, and a platform part");
    }
}

/// The worst that the verdict tells is the worst that there was, as far as it
/// can be known: not in gaps that are left open. And what is left open above the
/// limit is no pass.
pub fn judge_verdict(
    outcome: &mut Outcome,
    expect: &Expect,
    report: &Report,
    spans: &[Span],
    stalls: &[Stall],
    tolerance: u64,
) {
    let limit = report.run.hardlimit_ns;
    let (mut least, mut listed, mut open, mut above) = (0, 0, 0, 0);
    // A gap may hold several stalls.
    let mut most = stalls.iter().map(|stall| stall.cycles()).max().unwrap_or(0);
    for (gap, &span) in report.gaps.iter().zip(spans) {
        let Some(parts) = Parts::of(gap) else {
            continue;
        };
        let truth = Truth::of(gap, span, stalls, expect);
        if parts.is_complete(tolerance) {
            least = least.max(truth.surely());
        }
        most = most.max(truth.most);
        listed = listed.max(parts.platform);
        open += u64::from(parts.unknown > limit);
        above += u64::from(parts.platform > limit) * gap.stands_for();
    }
    let verdict = &report.verdict;
    let stated = verdict.platform_max_ns;
    let margin = |length: u64| (length / 100).max(tolerance);
    outcome.require(
        stated + margin(least) >= least && stated <= most + margin(most),
        format!(
            "the verdict's worst is {}, the worst that can be known {}, of all {}",
            display(stated),
            display(least),
            display(most)
        ),
    );
    outcome.require(
        listed <= limit || stated.abs_diff(listed) <= listed / 100,
        format!(
            "the verdict's worst is {}, the list's {}",
            display(stated),
            display(listed)
        ),
    );
    outcome.require(
        verdict.platform_gaps == above,
        format!(
            "the verdict counts {} platform gaps, {above} of the list exceed its limit",
            verdict.platform_gaps
        ),
    );
    outcome.require(
        open == 0 || verdict.result != "pass",
        format!("{open} gaps are left open by more than the limit, and the verdict is a pass"),
    );
}

/// Of the stalls that were found, hwgap tells cause and length of the share that
/// the scenario asks for. `places` has the gap of each.
pub fn judge_told(
    outcome: &mut Outcome,
    expect: &Expect,
    report: &Report,
    places: &[(Stall, usize)],
    tolerance: u64,
) {
    let (mut told, mut all, mut first) = (0_usize, 0_usize, None);
    for &(stall, index) in places {
        let due = match stall.victim {
            Victim::Sampler | Victim::Unknown => true,
            // Without a counter only what lies below the kernel can be told apart.
            Victim::Kernel => expect.counts_smis(),
            // How much of its time an SMI took, no counter tells either.
            Victim::OtherTask => false,
        };
        let Some(gap) = report.gaps.get(index).filter(|_| due) else {
            continue;
        };
        all += 1;
        let complete = Parts::of(gap).is_some_and(|parts| parts.is_complete(tolerance));
        if gap.is_platform() && complete {
            told += 1;
        } else {
            first.get_or_insert_with(|| {
                format!(
                    "{} at {}, cause {}, unknown {:?} ({})",
                    display(gap.cycles()),
                    display(gap.start_cycles),
                    gap.cause,
                    gap.unknown_ns,
                    gap.unknown_reason.as_deref().unwrap_or("no reason")
                )
            });
        }
    }
    outcome.told = (all > 0).then_some((told, all));
    outcome.require(
        told as f64 >= all as f64 * expect.told,
        format!(
            "of {all} stalls, {told} have cause and length, {} are due; the first that has not: {}",
            expect.told,
            first.unwrap_or_default()
        ),
    );
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::scenario::SmiCount;

    const SPAN: Span = Span {
        start: 0,
        end: 100_000,
    };

    fn stall(entry: u64, length: u64, victim: Victim) -> Stall {
        Stall {
            entry,
            exit: entry + length,
            smis: 1,
            victim,
            ..Stall::default()
        }
    }

    /// A mixed gap of 100 us.
    fn gap(platform: u64, unknown: u64) -> Value {
        json!({
            "cpu": 0, "start_cycles": 0, "end_cycles": 100_000, "duration_ns": 100_000,
            "cause": "smi+os", "kernel_ran": true, "os_ns": 100_000 - platform - unknown,
            "residual_ns": platform + unknown, "platform_ns": platform, "unknown_ns": unknown,
            "platform_confidence": "proved", "unknown_reason": "for a reason",
        })
    }

    fn judged_by(gap: Value, stalls: &[Stall], smi_count: SmiCount) -> Vec<String> {
        let gap: Gap = serde_json::from_value(gap).unwrap();
        let expect = Expect {
            smi_count,
            ..Expect::default()
        };
        let (mut outcome, mut complaints) = (Outcome::default(), Complaints::default());
        let truth = Truth::of(&gap, SPAN, stalls, &expect);
        judge(&mut outcome, &mut complaints, &gap, truth, TOLERANCE);
        complaints.into_failures(&mut outcome);
        outcome.failures
    }

    fn judged(gap: Value, smi: u64) -> Vec<String> {
        let stalls = [stall(10_000, smi, Victim::Kernel)];
        judged_by(gap, &stalls, SmiCount::Exact)
    }

    #[test]
    fn a_complete_account_has_the_smis_within_three_microseconds() {
        for smi in [57_000, 60_000, 63_000] {
            assert!(judged(gap(60_000, 0), smi).is_empty());
        }
        assert!(judged(gap(60_000, 0), 56_999)[0].contains("more than SMIs took"));
        assert!(judged(gap(60_000, 0), 63_001)[0].contains("less than SMIs took"));
        assert!(judged(gap(3_001, 0), 0)[0].contains("more than SMIs took"));
    }

    #[test]
    fn beside_a_long_stall_some_microseconds_are_no_error() {
        let mut long = gap(0, 0);
        for (name, nanos) in [
            ("duration_ns", 50_040_000),
            ("os_ns", 35_600),
            ("platform_ns", 50_004_400),
            ("residual_ns", 50_004_400),
        ] {
            long[name] = nanos.into();
        }
        let long: Gap = serde_json::from_value(long).unwrap();
        let judged = |smis: u64| {
            let (mut outcome, mut complaints) = (Outcome::default(), Complaints::default());
            let truth = Truth {
                least: smis,
                most: smis,
                ..Truth::default()
            };
            judge(&mut outcome, &mut complaints, &long, truth, TOLERANCE);
            complaints.into_failures(&mut outcome);
            outcome.failures
        };
        assert!(judged(50_000_000).is_empty());
        assert!(judged(49_990_000)[0].contains("more than SMIs took"));
    }

    #[test]
    fn what_is_left_open_may_hold_the_rest_and_no_less() {
        assert!(judged(gap(20_000, 40_000), 60_000).is_empty());
        assert!(judged(gap(0, 90_000), 60_000).is_empty());
        assert!(judged(gap(20_000, 30_000), 60_000)[0].contains("less than SMIs took"));
        assert!(judged(gap(20_000, 40_000), 10_000)[0].contains("more than SMIs took"));
    }

    #[test]
    fn without_a_counter_a_stall_in_another_tasks_time_need_not_be_known() {
        let stalls = [stall(10_000, 50_000, Victim::OtherTask)];
        for platform in [0, 50_000] {
            let told = judged_by(gap(platform, 0), &stalls, SmiCount::Unreadable);
            assert!(told.is_empty(), "{told:?}");
        }
        assert!(!judged_by(gap(0, 0), &stalls, SmiCount::Exact).is_empty());
        assert!(!judged_by(gap(60_000, 0), &stalls, SmiCount::Unreadable).is_empty());
    }

    #[test]
    fn without_a_counter_a_switch_hides_what_hits_it() {
        let stalls = [stall(10_000, 50_000, Victim::Kernel)];
        let left_out = |standing: &str, smi_count| {
            let mut gap = gap(0, 0);
            gap["kernel"] = json!({ "standing": standing, "by": [] });
            gap["cause"] = json!("os");
            let gap: Gap = serde_json::from_value(gap).unwrap();
            let expect = Expect {
                smi_count,
                ..Expect::default()
            };
            let (mut outcome, mut complaints) = (Outcome::default(), Complaints::default());
            let truth = Truth::of(&gap, SPAN, &stalls, &expect);
            judge(&mut outcome, &mut complaints, &gap, truth, TOLERANCE);
            complaints.into_failures(&mut outcome);
            (outcome.at_switches, outcome.failures.len())
        };
        assert_eq!(left_out("tasks", SmiCount::Unreadable), (1, 0));
        assert_eq!(left_out("interrupts", SmiCount::Unreadable), (0, 1));
        assert_eq!(left_out("tasks", SmiCount::Exact), (0, 1));
    }

    #[test]
    fn only_what_lies_inside_the_gap_counts() {
        let stalls = [stall(90_000, 50_000, Victim::Kernel)];
        assert!(judged_by(gap(10_000, 0), &stalls, SmiCount::Exact).is_empty());
    }

    #[test]
    fn parts_that_are_missing_or_do_not_add_up_are_complaints() {
        let with = |field: &str, value: Value| {
            let mut gap = gap(60_000, 20_000);
            gap[field] = value;
            judged(gap, 60_000)
        };
        assert!(with("os_ns", json!(20_001)).len() == 2);
        for (field, value) in [
            ("platform_ns", Value::Null),
            ("unknown_ns", Value::Null),
            ("os_ns", Value::Null),
            ("residual_ns", json!(60_000)),
            ("platform_confidence", json!("none")),
            ("unknown_reason", Value::Null),
            ("cause", json!("smi")),
            ("cause", json!("os")),
        ] {
            assert_eq!(with(field, value).len(), 1, "{field}");
        }
        assert!(judged(gap(60_000, 20_000), 60_000).is_empty());
    }

    /// Judges the verdict on one gap of 100 us that held an SMI of 60 us.
    fn verdict(gap: &Value, worst: u64, result: &str) -> Vec<String> {
        let above = u64::from(gap["platform_ns"].as_u64() > Some(10_000));
        let report = json!({
            "schema": "hwgap.report", "schema_version": 1,
            "run": { "hardlimit_ns": 10_000 }, "tsc": { "origin": "0", "hz": 1e9 },
            "cpus": [], "gaps": [gap], "findings": [],
            "verdict": {
                "result": result, "subject": "hardware", "platform_gaps": above,
                "platform_max_ns": worst, "coverage": 1.0,
            },
        });
        let report = Report::parse(&report.to_string()).unwrap();
        let stalls = [stall(10_000, 60_000, Victim::Kernel)];
        let mut outcome = Outcome::default();
        let expect = Expect::default();
        judge_verdict(&mut outcome, &expect, &report, &[SPAN], &stalls, TOLERANCE);
        outcome.failures
    }

    #[test]
    fn the_worst_is_the_worst_that_can_be_known() {
        assert!(verdict(&gap(60_000, 0), 60_000, "fail").is_empty());
        assert!(!verdict(&gap(60_000, 0), 20_000, "fail").is_empty());
        assert!(!verdict(&gap(60_000, 0), 90_000, "fail").is_empty());
        assert!(verdict(&gap(5_000, 90_000), 5_000, "inconclusive").is_empty());
    }

    #[test]
    fn what_is_left_open_above_the_limit_is_no_pass() {
        let told = verdict(&gap(5_000, 60_000), 5_000, "pass");
        assert!(told[0].contains("verdict is a pass"), "{told:?}");
        assert!(verdict(&gap(0, 0), 0, "pass").len() == 1);
    }

    #[test]
    fn the_share_that_is_told_is_that_of_causes_with_lengths() {
        let share = |gap: Value, victim, smi_count| {
            let report = json!({
                "schema": "hwgap.report", "schema_version": 1,
                "run": { "hardlimit_ns": 10_000 }, "tsc": { "origin": "0", "hz": 1e9 },
                "cpus": [], "gaps": [gap], "findings": [],
                "verdict": {
                    "result": "fail", "subject": "hardware", "platform_gaps": 1,
                    "platform_max_ns": 0, "coverage": 1.0,
                },
            });
            let report = Report::parse(&report.to_string()).unwrap();
            let expect = Expect {
                told: 0.98,
                smi_count,
                ..Expect::default()
            };
            let places = [(stall(10_000, 60_000, victim), 0)];
            let mut outcome = Outcome::default();
            judge_told(&mut outcome, &expect, &report, &places, TOLERANCE);
            (outcome.told, outcome.failures.len())
        };
        let exact = SmiCount::Exact;
        assert_eq!(
            share(gap(60_000, 0), Victim::Kernel, exact),
            (Some((1, 1)), 0)
        );
        assert_eq!(
            share(gap(0, 60_000), Victim::Kernel, exact),
            (Some((0, 1)), 1)
        );
        assert_eq!(share(gap(0, 60_000), Victim::OtherTask, exact), (None, 0));
        let none = SmiCount::Unreadable;
        assert_eq!(share(gap(0, 60_000), Victim::Kernel, none), (None, 0));
        assert_eq!(
            share(gap(0, 60_000), Victim::Sampler, none),
            (Some((0, 1)), 1)
        );
    }
}

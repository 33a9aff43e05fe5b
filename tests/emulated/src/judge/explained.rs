//! How many of the gaps in which the kernel ran are explained by name.

use super::Outcome;
use super::matching::{Span, Stall};
use crate::report::{Gap, Report};
use crate::scenario::Expect;

/// Shorter gaps are not judged: to say what took them within 2 us says little.
const LEAST: u64 = 10_000;
/// What may be left of a gap: this, or a tenth of it.
const REMAINDER: u64 = 2_000;

/// Requires that the share of them which `expect` asks for is explained.
pub fn judge(
    outcome: &mut Outcome,
    expect: &Expect,
    report: &Report,
    spans: &[Span],
    stalls: &[Stall],
) {
    let (mut all, mut explained, mut first) = (0u32, 0u32, None);
    for (gap, &span) in report.gaps.iter().zip(spans) {
        if gap.kernel_ran != Some(true) || gap.cycles() <= LEAST {
            continue;
        }
        let smis = stalls.iter().filter(|&&stall| span.touches(stall));
        all += 1;
        if is_explained(gap, smis.map(|stall| stall.cycles()).sum()) {
            explained += 1;
        } else {
            first.get_or_insert_with(|| {
                let detail = gap.detail.as_deref().unwrap_or("");
                format!("{} at {}: {detail}", gap.cycles(), gap.start_cycles)
            });
        }
    }
    outcome.explained = (all > 0).then_some((explained, all));
    let share = f64::from(explained) / f64::from(all.max(1));
    outcome.require(
        share >= expect.explained,
        format!(
            "of {all} gaps above 10 us in which the kernel ran, {explained} are explained by name, \
             {} are due; the first that is not: {}",
            expect.explained,
            first.unwrap_or_default()
        ),
    );
    outcome.require(
        expect.explained == 0.0 || all > 0,
        "no gap above 10 us in which the kernel ran, so that nothing was explained",
    );
}

/// Whether hwgap names what ran, and leaves of the gap what SMIs of this length
/// took, no more and no less.
fn is_explained(gap: &Gap, smis: u64) -> bool {
    let named = gap
        .kernel
        .as_ref()
        .is_some_and(|kernel| !kernel.by.is_empty());
    let tolerance = REMAINDER.max(gap.cycles() / 10);
    named && (gap.residual_ns).is_some_and(|residual| residual.abs_diff(smis) <= tolerance)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Judges one gap of 40 us by what hwgap leaves of it and the names it has.
    fn judged(residual: Option<u64>, names: &[&str], smi: Option<u64>) -> Outcome {
        let by: Vec<_> = names
            .iter()
            .map(|name| json!({ "name": name, "ns": 1 }))
            .collect();
        let report = json!({
            "schema": "hwgap.report",
            "schema_version": 1,
            "run": { "hardlimit_ns": 10_000 },
            "tsc": { "origin": "0", "hz": 1e9 },
            "cpus": [],
            "gaps": [{
                "cpu": 0, "start_cycles": 0, "end_cycles": 40_000, "duration_ns": 40_000,
                "cause": "os", "kernel_ran": true, "residual_ns": residual, "kernel": { "by": by },
            }],
            "findings": [],
            "verdict": { "result": "pass", "subject": "hardware", "platform_gaps": 0, "platform_max_ns": 0, "coverage": 1.0 },
        });
        let report = Report::parse(&report.to_string()).unwrap();
        let spans = [Span {
            start: 0,
            end: 40_000,
        }];
        let stalls: Vec<Stall> = (smi.into_iter())
            .map(|length| Stall {
                entry: 100,
                exit: 100 + length,
                smis: 1,
                ..Stall::default()
            })
            .collect();
        let expect = Expect {
            explained: 0.99,
            ..Expect::default()
        };
        let mut outcome = Outcome::default();
        judge(&mut outcome, &expect, &report, &spans, &stalls);
        outcome
    }

    #[test]
    fn a_gap_is_explained_by_names_and_a_small_remainder() {
        let timer = ["local_timer"];
        assert!(judged(Some(4_000), &timer, None).failures.is_empty());
        assert!(
            judged(Some(31_000), &timer, Some(30_000))
                .failures
                .is_empty()
        );
        for (residual, names, smi) in [
            (Some(4_001), &timer[..], None),
            (Some(0), &[][..], None),
            (None, &timer[..], None),
            (Some(0), &timer[..], Some(30_000)),
        ] {
            let outcome = judged(residual, names, smi);
            assert_eq!(outcome.explained, Some((0, 1)));
            assert!(
                outcome.failures[0].contains("explained by name"),
                "{residual:?}"
            );
        }
    }
}

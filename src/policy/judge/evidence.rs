//! What was seen by. Missing evidence makes a host inconclusive.

use crate::model::Subject;
use crate::model::selftest::DAYS_VALID;
use crate::policy::rule::Rule;
use crate::policy::rules::{Evidence, GuestRuns, Need};
use crate::read::brief::Brief;

use super::Reasons;

pub(super) fn judge(asked: &Evidence, run: &Brief, reasons: &mut Reasons) {
    if asked.smi_counter == Some(Need::Required) && run.cpus.smis().is_none() {
        let why = run.evidence("smi-counter").map(|entry| &*entry.reason);
        let text = match why {
            Some(why) => format!("the SMI counter was not read on every CPU: {why}"),
            None => "the SMI counter was not read on every CPU".to_owned(),
        };
        reasons.inconclusive(Rule::SmiCounter, text);
    }
    if asked.selftest == Some(Need::Required) {
        match &run.selftest {
            Some(test) if test.passed() => {
                let days = test.days_before(&run.run.started_utc);
                if let Some(days) = days.filter(|days| *days > DAYS_VALID) {
                    reasons.inconclusive(
                        Rule::SelfTest,
                        format!(
                            "the self-test of this host was {days} days old; run hwgap selftest"
                        ),
                    );
                }
            }
            Some(_) => reasons.inconclusive(
                Rule::SelfTest,
                "the self-test of this host missed or misnamed a stall",
            ),
            None => reasons.inconclusive(
                Rule::SelfTest,
                "no self-test of this host with this kernel and microcode; run hwgap selftest",
            ),
        }
    }
    let in_guest =
        run.verdict.subject == Subject::HypervisorAndBelow || run.host.hypervisor.is_some();
    if asked.guest == Some(GuestRuns::Refused) && in_guest {
        let name = run.host.hypervisor.as_deref().unwrap_or("some hypervisor");
        reasons.inconclusive(
            Rule::Guest,
            format!("measured in a guest ({name}), which says little of the hardware"),
        );
    }
    for source in asked.sources.iter().flatten() {
        match run.evidence(source) {
            Some(entry) if entry.usable => (),
            Some(entry) => reasons.inconclusive(
                Rule::Sources,
                format!("{source} was not usable: {}", entry.reason),
            ),
            None => reasons.inconclusive(
                Rule::Sources,
                format!("the report has no source of evidence named {source}"),
            ),
        }
    }
}

//! One run against the policy, rule by rule.

mod allowed;
mod clock;
mod evidence;
mod limits;
mod measurement;

use jiff::civil::Date;

use crate::model::Outcome;
use crate::read::brief::{Brief, HostInBrief, Text};
use crate::text::clean_text;

use super::pattern::Pattern;
use super::rule::Rule;
use super::rules::Rules;
use super::schema::{Exception, Policy};
use super::verdict::{Judgement, Reason, Waived};

/// Collects what speaks against a pass.
struct Reasons(Vec<Reason>);

impl Reasons {
    fn fail(&mut self, rule: Rule, text: impl Into<String>) {
        self.add(rule, Outcome::Fail, text.into());
    }

    fn inconclusive(&mut self, rule: Rule, text: impl Into<String>) {
        self.add(rule, Outcome::Inconclusive, text.into());
    }

    fn add(&mut self, rule: Rule, outcome: Outcome, text: String) {
        // Texts of reports come through here into tables and files.
        let text = clean_text(&text);
        self.0.push(Reason {
            rule,
            outcome,
            text,
            waived: None,
        });
    }
}

impl Policy {
    /// Judges one run. `today` decides which waivers still hold.
    pub fn judge(&self, run: &Brief, today: Date) -> Judgement {
        let rules = self.rules_for(&run.host);
        let mut reasons = Reasons(Vec::new());
        limits::judge(&rules.limits, run, &mut reasons);
        measurement::judge(&rules.measurement, run, &mut reasons);
        evidence::judge(&rules.evidence, run, &mut reasons);
        clock::judge(&rules.clock, run, &mut reasons);
        allowed::bios(&self.bios, run, &mut reasons);
        allowed::microcode(&self.microcode, run, &mut reasons);
        let host = run.host.hostname.as_deref().unwrap_or_default();
        for reason in &mut reasons.0 {
            self.waive(host, today, reason);
        }
        Judgement::of(reasons.0)
    }

    pub fn rules_for(&self, host: &HostInBrief) -> Rules {
        let fitting = self.exceptions.iter().filter(|one| one.fits(host));
        fitting.fold(self.rules(), |rules, one| one.rules().over(rules))
    }

    fn waive(&self, host: &str, today: Date, reason: &mut Reason) {
        let meant = |waiver: &&super::Waiver| waiver.rule == reason.rule && waiver.host.fits(host);
        let mut expired = None;
        for waiver in self.waivers.iter().filter(meant) {
            if today <= waiver.until {
                reason.waived = Some(Waived {
                    reason: clean_text(&waiver.reason),
                    until: waiver.until.to_string(),
                });
                return;
            }
            expired = expired.max(Some(waiver.until));
        }
        if let Some(until) = expired {
            reason
                .text
                .push_str(&format!(" (its waiver ended on {until})"));
        }
    }
}

impl Exception {
    fn fits(&self, host: &HostInBrief) -> bool {
        let fits = |pattern: &Option<Pattern>, name: &Option<Text>| match (pattern, name) {
            (None, _) => true,
            (Some(pattern), Some(name)) => pattern.fits(name),
            (Some(_), None) => false,
        };
        fits(&self.host, &host.hostname)
            && fits(&self.vendor, &host.system.vendor)
            && fits(&self.product, &host.system.product)
            && fits(&self.bios, &host.bios.version)
            && fits(&self.cpu, &host.cpu.model_name)
    }
}

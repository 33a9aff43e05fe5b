//! Complaints about gaps, by kind: a hundred alike make one line with an example.

use super::Outcome;
use crate::report::Gap;
use crate::units::display;

/// What is wrong, how often, and the first example.
#[derive(Default)]
pub struct Complaints(Vec<(&'static str, usize, String)>);

impl Complaints {
    /// Adds one; `kind` ends the sentence "N gaps ...".
    pub fn add(&mut self, kind: &'static str, gap: &Gap, truth: &str) {
        if let Some(known) = self.0.iter_mut().find(|known| known.0 == kind) {
            known.1 += 1;
            return;
        }
        let detail = gap.detail.as_deref().unwrap_or("");
        let example = format!(
            "the first at {}, {} long, cause {}, kernel ran {:?}: {truth}; {detail}",
            display(gap.start_cycles),
            display(gap.cycles()),
            gap.cause,
            gap.kernel_ran,
        );
        self.0.push((kind, 1, example));
    }

    /// Makes them failures.
    pub fn into_failures(self, outcome: &mut Outcome) {
        for (kind, count, example) in self.0 {
            outcome
                .failures
                .push(format!("{count} gaps {kind}; {example}"));
        }
    }
}

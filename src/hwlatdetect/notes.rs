//! What hwlatdetect has no line for. It goes to standard error, where no
//! program looks for a number.

use crate::model::Subject;
use crate::text::human::counted;

use super::Account;

/// Of the time that was asked for, this part is enough: ticks, and what the
/// scheduler keeps from real-time tasks, take a few hundredths.
const ENOUGH: f64 = 0.9;

/// What is to be known of a result, a sentence each. `shown` is how many
/// samples were printed while they came, if they were; `asked` the share of the
/// time that was to be sampled at least.
pub fn notes(account: &Account, shown: Option<u64>, asked: f64) -> Vec<String> {
    let mut notes = account.critical.clone();
    if account.coverage < asked * ENOUGH {
        notes.push(format!(
            "only {:.2} % of the time was sampled, {:.2} % were asked for",
            account.coverage * 100.0,
            asked * 100.0
        ));
    }
    if account.subject == Subject::HypervisorAndBelow {
        notes.push(String::from(
            "this is a virtual machine: its samples are what the hypervisor or anything below it \
             took, and the SMIs of the real machine cannot be counted here",
        ));
    }
    if account.unknown > 0 {
        notes.push(format!(
            "not among the samples: {} above the threshold that could not be attributed",
            counted(account.unknown, "gap")
        ));
    }
    if account.open > 0 {
        notes.push(format!(
            "not among the samples: the unknown part of {} that is above the threshold",
            counted(account.open, "gap")
        ));
    }
    let listed = account.samples.len() as u64;
    if account.exceeding > listed {
        notes.push(format!(
            "only the longest {listed} of {} samples are kept",
            account.exceeding
        ));
    }
    if shown.is_some_and(|shown| shown != account.exceeding) {
        notes.push(String::from(
            "the whole run was judged once more when it was over: the numbers of samples differ \
             from what was shown before",
        ));
    }
    notes
}

/// Why the test ends with status 3, if it does.
pub fn doubt(account: &Account) -> Option<String> {
    let doubts = account.doubts.join("; ");
    (!doubts.is_empty()).then(|| format!("no verdict: {doubts}"))
}

//! A report without what names this one machine.
//!
//! Model names, versions and settings stay: a vendor needs them. Free texts
//! are searched for the host's name and for what looks like an address or a
//! unique number; what a shell action wrote is left out; what a user wrote into a label in other words is not known.
//! Of a host of guests names of hosts, guests and tasks get aliases, as they tell one
//! from another.

mod aliases;
mod guests;
mod texts;
mod tokens;

use crate::model::{Gap, Report};
pub use guests::{explained, host};
pub(crate) use tokens::Names;

pub(crate) const PLACE_HOLDER: &str = "(left out)";

pub fn redact(mut report: Report<Vec<Gap>>) -> Report<Vec<Gap>> {
    let names = Names::new(names_in(&report));
    report.host.hostname = None;
    report.host.machine_id_hash = None;
    if let Some(inventory) = &mut report.inventory {
        inventory.serials = None;
    }
    if let Some(test) = &mut report.selftest {
        test.host.hostname = None;
    }
    let actions = report
        .run
        .actions
        .iter_mut()
        .flat_map(|all| &mut all.actions);
    for output in actions
        .flat_map(|action| &mut action.runs)
        .filter_map(|run| run.output.as_mut())
    {
        // A command's words may be anything.
        *output = PLACE_HOLDER.to_owned();
    }
    texts::each(&mut report, &mut |text| *text = names.left_out_of(text));
    report
}

/// What names the machine of a report by itself.
pub(crate) fn names_in<G>(report: &Report<G>) -> impl Iterator<Item = String> {
    let tested = report.selftest.as_ref();
    let hostnames = [
        report.host.hostname.clone(),
        tested.and_then(|test| test.host.hostname.clone()),
    ];
    let serials = report
        .inventory
        .iter()
        .flat_map(|inventory| &inventory.serials);
    let serials: Vec<String> = serials
        .flatten()
        .map(|serial| serial.text.clone())
        .collect();
    hostnames.into_iter().flatten().chain(serials)
}

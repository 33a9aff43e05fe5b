//! A comparison without what names a machine, by the rules of a single report.

use crate::read::redact::{Names, names_in};

use super::input::SavedRun;
use super::model::Comparison;

/// Takes names out of all texts that a file, a machine or a user wrote. Labels
/// and file names are not there any more.
pub(super) fn without_names(mut comparison: Comparison, runs: &[&SavedRun]) -> Comparison {
    let names = Names::new(runs.iter().flat_map(|run| names_in(&run.report)));
    let change = |text: &mut String| *text = names.left_out_of(text);
    for change_of_field in &mut comparison.changes {
        change(&mut change_of_field.field);
        change_of_field.before.iter_mut().for_each(change);
        change_of_field.after.iter_mut().for_each(change);
    }
    let sides = [&mut comparison.before, &mut comparison.after];
    for run in sides.into_iter().flat_map(|side| &mut side.runs) {
        change(&mut run.started_utc);
    }
    comparison
}

//! What a reader should know of actions and of the load.

use crate::model::{Finding, Severity};
use crate::text::human::counted;

use super::assembly::RunNotes;

pub(super) fn findings(told: &RunNotes) -> Vec<Finding> {
    let mut all = Vec::new();
    if let Some(trouble) = told.command.as_ref().and_then(|load| load.trouble()) {
        all.push(Finding::new(
            "load-failed",
            Severity::Warning,
            format!(
                "The command that the run was for failed ({trouble}): the load may not have been \
                 there."
            ),
            Some("look at what it wrote on standard error"),
        ));
    }
    for action in told.actions.iter().flat_map(|all| &all.actions) {
        if action.failed > 0 {
            let why = action.runs.iter().find_map(|run| run.error.as_deref());
            all.push(Finding::new(
                "action-failed",
                Severity::Warning,
                format!(
                    "The action {} failed {}: {}.",
                    action.action,
                    counted(action.failed, "time"),
                    why.unwrap_or("after the first that are told of"),
                ),
                None,
            ));
        }
    }
    all
}

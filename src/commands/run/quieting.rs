//! The host of a run: made quiet before it, put back after it.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use crate::changes::{
    Changes, Earlier, Foreign, Found, Guard, JournalError, LiveAccess, Locked, Restored,
    SharedChanges, peek, restore,
};
use crate::cli::{FormatArg, RunArgs};
use crate::evidence::watches::{FreezeRequest, freeze_on_smi};
use crate::files::patient::tell;
use crate::host::Host;
use crate::host::root::Root;
use crate::judgement::quieted::report;
use crate::plan::{Leftovers, RunPlan};
use crate::quiet::{CgroupThreadsFile, Quieted, Record, View, apply, intents};
use crate::render::quieted;
use crate::text::json;
use crate::units::UtcNanos;

use super::super::restore::{failure, folder};
use super::super::{Exit, Failure, printed};
use super::engine::Choice;

/// How long a guardian that is still at work is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a run changes of its host. Dropped before its end, it puts all back.
pub(super) struct Quieting {
    changes: Option<SharedChanges>,
    quieted: Option<Quieted>,
    earlier: Option<Earlier>,
}

impl Quieting {
    /// Begins a journal where the plan or an engine changes anything, and makes
    /// the host quiet where the plan says so.
    ///
    /// # Errors
    /// Where no journal can be kept: nothing was changed then.
    pub(super) fn begin(
        plan: &RunPlan,
        choices: &[Choice],
        root: &Root,
        now: UtcNanos,
    ) -> Result<Quieting, Failure> {
        let mut quieting = Quieting {
            changes: None,
            quieted: None,
            earlier: None,
        };
        let changes_nothing = plan.quiet.is_none()
            && plan.freeze_on_smi == FreezeRequest::LeaveAlone
            && !plan.actions.changes_host()
            && !choices.iter().any(Choice::changes_host);
        let restores = plan.keeping.leftovers == Leftovers::RestoreFirst;
        let access = LiveAccess::new(root.clone());
        if changes_nothing && !restores {
            // A user without a home has left nothing.
            let journal = folder(plan.keeping.journal.as_ref()).ok();
            quieting.earlier = journal.and_then(|journal| peek(&journal, &access));
            if let Some(earlier) = &quieting.earlier {
                tell(&format!("hwgap: {earlier}; see 'hwgap restore --help'\n"));
            }
            return Ok(quieting);
        }
        let journal = folder(plan.keeping.journal.as_ref())?;
        if restores {
            restore_first(&journal, root)?;
        }
        if changes_nothing {
            return Ok(quieting);
        }
        let guard = Guard::this_program(root.clone());
        let changes = Changes::begin(access, &journal, now.rfc3339(), &guard);
        let mut changes = changes.map_err(failure)?;
        if let Some(quiet) = &plan.quiet {
            let found = intents(&View::new(root, changes.access(), quiet));
            quieting.quieted = Some(apply(found, quiet, &mut changes, root));
        }
        quieting.changes = Some(SharedChanges::new(changes));
        Ok(quieting)
    }

    /// Whether anything may have changed.
    pub(super) fn is_active(&self) -> bool {
        self.changes.is_some()
    }

    pub(super) fn changes(&self) -> Option<SharedChanges> {
        self.changes.clone()
    }

    /// What another run has changed of the host, where this one changes
    /// nothing.
    pub(super) fn take_earlier(&mut self) -> Option<Earlier> {
        self.earlier.take()
    }

    /// Where samplers have to live.
    pub(super) fn threads_file(&self) -> Option<CgroupThreadsFile> {
        self.quieted.as_ref()?.threads_file.clone()
    }

    /// Makes counters stand still in SMM, where that is wished.
    ///
    /// # Errors
    /// Why they do not.
    pub(super) fn freeze_on_smi(&self, root: &Root, request: FreezeRequest) -> Result<(), String> {
        let mut changes = self.changes.as_ref().map(SharedChanges::lock);
        freeze_on_smi(root, request, changes.as_deref_mut())
    }

    /// What was changed, for reports in mid-run.
    pub(super) fn so_far(&self) -> Option<Quieted> {
        self.quieted.clone()
    }

    /// Puts everything back, and says on standard error what resisted.
    pub(super) fn end(mut self) -> Option<Quieted> {
        let settled = self.changes.take()?.lock().put_back();
        let open = || settled.iter().filter(|one| !one.put_back.is_settled());
        for one in open() {
            tell(&format!("hwgap: {}: {}\n", one.change.what(), one.put_back));
        }
        if open().next().is_some() {
            tell("hwgap: see 'hwgap restore --help' for what was not put back\n");
        }
        let mut quieted = self.quieted.take()?;
        quieted.settle(&settled);
        Some(quieted)
    }
}

fn restore_first(journal: &Path, root: &Root) -> Result<(), Failure> {
    let found = Locked::take(journal, PATIENCE).and_then(Locked::look);
    let Found::Left(left) = found.map_err(failure)? else {
        return Ok(());
    };
    let path = left.journal.path().display().to_string();
    let access = LiveAccess::new(root.clone());
    let restored = restore(*left, &access, Foreign::Report).map_err(Failure::usage)?;
    let open = match restored {
        Restored::BootedSince => 0,
        Restored::Settled(settled) => {
            let open = settled.iter().filter(|one| !one.put_back.is_settled());
            open.count()
        }
    };
    match open {
        0 => Ok(()),
        changes => Err(failure(JournalError::Unrestored { changes, path })),
    }
}

/// Shows what a run would change, and changes nothing.
///
/// # Errors
/// Those of the plan.
pub(super) fn dry_run(args: &RunArgs) -> Result<Exit, Failure> {
    let root = &args.host_root;
    let host = Host::read(root);
    let plan = RunPlan::new(args, &host).map_err(Failure::usage)?;
    let access = LiveAccess::new(root.clone());
    let found = (plan.quiet.as_ref()).map(|quiet| intents(&View::new(root, &access, quiet)));
    let records: Vec<Record> = (found.iter().flatten())
        .filter_map(|intent| intent.rehearsed())
        .collect();
    let mut stdout = io::stdout().lock();
    let written = match args.format {
        FormatArg::Text => quieted::write_plan(&records, &mut stdout),
        FormatArg::Json => json::write(&report(&records), &mut stdout),
    };
    printed(written.and_then(|()| stdout.flush()))?;
    Ok(Exit::Good)
}

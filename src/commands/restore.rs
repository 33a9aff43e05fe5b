//! `hwgap restore`: puts back what a killed run left.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::changes::{
    Foreign, Found, JournalError, LiveAccess, Locked, Restored, rehearse, restore as put_back,
};
use crate::cli::RestoreArgs;
use crate::files::state;
use crate::render::restored::{self, Mode};

use super::{Exit, Failure, print, printed};

/// How long a guardian that is at work is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn restore(args: &RestoreArgs) -> Result<Exit, Failure> {
    let folder = folder(args.journal.as_ref())?;
    if !folder.exists() {
        return said("Nothing to put back.");
    }
    let found = Locked::take(&folder, PATIENCE).and_then(Locked::look);
    let left = match found.map_err(failure)? {
        Found::Nothing(_) => return said("Nothing to put back."),
        Found::Left(left) => *left,
    };
    let access = LiveAccess::new(args.host_root.clone());
    let foreign = match (args.force, args.keep) {
        (true, _) => Foreign::Overwrite,
        (_, true) => Foreign::Accept,
        _ => Foreign::Report,
    };
    let unreadable = left.unreadable;
    let (mode, restored) = match args.dry_run {
        true => (Mode::DryRun, rehearse(&left, &access, foreign)),
        false => {
            let restored = put_back(left, &access, foreign).map_err(Failure::usage)?;
            (Mode::Done, restored)
        }
    };
    let settled = match (restored, mode) {
        (Restored::Settled(settled), _) => settled,
        (Restored::BootedSince, Mode::Done) => {
            return said(
                "The machine was booted since: its settings are its own again. The journal was \
                 removed.",
            );
        }
        (Restored::BootedSince, Mode::DryRun) => {
            return said(
                "The machine was booted since: its settings are its own again. Only the journal \
                 would be removed.",
            );
        }
    };
    printed(restored::write(
        &settled,
        unreadable,
        mode,
        io::stdout().lock(),
    ))?;
    let open = settled.iter().any(|one| !one.put_back.is_settled());
    Ok(match open || unreadable > 0 {
        true => Exit::NoVerdict,
        false => Exit::Good,
    })
}

pub(super) fn folder(given: Option<&PathBuf>) -> Result<PathBuf, Failure> {
    given
        .cloned()
        .or_else(state::default_folder)
        .ok_or_else(|| {
            Failure::usage(
                "this user has no home folder to keep a journal in; name one with --journal",
            )
        })
}

/// A journal that is in use can be had later; one that cannot be read, not.
pub(super) fn failure(error: JournalError) -> Failure {
    match error {
        JournalError::Locked(_) | JournalError::Unrestored { .. } => {
            Failure::NoVerdict(error.to_string())
        }
        _ => Failure::usage(error),
    }
}

fn said(text: &str) -> Result<Exit, Failure> {
    print(format!("{text}\n").as_bytes())
}

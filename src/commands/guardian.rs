//! The hidden `hwgap guardian`: see [`crate::changes::guardian`].

use crate::changes::Restored;
use crate::changes::guardian::guard;
use crate::cli::GuardianArgs;

use super::{Exit, Failure};

/// It speaks only where it had to act: its words follow a run that was killed.
pub(super) fn guardian(args: &GuardianArgs) -> Result<Exit, Failure> {
    let failed = |error| Failure::NoVerdict(format!("the guardian: {error}"));
    let restored = guard(&args.journal, &args.run, args.host_root.clone()).map_err(failed)?;
    let Some(Restored::Settled(settled)) = restored else {
        return Ok(Exit::Good);
    };
    let open = || settled.iter().filter(|one| !one.put_back.is_settled());
    let (all, left) = (settled.len(), open().count());
    eprintln!(
        "hwgap: the run has died; its guardian has put {} of {all} host settings back",
        all - left
    );
    for one in open() {
        eprintln!("hwgap: {}: {}", one.change.what(), one.put_back);
    }
    match left {
        0 => Ok(Exit::Good),
        _ => Err(Failure::NoVerdict(String::from(
            "the rest is kept for 'hwgap restore'",
        ))),
    }
}

//! The scripted machine of a made-up host: a test of the whole program.

use crate::host::root::{Known, ReadError, Root};
use crate::model::EngineName;
use crate::plan::{EngineChoice, RunPlan};
use crate::sampler::Script;

use super::super::Failure;

/// What each engine of the plan samples in the place of a machine; `None` where
/// it is this machine, whatever the files of the host say.
///
/// # Errors
/// Where a script is wrong, or is missing for an engine in the kernel, which
/// samples its own machine only.
pub(super) fn scripts(
    root: &Root,
    plan: &RunPlan,
) -> Result<Option<Vec<(EngineName, Script)>>, Failure> {
    if root.is_live() {
        return Ok(None);
    }
    let engines = match &plan.engine {
        EngineChoice::Auto => &[EngineName::User][..],
        EngineChoice::These(engines) => engines,
    };
    let scripts = engines
        .iter()
        .map(|&engine| Ok((engine, Script::read(root, engine)?)))
        .collect::<Known<_>>();
    match scripts {
        Err(ReadError::Missing { .. }) if engines == [EngineName::User] => Ok(None),
        scripts => scripts.map(Some).map_err(Failure::usage),
    }
}

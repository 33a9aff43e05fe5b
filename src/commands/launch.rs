//! The hidden `hwgap launch`: what a run starts goes through it, so that it has
//! ordinary signals, its CPUs and no more rights than it is to have.

use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;

use crate::cli::LaunchArgs;
use crate::privileges::drop_for_good;
use crate::sys::{sched, signals};

use super::{Exit, Failure};

/// What a shell gives for a program that it cannot start.
const NOT_STARTED: i32 = 127;

/// Becomes the program.
pub(super) fn launch(args: &LaunchArgs) -> Result<Exit, Failure> {
    signals::unblock_all();
    if !args.cpus.is_empty() {
        let cpus = args.cpus.parse().map_err(Failure::usage)?;
        sched::set_affinity(&cpus).map_err(Failure::usage)?;
    }
    if args.drop_rights
        && let Err(error) = drop_for_good()
    {
        eprintln!("hwgap: rights cannot be given up, nothing is started: {error}");
        std::process::exit(NOT_STARTED);
    }
    // It ends with a run that is killed. After the change of the user, which
    // would take it back.
    let _ = set_pdeathsig(Signal::SIGTERM);
    let Some((program, arguments)) = args.command.split_first() else {
        return Err(Failure::usage("nothing to start"));
    };
    let error = Command::new(program).args(arguments).exec();
    eprintln!("hwgap: {} cannot be started: {error}", program.display());
    std::process::exit(NOT_STARTED);
}

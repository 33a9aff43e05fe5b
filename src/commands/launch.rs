//! The hidden `hwgap launch`: what a run starts goes through it, so that it has
//! ordinary signals, its CPUs and no more rights than it is to have. Another one
//! ends it, with all that it has started, where the run is killed.

use std::io;
use std::os::unix::process::{CommandExt, parent_id};
use std::process::Command;

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::cli::LaunchArgs;
use crate::privileges::drop_for_good;
use crate::sys::{sched, signals};
use crate::waits::{self, Patience};

use super::{Exit, Failure};

/// What a shell gives for a program that it cannot start.
const NOT_STARTED: i32 = 127;

/// Becomes the program, or watches over one.
pub(super) fn launch(args: &LaunchArgs) -> Result<Exit, Failure> {
    if args.watch {
        return watch();
    }
    signals::unblock_all();
    // Whatever the thread that starts it has.
    let _ = sched::set_ordinary();
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
    // It ends with a run that is killed before its watch knows of it. After the
    // change of the user, which would take it back.
    let _ = set_pdeathsig(Signal::SIGTERM);
    if args.parent != Some(parent_id()) {
        std::process::exit(NOT_STARTED);
    }
    let Some((program, arguments)) = args.command.split_first() else {
        return Err(Failure::usage("nothing to start"));
    };
    let error = Command::new(program).args(arguments).exec();
    eprintln!("hwgap: {} cannot be started: {error}", program.display());
    std::process::exit(NOT_STARTED);
}

/// Ends the group that the run named last, once the run is gone.
fn watch() -> Result<Exit, Failure> {
    nix::unistd::setsid().map_err(Failure::usage)?;
    signals::block_all();
    let mut group = 0;
    for line in io::stdin().lines() {
        group = line.ok().and_then(|line| line.parse().ok()).unwrap_or(0);
    }
    // 1 would be every process that there is.
    if group > 1 {
        end(Pid::from_raw(group));
    }
    Ok(Exit::Good)
}

fn end(group: Pid) {
    let patience = Patience::begin(waits::COMMAND_END);
    let mut is_there = killpg(group, Signal::SIGTERM).is_ok();
    while is_there && !patience.is_over() {
        std::thread::sleep(waits::TICK);
        is_there = killpg(group, None).is_ok();
    }
    if is_there {
        let _ = killpg(group, Signal::SIGKILL);
    }
}

//! Which engine is wished, and the pace of the one that samples in shots.

use crate::cli::{EngineArg, RunArgs};
use crate::sampler::{LONGEST_SHOT, Ledger, Pace, SHORTEST_BREATH, SHORTEST_SHOT};
use crate::units::Nanos;

use super::PlanError;

/// Length of a shot of the BPF engine: a fiftieth of what the kernel's hwlat
/// tracer takes, and short enough that a CPU which waits for this one is not
/// held up for long.
const DEFAULT_SHOT: Nanos = Nanos(10_000_000);
/// Time between shots. With what falling asleep and waking up take, some 97 %
/// of the time are sampled.
const DEFAULT_BREATH: Nanos = Nanos(250_000);

/// The shortest run with two engines: each turn still holds some shots.
const LEAST_FOR_BOTH: Nanos = Nanos(800_000_000);

/// Which engine the user wishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineWish {
    /// The one that this host allows and this run needs.
    Auto,
    /// Pinned threads in user space.
    User,
    /// A BPF program with interrupts off.
    Bpf,
    /// The two in turn.
    Both,
}

/// Makes out the wish. Whoever sets the length of shots wants shots.
pub(super) fn engine(args: &RunArgs, threshold: Nanos) -> Result<(EngineWish, Pace), PlanError> {
    let shots = [("shot", args.shot), ("breath", args.breath)]
        .into_iter()
        .find_map(|(option, given)| given.map(|_| option));
    let wish = match (args.engine, shots) {
        (EngineArg::User, Some(option)) => return Err(PlanError::NoShots(option)),
        (EngineArg::User, None) => EngineWish::User,
        (EngineArg::Auto, Some(_)) | (EngineArg::Bpf, _) => EngineWish::Bpf,
        (EngineArg::Auto, None) => EngineWish::Auto,
        (EngineArg::Both, _) => EngineWish::Both,
    };
    let elsewhere = args.script.is_some() || args.host_root.is_some();
    let has_shots = match wish {
        EngineWish::Bpf => true,
        EngineWish::Both => args.second_script.is_none(),
        EngineWish::Auto | EngineWish::User => false,
    };
    if has_shots && elsewhere {
        return Err(PlanError::NotThisMachine);
    }
    let within = |option, given: Option<Nanos>, default: Nanos, least, most| match given {
        Some(length) if length < least || length > most => Err(PlanError::OutOfRange {
            option,
            length,
            least,
            most,
        }),
        given => Ok(given.unwrap_or(default)),
    };
    let pace = Pace {
        shot: within("shot", args.shot, DEFAULT_SHOT, SHORTEST_SHOT, LONGEST_SHOT)?,
        breath: within(
            "breath",
            args.breath,
            DEFAULT_BREATH,
            SHORTEST_BREATH,
            Nanos::SECOND,
        )?,
        ledger: match args.list_shots {
            true => Ledger::Ends,
            false => Ledger::Sums,
        },
    };
    if has_shots && pace.shot <= threshold {
        let shot = pace.shot;
        return Err(PlanError::ShotBelowThreshold { shot, threshold });
    }
    if wish == EngineWish::Both && args.duration < LEAST_FOR_BOTH {
        return Err(PlanError::TooShortForBoth(LEAST_FOR_BOTH));
    }
    Ok((wish, pace))
}

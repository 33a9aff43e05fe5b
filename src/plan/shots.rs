//! Which engine is wished, and the pace of the one that samples in shots.

use crate::cli::{EngineArg, RunArgs};
use crate::sampler::{LONGEST_SHOT, Pace, SHORTEST_BREATH, SHORTEST_SHOT};
use crate::units::Nanos;

use super::PlanError;

/// Length of a shot of the BPF engine: a fiftieth of what the kernel's hwlat
/// tracer takes, and short enough that a CPU which waits for this one is not
/// held up for long.
const DEFAULT_SHOT: Nanos = Nanos(10_000_000);
/// Time between shots. With what falling asleep and waking up take, some 97 %
/// of the time are sampled.
const DEFAULT_BREATH: Nanos = Nanos(250_000);

/// Which engine the user wishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineWish {
    /// The one that this host allows and this run needs.
    Auto,
    /// Pinned threads in user space.
    User,
    /// A BPF program with interrupts off.
    Bpf,
}

/// Makes out the wish. Whoever sets the length of shots wants shots.
pub(super) fn engine(args: &RunArgs, threshold: Nanos) -> Result<(EngineWish, Pace), PlanError> {
    let shots = [("shot", args.shot), ("breath", args.breath)]
        .into_iter()
        .find_map(|(option, given)| given.map(|_| option));
    let wish = match (args.engine, shots) {
        (EngineArg::User, Some(option)) => return Err(PlanError::NoShots(option)),
        (EngineArg::User, None) => EngineWish::User,
        // Whoever sets the length of shots wants shots.
        (EngineArg::Auto, Some(_)) | (EngineArg::Bpf, _) => EngineWish::Bpf,
        (EngineArg::Auto, None) => EngineWish::Auto,
    };
    let elsewhere = args.script.is_some() || args.host_root.is_some();
    if wish == EngineWish::Bpf && elsewhere {
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
    };
    if wish == EngineWish::Bpf && pace.shot <= threshold {
        let shot = pace.shot;
        return Err(PlanError::ShotBelowThreshold { shot, threshold });
    }
    Ok((wish, pace))
}

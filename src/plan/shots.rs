//! Which engine is wished, and the pace of the one that samples in shots.

use crate::cli::{EngineArg, RunArgs};
use crate::model::{EngineName, KeepGaps};
use crate::sampler::{LONGEST_SHOT, Ledger, Pace, SHORTEST_PAUSE, SHORTEST_SHOT};
use crate::units::Nanos;

use super::PlanError;

/// Length of a shot of the BPF engine: a fiftieth of what the kernel's hwlat
/// tracer takes, and short enough that a CPU which waits for this one is not
/// held up for long.
const DEFAULT_SHOT: Nanos = Nanos(10_000_000);
/// Time between shots. With what falling asleep and waking up take, some 97 %
/// of the time are sampled.
const DEFAULT_PAUSE: Nanos = Nanos(250_000);
/// The longest run whose shots are listed, where all its gaps are: there may be
/// thousands a second.
const LONGEST_LISTED: Nanos = Nanos(60_000_000_000);

/// Turns that each of several engines has.
pub const TURNS_EACH: usize = 4;
/// The shortest turn: it still holds some shots.
const LEAST_TURN: Nanos = Nanos(100_000_000);
/// The same where a tracer of the kernel's takes part, whose windows are long.
const LEAST_TURN_OF_TRACER: Nanos = Nanos(500_000_000);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineChoice {
    /// The one that this host allows and this run needs.
    Auto,
    /// These, one after the other in turns where there are several.
    These(Vec<EngineName>),
}

impl EngineChoice {
    pub fn names(&self, engine: EngineName) -> bool {
        matches!(self, EngineChoice::These(names) if names.contains(&engine))
    }

    /// The engines by name, where there are several.
    fn several(&self) -> Option<&[EngineName]> {
        match self {
            EngineChoice::These(names) if names.len() > 1 => Some(names),
            _ => None,
        }
    }
}

/// Makes out the wish. Whoever sets the length of shots wants shots.
pub(super) fn engine(args: &RunArgs, threshold: Nanos) -> Result<(EngineChoice, Pace), PlanError> {
    let shots = [("irqs-off", args.irqs_off), ("irqs-on", args.irqs_on)]
        .into_iter()
        .find_map(|(option, given)| given.map(|_| option));
    let request = match (request(&args.engine)?, shots) {
        (EngineChoice::Auto, Some(_)) => EngineChoice::These(vec![EngineName::Bpf]),
        (these, Some(option)) if !these.names(EngineName::Bpf) => {
            return Err(PlanError::NoShots(option));
        }
        (request, _) => request,
    };
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
        shot: within(
            "irqs-off",
            args.irqs_off,
            DEFAULT_SHOT,
            SHORTEST_SHOT,
            LONGEST_SHOT,
        )?,
        pause: within(
            "irqs-on",
            args.irqs_on,
            DEFAULT_PAUSE,
            SHORTEST_PAUSE,
            Nanos::SECOND,
        )?,
        ledger: match args.keep_gaps {
            Some(KeepGaps::All) if args.duration.is_some_and(|asked| asked <= LONGEST_LISTED) => {
                Ledger::Ends
            }
            _ => Ledger::Sums,
        },
    };
    if request.names(EngineName::Bpf) && pace.shot <= threshold {
        let shot = pace.shot;
        return Err(PlanError::ShotBelowThreshold { shot, threshold });
    }
    if let Some(names) = request.several() {
        let traces = |name: &EngineName| matches!(name, EngineName::Hwlat | EngineName::Osnoise);
        let turn = match names.iter().any(traces) {
            true => LEAST_TURN_OF_TRACER,
            false => LEAST_TURN,
        };
        let least = Nanos(turn.0 * (TURNS_EACH * names.len()) as u64);
        if args.duration.is_some_and(|duration| duration < least) {
            return Err(PlanError::TooShortForTurns(least));
        }
    }
    Ok((request, pace))
}

fn request(args: &[EngineArg]) -> Result<EngineChoice, PlanError> {
    let mut names = Vec::new();
    for arg in args {
        let engines: &[EngineName] = match arg {
            EngineArg::Auto if args.len() == 1 => return Ok(EngineChoice::Auto),
            EngineArg::Auto => return Err(PlanError::AutoAmongOthers),
            EngineArg::User => &[EngineName::User],
            EngineArg::Bpf => &[EngineName::Bpf],
            EngineArg::Hwlat => &[EngineName::Hwlat],
            EngineArg::Osnoise => &[EngineName::Osnoise],
            EngineArg::Both => &[EngineName::User, EngineName::Bpf],
        };
        for &name in engines {
            if names.contains(&name) {
                return Err(PlanError::EngineTwice(name.name()));
            }
            names.push(name);
        }
    }
    Ok(EngineChoice::These(names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shots_are_listed_with_all_gaps_of_a_short_run() {
        let ledger = |keep_gaps, seconds: Option<u64>| {
            let args = RunArgs {
                keep_gaps,
                duration: seconds.map(|seconds| Nanos(seconds * Nanos::SECOND.0)),
                ..RunArgs::defaults()
            };
            engine(&args, args.threshold).unwrap().1.ledger
        };
        assert_eq!(ledger(Some(KeepGaps::All), Some(60)), Ledger::Ends);
        for (keep, seconds) in [
            (Some(KeepGaps::All), Some(61)),
            (Some(KeepGaps::All), None),
            (None, Some(1)),
        ] {
            assert_eq!(ledger(keep, seconds), Ledger::Sums);
        }
    }

    #[test]
    fn a_list_of_engines_is_taken_as_it_stands() {
        use EngineName::{Bpf, Hwlat, User};
        let these = |names: &[EngineName]| EngineChoice::These(names.to_vec());
        let of = |args: &[EngineArg]| request(args).ok();
        assert_eq!(of(&[EngineArg::Auto]), Some(EngineChoice::Auto));
        assert_eq!(of(&[EngineArg::Both]), Some(these(&[User, Bpf])));
        assert_eq!(
            of(&[EngineArg::Hwlat, EngineArg::User]),
            Some(these(&[Hwlat, User]))
        );
        assert_eq!(of(&[EngineArg::Both, EngineArg::Bpf]), None);
        assert_eq!(of(&[EngineArg::Auto, EngineArg::Bpf]), None);
    }
}

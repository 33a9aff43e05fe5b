//! Options of `hwgap run` for what is done about gaps, and beside a load.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use nix::sys::signal::Signal;

use crate::units::Nanos;

use super::values::{duration, threshold};

/// What to do about a gap or at the end, and beside which load to measure.
#[derive(Clone, Debug, Args)]
pub struct ActionArgs {
    /// At a gap above the limit: stop, continue, mark[:INSTANCE],
    /// trace[=FILE], signal:PID:SIGNAL or shell:COMMAND; may be given several
    /// times (see below)
    #[arg(long, value_name = "ACTION", value_parser = action)]
    pub on_gap: Vec<Action>,

    /// The same when sampling has ended: mark, trace, signal or shell
    #[arg(long, value_name = "ACTION", value_parser = action)]
    pub on_end: Vec<Action>,

    /// Act on gaps of which the platform's part is longer than this [default:
    /// the hard limit]
    #[arg(long, value_name = "TIME", value_parser = threshold, requires = "on_gap")]
    pub on_gap_above: Option<Nanos>,

    /// Act on gaps of that length of any cause
    #[arg(long, requires = "on_gap")]
    pub on_any: bool,

    /// Carry out each action so often at most [default: trace 10 times, others
    /// without limit]
    #[arg(long, value_name = "N", requires = "on_gap", value_parser = clap::value_parser!(u64).range(1..))]
    pub on_gap_limit: Option<u64>,

    /// Kill a shell action that takes longer
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub action_timeout: Nanos,

    /// Run shell actions with the user and the rights of hwgap itself
    #[arg(long)]
    pub action_rights: bool,

    /// What a trace holds of the time before the gap; a bare number is
    /// microseconds
    #[arg(long, value_name = "TIME", default_value = "10ms", value_parser = threshold)]
    pub trace_before: Nanos,

    /// And of the time after it
    #[arg(long, value_name = "TIME", default_value = "5ms", value_parser = threshold)]
    pub trace_after: Nanos,

    /// Events of the trace: GROUP or GROUP:EVENT, with commas between them
    /// [default: sched:sched_switch,sched:sched_waking,irq,irq_vectors,timer,
    /// nmi,ipi,mce as far as the kernel has them]
    #[arg(long, value_name = "EVENTS", value_delimiter = ',')]
    pub trace_events: Vec<String>,

    /// Measure while stress-ng loads the CPUs that are left, the memory or the
    /// disk of the temporary folder; several with commas between them
    #[arg(
        long,
        value_enum,
        value_name = "KIND",
        value_delimiter = ',',
        conflicts_with = "load"
    )]
    pub stress: Vec<StressArg>,

    /// Let the load run on the sampled CPUs as well
    #[arg(long)]
    pub load_on_sampled: bool,

    /// Measure while this command runs, on the CPUs that are not sampled
    #[arg(last = true, value_name = "COMMAND")]
    pub load: Vec<OsString>,
}

/// What stress-ng is to load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StressArg {
    /// The cores
    Cpu,
    /// Half of the memory
    Memory,
    /// The disk
    Io,
}

/// Something that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The run ends.
    Stop,
    /// The run goes on: so it does without it.
    Continue,
    /// A line in the kernel's trace: of an instance, or the global one.
    Mark(Option<String>),
    /// The trace of the time around it is saved.
    Trace(Option<PathBuf>),
    /// A process is sent a signal.
    Signal { pid: u32, signal: Signal },
    /// A shell carries out a command.
    Shell(String),
}

fn action(text: &str) -> Result<Action, String> {
    let rest = |name: &str| text.strip_prefix(name);
    match text {
        "stop" => return Ok(Action::Stop),
        "continue" => return Ok(Action::Continue),
        "mark" => return Ok(Action::Mark(None)),
        "trace" => return Ok(Action::Trace(None)),
        _ => {}
    }
    if let Some(instance) = rest("mark:") {
        return match matches!(instance, "" | "." | "..") || instance.contains('/') {
            true => Err(String::from("mark: needs the name of a trace instance")),
            false => Ok(Action::Mark(Some(instance.to_owned()))),
        };
    }
    if let Some(file) = rest("trace=").filter(|file| !file.is_empty()) {
        return Ok(Action::Trace(Some(PathBuf::from(file))));
    }
    if let Some(command) = rest("shell:").filter(|command| !command.trim().is_empty()) {
        return Ok(Action::Shell(command.to_owned()));
    }
    if let Some((pid, signal)) = rest("signal:").and_then(|rest| rest.split_once(':')) {
        let pid = pid
            .parse()
            .ok()
            .filter(|pid| (1..=i32::MAX as u32).contains(pid));
        let pid = pid.ok_or_else(|| String::from("signal: needs the number of a process"))?;
        return Ok(Action::Signal {
            pid,
            signal: of_name(signal)?,
        });
    }
    Err(String::from(
        "write stop, continue, mark, mark:INSTANCE, trace, trace=FILE, signal:PID:SIGNAL or \
         shell:COMMAND",
    ))
}

/// A signal by its name, with SIG before it or without, or by its number.
fn of_name(text: &str) -> Result<Signal, String> {
    let named = text.to_uppercase();
    let named = match named.starts_with("SIG") {
        true => named,
        false => format!("SIG{named}"),
    };
    let by_number = || Signal::try_from(text.parse::<i32>().ok()?).ok();
    let found = named.parse().ok().or_else(by_number);
    found.ok_or_else(|| format!("signal: {text} is no signal; write for example USR1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_read_as_typed() {
        for (text, expected) in [
            ("stop", Action::Stop),
            ("mark", Action::Mark(None)),
            ("mark:mine", Action::Mark(Some("mine".into()))),
            ("trace", Action::Trace(None)),
            ("trace=a/b.dat", Action::Trace(Some("a/b.dat".into()))),
            ("shell:echo a:b", Action::Shell("echo a:b".into())),
        ] {
            assert_eq!(action(text).as_ref(), Ok(&expected), "{text}");
        }
        for signal in ["usr1", "SIGUSR1", "10"] {
            let expected = Action::Signal {
                pid: 7,
                signal: Signal::SIGUSR1,
            };
            assert_eq!(action(&format!("signal:7:{signal}")), Ok(expected));
        }
        for wrong in [
            "",
            "halt",
            "mark:",
            "mark:..",
            "mark:a/b",
            "trace=",
            "shell:",
            "shell: ",
            "signal:7",
            "signal:0:HUP",
            "signal:-1:HUP",
            "signal:7:NONE",
            "signal:7:0",
        ] {
            assert!(action(wrong).is_err(), "{wrong}");
        }
    }
}

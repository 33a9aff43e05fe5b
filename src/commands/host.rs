//! `hwgap host`: watch the vCPUs of this host, fold what the kernel records,
//! report.

use std::io::{self, IsTerminal, Write};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::Signal;

use crate::cli::{HostArgs, HostFormatArg, SourceArg};
use crate::evidence::MachineFacts;
use crate::files::output::PendingFile;
use crate::files::patient::tell;
use crate::guests::assembly::{Observation, assemble};
use crate::guests::find::Wanted;
use crate::guests::findings::findings;
use crate::guests::fold::Fold;
use crate::guests::source::{self, Choice, Source};
use crate::host::clocksource::Clocksource;
use crate::host::root::{Known, Root};
use crate::host::{Host, cpuid};
use crate::judgement::assembly::{host_identity, utc_points};
use crate::judgement::circumstances::first_rate;
use crate::model::absence::HostReport;
use crate::model::{EndedBy, Tsc};
use crate::render::host as render;
use crate::render::markdown::Limit;
use crate::render::openmetrics;
use crate::render::style::Style;
use crate::session::{Timeline, limits};
use crate::sys::signals::RunSignals;
use crate::sys::tsc;
use crate::text::human;
use crate::text::json;
use crate::units::{Cycles, Nanos};

use super::{Exit, Failure, Form, command_line, deliver};

/// Between two looks at the records.
const LOOK: Nanos = Nanos(50_000_000);
/// Between two lines of progress.
const PROGRESS: Nanos = Nanos::SECOND;

pub(super) fn host(args: &HostArgs) -> Result<Exit, Failure> {
    let wanted = Wanted::parse(&args.guest).map_err(Failure::usage)?;
    let output = args.output.as_ref().map(PendingFile::create).transpose();
    let output = output.map_err(Failure::usage)?;
    limits::raise();
    let root = Root::live();
    let host = Host::read(&root);
    let machine = MachineFacts::new(cpuid::facts(), &host);
    let report = observe(args, &wanted, &root, &host, &machine)?;
    present(args, &report, output)?;
    Ok(match report.saw_nothing() {
        true => Exit::NoVerdict,
        false => Exit::Good,
    })
}

fn observe(
    args: &HostArgs,
    wanted: &Wanted,
    root: &Root,
    host: &Host,
    machine: &MachineFacts,
) -> Result<HostReport, Failure> {
    let mut timeline = Timeline::live();
    let first = first_rate(machine, &mut timeline);
    let choice = match args.source {
        SourceArg::Auto => Choice::Best,
        SourceArg::Tracepoints => Choice::Tracepoints,
    };
    let mut source = source::open(wanted, args.threshold, choice, root)
        .map_err(|error| Failure::NoVerdict(error.to_string()))?;
    let signals = RunSignals::listen()
        .map_err(|error| Failure::NoVerdict(format!("signals cannot be listened for: {error}")))?;
    let used = used();
    let start = Cycles(tsc::read());
    let started = timeline.now();
    let threshold = first.hz.to_cycles(args.threshold);
    let mut fold = Fold::new(source.standing().source, threshold, start);
    let ended_by = watch(args, &signals, &mut source, &mut fold, &mut timeline);
    for event in source.finish() {
        fold.take(event);
    }
    let end = Cycles(tsc::read());
    fold.end(end);
    timeline.mark();
    let rate = timeline.rate();
    let current = |read: Known<Clocksource>| read.ok().map(|read| read.current);
    let flags = host.cpu_model.flags.as_ref();
    let observation = Observation {
        command_line: command_line(),
        started_utc: started.rfc3339(),
        ended_utc: timeline.now().rfc3339(),
        start,
        end,
        ended_by,
        threshold: args.threshold,
        hz: rate.hz,
        standing: source.standing(),
        used: self::used().saturating_sub(used),
        guests: source.guests(),
        smis: source.smi_rises(),
        smis_unread: source.smis_unread(),
        host: host_identity(host, machine),
        tsc: Tsc {
            origin: String::new(),
            hz: rate.hz.0,
            hz_source: String::from("fit to CLOCK_MONOTONIC_RAW over the run"),
            hz_error_ppm: Some(rate.error_ppm),
            invariant: Some(machine.tsc_is_invariant()),
            flags: flags.map_or_else(
                |_| Vec::new(),
                |flags| flags.about_tsc().into_iter().map(str::to_owned).collect(),
            ),
            granularity_cycles: None,
            clocksource_start: current(host.clocksource.clone()),
            clocksource_end: current(Clocksource::read(root)),
            clocksource_changes: Vec::new(),
            offsets: Vec::new(),
            utc_points: utc_points(&timeline, start),
            utc_steps: Vec::new(),
            utc_error_ns: Some(timeline.utc_error()),
            steps: Vec::new(),
            log: Vec::new(),
        },
    };
    let mut report = assemble(&observation, &mut fold);
    if report.guests.iter().all(|guest| guest.vcpus.is_empty()) {
        return Err(Failure::NoVerdict(format!(
            "no guest's vCPU was seen in {}; start one, or name it with --guest (the process of \
             its VMM, such as qemu-system-x86_64)",
            human::length(report.run.elapsed_ns)
        )));
    }
    report.findings = findings(&report, &fold, root, host, machine);
    Ok(report)
}

/// Watches until the time is over, or a signal comes.
fn watch(
    args: &HostArgs,
    signals: &RunSignals,
    source: &mut Source,
    fold: &mut Fold,
    timeline: &mut Timeline,
) -> EndedBy {
    let shows = !args.quiet && io::stderr().is_terminal();
    let begun = timeline.age();
    let (mut told, mut ended_by) = (begun, EndedBy::Duration);
    loop {
        let age = timeline.age();
        let elapsed = age.saturating_sub(begun);
        let left = args.duration.saturating_sub(elapsed);
        if left == Nanos(0) {
            break;
        }
        match signals.wait(left.min(LOOK)) {
            Some(Signal::SIGUSR1) => tell(&format!("{}\n", line(fold, args, elapsed))),
            Some(_) => {
                ended_by = EndedBy::Signal;
                break;
            }
            None => {}
        }
        for event in source.poll() {
            fold.take(event);
        }
        timeline.mark();
        if shows && age.saturating_sub(told) >= PROGRESS {
            told = age;
            tell(&format!("\r\x1b[K{}", line(fold, args, elapsed)));
        }
    }
    if shows {
        tell("\r\x1b[K");
    }
    ended_by
}

fn line(fold: &mut Fold, args: &HostArgs, elapsed: Nanos) -> String {
    let vcpus = fold.vcpus();
    let seen: u64 = vcpus.values().map(|vcpu| vcpu.kept.seen).sum();
    format!(
        "{} of {}: {}, {} above {}",
        human::length(elapsed),
        human::chosen(args.duration),
        human::counted(vcpus.len() as u64, "vCPU"),
        human::counted(seen, "absence"),
        human::chosen(args.threshold)
    )
}

/// CPU time of this process.
fn used() -> Nanos {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else {
        return Nanos(0);
    };
    let micros = |time: nix::sys::time::TimeVal| {
        let seconds = time.tv_sec().unsigned_abs();
        seconds * 1_000_000 + time.tv_usec().unsigned_abs()
    };
    Nanos((micros(usage.user_time()) + micros(usage.system_time())) * 1_000)
}

/// Without a format a file gets the JSON, and standard output the text.
fn present(
    args: &HostArgs,
    report: &HostReport,
    output: Option<PendingFile>,
) -> Result<(), Failure> {
    let look = args.look.look();
    let on_stdout = args
        .output
        .as_ref()
        .is_some_and(|path| path.as_os_str() == "-");
    let prints = !args.quiet && !on_stdout && (output.is_none() || args.format.is_none());
    let form = |usual: HostFormatArg| Form {
        format: args.format.unwrap_or(usual),
        extent: look.extent,
        limit: Limit::TICKET,
    };
    if let Some(output) = output {
        let form = form(HostFormatArg::Json);
        deliver(Some(output), look, |style, out| {
            write(report, &form, style, out)
        })?;
    }
    match prints {
        true => deliver(None, look, |style, out| {
            write(report, &form(HostFormatArg::Text), style, out)
        }),
        false => Ok(()),
    }
}

/// Writes what was seen.
pub(super) fn write(
    report: &HostReport,
    form: &Form<HostFormatArg>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let text = match form.format {
        HostFormatArg::Text => render::text(report, style, form.extent),
        HostFormatArg::Markdown => render::markdown(report, form.limit),
        HostFormatArg::Html => render::page(report),
        HostFormatArg::Json => return json::write(report, out),
        HostFormatArg::Csv => return render::csv::write(report, out),
        HostFormatArg::Openmetrics => return openmetrics::write_host(report, out),
    };
    out.write_all(text.as_bytes())?;
    out.flush()
}

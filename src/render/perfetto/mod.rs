//! A run as a trace of Perfetto's: for ui.perfetto.dev and trace_processor.
//!
//! The time of the trace is UTC in nanoseconds; the TSC stands in the
//! arguments. The field numbers are those of Perfetto's protos
//! (protos/perfetto/trace), which never change.

mod sequence;
mod wire;

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};

use crate::model::{ClockStepKind, CpuReport, Gap, Report};
use crate::units::{CpuId, Cycles, Hertz, Nanos};

use sequence::{Args, Sequence, Track, Value};
use wire::Message;

const BUFFER: usize = 64 << 10;

const RUN: Track = Track(1);
const EVENTS: Track = Track(2);
const STALLS: Track = Track(3);
/// From here on, as many as [`OF_CPU`] for each CPU.
const CPUS: u64 = 8;
const OF_CPU: u64 = 4;

/// Writes the trace.
///
/// # Errors
/// Those of the output.
pub fn write(report: &Report, out: impl Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(BUFFER, out);
    let clock = Clock {
        hz: Hertz(report.tsc.hz),
        start: utc(&report.run.started_utc).unwrap_or_default(),
    };
    let end = clock.start.saturating_add(report.run.elapsed_ns.0);
    events(report, (clock.start, end), &mut out)?;
    stalls(report, clock, &mut out)?;
    let mut gaps: BTreeMap<CpuId, Vec<(u64, &Gap)>> = BTreeMap::new();
    for gap in &report.gaps {
        let at = clock.at(&gap.start_utc, gap.start_cycles);
        gaps.entry(gap.cpu).or_default().push((at, gap));
    }
    for cpu in &report.cpus {
        gaps.entry(cpu.cpu).or_default();
    }
    for (index, (cpu, mut gaps)) in (0..).zip(gaps) {
        gaps.sort_by_key(|(at, _)| *at);
        let own = report.cpus.iter().find(|own| own.cpu == cpu);
        cpu_tracks((index, cpu, own), &gaps, (clock.start, end), &mut out)?;
    }
    out.flush()
}

#[derive(Clone, Copy)]
struct Clock {
    hz: Hertz,
    /// Nanoseconds since the Unix epoch.
    start: u64,
}

impl Clock {
    /// The time that a report names; where it names none, by the TSC.
    fn at(&self, named: &str, cycles: Cycles) -> u64 {
        utc(named).unwrap_or_else(|| self.start.saturating_add(self.hz.to_nanos(cycles).0))
    }
}

fn utc(text: &str) -> Option<u64> {
    let time: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(time.as_nanosecond()).ok()
}

fn events(report: &Report, (start, end): (u64, u64), out: &mut dyn Write) -> io::Result<()> {
    let mut all: Vec<(u64, &str, &str, Args<'_>)> = Vec::new();
    let at = |named: &str| utc(named).unwrap_or(end);
    for step in &report.tsc.utc_steps {
        let args = vec![
            ("tsc", Value::Count(step.seen_cycles.0)),
            ("ahead_ns", Value::Signed(step.ahead_ns)),
        ];
        all.push((at(&step.before_utc), "clock", "time of day set", args));
    }
    for step in &report.tsc.steps {
        let (name, by) = match step.what {
            ClockStepKind::Suspend { suspended_ns } => {
                ("suspend", ("ns", Value::Count(suspended_ns.0)))
            }
            ClockStepKind::TscStep { ahead_ns } => {
                ("TSC step", ("ahead_ns", Value::Signed(ahead_ns)))
            }
            ClockStepKind::TscRate { change_ppm } => {
                ("TSC rate change", ("change_ppm", Value::Signed(change_ppm)))
            }
        };
        let args = vec![
            ("tsc_from", Value::Count(step.from_cycles.0)),
            ("tsc_to", Value::Count(step.to_cycles.0)),
            by,
        ];
        all.push((at(&step.seen_utc), "clock", name, args));
    }
    for change in &report.tsc.clocksource_changes {
        let args = vec![
            ("from", Value::Text(&change.from)),
            ("to", Value::Text(&change.to)),
        ];
        all.push((at(&change.seen_utc), "clock", "clocksource change", args));
    }
    // Findings and the verdict are of the whole run.
    for finding in &report.findings {
        let mut args = vec![
            ("severity", Value::Text(finding.severity.name())),
            ("text", Value::Text(&finding.text)),
        ];
        args.extend((finding.remedy.as_deref()).map(|remedy| ("remedy", Value::Text(remedy))));
        all.push((end, "finding", &finding.id, args));
    }
    let verdict = report.verdict.result.name();
    let reasons = (report.verdict.reasons.iter()).map(|reason| ("reason", Value::Text(reason)));
    let mut args = vec![("tsc_origin", Value::Text(&report.tsc.origin))];
    args.extend(reasons.take(1));
    all.push((end, "verdict", verdict, args));
    all.sort_by_key(|(at, ..)| *at);
    let first = all.first().map_or(start, |(at, ..)| start.min(*at));
    let mut sequence = Sequence::begin(out, 1, EVENTS, first)?;
    let host = report.host.hostname.as_deref().unwrap_or_default();
    let label = report.run.label.as_deref().unwrap_or_default();
    let name = format!("hwgap {host} {label}");
    sequence.track(RUN, None, name.trim_end(), Message::default())?;
    let about = "Clocks and findings";
    sequence.track(EVENTS, Some(RUN), about, Message::default())?;
    for (at, category, name, args) in all {
        sequence.instant(at, (category, name), args)?;
    }
    Ok(())
}

fn stalls(report: &Report, clock: Clock, out: &mut dyn Write) -> io::Result<()> {
    let place = |at: usize| {
        let stall = &report.stalls[at];
        clock.at(&stall.start_utc, stall.start_cycles)
    };
    let mut order: Vec<(u64, usize)> = (0..report.stalls.len()).map(|at| (place(at), at)).collect();
    order.sort_unstable();
    let first = order.first().map_or(clock.start, |(at, _)| *at);
    let mut sequence = Sequence::begin(out, 2, STALLS, first.min(clock.start))?;
    sequence.track(
        STALLS,
        Some(RUN),
        "Stalls, over all CPUs",
        Message::default(),
    )?;
    for (at, index) in order {
        let stall = &report.stalls[index];
        let mut args = vec![
            ("tsc", Value::Count(stall.start_cycles.0)),
            ("confidence", Value::Text(stall.confidence.name())),
            ("cpus", Value::Text(&stall.cpus)),
            ("gaps", Value::Count(stall.gaps)),
        ];
        args.extend((stall.smi_delta).map(|smis| ("smi_delta", Value::Count(smis.into()))));
        let all = stall.all_sampled_cpus;
        args.extend(all.map(|all| ("all_sampled_cpus", Value::Flag(all))));
        sequence.slice(at, ("stall", stall.cause.name()), args)?;
        sequence.end(at.saturating_add(stall.duration_ns.0))?;
    }
    Ok(())
}

/// A track of gaps, and counters below it.
fn cpu_tracks(
    (index, cpu, own): (u64, CpuId, Option<&CpuReport>),
    gaps: &[(u64, &Gap)],
    (start, end): (u64, u64),
    out: &mut dyn Write,
) -> io::Result<()> {
    let [track, smis, covered, frequency] =
        [0, 1, 2, 3].map(|more| Track(CPUS + OF_CPU * index + more));
    let begin = gaps.first().map_or(start, |(at, _)| start.min(*at));
    let mut sequence = Sequence::begin(out, CPUS + index, track, begin)?;
    sequence.track(track, Some(RUN), &format!("CPU {cpu}"), Message::default())?;
    let counter = |sequence: &mut Sequence<'_>, of: Track, name: &str, unit: &str| {
        let unit = Message::default().text(6, unit);
        let name = format!("{name}, CPU {cpu}");
        sequence.track(of, Some(track), &name, Message::default().message(8, unit))
    };
    let counted = own.and_then(|own| own.smi).map(|smi| smi.delta);
    if counted.is_some() {
        counter(&mut sequence, smis, "SMIs", "SMIs")?;
        sequence.count(begin, smis, 0)?;
    }
    // Of these the report has one value for the whole run.
    let share = own.filter(|own| own.elapsed_ns > Nanos(0));
    let share = share.map(|own| own.covered_ns.0 as f64 / own.elapsed_ns.0 as f64);
    let ratio = (own.and_then(|own| own.watched.as_ref())).and_then(|own| own.frequency_ratio);
    let constant = [
        (covered, "Covered, mean of the run", share),
        (frequency, "Frequency over base, mean of the run", ratio),
    ];
    for (of, name, value) in constant {
        if let Some(value) = value {
            counter(&mut sequence, of, name, "%")?;
            sequence.gauge(begin, of, 100.0 * value)?;
        }
    }
    let mut seen = 0;
    for (at, gap) in gaps {
        slices(&mut sequence, *at, gap)?;
        if let (Some(delta @ 1..), Some(_)) = (gap.smi_delta, counted) {
            seen += u64::from(delta);
            sequence.count(at.saturating_add(gap.duration_ns.0), smis, seen)?;
        }
    }
    if let Some(counted) = counted {
        sequence.count(end, smis, counted)?;
    }
    for (of, _, value) in constant {
        if let Some(value) = value {
            sequence.gauge(end, of, 100.0 * value)?;
        }
    }
    Ok(())
}

/// A gap, and in it its account.
fn slices(sequence: &mut Sequence<'_>, at: u64, gap: &Gap) -> io::Result<()> {
    let end = at.saturating_add(gap.duration_ns.0);
    let mut args = vec![
        ("tsc", Value::Count(gap.start_cycles.0)),
        ("tsc_end", Value::Count(gap.end_cycles.0)),
        ("confidence", Value::Text(gap.confidence.name())),
        ("platform_ns", Value::Count(gap.platform_ns.0)),
    ];
    args.extend((gap.smi_delta).map(|smis| ("smi_delta", Value::Count(smis.into()))));
    let by = gap.kernel.as_ref().and_then(|kernel| kernel.by.first());
    args.extend(by.map(|by| ("kernel_by", Value::Text(&by.name))));
    let reason = gap.unknown_reason.as_deref();
    args.extend(reason.map(|reason| ("unknown_reason", Value::Text(reason))));
    args.extend((gap.engine).map(|engine| ("engine", Value::Text(engine.name()))));
    sequence.slice(at, ("gap", gap.cause.name()), args)?;
    let parts = parts(gap);
    if parts.len() > 1 {
        let mut from = at;
        for (name, length) in parts {
            sequence.slice(from, ("part", name), Vec::new())?;
            from = from.saturating_add(length.0).min(end);
            sequence.end(from)?;
        }
    }
    sequence.end(end)
}

/// The account of a gap in the order of time, where the place of the platform's
/// part is known; else the longest part first.
fn parts(gap: &Gap) -> Vec<(&'static str, Nanos)> {
    let (before, platform) = (gap.platform_at_ns, ("platform", gap.platform_ns));
    let (os, unknown) = (("os", gap.os_ns), ("unknown", gap.unknown_ns));
    let mut parts = match before {
        Nanos(0) => {
            let mut parts = vec![platform, os, unknown];
            parts.sort_by_key(|(_, length)| std::cmp::Reverse(*length));
            parts
        }
        // What of the others came first is not known.
        before => {
            let os_first = os.1.min(before);
            let unknown_first = unknown.1.min(before.saturating_sub(os_first));
            vec![
                ("os", os_first),
                ("unknown", unknown_first),
                platform,
                ("os", os.1.saturating_sub(os_first)),
                ("unknown", unknown.1.saturating_sub(unknown_first)),
            ]
        }
    };
    parts.retain(|(_, length)| *length > Nanos(0));
    parts
}

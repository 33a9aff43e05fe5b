//! From a finished run to its report.

use crate::attribution::{
    Attribution, Platform, Setting, SmiEvidence, Telling, Throttling, attribute, detail, shares,
};
use crate::evidence::MachineFacts;
use crate::evidence::kernel_trace::{Account, Names, Standing};
use crate::host::Host;
use crate::host::root::Known;
use crate::judgement::{Case, account, compare, judge, list_stalls};
use crate::plan::RunPlan;
use crate::sampler::{CpuSetup, CpuTotals, Histogram, Presence, Scheduling, SmiSetup};
use crate::selftest::SelfTest;
use crate::session::{CpuCollection, JudgedGap, PackedGap};
use crate::units::{CpuId, Cycles, Hertz, Nanos};

use super::agreement::EngineReport;
use super::model::{
    BiosIdentity, Bucket, CpuIdentity, CpuReport, EngineName, Gap, HistogramReport, HostIdentity,
    KernelAccount, KernelIdentity, MaskedReport, NamedTime, OsSource, Outcome, RecordStanding,
    Report, Run, SCHEMA, SCHEMA_VERSION, SystemIdentity, Tool, Tsc, TscOffset, Verdict,
};
use super::{LazyGaps, merge};

/// What a report needs beside the case.
#[derive(Clone, Copy)]
pub struct Particulars<'a> {
    /// The arguments of this process.
    pub command_line: &'a str,
    /// What sampled.
    pub engine: EngineName,
    /// Where the rate in use comes from.
    pub hz_source: &'a str,
    /// The circumstances in which the gaps were judged at first.
    pub setting: Setting,
    /// The scheduler's bound on real-time tasks.
    pub throttling: Option<Throttling>,
    /// The latest self-test that holds for this host.
    pub selftest: Option<&'a SelfTest>,
    /// Whether the clock was a script.
    pub scripted: bool,
}

/// The report of a run: of one slice, or of several in which engines took
/// turns. Its gaps are made one by one while it is written.
pub fn assemble<'a>(
    cases: &'a [Case<'a>],
    particulars: Particulars<'a>,
) -> Report<LazyGaps<impl Fn() -> Box<dyn Iterator<Item = Gap> + 'a>>> {
    let (first, last) = (&cases[0], &cases[cases.len() - 1]);
    let origin = origin(cases);
    let cpus = merge::cpus(cases.iter().map(|case| rows(case, origin)));
    let engines = match particulars.engine {
        EngineName::Both => engines(cases, origin),
        _ => Vec::new(),
    };
    let verdict = match engines
        .iter()
        .map(|engine| &engine.verdict)
        .max_by_key(badness)
    {
        // What one engine calls into question the other cannot settle.
        Some(worst) => Verdict {
            result: worst.result,
            ..judge(cases, &cpus)
        },
        None => judge(cases, &cpus),
    };
    let count = first.collected.setups.len();
    Report {
        schema: SCHEMA.to_owned(),
        schema_version: SCHEMA_VERSION,
        tool: Tool {
            name: "hwgap".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        run: run(cases, &particulars, origin),
        host: host_identity(first.host, first.machine),
        tsc: tsc(last, &particulars, origin),
        evidence: merge::evidence(cases),
        gaps: LazyGaps(move || -> Box<dyn Iterator<Item = Gap> + 'a> {
            Box::new((0..count).flat_map(move |index| {
                cases
                    .iter()
                    .flat_map(move |case| gaps_of(case, particulars, origin, index))
            }))
        }),
        cpus,
        findings: merge::findings(cases),
        verdict,
        stalls: merge::stalls(cases.iter().map(|case| list_stalls(case, origin))),
        selftest: particulars.selftest.cloned(),
        agreement: match engines.as_slice() {
            [] => None,
            engines => Some(compare(cases, engines)),
        },
        engines,
    }
}

/// The rows of a slice.
fn rows(case: &Case<'_>, origin: Cycles) -> Vec<CpuReport> {
    let collected = case.collected;
    (collected.setups.iter())
        .zip(&collected.totals)
        .zip(&collected.cpus)
        .enumerate()
        .map(|(index, ((setup, totals), kept))| CpuReport {
            os_sources: os_sources(case, index),
            shots: (totals.shots.as_ref()).map(|shots| {
                let place = |cycles: Cycles| cycles.since(origin);
                shots.iter().map(|&ends| ends.map(place)).collect()
            }),
            ..cpu_report(case, setup, totals, kept)
        })
        .collect()
}

/// What each engine saw that had a turn.
fn engines(cases: &[Case<'_>], origin: Cycles) -> Vec<EngineReport> {
    let names = [EngineName::User, EngineName::Bpf];
    let of = |name| -> Vec<Case<'_>> {
        let own = cases.iter().filter(|case| case.chosen.engine == name);
        own.copied().collect()
    };
    let both = names.into_iter().map(of).filter(|own| !own.is_empty());
    both.map(|own| account(&own, merge::cpus(own.iter().map(|case| rows(case, origin)))))
        .collect()
}

/// Failed, then open, then passed.
fn badness(verdict: &&Verdict) -> u8 {
    match verdict.result {
        Outcome::Pass => 0,
        Outcome::Inconclusive => 1,
        Outcome::Fail => 2,
    }
}

/// The earliest reading: all cycles of a report count from it.
fn origin(cases: &[Case<'_>]) -> Cycles {
    let totals = cases.iter().flat_map(|case| &case.collected.totals);
    totals.map(|cpu| cpu.first).min().unwrap_or_default()
}

/// The gaps of a slice on the CPU with this index.
fn gaps_of<'a>(
    case: &'a Case<'a>,
    particulars: Particulars<'a>,
    origin: Cycles,
    index: usize,
) -> impl Iterator<Item = Gap> + 'a {
    let collected = case.collected;
    let cpu = collected.setups[index].cpu;
    let engine = (particulars.engine == EngineName::Both).then_some(case.chosen.engine);
    collected.cpus[index].gaps.iter().map(move |gap| Gap {
        engine,
        ..view(case, &particulars, origin, cpu, gap)
    })
}

fn view(
    case: &Case<'_>,
    particulars: &Particulars<'_>,
    origin: Cycles,
    cpu: CpuId,
    gap: &PackedGap,
) -> Gap {
    let JudgedGap {
        raw,
        account,
        cause,
        confidence,
    } = gap.unpack();
    let duration_ns = case.rate.hz.to_nanos(raw.length());
    let setting = particulars.setting;
    let decided = attribute(&raw.evidence, account.as_ref(), duration_ns, setting);
    let attribution = Attribution {
        cause,
        confidence,
        ..decided
    };
    let (os_ns, residual_ns) = shares(&attribution, &raw.evidence, account.as_ref(), duration_ns);
    let names = case.collected.kernel.names.as_ref();
    Gap {
        engine: None,
        cpu,
        start_cycles: raw.start.since(origin),
        end_cycles: raw.end.since(origin),
        start_utc: case.collected.timeline.utc(raw.start).rfc3339(),
        duration_ns,
        cause,
        confidence,
        smi_delta: match raw.evidence.smi {
            SmiEvidence::Own { delta } | SmiEvidence::Alone { delta } => Some(delta),
            _ => None,
        },
        kernel_ran: attribution.kernel_ran,
        os_ns,
        residual_ns,
        detail: detail(&Telling {
            evidence: &raw.evidence,
            account: account.as_ref(),
            names,
            attribution: &attribution,
            length: duration_ns,
            setting,
            throttling: particulars.throttling,
        }),
        kernel: account
            .zip(names)
            .map(|(account, names)| kernel_account(&account, names)),
        raw: raw.evidence,
    }
}

fn kernel_account(account: &Account, names: &Names) -> KernelAccount {
    KernelAccount {
        standing: match account.standing {
            Standing::Nothing => RecordStanding::Nothing,
            Standing::Interrupts => RecordStanding::Interrupts,
            Standing::Tasks => RecordStanding::Tasks,
            Standing::Fault => RecordStanding::Fault,
            Standing::Lost => RecordStanding::Lost,
        },
        accounted_ns: account.accounted,
        usual_ns: account.usual,
        by: account
            .shares
            .iter()
            .flatten()
            .map(|share| NamedTime {
                name: names.name(share.id).to_owned(),
                ns: Nanos(u64::from(share.nanos)),
            })
            .collect(),
    }
}

/// What the kernel did on the CPU with this index, the most costly first.
fn os_sources(case: &Case<'_>, index: usize) -> Option<Vec<OsSource>> {
    let names = case.collected.kernel.names.as_ref()?;
    let (sources, _) = case.collected.kernel.totals.get(index)?;
    Some(
        sources
            .iter()
            .map(|&(id, total)| OsSource {
                name: names.name(id).to_owned(),
                count: total.count,
                total_ns: total.total,
                max_ns: total.longest,
            })
            .collect(),
    )
}

fn cpu_report(
    case: &Case<'_>,
    setup: &CpuSetup,
    totals: &CpuTotals,
    kept: &CpuCollection,
) -> CpuReport {
    let nanos = |cycles: Cycles| case.rate.hz.to_nanos(cycles);
    let elapsed_ns = nanos(totals.last.since(totals.first));
    let (blind_ns, os_ns, paused_ns) =
        (nanos(totals.blind), nanos(totals.os), nanos(totals.paused));
    let between_ns = totals
        .masked
        .map_or(Nanos(0), |masked| nanos(masked.between));
    let (smi, smi_reason) = smi(case, setup, totals);
    CpuReport {
        cpu: totals.cpu,
        elapsed_ns,
        covered_ns: elapsed_ns
            .saturating_sub(blind_ns)
            .saturating_sub(os_ns)
            .saturating_sub(paused_ns)
            .saturating_sub(between_ns),
        blind_ns,
        os_ns,
        paused_ns,
        masked: totals.masked.map(|masked| MaskedReport {
            shots: masked.shots,
            longest_shot_ns: nanos(masked.longest_shot),
            between_ns,
            nmis: masked.nmis,
            machine_checks: masked.machine_checks,
            clock_error_ns: masked.clock_error,
        }),
        iterations: totals.iterations,
        min_cycles: totals.floor,
        max_ns: nanos(totals.max),
        max_platform_ns: nanos(totals.max_kernel_absent.max(kept.max_platform)),
        max_os_ns: nanos(totals.max_kernel_ran),
        smi,
        smi_reason,
        gaps_seen: totals.gaps_seen,
        gaps_recorded: kept.gaps.len() as u64,
        gaps_dropped: totals.gaps_dropped,
        gaps_by_cause: kept.counts,
        scheduling: match &setup.scheduling {
            Scheduling::Fifo(priority) => format!("SCHED_FIFO, priority {priority}"),
            Scheduling::Ordinary(reason) => format!("ordinary ({reason})"),
            Scheduling::Scripted => String::from("scripted"),
        },
        ended_early: totals.ended_early.map(|reason| reason.to_string()),
        histogram: histogram(&totals.histogram, case.rate.hz, setup.calibration.trip),
        os_sources: None,
        shots: None,
    }
}

/// The SMI count of a CPU. In a guest it is the virtual machine's own, and a 0
/// there would be read as "no SMIs".
fn smi(
    case: &Case<'_>,
    setup: &CpuSetup,
    totals: &CpuTotals,
) -> (Option<super::model::SmiCount>, Option<String>) {
    if case.machine.platform() == Platform::Guest {
        let reason = "a guest sees only its virtual machine's own SMI counter";
        return (None, Some(reason.to_owned()));
    }
    match (&setup.smi, &totals.smi) {
        (SmiSetup::Readable(_), Some(smi)) => (Some(smi.count), None),
        (SmiSetup::Readable(_), None) => (
            None,
            Some(String::from(
                "the counter could not be read to the end of the run",
            )),
        ),
        (SmiSetup::Unreadable(reason), _) => (None, Some(reason.clone())),
    }
}

fn histogram(histogram: &Histogram, hz: Hertz, trip: Cycles) -> HistogramReport {
    HistogramReport {
        trip_ns: hz.to_nanos(trip),
        buckets: histogram
            .buckets()
            .map(|(from, to, counts)| Bucket {
                from_ns: hz.to_nanos(from),
                to_ns: hz.to_nanos(to),
                kernel_absent: counts[Presence::Absent as usize],
                kernel_ran: counts[Presence::Ran as usize],
                unknown: counts[Presence::Unknown as usize],
            })
            .collect(),
    }
}

fn run(cases: &[Case<'_>], particulars: &Particulars<'_>, origin: Cycles) -> Run {
    let case = &cases[cases.len() - 1];
    let RunPlan {
        threshold,
        hardlimit,
        width,
        window,
        label,
        housekeeping,
        ..
    } = case.plan;
    let timeline = &case.collected.timeline;
    let totals = || cases.iter().flat_map(|case| &case.collected.totals);
    let last = totals().map(|cpu| cpu.last).max().unwrap_or_default();
    Run {
        engine: particulars.engine,
        command_line: particulars.command_line.to_owned(),
        label: label.clone(),
        started_utc: timeline.utc(origin).rfc3339(),
        ended_utc: timeline.utc(last).rfc3339(),
        elapsed_ns: case.rate.hz.to_nanos(last.since(origin)),
        threshold_ns: *threshold,
        hardlimit_ns: *hardlimit,
        width_ns: *width,
        window_ns: *window,
        ended_by: case.collected.ended_by,
        error: totals()
            .find_map(|cpu| cpu.ended_early.map(|why| format!("CPU {}: {why}", cpu.cpu))),
        cpus_not_sampled: housekeeping.to_string(),
        scripted: particulars.scripted,
    }
}

/// The machine's names, as every document of this program gives them.
pub fn host_identity(host: &Host, machine: &MachineFacts) -> HostIdentity {
    let (identity, cpu, kernel) = (&host.identity, &host.cpu_model, &host.kernel);
    let text = |known: &Known<String>| known.as_ref().ok().cloned();
    let board = [&identity.board.vendor, &identity.board.name];
    let board: Vec<&str> = board
        .iter()
        .filter_map(|part| part.as_deref().ok())
        .collect();
    HostIdentity {
        hostname: text(&identity.hostname),
        system: SystemIdentity {
            vendor: text(&identity.system.vendor),
            product: text(&identity.system.name),
            board: (!board.is_empty()).then(|| board.join(" ")),
        },
        bios: BiosIdentity {
            vendor: text(&identity.bios.vendor),
            version: text(&identity.bios.version),
            date: text(&identity.bios.date),
        },
        cpu: CpuIdentity {
            vendor: text(&cpu.vendor),
            model_name: text(&cpu.name),
            family: cpu.family.as_ref().ok().copied(),
            model: cpu.model.as_ref().ok().copied(),
            stepping: cpu.stepping.as_ref().ok().copied(),
            microcode: text(&cpu.microcode),
        },
        kernel: KernelIdentity {
            release: kernel
                .release
                .as_ref()
                .ok()
                .map(|release| release.as_str().to_owned()),
            command_line: kernel
                .command_line
                .as_ref()
                .ok()
                .map(|line| line.text.clone()),
        },
        hypervisor: machine.hypervisor.as_ref().map(ToString::to_string),
    }
}

fn tsc(case: &Case<'_>, particulars: &Particulars<'_>, origin: Cycles) -> Tsc {
    let clock = &case.collected.clock;
    let flags = case.host.cpu_model.flags.as_ref();
    let setups = &case.collected.setups;
    Tsc {
        origin: origin.0.to_string(),
        hz: case.rate.hz.0,
        hz_source: particulars.hz_source.to_owned(),
        hz_error_ppm: Some(case.rate.error_ppm),
        invariant: Some(case.machine.tsc_is_invariant()),
        flags: flags
            .map(|flags| flags.about_tsc().into_iter().map(str::to_owned).collect())
            .unwrap_or_default(),
        granularity_cycles: setups
            .iter()
            .map(|setup| setup.calibration.granularity.0)
            .min(),
        clocksource_start: clock.start().map(str::to_owned),
        clocksource_end: clock.end().map(str::to_owned),
        clocksource_changes: clock.changes().to_vec(),
        offsets: setups
            .iter()
            .filter_map(|setup| {
                setup.offset.map(|offset| TscOffset {
                    cpu: setup.cpu,
                    offset_cycles: offset.cycles,
                    error_cycles: offset.error,
                })
            })
            .collect(),
    }
}

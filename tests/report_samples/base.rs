//! The machine that all samples vary.

use hwgap::model::*;
use hwgap::model::{Cause, Confidence, Counts, Evidence, Footprint, SmiEvidence};
use hwgap::units::{CpuId, Cycles, Nanos};

pub fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

pub fn bare_metal_pass() -> Report {
    Report {
        schema: SCHEMA.to_owned(),
        schema_version: SCHEMA_VERSION,
        tool: Tool {
            name: "hwgap".to_owned(),
            version: "0.1.0".to_owned(),
        },
        run: Run {
            engine: EngineName::User,
            command_line: "hwgap run --duration 10s".to_owned(),
            label: None,
            started_utc: "2026-11-20T17:52:40.000000000Z".to_owned(),
            ended_utc: "2026-11-20T17:52:50.000000000Z".to_owned(),
            elapsed_ns: Nanos(10_000_000_000),
            threshold_ns: Nanos(10_000),
            hardlimit_ns: Nanos(10_000),
            width_ns: Nanos::SECOND,
            window_ns: Nanos::SECOND,
            planned_ns: Some(Nanos(10_000_000_000)),
            warm_up_ns: Some(Nanos(100_000_000)),
            ended_by: EndedBy::Duration,
            error: None,
            checkpoints: None,
            events: None,
            privileges: None,
            actions: None,
            command: None,
            cpus_not_sampled: "0".to_owned(),
            not_sampled: Vec::new(),
            scripted: false,
        },
        host: HostIdentity {
            hostname: text("rt-bench-01"),
            machine_id_hash: None,
            system: SystemIdentity {
                vendor: text("Dell Inc."),
                product: text("PowerEdge R740"),
                board: text("Dell Inc. 06WXJT"),
            },
            bios: BiosIdentity {
                vendor: text("Dell Inc."),
                version: text("2.19.1"),
                date: text("06/14/2023"),
            },
            cpu: CpuIdentity {
                vendor: text("GenuineIntel"),
                model_name: text("Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz"),
                family: Some(6),
                model: Some(85),
                stepping: Some(4),
                microcode: text("0x2007006"),
            },
            kernel: KernelIdentity {
                release: text("6.12.0-rt11"),
                command_line: text("ro isolcpus=1-3"),
            },
            hypervisor: None,
        },
        tsc: Tsc {
            origin: "18446744073709551000".to_owned(),
            hz: 2_100_000_000.0,
            hz_source: "CPUID 15h".to_owned(),
            hz_error_ppm: Some(0.5),
            invariant: Some(true),
            flags: vec!["constant_tsc".to_owned(), "nonstop_tsc".to_owned()],
            granularity_cycles: Some(2),
            clocksource_start: text("tsc"),
            clocksource_end: text("tsc"),
            clocksource_changes: vec![],
            offsets: vec![TscOffset {
                cpu: CpuId(2),
                offset_cycles: -14,
                error_cycles: 340,
            }],
            utc_points: Vec::new(),
            utc_steps: Vec::new(),
            utc_error_ns: None,
            steps: vec![],
            log: vec![],
        },
        evidence: vec![
            usable("footprint", "self-test passed on every sampled CPU"),
            usable("smi-counter", "MSR 0x34 through /dev/cpu/N/msr"),
            usable("rusage", "getrusage(RUSAGE_THREAD)"),
        ],
        cpus: (1..=3).map(cpu).collect(),
        gaps: vec![],
        findings: vec![],
        verdict: Verdict {
            result: Outcome::Pass,
            subject: Subject::Hardware,
            platform_gaps: 0,
            platform_stalls: 0,
            platform_max_ns: Nanos(0),
            platform_rate_per_hour: Some(0.0),
            platform_rate_upper95_per_hour: Some(1_080.6),
            coverage: 0.998,
            incomplete: None,
            reasons: vec!["no platform gap above the limit was seen".to_owned()],
        },
        stalls: Vec::new(),
        selftest: None,
        engines: Vec::new(),
        agreement: None,
        quiet_host: None,
        inventory: None,
        periodicity: None,
    }
}

pub fn usable(source: &str, reason: &str) -> EvidenceSource {
    EvidenceSource {
        source: source.to_owned(),
        usable: true,
        reason: reason.to_owned(),
        costs: None,
        remedy: None,
    }
}

pub fn no_smi_counter() -> EvidenceSource {
    EvidenceSource {
        usable: false,
        costs: text("SMIs cannot be told from other stalls of the platform"),
        remedy: text("modprobe msr, and run as root"),
        ..usable(
            "smi-counter",
            "/dev/cpu/1/msr does not exist; the perf PMU msr has no event smi",
        )
    }
}

pub fn cpu(number: u32) -> CpuReport {
    CpuReport {
        cpu: CpuId(number),
        place: None,
        elapsed_ns: Nanos(10_000_000_000),
        covered_ns: Nanos(9_980_000_000),
        blind_ns: Nanos(1_200_000),
        os_ns: Nanos(18_800_000),
        unknown_ns: Nanos(0),
        paused_ns: Nanos(0),
        masked: None,
        tracer: None,
        iterations: Some(913_043_478),
        min_cycles: Some(Cycles(20)),
        max_ns: Nanos(8_410),
        max_platform_ns: Nanos(0),
        max_unknown_ns: None,
        max_os_ns: Nanos(8_410),
        smi: Some(SmiCount {
            before: 4_294_967_295,
            after: 4_294_967_295,
            delta: 0,
        }),
        smi_reason: None,
        gaps_seen: 0,
        gaps_recorded: 0,
        gaps_dropped: 0,
        gaps_by_cause: CauseCounts::default(),
        scheduling: "fifo:95".to_owned(),
        ended_early: None,
        histogram: HistogramReport {
            trip_ns: Nanos(80),
            buckets: vec![Bucket {
                from_ns: Nanos(8_192),
                to_ns: Nanos(8_704),
                kernel_absent: 0,
                kernel_ran: 12,
                unknown: 0,
                platform_parts: 0,
            }],
        },
        os_sources: None,
        usual: Vec::new(),
        shots: None,
        watched: None,
    }
}

/// Adds a gap to the report and to its CPU's counts.
pub fn add_gap(report: &mut Report, number: u32, at_us: u64, length: Nanos, cause: Cause) {
    let ran = matches!(cause, Cause::Os | Cause::SmiOs);
    let smis = matches!(cause, Cause::Smi | Cause::SmiOs).then_some(1);
    let start = Cycles(at_us * 2_100);
    let (os, platform, unknown) = match cause {
        Cause::Os => (length, Nanos(0), Nanos(0)),
        Cause::Unknown => (Nanos(0), Nanos(0), length),
        _ if cause.is_mixed() => (Nanos(2_000), Nanos(length.0 - 2_000), Nanos(0)),
        _ => (Nanos(0), length, Nanos(0)),
    };
    let confidence = match cause {
        Cause::Unknown => Confidence::None,
        Cause::FirmwareOrCpu => Confidence::Strong,
        _ => Confidence::Proved,
    };
    report.gaps.push(Gap {
        engine: None,
        cpu: CpuId(number),
        start_cycles: start,
        end_cycles: start.saturating_add(Cycles(length.0 * 21 / 10)),
        start_utc: format!(
            "2026-11-20T17:52:{:02}.{:06}789Z",
            40 + at_us / 1_000_000,
            at_us % 1_000_000
        ),
        duration_ns: length,
        companions: None,
        cause,
        confidence,
        smi_delta: smis,
        kernel_ran: (cause != Cause::Unknown).then_some(ran),
        os_ns: os,
        platform_ns: platform,
        platform_confidence: match platform {
            Nanos(0) => Confidence::None,
            _ => confidence,
        },
        platform_at_ns: Nanos(0),
        unknown_ns: unknown,
        unknown_reason: (unknown > Nanos(0))
            .then(|| "nothing tells whether the kernel ran".to_owned()),
        residual_ns: Nanos(length.0 - os.0),
        detail: match cause {
            Cause::Smi => "the kernel did not run; the SMI counter rose by 1",
            Cause::SmiOs => "the kernel ran and the SMI counter rose by 1",
            Cause::Os => "the kernel ran: 1 involuntary switch",
            Cause::Unknown => "footprint unusable, no counter",
            _ => "the kernel did not run",
        }
        .to_owned(),
        kernel: None,
        raw: Evidence {
            footprint: match cause {
                Cause::Unknown => Footprint::Unusable,
                _ if ran => Footprint::Cleared,
                _ => Footprint::Intact,
            },
            smi: match smis {
                Some(delta) => SmiEvidence::Own { delta },
                None => SmiEvidence::Unreadable,
            },
            involuntary_switches: Some(u16::from(ran)),
            page_faults: None,
            run_delay_ns: None,
            counts: Counts::Own,
            ring_zero: None,
            smm_ns: None,
            elsewhere_ns: None,
        },
    });
    let cpu = report
        .cpus
        .iter_mut()
        .find(|cpu| cpu.cpu == CpuId(number))
        .unwrap();
    cpu.gaps_seen += 1;
    cpu.gaps_recorded += 1;
    cpu.gaps_by_cause.add(cause);
    cpu.max_ns = cpu.max_ns.max(length);
    if cause.is_platform() {
        cpu.max_platform_ns = cpu.max_platform_ns.max(platform);
    } else if cause == Cause::Os {
        cpu.max_os_ns = cpu.max_os_ns.max(length);
    }
    if let (Some(smi), Some(delta)) = (&mut cpu.smi, smis) {
        smi.delta += u64::from(delta);
        smi.after = (smi.before + smi.delta) % (1 << 32);
    }
}

//! Made-up reports of the machines that hwgap meets. No number of them was
//! measured.

use hwgap::model::Cause;
use hwgap::model::*;
use hwgap::units::{CpuId, Cycles, Nanos};

pub use large::{hybrid, two_packages};
pub use settle::settled;

use base::{add_gap, bare_metal_pass, cpu, no_smi_counter, text, usable};

mod base;
mod large;
mod settle;

/// Every sample with its name.
pub fn all() -> Vec<(&'static str, Report)> {
    let samples = vec![
        ("bare-metal-pass", bare_metal_pass()),
        ("bare-metal-fail", bare_metal_fail()),
        ("guest-fail", guest_fail()),
        ("guest-pass", guest_pass()),
        ("inconclusive", inconclusive()),
        ("no-counter", no_counter()),
        ("ordinary-user", ordinary_user()),
        ("many-cpus", many_cpus()),
    ];
    let settled = |(name, report)| (name, settled(report));
    samples.into_iter().map(settled).collect()
}

fn bare_metal_fail() -> Report {
    let mut report = bare_metal_pass();
    for cpu in 1..=3 {
        for (at, length) in [
            (1_400_000, 210_000),
            (2_800_001, 412_000),
            (4_200_002, 198_700),
        ] {
            add_gap(
                &mut report,
                cpu,
                at + u64::from(cpu),
                Nanos(length),
                Cause::Smi,
            );
        }
    }
    add_gap(&mut report, 2, 5_000_000, Nanos(64_300), Cause::SmiOs);
    add_gap(&mut report, 1, 6_000_000, Nanos(23_100), Cause::Os);
    report.findings = vec![
        Finding {
            id: "smi-without-gap".to_owned(),
            severity: Severity::Info,
            text: "The SMI counter of CPU 3 rose once without a gap above the threshold."
                .to_owned(),
            remedy: None,
        },
        Finding {
            id: "smi-period".to_owned(),
            severity: Severity::Warning,
            text: "SMIs came every 1.40 s, as those of a vendor's timer would (one author's \
                   reverse engineering of a workstation)."
                .to_owned(),
            remedy: text(
                "Ask the vendor with this report. Disabling all SMIs can damage the machine.",
            ),
        },
    ];
    report.verdict = Verdict {
        result: Outcome::Fail,
        platform_gaps: 10,
        platform_stalls: 4,
        platform_max_ns: Nanos(412_000),
        platform_rate_per_hour: Some(1_442.9),
        platform_rate_upper95_per_hour: Some(3_302.5),
        reasons: vec!["10 platform gaps above 10 us, in 4 separate moments".to_owned()],
        ..report.verdict
    };
    report
}

/// One action that went well and one that did not, under a load.
fn acted(run: &mut Run) {
    let base = ActionReport {
        action: "trace=gap.dat".to_owned(),
        when: ActionWhen::Gap,
        done: 1,
        failed: 0,
        busy: 2,
        beyond_limit: 0,
        latency_max_ns: Some(Nanos(1_400_000)),
        latency_mean_ns: Some(Nanos(1_400_000)),
        runs: vec![ActionRun {
            cpu: Some(CpuId(1)),
            start_cycles: Some(Cycles(1_400_001)),
            latency_ns: Some(Nanos(1_400_000)),
            took_ns: Nanos(9_000_000),
            file: text("gap.dat"),
            ..ActionRun::default()
        }],
    };
    let shell = ActionReport {
        action: "shell:curl -d @- https://rt-bench-01.example/stalls".to_owned(),
        done: 2,
        failed: 1,
        busy: 0,
        latency_max_ns: Some(Nanos(2_100_000)),
        runs: vec![ActionRun {
            error: text("exit status 7"),
            exit_status: Some(7),
            output: text("connection refused"),
            ..base.runs[0].clone()
        }],
        ..base.clone()
    };
    run.actions = Some(ActionsReport {
        above_ns: Some(Nanos(10_000)),
        of: ActedOn::Platform,
        gaps: 3,
        actions: vec![base, shell],
    });
    run.command = Some(CommandReport {
        arguments: ["stress-ng", "--cpu", "1"].map(str::to_owned).to_vec(),
        cpus: "0".to_owned(),
        was_ended: Some(true),
        signal: Some(15),
        elapsed_ns: Some(Nanos(10_000_000_000)),
        user_ns: Some(Nanos(9_800_000_000)),
        system_ns: Some(Nanos(100_000_000)),
        max_rss_kib: Some(5_120),
        ..CommandReport::default()
    });
}

fn guest_pass() -> Report {
    let mut report = bare_metal_pass();
    report.host.hypervisor = text("KVM");
    report.host.system.vendor = text("QEMU");
    report.host.system.product = text("Standard PC (Q35 + ICH9, 2009)");
    report.host.bios = BiosIdentity::default();
    report.run.cpus_not_sampled = String::new();
    report.evidence[1] = no_smi_counter();
    report.cpus.truncate(1);
    report.cpus[0].smi_reason = None;
    report.verdict.subject = Subject::HypervisorAndBelow;
    report
}

fn guest_fail() -> Report {
    let mut report = guest_pass();
    for cpu in &mut report.cpus {
        cpu.smi = None;
        cpu.smi_reason = text("the hypervisor shows a counter of its own, if any");
    }
    add_gap(&mut report, 1, 1_000, Nanos(1_312_000), Cause::Hypervisor);
    add_gap(&mut report, 1, 7_000_000, Nanos(48_000), Cause::Hypervisor);
    add_gap(&mut report, 1, 8_000_000, Nanos(4_080_000), Cause::Os);
    report.cpus[0].gaps_seen += 12;
    report.cpus[0].gaps_dropped = 5;
    report.findings = vec![Finding {
        id: "guest".to_owned(),
        severity: Severity::Warning,
        text: "This is a KVM guest.".to_owned(),
        remedy: text("To judge the machine itself, run hwgap on the host."),
    }];
    report.verdict.result = Outcome::Fail;
    report.verdict.platform_gaps = 2;
    report.verdict.platform_stalls = 2;
    report.verdict.platform_max_ns = Nanos(1_312_000);
    report.verdict.platform_rate_per_hour = Some(721.4);
    report.verdict.platform_rate_upper95_per_hour = Some(2_271.0);
    report.verdict.reasons.clear();
    report
}

fn no_counter() -> Report {
    let mut report = bare_metal_fail();
    report.gaps.clear();
    report.cpus = (1..=3).map(cpu).collect();
    for cpu in &mut report.cpus {
        cpu.smi = None;
        cpu.smi_reason = text("/dev/cpu/N/msr does not exist and perf has no event for it");
    }
    add_gap(
        &mut report,
        1,
        1_400_000,
        Nanos(210_000),
        Cause::FirmwareOrCpu,
    );
    report.evidence[1] = no_smi_counter();
    report.findings.clear();
    report.verdict.reasons.clear();
    report.verdict.platform_gaps = 1;
    report.verdict.platform_stalls = 1;
    report.verdict.platform_max_ns = Nanos(210_000);
    report.verdict.platform_rate_per_hour = Some(360.7);
    report.verdict.platform_rate_upper95_per_hour = Some(1_711.2);
    report
}

fn inconclusive() -> Report {
    let mut report = no_counter();
    acted(&mut report.run);
    report.gaps.clear();
    report.cpus = (1..=3).map(cpu).collect();
    for cpu in &mut report.cpus {
        cpu.smi = None;
        cpu.smi_reason = text("the CPU is not known to have one");
    }
    add_gap(&mut report, 3, 1_400_000, Nanos(210_000), Cause::Unknown);
    report.cpus[0].gaps_seen += 2;
    report.run.ended_by = EndedBy::Error;
    report.run.error = text("CPU 3 went offline");
    report.run.label = text("before the BIOS update");
    report.cpus[2].ended_early = text("the CPU went offline");
    report.cpus[2].covered_ns = Nanos(1_399_000_000);
    report.tsc.invariant = None;
    report.tsc.clocksource_end = text("hpet");
    report.evidence[0] = EvidenceSource {
        usable: false,
        costs: text("whether this kernel ran in a gap is not known"),
        ..usable("footprint", "the self-test failed on CPU 3")
    };
    report.findings = vec![Finding {
        id: "clocksource-changed".to_owned(),
        severity: Severity::Critical,
        text: "The kernel left the TSC as its clocksource in mid-run.".to_owned(),
        remedy: text("See the kernel's log for \"Marking clocksource 'tsc' as unstable\"."),
    }];
    report.verdict.result = Outcome::Inconclusive;
    report.verdict.platform_gaps = 0;
    report.verdict.platform_stalls = 0;
    report.verdict.reasons = vec![
        "1 gap above the limit has no known cause".to_owned(),
        "the clocksource changed in mid-run, so that the TSC may not be trusted".to_owned(),
    ];
    report
}

fn ordinary_user() -> Report {
    let mut report = no_counter();
    report.gaps.clear();
    report.cpus = (1..=3).map(cpu).collect();
    for cpu in &mut report.cpus {
        cpu.scheduling = "other".to_owned();
        cpu.smi = None;
        cpu.smi_reason = text("no permission to read /dev/cpu/N/msr (CAP_SYS_RAWIO)");
    }
    for at in 0..14 {
        add_gap(
            &mut report,
            1 + at % 3,
            u64::from(at) * 300_000,
            Nanos(4_000_000 + u64::from(at)),
            Cause::Os,
        );
    }
    report.run.width_ns = Nanos(500_000_000);
    for cpu in &mut report.cpus {
        cpu.paused_ns = Nanos(5_000_000_000);
        cpu.covered_ns = Nanos(4_980_000_000);
    }
    report.verdict.coverage = 0.498;
    report.verdict.result = Outcome::Pass;
    report.verdict.platform_gaps = 0;
    report.verdict.platform_stalls = 0;
    report.verdict.platform_max_ns = Nanos(0);
    report.verdict.platform_rate_per_hour = Some(0.0);
    report.verdict.platform_rate_upper95_per_hour = Some(2_165.6);
    report.verdict.reasons.clear();
    report
}

fn many_cpus() -> Report {
    let mut report = bare_metal_pass();
    report.cpus = (1..128).map(cpu).collect();
    for number in [5, 77, 126] {
        let length = Nanos(30_000 + u64::from(number));
        add_gap(&mut report, number, 3_000_000, length, Cause::Cpu);
    }
    report.cpus[40].smi = None;
    report.cpus[40].smi_reason = text("the counter could not be read at the end: I/O error");
    report.run.scripted = true;
    report.verdict.result = Outcome::Fail;
    report.verdict.platform_gaps = 3;
    report.verdict.platform_stalls = 1;
    report.verdict.platform_max_ns = Nanos(30_126);
    report.verdict.platform_rate_per_hour = Some(360.7);
    report.verdict.platform_rate_upper95_per_hour = Some(1_711.2);
    report.verdict.reasons.clear();
    report
}

//! Made-up reports that have more to say than a screen holds.

use hwgap::model::*;
use hwgap::units::{CpuId, Nanos};

use crate::report_samples;

/// Every one with its name.
pub fn all() -> Vec<(&'static str, Report)> {
    let many = |critical| {
        let mut report = crowded();
        report.findings = findings(30, critical);
        report
    };
    vec![
        ("512 CPUs", crowded()),
        ("512 CPUs in two packages", report_samples::two_packages()),
        ("cores of two kinds", report_samples::hybrid()),
        ("30 findings", many(0)),
        ("19 critical findings", many(19)),
        ("30 critical findings", many(30)),
        ("512 CPUs lost", lost()),
        ("long names", long_names()),
        ("a guest without a verdict", doubtful_guest()),
        ("cut off", cut_off()),
        ("tracers", traced()),
        ("one CPU, nothing seen", bare()),
    ]
}

fn sample(name: &str) -> Report {
    let mut all = report_samples::all().into_iter();
    all.find(|(own, _)| *own == name)
        .expect("a sample of that name")
        .1
}

/// All CPUs with gaps of every cause, and lengths of every decade.
fn crowded() -> Report {
    let mut report = sample("many-cpus");
    let model = report.cpus[4].clone();
    report.cpus = (0..512)
        .map(|number| {
            let mut cpu = model.clone();
            cpu.cpu = CpuId(number);
            cpu.max_platform_ns = Nanos(10_000 + u64::from(number));
            cpu.max_os_ns = Nanos(123_456_789);
            cpu.gaps_seen = 900;
            for cause in Cause::ALL {
                cpu.gaps_by_cause.add_several(cause, 1_000_000);
            }
            cpu.histogram.buckets = (0..19)
                .map(|decade| Bucket {
                    from_ns: Nanos(10_u64.pow(decade)),
                    to_ns: Nanos(10_u64.pow(decade) + 1),
                    kernel_absent: 3,
                    kernel_ran: 5,
                    unknown: 1,
                    platform_parts: 0,
                })
                .collect();
            cpu
        })
        .collect();
    report.run.cpus_not_sampled = (0..256).map(|n| format!("{},", 1_024 + 2 * n)).collect();
    report.verdict.reasons = (0..12)
        .map(|number| {
            format!(
                "reason {number}: {}",
                "a part above the limit is open ".repeat(6)
            )
        })
        .collect();
    let gap = report.gaps[0].clone();
    report.gaps = (0..10)
        .map(|number| {
            let mut gap = gap.clone();
            gap.duration_ns = Nanos(100_000 + number);
            gap.detail = format!("{number}: {}", "the kernel did not run, and ".repeat(12));
            gap
        })
        .collect();
    report.stalls.clear();
    report.findings = findings(30, 2);
    report
}

fn findings(count: usize, critical: usize) -> Vec<Finding> {
    (0..count)
        .map(|number| Finding {
            id: format!("finding-{number}"),
            severity: match number {
                number if number < critical => Severity::Critical,
                number if number % 3 == 0 => Severity::Info,
                _ => Severity::Warning,
            },
            text: format!(
                "Finding {number} says {}. And on.",
                "a great deal ".repeat(30)
            ),
            remedy: (number % 2 == 0).then(|| format!("do {}", "something about it ".repeat(20))),
        })
        .collect()
}

/// Every CPU with a finding of its own.
fn lost() -> Report {
    let mut report = crowded();
    report.findings = (0..512)
        .map(|number| Finding {
            id: String::from("cpu-lost"),
            severity: Severity::Critical,
            text: format!("CPU {number}: it went offline. What was sampled counts."),
            remedy: Some(String::from("keep the CPU online")),
        })
        .collect();
    for cpu in &mut report.cpus {
        cpu.ended_early = Some(String::from("it went offline"));
        cpu.smi = None;
        cpu.smi_reason = Some(String::from("it went offline"));
    }
    report
}

fn long_names() -> Report {
    let mut report = crowded();
    let long = Some("An Exceedingly Long Name ".repeat(20));
    for name in [
        &mut report.host.hostname,
        &mut report.host.system.vendor,
        &mut report.host.system.product,
        &mut report.host.bios.version,
        &mut report.host.bios.date,
        &mut report.run.label,
        &mut report.run.error,
    ] {
        *name = long.clone();
    }
    report.run.ended_by = EndedBy::Error;
    report
}

fn doubtful_guest() -> Report {
    let mut report = crowded();
    report.host.hypervisor = Some("A hypervisor ".repeat(10));
    report.verdict.subject = Subject::HypervisorAndBelow;
    report.verdict.result = Outcome::Inconclusive;
    for source in &mut report.evidence {
        source.usable = false;
    }
    report
}

fn cut_off() -> Report {
    let mut report = crowded();
    report.run.ended_by = EndedBy::Running;
    report.verdict.result = Outcome::Inconclusive;
    report.verdict.incomplete = Some(String::from("checkpoint of an unfinished run"));
    report.quiet_host = Some(QuietHost {
        settings: (0..400)
            .map(|number| QuietSetting {
                step: String::from("irq"),
                setting: format!("/proc/irq/{number}/smp_affinity"),
                result: QuietResult::Changed,
                reason: None,
                before: Some(String::from("ff")),
                during: Some(String::from("01")),
                put_back: Some(PutBackResult::Failed),
                put_back_reason: Some(String::from("Input/output error")),
            })
            .collect(),
    });
    report
}

fn traced() -> Report {
    let mut report = crowded();
    for cpu in &mut report.cpus {
        cpu.iterations = None;
        cpu.tracer = Some(TracerReport {
            name: String::from("hwlat"),
            interrupts_off: true,
            windows: u64::MAX,
            width_ns: Nanos(500_000_000),
            resolution_ns: Nanos(1_000),
            companions: u64::MAX,
            lost_records: 3,
        });
        cpu.gaps_dropped = u64::MAX;
    }
    report
}

fn bare() -> Report {
    let mut report = sample("bare-metal-pass");
    report.cpus.truncate(1);
    report.cpus[0].histogram.buckets.clear();
    report.evidence.clear();
    report
}

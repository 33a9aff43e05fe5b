//! Synthetic runs: a machine with known stalls, on disk as `hwgap run` would
//! have left it.

use std::path::{Path, PathBuf};

use hwgap::model::{Gap, Report};
use hwgap::text::json;
use hwgap::units::{CpuId, Cycles, Nanos};

use super::report_samples;

/// Cycles a microsecond of the sample machine.
const CYCLES_PER_US: u64 = 2_100;

/// One of the samples that the summaries are tested with.
pub fn sample(name: &str) -> Report {
    let mut all = report_samples::all().into_iter();
    all.find(|(other, _)| *other == name).unwrap().1
}

/// A run of so many hours with an SMI every so many seconds, each seen by all
/// CPUs. Its number sets its time, its lengths vary by a fixed pattern.
pub fn run(number: u64, hours: u64, every_seconds: Option<u64>, length_us: u64) -> Report {
    let mut report = sample("bare-metal-fail");
    let template = report
        .gaps
        .iter()
        .find(|gap| gap.smi_delta == Some(1))
        .unwrap()
        .clone();
    report.run.started_utc = format!("2026-11-{:02}T08:00:00.000000000Z", number + 1);
    report.run.ended_utc = format!(
        "2026-11-{:02}T{:02}:00:00.000000000Z",
        number + 1,
        8 + hours
    );
    report.run.elapsed_ns = Nanos(hours * 3_600_000_000_000);
    report.run.label = Some(format!("synthetic run {number}"));
    report.tsc.origin = (1_000 + number).to_string();
    report.findings.clear();
    report.stalls.clear();
    let times: Vec<u64> = match every_seconds {
        None => Vec::new(),
        Some(every) => (0..hours * 3600)
            .skip((every / 2) as usize)
            .step_by(every as usize)
            .collect(),
    };
    let numbers: Vec<CpuId> = report.cpus.iter().map(|cpu| cpu.cpu).collect();
    report.gaps = numbers
        .iter()
        .flat_map(|&cpu| {
            let template = template.clone();
            times.iter().enumerate().map(move |(index, &at)| {
                let length = (length_us + (index as u64 * 7 + number) % 11) * 1_000;
                gap(&template, cpu, at * 1_000_000, length)
            })
        })
        .collect();
    for cpu in &mut report.cpus {
        cpu.elapsed_ns = report.run.elapsed_ns;
        cpu.covered_ns = Nanos(report.run.elapsed_ns.0 / 1_000 * 998);
        cpu.gaps_seen = times.len() as u64;
        cpu.gaps_recorded = cpu.gaps_seen;
    }
    report
}

fn gap(template: &Gap, cpu: CpuId, at_us: u64, length_ns: u64) -> Gap {
    let start = Cycles(at_us * CYCLES_PER_US);
    Gap {
        cpu,
        start_cycles: start,
        end_cycles: start.saturating_add(Cycles(length_ns * CYCLES_PER_US / 1_000)),
        duration_ns: Nanos(length_ns),
        ..template.clone()
    }
}

/// Writes a report as `hwgap run -o` does.
pub fn save(folder: &Path, name: &str, report: &Report) -> PathBuf {
    let path = folder.join(name);
    let file = std::fs::File::create(&path).unwrap();
    json::write(&report_samples::settled(report.clone()), file).unwrap();
    path
}

/// A report from somebody who means harm.
fn hostile(mut report: Report) -> Report {
    let markup = "</code></style></title><script>alert(1)</script><img src=x onerror=alert(1)>";
    report.host.bios.version = Some(format!("{markup}{}", "&lt;\u{202e}gnp|`x`\n# ".repeat(400)));
    report.host.cpu.model_name = Some("\u{1b}[2J\u{7}\" onload=\"x".to_owned());
    report.run.label = Some(format!("@everyone ![x](http://x.example) {markup}"));
    report
}

/// Two sides that each golden file shows.
pub fn cases() -> Vec<(&'static str, Vec<Report>, Vec<Report>)> {
    let updated = |mut report: Report| {
        report.host.bios.version = Some("2.20.0".to_owned());
        report.host.bios.date = Some("11/02/2026".to_owned());
        report
    };
    let one_setting = |mut report: Report| {
        report.host.kernel.command_line = Some("ro isolcpus=1-3 processor.max_cstate=1".to_owned());
        report
    };
    let pair = |from: u64, every, length| {
        vec![run(from, 6, every, length), run(from + 1, 6, every, length)]
    };
    let all = |reports: Vec<Report>, change: &dyn Fn(Report) -> Report| -> Vec<Report> {
        reports.into_iter().map(change).collect()
    };
    vec![
        (
            "worse",
            pair(0, Some(600), 40),
            all(pair(2, Some(150), 90), &updated),
        ),
        (
            "better",
            pair(0, Some(300), 120),
            all(pair(2, None, 0), &one_setting),
        ),
        (
            "longer",
            pair(0, Some(300), 40),
            all(pair(2, Some(300), 140), &one_setting),
        ),
        (
            "no-difference",
            pair(0, Some(60), 40),
            pair(2, Some(61), 40),
        ),
        (
            "not-enough-data",
            vec![run(0, 1, Some(1_500), 40)],
            vec![run(1, 1, Some(900), 40)],
        ),
        (
            "none-seen",
            vec![run(0, 6, None, 0)],
            vec![run(1, 5, None, 0)],
        ),
        (
            "hostile",
            pair(0, Some(600), 40),
            all(pair(2, Some(150), 90), &hostile),
        ),
        (
            "guest-and-metal",
            vec![run(0, 6, Some(60), 40)],
            vec![sample("guest-fail")],
        ),
    ]
}

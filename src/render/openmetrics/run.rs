//! The figures of one run.

use std::io::{self, Write};

use crate::model::Report;
use crate::render::openmetrics::{Gauges, label, of_machine, seconds_since_1970, states};

pub fn write<G>(report: &Report<G>, out: &mut dyn Write) -> io::Result<()> {
    let (run, host, verdict) = (&report.run, &report.host, &report.verdict);
    let mut gauges = Gauges::default();
    let mut info = vec![
        label("version", Some(&report.tool.version)),
        label("engine", Some(run.engine.name())),
    ];
    info.extend(of_machine(host));
    gauges.add(
        "hwgap_run_info",
        "What was measured, and by what",
        [(info, 1.0)],
    );
    gauges.add(
        "hwgap_run_result",
        "1 for the verdict of the run",
        states(verdict.result, &[]),
    );
    gauges.one(
        "hwgap_run_end_timestamp_seconds",
        "When the run ended, seconds since 1970",
        seconds_since_1970(&run.ended_utc),
    );
    gauges.one(
        "hwgap_run_complete",
        "0 where the run was cut short: it is not the whole that was asked for",
        f64::from(u8::from(run.cut_short().is_none())),
    );
    gauges.one(
        "hwgap_run_planned_seconds",
        "The duration that was asked for",
        run.planned_ns.map(|planned| planned.as_secs_f64()),
    );
    for (name, help, length) in [
        (
            "hwgap_run_elapsed_seconds",
            "How long the run lasted",
            run.elapsed_ns,
        ),
        (
            "hwgap_run_threshold_seconds",
            "Gaps above this were recorded",
            run.threshold_ns,
        ),
        (
            "hwgap_run_hardlimit_seconds",
            "Platform gaps above this fail the run",
            run.hardlimit_ns,
        ),
        (
            "hwgap_platform_longest_stall_seconds",
            "The longest that the platform took at a time",
            verdict.platform_max_ns,
        ),
    ] {
        gauges.one(name, help, length.as_secs_f64());
    }
    gauges.one(
        "hwgap_run_coverage_ratio",
        "Share of the time in which no stall could be missed",
        verdict.coverage,
    );
    gauges.one(
        "hwgap_platform_stalls",
        "Stalls of the platform above the hard limit in the run",
        verdict.platform_stalls as f64,
    );
    gauges.one(
        "hwgap_platform_stalls_per_hour",
        "Stalls above the hard limit an hour of covered time",
        verdict.platform_rate_per_hour,
    );
    gauges.one(
        "hwgap_platform_stalls_per_hour_upper95",
        "95 % upper bound of the rate of stalls",
        verdict.platform_rate_upper95_per_hour,
    );
    cpus(report, &mut gauges);
    gauges.write(out)
}

fn cpus<G>(report: &Report<G>, gauges: &mut Gauges) {
    let of_cpu = |cpu| vec![("cpu", format!("{cpu}"))];
    gauges.add(
        "hwgap_cpu_smis",
        "SMIs counted on a CPU in the run",
        (report.cpus.iter()).filter_map(|cpu| Some((of_cpu(cpu.cpu), cpu.smi?.delta as f64))),
    );
    gauges.add(
        "hwgap_cpu_longest_gap_seconds",
        "The longest gap of any cause on a CPU",
        (report.cpus.iter()).map(|cpu| (of_cpu(cpu.cpu), cpu.max_ns.as_secs_f64())),
    );
    gauges.add(
        "hwgap_cpu_gaps",
        "Gaps above the threshold on a CPU by cause",
        report.cpus.iter().flat_map(|cpu| {
            cpu.gaps_by_cause.each().map(|(cause, count)| {
                let mut labels = of_cpu(cpu.cpu);
                labels.push(("cause", cause.name().to_owned()));
                (labels, count as f64)
            })
        }),
    );
}

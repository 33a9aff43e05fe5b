//! hwlatdetect's lines, in its order.

use std::fmt::Write;
use std::path::Path;

use crate::model::EndedBy;
use crate::plan::RunPlan;
use crate::units::cpulist::CpuList;

use super::account::{Account, Smis};
use super::parameters::{Listing, Parameters, Voice, seconds};
use super::sample::whole_micros;

pub struct Sampled<'a> {
    pub plan: &'a RunPlan,
    pub engines: &'a [&'a str],
}

/// What stands before the test.
pub fn opening(parameters: &Parameters, sampled: &Sampled<'_>) -> String {
    let mut text = String::new();
    if parameters.voice == Voice::Debug {
        lines(&mut text, ["debugging prints turned on"]);
        lines(&mut text, &parameters.settings);
    }
    if parameters.voice == Voice::Quiet {
        return text;
    }
    let Parameters {
        duration,
        threshold,
        window,
        width,
        format,
        ..
    } = parameters;
    let version = env!("CARGO_PKG_VERSION");
    let engines = sampled.engines.join(" and ");
    let report = (parameters.report.as_ref()).map(|file| file.display().to_string());
    lines(
        &mut text,
        [
            format!("hwlatdetect:  test duration {} seconds", seconds(*duration)),
            format!("   detector: tracer (hwgap {version}, engine {engines})"),
            String::from("   parameters:"),
            format!(
                "        CPU list:          {}",
                or_none(&parameters.cpu_list)
            ),
            format!("        Latency threshold: {}us", whole_micros(*threshold)),
            format!(
                "        Sample window:{}{}us",
                format.before_window(),
                whole_micros(*window)
            ),
            format!("        Sample width:      {}us", whole_micros(*width)),
            format!(
                "     Non-sampling period:  {}us",
                whole_micros(window.saturating_sub(*width))
            ),
            format!("        Output File:       {}", or_none(&report)),
            format!("        Sampling:          {}", sampling(sampled.plan)),
            String::from("\nStarting test"),
        ],
    );
    text
}

/// What stands after it. `saved` is the report file, if it was written.
pub fn closing(parameters: &Parameters, account: &Account, saved: Option<&Path>) -> String {
    let mut text = String::new();
    if account.ended_by == EndedBy::Signal {
        lines(&mut text, ["interrupted"]);
    }
    if parameters.voice == Voice::Debug {
        lines(&mut text, &account.evidence);
    }
    if parameters.voice != Voice::Quiet {
        results(&mut text, parameters, account);
    }
    // These are said to the quiet as well.
    for (cpu, count) in account.smis.counted.iter().filter(|(_, count)| *count > 0) {
        lines(&mut text, [format!("{count} SMIs occured on cpu {cpu}")]);
    }
    if parameters.voice != Voice::Quiet {
        lines(
            &mut text,
            [
                format!("SMIs during run: {}", smis(&account.smis)),
                format!(
                    "Coverage: {:.2} % of the time on {}",
                    account.coverage * 100.0,
                    account.cpus.named()
                ),
            ],
        );
    }
    if let Some(file) = saved {
        let (file, count) = (file.display(), account.samples.len());
        lines(
            &mut text,
            [format!("report saved to {file} ({count} samples)")],
        );
    }
    if parameters.listing == Listing::AtTheEnd {
        let samples = account.samples.iter();
        lines(
            &mut text,
            samples.map(|sample| sample.line(parameters.format)),
        );
    }
    text
}

fn results(text: &mut String, parameters: &Parameters, account: &Account) {
    let latency = match account.max_micros {
        None => String::from("Below threshold"),
        Some(micros) => format!("{micros}us"),
    };
    lines(
        text,
        [
            String::from("test finished"),
            format!("Max Latency: {latency}"),
            format!("Samples recorded: {}", account.samples.len()),
            format!("Samples exceeding threshold: {}", account.exceeding),
        ],
    );
    if parameters.format.counts() {
        let mtbf = account.mtbf();
        lines(
            text,
            mtbf.map(|seconds| format!("MTBF: {seconds:.3} seconds")),
        );
    }
}

/// The number of SMIs, or why there is none. The sum is over CPUs, of which
/// each counts the same SMI, as hwlatdetect has it.
fn smis(smis: &Smis) -> String {
    let total: u64 = smis.counted.iter().map(|(_, count)| count).sum();
    let Some((_, reason)) = smis.uncounted.first() else {
        return total.to_string();
    };
    if smis.counted.is_empty() {
        return format!("not counted ({reason})");
    }
    let without: CpuList = smis.uncounted.iter().map(|(cpu, _)| *cpu).collect();
    format!(
        "at least {total} (not counted on {}: {reason})",
        without.named()
    )
}

fn sampling(plan: &RunPlan) -> String {
    let mut text = match plan.width == plan.window {
        true => format!("{}, all of the time", plan.cpus.named()),
        false => {
            let percent = plan.width.0 as f64 / plan.window.0 as f64 * 100.0;
            format!("{}, {percent:.1} % of the time", plan.cpus.named())
        }
    };
    if !plan.housekeeping.is_empty() {
        // Writing to a string cannot fail.
        let _ = write!(text, "; left to others: {}", plan.housekeeping.named());
    }
    text
}

/// As Python prints what is not there.
fn or_none(value: &Option<String>) -> &str {
    value.as_deref().unwrap_or("None")
}

fn lines(text: &mut String, lines: impl IntoIterator<Item = impl AsRef<str>>) {
    for line in lines {
        text.push_str(line.as_ref());
        text.push('\n');
    }
}

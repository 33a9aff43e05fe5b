//! Many CPUs: what a run takes of the machine, and a stall of all of them.
//!
//! The CPUs take turns on one emulated processor, so that each sees the others'
//! turns as gaps: lengths and coverage say nothing here. What a run takes of
//! memory, files and disk, how long it takes to begin and to end in the guest's
//! own time, the names of what ran, and how gaps of one moment are joined do not
//! depend on that.

use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result};

use super::Outcome;
use crate::report::{Report, Stall};
use crate::saved_state::STALL_LOG;
use crate::scenario::Scenario;
use crate::smilog::Smi;
use crate::units::nanoseconds;
use crate::usage::Usage;

/// Memory of the program and of each sampled CPU, in KiB.
const MEMORY: (u64, u64) = (24 << 10, 768);
/// Open files of each sampled CPU.
const FILES: u64 = 6;
/// From exec to the first sample, and from the last one to the exit, in ns.
const START: (u64, u64) = (1_000_000_000, 5_000_000);
const END: (u64, u64) = (1_000_000_000, 2_000_000);
/// Bytes of a report, as of a day on 256 CPUs: nearly as many gaps are listed.
const REPORT: u64 = 20_000_000;

/// What a run took of the machine.
pub struct Needs {
    pub report: Report,
    pub report_bytes: u64,
    pub exit_code: i32,
    pub usage: Usage,
    /// Open files of each process, each second.
    pub files: Vec<u64>,
    /// Processes that were still there after the end.
    pub left_running: String,
}

impl Needs {
    fn read(results: &Path) -> Result<Self> {
        let report = read(results, "report.json")?;
        Ok(Self {
            report: Report::parse(&report)?,
            report_bytes: report.len() as u64,
            exit_code: number(&read(results, "exit-code")?)?,
            usage: serde_json::from_str(&read(results, "usage.json")?).context("usage.json")?,
            files: read(results, "descriptors")?
                .lines()
                .map(number)
                .collect::<Result<_>>()?,
            left_running: read(results, "left-running")?.trim().into(),
        })
    }
}

fn read(results: &Path, name: &str) -> Result<String> {
    let path = results.join(name);
    std::fs::read_to_string(&path).with_context(|| path.display().to_string())
}

fn number<T: FromStr>(text: &str) -> Result<T>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.trim()
        .parse()
        .with_context(|| format!("{text:?} is no number"))
}

/// Judges what lies in the folder of a boot.
pub fn judge(scenario: &Scenario, results: &Path) -> Result<Outcome> {
    let mut outcome = Outcome {
        scenario: scenario.name.clone(),
        ..Outcome::default()
    };
    match scenario.stall {
        None => judge_run(&mut outcome, scenario, &Needs::read(results)?)?,
        Some(_) => {
            let report = Report::parse(&read(results, "report.json")?)?;
            let truth = serde_json::from_str(&read(results, STALL_LOG)?).context(STALL_LOG)?;
            judge_stall(&mut outcome, &report, truth)?;
        }
    }
    Ok(outcome)
}

fn judge_run(outcome: &mut Outcome, scenario: &Scenario, needs: &Needs) -> Result<()> {
    // The bars are those of a run that only measures.
    if scenario.expect.acted.is_none() {
        judge_needs(outcome, scenario, needs)?;
    }
    judge_report(outcome, scenario, needs)
}

/// Memory, files and time.
fn judge_needs(outcome: &mut Outcome, scenario: &Scenario, needs: &Needs) -> Result<()> {
    let report = &needs.report;
    let cpus = report.cpus.len() as u64;
    let due = u64::from(scenario.machine.cpus) - 1;
    outcome.require(
        cpus == due,
        format!("{cpus} CPUs in the report, {due} were due"),
    );
    let origin = report.origin()?;
    let elapsed = report.cpus.iter().map(|cpu| cpu.elapsed_ns).max();
    // One cycle is one nanosecond under -icount shift=0.
    let last = origin + elapsed.unwrap_or(0);
    let start = origin.saturating_sub(needs.usage.before);
    let end = needs.usage.after.saturating_sub(last);
    let files = needs.files.iter().copied().max();
    for (what, value, (base, each), unit) in [
        ("memory", Some(needs.usage.peak_kib), MEMORY, "KiB"),
        ("open files", files, (0, FILES), "files"),
        ("from exec to the first sample", Some(start), START, "ns"),
        ("from the last sample to the exit", Some(end), END, "ns"),
        ("report", Some(needs.report_bytes), (REPORT, 0), "bytes"),
    ] {
        let most = base + each * due;
        match value {
            Some(value) => {
                outcome
                    .figures
                    .push(format!("{what}: {value} of {most} {unit}"));
                outcome.require(
                    value <= most,
                    format!("{what}: {value} {unit}, {most} allowed with {due} CPUs"),
                );
            }
            None => outcome.require(false, format!("{what}: not seen")),
        }
    }
    outcome.require(
        needs.left_running.is_empty(),
        format!("still running: {}", needs.left_running),
    );
    Ok(())
}

/// What the report holds of each CPU.
fn judge_report(outcome: &mut Outcome, scenario: &Scenario, needs: &Needs) -> Result<()> {
    let report = &needs.report;
    let duration = nanoseconds(&scenario.hwgap.duration)?;
    for cpu in &report.cpus {
        let named = cpu
            .os_sources
            .iter()
            .flatten()
            .any(|source| source.count > 0);
        outcome.require(
            named,
            format!("CPU {}: nothing that ran has a name", cpu.cpu),
        );
        outcome.require(
            cpu.elapsed_ns >= duration,
            format!("CPU {} was sampled for {} ns only", cpu.cpu, cpu.elapsed_ns),
        );
    }
    if let Some(expected) = scenario.expect.exit_code {
        outcome.require(
            needs.exit_code == expected,
            format!("exit status {}, {expected} was due", needs.exit_code),
        );
    }
    Ok(())
}

/// Each CPU has a gap that holds the stall, and they are one stall.
fn judge_stall(outcome: &mut Outcome, report: &Report, truth: Smi) -> Result<()> {
    let origin = report.origin()?;
    let within = |start: u64, end: u64| start <= truth.entry && truth.exit <= end;
    outcome.smis = 1;
    outcome.expected = report.cpus.len();
    for cpu in &report.cpus {
        let mut own = report.gaps.iter().filter(|gap| gap.cpu == cpu.cpu);
        match own.find(|gap| within(origin + gap.start_cycles, origin + gap.end_cycles)) {
            Some(gap) => {
                outcome.found += 1;
                outcome.require(
                    gap.is_platform(),
                    format!("CPU {}: the stall's cause is {}", cpu.cpu, gap.cause),
                );
            }
            None => outcome.require(false, format!("CPU {}: no gap holds the stall", cpu.cpu)),
        }
    }
    let end = |stall: &Stall| origin + stall.start_cycles + stall.duration_ns;
    let overlap: Vec<&Stall> = (report.stalls.iter())
        .filter(|stall| origin + stall.start_cycles < truth.exit && truth.entry < end(stall))
        .collect();
    let [stall] = overlap[..] else {
        let lists: Vec<&str> = overlap.iter().map(|stall| stall.cpus.as_str()).collect();
        outcome.require(false, format!("not one stall, but those of CPUs {lists:?}"));
        return Ok(());
    };
    outcome.require(
        stall.all_sampled_cpus == Some(true) && within(origin + stall.start_cycles, end(stall)),
        format!("the stall of CPUs {} is not that of all", stall.cpus),
    );
    outcome.counted = stall.smi_delta.map(u64::from);
    outcome.require(
        stall.smi_delta == Some(1) && matches!(stall.cause.as_str(), "smi" | "smi+os"),
        format!(
            "one SMI stopped all, the stall has {:?} and the cause {}",
            stall.smi_delta, stall.cause
        ),
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ORIGIN: u64 = 1_000_000;

    fn report(gaps: &[Value], stalls: &[Value]) -> Report {
        let cpu = |cpu: u32| {
            json!({
                "cpu": cpu, "elapsed_ns": 2_000_000_000_u64, "covered_ns": 0, "iterations": 1,
                "gaps_seen": 1, "gaps_recorded": 1,
                "os_sources": [{ "name": "local_timer", "count": 9 }],
            })
        };
        let report = json!({
            "schema": "hwgap.report", "schema_version": 1,
            "run": { "hardlimit_ns": 10_000 },
            "tsc": { "origin": ORIGIN.to_string(), "hz": 1e9 },
            "cpus": [cpu(1), cpu(2)], "gaps": gaps, "stalls": stalls, "findings": [],
            "verdict": {
                "result": "fail", "subject": "hardware", "platform_gaps": 2,
                "platform_max_ns": 1, "coverage": 0.0,
            },
        });
        Report::parse(&report.to_string()).unwrap()
    }

    fn scenario() -> Scenario {
        toml::from_str("summary = ''\n[machine]\ncpus = 3\n[expect]\nexit_code = 1").unwrap()
    }

    fn needs() -> Needs {
        Needs {
            report: report(&[], &[]),
            report_bytes: 100_000,
            exit_code: 1,
            usage: Usage {
                before: ORIGIN - 1_000_000,
                after: ORIGIN + 2_900_000_000,
                peak_kib: 20 << 10,
            },
            files: vec![9, 12],
            left_running: String::new(),
        }
    }

    fn failures(needs: &Needs) -> Vec<String> {
        let mut outcome = Outcome::default();
        judge_run(&mut outcome, &scenario(), needs).unwrap();
        outcome.failures
    }

    #[test]
    fn what_keeps_to_the_bars_passes() {
        assert_eq!(failures(&needs()), Vec::<String>::new());
    }

    #[test]
    fn each_bar_is_held() {
        type Break = (&'static str, fn(&mut Needs));
        let breaks: [Break; 9] = [
            ("memory", |e| e.usage.peak_kib = (24 << 10) + 2 * 768 + 1),
            ("open files", |e| e.files.push(13)),
            ("open files", |e| e.files.clear()),
            ("to the first sample", |e| {
                e.usage.before = 0;
                e.report.tsc.origin = "1010000001".into();
            }),
            ("to the exit", |e| e.usage.after = ORIGIN + 3_004_000_001),
            ("report", |e| e.report_bytes = REPORT + 1),
            ("still running", |e| e.left_running = "42".into()),
            ("has a name", |e| e.report.cpus[1].os_sources = None),
            ("was sampled for", |e| e.report.cpus[0].elapsed_ns = 1),
        ];
        for (what, broken) in breaks {
            let mut needs = needs();
            broken(&mut needs);
            // The moved origin moves the last sample too.
            if what == "to the first sample" {
                needs.usage.after += 1_010_000_001;
            }
            let failures = failures(&needs);
            assert!(
                matches!(&failures[..], [one] if one.contains(what)),
                "{what}: {failures:?}"
            );
        }
    }

    fn gap(cpu: u32, start: u64, end: u64) -> Value {
        json!({
            "cpu": cpu, "start_cycles": start, "end_cycles": end, "duration_ns": end - start,
            "cause": "smi+os", "kernel_ran": true, "residual_ns": 0,
        })
    }

    fn stall(start: u64, end: u64, cpus: &str, all: bool) -> Value {
        json!({
            "start_cycles": start, "duration_ns": end - start, "cpus": cpus,
            "all_sampled_cpus": all, "smi_delta": 1, "cause": "smi+os",
        })
    }

    /// Of a stall of both from 1,000 to 2,000.
    fn stalled(gaps: &[Value], stalls: &[Value]) -> Vec<String> {
        let truth = Smi {
            entry: ORIGIN + 1_000,
            exit: ORIGIN + 2_000,
            hit: None,
        };
        let mut outcome = Outcome::default();
        judge_stall(&mut outcome, &report(gaps, stalls), truth).unwrap();
        outcome.failures
    }

    #[test]
    fn a_stall_of_all_is_one_stall_of_all() {
        let gaps = [gap(1, 900, 2_100), gap(2, 950, 2_200)];
        let one = [stall(900, 2_200, "1-2", true)];
        let elsewhere = [one[0].clone(), stall(5_000, 6_000, "1", false)];
        assert_eq!(stalled(&gaps, &one), Vec::<String>::new());
        assert_eq!(stalled(&gaps, &elsewhere), Vec::<String>::new());
        let two = [stall(900, 2_100, "1", false), stall(950, 2_200, "2", false)];
        assert_eq!(
            stalled(&gaps, &two),
            ["not one stall, but those of CPUs [\"1\", \"2\"]"]
        );
        assert_eq!(stalled(&gaps, &[]).len(), 1);
        assert_eq!(stalled(&gaps, &[stall(900, 2_200, "1", false)]).len(), 1);
        let mut uncounted = one[0].clone();
        uncounted["smi_delta"] = json!(47);
        assert_eq!(stalled(&gaps, &[uncounted]).len(), 1);
    }

    #[test]
    fn each_cpu_has_a_gap_that_holds_it_and_is_no_task() {
        let one = [stall(900, 2_200, "1-2", true)];
        assert_eq!(
            stalled(&[gap(1, 900, 2_100), gap(2, 1_001, 2_200)], &one),
            ["CPU 2: no gap holds the stall"]
        );
        let mut task = gap(2, 950, 2_200);
        task["cause"] = json!("os");
        assert_eq!(
            stalled(&[gap(1, 900, 2_100), task], &one),
            ["CPU 2: the stall's cause is os"]
        );
    }
}

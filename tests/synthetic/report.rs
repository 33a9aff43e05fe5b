//! The report of a synthetic host: a report of this program, with the figures
//! exchanged.

use std::io::{self, Write};
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::host::{HOURS, SERIES_S, SyntheticHost};
use super::world::{KERNELS, MODELS};
use hwgap::read::brief::Synthetic;
use hwgap::stats::rates::Rate;
use hwgap::units::UtcNanos;

/// A report that `hwgap run` wrote on a made-up host.
const TEMPLATE: &str = include_str!("template.json");
/// The threshold and limit of the runs, in nanoseconds.
const THRESHOLD_NS: u64 = 10_000;
/// The rate of the clock: a cycle is a nanosecond.
const HERTZ: u64 = 1_000_000_000;
/// CPUs that are sampled: 1 to this.
const CPUS: u64 = 3;
/// Stalls whose gaps are listed; hwgap itself would list all.
const LISTED: usize = 8;
/// 2026-01-01.
const BEGUN_UTC: i64 = 1_767_225_600_000_000_000;

/// Writes the report of a host as JSON.
pub fn write(host: &SyntheticHost, mut out: impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut out, &value(host))?;
    out.write_all(b"\n")
}

fn value(host: &SyntheticHost) -> Value {
    static BASE: LazyLock<Value> =
        LazyLock::new(|| serde_json::from_str(TEMPLATE).expect("a part of the program"));
    let mut report = BASE.clone();
    let elapsed = (HOURS * 3.6e12) as u64;
    let covered = elapsed / 1_000 * 998;
    let note = "SYNTHETIC: made by a generator; no machine was measured";
    report["synthetic"] = json!(Synthetic {
        seed: host.seed,
        note: note.to_owned()
    });
    // Within two months, whatever their number.
    let begun = BEGUN_UTC + (host.number as i64 % 86_400) * 60_000_000_000;
    let run = &mut report["run"];
    run["label"] = json!(format!("{note} (seed {})", host.seed));
    run["started_utc"] = json!(UtcNanos(begun).rfc3339());
    run["ended_utc"] = json!(UtcNanos(begun + elapsed as i64).rfc3339());
    run["elapsed_ns"] = json!(elapsed);
    run["planned_ns"] = json!(elapsed);
    report["tsc"]["hz"] = json!(HERTZ);
    report["tsc"]["origin"] = json!((1_000_000 + host.number).to_string());
    machine(host, &mut report["host"]);
    let stalls: Vec<(u64, u64)> = (host.smis.iter())
        .map(|(at, length)| ((at * 1e9) as u64, (length * 1e3) as u64))
        .filter(|(_, length)| *length > THRESHOLD_NS)
        .collect();
    let longest = host
        .smis
        .iter()
        .map(|(_, length)| (length * 1e3) as u64)
        .max()
        .unwrap_or(0);
    evidence(host, &mut report["evidence"]);
    let base = report["cpus"][0].clone();
    report["cpus"] = (1..=CPUS)
        .map(|number| cpu(number, host, &base, &stalls, [elapsed, covered, longest]))
        .collect();
    let base = report["gaps"][0].clone();
    report["gaps"] = (stalls.iter().take(LISTED))
        .flat_map(|stall| (1..=CPUS).map(move |number| (number, *stall)))
        .map(|(number, stall)| gap(number, stall, begun, host, &base))
        .collect();
    report["stalls"] = stalls
        .iter()
        .map(|stall| stall_entry(*stall, begun, host))
        .collect();
    report["verdict"] = verdict(&stalls, longest, covered);
    report["periodicity"] = series(host);
    report
}

fn machine(host: &SyntheticHost, entry: &mut Value) {
    let model = &MODELS[host.model];
    entry["hostname"] = json!(host.name());
    entry["system"] = json!({
        "vendor": model.vendor,
        "product": model.product,
        "board": format!("{} {} board", model.vendor, model.product),
    });
    entry["bios"] = json!({
        "vendor": model.vendor,
        "version": model.bios[host.bios],
        "date": "01/01/2026",
    });
    entry["cpu"]["model_name"] = json!(model.cpu);
    entry["cpu"]["microcode"] = json!(model.microcode[host.microcode]);
    entry["kernel"]["release"] = json!(KERNELS[host.kernel]);
}

fn evidence(host: &SyntheticHost, list: &mut Value) {
    let sources = list.as_array_mut().into_iter().flatten();
    let counter = sources.filter(|entry| entry["source"] == "smi-counter");
    for entry in counter {
        entry["usable"] = json!(host.counter);
        entry["reason"] = json!(match host.counter {
            true => "synthetic counter",
            false => "no permission to read /dev/cpu/N/msr",
        });
    }
}

fn cpu(
    number: u64,
    host: &SyntheticHost,
    base: &Value,
    stalls: &[(u64, u64)],
    [elapsed, covered, longest]: [u64; 3],
) -> Value {
    let mut cpu = base.clone();
    let seen = stalls.len() as u64;
    let cause = cause(host);
    cpu["cpu"] = json!(number);
    cpu["elapsed_ns"] = json!(elapsed);
    cpu["covered_ns"] = json!(covered);
    cpu["blind_ns"] = json!(0);
    cpu["os_ns"] = json!(elapsed - covered);
    cpu["iterations"] = json!(elapsed / 25);
    cpu["max_ns"] = json!(longest);
    cpu["max_platform_ns"] = json!(longest);
    cpu["smi"] = match host.counter {
        true => json!({
            "before": 1_000,
            "after": 1_000 + host.smis.len(),
            "delta": host.smis.len(),
        }),
        false => Value::Null,
    };
    cpu["gaps_seen"] = json!(seen);
    cpu["gaps_recorded"] = json!(seen.min(LISTED as u64));
    for count in cpu["gaps_by_cause"].as_object_mut().into_iter().flatten() {
        *count.1 = json!(if count.0 == cause { seen } else { 0 });
    }
    cpu
}

fn cause(host: &SyntheticHost) -> &'static str {
    match host.counter {
        true => "smi",
        false => "firmware-or-cpu",
    }
}

fn confidence(host: &SyntheticHost) -> &'static str {
    match host.counter {
        true => "proved",
        false => "probable",
    }
}

fn gap(
    number: u64,
    (at, length): (u64, u64),
    begun: i64,
    host: &SyntheticHost,
    base: &Value,
) -> Value {
    let mut gap = base.clone();
    gap["cpu"] = json!(number);
    gap["start_cycles"] = json!(at);
    gap["end_cycles"] = json!(at + length);
    gap["start_utc"] = json!(UtcNanos(begun + at as i64).rfc3339());
    gap["duration_ns"] = json!(length);
    gap["residual_ns"] = json!(length);
    gap["cause"] = json!(cause(host));
    gap["confidence"] = json!(confidence(host));
    if !host.counter {
        gap["smi_delta"] = Value::Null;
        gap["raw"]["smi"] = json!("absent");
    }
    gap
}

fn stall_entry((at, length): (u64, u64), begun: i64, host: &SyntheticHost) -> Value {
    json!({
        "start_cycles": at,
        "start_utc": UtcNanos(begun + at as i64).rfc3339(),
        "duration_ns": length,
        "cpus": format!("1-{CPUS}"),
        "gaps": CPUS,
        "all_sampled_cpus": true,
        "end_spread_ns": 0,
        "tsc_error_ns": 0,
        "smi_delta": host.counter.then_some(1),
        "cause": cause(host),
        "confidence": confidence(host),
    })
}

fn verdict(stalls: &[(u64, u64)], longest: u64, covered: u64) -> Value {
    let rate = Rate {
        events: stalls.len() as u64,
        hours: covered as f64 / 3.6e12,
    };
    let gaps = stalls.len() as u64 * CPUS;
    json!({
        "result": if stalls.is_empty() { "pass" } else { "fail" },
        "subject": "hardware",
        "platform_gaps": gaps,
        "platform_stalls": stalls.len(),
        "platform_max_ns": longest,
        "platform_rate_per_hour": rate.per_hour(),
        "platform_rate_upper95_per_hour": rate.upper95_per_hour(),
        "coverage": 0.998,
        "reasons": [match gaps {
            0 => "no platform gap above 10.0 us in the covered time".to_owned(),
            gaps => format!("{gaps} platform gaps above 10.0 us"),
        }],
    })
}

fn series(host: &SyntheticHost) -> Value {
    if !host.series {
        return json!([]);
    }
    let beats = (3_600.0 * HOURS / SERIES_S) as u64;
    json!([{
        "period_ns": (SERIES_S * 1e9) as u64 + host.number as u64 % 1_000,
        "period_error_ns": 1_000,
        "first_ns": 1_000_000_000_u64,
        "last_ns": 3_590_000_000_000_u64,
        "beats": beats,
        "seen": beats,
        "stalls": beats,
        "share": 0.9,
        "jitter_ns": 2_000,
        "length_ns": 180_000 + host.number as u64 % 5_000,
        "false_alarm": 1e-9,
        "candidates": [{
            "name": "a planted series",
            "kind": "smi",
            "standing": "synthetic",
            "remedy": "nothing: no machine was measured",
        }],
    }])
}

//! The forms of a report that other programs' tools read: Perfetto, histograms,
//! JSON Lines. `tests/report_readers/run` asks those tools themselves.

use std::collections::BTreeMap;
use std::path::Path;

use hwgap::model::{ClocksourceChange, Gap, Report};
use hwgap::read::saved as read;
use hwgap::render::{histogram, perfetto};
use hwgap::text::json;
use hwgap::units::{Cycles, Nanos};

use crate::report_samples;

fn sample(name: &str) -> Report {
    let mut all = report_samples::all().into_iter();
    all.find(|(own, _)| *own == name).unwrap().1
}

/// Three CPUs of a scripted machine, with their histograms.
fn saved() -> Report {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reports/v1-smi.json");
    read::file(&file).unwrap()
}

#[derive(Clone, Debug)]
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message in protobuf's wire format.
struct Fields<'a>(Vec<(u64, Field<'a>)>);

impl<'a> Fields<'a> {
    fn of(mut bytes: &'a [u8]) -> Fields<'a> {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let tag = varint(&mut bytes);
            let mut take = |length: usize| {
                let (field, rest) = bytes.split_at(length);
                bytes = rest;
                field
            };
            let field = match tag & 7 {
                1 => Field::Number(u64::from_le_bytes(take(8).try_into().unwrap())),
                2 => {
                    let length = varint(&mut bytes);
                    let (field, rest) = bytes.split_at(length as usize);
                    bytes = rest;
                    Field::Bytes(field)
                }
                _ => Field::Number(varint(&mut bytes)),
            };
            fields.push((tag >> 3, field));
        }
        Fields(fields)
    }

    fn all(&self, number: u64) -> impl Iterator<Item = &Field<'a>> {
        let own = move |(field, _): &&(u64, Field<'a>)| *field == number;
        self.0.iter().filter(own).map(|(_, field)| field)
    }

    fn number(&self, number: u64) -> Option<u64> {
        self.all(number).find_map(|field| match field {
            Field::Number(value) => Some(*value),
            Field::Bytes(_) => None,
        })
    }

    fn bytes(&self, number: u64) -> Option<&'a [u8]> {
        self.all(number).find_map(|field| match field {
            Field::Bytes(bytes) => Some(*bytes),
            Field::Number(_) => None,
        })
    }
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let end = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap();
    let (own, rest) = bytes.split_at(end + 1);
    *bytes = rest;
    own.iter()
        .rev()
        .fold(0, |all, byte| all << 7 | u64::from(byte & 0x7f))
}

#[derive(Debug, PartialEq)]
struct Slice {
    category: String,
    name: String,
    begin: u64,
    length: u64,
    depth: usize,
}

/// Slices and instants, of which the length is 0, as trace_processor has them.
fn slices(report: &Report) -> Vec<Slice> {
    let mut trace = Vec::new();
    perfetto::write(report, &mut trace).unwrap();
    let mut now: BTreeMap<u64, u64> = BTreeMap::new();
    let mut names: BTreeMap<(u64, u64, u64), String> = BTreeMap::new();
    let mut open: BTreeMap<u64, Vec<Slice>> = BTreeMap::new();
    let mut all = Vec::new();
    for (_, packet) in Fields::of(&trace).0 {
        let Field::Bytes(packet) = packet else {
            panic!()
        };
        let packet = Fields::of(packet);
        let sequence = packet.number(10).unwrap();
        if packet.bytes(60).is_some() {
            continue;
        }
        let time = packet.number(8).unwrap();
        match packet.number(13) {
            Some(1) => _ = now.insert(sequence, time),
            _ => *now.get_mut(&sequence).unwrap() += time,
        }
        let at = now[&sequence];
        for (table, entry) in packet
            .bytes(12)
            .map_or(Vec::new(), |bytes| Fields::of(bytes).0)
        {
            let Field::Bytes(entry) = entry else { panic!() };
            let entry = Fields::of(entry);
            let text = String::from_utf8(entry.bytes(2).unwrap().to_vec()).unwrap();
            names.insert((sequence, table, entry.number(1).unwrap()), text);
        }
        let Some(event) = packet.bytes(11).map(Fields::of) else {
            continue;
        };
        let stack = open.entry(sequence).or_default();
        let kind = event.number(9).unwrap();
        if let (1 | 3, Some(name)) = (kind, event.number(10)) {
            let slice = Slice {
                category: names[&(sequence, 1, event.number(3).unwrap())].clone(),
                name: names[&(sequence, 2, name)].clone(),
                begin: at,
                length: 0,
                depth: stack.len(),
            };
            match kind {
                1 => stack.push(slice),
                _ => all.push(slice),
            }
        } else if kind == 2 {
            let slice = stack.pop().expect("a slice is open");
            all.push(Slice {
                length: at - slice.begin,
                ..slice
            });
        }
    }
    assert!(open.values().all(Vec::is_empty));
    all
}

/// Count, sum and longest by name.
fn figures<'a>(all: impl Iterator<Item = (&'a str, u64)>) -> BTreeMap<String, (u64, u64, u64)> {
    let mut figures: BTreeMap<String, (u64, u64, u64)> = BTreeMap::new();
    for (name, length) in all {
        let (count, sum, longest) = figures.entry(name.to_owned()).or_default();
        (*count, *sum, *longest) = (*count + 1, sum.saturating_add(length), length.max(*longest));
    }
    figures
}

fn of_category(slices: &[Slice], category: &str) -> BTreeMap<String, (u64, u64, u64)> {
    let own = slices.iter().filter(|slice| slice.category == category);
    figures(own.map(|slice| (&*slice.name, slice.length)))
}

#[test]
fn a_trace_has_the_figures_of_its_report() {
    for (name, report) in report_samples::all() {
        let slices = slices(&report);
        let gaps = report
            .gaps
            .iter()
            .map(|gap| (gap.cause.name(), gap.duration_ns.0));
        assert_eq!(of_category(&slices, "gap"), figures(gaps), "{name}");
        let stalls = report.stalls.iter();
        let stalls = stalls.map(|stall| (stall.cause.name(), stall.duration_ns.0));
        assert_eq!(of_category(&slices, "stall"), figures(stalls), "{name}");
        let findings = of_category(&slices, "finding");
        let count: u64 = findings.values().map(|figure| figure.0).sum();
        assert_eq!(count, report.findings.len() as u64, "{name}");
    }
}

#[test]
fn the_account_lies_within_its_gap_in_the_order_of_time() {
    let mut report = sample("bare-metal-fail");
    let mut gap = report.gaps[0].clone();
    gap.duration_ns = Nanos(100_000);
    (gap.os_ns, gap.platform_ns, gap.unknown_ns) = (Nanos(50_000), Nanos(30_000), Nanos(20_000));
    gap.platform_at_ns = Nanos(40_000);
    let placed = gap.clone();
    gap.platform_at_ns = Nanos(0);
    let accounts = |report: &Report| -> Vec<(String, u64, usize)> {
        let own = slices(report)
            .into_iter()
            .filter(|slice| slice.category == "part");
        own.map(|part| (part.name, part.length, part.depth))
            .collect()
    };
    report.gaps = vec![placed];
    let part = |name: &str, length| (name.to_owned(), length, 1);
    assert_eq!(
        accounts(&report),
        [
            part("os", 40_000),
            part("platform", 30_000),
            part("os", 10_000),
            part("unknown", 20_000)
        ]
    );
    report.gaps = vec![gap];
    assert_eq!(
        accounts(&report),
        [
            part("os", 50_000),
            part("platform", 30_000),
            part("unknown", 20_000)
        ]
    );
}

#[test]
fn events_stand_at_their_time() {
    let mut report = sample("bare-metal-pass");
    report.tsc.clocksource_changes = vec![ClocksourceChange {
        seen_utc: "2026-11-20T10:00:00.000000001Z".to_owned(),
        from: "tsc\x1b".to_owned(),
        to: "hpet".to_owned(),
    }];
    let slices = slices(&report);
    let change = slices
        .iter()
        .find(|slice| slice.name == "clocksource change");
    let time: jiff::Timestamp = "2026-11-20T10:00:00.000000001Z".parse().unwrap();
    assert_eq!(i128::from(change.unwrap().begin), time.as_nanosecond());
}

#[test]
fn gaps_that_no_clock_can_have_told_make_a_trace_all_the_same() {
    let mut report = sample("bare-metal-fail");
    for (at, gap) in report.gaps.iter_mut().enumerate() {
        gap.start_utc = ["", "9999-12-30T00:00:00Z", "1969-01-01T00:00:00Z"][at % 3].to_owned();
        gap.start_cycles = Cycles(u64::MAX);
        (gap.duration_ns, gap.os_ns) = (Nanos(u64::MAX), Nanos(u64::MAX));
    }
    let count = report.gaps.len() as u64;
    let figures = of_category(&slices(&report), "gap");
    assert_eq!(figures.values().map(|figure| figure.0).sum::<u64>(), count);
}

#[test]
fn cyclictests_rows_hold_all_that_lies_below_the_kernel() {
    let report = saved();
    let mut text = Vec::new();
    histogram::write_cyclictest(&report, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    let mut sums = vec![0; report.cpus.len()];
    for row in rows {
        let (_, counts) = row.split_once(' ').unwrap();
        for (sum, count) in sums.iter_mut().zip(counts.split('\t')) {
            *sum += count.parse::<u64>().unwrap();
        }
    }
    let platform = report.cpus.iter().map(|cpu| {
        let buckets = cpu.histogram.buckets.iter();
        buckets.map(|bucket| bucket.platform()).sum::<u64>()
    });
    assert_eq!(sums, platform.collect::<Vec<_>>());
    let most = report.cpus.iter().map(|cpu| cpu.max_platform_ns.0 / 1_000);
    let most: Vec<String> = most.map(|most| format!("{most:05}")).collect();
    let line = format!("# Max Latencies: {}\n", most.join(" "));
    assert!(text.contains(&line), "{line}{text}");
}

#[test]
fn a_log_of_hdrhistogram_has_a_tag_for_each_cpu_and_kind() {
    let report = saved();
    let mut text = Vec::new();
    histogram::write_hdr_log(&report, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    for cpu in report
        .cpus
        .iter()
        .filter(|cpu| cpu.max_platform_ns > Nanos(0))
    {
        let tag = format!("\nTag=cpu{}-platform,", cpu.cpu);
        let most = format!(",{:.3},HIST", cpu.max_platform_ns.0 as f64 / 1e6);
        let line = text.split(&tag).nth(1).expect(&tag).lines().next().unwrap();
        assert!(line.contains(&most), "{most}: {line}");
    }
}

#[test]
fn a_line_of_json_is_a_gap() {
    let mut report = sample("bare-metal-fail");
    report.gaps[0].detail = "two\nlines \u{9b}1m".to_owned();
    let mut text = Vec::new();
    json::write_lines(&report.gaps, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
    let gaps = text.lines().map(|line| serde_json::from_str(line).unwrap());
    assert_eq!(gaps.collect::<Vec<Gap>>(), report.gaps);
}

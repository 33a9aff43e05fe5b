//! Reports of hosts that come from elsewhere: what is refused, and why.

use hwgap::model::absence::HostReport;
use hwgap::read::host::parse;
use hwgap::read::saved::Problem;
use hwgap::units::{Cycles, Nanos};

use super::{sample, saved};

fn problem(change: impl FnOnce(&mut HostReport)) -> String {
    let mut report = sample();
    change(&mut report);
    parse(&saved(&report)).unwrap_err().to_string()
}

#[test]
fn what_was_saved_is_read_back() {
    let text = saved(&sample());
    let report = parse(&text).unwrap();
    assert_eq!(saved(&report), text);
    // With a mark at the begin, as some editors leave it.
    assert!(parse(&[&b"\xef\xbb\xbf"[..], &text].concat()).is_ok());
}

#[test]
fn what_cannot_be_is_refused() {
    let told = problem(|report| report.guests[1].vcpus[0].absences[3].parts[0].length_ns.0 += 1);
    assert!(told.contains("not the sum of its parts"), "{told}");
    let told =
        problem(|report| report.guests[1].vcpus[0].absences[3].duration_ns = Nanos(u64::MAX));
    assert!(told.contains("not the sum of its parts"), "{told}");
    let told = problem(|report| {
        let absence = &mut report.guests[1].vcpus[0].absences[3];
        absence.parts[0].length_ns = Nanos(u64::MAX);
        absence.parts.push(absence.parts[0].clone());
    });
    assert!(told.contains("not the sum of its parts"), "{told}");
    let told = problem(|report| report.guests[1].vcpus[0].absences.swap(0, 1));
    assert!(told.contains("overlap or run backward"), "{told}");
    let told = problem(|report| report.guests[1].vcpus[0].absences_seen = 3);
    assert!(told.contains("more absences than were seen"), "{told}");
    let told = problem(|report| report.guests[1].vcpus[1].tid = 2_001);
    assert!(told.contains("two vCPUs"), "{told}");
    let told = problem(|report| {
        let lost = &mut report.guests[0].vcpus[0].lost;
        lost.push(lost[0].clone());
        lost[1].start_cycles = Cycles(0);
    });
    assert!(told.contains("lost times"), "{told}");
    let told = problem(|report| report.tsc.hz = 0.0);
    assert!(told.contains("tsc.hz"), "{told}");
    let told = problem(|report| report.tsc.origin = "soon".to_owned());
    assert!(told.contains("tsc.origin"), "{told}");
    let offset = |report: &mut HostReport, text: &str| {
        let lines = report.guests[0].vcpus[0].guest_tsc.as_mut().unwrap();
        lines[0].offset = text.to_owned();
    };
    assert!(problem(|report| offset(report, "99999999999999999999")).contains("guest_tsc.offset"));
    let told = problem(|report| {
        let lines = report.guests[0].vcpus[0].guest_tsc.as_mut().unwrap();
        lines[0].ratio = "0".to_owned();
    });
    assert!(told.contains("guest_tsc.ratio"), "{told}");
    let told = problem(|report| report.run.start_cycles = Cycles(u64::MAX));
    assert!(told.contains("ends before it begins"), "{told}");
    let told = problem(|report| {
        report.smi_rises.as_mut().unwrap()[0].by_cycles = Cycles(0);
    });
    assert!(told.contains("SMI"), "{told}");
}

#[test]
fn other_documents_are_named() {
    let other = |schema: &str, version: u32| {
        let mut report = sample();
        report.schema = schema.to_owned();
        report.schema_version = version;
        parse(&saved(&report)).unwrap_err()
    };
    let of_run = other("hwgap.report", 1);
    assert!(of_run.to_string().contains("hwgap host"), "{of_run}");
    assert!(matches!(
        other("hwgap.host", 2),
        Problem::OtherVersion { .. }
    ));
    assert!(matches!(parse(b" \n").unwrap_err(), Problem::Empty));
    let text = saved(&sample());
    assert!(matches!(
        parse(&text[..text.len() / 2]).unwrap_err(),
        Problem::CutShort { .. }
    ));
}

#[test]
fn no_damaged_file_makes_it_panic() {
    let text = saved(&sample());
    // A digit, a bracket or a letter that turns into another, all over the file.
    for at in (0..text.len()).step_by(37) {
        for byte in [b'9', b'-', b'}', b'"', 0xff] {
            let mut damaged = text.clone();
            damaged[at] = byte;
            if let Ok(report) = parse(&damaged) {
                let _ = hwgap::render::host::markdown(&report, 5_000);
            }
        }
    }
}

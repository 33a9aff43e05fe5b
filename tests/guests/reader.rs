//! Reports of hosts that come from elsewhere: what is refused, and why.

use hwgap::model::absence::{HostReport, LostTime, SmiRise, Vcpu};
use hwgap::read::host::parse;
use hwgap::read::saved::Problem;
use hwgap::render::markdown::Limit;
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
    assert!(told.contains("absences_seen of thread 2001 is 3"), "{told}");
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
    let told = problem(|report| {
        let lines = report.guests[0].vcpus[0].guest_tsc.as_mut().unwrap();
        *lines = vec![lines[0].clone(); 1_001];
    });
    assert!(told.contains("at most 1,000 lines"), "{told}");
    let told = problem(|report| report.run.elapsed_ns.0 += 10_000);
    assert!(told.contains("run.elapsed_ns"), "{told}");
    let told = problem(|report| report.run.start_cycles = Cycles(u64::MAX));
    assert!(told.contains("ends before it begins"), "{told}");
}

#[test]
fn smis_that_cannot_be_are_refused() {
    let rise = |change: fn(&mut SmiRise)| {
        problem(|report| change(&mut report.smi_rises.as_mut().unwrap()[0]))
    };
    let told = rise(|rise| rise.by_cycles = Cycles(0));
    assert!(told.contains("smi_rises[0] rose before"), "{told}");
    // A count that went backward.
    let told = rise(|rise| rise.count = u32::MAX);
    assert!(told.contains("smi_rises[0].count of CPU"), "{told}");
    let of_absence = |rises: Option<Vec<SmiRise>>| {
        problem(|report| {
            report.guests[1].vcpus[0].absences[3].smi_delta = Some(3);
            report.smi_rises = rises;
        })
    };
    for rises in [None, Some(Vec::new())] {
        let told = of_absence(rises);
        assert!(told.contains("smi_delta of thread 2001 is 3"), "{told}");
    }
}

#[test]
fn a_process_is_one_guest() {
    let told = problem(|report| report.guests[1].pid = report.guests[0].pid);
    assert!(told.contains("is two guests"), "{told}");
}

#[test]
fn an_absence_is_longer_than_the_threshold() {
    let told = problem(|report| report.run.threshold_ns = Nanos(50_000_000));
    assert!(told.contains("run.threshold_ns is 50000000"), "{told}");
}

#[test]
fn a_clock_that_no_cpu_has_is_refused() {
    for (ratio, bits) in [(u64::MAX, 32), (1, 48), (1_001, 0)] {
        let told = problem(|report| {
            let vcpus = report.guests.iter_mut().flat_map(|guest| &mut guest.vcpus);
            let line = &mut vcpus.flat_map(|vcpu| &mut vcpu.guest_tsc).next().unwrap()[0];
            (line.ratio, line.ratio_bits) = (ratio.to_string(), bits);
        });
        assert!(told.contains("guest_tsc.ratio is"), "{told}");
    }
}

#[test]
fn nothing_comes_before_the_begin() {
    let told = problem(|report| {
        report.run.start_cycles = Cycles(20_000_000);
        report.run.elapsed_ns.0 -= 10_000_000;
    });
    assert!(told.contains("begin before run.start_cycles"), "{told}");
}

#[test]
fn sums_are_those_of_the_list() {
    let vcpu = |change: fn(&mut Vcpu)| problem(|report| change(&mut report.guests[1].vcpus[0]));
    type Change = fn(&mut Vcpu);
    let changes: [(&str, Change); 12] = [
        ("absences_seen", |vcpu| vcpu.absences_seen += 1),
        ("absent_ns", |vcpu| vcpu.absent_ns = Nanos(0)),
        ("longest_ns", |vcpu| vcpu.longest_ns = Nanos(7_000)),
        ("totals", |vcpu| vcpu.totals.clear()),
        ("totals", |vcpu| vcpu.totals.push(vcpu.totals[0].clone())),
        ("totals[].total_ns", |vcpu| {
            vcpu.totals[0].total_ns.0 -= 10_000;
            vcpu.totals[1].total_ns.0 += 10_000;
        }),
        ("totals[].absences", |vcpu| vcpu.totals[0].absences += 1),
        ("totals[].longest_ns", |vcpu| {
            vcpu.totals[0].longest_ns.0 *= 2
        }),
        // What is left out does not make less of what is listed.
        ("longest_ns", |vcpu| {
            vcpu.listed_above_ns = Some(Nanos(7_000));
            vcpu.longest_ns = Nanos(7_000);
        }),
        ("listed_above_ns", |vcpu| {
            vcpu.listed_above_ns = Some(Nanos(9_000))
        }),
        ("listed_above_ns", |vcpu| {
            vcpu.listed_above_ns = Some(Nanos(5_500));
            vcpu.absences_seen += 10;
            vcpu.absent_ns.0 += 90_000;
            vcpu.totals[0].total_ns.0 += 90_000;
        }),
        ("absent_ns", |vcpu| {
            vcpu.listed_above_ns = Some(Nanos(5_500));
            vcpu.absences_seen += 100_000;
            vcpu.absent_ns.0 += 400_000_000;
            vcpu.totals[0].total_ns.0 += 400_000_000;
        }),
    ];
    for (number, (field, change)) in changes.into_iter().enumerate() {
        let told = vcpu(change);
        let expected = format!("contradicts itself: {field} of thread 2001 is");
        assert!(told.starts_with(&expected), "{number}: {told}");
    }
    // Of a cut list the sums may be larger.
    let mut report = sample();
    let vcpu = &mut report.guests[1].vcpus[0];
    vcpu.listed_above_ns = Some(Nanos(6_500));
    vcpu.absences_seen += 10;
    vcpu.absent_ns.0 += 60_000;
    vcpu.totals[1].total_ns.0 += 60_000;
    vcpu.totals[1].absences += 10;
    parse(&saved(&report)).unwrap();
}

#[test]
fn nothing_comes_after_the_end() {
    let late = |report: &mut HostReport, field: fn(&mut Vcpu, Cycles)| {
        let at = Cycles(report.run.end_cycles.0 + 4_000_000);
        field(&mut report.guests[1].vcpus[0], at);
    };
    let told = problem(|report| {
        late(report, |vcpu, at| {
            let last = vcpu.absences.last_mut().unwrap();
            let length = last.end_cycles.since(last.start_cycles);
            (last.start_cycles, last.end_cycles) = (at, at.saturating_add(length));
        });
    });
    assert!(
        told.contains("absences of thread 2001 go on after"),
        "{told}"
    );
    let told = problem(|report| {
        late(report, |vcpu, at| {
            vcpu.lost.push(LostTime {
                start_cycles: at,
                end_cycles: at,
            })
        });
    });
    assert!(
        told.contains("lost times of thread 2001 go on after"),
        "{told}"
    );
    let told = problem(|report| {
        let rise = &mut report.smi_rises.as_mut().unwrap()[0];
        rise.by_cycles = Cycles(report.run.end_cycles.0 + 4_000_000);
    });
    assert!(told.contains("smi_rises"), "{told}");
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
                let _ = hwgap::render::host::markdown(&report, Limit(5_000));
            }
        }
    }
}

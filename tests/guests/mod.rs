//! From scripted events of a host to its report: what is shown, saved and read back.

mod reader;

use std::fs;
use std::path::Path;

use hwgap::guests::assembly::{Observation, assemble};
use hwgap::guests::event::{Activity, Event, Left, What};
use hwgap::guests::find::{FoundGuest, FoundVcpu};
use hwgap::guests::fold::Fold;
use hwgap::guests::source::Standing;
use hwgap::model::absence::{
    GuestFoundBy, GuestTsc, HostCause, HostReport, HostSource, Isa, SmiRise,
};
use hwgap::model::{CpuIdentity, EndedBy, Finding, HostIdentity, KernelIdentity, Severity, Tsc};
use hwgap::render::markdown::Limit;
use hwgap::render::style::Style;
use hwgap::render::{host, openmetrics};
use hwgap::schema::Document;
use hwgap::text::json;
use hwgap::text::look::Extent;
use hwgap::units::{CpuId, Cycles, Hertz, Nanos};
use serde_json::Value;

/// The TSC when the observation began; it runs at 2 GHz.
const START: u64 = 9_000_000_000;

fn at(us: u64) -> Cycles {
    Cycles(START + us * 2_000)
}

fn vcpu(index: u32, tid: u32, cpu: &str) -> FoundVcpu {
    FoundVcpu {
        index,
        folder: None,
        tid,
        thread: Some(format!("CPU {index}/KVM")),
        affinity: Some(cpu.to_owned()),
        scheduling: Some("SCHED_OTHER".to_owned()),
        waited: Some(Nanos(5_120_000)),
        tsc: match index {
            0 => Ok(vec![GuestTsc {
                seen_cycles: at(0),
                offset: "-8999000000".to_owned(),
                ratio: "4294967296".to_owned(),
                ratio_bits: 32,
            }]),
            _ => Err("debugfs cannot be read: the kernel is locked down".to_owned()),
        },
    }
}

fn guests() -> Vec<FoundGuest> {
    let guest = |pid, name: &str, vcpus| FoundGuest {
        pid,
        name: name.to_owned(),
        vmm: Some("qemu-system-x86_64".to_owned()),
        found_by: GuestFoundBy::OpenFiles,
        vcpus,
    };
    vec![
        guest(
            2_000,
            "rt-vm",
            vec![vcpu(0, 2_001, "2"), vcpu(1, 2_002, "3")],
        ),
        guest(900, "<b>build</b>\u{1b}[2J", vec![vcpu(0, 901, "0-1")]),
    ]
}

fn events() -> Vec<Event> {
    let mut all = Vec::new();
    let mut event = |us: u64, cpu: u32, what: What| {
        all.push(Event {
            at: at(us),
            cpu: CpuId(cpu),
            what,
        });
    };
    let exit = |tid, code, info1| What::Exit {
        tid,
        vcpu: None,
        isa: Isa::Vmx,
        code,
        info1,
        info2: 0,
    };
    let entry = |tid| What::Entry { tid, vcpu: None };
    let timer = || Activity::Interrupt("local_timer".to_owned());
    let switch = |from: u32, left, to: u32, name: &str, priority| What::Switch {
        from,
        from_name: "any".to_owned(),
        from_priority: 120,
        left,
        to,
        to_name: name.to_owned(),
        to_priority: priority,
    };
    for (tid, cpu) in [(2_001, 2), (2_002, 3), (901, 0)] {
        event(1, cpu, entry(tid));
    }
    for tick in 1..=12 {
        let us = tick * 4_000;
        event(us, 2, exit(2_001, 1, 0));
        event(us + 1, 2, What::Begin(timer()));
        event(us + 6, 2, What::End(timer()));
        event(us + 7, 2, entry(2_001));
    }
    // A real-time task takes the vCPU's place.
    event(50_000, 2, exit(2_001, 1, 0));
    event(50_003, 2, switch(2_001, Left::Runnable, 77, "rt-hog", 9));
    event(55_003, 2, switch(77, Left::Asleep, 2_001, "CPU 0/KVM", 120));
    event(55_006, 2, entry(2_001));
    // A device that the VMM emulates.
    event(60_000, 3, exit(2_002, 30, 0x3f8_0000));
    event(
        60_004,
        3,
        What::ToVmm {
            tid: 2_002,
            reason: 2,
        },
    );
    event(60_900, 3, entry(2_002));
    // A halt of the other guest, and one exit that an SMI falls into.
    event(61_000, 0, exit(901, 12, 0));
    event(61_010, 0, switch(901, Left::Asleep, 0, "swapper/0", 120));
    event(
        90_000,
        0,
        What::Waking {
            tid: 901,
            on: CpuId(0),
            by: None,
        },
    );
    event(90_002, 0, switch(0, Left::Runnable, 901, "CPU 0/KVM", 120));
    event(90_004, 0, entry(901));
    for exit_number in 0..10 {
        let us = 91_000 + exit_number * 1_000;
        event(us, 0, exit(901, 10, 0));
        event(us + if exit_number == 7 { 160 } else { 6 }, 0, entry(901));
    }
    all
}

/// A report of which every number is known.
pub fn sample() -> HostReport {
    let mut fold = Fold::new(HostSource::Tracepoints, Cycles(10_000), Cycles(START));
    events().into_iter().for_each(|event| fold.take(event));
    fold.end(at(200_000));
    let rises = [SmiRise {
        cpu: CpuId(0),
        after_cycles: at(97_500),
        by_cycles: at(98_500),
        count: 1,
    }];
    let guests = guests();
    let observation = Observation {
        command_line: "hwgap host --guest all".to_owned(),
        started_utc: "2026-11-28T10:00:00.000000000Z".to_owned(),
        ended_utc: "2026-11-28T10:00:00.200000000Z".to_owned(),
        start: Cycles(START),
        end: at(200_000),
        ended_by: EndedBy::Duration,
        threshold: Nanos(5_000),
        hz: Hertz(2e9),
        standing: Standing {
            source: HostSource::Tracepoints,
            reason: Some("tracepoints were asked for".to_owned()),
            lost_records: 0,
            clock_error: Nanos(80),
            hooks: None,
        },
        used: Nanos(3_000_000),
        guests: &guests,
        smis: Ok(&rises),
        smis_unread: &[],
        host: HostIdentity {
            hostname: Some("node17".to_owned()),
            cpu: CpuIdentity {
                model_name: Some("Example CPU @ 2.00GHz".to_owned()),
                ..CpuIdentity::default()
            },
            kernel: KernelIdentity {
                release: Some("6.1.0".to_owned()),
                command_line: None,
            },
            ..HostIdentity::default()
        },
        tsc: tsc(),
    };
    let mut report = assemble(&observation, &mut fold);
    report.findings = vec![Finding {
        id: "vcpus-preempted".to_owned(),
        severity: Severity::Warning,
        text: "Other tasks ran in the place of vCPUs: rt-hog.".to_owned(),
        remedy: Some("give vCPUs CPUs of their own".to_owned()),
    }];
    report
}

fn tsc() -> Tsc {
    Tsc {
        origin: String::new(),
        hz: 2e9,
        hz_source: "script".to_owned(),
        hz_error_ppm: Some(0.0),
        invariant: Some(true),
        flags: Vec::new(),
        granularity_cycles: None,
        clocksource_start: Some("tsc".to_owned()),
        clocksource_end: Some("tsc".to_owned()),
        clocksource_changes: Vec::new(),
        offsets: Vec::new(),
        utc_points: Vec::new(),
        utc_steps: Vec::new(),
        utc_error_ns: None,
        steps: Vec::new(),
        log: Vec::new(),
    }
}

pub fn saved(report: &HostReport) -> Vec<u8> {
    let mut text = Vec::new();
    json::write(report, &mut text).unwrap();
    text
}

fn golden(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&file, text).unwrap();
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), text, "{name}");
}

#[test]
fn sums_and_parts_are_those_of_the_script() {
    let report = sample();
    // By process.
    let [build, rt] = &report.guests[..] else {
        panic!("{:?}", report.guests);
    };
    let vcpu = &rt.vcpus[0];
    assert_eq!(
        (vcpu.absences_seen, vcpu.longest_ns),
        (13, Nanos(5_006_000))
    );
    assert_eq!(vcpu.entries, Some(14));
    let total = |vcpu: &hwgap::model::absence::Vcpu, cause, what: &str| {
        let mut totals = vcpu.totals.iter();
        let found = totals.find(|total| total.cause == cause && total.what == what);
        found.map(|total| (total.absences, total.total_ns.0 / 1_000))
    };
    let hog = "rt-hog (77, real-time 90)";
    assert_eq!(total(vcpu, HostCause::HostTask, hog), Some((1, 5_000)));
    let tick = total(vcpu, HostCause::HostInterrupt, "local_timer");
    assert_eq!(tick, Some((12, 12 * 7)));
    assert_eq!(vcpu.totals[0].cause, HostCause::HostTask);
    let port = total(&rt.vcpus[1], HostCause::Vmm, "io, port 0x3f8");
    assert_eq!(port, Some((1, 896)));
    let smi = total(&build.vcpus[0], HostCause::HostSmi, "");
    assert_eq!(smi, Some((1, 154)));
    let counted: Vec<Option<u32>> = (build.vcpus[0].absences.iter())
        .map(|absence| absence.smi_delta)
        .collect();
    assert_eq!(
        counted.iter().filter(|count| **count == Some(0)).count(),
        10
    );
    assert_eq!(counted.iter().filter(|count| count.is_none()).count(), 1);
    assert_eq!(build.vcpus[0].guest_tsc_reason, None);
    assert_eq!(rt.vcpus[1].guest_tsc, None);
}

#[test]
fn it_keeps_to_its_schema() {
    let schema: Value = serde_json::from_str(&Document::Host.derive()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let document = serde_json::from_slice(&saved(&sample())).unwrap();
    let errors: Vec<String> = (validator.iter_errors(&document))
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn every_form_is_as_it_was() {
    let report = sample();
    golden(
        "host.txt",
        &host::text(&report, Style::Plain, Extent::Screen),
    );
    golden(
        "host-verbose.txt",
        &host::text(&report, Style::Plain, Extent::Verbose),
    );
    golden("host.md", &host::markdown(&report, Limit::TICKET));
    golden("host.html", &host::page(&report));
    let written = |write: fn(&HostReport, &mut dyn std::io::Write) -> std::io::Result<()>| {
        let mut text = Vec::new();
        write(&report, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    };
    golden("host.csv", &written(host::csv::write));
    let version = format!("version=\"{}\"", env!("CARGO_PKG_VERSION"));
    let metrics = written(openmetrics::write_host);
    let metrics = metrics.replace(&version, "version=\"VERSION\"");
    golden("host.prom", &metrics);
}

/// Of one that was not seen nothing good is said.
#[test]
fn who_was_not_seen_is_not_undisturbed() {
    let told = |seen: bool, until: u64| {
        let mut report = sample();
        report.guests.remove(0);
        report.guests[0].vcpus.truncate(1);
        let vcpu = &mut report.guests[0].vcpus[0];
        if !seen {
            vcpu.totals.clear();
            vcpu.absences.clear();
            (vcpu.absences_seen, vcpu.longest_ns) = (0, Nanos(0));
        }
        vcpu.lost[0].end_cycles = Cycles(until * 2_000);
        let text = host::text(&report, Style::Plain, Extent::Screen);
        (
            text.split_whitespace().collect::<Vec<_>>().join(" "),
            report,
        )
    };
    let (text, report) = told(false, 200_000);
    assert!(
        text.starts_with(
            "NOT SEEN: whether vCPU 0 of rt-vm was in its guest is not known for 200 ms of 200 ms"
        ),
        "{text}"
    );
    assert!(report.saw_nothing());
    let (text, report) = told(false, 100);
    assert!(text.starts_with("UNDISTURBED: "), "{text}");
    assert!(!report.saw_nothing());
    let (text, report) = told(true, 100_000);
    assert!(text.starts_with("KEPT OUT: "), "{text}");
    assert!(text.contains("is not known for 100 ms of 200 ms"), "{text}");
    assert!(!report.saw_nothing());
}

/// As one that hwgap writes it must be read back.
#[test]
fn an_smi_count_that_ends_is_saved() {
    let mut report = sample();
    report.smis_unread.push(hwgap::model::absence::SmisUnread {
        cpu: CpuId(3),
        from_cycles: Cycles(5),
        reason: "CPU 3 is offline".to_owned(),
    });
    let read = hwgap::read::host::parse(&saved(&report)).unwrap();
    assert_eq!(read.smis_unread, report.smis_unread);
    let text = host::text(&report, Style::Plain, Extent::Verbose);
    assert!(text.contains("1 SMI; of 1 CPU not to the end"), "{text}");
}

#[test]
fn an_empty_name_is_refused() {
    let mut command = assert_cmd::Command::cargo_bin("hwgap").unwrap();
    let ended = command.args(["host", "--guest", ""]).output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    let told = String::from_utf8(ended.stderr).unwrap();
    assert!(told.contains("--guest is empty"), "{told}");
}

#[test]
fn foreign_names_are_inert() {
    let report = sample();
    assert!(!host::page(&report).contains("<b>build"));
    let text = host::text(&report, Style::Plain, Extent::Verbose);
    assert!(!text.contains('\u{1b}'));
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    assert!(text.lines().count() > 40);
    let screen = host::text(&report, Style::Plain, Extent::Screen);
    assert!(screen.lines().count() <= 40, "{screen}");
}

/// Of many a line each, with the next step in the line below.
#[test]
fn grave_findings_are_on_the_screen() {
    let mut report = sample();
    report.findings = (0..7)
        .map(|number| Finding {
            id: format!("finding-{number}"),
            severity: Severity::Warning,
            text: format!("Condition {number} holds. {}", "It goes on. ".repeat(20)),
            remedy: Some(format!("change {number}. {}", "And more. ".repeat(20))),
        })
        .collect();
    let screen = host::text(&report, Style::Plain, Extent::Screen);
    assert!(screen.lines().count() <= 40, "{screen}");
    let lines: Vec<&str> = screen.lines().collect();
    for number in 0..7 {
        let found = format!("warning  Condition {number} holds.");
        let at = lines.iter().position(|line| line.contains(&found));
        let next = lines[at.unwrap_or_else(|| panic!("{screen}")) + 1];
        assert!(next.contains(&format!("-> change {number}.")), "{screen}");
    }
}

#[test]
fn hwgap_report_shows_what_hwgap_host_saved() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("host.json");
    fs::write(&file, saved(&sample())).unwrap();
    let report = |format: &str| {
        let mut command = assert_cmd::Command::cargo_bin("hwgap").unwrap();
        command.arg("report").arg(&file).args(["--format", format]);
        command.output().unwrap()
    };
    let text = report("text");
    assert_eq!(
        String::from_utf8(text.stdout).unwrap(),
        host::text(&sample(), Style::Plain, Extent::Screen)
    );
    assert_eq!(report("json").stdout, saved(&sample()));
    assert_eq!(
        String::from_utf8(report("html").stdout).unwrap(),
        host::page(&sample())
    );
    for format in ["csv", "openmetrics", "markdown"] {
        assert!(report(format).status.success(), "{format}");
    }
    let refused = report("junit");
    assert_eq!(refused.status.code(), Some(2));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("text, json, csv"), "{told}");
}

#[test]
fn without_kvm_the_next_step_is_told() {
    // Neither tracepoints of KVM nor a guest are there, or no right to see them.
    let mut command = assert_cmd::Command::cargo_bin("hwgap").unwrap();
    let ended = command
        .args(["host", "--duration", "50ms", "--guest", "no-such-guest"])
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(3));
    let told = String::from_utf8(ended.stderr).unwrap();
    assert!(told.starts_with("hwgap: ") && told.len() > 30, "{told}");
}

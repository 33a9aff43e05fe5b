//! JUnit XML for CI systems: a host is a test case. One that fails is a
//! failure; one that is inconclusive, missing or unreadable an error, as the
//! question was not answered.

use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::fleet::model::{FleetReport, HostRow};
use crate::model::Outcome;
use crate::render::policy::sentence;

/// Writes the answer, a suite for each model.
pub fn write(report: &FleetReport, out: &mut dyn Write) -> io::Result<()> {
    let mut all = Report::new("hwgap fleet");
    let model = |host: &HostRow| host.identity.model.clone();
    let mut hosts: Vec<&HostRow> = report.hosts.iter().collect();
    hosts.sort_by_key(|host| model(host));
    for alike in hosts.chunk_by(|a, b| model(a) == model(b)) {
        let name = model(alike[0]);
        let name = name.as_deref().unwrap_or("model not known");
        let mut suite = TestSuite::new(name);
        for host in alike {
            suite.add_test_case(case(host, name));
        }
        all.add_test_suite(suite);
    }
    let errors = |title: &str, cases: Vec<(&str, &str)>| {
        let mut suite = TestSuite::new(title);
        for (name, message) in cases {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(message).set_type(title);
            let mut case = TestCase::new(name, status);
            case.set_classname(title);
            suite.add_test_case(case);
        }
        suite
    };
    if !report.missing.is_empty() {
        let missing = report
            .missing
            .iter()
            .map(|name| (name.as_str(), "no report of this host"));
        all.add_test_suite(errors("missing", missing.collect()));
    }
    if !report.set_aside.is_empty() {
        let aside = report.set_aside.iter();
        let aside = aside.map(|one| (one.source.as_str(), one.reason.as_str()));
        all.add_test_suite(errors("set aside", aside.collect()));
    }
    let mut out = Noting { out, error: None };
    let done = all.serialize(&mut out);
    match out.error {
        Some(error) => Err(error),
        None => done.map_err(io::Error::other),
    }
}

/// Keeps the error of the output, of which the serializer leaves no more than
/// that there was one.
struct Noting<'a> {
    out: &'a mut dyn Write,
    error: Option<io::Error>,
}

impl Write for Noting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes).map_err(|error| {
            let kind = error.kind();
            self.error = Some(error);
            kind.into()
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn case(host: &HostRow, class: &str) -> TestCase {
    let reasons: Vec<String> = host.reasons.iter().map(sentence).collect();
    let status = match host.result {
        Outcome::Pass => TestCaseStatus::success(),
        Outcome::Fail => broken(NonSuccessKind::Failure, "fail", &reasons),
        Outcome::Inconclusive => broken(NonSuccessKind::Error, "inconclusive", &reasons),
    };
    let mut case = TestCase::new(&*host.host, status);
    case.set_classname(class);
    // A pass by a waiver, or of a run that was cut short, is said beside it.
    let notes: Vec<String> = reasons.into_iter().chain(host.cut_short.clone()).collect();
    if host.result == Outcome::Pass && !notes.is_empty() {
        case.set_system_out(notes.join("\n"));
    }
    case
}

fn broken(kind: NonSuccessKind, name: &str, reasons: &[String]) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(name);
    if let Some(first) = reasons.first() {
        status.set_message(first.as_str());
    }
    status.set_description(reasons.join("\n"));
    status
}

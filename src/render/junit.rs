//! JUnit XML for CI systems: of a run, or of its explanation, the verdict and each
//! finding are test cases. What a verdict leaves open is an error, and so is what
//! says that it cannot be trusted.

use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::model::explained::Explanation;
use crate::model::{Finding, Outcome, Report, Severity};

/// Test cases that belong together.
pub(super) struct Suite {
    pub name: String,
    pub cases: Vec<Case>,
}

/// A test case: a host, a verdict, or what stands in its place.
pub(super) struct Case {
    pub name: String,
    pub ended: Ended,
    pub kind: String,
    pub message: Option<String>,
    pub text: String,
}

/// How a test case ended. An error is a question that was not answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Success,
    Failure,
    Error,
}

impl From<Outcome> for Ended {
    fn from(outcome: Outcome) -> Ended {
        match outcome {
            Outcome::Pass => Ended::Success,
            Outcome::Fail => Ended::Failure,
            Outcome::Inconclusive => Ended::Error,
        }
    }
}

pub fn write_run<G>(report: &Report<G>, out: &mut dyn Write) -> io::Result<()> {
    let verdict = &report.verdict;
    let reasons = verdict.reasons.join("; ");
    let verdict = answer("platform latency", verdict.result, &reasons);
    let host = report.host.hostname.as_deref();
    judged("hwgap run", host, verdict, &report.findings, out)
}

pub fn write_explained(told: &Explanation, out: &mut dyn Write) -> io::Result<()> {
    let verdict = &told.verdict;
    let verdict = answer("fit for real-time work", verdict.result, &verdict.text);
    let guest = told.guest.hostname.as_deref();
    judged("hwgap explain", guest, verdict, &told.findings, out)
}

fn judged(
    program: &str,
    machine: Option<&str>,
    verdict: Case,
    findings: &[Finding],
    out: &mut dyn Write,
) -> io::Result<()> {
    let findings = findings.iter().map(finding);
    let suite = Suite {
        name: machine.unwrap_or("host name not known").to_owned(),
        cases: std::iter::once(verdict).chain(findings).collect(),
    };
    write(program, &[suite], out)
}

fn answer(name: &str, outcome: Outcome, text: &str) -> Case {
    Case {
        name: name.to_owned(),
        ended: outcome.into(),
        kind: outcome.name().to_owned(),
        message: Some(text.to_owned()),
        text: text.to_owned(),
    }
}

fn finding(finding: &Finding) -> Case {
    let remedy = finding.remedy.iter().map(|remedy| format!("-> {remedy}"));
    let text = std::iter::once(finding.text.clone()).chain(remedy);
    Case {
        name: finding.id.clone(),
        ended: match finding.severity {
            Severity::Critical => Ended::Error,
            Severity::Warning | Severity::Info => Ended::Success,
        },
        kind: finding.severity.name().to_owned(),
        message: Some(finding.text.clone()),
        text: text.collect::<Vec<_>>().join("\n"),
    }
}

/// Writes an answer of this name.
pub(super) fn write(name: &str, suites: &[Suite], out: &mut dyn Write) -> io::Result<()> {
    let counts = counted(suites.iter().flat_map(|suite| &suite.cases));
    let mut xml = Writer::new_with_indent(out, b' ', 4);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.create_element("testsuites")
        .with_attribute(("name", name))
        .with_attributes(counts.iter().map(|(name, count)| (*name, &**count)))
        .write_inner_content(|xml| suites.iter().try_for_each(|suite| write_suite(xml, suite)))?;
    writeln!(xml.get_mut())
}

fn write_suite(xml: &mut Writer<&mut dyn Write>, suite: &Suite) -> io::Result<()> {
    let name = allowed(&suite.name);
    let counts = counted(&suite.cases);
    xml.create_element("testsuite")
        .with_attribute(("name", &*name))
        .with_attributes(counts.iter().map(|(name, count)| (*name, &**count)))
        .write_inner_content(|xml| {
            let mut cases = suite.cases.iter();
            cases.try_for_each(|case| write_case(xml, &name, case))
        })?;
    Ok(())
}

fn write_case(xml: &mut Writer<&mut dyn Write>, class: &str, case: &Case) -> io::Result<()> {
    let text = allowed(&case.text);
    let element = xml
        .create_element("testcase")
        .with_attribute(("name", &*allowed(&case.name)))
        .with_attribute(("classname", class));
    let inner = match case.ended {
        Ended::Success if text.is_empty() => return element.write_empty().map(drop),
        Ended::Success => "system-out",
        Ended::Failure => "failure",
        Ended::Error => "error",
    };
    element.write_inner_content(|xml| {
        let mut inner = xml.create_element(inner);
        if case.ended != Ended::Success {
            if let Some(message) = &case.message {
                inner = inner.with_attribute(("message", &*allowed(message)));
            }
            inner = inner.with_attribute(("type", &*allowed(&case.kind)));
        }
        inner.write_text_content(BytesText::new(&text)).map(drop)
    })?;
    Ok(())
}

/// Tests, failures and errors, as attributes.
fn counted<'a>(cases: impl IntoIterator<Item = &'a Case>) -> [(&'static str, String); 3] {
    let mut counts = [0_usize; 3];
    for case in cases {
        counts[0] += 1;
        counts[1] += usize::from(case.ended == Ended::Failure);
        counts[2] += usize::from(case.ended == Ended::Error);
    }
    let [tests, failures, errors] = counts.map(|count| count.to_string());
    [("tests", tests), ("failures", failures), ("errors", errors)]
}

/// The characters of a text that XML 1.0 can hold, escaped or not (section 2.2).
fn allowed(text: &str) -> String {
    let holds = |c: &char| {
        matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
            || *c > '\u{ffff}'
    };
    text.chars().filter(holds).collect()
}

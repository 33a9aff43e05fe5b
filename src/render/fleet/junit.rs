//! JUnit XML for CI systems: a host is a test case. One that fails is a
//! failure; one that is inconclusive, missing or unreadable an error, as the
//! question was not answered.

use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::fleet::model::{FleetReport, HostRow};
use crate::model::Outcome;
use crate::render::policy::sentence;

/// A test case: a host, or what stands in its place.
struct Case {
    name: String,
    ended: Ended,
    kind: &'static str,
    message: Option<String>,
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    Success,
    Failure,
    Error,
}

/// Writes the answer, a suite for each model.
pub fn write(report: &FleetReport, out: &mut dyn Write) -> io::Result<()> {
    let model = |host: &HostRow| host.identity.model.clone();
    let mut hosts: Vec<&HostRow> = report.hosts.iter().collect();
    hosts.sort_by_key(|host| model(host));
    let mut suites: Vec<(String, Vec<Case>)> = hosts
        .chunk_by(|a, b| model(a) == model(b))
        .map(|alike| {
            let name = model(alike[0]);
            let name = name.as_deref().unwrap_or("model not known");
            (name.to_owned(), alike.iter().copied().map(case).collect())
        })
        .collect();
    let missing = (report.missing.iter())
        .map(|name| unanswered(name, "missing", "no report of this host"))
        .collect();
    let aside = (report.set_aside.iter())
        .map(|one| unanswered(&one.source, "set aside", &one.reason))
        .collect();
    suites.push(("missing".to_owned(), missing));
    suites.push(("set aside".to_owned(), aside));
    suites.retain(|(_, cases)| !cases.is_empty());

    let all = suites.iter().flat_map(|(_, cases)| cases);
    let counts = counted(all);
    let mut xml = Writer::new_with_indent(out, b' ', 4);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.create_element("testsuites")
        .with_attribute(("name", "hwgap fleet"))
        .with_attributes(counts.iter().map(|(name, count)| (*name, &**count)))
        .write_inner_content(|xml| {
            suites
                .iter()
                .try_for_each(|(name, cases)| write_suite(xml, name, cases))
        })?;
    writeln!(xml.get_mut())
}

fn write_suite(xml: &mut Writer<&mut dyn Write>, name: &str, cases: &[Case]) -> io::Result<()> {
    let name = allowed(name);
    let counts = counted(cases);
    xml.create_element("testsuite")
        .with_attribute(("name", &*name))
        .with_attributes(counts.iter().map(|(name, count)| (*name, &**count)))
        .write_inner_content(|xml| {
            cases
                .iter()
                .try_for_each(|case| write_case(xml, &name, case))
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
            inner = inner.with_attribute(("type", case.kind));
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

fn unanswered(name: &str, kind: &'static str, message: &str) -> Case {
    Case {
        name: name.to_owned(),
        ended: Ended::Error,
        kind,
        message: Some(message.to_owned()),
        text: String::new(),
    }
}

fn case(host: &HostRow) -> Case {
    let reasons: Vec<String> = host.reasons.iter().map(sentence).collect();
    let ended = match host.result {
        Outcome::Pass => Ended::Success,
        Outcome::Fail => Ended::Failure,
        Outcome::Inconclusive => Ended::Error,
    };
    // A pass by a waiver, or of a run that was cut short, is said beside it.
    let notes = match host.result {
        Outcome::Pass => host.cut_short.clone(),
        Outcome::Fail | Outcome::Inconclusive => None,
    };
    Case {
        name: host.host.to_string(),
        ended,
        kind: host.result.name(),
        message: reasons.first().cloned(),
        text: reasons
            .into_iter()
            .chain(notes)
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

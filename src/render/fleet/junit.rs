//! JUnit XML of a fleet: a host is a test case. One that fails is a failure; one
//! that is inconclusive, missing or unreadable an error, as the question was not
//! answered.

use std::io::{self, Write};

use crate::fleet::model::{FleetReport, HostRow};
use crate::model::Outcome;
use crate::render::junit::{self, Case, Ended, Suite};
use crate::render::policy::sentence;

/// Writes the answer, a suite for each model.
pub fn write(report: &FleetReport, out: &mut dyn Write) -> io::Result<()> {
    let model = |host: &HostRow| host.identity.model.clone();
    let mut hosts: Vec<&HostRow> = report.hosts.iter().collect();
    hosts.sort_by_key(|host| model(host));
    let mut suites: Vec<Suite> = hosts
        .chunk_by(|a, b| model(a) == model(b))
        .map(|alike| {
            let name = model(alike[0]);
            let name = name.as_deref().unwrap_or("model not known");
            suite(name, alike.iter().copied().map(case).collect())
        })
        .collect();
    let missing = (report.missing.iter())
        .map(|name| unanswered(name, "missing", "no report of this host"))
        .collect();
    let aside = (report.set_aside.iter())
        .map(|one| unanswered(&one.source, "set aside", &one.reason))
        .collect();
    suites.push(suite("missing", missing));
    suites.push(suite("set aside", aside));
    suites.retain(|suite| !suite.cases.is_empty());
    junit::write("hwgap fleet", &suites, out)
}

fn suite(name: &str, cases: Vec<Case>) -> Suite {
    Suite {
        name: name.to_owned(),
        cases,
    }
}

fn unanswered(name: &str, kind: &str, message: &str) -> Case {
    Case {
        name: name.to_owned(),
        ended: Ended::Error,
        kind: kind.to_owned(),
        message: Some(message.to_owned()),
        text: String::new(),
    }
}

fn case(host: &HostRow) -> Case {
    let reasons: Vec<String> = host.reasons.iter().map(sentence).collect();
    // A pass by a waiver, or of a run that was cut short, is said beside it.
    let notes = match host.result {
        Outcome::Pass => host.cut_short.clone(),
        Outcome::Fail | Outcome::Inconclusive => None,
    };
    Case {
        name: host.host.to_string(),
        ended: host.result.into(),
        kind: host.result.name().to_owned(),
        message: reasons.first().cloned(),
        text: reasons
            .into_iter()
            .chain(notes)
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

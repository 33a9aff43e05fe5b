//! Engines side by side.

use crate::model::agreement::{Agreed, Agreement, EngineReport, StallRate};
use crate::model::{Cause, Report};
use crate::render::document::verdict::cause_name;
use crate::render::document::{Block, Rank, Section};
use crate::text::human;

pub(super) fn section(report: &Report<()>) -> Option<Section> {
    let agreement = report.agreement.as_ref()?;
    let header = [
        "engine",
        "covered",
        "stalls",
        "seen",
        "an hour",
        "95 % interval",
        "longest",
    ];
    super::section(
        "Agreement of the engines",
        Rank::Detail,
        vec![
            Block::table(header, rows(&report.engines)),
            Block::Paragraph(result(agreement)),
            Block::Points(agreement.differences.clone()),
        ],
    )
}

fn rows(engines: &[EngineReport]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let is_seen = |cause: Option<Cause>| {
        let rates = engines.iter().flat_map(|engine| &engine.rates);
        cause.is_none()
            || rates
                .into_iter()
                .any(|rate| rate.cause == cause && rate.stalls > 0)
    };
    for engine in engines {
        for rate in engine.rates.iter().filter(|rate| is_seen(rate.cause)) {
            let first = rate.cause.is_none();
            let once = |text: String| if first { text } else { String::new() };
            rows.push(vec![
                once(engine.engine.name().to_owned()),
                once(human::length(engine.covered_ns)),
                kind(rate.cause).to_owned(),
                human::count(rate.stalls),
                rate.per_hour.map_or_else(unknown, human::three_digits),
                interval(rate),
                once(human::length(engine.verdict.platform_max_ns)),
            ]);
        }
    }
    rows
}

fn kind(cause: Option<Cause>) -> &'static str {
    cause.map_or("all", cause_name)
}

fn interval(rate: &StallRate) -> String {
    match (rate.low95_per_hour, rate.high95_per_hour) {
        (Some(low), Some(high)) => format!(
            "{} to {}",
            human::three_digits(low),
            human::three_digits(high)
        ),
        _ => unknown(),
    }
}

fn unknown() -> String {
    "?".to_owned()
}

pub(in crate::render) fn result(agreement: &Agreement) -> String {
    let tests = tests(agreement);
    match agreement.result {
        Agreed::Agree => format!(
            "The engines agree: no rate differs by more than chance explains ({tests}; conditional \
             binomial test, by the dispersion among slices)."
        ),
        Agreed::Differ => format!(
            "The engines DIFFER by more than chance explains ({tests}; conditional binomial test, \
             by the dispersion among slices, a difference below {}).",
            human::three_digits(agreement.level)
        ),
        Agreed::Untested => "Whether the engines agree could not be tested.".to_owned(),
    }
}

/// The tests in a few words: all of two engines, of more the one that speaks
/// most against equal rates.
fn tests(agreement: &Agreement) -> String {
    let tested = agreement
        .tests
        .iter()
        .filter_map(|test| Some((test, test.p_value?)));
    let least = tested
        .clone()
        .filter_map(|(test, p)| Some((test.engines?, test, p)))
        .min_by(|(_, _, a), (_, _, b)| a.total_cmp(b));
    if let Some(([first, second], test, p)) = least {
        return format!(
            "{}, the least p = {} of {} and {}, {}",
            human::counted(agreement.tests.len() as u64, "test"),
            human::three_digits(p),
            first.name(),
            second.name(),
            kind(test.cause),
        );
    }
    let tests: Vec<String> = tested
        .map(|(test, p)| format!("{} p = {}", kind(test.cause), human::three_digits(p)))
        .collect();
    tests.join(", ")
}

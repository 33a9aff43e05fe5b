//! Regular series, and the known sources that they may come from.

use crate::judgement::digest::Digest;
use crate::judgement::periodicity::WARNING;
use crate::model::{PeriodicSeries, Report};
use crate::render::document::{Block, Rank, Section};
use crate::stats::periodicity::FALSE_ALARM_LEVEL;
use crate::text::human;
use crate::units::Nanos;

pub(super) fn section(report: &Report<()>, digest: &Digest) -> Option<Section> {
    let found: &[PeriodicSeries] = match &report.periodicity {
        Some(found) => found,
        None => &digest.periodicity,
    };
    let runs = human::grouped((1.0 / FALSE_ALARM_LEVEL) as u64);
    if found.is_empty() {
        let text = format!(
            "No regular series was found among {}. A series needs ten beats, and must stand out \
             so far that events at random would show one in fewer than one of {runs} runs.",
            human::counted(digest.stalls, "stall"),
        );
        let blocks = match digest.stalls {
            0 => Vec::new(),
            _ => vec![Block::Paragraph(text)],
        };
        return super::section("Periodicity", Rank::Detail, blocks);
    }
    let mut blocks = vec![
        Block::Paragraph(format!(
            "Events at random, in bursts or not, show a series like one of these in fewer than \
             one of {runs} runs."
        )),
        Block::table(
            [
                "period",
                "stall",
                "beats seen",
                "share",
                "jitter",
                "first beat",
                "p-value",
            ],
            found.iter().map(row),
        ),
    ];
    match found.iter().all(|series| series.candidates.is_empty()) {
        true => blocks.push(Block::Paragraph(String::from(
            "None of the known sources has such a period and length.",
        ))),
        false => {
            blocks.push(Block::Paragraph(String::from(
                "Known sources with such a period and length. They are candidates: a match of \
                 numbers proves nothing.",
            )));
            let header = ["period", "candidate", "standing", "what to try"];
            blocks.push(Block::table(header, found.iter().flat_map(candidates)));
        }
    }
    blocks.push(Block::Paragraph(WARNING.to_owned()));
    super::section("Periodicity", Rank::Main, blocks)
}

fn period(series: &PeriodicSeries) -> String {
    human::length(Nanos(series.period_ns))
}

fn row(series: &PeriodicSeries) -> Vec<String> {
    vec![
        format!(
            "{} (+/- {})",
            period(series),
            human::length(Nanos(series.period_error_ns))
        ),
        human::length(series.length_ns),
        format!(
            "{} of {}",
            human::grouped(series.seen),
            human::grouped(series.beats)
        ),
        human::percent(series.share),
        human::length(Nanos(series.jitter_ns)),
        format!("{} after the start", human::length(series.first_ns)),
        format!("{:.0e}", series.false_alarm.max(1e-99)),
    ]
}

fn candidates(series: &PeriodicSeries) -> Vec<Vec<String>> {
    let row = |candidate: &crate::model::Candidate| {
        vec![
            period(series),
            candidate.name.clone(),
            candidate.standing.clone(),
            candidate.remedy.clone(),
        ]
    };
    series.candidates.iter().map(row).collect()
}

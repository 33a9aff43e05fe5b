//! One host of a fleet's page: what speaks against it, what it is, its runs and
//! its worst stalls, and the way to its own reports.

use std::path::Path;

use maud::{Markup, html};

use crate::fleet::model::{HostRow, RunRow};
use crate::fleet::names::Name;
use crate::render::fleet::links::link;
use crate::render::fleet::plot;
use crate::render::fleet::words::worst;
use crate::render::policy::{sentence, word};
use crate::render::web::{self, shown};
use crate::text::human::{grouped, length, percent, period, three_digits};

/// A host that can be opened in place; links are relative to `folder`.
pub(super) fn details(row: &HostRow, folder: &Path) -> Markup {
    html! {
        details {
            summary {
                strong { (shown(&row.host)) } " "
                @match row.reasons.first() {
                    Some(first) => { (shown(&sentence(first))) }
                    None => { "worst: " (worst(row.platform_max_ns)) }
                }
            }
            ul { @for reason in &row.reasons { li { (shown(&sentence(reason))) } } }
            @if let Some(timeline) = plot::timeline(row) { (timeline) }
            (machine(row))
            h3 { "Runs" }
            ul {
                @match row.runs.is_empty() {
                    true => @for (source, sum) in row.reports.iter().zip(&row.sha256) {
                        li { (report(source, folder)) ", SHA-256 " code { (sum) } }
                    },
                    false => @for one in &row.runs { li { (run(one, folder)) } },
                }
            }
            (worst_stalls(row))
        }
    }
}

fn machine(row: &HostRow) -> Markup {
    let identity = &row.identity;
    let name = |name: &Option<Name>| match name {
        Some(name) => shown(name).into_owned(),
        None => "not known".to_owned(),
    };
    let rate = |rate: Option<f64>| rate.map_or("not known".to_owned(), three_digits);
    html! {
        dl {
            dt { "Model" } dd { (name(&identity.vendor)) ", " (name(&identity.model)) }
            dt { "BIOS" } dd { (name(&identity.bios)) }
            dt { "CPU" } dd { (name(&identity.cpu)) ", microcode " (name(&identity.microcode)) }
            dt { "Kernel" } dd { (name(&identity.kernel)) }
            dt { "Latest run" } dd { (shown(&row.started_utc)) }
            @if let Some(why) = &row.cut_short { dt { "Cut short" } dd { (shown(why)) } }
            dt { "Worst" } dd { (worst(row.platform_max_ns)) }
            dt { "Stalls an hour" } dd { (rate(row.platform_rate_per_hour)) }
            dt { "SMIs an hour" } dd { (rate(row.smi_per_hour)) }
            dt { "Covered" } dd { (period(row.covered_hours)) ", " (percent(row.coverage)) }
        }
    }
}

fn run(run: &RunRow, folder: &Path) -> Markup {
    html! {
        (report(&run.report, folder)) ": " (word(run.result).1) ", begun "
        (shown(&run.started_utc)) ", " (length(run.elapsed_ns)) " long, "
        @if let Some(why) = &run.cut_short { (shown(why)) ", " }
        "worst: " (worst(run.platform_max_ns)) ", " (grouped(run.platform_stalls))
        " above its limit, SHA-256 " code { (run.sha256) }
    }
}

fn report(source: &str, folder: &Path) -> Markup {
    html! {
        @match link(source, folder) {
            Some(target) => { a href=(target) { (shown(source)) } }
            None => { (shown(source)) }
        }
    }
}

fn worst_stalls(row: &HostRow) -> Markup {
    let cells = row.worst_stalls.iter().map(|stall| {
        vec![
            stall.start_utc.clone(),
            length(stall.duration_ns),
            stall.cause.name().to_owned(),
            stall
                .smi_delta
                .map_or("not known".to_owned(), |smis| grouped(smis.into())),
        ]
    });
    let cells: Vec<Vec<String>> = cells.collect();
    html! {
        @if !cells.is_empty() {
            h3 { "Worst stalls" }
            (web::table(&["begun (UTC)", "length", "cause", "SMIs"], &cells, 0))
        }
    }
}

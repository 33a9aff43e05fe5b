//! Which guest of a host the run was made in.

use crate::model::absence::{Guest, HostReport};
use crate::model::explained::ClockStanding;
use crate::text::clean_text;

use super::clocks::Clocks;
use super::guest_side::GuestSide;
use super::host_side::HostSide;
use super::{ExplainError, Question, Side};

/// Names in a message.
const MOST_NAMES: usize = 12;

pub(super) fn guest<'a>(
    guest: &GuestSide<'_>,
    report: &'a HostReport,
    question: &Question,
) -> Result<Side<'a>, ExplainError> {
    let host = || clean_text(report.host.hostname.as_deref().unwrap_or("the host"));
    let known = || {
        let names = report.guests.iter().take(MOST_NAMES);
        let names: Vec<String> = names
            .map(|one| format!("{} (process {})", clean_text(&one.name), one.pid))
            .collect();
        names.join(", ")
    };
    let all: Vec<&Guest> = match &question.guest {
        Some(wanted) => named(report, wanted),
        None => report.guests.iter().collect(),
    };
    let side = |one: &'a Guest| {
        let host = HostSide::new(report, one);
        let clocks = Clocks::new(guest, &host, question.offset);
        Side { host, clocks }
    };
    match (all.as_slice(), &question.guest) {
        ([], Some(wanted)) => Err(ExplainError::NoSuchGuest {
            host: host(),
            wanted: clean_text(wanted),
            known: known(),
        }),
        ([], None) => Err(ExplainError::NoGuests { host: host() }),
        ([only], _) => Ok(side(only)),
        _ => {
            let sides = all.into_iter().map(side);
            let mut fitting: Vec<(u64, Side<'_>)> = sides
                .filter(|side| side.clocks.standing() == ClockStanding::Verified)
                .map(|side| (side.clocks.fitting(), side))
                .collect();
            fitting.sort_by_key(|(fitting, _)| std::cmp::Reverse(*fitting));
            let second = fitting.get(1).map_or(0, |(fitting, _)| *fitting);
            let unclear = ExplainError::Unclear {
                host: host(),
                known: known(),
            };
            // Guests of one host share its rhythms.
            let best = fitting.into_iter().next();
            let best = best.filter(|(fitting, _)| *fitting > second + second / 3);
            best.map(|(_, side)| side).ok_or(unclear)
        }
    }
}

fn named<'a>(report: &'a HostReport, wanted: &str) -> Vec<&'a Guest> {
    let guests = || report.guests.iter();
    let by_name: Vec<&Guest> = guests().filter(|guest| guest.name == wanted).collect();
    if !by_name.is_empty() {
        return by_name;
    }
    let pid = wanted.parse().ok();
    guests().filter(|guest| Some(guest.pid) == pid).collect()
}

//! What of the host was changed for the run, a line for settings alike.

use crate::model::{PutBackResult, QuietHost, QuietResult, QuietSetting, Report};
use crate::render::document::{Block, Rank, Section};
use crate::render::style::Ink;
use crate::text::human;

pub(super) fn section(report: &Report<()>) -> Option<Section> {
    let quiet = report.quiet_host.as_ref()?;
    let header = ["step", "settings", "for the run", "after it"];
    super::section(
        "Host settings changed for the run",
        Rank::Aside,
        vec![Block::table(header, rows(quiet))],
    )
}

/// All of it in one sentence: what is not as it was comes first.
pub(in crate::render) fn in_short(quiet: &QuietHost) -> (Ink, String) {
    let count = |is_meant: fn(&QuietSetting) -> bool| {
        let settings = quiet.settings.iter();
        settings.filter(|setting| is_meant(setting)).count() as u64
    };
    let changed = count(|setting| setting.result == QuietResult::Changed);
    let refused = count(|setting| setting.result == QuietResult::Refused);
    let left = count(|setting| {
        let end = setting.put_back.as_ref();
        end.is_some_and(|end| matches!(end, PutBackResult::Conflict | PutBackResult::Failed))
    });
    let pending =
        count(|setting| setting.result == QuietResult::Changed && setting.put_back.is_none());
    let refused = match refused {
        0 => String::new(),
        some => format!("; {} refused", human::grouped(some)),
    };
    let changed = human::counted(changed, "setting");
    match (left, pending) {
        (0, 0) => (
            Ink::Plain,
            format!("{changed} changed for the run, all put back{refused}"),
        ),
        (0, pending) => (
            Ink::Plain,
            format!(
                "{changed} changed for the run, {} not yet put back{refused}",
                human::grouped(pending)
            ),
        ),
        (left, _) => (
            Ink::Bad,
            format!(
                "{} of {changed} NOT PUT BACK: --verbose says which{refused}",
                human::grouped(left)
            ),
        ),
    }
}

/// A row for each group of settings alike.
fn rows(quiet: &QuietHost) -> Vec<Vec<String>> {
    let mut groups: Vec<(&QuietSetting, u32)> = Vec::new();
    for setting in &quiet.settings {
        match groups.iter_mut().find(|(first, _)| alike(first, setting)) {
            Some((_, count)) => *count += 1,
            None => groups.push((setting, 1)),
        }
    }
    let row = |(first, count): &(&QuietSetting, u32)| {
        let settings = match count {
            1 => first.setting.clone(),
            many => format!("{many} settings such as {}", first.setting),
        };
        vec![first.step.clone(), settings, during(first), after(first)]
    };
    groups.iter().map(row).collect()
}

/// Whether the same was done to both, with the same end.
fn alike(one: &QuietSetting, other: &QuietSetting) -> bool {
    let key = |setting: &QuietSetting| QuietSetting {
        setting: String::new(),
        ..setting.clone()
    };
    key(one) == key(other)
}

fn during(setting: &QuietSetting) -> String {
    let unknown = || String::from("?");
    let before = setting.before.clone().unwrap_or_else(unknown);
    let reason = setting.reason.clone().unwrap_or_else(unknown);
    match setting.result {
        QuietResult::Changed => {
            let during = setting.during.clone().unwrap_or_else(unknown);
            format!("{before} -> {during}")
        }
        QuietResult::Unchanged => format!("{before} already"),
        QuietResult::Refused => format!("REFUSED: {reason}"),
        QuietResult::Skipped => format!("left alone: {reason}"),
    }
}

fn after(setting: &QuietSetting) -> String {
    let found = setting.put_back_reason.as_deref().unwrap_or("?");
    match (setting.result, setting.put_back) {
        (QuietResult::Changed, None) => String::from("not yet put back"),
        (_, None) => String::new(),
        (_, Some(PutBackResult::Done)) => String::from("put back"),
        (_, Some(PutBackResult::Already)) => String::from("put back by somebody else"),
        (_, Some(PutBackResult::Gone)) => String::from("no longer there"),
        (_, Some(PutBackResult::Conflict)) => {
            format!("LEFT ALONE: somebody else has set it to {found}")
        }
        (_, Some(PutBackResult::Failed)) => format!("NOT PUT BACK: {found}"),
    }
}

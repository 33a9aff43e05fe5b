//! Sentences that several formats share.

use crate::fleet::model::{
    FleetReport, HostRow, Matched, OutlierRow, OutlierSearch, SeparatorRow, SeriesRow, SharedName,
};
use crate::text::human::{counted, grouped, length, p_value, percent, three_digits};
use crate::units::Nanos;

/// A host with a run that is not the whole that was asked for.
pub(super) fn cut_short(host: &HostRow) -> String {
    let why = host.cut_short.as_deref().unwrap_or("whole");
    format!("{}: {why}", host.host)
}

/// The longest stall; of hosts without one there is none to name.
pub(super) fn worst(longest: Nanos) -> String {
    match longest {
        Nanos(0) => "none".to_owned(),
        longest => length(longest),
    }
}

/// How many hosts were looked at for outliers, and why not more.
pub(super) fn looked_at(search: &OutlierSearch) -> String {
    let least = search.smallest_group;
    match search.hosts {
        0 => format!(
            "None was looked at: it takes {least} hosts or more that pass, of the same model, \
             BIOS, CPU and microcode, measured by the same engine and threshold."
        ),
        hosts => format!(
            "{} looked at, in groups of {least} or more. A fleet without outliers has any listed \
             with a chance of at most {}.",
            counted(hosts, "host"),
            percent(search.false_alarm)
        ),
    }
}

/// A name that several machines share.
pub(super) fn shared_name(row: &SharedName) -> String {
    let hosts: Vec<&str> = row.hosts.iter().map(|host| &**host).collect();
    format!(
        "WARNING: {} machines are named {}: {}",
        hosts.len(),
        row.name,
        hosts.join("; ")
    )
}

/// Whether the list and the reports name a host in other words.
pub(super) fn is_telling(row: &Matched) -> bool {
    !matches!(row.hosts.as_slice(), [only] if **only == *row.expected)
}

/// Who answers to a name of the list.
pub(super) fn matched(row: &Matched) -> String {
    let hosts: Vec<&str> = row.hosts.iter().map(|host| &**host).collect();
    format!("{}: {}", row.expected, hosts.join("; "))
}

/// The groups that separate by themselves, the strongest first.
pub(super) fn causes(report: &FleetReport) -> impl Iterator<Item = &SeparatorRow> {
    report
        .separators
        .iter()
        .filter(|row| row.follows_from.is_none())
}

/// What shows nothing once the hosts of a cause are left out: groups that fail
/// more, `most` of them by name, and how many fail less; `None` without any.
pub(super) fn consequences(
    report: &FleetReport,
    cause: &SeparatorRow,
    most: usize,
) -> Option<String> {
    let following = report.separators.iter();
    let following = following.filter(|row| row.follows_from.as_ref() == Some(&cause.name));
    let (more, less): (Vec<&SeparatorRow>, Vec<&SeparatorRow>) =
        following.partition(|row| row.fails_more());
    let more = (!more.is_empty()).then(|| format!("more fail of {}", named(&more, most)));
    let less = match less.len() as u64 {
        0 => None,
        count => Some(format!("fewer fail of {}", counted(count, "other group"))),
    };
    let parts: Vec<String> = more.into_iter().chain(less).collect();
    (!parts.is_empty()).then(|| format!("It explains why {}.", parts.join(", and why ")))
}

/// Names have commas of their own.
fn named(rows: &[&SeparatorRow], most: usize) -> String {
    let name = |row: &&SeparatorRow| format!("{} {}", row.dimension.name(), row.name);
    let mut names: Vec<String> = rows.iter().take(most).map(name).collect();
    if let Some(left) = rows.len().checked_sub(most).filter(|left| *left > 0) {
        names.push(format!("{} more", grouped(left as u64)));
    }
    names.join("; ")
}

pub(super) fn separator(row: &SeparatorRow) -> String {
    let ratio = match (row.risk_ratio, row.risk_ratio_low, row.risk_ratio_high) {
        (Some(ratio), Some(low), Some(high)) => format!(
            "{} times as often as elsewhere (95 %: {} to {})",
            three_digits(ratio),
            three_digits(low),
            three_digits(high)
        ),
        (None, Some(low), _) => format!(
            "at least {} times as often as elsewhere (95 %)",
            three_digits(low)
        ),
        _ => "not as often as elsewhere".to_owned(),
    };
    format!(
        "{} {}: {} of {} hosts fail, {} of {} elsewhere; {ratio}; {}",
        row.dimension.name(),
        row.name,
        grouped(row.group_fail),
        grouped(row.group_fail + row.group_pass),
        grouped(row.rest_fail),
        grouped(row.rest_fail + row.rest_pass),
        p_value(row.q),
    )
}

pub(super) fn outlier(row: &OutlierRow) -> String {
    format!(
        "{}: {} {} against {} expected from comparable hosts; {} ({} hosts of {})",
        row.host,
        grouped(row.events),
        row.quantity.name(),
        three_digits(row.expected),
        p_value(row.p_corrected),
        grouped(row.group_hosts),
        row.group,
    )
}

pub(super) fn series(row: &SeriesRow, all_hosts: u64) -> String {
    let what = format!("every {}, {}", length(row.period_ns), length(row.length_ns));
    let who = match &row.group {
        Some(group) => {
            let elsewhere = match row.hosts - group.with_series {
                0 => String::new(),
                others => format!(" (and {} elsewhere)", grouped(others)),
            };
            format!(
                "{} of {} hosts of {} {}{elsewhere}",
                grouped(group.with_series),
                grouped(group.hosts),
                group.dimension.name(),
                group.name
            )
        }
        None => format!("{} of {} hosts", grouped(row.hosts), grouped(all_hosts)),
    };
    let candidates = match row.candidates.is_empty() {
        true => String::new(),
        false => format!(
            ". Candidates by period, no more: {}",
            row.candidates.join("; ")
        ),
    };
    format!("{who}: {what}{candidates}")
}

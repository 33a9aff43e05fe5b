//! How long all of it took: a histogram in text.

use super::lines;
use crate::model::{Bucket, Report};
use crate::render::document::{Rank, Summary};
use crate::render::screen::Part;
use crate::render::style::Style;
use crate::render::table::{Align, Table};
use crate::text::human;
use crate::units::Nanos;

const LONGEST_BAR: usize = 16;
/// The edges of bins in a decade, from fine to coarse.
const STEPS: [&[u64]; 3] = [&[1, 2, 5], &[1, 3], &[1]];

/// Deltas of one bin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    below: u64,
    kernel: u64,
    unknown: u64,
}

type Series = (&'static str, fn(&Counts) -> u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bin {
    from: u64,
    to: Option<u64>,
    counts: Counts,
}

pub(super) fn parts<'a>(summary: &Summary<'a>, style: Style, most: usize) -> Vec<Part<'a>> {
    let mut rows = rows(summary.report, most).into_iter();
    let Some(head) = rows.next() else {
        return Vec::new();
    };
    let head = lines(style, |page| page.title(&format!("  {}", head.trim_end())));
    let mut part = Part::new(Rank::Detail, head).undivided();
    for row in rows {
        part.item(lines(style, |page| page.line(&format!("  {row}"))));
    }
    vec![part.counted("line of the histogram")]
}

/// A head and a row for each bin that holds something, at most so many; nothing
/// where none does.
pub(in crate::render::terminal) fn rows(report: &Report<()>, rows: usize) -> Vec<String> {
    let buckets = || report.cpus.iter().flat_map(|cpu| &cpu.histogram.buckets);
    let bins = bins(buckets, report.run.hardlimit_ns, rows);
    if bins.is_empty() {
        return Vec::new();
    }
    let most = |count: fn(&Counts) -> u64| bins.iter().map(|bin| count(&bin.counts)).max();
    let series: [Series; 3] = [
        ("below the kernel", |counts| counts.below),
        ("kernel ran", |counts| counts.kernel),
        ("unknown", |counts| counts.unknown),
    ];
    let seen: Vec<_> = series
        .into_iter()
        .filter(|(_, count)| most(*count).unwrap_or(0) > 0)
        .collect();
    let longest = seen.iter().filter_map(|(_, count)| most(*count)).max();
    let longest = longest.unwrap_or(0);
    let mut header = vec![("length (log bars)", Align::Right)];
    header.extend(seen.iter().map(|(name, _)| (*name, Align::Left)));
    let mut table = Table::new(&header);
    for bin in &bins {
        let mut cells = vec![bin.range()];
        cells.extend(
            seen.iter()
                .map(|(_, count)| bar(count(&bin.counts), longest)),
        );
        table.row(cells);
    }
    table.lines()
}

/// A bar as long as the logarithm of the count, and the count.
fn bar(count: u64, most: u64) -> String {
    if count == 0 {
        return String::new();
    }
    let scale = |count: u64| (count as f64).log10() + 1.0;
    let length = (scale(count) / scale(most) * LONGEST_BAR as f64).round() as usize;
    format!(
        "{} {}",
        "#".repeat(length.clamp(1, LONGEST_BAR)),
        human::count(count)
    )
}

/// The bins that hold something, in the finest steps of which so few do. None
/// holds lengths on both sides of the limit.
fn bins<'a, I>(buckets: impl Fn() -> I, limit: Nanos, most: usize) -> Vec<Bin>
where
    I: Iterator<Item = &'a Bucket>,
{
    let each = STEPS.iter().map(|steps| in_steps(buckets(), limit, steps));
    let mut last = Vec::new();
    for bins in each {
        if bins.len() <= most {
            return bins;
        }
        last = bins;
    }
    // More decades than rows.
    let above = last.split_off(last.partition_point(|bin| bin.from < limit.0));
    let below = shortest_merged(last, most.saturating_sub(above.len()));
    let above = shortest_merged(above, most.saturating_sub(below.len()));
    below.into_iter().chain(above).collect()
}

/// So many bins, at least one where there is any: the shortest ones as one.
fn shortest_merged(mut bins: Vec<Bin>, most: usize) -> Vec<Bin> {
    let surplus = bins.len().saturating_sub(most.max(1));
    let longer = bins.split_off(bins.len().min(surplus + 1));
    let merged = bins.into_iter().reduce(|one, other| Bin {
        to: other.to,
        counts: one.counts.and(other.counts),
        ..one
    });
    merged.into_iter().chain(longer).collect()
}

fn in_steps<'a>(
    buckets: impl Iterator<Item = &'a Bucket>,
    limit: Nanos,
    steps: &[u64],
) -> Vec<Bin> {
    let mut bins: std::collections::BTreeMap<u64, Bin> = std::collections::BTreeMap::new();
    for bucket in buckets {
        let counts = Counts {
            below: bucket.platform(),
            kernel: bucket.kernel_ran,
            unknown: bucket.unknown,
        };
        if counts == Counts::default() {
            continue;
        }
        let (from, to) = edges(bucket, limit, steps);
        let bin = bins.entry(from).or_insert(Bin {
            from,
            to,
            counts: Counts::default(),
        });
        bin.counts = bin.counts.and(counts);
    }
    bins.into_values().collect()
}

/// The bin of a bucket. That a bucket reaches over the edge of one is within the
/// 6 % that it is wide, but over the limit it may not: where it does, in reports
/// of versions that did not split it there, it has a bin of its own.
fn edges(bucket: &Bucket, limit: Nanos, steps: &[u64]) -> (u64, Option<u64>) {
    let (length, limit) = (bucket.from_ns.0, limit.0);
    if length < limit && limit < bucket.to_ns.0 {
        return (length, Some(bucket.to_ns.0));
    }
    let decade = 10_u64.pow(length.checked_ilog10().unwrap_or(0));
    let lead = length / decade;
    let step = steps.iter().rev().find(|&&step| step <= lead);
    let step = step.copied().unwrap_or(1);
    let next = steps
        .iter()
        .find(|&&next| next > step)
        .copied()
        .unwrap_or(10);
    let (from, to) = (decade * step, decade.checked_mul(next));
    match from < limit && to.is_none_or(|to| limit < to) {
        true if length < limit => (from, Some(limit)),
        true => (limit, to),
        false => (from, to),
    }
}

impl Counts {
    fn and(self, other: Counts) -> Counts {
        Counts {
            below: self.below.saturating_add(other.below),
            kernel: self.kernel.saturating_add(other.kernel),
            unknown: self.unknown.saturating_add(other.unknown),
        }
    }
}

impl Bin {
    fn range(&self) -> String {
        let from = human::chosen(Nanos(self.from));
        match self.to {
            Some(to) => format!("{from} to {}", human::chosen(Nanos(to))),
            None => format!("above {from}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(from: u64, below: u64, kernel: u64) -> Bucket {
        Bucket {
            from_ns: Nanos(from),
            to_ns: Nanos(from.saturating_add(from / 16)),
            kernel_absent: below,
            kernel_ran: kernel,
            unknown: 0,
            platform_parts: 0,
        }
    }

    #[test]
    fn bins_hold_every_delta_once_and_only_some() {
        let buckets = [
            bucket(0, 1, 0),
            bucket(1_024, 0, 7),
            bucket(1_984, 0, 5),
            bucket(200_000, 3, 0),
            bucket(u64::MAX - 5, 1, 0),
            bucket(300, 0, 0),
        ];
        let bins = bins(|| buckets.iter(), Nanos(10_000), 8);
        let froms: Vec<u64> = bins.iter().map(|bin| bin.from).collect();
        assert_eq!(froms, [1, 1_000, 200_000, 10_000_000_000_000_000_000]);
        assert_eq!(bins[1].counts.kernel, 12);
        assert_eq!(bins[1].range(), "1 us to 2 us");
        assert_eq!(bins[3].to, None);
    }

    #[test]
    fn many_lengths_are_put_together() {
        let buckets: Vec<Bucket> = (0..19).map(|at| bucket(10_u64.pow(at), 1, 2)).collect();
        let bins = bins(|| buckets.iter(), Nanos(10_000), 8);
        assert_eq!(bins.len(), 8);
        let all: u64 = bins.iter().map(|bin| bin.counts.below).sum();
        assert_eq!(all, 19);
    }

    #[test]
    fn no_bin_lies_on_both_sides_of_the_limit() {
        let lengths = (0..190).map(|at| 10_u64.pow(at / 10) / 10 * u64::from(at % 10 + 1));
        let buckets: Vec<Bucket> = lengths.map(|length| bucket(length, 1, 0)).collect();
        for limit in [1, 3_000, 10_000, 12_500, 25_000, 999_999, 10_u64.pow(18)] {
            for most in [1, 3, 5, 8] {
                let bins = bins(|| buckets.iter(), Nanos(limit), most);
                assert!(bins.len() <= most.max(2));
                for bin in &bins {
                    let is_own = bin.to.is_some_and(|to| to - bin.from <= bin.from / 16);
                    let is_over = bin.from < limit && bin.to.is_none_or(|to| limit < to);
                    assert!(is_own || !is_over, "{limit}: {bin:?}");
                }
                let all: u64 = bins.iter().map(|bin| bin.counts.below).sum();
                assert_eq!(all, 190);
            }
        }
    }

    #[test]
    fn bars_grow_with_the_logarithm() {
        assert_eq!(bar(0, 100), "");
        assert_eq!(bar(1, 1), format!("{} 1", "#".repeat(LONGEST_BAR)));
        assert_eq!(bar(1, 999_999_999).matches('#').count(), 2);
        assert_eq!(bar(1_000, 1_000).matches('#').count(), LONGEST_BAR);
    }
}

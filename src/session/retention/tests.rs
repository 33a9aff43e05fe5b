//! Which gaps of many are kept and listed.

use super::*;
use crate::model::KeepGaps;
use crate::session::packed::tests::gap;
use crate::units::Nanos;
use std::cmp::Reverse;

/// A gap that the kernel explains.
fn explained(start: u64, length: u64) -> PackedGap {
    let mut gap = gap(start, length);
    gap.account.parts.os = Nanos(length);
    gap.account.parts.unknown = Nanos(0);
    PackedGap::pack(&gap)
}

/// One of which so much is not explained.
fn open(start: u64, unknown: u64) -> PackedGap {
    let mut gap = gap(start, unknown + 5);
    gap.account.parts.os = Nanos(5);
    gap.account.parts.unknown = Nanos(unknown);
    PackedGap::pack(&gap)
}

fn starts(kept: KeptThen) -> Vec<u64> {
    let of_cpu = &kept.by_cpu(1)[0];
    of_cpu.iter().map(|gap| gap.start().0).collect()
}

fn random(count: u64) -> Vec<u64> {
    (0..count)
        .scan(1u64, |state, _| {
            *state = state.wrapping_mul(6_364_136_223_846_793_005) + 1;
            Some(*state >> 56)
        })
        .collect()
}

#[test]
fn of_many_the_longest_are_kept_and_of_equal_ones_the_first() {
    let lengths: Vec<u64> = random(2_000).iter().map(|length| length + 1).collect();
    let mut retention = Retention::new(Budget::of(KeepGaps::AtMost(150), 1, Nanos(0)));
    for (start, &length) in (0..).zip(&lengths) {
        retention.keep(0, open(start, length));
    }
    let mut longest: Vec<u64> = (0..lengths.len() as u64).collect();
    longest.sort_by_key(|&start| (Reverse(lengths[start as usize]), start));
    longest.truncate(150);
    longest.sort_unstable();
    let kept = retention.so_far();
    assert_eq!(kept.left_out.open, 1_850);
    assert_eq!(starts(kept), longest);
}

#[test]
fn what_counts_takes_the_places_of_what_is_explained() {
    let mut retention = Retention::new(Budget::of(KeepGaps::AtMost(3), 1, Nanos(0)));
    for (start, length) in [(0, 900), (10, 700), (20, 800), (30, 600)] {
        retention.keep(0, explained(start, length));
    }
    assert_eq!(starts(retention.so_far()), [0, 10, 20]);
    retention.keep(0, open(40, 1));
    assert_eq!(starts(retention.so_far()), [0, 20, 40]);
    (50..53).for_each(|start| retention.keep(0, open(start, 2)));
    let kept = retention.so_far();
    let expected = LeftOut {
        open: 1,
        explained: 4,
    };
    assert_eq!(kept.left_out, expected);
    assert_eq!(starts(kept), [50, 51, 52]);
}

#[test]
fn of_what_is_explained_the_longest_and_a_sample_stay_in_whatever_order_it_comes() {
    let lengths = random(5_000);
    let of = |order: &mut dyn Iterator<Item = usize>| {
        let mut retention = Retention::new(Budget::of(KeepGaps::Usual, 1, Nanos(0)));
        order.for_each(|start| retention.keep(0, explained(start as u64, lengths[start])));
        let kept = retention.so_far();
        assert_eq!(kept.left_out.explained, 5_000 - 80);
        starts(kept)
    };
    let kept = of(&mut (0..5_000));
    assert_eq!(of(&mut (0..5_000).rev()), kept);
    let longest = *lengths.iter().max().unwrap();
    let all_longest = (0..5_000).filter(|&start| lengths[start] == longest);
    let first: Vec<u64> = all_longest.map(|start| start as u64).take(20).collect();
    assert!(first.iter().all(|start| kept.contains(start)));
    // The sample is drawn from all of the run.
    for part in 0..5u64 {
        let within = |start: &&u64| (part * 1_000..(part + 1) * 1_000).contains(*start);
        assert!(kept.iter().filter(within).count() > 8, "part {part}");
    }
}

#[test]
fn more_are_kept_to_be_judged_than_are_listed() {
    let lengths = random(3_000);
    let mut retention = Retention::new(Budget::of(KeepGaps::Usual, 1, Nanos(0)));
    for (start, &length) in (0..).zip(&lengths) {
        retention.keep(0, open(start, length + 1));
    }
    let kept = retention.so_far();
    assert_eq!(kept.left_out, LeftOut::default());
    let gaps = &kept.by_cpu(1)[0];
    assert_eq!((gaps.len(), gaps.listed().count()), (3_000, 150));
    let shortest = gaps.listed().map(|gap| gap.unknown()).min().unwrap();
    let longer = lengths.iter().filter(|&&length| length + 1 > shortest.0);
    assert!(longer.count() <= 150);
    // A minute of 20 CPUs.
    let long = Budget::of(KeepGaps::Usual, 1, Nanos(1_200 * Nanos::SECOND.0));
    assert_eq!(long.listed(), 5_000);
}

#[test]
fn what_was_kept_at_a_moment_stays_as_it_was() {
    let mut retention = Retention::new(Budget::of(KeepGaps::AtMost(2), 1, Nanos(0)));
    retention.keep(0, open(0, 50));
    retention.keep(0, open(100, 60));
    let then = retention.so_far();
    retention.keep(0, open(200, 70));
    assert_eq!(starts(then), [0, 100]);
    assert_eq!(starts(retention.so_far()), [100, 200]);
}

#[test]
fn all_are_kept_where_all_are_asked_for() {
    let mut retention = Retention::new(Budget::of(KeepGaps::All, 8, Nanos(0)));
    (0..30_000).for_each(|start| retention.keep(0, open(start, 3)));
    (0..30_000).for_each(|start| retention.keep(1, explained(start, 30)));
    let kept = retention.so_far();
    assert_eq!(kept.left_out, LeftOut::default());
    let lengths: Vec<usize> = kept.by_cpu(2).iter().map(KeptGaps::len).collect();
    assert_eq!(lengths, [30_000, 30_000]);
}

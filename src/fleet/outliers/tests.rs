//! The stated false-alarm rate, and what is found, by simulation.

#[path = "../../../tests/synthetic/chance.rs"]
mod chance;

use super::*;
use chance::poisson;

/// A gamma variable of mean 1: sums of exponentials, for whole shapes.
fn gamma(random: &mut fastrand::Rng, shape: u32) -> f64 {
    let sum: f64 = (0..shape).map(|_| -(1.0 - random.f64()).ln()).sum();
    sum / f64::from(shape)
}

fn group(random: &mut fastrand::Rng, hosts: usize, mean: f64, shape: Option<u32>) -> Vec<Counted> {
    (0..hosts)
        .map(|host| {
            let own = shape.map_or(1.0, |shape| gamma(random, shape));
            Counted {
                host,
                events: poisson(random, mean * own),
                hours: 1.0,
            }
        })
        .collect()
}

fn named(counted: &[Counted]) -> Vec<usize> {
    let chances: Vec<f64> = judge(counted).iter().map(|judged| judged.p).collect();
    let corrected = false_discovery(&chances);
    (0..counted.len())
        .filter(|at| corrected[*at] <= FALSE_ALARM)
        .collect()
}

#[test]
fn fleets_without_outliers_have_none_named() {
    let mut random = fastrand::Rng::with_seed(20_261_121);
    for hosts in [SMALLEST_GROUP, 100] {
        for (mean, shape) in [
            (0.2, None),
            (5.0, None),
            (60.0, None),
            (20.0, Some(20)),
            (60.0, Some(5)),
        ] {
            let fleets = 200;
            let alarms = (0..fleets)
                .filter(|_| !named(&group(&mut random, hosts, mean, shape)).is_empty())
                .count();
            println!("{hosts} hosts, mean {mean}, shape {shape:?}: {alarms} of {fleets}");
            // 200 fleets at 1 % have more than 8 alarms once in 4,000 tries.
            assert!(alarms <= 8, "{hosts} hosts, {mean}, {shape:?}: {alarms}");
        }
    }
}

#[test]
fn hosts_with_threefold_rates_are_found_and_no_others() {
    let mut random = fastrand::Rng::with_seed(7);
    let (mut found, mut others, mut planted) = (0, 0, 0);
    for _ in 0..40 {
        let mut counted = group(&mut random, 300, 20.0, Some(50));
        for one in &mut counted[..5] {
            one.events = poisson(&mut random, 60.0);
        }
        let named = named(&counted);
        planted += 5;
        found += named.iter().filter(|at| **at < 5).count();
        others += named.iter().filter(|at| **at >= 5).count();
    }
    println!("found {found} of {planted}, others {others}");
    assert!(found * 100 >= planted * 95, "{found} of {planted}");
    assert!(others <= 3, "{others}");
}

//! Distances that recur between near events.

/// Each event's distance is taken to so many of the next ones: a series that
/// is one in this many events still shows.
const LAGS: usize = 12;
/// A candidate is good to this share of it.
pub(super) const SAME: f64 = 0.01;
/// Two distances within such a share of each other are the same, and so many
/// candidates are taken: finely for a series among others, and coarsely, as
/// jitter spreads the distances while their median stays good.
const GROUPS: [(f64, usize); 2] = [(SAME, 8), (0.08, 3)];
/// Events that distances are taken from.
const MOST_EVENTS: usize = 3_000;

/// The distances that recur most, as seen in a stretch of events.
pub(super) fn distances(times: &[f64]) -> Vec<f64> {
    let middle = times.len().saturating_sub(MOST_EVENTS) / 2;
    let stretch = &times[middle..times.len().min(middle + MOST_EVENTS)];
    let mut all: Vec<f64> = (1..=LAGS)
        .flat_map(|lag| stretch.windows(lag + 1).map(move |run| run[lag] - run[0]))
        .filter(|distance| *distance > 0.0)
        .collect();
    all.sort_unstable_by(f64::total_cmp);
    GROUPS
        .into_iter()
        .flat_map(|(same, most)| recurring(all.clone(), same, most))
        .collect()
}

fn recurring(mut all: Vec<f64>, same: f64, most: usize) -> Vec<f64> {
    let mut found = Vec::new();
    while found.len() < most {
        let Some((from, to)) = shortest_dense(&all, same) else {
            break;
        };
        // A distance that came twice recurs no more than chance has it.
        if to - from < 3 {
            break;
        }
        found.push(all[(from + to) / 2]);
        all.drain(from..to);
    }
    found
}

/// The group of equal distances that a search should look at next, as a range
/// of `sorted`: of those with about the most members the shortest, as a period
/// brings its multiples along.
fn shortest_dense(sorted: &[f64], same: f64) -> Option<(usize, usize)> {
    let mut groups = Vec::with_capacity(sorted.len());
    let mut to = 0;
    for from in 0..sorted.len() {
        let limit = sorted[from] * (1.0 + same);
        while to < sorted.len() && sorted[to] <= limit {
            to += 1;
        }
        groups.push(to - from);
    }
    let most = groups.iter().copied().max()?;
    // Half of the most, and then the fullest within the same distance.
    let first = groups.iter().position(|&count| 2 * count >= most)?;
    let limit = sorted[first] * (1.0 + same);
    let near = (first..sorted.len()).take_while(|&at| sorted[at] <= limit);
    let from = near.max_by_key(|&at| (groups[at], std::cmp::Reverse(at)))?;
    Some((from, from + groups[from]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_of_a_tick_comes_first() {
        let times: Vec<f64> = (0..50).map(|tick| f64::from(tick) * 1e6).collect();
        let found = distances(&times);
        assert!((found[0] - 1e6).abs() < 1.0, "{found:?}");
    }

    #[test]
    fn nothing_recurs_among_few_events() {
        assert_eq!(distances(&[0.0, 10.0, 35.0]), Vec::<f64>::new());
        assert_eq!(distances(&[]), Vec::<f64>::new());
    }
}

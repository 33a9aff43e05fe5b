//! What it takes to watch a guest that exits as often as it can.

use anyhow::{Context, Result, ensure};

/// `hwgap host` may take this part of what `perf kvm stat live` takes, at most.
const BAR: f64 = 1.0 / 3.0;
/// Instructions in a nanosecond of a CPU that is not emulated: 3 GHz, one a cycle.
const REAL: f64 = 3.0;

/// Instructions an exit: the emulated clock counts them.
#[derive(Debug, PartialEq)]
pub struct Cost {
    unwatched: f64,
    by_hwgap: f64,
    /// `None` where perf did not run.
    by_perf: Option<f64>,
}

/// From the guest's lines, each the begin of a slice and instructions an exit, and
/// the outer machine's four marks, a pair about each that watches.
///
/// # Errors
/// Where a line is not of this form, or a part holds no slice.
pub fn measure(slices: &str, marks: &str, offset: i64) -> Result<Cost> {
    let slices = slices
        .lines()
        .map(|line| {
            let (start, cost) = line.split_once(' ').context("a slice of one word")?;
            let start: u64 = start.parse()?;
            Ok((start.wrapping_add_signed(-offset), cost.parse()?))
        })
        .collect::<Result<Vec<(u64, f64)>>>()?;
    let marks = marks
        .lines()
        .map(|line| Ok(line.parse()?))
        .collect::<Result<Vec<u64>>>()?;
    let &[hwgap, hwgap_end, perf, perf_end] = marks.as_slice() else {
        anyhow::bail!("{} marks", marks.len());
    };
    let median = |is_in: &dyn Fn(u64) -> bool| {
        let inside = slices.iter().filter(|(start, _)| is_in(*start));
        let mut costs: Vec<f64> = inside.map(|(_, cost)| *cost).collect();
        ensure!(!costs.is_empty(), "nothing was measured");
        costs.sort_by(f64::total_cmp);
        Ok(costs[costs.len() / 2])
    };
    let unwatched = median(&|start| start < hwgap || start > perf_end)?;
    let watched = |from: u64, to: u64| {
        Ok::<_, anyhow::Error>(median(&|start| (from..to).contains(&start))? - unwatched)
    };
    let by_perf = watched(perf, perf_end).ok();
    Ok(Cost {
        unwatched,
        by_hwgap: watched(hwgap, hwgap_end)?,
        // Without perf there is nothing to see, or a moment of a shell.
        by_perf: by_perf.filter(|more| *more > unwatched / 100.0),
    })
}

impl Cost {
    /// In markdown.
    pub fn table(&self) -> String {
        let row = |who: &str, more: f64| {
            let part = more * 100_000.0 / 1e9 / REAL * 100.0;
            format!("| {who} | {more:.0} | {part:.1} % |\n")
        };
        let mut table = format!(
            "| guest that exits in a loop | instructions an exit | of a CPU of {REAL} GHz, one \
             instruction a cycle, at 100,000 exits a second |\n|---|---|---|\n\
             | nobody watches | {:.0} | - |\n",
            self.unwatched
        );
        table += &row("more with hwgap host", self.by_hwgap);
        match self.by_perf {
            Some(more) => table += &row("more with perf kvm stat live", more),
            None => table += "| perf is not installed | - | - |\n",
        }
        table
    }

    /// Why it is too much.
    pub fn failure(&self) -> Option<String> {
        let by_perf = self.by_perf?;
        let ratio = self.by_hwgap / by_perf;
        (ratio > BAR).then(|| {
            format!(
                "hwgap host takes {ratio:.2} of what perf kvm stat live takes, more than {BAR:.2}"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A guest whose TSC is 1,000 behind; each slice is 100 long.
    fn cost(hwgap: f64, perf: f64) -> Cost {
        let slices: String = (0..100)
            .map(|slice| {
                let start = 9_000 + 100 * slice;
                let cost = match slice {
                    20..40 => 3_000.0 + hwgap,
                    60..80 => 3_000.0 + perf,
                    _ => 3_000.0,
                };
                format!("{start} {cost:.1}\n")
            })
            .collect();
        measure(&slices, "12000\n14000\n16000\n18000\n", -1_000).unwrap()
    }

    #[test]
    fn each_that_watches_takes_what_it_adds() {
        let expected = Cost {
            unwatched: 3_000.0,
            by_hwgap: 700.0,
            by_perf: Some(3_300.0),
        };
        assert_eq!(cost(700.0, 3_300.0), expected);
        assert_eq!(cost(700.0, 3_300.0).failure(), None);
        assert!(cost(1_400.0, 3_300.0).failure().is_some());
    }

    #[test]
    fn a_turn_without_perf_is_no_rival() {
        assert_eq!(cost(700.0, 0.0).by_perf, None);
        assert!(measure("10000 3000.0\n", "1\n2\n", 0).is_err());
    }
}

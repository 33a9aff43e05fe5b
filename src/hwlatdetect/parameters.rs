//! What hwlatdetect's options come to: its own parameters, and the run that
//! stands for it.

use std::path::PathBuf;

use crate::cli::{HwlatdetectArgs, RunArgs};
use crate::model::KeepGaps;
use crate::plan::{Pauses, RunPlan};
use crate::units::Nanos;

use super::Format;
use super::sample::whole_micros;

/// hwlatdetect tests for two minutes.
const DURATION: Nanos = Nanos(120_000_000_000);
/// Samples that a report lists.
const MOST_SAMPLES: usize = 100_000;
/// The tracer's threshold where nobody set one (kernel/trace/trace_hwlat.c).
const THRESHOLD: Nanos = Nanos(10_000);
/// The tracer's window.
const WINDOW: Nanos = Nanos(1_000_000_000);
/// The part of it that the tracer samples.
const WIDTH: Nanos = Nanos(500_000_000);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// Samples, SMI counts, errors.
    Quiet,
    /// The lines that programs read.
    Normal,
    /// Beside them, what is set and found.
    Debug,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    AtTheEnd,
    /// As they come.
    Live,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// The least to sample.
    Least,
    /// All that is sampled.
    Exact,
}

#[derive(Clone, Debug)]
pub struct Parameters {
    pub duration: Nanos,
    /// Latencies above this are samples.
    pub threshold: Nanos,
    /// Latencies above this fail the test.
    pub hardlimit: Nanos,
    pub window: Nanos,
    /// Sampled part of it, by `width_is`.
    pub width: Nanos,
    pub width_is: Width,
    pub cpu_list: Option<String>,
    pub report: Option<PathBuf>,
    pub voice: Voice,
    pub listing: Listing,
    /// Whose output is written.
    pub format: Format,
    /// What was set, a line each.
    pub settings: Vec<String>,
}

impl Parameters {
    /// Makes out the parameters as hwlatdetect does.
    pub fn new(args: &HwlatdetectArgs) -> Parameters {
        let given = |option: Option<crate::cli::Optional<Nanos>>| option.and_then(|value| value.0);
        let mut settings = Vec::new();
        let threshold = given(args.threshold);
        if let Some(threshold) = threshold {
            settings.push(format!("threshold set to {}us", whole_micros(threshold)));
        }
        let threshold = threshold.unwrap_or(THRESHOLD);
        let hardlimit = given(args.hardlimit).unwrap_or(threshold);
        settings.push(format!("hardlimit set to {}us", whole_micros(hardlimit)));
        let (width, window) = windows(given(args.width), given(args.window), &mut settings);
        let duration = given(args.duration).unwrap_or(DURATION);
        settings.push(format!("test duration is {}s", seconds(duration)));
        Parameters {
            duration,
            threshold,
            hardlimit,
            window,
            width,
            width_is: match args.only_width {
                true => Width::Exact,
                false => Width::Least,
            },
            cpu_list: args.cpu_list.clone().filter(|list| !list.is_empty()),
            report: (args.report.as_ref())
                .filter(|file| !file.is_empty())
                .map(PathBuf::from),
            voice: match (args.quiet, args.debug) {
                (true, _) => Voice::Quiet,
                (false, true) => Voice::Debug,
                (false, false) => Voice::Normal,
            },
            listing: match args.watch {
                true => Listing::Live,
                false => Listing::AtTheEnd,
            },
            format: args.format_version.into(),
            settings,
        }
    }

    /// The options of `hwgap run` for this test. `args` has what is hwgap's own.
    pub fn run_args(&self, args: &HwlatdetectArgs) -> RunArgs {
        let exact = self.width_is == Width::Exact;
        RunArgs {
            duration: Some(self.duration),
            threshold: self.threshold,
            // What is no sample cannot be above the limit either.
            hardlimit: Some(self.hardlimit.max(self.threshold)),
            cpus: self.cpu_list.clone(),
            width: exact.then_some(self.width),
            window: exact.then_some(self.window),
            engine: vec![args.engine],
            // Each sample is a line of its report.
            keep_gaps: Some(KeepGaps::AtMost(MOST_SAMPLES)),
            output: args.json.clone(),
            quiet: true,
            host_root: args.host_root.clone(),
            ..RunArgs::defaults()
        }
    }

    /// The least share of the time that is to be sampled.
    pub fn share(&self) -> f64 {
        self.width.0 as f64 / self.window.0 as f64
    }

    /// The plan, with no longer pauses for others than the width allows.
    pub fn fit(&self, mut plan: RunPlan) -> RunPlan {
        let share = plan.width.0 as f64 / plan.window.0 as f64;
        if plan.pauses == Pauses::ForOthers && self.share() > share {
            (plan.width, plan.window) = (self.width, self.window);
            plan.pauses = match self.width == self.window {
                true => Pauses::None,
                false => Pauses::AsAsked,
            };
        }
        plan
    }
}

/// Width and window, in the order in which hwlatdetect makes them fit: the
/// window first, then the width.
fn windows(
    width: Option<Nanos>,
    window: Option<Nanos>,
    settings: &mut Vec<String>,
) -> (Nanos, Nanos) {
    let mut fitted = (WIDTH, WINDOW);
    if let Some(window) = window {
        let whole = whole_micros(window);
        if window < fitted.0 {
            let half = whole / 2;
            settings.push(format!(
                "shrinking width to {half} for new window of {whole}"
            ));
            fitted.0 = micros(half);
        }
        fitted.1 = window;
        settings.push(format!("window for sampling set to {whole}us"));
    }
    if let Some(width) = width {
        let whole = whole_micros(width);
        if width > fitted.1 {
            let twice = whole.saturating_mul(2);
            settings.push(format!(
                "widening window to {twice} for new width of {whole}"
            ));
            fitted.1 = micros(twice);
        }
        fitted.0 = width;
        settings.push(format!("sample width set to {whole}us"));
    }
    fitted
}

fn micros(count: u64) -> Nanos {
    Nanos(count.saturating_mul(Nanos::MICROSECOND.0))
}

/// Seconds, with as many decimals as they have.
pub(super) fn seconds(length: Nanos) -> String {
    length.as_secs_f64().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Width and window in microseconds.
    fn fitted(width: Option<u64>, window: Option<u64>) -> (u64, u64) {
        let (width, window) = windows(width.map(micros), window.map(micros), &mut Vec::new());
        (whole_micros(width), whole_micros(window))
    }

    #[test]
    fn width_and_window_are_made_to_fit_each_other() {
        for (width, window, expected) in [
            (None, None, (500_000, 1_000_000)),
            (None, Some(2_000_000), (500_000, 2_000_000)),
            (None, Some(100_001), (50_000, 100_001)),
            (Some(950_000), None, (950_000, 1_000_000)),
            (Some(1_500_000), None, (1_500_000, 3_000_000)),
            (Some(950_000), Some(10_000_000), (950_000, 10_000_000)),
            (Some(200_000), Some(100_000), (200_000, 400_000)),
        ] {
            assert_eq!(fitted(width, window), expected, "{width:?} {window:?}");
        }
    }

    #[test]
    fn seconds_have_decimals_only_where_they_need_them() {
        assert_eq!(seconds(Nanos(120_000_000_000)), "120");
        assert_eq!(seconds(Nanos(500_000_000)), "0.5");
        assert_eq!(seconds(Nanos(10_000_000)), "0.01");
    }
}

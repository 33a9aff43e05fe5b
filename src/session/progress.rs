//! What a terminal shows while a run goes on.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::units::{CpuId, Nanos, UtcNanos};

/// A gap of the platform's as soon as it is judged. What is learnt of the
/// clocks later may still take it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveGap {
    /// The CPU it was seen on.
    pub cpu: CpuId,
    /// The last reading before it.
    pub start: UtcNanos,
    /// The platform's share of it.
    pub length: Nanos,
}

/// Told of the state of a run a few times a second, on the collector's thread.
pub trait Progress {
    /// The state now.
    fn show(&mut self, elapsed: Nanos, worst_platform: Nanos, gaps: u64);
    /// A platform gap has come in.
    fn found(&mut self, _gap: LiveGap) {}
    /// The run is over; the terminal is to be as before.
    fn end(&mut self);
}

/// Shows nothing.
pub struct Silent;

impl Progress for Silent {
    fn show(&mut self, _elapsed: Nanos, _worst_platform: Nanos, _gaps: u64) {}
    fn end(&mut self) {}
}

/// A bar on standard error. It has no thread of its own: drawing happens where
/// the collector runs, away from the sampled CPUs.
pub struct TerminalProgress {
    bar: ProgressBar,
    word: &'static str,
}

impl TerminalProgress {
    /// A bar for a run of this length; `word` says whose gaps it shows.
    pub fn new(duration: Nanos, word: &'static str) -> TerminalProgress {
        let bar = ProgressBar::with_draw_target(
            Some(duration.0 / Nanos::MILLISECOND.0),
            ProgressDrawTarget::stderr_with_hz(5),
        );
        let style = ProgressStyle::with_template("{bar:20} {percent:>3} %  {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("=> "));
        TerminalProgress { bar, word }
    }
}

impl Progress for TerminalProgress {
    fn show(&mut self, elapsed: Nanos, worst_platform: Nanos, gaps: u64) {
        let position = elapsed.0 / Nanos::MILLISECOND.0;
        self.bar.set_position(position);
        let total = self.bar.length().unwrap_or(position);
        let left = Duration::from_secs(total.saturating_sub(position).div_ceil(1_000));
        let worst = match worst_platform {
            Nanos(0) => String::from("none yet"),
            worst => worst.to_string(),
        };
        self.bar.set_message(format!(
            "{} left  worst {} gap: {worst}  gaps: {gaps}",
            indicatif::HumanDuration(left),
            self.word,
        ));
    }

    fn end(&mut self) {
        self.bar.finish_and_clear();
    }
}

//! `--watch`: samples as they come.

use std::cell::Cell;
use std::io::Write;
use std::rc::Rc;

use crate::session::{LiveGap, Progress};
use crate::units::Nanos;

use super::{Format, Sample};

pub type Shown = Rc<Cell<u64>>;

/// Prints samples as they come.
pub struct Watch<W> {
    out: W,
    threshold: Nanos,
    format: Format,
    shown: Shown,
}

impl<W: Write> Watch<W> {
    /// Prints samples above `threshold` to `out`, and counts them in `shown`.
    pub fn new(out: W, threshold: Nanos, format: Format, shown: Shown) -> Watch<W> {
        Watch {
            out,
            threshold,
            format,
            shown,
        }
    }
}

impl<W: Write> Progress for Watch<W> {
    fn found(&mut self, gap: LiveGap) {
        let Some(sample) = Sample::of_live(gap, self.threshold) else {
            return;
        };
        self.shown.set(self.shown.get() + 1);
        // Whoever read them is gone; the test goes on, and ends with a status.
        let _ = writeln!(self.out, "{}", sample.line(self.format)).and_then(|()| self.out.flush());
    }

    fn end(&mut self) {}
}

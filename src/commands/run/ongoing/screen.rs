//! The live view of a terminal: how far the run is, and a line for each CPU.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::render::standing::Standing;
use crate::session::View;
use crate::units::Nanos;

/// Lines that the view leaves to the rest of the terminal: the bar, the header,
/// and one for the prompt.
const OTHER_LINES: usize = 3;
/// Lines below the header where the terminal does not say how high it is.
const DEFAULT_LINES: usize = 17;
/// Drawings a second.
const RATE: u8 = 5;

pub(super) struct Screen {
    standing: Standing,
    all: MultiProgress,
    head: ProgressBar,
    lines: Vec<ProgressBar>,
}

impl Screen {
    pub(super) fn new(standing: Standing) -> Screen {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(RATE));
        let (length, template) = match standing.duration {
            Some(duration) => (duration.0, "{bar:20} {percent:>3} %  {wide_msg}"),
            None => (0, "{wide_msg}"),
        };
        let bar = ProgressBar::new(length / Nanos::MILLISECOND.0);
        let head = all.add(bar.with_style(style(template)));
        Screen {
            standing,
            all,
            head,
            lines: Vec::new(),
        }
    }

    pub(super) fn draw(&mut self, view: &View) {
        self.head.set_message(self.standing.head(view));
        self.head
            .set_position(view.elapsed.0 / Nanos::MILLISECOND.0);
        let lines = self.standing.table(view, room());
        while self.lines.len() > lines.len() {
            if let Some(line) = self.lines.pop() {
                self.all.remove(&line);
            }
        }
        while self.lines.len() < lines.len() {
            let line = ProgressBar::new(0).with_style(style("{wide_msg}"));
            self.lines.push(self.all.add(line));
        }
        for (bar, line) in self.lines.iter().zip(lines) {
            bar.set_message(line);
        }
    }

    /// Puts a text above the view.
    pub(super) fn tell(&self, text: &str) {
        // A terminal that is gone takes nothing.
        let _ = self.all.println(text.trim_end_matches('\n'));
    }

    pub(super) fn clear(&self) {
        let _ = self.all.clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

fn room() -> usize {
    let size = console::Term::stderr().size_checked();
    size.map_or(DEFAULT_LINES, |(rows, _)| {
        usize::from(rows).saturating_sub(OTHER_LINES).max(1)
    })
}

//! A report in a terminal: a screen that has the verdict first and what it rests
//! on, or all of its document.
//!
//! Nothing here may claim more than was measured. In a guest the machine
//! below cannot be told from the hypervisor, so it is never the subject.

mod screen;
pub(super) mod whole;

use std::borrow::Borrow;
use std::io::{self, Write};

use crate::judgement::digest::Digest;
use crate::judgement::worst;
use crate::model::{Gap, Report};
use crate::render::document::{Block, Document, Summary};
use crate::render::style::Style;
use crate::text::look::Extent;
use crate::text::{clean, human};

/// Of more gaps, a screen shows the worst.
const WORST_GAPS: usize = 10;
/// Rows of the histogram where there is room.
const MOST_BINS: usize = 16;

/// Writes the text of a report whose gaps come one by one.
pub fn write<I>(
    report: &Report<()>,
    gaps: I,
    style: Style,
    extent: Extent,
    mut out: impl Write,
) -> io::Result<()>
where
    I: IntoIterator,
    I::Item: Borrow<Gap>,
{
    out.write_all(render(report, gaps, style, extent).as_bytes())?;
    out.flush()
}

/// The text: printable ASCII and the escapes of `style`, at most 80 columns.
pub fn render<I>(report: &Report<()>, gaps: I, style: Style, extent: Extent) -> String
where
    I: IntoIterator,
    I::Item: Borrow<Gap>,
{
    match extent {
        Extent::Screen => {
            let worst = &worst::gaps(gaps, WORST_GAPS);
            screen::render(&Summary { report, worst }, style)
        }
        Extent::Verbose => {
            let digest = Digest::new(report, gaps);
            let mut document = Document::new(report, &digest, None);
            let histogram = screen::picture(report, MOST_BINS);
            document.insert_pictures(1, vec![Block::Lines(histogram)]);
            whole::render(&document, style, extent)
        }
    }
}

fn one_day<'a>(times: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut days = times.into_iter().map(human::day_and_time);
    let (first, _) = days.next()??;
    days.all(|day| day.is_some_and(|(day, _)| day == first))
        .then_some(first)
}

/// The time of day where the day is known, else both.
fn time(utc: &str, day: Option<&str>) -> String {
    match human::day_and_time(utc) {
        Some((_, time)) if day.is_some() => time.to_owned(),
        // A year is known from the run's start.
        Some((day, time)) => format!("{} {time}", &day[5..]),
        None => clean::truncated(&clean::ascii(utc), 21).into_owned(),
    }
}

//! Pictures of a fleet.

mod outcomes;
mod periods;
mod timeline;
mod worst;

use maud::{Markup, html};

use crate::fleet::groups::Dimension;
use crate::fleet::model::{FleetReport, GroupRow, HostRow};
use crate::model::Outcome;
use crate::render::fleet::words;
use crate::render::plot::{Frame, Picture, Tick, number};
use crate::render::web::shown;
use crate::text::{clean, human};

pub(super) use timeline::draw as timeline;

/// Groups that have a row.
const MOST_ROWS: usize = 16;
/// Their names are cut at this many characters.
const LONGEST_NAME: usize = 36;
/// Pixels of a row.
const ROW_HEIGHT: f64 = 26.0;

/// What each outcome looks like: those that count most are drawn last.
const OUTCOMES: [(Outcome, &str, &str); 3] = [
    (Outcome::Pass, "os", "passes"),
    (Outcome::Inconclusive, "unknown", "is inconclusive"),
    (Outcome::Fail, "bad-mark", "fails"),
];

/// Those that have something to show.
pub(super) fn draw(report: &FleetReport) -> Vec<Picture> {
    let rows = Rows::new(report);
    let of_groups = (!report.hosts.is_empty()).then(|| {
        [
            worst::draw(report, &rows),
            outcomes::draw(&rows, &report.totals),
        ]
    });
    let periods = (!report.series.is_empty()).then(|| periods::draw(report));
    of_groups.into_iter().flatten().chain(periods).collect()
}

const BIOS: Dimension = Dimension::Bios;
const MODEL: Dimension = Dimension::Model;

/// The groups of hosts that pictures have a row for: those of one BIOS, or of one
/// model where they would be too many.
struct Rows<'a> {
    dimension: Dimension,
    /// Those that fail most, then the largest.
    groups: Vec<&'a GroupRow>,
    /// How many are left out.
    more: usize,
}

impl<'a> Rows<'a> {
    fn new(report: &'a FleetReport) -> Rows<'a> {
        let of = |dimension: Dimension| -> Vec<&GroupRow> {
            let groups = report.groups.iter();
            groups.filter(|row| row.dimension == dimension).collect()
        };
        // What separates those that fail is what should be seen.
        let causes = words::causes(report).map(|row| row.dimension);
        let cause = causes.into_iter().find(|it| [BIOS, MODEL].contains(it));
        let dimension = cause.unwrap_or_else(|| match of(BIOS).len() <= MOST_ROWS {
            true => BIOS,
            false => MODEL,
        });
        let mut groups = of(dimension);
        groups.sort_by_key(|row| std::cmp::Reverse((row.fail, row.hosts)));
        let more = groups.len().saturating_sub(MOST_ROWS);
        groups.truncate(MOST_ROWS);
        Rows {
            dimension,
            groups,
            more,
        }
    }

    /// The row of a host, if it has one.
    fn of(&self, host: &HostRow) -> Option<usize> {
        let name = self.dimension.group_of(&host.identity);
        self.groups.iter().position(|group| group.name == name)
    }

    /// The middle of a row, from the top.
    fn place(&self, row: usize) -> f64 {
        1.0 - (row as f64 + 0.5) / self.groups.len().max(1) as f64
    }

    fn ticks(&self) -> Vec<Tick> {
        let groups = self.groups.iter().enumerate();
        groups
            .map(|(row, group)| Tick {
                at: self.place(row),
                text: clean::truncated(&group.name, LONGEST_NAME).into_owned(),
            })
            .collect()
    }

    fn height(&self) -> f64 {
        ROW_HEIGHT * self.groups.len().max(2) as f64 + 56.0
    }

    /// Whoever points at a row reads its words.
    fn told(&self, frame: &Frame, words: &[String]) -> Markup {
        let (left, right) = (frame.at_x(0.0), frame.at_x(1.0));
        html! {
            @for (row, words) in words.iter().enumerate() {
                rect.hit x=(number(left)) width=(number(right - left))
                    y=(number(frame.at_y(self.place(row)) - ROW_HEIGHT / 2.0))
                    height=(number(ROW_HEIGHT)) { title { (shown(words)) } }
            }
        }
    }

    /// What a caption says of groups without a row.
    fn left_out(&self) -> String {
        match self.more {
            0 => String::new(),
            more => format!(
                " {} with fewer failing hosts left out.",
                human::counted(more as u64, "more group")
            ),
        }
    }
}

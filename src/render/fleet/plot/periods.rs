//! Regular series that hosts share: a period that many show is a timer.

use maud::html;

use crate::fleet::model::FleetReport;
use crate::render::fleet::words;
use crate::render::plot::{DOT, Frame, Logarithmic, Picture, number, path};
use crate::render::web::shown;
use crate::text::human;

/// Series that are drawn: those of most hosts.
const MOST: usize = 100;

pub(super) fn draw(report: &FleetReport) -> Picture {
    let series = &report.series[..report.series.len().min(MOST)];
    let periods = || series.iter().map(|row| row.period_ns.0 as f64);
    let x = Logarithmic::new(
        periods().fold(f64::MAX, f64::min),
        periods().fold(0.0, f64::max),
    );
    let most = series.iter().map(|row| row.hosts).max().unwrap_or(1);
    let y = Logarithmic::new(1.0, most as f64);
    let ticks = y.counts();
    let frame = Frame::new(("period", x.lengths()), ("hosts", ticks), 220.0);
    let (mut stems, mut points) = (String::new(), String::new());
    for row in series {
        let at = number(frame.at_x(x.place(row.period_ns.0 as f64)));
        let height = number(frame.at_y(y.place(row.hosts as f64)));
        stems.push_str(&format!("M{at} {}V{height}", number(frame.at_y(0.0))));
        points.push_str(&format!("M{at} {height}{DOT}"));
    }
    let figures: Vec<String> = (series.iter())
        .map(|row| format!("{}.", words::series(row, report.totals.hosts)))
        .collect();
    let title = "Periods that hosts share";
    let content = html! {
        (path("whisker platform", &stems))
        (path("point platform", &points))
        @for (row, words) in series.iter().zip(&figures) {
            rect.hit x=(number(frame.at_x(x.place(row.period_ns.0 as f64)) - 6.0)) width="12"
                y=(number(frame.at_y(1.0))) height=(number(frame.at_y(0.0) - frame.at_y(1.0))) {
                title { (shown(words)) }
            }
        }
    };
    Picture {
        title,
        caption: String::from(
            "A point for each regular series of stalls that more hosts show than chance allows: \
             its period, and how many hosts show it. Both axes are logarithmic.",
        ),
        legend: Vec::new(),
        svg: frame.draw(
            title,
            &shown(&format!(
                "{}: {}",
                human::counted(report.series.len() as u64, "period"),
                figures.join(" ")
            )),
            content,
        ),
    }
}

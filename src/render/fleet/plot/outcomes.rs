//! Which share of each group fails.

use maud::html;

use super::{OUTCOMES, ROW_HEIGHT, Rows};
use crate::fleet::model::{GroupRow, Totals};
use crate::model::Outcome;
use crate::render::plot::{Frame, Picture, Tick, number, path};
use crate::render::web::shown;
use crate::text::human;

pub(super) fn draw(rows: &Rows<'_>, totals: &Totals) -> Picture {
    let share = |at: f64| Tick {
        at,
        text: format!("{} %", human::round(at * 100.0)),
    };
    let frame = Frame::new(
        (
            "share of the hosts",
            [0.0, 0.25, 0.5, 0.75, 1.0].map(share).into(),
        ),
        (rows.dimension.name(), rows.ticks()),
        rows.height(),
    );
    // From the left: those that fail.
    let order = || OUTCOMES.iter().rev();
    let bars = |wanted: Outcome| {
        let mut data = String::new();
        for (row, group) in rows.groups.iter().enumerate() {
            let before = order().take_while(|(outcome, ..)| *outcome != wanted);
            let before: u64 = before.map(|(outcome, ..)| count(group, *outcome)).sum();
            let own = count(group, wanted);
            if own == 0 {
                continue;
            }
            let place = |hosts: u64| frame.at_x(hosts as f64 / group.hosts.max(1) as f64);
            let height = ROW_HEIGHT * 0.6;
            data.push_str(&format!(
                "M{} {}H{}v{}H{}z",
                number(place(before)),
                number(frame.at_y(rows.place(row)) - height / 2.0),
                number(place(before + own)),
                number(height),
                number(place(before))
            ));
        }
        data
    };
    let figures: Vec<String> = (rows.groups.iter())
        .map(|group| {
            let [pass, open, fail] = OUTCOMES.map(|(outcome, ..)| count(group, outcome));
            format!(
                "{}: of {} {} fail, {} are inconclusive, {} pass.",
                group.name,
                human::counted(group.hosts, "host"),
                human::grouped(fail),
                human::grouped(open),
                human::grouped(pass)
            )
        })
        .collect();
    let title = "Hosts that fail";
    let content = html! {
        @for (outcome, class, _) in order() { (path(&format!("area {class}"), &bars(*outcome))) }
        (rows.told(&frame, &figures))
    };
    Picture {
        title,
        caption: format!(
            "{} of {} fail. Each bar is all hosts of a {}, however many they are.{}",
            human::grouped(totals.fail),
            human::counted(totals.hosts, "host"),
            rows.dimension.name(),
            rows.left_out()
        ),
        legend: order().map(|(_, class, words)| (*class, *words)).collect(),
        svg: frame.draw(title, &shown(&figures.join(" ")), content),
    }
}

fn count(group: &GroupRow, outcome: Outcome) -> u64 {
    match outcome {
        Outcome::Pass => group.pass,
        Outcome::Fail => group.fail,
        Outcome::Inconclusive => group.inconclusive,
    }
}

//! Which CPUs saw stalls when: firmware stops all at once.

use maud::html;

use crate::judgement::digest::{COLUMNS, Class, Digest, MOST_CPU_ROWS};
use crate::model::Report;
use crate::render::plot::Picture;
use crate::render::plot::axis::{Tick, times};
use crate::render::plot::frame::{Frame, LEFT, number, path};
use crate::render::plot::timeline::LEGEND;
use crate::text::human;

/// Names of CPUs that are written at the axis.
const MOST_NAMES: usize = 16;

pub(super) fn draw(report: &Report<()>, digest: &Digest) -> Picture {
    let cpus = report.cpus.len().max(1);
    let rows = cpus.min(MOST_CPU_ROWS);
    let height = (14 * rows).clamp(24, 340) as f64;
    let middle = |row: usize| (row as f64 + 0.5) / rows as f64;
    let step = rows.div_ceil(MOST_NAMES).max(1);
    let name = |row: usize| {
        let cpu = report.cpus.get((row * cpus).div_ceil(rows));
        cpu.map_or(String::new(), |cpu| cpu.cpu.to_string())
    };
    let frame = Frame::new(
        (
            "time since the start of the run",
            times(report.run.elapsed_ns),
        ),
        (
            "CPU",
            (0..rows)
                .step_by(step)
                .map(|row| Tick {
                    at: middle(row),
                    text: name(row),
                })
                .collect(),
        ),
        height + 56.0,
    )
    .beside(LEFT);
    let half = (height / rows as f64 * 0.4).max(0.5);
    let ticks = |wanted: Class| {
        let mut data = String::new();
        for ((row, column), _) in digest.on_cpus.iter().filter(|(_, class)| **class == wanted) {
            let x = frame.at_x(f64::from(*column) / (COLUMNS - 1) as f64);
            let y = frame.at_y(middle(usize::from(*row).min(rows - 1)));
            data.push_str(&format!(
                "M{} {}v{}",
                number(x),
                number(y - half),
                number(2.0 * half)
            ));
        }
        data
    };
    let stalled = |row: usize| {
        digest
            .on_cpus
            .keys()
            .filter(|(at, _)| usize::from(*at) == row)
            .count()
    };
    let busiest = (0..rows).max_by_key(|row| stalled(*row)).unwrap_or(0);
    let figures = format!(
        "{} of {COLUMNS} columns of time and {} of CPUs hold a stall; most of them, {}, on CPU {}.",
        digest.on_cpus.len(),
        human::counted(rows as u64, "row"),
        stalled(busiest),
        name(busiest)
    );
    let title = "CPUs and stalls";
    Picture {
        title,
        caption: String::from(
            "A tick where a gap of the platform fell on a CPU. Ticks that stand in line on all \
             CPUs are what an SMI looks like.",
        ),
        legend: LEGEND[..2].to_vec(),
        svg: frame.draw(
            title,
            &figures,
            html! {
                (path("tick platform", &ticks(Class::OtherPlatform)))
                (path("tick smi", &ticks(Class::Smi)))
            },
        ),
    }
}

//! The guest's time line and its host's under each other: the run as a whole, and
//! the worst gaps.

use maud::html;

use crate::explain::{Band, Kind, Mark, Pair, Pictured};
use crate::render::plot::{DOT, Frame, Picture, Tick, number, path, times};
use crate::text::{clean_text, human};
use crate::units::Nanos;

/// What each colour stands for.
const KINDS: [(Kind, &str, &str); 6] = [
    (Kind::GuestKernel, "os", "the guest's kernel"),
    (Kind::Exit, "before", "KVM or the VMM, for the guest"),
    (Kind::Host, "platform", "the host's interrupts and tasks"),
    (Kind::Idle, "uncovered", "halted, stopped or on its way"),
    (Kind::Hardware, "smi", "an SMI, or the CPU"),
    (Kind::NotKnown, "unknown", "not observed"),
];
/// Room for the names of rows.
const NAMES: f64 = 150.0;
/// Pixels of a pair of bars.
const PAIR: f64 = 44.0;
const BAR: f64 = 13.0;

pub(super) fn draw(pictured: &Pictured) -> Vec<Picture> {
    [
        (!pictured.guest.is_empty()).then(|| run(pictured)),
        (!pictured.worst.is_empty()).then(|| worst(&pictured.worst)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn legend(used: impl Fn(Kind) -> bool) -> Vec<(&'static str, &'static str)> {
    let used = KINDS.into_iter().filter(|(kind, ..)| used(*kind));
    used.map(|(_, class, words)| (class, words)).collect()
}

/// The decades that hold all lengths.
fn decades(marks: impl Iterator<Item = Nanos>) -> (i32, i32) {
    let logs = marks.map(|length| (length.0.max(1) as f64).log10());
    let (low, high) = logs.fold((f64::MAX, 0.0_f64), |(low, high), log| {
        (low.min(log), high.max(log))
    });
    let low = low.min(high).floor() as i32;
    (low, (high.ceil() as i32).max(low + 1))
}

/// The guest's gaps above, the host's absences below, on one axis of time.
fn run(pictured: &Pictured) -> Picture {
    let all = || pictured.guest.iter().chain(&pictured.host);
    let (low, high) = decades(all().map(|mark| mark.length));
    // Each side has a half, with a little room between them.
    let height = |length: Nanos| {
        let log = (length.0.max(1) as f64).log10();
        0.45 * (log - f64::from(low)) / f64::from(high - low)
    };
    const GUEST: f64 = 0.53;
    const HOST: f64 = 0.0;
    let ticks = [(GUEST, "guest"), (HOST, "host")]
        .into_iter()
        .flat_map(|(foot, side)| {
            (low..=high).map(move |decade| {
                let length = Nanos(10_u64.pow(decade.clamp(0, 18) as u32));
                let text = human::chosen(length);
                Tick {
                    at: foot + 0.45 * f64::from(decade - low) / f64::from(high - low),
                    text: match decade == low {
                        true => format!("{side}: {text}"),
                        false => text,
                    },
                }
            })
        });
    let frame = Frame::new(
        ("time since the first gap", times(pictured.elapsed)),
        (
            "length: the guest's gaps above, absences below",
            ticks.collect(),
        ),
        420.0,
    );
    let elapsed = pictured.elapsed.0.max(1) as f64;
    let marks = |marks: &[Mark], foot: f64, kind: Kind| {
        let mut data = String::new();
        for mark in marks.iter().filter(|mark| mark.kind == kind) {
            let x = frame.at_x((mark.at.0 as f64 / elapsed).min(1.0));
            let y = frame.at_y(foot + height(mark.length).clamp(0.0, 0.45));
            data.push_str(&format!("M{} {}{DOT}", number(x), number(y)));
        }
        data
    };
    let title = "Both time lines";
    let content = html! {
        @for (kind, class, _) in KINDS {
            (path(&format!("mark {class}"), &marks(&pictured.guest, GUEST, kind)))
            (path(&format!("mark {class}"), &marks(&pictured.host, HOST, kind)))
        }
    };
    let figures = format!(
        "{} of the guest above, {} of its vCPUs on the host below, over {}.",
        human::counted(pictured.guest.len() as u64, "gap"),
        human::counted(pictured.host.len() as u64, "absence"),
        human::length(pictured.elapsed)
    );
    Picture {
        title,
        caption: "Above, the guest's gaps by what the host says of them; below, at the same \
                  moments on the host's clock, the absences of its vCPUs by who took most of each. \
                  A gap without an absence under it is no absence's."
            .to_owned(),
        legend: legend(|kind| all().any(|mark| mark.kind == kind)),
        svg: frame.draw(title, &figures, content),
    }
}

/// Two bars for each of the worst gaps: the guest's, and under it the host's.
fn worst(pairs: &[Pair]) -> Picture {
    let rows = pairs.len() as f64;
    let middle = |row: usize| 1.0 - (row as f64 + 0.5) / rows;
    let ticks = pairs.iter().enumerate().map(|(row, pair)| Tick {
        at: middle(row),
        text: pair.name.clone(),
    });
    let share = [0.0, 0.5, 1.0].map(|at| Tick {
        at,
        text: match at {
            0.0 => "before".to_owned(),
            1.0 => "after".to_owned(),
            _ => "the gap, each by its own scale".to_owned(),
        },
    });
    let frame = Frame::new(
        ("time", share.into()),
        ("gap", ticks.collect()),
        PAIR * rows + 56.0,
    )
    .beside(NAMES);
    let bars = |of: fn(&Pair) -> &[Band], offset: f64, kind: Kind| {
        let mut data = String::new();
        for (row, pair) in pairs.iter().enumerate() {
            let length = pair.length.0.max(1) as f64;
            for band in of(pair).iter().filter(|band| band.kind == kind) {
                let place = |at: Nanos| frame.at_x((at.0 as f64 / length).min(1.0));
                let (x, width) = (place(band.from), place(band.to) - place(band.from));
                if width <= 0.0 {
                    continue;
                }
                data.push_str(&format!(
                    "M{} {}h{}v{}h-{}z",
                    number(x),
                    number(frame.at_y(middle(row)) + offset),
                    number(width),
                    number(BAR),
                    number(width)
                ));
            }
        }
        data
    };
    let title = "The worst gaps from both sides";
    let content = html! {
        @for (kind, class, _) in KINDS {
            (path(&format!("bar {class}"), &bars(|pair| &pair.guest, -BAR - 1.0, kind)))
            (path(&format!("bar {class}"), &bars(|pair| &pair.host, 1.0, kind)))
        }
        // Whoever points at a row reads it.
        @for (row, pair) in pairs.iter().enumerate() {
            rect.hit x=(number(frame.at_x(0.0))) width=(number(frame.at_x(1.0) - frame.at_x(0.0)))
                y=(number(frame.at_y(middle(row)) - PAIR / 2.0)) height=(number(PAIR)) {
                title { (clean_text(&pair.words)) }
            }
        }
    };
    let words: Vec<String> = pairs.iter().map(|pair| clean_text(&pair.words)).collect();
    let used = |kind| {
        let bands = pairs
            .iter()
            .flat_map(|pair| pair.guest.iter().chain(&pair.host));
        bands.into_iter().any(|band| band.kind == kind)
    };
    Picture {
        title,
        caption:
            "Of each gap two bars: the guest's above, and under it who had the CPU on the host \
                  in the same time. White is the guest at work."
                .to_owned(),
        legend: legend(used),
        svg: frame.draw(title, &words.join(" "), content),
    }
}

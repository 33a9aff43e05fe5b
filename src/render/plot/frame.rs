//! The frame of a picture: axes, ticks, units, and room for what is drawn.

use maud::{Markup, PreEscaped, html};

use crate::render::plot::axis::Tick;

const WIDTH: f64 = 760.0;
/// Least room for the numbers at the y axis.
pub(in crate::render) const LEFT: f64 = 66.0;
/// What the axis' own title takes of that room.
const TITLE: f64 = 28.0;
/// A figure at 12 pixels is at most so wide.
const FIGURE: f64 = 7.2;
/// A stroke of a point. Without any length its square ends would have no
/// direction, and are then left out in print.
pub(in crate::render) const DOT: &str = "h.1";
const RIGHT: f64 = 24.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 46.0;

/// An axis: what it shows, in which unit, and its ticks.
struct Axis {
    title: &'static str,
    ticks: Vec<Tick>,
}

/// The room within the axes.
pub(in crate::render) struct Frame {
    x: Axis,
    y: Axis,
    height: f64,
    /// Room left of the y axis.
    pub left: f64,
}

impl Frame {
    /// Axes with their titles and ticks. The texts of the y axis have the room that
    /// they take, so that its title never lies on them.
    pub(in crate::render) fn new(
        x: (&'static str, Vec<Tick>),
        y: (&'static str, Vec<Tick>),
        height: f64,
    ) -> Frame {
        let axis = |(title, ticks)| Axis { title, ticks };
        let longest = y.1.iter().map(|tick| tick.text.chars().count()).max();
        Frame {
            left: LEFT.max(TITLE + FIGURE * longest.unwrap_or(0) as f64),
            x: axis(x),
            y: axis(y),
            height,
        }
    }

    /// With other room left of the y axis.
    pub(in crate::render) fn beside(self, left: f64) -> Frame {
        Frame { left, ..self }
    }

    /// From a place on the x axis, 0 to 1, to the picture.
    pub(in crate::render) fn at_x(&self, place: f64) -> f64 {
        self.left + place * (WIDTH - self.left - RIGHT)
    }

    /// The same for the y axis, which points up.
    pub(in crate::render) fn at_y(&self, place: f64) -> f64 {
        self.height - BOTTOM - place * (self.height - TOP - BOTTOM)
    }

    /// The picture around `content`, with its figures in words for those who
    /// cannot see it.
    pub(in crate::render) fn draw(&self, title: &str, figures: &str, content: Markup) -> Markup {
        let (left, right) = (self.at_x(0.0), self.at_x(1.0));
        let (base, top) = (self.at_y(0.0), self.at_y(1.0));
        html! {
            svg viewBox=(format!("0 0 {WIDTH} {}", self.height)) role="img" aria-label=(title) {
                desc { (figures) }
                @for tick in &self.x.ticks {
                    @let x = number(self.at_x(tick.at));
                    line.grid x1=(x) x2=(x) y1=(number(top)) y2=(number(base)) {}
                    text x=(x) y=(number(base + 16.0)) text-anchor="middle" { (tick.text) }
                }
                @for tick in &self.y.ticks {
                    @let y = number(self.at_y(tick.at));
                    line.grid x1=(number(left)) x2=(number(right)) y1=(y) y2=(y) {}
                    text x=(number(left - 6.0)) y=(number(self.at_y(tick.at) + 4.0)) text-anchor="end" {
                        (tick.text)
                    }
                }
                (content)
                path.axis d=(format!("M{} {}V{}H{}", number(left), number(top), number(base), number(right))) {}
                text.name x=(number((left + right) / 2.0)) y=(number(self.height - 8.0)) text-anchor="middle" {
                    (self.x.title)
                }
                text.name text-anchor="middle"
                    transform=(format!("translate(13 {}) rotate(-90)", number((base + top) / 2.0))) {
                    (self.y.title)
                }
            }
        }
    }
}

/// A coordinate with one digit behind the point, which is finer than a screen.
pub(in crate::render) fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// A path whose data is made of numbers only.
pub(in crate::render) fn path(class: &str, data: &str) -> Markup {
    match data.is_empty() {
        true => PreEscaped(String::new()),
        false => html! { path class=(class) d=(data) {} },
    }
}

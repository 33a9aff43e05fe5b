//! Pictures as inline SVG. The colours come from the page, so that they suit a
//! light and a dark one.

mod accounts;
mod axis;
mod cpu_map;
mod distribution;
mod frame;
mod intervals;
mod timeline;

use maud::Markup;

pub(super) use axis::{Logarithmic, Tick};
pub(super) use frame::{Axis, DOT, Frame, number, path, room_for};

use crate::judgement::digest::Digest;
use crate::model::Report;
use crate::render::document::Plot;

/// A picture with its title and caption.
pub(super) struct Picture {
    pub title: &'static str,
    pub caption: String,
    /// What each colour stands for: the colour's class, and words.
    pub legend: Vec<(&'static str, &'static str)>,
    pub svg: Markup,
}

/// Draws one.
pub(super) fn draw(plot: Plot, report: &Report<()>, digest: &Digest) -> Picture {
    match plot {
        Plot::Distribution => distribution::draw(report),
        Plot::Timeline => timeline::draw(report, digest),
        Plot::Intervals => intervals::draw(digest),
        Plot::CpuMap => cpu_map::draw(report, digest),
        Plot::Accounts => accounts::draw(digest),
    }
}

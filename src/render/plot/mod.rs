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

pub(super) use axis::{Logarithmic, Tick, times};
pub(super) use frame::{DOT, Frame, number, path};

use crate::judgement::digest::Digest;
use crate::model::Report;

pub(super) struct Picture {
    pub title: &'static str,
    pub caption: String,
    /// What each colour stands for: the colour's class, and words.
    pub legend: Vec<(&'static str, &'static str)>,
    pub svg: Markup,
}

pub(super) fn draw(report: &Report<()>, digest: &Digest) -> Vec<Picture> {
    let mut pictures = vec![distribution::draw(report)];
    if digest.gaps > 0 {
        pictures.extend([
            timeline::draw(report, digest),
            accounts::draw(digest),
            intervals::draw(digest),
            cpu_map::draw(report, digest),
        ]);
    }
    pictures
}

//! Pictures of both sides on common axes.

mod lengths;
mod ratios;
mod runs;
mod timeline;

use crate::compare::Which;
use crate::compare::model::Comparison;
use crate::render::plot::Picture;

/// What each colour and shape stands for.
const SIDES: [(&str, &str); 2] = [("before", "before"), ("after", "after")];

/// The colour of a side, as the style names it.
fn class(side: Which) -> &'static str {
    SIDES[side as usize].0
}

pub(super) fn draw(comparison: &Comparison) -> Vec<Picture> {
    let has_stalls = !comparison.pictured.marks.is_empty();
    [
        // The answer first.
        has_stalls.then(|| ratios::draw(comparison)),
        has_stalls.then(|| lengths::draw(comparison)),
        Some(runs::draw(comparison)),
        has_stalls.then(|| timeline::draw(comparison)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

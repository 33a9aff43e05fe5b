//! From the runs to the comparison.

use crate::model::Tool;
use crate::stats::multiplicity::{Weighted, holm};
use crate::units::Nanos;

use super::changes::changes;
use super::comparable;
use super::describe;
use super::events::{Series, series};
use super::input::SavedRun;
use super::model::{Comparison, LengthRow, SCHEMA, SCHEMA_VERSION};
use super::pictured::Pictured;
use super::rates::{Classes, Rated, rate};
use super::redact;
use super::sides::side;
use super::threshold;
use super::verdict::{Case, judge};
use super::{Naming, Question};

/// The share of the risk of the one question that was asked: whether platform
/// stalls of any kind became more or less frequent. All others share the rest.
pub(super) const FIRST_SHARE: f64 = 0.5;
const CORRECTION: &str = "Holm (1979), half of the risk for the platform as a whole";

/// What is tested: rates and lengths, with their chances corrected together.
pub struct Figures {
    /// Rates by class and length; the first row is the first question.
    pub rated: Vec<Rated>,
    /// Whether stalls are longer.
    pub lengths: Option<LengthRow>,
}

/// Tests the stalls of two sides against each other.
pub fn figures(
    sides: [&[Series]; 2],
    threshold: Nanos,
    classes: Classes,
    question: &Question,
) -> Figures {
    let mut rated = rate(sides, threshold, classes, question);
    let mut lengths = describe::lengths(sides, question);
    let chances = lengths.as_mut().map(|row| (&row.p, &mut row.p_corrected));
    correct(&mut rated, chances);
    Figures { rated, lengths }
}

pub fn compare(before: &[SavedRun], after: &[SavedRun], question: &Question) -> Comparison {
    let runs: Vec<&SavedRun> = before.iter().chain(after).collect();
    let threshold = threshold::common(&runs);
    let of_side = |runs: &[SavedRun]| -> Vec<Series> {
        runs.iter()
            .map(|run| series(&run.report, threshold.ns))
            .collect()
    };
    let (old, new) = (of_side(before), of_side(after));
    let both = [old.as_slice(), new.as_slice()];
    let Figures { rated, lengths } = figures(
        both,
        threshold.ns,
        comparable::classes(before, after),
        question,
    );
    let notes = comparable::notes(before, after, both);
    let before_side = side("before", before, &old, question.naming);
    let after_side = side("after", after, &new, question.naming);
    let verdict = judge(&Case {
        question,
        rated: &rated,
        lengths: lengths.as_ref(),
        notes: &notes,
        before: &before_side,
        after: &after_side,
    });
    let comparison = Comparison {
        schema: SCHEMA,
        schema_version: SCHEMA_VERSION,
        tool: Tool {
            name: "hwgap".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        level: question.level,
        margin: question.margin,
        correction: CORRECTION,
        verdict,
        threshold,
        before: before_side,
        after: after_side,
        notes,
        changes: changes(before, after, question.naming),
        rates: rated.into_iter().map(|rated| rated.row).collect(),
        lengths,
        lost: describe::lost(both, question),
        worst: describe::worst(both),
        pictured: Pictured::new([before, after], both),
    };
    match question.naming {
        Naming::Full => comparison,
        Naming::Redacted => redact::without_names(comparison, &runs),
    }
}

/// Corrects the chances of all that was tested. The first row is the first
/// question.
fn correct(rated: &mut [Rated], lengths: Option<(&f64, &mut f64)>) {
    let rest = rated
        .iter()
        .skip(1)
        .filter(|rated| rated.row.p.is_some())
        .count();
    let rest = (rest + usize::from(lengths.is_some())).max(1) as f64;
    let weight = |index: usize| match index {
        0 => FIRST_SHARE,
        _ => (1.0 - FIRST_SHARE) / rest,
    };
    let mut chances: Vec<Weighted> = (rated.iter().enumerate())
        .filter_map(|(index, rated)| {
            let weight = weight(index);
            rated.row.p.map(|p| Weighted { p, weight })
        })
        .collect();
    if let Some((p, _)) = &lengths {
        let weight = weight(1);
        chances.push(Weighted { p: **p, weight });
    }
    let mut corrected = holm(&chances).into_iter();
    for rated in rated.iter_mut().filter(|rated| rated.row.p.is_some()) {
        rated.row.p_corrected = corrected.next();
    }
    if let (Some((_, target)), Some(value)) = (lengths, corrected.next()) {
        *target = value;
    }
}

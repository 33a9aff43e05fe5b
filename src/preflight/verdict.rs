//! From the conditions to the answer.

use crate::preflight::model::{Condition, Effect, Outlook, Readiness};

/// The answer that the conditions give. What is not known, and what only
/// limits the result, does not speak against a measurement.
pub fn readiness(conditions: &[Condition]) -> Readiness {
    let count = |effect| {
        let with = conditions
            .iter()
            .filter(|condition| condition.effect == effect);
        with.count()
    };
    let disturbances = count(Effect::Disturbs);
    Readiness {
        result: match (count(Effect::Prevents), disturbances) {
            (1.., _) => Outlook::CannotMeasure,
            (0, 1..) => Outlook::WillBeDisturbed,
            (0, 0) => Outlook::Ready,
        },
        disturbances,
        limits: count(Effect::Limits),
    }
}

#[cfg(test)]
mod tests {
    use super::super::found::Found;
    use super::*;
    use crate::preflight::model::Subject;

    fn result(effects: &[Effect]) -> Outlook {
        let conditions: Vec<Condition> = effects
            .iter()
            .map(|&effect| Found::new("x", effect, "x").about(Subject::Cpus))
            .collect();
        readiness(&conditions).result
    }

    #[test]
    fn the_gravest_effect_decides() {
        assert_eq!(result(&[]), Outlook::Ready);
        assert_eq!(
            result(&[
                Effect::Limits,
                Effect::Slight,
                Effect::Unknown,
                Effect::None
            ]),
            Outlook::Ready
        );
        assert_eq!(
            result(&[Effect::Limits, Effect::Disturbs]),
            Outlook::WillBeDisturbed
        );
        assert_eq!(
            result(&[Effect::Disturbs, Effect::Prevents]),
            Outlook::CannotMeasure
        );
    }
}

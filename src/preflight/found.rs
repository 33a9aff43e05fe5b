//! What was found of one thing, before it is said what it is about.

use super::View;
use super::look::{look, why};
use super::model::{Condition, Effect, Observation, Subject};
use crate::host::root::ReadError;

/// A condition without its subject, which is that of its file.
pub(super) struct Found {
    pub id: String,
    pub effect: Effect,
    pub text: String,
    evidence: Vec<Observation>,
    consequence: Option<String>,
    remedy: Option<String>,
}

impl Found {
    pub(super) fn new(id: &str, effect: Effect, text: impl Into<String>) -> Found {
        Found {
            id: id.to_owned(),
            effect,
            text: text.into(),
            evidence: Vec::new(),
            consequence: None,
            remedy: None,
        }
    }

    /// Adds what it rests on.
    pub(super) fn seen(mut self, observations: impl IntoIterator<Item = Observation>) -> Found {
        self.evidence.extend(observations);
        self
    }

    /// Says what follows for a measurement.
    pub(super) fn costs(mut self, consequence: impl Into<String>) -> Found {
        self.consequence = Some(consequence.into());
        self
    }

    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Found {
        self.remedy = Some(remedy.into());
        self
    }

    pub(super) fn about(self, subject: Subject) -> Condition {
        Condition {
            id: self.id,
            subject,
            effect: self.effect,
            severity: self.effect.severity(),
            text: self.text,
            evidence: self.evidence,
            consequence: self.consequence,
            remedy: self.remedy,
        }
    }
}

/// A fact that could not be read: nothing to worry about where its file does not
/// exist (`absent` says why), else not known.
pub(super) fn unread(id: &str, seen: Observation, error: &ReadError, absent: &str) -> Found {
    let found = match error {
        ReadError::Missing { .. } => Found::new(id, Effect::None, absent),
        _ => Found::new(id, Effect::Unknown, format!("Not known: {}.", why(error))),
    };
    found.seen([seen])
}

impl View<'_> {
    pub(super) fn look(&self, file: &str) -> Observation {
        look(self.root, file)
    }

    /// What was found by the file alone.
    pub(super) fn by(&self, id: &str, file: &str, effect: Effect, text: &str) -> Found {
        Found::new(id, effect, text).seen([self.look(file)])
    }

    pub(super) fn unread(&self, id: &str, file: &str, error: &ReadError, absent: &str) -> Found {
        unread(id, self.look(file), error, absent)
    }
}

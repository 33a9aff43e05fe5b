//! What a step would do, and what came of it.

use crate::changes::{Format, Place, PutBack, Schedule};

use super::step::Step;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    pub step: Step,
    /// The setting, for people.
    pub setting: String,
    pub act: Act,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    Set {
        place: Place,
        format: Format,
        old: String,
        new: String,
    },
    /// Keep a value in mind that the next act may take along.
    Keep {
        place: Place,
        format: Format,
    },
    Partition {
        /// Where control groups of version 2 are mounted.
        base: Place,
    },
    /// Give a thread another priority.
    Raise {
        thread: u32,
        name: String,
        old: Schedule,
        new: Schedule,
    },
    Already {
        value: String,
    },
    Skip {
        /// The value, where it could be read.
        old: Option<String>,
        reason: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub step: Step,
    /// The setting, for people.
    pub setting: String,
    pub old: Option<String>,
    pub new: Option<String>,
    pub result: Result,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Result {
    Changed {
        /// The change's number.
        n: usize,
        /// How it was put back; `None` as long as it is not.
        put_back: Option<PutBack>,
    },
    Already,
    Refused(String),
    /// Not tried, for this reason.
    Skipped(String),
}

impl Intent {
    /// A file of the root that is to hold `new`.
    pub(super) fn set(step: Step, place: Place, format: Format, old: &str, new: &str) -> Intent {
        let old = format.value(old);
        Intent {
            step,
            setting: place.to_string(),
            act: match format.same(&old, new) {
                true => Act::Already { value: old },
                false => Act::Set {
                    place,
                    format,
                    old,
                    new: new.to_owned(),
                },
            },
        }
    }

    pub(super) fn already(step: Step, place: &Place, value: &str) -> Intent {
        Intent {
            step,
            setting: place.to_string(),
            act: Act::Already {
                value: value.to_owned(),
            },
        }
    }

    pub(super) fn skip(
        step: Step,
        setting: impl ToString,
        old: Option<&str>,
        reason: impl Into<String>,
    ) -> Intent {
        Intent {
            step,
            setting: setting.to_string(),
            act: Act::Skip {
                old: old.map(str::to_owned),
                reason: reason.into(),
            },
        }
    }

    /// What a dry run shows of it; `None` where nothing would be changed by
    /// it alone.
    pub fn rehearsed(&self) -> Option<Record> {
        let (old, new, result) = match &self.act {
            Act::Keep { .. } => return None,
            Act::Set { old, new, .. } => (Some(old.clone()), Some(new.clone()), None),
            Act::Partition { .. } => (
                Some(String::from("(none)")),
                Some(String::from("isolated")),
                None,
            ),
            Act::Raise { old, new, .. } => (Some(old.to_string()), Some(new.to_string()), None),
            Act::Already { value } => (Some(value.clone()), None, Some(Result::Already)),
            Act::Skip { old, reason } => (old.clone(), None, Some(Result::Skipped(reason.clone()))),
        };
        let planned = Result::Changed {
            n: 0,
            put_back: None,
        };
        Some(Record {
            step: self.step,
            setting: self.setting.clone(),
            old,
            new,
            result: result.unwrap_or(planned),
        })
    }
}

//! Names of what ran, as small numbers: a gap carries numbers, the report
//! carries names.

use std::collections::HashMap;

use crate::units::Nanos;

/// The number of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActivityId(pub u16);

/// What kind of thing ran; what is known of its usual cost depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityKind {
    /// An interrupt vector, a handler, a softirq, an NMI: its cost varies
    /// little.
    Interrupt,
    /// An exception, whose end is not recorded.
    Fault,
    /// Another task: it runs as long as it likes.
    Task,
}

/// Names kept at most. Tasks come and go, some with a name of their own each
/// (a compiler's threads): a run of days must not keep all.
const MOST: usize = 1_024;

/// Stands for every task, and is the name of all that finds no place.
pub(super) const TASKS: ActivityId = ActivityId(0);

/// The names of a run.
#[derive(Clone, Debug)]
pub struct Names {
    names: Vec<(String, ActivityKind)>,
    numbers: HashMap<String, ActivityId>,
}

impl Names {
    /// A table that holds only the name for all that finds no place in it.
    pub(super) fn new() -> Names {
        let mut names = Names {
            names: Vec::new(),
            numbers: HashMap::new(),
        };
        names.number("other tasks", ActivityKind::Task);
        names
    }

    /// The number of a name, a new one if it is new.
    pub(super) fn number(&mut self, name: &str, kind: ActivityKind) -> ActivityId {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        if self.names.len() >= MOST {
            return TASKS;
        }
        let number = ActivityId(self.names.len() as u16);
        self.names.push((name.to_owned(), kind));
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// What a way into the kernel leads to: tasks are all the same.
    pub(super) fn place(&self, id: ActivityId) -> ActivityId {
        match self.kind(id) {
            ActivityKind::Interrupt | ActivityKind::Fault => id,
            ActivityKind::Task => TASKS,
        }
    }

    /// The name of a number.
    pub fn name(&self, id: ActivityId) -> &str {
        self.names
            .get(usize::from(id.0))
            .map_or("?", |(name, _)| name)
    }

    /// How many names there are; they are only ever added.
    pub fn count(&self) -> usize {
        self.names.len()
    }

    /// What kind of thing it is.
    pub fn kind(&self, id: ActivityId) -> ActivityKind {
        self.names
            .get(usize::from(id.0))
            .map_or(ActivityKind::Task, |&(_, kind)| kind)
    }
}

/// Something of each activity, by its number, of which there are few. What was
/// not entered is the default.
#[derive(Clone, Debug, Default)]
pub(super) struct ByActivity<T>(Vec<T>);

impl<T: Default> ByActivity<T> {
    /// What there is of an activity, to be changed.
    pub(super) fn entry(&mut self, id: ActivityId) -> &mut T {
        let index = usize::from(id.0);
        if index >= self.0.len() {
            self.0.resize_with(index + 1, T::default);
        }
        &mut self.0[index]
    }

    /// What there is of an activity; `None` where neither it nor one with a
    /// higher number was entered.
    pub(super) fn get(&self, id: ActivityId) -> Option<&T> {
        self.0.get(usize::from(id.0))
    }

    /// All, in order of number.
    pub(super) fn iter(&self) -> impl Iterator<Item = (ActivityId, &T)> {
        (0..).map(ActivityId).zip(&self.0)
    }
}

/// All that one source took of a CPU in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceTotal {
    /// How often it ran.
    pub count: u64,
    /// How long in all.
    pub total: Nanos,
    /// How long at most at a time.
    pub longest: Nanos,
}

impl SourceTotal {
    pub(super) fn add(&mut self, length: Nanos) {
        self.count += 1;
        self.total = self.total.saturating_add(length);
        self.longest = self.longest.max(length);
    }
}

//! Names of hosts, guests and tasks that stand for something in a report, and the
//! words in their place: the same for a name wherever it stands.

use std::collections::HashMap;

use crate::model::HostIdentity;
use crate::model::absence::{HostCause, OTHER_TOTALS};
use crate::read::redact::Names;

/// Shorter names are found in a text only where a task's number follows.
const SHORTEST_NAME: usize = 3;
/// Before the name of what woke a vCPU.
const WOKEN_BY: &str = "woken by ";

/// What a name belongs to.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Host,
    Guest,
    Task,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Host => "host",
            Kind::Guest => "guest",
            Kind::Task => "task",
        }
    }
}

/// Names of a document and their aliases.
#[derive(Default)]
pub struct Aliases {
    by_name: HashMap<String, String>,
    /// Names by their first letter, the longest first.
    by_letter: HashMap<char, Vec<String>>,
    given: [usize; 3],
}

impl Aliases {
    /// Makes up an alias for a name, unless it has one.
    pub(super) fn add(&mut self, kind: Kind, name: &str) {
        let name = name.trim().to_lowercase();
        if name.is_empty() || self.by_name.contains_key(&name) {
            return;
        }
        let given = &mut self.given[kind as usize];
        *given += 1;
        let alias = format!("{}-{given}", kind.word());
        self.insert(name, alias);
    }

    fn insert(&mut self, name: String, alias: String) {
        let names = self.by_letter.entry(letter(&name)).or_default();
        names.push(name.clone());
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        self.by_name.insert(name, alias);
    }

    /// Of a host name with a domain, the first part counts by itself too.
    pub(super) fn add_host(&mut self, kind: Kind, host: &HostIdentity) {
        let Some(name) = &host.hostname else { return };
        self.add(kind, name);
        let first = name
            .split('.')
            .next()
            .unwrap_or_default()
            .trim()
            .to_lowercase();
        if !first.is_empty() && !self.by_name.contains_key(&first) {
            self.insert(first, self.of(name));
        }
    }

    /// The task that a cause names, if it is no thread of the kernel.
    pub(super) fn add_task(&mut self, cause: HostCause, what: &str) {
        if let Some((_, task, _)) = task(cause, what) {
            self.add(Kind::Task, task);
        }
    }

    /// The alias of a name.
    pub(super) fn of(&self, name: &str) -> String {
        let alias = self.by_name.get(&name.trim().to_lowercase());
        alias.cloned().unwrap_or_default()
    }

    /// What of a cause took the time, without the name of a task.
    pub(super) fn of_what(&self, cause: HostCause, what: &str) -> String {
        match task(cause, what) {
            Some((before, task, after)) => format!("{before}{}{after}", self.of(task)),
            None => self.in_text(what),
        }
    }

    /// A text with all names replaced, and without what else names one machine.
    pub fn in_text(&self, text: &str) -> String {
        let mut changed = String::with_capacity(text.len());
        let mut rest = text;
        let mut before = None;
        while let Some(next) = rest.chars().next() {
            let is_begin = before.is_none_or(|c: char| !c.is_alphanumeric());
            let found = is_begin.then(|| self.at_begin(rest)).flatten();
            let taken = match found {
                Some(name) => {
                    changed.push_str(&self.by_name[name]);
                    name.len()
                }
                None => {
                    changed.push(next);
                    next.len_utf8()
                }
            };
            before = rest[..taken].chars().next_back();
            rest = &rest[taken..];
        }
        Names::new(std::iter::empty()).left_out_of(&changed)
    }

    /// The longest name that a text begins with.
    fn at_begin(&self, text: &str) -> Option<&str> {
        let names = self.by_letter.get(&letter(text))?;
        let is_there = |name: &&String| {
            let own = text.get(..name.len());
            own.is_some_and(|own| own.to_lowercase() == **name) && ends(name, &text[name.len()..])
        };
        names.iter().find(is_there).map(String::as_str)
    }
}

fn letter(text: &str) -> char {
    let first = text.chars().next().unwrap_or_default();
    first.to_lowercase().next().unwrap_or_default()
}

/// Whether a name may end before this.
fn ends(name: &str, rest: &str) -> bool {
    let number = rest.strip_prefix(" (").and_then(|rest| rest.chars().next());
    match number.is_some_and(|c| c.is_ascii_digit()) {
        true => true,
        false => name.len() >= SHORTEST_NAME && !rest.starts_with(|c: char| c.is_alphanumeric()),
    }
}

/// The name of a task in what took the time, with what stands before it and after:
/// `rt (77, real-time 50)`, `hlt, woken by rt (77)`.
fn task(cause: HostCause, what: &str) -> Option<(&str, &str, &str)> {
    let at = match cause {
        HostCause::HostTask => 0,
        HostCause::VcpuHalted => what.find(WOKEN_BY)? + WOKEN_BY.len(),
        _ => return None,
    };
    let (before, named) = what.split_at(at);
    let (task, after) = named.split_at(named.rfind(" (").unwrap_or(named.len()));
    let is_alone = cause == HostCause::VcpuHalted && after.is_empty();
    (!is_alone && !is_of_everyone(task)).then_some((before, task, after))
}

/// Threads that are called so on every host: the kernel's, and QEMU's vCPUs.
pub(super) fn is_of_everyone(task: &str) -> bool {
    const KERNEL: [&str; 12] = [
        "kworker/",
        "ksoftirqd/",
        "migration/",
        "rcu",
        "irq/",
        "swapper/",
        "cpuhp/",
        "watchdog/",
        "ktimers/",
        "khugepaged",
        "ksmd",
        "kvm-",
    ];
    let is_vcpu = task.starts_with("CPU ") && task.ends_with("/KVM");
    is_vcpu || task == OTHER_TOTALS || KERNEL.iter().any(|prefix| task.starts_with(prefix))
}

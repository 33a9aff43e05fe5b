//! The tracepoints that tell what the kernel does, and where their fields lie.
//!
//! Numbers and offsets differ from kernel to kernel; each event's `id` and
//! `format` files under tracefs give them (Documentation/trace/events.rst).

use std::collections::HashMap;

use crate::host::root::{Known, ReadError, Root};
use crate::host::text::clean;

/// What a tracepoint says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// An activity begins.
    Enter(Activity),
    /// It ends.
    Exit(Activity),
    /// An NMI handler is done; its length is in the event.
    Nmi {
        /// Offset of `delta_ns`.
        length: usize,
    },
    /// An exception handler begins; nothing tells its end.
    Fault(&'static str),
    /// The CPU goes to another task.
    Switch {
        /// Offset of `next_comm`.
        name: usize,
        /// Offset of `next_pid`.
        task: usize,
    },
}

/// How the name of an activity is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Activity {
    /// The tracepoint is its name.
    Vector(String),
    /// A device's interrupt: number at this offset.
    Irq(usize),
    /// A softirq: number at this offset.
    Softirq(usize),
}

/// A tracepoint to listen to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tracepoint {
    pub(crate) id: u16,
    pub(crate) name: String,
    pub(crate) meaning: Meaning,
}

/// The name of a softirq (include/linux/interrupt.h).
pub(crate) fn softirq_name(number: u32) -> &'static str {
    const NAMES: [&str; 10] = [
        "hi", "timer", "net_tx", "net_rx", "block", "irq_poll", "tasklet", "sched", "hrtimer",
        "rcu",
    ];
    NAMES.get(number as usize).copied().unwrap_or("unknown")
}

/// All tracepoints of this kernel that are of use, by the root of a tracefs.
///
/// # Errors
/// Where not even `sched_switch` is there: tracefs is not readable.
pub(crate) fn find(tracefs: &Root) -> Known<Vec<Tracepoint>> {
    let mut found = vec![switch(tracefs)?];
    found.extend(vectors(tracefs));
    let pairs = [
        (
            "irq/irq_handler",
            "irq",
            Activity::Irq as fn(usize) -> Activity,
        ),
        ("irq/softirq", "vec", Activity::Softirq),
    ];
    for (event, field, activity) in pairs {
        for (suffix, meaning) in EDGES {
            let name = format!("{event}_{suffix}");
            if let Ok((id, fields)) = describe(tracefs, &name)
                && let Some(&offset) = fields.get(field)
            {
                found.push(Tracepoint::new(id, &name, meaning(activity(offset))));
            }
        }
    }
    if let Ok((id, fields)) = describe(tracefs, "nmi/nmi_handler")
        && let Some(&length) = fields.get("delta_ns")
    {
        let meaning = Meaning::Nmi { length };
        found.push(Tracepoint::new(id, "nmi/nmi_handler", meaning));
    }
    let fault = "exceptions/page_fault_user";
    if let Ok((id, _)) = describe(tracefs, fault) {
        found.push(Tracepoint::new(id, fault, Meaning::Fault("page_fault")));
    }
    Ok(found)
}

impl Tracepoint {
    /// The event of this name below `events`.
    fn new(id: u16, event: &str, meaning: Meaning) -> Tracepoint {
        let name = event.rsplit('/').next().unwrap_or(event);
        Tracepoint {
            id,
            name: name.to_owned(),
            meaning,
        }
    }
}

/// The end of a tracepoint's name, and what it means for an activity.
type Edge = (&'static str, fn(Activity) -> Meaning);

const EDGES: [Edge; 2] = [("entry", Meaning::Enter), ("exit", Meaning::Exit)];

fn switch(tracefs: &Root) -> Known<Tracepoint> {
    let (id, fields) = describe(tracefs, "sched/sched_switch")?;
    let offset = |name: &str| {
        fields.get(name).copied().ok_or_else(|| ReadError::Missing {
            path: format!("field {name} of sched/sched_switch"),
        })
    };
    let meaning = Meaning::Switch {
        name: offset("next_comm")?,
        task: offset("next_pid")?,
    };
    Ok(Tracepoint::new(id, "sched/sched_switch", meaning))
}

/// Every vector that has both edges. One without an exit would swallow all
/// that follows; `irq_work_exit` exists but cannot be recorded, as recording
/// itself raises irq_work (arch/x86/include/asm/trace/irq_vectors.h).
fn vectors(tracefs: &Root) -> Vec<Tracepoint> {
    let Ok(names) = tracefs.list_dir("events/irq_vectors") else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for name in names.iter().filter_map(|name| name.strip_suffix("_entry")) {
        if name == "irq_work" || !names.contains(&format!("{name}_exit")) {
            continue;
        }
        for (suffix, meaning) in EDGES {
            let event = format!("irq_vectors/{name}_{suffix}");
            if let Ok((id, _)) = describe(tracefs, &event) {
                let activity = Activity::Vector(clean(name, 40));
                found.push(Tracepoint::new(id, &event, meaning(activity)));
            }
        }
    }
    found
}

/// A tracepoint's number and the offsets of its fields.
pub(crate) fn describe(tracefs: &Root, event: &str) -> Known<(u16, HashMap<String, usize>)> {
    let id = tracefs.read_number(&format!("events/{event}/id"))?;
    let format = tracefs.read_text(&format!("events/{event}/format"))?;
    Ok((id, fields(&format)))
}

/// Reads lines such as `field:int vector; offset:8; size:4; signed:1;`.
fn fields(format: &str) -> HashMap<String, usize> {
    format
        .lines()
        .filter_map(|line| {
            let mut parts = line.trim().strip_prefix("field:")?.split(';');
            let declaration = parts.next()?.trim();
            let name = declaration.rsplit([' ', '*']).next()?;
            let name = name.split('[').next()?;
            let offset = parts.find_map(|part| part.trim().strip_prefix("offset:"))?;
            Some((name.to_owned(), offset.parse().ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_name() {
        let format = "name: sched_switch\nformat:\n\
            \tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\
            \tfield:char next_comm[16];\toffset:40;\tsize:16;\tsigned:0;\n\
            \tfield:void * handler;\toffset:8;\tsize:8;\tsigned:0;\n\
            \tfield:broken\n";
        let fields = fields(format);
        assert_eq!(fields.get("common_type"), Some(&0));
        assert_eq!(fields.get("next_comm"), Some(&40));
        assert_eq!(fields.get("handler"), Some(&8));
    }
}

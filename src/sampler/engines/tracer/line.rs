//! A line of a trace: where and when it was recorded, and what it says
//! (kernel/trace/trace_output.c, `trace_print_context`).

use std::borrow::Cow;

use crate::units::{CpuId, Cycles};

/// Columns of the name of the task, which may hold anything.
const NAME: usize = 16;

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A record.
    Record {
        /// The CPU.
        cpu: CpuId,
        /// The trace clock, which is the TSC.
        at: Cycles,
        /// What was recorded.
        text: Cow<'a, str>,
    },
    /// Records of this CPU were lost before the next one.
    Lost {
        /// The CPU.
        cpu: CpuId,
        /// How many; `None` where the kernel does not know.
        records: Option<u64>,
    },
}

impl Line<'_> {
    /// Reads a line; `None` for headers and for anything else.
    pub(super) fn parse(line: &[u8]) -> Option<Line<'_>> {
        if line.starts_with(b"CPU:") {
            return lost(&String::from_utf8_lossy(line));
        }
        // "%16s-%-7d [%03d] flags clock: text". Only behind the name is the
        // form the kernel's own.
        if line.get(NAME) != Some(&b'-') {
            return None;
        }
        let text = String::from_utf8_lossy(&line[NAME + 1..]);
        let (pid, rest) = text.split_once('[')?;
        pid.trim().parse::<u32>().ok()?;
        let (cpu, rest) = rest.split_once(']')?;
        let (head, record) = rest.split_once(": ")?;
        let at = head.split_whitespace().last()?.parse().ok()?;
        Some(Line::Record {
            cpu: CpuId(cpu.parse().ok()?),
            at: Cycles(at),
            text: Cow::Owned(record.trim().to_owned()),
        })
    }
}

/// `CPU:1 [LOST 12 EVENTS]`, or without the number.
fn lost<'a>(line: &str) -> Option<Line<'a>> {
    let (cpu, rest) = line.strip_prefix("CPU:")?.split_once(' ')?;
    let rest = rest.trim().strip_prefix("[LOST")?;
    Some(Line::Lost {
        cpu: CpuId(cpu.trim().parse().ok()?),
        records: rest
            .split_whitespace()
            .next()
            .and_then(|word| word.parse().ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(line: &str) -> Option<(u32, u64, String)> {
        match Line::parse(line.as_bytes())? {
            Line::Record { cpu, at, text } => Some((cpu.0, at.0, text.into_owned())),
            Line::Lost { .. } => None,
        }
    }

    #[test]
    fn a_record_has_a_cpu_and_a_time() {
        assert_eq!(
            record("        hwlatd/0-1729    [000] d.... 6784734490: #1     inner/outer(us): 1/2"),
            Some((0, 6_784_734_490, "#1     inner/outer(us): 1/2".into()))
        );
    }

    #[test]
    fn a_task_may_be_called_anything() {
        assert_eq!(
            record(" a-1 [007] x: 9:-44      [012] d..2. 77: sched_switch: prev_comm=x"),
            Some((12, 77, "sched_switch: prev_comm=x".into()))
        );
    }

    #[test]
    fn lost_records_are_told() {
        let lost = |line: &'static str| Line::parse(line.as_bytes());
        let cpu = CpuId(3);
        assert_eq!(
            lost("CPU:3 [LOST 12 EVENTS]"),
            Some(Line::Lost {
                cpu,
                records: Some(12)
            })
        );
        assert_eq!(
            lost("CPU:3 [LOST EVENTS]"),
            Some(Line::Lost { cpu, records: None })
        );
    }

    proptest! {
        #[test]
        fn nothing_panics(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Line::parse(&line);
        }

        #[test]
        fn nothing_behind_the_name_panics(rest in "[-\\[\\]0-9: a-z=#/]{0,80}") {
            let _ = Line::parse(format!("        hwlatd/0-{rest}").as_bytes());
        }
    }
}

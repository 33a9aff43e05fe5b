//! What the records of the two tracers say. Each form is the kernel's own text
//! (kernel/trace/trace_output.c and include/trace/events); what is not of it is
//! passed over, never guessed at.

use crate::units::{Nanos, UtcNanos};

/// A window of the hwlat tracer in which a gap was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HwlatRecord {
    /// The longest gap, in whole microseconds, rounded down.
    pub(super) longest_us: u64,
    /// The end of the first gap, on CLOCK_REALTIME; of the window before
    /// Linux 5.7, which has no `count` either.
    pub(super) first: UtcNanos,
    /// How many gaps there were.
    pub(super) count: Option<u32>,
    /// NMIs in the window.
    pub(super) nmis: u32,
    /// What they took, in whole microseconds, rounded down.
    pub(super) nmi_us: u64,
}

impl HwlatRecord {
    /// Reads `#1 inner/outer(us): 11/206 ts:1581527483.343962693 count:6`, with
    /// ` nmi-total:3 nmi-count:1` behind where NMIs came.
    pub(super) fn parse(text: &str) -> Option<HwlatRecord> {
        let rest = text.strip_prefix('#')?;
        let (_, lengths) = rest.split_once("inner/outer(us):")?;
        let (inner, rest) = lengths.split_once('/')?;
        let outer = rest.split_whitespace().next()?;
        let longest: u64 = inner.trim().parse::<u64>().ok()?.max(outer.parse().ok()?);
        let (seconds, nanos) = field(rest, "ts:")?.split_once('.')?;
        let nanos: i64 = (nanos.len() == 9).then(|| nanos.parse().ok())??;
        let seconds: i64 = seconds.parse().ok()?;
        let number = |name| field(rest, name).and_then(|value| value.parse::<u64>().ok());
        let few = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        Some(HwlatRecord {
            longest_us: longest,
            first: UtcNanos(seconds.checked_mul(1_000_000_000)?.checked_add(nanos)?),
            count: number("count:").map(few),
            nmis: number("nmi-count:").map_or(0, few),
            nmi_us: number("nmi-total:").unwrap_or(0),
        })
    }
}

/// The event osnoise:sample_threshold: one gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OsnoiseRecord {
    /// Its length.
    pub(super) length: Nanos,
    /// NMIs, interrupts, softirqs and tasks that came in it.
    pub(super) interference: u64,
}

impl OsnoiseRecord {
    /// Reads `sample_threshold: start 81.784000000 duration 20074 ns
    /// interference 0`.
    pub(super) fn parse(text: &str) -> Option<OsnoiseRecord> {
        let rest = text.strip_prefix("sample_threshold:")?;
        let mut words = rest.split_whitespace();
        words.find(|&word| word == "duration")?;
        let length = words.next()?.parse().ok()?;
        (words.next()? == "ns" && words.next()? == "interference").then_some(())?;
        Some(OsnoiseRecord {
            length: Nanos(length),
            interference: words.next()?.parse().ok()?,
        })
    }
}

/// What the osnoise tracer writes at the end of each run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OsnoiseSummary {
    /// How long it sampled, in whole microseconds, rounded down.
    pub(super) runtime_us: u64,
    /// NMIs meanwhile.
    pub(super) nmis: u64,
}

impl OsnoiseSummary {
    /// Reads `1000000  190  99.98100  9  18  0  1007  18  1`: runtime, noise,
    /// share available, longest, hardware, NMIs, interrupts, softirqs, tasks.
    pub(super) fn parse(text: &str) -> Option<OsnoiseSummary> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let &[
            runtime,
            noise,
            share,
            longest,
            hardware,
            nmis,
            ref rest @ ..,
        ] = words.as_slice()
        else {
            return None;
        };
        let number = |word: &str| word.parse::<u64>().ok();
        for word in [noise, longest, hardware].iter().chain(rest) {
            number(word)?;
        }
        share.parse::<f64>().ok()?;
        (2..=3).contains(&rest.len()).then_some(OsnoiseSummary {
            runtime_us: number(runtime)?,
            nmis: number(nmis)?,
        })
    }
}

/// The event sched:sched_switch, by the names of both tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Switch<'a> {
    /// The task that left the CPU.
    pub(super) from: &'a str,
    /// Whether it would have gone on.
    pub(super) left: Left,
    /// The task that has it now.
    pub(super) to: &'a str,
}

/// How a task left its CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Displaced by another.
    Runnable,
    /// By itself.
    Asleep,
}

impl Switch<'_> {
    /// Reads `sched_switch: prev_comm=a prev_pid=1 prev_prio=120 prev_state=S
    /// ==> next_comm=b next_pid=2 next_prio=120`.
    pub(super) fn parse(text: &str) -> Option<Switch<'_>> {
        let rest = text.strip_prefix("sched_switch: prev_comm=")?;
        let (before, after) = rest.split_once(" ==> next_comm=")?;
        let (from, how) = before.rsplit_once(" prev_pid=")?;
        let (to, _) = after.rsplit_once(" next_pid=")?;
        // R, and R+ where the kernel displaced it.
        let left = match field(how, "prev_state=")?.starts_with('R') {
            true => Left::Runnable,
            false => Left::Asleep,
        };
        Some(Switch { from, left, to })
    }
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split_whitespace()
        .find_map(|word| word.strip_prefix(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIRST: UtcNanos = UtcNanos(1_581_527_483_343_962_693);

    #[test]
    fn hwlat_lines_of_all_kernels_are_read() {
        let all = HwlatRecord {
            longest_us: 206,
            first: FIRST,
            count: Some(6),
            nmis: 0,
            nmi_us: 0,
        };
        let text = "#1     inner/outer(us):   11/206   ts:1581527483.343962693 count:6";
        assert_eq!(HwlatRecord::parse(text), Some(all));
        let old = "#12    inner/outer(us):  206/0     ts:1581527483.343962693";
        assert_eq!(
            HwlatRecord::parse(old),
            Some(HwlatRecord { count: None, ..all })
        );
        let nmi = "#9     inner/outer(us):   11/206   ts:1581527483.343962693 count:6 nmi-total:7 nmi-count:2";
        let expected = HwlatRecord {
            nmis: 2,
            nmi_us: 7,
            ..all
        };
        assert_eq!(HwlatRecord::parse(nmi), Some(expected));
        // Before 5.7 the NMIs stood before the count's place.
        let old_nmi =
            "#9     inner/outer(us):   11/206   ts:1581527483.343962693 nmi-total:7 nmi-count:2";
        assert_eq!(
            HwlatRecord::parse(old_nmi),
            Some(HwlatRecord {
                count: None,
                ..expected
            })
        );
    }

    #[test]
    fn osnoise_events_and_summaries_are_read() {
        let text = "sample_threshold: start 81.784000000 duration 20074 ns interference 3";
        assert_eq!(
            OsnoiseRecord::parse(text),
            Some(OsnoiseRecord {
                length: Nanos(20_074),
                interference: 3
            })
        );
        let summary = "1000000        190  99.98100       9     18      2   1007     18      1";
        assert_eq!(
            OsnoiseSummary::parse(summary),
            Some(OsnoiseSummary {
                runtime_us: 1_000_000,
                nmis: 2
            })
        );
        assert_eq!(OsnoiseSummary::parse(text), None);
        assert_eq!(OsnoiseRecord::parse(summary), None);
    }

    #[test]
    fn switches_are_read_by_name() {
        let text = "sched_switch: prev_comm=a b prev_pid=7 prev_prio=120 prev_state=S ==> \
                    next_comm=hwlatd/0 next_pid=9 next_prio=120";
        assert_eq!(
            Switch::parse(text),
            Some(Switch {
                from: "a b",
                left: Left::Asleep,
                to: "hwlatd/0"
            })
        );
    }

    #[test]
    fn parts_of_lines_are_nothing() {
        let lines = [
            "#1     inner/outer(us):   11/206   ts:1581527483.343962693 count:6",
            "sample_threshold: start 81.784000000 duration 20074 ns interference 3",
        ];
        for line in lines {
            for end in 0..line.len() - 1 {
                let part = &line[..end];
                // A count may end early and still be a number.
                assert!(OsnoiseRecord::parse(part).is_none());
                let _ = HwlatRecord::parse(part);
            }
        }
        assert_eq!(HwlatRecord::parse("#1 inner/outer(us): 1/2 ts:1.5"), None);
        let far = "#1 inner/outer(us): 1/2 ts:99999999999999999.000000000";
        assert_eq!(HwlatRecord::parse(far), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(#|sample_threshold:|sched_switch: prev_comm=)?[ -~]{0,120}") {
            let _ = HwlatRecord::parse(&text);
            let _ = OsnoiseRecord::parse(&text);
            let _ = OsnoiseSummary::parse(&text);
            let _ = Switch::parse(&text);
        }
    }
}

//! The records in a ring of kernel events: perf_event_open(2), "MMAP layout".

use perf_event_open_sys::bindings;

/// The fields that every record carries, in this order (perf_event_open(2),
/// `PERF_RECORD_SAMPLE`, and `struct sample_id` at the end of other records).
pub(super) const SAMPLE_TYPE: u64 =
    (bindings::PERF_SAMPLE_TID | bindings::PERF_SAMPLE_TIME | bindings::PERF_SAMPLE_CPU) as u64;
/// Length of those fields.
const SAMPLE_ID: usize = 24;

/// What the kernel wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RingRecord<'a> {
    Tracepoint {
        /// CLOCK_MONOTONIC_RAW, nanoseconds.
        time: u64,
        /// The event's own fields, as its `format` file lays them out.
        data: &'a [u8],
    },
    /// The CPU went from one task to another.
    Switch {
        /// CLOCK_MONOTONIC_RAW, nanoseconds.
        time: u64,
        /// Whether the task in question leaves or arrives.
        direction: Direction,
        task: u32,
    },
    Lost {
        count: u64,
        /// CLOCK_MONOTONIC_RAW, nanoseconds.
        time: u64,
    },
}

/// Which half of a context switch a record tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The task arrives on the CPU.
    In,
    /// The task leaves it.
    Out,
}

/// Takes a record apart. `None` for one that is not wanted, or too short.
pub(super) fn parse(kind: u32, misc: u16, body: &[u8]) -> Option<RingRecord<'_>> {
    let word = |at: usize| -> Option<u32> {
        Some(u32::from_ne_bytes(body.get(at..at + 4)?.try_into().ok()?))
    };
    let long = |at: usize| -> Option<u64> {
        Some(u64::from_ne_bytes(body.get(at..at + 8)?.try_into().ok()?))
    };
    match kind {
        bindings::PERF_RECORD_SAMPLE => {
            let size = word(SAMPLE_ID)? as usize;
            let data = body.get(SAMPLE_ID + 4..SAMPLE_ID + 4 + size)?;
            Some(RingRecord::Tracepoint {
                time: long(8)?,
                data,
            })
        }
        bindings::PERF_RECORD_SWITCH_CPU_WIDE => {
            let id = body.len().checked_sub(SAMPLE_ID)?;
            let out = u32::from(misc) & bindings::PERF_RECORD_MISC_SWITCH_OUT != 0;
            Some(RingRecord::Switch {
                time: long(id + 8)?,
                direction: if out { Direction::Out } else { Direction::In },
                task: word(id + 4)?,
            })
        }
        bindings::PERF_RECORD_LOST => {
            let id = body.len().checked_sub(SAMPLE_ID)?;
            Some(RingRecord::Lost {
                count: long(8)?,
                time: long(id + 8)?,
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(parts: &[&[u8]]) -> Vec<u8> {
        parts.concat()
    }

    fn sample_id(task: u32, time: u64) -> Vec<u8> {
        body(&[
            &1u32.to_ne_bytes(),
            &task.to_ne_bytes(),
            &time.to_ne_bytes(),
            &[0; 8],
        ])
    }

    #[test]
    fn records_are_taken_apart() {
        let id = sample_id(7, 99);
        let sample = body(&[&id, &4u32.to_ne_bytes(), &[1, 2, 3, 4]]);
        assert_eq!(
            parse(bindings::PERF_RECORD_SAMPLE, 0, &sample),
            Some(RingRecord::Tracepoint {
                time: 99,
                data: &[1, 2, 3, 4]
            })
        );
        let switch = body(&[&[0; 8], &id]);
        let out = bindings::PERF_RECORD_MISC_SWITCH_OUT as u16;
        assert_eq!(
            parse(bindings::PERF_RECORD_SWITCH_CPU_WIDE, out, &switch),
            Some(RingRecord::Switch {
                time: 99,
                direction: Direction::Out,
                task: 7
            })
        );
        let lost = body(&[&[0; 8], &5u64.to_ne_bytes(), &id]);
        assert_eq!(
            parse(bindings::PERF_RECORD_LOST, 0, &lost),
            Some(RingRecord::Lost { count: 5, time: 99 })
        );
    }

    #[test]
    fn short_records_are_nothing() {
        for kind in 0..32 {
            for length in 0..40 {
                let _ = parse(kind, 0, &vec![0xff; length]);
            }
        }
    }
}

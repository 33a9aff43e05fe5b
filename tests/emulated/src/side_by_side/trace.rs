//! Reads the tracers' records (kernel documentation, "hwlat detector" and
//! "OSNOISE tracer"), whose first number before a colon is the TSC.

/// One line of the hwlat tracer.
#[derive(Debug, PartialEq, Eq)]
pub struct HwlatRecord {
    pub tsc: u64,
    pub longest_us: u64,
    pub count: usize,
}

/// One event osnoise:sample_threshold.
#[derive(Debug, PartialEq, Eq)]
pub struct OsnoiseRecord {
    pub tsc: u64,
    pub duration_ns: u64,
    pub interference: u64,
}

/// Every hwlat record of a trace.
pub fn hwlat(trace: &str) -> Vec<HwlatRecord> {
    trace
        .lines()
        .filter_map(|line| {
            let (head, record) = line.split_once("inner/outer(us):")?;
            let (inner, rest) = record.split_once('/')?;
            let outer = rest.split_whitespace().next()?;
            Some(HwlatRecord {
                tsc: time_stamp(head)?,
                longest_us: inner.trim().parse::<u64>().ok()?.max(outer.parse().ok()?),
                count: after(record, "count:")?.parse().ok()?,
            })
        })
        .collect()
}

/// Every osnoise event of a trace.
pub fn osnoise(trace: &str) -> Vec<OsnoiseRecord> {
    trace
        .lines()
        .filter_map(|line| {
            let (head, record) = line.split_once("sample_threshold:")?;
            Some(OsnoiseRecord {
                tsc: time_stamp(head)?,
                duration_ns: after(record, "duration ")?.parse().ok()?,
                interference: after(record, "interference ")?.parse().ok()?,
            })
        })
        .collect()
}

fn time_stamp(head: &str) -> Option<u64> {
    head.split_whitespace()
        .find_map(|word| word.strip_suffix(':')?.parse().ok())
}

fn after<'a>(record: &'a str, name: &str) -> Option<&'a str> {
    record.split_once(name)?.1.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_hwlat_line() {
        let line = "           <...>-1729  [000] d.... 6784734490: #1     inner/outer(us):   11/206   ts:1581527483.343962693 count:6";
        assert_eq!(
            hwlat(line),
            [HwlatRecord {
                tsc: 6_784_734_490,
                longest_us: 206,
                count: 6
            }]
        );
    }

    #[test]
    fn reads_an_osnoise_event_and_nothing_else() {
        let trace = "# tracer: osnoise\n \
            osnoise/0-118 [000] ..... 81784734490: sample_threshold: start 81.784 duration 20074 ns interference 0\n";
        assert_eq!(
            osnoise(trace),
            [OsnoiseRecord {
                tsc: 81_784_734_490,
                duration_ns: 20_074,
                interference: 0
            }]
        );
    }
}

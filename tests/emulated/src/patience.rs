//! How long an emulator may take. A limit in the host's time would fail a
//! healthy guest on a busy host, so it is the emulator's own CPU time that is
//! limited, and the time in which it uses none.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// CPU time of one boot. That with many CPUs takes a quarter of it, others a
/// tenth.
pub const MOST: Duration = Duration::from_secs(1_800);
/// Without any work in this time the emulator hangs: an idle guest's time
/// passes at once, so that a healthy one always has work.
const LONGEST_REST: Duration = Duration::from_secs(600);
/// Units of the times in /proc/PID/stat (proc(5), USER_HZ on x86).
const TICK: Duration = Duration::from_millis(10);

/// Watches one emulator.
pub struct Patience {
    most: Duration,
    worked: Duration,
    worked_at: Instant,
}

/// What has become of the emulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    Working,
    /// It has worked for too long.
    Endless,
    /// It has not worked for too long.
    Hanging,
}

impl Patience {
    /// Begins to watch; `most` is the CPU time that it may take.
    pub fn begin(most: Duration) -> Self {
        Self {
            most,
            worked: Duration::ZERO,
            worked_at: Instant::now(),
        }
    }

    /// Looks at the process, which must not have been waited for yet.
    pub fn look(&mut self, process: u32) -> Result<Progress> {
        let path = format!("/proc/{process}/stat");
        let text = fs::read_to_string(&path).context(path)?;
        let worked = cpu_time(&text).context("/proc/PID/stat")?;
        if worked > self.worked {
            (self.worked, self.worked_at) = (worked, Instant::now());
        }
        Ok(if worked > self.most {
            Progress::Endless
        } else if self.worked_at.elapsed() > LONGEST_REST {
            Progress::Hanging
        } else {
            Progress::Working
        })
    }
}

/// `utime` and `stime`. The name before them is in parentheses and may hold
/// anything.
fn cpu_time(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields.split_ascii_whitespace().skip(11).take(2);
    let mut next = || ticks.next()?.parse::<u32>().ok();
    Some(TICK * next()?.checked_add(next()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_times_count_whatever_the_name() {
        let stat = "42 (a (b) 9) R 1 42 42 0 -1 4194560 90 0 0 0 150 25 7 7 20 0 1 0 5 0";
        assert_eq!(cpu_time(stat), Some(Duration::from_millis(1_750)));
        assert_eq!(cpu_time("42 (a"), None);
    }

    #[test]
    fn a_process_that_lives_is_working() {
        let progress = Patience::begin(MOST).look(std::process::id()).unwrap();
        assert_eq!(progress, Progress::Working);
    }
}

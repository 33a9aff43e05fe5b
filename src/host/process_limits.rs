//! Resource limits of this process, by `/proc/self/limits` (proc(5)).

use super::root::{Known, Root};

const FILE: &str = "proc/self/limits";

#[derive(Clone, Debug)]
pub struct ProcessLimits {
    /// RLIMIT_RTPRIO: the highest real-time priority that an ordinary user may
    /// set.
    pub realtime_priority: Known<SoftLimit>,
    /// RLIMIT_MEMLOCK: how many bytes of memory may be locked.
    pub locked_memory: Known<SoftLimit>,
}

/// The soft limit, which is the one in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoftLimit {
    Unlimited,
    UpTo(u64),
}

impl SoftLimit {
    /// Whether the limit lets this much pass.
    pub fn allows(self, amount: u64) -> bool {
        match self {
            SoftLimit::Unlimited => true,
            SoftLimit::UpTo(most) => amount <= most,
        }
    }
}

impl ProcessLimits {
    /// Reads the limits. They can change within the life of a process.
    pub fn read(root: &Root) -> ProcessLimits {
        let text = root.read_text(FILE);
        let limit = |name: &str, expected| {
            let text = text.as_ref().map_err(Clone::clone)?;
            soft_limit(text, name).ok_or_else(|| root.malformed(FILE, expected, text))
        };
        ProcessLimits {
            realtime_priority: limit("Max realtime priority", "a line 'Max realtime priority'"),
            locked_memory: limit("Max locked memory", "a line 'Max locked memory'"),
        }
    }
}

fn soft_limit(text: &str, name: &str) -> Option<SoftLimit> {
    let values = text.lines().find_map(|line| line.strip_prefix(name))?;
    match values.split_whitespace().next()? {
        "unlimited" => Some(SoftLimit::Unlimited),
        number => number.parse().ok().map(SoftLimit::UpTo),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
Limit                     Soft Limit           Hard Limit           Units     
Max locked memory         8388608              unlimited            bytes     
Max realtime priority     0                    99                   
";

    #[test]
    fn the_soft_limit_counts() {
        let of = |name| soft_limit(TEXT, name);
        assert_eq!(of("Max locked memory"), Some(SoftLimit::UpTo(8_388_608)));
        assert_eq!(of("Max realtime priority"), Some(SoftLimit::UpTo(0)));
        let free = TEXT.replace("8388608  ", "unlimited");
        assert_eq!(
            soft_limit(&free, "Max locked memory"),
            Some(SoftLimit::Unlimited)
        );
        assert!(SoftLimit::UpTo(49).allows(49) && !SoftLimit::UpTo(48).allows(49));
    }

    #[test]
    fn other_texts_hold_no_limit() {
        for text in ["", "Max locked memory", "Max locked memory  -1 -1 bytes"] {
            assert_eq!(soft_limit(text, "Max locked memory"), None, "{text}");
        }
    }
}

//! Limits of this process's control group, and of those above it.

use super::root::Root;

/// A limit above this is none: version 1 says so with a huge number.
const NONE: u64 = 1 << 60;
/// Groups within groups that are looked at.
const DEEPEST: usize = 64;

/// The lowest limit of all groups that this process is in; `None` where there
/// is none, or it cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupLimits {
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Tasks that may still be started.
    pub tasks_left: Option<u64>,
    /// CPU time, in percent of one CPU.
    pub cpu_percent: Option<u64>,
}

impl GroupLimits {
    /// Reads the limits, of both versions of control groups.
    pub fn read(root: &Root) -> GroupLimits {
        let mut found = GroupLimits::default();
        let groups = root.read_text("proc/self/cgroup").unwrap_or_default();
        // Each line is id:controllers:path; version 2 has no controllers.
        for line in groups.lines() {
            let mut fields = line.splitn(3, ':').skip(1);
            let (Some(controllers), Some(group)) = (fields.next(), fields.next()) else {
                continue;
            };
            for mount in mounts(controllers) {
                for folder in upwards(&mount, group) {
                    found.lower(root, &folder);
                }
            }
        }
        found
    }

    fn lower(&mut self, root: &Root, folder: &str) {
        let number = |file: &str| root.read_number::<u64>(&format!("{folder}/{file}")).ok();
        let least = |limit: &mut Option<u64>, found: Option<u64>| {
            if let Some(found) = found.filter(|found| *found < NONE) {
                *limit = Some(limit.map_or(found, |limit| limit.min(found)));
            }
        };
        least(&mut self.memory, number("memory.max"));
        least(&mut self.memory, number("memory.limit_in_bytes"));
        let tasks = number("pids.max").zip(number("pids.current"));
        let left = tasks.map(|(most, now)| most.saturating_sub(now));
        least(&mut self.tasks_left, left);
        // "quota period", or "max period".
        let share = |quota: u64, period: u64| Some(quota.checked_mul(100)? / period.max(1));
        let text = root.read_text(&format!("{folder}/cpu.max"));
        let second = text.ok().and_then(|text| {
            let (quota, period) = text.trim().split_once(' ')?;
            share(quota.parse().ok()?, period.parse().ok()?)
        });
        least(&mut self.cpu_percent, second);
        let first = number("cpu.cfs_quota_us").zip(number("cpu.cfs_period_us"));
        let first = first.and_then(|(quota, period)| share(quota, period));
        least(&mut self.cpu_percent, first);
    }
}

fn mounts(controllers: &str) -> Vec<String> {
    match controllers {
        "" => vec![
            String::from("sys/fs/cgroup"),
            String::from("sys/fs/cgroup/unified"),
        ],
        // Either the list or one of its names, by the distribution.
        list => std::iter::once(list)
            .chain(list.split(','))
            .map(|name| format!("sys/fs/cgroup/{name}"))
            .collect(),
    }
}

/// The folder of a group and those above it.
fn upwards(mount: &str, group: &str) -> Vec<String> {
    // A group outside this namespace shows as /../x, which no path leads to.
    let is_outside = group.split('/').any(|part| part == "..");
    let mut group = if is_outside {
        ""
    } else {
        group.trim_end_matches('/')
    };
    let mut all = vec![format!("{mount}{group}")];
    while let Some(end) = group.rfind('/').filter(|_| all.len() < DEEPEST) {
        group = &group[..end];
        all.push(format!("{mount}{group}"));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_limit_of_all_groups_counts() {
        let folder = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        put(
            "proc/self/cgroup",
            "4:memory:/x\n2:cpu,cpuacct:/\n0::/a/b\n",
        );
        put("sys/fs/cgroup/a/memory.max", "67108864\n");
        put("sys/fs/cgroup/a/b/memory.max", "max\n");
        put("sys/fs/cgroup/a/b/pids.max", "20\n");
        put("sys/fs/cgroup/a/b/pids.current", "15\n");
        put("sys/fs/cgroup/a/b/cpu.max", "20000 100000\n");
        put(
            "sys/fs/cgroup/memory/x/memory.limit_in_bytes",
            "9223372036854771712\n",
        );
        put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
        put("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
        let found = GroupLimits::read(&Root::at(folder.path()));
        let expected = GroupLimits {
            memory: Some(64 << 20),
            tasks_left: Some(5),
            cpu_percent: Some(20),
        };
        assert_eq!(found, expected);
        assert_eq!(
            GroupLimits::read(&Root::at("/none")),
            GroupLimits::default()
        );
    }
}

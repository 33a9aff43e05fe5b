//! Which process a number means: numbers are used again, starting times are
//! not.

use crate::host::root::Root;

/// When a process or thread started, in clock ticks since boot (proc(5), stat,
/// field 22); `None` where there is none of that number.
pub fn start_time(root: &Root, number: u32) -> Option<u64> {
    let stat = root.read_text(&format!("proc/{number}/stat")).ok()?;
    // The name may hold anything, parentheses and blanks too.
    let after_name = &stat[stat.rfind(')')? + 1..];
    after_name.split_whitespace().nth(19)?.parse().ok()
}

/// The state of a process by its letter (proc(5)); `None` where there is none of
/// that number.
pub fn state(root: &Root, number: u32) -> Option<char> {
    let stat = root.read_text(&format!("proc/{number}/stat")).ok()?;
    let after_name = &stat[stat.rfind(')')? + 1..];
    after_name.trim_start().chars().next()
}

/// The control group (version 2) of a process, as a path below that hierarchy.
pub fn control_group(root: &Root, number: u32) -> Option<String> {
    let groups = root.read_text(&format!("proc/{number}/cgroup")).ok()?;
    let line = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    Some(line.trim_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_pass_for_fields() {
        let folder = tempfile::tempdir().unwrap();
        let process = folder.path().join("proc/7");
        std::fs::create_dir_all(&process).unwrap();
        let fields: Vec<String> = (4..=30).map(|field| field.to_string()).collect();
        let stat = format!("7 (a) S 1 (b) S {}\n", fields.join(" "));
        std::fs::write(process.join("stat"), stat).unwrap();
        assert_eq!(start_time(&Root::at(folder.path()), 7), Some(22));
        assert_eq!(start_time(&Root::at(folder.path()), 8), None);
    }

    #[test]
    fn this_process_has_a_start() {
        let root = Root::live();
        assert!(start_time(&root, std::process::id()).is_some());
    }
}

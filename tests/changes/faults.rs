//! Each way in which a change or its putting back can fail.

use hwgap::changes::{
    Foreign, Format, Found, Locked, Place, PutBack, Refusal, Restored, Settled, rehearse, restore,
};
use std::time::Duration;

use super::host::{Host, INTERVAL, MASK, Operation};

/// Changes two settings, meddles, and puts both back.
fn after(host: &Host, meddle: impl FnOnce(&Host, &super::host::Faulty)) -> Vec<Settled> {
    let mut changes = host.begin();
    changes
        .set(Place::root(MASK), Format::CpuMask, "1")
        .unwrap();
    changes
        .set(Place::root(INTERVAL), Format::Text, "3600")
        .unwrap();
    meddle(host, changes.access());
    changes.put_back()
}

/// What became of each, the latest first.
fn results(settled: &[Settled]) -> Vec<&PutBack> {
    settled.iter().map(|one| &one.put_back).collect()
}

/// What `hwgap restore` does.
fn restored(host: &Host, foreign: Foreign) -> Restored {
    let found = Locked::take(&host.journal(), Duration::ZERO)
        .unwrap()
        .look();
    match found.unwrap() {
        Found::Left(left) => restore(*left, &host.access(), foreign).unwrap(),
        Found::Nothing(_) => panic!("no journal"),
    }
}

fn settled(restored: Restored) -> Vec<Settled> {
    match restored {
        Restored::Settled(settled) => settled,
        Restored::BootedSince => panic!("booted since"),
    }
}

#[test]
fn a_file_that_is_gone_needs_nothing() {
    let host = Host::new();
    let settled = after(&host, |host, _| {
        std::fs::remove_file(host.path(INTERVAL)).unwrap();
    });
    assert_eq!(results(&settled), [&PutBack::Gone, &PutBack::Done]);
    assert_eq!(host.read(MASK), "3");
    assert!(!host.journal_file().exists());
}

#[test]
fn a_device_that_is_gone_needs_nothing() {
    let host = Host::new();
    let settled = after(&host, |_, access| {
        access.fail(Operation::Write, INTERVAL, libc::ENODEV, 1);
    });
    assert_eq!(results(&settled), [&PutBack::Gone, &PutBack::Done]);
}

#[test]
fn a_setting_of_a_cpu_that_is_offline_waits_until_it_is_back() {
    const GOVERNOR: &str = "sys/devices/system/cpu/cpu3/cpufreq/scaling_governor";
    const ONLINE: &str = "sys/devices/system/cpu/cpu3/online";
    // Its file is gone, refuses, or says that its CPU is not there.
    for errno in [None, Some(libc::EBUSY), Some(libc::ENODEV)] {
        let host = Host::new();
        host.write(GOVERNOR, "powersave\n");
        host.write(ONLINE, "1\n");
        let mut changes = host.begin();
        let place = Place::root(GOVERNOR);
        changes.set(place, Format::Text, "performance").unwrap();
        host.write(ONLINE, "0\n");
        match errno {
            Some(errno) => changes.access().fail(Operation::Read, GOVERNOR, errno, 1),
            None => std::fs::remove_file(host.path(GOVERNOR)).unwrap(),
        }
        let PutBack::Failed(reason) = &changes.put_back()[0].put_back else {
            panic!("not left for later");
        };
        assert!(reason.starts_with("CPU 3 is offline"), "{reason}");
        // With the CPU its setting comes back, as it was last.
        host.write(ONLINE, "1\n");
        host.write(GOVERNOR, "performance\n");
        let settled = settled(restored(&host, Foreign::Report));
        assert_eq!(results(&settled), [&PutBack::Done]);
        assert_eq!(host.read(GOVERNOR), "powersave");
        assert!(!host.journal_file().exists());
    }
}

#[test]
fn what_is_refused_keeps_its_journal_and_does_not_stop_the_rest() {
    for errno in [
        libc::EPERM,
        libc::EBUSY,
        libc::EIO,
        libc::EROFS,
        libc::EACCES,
    ] {
        for operation in [Operation::Read, Operation::Write] {
            let host = Host::new();
            let first = after(&host, |_, access| {
                access.fail(operation, INTERVAL, errno, 1)
            });
            assert!(matches!(first[0].put_back, PutBack::Failed(_)), "{first:?}");
            assert_eq!(first[1].put_back, PutBack::Done);
            assert_eq!(
                (host.read(INTERVAL), host.read(MASK)),
                ("3600".into(), "3".into())
            );
            // The obstacle is gone: hwgap restore does the rest, and only that.
            let second = settled(restored(&host, Foreign::Report));
            assert_eq!(results(&second), [&PutBack::Done]);
            assert_eq!(host.read(INTERVAL), "1");
            assert!(!host.journal_file().exists());
        }
    }
}

#[test]
fn a_value_that_somebody_else_set_stays_until_a_word_is_said() {
    for (foreign, value, left) in [
        (Foreign::Report, "7", true),
        (Foreign::Accept, "7", false),
        (Foreign::Overwrite, "1", false),
    ] {
        let host = Host::new();
        let first = after(&host, |host, _| host.write(INTERVAL, "7\n"));
        assert_eq!(first[0].put_back, PutBack::Conflict("7".into()));
        assert_eq!(
            (host.read(INTERVAL), host.read(MASK)),
            ("7".into(), "3".into())
        );
        let second = settled(restored(&host, foreign));
        assert_eq!(second.len(), 1);
        assert_eq!(host.read(INTERVAL), value, "{foreign:?}");
        assert_eq!(host.journal_file().exists(), left, "{foreign:?}");
    }
}

#[test]
fn a_value_that_somebody_else_put_back_is_as_before() {
    let host = Host::new();
    let settled = after(&host, |host, _| host.write(INTERVAL, "1\n"));
    assert_eq!(settled[0].put_back, PutBack::Already);
}

#[test]
fn a_rehearsal_changes_nothing() {
    let host = Host::new();
    after(&host, |_, access| {
        access.fail(Operation::Write, INTERVAL, libc::EPERM, 1)
    });
    let found = Locked::take(&host.journal(), Duration::ZERO)
        .unwrap()
        .look();
    let Ok(Found::Left(left)) = found else {
        panic!("no journal")
    };
    let looked = settled(rehearse(&left, &host.access(), Foreign::Report));
    assert_eq!(results(&looked), [&PutBack::Done]);
    assert_eq!(host.read(INTERVAL), "3600");
    drop(left);
    assert_eq!(
        results(&settled(restored(&host, Foreign::Report))),
        [&PutBack::Done]
    );
}

#[test]
fn a_change_that_is_refused_leaves_no_trace() {
    for errno in [
        libc::EPERM,
        libc::EBUSY,
        libc::EIO,
        libc::EINVAL,
        libc::EROFS,
    ] {
        let host = Host::new();
        let mut changes = host.begin();
        changes.access().fail(Operation::Write, INTERVAL, errno, 1);
        let refused = changes.set(Place::root(INTERVAL), Format::Text, "3600");
        let Err(Refusal {
            old, errno: said, ..
        }) = refused
        else {
            panic!("not refused");
        };
        assert_eq!((old.as_deref(), said), (Some("1"), Some(errno)));
        assert!(changes.standing().is_empty());
        assert!(changes.put_back().is_empty());
        assert_eq!(host.read(INTERVAL), "1");
        assert!(!host.journal_file().exists());
    }
}

#[test]
fn a_file_that_is_not_there_is_refused_before_the_journal() {
    let host = Host::new();
    let mut changes = host.begin();
    let refused = changes.set(Place::root("proc/sys/none"), Format::Text, "1");
    assert_eq!(refused.unwrap_err().errno, Some(libc::ENOENT));
}

#[test]
fn a_folder_in_use_is_tried_again() {
    const GROUP: &str = "sys/fs/cgroup/hwgap";
    let host = Host::new();
    let mut changes = host.begin();
    changes.make_folder(Place::root(GROUP)).unwrap();
    // As while the threads of a killed run leave it.
    changes
        .access()
        .fail(Operation::Remove, GROUP, libc::EBUSY, 3);
    let settled = changes.put_back();
    assert_eq!(results(&settled), [&PutBack::Done]);
    assert!(!host.path(GROUP).exists());
}

#[test]
fn a_process_whose_number_is_used_again_is_left_alone() {
    let host = Host::new();
    let stat = |start: u32| format!("7 (x) S {} {start} 0\n", ["0"; 18].join(" "));
    for group in ["sys/fs/cgroup/a", "sys/fs/cgroup/b"] {
        host.write(&format!("{group}/cgroup.procs"), "");
    }
    for (start, group, result, written) in [
        (5, "b", PutBack::Done, "7"),
        (6, "b", PutBack::Gone, ""),
        (5, "a", PutBack::Already, ""),
        (5, "c", PutBack::Conflict("/c".into()), ""),
    ] {
        host.write("proc/7/stat", &stat(5));
        host.write("proc/7/cgroup", "1:name=x:/y\n0::/a\n");
        host.write("sys/fs/cgroup/a/cgroup.procs", "");
        let mut changes = host.begin();
        let [from, to] = ["a", "b"].map(|name| Place::root(format!("sys/fs/cgroup/{name}")));
        changes.move_process(7, from, to).unwrap();
        assert_eq!(host.read("sys/fs/cgroup/b/cgroup.procs"), "7");
        host.write("proc/7/stat", &stat(start));
        host.write("proc/7/cgroup", &format!("0::/{group}\n"));
        let settled = changes.put_back();
        assert_eq!(results(&settled), [&result]);
        assert_eq!(host.read("sys/fs/cgroup/a/cgroup.procs"), written);
        let _ = std::fs::remove_file(host.journal_file());
    }
}

#[test]
fn what_resisted_at_the_end_of_a_part_is_tried_again_at_the_end_of_all() {
    let host = Host::new();
    let mut changes = host.begin();
    changes
        .set(Place::root(INTERVAL), Format::Text, "3600")
        .unwrap();
    let part = changes.next();
    changes
        .set(Place::root(MASK), Format::CpuMask, "1")
        .unwrap();
    changes
        .access()
        .fail(Operation::Write, MASK, libc::EBUSY, 1);
    let settled = changes.put_back_from(part);
    assert!(matches!(results(&settled)[..], [PutBack::Failed(_)]));
    assert_eq!(host.read(INTERVAL), "3600");
    let settled = changes.put_back();
    assert_eq!(results(&settled), [&PutBack::Done; 2]);
    assert_eq!(
        (host.read(INTERVAL), host.read(MASK)),
        ("1".into(), "3".into())
    );
    assert!(!host.journal_file().exists());
}

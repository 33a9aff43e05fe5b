//! Changed and put back, with nothing in the way.

use hwgap::changes::{Changed, Format, Place, PutBack};

use super::host::{HUGE, Host, INTERVAL, MASK};

#[test]
fn everything_is_put_back_the_latest_first() {
    let host = Host::new();
    let mut changes = host.begin();
    let made = changes.set(Place::root(INTERVAL), Format::Text, "3600");
    assert!(
        matches!(made, Ok(Changed::Made { ref old, .. }) if old == "1"),
        "{made:?}"
    );
    changes
        .set(Place::root(MASK), Format::CpuMask, "1")
        .unwrap();
    changes
        .set(Place::root(INTERVAL), Format::Text, "7200")
        .unwrap();
    assert_eq!(
        (host.read(INTERVAL), host.read(MASK)),
        ("7200".into(), "1".into())
    );
    let settled = changes.put_back();
    assert_eq!(
        (host.read(INTERVAL), host.read(MASK)),
        ("1".into(), "3".into())
    );
    let order: Vec<usize> = settled.iter().map(|one| one.n).collect();
    assert_eq!(order, [2, 1, 0]);
    assert!(settled.iter().all(|one| one.put_back == PutBack::Done));
    assert!(!host.journal_file().exists());
}

#[test]
fn a_value_that_is_so_already_is_no_change() {
    let host = Host::new();
    let mut changes = host.begin();
    let again = changes.set(Place::root(MASK), Format::CpuMask, "00000003");
    assert_eq!(again, Ok(Changed::Already("3".into())));
    assert!(changes.put_back().is_empty());
}

#[test]
fn a_dropped_run_puts_back_as_well() {
    let host = Host::new();
    let mut changes = host.begin();
    changes
        .set(Place::root(INTERVAL), Format::Text, "3600")
        .unwrap();
    drop(changes);
    assert_eq!(host.read(INTERVAL), "1");
    assert!(!host.journal_file().exists());
}

#[test]
fn a_panic_puts_back_as_well() {
    let host = Host::new();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut changes = host.begin();
        changes
            .set(Place::root(INTERVAL), Format::Text, "3600")
            .unwrap();
        panic!("as if by a defect");
    }));
    assert!(panicked.is_err());
    assert_eq!(host.read(INTERVAL), "1");
}

#[test]
fn a_choice_is_put_back_by_its_word() {
    let host = Host::new();
    let mut changes = host.begin();
    // A real file would answer with all its words; this one keeps what it got.
    changes
        .set(Place::root(HUGE), Format::Choice, "madvise")
        .unwrap();
    changes.put_back();
    assert_eq!(host.read(HUGE), "always");
}

#[test]
fn what_another_change_takes_along_is_put_back_after_it() {
    let host = Host::new();
    let mut changes = host.begin();
    changes.keep(Place::root(MASK), Format::CpuMask);
    changes.keep(Place::root("proc/none"), Format::Text);
    changes
        .set(Place::root(INTERVAL), Format::Text, "3600")
        .unwrap();
    host.write(MASK, "1\n");
    let settled = changes.put_back();
    assert_eq!(host.read(MASK), "3");
    assert_eq!(settled.len(), 2);
}

#[test]
fn a_folder_that_was_made_is_removed() {
    let host = Host::new();
    let mut changes = host.begin();
    let group = Place::root("sys/fs/cgroup/hwgap");
    changes.make_folder(group.clone()).unwrap();
    assert!(host.path("sys/fs/cgroup/hwgap").exists());
    assert!(changes.make_folder(group).is_err(), "it is there already");
    changes.put_back();
    assert!(!host.path("sys/fs/cgroup/hwgap").exists());
}

#[test]
fn a_step_that_leads_nowhere_is_taken_back_alone() {
    let host = Host::new();
    let mut changes = host.begin();
    changes
        .set(Place::root(INTERVAL), Format::Text, "3600")
        .unwrap();
    let Ok(Changed::Made { n, .. }) = changes.set(Place::root(MASK), Format::CpuMask, "1") else {
        panic!("not made");
    };
    changes.take_back_from(n);
    assert_eq!(
        (host.read(INTERVAL), host.read(MASK)),
        ("3600".into(), "3".into())
    );
    assert_eq!(changes.put_back().len(), 1);
}

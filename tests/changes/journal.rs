//! The journal as a file: cut short, damaged, somebody else's, locked.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use hwgap::changes::{
    Foreign, Format, Found, JournalError, Left, Locked, Place, PutBack, Restored, restore,
};

use super::host::{Host, INTERVAL, MASK};

/// A run that died after two changes. Nothing of it runs any more.
fn died() -> Host {
    let host = Host::new();
    let mut changes = host.begin();
    changes
        .set(Place::root(MASK), Format::CpuMask, "1")
        .unwrap();
    changes
        .set(Place::root(INTERVAL), Format::Text, "3600")
        .unwrap();
    let text = fs::read(host.journal_file()).unwrap();
    drop(changes);
    fs::write(host.journal_file(), text).unwrap();
    fs::set_permissions(host.journal_file(), fs::Permissions::from_mode(0o600)).unwrap();
    host.write(MASK, "1\n");
    host.write(INTERVAL, "3600\n");
    host
}

fn look(host: &Host) -> Result<Found, JournalError> {
    Locked::take(&host.journal(), Duration::ZERO)?.look()
}

fn left(host: &Host) -> Left {
    match look(host).unwrap() {
        Found::Left(left) => *left,
        Found::Nothing(_) => panic!("no journal"),
    }
}

#[test]
fn a_new_run_refuses_to_start_on_top_of_a_dead_one() {
    let host = died();
    let refused = host.try_begin().map(drop).unwrap_err();
    assert!(
        matches!(refused, JournalError::Unrestored { changes: 2, .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("hwgap restore"));
    restore(left(&host), &host.access(), Foreign::Report).unwrap();
    assert_eq!(
        (host.read(INTERVAL), host.read(MASK)),
        ("1".into(), "3".into())
    );
    host.begin();
}

#[test]
fn a_run_that_died_before_its_first_change_is_in_nobodys_way() {
    let host = died();
    let text = fs::read_to_string(host.journal_file()).unwrap();
    let header = text.lines().next().unwrap();
    fs::write(host.journal_file(), format!("{header}\n")).unwrap();
    drop(host.begin());
    assert!(!host.journal_file().exists());
}

#[test]
fn a_run_beside_a_living_one_is_refused_differently() {
    let host = Host::new();
    let _running = host.begin();
    let refused = host.try_begin().map(drop).unwrap_err();
    assert!(matches!(refused, JournalError::Locked(_)), "{refused}");
    let process = std::process::id().to_string();
    assert!(refused.to_string().contains(&process), "{refused}");
}

/// A killed run at each length of the journal that a crash can leave.
#[test]
fn a_journal_cut_short_anywhere_is_followed_as_far_as_it_goes() {
    let host = died();
    let whole = fs::read(host.journal_file()).unwrap();
    let lines: Vec<usize> = (whole.iter().enumerate())
        .filter(|(_, byte)| **byte == b'\n')
        .map(|(index, _)| index + 1)
        .collect();
    for length in 0..=whole.len() {
        fs::write(host.journal_file(), &whole[..length]).unwrap();
        let announced = lines
            .iter()
            .filter(|end| **end <= length)
            .count()
            .saturating_sub(1);
        match look(&host).unwrap() {
            Found::Nothing(_) => assert!(length < lines[0], "{length}"),
            Found::Left(found) => {
                assert_eq!(found.standing.len(), announced, "{length}");
                assert_eq!(found.unreadable, 0, "{length}");
            }
        }
    }
}

#[test]
fn restoring_twice_is_restoring_once() {
    let host = died();
    let text = fs::read(host.journal_file()).unwrap();
    for expected in [PutBack::Done, PutBack::Already] {
        fs::write(host.journal_file(), &text).unwrap();
        let done = restore(left(&host), &host.access(), Foreign::Report).unwrap();
        let Restored::Settled(settled) = done else {
            panic!("booted")
        };
        assert!(
            settled.iter().all(|one| one.put_back == expected),
            "{settled:?}"
        );
    }
    assert!(matches!(look(&host), Ok(Found::Nothing(_))));
}

#[test]
fn after_a_boot_nothing_is_written() {
    let host = died();
    host.write("proc/sys/kernel/random/boot_id", "another\n");
    let done = restore(left(&host), &host.access(), Foreign::Report).unwrap();
    assert_eq!(done, Restored::BootedSince);
    assert_eq!(host.read(INTERVAL), "3600");
    assert!(!host.journal_file().exists());
}

/// Not to know which boot this is is no other boot.
#[test]
fn without_a_boot_id_everything_is_put_back_and_nothing_forgotten() {
    for text in ["", "\n"] {
        let host = died();
        host.write("proc/sys/kernel/random/boot_id", text);
        let done = restore(left(&host), &host.access(), Foreign::Report).unwrap();
        assert!(matches!(done, Restored::Settled(_)), "{done:?}");
        assert_eq!(host.read(INTERVAL), "1");
    }
    // Nor was it known to the run that died.
    let host = died();
    let journal = fs::read_to_string(host.journal_file()).unwrap();
    fs::write(host.journal_file(), journal.replace("one-boot", "")).unwrap();
    let done = restore(left(&host), &host.access(), Foreign::Report).unwrap();
    assert!(matches!(done, Restored::Settled(_)), "{done:?}");
    assert_eq!(host.read(INTERVAL), "1");
    // What somebody else has set since is not overwritten.
    let host = died();
    host.write("proc/sys/kernel/random/boot_id", "");
    host.write(INTERVAL, "77\n");
    restore(left(&host), &host.access(), Foreign::Report).unwrap();
    assert_eq!(host.read(INTERVAL), "77");
    assert!(host.journal_file().exists());
}

#[test]
fn lines_that_make_no_sense_are_counted_and_the_journal_stays() {
    let host = died();
    let mut file = fs::OpenOptions::new()
        .append(true)
        .open(host.journal_file())
        .unwrap();
    // A file of nobody's business among them.
    let foreign = r#"{"change":{"n":9,"change":{"kind":"value","place":{"tree":"root","path":"proc/../etc/passwd"},"format":"text","old":"x","new":"y"}}}"#;
    writeln!(file, "nonsense\n{foreign}").unwrap();
    let found = left(&host);
    assert_eq!((found.standing.len(), found.unreadable), (2, 2));
    restore(found, &host.access(), Foreign::Report).unwrap();
    assert_eq!(host.read(INTERVAL), "1");
    assert!(host.journal_file().exists());
}

#[test]
fn a_file_that_is_no_journal_is_not_followed() {
    let host = died();
    for text in [
        "{}\n",
        "[]\n",
        "\n",
        "\u{1b}[2J\n",
        "{\"hwgap_journal\":2}\n",
    ] {
        fs::write(host.journal_file(), text).unwrap();
        let refused = look(&host).map(drop).unwrap_err();
        assert!(
            matches!(refused, JournalError::Damaged { .. }),
            "{text}: {refused}"
        );
    }
}

#[test]
fn a_journal_that_others_can_write_is_not_followed() {
    let host = died();
    fs::set_permissions(host.journal_file(), fs::Permissions::from_mode(0o622)).unwrap();
    assert!(matches!(look(&host), Err(JournalError::NotOurs(_))));
    let text = fs::read(host.journal_file()).unwrap();
    let elsewhere = host.journal().join("elsewhere");
    fs::rename(host.journal_file(), &elsewhere).unwrap();
    fs::write(&elsewhere, text).unwrap();
    std::os::unix::fs::symlink(&elsewhere, host.journal_file()).unwrap();
    assert!(look(&host).is_err(), "a link may lead anywhere");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let host = Host::new();
    fs::write(host.journal(), "a file in its place").unwrap();
    let refused = host.try_begin().map(drop).unwrap_err();
    let text = refused.to_string();
    assert!(
        text.contains("journal") && text.contains("--journal"),
        "{text}"
    );
}

//! Tests of [`super`].

use std::fs;
use std::io;
use std::path::Path;

use super::{ReadError, Root};

fn tree(files: &[(&str, &[u8])]) -> (tempfile::TempDir, Root) {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let root = Root::at(folder.path());
    (folder, root)
}

#[test]
fn a_leading_slash_does_not_leave_the_root() {
    assert_eq!(
        Root::at("/tree").path("/proc/stat"),
        Path::new("/tree/proc/stat")
    );
    assert_eq!(Root::live().path("proc/stat"), Path::new("/proc/stat"));
}

#[test]
fn one_trailing_newline_goes_and_no_more() {
    let (_folder, root) = tree(&[("a", b"x\n\n"), ("b", b"y")]);
    assert_eq!(root.read_text("a").unwrap(), "x\n");
    assert_eq!(root.read_text("b").unwrap(), "y");
}

#[test]
fn an_oversized_file_is_refused() {
    let just = vec![b'x'; 1 << 20];
    let over = vec![b'x'; (1 << 20) + 1];
    let (_folder, root) = tree(&[("just", &just), ("over", &over)]);
    assert_eq!(root.read_text("just").unwrap().len(), 1 << 20);
    assert!(matches!(
        root.read_text("over"),
        Err(ReadError::Malformed { .. })
    ));
}

#[test]
fn missing_and_folder_and_malformed_are_told_apart() {
    let (_folder, root) = tree(&[("n", b"12x\n"), ("d/f", b"")]);
    assert!(matches!(
        root.read_text("none"),
        Err(ReadError::Missing { .. })
    ));
    assert!(matches!(
        root.read_text("n/below"),
        Err(ReadError::Missing { .. })
    ));
    assert!(matches!(root.read_text("d"), Err(ReadError::Other { .. })));
    let error = root.read_number::<u32>("n").unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("/n holds '12x', not a number in range"),
        "{error}"
    );
}

#[test]
fn a_refused_permission_is_denied() {
    // The tests may run as root, whom no file mode stops.
    for errno in [libc::EACCES, libc::EPERM] {
        let error = ReadError::from_io(Path::new("/f"), &io::Error::from_raw_os_error(errno));
        assert_eq!(error, ReadError::Denied { path: "/f".into() });
    }
}

#[test]
fn numbers_out_of_range_are_malformed() {
    let (_folder, root) = tree(&[("n", b" 4294967296 \n"), ("m", b"-1\n")]);
    assert!(root.read_number::<u32>("n").is_err());
    assert_eq!(root.read_number::<u64>("n"), Ok(1 << 32));
    assert_eq!(root.read_number::<i64>("m"), Ok(-1));
}

#[test]
fn cpu_lists_take_blank_and_null_as_empty() {
    let (_folder, root) = tree(&[
        ("blank", b"\n"),
        ("null", b"(null)\n"),
        ("list", b"0-2,7\n"),
        ("bad", b"0-\n"),
    ]);
    assert!(root.read_cpu_list("blank").unwrap().is_empty());
    assert!(root.read_cpu_list("null").unwrap().is_empty());
    assert_eq!(root.read_cpu_list("list").unwrap().to_string(), "0-2,7");
    assert!(matches!(
        root.read_cpu_list("bad"),
        Err(ReadError::Malformed { .. })
    ));
}

#[test]
fn overlong_cpu_lists_are_refused_unread() {
    let text = "0-65535,".repeat(5_000);
    let (_folder, root) = tree(&[("list", text.as_bytes())]);
    assert!(matches!(
        root.read_cpu_list("list"),
        Err(ReadError::Malformed { .. })
    ));
}

#[test]
fn what_an_error_quotes_is_cleaned_and_cut() {
    let text = format!("\u{1b}]0;{}", "x".repeat(500));
    let (_folder, root) = tree(&[("n", text.as_bytes())]);
    let shown = root.read_number::<u8>("n").unwrap_err();
    let ReadError::Malformed { found, .. } = shown else {
        panic!("{shown}")
    };
    assert!(
        found.starts_with("\u{fffd}]0;xxx") && found.ends_with('…'),
        "{found}"
    );
    assert_eq!(found.chars().count(), 60);
}

#[test]
fn the_first_paragraph_ends_at_the_empty_line() {
    let long = format!("a : 1\n{}\n\nb : 2\n", "x".repeat(40_000));
    let (_folder, root) = tree(&[("long", long.as_bytes()), ("only", b"a : 1\n")]);
    assert_eq!(root.read_first_paragraph("long").unwrap().len(), 40_006);
    assert_eq!(root.read_first_paragraph("only").unwrap(), "a : 1\n");
}

#[test]
fn folders_list_sorted() {
    let (_folder, root) = tree(&[("d/b", b""), ("d/a", b"")]);
    assert_eq!(root.list_dir("d").unwrap(), ["a", "b"]);
    assert!(matches!(root.list_dir("e"), Err(ReadError::Missing { .. })));
}

#[test]
fn a_blank_label_is_no_label() {
    let (_folder, root) = tree(&[("blank", b"  \n"), ("name", b" Dell Inc.\n")]);
    assert!(matches!(
        root.read_label("blank", 64),
        Err(ReadError::Malformed { .. })
    ));
    assert_eq!(root.read_label("name", 64).unwrap(), "Dell Inc.");
}

#[test]
fn a_fifo_does_not_block() {
    let (folder, root) = tree(&[]);
    nix::unistd::mkfifo(&folder.path().join("pipe"), nix::sys::stat::Mode::S_IRUSR).unwrap();
    assert_eq!(root.read_text("pipe").unwrap(), "");
}

#[test]
fn a_log_is_read_to_its_end_and_a_missing_one_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let long = "6,1,2,-;a line of the log\n".repeat(2_000);
    fs::write(folder.path().join("kmsg"), &long).unwrap();
    let root = Root::at(folder.path());
    assert_eq!(root.read_log("kmsg"), Ok(long));
    assert!(matches!(
        root.read_log("none"),
        Err(ReadError::Missing { .. })
    ));
}

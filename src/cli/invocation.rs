//! How the program was called: under its own name, or as hwlatdetect.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// The command whose name the program may have.
const HWLATDETECT: &str = "hwlatdetect";

/// hwlatdetect's long options. Go's flag package, in which test suites are
/// written that drive it, takes one dash for two.
const LONG: [&[u8]; 10] = [
    b"duration",
    b"threshold",
    b"hardlimit",
    b"window",
    b"width",
    b"report",
    b"cpu-list",
    b"debug",
    b"quiet",
    b"watch",
];

/// The arguments as `hwgap COMMAND …` has them.
pub fn arguments(given: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut given = given.into_iter();
    let name = given.next().unwrap_or_default();
    // Its own name in place of the link's, so that what it says of the usage can
    // be typed.
    let mut arguments = match is_hwlatdetect(&name) {
        true => vec!["hwgap".into(), HWLATDETECT.into()],
        false => vec![name],
    };
    arguments.extend(given);
    if arguments
        .get(1)
        .is_some_and(|command| command == HWLATDETECT)
    {
        for option in &mut arguments[2..] {
            double_dash(option);
        }
    }
    arguments
}

/// By a link of that name, with the ending that its source has or without.
fn is_hwlatdetect(program: &OsStr) -> bool {
    Path::new(program).file_stem() == Some(OsStr::new(HWLATDETECT))
}

fn double_dash(option: &mut OsString) {
    let bytes = option.as_bytes();
    let Some(rest) = bytes.strip_prefix(b"-") else {
        return;
    };
    let end = rest.iter().position(|&byte| byte == b'=');
    if LONG.contains(&&rest[..end.unwrap_or(rest.len())]) {
        *option = OsString::from_vec([b"-", bytes].concat());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(given: &[&str]) -> Vec<String> {
        arguments(given.iter().map(OsString::from))
            .into_iter()
            .map(|argument| argument.into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_link_called_hwlatdetect_is_the_command() {
        for name in ["hwlatdetect", "/usr/bin/hwlatdetect", "./hwlatdetect.py"] {
            assert_eq!(
                seen(&[name, "--quiet"]),
                ["hwgap", "hwlatdetect", "--quiet"]
            );
        }
        assert_eq!(seen(&["hwgap", "run"]), ["hwgap", "run"]);
        assert_eq!(seen(&["/opt/hwlatdetector"]), ["/opt/hwlatdetector"]);
        assert!(arguments([]).len() == 1);
    }

    #[test]
    fn one_dash_will_do_for_a_whole_name() {
        assert_eq!(
            seen(&[
                "hwgap",
                "hwlatdetect",
                "-hardlimit=5",
                "-threshold",
                "5",
                "-h",
                "-w"
            ])[2..],
            ["--hardlimit=5", "--threshold", "5", "-h", "-w"]
        );
        assert_eq!(seen(&["hwgap", "run", "-quiet"])[2], "-quiet");
    }
}

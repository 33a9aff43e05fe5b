//! From a page to a host's own report.

use std::path::{Component, Path, PathBuf};

/// The address of a report relative to the folder of the page: its web page
/// where one lies beside it, else the report. `None` for what lies in an
/// archive or is not a file.
pub(super) fn link(source: &str, folder: &Path) -> Option<String> {
    let path = Path::new(source);
    if !path.is_file() {
        return None;
    }
    let page = path.with_extension("html");
    let path = match page.is_file() {
        true => page,
        false => path.to_owned(),
    };
    let (from, to) = (folder.canonicalize().ok()?, path.canonicalize().ok()?);
    Some(encoded(&relative(&from, &to)))
}

fn relative(from: &Path, to: &Path) -> PathBuf {
    let shared = from.components().zip(to.components());
    let shared = shared.take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(to.components().skip(shared)).collect()
}

/// Percent-encoded (RFC 3986), with a dot before it so that no name is taken
/// for a scheme.
fn encoded(path: &Path) -> String {
    let mut text = String::from("./");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                text.push(char::from(*byte));
            }
            byte => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_lead_up_and_down() {
        let way = |from: &str, to: &str| encoded(&relative(Path::new(from), Path::new(to)));
        assert_eq!(
            way("/a/pages", "/a/reports/n 1.json"),
            "./../reports/n%201.json"
        );
        assert_eq!(way("/a", "/a/javascript:x"), "./javascript%3Ax");
    }
}

//! Tells the program which commit it is made of, where that can be found out.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=HWGAP_COMMIT");
    let commit = named().or_else(packed).or_else(checked_out);
    let commit = commit.unwrap_or_else(|| String::from("unknown commit"));
    println!(
        "cargo::rustc-env=HWGAP_VERSION={} ({commit})",
        env!("CARGO_PKG_VERSION")
    );
}

/// As whoever builds a package says.
fn named() -> Option<String> {
    std::env::var("HWGAP_COMMIT")
        .ok()
        .and_then(|text| short(&text))
}

/// As cargo noted when it packed the crate.
fn packed() -> Option<String> {
    let noted = std::fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let (_, rest) = noted.split_once("\"sha1\": \"")?;
    short(rest.split('"').next()?)
}

/// As git says, of a release only: a debug build would be made anew at each
/// commit. A folder within another repository is none of that one's commits.
fn checked_out() -> Option<String> {
    if std::env::var("PROFILE").ok()? != "release" {
        return None;
    }
    let top = git(&["rev-parse", "--show-toplevel"])?;
    let own = std::env::var("CARGO_MANIFEST_DIR").ok()?;
    if Path::new(&top).canonicalize().ok()? != Path::new(&own).canonicalize().ok()? {
        return None;
    }
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    println!("cargo::rerun-if-changed={log}");
    short(&git(&["rev-parse", "HEAD"])?)
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// The first twelve digits of a hash; nothing of what is none.
fn short(hash: &str) -> Option<String> {
    let is_hash = hash.len() >= 7 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| format!("commit {}", &hash[..hash.len().min(12)]))
}

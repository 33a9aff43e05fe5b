//! Links lead somewhere, and files that are named exist.

use std::collections::HashSet;
use std::path::Path;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::blocks::{Page, root};

/// Folders whose files pages name. Some are not in the crate as published.
const FOLDERS: [&str; 14] = [
    ".ci/",
    ".github/",
    "benches/",
    "contrib/",
    "data/",
    "docs/",
    "examples/",
    "fixtures/",
    "fuzz/",
    "man/",
    "packaging/",
    "schemas/",
    "src/",
    "tests/",
];

/// The anchor that a heading has.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter_map(|letter| match letter {
        ' ' => Some('-'),
        letter if letter.is_alphanumeric() || "-_".contains(letter) => letter.to_lowercase().next(),
        _ => None,
    });
    kept.collect()
}

fn anchors(text: &str) -> HashSet<String> {
    let mut found = HashSet::new();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => found.extend(heading.take().map(|h| anchor(&h))),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            _ => {}
        }
    }
    found
}

fn exists(path: &str) -> bool {
    let is_published = root().join("Cargo.toml.orig").exists();
    let left_out = [".ci/", ".github/", "packaging/", "fuzz/", "tests/emulated/"];
    let is_left_out = is_published && left_out.iter().any(|folder| path.starts_with(folder));
    is_left_out || root().join(path.trim_end_matches('/')).exists()
}

#[test]
fn every_link_leads_somewhere() {
    let mut links = 0;
    for page in Page::all() {
        for event in Parser::new_ext(&page.text, Options::ENABLE_TABLES) {
            let (Event::Start(Tag::Link { dest_url, .. })
            | Event::Start(Tag::Image { dest_url, .. })) = event
            else {
                continue;
            };
            if dest_url.contains("://") {
                continue;
            }
            links += 1;
            let (file, place) = dest_url.split_once('#').unwrap_or((&dest_url, ""));
            let target = match file {
                "" => page.file.clone(),
                file => page.file.parent().unwrap().join(file),
            };
            let name = page.name();
            let inside = std::path::absolute(&target).unwrap();
            let inside = inside.to_str().unwrap().replace("/docs/..", "");
            let inside = inside.strip_prefix(&format!("{}/", root().display()));
            let inside = inside.unwrap_or_else(|| panic!("{name}: {dest_url} leaves the project"));
            assert!(exists(inside), "{name}: there is no {dest_url}");
            if !place.is_empty() {
                let text = std::fs::read_to_string(&target).unwrap();
                assert!(anchors(&text).contains(place), "{name}: no {dest_url}");
            }
        }
    }
    assert!(links > 20, "only {links} links were found");
}

#[test]
fn every_file_that_is_named_exists() {
    let mut names = 0;
    for page in Page::all() {
        for event in Parser::new_ext(&page.text, Options::ENABLE_TABLES) {
            let text = match event {
                Event::Code(text) | Event::Text(text) => text,
                _ => continue,
            };
            for word in text.split_whitespace() {
                let word = word.trim_matches(|c: char| "()[]\"'`,;:>".contains(c));
                let word = word.trim_end_matches('.');
                if !FOLDERS.iter().any(|folder| word.starts_with(folder)) {
                    continue;
                }
                names += 1;
                // A pattern or a choice stands for the folder that it is in.
                let end = word.find(['*', '{', '<', '…', '|']).unwrap_or(word.len());
                let path = match end < word.len() {
                    true => word[..end].rsplit_once('/').unwrap().0,
                    false => word,
                };
                assert!(exists(path), "{}: there is no {word}", page.name());
            }
        }
    }
    assert!(names > 20, "only {names} names were found");
}

#[test]
fn every_page_is_in_the_contents() {
    let contents = std::fs::read_to_string(root().join("docs/README.md")).unwrap();
    for page in Page::all() {
        let name = page.name();
        let Some(name) = name
            .strip_prefix("docs/")
            .filter(|name| *name != "README.md")
        else {
            continue;
        };
        let link = format!("]({name})");
        assert!(
            contents.contains(&link),
            "docs/README.md does not list {name}"
        );
        assert!(Path::new(name).file_name().is_some());
    }
}

#[test]
fn the_architecture_names_each_folder_of_the_source() {
    let text = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    for entry in std::fs::read_dir(root().join("src")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let has =
            text.contains(&format!("`src/{name}`")) || text.contains(&format!("`src/{name}/"));
        assert!(
            has || name == "lib.rs",
            "docs/architecture.md does not name src/{name}"
        );
    }
    let lines = text.lines().count();
    assert!(lines <= 90, "{lines} lines are more than a page");
}

//! The pages, and the code blocks in them.

use std::fs;
use std::path::{Path, PathBuf};

/// A page of the manual.
pub struct Page {
    pub file: PathBuf,
    pub text: String,
}

impl Page {
    /// README.md, CONTRIBUTING.md and all of docs.
    pub fn all() -> Vec<Page> {
        let root = root();
        let docs = fs::read_dir(root.join("docs")).unwrap();
        let docs = docs.map(|entry| entry.unwrap().path());
        let mut files: Vec<PathBuf> = docs
            .chain(["README.md", "CONTRIBUTING.md"].map(|name| root.join(name)))
            .filter(|file| file.extension().is_some_and(|extension| extension == "md"))
            .filter(|file| file.exists())
            .collect();
        files.sort();
        assert!(files.len() > 5, "{files:?}");
        (files.into_iter())
            .map(|file| Page {
                text: fs::read_to_string(&file).unwrap(),
                file,
            })
            .collect()
    }

    /// As a message names it.
    pub fn name(&self) -> String {
        let name = self.file.strip_prefix(root()).unwrap();
        name.display().to_string()
    }
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A fenced code block: the lines of a page from `begin` to `end`, both without
/// the fences, counted from 0.
pub struct Block {
    pub language: String,
    pub begin: usize,
    pub end: usize,
}

/// The fenced blocks of a page.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in text.lines().enumerate() {
        let Some(language) = line.strip_prefix("```") else {
            continue;
        };
        match open.take() {
            Some(block) => found.push(Block {
                end: number,
                ..block
            }),
            None => {
                open = Some(Block {
                    language: language.trim().to_owned(),
                    begin: number + 1,
                    end: 0,
                });
            }
        }
    }
    assert!(open.is_none(), "a code block has no end");
    found
}

/// Joins lines that end in a backslash.
pub fn joined(lines: &[&str]) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in lines {
        let (line, more) = match line.strip_suffix('\\') {
            Some(line) => (line.trim_end(), true),
            None => (*line, false),
        };
        match joined.last_mut().filter(|_| goes_on) {
            Some(last) => *last = format!("{last} {}", line.trim_start()),
            None => joined.push(line.to_owned()),
        }
        goes_on = more;
    }
    joined
}

/// A command line as words. Quotes hold words together.
pub fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for letter in line.chars() {
        match (letter, quote) {
            ('"' | '\'', None) => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (_, Some(end)) if letter == end => quote = None,
            (' ', None) => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

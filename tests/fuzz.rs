//! Saved reports, and other inputs, broken at random: every input ends in an output or an error,
//! never in a panic. `fuzz/` has the same for libFuzzer.
//!
//! `HWGAP_FUZZ_SECONDS=600 cargo test --release --test all fuzz -- --nocapture` goes
//! on for that long, and prints the seed of the input at hand when it fails.

use crate::{exercise, report_samples};
use std::time::{Duration, Instant};

use hwgap::text::json;

/// Inputs of each test where no time is asked for.
const INPUTS: u64 = 400;

/// Parts that parsers and arithmetic trip over.
const SPLICES: [&str; 24] = [
    "NaN",
    "Infinity",
    "-1",
    "0",
    "1e999",
    "-1e308",
    "1e-320",
    "18446744073709551615",
    "18446744073709551616",
    "9223372036854775808",
    "4294967296",
    "null",
    "true",
    "\"\"",
    "[]",
    "{}",
    "[[[[[[[[",
    "\"\\ud800\"",
    "\"\u{202e}<script>\"",
    "\u{0}",
    "\u{feff}",
    ",",
    "}",
    "\"",
];

/// SplitMix64 (G. L. Steele et al., OOPSLA 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// Saved reports of earlier versions, and samples of what this one writes.
fn corpus() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/reports");
    let files = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    let saved = paths.iter().map(|path| std::fs::read(path).unwrap());
    let samples = report_samples::all().into_iter().map(|(_, report)| {
        let mut text = Vec::new();
        json::write(&report, &mut text).unwrap();
        text
    });
    // Larger ones only make each input take longer.
    saved
        .chain(samples.filter(|text| text.len() < 60_000))
        .collect()
}

/// A few changes: in most inputs of numbers only, as these get furthest.
fn mutate(input: &mut Vec<u8>, random: &mut Random) {
    let numbers_only = random.below(10) < 7;
    for _ in 0..=random.below(5) {
        let at = random.below(input.len());
        let splice = SPLICES[random.below(SPLICES.len())].as_bytes();
        match random.below(8) {
            _ if numbers_only => replace_number(input, at, random),
            0 => input.truncate(at),
            1 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
            2 => drop(input.splice(at..at, splice.iter().copied())),
            3 => {
                let end = (at + random.below(2_000)).min(input.len());
                let copy = input[at..end].to_vec();
                let to = random.below(input.len());
                drop(input.splice(to..to, copy));
            }
            4 => {
                let end = (at + random.below(200)).min(input.len());
                drop(input.drain(at..end));
            }
            _ => {
                if let Some(value) = value_after(input, at) {
                    drop(input.splice(value, splice.iter().copied()));
                }
            }
        }
    }
}

/// Replaces the first number after a place by one of any size.
fn replace_number(input: &mut Vec<u8>, at: usize, random: &mut Random) {
    let mut from = at;
    while let Some(value) = value_after(input, from) {
        from = value.end;
        if input.get(value.start).is_some_and(u8::is_ascii_digit) {
            let number = match random.below(4) {
                0 => 0,
                1 => u64::MAX,
                _ => random.next() >> random.below(64),
            };
            drop(input.splice(value, number.to_string().into_bytes()));
            return;
        }
    }
}

/// Where the first value after a place stands.
fn value_after(input: &[u8], at: usize) -> Option<std::ops::Range<usize>> {
    let colon = input[at..].windows(2).position(|pair| pair == b": ")?;
    let from = at + colon + 2;
    let length = input[from..]
        .iter()
        .position(|byte| b",}]\n".contains(byte))?;
    Some(from..from + length)
}

/// Feeds mutated reports for as long as is asked. Some must still be reports:
/// otherwise nothing but the parser was tested.
fn feed(name: &str, exercise: impl Fn(&[u8], &[Vec<u8>]) -> bool) {
    let corpus = corpus();
    let asked = std::env::var("HWGAP_FUZZ_SECONDS").ok();
    let asked = asked.map(|text| text.parse().expect("HWGAP_FUZZ_SECONDS is a number"));
    let end = asked.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let first = match end {
        None => 0,
        Some(_) => u64::from(std::process::id()) << 32,
    };
    let (mut inputs, mut accepted) = (0, 0);
    while end.map_or(inputs < INPUTS, |end| Instant::now() < end) {
        let seed = first + inputs;
        let mut random = Random(seed);
        let mut input = corpus[random.below(corpus.len())].clone();
        mutate(&mut input, &mut random);
        let outcome =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| exercise(&input, &corpus)));
        match outcome {
            Ok(was_report) => accepted += u64::from(was_report),
            Err(_) => {
                let file = std::env::temp_dir().join(format!("hwgap-fuzz-{name}-{seed}.json"));
                std::fs::write(&file, &input).unwrap();
                panic!(
                    "{name}: the input of seed {seed} panics; it is in {}",
                    file.display()
                );
            }
        }
        inputs += 1;
    }
    println!("{name}: {inputs} inputs, {accepted} of them still reports");
    assert!(accepted * 20 > inputs, "{accepted} of {inputs}");
}

#[test]
fn no_report_makes_a_conversion_panic() {
    feed("report", |input, _| exercise::report(input));
}

#[test]
fn no_report_makes_a_comparison_panic() {
    feed("compare", |input, corpus| {
        exercise::compared(input, &corpus[0])
    });
}

/// Feeds mutated seeds of a target to its reader.
fn feed_seeds(target: &str, exercise: impl Fn(&[u8]) -> bool) {
    let folder = format!("{}/tests/fuzz_seeds/{target}", env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<_> = (std::fs::read_dir(folder).unwrap())
        .map(|file| file.unwrap().path())
        .collect();
    paths.sort();
    let seeds: Vec<Vec<u8>> = paths
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    assert!(
        seeds.iter().any(|seed| exercise(seed)),
        "{target}: no seed is read"
    );
    for number in 0..INPUTS {
        let mut random = Random(number);
        let mut input = seeds[random.below(seeds.len())].clone();
        mutate(&mut input, &mut random);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| exercise(&input)));
        let shown = String::from_utf8_lossy(&input);
        assert!(
            outcome.is_ok(),
            "{target}: input {number} panics: {shown:?}"
        );
    }
}

#[test]
fn no_input_makes_another_reader_panic() {
    feed_seeds("brief", exercise::brief);
    feed_seeds("policy", exercise::policy);
    feed_seeds("journal", exercise::journal);
    feed_seeds("selftest", exercise::selftest);
    feed_seeds("options", exercise::options);
}

/// They are built by a nightly compiler alone. A packed crate is without them.
#[test]
fn the_programs_of_the_fuzzer_find_what_they_share() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    for program in std::fs::read_dir(&folder).into_iter().flatten() {
        let program = program.unwrap().path();
        let text = std::fs::read_to_string(&program).unwrap();
        let (_, rest) = text.split_once("#[path = \"").unwrap();
        let shared = folder.join(rest.split_once('"').unwrap().0);
        assert!(
            shared.is_file(),
            "{}: {}",
            program.display(),
            shared.display()
        );
    }
}

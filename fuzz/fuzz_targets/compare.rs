//! Any bytes as a report that is compared with a sound one.
#![no_main]

#[path = "../../tests/exercise/mod.rs"]
#[allow(dead_code, reason = "each target uses a part of it")]
mod exercise;

const SOUND: &[u8] = include_bytes!("../../fixtures/reports/v1-smi.json");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    exercise::compared(bytes, SOUND);
});

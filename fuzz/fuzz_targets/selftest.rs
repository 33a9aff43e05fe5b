//! Any bytes as a stored self-test.
#![no_main]

#[path = "../../tests/exercise/mod.rs"]
#[allow(dead_code, reason = "each target uses a part of it")]
mod exercise;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    exercise::selftest(bytes);
});

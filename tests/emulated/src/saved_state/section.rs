//! The form of a saved state, as far as it is needed (QEMU, migration/savevm.c
//! and migration/vmstate.c); numbers are big-endian.

use std::ops::Range;

use anyhow::{Context, Result};

/// A section of one device begins with this byte, its number in 32 bits, its
/// name after the name's length, and 32 bits each of instance and version; it
/// ends with another byte and the number again.
const SECTION: u8 = 0x04;
const SECTION_END: u8 = 0x7E;
/// Subsections come last in a section: this byte, the name after its length, a
/// version in 32 bits, the fields.
const SUBSECTION: u8 = 0x05;
const VERSION: u32 = 1;

/// Where the fields of the first subsection of that name begin.
pub fn fields(state: &[u8], name: &str) -> Option<usize> {
    let head = head(name);
    find(state, &head).map(|at| at + head.len())
}

/// A subsection with one field.
pub fn subsection(name: &str, field: u64) -> Vec<u8> {
    let mut bytes = head(name);
    bytes.extend(field.to_be_bytes());
    bytes
}

fn head(name: &str) -> Vec<u8> {
    let mut bytes = vec![SUBSECTION, name.len() as u8];
    bytes.extend(name.bytes());
    bytes.extend(VERSION.to_be_bytes());
    bytes
}

/// All sections of that name, each from its first byte to its end, which is not
/// part of it.
pub fn sections(state: &[u8], name: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    let mut named = vec![name.len() as u8];
    named.extend(name.bytes());
    while let Some(at) = find(&state[from..], &named).map(|at| from + at) {
        from = at + named.len();
        let Some(start) = at.checked_sub(5).filter(|&start| state[start] == SECTION) else {
            continue;
        };
        let mut end = vec![SECTION_END];
        end.extend(&state[start + 1..at]);
        if let Some(length) = find(&state[from..], &end) {
            found.push(start..from + length);
            from += length;
        }
    }
    found
}

/// Reads a field of 64 bits.
pub fn read_u64(state: &[u8], at: usize) -> Result<u64> {
    let bytes = state
        .get(at..at + 8)
        .context("the saved state ends early")?;
    Ok(u64::from_be_bytes(bytes.try_into()?))
}

/// Writes one.
pub fn write_u64(state: &mut [u8], at: usize, value: u64) -> Result<()> {
    state
        .get_mut(at..at + 8)
        .context("the saved state ends early")?
        .copy_from_slice(&value.to_be_bytes());
    Ok(())
}

fn find(state: &[u8], part: &[u8]) -> Option<usize> {
    memchr::memmem::find(state, part)
}

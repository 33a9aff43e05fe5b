//! HdrHistogram's V2 encoding (hdrhistogram.org; `AbstractHistogram` and
//! `ZigZagLEB128Codec` of its Java sources), compressed and in base64, as its
//! logs have it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use flate2::Compression;
use flate2::write::ZlibEncoder;

const COOKIE: u32 = 0x1c84_9313;
const COMPRESSED_COOKIE: u32 = 0x1c84_9314;
/// Significant decimal digits: finer than the buckets of a report.
const DIGITS: u32 = 2;
/// Bits of a sub-bucket's number: the power of two from 2 * 10^DIGITS on.
const SUB_BUCKET_BITS: u32 = 8;
/// Values that an encoding may hold: 63 bits; counts of which the zigzag form
/// takes no more than 8 bytes.
const LARGEST: u64 = i64::MAX as u64;
const LARGEST_COUNT: u64 = 1 << 54;
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Counts by their index.
#[derive(Default)]
pub(super) struct Histogram {
    counts: BTreeMap<usize, u64>,
    max: Option<u64>,
}

impl Histogram {
    pub(super) fn add(&mut self, value: u64, count: u64) {
        let value = value.min(LARGEST);
        let own = self.counts.entry(index(value)).or_default();
        *own = own.saturating_add(count).min(LARGEST_COUNT);
        self.max = self.max.max(Some(value));
    }

    pub(super) fn max(&self) -> Option<u64> {
        self.max
    }

    pub(super) fn encoded(&self) -> io::Result<String> {
        let mut counts = Vec::new();
        let mut next = 0;
        for (index, count) in &self.counts {
            // A negative number stands for so many zeros.
            match index - next {
                0 => {}
                zeros => leb128(&mut counts, 2 * zeros as u64 - 1),
            }
            leb128(&mut counts, 2 * count);
            next = index + 1;
        }
        let highest = self.max.unwrap_or_default().max(2);
        let mut plain = Vec::new();
        plain.extend(COOKIE.to_be_bytes());
        plain.extend((counts.len() as u32).to_be_bytes());
        plain.extend(0u32.to_be_bytes());
        plain.extend(DIGITS.to_be_bytes());
        plain.extend(1u64.to_be_bytes());
        plain.extend(highest.to_be_bytes());
        plain.extend(1f64.to_be_bytes());
        plain.extend(counts);
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
        packed.write_all(&plain)?;
        let packed = packed.finish()?;
        let mut all = COMPRESSED_COOKIE.to_be_bytes().to_vec();
        all.extend((packed.len() as u32).to_be_bytes());
        all.extend(packed);
        Ok(base64(&all))
    }
}

/// Where a value is counted: buckets of twice the width of the one before, of
/// which the upper half of the sub-buckets is used.
fn index(value: u64) -> usize {
    let mask = (1 << SUB_BUCKET_BITS) - 1;
    let bucket = u64::BITS - (value | mask).leading_zeros() - SUB_BUCKET_BITS;
    let half = 1 << (SUB_BUCKET_BITS - 1);
    bucket as usize * half + (value >> bucket) as usize
}

fn leb128(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = (0..3).fold(0u32, |bits, at| {
            bits << 8 | u32::from(*three.get(at).unwrap_or(&0))
        });
        for at in 0..4 {
            let six = (bits >> (18 - 6 * at)) as usize & 63;
            text.push(if at <= three.len() {
                BASE64[six].into()
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (plain, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), text);
        }
    }

    #[test]
    fn values_of_one_index_lie_within_one_in_a_hundred() {
        assert_eq!([0, 255, 256, 257, 258].map(index), [0, 255, 256, 256, 257]);
        assert_eq!([511, 512, 515, 516].map(index), [383, 384, 384, 385]);
        for shift in 0..63 {
            let value = 1u64 << shift;
            assert!(index(value + value / 100 + 2) > index(value), "{value}");
        }
        index(LARGEST);
    }
}

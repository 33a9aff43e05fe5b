//! Times of day, as texts: their order is that of the times.

use crate::read::brief::text::Text;

#[derive(Clone, Debug, Default)]
pub struct Times {
    pub first: Option<Time>,
    pub last: Option<Time>,
    pub bad: Option<String>,
}

/// RFC 3339 in UTC, with nine digits of the second, as all reports write it.
pub type Time = [u8; LENGTH];

const LENGTH: usize = 30;
const PATTERN: &[u8; LENGTH] = b"0000-00-00T00:00:00.000000000Z";

impl Times {
    pub(super) fn add(&mut self, text: &Text<'_>) {
        let Some(time) = parse(text) else {
            if self.bad.is_none() {
                self.bad = Some((**text).to_owned());
            }
            return;
        };
        if self.first.is_none_or(|first| time < first) {
            self.first = Some(time);
        }
        if self.last.is_none_or(|last| time > last) {
            self.last = Some(time);
        }
    }
}

fn parse(text: &str) -> Option<Time> {
    let bytes: Time = text.as_bytes().try_into().ok()?;
    let fits = (bytes.iter().zip(PATTERN)).all(|(byte, wanted)| match wanted {
        b'0' => byte.is_ascii_digit(),
        other => byte == other,
    });
    fits.then_some(bytes)
}

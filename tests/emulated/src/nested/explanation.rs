//! What the judge needs of hwgap's documents, read without hwgap's own types.

use serde::Deserialize;

/// The guest's report.
#[derive(Debug, Deserialize)]
pub struct Guest {
    pub tsc: Tsc,
}

#[derive(Debug, Deserialize)]
pub struct Tsc {
    #[serde(deserialize_with = "decimal")]
    pub origin: u64,
    pub hz: u64,
}

/// What `hwgap explain` writes.
#[derive(Debug, Deserialize)]
pub struct Explanation {
    pub gaps: Vec<Gap>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Gap {
    pub start_cycles: u64,
    pub duration_ns: u64,
    pub below_ns: u64,
    pub cause: String,
    pub what: String,
    pub parts: Vec<Part>,
    /// Of the time that the guest gives to its own kernel.
    #[serde(default)]
    pub os_parts: Vec<Part>,
    pub unexplained_ns: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Part {
    pub cause: String,
    pub what: String,
    pub length_ns: u64,
}

fn decimal<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map_err(serde::de::Error::custom)
}

//! How things are written, whoever shows them: numbers as a person reads them,
//! strings of foreign origin made safe, JSON.

pub mod characters;
pub mod clean;
pub mod human;
pub mod json;
pub mod look;

pub use clean::{adopt_locale, lines as clean_lines, owned as clean_text};

//! The answer for a fleet, one file a format.

pub mod text;
mod words;

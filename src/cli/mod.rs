//! What the user typed.

pub mod duration;

//! Saved reports, taken back in. They come from other machines: each is
//! checked for what must agree within it, and whoever reads one is told what
//! was wrong with it and where.

pub mod any;
pub mod brief;
mod consistency;
pub mod explained;
pub mod hash;
pub mod host;
mod locate;
pub mod redact;
pub mod saved;

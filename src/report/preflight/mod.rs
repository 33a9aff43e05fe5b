//! What `hwgap preflight` says: its model and its text. As JSON it is written
//! by [`super::json`].

pub mod model;
mod text;

pub use text::{render, write};

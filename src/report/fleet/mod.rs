//! The answer for a fleet, one file a format.

pub mod csv;
pub mod html;
pub mod junit;
mod links;
pub mod text;
mod words;

//! The answer for a fleet, one file a format.

pub mod csv;
mod host;
pub mod html;
pub mod junit;
mod links;
mod plot;
pub mod text;
mod words;

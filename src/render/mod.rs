//! What is shown, one file a form: for a terminal, as Markdown, as a page, and
//! for other programs.

pub mod comparison;
pub mod csv;
mod document;
pub mod explained;
pub mod fleet;
pub mod histogram;
pub mod host;
pub mod html;
pub mod junit;
pub mod markdown;
pub mod openmetrics;
mod packages;
mod page;
pub mod perfetto;
mod plot;
pub mod policy;
pub mod preflight;
pub mod quieted;
pub mod restored;
pub mod screen;
pub mod selftest;
pub mod standing;
pub mod style;
mod table;
pub mod terminal;
mod web;

pub use document::{Changes, Origin};

//! A comparison as text, as Markdown and as a web page; its JSON is in the layout of reports,
//! by [`crate::text::json`].

mod cells;
pub mod html;
pub mod markdown;
mod numbers;
mod plot;
pub mod text;

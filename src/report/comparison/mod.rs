//! A comparison as text and as Markdown; its JSON is in the layout of reports,
//! by [`super::json`].

mod cells;
pub mod markdown;
mod numbers;
pub mod text;

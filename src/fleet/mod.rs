//! Many reports, one policy, one answer: which hosts pass, what the others
//! have in common, and who stands out among their own.
//!
//! Reports are read one at a time ([`read`]); of each a [`Run`] is kept. Runs
//! become hosts ([`hosts`]), hosts groups ([`groups`]), and all of it the
//! document ([`model`]) that the outputs show.

mod assess;
pub mod expected;
pub mod export;
pub mod gather;
pub mod groups;
pub mod hosts;
mod machines;
pub mod model;
pub mod names;
pub mod outliers;
pub mod read;
mod run;
pub mod separate;
mod series;
pub mod sketch;

pub use assess::{Question, assess};
pub use run::{Identity, Run, SeriesSeen, WorstStall};

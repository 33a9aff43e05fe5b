//! What a run says: the model of a report, and one file a format.

pub mod model;

//! A list of gaps that is made while it is written.

use serde::{Serialize, Serializer};

/// The gaps of a report, made one by one from what the sampler kept. A report
/// of 200,000 gaps then takes no more memory than one of ten.
///
/// `F` makes a fresh iterator, as several formats may be written in turn.
#[derive(Clone, Copy, Debug)]
pub struct LazyGaps<F>(pub F);

impl<F, I> LazyGaps<F>
where
    F: Fn() -> I,
    I: IntoIterator,
{
    /// The gaps from the first one.
    pub fn iter(&self) -> I::IntoIter {
        (self.0)().into_iter()
    }
}

impl<F, I> Serialize for LazyGaps<F>
where
    F: Fn() -> I,
    I: IntoIterator,
    I::Item: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

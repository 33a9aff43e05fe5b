//! Lists of foreign length.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

/// A list of at most `MOST` entries; a longer one is refused as it is read.
#[derive(Clone, Debug)]
pub struct Limited<T, const MOST: usize>(Vec<T>);

impl<T, const MOST: usize> Default for Limited<T, MOST> {
    fn default() -> Self {
        Limited(Vec::new())
    }
}

impl<T, const MOST: usize> Deref for Limited<T, MOST> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Limited<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut list = Vec::new();
        each(deserializer, MOST, |entry| list.push(entry))?;
        Ok(Limited(list))
    }
}

/// Reads a list entry by entry, `most` at most.
pub(super) fn each<'de, T, D, F>(deserializer: D, most: usize, take: F) -> Result<(), D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
    F: FnMut(T),
{
    struct Entries<T, F> {
        most: usize,
        take: F,
        entry: PhantomData<T>,
    }

    impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for Entries<T, F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {} entries", self.most)
        }

        fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
            let mut taken = 0;
            while let Some(entry) = list.next_element()? {
                taken += 1;
                if taken > self.most {
                    return Err(A::Error::custom(format_args!(
                        "a list has more than {} entries, the most that a report has here",
                        self.most
                    )));
                }
                (self.take)(entry);
            }
            Ok(())
        }
    }

    deserializer.deserialize_seq(Entries {
        most,
        take,
        entry: PhantomData,
    })
}

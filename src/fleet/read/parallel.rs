//! All inputs, by as many threads as there are CPUs.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::{iter, mem};

use crate::read::brief::Brief;
use crate::read::hash::Sha256Sum;

use super::files::{self, Item};
use super::{Found, Reading, SetAside, Sink};

/// More threads than this wait for one another.
const MOST_THREADS: usize = 16;
/// Items that are taken, and results that are handed over, at a time: a thread
/// that waits for each costs as much as a report.
const TOGETHER: usize = 16;
/// Lots of results that may wait to be taken.
const WAITING: usize = 4;

/// What was found, its reports made into something smaller.
#[derive(Debug)]
pub enum Input<T> {
    Report(T),
    /// Something that cannot be used.
    SetAside(SetAside),
    /// A file in a folder whose name is not that of a report.
    PassedOver,
}

/// Results of neighbouring items. A large item makes several lots of one number.
#[derive(Debug)]
pub struct Lot<T> {
    /// Lots of lower numbers stand before it, where they do not come so: it
    /// depends on the threads which is done first.
    pub number: u64,
    pub inputs: Vec<Input<T>>,
}

/// Reads everything. `digester` makes for each thread what makes a report
/// small; `take` gets the results.
pub fn read<T, D>(paths: &[PathBuf], digester: impl Fn() -> D + Sync, take: impl FnMut(Lot<T>))
where
    T: Send,
    D: FnMut(String, &Brief<'_>, Sha256Sum) -> T,
{
    let mut items = paths.iter().flat_map(|path| files::below(path));
    let lots = iter::from_fn(move || Some(next_lot(&mut items)).filter(|lot| !lot.is_empty()));
    let lots = Mutex::new((0..).zip(lots));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let (sender, receiver) = sync_channel(WAITING);
    thread::scope(|scope| {
        for _ in 0..threads.min(MOST_THREADS) {
            let (lots, digester, sender) = (&lots, &digester, sender.clone());
            scope.spawn(move || {
                let mut digest = digester();
                let mut spare = Vec::new();
                // A poisoned lock means that listing failed on another
                // thread, whose panic ends the program.
                let next = || lots.lock().ok().and_then(|mut lots| lots.next());
                for (number, items) in iter::from_fn(next) {
                    let mut digesting = Digesting {
                        digest: &mut digest,
                        number,
                        done: Vec::with_capacity(TOGETHER),
                        sender: &sender,
                    };
                    let mut reading = Reading {
                        sink: &mut digesting,
                        spare: mem::take(&mut spare),
                    };
                    for item in items {
                        files::read(item, &mut reading);
                    }
                    spare = reading.spare;
                    digesting.hand_over();
                }
            });
        }
        drop(sender);
        receiver.iter().for_each(take);
    });
}

/// Some items, of which none but the last may be large: others could have
/// taken them.
fn next_lot(items: &mut impl Iterator<Item = Item>) -> Vec<Item> {
    let mut lot = Vec::with_capacity(TOGETHER);
    while lot.len() < TOGETHER && lot.last().is_none_or(Item::is_small) {
        match items.next() {
            Some(item) => lot.push(item),
            None => break,
        }
    }
    lot
}

/// Makes what is found small, and hands it over.
struct Digesting<'a, D, T> {
    digest: &'a mut D,
    number: u64,
    done: Vec<Input<T>>,
    sender: &'a SyncSender<Lot<T>>,
}

impl<D, T> Digesting<'_, D, T> {
    fn hand_over(&mut self) {
        let lot = Lot {
            number: self.number,
            inputs: mem::take(&mut self.done),
        };
        // The receiver outlives all threads.
        let _ = self.sender.send(lot);
    }
}

impl<T, D: FnMut(String, &Brief<'_>, Sha256Sum) -> T> Sink for Digesting<'_, D, T> {
    fn take(&mut self, found: Found<'_>) {
        self.done.push(match found {
            Found::Report {
                source,
                brief,
                sha256,
            } => Input::Report((self.digest)(source, &brief, sha256)),
            Found::SetAside(aside) => Input::SetAside(aside),
            Found::PassedOver => Input::PassedOver,
        });
        if self.done.len() >= TOGETHER {
            self.hand_over();
        }
    }
}

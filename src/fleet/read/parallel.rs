//! All inputs, by as many threads as there are CPUs.

use std::mem;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use crate::report::brief::Brief;

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
    /// What was made of a report.
    Report(T),
    /// Something that cannot be used.
    SetAside(SetAside),
    /// A file in a folder whose name is not that of a report.
    PassedOver,
}

/// Reads everything. `digester` makes for each thread what makes a report
/// small; `take` gets the results one by one, in no particular order.
pub fn read<T, D>(
    paths: &[PathBuf],
    digester: impl Fn() -> D + Sync,
    mut take: impl FnMut(Input<T>),
) where
    T: Send,
    D: FnMut(String, &Brief<'_>) -> T,
{
    let items = Mutex::new(paths.iter().flat_map(|path| files::below(path)));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let (sender, receiver) = sync_channel(WAITING);
    thread::scope(|scope| {
        for _ in 0..threads.min(MOST_THREADS) {
            let (items, digester, sender) = (&items, &digester, sender.clone());
            scope.spawn(move || {
                let mut digesting = Digesting {
                    digest: digester(),
                    done: Vec::new(),
                    sender,
                };
                let mut reading = Reading::new(&mut digesting);
                // A poisoned lock means that listing failed on another
                // thread, whose panic ends the program.
                while let Ok(mut items) = items.lock() {
                    let lot = next_lot(&mut *items);
                    drop(items);
                    if lot.is_empty() {
                        break;
                    }
                    for item in lot {
                        files::read(item, &mut reading);
                    }
                }
                digesting.hand_over();
            });
        }
        drop(sender);
        receiver.iter().flatten().for_each(&mut take);
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

struct Digesting<D, T> {
    digest: D,
    done: Vec<Input<T>>,
    sender: SyncSender<Vec<Input<T>>>,
}

impl<D, T> Digesting<D, T> {
    fn hand_over(&mut self) {
        // The receiver outlives all threads.
        let _ = self.sender.send(mem::take(&mut self.done));
    }
}

impl<T, D: FnMut(String, &Brief<'_>) -> T> Sink for Digesting<D, T> {
    fn take(&mut self, found: Found<'_>) {
        self.done.push(match found {
            Found::Report { source, brief } => Input::Report((self.digest)(source, &brief)),
            Found::SetAside(aside) => Input::SetAside(aside),
            Found::PassedOver => Input::PassedOver,
        });
        if self.done.len() >= TOGETHER {
            self.hand_over();
        }
    }
}

//! All inputs, by as many threads as there are CPUs.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use crate::report::brief::Brief;

use super::files;
use super::{Found, SetAside, Sink};

/// More threads than this wait for one another.
const MOST_THREADS: usize = 16;
/// Results that may wait to be taken.
const WAITING: usize = 256;

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

/// Reads everything. `digest` makes a report small, on the thread that read
/// it; `take` gets the results one by one, in no particular order.
pub fn read<T: Send>(
    paths: &[PathBuf],
    digest: impl Fn(String, Brief) -> T + Sync,
    mut take: impl FnMut(Input<T>),
) {
    let items = Mutex::new(paths.iter().flat_map(|path| files::below(path)));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let (sender, receiver) = sync_channel(WAITING);
    thread::scope(|scope| {
        for _ in 0..threads.min(MOST_THREADS) {
            let (items, digest, sender) = (&items, &digest, sender.clone());
            scope.spawn(move || {
                let digesting = Digesting { digest, sender };
                loop {
                    // A poisoned lock means that listing failed on another
                    // thread, whose panic ends the program.
                    let Ok(Some(item)) = items.lock().map(|mut items| items.next()) else {
                        return;
                    };
                    files::read(item, &digesting);
                }
            });
        }
        drop(sender);
        receiver.iter().for_each(&mut take);
    });
}

struct Digesting<'a, F, T> {
    digest: &'a F,
    sender: SyncSender<Input<T>>,
}

impl<T: Send, F: Fn(String, Brief) -> T + Sync> Sink for Digesting<'_, F, T> {
    fn take(&self, found: Found) {
        let input = match found {
            Found::Report { source, brief } => Input::Report((self.digest)(source, *brief)),
            Found::SetAside(aside) => Input::SetAside(aside),
            Found::PassedOver => Input::PassedOver,
        };
        // The receiver outlives all threads.
        let _ = self.sender.send(input);
    }
}

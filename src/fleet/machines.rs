//! Machines that share a name.
//!
//! Images are cloned with their name in them, and `localhost.localdomain` is
//! what many have that were never named. A name is therefore a label; machines
//! are told apart by machine-id, model and board. Not by their firmware: that
//! changes with each update.

use super::names::Name;
use super::run::{Identity, Run};

/// The runs of one machine, in order of time.
pub(super) struct Machine {
    /// Its label, and where others share it what tells it from them.
    pub(super) name: Name,
    pub(super) runs: Vec<Run>,
}

/// What two runs of one machine share.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    /// `None` in reports of versions that did not store it.
    id: Option<Name>,
    vendor: Option<Name>,
    model: Option<Name>,
    board: Option<Name>,
    /// Of a name that says nothing: the state of the machine, as nothing shows
    /// that two states are those of one.
    state: Option<Identity>,
}

/// Parts the runs of a name by machine; the order of time stays.
pub(super) fn of_name(label: &Name, runs: Vec<Run>) -> Vec<Machine> {
    let mut machines: Vec<(Key, Vec<Run>)> = Vec::new();
    let ids = ids(&runs);
    for run in runs {
        let mut key = Key::of(label, &run);
        // Where only one number is known, a run without one is that machine's.
        if key.id.is_none() && ids.len() == 1 && !says_nothing(label) {
            key.id = ids.first().cloned();
        }
        match machines.iter_mut().find(|(known, _)| *known == key) {
            Some((_, runs)) => runs.push(run),
            None => machines.push((key, vec![run])),
        }
    }
    if let [_] = machines.as_slice() {
        let of_machine = |(_, runs)| Machine {
            name: label.clone(),
            runs,
        };
        return machines.into_iter().map(of_machine).collect();
    }
    let mut names: Vec<String> = Vec::new();
    let mut parted: Vec<Machine> = Vec::new();
    for (key, runs) in machines {
        let name = key.name(label);
        let alike = names.iter().filter(|known| **known == name).count();
        let own = match alike {
            0 => Name::from(name.as_str()),
            number => Name::from(format!("{name} #{}", number + 1)),
        };
        names.push(name);
        parted.push(Machine { name: own, runs });
    }
    parted.sort_by(|a, b| a.name.cmp(&b.name));
    parted
}

/// The numbers that are known of a name's machines, each once.
fn ids(runs: &[Run]) -> Vec<Name> {
    let mut ids: Vec<Name> = Vec::new();
    for id in runs.iter().filter_map(|run| run.machine_id.as_ref()) {
        if !ids.contains(id) {
            ids.push(id.clone());
        }
    }
    ids
}

fn says_nothing(label: &str) -> bool {
    let name = label.to_ascii_lowercase();
    let first = name.split('.').next().unwrap_or_default();
    matches!(
        first,
        "localhost" | "(none)" | "none" | "unknown" | "localhost4" | "localhost6"
    )
}

impl Key {
    fn of(label: &str, run: &Run) -> Key {
        let identity = &run.identity;
        let nameless = says_nothing(label) && run.machine_id.is_none();
        Key {
            id: run.machine_id.clone(),
            vendor: identity.vendor.clone(),
            model: identity.model.clone(),
            board: run.board.clone(),
            state: nameless.then(|| identity.clone()),
        }
    }

    fn name(&self, label: &str) -> String {
        let id = self.id.as_deref().map(|id| {
            let end = id.char_indices().nth(8).map_or(id.len(), |(end, _)| end);
            format!("machine {}", &id[..end])
        });
        let bios = self.state.as_ref().and_then(|state| state.bios.as_ref());
        let bios = bios.map(|bios| format!("BIOS {bios}"));
        let model = self.model.as_deref().map(str::to_owned);
        let parts: Vec<String> = [model, bios, id].into_iter().flatten().collect();
        match parts.is_empty() {
            true => format!("{label} (nothing else known)"),
            false => format!("{label} ({})", parts.join(", ")),
        }
    }
}

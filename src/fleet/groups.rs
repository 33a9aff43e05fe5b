//! Hosts by what they are.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::names::Name;
use super::run::Identity;

/// What hosts are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Dimension {
    /// System vendor.
    Vendor,
    /// Vendor and product.
    Model,
    /// Product and BIOS version.
    Bios,
    /// CPU model and microcode revision.
    Microcode,
    /// Kernel release.
    Kernel,
}

impl Dimension {
    /// All of them, the coarse ones first.
    pub const ALL: [Dimension; 5] = [
        Dimension::Vendor,
        Dimension::Model,
        Dimension::Bios,
        Dimension::Microcode,
        Dimension::Kernel,
    ];

    /// The name for a reader.
    pub fn name(self) -> &'static str {
        match self {
            Dimension::Vendor => "vendor",
            Dimension::Model => "model",
            Dimension::Bios => "BIOS",
            Dimension::Microcode => "microcode",
            Dimension::Kernel => "kernel",
        }
    }

    /// Which to name where the hosts are the same: the higher one. A BIOS can be
    /// changed, a vendor says least.
    pub fn telling(self) -> u8 {
        match self {
            Dimension::Bios => 4,
            Dimension::Model => 3,
            Dimension::Microcode => 2,
            Dimension::Kernel => 1,
            Dimension::Vendor => 0,
        }
    }

    /// The name of the group that a machine is in.
    pub fn group_of(self, identity: &Identity) -> String {
        name(self, &self.parts(identity))
    }

    fn parts(self, identity: &Identity) -> [Option<Name>; 2] {
        match self {
            Dimension::Vendor => [identity.vendor.clone(), None],
            Dimension::Model => [identity.model.clone(), None],
            Dimension::Bios => [identity.model.clone(), identity.bios.clone()],
            Dimension::Microcode => [identity.cpu.clone(), identity.microcode.clone()],
            Dimension::Kernel => [identity.kernel.clone(), None],
        }
    }
}

/// Hosts by what they are: a fleet has few kinds of machines, and names are
/// compared only to tell these apart.
#[derive(Clone, Debug)]
pub struct Kinds<'a> {
    /// Each kind once.
    pub all: Vec<&'a Identity>,
    /// The kind of each host, by its place in `all`.
    pub of_host: Vec<usize>,
}

impl<'a> Kinds<'a> {
    /// The kinds of hosts, given what each of them is.
    pub fn new(identities: impl Iterator<Item = &'a Identity>) -> Kinds<'a> {
        let mut places: HashMap<&Identity, usize> = HashMap::new();
        let mut all = Vec::new();
        let kind = |identity| {
            *places.entry(identity).or_insert_with(|| {
                all.push(identity);
                all.len() - 1
            })
        };
        let of_host = identities.map(kind).collect();
        Kinds { all, of_host }
    }
}

/// Hosts that are alike in one dimension, by their places in the list.
#[derive(Clone, Debug)]
pub struct Group {
    /// The dimension.
    pub dimension: Dimension,
    /// What they share.
    pub name: String,
    /// Which they are, in order.
    pub members: Vec<usize>,
}

/// All groups of a dimension, in order of name.
pub fn of(dimension: Dimension, kinds: &Kinds<'_>) -> Vec<Group> {
    let mut places: HashMap<[Option<Name>; 2], usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    let group_of = |identity: &&Identity| {
        let parts = dimension.parts(identity);
        let group = Group {
            dimension,
            name: name(dimension, &parts),
            members: Vec::new(),
        };
        *places.entry(parts).or_insert_with(|| {
            groups.push(group);
            groups.len() - 1
        })
    };
    let of_kind: Vec<usize> = kinds.all.iter().map(group_of).collect();
    for (at, kind) in kinds.of_host.iter().enumerate() {
        groups[of_kind[*kind]].members.push(at);
    }
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    groups
}

fn name(dimension: Dimension, [first, second]: &[Option<Name>; 2]) -> String {
    let shown = |name: &Option<Name>| name.as_deref().unwrap_or("not known").to_owned();
    match dimension {
        Dimension::Bios => format!("{}, BIOS {}", shown(first), shown(second)),
        Dimension::Microcode => format!("{}, microcode {}", shown(first), shown(second)),
        Dimension::Vendor | Dimension::Model | Dimension::Kernel => shown(first),
    }
}

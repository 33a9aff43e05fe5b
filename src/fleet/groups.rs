//! Hosts by what they are.

use std::collections::HashMap;

use serde::Serialize;

use super::names::Name;
use super::run::Identity;

/// What hosts are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
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
pub fn of(dimension: Dimension, identities: &[&Identity]) -> Vec<Group> {
    let mut groups: HashMap<[Option<Name>; 2], Vec<usize>> = HashMap::new();
    for (at, identity) in identities.iter().enumerate() {
        groups
            .entry(dimension.parts(identity))
            .or_default()
            .push(at);
    }
    let named = groups.into_iter().map(|(parts, members)| Group {
        dimension,
        name: name(dimension, &parts),
        members,
    });
    let mut groups: Vec<Group> = named.collect();
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

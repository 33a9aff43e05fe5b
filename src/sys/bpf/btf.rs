//! The kernel's type information, as far as finding functions, per-CPU
//! variables and members of structures needs it
//! (Documentation/bpf/btf.rst; include/uapi/linux/btf.h).
//!
//! The input comes from a file and is not trusted: every length is checked,
//! and nothing here panics or loops on a malformed one.

/// `BTF_MAGIC`, as a little-endian machine writes it.
const MAGIC: u16 = 0xeb9f;
/// A chain of typedefs and qualifiers longer than this is a loop.
const LONGEST_CHAIN: usize = 32;

/// Kinds (BTF_KIND_*).
const STRUCT: u8 = 4;
const UNION: u8 = 5;
const ENUM: u8 = 6;
const TYPEDEF: u8 = 8;
const RESTRICT: u8 = 11;
const FUNC: u8 = 12;
const VAR: u8 = 14;

/// The number of a type, function or variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BtfId(pub u32);

/// Why type information cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BtfError {
    /// It does not begin as it should.
    #[error("the file is not BTF of this byte order")]
    NotBtf,
    /// A part lies beyond its end.
    #[error("the file is cut short at byte {0}")]
    Short(usize),
    /// A kind of entry that this program does not know, and cannot skip.
    #[error("entry {id} is of kind {kind}, which this program does not know")]
    UnknownKind { id: u32, kind: u8 },
}

/// Type information with the place of every entry.
pub struct Btf<'a> {
    types: &'a [u8],
    strings: &'a [u8],
    /// Where entry `id` begins in `types`, at index `id - 1`.
    places: Vec<u32>,
}

/// The part that all entries begin with (struct btf_type).
#[derive(Clone, Copy, Debug)]
struct Entry {
    name: u32,
    kind: u8,
    count: usize,
    /// Size or type, by kind.
    other: u32,
    /// Where what follows begins.
    body: usize,
}

impl<'a> Btf<'a> {
    /// Finds every entry.
    ///
    /// # Errors
    /// Where the bytes are no BTF, end early or hold an unknown kind.
    pub fn parse(bytes: &'a [u8]) -> Result<Btf<'a>, BtfError> {
        let magic = bytes.get(..2).ok_or(BtfError::NotBtf)?;
        if magic != MAGIC.to_le_bytes() {
            return Err(BtfError::NotBtf);
        }
        let header = word(bytes, 4)? as usize;
        let section = |offset: usize, length: usize| {
            let from = header.saturating_add(word(bytes, offset)? as usize);
            let to = from.saturating_add(word(bytes, length)? as usize);
            bytes.get(from..to).ok_or(BtfError::Short(bytes.len()))
        };
        let mut btf = Btf {
            types: section(8, 12)?,
            strings: section(16, 20)?,
            places: Vec::new(),
        };
        let mut at = 0;
        while at < btf.types.len() {
            let entry = btf.entry_at(at)?;
            let id = btf.places.len() as u32 + 1;
            btf.places.push(at as u32);
            let length = body_length(entry).ok_or(BtfError::UnknownKind {
                id,
                kind: entry.kind,
            })?;
            at = entry.body.saturating_add(length);
        }
        Ok(btf)
    }

    pub fn function(&self, name: &str) -> Option<BtfId> {
        self.find(FUNC, name).map(|(id, _)| id)
    }

    /// A per-CPU variable by its name: the kernel lists no others.
    pub fn variable(&self, name: &str) -> Option<BtfId> {
        self.find(VAR, name).map(|(id, _)| id)
    }

    /// The offset in bytes of a member of the structure that a variable is.
    pub fn member_of_variable(&self, variable: BtfId, member: &str) -> Option<u32> {
        let mut entry = self.entry(variable)?;
        for _ in 0..LONGEST_CHAIN {
            match entry.kind {
                VAR | TYPEDEF..=RESTRICT => entry = self.entry(BtfId(entry.other))?,
                STRUCT | UNION => return self.member(entry, member),
                _ => return None,
            }
        }
        None
    }

    /// The value of an enumerator, of whichever enumeration has it.
    pub fn enumerator(&self, name: &str) -> Option<u32> {
        self.places.iter().find_map(|&at| {
            let entry = self.entry_at(at as usize).ok()?;
            if entry.kind != ENUM {
                return None;
            }
            // struct btf_enum: name, value.
            (0..entry.count)
                .map(|index| entry.body + 8 * index)
                .find_map(|at| {
                    self.is_named(word(self.types, at).ok()?, name)
                        .then(|| word(self.types, at + 4).ok())?
                })
        })
    }

    fn member(&self, structure: Entry, name: &str) -> Option<u32> {
        (0..structure.count).find_map(|index| {
            // struct btf_member: name, type, offset in bits.
            let at = structure.body + 12 * index;
            let matches = self.is_named(word(self.types, at).ok()?, name);
            let bits = word(self.types, at + 8).ok()?;
            (matches && bits % 8 == 0).then_some(bits / 8)
        })
    }

    fn find(&self, kind: u8, name: &str) -> Option<(BtfId, Entry)> {
        self.places.iter().zip(1..).find_map(|(&at, id)| {
            let entry = self.entry_at(at as usize).ok()?;
            (entry.kind == kind && self.is_named(entry.name, name)).then_some((BtfId(id), entry))
        })
    }

    fn is_named(&self, offset: u32, name: &str) -> bool {
        let tail = self.strings.get(offset as usize..).unwrap_or_default();
        tail.strip_prefix(name.as_bytes())
            .is_some_and(|rest| rest.first() == Some(&0))
    }

    fn entry(&self, id: BtfId) -> Option<Entry> {
        // Entry 0 is `void` and has no place.
        let index = (id.0 as usize).checked_sub(1)?;
        self.entry_at(*self.places.get(index)? as usize).ok()
    }

    fn entry_at(&self, at: usize) -> Result<Entry, BtfError> {
        let info = word(self.types, at + 4)?;
        Ok(Entry {
            name: word(self.types, at)?,
            kind: (info >> 24 & 0x1f) as u8,
            count: (info & 0xffff) as usize,
            other: word(self.types, at + 8)?,
            body: at + 12,
        })
    }
}

/// Bytes after the common part, by kind (include/uapi/linux/btf.h).
fn body_length(entry: Entry) -> Option<usize> {
    Some(match entry.kind {
        // Pointer, forward, typedef, volatile, const, restrict, function,
        // float, type tag.
        2 | 7..=12 | 16 | 18 => 0,
        // Integer, variable, declaration tag.
        1 | 14 | 17 => 4,
        // Array.
        3 => 12,
        // Structure, union, section, 64-bit enumeration.
        4 | 5 | 15 | 19 => 12 * entry.count,
        // Enumeration, function prototype.
        6 | 13 => 8 * entry.count,
        _ => return None,
    })
}

fn word(bytes: &[u8], at: usize) -> Result<u32, BtfError> {
    bytes
        .get(at..at.saturating_add(4))
        .and_then(|word| word.try_into().ok())
        .map(u32::from_le_bytes)
        .ok_or(BtfError::Short(at))
}

#[cfg(test)]
#[path = "btf_tests.rs"]
mod tests;

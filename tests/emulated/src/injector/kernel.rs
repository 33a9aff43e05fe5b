//! Where things of the running kernel lie in physical memory, for a handler that
//! knows no page tables.

use std::collections::HashMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use anyhow::{Context, Result, ensure};

/// The processor's near call: its opcode, then the distance in 32 bits.
const CALL: u8 = 0xE8;
const CALL_LENGTH: usize = 5;

/// The symbols that anybody here asks for; to keep all takes a slow guest long.
const WANTED: [&str; 10] = [
    "_text",
    "__per_cpu_offset",
    "page_offset_base",
    "current_task",
    "pcpu_hot",
    "tick_sched_timer",
    "tick_nohz_handler",
    "msr_event_start",
    "msr_event_update",
    "native_read_msr",
];

/// The running kernel's symbols and its memory.
pub struct Kernel {
    symbols: HashMap<&'static str, u64>,
    /// Addresses of functions, in order.
    functions: Vec<u64>,
    memory: Memory,
    /// What a virtual address in the kernel's image lies above its physical one.
    image_offset: u64,
}

impl Kernel {
    /// Reads the symbols; needs CAP_SYSLOG and CAP_SYS_RAWIO.
    pub fn open() -> Result<Self> {
        let text = fs::read_to_string("/proc/kallsyms").context("/proc/kallsyms")?;
        let mut symbols = HashMap::new();
        let mut functions = Vec::new();
        for line in text.lines() {
            // Address, kind and name, then a module's name.
            let mut fields = line.splitn(3, ' ');
            let (Some(address), Some(kind), Some(name)) =
                (fields.next(), fields.next(), fields.next())
            else {
                continue;
            };
            let address = u64::from_str_radix(address, 16).context("/proc/kallsyms")?;
            if matches!(kind, "t" | "T") {
                functions.push(address);
            }
            if let Some(wanted) = WANTED.iter().find(|wanted| **wanted == name) {
                symbols.entry(*wanted).or_insert(address);
            }
        }
        functions.sort_unstable();
        let iomem = fs::read_to_string("/proc/iomem").context("/proc/iomem")?;
        let code = start_of_code(&iomem).context("/proc/iomem names no kernel code")?;
        let text = *symbols.get("_text").context("no symbol _text")?;
        Ok(Self {
            image_offset: text.wrapping_sub(code),
            symbols,
            functions,
            memory: Memory::open()?,
        })
    }

    /// The physical address of CPU 0's pointer to its current task.
    pub fn current_task(&self) -> Result<u32> {
        let offsets = self.symbol("__per_cpu_offset")?;
        let direct_map = self.memory.read_u64(self.symbol("page_offset_base")?)?;
        // From 6.2 to 6.14 it is the first field of a structure.
        let pointer = (self.symbol("current_task")).or_else(|_| self.symbol("pcpu_hot"))?;
        let address = pointer.wrapping_add(self.memory.read_u64(offsets)?);
        u32::try_from(address.wrapping_sub(direct_map)).context("the current task")
    }

    /// The only place of a byte sequence in the first function of these names
    /// that the kernel has, as a physical address.
    pub fn find_code(&self, names: &[&str], code: &[u8]) -> Result<u32> {
        let start = names.iter().find_map(|name| self.symbol(name).ok());
        let start = start.with_context(|| format!("no function {names:?}"))?;
        self.find(start, code.len(), |_, bytes| bytes == code)
            .with_context(|| format!("{code:02x?} in {names:?}"))
    }

    /// The only call of one function in another, five bytes, as a physical address.
    pub fn find_call(&self, caller: &str, callee: &str) -> Result<u32> {
        let target = self.symbol(callee)?;
        let is_call = |place: u64, bytes: &[u8]| {
            let distance = bytes[1..].try_into().map(i32::from_le_bytes);
            bytes[0] == CALL
                && distance.is_ok_and(|distance| {
                    (place + CALL_LENGTH as u64).wrapping_add_signed(distance.into()) == target
                })
        };
        self.find(self.symbol(caller)?, CALL_LENGTH, is_call)
            .with_context(|| format!("a call of {callee} in {caller}"))
    }

    /// The only place in a function where `length` bytes are what is looked for.
    fn find(&self, start: u64, length: usize, wanted: impl Fn(u64, &[u8]) -> bool) -> Result<u32> {
        let next = self.functions.partition_point(|&address| address <= start);
        let end = *(self.functions.get(next)).context("the last function has no end")?;
        let mut bytes = vec![0; usize::try_from(end - start)?];
        self.memory.read(start, &mut bytes)?;
        let mut places = (start..)
            .zip(bytes.windows(length))
            .filter(|&(place, window)| wanted(place, window))
            .map(|(place, _)| place);
        let place = places.next().context("not there")?;
        ensure!(places.next().is_none(), "more than once");
        u32::try_from(place.wrapping_sub(self.image_offset)).context("the kernel's code")
    }

    fn symbol(&self, name: &str) -> Result<u64> {
        let address = self.symbols.get(name).copied();
        address.with_context(|| format!("no symbol {name}"))
    }
}

/// Where the kernel's image begins in physical memory.
fn start_of_code(iomem: &str) -> Option<u64> {
    let line = iomem.lines().find(|line| line.ends_with(": Kernel code"))?;
    u64::from_str_radix(line.trim().split('-').next()?, 16).ok()
}

/// The kernel's virtual memory, an ELF core file that is there to be read.
struct Memory {
    file: File,
    /// Of each segment the virtual address, the length and the place in the file.
    segments: Vec<(u64, u64, u64)>,
}

const PROGRAM_HEADER: u64 = 56;
const PT_LOAD: u64 = 1;

impl Memory {
    fn open() -> Result<Self> {
        let file = File::open("/proc/kcore").context("/proc/kcore")?;
        let at = |offset: u64, length: usize| -> Result<u64> {
            let mut bytes = [0; 8];
            (file.read_exact_at(&mut bytes[..length], offset)).context("/proc/kcore")?;
            Ok(u64::from_le_bytes(bytes))
        };
        // Fields of the ELF header and of each program header (elf(5)).
        let (headers, count) = (at(32, 8)?, at(56, 2)?);
        let mut segments = Vec::new();
        for header in (0..count).map(|index| headers + index * PROGRAM_HEADER) {
            if at(header, 4)? == PT_LOAD {
                segments.push((at(header + 16, 8)?, at(header + 32, 8)?, at(header + 8, 8)?));
            }
        }
        Ok(Self { file, segments })
    }

    fn read(&self, address: u64, bytes: &mut [u8]) -> Result<()> {
        let segment = (self.segments.iter())
            .find(|&&(start, length, _)| (start..start.saturating_add(length)).contains(&address));
        let &(start, _, offset) =
            segment.with_context(|| format!("no memory of the kernel's at {address:#x}"))?;
        (self.file.read_exact_at(bytes, offset + (address - start))).context("/proc/kcore")
    }

    fn read_u64(&self, address: u64) -> Result<u64> {
        let mut bytes = [0; 8];
        self.read(address, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_begins_with_its_code() {
        let iomem = "00100000-3ffdffff : System RAM\n  2c000000-2cffffff : Kernel code\n";
        assert_eq!(start_of_code(iomem), Some(0x2C00_0000));
        assert_eq!(start_of_code("00100000-3ffdffff : System RAM\n"), None);
    }
}

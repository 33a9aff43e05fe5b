//! BPF without a compiler, a loader library or a file system: programs are
//! assembled here, kernel functions found in the kernel's own type
//! information, and everything is held by descriptors alone, so that nothing
//! outlives the process (bpf(2)).
//!
//! Why not a loader crate: aya and aya-obj load ELF objects, which would need
//! a BPF compiler at build time, and do not link calls of kernel functions.

mod area;
mod asm;
mod btf;
mod call;
mod event;
mod outputs;
mod table;

pub use area::Area;
pub use asm::{Asm, AsmError, Condition, Helper, Label, Reg, Width};
pub use btf::{Btf, BtfError, BtfId};
pub use call::{LoadError, Program};
pub use event::EventSlot;
pub use outputs::Outputs;
pub use table::Table;

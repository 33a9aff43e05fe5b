//! A gap and what was decided of it.

use crate::attribution::{Account, Parts, UnknownReason};
use crate::evidence::kernel_trace::KernelTime;
use crate::sampler::RawGap;
use crate::units::{Cycles, Hertz, Nanos};

/// A gap, what the kernel's records say of it, and what was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JudgedGap {
    /// As it was sampled.
    pub raw: RawGap,
    /// By the kernel's records, where there are any.
    pub kernel: Option<KernelTime>,
    /// Who took which part.
    pub account: Account,
}

impl JudgedGap {
    /// The platform's part, to the cycle where it is the whole gap.
    pub fn platform(&self, hz: Hertz) -> Cycles {
        let Parts {
            os,
            platform,
            unknown,
        } = self.account.parts;
        match (os, unknown) {
            (Nanos(0), Nanos(0)) => self.raw.length(),
            _ => hz.to_cycles(platform),
        }
    }
}

/// What is learnt of a gap after it was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recast {
    /// All sampled CPUs stood still, and went on at once.
    AlignedSmi,
    /// What the clock said of it is not what happened.
    Unknown(UnknownReason),
}

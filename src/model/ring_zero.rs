//! The counters' part in the evidence of one gap.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The shortest way into the kernel and back retires more instructions of
/// ring 0 than this: saving and restoring the registers alone takes some 30
/// (arch/x86/entry/entry_64.S). Counters that are one off at a change of rings
/// (Intel's specification updates) stay below.
const LEAST_ENTRY: u32 = 16;

/// What the counters do in SMM, which runs in ring 0 as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InSmm {
    /// They stand still (`freeze_on_smi`).
    Stopped,
    /// They may go on: what was counted may be the firmware's.
    Counting,
}

/// Instructions that were retired in ring 0 during a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RingZero {
    /// How many; at most 4,294,967,295 are told.
    pub instructions: u32,
    /// Whether SMM may have had part in them.
    pub in_smm: InSmm,
}

impl RingZero {
    /// Whether this kernel ran. `None` where the firmware may have retired the
    /// instructions: `smis_excluded` says that no SMI was counted.
    pub fn kernel_ran(self, smis_excluded: bool) -> Option<bool> {
        match (self.instructions, self.in_smm) {
            (..LEAST_ENTRY, _) => Some(false),
            (_, InSmm::Stopped) => Some(true),
            (_, InSmm::Counting) => smis_excluded.then_some(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::*;

    #[test]
    fn what_the_firmware_may_have_retired_proves_no_kernel() {
        let of = |instructions, in_smm, smis_excluded| {
            let ring_zero = RingZero {
                instructions,
                in_smm,
            };
            ring_zero.kernel_ran(smis_excluded)
        };
        for in_smm in [InSmm::Stopped, InSmm::Counting] {
            assert_eq!(of(0, in_smm, false), Some(false));
            assert_eq!(of(2, in_smm, true), Some(false));
        }
        assert_eq!(of(200, InSmm::Stopped, false), Some(true));
        assert_eq!(of(200, InSmm::Counting, false), None);
        assert_eq!(of(200, InSmm::Counting, true), Some(true));
    }
}

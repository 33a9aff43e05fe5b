//! What CPUID says of the CPU under the calling thread. Intel SDM vol. 2A,
//! CPUID; AMD APM vol. 3, appendix E.

use core::arch::x86_64::{__cpuid, __cpuid_count};

use crate::host::cpuid_facts::{CpuidFacts, Crystal, Fred, TscRate};

/// Leaf 1 ECX: a hypervisor is present.
const HYPERVISOR: u32 = 1 << 31;
/// Leaf 7.1 EAX: FRED.
const FRED: u32 = 1 << 17;
/// Leaf 80000007h EDX: invariant TSC.
const INVARIANT_TSC: u32 = 1 << 8;

pub fn facts() -> CpuidFacts {
    let basic = __cpuid(0);
    let version = __cpuid(1);
    let extended = __cpuid(0x8000_0000).eax;
    let signature = |ecx: u32, edx: u32, ebx: u32| {
        let mut bytes = [0; 12];
        for (chunk, word) in bytes.chunks_exact_mut(4).zip([ebx, ecx, edx]) {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    };
    // Leaf 0 gives its text in EBX, EDX, ECX; leaf 40000000h in EBX, ECX, EDX.
    let vendor = signature(basic.edx, basic.ecx, basic.ebx);
    let hypervisor = (version.ecx & HYPERVISOR != 0).then(|| {
        let leaf = __cpuid(0x4000_0000);
        signature(leaf.ecx, leaf.edx, leaf.ebx)
    });
    let family = version.eax >> 8 & 0xf;
    let model = version.eax >> 4 & 0xf;
    let invariant = extended >= 0x8000_0007 && __cpuid(0x8000_0007).edx & INVARIANT_TSC != 0;
    let fred =
        basic.eax >= 7 && __cpuid_count(7, 0).eax >= 1 && __cpuid_count(7, 1).eax & FRED != 0;
    CpuidFacts {
        vendor: String::from_utf8_lossy(&vendor).into_owned(),
        family: if family == 0xf {
            family + (version.eax >> 20 & 0xff)
        } else {
            family
        },
        model: if family == 6 || family == 0xf {
            model | (version.eax >> 12 & 0xf0)
        } else {
            model
        },
        stepping: version.eax & 0xf,
        hypervisor,
        tsc_rate: if invariant {
            TscRate::Invariant
        } else {
            TscRate::Variable
        },
        fred: if fred {
            Fred::Supported
        } else {
            Fred::Unsupported
        },
        crystal: (basic.eax >= 0x15).then(|| {
            let leaf = __cpuid(0x15);
            Crystal {
                denominator: leaf.eax,
                numerator: leaf.ebx,
                hz: leaf.ecx,
            }
        }),
    }
}

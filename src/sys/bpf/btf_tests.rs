//! Type information, good, changed and broken.

use super::*;
use proptest::prelude::*;

/// `struct counts { int other; int nmis; }; typedef struct counts counts_t;
/// counts_t stat; void work(void);`
fn sample() -> Vec<u8> {
    let strings = b"\0counts\0other\0nmis\0counts_t\0stat\0work\0";
    let types: Vec<u32> = [
        &[0, 1 << 24, 4, 0x20][..],
        &[1, 4 << 24 | 2, 8, 8, 1, 0, 14, 1, 32],
        &[19, 8 << 24, 2],
        &[28, 14 << 24, 3, 1],
        &[0, 13 << 24, 0],
        &[33, 12 << 24, 5],
        &[0, 6 << 24 | 2, 4, 8, 0, 28, 7],
    ]
    .concat();
    let mut bytes = vec![0x9f, 0xeb, 1, 0];
    let sections = [0, types.len() as u32 * 4, types.len() as u32 * 4];
    for number in [
        24,
        sections[0],
        sections[1],
        sections[2],
        strings.len() as u32,
    ] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(types.iter().flat_map(|number| number.to_le_bytes()));
    bytes.extend(strings);
    bytes
}

#[test]
fn names_lead_to_ids_and_offsets() {
    let bytes = sample();
    let btf = Btf::parse(&bytes).unwrap();
    assert_eq!(btf.function("work"), Some(BtfId(6)));
    assert_eq!(btf.function("wor"), None);
    assert_eq!(btf.function("stat"), None);
    let stat = btf.variable("stat").unwrap();
    assert_eq!(stat, BtfId(4));
    assert_eq!(btf.member_of_variable(stat, "nmis"), Some(4));
    assert_eq!(btf.member_of_variable(stat, "none"), None);
    // Enumerators may share names with anything else.
    assert_eq!(btf.enumerator("stat"), Some(7));
    assert_eq!(btf.enumerator("nmis"), None);
}

#[test]
fn a_typedef_of_itself_ends() {
    let mut bytes = sample();
    // The typedef is entry 3; its type is the third word of 12 + 4 + 36.
    let at = 24 + 16 + 36 + 8;
    bytes[at..at + 4].copy_from_slice(&3u32.to_le_bytes());
    let btf = Btf::parse(&bytes).unwrap();
    assert_eq!(btf.member_of_variable(BtfId(4), "nmis"), None);
}

#[test]
fn this_kernels_information_is_read_where_there_is_any() {
    let Ok(bytes) = std::fs::read("/sys/kernel/btf/vmlinux") else {
        println!("skipped: this kernel shows no BTF");
        return;
    };
    let btf = Btf::parse(&bytes).unwrap();
    // In every kernel with BPF.
    assert!(btf.function("bpf_map_lookup_elem").is_some() || btf.places.len() > 1_000);
}

proptest! {
    #[test]
    fn a_cut_or_changed_file_never_panics(
        length in 0usize..200,
        at in 0usize..200,
        value in any::<u8>(),
    ) {
        let mut bytes = sample();
        let place = at % bytes.len();
        bytes[place] = value;
        bytes.truncate(length.min(bytes.len()));
        if let Ok(btf) = Btf::parse(&bytes) {
            let _ = btf.function("work");
            let _ = btf.enumerator("nmis");
            let _ = btf.variable("stat").map(|id| btf.member_of_variable(id, "nmis"));
        }
    }

    #[test]
    fn bytes_at_random_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 24..400)) {
        bytes[..8].copy_from_slice(&[0x9f, 0xeb, 1, 0, 24, 0, 0, 0]);
        if let Ok(btf) = Btf::parse(&bytes) {
            let _ = btf.function("x");
            let _ = btf.member_of_variable(BtfId(u32::MAX), "x");
        }
    }
}

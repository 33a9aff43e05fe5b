//! CPU masks as the kernel prints them in hexadecimal, `f` or `ff,00000000`:
//! groups of 32 bits, the highest first (`%*pb` in lib/vsprintf.c).

use crate::units::CpuId;
use crate::units::cpulist::CpuList;

/// 65,536 CPUs, as many as a [`CpuList`] may hold.
const MOST_GROUPS: usize = 2_048;

/// The CPUs of a mask; `None` where the text is none.
pub fn parse_mask(text: &str) -> Option<CpuList> {
    let groups: Vec<&str> = text.trim().split(',').collect();
    if groups.len() > MOST_GROUPS {
        return None;
    }
    let mut cpus = Vec::new();
    for (group, base) in groups.iter().rev().zip((0u32..).step_by(32)) {
        let is_hex = group.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex || group.len() > 8 {
            return None;
        }
        let bits = u32::from_str_radix(group, 16).ok()?;
        cpus.extend(
            (0..32)
                .filter(|bit| bits >> bit & 1 == 1)
                .map(|bit| CpuId(base + bit)),
        );
    }
    Some(cpus.into_iter().collect())
}

/// The mask as the kernel takes it.
pub fn mask_of(cpus: &CpuList) -> String {
    let groups = cpus.iter().map(|cpu| cpu.0 / 32).max().unwrap_or(0);
    let group = |index: u32| {
        let bits = cpus.iter().filter(|cpu| cpu.0 / 32 == index);
        bits.fold(0u32, |mask, cpu| mask | 1 << (cpu.0 % 32))
    };
    let mut text = format!("{:x}", group(groups));
    for index in (0..groups).rev() {
        text.push_str(&format!(",{:08x}", group(index)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(text: &str) -> Option<String> {
        parse_mask(text).map(|cpus| cpus.to_string())
    }

    #[test]
    fn the_highest_group_comes_first() {
        assert_eq!(list("3\n"), Some("0,1".into()));
        assert_eq!(list("0"), Some(String::new()));
        assert_eq!(list("80000001,00000002"), Some("1,32,63".into()));
    }

    #[test]
    fn other_texts_are_no_masks() {
        for text in ["", ",", "f,", "0x3", "-1", "+1", "123456789", "g", "f f"] {
            assert_eq!(parse_mask(text), None, "{text}");
        }
        assert_eq!(parse_mask(&vec!["ffffffff"; 4_000].join(",")), None);
    }

    #[test]
    fn masks_survive_a_round_trip() {
        for text in ["", "0,1", "5,31-33,64"] {
            let list: CpuList = text.parse().unwrap();
            assert_eq!(parse_mask(&mask_of(&list)), Some(list), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[0-9a-f,\\n ]{0,80}") {
            let _ = parse_mask(&text);
        }
    }
}

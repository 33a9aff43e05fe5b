//! The TSC of a guest by that of its host, as KVM tells it in debugfs
//! (arch/x86/kvm/debugfs.c).

use crate::host::root::{Known, ReadError, Root};
use crate::model::absence::{GuestTsc, MOST_TSC_LINES};
use crate::units::Cycles;

/// Why no line is told, from then on.
const SET_TOO_OFTEN: &str = "the host's KVM adjusts the guest's TSC all the time";

/// What a vCPU's folder tells at this moment.
///
/// # Errors
/// Where it cannot be read or is no number.
pub(super) fn read(debugfs: &Root, folder: &str, now: Cycles) -> Known<GuestTsc> {
    let offset: i64 = debugfs.read_number(&format!("{folder}/tsc-offset"))?;
    let number =
        |file: &str, without: u64| match debugfs.read_number::<u64>(&format!("{folder}/{file}")) {
            // CPUs that cannot scale it have no such file.
            Err(ReadError::Missing { .. }) => Ok(without),
            other => other,
        };
    let bits_file = "tsc-scaling-ratio-frac-bits";
    let ratio_bits = u32::try_from(number(bits_file, 0)?).unwrap_or(u32::MAX);
    if ratio_bits > 63 {
        let file = format!("{folder}/{bits_file}");
        return Err(debugfs.malformed(&file, "a number of bits", &ratio_bits.to_string()));
    }
    Ok(GuestTsc {
        seen_cycles: now,
        offset: offset.to_string(),
        ratio: number("tsc-scaling-ratio", 1)?.to_string(),
        ratio_bits,
    })
}

/// Adds what was read now to what was read before, where that has changed.
pub(super) fn note(known: &mut Result<Vec<GuestTsc>, String>, now: Known<GuestTsc>) {
    let lines = match known {
        Ok(lines) => lines,
        Err(reason) if reason == SET_TOO_OFTEN => return,
        Err(reason) => {
            match now {
                Ok(now) => *known = Ok(vec![now]),
                Err(error) => *reason = error.to_string(),
            }
            return;
        }
    };
    // Else the guest has gone; what was read holds.
    let Ok(now) = now else { return };
    let is_news = lines.last().is_none_or(|last| {
        (&last.offset, &last.ratio, last.ratio_bits) != (&now.offset, &now.ratio, now.ratio_bits)
    });
    if is_news && lines.len() == MOST_TSC_LINES {
        *known = Err(SET_TOO_OFTEN.to_owned());
    } else {
        lines.extend(is_news.then_some(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_and_its_changes_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let vcpu = folder.path().join("kvm/7-9/vcpu0");
        std::fs::create_dir_all(&vcpu).unwrap();
        let root = Root::at(folder.path());
        let look = |at| read(&root, "kvm/7-9/vcpu0", Cycles(at));
        let put = |file: &str, text: &str| std::fs::write(vcpu.join(file), text).unwrap();
        let mut known = Err(String::new());
        note(&mut known, look(1));
        assert!(
            known
                .clone()
                .unwrap_err()
                .contains("tsc-offset does not exist")
        );
        put("tsc-offset", "-32843256\n");
        note(&mut known, look(2));
        note(&mut known, look(3));
        put("tsc-offset", "-5\n");
        put("tsc-scaling-ratio", "4294967296\n");
        put("tsc-scaling-ratio-frac-bits", "32\n");
        note(&mut known, look(4));
        let line = |seen: u64, offset: &str, ratio: &str, ratio_bits| GuestTsc {
            seen_cycles: Cycles(seen),
            offset: offset.into(),
            ratio: ratio.into(),
            ratio_bits,
        };
        let expected = vec![
            line(2, "-32843256", "1", 0),
            line(4, "-5", "4294967296", 32),
        ];
        assert_eq!(known, Ok(expected));
        put("tsc-scaling-ratio-frac-bits", "64\n");
        assert!(look(5).is_err());
    }

    #[test]
    fn a_clock_that_is_adjusted_all_the_time_is_on_no_line() {
        let mut known = Err(String::new());
        let set = |known: &mut _, times: u64| {
            for at in 0..times {
                let line = GuestTsc {
                    seen_cycles: Cycles(at),
                    offset: at.to_string(),
                    ratio: "1".to_owned(),
                    ratio_bits: 0,
                };
                note(known, Ok(line));
            }
        };
        set(&mut known, MOST_TSC_LINES as u64);
        assert_eq!(known.as_ref().map(Vec::len), Ok(MOST_TSC_LINES));
        set(&mut known, 3);
        assert_eq!(known, Err(SET_TOO_OFTEN.to_owned()));
    }
}

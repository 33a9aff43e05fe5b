//! The ACPI Fixed ADT's words on the SMI command port: which port it is, and
//! which values mean something to the firmware (ACPI 6.5, table 5.9).

use super::root::{Known, ReadError, Root};

const FILE: &str = "sys/firmware/acpi/tables/FACP";
/// SMI_CMD, a port number.
const SMI_CMD: usize = 48;
/// ACPI_ENABLE, ACPI_DISABLE, S4BIOS_REQ, PSTATE_CNT.
const COMMANDS: std::ops::Range<usize> = 52..56;
/// CST_CNT.
const CST_COUNT: usize = 95;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmiCommand {
    /// Its number; 0 on machines without one.
    pub port: u32,
    /// Values that the firmware acts upon.
    pub meaningful: Vec<u8>,
}

impl SmiCommand {
    /// Reads the table.
    ///
    /// # Errors
    /// `Missing` without ACPI, `Denied` for ordinary users, `Malformed` for a
    /// table that is too short.
    pub fn read(root: &Root) -> Known<SmiCommand> {
        let bytes = std::fs::read(root.path(FILE)).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => ReadError::Missing {
                path: format!("/{FILE}"),
            },
            std::io::ErrorKind::PermissionDenied => ReadError::Denied {
                path: format!("/{FILE}"),
            },
            _ => ReadError::Other {
                path: format!("/{FILE}"),
                cause: error.to_string(),
            },
        })?;
        SmiCommand::parse(&bytes)
            .ok_or_else(|| root.malformed(FILE, "an ACPI FADT", &format!("{} bytes", bytes.len())))
    }

    fn parse(table: &[u8]) -> Option<SmiCommand> {
        if !table.starts_with(b"FACP") {
            return None;
        }
        let port = u32::from_le_bytes(table.get(SMI_CMD..SMI_CMD + 4)?.try_into().ok()?);
        let mut meaningful = table.get(COMMANDS)?.to_vec();
        meaningful.push(*table.get(CST_COUNT)?);
        meaningful.retain(|&value| value != 0);
        Some(SmiCommand { port, meaningful })
    }

    /// A value that no table gives a meaning: firmware handlers ignore what
    /// they do not know.
    pub fn idle_value(&self) -> Option<u8> {
        [0x5a, 0x6b, 0x4c]
            .into_iter()
            .find(|value| !self.meaningful.contains(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_with_a_meaning_is_never_chosen() {
        let mut table = vec![0; 116];
        table[..4].copy_from_slice(b"FACP");
        table[SMI_CMD] = 0xb2;
        table[52] = 0x5a;
        table[CST_COUNT] = 0x6b;
        let command = SmiCommand::parse(&table).unwrap();
        assert_eq!(command.port, 0xb2);
        assert_eq!(command.idle_value(), Some(0x4c));
        assert_eq!(SmiCommand::parse(&table[..60]), None);
        assert_eq!(SmiCommand::parse(b"DSDT"), None);
    }
}

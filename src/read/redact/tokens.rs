//! Words that name one machine: its own names, and what looks like an
//! address, a unique number, a disk or a user's folder.

use std::net::IpAddr;

use crate::read::redact::PLACE_HOLDER;

/// Shorter names are left: they would be found everywhere.
const SHORTEST_NAME: usize = 3;

/// The names of a machine, in lower case.
pub(crate) struct Names(Vec<String>);

impl Names {
    /// Of a host name with a domain, the first part counts by itself too.
    pub(crate) fn new(names: impl Iterator<Item = String>) -> Names {
        let mut all = Vec::new();
        for name in names {
            let name = name.trim().to_lowercase();
            let first = name.split('.').next().unwrap_or_default().to_owned();
            all.extend([name, first]);
        }
        all.retain(|name| name.len() >= SHORTEST_NAME);
        all.sort_by_key(|name| std::cmp::Reverse(name.len()));
        all.dedup();
        Names(all)
    }

    /// The text with each such word replaced.
    pub(crate) fn left_out_of(&self, text: &str) -> String {
        let mut changed = String::with_capacity(text.len());
        let mut word = String::new();
        for c in text.chars() {
            if is_part_of_word(c) {
                word.push(c);
            } else {
                changed.push_str(&self.checked(&word));
                word.clear();
                changed.push(c);
            }
        }
        changed.push_str(&self.checked(&word));
        changed
    }

    fn checked(&self, word: &str) -> String {
        // Of "root=/dev/x" only the value can name anything.
        if let Some((name, value)) = word.split_once('=') {
            let named = names_one_machine(name) && !value.is_empty();
            let value = match named || names_a_server(value) {
                true => PLACE_HOLDER.to_owned(),
                false => self.checked(value),
            };
            return format!("{name}={value}");
        }
        let bare = word.trim_end_matches(['.', ':', ')']);
        let tail = &word[bare.len()..];
        let is_telling = is_address(bare)
            || is_mail_address(bare)
            || is_unique_number(bare)
            || is_place(bare)
            || holds_address(bare)
            || self.names(bare);
        match is_telling {
            true => format!("{PLACE_HOLDER}{tail}"),
            false => word.to_owned(),
        }
    }

    fn names(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        self.0.iter().any(|name| {
            word.match_indices(name.as_str()).any(|(at, _)| {
                let before = word[..at].chars().next_back();
                let after = word[at + name.len()..].chars().next();
                [before, after]
                    .into_iter()
                    .flatten()
                    .all(|c| !c.is_alphanumeric())
            })
        })
    }
}

fn is_part_of_word(c: char) -> bool {
    c.is_alphanumeric() || "._:/-=@%+".contains(c)
}

/// Parameters of a kernel's command line whose value is a name, whatever it
/// looks like: `systemd.hostname=`, `root=LABEL=`, `rd.luks.uuid=`.
fn names_one_machine(parameter: &str) -> bool {
    let parameter = parameter.to_lowercase();
    [
        "uuid",
        "label",
        "hostname",
        "serial",
        "machine_id",
        "bootif",
    ]
    .iter()
    .any(|ending| parameter.ends_with(ending))
}

/// Endings of names in a value that are files or units, not domains.
const NO_DOMAINS: [&str; 16] = [
    "img", "efi", "cfg", "conf", "gz", "xz", "zst", "bin", "ko", "json", "target", "service",
    "mount", "socket", "slice", "timer",
];

/// Whether the value of a parameter names a server, as `nfsroot=` and `ip=` do:
/// `server.example.com:/export`, `nfs:server.example.com`, `10.0.0.2::host.lab`.
fn names_a_server(value: &str) -> bool {
    // What stands after a slash is a path, and a file's name may have a point.
    let before_path = value.split('/').next().unwrap_or_default();
    before_path.split([':', ',', '@', '[', ']']).any(is_domain)
}

/// Whether a word is the address of a document: what follows `//` is a server.
fn holds_address(word: &str) -> bool {
    let server = word.split_once("://").map(|(_, rest)| rest);
    server.is_some_and(|rest| !rest.trim_matches('/').is_empty())
}

/// Names with a point between them, the last one of letters (RFC 1123, 2.1).
fn is_domain(text: &str) -> bool {
    let labels: Vec<&str> = text.trim_end_matches('.').split('.').collect();
    let is_label = |label: &&str| {
        !label.is_empty()
            && label.len() < 64
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let Some((last, others)) = labels.split_last() else {
        return false;
    };
    let ends = last.len() > 1 && last.bytes().all(|b| b.is_ascii_alphabetic());
    !others.is_empty()
        && ends
        && labels.iter().all(is_label)
        && !NO_DOMAINS.contains(&last.to_ascii_lowercase().as_str())
}

/// Six pairs of digits in a row, alone or within `ifname=eth0:MAC` and the like.
fn holds_mac(word: &str) -> bool {
    let parts: Vec<&str> = word.split([':', '-']).collect();
    let is_pair = |part: &&str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit());
    parts.windows(6).any(|six| six.iter().all(is_pair))
}

fn is_address(word: &str) -> bool {
    let host = word.split(['/', '%']).next().unwrap_or(word);
    // "::" and a lone ":" are punctuation more often than an address.
    let is_ip = host.len() > 3 && host.parse::<IpAddr>().is_ok();
    // In ip=ADDRESS:SERVER:GATEWAY and the like.
    let holds_ip = word
        .split([':', ',', '@', '/'])
        .any(|part| part.matches('.').count() == 3 && part.parse::<std::net::Ipv4Addr>().is_ok());
    holds_mac(word) || is_ip || holds_ip
}

fn is_mail_address(word: &str) -> bool {
    let domain = word.split_once('@').map(|(_, domain)| domain);
    domain.is_some_and(|domain| {
        let parts: Vec<&str> = domain.split('.').collect();
        let is_name = |part: &&str| part.len() > 1 && part.bytes().any(|b| b.is_ascii_alphabetic());
        parts.len() > 1 && parts.iter().all(is_name)
    })
}

/// UUIDs, and hexadecimal numbers that are as long.
fn is_unique_number(word: &str) -> bool {
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_hexdigit());
    word.split(['/', ':']).any(|part| {
        // As in "luks-UUID", there may be groups before and after.
        let groups: Vec<&str> = part.split('-').collect();
        let is_uuid = |five: &[&str]| {
            let lengths = five.iter().map(|group| group.len());
            lengths.eq([8, 4, 4, 4, 12]) && five.iter().all(|group| digits(group))
        };
        let is_long = |group: &&str| group.len() >= 32 && digits(group);
        groups.windows(5).any(is_uuid) || groups.iter().any(is_long)
    })
}

/// A user's folder, or a disk by its unique name.
fn is_place(word: &str) -> bool {
    ["/home/", "/root/", "/dev/disk/by-", "/dev/mapper/"]
        .iter()
        .any(|prefix| word.starts_with(prefix) && word.len() > prefix.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_and_models_stay() {
        let names = Names::new(["rt-bench-01.example.org".to_owned(), "a".to_owned()].into_iter());
        for (text, left) in [
            (
                "before BIOS update of RT-Bench-01",
                "before BIOS update of (left out)",
            ),
            ("rt-bench-012 stays", "rt-bench-012 stays"),
            (
                "BOOT_IMAGE=/vmlinuz root=UUID=0b1c2d3e-0000-4000-8000-0123456789ab isolcpus=1-3",
                "BOOT_IMAGE=/vmlinuz root=UUID=(left out) isolcpus=1-3",
            ),
            ("ip=192.168.4.17::192.168.4.1 ro", "ip=(left out) ro"),
            ("hwgap run -o /home/ada/x.json", "hwgap run -o (left out)"),
            ("mac 52:54:00:12:34:56.", "mac (left out)."),
            (
                "BOOTIF=01-52-54-00-12-34-56 ifname=lan:52:54:00:12:34:56",
                "BOOTIF=(left out) ifname=(left out)",
            ),
            (
                "rd.luks.uuid=luks-0b1c2d3e-0000-4000-8000-0123456789ab",
                "rd.luks.uuid=(left out)",
            ),
            (
                "/run/luks-0b1c2d3e-0000-4000-8000-0123456789ab",
                "(left out)",
            ),
            (
                "root=PARTUUID=0b1c2d3e-02 systemd.hostname=x1 quiet",
                "root=PARTUUID=(left out) systemd.hostname=(left out) quiet",
            ),
            (
                "nfsroot=filer.example.com:/export/rt,vers=4 ro",
                "nfsroot=(left out),vers=4 ro",
            ),
            (
                "ip=dhcp root=nfs:boot.lab.example:/x hostname.x=1",
                "ip=dhcp root=(left out) hostname.x=1",
            ),
            (
                "inst.ks=http://ks/rt.cfg syslog=logs.example.com:514 ntp=time.lab",
                "inst.ks=(left out) syslog=(left out) ntp=(left out)",
            ),
            (
                "BOOT_IMAGE=/boot/initrd.img initrd=initrd.img systemd.unit=multi-user.target",
                "BOOT_IMAGE=/boot/initrd.img initrd=initrd.img systemd.unit=multi-user.target",
            ),
            (
                "BOOT_IMAGE=/vmlinuz-5.14.0-427.el9.x86_64 processor.max_cstate=1 nosmt=force",
                "BOOT_IMAGE=/vmlinuz-5.14.0-427.el9.x86_64 processor.max_cstate=1 nosmt=force",
            ),
            (
                "see https://bmc.example.org/report for more",
                "see (left out) for more",
            ),
            ("ask ada@lab.example.org", "ask (left out)"),
            ("TSC @ 2.10GHz, a@b", "TSC @ 2.10GHz, a@b"),
            ("BIOS 2.19.1, 06/14/2023", "BIOS 2.19.1, 06/14/2023"),
            (
                "Xeon(R) Gold 6130 CPU @ 2.10GHz",
                "Xeon(R) Gold 6130 CPU @ 2.10GHz",
            ),
        ] {
            assert_eq!(names.left_out_of(text), left);
        }
    }
}

//! The file: trace-cmd's own, version 6 (trace-cmd.dat.v6(5)), for `trace-cmd
//! report` and KernelShark. Times are cycles of the TSC.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use crate::host::root::Root;

use super::pages::{PAGE, Taken};

/// The option that holds the clock (trace-cmd.dat.v6(5), OPTIONS).
const TRACECLOCK: u16 = 4;
/// Kernel text lies above this (Documentation/arch/x86/x86_64/mm.rst).
const TEXT: u64 = 0xffff_ffff_8000_0000;

/// What the records look like: all that does not change while the run goes on.
pub(super) struct Formats {
    header_page: Vec<u8>,
    header_event: Vec<u8>,
    ftrace: Vec<Vec<u8>>,
    groups: Vec<(String, Vec<Vec<u8>>)>,
    clock: Vec<u8>,
}

impl Formats {
    pub(super) fn read(tracefs: &Root, instance: &Path, groups: &[String]) -> io::Result<Formats> {
        let events = tracefs.path("events");
        let of_group = |group: &String| Ok((group.clone(), formats(&events.join(group))?));
        Ok(Formats {
            header_page: at_once(&events.join("header_page"))?,
            header_event: at_once(&events.join("header_event"))?,
            ftrace: formats(&events.join("ftrace"))?,
            groups: groups.iter().map(of_group).collect::<io::Result<_>>()?,
            clock: fs::read(instance.join("trace_clock"))?,
        })
    }
}

/// The kernel gives these by one read only (kernel/trace/trace_events.c,
/// show_header).
fn at_once(file: &Path) -> io::Result<Vec<u8>> {
    let mut text = vec![0; PAGE];
    let length = fs::File::open(file)?.read(&mut text)?;
    text.truncate(length);
    Ok(text)
}

/// The formats of a group of events, in order of their names.
fn formats(group: &Path) -> io::Result<Vec<Vec<u8>>> {
    let entries = fs::read_dir(group)?;
    let mut files: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path().join("format")))
        .filter(|format| format.is_file())
        .collect();
    files.sort_unstable();
    files.iter().map(fs::read).collect()
}

/// Writes what was taken of each CPU.
pub(super) fn write(
    formats: &Formats,
    tracefs: &Root,
    taken: &[Taken],
    out: &mut dyn Write,
) -> io::Result<()> {
    let text = |file: &str| fs::read(tracefs.path(file)).unwrap_or_default();
    let mut head = b"\x17\x08\x44tracing6\0\0".to_vec();
    head.push(size_of::<usize>() as u8);
    head.extend((PAGE as u32).to_le_bytes());
    for (name, content) in [
        (b"header_page\0".as_slice(), &formats.header_page),
        (b"header_event\0", &formats.header_event),
    ] {
        head.extend(name);
        long(&mut head, content);
    }
    count(&mut head, formats.ftrace.len());
    formats
        .ftrace
        .iter()
        .for_each(|format| long(&mut head, format));
    count(&mut head, formats.groups.len());
    for (name, formats) in &formats.groups {
        head.extend(name.as_bytes());
        head.push(0);
        count(&mut head, formats.len());
        formats.iter().for_each(|format| long(&mut head, format));
    }
    for content in [symbols(kallsyms(), taken), text("printk_formats")] {
        count(&mut head, content.len());
        head.extend(content);
    }
    long(&mut head, &text("saved_cmdlines"));
    let cpus = taken.iter().map(|cpu| cpu.cpu + 1).max().unwrap_or(0);
    count(&mut head, cpus);
    head.extend(b"options  \0");
    head.extend(TRACECLOCK.to_le_bytes());
    let clock = [formats.clock.as_slice(), b"\0"].concat();
    count(&mut head, clock.len());
    head.extend(clock);
    head.extend(0u16.to_le_bytes());
    head.extend(b"flyrecord\0");
    let of_cpu = |cpu| -> &[u8] {
        let found = taken.iter().find(|one| one.cpu == cpu);
        found.map_or(&[], |found| &found.pages)
    };
    let data = (head.len() + cpus * 16).next_multiple_of(PAGE);
    let mut at = data;
    for cpu in 0..cpus {
        let length = of_cpu(cpu).len();
        head.extend((at as u64).to_le_bytes());
        head.extend((length as u64).to_le_bytes());
        at += length;
    }
    head.resize(data, 0);
    out.write_all(&head)?;
    (0..cpus).try_for_each(|cpu| out.write_all(of_cpu(cpu)))
}

fn count(head: &mut Vec<u8>, number: usize) {
    head.extend((number as u32).to_le_bytes());
}

fn long(head: &mut Vec<u8>, content: &[u8]) {
    head.extend((content.len() as u64).to_le_bytes());
    head.extend(content);
}

/// The kernel's symbols, none where they cannot be read.
fn kallsyms() -> Box<dyn BufRead> {
    match fs::File::open("/proc/kallsyms") {
        Ok(file) => Box::new(BufReader::new(file)),
        Err(_) => Box::new(io::empty()),
    }
}

/// Of the kernel's symbols those that the records may name. All of them are some
/// megabytes, and whoever asks for these holds up the memory of the whole process,
/// also for the thread that marks a gap: only one line is kept at a time.
fn symbols(mut all: impl BufRead, taken: &[Taken]) -> Vec<u8> {
    let words = taken.iter().flat_map(|cpu| cpu.pages.windows(8).step_by(4));
    let words = words.filter_map(|word| Some(u64::from_ne_bytes(word.try_into().ok()?)));
    let mut named: Vec<u64> = words.filter(|word| *word >= TEXT).collect();
    named.sort_unstable();
    named.dedup();
    // Of each word the symbol that it may be in, and the next one, where that ends.
    let mut around: Vec<[Option<Symbol>; 2]> = vec![[None, None]; named.len()];
    let mut line = String::new();
    while all.read_line(&mut line).is_ok_and(|length| length > 0) {
        let address = line.split(' ').next();
        let address = address.and_then(|text| u64::from_str_radix(text, 16).ok());
        // Who may not see addresses is shown zeros.
        if let Some(address) = address.filter(|address| *address >= TEXT) {
            let from = named.partition_point(|word| *word < address);
            if let Some([at, _]) = around.get_mut(from) {
                take_if(at, address, &line, |old| old <= address);
            }
            if let Some([_, next]) = from
                .checked_sub(1)
                .and_then(|before| around.get_mut(before))
            {
                take_if(next, address, &line, |old| old > address);
            }
        }
        line.clear();
    }
    let meant: BTreeSet<Symbol> = around.into_iter().flatten().flatten().collect();
    let lines = meant.into_iter().map(|(_, line)| line);
    lines.collect::<String>().into_bytes()
}

/// A symbol's address, and its line.
type Symbol = (u64, String);

fn take_if(kept: &mut Option<Symbol>, address: u64, line: &str, is_better: impl Fn(u64) -> bool) {
    match kept {
        Some((old, text)) if is_better(*old) => {
            *old = address;
            line.clone_into(text);
        }
        Some(_) => {}
        None => *kept = Some((address, line.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_that_records_may_name_are_kept() {
        let all = "ffffffff81000000 T a\nffffffff81000100 t b\nffffffff81000200 t c\n\
                   0000000000000000 A zero\nffffffff81000300 T d\n";
        let word = 0xffff_ffff_8100_0110_u64.to_ne_bytes();
        let taken = Taken {
            pages: [[0; 4].as_slice(), &word, &[0; 12]].concat(),
            ..Taken::default()
        };
        let kept = symbols(all.as_bytes(), &[taken]);
        assert_eq!(kept, b"ffffffff81000100 t b\nffffffff81000200 t c\n");
    }

    #[test]
    fn pages_begin_where_the_head_says() {
        let formats = Formats {
            header_page: b"page".to_vec(),
            header_event: b"event".to_vec(),
            ftrace: vec![b"f".to_vec()],
            groups: vec![(String::from("irq"), vec![b"g".to_vec()])],
            clock: b"local [x86-tsc]\n".to_vec(),
        };
        let of = |cpu, byte| Taken {
            cpu,
            pages: vec![byte; PAGE],
            lost_before: None,
        };
        let root = tempfile::tempdir().unwrap();
        let mut file = Vec::new();
        write(
            &formats,
            &Root::at(root.path()),
            &[of(0, 7), of(2, 9)],
            &mut file,
        )
        .unwrap();
        let name = b"flyrecord\0";
        let at = file
            .windows(name.len())
            .position(|bytes| bytes == name)
            .unwrap()
            + name.len();
        let number = |at: usize| u64::from_le_bytes(file[at..at + 8].try_into().unwrap()) as usize;
        let places: Vec<[usize; 2]> = (0..3)
            .map(|cpu| [number(at + cpu * 16), number(at + cpu * 16 + 8)])
            .collect();
        let data = PAGE;
        assert_eq!(
            places,
            [[data, PAGE], [data + PAGE, 0], [data + PAGE, PAGE]]
        );
        assert_eq!(
            (file[data], file[data + PAGE], file.len()),
            (7, 9, data + 2 * PAGE)
        );
    }
}

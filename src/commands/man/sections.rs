//! What pages say beside what the command line says of itself.

use super::help::Section;

/// Files of runs; the help of `--journal` and `--state` has their other places.
const STATE: [(&str, &str); 2] = [
    (
        "/var/lib/hwgap",
        "root's folder of state: the latest self-test, and the journal of changed settings",
    ),
    (
        "$XDG_STATE_HOME/hwgap",
        "the same of other users; ~/.local/state/hwgap where the variable is not set",
    ),
];

const SOURCES: [(&str, &str); 5] = [
    (
        "/dev/cpu/N/msr",
        "the SMI counter of Intel CPUs (modprobe msr)",
    ),
    (
        "/sys/kernel/tracing",
        "tracepoints, by which kernel work has names",
    ),
    (
        "/sys/kernel/btf/vmlinux",
        "the kernel's types, which the BPF engine needs",
    ),
    (
        "/dev/cpu_dma_latency",
        "held open during a run, to keep CPUs out of deep idle states",
    ),
    ("/usr/share/hwgap/policies", "limits that others use"),
];

const NO_COLOR: (&str, &str) = ("NO_COLOR", "with any value: no colours (no-color.org)");
const TERM: (&str, &str) = ("TERM", "dumb, or not set: no colours");
const STATE_HOME: (&str, &str) = (
    "XDG_STATE_HOME",
    "where the folder of state of ordinary users is",
);
const FORMAT_VERSION: (&str, &str) = (
    "HWLATDETECT_FORMAT_VERSION",
    "the version of rt-tests whose output is written, for callers that cannot be changed; \
     --format-version comes first",
);

/// Whether the command looks at this machine.
fn measures(command: &str) -> bool {
    let commands = ["run", "preflight", "selftest", "hwlatdetect", "restore"];
    commands.iter().any(|name| command.ends_with(name))
}

pub(super) fn environment(command: &str) -> Option<Section> {
    let terms = match command {
        "hwgap-completions" | "hwgap-schema" => return None,
        "hwgap-hwlatdetect" | "hwlatdetect" => vec![FORMAT_VERSION, STATE_HOME],
        _ if measures(command) => vec![NO_COLOR, TERM, STATE_HOME],
        "hwgap" => vec![NO_COLOR, TERM, STATE_HOME, FORMAT_VERSION],
        _ => vec![NO_COLOR, TERM],
    };
    Some(Section::of_terms("Environment", &terms))
}

pub(super) fn files(command: &str) -> Option<Section> {
    let terms = match command {
        "hwgap-restore" => STATE.to_vec(),
        "hwgap" => [&STATE[..], &SOURCES].concat(),
        "hwgap-fleet" => vec![SOURCES[4]],
        _ if measures(command) => [&STATE[..], &SOURCES].concat(),
        _ => return None,
    };
    Some(Section::of_terms("Files", &terms))
}

pub(super) fn bugs(command: &str) -> Section {
    let report = concat!(
        "Report bugs at ",
        env!("CARGO_PKG_REPOSITORY"),
        "/issues, with the JSON report of the run. SECURITY.md says how to report a hole."
    );
    let known = match command {
        "hwgap-run" | "hwgap-hwlatdetect" | "hwlatdetect" => {
            "Interrupts stay on while the user engine samples: how long an SMI took that fell \
             into another task's time is not known. Within a guest nothing tells the \
             hypervisor from what lies below it. "
        }
        _ => "",
    };
    Section::of_text("Bugs", &format!("{known}{report}"))
}

/// The pages of others that belong to a command.
fn of_others(command: &str) -> &'static [&'static str] {
    match command {
        "hwgap" | "hwgap-run" => &[
            "capabilities(7)",
            "cyclictest(8)",
            "hwlatdetect(8)",
            "rtla-hwnoise(1)",
            "rtla-osnoise(1)",
        ],
        "hwgap-hwlatdetect" | "hwlatdetect" => &["hwlatdetect(8)", "rtla-hwnoise(1)"],
        "hwgap-preflight" => &["capabilities(7)", "cpuset(7)"],
        _ => &[],
    }
}

pub(super) fn see_also(page: &str, pages: &[String]) -> Section {
    let (own, _) = page.split_once('(').unwrap_or((page, ""));
    let all = pages
        .iter()
        .map(String::as_str)
        .filter(|name| *name != page);
    let all = all.chain(of_others(own).iter().copied());
    let documentation = concat!(
        "The manual: ",
        env!("CARGO_PKG_REPOSITORY"),
        "/tree/main/docs"
    );
    let names: Vec<&str> = all.collect();
    let mut section = Section::of_text("See also", &names.join(", "));
    section
        .lines
        .push(super::help::Line::Paragraph(documentation.to_owned()));
    section
}

//! The programs that call hwlatdetect: what each passes, and what it makes of
//! the answer. Their parsers are written here anew, each as narrow as the
//! original, so that a line which one of them stumbles over fails a test.
//!
//! The emulated machine's suite includes this file too.

/// What hwlatdetect answered.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// Its exit status.
    pub status: i32,
    /// Its standard output.
    pub stdout: &'a str,
}

/// What a client concludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// No latency above its limit.
    Good,
    /// Latency above its limit.
    Bad,
}

/// A program that calls hwlatdetect.
pub struct Client {
    /// Which.
    pub name: &'static str,
    /// What it passes.
    pub arguments: &'static [&'static str],
    /// What it concludes, or what it cannot read.
    pub read: fn(Answer<'_>) -> Result<Conclusion, String>,
}

/// All known clients.
pub const CLIENTS: [Client; 8] = [
    Client {
        name: "OpenShift cnf-features-deploy, hwlatdetect-runner",
        arguments: &[
            "--threshold",
            "20",
            "--hardlimit",
            "20",
            "--duration",
            "15s",
            "--window",
            "10000000us",
            "--width",
            "950000us",
        ],
        read: by_status,
    },
    Client {
        name: "OpenShift node-tuning-operator, latency tests",
        arguments: &["--hardlimit=20", "--threshold=20", "--duration=60"],
        read: by_number_above_threshold,
    },
    Client {
        name: "OpenShift node-tuning-operator, its own flags",
        arguments: &["-hardlimit=20", "-threshold=20", "-duration", "60"],
        read: by_number_above_threshold,
    },
    Client {
        name: "bench-hwlatdetect post-processing",
        arguments: &["--duration=60", "--threshold=1us"],
        read: bench,
    },
    Client {
        name: "CKI smidetect",
        arguments: &[
            "--duration=10m",
            "--window=1s",
            "--width=500ms",
            "--threshold=10us",
            "--hardlimit=200us",
            "--debug",
        ],
        read: by_status,
    },
    Client {
        name: "container-perf-tools",
        arguments: &[
            "--duration",
            "60",
            "--threshold=10",
            "--cpu-list",
            "0",
            "--watch",
        ],
        read: by_status,
    },
    Client {
        name: "an RT dashboard",
        arguments: &[
            "--duration",
            "60",
            "--threshold",
            "10",
            "--window",
            "1000000",
            "--width",
            "500000",
        ],
        read: dashboard,
    },
    Client {
        name: "neurorust",
        arguments: &["--cpu-list", "0"],
        read: neurorust,
    },
];

impl Client {
    /// The arguments with another duration.
    pub fn arguments_for(&self, duration: &str) -> Vec<String> {
        let mut arguments: Vec<String> = Vec::new();
        let mut given = self.arguments.iter();
        while let Some(&argument) = given.next() {
            match argument.trim_start_matches('-') {
                "duration" => drop(given.next()),
                other if other.starts_with("duration=") => {}
                _ => arguments.push(argument.to_owned()),
            }
        }
        arguments.push(format!("--duration={duration}"));
        arguments
    }
}

fn by_status(answer: Answer<'_>) -> Result<Conclusion, String> {
    match answer.status {
        0 => Ok(Conclusion::Good),
        1 => Ok(Conclusion::Bad),
        other => Err(format!("exit status {other}")),
    }
}

/// The regular expression `Samples exceeding threshold: [^0]`.
fn by_number_above_threshold(answer: Answer<'_>) -> Result<Conclusion, String> {
    const TEXT: &str = "Samples exceeding threshold: ";
    let mut after = answer.stdout.split(TEXT).skip(1).peekable();
    if after.peek().is_none() {
        return Err(format!("no {TEXT:?}"));
    }
    let bad = after.any(|rest| rest.chars().next().is_some_and(|digit| digit != '0'));
    Ok(if bad {
        Conclusion::Bad
    } else {
        Conclusion::Good
    })
}

/// `test finished`, `Latency threshold:\s+(\d+)us`, and `Max Latency:\s+(.*)$`
/// with "Below threshold" or `(\d+)us`.
fn bench(answer: Answer<'_>) -> Result<Conclusion, String> {
    if !answer.stdout.lines().any(|line| line == "test finished") {
        return Err(String::from("no 'test finished'"));
    }
    micros(value(answer.stdout, "Latency threshold:")?)?;
    match value(answer.stdout, "Max Latency:")? {
        "Below threshold" => Ok(Conclusion::Good),
        latency => micros(latency).map(|_| Conclusion::Bad),
    }
}

/// Lines that start `Samples recorded:`, `Samples exceeding threshold:` and
/// `Max Latency:`, and samples `ts:…inner:…outer:…cpu:`.
fn dashboard(answer: Answer<'_>) -> Result<Conclusion, String> {
    let starting = |name: &str| {
        let mut lines = answer.stdout.lines();
        let line = lines.find_map(|line| line.strip_prefix(name));
        line.map(str::trim)
            .ok_or(format!("no line starts {name:?}"))
    };
    let number = |name: &str| {
        let text = starting(name)?;
        text.parse().map_err(|_| format!("{name} {text}"))
    };
    let recorded: usize = number("Samples recorded:")?;
    let exceeding: usize = number("Samples exceeding threshold:")?;
    starting("Max Latency:")?;
    let mut samples = 0;
    for line in samples_of(answer.stdout) {
        let mut rest = line;
        for name in ["inner:", "outer:", "cpu:"] {
            let (_, tail) = rest
                .split_once(name)
                .ok_or(format!("no {name} in {line}"))?;
            leading_number(tail).ok_or(format!("no number after {name} in {line}"))?;
            rest = tail;
        }
        samples += 1;
    }
    if samples != recorded {
        return Err(format!("{recorded} recorded, {samples} listed"));
    }
    Ok(concluded(exceeding))
}

/// `ts: T, inner:N, outer:N, cpu:N`; what follows is not looked at.
fn neurorust(answer: Answer<'_>) -> Result<Conclusion, String> {
    let mut count = 0;
    for line in samples_of(answer.stdout) {
        let mut fields = line.split(", ");
        let mut field = |name: &str| {
            let field = fields.next().and_then(|field| field.strip_prefix(name));
            let number = field.and_then(|text| text.trim().parse::<f64>().ok());
            number.ok_or(format!("no {name} in its place in {line}"))
        };
        field("ts:")?;
        field("inner:")?;
        field("outer:")?;
        field("cpu:")?;
        count += 1;
    }
    Ok(concluded(count))
}

/// The lines that are samples.
pub fn samples_of(stdout: &str) -> impl Iterator<Item = &str> {
    stdout.lines().filter(|line| line.starts_with("ts:"))
}

fn concluded(count: usize) -> Conclusion {
    if count > 0 {
        Conclusion::Bad
    } else {
        Conclusion::Good
    }
}

/// What follows a name, to the end of its line.
fn value<'a>(stdout: &'a str, name: &str) -> Result<&'a str, String> {
    let (_, rest) = stdout.split_once(name).ok_or(format!("no {name:?}"))?;
    let line = rest.lines().next().unwrap_or_default();
    match line.trim_start() {
        same if same.len() == line.len() => Err(format!("no blank after {name:?}")),
        value => Ok(value),
    }
}

fn micros(text: &str) -> Result<u64, String> {
    let number = text.strip_suffix("us").and_then(|text| text.parse().ok());
    number.ok_or(format!("{text:?} is no number of microseconds"))
}

fn leading_number(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit());
    text[..end.unwrap_or(text.len())].parse().ok()
}

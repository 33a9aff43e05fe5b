//! Options of `hwgap report`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::look::LookArgs;

/// Options of `hwgap report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The report, as `run -o`, `host -o` or `explain --format json` saves it; - is
    /// standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// What to make of it
    #[arg(long, value_enum, default_value_t = ReportFormatArg::Text)]
    pub format: ReportFormatArg,

    /// How the text looks.
    #[command(flatten)]
    pub look: LookArgs,

    /// Where to write [default: standard output]
    #[arg(short, long, value_name = "OUT", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,

    /// Leave out host name, serial numbers, addresses and what else names this
    /// one machine; of a host of guests also the names of guests and tasks
    #[arg(long)]
    pub redact: bool,

    /// Judge the saved evidence anew with the rules of this version
    #[arg(long)]
    pub reattribute: bool,

    /// Longest Markdown, in characters: what matters least is left out first
    #[arg(long, value_name = "N", default_value_t = 60_000, value_parser = clap::value_parser!(u32).range(4_000..))]
    pub limit: u32,
}

/// Formats of a saved report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormatArg {
    /// A summary for people
    Text,
    /// The report
    Json,
    /// The gaps, or of a host the absences, a row each
    Csv,
    /// Text for the field of a ticket
    Markdown,
    /// A web page in one file
    Html,
    /// OpenMetrics text, for node_exporter's textfile collector
    Openmetrics,
    /// JUnit XML: the verdict and each finding a test case
    Junit,
    /// A trace for ui.perfetto.dev and trace_processor
    Perfetto,
    /// What lies below the kernel, in whole us and a column a CPU, as cyclictest
    /// prints it
    Histogram,
    /// The log of HdrHistogram, with a tag for each CPU and what took the time
    Hdrhistogram,
    /// The gaps, a line of JSON each
    Jsonl,
}

impl ReportFormatArg {
    /// The same among the formats of another command, by its name.
    ///
    /// # Errors
    /// Names those that there are.
    pub fn among<F: ValueEnum>(self) -> Result<F, String> {
        let name = |format: &F| {
            format
                .to_possible_value()
                .map(|value| value.get_name().to_owned())
        };
        let own = self.to_possible_value();
        let own = own.as_ref().map_or("", |value| value.get_name());
        F::from_str(own, false).map_err(|_| {
            let names: Vec<String> = F::value_variants().iter().filter_map(name).collect();
            format!(
                "--format {own} is not for this document; it can be shown as {}",
                names.join(", ")
            )
        })
    }
}

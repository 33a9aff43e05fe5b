//! Figures for monitoring: OpenMetrics text.
//!
//! All of them are gauges, so that node_exporter's textfile collector, which
//! reads Prometheus' older format, takes the same file.

mod explained;
mod fleet;
mod host;
mod run;

use std::fmt;
use std::io::{self, Write};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use crate::model::{HostIdentity, Outcome};
use crate::text::clean;

pub use explained::write as write_explained;
pub use fleet::write as write_fleet;
pub use host::write as write_host;
pub use run::write as write_run;

/// Gauges by name, in the order in which they were made, with labels that all
/// of their rows begin with.
#[derive(Debug, Default)]
struct Gauges {
    common: Vec<Label>,
    all: Vec<Gauge>,
}

#[derive(Debug)]
struct Gauge {
    name: &'static str,
    help: &'static str,
    rows: Vec<(Vec<Label>, f64)>,
}

type Label = (&'static str, String);

impl Gauges {
    /// Adds a gauge; one without rows is left out.
    fn add(
        &mut self,
        name: &'static str,
        help: &'static str,
        rows: impl IntoIterator<Item = (Vec<Label>, f64)>,
    ) {
        let rows: Vec<(Vec<Label>, f64)> = (rows.into_iter())
            .map(|(labels, value)| ([self.common.clone(), labels].concat(), value))
            .collect();
        if !rows.is_empty() {
            self.all.push(Gauge { name, help, rows });
        }
    }

    /// Adds a gauge without labels, if there is a value.
    fn one(&mut self, name: &'static str, help: &'static str, value: impl Into<Option<f64>>) {
        let value = value.into();
        self.add(name, help, value.map(|value| (Vec::new(), value)));
    }

    fn write(self, out: &mut dyn Write) -> io::Result<()> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut text = String::new();
        encode(&mut text, &registry).map_err(io::Error::other)?;
        out.write_all(text.as_bytes())
    }
}

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for gauge in &self.all {
            let mut family =
                encoder.encode_descriptor(gauge.name, gauge.help, None, MetricType::Gauge)?;
            for (labels, value) in &gauge.rows {
                match labels.is_empty() {
                    true => family.encode_gauge(value)?,
                    false => family.encode_family(labels)?.encode_gauge(value)?,
                }
            }
        }
        Ok(())
    }
}

/// A label of foreign text.
fn label(name: &'static str, value: Option<&str>) -> Label {
    (
        name,
        clean::without_controls(value.unwrap_or_default()).into_owned(),
    )
}

/// What tells machines apart.
fn of_machine(host: &HostIdentity) -> [Label; 6] {
    [
        label("vendor", host.system.vendor.as_deref()),
        label("model", host.system.product.as_deref()),
        label("bios", host.bios.version.as_deref()),
        label("microcode", host.cpu.microcode.as_deref()),
        label("kernel", host.kernel.release.as_deref()),
        label("hypervisor", host.hypervisor.as_deref()),
    ]
}

fn seconds_since_1970(utc: &str) -> Option<f64> {
    let time: jiff::Timestamp = utc.parse().ok()?;
    Some(time.as_millisecond() as f64 / 1e3)
}

/// One row an outcome: 1 for the one that holds.
fn states(outcome: Outcome, labels: &[Label]) -> Vec<(Vec<Label>, f64)> {
    [Outcome::Pass, Outcome::Fail, Outcome::Inconclusive]
        .map(|state| {
            let mut labels = labels.to_vec();
            labels.push(("result", state.name().to_owned()));
            (labels, f64::from(u8::from(state == outcome)))
        })
        .to_vec()
}

//! Whether this kernel has a tracer, and whether it is free.

use std::sync::Arc;

use crate::host::Host;
use crate::host::root::Root;
use crate::host::tracefs::Tracefs;
use crate::sampler::engines::tracer::error::TracerError;
use crate::sampler::engines::tracer::kind::Tracer;
use crate::sampler::engines::tracer::osnoise::Interrupts;

/// Where osnoise's options stand, from Linux 6.2 on.
pub(super) const OSNOISE_OPTIONS: &str = "osnoise/options";
/// The option that holds interrupts off.
pub(super) const IRQ_DISABLE: &str = "OSNOISE_IRQ_DISABLE";

/// A tracer that this kernel has.
#[derive(Clone, Debug)]
pub struct TracerAbility {
    pub(super) tracer: Tracer,
    pub(super) tracefs: Arc<Tracefs>,
    pub(super) interrupts: Interrupts,
}

impl TracerAbility {
    /// Whether interrupts wait while it samples.
    pub fn interrupts(&self) -> Interrupts {
        self.interrupts
    }
}

/// Looks for a tracer. Nothing is changed.
///
/// # Errors
/// What is missing, and what helps.
pub fn probe_tracer(
    tracer: Tracer,
    root: &Root,
    host: &Host,
) -> Result<TracerAbility, TracerError> {
    let tracefs = Tracefs::open(root).map_err(TracerError::NoTracefs)?;
    let release = (host.kernel.release.as_ref())
        .map_or_else(|_| String::from("of unknown release"), ToString::to_string);
    look(tracer, tracefs, release)
}

fn look(tracer: Tracer, tracefs: Tracefs, release: String) -> Result<TracerAbility, TracerError> {
    let files = tracefs.root();
    let available = (files.read_text("available_tracers")).map_err(|error| TracerError::Read {
        file: String::from("available_tracers"),
        cause: error.to_string(),
    })?;
    if !available
        .split_whitespace()
        .any(|name| name == tracer.name())
    {
        return Err(TracerError::NotBuiltIn { tracer, release });
    }
    let instances = files.list_dir("instances").unwrap_or_default();
    let places = instances
        .into_iter()
        .map(|name| format!("instances/{name}/current_tracer"))
        .chain([String::from("current_tracer")]);
    for place in places {
        let used = files.read_text(&place).unwrap_or_default();
        let used = used.trim();
        if tracer.rivals().contains(&used) {
            return Err(TracerError::Busy {
                used: used.to_owned(),
                place: format!("{}", files.path(&place).display()),
            });
        }
    }
    let options = files.read_text(OSNOISE_OPTIONS).unwrap_or_default();
    let masks = options
        .split_whitespace()
        .any(|word| word.strip_prefix("NO_").unwrap_or(word) == IRQ_DISABLE);
    let interrupts = match tracer {
        Tracer::Hwlat => Interrupts::Off,
        Tracer::Osnoise if masks => Interrupts::Off,
        Tracer::Osnoise => Interrupts::On,
    };
    Ok(TracerAbility {
        tracer,
        tracefs: Arc::new(tracefs),
        interrupts,
    })
}

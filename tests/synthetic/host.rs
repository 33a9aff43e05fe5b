//! The hosts of a synthetic fleet: what they are and what befell them.

use fastrand::Rng;

use super::chance::poisson;
use super::world::{KERNELS, MODELS};
use super::{Fault, Recipe};

/// The time measured.
pub(super) const HOURS: f64 = 1.0;
/// Median length of an SMI, in microseconds.
const MEDIAN_US: f64 = 6.0;
/// Spread of lengths, and of the rates of hosts of one model: standard
/// deviations of the logarithm.
const LENGTH_SPREAD: f64 = 0.35;
const RATE_SPREAD: f64 = 0.1;
/// The model whose BIOS is bad, and which of its versions.
const BAD_MODEL: usize = 2;
const BAD_BIOS: usize = 1;
/// The model with the series, its period, and the length of its stalls.
const SERIES_MODEL: usize = 4;
pub(super) const SERIES_S: f64 = 64.0;
const SERIES_US: f64 = 180.0;
/// One host in so many is hot.
const HOT_SHARE: f64 = 0.01;
/// One host in so many has no readable counter.
const BLIND_SHARE: f64 = 0.01;

/// One host.
#[derive(Clone, Debug)]
pub struct SyntheticHost {
    /// Its number, from 0.
    pub number: usize,
    /// The seed of its fleet.
    pub seed: u64,
    /// Index of its model.
    pub(super) model: usize,
    /// Index of its BIOS.
    pub(super) bios: usize,
    /// Index of its microcode.
    pub(super) microcode: usize,
    /// Index of its kernel.
    pub(super) kernel: usize,
    /// SMIs: start in seconds, length in microseconds; in order of time.
    pub smis: Vec<(f64, f64)>,
    /// Whether its SMI counter can be read.
    pub(super) counter: bool,
    /// Whether it has the series.
    pub(super) series: bool,
    /// What was planted.
    pub faults: Vec<Fault>,
}

impl SyntheticHost {
    /// Its name.
    pub fn name(&self) -> String {
        format!("synthetic{:06}", self.number)
    }
}

/// The hosts of a fleet, one by one.
pub fn hosts(recipe: &Recipe) -> impl Iterator<Item = SyntheticHost> + '_ {
    let mut random = Rng::with_seed(recipe.seed);
    (0..recipe.hosts).map(move |number| host(number, recipe, &mut random))
}

fn host(number: usize, recipe: &Recipe, random: &mut Rng) -> SyntheticHost {
    let model = random.usize(..MODELS.len());
    let mut host = SyntheticHost {
        number,
        seed: recipe.seed,
        model,
        bios: random.usize(..MODELS[model].bios.len()),
        microcode: random.usize(..MODELS[model].microcode.len()),
        kernel: random.usize(..KERNELS.len()),
        smis: Vec::new(),
        counter: random.f64() >= BLIND_SHARE,
        series: false,
        faults: Vec::new(),
    };
    // Drawn in any case, so that planting one fault leaves the rest as it is.
    let is_hot = random.f64() < HOT_SHARE;
    let mut rate = MODELS[model].smis_per_hour * (RATE_SPREAD * normal(random)).exp();
    if is_hot && recipe.faults.contains(&Fault::HotHosts) {
        rate *= 3.0;
        host.faults.push(Fault::HotHosts);
    }
    for _ in 0..poisson(random, rate * HOURS) {
        let at = random.f64() * 3_600.0 * HOURS;
        let length = MEDIAN_US * (LENGTH_SPREAD * normal(random)).exp();
        host.smis.push((at, length));
    }
    if (host.model, host.bios) == (BAD_MODEL, BAD_BIOS) && recipe.faults.contains(&Fault::BadBios) {
        host.faults.push(Fault::BadBios);
        for _ in 0..2 {
            let at = random.f64() * 3_600.0 * HOURS;
            host.smis.push((at, 180.0 + 200.0 * random.f64()));
        }
    }
    if host.model == SERIES_MODEL && recipe.faults.contains(&Fault::Series) {
        host.faults.push(Fault::Series);
        host.series = true;
        let first = random.f64() * SERIES_S;
        let beats = ((3_600.0 * HOURS - first) / SERIES_S) as u32;
        for beat in 0..=beats {
            let length = SERIES_US * (0.02 * normal(random)).exp();
            host.smis.push((first + f64::from(beat) * SERIES_S, length));
        }
    }
    host.smis.sort_by(|a, b| a.0.total_cmp(&b.0));
    host
}

/// A normal variable (G. E. P. Box and M. E. Muller, Ann. Math. Statist. 29,
/// 1958).
fn normal(random: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - random.f64()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.f64()).cos()
}

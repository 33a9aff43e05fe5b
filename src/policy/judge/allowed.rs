//! Firmware and microcode that the policy lists.

use crate::host::microcode::{self, Revision};
use crate::policy::pattern::Pattern;
use crate::policy::rule::Rule;
use crate::policy::schema::{AllowedBios, AllowedMicrocode};
use crate::read::brief::Brief;

use super::Reasons;

pub(super) fn bios(allowed: &[AllowedBios], run: &Brief, reasons: &mut Reasons) {
    if allowed.is_empty() {
        return;
    }
    let (system, version) = (&run.host.system, &run.host.bios.version);
    let Some(product) = &system.product else {
        return reasons.inconclusive(Rule::Bios, "the model of the machine is not known");
    };
    let of_vendor = |one: &&AllowedBios| match (&one.vendor, &system.vendor) {
        (None, _) => true,
        (Some(pattern), Some(vendor)) => pattern.fits(vendor),
        (Some(_), None) => false,
    };
    let lists = allowed.iter().filter(of_vendor);
    let lists = lists.filter(|one| one.product.fits(product));
    let versions: Vec<&Pattern> = lists.flat_map(|one| &one.versions).collect();
    let what = Listed {
        rule: Rule::Bios,
        kind: "BIOS version",
        of: product,
        fits: Pattern::fits,
    };
    what.judge(&versions, version.as_deref(), reasons);
}

pub(super) fn microcode(allowed: &[AllowedMicrocode], run: &Brief, reasons: &mut Reasons) {
    if allowed.is_empty() {
        return;
    }
    let cpu = &run.host.cpu;
    let Some(model) = &cpu.model_name else {
        return reasons.inconclusive(Rule::Microcode, "the model of the CPU is not known");
    };
    let lists = allowed.iter().filter(|one| one.cpu.fits(model));
    let revisions: Vec<&Pattern> = lists.flat_map(|one| &one.revisions).collect();
    let what = Listed {
        rule: Rule::Microcode,
        kind: "microcode revision",
        of: model,
        fits: is_revision,
    };
    let found = cpu.microcode.as_deref().map(microcode::normal);
    what.judge(&revisions, found.as_deref(), reasons);
}

/// Revisions are numbers, however they are written.
fn is_revision(pattern: &Pattern, found: &str) -> bool {
    match (Revision::parse(pattern.text()), Revision::parse(found)) {
        (Some(wanted), Some(found)) => wanted == found,
        _ => {
            let bare = Pattern::new(&microcode::bare(pattern.text()));
            pattern.fits(found) || bare.fits(&microcode::bare(found))
        }
    }
}

/// Something that must be on a list.
struct Listed<'a> {
    rule: Rule,
    kind: &'a str,
    of: &'a str,
    fits: fn(&Pattern, &str) -> bool,
}

impl Listed<'_> {
    fn judge(&self, allowed: &[&Pattern], found: Option<&str>, reasons: &mut Reasons) {
        let Listed {
            rule,
            kind,
            of,
            fits,
        } = *self;
        if allowed.is_empty() {
            return reasons.inconclusive(rule, format!("the policy lists no {kind} for {of}"));
        }
        let Some(found) = found else {
            return reasons.inconclusive(rule, format!("the {kind} is not known"));
        };
        if !allowed.iter().any(|pattern| fits(pattern, found)) {
            let names: Vec<String> = allowed.iter().map(ToString::to_string).collect();
            let text = format!("{kind} {found} of {of}; allowed is {}", names.join(" or "));
            reasons.fail(rule, text);
        }
    }
}

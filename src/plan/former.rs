//! What is said of former names: that a site which nobody of ours owns is adopted by one, and that one may go.
//!
//! Pure.

use std::collections::BTreeSet;

use super::{Note, Severity, Standing};
use crate::diff::{Change, Diff, outgrown};
use crate::model::{Desired, Name, Origin, Ownership, Snapshot};

/// The id of the note that says that a site is taken on by a former name.
const ADOPTED: &str = "adopted-by-former-name";

/// The id of the note that says that a declaration may forget its former names.
const OUTGROWN: &str = "outgrown-name";

/// Says what former names come to, beside the steps.
pub(super) fn notes(
    desired: &Desired,
    snapshot: &Snapshot,
    ownership: &Ownership,
    compared: &Diff,
) -> Vec<Note> {
    let foreign = compared
        .found
        .iter()
        .filter_map(|found| match &found.change {
            Change::RenameSite { site, before } => {
                let ours = ownership.sites.contains_key(&site.guid?);
                (!ours).then(|| adopted(&site.name, before, found.origin.as_ref()))
            }
            _ => None,
        });
    let remembered: BTreeSet<&Name> = ownership.sites.values().map(|owned| &owned.name).collect();
    let outgrown = outgrown(desired, snapshot, &remembered);
    let outgrown = outgrown.into_iter().map(|site| {
        let names: Vec<String> = site
            .formerly
            .iter()
            .map(|former| format!("`{}`", former.value))
            .collect();
        let places = site.formerly.iter().map(|former| former.origin.clone());
        note(
            Severity::Info,
            OUTGROWN,
            format!("nothing is called {} any more", names.join(" or ")),
            format!(
                "`formerly` of site `{}` has done its work and can go",
                site.name
            ),
            places.collect(),
        )
    });
    foreign.chain(outgrown).collect()
}

fn adopted(name: &Name, before: &Name, origin: Option<&Origin>) -> Note {
    note(
        Severity::Warning,
        ADOPTED,
        format!(
            "site `{before}` was neither created nor adopted by this state: it is adopted and renamed to `{name}`"
        ),
        format!("take `{before}` out of `formerly` where it is another site"),
        origin.cloned().into_iter().collect(),
    )
}

fn note(
    severity: Severity,
    id: &str,
    message: String,
    remedy: String,
    places: Vec<Origin>,
) -> Note {
    Note {
        severity,
        standing: Standing::Remains,
        id: id.to_owned(),
        message,
        remedy,
        sources: Vec::new(),
        places,
        allowed: None,
    }
}

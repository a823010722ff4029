//! What is said of former names: that a site which nobody of ours owns is adopted by one, that one may go, and that one
//! is missing.
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

/// The id of the note that says that a site is made anew which is there under another name.
const RENAMED: &str = "renamed-elsewhere";

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
    foreign
        .chain(outgrown)
        .chain(elsewhere(desired, snapshot, ownership, compared))
        .collect()
}

/// Says that a site which is made anew is there under another name: somebody has renamed it, and nothing declared says so.
fn elsewhere(
    desired: &Desired,
    snapshot: &Snapshot,
    ownership: &Ownership,
    compared: &Diff,
) -> Vec<Note> {
    let sites: Vec<_> = snapshot.sites.known().into_iter().flatten().collect();
    let created = compared
        .found
        .iter()
        .filter_map(|found| match &found.change {
            Change::CreateSite {
                name,
                description: _, // as declared
                protected: _,   // ours alone
            } => Some((name, found.origin.as_ref())),
            _ => None,
        });
    created
        .flat_map(|(name, origin)| {
            let ours = ownership.sites.iter();
            let ours = ours.filter(move |(_, owned)| owned.name == *name);
            ours.map(move |(guid, _)| (name, origin, *guid))
        })
        .filter_map(|(name, origin, guid)| {
            let now = &sites.iter().find(|site| site.guid == guid)?.name;
            (!desired.sites.contains_key(now)).then(|| {
                note(
                    Severity::Warning,
                    RENAMED,
                    format!("somebody has renamed site `{name}` to `{now}`: this plan lets it go and makes another one"),
                    format!("let `{name}` say `formerly: [{now}]` to give it its name back, or declare it as `{now}`"),
                    origin.cloned().into_iter().collect(),
                )
            })
        })
        .collect()
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

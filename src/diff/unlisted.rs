//! What is ours and in no list: gone, or there and not shown to us.
//!
//! Pure. The refresh asked for each of them by its GUID. What is gone is released; what is there, or cannot be told, is
//! neither created anew nor forgotten: it blocks, in one entry a kind, since it may be thousands.

use std::collections::BTreeMap;

use super::Diff;
use super::resolve::unlisted;
use crate::model::{CountedKind, Guid, Observed, Owned, Ownership, Snapshot};

/// How many are named.
const NAMED: usize = 3;

pub(super) fn block(snapshot: &Snapshot, ownership: &Ownership, diff: &mut Diff) {
    // What cannot be read at all is said elsewhere.
    if snapshot.sites.known().is_some() {
        block_kind(CountedKind::Sites, snapshot, &ownership.sites, diff);
    }
    if snapshot.subnets.known().is_some() {
        block_kind(CountedKind::Subnets, snapshot, &ownership.subnets, diff);
    }
}

fn block_kind(
    kind: CountedKind,
    snapshot: &Snapshot,
    owned: &BTreeMap<Guid, Owned>,
    diff: &mut Diff,
) {
    let mut hidden: Vec<&Owned> = Vec::new();
    let mut untold: BTreeMap<&str, Vec<&Owned>> = BTreeMap::new();
    for (guid, owned) in unlisted(snapshot, owned) {
        match snapshot.unlisted.get(&guid) {
            Some(Observed::Unavailable(reason)) => untold.entry(reason).or_default().push(owned),
            Some(Observed::Known(_)) | None => hidden.push(owned),
        }
    }
    if !hidden.is_empty() {
        diff.block(
            "SW0515",
            kind.as_str(),
            format!(
                "the SMP has {} of ours and does not list {}: {}",
                hidden.len(),
                if hidden.len() == 1 { "it" } else { "them" },
                named(&hidden)
            ),
            format!(
                "the account is not shown all: give it {}, by its security role and by the organisational views and groups that it is scoped to",
                kind.right()
            ),
            None,
        );
    }
    for (reason, owned) in untold {
        diff.block(
            "SW0515",
            kind.as_str(),
            format!(
                "{} of ours {} not listed, and whether {} gone could not be told: {}: {reason}",
                owned.len(),
                if owned.len() == 1 { "is" } else { "are" },
                if owned.len() == 1 {
                    "it is"
                } else {
                    "they are"
                },
                named(&owned)
            ),
            "unseen is not absent: nothing is created or forgotten until that can be told",
            None,
        );
    }
}

fn named(owned: &[&Owned]) -> String {
    let mut names: Vec<String> = owned
        .iter()
        .map(|owned| format!("`{}`", owned.name))
        .collect();
    names.sort();
    if names.len() > NAMED {
        let more = names.len() - NAMED;
        names.truncate(NAMED);
        names.push(format!("{more} more"));
    }
    names.join(", ")
}

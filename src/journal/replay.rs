//! Facts folded into what is remembered: [`Ownership`] × entries → [`Ownership`].
//!
//! Pure. What is remembered goes with the number of the last entry that it holds; entries up to that one are passed
//! over, so that folding the same ones in once more changes nothing, and folding them in from an older state ends where the
//! run itself ended.

use std::collections::{BTreeMap, BTreeSet};

use super::{Entry, Fact};
use crate::model::{
    Count, CountedKind, Guid, Held, Ignorable, Intended, Name, Owned, Ownership, Record, Rounds,
};

/// Folds entries, in their order, into an ownership that holds those up to the number `holds`.
///
/// # Guarantees
/// Idempotent, whatever the entries say: `replay(replay(x, 0, e), n, e) == replay(x, 0, e)`, with `n` the number of the last
/// of them. Facts that say nothing about ownership are passed over.
///
/// # Assumptions
/// No entry after `holds` is missing before the last one.
#[must_use]
pub fn replay(
    mut ownership: Ownership,
    holds: u64,
    entries: impl Iterator<Item = Entry>,
) -> Ownership {
    for entry in entries.filter(|entry| entry.sequence > holds) {
        fold(&mut ownership, entry.fact);
    }
    ownership
}

fn fold(ownership: &mut Ownership, fact: Fact) {
    match fact {
        Fact::CreationIntended(intended) => {
            ownership.intended.insert(intended);
        }
        Fact::CreationDropped(intended) => {
            ownership.intended.remove(&intended);
        }
        Fact::SiteCreated {
            guid,
            name,
            protected,
        } => {
            intended(ownership, CountedKind::Sites, &name);
            let owned = Owned {
                name,
                how: Held::Created,
                protected,
            };
            ownership.sites.insert(guid, owned);
            ownership.unfinished.insert(guid, Ignorable::ALL.into());
        }
        Fact::SubnetCreated { guid, name } => {
            intended(ownership, CountedKind::Subnets, &name);
            let owned = Owned {
                name,
                how: Held::Created,
                protected: false,
            };
            ownership.subnets.insert(guid, owned);
        }
        // A resource GUID is one of a site or of a subnet, never of both.
        Fact::Deleted { guid, of } => deleted(ownership, guid, of),
        Fact::SiteRenamed { guid, name } => {
            if let Some(owned) = ownership.sites.get_mut(&guid) {
                owned.name = name;
            }
        }
        Fact::Counted { counts } => {
            let counts = counts.into_iter();
            ownership
                .counted
                .extend(counts.map(|(kind, seen)| (kind, Count::of(seen))));
        }
        Fact::Recorded { record } => fold_record(ownership, record),
        Fact::AssignmentWritten { package } => {
            ownership.undistributed.insert(package.guid, package.name);
        }
        Fact::DistributionUpdated { package } => {
            ownership.undistributed.remove(&package);
        }
        Fact::HoldersAwaited { packages } => {
            let packages = packages.into_iter();
            let awaited = packages.map(|package| (package.guid, package.name));
            ownership.awaited.extend(awaited);
        }
        Fact::HoldersThere { package } => {
            ownership.awaited.remove(&package);
        }
        Fact::CreationFinished { sites } => finished(ownership, &sites),
        Fact::UnassignedSeen { appeared, gone } => {
            let remembered = ownership.unassigned.get_or_insert_default();
            remembered.retain(|subnet| !gone.contains(subnet));
            remembered.extend(appeared);
        }
        Fact::Attested { step, attestation } => {
            ownership.attestations.insert(step.0, attestation);
        }
        Fact::DriftNoted { rounds } => noted(ownership, rounds),
        Fact::DriftAcknowledged {
            key,
            acknowledgement,
        } => {
            ownership.acknowledged.insert(key, acknowledgement);
        }
        Fact::DriftUnacknowledged { key, by: _ } => {
            ownership.acknowledged.remove(&key);
        }
        Fact::StateReplaced { ownership: now, .. } => *ownership = *now,
        Fact::Forgotten { what, .. } => {
            for one in &what {
                ownership.forget(one);
            }
        }
        Fact::Relocated { change, .. } => ownership.relocate(change),
        // What a step meant to do is not what it did: only the facts in between count.
        // Scratch objects are nobody's: they are gone before anything could be owned.
        Fact::RunStarted { .. }
        | Fact::LeaseTakenOver { .. }
        | Fact::LockBroken { .. }
        | Fact::StateMoved { .. }
        | Fact::ScratchIntended { .. }
        | Fact::ScratchCreated { .. }
        | Fact::ScratchAssigned { .. }
        | Fact::ScratchGone { .. }
        | Fact::StepStarted { .. }
        | Fact::StepEnded { .. }
        | Fact::RunEnded { .. }
        | Fact::ItemKept { .. }
        | Fact::ItemRestored { .. } => {}
    }
}

fn deleted(ownership: &mut Ownership, guid: Guid, of: Option<CountedKind>) {
    ownership.sites.remove(&guid);
    ownership.subnets.remove(&guid);
    ownership.unfinished.remove(&guid);
    if let Some(count) = of.and_then(|of| ownership.counted.get_mut(&of)) {
        count.deleted.insert(guid);
    }
}

fn finished(ownership: &mut Ownership, sites: &BTreeMap<Name, BTreeSet<Ignorable>>) {
    let owned = &ownership.sites;
    ownership.unfinished.retain(|guid, left| {
        let finished = owned.get(guid).and_then(|owned| sites.get(&owned.name));
        left.retain(|field| !finished.is_some_and(|fields| fields.contains(field)));
        owned.contains_key(guid) && !left.is_empty()
    });
}

fn noted(ownership: &mut Ownership, rounds: BTreeMap<String, Option<Rounds>>) {
    for (key, rounds) in rounds {
        match rounds {
            Some(rounds) => ownership.rounds.insert(key, rounds),
            None => ownership.rounds.remove(&key),
        };
    }
}

fn fold_record(ownership: &mut Ownership, record: Record) {
    match record {
        Record::AdoptSite { site, protected } => {
            let ours = intended(ownership, CountedKind::Sites, &site.name);
            let how = kept(ownership.sites.get(&site.guid), ours);
            if ours {
                ownership
                    .unfinished
                    .insert(site.guid, Ignorable::ALL.into());
            }
            let owned = Owned {
                name: site.name,
                how,
                protected,
            };
            ownership.sites.insert(site.guid, owned);
        }
        Record::AdoptSubnet { subnet, guid } => {
            let name = Name::new(&subnet.to_string());
            let ours = intended(ownership, CountedKind::Subnets, &name);
            let how = kept(ownership.subnets.get(&guid), ours);
            let owned = Owned {
                name,
                how,
                protected: false,
            };
            ownership.subnets.insert(guid, owned);
        }
        Record::ReleaseSite { site, how: _ } => {
            ownership.sites.remove(&site.guid);
            ownership.unfinished.remove(&site.guid);
        }
        Record::ReleaseSubnet {
            name: _,
            guid,
            how: _,
        } => {
            ownership.subnets.remove(&guid);
        }
        // What is not ours cannot be protected by us: it would never be deleted anyway.
        Record::Protect { site, on } => {
            if let Some(owned) = ownership.sites.get_mut(&site.guid) {
                owned.protected = on;
            }
        }
        Record::AcceptFewer {
            of,
            before: _, // for people
            after,
            why: _, // for people
        } => {
            ownership.counted.insert(of, Count::of(after));
        }
        // Said of one plan, and kept here for whoever asks later; the next plan is judged anew.
        Record::Override { .. } | Record::Thaw { .. } => {}
    }
}

/// How something that is found is ours: what an earlier run created is found again by the one that goes on. So is what it
/// was about to create when it was cut off (`ours`).
///
/// The SMP does not say who created an object, and need not take a GUID that is supplied (A06). So where a run was cut
/// off after it wrote down that it was about to create something, and before its request arrived, and somebody created
/// an object of that very name by hand before the next run, that object counts as ours. It is declared at that time, or
/// it would not be looked at; it is deleted only once it no longer is, in a plan that says so. Everything else keeps the
/// window small: an intention is written only where a look has just found nothing, it ends with the answer, be it a
/// refusal, and the next run that comes to its end forgets it.
fn kept(before: Option<&Owned>, ours: bool) -> Held {
    match before {
        Some(owned) => owned.how,
        None if ours => Held::Created,
        None => Held::Adopted,
    }
}

/// Whether an object was about to be created; from now on it is there.
fn intended(ownership: &mut Ownership, of: CountedKind, name: &Name) -> bool {
    ownership.intended.remove(&Intended {
        of,
        name: name.clone(),
    })
}

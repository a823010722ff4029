//! Sites: which to create, describe, constrain, adopt, release or delete.
//!
//! Pure. Subnets and servers of sites are compared by their own modules.

use std::collections::{BTreeMap, BTreeSet};

use super::resolve::{Resolved, Resolver, listed, unlisted};
use super::{Change, Diff, Subject, ignores};
use crate::model::{
    Desired, DesiredSite, Guid, Held, Ignorable, Name, Object, Observed, ObservedSite, Ownership,
    ResourceRef, SiteRef, Snapshot, Subnet, same_text,
};

pub(super) fn compare(
    desired: &Desired,
    snapshot: &Snapshot,
    ownership: &Ownership,
    resolver: &Resolver<'_>,
    diff: &mut Diff,
) {
    if let Observed::Unavailable(reason) = &snapshot.sites {
        if !desired.sites.is_empty() || !ownership.sites.is_empty() {
            diff.block(
                "SW0501",
                "sites",
                format!("the sites could not be read: {reason}"),
                "unseen is not absent: nothing is created or deleted until they can be read",
                None,
            );
        }
        return;
    }
    for site in desired.sites.values() {
        match resolver.site(&site.name) {
            Resolved::None => diff.push(
                Change::CreateSite {
                    name: site.name.clone(),
                    description: site.description.as_ref().map(|d| d.value.clone()),
                    protected: protected(site)
                        .unwrap_or_else(|| outlived(site, snapshot, ownership)),
                },
                Some(&site.origin),
            ),
            Resolved::One(observed) => existing(site, observed, snapshot, ownership, diff),
            Resolved::Several(guids) if ambiguous(site, snapshot, diff) => drop(guids),
            Resolved::Several(guids) => diff.block(
                "SW0502",
                whole(site),
                format!("the SMP has several sites of that name: {}", listed(&guids)),
                "rename all but one of them in the console",
                Some(&site.origin),
            ),
            Resolved::Unlisted => {} // said by `unlisted`
        }
        constrain(site, snapshot, ownership, resolver, diff);
    }
    undeclared(desired, snapshot, ownership, resolver, diff);
}

fn protected(site: &DesiredSite) -> Option<bool> {
    site.lifecycle.prevent_destroy.as_ref().map(|p| p.value)
}

/// A site with the subnets that it declares: as long as it is not known which site it is, nothing can be told of them.
fn whole(site: &DesiredSite) -> Subject {
    let subnets = site.subnets.iter().flat_map(BTreeMap::keys);
    Subject::site(&site.name).and(subnets.copied().map(Object::Subnet))
}

/// Blocks a declaration that several sites might be since it names what they were called; says whether it did.
fn ambiguous(site: &DesiredSite, snapshot: &Snapshot, diff: &mut Diff) -> bool {
    let sites = snapshot.sites.known().into_iter().flatten();
    let candidates: Vec<&ObservedSite> = sites.filter(|one| one.name == site.name).collect();
    let Some(former) = candidates.iter().filter_map(|one| one.shown.as_ref()).min() else {
        return false;
    };
    let shown = candidates
        .iter()
        .map(|one| {
            format!(
                "`{}` ({})",
                one.shown.as_ref().unwrap_or(&one.name),
                one.guid
            )
        })
        .collect::<BTreeSet<_>>();
    let shown: Vec<String> = shown.into_iter().collect();
    diff.block(
        "SW0516",
        whole(site),
        format!(
            "expected one site of that name or of a former one, found {}",
            shown.join(" and ")
        ),
        format!(
            "take `{former}` out of `formerly` where it is another site, or delete the one that is too many in the \
             console"
        ),
        site.formerly
            .iter()
            .find(|one| one.value == *former)
            .map(|one| &one.origin),
    );
    true
}

/// Whether a site of that name, or of a former one, was protected and is gone: whoever brings it back need not say so
/// again.
fn outlived(site: &DesiredSite, snapshot: &Snapshot, ownership: &Ownership) -> bool {
    let named = |name: &Name| {
        *name == site.name || site.formerly.iter().any(|former| former.value == *name)
    };
    let listed: BTreeSet<Guid> = snapshot
        .sites
        .known()
        .into_iter()
        .flatten()
        .map(|site| site.guid)
        .collect();
    let mut owned = ownership.sites.iter();
    owned.any(|(guid, owned)| owned.protected && named(&owned.name) && !listed.contains(guid))
}

fn existing(
    site: &DesiredSite,
    observed: &ObservedSite,
    snapshot: &Snapshot,
    ownership: &Ownership,
    diff: &mut Diff,
) {
    let ObservedSite {
        guid,
        name,
        shown,
        description,
        servers: _,     // compared by `servers`
        constrained: _, // compared below, also for sites that do not exist yet
    } = observed;
    let resource = || ResourceRef {
        name: name.clone(),
        guid: *guid,
    };
    if let Some(before) = shown {
        let former = site.formerly.iter().find(|one| one.value == *before);
        diff.push(
            Change::RenameSite {
                site: SiteRef {
                    name: name.clone(),
                    guid: Some(*guid),
                },
                before: before.clone(),
            },
            former.map(|former| &former.origin),
        );
    }
    match ownership.sites.get(guid) {
        None => diff.push(
            Change::AdoptSite {
                site: resource(),
                protected: protected(site).unwrap_or_else(|| outlived(site, snapshot, ownership)),
            },
            Some(&site.origin),
        ),
        Some(owned) => {
            if let Some(on) = protected(site)
                && on != owned.protected
            {
                diff.push(
                    Change::Protect {
                        site: resource(),
                        on,
                    },
                    Some(&site.origin),
                );
            }
        }
    }
    let Some(declared) = &site.description else {
        return;
    };
    if ignores(site, *guid, Ignorable::Description, ownership) {
        return;
    }
    match description {
        Observed::Known(before) if same_text(before, &declared.value) => {}
        Observed::Known(before) => diff.push(
            Change::DescribeSite {
                site: SiteRef {
                    name: name.clone(),
                    guid: Some(*guid),
                },
                before: before.clone(),
                after: declared.value.clone(),
            },
            Some(&declared.origin),
        ),
        Observed::Unavailable(reason) => diff.block(
            "SW0503",
            Subject::site(name).called(format!("description of site `{name}`")),
            format!("it could not be read: {reason}"),
            "leave `description` out, or complete the server profile",
            Some(&declared.origin),
        ),
    }
}

fn constrain(
    site: &DesiredSite,
    snapshot: &Snapshot,
    ownership: &Ownership,
    resolver: &Resolver<'_>,
    diff: &mut Diff,
) {
    // Where the SMP lacks the setting there is nothing to do: `not-constrained` says so.
    let Some(declared) = site
        .constrain
        .as_ref()
        .filter(|_| snapshot.surroundings.can_constrain)
    else {
        return;
    };
    let readable = snapshot.surroundings.reads_constrain;
    let (reference, before) = match resolver.site(&site.name) {
        Resolved::One(observed) => (
            resolver.site_ref(observed.guid),
            observed.constrained.known().copied(),
        ),
        Resolved::None => (
            SiteRef {
                name: site.name.clone(),
                guid: None,
            },
            // It is off on a site that is new; whether somebody switched it on is another matter.
            (readable || !declared.value).then_some(false),
        ),
        Resolved::Several(_) | Resolved::Unlisted => return,
    };
    let ignored = reference
        .guid
        .is_some_and(|guid| ignores(site, guid, Ignorable::ConstrainToSite, ownership));
    if before != Some(declared.value) && !ignored {
        diff.push(
            Change::Constrain {
                site: reference,
                before,
                after: declared.value,
            },
            Some(&declared.origin),
        );
    }
}

/// What we own and nobody declares any more.
fn undeclared(
    desired: &Desired,
    snapshot: &Snapshot,
    ownership: &Ownership,
    resolver: &Resolver<'_>,
    diff: &mut Diff,
) {
    let observed: BTreeMap<Guid, &ObservedSite> = snapshot
        .sites
        .known()
        .into_iter()
        .flatten()
        .map(|site| (site.guid, site))
        .collect();
    let foreign = foreign_subnets(desired, snapshot, ownership, resolver);
    let hidden: BTreeSet<Guid> = unlisted(snapshot, &ownership.sites)
        .map(|(guid, _)| guid)
        .collect();
    for (guid, owned) in &ownership.sites {
        let Some(site) = observed.get(guid) else {
            if hidden.contains(guid) {
                continue; // said by `unlisted`
            }
            diff.push(
                Change::ReleaseSite {
                    site: ResourceRef {
                        name: owned.name.clone(),
                        guid: *guid,
                    },
                    how: owned.how,
                    gone: true,
                },
                None,
            );
            continue;
        };
        if desired.sites.contains_key(&site.name) {
            continue;
        }
        let resource = ResourceRef {
            name: site.name.clone(),
            guid: *guid,
        };
        match (owned.how, owned.protected) {
            // It would not be deleted, but forgotten, and its protection with it.
            (Held::Adopted, true) => {
                diff.kept.insert(*guid, site.name.clone());
            }
            (Held::Adopted, false) => diff.push(
                Change::ReleaseSite {
                    site: resource,
                    how: Held::Adopted,
                    gone: false,
                },
                None,
            ),
            (Held::Created, true) => {
                diff.kept.insert(*guid, site.name.clone());
                diff.block(
                    "SW0504",
                    Subject::site(&site.name),
                    "it is no longer declared, but `preventDestroy` protects it".to_owned(),
                    "declare it with `preventDestroy: false`, apply, then take the declaration out",
                    None,
                );
            }
            (Held::Created, false) => match (&snapshot.subnets, foreign.get(guid)) {
                (Observed::Unavailable(reason), _) => diff.block(
                    "SW0501",
                    Subject::site(&site.name),
                    format!(
                        "it is no longer declared, but its subnets could not be read: {reason}"
                    ),
                    "unseen is not absent: nothing is created or deleted until they can be read",
                    None,
                ),
                (Observed::Known(_), Some(foreign)) => diff.block(
                    "SW0505",
                    Subject::site(&site.name),
                    format!(
                        "it is no longer declared, but holds subnets that are not ours to move: {}",
                        foreign.iter().cloned().collect::<Vec<_>>().join(", ")
                    ),
                    "declare them in another site, or move them in the console",
                    None,
                ),
                (Observed::Known(_), None) => diff.push(
                    Change::DeleteSite {
                        site: SiteRef {
                            name: site.name.clone(),
                            guid: Some(*guid),
                        },
                    },
                    None,
                ),
            },
        }
    }
}

/// The subnets that stand in the way of deleting a site, by site: those that would still be in it, since they are
/// neither ours to take out nor declared for a site that takes them.
fn foreign_subnets(
    desired: &Desired,
    snapshot: &Snapshot,
    ownership: &Ownership,
    resolver: &Resolver<'_>,
) -> BTreeMap<Guid, BTreeSet<String>> {
    let mut declared: BTreeSet<Subnet> = BTreeSet::new();
    let mut taken: BTreeSet<Subnet> = BTreeSet::new();
    for site in desired.sites.values() {
        let subnets = site.subnets.iter().flat_map(BTreeMap::keys);
        declared.extend(subnets.clone());
        let listens = match resolver.site(&site.name) {
            Resolved::None => true,
            Resolved::One(observed) => !ignores(site, observed.guid, Ignorable::Subnets, ownership),
            Resolved::Several(_) | Resolved::Unlisted => false,
        };
        if listens {
            taken.extend(subnets);
        }
    }
    let mut foreign: BTreeMap<Guid, BTreeSet<String>> = BTreeMap::new();
    for subnet in snapshot.subnets.known().into_iter().flatten() {
        let (moves, name) = match &subnet.subnet {
            Ok(network) => (
                taken.contains(network)
                    || (!declared.contains(network)
                        && ownership.subnets.contains_key(&subnet.guid)),
                network.to_string(),
            ),
            Err(text) => (false, text.to_string()),
        };
        if !moves {
            for site in &subnet.sites {
                foreign
                    .entry(*site)
                    .or_default()
                    .insert(format!("`{name}`"));
            }
        }
    }
    foreign
}

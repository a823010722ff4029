//! Subnets: into which site each one goes, and whether that takes addresses from a site nobody declares.
//!
//! Pure. Linear in the number of subnets but for sorting.

use std::collections::{BTreeMap, BTreeSet};

use super::resolve::{Resolved, Resolver, listed, unlisted};
use super::{Change, Diff, Subject, Takeover, ignores};
use crate::model::{
    Desired, DesiredSite, Guid, Held, Ignorable, Name, Observed, ObservedSubnet, Origin, Ownership,
    SiteRef, Snapshot, Subnet,
};
use crate::select::enclosing;

pub(super) struct Inputs<'a> {
    pub(super) desired: &'a Desired,
    pub(super) snapshot: &'a Snapshot,
    pub(super) ownership: &'a Ownership,
    pub(super) resolver: &'a Resolver<'a>,
    pub(super) takeover: bool,
}

pub(super) fn compare(inputs: &Inputs<'_>, diff: &mut Diff) {
    let declares = inputs.desired.sites.values().any(|s| s.subnets.is_some());
    if let Observed::Unavailable(reason) = &inputs.snapshot.subnets {
        if declares || !inputs.ownership.subnets.is_empty() {
            diff.block(
                "SW0501",
                "subnets",
                format!("the subnets could not be read: {reason}"),
                "unseen is not absent: nothing is created or deleted until they can be read",
                None,
            );
        }
        return;
    }
    if inputs.snapshot.sites.known().is_none() {
        return; // said once, by `sites`
    }
    let going: BTreeSet<Guid> = diff
        .found
        .iter()
        .filter_map(|found| match &found.change {
            Change::DeleteSite { site } => site.guid,
            _ => None,
        })
        .collect();
    let mut gains = declared(inputs, diff);
    takeovers(inputs, &going, &mut gains, diff);
    for gain in gains {
        if let Some(guid) = gain.guid.filter(|_| gain.adopt) {
            diff.push(
                Change::AdoptSubnet {
                    subnet: gain.subnet,
                    guid,
                },
                Some(gain.origin),
            );
        }
        diff.push(
            Change::SubnetTo {
                subnet: gain.subnet,
                guid: gain.guid,
                before: gain.before,
                site: gain.site,
            },
            Some(gain.origin),
        );
    }
    leaving(inputs, &going, diff);
}

struct Gain<'a> {
    subnet: Subnet,
    guid: Option<Guid>,
    before: Vec<SiteRef>,
    site: SiteRef,
    /// Whether it becomes ours by this.
    adopt: bool,
    origin: &'a Origin,
}

/// Every declared subnet that is not in exactly the site that declares it.
fn declared<'a>(inputs: &Inputs<'a>, diff: &mut Diff) -> Vec<Gain<'a>> {
    let mut gains = Vec::new();
    for site in inputs.desired.sites.values() {
        let Some(subnets) = &site.subnets else {
            continue;
        };
        let reference = match inputs.resolver.site(&site.name) {
            Resolved::One(observed) => inputs.resolver.site_ref(observed.guid),
            Resolved::None => SiteRef {
                name: site.name.clone(),
                guid: None,
            },
            Resolved::Several(_) | Resolved::Unlisted => continue,
        };
        let is_there = reference.guid;
        if is_there.is_some_and(|guid| ignores(site, guid, Ignorable::Subnets, inputs.ownership)) {
            continue;
        }
        for (subnet, origin) in subnets {
            match inputs.resolver.subnet(*subnet) {
                Resolved::None => gains.push(Gain {
                    subnet: *subnet,
                    guid: None,
                    before: Vec::new(),
                    site: reference.clone(),
                    adopt: false,
                    origin,
                }),
                Resolved::One(observed) => {
                    let adopt = !inputs.ownership.subnets.contains_key(&observed.guid);
                    if reference.guid.is_none_or(|guid| observed.sites != [guid]) {
                        gains.push(Gain {
                            subnet: *subnet,
                            guid: Some(observed.guid),
                            before: sites_of(inputs.resolver, observed),
                            site: reference.clone(),
                            adopt,
                            origin,
                        });
                    } else if adopt {
                        diff.push(
                            Change::AdoptSubnet {
                                subnet: *subnet,
                                guid: observed.guid,
                            },
                            Some(origin),
                        );
                    }
                }
                Resolved::Several(guids) => diff.block(
                    "SW0502",
                    Subject::subnet(*subnet, &site.name),
                    format!("the SMP has several resources for it: {}", listed(&guids)),
                    "delete all but one of them in the console",
                    Some(origin),
                ),
                Resolved::Unlisted => {} // said by `unlisted`
            }
        }
    }
    gains
}

fn sites_of(resolver: &Resolver<'_>, observed: &ObservedSubnet) -> Vec<SiteRef> {
    let mut sites: Vec<SiteRef> = observed
        .sites
        .iter()
        .map(|site| resolver.site_ref(*site))
        .collect();
    sites.sort();
    sites
}

/// Finds the gains that take addresses from a site which is not declared; they are noted, and taken out where that is
/// not allowed.
fn takeovers(
    inputs: &Inputs<'_>,
    going: &BTreeSet<Guid>,
    gains: &mut Vec<Gain<'_>>,
    diff: &mut Diff,
) {
    if gains.is_empty() {
        return;
    }
    let mut assigned: BTreeMap<Subnet, BTreeSet<Guid>> = BTreeMap::new();
    for observed in inputs.snapshot.subnets.known().into_iter().flatten() {
        if let Ok(subnet) = observed.subnet
            && !observed.sites.is_empty()
        {
            assigned.entry(subnet).or_default().extend(&observed.sites);
        }
    }
    // The gains are swept together with the assigned prefixes, so that each one's nearest assigned encloser is found.
    let gained: BTreeSet<Subnet> = gains.iter().map(|gain| gain.subnet).collect();
    let all: Vec<Subnet> = assigned
        .keys()
        .copied()
        .chain(gained.iter().copied())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let parents = enclosing(&all);
    let losers = |subnet: Subnet| -> BTreeSet<Guid> {
        let mut at = all.binary_search(&subnet).ok();
        while let Some(index) = at {
            if let Some(sites) = all.get(index).and_then(|subnet| assigned.get(subnet)) {
                return sites.clone();
            }
            at = parents.get(index).copied().flatten();
        }
        BTreeSet::new()
    };
    let ours = |guid: Guid| {
        going.contains(&guid)
            || inputs
                .desired
                .sites
                .contains_key(&inputs.resolver.site_ref(guid).name)
    };
    gains.retain(|gain| {
        let mut from: Vec<Name> = losers(gain.subnet)
            .into_iter()
            .filter(|site| !ours(*site))
            .map(|site| inputs.resolver.site_ref(site).name)
            .collect();
        if from.is_empty() {
            return true;
        }
        from.sort();
        let takeover = Takeover {
            from,
            origin: gain.origin.clone(),
        };
        if inputs.takeover {
            diff.taken.insert(gain.subnet, takeover);
            return true;
        }
        diff.refused.insert(gain.subnet, takeover);
        false
    });
}

/// Whether a declared site is protected once the plan is applied: as it is declared, else as it is remembered.
fn will_be_protected(site: &DesiredSite, guid: Guid, ownership: &Ownership) -> bool {
    let declared = site.lifecycle.prevent_destroy.as_ref();
    declared.map_or_else(
        || {
            let owned = ownership.sites.get(&guid);
            owned.is_some_and(|owned| owned.protected)
        },
        |declared| declared.value,
    )
}

/// Subnets that leave a site, and what of ours is gone or no longer declared.
#[expect(
    clippy::too_many_lines,
    reason = "one case after the other, read from top to bottom"
)]
fn leaving(inputs: &Inputs<'_>, going: &BTreeSet<Guid>, diff: &mut Diff) {
    let declared: BTreeSet<Subnet> = inputs
        .desired
        .sites
        .values()
        .filter_map(|site| site.subnets.as_ref())
        .flat_map(|subnets| subnets.keys().copied())
        .collect();
    // Sites whose list of subnets is exact, and of those the ones that nothing may be deleted from.
    let mut exact: BTreeMap<Guid, &Origin> = BTreeMap::new();
    let mut protected: BTreeMap<Guid, &Name> = BTreeMap::new();
    for site in inputs.desired.sites.values() {
        if site.subnets.is_some()
            && let Resolved::One(observed) = inputs.resolver.site(&site.name)
            && !ignores(site, observed.guid, Ignorable::Subnets, inputs.ownership)
        {
            exact.insert(observed.guid, &site.origin);
            if will_be_protected(site, observed.guid, inputs.ownership) {
                protected.insert(observed.guid, &site.name);
            }
        }
    }
    let mut present = BTreeSet::new();
    let mut all: Vec<&ObservedSubnet> = inputs
        .snapshot
        .subnets
        .known()
        .into_iter()
        .flatten()
        .collect();
    all.sort_by_key(|observed| observed.guid);
    for observed in all {
        present.insert(observed.guid);
        let owned = inputs.ownership.subnets.get(&observed.guid);
        let Ok(subnet) = observed.subnet else {
            continue;
        };
        if declared.contains(&subnet) {
            continue;
        }
        let leaves: Option<Option<&Origin>> = observed.sites.iter().find_map(|site| {
            exact
                .get(site)
                .map(|origin| Some(*origin))
                .or_else(|| going.contains(site).then_some(None))
        });
        let within_ours = observed
            .sites
            .iter()
            .all(|site| exact.contains_key(site) || going.contains(site));
        let delete = owned.is_some_and(|owned| owned.how == Held::Created) && within_ours;
        let guard = observed.sites.iter().find_map(|site| protected.get(site));
        if let Some(site) = guard.filter(|_| delete) {
            diff.block(
                "SW0531",
                Subject::subnet(subnet, site),
                format!(
                    "it is no longer declared and would be deleted, but `preventDestroy` protects the site `{site}` that it is in"
                ),
                "declare it again, in this or another site, or declare the site with `preventDestroy: false`",
                leaves.flatten(),
            );
            continue;
        }
        if leaves.is_some() || delete {
            // Sites that are not ours keep what they have, also where a subnet may be in several.
            let before: Vec<SiteRef> = sites_of(inputs.resolver, observed)
                .into_iter()
                .filter(|site| {
                    site.guid
                        .is_some_and(|guid| exact.contains_key(&guid) || going.contains(&guid))
                })
                .collect();
            diff.push(
                Change::SubnetOut {
                    subnet,
                    guid: observed.guid,
                    before,
                    delete,
                },
                leaves.flatten(),
            );
        }
        let stays = observed
            .sites
            .iter()
            .any(|site| diff.kept.contains_key(site));
        if let Some(owned) = owned
            && !delete
            && !stays
        {
            diff.push(
                Change::ReleaseSubnet {
                    name: owned.name.clone(),
                    guid: observed.guid,
                    how: owned.how,
                    gone: false,
                },
                None,
            );
        }
    }
    let hidden: BTreeSet<Guid> = unlisted(inputs.snapshot, &inputs.ownership.subnets)
        .map(|(guid, _)| guid)
        .collect();
    for (guid, owned) in &inputs.ownership.subnets {
        if !present.contains(guid) && !hidden.contains(guid) {
            diff.push(
                Change::ReleaseSubnet {
                    name: owned.name.clone(),
                    guid: *guid,
                    how: owned.how,
                    gone: true,
                },
                None,
            );
        }
    }
}

//! What is known about an SMP beside its sites: facts, clients, registrations, product, hierarchy.
//!
//! I/O, through the reader, after everything else of a refresh: which computers are site servers is known by then.
//! Nothing of it is needed to plan, so that a part that is not readable is unavailable with its reason.

use std::collections::BTreeSet;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::model::{Guid, Hierarchy, Observed, Snapshot, Surroundings, Writes, Writing};
use crate::profile::{Ability, Profile};
use crate::smp::{ReadError, Reader};

use super::memberships::AHEAD;
use super::prevention;
use super::refresh::{observed, with_present_reports};
use super::rows::LIMIT;
use super::{Scope, clients, facts};

/// What the profile alone says.
pub(super) fn of_profile(reader: &Reader) -> Surroundings {
    let profile = reader.profile();
    Surroundings {
        product: profile.product.product(),
        can_constrain: !profile.lacks_constrain_to_site(),
        reads_constrain: profile.can(Ability::ReadConstrain).is_ok(),
        writes: writes(profile),
        ..Surroundings::default()
    }
}

/// What the profile is sure enough of to write it.
#[must_use]
pub fn writes(profile: &Profile) -> Writes {
    let mut writes = Writes::everything();
    for writing in Writing::ALL {
        if let Err(missing) = profile.can(ability(writing)) {
            let entries = missing.entries.into_iter();
            writes.lack(
                writing,
                entries.map(|entry| format!("`{}` ({})", entry.path, entry.found)),
            );
        }
    }
    writes
}

fn ability(writing: Writing) -> Ability {
    match writing {
        Writing::CreateSite => Ability::CreateSite,
        Writing::RenameSite => Ability::RenameSite,
        Writing::DescribeSite => Ability::DescribeSite,
        Writing::DeleteResource => Ability::DeleteResource,
        Writing::CreateSubnet => Ability::CreateSubnet,
        Writing::MoveSubnet => Ability::MoveSubnet,
        Writing::AssignServer => Ability::AssignServer,
        Writing::AssignPackage => Ability::AssignPackage,
        Writing::Constrain => Ability::WriteConstrain,
        Writing::CaptureTarget => Ability::WriteCaptureTarget,
    }
}

/// Reads what surrounds the sites of a snapshot.
///
/// # Errors
/// Only where nothing else can be read either.
pub(super) async fn read(
    reader: &Reader,
    scope: &Scope,
    snapshot: &Snapshot,
) -> Result<Surroundings, ReadError> {
    let (found, report_failed) = once(reader, scope, snapshot).await?;
    if report_failed && let Ok(Some(reader)) = with_present_reports(reader).await {
        return Ok(once(&reader, scope, snapshot).await?.0);
    }
    Ok(found)
}

async fn once(
    reader: &Reader,
    scope: &Scope,
    snapshot: &Snapshot,
) -> Result<(Surroundings, bool), ReadError> {
    let declared = declared(scope, snapshot);
    let (facts, clients, hierarchy, prevention) = futures::try_join!(
        facts::read(reader, snapshot),
        clients::read(reader, snapshot),
        hierarchy(reader, &declared),
        Box::pin(prevention::read(reader)),
    )?;
    let report_failed = facts.report_failed || clients.report_failed;
    let surroundings = Surroundings {
        facts: facts.facts,
        clients: clients.clients,
        registrations: clients.registrations,
        hierarchy,
        imported: facts.imported,
        prevention,
        ..of_profile(reader)
    };
    Ok((surroundings, report_failed))
}

/// The declared sites, subnets and packages that exist.
fn declared(scope: &Scope, snapshot: &Snapshot) -> BTreeSet<Guid> {
    let mut found: BTreeSet<Guid> = snapshot.assignments.keys().copied().collect();
    if let Observed::Known(sites) = &snapshot.sites {
        found.extend(
            sites
                .iter()
                .filter(|site| scope.sites.contains(&site.name))
                .map(|site| site.guid),
        );
    }
    if let Observed::Known(subnets) = &snapshot.subnets {
        found.extend(
            subnets
                .iter()
                .filter(|known| {
                    known
                        .subnet
                        .as_ref()
                        .is_ok_and(|net| scope.subnets.contains(net))
                })
                .map(|subnet| subnet.guid),
        );
    }
    found
}

/// Reads whether the SMP is in a hierarchy, and only then what came from another SMP.
async fn hierarchy(
    reader: &Reader,
    declared: &BTreeSet<Guid>,
) -> Result<Observed<Hierarchy>, ReadError> {
    let member = match observed(reader.hierarchy_member().await)? {
        Observed::Known(member) => member,
        Observed::Unavailable(reason) => return Ok(Observed::Unavailable(reason)),
    };
    if !member {
        return Ok(Observed::Known(Hierarchy {
            member,
            replicated: BTreeSet::new(),
        }));
    }
    if declared.len() > LIMIT {
        return Ok(Observed::Unavailable(format!(
            "the SMP is in a hierarchy, and {} declared objects are more than the {LIMIT} that are asked for one by one",
            declared.len()
        )));
    }
    let answers: Vec<(Guid, Observed<bool>)> = stream::iter(declared.iter().copied())
        .map(|item| async move {
            match reader.hierarchy_managed(item).await {
                // Gone since it was listed.
                Err(error) if error.does_not_exist() => Ok((item, Observed::Known(false))),
                other => observed(other).map(|managed| (item, managed)),
            }
        })
        .buffered(AHEAD)
        .try_collect()
        .await?;
    let mut replicated = BTreeSet::new();
    for (item, managed) in answers {
        match managed {
            Observed::Known(true) => {
                replicated.insert(item);
            }
            Observed::Known(false) => {}
            Observed::Unavailable(reason) => return Ok(Observed::Unavailable(reason)),
        }
    }
    Ok(Observed::Known(Hierarchy { member, replicated }))
}

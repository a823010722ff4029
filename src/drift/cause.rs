//! What is known to undo such changes, as a possible cause and never as a certain one.
//!
//! Pure. Two are documented (smp-wire §7): Active Directory import overrides sites and subnets that conflict with it, and
//! a subnet that is gone is made again by inventory and resynchronisation while computers report from it.

use super::compare::{Kind, NO_SITE, Raw, field};
use crate::model::{Guid, Name, Observed, Snapshot, Subnet};

/// The possible cause of a difference, in words.
pub(super) fn possible(raw: &Raw, now: &Snapshot) -> Option<String> {
    match raw.kind {
        Kind::Subnet => {
            let subnet: Subnet = raw.name.parse().ok()?;
            if raw.before.is_none() && raw.after.as_deref() == Some(NO_SITE) {
                return reported(subnet, now);
            }
            let sites = [&raw.before, &raw.after].into_iter().flatten();
            let resources = of_subnet(subnet, now)
                .chain(sites.flat_map(|name| of_site(name, now)))
                .collect::<Vec<_>>();
            imported(&resources, now)
        }
        Kind::Site if raw.field == field::NAME || raw.field == field::DESCRIPTION => {
            let resources: Vec<Guid> = of_site(&raw.name, now).collect();
            imported(&resources, now)
        }
        Kind::Site | Kind::SiteServer | Kind::Package | Kind::PlatformSettings => None,
    }
}

fn of_subnet(subnet: Subnet, now: &Snapshot) -> impl Iterator<Item = Guid> {
    let all = now.subnets.known().into_iter().flatten();
    all.filter(move |one| one.subnet == Ok(subnet))
        .map(|one| one.guid)
}

fn of_site<'s>(name: &str, now: &'s Snapshot) -> impl Iterator<Item = Guid> + 's {
    let names: Vec<Name> = name.split(", ").map(Name::new).collect();
    let all = now.sites.known().into_iter().flatten();
    all.filter(move |site| names.contains(&site.name))
        .map(|site| site.guid)
}

/// Whether Active Directory import brought one of these, or nobody can tell.
fn imported(resources: &[Guid], now: &Snapshot) -> Option<String> {
    match &now.surroundings.imported {
        Observed::Known(imported) => {
            resources.iter().any(|one| imported.contains(one)).then(|| {
                "Active Directory import brought it and overrides what conflicts with it".to_owned()
            })
        }
        Observed::Unavailable(_) => Some(
            "Active Directory import, which overrides sites and subnets that conflict with it"
                .to_owned(),
        ),
    }
}

/// Whether computers report from a subnet, or nobody can tell.
fn reported(subnet: Subnet, now: &Snapshot) -> Option<String> {
    let there = now.surroundings.clients.known().is_none_or(|clients| {
        let mut addresses = clients.iter().flat_map(|client| &client.addresses);
        addresses.any(|(address, _)| subnet.contains(*address))
    });
    there.then(|| {
        "inventory or resynchronisation, which make a subnet again that computers report from"
            .to_owned()
    })
}

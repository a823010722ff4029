//! What one field holds now, in the words in which differences are told.
//!
//! Pure. What could not be read, or what a list in doubt does not show, is unknown and never nothing.

use std::collections::BTreeSet;

use super::compare::{Kind, NO_SITE, field, named};
use super::own::Place;
use crate::model::{CountedKind, Name, ObservedSite, ServiceRole, Snapshot, Subnet};
use crate::plan::{Names, assignment};

/// What a place holds, or that there is nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value(pub(super) Option<String>);

impl Value {
    fn is(text: &str) -> Self {
        Self(Some(text.to_owned()))
    }
}

/// What a place holds; `None` where nobody can tell.
pub(super) fn held(
    now: &Snapshot,
    names: &Names,
    in_doubt: &BTreeSet<CountedKind>,
    place: &Place,
) -> Option<Value> {
    let Place {
        kind,
        name,
        field: of,
        item,
    } = place;
    let missing = |kind: CountedKind| {
        let mut unlisted = now.unlisted.values();
        let hidden = unlisted.any(|there| there.known() != Some(&false));
        (!hidden && !in_doubt.contains(&kind)).then_some(Value(None))
    };
    let item = item.as_deref().unwrap_or_default();
    let there = |is: bool| Some(Value(is.then(|| item.to_owned())));
    match kind {
        Kind::Site => {
            let sites = now.sites.known()?;
            let Some(site) = site(sites, name) else {
                return if *of == field::NAME {
                    missing(CountedKind::Sites)
                } else {
                    None
                };
            };
            match *of {
                field::NAME => Some(Value::is(site.name.as_str())),
                field::DESCRIPTION => Some(Value::is(site.description.known()?)),
                field::CONSTRAIN => Some(Value::is(&site.constrained.known()?.to_string())),
                _ => {
                    let server = Name::new(item);
                    let mut servers = site.servers.iter();
                    there(servers.any(|one| named(names, *one).names_same(&server)))
                }
            }
        }
        Kind::Subnet => {
            let subnet: Subnet = name.parse().ok()?;
            let sites = now.sites.known()?;
            let subnets = now.subnets.known()?.iter();
            let found: Vec<_> = subnets.filter(|one| one.subnet == Ok(subnet)).collect();
            if found.is_empty() {
                return missing(CountedKind::Subnets);
            }
            let holding = found.iter().flat_map(|one| &one.sites);
            let holding: BTreeSet<Name> = holding
                .filter_map(|guid| sites.iter().find(|site| site.guid == *guid))
                .map(|site| site.name.clone())
                .collect();
            if holding.is_empty() {
                return Some(Value::is(NO_SITE));
            }
            let holding: Vec<String> = holding.iter().map(ToString::to_string).collect();
            Some(Value::is(&holding.join(", ")))
        }
        Kind::SiteServer => {
            let server = Name::new(name);
            let role = Name::new(item);
            let mut services = now.services.known()?.iter();
            let is = services.any(|service| {
                let ServiceRole::Known(known) = service.role else {
                    return false;
                };
                Name::new(known.as_str()) == role
                    && named(names, service.computer).names_same(&server)
            });
            if is {
                there(true)
            } else {
                missing(CountedKind::Servers)
            }
        }
        Kind::Package => {
            let package = Name::new(name);
            let mut packages = now.packages.known()?.iter();
            let package = packages.find(|one| one.name == package)?;
            let assigned = now.assignments.get(&package.guid)?.known()?;
            Some(Value::is(&assignment(assigned, &[], names)))
        }
        Kind::PlatformSettings => {
            let target = now.capture_target.known()?;
            Some(Value(target.map(|guid| named(names, guid).to_string())))
        }
    }
}

/// The one site of a name; where several have it, nobody can tell which is meant.
fn site<'s>(sites: &'s [ObservedSite], name: &str) -> Option<&'s ObservedSite> {
    let name = Name::new(name);
    let mut of_it = sites.iter().filter(|site| site.name == name);
    of_it.next().filter(|_| of_it.next().is_none())
}

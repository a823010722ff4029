//! Who is in the sites that a plan deletes: their clients and addresses, as the world is before it.
//!
//! Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::{Changed, Note, ObjectChange, Severity, Standing};
use crate::model::{Client, Name};
use crate::select::{Extent, Place, Selector, SiteIndex, World};

/// The id of the notes.
const EMPTIED: &str = "deleted-with-clients";

/// How many clients are named.
const NAMED: usize = 3;

/// Who is in a site that goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Inhabitants {
    /// How many addresses belong to it, and how many known clients have one of them.
    extent: Extent,
    /// How many of the clients are in no site afterwards.
    homeless: u64,
    /// The clients by name.
    names: BTreeSet<Name>,
}

/// Who is in each site that goes, by the name of the site.
pub(super) type Emptied = BTreeMap<Name, Inhabitants>;

/// Counts who is in each site that goes; the sites of `after` are those of `before` in the same order, then new ones.
pub(super) fn emptied(
    before: &World,
    after: &World,
    selectors: (&Selector<'_>, &Selector<'_>),
    clients: Option<&[Client]>,
) -> Emptied {
    let stays = |site: SiteIndex| {
        after
            .sites
            .get(site)
            .is_some_and(|site| site.guid.is_some())
    };
    let gone: BTreeMap<SiteIndex, &Name> = before
        .sites
        .iter()
        .enumerate()
        .filter(|(index, _)| !stays(*index))
        .map(|(index, site)| (index, &site.name))
        .collect();
    let mut emptied = Emptied::new();
    if gone.is_empty() {
        return emptied;
    }
    for name in gone.values() {
        let inhabitants = emptied.entry((*name).clone()).or_default();
        inhabitants.extent.clients = clients.map(|_| 0);
    }
    let of = |sites: &BTreeSet<SiteIndex>| -> BTreeSet<&Name> {
        let names = sites.iter().filter_map(|site| gone.get(site));
        names.copied().collect()
    };
    let (was, will) = selectors;
    for range in was.ranges().list() {
        let sites = range
            .assigned
            .and_then(|subnet| before.subnets.get(&subnet));
        for name in sites.map(of).unwrap_or_default() {
            if let Some(inhabitants) = emptied.get_mut(name) {
                inhabitants.extent.addresses += range.size();
            }
        }
    }
    for client in clients.into_iter().flatten() {
        let place = Place::client(&client.addresses, None);
        for name in of(&was.sites(&place)) {
            let Some(inhabitants) = emptied.get_mut(name) else {
                continue;
            };
            if let Some(clients) = &mut inhabitants.extent.clients {
                *clients += 1;
            }
            if will.sites(&place).is_empty() {
                inhabitants.homeless += 1;
            }
            inhabitants.names.insert(client.name.clone());
            if inhabitants.names.len() > NAMED {
                inhabitants.names.pop_last();
            }
        }
    }
    emptied
}

/// Says at each site that goes who is in it.
pub(super) fn said_to_hold(changes: &mut [ObjectChange], emptied: &Emptied) {
    let sites = changes
        .iter_mut()
        .filter(|change| change.kind == "Site" && change.change == Changed::Delete);
    for site in sites {
        let inhabitants = emptied.get(&Name::new(&site.name));
        site.holds = inhabitants.map(|inhabitants| inhabitants.extent);
    }
}

/// Warns of each site that goes while somebody is in it.
pub(super) fn warned(emptied: &Emptied) -> impl Iterator<Item = Note> {
    emptied.iter().filter_map(|(site, inhabitants)| {
        let Inhabitants {
            extent: Extent { addresses, clients },
            homeless,
            names,
        } = inhabitants;
        let message = match clients {
            Some(0) => return None,
            None if *addresses == 0 => return None,
            None => format!(
                "site `{site}` is deleted with {} in it, and which clients there are could not be read",
                plural(*addresses, "address", "addresses")
            ),
            Some(clients) => {
                let mut which: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                if *clients > u64::try_from(which.len()).unwrap_or(u64::MAX) {
                    which.push("others".to_owned());
                }
                let after = match homeless {
                    0 => String::new(),
                    _ => format!(", {homeless} of whom are in no site afterwards"),
                };
                format!(
                    "site `{site}` is deleted with {} and {} in it{after}: {}",
                    plural(*clients, "client", "clients"),
                    plural(*addresses, "address", "addresses"),
                    which.join(", ")
                )
            }
        };
        Some(Note {
            severity: Severity::Warning,
            standing: Standing::Remains,
            id: EMPTIED.into(),
            message,
            remedy: "declare their subnets in another site where they are to stay with servers of their own"
                .into(),
            sources: Vec::new(),
            places: Vec::new(),
            allowed: None,
        })
    })
}

fn plural(amount: u64, one: &str, many: &str) -> String {
    format!("{amount} {}", if amount == 1 { one } else { many })
}

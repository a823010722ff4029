//! How many of each kind the account is shown, without what belongs to whom.
//!
//! I/O, through the reader: the lists that every refresh begins with, one call each.

use std::collections::BTreeMap;

use super::refresh::{list_sites, list_subnets};
use super::{packages, servers};
use crate::model::{CountedKind, Guid};
use crate::smp::{ReadError, Reader};

/// What the lists hold.
#[derive(Debug)]
pub struct Lists {
    /// How many of each kind; site services stand for servers.
    pub counts: BTreeMap<CountedKind, Result<u64, ReadError>>,
    /// The sites, sorted.
    pub sites: Vec<Guid>,
}

/// Lists sites, subnets, site services and packages.
pub async fn lists(reader: &Reader) -> Lists {
    let (sites, subnets, services, packages) = futures::join!(
        list_sites(reader),
        list_subnets(reader),
        servers::list_services(reader),
        packages::list(reader),
    );
    let mut guids: Vec<Guid> = sites.iter().flatten().map(|site| site.guid).collect();
    guids.sort_unstable();
    let counts = [
        (CountedKind::Sites, sites.map(|all| all.len())),
        (CountedKind::Subnets, subnets.map(|all| all.len())),
        (CountedKind::Servers, services.map(|all| all.len())),
        (CountedKind::Packages, packages.map(|all| all.len())),
    ];
    Lists {
        counts: counts
            .into_iter()
            .map(|(kind, count)| {
                let count = count.map(|count| u64::try_from(count).unwrap_or(u64::MAX));
                (kind, count)
            })
            .collect(),
        sites: guids,
    }
}

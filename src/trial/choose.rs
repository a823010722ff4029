//! What a trial is made with, chosen before anything is written: networks that nobody uses, a server that nothing hangs
//! on.
//!
//! Pure, but for the list of subnets. That one is read by itself: which sites they are in may not be readable yet, and is
//! just what a trial finds out.

use std::net::Ipv4Addr;

use crate::model::{Computer, Guid, Name, Observed, ServerRef, Snapshot, Subnet};
use crate::profile::TypeRole;
use crate::smp::{ReadError, Reader, documentation};

/// Why a trial cannot be made. Codes `SW0862` to `SW0864`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// Every network of documentation is in use.
    #[error("no network of documentation is free: {}", .0.join(", "))]
    Taken(Vec<String>),
    /// The server that was named cannot be the guest.
    #[error("`{name}` cannot be assigned to a scratch site: {why}")]
    Guest {
        /// Its name.
        name: Name,
        /// Why.
        why: String,
    },
    /// The package that was named is not there, or not alone.
    #[error("expected one package `{name}`, found {found}")]
    Package {
        /// Its name.
        name: String,
        /// How many there are.
        found: usize,
    },
}

impl ChoiceError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Taken(_) => "SW0862",
            Self::Guest { .. } => "SW0863",
            Self::Package { .. } => "SW0864",
        }
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Taken(_) => {
                "a trial needs two addresses of 192.0.2.0/24, 198.51.100.0/24 or 203.0.113.0/24 (RFC 5737) in no known subnet"
            }
            Self::Guest { .. } => "name a managed computer that is assigned to no site by hand",
            Self::Package { .. } => "name it as the console does, or by its GUID",
        }
    }
}

/// The subnets that a server has, whatever sites they are in.
pub async fn known_subnets(reader: &Reader) -> Result<Vec<Subnet>, ReadError> {
    let Some(kind) = reader.profile().type_guid(TypeRole::Subnet) else {
        return Ok(Vec::new());
    };
    let found = reader
        .resources_of_type(kind, |_, passing| {
            Ok(passing.name().and_then(|name| name.trim().parse().ok()))
        })
        .await?;
    Ok(found.into_iter().flatten().collect())
}

/// Two single addresses of a network of documentation that no known subnet holds and in which nobody has an address.
pub fn networks(
    subnets: &[Subnet],
    snapshot: &Snapshot,
    tag: &str,
) -> Result<[Subnet; 2], ChoiceError> {
    // Any two will do; the tag spreads the trials of several people.
    let spread = u32::from_str_radix(tag.get(..6).unwrap_or_default(), 16).unwrap_or_default();
    let first = 100 + spread % 75 * 2;
    let mut taken = Vec::new();
    for network in documentation() {
        let address = |host: u32| Ipv4Addr::from(u32::from(network.network()) + host);
        let chosen = [address(first), address(first + 1)].map(Subnet::host);
        let overlapping = subnets.iter().find(|known| {
            let touches =
                |one: &Subnet| known.encloses(*one) || one.encloses(**known) || *known == one;
            chosen.iter().any(touches)
        });
        if let Some(known) = overlapping {
            taken.push(format!("{network} overlaps with the subnet {known}"));
        } else if let Some((name, found)) = inhabitant(snapshot, network) {
            taken.push(format!("{name} has the address {found} in {network}"));
        } else {
            return Ok(chosen);
        }
    }
    Err(ChoiceError::Taken(taken))
}

/// Somebody with an address in a network.
fn inhabitant(snapshot: &Snapshot, network: Subnet) -> Option<(&Name, Ipv4Addr)> {
    let servers = snapshot.computers.values().filter_map(|computer| {
        let addresses = computer.addresses.known()?.iter();
        let mut inside = addresses.map(|(address, _)| *address);
        Some((&computer.name, inside.find(|one| network.contains(*one))?))
    });
    let clients = snapshot.surroundings.clients.known().into_iter().flatten();
    let clients = clients.filter_map(|client| {
        let mut inside = client.addresses.iter().map(|(address, _)| *address);
        Some((&client.name, inside.find(|one| network.contains(*one))?))
    });
    servers.chain(clients).next()
}

/// The computer that is assigned to a scratch site for a moment: one that no site has by hand, so that nothing can be
/// taken from it.
pub fn guest(snapshot: &Snapshot, name: &Name) -> Result<ServerRef, ChoiceError> {
    let wrong = |why: String| ChoiceError::Guest {
        name: name.clone(),
        why,
    };
    let found: Vec<&Computer> = snapshot.computers_named(name);
    let [computer] = found.as_slice() else {
        return Err(wrong(format!(
            "expected one such computer, found {}",
            found.len()
        )));
    };
    let sites = match &snapshot.sites {
        Observed::Known(sites) => sites,
        Observed::Unavailable(reason) => return Err(wrong(reason.clone())),
    };
    if let Some(site) = sites
        .iter()
        .find(|site| site.servers.contains(&computer.guid))
    {
        return Err(wrong(format!(
            "the site `{}` has it by hand, and a server may end that when another site is given it",
            site.name
        )));
    }
    Ok(ServerRef {
        name: computer.name.clone(),
        guid: computer.guid,
    })
}

/// The package with a name or a GUID.
pub fn package(snapshot: &Snapshot, wanted: &str) -> Result<(Guid, Name), ChoiceError> {
    let listed = snapshot.packages.known().map_or(&[][..], Vec::as_slice);
    let by_guid: Option<Guid> = wanted.trim().parse().ok();
    let found: Vec<_> = listed
        .iter()
        .filter(|package| match by_guid {
            Some(guid) => package.guid == guid,
            None => package.name == Name::new(wanted),
        })
        .collect();
    match found.as_slice() {
        [package] => Ok((package.guid, package.name.clone())),
        other => Err(ChoiceError::Package {
            name: wanted.to_owned(),
            found: other.len(),
        }),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::model::{Client, ObservedSite, Platform, Surroundings};

    fn guid(number: u128) -> Guid {
        Guid::from_u128(number)
    }

    fn snapshot() -> Snapshot {
        let server = Computer {
            guid: guid(1),
            name: Name::new("SMP01.corp.example"),
            addresses: Observed::Known([(Ipv4Addr::new(192, 168, 0, 10), 24)].into()),
        };
        Snapshot {
            platform: Platform {
                server: guid(1),
                name: server.name.clone(),
            },
            sites: Observed::Known(Vec::new()),
            subnets: Observed::Known(Vec::new()),
            services: Observed::Known(Vec::new()),
            computers: [(guid(1), server)].into(),
            unasked: std::collections::BTreeSet::new(),
            packages: Observed::Known(Vec::new()),
            assignments: BTreeMap::new(),
            holders: BTreeMap::new(),
            tasks: BTreeMap::new(),
            capture_target: Observed::Known(None),
            surroundings: Surroundings::default(),
            unplaced: Vec::new(),
            unlisted: BTreeMap::new(),
        }
    }

    fn check(subnets: &[&str], snapshot: &Snapshot, tag: &str) -> Result<Vec<String>, ChoiceError> {
        let subnets: Vec<Subnet> = subnets.iter().map(|text| text.parse().unwrap()).collect();
        let found = networks(&subnets, snapshot, tag)?;
        Ok(found.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn networks_that_anybody_uses_are_not_taken() {
        let nobody = snapshot();
        let chosen = |subnets: &[&str], tag: &str| check(subnets, &nobody, tag).unwrap();
        let known = ["192.168.0.0/24", "192.0.3.0/24"];
        assert_eq!(
            chosen(&known, "00000000"),
            ["192.0.2.100/32", "192.0.2.101/32"]
        );
        assert_eq!(
            chosen(&known, "00004a00"),
            ["192.0.2.248/32", "192.0.2.249/32"]
        );
        for known in [
            "192.0.2.0/24",
            "192.0.2.101/32",
            "192.0.2.100/31",
            "192.0.0.0/16",
        ] {
            let found = chosen(&[known], "00000000");
            assert_eq!(found, ["198.51.100.100/32", "198.51.100.101/32"], "{known}");
        }
        // Another address of the same network is no reason, a client in it is one.
        assert_eq!(chosen(&["192.0.2.200/32"], "00000000")[0], "192.0.2.100/32");
        let mut inhabited = snapshot();
        inhabited.surroundings.clients = Observed::Known(vec![Client {
            guid: guid(5),
            name: Name::new("PC1"),
            addresses: vec![(Ipv4Addr::new(192, 0, 2, 200), 24)],
            plug_ins: None,
        }]);
        let found = check(&[], &inhabited, "00000000").unwrap();
        assert_eq!(found[0], "198.51.100.100/32");

        let error = check(&["192.0.0.0/2"], &nobody, "00000000").unwrap_err();
        assert_eq!(error.code(), "SW0862");
        assert!(
            error.to_string().contains("203.0.113.0/24 overlaps"),
            "{error}"
        );
    }

    #[test]
    fn a_guest_has_nothing_to_lose() {
        let mut world = snapshot();
        let name = Name::new("smp01");
        assert_eq!(guest(&world, &name).unwrap().guid, guid(1));
        assert_eq!(
            guest(&world, &Name::new("SITE01")).unwrap_err().code(),
            "SW0863"
        );
        world.sites = Observed::Known(vec![ObservedSite {
            guid: guid(3),
            name: Name::new("HQ"),
            shown: None,
            description: Observed::Known(String::new()),
            servers: BTreeSet::from([guid(1)]),
            constrained: Observed::Known(false),
        }]);
        let error = guest(&world, &name).unwrap_err();
        assert!(error.to_string().contains("`HQ`"), "{error}");
    }
}

//! Who serves an address: the rules of the documentation, done naively, address by address.
//!
//! Pure, but for reading the sites, subnets and servers once ([`Topology::read`]). Written anew here: nothing of it is
//! shared with the program under test.

use super::Rules;
use super::guid::Guid;
use super::names::Role;
use super::options::Switch;
use super::prevention::Prevention;
use super::store;
use rusqlite::{Connection, Result};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::Ipv4Addr;

/// Why these servers serve an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The computer has the role itself.
    OwnComputer,
    /// They are the servers of its site or sites.
    Site,
    /// No subnet is in any site: the servers on its subnet, else all.
    NoSites,
    /// There are sites, and it is in none: one reading of sources that contradict each other, drawn from the seed.
    OutsideSites,
    /// Its site has no server of the role and is not constrained: any server of the role.
    Failover,
    /// Its site has no server of the role that is up, and is constrained, or it may fetch from none: it waits.
    Waiting,
    /// They answer on its broadcast domain (network boot).
    Network,
}

/// A server with site services.
pub(crate) struct ServerInfo {
    pub(crate) guid: Guid,
    pub(crate) name: String,
    pub(crate) addresses: Vec<(u32, u8)>,
    pub(crate) roles: Vec<Role>,
    pub(crate) down: bool,
    own_sites: Vec<usize>,
    manual_sites: Vec<usize>,
}

struct SiteInfo {
    constrained: bool,
}

/// Sites, subnets in sites, and servers.
pub(crate) struct Topology {
    assigned: BTreeMap<u8, HashMap<u32, Vec<usize>>>,
    sites: Vec<SiteInfo>,
    site_index: HashMap<Guid, usize>,
    pub(crate) servers: Vec<ServerInfo>,
    server_index: HashMap<Guid, usize>,
    by_site: Vec<Vec<usize>>,
    platform: Option<usize>,
    outside_means_platform: bool,
    manual_steers_tasks: bool,
    prevention: Prevention,
    targeted_sites: Vec<usize>,
}

/// Reads `a.b.c.d/nn` without host bits, prefix 1 to 32.
pub(crate) fn network(text: &str) -> Option<(u32, u8)> {
    let (address, prefix) = interface(text)?;
    (address & mask(prefix) == address).then_some((address, prefix))
}

/// Reads an address with its prefix, such as `192.168.0.10/24`.
pub(crate) fn interface(text: &str) -> Option<(u32, u8)> {
    let (address, prefix) = text.split_once('/')?;
    if prefix.len() > 2
        || prefix.starts_with('0')
        || !prefix.bytes().all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let prefix: u8 = prefix.parse().ok()?;
    let address: Ipv4Addr = address.parse().ok()?;
    (1..=32)
        .contains(&prefix)
        .then(|| (u32::from(address), prefix))
}

/// The mask of a prefix.
pub(crate) fn mask(prefix: u8) -> u32 {
    u32::MAX
        .checked_shl(32 - u32::from(prefix.min(32)))
        .unwrap_or(0)
}

/// The prefix of a mask in dotted form.
pub(crate) fn prefix_of(text: &str) -> u8 {
    let mask = text.parse::<Ipv4Addr>().map_or(0, u32::from);
    u8::try_from(mask.leading_ones()).unwrap_or(32)
}

impl Topology {
    /// Reads sites, subnets in sites, and servers.
    pub(crate) fn read(db: &Connection, rules: &Rules) -> Result<Topology> {
        let names = &rules.names;
        let mut sites = Vec::new();
        let mut site_index = HashMap::new();
        let mut statement = db.prepare_cached(
            "SELECT i.Guid, COALESCE(s.Constrained, 0) FROM Item i LEFT JOIN sim_site s ON s.Guid = i.Guid WHERE i.ResourceTypeGuid = ?1 ORDER BY i.Name, i.Guid",
        )?;
        for row in statement.query_map([names.site.guid], |row| {
            Ok((row.get::<_, Guid>(0)?, row.get::<_, bool>(1)?))
        })? {
            let (guid, constrained) = row?;
            site_index.insert(guid, sites.len());
            sites.push(SiteInfo { constrained });
        }
        let assigned = read_assigned(db, rules, &site_index)?;
        let platform = store::meta(db, "platform")?.unwrap_or_default();
        let mut topology = Topology {
            assigned,
            by_site: vec![Vec::new(); sites.len()],
            sites,
            site_index,
            servers: read_servers(db, rules)?,
            server_index: HashMap::new(),
            platform: None,
            outside_means_platform: rules.seed.flip("selection", "outside sites"),
            manual_steers_tasks: !rules.has(Switch::ManualDoesNotSteerTasks),
            prevention: Prevention::read(db)?,
            targeted_sites: Vec::new(),
        };
        topology.targeted_sites = topology
            .prevention
            .targets
            .iter()
            .filter_map(|target| topology.site_index.get(target).copied())
            .collect();
        topology.server_index = topology
            .servers
            .iter()
            .enumerate()
            .map(|(index, one)| (one.guid, index))
            .collect();
        topology.platform = topology
            .servers
            .iter()
            .position(|one| one.name.eq_ignore_ascii_case(&platform));
        let mut manual: Vec<Vec<usize>> = vec![Vec::new(); topology.servers.len()];
        for (server, site) in store::pairs(db, &names.server_to_site)? {
            if let (Some(server), Some(site)) = (
                topology.server_index.get(&server),
                topology.site_index.get(&site),
            ) {
                manual[*server].push(*site);
            }
        }
        for (index, manual_sites) in manual.into_iter().enumerate() {
            let mut own: Vec<usize> = Vec::new();
            if manual_sites.is_empty() || !rules.has(Switch::AutoAssignmentWithManualOff) {
                for (address, prefix) in &topology.servers[index].addresses {
                    let found = if rules.has(Switch::InventoryMaskDecides) {
                        topology.sites_of(address & mask(*prefix), *prefix)
                    } else {
                        topology.sites_of(*address, 32)
                    };
                    own.extend(found);
                }
            }
            own.sort_unstable();
            own.dedup();
            let mut all = own.clone();
            all.extend(&manual_sites);
            all.sort_unstable();
            all.dedup();
            for site in all {
                topology.by_site[site].push(index);
            }
            topology.servers[index].own_sites = own;
            topology.servers[index].manual_sites = manual_sites;
        }
        Ok(topology)
    }

    /// The sites of the most specific assigned subnet, of at most this prefix, that holds an address.
    fn sites_of(&self, address: u32, longest: u8) -> Vec<usize> {
        for (prefix, subnets) in self.assigned.range(..=longest).rev() {
            if let Some(sites) = subnets.get(&(address & mask(*prefix))) {
                return sites.clone();
            }
        }
        Vec::new()
    }

    /// The roles of the services on a computer.
    pub(crate) fn roles(&self, computer: Guid) -> Vec<Role> {
        self.server(computer)
            .map(|one| one.roles.clone())
            .unwrap_or_default()
    }

    /// A server by the GUID of its computer.
    pub(crate) fn server(&self, computer: Guid) -> Option<&ServerInfo> {
        self.server_index
            .get(&computer)
            .map(|index| &self.servers[*index])
    }

    /// All package servers.
    pub(crate) fn package_servers(&self) -> Vec<Guid> {
        self.servers
            .iter()
            .filter(|one| one.roles.contains(&Role::Package))
            .map(|one| one.guid)
            .collect()
    }

    /// The package servers of a site.
    pub(crate) fn package_servers_of(&self, site: Guid) -> Vec<Guid> {
        let Some(site) = self.site_index.get(&site) else {
            return Vec::new();
        };
        self.by_site[*site]
            .iter()
            .map(|index| &self.servers[*index])
            .filter(|one| one.roles.contains(&Role::Package))
            .map(|one| one.guid)
            .collect()
    }

    /// The servers of a role that a computer with these addresses may use now, and why. Servers that are down serve nobody.
    ///
    /// `own` is the computer that asks: a package server asks itself first.
    pub(crate) fn candidates(
        &self,
        role: Role,
        addresses: &[(u32, u8)],
        own: Option<Guid>,
    ) -> (Vec<usize>, Basis) {
        let (found, basis) = self.of_site(role, addresses, own);
        if role != Role::Package || basis == Basis::OwnComputer {
            return (found, basis);
        }
        self.permitted(found, basis, addresses, own)
    }

    /// The same for a package that the computer does not hold itself.
    pub(crate) fn other_candidates(
        &self,
        addresses: &[(u32, u8)],
        own: Guid,
    ) -> (Vec<usize>, Basis) {
        let (found, basis) = self.of_site(Role::Package, addresses, None);
        self.permitted(found, basis, addresses, Some(own))
    }

    /// Leaves out the package servers that a computer is kept from.
    fn permitted(
        &self,
        found: Vec<usize>,
        basis: Basis,
        addresses: &[(u32, u8)],
        own: Option<Guid>,
    ) -> (Vec<usize>, Basis) {
        if self.keeps_nobody_away() || found.is_empty() {
            return (found, basis);
        }
        let sites = self.sites_at(addresses);
        let left: Vec<usize> = found
            .into_iter()
            .filter(|server| self.may_fetch(own, &sites, *server))
            .collect();
        let basis = if left.is_empty() {
            Basis::Waiting
        } else {
            basis
        };
        (left, basis)
    }

    fn is_targeted(&self, own: Option<Guid>, sites: &[usize]) -> bool {
        own.is_some_and(|own| self.prevention.targets.contains(&own))
            || sites.iter().any(|site| self.targeted_sites.contains(site))
    }

    /// Says whether a computer in these sites may fetch packages from a server. In no site nothing is outside.
    fn may_fetch(&self, own: Option<Guid>, sites: &[usize], server: usize) -> bool {
        if !self.is_targeted(own, sites) {
            return true;
        }
        if self.platform == Some(server) {
            return !self.prevention.from_platform;
        }
        !self.prevention.from_outside
            || sites.is_empty()
            || sites
                .iter()
                .any(|site| self.by_site[*site].contains(&server))
    }

    /// Says whether nobody is kept from fetching packages anywhere.
    pub(crate) fn keeps_nobody_away(&self) -> bool {
        !self.prevention.holds()
    }

    /// Says whether a package can reach a package server: from the SMP, where every source stands, or from a server that
    /// holds it.
    pub(crate) fn reaches(&self, server: Guid, holders: &BTreeSet<Guid>) -> bool {
        let Some(index) = self.server_index.get(&server) else {
            return true;
        };
        let one = &self.servers[*index];
        let mut sites = one.own_sites.clone();
        sites.extend(&one.manual_sites);
        if self.platform == Some(*index)
            || !self.prevention.from_platform
            || !self.is_targeted(Some(server), &sites)
        {
            return true;
        }
        holders
            .iter()
            .filter(|holder| **holder != server)
            .filter_map(|holder| self.server_index.get(holder))
            .any(|holder| self.may_fetch(Some(server), &sites, *holder))
    }

    /// The sites of a computer with these addresses.
    fn sites_at(&self, addresses: &[(u32, u8)]) -> Vec<usize> {
        let mut sites: Vec<usize> = addresses
            .iter()
            .flat_map(|(address, _)| self.sites_of(*address, 32))
            .collect();
        sites.sort_unstable();
        sites.dedup();
        sites
    }

    fn of_site(
        &self,
        role: Role,
        addresses: &[(u32, u8)],
        own: Option<Guid>,
    ) -> (Vec<usize>, Basis) {
        let able = |index: &usize| {
            let server = &self.servers[*index];
            !server.down && server.roles.contains(&role)
        };
        if role == Role::NetworkBoot {
            return (
                self.on_subnet(addresses).into_iter().filter(able).collect(),
                Basis::Network,
            );
        }
        if role == Role::Package
            && let Some(index) = own.and_then(|own| self.server_index.get(&own))
            && able(index)
        {
            return (vec![*index], Basis::OwnComputer);
        }
        let near_or_all = || {
            let near: Vec<usize> = self.on_subnet(addresses).into_iter().filter(able).collect();
            if near.is_empty() {
                (0..self.servers.len()).filter(able).collect()
            } else {
                near
            }
        };
        if self.assigned.is_empty() {
            return (near_or_all(), Basis::NoSites);
        }
        let sites = self.sites_at(addresses);
        if sites.is_empty() {
            let platform: Vec<usize> = self.platform.into_iter().filter(able).collect();
            return if self.outside_means_platform && !platform.is_empty() {
                (platform, Basis::OutsideSites)
            } else {
                (near_or_all(), Basis::OutsideSites)
            };
        }
        let mut found: Vec<usize> = Vec::new();
        for site in &sites {
            for index in self.by_site[*site].iter().filter(|index| able(index)) {
                if role != Role::Task
                    || self.manual_steers_tasks
                    || self.servers[*index].own_sites.contains(site)
                {
                    found.push(*index);
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        if !found.is_empty() {
            (found, Basis::Site)
        } else if sites.iter().any(|site| self.sites[*site].constrained) {
            (Vec::new(), Basis::Waiting)
        } else {
            (
                (0..self.servers.len()).filter(able).collect(),
                Basis::Failover,
            )
        }
    }

    /// Servers on the same subnet by the inventory's addresses and masks.
    fn on_subnet(&self, addresses: &[(u32, u8)]) -> Vec<usize> {
        let same = |server: &ServerInfo| {
            addresses.iter().any(|(address, prefix)| {
                server
                    .addresses
                    .iter()
                    .any(|(own, _)| own & mask(*prefix) == address & mask(*prefix))
            })
        };
        (0..self.servers.len())
            .filter(|index| same(&self.servers[*index]))
            .collect()
    }
}

fn read_assigned(
    db: &Connection,
    rules: &Rules,
    sites: &HashMap<Guid, usize>,
) -> Result<BTreeMap<u8, HashMap<u32, Vec<usize>>>> {
    let of = &rules.names.subnet_to_site;
    let (subnet, site) = if of.target_is_parent {
        ("ChildResourceGuid", "ParentResourceGuid")
    } else {
        ("ParentResourceGuid", "ChildResourceGuid")
    };
    let mut statement = db.prepare_cached(&format!(
        "SELECT i.Name, a.{site} FROM ResourceAssociation a JOIN Item i ON i.Guid = a.{subnet} WHERE a.ResourceAssociationTypeGuid = ?1"
    ))?;
    let mut assigned: BTreeMap<u8, HashMap<u32, Vec<usize>>> = BTreeMap::new();
    let rows = statement.query_map([of.guid], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, Guid>(1)?))
    })?;
    for row in rows {
        let (name, site) = row?;
        if let (Some((address, prefix)), Some(site)) = (network(&name), sites.get(&site)) {
            assigned
                .entry(prefix)
                .or_default()
                .entry(address)
                .or_default()
                .push(*site);
        }
    }
    Ok(assigned)
}

fn read_servers(db: &Connection, rules: &Rules) -> Result<Vec<ServerInfo>> {
    let names = &rules.names;
    let mut services: HashMap<Guid, Vec<Role>> = HashMap::new();
    let mut statement =
        db.prepare_cached("SELECT Name, ResourceTypeGuid FROM Item WHERE Guid = ?1")?;
    for (service, computer) in store::pairs(db, &names.service_to_computer)? {
        let (name, type_guid): (String, Guid) =
            statement.query_row([service], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let role = Role::ALL.into_iter().find(|role| match names.roles_by {
            super::RolesBy::Type => names.service_type(*role) == type_guid,
            super::RolesBy::Name => name.starts_with(names.service_prefix(*role)),
        });
        services.entry(computer).or_default().extend(role);
    }
    let mut statement = db.prepare_cached(
        "SELECT i.Name, t.[Primary DNS Suffix], t.[IP Address], t.[Subnet Mask], c.Down
         FROM Item i JOIN Inv_AeX_AC_TCPIP t ON t._ResourceGuid = i.Guid JOIN sim_computer c ON c.Guid = i.Guid WHERE i.Guid = ?1 ORDER BY t._id",
    )?;
    let mut guids: Vec<Guid> = services.keys().copied().collect();
    guids.sort_unstable();
    let mut servers = Vec::with_capacity(guids.len());
    for guid in guids {
        let mut server = ServerInfo {
            guid,
            name: String::new(),
            addresses: Vec::new(),
            roles: services.remove(&guid).unwrap_or_default(),
            down: false,
            own_sites: Vec::new(),
            manual_sites: Vec::new(),
        };
        server.roles.sort_unstable();
        server.roles.dedup();
        let mut rows = statement.query([guid])?;
        while let Some(row) = rows.next()? {
            server.name = full_name(&row.get::<_, String>(0)?, &row.get::<_, String>(1)?);
            let address = row
                .get::<_, String>(2)?
                .parse::<Ipv4Addr>()
                .map_or(0, u32::from);
            server
                .addresses
                .push((address, prefix_of(&row.get::<_, String>(3)?)));
            server.down = row.get(4)?;
        }
        servers.push(server);
    }
    servers.sort_by(|a, b| a.name.cmp(&b.name).then(a.guid.cmp(&b.guid)));
    Ok(servers)
}

/// Joins host name and domain.
pub(crate) fn full_name(host: &str, domain: &str) -> String {
    if domain.is_empty() {
        host.to_owned()
    } else {
        format!("{host}.{domain}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_strict() {
        assert_eq!(network("10.0.0.0/8"), Some((0x0a00_0000, 8)));
        assert_eq!(network("192.168.0.12/32"), Some((0xc0a8_000c, 32)));
        for bad in [
            "10.0.0.1/8",
            "10.0.0.0",
            "10.0.0.0/0",
            "10.0.0.0/33",
            "010.0.0.0/8",
            "10.0.0.0/08",
            "::/8",
        ] {
            assert_eq!(network(bad), None, "{bad}");
        }
    }
}

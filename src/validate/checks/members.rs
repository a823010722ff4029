//! Who stands where, and where that is declared: what the checks of packages, roles, plug-ins and network boot ask of a
//! view.
//!
//! Pure. A server without known addresses may stand anywhere, so questions about it have a third answer: cannot tell.

use std::collections::{BTreeMap, BTreeSet};

use super::{kind, quoted, server_name};
use crate::model::{
    DesiredServer, Facts, Guid, Name, NameKey, Origin, Role, ServiceRole, SiteKind,
};
use crate::select::{SiteIndex, World};
use crate::validate::View;

/// How many names a message shows before it only counts.
const SHOWN: usize = 6;

/// Servers by the sites that they belong to.
pub(super) struct Members<'a> {
    world: &'a World,
    automatic: BTreeMap<SiteIndex, BTreeSet<Guid>>,
}

impl<'a> Members<'a> {
    pub(super) fn of(world: &'a World) -> Self {
        Self {
            world,
            automatic: world.automatic(),
        }
    }

    /// The servers of a site, by hand or by their own addresses.
    pub(super) fn servers(&self, site: SiteIndex) -> BTreeSet<Guid> {
        let manual = self.world.sites.get(site).map(|site| &site.manual);
        manual
            .into_iter()
            .chain(self.automatic.get(&site))
            .flatten()
            .copied()
            .collect()
    }

    /// Those of them that are known to have a role.
    pub(super) fn with_role(&self, site: SiteIndex, role: Role) -> BTreeSet<Guid> {
        let mut servers = self.servers(site);
        servers.retain(|server| self.world.has_role(*server, role));
        servers
    }

    /// Whether a server belongs to a site; `None` where its addresses are not known and nobody assigned it.
    pub(super) fn belongs(&self, server: Guid, site: SiteIndex) -> Option<bool> {
        let manual = self.world.sites.get(site)?.manual.contains(&server);
        let stands = self.automatic.get(&site);
        if manual || stands.is_some_and(|servers| servers.contains(&server)) {
            return Some(true);
        }
        self.world.servers.get(&server)?.addresses.as_ref()?;
        Some(false)
    }

    /// The sites for imaging that are declared and exist in the world.
    pub(super) fn deployment_sites(&self) -> impl Iterator<Item = SiteIndex> {
        (0..self.world.sites.len())
            .filter(|site| kind(self.world, *site) == Some(SiteKind::DeploymentSite))
    }

    /// The servers of sites for imaging, each with those sites; the SMP is not meant to be one and left out.
    pub(super) fn deployment_servers(&self) -> BTreeMap<Guid, BTreeSet<SiteIndex>> {
        let mut found: BTreeMap<Guid, BTreeSet<SiteIndex>> = BTreeMap::new();
        for site in self.deployment_sites() {
            for server in self.servers(site) {
                if Some(server) != self.world.platform {
                    found.entry(server).or_default().insert(site);
                }
            }
        }
        found
    }
}

/// Where servers are declared.
pub(super) struct Places<'a> {
    by_name: BTreeMap<&'a NameKey, Vec<Guid>>,
    by_host: BTreeMap<String, Vec<(Guid, bool)>>,
    servers: BTreeMap<Guid, Vec<&'a DesiredServer>>,
    seats: BTreeMap<Guid, Vec<&'a Origin>>,
}

impl<'a> Places<'a> {
    pub(super) fn of(view: &View<'a>) -> Self {
        let mut places = Self {
            by_name: BTreeMap::new(),
            by_host: BTreeMap::new(),
            servers: BTreeMap::new(),
            seats: BTreeMap::new(),
        };
        for (guid, server) in &view.world.servers {
            let name = &server.name;
            places.by_name.entry(name.key()).or_default().push(*guid);
            places
                .by_host
                .entry(name.host().to_lowercase())
                .or_default()
                .push((*guid, name.domain().is_some()));
        }
        let Some(desired) = view.desired else {
            return places;
        };
        for server in desired.servers.values() {
            if let Some(guid) = places.server(&server.name) {
                places.servers.entry(guid).or_default().push(server);
            }
        }
        for site in desired.sites.values() {
            for (name, origin) in site.servers.iter().flatten() {
                if let Some(guid) = places.server(name) {
                    places.seats.entry(guid).or_default().push(origin);
                }
            }
        }
        places
    }

    /// The server that a declared name means, where it is exactly one: that of the fully qualified name, else of the
    /// host name.
    pub(super) fn server(&self, name: &Name) -> Option<Guid> {
        let one = |guids: &[Guid]| match guids {
            [guid] => Some(*guid),
            _ => None,
        };
        if let Some(exact) = self.by_name.get(name.key()) {
            return one(exact);
        }
        let hosts = self.by_host.get(&name.host().to_lowercase())?;
        let fit: Vec<Guid> = hosts
            .iter()
            .filter(|(_, qualified)| name.domain().is_none() || !qualified)
            .map(|(guid, _)| *guid)
            .collect();
        one(&fit)
    }

    /// Where a role of a server is declared.
    pub(super) fn role(&self, server: Guid, role: Role) -> Option<Origin> {
        let mut declared = self.servers.get(&server).into_iter().flatten();
        declared.find_map(|server| server.roles.get(&role).cloned())
    }

    /// Where the sites declare that a server is theirs.
    pub(super) fn seats(&self, server: Guid) -> impl Iterator<Item = Origin> {
        let seats = self.seats.get(&server).into_iter().flatten();
        seats.map(|origin| (*origin).clone())
    }
}

/// What inventory says of a server, where the server was asked for.
pub(super) fn facts<'a>(view: &View<'a>, server: Guid) -> Option<&'a Facts> {
    view.surroundings()?.facts.get(&server)
}

/// The roles that servers are known to have before any plan; `None` where they could not be read.
pub(super) fn installed(view: &View<'_>) -> Option<BTreeMap<Guid, BTreeSet<Role>>> {
    let mut roles: BTreeMap<Guid, BTreeSet<Role>> = BTreeMap::new();
    for service in view.snapshot?.services.known()? {
        if let ServiceRole::Known(role) = service.role {
            roles.entry(service.computer).or_default().insert(role);
        }
    }
    Some(roles)
}

/// Whether a server is known not to have a role. Where services could not be read, a plan that requires a role knows of
/// that one, and of no other.
pub(super) fn lacks_role(view: &View<'_>, server: Guid, role: Role) -> bool {
    let readable = view
        .snapshot
        .is_some_and(|snapshot| snapshot.services.known().is_some());
    let roles = view
        .world
        .servers
        .get(&server)
        .and_then(|server| server.roles.as_ref());
    readable && roles.is_some_and(|roles| !roles.contains(&role))
}

/// How a server is named among the objects of a finding.
pub(super) fn server_object(world: &World, server: Guid) -> String {
    format!("server {}", server_name(world, server).to_lowercase())
}

/// Names of servers in backticks, sorted, the first of them only where there are many.
pub(super) fn servers_named<'s, I>(world: &World, servers: I) -> String
where
    I: IntoIterator<Item = &'s Guid>,
{
    let mut names: Vec<String> = servers
        .into_iter()
        .map(|server| server_name(world, *server))
        .collect();
    names.sort();
    some(names.iter().map(|name| format!("`{name}`")).collect())
}

/// A list in words: the first few of it, and how many more there are.
pub(super) fn some(mut items: Vec<String>) -> String {
    let more = items.len().saturating_sub(SHOWN);
    if more > 0 {
        items.truncate(SHOWN);
        items.push(format!("{more} more"));
    }
    match items.split_last() {
        Some((end, others)) if !others.is_empty() => format!("{} and {end}", others.join(", ")),
        _ => items.concat(),
    }
}

/// Names of sites in backticks.
pub(super) fn sites_named<'s, I>(world: &World, sites: I) -> String
where
    I: IntoIterator<Item = &'s SiteIndex>,
{
    let names = sites.into_iter().map(|site| world.site_name(*site));
    quoted(names)
}

/// `1 client`, `2 clients`.
pub(super) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

//! Declarations, and what a server says where one was asked → the rules of one site.
//!
//! Pure. What is not known is an error and never a gap in the list: a rule that is missing closes a port.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::ports::{self, Numbers, Opening, Ports, Protocol, Source};
use super::seen::{Live, addresses};
use crate::model::{Computer, Desired, DesiredSite, Guid, Name, Role, Snapshot, Subnet};

/// What a list is made of.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The declarations.
    pub desired: &'a Desired,
    /// The site.
    pub site: &'a Name,
    /// The SMP's own computer, where its name is known.
    pub platform: Option<&'a Name>,
    /// Addresses by name that somebody gives; `SMP` is the SMP whatever its name.
    pub addresses: &'a BTreeMap<Name, BTreeSet<Ipv4Addr>>,
    /// What the server holds, where one was asked: addresses, roles, servers that stand in the site by their address.
    pub snapshot: Option<&'a Snapshot>,
}

/// Why there is no list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FirewallError {
    /// The site is not declared.
    #[error("expected a declared site, found `{0}`")]
    UnknownSite(Name, Vec<Name>),
    /// There are no clients.
    #[error("expected subnets of clients in site `{0}`, found none")]
    NoClients(Name),
    /// What servers do is not declared.
    #[error("expected the roles of {}, found none declared", listed(.0))]
    RolesUnknown(Vec<Name>),
    /// Addresses are needed and not known.
    #[error("expected the addresses of {}, found none", listed(.0))]
    AddressesUnknown(Vec<Name>),
    /// A declared server is not known to the SMP.
    #[error("expected one computer named `{name}` on the SMP, found {found}")]
    NotSeen {
        /// The declared name.
        name: Name,
        /// How many there are.
        found: usize,
    },
    /// An address was given for a computer that is not in the list.
    #[error("expected one of {} in `--address`, found `{name}`", listed(.known))]
    StrayAddress {
        /// What was given.
        name: Name,
        /// The servers of the list.
        known: Vec<Name>,
    },
}

impl FirewallError {
    /// Its code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownSite(..) => "SW0901",
            Self::NoClients(_) => "SW0902",
            Self::RolesUnknown(_) => "SW0903",
            Self::AddressesUnknown(_) => "SW0904",
            Self::NotSeen { .. } => "SW0905",
            Self::StrayAddress { .. } => "SW0906",
        }
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownSite(_, known) if known.is_empty() => None,
            Self::UnknownSite(_, known) => Some(format!("declared are {}", listed(known))),
            Self::NoClients(_) => Some("declare its `subnets`".into()),
            Self::RolesUnknown(_) => {
                Some("declare `roles`, or pass --live to take the installed services".into())
            }
            Self::AddressesUnknown(names) => {
                let first = names.first().map_or("SERVER", |name| name.as_str());
                Some(format!(
                    "pass --address {first}=IP for each, or --live to take those of the inventory"
                ))
            }
            Self::NotSeen { found: 0, .. } => {
                Some("check the spelling, and that the computer has sent inventory".into())
            }
            Self::NotSeen { .. } => Some("declare the fully qualified name".into()),
            Self::StrayAddress { .. } => None,
        }
    }
}

fn listed(names: &[Name]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// A server of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its name; `SMP` for the SMP where its name is not known.
    pub name: Name,
    /// Whether it is the SMP.
    pub platform: bool,
    /// What it does for the site.
    pub roles: BTreeSet<Role>,
    /// Its addresses; empty where they are not known.
    pub addresses: BTreeSet<Ipv4Addr>,
}

/// One end of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// The clients of the site.
    Clients,
    /// The host at this position.
    Host(usize),
    /// Multicast groups, `first-last`.
    Group(&'static str),
}

/// One thing that is let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Who begins.
    pub from: End,
    /// Whom.
    pub to: End,
    /// How.
    pub protocol: Protocol,
    /// At which ports of the other side.
    pub ports: Vec<Ports>,
    /// What for.
    pub purpose: &'static str,
    /// Who says so.
    pub source: Source,
}

/// The allow-list of one site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowList {
    /// The site.
    pub site: Name,
    /// The subnets of its clients, sorted; without the addresses that are carved out for servers.
    pub clients: Vec<Subnet>,
    /// Its servers by name, the SMP last.
    pub hosts: Vec<Host>,
    /// The rules, by server.
    pub rules: Vec<Rule>,
    /// What else is to be said, a sentence each.
    pub remarks: Vec<String>,
}

impl AllowList {
    /// Makes the list of a site.
    ///
    /// Guarantees: pure; every port of every role in use is in the list, and no other.
    pub fn of(inputs: &Inputs<'_>) -> Result<Self, FirewallError> {
        let Inputs {
            desired,
            site: name,
            platform,
            addresses,
            snapshot,
        } = *inputs;
        let site = desired.sites.get(name).ok_or_else(|| {
            FirewallError::UnknownSite(name.clone(), desired.sites.keys().cloned().collect())
        })?;
        let live = snapshot.map(|snapshot| Live::new(snapshot, desired));
        let mut hosts = Hosts::default();
        for server in declared_servers(site, live.as_ref()) {
            hosts.declared(&server, desired, live.as_ref())?;
        }
        if let Some(live) = &live {
            for computer in live.standing_in(&site.name) {
                hosts.seen(computer, desired, live);
            }
        }
        hosts.platform(platform, desired, live.as_ref());
        let mut hosts = hosts.list;
        hosts.sort_by(|a, b| (a.platform, &a.name).cmp(&(b.platform, &b.name)));
        let unknown: Vec<Name> = (hosts.iter().filter(|host| host.roles.is_none()))
            .map(|host| host.name.clone())
            .collect();
        if !unknown.is_empty() {
            return Err(FirewallError::RolesUnknown(unknown));
        }
        let mut hosts: Vec<Host> = hosts.into_iter().map(Draft::finish).collect();
        given(&mut hosts, addresses)?;

        let subnets: BTreeSet<Subnet> = match (&site.subnets, &live) {
            (Some(subnets), _) => subnets.keys().copied().collect(),
            (None, Some(live)) => live.subnets_of(&site.name),
            (None, None) => BTreeSet::new(),
        };
        let own: BTreeSet<Subnet> = hosts
            .iter()
            .flat_map(|host| host.addresses.iter().map(|address| Subnet::host(*address)))
            .collect();
        let carved: Vec<Subnet> = subnets.intersection(&own).copied().collect();
        // What lies inside another of them is said by it; sorted, an outer subnet comes first.
        let mut clients: Vec<Subnet> = Vec::new();
        for subnet in subnets.difference(&own) {
            if !clients.last().is_some_and(|outer| outer.encloses(*subnet)) {
                clients.push(*subnet);
            }
        }
        if clients.is_empty() {
            return Err(FirewallError::NoClients(site.name.clone()));
        }
        let foreign = foreign(&site.name, &clients, desired, live.as_ref());
        let rules = rules(&hosts, Numbers::of(&desired.settings.ports));
        let remarks = remarks(&hosts, &carved, &foreign, live.is_some());
        Ok(Self {
            site: site.name.clone(),
            clients,
            hosts,
            rules,
            remarks,
        })
    }

    /// Fails where the addresses of servers are not known that `needed` names.
    pub(super) fn with_addresses(
        &self,
        needed: impl Fn(usize) -> bool,
    ) -> Result<(), FirewallError> {
        let unknown: Vec<Name> = self
            .hosts
            .iter()
            .enumerate()
            .filter(|(index, host)| needed(*index) && host.addresses.is_empty())
            .map(|(_, host)| host.name.clone())
            .collect();
        if unknown.is_empty() {
            Ok(())
        } else {
            Err(FirewallError::AddressesUnknown(unknown))
        }
    }

    pub(super) fn host(&self, index: usize) -> Option<&Host> {
        self.hosts.get(index)
    }
}

/// The servers of a site by name: as declared, else as the server has them.
fn declared_servers(site: &DesiredSite, live: Option<&Live<'_>>) -> Vec<Name> {
    match (&site.servers, live) {
        (Some(servers), _) => servers.keys().cloned().collect(),
        (None, Some(live)) => live.assigned_to(&site.name),
        (None, None) => Vec::new(),
    }
}

/// A host whose roles may still be unknown.
struct Draft {
    name: Name,
    guid: Option<Guid>,
    platform: bool,
    roles: Option<BTreeSet<Role>>,
    addresses: BTreeSet<Ipv4Addr>,
}

impl Draft {
    fn finish(self) -> Host {
        let Self {
            name,
            guid: _, // it told hosts apart
            platform,
            roles,
            addresses,
        } = self;
        Host {
            name,
            platform,
            roles: roles.unwrap_or_default(),
            addresses,
        }
    }
}

#[derive(Default)]
struct Hosts {
    list: Vec<Draft>,
}

impl Hosts {
    fn declared(
        &mut self,
        name: &Name,
        desired: &Desired,
        live: Option<&Live<'_>>,
    ) -> Result<(), FirewallError> {
        let computer = live.map(|live| live.computer(name)).transpose()?;
        self.add(name, computer, desired, live);
        Ok(())
    }

    fn seen(&mut self, computer: &Computer, desired: &Desired, live: &Live<'_>) {
        self.add(&computer.name, Some(computer), desired, Some(live));
    }

    fn add(
        &mut self,
        name: &Name,
        computer: Option<&Computer>,
        desired: &Desired,
        live: Option<&Live<'_>>,
    ) {
        let same = |draft: &Draft| match (draft.guid, computer) {
            (Some(guid), Some(computer)) => guid == computer.guid,
            _ => name.names_same(&draft.name),
        };
        if self.list.iter().any(same) {
            return;
        }
        let roles = roles(name, computer, desired, live);
        self.list.push(Draft {
            name: name.clone(),
            guid: computer.map(|computer| computer.guid),
            platform: false,
            roles,
            addresses: computer.map(addresses).unwrap_or_default(),
        });
    }

    /// The SMP is always among them. What it does beside being the SMP may stay unknown.
    fn platform(&mut self, name: Option<&Name>, desired: &Desired, live: Option<&Live<'_>>) {
        let computer = live.and_then(Live::platform);
        let name = computer.map(|computer| &computer.name).or(name).cloned();
        let name = name.unwrap_or_else(|| Name::new(PLATFORM));
        let known = self.list.iter_mut().find(|draft| {
            computer.is_some_and(|computer| draft.guid == Some(computer.guid))
                || draft.name.names_same(&name)
        });
        if let Some(draft) = known {
            draft.platform = true;
            return;
        }
        let roles = roles(&name, computer, desired, live);
        self.list.push(Draft {
            roles: Some(roles.unwrap_or_default()),
            guid: computer.map(|computer| computer.guid),
            platform: true,
            addresses: computer.map(addresses).unwrap_or_default(),
            name,
        });
    }
}

/// What stands for the SMP where its name is not known.
const PLATFORM: &str = "SMP";

/// Declared roles and, where a server was asked, installed ones; `None` where neither is known.
fn roles(
    name: &Name,
    computer: Option<&Computer>,
    desired: &Desired,
    live: Option<&Live<'_>>,
) -> Option<BTreeSet<Role>> {
    let declared = (desired.servers.iter())
        .find(|(server, _)| name.names_same(server))
        .map(|(_, server)| server.roles.keys().copied().collect::<BTreeSet<Role>>());
    let installed = match (live, computer) {
        (Some(live), Some(computer)) => live.snapshot.roles_of(computer.guid).known().cloned(),
        _ => None,
    };
    match (declared, installed) {
        (None, None) => None,
        (one, other) => Some(one.into_iter().chain(other).flatten().collect()),
    }
}

/// Puts given addresses in the place of seen ones.
fn given(
    hosts: &mut [Host],
    addresses: &BTreeMap<Name, BTreeSet<Ipv4Addr>>,
) -> Result<(), FirewallError> {
    for (name, addresses) in addresses {
        let by_name = hosts.iter().position(|host| host.name.names_same(name));
        let position = by_name.or_else(|| {
            let platform = *name == Name::new(PLATFORM);
            hosts.iter().position(|host| platform && host.platform)
        });
        match position.and_then(|position| hosts.get_mut(position)) {
            Some(host) => host.addresses.clone_from(addresses),
            None => {
                return Err(FirewallError::StrayAddress {
                    name: name.clone(),
                    known: hosts.iter().map(|host| host.name.clone()).collect(),
                });
            }
        }
    }
    Ok(())
}

fn rules(hosts: &[Host], ports: Numbers) -> Vec<Rule> {
    let mut rules = Vec::new();
    let mut open = |from: End, to: End, opening: Opening| {
        let Opening {
            protocol,
            ports,
            purpose,
            source,
        } = opening;
        rules.push(Rule {
            from,
            to,
            protocol,
            ports,
            purpose,
            source,
        });
    };
    let smp = hosts.iter().position(|host| host.platform).map(End::Host);
    for (index, host) in hosts.iter().enumerate() {
        let end = End::Host(index);
        let has = |role| host.roles.contains(&role);
        if host.platform {
            open(End::Clients, end, ports.platform());
        } else if has(Role::Package) {
            open(End::Clients, end, ports.packages());
        }
        if host.platform || has(Role::Task) {
            open(End::Clients, end, ports.tasks());
        }
        if has(Role::Task) {
            open(End::Clients, end, ports::agent_tickle());
        }
        if has(Role::NetworkBoot) {
            for opening in ports::boot_requests() {
                open(End::Clients, end, opening);
            }
            open(end, End::Clients, ports::boot_answers());
            let groups = End::Group(ports::IMAGING_GROUPS);
            open(end, groups, ports::imaging_multicast());
        }
        if has(Role::Task)
            && !host.platform
            && let Some(smp) = smp
        {
            open(end, smp, ports::server_tickle());
        }
    }
    let boots = |host: &Host| host.roles.contains(&Role::NetworkBoot);
    if hosts.iter().any(boots)
        && let Some(smp) = smp
    {
        let groups = End::Group(ports::IMAGING_GROUPS);
        open(End::Clients, groups, ports::imaging_multicast());
        open(smp, End::Clients, ports::wake());
        open(smp, End::Group(ports::ANY_GROUP), ports::wake_multicast());
    }
    rules
}

/// Subnets of other sites inside those of the clients.
fn foreign(
    site: &Name,
    clients: &[Subnet],
    desired: &Desired,
    live: Option<&Live<'_>>,
) -> BTreeMap<Subnet, Name> {
    let declared = (desired.sites.values()).flat_map(|site| {
        let subnets = site.subnets.iter().flat_map(|subnets| subnets.keys());
        subnets.map(|subnet| (*subnet, site.name.clone()))
    });
    let seen = (live.into_iter().flat_map(|live| &live.subnets))
        .flat_map(|(subnet, sites)| sites.iter().map(|site| (*subnet, site.clone())));
    declared
        .chain(seen)
        .filter(|(subnet, owner)| {
            owner != site && clients.iter().any(|outer| outer.encloses(*subnet))
        })
        .collect()
}

fn remarks(
    hosts: &[Host],
    carved: &[Subnet],
    foreign: &BTreeMap<Subnet, Name>,
    live: bool,
) -> Vec<String> {
    let mut remarks = Vec::new();
    for subnet in carved {
        remarks.push(format!(
            "{subnet} is a server's own address and no subnet of clients: it is left out."
        ));
    }
    if !foreign.is_empty() {
        let mut listed: Vec<String> = (foreign.iter().take(5))
            .map(|(subnet, site)| format!("{subnet} of {site}"))
            .collect();
        if foreign.len() > listed.len() {
            listed.push(format!("{} more", foreign.len() - listed.len()));
        }
        remarks.push(format!(
            "Let through as well, since it lies inside: {}.",
            listed.join(", ")
        ));
    }
    let has = |role| hosts.iter().any(|host| host.roles.contains(&role));
    if has(Role::NetworkBoot) {
        remarks.push(
            "A client that boots has no address yet: in another subnet than the server's it needs a \
             DHCP relay, whose address is one of the client subnets."
                .into(),
        );
    }
    if has(Role::Monitor) {
        remarks
            .push("No source names a port of the monitor service: none is opened for it.".into());
    }
    if !live {
        remarks.push(
            "Made of the declarations alone. With --live, servers that serve the site by their own \
             address and roles that nobody declares are in it as well."
                .into(),
        );
    }
    remarks
}

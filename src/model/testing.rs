//! Small worlds and declarations for the tests of the pure stages: `world().site("HQ").subnet(…)`, `desired().site(…)`.
//!
//! Pure, and compiled for tests only. GUIDs are counted: sites from 0x1000, subnets from 0x2000, computers from
//! 0x3000, packages from 0x4000, services from 0x5000.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::*;

pub(crate) fn origin() -> Origin {
    Origin {
        file: "test.yaml".into(),
        line: 1,
        column: 1,
    }
}

pub(crate) fn said<T>(value: T) -> Declared<T> {
    Declared {
        value,
        origin: origin(),
    }
}

pub(crate) fn net(text: &str) -> Subnet {
    text.parse().unwrap()
}

/// What is observed and what is remembered.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) snapshot: Snapshot,
    pub(crate) ownership: Ownership,
}

/// An SMP with its own computer `SMP01.corp.example`, which stands at 192.168.0.10 and has both roles.
pub(crate) fn world() -> Seen {
    bare().server("SMP01.corp.example", &["192.168.0.10"], "package task")
}

/// An SMP that shows nothing, not even its own computer; the first server that is added is that.
pub(crate) fn bare() -> Seen {
    Seen {
        snapshot: Snapshot {
            platform: Platform {
                server: Guid::from_u128(0x3000),
                name: Name::new("SMP01.corp.example"),
            },
            sites: Observed::Known(vec![]),
            subnets: Observed::Known(vec![]),
            services: Observed::Known(vec![]),
            computers: BTreeMap::new(),
            unasked: BTreeSet::new(),
            packages: Observed::Known(vec![]),
            assignments: BTreeMap::new(),
            holders: BTreeMap::new(),
            tasks: BTreeMap::new(),
            capture_target: Observed::Known(None),
            unlisted: BTreeMap::new(),
            surroundings: Surroundings::default(),
            unplaced: vec![],
        },
        ownership: Ownership::default(),
    }
}

pub(crate) fn known<T>(observed: &mut Observed<T>) -> &mut T {
    match observed {
        Observed::Known(value) => value,
        Observed::Unavailable(reason) => panic!("unavailable: {reason}"),
    }
}

fn next(base: u128, count: usize) -> Guid {
    Guid::from_u128(base + u128::try_from(count).unwrap())
}

impl Seen {
    pub(crate) fn site(mut self, name: &str) -> Self {
        let sites = known(&mut self.snapshot.sites);
        sites.push(ObservedSite {
            guid: next(0x1000, sites.len()),
            name: Name::new(name),
            shown: None,
            description: Observed::Known(String::new()),
            servers: BTreeSet::new(),
            constrained: Observed::Known(false),
        });
        self
    }

    /// Changes the site that was added last.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut ObservedSite)) -> Self {
        change(known(&mut self.snapshot.sites).last_mut().unwrap());
        self
    }

    pub(crate) fn constrained(self) -> Self {
        self.with(|site| site.constrained = Observed::Known(true))
    }

    pub(crate) fn subnet(mut self, subnet: &str, sites: &[&str]) -> Self {
        let sites = sites.iter().map(|name| self.site_guid(name)).collect();
        let subnets = known(&mut self.snapshot.subnets);
        subnets.push(ObservedSubnet {
            guid: next(0x2000, subnets.len()),
            subnet: subnet.parse().map_err(|_| subnet.into()),
            sites,
        });
        self
    }

    pub(crate) fn server(mut self, name: &str, addresses: &[&str], roles: &str) -> Self {
        let guid = next(0x3000, self.snapshot.computers.len());
        self.snapshot.computers.insert(
            guid,
            Computer {
                guid,
                name: Name::new(name),
                addresses: Observed::Known(
                    addresses.iter().map(|a| (a.parse().unwrap(), 24)).collect(),
                ),
            },
        );
        for role in roles.split_whitespace() {
            let services = known(&mut self.snapshot.services);
            services.push(Service {
                guid: next(0x5000, services.len()),
                computer: guid,
                role: ServiceRole::Known(role.parse().unwrap()),
            });
        }
        self
    }

    pub(crate) fn assign(mut self, site: &str, servers: &[&str]) -> Self {
        let guids: Vec<Guid> = servers.iter().map(|s| self.server_guid(s)).collect();
        let sites = known(&mut self.snapshot.sites);
        let site = sites.iter_mut().find(|s| s.name == Name::new(site));
        site.unwrap().servers.extend(guids);
        self
    }

    /// A package with its assignment: `all`, `servers A B` or `sites A B`; and with the servers that hold it.
    pub(crate) fn package(mut self, name: &str, assignment: &str, holders: &[&str]) -> Self {
        let packages = known(&mut self.snapshot.packages);
        let guid = next(0x4000, packages.len());
        packages.push(Listed {
            guid,
            name: Name::new(name),
        });
        let mut words = assignment.split_whitespace();
        let assignment = match words.next().unwrap() {
            "all" => Assignment::All,
            "servers" => Assignment::Servers(words.map(|name| self.server_guid(name)).collect()),
            _ => Assignment::Sites {
                sites: words.map(|name| self.site_guid(name)).collect(),
                automatic: false,
            },
        };
        let holders = holders.iter().map(|name| self.server_guid(name)).collect();
        let snapshot = &mut self.snapshot;
        snapshot
            .assignments
            .insert(guid, Observed::Known(assignment));
        snapshot.holders.insert(guid, Observed::Known(holders));
        self
    }

    pub(crate) fn task(mut self, name: &str, packages: &[&str]) -> Self {
        let list = known(&mut self.snapshot.packages);
        let guids = packages
            .iter()
            .map(|name| {
                list.iter()
                    .find(|p| p.name == Name::new(name))
                    .unwrap()
                    .guid
            })
            .collect();
        self.snapshot
            .tasks
            .insert(Name::new(name), Observed::Known(guids));
        self
    }

    /// Gives a server the facts of one that is in order, changed so.
    pub(crate) fn facts(mut self, server: &str, change: impl FnOnce(&mut Facts)) -> Self {
        let guid = self.server_guid(server);
        let mut facts = self.snapshot.surroundings.facts.remove(&guid);
        change(facts.get_or_insert_with(in_order));
        self.snapshot
            .surroundings
            .facts
            .extend(facts.map(|facts| (guid, facts)));
        self
    }

    /// Gives a server these plug-ins and the facts of one that is in order.
    pub(crate) fn plug_ins(self, server: &str, plug_ins: &[&str]) -> Self {
        let plug_ins = named_plug_ins(plug_ins);
        self.facts(server, |facts| facts.plug_ins = Observed::Known(plug_ins))
    }

    /// Adds clients in a row, the first at `first`; `None`: their plug-ins are not known.
    pub(crate) fn clients(mut self, count: u32, first: &str, plug_ins: Option<&[&str]>) -> Self {
        let plug_ins = plug_ins.map(named_plug_ins);
        let first = u32::from(first.parse::<Ipv4Addr>().unwrap());
        let clients = &mut self.snapshot.surroundings.clients;
        if clients.known().is_none() {
            *clients = Observed::Known(vec![]);
        }
        let clients = known(clients);
        for number in 0..count {
            clients.push(Client {
                guid: next(0x10000, clients.len()),
                name: Name::new(&format!("PC{:03}.corp.example", clients.len() + 1)),
                addresses: vec![(Ipv4Addr::from(first + number), 24)],
                plug_ins: plug_ins.clone(),
            });
        }
        self
    }

    /// What the operator says of the product.
    pub(crate) fn product(mut self, change: impl FnOnce(&mut Product)) -> Self {
        change(&mut self.snapshot.surroundings.product);
        self
    }

    /// Changes anything.
    pub(crate) fn but(mut self, change: impl FnOnce(&mut Snapshot)) -> Self {
        change(&mut self.snapshot);
        self
    }

    pub(crate) fn owns_site(mut self, name: &str, how: Held) -> Self {
        let guid = self.site_guid(name);
        self.ownership.sites.insert(guid, owned(name, how));
        self
    }

    pub(crate) fn protected(mut self) -> Self {
        for owned in self.ownership.sites.values_mut() {
            owned.protected = true;
        }
        self
    }

    pub(crate) fn owns_subnet(mut self, subnet: &str, how: Held) -> Self {
        let subnets = self.snapshot.subnets.known().unwrap();
        let found = subnets.iter().find(|s| s.subnet == Ok(net(subnet)));
        let guid = found.map_or(Guid::from_u128(0x2fff), |subnet| subnet.guid);
        self.ownership.subnets.insert(guid, owned(subnet, how));
        self
    }

    pub(crate) fn attested(mut self, step: &str, value: &str) -> Self {
        self.ownership.attestations.insert(
            step.into(),
            Attestation {
                value: value.into(),
                reason: "seen in the console".into(),
                by: "kim".into(),
                at: "2026-03-01T10:00:00Z".into(),
            },
        );
        self
    }

    pub(crate) fn site_guid(&self, name: &str) -> Guid {
        let sites = self.snapshot.sites.known().unwrap();
        sites
            .iter()
            .find(|s| s.name == Name::new(name))
            .unwrap()
            .guid
    }

    pub(crate) fn server_guid(&self, name: &str) -> Guid {
        self.snapshot.computers_named(&Name::new(name))[0].guid
    }
}

fn named_plug_ins(names: &[&str]) -> Arc<BTreeSet<Name>> {
    Arc::new(names.iter().map(|name| Name::new(name)).collect())
}

/// What inventory says of a server that is ready for any role.
fn in_order() -> Facts {
    let text = |text: &str| Observed::Known(text.to_owned());
    Facts {
        operating_system: text("Windows Server 2022"),
        managed: Observed::Known(true),
        local: Observed::Known(true),
        asset_active: Observed::Known(true),
        agent_version: text("8.7.3"),
        cem_mode: Observed::Known(false),
        iis: Observed::Known(true),
        http_server: Observed::Known(true),
        dotnet: text("4.8"),
        plug_ins: Observed::Known(Arc::new(
            PlugIn::ALL
                .map(|plug_in| Name::new(plug_in.as_str()))
                .into(),
        )),
        inventoried: text("2026-01-02"),
        answering: Observed::Known(true),
    }
}

fn owned(name: &str, how: Held) -> Owned {
    Owned {
        name: Name::new(name),
        how,
        protected: false,
    }
}

/// Nothing declared yet.
pub(crate) fn desired() -> Desired {
    Desired::default()
}

impl Desired {
    /// Says what a declared site was called.
    pub(crate) fn formerly(mut self, site: &str, names: &[&str]) -> Self {
        let site = self.sites.get_mut(&Name::new(site)).unwrap();
        site.formerly = names.iter().map(|name| said(Name::new(name))).collect();
        self
    }

    pub(crate) fn site(mut self, name: &str) -> Self {
        let name = Name::new(name);
        self.sites.insert(
            name.clone(),
            DesiredSite {
                name,
                kind: SiteKind::Site,
                origin: origin(),
                description: None,
                subnets: None,
                servers: None,
                constrain: None,
                deploy_tasks: vec![],
                formerly: vec![],
                lifecycle: Lifecycle::default(),
            },
        );
        self
    }

    /// Changes a declared site.
    pub(crate) fn of(mut self, name: &str, change: impl FnOnce(&mut DesiredSite)) -> Self {
        change(self.sites.get_mut(&Name::new(name)).unwrap());
        self
    }

    pub(crate) fn deployment_site(self, name: &str) -> Self {
        self.site(name)
            .of(name, |site| site.kind = SiteKind::DeploymentSite)
    }

    pub(crate) fn subnets(self, name: &str, subnets: &[&str]) -> Self {
        let subnets = subnets.iter().map(|s| (net(s), origin())).collect();
        self.of(name, |site| site.subnets = Some(subnets))
    }

    pub(crate) fn servers(self, name: &str, servers: &[&str]) -> Self {
        let servers = servers.iter().map(|s| (Name::new(s), origin())).collect();
        self.of(name, |site| site.servers = Some(servers))
    }

    pub(crate) fn describe(self, name: &str, text: &str) -> Self {
        self.of(name, |site| site.description = Some(said(text.into())))
    }

    pub(crate) fn constrain(self, name: &str, on: bool) -> Self {
        self.of(name, |site| site.constrain = Some(said(on)))
    }

    pub(crate) fn prevent_destroy(self, name: &str, on: bool) -> Self {
        self.of(name, |site| site.lifecycle.prevent_destroy = Some(said(on)))
    }

    pub(crate) fn ignore(self, name: &str, what: Ignorable) -> Self {
        self.of(name, |site| {
            site.lifecycle.ignore_changes.insert(what);
        })
    }

    pub(crate) fn roles(mut self, server: &str, roles: &str) -> Self {
        let name = Name::new(server);
        let roles = roles.split_whitespace();
        self.servers.insert(
            name.clone(),
            DesiredServer {
                name,
                roles: roles.map(|r| (r.parse().unwrap(), origin())).collect(),
                origin: origin(),
            },
        );
        self
    }

    /// A package: `all`, `servers A B` or `sites A B`; and the sites whose imaging asks for it.
    pub(crate) fn package(
        mut self,
        selector: PackageSelector,
        assignment: &str,
        sites: &[&str],
    ) -> Self {
        let mut words = assignment.split_whitespace();
        let kind = words.next().unwrap();
        let names: BTreeSet<Name> = words.map(Name::new).collect();
        self.packages.insert(
            selector.clone(),
            DesiredPackage {
                selector,
                assignment: match kind {
                    "all" => DesiredAssignment::All,
                    "servers" => DesiredAssignment::Servers(names),
                    _ => DesiredAssignment::Sites {
                        sites: names,
                        automatic: false,
                    },
                },
                sites: sites.iter().map(|site| Name::new(site)).collect(),
                origin: origin(),
            },
        );
        self
    }

    pub(crate) fn capture_target(mut self, server: &str) -> Self {
        self.settings.capture_target = Some(said(Name::new(server)));
        self
    }

    pub(crate) fn invalid_subnets(mut self, expression: &str) -> Self {
        self.settings.invalid_subnets = Some(said(expression.into()));
        self
    }
}

/// Selects a package by name.
pub(crate) fn named(name: &str) -> PackageSelector {
    PackageSelector::Name(Name::new(name))
}

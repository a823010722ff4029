//! Checks of servers: which of them are valid for the same addresses, and why each is.
//!
//! Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::{
    CHOSEN, Standing, article, chosen_roles, count, deployment_sites, deploys, has, joined, place,
    role_words, server_name, server_names, server_object, server_place, site_names, site_object,
    some, subnet_object, subnet_place, withheld,
};
use crate::model::{Guid, Role, Subnet};
use crate::plan::Severity;
use crate::select::{SiteIndex, World};
use crate::validate::{Check, Finding, Phase, View};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "flat-lan",
        severity: "error where a deployment server shares addresses of another site; warning where it may share \
             addresses in no site, where no site has a subnet, or where a DeploymentSite has two task servers; info in \
             an ordinary site",
        phases: &[Phase::Live],
        holds_when: "several servers of one role are valid for the same addresses and latency decides",
        explanation: "In one LAN the latency of two servers hardly differs, so agents drift between them: choosing the \
             nearest is choosing at random. Put the subnets into sites, each with the servers that are to serve it. In \
             an ordinary site several servers are redundancy, and normal; where a deployment server is one of them, \
             nothing of it is reserved for imaging.",
        sources: &[article::SITES],
        run: flat_lan,
    },
    Check {
        id: "server-outside-own-site",
        severity: "warning",
        phases: &[Phase::Live],
        holds_when: "a server that is assigned to a site stands in another one by its own address",
        explanation: "A manual assignment comes beside the automatic one and does not end it: the server serves the site \
             that it is assigned to and the one that it stands in. That is right for a package server that serves a \
             site from afar, and a surprise where the server was meant to move. Put its own address into the site \
             where it belongs, or leave it as it is knowingly.",
        sources: &[article::HIERARCHY],
        run: outside_own_site,
    },
    Check {
        id: "package-task-split",
        severity: "warning in a DeploymentSite, info else",
        phases: &[Phase::Live],
        holds_when: "the package servers and the task servers of a site differ",
        explanation: "Package servers and task servers are chosen apart: a client that gets its tasks from one server may \
             get its packages from another, and steering the one does not steer the other. In a deployment site give \
             both roles to the same servers. Elsewhere this may be meant: a remote site may only need a package server.",
        sources: &[article::SITES, article::SITE_SERVERS],
        run: split,
    },
    Check {
        id: "task-by-manual-only",
        severity: "warning",
        phases: &[Phase::Live],
        holds_when: "a site's task server is there by manual assignment alone",
        explanation: "Manual assignment steers package servers. For task servers nobody promises it: the agent chooses \
             among what it is offered and registers with one. Let the server stand in the site by its own address: in \
             one of its subnets, or with that address as a /32 of the site.",
        sources: &[article::SITES, article::HIERARCHY],
        run: task_by_manual_only,
    },
];

fn flat_lan(view: &View<'_>) -> Vec<Finding> {
    if view.snapshot.is_none() {
        return Vec::new();
    }
    let standing = Standing::of(view.world);
    let mut found = shared(view, &standing);
    found.extend(unchosen(view, &standing));
    found.extend(redundant(view, &standing));
    found
}

/// The servers of a role among some.
fn of_role(world: &World, servers: impl IntoIterator<Item = Guid>, role: Role) -> BTreeSet<Guid> {
    let servers = servers.into_iter();
    servers
        .filter(|server| world.has_role(*server, role))
        .collect()
}

/// The servers of deployment sites, the SMP apart, each with the first of its sites.
fn deployment_servers(world: &World, standing: &Standing) -> BTreeMap<Guid, SiteIndex> {
    let mut servers = BTreeMap::new();
    for site in deployment_sites(world) {
        for server in standing.serving(world, site) {
            if world.platform != Some(server) {
                servers.entry(server).or_insert(site);
            }
        }
    }
    servers
}

/// A deployment server that shares the addresses of another site with others of its role.
fn shared(view: &View<'_>, standing: &Standing) -> Vec<Finding> {
    let world = view.world;
    let with_subnets: BTreeSet<SiteIndex> = world.subnets.values().flatten().copied().collect();
    let mut found = Vec::new();
    for (server, home) in deployment_servers(world, standing) {
        let others: BTreeSet<SiteIndex> = standing
            .sites_of(server)
            .keys()
            .chain(standing.manual_sites_of(server))
            .copied()
            .filter(|site| with_subnets.contains(site) && !deploys(world, *site))
            .collect();
        let mut sharing: BTreeMap<SiteIndex, BTreeSet<Guid>> = BTreeMap::new();
        let mut roles = BTreeSet::new();
        for site in others {
            for role in chosen_roles(world, server) {
                let mut valid = of_role(world, standing.serving(world, site), role);
                valid.remove(&server);
                if !valid.is_empty() {
                    roles.insert(role);
                    sharing.entry(site).or_default().extend(valid);
                }
            }
        }
        if sharing.is_empty() {
            continue;
        }
        let roles: Vec<Role> = roles.into_iter().collect();
        let rivals: BTreeSet<Guid> = sharing.values().flatten().copied().collect();
        let rivals = server_names(world, &rivals);
        found.push(Finding {
            objects: sharing
                .keys()
                .chain([&home])
                .map(|site| site_object(world, *site))
                .chain([server_object(world, server)])
                .collect(),
            severity: Severity::Error,
            message: format!(
                "`{}` of deployment site `{}` shares the addresses of {} with {}, which {} {} {} too: latency decides",
                server_name(world, server),
                world.site_name(home),
                some(site_names(world, sharing.keys())),
                some(&rivals),
                if rivals.len() == 1 { "is a" } else { "are" },
                role_words(&roles),
                if rivals.len() == 1 { "server" } else { "servers" },
            ),
            remedy: format!(
                "let `{}` serve its own site only: `server-not-dedicated` says how",
                server_name(world, server)
            ),
            places: sharing
                .keys()
                .take(3)
                .chain([&home])
                .filter_map(|site| server_place(view, *site, server))
                .collect(),
        });
    }
    found
}

/// Subnets with the same servers are one finding: a flat LAN has one cause. Lists of servers are numbered, since a
/// hundred thousand subnets may share one of thousands.
#[derive(Default)]
struct Unchosen {
    lists: BTreeMap<Vec<Guid>, usize>,
    groups: BTreeMap<(usize, Vec<Role>), Vec<Subnet>>,
}

impl Unchosen {
    /// The number of a list of servers.
    fn number(&mut self, list: Vec<Guid>) -> usize {
        let next = self.lists.len();
        *self.lists.entry(list).or_insert(next)
    }
}

/// Servers that are valid for the same subnets.
type Lent<'a> = (Vec<Guid>, &'a [Subnet]);

/// Known subnets in no site for which several servers of one role are valid: all of them while no site has a subnet,
/// else those that a deployment server may share.
///
/// Servers that stand in such a subnet come first, else all are valid. Once there are sites the sources contradict each
/// other; this is the reading that lets a deployment server in.
fn unchosen(view: &View<'_>, standing: &Standing) -> Vec<Finding> {
    let world = view.world;
    let no_sites = world.subnets.values().all(BTreeSet::is_empty);
    let deployment = deployment_servers(world, standing);
    if !no_sites && deployment.is_empty() {
        return Vec::new();
    }
    let mut by_address: BTreeMap<Ipv4Addr, BTreeSet<Guid>> = BTreeMap::new();
    // Carved out or not: a /32 puts a server into a site and does not take it off the subnet that its clients see.
    for (guid, server) in &world.servers {
        for (address, _) in server.addresses.iter().flatten() {
            by_address.entry(*address).or_default().insert(*guid);
        }
    }
    let mut unchosen = Unchosen::default();
    let everywhere = CHOSEN.map(|role| {
        let all: Vec<Guid> = of_role(world, world.servers.keys().copied(), role)
            .into_iter()
            .collect();
        let shared = all.iter().any(|server| deployment.contains_key(server));
        (role, all.len(), shared, unchosen.number(all))
    });
    let assigned = world.assigned();
    for (subnet, sites) in &world.subnets {
        if !sites.is_empty() || assigned.nearest(*subnet).is_some() {
            continue;
        }
        let (first, last) = subnet.range();
        let near: BTreeSet<Guid> = by_address
            .range(Ipv4Addr::from(first)..=Ipv4Addr::from(last))
            .flat_map(|(_, servers)| servers.iter().copied())
            .collect();
        let mut by_servers: BTreeMap<usize, Vec<Role>> = BTreeMap::new();
        for (role, all, all_shared, everyone) in everywhere {
            let near = of_role(world, near.iter().copied(), role);
            let (number, shared, valid) = if near.is_empty() {
                (all, all_shared, everyone)
            } else {
                let shared = near.iter().any(|server| deployment.contains_key(server));
                (
                    near.len(),
                    shared,
                    unchosen.number(near.into_iter().collect()),
                )
            };
            if number > 1 && (no_sites || shared) {
                by_servers.entry(valid).or_default().push(role);
            }
        }
        for (servers, roles) in by_servers {
            unchosen
                .groups
                .entry((servers, roles))
                .or_default()
                .push(*subnet);
        }
    }
    let Unchosen { lists, groups } = unchosen;
    let by_number: BTreeMap<usize, Vec<Guid>> =
        lists.into_iter().map(|(list, n)| (n, list)).collect();
    let mut found = Vec::new();
    // What deployment servers lend of each role is one finding: it has one remedy.
    let mut lent: BTreeMap<Lent<'_>, Vec<(&[Role], usize)>> = BTreeMap::new();
    for ((servers, roles), subnets) in &groups {
        let Some(servers) = by_number.get(servers) else {
            continue;
        };
        let own: Vec<Guid> = servers
            .iter()
            .filter(|server| deployment.contains_key(server))
            .copied()
            .collect();
        if own.is_empty() {
            found.push(drifting(world, servers, roles, subnets));
        } else {
            let others = servers.len() - own.len();
            lent.entry((own, subnets))
                .or_default()
                .push((roles, others));
        }
    }
    found.extend(
        lent.into_iter()
            .map(|((own, subnets), beside)| lending(view, &deployment, &own, subnets, &beside)),
    );
    found
}

/// Subnets in no site for which the same servers are valid, none of them for deployment.
fn drifting(world: &World, servers: &[Guid], roles: &[Role], subnets: &[Subnet]) -> Finding {
    Finding {
        objects: subnets
            .iter()
            .map(|subnet| subnet_object(*subnet))
            .collect(),
        severity: Severity::Warning,
        message: format!(
            "{} are all valid {} servers for {}, which {} in no site: latency decides, and agents drift",
            some(server_names(world, servers)),
            role_words(roles),
            some(subnets),
            if subnets.len() == 1 { "is" } else { "are" },
        ),
        remedy: "put the subnets into sites, each with the servers that are to serve it".into(),
        places: BTreeSet::new(),
    }
}

/// Subnets in no site that deployment servers may serve, with how many others there are of each role.
fn lending(
    view: &View<'_>,
    deployment: &BTreeMap<Guid, SiteIndex>,
    own: &[Guid],
    subnets: &[Subnet],
    beside: &[(&[Role], usize)],
) -> Finding {
    let world = view.world;
    let homes: Vec<(&Guid, &SiteIndex)> = own
        .iter()
        .filter_map(|server| deployment.get_key_value(server))
        .collect();
    let (verb, pronoun) = if subnets.len() == 1 {
        ("is", "it")
    } else {
        ("are", "them")
    };
    let beside: Vec<String> = beside
        .iter()
        .map(|(roles, others)| count(*others, &format!("{} server", role_words(roles))))
        .collect();
    Finding {
        // Where sites exist, what is in none may be a hundred thousand subnets: the deployment servers stand for them.
        objects: homes
            .iter()
            .flat_map(|(server, site)| [server_object(world, **server), site_object(world, **site)])
            .collect(),
        severity: Severity::Warning,
        message: format!(
            "deployment {} {} may also serve {}, which {verb} in no site, beside {}",
            if own.len() == 1 { "server" } else { "servers" },
            some(server_names(world, own)),
            some(subnets),
            joined(&beside),
        ),
        remedy: format!("put {pronoun} into sites, or delete what is no longer in use"),
        places: homes
            .iter()
            .take(3)
            .filter_map(|(server, site)| server_place(view, **site, **server))
            .collect(),
    }
}

/// Several servers of a role in one site: two task servers of a deployment site each by themselves, the ordinary sites
/// all together.
fn redundant(view: &View<'_>, standing: &Standing) -> Vec<Finding> {
    let world = view.world;
    let with_subnets: BTreeSet<SiteIndex> = world.subnets.values().flatten().copied().collect();
    let mut found = Vec::new();
    let mut normal: BTreeMap<SiteIndex, BTreeSet<Guid>> = BTreeMap::new();
    // An ordinary site that a deployment server shares is an error already.
    let deployment = deployment_servers(world, standing);
    for site in with_subnets {
        let servers = standing.serving(world, site);
        let task = of_role(world, servers.iter().copied(), Role::Task);
        let package = of_role(world, servers, Role::Package);
        if deploys(world, site) && task.len() > 1 {
            let names = server_names(world, &task);
            found.push(Finding {
                objects: task
                    .iter()
                    .map(|server| server_object(world, *server))
                    .chain([site_object(world, site)])
                    .collect(),
                severity: Severity::Warning,
                message: format!(
                    "deployment site `{}` has {} task servers, {}: the agent picks one, whichever answers faster",
                    world.site_name(site),
                    task.len(),
                    some(&names)
                ),
                remedy: "let one server of the site have the task role".into(),
                places: task
                    .iter()
                    .take(3)
                    .filter_map(|server| server_place(view, site, *server))
                    .collect(),
            });
        } else if (task.len() > 1 || package.len() > 1)
            && (deploys(world, site)
                || task
                    .union(&package)
                    .all(|server| !deployment.contains_key(server)))
        {
            normal.insert(site, task.union(&package).copied().collect());
        }
    }
    found.extend(normal_redundancy(view, &normal));
    found
}

fn normal_redundancy(
    view: &View<'_>,
    normal: &BTreeMap<SiteIndex, BTreeSet<Guid>>,
) -> Option<Finding> {
    let world = view.world;
    let message = match normal.first_key_value()? {
        (site, servers) if normal.len() == 1 => format!(
            "{} share the addresses of `{}`: redundancy, if it is meant",
            some(server_names(world, servers)),
            world.site_name(*site)
        ),
        _ => format!(
            "in {}, {}, several servers share the addresses: redundancy, if it is meant",
            count(normal.len(), "site"),
            some(site_names(world, normal.keys()))
        ),
    };
    Some(Finding {
        objects: normal.keys().map(|site| site_object(world, *site)).collect(),
        severity: Severity::Info,
        message,
        remedy: "none where several servers are meant: a client cannot be told which of them it will use".into(),
        places: normal.keys().take(3).filter_map(|site| place(world, *site)).collect(),
    })
}

fn outside_own_site(view: &View<'_>) -> Vec<Finding> {
    let world = view.world;
    let standing = Standing::of(world);
    let mut found = Vec::new();
    for server in world
        .servers
        .keys()
        .filter(|server| !chosen_roles(world, **server).is_empty())
    {
        let stands = standing.sites_of(*server);
        // A deployment server that serves another site is an error of its own.
        let away: Vec<SiteIndex> = standing
            .manual_sites_of(*server)
            .iter()
            .copied()
            .filter(|site| !stands.contains_key(site) && !deploys(world, *site))
            .collect();
        let own = stands.iter().min_by_key(|(_, (address, _))| *address);
        let Some((own, (address, subnet))) = own.filter(|_| !away.is_empty()) else {
            continue;
        };
        if stands.keys().any(|site| deploys(world, *site)) {
            continue;
        }
        found.push(Finding {
            objects: away
                .iter()
                .map(|site| site_object(world, *site))
                .chain([server_object(world, *server)])
                .collect(),
            severity: Severity::Warning,
            message: format!(
                "`{}` is assigned to {} and stands in `{}` by its address `{address}`: it serves both",
                server_name(world, *server),
                some(site_names(world, &away)),
                world.site_name(*own),
            ),
            remedy: "a manual assignment does not end the automatic one: move the server, or leave it knowingly".into(),
            places: away
                .iter()
                .take(3)
                .filter_map(|site| server_place(view, *site, *server))
                .chain(subnet_place(view, *own, *subnet))
                .collect(),
        });
    }
    found
}

fn split(view: &View<'_>) -> Vec<Finding> {
    let world = view.world;
    let standing = Standing::of(world);
    let with_subnets: BTreeSet<SiteIndex> = world.subnets.values().flatten().copied().collect();
    let mut found = Vec::new();
    let mut ordinary = Vec::new();
    for site in with_subnets {
        let servers = standing.serving(world, site);
        // What has roles by declaration alone may have more.
        let known = |server: &Guid| has(view, *server, Role::Task).is_some();
        if !servers.iter().all(known) || view.snapshot.is_none() {
            continue;
        }
        let package = of_role(world, servers.iter().copied(), Role::Package);
        let task = of_role(world, servers, Role::Task);
        if package == task {
            continue;
        }
        if !deploys(world, site) {
            ordinary.push(site);
            continue;
        }
        // A role that nobody has is a finding of its own.
        if package.is_empty() || task.is_empty() {
            continue;
        }
        found.push(Finding {
            objects: package
                .union(&task)
                .map(|server| server_object(world, *server))
                .chain([site_object(world, site)])
                .collect(),
            severity: Severity::Warning,
            message: format!(
                "deployment site `{}` has {} for packages and {} for tasks: the two are chosen apart",
                world.site_name(site),
                some(server_names(world, &package)),
                some(server_names(world, &task)),
            ),
            remedy: "give both roles to the same servers".into(),
            places: place(world, site).into_iter().collect(),
        });
    }
    if !ordinary.is_empty() {
        found.push(Finding {
            objects: ordinary
                .iter()
                .map(|site| site_object(world, *site))
                .collect(),
            severity: Severity::Info,
            message: format!(
                "package and task servers of {} differ: the two are chosen apart",
                some(site_names(world, &ordinary))
            ),
            remedy: "none where it is meant: a remote site may only need a package server".into(),
            places: ordinary
                .iter()
                .take(3)
                .filter_map(|site| place(world, *site))
                .collect(),
        });
    }
    found
}

fn task_by_manual_only(view: &View<'_>) -> Vec<Finding> {
    let world = view.world;
    let standing = Standing::of(world);
    let mut found = Vec::new();
    for (guid, server) in &world.servers {
        if server.addresses.is_none() || !world.has_role(*guid, Role::Task) {
            continue; // where it stands is not known, or does not matter
        }
        let sites: Vec<SiteIndex> = standing
            .manual_sites_of(*guid)
            .iter()
            .copied()
            .filter(|site| !standing.sites_of(*guid).contains_key(site))
            .collect();
        let Some(first) = sites.first() else {
            continue;
        };
        let address = server.addresses.iter().flatten().next();
        let example = address.map_or_else(String::new, |(address, _)| {
            or_declare(view, &standing, *guid, *first, *address)
        });
        found.push(Finding {
            objects: sites
                .iter()
                .map(|site| site_object(world, *site))
                .chain([server_object(world, *guid)])
                .collect(),
            severity: Severity::Warning,
            message: format!(
                "task server `{}` is in {} by manual assignment alone, which is no promise for tasks",
                server.name,
                some(site_names(world, &sites))
            ),
            remedy: format!("let it stand in the site by its own address{example}"),
            places: sites
                .iter()
                .take(3)
                .filter_map(|site| server_place(view, *site, *guid))
                .collect(),
        });
    }
    found
}

/// The other way to let a server stand in a site: its own address as a subnet of the site, and what that costs.
fn or_declare(
    view: &View<'_>,
    standing: &Standing,
    server: Guid,
    site: SiteIndex,
    address: Ipv4Addr,
) -> String {
    let world = view.world;
    let name = world.site_name(site);
    if let Some(subnet) = withheld(view, site, address) {
        return format!(", which it does once `{name}` has `{subnet}`: `takeover` says how");
    }
    let leaves: Vec<SiteIndex> = standing
        .sites_of(server)
        .iter()
        .filter(|(_, (at, _))| *at == address)
        .map(|(site, _)| *site)
        .collect();
    if leaves.is_empty() {
        return format!(", or declare `{address}/32` in `{name}`");
    }
    format!(
        ", or declare `{address}/32` in `{name}`, which takes it out of {}",
        some(site_names(world, &leaves))
    )
}

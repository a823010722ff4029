//! The topology of a picture: sites with their subnets, servers, and who serves whom.
//!
//! Pure. Who serves a site follows from the ranges of its subnets, so that nothing is said here that the address space
//! does not say.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    BESIDE, Link, NAMED, ObjectChange, Pair, Picture, PictureServer, PictureSite, PictureSubnet,
    SERVERS, SITES, SUBNETS, Side, SiteSide, count, named, uncertain,
};
use crate::model::{Guid, Role, Subnet};
use crate::plan::Changed;
use crate::select::{Served, SiteIndex, World};

/// A site, or `None` for the subnets that are in none.
type Place = Option<SiteIndex>;

/// A server, or a crowd of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    One(Guid),
    Crowd(u64),
}

/// What a server is to a site.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Bond {
    roles: BTreeSet<Role>,
    perhaps: BTreeSet<Role>,
    assigned: bool,
}

type Bonds = BTreeMap<Node, Bond>;

pub(super) fn draw(pair: &Pair<'_>, changes: &[ObjectChange], picture: &mut Picture) {
    let (before, after) = (pair.before.world, pair.after.world);
    let moved = moved(before, after);
    let (touched, answers) = touched(pair, changes, &moved);
    let bonds = |place: Place| {
        let of = |side: &Side<'_>, numbers: &[[usize; 3]], answers: &Answers| {
            bonds(pair, side.world, place, numbers, answers.get(&place))
        };
        (
            of(&pair.before, &pair.numbers.0, &answers.0),
            of(&pair.after, &pair.numbers.1, &answers.1),
        )
    };
    let all: BTreeSet<SiteIndex> = (0..before.sites.len().max(after.sites.len())).collect();
    let name = |place: &Place| {
        let site = place.and_then(|at| after.sites.get(at).or_else(|| before.sites.get(at)));
        (site.is_none(), site.map(|site| site.name.clone()), *place)
    };
    let mut by_name: Vec<Place> = touched.iter().copied().collect();
    by_name.sort_by_key(name);
    let mut shown: Vec<Place> = by_name;
    // Those in no site are one box, and always there.
    let homeless = shown.pop_if(|place| place.is_none());
    let touched_sites = shown.len();
    shown.truncate(SITES);
    picture.left_out.touched_sites = count(touched_sites - shown.len());
    let mut links: BTreeMap<Place, (Bonds, Bonds)> = shown
        .iter()
        .chain(&homeless)
        .map(|place| (*place, bonds(*place)))
        .collect();
    let beside = beside(&links, &all, &touched, &bonds, SITES - shown.len());
    picture.left_out.other_sites = count(all.len() - touched_sites - beside.len());
    shown.extend(beside.iter().map(|(place, _)| *place));
    links.extend(beside);
    shown.sort_by_key(name);
    shown.extend(homeless);

    let nodes = servers(pair, &links, changes, picture);
    for place in shown {
        let (was, will) = links.remove(&place).unwrap_or_default();
        let (subnets, more_subnets) = subnets(before, after, place, &moved);
        let side = |world: &World, bonds: &Bonds| {
            let exists = match place {
                Some(at) => world
                    .sites
                    .get(at)
                    .is_some_and(|site| site.guid.is_some() || is_new(before, at)),
                None => true,
            };
            exists.then(|| SiteSide {
                constrained: place.and_then(|at| world.sites.get(at)?.constrained),
                links: linked(bonds, &nodes),
            })
        };
        picture.sites.push(PictureSite {
            name: name(&place).1,
            touched: touched.contains(&place),
            before: side(before, &was),
            after: side(after, &will),
            subnets,
            more_subnets,
        });
    }
}

/// Whether a plan creates a site: those that go keep their place, without a GUID.
fn is_new(before: &World, at: SiteIndex) -> bool {
    at >= before.sites.len()
}

fn linked(bonds: &Bonds, nodes: &BTreeMap<Node, usize>) -> Vec<Link> {
    let mut links: Vec<Link> = bonds
        .iter()
        .filter_map(|(node, bond)| {
            let Bond {
                roles,
                perhaps,
                assigned,
            } = bond.clone();
            Some(Link {
                server: *nodes.get(node)?,
                roles,
                perhaps,
                assigned,
            })
        })
        .collect();
    links.sort_by_key(|link| link.server);
    links
}

/// Subnets that are not where they were.
fn moved(before: &World, after: &World) -> BTreeSet<Subnet> {
    let differs = |subnet: &&Subnet| before.subnets.get(subnet) != after.subnets.get(subnet);
    let all = before.subnets.keys().chain(after.subnets.keys());
    all.filter(differs).copied().collect()
}

/// For each site the answers that its addresses get.
type Answers = BTreeMap<Place, BTreeSet<usize>>;

/// The sites that a plan touches, and the answers of all of them in both worlds.
fn touched(
    pair: &Pair<'_>,
    changes: &[ObjectChange],
    moved: &BTreeSet<Subnet>,
) -> (BTreeSet<Place>, (Answers, Answers)) {
    let (before, after) = (pair.before.world, pair.after.world);
    let named: BTreeSet<&str> = changes
        .iter()
        .filter(|change| {
            change.kind == "Site" && !matches!(change.change, Changed::Adopt | Changed::Release)
        })
        .map(|change| change.name.as_str())
        .collect();
    let mut touched: BTreeSet<Place> = (0..after.sites.len())
        .filter(|at| {
            let (was, will) = (before.sites.get(*at), after.sites.get(*at));
            let name = will.map(|site| site.name.as_str());
            was.map(|site| (site.guid, &site.manual, site.constrained))
                != will.map(|site| (site.guid, &site.manual, site.constrained))
                || name.is_some_and(|name| named.contains(name))
        })
        .map(Some)
        .collect();
    for subnet in moved {
        for world in [before, after] {
            match world.subnets.get(subnet) {
                Some(sites) if sites.is_empty() => touched.extend([None]),
                sites => touched.extend(sites.into_iter().flatten().copied().map(Some)),
            }
        }
    }
    let mut answers = (Answers::new(), Answers::new());
    for piece in &pair.pieces {
        let differs = pair.differs(piece);
        for (side, half, answers) in [
            (&pair.before, piece.before, &mut answers.0),
            (&pair.after, piece.after, &mut answers.1),
        ] {
            let Some(subnet) = half.subnet else {
                continue;
            };
            match side.sites_of(half.assigned) {
                Some(sites) => {
                    for site in sites {
                        answers.entry(Some(*site)).or_default().insert(half.answer);
                        if differs {
                            touched.insert(Some(*site));
                        }
                    }
                }
                None if moved.contains(&subnet) => {
                    answers.entry(None).or_default().insert(half.answer);
                }
                None => {}
            }
        }
    }
    (touched, answers)
}

/// Who serves a site in a world, and who is assigned to it.
fn bonds(
    pair: &Pair<'_>,
    world: &World,
    place: Place,
    numbers: &[[usize; 3]],
    answers: Option<&BTreeSet<usize>>,
) -> Bonds {
    let mut bonds = Bonds::new();
    let roles = answers
        .into_iter()
        .flatten()
        .filter_map(|answer| numbers.get(*answer))
        .flat_map(|numbers| Served::ROLES.into_iter().zip(numbers));
    for (role, number) in roles {
        let Some((outcome, servers)) = pair.outcomes.get(*number) else {
            continue;
        };
        let nodes: Vec<Node> = if servers.len() > NAMED {
            vec![Node::Crowd(outcome.of)]
        } else {
            servers.iter().copied().map(Node::One).collect()
        };
        for node in nodes {
            let bond = bonds.entry(node).or_default();
            if uncertain(outcome) {
                bond.perhaps.insert(role);
            } else {
                bond.roles.insert(role);
            }
        }
    }
    for bond in bonds.values_mut() {
        bond.perhaps = bond.perhaps.difference(&bond.roles).copied().collect();
    }
    let manual = place
        .and_then(|at| world.sites.get(at))
        .map(|site| &site.manual);
    for server in manual.into_iter().flatten() {
        bonds.entry(Node::One(*server)).or_default().assigned = true;
    }
    bonds
}

/// The sites that share most servers with what is touched.
fn beside(
    shown: &BTreeMap<Place, (Bonds, Bonds)>,
    all: &BTreeSet<SiteIndex>,
    touched: &BTreeSet<Place>,
    bonds: &dyn Fn(Place) -> (Bonds, Bonds),
    room: usize,
) -> Vec<(Place, (Bonds, Bonds))> {
    let theirs: BTreeSet<Node> = shown
        .values()
        .flat_map(|(was, will)| was.keys().chain(will.keys()))
        .copied()
        .filter(|node| matches!(node, Node::One(_)))
        .collect();
    let mut found: Vec<(usize, Place, (Bonds, Bonds))> = Vec::new();
    for site in all {
        let place = Some(*site);
        if touched.contains(&place) {
            continue;
        }
        let both = bonds(place);
        let shared = both.1.keys().filter(|node| theirs.contains(node)).count();
        if shared > 0 {
            found.push((shared, place, both));
        }
    }
    found.sort_by_key(|(shared, place, _)| (usize::MAX - shared, *place));
    found.truncate(BESIDE.min(room));
    found
        .into_iter()
        .map(|(_, place, both)| (place, both))
        .collect()
}

/// Puts the servers of what is shown into the picture, and says where.
fn servers(
    pair: &Pair<'_>,
    links: &BTreeMap<Place, (Bonds, Bonds)>,
    changes: &[ObjectChange],
    picture: &mut Picture,
) -> BTreeMap<Node, usize> {
    let (before, after) = (pair.before.world, pair.after.world);
    // How many sites have it; one that changes itself comes before any other.
    let mut weights: BTreeMap<Node, usize> = BTreeMap::new();
    for (was, will) in links.values() {
        for node in was.keys().chain(will.keys()) {
            *weights.entry(*node).or_default() += 1;
        }
    }
    for change in changes.iter().filter(|change| change.kind == "SiteServer") {
        let server = after
            .servers
            .iter()
            .find(|(_, server)| server.name.as_str() == change.name);
        if let Some((guid, _)) = server {
            weights.insert(Node::One(*guid), usize::MAX);
        }
    }
    let mut ranked: Vec<(usize, Node)> = weights
        .into_iter()
        .map(|(node, weight)| (usize::MAX - weight, node))
        .collect();
    ranked.sort();
    picture.left_out.servers = count(ranked.len().saturating_sub(SERVERS));
    ranked.truncate(SERVERS);
    let mut listed: Vec<(PictureServer, Node)> = ranked
        .into_iter()
        .map(|(_, node)| (server(before, after, node), node))
        .collect();
    listed.sort_by(|(one, at), (two, other)| {
        let key = |server: &PictureServer| (server.name.is_none(), server.name.clone());
        (key(one), at).cmp(&(key(two), other))
    });
    let mut nodes = BTreeMap::new();
    for (server, node) in listed {
        nodes.insert(node, picture.servers.len());
        picture.servers.push(server);
    }
    nodes
}

fn server(before: &World, after: &World, node: Node) -> PictureServer {
    match node {
        Node::One(guid) => {
            let roles = |world: &World| world.servers.get(&guid)?.roles.clone();
            PictureServer {
                name: Some(named(after, guid)),
                crowd: 1,
                before: roles(before),
                after: roles(after),
            }
        }
        Node::Crowd(crowd) => PictureServer {
            name: None,
            crowd,
            before: None,
            after: None,
        },
    }
}

/// The subnets of a site: those that come or go first, then some of the others; and how many more there are.
fn subnets(
    before: &World,
    after: &World,
    place: Place,
    moved: &BTreeSet<Subnet>,
) -> (Vec<PictureSubnet>, u64) {
    let is_in = |world: &World, subnet: &Subnet| {
        let sites = world.subnets.get(subnet);
        sites.is_some_and(|sites| match place {
            Some(at) => sites.contains(&at),
            None => sites.is_empty(),
        })
    };
    let here = |subnet: &Subnet| PictureSubnet {
        subnet: *subnet,
        before: is_in(before, subnet),
        after: is_in(after, subnet),
    };
    let is_here = |one: &PictureSubnet| one.before || one.after;
    let mut list: Vec<PictureSubnet> = moved.iter().map(here).filter(is_here).collect();
    let moving = list.len();
    let stays =
        |subnet: &&Subnet| place.is_some() && !moved.contains(subnet) && is_in(after, subnet);
    let staying = after.subnets.keys().filter(stays);
    let mut more = 0;
    for subnet in staying {
        if list.len() < SUBNETS {
            list.push(here(subnet));
        } else {
            more += 1;
        }
    }
    more += count(moving.saturating_sub(SUBNETS));
    list.truncate(SUBNETS);
    list.sort_by_key(|one| one.subnet);
    (list, more)
}

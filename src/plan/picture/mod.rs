//! What a plan looks like: two worlds → the sites, servers and ranges that it touches and those beside them.
//!
//! Pure. A plan file holds no world, so what its pictures show is taken out of both worlds while there are any. It stays
//! small, however large the platform: what is touched comes first, then what shares a server or an end with it, and of
//! the rest only how much there is.

mod space;
mod topology;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::ObjectChange;
use crate::model::{Guid, Name, Role, Subnet};
use crate::select::{Choice, Served, Service, World};

/// How much a picture holds of each.
const SITES: usize = 24;
const SUBNETS: usize = 8;
const SERVERS: usize = 48;
const RANGES: usize = 48;
/// How many sites and ranges beside what is touched.
const BESIDE: usize = 6;
/// How many servers of an outcome are named; beyond that it is a crowd.
const NAMED: usize = 8;

/// What the pictures of a plan show.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Picture {
    /// Sites, by name; subnets that are in none come last, as a site without a name.
    pub sites: Vec<PictureSite>,
    /// Servers, by name.
    pub servers: Vec<PictureServer>,
    /// Addresses, sorted.
    pub ranges: Vec<PictureRange>,
    /// Ways of being served, each once; ranges point here.
    pub outcomes: Vec<PictureOutcome>,
    /// How much is not shown.
    pub left_out: LeftOut,
}

/// How much of a world is not in its picture.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LeftOut {
    /// Sites that the plan touches.
    pub touched_sites: u64,
    /// Other sites.
    pub other_sites: u64,
    /// Servers of the sites that are shown.
    pub servers: u64,
    /// Ranges that are served otherwise, or belong elsewhere, after the plan.
    pub touched_ranges: u64,
    /// Other ranges of known subnets.
    pub other_ranges: u64,
}

/// A site, or the subnets that are in none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PictureSite {
    /// Its name; `null` for no site.
    pub name: Option<Name>,
    /// Whether the plan changes it, its subnets, its servers, or who serves it.
    pub touched: bool,
    /// How it is before; `null` where it does not exist yet.
    pub before: Option<SiteSide>,
    /// How it is after; `null` where it goes.
    pub after: Option<SiteSide>,
    /// Its subnets: those that move first, then some of the others.
    pub subnets: Vec<PictureSubnet>,
    /// How many more it has.
    pub more_subnets: u64,
}

/// A site in one of both worlds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SiteSide {
    /// Constrain to Site; `null` where it is not known.
    pub constrained: Option<bool>,
    /// Who serves it, by the position of the server.
    pub links: Vec<Link>,
}

/// That a server serves a site, or is assigned to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Link {
    /// The position of the server in [`Picture::servers`].
    pub server: usize,
    /// The roles in which it certainly may serve.
    pub roles: BTreeSet<Role>,
    /// The roles in which it serves by some reading of the sources.
    pub perhaps: BTreeSet<Role>,
    /// Whether it is assigned to the site by hand.
    pub assigned: bool,
}

/// A subnet of a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PictureSubnet {
    /// The network.
    pub subnet: Subnet,
    /// Whether it is in the site before.
    pub before: bool,
    /// Whether it is in the site after.
    pub after: bool,
}

/// A server, or a crowd of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PictureServer {
    /// Its name; `null` for any of `crowd` servers.
    pub name: Option<Name>,
    /// How many it stands for.
    pub crowd: u64,
    /// Its roles before; `null` where they are not known.
    pub before: Option<BTreeSet<Role>>,
    /// Its roles after.
    pub after: Option<BTreeSet<Role>>,
}

/// Addresses next to each other with everything in common, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PictureRange {
    /// The first address.
    pub first: Ipv4Addr,
    /// The last address.
    pub last: Ipv4Addr,
    /// How many ranges that only differ in their subnet are told as this one.
    pub together: u64,
    /// How they are before.
    pub before: RangeSide,
    /// How they are after.
    pub after: RangeSide,
}

/// Addresses in one of both worlds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RangeSide {
    /// The known subnets that hold them, the outermost first; several overlap.
    pub subnets: Vec<Subnet>,
    /// The sites that they belong to; several where a subnet is in several.
    pub sites: Vec<Name>,
    /// Who serves them with packages, by position in [`Picture::outcomes`].
    pub package: usize,
    /// Who serves them with tasks.
    pub task: usize,
    /// Who serves them at network boot.
    pub network_boot: usize,
}

/// One way of being served.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PictureOutcome {
    /// How a server is picked: `only`, `random`, `agent`, `none`, `indeterminate`.
    pub choice: String,
    /// Servers that may be used, by name; the first of them where there are many.
    pub servers: Vec<Name>,
    /// How many may be used.
    pub of: u64,
    /// Whether there is one by every reading that the program relies on.
    pub served: bool,
}

impl Picture {
    /// Whether there is nothing to show.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sites.is_empty() && self.ranges.is_empty()
    }

    /// How many sites and ranges a picture holds at most.
    #[must_use]
    pub const fn limits() -> (usize, usize) {
        (SITES, RANGES)
    }
}

/// Takes what a plan touches out of both worlds; the sites of `after` are those of `before` in the same order, then new
/// ones.
///
/// # Guarantees
/// The result depends on the arguments only, and is no larger for a larger world.
#[must_use]
pub fn picture(before: &World, after: &World, changes: &[ObjectChange]) -> Picture {
    let pair = Pair::new(before, after);
    let mut picture = Picture::default();
    space::draw(&pair, &mut picture);
    topology::draw(&pair, changes, &mut picture);
    picture
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// One world, laid out.
struct Side<'a> {
    world: &'a World,
    selector: crate::select::Selector<'a>,
    ranges: crate::select::Ranges,
}

impl<'a> Side<'a> {
    fn new(world: &'a World) -> Self {
        let selector = crate::select::Selector::new(world);
        Self {
            world,
            ranges: selector.ranges(),
            selector,
        }
    }

    /// The sites that the addresses of a range belong to.
    fn sites_of(&self, assigned: Option<Subnet>) -> Option<&'a BTreeSet<usize>> {
        self.world.subnets.get(&assigned?)
    }
}

/// Both worlds, and the addresses cut at the ends of either.
struct Pair<'a> {
    before: Side<'a>,
    after: Side<'a>,
    /// The ways of being served of both, by number.
    outcomes: Vec<(PictureOutcome, BTreeSet<Guid>)>,
    /// For each answer of a world the numbers of its outcomes.
    numbers: (Vec<[usize; 3]>, Vec<[usize; 3]>),
    pieces: Vec<Piece>,
}

/// Addresses that neither world tells apart, in a known subnet of at least one of them.
#[derive(Debug, Clone, Copy)]
struct Piece {
    first: u32,
    last: u32,
    before: Half,
    after: Half,
}

/// What a world says of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Half {
    subnet: Option<Subnet>,
    assigned: Option<Subnet>,
    answer: usize,
}

impl<'a> Pair<'a> {
    fn new(before: &'a World, after: &'a World) -> Self {
        let (before, after) = (Side::new(before), Side::new(after));
        let mut table = Table::default();
        let numbers = (table.number(&before), table.number(&after));
        let pieces = pieces(&before, &after);
        Self {
            before,
            after,
            outcomes: table.list,
            numbers,
            pieces,
        }
    }

    /// Who serves a piece before and after, by number.
    fn served(&self, piece: &Piece) -> ([usize; 3], [usize; 3]) {
        let of = |numbers: &[[usize; 3]], half: Half| {
            numbers.get(half.answer).copied().unwrap_or_default()
        };
        (
            of(&self.numbers.0, piece.before),
            of(&self.numbers.1, piece.after),
        )
    }

    /// Whether a piece belongs elsewhere, or is served otherwise.
    fn differs(&self, piece: &Piece) -> bool {
        let (was, will) = self.served(piece);
        was != will
            || piece.before.subnet != piece.after.subnet
            || self.before.sites_of(piece.before.assigned)
                != self.after.sites_of(piece.after.assigned)
    }
}

fn pieces(before: &Side<'_>, after: &Side<'_>) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(after.ranges.list().len());
    let mut befores = before.ranges.list().iter().peekable();
    let mut afters = after.ranges.list().iter().peekable();
    let mut first = 0_u32;
    while let (Some(was), Some(will)) = (befores.peek(), afters.peek()) {
        let last = was.last.min(will.last);
        if was.subnet.or(will.subnet).is_some() {
            let half = |side: &Side<'_>, range: &crate::select::Range| Half {
                subnet: range.subnet,
                assigned: range.assigned,
                answer: side.ranges.number(range),
            };
            pieces.push(Piece {
                first,
                last,
                before: half(before, was),
                after: half(after, will),
            });
        }
        befores.next_if(|range| range.last == last);
        afters.next_if(|range| range.last == last);
        let Some(next) = last.checked_add(1) else {
            break;
        };
        first = next;
    }
    pieces
}

/// Outcomes, each once.
#[derive(Default)]
struct Table {
    list: Vec<(PictureOutcome, BTreeSet<Guid>)>,
    known: BTreeMap<(&'static str, bool, BTreeSet<Guid>), usize>,
}

impl Table {
    fn number(&mut self, side: &Side<'_>) -> Vec<[usize; 3]> {
        let answers = side.ranges.answers().iter();
        answers
            .map(|served| {
                let Served {
                    sites: _, // by the subnet
                    package,
                    task,
                    network_boot,
                } = served;
                [package, task, network_boot].map(|service| self.outcome(service, side.world))
            })
            .collect()
    }

    fn outcome(&mut self, service: &Service, world: &World) -> usize {
        let Service {
            choice,
            reason: _, // for `explain`
        } = service;
        let guids = choice.servers();
        let key = (choice.as_str(), choice.is_served(), guids);
        if let Some(number) = self.known.get(&key) {
            return *number;
        }
        let mut servers: Vec<Name> = key.2.iter().map(|guid| named(world, *guid)).collect();
        let of = count(servers.len());
        servers.sort();
        servers.truncate(NAMED);
        let number = self.list.len();
        let outcome = PictureOutcome {
            choice: choice.as_str().to_owned(),
            servers,
            of,
            served: choice.is_served(),
        };
        self.list.push((outcome, key.2.clone()));
        self.known.insert(key, number);
        number
    }
}

/// The word of an outcome that is not certain.
fn uncertain(outcome: &PictureOutcome) -> bool {
    outcome.choice == Choice::Indeterminate(Vec::new()).as_str()
}

fn named(world: &World, guid: Guid) -> Name {
    let server = world.servers.get(&guid);
    server.map_or_else(|| Name::new(&guid.to_string()), |s| s.name.clone())
}

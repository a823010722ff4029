//! All addresses as ranges: a sweep over the sorted prefixes, with a stack of those that are open.
//!
//! Pure. Time n log n for sorting, which the world has done; memory linear in subnets and networks of servers, since
//! ranges share their answers.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use super::Selector;
use super::served::Served;
use crate::model::Subnet;

/// Addresses next to each other that have everything in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first address.
    pub first: u32,
    /// The last address.
    pub last: u32,
    /// The most specific known subnet, assigned or not.
    pub subnet: Option<Subnet>,
    /// The subnet that decides the site: the most specific assigned one.
    pub assigned: Option<Subnet>,
    served: usize,
}

impl Range {
    /// How many addresses it holds.
    #[must_use]
    pub fn size(&self) -> u64 {
        u64::from(self.last) - u64::from(self.first) + 1
    }
}

/// The whole address space as ranges without gaps, sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranges {
    list: Vec<Range>,
    served: Vec<Served>,
}

impl Ranges {
    /// The ranges, from the first address to the last.
    #[must_use]
    pub fn list(&self) -> &[Range] {
        &self.list
    }

    /// The distinct answers, which ranges share.
    #[must_use]
    pub fn answers(&self) -> &[Served] {
        &self.served
    }

    /// The position of a range's answer in [`Ranges::answers`].
    #[must_use]
    pub fn number(&self, range: &Range) -> usize {
        range.served
    }

    /// Who serves a range.
    ///
    /// `None` for a range of other [`Ranges`] only.
    #[must_use]
    pub fn served(&self, range: &Range) -> Option<&Served> {
        self.served.get(range.served)
    }

    /// The range that holds an address.
    #[must_use]
    pub fn holding(&self, address: Ipv4Addr) -> Option<&Range> {
        let address = u32::from(address);
        let after = self.list.partition_point(|range| range.first <= address);
        self.list.get(after.checked_sub(1)?)
    }
}

/// A prefix that is open, with what holds inside of it.
#[derive(Debug, Clone, Copy)]
struct Open {
    last: u32,
    subnet: Option<Subnet>,
    assigned: Option<Subnet>,
    /// The number of the set of sites, and of the set of servers around.
    sites: Option<usize>,
    network: usize,
}

/// Collects ranges from the first address on.
struct Sweep<'s, 'a> {
    selector: &'s Selector<'a>,
    /// The first address that is in no range yet; one more than 32 bits hold at the end.
    next: u64,
    list: Vec<Range>,
    served: Vec<Served>,
    known: HashMap<(Option<usize>, usize), usize>,
}

impl Sweep<'_, '_> {
    /// Ends a range before `end`, with what the innermost open prefix says.
    fn until(&mut self, end: u64, open: &Open) {
        let (Ok(first), Some(Ok(last))) = (
            u32::try_from(self.next),
            end.checked_sub(1).map(u32::try_from),
        ) else {
            return;
        };
        if u64::from(last) < self.next {
            return;
        }
        self.next = end;
        let Open {
            last: _, // where the prefix ends, not the range
            subnet,
            assigned,
            sites,
            network,
        } = *open;
        // Where sites decide, the servers around count for network boot only.
        let network = match sites {
            Some(_) => self.selector.networks.alike(network),
            None => network,
        };
        let served = *self.known.entry((sites, network)).or_insert_with(|| {
            self.served.push(self.selector.served(sites, network));
            self.served.len() - 1
        });
        if let Some(before) = self.list.last_mut()
            && (before.subnet, before.assigned, before.served) == (subnet, assigned, served)
        {
            before.last = last;
            return;
        }
        self.list.push(Range {
            first,
            last,
            subnet,
            assigned,
            served,
        });
    }
}

impl Selector<'_> {
    /// All addresses as ranges.
    ///
    /// # Guarantees
    /// The ranges cover every address once and are sorted; [`Selector::at`] says the same of each address in a range
    /// as [`Ranges::served`]. Neighbours differ in at least one field.
    #[must_use]
    pub fn ranges(&self) -> Ranges {
        let world = self.world;
        let mut sweep = Sweep {
            selector: self,
            next: 0,
            list: Vec::with_capacity(world.subnets.len() + 1),
            served: Vec::new(),
            known: HashMap::new(),
        };
        let mut open = vec![Open {
            last: u32::MAX,
            subnet: None,
            assigned: None,
            sites: None,
            network: 0,
        }];
        let mut subnets = world.subnets.iter().peekable();
        let mut networks = self.networks.all().peekable();
        loop {
            // Both lists are sorted: the smaller prefix is next, and one that is in both counts as both.
            let next = match (subnets.peek(), networks.peek()) {
                (Some((subnet, _)), Some((network, _))) => (**subnet).min(*network),
                (Some((subnet, _)), None) => **subnet,
                (None, Some((network, _))) => *network,
                (None, None) => break,
            };
            let (first, last) = next.range();
            while let Some(top) = open.pop_if(|top| top.last < first) {
                sweep.until(u64::from(top.last) + 1, &top);
            }
            let Some(around) = open.last().copied() else {
                break; // the outermost holds everything
            };
            sweep.until(u64::from(first), &around);
            let mut inside = Open { last, ..around };
            if let Some((subnet, sites)) = subnets.next_if(|(subnet, _)| **subnet == next) {
                inside.subnet = Some(*subnet);
                if !sites.is_empty() {
                    inside.assigned = Some(*subnet);
                    inside.sites = self.number(sites);
                }
            }
            if let Some((_, network)) = networks.next_if(|(network, _)| *network == next) {
                inside.network = network;
            }
            open.push(inside);
        }
        while let Some(top) = open.pop() {
            sweep.until(u64::from(top.last) + 1, &top);
        }
        Ranges {
            list: sweep.list,
            served: sweep.served,
        }
    }
}

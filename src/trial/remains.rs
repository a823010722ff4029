//! What a trial left on the server, by the facts of the journal.
//!
//! Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::journal::Fact;
use crate::model::{Guid, Name};
use crate::smp::Scratch;

/// Scratch objects that may be there still.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remains {
    /// By name; without a GUID where only the intention is known.
    objects: BTreeMap<Scratch, BTreeSet<Guid>>,
    /// Servers that were assigned to scratch sites, by site.
    assigned: BTreeMap<Guid, BTreeSet<Guid>>,
}

impl Remains {
    /// Folds the facts of a journal, in their order.
    #[must_use]
    pub fn of<'a>(facts: impl Iterator<Item = &'a Fact>) -> Self {
        let mut remains = Self::default();
        for fact in facts {
            remains.fold(fact);
        }
        remains
    }

    /// Takes in one fact.
    pub(super) fn fold(&mut self, fact: &Fact) {
        match fact {
            Fact::ScratchIntended { name } => self.add(name, None),
            Fact::ScratchCreated { guid, name } => self.add(name, Some(*guid)),
            Fact::ScratchAssigned { server, site } => {
                self.assigned.entry(*site).or_default().insert(*server);
            }
            Fact::ScratchGone { name } => {
                if let Some(scratch) = Scratch::recognise(name.as_str()) {
                    for guid in self.objects.remove(&scratch).unwrap_or_default() {
                        self.assigned.remove(&guid);
                    }
                }
            }
            _ => {}
        }
    }

    /// Adds an object that may be there; what is no scratch object is passed over.
    pub fn add(&mut self, name: &Name, guid: Option<Guid>) {
        if let Some(scratch) = Scratch::recognise(name.as_str()) {
            self.objects.entry(scratch).or_default().extend(guid);
        }
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The objects in the order in which they go: subnets before the sites that they are in.
    #[must_use]
    pub fn objects(&self) -> Vec<(Scratch, BTreeSet<Guid>)> {
        let mut all: Vec<(Scratch, BTreeSet<Guid>)> = self
            .objects
            .iter()
            .map(|(scratch, guids)| (scratch.clone(), guids.clone()))
            .collect();
        all.sort_by_key(|(scratch, _)| matches!(scratch, Scratch::Site(_)));
        all
    }

    /// All GUIDs of sites.
    pub(super) fn sites(&self) -> BTreeSet<Guid> {
        self.objects
            .iter()
            .filter(|(scratch, _)| matches!(scratch, Scratch::Site(_)))
            .flat_map(|(_, guids)| guids.iter().copied())
            .collect()
    }

    /// Servers that were assigned to a site.
    pub(super) fn servers_of(&self, site: Guid) -> BTreeSet<Guid> {
        self.assigned.get(&site).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guid(number: u128) -> Guid {
        Guid::from_u128(number)
    }

    #[test]
    fn what_is_not_known_to_be_gone_remains() {
        let name = |name: &str| Name::new(name);
        let (site, subnet) = ("sitewright-verify-1a2b3c4d-a", "192.0.2.7/32");
        let facts = [
            Fact::ScratchIntended { name: name(site) },
            Fact::ScratchCreated {
                guid: guid(1),
                name: name(site),
            },
            Fact::ScratchIntended { name: name(subnet) },
            Fact::ScratchAssigned {
                server: guid(9),
                site: guid(1),
            },
            // Facts of an ordinary run, and names that are no scratch objects.
            Fact::Deleted { guid: guid(1) },
            Fact::ScratchIntended { name: name("HQ") },
        ];
        let mut remains = Remains::of(facts.iter());
        let objects: Vec<(String, usize)> = remains
            .objects()
            .iter()
            .map(|(scratch, guids)| (scratch.to_string(), guids.len()))
            .collect();
        assert_eq!(objects, [(subnet.to_owned(), 0), (site.to_owned(), 1)]);
        assert_eq!(remains.servers_of(guid(1)), [guid(9)].into());
        for gone in [site, subnet] {
            remains.fold(&Fact::ScratchGone { name: name(gone) });
        }
        assert!(remains.is_empty());
        assert_eq!(remains, Remains::default());
    }
}

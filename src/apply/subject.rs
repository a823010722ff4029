//! What a step is about: its object as the step knows it, and the facts that the journal is to hold of it.
//!
//! Pure. What a step brings into being is intended before it is created, noted as soon as it is, and bound for the steps
//! behind. Each method that gives a fact takes it as written down from then on: a run whose journal cannot be kept ends.

use std::collections::BTreeSet;

use super::gap::gap;
use super::judge::{Drifted, Progress, judge};
use super::schedule::named;
use crate::journal::Fact;
use crate::model::{
    Action, CountedKind, Guid, Intended, Name, Record, ResourceRef, SiteRef, Subnet,
};
use crate::observe::{Bindings, Seen};
use crate::smp::Write;

/// What a step is about, as far as the step knows.
#[derive(Debug)]
pub(crate) struct Subject {
    action: Action,
    /// What the step names of that which came into being in the run.
    bindings: Bindings,
    /// Whether the profile says that forming a subnet's association with a site ends the one it has.
    replaces: bool,
    /// What the step created itself, and has written down.
    created: BTreeSet<Guid>,
    /// Whether an answer was lost: what was sent may yet be carried out.
    lost: bool,
    noted: Noted,
}

/// What the journal says of that which a step is about.
#[derive(Debug)]
struct Noted {
    /// An object is about to be created, and nothing is said yet of what came of it.
    intended: bool,
    /// The second of two calls is owed: the first went out, in this run or in one before.
    owes: bool,
    /// The resource of a deletion is gone.
    gone: bool,
}

impl Subject {
    /// What a step is about that begins now.
    ///
    /// `born`: what came into being in the run so far. `undistributed`: packages whose assignment an earlier run wrote,
    /// and whose distribution points nobody updated since.
    pub(crate) fn new(
        action: &Action,
        born: &Bindings,
        undistributed: &BTreeSet<Guid>,
        replaces: bool,
    ) -> Self {
        Self {
            action: action.clone(),
            bindings: named(action, born),
            replaces,
            created: BTreeSet::new(),
            lost: false,
            noted: Noted {
                intended: false,
                owes: matches!(
                    action,
                    Action::AssignPackage { package, .. } if undistributed.contains(&package.guid)
                ),
                gone: false,
            },
        }
    }

    /// What there is to look at.
    pub(crate) fn action(&self) -> &Action {
        &self.action
    }

    /// The GUIDs that the look needs.
    pub(crate) fn bindings(&self) -> &Bindings {
        &self.bindings
    }

    /// What the steps behind are to know.
    pub(crate) fn into_bindings(self) -> Bindings {
        self.bindings
    }

    /// What is left to do, by what was seen.
    pub(crate) fn judge(&self, seen: &Seen) -> Result<Progress, Drifted> {
        judge(&self.action, seen, &self.bindings, self.replaces)
    }

    /// What the server shows instead of what it was asked for.
    pub(super) fn gap(&self, seen: &Seen) -> Drifted {
        gap(&self.action, seen, &self.bindings)
    }

    /// Whether a look tells what came of a write.
    pub(super) fn is_readable(&self) -> bool {
        !matches!(self.action, Action::UpdateDistributionPoints { .. })
    }

    /// A person did it. What came into being by it is bound for the steps behind, and ours by adoption: whoever made it
    /// by hand did not make it for us to delete.
    pub(crate) fn ticked_off(&mut self, seen: &Seen) -> Vec<Fact> {
        self.bind(seen);
        self.found(seen).into_iter().chain(self.gone()).collect()
    }

    /// What was seen may tell the GUID of an object that an earlier, cut-off try created.
    pub(super) fn bind(&mut self, seen: &Seen) {
        if let Some(guid) = self.born(seen) {
            self.bind_to(guid);
        }
    }

    /// An object that the step was to create is there: by our own write whose answer was lost or said nothing, or by
    /// somebody else's. One that a run before this one was about to create is told by the journal, which knows.
    pub(super) fn found(&mut self, seen: &Seen) -> Option<Fact> {
        if let Some(arrived) = self.arrived(seen) {
            return Some(arrived);
        }
        // Our own creation of an earlier round is no find.
        let guid = self
            .born(seen)
            .filter(|guid| !self.created.contains(guid))?;
        let record = match &self.action {
            Action::CreateSite {
                name, protected, ..
            } => Record::AdoptSite {
                site: ResourceRef {
                    name: name.clone(),
                    guid,
                },
                protected: *protected,
            },
            Action::CreateSubnet { subnet, .. } => Record::AdoptSubnet {
                subnet: *subnet,
                guid,
            },
            _ => return None,
        };
        Some(Fact::Recorded { record })
    }

    /// The object that is about to be created, by what is written down, is there, and no answer told its GUID.
    pub(super) fn arrived(&mut self, seen: &Seen) -> Option<Fact> {
        let guid = self.born(seen).filter(|_| self.noted.intended)?;
        self.created(guid)
    }

    /// What is to be written down before a write goes out.
    ///
    /// What is about to be created: a run that is cut off before it can write down the answer leaves the next one knowing
    /// whose it is, since what was there by that name already was seen before. And before the first of two calls that the
    /// second is owed: whether the first arrives may stay unknown.
    pub(super) fn announce(&mut self, write: &Write) -> Vec<Fact> {
        let mut facts = Vec::new();
        if let Some(intended) = creates(write)
            && !self.noted.intended
        {
            facts.push(Fact::CreationIntended(intended));
            self.noted.intended = true;
        }
        if let (Action::AssignPackage { package, .. }, Write::SetPackageServers { .. }) =
            (&self.action, write)
        {
            facts.push(Fact::AssignmentWritten {
                package: package.clone(),
            });
            self.noted.owes = true;
        }
        facts
    }

    /// The server carried a write out.
    pub(super) fn written(&mut self, write: &Write, created: Option<Guid>) -> Option<Fact> {
        match write {
            Write::CreateSite { .. } | Write::CreateSubnet { .. } => self.created(created?),
            Write::DeleteResource { .. } => self.gone(),
            Write::UpdateDistributionPoints { package } => {
                self.noted.owes = false;
                Some(Fact::DistributionUpdated { package: *package })
            }
            _ => None,
        }
    }

    /// A write that went out was not carried out, or not as far as is known.
    ///
    /// Where the server says that it did not create something, and no earlier try of it is on its way any more, whatever
    /// has the name from now on is somebody else's.
    pub(super) fn not_written(&mut self, write: &Write, may_yet_be: bool) -> Option<Fact> {
        self.lost |= may_yet_be;
        let dropped = creates(write).filter(|_| self.noted.intended && !self.lost)?;
        self.noted.intended = false;
        Some(Fact::CreationDropped(dropped))
    }

    /// The resource of a deletion is gone, whoever deleted it.
    pub(super) fn gone(&mut self) -> Option<Fact> {
        let (guid, of) = self.deletes().filter(|_| !self.noted.gone)?;
        self.noted.gone = true;
        Some(Fact::Deleted { guid, of: Some(of) })
    }

    /// The resource that is gone once the step is done, and what it is counted as.
    pub(super) fn deletes(&self) -> Option<(Guid, CountedKind)> {
        match &self.action {
            Action::DeleteSite { site } => site.guid.map(|guid| (guid, CountedKind::Sites)),
            Action::DeleteSubnet { guid, .. } => Some((*guid, CountedKind::Subnets)),
            _ => None,
        }
    }

    /// The second of two calls, where the first alone can be seen and the second is owed.
    pub(super) fn owed(&self) -> Option<Write> {
        match &self.action {
            Action::AssignPackage { package, .. } if self.noted.owes => {
                Some(Write::UpdateDistributionPoints {
                    package: package.guid,
                })
            }
            _ => None,
        }
    }

    /// Turns from a new site to the description that it was created with, since its name is all that creating reads back;
    /// tells whether there is one.
    pub(super) fn turn_to_description(&mut self) -> bool {
        let Action::CreateSite {
            name,
            description: Some(text),
            ..
        } = &self.action
        else {
            return false;
        };
        self.action = Action::DescribeSite {
            site: SiteRef {
                name: name.clone(),
                guid: self.bindings.sites.get(name).copied(),
            },
            before: String::new(),
            after: text.clone(),
        };
        true
    }

    /// The object that the step is to create, where it is there.
    fn born(&self, seen: &Seen) -> Option<Guid> {
        match (&self.action, seen) {
            (Action::CreateSite { .. }, Seen::Sites(found)) => match found.as_slice() {
                [(guid, _)] => Some(*guid),
                _ => None,
            },
            (Action::CreateSubnet { .. }, Seen::Subnets(found)) => match found.as_slice() {
                [(guid, _)] => Some(*guid),
                _ => None,
            },
            _ => None,
        }
    }

    fn bind_to(&mut self, guid: Guid) {
        match &self.action {
            Action::CreateSite { name, .. } => {
                self.bindings.sites.insert(name.clone(), guid);
            }
            Action::CreateSubnet { subnet, .. } => {
                self.bindings.subnets.insert(*subnet, guid);
            }
            _ => {}
        }
    }

    fn created(&mut self, guid: Guid) -> Option<Fact> {
        let fact = match &self.action {
            Action::CreateSite {
                name, protected, ..
            } => Fact::SiteCreated {
                guid,
                name: name.clone(),
                protected: *protected,
            },
            Action::CreateSubnet { subnet, .. } => Fact::SubnetCreated {
                guid,
                name: called(*subnet),
            },
            _ => return None,
        };
        self.bind_to(guid);
        self.created.insert(guid);
        self.noted.intended = false;
        Some(fact)
    }
}

/// The object that a write brings into being.
fn creates(write: &Write) -> Option<Intended> {
    match write {
        Write::CreateSite { name, .. } => Some(Intended {
            of: CountedKind::Sites,
            name: Name::new(name),
        }),
        Write::CreateSubnet { subnet } => Some(Intended {
            of: CountedKind::Subnets,
            name: called(*subnet),
        }),
        _ => None,
    }
}

/// A subnet is called by its network.
fn called(subnet: Subnet) -> Name {
    Name::new(&subnet.to_string())
}

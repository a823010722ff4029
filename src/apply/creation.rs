//! What a step brings into being: intended before it is created, noted as soon as it is, bound for the steps behind.
//!
//! I/O, through the journal.

use super::step::{Stepper, deletes};
use crate::journal::{Fact, JournalError};
use crate::model::{Action, CountedKind, Guid, Intended, Name, Record, ResourceRef, Step, Subnet};
use crate::observe::Seen;
use crate::smp::Write;

impl Stepper<'_> {
    /// Writes down what is about to be created, so that a run that is cut off before it can write down the answer leaves
    /// the next one knowing whose it is. What was there by that name already was seen before.
    pub(super) async fn intend(&mut self, write: &Write) -> Result<(), JournalError> {
        if let Some(intended) = creates(write)
            && !self.noted.intended
        {
            self.note(Fact::CreationIntended(intended)).await?;
            self.noted.intended = true;
        }
        Ok(())
    }

    /// The server said that it did not create it, and no earlier try of it is on its way any more: whatever has the name
    /// from now on is somebody else's.
    pub(super) async fn dropped(&mut self, write: &Write) -> Result<(), JournalError> {
        if let Some(intended) = creates(write)
            && self.noted.intended
            && !self.lost
        {
            self.note(Fact::CreationDropped(intended)).await?;
            self.noted.intended = false;
        }
        Ok(())
    }

    /// Notes before the first of two calls that the second is owed: whether the first arrives may stay unknown.
    pub(super) async fn owe(&mut self, step: &Step, write: &Write) -> Result<(), JournalError> {
        if let (Action::AssignPackage { package, .. }, Write::SetPackageServers { .. }) =
            (&step.action, write)
        {
            self.note(Fact::AssignmentWritten {
                package: package.clone(),
            })
            .await?;
            self.noted.owes = true;
        }
        Ok(())
    }

    /// Notes that the resource of a deletion is gone, where no answer said so: the answer was lost, or somebody else
    /// deleted it.
    pub(super) async fn gone(&mut self, step: &Step) -> Result<(), JournalError> {
        if let Some((guid, of)) = deletes(&step.action)
            && !self.noted.gone
        {
            self.note(Fact::Deleted { guid, of: Some(of) }).await?;
            self.noted.gone = true;
        }
        Ok(())
    }

    pub(super) async fn written(
        &mut self,
        step: &Step,
        write: &Write,
        created: Option<Guid>,
    ) -> Result<(), JournalError> {
        match (&step.action, write, created) {
            (
                Action::CreateSite {
                    name, protected, ..
                },
                Write::CreateSite { .. },
                Some(guid),
            ) => self.site_created(name, guid, *protected).await,
            (Action::CreateSubnet { subnet, .. }, Write::CreateSubnet { .. }, Some(guid)) => {
                self.subnet_created(*subnet, guid).await
            }
            (_, Write::DeleteResource { .. }, _) => self.gone(step).await,
            (_, Write::UpdateDistributionPoints { package }, _) => {
                self.note(Fact::DistributionUpdated { package: *package })
                    .await?;
                self.noted.owes = false;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn site_created(
        &mut self,
        name: &Name,
        guid: Guid,
        protected: bool,
    ) -> Result<(), JournalError> {
        self.bind_site(name, guid);
        self.note(Fact::SiteCreated {
            guid,
            name: name.clone(),
            protected,
        })
        .await?;
        self.born.created(guid);
        self.noted.intended = false;
        Ok(())
    }

    pub(super) async fn subnet_created(
        &mut self,
        subnet: Subnet,
        guid: Guid,
    ) -> Result<(), JournalError> {
        self.bind_subnet(subnet, guid);
        self.note(Fact::SubnetCreated {
            guid,
            name: Name::new(&subnet.to_string()),
        })
        .await?;
        self.born.created(guid);
        self.noted.intended = false;
        Ok(())
    }

    pub(super) fn bind_site(&mut self, name: &Name, guid: Guid) {
        self.bindings.sites.insert(name.clone(), guid);
        self.born.site(name, guid);
    }

    pub(super) fn bind_subnet(&mut self, subnet: Subnet, guid: Guid) {
        self.bindings.subnets.insert(subnet, guid);
        self.born.subnet(subnet, guid);
    }

    /// What was seen may tell the GUID of an object that an earlier, cut-off try created.
    pub(super) fn bind(&mut self, step: &Step, seen: &Seen) {
        match (&step.action, seen) {
            (Action::CreateSite { name, .. }, Seen::Sites(found)) => {
                if let [(guid, _)] = found.as_slice() {
                    self.bind_site(name, *guid);
                }
            }
            (Action::CreateSubnet { subnet, .. }, Seen::Subnets(found)) => {
                if let [(guid, _)] = found.as_slice() {
                    self.bind_subnet(*subnet, *guid);
                }
            }
            _ => {}
        }
    }

    /// An object that a step was to create is there: by our own write whose answer was lost or said nothing, or by
    /// somebody else's. One that a run before this one was about to create is told by the journal, which knows.
    pub(super) async fn found(&mut self, step: &Step, seen: &Seen) -> Result<(), JournalError> {
        match (&step.action, seen) {
            (
                Action::CreateSite {
                    name, protected, ..
                },
                Seen::Sites(found),
            ) => {
                let [(guid, _)] = found.as_slice() else {
                    return Ok(());
                };
                if self.born.is_created(*guid) {
                    return Ok(());
                }
                if self.noted.intended {
                    return self.site_created(name, *guid, *protected).await;
                }
                self.note(Fact::Recorded {
                    record: Record::AdoptSite {
                        site: ResourceRef {
                            name: name.clone(),
                            guid: *guid,
                        },
                        protected: *protected,
                    },
                })
                .await
            }
            (Action::CreateSubnet { subnet, .. }, Seen::Subnets(found)) => {
                let [(guid, _)] = found.as_slice() else {
                    return Ok(());
                };
                // Our own creation of an earlier round is no find.
                if self.born.is_created(*guid) {
                    return Ok(());
                }
                if self.noted.intended {
                    return self.subnet_created(*subnet, *guid).await;
                }
                self.note(Fact::Recorded {
                    record: Record::AdoptSubnet {
                        subnet: *subnet,
                        guid: *guid,
                    },
                })
                .await
            }
            _ => Ok(()),
        }
    }
}

/// The object that a write brings into being.
pub(crate) fn creates(write: &Write) -> Option<Intended> {
    match write {
        Write::CreateSite { name, .. } => Some(Intended {
            of: CountedKind::Sites,
            name: Name::new(name),
        }),
        Write::CreateSubnet { subnet } => Some(Intended {
            of: CountedKind::Subnets,
            name: Name::new(&subnet.to_string()),
        }),
        _ => None,
    }
}

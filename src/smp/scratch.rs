//! A writer that touches nothing but scratch objects: what it created itself, and what is unmistakably the remains of
//! an earlier trial.
//!
//! I/O, through the writer. It alone writes through entries that nothing has proven yet, since proving them is what it
//! is for. So it knows its objects: a site has a [`ScratchName`], a subnet is a network of documentation (RFC 5737)
//! that somebody was told of before, and both were created here or looked at before they are touched. The one object
//! that is not scratch, the guest, is only ever the member of an association with a scratch site.

use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::read_error::ReadError;
use super::reader::Reader;
use super::resource_model::{self, Resource};
use super::transport::WritingTransport;
use super::write::{Answer, LowerError, Write};
use super::writer::{SendError, Writer};
use crate::model::{Assignment, Guid, Name, Subnet};
use crate::profile::{Ability, Profile, TypeRole};

/// How the names of all scratch sites begin.
pub const SCRATCH_PREFIX: &str = "sitewright-verify-";

/// The networks that RFC 5737 sets aside for documentation: no host has an address in them.
#[must_use]
pub fn documentation() -> Vec<Subnet> {
    [[192, 0, 2, 0], [198, 51, 100, 0], [203, 0, 113, 0]]
        .into_iter()
        .filter_map(|network| Subnet::containing(Ipv4Addr::from(network), 24))
        .collect()
}

/// The name of a scratch site: nobody else would choose it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScratchName(String);

impl ScratchName {
    /// The name with an ending of letters and digits; `None` where the ending has anything else.
    #[must_use]
    pub fn new(ending: &str) -> Option<Self> {
        let fine = |c: char| c.is_ascii_alphanumeric() || c == '-';
        (!ending.is_empty() && ending.chars().all(fine))
            .then(|| Self(format!("{SCRATCH_PREFIX}{ending}")))
    }

    /// Recognises a name.
    #[must_use]
    pub fn recognise(name: &str) -> Option<Self> {
        Self::new(name.trim().strip_prefix(SCRATCH_PREFIX)?)
    }

    /// As the server has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ScratchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A scratch object before it has a GUID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scratch {
    /// A site.
    Site(ScratchName),
    /// A subnet within a network of documentation.
    Subnet(Subnet),
}

impl Scratch {
    /// Recognises the name of a scratch site or of a subnet of documentation.
    #[must_use]
    pub fn recognise(name: &str) -> Option<Self> {
        if let Some(name) = ScratchName::recognise(name) {
            return Some(Self::Site(name));
        }
        let subnet = name.trim().parse::<Subnet>().ok()?;
        documentation()
            .iter()
            .any(|network| network.encloses(subnet))
            .then_some(Self::Subnet(subnet))
    }

    fn role(&self) -> TypeRole {
        match self {
            Self::Site(_) => TypeRole::Site,
            Self::Subnet(_) => TypeRole::Subnet,
        }
    }
}

impl fmt::Display for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Site(name) => name.fmt(f),
            Self::Subnet(subnet) => write!(f, "{subnet}"),
        }
    }
}

/// Why a scratch object was not written. Codes `SW0860` and `SW0861`, and those of sending.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScratchError {
    /// The object is none of ours: refused before anything is sent.
    #[error("{guid} was not created by this trial, so it is not touched")]
    Foreign {
        /// Which.
        guid: Guid,
    },
    /// There is no guest.
    #[error("no server was named for the trial")]
    NoGuest,
    /// The write itself.
    #[error(transparent)]
    Send(#[from] SendError),
}

impl ScratchError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Foreign { .. } => "SW0860",
            Self::NoGuest => "SW0861",
            Self::Send(error) => error.code(),
        }
    }

    /// Whether the server says no, and trying again does not help.
    #[must_use]
    pub fn refused(&self) -> bool {
        matches!(self, Self::Send(SendError::Refused(_)))
    }

    /// Whether the server says that an object of the write does not exist.
    #[must_use]
    pub fn does_not_exist(&self) -> bool {
        matches!(self, Self::Send(error) if error.does_not_exist())
    }
}

/// Whether a resource is scratch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It is, and may be touched from now on.
    Ours,
    /// It is not there.
    Gone,
    /// It has another name, or a description that somebody wrote.
    Foreign(String),
}

/// Writes on scratch objects of one SMP, and on nothing else.
#[derive(Debug)]
pub struct ScratchWriter {
    transport: WritingTransport,
    /// Writes with the standings of `lifted`.
    writer: Writer,
    /// Reads with the profile as it stands.
    reader: Reader,
    born: BTreeSet<Guid>,
    guest: Option<Guid>,
}

impl ScratchWriter {
    /// A writer that has created nothing yet; `guest` is the one computer that may be assigned to a scratch site.
    #[must_use]
    pub fn new(transport: WritingTransport, profile: &Arc<Profile>, guest: Option<Guid>) -> Self {
        Self {
            reader: Reader::new(transport.reading().clone(), Arc::clone(profile)),
            writer: Writer::new(transport.clone(), Arc::new(profile.lifted())),
            transport,
            born: BTreeSet::new(),
            guest,
        }
    }

    /// Goes on with another profile: something was learned.
    pub fn learn(&mut self, profile: &Arc<Profile>) {
        self.writer = Writer::new(self.transport.clone(), Arc::new(profile.lifted()));
        self.reader = self.reader.with_profile(Arc::clone(profile));
    }

    /// The reader of the same SMP.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The computer that may be assigned to a scratch site.
    #[must_use]
    pub fn guest(&self) -> Option<Guid> {
        self.guest
    }

    fn ours(&self, guid: Guid) -> Result<Guid, ScratchError> {
        if self.born.contains(&guid) {
            Ok(guid)
        } else {
            Err(ScratchError::Foreign { guid })
        }
    }

    /// Creates a scratch object; gives its GUID where the answer says it. `supplied` is the GUID that it is to have.
    pub async fn create(
        &mut self,
        scratch: &Scratch,
        description: &str,
        supplied: Option<Guid>,
    ) -> Result<Option<Guid>, ScratchError> {
        let profile = self.writer.reader().profile();
        let ability = match scratch {
            Scratch::Site(_) => Ability::CreateSite,
            Scratch::Subnet(_) => Ability::CreateSubnet,
        };
        let lower = |error: LowerError| ScratchError::Send(error.into());
        profile
            .can(ability)
            .map_err(|missing| lower(missing.into()))?;
        let (Some(kind), Some(names)) = (
            profile.type_guid(scratch.role()),
            profile.structures.resource_info.as_ref(),
        ) else {
            return Ok(None); // what `can` has just ruled out
        };
        let call = resource_model::create_new_resource(
            kind,
            &scratch.to_string(),
            Some(description),
            supplied,
            names,
        )
        .map_err(|error| lower(error.into()))?;
        let request = call.soap(profile).map_err(|error| lower(error.into()))?;
        let created = self.writer.request(request, Answer::Created).await?;
        self.born.extend(created);
        Ok(created)
    }

    /// Changes the description of a scratch object.
    pub async fn describe(&self, resource: Guid, description: &str) -> Result<(), ScratchError> {
        let resource = self.ours(resource)?;
        let description = description.to_owned();
        self.send(&Write::Describe {
            resource,
            description,
        })
        .await
    }

    /// Gives a scratch site another name that is one of a scratch site.
    pub async fn rename(&self, site: Guid, to: &Scratch) -> Result<(), ScratchError> {
        let site = self.ours(site)?;
        let name = to.to_string();
        self.send(&Write::RenameSite { site, name }).await
    }

    /// Deletes a scratch object.
    pub async fn delete(&self, resource: Guid) -> Result<(), ScratchError> {
        let resource = self.ours(resource)?;
        self.send(&Write::DeleteResource { resource }).await
    }

    /// Forms the association of a subnet with a site, both scratch.
    pub async fn join(&self, subnet: Guid, site: Guid) -> Result<(), ScratchError> {
        let (subnet, site) = (self.ours(subnet)?, self.ours(site)?);
        self.send(&Write::JoinSubnet { subnet, site }).await
    }

    /// Breaks the association of a subnet with a site, both scratch.
    pub async fn part(&self, subnet: Guid, site: Guid) -> Result<(), ScratchError> {
        let (subnet, site) = (self.ours(subnet)?, self.ours(site)?);
        self.send(&Write::PartSubnet { subnet, site }).await
    }

    /// Assigns the guest to a scratch site.
    pub async fn assign(&self, site: Guid) -> Result<(), ScratchError> {
        let site = self.ours(site)?;
        let server = self.guest.ok_or(ScratchError::NoGuest)?;
        self.send(&Write::JoinServer { server, site }).await
    }

    /// Takes a server out of a scratch site: the guest, or whoever an earlier trial left there.
    pub async fn release(&self, server: Guid, site: Guid) -> Result<(), ScratchError> {
        let site = self.ours(site)?;
        self.send(&Write::PartServer { server, site }).await
    }

    /// Writes back the assignment that a package has: what is written is what was read a moment before.
    pub async fn write_back(&self, package: Guid) -> Result<Option<Assignment>, ScratchError> {
        let found = self.reader.package(package).await;
        let found = found.map_err(|error| ScratchError::Send(SendError::Read(error)))?;
        let Some(found) = found else {
            return Ok(None);
        };
        self.send(&Write::SetPackageServers {
            package,
            assignment: found.assignment.clone(),
        })
        .await?;
        Ok(Some(found.assignment))
    }

    async fn send(&self, write: &Write) -> Result<(), ScratchError> {
        let prepared = self.writer.prepare(write).await?;
        self.writer.send(prepared).await?;
        Ok(())
    }

    /// Looks for a scratch object by its name; one that is there is ours from now on.
    ///
    /// For answers that were lost. The network of a subnet must have been free before.
    pub async fn find(&mut self, scratch: &Scratch) -> Result<Option<Guid>, ReadError> {
        let Some(kind) = self.reader.profile().type_guid(scratch.role()) else {
            return Ok(None);
        };
        let name = scratch.to_string();
        let Some(guid) = self.reader.resource_named(&name, kind).await? else {
            return Ok(None);
        };
        match self.claim(guid).await? {
            Claim::Ours => Ok(Some(guid)),
            Claim::Gone | Claim::Foreign(_) => Ok(None),
        }
    }

    /// Looks at a resource and makes it ours, where its name is that of a scratch object and nobody described it.
    pub async fn claim(&mut self, guid: Guid) -> Result<Claim, ReadError> {
        let Some(found) = self.reader.resource(guid).await? else {
            return Ok(Claim::Gone);
        };
        let Resource {
            guid: _, // asked for
            name,
            description,
            resource_type: _, // a name that nobody else chooses says more
        } = found;
        let name = name.unwrap_or_default();
        let Some(scratch) = Scratch::recognise(&name) else {
            return Ok(Claim::Foreign(format!("it is called `{name}`")));
        };
        let described = description.unwrap_or_default();
        // A server may drop descriptions; one that somebody else wrote is a sign of life.
        if matches!(scratch, Scratch::Subnet(_))
            && !described.trim().is_empty()
            && !described.contains(SCRATCH_PREFIX)
        {
            return Ok(Claim::Foreign(format!(
                "somebody described it: `{described}`"
            )));
        }
        self.born.insert(guid);
        Ok(Claim::Ours)
    }

    /// The scratch sites that the server has, by their names.
    pub async fn sites(&self) -> Result<Vec<(Guid, Name)>, ReadError> {
        let Some(kind) = self.reader.profile().type_guid(TypeRole::Site) else {
            return Ok(Vec::new());
        };
        let found = self
            .reader
            .resources_of_type(kind, |guid, passing| {
                let name = passing.name().and_then(ScratchName::recognise);
                Ok(name.map(|name| (guid, Name::new(name.as_str()))))
            })
            .await?;
        Ok(found.into_iter().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::testing;
    use super::*;
    use crate::model::RunId;
    use crate::smp::Connection;

    fn writer() -> ScratchWriter {
        // Nobody listens there: whatever is refused is refused before anything is sent.
        let url = "http://127.0.0.1:9".parse().unwrap();
        let connection = Connection::new(url, RunId("test".into()));
        let transport = WritingTransport::new(connection).unwrap();
        ScratchWriter::new(transport, &Arc::new(testing::profile()), None)
    }

    #[test]
    fn names_are_unmistakable() {
        assert_eq!(
            ScratchName::new("1a2b-a").unwrap().as_str(),
            "sitewright-verify-1a2b-a"
        );
        for wrong in ["", "a b", "ü", "a/24"] {
            assert_eq!(ScratchName::new(wrong), None, "{wrong}");
        }
        for (name, scratch) in [
            ("sitewright-verify-1a2b-a", true),
            ("192.0.2.17/32", true),
            ("198.51.100.0/24", true),
            ("203.0.113.4/30", true),
            ("192.0.3.17/32", false),
            ("192.0.0.0/16", false),
            ("sitewright-verify-", false),
            ("HQ", false),
        ] {
            assert_eq!(Scratch::recognise(name).is_some(), scratch, "{name}");
        }
    }

    #[tokio::test]
    async fn what_was_not_created_here_is_not_touched() {
        let mut writer = writer();
        let (ours, foreign) = (Guid::from_u128(1), Guid::from_u128(2));
        writer.born.insert(ours);
        let site = Scratch::Site(ScratchName::new("1a2b-c").unwrap());
        let refused = |result: Result<(), ScratchError>| result.unwrap_err().code();
        for result in [
            writer.delete(foreign).await,
            writer.describe(foreign, "x").await,
            writer.rename(foreign, &site).await,
            writer.join(ours, foreign).await,
            writer.join(foreign, ours).await,
            writer.part(ours, foreign).await,
            writer.part(foreign, ours).await,
            writer.assign(foreign).await,
            writer.release(ours, foreign).await,
        ] {
            assert_eq!(refused(result), "SW0860");
        }
        assert_eq!(refused(writer.assign(ours).await), "SW0861");
        // What is ours goes out, and nobody is there.
        assert_eq!(refused(writer.delete(ours).await), "SW0333");
    }
}

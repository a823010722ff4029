//! The two memberships of a site: of a subnet, and of a server by hand. Both are associations, read from both ends.
//!
//! I/O, through the reader.

use std::collections::BTreeSet;

use super::report::Correction;
use crate::model::Guid;
use crate::profile::{Ability, Association, Profile, TypeRole};
use crate::smp::{ReadError, Reader};

/// What may be in a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Member {
    Subnet,
    Server,
}

impl Member {
    pub(super) fn role(self) -> TypeRole {
        match self {
            Self::Subnet => TypeRole::Subnet,
            Self::Server => TypeRole::Computer,
        }
    }

    fn ability(self) -> Ability {
        match self {
            Self::Subnet => Ability::ReadSubnetSites,
            Self::Server => Ability::ReadManualServers,
        }
    }

    /// The path of its association in the profile.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Subnet => "associations.subnetToSite",
            Self::Server => "associations.serverToSite",
        }
    }

    /// The assumption that its association is all there is to it.
    pub(super) fn enough(self) -> &'static str {
        match self {
            Self::Subnet => "A04",
            Self::Server => "A05",
        }
    }

    pub(super) fn association(self, profile: &Profile) -> Option<&Association> {
        let associations = &profile.associations;
        match self {
            Self::Subnet => associations.subnet_to_site.as_ref(),
            Self::Server => associations.server_to_site.as_ref(),
        }
        .filter(|found| found.standing.reads() && found.guid.is_some())
    }

    pub(super) fn replaces(self, replaces: bool) -> Correction {
        match self {
            Self::Subnet => Correction::SubnetReplaces(replaces),
            Self::Server => Correction::ServerReplaces(replaces),
        }
    }

    pub(super) fn parent(self, parent: TypeRole) -> Correction {
        match self {
            Self::Subnet => Correction::SubnetParent(parent),
            Self::Server => Correction::ServerParent(parent),
        }
    }

    /// The sites that a member is in.
    pub(super) async fn sites(
        self,
        reader: &Reader,
        member: Guid,
    ) -> Result<BTreeSet<Guid>, ReadError> {
        self.joined(reader, (self.role(), member), TypeRole::Site)
            .await
    }

    async fn joined(
        self,
        reader: &Reader,
        given: (TypeRole, Guid),
        wanted: TypeRole,
    ) -> Result<BTreeSet<Guid>, ReadError> {
        let Some(association) = self.association(reader.profile()) else {
            return Ok(BTreeSet::new());
        };
        let found = reader
            .associated(association, given, wanted, None, self.ability())
            .await?;
        Ok(found.into_iter().map(|resource| resource.guid).collect())
    }
}

/// The members that a site has.
pub(super) async fn members(
    reader: &Reader,
    member: Member,
    site: Guid,
) -> Result<BTreeSet<Guid>, ReadError> {
    member
        .joined(reader, (TypeRole::Site, site), member.role())
        .await
}

//! Writes as data, and how each becomes requests.
//!
//! Pure. Some writes change one thing of an object and must say the rest again: they read first, and the request
//! that writes is made of what was read.

use crate::items::{SpliceError, Wanted, splice};
use crate::model::{Assignment, Guid, Subnet};
use crate::profile::{Ability, Association, Missing, Profile, Setting, SettingItem, TypeRole};

use super::request::{MethodCall, Request, RequestError};
use super::xml::AnswerError;
use super::{item_management, resource_model, software_package};

/// One write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Create a site.
    CreateSite {
        /// Its name.
        name: String,
        /// Its description.
        description: Option<String>,
    },
    /// Create a subnet; it belongs to no site yet.
    CreateSubnet {
        /// The network.
        subnet: Subnet,
    },
    /// Rename a site.
    RenameSite {
        /// Which.
        site: Guid,
        /// Its new name.
        name: String,
    },
    /// Change the description of a resource and nothing else of it.
    Describe {
        /// Which.
        resource: Guid,
        /// The description.
        description: String,
    },
    /// Delete a resource.
    DeleteResource {
        /// Which.
        resource: Guid,
    },
    /// Put a subnet into a site.
    JoinSubnet {
        /// The subnet.
        subnet: Guid,
        /// The site.
        site: Guid,
    },
    /// Take a subnet out of a site.
    PartSubnet {
        /// The subnet.
        subnet: Guid,
        /// The site.
        site: Guid,
    },
    /// Assign a computer to a site manually.
    JoinServer {
        /// The computer.
        server: Guid,
        /// The site.
        site: Guid,
    },
    /// Take a manual assignment away.
    PartServer {
        /// The computer.
        server: Guid,
        /// The site.
        site: Guid,
    },
    /// Assign a package to package servers.
    SetPackageServers {
        /// The package.
        package: Guid,
        /// The assignment.
        assignment: Assignment,
    },
    /// Switch Constrain to Site, in item XML.
    SetConstrain {
        /// The site.
        site: Guid,
        /// To what.
        on: bool,
    },
    /// Set the default target of captured images, in item XML.
    SetCaptureTarget {
        /// The computer of the package server.
        server: Guid,
    },
    /// Have the servers of a package told of its assignment.
    UpdateDistributionPoints {
        /// The package.
        package: Guid,
    },
}

/// Why a write cannot be put into requests. Code `SW0320`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LowerError {
    /// The profile does not know enough, or not surely enough.
    #[error(transparent)]
    Profile(#[from] Missing),
    /// A value cannot be sent.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A value cannot be put into item XML.
    #[error(transparent)]
    Splice(#[from] SpliceError),
}

/// What is done about a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// One request.
    Send {
        /// The request.
        request: Request,
        /// What its answer says.
        answer: Answer,
    },
    /// A read, and a request made of its answer by [`Change::request`].
    ReadThenSend {
        /// The read.
        read: Request,
        /// How the answer becomes the request.
        change: Change,
    },
}

/// What the answer of a write says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Nothing but that it was done.
    Nothing,
    /// The resource that was created.
    Created,
    /// A package: an empty structure means that it does not exist.
    Package,
}

/// What of a thing that was read is to become different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The description of a resource.
    Description(String),
    /// The assignment of a package.
    Assignment {
        /// Which package.
        package: Guid,
        /// Its assignment.
        assignment: Assignment,
    },
    /// One value in the XML of an item.
    Setting(Box<ItemValue>),
}

/// A value in the XML of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemValue {
    /// The item.
    pub item: Guid,
    /// The site whose value it is.
    pub site: Option<Guid>,
    /// Where it stands.
    pub setting: Setting,
    /// What is to stand there.
    pub wanted: Wanted,
}

/// The XML of an item that a write replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// What is written, and where.
    pub value: ItemValue,
    /// The XML as it was exported, every byte.
    pub before: String,
    /// The XML that is imported.
    pub after: String,
}

/// Why an answer did not become a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// The object does not exist.
    #[error("expected the object to exist, found nothing")]
    Gone,
    /// The answer is not understood.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The request cannot be built.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The value cannot be put into the XML.
    #[error(transparent)]
    Splice(#[from] SpliceError),
}

impl Change {
    /// The XML of the item that the write replaces; `None` where it is another kind of write.
    pub fn replaced(&self, answer: &[u8]) -> Result<Option<Replaced>, ChangeError> {
        let Self::Setting(value) = self else {
            return Ok(None);
        };
        let mut body = answer;
        let before = item_management::exact_string(&mut body, "ExportItemXmlString")?
            .ok_or(ChangeError::Gone)?;
        let after = splice(&before, &value.setting, value.site, &value.wanted)?;
        Ok(Some(Replaced {
            value: ItemValue::clone(value),
            before,
            after,
        }))
    }

    /// Makes the request that writes, out of the answer of the read.
    pub fn request(&self, answer: &[u8], profile: &Profile) -> Result<Request, ChangeError> {
        let call = match self {
            Self::Description(description) => {
                let names = profile
                    .structures
                    .resource
                    .as_ref()
                    .ok_or(ChangeError::Gone)?;
                resource_model::save_described(answer, description, names)?
                    .ok_or(ChangeError::Gone)?
            }
            Self::Assignment {
                package,
                assignment,
            } => {
                let mut body = answer;
                let found =
                    software_package::package(&mut body, "GetPackage")?.ok_or(ChangeError::Gone)?;
                software_package::set_package_server_settings(*package, assignment, &found.location)
            }
            Self::Setting(_) => {
                let replaced = self.replaced(answer)?.ok_or(ChangeError::Gone)?;
                item_management::import_item_xml_string(&replaced.after)
            }
        };
        Ok(call.soap(profile)?)
    }

    /// What the answer of the writing request says.
    #[must_use]
    pub fn answer(&self) -> Answer {
        match self {
            Self::Description(_) | Self::Setting(_) => Answer::Nothing,
            Self::Assignment { .. } => Answer::Package,
        }
    }
}

/// Parent and child of an association between a member and its site.
fn ends(association: &Association, member: Guid, site: Guid) -> (Guid, Guid) {
    if association.parent == TypeRole::Site {
        (site, member)
    } else {
        (member, site)
    }
}

/// Makes the call that forms or breaks one association.
fn associate(
    association: Option<&Association>,
    member: Guid,
    site: Guid,
    make: fn(Guid, Guid, &[Guid]) -> MethodCall,
) -> Option<MethodCall> {
    let association = association?;
    let (parent, child) = ends(association, member, site);
    Some(make(association.guid?, parent, &[child]))
}

/// The ability that a write needs.
fn ability(write: &Write) -> Ability {
    match write {
        Write::CreateSite { .. } => Ability::CreateSite,
        Write::CreateSubnet { .. } => Ability::CreateSubnet,
        Write::RenameSite { .. } => Ability::RenameSite,
        Write::Describe { .. } => Ability::DescribeSite,
        Write::DeleteResource { .. } => Ability::DeleteResource,
        Write::JoinSubnet { .. } | Write::PartSubnet { .. } => Ability::MoveSubnet,
        Write::JoinServer { .. } | Write::PartServer { .. } => Ability::AssignServer,
        Write::SetConstrain { .. } => Ability::WriteConstrain,
        Write::SetCaptureTarget { .. } => Ability::WriteCaptureTarget,
        Write::SetPackageServers { .. } | Write::UpdateDistributionPoints { .. } => {
            Ability::AssignPackage
        }
    }
}

/// Puts a write into requests.
#[expect(clippy::too_many_lines, reason = "one table, an arm a write")]
pub fn lower(write: &Write, profile: &Profile) -> Result<Call, LowerError> {
    let ability = ability(write);
    profile.can(ability)?;
    // What `can` has just said to be there; the fallback is never built.
    let missing = || Missing {
        entries: Vec::new(),
    };
    let send = |call: MethodCall, answer: Answer| -> Result<Call, LowerError> {
        Ok(Call::Send {
            request: call.soap(profile)?,
            answer,
        })
    };
    let associations = &profile.associations;
    match write {
        Write::CreateSite { name, description } => {
            let call = create(profile, TypeRole::Site, name, description.as_deref())?;
            send(call.ok_or_else(missing)?, Answer::Created)
        }
        Write::CreateSubnet { subnet } => {
            let call = create(profile, TypeRole::Subnet, &subnet.to_string(), None)?;
            send(call.ok_or_else(missing)?, Answer::Created)
        }
        Write::RenameSite { site, name } => {
            send(item_management::rename_item(*site, name), Answer::Nothing)
        }
        Write::Describe {
            resource,
            description,
        } => Ok(Call::ReadThenSend {
            read: resource_model::get_resource(*resource).soap(profile)?,
            change: Change::Description(description.clone()),
        }),
        Write::DeleteResource { resource } => {
            send(resource_model::delete_resource(*resource), Answer::Nothing)
        }
        Write::JoinSubnet { subnet, site } => {
            let association = associations.subnet_to_site.as_ref();
            let call = associate(
                association,
                *subnet,
                *site,
                resource_model::form_association,
            );
            send(call.ok_or_else(missing)?, Answer::Nothing)
        }
        Write::PartSubnet { subnet, site } => {
            let association = associations.subnet_to_site.as_ref();
            let call = associate(
                association,
                *subnet,
                *site,
                resource_model::break_association,
            );
            send(call.ok_or_else(missing)?, Answer::Nothing)
        }
        Write::JoinServer { server, site } => {
            let association = associations.server_to_site.as_ref();
            let call = associate(
                association,
                *server,
                *site,
                resource_model::form_association,
            );
            send(call.ok_or_else(missing)?, Answer::Nothing)
        }
        Write::PartServer { server, site } => {
            let association = associations.server_to_site.as_ref();
            let call = associate(
                association,
                *server,
                *site,
                resource_model::break_association,
            );
            send(call.ok_or_else(missing)?, Answer::Nothing)
        }
        Write::SetPackageServers {
            package,
            assignment,
        } => Ok(Call::ReadThenSend {
            read: software_package::get_package(*package).read(profile)?,
            change: Change::Assignment {
                package: *package,
                assignment: assignment.clone(),
            },
        }),
        Write::SetConstrain { site, on } => {
            let setting = profile.settings.constrain_to_site.as_ref();
            let setting = setting.ok_or_else(missing)?;
            let wanted = match (on, &setting.on, &setting.off) {
                (true, Some(on), _) => Wanted::Text(on.clone()),
                (false, _, Some(off)) => Wanted::Text(off.clone()),
                (false, _, None) => Wanted::Nothing,
                (true, None, _) => return Err(missing().into()),
            };
            item_value(setting, Some(*site), wanted, profile)
        }
        Write::SetCaptureTarget { server } => {
            let setting = profile.settings.capture_target.as_ref();
            let setting = setting.ok_or_else(missing)?;
            item_value(setting, None, Wanted::Guid(*server), profile)
        }
        Write::UpdateDistributionPoints { package } => send(
            software_package::update_distribution_points(*package),
            Answer::Nothing,
        ),
    }
}

/// Reads the item that holds a setting, to write it back with another value.
fn item_value(
    setting: &Setting,
    site: Option<Guid>,
    wanted: Wanted,
    profile: &Profile,
) -> Result<Call, LowerError> {
    let item = match (setting.item, site) {
        (Some(SettingItem::Item(item)), _) => item,
        (Some(SettingItem::Site), Some(site)) => site,
        _ => return Err(LowerError::Splice(SpliceError::NoPath)),
    };
    Ok(Call::ReadThenSend {
        read: item_management::export_item_xml_string(item).read(profile)?,
        change: Change::Setting(Box::new(ItemValue {
            item,
            site,
            setting: setting.clone(),
            wanted,
        })),
    })
}

/// Makes the call that creates a resource.
fn create(
    profile: &Profile,
    role: TypeRole,
    name: &str,
    description: Option<&str>,
) -> Result<Option<MethodCall>, RequestError> {
    let (Some(resource_type), Some(names)) = (
        profile.type_guid(role),
        profile.structures.resource_info.as_ref(),
    ) else {
        return Ok(None);
    };
    resource_model::create_new_resource(resource_type, name, description, None, names).map(Some)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::super::testing;
    use super::*;
    use crate::profile::Standing;

    fn guid(value: u128) -> Guid {
        Guid::from_u128(value)
    }

    /// What is inside the call element of the request that a write becomes.
    fn sent(write: &Write, profile: &Profile) -> (String, Option<String>) {
        let Call::Send { request, .. } = lower(write, profile).unwrap() else {
            panic!("a read comes first: {write:?}");
        };
        inside(&request)
    }

    fn inside(request: &Request) -> (String, Option<String>) {
        let body = std::str::from_utf8(&request.body).unwrap();
        let document = roxmltree::Document::parse(body).unwrap();
        let call = document
            .descendants()
            .find(|node| node.tag_name().name() == request.method)
            .unwrap();
        let inner: String = call.children().map(|child| &body[child.range()]).collect();
        (inner, request.soap_action.clone())
    }

    fn check(write: &Write, action: &str, expect: &str) {
        let (inner, soap_action) = sent(write, &testing::profile());
        assert_eq!(inner, expect);
        assert_eq!(soap_action.as_deref(), Some(action));
    }

    const A: &str = "00000000-0000-0000-0000-00000000000a";
    const B: &str = "00000000-0000-0000-0000-00000000000b";

    #[test]
    fn every_write_says_every_parameter() {
        check(
            &Write::CreateSite {
                name: "A & B".into(),
                description: Some("x".into()),
            },
            "\"urn:rm/CreateNewResource\"",
            "<resourceTypeGUID>00000000-0000-0000-0000-00000000aa01</resourceTypeGUID><info><Name>A &amp; B</Name>\
             <ResourceTypeGuid>00000000-0000-0000-0000-00000000aa01</ResourceTypeGuid><Description>x</Description></info>",
        );
        check(
            &Write::CreateSubnet {
                subnet: "192.168.10.0/24".parse().unwrap(),
            },
            "\"urn:rm/CreateNewResource\"",
            "<resourceTypeGUID>00000000-0000-0000-0000-00000000aa02</resourceTypeGUID><info><Name>192.168.10.0/24</Name>\
             <ResourceTypeGuid>00000000-0000-0000-0000-00000000aa02</ResourceTypeGuid></info>",
        );
        check(
            &Write::JoinSubnet {
                subnet: guid(10),
                site: guid(11),
            },
            "\"urn:rm/FormAssociation\"",
            &format!(
                "<relationshipTypeGUID>00000000-0000-0000-0000-00000000bb01</relationshipTypeGUID>\
                 <relationshipParentGUID>{B}</relationshipParentGUID><relationshipChildGUIDs><guid>{A}</guid></relationshipChildGUIDs>"
            ),
        );
        // Here the profile says that the computer is the parent.
        check(
            &Write::PartServer {
                server: guid(10),
                site: guid(11),
            },
            "\"urn:rm/BreakAssociation\"",
            &format!(
                "<relationshipTypeGUID>00000000-0000-0000-0000-00000000bb02</relationshipTypeGUID>\
                 <relationshipParentGUID>{A}</relationshipParentGUID><relationshipChildGUIDs><guid>{B}</guid></relationshipChildGUIDs>"
            ),
        );
        check(
            &Write::DeleteResource { resource: guid(10) },
            "\"urn:rm/DeleteResource\"",
            &format!("<resourceGuid>{A}</resourceGuid>"),
        );
        check(
            &Write::UpdateDistributionPoints { package: guid(10) },
            "\"urn:smf/UpdateDistributionPoints\"",
            &format!("<PackageGuid>{A}</PackageGuid>"),
        );
    }

    fn assigned(present: &str, assignment: Assignment) -> Result<String, ChangeError> {
        let profile = testing::profile();
        let write = Write::SetPackageServers {
            package: guid(10),
            assignment,
        };
        let Call::ReadThenSend { read, change } = lower(&write, &profile).unwrap() else {
            panic!("no read");
        };
        assert_eq!(read.method, "GetPackage");
        let answer = format!(
            "<e:Envelope xmlns:e='e'><e:Body><GetPackageResponse xmlns='urn:smf'><GetPackageResult>{present}</GetPackageResult>\
             </GetPackageResponse></e:Body></e:Envelope>"
        );
        change
            .request(answer.as_bytes(), &profile)
            .map(|request| inside(&request).0)
    }

    #[test]
    fn an_assignment_keeps_the_location() {
        let present = format!(
            "<PackageServerLocation>D:\\images &amp; co</PackageServerLocation><Guid>{A}</Guid><Name>x</Name>\
             <PackageServerAssigments>ALL</PackageServerAssigments>"
        );
        let kept = "<PackageServerLocation>D:\\images &amp; co</PackageServerLocation>";
        for (assignment, expect) in [
            (
                Assignment::All,
                "<AssignmentType>0</AssignmentType><AutomaticSiteAssignment>false</AutomaticSiteAssignment><PackageServers></PackageServers>".to_owned(),
            ),
            (
                Assignment::Servers([guid(10), guid(11)].into()),
                format!("<AssignmentType>1</AssignmentType><AutomaticSiteAssignment>false</AutomaticSiteAssignment><PackageServers>{A},{B}</PackageServers>"),
            ),
            (
                Assignment::Sites {
                    sites: [guid(11)].into(),
                    automatic: true,
                },
                format!("<AssignmentType>2</AssignmentType><AutomaticSiteAssignment>true</AutomaticSiteAssignment><PackageServers>{B}</PackageServers>"),
            ),
        ] {
            assert_eq!(
                assigned(&present, assignment).unwrap(),
                format!("<PackageGuid>{A}</PackageGuid>{expect}{kept}")
            );
        }
        assert_eq!(assigned("", Assignment::All), Err(ChangeError::Gone));
    }

    #[test]
    fn writes_need_what_is_proven() {
        let mut profile = testing::profile();
        if let Some(association) = &mut profile.associations.subnet_to_site {
            association.standing = Standing::Discovered;
            association.replaces = None;
        }
        let write = Write::JoinSubnet {
            subnet: guid(1),
            site: guid(2),
        };
        let error = lower(&write, &profile).unwrap_err().to_string();
        assert!(
            error.contains("`associations.subnetToSite` (discovered; a write needs"),
            "{error}"
        );
        assert!(
            error.contains("`associations.subnetToSite.replaces` (unknown)"),
            "{error}"
        );
        let write = Write::CreateSite {
            name: "a\u{1}".into(),
            description: None,
        };
        let error = lower(&write, &testing::profile()).unwrap_err().to_string();
        assert!(error.contains("control character"), "{error}");
    }

    #[test]
    fn packages_are_read_in_any_shape() {
        for (fields, expect) in [
            (
                "<PackageServerAssigments>all</PackageServerAssigments>",
                Ok(Some(Assignment::All)),
            ),
            (
                "<PackageServers>{00000000-0000-0000-0000-00000000000A}, 00000000-0000-0000-0000-00000000000b,</PackageServers>\
                 <PackageServerAssigments>INDIVIDUALLY</PackageServerAssigments>",
                Ok(Some(Assignment::Servers([guid(10), guid(11)].into()))),
            ),
            (
                "<PackageServerAssignments>SITE</PackageServerAssignments><PackageServerAutoAssign>True</PackageServerAutoAssign>",
                Ok(Some(Assignment::Sites {
                    sites: [].into(),
                    automatic: true,
                })),
            ),
            (
                "<PackageServerAssigments>NEARBY</PackageServerAssigments>",
                Err("found `NEARBY`"),
            ),
        ] {
            for guid in [A, "{00000000-0000-0000-0000-00000000000A}"] {
                let body = format!(
                    "<d:SoftwarePackageDetails xmlns:d='x'><d:Guid>{guid}</d:Guid>{fields}</d:SoftwarePackageDetails>"
                );
                let found = software_package::package(&mut body.as_bytes(), "GetPackage");
                match (&expect, found) {
                    (Ok(expect), Ok(found)) => {
                        assert_eq!(found.map(|found| found.assignment), *expect);
                    }
                    (Err(expect), Err(error)) => assert!(error.to_string().contains(expect)),
                    (_, found) => panic!("{body}: {found:?}"),
                }
            }
        }
        for empty in [
            "<SoftwarePackageDetails/>",
            "<SoftwarePackageDetails><Guid>00000000-0000-0000-0000-000000000000</Guid></SoftwarePackageDetails>",
            "<SoftwarePackageDetails xmlns:i='x' i:nil='true'/>",
        ] {
            let found = software_package::package(&mut empty.as_bytes(), "GetPackage");
            assert_eq!(found, Ok(None), "{empty}");
        }
    }
}

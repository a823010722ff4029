//! What a profile allows: which of its entries each ability needs, and what is missing.
//!
//! Pure. Reading needs an entry of any standing but `unknown`; writing needs `verified` or `operator`.

use std::fmt;

use super::format::{AssociatedTypeArgument, Association, Profile, Standing, TypeRole};
use super::{FactKind, ReportKind, ServiceName, Setting};
use crate::model::{Guid, Role};

/// Something that can be done on an SMP, given what its profile says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ability {
    /// List sites.
    ReadSites,
    /// Read the description of a site.
    ReadDescription,
    /// List subnets.
    ReadSubnets,
    /// Read which site a subnet belongs to.
    ReadSubnetSites,
    /// Read which computers are assigned to a site manually.
    ReadManualServers,
    /// Read site services and their computers.
    ReadServices,
    /// Tell whether a server has this role.
    ReadRole(Role),
    /// Read the addresses of computers.
    ReadAddresses,
    /// List packages.
    ReadPackages,
    /// Read the assignment of a package.
    ReadAssignment,
    /// Read which servers hold a package.
    ReadHolders,
    /// Read Constrain to Site.
    ReadConstrain,
    /// Read the default target of captured images.
    ReadCaptureTarget,
    /// Read the packages of a task from the task's item.
    ReadTaskPackages,
    /// Read "Prevent downloads" of the targeted site settings.
    ReadPrevention,
    /// Read one fact of inventory.
    ReadFact(FactKind),
    /// List managed computers with their addresses.
    ReadClients,
    /// Read which task server each client is registered with.
    ReadRegistrations,
    /// Read what clients fetched last, and from where.
    ReadPackageSources,
    /// Read how many requests servers were asked.
    ReadServerLoad,
    /// Fetch rows of data classes of many resources at once.
    FetchDataClasses,
    /// Create a site.
    CreateSite,
    /// Rename a site.
    RenameSite,
    /// Change the description of a site.
    DescribeSite,
    /// Delete a site or a subnet.
    DeleteResource,
    /// Create a subnet.
    CreateSubnet,
    /// Put a subnet into a site or take it out.
    MoveSubnet,
    /// Assign a server to a site or take the assignment away.
    AssignServer,
    /// Change the assignment of a package and update its distribution points.
    AssignPackage,
    /// Create folders and reports.
    InstallReports,
    /// Switch Constrain to Site, as item XML.
    WriteConstrain,
    /// Set the default target of captured images, as item XML.
    WriteCaptureTarget,
}

/// An entry that is missing or whose standing is too low.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MissingEntry {
    /// Where in the profile: `types.site`.
    pub path: String,
    /// The standing found; `unknown` where there is no entry.
    pub found: Standing,
    /// Whether the entry is wanted for a write.
    pub write: bool,
}

impl fmt::Display for MissingEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, found, write } = self;
        match (found, write) {
            (Standing::Unknown, _) => write!(f, "`{path}` (unknown)"),
            (found, true) => write!(
                f,
                "`{path}` ({found}; a write needs `verified` or `operator`)"
            ),
            (found, false) => write!(f, "`{path}` ({found})"),
        }
    }
}

/// What a profile lacks for an ability.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the server profile lacks {}", .entries.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
pub struct Missing {
    /// The entries, in the order of the file.
    pub entries: Vec<MissingEntry>,
}

/// Collects what is missing.
struct Needs<'a> {
    profile: &'a Profile,
    write: bool,
    missing: Vec<MissingEntry>,
}

impl Needs<'_> {
    /// Notes `path` unless something is known there with a sufficient standing.
    fn entry(&mut self, path: &str, known: bool, standing: Option<Standing>) {
        let found = standing.filter(|_| known).unwrap_or(Standing::Unknown);
        let enough = if self.write {
            found.writes()
        } else {
            found.reads()
        };
        if !enough {
            self.missing.push(MissingEntry {
                path: path.into(),
                found,
                write: self.write,
            });
        }
    }

    fn resource_type(&mut self, role: TypeRole) {
        let entry = self.profile.types.of(role);
        self.entry(
            &format!("types.{}", role.as_str()),
            entry.is_some_and(|entry| entry.guid.is_some()),
            entry.map(|entry| entry.standing),
        );
    }

    fn association(&mut self, name: &str, entry: Option<&Association>) {
        let path = format!("associations.{name}");
        self.entry(
            &path,
            entry.is_some_and(|entry| entry.guid.is_some()),
            entry.map(|entry| entry.standing),
        );
        if self.write && entry.is_some_and(|entry| entry.replaces.is_none()) {
            self.entry(&format!("{path}.replaces"), false, None);
        }
    }

    fn service(&mut self, service: ServiceName) {
        let entry = self.profile.services.get(&service);
        // A documented namespace needs no entry, and one that was found and is the documented one is certain:
        // nothing can be more so than the vendor's word.
        let documented = service.documented_namespace();
        let standing = match entry {
            Some(entry)
                if entry.standing.reads() && documented == Some(entry.namespace.as_str()) =>
            {
                Some(Standing::Operator)
            }
            Some(entry) => Some(entry.standing),
            None => documented.map(|_| Standing::Operator),
        };
        self.entry(&format!("services.{service}"), standing.is_some(), standing);
    }

    /// Element names: `fields` by name, each whether it is known.
    fn structure(&mut self, name: &str, standing: Option<Standing>, fields: &[(&str, bool)]) {
        for (field, known) in fields {
            self.entry(&format!("structures.{name}.{field}"), *known, standing);
        }
    }

    fn listing(&mut self) {
        let info = self.profile.structures.resource_info.as_ref();
        self.structure(
            "resourceInfo",
            info.map(|info| info.standing),
            &[
                ("guid", info.is_some_and(|info| info.guid.is_some())),
                ("name", info.is_some_and(|info| info.name.is_some())),
            ],
        );
        self.service(ServiceName::ResourceModel);
    }

    fn associated(&mut self) {
        let resource = self.profile.structures.resource.as_ref();
        self.structure(
            "resource",
            resource.map(|resource| resource.standing),
            &[(
                "guid",
                resource.is_some_and(|resource| resource.guid.is_some()),
            )],
        );
        self.service(ServiceName::ResourceModel);
        if self.profile.calls.associated_type_argument.is_none() {
            self.entry("calls.associatedTypeArgument", false, None);
        }
    }

    fn setting(&mut self, name: &str, setting: Option<Standing>) {
        self.entry(&format!("settings.{name}"), setting.is_some(), setting);
        self.service(ServiceName::ItemManagement);
    }

    /// A setting that is written as item XML: proven, and with the operator's word for it.
    fn written(&mut self, name: &str, setting: Option<&Setting>) {
        self.setting(name, setting.map(|setting| setting.standing));
        if setting.is_none_or(|setting| !setting.write) {
            self.entry(&format!("settings.{name}.write"), false, None);
        }
    }

    /// Rows of a data class: the entry, and the data class unless the report reads its table.
    fn rows(&mut self, path: &str, standing: Option<Standing>, data_class: bool, report: bool) {
        self.entry(path, standing.is_some(), standing);
        if standing.is_some_and(Standing::reads) && !data_class && !report {
            self.entry(&format!("{path}.dataClass"), false, None);
        }
    }

    fn create(&mut self) {
        let info = self.profile.structures.resource_info.as_ref();
        self.structure(
            "resourceInfo",
            info.map(|info| info.standing),
            &[("name", info.is_some_and(|info| info.name.is_some()))],
        );
        self.service(ServiceName::ResourceModel);
    }
}

impl Profile {
    /// Whether reads of associations go through the installed report.
    fn reads_associations_by_report(&self) -> bool {
        self.reports.known(ReportKind::Associations).is_some()
    }

    /// Says whether the profile knows enough for `ability`, and what it lacks where it does not.
    pub fn can(&self, ability: Ability) -> Result<(), Missing> {
        let write = matches!(
            ability,
            Ability::CreateSite
                | Ability::RenameSite
                | Ability::DescribeSite
                | Ability::DeleteResource
                | Ability::CreateSubnet
                | Ability::MoveSubnet
                | Ability::AssignServer
                | Ability::AssignPackage
                | Ability::InstallReports
                | Ability::WriteConstrain
                | Ability::WriteCaptureTarget
        );
        let mut needs = Needs {
            profile: self,
            write,
            missing: Vec::new(),
        };
        self.collect(ability, &mut needs);
        if needs.missing.is_empty() {
            Ok(())
        } else {
            Err(Missing {
                entries: needs.missing,
            })
        }
    }

    #[expect(clippy::too_many_lines, reason = "one table, an arm an ability")]
    fn collect(&self, ability: Ability, needs: &mut Needs<'_>) {
        let associations = &self.associations;
        match ability {
            Ability::ReadSites => {
                needs.resource_type(TypeRole::Site);
                needs.listing();
            }
            Ability::ReadDescription => {
                needs.service(ServiceName::ResourceModel);
                if !self.lists_descriptions() {
                    let resource = self.structures.resource.as_ref();
                    needs.structure(
                        "resource",
                        resource.map(|resource| resource.standing),
                        &[(
                            "description",
                            resource.is_some_and(|resource| resource.description.is_some()),
                        )],
                    );
                }
            }
            Ability::ReadSubnets => {
                needs.resource_type(TypeRole::Subnet);
                needs.listing();
            }
            Ability::ReadSubnetSites => {
                needs.association("subnetToSite", associations.subnet_to_site.as_ref());
                if !self.reads_associations_by_report() {
                    needs.resource_type(TypeRole::Site);
                    needs.resource_type(TypeRole::Subnet);
                    needs.associated();
                }
            }
            Ability::ReadManualServers => {
                needs.association("serverToSite", associations.server_to_site.as_ref());
                if !self.reads_associations_by_report() {
                    needs.resource_type(TypeRole::Computer);
                    needs.resource_type(TypeRole::Site);
                    needs.associated();
                }
            }
            Ability::ReadServices => {
                needs.resource_type(TypeRole::SiteService);
                needs.association(
                    "serviceToComputer",
                    associations.service_to_computer.as_ref(),
                );
                needs.listing();
                if !self.reads_associations_by_report() {
                    needs.resource_type(TypeRole::Computer);
                    needs.associated();
                }
            }
            Ability::ReadRole(role) => {
                self.collect(Ability::ReadServices, needs);
                let told_by = self.roles.of(role);
                needs.entry(
                    &format!("roles.{role}"),
                    told_by.is_some(),
                    told_by.map(|rule| rule.standing),
                );
            }
            Ability::ReadAddresses => {
                let class = self.data_classes.tcpip.as_ref();
                needs.entry(
                    "dataClasses.tcpip",
                    class.is_some(),
                    class.map(|class| class.standing),
                );
            }
            Ability::ReadPackages => {
                needs.resource_type(TypeRole::Package);
                needs.listing();
            }
            // Reads of a package go by form where the namespace is not known, so nothing is needed.
            Ability::ReadAssignment => {}
            Ability::ReadHolders => {
                let report = self.reports.holders.as_ref();
                needs.entry(
                    "reports.holders",
                    report.is_some(),
                    report.map(|report| report.standing),
                );
                let evidence = self.evidence.package_holders.as_ref();
                needs.entry(
                    "evidence.packageHolders",
                    evidence.is_some(),
                    evidence.map(|evidence| evidence.standing),
                );
            }
            Ability::ReadConstrain => {
                let setting = self.settings.constrain_to_site.as_ref();
                needs.setting("constrainToSite", setting.map(|setting| setting.standing));
                if setting.is_some_and(|setting| setting.on.is_none()) {
                    needs.entry("settings.constrainToSite.on", false, None);
                }
            }
            Ability::ReadCaptureTarget => {
                let setting = self.settings.capture_target.as_ref();
                needs.setting("captureTarget", setting.map(|setting| setting.standing));
            }
            Ability::ReadTaskPackages => {
                let setting = self.settings.task_packages.as_ref();
                needs.setting("taskPackages", setting.map(|setting| setting.standing));
            }
            Ability::ReadPrevention => {
                let entry = self.settings.prevent_downloads.as_ref();
                needs.setting("preventDownloads", entry.map(|entry| entry.standing));
                for (part, known) in [
                    (
                        "targets",
                        entry.is_some_and(|entry| entry.targets.is_some()),
                    ),
                    (
                        "fromServer",
                        entry.is_some_and(|entry| entry.from_server.is_some()),
                    ),
                    (
                        "fromOutside",
                        entry.is_some_and(|entry| entry.from_outside.is_some()),
                    ),
                ] {
                    if entry.is_some() && !known {
                        needs.entry(&format!("settings.preventDownloads.{part}"), false, None);
                    }
                }
            }
            Ability::ReadFact(_)
            | Ability::ReadClients
            | Ability::ReadRegistrations
            | Ability::ReadPackageSources
            | Ability::ReadServerLoad
            | Ability::FetchDataClasses => self.collect_evidence(ability, needs),
            Ability::CreateSite
            | Ability::CreateSubnet
            | Ability::RenameSite
            | Ability::DescribeSite
            | Ability::DeleteResource
            | Ability::MoveSubnet
            | Ability::AssignServer
            | Ability::AssignPackage
            | Ability::InstallReports
            | Ability::WriteConstrain
            | Ability::WriteCaptureTarget => self.collect_writes(ability, needs),
        }
    }

    /// What each read of facts and events needs; everything else needs nothing here.
    fn collect_evidence(&self, ability: Ability, needs: &mut Needs<'_>) {
        let evidence = &self.evidence;
        let reported = |kind| self.reports.known(kind).is_some();
        match ability {
            Ability::ReadFact(kind) => {
                let entry = evidence.facts.get(&kind);
                needs.rows(
                    &format!("evidence.facts.{kind}"),
                    entry.map(|entry| entry.standing),
                    entry.is_some_and(|entry| entry.data_class.is_some()),
                    reported(ReportKind::Facts),
                );
            }
            Ability::ReadClients if !reported(ReportKind::Computers) => {
                needs.resource_type(TypeRole::Computer);
                needs.listing();
                self.collect(Ability::ReadAddresses, needs);
            }
            Ability::ReadRegistrations => {
                let entry = evidence.task_registrations.as_ref();
                needs.rows(
                    "evidence.taskRegistrations",
                    entry.map(|entry| entry.standing),
                    entry.is_some_and(|entry| entry.data_class.is_some()),
                    reported(ReportKind::Registrations),
                );
            }
            Ability::ReadPackageSources => {
                let entry = evidence.package_sources.as_ref();
                needs.rows(
                    "evidence.packageSources",
                    entry.map(|entry| entry.standing),
                    true,
                    false,
                );
            }
            Ability::ReadServerLoad => {
                let entry = evidence.server_load.as_ref();
                needs.rows(
                    "evidence.serverLoad",
                    entry.map(|entry| entry.standing),
                    true,
                    false,
                );
            }
            Ability::FetchDataClasses => {
                let resource = self.structures.resource.as_ref();
                needs.structure(
                    "resource",
                    resource.map(|resource| resource.standing),
                    &[
                        (
                            "guid",
                            resource.is_some_and(|resource| resource.guid.is_some()),
                        ),
                        (
                            "dataClasses",
                            resource.is_some_and(|resource| resource.data_classes.is_some()),
                        ),
                    ],
                );
                needs.service(ServiceName::ResourceModel);
            }
            _ => {}
        }
    }

    /// What each write needs; reads need nothing here.
    fn collect_writes(&self, ability: Ability, needs: &mut Needs<'_>) {
        let associations = &self.associations;
        match ability {
            Ability::CreateSite => {
                needs.resource_type(TypeRole::Site);
                needs.create();
            }
            Ability::CreateSubnet => {
                needs.resource_type(TypeRole::Subnet);
                needs.create();
            }
            Ability::RenameSite => {
                needs.resource_type(TypeRole::Site);
                needs.service(ServiceName::ItemManagement);
            }
            Ability::DescribeSite => {
                let resource = self.structures.resource.as_ref();
                let known = resource.is_some_and(|of| of.description.is_some());
                let standing = resource.map(|of| of.standing);
                needs.structure("resource", standing, &[("description", known)]);
                needs.service(ServiceName::ResourceModel);
            }
            Ability::DeleteResource => needs.service(ServiceName::ResourceModel),
            Ability::MoveSubnet => {
                needs.association("subnetToSite", associations.subnet_to_site.as_ref());
                needs.service(ServiceName::ResourceModel);
            }
            Ability::AssignServer => {
                needs.association("serverToSite", associations.server_to_site.as_ref());
                needs.service(ServiceName::ResourceModel);
            }
            Ability::AssignPackage => needs.service(ServiceName::SoftwarePackageManagement),
            Ability::InstallReports => {
                needs.service(ServiceName::ItemManagement);
                needs.service(ServiceName::ReportManagement);
            }
            Ability::WriteConstrain => {
                let setting = self.settings.constrain_to_site.as_ref();
                needs.written("constrainToSite", setting);
                if setting.is_some_and(|setting| setting.on.is_none()) {
                    needs.entry("settings.constrainToSite.on", false, None);
                }
            }
            Ability::WriteCaptureTarget => {
                needs.written("captureTarget", self.settings.capture_target.as_ref());
            }
            Ability::ReadSites
            | Ability::ReadDescription
            | Ability::ReadSubnets
            | Ability::ReadSubnetSites
            | Ability::ReadManualServers
            | Ability::ReadServices
            | Ability::ReadRole(_)
            | Ability::ReadAddresses
            | Ability::ReadPackages
            | Ability::ReadAssignment
            | Ability::ReadHolders
            | Ability::ReadConstrain
            | Ability::ReadCaptureTarget
            | Ability::ReadTaskPackages
            | Ability::ReadPrevention
            | Ability::ReadFact(_)
            | Ability::ReadClients
            | Ability::ReadRegistrations
            | Ability::ReadPackageSources
            | Ability::ReadServerLoad
            | Ability::FetchDataClasses => {}
        }
    }

    /// Whether lists of resources carry descriptions.
    #[must_use]
    pub fn lists_descriptions(&self) -> bool {
        self.structures
            .resource_info
            .as_ref()
            .is_some_and(|info| info.standing.reads() && info.description.is_some())
    }

    /// Whether forming a subnet's association with a site ends the one it has; `None` where the profile does not say.
    #[must_use]
    pub fn subnet_move_replaces(&self) -> Option<bool> {
        self.associations
            .subnet_to_site
            .as_ref()
            .filter(|entry| entry.standing.reads())
            .and_then(|entry| entry.replaces)
    }

    /// Whether a `Get…Resources` call of an association returns resources of the type that it is given.
    pub(crate) fn returns_by_type(&self) -> bool {
        self.calls.associated_type_argument != Some(AssociatedTypeArgument::Given)
    }

    /// The type that a `Get…Resources` call of an association takes: of what it returns, or of what is given.
    pub(crate) fn associated_type(&self, returned: Guid, given: Guid) -> Guid {
        match self.calls.associated_type_argument {
            Some(AssociatedTypeArgument::Given) => given,
            Some(AssociatedTypeArgument::Return) | None => returned,
        }
    }
}

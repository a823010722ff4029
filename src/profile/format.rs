//! The file format of a server profile: plain data, unknown fields refused, each entry with a standing.
//!
//! Pure. An entry that is absent, and one whose standing is `unknown`, mean the same: nothing is known.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Build, Evidence, ProductEntry, Provenance, Reports, ServiceName, Settings, Structures,
};
use crate::model::{Guid, Name, Role};

/// Where an entry comes from, and so what it may be used for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// Nothing is known.
    Unknown,
    /// This server has no such setting, on the operator's word; for `settings.constrainToSite` only.
    Unavailable,
    /// Found by name or shape on the server: good for reading.
    Discovered,
    /// Told by an example that the operator made in the console: good for reading.
    Learned,
    /// Proven by a round trip on this server: good for reading and writing.
    Verified,
    /// Given by hand: good for reading and writing.
    #[default]
    Operator,
}

impl Standing {
    /// Whether an entry of this standing may be used for reading.
    #[must_use]
    pub fn reads(self) -> bool {
        !matches!(self, Self::Unknown | Self::Unavailable)
    }

    /// Whether an entry of this standing may be used for writing.
    #[must_use]
    pub fn writes(self) -> bool {
        matches!(self, Self::Verified | Self::Operator)
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Unknown => "unknown",
            Self::Unavailable => "unavailable",
            Self::Discovered => "discovered",
            Self::Learned => "learned",
            Self::Verified => "verified",
            Self::Operator => "operator",
        })
    }
}

/// Skips a standing of `operator` when a profile is written: leaving it out means the same.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
pub(super) fn is_operator(standing: &Standing) -> bool {
    *standing == Standing::Operator
}

/// Everything that is known about one SMP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Profile {
    /// Version of this format: 1.
    pub format_version: u32,
    /// The SMP's own computer: its GUID is the platform's identity.
    pub server: ServerEntry,
    /// Resource types, by the role they play.
    #[serde(default)]
    pub types: Types,
    /// Association types.
    #[serde(default)]
    pub associations: Associations,
    /// How calls take their arguments where no document says it.
    #[serde(default)]
    pub calls: Calls,
    /// How the service of each role is told among the site services.
    #[serde(default)]
    pub roles: Roles,
    /// Inventory data classes.
    #[serde(default)]
    pub data_classes: DataClasses,
    /// The target namespace of each web service.
    #[serde(default)]
    pub services: BTreeMap<ServiceName, ServiceEntry>,
    /// Element names in the transfer structures that no document describes.
    #[serde(default)]
    pub structures: Structures,
    /// Where settings stand in item XML.
    #[serde(default)]
    pub settings: Settings,
    /// The operator's own list of the packages that each Deploy Image task uses.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Vec<Guid>>")]
    pub tasks: BTreeMap<Name, Vec<Guid>>,
    /// What no service description tells about the product: the operator's to confirm.
    #[serde(default, skip_serializing_if = "ProductEntry::is_empty")]
    pub product: ProductEntry,
    /// Where it can be read what is and what happened: data classes, tables, and the fields whose names differ.
    #[serde(default)]
    pub evidence: Evidence,
    /// Reports that `sitewright profile install-reports` created.
    #[serde(default)]
    pub reports: Reports,
    /// When and how entries came to their standing, by their paths.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub provenance: BTreeMap<String, Provenance>,
}

/// The SMP's own computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerEntry {
    /// Its fully qualified name.
    #[schemars(with = "String")]
    pub name: Name,
    /// The GUID of its computer resource.
    pub guid: Guid,
    /// The build that the entries were read from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<Build>,
}

/// The role that a resource type plays.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum TypeRole {
    /// A managed computer.
    Computer,
    /// A site.
    Site,
    /// A subnet.
    Subnet,
    /// A site service, the base type.
    SiteService,
    /// A package.
    Package,
}

impl TypeRole {
    /// Every role, in the order of the file.
    pub const ALL: [Self; 5] = [
        Self::Computer,
        Self::Site,
        Self::Subnet,
        Self::SiteService,
        Self::Package,
    ];

    /// The spelling in the profile.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Computer => "computer",
            Self::Site => "site",
            Self::Subnet => "subnet",
            Self::SiteService => "siteService",
            Self::Package => "package",
        }
    }
}

/// Resource types, by the role they play.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Types {
    /// A managed computer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computer: Option<ResourceType>,
    /// A site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<ResourceType>,
    /// A subnet, named `a.b.c.d/nn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet: Option<ResourceType>,
    /// The base type of site services: resources of it and of types derived from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site_service: Option<ResourceType>,
    /// What images and tools are kept in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<ResourceType>,
}

impl Types {
    /// The entry of one role.
    #[must_use]
    pub fn of(&self, role: TypeRole) -> Option<&ResourceType> {
        match role {
            TypeRole::Computer => self.computer.as_ref(),
            TypeRole::Site => self.site.as_ref(),
            TypeRole::Subnet => self.subnet.as_ref(),
            TypeRole::SiteService => self.site_service.as_ref(),
            TypeRole::Package => self.package.as_ref(),
        }
    }

    /// Where the entry of one role is kept.
    pub fn slot(&mut self, role: TypeRole) -> &mut Option<ResourceType> {
        match role {
            TypeRole::Computer => &mut self.computer,
            TypeRole::Site => &mut self.site,
            TypeRole::Subnet => &mut self.subnet,
            TypeRole::SiteService => &mut self.site_service,
            TypeRole::Package => &mut self.package,
        }
    }
}

/// One resource type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceType {
    /// Its GUID; may be left out only where the standing is `unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guid: Option<Guid>,
    /// Its name on this server, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where the entry comes from.
    #[serde(default, skip_serializing_if = "is_operator")]
    pub standing: Standing,
}

/// Association types.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Associations {
    /// A subnet belongs to a site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet_to_site: Option<Association>,
    /// A computer is assigned to a site manually.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_to_site: Option<Association>,
    /// A site service runs on a computer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_to_computer: Option<Association>,
}

/// One association type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Association {
    /// Its GUID; may be left out only where the standing is `unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guid: Option<Guid>,
    /// Its name on this server, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which of the two resources is the parent of the association.
    pub parent: TypeRole,
    /// Whether forming it ends the association that the child has already; left out: not known, which rules out writing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<bool>,
    /// Where the entry comes from.
    #[serde(default, skip_serializing_if = "is_operator")]
    pub standing: Standing,
}

/// Which type the `Get…ParentResources` and `Get…ChildResources` calls take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AssociatedTypeArgument {
    /// The type of the resources to return.
    Return,
    /// The type of the resource given.
    Given,
}

impl AssociatedTypeArgument {
    /// The spelling in the profile.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Return => "return",
            Self::Given => "given",
        }
    }
}

/// How calls take their arguments where no document says it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Calls {
    /// Which type the `Get…ParentResources` and `Get…ChildResources` calls take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub associated_type_argument: Option<AssociatedTypeArgument>,
    /// The name of the second parameter of `RunReportWithParameters`; left out: `parameters`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_parameters: Option<String>,
}

/// How the service of each role is told among the site services.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Roles {
    /// Package service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<RoleRule>,
    /// Task service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<RoleRule>,
    /// Network boot service (PXE).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_boot: Option<RoleRule>,
    /// Monitor service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitor: Option<RoleRule>,
}

impl Roles {
    /// Where the rule of one role is kept.
    pub fn slot(&mut self, role: Role) -> &mut Option<RoleRule> {
        match role {
            Role::Package => &mut self.package,
            Role::Task => &mut self.task,
            Role::NetworkBoot => &mut self.network_boot,
            Role::Monitor => &mut self.monitor,
        }
    }

    /// The rule of one role, where it is known.
    #[must_use]
    pub fn of(&self, role: Role) -> Option<&RoleRule> {
        match role {
            Role::Package => self.package.as_ref(),
            Role::Task => self.task.as_ref(),
            Role::NetworkBoot => self.network_boot.as_ref(),
            Role::Monitor => self.monitor.as_ref(),
        }
        .filter(|rule| {
            rule.standing.reads() && (rule.resource_type.is_some() || rule.name.is_some())
        })
    }
}

/// How the service of one role is told: by its resource type, by the beginning of its name, or by both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleRule {
    /// The resource type of its services.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<Guid>,
    /// The beginning of the name of its services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where the entry comes from.
    #[serde(default, skip_serializing_if = "is_operator")]
    pub standing: Standing,
}

/// Inventory data classes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DataClasses {
    /// `AeX AC TCPIP`: the addresses of a computer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcpip: Option<TcpipClass>,
}

/// The data class `AeX AC TCPIP` and the fields of it that are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TcpipClass {
    /// The GUID of the data class.
    pub guid: Guid,
    /// The field with the host name.
    pub host_name: String,
    /// The field with the DNS suffix.
    pub domain: String,
    /// The field with the IPv4 address.
    pub address: String,
    /// The field with the subnet mask.
    pub mask: String,
    /// Where the entry comes from.
    #[serde(default, skip_serializing_if = "is_operator")]
    pub standing: Standing,
}

/// What is known about one web service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceEntry {
    /// The `targetNamespace` of its WSDL.
    pub namespace: String,
    /// Where the entry comes from.
    #[serde(default, skip_serializing_if = "is_operator")]
    pub standing: Standing,
}

impl Profile {
    /// The version of the format that this program writes.
    pub const FORMAT_VERSION: u32 = 1;

    /// A profile in which nothing is known but which server it is.
    #[must_use]
    pub fn empty(server: ServerEntry) -> Self {
        Self {
            format_version: Self::FORMAT_VERSION,
            server,
            types: Types::default(),
            associations: Associations::default(),
            calls: Calls::default(),
            roles: Roles::default(),
            data_classes: DataClasses::default(),
            services: BTreeMap::new(),
            structures: Structures::default(),
            settings: Settings::default(),
            tasks: BTreeMap::new(),
            product: ProductEntry::default(),
            evidence: Evidence::default(),
            reports: Reports::default(),
            provenance: BTreeMap::new(),
        }
    }

    /// The GUID of a resource type, where it may be read with.
    #[must_use]
    pub fn type_guid(&self, role: TypeRole) -> Option<Guid> {
        self.types
            .of(role)
            .filter(|entry| entry.standing.reads())
            .and_then(|entry| entry.guid)
    }

    /// The namespace of a service: the profile's, else the documented one.
    #[must_use]
    pub fn namespace(&self, service: ServiceName) -> Option<&str> {
        self.services
            .get(&service)
            .filter(|entry| entry.standing.reads())
            .map(|entry| entry.namespace.as_str())
            .or(service.documented_namespace())
    }

    /// The name of the second parameter of `RunReportWithParameters`.
    #[must_use]
    pub fn report_parameters(&self) -> &str {
        self.calls
            .report_parameters
            .as_deref()
            .unwrap_or("parameters")
    }

    /// Whether the operator says that this server has no setting Constrain to Site.
    #[must_use]
    pub fn lacks_constrain_to_site(&self) -> bool {
        self.settings
            .constrain_to_site
            .as_ref()
            .is_some_and(|setting| setting.standing == Standing::Unavailable)
    }

    /// The packages of a task by the operator's own list.
    #[must_use]
    pub fn listed_task(&self, task: &Name) -> Option<&[Guid]> {
        self.tasks.get(task).map(Vec::as_slice)
    }
}

/// The JSON Schema of the profile file.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Profile).to_value()
}

//! Steps: what a plan consists of. Data, no closures.
//!
//! Pure. A step names objects by key; GUIDs known at plan time are in it. The GUID of an object that the same plan
//! creates is the only value bound late, from the creating step.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Assignment, By, CountedKind, Guid, Held, Limit, Name, PlugIn, Role, Subnet};

/// The stable id of a step, made of what it does and to what: `assign-subnet:192.168.10.0/24`.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct StepId(pub String);

impl StepId {
    /// The step that waits for a package at its servers, be it seen there or somebody's word for it.
    #[must_use]
    pub fn await_package(package: &Name) -> Self {
        Self(format!("await-package:{package}"))
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A site by name and, unless the plan creates it, GUID.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct SiteRef {
    /// Its name.
    pub name: Name,
    /// Its GUID; `None` where a step of the plan creates it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guid: Option<Guid>,
}

/// A computer that exists.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct ServerRef {
    /// Its name.
    pub name: Name,
    /// Its GUID.
    pub guid: Guid,
}

/// A package that exists.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct PackageRef {
    /// Its name.
    pub name: Name,
    /// Its GUID.
    pub guid: Guid,
}

/// What an administrator is asked to do in the console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(
    tag = "setting",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum ConsoleStep {
    /// Install a site service on a server.
    InstallRole {
        /// Where.
        server: ServerRef,
        /// What.
        role: Role,
    },
    /// Roll out a plug-in of Deployment Solution to a server.
    InstallPlugIn {
        /// Where.
        server: ServerRef,
        /// What.
        plug_in: PlugIn,
    },
    /// Switch Constrain to Site.
    Constrain {
        /// Of which site.
        site: SiteRef,
        /// To what.
        on: bool,
    },
    /// Set DS Global Settings, Default Target.
    CaptureTarget {
        /// The package server.
        server: ServerRef,
    },
    /// Set the `InvalidSubnets` core setting.
    InvalidSubnets {
        /// The regular expression.
        expression: String,
    },
    /// Make sure that a package server holds a package, where that cannot be read.
    ConfirmHolder {
        /// The package.
        package: PackageRef,
        /// The package servers that must hold it.
        servers: Vec<ServerRef>,
    },
}

/// What is only noted in our own state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(
    tag = "record",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Record {
    /// An existing site is declared for the first time.
    AdoptSite {
        /// Which.
        site: ResourceRef,
        /// Whether it is protected from deletion.
        protected: bool,
    },
    /// An existing subnet is declared for the first time.
    AdoptSubnet {
        /// Which.
        subnet: Subnet,
        /// Its GUID.
        guid: Guid,
    },
    /// A site is no longer declared, or gone.
    ReleaseSite {
        /// Which.
        site: ResourceRef,
        /// How it was ours.
        how: Held,
    },
    /// A subnet is no longer declared, or gone.
    ReleaseSubnet {
        /// Its name.
        name: Name,
        /// Its GUID.
        guid: Guid,
        /// How it was ours.
        how: Held,
    },
    /// Protection from deletion is put on or lifted.
    Protect {
        /// Which site.
        site: ResourceRef,
        /// On or off.
        on: bool,
    },
    /// Fewer of a kind than the last run saw are right, on somebody's word.
    AcceptFewer {
        /// Which kind.
        of: CountedKind,
        /// How many the last run saw.
        before: u64,
        /// How many there are now.
        after: u64,
        /// Why that person is sure.
        why: String,
    },
    /// The plan goes past a limit of the workspace, on somebody's word.
    Override {
        /// Which limit.
        limit: Limit,
        /// What the workspace allows.
        set: u64,
        /// What the plan comes to.
        found: u64,
        /// Up to what it is let through.
        to: u64,
        /// Why.
        why: String,
        /// Who says so.
        who: String,
    },
    /// The plan is carried out while nothing may change, on somebody's word.
    Thaw {
        /// The first day or moment of the window, as the workspace writes it.
        from: String,
        /// Its last day, or the moment at which it is over.
        to: String,
        /// The time zone of both.
        zone: String,
        /// Why.
        why: String,
        /// Who says so.
        who: String,
    },
}

/// A name with a GUID.
pub type ResourceRef = ServerRef;

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(
    tag = "action",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Action {
    /// Create a site.
    CreateSite {
        /// Its name.
        name: Name,
        /// Its description.
        description: Option<String>,
        /// Whether it is protected from deletion.
        protected: bool,
    },
    /// Give a site that the SMP shows under a former name the one that is declared.
    RenameSite {
        /// Which site, by its declared name.
        site: SiteRef,
        /// The name that was read.
        before: Name,
    },
    /// Change a site's description.
    DescribeSite {
        /// Which site.
        site: SiteRef,
        /// What was read.
        before: String,
        /// What is declared.
        after: String,
    },
    /// Delete a site that we created.
    DeleteSite {
        /// Which site.
        site: SiteRef,
    },
    /// Create a subnet and put it into a site.
    CreateSubnet {
        /// The network.
        subnet: Subnet,
        /// The site.
        site: SiteRef,
    },
    /// Put a subnet into a site; it leaves the sites that it is in.
    AssignSubnet {
        /// The network.
        subnet: Subnet,
        /// Its GUID.
        guid: Guid,
        /// Sites that it is in before; the target may be among them.
        before: Vec<SiteRef>,
        /// The site.
        site: SiteRef,
    },
    /// Take a subnet out of the sites it is in.
    UnassignSubnet {
        /// The network.
        subnet: Subnet,
        /// Its GUID.
        guid: Guid,
        /// Sites that it is in.
        before: Vec<SiteRef>,
    },
    /// Delete a subnet that we created.
    DeleteSubnet {
        /// The network.
        subnet: Subnet,
        /// Its GUID.
        guid: Guid,
        /// Sites that it is in.
        before: Vec<SiteRef>,
    },
    /// Assign a server to a site manually.
    AssignServer {
        /// The server.
        server: ServerRef,
        /// The site.
        site: SiteRef,
    },
    /// Take a manual assignment away.
    UnassignServer {
        /// The server.
        server: ServerRef,
        /// The site.
        site: SiteRef,
    },
    /// Assign a package to package servers and update its distribution points.
    AssignPackage {
        /// The package.
        package: PackageRef,
        /// What was read; by GUID.
        before: Assignment,
        /// What is to be; sites that the plan creates are in `sites`.
        after: Assignment,
        /// Sites by name that the plan creates and that belong to `after`.
        created_sites: Vec<Name>,
    },
    /// Update distribution points that an earlier run did not come to.
    UpdateDistributionPoints {
        /// The package.
        package: PackageRef,
    },
    /// Wait until package servers hold a package.
    AwaitHolders {
        /// The package.
        package: PackageRef,
        /// The package servers that must hold it.
        servers: Vec<ServerRef>,
    },
    /// Switch Constrain to Site, where that is written as item XML.
    Constrain {
        /// Of which site.
        site: SiteRef,
        /// To what.
        on: bool,
    },
    /// Set DS Global Settings, Default Target, where that is written as item XML.
    SetCaptureTarget {
        /// The package server that was read; `None`: none was set.
        before: Option<Guid>,
        /// The package server.
        server: ServerRef,
    },
    /// A person does it in the console.
    Console(ConsoleStep),
    /// Only our state changes.
    Record(Record),
}

/// What carries a step out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StepKind {
    /// One or more calls to the SMP.
    Write,
    /// A person, in the console.
    Manual,
    /// Time: a condition is polled.
    Await,
    /// Our own state.
    Record,
}

impl Action {
    /// What carries it out where everything that can be written is; a step knows whether it is ([`Step::kind`]).
    fn kind(&self) -> StepKind {
        match self {
            Self::CreateSite { .. }
            | Self::RenameSite { .. }
            | Self::DescribeSite { .. }
            | Self::DeleteSite { .. }
            | Self::CreateSubnet { .. }
            | Self::AssignSubnet { .. }
            | Self::UnassignSubnet { .. }
            | Self::DeleteSubnet { .. }
            | Self::AssignServer { .. }
            | Self::UnassignServer { .. }
            | Self::AssignPackage { .. }
            | Self::UpdateDistributionPoints { .. }
            | Self::Constrain { .. }
            | Self::SetCaptureTarget { .. } => StepKind::Write,
            Self::AwaitHolders { .. } => StepKind::Await,
            Self::Console(_) => StepKind::Manual,
            Self::Record(_) => StepKind::Record,
        }
    }
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Stable id.
    pub id: StepId,
    /// What it does.
    #[serde(flatten)]
    pub action: Action,
    /// Who makes the change, where it is one that the SMP could be told by API.
    #[serde(default, skip_serializing_if = "By::is_api")]
    pub by: By,
    /// Why, for people.
    pub reason: String,
    /// Steps that must be done before, by their index in the plan; always smaller than its own.
    pub depends_on: Vec<u32>,
}

impl Step {
    /// What carries it out.
    #[must_use]
    pub fn kind(&self) -> StepKind {
        match (self.by, self.action.kind()) {
            (By::Console, StepKind::Write) => StepKind::Manual,
            (By::Api | By::Console, kind) => kind,
        }
    }
}

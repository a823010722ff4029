//! What the manifests declare, normalised: shorthand is unfolded, equal statements are one.
//!
//! Pure. A field left out is `None` and not managed; an empty list is `Some` and means none.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Guid, Name, Role, Subnet};

/// Where something was declared: file, line and column, both counted from 1.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct Origin {
    /// The file as it was named, `-` for standard input.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A value with the place that declares it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Declared<T> {
    /// What is declared.
    pub value: T,
    /// Where.
    pub origin: Origin,
}

/// A comment of a manifest that calls a finding fine as it is: `# sitewright: allow ID reason="…"`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Allowed {
    /// Where the comment stands.
    pub origin: Origin,
    /// The id of the check.
    pub check: String,
    /// Why, in the words of whoever wrote it.
    pub reason: String,
    /// The first and the last line that it covers, in the file that it stands in.
    pub lines: (u32, u32),
}

impl Allowed {
    /// Whether a place lies in what it covers.
    #[must_use]
    pub fn covers(&self, place: &Origin) -> bool {
        let (first, last) = self.lines;
        self.origin.file == place.file && (first..=last).contains(&place.line)
    }
}

/// Everything that the manifests declare for one platform.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desired {
    /// Sites by name.
    pub sites: BTreeMap<Name, DesiredSite>,
    /// Servers with required roles, by name as declared (fully qualified or host name).
    pub servers: BTreeMap<Name, DesiredServer>,
    /// Packages with their assignment, by what selects them.
    pub packages: BTreeMap<PackageSelector, DesiredPackage>,
    /// What is global to the SMP.
    pub settings: DesiredSettings,
    /// Findings that the manifests call fine as they are, by place.
    pub allowed: Vec<Allowed>,
}

impl Desired {
    /// The declared site that the SMP shows by this name: its own, or one that it had.
    #[must_use]
    pub fn site_called(&self, name: &Name) -> Option<&DesiredSite> {
        let named = self.sites.get(name);
        named.or_else(|| self.sites.get(self.renamed(name)?))
    }

    /// The declared name of a site that is named by a former one.
    #[must_use]
    pub fn renamed(&self, name: &Name) -> Option<&Name> {
        let mut sites = self.sites.values();
        let found = sites.find(|site| site.formerly.iter().any(|old| old.value == *name));
        found.map(|site| &site.name)
    }
}

/// Whether a site serves imaging only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SiteKind {
    /// An ordinary site.
    Site,
    /// A site for imaging only: the stricter checks of article 431459 (seed 000) hold.
    DeploymentSite,
}

/// One declared site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredSite {
    /// Its name.
    pub name: Name,
    /// `Site` or `DeploymentSite`.
    pub kind: SiteKind,
    /// Where the document declares it.
    pub origin: Origin,
    /// The description, where managed.
    pub description: Option<Declared<String>>,
    /// The subnets that belong to it, exactly, each with its place.
    pub subnets: Option<BTreeMap<Subnet, Origin>>,
    /// The servers that are assigned manually, exactly, each with its place.
    pub servers: Option<BTreeMap<Name, Origin>>,
    /// Constrain to Site, where managed.
    pub constrain: Option<Declared<bool>>,
    /// Names of the Deploy Image tasks that image clients in this site.
    pub deploy_tasks: Vec<Declared<Name>>,
    /// Names that it had before, each with its place.
    pub formerly: Vec<Declared<Name>>,
    /// Protection and what to overlook.
    pub lifecycle: Lifecycle,
}

/// A field of a site whose changes may be overlooked.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Ignorable {
    /// The description.
    Description,
    /// The list of subnets.
    Subnets,
    /// The list of manually assigned servers.
    Servers,
    /// Constrain to Site.
    ConstrainToSite,
}

impl Ignorable {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Description,
        Self::Subnets,
        Self::Servers,
        Self::ConstrainToSite,
    ];
}

/// `metadata.lifecycle`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lifecycle {
    /// Whether the site may never be deleted, also once its declaration is gone.
    pub prevent_destroy: Option<Declared<bool>>,
    /// Fields that are set at creation and left alone afterwards.
    pub ignore_changes: BTreeSet<Ignorable>,
}

/// One server with the roles it must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredServer {
    /// Its name as declared.
    pub name: Name,
    /// Required roles, each with its place; a role not named is left alone.
    pub roles: BTreeMap<Role, Origin>,
    /// The first place that names the server's roles.
    pub origin: Origin,
}

/// What a declaration says a package is found by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PackageSelector {
    /// By exact name, without regard to case.
    Name(Name),
    /// By GUID.
    Guid(Guid),
    /// By a pattern with `*` and `?`, expanded in the plan.
    Match(Name),
    /// Every package that this Deploy Image task uses.
    Task(Name),
}

impl fmt::Display for PackageSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "{name}"),
            Self::Guid(guid) => write!(f, "{guid}"),
            Self::Match(pattern) => write!(f, "match {pattern}"),
            Self::Task(task) => write!(f, "packages of task {task}"),
        }
    }
}

/// The package servers that a package is to be assigned to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DesiredAssignment {
    /// All package servers.
    All,
    /// These servers, by name as declared. Pins of one package by several sites are united.
    Servers(BTreeSet<Name>),
    /// The package servers of these sites.
    Sites {
        /// Sites by name.
        sites: BTreeSet<Name>,
        /// Whether the SMP may choose among them automatically.
        automatic: bool,
    },
}

/// One declared package assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredPackage {
    /// What selects the package.
    pub selector: PackageSelector,
    /// What it is assigned to.
    pub assignment: DesiredAssignment,
    /// Sites whose imaging section asks for it; empty for a `Package` document.
    pub sites: BTreeSet<Name>,
    /// Where it is declared first.
    pub origin: Origin,
}

/// What is global to one SMP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DesiredSettings {
    /// The package server that receives captured images: DS Global Settings, Default Target.
    pub capture_target: Option<Declared<Name>>,
    /// The regular expression of the `InvalidSubnets` core setting (article 432283).
    pub invalid_subnets: Option<Declared<String>>,
    /// Ports by name, facts only.
    pub ports: BTreeMap<String, u16>,
    /// The SMP that is, or is to become, the parent in a hierarchy (article 184143).
    pub parent: Option<Declared<Name>>,
}

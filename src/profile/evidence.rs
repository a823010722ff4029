//! Where it can be read what is and what happened: data classes of resources, the tables behind them, their fields.
//!
//! Pure: data. An entry names a data class, whose rows `GetResources` fetches, and the table in which the same rows
//! stand, which reports read. The fields of the data class are the columns of the table; the column that holds the
//! resource itself is a column only.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Standing;
use super::format::is_operator;
use crate::model::Guid;

/// Where it can be read what is and what happened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Evidence {
    /// Which package servers hold which packages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_holders: Option<HolderEvidence>,
    /// Which client is registered with which task server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_registrations: Option<RegistrationEvidence>,
    /// What each client fetched last, and from where: a row a package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_sources: Option<SourceEvidence>,
    /// How many requests each server was asked of late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_load: Option<LoadEvidence>,
    /// How Deployment Solution's list of images is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<ImageEvidence>,
    /// What inventory says of a computer, a site or a subnet.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<FactKind, FactEvidence>,
}

/// The table that says which package servers hold which packages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HolderEvidence {
    /// The table.
    pub table: String,
    /// The column with the package's GUID.
    pub package: String,
    /// The column with the GUID of the package server's computer.
    pub server: String,
    /// The column that says how far the server is; left out together with `ready`: a row alone means it holds the package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The state, as text, in which the server holds the package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<String>,
    /// Where the entry comes from.
    #[serde(default, skip_serializing_if = "is_operator")]
    pub standing: Standing,
}

/// What says which client is registered with which task server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegistrationEvidence {
    /// The data class of the client; left out: reports only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_class: Option<Guid>,
    /// The table.
    pub table: String,
    /// The column with the client's GUID.
    pub client: String,
    /// The field with the GUID of the task server's computer.
    pub server: String,
    /// Where the entry comes from.
    #[serde(default, skip_serializing_if = "is_operator")]
    pub standing: Standing,
}

/// What says which package each client fetched last from which server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceEvidence {
    /// The data class of the client.
    pub data_class: Guid,
    /// The table.
    pub table: String,
    /// The column with the client's GUID.
    pub client: String,
    /// The field with the package's GUID.
    pub package: String,
    /// The field with the GUID of the computer that it came from.
    pub server: String,
    /// The field that says when; left out: it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Where the entry comes from.
    #[serde(default, skip_serializing_if = "is_operator")]
    pub standing: Standing,
}

/// What says how many requests each server was asked of late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoadEvidence {
    /// The data class of the server.
    pub data_class: Guid,
    /// The table.
    pub table: String,
    /// The column with the server's GUID.
    pub server: String,
    /// The field with the number of requests for packages.
    pub package_requests: String,
    /// The field with the number of requests for tasks.
    pub task_requests: String,
    /// Where the entry comes from.
    #[serde(default, skip_serializing_if = "is_operator")]
    pub standing: Standing,
}

/// How Deployment Solution's list of images is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImageEvidence {
    /// How the location of an image names the server that keeps it.
    pub location: ImageLocation,
    /// Where the entry comes from.
    #[serde(default, skip_serializing_if = "is_operator")]
    pub standing: Standing,
}

/// How the location of an image names the server that keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ImageLocation {
    /// `\\SERVER\share\…`.
    Unc,
}

/// What inventory may say.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum FactKind {
    /// The operating system, by name.
    OperatingSystem,
    /// The version of the Symantec Management Agent.
    AgentVersion,
    /// The version of the .NET framework.
    Dotnet,
    /// When inventory came last.
    Inventoried,
    /// Agent plug-ins, by name: a row each.
    PlugIns,
    /// Whether the computer is managed.
    Managed,
    /// Whether it belongs to this SMP, not to another of the hierarchy.
    Local,
    /// Whether its asset status is active.
    AssetActive,
    /// Whether Cloud-enabled Management mode is on.
    CemMode,
    /// Whether IIS is configured.
    Iis,
    /// Whether an HTTP server is installed.
    HttpServer,
    /// Whether a site server is reachable.
    Answering,
    /// Whether a site or subnet came from Active Directory import.
    DirectoryImport,
}

impl FactKind {
    /// Every fact.
    pub const ALL: [Self; 13] = [
        Self::OperatingSystem,
        Self::AgentVersion,
        Self::Dotnet,
        Self::Inventoried,
        Self::PlugIns,
        Self::Managed,
        Self::Local,
        Self::AssetActive,
        Self::CemMode,
        Self::Iis,
        Self::HttpServer,
        Self::Answering,
        Self::DirectoryImport,
    ];

    /// The key in the profile.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OperatingSystem => "operatingSystem",
            Self::AgentVersion => "agentVersion",
            Self::Dotnet => "dotnet",
            Self::Inventoried => "inventoried",
            Self::PlugIns => "plugIns",
            Self::Managed => "managed",
            Self::Local => "local",
            Self::AssetActive => "assetActive",
            Self::CemMode => "cemMode",
            Self::Iis => "iis",
            Self::HttpServer => "httpServer",
            Self::Answering => "answering",
            Self::DirectoryImport => "directoryImport",
        }
    }

    /// Whether it is yes or no, which a `yes` tells.
    #[must_use]
    pub const fn is_switch(self) -> bool {
        match self {
            Self::OperatingSystem
            | Self::AgentVersion
            | Self::Dotnet
            | Self::Inventoried
            | Self::PlugIns => false,
            Self::Managed
            | Self::Local
            | Self::AssetActive
            | Self::CemMode
            | Self::Iis
            | Self::HttpServer
            | Self::Answering
            | Self::DirectoryImport => true,
        }
    }

    /// Whether it is a fact of computers; else of sites and subnets.
    #[must_use]
    pub const fn of_computers(self) -> bool {
        !matches!(self, Self::DirectoryImport)
    }

    /// The fact with a key.
    #[must_use]
    pub fn by_key(key: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str().eq_ignore_ascii_case(key.trim()))
    }
}

impl fmt::Display for FactKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where one fact is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FactEvidence {
    /// The data class of the resource; left out: reports only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_class: Option<Guid>,
    /// The table.
    pub table: String,
    /// The column with the resource's GUID.
    pub resource: String,
    /// The field with the value.
    pub value: String,
    /// For a switch: the value that means yes, any other no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yes: Option<String>,
    /// Where the entry comes from.
    #[serde(default, skip_serializing_if = "is_operator")]
    pub standing: Standing,
}

impl FactEvidence {
    /// Whether a value of a switch means yes.
    #[must_use]
    pub fn means_yes(&self, value: &str) -> bool {
        self.yes
            .as_deref()
            .is_some_and(|yes| yes.trim().to_lowercase() == value.trim().to_lowercase())
    }
}

impl Evidence {
    /// Where a fact is read, where that is known.
    #[must_use]
    pub fn fact(&self, kind: FactKind) -> Option<&FactEvidence> {
        self.facts
            .get(&kind)
            .filter(|evidence| evidence.standing.reads())
    }

    /// An entry that contradicts itself: its path, and what was expected and found.
    pub(super) fn contradiction(&self) -> Option<(String, String)> {
        if let Some(holders) = &self.package_holders
            && holders.state.is_some() != holders.ready.is_some()
        {
            return Some((
                "evidence.packageHolders".into(),
                "expected `state` and `ready` together, found one of them".into(),
            ));
        }
        for (kind, fact) in &self.facts {
            let path = format!("evidence.facts.{kind}");
            let wrong = match (kind.is_switch(), &fact.yes) {
                (true, None) => "expected `yes`, the value that means yes, found none",
                (false, Some(_)) => "expected no `yes`, since it is text, found one",
                (true, Some(_)) | (false, None) => continue,
            };
            return Some((path, wrong.into()));
        }
        let registrations = self.task_registrations.as_ref();
        let mut classes: Vec<(String, Option<Guid>)> = vec![
            (
                "evidence.taskRegistrations".into(),
                registrations.and_then(|evidence| evidence.data_class),
            ),
            (
                "evidence.packageSources".into(),
                self.package_sources.as_ref().map(|found| found.data_class),
            ),
            (
                "evidence.serverLoad".into(),
                self.server_load.as_ref().map(|found| found.data_class),
            ),
        ];
        classes.extend(
            self.facts
                .iter()
                .map(|(kind, fact)| (format!("evidence.facts.{kind}"), fact.data_class)),
        );
        classes.into_iter().find_map(|(path, class)| {
            class?.is_nil().then(|| {
                (
                    format!("{path}.dataClass"),
                    "expected a guid, found the empty one".to_owned(),
                )
            })
        })
    }
}

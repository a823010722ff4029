//! The scenario format: what is in a world, as a YAML file.
//!
//! Pure. Turns YAML into [`World`](WorldFile) and back. `dump` writes the same format with everything spelled out, in a
//! fixed order, one object a line. Documented in `README.md`; `schemas/world.json` is generated from these types.

use super::WorldError;
use super::facts::{Fact, Facts, with_facts};
use super::names::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the contents of a new world come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scenario {
    /// A scenario that comes with the simulator.
    Builtin(String),
    /// The generated scenario, with this many subnets.
    Enterprise {
        /// How many subnets.
        subnets: u32,
    },
    /// A scenario in YAML.
    Text(String),
}

/// The built-in scenarios that are files.
const FILES: [(&str, &str); 5] = [
    ("flat-lan", include_str!("../../scenarios/flat-lan.yaml")),
    ("empty", include_str!("../../scenarios/empty.yaml")),
    (
        "branch-offices",
        include_str!("../../scenarios/branch-offices.yaml"),
    ),
    (
        "isolated-vlan",
        include_str!("../../scenarios/isolated-vlan.yaml"),
    ),
    ("neglected", include_str!("../../scenarios/neglected.yaml")),
];

impl Scenario {
    /// Finds a built-in scenario by name.
    pub fn builtin(name: &str) -> Result<Scenario, WorldError> {
        if name == "enterprise" {
            return Ok(Scenario::Enterprise { subnets: 1000 });
        }
        if FILES.iter().any(|(one, _)| *one == name) {
            return Ok(Scenario::Builtin(name.to_owned()));
        }
        Err(WorldError::Argument {
            expected: "a scenario of flat-lan, empty, branch-offices, isolated-vlan, neglected, enterprise"
                .to_owned(),
            found: name.to_owned(),
        })
    }

    /// The name, for people.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Scenario::Builtin(name) => name,
            Scenario::Enterprise { .. } => "enterprise",
            Scenario::Text(_) => "a file",
        }
    }

    /// Reads or generates what is in the world.
    pub fn contents(&self, seed: u64) -> Result<WorldFile, WorldError> {
        match self {
            Scenario::Builtin(name) => {
                let text = FILES
                    .iter()
                    .find(|(one, _)| one == name)
                    .map(|(_, text)| *text)
                    .unwrap_or_default();
                WorldFile::parse(text)
            }
            Scenario::Enterprise { subnets } => Ok(super::enterprise::generate(*subnets, seed)),
            Scenario::Text(text) => WorldFile::parse(text),
        }
    }
}

/// What is in a world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(
    title = "Simulated SMP",
    description = "What is in a world of the simulator"
)]
pub struct WorldFile {
    /// The version of this format: 1.
    pub format_version: u32,
    /// The server itself.
    pub platform: Platform,
    /// Global settings.
    #[serde(default)]
    pub settings: Settings,
    /// The sites.
    #[serde(default)]
    pub sites: Vec<Site>,
    /// The subnets that the server knows, in a site or not.
    #[serde(default)]
    pub subnets: Vec<Subnet>,
    /// The managed computers, servers and clients alike.
    #[serde(default)]
    pub computers: Vec<Computer>,
    /// Shorthand for many clients in a row; a dump spells them out as computers.
    #[serde(default)]
    pub clients: Vec<ClientRange>,
    /// The packages.
    #[serde(default)]
    pub packages: Vec<Package>,
    /// The tasks of Deployment Solution.
    #[serde(default)]
    pub tasks: Vec<Task>,
    /// What an import from Active Directory would bring.
    #[serde(default)]
    pub active_directory: Vec<DirectorySite>,
    /// What goes wrong.
    #[serde(default)]
    pub faults: Vec<Fault>,
}

/// The server itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Platform {
    /// The name of the SMP's own computer, which must be among the computers.
    pub server: String,
    /// The product version, such as `8.7.3`.
    #[serde(default = "version")]
    pub version: String,
    /// Whether Deployment Solution is installed.
    #[serde(default = "yes")]
    pub deployment_solution: bool,
    /// The parent in a hierarchy.
    #[serde(default)]
    pub parent: Option<String>,
    /// The children in a hierarchy.
    #[serde(default)]
    pub children: Vec<String>,
}

/// Global settings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// DS Global Settings, Default Target: the computer of a package server.
    #[serde(default)]
    pub capture_target: Option<String>,
    /// The core setting `InvalidSubnets`, a regular expression; a subnet that matches is not created.
    #[serde(default)]
    pub invalid_subnets: Option<String>,
    /// Whether Constrain to Site is available.
    #[serde(default)]
    pub constrain_unavailable: bool,
    /// How many registrations a task server takes; left out, 5000.
    #[serde(default)]
    pub registrations_per_task_server: Option<usize>,
    /// Targeted Site Settings: who is kept from fetching packages from where; left out, nobody.
    #[serde(default)]
    pub prevent_downloads: Option<PreventDownloads>,
}

/// The targeted pair "prevent downloads".
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PreventDownloads {
    /// The computers and sites that it is aimed at.
    #[serde(default)]
    pub targets: Vec<String>,
    /// Whether they fetch nothing from the SMP.
    #[serde(default)]
    pub from_platform: bool,
    /// Whether they fetch nothing from site servers outside of their sites.
    #[serde(default)]
    pub from_outside: bool,
}

/// A site.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Site {
    /// Its name.
    pub name: String,
    /// Its description.
    #[serde(default)]
    pub description: String,
    /// Constrain to Site.
    #[serde(default)]
    pub constrained: bool,
    /// Servers assigned by hand.
    #[serde(default)]
    pub servers: Vec<String>,
    /// Whether it came from Active Directory import.
    #[serde(default)]
    pub directory: bool,
    /// The SMP of the hierarchy that it belongs to and is replicated from.
    #[serde(default)]
    pub replicated_from: Option<String>,
}

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Subnet {
    /// Its network, such as `192.168.0.0/24`, which is its name.
    pub network: String,
    /// Its description.
    #[serde(default)]
    pub description: String,
    /// The sites it is in; more than one only on a server that allows it.
    #[serde(default)]
    pub sites: Vec<String>,
    /// Whether it came from Active Directory import.
    #[serde(default)]
    pub directory: bool,
    /// The SMP of the hierarchy that it belongs to and is replicated from.
    #[serde(default)]
    pub replicated_from: Option<String>,
}

with_facts! {
    /// A managed computer. A fact that is left out is as on a computer in good health; `null` is not known.
    Computer {
        /// Its full name: host name, and domain after the first dot.
        name: String,
        /// Its addresses with the mask of the inventory, such as `192.168.0.10/24`.
        addresses: Vec<String>,
        /// The site services on it.
        #[serde(default)]
        services: Vec<Role>,
    }
}

with_facts! {
    /// Clients in a row, with addresses one after another. Facts are those of each.
    ClientRange {
        /// How the host names begin; a number of three digits follows.
        prefix: String,
        /// The domain.
        domain: String,
        /// The address of the first, with mask.
        first: String,
        /// How many.
        count: u32,
    }
}

/// What a package is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PackageKind {
    /// A disk image.
    Image,
    /// A tool of Deployment Solution, such as Imaging or BDC.
    Tool,
    /// Anything else.
    #[default]
    Software,
}

/// To which package servers a package goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PackageAssignment {
    /// To all.
    #[default]
    All,
    /// To the servers listed.
    Individually,
    /// To the servers of the sites listed.
    Site,
}

/// A package.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Package {
    /// Its name; several packages may have one name.
    pub name: String,
    /// Its description.
    #[serde(default)]
    pub description: String,
    /// What it is.
    #[serde(default)]
    pub kind: PackageKind,
    /// To which package servers it goes.
    #[serde(default)]
    pub assignment: PackageAssignment,
    /// With `site`: whether all sites get it.
    #[serde(default)]
    pub automatic: bool,
    /// With `individually` the servers, with `site` the sites.
    #[serde(default)]
    pub targets: Vec<String>,
    /// The servers that hold it now; left out, those that it goes to.
    #[serde(default)]
    pub holders: Option<Vec<String>>,
    /// For an image: the server that it was captured to; left out, its source stands on the SMP.
    #[serde(default)]
    pub captured_to: Option<String>,
    /// The SMP of the hierarchy that it belongs to and is replicated from.
    #[serde(default)]
    pub replicated_from: Option<String>,
}

/// What a task does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum TaskKind {
    /// Deploy Image.
    DeployImage,
    /// Create Image.
    CreateImage,
    /// Anything else.
    #[default]
    Other,
}

/// A task of Deployment Solution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Task {
    /// Its name.
    pub name: String,
    /// What it does.
    #[serde(default)]
    pub kind: TaskKind,
    /// The packages it uses; for Create Image the name that the image gets.
    #[serde(default)]
    pub packages: Vec<String>,
}

/// A site as Active Directory has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DirectorySite {
    /// Its name.
    pub name: String,
    /// Its subnets.
    #[serde(default)]
    pub subnets: Vec<String>,
}

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// A server that is down.
    pub down: String,
}

fn version() -> String {
    "8.7.3".to_owned()
}

fn yes() -> bool {
    true
}

impl WorldFile {
    /// Reads a scenario.
    pub fn parse(text: &str) -> Result<WorldFile, WorldError> {
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! {
                max_events: 100_000_000,
                max_nodes: 50_000_000,
                max_total_scalar_bytes: 1 << 30,
            },
        };
        let file: WorldFile = serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| WorldError::Scenario(error.to_string()))?;
        if file.format_version != 1 {
            return Err(WorldError::Scenario(format!(
                "expected formatVersion 1, found {}",
                file.format_version
            )));
        }
        Ok(file)
    }
}

/// The JSON Schema of the scenario format (`schemas/world.json`).
#[must_use]
pub fn world_schema() -> schemars::Schema {
    schemars::schema_for!(WorldFile)
}

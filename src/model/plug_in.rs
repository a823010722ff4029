//! The agent plug-ins that Deployment Solution needs (article 180278), and how their names are told.
//!
//! Pure. The task handlers and agents of the base are not here: they come with the Symantec Management Agent, and the
//! task server's agent with the task service.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Name, Role};

/// A plug-in of Deployment Solution.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum PlugIn {
    /// Deployment Solution Plug-in: on whatever is imaged, and on deployment servers.
    Solution,
    /// Deployment Task Server Handler: gives a task server the tasks of Deployment Solution.
    TaskHandler,
    /// Deployment Package Server: keeps images and tools beside the package service.
    PackageServer,
    /// Deployment NBS Plug-in: the services that answer PXE requests.
    NetworkBoot,
}

impl PlugIn {
    /// Every plug-in, in the order in which they are listed to people.
    pub const ALL: [Self; 4] = [
        Self::Solution,
        Self::TaskHandler,
        Self::PackageServer,
        Self::NetworkBoot,
    ];

    /// What each computer that is imaged needs.
    pub const CLIENT: [Self; 1] = [Self::Solution];

    /// What the SMP itself needs.
    pub const PLATFORM: [Self; 1] = [Self::TaskHandler];

    /// The name in the console, as article 180278 has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Solution => "Deployment Solution Plug-in",
            Self::TaskHandler => "Deployment Task Server Handler",
            Self::PackageServer => "Deployment Package Server",
            Self::NetworkBoot => "Deployment NBS Plug-in",
        }
    }

    /// The spelling in the ids of steps.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Solution => "solution",
            Self::TaskHandler => "taskHandler",
            Self::PackageServer => "packageServer",
            Self::NetworkBoot => "networkBoot",
        }
    }

    /// What a deployment server with these roles needs.
    pub fn needed(roles: &BTreeSet<Role>) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|plug_in| match plug_in {
            Self::Solution => true,
            Self::TaskHandler => roles.contains(&Role::Task),
            Self::PackageServer => roles.contains(&Role::Package),
            Self::NetworkBoot => roles.contains(&Role::NetworkBoot),
        })
    }

    /// Whether a name is one of this plug-in's.
    ///
    /// Consoles, articles and inventories spell them differently ("Deployment Server Task Handler"): the words count,
    /// in any order, and none of those that only say whose it is, that it is a plug-in, or for how many bits.
    #[must_use]
    pub fn is_called(self, name: &Name) -> bool {
        words(name.as_str()) == words(self.as_str())
    }

    /// Whether it is among the plug-ins of a computer.
    #[must_use]
    pub fn is_among(self, installed: &BTreeSet<Name>) -> bool {
        installed.iter().any(|name| self.is_called(name))
    }
}

/// The words of a name that tell one plug-in from another, each with how often it occurs.
fn words(name: &str) -> BTreeMap<String, usize> {
    const SILENT: [&str; 12] = [
        "altiris", "symantec", "broadcom", "plug", "in", "ins", "plugin", "x86", "x64", "32", "64",
        "bit",
    ];
    let mut words = BTreeMap::new();
    for word in name
        .to_lowercase()
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty() && !SILENT.contains(word))
    {
        let word = if word == "handlers" { "handler" } else { word };
        *words.entry(word.to_owned()).or_default() += 1;
    }
    words
}

impl fmt::Display for PlugIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_whatever_their_spelling() {
        for (plug_in, spelling) in [
            (PlugIn::TaskHandler, "Deployment Task Server Handler"),
            (PlugIn::TaskHandler, "Deployment Server Task Handler"),
            (
                PlugIn::TaskHandler,
                "altiris deployment task server handlers (x64)",
            ),
            (PlugIn::NetworkBoot, "Deployment NBS plug-in"),
            (PlugIn::NetworkBoot, "Deployment NBS Plugin"),
            (PlugIn::Solution, "Deployment Solution Plug-In"),
            (PlugIn::PackageServer, "Deployment Package Server Plug-in"),
        ] {
            for other in PlugIn::ALL {
                let called = other.is_called(&Name::new(spelling));
                assert_eq!(called, other == plug_in, "{other}: {spelling}");
            }
        }
        for other in [
            "Altiris Client Task Server Agent",
            "Deployment Solution",
            "Package Server",
            "Task Server Handler",
            "",
        ] {
            let called = PlugIn::ALL
                .into_iter()
                .any(|plug_in| plug_in.is_called(&Name::new(other)));
            // The solution's own name is that of its plug-in without the word.
            assert_eq!(called, other == "Deployment Solution", "{other}");
        }
    }

    #[test]
    fn needs_go_by_roles() {
        let needed = |roles: &[Role]| -> Vec<PlugIn> {
            PlugIn::needed(&roles.iter().copied().collect()).collect()
        };
        assert_eq!(needed(&[]), [PlugIn::Solution]);
        assert_eq!(
            needed(&[Role::Package, Role::Monitor]),
            [PlugIn::Solution, PlugIn::PackageServer]
        );
        assert_eq!(needed(&Role::ALL), PlugIn::ALL);
    }
}

//! Which changes an SMP takes by API, as data: what the planner knows of a server profile.
//!
//! Pure. A change that the profile is not sure enough of is no guess and no refusal: a person makes it in the console.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// A kind of change that an SMP takes by API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Writing {
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
    /// Change the assignment of a package, or update its distribution points.
    AssignPackage,
    /// Switch Constrain to Site, as item XML.
    Constrain,
    /// Set the default target of captured images, as item XML.
    CaptureTarget,
}

impl Writing {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::CreateSite,
        Self::RenameSite,
        Self::DescribeSite,
        Self::DeleteResource,
        Self::CreateSubnet,
        Self::MoveSubnet,
        Self::AssignServer,
        Self::AssignPackage,
        Self::Constrain,
        Self::CaptureTarget,
    ];
}

/// What the server profile lacks for each kind of change; a kind without an entry is written by API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writes(BTreeMap<Writing, BTreeSet<String>>);

impl Default for Writes {
    /// Everything but settings: those are written as item XML only where the operator said so.
    fn default() -> Self {
        let mut writes = Self::everything();
        for (writing, entry) in [
            (
                Writing::Constrain,
                "`settings.constrainToSite.write` (unknown)",
            ),
            (
                Writing::CaptureTarget,
                "`settings.captureTarget.write` (unknown)",
            ),
        ] {
            writes.lack(writing, [entry.to_owned()]);
        }
        writes
    }
}

impl Writes {
    /// Everything.
    #[must_use]
    pub fn everything() -> Self {
        Self(BTreeMap::new())
    }

    /// Notes that a kind of change is not written by API for lack of `entries`; without any of them it is.
    pub fn lack(&mut self, writing: Writing, entries: impl IntoIterator<Item = String>) {
        let entries: BTreeSet<String> = entries.into_iter().collect();
        if !entries.is_empty() {
            self.0.entry(writing).or_default().extend(entries);
        }
    }

    /// The entries of the profile that a kind of change is lacking, each with its standing, for people.
    pub fn lacking(&self, writing: Writing) -> impl Iterator<Item = &str> {
        self.0
            .get(&writing)
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    /// Whether a kind of change is written by API.
    #[must_use]
    pub fn can(&self, writing: Writing) -> bool {
        !self.0.contains_key(&writing)
    }
}

/// Who makes a change that the SMP could be told by API.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum By {
    /// This program, by calls.
    #[default]
    Api,
    /// A person in the console: the server profile is not sure enough of what a call would have to say.
    Console,
}

impl By {
    /// Whether it is this program.
    #[must_use]
    pub fn is_api(&self) -> bool {
        *self == Self::Api
    }
}

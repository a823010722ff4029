//! What Sitewright remembers about a platform: which objects it created or adopted, and what people attested.
//!
//! Pure. Losing it loses nothing on the server: the next plan adopts what is declared.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Acknowledgement, Count, CountedKind, Guid, Ignorable, Name, Rounds, Subnet};

/// How an object came to be ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Held {
    /// A run created it; once it is no longer declared it is deleted.
    Created,
    /// It existed when it was declared first; once it is no longer declared it is released.
    Adopted,
}

/// An object that is ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Owned {
    /// Its name, or `a.b.c.d/nn` for a subnet, as it was last seen.
    pub name: Name,
    /// How it came to be ours.
    pub how: Held,
    /// Whether it may not be deleted although its declaration is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protected: bool,
}

/// Somebody's word for what cannot be read from the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attestation {
    /// What was attested, as the step showed it.
    pub value: String,
    /// Why the person is sure.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When, RFC 3339.
    pub at: String,
}

/// An object that a run was about to create when it wrote its last record about it.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Intended {
    /// Of which kind: a site or a subnet.
    pub of: CountedKind,
    /// Its name, or `a.b.c.d/nn`.
    pub name: Name,
}

/// Everything that is remembered about one platform.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ownership {
    /// Sites that are ours.
    #[serde(default)]
    pub sites: BTreeMap<Guid, Owned>,
    /// Subnets that are ours.
    #[serde(default)]
    pub subnets: BTreeMap<Guid, Owned>,
    /// Attestations by the id of the step they closed.
    #[serde(default)]
    pub attestations: BTreeMap<String, Attestation>,
    /// Packages whose assignment was written by a run that died before the distribution points were updated.
    #[serde(default)]
    pub undistributed: BTreeMap<Guid, Name>,
    /// Subnets that were in no site when `apply` read the server last; `None` where it never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unassigned: Option<BTreeSet<Subnet>>,
    /// How many of each kind the last run left behind; without the kinds that no run has counted yet.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counted: BTreeMap<CountedKind, Count>,
    /// Objects that a run was about to create, and of which it could not write down what came.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub intended: BTreeSet<Intended>,
    /// How often differences that the world made came back, by their keys.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rounds: BTreeMap<String, Rounds>,
    /// Which of them are fine for a while, by their keys.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub acknowledged: BTreeMap<String, Acknowledgement>,
    /// Packages that a run was to wait for at their servers, and of which nobody has seen or said yet that they are there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub awaited: BTreeMap<Guid, Name>,
    /// Sites that runs created, with the fields of them that none has come to the end with: they are completed as they
    /// are declared, also where they are to be left alone later.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unfinished: BTreeMap<Guid, BTreeSet<Ignorable>>,
}

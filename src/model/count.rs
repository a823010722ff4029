//! How many objects of each kind were seen, so that what is not shown to us is told from what is gone.
//!
//! Pure. An SMP answers only what the account may see, and says nothing of the rest: a right that was taken away looks
//! like a deletion. A list that has become much shorter since the last run is therefore doubted before it is believed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Guid, Snapshot};

/// A kind of object that every refresh lists, and whose number is remembered between runs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum CountedKind {
    /// Sites.
    Sites,
    /// Subnets, in a site or not.
    Subnets,
    /// Computers with a site service.
    Servers,
    /// Packages.
    Packages,
}

impl CountedKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Sites, Self::Subnets, Self::Servers, Self::Packages];

    /// The spelling on the command line and in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sites => "sites",
            Self::Subnets => "subnets",
            Self::Servers => "servers",
            Self::Packages => "packages",
        }
    }

    /// What the account has to be able to read to be shown them, in the words of the console.
    #[must_use]
    pub const fn right(self) -> &'static str {
        match self {
            Self::Sites => "Read on the resources of type Site",
            Self::Subnets => "Read on the resources of type Subnet",
            Self::Servers => "Read on the site services and on the computers that they run on",
            Self::Packages => "Read on the packages and their folders",
        }
    }
}

impl fmt::Display for CountedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected one of sites, subnets, servers and packages, found `{0}`")]
pub struct CountedKindError(String);

impl FromStr for CountedKind {
    type Err = CountedKindError;

    fn from_str(text: &str) -> Result<Self, CountedKindError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| CountedKindError(text.to_owned()))
    }
}

/// How many of a kind there were at the end of the last run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Count {
    /// How many.
    pub seen: u64,
    /// Those of them that were deleted since by a run that came to no count of its own.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub deleted: BTreeSet<Guid>,
}

impl Count {
    /// A number that was just counted.
    #[must_use]
    pub fn of(seen: u64) -> Self {
        Self {
            seen,
            deleted: BTreeSet::new(),
        }
    }

    /// How many are to be expected in the next list.
    #[must_use]
    pub fn expected(&self) -> u64 {
        self.seen.saturating_sub(number(self.deleted.len()))
    }
}

/// Somebody's word that shorter lists are right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// Which lists.
    pub kinds: BTreeSet<CountedKind>,
    /// Why that person is sure.
    pub reason: String,
}

impl Snapshot {
    /// How many of each kind were listed; without the kinds that could not be read.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<CountedKind, u64> {
        let servers = self.services.known().map(|services| {
            let computers: BTreeSet<Guid> =
                services.iter().map(|service| service.computer).collect();
            computers.len()
        });
        [
            (CountedKind::Sites, self.sites.known().map(Vec::len)),
            (CountedKind::Subnets, self.subnets.known().map(Vec::len)),
            (CountedKind::Servers, servers),
            (CountedKind::Packages, self.packages.known().map(Vec::len)),
        ]
        .into_iter()
        .filter_map(|(kind, count)| Some((kind, number(count?))))
        .collect()
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::model::Observed;
    use crate::model::testing::*;

    #[test]
    fn what_could_not_be_read_is_not_counted() {
        let seen = world()
            .server("S1", &["10.0.0.1"], "package task")
            .server("C1", &["10.0.0.2"], "")
            .site("HQ")
            .subnet("10.0.0.0/24", &["HQ"])
            .subnet("10.0.1.0/24", &[])
            .package("Win11", "all", &[]);
        let counts = |kinds: &[(&str, u64)]| -> BTreeMap<CountedKind, u64> {
            let kinds = kinds.iter();
            kinds.map(|(kind, n)| (kind.parse().unwrap(), *n)).collect()
        };
        let all = [
            ("sites", 1),
            ("subnets", 2),
            ("servers", 2),
            ("packages", 1),
        ];
        assert_eq!(seen.snapshot.counts(), counts(&all));
        let blind = seen.but(|snapshot| {
            snapshot.subnets = Observed::Unavailable("denied".into());
            snapshot.services = Observed::Unavailable("denied".into());
        });
        assert_eq!(
            blind.snapshot.counts(),
            counts(&[("sites", 1), ("packages", 1)])
        );
    }

    #[test]
    fn what_was_deleted_since_is_not_expected() {
        let mut count = Count::of(2);
        count.deleted.insert(Guid::from_u128(1));
        assert_eq!(count.expected(), 1);
        let text = serde_json::to_string(&Count::of(2)).unwrap();
        assert_eq!(text, r#"{"seen":2}"#);
    }
}

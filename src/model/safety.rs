//! What a workspace guards its platforms by: how far one plan may go, and when nothing may change at all.
//!
//! Pure. A limit that the workspace does not name is none. Somebody may let one plan go past a limit, with a reason
//! that is kept ([`Overrides`]).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a workspace guards its platforms by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Safety {
    /// How many fewer of a kind than the last run saw are taken for somebody's change.
    pub max_fewer: Share,
    /// How many objects one plan may delete.
    pub max_deletes: Option<u64>,
    /// How many of the objects of a kind one plan may change or delete.
    pub max_changed_percent: Option<Share>,
    /// How many clients one plan may give other servers than they have.
    pub max_rehomed_clients: Option<u64>,
    /// How many addresses one plan may give other servers than they have.
    pub max_rehomed_addresses: Option<u64>,
    /// How many sites that have several servers of a role one plan may leave with one.
    pub max_single_server_sites: Option<u64>,
    /// When nothing may change.
    pub freeze: Vec<Freeze>,
}

impl Default for Safety {
    fn default() -> Self {
        Self {
            max_fewer: Share {
                percent: 10,
                floor: Share::FLOOR,
            },
            max_deletes: None,
            max_changed_percent: None,
            max_rehomed_clients: None,
            max_rehomed_addresses: None,
            max_single_server_sites: None,
            freeze: Vec::new(),
        }
    }
}

impl Safety {
    /// The window that holds at a moment; of several the one that ends last.
    #[must_use]
    pub fn frozen(&self, now: Timestamp) -> Option<&Freeze> {
        self.freeze
            .iter()
            .filter(|freeze| freeze.holds(now))
            .max_by_key(|freeze| freeze.ends)
    }
}

/// A share of what there is, and a number: the larger of the two counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Of what there is, in percent.
    pub percent: u8,
    /// However little there is.
    pub floor: u32,
}

impl Share {
    /// The number where none is given: a world of three sites has to be able to change.
    pub const FLOOR: u32 = 3;

    /// How many of this many are within the share.
    #[must_use]
    pub fn of(self, total: u64) -> u64 {
        part(total, self.percent.into()).max(self.floor.into())
    }
}

/// A part of a number in percent, rounded down.
#[must_use]
pub fn part(total: u64, percent: u64) -> u64 {
    let part = u128::from(total) * u128::from(percent) / 100;
    u64::try_from(part).unwrap_or(u64::MAX)
}

/// A time in which nothing may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freeze {
    /// Its first day or moment, as the workspace writes it.
    pub from: String,
    /// Its last day, or the moment at which it is over, as the workspace writes it.
    pub to: String,
    /// The time zone that both are told in.
    pub zone: String,
    /// Its first moment.
    pub begins: Timestamp,
    /// The first moment after it.
    pub ends: Timestamp,
    /// Why.
    pub reason: Option<String>,
}

impl Freeze {
    /// Whether a moment lies in it.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.begins <= now && now < self.ends
    }
}

impl fmt::Display for Freeze {
    /// `from 2026-12-20 to 2027-01-03 (Europe/Berlin)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {} to {} ({})", self.from, self.to, self.zone)
    }
}

/// A limit for what one plan may do, by the name that the workspace and the command line call it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Limit {
    /// Objects that are deleted.
    MaxDeletes,
    /// Objects of a kind that are changed or deleted, in percent of those that exist.
    MaxChangedPercent,
    /// Clients that other servers serve than before.
    MaxRehomedClients,
    /// Addresses that other servers serve than before.
    MaxRehomedAddresses,
    /// Sites that are left with a single server of a role.
    MaxSingleServerSites,
}

impl Limit {
    /// Every limit.
    pub const ALL: [Self; 5] = [
        Self::MaxDeletes,
        Self::MaxChangedPercent,
        Self::MaxRehomedClients,
        Self::MaxRehomedAddresses,
        Self::MaxSingleServerSites,
    ];

    /// The spelling in files and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MaxDeletes => "maxDeletes",
            Self::MaxChangedPercent => "maxChangedPercent",
            Self::MaxRehomedClients => "maxRehomedClients",
            Self::MaxRehomedAddresses => "maxRehomedAddresses",
            Self::MaxSingleServerSites => "maxSingleServerSites",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The word for a window in which nothing may change, where limits are named.
pub const FREEZE: &str = "freeze";

/// Past what one plan may go, as the command line says it: `maxDeletes=12`, `freeze`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Override {
    /// Past a limit, up to a number.
    Limit(Limit, u64),
    /// Within a window in which nothing may change.
    Freeze,
}

impl fmt::Display for Override {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit(limit, to) => write!(f, "{limit}={to}"),
            Self::Freeze => f.write_str(FREEZE),
        }
    }
}

/// A text that overrides nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OverrideError {
    /// It names no limit.
    #[error("expected LIMIT=N or `{FREEZE}`, LIMIT one of {known}, found `{found}`", known = Limit::ALL.map(Limit::as_str).join(", "))]
    Unknown {
        /// The text.
        found: String,
    },
    /// It says no number.
    #[error("expected a number up to which `{0}` lets this plan go, `{0}=N`, found `{1}`")]
    Number(Limit, String),
    /// A window has no number.
    #[error("expected `{FREEZE}` alone, found `{0}`")]
    Freeze(String),
}

impl FromStr for Override {
    type Err = OverrideError;

    fn from_str(text: &str) -> Result<Self, OverrideError> {
        let (name, number) = match text.split_once('=') {
            Some((name, number)) => (name, Some(number)),
            None => (text, None),
        };
        if name == FREEZE {
            return match number {
                None => Ok(Self::Freeze),
                Some(_) => Err(OverrideError::Freeze(text.to_owned())),
            };
        }
        let limit = Limit::ALL
            .into_iter()
            .find(|limit| limit.as_str() == name)
            .ok_or_else(|| OverrideError::Unknown {
                found: text.to_owned(),
            })?;
        number
            .and_then(|number| number.parse().ok())
            .map(|number| Self::Limit(limit, number))
            .ok_or_else(|| OverrideError::Number(limit, text.to_owned()))
    }
}

/// Somebody's word that a plan may go past limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overrides {
    /// Up to which number, by limit.
    pub limits: BTreeMap<Limit, u64>,
    /// Whether also while nothing may change.
    pub freeze: bool,
    /// Why.
    pub reason: String,
    /// Who says so.
    pub by: String,
}

impl Overrides {
    /// What is overridden, by whom and why.
    #[must_use]
    pub fn of(all: &[Override], reason: &str, by: &str) -> Self {
        Self {
            limits: all
                .iter()
                .filter_map(|one| match one {
                    Override::Limit(limit, to) => Some((*limit, *to)),
                    Override::Freeze => None,
                })
                .collect(),
            freeze: all.contains(&Override::Freeze),
            reason: reason.to_owned(),
            by: by.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_share_is_the_larger_of_the_two() {
        let of = |percent, floor, total| Share { percent, floor }.of(total);
        assert_eq!(of(10, 3, 0), 3);
        assert_eq!(of(10, 3, 39), 3);
        assert_eq!(of(10, 3, 40), 4);
        assert_eq!(of(10, 3, 100_000), 10_000);
        assert_eq!(of(0, 0, 100_000), 0);
        assert_eq!(of(100, 0, u64::MAX), u64::MAX);
    }

    fn freeze(begins: &str, ends: &str) -> Freeze {
        Freeze {
            from: begins.into(),
            to: ends.into(),
            zone: "UTC".into(),
            begins: begins.parse().unwrap(),
            ends: ends.parse().unwrap(),
            reason: None,
        }
    }

    #[test]
    fn a_window_holds_from_its_first_moment_until_its_end() {
        let (inner, outer) = (
            freeze("2026-12-24T00:00:00Z", "2026-12-27T00:00:00Z"),
            freeze("2026-12-25T00:00:00Z", "2027-01-04T00:00:00Z"),
        );
        let safety = Safety {
            freeze: vec![outer.clone(), inner.clone()],
            ..Safety::default()
        };
        let at = |moment: &str| safety.frozen(moment.parse().unwrap());
        assert_eq!(at("2026-12-23T23:59:59.999Z"), None);
        assert_eq!(at("2026-12-24T00:00:00Z"), Some(&inner));
        // Of two, the one that one has to wait for.
        assert_eq!(at("2026-12-26T00:00:00Z"), Some(&outer));
        assert_eq!(at("2027-01-03T23:59:59.999Z"), Some(&outer));
        assert_eq!(at("2027-01-04T00:00:00Z"), None);
    }

    #[test]
    fn overrides_are_read_as_they_are_written() {
        for limit in Limit::ALL {
            let text = format!("{limit}=12");
            let read: Override = text.parse().unwrap();
            assert_eq!(read, Override::Limit(limit, 12));
            assert_eq!(read.to_string(), text);
            assert_eq!(
                serde_json::to_string(&limit).unwrap(),
                format!("\"{limit}\"")
            );
        }
        assert_eq!("freeze".parse(), Ok(Override::Freeze));
        let error = |text: &str| text.parse::<Override>().unwrap_err().to_string();
        assert_eq!(
            error("deletes=3"),
            "expected LIMIT=N or `freeze`, LIMIT one of maxDeletes, maxChangedPercent, maxRehomedClients, \
             maxRehomedAddresses, maxSingleServerSites, found `deletes=3`"
        );
        for text in [
            "maxDeletes",
            "maxDeletes=",
            "maxDeletes=-1",
            "maxDeletes=1.5",
        ] {
            assert!(error(text).contains("`maxDeletes=N`"), "{text}");
        }
        assert_eq!(
            error("freeze=1"),
            "expected `freeze` alone, found `freeze=1`"
        );
    }

    #[test]
    fn the_last_word_on_a_limit_counts() {
        let all = ["maxDeletes=5", "freeze", "maxDeletes=4"].map(|text| text.parse().unwrap());
        let overrides = Overrides::of(&all, "ticket 4711", "kim");
        assert_eq!(overrides.limits, BTreeMap::from([(Limit::MaxDeletes, 4)]));
        assert!(overrides.freeze);
        assert!(!Overrides::of(&all[..1], "", "").freeze);
    }
}

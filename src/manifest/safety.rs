//! `safety` of a workspace: what its platforms are guarded by.
//!
//! Pure. A limit that is left out is none, but for `maxFewer`.

use schemars::JsonSchema;

use super::decode::{At, Faults, Fields, number};
use super::freeze::{self, FreezeSpec};
use super::tree::{Node, Value};
use crate::model::{Freeze, Safety, Share};

/// The highest number that a limit takes.
const MOST: u32 = 1_000_000_000;

/// What the platforms are guarded by. A limit that is left out is none, but for `maxFewer`.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SafetySpec {
    /// How many fewer objects of a kind than the last run saw are taken for somebody's change: the larger of the two.
    max_fewer: Option<MaxFewerSpec>,
    /// How many sites and subnets one plan may delete.
    #[schemars(with = "Option<u32>", range(min = 0, max = 1_000_000_000))]
    max_deletes: Option<At<u32>>,
    /// How many of the existing sites, subnets, site servers or packages one plan may change or delete, in percent of
    /// each kind; up to a floor however few there are.
    max_changed_percent: Option<MaxChangedSpec>,
    /// How many clients one plan may give other package or task servers than they have; every address counts as a
    /// client where clients cannot be read.
    #[schemars(with = "Option<u32>", range(min = 0, max = 1_000_000_000))]
    max_rehomed_clients: Option<At<u32>>,
    /// How many addresses of known subnets one plan may give other package or task servers than they have.
    #[schemars(with = "Option<u32>", range(min = 0, max = 1_000_000_000))]
    max_rehomed_addresses: Option<At<u32>>,
    /// How many sites with two or more package or task servers one plan may leave with one of them, or none.
    #[schemars(with = "Option<u32>", range(min = 0, max = 1_000_000_000))]
    max_single_server_sites: Option<At<u32>>,
    /// When nothing may change.
    #[schemars(with = "Option<Vec<FreezeSpec>>")]
    freeze: Vec<Freeze>,
}

/// A share and a number: the larger of the two counts.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct MaxFewerSpec {
    /// Of the objects that the last run saw, in percent; left out, 10.
    #[schemars(with = "Option<u32>", range(min = 0, max = 100))]
    percent: Option<At<u32>>,
    /// However few the last run saw; left out, 3.
    #[schemars(with = "Option<u32>", range(min = 0, max = 1_000_000))]
    floor: Option<At<u32>>,
}

/// A percentage alone, or with a number below which nothing counts as too much.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(untagged)]
enum MaxChangedSpec {
    /// In percent, with a floor of 3.
    Percent(#[schemars(with = "u32", range(min = 0, max = 100))] At<u32>),
    /// In percent, with a floor.
    Share(MaxChangedShare),
}

/// A share and a number: the larger of the two counts.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct MaxChangedShare {
    /// Of the objects of a kind that exist, in percent.
    #[schemars(with = "u32", range(min = 0, max = 100))]
    percent: At<u32>,
    /// However few exist; left out, 3.
    #[schemars(with = "Option<u32>", range(min = 0, max = 1_000_000))]
    floor: Option<At<u32>>,
}

impl SafetySpec {
    pub(super) fn resolve(&self) -> Safety {
        let Self {
            max_fewer,
            max_deletes,
            max_changed_percent,
            max_rehomed_clients,
            max_rehomed_addresses,
            max_single_server_sites,
            freeze,
        } = self;
        let usual = Safety::default();
        let most = |limit: &Option<At<u32>>| limit.as_ref().map(|limit| u64::from(limit.value));
        Safety {
            max_fewer: max_fewer
                .as_ref()
                .map_or(usual.max_fewer, |share| share.resolve(usual.max_fewer)),
            max_deletes: most(max_deletes),
            max_changed_percent: max_changed_percent.as_ref().map(MaxChangedSpec::resolve),
            max_rehomed_clients: most(max_rehomed_clients),
            max_rehomed_addresses: most(max_rehomed_addresses),
            max_single_server_sites: most(max_single_server_sites),
            freeze: freeze.clone(),
        }
    }
}

impl MaxFewerSpec {
    fn resolve(&self, usual: Share) -> Share {
        let Self { percent, floor } = self;
        Share {
            percent: percent.as_ref().map_or(usual.percent, in_percent),
            floor: floor.as_ref().map_or(usual.floor, |floor| floor.value),
        }
    }
}

impl MaxChangedSpec {
    fn resolve(&self) -> Share {
        let (percent, floor) = match self {
            Self::Percent(percent) => (percent, None),
            Self::Share(MaxChangedShare { percent, floor }) => (percent, floor.as_ref()),
        };
        Share {
            percent: in_percent(percent),
            floor: floor.map_or(Share::FLOOR, |floor| floor.value),
        }
    }
}

/// A number that was read as one from 0 to 100.
fn in_percent(number: &At<u32>) -> u8 {
    u8::try_from(number.value).unwrap_or(100)
}

pub(super) fn read(node: &Node<'_>, faults: &mut Faults) -> Option<SafetySpec> {
    let mut fields = Fields::of(node, "`safety`", faults)?;
    let max_fewer = fields.take("maxFewer");
    let max_fewer = max_fewer.and_then(|node| read_max_fewer(node, faults));
    let max_changed = fields.take("maxChangedPercent");
    let max_changed = max_changed.and_then(|node| read_max_changed(node, faults));
    let mut most = |name: &'static str, faults: &mut Faults| {
        let node = fields.take(name)?;
        number(node, 0..=MOST, faults)
    };
    let spec = SafetySpec {
        max_fewer,
        max_deletes: most("maxDeletes", faults),
        max_changed_percent: max_changed,
        max_rehomed_clients: most("maxRehomedClients", faults),
        max_rehomed_addresses: most("maxRehomedAddresses", faults),
        max_single_server_sites: most("maxSingleServerSites", faults),
        freeze: fields
            .take("freeze")
            .map(|node| freeze::read(node, faults))
            .unwrap_or_default(),
    };
    fields.finish("`safety`", faults);
    Some(spec)
}

fn read_max_fewer(node: &Node<'_>, faults: &mut Faults) -> Option<MaxFewerSpec> {
    let mut fields = Fields::of(node, "`maxFewer`", faults)?;
    let spec = MaxFewerSpec {
        percent: fields
            .take("percent")
            .and_then(|node| number(node, 0..=100, faults)),
        floor: fields
            .take("floor")
            .and_then(|node| number(node, 0..=1_000_000, faults)),
    };
    fields.finish("`maxFewer`", faults);
    Some(spec)
}

fn read_max_changed(node: &Node<'_>, faults: &mut Faults) -> Option<MaxChangedSpec> {
    let what = "`maxChangedPercent`";
    if !matches!(node.value, Value::Map(_)) {
        return number(node, 0..=100, faults).map(MaxChangedSpec::Percent);
    }
    let mut fields = Fields::of(node, what, faults)?;
    let percent = fields.need("percent", what, faults);
    let percent = percent.and_then(|node| number(node, 0..=100, faults));
    let floor = fields.take("floor");
    let floor = floor.and_then(|node| number(node, 0..=1_000_000, faults));
    fields.finish(what, faults);
    Some(MaxChangedSpec::Share(MaxChangedShare {
        percent: percent?,
        floor,
    }))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::manifest::{Source, Workspace};

    fn safety(fields: &str) -> Safety {
        let text = format!(
            "apiVersion: sitewright/v1\nkind: Workspace\nspec:\n  platforms: [{{ name: hq, url: 'sim:empty' }}]\n  \
             safety: {{ {fields} }}\n"
        );
        Workspace::read(&Source::new("sitewright.yaml", &text))
            .unwrap()
            .safety
    }

    #[test]
    fn what_is_left_out_is_no_limit() {
        assert_eq!(safety(""), Safety::default());
    }

    #[test]
    fn each_field_is_its_own() {
        let found = safety(
            "maxFewer: { percent: 5 }, maxDeletes: 0, maxRehomedClients: 2, maxRehomedAddresses: 3, \
             maxSingleServerSites: 4",
        );
        assert_eq!(
            found,
            Safety {
                max_fewer: Share {
                    percent: 5,
                    floor: 3
                },
                max_deletes: Some(0),
                max_changed_percent: None,
                max_rehomed_clients: Some(2),
                max_rehomed_addresses: Some(3),
                max_single_server_sites: Some(4),
                freeze: vec![],
            }
        );
    }

    #[test]
    fn a_percentage_stands_alone_or_with_a_floor() {
        let share = |fields: &str| safety(fields).max_changed_percent;
        let of = |percent, floor| Some(Share { percent, floor });
        assert_eq!(share("maxChangedPercent: 30"), of(30, 3));
        assert_eq!(share("maxChangedPercent: { percent: 30 }"), of(30, 3));
        assert_eq!(
            share("maxChangedPercent: { percent: 0, floor: 0 }"),
            of(0, 0)
        );
    }

    #[test]
    fn windows_are_told_as_they_are_written() {
        let found = safety(
            "freeze: [{ from: 2026-12-20, to: 2027-01-03T06:00, zone: europe/berlin, reason: closed }]",
        );
        let window = found.freeze.first().unwrap();
        assert_eq!(
            window.to_string(),
            "from 2026-12-20 to 2027-01-03T06:00 (Europe/Berlin)"
        );
        assert_eq!(window.begins.to_string(), "2026-12-19T23:00:00Z");
        assert_eq!(window.ends.to_string(), "2027-01-03T05:00:00Z");
        assert_eq!(window.reason.as_deref(), Some("closed"));
    }
}

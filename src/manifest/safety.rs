//! `safety` of a workspace: what its platforms are guarded by.
//!
//! Pure. What a later version will enforce is refused, never overlooked.

use schemars::JsonSchema;

use super::decode::{At, Faults, Fields, number};
use super::tree::Node;
use crate::model::{MaxFewer, Safety};

/// What the platforms are guarded by.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SafetySpec {
    /// How many fewer objects of a kind than the last run saw are taken for somebody's change: the larger of the two.
    max_fewer: Option<MaxFewerSpec>,
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

impl SafetySpec {
    pub(super) fn resolve(&self) -> Safety {
        let Self { max_fewer } = self;
        Safety {
            max_fewer: max_fewer
                .as_ref()
                .map_or_else(MaxFewer::default, MaxFewerSpec::resolve),
        }
    }
}

impl MaxFewerSpec {
    fn resolve(&self) -> MaxFewer {
        let Self { percent, floor } = self;
        let usual = MaxFewer::default();
        MaxFewer {
            percent: percent
                .as_ref()
                .and_then(|percent| u8::try_from(percent.value).ok())
                .unwrap_or(usual.percent),
            floor: floor.as_ref().map_or(usual.floor, |floor| floor.value),
        }
    }
}

pub(super) fn read(node: &Node<'_>, faults: &mut Faults) -> Option<SafetySpec> {
    let mut fields = Fields::of(node, "`safety`", faults)?;
    let max_fewer = fields
        .take("maxFewer")
        .and_then(|node| read_max_fewer(node, faults));
    for later in ["maxDeletes", "maxChangedPercent", "freeze"] {
        if let Some((key, _)) = fields.stray(later) {
            faults.tell(
                "SW0190",
                key.span,
                format!("expected no `{later}`: it is not yet supported"),
            );
        }
    }
    fields.finish("`safety`", faults);
    Some(SafetySpec { max_fewer })
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

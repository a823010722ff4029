//! `watch` of a workspace: how often its platforms are looked at, and what may be done with nobody at hand.
//!
//! Pure. What is left out is the usual, and for `autoApply` that is nothing at all.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::decode::{At, Faults, Fields, Written, listed, nearest, one, set, short};
use super::tree::Node;
use crate::model::StepGroup;

/// How a workspace is watched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watching {
    /// How often a platform is looked at.
    pub interval: Option<Duration>,
    /// How long is waited after a sign-in was refused.
    pub sign_in_pause: Option<Duration>,
    /// What may be done with nobody at hand.
    pub auto_apply: BTreeSet<StepGroup>,
    /// Where it may be asked how things stand.
    pub listen: Option<SocketAddr>,
}

/// How a workspace is watched (`sitewright watch`).
#[derive(Debug, Clone, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WatchSpec {
    /// How often a platform is looked at; left out, 5m.
    interval: Option<At<Interval>>,
    /// How long to wait after the server refused the sign-in; twice that after each further refusal, up to a day. Left
    /// out, 1h. It is to be longer than the time after which the directory forgets a wrong password.
    sign_in_pause: Option<At<Interval>>,
    /// Groups of steps that may be done with nobody at hand; left out, none.
    #[schemars(with = "Option<Vec<Group>>")]
    auto_apply: Vec<At<Group>>,
    /// Where health and metrics are told; left out, 127.0.0.1:9464.
    listen: Option<At<Listen>>,
}

/// A time between two looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Interval(Duration);

/// A group of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Group(StepGroup);

/// An address with a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Listen(SocketAddr);

/// Reads the time between two looks, from a second to a day: `90s`, `10m`, `1h`.
#[must_use]
pub fn interval(text: &str) -> Option<Duration> {
    let time: jiff::SignedDuration = text.parse().ok()?;
    let time = Duration::try_from(time).ok()?;
    (Duration::from_secs(1)..=Duration::from_hours(24))
        .contains(&time)
        .then_some(time)
}

impl Written for Interval {
    const EXPECTED: &'static str = "a time such as 90s, 10m or 1h";
    const CODE: &'static str = "SW0980";
    fn written(text: &str) -> Result<Self, (String, Option<String>)> {
        interval(text).map(Self).ok_or_else(|| {
            let message = format!(
                "expected {} between 1s and 24h, found `{}`",
                Self::EXPECTED,
                short(text)
            );
            (message, None)
        })
    }
}

impl Written for Group {
    const EXPECTED: &'static str = "a group of steps";
    const CODE: &'static str = "SW0981";
    fn written(text: &str) -> Result<Self, (String, Option<String>)> {
        text.parse().map(Self).map_err(|_| {
            let known = StepGroup::ALL.map(StepGroup::as_str);
            let hint = nearest(text, &known).map(|right| format!("did you mean `{right}`?"));
            let message = format!(
                "expected one of the groups of steps {}, found `{}`",
                listed(&known),
                short(text)
            );
            (message, hint)
        })
    }
}

impl Written for Listen {
    const EXPECTED: &'static str = "an address such as 127.0.0.1:9464";
    const CODE: &'static str = "SW0982";
    fn written(text: &str) -> Result<Self, (String, Option<String>)> {
        text.parse().map(Self).map_err(|_| {
            let message = format!("expected {}, found `{}`", Self::EXPECTED, short(text));
            let hint = "a number, not a name: `0.0.0.0:9464` is every address of this machine";
            (message, Some(hint.into()))
        })
    }
}

impl JsonSchema for Interval {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Interval".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 2 })
    }
}

impl JsonSchema for Group {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "StepGroup".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": StepGroup::ALL.map(StepGroup::as_str) })
    }
}

impl JsonSchema for Listen {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Listen".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": ":[0-9]+$" })
    }
}

impl WatchSpec {
    pub(super) fn resolve(&self) -> Watching {
        let Self {
            interval,
            sign_in_pause,
            auto_apply,
            listen,
        } = self;
        Watching {
            interval: interval.as_ref().map(|interval| interval.value.0),
            sign_in_pause: sign_in_pause.as_ref().map(|pause| pause.value.0),
            auto_apply: auto_apply.iter().map(|group| group.value.0).collect(),
            listen: listen.as_ref().map(|listen| listen.value.0),
        }
    }
}

pub(super) fn read(node: &Node<'_>, faults: &mut Faults) -> Option<WatchSpec> {
    let mut fields = Fields::of(node, "`watch`", faults)?;
    let interval = fields.take("interval");
    let interval = interval.and_then(|node| one(node, faults));
    let sign_in_pause = fields.take("signInPause");
    let sign_in_pause = sign_in_pause.and_then(|node| one(node, faults));
    let groups = fields.take("autoApply");
    let groups = groups.and_then(|node| set(node, "groups of steps", faults));
    let listen = fields.take("listen");
    let listen = listen.and_then(|node| one(node, faults));
    fields.finish("`watch`", faults);
    Some(WatchSpec {
        interval,
        sign_in_pause,
        auto_apply: groups.unwrap_or_default(),
        listen,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::manifest::{Source, Workspace};

    fn read(fields: &str) -> Result<Watching, Vec<String>> {
        let text = format!(
            "apiVersion: sitewright/v1\nkind: Workspace\nspec:\n  platforms: [{{ name: hq, url: 'sim:empty' }}]\n  \
             watch: {{ {fields} }}\n"
        );
        Workspace::read(&Source::new("sitewright.yaml", &text))
            .map(|workspace| workspace.watch)
            .map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_is_left_out_is_the_usual() {
        assert_eq!(read(""), Ok(Watching::default()));
    }

    #[test]
    fn each_field_is_its_own() {
        let watching = read(
            "interval: 1h 30m, signInPause: 2h, autoApply: [assign, pin], listen: '0.0.0.0:80'",
        )
        .unwrap();
        assert_eq!(watching.interval, Some(Duration::from_mins(90)));
        assert_eq!(watching.sign_in_pause, Some(Duration::from_hours(2)));
        assert_eq!(
            watching.auto_apply,
            BTreeSet::from([StepGroup::Assign, StepGroup::Pin])
        );
        assert_eq!(watching.listen, Some("0.0.0.0:80".parse().unwrap()));
    }

    #[test]
    fn what_is_wrong_is_told_with_what_was_meant() {
        let told = |fields: &str| read(fields).unwrap_err().join("\n");
        for wrong in ["0s", "25h", "-1m", "soon", "5"] {
            let told = told(&format!("interval: '{wrong}'"));
            assert!(told.contains("between 1s and 24h"), "{told}");
        }
        let group = told("autoApply: [asign]");
        assert!(
            group.contains("expected one of the groups of steps `create`, `describe`"),
            "{group}"
        );
        assert!(told("autoApply: [all]").contains("found `all`"));
        assert!(told("autoApply: [pin, pin]").contains("once"));
        assert!(told("listen: localhost").contains("an address such as"));
    }
}

//! `notify` of a workspace: who is told of drift.
//!
//! Pure. The address of a webhook is a secret: whoever has it may write to the channel.

use schemars::JsonSchema;

use super::decode::{Faults, Fields, items, text};
use super::secret::{self, SecretFrom, SecretSpec};
use super::tree::Node;

/// What a webhook takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Payload {
    /// What drift is, as JSON.
    #[default]
    Generic,
    /// A message of Slack.
    Slack,
    /// A card of Microsoft Teams.
    Teams,
}

impl Payload {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Generic, Self::Slack, Self::Teams];

    /// The spelling in files and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::Slack => "slack",
            Self::Teams => "teams",
        }
    }

    fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// A webhook that is told of drift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Where its address is kept.
    pub url_from: SecretFrom,
    /// What it takes.
    pub payload: Payload,
}

/// A webhook that is told of drift.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct WebhookSchema {
    /// Where its address is kept, which is a secret.
    #[expect(dead_code, reason = "the schema is derived from it")]
    url_from: SecretSpec,
    /// What it takes; left out, `generic`.
    #[schemars(rename = "as", extend("enum" = ["generic", "slack", "teams"]))]
    #[expect(dead_code, reason = "the schema is derived from it")]
    payload: Option<String>,
}

/// The webhooks as they are written.
#[derive(Debug, Clone)]
pub(super) struct NotifySpec(pub(super) Vec<Webhook>);

impl JsonSchema for NotifySpec {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Notify".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Vec::<WebhookSchema>::json_schema(generator)
    }
}

/// Reads `notify`.
pub(super) fn read(node: &Node<'_>, faults: &mut Faults) -> Option<NotifySpec> {
    let items = items(node, "a list of webhooks", faults)?;
    let webhooks = items.iter().filter_map(|item| webhook(item, faults));
    Some(NotifySpec(webhooks.collect()))
}

fn webhook(node: &Node<'_>, faults: &mut Faults) -> Option<Webhook> {
    let what = "a webhook";
    let mut fields = Fields::of(node, what, faults)?;
    let from = fields.need("urlFrom", what, faults);
    let from = from.and_then(|node| secret::read(node, "`urlFrom`", faults));
    let payload = match fields.take("as") {
        None => Some(Payload::default()),
        Some(node) => text(node, "text", faults).and_then(|said| {
            let payload = Payload::of(said);
            if payload.is_none() {
                let found =
                    format!("expected one of `generic`, `slack` and `teams`, found `{said}`");
                faults.tell("SW0203", node.span, found);
            }
            payload
        }),
    };
    fields.finish(what, faults);
    Some(Webhook {
        url_from: from?,
        payload: payload?,
    })
}

//! Where a secret is kept: `passwordFrom` and its like.
//!
//! Pure. What stands where a place is wanted may be the secret itself: it is not shown.

use std::path::PathBuf;

use schemars::JsonSchema;

use super::decode::{Faults, Fields, items, listed, one, text, wrong};
use super::location::PathText;
use super::tree::{Node, Value};

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretFrom {
    /// An environment variable.
    Env(String),
    /// A file, relative to the workspace: its first line.
    File(PathBuf),
    /// The first line that a program prints: the program and its arguments.
    Command(Vec<String>),
    /// The credential store of the operating system.
    Keyring {
        /// The service of the entry.
        service: String,
        /// The account of the entry.
        account: String,
    },
}

/// Where a secret comes from: exactly one of `env`, `file`, `command` and `keyring`.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    {"required": ["env"]}, {"required": ["file"]}, {"required": ["command"]}, {"required": ["keyring"]}
]))]
#[expect(dead_code, reason = "the schema is derived from it")]
struct SecretSchema {
    /// An environment variable.
    env: Option<String>,
    /// A file, relative to this file: its first line.
    file: Option<String>,
    /// A program with its arguments: the first line that it prints.
    command: Option<Vec<String>>,
    /// An entry in the credential store of the operating system.
    keyring: Option<KeyringSchema>,
}

/// An entry in the credential store of the operating system.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "the schema is derived from it")]
struct KeyringSchema {
    /// The service of the entry.
    service: PathText,
    /// The account of the entry.
    account: PathText,
}

/// The schema of where a secret comes from.
#[derive(Debug, Clone)]
pub(super) struct SecretSpec;

impl JsonSchema for SecretSpec {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SecretFrom".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        SecretSchema::json_schema(generator)
    }
}

/// Reads where a secret comes from; `what` is the field that says so.
pub(super) fn read(node: &Node<'_>, what: &str, faults: &mut Faults) -> Option<SecretFrom> {
    let known = ["env", "file", "command", "keyring"];
    let mut fields = match &node.value {
        Value::Scalar { .. } if !node.is_null() => {
            // Whatever stands here may be a secret: it is not shown.
            let fault = faults
                .make(
                    "SW0207",
                    node.span,
                    format!("expected one of the fields {}, found text", listed(&known)),
                )
                .hint("a workspace holds no secret, only where to get it")
                .secret();
            faults.push(fault);
            return None;
        }
        _ => Fields::of(node, what, faults)?,
    };
    let variable = fields.take("env");
    let file = fields.take("file");
    let command = fields.take("command");
    let keyring = fields.take("keyring");
    let count = [variable, file, command, keyring]
        .into_iter()
        .flatten()
        .count();
    if count != 1 {
        faults.tell(
            "SW0207",
            node.span,
            format!(
                "expected exactly one of {}, found {count} of them",
                listed(&known)
            ),
        );
    }
    fields.finish(what, faults);
    let spoken = |node, faults: &mut Faults| one::<PathText>(node, faults).map(|text| text.value.0);
    if let Some(node) = variable {
        return spoken(node, faults).map(SecretFrom::Env);
    }
    if let Some(node) = file {
        return spoken(node, faults).map(|path| SecretFrom::File(path.into()));
    }
    if let Some(node) = keyring {
        let mut fields = Fields::of(node, "`keyring`", faults)?;
        let mut text = |name: &'static str, faults: &mut Faults| {
            let node = fields.need(name, "`keyring`", faults)?;
            spoken(node, faults)
        };
        let service = text("service", faults);
        let account = text("account", faults);
        fields.finish("`keyring`", faults);
        return Some(SecretFrom::Keyring {
            service: service?,
            account: account?,
        });
    }
    let node = command?;
    let words = items(node, "a list: a program and its arguments", faults)?;
    if words.is_empty() {
        wrong(node, "a program", faults);
    }
    let words: Vec<String> = words
        .iter()
        .filter_map(|word| text(word, "text", faults).map(ToOwned::to_owned))
        .collect();
    Some(SecretFrom::Command(words))
}

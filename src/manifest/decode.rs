//! Values of a document → typed values, with everything that is wrong about them.
//!
//! Pure. Nothing here stops at a fault: a wrong value is reported and left out, and the rest is read.

use std::collections::HashMap;
use std::hash::Hash;
use std::str::FromStr;
use std::sync::Arc;

use schemars::JsonSchema;

use super::Diagnostic;
use super::tree::{Node, Span, Value};
pub(super) use crate::model::nearest;
use crate::model::{Declared, Guid, Name, Origin, Role, Subnet};

/// A value with its place in the file of its document.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Span,
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        T::json_schema(generator)
    }
}

impl<T> At<T> {
    /// The value with its origin in `file`.
    pub(super) fn declared(&self, file: &Arc<str>) -> Declared<T>
    where
        T: Clone,
    {
        Declared {
            value: self.value.clone(),
            origin: self.span.origin(file),
        }
    }
}

impl Span {
    /// The origin of this place in `file`.
    pub(super) fn origin(self, file: &Arc<str>) -> Origin {
        Origin {
            file: Arc::clone(file),
            line: self.line,
            column: self.column,
        }
    }
}

/// How many faults of one document are told.
const FAULTS_TOLD: usize = 100;

/// Collects the faults of one document.
pub(super) struct Faults {
    pub(super) file: Arc<str>,
    pub(super) list: Vec<Diagnostic>,
    /// Faults beyond those that are told.
    pub(super) more: usize,
}

impl Faults {
    pub(super) fn new(file: &Arc<str>) -> Self {
        Self {
            file: Arc::clone(file),
            list: Vec::new(),
            more: 0,
        }
    }

    pub(super) fn push(&mut self, fault: Diagnostic) {
        if self.list.len() < FAULTS_TOLD {
            self.list.push(fault);
        } else {
            self.more += 1;
        }
    }

    pub(super) fn make(&self, code: &'static str, span: Span, message: String) -> Diagnostic {
        Diagnostic::spanning(code, span.origin(&self.file), span.length, message)
    }

    pub(super) fn tell(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        let fault = self.make(code, span, message.into());
        self.push(fault);
    }

    pub(super) fn any(&self) -> bool {
        !self.list.is_empty()
    }
}

/// The first characters of a text, for messages.
pub(super) fn short(text: &str) -> String {
    let mut shown: String = text.chars().take(60).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// What a value is, for messages.
fn found(node: &Node<'_>) -> String {
    match &node.value {
        _ if node.is_null() => "nothing (null)".into(),
        Value::Scalar { text, .. } => format!("`{}`", short(text)),
        Value::List(_) => "a list".into(),
        Value::Map(_) => "fields".into(),
    }
}

/// Joins words as `a`, `b` or `c`.
pub(super) fn listed(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The fields of one map, taken one by one; what is left is unknown.
pub(super) struct Fields<'n, 'a> {
    entries: &'n [(Node<'a>, Node<'a>)],
    taken: Vec<bool>,
    known: Vec<&'static str>,
    pub(super) span: Span,
}

impl<'n, 'a> Fields<'n, 'a> {
    /// Expects fields; `what` says of what.
    pub(super) fn of(node: &'n Node<'a>, what: &str, faults: &mut Faults) -> Option<Self> {
        match &node.value {
            Value::Map(entries) => Some(Self {
                entries,
                taken: vec![false; entries.len()],
                known: Vec::new(),
                span: node.span,
            }),
            Value::Scalar { .. } | Value::List(_) => {
                wrong(node, &format!("the fields of {what}"), faults);
                None
            }
        }
    }

    /// Takes a field out, where it is written.
    pub(super) fn take(&mut self, name: &'static str) -> Option<&'n Node<'a>> {
        self.entry(name).map(|(_, value)| value)
    }

    /// Takes a field out with its key.
    pub(super) fn entry(&mut self, name: &'static str) -> Option<&'n (Node<'a>, Node<'a>)> {
        if !self.known.contains(&name) {
            self.known.push(name);
        }
        let position = self.entries.iter().position(
            |(key, _)| matches!(&key.value, Value::Scalar { text, .. } if text == name),
        )?;
        if let Some(taken) = self.taken.get_mut(position) {
            *taken = true;
        }
        self.entries.get(position)
    }

    /// Takes a field out that must be there.
    pub(super) fn need(
        &mut self,
        name: &'static str,
        what: &str,
        faults: &mut Faults,
    ) -> Option<&'n Node<'a>> {
        let value = self.take(name);
        if value.is_none() && !self.misspelt(name) {
            faults.tell(
                "SW0123",
                self.span,
                format!("expected field `{name}` in {what}, found none"),
            );
        }
        value
    }

    /// Whether a field is written that is nearest to `name`: then the unknown field is the only fault to tell.
    fn misspelt(&self, name: &'static str) -> bool {
        self.entries.iter().any(|(key, _)| match &key.value {
            Value::Scalar { text, .. } => nearest(text, &[name]).is_some(),
            Value::List(_) | Value::Map(_) => false,
        })
    }

    /// The keys that are written.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'n Node<'a>> {
        self.entries.iter().map(|(key, _)| key)
    }

    /// All entries, none of which is a fixed field.
    pub(super) fn free(&mut self) -> &'n [(Node<'a>, Node<'a>)] {
        self.taken.fill(true);
        self.entries
    }

    /// Takes a field out that belongs elsewhere and is not listed among the known ones.
    pub(super) fn stray(&mut self, name: &'static str) -> Option<&'n (Node<'a>, Node<'a>)> {
        let entry = self.entry(name);
        self.known.pop();
        entry
    }

    /// Says which fields are unknown.
    pub(super) fn finish(self, what: &str, faults: &mut Faults) {
        for ((key, _), taken) in self.entries.iter().zip(&self.taken) {
            if *taken {
                continue;
            }
            let Value::Scalar { text, .. } = &key.value else {
                continue;
            };
            let mut fault = faults.make(
                "SW0122",
                key.span,
                format!(
                    "expected one of the fields {} of {what}, found `{}`",
                    listed(&self.known),
                    short(text)
                ),
            );
            let missing: Vec<&str> = self.known.clone();
            if let Some(place) = belongs(text) {
                fault = fault.hint(place);
            } else if let Some(right) = nearest(text, &missing) {
                fault = fault.hint(format!("did you mean `{right}`?"));
            }
            faults.push(fault);
        }
    }
}

/// Where a field belongs that people look for elsewhere too.
fn belongs(field: &str) -> Option<&'static str> {
    match field {
        "formerly" => Some(
            "`formerly` stands in the `metadata` of a `Site` or `DeploymentSite`, beside `name`; nothing else is renamed",
        ),
        _ => None,
    }
}

/// Says that a value is of the wrong type, or null.
pub(super) fn wrong(node: &Node<'_>, expected: &str, faults: &mut Faults) {
    if node.is_null() {
        let mut fault = faults.make(
            "SW0125",
            node.span,
            format!("expected {expected}, found nothing (null)"),
        );
        // What identifies a thing, and what stands in a list, cannot be left out.
        if ["a list", "text", "`true`", "a number", "a regular"]
            .iter()
            .any(|optional| expected.starts_with(optional))
        {
            fault = fault.hint("leave the field out where it is not to be managed");
        }
        faults.push(fault);
    } else {
        let message = format!("expected {expected}, found {}", found(node));
        faults.tell("SW0124", node.span, message);
    }
}

/// Expects text; null and lists are none.
pub(super) fn text<'n>(node: &'n Node<'_>, expected: &str, faults: &mut Faults) -> Option<&'n str> {
    match &node.value {
        Value::Scalar { text, .. } if !node.is_null() => Some(text),
        Value::Scalar { .. } | Value::List(_) | Value::Map(_) => {
            wrong(node, expected, faults);
            None
        }
    }
}

/// A type that is written as one text.
pub(super) trait Written: Sized {
    /// What is expected, for messages.
    const EXPECTED: &'static str;
    /// The code of a text that is none.
    const CODE: &'static str;
    /// Reads it; the error says what was expected and found, and may have a hint.
    fn written(text: &str) -> Result<Self, (String, Option<String>)>;
}

impl Written for Name {
    const EXPECTED: &'static str = "a name";
    const CODE: &'static str = "SW0130";
    fn written(text: &str) -> Result<Self, (String, Option<String>)> {
        Self::declared(text).map_err(|error| (error.to_string(), None))
    }
}
impl Written for Subnet {
    const EXPECTED: &'static str = "a network such as 192.168.10.0/24";
    const CODE: &'static str = "SW0131";
    fn written(text: &str) -> Result<Self, (String, Option<String>)> {
        Self::from_str(text).map_err(|error| {
            let hint = match &error {
                crate::model::SubnetError::HostBits { network, .. } => {
                    Some(format!("write `{network}`"))
                }
                _ => None,
            };
            (error.to_string(), hint)
        })
    }
}
impl Written for Role {
    const EXPECTED: &'static str = "a role";
    const CODE: &'static str = "SW0132";
    fn written(text: &str) -> Result<Self, (String, Option<String>)> {
        Self::from_str(text).map_err(|_| {
            let known = Self::ALL.map(Self::as_str);
            let hint = nearest(text, &known).map(|right| format!("did you mean `{right}`?"));
            let message = format!(
                "expected one of the roles {}, found `{}`",
                listed(&known),
                short(text)
            );
            (message, hint)
        })
    }
}
impl Written for Guid {
    const EXPECTED: &'static str = "a GUID";
    const CODE: &'static str = "SW0133";
    fn written(text: &str) -> Result<Self, (String, Option<String>)> {
        Self::from_str(text).map_err(|error| (error.to_string(), None))
    }
}

/// Text of up to 4,000 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Description(pub(super) String);

impl JsonSchema for Description {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Description".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "maxLength": 4000 })
    }
}

impl Written for Description {
    const EXPECTED: &'static str = "text";
    const CODE: &'static str = "SW0137";
    fn written(text: &str) -> Result<Self, (String, Option<String>)> {
        let length = text.chars().count();
        if length > 4000 {
            return Err((
                format!("expected a description of at most 4,000 characters, found {length}"),
                None,
            ));
        }
        match text
            .chars()
            .find(|c| c.is_control() && !matches!(c, '\n' | '\t'))
        {
            Some(found) => Err((
                format!(
                    "expected a description without control characters, found U+{:04X}",
                    u32::from(found)
                ),
                None,
            )),
            None => Ok(Self(text.into())),
        }
    }
}

/// A regular expression as the SMP takes it, at most 4,000 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expression(pub(super) String);

impl JsonSchema for Expression {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Expression".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "maxLength": 4000 })
    }
}

impl Written for Expression {
    const EXPECTED: &'static str = "a regular expression";
    const CODE: &'static str = "SW0134";
    fn written(text: &str) -> Result<Self, (String, Option<String>)> {
        // Whether it compiles is a check (`invalid-subnets-regex`): the SMP's expressions are those of .NET.
        if text.len() <= 4000 {
            Ok(Self(text.into()))
        } else {
            Err((
                format!(
                    "expected a regular expression of at most 4,000 bytes, found {}",
                    text.len()
                ),
                None,
            ))
        }
    }
}

/// Reads a value that is written as one text.
pub(super) fn one<T: Written>(node: &Node<'_>, faults: &mut Faults) -> Option<At<T>> {
    let text = text(node, T::EXPECTED, faults)?;
    match T::written(text) {
        Ok(value) => Some(At {
            value,
            span: node.span,
        }),
        Err((message, hint)) => {
            let mut fault = faults.make(T::CODE, node.span, message);
            fault.hint = hint;
            faults.push(fault);
            None
        }
    }
}

/// Expects a list.
pub(super) fn items<'n, 'a>(
    node: &'n Node<'a>,
    expected: &str,
    faults: &mut Faults,
) -> Option<&'n [Node<'a>]> {
    match &node.value {
        Value::List(items) => Some(items),
        Value::Scalar { .. } | Value::Map(_) => {
            wrong(node, expected, faults);
            None
        }
    }
}

/// Reads a list of texts, each of which may be there once.
pub(super) fn set<T: Written + Eq + Hash + Clone>(
    node: &Node<'_>,
    what: &str,
    faults: &mut Faults,
) -> Option<Vec<At<T>>> {
    let items = items(node, &format!("a list of {what}"), faults)?;
    let values: Vec<At<T>> = items.iter().filter_map(|item| one(item, faults)).collect();
    once(&values, what, faults, T::clone);
    Some(values)
}

/// Says which values of a list are there twice, by a key.
pub(super) fn once<T, K: Eq + Hash>(
    values: &[At<T>],
    what: &str,
    faults: &mut Faults,
    key: impl Fn(&T) -> K,
) {
    let mut first: HashMap<K, Span> = HashMap::with_capacity(values.len());
    for value in values {
        if let Some(before) = first.insert(key(&value.value), value.span) {
            let fault = faults
                .make(
                    "SW0138",
                    value.span,
                    format!("expected each of the {what} once, found this one twice"),
                )
                .and(before.origin(&faults.file), "first here");
            faults.push(fault);
            first.insert(key(&value.value), before);
        }
    }
}

/// Reads true or false.
pub(super) fn boolean(node: &Node<'_>, faults: &mut Faults) -> Option<At<bool>> {
    let expected = "`true` or `false`";
    let Value::Scalar { text, plain } = &node.value else {
        wrong(node, expected, faults);
        return None;
    };
    if node.is_null() {
        wrong(node, expected, faults);
        return None;
    }
    let value = match (text.as_ref(), plain) {
        ("true" | "True" | "TRUE", true) => Some(true),
        ("false" | "False" | "FALSE", true) => Some(false),
        _ => None,
    };
    if let Some(value) = value {
        return Some(At {
            value,
            span: node.span,
        });
    }
    let meant = match text.to_lowercase().as_str() {
        "yes" | "on" | "y" | "true" => Some("true"),
        "no" | "off" | "n" | "false" => Some("false"),
        _ => None,
    };
    let mut fault = faults.make(
        "SW0135",
        node.span,
        format!("expected {expected}, found `{}`", short(text)),
    );
    if let Some(meant) = meant {
        fault = fault.hint(if *plain {
            format!("`{text}` was a boolean in YAML 1.1 and is text in YAML 1.2: write `{meant}`")
        } else {
            format!("in quotes it is text: write `{meant}` without quotes")
        });
    }
    faults.push(fault);
    None
}

/// Reads a whole number within bounds.
pub(super) fn number(
    node: &Node<'_>,
    bounds: std::ops::RangeInclusive<u32>,
    faults: &mut Faults,
) -> Option<At<u32>> {
    let expected = format!("a number from {} to {}", bounds.start(), bounds.end());
    let Value::Scalar { text, plain } = &node.value else {
        wrong(node, &expected, faults);
        return None;
    };
    if node.is_null() {
        wrong(node, &expected, faults);
        return None;
    }
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let decimal = digits && (text.len() == 1 || !text.starts_with('0'));
    let value = text.parse::<u32>().ok().filter(|_| decimal && *plain);
    if let Some(value) = value.filter(|value| bounds.contains(value)) {
        return Some(At {
            value,
            span: node.span,
        });
    }
    let mut fault = faults.make(
        "SW0136",
        node.span,
        format!("expected {expected}, found `{}`", short(text)),
    );
    let begins = text.starts_with(|c: char| c.is_ascii_digit());
    if decimal && !plain {
        fault = fault.hint("in quotes it is text: write it without quotes");
    } else if !decimal && begins {
        fault = fault.hint(
            "only decimal digits make a number here: octal and hexadecimal numbers, `_` between digits and `:` are read in different ways by different programs",
        );
    }
    faults.push(fault);
    None
}

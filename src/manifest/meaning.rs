//! A text → what it says, without where and in which order of fields it says it.
//!
//! Pure. Two texts with one meaning declare the same, have the same comments, and call the same findings fine. Whoever
//! rewrites a file compares the two before a byte is written.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::allow::{Carried, Comment};
use super::decode::Faults;
use super::scan::Scan;
use super::split::split;
use super::tree::{self, Node, Value};
use super::{Diagnostic, Source};

/// What a text says: its documents in any order, fields in any order, lists in theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meaning {
    documents: Vec<Meant>,
    /// The comments, in any order.
    comments: Vec<String>,
}

/// What a document says, and what its comments call fine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Meant {
    value: Said,
    allowed: Vec<Fine>,
}

/// A comment that calls something fine: the check, the reason, and the values that it covers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Fine {
    check: String,
    reason: String,
    covered: Vec<String>,
}

/// A value without its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    Scalar { text: String, plain: bool },
    List(Vec<Said>),
    Map(BTreeMap<String, Said>),
}

/// Says what a text means; documents without a value are left out.
///
/// Guarantees: pure. What is wrong with values is no concern here; what is no YAML is an error.
pub fn meaning(source: &Source) -> Result<Meaning, Vec<Diagnostic>> {
    let text = source.text.strip_prefix('\u{FEFF}').unwrap_or(&source.text);
    let mut documents = Vec::new();
    let mut faults = Vec::new();
    let mut carried = Carried::default();
    for part in split(text) {
        let told = faults.len();
        match tree::parse(&source.name, part, &mut faults) {
            Ok(Some(root)) if faults.len() == told => {
                let mut ignored = Faults::new(&Arc::clone(&source.name));
                let comments = carried.read(part, &mut ignored);
                documents.push(Meant {
                    value: said(&root),
                    allowed: fine(comments, &root),
                });
            }
            Ok(_) => carried.forget(),
            Err(fault) => faults.push(*fault),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    documents.sort();
    let scan = Scan::of(&source.text).unwrap_or_default();
    let mut comments: Vec<String> = scan
        .comments
        .iter()
        .filter_map(|range| source.text.get(range.clone()))
        .map(|comment| comment.trim_end().to_owned())
        .collect();
    comments.sort();
    Ok(Meaning {
        documents,
        comments,
    })
}

fn said(node: &Node<'_>) -> Said {
    match &node.value {
        Value::Scalar { text, plain } => Said::Scalar {
            text: text.to_string(),
            plain: *plain,
        },
        Value::List(items) => Said::List(items.iter().map(said).collect()),
        Value::Map(fields) => Said::Map(
            fields
                .iter()
                .map(|(key, value)| (name(key), said(value)))
                .collect(),
        ),
    }
}

fn name(key: &Node<'_>) -> String {
    match &key.value {
        Value::Scalar { text, .. } => text.to_string(),
        Value::List(_) | Value::Map(_) => String::new(),
    }
}

fn fine(comments: Vec<Comment>, root: &Node<'_>) -> Vec<Fine> {
    let mut allowed: Vec<Fine> = comments
        .into_iter()
        .map(|Comment { allowed, id: _ }| {
            let mut covered = Vec::new();
            leaves(root, "", allowed.lines, &mut covered);
            covered.sort();
            Fine {
                check: allowed.check,
                reason: allowed.reason,
                covered,
            }
        })
        .collect();
    allowed.sort();
    allowed
}

/// The values that stand in the lines, each with its path.
fn leaves(node: &Node<'_>, path: &str, lines: (u32, u32), found: &mut Vec<String>) {
    match &node.value {
        Value::Scalar { text, .. } => {
            if (lines.0..=lines.1).contains(&node.span.line) {
                found.push(format!("{path}={text}"));
            }
        }
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                leaves(item, &format!("{path}/{index}"), lines, found);
            }
        }
        Value::Map(fields) => {
            for (key, value) in fields {
                leaves(value, &format!("{path}/{}", name(key)), lines, found);
            }
        }
    }
}

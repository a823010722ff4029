//! What is told of drift: what the world changed since our last run, apart from what is declared and not applied.
//!
//! Pure. This is the one place that says so: [`Drift`] knows which is which, here it is put into the words of the loop.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::drift::{Change, Drift, Flapping, Standing};
use crate::plan::{Changed, ObjectChange};

/// What differs: a field that the world changed, or an object that is declared otherwise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Differing {
    /// `Site`, `Subnet`, `SiteServer`, `Package` or `PlatformSettings`.
    pub kind: String,
    /// The name of the object.
    pub name: String,
    /// What it is known by: `Subnet/10.0.0.0/24:site` for a field, `Subnet/10.0.0.0/24` for an object.
    pub key: String,
}

impl fmt::Display for Differing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind: _, // in the key
            name: _, // in the key
            key,
        } = self;
        f.write_str(key)
    }
}

/// Everything that differs, by why it does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// What the world changed and nobody called fine, each with how it differs.
    pub drift: BTreeMap<Differing, String>,
    /// What the world changed and somebody called fine until a day, each with the word.
    pub acknowledged: BTreeMap<Differing, String>,
    /// What of either comes back whatever we do.
    pub flapping: BTreeSet<Differing>,
    /// What is declared otherwise and not applied, each with how it differs.
    pub pending: BTreeMap<Differing, String>,
    /// Whether no run of ours is on record, so that what the world changed is among what is pending.
    pub untold: bool,
}

/// Puts drift into words.
#[must_use]
pub fn differences(drift: &Drift) -> Differences {
    let mut all = Differences {
        untold: drift.since.is_none(),
        ..Differences::default()
    };
    for change in &drift.changes {
        if change.standing == Standing::Agreed {
            continue;
        }
        let key = Differing {
            kind: change.kind.clone(),
            name: change.name.clone(),
            key: change.key.clone(),
        };
        let flapping = drift.flapping.iter().find(|one| one.key == change.key);
        if flapping.is_some() {
            all.flapping.insert(key.clone());
        }
        match &change.acknowledged {
            Some(word) => {
                let word = format!("until {} by {}: {}", word.until, word.by, word.reason);
                all.acknowledged.insert(key, word);
            }
            None => {
                all.drift.insert(key, how(change, flapping));
            }
        }
    }
    for object in &drift.pending {
        let key = Differing {
            kind: object.kind.clone(),
            name: object.name.clone(),
            key: format!("{}/{}", object.kind, object.name),
        };
        all.pending.insert(key, differs(object));
    }
    all
}

fn said(value: Option<&String>) -> &str {
    value.map_or("(none)", String::as_str)
}

/// `HQ -> Lab, declared otherwise; …`.
fn how(change: &Change, flapping: Option<&Flapping>) -> String {
    let standing = match change.standing {
        Standing::Undo | Standing::Agreed => "declared otherwise",
        Standing::Undeclared => "not declared",
    };
    let (before, after) = (said(change.before.as_ref()), said(change.after.as_ref()));
    let mut parts = vec![format!("{before} -> {after}, {standing}")];
    if let Some(flapping) = flapping {
        parts.push(format!(
            "flapping: it came back after it was taken back {} times",
            flapping.undone
        ));
    }
    parts.extend(
        change
            .cause
            .as_ref()
            .map(|cause| format!("possible cause: {cause}")),
    );
    if let Some(lapsed) = &change.lapsed {
        let why = if lapsed.expired {
            "its day is over"
        } else {
            "the value is another one"
        };
        parts.push(format!("no longer acknowledged, {why}"));
    }
    parts.join("; ")
}

/// `update: site: (none) -> HQ; …`, in the order of the plan.
fn differs(change: &ObjectChange) -> String {
    let what = match change.change {
        Changed::Create => "create",
        Changed::Update => "update",
        Changed::Delete => "delete",
        Changed::Adopt => "adopt",
        Changed::Release => "release",
    };
    let fields: Vec<String> = change
        .fields
        .iter()
        .map(|field| {
            let (before, after) = (said(field.before.as_ref()), said(field.after.as_ref()));
            format!("{}: {before} -> {after}", field.name)
        })
        .collect();
    if fields.is_empty() {
        what.to_owned()
    } else {
        format!("{what}: {}", fields.join("; "))
    }
}

//! What of a plan is told as drift: the objects that it would change.
//!
//! Pure. This is the one place that says so; whatever tells what the world changed from what the declaration changed
//! takes the place of [`drift`].

use std::collections::BTreeMap;
use std::fmt;

use crate::plan::{Changed, ObjectChange, Plan};

/// An object as the plan names it: `Subnet/10.0.0.0/24`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Drifted {
    /// `Site`, `Subnet`, `SiteServer`, `Package` or `PlatformSettings`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Drifted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name } = self;
        write!(f, "{kind}/{name}")
    }
}

/// The objects that are not as they are declared, each with how they differ. What only becomes ours, or is ours no longer,
/// is as it should be.
#[must_use]
pub fn drift(plan: &Plan) -> BTreeMap<Drifted, String> {
    plan.changes
        .iter()
        .filter(|change| !matches!(change.change, Changed::Adopt | Changed::Release))
        .map(|change| {
            let key = Drifted {
                kind: change.kind.clone(),
                name: change.name.clone(),
            };
            (key, differs(change))
        })
        .collect()
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
            let said = |value: &Option<String>| value.clone().unwrap_or_else(|| "(none)".into());
            format!(
                "{}: {} -> {}",
                field.name,
                said(&field.before),
                said(&field.after)
            )
        })
        .collect();
    if fields.is_empty() {
        what.to_owned()
    } else {
        format!("{what}: {}", fields.join("; "))
    }
}

//! Former names of sites: each means one declaration, and nothing that is declared today.
//!
//! Pure.

use std::collections::BTreeMap;

use super::Diagnostic;
use crate::model::{Declared, DesiredSite, Name};

/// Says which former names are taken, each with both places.
pub(super) fn check(sites: &BTreeMap<Name, DesiredSite>, faults: &mut Vec<Diagnostic>) {
    let mut first: BTreeMap<&Name, &Declared<Name>> = BTreeMap::new();
    for former in sites.values().flat_map(|site| &site.formerly) {
        let Declared {
            value: name,
            origin,
        } = former;
        let (message, there) = if let Some(today) = sites.get(name) {
            (
                format!("expected former names that no site has today, found `{name}`"),
                today.origin.clone(),
            )
        } else if let Some(other) = first.insert(name, former) {
            (
                format!("expected former name `{name}` of one site, found it of another"),
                other.origin.clone(),
            )
        } else {
            continue;
        };
        faults.push(
            Diagnostic::at("SW0149", origin.clone(), message)
                .and(there, format!("`{name}` here"))
                .hint("take it out of `formerly`, or the declaration of that name out"),
        );
    }
}

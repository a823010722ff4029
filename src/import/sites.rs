//! Rows → sites with their subnets; what contradicts itself is told with both lines.
//!
//! Pure.

use std::collections::BTreeMap;

use super::Row;
use crate::manifest::Diagnostic;
use crate::model::{Name, Subnet};

/// One site of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Site {
    /// Its name, in the spelling that sorts first.
    pub(super) name: Name,
    /// Its subnets, each with what the table says of it.
    pub(super) subnets: BTreeMap<Subnet, String>,
}

/// Gathers the sites by name. Spellings that differ in case only are one site, as they are to the SMP.
pub(super) fn gather(rows: &[Row], faults: &mut Vec<Diagnostic>) -> Vec<Site> {
    let mut first: BTreeMap<Subnet, &Row> = BTreeMap::new();
    let mut sites: BTreeMap<&Name, Site> = BTreeMap::new();
    for row in rows {
        let Row {
            subnet,
            site,
            description,
            origin: _, // told by `twice`
        } = row;
        if let Some(before) = first.get(subnet) {
            faults.push(twice(before, row));
            continue;
        }
        first.insert(*subnet, row);
        let gathered = sites.entry(site).or_insert_with(|| Site {
            name: site.clone(),
            subnets: BTreeMap::new(),
        });
        if site.as_str() < gathered.name.as_str() {
            gathered.name = site.clone();
        }
        gathered.subnets.insert(*subnet, description.clone());
    }
    sites.into_values().collect()
}

fn twice(before: &Row, row: &Row) -> Diagnostic {
    let subnet = row.subnet;
    let (code, message) = if before.site != row.site {
        (
            "SW0957",
            format!("expected `{subnet}` in one site, found it in two"),
        )
    } else if before.description == row.description {
        (
            "SW0958",
            format!("expected `{subnet}` once, found it twice"),
        )
    } else {
        (
            "SW0959",
            format!("expected one description of `{subnet}`, found two"),
        )
    };
    let said = |row: &Row| match code {
        "SW0957" => format!("in {} here", row.site),
        "SW0959" if row.description.is_empty() => "none here".to_owned(),
        "SW0959" => format!(
            "\"{}\" here",
            row.description.replace(char::is_control, " ")
        ),
        _ => String::new(),
    };
    let first = if code == "SW0958" {
        "first here".to_owned()
    } else {
        said(before)
    };
    // A subnet is read in one spelling only.
    let length = u32::try_from(subnet.to_string().len()).unwrap_or(0);
    Diagnostic::spanning(code, row.origin.clone(), length, message)
        .saying(said(row))
        .and(before.origin.clone(), first)
}

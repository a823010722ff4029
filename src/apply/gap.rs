//! What a server shows instead of what it was asked for: the field, what was expected, what was found, in words.
//!
//! Pure. Asked only once a write was taken and does not read back.

use std::collections::BTreeSet;

use super::judge::{Drifted, in_guids, with_created};
use crate::model::{Action, Guid, Name, SiteRef};
use crate::observe::{Bindings, Seen};

/// Says what of a step's object is not as the step wants it.
#[expect(
    clippy::too_many_lines,
    reason = "one arm for each action, read as a table"
)]
pub(super) fn gap(action: &Action, seen: &Seen, bindings: &Bindings) -> Drifted {
    let told = |object: String, expected: String, found: String| Drifted {
        object,
        expected,
        found,
    };
    let there = |is: bool| if is { "it there" } else { "it gone" }.to_owned();
    match (action, seen) {
        (Action::CreateSite { name, .. }, Seen::Sites(found)) => told(
            format!("site `{name}`"),
            there(true),
            match found.len() {
                0 => "no site of that name".into(),
                1 => there(true),
                several => format!("{several} sites of that name"),
            },
        ),
        (Action::RenameSite { site, before }, Seen::Called { after, .. }) => told(
            format!("the name of site `{before}`"),
            format!("`{}`", site.name),
            match after {
                Some(guid) if Some(*guid) == bindings.site(site) => format!("`{}`", site.name),
                Some(other) => format!("another site of that name, `{other}`"),
                None => "no site of that name".into(),
            },
        ),
        (Action::DescribeSite { site, after, .. }, Seen::Description(found)) => told(
            format!("the description of site `{}`", site.name),
            format!("`{after}`"),
            found
                .as_ref()
                .map_or_else(|| "no such site".into(), |text| format!("`{text}`")),
        ),
        (Action::DeleteSite { site }, Seen::Exists(is)) => {
            told(format!("site `{}`", site.name), there(false), there(*is))
        }
        (
            Action::CreateSubnet { subnet, site } | Action::AssignSubnet { subnet, site, .. },
            Seen::Subnets(found),
        ) => {
            let before = match action {
                Action::AssignSubnet { before, .. } => before.as_slice(),
                _ => &[],
            };
            let names: Vec<&SiteRef> = before.iter().chain([site]).collect();
            told(
                format!("the site of subnet `{subnet}`"),
                format!("`{}` alone", site.name),
                match found.first() {
                    None => "no such subnet".into(),
                    Some((_, sites)) => sites_of(sites, &names, bindings),
                },
            )
        }
        (Action::UnassignSubnet { subnet, before, .. }, Seen::Subnets(found)) => {
            let names: Vec<&SiteRef> = before.iter().collect();
            let sites = found.first().map(|(_, sites)| sites.clone());
            told(
                format!("the site of subnet `{subnet}`"),
                "none".into(),
                sites_of(&sites.unwrap_or_default(), &names, bindings),
            )
        }
        (Action::DeleteSubnet { subnet, .. }, Seen::Subnets(found)) => told(
            format!("subnet `{subnet}`"),
            there(false),
            there(!found.is_empty()),
        ),
        (
            Action::AssignServer { server, site } | Action::UnassignServer { server, site },
            Seen::ManualServers(present),
        ) => {
            let among = |is: bool| {
                let not = if is { "" } else { "not " };
                format!("`{}` {not}among them", server.name)
            };
            told(
                format!("the list of servers assigned to site `{}`", site.name),
                among(matches!(action, Action::AssignServer { .. })),
                among(present.contains(&server.guid)),
            )
        }
        (
            Action::AssignPackage {
                package,
                after,
                created_sites,
                ..
            },
            Seen::Assignment(found),
        ) => told(
            format!("the assignment of package `{}`", package.name),
            in_guids(&with_created(after, created_sites, bindings)),
            in_guids(found),
        ),
        (Action::Constrain { site, on }, Seen::Constrained(is)) => {
            let switch = |on: bool| if on { "on" } else { "off" }.to_owned();
            told(
                format!("Constrain to Site of site `{}`", site.name),
                switch(*on),
                switch(*is),
            )
        }
        (Action::SetCaptureTarget { server, .. }, Seen::CaptureTarget(found)) => told(
            "the default target of captured images".into(),
            format!("`{}`", server.name),
            found.map_or_else(|| "none".into(), |found| format!("`{found}`")),
        ),
        // Nothing else is written and read back.
        _ => told(
            "what the step is about".into(),
            "it as the plan has it".into(),
            "something else".into(),
        ),
    }
}

/// Sites by their names, where the step knows them.
fn sites_of(sites: &BTreeSet<Guid>, names: &[&SiteRef], bindings: &Bindings) -> String {
    if sites.is_empty() {
        return "none".into();
    }
    let name = |guid: &Guid| -> Option<&Name> {
        let known = names.iter().find(|site| bindings.site(site) == Some(*guid));
        known.map(|site| &site.name)
    };
    let list: Vec<String> = sites
        .iter()
        .map(|guid| name(guid).map_or_else(|| format!("`{guid}`"), |name| format!("`{name}`")))
        .collect();
    list.join(" and ")
}

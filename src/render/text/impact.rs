//! What a plan means for client addresses: a row for all that changes in the same way, the most clients first.
//!
//! Pure. Servers are shown by host name where that tells them apart; JSON has full names and every address.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Name;
use crate::render::layout::{Page, Paint, and, count, some};
use crate::select::{
    Extent, Impact, NamedReading, Outcome, PackageLost, RoleShift, Shift, Stranded,
};

/// How many rows are shown where not everything is asked for.
const ROWS: usize = 20;
/// How many spans of addresses, and how many servers, a row names.
const SPANS: usize = 3;
const SERVERS: usize = 5;

/// Writes the impact of a plan under a heading, where there is any.
pub(in crate::render) fn write(page: &mut Page, impact: &Impact) {
    if is_shown(page, impact) {
        page.heading("Impact");
        rows(page, impact);
    }
}

/// Whether there is anything to show.
fn is_shown(page: &Page, impact: &Impact) -> bool {
    impact.shifts.iter().any(|shift| is_row(page, shift)) || !impact.packages_lost.is_empty()
}

/// A subnet is known where a computer has reported from: where none is, nobody is.
fn is_row(page: &Page, shift: &Shift) -> bool {
    shift.known || shift.clients.is_some_and(|n| n > 0) || page.full()
}

/// Writes the impact of a plan, where there is any.
pub(super) fn rows(page: &mut Page, impact: &Impact) {
    if !is_shown(page, impact) {
        return;
    }
    let Impact {
        outcomes,
        shifts,
        known_clients,
        determined,
        undetermined,
        rehomed: _, // the rows say where to
        stranded,
        packages_lost,
    } = impact;
    let hosts = Hosts::of(outcomes);
    let mut rows: Vec<&Shift> = shifts.iter().filter(|shift| is_row(page, shift)).collect();
    rows.sort_by_key(|shift| {
        let weight = |number: u64| u64::MAX - number;
        (
            !shift.known,
            weight(shift.clients.unwrap_or(0)),
            weight(shift.addresses),
        )
    });
    let shown = if page.full() { rows.len() } else { ROWS };
    for shift in rows.iter().take(shown) {
        row(page, shift, outcomes, &hosts);
    }
    if let Some(more) = rows.len().checked_sub(shown).filter(|more| *more > 0) {
        page.para(
            2,
            &format!("and {} more; -v lists them all", count(more, "change")),
        );
    }
    let turned = |extent: &Extent| (extent.addresses > 0).then(|| amount(extent));
    if let Some(amount) = turned(determined) {
        page.para(2, &format!("Certain from now on: {amount}."));
    }
    if let Some(amount) = turned(undetermined) {
        page.para(2, &format!("No longer certain: {amount}."));
    }
    let Stranded {
        extent,
        spans,
        examples: _, // the note that blocks names them
    } = stranded;
    if extent.addresses > 0 {
        let spans = some(spans.iter().map(ToString::to_string).collect(), SPANS);
        page.para(
            2,
            &format!(
                "Stranded by some reading of the sources: {spans} ({}).",
                amount(extent)
            ),
        );
    }
    for PackageLost { site, package } in packages_lost {
        page.para(
            2,
            &format!("No server of `{site}` holds `{package}` any longer."),
        );
    }
    if known_clients.is_none() {
        page.para(2, "Clients could not be read, so they are not counted.");
    }
}

/// `256 addresses, 20 clients`.
pub(super) fn amount(extent: &Extent) -> String {
    let Extent { addresses, clients } = *extent;
    let addresses = plural(addresses, "address", "addresses");
    match clients {
        Some(clients) => format!("{addresses}, {}", plural(clients, "client", "clients")),
        None => addresses,
    }
}

fn plural(amount: u64, one: &str, many: &str) -> String {
    let number = count(usize::try_from(amount).unwrap_or(usize::MAX), "");
    let digits = number.split(' ').next().unwrap_or_default();
    format!("{digits} {}", if amount == 1 { one } else { many })
}

fn row(page: &mut Page, shift: &Shift, outcomes: &[Outcome], hosts: &Hosts) {
    let Shift {
        spans,
        known,
        addresses,
        clients,
        roles,
    } = shift;
    let title = if *known {
        let spans = some(spans.iter().map(ToString::to_string).collect(), SPANS);
        let extent = Extent {
            addresses: *addresses,
            clients: *clients,
        };
        format!("{spans} ({})", amount(&extent))
    } else {
        // They are almost all there are, and nobody asked for their number.
        match clients {
            Some(clients) if *clients > 0 => format!(
                "addresses in no known subnet ({})",
                plural(*clients, "client", "clients")
            ),
            _ => "addresses in no known subnet".to_owned(),
        }
    };
    page.item(2, Paint::Changed, "~", &title, 4);
    for RoleShift {
        role,
        before,
        after,
    } in roles
    {
        let phrase = |number: &usize| {
            outcomes
                .get(*number)
                .map_or_else(String::new, |outcome| phrase(outcome, hosts))
        };
        let text = format!("{} -> {}", phrase(before), phrase(after));
        page.item(6, Paint::Plain, &format!("{role}:"), &text, 8);
        if !page.full() {
            continue;
        }
        for number in [before, after] {
            for NamedReading {
                source,
                servers,
                denies: _, // the source says it
            } in outcomes
                .get(*number)
                .iter()
                .flat_map(|outcome| &outcome.readings)
            {
                let servers = hosts.list(servers);
                page.item(8, Paint::Plain, "-", &format!("{servers}: {source}"), 10);
            }
        }
    }
}

/// `random of DEPLOY01, SITE01 and SMP01`.
fn phrase(outcome: &Outcome, hosts: &Hosts) -> String {
    let Outcome {
        choice,
        servers,
        readings,
    } = outcome;
    match choice.as_str() {
        "none" => "nobody".to_owned(),
        "agent" => format!("the agent's choice of {}", hosts.list(servers)),
        "indeterminate" => {
            let mut ways: Vec<String> = Vec::new();
            for NamedReading {
                source: _, // for those who want to know more
                servers,
                denies: _,
            } in readings
            {
                let way = hosts.list(servers);
                if !ways.contains(&way) {
                    ways.push(way);
                }
            }
            format!("not certain: {}", ways.join("; or "))
        }
        choice => format!(
            "{choice} {}{}",
            if servers.len() > 1 { "of " } else { "" },
            hosts.list(servers)
        ),
    }
}

/// Names of servers as they are shown.
pub(in crate::render) struct Hosts(BTreeMap<Name, String>);

impl Hosts {
    fn of(outcomes: &[Outcome]) -> Self {
        Self::of_names(outcomes.iter().flat_map(|outcome| &outcome.servers))
    }

    /// Host names where they tell these names apart, else names in full.
    pub(in crate::render) fn of_names<'n>(names: impl Iterator<Item = &'n Name>) -> Self {
        let names: BTreeSet<&Name> = names.collect();
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        for name in &names {
            *times.entry(name.host().to_lowercase()).or_default() += 1;
        }
        Self(
            names
                .into_iter()
                .map(|name| {
                    let alone = times.get(&name.host().to_lowercase()) == Some(&1);
                    let shown = if alone { name.host() } else { name.as_str() };
                    (name.clone(), shown.to_owned())
                })
                .collect(),
        )
    }

    /// A server as it is shown.
    pub(in crate::render) fn one<'n>(&'n self, name: &'n Name) -> &'n str {
        self.0.get(name).map_or(name.as_str(), String::as_str)
    }

    fn list(&self, servers: &[Name]) -> String {
        if servers.is_empty() {
            return "nobody".to_owned();
        }
        let names: Vec<String> = servers
            .iter()
            .map(|name| self.one(name).to_owned())
            .collect();
        if names.len() > SERVERS + 1 {
            some(names, SERVERS)
        } else {
            and(&names)
        }
    }
}

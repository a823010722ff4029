//! Whom a site server serves, and who is left alone without it.
//!
//! Pure.

use std::net::Ipv4Addr;

use super::explain::{paint, reason, role_label, verdict};
use crate::explain::{
    Affected, Clients, Held, Loss, Membership, Own, Pick, Registrations, Serving, Span, Spans, Use,
};
use crate::model::{Role, Subnet};
use crate::render::layout::{Page, Paint, Style, and, count, number, some};

/// Ranges, clients and packages that are named before the others are only counted.
const NAMED: usize = 4;

/// How many addresses there are.
const EVERY: u64 = 1 << 32;

/// Renders what is known of a server.
#[must_use]
pub fn serving(serving: &Serving, style: &Style) -> String {
    let Serving {
        server,
        world: _, // the same words in both
        roles,
        answering,
        addresses,
        sites,
        serves,
        down,
        registrations,
        packages,
        clients_without_address,
        clients_unknown,
    } = serving;
    let mut page = Page::new(style);
    let roles = match roles.as_deref() {
        None => "its roles are not readable".into(),
        Some([]) => "it is no site server".into(),
        Some(roles) => and(&roles
            .iter()
            .map(|role| role.service().to_lowercase())
            .collect::<Vec<_>>()),
    };
    let state = match answering {
        Some(false) => "; it is down",
        Some(true) | None => "",
    };
    page.item(
        0,
        Paint::Heading,
        &format!("{server}:"),
        &format!("{roles}{state}."),
        2,
    );
    page.heading("If it goes down");
    for (roles, affected) in alike(down.iter().map(|(role, loss)| (role, told(loss)))) {
        if affected.is_empty() {
            page.item(2, Paint::Plain, &format!("{roles}:"), "nobody uses it", 4);
            continue;
        }
        page.item(2, Paint::Plain, &roles, "", 4);
        for one in affected {
            without_it(&mut page, one);
        }
    }
    page.heading("Whom it serves");
    for (roles, uses) in alike(serves.iter()) {
        if uses.is_empty() {
            page.item(2, Paint::Plain, &format!("{roles}:"), "nobody", 4);
            continue;
        }
        page.item(2, Paint::Plain, &roles, "", 4);
        for one in uses {
            with_it(&mut page, one);
        }
    }
    if let Some(reason) = clients_unknown {
        page.item(
            2,
            Paint::Plain,
            "clients:",
            &format!("not known: {reason}"),
            4,
        );
    }
    if let Some(unplaced) = clients_without_address.filter(|unplaced| *unplaced > 0) {
        let text = format!(
            "{} not counted: no known address",
            count(unplaced, "client")
        );
        page.item(2, Paint::Plain, "clients:", &text, 4);
    }
    memberships(&mut page, sites, addresses.as_deref());
    page.heading("Registrations");
    registered(&mut page, registrations);
    page.heading("Packages");
    held(&mut page, packages.as_deref());
    page.finish()
}

fn memberships(page: &mut Page, sites: &[Membership], addresses: Option<&[Ipv4Addr]>) {
    page.heading("Sites");
    if sites.is_empty() {
        let at = addresses.map_or_else(
            || "its addresses are not readable".into(),
            |addresses| {
                let list = addresses.iter().map(ToString::to_string).collect();
                format!("its own address is {}", some(list, NAMED))
            },
        );
        page.item(2, Paint::Plain, "none:", &at, 4);
    }
    for Membership {
        site,
        automatic,
        manual,
    } in sites
    {
        let mut how: Vec<String> = automatic
            .iter()
            .map(|Own { address, subnet }| format!("by its own address {address} in {subnet}"))
            .collect();
        if *manual {
            how.push("by hand".into());
        }
        page.item(2, Paint::Plain, &format!("{site}:"), &and(&how), 4);
    }
}

/// Roles of which the same is to be said, with that.
fn alike<T: PartialEq>(roles: impl Iterator<Item = (Role, T)>) -> Vec<(String, T)> {
    let mut groups: Vec<(Vec<String>, T)> = Vec::new();
    for (role, said) in roles {
        let label = role_label(role).to_owned();
        match groups.iter_mut().find(|(_, known)| *known == said) {
            Some((labels, _)) => labels.push(label),
            None => groups.push((vec![label], said)),
        }
    }
    groups
        .into_iter()
        .map(|(labels, said)| (and(&labels), said))
        .collect()
}

fn told(loss: &Loss) -> &[Affected] {
    let Loss {
        stranded_addresses: _, // told group by group
        stranded_clients: _,
        affected,
    } = loss;
    affected
}

fn with_it(page: &mut Page, one: &Use) {
    let Use {
        outcome,
        spans,
        clients,
    } = one;
    let text = verdict(outcome, page.full());
    let many = how_many(spans, clients.as_ref());
    page.item(4, paint(outcome.choice), &format!("{many}:"), &text, 6);
    where_and_who(page, spans, clients.as_ref());
}

fn without_it(page: &mut Page, one: &Affected) {
    let Affected {
        instead,
        stranded,
        spans,
        clients,
    } = one;
    let many = how_many(spans, clients.as_ref());
    let next = verdict(instead, page.full());
    let (paint, text) = match (stranded, instead.choice) {
        (true, Pick::None) => (Paint::Error, "left without a server".into()),
        (true, _) => (
            Paint::Error,
            format!("may be left without a server: {next}"),
        ),
        (false, Pick::None) => (
            Paint::Plain,
            "then none; they are not certain of one now".into(),
        ),
        (false, _) => (Paint::Plain, format!("then {next}")),
    };
    page.item(4, paint, &format!("{many}:"), &text, 6);
    where_and_who(page, spans, clients.as_ref());
    if *stranded {
        reason(page, 6, "why:", instead);
    }
}

/// `257 addresses and 20 clients`.
fn how_many(spans: &Spans, clients: Option<&Clients>) -> String {
    let addresses = match spans.addresses {
        EVERY => "every address".to_owned(),
        1 => "1 address".to_owned(),
        amount => format!(
            "{} addresses",
            number(usize::try_from(amount).unwrap_or(usize::MAX))
        ),
    };
    match clients.map(|clients| clients.count) {
        None => addresses,
        Some(0) => format!("{addresses} and no client"),
        Some(amount) => format!("{addresses} and {}", count(amount, "client")),
    }
}

/// The ranges, then the first clients.
fn where_and_who(page: &mut Page, spans: &Spans, clients: Option<&Clients>) {
    let limit = if page.full() { usize::MAX } else { NAMED };
    if !spans.ranges.is_empty() && spans.addresses < EVERY {
        let ranges = spans.ranges.iter().map(span).collect();
        page.item(6, Paint::Plain, "", &some(ranges, limit), 8);
    }
    if let Some(clients) = clients.filter(|clients| clients.count > 0) {
        let names = clients.names.iter().map(ToString::to_string).collect();
        page.item(6, Paint::Plain, "", &some(names, limit), 8);
    }
}

/// A range as a network where it is one.
fn span(span: &Span) -> String {
    let Span {
        first,
        last,
        addresses,
    } = span;
    if first == last {
        return first.to_string();
    }
    let network = u8::try_from(addresses.leading_zeros())
        .ok()
        .filter(|_| addresses.is_power_of_two())
        .and_then(|zeros| Subnet::containing(*first, zeros.checked_sub(31)?))
        .filter(|network| network.network() == *first);
    network.map_or_else(
        || format!("{first} to {last}"),
        |network| network.to_string(),
    )
}

fn registered(page: &mut Page, registrations: &Registrations) {
    let Registrations {
        now,
        limit,
        limit_is_set,
    } = registrations;
    let limit = number(usize::try_from(*limit).unwrap_or(usize::MAX));
    let whose = if *limit_is_set {
        "as the server profile says"
    } else {
        "unless set otherwise (article 180399)"
    };
    let text = match now {
        Some(now) => {
            let now = number(usize::try_from(*now).unwrap_or(usize::MAX));
            format!("{now} of at most {limit}, {whose}")
        }
        None => format!("not known; at most {limit}, {whose}"),
    };
    page.para(2, &text);
}

fn held(page: &mut Page, packages: Option<&[Held]>) {
    let Some(packages) = packages else {
        page.para(2, "not readable");
        return;
    };
    if packages.is_empty() {
        page.para(2, "none");
    }
    let limit = if page.full() { usize::MAX } else { 20 };
    for Held {
        name,
        guid: _, // for programs
        assigned,
        holds,
    } in packages.iter().take(limit)
    {
        let assigned = match assigned {
            Some(true) => "assigned",
            Some(false) => "not assigned",
            None => "assignment not readable",
        };
        let holds = match holds {
            Some(true) => "held",
            Some(false) => "not held",
            None => "whether it is held is not readable",
        };
        page.item(
            2,
            Paint::Plain,
            &format!("{name}:"),
            &format!("{assigned}, {holds}"),
            4,
        );
    }
    if packages.len() > limit {
        page.para(2, &format!("and {} more", number(packages.len() - limit)));
    }
}

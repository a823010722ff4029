//! An allow-list for people and for spreadsheets.
//!
//! Pure.

use std::fmt::Write as _;

use super::{AllowList, End, HARDENS, Host, Rule};

/// The list as text, lines of at most `width` columns as far as names allow.
#[must_use]
pub fn table(list: &AllowList, width: usize) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "Allow-list for the clients of site {}", list.site);
    fill(&mut out, HARDENS, "", width);
    out.push('\n');
    let clients: Vec<String> = list.clients.iter().map(ToString::to_string).collect();
    fill(
        &mut out,
        &format!("Clients: {}", clients.join(", ")),
        "  ",
        width,
    );
    let mut ends: Vec<(End, End)> = Vec::new();
    for rule in &list.rules {
        if !ends.contains(&(rule.from, rule.to)) {
            ends.push((rule.from, rule.to));
        }
    }
    for (from, to) in ends {
        let heading = format!("{} to {}", full(list, from, true), full(list, to, false));
        out.push('\n');
        fill(&mut out, &heading, "  ", width);
        for rule in list
            .rules
            .iter()
            .filter(|rule| (rule.from, rule.to) == (from, to))
        {
            let _ = writeln!(
                out,
                "  {}  {:<12} {:<34} {}",
                rule.protocol.as_str(),
                ports(rule),
                rule.purpose,
                rule.source
            );
        }
    }
    if !list.remarks.is_empty() {
        out.push('\n');
        for remark in &list.remarks {
            fill(&mut out, remark, "  ", width);
        }
    }
    out
}

/// One row a rule. The last column says in each row what the list is not, so that no row travels without it.
#[must_use]
pub fn csv(list: &AllowList) -> String {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let rows = std::iter::once(
        [
            "site",
            "from",
            "from addresses",
            "to",
            "to addresses",
            "protocol",
            "ports",
            "purpose",
            "source",
            "remark",
        ]
        .map(ToOwned::to_owned),
    )
    .chain(list.rules.iter().map(|rule| {
        [
            list.site.to_string(),
            name(list, rule.from),
            addresses(list, rule.from),
            name(list, rule.to),
            addresses(list, rule.to),
            rule.protocol.as_str().to_owned(),
            ports(rule),
            rule.purpose.to_owned(),
            rule.source.to_string(),
            HARDENS.to_owned(),
        ]
    }));
    for row in rows {
        // Writing to memory does not fail, and every row has the same columns.
        let _ = writer.write_record(row);
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn ports(rule: &Rule) -> String {
    let ports: Vec<String> = rule.ports.iter().map(ToString::to_string).collect();
    ports.join(", ")
}

fn name(list: &AllowList, end: End) -> String {
    match end {
        End::Clients => "clients".into(),
        End::Host(index) => list
            .host(index)
            .map_or_else(String::new, |host| host.name.to_string()),
        End::Group(_) => "multicast".into(),
    }
}

fn addresses(list: &AllowList, end: End) -> String {
    match end {
        End::Clients => {
            let subnets: Vec<String> = list.clients.iter().map(ToString::to_string).collect();
            subnets.join(" ")
        }
        End::Host(index) => {
            let host = list.host(index);
            let addresses = host.into_iter().flat_map(|host| &host.addresses);
            let addresses: Vec<String> = addresses.map(ToString::to_string).collect();
            addresses.join(" ")
        }
        End::Group(groups) => groups.into(),
    }
}

fn full(list: &AllowList, end: End, first: bool) -> String {
    match end {
        End::Clients if first => "Clients".into(),
        End::Clients => "clients".into(),
        End::Group(groups) => format!("multicast {groups}"),
        End::Host(index) => list.host(index).map_or_else(String::new, described),
    }
}

/// `DEPLOY01.corp.example (192.168.0.12; package, task)`.
fn described(host: &Host) -> String {
    let addresses: Vec<String> = host.addresses.iter().map(ToString::to_string).collect();
    let does: Vec<&str> = (host.platform.then_some("SMP").into_iter())
        .chain(host.roles.iter().map(|role| role.as_str()))
        .collect();
    let mut inside = vec![addresses.join(", "), does.join(", ")];
    inside.retain(|part| !part.is_empty());
    if inside.is_empty() {
        host.name.to_string()
    } else {
        format!("{} ({})", host.name, inside.join("; "))
    }
}

/// Adds a text in lines of at most `width` columns, those after the first indented.
pub(super) fn fill(out: &mut String, text: &str, indent: &str, width: usize) {
    let mut column = 0;
    for (index, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if index > 0 && column + 1 + length > width {
            out.push('\n');
            out.push_str(indent);
            column = indent.len();
        } else if index > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
}

//! An allow-list for the servers themselves: a PowerShell script of `New-NetFirewallRule` lines.
//!
//! Pure. One script for all servers of the list: each block applies to its own computer. The rules form a group, which
//! is removed first, so that running it again changes nothing.

use std::fmt::Write as _;

use super::rules::{AllowList, End, FirewallError, Rule};
use super::{HARDENS, Protocol, comment, identifier, one_line};

/// Renders the list.
///
/// Errors: an address that is not known of a server that another server listens for.
pub fn windows(list: &AllowList) -> Result<String, FirewallError> {
    let begins = |index| {
        list.rules
            .iter()
            .any(|rule| (rule.from == End::Host(index)) && matches!(rule.to, End::Host(_)))
    };
    list.with_addresses(begins)?;
    // Groups are matched with wildcards: nothing of a name may be one, or foreign rules would be removed.
    let group = format!(
        "Sitewright {}",
        identifier(list.site.as_str(), &['-', '.', ' '])
    );
    let mut out = String::new();
    comment(
        &mut out,
        &format!("Allow-list for the clients of site {}", list.site),
    );
    comment(&mut out, HARDENS);
    comment(
        &mut out,
        "Run it as administrator on each server named below: a block applies to its own computer only. Rules that \
         are there already, such as those of IIS, may allow more: disable them once these work. What a server begins \
         itself Windows lets out by default.",
    );
    for remark in &list.remarks {
        comment(&mut out, remark);
    }
    let group = quoted(&group);
    let _ = write!(
        out,
        "\nRemove-NetFirewallRule -Group {group} -ErrorAction SilentlyContinue\n"
    );
    for (index, host) in list.hosts.iter().enumerate() {
        let rules: Vec<&Rule> = (list.rules.iter())
            .filter(|rule| rule.to == End::Host(index))
            .collect();
        if rules.is_empty() {
            continue;
        }
        out.push('\n');
        comment(&mut out, host.name.as_str());
        if host.name.as_str() == "SMP" {
            comment(
                &mut out,
                "Put the host name of the SMP in the place of 'SMP'.",
            );
        }
        let _ = writeln!(
            out,
            "if ([System.Net.Dns]::GetHostName() -eq {}) {{",
            quoted(host.name.host())
        );
        for rule in rules {
            let ports: Vec<String> = rule.ports.iter().map(|p| quoted(&p.to_string())).collect();
            let _ = writeln!(
                out,
                "    New-NetFirewallRule -Group {group} -DisplayName {} -Description {} -Direction Inbound \
                 -Action Allow -Protocol {} -LocalPort {} -RemoteAddress {}",
                quoted(&format!("Sitewright: {}", rule.purpose)),
                quoted(&rule.source.to_string()),
                rule.protocol.as_str().to_uppercase(),
                ports.join(","),
                remote(list, rule),
            );
        }
        out.push_str("}\n");
    }
    Ok(out)
}

/// Who may call. A client that asks for an address has none yet.
fn remote(list: &AllowList, rule: &Rule) -> String {
    let asks = rule.protocol == Protocol::Udp && rule.ports.iter().any(|ports| ports.first == 67);
    let addresses: Vec<String> = match rule.from {
        _ if asks => return "Any".into(),
        End::Clients => list.clients.iter().map(ToString::to_string).collect(),
        End::Host(index) => {
            let host = list.host(index);
            let addresses = host.into_iter().flat_map(|host| &host.addresses);
            addresses.map(ToString::to_string).collect()
        }
        End::Group(groups) => vec![groups.into()],
    };
    let addresses: Vec<String> = addresses.iter().map(|text| quoted(text)).collect();
    addresses.join(",")
}

/// A text between single quotes. PowerShell takes typographic ones for quotes as well; each is doubled.
fn quoted(text: &str) -> String {
    let mut out = String::from("'");
    for c in one_line(text).chars() {
        if matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{201A}' | '\u{201B}') {
            out.push(c);
        }
        out.push(c);
    }
    out.push('\'');
    out
}

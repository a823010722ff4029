//! An allow-list for a Linux router between the clients and the servers: text for `nft -f`.
//!
//! Pure. The table stands beside whatever rules there are. It judges what clients and servers of the list say to each
//! other and leaves everything else alone. Loading it again puts it in its own place.

use std::fmt::Write as _;

use super::rules::{AllowList, End, FirewallError, Rule};
use super::{HARDENS, Protocol, comment, identifier};

/// Renders the list.
///
/// Errors: an address that is not known, since rules cannot name computers.
pub fn nftables(list: &AllowList) -> Result<String, FirewallError> {
    list.with_addresses(|_| true)?;
    let table = format!("sitewright_{}", identifier(list.site.as_str(), &[]));
    let mut out = String::from("#!/usr/sbin/nft -f\n");
    comment(
        &mut out,
        &format!("Allow-list for the clients of site {}", list.site),
    );
    comment(&mut out, HARDENS);
    comment(
        &mut out,
        "For a router between clients and servers. What stays within a subnet never passes it, and what is not \
         between these clients and these servers is left to other rules.",
    );
    for remark in &list.remarks {
        comment(&mut out, remark);
    }
    out.push('\n');
    let clients: Vec<String> = list.clients.iter().map(ToString::to_string).collect();
    define(&mut out, "CLIENTS", &clients);
    let mut names = Vec::new();
    for (index, host) in list.hosts.iter().enumerate() {
        let name = host.name.host().to_uppercase();
        let name = format!("SERVER{}_{}", index + 1, identifier(&name, &[]));
        comment(&mut out, host.name.as_str());
        let addresses: Vec<String> = host.addresses.iter().map(ToString::to_string).collect();
        define(&mut out, &name, &addresses);
        names.push(name);
    }
    let mut all: Vec<String> = list
        .hosts
        .iter()
        .flat_map(|host| host.addresses.iter().map(ToString::to_string))
        .collect();
    all.sort();
    all.dedup();
    define(&mut out, "SERVERS", &all);

    // Declared before it is deleted, so that deleting works the first time as well.
    let _ = write!(
        out,
        "\ntable inet {table}\ndelete table inet {table}\n\ntable inet {table} {{\n"
    );
    let tftp: Vec<&Rule> = (list.rules.iter()).filter(|rule| is_tftp(rule)).collect();
    if !tftp.is_empty() {
        out.push_str(
            "\t# TFTP answers from another port: the helper (kernel module nf_conntrack_tftp) knows it.\n\
             \tct helper tftp {\n\t\ttype \"tftp\" protocol udp\n\t\tl3proto ip\n\t}\n\n\
             \tchain helpers {\n\t\ttype filter hook prerouting priority filter; policy accept;\n",
        );
        for rule in tftp {
            let _ = writeln!(
                out,
                "\t\t{}udp dport 69 ct helper set \"tftp\"",
                ends(rule, &names)
            );
        }
        out.push_str("\t}\n\n");
    }
    out.push_str(
        "\tchain forward {\n\t\ttype filter hook forward priority filter; policy accept;\n\
         \t\tct state established,related accept\n\
         \t\t# Servers among themselves replicate and report: not what this list is about.\n\
         \t\tip saddr $SERVERS ip daddr $SERVERS accept\n",
    );
    for rule in list.rules.iter().filter(|rule| !among_servers(rule)) {
        let ports: Vec<String> = rule.ports.iter().map(ToString::to_string).collect();
        let _ = writeln!(
            out,
            "\t\t{}{} dport {{ {} }} accept comment \"{} ({})\"",
            ends(rule, &names),
            rule.protocol.as_str(),
            ports.join(", "),
            rule.purpose,
            rule.source,
        );
    }
    out.push_str(
        "\t\tip saddr $CLIENTS ip daddr $SERVERS counter drop\n\
         \t\tip saddr $SERVERS ip daddr $CLIENTS counter drop\n\t}\n}\n",
    );
    Ok(out)
}

fn is_tftp(rule: &Rule) -> bool {
    rule.protocol == Protocol::Udp && rule.ports.iter().any(|ports| ports.first == 69)
}

fn among_servers(rule: &Rule) -> bool {
    matches!((rule.from, rule.to), (End::Host(_), End::Host(_)))
}

/// `ip saddr … ip daddr … `.
fn ends(rule: &Rule, names: &[String]) -> String {
    let end = |end: End| match end {
        End::Clients => "$CLIENTS".to_owned(),
        End::Host(index) => format!("${}", names.get(index).map_or("SERVERS", String::as_str)),
        End::Group(groups) => groups.to_owned(),
    };
    format!("ip saddr {} ip daddr {} ", end(rule.from), end(rule.to))
}

fn define(out: &mut String, name: &str, elements: &[String]) {
    let mut text = format!("define {name} = {{");
    let last = elements.len().saturating_sub(1);
    for (index, element) in elements.iter().enumerate() {
        text.push_str(if index % 4 == 0 && elements.len() > 4 {
            "\n\t"
        } else {
            " "
        });
        text.push_str(element);
        if index != last {
            text.push(',');
        }
    }
    text.push_str(if elements.len() > 4 { "\n}" } else { " }" });
    out.push_str(&text);
    out.push('\n');
}

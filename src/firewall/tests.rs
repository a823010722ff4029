//! Lists of small sites, and what each output makes of them.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::*;
use crate::manifest;
use crate::model::testing::{Seen, world};
use crate::model::{Desired, Name, Snapshot};

const SITES: &str = "
apiVersion: sitewright/v1
kind: DeploymentSite
metadata: { name: Deployment_Site }
spec:
  subnets: [192.168.10.0/24, 192.168.0.12/32]
  servers: [{ name: DEPLOY01.corp.example, roles: [package, task] }]
---
apiVersion: sitewright/v1
kind: Site
metadata: { name: Boot }
spec:
  subnets: [10.2.0.0/24]
  servers:
    - { name: PXE01, roles: [networkBoot] }
    - { name: PKG01, roles: [package, monitor] }
---
apiVersion: sitewright/v1
kind: Site
metadata: { name: HQ }
spec:
  subnets: [192.168.0.0/24]
---
apiVersion: sitewright/v1
kind: Site
metadata: { name: Bare }
spec: { servers: [{ name: X }] }
---
apiVersion: sitewright/v1
kind: PlatformSettings
metadata: { name: hq }
spec: { ports: { taskserver: 12345 } }
";

fn desired(text: &str) -> Desired {
    let source = manifest::Source::new("sites.yaml", text);
    let read = manifest::read(&[source]);
    assert!(read.diagnostics.is_empty(), "{:?}", read.diagnostics);
    manifest::desired(&read.documents, None).unwrap()
}

fn list_of(
    site: &str,
    addresses: &[(&str, &str)],
    snapshot: Option<&Snapshot>,
) -> Result<AllowList, FirewallError> {
    let mut by_name: BTreeMap<Name, BTreeSet<Ipv4Addr>> = BTreeMap::new();
    for (name, address) in addresses {
        let of_name = by_name.entry(Name::new(name)).or_default();
        of_name.insert(address.parse().unwrap());
    }
    AllowList::of(&Inputs {
        desired: &desired(SITES),
        site: &Name::new(site),
        platform: Some(&Name::new("SMP01.corp.example")),
        addresses: &by_name,
        snapshot,
    })
}

fn shown(list: &AllowList) -> Vec<String> {
    let name = |end: End| match end {
        End::Clients => "clients".to_owned(),
        End::Host(index) => list.host(index).unwrap().name.host().to_owned(),
        End::Group(groups) => groups.to_owned(),
    };
    list.rules
        .iter()
        .map(|rule| {
            let ports: Vec<String> = rule.ports.iter().map(ToString::to_string).collect();
            let protocol = rule.protocol.as_str();
            format!(
                "{} -> {} {protocol} {}",
                name(rule.from),
                name(rule.to),
                ports.join(",")
            )
        })
        .collect()
}

#[test]
fn roles_in_use_open_their_ports_and_nothing_else() {
    assert_eq!(
        shown(&list_of("deployment_site", &[], None).unwrap()),
        [
            "clients -> DEPLOY01 tcp 80,443",
            "clients -> DEPLOY01 tcp 12345",
            "clients -> DEPLOY01 tcp 50124",
            "DEPLOY01 -> SMP01 tcp 50123",
            "clients -> SMP01 tcp 80,443",
            "clients -> SMP01 tcp 12345",
        ]
    );
    assert_eq!(
        shown(&list_of("Boot", &[], None).unwrap()),
        [
            "clients -> PKG01 tcp 80,443",
            "clients -> PXE01 udp 67",
            "clients -> PXE01 udp 69",
            "clients -> PXE01 udp 4011",
            "PXE01 -> clients udp 68",
            "PXE01 -> 224.2.0.5-224.2.0.20 udp 402-409",
            "clients -> SMP01 tcp 80,443",
            "clients -> SMP01 tcp 12345",
            "clients -> 224.2.0.5-224.2.0.20 udp 402-409",
            "SMP01 -> clients tcp 52028",
            "SMP01 -> 224.0.0.0-239.255.255.255 udp 52029-52030",
        ]
    );
}

#[test]
fn gaps_are_errors() {
    let code = |site: &str| list_of(site, &[], None).unwrap_err().code();
    assert_eq!(code("nowhere"), "SW0901");
    assert_eq!(code("Bare"), "SW0903");
    let list = list_of("Deployment_Site", &[("smp", "192.168.0.10")], None).unwrap();
    let unknown = FirewallError::AddressesUnknown(vec![Name::new("DEPLOY01.corp.example")]);
    assert_eq!(nftables(&list), Err(unknown.clone()));
    assert_eq!(windows(&list), Err(unknown));
    let stray = list_of("Deployment_Site", &[("SITE01", "192.168.0.11")], None).unwrap_err();
    assert_eq!(stray.code(), "SW0906");
}

fn seen() -> Seen {
    world()
        .site("Bare")
        .server("DEPLOY01.corp.example", &["192.168.0.12"], "package task")
        .server("SITE01.corp.example", &["192.168.0.11", "10.9.9.9"], "task")
        .server("X.corp.example", &["10.5.0.2"], "networkBoot")
        .server("PC7.corp.example", &["192.168.0.77"], "")
        .subnet("10.5.0.0/16", &["Bare"])
        .subnet("192.168.0.0/16", &["Bare"])
}

#[test]
fn a_server_that_was_asked_adds_addresses_roles_and_who_stands_there() {
    let seen = seen();
    let names = |site: &str| -> Vec<String> {
        let list = list_of(site, &[], Some(&seen.snapshot)).unwrap();
        list.hosts
            .iter()
            .map(|h| h.name.host().to_owned())
            .collect()
    };
    // DEPLOY01 stands in its /32, SITE01 and the SMP in the declared HQ; a computer without a role serves nobody.
    assert_eq!(names("HQ"), ["SITE01", "SMP01"]);
    assert_eq!(names("Deployment_Site"), ["DEPLOY01", "SMP01"]);
    let bare = list_of("Bare", &[], Some(&seen.snapshot)).unwrap();
    let subnets: Vec<String> = bare.clients.iter().map(ToString::to_string).collect();
    assert_eq!(subnets, ["10.5.0.0/16", "192.168.0.0/16"]);
    assert!(shown(&bare).contains(&"clients -> X udp 69".to_owned()));
    assert_eq!(
        list_of("Boot", &[], Some(&seen.snapshot))
            .unwrap_err()
            .code(),
        "SW0905"
    );
}

#[test]
fn a_carve_out_for_a_server_is_no_client() {
    let given = [("DEPLOY01", "192.168.0.12"), ("SMP01", "192.168.0.10")];
    let list = list_of("Deployment_Site", &given, None).unwrap();
    let clients: Vec<String> = list.clients.iter().map(ToString::to_string).collect();
    assert_eq!(clients, ["192.168.10.0/24"]);
    assert!(
        list.remarks
            .iter()
            .any(|remark| remark.contains("192.168.0.12/32"))
    );
}

#[test]
fn inner_subnets_are_said_once_and_foreign_ones_are_told() {
    let text = SITES.replace("[10.2.0.0/24]", "[10.2.0.0/16, 10.2.0.0/24, 10.2.7.0/25]");
    let text = text.replace("[192.168.0.0/24]", "[192.168.0.0/24, 10.2.9.0/24]");
    let addresses = ["PXE01", "PKG01", "SMP"].map(|name| {
        let address = Ipv4Addr::new(10, 3, 0, 5);
        (Name::new(name), BTreeSet::from([address]))
    });
    let list = AllowList::of(&Inputs {
        desired: &desired(&text),
        site: &Name::new("Boot"),
        platform: None,
        addresses: &BTreeMap::from(addresses),
        snapshot: None,
    })
    .unwrap();
    // nft refuses intervals that overlap.
    assert!(
        nftables(&list)
            .unwrap()
            .contains("define CLIENTS = { 10.2.0.0/16 }")
    );
    assert!(
        list.remarks
            .iter()
            .any(|remark| remark.contains("10.2.9.0/24 of HQ")),
        "{:?}",
        list.remarks
    );
}

#[test]
fn every_output_says_what_it_is_not() {
    let given = [
        ("PXE01", "10.2.0.5"),
        ("PKG01", "10.2.0.6"),
        ("SMP", "192.168.0.10"),
    ];
    let list = list_of("Boot", &given, None).unwrap();
    for text in [
        table(&list, 80),
        csv(&list),
        nftables(&list).unwrap(),
        windows(&list).unwrap(),
    ] {
        let words = text.replace("\n# ", " ").replace('\n', " ");
        assert!(words.contains(HARDENS), "{text}");
    }
    for line in table(&list, 80).lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

/// The names of a script's groups, and its rules as parameters; fails on whatever is not documented for
/// `New-NetFirewallRule`.
fn parse(script: &str) -> Vec<BTreeMap<String, Vec<String>>> {
    let mut rules = Vec::new();
    let mut depth = 0;
    for line in script.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
        } else if let Some(rest) = line.strip_prefix("New-NetFirewallRule ") {
            assert_eq!(depth, 1, "outside of a block: {line}");
            rules.push(parameters(rest));
        } else if let Some(rest) = line.strip_prefix("Remove-NetFirewallRule ") {
            assert_eq!(depth, 0, "inside a block: {line}");
            let parameters = parameters(rest);
            assert_eq!(parameters["ErrorAction"], ["SilentlyContinue"]);
        } else if let Some(rest) = line.strip_prefix("if ([System.Net.Dns]::GetHostName() -eq ") {
            let (host, rest) = argument(rest);
            assert!(!host.is_empty() && rest == ") {", "{line}");
            depth += 1;
        } else {
            assert_eq!(line, "}");
            depth -= 1;
        }
    }
    assert_eq!(depth, 0);
    rules
}

fn parameters(mut rest: &str) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    while !rest.is_empty() {
        let name = rest
            .strip_prefix('-')
            .unwrap_or_else(|| panic!("no parameter: {rest}"));
        let (name, after) = name.split_once(' ').unwrap();
        let mut values = Vec::new();
        let mut tail = after;
        loop {
            let (value, after) = argument(tail);
            values.push(value);
            if let Some(more) = after.strip_prefix(',') {
                tail = more;
            } else {
                tail = after;
                break;
            }
        }
        rest = tail.trim_start();
        check_parameter(name, &values);
        assert!(
            found.insert(name.to_owned(), values).is_none(),
            "{name} twice"
        );
    }
    found
}

/// Reads one argument as PowerShell does: a word, or a text between single quotes where each kind of single quote is
/// doubled.
fn argument(text: &str) -> (String, &str) {
    let quote = |c: char| matches!(c, '\'' | '‘' | '’' | '‚' | '‛');
    let mut chars = text.char_indices().peekable();
    if !text.starts_with(quote) {
        let end = text.find([' ', ',']).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        assert!(
            word.chars().all(char::is_alphanumeric),
            "a word that needs quotes: {word}"
        );
        return (word.to_owned(), rest);
    }
    chars.next();
    let mut value = String::new();
    while let Some((at, c)) = chars.next() {
        if !quote(c) || chars.next_if(|(_, next)| quote(*next)).is_some() {
            value.push(c);
        } else {
            return (value, &text[at + c.len_utf8()..]);
        }
    }
    panic!("no end of a quoted text: {text}")
}

fn check_parameter(name: &str, values: &[String]) {
    let one = |allowed: &[&str]| {
        assert!(
            values.len() == 1 && allowed.contains(&values[0].as_str()),
            "{name} {values:?}"
        );
    };
    match name {
        "Direction" => one(&["Inbound", "Outbound"]),
        "Action" => one(&["Allow", "Block"]),
        "Protocol" => one(&["TCP", "UDP"]),
        "ErrorAction" => one(&["SilentlyContinue"]),
        "DisplayName" | "Description" => assert_eq!(values.len(), 1),
        // The group is also what is removed, and there it is a pattern.
        "Group" => assert!(values.len() == 1 && !values[0].contains(['*', '?', '[', ']', '`'])),
        "LocalPort" => {
            for value in values {
                for port in value.split('-') {
                    port.parse::<u16>().unwrap();
                }
            }
        }
        "RemoteAddress" => {
            for value in values.iter().filter(|value| *value != "Any") {
                let (address, prefix) = value.split_once('/').unwrap_or((value, "32"));
                address.parse::<Ipv4Addr>().unwrap();
                assert!((1..=32).contains(&prefix.parse::<u8>().unwrap()));
            }
        }
        other => panic!("-{other} is no parameter of New-NetFirewallRule that this test knows"),
    }
}

#[test]
fn the_windows_script_holds_what_powershell_takes() {
    let given = [
        ("PXE01", "10.2.0.5"),
        ("PKG01", "10.2.0.6"),
        ("SMP", "192.168.0.10"),
    ];
    let list = list_of("Boot", &given, None).unwrap();
    let script = windows(&list).unwrap();
    let rules = parse(&script);
    // What servers begin themselves Windows lets out, and groups are no server.
    assert_eq!(rules.len(), 6);
    for rule in &rules {
        for needed in [
            "DisplayName",
            "Direction",
            "Action",
            "Protocol",
            "LocalPort",
            "RemoteAddress",
        ] {
            assert!(rule.contains_key(needed), "{needed} of {rule:?}");
        }
        assert_eq!(rule["Group"], ["Sitewright Boot"]);
    }
    let dhcp = rules
        .iter()
        .find(|rule| rule["LocalPort"] == ["67"])
        .unwrap();
    assert_eq!(dhcp["RemoteAddress"], ["Any"]);
    assert!(!script.contains("52028"));
}

#[test]
fn odd_names_stay_texts() {
    let odd = "O’Brien's * [all]; Remove-Item \"x\" `$y é";
    let text = SITES.replace(
        "{ name: Boot }",
        &format!("{{ name: \"{}\" }}", odd.replace('"', "\\\"")),
    );
    let text = text.replace("PXE01", "\"PXE'01 \\\" }\"");
    let desired = desired(&text);
    let addresses = BTreeMap::from([
        (
            Name::new("PXE'01 \" }"),
            BTreeSet::from([Ipv4Addr::new(10, 2, 0, 5)]),
        ),
        (
            Name::new("PKG01"),
            BTreeSet::from([Ipv4Addr::new(10, 2, 0, 6)]),
        ),
        (
            Name::new("SMP"),
            BTreeSet::from([Ipv4Addr::new(10, 2, 0, 7)]),
        ),
    ]);
    let list = AllowList::of(&Inputs {
        desired: &desired,
        site: &Name::new(odd),
        platform: None,
        addresses: &addresses,
        snapshot: None,
    })
    .unwrap();
    assert_eq!(parse(&windows(&list).unwrap()).len(), 6);
    for line in nftables(&list)
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        assert!(
            line.is_ascii() && !line.contains([';', '*', '`']) || line.contains("policy"),
            "{line}"
        );
    }
}

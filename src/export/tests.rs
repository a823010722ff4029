//! What an export says, and that it reads back as what was seen.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::manifest::{Source, desired, read, render};
use crate::model::{Desired, DesiredAssignment, Listed, PackageSelector, Platform, Service};

fn guid(number: u128) -> Guid {
    Guid::from_u128(number)
}

fn computer(number: u128, name: &str, address: &str) -> (Guid, Computer) {
    let addresses = BTreeSet::from([(address.parse().unwrap(), 24)]);
    let computer = Computer {
        guid: guid(number),
        name: Name::new(name),
        addresses: Observed::Known(addresses),
    };
    (guid(number), computer)
}

fn service(number: u128, computer: u128, role: ServiceRole) -> Service {
    Service {
        guid: guid(number),
        computer: guid(computer),
        role,
    }
}

fn world() -> Snapshot {
    let subnet = |number, subnet: &str, sites: &[u128]| ObservedSubnet {
        guid: guid(number),
        subnet: subnet.parse().map_err(|_| Arc::from(subnet)),
        sites: sites.iter().map(|site| guid(*site)).collect(),
    };
    let site =
        |number, name: &str, description: &str, servers: &[u128], constrained| ObservedSite {
            guid: guid(number),
            name: Name::new(name),
            shown: None,
            description: Observed::Known(description.into()),
            servers: servers.iter().map(|server| guid(*server)).collect(),
            constrained: Observed::Known(constrained),
        };
    Snapshot {
        platform: Platform {
            server: guid(1),
            name: Name::new("SMP01.corp.example"),
        },
        sites: Observed::Known(vec![
            site(11, "no", "", &[], false),
            site(10, "HQ", "two\nlines: # 'and' \"quotes\"", &[2], true),
        ]),
        subnets: Observed::Known(vec![
            subnet(20, "192.168.0.0/24", &[10]),
            subnet(21, "10.0.0.0/8", &[10]),
            subnet(22, "Branch", &[11]),
            subnet(23, "192.168.7.0/24", &[]),
        ]),
        services: Observed::Known(vec![
            service(30, 1, ServiceRole::Known(Role::Task)),
            service(31, 2, ServiceRole::Known(Role::Package)),
            service(32, 2, ServiceRole::Known(Role::Task)),
            service(33, 2, ServiceRole::Other("Print Service".into())),
        ]),
        unasked: BTreeSet::new(),
        computers: [
            computer(1, "SMP01.corp.example", "192.168.0.10"),
            computer(2, "SITE01.corp.example", "10.1.1.1"),
        ]
        .into(),
        packages: Observed::Known(vec![
            Listed {
                guid: guid(40),
                name: Name::new("Win11"),
            },
            Listed {
                guid: guid(41),
                name: Name::new("Twin"),
            },
            Listed {
                guid: guid(42),
                name: Name::new("twin"),
            },
            Listed {
                guid: guid(43),
                name: Name::new("Not asked"),
            },
            Listed {
                guid: guid(44),
                name: Name::new("Lost"),
            },
        ]),
        assignments: [
            (
                guid(40),
                Observed::Known(Assignment::Servers([guid(2)].into())),
            ),
            (guid(41), Observed::Known(Assignment::All)),
            (
                guid(42),
                Observed::Known(Assignment::Sites {
                    sites: [guid(10), guid(11)].into(),
                    automatic: true,
                }),
            ),
            (
                guid(44),
                Observed::Known(Assignment::Servers([guid(99)].into())),
            ),
        ]
        .into(),
        holders: BTreeMap::new(),
        tasks: BTreeMap::new(),
        capture_target: Observed::Known(Some(guid(2))),
        unlisted: BTreeMap::new(),
        surroundings: crate::model::Surroundings::default(),
        unplaced: vec!["a kind that nobody knows".into()],
    }
}

fn back(export: &Export) -> Desired {
    let sources: Vec<Source> = export
        .files
        .iter()
        .map(|(name, text)| Source::new(name, text))
        .collect();
    let read = read(&sources);
    assert_eq!(render(&read.diagnostics, &sources, false), "");
    desired(&read.documents, None).unwrap()
}

#[test]
fn an_export_reads_back_as_what_was_seen() {
    let export = export(&world(), &Name::new("hq"));
    let wanted = back(&export);
    let hq = &wanted.sites[&Name::new("hq")];
    assert_eq!(
        hq.description.as_ref().unwrap().value,
        "two\nlines: # 'and' \"quotes\""
    );
    let subnets: Vec<String> = hq
        .subnets
        .as_ref()
        .unwrap()
        .keys()
        .map(ToString::to_string)
        .collect();
    assert_eq!(subnets, ["10.0.0.0/8", "192.168.0.0/24"]);
    assert!(hq.constrain.as_ref().unwrap().value);
    let servers: Vec<&Name> = hq.servers.as_ref().unwrap().keys().collect();
    assert_eq!(servers, [&Name::new("SITE01.corp.example")]);
    let branch = &wanted.sites[&Name::new("no")];
    assert!(branch.subnets.as_ref().unwrap().is_empty());
    assert!(branch.servers.as_ref().unwrap().is_empty());
    let roles: Vec<&Role> = wanted.servers[&Name::new("SITE01.corp.example")]
        .roles
        .keys()
        .collect();
    assert_eq!(roles, [&Role::Package, &Role::Task]);
    let assignment = |selector| &wanted.packages[&selector].assignment;
    assert_eq!(
        assignment(PackageSelector::Name(Name::new("Win11"))),
        &DesiredAssignment::Servers([Name::new("SITE01.corp.example")].into())
    );
    assert_eq!(
        assignment(PackageSelector::Guid(guid(41))),
        &DesiredAssignment::All
    );
    assert_eq!(
        assignment(PackageSelector::Guid(guid(42))),
        &DesiredAssignment::Sites {
            sites: [Name::new("HQ"), Name::new("no")].into(),
            automatic: true
        }
    );
    assert_eq!(wanted.packages.len(), 3);
    assert_eq!(
        wanted.settings.capture_target.unwrap().value,
        Name::new("SITE01.corp.example")
    );
}

#[test]
fn nothing_is_dropped_silently() {
    let export = export(&world(), &Name::new("hq"));
    let all: String = export.files.iter().map(|(_, text)| text.as_str()).collect();
    for (_, text) in &export.files {
        assert!(text.starts_with("# yaml-language-server: $schema="));
    }
    for (said, in_comment) in [
        ("a kind that nobody knows", false),
        ("unknown role `Print Service`", true),
        ("subnet `Branch`", true),
        ("package `Lost`", true),
    ] {
        assert!(
            export.unexpressed.iter().any(|line| line.contains(said)),
            "{said}"
        );
        assert_eq!(all.contains(said), in_comment, "{said}");
    }
    assert!(
        all.contains("# automatic: SMP01.corp.example (192.168.0.10)"),
        "{all}"
    );
    assert!(all.contains("name: 'no'"));
    let mut roaming = world();
    let Observed::Known(subnets) = &mut roaming.subnets else {
        unreachable!("the subnets of the sample are known");
    };
    for (number, network) in (900..).zip(["10.9.0.0/24", "10.8.0.0/24"]) {
        subnets.push(ObservedSubnet {
            guid: guid(number),
            subnet: Ok(network.parse().unwrap()),
            sites: Vec::new(),
        });
    }
    let in_no_site = "in no site: ";
    let said = super::export(&roaming, &Name::new("hq")).unexpressed;
    let line = said.iter().find(|line| line.contains(in_no_site)).unwrap();
    assert!(line.contains("`10.8.0.0/24`, `10.9.0.0/24`"), "{line}");
    let mut unseen = world();
    unseen.sites = Observed::Unavailable("no access".into());
    let export = super::export(&unseen, &Name::new("hq"));
    assert!(
        export
            .unexpressed
            .iter()
            .any(|line| line.contains("no access"))
    );
    assert!(
        export.files.iter().all(|(name, _)| name != "sites.yaml")
            || !back(&export).sites.contains_key(&Name::new("HQ"))
    );
}

#[test]
fn the_order_of_answers_does_not_show() {
    let mut turned = world();
    for list in [&mut turned.subnets] {
        if let Observed::Known(list) = list {
            list.reverse();
        }
    }
    if let Observed::Known(sites) = &mut turned.sites {
        sites.reverse();
    }
    if let Observed::Known(services) = &mut turned.services {
        services.reverse();
    }
    let name = Name::new("hq");
    assert_eq!(export(&world(), &name), export(&turned, &name));
}

proptest! {
    #[test]
    fn every_text_reads_back(text in "\\PC{0,40}", lines in "[a-z:#'\"\\\\ \n\t-]{0,40}") {
        for text in [text, lines] {
            let mut world = world();
            if let Observed::Known(sites) = &mut world.sites {
                sites[1].description = Observed::Known(text.clone());
                if Name::declared(&text).is_ok() {
                    sites[0].name = Name::new(&text);
                }
            }
            let wanted = back(&export(&world, &Name::new("hq")));
            let found = wanted.sites[&Name::new("HQ")].description.as_ref();
            prop_assert_eq!(found.map_or("", |found| found.value.as_str()), text.as_str());
            if Name::declared(&text).is_ok() {
                let site = wanted.sites.get(&Name::new(&text));
                prop_assert_eq!(site.map(|site| site.name.as_str()), Some(text.as_str()));
            }
        }
    }
}

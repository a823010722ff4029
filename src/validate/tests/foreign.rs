//! What others own, and hierarchies.

use super::*;
use crate::model::{Declared, Hierarchy};

#[test]
fn takeovers() {
    let taking = |list: &[(&str, &[&str])]| Planned {
        takeovers: list
            .iter()
            .map(|(subnet, from)| {
                let from = from.iter().map(|name| Name::new(name)).collect();
                (
                    net(subnet),
                    Takeover {
                        from,
                        origin: origin(),
                    },
                )
            })
            .collect(),
        ..Planned::default()
    };
    let planned = taking(&[
        ("10.0.0.0/24", &["Branch"]),
        ("10.0.1.0/24", &["Branch"]),
        ("10.0.2.0/24", &["Annex", "Branch"]),
    ]);
    finds_planned("takeover", &desired(), &world(), Some(&planned), "
            Error: the addresses of `10.0.2.0/24` belong to `Annex` and `Branch`, which are not declared
            Error: the addresses of `10.0.0.0/24` and `10.0.1.0/24` belong to `Branch`, which is not declared
        ");
    finds_planned("takeover", &desired(), &world(), Some(&taking(&[])), "");
    finds("takeover", &desired(), &world(), "");
}

#[test]
fn active_directory() {
    let imported = |objects: Vec<Guid>| {
        carved().but(|snapshot| {
            snapshot.surroundings.imported = Observed::Known(objects.into_iter().collect());
        })
    };
    let wanted = wanted()
        .subnets("HQ", &["192.168.0.0/24"])
        .subnets("Imaging", &["192.168.10.0/24"]);
    let hq = carved().site_guid("HQ");
    let subnet = |number: u128| Guid::from_u128(0x2000 + number);
    finds("ad-import-conflict", &wanted, &imported(vec![hq, subnet(0), subnet(1)]), "
            Warning: site `HQ` and 1 subnet of it came from Active Directory import, which will override what is declared
            Warning: `192.168.10.0/24` of site `Imaging` came from Active Directory import, which will override what is declared
        ");
    finds("ad-import-conflict", &wanted, &imported(vec![hq]), "
            Warning: site `HQ` came from Active Directory import, which will override what is declared
        ");
    // Nobody declares them, nothing is imported, or it is not known.
    finds(
        "ad-import-conflict",
        &desired(),
        &imported(vec![hq, subnet(0)]),
        "",
    );
    finds("ad-import-conflict", &wanted, &imported(vec![]), "");
    finds("ad-import-conflict", &wanted, &carved(), "");
}

fn in_hierarchy(seen: Seen, member: bool, replicated: &[Guid]) -> Seen {
    let replicated = replicated.iter().copied().collect();
    seen.but(|snapshot| {
        snapshot.surroundings.hierarchy = Observed::Known(Hierarchy { member, replicated });
    })
}

#[test]
fn what_another_smp_owns() {
    let hq = carved().site_guid("HQ");
    let seen = in_hierarchy(
        carved().package("Win11", "all", &[]),
        true,
        &[hq, Guid::from_u128(0x2001), Guid::from_u128(0x4000)],
    );
    let changing = |objects: &[&str]| Planned {
        changed: objects.iter().map(ToString::to_string).collect(),
        ..Planned::default()
    };
    let all = changing(&[
        "site hq",
        "site imaging",
        "subnet 192.168.10.0/24",
        "subnet 192.168.0.0/24",
        "package win11",
    ]);
    finds_planned("hierarchy-owned", &wanted(), &seen, Some(&all), "
            Error: package `Win11` is replicated from another SMP and may not be changed here
            Error: site `HQ` is replicated from another SMP and may not be changed here
            Error: subnet `192.168.10.0/24` is replicated from another SMP and may not be changed here
        ");
    finds_planned(
        "hierarchy-owned",
        &wanted(),
        &seen,
        Some(&changing(&["site imaging"])),
        "",
    );
    finds("hierarchy-owned", &wanted(), &seen, "");
    finds_planned("hierarchy-owned", &wanted(), &carved(), Some(&all), "");
}

fn joins(wanted: Desired) -> Desired {
    let mut wanted = wanted;
    wanted.settings.parent = Some(Declared {
        value: Name::new("HEAD01"),
        origin: origin(),
    });
    wanted
}

#[test]
fn the_package_server_of_an_smp_that_joins() {
    let alone = || {
        bare()
            .server("SMP01", &["192.168.0.10"], "package task")
            .server("DEPLOY01", &["192.168.10.2"], "package task")
            .server("PACK01", &["192.168.20.2"], "package")
            .site("HQ")
            .site("Imaging")
            .subnet("192.168.0.0/24", &["HQ"])
            .subnet("192.168.10.0/24", &["Imaging"])
    };
    finds("hierarchy-package-server", &joins(wanted()), &in_hierarchy(alone(), false, &[]), "
            Error: `HQ`, the site of the SMP `SMP01`, has no package server beside it: it cannot join `HEAD01`
        ");
    finds("hierarchy-package-server", &joins(wanted()), &alone(), "
            Info: `HQ`, the site of the SMP `SMP01`, has no package server beside it: whether it has joined `HEAD01` is not known, and to join it needs one
        ");
    finds("hierarchy-package-server", &joins(wanted()), &in_hierarchy(alone(), true, &[]), "
            Info: `HQ`, the site of the SMP `SMP01`, has no package server beside it: it has joined, and needs one only to replicate packages or to join again
        ");
    let nowhere = bare().server("SMP01", &["192.168.0.10"], "package task");
    finds(
        "hierarchy-package-server",
        &joins(desired()),
        &in_hierarchy(nowhere, false, &[]),
        "
            Error: the subnet of the SMP `SMP01` is in no site: it cannot join `HEAD01`
        ",
    );
    // There is one, assigned or by its own address; or nobody asks.
    let assigned = in_hierarchy(alone().assign("HQ", &["PACK01"]), false, &[]);
    finds("hierarchy-package-server", &joins(wanted()), &assigned, "");
    finds(
        "hierarchy-package-server",
        &joins(wanted()),
        &in_hierarchy(carved(), false, &[]),
        "",
    );
    finds(
        "hierarchy-package-server",
        &wanted(),
        &in_hierarchy(alone(), false, &[]),
        "",
    );
    let unread = in_hierarchy(alone().assign("HQ", &["PACK01"]), false, &[])
        .but(|snapshot| snapshot.services = Observed::Unavailable("denied".into()));
    finds("hierarchy-package-server", &joins(wanted()), &unread, "");
}

#[test]
fn a_deployment_server_is_never_proposed() {
    let seen = |seen: Seen| in_hierarchy(seen, false, &[]);
    let remedy = |seen: &Seen| {
        let wanted = joins(wanted());
        let world = seen_as(&wanted, seen);
        let found = findings(&view(&world, &wanted, seen));
        let (_, finding) = found
            .iter()
            .find(|(check, _)| check.id == "hierarchy-package-server")
            .unwrap();
        finding.remedy.clone()
    };
    let with = |servers: &[(&str, &str)]| {
        let mut world = bare()
            .server("SMP01", &["192.168.0.10"], "package task")
            .site("HQ")
            .site("Imaging")
            .subnet("192.168.0.0/24", &["HQ"])
            .subnet("192.168.10.0/24", &["Imaging"]);
        for (name, address) in servers {
            world = world.server(name, &[address], "package");
        }
        seen(world)
    };
    let told = remedy(&with(&[
        ("DEPLOY01", "192.168.10.2"),
        ("PACK01", "192.168.20.2"),
    ]));
    assert!(
        told.starts_with("declare `PACK01` under `servers` of `HQ`;"),
        "{told}"
    );
    for step in 1..=6 {
        assert!(told.contains(&format!("({step}) ")), "{told}");
    }
    // Who does not answer, or belongs to another SMP, is proposed where there is no other.
    let down = with(&[("AAA01", "192.168.20.2"), ("PACK01", "192.168.20.3")])
        .facts("AAA01", |facts| facts.answering = Observed::Known(false));
    let told = remedy(&down);
    assert!(told.starts_with("declare `PACK01` under"), "{told}");
    let none = remedy(&with(&[("DEPLOY01", "192.168.10.2")]));
    assert!(
        !none.contains("DEPLOY01") && none.contains("there is none yet"),
        "{none}"
    );
}

//! What the articles say of who serves whom, case by case.

use super::*;
use crate::model::testing::{Seen, bare, world};
use crate::model::{Guid, Observed, Role};

fn flat_lan() -> Seen {
    world()
        .subnet("192.168.0.0/24", &[])
        .subnet("192.168.10.0/24", &[])
        .server("SITE01.corp.example", &["192.168.0.11"], "package task")
        .server("DEPLOY01.corp.example", &["192.168.0.12"], "package task")
}

fn names(world: &World, servers: impl IntoIterator<Item = Guid>) -> String {
    let names: Vec<&str> = servers
        .into_iter()
        .map(|server| world.servers[&server].name.host())
        .collect();
    names.join(" ")
}

/// The outcome in one line, with its readings.
fn said(world: &World, service: &Service) -> String {
    match &service.choice {
        Choice::Indeterminate(readings) => {
            let readings: Vec<String> = readings
                .iter()
                .map(|reading| format!("[{}]", names(world, reading.servers.iter().copied())))
                .collect();
            format!("indeterminate {}", readings.join(" "))
        }
        choice => format!("{} {}", choice.as_str(), names(world, choice.servers())),
    }
}

fn check(seen: &Seen, address: &str, role: Role, expect: &str) {
    let world = World::observed(&seen.snapshot);
    let selector = Selector::new(&world);
    let served = selector.at(address.parse().unwrap());
    let service = served.of(role).unwrap();
    assert_eq!(
        said(&world, service),
        expect,
        "{address} {role}: {}",
        service.reason
    );
}

#[test]
fn without_sites_everybody_serves() {
    for address in ["192.168.0.101", "192.168.10.101"] {
        check(
            &flat_lan(),
            address,
            Role::Package,
            "random SMP01 SITE01 DEPLOY01",
        );
        check(
            &flat_lan(),
            address,
            Role::Task,
            "agent SMP01 SITE01 DEPLOY01",
        );
    }
    let apart = flat_lan().server("FAR01", &["10.0.0.1"], "package");
    check(&apart, "10.0.0.7", Role::Package, "only FAR01");
    check(
        &apart,
        "10.0.0.7",
        Role::Task,
        "agent SMP01 SITE01 DEPLOY01",
    );
}

/// The example of article 431459: HQ and a Deployment Site.
fn deployment_site() -> Seen {
    world()
        .server("SITE01.corp.example", &["192.168.0.11"], "package task")
        .server("DEPLOY01.corp.example", &["192.168.0.12"], "package task")
        .site("HQ")
        .assign("HQ", &["SITE01"])
        .site("Deployment_Site")
        .assign("Deployment_Site", &["DEPLOY01"])
        .constrained()
        .subnet("192.168.0.0/24", &["HQ"])
        .subnet("192.168.10.0/24", &["Deployment_Site"])
        .subnet("192.168.0.12/32", &["Deployment_Site"])
}

#[test]
fn a_deployment_site_serves_its_clients_alone() {
    let seen = deployment_site();
    check(&seen, "192.168.10.101", Role::Package, "only DEPLOY01");
    check(&seen, "192.168.10.101", Role::Task, "only DEPLOY01");
    check(&seen, "192.168.0.101", Role::Package, "random SMP01 SITE01");
    check(&seen, "192.168.0.101", Role::Task, "agent SMP01 SITE01");
}

#[test]
fn manual_assignment_alone_is_no_promise_for_tasks() {
    // Without its /32 the deployment server stands in HQ.
    let seen = deployment_site().but(|snapshot| {
        if let Observed::Known(subnets) = &mut snapshot.subnets {
            subnets.pop();
        }
    });
    check(&seen, "192.168.10.101", Role::Package, "only DEPLOY01");
    check(
        &seen,
        "192.168.10.101",
        Role::Task,
        "indeterminate [DEPLOY01] []",
    );
    // Nobody is called stranded because an assumption may be false.
    let world = World::observed(&seen.snapshot);
    let served = Selector::new(&world).at("192.168.10.101".parse().unwrap());
    assert!(served.task.choice.is_served());
    check(
        &seen,
        "192.168.0.101",
        Role::Package,
        "random SMP01 SITE01 DEPLOY01",
    );
    let free = seen.but(|snapshot| {
        if let Observed::Known(sites) = &mut snapshot.sites {
            sites[1].constrained = Observed::Known(false);
        }
    });
    check(
        &free,
        "192.168.10.101",
        Role::Task,
        "indeterminate [DEPLOY01] [SMP01] [SMP01 SITE01 DEPLOY01]",
    );
}

#[test]
fn outside_of_sites_the_sources_contradict_each_other() {
    let seen = flat_lan().site("A").subnet("10.0.0.0/8", &["A"]);
    check(
        &seen,
        "192.168.10.101",
        Role::Package,
        "indeterminate [SMP01] [SMP01 SITE01 DEPLOY01]",
    );
    let alone = world().site("A").subnet("10.0.0.0/8", &["A"]);
    check(&alone, "192.168.10.101", Role::Task, "only SMP01");
}

#[test]
fn a_role_that_is_missing_in_the_site() {
    let seen = flat_lan().site("A").subnet("10.0.0.0/8", &["A"]);
    check(
        &seen,
        "10.0.0.1",
        Role::Task,
        "indeterminate [SMP01] [SMP01 SITE01 DEPLOY01]",
    );
    check(&seen.clone().constrained(), "10.0.0.1", Role::Task, "none ");
    let unread = seen
        .clone()
        .with(|site| site.constrained = Observed::Unavailable("no".into()));
    check(
        &unread,
        "10.0.0.1",
        Role::Task,
        "indeterminate [] [SMP01] [SMP01 SITE01 DEPLOY01]",
    );
    check(&seen, "10.0.0.1", Role::NetworkBoot, "none ");
    let nobody = bare().site("A").subnet("10.0.0.0/8", &["A"]);
    check(&nobody, "10.0.0.1", Role::Package, "none ");
}

#[test]
fn network_boot_goes_by_masks_and_not_by_sites() {
    let seen = deployment_site()
        .server("PXE01", &["192.168.0.13"], "networkBoot")
        .server("PXE02", &["192.168.10.13"], "networkBoot");
    check(&seen, "192.168.10.101", Role::NetworkBoot, "only PXE02");
    // The /32 is in another site, and hears PXE01 all the same.
    check(&seen, "192.168.0.12", Role::NetworkBoot, "only PXE01");
    check(
        &seen,
        "10.0.0.1",
        Role::NetworkBoot,
        "indeterminate [] [PXE01 PXE02]",
    );
}

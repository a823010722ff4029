//! Each check by itself, on the world as it is and on the world after the plan: where it fires, how bad that is, and
//! where it must not: things in order, and things that nobody can tell.

use std::collections::BTreeSet;

use super::*;
use crate::diff::{declare, diff, predicted};
use crate::model::testing::*;
use crate::model::{
    Assignment, Declared, Desired, DesiredSite, Facts, Guid, Name, Observed, PackageSelector,
    Prevention, Service, ServiceRole,
};
use crate::validate::{Phase, View};

/// `Severity message [objects]` a line.
fn lines(id: &str, phase: Phase, view: &View<'_>) -> String {
    let check = checks().find(|check| check.id == id).unwrap();
    let mut found = (check.run)(view);
    assert!(
        found.is_empty() || check.phases.contains(&phase),
        "{id} in {phase:?}"
    );
    found.sort();
    let line = |finding: &crate::validate::Finding| {
        let crate::validate::Finding {
            objects,
            severity,
            message,
            remedy,
            places: _,
        } = finding;
        assert!(!remedy.is_empty());
        let objects: Vec<&str> = objects.iter().map(String::as_str).collect();
        format!("{severity:?} {message} [{}]", objects.join(", "))
    };
    found.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn assert_lines(found: &str, expect: &str) {
    let expect: Vec<&str> = expect
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    assert_eq!(found, expect.join("\n"), "\n{found}\n");
}

/// Checks the world as it is.
#[track_caller]
fn now(id: &str, desired: &Desired, seen: &Seen, expect: &str) {
    let mut world = World::observed(&seen.snapshot);
    declare(&mut world, desired);
    let view = View {
        world: &world,
        desired: Some(desired),
        snapshot: Some(&seen.snapshot),
        ownership: Some(&seen.ownership),
        planned: None,
    };
    assert_lines(&lines(id, Phase::Live, &view), expect);
}

/// Checks the world after the plan.
#[track_caller]
fn then(id: &str, desired: &Desired, seen: &Seen, expect: &str) {
    let mut before = World::observed(&seen.snapshot);
    declare(&mut before, desired);
    let changes = diff(desired, &seen.snapshot, &seen.ownership, true).found;
    let world = predicted(&before, desired, &changes);
    let view = View {
        world: &world,
        desired: Some(desired),
        snapshot: Some(&seen.snapshot),
        ownership: Some(&seen.ownership),
        planned: None,
    };
    assert_lines(&lines(id, Phase::Live, &view), expect);
}

/// Checks a server that nobody declares anything for.
#[track_caller]
fn audit(id: &str, seen: &Seen, expect: &str) {
    let world = World::observed(&seen.snapshot);
    let view = View {
        world: &world,
        desired: None,
        snapshot: Some(&seen.snapshot),
        ownership: None,
        planned: None,
    };
    assert_lines(&lines(id, Phase::Live, &view), expect);
}

/// Checks declarations without a server.
#[track_caller]
fn offline(id: &str, desired: &Desired, expect: &str) {
    let world = World::declared(desired);
    let view = View::declared(&world, desired);
    assert_lines(&lines(id, Phase::Declared, &view), expect);
}

/// HQ with SITE01, and Lab, an imaging site, with DEPLOY01 inside its subnet.
fn lab() -> Seen {
    bare()
        .server("SMP01.corp.example", &["192.168.0.10"], "package task")
        .server("SITE01.corp.example", &["192.168.0.11"], "package task")
        .server("DEPLOY01.corp.example", &["192.168.10.12"], "package task")
        .site("HQ")
        .site("Lab")
        .subnet("192.168.0.0/24", &["HQ"])
        .subnet("192.168.10.0/24", &["Lab"])
        .assign("Lab", &["DEPLOY01"])
}

fn declared() -> Desired {
    desired()
        .site("HQ")
        .subnets("HQ", &["192.168.0.0/24"])
        .deployment_site("Lab")
        .subnets("Lab", &["192.168.10.0/24"])
        .servers("Lab", &["DEPLOY01.corp.example"])
        .roles("DEPLOY01.corp.example", "package task")
}

fn deploys(site: &mut DesiredSite) {
    site.deploy_tasks.push(Declared {
        value: Name::new("Deploy Win11"),
        origin: origin(),
    });
}

/// The same, and Lab deploys what the task `Deploy Win11` uses.
fn deploying() -> Desired {
    declared().of("Lab", deploys)
}

/// The address of a server is not known.
fn nowhere(seen: Seen, server: &str) -> Seen {
    let guid = seen.server_guid(server);
    seen.but(|snapshot| {
        let computer = snapshot.computers.get_mut(&guid).unwrap();
        computer.addresses = Observed::Unavailable("no inventory".into());
    })
}

fn no_services(seen: Seen) -> Seen {
    seen.but(|snapshot| snapshot.services = Observed::Unavailable("not allowed".into()))
}

#[test]
fn a_pin_outside_the_site() {
    let id = "pin-outside-site";
    let pinned = |to: &str| {
        lab()
            .package("golden", to, &[])
            .task("Deploy Win11", &["golden"])
    };
    now(id, &deploying(), &pinned("servers SITE01"), "
        Error `golden`, which `Lab` deploys, is pinned to `SITE01.corp.example`: that serves no client there, and a pin does not reach across sites [package golden, site lab]
    ");
    now(id, &deploying(), &pinned("servers"), "
        Error `golden`, which `Lab` deploys, is pinned to no server at all: that serves no client there, and a pin does not reach across sites [package golden, site lab]
    ");
    now(id, &deploying(), &pinned("sites HQ"), "
        Error `golden`, which `Lab` deploys, is pinned to `SITE01.corp.example` and `SMP01.corp.example`: that serves no client there, and a pin does not reach across sites [package golden, site lab]
    ");
    for fine in [
        "servers SITE01 DEPLOY01",
        "all",
        "sites Lab",
        "sites HQ Lab",
    ] {
        now(id, &deploying(), &pinned(fine), "");
    }
    // Assigned to the site by hand is in the site.
    let by_hand = pinned("servers SITE01").assign("Lab", &["SITE01"]);
    now(id, &deploying(), &by_hand, "");
    // Not deployed there.
    now(id, &declared(), &pinned("servers SITE01"), "");
    // It may stand anywhere.
    now(
        id,
        &deploying(),
        &nowhere(pinned("servers SITE01"), "SITE01"),
        "",
    );
    now(id, &deploying(), &nowhere(pinned("sites HQ"), "SITE01"), "");
    // What the SMP chooses by itself, and what was not read.
    let automatic = pinned("sites HQ").but(|snapshot| {
        for assignment in snapshot.assignments.values_mut() {
            if let Assignment::Sites { automatic, .. } = known(assignment) {
                *automatic = true;
            }
        }
    });
    now(id, &deploying(), &automatic, "");
    let unread = pinned("servers SITE01").but(|snapshot| {
        for assignment in snapshot.assignments.values_mut() {
            *assignment = Observed::Unavailable("not allowed".into());
        }
    });
    now(id, &deploying(), &unread, "");
}

#[test]
fn the_imaging_section_deploys_too() {
    let id = "pin-outside-site";
    let seen = lab().package("Win11 golden", "servers SITE01", &[]);
    let message = "
        Error `Win11 golden`, which `Lab` deploys, is pinned to `SITE01.corp.example`: that serves no client there, and a pin does not reach across sites [package win11 golden, site lab]
    ";
    let golden = seen.snapshot.packages.known().unwrap()[0].guid;
    for selector in [
        named("win11 GOLDEN"),
        PackageSelector::Match(Name::new("win11*")),
        PackageSelector::Guid(golden),
    ] {
        let wanted = declared().package(selector, "servers SITE01.corp.example", &["Lab"]);
        now(id, &wanted, &seen, message);
        then(id, &wanted, &seen, message);
    }
    let wanted = declared().package(
        named("Win11 golden"),
        "servers DEPLOY01.corp.example",
        &["Lab"],
    );
    now(id, &wanted, &seen, message);
    then(id, &wanted, &seen, "");
}

#[test]
fn a_pin_without_the_package_role() {
    let id = "pin-without-package-role";
    let seen = lab()
        .server("TASK01.corp.example", &["192.168.0.20"], "task")
        .package("golden", "servers TASK01 SITE01", &[])
        .package("silver", "servers TASK01", &[])
        .package("bronze", "sites HQ", &[]);
    let message = "
        Error `golden` and `silver` are pinned to `TASK01.corp.example`, which is no package server and does not become one [package golden, package silver, server task01.corp.example]
    ";
    now(id, &declared(), &seen, message);
    audit(id, &seen, message);
    then(id, &declared(), &seen, message);
    then(
        id,
        &declared().roles("TASK01.corp.example", "package"),
        &seen,
        "",
    );
    now(id, &declared(), &no_services(seen), "");
}

#[test]
fn an_image_that_goes_everywhere() {
    let id = "image-not-pinned";
    let seen = |assignment: &str| {
        lab()
            .package("golden", assignment, &[])
            .package("Imaging", "all", &[])
            .task("Deploy Win11", &["golden", "Imaging"])
    };
    now(id, &deploying(), &seen("all"), "
        Warning the image `golden`, which `Lab` deploys, goes to every package server [package golden, site lab]
    ");
    now(id, &deploying(), &seen("servers DEPLOY01"), "");
    now(id, &deploying(), &seen("sites Lab"), "");
    now(id, &declared(), &seen("all"), "");
    audit(id, &seen("all"), "");
    // An ordinary site may hold what it likes.
    let ordinary = desired().site("Lab").of("Lab", deploys);
    now(id, &ordinary, &seen("all"), "");
}

#[test]
fn only_the_tool_is_pinned() {
    let id = "tool-package-pinned";
    let wanted = |names: &[&str]| {
        let servers = "servers DEPLOY01.corp.example";
        names.iter().fold(declared(), |wanted, name| {
            wanted.package(named(name), servers, &["Lab"])
        })
    };
    offline(id, &wanted(&["Imaging"]), "
        Warning `Imaging` is pinned for `Lab`, and no image: a tool of imaging is not what it writes [package imaging, site lab]
    ");
    offline(id, &wanted(&["Imaging", "DriversDB"]), "
        Warning `DriversDB` and `Imaging` are pinned for `Lab`, and no image: a tool of imaging is not what it writes [package driversdb, package imaging, site lab]
    ");
    offline(id, &wanted(&["Imaging", "golden"]), "");
    offline(id, &wanted(&[]), "");
    // What a task uses may be images.
    let task = PackageSelector::Task(Name::new("Deploy Win11"));
    let with_task = wanted(&["Imaging"]).package(task, "servers DEPLOY01.corp.example", &["Lab"]);
    offline(id, &with_task, "");

    let seen = |tool: &str, image: &str| {
        lab()
            .package("Imaging", tool, &[])
            .package("golden", image, &[])
            .task("Deploy Win11", &["golden"])
    };
    let message = "
        Warning `Imaging` is pinned to servers of `Lab`, and no image: a tool of imaging is not what it writes [package imaging, site lab]
    ";
    now(id, &deploying(), &seen("servers DEPLOY01", "all"), message);
    then(id, &wanted(&["Imaging"]), &seen("all", "all"), message);
    now(
        id,
        &deploying(),
        &seen("servers DEPLOY01", "servers DEPLOY01"),
        "",
    );
    now(id, &deploying(), &seen("all", "all"), "");
    now(id, &deploying(), &seen("servers SITE01", "all"), "");
    audit(id, &seen("servers SITE01", "all"), "
        Warning `Imaging` is pinned, and no image: a tool of imaging is not what it writes [package imaging]
    ");
    audit(id, &seen("servers SITE01", "servers SITE01"), "");
    audit(id, &seen("all", "all"), "");
}

#[test]
fn an_image_that_is_not_there() {
    let id = "image-not-replicated";
    let seen = |assignment: &str, holders: &[&str]| {
        lab()
            .package("golden", assignment, holders)
            .task("Deploy Win11", &["golden"])
    };
    now(id, &deploying(), &seen("servers SITE01", &["SITE01"]), "
        Error `golden`, which `Lab` deploys, is not held by `DEPLOY01.corp.example`, and no step brings it there [package golden, site lab]
    ");
    now(id, &deploying(), &seen("servers DEPLOY01", &["SITE01"]), "
        Error `golden`, which `Lab` deploys, is assigned to `DEPLOY01.corp.example` and has not arrived [package golden, site lab]
    ");
    now(id, &deploying(), &seen("all", &["DEPLOY01"]), "");
    // No package is seen anywhere: then it is the evidence that is wrong.
    now(id, &deploying(), &seen("servers DEPLOY01", &[]), "");
    // A holder that may stand in the site; holders that were not read; another check's fault.
    now(
        id,
        &deploying(),
        &nowhere(seen("all", &["SITE01"]), "SITE01"),
        "",
    );
    let unread = seen("all", &[]).but(|snapshot| {
        for holders in snapshot.holders.values_mut() {
            *holders = Observed::Unavailable("no report".into());
        }
    });
    now(id, &deploying(), &unread, "");
    now(id, &deploying(), &no_services(seen("all", &[])), "");
    // The plan assigns and awaits it.
    let wanted = deploying().package(
        PackageSelector::Task(Name::new("Deploy Win11")),
        "servers DEPLOY01.corp.example",
        &["Lab"],
    );
    then(id, &wanted, &seen("servers SITE01", &["SITE01"]), "");
    // A run stopped before it updated the distribution points.
    let mut stopped = seen("servers DEPLOY01", &["SITE01"]);
    let golden = stopped.snapshot.packages.known().unwrap()[0].clone();
    then(id, &wanted, &stopped, "
        Error `golden`, which `Lab` deploys, is assigned to `DEPLOY01.corp.example` and has not arrived [package golden, site lab]
    ");
    stopped
        .ownership
        .undistributed
        .insert(golden.guid, golden.name);
    then(id, &wanted, &stopped, "");
}

#[test]
fn what_becomes_a_package_server_gets_what_goes_there() {
    let id = "image-not-replicated";
    for assignment in ["all", "servers DEPLOY02", "sites Lab"] {
        let seen = bare()
            .server("SMP01.corp.example", &["192.168.0.10"], "package task")
            .server("DEPLOY02.corp.example", &["192.168.10.13"], "task")
            .site("Lab")
            .subnet("192.168.10.0/24", &["Lab"])
            .package("golden", assignment, &["SMP01"])
            .task("Deploy Win11", &["golden"]);
        let wanted = desired()
            .deployment_site("Lab")
            .of("Lab", deploys)
            .servers("Lab", &["DEPLOY02.corp.example"])
            .roles("DEPLOY02.corp.example", "package");
        then(id, &wanted, &seen, "");
        let elsewhere = seen.but(|snapshot| {
            for assignment in snapshot.assignments.values_mut() {
                *assignment = Observed::Known(Assignment::Servers(BTreeSet::new()));
            }
        });
        then(id, &wanted, &elsewhere, "
            Error `golden`, which `Lab` deploys, is not held by `DEPLOY02.corp.example`, and no step brings it there [package golden, site lab]
        ");
    }
}

#[test]
fn imaging_tools() {
    let id = "imaging-tools-missing";
    let all = ["SMP01", "SITE01", "DEPLOY01"];
    let seen = |pct: &[&str]| {
        lab()
            .package("Imaging", "all", &all)
            .package("Boot Disk Creator", "all", &all)
            .package("DriversDB", "all", &["SMP01"])
            .package("PCT", "all", pct)
    };
    now(id, &declared(), &seen(&["SITE01"]), "
        Error `DEPLOY01.corp.example`, package server of `Lab`, does not hold the imaging tools DriversDB and PCT [server deploy01.corp.example, site lab]
    ");
    now(id, &declared(), &seen(&all), "
        Error `DEPLOY01.corp.example`, package server of `Lab`, does not hold the imaging tools DriversDB [server deploy01.corp.example, site lab]
    ");
    // Nothing is imaged there; nobody can tell who holds what, or which package it is.
    audit(id, &seen(&[]), "");
    now(id, &desired().site("Lab"), &seen(&[]), "");
    let unread = seen(&[]).but(|snapshot| {
        for holders in snapshot.holders.values_mut() {
            *holders = Observed::Unavailable("no report".into());
        }
    });
    now(id, &declared(), &unread, "");
    now(id, &declared(), &lab().package("Werkzeuge", "all", &[]), "");
    now(id, &declared(), &no_services(seen(&[])), "");
}

#[test]
fn where_captured_images_go() {
    let id = "capture-target";
    let to = |server: &str| {
        let seen = lab().server("TASK01.corp.example", &["192.168.10.20"], "task");
        let guid = seen.server_guid(server);
        seen.but(|snapshot| snapshot.capture_target = Observed::Known(Some(guid)))
    };
    let task = "
        Error captured images go to `TASK01.corp.example`, which is no package server [server task01.corp.example, setting captureTarget]
    ";
    now(id, &declared(), &to("TASK01"), task);
    audit(id, &to("TASK01"), task);
    now(id, &declared(), &to("SITE01"), "
        Warning captured images go to `SITE01.corp.example`, which is in no deployment site: captures load another server [server site01.corp.example, setting captureTarget]
    ");
    now(id, &declared(), &to("DEPLOY01"), "");
    now(id, &declared(), &lab(), "");
    // The plan sets it right.
    let wanted = declared().capture_target("DEPLOY01.corp.example");
    then(id, &wanted, &to("TASK01"), "");
    then(
        id,
        &declared().roles("TASK01.corp.example", "package"),
        &to("TASK01"),
        "",
    );
    // Nobody says which sites are for imaging; it may stand in one; its roles were not read.
    audit(id, &to("SITE01"), "");
    now(id, &declared(), &nowhere(to("SITE01"), "SITE01"), "");
    now(id, &declared(), &no_services(to("TASK01")), "");
}

#[test]
fn roles_that_imaging_does_not_need() {
    let id = "roles-beyond-need";
    offline(id, &declared().roles("DEPLOY01.corp.example", "package task networkBoot monitor"), "
        Info `DEPLOY01.corp.example` of deployment site `Lab` also runs `Monitor Service`, which imaging does not need [server deploy01.corp.example, site lab]
    ");
    offline(
        id,
        &declared().roles("DEPLOY01.corp.example", "package task networkBoot"),
        "",
    );
    let seen = lab().server(
        "DEPLOY02.corp.example",
        &["192.168.10.13"],
        "package monitor",
    );
    let deploy02 = seen.server_guid("DEPLOY02");
    let seen = seen.but(|snapshot| {
        known(&mut snapshot.services).push(Service {
            guid: Guid::from_u128(0x5fff),
            computer: deploy02,
            role: ServiceRole::Other("Out of Band Service".into()),
        });
    });
    now(id, &declared(), &seen, "
        Info `DEPLOY02.corp.example` of deployment site `Lab` also runs `Monitor Service` and `Out of Band Service`, which imaging does not need [server deploy02.corp.example, site lab]
    ");
    now(id, &declared(), &lab(), "");
    audit(id, &seen, "");
    now(id, &declared(), &no_services(seen), "");
}

/// HQ and Lab, each server with the facts of one in order, and a product that says what it wants.
fn inventoried() -> Seen {
    lab()
        .facts("SMP01", |_| {})
        .facts("SITE01", |_| {})
        .facts("DEPLOY01", |_| {})
        .product(|product| {
            product.version = Some("8.7.3".into());
            product.agent_version = Some("8.7".into());
            product.operating_systems = Some(vec![
                "Windows Server 2019".into(),
                "Windows Server 2022".into(),
            ]);
        })
}

fn text(text: &str) -> Observed<String> {
    Observed::Known(text.to_owned())
}

fn unknown<T>() -> Observed<T> {
    Observed::Unavailable("no evidence".into())
}

/// What is wrong, how it is said, for the task service, for the package service.
type Fault = (fn(&mut Facts), &'static str, bool, bool);

/// Each prerequisite by itself.
fn faults() -> Vec<Fault> {
    vec![
        (
            |facts| facts.managed = Observed::Known(false),
            "it is not managed",
            true,
            true,
        ),
        (
            |facts| facts.local = Observed::Known(false),
            "it belongs to another SMP",
            true,
            true,
        ),
        (
            |facts| facts.asset_active = Observed::Known(false),
            "its asset status is not active",
            true,
            true,
        ),
        (
            |facts| facts.agent_version = text("8.6.10"),
            "its agent 8.6.10 is older than 8.7",
            true,
            true,
        ),
        (
            |facts| facts.cem_mode = Observed::Known(true),
            "it is in Cloud-enabled Management mode",
            true,
            true,
        ),
        (
            |facts| facts.operating_system = text("Windows Server 20220"),
            "its operating system `Windows Server 20220` is not supported",
            true,
            true,
        ),
        (
            |facts| facts.iis = Observed::Known(false),
            "IIS is not configured",
            true,
            false,
        ),
        (
            |facts| facts.dotnet = text("4.7.2"),
            "its .NET framework 4.7.2 is older than 4.8",
            true,
            false,
        ),
        (
            |facts| facts.http_server = Observed::Known(false),
            "no HTTP server is installed",
            false,
            true,
        ),
    ]
}

#[test]
fn prerequisites_one_by_one() {
    let id = "role-prerequisite";
    now(id, &declared(), &inventoried(), "");
    for (break_it, said, task, package) in faults() {
        let seen = inventoried().facts("SITE01", break_it);
        let services = match (task, package) {
            (true, true) => "package service and the task service",
            (true, false) => "task service",
            (false, _) => "package service",
        };
        let takes = if task && package { "take" } else { "takes" };
        let expect = format!(
            "Warning `SITE01.corp.example` (inventory of 2026-01-02) lacks what the {services} {takes}: {said} [server site01.corp.example]"
        );
        // Of a server that is there, another check says that, and as an error.
        let elsewhere = said.contains(".NET");
        let expect = if elsewhere { "" } else { &expect };
        now(id, &declared(), &seen, expect);
        audit(id, &seen, expect);

        // For a role that is yet to be installed, each is an error.
        let bare_server = |roles: &str| {
            lab()
                .server("NEW01.corp.example", &["192.168.0.30"], roles)
                .facts("NEW01", break_it)
                .product(|product| *product = inventoried().snapshot.surroundings.product)
        };
        for (role, counts) in [("task", task), ("package", package)] {
            let expect = format!(
                "Error `NEW01.corp.example` (inventory of 2026-01-02) is not ready for the {role} service: {said} [server new01.corp.example]"
            );
            let wanted = declared().roles("NEW01.corp.example", role);
            then(
                id,
                &wanted,
                &bare_server(""),
                if counts { &expect } else { "" },
            );
            now(id, &wanted, &bare_server(""), "");
            // Whether it is there cannot be read.
            let unread = no_services(bare_server(""));
            let warning = format!(
                "Warning `NEW01.corp.example` (inventory of 2026-01-02) lacks what the {role} service takes: {said} [server new01.corp.example]"
            );
            let warned = counts && !elsewhere;
            then(id, &wanted, &unread, if warned { &warning } else { "" });
        }
    }
}

#[test]
fn prerequisites_that_nobody_can_tell() {
    let id = "role-prerequisite";
    let silent = inventoried().facts("SITE01", |facts| *facts = Facts::unavailable("no evidence"));
    now(id, &declared(), &silent, "");
    now(id, &declared(), &lab(), "");
    for odd in ["8.6 RU2", "", "unknown"] {
        let seen = inventoried().facts("SITE01", |facts| {
            facts.agent_version = text(odd);
            facts.dotnet = text(odd);
        });
        now(id, &declared(), &seen, "");
    }
    // Nobody says what the product wants.
    let seen = inventoried()
        .facts("SITE01", |facts| {
            facts.agent_version = text("7.0");
            facts.dotnet = text("3.5");
            facts.operating_system = text("Windows NT");
        })
        .product(|product| *product = crate::model::Product::default());
    now(id, &declared(), &seen, "");
}

#[test]
fn prerequisites_together() {
    let id = "role-prerequisite";
    // All faults of one server that is to get a role are one finding, with the place that asks for the role.
    let seen = lab()
        .server("NEW01.corp.example", &["192.168.0.30"], "")
        .facts("NEW01", |facts| {
            facts.iis = Observed::Known(false);
            facts.cem_mode = Observed::Known(true);
            facts.inventoried = unknown();
        });
    then(id, &declared().roles("NEW01.corp.example", "task"), &seen, "
        Error `NEW01.corp.example` is not ready for the task service: it is in Cloud-enabled Management mode and IIS is not configured [server new01.corp.example]
    ");
    // One fault of many servers is one finding, with their number.
    let many = (0..9).fold(inventoried(), |seen, number| {
        let name = format!("OLD{number}");
        let address = format!("192.168.0.{}", 100 + number);
        seen.server(&name, &[&address], "task")
            .facts(&name, |facts| {
                facts.iis = Observed::Known(false);
                facts.inventoried = unknown();
            })
    });
    now(id, &declared(), &many, "
        Warning each of the 9 servers `OLD0`, `OLD1`, `OLD2`, `OLD3`, `OLD4`, `OLD5` and 3 more lacks what the task service takes: IIS is not configured [server old0, server old1, server old2, server old3, server old4, server old5, server old6, server old7, server old8]
    ");
}

#[test]
fn the_dotnet_framework() {
    let id = "dotnet-version";
    let with = |product: &str, dotnet: &str| {
        inventoried()
            .product(|known| known.version = Some(product.into()))
            .facts("SITE01", |facts| facts.dotnet = text(dotnet))
    };
    let message = |found: &str| {
        format!(
            "Error `SITE01.corp.example` (inventory of 2026-01-02) has .NET framework {found}, and this SMP wants 4.8 on site servers [server site01.corp.example]"
        )
    };
    for (product, dotnet, fires) in [
        ("8.7.1", "4.7.2", true),
        ("8.10", "4.7.2", true),
        ("8.7.1", "4.8", false),
        ("8.7.1", "4.8.1", false),
        ("8.7.1", "4.10", false),
        ("8.7", "4.7.2", false),
        ("8.6.4", "4.7.2", false),
        ("8.7 RU1", "4.7.2", false),
        ("8.7.1", "four", false),
    ] {
        let expect = if fires {
            message(dotnet)
        } else {
            String::new()
        };
        now(id, &declared(), &with(product, dotnet), &expect);
        audit(id, &with(product, dotnet), &expect);
    }
    // Nobody says which product it is; no site server; nothing read.
    now(
        id,
        &declared(),
        &with("8.7.3", "4.7.2").product(|p| p.version = None),
        "",
    );
    let client = inventoried()
        .server("PC01", &["192.168.0.50"], "")
        .facts("PC01", |facts| facts.dotnet = text("4.7.2"));
    now(id, &declared(), &client, "");
    then(id, &declared().roles("PC01", "networkBoot"), &client, "
        Error `PC01` (inventory of 2026-01-02) has .NET framework 4.7.2, and this SMP wants 4.8 on site servers [server pc01]
    ");
    now(id, &declared(), &no_services(with("8.7.3", "4.7.2")), "");
}

const SOLUTION: &str = "Deployment Solution Plug-in";

#[test]
fn plug_ins_of_deployment_servers() {
    let id = "plugin-missing";
    let with = |plug_ins: &[&str]| lab().plug_ins("DEPLOY01", plug_ins);
    let message = "
        Error `DEPLOY01.corp.example` of deployment site `Lab` lacks `Deployment Task Server Handler` and `Deployment Package Server` [server deploy01.corp.example, site lab]
    ";
    now(id, &declared(), &with(&[SOLUTION]), message);
    // A step installs it.
    then(id, &declared(), &with(&[SOLUTION]), "");
    // It stands there and is not declared, so that no step does.
    let undeclared = declared().of("Lab", |site| site.servers = None);
    then(id, &undeclared, &with(&[SOLUTION]), message);
    now(
        id,
        &declared(),
        &with(&[
            SOLUTION,
            "Deployment Server Task Handler",
            "deployment package server",
        ]),
        "",
    );
    now(id, &declared(), &with(&[]), "
        Error `DEPLOY01.corp.example` of deployment site `Lab` lacks `Deployment Solution Plug-in`, `Deployment Task Server Handler` and `Deployment Package Server` [server deploy01.corp.example, site lab]
    ");
    // Ordinary sites need none; what was not read is not missing.
    now(id, &declared(), &lab().plug_ins("SITE01", &[]), "");
    audit(id, &with(&[]), "");
    now(id, &declared(), &lab(), "");
    now(
        id,
        &declared(),
        &lab().facts("DEPLOY01", |facts| facts.plug_ins = unknown()),
        "",
    );
    then(id, &declared(), &no_services(with(&[])), "");
    // With a role comes what the role needs.
    let boots = declared().roles("DEPLOY01.corp.example", "networkBoot");
    let seen = with(&[
        SOLUTION,
        "Deployment Task Server Handler",
        "Deployment Package Server",
    ]);
    now(id, &boots, &seen, "");
    then(id, &boots, &seen, "");
    then(id, &undeclared.roles("DEPLOY01.corp.example", "networkBoot"), &seen, "
        Error `DEPLOY01.corp.example` of deployment site `Lab` lacks `Deployment NBS Plug-in` [server deploy01.corp.example, site lab]
    ");
}

#[test]
fn plug_ins_of_the_smp() {
    let id = "plugin-missing";
    let message = "
        Error the SMP `SMP01.corp.example` lacks `Deployment Task Server Handler` [server smp01.corp.example]
    ";
    now(
        id,
        &declared(),
        &lab().plug_ins("SMP01", &[SOLUTION]),
        message,
    );
    then(
        id,
        &declared(),
        &lab().plug_ins("SMP01", &[SOLUTION]),
        message,
    );
    now(
        id,
        &declared(),
        &lab().plug_ins("SMP01", &["Altiris Deployment Task Server Handler (x64)"]),
        "",
    );
    now(id, &desired().site("HQ"), &lab().plug_ins("SMP01", &[]), "");
    audit(id, &lab().plug_ins("SMP01", &[]), "");
    // It held before the site for imaging was made.
    let first = bare()
        .server("SMP01.corp.example", &["192.168.0.10"], "package task")
        .plug_ins("SMP01", &[]);
    now(id, &declared(), &first, message);
}

#[test]
fn plug_ins_of_clients() {
    let id = "plugin-missing";
    let seen = lab()
        .clients(2, "192.168.10.101", Some(&["Altiris Base Task Handlers"]))
        .clients(3, "192.168.10.111", Some(&[SOLUTION]))
        .clients(4, "192.168.10.121", None)
        .clients(5, "192.168.0.101", Some(&[]));
    now(id, &declared(), &seen, "
        Warning 2 of 5 clients in the subnets of `Lab` without `Deployment Solution Plug-in`: `PC001.corp.example` and `PC002.corp.example` [site lab]
    ");
    now(id, &desired().site("Lab"), &seen, "");
    audit(id, &seen, "");
    now(
        id,
        &declared(),
        &lab().clients(4, "192.168.10.121", None),
        "",
    );
    now(
        id,
        &declared(),
        &lab().clients(3, "192.168.10.111", Some(&[SOLUTION])),
        "",
    );
}

#[test]
fn the_package_servers_plug_in_without_its_service() {
    let id = "deployment-package-server";
    let task = lab()
        .server("TASK01.corp.example", &["192.168.0.20"], "task")
        .plug_ins("TASK01", &["Deployment Package Server"]);
    let message = "
        Error `TASK01.corp.example` has the plug-in `Deployment Package Server` and is no package server [server task01.corp.example]
    ";
    now(id, &declared(), &task, message);
    audit(id, &task, message);
    let wanted = declared().roles("TASK01.corp.example", "package");
    now(id, &wanted, &task, message);
    then(id, &wanted, &task, "");
    now(
        id,
        &declared(),
        &lab().plug_ins("DEPLOY01", &["Deployment Package Server"]),
        "",
    );
    now(
        id,
        &declared(),
        &lab()
            .server("T", &["192.168.0.20"], "task")
            .plug_ins("T", &[SOLUTION]),
        "",
    );
    now(
        id,
        &declared(),
        &lab().server("T", &["192.168.0.20"], "task"),
        "",
    );
    now(id, &declared(), &no_services(task), "");
}

#[test]
fn two_servers_that_answer_network_boot() {
    let id = "two-network-boot";
    let boot = |address: &str| lab().server("PXE01.corp.example", &[address], "networkBoot");
    let wanted = declared().roles("DEPLOY01.corp.example", "networkBoot");
    let message = "
        Error `DEPLOY01.corp.example` and `PXE01.corp.example` both answer network boot in `192.168.10.0/24`, the broadcast domain of their inventory [server deploy01.corp.example, server pxe01.corp.example]
    ";
    now(id, &wanted, &boot("192.168.10.13"), "");
    then(id, &wanted, &boot("192.168.10.13"), message);
    then(id, &wanted, &boot("192.168.11.13"), "");
    // A carve-out divides no broadcast domain.
    then(
        id,
        &wanted,
        &boot("192.168.10.13").subnet("192.168.10.13/32", &["HQ"]),
        message,
    );
    // The SMP counts; a plug-in alone does not.
    let on_smp = "
        Error `PXE02.corp.example` and `SMP01.corp.example` both answer network boot in `192.168.0.0/24`, the broadcast domain of their inventory; one of them is the SMP [server pxe02.corp.example, server smp01.corp.example]
    ";
    let beside = lab().server("PXE02.corp.example", &["192.168.0.14"], "networkBoot");
    audit(id, &beside, "");
    let plug_in = ["Deployment NBS Plug-in"];
    audit(id, &beside.clone().plug_ins("SMP01", &plug_in), "");
    then(
        id,
        &declared().roles("SMP01.corp.example", "networkBoot"),
        &beside,
        on_smp,
    );
    // Nobody knows where it is, or what it does.
    then(id, &wanted, &nowhere(boot("192.168.10.13"), "PXE01"), "");
    now(id, &wanted, &no_services(boot("192.168.10.13")), "");
}

#[test]
fn network_boot_from_afar() {
    let id = "network-boot-remote";
    let seen = lab()
        .server("PXE01.corp.example", &["192.168.0.13"], "networkBoot")
        .assign("Lab", &["PXE01"])
        .subnet("192.168.0.13/32", &["Lab"])
        .subnet("192.168.11.0/24", &["Lab"]);
    let message = "
        Info `PXE01.corp.example`, network boot of `Lab`, stands outside `192.168.10.0/24` and `192.168.11.0/24`: clients there need a DHCP relay [server pxe01.corp.example, site lab]
    ";
    now(id, &declared(), &seen, message);
    audit(id, &seen, message);
    // With one in the subnet as well, the other subnet is left.
    then(id, &declared().roles("DEPLOY01.corp.example", "networkBoot").subnets("Lab", &["192.168.10.0/24", "192.168.11.0/24"]).servers("Lab", &["DEPLOY01", "PXE01"]), &seen, "
        Info `DEPLOY01.corp.example` and `PXE01.corp.example`, network boot of `Lab`, stand outside `192.168.11.0/24`: clients there need a DHCP relay [server deploy01.corp.example, server pxe01.corp.example, site lab]
    ");
    now(id, &declared(), &lab(), "");
    let inside = lab().server("PXE01.corp.example", &["192.168.10.13"], "networkBoot");
    now(id, &declared(), &inside, "");
    now(id, &declared(), &nowhere(seen, "PXE01"), "");
}

#[test]
fn services_on_desktop_systems() {
    let id = "task-on-desktop-os";
    let on =
        |system: &str| inventoried().facts("SITE01", |facts| facts.operating_system = text(system));
    let few =
        on("Windows 11")
            .clients(99, "192.168.0.100", None)
            .clients(50, "192.168.10.100", None);
    now(id, &declared(), &few, "
        Info `SITE01.corp.example` (Windows 11, 99 endpoints) serves packages or tasks from a desktop system, which takes 10 to 20 connections [server site01.corp.example]
    ");
    let many = few.clients(1, "192.168.0.99", None);
    let message = "
        Warning `SITE01.corp.example` (Windows 11, 100 endpoints) serves packages or tasks from a desktop system, which takes 10 to 20 connections [server site01.corp.example]
    ";
    now(id, &declared(), &many, message);
    audit(id, &many, message);
    // Nobody knows how many.
    now(id, &declared(), &on("Windows 11"), "
        Info `SITE01.corp.example` (Windows 11, endpoints not known) serves packages or tasks from a desktop system, which takes 10 to 20 connections [server site01.corp.example]
    ");
    now(id, &declared(), &on("Windows Server 2016"), "");
    now(id, &declared(), &lab(), "");
    // Network boot alone has no such limit.
    let boot = lab()
        .server("PXE01", &["192.168.0.13"], "networkBoot")
        .facts("PXE01", |facts| facts.operating_system = text("Windows 10"));
    now(id, &declared(), &boot, "");
    then(id, &declared().roles("PXE01", "package"), &boot.clients(2, "192.168.0.100", None), "
        Info `PXE01` (Windows 10, 2 endpoints) serves packages or tasks from a desktop system, which takes 10 to 20 connections [server pxe01]
    ");
}

#[test]
fn more_clients_than_registrations() {
    let id = "capacity";
    let seen = |limit, clients| {
        lab()
            .clients(clients, "192.168.10.100", None)
            .product(|product| product.registrations = limit)
    };
    let message = "
        Error 26 clients of `Lab` have `DEPLOY01.corp.example` for tasks, with room for 25 [server deploy01.corp.example, site lab]
    ";
    now(id, &declared(), &seen(Some(25), 26), message);
    audit(id, &seen(Some(25), 26), message);
    now(id, &declared(), &seen(Some(25), 25), "");
    now(id, &declared(), &seen(None, 26), "");
    // Who is registered is counted once.
    let registered = seen(Some(26), 26).but(|snapshot| {
        let clients = known(&mut snapshot.surroundings.clients);
        let all = clients
            .iter()
            .map(|client| (client.guid, Guid::from_u128(0x3002)));
        snapshot.surroundings.registrations = Observed::Known(all.collect());
    });
    now(id, &declared(), &registered, "");
    // A second server in the site has room for as many; one that takes over alone has not.
    let two = declared().servers("Lab", &["DEPLOY01", "DEPLOY02"]);
    let second = seen(Some(25), 26).server("DEPLOY02", &["192.168.10.13"], "task");
    then(id, &two, &second, "");
    // What cannot be counted is no fault.
    now(
        id,
        &declared(),
        &lab().product(|product| product.registrations = Some(1)),
        "",
    );
    now(id, &declared(), &no_services(seen(Some(1), 26)), "");
    // In no site, while there are sites: every reading has these two servers or fewer.
    let lost = lab()
        .clients(80, "10.9.0.100", None)
        .product(|product| product.registrations = Some(25));
    now(id, &declared(), &lost, "
        Error 80 clients have `DEPLOY01.corp.example`, `SITE01.corp.example` and `SMP01.corp.example` for tasks, with room for 75 [server deploy01.corp.example, server site01.corp.example, server smp01.corp.example]
    ");
    let fewer = lab()
        .clients(75, "10.9.0.100", None)
        .product(|product| product.registrations = Some(25));
    now(id, &declared(), &fewer, "");
}

#[test]
fn more_clients_than_recommended() {
    let id = "capacity";
    let crowd = |count, limit| {
        bare()
            .server("SMP01", &["192.168.0.10"], "package task")
            .server("S1", &["10.0.0.10"], "task")
            .site("HQ")
            .site("Big")
            .subnet("192.168.0.0/24", &["HQ"])
            .subnet("10.0.0.0/16", &["Big"])
            .clients(count, "10.0.1.0", None)
            .product(|product| product.registrations = limit)
    };
    now(id, &desired(), &crowd(15_001, Some(20_000)), "
        Warning tasks on `S1` (about 15001 clients): more than is recommended for a site server, 15000 [server s1]
    ");
    now(id, &desired(), &crowd(15_000, Some(20_000)), "");
    now(
        id,
        &desired(),
        &crowd(5_001, None),
        "
        Error 5001 clients of `Big` have `S1` for tasks, with room for 5000 [server s1, site big]
    ",
    );
    // The SMP shares HQ with nobody, then with a second server.
    let smp = crowd(0, None).clients(101, "192.168.0.100", None);
    now(id, &desired(), &smp, "
        Warning tasks on `SMP01` (about 101 clients): more than is recommended for the SMP itself, 100 [server smp01]
    ");
    now(
        id,
        &desired(),
        &smp.server("S2", &["192.168.0.11"], "task"),
        "",
    );
    // Each range has room, and yet one server expects more than it takes.
    let shared = crowd(20, Some(25))
        .server("S2", &["10.1.0.10"], "task")
        .site("Both")
        .subnet("10.1.0.0/16", &["Both"])
        .subnet("10.0.0.10/32", &["Both"])
        .assign("Big", &["S1"]);
    let shared = shared.clone().but(|snapshot| {
        let s1 = shared.server_guid("S1");
        let addresses = snapshot.computers.get_mut(&s1).unwrap();
        known(&mut addresses.addresses).insert(("10.0.0.11".parse().unwrap(), 24));
    });
    now(id, &desired(), &shared.clients(20, "10.1.1.0", None), "
        Warning tasks on `S1` (about 30 clients): more than the registrations that a task server takes, 25 [server s1]
    ");
}

#[test]
fn downloads_are_not_prevented_for_a_site_s_own_servers() {
    let id = "prevent-downloads-own-servers";
    let aimed = |at: &dyn Fn(&Seen) -> Guid, from_server: bool, from_outside: bool| {
        let seen = lab();
        let targets = [at(&seen)].into();
        seen.but(|snapshot| {
            snapshot.surroundings.prevention = Observed::Known(Prevention {
                targets,
                from_server,
                from_outside,
            });
        })
    };
    let server = |seen: &Seen| seen.server_guid("DEPLOY01.corp.example");
    let site = |seen: &Seen| seen.site_guid("Lab");
    let said = |left: &str| {
        format!(
            "Error \"Prevent downloads\" keeps `DEPLOY01.corp.example`, a package server of `Lab`, from the SMP: it may \
             fetch {left} [server deploy01.corp.example, site lab]"
        )
    };
    audit(
        id,
        &aimed(&server, true, true),
        &said("from servers of its own site alone"),
    );
    audit(
        id,
        &aimed(&site, true, false),
        &said("from other site servers alone"),
    );
    // It may fetch from the SMP; it is no package server; nothing is known.
    audit(id, &aimed(&server, false, true), "");
    let client = |_: &Seen| Guid::from_u128(0x77);
    audit(id, &aimed(&client, true, true), "");
    audit(
        id,
        &aimed(
            &|seen: &Seen| seen.server_guid("SMP01.corp.example"),
            true,
            true,
        ),
        "",
    );
    audit(id, &lab(), "");
}

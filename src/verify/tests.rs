//! Rows on a small world: the office and its Deployment Site, all as it should be; each test breaks one thing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Outcome, *};
use crate::diff::declare;
use crate::model::testing::*;
use crate::model::*;
use crate::select::World;
use crate::validate::View;

/// A world with what happened in it.
struct Case {
    seen: Seen,
    happenings: Happenings,
    baseline: Option<Baseline>,
    desired: Desired,
}

fn client(number: u128, name: &str, address: &str) -> Client {
    Client {
        guid: Guid::from_u128(0x6000 + number),
        name: Name::new(name),
        addresses: vec![(address.parse().unwrap(), 24)],
        plug_ins: Some(Arc::default()),
    }
}

fn fetch(client: u128, package: Guid, server: Guid, time: &str) -> Fetch {
    Fetch {
        client: Guid::from_u128(0x6000 + client),
        package,
        server,
        time: Some(time.into()),
    }
}

impl Case {
    /// Everything met: IMAGE-1 uses DEPLOY01, OFFICE-1 the SMP; a deployment and a capture after the baseline.
    fn good() -> Self {
        let seen = bare()
            .server("SMP01.corp.example", &["192.168.0.10"], "package task")
            .server("DEPLOY01.corp.example", &["192.168.0.12"], "package task")
            .site("HQ")
            .site("Lab")
            .constrained()
            .assign("Lab", &["DEPLOY01.corp.example"])
            .subnet("192.168.0.0/24", &["HQ"])
            .subnet("192.168.0.12/32", &["Lab"])
            .subnet("192.168.10.0/24", &["Lab"])
            .package(
                "golden",
                "servers DEPLOY01.corp.example",
                &["DEPLOY01.corp.example"],
            )
            .task("Deploy", &["golden"]);
        let (smp, deploy) = (
            seen.server_guid("SMP01.corp.example"),
            seen.server_guid("DEPLOY01.corp.example"),
        );
        let golden = seen.snapshot.packages.known().unwrap()[0].guid;
        let seen = seen.but(|snapshot| {
            snapshot.capture_target = Observed::Known(Some(deploy));
            snapshot.surroundings.clients = Observed::Known(vec![
                client(1, "IMAGE-1", "192.168.10.101"),
                client(2, "OFFICE-1", "192.168.0.101"),
            ]);
            snapshot.surroundings.registrations = Observed::Known(BTreeMap::from([
                (Guid::from_u128(0x6001), deploy),
                (Guid::from_u128(0x6002), smp),
            ]));
        });
        let before = Happenings {
            fetches: Observed::Known(vec![fetch(1, golden, smp, "08:00")]),
            load: Observed::Known(BTreeMap::from([(
                smp,
                Load {
                    package: 10,
                    task: 100,
                },
            )])),
            images: Observed::Known(vec![]),
        };
        let after = Happenings {
            fetches: Observed::Known(vec![fetch(1, golden, deploy, "09:00")]),
            load: Observed::Known(BTreeMap::from([(
                smp,
                Load {
                    package: 11,
                    task: 110,
                },
            )])),
            images: Observed::Known(vec![Image {
                guid: Guid::from_u128(0x4100),
                name: Name::new("captured"),
                host: Some(Name::new("deploy01")),
            }]),
        };
        Self {
            baseline: Some(Baseline::take(&seen.snapshot.platform, &before, "08:30")),
            happenings: after,
            desired: desired()
                .site("HQ")
                .deployment_site("Lab")
                .of("Lab", |site| {
                    site.deploy_tasks.push(Declared {
                        value: Name::new("Deploy"),
                        origin: origin(),
                    });
                })
                .capture_target("DEPLOY01.corp.example"),
            seen,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn surroundings(&mut self) -> &mut Surroundings {
        &mut self.seen.snapshot.surroundings
    }

    fn report(&self) -> Report {
        let mut world = World::observed(&self.seen.snapshot);
        declare(&mut world, &self.desired);
        verify(&Inputs {
            view: View {
                world: &world,
                desired: Some(&self.desired),
                snapshot: Some(&self.seen.snapshot),
                ownership: Some(&self.seen.ownership),
                planned: None,
            },
            snapshot: &self.seen.snapshot,
            happenings: &self.happenings,
            baseline: self.baseline.as_ref(),
            tolerance: 10,
        })
    }

    /// The rows that are not met, as `id: verdict: found / who differs`.
    #[track_caller]
    fn check(&self, expect: &[&str]) -> Report {
        let report = self.report();
        let found: Vec<String> = report
            .rows
            .iter()
            .filter(|row| row.verdict != Verdict::Met)
            .map(|row| {
                let who: Vec<String> = row
                    .differing
                    .iter()
                    .map(|one| format!(" / {} {}", one.name, one.found))
                    .collect();
                format!(
                    "{}: {}: {}{}",
                    row.id,
                    row.verdict.as_str(),
                    row.found,
                    who.concat()
                )
            })
            .collect();
        assert_eq!(found, expect, "\n{}\n", found.join("\n"));
        report
    }
}

fn none<T>() -> Observed<T> {
    Observed::Unavailable("the profile has no entry".into())
}

#[test]
fn all_is_met() {
    let report = Case::good().check(&[]);
    assert_eq!(report.outcome(), Outcome::Met);
    let ids: Vec<&str> = report.rows.iter().map(|row| row.id).collect();
    assert_eq!(ids, ROW_IDS);
    assert!(
        report
            .rows
            .iter()
            .all(|row| row.differing.is_empty() && row.look.is_empty())
    );
}

#[test]
fn a_registration_elsewhere() {
    let report = Case::good()
        .with(|case| {
            let smp = case.seen.server_guid("SMP01.corp.example");
            known(&mut case.surroundings().registrations).insert(Guid::from_u128(0x6001), smp);
        })
        .check(&[
            "task-server: not met: 0 of 1 client / IMAGE-1 registered with SMP01.corp.example",
        ]);
    assert_eq!(report.outcome(), Outcome::NotMet);
    assert!(
        report.rows[0].differing[0]
            .why
            .contains("has not asked anew"),
        "{report:?}"
    );
}

#[test]
fn a_carve_out_that_does_not_hold() {
    let report = Case::good()
        .with(|case| {
            let deploy = case.seen.server_guid("DEPLOY01.corp.example");
            let registrations = known(&mut case.surroundings().registrations);
            registrations.insert(Guid::from_u128(0x6002), deploy);
        })
        .check(&[
            "clients-outside: not met: 1 of 1 client outside / OFFICE-1 registered with DEPLOY01.corp.example",
        ]);
    let why = &report.rows[6].differing[0].why;
    assert!(why.contains("mask of the server's inventory"), "{why}");
}

#[test]
fn nobody_has_registered_or_fetched() {
    let report = Case::good()
        .with(|case| {
            case.surroundings().registrations = Observed::Known(BTreeMap::new());
            case.happenings.fetches = Observed::Known(vec![]);
            case.happenings.images = Observed::Known(vec![]);
        })
        .check(&[
            "task-server: not observed: 0 of 1 client; 1 registered with nobody",
            "package-server: not observed: deployment clients fetched nothing since the baseline",
            "smp-load: not observed: no deployment since the baseline (packages 10 -> 11, tasks 100 -> 110 since 08:30)",
            "deploy-image: not observed: deployment clients fetched nothing since the baseline",
            "capture-image: not observed: no image was captured since the baseline",
        ]);
    assert_eq!(report.outcome(), Outcome::Open);
    assert_eq!(
        report.awaited(),
        [
            "task-server",
            "package-server",
            "smp-load",
            "deploy-image",
            "capture-image"
        ]
    );
}

#[test]
fn what_cannot_be_read_is_not_waited_for() {
    let report = Case::good()
        .with(|case| {
            case.baseline = None;
            case.surroundings().registrations = none();
        })
        .report();
    assert_eq!(report.outcome(), Outcome::Open);
    assert_eq!(report.awaited(), Vec::<&str>::new(), "{report:?}");
}

#[test]
fn what_was_fetched_before_the_baseline_does_not_count() {
    let old = Case::good().with(|case| {
        let smp = case.seen.server_guid("SMP01.corp.example");
        let golden = case.seen.snapshot.packages.known().unwrap()[0].guid;
        let fetches = known(&mut case.happenings.fetches);
        fetches.push(fetch(1, golden, smp, "08:00"));
    });
    old.check(&[]);
    // Without a baseline it does, and the rows that need one cannot be told.
    let open = old.with(|case| case.baseline = None);
    open.check(&[
        "package-server: not met: 1 of 2 downloads / IMAGE-1 golden from SMP01.corp.example",
        "smp-load: unknown: there is no baseline: take one before the job",
        "deploy-image: not met: 1 of 2 downloads / IMAGE-1 golden from SMP01.corp.example",
        "capture-image: unknown: there is no baseline that says which images are new",
    ]);
}

#[test]
fn an_image_from_a_server_that_it_is_not_assigned_to() {
    Case::good()
        .with(|case| {
            let seen = case.seen.clone().server("DEPLOY02.corp.example", &["192.168.10.2"], "package");
            let second = seen.server_guid("DEPLOY02.corp.example");
            let golden = seen.snapshot.packages.known().unwrap()[0].guid;
            case.seen = seen;
            case.happenings.fetches =
                Observed::Known(vec![fetch(1, golden, second, "09:00")]);
        })
        // It stands in the site, so the site allows it; the pin does not.
        .check(&["deploy-image: not met: 0 of 1 download since the baseline / IMAGE-1 golden from DEPLOY02.corp.example"]);
}

/// Packages that a site declares by a pattern are judged like those of its tasks.
#[test]
fn images_by_pattern() {
    let by_pattern = |pattern: &str| {
        Case::good().with(|case| {
            let site = |site: &mut DesiredSite| site.deploy_tasks.clear();
            case.desired = case.desired.clone().of("Lab", site).package(
                PackageSelector::Match(Name::new(pattern)),
                "servers DEPLOY01.corp.example",
                &["Lab"],
            );
        })
    };
    let _ = by_pattern("GOLD*").check(&[]);
    let _ = by_pattern("silver*")
        .check(&["deploy-image: unknown: no DeploymentSite declares `deployTasks` or `packages`"]);
}

#[test]
fn load_and_captures() {
    Case::good()
        .with(|case| {
            let smp = case.seen.server_guid("SMP01.corp.example");
            known(&mut case.happenings.load).insert(
                smp,
                Load {
                    package: 12,
                    task: 100,
                },
            );
            known(&mut case.happenings.images)[0].host = Some(Name::new("SMP01"));
        })
        .check(&[
            "smp-load: not met: packages 10 -> 12, tasks 100 -> 100 since 08:30",
            "capture-image: not met: 0 of 1 new image / captured on SMP01",
        ]);
}

#[test]
fn without_the_carve_out_the_office_may_use_the_deployment_server() {
    let report = Case::good()
        .with(|case| {
            known(&mut case.seen.snapshot.subnets).retain(|s| s.subnet != Ok(net("192.168.0.12/32")));
        })
        .check(&[
            "clients-outside: not met: 1 of 1 client outside / OFFICE-1 eligible for `DEPLOY01.corp.example` as package server / OFFICE-1 eligible for `DEPLOY01.corp.example` as task server",
        ]);
    assert!(!report.rows[6].differing[0].why.is_empty());
}

#[test]
fn an_overlap() {
    let report = Case::good()
        .with(|case| {
            case.seen = case
                .seen
                .clone()
                .site("Branch")
                .subnet("192.168.10.128/25", &["Branch"]);
        })
        .report();
    assert_eq!(report.rows[2].verdict, Verdict::NotMet, "{report:?}");
}

#[test]
fn what_cannot_be_read_is_unknown_and_may_be_vouched_for() {
    let blind = Case::good().with(|case| {
        case.happenings = Happenings {
            fetches: none(),
            load: none(),
            images: none(),
        };
        case.surroundings().registrations = none();
    });
    let report = blind.report();
    let unknown: Vec<&str> = report
        .rows
        .iter()
        .filter(|row| row.verdict == Verdict::Unknown)
        .map(|row| row.id)
        .collect();
    assert_eq!(
        unknown,
        [
            "task-server",
            "package-server",
            "smp-load",
            "deploy-image",
            "capture-image",
            "clients-outside"
        ]
    );
    assert!(report.rows[0].look.contains("Task Status tab"));
    let vouched = blind.with(|case| {
        case.seen = case.seen.clone().attested("verify:task-server", "met");
    });
    let row = &vouched.report().rows[0];
    assert_eq!((row.verdict, row.attested.is_some()), (Verdict::Met, true));
    // Nobody's word outweighs what was seen.
    let wrong = Case::good().with(|case| {
        let smp = case.seen.server_guid("SMP01.corp.example");
        known(&mut case.surroundings().registrations).insert(Guid::from_u128(0x6001), smp);
        case.seen = case.seen.clone().attested("verify:task-server", "met");
    });
    assert_eq!(wrong.report().rows[0].verdict, Verdict::NotMet);
}

#[test]
fn without_clients_or_sites_nothing_is_met() {
    let blind = Case::good().with(|case| case.surroundings().clients = none());
    assert!(
        blind
            .report()
            .rows
            .iter()
            .filter(|row| [
                "task-server",
                "package-server",
                "deploy-image",
                "clients-outside"
            ]
            .contains(&row.id))
            .all(|row| row.verdict == Verdict::Unknown)
    );
    let undeclared = Case::good().with(|case| case.desired = desired());
    let report = undeclared.report();
    assert_ne!(report.outcome(), Outcome::Met);
    let apart = report.rows.iter().find(|row| row.id == "clients-outside");
    assert_eq!(
        apart.unwrap().expected,
        "none eligible for, registered with or served by the servers of a DeploymentSite"
    );
}

#[test]
fn one_server() {
    let case = Case::good();
    let mut world = World::observed(&case.seen.snapshot);
    declare(&mut world, &case.desired);
    let input = Inputs {
        view: View {
            world: &world,
            desired: Some(&case.desired),
            snapshot: Some(&case.seen.snapshot),
            ownership: None,
            planned: None,
        },
        snapshot: &case.seen.snapshot,
        happenings: &case.happenings,
        baseline: None,
        tolerance: 10,
    };
    let verdicts = |server: &str| -> Vec<String> {
        let report = verify_server(&input, case.seen.server_guid(server)).unwrap();
        report
            .rows
            .iter()
            .map(|row| format!("{}: {}", row.id, row.verdict.as_str()))
            .collect()
    };
    assert_eq!(
        verdicts("DEPLOY01.corp.example"),
        [
            "answers: unknown",
            "inventory: unknown",
            "roles: met",
            "prerequisites: unknown",
            "registrations: met",
            "packages: met"
        ]
    );
    assert!(verify_server(&input, Guid::from_u128(1)).is_none());
}

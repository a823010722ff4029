//! Plans for the tests of this module, made by the planner itself where that is possible.
//!
//! Pure.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use crate::diff::{Change, Found, predicted};
use crate::model::{
    Assignment, Desired, Event, Guid, Held, Name, Origin, Outcome, Platform, Role, RunSummary,
    ServerRef, SiteRef, StepCount, StepId, StepKind, Subnet,
};
use crate::plan::{
    Context, Names, Note, Plan, Reach, Severity, Standing, objects, picture, plan_steps,
};
use crate::select::{Selector, World, WorldServer, WorldSite, impact};

fn guid(number: u128) -> Guid {
    Guid::from_u128(number)
}

fn server(name: &str, number: u128) -> ServerRef {
    ServerRef {
        name: Name::new(name),
        guid: guid(number),
    }
}

fn smp() -> ServerRef {
    server("SMP01.corp.example", 10)
}

fn office() -> ServerRef {
    server("SITE01.corp.example", 11)
}

fn deploy() -> ServerRef {
    server("DEPLOY01.corp.example", 12)
}

fn image() -> ServerRef {
    server("Win11-24H2 golden", 20)
}

fn site(name: &str, number: u128) -> SiteRef {
    SiteRef {
        name: Name::new(name),
        guid: (number > 0).then(|| guid(number)),
    }
}

fn subnet(text: &str) -> Subnet {
    text.parse().unwrap()
}

fn origin(line: u32) -> Origin {
    Origin {
        file: "sites.yaml".into(),
        line,
        column: 3,
    }
}

fn package(before: Assignment, after: Assignment, holders: Option<BTreeSet<Guid>>) -> Change {
    let ServerRef { name, guid } = image();
    Change::Package {
        package: crate::model::PackageRef { name, guid },
        before,
        after,
        created_sites: vec![],
        sites: vec![Name::new("Deployment_Site")],
        holders,
    }
}

fn plan_of(changes: Vec<(Change, u32)>, notes: Vec<Note>) -> Plan {
    let found: Vec<Found> = changes
        .into_iter()
        .map(|(change, line)| Found {
            change,
            origin: (line > 0).then(|| origin(line)),
        })
        .collect();
    let names: Names = [smp(), office(), deploy(), image()]
        .into_iter()
        .map(|server| (server.guid, server.name))
        .collect();
    let mut world = World {
        platform: Some(smp().guid),
        ..World::default()
    };
    for (ServerRef { name, guid }, host) in [smp(), office(), deploy()].into_iter().zip(10..) {
        world.servers.insert(
            guid,
            WorldServer {
                name,
                addresses: Some(BTreeSet::from([(Ipv4Addr::new(192, 168, 0, host), 24)])),
                roles: Some(BTreeSet::from([Role::Package, Role::Task])),
                answering: None,
                registered: None,
            },
        );
    }
    // Sites that the changes name by GUID are there before.
    let mut present: Vec<&SiteRef> = found
        .iter()
        .filter_map(|found| match &found.change {
            Change::SubnetTo { site, .. }
            | Change::ServerTo { site, .. }
            | Change::ServerOut { site, .. }
            | Change::Constrain { site, .. }
            | Change::RenameSite { site, .. }
            | Change::DescribeSite { site, .. }
            | Change::DeleteSite { site } => Some(site),
            _ => None,
        })
        .filter(|site| site.guid.is_some())
        .collect();
    present.sort();
    present.dedup();
    for site in present {
        world.sites.push(WorldSite {
            name: site.name.clone(),
            guid: site.guid,
            declared: None,
            manual: BTreeSet::new(),
            constrained: Some(false),
        });
    }
    let after = predicted(&world, &Desired::default(), &found);
    let impact = impact(&Selector::new(&world), &Selector::new(&after), None);
    let steps = plan_steps(
        &found,
        &Context {
            before: &world,
            after: &after,
        },
    )
    .unwrap()
    .steps;
    Plan {
        names: Names::new(),
        tool_version: "0.1.0".into(),
        platform: Platform {
            server: guid(10),
            name: smp().name,
        },
        lineage: "b1c2".into(),
        serial: 7,
        journal_sequence: 41,
        desired_digest: "d".repeat(64),
        snapshot_digest: "5".repeat(64),
        stale_since: None,
        picture: picture(&world, &after, &objects(&found, &names)),
        changes: objects(&found, &names),
        impact,
        reach: Reach::default(),
        steps,
        notes,
        counts: BTreeMap::new(),
    }
}

fn note(severity: Severity, standing: Standing, id: &str, message: &str, remedy: &str) -> Note {
    Note {
        severity,
        standing,
        id: id.into(),
        message: message.into(),
        remedy: remedy.into(),
        sources: if id.starts_with("SW") {
            Vec::new()
        } else {
            vec!["431459".into()]
        },
        places: vec![origin(3), origin(11)],
        allowed: None,
    }
}

fn carve_out() -> Note {
    note(
        Severity::Info,
        Standing::Remains,
        "subnet-overlap",
        "subnet `192.168.0.12/32` of `Deployment_Site` lies inside `192.168.0.0/24` of `HQ`",
        "a server's own address is carved out: this rests on the assumption that the most specific subnet decides a server's site",
    )
}

fn latency() -> Note {
    Note {
        places: vec![],
        ..note(
            Severity::Warning,
            Standing::Resolved,
            "flat-lan",
            "`DEPLOY01.corp.example`, `SITE01.corp.example` and `SMP01.corp.example` are all valid package and task servers for `192.168.0.0/24`, which is in no site: latency decides, and agents drift",
            "put the subnets into sites, each with the servers that are to serve it",
        )
    }
}

/// Nothing to do.
pub(super) fn empty() -> Plan {
    plan_of(vec![], vec![])
}

/// The first plan of the flat LAN: two sites and a carve-out.
pub(super) fn flat_lan() -> Plan {
    let to = |text: &str, number: u128, name: &str| Change::SubnetTo {
        subnet: subnet(text),
        guid: (number > 0).then(|| guid(number)),
        before: vec![],
        site: site(name, 0),
    };
    let create = |name: &str, description: Option<&str>| Change::CreateSite {
        name: Name::new(name),
        description: description.map(ToOwned::to_owned),
        protected: false,
    };
    plan_of(
        vec![
            (create("HQ", None), 3),
            (
                create("Deployment_Site", Some("Imaging VLAN, building 4")),
                11,
            ),
            (to("192.168.0.0/24", 30, "HQ"), 6),
            (to("192.168.10.0/24", 31, "Deployment_Site"), 15),
            (to("192.168.0.12/32", 0, "Deployment_Site"), 16),
            (
                Change::ServerTo {
                    server: office(),
                    site: site("HQ", 0),
                },
                7,
            ),
            (
                Change::ServerTo {
                    server: deploy(),
                    site: site("Deployment_Site", 0),
                },
                18,
            ),
            (
                Change::Constrain {
                    site: site("Deployment_Site", 0),
                    before: None,
                    after: true,
                },
                17,
            ),
            (
                Change::CaptureTarget {
                    before: None,
                    after: deploy(),
                    readable: true,
                },
                21,
            ),
        ],
        vec![latency()],
    )
}

/// Adopting and releasing only.
pub(super) fn records_only() -> Plan {
    plan_of(
        vec![
            (
                Change::AdoptSite {
                    site: server("HQ", 40),
                    protected: true,
                },
                3,
            ),
            (
                Change::AdoptSubnet {
                    subnet: subnet("192.168.0.0/24"),
                    guid: guid(30),
                },
                6,
            ),
            (
                Change::ReleaseSubnet {
                    name: Name::new("10.9.0.0/16"),
                    guid: guid(32),
                    how: Held::Adopted,
                    gone: true,
                },
                0,
            ),
            (
                Change::Protect {
                    site: server("Berlin", 41),
                    on: false,
                },
                0,
            ),
        ],
        vec![],
    )
}

/// Two errors of one kind and one of another.
pub(super) fn blocked() -> Plan {
    let unknown = |name: &str| {
        note(
            Severity::Error,
            Standing::Blocks,
            "SW0506",
            &format!("server `{name}`: the SMP shows no computer of that name"),
            "a site server is an existing managed computer: check the spelling, its inventory, and that the account may see it",
        )
    };
    plan_of(
        vec![(
            Change::CreateSite {
                name: Name::new("HQ"),
                description: None,
                protected: true,
            },
            3,
        )],
        vec![
            unknown("BRANCH07.corp.example"),
            unknown("BRANCH08.corp.example"),
            note(
                Severity::Error,
                Standing::Blocks,
                "subnet-in-two-sites",
                "subnet `10.7.0.0/24` belongs to `HQ` and `Berlin`",
                "let one site only have it: an address in two sites is served by either",
            ),
        ],
    )
}

/// Every console step.
pub(super) fn console() -> Plan {
    plan_of(
        vec![
            (
                Change::Role {
                    server: deploy(),
                    role: Role::Task,
                    readable: false,
                },
                18,
            ),
            (
                Change::ServerTo {
                    server: deploy(),
                    site: site("Deployment_Site", 42),
                },
                18,
            ),
            (
                package(
                    Assignment::All,
                    Assignment::Servers([deploy().guid].into()),
                    None,
                ),
                22,
            ),
            (
                Change::Constrain {
                    site: site("Deployment_Site", 42),
                    before: Some(false),
                    after: true,
                },
                17,
            ),
            (
                Change::InvalidSubnets {
                    expression: r"^(0\.|169\.254\.)".into(),
                },
                30,
            ),
        ],
        vec![],
    )
}

/// What the other samples lack.
pub(super) fn everything() -> Plan {
    let mut plan = plan_of(
        vec![
            (
                Change::DescribeSite {
                    site: site("HQ", 40),
                    before: "Head office\n\nfloor 1\nfloor 2\nfloor 3\ncontact: Jo\n".into(),
                    after: "Head office\n\nfloor 1\nfloor 2\nfloor 3\ncontact: \u{1b}[31mKim"
                        .into(),
                },
                4,
            ),
            (
                Change::ServerOut {
                    server: deploy(),
                    site: site("HQ", 40),
                },
                0,
            ),
            (
                Change::ServerTo {
                    server: office(),
                    site: site("HQ", 40),
                },
                7,
            ),
            (
                Change::DescribeSite {
                    site: site("Berlin", 41),
                    before: String::new(),
                    after: "Branch".into(),
                },
                0,
            ),
            (
                Change::DeleteSite {
                    site: site("Paris", 43),
                },
                0,
            ),
            (
                Change::SubnetTo {
                    subnet: subnet("192.168.10.0/24"),
                    guid: Some(guid(31)),
                    before: vec![site("HQ", 40)],
                    site: site("Berlin", 41),
                },
                15,
            ),
            (
                Change::SubnetOut {
                    subnet: subnet("10.1.0.0/16"),
                    guid: guid(33),
                    before: vec![site("Paris", 43)],
                    delete: true,
                },
                0,
            ),
            (
                package(
                    Assignment::Servers([office().guid, smp().guid].into()),
                    Assignment::Servers([deploy().guid].into()),
                    Some([deploy().guid].into()),
                ),
                22,
            ),
        ],
        vec![],
    );
    // Only an earlier run that died leaves this.
    let ServerRef { name, guid } = server("Drivers", 21);
    plan.steps.push(crate::model::Step {
        id: StepId("await-package:Drivers".into()),
        action: crate::model::Action::AwaitHolders {
            package: crate::model::PackageRef { name, guid },
            servers: (0..6).map(|n| server(&format!("PS0{n}"), 60 + n)).collect(),
        },
        by: crate::model::By::Api,
        reason: "clients need a package server that holds it".into(),
        depends_on: vec![],
    });
    plan
}

/// Many subnets for one site, and a few moves.
pub(super) fn huge(subnets: u32) -> Plan {
    let mut changes = vec![(
        Change::CreateSite {
            name: Name::new("HQ"),
            description: None,
            protected: false,
        },
        3,
    )];
    for number in 0..subnets {
        let network = std::net::Ipv4Addr::from((10 << 24) + (number << 8));
        changes.push((
            Change::SubnetTo {
                subnet: Subnet::containing(network, 24).unwrap(),
                guid: None,
                before: vec![],
                site: site("HQ", 0),
            },
            6,
        ));
    }
    for number in 0..5 {
        changes.push((
            Change::SubnetTo {
                subnet: subnet(&format!("172.16.{number}.0/24")),
                guid: Some(guid(1000 + number)),
                before: vec![site("Berlin", 41)],
                site: site("HQ", 0),
            },
            7,
        ));
    }
    plan_of(changes, vec![])
}

/// Every sample.
pub(super) fn all() -> Vec<Plan> {
    vec![
        empty(),
        flat_lan(),
        records_only(),
        blocked(),
        console(),
        everything(),
        huge(300),
    ]
}

/// Notes of every standing.
pub(super) fn findings() -> Vec<Note> {
    let mut notes = blocked().notes;
    notes.truncate(1);
    notes.extend([
        carve_out(),
        latency(),
        note(
            Severity::Error,
            Standing::Existing,
            "subnet-in-two-sites",
            "subnet `10.7.0.0/24` belongs to `A` and `B`",
            "let one site only have it: an address in two sites is served by either",
        ),
    ]);
    notes
}

/// How the flat LAN's plan ends where one assignment is refused.
pub(super) fn outcomes() -> Vec<(StepId, Outcome)> {
    let plan = flat_lan();
    let mut outcomes: Vec<(StepId, Outcome)> = Vec::new();
    for step in &plan.steps {
        let on: Vec<StepId> = step
            .depends_on
            .iter()
            .filter_map(|on| outcomes.get(usize::try_from(*on).unwrap()))
            .filter(|(_, outcome)| !matches!(outcome, Outcome::Done | Outcome::AlreadyDone))
            .map(|(id, _)| id.clone())
            .collect();
        let outcome = if !on.is_empty() {
            Outcome::Waiting { on }
        } else if step.kind() == StepKind::Manual {
            Outcome::Open
        } else if step.id.0 == "create-site:HQ" {
            Outcome::AlreadyDone
        } else if step.id.0.starts_with("assign-server:Deployment_Site") {
            Outcome::Failed {
                code: "SW0601".into(),
                error: "the SMP refused the association: access is denied".into(),
                hint: Some("check that the account may manage sites".into()),
            }
        } else {
            Outcome::Done
        };
        outcomes.push((step.id.clone(), outcome));
    }
    assert!(outcomes.len() > 8, "the sample has lost its steps");
    outcomes
}

/// The events of that run.
pub(super) fn events() -> Vec<Event> {
    let outcomes = outcomes();
    let Some((first, _)) = outcomes.first() else {
        panic!("the sample has no steps");
    };
    let mut events = vec![
        Event::RunStarted {
            run: "r-0001".into(),
            steps: u32::try_from(outcomes.len()).unwrap(),
        },
        Event::StillWaiting {
            step: first.clone(),
            condition: "the site to appear in the list of sites".into(),
            milliseconds: 12_000,
        },
    ];
    for (step, outcome) in outcomes {
        events.push(Event::StepStarted { step: step.clone() });
        events.push(Event::StepEnded {
            step,
            outcome,
            milliseconds: 210,
        });
    }
    events.push(Event::StepEnded {
        step: StepId("unknown:step".into()),
        outcome: Outcome::Cancelled,
        milliseconds: 0,
    });
    events.push(Event::RunEnded {
        run: "r-0001".into(),
        summary: RunSummary {
            steps: StepCount::default(),
            milliseconds: 65_000,
        },
    });
    events
}

//! The examples, applied: each world ends as an administrator would have made it by hand with the steps of article
//! 431459, nobody loses a server on the way, and the second plan is empty.

use sitewright::model::{Event, Outcome};
use sitewright_sim::{ConsoleAction, Language, Options, World};

use crate::support::{Lab, example};

fn options(scenario: &str, seed: u64, language: Language) -> Options {
    Options::builtin(scenario)
        .unwrap()
        .with_seed(seed)
        .with_language(language)
}

/// Article 431459, steps 1 to 4 and the two imaging controls, done in the console.
pub(crate) fn by_hand(
    world: &World,
    deployment_subnets: &[&str],
    description: &str,
    network_boot: bool,
) {
    let text = |text: &str| text.to_owned();
    let mut actions = vec![
        ConsoleAction::NewSite {
            name: text("HQ"),
            description: String::new(),
        },
        ConsoleAction::AssignServer {
            server: text("SITE01.corp.example"),
            site: text("HQ"),
        },
        ConsoleAction::NewSite {
            name: text("Deployment_Site"),
            description: text(description),
        },
        ConsoleAction::AssignServer {
            server: text("DEPLOY01.corp.example"),
            site: text("Deployment_Site"),
        },
    ];
    for subnet in deployment_subnets {
        actions.push(ConsoleAction::AddSubnet {
            site: text("Deployment_Site"),
            subnet: text(subnet),
        });
    }
    actions.push(ConsoleAction::AddSubnet {
        site: text("HQ"),
        subnet: text("192.168.0.0/24"),
    });
    if network_boot {
        actions.push(ConsoleAction::InstallRole {
            server: text("DEPLOY01.corp.example"),
            role: text("networkBoot"),
        });
    }
    actions.extend([
        ConsoleAction::Constrain {
            site: text("Deployment_Site"),
            state: text("on"),
        },
        ConsoleAction::PinPackage {
            package: text("Win11-24H2 golden"),
            servers: vec![text("DEPLOY01.corp.example")],
        },
        ConsoleAction::CaptureTarget {
            server: text("DEPLOY01.corp.example"),
        },
    ]);
    for action in actions {
        world.console(action).unwrap();
    }
}

async fn ends_as_by_hand(
    folder: &str,
    scenario: &str,
    seed: u64,
    language: Language,
    reports: bool,
    by_hand: impl Fn(&World),
) {
    let mut lab = Lab::start(options(scenario, seed, language));
    if reports {
        lab.install_reports().await;
    }
    let desired = example(folder);
    let addresses = lab.addresses();
    assert!(addresses.len() > 20);
    assert_eq!(lab.stranded(&addresses), [""; 0]);
    let mut faults = Vec::new();
    lab.converge_watched(&desired, &mut |event| {
        if let Event::StepEnded { step, outcome, .. } = event
            && *outcome == Outcome::Done
        {
            let stranded = lab.stranded(&addresses);
            if !stranded.is_empty() {
                faults.push(format!("after {step}: {stranded:?}"));
            }
        }
    })
    .await;
    assert_eq!(faults, [""; 0]);
    assert!(lab.plan(&desired).await.steps.is_empty());

    let other = World::open(options(scenario, seed, language)).unwrap();
    by_hand(&other);
    assert_eq!(settled(lab.world()), settled(&other));
}

/// A world's dump once everything has come to rest.
pub(crate) fn settled(world: &World) -> String {
    world.tick(std::time::Duration::from_hours(24));
    world.dump()
}

#[tokio::test]
async fn deployment_site() {
    for (seed, language, reports) in [
        (1, Language::En, true),
        (1, Language::En, false),
        (7, Language::De, true),
        (7, Language::De, false),
    ] {
        ends_as_by_hand(
            "deployment-site",
            "flat-lan",
            seed,
            language,
            reports,
            |world| {
                by_hand(
                    world,
                    &["192.168.0.12/32", "192.168.10.0/24"],
                    "Imaging VLAN, building 4",
                    false,
                );
            },
        )
        .await;
    }
}

#[tokio::test]
async fn isolated_vlan() {
    for (seed, language, reports) in [(1, Language::En, true), (7, Language::De, false)] {
        ends_as_by_hand(
            "isolated-vlan",
            "isolated-vlan",
            seed,
            language,
            reports,
            |world| {
                by_hand(world, &["192.168.10.0/24"], "Isolated imaging VLAN", true);
            },
        )
        .await;
    }
}

/// A server that was set up anew has lost the reports which the profile names: everything is read by calls instead.
#[tokio::test]
async fn reports_that_the_server_lost_are_done_without() {
    let mut lab = Lab::start(options("flat-lan", 1, Language::En));
    lab.install_reports().await;
    let desired = example("deployment-site");
    let with_reports = lab.plan(&desired).await;
    let other = Lab::start(options("flat-lan", 1, Language::En));
    lab.transport = other.transport.clone();
    lab.writing = other.writing.clone();
    let without = lab.plan(&desired).await;
    assert_eq!(without, other.plan(&desired).await);
    assert_eq!(without.changes, with_reports.changes);
    lab.install_reports().await;
    assert_eq!(lab.plan(&desired).await, with_reports);
}

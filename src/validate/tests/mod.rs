//! Findings before and after: `check(desired, before, after, touched, expect)`; what one check says of one world:
//! `finds(id, desired, seen, expect)`. A file a theme.

mod clients;
mod comments;
mod deployment;
mod expression;
mod foreign;
mod judge;
mod servers;
mod subnets;

use super::*;
use crate::diff::declare;
use crate::model::testing::*;
use crate::model::{Client, Desired, Guid, Name, Observed};

fn seen_as(desired: &Desired, seen: &Seen) -> World {
    let mut world = World::observed(&seen.snapshot);
    declare(&mut world, desired);
    world
}

fn view<'a>(world: &'a World, desired: &'a Desired, seen: &'a Seen) -> View<'a> {
    View {
        world,
        desired: Some(desired),
        snapshot: Some(&seen.snapshot),
        ownership: Some(&seen.ownership),
        planned: None,
    }
}

/// What one check says of one world, `severity: message` a line.
#[track_caller]
fn finds(id: &str, desired: &Desired, seen: &Seen, expect: &str) {
    finds_planned(id, desired, seen, None, expect);
}

/// The same of a world that a plan leads to.
#[track_caller]
fn finds_planned(
    id: &str,
    desired: &Desired,
    seen: &Seen,
    planned: Option<&Planned>,
    expect: &str,
) {
    let world = seen_as(desired, seen);
    let view = View {
        planned,
        ..view(&world, desired, seen)
    };
    said(id, &view, expect);
}

/// What one check says of declarations alone.
#[track_caller]
fn finds_offline(id: &str, desired: &Desired, expect: &str) {
    let world = World::declared(desired);
    said(id, &View::declared(&world, desired), expect);
}

#[track_caller]
fn said(id: &str, view: &View<'_>, expect: &str) {
    assert!(
        checks().any(|check| check.id == id),
        "no check is called {id}"
    );
    let found: Vec<String> = findings(view)
        .iter()
        .filter(|(check, _)| check.id == id)
        .map(|(_, finding)| format!("{:?}: {}", finding.severity, finding.message))
        .collect();
    let expect: Vec<&str> = expect
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    let found = found.join("\n");
    assert_eq!(found, expect.join("\n"), "\n{found}\n");
}

/// A client that was seen.
fn client(number: u128, address: &str, prefix: u8) -> Client {
    Client {
        guid: Guid::from_u128(0x6000 + number),
        name: Name::new(&format!("PC{number}.corp.example")),
        addresses: vec![(address.parse().unwrap(), prefix)],
        plug_ins: None,
    }
}

/// A world with these clients.
fn with_clients(seen: Seen, clients: Vec<Client>) -> Seen {
    seen.but(|snapshot| snapshot.surroundings.clients = Observed::Known(clients))
}

/// The example of article 431459: HQ with the SMP and a site server, the imaging VLAN, the deployment server in the
/// office LAN.
fn example() -> Seen {
    bare()
        .server("SMP01", &["192.168.0.10"], "package task")
        .server("SITE01", &["192.168.0.11"], "package task")
        .server("DEPLOY01", &["192.168.0.12"], "package task")
        .site("HQ")
        .site("Imaging")
        .subnet("192.168.0.0/24", &["HQ"])
        .subnet("192.168.10.0/24", &["Imaging"])
        .assign("HQ", &["SITE01"])
        .assign("Imaging", &["DEPLOY01"])
}

/// The same with the deployment server carved out.
fn carved() -> Seen {
    example().subnet("192.168.0.12/32", &["Imaging"])
}

fn wanted() -> Desired {
    desired().site("HQ").deployment_site("Imaging")
}

#[track_caller]
fn check(desired: &Desired, before: &Seen, after: &Seen, touched: &[&str], expect: &str) {
    let touched = touched.iter().map(ToString::to_string).collect();
    let (was, will) = (seen_as(desired, before), seen_as(desired, after));
    let found: Vec<String> = judge(
        &view(&was, desired, before),
        &view(&will, desired, after),
        &touched,
    )
    .iter()
    .map(|n| format!("{:?} {:?} {}: {}", n.severity, n.standing, n.id, n.message))
    .collect();
    let expect: Vec<&str> = expect
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    let found = found.join("\n");
    assert_eq!(found, expect.join("\n"), "\n{found}\n");
}

fn two() -> Seen {
    bare()
        .server("SMP01", &["192.168.0.10"], "package task")
        .site("HQ")
        .site("Lab")
}

//! One site server after work on it: article 001's validation after an upgrade of its operating system.
//!
//! Pure. The article sends to a list of things to look at once the machine is back; each that a server shows is a row.

use super::{Differing, Report, Row, Verdict, count};
use crate::model::{Facts, Guid, Name, Observed, Role};
use crate::plan::Severity;
use crate::select::WorldServer;
use crate::validate::findings;

use super::rows::{FORMAT_VERSION, Inputs};

/// The checks that judge what a site server needs.
const NEEDS: [&str; 5] = [
    "role-prerequisite",
    "dotnet-version",
    "task-on-desktop-os",
    "plugin-missing",
    "deployment-package-server",
];

/// Verifies one site server; `None` where the world has no such server.
#[must_use]
pub fn verify_server(input: &Inputs<'_>, server: Guid) -> Option<Report> {
    let world = input.view.world;
    let known = world.servers.get(&server)?;
    let nothing = Facts::unavailable("the server was not asked for its facts");
    let facts = input
        .snapshot
        .surroundings
        .facts
        .get(&server)
        .unwrap_or(&nothing);
    Some(Report {
        format_version: FORMAT_VERSION,
        rows: vec![
            answers(facts),
            inventory(facts),
            roles(input, known),
            needs(input, &known.name, facts),
            tasks(input, server, known),
            packages(input, server, known),
        ],
    })
}

fn row(
    (id, title, look): (&'static str, &'static str, &'static str),
    evidence: &[&'static str],
    verdict: Verdict,
    expected: &str,
    found: String,
) -> Row {
    Row {
        id,
        title,
        verdict,
        evidence: evidence.to_vec(),
        expected: expected.into(),
        found,
        differing: Vec::new(),
        look: if verdict == Verdict::Met { "" } else { look },
        attested: None,
    }
}

fn answers(facts: &Facts) -> Row {
    let frame = (
        "answers",
        "The server answers",
        "Site Server Settings > Site Servers > the server: its status",
    );
    let (verdict, found) = match &facts.answering {
        Observed::Known(true) => (Verdict::Met, "it answers".to_owned()),
        Observed::Known(false) => (Verdict::NotMet, "it does not answer".to_owned()),
        Observed::Unavailable(reason) => (Verdict::Unknown, reason.clone()),
    };
    row(frame, &["evidence.facts.answering"], verdict, "yes", found)
}

fn inventory(facts: &Facts) -> Row {
    let frame = (
        "inventory",
        "Inventory has come since the work",
        "on the server: Symantec Management Agent, Send Basic Inventory; then compare the time",
    );
    let (verdict, found) = match (&facts.inventoried, &facts.operating_system) {
        (Observed::Known(when), Observed::Known(system)) => {
            (Verdict::Met, format!("{when}, {system}"))
        }
        (Observed::Known(when), Observed::Unavailable(_)) => (Verdict::Met, when.clone()),
        (Observed::Unavailable(reason), _) => (Verdict::Unknown, reason.clone()),
    };
    let expected = "a time after the work, and the new operating system: judge by what is found";
    row(
        frame,
        &[
            "evidence.facts.inventoried",
            "evidence.facts.operatingSystem",
        ],
        verdict,
        expected,
        found,
    )
}

fn roles(input: &Inputs<'_>, server: &WorldServer) -> Row {
    let frame = (
        "roles",
        "The site services are there",
        "Site Server Settings > Site Servers > the server > Services",
    );
    let declared: Vec<Role> = input
        .view
        .desired
        .into_iter()
        .flat_map(|desired| desired.servers.values())
        .filter(|declared| declared.name.names_same(&server.name))
        .flat_map(|declared| declared.roles.keys().copied())
        .collect();
    let words = |roles: &mut dyn Iterator<Item = Role>| {
        let list: Vec<&str> = roles.map(Role::as_str).collect();
        if list.is_empty() {
            "none".to_owned()
        } else {
            list.join(", ")
        }
    };
    let expected = if declared.is_empty() {
        "at least one (none is declared)".to_owned()
    } else {
        words(&mut declared.iter().copied())
    };
    let (verdict, found) = match &server.roles {
        None => (Verdict::Unknown, "site services cannot be read".to_owned()),
        Some(roles) => {
            let all = declared.iter().all(|role| roles.contains(role)) && !roles.is_empty();
            let verdict = if all { Verdict::Met } else { Verdict::NotMet };
            (verdict, words(&mut roles.iter().copied()))
        }
    };
    row(
        frame,
        &["associations.serviceToComputer"],
        verdict,
        &expected,
        found,
    )
}

fn needs(input: &Inputs<'_>, server: &Name, facts: &Facts) -> Row {
    let frame = (
        "prerequisites",
        "What its services need is there",
        "Site Server Settings > Site Servers > the server > Services > Install/Remove services > \
         right-click a service > View Prerequisites",
    );
    let object = format!("server {}", server.as_str().to_lowercase());
    let wrong: Vec<(Severity, Differing)> = findings(&input.view)
        .into_iter()
        .filter(|(check, finding)| NEEDS.contains(&check.id) && finding.objects.contains(&object))
        .map(|(check, finding)| {
            let differing = Differing {
                name: Name::new(check.id),
                found: finding.message,
                why: finding.remedy,
            };
            (finding.severity, differing)
        })
        .collect();
    let bad = wrong
        .iter()
        .any(|(severity, _)| *severity != Severity::Info);
    let unread = unread(facts);
    let (verdict, found) = if bad {
        (Verdict::NotMet, count(wrong.len(), "finding"))
    } else if !unread.is_empty() {
        (
            Verdict::Unknown,
            format!("not known: {}", unread.join(", ")),
        )
    } else {
        (Verdict::Met, "nothing is known to be missing".to_owned())
    };
    Row {
        differing: wrong.into_iter().map(|(_, differing)| differing).collect(),
        ..row(
            frame,
            &["evidence.facts", "product"],
            verdict,
            "no prerequisite missing (articles 180398, 180399, 273640)",
            found,
        )
    }
}

/// The facts that the services need and that are not known.
fn unread(facts: &Facts) -> Vec<&'static str> {
    let Facts {
        operating_system,
        managed,
        local,
        asset_active,
        agent_version,
        cem_mode,
        iis,
        http_server,
        dotnet,
        plug_ins,
        inventoried: _, // a row of its own
        answering: _,   // a row of its own
    } = facts;
    [
        ("operating system", operating_system.reason()),
        ("managed", managed.reason()),
        ("local", local.reason()),
        ("asset status", asset_active.reason()),
        ("agent version", agent_version.reason()),
        ("CEM mode", cem_mode.reason()),
        ("IIS", iis.reason()),
        ("HTTP server", http_server.reason()),
        (".NET", dotnet.reason()),
        ("plug-ins", plug_ins.reason()),
    ]
    .into_iter()
    .filter_map(|(fact, reason)| reason.map(|_| fact))
    .collect()
}

fn tasks(input: &Inputs<'_>, server: Guid, known: &WorldServer) -> Row {
    let frame = (
        "registrations",
        "Agents register with it for tasks",
        "on a client of the site: Symantec Management Agent, Task Status tab",
    );
    let evidence = ["evidence.taskRegistrations"];
    if !input.view.world.has_role(server, Role::Task) {
        let found = "it has no task service".to_owned();
        return row(
            frame,
            &evidence,
            Verdict::Met,
            "none: it is no task server",
            found,
        );
    }
    let (verdict, found) = match known.registered {
        None => (Verdict::Unknown, "registrations cannot be read".to_owned()),
        Some(0) => (Verdict::NotObserved, "nobody".to_owned()),
        Some(amount) => (Verdict::Met, format!("{amount} computers")),
    };
    row(frame, &evidence, verdict, "some computers", found)
}

fn packages(input: &Inputs<'_>, server: Guid, known: &WorldServer) -> Row {
    let frame = (
        "packages",
        "It holds the packages that it is assigned",
        "on the server: Symantec Management Agent, Package Server tab",
    );
    let evidence = ["evidence.packageHolders"];
    let world = input.view.world;
    if !world.has_role(server, Role::Package) {
        let found = "it has no package service".to_owned();
        return row(
            frame,
            &evidence,
            Verdict::Met,
            "none: it is no package server",
            found,
        );
    }
    let standing = world.automatic();
    let mut missing = Vec::new();
    let (mut held, mut unread) = (0, 0);
    for package in world.packages.values() {
        let assigned = package
            .assignment
            .as_ref()
            .is_some_and(|assignment| world.receivers(assignment, &standing).contains(&server));
        match &package.holders {
            _ if !assigned => {}
            None => unread += 1,
            Some(holders) if holders.contains(&server) => held += 1,
            Some(_) => missing.push(Differing {
                name: package.name.clone(),
                found: format!("not on {}", known.name),
                why:
                    "distribution takes time; `Update Distribution Points` of the package starts it"
                        .into(),
            }),
        }
    }
    let (verdict, found) = if !missing.is_empty() {
        let all = held + missing.len();
        (
            Verdict::NotMet,
            format!("{held} of {}", count(all, "package")),
        )
    } else if unread > 0 {
        (
            Verdict::Unknown,
            "who holds packages cannot be read".to_owned(),
        )
    } else if held == 0 {
        (
            Verdict::NotObserved,
            "no package is assigned to it".to_owned(),
        )
    } else {
        (Verdict::Met, count(held, "package"))
    };
    Row {
        differing: missing,
        ..row(
            frame,
            &evidence,
            verdict,
            "every package assigned to it",
            found,
        )
    }
}

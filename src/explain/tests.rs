//! Tests of explanations on small worlds.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::*;
use crate::model::testing::{Seen, world};
use crate::model::{Client, Guid, Name, Observed};
use crate::select::World;

fn ip(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

fn client(number: u128, name: &str, addresses: &[&str]) -> Client {
    Client {
        guid: Guid::from_u128(0x9000 + number),
        name: Name::new(name),
        addresses: addresses.iter().map(|a| (ip(a), 24)).collect(),
        plug_ins: None,
    }
}

/// An office and an imaging site, each with servers; the imaging site is constrained.
fn two_sites() -> Seen {
    world()
        .server("SITE01.corp.example", &["192.168.0.11"], "package task")
        .server("DEPLOY01.corp.example", &["192.168.0.12"], "package task")
        .site("HQ")
        .subnet("192.168.0.0/24", &["HQ"])
        .site("Deployment_Site")
        .constrained()
        .subnet("192.168.10.0/24", &["Deployment_Site"])
        .subnet("192.168.0.12/32", &["Deployment_Site"])
        .assign("Deployment_Site", &["DEPLOY01.corp.example"])
        .but(|snapshot| {
            snapshot.surroundings.clients = Observed::Known(vec![
                client(1, "IMAGE-001.corp.example", &["192.168.10.101"]),
                client(2, "OFFICE-001.corp.example", &["192.168.0.101"]),
                client(3, "BOTH.corp.example", &["192.168.0.102", "192.168.10.102"]),
                client(4, "PC.north.example", &["192.168.0.103"]),
                client(5, "PC.south.example", &["192.168.0.104"]),
                client(6, "BARE", &[]),
            ]);
        })
}

/// What is said of something, by a name or an address.
fn explain(seen: &Seen, asked: &str) -> Result<Explanation, AskedError> {
    let world = World::observed(&seen.snapshot);
    let packages = world.packages.keys().copied().collect();
    let explainer = Explainer::new(&world, &seen.snapshot.surroundings, Basis::Live)
        .with_packages(packages)
        .with_candidates(true);
    match Asked::read(asked)? {
        Asked::Address(address) => Ok(explainer.address(asked, address)),
        Asked::Computer(name) => {
            let subject = Directory::new(&seen.snapshot).find(&name)?;
            Ok(explainer.computer(asked, &subject))
        }
    }
}

/// `only DEPLOY01`, `agent SITE01 SMP01`: an outcome in few words.
fn brief(outcome: &Outcome) -> String {
    let names: Vec<&str> = outcome.servers.iter().map(Name::host).collect();
    format!("{} {}", outcome.choice.as_str(), names.join(" "))
        .trim_end()
        .to_owned()
}

fn roles(explanation: &Explanation) -> [String; 3] {
    let Roles {
        package,
        task,
        network_boot,
    } = &explanation.roles;
    [brief(package), brief(task), brief(network_boot)]
}

#[test]
fn tells_addresses_from_names() {
    fn check(text: &str, expect: &str) {
        let found = match Asked::read(text) {
            Ok(Asked::Address(address)) => format!("address {address}"),
            Ok(Asked::Computer(name)) => format!("computer {name}"),
            Err(error) => format!("{} {error}", error.code()),
        };
        assert!(found.contains(expect), "{text}: {found}");
    }
    check(" 192.168.10.101 ", "address 192.168.10.101");
    check("PC-17.corp.example", "computer PC-17.corp.example");
    check("büro_1", "computer büro_1");
    check("7pc", "computer 7pc");
    check("fe80::1", "SW0550 ");
    check("::ffff:10.0.0.1", "SW0550 ");
    check("10.0.0.0/8", "SW0551 ");
    check("10.0.0.256", "SW0552 ");
    check("010.0.0.1", "SW0552 ");
    check("10.0.0", "SW0552 ");
    check("", "SW0552 ");
    check("a b", "SW0552 ");
    check("PC\u{1b}[2J", "SW0552 ");
    check(&"x".repeat(300), "SW0552 ");
}

#[test]
fn finds_computers_by_either_name() {
    fn check(asked: &str, expect: &str) {
        let seen = two_sites();
        let found = match explain(&seen, asked) {
            Ok(found) => found.client.unwrap().to_string(),
            Err(error) => format!("{} {error}", error.code()),
        };
        assert_eq!(found, expect, "{asked}");
    }
    check("image-001", "IMAGE-001.corp.example");
    check("IMAGE-001.CORP.example", "IMAGE-001.corp.example");
    check("SITE01", "SITE01.corp.example");
    check("pc.SOUTH.example", "PC.south.example");
    check(
        "PC",
        "SW0554 expected one computer, found 2 with the name `PC`: `PC.north.example`, `PC.south.example`",
    );
    check(
        "PC.west.example",
        "SW0553 expected a managed computer, found none with the name `PC.west.example`",
    );
    check(
        "BARE",
        "SW0555 expected the addresses of `BARE`, found none: the inventory holds no address of this computer",
    );
}

#[test]
fn without_sites_everybody_serves() {
    let seen = world().server("SITE01.corp.example", &["192.168.0.11"], "package task");
    let found = explain(&seen, "10.0.0.1").unwrap();
    assert_eq!(
        roles(&found),
        ["random SITE01 SMP01", "agent SITE01 SMP01", "none"]
    );
    assert_eq!((found.site, found.subnet), (None, None));
    assert_eq!(found.matching, []);
}

#[test]
fn the_most_specific_assigned_subnet_decides() {
    let seen = two_sites().subnet("192.168.10.64/26", &[]);
    let found = explain(&seen, "192.168.10.101").unwrap();
    assert_eq!(roles(&found), ["only DEPLOY01", "only DEPLOY01", "none"]);
    assert_eq!(found.site, Some(Name::new("Deployment_Site")));
    // The inner one is known and in no site: it inherits.
    assert_eq!(found.subnet.unwrap().to_string(), "192.168.10.0/24");
    let around: Vec<String> = found
        .matching
        .iter()
        .map(|one| format!("{} {}", one.subnet, one.sites.len()))
        .collect();
    assert_eq!(around, ["192.168.10.64/26 0", "192.168.10.0/24 1"]);

    let found = explain(&two_sites(), "192.168.0.101").unwrap();
    assert_eq!(
        roles(&found),
        ["random SITE01 SMP01", "agent SITE01 SMP01", "none"]
    );
    let reasons: Vec<String> = found
        .candidates
        .unwrap()
        .task
        .iter()
        .map(|one| {
            format!(
                "{} {:?} {}",
                one.server.host(),
                one.verdict,
                one.obstacles.join(", ")
            )
        })
        .collect();
    assert_eq!(
        reasons,
        ["DEPLOY01 Out not in the site", "SITE01 In ", "SMP01 In "]
    );
}

#[test]
fn in_no_site_the_readings_are_told_apart() {
    let found = explain(&two_sites(), "10.9.9.9").unwrap();
    let task = &found.roles.task;
    assert_eq!(brief(task), "indeterminate DEPLOY01 SITE01 SMP01");
    assert!(task.readings.len() > 1, "{task:?}");
    assert!(task.readings.iter().all(|one| !one.source.is_empty()));
    let all: std::collections::BTreeSet<&Name> =
        task.readings.iter().flat_map(|one| &one.servers).collect();
    assert!(all.into_iter().eq(&task.servers), "{task:?}");
}

#[test]
fn a_client_with_two_addresses_is_in_two_sites() {
    let found = explain(&two_sites(), "BOTH").unwrap();
    assert_eq!(
        (&found.address, &found.site, &found.subnet),
        (&None, &None, &None)
    );
    assert_eq!(found.sites, [Name::new("Deployment_Site"), Name::new("HQ")]);
    assert_eq!(found.roles.package.servers.len(), 3);
    let each: Vec<String> = found
        .addresses
        .iter()
        .map(|one| format!("{} {}", one.standing.address, brief(&one.roles.package)))
        .collect();
    assert_eq!(
        each,
        [
            "192.168.0.102 random SITE01 SMP01",
            "192.168.10.102 only DEPLOY01"
        ]
    );
}

#[test]
fn says_whether_the_registration_agrees() {
    fn check(with: Option<&str>, expect: Option<bool>) {
        let seen = two_sites();
        let server = with.map(|name| seen.server_guid(name));
        let seen = seen.but(|snapshot| {
            let image = Guid::from_u128(0x9001);
            let registered = server.map(|server| (image, server));
            snapshot.surroundings.registrations =
                Observed::Known(registered.into_iter().collect::<BTreeMap<_, _>>());
        });
        let found = explain(&seen, "IMAGE-001").unwrap().registered.unwrap();
        assert_eq!(found.server.as_ref().map(Name::as_str), with);
        assert_eq!(Some(found.predicted), expect, "{with:?}");
    }
    check(Some("DEPLOY01.corp.example"), Some(true));
    check(Some("SITE01.corp.example"), Some(false));
    check(None, Some(false)); // it has a server, so it should be registered
    let unknown = explain(&two_sites(), "IMAGE-001").unwrap();
    assert_eq!(unknown.registered, None);
    assert!(unknown.registered_unknown.is_some());
    let address = explain(&two_sites(), "192.168.10.101").unwrap();
    assert_eq!(
        (address.registered, address.registered_unknown),
        (None, None)
    );
}

#[test]
fn a_package_comes_from_those_that_hold_it() {
    let seen = two_sites().package("Image", "all", &["SITE01.corp.example"]);
    let office = explain(&seen, "192.168.0.101").unwrap();
    assert_eq!(brief(&office.packages[0].outcome), "only SITE01");
    let imaging = explain(&seen, "192.168.10.101").unwrap();
    let package = &imaging.packages[0];
    assert_eq!(package.holders.as_ref().unwrap().len(), 1);
    assert!(
        !matches!(package.outcome.choice, Pick::Only | Pick::Random),
        "{package:?}"
    );
}

fn served_by(seen: &Seen, server: &str) -> Serving {
    let world = World::observed(&seen.snapshot);
    let server = seen.server_guid(server);
    serves(&world, &seen.snapshot.surroundings, Basis::Live, server).unwrap()
}

fn ranges(spans: &Spans) -> Vec<String> {
    spans
        .ranges
        .iter()
        .map(|span| format!("{}-{}", span.first, span.last))
        .collect()
}

#[test]
fn says_whom_a_server_leaves_alone() {
    let serving = served_by(&two_sites(), "DEPLOY01.corp.example");
    let sites: Vec<(String, usize, bool)> = serving
        .sites
        .iter()
        .map(|one| (one.site.to_string(), one.automatic.len(), one.manual))
        .collect();
    assert_eq!(sites, [("Deployment_Site".to_owned(), 1, true)]);
    let own = &serving.serves.package[0];
    assert_eq!(brief(&own.outcome), "only DEPLOY01");
    assert_eq!(
        ranges(&own.spans),
        ["192.168.0.12-192.168.0.12", "192.168.10.0-192.168.10.255"]
    );
    assert_eq!(own.spans.addresses, 257);
    let names = own.clients.as_ref().unwrap();
    assert_eq!((names.count, names.names.len()), (1, 1));

    let down = &serving.down.task;
    assert_eq!(down.stranded_addresses, 257);
    assert_eq!(down.stranded_clients, Some(1));
    assert!(down.affected[0].stranded);
    assert_eq!(brief(&down.affected[0].instead), "none");
    // BOTH also has an address in the office, where two servers are left.
    let rest: Vec<&str> = down.affected[1..]
        .iter()
        .filter_map(|one| one.clients.as_ref())
        .flat_map(|clients| clients.names.iter().map(Name::host))
        .collect();
    assert_eq!(rest, ["BOTH"]);
    // Without an address nobody can say where BARE is.
    assert_eq!(serving.clients_without_address, Some(1));
}

#[test]
fn nobody_is_left_alone_where_there_are_others() {
    let serving = served_by(&two_sites(), "SITE01.corp.example");
    for (role, loss) in serving.down.iter() {
        assert_eq!(loss.stranded_addresses, 0, "{role}");
        assert_eq!(loss.stranded_clients, Some(0), "{role}");
    }
    let instead = &serving.down.package.affected[0];
    assert_eq!(brief(&instead.instead), "only SMP01");
    assert_eq!(
        ranges(&instead.spans),
        ["192.168.0.0-192.168.0.11", "192.168.0.13-192.168.0.255"]
    );
}

#[test]
fn what_is_lost_is_what_was_served() {
    let seen = two_sites()
        .server("PXE01.corp.example", &["192.168.10.5"], "networkBoot")
        .server(
            "FAR.corp.example",
            &["10.1.0.5", "172.16.0.9"],
            "package networkBoot",
        )
        .site("Far")
        .subnet("10.0.0.0/8", &["Far"])
        .subnet("10.1.0.0/16", &["HQ"])
        .subnet("172.16.0.0/12", &["Far", "HQ"]);
    for server in ["SMP01", "SITE01", "DEPLOY01", "PXE01", "FAR"] {
        let serving = served_by(&seen, &format!("{server}.corp.example"));
        let losses: Vec<_> = serving.down.iter().collect();
        for ((role, uses), (_, loss)) in serving.serves.iter().zip(losses) {
            let served: u64 = uses.iter().map(|one| one.spans.addresses).sum();
            let lost: u64 = loss.affected.iter().map(|one| one.spans.addresses).sum();
            assert_eq!(served, lost, "{server} {role}");
            let clients: usize = uses
                .iter()
                .filter_map(|one| Some(one.clients.as_ref()?.count))
                .sum();
            let affected: usize = loss
                .affected
                .iter()
                .filter_map(|one| Some(one.clients.as_ref()?.count))
                .sum();
            assert_eq!(clients, affected, "{server} {role}");
        }
    }
}

#[test]
fn packages_are_assigned_or_held() {
    let seen = two_sites()
        .package("Everywhere", "all", &["SITE01.corp.example"])
        .package("Pinned", "servers DEPLOY01.corp.example", &[])
        .package(
            "Elsewhere",
            "servers SITE01.corp.example",
            &["SITE01.corp.example"],
        );
    let held = served_by(&seen, "DEPLOY01.corp.example").packages.unwrap();
    let held: Vec<String> = held
        .iter()
        .map(|one| format!("{} {:?} {:?}", one.name, one.assigned, one.holds))
        .collect();
    assert_eq!(
        held,
        [
            "Everywhere Some(true) Some(false)",
            "Pinned Some(true) Some(false)"
        ]
    );
}

#[test]
fn both_fit_their_schemas() {
    use crate::render::json;
    let seen = two_sites().package("Image", "all", &["SITE01.corp.example"]);
    let schema = serde_json::from_str(&json::explanation_schema()).unwrap();
    for asked in ["192.168.10.101", "10.9.9.9", "BOTH", "IMAGE-001", "SITE01"] {
        let explanation = explain(&seen, asked).unwrap();
        for single in [true, false] {
            let text = json::explanation(&explanation, single);
            assert!(single || text.lines().count() == 1);
            let instance = serde_json::from_str(&text).unwrap();
            jsonschema::validate(&schema, &instance).unwrap();
        }
    }
    let schema = serde_json::from_str(&json::serving_schema()).unwrap();
    for server in ["SMP01.corp.example", "DEPLOY01.corp.example"] {
        let text = json::serving(&served_by(&seen, server));
        jsonschema::validate(&schema, &serde_json::from_str(&text).unwrap()).unwrap();
    }
}
